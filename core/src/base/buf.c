#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/text.h"

static bool reserve(eim_buf *self, size_t more) {
  if (self->failed) return false;
  if (more > SIZE_MAX / 4 || self->length > SIZE_MAX / 4) {
    self->failed = true;
    return false;
  }
  size_t need = self->length + more + 1;
  if (need <= self->capacity) return true;
  size_t capacity = self->capacity ? self->capacity * 2 : 128;
  if (capacity < need) capacity = need;
  /* Not realloc: it would leave a copy of what may be a secret behind. */
  uint8_t *data = malloc(capacity);
  if (!data) {
    self->failed = true;
    return false;
  }
  if (self->length) memcpy(data, self->data, self->length);
  if (self->data) {
    eim_wipe(self->data, self->capacity);
    free(self->data);
  }
  self->data = data;
  self->capacity = capacity;
  return true;
}

void eim_buf_add(eim_buf *self, const void *bytes, size_t length) {
  if (!reserve(self, length)) return;
  if (length) memcpy(self->data + self->length, bytes, length);
  self->length += length;
  self->data[self->length] = 0;
}

void eim_buf_str(eim_buf *self, const char *text) {
  eim_buf_add(self, text, strlen(text));
}

void eim_buf_printf(eim_buf *self, const char *format, ...) {
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  int length = vsnprintf(NULL, 0, format, args);
  va_end(args);
  if (length < 0) self->failed = true;
  if (length >= 0 && reserve(self, (size_t)length)) {
    vsnprintf((char *)self->data + self->length, (size_t)length + 1, format, again);
    self->length += (size_t)length;
  }
  va_end(again);
}

void eim_buf_json_str(eim_buf *self, const char *text) {
  if (!text) {
    eim_buf_str(self, "null");
    return;
  }
  eim_buf_add(self, "\"", 1);
  while (*text) {
    size_t plain = 0;
    while ((unsigned char)text[plain] >= 0x20 && (unsigned char)text[plain] < 0x7f &&
           text[plain] != '"' && text[plain] != '\\')
      plain++;
    eim_buf_add(self, text, plain);
    text += plain;
    unsigned char c = (unsigned char)*text;
    if (!c) break;
    if (c >= 0x80) {
      size_t length = eim_utf8_length(text);
      if (length)
        eim_buf_add(self, text, length);
      else
        eim_buf_str(self, "\xef\xbf\xbd");
      text += length ? length : 1;
      continue;
    }
    switch (c) {
    case '"': eim_buf_str(self, "\\\""); break;
    case '\\': eim_buf_str(self, "\\\\"); break;
    case '\n': eim_buf_str(self, "\\n"); break;
    case '\r': eim_buf_str(self, "\\r"); break;
    case '\t': eim_buf_str(self, "\\t"); break;
    default: eim_buf_printf(self, "\\u%04x", c);
    }
    text++;
  }
  eim_buf_add(self, "\"", 1);
}

void eim_buf_url(eim_buf *self, const char *text) {
  static const char hex[] = "0123456789ABCDEF";
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
        c == '_' || c == '.' || c == '~') {
      eim_buf_add(self, &c, 1);
    } else {
      char escaped[3] = {'%', hex[c >> 4], hex[c & 15]};
      eim_buf_add(self, escaped, 3);
    }
  }
}

void eim_buf_clear(eim_buf *self) {
  self->length = 0;
  self->failed = false;
  if (self->data) self->data[0] = 0;
}

void eim_buf_free(eim_buf *self) {
  free(self->data);
  *self = (eim_buf)EIM_BUF_INIT;
}

void eim_buf_wipe(eim_buf *self) {
  if (self->data) eim_wipe(self->data, self->capacity);
  eim_buf_free(self);
}
