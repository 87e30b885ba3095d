package io.libeim;

/** Takes the library's log: {@link EimLog#setListener}. */
@FunctionalInterface
public interface LogListener {
  /**
   * A line. On a daemon thread of its own, one after the other.
   *
   * @param line the line
   */
  void onLine(LogLine line);
}
