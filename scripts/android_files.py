#!/usr/bin/env python3
"""android_files.py [ROOT]: what the Gradle module and the sample for Android say must be what we promise, and must
agree with the rest of the project. Nothing here can run Gradle. Ends with "N passed, N failed"."""

import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent)
JAVA = ROOT / "bindings/java"
ANDROID = JAVA / "android"
SAMPLE = ROOT / "examples/android"
NAME = "{http://schemas.android.com/apk/res/android}name"
counts = [0, 0]


def check(what: str, good: bool, why: object = "") -> None:
    counts[not good] += 1
    if not good:
        print(f"FAILED {what}: {why}")


def read(path: Path) -> str:
    """Without comments; "" for what is not there, so that its checks fail and the others go on."""
    if not path.is_file():
        return ""
    text = path.read_text()
    if path.suffix in (".kts", ".java"):
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        text = re.sub(r"^\s*//.*|(?<=\s)//\s.*", "", text, flags=re.M)
    elif path.suffix in (".pro", ".cmake", ".txt"):
        text = re.sub(r"#.*", "", text)
    return text


def one(text: str, pattern: str) -> str:
    found = re.findall(pattern, text)
    return found[0] if len(found) == 1 else f"{len(found)} matches of {pattern}"


def permissions(manifest: Path) -> set[str]:
    if not manifest.is_file():
        return {"no manifest"}
    return {
        element.get(NAME, "").removeprefix("android.permission.")
        for element in ElementTree.parse(manifest).getroot().iter("uses-permission")
    }


def brackets(path: Path) -> None:
    text = re.sub(r'"(?:[^"\\]|\\.)*"', '""', read(path))
    stack: list[str] = []
    for c in text:
        if c in "([{":
            stack.append(c)
        elif c in ")]}" and (not stack or "([{".index(stack.pop()) != ")]}".index(c)):
            stack.append("!")
            break
    check(f"{path.name} in {path.parent.name}: brackets", bool(text) and not stack, stack)


gradle = read(ANDROID / "build.gradle.kts")
sample = read(SAMPLE / "build.gradle.kts")
settings = read(ANDROID / "settings.gradle.kts")
for file in (ANDROID / "build.gradle.kts", ANDROID / "settings.gradle.kts", SAMPLE / "build.gradle.kts"):
    brackets(file)

# --- the same version everywhere
version = one(read(ROOT / "CMakeLists.txt"), r"project\(libeim VERSION (\S+)")
check("version of the project", re.fullmatch(r"\d+\.\d+\.\d+", version) is not None, version)
check("version of the AAR", one(gradle, r'(?m)^version = "(.*)"') == version, version)
check("version of the sample", one(sample, r'versionName = "(.*)"') == version, version)
pom = ElementTree.parse(JAVA / "pom.xml").getroot()
check("version of the jar", pom.findtext("{*}version") == version, version)
check("group", one(gradle, r'(?m)^group = "(.*)"') == pom.findtext("{*}groupId"))

# --- what it is built for
check("minSdk", one(gradle, r"minSdk = (\d+)") == "21" == one(sample, r"minSdk = (\d+)"))
compile_sdk = one(gradle, r"compileSdk = (\d+)")
check("compileSdk", compile_sdk.isdigit() and int(compile_sdk) >= 34 and one(sample, r"compileSdk = (\d+)") == compile_sdk)
target = one(sample, r"targetSdk = (\d+)")
check("targetSdk of the sample", target.isdigit() and 34 <= int(target) <= int(compile_sdk), target)
abis = set(re.findall(r'"([^"]+)"', one(gradle, r"abiFilters \+= listOf\((.*?)\)")))
check("ABIs", abis == {"arm64-v8a", "armeabi-v7a", "x86_64", "x86"}, abis)
recipe = (ROOT / "packaging/deps/build.sh").read_text()
for abi in sorted(abis):
    check(f"third parties for {abi}", re.search(rf"(?m)^  {re.escape(abi)}\) host=\S+-linux-android", recipe) is not None)
check("API of the third parties", "${ANDROID_API:-21}" in recipe)
ndk = one(gradle, r'ndkVersion = "(\d+)\.')
check("NDK with pages of 16 KB", ndk.isdigit() and int(ndk) >= 27, ndk)
for java in (gradle, sample):
    check("Java 8", java.count("JavaVersion.VERSION_1_8") == 2)
cmake_java = read(JAVA / "CMakeLists.txt")
check("pages of 16 KB, linker", "-Wl,-z,max-page-size=16384" in cmake_java)
check("pages of 16 KB, NDK", '"-DANDROID_SUPPORT_FLEXIBLE_PAGE_SIZES=ON"' in gradle)
check("RELRO, BIND_NOW", "-Wl,-z,relro -Wl,-z,now" in cmake_java)
check("exports", re.sub(r"\s+", " ", (JAVA / "eim_java.map").read_text()).strip() == "{ global: Java_*; local: *; };")

