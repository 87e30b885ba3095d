/* loop.h - the inside of eim_loop (driver.h has its outside): one uv loop, one lock-protected task
 * queue, and what the clients of the loop share. Everything here is for the loop thread only. */
#ifndef EIM_NET_LOOP_H
#define EIM_NET_LOOP_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include <uv.h>

#include "net/driver.h"
#include "net/timers.h"

struct eim_endpoint;
struct eim_resolver;
struct eim_ws_hub;

/* Something that must be dropped when the loop ends. Embedded by its owner. */
typedef struct eim_guest {
  struct eim_guest *next, **link;
  void (*drop)(struct eim_guest *self); /* must take itself off */
} eim_guest;

struct eim_loop {
  uv_loop_t uv;
  uv_async_t async;
  uv_timer_t limit; /* of eim_loop_run_once() */
  uv_prepare_t prepare;
  uv_idle_t idle; /* while it runs the loop does not wait */
  uint64_t turn_activity;
  int busy_turns;
  _Atomic(void (*)(void *)) on_turn; /* set after turn_user */
  void *turn_user;
  eim_alarms alarms;
  bool own_thread;
  struct eim_at_exit *at_exit; /* own_thread only */
  pthread_t thread;
  atomic_uintptr_t current; /* identity of the thread inside uv_run, 0: none */
  /* posted from any thread */
  pthread_mutex_t mutex;
  eim_task *tasks, **tasks_tail;
  bool stopping; /* under the mutex */
  /* caller-driven */
  int epoll_fd, timer_fd;
  uint64_t activity; /* grows whenever a descriptor may have been added to the uv loop */
  bool ending;       /* the loop is being taken down: nothing new is begun */
  /* shared by its clients */
  struct eim_resolver *resolver;
  struct eim_ws_hub *ws; /* made on first use */
  struct eim_endpoint *endpoints;
  eim_guest *guests;
};

void eim_loop_add_guest(eim_loop *self, eim_guest *guest);
void eim_loop_remove_guest(eim_guest *guest);
/* Tell that a watcher was started or changed (eim_loop_run_once() explains). */
static inline void eim_loop_touch(eim_loop *self) {
  self->activity++;
}

/* A thread with every asynchronous signal blocked. 0 or an errno. Any thread. */
int eim_thread_start(pthread_t *thread, void *(*run)(void *), void *arg);
/* Around work on a thread of the host: a SIGPIPE that this work raises is swallowed, the host's
 * mask and one that was pending before stay as they were. */
typedef struct eim_sigpipe_guard {
  sigset_t old;
  int was_pending;
} eim_sigpipe_guard;
void eim_sigpipe_block(eim_sigpipe_guard *guard);
void eim_sigpipe_restore(eim_sigpipe_guard *guard);

#endif
