#include <time.h>

#include "sandbox.h"

int64_t eim_sb_monotonic(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t eim_sb_now(const eim_sandbox *self) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + self->clock_offset;
}

/* 64-bit ids above 2^53, so that a client that keeps them as doubles is found out. */
uint64_t eim_sb_next_id(eim_sandbox *self) {
  uint64_t id = (uint64_t)eim_sb_now(self) << 20;
  if (id <= self->server_id) id = self->server_id + 1 + eim_random_upto(&self->random, 4095);
  self->server_id = id;
  return id;
}
