package io.libeim;

/** Kind of a message. */
public enum MessageKind {
  /** A kind this version does not know: see {@link Message#body()}. */
  UNKNOWN(CoreConstants.EIM_MESSAGE_UNKNOWN),
  /** Text. */
  TEXT(CoreConstants.EIM_MESSAGE_TEXT),
  /** A picture. */
  IMAGE(CoreConstants.EIM_MESSAGE_IMAGE),
  /** A film. */
  VIDEO(CoreConstants.EIM_MESSAGE_VIDEO),
  /** A place. */
  LOCATION(CoreConstants.EIM_MESSAGE_LOCATION),
  /** A recording. */
  VOICE(CoreConstants.EIM_MESSAGE_VOICE),
  /** A file. */
  FILE(CoreConstants.EIM_MESSAGE_FILE),
  /** A word to the application, not shown to people. */
  COMMAND(CoreConstants.EIM_MESSAGE_COMMAND),
  /** A kind of one's own. */
  CUSTOM(CoreConstants.EIM_MESSAGE_CUSTOM),
  /** Several messages forwarded as one. */
  COMBINE(CoreConstants.EIM_MESSAGE_COMBINE);

  private static final MessageKind[] ALL = values();

  final int number;

  MessageKind(int number) {
    this.number = number;
  }

  static MessageKind of(int number) {
    for (MessageKind one : ALL) {
      if (one.number == number) {
        return one;
      }
    }
    throw new AssertionError("MessageKind " + number); // C and Java are of one build
  }
}
