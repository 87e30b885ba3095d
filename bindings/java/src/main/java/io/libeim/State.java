package io.libeim;

/** State of a session (docs/session.md). */
public enum State {
  /** Not logged in, nothing under way. */
  OFFLINE(CoreConstants.EIM_STATE_OFFLINE),
  /** Finding out which hosts to use. */
  RESOLVING(CoreConstants.EIM_STATE_RESOLVING),
  /** Trading a password for a token. */
  AUTHENTICATING(CoreConstants.EIM_STATE_AUTHENTICATING),
  /** Opening the message socket. */
  CONNECTING(CoreConstants.EIM_STATE_CONNECTING),
  /** Waiting for the login verdict. */
  PROVISIONING(CoreConstants.EIM_STATE_PROVISIONING),
  /** Logged in. */
  ONLINE(CoreConstants.EIM_STATE_ONLINE),
  /** Waiting before the next attempt. */
  WAITING(CoreConstants.EIM_STATE_WAITING),
  /** The client was closed. */
  CLOSED(CoreConstants.EIM_STATE_CLOSED);

  private static final State[] ALL = values();

  final int number;

  State(int number) {
    this.number = number;
  }

  static State of(int number) {
    for (State one : ALL) {
      if (one.number == number) {
        return one;
      }
    }
    throw new AssertionError("State " + number); // C and Java are of one build
  }
}
