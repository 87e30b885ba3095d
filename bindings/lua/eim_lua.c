/* eim_lua.c - the inbox, and payloads as Lua tables. */
#include "eim_lua.h"

#include <lauxlib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef enum kind {
#define X(name, type) KIND_##name,
  EIM_EVENTS(X)
#undef X
} kind;

typedef struct entry {
  int number;
  kind what;
  const void *payload; /* counted */
} entry;

struct eim_lua_inbox {
  int head, tail;
  entry entries[EIM_LUA_BATCH];
};

/* The inbox of the innermost poll on this thread. */
static _Thread_local eim_lua_inbox *polling;

/* ------------------------------------------------------------------ in */

static bool room(const eim_lua_inbox *inbox) {
  return inbox && inbox->tail < EIM_LUA_BATCH; /* always: poll asks for no more than fit */
}

#define X(name, type)                                                                              \
  static void take_##name(void *number, const type *payload) {                                     \
    eim_lua_inbox *inbox = polling;                                                                \
    if (!room(inbox)) return;                                                                      \
    inbox->entries[inbox->tail++] =                                                                \
        (entry){(int)(intptr_t)number, KIND_##name, type##_ref(payload)};                          \
  }
EIM_EVENTS(X)
#undef X

static void release(const entry *self) {
  switch (self->what) {
#define X(name, type)                                                                              \
  case KIND_##name: type##_unref((type *)(uintptr_t)self->payload); break;
    EIM_EVENTS(X)
#undef X
  }
}

eim_lua_inbox *eim_lua_inbox_new(void) {
  return calloc(1, sizeof(eim_lua_inbox));
}

void eim_lua_inbox_free(eim_lua_inbox *self) {
  if (!self) return;
  while (self->head < self->tail) release(&self->entries[self->head++]);
  free(self);
}

int eim_lua_inbox_pending(const eim_lua_inbox *self) {
  return self->tail - self->head;
}

eim_status eim_lua_poll(eim_context *context, eim_lua_inbox *inbox, int timeout_ms,
                        int max_events) {
  if (inbox->head < inbox->tail) return inbox->tail - inbox->head;
  inbox->head = inbox->tail = 0;
  if (max_events <= 0 || max_events > EIM_LUA_BATCH) max_events = EIM_LUA_BATCH;
  eim_lua_inbox *outer = polling;
  polling = inbox;
  eim_status status = eim_context_poll(context, timeout_ms, max_events);
  polling = outer;
  return status < 0 ? status : inbox->tail;
}

eim_status eim_lua_attach(eim_client *client, int number) {
  eim_handlers handlers = EIM_HANDLERS_INIT;
  handlers.user_data = (void *)(intptr_t)number;
#define X(name, type) handlers.on_##name = take_##name;
  EIM_EVENTS(X)
#undef X
  handlers.on_token_request = NULL;
  return eim_client_add_event_handler(client, "lua", &handlers);
}

eim_status eim_lua_attach_provider(eim_client *client, int number) {
  eim_handlers handlers = EIM_HANDLERS_INIT;
  handlers.user_data = (void *)(intptr_t)number;
  handlers.on_token_request = take_token_request;
  return eim_client_add_event_handler(client, "provider", &handlers);
}

int eim_lua_number(void) {
  static atomic_int last;
  return atomic_fetch_add(&last, 1) + 1;
}

double eim_lua_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ------------------------------------------------------------------ out */

void eim_lua_push_int64(lua_State *L, int64_t value) {
#if LUA_VERSION_NUM >= 503
  lua_pushinteger(L, value);
#else
  lua_pushnumber(L, (lua_Number)value);
#endif
}

static void set_string(lua_State *L, const char *name, const char *value) {
  if (!value) return;
  lua_pushstring(L, value);
  lua_setfield(L, -2, name);
}

static void set_int(lua_State *L, const char *name, int64_t value) {
  eim_lua_push_int64(L, value);
  lua_setfield(L, -2, name);
}

static void set_bool(lua_State *L, const char *name, bool value) {
  lua_pushboolean(L, value);
  lua_setfield(L, -2, name);
}

static void set_meta(lua_State *L, const char *name, int metas) {
  if (!metas) return;
  lua_getfield(L, metas, name);
  lua_setmetatable(L, -2);
}

