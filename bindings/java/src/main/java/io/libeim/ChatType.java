package io.libeim;

/** Kind of a conversation. */
public enum ChatType {
  /** With one user. */
  SINGLE(CoreConstants.EIM_CHAT_SINGLE),
  /** A group. */
  GROUP(CoreConstants.EIM_CHAT_GROUP),
  /** A chat room. */
  ROOM(CoreConstants.EIM_CHAT_ROOM);

  private static final ChatType[] ALL = values();

  final int number;

  ChatType(int number) {
    this.number = number;
  }

  static ChatType of(int number) {
    for (ChatType one : ALL) {
      if (one.number == number) {
        return one;
      }
    }
    throw new AssertionError("ChatType " + number); // C and Java are of one build
  }
}
