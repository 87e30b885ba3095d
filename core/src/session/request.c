/* request.c - REST calls of the application (eim_client_request): which host, with which token, and
 * what may be repeated. A call that changes something is sent again only when it surely did not
 * arrive; a GET whenever that may help (docs/protocol.md 22, 24). */
#include "session/request.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "model/build.h"
#include "session/backoff.h"
#include "session/internal.h"
#include "session/transfer.h"

#define ANSWER_MAX (4 * 1024 * 1024)
#define BACKOFF_MS 1000
#define BACKOFF_MAX_MS 8000

typedef struct eim_call {
  struct eim_call *next;
  uint64_t token;
  eim_http_method method;
  char *path;             /* with its query; NULL for a transfer */
  eim_secret *body;       /* NULL: none. What it holds is the application's: treated as a secret */
  bool is_form;           /* the body is, instead of JSON */
  eim_transfer *transfer; /* NULL: a plain call */
  const eim_message *message; /* sent when its file is up; NULL: an upload for its own sake */
  eim_secret *used;           /* token of the last attempt */
  uint32_t http;              /* 0: none under way */
  bool token_awaited;         /* the provider was asked because of this call */
  bool renewed;               /* the second token was refused as well: no third */
  bool may_have;              /* an attempt may have reached the server */
  size_t hosts_tried;         /* since the last back-off */
  int waits;                  /* back-offs so far */
  int64_t retry_at;           /* mono; 0: not in back-off */
  int64_t deadline;           /* mono */
  eim_error *last;            /* of the last attempt */
} eim_call;

/* ------------------------------------------------------------------ life of a call */

static void drop(eim_call *call) {
  free(call->path);
  eim_transfer_free(call->transfer);
  eim_message_unref(call->message);
  eim_secret_unref(call->body);
  eim_secret_unref(call->used);
  eim_error_unref(call->last);
  free(call);
}

/* May it be sent again although it may have arrived? Until then nothing was done. */
static bool is_repeatable(const eim_call *call) {
  return call->transfer ? eim_transfer_is_repeatable(call->transfer) : call->method == EIM_HTTP_GET;
}

/* Takes it out of the list and ends it. Consumes error. */
static void finish(eim_session *self, eim_call *call, eim_error *error, const char *json) {
  eim_call **at = &self->calls;
  while (*at != call) at = &(*at)->next;
  *at = call->next;
  self->call_count--;
  if (error && call->transfer && !eim_error_may_have_happened(error))
    eim_parts_abort(self, call->transfer, call->used);
  eim_message *message = NULL;
  if (call->message && !error && !(message = eim_message_uploaded(call->message, json)))
    error = eim_error_new(EIM_E_NOMEM, EIM_DOMAIN_LOCAL, EIM_E_NOMEM, 0, "out of memory");
  if (call->message && error) { /* the file may be there, the message is surely not */
    eim_error *plain = eim_error_without_flags(error, EIM_ERROR_MAYBE);
    eim_error_unref(error);
    error = plain;
  }
  if (message)
    eim_outbox_send(self, message, call->token); /* its result is the one that counts */
  else if (call->transfer && !error && call->token)
    eim_session_emit(self, EIM_EVENT_result,
                     eim_transfer_result(call->transfer, call->token, json));
  else
    eim_session_result(self, call->token, error, json);
  eim_message_unref(message);
  drop(call);
  eim_session_arm_deadlines(self);
}

static void send_out(eim_session *self, eim_call *call) {
  eim_buf url = EIM_BUF_INIT, path = EIM_BUF_INIT;
  const char *ip;
  if (call->transfer)
    eim_transfer_path(call->transfer, &path);
  else
    eim_buf_str(&path, call->path);
  eim_discovery_rest(self, path.failed ? "" : (const char *)path.data, &url, &ip);
  eim_buf_free(&path);
  eim_secret_unref(call->used);
  call->used = eim_secret_ref(self->token);
  call->http = eim_session_next_id(self);
  call->hosts_tried++;
  call->retry_at = 0;
  eim_http_request request = {.id = call->http,
                              .method = call->method,
                              .ip = ip,
                              .once = !is_repeatable(call),
                              .bearer = call->used,
                              .max_answer = ANSWER_MAX};
  if (call->body) {
    request.content_type = call->is_form ? "application/x-www-form-urlencoded" : "application/json";
    request.body = eim_secret_text(call->body);
    request.body_length = strlen(eim_secret_text(call->body));
  }
  eim_http_file file = {0};
  if (call->transfer) eim_transfer_request(self, call->transfer, &request, &file, &url);
  request.url = url.failed ? "" : (const char *)url.data;
  self->io.http(self->io.user, &request);
  eim_buf_free(&url);
}

