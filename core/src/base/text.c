#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
static size_t sequence(const unsigned char *s, size_t left) {
  if (s[0] < 0x80) return 1;
  if (s[0] < 0xc2 || s[0] > 0xf4) return 0;
  size_t length = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
  if (length > left) return 0;
  for (size_t i = 1; i < length; i++)
    if ((s[i] & 0xc0) != 0x80) return 0;
  if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f)) return 0;
  if ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f)) return 0;
  return length;
}

size_t eim_utf8_length(const char *text) {
  /* The terminating NUL is no continuation byte, so this stops there. */
  return sequence((const unsigned char *)text, 4);
}

bool eim_utf8_valid(const char *text, size_t length) {
  const unsigned char *s = (const unsigned char *)text;
  while (length) {
    size_t n = sequence(s, length);
    if (!n) return false;
    s += n;
    length -= n;
  }
  return true;
}

size_t eim_utf16_length(const char *text) {
  size_t units = 0;
  while (*text) {
    size_t n = eim_utf8_length(text);
    units += n == 4 ? 2 : 1;
    text += n ? n : 1;
  }
  return units;
}

char *eim_strdup(const char *text) {
  if (!text) return NULL;
  size_t size = strlen(text) + 1;
  char *copy = malloc(size);
  if (copy) memcpy(copy, text, size);
  return copy;
}

bool eim_parse_i64(const char *text, int64_t *out) {
  if (!text || !(*text == '-' || (*text >= '0' && *text <= '9'))) return false;
  char *end;
  errno = 0;
  long long value = strtoll(text, &end, 10);
  if (errno || *end || end == text) return false;
  *out = value;
  return true;
}

bool eim_parse_u64(const char *text, uint64_t *out) {
  if (!text || *text < '0' || *text > '9') return false;
  char *end;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  if (errno || *end) return false;
  *out = value;
  return true;
}

char *eim_u64_text(uint64_t value, char buffer[21]) {
  snprintf(buffer, 21, "%" PRIu64, value);
  return buffer;
}

static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

#define NEAR_MAX 40 /* longer words have no near name */

static size_t distance(const char *a, const char *b) {
  size_t la = strlen(a), lb = strlen(b), row[NEAR_MAX + 1];
  if (la > NEAR_MAX || lb > NEAR_MAX) return NEAR_MAX;
  for (size_t j = 0; j <= lb; j++) row[j] = j;
  for (size_t i = 1; i <= la; i++) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= lb; j++) {
      size_t best = diagonal + (lower(a[i - 1]) != lower(b[j - 1]));
      diagonal = row[j];
      if (row[j] + 1 < best) best = row[j] + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      row[j] = best;
    }
  }
  return row[lb];
}

const char *eim_nearest(const char *word, const char *const *names, size_t count) {
  const char *best = NULL;
  size_t limit = strlen(word) / 3 + 1, best_distance = limit + 1;
  for (size_t i = 0; i < count; i++) {
    size_t d = distance(word, names[i]);
    if (d < best_distance) {
      best_distance = d;
      best = names[i];
    }
  }
  return best;
}

/* By its result's type: which strerror_r this is. */
static const char *words_of_glibc(const char *words, char *buffer, size_t size) {
  (void)buffer, (void)size;
  return words;
}
static const char *words_of_posix(int failed, char *buffer, size_t size) {
  if (failed) snprintf(buffer, size, "unknown error");
  return buffer;
}

const char *eim_errno_text(int code, char *buffer, size_t size) {
  return _Generic(strerror_r(code, buffer, size), char *: words_of_glibc, default: words_of_posix)(
      strerror_r(code, buffer, size), buffer, size);
}
