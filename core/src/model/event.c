/* event.c - the payloads of events: one block each, strings behind the struct. */
#include "model/event.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "model/combine.h"

struct eim_state_change {
  eim_object base;
  eim_state previous, state;
  const eim_error *cause;
  int attempt;
  bool will_retry;
  int64_t next_retry_ms;
  const char *user, *resource;
};

struct eim_token_event {
  eim_object base;
  eim_token_reason reason;
  int64_t expires_at, remaining_ms, deadline_ms;
};

struct eim_receipt {
  eim_object base;
  eim_receipt_kind kind;
  eim_chat_type chat_type;
  int64_t time;
  const char *message_id, *local_id, *from, *to, *json;
};

struct eim_notice {
  eim_object base;
  const char *name, *json;
};

struct eim_progress {
  eim_object base;
  uint64_t token;
  int64_t done, total;
};

struct eim_result {
  eim_object base;
  uint64_t token;
  const eim_error *error;
  int64_t time;
  const char *message_id, *local_id, *json;
  eim_buf bytes; /* of a file */
  eim_message **messages;
  size_t message_count;
};

static void destroy_plain(void *self) {
  free(self);
}

static void destroy_state_change(void *self) {
  eim_error_unref(((eim_state_change *)self)->cause);
  free(self);
}

static void destroy_result(void *self) {
  eim_result *result = self;
  eim_error_unref(result->error);
  eim_buf_free(&result->bytes);
  eim_combine_free(result->messages, result->message_count);
  free(result);
}

/* A zeroed block of `size` bytes with copies of `count` texts behind it; offsets: where in the
 * block the pointer to each belongs. A NULL text reads as "". */
static void *make_block(size_t size, void (*destroy)(void *), size_t count, const size_t *offsets,
                        const char *const *texts) {
  size_t total = size;
  for (size_t i = 0; i < count; i++) total += texts[i] ? strlen(texts[i]) + 1 : 0;
  char *block = malloc(total), *next = block + size;
  if (!block) return NULL;
  memset(block, 0, size);
  eim_object_init((eim_object *)block, destroy);
  for (size_t i = 0; i < count; i++) {
    const char **place = (const char **)(void *)(block + offsets[i]);
    if (!texts[i]) {
      *place = "";
      continue;
    }
    size_t length = strlen(texts[i]) + 1;
    *place = memcpy(next, texts[i], length);
    next += length;
  }
  return block;
}

/* ------------------------------------------------------------------ state */

const char *eim_state_name(eim_state state) {
  static const char *const names[] = {"OFFLINE",      "RESOLVING", "AUTHENTICATING", "CONNECTING",
                                      "PROVISIONING", "ONLINE",    "WAITING",        "CLOSED"};
  return (unsigned)state < sizeof names / sizeof *names ? names[state] : "UNKNOWN";
}

eim_state_change *eim_state_change_new(eim_state previous, eim_state state, const eim_error *cause,
                                       int attempt, int64_t next_retry_ms, bool will_retry,
                                       const char *user, const char *resource) {
  static const size_t offsets[] = {offsetof(eim_state_change, user),
                                   offsetof(eim_state_change, resource)};
  const char *texts[] = {user, resource};
  eim_state_change *self = make_block(sizeof *self, destroy_state_change, 2, offsets, texts);
  if (!self) return NULL;
  self->previous = previous;
  self->state = state;
  self->cause = eim_error_ref(cause);
  self->attempt = attempt;
  self->next_retry_ms = next_retry_ms;
  self->will_retry = will_retry;
  return self;
}

