package io.libeim;

/** The server took the message. Immutable. */
public final class SendResult {
  private final String messageId;
  private final String localId;
  private final long time;

  SendResult(eim_result from) {
    this.messageId = from.message_id();
    this.localId = from.local_id();
    this.time = from.time();
  }

  /**
   * The server's id of the message.
   *
   * @return the id, decimal digits
   */
  public String messageId() {
    return messageId;
  }

  /**
   * The id under which it went out.
   *
   * @return the id, decimal digits
   */
  public String localId() {
    return localId;
  }

  /**
   * Server time in ms since 1970.
   *
   * @return the time
   */
  public long time() {
    return time;
  }

  @Override
  public String toString() {
    return "message " + messageId;
  }
}
