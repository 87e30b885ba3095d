/* eim_sandbox.h - a local Easemob-like service in one object: REST, message socket and bootstrap
 * list on one loopback port, for tests and for work without an account.
 *
 *   eim_sandbox *e = eim_sandbox_new(NULL, NULL, 0);        // listens on 127.0.0.1:0
 *   eim_sandbox_add_user(e, "alice", "secret");
 *   eim_sandbox_fail_next(e, EIM_SANDBOX_PROVISION, 2,
 *                         &(eim_sandbox_failure){EIM_SANDBOX_BY_DISCONNECT, 0, NULL});
 *   eim_sandbox_delay(e, 30);                               // ms for every answer
 *   ... run the client against eim_sandbox_api_url(e) and eim_sandbox_url(e) ...
 *   CHECK_INT(eim_sandbox_count(e, EIM_SANDBOX_PROVISION), 3);
 *   eim_sandbox_free(e);
 *
 * The server runs on a thread of its own; every function may be called from any thread. Functions
 * that return bool say whether it was done: false means an unknown user, a bad argument or no
 * memory. What the sandbox does, and where each rule comes from, is in docs/sandbox.md. */
#ifndef EIM_SANDBOX_H
#define EIM_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define EIM_SANDBOX_API __attribute__((visibility("default")))
#else
#define EIM_SANDBOX_API
#endif

typedef struct eim_sandbox eim_sandbox;

/* The fixed credentials for grant_type client_credentials and for dynamic tokens. For tests only.
 */
#define EIM_SANDBOX_CLIENT_ID "YXA6c2FuZGJveC1jbGllbnQtaWQ"
#define EIM_SANDBOX_CLIENT_SECRET "YXA6c2FuZGJveC1jbGllbnQtc2VjcmV0"
#define EIM_SANDBOX_DEFAULT_APP_KEY "sandbox#demo"

/* How the login answer tells when the token ends. */
typedef enum eim_sandbox_expires {
  EIM_SANDBOX_EXPIRES_ABSOLUTE = 0, /* ms since 1970, as the service does */
  EIM_SANDBOX_EXPIRES_ABSENT,       /* no authToken in the answer */
  EIM_SANDBOX_EXPIRES_DURATION      /* seconds that are left: wrong on purpose */
} eim_sandbox_expires;

/* What a client is told that offers LZ4 on its message socket. */
typedef enum eim_sandbox_compression {
  EIM_SANDBOX_LZ4_BOTH = 0, /* frames of both directions are compressed */
  EIM_SANDBOX_LZ4_UP,       /* only those from the client */
  EIM_SANDBOX_LZ4_DOWN,
  EIM_SANDBOX_LZ4_UNSAID, /* accepted without a direction, which means UP */
  EIM_SANDBOX_LZ4_NONE    /* not accepted */
} eim_sandbox_compression;

/* 0 and NULL mean the default in every member. */
typedef struct eim_sandbox_options {
  const char *app_key;      /* org#app; EIM_SANDBOX_DEFAULT_APP_KEY */
  const char *bind;         /* numeric address; 127.0.0.1 */
  uint16_t port;            /* 0: any free one */
  uint16_t admin_port;      /* 0: any free one; always on 127.0.0.1 unless admin_bind is set */
  const char *admin_bind;   /* 127.0.0.1 */
  bool tls;                 /* https and wss with a CA of its own; the admin port stays plain */
  const char *ca_dir;       /* where the private folder for the CA file is made; $TMPDIR or /tmp */
  bool closed_registration; /* POST /users needs the app token */
  int64_t token_ttl;        /* seconds; 5184000 (60 days) */
  bool multi_device;        /* several devices of one user at once */
  int device_limit;         /* with multi_device: devices of one class; 4 */
  bool refuse_over_limit;   /* refuse with TOO_MANY_DEVICES instead of kicking the oldest */
  int page_size;            /* messages in one SYNC answer; 10 */
  int queue_limit;          /* waiting messages of one device; 10000, the oldest go first */
  size_t max_message;       /* bytes of one message body; 5120 */
  size_t max_frame;         /* bytes of one frame from a client; 65536 */
  size_t max_body;          /* bytes of one REST request body; 3145728 */
  size_t max_file;          /* bytes of one file; 10485760 */
  size_t file_store;        /* bytes of all files together; 268435456, the oldest go first */
  bool allow_edit;          /* messages can be edited, as in an app that has bought it */
  eim_sandbox_expires expires;         /* see there */
  bool report_logs;                    /* the bootstrap list asks for uploads of log lines */
  int64_t report_interval;             /* ms, of these; 300000 */
  eim_sandbox_compression compression; /* see there */
  size_t max_upload;                   /* bytes of one file that comes in parts; 104857600 */
  size_t part_size;                    /* the least that one part has, the last apart; 5242880 */
  bool no_parts;                       /* the bootstrap list says that files go in one piece */
  const char *data; /* file that keeps the state over restarts; NULL: memory only */
  /* Runs once, on the sandbox's thread, when `data` can no longer be written (disk full): all lines
   * are cut, nothing more is answered. Must not call the sandbox. */
  void (*on_data_error)(void *data, const char *why);
  void *on_data_error_data;
} eim_sandbox_options;

