/* queue.c - put in, wait, dispatch. The queue is taken as a whole, so that the lock is held for a
 * moment only, and what is left over is given back in front. */
#include "events/queue.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "events/handlers.h"
#include "model/error.h"

typedef struct event {
  struct event *next;
  eim_endpoint *endpoint; /* counted */
  void *payload;
  uint64_t seq;
  eim_event_kind kind;
} event;

typedef struct event_list {
  event *head, **tail;
} event_list;

enum {
  SPARE_MAX = 512, /* events kept for reuse: a burst, 24 KiB */
  QUIET_MAX = 16   /* quiet events that gather at most: what decoding them takes is all they wait */
};

struct eim_queue {
  pthread_mutex_t lock;
  pthread_cond_t arrived;  /* waiters of eim_queue_wait() */
  pthread_cond_t idle;     /* waiters of a shutdown */
  pthread_cond_t released; /* waiters for the claim */
  event_list list, batch;  /* batch: taken by the dispatch under way */
  event *spare;
  int spare_count;
  eim_endpoint *deferred, *dirty; /* counted */
  int waiters, shutdown_waiters;
  int fd;
  bool fd_used, fd_readable;
  bool claimed, dispatching, ending, closed;
  bool stale; /* the batch has events of an endpoint that was shut down */
  pthread_t dispatcher;
  atomic_bool yield;
  atomic_int quiet; /* events nobody was told of; changed under the lock */
};

static void list_init(event_list *list) {
  list->head = NULL;
  list->tail = &list->head;
}

static void list_append(event_list *list, event *e) {
  e->next = NULL;
  *list->tail = e;
  list->tail = &e->next;
}

/* ------------------------------------------------------------------ life */

eim_queue *eim_queue_new(void) {
  eim_queue *self = calloc(1, sizeof *self);
  if (!self) return NULL;
  self->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (self->fd < 0) {
    free(self);
    return NULL;
  }
  pthread_condattr_t attr;
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_mutex_init(&self->lock, NULL);
  pthread_cond_init(&self->arrived, &attr);
  pthread_cond_init(&self->idle, NULL);
  pthread_cond_init(&self->released, NULL);
  pthread_condattr_destroy(&attr);
  atomic_init(&self->yield, false);
  atomic_init(&self->quiet, 0);
  list_init(&self->list);
  list_init(&self->batch);
  return self;
}

static event *sift(event_list *list, const eim_endpoint *endpoint);

static void free_events(event *e) {
  while (e) {
    event *next = e->next;
    eim_payload_unref(e->kind, e->payload);
    eim_object_unref(e->endpoint);
    free(e);
    e = next;
  }
}

void eim_queue_free(eim_queue *self) {
  if (!self) return;
  free_events(self->list.head);
  while (self->spare) {
    event *next = self->spare->next;
    free(self->spare);
    self->spare = next;
  }
  pthread_cond_destroy(&self->idle);
  pthread_cond_destroy(&self->released);
  pthread_cond_destroy(&self->arrived);
  pthread_mutex_destroy(&self->lock);
  close(self->fd);
  free(self);
}

/* Under the lock: make the descriptor say what is true now. */
static void update_fd(eim_queue *self) {
  bool readable = self->list.head || self->closed;
  if (!self->fd_used || readable == self->fd_readable) return;
  uint64_t value = 1;
  ssize_t done;
  do done = readable ? write(self->fd, &value, sizeof value) : read(self->fd, &value, sizeof value);
  while (done < 0 && errno == EINTR);
  self->fd_readable = readable;
}

/* Under the lock. */
static void announce(eim_queue *self) {
  atomic_store_explicit(&self->quiet, 0, memory_order_relaxed);
  update_fd(self);
  if (self->waiters) pthread_cond_broadcast(&self->arrived);
}

void eim_queue_flush(eim_queue *self) {
  if (!atomic_load_explicit(&self->quiet, memory_order_relaxed)) return;
  pthread_mutex_lock(&self->lock);
  announce(self);
  pthread_mutex_unlock(&self->lock);
}

int eim_queue_fd(eim_queue *self) {
  pthread_mutex_lock(&self->lock);
  self->fd_used = true;
  update_fd(self);
  pthread_mutex_unlock(&self->lock);
  return self->fd;
}

void eim_queue_ending(eim_queue *self) {
  pthread_mutex_lock(&self->lock);
  self->ending = true;
  pthread_mutex_unlock(&self->lock);
}

void eim_queue_close(eim_queue *self) {
  pthread_mutex_lock(&self->lock);
  self->closed = true;
  event *dropped = sift(&self->list, NULL);
  update_fd(self);
  pthread_cond_broadcast(&self->arrived);
  pthread_mutex_unlock(&self->lock);
  free_events(dropped);
}