eim_state_change *eim_state_change_ref(const eim_state_change *self) {
  return eim_object_ref(self);
}
void eim_state_change_unref(const eim_state_change *self) {
  eim_object_unref(self);
}
eim_state eim_state_change_state(const eim_state_change *self) {
  return self ? self->state : EIM_STATE_OFFLINE;
}
eim_state eim_state_change_previous(const eim_state_change *self) {
  return self ? self->previous : EIM_STATE_OFFLINE;
}
const eim_error *eim_state_change_cause(const eim_state_change *self) {
  return self ? self->cause : NULL;
}
int eim_state_change_attempt(const eim_state_change *self) {
  return self ? self->attempt : 0;
}
int64_t eim_state_change_next_retry_ms(const eim_state_change *self) {
  return self ? self->next_retry_ms : 0;
}
bool eim_state_change_will_retry(const eim_state_change *self) {
  return self && self->will_retry;
}
const char *eim_state_change_user(const eim_state_change *self) {
  return self ? self->user : "";
}
const char *eim_state_change_resource(const eim_state_change *self) {
  return self ? self->resource : "";
}

/* ------------------------------------------------------------------ token */

eim_token_event *eim_token_event_new(eim_token_reason reason, int64_t expires_at,
                                     int64_t remaining_ms, int64_t deadline_ms) {
  eim_token_event *self = make_block(sizeof *self, destroy_plain, 0, NULL, NULL);
  if (!self) return NULL;
  self->reason = reason;
  self->expires_at = expires_at;
  self->remaining_ms = remaining_ms;
  self->deadline_ms = deadline_ms;
  return self;
}

eim_token_event *eim_token_event_ref(const eim_token_event *self) {
  return eim_object_ref(self);
}
void eim_token_event_unref(const eim_token_event *self) {
  eim_object_unref(self);
}
eim_token_reason eim_token_event_reason(const eim_token_event *self) {
  return self ? self->reason : (eim_token_reason)0;
}
int64_t eim_token_event_expires_at(const eim_token_event *self) {
  return self ? self->expires_at : 0;
}
int64_t eim_token_event_remaining_ms(const eim_token_event *self) {
  return self ? self->remaining_ms : 0;
}
int64_t eim_token_event_deadline_ms(const eim_token_event *self) {
  return self ? self->deadline_ms : 0;
}

/* ------------------------------------------------------------------ receipt */

eim_receipt *eim_receipt_new(eim_receipt_kind kind, eim_chat_type chat_type, const char *message_id,
                             const char *local_id, const char *from, const char *to, int64_t time,
                             const char *json) {
  static const size_t offsets[] = {offsetof(eim_receipt, message_id),
                                   offsetof(eim_receipt, local_id), offsetof(eim_receipt, from),
                                   offsetof(eim_receipt, to), offsetof(eim_receipt, json)};
  const char *texts[] = {message_id, local_id, from, to, json ? json : "{}"};
  eim_receipt *self = make_block(sizeof *self, destroy_plain, 5, offsets, texts);
  if (!self) return NULL;
  self->kind = kind;
  self->chat_type = chat_type;
  self->time = time;
  return self;
}

eim_receipt *eim_receipt_ref(const eim_receipt *self) {
  return eim_object_ref(self);
}
void eim_receipt_unref(const eim_receipt *self) {
  eim_object_unref(self);
}
eim_receipt_kind eim_receipt_get_kind(const eim_receipt *self) {
  return self ? self->kind : (eim_receipt_kind)0;
}
const char *eim_receipt_message_id(const eim_receipt *self) {
  return self ? self->message_id : "";
}
const char *eim_receipt_local_id(const eim_receipt *self) {
  return self ? self->local_id : "";
}
const char *eim_receipt_from(const eim_receipt *self) {
  return self ? self->from : "";
}
const char *eim_receipt_to(const eim_receipt *self) {
  return self ? self->to : "";
}
eim_chat_type eim_receipt_get_chat_type(const eim_receipt *self) {
  return self ? self->chat_type : EIM_CHAT_SINGLE;
}
int64_t eim_receipt_time(const eim_receipt *self) {
  return self ? self->time : 0;
}

