/* cache.c - the last lines in memory, for a download. */
#include <stdlib.h>

#include "log/sinks.h"
#include "log/store.h"

enum { DEFAULT_MAX = 3 * 1024 * 1024, BLOCK = 64 * 1024 };

static eim_log_store cache; /* under the lock */
static bool on;

void eim_log_set_cache(bool use, size_t max_bytes) {
  if (!max_bytes) max_bytes = DEFAULT_MAX;
  eim_log_lock();
  if (!use) {
    eim_log_store_clear(&cache);
  } else if (on) {
    eim_log_store_resize(&cache, max_bytes);
  } else {
    eim_log_store_init(&cache, max_bytes, max_bytes < BLOCK ? max_bytes : BLOCK);
  }
  on = use;
  eim_log_use(EIM_LOG_USE_CACHE, use);
  eim_log_unlock();
}

void eim_log_cache_add(const char *line, size_t length) {
  if (on) eim_log_store_add(&cache, line, length);
}

bool eim_log_cache_read(void (*fn)(void *user, const char *text, size_t length), void *user) {
  eim_log_piece *pieces;
  size_t count;
  eim_log_lock();
  bool taken = eim_log_store_snapshot(&cache, &pieces, &count);
  eim_log_unlock();
  for (size_t i = 0; taken && i < count; i++) fn(user, pieces[i].text, pieces[i].length);
  if (taken) eim_log_pieces_free(pieces, count);
  return taken;
}
