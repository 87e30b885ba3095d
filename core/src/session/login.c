/* login.c - from open() to online, and back: attempts, waiting, the end. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "session/backoff.h"
#include "session/internal.h"
#include "session/request.h"

/* A redirect to a redirect to a redirect is a loop. */
#define REDIRECTS_MAX 3
#define TOKEN_ANSWER_MAX (64 * 1024)
/* What the mirrored SDK calls itself: the feature level this library speaks (docs/protocol.md 6).
 */
#define PROTOCOL_VERSION "4.8.1"
#define ACTION_VERSION "v4.0"

static void resolve(eim_session *self, const eim_error *cause);
static void connect_now(eim_session *self);

static int64_t phase_end(const eim_session *self, int ms) {
  return self->now.mono + ms;
}

static eim_error *timed_out(const char *what, int ms) {
  return eim_error_new(EIM_CODE_SERVER_TIMEOUT, EIM_DOMAIN_LOCAL, EIM_E_TIMEOUT,
                       EIM_ERROR_RETRIABLE, "%s within %d ms", what, ms);
}

/* ---- the beginning */

static eim_error *refuse_open(const eim_session *self, const char *user) {
  if (self->state == EIM_STATE_OFFLINE) return NULL;
  if (self->opening)
    return eim_error_new(EIM_E_BUSY, EIM_DOMAIN_LOCAL, EIM_E_BUSY, 0, "a login is under way");
  if (strcasecmp(self->user, user) == 0) /* the server folds user ids to lower case */
    return eim_error_new(EIM_CODE_USER_ALREADY_LOGIN, EIM_DOMAIN_LOCAL, EIM_E_STATE, 0,
                         "this user is logged in already");
  return eim_error_new(EIM_CODE_USER_ALREADY_LOGIN_ANOTHER, EIM_DOMAIN_LOCAL, EIM_E_STATE, 0,
                       "another user is logged in: close() first");
}

void eim_login_open(eim_session *self, const eim_input *input) {
  eim_error *refusal = refuse_open(self, input->user);
  char *user = refusal ? NULL : eim_strdup(input->user);
  if (!refusal && !user)
    refusal = eim_error_new(EIM_E_NOMEM, EIM_DOMAIN_LOCAL, EIM_E_NOMEM, 0, "out of memory");
  if (refusal) {
    eim_session_result(self, input->token, refusal, "{}");
    return;
  }
  if (strcasecmp(self->user, user) != 0) eim_pull_other_user(self);
  free(self->user);
  self->user = user;
  self->resource[0] = 0; /* of another login */
  eim_secret *secret = eim_secret_ref(input->secret);
  eim_secret_unref(self->token);
  eim_secret_unref(self->password);
  self->token = input->is_token ? secret : NULL;
  self->password = input->is_token ? NULL : secret;
  self->token_given = self->token_refused = false;
  eim_token_learned(self, 0, 0); /* the expiry of an older login is not ours */
  self->opening = true;
  self->was_online = false;
  self->open_token = input->token;
  self->attempt = 1;
  self->rest_tried = self->message_tried = 0;
  eim_error_unref(self->last_cause);
  self->last_cause = NULL;
  eim_session_arm(self, EIM_TIMER_LOGIN, phase_end(self, self->settings->login_timeout));
  resolve(self, NULL);
}

static void resolve(eim_session *self, const eim_error *cause) {
  self->redirects = 0;
  free(self->redirect_host);
  self->redirect_host = NULL;
  /* As the real SDK: at each open, and again on every 5th attempt (docs/protocol.md 2). */
  int every = self->settings->auto_reconnect_num_max;
  if (every < 1 || every > 5) every = 5;
  bool refresh = self->opening ? self->attempt == 1 : self->attempt % every == 0;
  eim_session_transit(self, EIM_STATE_RESOLVING, cause, 0, true);
  switch (eim_discovery_need(self, refresh)) {
  case EIM_FOUND: eim_login_resolved(self, true); break;
  case EIM_NOT_FOUND: eim_login_resolved(self, false); break;
  case EIM_FINDING: break;
  }
}