/* Sent as soon as there are hosts and a token; true: it is over, and its result is out. */
static bool try_now(eim_session *self, eim_call *call) {
  if (call->http || call->retry_at || !self->token) return false;
  if (call->token_awaited && self->token == call->used) return false;
  call->token_awaited = false;
  switch (eim_discovery_need(self, false)) {
  case EIM_FOUND: send_out(self, call); return false;
  case EIM_FINDING: return false;
  case EIM_NOT_FOUND: break;
  }
  finish(self, call, eim_error_with_flags(self->discovery_error, 0), "{}");
  return true;
}

/* NULL: no memory. */
static eim_secret *form_of(const eim_secret *json) {
  eim_buf form = EIM_BUF_INIT;
  bool good = eim_request_form(eim_secret_text(json), &form) && !form.failed;
  eim_secret *secret = good ? eim_secret_new(form.length ? (const char *)form.data : "") : NULL;
  eim_buf_wipe(&form);
  return secret;
}

void eim_request_start(eim_session *self, const eim_input *input) {
  eim_error *error = NULL;
  eim_call *call = NULL;
  if (self->state == EIM_STATE_OFFLINE)
    error =
        eim_error_new(EIM_CODE_USER_NOT_LOGIN, EIM_DOMAIN_LOCAL, EIM_E_STATE, 0, "not logged in");
  else if (self->call_count >= self->settings->max_pending_sends)
    error = eim_error_new(EIM_E_FULL, EIM_DOMAIN_LOCAL, EIM_E_FULL, EIM_ERROR_RETRIABLE,
                          "%d requests are waiting for the server already", self->call_count);
  else
    call = calloc(1, sizeof *call);
  bool is_transfer = input->kind != EIM_IN_REQUEST;
  if (call) {
    if (is_transfer)
      call->transfer = eim_transfer_new(self, input);
    else
      call->path = eim_strdup(input->text);
    if (call->path && input->secret) {
      call->is_form = eim_request_takes_form(input->method, call->path);
      call->body = call->is_form ? form_of(input->secret) : eim_secret_ref(input->secret);
    }
    if (is_transfer ? !call->transfer : !call->path || (input->secret && !call->body)) {
      drop(call);
      call = NULL;
    }
  }
  if (!call) {
    if (!error)
      error = eim_error_new(EIM_E_NOMEM, EIM_DOMAIN_LOCAL, EIM_E_NOMEM, 0, "out of memory");
    eim_session_result(self, input->token, error, "{}");
    return;
  }
  call->token = input->token;
  call->method = input->kind == EIM_IN_UPLOAD ? EIM_HTTP_POST : input->method;
  if (input->kind == EIM_IN_UPLOAD) call->message = eim_message_ref(input->message);
  call->deadline = self->now.mono + self->settings->request_timeout;
  eim_call **at = &self->calls;
  while (*at) at = &(*at)->next;
  *at = call;
  self->call_count++;
  try_now(self, call);
  eim_session_arm_deadlines(self);
}

void eim_request_wake(eim_session *self) {
  for (eim_call *call = self->calls, *next; call; call = next) {
    next = call->next;
    try_now(self, call);
  }
}

void eim_request_resolved(eim_session *self, bool found) {
  for (eim_call *call = self->calls, *next; call; call = next) {
    next = call->next;
    if (call->http || call->retry_at || !self->token) continue;
    if (found)
      try_now(self, call);
    else
      finish(self, call, eim_error_with_flags(self->discovery_error, 0), "{}");
  }
}

