#!/usr/bin/env bash
# Everything that can be checked, suite by suite (docs/testing.md). Goes on after a failure, prints a summary
# and ends with "N passed, N failed"; status 1 when anything failed.
set -u
cd "$(dirname "$0")/.."
scripts/setup.sh --test || exit 1

jobs=$(nproc 2>/dev/null || echo 2)
logs=build/test-logs
rm -rf "$logs"
mkdir -p "$logs"
passed=0 failed=0 summary=()

# record NAME SECONDS PASSED FAILED
record() {
  passed=$((passed + $3)) failed=$((failed + $4))
  summary+=("$(printf '%-34s %5d passed %5d failed %5d s' "$1" "$3" "$4" "$2")")
  echo "${summary[-1]}"
}

# step NAME COMMAND…: one check; its output goes to a log that is shown when it fails.
step() {
  local name=$1 log="$logs/${1// /-}.log" start=$SECONDS
  shift
  if "$@" >"$log" 2>&1; then
    record "$name" $((SECONDS - start)) 1 0
  else
    tail -n 60 "$log"
    record "$name" $((SECONDS - start)) 0 1
    return 1
  fi
}

# counted NAME COMMAND…: a suite that counts by itself.
counted() {
  local name=$1 log="$logs/${1// /-}.log" start=$SECONDS p f ok=0
  shift
  "$@" >"$log" 2>&1 || ok=1
  read -r p f < <(scripts/count.py text "$log")
  if [ $ok -ne 0 ] && [ "$f" -eq 0 ]; then f=1; fi
  if [ $((p + f)) -eq 0 ]; then f=1; fi # nothing ran
  [ "$f" -eq 0 ] || tail -n 80 "$log"
  record "$name" $((SECONDS - start)) "$p" "$f"
}

# tests PRESET [ctest options]: the ctest suites of a preset.
tests() {
  local preset=$1 start=$SECONDS p f ok=0
  local log="$logs/tests-$preset.log" junit="$PWD/$logs/tests-$preset.xml"
  shift
  # Without the size ctest cuts the closing lines off that are counted.
  ctest --test-dir "build/$preset" --output-on-failure --no-tests=error --timeout 300 -j "$jobs" \
    --test-output-size-passed 1000000 --output-junit "$junit" "$@" >"$log" 2>&1 || ok=1
  read -r p f < <(scripts/count.py junit "$junit") || { p=0 f=1; }
  if [ $ok -ne 0 ] && [ "$f" -eq 0 ]; then f=1; fi
  [ "$f" -eq 0 ] || tail -n 120 "$log"
  record "tests, $preset" $((SECONDS - start)) "$p" "$f"
}

build() { # build PRESET [options of cmake]
  local preset=$1
  shift
  cmake --preset "$preset" "$@" && cmake --build --preset "$preset" -j "$jobs"
}

library_size() {
  local copy="$logs/libeim.so"
  cp -L build/release/core/libeim.so "$copy" && strip "$copy" &&
    echo "libeim.so, stripped release build: $(($(stat -c %s "$copy") / 1024)) KB"
}

echo "== gcc, debug"
step "build, dev" build dev && tests dev
echo "== clang"
step "build, clang" build clang
echo "== release"
if step "build, release" build release -DEIM_BUILD_TESTS=OFF; then
  library_size
  counted "installation" scripts/install_test.sh build/release
  counted "the real SDK as a peer" scripts/interop_test.sh build/release
  step "demo" scripts/demo.sh build/release
fi
echo "== languages"
counted "Python" timeout -k 10 900 scripts/test-python.sh
counted "Python wheel" timeout -k 10 1200 scripts/test-wheel.sh
counted "Lua" timeout -k 10 900 scripts/test-lua.sh
counted "Java" timeout -k 10 1200 scripts/test-java.sh
counted "Android" timeout -k 10 1200 scripts/test-android.sh
echo "== AddressSanitizer, UBSan, LeakSanitizer"
step "build, asan" build asan && tests asan
counted "Python, asan" timeout -k 10 900 scripts/test-python-asan.sh
echo "== ThreadSanitizer"
step "build, tsan" build tsan && tests tsan -R 'unit.(log|net|events|api)|integration'
echo "== style"
step "clang-format" scripts/lint.sh --style
step "rooms kept apart" scripts/rooms.py
step "no traces of other machines" scripts/traces.sh

echo
printf '%s\n' "${summary[@]}"
library_size
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
