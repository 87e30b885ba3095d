package io.libeim;

import java.util.ArrayDeque;
import java.util.concurrent.Executor;

/**
 * Runs tasks by an executor of the application one at a time and in order, however many threads that has. Bounded: the
 * thread that delivers waits while the application is far behind, and so the server is not asked for more.
 */
final class Deliveries {
  private static final int LIMIT = 1000;
  private static final int BATCH = 100;

  private final Executor executor;
  private final ArrayDeque<Runnable> waiting = new ArrayDeque<>();
  private boolean running;
  private boolean stopped;
  private Thread inside;

  Deliveries(Executor executor) {
    this.executor = executor;
  }

  void add(Runnable task) {
    synchronized (this) {
      boolean interrupted = false;
      while (waiting.size() >= LIMIT && !stopped && inside != Thread.currentThread()) {
        try {
          wait();
        } catch (InterruptedException error) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
      if (stopped) {
        return;
      }
      waiting.add(task);
      if (running) {
        return;
      }
      running = true;
    }
    schedule();
  }

  private void schedule() {
    try {
      executor.execute(this::run);
    } catch (RuntimeException error) { // it takes no more: its owner has shut it down
      synchronized (this) {
        running = false;
        waiting.clear();
        notifyAll();
      }
      Context.report(error);
    }
  }

  private void run() {
    for (int i = 0; i < BATCH; i++) { // then the others of that executor have their turn
      Runnable task;
      synchronized (this) {
        task = stopped ? null : waiting.poll();
        if (task == null) {
          running = false;
          return;
        }
        inside = Thread.currentThread();
        notifyAll();
      }
      try {
        task.run();
      } catch (Throwable error) {
        Context.report(error);
      } finally {
        synchronized (this) {
          inside = null;
        }
      }
    }
    schedule();
  }

  /** What waits is dropped; a task that runs just now is not waited for. */
  synchronized void stop() {
    stopped = true;
    waiting.clear();
    notifyAll();
  }
}
