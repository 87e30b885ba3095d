#include "session/backoff.h"

int64_t eim_backoff(int attempt, int64_t base_ms, int64_t max_ms, eim_random *random) {
  int64_t limit = base_ms < max_ms ? base_ms : max_ms;
  while (--attempt > 0 && limit < max_ms) limit = limit > max_ms / 2 ? max_ms : limit * 2;
  return (int64_t)eim_random_upto(random, (uint64_t)limit);
}
