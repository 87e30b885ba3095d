/* outbox.c - messages on their way up (docs/protocol.md 11): in order, kept over reconnects under
 * the same id so that the server can drop the double, each with exactly one result. */
#include <inttypes.h>
#include <stdlib.h>

#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "model/message.h"
#include "session/internal.h"

#define TOO_LARGE 1009 /* RFC 6455 7.4.1 */

/* 2010-02-01, the zero of the real SDK's ids (docs/protocol.md 11), here in UTC. */
#define ID_EPOCH_MS 1264982400000

uint64_t eim_outbox_new_id(eim_session *self) {
  /* Milliseconds, then 22 random bits: two devices of a user, or a clock that was set back, cannot
   * collide as they can with the real SDK's ms + counter. */
  int64_t ms = self->now.wall > ID_EPOCH_MS ? self->now.wall - ID_EPOCH_MS : 0;
  uint64_t id = ((uint64_t)ms << 22) | (eim_random_next(&self->random) & 0x3fffff);
  if (id <= self->last_local_id) id = self->last_local_id + 1;
  return self->last_local_id = id;
}

static void write_out(eim_session *self, eim_outgoing *out) {
  if (!out->message) {
    out->written = true;
    eim_session_write(self, &out->frame);
    return;
  }
  eim_buf frame = EIM_BUF_INIT;
  if (eim_frame_message(&frame, self->settings->app_key, self->user, out->local_id, out->message)) {
    out->written = true;
    eim_session_write(self, &frame);
  }
  eim_buf_free(&frame);
}

static void drop(eim_outgoing *out) {
  eim_message_unref(out->message);
  eim_buf_free(&out->frame);
  free(out);
}

/* NULL: it was refused, and its result is out. */
static eim_outgoing *new_outgoing(eim_session *self, uint64_t token) {
  eim_error *error = NULL;
  if (self->state == EIM_STATE_OFFLINE)
    error =
        eim_error_new(EIM_CODE_USER_NOT_LOGIN, EIM_DOMAIN_LOCAL, EIM_E_STATE, 0, "not logged in");
  else if (self->outbox_count >= self->settings->max_pending_sends)
    error = eim_error_new(EIM_E_FULL, EIM_DOMAIN_LOCAL, EIM_E_FULL, EIM_ERROR_RETRIABLE,
                          "%d messages are waiting for the server already", self->outbox_count);
  eim_outgoing *out = error ? NULL : calloc(1, sizeof *out);
  if (!error && !out)
    error = eim_error_new(EIM_E_NOMEM, EIM_DOMAIN_LOCAL, EIM_E_NOMEM, 0, "out of memory");
  if (error) {
    eim_session_result(self, token, error, "{}");
    return NULL;
  }
  out->token = token;
  out->local_id = eim_outbox_new_id(self);
  out->deadline = self->now.mono + self->settings->send_timeout;
  return out;
}

static void append(eim_session *self, eim_outgoing *out) {
  *self->outbox_tail = out;
  self->outbox_tail = &out->next;
  self->outbox_count++;
  if (self->state == EIM_STATE_ONLINE) write_out(self, out);
  if (self->outbox == out) eim_session_arm_deadlines(self);
}

void eim_outbox_send(eim_session *self, const eim_message *message, uint64_t token) {
  eim_outgoing *out = new_outgoing(self, token);
  if (!out) return;
  out->message = eim_message_ref(message);
  append(self, out);
}

void eim_outbox_act(eim_session *self, const eim_action *action, uint64_t token) {
  eim_outgoing *out = new_outgoing(self, token);
  if (!out) return;
  out->action = action->kind;
  if (eim_frame_action(&out->frame, self->settings->app_key, self->user, out->local_id, action)) {
    append(self, out);
    return;
  }
  drop(out);
  eim_session_result(self, token,
                     eim_error_new(EIM_E_NOMEM, EIM_DOMAIN_LOCAL, EIM_E_NOMEM, 0, "out of memory"),
                     "{}");
}

void eim_outbox_flush(eim_session *self) {
  for (eim_outgoing *out = self->outbox; out; out = out->next) write_out(self, out);
}

/* Takes out of the list the entry that *at points to. */
static eim_outgoing *take(eim_session *self, eim_outgoing **at) {
  eim_outgoing *out = *at;
  *at = out->next;
  if (!*at && self->outbox_tail == &out->next) self->outbox_tail = at;
  self->outbox_count--;
  return out;
}

/* Consumes out and error. */
static void finish(eim_session *self, eim_outgoing *out, eim_error *error, uint64_t server_id,
                   int64_t time, const char *json) {
  char local[21], server[21] = "";
  eim_u64_text(out->local_id, local);
  if (server_id) eim_u64_text(server_id, server);
  if (out->token)
    eim_session_emit(self, EIM_EVENT_result,
                     eim_result_new(out->token, error, server, local, time, json));
  eim_error_unref(error);
  drop(out);
}