# --- the native half
check("CMake of the module", one(gradle, r'path = file\("(.*)"\)') == "CMakeLists.txt")
check("one target", one(gradle, r'targets \+= "(.*)"') == "eim_jni" and "add_library(eim_jni SHARED" in cmake_java)
module = read(ANDROID / "CMakeLists.txt")
for option, value in (("JAVA", "ON"), ("SANDBOX", "OFF"), ("CLI", "OFF"), ("TESTS", "OFF")):
    check(f"EIM_BUILD_{option}", one(module, rf"set\(EIM_BUILD_{option} (\w+)\)") == value)
check("third parties by the recipe", re.search(r"packaging/deps/build\.sh --android \$\{ANDROID_ABI\}", module) is not None)
check("with the NDK of the module", "ANDROID_NDK_HOME=${ANDROID_NDK}" in module and "ANDROID_API=${ANDROID_PLATFORM_LEVEL}" in module)
check("no C++ runtime", '"-DANDROID_STL=none"' in gradle)
loaded = one(read(JAVA / "src/main/java/io/libeim/NativeLibrary.java"), r'NAME = "(.*)"')
check("the library that is loaded", loaded == "eim_jni", loaded)

# --- the Java half
sources = re.findall(r'"([^"]+)"', one(gradle, r"java\.srcDirs\((.*?)\)\n"))
check("sources", sources == ["src/main/java", "../src/main/java"], sources)
for folder in sources:
    check(f"sources in {folder}", any((ANDROID / folder).rglob("*.java")))
excluded = re.findall(r'"([^"]+)"', one(gradle, r"JavaCompile>\(\)\.configureEach \{ exclude\((.*?)\) \}"))
check("excluded", excluded == ["io/libeim/junit/**", "io/libeim/Sandbox.java"], excluded)
check("what is excluded is there", (JAVA / "src/main/java/io/libeim/Sandbox.java").is_file())
proof = ElementTree.parse(ANDROID / "check/pom.xml").getroot()
check("the proof compiles the same", [e.text for e in proof.iter("{http://maven.apache.org/POM/4.0.0}exclude")] == excluded)
check("version of the proof", proof.findtext("{*}version") == version)
swig = one(gradle, r"(?s)commandLine\((.*?)\n  \)")
check("SWIG by the same script", '"-P", file("../swig.cmake").path' in swig and "swig.cmake" in cmake_java, swig)
for file in re.findall(r'"(\.\./[^"]+)"', gradle):
    check(f"{file} is there", (ANDROID / file).exists())
check("before all else", 'tasks.named("preBuild") { dependsOn(swig) }' in gradle)
check("namespace", one(gradle, r'namespace = "(.*)"') == "io.libeim.android")

# --- permissions
check("permissions of the library", permissions(ANDROID / "src/main/AndroidManifest.xml") == {"INTERNET"})
asked = permissions(SAMPLE / "src/main/AndroidManifest.xml")
check("permissions of the sample", asked == {
    "ACCESS_NETWORK_STATE", "FOREGROUND_SERVICE", "FOREGROUND_SERVICE_SPECIAL_USE", "POST_NOTIFICATIONS"}, asked)
manifest = ElementTree.parse(SAMPLE / "src/main/AndroidManifest.xml").getroot()
for kind in ("activity", "service"):
    for element in manifest.iter(kind):
        path = SAMPLE / "src/main/java/io/libeim/example" / (element.get(NAME, "").lstrip(".") + ".java")
        check(f"{kind} {path.stem}", path.is_file())
        check(f"{kind} {path.stem} says whether it is exported", element.get(NAME[:-4] + "exported") == str(kind == "activity").lower())

# --- R8
rules_file = one(gradle, r'consumerProguardFiles\("(.*)"\)')
rules = read(ANDROID / rules_file)
glue = (JAVA / "eim_java.i").read_text()
check("rules keep the class with natives", re.search(r"-keep,\S+ class io\.libeim\.CoreJNI \{\s*native <methods>;", rules) is not None)
for method, signature in re.findall(r'GetStaticMethodID\(jenv, self, "(\w+)", "(\S+)"\)', glue):
    check(f"rules keep {method}", (method, signature) == ("raise", "(JI)V") and "static void raise(long, int);" in rules)
kept = one(rules, r"(?s)-keepclassmembers class io\.libeim\.Sink \{(.*?)\}")
called = set(re.findall(r'GetMethodID\(jenv, sink, "(\w+)"', glue))
check("methods that C calls", called == {"deliver", "line", "wants"}, called)
for method in called:
    check(f"rules keep {method}", re.search(rf"\b{method}\(", kept) is not None)
check("the sample is shrunk by the rules of the library alone", "isMinifyEnabled = true" in sample and not re.search(r"\w\.pro\"", sample))

# --- the sample
check("the sample is part of the build", 'include(":sample")' in settings and (ANDROID / one(settings, r'projectDir = file\("(.*)"\)')).resolve() == SAMPLE.resolve())
check("the sample uses this library", 'implementation(project(":"))' in sample)

print(f"{counts[0]} passed, {counts[1]} failed")
sys.exit(counts[1] != 0)
