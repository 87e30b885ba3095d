package io.libeim;

/** Facts about the access token. Immutable. */
public final class TokenEvent {
  private final TokenReason reason;
  private final long expiresAt;
  private final long remainingMs;
  private final long deadlineMs;

  TokenEvent(eim_token_event from) {
    this.reason = TokenReason.of(from.reason());
    this.expiresAt = from.expires_at();
    this.remainingMs = from.remaining_ms();
    this.deadlineMs = from.deadline_ms();
  }

  /**
   * What is the matter with it.
   *
   * @return the reason
   */
  public TokenReason reason() {
    return reason;
  }

  /**
   * End of its life, server time in ms since 1970; 0: unknown.
   *
   * @return the time
   */
  public long expiresAt() {
    return expiresAt;
  }

  /**
   * Life left in ms when the event was made; 0 when over or unknown.
   *
   * @return the time
   */
  public long remainingMs() {
    return remainingMs;
  }

  /**
   * For a {@link TokenProvider}: ms to answer; 0 otherwise.
   *
   * @return the time
   */
  public long deadlineMs() {
    return deadlineMs;
  }

  @Override
  public String toString() {
    return reason + ", " + remainingMs + " ms left";
  }
}
