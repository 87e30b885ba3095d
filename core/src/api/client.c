/* client.c - clients: check on the calling thread, post to the loop thread. Whether a request fits
 * the state is for the session to say, as its result. */
#include "api/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "log/log.h"
#include "model/build.h"
#include "model/error.h"
#include "model/message.h"
#include "model/options.h"

/* Sanity: no server takes more. */
enum {
  USER_MAX = 64,
  PASSWORD_MAX = 1024,
  TOKEN_MAX = 16384,
  NICKNAME_MAX = 1024,
  EXT_MAX = 1024,
  REASON_MAX = 1024
};

static atomic_uint_least64_t last_number; /* of a client in this process, for logs */

/* ------------------------------------------------------------------ commands */

typedef struct command {
  eim_task task;
  eim_client *client; /* its memory is held */
  eim_input input;    /* points at what follows */
  char *user, *text;
  eim_secret *secret;
  eim_message *message;
} command;

static bool is_sending(eim_input_kind kind) {
  return kind == EIM_IN_SEND || kind == EIM_IN_ACT;
}

static void free_command(command *self) {
  free(self->user);
  free(self->text);
  eim_secret_unref(self->secret);
  eim_message_unref(self->message);
  eim_object_unref(self->client);
  free(self);
}

/* A client without driver: say so, or the request would never end. */
static void answer_without_driver(const command *self) {
  if (!self->input.token) return;
  eim_error *error = eim_error_new(EIM_E_NOMEM, EIM_DOMAIN_LOCAL, EIM_E_NOMEM, EIM_ERROR_RETRIABLE,
                                   "client: there was no memory to set it up");
  eim_result *result = eim_result_new(self->input.token, error, NULL, NULL, 0, NULL);
  eim_error_unref(error);
  if (result) eim_endpoint_push(&self->client->endpoint, EIM_EVENT_result, result, 0);
}

static void run_command(eim_task *task, bool canceled) {
  command *self = (command *)task;
  eim_client *client = self->client;
  if (is_sending(self->input.kind)) atomic_fetch_sub(&client->posted_sends, 1);
  if (!canceled && !atomic_load(&client->closed)) {
    if (self->input.kind == EIM_IN_PROVIDER)
      self->input.up = eim_endpoint_handles(&client->endpoint, EIM_EVENT_token_request);
    self->input.user = self->user;
    self->input.text = self->text;
    self->input.secret = self->secret;
    self->input.message = self->message;
    self->input.action.to = self->user;
    self->input.action.text = self->text;
    self->input.action.message = self->message;
    if (client->driver)
      eim_driver_input(client->driver, &self->input);
    else
      answer_without_driver(self);
  }
  free_command(self);
}

eim_status eim_client_post(eim_client *self, const eim_input *input, const char *user,
                           const char *secret, const char *text, const eim_message *message) {
  command *c = calloc(1, sizeof *c);
  if (c) {
    c->task.run = run_command;
    c->client = eim_object_ref(self);
    c->input = *input;
    c->user = eim_strdup(user);
    c->text = eim_strdup(text);
    c->secret = eim_secret_new(secret);
    c->message = eim_message_ref(message);
  }
  if (!c || (user && !c->user) || (text && !c->text) || (secret && !c->secret)) {
    if (c) free_command(c);
    return eim_fail(EIM_E_NOMEM, "client: out of memory");
  }
  if (is_sending(input->kind)) atomic_fetch_add(&self->posted_sends, 1);
  eim_context_post(self->context, self->slot, &c->task);
  return EIM_OK;
}

eim_status eim_client_usable(const eim_client *self) {
  if (!self) return eim_fail(EIM_E_INVALID, "client: NULL");
  eim_status status = eim_context_usable(self->context);
  if (!status && atomic_load(&self->closed)) status = eim_fail(EIM_E_CLOSED, "client: shut down");
  return status;
}

/* ------------------------------------------------------------------ life */

static void sink_emit(void *user, eim_event_kind kind, void *payload, uint64_t seq) {
  eim_client *self = user;
  /* Before the event can be seen: whoever gets it finds eim_client_state() where the event says. */
  if (kind == EIM_EVENT_state)
    atomic_store(&self->state, (int)eim_state_change_state((const eim_state_change *)payload));
  if (!eim_endpoint_push_quietly(&self->endpoint, kind, payload, seq))
    LOG_ERROR("api", self->number, "out of memory: an event is lost");
}