static void set_error(lua_State *L, const char *name, const eim_error *error, int metas) {
  if (!error) return;
  eim_lua_push_error(L, error, metas);
  lua_setfield(L, -2, name);
}

static const char *domain_name(eim_domain domain) {
  static const char *const names[] = {"local", "os", "tls", "http", "server"};
  return (unsigned)domain < sizeof names / sizeof *names ? names[domain] : "local";
}

static const char *chat_type_name(eim_chat_type type) {
  return type == EIM_CHAT_GROUP ? "groupChat" : type == EIM_CHAT_ROOM ? "chatRoom" : "singleChat";
}

void eim_lua_push_error(lua_State *L, const eim_error *self, int metas) {
  lua_createtable(L, 0, 12);
  set_int(L, "code", eim_error_code(self));
  set_string(L, "name", eim_error_name(self));
  set_string(L, "domain", domain_name(eim_error_domain(self)));
  set_int(L, "native", eim_error_native(self));
  set_string(L, "message", eim_error_message(self));
  set_bool(L, "isRetriable", eim_error_is_retriable(self));
  set_bool(L, "isFinal", eim_error_is_final(self));
  set_bool(L, "mayHaveHappened", eim_error_may_have_happened(self));
  set_string(L, "detailJson", eim_error_detail(self));
  set_int(L, "webCode", eim_error_web_code(self));
  set_meta(L, "error", metas);
}

void eim_lua_push_failure(lua_State *L, eim_status status) {
  const eim_error *error = eim_last_error();
  lua_pushnil(L);
  if (error) {
    eim_lua_push_error(L, error, 0);
    return;
  }
  lua_createtable(L, 0, 8);
  set_int(L, "code", status);
  set_string(L, "name", eim_status_name(status));
  set_string(L, "message", eim_status_name(status));
  set_string(L, "detailJson", "{}");
}

static void push_eim_error(lua_State *L, const eim_error *self, int metas) {
  eim_lua_push_error(L, self, metas);
}

static void push_eim_state_change(lua_State *L, const eim_state_change *self, int metas) {
  lua_createtable(L, 0, 10);
  set_string(L, "state", eim_state_name(eim_state_change_state(self)));
  set_string(L, "previous", eim_state_name(eim_state_change_previous(self)));
  set_error(L, "cause", eim_state_change_cause(self), metas);
  set_int(L, "attempt", eim_state_change_attempt(self));
  set_int(L, "nextRetryMs", eim_state_change_next_retry_ms(self));
  set_bool(L, "willRetry", eim_state_change_will_retry(self));
  set_string(L, "user", eim_state_change_user(self));
  set_string(L, "resource", eim_state_change_resource(self));
  set_meta(L, "state", metas);
}

static void push_eim_token_event(lua_State *L, const eim_token_event *self, int metas) {
  static const char *const reasons[] = {"", "WILL_EXPIRE", "EXPIRED", "REFUSED"};
  unsigned reason = eim_token_event_reason(self);
  lua_createtable(L, 0, 5);
  set_string(L, "reason", reason < sizeof reasons / sizeof *reasons ? reasons[reason] : "");
  set_int(L, "expiresAt", eim_token_event_expires_at(self));
  set_int(L, "remainingMs", eim_token_event_remaining_ms(self));
  set_int(L, "deadlineMs", eim_token_event_deadline_ms(self));
  set_meta(L, "token", metas);
}

static void push_eim_message(lua_State *L, const eim_message *self, int metas) {
  lua_createtable(L, 0, 14);
  set_string(L, "id", eim_message_id(self));
  set_string(L, "from", eim_message_from(self));
  set_string(L, "to", eim_message_to(self));
  set_string(L, "fromResource", eim_message_from_resource(self));
  set_int(L, "time", eim_message_time(self));
  set_string(L, "type", eim_message_type(self));
  set_string(L, "chatType", chat_type_name(eim_message_get_chat_type(self)));
  set_string(L, "text", eim_message_text(self));
  set_string(L, "extJson", eim_message_ext(self));
  set_string(L, "bodyJson", eim_message_body(self));
  eim_lua_push_message(L, self);
  lua_setfield(L, -2, "handle");
  set_meta(L, "message", metas);
}

