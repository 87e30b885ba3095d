package io.libeim;

/** Gets access tokens, usually from the application's own server. */
@FunctionalInterface
public interface TokenProvider {
  /**
   * A token is wanted: for the first login ({@code event} is null), or because the one in use is about to end, over, or
   * refused. Called on a thread of its own, so it may block; {@link TokenEvent#deadlineMs()} says how long.
   *
   * @param event why; null at the first login
   * @return the token; null: {@link Client#renewToken} will be called with it later
   * @throws Exception there is none: a session that needs one ends with 108. Only the class of the exception is logged
   *     and told to the session, since its text might hold a secret.
   */
  String token(TokenEvent event) throws Exception;
}
