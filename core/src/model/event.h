/* event.h - the payloads behind eim/event.h, and how to make them. All constructors copy their
 * strings, take over no reference, and return NULL only when out of memory. */
#ifndef EIM_MODEL_EVENT_H
#define EIM_MODEL_EVENT_H

#include <eim/event.h>

#include "base/buf.h"
#include "base/object.h"

/* Event kinds in the order of EIM_EVENTS: EIM_EVENT_state, EIM_EVENT_connected … */
typedef enum eim_event_kind {
#define X(name, type) EIM_EVENT_##name,
  EIM_EVENTS(X)
#undef X
      EIM_EVENT_COUNT
} eim_event_kind;

eim_state_change *eim_state_change_new(eim_state previous, eim_state state, const eim_error *cause,
                                       int attempt, int64_t next_retry_ms, bool will_retry,
                                       const char *user, const char *resource);
eim_token_event *eim_token_event_new(eim_token_reason reason, int64_t expires_at,
                                     int64_t remaining_ms, int64_t deadline_ms);
eim_receipt *eim_receipt_new(eim_receipt_kind kind, eim_chat_type chat_type, const char *message_id,
                             const char *local_id, const char *from, const char *to, int64_t time,
                             const char *json);
eim_notice *eim_notice_new(const char *name, const char *json);
eim_progress *eim_progress_new(uint64_t token, int64_t done, int64_t total);
/* What belongs to a result besides its JSON, before anybody else sees it. Both are taken over: a
 * buffer, and a list (eim_combine_free) of so many messages. */
void eim_result_take_bytes(eim_result *self, eim_buf *bytes);
void eim_result_take_messages(eim_result *self, eim_message **messages, size_t count);
eim_result *eim_result_new(uint64_t token, const eim_error *error, const char *message_id,
                           const char *local_id, int64_t time, const char *json);

#endif
