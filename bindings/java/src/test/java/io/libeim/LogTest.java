package io.libeim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.libeim.junit.SandboxExtension;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(SandboxExtension.class)
@Timeout(60)
class LogTest {
  @BeforeEach
  void quiet() {
    EimLog.setConsole(false);
  }

  @AfterEach
  void asItWas() {
    EimLog.setListener(LogLevel.SILENT, null);
    EimLog.setLevel(LogLevel.WARN);
    EimLog.setCache(false, 0);
    EimLog.setConsole(true);
  }

  private static void login(Sandbox sandbox) {
    sandbox.addUser("alice", "s3cret");
    try (Client client = sandbox.client().build()) {
      client.open("alice", "s3cret").await();
    }
  }

  @Test
  void aListenerHearsTheLines(Sandbox sandbox) throws Exception {
    BlockingQueue<LogLine> lines = new LinkedBlockingQueue<>();
    EimLog.setListener(LogLevel.DEBUG, lines::add);
    login(sandbox);
    for (LogLine line = null; line == null || !line.module().equals("session"); ) {
      line = lines.poll(10, TimeUnit.SECONDS);
      assertNotNull(line, "no line of the session");
      assertFalse(line.message().contains("s3cret"), line.message());
      assertTrue(line.time() > 1_700_000_000_000L);
      assertTrue(line.level().number >= LogLevel.DEBUG.number);
    }
    EimLog.setListener(LogLevel.SILENT, null);
    lines.clear();
    login(sandbox);
    assertTrue(lines.isEmpty(), "a line after the end");
  }

  @Test
  void aListenerMayEndItself(Sandbox sandbox) throws Exception {
    BlockingQueue<LogLine> lines = new LinkedBlockingQueue<>();
    int sinks = Core.sinks();
    EimLog.setListener(
        LogLevel.DEBUG,
        line -> {
          EimLog.setListener(LogLevel.SILENT, null);
          lines.add(line);
        });
    login(sandbox);
    assertNotNull(lines.poll(10, TimeUnit.SECONDS));
    LifeTest.untilCollected(() -> Core.sinks() <= sinks, "C still holds the listener");
  }

  @Test
  void aListenerThatThrowsHearsTheNextLine(Sandbox sandbox) throws Exception {
    BlockingQueue<Throwable> thrown = new LinkedBlockingQueue<>();
    Thread.UncaughtExceptionHandler former = Thread.getDefaultUncaughtExceptionHandler();
    Thread.setDefaultUncaughtExceptionHandler((thread, error) -> thrown.add(error));
    try {
      EimLog.setListener(
          LogLevel.DEBUG,
          line -> {
            throw new IllegalStateException(line.module());
          });
      login(sandbox);
      assertNotNull(thrown.poll(10, TimeUnit.SECONDS));
      assertNotNull(thrown.poll(10, TimeUnit.SECONDS));
    } finally {
      Thread.setDefaultUncaughtExceptionHandler(former);
    }
  }

  @Test
  void javaLoggingHearsTheLines(Sandbox sandbox) throws Exception {
    BlockingQueue<LogRecord> records = new LinkedBlockingQueue<>();
    Logger logger = Logger.getLogger("io.libeim");
    Handler handler =
        new Handler() {
          @Override
          public void publish(LogRecord record) {
            records.add(record);
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    logger.addHandler(handler);
    logger.setLevel(Level.FINE);
    logger.setUseParentHandlers(false);
    try {
      EimLog.toJavaLogging(LogLevel.DEBUG);
      login(sandbox);
      LogRecord record = records.poll(10, TimeUnit.SECONDS);
      assertNotNull(record);
      assertTrue(record.getLoggerName().startsWith("io.libeim."), record.getLoggerName());
      assertTrue(record.getLevel().intValue() >= Level.FINE.intValue());
    } finally {
      logger.removeHandler(handler);
      logger.setUseParentHandlers(true);
      logger.setLevel(null);
    }
  }

  @Test
  void cacheFileAndBundle(Sandbox sandbox, @TempDir Path folder) throws Exception {
    EimLog.setCache(true, 0);
    EimLog.setLevel(LogLevel.DEBUG);
    assertEquals(LogLevel.DEBUG, EimLog.level());
    Path file = folder.resolve("all.log");
    EimLog.setFile(file.toString(), 0);
    sandbox.addUser("alice", "s3cret");
    try (Client client = sandbox.client().build()) {
      client.open("alice", "s3cret").await();
      EimLog.bundle(client, folder.toString());
    }
    EimLog.setFile(null, 0);
    assertTrue(Files.readString(file).contains("session"));
    EimLog.download(folder.resolve("cache.log").toString());
    assertTrue(Files.readString(folder.resolve("cache.log")).contains("session"));
    assertTrue(Files.readString(folder.resolve("config.json")).contains("appKey"));
    assertTrue(Files.readString(folder.resolve("health.json")).contains("ONLINE"));
    for (String name : new String[] {"all.log", "cache.log", "config.json", "health.json", "version.txt"}) {
      assertFalse(Files.readString(folder.resolve(name)).contains("s3cret"), name);
    }
  }
}
