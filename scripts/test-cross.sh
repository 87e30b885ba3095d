#!/usr/bin/env bash
# test-cross.sh [TARGET…]: builds core, sandbox, command and tests for other machines (scripts/cross.sh) and runs there, by
# qemu-user, the unit and sim tests and sessions with the sandbox. Ends with "N passed, N failed".
#
#   aarch64-linux-musl     another libc and another CPU; also libeim_jni.so and what it needs of libc, for Android
#   arm-linux-gnueabihf    32 bits, in time_t and off_t too, as Android's armeabi-v7a
set -u
cd "$(dirname "$0")/.."
scripts/setup.sh --cross || exit 1
if [ $# -eq 0 ]; then set -- aarch64-linux-musl arm-linux-gnueabihf; fi
jobs=$(nproc 2>/dev/null || echo 2)
log=$PWD/build/cross
. scripts/suite.sh

build() {
  scripts/cross.sh "$target" "-DEIM_BUILD_JAVA=$java" && cmake --build "$build" -j "$jobs"
}

# What the library for Android would be, with this libc.
for_android() {
  cmake -S bindings/java/android -B "$build-android" -G Ninja -DCMAKE_TOOLCHAIN_FILE="$build/toolchain.cmake" \
    -DEIM_DEPS_PREFIX="$(sed -n 's/^EIM_DEPS_PREFIX:[A-Z]*=//p' "$build/CMakeCache.txt")" -DEIM_WERROR=ON \
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS_RELEASE='-O2 -g1' &&
    cmake --build "$build-android" --target eim_jni -j "$jobs"
}

run() { # run PROGRAM…: there
  ${emulator[@]+"${emulator[@]}"} "$@"
}

eim() { # eim VERB USER …
  local verb=$1 user=$2
  shift 2
  EIM_PASSWORD=secret run "$build/cli/eim" "$verb" --sandbox "$box" --user "$user" --device-id "$user-1" "$@"
}

# logins OPTION OF THE SANDBOX…: the sandbox and the command, both of the other machine.
logins() {
  local box line status
  box=$(mktemp)
  coproc SANDBOX { run "$build/sandbox/eim-sandbox" --until-eof --user alice:secret --user bob:secret "$@"; }
  local out=${SANDBOX[0]} in=${SANDBOX[1]} id=$SANDBOX_PID
  read -r line <&"$out" && echo "$line" >"$box" && # it is there
    eim login bob --for 1 && eim send alice --to bob 'over there' && eim listen bob --count 1 --for 60 | grep 'over there' &&
    ! EIM_PASSWORD=wrong run "$build/cli/eim" login --sandbox "$box" --user bob --for 1
  status=$?
  eval "exec $in>&-"
  wait "$id" || status=1
  rm -f "$box"
  return $status
}

for target in "$@"; do
  build=$PWD/build/cross/$target
  log=$build/test-logs
  mkdir -p "$log"
  java=OFF
  case $target in *-musl) java=ON ;; esac
  check "$target, build" build || continue
  IFS=';' read -r -a emulator <<<"$(sed -n 's/^set(CMAKE_CROSSCOMPILING_EMULATOR "\(.*\)")$/\1/p' "$build/toolchain.cmake")"

  start=$SECONDS status=0 file=$log/ctest.log
  EIM_TEST_EMULATOR=${emulator[0]-} QEMU_LD_PREFIX=${emulator[2]-/} ctest --test-dir "$build" -R '^(unit|sim)|client_session$' -j "$jobs" --timeout 600 --no-tests=error \
    --output-on-failure --test-output-size-passed 1000000 --output-junit "$log/ctest.xml" >"$file" 2>&1 || status=$?
  read -r p f < <(scripts/count.py junit "$log/ctest.xml") || { p=0 f=1; }
  add "$target, unit, sim, client_session" $status "$p" "$f" "$file" $((SECONDS - start))
  if [ $java = OFF ]; then
    check "$target, logins and a message" logins
    check "$target, the same over TLS" logins --tls
  else # the programs would need a libc that this machine is without; the tests have theirs inside
    check "$target, library for Android" for_android || continue
    counted "$target, its ELF properties" scripts/elf_check.py --libc scripts/android_libc.txt \
      "$(find "$build-android" -name libeim_jni.so)"
  fi
done
finish
