package io.libeim;

/**
 * What C holds: it calls these methods inside {@code Context.poll()}, on the thread that polls. C keeps it alive, so it
 * knows its client weakly.
 */
abstract class Sink {
  // The order of EIM_EVENTS (eim/event.h); a test compares it.
  static final int STATE = 0;
  static final int CONNECTED = 1;
  static final int DISCONNECTED = 2;
  static final int RECONNECTING = 3;
  static final int TOKEN_WILL_EXPIRE = 4;
  static final int TOKEN_EXPIRED = 5;
  static final int TOKEN_REQUEST = 6;
  static final int ERROR = 7;
  static final int MESSAGE = 8;
  static final int RECEIPT = 9;
  static final int NOTICE = 10;
  static final int PROGRESS = 11;
  static final int RESULT = 12;

  /** Is this event wanted? Asked once for each, when C takes the sink. */
  abstract boolean wants(int event);

  /** An event; the payload is borrowed for the time of the call. */
  abstract void deliver(int event, long payload);

  /** A line of the log. */
  void line(long time, int level, byte[] module, long client, byte[] message) {}
}
