#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cJSON.h"

static int64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static peer_event *add(peer *self, peer_kind kind) {
  static peer_event overflow;
  peer_event *e = self->count < PEER_EVENTS ? &self->events[self->count++] : &overflow;
  memset(e, 0, sizeof *e);
  e->kind = kind;
  return e;
}

static void add_change(peer *self, peer_kind kind, const eim_state_change *change) {
  peer_event *e = add(self, kind);
  e->state = eim_state_change_state(change);
  e->attempt = eim_state_change_attempt(change);
  e->next_retry = eim_state_change_next_retry_ms(change);
  e->error = eim_error_ref(eim_state_change_cause(change));
}

static void on_state(void *self, const eim_state_change *c) {
  add_change(self, PEER_STATE, c);
}
static void on_connected(void *self, const eim_state_change *c) {
  add_change(self, PEER_CONNECTED, c);
}
static void on_disconnected(void *self, const eim_state_change *c) {
  add_change(self, PEER_DISCONNECTED, c);
}
static void on_reconnecting(void *self, const eim_state_change *c) {
  add_change(self, PEER_RECONNECTING, c);
}
static void on_will_expire(void *self, const eim_token_event *e) {
  (void)e;
  add(self, PEER_WILL_EXPIRE);
}
static void on_expired(void *self, const eim_token_event *e) {
  (void)e;
  add(self, PEER_EXPIRED);
}
static void on_request(void *self, const eim_token_event *e) {
  (void)e;
  add(self, PEER_TOKEN_REQUEST);
}
static void on_error(void *self, const eim_error *error) {
  add(self, PEER_ERROR)->error = eim_error_ref(error);
}
static void on_message(void *self, const eim_message *message) {
  add(self, PEER_MESSAGE)->message = eim_message_ref(message);
}
static void on_receipt(void *self, const eim_receipt *receipt) {
  peer_event *e = add(self, PEER_RECEIPT);
  e->receipt = eim_receipt_ref(receipt);
  snprintf(e->text, sizeof e->text, "%s", eim_receipt_message_id(receipt));
}
static void on_notice(void *self, const eim_notice *notice) {
  peer_event *e = add(self, PEER_NOTICE);
  snprintf(e->text, sizeof e->text, "%s", eim_notice_name(notice));
}
static void on_result(void *self, const eim_result *result) {
  peer_event *e = add(self, PEER_RESULT);
  e->token = eim_result_token(result);
  e->result = eim_result_ref(result);
  e->error = eim_error_ref(eim_result_error(result));
}
static void on_released(void *self) {
  ((peer *)self)->released++;
}

static void must(eim_status status, const char *what) {
  if (status >= 0) return;
  fprintf(stderr, "%s: %s\n", what, eim_error_message(eim_last_error()));
  exit(1);
}

void peer_start(peer *self, eim_context *context, int io_threads, const char *const *options) {
  memset(self, 0, sizeof *self);
  eim_config *config;
  must(eim_config_new(&config), "config");
  for (; options && *options; options++) {
    char key[64];
    const char *equals = strchr(*options, '=');
    snprintf(key, sizeof key, "%.*s", (int)(equals - *options), *options);
    must(eim_config_set(config, key, equals + 1), "option");
  }
  if (context) {
    self->context = eim_context_ref(context);
  } else {
    char threads[8];
    snprintf(threads, sizeof threads, "%d", io_threads);
    must(eim_config_set(config, "ioThreads", threads), "ioThreads");
    must(eim_context_new(config, &self->context), "context");
    self->owns_context = true;
  }
  must(eim_client_new(self->context, config, &self->client), "client");
  eim_config_free(config);
  eim_handlers handlers = EIM_HANDLERS_INIT;
  handlers.user_data = self;
  handlers.on_released = on_released;
  handlers.on_state = on_state;
  handlers.on_connected = on_connected;
  handlers.on_disconnected = on_disconnected;
  handlers.on_reconnecting = on_reconnecting;
  handlers.on_token_will_expire = on_will_expire;
  handlers.on_token_expired = on_expired;
  handlers.on_error = on_error;
  handlers.on_message = on_message;
  handlers.on_receipt = on_receipt;
  handlers.on_notice = on_notice;
  handlers.on_result = on_result;
  must(eim_client_add_event_handler(self->client, "peer", &handlers), "handlers");
}

