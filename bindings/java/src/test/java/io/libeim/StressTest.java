package io.libeim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.management.ObjectName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** Many events in a small heap, with the garbage collector always at work: -Deim.stress (scripts/test-java.sh). */
@EnabledIfSystemProperty(named = "eim.stress", matches = "\\d+")
@Timeout(300)
class StressTest {
  private static final long EVENTS = Long.getLong("eim.stress", 1_000_000);

  /** What the VM itself counts. */
  private static int globalReferences() throws Exception {
    String text =
        (String)
            ManagementFactory.getPlatformMBeanServer()
                .invoke(
                    new ObjectName("com.sun.management:type=DiagnosticCommand"),
                    "threadPrint",
                    new Object[] {new String[0]},
                    new String[] {String[].class.getName()});
    Matcher found = Pattern.compile("JNI global refs: (\\d+)").matcher(text);
    assertTrue(found.find(), "the VM told no count of global references");
    return Integer.parseInt(found.group(1));
  }

  private static long residentKilobytes() throws IOException {
    for (String line : Files.readAllLines(Paths.get("/proc/self/status"))) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("\\D", ""));
      }
    }
    throw new AssertionError("no VmRSS");
  }

  private interface Work {
    void run(long from, long to) throws Exception;
  }

  /** A first tenth for warmth, then the rest: memory must not grow with the count. */
  private static void flat(String what, long count, Work work) throws Exception {
    AtomicBoolean over = new AtomicBoolean();
    Thread collector =
        new Thread(
            () -> {
              while (!over.get()) {
                System.gc();
                LockSupport.parkNanos(20_000_000); // the work needs a core too
              }
            });
    collector.setDaemon(true);
    collector.start();
    long begin = System.nanoTime();
    work.run(0, count / 10);
    System.gc();
    NativeRefs.drain();
    int references = globalReferences();
    int sinks = Core.sinks();
    long before = residentKilobytes();
    work.run(count / 10, count);
    over.set(true);
    collector.join();
    LifeTest.untilCollected(() -> NativeRefs.count() < 100, "handles of C are still held: " + NativeRefs.count());
    long after = residentKilobytes();
    System.out.printf(
        "%s: %d, %.1f s; resident %d -> %d KB; global references %d -> %d%n",
        what, count, (System.nanoTime() - begin) / 1e9, before, after, references, globalReferences());
    assertTrue(globalReferences() <= references + 5, "global references leak"); // the VM has some of its own
    assertEquals(sinks, Core.sinks());
    assertTrue(after < before + 16_384, what + ": memory grew from " + before + " to " + after + " KB");
  }

  @Test
  void aMillionResults() throws Exception {
    AtomicLong seen = new AtomicLong();
    Semaphore room = new Semaphore(500);
    ResultCallback<Void> counts =
        new ResultCallback<Void>() {
          @Override
          public void onResult(Void value) {
            seen.incrementAndGet();
            room.release();
          }

          @Override
          public void onError(EimException error) {
            throw error;
          }
        };
    try (Client client = Client.builder("org#app").build()) {
      flat(
          "results",
          EVENTS,
          (from, to) -> {
            for (long i = from; i < to; i++) {
              room.acquire();
              client.logout(counts);
            }
            room.acquire(500);
            room.release(500);
          });
      assertEquals(EVENTS, seen.get());
    }
  }

  @Test
  void messagesBuiltAndRead() throws Exception {
    flat(
        "messages built and read",
        EVENTS / 5,
        (from, to) -> {
          for (long i = from; i < to; i++) {
            Message message = Message.text("bob", "text 😀 " + i).ext("n", i).build();
            if (i % 1000 == 0) {
              assertEquals("text 😀 " + i, message.text());
              assertEquals(i, message.ext().get("n"));
            }
          }
        });
  }

  @Test
  void clientsComeAndGo() throws Exception {
    flat(
        "clients, half of them forgotten",
        EVENTS / 500,
        (from, to) -> {
          for (long i = from; i < to; i++) {
            Client client = Client.builder("org#app").build();
            client.addEventHandler("test", new EventHandler() {});
            if (i % 2 == 0) {
              client.close();
            }
          }
          LifeTest.untilCollected(() -> NativeRefs.count() < 100, "handles of C are still held: " + NativeRefs.count());
        });
  }

  @Test
  void messagesThroughTheSandbox() throws Exception {
    long count = EVENTS / 50;
    try (Sandbox sandbox = Sandbox.start("--user", "alice:secret", "--user", "bob:secret");
        Client a = sandbox.client().build();
        Client b = sandbox.client().build()) {
      AtomicLong heard = new AtomicLong();
      AtomicReference<String> wrong = new AtomicReference<>();
      Semaphore arrived = new Semaphore(200); // not further ahead: the queue of a device is bounded
      b.addEventHandler(
          "test",
          new EventHandler() {
            @Override
            public void onMessage(Message message) {
              if (!message.text().equals("m" + heard.getAndIncrement())) {
                wrong.compareAndSet(null, message.text());
              }
              arrived.release();
            }
          });
      a.open("alice", "secret").await();
      b.open("bob", "secret").await();
      flat(
          "messages through the sandbox",
          count,
          (from, to) -> {
            for (long i = from; i < to; i++) {
              arrived.acquire();
              a.send(Message.text("bob", "m" + i).build());
            }
            arrived.acquire(200);
            arrived.release(200);
          });
      assertEquals(count, heard.get());
      assertEquals(null, wrong.get(), "out of order");
    }
  }
}
