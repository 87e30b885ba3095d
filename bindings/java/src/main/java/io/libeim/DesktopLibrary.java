package io.libeim;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Finds and loads libeim_jni.so: the file that the system property {@code io.libeim.library} names; the one in the jar; the
 * one on {@code java.library.path}.
 */
final class DesktopLibrary {
  static final String LIBRARY = "io.libeim.library";
  static final String TMPDIR = "io.libeim.tmpdir";
  private static final String NAME = NativeLibrary.NAME;

  private DesktopLibrary() {}

  static void load() {
    String named = System.getProperty(LIBRARY);
    if (named != null) {
      loadFile(named);
    } else {
      loadFromJar();
    }
  }

  /** Such as {@code linux-x86_64} or {@code linux-aarch64-musl}: the folder in the jar. */
  static String platform() {
    String os = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
    String cpu = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);
    switch (cpu) {
      case "amd64":
      case "x64":
        cpu = "x86_64";
        break;
      case "i386":
      case "i686":
        cpu = "x86";
        break;
      case "arm64":
        cpu = "aarch64";
        break;
      default:
    }
    return os.replace(' ', '_') + "-" + cpu + (isMusl() ? "-musl" : "");
  }

  private static boolean isMusl() { // Alpine: its loader is there under this name, and no glibc's
    for (String cpu : new String[] {"x86_64", "aarch64", "armhf", "i386"}) {
      if (Files.exists(Paths.get("/lib/ld-musl-" + cpu + ".so.1")) && !Files.exists(Paths.get("/etc/debian_version"))) {
        return true;
      }
    }
    return false;
  }

  private static void loadFile(String file) {
    try {
      System.load(Paths.get(file).toAbsolutePath().toString());
    } catch (UnsatisfiedLinkError error) {
      if (!String.valueOf(error.getMessage()).contains("already loaded in another classloader")) {
        throw failed(error, "the file that the system property " + LIBRARY + " names: " + file);
      }
      try (InputStream in = Files.newInputStream(Paths.get(file))) {
        loadCopy(in); // a file serves one class loader, so this one gets its own
      } catch (IOException copying) {
        throw failed(copying, "a copy of " + file + ", which another class loader has loaded already");
      }
    }
  }

  private static void loadFromJar() {
    List<String> tried = new ArrayList<>();
    String resource = "native/" + platform() + "/lib" + NAME + ".so";
    try (InputStream in = DesktopLibrary.class.getResourceAsStream(resource)) {
      if (in != null) {
        loadCopy(in);
        return;
      }
      tried.add("io/libeim/" + resource + " in the jar (absent)");
    } catch (IOException error) {
      throw failed(error, "io/libeim/" + resource + " of the jar; another folder for it can be named by the system property " + TMPDIR);
    }
    try {
      System.loadLibrary(NAME);
    } catch (UnsatisfiedLinkError error) {
      tried.add("lib" + NAME + ".so on java.library.path=" + System.getProperty("java.library.path"));
      tried.add("the system property " + LIBRARY + " (not set)");
      throw failed(error, String.join("; ", tried));
    }
  }

  /** Into a folder that only this user can enter; gone from the disk as soon as it is loaded. */
  private static void loadCopy(InputStream in) throws IOException {
    String where = System.getProperty(TMPDIR);
    Path folder = where == null ? Files.createTempDirectory("libeim") : Files.createTempDirectory(Paths.get(where), "libeim");
    Path file = folder.resolve("lib" + NAME + ".so");
    try {
      Files.copy(in, file);
      System.load(file.toString());
    } catch (UnsatisfiedLinkError error) {
      throw failed(
          error,
          "a copy at "
              + file
              + " (on a file system without execution? The system property "
              + TMPDIR
              + " names another folder)");
    } finally {
      Files.deleteIfExists(file);
      Files.deleteIfExists(folder);
    }
  }

  private static UnsatisfiedLinkError failed(Throwable cause, String what) {
    UnsatisfiedLinkError error =
        new UnsatisfiedLinkError(
            "libeim: no native library for " + platform() + ": " + what + ": " + cause.getMessage());
    error.initCause(cause);
    return error;
  }
}
