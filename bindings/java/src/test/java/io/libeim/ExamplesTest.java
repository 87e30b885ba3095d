package io.libeim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.json.JSONObject;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** examples/java, run as their comments say. */
@Timeout(120)
class ExamplesTest {
  private static final Path FOLDER = Paths.get("../../examples/java");

  private static Process start(Map<String, String> environment, String... arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Paths.get(System.getProperty("java.home"), "bin", "java").toString());
    if (Double.parseDouble(System.getProperty("java.specification.version")) >= 24) {
      command.add("--enable-native-access=ALL-UNNAMED");
    }
    command.addAll(Arrays.asList("-Dfile.encoding=UTF-8", "-cp", path(Client.class) + File.pathSeparator + path(JSONObject.class)));
    command.addAll(Arrays.asList(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().remove("EIM_PASSWORD"); // of whoever runs the tests
    builder.environment().putAll(environment);
    return builder.start();
  }

  private static String path(Class<?> of) {
    try {
      return new File(of.getProtectionDomain().getCodeSource().getLocation().toURI()).getPath();
    } catch (URISyntaxException error) {
      throw new AssertionError(error);
    }
  }

  private static BufferedReader out(Process process) {
    return new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }

  @Test
  void echoBot() throws Exception {
    Process process = start(Map.of(), FOLDER.resolve("EchoBot.java").toString());
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    assertEquals(0, process.exitValue(), text);
    for (String line : new String[] {"alice got hello", "alice got how are you?", "alice got 😀", "over: logged out"}) {
      assertTrue(text.contains(line), text);
    }
  }

  /** A forgotten password is told as what it is. */
  @Test
  void usage() throws Exception {
    Process process = start(Map.of(), FOLDER.resolve("EchoBot.java").toString(), "org#app", "bot");
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    assertEquals(2, process.exitValue(), text);
    assertTrue(text.startsWith("usage: EIM_PASSWORD="), text);
  }

  /** The first program of README.md, word for word. */
  @Test
  void readme(@TempDir Path folder) throws Exception {
    String text = Files.readString(Paths.get("README.md"));
    int begin = text.indexOf("```java\n") + 8;
    String program = text.substring(begin, text.indexOf("```", begin));
    assertTrue(program.contains("Sandbox.start"), program);
    Path file = folder.resolve("Readme.java");
    // Beside it: what is answered is printed, and that is the end.
    String print =
        "  alice.addEventHandler(\"test\", new EventHandler() {\n"
            + "    @Override public void onMessage(Message m) { System.out.println(m.text()); System.exit(0); }\n  });\n";
    int send = program.indexOf("  SendResult sent");
    int end = program.lastIndexOf('}');
    Files.writeString(
        file,
        "import io.libeim.*;\nclass Readme {\n  public static void main(String[] arguments) throws Exception {\n"
            + program.substring(0, send)
            + print
            + program.substring(send, end)
            + "  Thread.currentThread().join(30_000);\n}\n}\n}\n");
    Process process = start(Map.of(), file.toString());
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    assertEquals("hi yourself", out.trim());
  }

  /** The program of the project's README.md, as it stands there, and what it says it prints. */
  @Test
  void frontPage(@TempDir Path folder) throws Exception {
    String text = Files.readString(Paths.get("../../README.md"));
    int begin = text.indexOf("```java\n") + 8;
    String program = text.substring(begin, text.indexOf("```", begin));
    String print = "System.out.println(";
    String says = program.substring(program.indexOf("// ", program.indexOf(print)) + 3).split("\n", 2)[0];
    Path file = folder.resolve("Hello.java");
    Files.writeString(file, program);
    Process process = start(Map.of(), file.toString());
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    assertEquals(says, out.trim());
    assertEquals(0, process.exitValue());
  }

  @Test
  void chat() throws Exception {
    try (Sandbox sandbox = Sandbox.start("--user", "alice:secret", "--user", "bob:secret");
        Client bob = sandbox.client().delivery(true).build()) {
      bob.addEventHandler(
          "test",
          new EventHandler() {
            @Override
            public void onMessage(Message message) {
              bob.send(message.reply("I heard: " + message.text()).build());
            }
          });
      bob.open("bob", "secret").await();
      Process process =
          start(
              Map.of("EIM_PASSWORD", "secret", "EIM_API_URL", sandbox.apiUrl(), "EIM_URL", sandbox.url()),
              FOLDER.resolve("Chat.java").toString(),
              sandbox.appKey(),
              "alice",
              "bob");
      List<String> lines = new ArrayList<>();
      Writer in = new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8);
      try (BufferedReader out = out(process)) {
        in.write("grüß dich\n");
        in.flush();
        for (String line; (line = out.readLine()) != null; ) {
          lines.add(line);
          if (line.startsWith("bob: ")) {
            in.close();
          }
        }
      }
      assertTrue(process.waitFor(60, TimeUnit.SECONDS));
      assertEquals(0, process.exitValue(), lines::toString);
      assertTrue(lines.contains("* online as alice") && lines.contains("bob: I heard: grüß dich"), lines::toString);
      assertTrue(lines.contains("* delivered"), lines::toString);
      Process wrong =
          start(
              Map.of("EIM_PASSWORD", "m1staken", "EIM_API_URL", sandbox.apiUrl(), "EIM_URL", sandbox.url()),
              FOLDER.resolve("Chat.java").toString(),
              sandbox.appKey(),
              "alice",
              "bob");
      String text = new String(wrong.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertTrue(wrong.waitFor(60, TimeUnit.SECONDS));
      assertEquals(1, wrong.exitValue(), text);
      assertTrue(text.contains("202 USER_AUTHENTICATION_FAILED") && !text.contains("m1staken"), text);
    }
  }
}
