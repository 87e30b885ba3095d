/* eim_java.i - Java's part of the wrapper: classes of io.libeim that only the package itself sees. Client,
 * Message and the rest beside them (src/main/java) are what users have.
 *
 * Rules held here, each the cure of a crash or leak that was reproduced (README.md):
 *  - No thread of the library ever enters the VM: handlers run inside poll(), on the Java thread that called
 *    it. Nothing is attached, nothing detached. on_released may come on any thread and only puts the sink on a
 *    list that the next call from Java empties.
 *  - Text crosses as byte[] of UTF-8, made and read by Java: JNI's own "UTF" is another one.
 *  - C holds a sink strongly, the sink (Sink.java) knows its client weakly.
 *  - What a handler throws stays pending, poll() returns after that event, and Java throws it.
 *  - No class is held from here and there is no JNI_OnLoad: a class loader can go, and several copies of this
 *    library can be in one process. */
%module(jniclassname="CoreJNI") Core

%pragma(java) jniclassclassmodifiers="final class"
%pragma(java) moduleclassmodifiers="final class"
%pragma(java) jniclasscode=%{
  static {
    NativeLibrary.load();
    init(Sink.class);
  }

  /** Finds the methods that C calls. */
  private static native void init(Class<?> sink);

  /** From C: a call failed. {@code error} is borrowed, 0: there is none. */
  static void raise(long error, int status) {
    throw error == 0 ? EimException.local(status, Core.eim_status_name(status)) : EimException.of(new eim_error(error, false));
  }
%}

%include "enumsimple.swg"
%javaconst(1);

