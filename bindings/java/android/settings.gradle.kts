pluginManagement {
  repositories {
    google()
    mavenCentral()
    gradlePluginPortal()
  }
}

dependencyResolutionManagement {
  repositoriesMode.set(RepositoriesMode.FAIL_ON_PROJECT_REPOS)
  repositories {
    google()
    mavenCentral()
  }
}

rootProject.name = "libeim-android"

// The sample, against this very source: gradle :sample:installDebug
include(":sample")
project(":sample").projectDir = file("../../../examples/android")
