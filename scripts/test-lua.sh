#!/usr/bin/env bash
# test-lua.sh [VERSION…]: builds the Lua modules in build/lua and runs all their tests on Lua 5.1 to 5.4 and
# LuaJIT (or on those named): unit tests, sessions against the sandbox, tests/scenarios, states closed in the
# middle, a million events, the examples; valgrind on 5.4 and LuaJIT; a plain installation; luarocks make.
# Ends with "N passed, N failed".
set -u
cd "$(dirname "$0")/.."
versions=("$@")
[ ${#versions[@]} -gt 0 ] || versions=(5.1 5.2 5.3 5.4 jit)
build=$PWD/build/lua
log=$build/test-logs
mkdir -p "$log"
passed=0 failed=0

# add NAME STATUS LOG: counts its last line "N passed, N failed"; shows the log when something is wrong.
add() {
  local p=0 f=0
  if [[ $(tail -n 1 "$3") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
    p=${BASH_REMATCH[1]} f=${BASH_REMATCH[2]}
  fi
  if { [ "$2" -ne 0 ] && [ "$f" -eq 0 ]; } || [ $((p + f)) -eq 0 ]; then f=$((f + 1)); fi
  passed=$((passed + p)) failed=$((failed + f))
  printf '%-34s %4d passed %4d failed\n' "$1" "$p" "$f"
  if [ "$f" -gt 0 ]; then tail -n 60 "$3"; else grep '^  ' "$3"; fi
  return 0
}

# check NAME COMMAND…: one thing that succeeds or does not.
check() {
  local name=$1 file="$log/${1//[ \/]/-}.log" status=0
  shift
  ("$@") >"$file" 2>&1 || status=$?
  if [ $status -eq 0 ]; then echo '1 passed, 0 failed' >>"$file"; else echo '0 passed, 1 failed' >>"$file"; fi
  add "$name" $status "$file"
}

finish() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
  exit
}

build_all() {
  local list
  list=$(IFS=';' && echo "${versions[*]}")
  cmake -S . -B "$build" -G Ninja -DEIM_BUILD_LUA=ON -DEIM_BUILD_CLI=OFF -DEIM_WERROR=ON "-DEIM_LUA_VERSIONS=$list" &&
    cmake --build "$build" --target eim_lua_all eim-sandbox -j "$(nproc)"
}
if ! build_all >"$log/build.log" 2>&1; then
  failed=1
  tail -n 60 "$log/build.log"
  finish
fi

export EIM_LUA_SOURCE=$PWD/bindings/lua EIM_SANDBOX_PROGRAM=$build/sandbox/eim-sandbox EIM_SCENARIOS=$PWD/tests/scenarios
export EIM_EXAMPLES=$PWD/examples/lua

interpreter() { if [ "$1" = jit ]; then echo luajit; else echo "lua$1"; fi; }

# for_version VERSION COMMAND…: with the modules of this Lua, from the folders they are built in.
for_version() {
  local version=$1 suffix folder=$build/bindings/lua/$1
  shift
  for suffix in '' _5_2 _5_3 _5_4; do
    export "LUA_PATH$suffix=$EIM_LUA_SOURCE/?.lua;$EIM_LUA_SOURCE/tests/?.lua;;" "LUA_CPATH$suffix=$folder/?.so;;"
  done
  EIM_LUA_MODULE=$folder EIM_LUA_HOST=$folder/host "$@"
}

# suite VERSION NAME: a file of bindings/lua/tests.
suite() {
  local version=$1 name=$2 status=0 file="$log/$1-$2.log"
  (for_version "$version" timeout 120 "$(interpreter "$version")" "$EIM_LUA_SOURCE/tests/$name.lua") >"$file" 2>&1 || status=$?
  add "Lua $version, $name" $status "$file"
}

# All leaks count, but what is still reachable: OpenSSL and curl keep tables until the process ends.
valgrind_suite() {
  local version=$1 name=$2 status=0 file="$log/valgrind-$1-$2.log"
  (for_version "$version" timeout 170 valgrind -q --leak-check=full \
    --show-leak-kinds=definite,indirect,possible --errors-for-leak-kinds=definite,indirect,possible \
    --error-exitcode=9 --log-file="$file.vg" \
    "$(interpreter "$version")" "$EIM_LUA_SOURCE/tests/$name.lua") >"$file" 2>&1 || status=$?
  if [ -s "$file.vg" ]; then
    status=9
    { cat "$file"; head -n 60 "$file.vg"; echo '0 passed, 1 failed'; } >"$file.all" && mv "$file.all" "$file"
  fi
  add "Lua $version, $name, valgrind" $status "$file"
}

installed() { # a plain installation: found by nothing but its place
  local prefix=$log/prefix version=$1 folder=$1
  [ "$version" = jit ] && folder=5.1
  rm -rf "$prefix"
  cmake --install "$build" --prefix "$prefix" --component lua || return 1
  cd / || return 1
  "$(interpreter "$version")" -e "
    package.path, package.cpath = '$prefix/share/lua/$folder/?.lua', '$prefix/lib/lua/$folder/?.so'
    local eim = require 'eim'
    assert(#eim.version > 0 and eim.client{ appKey = 'org#app' }:state() == 'OFFLINE')"
}

rock() { # luarocks make into a tree of its own
  local tree=$log/rocks
  rm -rf "$tree"
  # Where luarocks builds, and where that is kept for the next time.
  [ ! -d "$build/luarocks" ] || { rm -rf build.luarocks && mv "$build/luarocks" build.luarocks; }
  CMAKE_GENERATOR=Ninja luarocks --lua-version 5.4 --tree "$tree" make bindings/lua/libeim-0.1.0-1.rockspec || return 1
  mv build.luarocks "$build/luarocks"
  cd / || return 1
  eval "$(luarocks --lua-version 5.4 --tree "$tree" path --no-bin)"
  LUA_PATH=$LUA_PATH LUA_PATH_5_4=$LUA_PATH LUA_CPATH_5_4=$LUA_CPATH lua5.4 -e "
    local where = package.searchpath('eim.core', package.cpath)
    assert(where:find('$tree', 1, true), where)
    assert(require('eim').client{ appKey = 'org#app' }:state() == 'OFFLINE')"
}

for version in "${versions[@]}"; do
  for name in unit session scenarios host flat examples; do suite "$version" "$name"; done
done
for version in "${versions[@]}"; do
  case $version in 5.4 | jit)
    valgrind_suite "$version" unit
    valgrind_suite "$version" session
    ;;
  esac
  check "Lua $version, installed" installed "$version"
done
case " ${versions[*]} " in *" 5.4 "*) check "luarocks make, 5.4" rock ;; esac

echo
for version in "${versions[@]}"; do
  (for_version "$version" timeout 60 "$(interpreter "$version")" "$EIM_LUA_SOURCE/bench.lua")
done
finish
