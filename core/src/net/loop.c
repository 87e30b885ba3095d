#include "net/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#ifdef __ANDROID__
#include <sys/syscall.h>
#endif
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "model/error.h"
#include "net/at_exit.h"
#include "net/endpoint.h"
#include "net/resolver.h"
#include "net/ws.h"

/* Turns in a row while there is something to do: before sleepers are told, and of one
 * eim_loop_run_once(), whose own system calls cost as much as several messages. */
enum { TURNS_MAX = 8, CALLER_TURNS_MAX = 32 };

static _Thread_local char thread_mark; /* its address identifies the thread */

bool eim_loop_is_current(const eim_loop *self) {
  return atomic_load_explicit(&self->current, memory_order_relaxed) == (uintptr_t)&thread_mark;
}

static void enter(eim_loop *self) {
  atomic_store(&self->current, (uintptr_t)&thread_mark);
}

void eim_loop_add_guest(eim_loop *self, eim_guest *guest) {
  guest->next = self->guests;
  guest->link = &self->guests;
  if (self->guests) self->guests->link = &guest->next;
  self->guests = guest;
}

void eim_loop_remove_guest(eim_guest *guest) {
  *guest->link = guest->next;
  if (guest->next) guest->next->link = guest->link;
}

/* ------------------------------------------------------------------ tasks */

void eim_loop_post(eim_loop *self, eim_task *task) {
  task->next = NULL;
  pthread_mutex_lock(&self->mutex);
  bool stopping = self->stopping;
  if (!stopping) {
    bool wake = !self->tasks;
    *self->tasks_tail = task;
    self->tasks_tail = &task->next;
    /* Under the lock: the async handle is closed only after `stopping` was set under it. */
    if (wake) uv_async_send(&self->async);
  }
  pthread_mutex_unlock(&self->mutex);
  if (stopping) task->run(task, true);
}

static eim_task *take_tasks(eim_loop *self, bool stop) {
  pthread_mutex_lock(&self->mutex);
  eim_task *tasks = self->tasks;
  self->tasks = NULL;
  self->tasks_tail = &self->tasks;
  if (stop) self->stopping = true;
  pthread_mutex_unlock(&self->mutex);
  return tasks;
}

static void on_async(uv_async_t *async) {
  eim_loop *self = async->data;
  pthread_mutex_lock(&self->mutex);
  bool stopping = self->stopping;
  pthread_mutex_unlock(&self->mutex);
  if (stopping || (self->own_thread && eim_at_exit_is_now())) {
    uv_stop(&self->uv);
    return;
  }
  eim_task *task = take_tasks(self, false);
  eim_loop_touch(self);
  while (task) {
    eim_task *next = task->next;
    task->run(task, self->ending);
    task = next;
  }
}

void eim_loop_wake(eim_loop *self) {
  pthread_mutex_lock(&self->mutex);
  if (!self->stopping) uv_async_send(&self->async);
  pthread_mutex_unlock(&self->mutex);
}

/* ------------------------------------------------------------------ turns */

static void turned(eim_loop *self) {
  void (*fn)(void *) = atomic_load_explicit(&self->on_turn, memory_order_acquire);
  if (fn) fn(self->turn_user);
}

static void on_idle(uv_idle_t *idle) {
  (void)idle;
}

/* Over TLS each record takes a turn of its own. While something happens, look once more without
 * waiting before the sleepers are told, but not for long. */
static void on_prepare(uv_prepare_t *prepare) {
  eim_loop *self = prepare->data;
  bool busy = self->own_thread && self->activity != self->turn_activity;
  self->turn_activity = self->activity;
  if (busy && ++self->busy_turns < TURNS_MAX) {
    uv_idle_start(&self->idle, on_idle);
    return;
  }
  self->busy_turns = 0;
  uv_idle_stop(&self->idle);
  turned(self);
}

void eim_loop_on_turn(eim_loop *self, void (*fn)(void *user), void *user) {
  self->turn_user = user;
  atomic_store_explicit(&self->on_turn, fn, memory_order_release);
}

/* ------------------------------------------------------------------ end */

