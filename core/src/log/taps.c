/* taps.c - functions of the library that want records. */
#include "log/sinks.h"

static eim_log_tap *taps; /* under the lock */

static bool unlink_tap(const eim_log_tap *tap) {
  eim_log_tap **at = &taps;
  while (*at && *at != tap) at = &(*at)->next;
  if (!*at) return false;
  *at = tap->next;
  return true;
}

static void changed(void) {
  eim_log_use(EIM_LOG_USE_TAPS, taps != NULL);
  eim_log_levels_changed();
}

void eim_log_tap_add(eim_log_tap *tap) {
  eim_log_lock();
  unlink_tap(tap);
  tap->next = taps;
  taps = tap;
  changed();
  eim_log_unlock();
}

void eim_log_tap_remove(eim_log_tap *tap) {
  eim_log_lock();
  if (unlink_tap(tap)) changed();
  eim_log_unlock();
}

void eim_log_taps_give(const eim_log_record *record) {
  for (eim_log_tap *tap = taps; tap; tap = tap->next)
    if (record->level >= tap->level) tap->take(tap, record);
}

int eim_log_taps_level(void) {
  int level = EIM_LOG_SILENT;
  for (const eim_log_tap *tap = taps; tap; tap = tap->next)
    if ((int)tap->level < level) level = tap->level;
  return level;
}

void eim_log_taps_after_fork(void) {
  taps = NULL;
  eim_log_use(EIM_LOG_USE_TAPS, false);
}
