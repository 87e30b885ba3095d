package io.libeim;

/** Progress of an upload or download. Immutable. */
public final class Progress {
  private final long token;
  private final long done;
  private final long total;

  Progress(eim_progress from) {
    this.token = from.token();
    this.done = from.done();
    this.total = from.total();
  }

  /**
   * Which request: {@link Request#token()}.
   *
   * @return its token
   */
  public long token() {
    return token;
  }

  /**
   * Bytes so far.
   *
   * @return the count
   */
  public long done() {
    return done;
  }

  /**
   * Bytes in all, -1 when unknown.
   *
   * @return the count
   */
  public long total() {
    return total;
  }

  @Override
  public String toString() {
    return done + "/" + (total < 0 ? "?" : Long.toString(total));
  }
}
