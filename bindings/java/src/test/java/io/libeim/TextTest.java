package io.libeim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Text and JSON through C and back. */
class TextTest {
  private static String throughC(String text) {
    return Message.text("bob", text).build().text();
  }

  @Test
  void everyPlaneSurvives() {
    for (String text : new String[] {"a", "é", "漢", "😀", "\uD83D\uDC68\u200D\uD83D\uDC69\u200D\uD83D\uDC67", "\u0001\t\n\u007F", "\uFFFF\uFEFF"}) {
      assertEquals(text, throughC(text));
    }
  }

  @Test
  void emojiAreFourBytesOnTheWire() { // JNI's own UTF has six
    assertArrayEquals(new byte[] {(byte) 0xF0, (byte) 0x9F, (byte) 0x98, (byte) 0x80}, Text.utf8("😀"));
  }

  @Test
  void halvesOfPairsBecomeReplacementCharacters() {
    assertEquals("a\uFFFDb", throughC("a\uD83Db"));
    assertEquals("\uFFFD", throughC("\uDE00"));
    assertEquals("\uFFFD😀", throughC("\uD83D\uD83D\uDE00"));
    assertEquals("\uFFFD\uFFFD", throughC("\uDE00\uD83D"));
    assertEquals("x\uFFFD", Message.text("bob", "t").ext("k", "x\uD83D").build().ext().get("k"));
  }

  @Test
  void randomTextSurvives() {
    Random random = new Random(20261127);
    for (int round = 0; round < 2000; round++) {
      StringBuilder text = new StringBuilder("-");
      for (int i = random.nextInt(40); i > 0; i--) {
        text.append((char) (1 + random.nextInt(0xFFFF)));
      }
      // What java.nio makes of it is the measure, but for '?' as the replacement.
      String want = StandardCharsets.UTF_16LE.decode(StandardCharsets.UTF_16LE.encode(text.toString())).toString();
      assertEquals(want, throughC(text.toString()), () -> text.chars().mapToObj(Integer::toHexString).toString());
    }
  }

  @Test
  void longTextSurvives() {
    char[] text = new char[300_000];
    Arrays.fill(text, '漢');
    assertEquals(new String(text), throughC(new String(text)));
  }

  @Test
  void nulIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> Text.utf8("a\0b"));
    assertThrows(IllegalArgumentException.class, () -> Message.text("bob", "a\0b"));
    assertEquals("a\0b", Message.text("bob", "t").ext("k", "a\0b").build().ext().get("k"), "escaped in JSON");
    try (Context context = new Context();
        Client client = Client.builder("org#app").context(context).build()) {
      assertEquals(ErrorCode.E_INVALID, code(() -> client.open("alice", "a\0b").await()));
    }
  }

  private static int code(Runnable call) {
    return assertThrows(EimException.class, call::run).code();
  }

  @Test
  void nothingIsNull() {
    assertNull(Text.utf8(null));
    assertNull(Text.string(null));
  }

  @Test
  void extraValuesKeepTheirTypes() {
    Map<String, Object> deep = new LinkedHashMap<>();
    deep.put("nothing", null);
    deep.put("list", Arrays.asList(1L, "two", true, null));
    Map<String, Object> ext =
        Message.text("bob", "t")
            .ext("long", Long.MAX_VALUE)
            .ext("least", Long.MIN_VALUE)
            .ext("exact", 9007199254740993L)
            .ext("double", 0.1)
            .ext("yes", true)
            .ext("text", "\"😀\\\n")
            .ext("nothing", null)
            .ext("deep", deep)
            .ext("array", new int[] {1, 2})
            .build()
            .ext();
    assertEquals(Long.MAX_VALUE, ext.get("long"));
    assertEquals(Long.MIN_VALUE, ext.get("least"));
    assertEquals(9007199254740993L, ext.get("exact"));
    assertEquals(0.1, ext.get("double"));
    assertEquals(true, ext.get("yes"));
    assertEquals("\"😀\\\n", ext.get("text"));
    assertEquals(deep, ext.get("deep"));
    assertEquals(List.of(1L, 2L), ext.get("array"));
    assertEquals(true, ext.containsKey("nothing"));
    assertNull(ext.get("nothing"));
    assertThrows(UnsupportedOperationException.class, () -> ext.put("more", 1));
  }

  @Test
  void aReplyStaysInItsThread() {
    String inThread =
        "CE0SFBIFYWxpY2UaC2Vhc2Vtb2IuY29tGhwSAnQxGhZjb25mZXJlbmNlLmVhc2Vtb2IuY29tIAUoATI7CAISBxIFYWxpY2UaBBIC"
            + "dDEiBQgAEgF4SiF7InRocmVhZCI6eyJtdWNfcGFyZW50X2lkIjoiZzEifX0=";
    Message message = Message.fromHistory(inThread);
    assertEquals(Map.of("muc_parent_id", "g1"), ((Map<?, ?>) message.body().get("meta")).get("thread"));
    assertEquals(true, Json.object(message.reply("me too").build().toJson()).get("isChatThread"));
    assertEquals("t1", message.reply("me too").build().to());
    Message outside = Message.fromHistory("CE0SFBIFYWxpY2UaC2Vhc2Vtb2IuY29tGhwSAnQxGhZjb25mZXJlbmNlLmVhc2Vtb2IuY29tIAUoATIYCAISBxIFYWxpY2UaBBICdDEiBQgAEgF4");
    assertEquals(ChatType.GROUP, outside.chatType());
    assertNull(Json.object(outside.reply("me too").build().toJson()).get("isChatThread"));
  }

  @Test
  void hugeIntegersStayExact() {
    BigInteger huge = new BigInteger("123456789012345678901234567890");
    assertEquals(huge, Message.text("bob", "t").ext("n", huge).build().ext().get("n"));
  }

  @Test
  void whatJsonCannotSayIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> Message.text("bob", "t").ext("k", new Object()).build());
    assertThrows(IllegalArgumentException.class, () -> Message.text("bob", "t").ext("k", Double.NaN).build());
    assertThrows(EimException.class, () -> Message.fromJson("{"));
    assertThrows(NullPointerException.class, () -> Message.fromJson(null));
    assertEquals(Collections.emptyMap(), Json.object("[]"));
  }

  @Test
  void theErrorNamesTheField() {
    EimException error = assertThrows(EimException.class, () -> Message.text("bob", "t").length(3).build());
    assertEquals(true, error.getMessage().contains("length"), error.getMessage());
  }

  @Test
  void jsonViewsGoThrough() {
    Message message = Message.location("bob", 31.25, 121.5).address("Bund").ext("n", 1).build();
    Message again = Message.fromJson(message.toJson());
    assertEquals(message.toJson(), again.toJson());
    assertEquals(MessageKind.LOCATION, again.kind());
    assertEquals(31.25, again.body().get("lat"));
  }
}