static void authenticate(eim_session *self) {
  eim_buf body = EIM_BUF_INIT, url = EIM_BUF_INIT;
  const char *ip;
  eim_session_transit(self, EIM_STATE_AUTHENTICATING, NULL, 0, true);
  eim_rest_token_body(&body, self->user, self->password, self->now.wall);
  eim_discovery_rest(self, "/token", &url, &ip);
  self->phase_http = eim_session_next_id(self);
  eim_session_arm(self, EIM_TIMER_PHASE, phase_end(self, self->settings->request_timeout));
  eim_http_request request = {.id = self->phase_http,
                              .method = EIM_HTTP_POST,
                              .url = url.failed ? "" : (const char *)url.data,
                              .ip = ip,
                              .content_type = "application/json",
                              .body = body.data,
                              .body_length = body.length,
                              .max_answer = TOKEN_ANSWER_MAX};
  self->io.http(self->io.user, &request);
  eim_buf_wipe(&body);
  eim_buf_free(&url);
}

void eim_login_resolved(eim_session *self, bool found) {
  if (!found) {
    eim_login_failed(self, eim_error_with_flags(self->discovery_error, 0));
    return;
  }
  if (self->token)
    connect_now(self);
  else
    authenticate(self);
}

void eim_login_http(eim_session *self, const eim_input *input) {
  self->phase_http = 0;
  eim_session_disarm(self, EIM_TIMER_PHASE);
  if (input->error) {
    eim_login_failed(self, (eim_error *)eim_error_ref(input->error));
    return;
  }
  if (input->http_status != 200) {
    eim_login_failed(
        self, eim_rest_error(EIM_REST_TOKEN, input->http_status, input->bytes, input->length));
    return;
  }
  eim_token_answer answer = {0};
  eim_error *error = eim_rest_token_answer(&answer, input->bytes, input->length);
  if (error) {
    eim_login_failed(self, error);
    return;
  }
  self->token = answer.token;
  eim_secret_unref(self->password);
  self->password = NULL;
  /* User ids are folded to lower case by the server; the message server is told its spelling. */
  if (answer.user[0] && strcasecmp(answer.user, self->user) == 0)
    memcpy(self->user, answer.user, strlen(answer.user));
  if (answer.expires_in_ms)
    eim_token_learned(self, eim_session_server_now(self) + answer.expires_in_ms,
                      answer.expires_in_ms);
  self->rest_tried = 0;
  connect_now(self);
}

/* ---- the socket */

static void connect_now(eim_session *self) {
  eim_connect_request request = {.conn = eim_session_next_id(self), .path = "/websocket", .ip = ""};
  eim_url url;
  if (self->hosts_fetched && self->hosts.message_count) {
    const eim_host *host = &self->hosts.message[self->message_index % self->hosts.message_count];
    request.tls = host->tls;
    request.host = host->domain;
    request.ip = host->ip;
    request.port = host->port;
  } else {
    if (!eim_url_parse(&url, self->settings->url, true)) {
      eim_login_failed(self,
                       eim_error_new(EIM_E_INVALID, EIM_DOMAIN_LOCAL, EIM_E_INVALID,
                                     EIM_ERROR_FINAL, "option url is no ws:// or wss:// address"));
      return;
    }
    request.tls = url.tls;
    request.host = url.host;
    request.port = url.port;
    if (url.path[0]) request.path = url.path;
  }
  if (self->redirect_host) {
    request.host = self->redirect_host;
    request.ip = "";
    if (self->redirect_port) request.port = self->redirect_port;
  }
  self->conn = request.conn;
  self->text_code = 0;
  eim_session_transit(self, EIM_STATE_CONNECTING, NULL, 0, true);
  eim_session_arm(self, EIM_TIMER_PHASE, phase_end(self, self->settings->connect_timeout));
  self->connects++;
  self->io.connect(self->io.user, &request);
}