/* What came with an answer: a room says how it is, an edit what it became, and moderation what it
 * made of a text (docs/protocol.md 11, 14). */
static void answer_json(eim_frame *frame, eim_buf *json) {
  for (size_t i = 0; i < frame->item_count; i++) {
    const eim_item *item = &frame->items[i];
    if (item->kind != EIM_ITEM_NOTICE && item->kind != EIM_ITEM_MESSAGE) continue;
    const char *value = item->kind == EIM_ITEM_NOTICE ? eim_notice_json(item->notice)
                                                      : eim_message_to_json(item->message);
    if (!value) continue;
    eim_buf_printf(json, "{\"%s\":", item->kind == EIM_ITEM_NOTICE ? "notice" : "message");
    eim_buf_str(json, value);
    eim_buf_str(json, "}");
    return;
  }
}

void eim_outbox_answer(eim_session *self, eim_frame *frame) {
  eim_outgoing **at = &self->outbox;
  while (*at && (*at)->local_id != frame->meta_id) at = &(*at)->next;
  if (!*at) return; /* a receipt's answer, or one that came after its deadline */
  eim_outgoing *out = take(self, at);
  eim_error *error = NULL;
  eim_buf json = EIM_BUF_INIT;
  if (frame->status.code == -1)
    error = eim_error_new(EIM_E_PROTOCOL, EIM_DOMAIN_LOCAL, EIM_E_PROTOCOL, EIM_ERROR_MAYBE,
                          "answer to a message without a status");
  else if (frame->status.code != 0)
    error = eim_verdict_send(&frame->status);
  if (!error && out->message) {
    char local[21], server[21];
    eim_session_emit(self, EIM_EVENT_receipt,
                     eim_receipt_new(EIM_RECEIPT_SENT, eim_message_get_chat_type(out->message),
                                     eim_u64_text(frame->server_id, server),
                                     eim_u64_text(out->local_id, local), self->user,
                                     eim_message_to(out->message), frame->timestamp, NULL));
  }
  if (!error && out->token) answer_json(frame, &json);
  finish(self, out, error, error ? 0 : frame->server_id, frame->timestamp,
         json.length && !json.failed ? (const char *)json.data : "{}");
  eim_buf_free(&json);
  eim_session_arm_deadlines(self);
}

void eim_outbox_timeout(eim_session *self) {
  while (self->outbox && self->outbox->deadline <= self->now.mono) {
    eim_outgoing *out = take(self, &self->outbox);
    finish(self, out,
           eim_error_new(EIM_CODE_SERVER_TIMEOUT, EIM_DOMAIN_LOCAL, EIM_E_TIMEOUT,
                         EIM_ERROR_RETRIABLE | (out->written ? EIM_ERROR_MAYBE : 0),
                         out->written ? "the server did not answer the message within %d ms"
                                      : "the message could not be sent within %d ms",
                         self->settings->send_timeout),
           0, 0, "{}");
  }
}

static size_t size_of(const eim_outgoing *out) {
  return out->message ? strlen(out->message->body) + strlen(out->message->ext) : out->frame.length;
}

/* A peer that ends the line because of a message that is too large would end the next one, too: the
 * largest it may have meant is not sent again. */
void eim_outbox_lost(eim_session *self, const eim_error *why) {
  eim_json detail;
  int64_t code;
  const char *text = eim_error_detail(why);
  if (!eim_json_parse(&detail, text, strlen(text)) ||
      !eim_json_i64(eim_json_get(detail, "closeCode"), &code) || code != TOO_LARGE)
    return;
  eim_outgoing **largest = NULL;
  for (eim_outgoing **at = &self->outbox; *at; at = &(*at)->next)
    if ((*at)->written && (!largest || size_of(*at) > size_of(*largest))) largest = at;
  if (!largest) return;
  eim_outgoing *out = take(self, largest);
  finish(self, out,
         eim_error_new_detail(EIM_CODE_MESSAGE_SIZE_LIMIT, EIM_DOMAIN_SERVER, TOO_LARGE, 0, text,
                              "the server ended the connection over a message that is too large"),
         0, 0, "{}");
  eim_session_arm_deadlines(self);
}

bool eim_outbox_cancel(eim_session *self, uint64_t token) {
  eim_outgoing **at = &self->outbox;
  while (*at && (*at)->token != token) at = &(*at)->next;
  if (!*at) return false;
  eim_outgoing *out = take(self, at);
  finish(self, out,
         eim_error_new(EIM_E_CANCELED, EIM_DOMAIN_LOCAL, EIM_E_CANCELED,
                       out->written ? EIM_ERROR_MAYBE : 0, "canceled"),
         0, 0, "{}");
  eim_session_arm_deadlines(self);
  return true;
}

void eim_outbox_fail(eim_session *self, const eim_error *cause) {
  while (self->outbox) {
    eim_outgoing *out = take(self, &self->outbox);
    finish(self, out, eim_session_unanswered(cause, out->written), 0, 0, "{}");
  }
}
