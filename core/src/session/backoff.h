/* backoff.h - reconnect delays: exponential, full jitter, ceiling. Pure: no clock, no random source
 * of its own, so tests are exact. */
#ifndef EIM_SESSION_BACKOFF_H
#define EIM_SESSION_BACKOFF_H

#include <stdint.h>

#include "base/random.h"

/* ms before attempt n (1, 2, …): uniform in 0..min(max, base * 2^(n-1)). Full jitter, so that the
 * clients of a restarted server do not come back together. */
int64_t eim_backoff(int attempt, int64_t base_ms, int64_t max_ms, eim_random *random);

#endif
