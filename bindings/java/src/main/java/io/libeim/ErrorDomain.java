package io.libeim;

/** Which number space {@link EimException#nativeCode()} is from. */
public enum ErrorDomain {
  /** This library: the number is an {@code eim_status}. */
  LOCAL(CoreConstants.EIM_DOMAIN_LOCAL),
  /** The operating system's errno. */
  OS(CoreConstants.EIM_DOMAIN_OS),
  /** The TLS library. */
  TLS(CoreConstants.EIM_DOMAIN_TLS),
  /** The HTTP status. */
  HTTP(CoreConstants.EIM_DOMAIN_HTTP),
  /** The message server. */
  SERVER(CoreConstants.EIM_DOMAIN_SERVER);

  private static final ErrorDomain[] ALL = values();

  final int number;

  ErrorDomain(int number) {
    this.number = number;
  }

  static ErrorDomain of(int number) {
    for (ErrorDomain one : ALL) {
      if (one.number == number) {
        return one;
      }
    }
    throw new AssertionError("ErrorDomain " + number); // C and Java are of one build
  }
}
