/* queue.h - the one queue between the I/O of a context and the application. Any thread puts in, one
 * thread at a time takes out and calls the handlers. Nothing is dropped but what belongs to an
 * endpoint that was shut down: the session asks for no more than maxUndelivered (docs/design.md).
 *
 * Locks: one for each queue, never held during a callback, an on_released or a done(). */
#ifndef EIM_EVENTS_QUEUE_H
#define EIM_EVENTS_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/object.h"
#include "model/event.h"

typedef struct eim_queue eim_queue;
typedef struct eim_handler_list eim_handler_list;

/* A log line: an event of a context, not of a client. Its payload is an eim_object. */
#define EIM_EVENT_LOG EIM_EVENT_COUNT

/* What a client is to the queue. First member of the client, which shares its count: a client is
 * freed when neither the application, the I/O nor an event holds it any more. */
typedef struct eim_endpoint {
  eim_object base;
  eim_queue *queue;
  /* Every event up to and including seq was dispatched. On the thread that dispatches. */
  void (*done)(struct eim_endpoint *self, uint64_t seq);
  /* Instead of handlers, when it is not NULL (lines.c). */
  void (*call)(struct eim_endpoint *self, const void *payload);
  /* the rest: under the lock of the queue */
  eim_handler_list *handlers;
  struct eim_endpoint *next_deferred, *next_dirty;
  uint64_t done_seq;
  int pending;   /* events in the queue */
  int releasing; /* threads that let go of handler sets just now */
  bool running, closed, is_deferred, is_dirty;
} eim_endpoint;

/* ---- queue */
eim_queue *eim_queue_new(void); /* NULL: out of memory or descriptors */
void eim_queue_free(eim_queue *self);
/* All endpoints will be shut down now, and then the queue be closed: events of the former may wait
 * for the latter. */
void eim_queue_ending(eim_queue *self);
/* No more waiting: wait and dispatch say EIM_E_CLOSED once nothing is left. */
void eim_queue_close(eim_queue *self);
bool eim_queue_is_closed(eim_queue *self);
/* Readable while events wait or the queue is closed. Level-correct from the first call on; before,
 * no system call is spent on it. */
int eim_queue_fd(eim_queue *self);
/* Tell the waiting ones of events that were put in quietly. Costs nothing when there are none. */
void eim_queue_flush(eim_queue *self);
/* 1: events wait; 0: timeout; EIM_E_CLOSED. Negative timeout: without end. */
eim_status eim_queue_wait(eim_queue *self, int timeout_ms);
bool eim_queue_is_empty(eim_queue *self);

/* Be the one that dispatches. Somebody is, maybe this very thread further up: EIM_E_BUSY, or with
 * wait wait for that one. */
eim_status eim_queue_claim(eim_queue *self, bool wait);
void eim_queue_release(eim_queue *self);
/* Claimed only. Calls the handlers of up to max events (0 or less: all that are queued on entry);
 * the number of events, or EIM_E_CLOSED when closed and empty. */
eim_status eim_queue_dispatch(eim_queue *self, int max);
/* The dispatch under way ends after this event. */
void eim_queue_yield(eim_queue *self);
/* Wait for the dispatch under way on another thread, if there is one. */
void eim_queue_settle(eim_queue *self);
/* Is this thread inside eim_queue_dispatch() now? */
bool eim_queue_in_dispatch(eim_queue *self);

/* ---- endpoint */
void eim_endpoint_init(eim_endpoint *self, eim_queue *queue, void (*destroy)(void *),
                       void (*done)(eim_endpoint *, uint64_t));
/* Put an event in. Takes over the payload's reference, also when it is dropped because the endpoint
 * is shut down. False: out of memory (the payload is released). */
bool eim_endpoint_push(eim_endpoint *self, eim_event_kind kind, void *payload, uint64_t seq);
/* The same on an I/O thread, which calls eim_queue_flush() before it waits: who sleeps is woken
 * then, or when some events have gathered, and not for each of a burst. */
bool eim_endpoint_push_quietly(eim_endpoint *self, eim_event_kind kind, void *payload,
                               uint64_t seq);
eim_status eim_endpoint_add_handler(eim_endpoint *self, const char *id,
                                    const eim_handlers *handlers);
eim_status eim_endpoint_remove_handler(eim_endpoint *self, const char *id);
/* Does some set have this callback? */
bool eim_endpoint_handles(eim_endpoint *self, eim_event_kind kind);
/* No callback begins from now on, undelivered events are released. wait: when it returns none runs
 * any more and every on_released was called, unless this thread is inside a dispatch: then, as
 * without wait, that follows at the end of the dispatch. Idempotent. */
void eim_endpoint_shutdown(eim_endpoint *self, bool wait);

#endif
