package io.libeim;

/** What a receipt says about a message. */
public enum ReceiptKind {
  /** The server took it. */
  SENT(CoreConstants.EIM_RECEIPT_SENT),
  /** A device of the other side has it. */
  DELIVERED(CoreConstants.EIM_RECEIPT_DELIVERED),
  /** It was read. */
  READ(CoreConstants.EIM_RECEIPT_READ),
  /** The whole conversation was read. */
  CHANNEL(CoreConstants.EIM_RECEIPT_CHANNEL),
  /** It was withdrawn. */
  RECALLED(CoreConstants.EIM_RECEIPT_RECALLED);

  private static final ReceiptKind[] ALL = values();

  final int number;

  ReceiptKind(int number) {
    this.number = number;
  }

  static ReceiptKind of(int number) {
    for (ReceiptKind one : ALL) {
      if (one.number == number) {
        return one;
      }
    }
    throw new AssertionError("ReceiptKind " + number); // C and Java are of one build
  }
}
