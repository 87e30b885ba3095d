package io.libeim;

import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** The log of the library: one for the process. It never holds secrets or the text of messages. */
public final class EimLog {
  private static final Object LOCK = new Object();
  private static Subscription subscription; // guarded by LOCK

  private EimLog() {}

  /**
   * Lowest level that goes to the console, the cache and the file; {@code WARN} at first.
   *
   * @param level the level
   */
  public static void setLevel(LogLevel level) {
    Core.eim_log_set_level(level.number);
  }

  /**
   * The level in force.
   *
   * @return the level
   */
  public static LogLevel level() {
    return LogLevel.of(Core.eim_log_get_level());
  }

  /**
   * Lines on stderr or not; yes at first.
   *
   * @param visible whether so
   */
  public static void setConsole(boolean visible) {
    Core.eim_log_set_console(visible);
  }

  /**
   * Keep the last lines in memory. Not at first.
   *
   * @param use whether so; no forgets what there was
   * @param maxBytes of text; 0: 3 MiB. The oldest go first.
   */
  public static void setCache(boolean use, long maxBytes) {
    Core.eim_log_set_cache(use, maxBytes);
  }

  /**
   * The cache into a file, which is there as a whole or not at all (mode 0600).
   *
   * @param path of the file; it is replaced
   */
  public static void download(String path) {
    Core.eim_log_download_path(path);
  }

  /**
   * Append lines to a file (mode 0600), which becomes {@code PATH.1} when it is full.
   *
   * @param path of the file; null: no file
   * @param maxBytes when it is full; 0: 10 MiB
   */
  public static void setFile(String path, long maxBytes) {
    Core.eim_log_set_file(path, maxBytes);
  }

  /**
   * What support needs, as files in a folder that is there: the cache, the version, and for a client its options (without
   * secrets) and health.
   *
   * @param client the client, or null
   * @param folder its path
   */
  public static void bundle(Client client, String folder) {
    Core.eim_log_bundle(client == null ? null : client.core(), folder);
  }

  /**
   * Take the lines. Whatever {@link #setLevel} says, and beside the other places they go to. Lines that come faster than
   * they are taken are lost, and a line tells how many. When this returns the former listener is not called any more
   * (unless it is the one that called this).
   *
   * @param level lowest level wanted
   * @param listener called on a daemon thread; null: nobody any more
   */
  public static void setListener(LogLevel level, LogListener listener) {
    Subscription former;
    synchronized (LOCK) {
      former = subscription;
      subscription = listener == null ? null : new Subscription(level, listener);
    }
    if (former != null) {
      former.end();
    }
  }

  /**
   * The log into {@code java.util.logging}: loggers {@code io.libeim.session}, {@code io.libeim.net} … The console of the
   * library is off from now on. TRACE and DEBUG become FINER and FINE.
   *
   * @param level lowest level wanted; what the loggers let through decides beside it
   */
  public static void toJavaLogging(LogLevel level) {
    setConsole(false);
    setListener(level, EimLog::log);
  }

  private static void log(LogLine line) {
    Logger logger = Logger.getLogger("io.libeim." + line.module());
    Level level = javaLevel(line.level());
    if (!logger.isLoggable(level)) {
      return;
    }
    LogRecord record =
        new LogRecord(level, line.client() == 0 ? line.message() : "client " + line.client() + ": " + line.message());
    record.setLoggerName(logger.getName());
    record.setMillis(line.time());
    record.setSourceClassName("io.libeim." + line.module());
    record.setSourceMethodName(""); // or it looks for one in the stack
    logger.log(record);
  }

  private static Level javaLevel(LogLevel level) {
    switch (level) {
      case TRACE:
        return Level.FINER;
      case DEBUG:
        return Level.FINE;
      case INFO:
        return Level.INFO;
      case WARN:
        return Level.WARNING;
      default:
        return Level.SEVERE;
    }
  }

  /** Lines are events of a context of its own, which a thread of its own delivers. */
  private static final class Subscription extends Sink {
    private final LogListener listener;
    private final eim_context context;
    private final long handle;
    private final Thread thread;

    Subscription(LogLevel level, LogListener listener) {
      this.listener = listener;
      long[] out = new long[1];
      Core.eim_config_new(out);
      eim_config config = new eim_config(out[0], true);
      config.set("ioThreads", "0");
      Core.eim_context_new(config, out);
      context = new eim_context(out[0], true);
      handle = Core.log_subscribe(context, level.number, this);
      thread = new Thread(this::run, "eim-log");
      thread.setDaemon(true);
      thread.start();
    }

    private void run() {
      for (boolean open = true; open; ) {
        try {
          context.poll(3_600_000, 0);
        } catch (EimException error) {
          open = false; // shut down
        } catch (Throwable error) {
          Context.report(error);
        }
      }
      Core.log_unsubscribe(context, handle);
    }

    void end() {
      context.shutdown();
      boolean interrupted = false;
      while (thread != Thread.currentThread() && thread.isAlive()) {
        try {
          thread.join();
        } catch (InterruptedException error) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }

    @Override
    boolean wants(int event) {
      return false;
    }

    @Override
    void deliver(int event, long payload) {}

    @Override
    void line(long time, int level, byte[] module, long client, byte[] message) {
      listener.onLine(new LogLine(time, LogLevel.of(level), Text.string(module), client, Text.string(message)));
    }
  }
}