void eim_login_opened(eim_session *self) {
  if (self->state != EIM_STATE_CONNECTING) return;
  eim_buf frame = EIM_BUF_INIT, resource = EIM_BUF_INIT, uuid = EIM_BUF_INIT, name = EIM_BUF_INIT;
  bool made = eim_device_names(self, &resource, &uuid, &name);
  if (made) {
    char session_id[32]; /* new for each connection */
    snprintf(session_id, sizeof session_id, "%" PRId64 ":", self->now.wall);
    eim_provision_up up = {.app_key = self->settings->app_key,
                           .user = self->user,
                           .resource = (const char *)resource.data,
                           .device_uuid = (const char *)uuid.data,
                           .device_name = (const char *)name.data,
                           .os_type = self->settings->os_platform,
                           .os_custom_value = self->settings->os_custom_value,
                           .version = PROTOCOL_VERSION,
                           .action_version = ACTION_VERSION,
                           .session_id = session_id,
                           .reason = self->login_ext,
                           .token = self->token,
                           .offers_lz4 = eim_compress_is_offered(self)};
    made = eim_frame_provision(&frame, &up) && !frame.failed;
  }
  if (made) {
    eim_session_transit(self, EIM_STATE_PROVISIONING, NULL, 0, true);
    eim_session_arm(self, EIM_TIMER_PHASE, phase_end(self, self->settings->connect_timeout));
    self->token_changed = false;
    eim_session_write(self, &frame);
  }
  eim_buf_wipe(&frame);
  eim_buf_free(&resource);
  eim_buf_free(&uuid);
  eim_buf_free(&name);
  if (!made)
    eim_login_failed(self, eim_error_new(EIM_E_NOMEM, EIM_DOMAIN_LOCAL, EIM_E_NOMEM, 0,
                                         "out of memory while logging in"));
}

static void redirect(eim_session *self, const eim_frame *frame) {
  const eim_status_down *status = &frame->status;
  if (++self->redirects > REDIRECTS_MAX || !status->redirect_host || !status->redirect_host[0]) {
    eim_login_failed(self, eim_error_new(EIM_CODE_SERVER_NOT_REACHABLE, EIM_DOMAIN_SERVER,
                                         status->code, EIM_ERROR_RETRIABLE,
                                         self->redirects > REDIRECTS_MAX
                                             ? "the servers redirect in a circle"
                                             : "the server redirects to nowhere"));
    return;
  }
  free(self->redirect_host);
  self->redirect_host = eim_strdup(status->redirect_host);
  self->redirect_port = status->redirect_port;
  self->io.disconnect(self->io.user, self->conn);
  self->conn = 0;
  eim_session_disarm(self, EIM_TIMER_PHASE);
  eim_session_transit(self, EIM_STATE_RESOLVING, NULL, 0, true);
  connect_now(self);
}

static void online(eim_session *self, const eim_frame *frame) {
  char *resource = eim_strdup(frame->resource);
  if (resource) {
    free(self->resource);
    self->resource = resource;
  }
  eim_session_disarm(self, EIM_TIMER_PHASE);
  eim_session_disarm(self, EIM_TIMER_LOGIN);
  self->message_tried = self->rest_tried = 0;
  self->generation++;
  eim_session_transit(self, EIM_STATE_ONLINE, NULL, 0, false);
  eim_error_unref(self->last_cause);
  self->last_cause = NULL;
  bool opening = self->opening;
  self->opening = false;
  self->was_online = true;
  self->token_given = false;
  if (opening) self->attempt = 0;
  if (frame->expires_at > 0) eim_token_learned(self, frame->expires_at, self->token_life);
  eim_session_emit_change(self, EIM_EVENT_connected, EIM_STATE_PROVISIONING, NULL, 0, false);
  if (opening) {
    eim_buf json = EIM_BUF_INIT;
    eim_buf_str(&json, "{\"user\":");
    eim_buf_json_str(&json, self->user);
    eim_buf_str(&json, ",\"resource\":");
    eim_buf_json_str(&json, self->resource);
    eim_buf_printf(&json, ",\"expireTimestamp\":%" PRId64 "}", self->token_expires_at);
    eim_session_result(self, self->open_token, NULL, json.failed ? "{}" : (const char *)json.data);
    eim_buf_free(&json);
    self->open_token = 0;
  }
  eim_session_arm(self, EIM_TIMER_HOLD, phase_end(self, self->settings->reconnect_hold_ms));
  eim_token_arm(self);
  eim_live_start(self);
}

void eim_login_provisioned(eim_session *self, const eim_frame *frame) {
  if (self->state != EIM_STATE_PROVISIONING) return;
  switch (frame->status.code) {
  case 0:
    if (eim_compress_start(self, frame))
      online(self, frame);
    else
      eim_login_failed(self, eim_error_new(EIM_E_NOMEM, EIM_DOMAIN_LOCAL, EIM_E_NOMEM,
                                           EIM_ERROR_RETRIABLE, "out of memory for LZ4"));
    return;
  case 5: redirect(self, frame); return;
  case -1:
    eim_login_failed(self, eim_error_new(EIM_E_PROTOCOL, EIM_DOMAIN_LOCAL, EIM_E_PROTOCOL,
                                         EIM_ERROR_RETRIABLE, "login answer without a status"));
    return;
  default: eim_login_failed(self, eim_verdict_provision(&frame->status));
  }
}