void peer_stop(peer *self) {
  eim_client_shutdown(self->client);
  eim_client_unref(self->client);
  if (self->owns_context) eim_context_shutdown(self->context); /* joins its thread */
  eim_context_unref(self->context);
  if (self->released != 1 + self->provide)
    fprintf(stderr, "on_released ran %d times\n", self->released);
  for (int i = 0; i < self->count; i++) {
    eim_error_unref(self->events[i].error);
    eim_message_unref(self->events[i].message);
    eim_result_unref(self->events[i].result);
    eim_receipt_unref(self->events[i].receipt);
  }
}

static bool pump(peer *self, int64_t end) {
  int64_t left = end - now_ms();
  if (left <= 0) return false;
  if (eim_context_poll(self->context, left < 1000 ? (int)left : 1000, 0) < 0) {
    fprintf(stderr, "poll: %s\n", eim_error_message(eim_last_error()));
    return false;
  }
  return true;
}

const peer_event *peer_wait(peer *self, int kinds, int timeout_ms) {
  int64_t end = now_ms() + timeout_ms;
  do {
    while (self->seen < self->count) {
      const peer_event *e = &self->events[self->seen++];
      if (e->kind & kinds) return e;
    }
  } while (pump(self, end));
  return NULL;
}

const peer_event *peer_result(peer *self, uint64_t token) {
  int64_t end = now_ms() + PEER_WAIT * 4;
  int from = 0;
  if (!token) return NULL;
  do {
    for (; from < self->count; from++)
      if (self->events[from].kind == PEER_RESULT && self->events[from].token == token)
        return &self->events[from];
  } while (pump(self, end));
  return NULL;
}

int peer_code(peer *self, uint64_t token) {
  const peer_event *e = peer_result(self, token);
  if (!e) return INT32_MIN;
  return e->error ? eim_error_code(e->error) : 0;
}

bool peer_until(peer *self, eim_state state, int timeout_ms) {
  int64_t end = now_ms() + timeout_ms;
  while (eim_client_state(self->client) != state)
    if (!pump(self, end)) return false;
  return true;
}

int peer_count(const peer *self, int kinds) {
  int count = 0;
  for (int i = 0; i < self->count; i++) count += (self->events[i].kind & kinds) != 0;
  return count;
}

void peer_idle(peer *self, int ms) {
  int64_t end = now_ms() + ms;
  while (pump(self, end)) {}
}

static void on_request_only(void *self, const eim_token_event *e) {
  on_request(self, e);
}

static uint64_t next(peer *self, eim_status status) {
  return status < 0 ? 0 : self->last_token;
}

uint64_t peer_open_password(peer *self, const char *user, const char *password) {
  if (self->provide) {
    eim_handlers handlers = EIM_HANDLERS_INIT;
    handlers.user_data = self;
    handlers.on_released = on_released;
    handlers.on_token_request = on_request_only;
    must(eim_client_add_event_handler(self->client, "provider", &handlers), "provider");
  }
  return next(self, eim_client_open_password(self->client, user, password, ++self->last_token));
}

uint64_t peer_open_token(peer *self, const char *user, const char *access_token) {
  return next(self, eim_client_open_token(self->client, user, access_token, ++self->last_token));
}

uint64_t peer_register(peer *self, const char *user, const char *password) {
  return next(self,
              eim_client_register_user(self->client, user, password, NULL, ++self->last_token));
}

uint64_t peer_send(peer *self, const char *to, const char *text) {
  eim_message *message;
  if (eim_message_new_text(EIM_CHAT_SINGLE, to, text, NULL, &message)) return 0;
  eim_status status = eim_client_send(self->client, message, ++self->last_token);
  eim_message_unref(message);
  return next(self, status);
}

uint64_t peer_renew(peer *self, const char *access_token) {
  return next(self, eim_client_renew_token(self->client, access_token, ++self->last_token));
}

uint64_t peer_close(peer *self) {
  return next(self, eim_client_close(self->client, ++self->last_token));
}

bool peer_upload(peer *self, const char *path, char where[256], char secret[64]) {
  uint64_t token = ++self->last_token;
  if (eim_client_upload(self->client, path, NULL, 0, 0, token)) return false;
  const peer_event *got = peer_result(self, token);
  if (!got || got->error) return false;
  cJSON *json = cJSON_Parse(eim_result_json(got->result));
  const char *url = cJSON_GetStringValue(cJSON_GetObjectItem(json, "url"));
  const char *share = cJSON_GetStringValue(cJSON_GetObjectItem(json, "secret"));
  const cJSON *length = cJSON_GetObjectItem(json, "file_length");
  bool good = url && share && cJSON_IsNumber(length) && length->valuedouble >= 0;
  if (good) {
    snprintf(where, 256, "%s", url);
    snprintf(secret, 64, "%s", share);
  }
  cJSON_Delete(json);
  return good;
}
