#!/usr/bin/env bash
# Everything that can be checked, suite by suite (docs/testing.md). Goes on after a failure, prints a summary
# and ends with "N passed, N failed"; status 1 when anything failed. Most suites wait more than they compute, so two
# rows of them run beside each other.
set -u
cd "$(dirname "$0")/.."
scripts/setup.sh --test || exit 1

jobs=$(nproc 2>/dev/null || echo 2)
logs=build/test-logs
rm -rf "$logs"
mkdir -p "$logs"

# record NAME SECONDS PASSED FAILED
record() {
  printf '%-34s %5d passed %5d failed %5d s\n' "$1" "$3" "$4" "$2" | tee -a "$logs/summary"
}

# failure LINES LOG: in one piece, whatever the other row prints.
failure() {
  tail -n "$1" "$2" >"$2.end"
  cat "$2.end"
}

# step NAME COMMAND…: one check; its output goes to a log that is shown when it fails.
step() {
  local name=$1 log="$logs/${1// /-}.log" start=$SECONDS
  shift
  if "$@" >"$log" 2>&1; then
    record "$name" $((SECONDS - start)) 1 0
  else
    failure 60 "$log"
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
  [ "$f" -eq 0 ] || failure 80 "$log"
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
  [ "$f" -eq 0 ] || failure 120 "$log"
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

plain() {
  step "build, dev" build dev && tests dev
  if step "build, release" build release -DEIM_BUILD_TESTS=OFF; then
    library_size
    counted "installation" scripts/install_test.sh build/release
    step "demo" scripts/demo.sh build/release
    counted "the real SDK as a peer" scripts/interop_test.sh build/release
  fi
  counted "Python" timeout -k 10 900 scripts/test-python.sh
  counted "Lua" timeout -k 10 900 scripts/test-lua.sh
}

packages_and_sanitizers() {
  counted "Python wheel" timeout -k 10 1200 scripts/test-wheel.sh
  counted "Java" timeout -k 10 1200 scripts/test-java.sh
  counted "Android" timeout -k 10 1200 scripts/test-android.sh
  step "build, clang" build clang
  step "build, asan" build asan && tests asan
  step "build, tsan" build tsan && tests tsan -R 'unit.(log|net|events|api)|integration'
}

step "clang-format" scripts/lint.sh --style
step "rooms kept apart" scripts/rooms.py
step "no traces of other machines" scripts/traces.sh
for row in plain packages_and_sanitizers; do
  { "$row"; touch "$logs/$row.ended"; } &
done
wait
for row in plain packages_and_sanitizers; do
  [ -f "$logs/$row.ended" ] || record "$row: did not end" 0 0 1
done
counted "Python, asan" timeout -k 10 900 scripts/test-python-asan.sh # it installs into the environment of "Python"

echo
cat "$logs/summary"
library_size
read -r passed failed < <(awk '{for (i = 2; i <= NF; i++) {if ($i == "passed") p += $(i - 1); if ($i == "failed") f += $(i - 1)}} END {print p + 0, f + 0}' "$logs/summary")
echo "$((SECONDS / 60)) min $((SECONDS % 60)) s"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