%{
#include <eim/eim.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ methods that C calls */

static jmethodID eim_java_raise_id, eim_java_deliver_id, eim_java_line_id, eim_java_wants_id;

SWIGEXPORT void JNICALL Java_io_libeim_CoreJNI_init(JNIEnv *jenv, jclass self, jclass sink) {
  eim_java_raise_id = (*jenv)->GetStaticMethodID(jenv, self, "raise", "(JI)V");
  if (eim_java_raise_id)
    eim_java_deliver_id = (*jenv)->GetMethodID(jenv, sink, "deliver", "(IJ)V");
  if (eim_java_deliver_id)
    eim_java_line_id = (*jenv)->GetMethodID(jenv, sink, "line", "(JI[BJ[B)V");
  if (eim_java_line_id) eim_java_wants_id = (*jenv)->GetMethodID(jenv, sink, "wants", "(I)Z");
}

static void eim_java_throw(JNIEnv *jenv, const char *type, const char *words) {
  jclass class = (*jenv)->FindClass(jenv, type); /* of the platform: any class loader finds it */
  if (class) (*jenv)->ThrowNew(jenv, class, words);
}

static void eim_java_raise(JNIEnv *jenv, jclass self, eim_status status) {
  if ((*jenv)->ExceptionCheck(jenv)) return; /* a handler threw: that leaves poll() */
  (*jenv)->CallStaticVoidMethod(jenv, self, eim_java_raise_id,
                                (jlong)(intptr_t)eim_last_error(), (jint)status);
}

/* ------------------------------------------------------------------ text */

/* A copy that ends with a NUL, of a byte[] without one in it. NULL: out of memory, thrown. */
static char *eim_java_text(JNIEnv *jenv, jbyteArray bytes) {
  jsize length = (*jenv)->GetArrayLength(jenv, bytes);
  char *text = malloc((size_t)length + 1);
  if (!text) {
    eim_java_throw(jenv, "java/lang/OutOfMemoryError", "libeim");
    return NULL;
  }
  (*jenv)->GetByteArrayRegion(jenv, bytes, 0, length, (jbyte *)text);
  text[length] = 0;
  return text;
}

/* It may have been a password. */
static void eim_java_text_free(char *text) {
  if (text)
    for (volatile char *at = text; *at; at++) *at = 0;
  free(text);
}

static jbyteArray eim_java_bytes(JNIEnv *jenv, const char *text) {
  if (!text) return NULL;
  jsize length = (jsize)strlen(text);
  jbyteArray bytes = (*jenv)->NewByteArray(jenv, length); /* NULL: thrown */
  if (bytes) (*jenv)->SetByteArrayRegion(jenv, bytes, 0, length, (const jbyte *)text);
  return bytes;
}

/* ------------------------------------------------------------------ sinks */

typedef struct eim_java_sink {
  jobject target;   /* global reference to a Sink */
  bool handed_over; /* on_released will come */
  struct eim_java_sink *next;
} eim_java_sink;

static _Atomic(eim_java_sink *) eim_java_released;
static atomic_int eim_java_sinks; /* that hold a global reference */

/* The poll() this thread is in. */
static _Thread_local struct {
  JNIEnv *env;
  eim_context *context;
} eim_java_now;

static eim_java_sink *eim_java_sink_new(JNIEnv *jenv, jobject target) {
  eim_java_sink *self = calloc(1, sizeof *self);
  if (self) self->target = (*jenv)->NewGlobalRef(jenv, target);
  if (self && self->target) {
    atomic_fetch_add(&eim_java_sinks, 1);
    return self;
  }
  free(self);
  eim_java_throw(jenv, "java/lang/OutOfMemoryError", "libeim");
  return NULL;
}

static void eim_java_sink_free(JNIEnv *jenv, eim_java_sink *self) {
  (*jenv)->DeleteGlobalRef(jenv, self->target);
  atomic_fetch_sub(&eim_java_sinks, 1);
  free(self);
}

/* Any thread. */
static void eim_java_on_released(void *user_data) {
  eim_java_sink *self = user_data;
  self->next = atomic_load(&eim_java_released);
  while (!atomic_compare_exchange_weak(&eim_java_released, &self->next, self)) {
  }
}

static void eim_java_collect(JNIEnv *jenv) {
  if (!atomic_load(&eim_java_released)) return;
  eim_java_sink *sink = atomic_exchange(&eim_java_released, NULL);
  while (sink) {
    eim_java_sink *next = sink->next;
    eim_java_sink_free(jenv, sink); /* may be done while something is pending */
    sink = next;
  }
}

/* Inside poll(). The payload is borrowed: Java takes a reference of its own to what it keeps. */
static void eim_java_deliver(void *user_data, jint event, const void *payload) {
  eim_java_sink *self = user_data;
  JNIEnv *jenv = eim_java_now.env;
  jthrowable earlier = (*jenv)->ExceptionOccurred(jenv); /* of another set with the same event */
  if (earlier) (*jenv)->ExceptionClear(jenv);
  (*jenv)->CallVoidMethod(jenv, self->target, eim_java_deliver_id, event,
                          (jlong)(intptr_t)payload);
  if (earlier) {
    (*jenv)->ExceptionClear(jenv); /* one can leave poll(): the first */
    (*jenv)->Throw(jenv, earlier);
    (*jenv)->DeleteLocalRef(jenv, earlier);
  }
  if ((*jenv)->ExceptionCheck(jenv)) eim_context_yield(eim_java_now.context);
}

enum {
#define X(name, type) EIM_JAVA_##name,
  EIM_EVENTS(X)
#undef X
};

#define X(name, type)                                                                              \
  static void eim_java_on_##name(void *user_data, const type *payload) {                           \
    eim_java_deliver(user_data, EIM_JAVA_##name, payload);                                         \
  }
EIM_EVENTS(X)
#undef X

/* NULL: thrown. */
static eim_java_sink *eim_java_sink_init(JNIEnv *jenv, jobject target, eim_handlers *handlers) {
  memset(handlers, 0, sizeof *handlers);
  handlers->struct_size = sizeof *handlers;
  handlers->on_released = eim_java_on_released;
#define X(name, type)                                                                              \
  if ((*jenv)->CallBooleanMethod(jenv, target, eim_java_wants_id, (jint)EIM_JAVA_##name))          \
    handlers->on_##name = eim_java_on_##name;                                                      \
  if ((*jenv)->ExceptionCheck(jenv)) return NULL;
  EIM_EVENTS(X)
#undef X
  eim_java_sink *self = eim_java_sink_new(jenv, target);
  handlers->user_data = self;
  return self;
}

/* ------------------------------------------------------------------ the log */

static void eim_java_on_line(void *user_data, const eim_log_record *record) {
  eim_java_sink *self = user_data;
  JNIEnv *jenv = eim_java_now.env;
  if ((*jenv)->ExceptionCheck(jenv)) return;
  jbyteArray module = eim_java_bytes(jenv, record->module);
  jbyteArray message = module ? eim_java_bytes(jenv, record->message) : NULL;
  if (message)
    (*jenv)->CallVoidMethod(jenv, self->target, eim_java_line_id, (jlong)record->time,
                            (jint)record->level, module, (jlong)record->client, message);
  if (module) (*jenv)->DeleteLocalRef(jenv, module);
  if (message) (*jenv)->DeleteLocalRef(jenv, message);
  if ((*jenv)->ExceptionCheck(jenv)) eim_context_yield(eim_java_now.context);
}
%}

/* ------------------------------------------------------------------ typemaps */

%typemap(jni) const char * "jbyteArray"
%typemap(jtype) const char * "byte[]"
%typemap(jstype) const char * "String"
%typemap(javain) const char * "Text.utf8($javainput)"
%typemap(javaout) const char * { return Text.string($jnicall); }
%typemap(in) const char * {
  $1 = NULL;
  if ($input && !($1 = eim_java_text(jenv, $input))) return $null;
}
%typemap(freearg) const char * { eim_java_text_free((char *)$1); }
%typemap(out) const char * { $result = eim_java_bytes(jenv, $1); }

/* Tokens are counted up from 1: a long holds them, and a BigInteger would be slow. */
%apply long long { uint64_t };
%apply long long { size_t };

%typemap(jni) eim_status "jint"
%typemap(jtype) eim_status "int"
%typemap(jstype) eim_status "int"
%typemap(javaout) eim_status { return $jnicall; }
%typemap(out) eim_status {
  if ($1 < 0) eim_java_raise(jenv, jcls, $1);
  $result = (jint)$1;
}
/* eim_status_name() takes one, and is no call that failed. */
%typemap(in) eim_status { $1 = (eim_status)$input; }
%typemap(javain) eim_status "$javainput"

%typemap(jni) const eim_handlers *handlers "jobject"
%typemap(jtype) const eim_handlers *handlers "Sink"
%typemap(jstype) const eim_handlers *handlers "Sink"
%typemap(javain) const eim_handlers *handlers "$javainput"
%typemap(in) const eim_handlers *handlers (eim_handlers tmp, eim_java_sink *sink) {
  sink = eim_java_sink_init(jenv, $input, &tmp);
  $1 = sink ? &tmp : NULL;
}
%typemap(freearg) const eim_handlers *handlers {
  if (sink$argnum && !sink$argnum->handed_over) eim_java_sink_free(jenv, sink$argnum);
}

/* **out: a long[1] that the pointer is put into. */
%define EIM_JAVA_OUT(type)
%typemap(jni) type **out "jlongArray"
%typemap(jtype) type **out "long[]"
%typemap(jstype) type **out "long[]"
%typemap(javain) type **out "$javainput"
%typemap(in) type **out (type *made) {
  made = NULL;
  $1 = &made;
}
%typemap(argout) type **out {
  if (*$1) {
    jlong pointer = (jlong)(intptr_t)*$1;
    (*jenv)->SetLongArrayRegion(jenv, $input, 0, 1, &pointer);
  }
}
%enddef
EIM_JAVA_OUT(eim_config)
EIM_JAVA_OUT(eim_context)
EIM_JAVA_OUT(eim_client)
EIM_JAVA_OUT(eim_message)

/* eim_result::bytes */
%typemap(in, numinputs=0) size_t *length (size_t size) {
  size = 0;
  $1 = &size;
}
%typemap(jni) const void * "jbyteArray"
%typemap(jtype) const void * "byte[]"
%typemap(jstype) const void * "byte[]"
%typemap(javaout) const void * { return $jnicall; }
%typemap(out) const void * {
  $result = (*jenv)->NewByteArray(jenv, (jsize)*arg2); /* at most 16 MiB; NULL: thrown */
  if ($result) (*jenv)->SetByteArrayRegion(jenv, $result, 0, (jsize)*arg2, $1);
}

/* Handles: no delete() that a thread could call while another is inside, no finalize(). What owns its reference
 * gives it up when no Java code can reach the object (NativeRefs). */
%typemap(javaclassmodifiers) SWIGTYPE "final class"
%typemap(javafinalize) SWIGTYPE ""
%typemap(javadestruct, methodname="unused", methodmodifiers="private") SWIGTYPE ""
%typemap(javabody) SWIGTYPE %{
  private final long swigCPtr;

  $javaclassname(long pointer, boolean owned) {
    swigCPtr = pointer;
    if (owned) NativeRefs.watch(this, pointer, CoreJNI::delete_$javaclassname);
  }

  static long getCPtr($javaclassname of) {
    return of == null ? 0 : of.swigCPtr;
  }
%}

/* ------------------------------------------------------------------ calls that run or free handlers */

%exception eim_context::poll {
  JNIEnv *outer_env = eim_java_now.env;
  eim_context *outer_context = eim_java_now.context;
  eim_java_now.env = jenv;
  eim_java_now.context = arg1;
  $action
  eim_java_now.env = outer_env;
  eim_java_now.context = outer_context;
  eim_java_collect(jenv);
}

%exception eim_client::add_event_handler {
  if (!sink3) {
    eim_java_text_free((char *)arg2);
    return 0; /* thrown */
  }
  sink3->handed_over = true;
  $action
  if (result < 0) sink3->handed_over = false; /* never taken, so never released */
  eim_java_collect(jenv);
}

%define EIM_JAVA_COLLECTS(function)
%exception function {
  $action
  eim_java_collect(jenv);
}
%enddef
EIM_JAVA_COLLECTS(eim_client::~eim_client)
EIM_JAVA_COLLECTS(eim_client::shutdown)
EIM_JAVA_COLLECTS(eim_client::remove_event_handler)
EIM_JAVA_COLLECTS(eim_context::~eim_context)
EIM_JAVA_COLLECTS(eim_context::shutdown)

/* Words of Java. */
%rename(yield_) eim_context::yield;
%rename(native_) eim_error::native;

%include "eim_api.i"

/* ------------------------------------------------------------------ for the facade */

%typemap(in, numinputs=0) JNIEnv *jenv "$1 = jenv;"

%inline %{
/* Names of the events in the order of their numbers; NULL past the end. */
static const char *event_name(int event) {
  static const char *const names[] = {
#define X(name, type) #name,
      EIM_EVENTS(X)
#undef X
  };
  return event >= 0 && event < (int)(sizeof names / sizeof *names) ? names[event] : NULL;
}

/* One more reference, for an owning proxy. */
static void message_ref(const eim_message *message) { eim_message_ref(message); }

/* Sinks that C holds just now: each is one global reference. */
static int sinks(JNIEnv *jenv) {
  eim_java_collect(jenv);
  return atomic_load(&eim_java_sinks);
}

/* Lines of the log for a Sink, inside poll() of this context. The handle goes into log_unsubscribe(); 0: thrown. */
static int64_t log_subscribe(JNIEnv *jenv, eim_context *context, eim_log_level level, jobject target) {
  eim_java_sink *sink = eim_java_sink_new(jenv, target);
  if (sink && eim_context_subscribe_log(context, level, eim_java_on_line, sink) < 0) {
    eim_java_throw(jenv, "java/lang/OutOfMemoryError", "libeim");
    eim_java_sink_free(jenv, sink);
    sink = NULL;
  }
  return (int64_t)(intptr_t)sink;
}

/* Not while that context is polled. */
static void log_unsubscribe(JNIEnv *jenv, eim_context *context, int64_t handle) {
  eim_context_subscribe_log(context, EIM_LOG_SILENT, NULL, NULL);
  if (handle) eim_java_sink_free(jenv, (eim_java_sink *)(intptr_t)handle);
}
%}

/* The sandbox is in here and not a program beside this, so the jar has all of it. SandboxMain.java calls it in a
 * process of its own. Not on Android. */
%{
#ifdef EIM_JAVA_SANDBOX
#include <eim_sandbox.h>
#endif
%}
%inline %{
/* Arguments: byte[][], the name of the program first. -1: this build has no sandbox. */
static int sandbox_main(JNIEnv *jenv, jobjectArray arguments) {
#ifdef EIM_JAVA_SANDBOX
  jsize count = (*jenv)->GetArrayLength(jenv, arguments);
  char **argv = calloc((size_t)count + 1, sizeof *argv);
  bool good = argv != NULL;
  for (jsize i = 0; good && i < count; i++) {
    jbyteArray bytes = (jbyteArray)(*jenv)->GetObjectArrayElement(jenv, arguments, i);
    argv[i] = bytes ? eim_java_text(jenv, bytes) : NULL;
    good = argv[i] != NULL;
    if (bytes) (*jenv)->DeleteLocalRef(jenv, bytes);
  }
  int status = good ? eim_sandbox_main((int)count, argv) : 2;
  for (jsize i = 0; argv && i < count; i++) eim_java_text_free(argv[i]);
  free(argv);
  return status;
#else
  (void)jenv;
  (void)arguments;
  return -1;
#endif
}
%}