/* Again after a while, when that is still in time. False: it is not. Takes over the error then. */
static bool back_off(eim_session *self, eim_call *call, eim_error *error) {
  int64_t at =
      self->now.mono + 1 + eim_backoff(++call->waits, BACKOFF_MS, BACKOFF_MAX_MS, &self->random);
  if (at >= call->deadline) return false;
  SESSION_LOG(EIM_LOG_DEBUG, self, "request is tried again in %d ms: %s",
              (int)(at - self->now.mono), eim_error_message(error));
  eim_error_unref(call->last);
  call->last = error;
  call->retry_at = at;
  call->hosts_tried = 0;
  eim_session_arm_deadlines(self);
  return true;
}

static eim_error *maybe(eim_error *error, bool may_have) {
  if (!may_have || !error) return error;
  eim_error *marked = eim_error_with_flags(error, EIM_ERROR_MAYBE);
  eim_error_unref(error);
  return marked;
}

static void unanswered(eim_session *self, eim_call *call, const eim_input *input) {
  bool again = is_repeatable(call) || !input->may_have_arrived;
  if (!is_repeatable(call) && input->may_have_arrived) call->may_have = true;
  eim_error *error = eim_session_unanswered(input->error, call->may_have);
  /* Another host changes nothing for a local file that cannot be read, nor for a URL. */
  bool elsewhere = !call->transfer || (call->transfer->is_upload && eim_error_is_retriable(error));
  if (again && elsewhere && self->hosts_fetched && call->hosts_tried < self->hosts.rest_count) {
    self->rest_index++;
    send_out(self, call);
    eim_error_unref(error);
    return;
  }
  if (again && eim_error_is_retriable(error) && back_off(self, call, error)) return;
  finish(self, call, error, "{}");
}

/* A 401 may only say that the token is not the newest any more. */
static bool wait_for_token(eim_session *self, eim_call *call, eim_error *error) {
  if (call->renewed) return false;
  bool newer = self->token && self->token != call->used;
  if (!newer && !eim_token_ask(self, EIM_TOKEN_REFUSED, call->deadline - self->now.mono))
    return false;
  call->renewed = call->token_awaited = true;
  eim_error_unref(call->last);
  call->last = error;
  call->hosts_tried = 0;
  try_now(self, call);
  return true;
}

/* The next step of an upload: with all the time and all the attempts that one has. */
static void go_on(eim_session *self, eim_call *call) {
  call->deadline = self->now.mono + self->settings->request_timeout;
  call->hosts_tried = 0;
  call->waits = 0;
  call->renewed = false;
  if (call->transfer->stage == EIM_PARTS_PART)
    eim_transfer_progress(self, call->transfer, call->token, 0, 0); /* of this part */
  send_out(self, call);
  eim_session_arm_deadlines(self);
}

static void answered(eim_session *self, eim_call *call, const eim_input *input) {
  eim_json json;
  eim_buf out = EIM_BUF_INIT;
  eim_error *error = NULL;
  bool again = is_repeatable(call);
  int status = input->http_status;
  if (status < 200 || status > 299) {
    error = eim_rest_error(EIM_REST_OTHER, status, input->bytes, input->length);
    bool ours = !call->transfer || call->transfer->is_upload || call->transfer->ours;
    bool refused = status == 401 && (eim_error_code(error) == EIM_CODE_INVALID_TOKEN ||
                                     eim_error_code(error) == EIM_CODE_TOKEN_EXPIRED);
    if (refused && ours && wait_for_token(self, call, error)) return;
    /* 416: what was here from an earlier attempt did not fit, and is gone now. */
    bool busy = status == 429 || (call->transfer && status == 416 && !call->waits) ||
                (status >= 502 && status <= 504);
    if (again && busy && (status == 416 || eim_error_is_retriable(error)) &&
        back_off(self, call, error))
      return;
    if (call->transfer && eim_parts_refused(call->transfer, status)) {
      eim_error_unref(error);
      go_on(self, call);
      return;
    }
    if (!again && (status == 408 || status >= 500)) error = maybe(error, true);
  } else if (call->transfer) {
    error = eim_transfer_answer(self, call->transfer, input, &out);
    if (!error && !out.length) {
      go_on(self, call);
      return;
    }
    int64_t all = call->transfer->stage ? call->transfer->size : input->total;
    if (!error) eim_transfer_progress(self, call->transfer, call->token, all, all);
  } else if (input->length && !eim_json_parse(&json, input->bytes, input->length)) {
    error = maybe(eim_error_new_detail(EIM_E_PROTOCOL, EIM_DOMAIN_HTTP, status, EIM_ERROR_RETRIABLE,
                                       "{\"what\":\"body\"}", "the server's answer is not JSON"),
                  !again);
  } else {
    eim_buf_printf(&out, "{\"status\":%d,\"body\":", status);
    if (input->length)
      eim_json_raw(json, &out);
    else
      eim_buf_str(&out, "null");
    eim_buf_str(&out, "}");
    if (out.failed)
      error = maybe(eim_error_new(EIM_E_NOMEM, EIM_DOMAIN_LOCAL, EIM_E_NOMEM, EIM_ERROR_RETRIABLE,
                                  "out of memory"),
                    !again);
  }
  finish(self, call, error, error ? "{}" : (const char *)out.data);
  eim_buf_free(&out);
}

