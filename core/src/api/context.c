/* context.c - contexts: I/O threads, poll and wait, the end.
 *
 * Two counts. `handles` are the public references and the clients: the last one shuts down. `refs`
 * is memory: calls under way, clients, tasks and the polling thread hold it. */
#include "api/context.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "api/client.h"
#include "events/lines.h"
#include "model/error.h"
#include "model/options.h"

typedef struct slot {
  pthread_mutex_t lock; /* for posting against the end of the loop */
  eim_loop *loop;       /* NULL: ended */
} slot;

struct eim_context {
  eim_object base;
  atomic_int handles;
  pid_t pid;
  eim_queue *queue;
  int slot_count;
  bool own_threads; /* false: ioThreads=0, one slot that is driven by poll and wait */
  slot *slots;
  int epoll_fd; /* ioThreads=0: holds the loop's and the queue's descriptors */
  pthread_mutex_t lock;
  pthread_cond_t io_free;
  bool io_busy; /* ioThreads=0: some thread is inside eim_loop_run_once() */
  bool closed, has_thread;
  pthread_t thread; /* of eim_context_start() */
  eim_client *clients;
  eim_config *last_config; /* of the client made last, and its settings */
  eim_settings *last_settings;
  eim_task end_task;
  eim_lines *lines; /* eim_context_subscribe_log() */
};

/* ------------------------------------------------------------------ small things */

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

eim_context *eim_context_hold(eim_context *self) {
  return eim_object_ref(self);
}
void eim_context_drop(eim_context *self) {
  eim_object_unref(self);
}
eim_queue *eim_context_queue(eim_context *self) {
  return self->queue;
}
int eim_context_loop_count(const eim_context *self) {
  return self->slot_count;
}
eim_loop *eim_context_loop(eim_context *self, int index) {
  return self->slots[index].loop;
}
bool eim_context_closed(eim_context *self) {
  return eim_queue_is_closed(self->queue);
}

bool eim_context_forked(const eim_context *self) {
  return self->pid != getpid();
}

eim_status eim_context_usable(const eim_context *self) {
  if (!self) return eim_fail(EIM_E_INVALID, "context: NULL");
  if (eim_context_forked(self))
    return eim_fail(EIM_E_STATE, "context: made before fork(); make a new one in the child");
  return EIM_OK;
}

void eim_context_post(eim_context *self, int index, eim_task *task) {
  slot *to = &self->slots[index];
  pthread_mutex_lock(&to->lock);
  bool ended = !to->loop;
  if (!ended) eim_loop_post(to->loop, task);
  pthread_mutex_unlock(&to->lock);
  if (ended) task->run(task, true);
}

bool eim_context_add_client(eim_context *self, eim_client *client) {
  pthread_mutex_lock(&self->lock);
  bool open = !self->closed;
  if (open) {
    client->previous = NULL;
    client->next = self->clients;
    if (self->clients) self->clients->previous = client;
    self->clients = client;
    atomic_fetch_add(&self->handles, 1);
  }
  pthread_mutex_unlock(&self->lock);
  return open;
}

bool eim_context_retire_client(eim_context *self, eim_client *client) {
  pthread_mutex_lock(&self->lock);
  bool first = !atomic_exchange(&client->closed, true);
  if (first) {
    if (client->previous)
      client->previous->next = client->next;
    else
      self->clients = client->next;
    if (client->next) client->next->previous = client->previous;
    /* In here, so that the loop still exists: stop() comes when the list is empty. */
    eim_context_post(self, client->slot, client->last_task);
  }
  pthread_mutex_unlock(&self->lock);
  return first;
}

/* ------------------------------------------------------------------ making */

