#include "plain_text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Length of the UTF-8 sequence at text and its code point; 1 and U+FFFD when it is none. */
static size_t decode(const unsigned char *text, uint32_t *out) {
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  size_t length = text[0] < 0x80   ? 1
                  : text[0] < 0xc0 ? 0
                  : text[0] < 0xe0 ? 2
                  : text[0] < 0xf0 ? 3
                                   : 4;
  uint32_t code = length == 1 ? text[0] : text[0] & (0xffU >> (length + 1));
  for (size_t i = 1; i < length; i++) {
    if ((text[i] & 0xc0) != 0x80) length = 0;
    code = code << 6 | (text[i] & 0x3f);
  }
  if (!length || code < least[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
    *out = 0xfffd;
    return 1;
  }
  *out = code;
  return length;
}

void eim_cli_plain_text(char *out, size_t size, const char *text) {
  const unsigned char *at = (const unsigned char *)(text ? text : "");
  size_t used = 0;
  while (*at) {
    uint32_t code;
    size_t length = decode(at, &code);
    char piece[12];
    if (code == '\n')
      snprintf(piece, sizeof piece, "\\n");
    else if (code < 0x20 || (code >= 0x7f && code < 0xa0))
      snprintf(piece, sizeof piece, "\\x%02x", (unsigned)code);
    else if ((code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
             code == 0xfffd)
      snprintf(piece, sizeof piece, "?");
    else
      snprintf(piece, sizeof piece, "%.*s", (int)length, (const char *)at);
    size_t n = strlen(piece);
    if (used + n + 1 > size) break;
    memcpy(out + used, piece, n);
    used += n;
    at += length;
  }
  if (size) out[used] = 0;
}