bool eim_request_http(eim_session *self, const eim_input *input) {
  eim_call *call = self->calls;
  while (call && call->http != input->id) call = call->next;
  if (!call) return false;
  call->http = 0;
  if (input->error)
    unanswered(self, call, input);
  else
    answered(self, call, input);
  return true;
}

bool eim_request_progress(eim_session *self, const eim_input *input) {
  eim_call *call = self->calls;
  while (call && call->http != input->id) call = call->next;
  if (!call) return false;
  call->deadline = self->now.mono + self->settings->request_timeout;
  eim_transfer_progress(self, call->transfer, call->token, input->done, input->total);
  eim_session_arm_deadlines(self);
  return true;
}

bool eim_request_place(eim_session *self, uint32_t id, int64_t deadline) {
  eim_call *call = self->calls;
  while (call && call->http != id) call = call->next;
  if (!call) return false;
  call->deadline = deadline;
  return true;
}

int64_t eim_request_next(const eim_session *self) {
  int64_t at = INT64_MAX;
  for (const eim_call *call = self->calls; call; call = call->next) {
    int64_t due =
        call->retry_at && call->retry_at < call->deadline ? call->retry_at : call->deadline;
    if (due < at) at = due;
  }
  return at;
}

void eim_request_timeout(eim_session *self) {
  for (eim_call *call = self->calls, *next; call; call = next) {
    next = call->next;
    if (call->deadline <= self->now.mono) {
      bool written = !is_repeatable(call) && (call->http || call->may_have);
      if (call->http) self->io.http_cancel(self->io.user, call->http);
      eim_error *error = call->last && !call->http ? (eim_error *)eim_error_ref(call->last) : NULL;
      if (!error)
        error = eim_error_new(EIM_CODE_SERVER_TIMEOUT, EIM_DOMAIN_LOCAL, EIM_E_TIMEOUT,
                              EIM_ERROR_RETRIABLE | (written ? EIM_ERROR_MAYBE : 0),
                              "no answer within %d ms", self->settings->request_timeout);
      finish(self, call, error, "{}");
    } else if (call->retry_at && call->retry_at <= self->now.mono) {
      call->retry_at = 0;
      try_now(self, call);
    }
  }
}

static void end(eim_session *self, eim_call *call, const eim_error *cause) {
  bool written = !is_repeatable(call) && (call->http || call->may_have);
  if (call->http) self->io.http_cancel(self->io.user, call->http);
  finish(self, call, eim_session_unanswered(cause, written), "{}");
}

bool eim_request_cancel(eim_session *self, uint64_t token) {
  eim_call *call = self->calls;
  while (call && call->token != token) call = call->next;
  if (!call) return false;
  eim_error *canceled =
      eim_error_new(EIM_E_CANCELED, EIM_DOMAIN_LOCAL, EIM_E_CANCELED, 0, "canceled");
  end(self, call, canceled);
  eim_error_unref(canceled);
  return true;
}

void eim_request_no_token(eim_session *self) {
  for (eim_call *call = self->calls, *next; call; call = next) {
    next = call->next;
    if (call->token_awaited) finish(self, call, (eim_error *)eim_error_ref(call->last), "{}");
  }
}

void eim_request_fail(eim_session *self, const eim_error *cause) {
  while (self->calls) end(self, self->calls, cause);
}

void eim_request_free(eim_session *self) {
  while (self->calls) {
    eim_call *next = self->calls->next;
    drop(self->calls);
    self->calls = next;
  }
}
