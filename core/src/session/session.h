/* session.h - DECIDES. One user's session as a pure state machine: no sockets, no clock, no
 * threads. Everything that happens comes in by eim_session_step(); everything it wants goes out by
 * eim_session_io. One thread at a time (the loop thread); an output must not call
 * eim_session_step() of the same session from inside. Deterministic: same inputs, same times, same
 * seed, same outputs. */
#ifndef EIM_SESSION_SESSION_H
#define EIM_SESSION_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <eim/event.h>
#include <eim/message.h>

#include "base/buf.h"
#include "base/random.h"
#include "base/secret.h"
#include "model/action.h"
#include "model/event.h"
#include "model/settings.h"

typedef struct eim_session eim_session;

typedef struct eim_now {
  int64_t mono; /* ms of a clock that never jumps and stands still in suspend */
  int64_t wall; /* ms since 1970, may jump */
} eim_now;

/* ------------------------------------------------------------------ outputs */

/* Open the message socket. Strings are borrowed during the call. */
typedef struct eim_connect_request {
  uint32_t conn; /* names the connection in inputs and outputs; never used twice */
  bool tls;
  const char *host; /* Host header, SNI and certificate */
  const char *ip;   /* connect here; "": resolve host */
  uint16_t port;
  const char *path; /* "/websocket" */
} eim_connect_request;

typedef enum eim_http_method {
  EIM_HTTP_GET,
  EIM_HTTP_POST,
  EIM_HTTP_PUT,
  EIM_HTTP_DELETE
} eim_http_method;

/* The file that goes up or comes down with a request. */
typedef struct eim_http_file {
  const char *send, *name; /* local path, sent as the part `file`, and its name there; NULL: none */
  const eim_buf *content;  /* the same, but this is the file; NULL: none */
  int part;                /* > 0: only a part of it, as `part_file` and with this number: */
  int64_t offset, length;  /* these bytes of it */
  int width, height;       /* of the thumbnail the server is to make; 0: as it likes */
  const char *receive;     /* local path for the body of a 200 or 206; NULL: none */
  bool in_memory;          /* that body is the answer's, instead */
  int64_t max_bytes;       /* more than this is not received; 0: any size */
  const eim_secret *secret; /* share-secret of what is received; NULL: none */
  bool thumbnail;           /* receive the small picture */
} eim_http_file;

typedef struct eim_http_request {
  uint32_t id; /* never used twice */
  eim_http_method method;
  const char *url;          /* whole */
  const char *ip;           /* connect here with SNI and check for the URL's host; "": resolve */
  bool once;                /* never to be repeated, not by the transport either */
  const eim_secret *bearer; /* NULL: no Authorization */
  const char *content_type; /* NULL without a body */
  const void *body;         /* may hold a secret: never logged, wiped by whoever copied it */
  size_t body_length;
  size_t max_answer;         /* bytes; more is a failure */
  const eim_http_file *file; /* NULL: none */
} eim_http_request;

typedef enum eim_timer {
  EIM_TIMER_LOGIN,     /* loginTimeout for the whole of open() */
  EIM_TIMER_PHASE,     /* the step under way: HTTP answer, socket, Provision */
  EIM_TIMER_RETRY,     /* end of WAITING */
  EIM_TIMER_HEARTBEAT, /* beat due, or its answer overdue */
  EIM_TIMER_HOLD,      /* the session held: reset the attempt counter */
  EIM_TIMER_TOKEN,     /* will-expire or expired is due */
  EIM_TIMER_SEND,      /* earliest deadline among sends and side requests */
  EIM_TIMER_REPORT,    /* an upload of log lines is due, or its answer overdue */
  EIM_TIMER_COUNT
} eim_timer;

typedef struct eim_session_io {
  void *user;
  void (*connect)(void *user, const eim_connect_request *request);
  /* One binary websocket message. The bytes are copied. */
  void (*send)(void *user, uint32_t conn, const void *bytes, size_t length);
  /* Close and forget: no further input for this conn. */
  void (*disconnect)(void *user, uint32_t conn);
  void (*http)(void *user, const eim_http_request *request);
  /* Forget: no further input for this id. */
  void (*http_cancel)(void *user, uint32_t id);
  /* Arm (at: mono ms) or, with at < 0, disarm. One shot. */
  void (*timer)(void *user, eim_timer timer, int64_t at);
  /* An event for the application. The payload's reference passes over. seq > 0: report back by
   * EIM_IN_DONE when all handlers returned. */
  void (*emit)(void *user, eim_event_kind kind, void *payload, uint64_t seq);
} eim_session_io;

