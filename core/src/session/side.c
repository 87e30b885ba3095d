/* side.c - REST requests beside the login: registration and token renewal (docs/protocol.md 3, 9).
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/text.h"
#include "session/internal.h"
#include "session/request.h"

#define ANSWER_MAX (64 * 1024)

static void drop(eim_side *side) {
  eim_secret_unref(side->secret);
  free(side->user);
  free(side->nickname);
  free(side);
}

/* Takes it out of the list and ends it. Consumes error. */
static void end(eim_session *self, eim_side *side, eim_error *error, const char *json) {
  eim_side **at = &self->sides;
  while (*at != side) at = &(*at)->next;
  *at = side->next;
  eim_session_result(self, side->token, error, json);
  drop(side);
  eim_session_arm_deadlines(self);
}

/* The same, and what a renewal that failed means for who asked for it. */
static void finish(eim_session *self, eim_side *side, eim_error *error, const char *json) {
  bool failed = error && side->kind == EIM_SIDE_RENEW;
  end(self, side, error, json);
  if (failed) eim_token_renewal_failed(self);
}

static void send_out(eim_session *self, eim_side *side) {
  eim_buf url = EIM_BUF_INIT, path = EIM_BUF_INIT, body = EIM_BUF_INIT;
  const char *ip;
  eim_http_request request = {.max_answer = ANSWER_MAX};
  if (side->kind == EIM_SIDE_REGISTER) {
    eim_buf_str(&path, "/users");
    eim_rest_register_body(&body, side->user, side->secret, side->nickname);
    request.method = EIM_HTTP_POST;
    request.once = true; /* a registration that arrived twice is refused the second time */
    request.content_type = "application/json";
    request.body = body.data;
    request.body_length = body.length;
  } else {
    eim_buf_str(&path, "/sdk/users/");
    eim_buf_url(&path, self->user);
    eim_buf_str(&path, "/token/expires");
    request.method = EIM_HTTP_GET;
    request.bearer = side->secret;
  }
  eim_discovery_rest(self, path.failed ? "" : (const char *)path.data, &url, &ip);
  side->http = eim_session_next_id(self);
  side->hosts_tried++;
  request.id = side->http;
  request.url = url.failed ? "" : (const char *)url.data;
  request.ip = ip;
  self->io.http(self->io.user, &request);
  eim_buf_wipe(&body);
  eim_buf_free(&path);
  eim_buf_free(&url);
}

/* Without a live session the next login decides about the token, so it is just put in place. */
static void take_over(eim_session *self, const eim_secret *token, int64_t expires_at) {
  eim_secret_unref(self->token);
  self->token = eim_secret_ref(token);
  self->token_wanted = self->token_refused = false;
  self->token_changed = true;
  self->token_given = self->was_online && self->state != EIM_STATE_ONLINE;
  eim_token_learned(self, expires_at, 0);
  eim_token_arm(self);
  eim_request_wake(self);
}

void eim_side_start(eim_session *self, const eim_input *input, eim_side_kind kind) {
  eim_error *error = NULL;
  if (kind == EIM_SIDE_RENEW) {
    if (self->state == EIM_STATE_OFFLINE) {
      error =
          eim_error_new(EIM_CODE_USER_NOT_LOGIN, EIM_DOMAIN_LOCAL, EIM_E_STATE, 0, "not logged in");
    } else if (self->state != EIM_STATE_ONLINE) {
      eim_secret_unref(self->password); /* a token in hand beats trading a password */
      self->password = NULL;
      take_over(self, input->secret, 0);
      eim_session_result(self, input->token, NULL, "{\"status\":true,\"expire\":0}");
      eim_login_new_token(self);
      return;
    }
  }
  eim_side *side = error ? NULL : calloc(1, sizeof *side);
  if (side) {
    side->kind = kind;
    side->token = input->token;
    side->secret = eim_secret_ref(input->secret);
    side->deadline = self->now.mono + self->settings->request_timeout;
    side->user = eim_strdup(input->user ? input->user : "");
    side->nickname = eim_strdup(input->text);
    if (!side->user || (input->text && !side->nickname)) {
      drop(side);
      side = NULL;
    }
  }
  if (!side) {
    if (!error)
      error = eim_error_new(EIM_E_NOMEM, EIM_DOMAIN_LOCAL, EIM_E_NOMEM, 0, "out of memory");
    eim_session_result(self, input->token, error, "{}");
    return;
  }
  eim_side **at = &self->sides;
  while (*at) at = &(*at)->next;
  *at = side;
  eim_session_arm_deadlines(self);
  switch (eim_discovery_need(self, false)) {
  case EIM_FOUND: send_out(self, side); break;
  case EIM_FINDING: break;
  case EIM_NOT_FOUND:
    finish(self, side, eim_error_with_flags(self->discovery_error, 0), "{}");
    break;
  }
}

