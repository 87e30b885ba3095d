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
. scripts/suite.sh

if ! scripts/jar.sh "$build/dist" >"$log/build.log" 2>&1; then
  failed=1
  tail -n 60 "$log/build.log"
  finish
fi

export EIM_SANDBOX=$build/sandbox/eim-sandbox
maven() { cd bindings/java && mvn -B -ntp "$@"; }
reports=$build/bindings/java/maven/surefire-reports
junit 'Java' "$reports" maven "$@" verify
junit 'Java, a million events' "$reports" maven test -Dtest=StressTest "-Deim.vm=-Deim.stress=${EIM_JAVA_EVENTS:-1000000} -Xmx32m"

# What the SDK of the vendor and a bot in Java make of each other.
interop() {
  . scripts/interop_env.sh
  cd "$work" || return 1
  # Node 18, Debian 12's, has no --test-timeout.
  EIM_JAVA_CLASSPATH=$build/dist/'*' EIM_BUILD_DIR=$build timeout -k 10 240 node --test java.interop.mjs
}
counted 'Java, the real SDK as a peer' interop
finish