eim_status eim_context_settings(eim_context *self, const eim_config *config, eim_settings **out) {
  /* Made in any case: this checks files and directories, which may have changed. */
  eim_status status = eim_settings_from_config(config, out);
  if (status) return status;
  eim_settings *surplus = NULL;
  eim_config *copy = NULL, *former = NULL;
  pthread_mutex_lock(&self->lock);
  if (self->last_config && eim_config_equal(self->last_config, config)) {
    surplus = *out;
    *out = eim_object_ref(self->last_settings);
  } else if (!eim_config_copy(config, &copy)) {
    former = self->last_config;
    surplus = self->last_settings;
    self->last_config = copy;
    self->last_settings = eim_object_ref(*out);
  }
  pthread_mutex_unlock(&self->lock);
  eim_object_unref(surplus);
  eim_config_free(former);
  return EIM_OK;
}

static void destroy_context(void *context) {
  eim_context *self = context;
  eim_object_unref(self->last_settings);
  eim_config_free(self->last_config);
  for (int i = 0; i < self->slot_count; i++) pthread_mutex_destroy(&self->slots[i].lock);
  free(self->slots);
  if (self->epoll_fd >= 0) close(self->epoll_fd);
  eim_queue_free(self->queue);
  pthread_cond_destroy(&self->io_free);
  pthread_mutex_destroy(&self->lock);
  free(self);
}

