/* spool.h - the lines of one client that wait for being uploaded. Bounded: the oldest go first, and
 * are counted. Lines come in on any thread; everything else is for one thread, the client's loop.
 */
#ifndef EIM_LOG_SPOOL_H
#define EIM_LOG_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <eim/log.h>

typedef struct eim_log_spool eim_log_spool;

/* From now on keep the lines of this client at level and above, whatever eim_log_set_level() says.
 * Lines without a client are nobody's. NULL: out of memory. */
eim_log_spool *eim_log_spool_new(uint64_t client, eim_log_level level, size_t max_bytes);
void eim_log_spool_free(eim_log_spool *self); /* NULL is allowed */

/* The oldest lines, as many whole ones as make a JSON string of at most max_json bytes (one at
 * least), for sending. A first line tells how many were lost before them. NUL-terminated, to be
 * freed; NULL: nothing there, or out of memory. Ends by _sent() or _failed(). */
char *eim_log_spool_begin(eim_log_spool *self, size_t max_json);
/* They are on the server: forget them, and that some were pushed out meanwhile. The bytes that
 * became free. */
size_t eim_log_spool_sent(eim_log_spool *self);
/* They are not: they stay first in line. */
void eim_log_spool_failed(eim_log_spool *self);
/* Forget everything, counted as lost. */
void eim_log_spool_discard(eim_log_spool *self);

size_t eim_log_spool_bytes(eim_log_spool *self);
uint64_t eim_log_spool_lost(eim_log_spool *self); /* lines, in all */

/* What this thread logs in between is not for spools: an upload does not feed itself. */
void eim_log_spool_mute(bool on);

#endif
