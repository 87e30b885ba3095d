/* context.h - a context from inside: loops, the queue, and who keeps what alive. */
#ifndef EIM_API_CONTEXT_H
#define EIM_API_CONTEXT_H

#include <stdbool.h>

#include <eim/context.h>

#include "events/queue.h"
#include "net/driver.h"

struct eim_client;

/* Why this handle cannot be used (error set): NULL, or in a child after fork(), where the threads
 * and connections of the parent do not exist. */
eim_status eim_context_usable(const eim_context *self);
bool eim_context_forked(const eim_context *self);

/* Memory: held by clients, and by whoever is inside a call. Shut down is another thing. */
eim_context *eim_context_hold(eim_context *self);
void eim_context_drop(eim_context *self);

eim_queue *eim_context_queue(eim_context *self);
/* The settings of config, once for all clients that were given the same. Fails like
 * eim_settings_from_config(); a reference. */
eim_status eim_context_settings(eim_context *self, const eim_config *config, eim_settings **out);
int eim_context_loop_count(const eim_context *self);
bool eim_context_closed(eim_context *self);
/* The loop of a slot; loop thread of that slot only. */
eim_loop *eim_context_loop(eim_context *self, int slot);
/* Post to the loop of a slot; when it has ended, the task is canceled at once. Any thread. */
void eim_context_post(eim_context *self, int slot, eim_task *task);

/* ioThreads=0: run what was posted, unless another thread is about to. */
void eim_context_nudge(eim_context *self);

/* The list of clients that are not shut down, for eim_context_shutdown(). A client in it counts as
 * a handle of the context. add: false when the context is closed. retire: takes it out, marks it as
 * closed and posts its last task; true for the first that does, who then gives up that handle by
 * eim_context_unref(). */
bool eim_context_add_client(eim_context *self, struct eim_client *client);
bool eim_context_retire_client(eim_context *self, struct eim_client *client);

#endif