static void sink_state(void *user, eim_state state) {
  atomic_store(&((eim_client *)user)->state, (int)state);
}

static void report_done(eim_endpoint *endpoint, uint64_t seq) {
  eim_input input = {.kind = EIM_IN_DONE, .seq = seq};
  if (eim_client_post((eim_client *)endpoint, &input, NULL, NULL, NULL, NULL))
    LOG_ERROR("api", ((eim_client *)endpoint)->number, "out of memory: receiving may stand still");
}

static void destroy_client(void *client) {
  eim_client *self = client;
  eim_object_unref(self->settings);
  eim_context_drop(self->context);
  free(self);
}

/* The first and the last task of a client are a struct of their own: the last must not fail. */
typedef struct life_task {
  eim_task task;
  eim_client *client;
} life_task;

static void run_begin(eim_task *task, bool canceled) {
  life_task *self = (life_task *)task;
  eim_client *client = self->client;
  if (!canceled && !atomic_load(&client->closed)) {
    eim_sink sink = {client, sink_emit, sink_state};
    client->driver = eim_driver_new(eim_context_loop(client->context, client->slot),
                                    client->settings, &sink, client->number);
    if (!client->driver) LOG_ERROR("api", client->number, "out of memory: no session");
  }
  eim_object_unref(client);
  free(self);
}

static void run_last(eim_task *task, bool canceled) {
  life_task *self = (life_task *)task;
  eim_client *client = self->client;
  if (!canceled && client->driver) {
    eim_input input = {.kind = EIM_IN_SHUTDOWN};
    eim_driver_input(client->driver, &input);
    eim_driver_free(client->driver);
  }
  client->driver = NULL; /* when canceled, the loop took it along */
  eim_object_unref(client);
  free(self);
}

eim_status eim_client_new(eim_context *context, const eim_config *config, eim_client **out) {
  eim_settings *settings;
  eim_status status = eim_context_usable(context);
  if (status) return status;
  if (!out) return eim_fail(EIM_E_INVALID, "client: out is NULL");
  if ((status = eim_context_settings(context, config, &settings))) return status;
  eim_client *self = calloc(1, sizeof *self);
  life_task *begin = malloc(sizeof *begin), *last = malloc(sizeof *last);
  if (!self || !begin || !last) {
    free(self);
    free(begin);
    free(last);
    eim_object_unref(settings);
    return eim_fail(EIM_E_NOMEM, "client: out of memory");
  }
  eim_endpoint_init(&self->endpoint, eim_context_queue(context), destroy_client, report_done);
  atomic_init(&self->handles, 1);
  atomic_init(&self->state, EIM_STATE_OFFLINE);
  self->context = eim_context_hold(context);
  self->settings = settings;
  self->number = atomic_fetch_add(&last_number, 1) + 1;
  self->slot = (int)(self->number % (uint64_t)eim_context_loop_count(context));
  *begin = (life_task){{NULL, run_begin}, eim_object_ref(self)};
  *last = (life_task){{NULL, run_last}, eim_object_ref(self)};
  self->last_task = &last->task;
  if (!eim_context_add_client(context, self)) {
    for (int i = 0; i < 3; i++) eim_object_unref(self); /* the tasks' and our own */
    free(begin);
    free(last);
    return eim_fail(EIM_E_CLOSED, "client: the context is shut down");
  }
  /* The context may have been shut down meanwhile: then this one sees that the client is closed. */
  eim_context_post(context, self->slot, &begin->task);
  *out = self;
  return EIM_OK;
}

void eim_client_end(eim_client *self, bool wait) {
  bool first = eim_context_retire_client(self->context, self);
  eim_endpoint_shutdown(&self->endpoint, wait);
  if (first) eim_context_unref(self->context);
}

eim_client *eim_client_ref(eim_client *self) {
  if (self) atomic_fetch_add(&self->handles, 1);
  return self;
}

void eim_client_unref(eim_client *self) {
  if (!self || eim_context_forked(self->context)) return;
  if (atomic_fetch_sub(&self->handles, 1) != 1) return;
  eim_client_end(self, false);
  eim_object_unref(self);
}

