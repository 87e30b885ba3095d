/* eim_lua.i - Lua 5.1 to 5.4 and LuaJIT, one source for all. Makes the module eim.core; people use
 * eim.lua, which is built on it.
 *
 * Statuses below zero come out as nil and a table that tells the error. Everything else of interest is
 * in eim_lua.h. */
%module eim_core

%begin %{
#define SWIG_TYPE_TABLE eim
%}

%{
#include "eim_lua.h"

const char *const eim_lua_swig_global =
    "swig_runtime_data_type_pointer" SWIG_RUNTIME_VERSION SWIG_TYPE_TABLE_NAME;

/* SWIG's own entry point: eim_lua.c has the one that Lua calls. */
#undef SWIG_init
#define SWIG_init eim_lua_open_swig
%}

/* ------------------------------------------------------------------ typemaps */

%typemap(out) eim_status %{
  if ($1 < 0) {
    eim_lua_push_failure(L, $1);
    SWIG_arg += 2;
  } else {
    lua_pushinteger(L, $1);
    SWIG_arg++;
  }
%}

%typemap(out) const eim_error * %{
  if ($1) eim_lua_push_error(L, $1, 0); else lua_pushnil(L);
  SWIG_arg++;
%}

%typemap(out) int64_t %{
  eim_lua_push_int64(L, $1);
  SWIG_arg++;
%}

/* Made by the library, owned by Lua from now on. Nothing comes out of a call that failed. */
%define EIM_OUT(type)
%typemap(in, numinputs=0) type **out (type *made = NULL) "$1 = &made;"
%typemap(argout) type **out %{
  if (*$1) {
    SWIG_NewPointerObj(L, *$1, $*descriptor, 1);
    SWIG_arg++;
  }
%}
%enddef
EIM_OUT(eim_config)
EIM_OUT(eim_context)
EIM_OUT(eim_client)
EIM_OUT(eim_message)

/* ------------------------------------------------------------------ the headers */

%ignore eim_client::add_event_handler; /* eim_lua_attach() instead */
%ignore eim_context::poll;             /* eim_lua_poll() */
%ignore eim_context::yield;
%ignore eim_result; /* pushed as a table by eim_lua.c */

%include "eim_api.i"

/* ------------------------------------------------------------------ the inbox */

typedef struct eim_lua_inbox {
} eim_lua_inbox;
%extend eim_lua_inbox {
  eim_lua_inbox() { return eim_lua_inbox_new(); }
  ~eim_lua_inbox() { eim_lua_inbox_free($self); }
  int pending();
}

eim_status eim_lua_poll(eim_context *context, eim_lua_inbox *inbox, int timeout_ms, int max_events);
eim_status eim_lua_attach(eim_client *client, int number);
eim_status eim_lua_attach_provider(eim_client *client, int number);
int eim_lua_number(void);
double eim_lua_now(void);

%{
void eim_lua_push_message(lua_State *L, const eim_message *message) {
  SWIG_NewPointerObj(L, (void *)eim_message_ref(message), SWIGTYPE_p_eim_message, 1);
}
%}

/* eim_lua_take(inbox, metatables): number, name, table; or nothing. */
%{
static int take(lua_State *L) {
  void *inbox = NULL;
  if (!lua_istable(L, 2) || !SWIG_IsOK(SWIG_ConvertPtr(L, 1, &inbox, SWIGTYPE_p_eim_lua_inbox, 0)) ||
      !inbox)
    return luaL_error(L, "eim_lua_take: an inbox and a table are needed");
  return eim_lua_take(L, inbox, 2);
}
%}
%native(eim_lua_take) int take(lua_State *L);