bool eim_queue_is_closed(eim_queue *self) {
  pthread_mutex_lock(&self->lock);
  bool closed = self->closed;
  pthread_mutex_unlock(&self->lock);
  return closed;
}

bool eim_queue_is_empty(eim_queue *self) {
  pthread_mutex_lock(&self->lock);
  bool empty = !self->list.head;
  pthread_mutex_unlock(&self->lock);
  return empty;
}

/* ------------------------------------------------------------------ waiting */

eim_status eim_queue_wait(eim_queue *self, int timeout_ms) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += timeout_ms / 1000;
  until.tv_nsec += timeout_ms % 1000 * 1000000L;
  if (until.tv_nsec >= 1000000000L) until.tv_sec++, until.tv_nsec -= 1000000000L;
  pthread_mutex_lock(&self->lock);
  self->waiters++;
  for (int error = 0; !self->list.head && !self->closed && error != ETIMEDOUT;)
    error = timeout_ms < 0    ? pthread_cond_wait(&self->arrived, &self->lock)
            : timeout_ms == 0 ? ETIMEDOUT
                              : pthread_cond_timedwait(&self->arrived, &self->lock, &until);
  self->waiters--;
  eim_status status = self->list.head ? 1 : self->closed ? EIM_E_CLOSED : 0;
  pthread_mutex_unlock(&self->lock);
  return status == EIM_E_CLOSED ? eim_fail(EIM_E_CLOSED, "context: shut down") : status;
}

/* ------------------------------------------------------------------ dispatching */

eim_status eim_queue_claim(eim_queue *self, bool wait) {
  pthread_mutex_lock(&self->lock);
  while (wait && self->claimed) pthread_cond_wait(&self->released, &self->lock);
  bool busy = self->claimed;
  self->claimed = true;
  pthread_mutex_unlock(&self->lock);
  return busy ? eim_fail(EIM_E_BUSY, "context: events are being delivered already") : EIM_OK;
}

void eim_queue_release(eim_queue *self) {
  pthread_mutex_lock(&self->lock);
  self->claimed = false;
  pthread_cond_signal(&self->released);
  pthread_mutex_unlock(&self->lock);
}

void eim_queue_yield(eim_queue *self) {
  atomic_store(&self->yield, true);
}

static bool in_dispatch(const eim_queue *self) {
  return self->dispatching && pthread_equal(self->dispatcher, pthread_self());
}

void eim_queue_settle(eim_queue *self) {
  pthread_mutex_lock(&self->lock);
  self->shutdown_waiters++;
  while (self->dispatching && !in_dispatch(self)) pthread_cond_wait(&self->idle, &self->lock);
  self->shutdown_waiters--;
  pthread_mutex_unlock(&self->lock);
}

bool eim_queue_in_dispatch(eim_queue *self) {
  pthread_mutex_lock(&self->lock);
  bool inside = in_dispatch(self);
  pthread_mutex_unlock(&self->lock);
  return inside;
}

/* Under the lock, which is left for the call: take the handlers away and let go of them. */
static void release_handlers(eim_queue *self, eim_endpoint *endpoint) {
  eim_handler_list *handlers = endpoint->handlers;
  if (!handlers) return;
  endpoint->handlers = NULL;
  endpoint->releasing++;
  pthread_mutex_unlock(&self->lock);
  eim_object_unref(handlers);
  pthread_mutex_lock(&self->lock);
  endpoint->releasing--;
  if (self->shutdown_waiters) pthread_cond_broadcast(&self->idle);
}

/* Under the lock: the event is over. */
static void recycle(eim_queue *self, event *e, event **garbage) {
  if (self->spare_count < SPARE_MAX) {
    e->next = self->spare;
    self->spare = e;
    self->spare_count++;
  } else {
    e->next = *garbage;
    *garbage = e;
  }
}

static void mark_dirty(eim_queue *self, eim_endpoint *endpoint, uint64_t seq) {
  if (!seq) return;
  if (seq > endpoint->done_seq) endpoint->done_seq = seq;
  if (endpoint->is_dirty) return;
  endpoint->is_dirty = true;
  endpoint->next_dirty = self->dirty;
  self->dirty = eim_object_ref(endpoint);
}

/* Under the lock, which is left for the handlers. */
static void deliver(eim_queue *self, event *e, event **garbage) {
  eim_endpoint *endpoint = e->endpoint;
  eim_handler_list *handlers = eim_object_ref(endpoint->handlers);
  bool drop = endpoint->closed;
  endpoint->running = !drop;
  pthread_mutex_unlock(&self->lock);
  if (!drop && endpoint->call)
    endpoint->call(endpoint, e->payload);
  else if (!drop)
    eim_handler_list_call(handlers, e->kind, e->payload);
  eim_object_unref(handlers);
  eim_payload_unref(e->kind, e->payload);
  pthread_mutex_lock(&self->lock);
  endpoint->running = false;
  endpoint->pending--;
  mark_dirty(self, endpoint, e->seq);
  if (self->shutdown_waiters) pthread_cond_broadcast(&self->idle);
  recycle(self, e, garbage);
}