void eim_client_shutdown(eim_client *self) {
  if (!self || eim_context_forked(self->context)) return;
  eim_object_ref(self);
  eim_client_end(self, true);
  eim_object_unref(self);
}

eim_state eim_client_state(const eim_client *self) {
  if (!self || atomic_load(&self->closed)) return EIM_STATE_CLOSED;
  return (eim_state)atomic_load(&self->state);
}

/* ------------------------------------------------------------------ handlers */

/* Whether there is a provider is read on the loop thread, so the last change always wins. */
static void tell_provider(eim_client *self) {
  eim_input input = {.kind = EIM_IN_PROVIDER};
  if (eim_client_post(self, &input, NULL, NULL, NULL, NULL))
    LOG_ERROR("api", self->number, "out of memory: the token provider is not known");
}

eim_status eim_client_add_event_handler(eim_client *self, const char *id,
                                        const eim_handlers *handlers) {
  eim_status status = eim_client_usable(self);
  if (!status) status = eim_endpoint_add_handler(&self->endpoint, id, handlers);
  if (!status) tell_provider(self);
  return status;
}

eim_status eim_client_remove_event_handler(eim_client *self, const char *id) {
  eim_status status = eim_client_usable(self);
  if (!status) status = eim_endpoint_remove_handler(&self->endpoint, id);
  if (!status) tell_provider(self);
  return status;
}

/* ------------------------------------------------------------------ requests */

static eim_status refuse(int32_t code, const char *what, const char *problem) {
  return eim_fail_with(EIM_E_INVALID, eim_error_new(code, EIM_DOMAIN_LOCAL, EIM_E_INVALID, 0,
                                                    "client: %s %s", what, problem));
}

/* Never with the value: it may be a secret. */
static eim_status check_text(const char *text, int32_t code, int32_t too_long_code,
                             const char *what, size_t max) {
  size_t length = text ? strlen(text) : 0;
  char problem[64];
  if (!length) return refuse(code, what, "is empty");
  if (length > max) {
    snprintf(problem, sizeof problem, "is longer than %zu bytes", max);
    return refuse(too_long_code, what, problem);
  }
  if (!eim_utf8_valid(text, length)) return refuse(code, what, "is not valid UTF-8");
  for (const char *c = text; *c; c++)
    if ((unsigned char)*c < 0x20 || *c == 0x7f)
      return refuse(code, what, "has a control character in it");
  return EIM_OK;
}

static eim_status check_user(const char *user) {
  return check_text(user, EIM_CODE_INVALID_USER_NAME, EIM_CODE_USER_NAME_TOO_LONG, "user",
                    USER_MAX);
}

static eim_status check_password(const char *password) {
  return check_text(password, EIM_CODE_INVALID_PASSWORD, EIM_CODE_INVALID_PASSWORD, "password",
                    PASSWORD_MAX);
}

static eim_status check_token(const char *token) {
  return check_text(token, EIM_CODE_INVALID_TOKEN, EIM_CODE_INVALID_TOKEN, "access token",
                    TOKEN_MAX);
}

eim_status eim_client_register_user(eim_client *self, const char *username, const char *password,
                                    const char *nickname, uint64_t token) {
  eim_input input = {.kind = EIM_IN_REGISTER, .token = token};
  eim_status status = eim_client_usable(self);
  if (status || (status = check_user(username)) || (status = check_password(password)))
    return status;
  if (nickname && *nickname &&
      (status = check_text(nickname, EIM_CODE_USER_ILLEGAL_ARGUMENT, EIM_CODE_USER_ILLEGAL_ARGUMENT,
                           "nickname", NICKNAME_MAX)))
    return status;
  return eim_client_post(self, &input, username, password, nickname && *nickname ? nickname : NULL,
                         NULL);
}

eim_status eim_client_open_password(eim_client *self, const char *user, const char *password,
                                    uint64_t token) {
  eim_input input = {.kind = EIM_IN_OPEN, .token = token};
  eim_status status = eim_client_usable(self);
  if (status || (status = check_user(user)) || (status = check_password(password))) return status;
  return eim_client_post(self, &input, user, password, NULL, NULL);
}