/* ---- attempts */

static void drop_step(eim_session *self) {
  if (self->conn) self->io.disconnect(self->io.user, self->conn);
  self->conn = 0;
  eim_compress_stop(self);
  if (self->phase_http) self->io.http_cancel(self->io.user, self->phase_http);
  self->phase_http = 0;
  eim_session_disarm(self, EIM_TIMER_PHASE);
  eim_session_disarm(self, EIM_TIMER_RETRY);
}

static bool is_token_refusal(const eim_error *cause) {
  int32_t code = eim_error_code(cause);
  return code == EIM_CODE_INVALID_TOKEN || code == EIM_CODE_TOKEN_EXPIRED;
}

static void wait_for(eim_session *self, const eim_error *cause, int64_t delay) {
  eim_state before = self->state;
  eim_session_transit(self, EIM_STATE_WAITING, cause, delay, true);
  if (self->was_online)
    eim_session_emit_change(self, EIM_EVENT_reconnecting, before, cause, delay, true);
}

/* The token is dead: ask the provider for another; in WAITING the RETRY timer is its deadline.
 * False: nobody to ask. */
static bool ask_for_token(eim_session *self, eim_token_reason reason) {
  if (!self->was_online || !self->has_provider) return false;
  int deadline = self->settings->login_timeout;
  eim_secret_unref(self->token);
  self->token = NULL;
  self->token_refused = false;
  eim_session_arm(self, EIM_TIMER_RETRY, phase_end(self, deadline));
  return eim_token_ask(self, reason, deadline);
}

/* Is there a host of this kind that this attempt has not tried? Moves on to it. */
static bool next_host(eim_session *self, eim_state at) {
  if (!self->hosts_fetched) return false;
  bool rest = at == EIM_STATE_AUTHENTICATING;
  size_t count = rest ? self->hosts.rest_count : self->hosts.message_count;
  size_t *index = rest ? &self->rest_index : &self->message_index;
  size_t *tried = rest ? &self->rest_tried : &self->message_tried;
  if (!count) return false;
  *index = (*index + 1) % count;
  return ++*tried < count;
}

static eim_error *given_up(const eim_session *self, const eim_error *cause) {
  eim_buf detail = EIM_BUF_INIT;
  eim_buf_printf(&detail, "{\"attempts\":%d,\"causeCode\":%d,\"cause\":", self->attempt,
                 (int)eim_error_code(cause));
  eim_buf_json_str(&detail, eim_error_message(cause));
  eim_buf_str(&detail, "}");
  eim_error *error = eim_error_new_detail(
      EIM_CODE_SERVER_NOT_REACHABLE, eim_error_domain(cause), eim_error_native(cause),
      EIM_ERROR_FINAL, detail.failed ? NULL : (const char *)detail.data,
      "reconnection failed after %d attempts: %s", self->attempt, eim_error_message(cause));
  eim_buf_free(&detail);
  return error;
}

