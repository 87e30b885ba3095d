#include "base/json.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

typedef struct cursor {
  const char *at, *end;
} cursor;

static void space(cursor *c) {
  while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\r' || *c->at == '\t'))
    c->at++;
}

static bool take(cursor *c, char what) {
  if (c->at >= c->end || *c->at != what) return false;
  c->at++;
  return true;
}

static bool word(cursor *c, const char *text) {
  size_t length = strlen(text);
  if ((size_t)(c->end - c->at) < length || memcmp(c->at, text, length)) return false;
  c->at += length;
  return true;
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static int hex(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

static bool string(cursor *c) {
  if (!take(c, '"')) return false;
  const char *plain = c->at;
  while (c->at < c->end) {
    unsigned char byte = (unsigned char)*c->at;
    if (byte < 0x20) return false;
    if (byte == '"') {
      if (!eim_utf8_valid(plain, (size_t)(c->at - plain))) return false;
      c->at++;
      return true;
    }
    c->at++;
    if (byte != '\\') continue;
    if (c->at >= c->end) return false;
    char escape = *c->at++;
    if (escape == 'u') {
      if (c->end - c->at < 4) return false;
      for (int i = 0; i < 4; i++)
        if (hex(*c->at++) < 0) return false;
    } else if (!strchr("\"\\/bfnrt", escape) || !escape) {
      return false;
    }
  }
  return false;
}

static bool digits(cursor *c) {
  const char *start = c->at;
  while (c->at < c->end && is_digit(*c->at)) c->at++;
  return c->at > start;
}

static bool number(cursor *c) {
  take(c, '-');
  if (!take(c, '0') && !digits(c)) return false;
  if (take(c, '.') && !digits(c)) return false;
  if (take(c, 'e') || take(c, 'E')) {
    if (!take(c, '+')) take(c, '-');
    return digits(c);
  }
  return true;
}

static bool value(cursor *c, int depth);

static bool members(cursor *c, int depth, bool object) {
  char close = object ? '}' : ']';
  space(c);
  if (take(c, close)) return true;
  do {
    space(c);
    if (object) {
      if (!string(c)) return false;
      space(c);
      if (!take(c, ':')) return false;
      space(c);
    }
    if (!value(c, depth)) return false;
    space(c);
  } while (take(c, ','));
  return take(c, close);
}

static bool value(cursor *c, int depth) {
  if (c->at >= c->end) return false;
  switch (*c->at) {
  case '{':
  case '[': {
    bool object = *c->at++ == '{';
    return depth < EIM_JSON_DEPTH && members(c, depth + 1, object);
  }
  case '"': return string(c);
  case 't': return word(c, "true");
  case 'f': return word(c, "false");
  case 'n': return word(c, "null");
  default: return number(c);
  }
}

bool eim_json_parse(eim_json *out, const void *text, size_t length) {
  *out = (eim_json){NULL, NULL};
  if (!text) return false;
  cursor c = {text, (const char *)text + length};
  space(&c);
  const char *start = c.at;
  if (!value(&c, 0)) return false;
  const char *end = c.at;
  space(&c);
  if (c.at != c.end) return false;
  *out = (eim_json){start, end};
  return true;
}

eim_json_type eim_json_kind(eim_json v) {
  if (!v.at) return EIM_JSON_NONE;
  switch (*v.at) {
  case '{': return EIM_JSON_OBJECT;
  case '[': return EIM_JSON_ARRAY;
  case '"': return EIM_JSON_STRING;
  case 't': return EIM_JSON_TRUE;
  case 'f': return EIM_JSON_FALSE;
  case 'n': return EIM_JSON_NULL;
  default: return EIM_JSON_NUMBER;
  }
}

/* From here on the text is known to be well-formed. */

static eim_json skip(cursor *c) {
  const char *start = c->at;
  int depth = 0;
  do {
    char first = *c->at;
    if (first == '"') {
      for (c->at++; *c->at != '"'; c->at++)
        if (*c->at == '\\') c->at++;
      c->at++;
    } else if (first == '{' || first == '[') {
      depth++;
      c->at++;
    } else if (first == '}' || first == ']') {
      depth--;
      c->at++;
    } else if (depth) {
      c->at++; /* digits, words, separators: no need to look */
    } else {
      while (c->at < c->end && !strchr(",}] \n\r\t", *c->at)) c->at++;
    }
  } while (depth);
  return (eim_json){start, c->at};
}

eim_json_iter eim_json_each(eim_json container) {
  eim_json_iter it = {{NULL, NULL}, {NULL, NULL}, NULL, NULL, false};
  eim_json_type kind = eim_json_kind(container);
  if (kind == EIM_JSON_OBJECT || kind == EIM_JSON_ARRAY) {
    it.object = kind == EIM_JSON_OBJECT;
    it.at = container.at + 1;
    it.end = container.end - 1;
  }
  return it;
}

bool eim_json_next(eim_json_iter *self) {
  cursor c = {self->at, self->end};
  if (!c.at) return false;
  space(&c);
  if (take(&c, ',')) space(&c);
  if (c.at >= c.end) return false;
  if (self->object) {
    self->key = skip(&c);
    space(&c);
    take(&c, ':');
    space(&c);
  }
  self->value = skip(&c);
  self->at = c.at;
  return true;
}

/* The next character of a string as UTF-8; 0 at its end. c is between the quotes. */
static size_t character(cursor *c, char out[4]) {
  static const char replacement[] = "\xef\xbf\xbd";
  if (c->at >= c->end) return 0;
  if (*c->at != '\\') {
    size_t length = (unsigned char)*c->at < 0x80   ? 1
                    : (unsigned char)*c->at < 0xe0 ? 2
                    : (unsigned char)*c->at < 0xf0 ? 3
                                                   : 4;
    memcpy(out, c->at, length);
    c->at += length;
    return length;
  }
  char escape = c->at[1];
  c->at += 2;
  if (escape != 'u') {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    out[0] = to[strchr(from, escape) - from];
    return 1;
  }
  uint32_t code = 0;
  for (int i = 0; i < 4; i++) code = code << 4 | (uint32_t)hex(*c->at++);
  if (code >= 0xd800 && code < 0xdc00 && c->end - c->at >= 6 && c->at[0] == '\\' &&
      c->at[1] == 'u') {
    uint32_t low = 0;
    for (int i = 2; i < 6; i++) low = low << 4 | (uint32_t)hex(c->at[i]);
    if (low >= 0xdc00 && low < 0xe000) {
      c->at += 6;
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      out[0] = (char)(0xf0 | code >> 18);
      out[1] = (char)(0x80 | (code >> 12 & 0x3f));
      out[2] = (char)(0x80 | (code >> 6 & 0x3f));
      out[3] = (char)(0x80 | (code & 0x3f));
      return 4;
    }
  }
  if (!code || (code >= 0xd800 && code < 0xe000)) { /* C strings end at NUL */
    memcpy(out, replacement, 3);
    return 3;
  }
  if (code < 0x80) {
    out[0] = (char)code;
    return 1;
  }
  if (code < 0x800) {
    out[0] = (char)(0xc0 | code >> 6);
    out[1] = (char)(0x80 | (code & 0x3f));
    return 2;
  }
  out[0] = (char)(0xe0 | code >> 12);
  out[1] = (char)(0x80 | (code >> 6 & 0x3f));
  out[2] = (char)(0x80 | (code & 0x3f));
  return 3;
}

static bool inside(eim_json v, cursor *c) {
  if (eim_json_kind(v) != EIM_JSON_STRING) return false;
  *c = (cursor){v.at + 1, v.end - 1};
  return true;
}

bool eim_json_is(eim_json v, const char *text) {
  cursor c;
  if (!inside(v, &c)) return false;
  char bytes[4];
  for (size_t n; (n = character(&c, bytes)); text += n)
    if (strncmp(text, bytes, n)) return false;
  return !*text;
}

eim_json eim_json_get(eim_json object, const char *name) {
  if (eim_json_kind(object) == EIM_JSON_OBJECT)
    for (eim_json_iter it = eim_json_each(object); eim_json_next(&it);)
      if (eim_json_is(it.key, name)) return it.value;
  return (eim_json){NULL, NULL};
}

bool eim_json_text(eim_json v, eim_buf *out) {
  cursor c;
  if (!inside(v, &c)) return false;
  eim_buf_add(out, "", 0); /* so that data is there for "" too */
  while (c.at < c.end) {
    const char *plain = c.at;
    while (c.at < c.end && *c.at != '\\') c.at++;
    eim_buf_add(out, plain, (size_t)(c.at - plain));
    char bytes[4];
    size_t n = character(&c, bytes);
    eim_buf_add(out, bytes, n);
  }
  return true;
}

bool eim_json_copy(eim_json v, char *out, size_t size) {
  cursor c;
  *out = 0;
  if (!inside(v, &c)) return false;
  size_t used = 0;
  char bytes[4];
  for (size_t n; (n = character(&c, bytes)); used += n) {
    if (used + n >= size) {
      *out = 0;
      return false;
    }
    memcpy(out + used, bytes, n);
  }
  out[used] = 0;
  return true;
}

bool eim_json_i64(eim_json v, int64_t *out) {
  char text[24];
  if (eim_json_kind(v) != EIM_JSON_NUMBER || (size_t)(v.end - v.at) >= sizeof text) return false;
  memcpy(text, v.at, (size_t)(v.end - v.at));
  text[v.end - v.at] = 0;
  return eim_parse_i64(text, out);
}

/* The host process may have set a locale with another decimal point. */
static locale_t enter_c(locale_t *c) {
  *c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  return *c ? uselocale(*c) : (locale_t)0;
}

static void leave_c(locale_t c, locale_t old) {
  if (!c) return;
  uselocale(old);
  freelocale(c);
}

bool eim_json_double(eim_json v, double *out) {
  char text[512];
  if (eim_json_kind(v) != EIM_JSON_NUMBER || (size_t)(v.end - v.at) >= sizeof text) return false;
  memcpy(text, v.at, (size_t)(v.end - v.at));
  text[v.end - v.at] = 0;
  locale_t c, old = enter_c(&c);
  *out = strtod(text, NULL);
  leave_c(c, old);
  return isfinite(*out);
}

bool eim_json_loose_i64(eim_json v, int64_t *out) {
  double number;
  char text[32];
  if (eim_json_kind(v) == EIM_JSON_STRING) {
    eim_json inner;
    if (!eim_json_copy(v, text, sizeof text) || !eim_json_parse(&inner, text, strlen(text)) ||
        eim_json_kind(inner) != EIM_JSON_NUMBER)
      return false;
    return eim_json_loose_i64(inner, out);
  }
  if (eim_json_i64(v, out)) return true;
  if (!eim_json_double(v, &number) || number < -9e18 || number > 9e18) return false;
  *out = (int64_t)number;
  return true;
}

void eim_json_raw(eim_json v, eim_buf *out) {
  if (v.at)
    eim_buf_add(out, v.at, (size_t)(v.end - v.at));
  else
    eim_buf_str(out, "null");
}

void eim_buf_json_u64(eim_buf *self, uint64_t value) {
  char text[20], *at = text + sizeof text;
  do {
    *--at = (char)('0' + value % 10);
    value /= 10;
  } while (value);
  eim_buf_add(self, at, (size_t)(text + sizeof text - at));
}

void eim_buf_json_i64(eim_buf *self, int64_t value) {
  if (value < 0) eim_buf_add(self, "-", 1);
  eim_buf_json_u64(self, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

static void add_number(eim_buf *self, double number, int low, int high, bool is_float) {
  if (!isfinite(number)) {
    eim_buf_str(self, "null");
    return;
  }
  char text[40];
  locale_t c, old = enter_c(&c);
  for (int precision = low; precision <= high; precision++) {
    snprintf(text, sizeof text, "%.*g", precision, number);
    if (is_float ? (double)strtof(text, NULL) == number : strtod(text, NULL) == number) break;
  }
  leave_c(c, old);
  eim_buf_str(self, text);
  if (!strpbrk(text, ".e")) eim_buf_str(self, ".0");
}

void eim_buf_json_double(eim_buf *self, double number) {
  add_number(self, number, 15, 17, false);
}

void eim_buf_json_float(eim_buf *self, float number) {
  add_number(self, (double)number, 6, 9, true);
}
