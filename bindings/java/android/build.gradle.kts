// The AAR: gradle assembleRelease. README.md beside this file says what it needs.
plugins {
  id("com.android.library") version "8.7.3"
  id("com.android.application") version "8.7.3" apply false
  id("maven-publish")
}

group = "io.libeim"
version = "0.1.0"

val generated = layout.buildDirectory.dir("generated/swig")

// The package-private half of io.libeim, made from the public headers of C.
val swig = tasks.register<Exec>("swig") {
  inputs.dir("../../../core/include")
  inputs.files("../eim_java.i", "../swig.cmake", "../../swig/eim_api.i")
  outputs.dir(generated)
  val folder = generated.get().asFile
  commandLine(
    "cmake", "-DSWIG=swig", "-DJAVA=$folder/io/libeim", "-DWRAPPER=$folder/eim_java.c", "-P", file("../swig.cmake").path,
  )
}

android {
  namespace = "io.libeim.android"
  compileSdk = 34
  ndkVersion = "27.2.12479018"

  defaultConfig {
    minSdk = 21
    consumerProguardFiles("consumer-rules.pro")
    ndk {
      abiFilters += listOf("arm64-v8a", "armeabi-v7a", "x86_64", "x86")
    }
    externalNativeBuild {
      cmake {
        targets += "eim_jni"
        // All of it is C. Pages of 16 KB, as some devices have from Android 15 on; CMakeLists.txt tells the linker too.
        arguments += listOf("-DANDROID_STL=none", "-DANDROID_SUPPORT_FLEXIBLE_PAGE_SIZES=ON")
      }
    }
  }

  externalNativeBuild {
    cmake {
      path = file("CMakeLists.txt")
      version = "3.22.1+"
    }
  }

  compileOptions {
    sourceCompatibility = JavaVersion.VERSION_1_8
    targetCompatibility = JavaVersion.VERSION_1_8
  }

  sourceSets {
    getByName("main") {
      java.srcDirs("src/main/java", "../src/main/java", generated.get().asFile)
    }
  }

  publishing {
    singleVariant("release") {
      withSourcesJar()
    }
  }
}

tasks.named("preBuild") { dependsOn(swig) }

// For tests on a desktop, where the sandbox is a program beside them.
tasks.withType<JavaCompile>().configureEach { exclude("io/libeim/junit/**", "io/libeim/Sandbox.java") }

publishing {
  publications {
    register<MavenPublication>("release") {
      artifactId = "libeim-android"
      afterEvaluate { from(components["release"]) }
    }
  }
}
