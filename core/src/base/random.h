/* random.h - seeds from the operating system, and a small deterministic generator for back-off and
 * ids, so that tests are exact. */
#ifndef EIM_BASE_RANDOM_H
#define EIM_BASE_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct eim_random {
  uint64_t state;
} eim_random; /* splitmix64 */

/* From the operating system. False: it has none. */
bool eim_random_bytes(void *out, size_t length);
void eim_random_seed_os(eim_random *self);
uint64_t eim_random_next(eim_random *self);
/* Uniform in 0..limit (inclusive). */
uint64_t eim_random_upto(eim_random *self, uint64_t limit);

#endif