/* Under the lock: take the events of `endpoint` (NULL: of every one that is shut down) out of a
 * list. Returns them. */
static event *sift(event_list *list, const eim_endpoint *endpoint) {
  event_list keep, out;
  list_init(&keep);
  list_init(&out);
  for (event *e = list->head, *next; e; e = next) {
    bool take = endpoint ? e->endpoint == endpoint : e->endpoint->closed;
    next = e->next;
    list_append(take ? &out : &keep, e);
    if (take) e->endpoint->pending--;
  }
  list->head = keep.head;
  list->tail = keep.head ? keep.tail : &list->head;
  return out.head;
}

/* Under the lock, which is left for the calls. */
static void finish_dispatch(eim_queue *self) {
  while (self->deferred) {
    eim_endpoint *endpoint = self->deferred;
    self->deferred = endpoint->next_deferred;
    endpoint->is_deferred = false;
    release_handlers(self, endpoint);
    pthread_mutex_unlock(&self->lock);
    eim_object_unref(endpoint);
    pthread_mutex_lock(&self->lock);
  }
  while (self->dirty) {
    eim_endpoint *endpoint = self->dirty;
    uint64_t seq = endpoint->done_seq;
    bool closed = endpoint->closed;
    self->dirty = endpoint->next_dirty;
    endpoint->is_dirty = false;
    pthread_mutex_unlock(&self->lock);
    if (!closed) endpoint->done(endpoint, seq);
    eim_object_unref(endpoint);
    pthread_mutex_lock(&self->lock);
  }
}

eim_status eim_queue_dispatch(eim_queue *self, int max) {
  int delivered = 0;
  event *garbage = NULL, *dropped = NULL;
  pthread_mutex_lock(&self->lock);
  if (!self->list.head && self->closed) {
    pthread_mutex_unlock(&self->lock);
    return eim_fail(EIM_E_CLOSED, "context: shut down");
  }
  if (self->list.head) {
    self->batch.head = self->list.head;
    self->batch.tail = self->list.tail;
    list_init(&self->list);
    atomic_store_explicit(&self->quiet, 0, memory_order_relaxed);
    update_fd(self);
  }
  self->dispatching = true;
  self->dispatcher = pthread_self();
  atomic_store(&self->yield, false);
  if (max <= 0) max = INT_MAX;
  while (self->batch.head && delivered < max && !atomic_load(&self->yield)) {
    event *e = self->batch.head;
    eim_endpoint *endpoint = e->endpoint;
    self->batch.head = e->next;
    delivered += !endpoint->closed;
    deliver(self, e, &garbage);
    pthread_mutex_unlock(&self->lock);
    eim_object_unref(endpoint);
    pthread_mutex_lock(&self->lock);
  }
  if (self->stale) dropped = sift(&self->batch, NULL);
  self->stale = false;
  if (self->batch.head) { /* back in front of what came meanwhile */
    *self->batch.tail = self->list.head;
    if (!self->list.head) self->list.tail = self->batch.tail;
    self->list.head = self->batch.head;
    update_fd(self);
    if (self->waiters) pthread_cond_broadcast(&self->arrived);
  }
  list_init(&self->batch);
  /* Still in the dispatch: on_released belongs to it. */
  finish_dispatch(self);
  self->dispatching = false;
  if (self->shutdown_waiters) pthread_cond_broadcast(&self->idle);
  pthread_mutex_unlock(&self->lock);
  while (garbage) {
    event *next = garbage->next;
    free(garbage);
    garbage = next;
  }
  free_events(dropped);
  return delivered;
}

/* ------------------------------------------------------------------ endpoints */

void eim_endpoint_init(eim_endpoint *self, eim_queue *queue, void (*destroy)(void *),
                       void (*done)(eim_endpoint *, uint64_t)) {
  eim_object_init(&self->base, destroy);
  self->queue = queue;
  self->done = done;
}

static bool push(eim_endpoint *self, eim_event_kind kind, void *payload, uint64_t seq,
                 bool quietly) {
  eim_queue *queue = self->queue;
  pthread_mutex_lock(&queue->lock);
  bool closed = self->closed;
  event *e = NULL;
  if (!closed) {
    if ((e = queue->spare)) {
      queue->spare = e->next;
      queue->spare_count--;
    } else {
      e = malloc(sizeof *e);
    }
  }
  if (e) {
    *e = (event){NULL, eim_object_ref(self), payload, seq, kind};
    list_append(&queue->list, e);
    self->pending++;
    int quiet = atomic_load_explicit(&queue->quiet, memory_order_relaxed) + 1;
    if (quietly && quiet < QUIET_MAX)
      atomic_store_explicit(&queue->quiet, quiet, memory_order_relaxed);
    else
      announce(queue);
  }
  pthread_mutex_unlock(&queue->lock);
  if (!e) eim_payload_unref(kind, payload);
  return e || closed;
}

