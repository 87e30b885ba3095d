/* verdict.h - the one table of server statuses and reason strings -> errors (docs/protocol.md 6,
 * 11, 15). Pure. Results are owned by the caller. */
#ifndef EIM_WIRE_VERDICT_H
#define EIM_WIRE_VERDICT_H

#include "model/error.h"
#include "wire/frame.h"

/* Refused Provision. Never for code OK or REDIRECT. Final for every verdict; NO_ROUTE is retriable.
 */
eim_error *eim_verdict_provision(const eim_status_down *status);
/* Refused uplink (message, receipt, room join). */
eim_error *eim_verdict_send(const eim_status_down *status);
/* StatisticsBody operation 1..4 -> 207, 206 (with loginInfoCustomExt), 216, 217; NULL: no kick. */
eim_error *eim_verdict_kick(int operation, const char *reason);
/* Text frame [401,"normal closed"]: true when it is one; *code is the number. */
bool eim_verdict_text_close(const char *text, size_t length, int *code);

#endif
