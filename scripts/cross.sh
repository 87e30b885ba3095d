#!/usr/bin/env bash
# cross.sh TARGET [options of cmake]: configures build/cross/TARGET for another CPU or another libc, with its third
# parties static inside (packaging/deps), and prints that folder. Tests run by qemu-user where the CPU is another.
#
#   aarch64-linux-musl, x86_64-linux-musl   clang and musl, by PyPI's ziglang; the tests are static
#   arm-linux-gnueabihf, aarch64-linux-gnu  Debian's cross compilers; arm's time_t has 32 bits, as on armeabi-v7a
set -eu
cd "$(dirname "$0")/.."
target=$1
shift
tools=$PWD/build/cross-tools
bin=$tools/wrappers
mkdir -p "$bin"

case $target in
*-musl)
  zig=ziglang==0.17.1
  if [ ! -x "$tools/bin/python" ]; then python3 -m venv "$tools"; fi
  if [ "$(cat "$tools/version" 2>/dev/null)" != "$zig" ]; then
    PIP_DISABLE_PIP_VERSION_CHECK=1 "$tools/bin/pip" install --quiet "$zig" >&2
    echo "$zig" >"$tools/version"
  fi
  program=$(echo "$tools"/lib/python3*/site-packages/ziglang/zig)
  # Not the system's: musl-tools has a compiler of the same triple, without the kernel's headers.
  # shellcheck disable=SC2016
  wrapper() {
    printf '#!/bin/sh\nexport ZIG_GLOBAL_CACHE_DIR="${XDG_CACHE_HOME:-$HOME/.cache}/libeim/zig"\nexec "%s" %s "$@"\n' \
      "$program" "$2" >"$bin/$1" && chmod +x "$bin/$1"
  }
  wrapper "$target-cc" "cc -target $target"
  wrapper "$target-ar" ar
  wrapper "$target-ranlib" ranlib
  compiler=$bin/$target-cc archiver=$bin/$target-ar ranlib=$bin/$target-ranlib
  ;;
*)
  compiler=$(command -v "$target-gcc") archiver=$(command -v "$target-ar") ranlib=$(command -v "$target-ranlib")
  ;;
esac

cpu=${target%%-*}
emulator=''
if [ "$cpu" != "$(uname -m)" ]; then
  emulator=$(command -v "qemu-$cpu") || { echo "cross: no qemu-$cpu: install qemu-user" >&2 && exit 1; }
  if [ -d "/usr/$target/lib" ]; then emulator="$emulator;-L;/usr/$target"; fi
fi

deps=$(PATH=$bin:$PATH packaging/deps/build.sh --host "$target")
build=$PWD/build/cross/$target
mkdir -p "$build"
cat >"$build/toolchain.cmake" <<END
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR $cpu)
set(CMAKE_C_COMPILER $compiler)
set(CMAKE_AR $archiver)
set(CMAKE_RANLIB $ranlib)
set(CMAKE_CROSSCOMPILING_EMULATOR "$emulator")
set(CMAKE_FIND_ROOT_PATH /nowhere)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
END
launcher=''
case $target in *-musl) ;; *) launcher=$(command -v ccache || :) ;; esac
cmake -S . -B "$build" -G Ninja -DCMAKE_TOOLCHAIN_FILE="$build/toolchain.cmake" -DEIM_DEPS_PREFIX="$deps" \
  -DCMAKE_BUILD_TYPE=Release "-DCMAKE_C_FLAGS_RELEASE=-O2 -g1" -DEIM_WERROR=ON -DCMAKE_C_COMPILER_LAUNCHER="$launcher" \
  "$@" >"$build/configure.log" 2>&1 || { cat "$build/configure.log" >&2 && exit 1; }
echo "$build"
