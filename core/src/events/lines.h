/* lines.h - log lines as events of a context: what is logged on any thread is copied into its
 * queue, up to a bound; what does not fit is lost, and counted. */
#ifndef EIM_EVENTS_LINES_H
#define EIM_EVENTS_LINES_H

#include <eim/log.h>

#include "events/queue.h"

typedef struct eim_lines eim_lines;

enum { EIM_LINES_MAX = 1024, EIM_LINES_BYTES_MAX = 256 * 1024 };

/* Begins at once. wake: called on any thread when a line was put in; must not log and not wait.
 * NULL: out of memory. */
eim_lines *eim_lines_new(eim_queue *queue, eim_log_level level,
                         void (*fn)(void *user_data, const eim_log_record *record), void *user_data,
                         void (*wake)(void *wake_user), void *wake_user);
/* Ends it, and gives up the reference. wait: as eim_endpoint_shutdown(). NULL is allowed. */
void eim_lines_end(eim_lines *self, bool wait);

#endif
