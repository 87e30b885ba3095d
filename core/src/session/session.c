/* session.c - inputs in, outputs out; the legal moves of the state. */
#include "session/session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "session/internal.h"
#include "session/request.h"

/* Times requestTimeout that a request may wait for a connection. */
#define WAIT_FACTOR 4
#define BIT(state) (1u << EIM_STATE_##state)

/* from -> set of to (docs/session.md) */
static const uint16_t legal[] = {
    [EIM_STATE_OFFLINE] = BIT(RESOLVING) | BIT(CLOSED),
    [EIM_STATE_RESOLVING] =
        BIT(AUTHENTICATING) | BIT(CONNECTING) | BIT(WAITING) | BIT(OFFLINE) | BIT(CLOSED),
    [EIM_STATE_AUTHENTICATING] = BIT(CONNECTING) | BIT(WAITING) | BIT(OFFLINE) | BIT(CLOSED),
    [EIM_STATE_CONNECTING] = BIT(PROVISIONING) | BIT(WAITING) | BIT(OFFLINE) | BIT(CLOSED),
    [EIM_STATE_PROVISIONING] =
        BIT(ONLINE) | BIT(RESOLVING) | BIT(WAITING) | BIT(OFFLINE) | BIT(CLOSED),
    [EIM_STATE_ONLINE] = BIT(WAITING) | BIT(OFFLINE) | BIT(CLOSED),
    [EIM_STATE_WAITING] = BIT(RESOLVING) | BIT(OFFLINE) | BIT(CLOSED),
    [EIM_STATE_CLOSED] = 0,
};

/* A wall clock that ran away from the monotonic one by more than this: the machine slept. */
#define SUSPEND_MS 5000

eim_session *eim_session_new(eim_settings *settings, const eim_session_io *io, uint64_t number,
                             uint64_t seed) {
  eim_session *self = calloc(1, sizeof *self);
  if (!self) return NULL;
  self->user = eim_strdup("");
  self->resource = eim_strdup("");
  self->device_id = eim_strdup("");
  if (!self->user || !self->resource || !self->device_id) {
    free(self->user);
    free(self->resource);
    free(self->device_id);
    free(self);
    return NULL;
  }
  self->settings = eim_object_ref(settings);
  self->io = *io;
  self->number = number;
  self->random.state = seed;
  self->outbox_tail = &self->outbox;
  self->receipts_tail = &self->receipts;
  eim_report_new(self);
  return self;
}

void eim_session_free(eim_session *self) {
  if (!self) return;
  memset(&self->io, 0, sizeof self->io); /* nothing may be told from here on */
  while (self->outbox) {
    eim_outgoing *next = self->outbox->next;
    eim_message_unref(self->outbox->message);
    eim_buf_free(&self->outbox->frame);
    free(self->outbox);
    self->outbox = next;
  }
  while (self->sides) {
    eim_side *side = self->sides;
    self->sides = side->next;
    free(side->user);
    free(side->nickname);
    eim_secret_unref(side->secret);
    free(side);
  }
  eim_request_free(self);
  eim_report_free(self);
  eim_compress_stop(self);
  eim_pull_free(self);
  eim_hosts_free(&self->hosts);
  eim_error_unref(self->discovery_error);
  eim_error_unref(self->last_cause);
  eim_secret_unref(self->password);
  eim_secret_unref(self->token);
  free(self->redirect_host);
  free(self->user);
  free(self->resource);
  free(self->device_id);
  free(self->login_ext);
  free(self->seen);
  eim_object_unref(self->settings);
  free(self);
}

eim_state eim_session_state(const eim_session *self) {
  return self->state;
}

bool eim_session_set_device(eim_session *self, const char *device_id) {
  char *copy = eim_strdup(device_id);
  if (!copy) return false;
  free(self->device_id);
  self->device_id = copy;
  return true;
}

uint32_t eim_session_next_id(eim_session *self) {
  if (!++self->last_id) ++self->last_id; /* 0 means none */
  return self->last_id;
}

int64_t eim_session_server_now(const eim_session *self) {
  return self->now.wall + self->server_offset;
}

void eim_session_arm(eim_session *self, eim_timer timer, int64_t at) {
  self->io.timer(self->io.user, timer, at < 0 ? 0 : at);
}

void eim_session_disarm(eim_session *self, eim_timer timer) {
  self->io.timer(self->io.user, timer, -1);
}

void eim_session_write(eim_session *self, const eim_buf *frame) {
  self->frames_up++;
  if (self->packer) {
    eim_compress_write(self, frame);
    return;
  }
  self->bytes_up += frame->length;
  self->io.send(self->io.user, self->conn, frame->data, frame->length);
}

