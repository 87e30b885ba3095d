package io.libeim;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.Proxy;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The local service as an object: an Easemob-like server for tests and first steps, on free ports of 127.0.0.1.
 *
 * <pre>{@code
 * try (Sandbox sandbox = Sandbox.start("--user", "alice:secret");
 *     Client client = sandbox.client().build()) {
 *   client.open("alice", "secret").await();
 * }
 * }</pre>
 *
 * <p>It is a process of its own: the program that the environment variable {@code EIM_SANDBOX} names, or the sandbox that
 * is in this jar, run by a Java of its own. It ends with this object, or with this process. Not on Android.
 */
public final class Sandbox implements AutoCloseable {
  private static final int PATIENCE_MS = 10_000;

  private final Process process;
  private final Map<String, Object> facts;

  private Sandbox(Process process, Map<String, Object> facts) {
    this.process = process;
    this.facts = facts;
  }

  /**
   * Start one.
   *
   * @param arguments of the program, docs/sandbox.md has them: {@code "--user", "alice:secret"}, {@code "--tls"} …
   * @return it; close it
   * @throws IOException it did not start
   */
  public static Sandbox start(String... arguments) throws IOException {
    List<String> command = program();
    command.add("--until-eof"); // stdin is its leash: it ends with us, come what may
    command.addAll(Arrays.asList(arguments));
    Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    BufferedReader out = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    String line = out.readLine();
    if (line == null) {
      end(process);
      throw new IOException(command.get(0) + " ended with status " + process.exitValue());
    }
    return new Sandbox(process, Json.object(line));
  }

