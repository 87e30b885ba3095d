/** @file eim/context.h  A context owns the I/O and the one event queue of its clients. */
#ifndef EIM_CONTEXT_H
#define EIM_CONTEXT_H

#include <eim/base.h>
#include <eim/config.h>
#include <eim/log.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eim_context eim_context;

/**
 * A new context. @p config: only `ioThreads` is read (NULL: defaults). With ioThreads=1 or more the
 * library runs that many I/O threads; with 0 all I/O happens inside eim_context_poll() and
 * eim_context_wait() on the calling thread. @p out is owned by the caller.
 */
EIM_API eim_status eim_context_new(const eim_config *config, eim_context **out);
EIM_API eim_context *eim_context_ref(eim_context *self);
/** Give up one reference; the last one shuts down. Never blocks. NULL is allowed. */
EIM_API void eim_context_unref(eim_context *self);
/** Shut down every client of the context and end its threads. As eim_client_shutdown(). */
EIM_API void eim_context_shutdown(eim_context *self);

/**
 * Deliver events: every callback of every client runs in here, on this thread.
 * Waits up to @p timeout_ms (0: not at all, -1: without end) for the first event, then delivers up
 * to @p max_events (0 or less: all that are queued on entry). Returns the number delivered, 0 at
 * the timeout; EIM_E_BUSY when another thread polls or when called from a callback; EIM_E_CLOSED
 * after shutdown once nothing is left.
 */
EIM_API eim_status eim_context_poll(eim_context *self, int timeout_ms, int max_events);
/** Wait without delivering. 1: events wait; 0: timeout; EIM_E_CLOSED. Any thread, several at once
 *  (with ioThreads=0 it does the I/O, so one at a time: EIM_E_BUSY). */
EIM_API eim_status eim_context_wait(eim_context *self, int timeout_ms);
/** In a callback: let eim_context_poll() return after this event; the rest keeps its order. */
EIM_API void eim_context_yield(eim_context *self);
/**
 * A descriptor that is readable while events wait undelivered, work is due, or the context is
 * closed. Level-triggered; for select/poll/epoll only: never read, write or close it. Valid until
 * the last reference is gone.
 */
EIM_API int eim_context_fd(eim_context *self);
/** Start a library thread that polls until shutdown. For C programs that want callbacks on a thread
 *  of the library; EIM_E_BUSY when started already. */
EIM_API eim_status eim_context_start(eim_context *self);
/**
 * Log lines of the whole process at @p level and above (whatever eim_log_set_level() says) as
 * ordinary events of this context: @p fn is called inside eim_context_poll() and may call any eim_
 * function. At most 1024 lines (256 KiB) wait; further ones are lost, and a line tells how many.
 * One subscription a context: another one replaces it, @p fn NULL or shutdown ends it. When this
 * returns the former one is not called any more (in a callback: after the dispatch).
 */
EIM_API eim_status eim_context_subscribe_log(eim_context *self, eim_log_level level,
                                             void (*fn)(void *user_data,
                                                        const eim_log_record *record),
                                             void *user_data);

#ifdef __cplusplus
}
#endif
#endif
