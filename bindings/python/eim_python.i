/* eim_python.i - Python's part of the wrapper: the module eim._core over the extension eim._eim.
 * Not for users: the package eim (src/eim) is the facade that gives it types and manners.
 *
 * Rules held here, each the cure of a crash or hang that was reproduced (README.md):
 *  - The GIL is released around every call that can block or take a lock of the library. poll()
 *    alone keeps it: it only dispatches, and its callbacks are Python.
 *  - No thread of the library ever enters Python. Handlers run inside poll(); on_released may come on
 *    any thread and only puts the sink on a list that the next call with the GIL empties.
 *  - C holds a sink, the sink holds one callable. That callable (eim._link.Link) knows its client
 *    weakly, so that application and client form no cycle the gc cannot see.
 *  - An exception in a handler stays set, poll() returns after that event and raises it. */
%module(package="eim") _core

/* <errno.h>: SWIG 4.3.0 forgets it under Py_LIMITED_API. */
%begin %{
#include <errno.h>
%}

%{
#include <eim/eim.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ------------------------------------------------------------------ sinks */

typedef struct eim_py_sink {
  PyObject *target; /* callable(name, payload) */
  bool handed_over; /* on_released will come */
  struct eim_py_sink *next;
} eim_py_sink;

static _Atomic(eim_py_sink *) eim_py_released;
static _Thread_local eim_context *eim_py_polling; /* set while this thread is inside poll() */

static void eim_py_sink_free(eim_py_sink *self) { /* with the GIL */
  Py_XDECREF(self->target);
  free(self);
}

/* Any thread, no GIL. */
static void eim_py_on_released(void *user_data) {
  eim_py_sink *self = user_data;
  self->next = atomic_load(&eim_py_released);
  while (!atomic_compare_exchange_weak(&eim_py_released, &self->next, self)) {
  }
}

/* With the GIL: what was released meanwhile lets go of its Python object. */
static void eim_py_collect(void) {
  if (!atomic_load(&eim_py_released)) return;
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  eim_py_sink *sink = atomic_exchange(&eim_py_released, NULL);
  while (sink) {
    eim_py_sink *next = sink->next;
    eim_py_sink_free(sink);
    sink = next;
  }
  PyErr_Restore(type, value, trace);
}

/* Takes over the reference to payload. */
static void eim_py_deliver(void *user_data, PyObject *name, void *payload, swig_type_info *info) {
  eim_py_sink *self = user_data;
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace); /* of another handler set that got the same event */
  PyObject *object = SWIG_NewPointerObj(payload, info, SWIG_POINTER_OWN);
  PyObject *done = object ? PyObject_CallFunctionObjArgs(self->target, name, object, NULL) : NULL;
  Py_XDECREF(object);
  Py_XDECREF(done);
  if (type) {
    if (!done) PyErr_WriteUnraisable(self->target); /* one can leave poll(): the first */
    PyErr_Restore(type, value, trace);
  }
  if (!done && eim_py_polling) eim_context_yield(eim_py_polling);
}

#define X(name, type)                                                                              \
  static PyObject *eim_py_name_##name;                                                             \
  static void eim_py_on_##name(void *user_data, const type *payload) {                             \
    eim_py_deliver(user_data, eim_py_name_##name, (void *)type##_ref(payload),                     \
                   SWIGTYPE_p_##type);                                                             \
  }
EIM_EVENTS(X)
#undef X