void eim_login_failed(eim_session *self, eim_error *cause) {
  eim_state at = self->state;
  if (at == EIM_STATE_OFFLINE || at == EIM_STATE_WAITING) { /* nothing is under way */
    eim_error_unref(cause);
    return;
  }
  drop_step(self);
  if (at == EIM_STATE_ONLINE) {
    self->losses++;
    eim_live_stop(self);
  }
  int text_code = self->text_code;
  self->text_code = 0; /* it spoke of the connection that ends here, not of a later step */
  if (text_code == 401 && !eim_error_is_final(cause)) {
    /* [401,"normal closed"]: the server refuses and says no more (docs/protocol.md 4). */
    eim_error_unref(cause);
    cause = eim_error_new(EIM_CODE_USER_AUTHENTICATION_FAILED, EIM_DOMAIN_SERVER, 401,
                          EIM_ERROR_FINAL, "the server ended the session: [401]");
  }
  bool refused = eim_error_is_final(cause) && is_token_refusal(cause);
  if (refused && at == EIM_STATE_PROVISIONING && self->token_changed) {
    wait_for(self, cause, 0); /* that was the former one */
    eim_error_unref(cause);
    if (!self->network_down) eim_login_retry(self);
    return;
  }
  refused = refused && self->was_online && self->has_provider;
  if (refused && !self->token_given) {
    wait_for(self, cause, 0);
    ask_for_token(self, EIM_TOKEN_REFUSED);
    eim_error_unref(cause);
    return;
  }
  /* A provider that gives what is refused is asked again, but as often and as fast as any attempt.
   */
  self->token_refused = refused;
  if (eim_error_is_final(cause) && !refused) {
    eim_login_end(self, cause);
    return;
  }
  bool was_attempt = at != EIM_STATE_ONLINE && !refused;
  if (was_attempt && next_host(self, at)) {
    eim_session_transit(self, EIM_STATE_WAITING, cause, 0, true);
    eim_error_unref(cause);
    eim_login_retry(self);
    return;
  }
  /* A certificate that does not fit will not fit in a second; at a first login say so at once. */
  if (self->opening && eim_error_domain(cause) == EIM_DOMAIN_TLS) {
    eim_error *final = eim_error_with_flags(cause, EIM_ERROR_FINAL);
    eim_error_unref(cause);
    eim_login_end(self, final);
    return;
  }
  int max = self->settings->auto_reconnect_num_max;
  if (!self->opening && max >= 0 && self->attempt >= max) {
    eim_error *end = refused ? (eim_error *)eim_error_ref(cause) : given_up(self, cause);
    eim_error_unref(cause);
    eim_login_end(self, end);
    return;
  }
  eim_error_unref(self->last_cause);
  self->last_cause = cause;
  self->rest_tried = self->message_tried = 0;
  self->attempt++;
  /* While opening, attempt 1 is under way from the start: its failure leads to the first delay. */
  int64_t delay = eim_backoff(self->opening ? self->attempt - 1 : self->attempt,
                              self->settings->reconnect_base_ms, self->settings->reconnect_max_ms,
                              &self->random);
  if (self->network_down) {
    wait_for(self, cause, 0);
    return;
  }
  wait_for(self, cause, delay);
  eim_session_arm(self, EIM_TIMER_RETRY, phase_end(self, (int)delay));
}

void eim_login_retry(eim_session *self) {
  if (self->state != EIM_STATE_WAITING) return;
  if (eim_token_is_awaited(self)) { /* the provider's deadline */
    self->token_wanted = false;
    eim_login_end(self, eim_error_new(EIM_CODE_TOKEN_EXPIRED, EIM_DOMAIN_LOCAL, EIM_E_TIMEOUT,
                                      EIM_ERROR_FINAL, "no new token came in time"));
    return;
  }
  if (self->token_refused) { /* backoff is over */
    if (!ask_for_token(self, EIM_TOKEN_REFUSED))
      eim_login_end(self, (eim_error *)eim_error_ref(self->last_cause));
    return;
  }
  if (self->token && eim_token_is_dead(self)) { /* never connect with a token known to be dead */
    eim_error *dead = eim_error_new(EIM_CODE_TOKEN_EXPIRED, EIM_DOMAIN_LOCAL, EIM_E_AUTH,
                                    EIM_ERROR_FINAL, "the token expired while offline");
    if (ask_for_token(self, EIM_TOKEN_EXPIRED)) {
      eim_error_unref(dead);
      return;
    }
    eim_session_emit(self, EIM_EVENT_token_expired,
                     eim_token_event_new(EIM_TOKEN_EXPIRED, self->token_expires_at, 0, 0));
    eim_login_end(self, dead);
    return;
  }
  resolve(self, NULL);
}

void eim_login_new_token(eim_session *self) {
  if (self->state == EIM_STATE_AUTHENTICATING) { /* no need to trade the password any more */
    self->io.http_cancel(self->io.user, self->phase_http);
    self->phase_http = 0;
    eim_session_disarm(self, EIM_TIMER_PHASE);
    connect_now(self);
    return;
  }
  if (self->state != EIM_STATE_WAITING) return;
  eim_session_disarm(self, EIM_TIMER_RETRY); /* the provider's deadline, too */
  if (!self->network_down) eim_login_retry(self);
}

