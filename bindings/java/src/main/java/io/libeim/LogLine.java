package io.libeim;

/** A line of the log. Immutable. */
public final class LogLine {
  private final long time;
  private final LogLevel level;
  private final String module;
  private final long client;
  private final String message;

  LogLine(long time, LogLevel level, String module, long client, String message) {
    this.time = time;
    this.level = level;
    this.module = module;
    this.client = client;
    this.message = message;
  }

  /**
   * When, in ms since 1970.
   *
   * @return the time
   */
  public long time() {
    return time;
  }

  /**
   * How important.
   *
   * @return the level
   */
  public LogLevel level() {
    return level;
  }

  /**
   * Which part of the library: {@code session}, {@code net} …
   *
   * @return its name
   */
  public String module() {
    return module;
  }

  /**
   * Number of the client in this process; 0: none.
   *
   * @return the number
   */
  public long client() {
    return client;
  }

  /**
   * What happened. Never holds secrets or the text of messages.
   *
   * @return the words
   */
  public String message() {
    return message;
  }

  @Override
  public String toString() {
    return level + " " + module + (client == 0 ? "" : " client " + client) + ": " + message;
  }
}