  private static List<String> program() throws IOException {
    String named = System.getenv("EIM_SANDBOX");
    if (named != null && new File(named).canExecute()) {
      return new ArrayList<>(Collections.singletonList(named));
    }
    List<String> command = new ArrayList<>();
    command.add(System.getProperty("java.home") + File.separator + "bin" + File.separator + "java");
    // Small and quick to start; -Xrs leaves the signals to the sandbox.
    command.addAll(Arrays.asList("-Xrs", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx16m"));
    if (Double.parseDouble(System.getProperty("java.specification.version")) >= 24) { // "1.8" is Java 8
      command.add("--enable-native-access=ALL-UNNAMED"); // else it warns on stderr of what it loads
    }
    for (String property : new String[] {DesktopLibrary.LIBRARY, DesktopLibrary.TMPDIR, "java.library.path"}) {
      String value = System.getProperty(property);
      if (value != null) {
        command.add("-D" + property + "=" + value);
      }
    }
    try {
      command.add("-cp");
      command.add(new File(Sandbox.class.getProtectionDomain().getCodeSource().getLocation().toURI()).getPath());
    } catch (URISyntaxException error) {
      throw new IOException(error);
    }
    command.add(Sandbox.class.getName());
    return command;
  }

  /**
   * The sandbox as a program: {@code java -jar libeim.jar --user alice:secret}.
   *
   * @param arguments {@code --help} tells them
   */
  public static void main(String[] arguments) {
    byte[][] all = new byte[arguments.length + 1][];
    all[0] = Text.utf8("eim-sandbox");
    for (int i = 0; i < arguments.length; i++) {
      all[i + 1] = Text.utf8(arguments[i]);
    }
    int status = Core.sandbox_main(all);
    if (status == -1) {
      System.err.println("this build of the library has no sandbox");
      status = 2;
    }
    Runtime.getRuntime().halt(status); // it is over: nothing of Java has anything to do
  }

  // ---- where it is

  private String fact(String name) {
    return (String) facts.get(name);
  }

  /**
   * REST address.
   *
   * @return the URL
   */
  public String apiUrl() {
    return fact("apiUrl");
  }

  /**
   * Address of the message server.
   *
   * @return the URL
   */
  public String url() {
    return fact("url");
  }

  /**
   * Address of the bootstrap list.
   *
   * @return the URL
   */
  public String dnsUrl() {
    return fact("dnsUrl");
  }

  /**
   * Address of the admin API (docs/sandbox.md).
   *
   * @return the URL
   */
  public String adminUrl() {
    return fact("adminUrl");
  }

  /**
   * The application.
   *
   * @return {@code org#app}
   */
  public String appKey() {
    return fact("appKey");
  }

  /**
   * PEM file of its CA.
   *
   * @return the path; null without TLS
   */
  public String caFile() {
    return fact("caFile");
  }

  /**
   * All it told about itself.
   *
   * @return names and values, unmodifiable
   */
  public Map<String, Object> facts() {
    return facts;
  }

  /**
   * A client that is to use this service.
   *
   * @return a builder with application, addresses and CA
   */
  public Client.Builder client() {
    Client.Builder builder = Client.builder(appKey()).apiUrl(apiUrl()).url(url());
    return caFile() == null ? builder : builder.caFile(caFile());
  }

  // ---- the admin API

  /**
   * A call of the admin API.
   *
   * @param path such as {@code /kick}
   * @param body a map for POST; null: GET
   * @return the JSON of the answer
   * @throws EimException it was refused; the message has its words
   */
  public Map<String, Object> admin(String path, Map<String, ?> body) {
    try {
      HttpURLConnection line =
          (HttpURLConnection) new URL(URI.create(adminUrl() + path).toString()).openConnection(Proxy.NO_PROXY);
      line.setConnectTimeout(PATIENCE_MS);
      line.setReadTimeout(PATIENCE_MS);
      if (body != null) {
        line.setDoOutput(true);
        line.setRequestProperty("Content-Type", "application/json");
        try (OutputStream out = line.getOutputStream()) {
          out.write(Text.utf8(Json.text(body)));
        }
      }
      int status = line.getResponseCode();
      String text = readAll(status < 400 ? line.getInputStream() : line.getErrorStream());
      if (status != 200) {
        throw EimException.local(ErrorCode.E_SERVER, "sandbox: " + path + ": " + status + " " + text);
      }
      return Json.object(text);
    } catch (IOException error) {
      throw EimException.local(ErrorCode.E_NETWORK, "sandbox: " + path + ": " + error.getMessage());
    }
  }

  private static String readAll(InputStream in) throws IOException {
    StringBuilder text = new StringBuilder();
    try (InputStreamReader reader = new InputStreamReader(in, StandardCharsets.UTF_8)) {
      char[] part = new char[4096];
      for (int count; (count = reader.read(part)) >= 0; ) {
        text.append(part, 0, count);
      }
    }
    return text.toString();
  }

  private static Map<String, Object> map(Object... namesAndValues) {
    Map<String, Object> map = new LinkedHashMap<>();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      if (namesAndValues[i + 1] != null) {
        map.put((String) namesAndValues[i], namesAndValues[i + 1]);
      }
    }
    return map;
  }

  /**
   * Create an account, or give one another password (which ends its sessions: 216).
   *
   * @param user user id
   * @param password password
   */
  public void addUser(String user, String password) {
    admin("/users", map("user", user, "password", password));
  }

  /**
   * Remove an account; its sessions end with 207.
   *
   * @param user user id
   */
  public void removeUser(String user) {
    admin("/users", map("user", user, "remove", true));
  }

  /**
   * A fresh access token.
   *
   * @param user user id
   * @param ttlSeconds its life; 0: the default, -1: for ever
   * @return the token
   */
  public String token(String user, long ttlSeconds) {
    return (String) admin("/token", map("user", user, "ttl", ttlSeconds)).get("access_token");
  }

  /**
   * Every token of this user has expired. Sessions go on, as on the service.
   *
   * @param user user id
   */
  public void expireTokens(String user) {
    admin("/expire", map("user", user));
  }

  /**
   * A text message into the queue of every device of a user.
   *
   * @param user who gets it
   * @param from who it is from
   * @param text the text
   * @return its id
   */
  public String push(String user, String from, String text) {
    return (String) admin("/push", map("user", user, "from", from, "text", text)).get("id");
  }

  /** How a session can be ended from elsewhere. */
  public enum Kick {
    /** The account was removed: 207. */
    REMOVED(1),
    /** Another device logged in: 206. */
    REPLACED(2),
    /** The password was changed: 216. */
    PASSWORD(3),
    /** The console, or another device, ended it: 217. */
    FORCED(4);

    private final int operation;

    Kick(int operation) {
      this.operation = operation;
    }
  }

  /**
   * End the sessions of a user as the service does.
   *
   * @param user user id
   * @param why how
   * @param reason the server's words, or null
   * @return how many
   */
  public long kick(String user, Kick why, String reason) {
    return (Long) admin("/kick", map("user", user, "operation", why.operation, "reason", reason)).get("count");
  }

  /**
   * Cut connections.
   *
   * @param user whose; null: all
   * @return how many
   */
  public long cut(String user) {
    return (Long) admin("/cut", map("user", user)).get("count");
  }

  /**
   * While on, nothing of this user is read or answered: a line that is half open.
   *
   * @param user user id
   * @param on whether so
   */
  public void freeze(String user, boolean on) {
    admin("/freeze", map("user", user, "on", on));
  }

  /**
   * How many calls of each kind came so far.
   *
   * @return kinds (docs/sandbox.md) and counts
   */
  public Map<String, Object> counters() {
    return admin("/counters", null);
  }

  // ---- the end

  /** End the service. Idempotent. */
  @Override
  public void close() {
    end(process);
  }

  private static void end(Process process) {
    process.destroy();
    try {
      process.getOutputStream().close();
      if (!process.waitFor(PATIENCE_MS, TimeUnit.MILLISECONDS)) {
        process.destroyForcibly().waitFor();
      }
    } catch (IOException error) {
      // It is gone already.
    } catch (InterruptedException error) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