void eim_session_arm_deadlines(eim_session *self) {
  int64_t at = INT64_MAX;
  if (self->outbox) at = self->outbox->deadline; /* all have the same timeout: the first is first */
  for (eim_side *side = self->sides; side; side = side->next)
    if (side->deadline < at) at = side->deadline;
  int64_t request_at = eim_request_next(self);
  if (request_at < at) at = request_at;
  if (self->discovery_http && self->discovery_deadline < at) at = self->discovery_deadline;
  if (at == INT64_MAX)
    eim_session_disarm(self, EIM_TIMER_SEND);
  else
    eim_session_arm(self, EIM_TIMER_SEND, at);
}

void eim_session_emit(eim_session *self, eim_event_kind kind, void *payload) {
  if (payload) self->io.emit(self->io.user, kind, payload, 0);
}

void eim_session_emit_change(eim_session *self, eim_event_kind kind, eim_state previous,
                             const eim_error *cause, int64_t next_retry, bool will_retry) {
  eim_session_emit(self, kind,
                   eim_state_change_new(previous, self->state, cause, self->attempt, next_retry,
                                        will_retry, self->user, self->resource));
}

void eim_session_transit(eim_session *self, eim_state to, const eim_error *cause,
                         int64_t next_retry, bool will_retry) {
  eim_state from = self->state;
  bool is_legal = (legal[from] & (1u << to)) != 0;
  assert(is_legal);
  if (!is_legal)
    SESSION_LOG(EIM_LOG_ERROR, self, "illegal move %s -> %s", eim_state_name(from),
                eim_state_name(to));
  eim_report_moved(self, to);
  if (cause)
    SESSION_LOG(EIM_LOG_INFO, self, "%s -> %s: %s (%d)", eim_state_name(from), eim_state_name(to),
                eim_error_message(cause), (int)eim_error_code(cause));
  else
    SESSION_LOG(EIM_LOG_INFO, self, "%s -> %s", eim_state_name(from), eim_state_name(to));
  self->state = to;
  eim_session_emit_change(self, EIM_EVENT_state, from, cause, next_retry, will_retry);
  eim_request_wake(self);
}

void eim_session_result(eim_session *self, uint64_t token, eim_error *error, const char *json) {
  if (token)
    eim_session_emit(self, EIM_EVENT_result, eim_result_new(token, error, "", "", 0, json));
  eim_error_unref(error);
}

eim_error *eim_session_unanswered(const eim_error *cause, bool written) {
  unsigned flags = written ? EIM_ERROR_MAYBE : 0;
  return eim_error_with_flags(cause, flags);
}

static void cancel(eim_session *self, uint64_t token) {
  if (!token) return;
  if (self->opening && self->open_token == token) {
    eim_login_end(self, NULL);
    return;
  }
  if (!eim_outbox_cancel(self, token) && !eim_side_cancel(self, token))
    eim_request_cancel(self, token);
}

static void close_session(eim_session *self, uint64_t token) {
  eim_error *canceled =
      eim_error_new(EIM_E_CANCELED, EIM_DOMAIN_LOCAL, EIM_E_CANCELED, 0, "close() was called");
  eim_side_fail(self, canceled, false);
  eim_error_unref(canceled);
  if (self->state != EIM_STATE_OFFLINE) eim_login_end(self, NULL);
  eim_session_result(self, token, NULL, "{}");
}

static void shut_down(eim_session *self) {
  eim_error *closed = eim_error_new(EIM_E_CLOSED, EIM_DOMAIN_LOCAL, EIM_E_CLOSED, EIM_ERROR_FINAL,
                                    "the client was shut down");
  eim_report_stop(self);
  eim_discovery_stop(self);
  eim_side_fail(self, closed, false);
  if (self->state != EIM_STATE_OFFLINE) eim_login_end(self, (eim_error *)eim_error_ref(closed));
  eim_session_transit(self, EIM_STATE_CLOSED, closed, 0, false);
  for (int timer = 0; timer < EIM_TIMER_COUNT; timer++) eim_session_disarm(self, (eim_timer)timer);
  eim_error_unref(closed);
}

static void timer_fired(eim_session *self, eim_timer timer) {
  switch (timer) {
  case EIM_TIMER_LOGIN: eim_login_timeout(self); break;
  case EIM_TIMER_PHASE: eim_login_phase_timeout(self); break;
  case EIM_TIMER_RETRY: eim_login_retry(self); break;
  case EIM_TIMER_HEARTBEAT: eim_live_heartbeat(self); break;
  case EIM_TIMER_HOLD:
    if (self->state == EIM_STATE_ONLINE) self->attempt = 0;
    break;
  case EIM_TIMER_TOKEN: eim_token_timer(self); break;
  case EIM_TIMER_SEND:
    eim_discovery_timeout(self);
    eim_side_timeout(self);
    eim_outbox_timeout(self);
    eim_request_timeout(self);
    eim_session_arm_deadlines(self);
    break;
  case EIM_TIMER_REPORT: eim_report_timer(self); break;
  case EIM_TIMER_COUNT: break;
  }
}

static void http_answer(eim_session *self, const eim_input *input) {
  if (input->id == self->discovery_http)
    eim_discovery_answer(self, input);
  else if (input->id == self->phase_http)
    eim_login_http(self, input);
  else if (!eim_report_http(self, input))
    if (!eim_side_http(self, input)) eim_request_http(self, input);
}

