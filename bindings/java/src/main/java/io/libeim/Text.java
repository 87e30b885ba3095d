package io.libeim;

import java.nio.charset.StandardCharsets;

/** Text between Java (UTF-16) and C (UTF-8 that ends with a NUL). */
final class Text {
  private Text() {}

  /** UTF-8. A surrogate without its other half, which UTF-8 has no form for, becomes U+FFFD. */
  static byte[] utf8(String text) {
    if (text == null) {
      return null;
    }
    char[] mended = null;
    for (int i = 0, length = text.length(); i < length; i++) {
      char c = text.charAt(i);
      if (c == 0) {
        throw new IllegalArgumentException("text with a NUL in it, at " + i);
      }
      if (!Character.isSurrogate(c)) {
        continue;
      }
      if (Character.isHighSurrogate(c) && i + 1 < length && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
        continue;
      }
      if (mended == null) {
        mended = text.toCharArray();
      }
      mended[i] = '\uFFFD';
    }
    return (mended == null ? text : new String(mended)).getBytes(StandardCharsets.UTF_8);
  }

  static String string(byte[] utf8) {
    return utf8 == null ? null : new String(utf8, StandardCharsets.UTF_8);
  }
}
