package io.libeim;

/**
 * Loads libeim_jni.so: on Android that of the application, elsewhere what {@link DesktopLibrary} finds. Two classes, since the
 * other one needs java.nio.file, which Android has from API 26 on.
 */
final class NativeLibrary {
  static final String NAME = "eim_jni";

  private NativeLibrary() {}

  static void load() {
    if (isAndroid()) {
      System.loadLibrary(NAME);
    } else {
      DesktopLibrary.load();
    }
  }

  private static boolean isAndroid() {
    return "The Android Project".equals(System.getProperty("java.specification.vendor"))
        || "Dalvik".equals(System.getProperty("java.vm.name"));
  }
}
