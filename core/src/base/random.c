#include "base/random.h"

#include <openssl/rand.h>
#include <time.h>
#if defined(__linux__) && !defined(__ANDROID__) /* there from API 28 on */
#define HAS_GETRANDOM 1
#include <sys/random.h>
#endif

bool eim_random_bytes(void *out, size_t length) {
#ifdef HAS_GETRANDOM
  /* Up to 256 bytes come whole or not at all. Asking OpenSSL first would set up its generators, a
   * fifth of all that a client without TLS does until it is online. */
  if (length <= 256 && getrandom(out, length, 0) == (ssize_t)length) return true;
#endif
  return RAND_bytes(out, (int)length) == 1;
}

void eim_random_seed_os(eim_random *self) {
  if (eim_random_bytes(&self->state, sizeof self->state)) return;
  /* Not for secrets, so the clock will do where the system has no entropy yet. */
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  self->state = (uint64_t)t.tv_sec * 1000000007u + (uint64_t)t.tv_nsec;
}

uint64_t eim_random_next(eim_random *self) {
  uint64_t z = self->state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

uint64_t eim_random_upto(eim_random *self, uint64_t limit) {
  if (limit == UINT64_MAX) return eim_random_next(self);
  uint64_t range = limit + 1, reject = (UINT64_MAX - range + 1) % range, value;
  do value = eim_random_next(self);
  while (value < reject);
  return value % range;
}