static bool eim_py_names(void) {
#define X(name, type)                                                                              \
  if (!eim_py_name_##name && !(eim_py_name_##name = PyUnicode_InternFromString(#name)))            \
    return false;
  EIM_EVENTS(X)
#undef X
  return true;
}

static bool eim_py_has(PyObject *events, PyObject *name, bool *out) {
  int has = PySequence_Contains(events, name);
  *out = has == 1;
  return has >= 0;
}

/* target: callable, with an attribute `events`, the names it wants. */
static bool eim_py_sink_init(PyObject *target, eim_handlers *handlers) {
  PyObject *events = PyObject_GetAttrString(target, "events");
  bool wanted, good = events && eim_py_names();
  if (good && !PyCallable_Check(target)) {
    PyErr_SetString(PyExc_TypeError, "a handler must be callable");
    good = false;
  }
  memset(handlers, 0, sizeof *handlers);
  handlers->struct_size = sizeof *handlers;
  handlers->on_released = eim_py_on_released;
#define X(name, type)                                                                              \
  if (good && (good = eim_py_has(events, eim_py_name_##name, &wanted)) && wanted)                  \
    handlers->on_##name = eim_py_on_##name;
  EIM_EVENTS(X)
#undef X
  Py_XDECREF(events);
  if (!good) return false;
  eim_py_sink *sink = calloc(1, sizeof *sink);
  if (!sink) {
    PyErr_NoMemory();
    return false;
  }
  Py_INCREF(target);
  sink->target = target;
  handlers->user_data = sink;
  return true;
}

/* ------------------------------------------------------------------ errors */

static PyObject *eim_py_error_factory; /* callable(eim_error) -> exception */

static PyObject *eim_py_wrap_error(const eim_error *error) {
  if (!error) Py_RETURN_NONE;
  return SWIG_NewPointerObj((void *)eim_error_ref(error), SWIGTYPE_p_eim_error, SWIG_POINTER_OWN);
}

static void eim_py_raise(eim_status status) {
  const eim_error *error = eim_last_error();
  if (!error || !eim_py_error_factory) {
    PyErr_SetString(PyExc_RuntimeError, eim_status_name(status));
    return;
  }
  PyObject *wrapped = eim_py_wrap_error(error), *raised = NULL;
  if (wrapped) raised = PyObject_CallFunctionObjArgs(eim_py_error_factory, wrapped, NULL);
  if (raised) PyErr_SetObject((PyObject *)Py_TYPE(raised), raised);
  Py_XDECREF(wrapped);
  Py_XDECREF(raised);
}

/* Borrows the UTF-8 of a str. NULL with an exception set: not a str, a NUL or a lone surrogate. */
static const char *eim_py_text(PyObject *object) {
  Py_ssize_t length;
  if (!PyUnicode_Check(object)) {
    PyErr_SetString(PyExc_TypeError, "a str is needed");
    return NULL;
  }
  const char *text = PyUnicode_AsUTF8AndSize(object, &length);
  if (!text || strlen(text) == (size_t)length) return text;
  PyErr_SetString(PyExc_ValueError, "embedded null character");
  return NULL;
}

static PyObject *eim_py_str(const char *text) {
  if (!text) Py_RETURN_NONE;
  return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
}
%}

/* ------------------------------------------------------------------ typemaps */

%typemap(in) const char * {
  if ($input == Py_None)
    $1 = NULL;
  else if (!($1 = (char *)eim_py_text($input)))
    SWIG_fail;
}
%typemap(freearg) const char * ""
%typemap(out) const char * { $result = eim_py_str($1); }
%typemap(typecheck, precedence=SWIG_TYPECHECK_STRING) const char * {
  $1 = $input == Py_None || PyUnicode_Check($input);
}

%typemap(in) const eim_handlers *handlers (eim_handlers tmp) {
  if (!eim_py_sink_init($input, &tmp)) SWIG_fail;
  $1 = &tmp;
}
%typemap(freearg) const eim_handlers *handlers {
  if ($1 && !((eim_py_sink *)$1->user_data)->handed_over)
    eim_py_sink_free((eim_py_sink *)$1->user_data);
}

%typemap(out) eim_status {
  if (PyErr_Occurred()) SWIG_fail; /* raised in a handler, now leaves poll() */
  if ($1 < 0) {
    eim_py_raise($1);
    SWIG_fail;
  }
  $result = PyLong_FromLong($1);
}

%typemap(out) const eim_error * { $result = eim_py_wrap_error($1); }

%typemap(out) const eim_message * {
  if ($1)
    $result = SWIG_NewPointerObj((void *)eim_message_ref($1), SWIGTYPE_p_eim_message, SWIG_POINTER_OWN);
  else
    $result = SWIG_Py_Void();
}

/* The bytes of a file: a copy of its own. */
%typemap(in, numinputs=0) size_t *length (size_t bytes) {
  bytes = 0;
  $1 = &bytes;
}
%typemap(out) const void *bytes { $result = NULL; }
%typemap(argout) size_t *length { $result = PyBytes_FromStringAndSize((const char *)result, (Py_ssize_t)*$1); }

%define EIM_PY_OUT(type)
%typemap(in, numinputs=0) type **out (type *made) {
  made = NULL;
  $1 = &made;
}
%typemap(argout) type **out {
  Py_XDECREF($result);
  $result = SWIG_NewPointerObj(*$1, $*1_descriptor, SWIG_POINTER_OWN);
}
%enddef
EIM_PY_OUT(eim_config)
EIM_PY_OUT(eim_context)
EIM_PY_OUT(eim_client)
EIM_PY_OUT(eim_message)

/* ------------------------------------------------------------------ the GIL */

%define EIM_PY_NOGIL(function)
%exception function {
  Py_BEGIN_ALLOW_THREADS
  $action
  Py_END_ALLOW_THREADS
  eim_py_collect();
}
%enddef
EIM_PY_NOGIL(eim_client_new)
EIM_PY_NOGIL(eim_context_new)
EIM_PY_NOGIL(eim_client::~eim_client)
EIM_PY_NOGIL(eim_client::shutdown)
EIM_PY_NOGIL(eim_client::remove_event_handler)
EIM_PY_NOGIL(eim_client::register_user)
EIM_PY_NOGIL(eim_client::open_password)
EIM_PY_NOGIL(eim_client::open_token)
EIM_PY_NOGIL(eim_client::close)
EIM_PY_NOGIL(eim_client::renew_token)
EIM_PY_NOGIL(eim_client::token_unavailable)
EIM_PY_NOGIL(eim_client::health)
EIM_PY_NOGIL(eim_client::network_changed)
EIM_PY_NOGIL(eim_client::set_login_ext)
EIM_PY_NOGIL(eim_client::send)
EIM_PY_NOGIL(eim_client::message_done)
EIM_PY_NOGIL(eim_client::send_read)
EIM_PY_NOGIL(eim_client::send_channel_read)
EIM_PY_NOGIL(eim_client::recall)
EIM_PY_NOGIL(eim_client::edit)
EIM_PY_NOGIL(eim_client::join_room)
EIM_PY_NOGIL(eim_client::leave_room)
EIM_PY_NOGIL(eim_client::request)
EIM_PY_NOGIL(eim_client::upload)
EIM_PY_NOGIL(eim_client::download)
EIM_PY_NOGIL(eim_client::download_combined)
EIM_PY_NOGIL(eim_client::cancel)
EIM_PY_NOGIL(eim_log_bundle)
EIM_PY_NOGIL(eim_log_download_path)
EIM_PY_NOGIL(eim_log_set_cache)
EIM_PY_NOGIL(eim_log_set_file)
EIM_PY_NOGIL(eim_context::~eim_context)
EIM_PY_NOGIL(eim_context::shutdown)
EIM_PY_NOGIL(eim_context::wait)

%exception eim_client::add_event_handler {
  eim_py_sink *sink = (eim_py_sink *)arg3->user_data;
  sink->handed_over = true;
  Py_BEGIN_ALLOW_THREADS
  $action
  Py_END_ALLOW_THREADS
  if (result < 0) sink->handed_over = false; /* never taken, so never released */
  eim_py_collect();
}

%exception eim_context::poll {
  eim_context *outer = eim_py_polling;
  eim_py_polling = arg1;
  $action
  eim_py_polling = outer;
  eim_py_collect();
}

/* ------------------------------------------------------------------ names */

%rename(from_) eim_message::from;
%rename(from_) eim_receipt::from;
%rename(yield_) eim_context::yield;

%include "eim_api.i"

/* ------------------------------------------------------------------ for the facade */

%exception set_error_factory;
%inline %{
/* callable(eim_error) -> exception, asked whenever a call fails. */
static void set_error_factory(PyObject *factory) {
  Py_INCREF(factory);
  Py_XDECREF(eim_py_error_factory);
  eim_py_error_factory = factory;
}
%}

/* The log. Its callback comes on any thread, with or without the GIL held there, so it may not touch
 * Python: it copies into a bounded list, and a thread of Python takes from that. */
%{
enum { EIM_PY_LOG_ROOM = 4096 };

typedef struct eim_py_line {
  struct eim_py_line *next;
  int64_t time;
  int level;
  const char *module;
  uint64_t client;
  char text[];
} eim_py_line;

static struct {
  pthread_mutex_t lock;
  pthread_cond_t some;
  eim_py_line *first, *last;
  int count;
  long lost;
} eim_py_log = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL, NULL, 0, 0};

static void eim_py_on_log(void *user_data, const eim_log_record *record) {
  size_t size = strlen(record->message) + 1;
  eim_py_line *line = malloc(sizeof *line + size);
  (void)user_data;
  if (line) {
    line->next = NULL;
    line->time = record->time;
    line->level = record->level;
    line->module = record->module;
    line->client = record->client;
    memcpy(line->text, record->message, size);
  }
  pthread_mutex_lock(&eim_py_log.lock);
  if (line && eim_py_log.count < EIM_PY_LOG_ROOM) {
    if (eim_py_log.last)
      eim_py_log.last->next = line;
    else
      eim_py_log.first = line;
    eim_py_log.last = line;
    eim_py_log.count++;
    line = NULL;
    pthread_cond_signal(&eim_py_log.some);
  } else {
    eim_py_log.lost++;
  }
  pthread_mutex_unlock(&eim_py_log.lock);
  free(line);
}
%}
%inline %{
/* Begin or end taking the library's log. */
static void log_listen(bool on) {
  Py_BEGIN_ALLOW_THREADS
  eim_log_set_callback(on ? eim_py_on_log : NULL, NULL);
  Py_END_ALLOW_THREADS
}

/* In a child after fork(): the lock may have been held by a thread that is not here. */
static void log_after_fork(void) {
  pthread_mutex_init(&eim_py_log.lock, NULL);
  pthread_cond_init(&eim_py_log.some, NULL);
}

/* ([(time, level, module, client, text), ...], lost); waits up to timeout_ms for the first. */
static PyObject *log_take(int timeout_ms) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += timeout_ms / 1000;
  until.tv_nsec += timeout_ms % 1000 * 1000000L;
  if (until.tv_nsec >= 1000000000L) until.tv_sec++, until.tv_nsec -= 1000000000L;
  eim_py_line *line;
  long lost;
  Py_BEGIN_ALLOW_THREADS
  pthread_mutex_lock(&eim_py_log.lock);
  while (timeout_ms > 0 && !eim_py_log.first && !eim_py_log.lost)
    if (pthread_cond_timedwait(&eim_py_log.some, &eim_py_log.lock, &until)) break;
  line = eim_py_log.first;
  lost = eim_py_log.lost;
  eim_py_log.first = eim_py_log.last = NULL;
  eim_py_log.count = 0;
  eim_py_log.lost = 0;
  pthread_mutex_unlock(&eim_py_log.lock);
  Py_END_ALLOW_THREADS
  PyObject *list = PyList_New(0);
  while (line) {
    eim_py_line *next = line->next;
    PyObject *text = list ? eim_py_str(line->text) : NULL;
    PyObject *entry = text ? Py_BuildValue("(LisKN)", (long long)line->time, line->level,
                                           line->module, (unsigned long long)line->client, text)
                           : NULL;
    if (!entry || PyList_Append(list, entry)) Py_CLEAR(list);
    Py_XDECREF(entry);
    free(line);
    line = next;
  }
  return list ? Py_BuildValue("(Nl)", list, lost) : NULL;
}
%}

/* The sandbox is in here and not a program beside this: so a package has one copy of the libraries under both.
 * eim/_sandbox.py calls it in a process of its own. */
#ifdef EIM_PYTHON_SANDBOX
%{
#include <eim_sandbox.h>
%}
%inline %{
static PyObject *eim_py_sandbox_main(PyObject *arguments) {
  Py_ssize_t count = PyList_Size(arguments);
  if (count < 0) return NULL;
  char **argv = calloc((size_t)count + 1, sizeof *argv);
  if (!argv) return PyErr_NoMemory();
  bool good = true;
  for (Py_ssize_t i = 0; good && i < count; i++) {
    PyObject *bytes = PyUnicode_EncodeFSDefault(PyList_GetItem(arguments, i));
    char *text = bytes ? PyBytes_AsString(bytes) : NULL;
    argv[i] = text ? strdup(text) : NULL;
    good = argv[i] != NULL;
    Py_XDECREF(bytes);
  }
  int status = 0;
  if (good) {
    Py_BEGIN_ALLOW_THREADS
    status = eim_sandbox_main((int)count, argv);
    Py_END_ALLOW_THREADS
  }
  for (Py_ssize_t i = 0; i < count; i++) free(argv[i]);
  free(argv);
  if (!good) return PyErr_Occurred() ? NULL : PyErr_NoMemory();
  return PyLong_FromLong(status);
}
%}
#endif

/* Before 4.4 SWIG makes its types when the first pointer is wrapped, which Python 3.12 and newer deprecate:
 * where warnings are errors it crashed. So they are made here, and quietly. */
%pythoncode %{
import warnings as _warnings
with _warnings.catch_warnings():
    _warnings.simplefilter("ignore", DeprecationWarning)
    eim_config_new()
%}
