/* eim_lua.h - what the Lua module has beside the headers SWIG wraps: an inbox for events.
 *
 * Callbacks of the library never touch a Lua state. They take a reference of the payload and put it
 * into the inbox of the poll that is running on this thread; when eim_context_poll() has returned,
 * Lua takes the events out, one by one, and calls the handlers itself. So no Lua error can jump
 * over a frame of the library, handlers may yield or poll again, and there is nothing in the
 * registry that could leak. */
#ifndef EIM_LUA_H
#define EIM_LUA_H

#include <eim/eim.h>
#include <lua.h>

/* Events that one poll may bring: an inbox never grows and never overflows. */
#define EIM_LUA_BATCH 256

typedef struct eim_lua_inbox eim_lua_inbox;

eim_lua_inbox *eim_lua_inbox_new(void);
/* Releases what was not taken. */
void eim_lua_inbox_free(eim_lua_inbox *self);
int eim_lua_inbox_pending(const eim_lua_inbox *self);

/* Poll into the inbox: the number of events in it. Those left from before come first. */
eim_status eim_lua_poll(eim_context *context, eim_lua_inbox *inbox, int timeout_ms, int max_events);
/* Let events of the client come into inboxes under this number. on_token_request is apart, because
 * its presence makes the client a token provider. */
eim_status eim_lua_attach(eim_client *client, int number);
eim_status eim_lua_attach_provider(eim_client *client, int number);
/* Number of a new client, never used twice in this process. */
int eim_lua_number(void);
/* Seconds of a clock that never jumps. */
double eim_lua_now(void);

/* Take one event: pushes its number, its name and its table, or nothing. metas: index of a table of
 * metatables by payload kind ("message", "error" ...). Returns how many values were pushed. */
int eim_lua_take(lua_State *L, eim_lua_inbox *self, int metas);
/* A table with the fields of the error; metas may be 0. */
void eim_lua_push_error(lua_State *L, const eim_error *error, int metas);
/* nil and the error of the call that just failed. */
void eim_lua_push_failure(lua_State *L, eim_status status);
/* Exact where the Lua has integers. */
void eim_lua_push_int64(lua_State *L, int64_t value);

/* Push a userdata that holds a reference of the message: what calls about it take. */
void eim_lua_push_message(lua_State *L, const eim_message *message);

/* As SWIG makes it; luaopen_eim_core() goes around it. */
int eim_lua_open_swig(lua_State *L);
/* The global in which SWIG keeps its types while it loads. */
extern const char *const eim_lua_swig_global;
__attribute__((visibility("default"))) int luaopen_eim_core(lua_State *L);

#endif
