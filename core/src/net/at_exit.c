#include "net/at_exit.h"

#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static eim_at_exit *threads; /* under the mutex, like the next two */
static bool registered;
static pid_t process;
static atomic_bool is_now;

/* Every loop thread is through, or stands still. */
static bool quiet(void) {
  for (const eim_at_exit *t = threads; t; t = t->next)
    if (!t->parked && !(t->loop && eim_loop_is_current(t->loop))) return false;
  return true;
}

static void at_exit(void) {
  struct timespec end;
  pthread_mutex_lock(&mutex);
  if (process == getpid()) { /* a forked child has no loop threads */
    atomic_store(&is_now, true);
    for (eim_at_exit *t = threads; t; t = t->next)
      if (t->loop) eim_loop_wake(t->loop);
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec++;
    while (!quiet())
      if (pthread_cond_timedwait(&changed, &mutex, &end)) break;
  }
  pthread_mutex_unlock(&mutex);
}

void eim_at_exit_add(eim_at_exit *self, eim_loop *loop) {
  pthread_mutex_lock(&mutex);
  self->loop = loop;
  self->parked = false;
  self->next = threads;
  threads = self;
  process = getpid();
  /* Behind OpenSSL's own handler, so that this one runs before it. */
  OPENSSL_init_ssl(0, NULL);
  if (!registered) registered = atexit(at_exit) == 0;
  pthread_mutex_unlock(&mutex);
}

void eim_at_exit_leaving(eim_at_exit *self) {
  pthread_mutex_lock(&mutex);
  self->loop = NULL;
  pthread_mutex_unlock(&mutex);
}

void eim_at_exit_remove(eim_at_exit *self) {
  /* What OpenSSL keeps for this thread; its own clean-up would come too late when the process ends.
   */
  OPENSSL_thread_stop();
  pthread_mutex_lock(&mutex);
  eim_at_exit **at = &threads;
  while (*at != self) at = &(*at)->next;
  *at = self->next;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&mutex);
}

bool eim_at_exit_is_now(void) {
  return atomic_load(&is_now);
}

void eim_at_exit_park(eim_at_exit *self) {
  pthread_mutex_lock(&mutex);
  self->parked = true;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&mutex);
  for (;;) pause();
}