/* What a failure applies to, and what is counted. */
typedef enum eim_sandbox_what {
  EIM_SANDBOX_DNS = 0,   /* GET /easemob/server.json */
  EIM_SANDBOX_REGISTER,  /* POST /{org}/{app}/users */
  EIM_SANDBOX_TOKEN,     /* POST /{org}/{app}/token */
  EIM_SANDBOX_EXPIRES,   /* GET …/sdk/users/{u}/token/expires */
  EIM_SANDBOX_UPGRADE,   /* the websocket handshake */
  EIM_SANDBOX_PROVISION, /* login on the message socket */
  EIM_SANDBOX_UNREAD,    /* also the heartbeat */
  EIM_SANDBOX_SYNC,      /* fetches of a queue */
  EIM_SANDBOX_SEND,      /* uploaded messages, receipts, recalls, room joins */
  EIM_SANDBOX_LOGS,      /* POST …/client/logs */
  EIM_SANDBOX_REST,      /* every other REST call */
  EIM_SANDBOX_PING,      /* statistics pings; counted only */
  EIM_SANDBOX_LOGOUT,    /* counted only */
  EIM_SANDBOX_WHAT_COUNT
} eim_sandbox_what;

typedef enum eim_sandbox_by {
  EIM_SANDBOX_BY_HTTP = 0,   /* REST, UPGRADE: status and text as the body; 400 and "" by default */
  EIM_SANDBOX_BY_STATUS,     /* message socket: status is Status.errorCode, text is its reason */
  EIM_SANDBOX_BY_TEXT_CLOSE, /* message socket: the text ("[401,\"normal closed\"]"), then close */
  EIM_SANDBOX_BY_DISCONNECT, /* the connection ends without an answer */
  EIM_SANDBOX_BY_SILENCE,    /* no answer, the connection stays */
  EIM_SANDBOX_BY_GARBAGE     /* bytes that are no answer: text if given, else a fixed mess */
} eim_sandbox_by;

typedef struct eim_sandbox_failure {
  eim_sandbox_by by;
  int status;
  const char *text;
} eim_sandbox_failure;

/* Message.type on the wire is 1 for CHAT, 4 READ_ACK and so on; kinds of eim_sandbox_kick: */
enum {
  EIM_SANDBOX_KICK_REMOVED = 1,  /* 207 */
  EIM_SANDBOX_KICK_REPLACED = 2, /* 206; reason reaches the client as loginInfoCustomExt */
  EIM_SANDBOX_KICK_PASSWORD = 3, /* 216 */
  EIM_SANDBOX_KICK_FORCED = 4    /* 217 */
};

/* Starts the service; it answers when this returns. NULL: `error` (may be NULL) tells why in one
 * line. */
EIM_SANDBOX_API eim_sandbox *eim_sandbox_new(const eim_sandbox_options *options, char *error,
                                             size_t error_size);
/* Cuts all connections, ends the thread, removes the CA file. NULL is allowed. */
EIM_SANDBOX_API void eim_sandbox_free(eim_sandbox *self);

/* Addresses; valid as long as the sandbox. With tls they begin with https and wss. */
EIM_SANDBOX_API const char *eim_sandbox_api_url(const eim_sandbox *self); /* http://127.0.0.1:P */
EIM_SANDBOX_API const char *
eim_sandbox_url(const eim_sandbox *self); /* ws://127.0.0.1:P/websocket */
EIM_SANDBOX_API const char *
eim_sandbox_sockjs_url(const eim_sandbox *self); /* http://127.0.0.1:P/ws */
EIM_SANDBOX_API const char *
eim_sandbox_dns_url(const eim_sandbox *self); /* …/easemob/server.json */
EIM_SANDBOX_API const char *eim_sandbox_admin_url(const eim_sandbox *self); /* http://127.0.0.1:A */
EIM_SANDBOX_API const char *eim_sandbox_app_key(const eim_sandbox *self);
EIM_SANDBOX_API uint16_t eim_sandbox_port(const eim_sandbox *self);
EIM_SANDBOX_API const char *eim_sandbox_ca_file(const eim_sandbox *self); /* NULL without tls */
EIM_SANDBOX_API const char *eim_sandbox_ca_pem(const eim_sandbox *self);  /* NULL without tls */

/* Accounts. Names fold to lower case. The last three end sessions as the service does. An account
 * that `data` brought with it may be added once more with the password it has. */
EIM_SANDBOX_API bool eim_sandbox_add_user(eim_sandbox *self, const char *user,
                                          const char *password);