static bool watch(int epoll_fd, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
  return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* ioThreads=0: one descriptor for both kinds of work; the queue's joins when somebody asks for it.
 */
static eim_status make_epoll(eim_context *self) {
  self->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (self->epoll_fd >= 0 && watch(self->epoll_fd, eim_loop_fd(self->slots[0].loop))) return EIM_OK;
  return eim_fail_with(EIM_E_NOMEM,
                       eim_error_new(EIM_E_NOMEM, EIM_DOMAIN_OS, errno, EIM_ERROR_RETRIABLE,
                                     "context: epoll: %s", strerror(errno)));
}

static void flush_queue(void *queue) {
  eim_queue_flush(queue);
}

/* The first one last: run_end() may be on its thread. */
static void end_loops(eim_context *self) {
  for (int i = self->slot_count - 1; i >= 0; i--) {
    slot *one = &self->slots[i];
    pthread_mutex_lock(&one->lock);
    eim_loop *loop = one->loop;
    one->loop = NULL;
    pthread_mutex_unlock(&one->lock);
    if (loop) eim_loop_free(loop);
  }
}

eim_status eim_context_new(const eim_config *config, eim_context **out) {
  if (!out) return eim_fail(EIM_E_INVALID, "context: out is NULL");
  eim_context *self = calloc(1, sizeof *self);
  if (!self) return eim_fail(EIM_E_NOMEM, "context: out of memory");
  int threads = eim_config_io_threads(config);
  eim_object_init(&self->base, destroy_context);
  atomic_init(&self->handles, 1);
  self->pid = getpid();
  self->own_threads = threads > 0;
  self->epoll_fd = -1;
  pthread_mutex_init(&self->lock, NULL);
  pthread_cond_init(&self->io_free, NULL);
  self->queue = eim_queue_new();
  self->slots = calloc((size_t)(threads ? threads : 1), sizeof *self->slots);
  eim_status status = self->queue && self->slots ? EIM_OK : EIM_E_NOMEM;
  if (status) eim_fail(EIM_E_NOMEM, "context: out of memory or descriptors");
  for (int i = 0; !status && i < (threads ? threads : 1); i++) {
    pthread_mutex_init(&self->slots[i].lock, NULL);
    self->slot_count++;
    status = eim_loop_new(self->own_threads, &self->slots[i].loop);
    if (!status) eim_loop_on_turn(self->slots[i].loop, flush_queue, self->queue);
  }
  if (!status && !self->own_threads) status = make_epoll(self);
  if (status) {
    end_loops(self);
    eim_context_drop(self);
    return status;
  }
  *out = self;
  return EIM_OK;
}

/* ------------------------------------------------------------------ the end */

/* ioThreads=0: be the one that does the I/O. Waits at most for the end of one eim_loop_run_once().
 */
static void take_io(eim_context *self) {
  pthread_mutex_lock(&self->lock);
  while (self->io_busy) {
    pthread_mutex_lock(&self->slots[0].lock);
    if (self->slots[0].loop) eim_loop_wake(self->slots[0].loop);
    pthread_mutex_unlock(&self->slots[0].lock);
    pthread_cond_wait(&self->io_free, &self->lock);
  }
  self->io_busy = true;
  pthread_mutex_unlock(&self->lock);
}

static void give_io(eim_context *self) {
  pthread_mutex_lock(&self->lock);
  self->io_busy = false;
  pthread_cond_broadcast(&self->io_free);
  pthread_mutex_unlock(&self->lock);
}

typedef struct barrier {
  eim_task task;
  pthread_mutex_t lock;
  pthread_cond_t passed_cond;
  bool passed;
} barrier;

static void pass_barrier(eim_task *task, bool canceled) {
  barrier *self = (barrier *)task;
  (void)canceled;
  pthread_mutex_lock(&self->lock);
  self->passed = true;
  pthread_cond_signal(&self->passed_cond);
  pthread_mutex_unlock(&self->lock);
}

/* Let the loop do what was posted before: the farewells of the clients. */
static void wait_for_loop(eim_context *self, int index) {
  barrier b = {{NULL, pass_barrier}, PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
  eim_context_post(self, index, &b.task);
  pthread_mutex_lock(&b.lock);
  while (!b.passed) pthread_cond_wait(&b.passed_cond, &b.lock);
  pthread_mutex_unlock(&b.lock);
  pthread_cond_destroy(&b.passed_cond);
  pthread_mutex_destroy(&b.lock);
}

/* End the loops. Not on a loop thread, but for the last reference (run_end). */
static void stop(eim_context *self) {
  if (self->own_threads) {
    for (int i = 0; i < self->slot_count; i++) wait_for_loop(self, i);
    end_loops(self);
    return;
  }
  take_io(self);
  if (self->slots[0].loop) eim_loop_run_once(self->slots[0].loop, 0);
  end_loops(self);
  give_io(self);
}

static void end_lines(eim_context *self, bool wait) {
  pthread_mutex_lock(&self->lock);
  eim_lines *former = self->lines;
  self->lines = NULL;
  pthread_mutex_unlock(&self->lock);
  eim_lines_end(former, wait);
}

/* Mark as closed and shut down the clients. */
static void close_context(eim_context *self, bool wait) {
  eim_queue_ending(self->queue);
  for (;;) {
    pthread_mutex_lock(&self->lock);
    self->closed = true;
    eim_client *client = self->clients ? eim_object_ref(self->clients) : NULL;
    pthread_mutex_unlock(&self->lock);
    if (!client) break;
    eim_client_end(client, wait);
    eim_object_unref(client);
  }
  end_lines(self, wait);
  eim_queue_close(self->queue);
  if (self->own_threads) return;
  pthread_mutex_lock(&self->slots[0].lock);
  if (self->slots[0].loop) eim_loop_wake(self->slots[0].loop);
  pthread_mutex_unlock(&self->slots[0].lock);
}

/* Take the thread of eim_context_start() over for ending it. */
static bool take_thread(eim_context *self, pthread_t *thread) {
  pthread_mutex_lock(&self->lock);
  bool has = self->has_thread;
  self->has_thread = false;
  *thread = self->thread;
  pthread_mutex_unlock(&self->lock);
  return has;
}

void eim_context_shutdown(eim_context *self) {
  pthread_t thread;
  if (!self || eim_context_forked(self)) return;
  eim_context_hold(self);
  close_context(self, true);
  eim_queue_settle(self->queue);
  stop(self);
  if (take_thread(self, &thread)) {
    if (pthread_equal(thread, pthread_self()) || eim_queue_in_dispatch(self->queue))
      pthread_detach(thread);
    else
      pthread_join(thread, NULL);
  }
  eim_context_drop(self);
}

/* Last reference, with threads: on the first loop's own thread, because it may not block whoever
 * gave the reference up. */
static void run_end(eim_task *task, bool canceled) {
  eim_context *self = (eim_context *)((char *)task - offsetof(eim_context, end_task));
  if (!canceled) {
    for (int i = 1; i < self->slot_count; i++) wait_for_loop(self, i);
    end_loops(self);
  }
  eim_context_drop(self);
}

eim_context *eim_context_ref(eim_context *self) {
  if (self) atomic_fetch_add(&self->handles, 1);
  return self;
}

void eim_context_unref(eim_context *self) {
  pthread_t thread;
  if (!self || eim_context_forked(self) || atomic_fetch_sub(&self->handles, 1) != 1) return;
  close_context(self, false);
  if (take_thread(self, &thread)) pthread_detach(thread);
  if (self->own_threads) {
    self->end_task.run = run_end;
    eim_context_hold(self);
    eim_context_post(self, 0, &self->end_task);
  } else {
    stop(self);
  }
  eim_context_drop(self);
}

/* ------------------------------------------------------------------ poll and wait */

/* ioThreads=0: I/O on this thread. When another thread does it: patient: wait for that one, else
 * EIM_E_BUSY. */
static eim_status run_io(eim_context *self, int timeout_ms, bool patient) {
  pthread_mutex_lock(&self->lock);
  while (patient && self->io_busy) pthread_cond_wait(&self->io_free, &self->lock);
  bool busy = self->io_busy;
  self->io_busy = true;
  pthread_mutex_unlock(&self->lock);
  if (busy) return eim_fail(EIM_E_BUSY, "context: another thread does the I/O (ioThreads=0)");
  eim_loop *loop = self->slots[0].loop; /* ends only under take_io() */
  bool idle = eim_queue_is_empty(self->queue) && !eim_queue_is_closed(self->queue);
  if (loop) eim_loop_run_once(loop, idle ? timeout_ms : 0);
  give_io(self);
  return EIM_OK;
}

static int time_left(int timeout_ms, int64_t deadline) {
  if (timeout_ms < 0) return -1;
  int64_t left = deadline - now_ms();
  return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/* 1: events wait. */
static eim_status await(eim_context *self, int timeout_ms, bool patient) {
  int64_t deadline = timeout_ms < 0 ? 0 : now_ms() + timeout_ms;
  if (self->own_threads) return eim_queue_wait(self->queue, timeout_ms);
  for (;;) {
    int left = time_left(timeout_ms, deadline);
    eim_status status = run_io(self, left, patient);
    if (status || (status = eim_queue_wait(self->queue, 0)) || !left) return status;
  }
}

eim_status eim_context_wait(eim_context *self, int timeout_ms) {
  eim_status status = eim_context_usable(self);
  if (status) return status;
  eim_context_hold(self);
  status = await(self, timeout_ms, false);
  eim_context_drop(self);
  return status;
}

/* With the queue claimed. */
static eim_status poll_claimed(eim_context *self, int timeout_ms, int max_events, bool patient) {
  int64_t deadline = timeout_ms < 0 ? 0 : now_ms() + timeout_ms;
  for (;;) {
    int left = time_left(timeout_ms, deadline);
    eim_status status = await(self, left, patient);
    if (status == 1) status = eim_queue_dispatch(self->queue, max_events);
    /* Nothing: the events that woke us belonged to a client that was shut down meanwhile. */
    if (status || !left) return status;
  }
}

eim_status eim_context_poll(eim_context *self, int timeout_ms, int max_events) {
  eim_status status = eim_context_usable(self);
  if (status || (status = eim_queue_claim(self->queue, false))) return status;
  eim_context_hold(self);
  status = poll_claimed(self, timeout_ms, max_events, false);
  eim_queue_release(self->queue);
  eim_context_drop(self);
  return status;
}

void eim_context_yield(eim_context *self) {
  if (self && !eim_context_forked(self)) eim_queue_yield(self->queue);
}

int eim_context_fd(eim_context *self) {
  eim_status status = eim_context_usable(self);
  if (status) return status;
  int fd = eim_queue_fd(self->queue);
  if (self->own_threads) return fd;
  if (!watch(self->epoll_fd, fd) && errno != EEXIST)
    return eim_fail_with(EIM_E_NOMEM,
                         eim_error_new(EIM_E_NOMEM, EIM_DOMAIN_OS, errno, EIM_ERROR_RETRIABLE,
                                       "context: epoll: %s", strerror(errno)));
  return self->epoll_fd;
}

void eim_context_nudge(eim_context *self) {
  if (!self->own_threads) run_io(self, 0, false);
}

/* ------------------------------------------------------------------ log lines */

/* ioThreads=0: whoever polls may be waiting for I/O. On any thread. */
static void wake_for_line(void *context) {
  eim_context *self = context;
  pthread_mutex_lock(&self->slots[0].lock);
  eim_loop *loop = self->slots[0].loop;
  if (loop && !eim_loop_is_current(loop)) eim_loop_wake(loop);
  pthread_mutex_unlock(&self->slots[0].lock);
}

eim_status eim_context_subscribe_log(eim_context *self, eim_log_level level,
                                     void (*fn)(void *user_data, const eim_log_record *record),
                                     void *user_data) {
  eim_status status = eim_context_usable(self);
  if (status) return status;
  if (level < EIM_LOG_TRACE || level > EIM_LOG_SILENT)
    return eim_fail(EIM_E_INVALID, "context: %d is no log level", (int)level);
  eim_lines *lines = NULL;
  if (fn && !(lines = eim_lines_new(self->queue, level, fn, user_data,
                                    self->own_threads ? NULL : wake_for_line, self)))
    return eim_fail(EIM_E_NOMEM, "context: out of memory");
  eim_context_hold(self);
  pthread_mutex_lock(&self->lock);
  bool closed = self->closed;
  eim_lines *former = closed ? lines : self->lines;
  if (!closed) self->lines = lines;
  pthread_mutex_unlock(&self->lock);
  eim_lines_end(former, true);
  eim_context_drop(self);
  return closed ? eim_fail(EIM_E_CLOSED, "context: shut down") : EIM_OK;
}

/* ------------------------------------------------------------------ a thread that polls */

static void *poll_until_closed(void *context) {
  eim_context *self = context;
  pthread_setname_np(pthread_self(), "eim-poll");
  /* Kept to the end: whoever else polls is told EIM_E_BUSY every time, not now and then. */
  eim_queue_claim(self->queue, true);
  while (poll_claimed(self, -1, 0, true) >= 0) {}
  eim_queue_release(self->queue);
  eim_context_drop(self);
  return NULL;
}

eim_status eim_context_start(eim_context *self) {
  eim_status status = eim_context_usable(self);
  if (status) return status;
  pthread_mutex_lock(&self->lock);
  int error = 0;
  if (self->closed) {
    status = EIM_E_CLOSED;
  } else if (self->has_thread) {
    status = EIM_E_BUSY;
  } else {
    /* The application's signals are for its own threads. */
    sigset_t all, former;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &former);
    eim_context_hold(self);
    error = pthread_create(&self->thread, NULL, poll_until_closed, self);
    pthread_sigmask(SIG_SETMASK, &former, NULL);
    self->has_thread = !error;
  }
  pthread_mutex_unlock(&self->lock);
  if (error) {
    eim_context_drop(self);
    return eim_fail_with(EIM_E_NOMEM,
                         eim_error_new(EIM_E_NOMEM, EIM_DOMAIN_OS, error, EIM_ERROR_RETRIABLE,
                                       "context: no thread: %s", strerror(error)));
  }
  if (status == EIM_E_CLOSED) return eim_fail(EIM_E_CLOSED, "context: shut down");
  return status ? eim_fail(EIM_E_BUSY, "context: started already") : EIM_OK;
}
