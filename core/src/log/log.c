/* log.c - the logger of the process: format once, hand to each sink.
 *
 * A record goes through three steps: level (in the macro, before anything is evaluated), cleaning
 * (one line of valid UTF-8), sinks (deliver()). Console, callback, cache and file follow
 * eim_log_set_level(); taps and spools have levels of their own. */
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

#include "base/text.h"
#include "log/sinks.h"

atomic_int eim_log_threshold = EIM_LOG_WARN;
static atomic_int level = EIM_LOG_WARN; /* of the process */
static bool level_was_set;              /* under the lock */
static atomic_bool console = true;
static atomic_uint uses; /* EIM_LOG_USE_…; written under the lock */

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
static callback *current;              /* under the lock */
static _Thread_local callback *inside; /* the callback this thread is in */
static _Thread_local bool busy;        /* this thread is inside eim_log_write() */

static const char *const level_names[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "SILENT"};

/* ------------------------------------------------------------------ the lock */

void eim_log_lock(void) {
  pthread_mutex_lock(&lock);
}
void eim_log_unlock(void) {
  pthread_mutex_unlock(&lock);
}
void eim_log_wait(pthread_cond_t *condition) {
  pthread_cond_wait(condition, &lock);
}

/* A child of fork() has none of the other threads: what they were doing is over. */
static void after_fork(void) {
  pthread_cond_init(&returned, NULL);
  if (current) current->running = inside == current;
  eim_log_console_after_fork();
  eim_log_file_after_fork();
  eim_log_taps_after_fork();
  eim_log_spools_after_fork();
  eim_log_levels_changed();
  eim_log_unlock(); /* this thread took it before the fork */
}

__attribute__((constructor)) static void watch_forks(void) {
  pthread_atfork(eim_log_lock, eim_log_unlock, after_fork);
}

void eim_log_use(unsigned sink, bool on) {
  if (on)
    atomic_fetch_or(&uses, sink);
  else
    atomic_fetch_and(&uses, ~sink);
}

/* ------------------------------------------------------------------ a record */

static void call(callback *cb, const eim_log_record *record) {
  inside = cb;
  cb->fn(cb->user_data, record);
  inside = NULL;
  eim_log_lock();
  bool last = !--cb->running, over = last && cb->left;
  if (last && cb->waited_for) pthread_cond_broadcast(&returned);
  eim_log_unlock();
  if (over) free(cb);
}

/* On the thread that logs. */
static void deliver(const eim_log_record *record) {
  bool is_wanted = (int)record->level >= atomic_load_explicit(&level, memory_order_relaxed);
  unsigned sinks = atomic_load_explicit(&uses, memory_order_relaxed);
  char line[EIM_LOG_LINE_MAX];
  size_t length = 0;
  if (is_wanted && atomic_load_explicit(&console, memory_order_relaxed))
    eim_log_console_write(record);
  if (!sinks) return;
  if (sinks & (EIM_LOG_USE_CACHE | EIM_LOG_USE_FILE | EIM_LOG_USE_SPOOLS))
    length = eim_log_line(record, line);
  eim_log_lock();
  if (length && is_wanted) {
    eim_log_cache_add(line, length);
    eim_log_file_add(line, length);
  }
  if (length) eim_log_spools_add(record, line, length);
  eim_log_taps_give(record);
  callback *cb = is_wanted ? current : NULL;
  if (cb) cb->running++;
  eim_log_unlock();
  if (cb) call(cb, record);
}

/* Drop a character that was cut in the middle; raw was filled to its end. */
static void cut_clean(char *raw, size_t size) {
  size_t end = size - 1;
  for (size_t back = 1; back <= 3; back++)
    if (((unsigned char)raw[end - back] & 0xc0) == 0xc0) {
      if (!eim_utf8_length(raw + end - back)) raw[end - back] = 0;
      break;
    }
}

void eim_log_write(eim_log_level record_level, const char *module, uint64_t client,
                   const char *format, ...) {
  char raw[EIM_LOG_TEXT_MAX], text[EIM_LOG_TEXT_MAX];
  if (busy || record_level < EIM_LOG_TRACE || record_level >= EIM_LOG_SILENT) return;
  int keep = errno; /* a log line must not change what the code around it sees */
  busy = true;
  va_list args;
  va_start(args, format);
  int length = vsnprintf(raw, sizeof raw, format, args);
  va_end(args);
  if (length < 0) raw[0] = 0;
  if (length >= (int)sizeof raw) cut_clean(raw, sizeof raw);
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  eim_log_record record = {
      .time = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000,
      .level = record_level,
      .module = module,
      .client = client,
      .message = eim_log_clean(text, raw),
  };
  deliver(&record);
  busy = false;
  errno = keep;
}

/* ------------------------------------------------------------------ settings */

void eim_log_levels_changed(void) {
  int lowest = atomic_load(&level), taps = eim_log_taps_level(), spools = eim_log_spools_level();
  if (taps < lowest) lowest = taps;
  if (spools < lowest) lowest = spools;
  atomic_store(&eim_log_threshold, lowest);
}

static void change_level(eim_log_level to, bool is_default) {
  if (to < EIM_LOG_TRACE || to > EIM_LOG_SILENT) return;
  eim_log_lock();
  if (!is_default || !level_was_set) atomic_store(&level, to);
  if (!is_default) level_was_set = true;
  eim_log_levels_changed();
  eim_log_unlock();
}

void eim_log_set_level(eim_log_level to) {
  change_level(to, false);
}
void eim_log_set_default_level(eim_log_level to) {
  change_level(to, true);
}
void eim_log_enable_all(void) {
  change_level(EIM_LOG_TRACE, false);
}
void eim_log_disable_all(void) {
  change_level(EIM_LOG_SILENT, false);
}

eim_log_level eim_log_get_level(void) {
  return (eim_log_level)atomic_load(&level);
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
  eim_log_lock();
  callback *former = current;
  current = next;
  eim_log_use(EIM_LOG_USE_CALLBACK, next != NULL);
  bool over = former && !former->running;
  if (former && !over && inside) {
    former->left = true; /* waiting would be for oneself */
  } else if (former && !over) {
    former->waited_for = true;
    while (former->running) eim_log_wait(&returned);
    over = true;
  }
  eim_log_unlock();
  if (over) free(former);
}
