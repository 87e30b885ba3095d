package io.libeim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.json.JSONObject;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** How the native library is found, and several of it in one process. */
@Timeout(120)
public class LoaderTest {
  private static Path location(Class<?> of) {
    try {
      return Paths.get(of.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (java.net.URISyntaxException error) {
      throw new AssertionError(error);
    }
  }

  private static final Path CLASSES = location(Client.class);
  private static final Path JSON = location(JSONObject.class);

  private static Path library() {
    return CLASSES.resolve("io/libeim/native/" + DesktopLibrary.platform() + "/libeim_jni.so");
  }

  private static URLClassLoader another() throws IOException {
    return new URLClassLoader(
        new URL[] {CLASSES.toUri().toURL(), JSON.toUri().toURL(), location(LoaderTest.class).toUri().toURL()},
        ClassLoader.getPlatformClassLoader());
  }

  /** Run inside another class loader, by reflection. Its session is its own. */
  public static String talk(String user) throws IOException {
    try (Sandbox sandbox = Sandbox.start("--user", user + ":secret");
        Client client = sandbox.client().build()) {
      client.open(user, "secret").await();
      return client.state() + " " + client.user() + " " + System.identityHashCode(Client.class);
    }
  }

  @Test
  void twoClassLoadersInOneVm() throws Exception {
    String here = talk("alice");
    WeakReference<ClassLoader> gone;
    URLClassLoader loader = another();
    Class<?> there = loader.loadClass(LoaderTest.class.getName());
    assertNotSame(LoaderTest.class, there);
    Method talk = there.getMethod("talk", String.class);
    String other = (String) talk.invoke(null, "bob");
    assertTrue(here.startsWith("ONLINE alice "), here);
    assertTrue(other.startsWith("ONLINE bob "), other);
    assertNotEquals(here.substring(here.lastIndexOf(' ')), other.substring(other.lastIndexOf(' ')));
    assertTrue(talk("carol").startsWith("ONLINE carol "));
    // And it can go again: nothing in C holds a class.
    gone = new WeakReference<>(loader);
    loader.close();
    loader = null;
    there = null;
    talk = null;
    LifeTest.untilCollected(() -> gone.get() == null, "the class loader is still there");
  }

  private static List<String> run(Path temporary, String... arguments) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Paths.get(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(Arrays.asList(arguments));
    Path out = temporary.resolve("out");
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(out.toFile()).start();
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    List<String> lines = new ArrayList<>(Files.readAllLines(out, StandardCharsets.UTF_8));
    lines.add(0, Integer.toString(process.exitValue()));
    return lines;
  }

  private static String path(Path... parts) {
    StringBuilder all = new StringBuilder();
    for (Path part : parts) {
      all.append(all.length() == 0 ? "" : File.pathSeparator).append(part);
    }
    return all.toString();
  }

  /** The classes without the native library. */
  private static Path bare(Path folder) throws IOException {
    Path to = folder.resolve("bare");
    try (Stream<Path> all = Files.walk(CLASSES)) {
      for (Path file : (Iterable<Path>) all::iterator) {
        Path copy = to.resolve(CLASSES.relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(copy);
        } else if (!file.toString().endsWith(".so")) {
          Files.copy(file, copy);
        }
      }
    }
    return to;
  }

  @Test
  void theErrorNamesPlatformAndPlaces(@TempDir Path folder) throws Exception {
    String text = run(folder, "-cp", path(bare(folder), JSON), "io.libeim.Sandbox", "--help").toString();
    for (String part : new String[] {DesktopLibrary.platform(), "io/libeim/native/", "java.library.path", "io.libeim.library"}) {
      assertTrue(text.contains(part), text);
    }
  }

  @Test
  void thePropertyNamesTheFile(@TempDir Path folder) throws Exception {
    List<String> lines =
        run(folder, "-Dio.libeim.library=" + library(), "-cp", path(bare(folder), JSON), "io.libeim.Sandbox", "--help");
    assertEquals("0", lines.get(0), lines::toString);
    lines = run(folder, "-Dio.libeim.library=/no/such.so", "-cp", path(CLASSES, JSON), "io.libeim.Sandbox", "--help");
    assertNotEquals("0", lines.get(0));
    assertTrue(lines.toString().contains("/no/such.so"), lines::toString);
  }

  @Test
  void thePathOfTheVmIsLastButGood(@TempDir Path folder) throws Exception {
    List<String> lines =
        run(folder, "-Djava.library.path=" + library().getParent(), "-cp", path(bare(folder), JSON), "io.libeim.Sandbox", "--help");
    assertEquals("0", lines.get(0), lines::toString);
  }

  @Test
  void nothingIsLeftInTheTemporaryFolder(@TempDir Path folder) throws Exception {
    Path temporary = Files.createDirectory(folder.resolve("tmp"));
    List<String> lines =
        run(folder, "-Dio.libeim.tmpdir=" + temporary, "-cp", path(CLASSES, JSON), "io.libeim.Sandbox", "--help");
    assertEquals("0", lines.get(0), lines::toString);
    try (Stream<Path> left = Files.list(temporary)) {
      assertEquals(0, left.count());
    }
    lines = run(folder, "-Dio.libeim.tmpdir=" + folder.resolve("none"), "-cp", path(CLASSES, JSON), "io.libeim.Sandbox", "--help");
    assertNotEquals("0", lines.get(0));
    assertTrue(lines.toString().contains("io.libeim.tmpdir"), lines::toString);
  }

  @Test
  void aNamedFileServesTwoClassLoaders(@TempDir Path folder) throws Exception {
    List<String> lines =
        run(
            folder,
            "-Xcheck:jni",
            "-Dio.libeim.library=" + library(),
            "-cp",
            path(CLASSES, JSON, location(LoaderTest.class), location(Test.class), location(org.opentest4j.AssertionFailedError.class)),
            "io.libeim.LoaderTest");
    assertEquals("0", lines.get(0), lines::toString);
    assertTrue(lines.contains("two: ONLINE ONLINE"), lines::toString);
  }

  public static void main(String[] arguments) throws Exception {
    String here = talk("alice");
    try (URLClassLoader loader = another()) {
      Object there = loader.loadClass(LoaderTest.class.getName()).getMethod("talk", String.class).invoke(null, "bob");
      System.out.println("two: " + here.split(" ")[0] + " " + ((String) there).split(" ")[0]);
    }
  }

  @Test
  void theSandboxInTheJarRuns() throws Exception {
    // Not by EIM_SANDBOX: as somebody has it who has nothing but the jar.
    ProcessBuilder builder =
        new ProcessBuilder(
            Paths.get(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            path(CLASSES, JSON, location(LoaderTest.class), location(Test.class), location(org.opentest4j.AssertionFailedError.class)),
            "io.libeim.LoaderTest");
    builder.environment().remove("EIM_SANDBOX");
    Process process = builder.redirectErrorStream(true).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    assertEquals(0, process.exitValue(), out);
    assertTrue(out.contains("two: ONLINE ONLINE"), out);
  }
}