EIM_SANDBOX_API bool eim_sandbox_remove_user(eim_sandbox *self, const char *user); /* 207 */
EIM_SANDBOX_API bool eim_sandbox_set_password(eim_sandbox *self, const char *user,
                                              const char *password);                       /* 216 */
EIM_SANDBOX_API bool eim_sandbox_set_active(eim_sandbox *self, const char *user, bool on); /* ban */
/* A group (or room) with these members; sending to it needs membership. Replaces one of this id. */
EIM_SANDBOX_API bool eim_sandbox_add_group(eim_sandbox *self, const char *id, bool room,
                                           const char *const *members, size_t count);
/* Texts with one of these words (case of a-z aside) are refused from now on; count 0: none is. as:
 * "sensitive" (NULL), "antispam", "moderation" or "callback", the refusals of docs/protocol.md 11.
 * False: another `as`, an empty word, more than 1000. */
EIM_SANDBOX_API bool eim_sandbox_moderate(eim_sandbox *self, const char *const *words, size_t count,
                                          const char *as);
/* A fresh user token in `out` (128 bytes are enough); ttl in seconds, 0: the default, -1: for ever.
 */
EIM_SANDBOX_API bool eim_sandbox_issue_token(eim_sandbox *self, const char *user, int64_t ttl,
                                             char *out, size_t out_size);

/* Events on live sessions. */
/* A kick frame, then close; resource NULL: all devices; reason may be NULL. Returns how many. */
EIM_SANDBOX_API int eim_sandbox_kick(eim_sandbox *self, const char *user, const char *resource,
                                     int operation, const char *reason);
EIM_SANDBOX_API int eim_sandbox_cut(eim_sandbox *self,
                                    const char *user); /* NULL: every connection */
/* While on, nothing of this user is read or answered: a line that is half open. NULL: everybody. */
EIM_SANDBOX_API bool eim_sandbox_freeze(eim_sandbox *self, const char *user, bool on);
/* A text message from `from` (need not exist) into the queue of every device of `user`. 0: failed,
 * else the server id. */
EIM_SANDBOX_API uint64_t eim_sandbox_push(eim_sandbox *self, const char *user, const char *from,
                                          const char *text);
/* A serialized Meta, with from, to, id and timestamp filled in where absent, into the same queues.
 */
EIM_SANDBOX_API uint64_t eim_sandbox_push_meta(eim_sandbox *self, const char *user,
                                               const void *meta, size_t size);
/* Any websocket message to every connection of the user, now. Returns how many. */
EIM_SANDBOX_API int eim_sandbox_raw(eim_sandbox *self, const char *user, const void *bytes,
                                    size_t size, bool text);

/* Faults. */
EIM_SANDBOX_API bool eim_sandbox_fail_next(eim_sandbox *self, eim_sandbox_what what, int n,
                                           const eim_sandbox_failure *how); /* n 0: normal again */
EIM_SANDBOX_API void eim_sandbox_delay(eim_sandbox *self, int ms);
/* What the bootstrap list says from now on of uploads of log lines. */
EIM_SANDBOX_API void eim_sandbox_report_logs(eim_sandbox *self, bool on, int64_t interval_ms);
/* Every token of this user (NULL: of everybody) has expired. Sessions go on, as on the service. */
EIM_SANDBOX_API bool eim_sandbox_expire_token(eim_sandbox *self, const char *user);
/* The sandbox's clock is the real one plus this; calls add up. */
EIM_SANDBOX_API void eim_sandbox_move_clock(eim_sandbox *self, int64_t ms);
EIM_SANDBOX_API int64_t eim_sandbox_now(const eim_sandbox *self);

/* What happened. */
EIM_SANDBOX_API uint64_t eim_sandbox_count(const eim_sandbox *self, eim_sandbox_what what);
EIM_SANDBOX_API int eim_sandbox_sessions(const eim_sandbox *self, const char *user); /* NULL: all */
EIM_SANDBOX_API int eim_sandbox_waiting(const eim_sandbox *self,
                                        const char *user); /* undelivered */
/* The last 1000 requests as a JSON array; tokens and passwords are shown as the first 12 digits of
 * their SHA-256. free() it. */
EIM_SANDBOX_API char *eim_sandbox_log(const eim_sandbox *self);
EIM_SANDBOX_API void
eim_sandbox_clear_log(eim_sandbox *self); /* the log, the counters and the uploaded logs */
/* What clients uploaded as logs of this user, one after the other; the last 16 MiB. NULL: no such
 * user, or no memory. free() it. */
EIM_SANDBOX_API char *eim_sandbox_uploaded_logs(const eim_sandbox *self, const char *user);

/* The program eim-sandbox as a function, for packages of other languages: it runs until SIGINT or
 * SIGTERM, on the main thread of a process of its own. Returns the exit status. Strings of argv may
 * be written to. */
EIM_SANDBOX_API int eim_sandbox_main(int argc, char **argv);

#ifdef __cplusplus
}
#endif

#endif
