#!/usr/bin/env bash
# test-android.sh: what can be proved of the Android half without an NDK or a device (bindings/java/android/README.md says what
# that leaves): Gradle files, the native library, Java on Android's own classes of API 21 and 35 with real sessions, what R8
# leaves of it. Ends with "N passed, N failed".
set -u
cd "$(dirname "$0")/.."
root=$PWD
build=$root/build/android
log=$build/test-logs
. scripts/suite.sh

# --- Gradle: what the files say, and that saying something else is noticed
counted 'Gradle files' scripts/android_files.py

doctored() {
  local copy=$build/doctored before after
  after=$(while IFS='|' read -r file edit; do
    rm -rf "$copy"
    mkdir -p "$copy/bindings" "$copy/packaging" "$copy/examples"
    cp -R bindings/java "$copy/bindings/" && cp -R packaging/deps "$copy/packaging/" && cp -R core/include "$copy/" &&
      cp -R examples/android "$copy/examples/" && cp CMakeLists.txt "$copy/"
    mkdir -p "$copy/core" "$copy/bindings/swig" && mv "$copy/include" "$copy/core/" && cp bindings/swig/*.i "$copy/bindings/swig/"
    if [ "$file" = as-it-is ]; then
      scripts/android_files.py "$copy" | tail -n 1 >&2
      continue
    fi
    before=$(cksum <"$copy/$file")
    sed -i "$edit" "$copy/$file"
    if [ "$(cksum <"$copy/$file")" = "$before" ]; then
      echo "nothing to edit: $file: $edit"
    elif scripts/android_files.py "$copy" >/dev/null; then
      echo "not noticed: $file: $edit"
    fi
  done <<'END'
as-it-is|
bindings/java/android/build.gradle.kts|s/minSdk = 21/minSdk = 24/
bindings/java/android/build.gradle.kts|s/, "x86"//
bindings/java/android/build.gradle.kts|s/0\.1\.0/0.1.1/
bindings/java/android/build.gradle.kts|s/, "-DANDROID_SUPPORT_FLEXIBLE_PAGE_SIZES=ON"//
bindings/java/android/build.gradle.kts|/consumerProguardFiles/d
bindings/java/android/build.gradle.kts|0,/}/s///
bindings/java/android/src/main/AndroidManifest.xml|s/\.INTERNET/.WAKE_LOCK/
bindings/java/android/consumer-rules.pro|/deliver/d
bindings/java/android/consumer-rules.pro|s/native <methods>;//
bindings/java/android/CMakeLists.txt|s/SANDBOX OFF/SANDBOX ON/
bindings/java/CMakeLists.txt|s/-Wl,-z,max-page-size=16384//
bindings/java/eim_java.i|s/"deliver", "(IJ)V"/"deliverAll", "(IJ)V"/
examples/android/src/main/AndroidManifest.xml|s/LibeimService/AnotherService/
packaging/deps/build.sh|s/ armeabi-v7a)/ armeabi)/
CMakeLists.txt|s/VERSION 0\.1\.0/VERSION 0.2.0/
END
  )
  rm -rf "$copy"
  echo "$after"
  [ -z "$after" ]
}
check 'Gradle files, doctored' doctored

# --- the native half
native() {
  if [ ! -f build/java/build.ninja ]; then scripts/jar.sh build/java/dist; fi &&
    cmake --build build/java --target eim_jni eim-sandbox -j "$(nproc 2>/dev/null || echo 2)" &&
    # As Gradle calls it, but for this machine.
    cmake -S bindings/java/android -B "$build/native" -G Ninja -DEIM_DEPS_PREFIX="$(packaging/deps/build.sh)" \
      -DEIM_WERROR=ON -DCMAKE_BUILD_TYPE=Release &&
    cmake --build "$build/native" --target eim_jni -j "$(nproc 2>/dev/null || echo 2)"
}
check 'the native library, by its CMake' native
library=$(find "$build/native" -name libeim_jni.so)
counted 'the checks of ELF' scripts/elf_check_test.sh
counted 'the library for Java' scripts/elf_check.py build/java/bindings/java/natives/io/libeim/native/*/libeim_jni.so
counted 'the library for Android' scripts/elf_check.py "$library"
no_sandbox() {
  ! nm "$library" | grep 'eim_sandbox'
}
check 'no sandbox in it' no_sandbox

# --- Java
export EIM_SANDBOX=$root/build/java/sandbox/eim-sandbox
android() { cd bindings/java/android/check && mvn -B -ntp test -Deim.library="$library"; }
junit 'Java on API 21 and 35' "$build/maven/surefire-reports" android || finish
classes=$build/maven/classes

# Who uses what came after API 21: animal-sniffer (pom.xml) lets these two through.
users() { # users REGEX: classes that name such a class
  jdeps --multi-release base -verbose:class "$classes" 2>/dev/null |
    awk -v wanted="$1" '$1 ~ /^[a-z].*\./ && $2 == "->" {if ($3 ~ wanted) print $1; next}' | sort -u | xargs
}
files_of_desktop() { [ "$(users '^java[.]nio[.]file[.]')" = io.libeim.DesktopLibrary ] || { users '^java[.]nio[.]file[.]' && false; }; }
futures() { [ "$(users '^java[.]util[.]concurrent[.]Complet')" = 'io.libeim.Context io.libeim.Request' ] || { users '^java[.]util[.]concurrent[.]Complet' && false; }; }
check 'java.nio.file: the desktop alone' files_of_desktop
check 'futures: Request and its wait' futures

# --- what becomes of it: made small by R8 with the rules of the AAR, talking to the sandbox; made DEX for API 21, without a warning
tools=$(echo "$build"/maven/tools/r8-*.jar)
jdk=$(dirname "$(dirname "$(readlink -f "$(command -v javac)")")")
shrunk() {
  local work=$build/shrunk line out in
  rm -rf "$work" && mkdir -p "$work/main" "$work/lib" && cd "$work" || return 1
  javac --release 8 -Xlint:-options -cp "$classes" -d main "$root"/bindings/java/android/check/src/shrunk/java/shrunk/Main.java &&
    python3 -c 'import sys, zipfile
jar = zipfile.ZipFile(sys.argv[1])
jar.extractall("json", [n for n in jar.namelist() if n.startswith("org/json/")])' "$build"/maven/tools/android-all-5*.jar &&
    mkdir -p lib/io && cp -R "$classes/io/libeim" lib/io/ && rm -rf lib/io/libeim/android lib/io/libeim/example &&
    jar cfM lib.jar -C lib . && jar cfM main.jar -C main . && jar cfM json.jar -C json . || return 1
  echo '-keep class shrunk.Main { public static void main(java.lang.String[]); }' >main.pro
  java -cp "$tools" com.android.tools.r8.R8 --classfile --release --lib "$jdk" --classpath json.jar --pg-conf main.pro \
    --pg-conf "$root/bindings/java/android/consumer-rules.pro" --pg-map-output map.txt --output out.jar lib.jar main.jar || return 1
  grep -E '^io\.libeim\.Client -> io\.libeim\.[A-Za-z]{1,2}:$' map.txt || return 1 # it has done something
  coproc SANDBOX { "$EIM_SANDBOX" --until-eof --user alice:secret --user bob:secret; }
  out=${SANDBOX[0]} in=${SANDBOX[1]}
  read -r line <&"$out" && mapfile -t where < <(python3 -c 'import json, sys
print(*(json.loads(sys.argv[1])[name] for name in ("appKey", "apiUrl", "url")), sep="\n")' "$line")
  timeout 60 java -Xcheck:jni -Dio.libeim.library="$library" -cp out.jar:json.jar shrunk.Main "${where[@]}" >said 2>&1
  eval "exec $in>&-"
  cat said
  tail -n 1 said | grep -x 'all came' && ! grep -E '^(WARNING|FATAL ERROR) in native method|^WARNING: JNI' said
}
check 'made small by R8' shrunk
dex() {
  local work=$build/dex
  rm -rf "$work" && mkdir -p "$work" && jar cfM "$work/all.jar" -C "$classes" io &&
    java -cp "$tools" com.android.tools.r8.D8 --release --min-api 21 --lib "$jdk" --lib "$build"/maven/tools/android-all-15*.jar \
      --output "$work" "$work/all.jar" 2>&1 | tee "$work/said" && [ -s "$work/classes.dex" ] && [ ! -s "$work/said" ]
}
check 'made DEX for API 21' dex
finish
