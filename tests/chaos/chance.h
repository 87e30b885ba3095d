/* chance.h - numbers from a seed (splitmix64): the same seed, the same choices. */
#ifndef EIM_CHAOS_CHANCE_H
#define EIM_CHAOS_CHANCE_H

#include <stdint.h>

typedef struct chance {
  uint64_t state;
} chance;

static inline chance chance_of(uint64_t seed) {
  return (chance){seed};
}

static inline uint64_t chance_next(chance *self) {
  uint64_t z = self->state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

static inline uint32_t chance_below(chance *self, uint32_t end) {
  return (uint32_t)(chance_next(self) % end);
}

#endif
