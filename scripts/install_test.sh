#!/usr/bin/env bash
# install_test.sh BUILD: installs into an empty prefix and uses what is there as a stranger would: by
# pkg-config, by find_package(eim), header by header; compares the exported names with the headers'.
# Ends with "N passed, N failed".
set -u
cd "$(dirname "$0")/.."
build=${1:?which build directory?}
source_dir=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

check() { # check NAME COMMAND…
  local name=$1
  shift
  if "$@" >"$work/log" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED $name: $*"
    sed 's/^/    /' "$work/log"
  fi
}

prefix=$work/prefix
check "cmake --install" cmake --install "$build" --prefix "$prefix"
libdir=$(dirname "$(find "$prefix" -name libeim.so | head -1)")
export PKG_CONFIG_PATH=$libdir/pkgconfig LD_LIBRARY_PATH=$libdir

# --- a program, by pkg-config and by CMake
by_pkg_config() {
  gcc -std=c11 -Wall -Wextra -Werror examples/echo.c -o "$work/echo-pc" $(pkg-config --cflags --libs eim)
}
by_static() { # the third parties as they are, the archive instead of the shared library
  gcc -std=c11 examples/echo.c -o "$work/echo-static" $(pkg-config --cflags eim) "$libdir/libeim.a" \
    $(pkg-config --print-requires-private eim | xargs pkg-config --libs) -pthread
}
by_cmake() {
  mkdir -p "$work/consumer" &&
    printf '%s\n' 'cmake_minimum_required(VERSION 3.22)' 'project(consumer LANGUAGES C)' \
      'find_package(eim 0.1 REQUIRED)' "add_executable(echo $source_dir/examples/echo.c)" \
      'target_link_libraries(echo PRIVATE eim::eim)' >"$work/consumer/CMakeLists.txt" &&
    cmake -S "$work/consumer" -B "$work/consumer/build" -DCMAKE_PREFIX_PATH="$prefix" &&
    cmake --build "$work/consumer/build"
}
usage_is_2() { # without arguments: says how it is used, status 2
  "$1" >/dev/null 2>"$work/usage"
  [ $? -eq 2 ] && grep -q usage "$work/usage"
}
check "pkg-config" by_pkg_config
check "pkg-config, program runs" usage_is_2 "$work/echo-pc"
check "static library" by_static
check "static library, program runs" usage_is_2 "$work/echo-static"
check "find_package" by_cmake
check "find_package, program runs" usage_is_2 "$work/consumer/build/echo"
check "installed eim runs" env -u LD_LIBRARY_PATH "$prefix/bin/eim" --version
check "installed eim-sandbox runs" "$prefix/bin/eim-sandbox" --help
check "man page" test -s "$prefix/share/man/man1/eim.1"

# --- headers alone
for header in "$prefix"/include/eim/*.h; do
  name=$(basename "$header")
  for std in c99 c11; do
    check "$name as $std" gcc -std=$std -Wall -Wextra -Wpedantic -Werror -I "$prefix/include" -x c -fsyntax-only "$header"
  done
  check "$name as C++17" clang++ -std=c++17 -Wall -Wextra -Wpedantic -Werror -Wno-pragma-once-outside-header \
    -I "$prefix/include" -x c++ -fsyntax-only "$header"
done

# --- exported names: those of the headers, all of them, and nothing else
names() { cat "$prefix"/include/eim/*.h | tr '\n' ' ' | grep -o 'EIM_API [^;(]*(' | grep -o 'eim_[a-z0-9_]*($\|eim_[a-z0-9_]*(' | tr -d '(' | sort -u; }
exports() { nm -D --defined-only "$libdir/libeim.so" | awk '$2 != "A" {print $3}' | sed 's/@.*//' | sort -u; }
same_names() { diff <(names) <(exports); }
check "exports (< header only, > library only)" same_names

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
