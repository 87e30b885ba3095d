package io.libeim;

/**
 * How a request ends: exactly one of the two is called, once, where handlers run. For Android below API 24, which has no
 * {@code CompletableFuture}, and for those who like callbacks.
 *
 * @param <T> what a success brings
 */
public interface ResultCallback<T> {
  /**
   * It succeeded.
   *
   * @param value the answer; null where there is none
   */
  void onResult(T value);

  /**
   * It failed.
   *
   * @param error why
   */
  void onError(EimException error);
}