/* ------------------------------------------------------------------ inputs */

typedef enum eim_input_kind {
  /* commands from the application */
  EIM_IN_OPEN,      /* user, secret (password or token: is_token), token */
  EIM_IN_CLOSE,     /* token */
  EIM_IN_REGISTER,  /* user, secret, text (nickname or NULL), token */
  EIM_IN_RENEW,     /* secret, token */
  EIM_IN_UPLOAD,    /* user (local path; NULL: the file is made of the message's parts), text (its
                       name), width, height, token; message: to be sent when it is up, or NULL */
  EIM_IN_DOWNLOAD,  /* user (local path; NULL: into memory), text (URL), secret or NULL, up
                       (thumbnail), max_bytes, token; message: a combined one whose file it is */
  EIM_IN_REQUEST,   /* method, text (path with query), secret (JSON body or NULL), token */
  EIM_IN_SEND,      /* message, token */
  EIM_IN_ACT,       /* action, token */
  EIM_IN_CANCEL,    /* token */
  EIM_IN_LOGIN_EXT, /* text or NULL */
  EIM_IN_NETWORK,   /* up */
  EIM_IN_PROVIDER,  /* up: somebody handles on_token_request from now on (or nobody any more) */
  EIM_IN_NO_TOKEN,  /* text (reason or NULL): the provider has none */
  EIM_IN_DONE,      /* seq: every event up to and including seq was dispatched */
  EIM_IN_MESSAGE_DONE, /* seq: the application is done with this message (ackMode manual) */
  EIM_IN_HEALTH,       /* token: the result's JSON is a snapshot */
  EIM_IN_SHUTDOWN,
  /* from the network */
  EIM_IN_OPENED,   /* conn */
  EIM_IN_FRAME,    /* conn, bytes, length: a binary message */
  EIM_IN_TEXT,     /* conn, bytes, length: a text message */
  EIM_IN_LOST,     /* conn, error (borrowed): failed to open, or closed */
  EIM_IN_PROGRESS, /* id, done, total: bytes of a file */
  EIM_IN_PLACE, /* id, up: the request waits for a place (up false), or has got one after waiting */
  EIM_IN_HTTP,  /* id, http_status, bytes, length; or error (borrowed) with http_status 0 */
  EIM_IN_TIMER  /* timer */
} eim_input_kind;

typedef struct eim_input {
  eim_input_kind kind;
  uint64_t token;
  eim_http_method method;
  int width, height;
  int64_t max_bytes, done, total; /* total: -1 unknown. EIM_IN_HTTP has them for files, too;
                                     EIM_IN_UPLOAD: total bytes of the file, 0 unknown */
  const char *user, *text;        /* borrowed */
  const eim_secret *secret;       /* borrowed */
  bool is_token, up;
  const eim_message *message; /* borrowed */
  eim_action action;          /* its strings and message are borrowed */
  uint64_t seq;
  uint32_t conn, id;
  int http_status;
  const void *bytes;
  size_t length;
  const eim_error *error;
  bool may_have_arrived; /* EIM_IN_HTTP with error: the request may have reached the server */
  eim_timer timer;
} eim_input;

/* settings: a reference is taken. number: for logs. NULL: out of memory. */
eim_session *eim_session_new(eim_settings *settings, const eim_session_io *io, uint64_t number,
                             uint64_t seed);
void eim_session_step(eim_session *self, const eim_input *input, eim_now now);
/* Emits nothing, cancels nothing: the driver is going away too. */
void eim_session_free(eim_session *self);

eim_state eim_session_state(const eim_session *self);
/* A JSON object for people and monitors (docs/session.md, "Health"). */
void eim_session_health(const eim_session *self, eim_buf *out);
/* What eim_client_request() takes: NULL, and *out is the path with its query as it goes into the
 * URL; else the error, owned by the caller. Any thread. */
eim_error *eim_request_check(const char *method, const char *path, const char *query,
                             const char *json_body, eim_http_method *out_method, eim_buf *out);
/* Does this call take a form instead of JSON? And the form of such an object, appended; false: it
 * is none, or no memory. */
bool eim_request_takes_form(eim_http_method method, const char *path);
bool eim_request_form(const char *json_body, eim_buf *out);
/* The same for the URL of eim_client_download(). */
eim_error *eim_download_check(const char *url);
/* Device resource as fixed by the driver before the first open (identity.h); "" before. Copied. */
bool eim_session_set_device(eim_session *self, const char *device_id);

#endif