void eim_login_no_token(eim_session *self, const char *reason) {
  if (!self->token_wanted) return;
  self->token_wanted = false;
  eim_request_no_token(self);
  if (self->state != EIM_STATE_WAITING || self->token) return;
  eim_login_end(self,
                eim_error_new(EIM_CODE_TOKEN_EXPIRED, EIM_DOMAIN_LOCAL, EIM_E_AUTH, EIM_ERROR_FINAL,
                              "the token is over and there is no new one%s%s",
                              reason && reason[0] ? ": " : "", reason ? reason : ""));
}

void eim_login_network(eim_session *self, bool up) {
  self->network_down = !up;
  if (!up) {
    if (self->state == EIM_STATE_WAITING && !eim_token_is_awaited(self))
      eim_session_disarm(self, EIM_TIMER_RETRY);
    return;
  }
  if (self->state == EIM_STATE_WAITING && !eim_token_is_awaited(self)) {
    eim_session_disarm(self, EIM_TIMER_RETRY);
    eim_login_retry(self);
  } else if (self->state == EIM_STATE_ONLINE) {
    eim_live_probe(self); /* the address may have changed under the connection */
  }
}

void eim_login_place(eim_session *self, int64_t deadline) {
  eim_session_arm(self, EIM_TIMER_PHASE, deadline); /* loginTimeout bounds it all */
}

void eim_login_phase_timeout(eim_session *self) {
  switch (self->state) {
  case EIM_STATE_AUTHENTICATING:
    eim_login_failed(self,
                     timed_out("no answer to the token request", self->settings->request_timeout));
    break;
  case EIM_STATE_CONNECTING:
    eim_login_failed(
        self, timed_out("no connection to the message server", self->settings->connect_timeout));
    break;
  case EIM_STATE_PROVISIONING:
    eim_login_failed(self, timed_out("no answer to the login", self->settings->connect_timeout));
    break;
  default: break;
  }
}

void eim_login_timeout(eim_session *self) {
  if (!self->opening) return;
  int ms = self->settings->login_timeout;
  const eim_error *last = self->last_cause;
  eim_error *error;
  if (last)
    error = eim_error_new_detail(eim_error_code(last), eim_error_domain(last),
                                 eim_error_native(last), eim_error_flags(last),
                                 eim_error_detail(last), "no login within %d ms; last failure: %s",
                                 ms, eim_error_message(last));
  else
    error = timed_out("no login", ms);
  eim_login_end(self, error);
}

/* ---- the end */

void eim_login_end(eim_session *self, eim_error *cause) {
  eim_state before = self->state;
  if (before == EIM_STATE_OFFLINE || before == EIM_STATE_CLOSED) {
    eim_error_unref(cause);
    return;
  }
  eim_report_leave(self);
  drop_step(self);
  self->text_code = 0;
  eim_live_stop(self);
  eim_session_disarm(self, EIM_TIMER_LOGIN);
  eim_session_disarm(self, EIM_TIMER_HOLD);
  eim_session_disarm(self, EIM_TIMER_TOKEN);
  if (before == EIM_STATE_RESOLVING && !self->sides) eim_discovery_stop(self);
  self->token_wanted = false;
  eim_token_learned(self, 0, 0);
  eim_secret_unref(self->token);
  eim_secret_unref(self->password);
  self->token = self->password = NULL;
  eim_pull_session_over(self);

  eim_error *canceled = cause ? (eim_error *)eim_error_ref(cause)
                              : eim_error_new(EIM_E_CANCELED, EIM_DOMAIN_LOCAL, EIM_E_CANCELED, 0,
                                              "close() was called");
  bool opening = self->opening, was_online = self->was_online;
  self->opening = self->was_online = false;
  eim_session_transit(self, EIM_STATE_OFFLINE, cause, 0, false);
  if (cause) eim_session_emit(self, EIM_EVENT_error, eim_object_ref(cause));
  if (was_online) eim_session_emit_change(self, EIM_EVENT_disconnected, before, cause, 0, false);
  if (opening) {
    eim_session_result(self, self->open_token, (eim_error *)eim_error_ref(canceled), "{}");
    self->open_token = 0;
  }
  eim_outbox_fail(self, canceled);
  eim_request_fail(self, canceled);
  eim_side_fail(self, canceled, true); /* renewals belong to the session, registrations do not */
  self->attempt = 0;
  eim_session_arm_deadlines(self);
  eim_error_unref(canceled);
  eim_error_unref(cause);
}
