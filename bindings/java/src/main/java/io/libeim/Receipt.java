package io.libeim;

import java.util.Map;

/** The server, or the other side, has a message. Immutable. */
public final class Receipt {
  private final ReceiptKind kind;
  private final String messageId;
  private final String localId;
  private final String from;
  private final String to;
  private final ChatType chatType;
  private final long time;
  private final String json;

  Receipt(eim_receipt from) {
    this.kind = ReceiptKind.of(from.get_kind());
    this.messageId = from.message_id();
    this.localId = from.local_id();
    this.from = from.from();
    this.to = from.to();
    this.chatType = ChatType.of(from.get_chat_type());
    this.time = from.time();
    this.json = from.json();
  }

  /**
   * What happened to the message.
   *
   * @return the kind
   */
  public ReceiptKind kind() {
    return kind;
  }

  /**
   * Id the server gave to the message, {@code ""} for a conversation.
   *
   * @return the id, decimal digits
   */
  public String messageId() {
    return messageId;
  }

  /**
   * Id under which it was sent from here, {@code ""} unless the kind is SENT.
   *
   * @return the id, decimal digits
   */
  public String localId() {
    return localId;
  }

  /**
   * Who says so.
   *
   * @return the user id
   */
  public String from() {
    return from;
  }

  /**
   * To whom.
   *
   * @return the user, group or room id
   */
  public String to() {
    return to;
  }

  /**
   * Single chat, group or room.
   *
   * @return the type
   */
  public ChatType chatType() {
    return chatType;
  }

  /**
   * Server time in ms since 1970.
   *
   * @return the time
   */
  public long time() {
    return time;
  }

  /**
   * What came with it: {@code ext} of a recall, {@code ackContent} of a group's read receipt, {@code groupReadCount}.
   *
   * @return a JSON object
   */
  public String json() {
    return json;
  }

  /**
   * {@link #json()} as a map.
   *
   * @return it, unmodifiable
   */
  public Map<String, Object> data() {
    return Json.object(json);
  }

  @Override
  public String toString() {
    return kind + " " + messageId + " " + from + " -> " + to;
  }
}