eim_status eim_client_open_token(eim_client *self, const char *user, const char *access_token,
                                 uint64_t token) {
  eim_input input = {.kind = EIM_IN_OPEN, .token = token, .is_token = true};
  eim_status status = eim_client_usable(self);
  if (status || (status = check_user(user)) || (status = check_token(access_token))) return status;
  return eim_client_post(self, &input, user, access_token, NULL, NULL);
}

eim_status eim_client_close(eim_client *self, uint64_t token) {
  eim_input input = {.kind = EIM_IN_CLOSE, .token = token};
  eim_status status = eim_client_usable(self);
  return status ? status : eim_client_post(self, &input, NULL, NULL, NULL, NULL);
}

eim_status eim_client_renew_token(eim_client *self, const char *access_token, uint64_t token) {
  eim_input input = {.kind = EIM_IN_RENEW, .token = token, .is_token = true};
  eim_status status = eim_client_usable(self);
  if (status || (status = check_token(access_token))) return status;
  return eim_client_post(self, &input, NULL, access_token, NULL, NULL);
}

eim_status eim_client_token_unavailable(eim_client *self, const char *reason) {
  eim_input input = {.kind = EIM_IN_NO_TOKEN};
  eim_status status = eim_client_usable(self);
  if (status) return status;
  if (reason && *reason &&
      (status = check_text(reason, EIM_CODE_INVALID_PARAM, EIM_CODE_INVALID_PARAM, "reason",
                           REASON_MAX)))
    return status;
  return eim_client_post(self, &input, NULL, NULL, reason, NULL);
}

eim_status eim_client_health(eim_client *self, uint64_t token) {
  eim_input input = {.kind = EIM_IN_HEALTH, .token = token};
  eim_status status = eim_client_usable(self);
  return status ? status : eim_client_post(self, &input, NULL, NULL, NULL, NULL);
}

eim_status eim_client_network_changed(eim_client *self, bool up) {
  eim_input input = {.kind = EIM_IN_NETWORK, .up = up};
  eim_status status = eim_client_usable(self);
  return status ? status : eim_client_post(self, &input, NULL, NULL, NULL, NULL);
}

eim_status eim_client_set_login_ext(eim_client *self, const char *ext) {
  eim_input input = {.kind = EIM_IN_LOGIN_EXT};
  eim_status status = eim_client_usable(self);
  if (status) return status;
  if (ext && !eim_utf8_valid(ext, strlen(ext)))
    return refuse(EIM_CODE_INVALID_PARAM, "login ext", "is not valid UTF-8");
  if (ext && eim_utf16_length(ext) > EXT_MAX)
    return refuse(EIM_CODE_INVALID_PARAM, "login ext", "is longer than 1024 UTF-16 units");
  return eim_client_post(self, &input, NULL, NULL, ext, NULL);
}

eim_status eim_client_room_to_send(const eim_client *self) {
  /* The session has the limit proper; this one is for what has not reached it yet. */
  if (atomic_load(&self->posted_sends) >= self->settings->max_pending_sends)
    return eim_fail(EIM_E_FULL, "client: %d sends wait already (maxPendingSends)",
                    self->settings->max_pending_sends);
  return EIM_OK;
}

eim_status eim_client_send(eim_client *self, const eim_message *message, uint64_t token) {
  eim_input input = {.kind = EIM_IN_SEND, .token = token};
  eim_status status = eim_client_usable(self);
  if (status) return status;
  if (!message) return eim_fail(EIM_E_INVALID, "client: message is NULL");
  if ((status = eim_message_sendable(message))) return status;
  if ((status = eim_client_room_to_send(self))) return status;
  if (message->path || message->part_count) return eim_client_send_file(self, message, token);
  return eim_client_post(self, &input, NULL, NULL, NULL, message);
}

eim_status eim_client_cancel(eim_client *self, uint64_t token) {
  eim_input input = {.kind = EIM_IN_CANCEL, .token = token};
  eim_status status = eim_client_usable(self);
  if (status) return status;
  if (!token) return eim_fail(EIM_E_INVALID, "client: token 0 names no request");
  return eim_client_post(self, &input, NULL, NULL, NULL, NULL);
}
