package io.libeim;

/** Facts of the library. */
public final class Eim {
  private Eim() {}

  /**
   * Version of the native library, for example {@code 0.1.0}.
   *
   * @return the version
   */
  public static String version() {
    return Core.eim_version_string();
  }
}
