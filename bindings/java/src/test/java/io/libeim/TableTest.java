package io.libeim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What is written down twice, here and in C, is the same. */
class TableTest {
  @Test
  void eventsHaveTheNumbersOfC() throws IllegalAccessException {
    int count = 0;
    for (Field field : Sink.class.getDeclaredFields()) {
      if (field.getType() == int.class) {
        assertEquals(field.getName().toLowerCase(), Core.event_name(field.getInt(null)));
        count++;
      }
    }
    assertNotNull(Core.event_name(count - 1));
    assertNull(Core.event_name(count), "an event that Sink does not know");
  }

  @Test
  void everyOptionHasItsWord() {
    Set<String> words = new HashSet<>();
    for (Method method : ClientOptions.class.getMethods()) {
      words.add(method.getName());
    }
    for (int i = 0; i < Core.eim_option_count(); i++) {
      String name = Core.eim_option_name(i);
      boolean elsewhere = name.equals("appKey") || name.equals("ioThreads");
      assertTrue(words.contains(name) != elsewhere, name);
    }
  }

  @Test
  void optionsAreSet() throws ReflectiveOperationException {
    Client.Builder builder = Client.builder("org#app");
    for (Method method : ClientOptions.class.getMethods()) {
      if (method.getDeclaringClass() != ClientOptions.class || method.getName().equals("option")) {
        continue;
      }
      Class<?> type = method.getParameterTypes()[0];
      String name = method.getName();
      Object value;
      if (type == boolean.class) {
        value = true;
      } else if (type == long.class) {
        value = 70_000L;
      } else if (type == int.class) {
        value = 7;
      } else if (type == double.class) {
        value = 0.5;
      } else if (type == String[].class) {
        value = name.equals("dnsUrls") ? new String[] {"https://a", "https://b"} : new String[] {"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="};
      } else {
        value = sample(name);
      }
      assertEquals(builder, method.invoke(builder, value), name);
      String now = builder.config.get(name);
      String want = value instanceof String[] ? String.join(",", (String[]) value) : String.valueOf(value);
      assertTrue(want.equals(now) || "***".equals(now), () -> name + ": " + want + " became " + now);
    }
  }

  private static String sample(String name) {
    switch (name) {
      case "apiUrl":
        return "https://rest.example";
      case "url":
        return "wss://im.example/ws";
      case "proxy":
        return "http://proxy:8080";
      case "ipVersion":
        return "4";
      case "deviceId":
      case "deviceName":
        return "device";
      case "osPlatform":
        return "linux";
      case "ackMode":
        return "manual";
      case "reportLogLevel":
        return "INFO";
      default:
        return "/tmp";
    }
  }

  @Test
  void wrongOptionsSayWhatIsAllowed() {
    EimException error = assertThrows(EimException.class, () -> Client.builder("org#app").heartBeatWait(1));
    assertEquals(ErrorCode.E_INVALID, error.nativeCode());
    assertTrue(error.getMessage().contains("heartBeatWait") && error.getMessage().contains("1000"), error.getMessage());
    assertThrows(EimException.class, () -> Client.builder("org#app").option("heartbeatwait", "1"));
    assertThrows(EimException.class, () -> Client.builder("no key").build());
    assertThrows(IllegalArgumentException.class, () -> Client.builder("org#app").option("ioThreads", "2"));
  }

  @Test
  void errorCodesAreThoseOfC() throws ReflectiveOperationException {
    assertEquals(206, ErrorCode.USER_LOGIN_ANOTHER_DEVICE);
    int count = 0;
    for (Field field : CoreConstants.class.getDeclaredFields()) {
      String name = field.getName();
      if (name.startsWith("EIM_CODE_") || name.startsWith("EIM_E_")) {
        String ours = name.startsWith("EIM_CODE_") ? name.substring(9) : name.substring(4);
        assertEquals(field.getInt(null), ErrorCode.class.getField(ours).getInt(null), name);
        count++;
      }
    }
    assertEquals(count, ErrorCode.class.getFields().length);
  }

  @Test
  void versionIsThatOfTheProject() {
    assertEquals("0.1.0", Eim.version());
  }
}