const char *eim_receipt_json(const eim_receipt *self) {
  return self ? self->json : "{}";
}

/* ------------------------------------------------------------------ notice */

eim_notice *eim_notice_new(const char *name, const char *json) {
  static const size_t offsets[] = {offsetof(eim_notice, name), offsetof(eim_notice, json)};
  const char *texts[] = {name, json ? json : "{}"};
  return make_block(sizeof(eim_notice), destroy_plain, 2, offsets, texts);
}

eim_notice *eim_notice_ref(const eim_notice *self) {
  return eim_object_ref(self);
}
void eim_notice_unref(const eim_notice *self) {
  eim_object_unref(self);
}
const char *eim_notice_name(const eim_notice *self) {
  return self ? self->name : "";
}
const char *eim_notice_json(const eim_notice *self) {
  return self ? self->json : "{}";
}

/* ------------------------------------------------------------------ progress */

eim_progress *eim_progress_new(uint64_t token, int64_t done, int64_t total) {
  eim_progress *self = make_block(sizeof *self, destroy_plain, 0, NULL, NULL);
  if (!self) return NULL;
  self->token = token;
  self->done = done;
  self->total = total;
  return self;
}

eim_progress *eim_progress_ref(const eim_progress *self) {
  return eim_object_ref(self);
}
void eim_progress_unref(const eim_progress *self) {
  eim_object_unref(self);
}
uint64_t eim_progress_token(const eim_progress *self) {
  return self ? self->token : 0;
}
int64_t eim_progress_done(const eim_progress *self) {
  return self ? self->done : 0;
}
int64_t eim_progress_total(const eim_progress *self) {
  return self ? self->total : -1;
}

/* ------------------------------------------------------------------ result */

eim_result *eim_result_new(uint64_t token, const eim_error *error, const char *message_id,
                           const char *local_id, int64_t time, const char *json) {
  static const size_t offsets[] = {offsetof(eim_result, message_id), offsetof(eim_result, local_id),
                                   offsetof(eim_result, json)};
  const char *texts[] = {message_id, local_id, json ? json : "{}"};
  eim_result *self = make_block(sizeof *self, destroy_result, 3, offsets, texts);
  if (!self) return NULL;
  self->token = token;
  self->error = eim_error_ref(error);
  self->time = time;
  return self;
}

eim_result *eim_result_ref(const eim_result *self) {
  return eim_object_ref(self);
}
void eim_result_unref(const eim_result *self) {
  eim_object_unref(self);
}
uint64_t eim_result_token(const eim_result *self) {
  return self ? self->token : 0;
}
const eim_error *eim_result_error(const eim_result *self) {
  return self ? self->error : NULL;
}
const char *eim_result_message_id(const eim_result *self) {
  return self ? self->message_id : "";
}
const char *eim_result_local_id(const eim_result *self) {
  return self ? self->local_id : "";
}
int64_t eim_result_time(const eim_result *self) {
  return self ? self->time : 0;
}
const char *eim_result_json(const eim_result *self) {
  return self ? self->json : "{}";
}
void eim_result_take_bytes(eim_result *self, eim_buf *bytes) {
  eim_buf_free(&self->bytes);
  self->bytes = *bytes;
  *bytes = (eim_buf)EIM_BUF_INIT;
}
void eim_result_take_messages(eim_result *self, eim_message **messages, size_t count) {
  self->messages = messages;
  self->message_count = count;
}
const void *eim_result_bytes(const eim_result *self, size_t *length) {
  static const char nothing[1] = "";
  bool has = self && self->bytes.data;
  if (length) *length = has ? self->bytes.length : 0;
  return has ? (const void *)self->bytes.data : nothing;
}
size_t eim_result_message_count(const eim_result *self) {
  return self ? self->message_count : 0;
}
const eim_message *eim_result_message(const eim_result *self, size_t index) {
  return self && index < self->message_count ? self->messages[index] : NULL;
}
