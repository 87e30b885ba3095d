#!/usr/bin/env bash
# Installs the system packages the project builds and tests with, on Debian 12 and newer or Ubuntu 24.04
# and newer. Says what it does; does nothing when nothing is missing.
# setup.sh: for building and the demo. setup.sh --test: also for the tests of every language, make lint, bench, wheel and jar.
# setup.sh --cross: for those and for the tests on other machines (scripts/test-cross.sh).
set -eu

case "$#${1:-}" in
0 | 1--test | 1--cross) ;;
*) echo "usage: scripts/setup.sh [--test | --cross]" >&2 && exit 2 ;;
esac

packages=(
  cmake ninja-build pkg-config gcc libc6-dev binutils             # build
  libwebsockets-dev libwebsockets-evlib-uv libcurl4-openssl-dev   # message socket, REST
  libcjson-dev libssl-dev libuv1-dev
  protobuf-c-compiler protobuf-compiler libprotobuf-c-dev liblz4-dev
  libsqlite3-dev                                                  # the sandbox's --data
  ca-certificates curl python3                                    # demo, tests
)
if [ $# -gt 0 ]; then
  packages+=(
    g++ clang clang-format clang-tidy                             # headers as C++, second compiler, lint
    swig python3-dev python3-venv                                 # bindings/python
    perl make tcl xz-utils                                        # packaging/deps: builds of OpenSSL and SQLite
    lua5.1 liblua5.1-0-dev lua5.2 liblua5.2-dev lua5.3 liblua5.3-dev lua5.4 liblua5.4-dev
    luajit libluajit-5.1-dev luarocks valgrind                    # bindings/lua
  )
  # bindings/java: any JDK from 11 on will do.
  java_major=$(javac -version 2>&1 | sed -n 's/^javac \([0-9]*\).*/\1/p') || java_major=
  if [ -z "$java_major" ] || [ "$java_major" -lt 11 ]; then packages+=(default-jdk-headless); fi
  if ! command -v mvn >/dev/null 2>&1; then packages+=(maven); fi
  # The real SDK is the other side of the interop tests. Any Node from 18 on will do.
  node_major=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/') || node_major=
  if [ -z "$node_major" ] || [ "$node_major" -lt 18 ]; then packages+=(nodejs); fi
  if ! command -v npm >/dev/null 2>&1; then packages+=(npm); fi
fi
if [ "${1:-}" = --cross ]; then
  packages+=(qemu-user gcc-arm-linux-gnueabihf libc6-dev-armhf-cross) # clang and musl come from PyPI
fi

if ! command -v apt-get >/dev/null 2>&1 || ! command -v dpkg-query >/dev/null 2>&1; then
  echo "setup: this is neither Debian nor Ubuntu; install by hand what these bring: ${packages[*]}" >&2
  # CMake names each library that is missing.
  exit 0
fi

installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n${db:Status-Abbrev} ${Provides}\n' 2>/dev/null |
  sed -n 's/^ii *//p' | tr ',' '\n' | sed 's/^ *//; s/ .*//')
missing=()
for package in "${packages[@]}"; do
  grep -qxF -- "$package" <<<"$installed" || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then exit 0; fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null 2>&1; then
    echo "setup: needs root or sudo to run: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

apt() {
  ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get -y -qq \
    -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 "$@"
}

# Runs a command up to three times: mirrors have bad minutes.
thrice() {
  local try
  for try in 1 2 3; do
    if "$@"; then return 0; fi
    echo "setup: attempt $try failed: ${*:2}" >&2
  done
  return 1
}

echo "setup: installing ${missing[*]}${as_root[0]:+ (by sudo)}"
thrice apt update
thrice apt install --no-install-recommends "${missing[@]}" >/dev/null
echo "setup: done"
