// Built with the library, by its settings: gradle :sample:installDebug in bindings/java/android.
plugins {
  id("com.android.application")
}

android {
  namespace = "io.libeim.example"
  compileSdk = 34

  defaultConfig {
    applicationId = "io.libeim.example"
    minSdk = 21
    targetSdk = 34
    versionCode = 1
    versionName = "0.1.0"
  }

  buildTypes {
    getByName("release") {
      isMinifyEnabled = true // by the rules in the AAR; it has none of its own
      proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"))
    }
  }

  compileOptions {
    sourceCompatibility = JavaVersion.VERSION_1_8
    targetCompatibility = JavaVersion.VERSION_1_8
  }
}

dependencies {
  implementation(project(":"))
}
