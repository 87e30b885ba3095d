package io.libeim;

/**
 * What a client tells. Implement what is of interest; register by {@link Client#addEventHandler}.
 *
 * <p>Methods run one at a time and in order, on the thread that delivers ({@link Context}) or by the executor of the
 * client ({@link Client.Builder#executor}). They may call anything, {@link Client#close()} too. What one throws goes to
 * the thread's uncaught exception handler, and the session goes on; where the application itself calls {@link
 * Context#poll}, it comes out there.
 */
public interface EventHandler {
  /**
   * Every move of the session; the four that follow are views of the same.
   *
   * @param change the move
   */
  default void onState(StateChange change) {}

  /**
   * The session is online, for the first time or again.
   *
   * @param change the move
   */
  default void onConnected(StateChange change) {}

  /**
   * A session that was online is over; {@link StateChange#cause()} says why (null: it was asked for). Once for each
   * session, never for a loss that is being repaired.
   *
   * @param change the move
   */
  default void onDisconnected(StateChange change) {}

  /**
   * The line is down and an attempt is planned. Once for each attempt.
   *
   * @param change the move
   */
  default void onReconnecting(StateChange change) {}

  /**
   * Most of the token's life is over: {@link Client#renewToken} in time.
   *
   * @param event facts about the token
   */
  default void onTokenWillExpire(TokenEvent event) {}

  /**
   * The token's life is over.
   *
   * @param event facts about the token
   */
  default void onTokenExpired(TokenEvent event) {}

  /**
   * Something failed that no request answers for.
   *
   * @param error what
   */
  default void onError(EimException error) {}

  /**
   * A message arrived. When this has returned (in all handlers), the server may forget it, unless {@code ackMode} is
   * manual: then {@link Client#messageDone} says so.
   *
   * @param message the message
   */
  default void onMessage(Message message) {}

  /**
   * The server, or the other side, has a message.
   *
   * @param receipt the receipt
   */
  default void onReceipt(Receipt receipt) {}

  /**
   * Anything rarer: contacts, groups, rooms, presence, other devices …
   *
   * @param notice the notice
   */
  default void onNotice(Notice notice) {}

  /**
   * How far an upload or download is; at most ten times a second and once at the end.
   *
   * @param progress the counts
   */
  default void onProgress(Progress progress) {}
}
