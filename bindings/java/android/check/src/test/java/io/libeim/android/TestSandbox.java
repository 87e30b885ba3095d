package io.libeim.android;

import io.libeim.Client;
import io.libeim.EimException;
import io.libeim.ResultCallback;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.Proxy;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.json.JSONException;
import org.json.JSONObject;

/** The sandbox as a program beside the test ({@code EIM_SANDBOX}), and what waits for things. */
public final class TestSandbox implements AutoCloseable {
  private static final long PATIENCE_MS = 20_000;

  private final Process process;
  private final JSONObject facts;

  public TestSandbox(String... arguments) throws IOException, JSONException {
    List<String> command = new ArrayList<>(Arrays.asList(System.getenv("EIM_SANDBOX"), "--until-eof"));
    command.addAll(Arrays.asList(arguments));
    process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    facts =
        new JSONObject(
            new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8)).readLine());
  }

  public String fact(String name) throws JSONException {
    return facts.getString(name);
  }

  public Client.Builder client() throws JSONException {
    return Client.builder(fact("appKey")).apiUrl(fact("apiUrl")).url(fact("url"));
  }

  /** A call of the admin API. */
  public JSONObject admin(String path, String body) throws IOException, JSONException {
    HttpURLConnection line =
        (HttpURLConnection) URI.create(fact("adminUrl") + path).toURL().openConnection(Proxy.NO_PROXY);
    if (body != null) {
      line.setDoOutput(true);
      line.setRequestProperty("Content-Type", "application/json");
      try (OutputStream out = line.getOutputStream()) {
        out.write(body.getBytes(StandardCharsets.UTF_8));
      }
    }
    return new JSONObject(new String(line.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
  }

  /** Tells how a request ended, by callbacks alone. */
  public static final class Outcome<T> implements ResultCallback<T> {
    private final CountDownLatch over = new CountDownLatch(1);
    private volatile T value;
    private volatile EimException error;

    @Override
    public void onResult(T result) {
      value = result;
      over.countDown();
    }

    @Override
    public void onError(EimException failure) {
      error = failure;
      over.countDown();
    }

    public T get() throws InterruptedException {
      if (!over.await(PATIENCE_MS, TimeUnit.MILLISECONDS)) {
        throw new AssertionError("no result");
      }
      if (error != null) {
        throw error;
      }
      return value;
    }
  }

  /** What becomes true. */
  public interface Condition {
    boolean holds() throws Exception;
  }

  /** Waits for it; runs what is given in between, as a main looper that a test drives needs it. */
  public static void until(String what, Condition condition, Runnable between) throws Exception {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(PATIENCE_MS);
    while (!condition.holds()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("still not so: " + what);
      }
      between.run();
      TimeUnit.MILLISECONDS.sleep(2);
    }
  }

  @Override
  public void close() {
    process.destroy();
  }
}
