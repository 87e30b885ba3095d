package io.libeim;

import java.util.Collections;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;

/**
 * The I/O and the event queue that clients share, and the thread on which handlers run.
 *
 * <p>Most programs need none: clients share one that a daemon thread delivers for; it is there as long as one of them
 * is. Make one to decide yourself:
 *
 * <pre>{@code
 * try (Context context = new Context();
 *     Client client = Client.builder("org#app").context(context).build()) {
 *   while (running) {
 *     context.poll(1000); // handlers run in here, and what they throw comes out
 *   }
 * }
 * }</pre>
 */
public final class Context implements AutoCloseable {
  private static final int SLICE_MS = 1000;
  private static final int BATCH = 1000;
  private static final Object SHARING = new Object();
  private static Context shared; // guarded by SHARING, as sharers is
  private static int sharers;

  final eim_context core;
  private final AtomicReference<Thread> polling = new AtomicReference<>();
  // Not newKeySet(): Android has it from API 24 on.
  private final Set<ClientSink> sinks = Collections.newSetFromMap(new ConcurrentHashMap<ClientSink, Boolean>());
  private final Set<Client> kept = Collections.newSetFromMap(new ConcurrentHashMap<Client, Boolean>());
  private volatile Thread thread;
  private volatile boolean closed;

  /** A context with one I/O thread of the library, which never runs Java. */
  public Context() {
    this(1);
  }

  /**
   * A context.
   *
   * @param ioThreads threads of the library for I/O; they never run Java. 0: all I/O happens inside {@link #poll}.
   */
  public Context(int ioThreads) {
    long[] out = new long[1];
    Core.eim_config_new(out);
    eim_config config = new eim_config(out[0], true);
    config.set("ioThreads", Integer.toString(ioThreads));
    Core.eim_context_new(config, out);
    core = new eim_context(out[0], true);
  }

  /** The context of those who name none. Each {@code share()} is ended by one {@code unshare()}. */
  static Context share() {
    synchronized (SHARING) {
      if (shared == null || shared.closed) {
        shared = new Context().start();
        sharers = 0;
      }
      sharers++;
      return shared;
    }
  }

  static void unshare(Context context) {
    synchronized (SHARING) {
      if (context != shared || --sharers > 0) {
        return;
      }
      shared = null;
    }
    context.close(); // not under the lock: it waits for handlers
  }

  /**
   * Wait for events, then run the handlers of what is there, on this thread. What a handler throws comes out; the events
   * behind it stay for the next call.
   *
   * @param timeoutMs how long to wait for the first event; 0: not at all, -1: without end
   * @return the number of events
   * @throws EimException {@code E_BUSY}: another thread polls, or this is a handler; {@code E_CLOSED}
   */
  public int poll(int timeoutMs) {
    return poll(timeoutMs, 0);
  }

  /**
   * As {@link #poll(int)}, but not more than so many events.
   *
   * @param timeoutMs as there
   * @param maxEvents how many; 0: all that are there
   * @return the number of events
   */
  public int poll(int timeoutMs, int maxEvents) {
    boolean mine = polling.compareAndSet(null, Thread.currentThread());
    try {
      return core.poll(timeoutMs, maxEvents);
    } finally {
      if (mine) {
        polling.set(null);
        NativeRefs.drain();
      }
    }
  }

  /**
   * Let a daemon thread run the handlers from now on. What they throw goes to its uncaught exception handler, and it
   * goes on.
   *
   * @return this
   */
  public synchronized Context start() {
    if (thread == null && !closed) {
      Thread made = new Thread(this::run, "eim");
      made.setDaemon(true);
      thread = made;
      made.start();
    }
    return this;
  }

  private void run() {
    for (; ; ) {
      try {
        poll(SLICE_MS, BATCH); // in slices, so that what the garbage collector found is freed when nothing happens
      } catch (EimException error) {
        if (closed || error.code() == ErrorCode.E_CLOSED) {
          return;
        }
        report(error);
      } catch (Throwable error) {
        report(error);
      }
    }
  }

  /**
   * A descriptor that is readable while events wait, for event loops such as Android's {@code MessageQueue}: then call
   * {@code poll(0)}. Never read, write or close it.
   *
   * @return its number
   */
  public int fd() {
    return core.fd();
  }

  /** End all clients and the I/O. Idempotent; any thread. In a handler: deferred until it has returned. */
  @Override
  public void close() {
    closed = true;
    for (ClientSink sink : sinks) {
      sink.stop();
    }
    core.shutdown();
    for (ClientSink sink : sinks) {
      sink.failAll();
    }
    kept.clear();
  }

  // ---- for the classes beside this one

  /** What a handler threw: to whoever polls, or where a thread's exceptions go. */
  void handlerThrew(Throwable error) {
    if (thread == null) {
      Context.<RuntimeException>sneak(error);
    }
    report(error);
  }

  @SuppressWarnings("unchecked") // erased: throws what it is given
  private static <E extends Throwable> void sneak(Throwable error) throws E {
    throw (E) error;
  }

  static void report(Throwable error) {
    Thread self = Thread.currentThread();
    try {
      self.getUncaughtExceptionHandler().uncaughtException(self, error);
    } catch (Throwable ofTheHandler) {
      // As the VM does: nobody is left to tell.
    }
  }

  void add(ClientSink sink) {
    sinks.add(sink);
  }

  void remove(ClientSink sink) {
    sinks.remove(sink);
  }

  boolean isClosed() {
    return closed;
  }

  /** A client with a session is not garbage, although perhaps only its handlers are known to the application. */
  void keep(Client client, boolean yes) {
    if (yes) {
      kept.add(client);
    } else {
      kept.remove(client);
    }
  }

  boolean isHandlerThread() {
    return polling.get() == Thread.currentThread();
  }

  /** Before waiting for a future: refuses what would wait for ever, and delivers where nobody else does. */
  void await(CompletableFuture<?> request) {
    await(request, Long.MAX_VALUE);
  }

  void await(CompletableFuture<?> request, long nanos) {
    if (request.isDone()) {
      return;
    }
    if (isHandlerThread()) {
      throw new IllegalStateException(
          "waiting in a handler, on the thread that delivers: the answer could never arrive. Use a callback, a stage, or an executor");
    }
    long begin = System.nanoTime();
    while (thread == null && !closed && !request.isDone()) {
      long left = nanos - (System.nanoTime() - begin);
      if (left <= 0) {
        return;
      }
      try {
        poll((int) Math.min(50, Math.max(1, left / 1_000_000)));
      } catch (EimException error) {
        if (error.code() != ErrorCode.E_BUSY) {
          return; // closed: the request fails
        }
        Thread.yield(); // another thread delivers just now
        if (Thread.currentThread().isInterrupted()) {
          return; // get() says so
        }
      }
    }
  }
}