static void take_down(eim_loop *self) {
  enter(self);
  self->ending = true;
  for (eim_task *task = take_tasks(self, true), *next; task; task = next) {
    next = task->next;
    task->run(task, true);
  }
  while (self->guests) self->guests->drop(self->guests);
  eim_resolver_free(self->resolver);
  /* Turns the loop until its handles are closed. */
  if (!eim_ws_hub_free(self->ws)) return; /* once in a blue moon: see lws_pipe.h */
  eim_endpoint_free_all(self);
  uv_close((uv_handle_t *)&self->async, NULL);
  uv_close((uv_handle_t *)&self->limit, NULL);
  uv_close((uv_handle_t *)&self->prepare, NULL);
  uv_close((uv_handle_t *)&self->idle, NULL);
  eim_alarms_close(&self->alarms);
  uv_run(&self->uv, UV_RUN_DEFAULT);
  uv_loop_close(&self->uv);
  if (self->timer_fd >= 0) close(self->timer_fd);
  if (self->epoll_fd >= 0) close(self->epoll_fd);
  pthread_mutex_destroy(&self->mutex);
  free(self);
}

void eim_loop_free(eim_loop *self) {
  if (!self) return;
  atomic_store(&self->on_turn, NULL); /* its user may go before the thread does */
  if (!self->own_thread) {
    /* Writing to a dead TLS peer while closing must not signal the host either. */
    eim_sigpipe_guard guard;
    eim_sigpipe_block(&guard);
    take_down(self);
    eim_sigpipe_restore(&guard);
    return;
  }
  bool on_it = pthread_equal(pthread_self(), self->thread);
  pthread_t thread = self->thread;
  pthread_mutex_lock(&self->mutex);
  self->stopping = true;
  uv_async_send(&self->async);
  pthread_mutex_unlock(&self->mutex);
  if (on_it)
    pthread_detach(thread);
  else
    pthread_join(thread, NULL);
}

/* ------------------------------------------------------------------ own thread */

static void *loop_thread(void *arg) {
  eim_loop *self = arg;
  eim_at_exit *ending = self->at_exit;
  enter(self);
  uv_run(&self->uv, UV_RUN_DEFAULT); /* until on_async() stops it */
  pthread_mutex_lock(&self->mutex);
  bool stopping = self->stopping;
  pthread_mutex_unlock(&self->mutex);
  if (!stopping) eim_at_exit_park(ending);
  eim_at_exit_leaving(ending);
  take_down(self);
  eim_at_exit_remove(ending);
  free(ending);
  return NULL;
}

static bool start_thread(eim_loop *self) {
  self->at_exit = malloc(sizeof *self->at_exit);
  if (!self->at_exit) return false;
  eim_at_exit_add(self->at_exit, self);
  if (!eim_thread_start(&self->thread, loop_thread, self)) return true;
  eim_at_exit_remove(self->at_exit);
  free(self->at_exit);
  return false;
}

