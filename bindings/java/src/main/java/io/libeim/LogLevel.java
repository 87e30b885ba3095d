package io.libeim;

/** Level of a log line. */
public enum LogLevel {
  /** Every frame and step. */
  TRACE(CoreConstants.EIM_LOG_TRACE),
  /** For finding errors. */
  DEBUG(CoreConstants.EIM_LOG_DEBUG),
  /** What happens. */
  INFO(CoreConstants.EIM_LOG_INFO),
  /** What should not happen, and was dealt with. */
  WARN(CoreConstants.EIM_LOG_WARN),
  /** What could not be dealt with. */
  ERROR(CoreConstants.EIM_LOG_ERROR),
  /** Nothing. */
  SILENT(CoreConstants.EIM_LOG_SILENT);

  private static final LogLevel[] ALL = values();

  final int number;

  LogLevel(int number) {
    this.number = number;
  }

  static LogLevel of(int number) {
    for (LogLevel one : ALL) {
      if (one.number == number) {
        return one;
      }
    }
    throw new AssertionError("LogLevel " + number); // C and Java are of one build
  }
}