/* The transport has only so many connections: requestTimeout runs from when a request has one, and
 * how long it may wait for it has a bound of its own. */
static void http_place(eim_session *self, const eim_input *input) {
  int timeout = self->settings->request_timeout;
  int64_t deadline = self->now.mono + (input->up ? timeout : (int64_t)timeout * WAIT_FACTOR);
  if (input->id == self->discovery_http)
    self->discovery_deadline = deadline;
  else if (input->id == self->phase_http)
    eim_login_place(self, deadline);
  else if (!eim_side_place(self, input->id, deadline))
    eim_request_place(self, input->id, deadline);
  eim_session_arm_deadlines(self);
}

/* True: the wall clock jumped against the monotonic one, because the machine slept or the clock was
 * set. Which of the two cannot be told from here, so what was known of the server's clock is in
 * doubt. */
static bool clock_jumped(eim_session *self) {
  int64_t difference = self->now.wall - self->now.mono;
  int64_t jump = difference - self->wall_minus_mono;
  self->wall_minus_mono = difference;
  bool known = self->clock_known;
  self->clock_known = true;
  if (!known || (jump > -SUSPEND_MS && jump < SUSPEND_MS)) return false;
  SESSION_LOG(EIM_LOG_INFO, self, "the wall clock jumped by %lld ms", (long long)jump);
  self->server_offset_known = false;
  return true;
}

void eim_session_step(eim_session *self, const eim_input *input, eim_now now) {
  if (self->state == EIM_STATE_CLOSED) {
    /* Every request ends, also one that was posted behind the shutdown. */
    if (input->kind <= EIM_IN_ACT || input->kind == EIM_IN_HEALTH)
      eim_session_result(self, input->token,
                         eim_error_new(EIM_E_CLOSED, EIM_DOMAIN_LOCAL, EIM_E_CLOSED,
                                       EIM_ERROR_FINAL, "the client was shut down"),
                         "{}");
    return;
  }
  self->now = now;
  bool jumped = clock_jumped(self);
  switch (input->kind) {
  case EIM_IN_OPEN: eim_login_open(self, input); break;
  case EIM_IN_CLOSE: close_session(self, input->token); break;
  case EIM_IN_REGISTER: eim_side_start(self, input, EIM_SIDE_REGISTER); break;
  case EIM_IN_RENEW: eim_side_start(self, input, EIM_SIDE_RENEW); break;
  case EIM_IN_UPLOAD:
  case EIM_IN_DOWNLOAD:
  case EIM_IN_REQUEST: eim_request_start(self, input); break;
  case EIM_IN_SEND: eim_outbox_send(self, input->message, input->token); break;
  case EIM_IN_ACT: eim_outbox_act(self, &input->action, input->token); break;
  case EIM_IN_CANCEL: cancel(self, input->token); break;
  case EIM_IN_LOGIN_EXT:
    free(self->login_ext);
    self->login_ext = eim_strdup(input->text);
    break;
  case EIM_IN_NETWORK: eim_login_network(self, input->up); break;
  case EIM_IN_PROVIDER: self->has_provider = input->up; break;
  case EIM_IN_NO_TOKEN: eim_login_no_token(self, input->text); break;
  case EIM_IN_DONE: eim_pull_done(self, input->seq); break;
  case EIM_IN_MESSAGE_DONE: eim_pull_message_done(self, input->seq); break;
  case EIM_IN_HEALTH: {
    eim_buf json = EIM_BUF_INIT;
    eim_session_health(self, &json);
    eim_session_result(self, input->token, NULL, json.failed ? "{}" : (const char *)json.data);
    eim_buf_free(&json);
    break;
  }
  case EIM_IN_SHUTDOWN: shut_down(self); break;
  case EIM_IN_OPENED:
    if (input->conn == self->conn) eim_login_opened(self);
    break;
  case EIM_IN_FRAME:
    if (input->conn == self->conn) eim_live_frame(self, input->bytes, input->length);
    break;
  case EIM_IN_TEXT:
    if (input->conn == self->conn)
      eim_verdict_text_close(input->bytes, input->length, &self->text_code);
    break;
  case EIM_IN_LOST:
    if (input->conn == self->conn) {
      self->conn = 0;
      eim_outbox_lost(self, input->error);
      eim_login_failed(self, (eim_error *)eim_error_ref(input->error));
    }
    break;
  case EIM_IN_PROGRESS: eim_request_progress(self, input); break;
  case EIM_IN_PLACE: http_place(self, input); break;
  case EIM_IN_HTTP: http_answer(self, input); break;
  case EIM_IN_TIMER: timer_fired(self, input->timer); break;
  }
  /* The line may have died in the sleep; the answer also tells the server's time again. */
  if (jumped && self->state == EIM_STATE_ONLINE) eim_live_probe(self);
}
