import io.libeim.Client;
import io.libeim.Context;
import io.libeim.EimException;
import io.libeim.EventHandler;
import io.libeim.Message;
import io.libeim.ResultCallback;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The twin of bench.c, bench_python.py and sdk.mjs in Java: one client, the same commands and lines of JSON.
 *
 * <p>clients 1 | expect N | echo N (answer N messages; "echoed" when the last answer is acknowledged) | results N (requests that
 * end at once; ns for each, delivery alone) | cpu | quit
 */
public final class Bench {
  private static final String SAID = "{\"event\":\"%s\",%s}%n";

  private Bench() {}

  private static long cpu() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime() / 1000;
  }

  private static void say(String event, String fields) {
    System.out.printf(SAID, event, fields);
    System.out.flush();
  }

  private static final class Counter implements EventHandler {
    private final Client client;
    private long received;
    private long expected = -1;
    private long echo;
    private long begin;
    private long cpuBegin;
    private final AtomicLong acknowledged = new AtomicLong();

    Counter(Client client) {
      this.client = client;
    }

    synchronized void expect(long count, boolean answers) {
      received = 0;
      expected = count;
      echo = answers ? count : 0;
      acknowledged.set(0);
    }

    @Override
    public synchronized void onMessage(Message message) {
      received++;
      if (echo > 0) {
        if (received == 1) {
          begin = System.nanoTime();
          cpuBegin = cpu();
        }
        client.send(message.reply(message.text()).build()).thenRun(this::sent);
      } else if (received == expected) {
        message.text(); // as the others do: the text of the last one is looked at
        say("received", "\"count\":" + received + ",\"us\":" + cpu());
      }
    }

    private void sent() {
      if (acknowledged.incrementAndGet() == echo) {
        say("echoed", "\"us\":" + (cpu() - cpuBegin) + ",\"wall_us\":" + (System.nanoTime() - begin) / 1000);
      }
    }
  }

  /** 200 at a time, so that the queue is never long; what is measured is taking them out. */
  private static void results(long count) {
    AtomicLong seen = new AtomicLong();
    ResultCallback<Void> counts =
        new ResultCallback<Void>() {
          @Override
          public void onResult(Void value) {
            seen.incrementAndGet();
          }

          @Override
          public void onError(EimException error) {
            throw error;
          }
        };
    try (Context context = new Context();
        Client client = Client.builder("org#app").context(context).build()) {
      long spent = 0;
      long counted = 0;
      for (long begun = 0; begun < 2 * count; begun += 200) { // the first half is for the compiler of the VM
        for (int i = 0; i < 200; i++) {
          client.logout(counts);
        }
        long start = System.nanoTime();
        while (seen.get() < begun + 200) {
          context.poll(100);
        }
        if (begun >= count) {
          spent += System.nanoTime() - start;
          counted += 200;
        }
      }
      say("results", "\"ns\":" + (double) spent / counted);
    }
  }

  /** Commands on stdin. */
  public static void main(String[] arguments) throws Exception {
    String appKey = System.getenv("EIM_BENCH_APP_KEY");
    Client.Builder options = Client.builder(appKey == null ? "org#app" : appKey).maxPendingSends(100_000);
    if (appKey != null) {
      options.apiUrl(System.getenv("EIM_BENCH_API")).url(System.getenv("EIM_BENCH_URL"));
      if (!System.getenv("EIM_BENCH_CA").isEmpty()) {
        options.caFile(System.getenv("EIM_BENCH_CA"));
      }
    }
    try (Client client = options.build()) {
      Counter counter = new Counter(client);
      client.addEventHandler("bench", counter);
      BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      for (String line; (line = in.readLine()) != null; ) {
        String[] words = line.split(" ");
        switch (words[0]) {
          case "clients":
            client
                .open(System.getenv("EIM_BENCH_USERS") + System.getenv("EIM_BENCH_FIRST"), System.getenv("EIM_BENCH_PASSWORD"))
                .await();
            say("online", "\"count\":1");
            break;
          case "expect":
          case "echo":
            counter.expect(Long.parseLong(words[1]), words[0].equals("echo"));
            say(words[0], "\"count\":" + words[1]);
            break;
          case "results":
            results(Long.parseLong(words[1]));
            break;
          case "cpu":
            say("cpu", "\"us\":" + cpu());
            break;
          case "quit":
            return;
          default:
            throw new IllegalArgumentException(line);
        }
      }
    }
  }
}
