#!/usr/bin/env bash
# test-java.sh [options of mvn]: builds libeim_jni.so with the third parties inside, the jar with sources and
# documentation, and runs all tests of Java: JUnit with the sandbox and tests/scenarios under -Xcheck:jni, a million events
# in a small heap, the examples, easemob-websdk as a peer. Ends with "N passed, N failed".
#
# JAVA_HOME chooses a JDK (11 or newer to build). EIM_JAVA_EVENTS: how many events, 1000000.
set -u
cd "$(dirname "$0")/.."
build=$PWD/build/java
log=$build/test-logs
mkdir -p "$log"
passed=0 failed=0

# add NAME STATUS PASSED FAILED LOG
add() {
  local p=$3 f=$4
  if { [ "$2" -ne 0 ] && [ "$f" -eq 0 ]; } || [ $((p + f)) -eq 0 ]; then f=$((f + 1)); fi
  passed=$((passed + p)) failed=$((failed + f))
  printf '%-34s %4d passed %4d failed\n' "$1" "$p" "$f"
  [ "$f" -eq 0 ] || tail -n 80 "$5"
}

# check NAME COMMAND…: one thing that succeeds or does not.
check() {
  local name=$1 file="$log/${1//[ \/]/-}.log" status=0
  shift
  ("$@") >"$file" 2>&1 || status=$?
  add "$name" $status $((status == 0)) $((status != 0)) "$file"
}

# junit NAME options of mvn…: counts by the reports; what the VM complains about (-Xcheck:jni) fails.
junit() {
  local name=$1 file="$log/${1//[ \/]/-}.log" status=0 p f
  shift
  rm -rf "$build"/bindings/java/maven/surefire-reports
  (cd bindings/java && mvn -B -ntp "$@") >"$file" 2>&1 || status=$?
  read -r p f < <(scripts/count.py surefire "$build"/bindings/java/maven/surefire-reports/TEST-*.xml) || { p=0 f=1; }
  grep '; resident ' "$file"
  if grep -E '^(WARNING|FATAL ERROR) in native method|^WARNING: JNI|handler modified' "$file"; then
    echo 'the VM complains' >>"$file"
    f=$((f + 1))
  fi
  add "$name" $status "$p" "$f" "$file"
}

finish() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
  exit
}

if ! scripts/jar.sh "$build/dist" >"$log/build.log" 2>&1; then
  failed=1
  tail -n 60 "$log/build.log"
  finish
fi

export EIM_SANDBOX=$build/sandbox/eim-sandbox
junit 'Java' "$@" verify
junit 'Java, a million events' test -Dtest=StressTest "-Deim.vm=-Deim.stress=${EIM_JAVA_EVENTS:-1000000} -Xmx32m"

# What the SDK of the vendor and a bot in Java make of each other.
interop() {
  . scripts/interop_env.sh
  cd "$work" || return 1
  EIM_JAVA_CLASSPATH=$build/dist/'*' EIM_BUILD_DIR=$build node --test --test-timeout=120000 java.interop.mjs
}
file="$log/interop.log" status=0
(interop) >"$file" 2>&1 || status=$?
read -r p f < <(scripts/count.py text "$file")
add 'Java, the real SDK as a peer' $status "$p" "$f" "$file"
finish