int eim_thread_start(pthread_t *thread, void *(*run)(void *), void *arg) {
  /* The host's signals are delivered to the host's threads. SIGPIPE is blocked too: writes to a
   * dead peer are errors here (OpenSSL has no MSG_NOSIGNAL). */
  sigset_t all, old;
  sigfillset(&all);
  static const int synchronous[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
  for (size_t i = 0; i < sizeof synchronous / sizeof *synchronous; i++)
    sigdelset(&all, synchronous[i]);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  int failed = pthread_create(thread, NULL, run, arg);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  return failed;
}

/* ------------------------------------------------------------------ caller-driven */

void eim_sigpipe_block(eim_sigpipe_guard *guard) {
  sigset_t pipe, pending;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  sigpending(&pending);
  guard->was_pending = sigismember(&pending, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, &guard->old);
}

/* Take it off this thread's list. -1 and EINTR: not yet. Android has sigtimedwait() from API 23 on,
 * and a sigset_t that may be shorter than the kernel's. */
static int take_sigpipe(void) {
  static const struct timespec zero;
#ifdef __ANDROID__
  const uint64_t pipe = UINT64_C(1) << (SIGPIPE - 1);
  return (int)syscall(__NR_rt_sigtimedwait, &pipe, NULL, &zero, sizeof pipe);
#else
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  return sigtimedwait(&pipe, NULL, &zero);
#endif
}

void eim_sigpipe_restore(eim_sigpipe_guard *guard) {
  sigset_t pending;
  sigpending(&pending);
  if (!guard->was_pending && sigismember(&pending, SIGPIPE))
    while (take_sigpipe() < 0 && errno == EINTR) continue;
  pthread_sigmask(SIG_SETMASK, &guard->old, NULL);
}

static void on_limit(uv_timer_t *timer) {
  (void)timer;
}

/* The uv backend descriptor stays silent when a uv timer is due, and before the next turn for
 * watchers that were started by the last callbacks. The timerfd speaks for both. */
static void arm_descriptor(eim_loop *self, bool at_once) {
  int timeout = at_once ? 0 : uv_backend_timeout(&self->uv);
  struct itimerspec spec = {{0, 0}, {0, 0}};
  if (timeout == 0) spec.it_value.tv_nsec = 1;
  if (timeout > 0)
    spec.it_value = (struct timespec){timeout / 1000, (long)(timeout % 1000) * 1000000};
  timerfd_settime(self->timer_fd, 0, &spec, NULL); /* also forgets an expiration */
}

void eim_loop_run_once(eim_loop *self, int timeout_ms) {
  eim_sigpipe_guard guard;
  eim_sigpipe_block(&guard);
  enter(self);
  uv_update_time(&self->uv);
  /* libuv before 1.45 runs what is due and then waits all the same. */
  bool wait = timeout_ms && uv_backend_timeout(&self->uv) != 0;
  if (wait && timeout_ms > 0) uv_timer_start(&self->limit, on_limit, (uint64_t)timeout_ms, 0);
  uint64_t seen = self->activity;
  uv_run(&self->uv, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
  uv_timer_stop(&self->limit);
  /* Watchers become known to the kernel at the next turn only: turn on until nothing was started.
   */
  for (int i = 0; i < CALLER_TURNS_MAX && self->activity != seen; i++) {
    seen = self->activity;
    uv_run(&self->uv, UV_RUN_NOWAIT);
  }
  turned(self);
  arm_descriptor(self, self->activity != seen);
  atomic_store(&self->current, 0);
  eim_sigpipe_restore(&guard);
}

int eim_loop_fd(const eim_loop *self) {
  return self->epoll_fd;
}

static bool open_descriptors(eim_loop *self) {
  self->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  self->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  if (self->epoll_fd < 0 || self->timer_fd < 0) return false;
  struct epoll_event event = {.events = EPOLLIN};
  if (epoll_ctl(self->epoll_fd, EPOLL_CTL_ADD, self->timer_fd, &event) < 0) return false;
  if (epoll_ctl(self->epoll_fd, EPOLL_CTL_ADD, uv_backend_fd(&self->uv), &event) < 0) return false;
  uv_run(&self->uv, UV_RUN_NOWAIT); /* makes the async handle known to the kernel */
  arm_descriptor(self, false);
  return true;
}

/* ------------------------------------------------------------------ beginning */

eim_status eim_loop_new(bool own_thread, eim_loop **out) {
  eim_loop *self = calloc(1, sizeof *self);
  if (!self) return eim_fail(EIM_E_NOMEM, "out of memory");
  self->own_thread = own_thread;
  self->epoll_fd = self->timer_fd = -1;
  self->tasks_tail = &self->tasks;
  int failed = uv_loop_init(&self->uv);
  if (failed) {
    free(self);
    return eim_fail(EIM_E_NOMEM, "event loop: %s", uv_strerror(failed));
  }
  pthread_mutex_init(&self->mutex, NULL);
  failed = uv_async_init(&self->uv, &self->async, on_async);
  self->async.data = self;
  if (failed) {
    uv_loop_close(&self->uv);
    pthread_mutex_destroy(&self->mutex);
    free(self);
    return eim_fail(EIM_E_NOMEM, "event loop: %s", uv_strerror(failed));
  }
  uv_timer_init(&self->uv, &self->limit);
  uv_prepare_init(&self->uv, &self->prepare);
  self->prepare.data = self;
  uv_idle_init(&self->uv, &self->idle);
  uv_prepare_start(&self->prepare, on_prepare);
  uv_unref((uv_handle_t *)&self->prepare); /* it keeps no loop turning */
  eim_alarms_init(&self->alarms, &self->uv);
  self->resolver = eim_resolver_new(self);
  if (!self->resolver || (!own_thread && !open_descriptors(self)) ||
      (own_thread && !start_thread(self))) {
    take_down(self);
    return eim_fail(EIM_E_NOMEM, "event loop: no memory, descriptors or threads left");
  }
  *out = self;
  return EIM_OK;
}
