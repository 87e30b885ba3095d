package io.libeim.android;

import android.os.Handler;
import android.os.Looper;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/**
 * Runs handlers and callbacks on the main thread, where views may be touched:
 *
 * <pre>{@code
 * Client client = Client.builder("org#app").executor(new MainLooperExecutor()).build();
 * }</pre>
 */
public final class MainLooperExecutor implements Executor {
  private final Handler handler = new Handler(Looper.getMainLooper());

  /** An executor; several are as good as one. */
  public MainLooperExecutor() {}

  /**
   * Run a task on the main thread, behind what waits there already. Any thread.
   *
   * @param task the task
   * @throws RejectedExecutionException the main thread is ending
   */
  @Override
  public void execute(Runnable task) {
    if (!handler.post(task)) {
      throw new RejectedExecutionException("the main looper is ending");
    }
  }
}
