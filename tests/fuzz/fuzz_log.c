/* Any bytes as a message, whole and cut somewhere near the end of the buffer, into callback, cache
 * and upload. */
#include <string.h>

#include "base/text.h"
#include "fuzz.h"
#include "log/log.h"
#include "log/sinks.h"
#include "log/spool.h"

static size_t lines, bytes;

static void check_record(void *user_data, const eim_log_record *record) {
  (void)user_data;
  size_t length = strlen(record->message);
  MUST(length < EIM_LOG_TEXT_MAX);
  MUST(eim_utf8_valid(record->message, length));
  for (size_t i = 0; i < length; i++)
    MUST((unsigned char)record->message[i] >= 0x20 && record->message[i] != 0x7f);
  lines++;
}

static void check_piece(void *user, const char *text, size_t length) {
  (void)user;
  MUST(length && text[length - 1] == '\n');
  MUST(eim_utf8_valid(text, length));
  bytes += length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char text[EIM_LOG_TEXT_MAX + 8192];
  enum { CACHE = 10000, SPOOL = 65536, JSON = 5000 };
  size_t room = sizeof text - EIM_LOG_TEXT_MAX - 1, length = size < room ? size : room;
  eim_log_set_console(false);
  eim_log_set_level(EIM_LOG_TRACE);
  eim_log_set_callback(check_record, NULL);
  eim_log_set_cache(true, CACHE);
  eim_log_spool *spool = eim_log_spool_new(3, EIM_LOG_TRACE, SPOOL);
  MUST(spool);
  for (int where = 0; where < 2; where++) {
    size_t before = where ? EIM_LOG_TEXT_MAX - (size * 7 + (size_t)where) % 24 : 0;
    memset(text, 'x', before);
    memcpy(text + before, data, length);
    text[before + length] = 0;
    size_t had = lines;
    LOG_INFO("fuzz", 3, "%s", text);
    MUST(lines == had + 1);
  }
  bytes = 0;
  MUST(eim_log_cache_read(check_piece, NULL));
  MUST(bytes && bytes <= CACHE);
  size_t waiting = eim_log_spool_bytes(spool);
  for (char *chunk; (chunk = eim_log_spool_begin(spool, JSON)); free(chunk)) {
    check_piece(NULL, chunk, strlen(chunk));
    MUST(strlen(chunk) <= JSON);
    size_t taken = eim_log_spool_sent(spool);
    MUST(taken == strlen(chunk) && taken <= waiting); /* nothing was lost, so no line tells of it */
    waiting -= taken;
  }
  MUST(!waiting);
  eim_log_spool_free(spool);
  eim_log_set_cache(false, 0);
  eim_log_set_callback(NULL, NULL);
  return 0;
}
