package io.libeim;

/** Why a token is wanted, or told about. */
public enum TokenReason {
  /** Most of its life is over. */
  WILL_EXPIRE(CoreConstants.EIM_TOKEN_WILL_EXPIRE),
  /** It is over. */
  EXPIRED(CoreConstants.EIM_TOKEN_EXPIRED),
  /** The server does not take it any more. */
  REFUSED(CoreConstants.EIM_TOKEN_REFUSED);

  private static final TokenReason[] ALL = values();

  final int number;

  TokenReason(int number) {
    this.number = number;
  }

  static TokenReason of(int number) {
    for (TokenReason one : ALL) {
      if (one.number == number) {
        return one;
      }
    }
    throw new AssertionError("TokenReason " + number); // C and Java are of one build
  }
}
