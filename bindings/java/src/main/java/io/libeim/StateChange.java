package io.libeim;

/** One move of the session. Immutable. */
public final class StateChange {
  private final State state;
  private final State previous;
  private final EimException cause;
  private final int attempt;
  private final long nextRetryMs;
  private final boolean willRetry;
  private final String user;
  private final String resource;

  StateChange(eim_state_change from) {
    this.state = State.of(from.state());
    this.previous = State.of(from.previous());
    this.cause = EimException.of(from.cause());
    this.attempt = from.attempt();
    this.nextRetryMs = from.next_retry_ms();
    this.willRetry = from.will_retry();
    this.user = from.user();
    this.resource = from.resource();
  }

  /**
   * The state it is in now.
   *
   * @return the state
   */
  public State state() {
    return state;
  }

  /**
   * The state it was in.
   *
   * @return the state
   */
  public State previous() {
    return previous;
  }

  /**
   * Why; null for an ordinary step and for an end that was asked for.
   *
   * @return the reason, or null
   */
  public EimException cause() {
    return cause;
  }

  /**
   * Number of the attempt, from 1; 0: none.
   *
   * @return the number
   */
  public int attempt() {
    return attempt;
  }

  /**
   * Milliseconds until the next attempt; 0 when none is planned.
   *
   * @return the time
   */
  public long nextRetryMs() {
    return nextRetryMs;
  }

  /**
   * The session will try to restore itself.
   *
   * @return whether it will
   */
  public boolean willRetry() {
    return willRetry;
  }

  /**
   * User of the session, {@code ""} before the first login.
   *
   * @return the user id
   */
  public String user() {
    return user;
  }

  /**
   * Device resource the server assigned, {@code ""} before the first login.
   *
   * @return the resource
   */
  public String resource() {
    return resource;
  }

  @Override
  public String toString() {
    return previous + " -> " + state + (cause == null ? "" : ": " + cause.getMessage());
  }
}
