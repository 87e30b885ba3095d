/* driver.h - DOES. Joins one session to a loop: performs its outputs, reports back as inputs. Knows
 * no frame. Loop thread only, unless said. */
#ifndef EIM_NET_DRIVER_H
#define EIM_NET_DRIVER_H

#include <stdint.h>

#include "model/event.h"
#include "model/settings.h"
#include "session/session.h"

typedef struct eim_loop eim_loop;
typedef struct eim_driver eim_driver;

/* Where events go. Called on the loop thread; takes over the payload's reference. */
typedef struct eim_sink {
  void *user;
  void (*emit)(void *user, eim_event_kind kind, void *payload, uint64_t seq);
  /* The session moved: for eim_client_state(). */
  void (*state)(void *user, eim_state state);
} eim_sink;

/* ---- loop. own_thread: runs on a thread of its own; else eim_loop_run_once() drives it. Any
 * thread. */
eim_status eim_loop_new(bool own_thread, eim_loop **out);
/* Ask for work on the loop thread, in order. Any thread. run is called once; when the loop ends
 * before, it is called with canceled=true so that it can free. The task is embedded by the caller.
 */
typedef struct eim_task {
  struct eim_task *next;
  void (*run)(struct eim_task *self, bool canceled);
} eim_task;
void eim_loop_post(eim_loop *self, eim_task *task);
/* own_thread=false only: run I/O, waiting up to timeout_ms (-1: without end) for something to
 * happen. One thread at a time; the caller sees to that. */
void eim_loop_run_once(eim_loop *self, int timeout_ms);
/* own_thread=false only: a descriptor that is readable when eim_loop_run_once() has work (I/O, a
 * due timer or a posted task). Level-triggered. */
int eim_loop_fd(const eim_loop *self);
/* own_thread=false: eim_loop_run_once() returns soon. Any thread. */
void eim_loop_wake(eim_loop *self);
/* fn: called on the loop thread whenever the loop has done what there was to do, before it waits.
 * Once, after eim_loop_new(); not called any more from eim_loop_free() on. */
void eim_loop_on_turn(eim_loop *self, void (*fn)(void *user), void *user);
bool eim_loop_is_current(const eim_loop *self); /* on its thread now? */
/* End: no further task runs (pending ones are canceled), the thread is joined (when called on the
 * loop's own thread: detached), everything is freed. All drivers must be gone or are dropped. */
void eim_loop_free(eim_loop *self);

/* ---- driver. new/free/input on the loop thread. */
eim_driver *eim_driver_new(eim_loop *loop, eim_settings *settings, const eim_sink *sink,
                           uint64_t number);
void eim_driver_input(eim_driver *self, const eim_input *input);
/* eim_session_health() of its session. */
void eim_driver_health(const eim_driver *self, eim_buf *out);
/* Cancels everything; the sink is not called any more. */
void eim_driver_free(eim_driver *self);

#endif
