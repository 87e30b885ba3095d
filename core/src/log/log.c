/* log.c - the logger of the process: format once, hand to each sink.
 *
 * A record goes through three steps: level (in the macro, before anything is evaluated), cleaning
 * (one line of valid UTF-8), sinks (deliver()). The sinks are the console and the callback. */
#include "log/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

enum { TEXT_MAX = 2048, LINE_MAX_BYTES = TEXT_MAX + 128 };

atomic_int eim_log_threshold = EIM_LOG_WARN;
static atomic_bool console = true;

/* A callback that was set once. It outlives its replacement until its last call has returned, so
 * that a swap waits for the calls of this one only, not for those of its successor. */
typedef struct callback {
  void (*fn)(void *user_data, const eim_log_record *record);
  void *user_data;
  int running;
  bool waited_for; /* somebody waits for running to reach 0, and frees */
  bool left;       /* nobody does: the last call frees */
} callback;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t returned = PTHREAD_COND_INITIALIZER;
static callback *current;              /* under lock */
static _Thread_local callback *inside; /* the callback this thread is in */

static const char *const level_names[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "SILENT"};

/* ------------------------------------------------------------------ cleaning */

/* One line: control characters escaped, invalid UTF-8 as U+FFFD; never cut inside a character. */
static void clean(char *out, size_t capacity, const char *text) {
  size_t length = 0;
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
    if (length + size + sizeof "…" > capacity) {
      memcpy(out + length, "…", sizeof "…" - 1);
      length += sizeof "…" - 1;
      break;
    }
    memcpy(out + length, bytes, size);
    length += size;
    text += taken;
  }
  out[length] = 0;
}

/* ------------------------------------------------------------------ sinks */

static void write_console(const eim_log_record *record) {
  char line[LINE_MAX_BYTES], client[32] = "";
  time_t seconds = (time_t)(record->time / 1000);
  struct tm tm;
  localtime_r(&seconds, &tm);
  if (record->client) snprintf(client, sizeof client, "[%llu]", (unsigned long long)record->client);
  int length = snprintf(line, sizeof line, "%02d:%02d:%02d.%03d eim %s %s%s: %s\n", tm.tm_hour,
                        tm.tm_min, tm.tm_sec, (int)(record->time % 1000),
                        level_names[record->level], record->module, client, record->message);
  if (length < 0) return;
  if ((size_t)length >= sizeof line) length = sizeof line - 1;
  while (write(STDERR_FILENO, line, (size_t)length) < 0 && errno == EINTR) {}
}

static void call_callback(const eim_log_record *record) {
  pthread_mutex_lock(&lock);
  callback *cb = current;
  if (cb) cb->running++;
  pthread_mutex_unlock(&lock);
  if (!cb) return;
  inside = cb;
  cb->fn(cb->user_data, record);
  inside = NULL;
  pthread_mutex_lock(&lock);
  bool last = !--cb->running, over = last && cb->left;
  if (last && cb->waited_for) pthread_cond_broadcast(&returned);
  pthread_mutex_unlock(&lock);
  if (over) free(cb);
}

/* Every sink gets every record, on the thread that logs it. */
static void deliver(const eim_log_record *record) {
  if (atomic_load_explicit(&console, memory_order_relaxed)) write_console(record);
  call_callback(record);
}

void eim_log_write(eim_log_level level, const char *module, uint64_t client, const char *format,
                   ...) {
  char raw[TEXT_MAX], text[TEXT_MAX];
  if (inside || level < EIM_LOG_TRACE || level >= EIM_LOG_SILENT) return;
  int keep = errno; /* a log line must not change what the code around it sees */
  va_list args;
  va_start(args, format);
  int length = vsnprintf(raw, sizeof raw, format, args);
  va_end(args);
  if (length < 0) raw[0] = 0;
  if ((size_t)length >= sizeof raw) { /* drop a character that was cut in the middle */
    size_t end = sizeof raw - 1;
    for (size_t back = 1; back <= 3; back++)
      if (((unsigned char)raw[end - back] & 0xc0) == 0xc0) {
        if (!eim_utf8_length(raw + end - back)) raw[end - back] = 0;
        break;
      }
  }
  clean(text, sizeof text, raw);
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  eim_log_record record = {
      .time = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000,
      .level = level,
      .module = module,
      .client = client,
      .message = text,
  };
  deliver(&record);
  errno = keep;
}

/* ------------------------------------------------------------------ settings */

void eim_log_set_level(eim_log_level level) {
  if (level >= EIM_LOG_TRACE && level <= EIM_LOG_SILENT) atomic_store(&eim_log_threshold, level);
}

eim_log_level eim_log_get_level(void) {
  return (eim_log_level)atomic_load(&eim_log_threshold);
}

bool eim_log_parse_level(const char *text, eim_log_level *out) {
  if (!text) return false;
  for (int i = EIM_LOG_TRACE; i <= EIM_LOG_SILENT; i++) {
    if (!strcasecmp(text, level_names[i]) || (text[0] == '0' + i && !text[1])) {
      *out = (eim_log_level)i;
      return true;
    }
  }
  return false;
}

void eim_log_set_console(bool visible) {
  atomic_store(&console, visible);
}

void eim_log_set_callback(void (*fn)(void *user_data, const eim_log_record *record),
                          void *user_data) {
  callback *next = fn ? malloc(sizeof *next) : NULL;
  if (next) *next = (callback){.fn = fn, .user_data = user_data};
  pthread_mutex_lock(&lock);
  callback *former = current;
  current = next;
  bool over = former && !former->running;
  if (former && !over && inside) {
    former->left = true; /* waiting would be for oneself */
  } else if (former && !over) {
    former->waited_for = true;
    while (former->running) pthread_cond_wait(&returned, &lock);
    over = true;
  }
  pthread_mutex_unlock(&lock);
  if (over) free(former);
}
