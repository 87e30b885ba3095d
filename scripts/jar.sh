#!/usr/bin/env bash
# jar.sh [FOLDER]: builds libeim_jni.so with the third parties inside (packaging/deps) and from it the jar for Java, with
# its sources and documentation and what it depends on, into dist/ or FOLDER. The last line of stdout is the jar's path.
#
# JAVA_HOME chooses a JDK (11 or newer). scripts/test-java.sh tests it.
set -eu
cd "$(dirname "$0")/.."
folder=${1:-dist}
build=$PWD/build/java
deps=$(packaging/deps/build.sh)
{
  cmake -S . -B "$build" -G Ninja -DEIM_BUILD_JAVA=ON -DEIM_BUILD_CLI=OFF -DEIM_BUILD_TESTS=OFF -DEIM_WERROR=ON \
    -DCMAKE_BUILD_TYPE=Release -DEIM_DEPS_PREFIX="$deps"
  cmake --build "$build" --target eim_jni eim-sandbox -j "$(nproc 2>/dev/null || echo 2)"
  cd bindings/java
  mvn -B -ntp -q -DskipTests package
} >&2
cd ../..
mkdir -p "$folder"
rm -f "$folder"/libeim-*.jar
cp "$build"/bindings/java/maven/libeim-*.jar "$build"/bindings/java/maven/lib/*.jar "$folder/"
ls "$folder"/libeim-*[0-9].jar
