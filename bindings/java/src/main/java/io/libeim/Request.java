package io.libeim;

import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A request under way. It ends exactly once: with the answer, or with an {@link EimException}. Stages that depend on it
 * run on the thread that delivers events; use the {@code …Async} forms for work that takes long.
 *
 * <p>{@link #get()} and {@link #join()} may be called on any thread but the one that delivers: there the answer could
 * never arrive, so they throw {@code IllegalStateException} instead of waiting for ever. Where nobody delivers (a {@link
 * Context} that was not started), they do it themselves.
 *
 * @param <T> the answer
 */
public final class Request<T> extends CompletableFuture<T> {
  private final Client client;
  private long token;

  Request(Client client) {
    this.client = client;
  }

  /** Set before the request goes out, on the thread that makes it. */
  void token(long number) {
    token = number;
  }

  /**
   * Number of this request among those of its client; {@link Progress#token()} names it.
   *
   * @return the number
   */
  public long token() {
    return token;
  }

  /**
   * Give the request up. Unless it is over already it then ends with an {@link EimException} of code {@link
   * ErrorCode#E_CANCELED}; it has not ended yet when this returns.
   *
   * @param mayInterruptIfRunning of no effect
   * @return false: it is over
   */
  @Override
  public boolean cancel(boolean mayInterruptIfRunning) {
    return !isDone() && client.cancel(token);
  }

  @Override
  public T get() throws InterruptedException, ExecutionException {
    client.context.await(this);
    return super.get();
  }

  @Override
  public T get(long timeout, TimeUnit unit) throws InterruptedException, ExecutionException, TimeoutException {
    client.context.await(this, unit.toNanos(timeout));
    return super.get(isDone() ? 0 : timeout, unit);
  }

  @Override
  public T join() {
    client.context.await(this);
    return super.join();
  }

  /**
   * The answer, waiting for it as {@link #join()} does, but what it failed with comes out as itself.
   *
   * @return the answer
   * @throws EimException it failed
   */
  public T await() {
    try {
      return join();
    } catch (CompletionException error) {
      if (error.getCause() instanceof EimException) {
        throw (EimException) error.getCause();
      }
      throw error;
    } catch (CancellationException error) { // completed from outside
      throw EimException.local(ErrorCode.E_CANCELED, "request: " + error.getMessage());
    }
  }
}