static void push_eim_receipt(lua_State *L, const eim_receipt *self, int metas) {
  static const char *const kinds[] = {"", "sent", "delivered", "read", "channel", "recalled"};
  unsigned what = eim_receipt_get_kind(self);
  lua_createtable(L, 0, 9);
  set_string(L, "kind", what < sizeof kinds / sizeof *kinds ? kinds[what] : "");
  set_string(L, "messageId", eim_receipt_message_id(self));
  set_string(L, "localId", eim_receipt_local_id(self));
  set_string(L, "from", eim_receipt_from(self));
  set_string(L, "to", eim_receipt_to(self));
  set_string(L, "chatType", chat_type_name(eim_receipt_get_chat_type(self)));
  set_int(L, "time", eim_receipt_time(self));
  set_string(L, "json", eim_receipt_json(self));
  set_meta(L, "receipt", metas);
}

static void push_eim_notice(lua_State *L, const eim_notice *self, int metas) {
  lua_createtable(L, 0, 4);
  set_string(L, "name", eim_notice_name(self));
  set_string(L, "json", eim_notice_json(self));
  set_meta(L, "notice", metas);
}

static void push_eim_progress(lua_State *L, const eim_progress *self, int metas) {
  lua_createtable(L, 0, 4);
  set_int(L, "token", (int64_t)eim_progress_token(self));
  set_int(L, "done", eim_progress_done(self));
  set_int(L, "total", eim_progress_total(self));
  set_meta(L, "progress", metas);
}

static void push_eim_result(lua_State *L, const eim_result *self, int metas) {
  size_t length, count = eim_result_message_count(self);
  const char *bytes = eim_result_bytes(self, &length);
  lua_createtable(L, 0, 10);
  set_int(L, "token", (int64_t)eim_result_token(self));
  set_error(L, "error", eim_result_error(self), metas);
  set_string(L, "messageId", eim_result_message_id(self));
  set_string(L, "localId", eim_result_local_id(self));
  set_int(L, "time", eim_result_time(self));
  set_string(L, "json", eim_result_json(self));
  if (length) {
    lua_pushlstring(L, bytes, length);
    lua_setfield(L, -2, "bytes");
  }
  if (count) {
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
      push_eim_message(L, eim_result_message(self, i), metas);
      lua_rawseti(L, -2, (int)i + 1);
    }
    lua_setfield(L, -2, "messages");
  }
  set_meta(L, "result", metas);
}

/* Names of events are those of the handlers in camel case: token_will_expire is tokenWillExpire. */
static void push_name(lua_State *L, const char *name) {
  char camel[32];
  size_t length = 0;
  for (; *name && length < sizeof camel; name++) {
    bool upper = *name == '_' && name[1];
    if (upper) name++;
    camel[length++] = upper ? (char)(*name - 'a' + 'A') : *name;
  }
  lua_pushlstring(L, camel, length);
}

int eim_lua_take(lua_State *L, eim_lua_inbox *self, int metas) {
  if (self->head == self->tail) return 0;
  const entry *first = &self->entries[self->head];
  luaL_checkstack(L, 8, NULL);
  lua_pushinteger(L, first->number);
  switch (first->what) {
#define X(name, type)                                                                              \
  case KIND_##name:                                                                                \
    push_name(L, #name);                                                                           \
    push_##type(L, first->payload, metas);                                                         \
    break;
    EIM_EVENTS(X)
#undef X
  }
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, "event");
  /* Only now: an error of memory above leaves the event where it is. */
  self->head++;
  release(first);
  return 3;
}

/* ------------------------------------------------------------------ loading */

/* SWIG keeps its types in static variables and some names in the table of globals. Hosts with Lua
 * states on several threads load under a lock; strict hosts see no new global. */
int luaopen_eim_core(lua_State *L) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  const char *const globals[] = {"swig_type", "swig_equals", eim_lua_swig_global};
  pthread_mutex_lock(&lock);
  lua_pushcfunction(L, eim_lua_open_swig);
  int failed = lua_pcall(L, 0, 1, 0);
  pthread_mutex_unlock(&lock);
  if (failed) return lua_error(L);
#if LUA_VERSION_NUM >= 502
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
#else
  lua_pushvalue(L, LUA_GLOBALSINDEX);
#endif
  for (size_t i = 0; i < sizeof globals / sizeof *globals; i++) {
    lua_pushstring(L, globals[i]);
    lua_pushnil(L);
    lua_rawset(L, -3);
  }
  lua_pop(L, 1);
  return 1;
}