bool eim_endpoint_push(eim_endpoint *self, eim_event_kind kind, void *payload, uint64_t seq) {
  return push(self, kind, payload, seq, false);
}

bool eim_endpoint_push_quietly(eim_endpoint *self, eim_event_kind kind, void *payload,
                               uint64_t seq) {
  return push(self, kind, payload, seq, true);
}

eim_status eim_endpoint_add_handler(eim_endpoint *self, const char *id,
                                    const eim_handlers *handlers) {
  eim_handlers copy;
  if (!id || !*id) return eim_fail(EIM_E_INVALID, "handlers: id is empty");
  eim_status status = eim_handlers_read(&copy, handlers);
  if (status) return status;
  eim_handler_set *set = eim_handler_set_new(id, &copy), *former = NULL;
  if (!set) return eim_fail(EIM_E_NOMEM, "handlers: out of memory");
  pthread_mutex_lock(&self->queue->lock);
  eim_handler_list *old = NULL, *list = self->closed
                                            ? NULL
                                            : eim_handler_list_with(self->handlers, set, &former);
  bool closed = self->closed;
  if (list) {
    eim_handler_set_retire(former);
    old = self->handlers;
    self->handlers = list;
    self->releasing++;
  }
  pthread_mutex_unlock(&self->queue->lock);
  if (!list) {
    eim_handler_set_discard(set);
    return closed ? eim_fail(EIM_E_CLOSED, "client: shut down")
                  : eim_fail(EIM_E_NOMEM, "handlers: out of memory");
  }
  eim_object_unref(old);
  pthread_mutex_lock(&self->queue->lock);
  self->releasing--;
  if (self->queue->shutdown_waiters) pthread_cond_broadcast(&self->queue->idle);
  pthread_mutex_unlock(&self->queue->lock);
  return EIM_OK;
}

eim_status eim_endpoint_remove_handler(eim_endpoint *self, const char *id) {
  eim_handler_set *former = NULL;
  if (!id || !*id) return eim_fail(EIM_E_INVALID, "handlers: id is empty");
  pthread_mutex_lock(&self->queue->lock);
  bool closed = self->closed;
  eim_handler_list *old = NULL,
                   *list = closed ? NULL : eim_handler_list_without(self->handlers, id, &former);
  if (list) {
    eim_handler_set_retire(former);
    old = self->handlers;
    self->handlers = list;
    self->releasing++;
  }
  pthread_mutex_unlock(&self->queue->lock);
  if (closed) return eim_fail(EIM_E_CLOSED, "client: shut down");
  if (!former) return eim_fail(EIM_E_INVALID, "handlers: there is no set '%.100s'", id);
  if (!list) return eim_fail(EIM_E_NOMEM, "handlers: out of memory");
  eim_object_unref(old);
  pthread_mutex_lock(&self->queue->lock);
  self->releasing--;
  if (self->queue->shutdown_waiters) pthread_cond_broadcast(&self->queue->idle);
  pthread_mutex_unlock(&self->queue->lock);
  return EIM_OK;
}

bool eim_endpoint_handles(eim_endpoint *self, eim_event_kind kind) {
  pthread_mutex_lock(&self->queue->lock);
  bool handles = eim_handler_list_handles(self->handlers, kind);
  pthread_mutex_unlock(&self->queue->lock);
  return handles;
}

void eim_endpoint_shutdown(eim_endpoint *self, bool wait) {
  eim_queue *queue = self->queue;
  pthread_mutex_lock(&queue->lock);
  self->closed = true;
  /* One by one, ten thousand endpoints would each walk through the events of all. */
  event *dropped = self->pending && !queue->ending ? sift(&queue->list, self) : NULL;
  update_fd(queue);
  if (self->pending) queue->stale = true;
  bool inside = in_dispatch(queue);
  if (inside || (self->running && !wait)) {
    if (self->handlers && !self->is_deferred) {
      self->is_deferred = true;
      self->next_deferred = queue->deferred;
      queue->deferred = eim_object_ref(self);
    }
  } else {
    queue->shutdown_waiters++;
    while (self->running) pthread_cond_wait(&queue->idle, &queue->lock);
    release_handlers(queue, self);
    while (wait && self->releasing) pthread_cond_wait(&queue->idle, &queue->lock);
    queue->shutdown_waiters--;
  }
  pthread_mutex_unlock(&queue->lock);
  free_events(dropped);
}
