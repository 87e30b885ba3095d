/* request.h - the application's REST calls, for the rest of this room. */
#ifndef EIM_SESSION_REQUEST_H
#define EIM_SESSION_REQUEST_H

#include "session/session.h"

void eim_request_start(eim_session *self, const eim_input *input);
/* There may be a (new) token now: send what waited for one. */
void eim_request_wake(eim_session *self);
void eim_request_resolved(eim_session *self, bool found);
/* False: the answer is not for one of these. */
bool eim_request_http(eim_session *self, const eim_input *input);
/* A file moves: its deadline begins again. */
bool eim_request_progress(eim_session *self, const eim_input *input);
/* Its deadline from now on. False: none of these. */
bool eim_request_place(eim_session *self, uint32_t id, int64_t deadline);
/* When something is due; INT64_MAX: never. */
int64_t eim_request_next(const eim_session *self);
void eim_request_timeout(eim_session *self);
bool eim_request_cancel(eim_session *self, uint64_t token);
/* No other token will come: what waits for one ends with its refusal. */
void eim_request_no_token(eim_session *self);
void eim_request_fail(eim_session *self, const eim_error *cause);
void eim_request_free(eim_session *self);

#endif