void eim_side_resolved(eim_session *self, bool found) {
  for (eim_side *side = self->sides, *next; side; side = next) {
    next = side->next;
    if (side->http) continue;
    if (found)
      send_out(self, side);
    else
      finish(self, side, eim_error_with_flags(self->discovery_error, 0), "{}");
  }
}

static void answered(eim_session *self, eim_side *side, const eim_input *input) {
  eim_buf json = EIM_BUF_INIT;
  eim_error *error;
  bool is_register = side->kind == EIM_SIDE_REGISTER, awaited = false;
  if (input->http_status != 200) {
    error = eim_rest_error(is_register ? EIM_REST_REGISTER : EIM_REST_EXPIRES, input->http_status,
                           input->bytes, input->length);
  } else if (is_register) {
    error = eim_rest_register_answer(&json, input->bytes, input->length);
  } else {
    int64_t expires_at = 0;
    error = eim_rest_expires_answer(&expires_at, input->bytes, input->length);
    if (!error) {
      awaited = eim_token_is_awaited(self);
      take_over(self, side->secret, expires_at);
      eim_buf_printf(&json, "{\"status\":true,\"expire\":%" PRId64 "}", expires_at);
    }
  }
  finish(self, side, error, !error && json.data && !json.failed ? (const char *)json.data : "{}");
  eim_buf_free(&json);
  if (awaited) eim_login_new_token(self); /* the line was lost meanwhile, and its token refused */
}

bool eim_side_http(eim_session *self, const eim_input *input) {
  eim_side *side = self->sides;
  while (side && side->http != input->id) side = side->next;
  if (!side) return false;
  if (!input->error) {
    answered(self, side, input);
    return true;
  }
  /* Only what surely did not arrive is tried on another host: a registration must not be repeated.
   */
  if (!input->may_have_arrived && self->hosts_fetched &&
      side->hosts_tried < self->hosts.rest_count) {
    self->rest_index++;
    send_out(self, side);
    return true;
  }
  finish(self, side, eim_session_unanswered(input->error, input->may_have_arrived), "{}");
  return true;
}

bool eim_side_place(eim_session *self, uint32_t id, int64_t deadline) {
  eim_side *side = self->sides;
  while (side && side->http != id) side = side->next;
  if (side) side->deadline = deadline;
  return side != NULL;
}

void eim_side_timeout(eim_session *self) {
  for (eim_side *side = self->sides, *next; side; side = next) {
    next = side->next;
    if (side->deadline > self->now.mono) continue;
    if (side->http) self->io.http_cancel(self->io.user, side->http);
    finish(self, side,
           eim_error_new(EIM_CODE_SERVER_TIMEOUT, EIM_DOMAIN_LOCAL, EIM_E_TIMEOUT,
                         EIM_ERROR_RETRIABLE | (side->http ? EIM_ERROR_MAYBE : 0),
                         "no answer within %d ms", self->settings->request_timeout),
           "{}");
  }
}

bool eim_side_cancel(eim_session *self, uint64_t token) {
  eim_side *side = self->sides;
  while (side && side->token != token) side = side->next;
  if (!side) return false;
  if (side->http) self->io.http_cancel(self->io.user, side->http);
  finish(self, side,
         eim_error_new(EIM_E_CANCELED, EIM_DOMAIN_LOCAL, EIM_E_CANCELED,
                       side->http ? EIM_ERROR_MAYBE : 0, "canceled"),
         "{}");
  return true;
}

void eim_side_fail(eim_session *self, const eim_error *cause, bool renewals_only) {
  for (eim_side *side = self->sides, *next; side; side = next) {
    next = side->next;
    if (renewals_only && side->kind != EIM_SIDE_RENEW) continue;
    if (side->http) self->io.http_cancel(self->io.user, side->http);
    end(self, side, eim_session_unanswered(cause, side->http != 0), "{}");
  }
}
