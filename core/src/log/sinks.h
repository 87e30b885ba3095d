/* sinks.h - where lines go. Private to this room, but for the taps and the spools.
 *
 * One lock for all but the console. It is a leaf: under it nothing is waited for, nothing is logged
 * (eim_log_write() drops what comes from inside itself) and no code of the application runs. */
#ifndef EIM_LOG_SINKS_H
#define EIM_LOG_SINKS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <eim/log.h>

enum { EIM_LOG_TEXT_MAX = 2048, EIM_LOG_LINE_MAX = EIM_LOG_TEXT_MAX + 128 };

/* ---- log.c */
enum {
  EIM_LOG_USE_CALLBACK = 1,
  EIM_LOG_USE_CACHE = 2,
  EIM_LOG_USE_FILE = 4,
  EIM_LOG_USE_TAPS = 8,
  EIM_LOG_USE_SPOOLS = 16
};
void eim_log_lock(void);
void eim_log_unlock(void);
void eim_log_wait(pthread_cond_t *condition); /* under the lock, which is left meanwhile */
/* Under the lock: which sinks there are. Lines pass by those that are not there without it. */
void eim_log_use(unsigned sink, bool on);
/* Under the lock, after a change of any sink's level: what eim_log_threshold is to be. */
void eim_log_levels_changed(void);

/* ---- line.c: "2026-11-23T01:06:26.123Z WARN session[3]: message\n"; out has EIM_LOG_LINE_MAX
 * bytes. Its length. */
size_t eim_log_line(const eim_log_record *record, char *out);
/* The same for the console, which shows local time and no date. */
size_t eim_log_console_line(const eim_log_record *record, char *out);
/* One line: control characters escaped, invalid UTF-8 as U+FFFD; never cut inside a character. Both
 * buffers have EIM_LOG_TEXT_MAX bytes. Returns out, or text itself when that is clean already. */
const char *eim_log_clean(char *out, const char *text);

/* ---- console.c */
void eim_log_console_write(const eim_log_record *record);
void eim_log_console_after_fork(void);

/* ---- cache.c; add: under the lock */
void eim_log_cache_add(const char *line, size_t length);
/* What is kept, oldest first, in pieces of whole lines. False: out of memory. */
bool eim_log_cache_read(void (*fn)(void *user, const char *text, size_t length), void *user);

/* ---- file.c; add: under the lock */
void eim_log_file_add(const char *line, size_t length);
/* NULL: none. 0, or an errno: then the former one goes on. */
int eim_log_file_open(const char *path, size_t max_bytes);
void eim_log_file_after_fork(void); /* in the child, under the lock */

/* ---- taps.c: a function of the library that wants records, with a level of its own. It runs
 * under the lock, on any thread. */
typedef struct eim_log_tap {
  struct eim_log_tap *next;
  eim_log_level level;
  void (*take)(struct eim_log_tap *self, const eim_log_record *record);
} eim_log_tap;
void eim_log_tap_add(eim_log_tap *tap);
/* When it returns, take() does not run any more. Fine when it is not there. */
void eim_log_tap_remove(eim_log_tap *tap);
/* Under the lock. */
void eim_log_taps_give(const eim_log_record *record);
int eim_log_taps_level(void);
void eim_log_taps_after_fork(void); /* in the child: their owners are of no use there */

/* ---- spool.c; under the lock */
void eim_log_spools_add(const eim_log_record *record, const char *line, size_t length);
int eim_log_spools_level(void);
void eim_log_spools_after_fork(void);

#endif
