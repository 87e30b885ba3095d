/* line.c - a record as one line of text. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "log/sinks.h"

static const char *const level_names[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "SILENT"};

/* Printable ASCII, and short enough not to have been cut. */
static bool is_plain(const char *text) {
  const char *at = text;
  while ((unsigned char)*at >= 0x20 && (unsigned char)*at < 0x7f) at++;
  return !*at && at - text < EIM_LOG_TEXT_MAX - (int)sizeof "…";
}

const char *eim_log_clean(char *out, const char *text) {
  size_t length = 0;
  if (is_plain(text)) return text; /* most are */
  while (*text) {
    char piece[5];
    const char *bytes = text;
    size_t taken = eim_utf8_length(text), size = taken;
    unsigned char c = (unsigned char)*text;
    if (!taken) {
      bytes = "\xef\xbf\xbd", size = 3, taken = 1;
    } else if (c == '\n' || c == '\r' || c == '\t') {
      snprintf(piece, sizeof piece, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
      bytes = piece, size = 2;
    } else if (c < 0x20 || c == 0x7f) {
      snprintf(piece, sizeof piece, "\\x%02x", c);
      bytes = piece, size = 4;
    }
    if (length + size + sizeof "…" > EIM_LOG_TEXT_MAX) {
      memcpy(out + length, "…", sizeof "…" - 1);
      length += sizeof "…" - 1;
      break;
    }
    memcpy(out + length, bytes, size);
    length += size;
    text += taken;
  }
  out[length] = 0;
  return out;
}

/* ------------------------------------------------------------------ pieces of a line */

static char *put(char *at, const char *text) {
  size_t length = strlen(text);
  memcpy(at, text, length);
  return at + length;
}

static char *digits(char *at, unsigned value, int count) {
  for (int i = count - 1; i >= 0; i--, value /= 10) at[i] = (char)('0' + value % 10);
  return at + count;
}

static char *clock_time(char *at, unsigned hour, unsigned minute, unsigned second, unsigned ms) {
  at = digits(at, hour, 2);
  *at++ = ':';
  at = digits(at, minute, 2);
  *at++ = ':';
  at = digits(at, second, 2);
  *at++ = '.';
  return digits(at, ms, 3);
}

/* The calendar date of a day since 1970-01-01. Not gmtime_r(): that takes a lock of the C library,
 * which a thread that vanished in a fork() may hold. Counts years from March, so that the leap day
 * is the last one; an era is 400 years. */
static char *date(char *at, int64_t day) {
  day += 719468;
  int64_t era = (day >= 0 ? day : day - 146096) / 146097;
  unsigned of_era = (unsigned)(day - era * 146097);
  unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
  unsigned month = (5 * of_year + 2) / 153;
  at = digits(at, (unsigned)(year + (unsigned)(era * 400) + (month >= 10)) % 10000, 4);
  *at++ = '-';
  at = digits(at, month < 10 ? month + 3 : month - 9, 2);
  *at++ = '-';
  return digits(at, of_year - (153 * month + 2) / 5 + 1, 2);
}

static char *rest(char *at, const eim_log_record *record, const char *end) {
  char number[21];
  at = put(at, level_names[record->level]);
  *at++ = ' ';
  size_t module = strnlen(record->module, 32);
  memcpy(at, record->module, module);
  at += module;
  if (record->client) {
    *at++ = '[';
    at = put(at, eim_u64_text(record->client, number));
    *at++ = ']';
  }
  *at++ = ':';
  *at++ = ' ';
  size_t length = strlen(record->message), room = (size_t)(end - at) - 1;
  if (length > room) length = room; /* cannot be: the rest is shorter than 128 bytes */
  memcpy(at, record->message, length);
  at += length;
  *at++ = '\n';
  return at;
}

size_t eim_log_line(const eim_log_record *record, char *out) {
  int64_t ms = record->time % 86400000, day = record->time / 86400000;
  if (ms < 0) ms += 86400000, day--;
  unsigned second = (unsigned)(ms / 1000);
  char *at = date(out, day);
  *at++ = 'T';
  at = clock_time(at, second / 3600, second / 60 % 60, second % 60, (unsigned)(ms % 1000));
  *at++ = 'Z';
  *at++ = ' ';
  return (size_t)(rest(at, record, out + EIM_LOG_LINE_MAX) - out);
}

size_t eim_log_console_line(const eim_log_record *record, char *out) {
  time_t seconds = (time_t)(record->time / 1000);
  struct tm tm;
  localtime_r(&seconds, &tm);
  char *at = clock_time(out, (unsigned)tm.tm_hour, (unsigned)tm.tm_min, (unsigned)tm.tm_sec,
                        (unsigned)(record->time % 1000));
  at = put(at, " eim ");
  return (size_t)(rest(at, record, out + EIM_LOG_LINE_MAX) - out);
}
