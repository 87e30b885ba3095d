/* report.h - the upload of the client's own log lines (docs/logging.md, docs/protocol.md 19).
 * Everything is fine with self->report being NULL: enableReportLogs is off. */
#ifndef EIM_SESSION_REPORT_H
#define EIM_SESSION_REPORT_H

#include "session/session.h"

/* With the session; without memory there is no upload. */
void eim_report_new(eim_session *self);
void eim_report_free(eim_session *self);
/* The state is about to become `to`. */
void eim_report_moved(eim_session *self, eim_state to);
/* The session ends while its token is still known: a last upload. */
void eim_report_leave(eim_session *self);
/* Nothing more goes out. */
void eim_report_stop(eim_session *self);
/* What a host list says. */
void eim_report_switch(eim_session *self, bool on, int64_t interval_ms);
/* False: not an answer for this. */
bool eim_report_http(eim_session *self, const eim_input *input);
void eim_report_timer(eim_session *self);
/* A JSON object, or null. */
void eim_report_health(const eim_session *self, eim_buf *out);

#endif
