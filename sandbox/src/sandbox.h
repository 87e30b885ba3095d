/* sandbox.h - everything the parts of the sandbox share. One recursive lock (eim_sandbox.lock)
 * guards all of it; the server thread holds it in every callback, API calls hold it while they
 * change state and then wake the server thread, which alone touches libwebsockets. */
#ifndef EIM_SANDBOX_INTERNAL_H
#define EIM_SANDBOX_INTERNAL_H

#include <libwebsockets.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "cJSON.h"
#include "eim_sandbox.h"
#include "msync.pb-c.h"

#include "base/buf.h"
#include "base/lz4_stream.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/text.h"
#include "contacts.h"
#include "conversations.h"
#include "documents.h"
#include "files.h"
#include "groups.h"
#include "history.h"
#include "names.h"
#include "presence.h"
#include "store.h"

#define EIM_SB_BUCKETS 4096
#define EIM_SB_DOMAIN_USER "easemob.com"
#define EIM_SB_DOMAIN_GROUP "conference.easemob.com"
#define EIM_SB_MAX_RESOURCE 256 /* proposed */
#define EIM_SB_MAX_DEVICES 32   /* known devices of one user; proposed */
#define EIM_SB_SENT 4096        /* messages that can be recalled */
#define EIM_SB_SEEN 2048        /* client ids remembered for each user: above maxPendingSends */
#define EIM_SB_LOG 1000
#define EIM_SB_MAX_LOGS ((size_t)16 << 20) /* of one user */
#define EIM_SB_HELD 64
#define EIM_SB_MAX_WORDS 1000 /* that are refused */
#define EIM_SB_MUTE_KINDS 3   /* single chat, groups, rooms */

typedef Easemob__Pb__MSync eim_sb_msync;
typedef Easemob__Pb__Meta eim_sb_pb_meta;
typedef Easemob__Pb__Status__ErrorCode eim_sb_code;

/* A routed message, shared by the queues it waits in. */
typedef struct eim_sb_meta {
  int refs;
  eim_sb_pb_meta *pb;
  int64_t id; /* row of the store; 0: not kept */
  eim_sb_store *store;
} eim_sb_meta;

typedef struct eim_sb_item {
  struct eim_sb_item *next;
  eim_sb_meta *meta;
  uint64_t position;
} eim_sb_item;

typedef struct eim_sb_queue {
  struct eim_sb_queue *next;
  char *name, *domain, *resource; /* resource only for what another device of the same user sent */
  eim_sb_item *first, *last;
  int count;
} eim_sb_queue;

typedef struct eim_sb_device {
  struct eim_sb_device *next;
  struct eim_sb_conn *conn;
  char *resource, *uuid, *name,
      *class_name; /* class: what devices of one kind share, e.g. "webim_web" */
  uint64_t last_login;
  eim_sb_queue *queues;
  int waiting;
  uint64_t position;     /* last one given, over all queues: docs/protocol.md 20.4 */
  uint64_t acknowledged; /* last one that a key has covered */
  int64_t id;            /* row of the store */
  eim_sb_store *store;
} eim_sb_device;

typedef struct eim_sb_seen {
  uint64_t client_id, digest /* of receiver and content */, server_id;
  int64_t timestamp;
} eim_sb_seen;

typedef struct eim_sb_user {
  struct eim_sb_user *next;
  char *name, *nickname;
  char uuid[37];
  uint8_t salt[16], password[32]; /* SHA-256 of salt and password */
  int64_t created, modified;
  int64_t id;     /* row of the store */
  bool is_loaded; /* from there, and not yet asked for by eim_sandbox_add_user() */
  bool activated, frozen;
  eim_sb_device *devices;
  eim_sb_device inbox; /* queues of an account that never logged in; the first device takes them */
  eim_sb_seen *seen;   /* the last EIM_SB_SEEN, at their number */
  size_t seen_count, seen_room;
  uint64_t seen_most;    /* the highest client id that was among them */
  int64_t offline_since; /* the last line ended; 0: there was none */
  int64_t muted_until[EIM_SB_MUTE_KINDS];
  eim_sb_contacts contacts;
  eim_sb_conversations conversations;
  eim_sb_presence presence;
  cJSON *attributes; /* NULL: none */
  eim_sb_document document;
  eim_buf logs; /* as uploaded */
  char *logs_resource;
  uint64_t logs_uploads;
} eim_sb_user;

typedef struct eim_sb_token {
  struct eim_sb_token *next;
  uint8_t hash[32];
  eim_sb_user *user;  /* NULL: app token */
  int64_t expires_at; /* ms of the sandbox's clock; 0: never */
} eim_sb_token;

/* A part of a multipart/form-data body; the bytes are the request's. */
typedef struct eim_sb_form_part {
  const uint8_t *bytes;
  size_t size;
  char filename[256], type[128];
} eim_sb_form_part;

typedef enum eim_sb_out_kind { EIM_SB_BINARY, EIM_SB_TEXT, EIM_SB_CLOSE } eim_sb_out_kind;

/* How MSync frames travel on a socket; BY_FIRST: its first message will tell. */
typedef enum eim_sb_transport {
  EIM_SB_BY_FIRST,
  EIM_SB_BY_BINARY,
  EIM_SB_BY_BASE64,
  EIM_SB_BY_SOCKJS
} eim_sb_transport;

typedef struct eim_sb_out {
  struct eim_sb_out *next;
  int64_t due;   /* monotonic ms */
  uint64_t turn; /* when it was said */
  eim_sb_out_kind kind;
  size_t size;
  uint8_t data[]; /* LWS_PRE, then size bytes */
} eim_sb_out;

/* One message socket. */
typedef struct eim_sb_conn {
  struct eim_sb_conn *next;
  struct lws *wsi;
  eim_sb_transport transport;
  eim_sb_user *user; /* since PROVISION */
  eim_sb_device *device;
  char *session_id;
  eim_sb_out *out, *out_last;
  eim_buf in;
  eim_lz4_encoder *packer;   /* NULL: frames go down as they are */
  eim_lz4_decoder *unpacker; /* the same for those that come up */
  bool closing, cut, paused, is_ready;
  struct eim_sb_conn *ready_next;
  int64_t since;
} eim_sb_conn;

/* One REST or admin request and its answer. */
typedef struct eim_sb_request {
  struct eim_sb_request *next;
  struct lws *wsi;
  bool admin, too_large, answered, dropped, silent, close_after;
  char method[8];
  char *path, *query, *token, *content_type, *host, *origin, *share_secret, *range;
  size_t max_body;
  bool is_file;          /* a file is on its way up */
  bool with_credentials; /* a page may ask with its cookies: then its origin is named, not any */
  bool is_restricted;    /* restrict-access: true */
  eim_buf body;
  int status;
  const char *type; /* of the answer, borrowed; or the one below */
  char own_type[128];
  char content_range[80]; /* "": none */
  bool takes_ranges;
  eim_buf answer;
  eim_sb_file *file; /* or this is, counted: so much of it, from here on */
  size_t file_at, file_left;
  bool head_sent;
  int64_t due;
  uint64_t turn; /* when it was answered */
} eim_sb_request;

typedef struct eim_sb_fault {
  int left;
  eim_sandbox_by by;
  int status;
  char *text;
} eim_sb_fault;

typedef struct eim_sb_sent {
  uint64_t server_id;
  int64_t timestamp;
  size_t number; /* of all that were ever sent */
  int edits;
  char from[EIM_SB_MAX_NAME + 1];
  char group[EIM_SB_MAX_NAME + 1]; /* "": to one user */
  bool wants_acks;                 /* of those who read it */
  eim_sb_names readers;
} eim_sb_sent;

struct eim_sandbox {
  pthread_mutex_t lock;
  pthread_t thread;
  bool started, stop, on_thread; /* on_thread: the thread is running, and is `runner` */
  pthread_t runner;
  eim_sandbox_options options; /* its strings are the copies below */
  char *app_key, *org, *app, *bind, *admin_bind, *ca_dir, *data;
  char app_uuid[37];
  struct lws_context *lws;
  struct lws_vhost *vhost, *admin_vhost;
  void *client_tls; /* an SSL_CTX that nobody uses: see listen_on() */
  lws_sorted_usec_list_t timer;
  int port, admin_port;
  char *api_url, *url, *sockjs_url, *dns_url, *admin_url, *ca_pem, *ca_file, *private_dir;
  eim_sb_store *store; /* NULL: all is in memory only */
  /* Of the server's loop. What is said in one turn goes out in a later one: in between, the store
   * commits. */
  uint64_t turn;
  bool broken; /* the store failed: nothing more is said */
  bool documents_due;
  eim_sb_user *touched_users;
  eim_sb_group *touched_groups;
  uint64_t super_admins_digest; /* as kept */
  eim_sb_user *users[EIM_SB_BUCKETS];
  size_t user_count;
  eim_sb_token *tokens[EIM_SB_BUCKETS];
  eim_sb_group *groups; /* the newest first */
  size_t group_count;
  eim_sb_history history;
  eim_sb_names words; /* that are refused */
  size_t refused_as;
  eim_sb_names super_admins; /* who may make chat rooms */
  eim_sb_file *files;        /* the newest first */
  size_t files_size;
  struct eim_sb_upload_in_parts *uploads; /* rest_parts.c; the newest first */
  int uploads_count;
  eim_sb_conn *conns, *ready; /* ready: lines with something to do */
  eim_sb_request *requests;
  int64_t clock_offset, delay;
  bool frozen;
  int held[EIM_SB_HELD]; /* sockets whose upgrade is never answered */
  size_t held_count;
  uint64_t server_id, logins;
  eim_sb_fault faults[EIM_SANDBOX_WHAT_COUNT];
  uint64_t counts[EIM_SANDBOX_WHAT_COUNT];
  eim_sb_sent sent[EIM_SB_SENT];
  size_t sent_next;
  char *log[EIM_SB_LOG]; /* JSON objects, oldest at log_next when full */
  size_t log_next, log_count;
  eim_random random;
};

/* clock.c */
int64_t eim_sb_monotonic(void);
int64_t eim_sb_now(const eim_sandbox *self);
uint64_t eim_sb_next_id(eim_sandbox *self);

/* users.c */
bool eim_sb_name_legal(const char *name); /* characters only; length is asked for apart */
char *eim_sb_lower(const char *name);
eim_sb_user *eim_sb_find_user(eim_sandbox *self, const char *name); /* any case */
eim_sb_user *eim_sb_create_user(eim_sandbox *self, const char *name, const char *password,
                                const char *nickname);
void eim_sb_remove_user(eim_sandbox *self, eim_sb_user *user); /* 207, then gone */
void eim_sb_link_user(eim_sandbox *self, eim_sb_user *user);
/* Makes `seen` larger, so that this slot is in it. False: no memory. */
bool eim_sb_seen_room(eim_sb_user *user, size_t slot);
bool eim_sb_has_password(const eim_sb_user *user, const char *password);
bool eim_sb_change_password(eim_sandbox *self, eim_sb_user *user, const char *password);
void eim_sb_activate(eim_sandbox *self, eim_sb_user *user, bool on);
void eim_sb_free_users(eim_sandbox *self);
bool eim_sb_keep_logs(eim_sb_user *user, const char *resource, const char *text);
void eim_sb_forget_logs(eim_sb_user *user);
void eim_sb_uuid(eim_sandbox *self, char out[37]);

/* tokens.c */
void eim_sb_hash(const char *text, uint8_t out[32]);
void eim_sb_hash_text(const char *text, char out[13]); /* 12 hex digits, for the log */
/* ttl_ms 0: for ever. user NULL: app token. */
eim_sb_token *eim_sb_issue(eim_sandbox *self, eim_sb_user *user, int64_t ttl_ms, char *out,
                           size_t out_size);
void eim_sb_link_token(eim_sandbox *self, eim_sb_token *token);
eim_sb_token *eim_sb_find_token(eim_sandbox *self, const char *text); /* dynamic tokens too */
bool eim_sb_token_expired(const eim_sandbox *self, const eim_sb_token *token);
void eim_sb_revoke(eim_sandbox *self, const eim_sb_user *user);
void eim_sb_expire(eim_sandbox *self, const eim_sb_user *user); /* NULL: all */
void eim_sb_free_tokens(eim_sandbox *self);

/* queues.c */
eim_sb_meta *eim_sb_meta_new(const eim_sb_pb_meta *pb); /* a copy */
void eim_sb_meta_unref(eim_sb_meta *meta);
/* Appends to the device's queue and sends NOTICE when it is connected. */
bool eim_sb_enqueue(eim_sandbox *self, eim_sb_device *device, const char *queue, const char *domain,
                    const char *resource, eim_sb_meta *meta);
/* The same of what the store kept: at this position, without NOTICE. */
bool eim_sb_restore(eim_sb_device *device, const char *queue, const char *domain,
                    const char *resource, eim_sb_meta *meta, uint64_t position);
eim_sb_queue *eim_sb_find_queue(const eim_sb_device *device, const Easemob__Pb__JID *jid);
void eim_sb_trim(eim_sb_device *device, eim_sb_queue *queue, uint64_t key);
void eim_sb_free_queues(eim_sb_device *device);
void eim_sb_free_device(eim_sb_device *device);
/* To every device of the user except `except`; resource limits it to one. */
void eim_sb_deliver(eim_sandbox *self, eim_sb_user *user, const eim_sb_device *except,
                    const char *only_resource, const char *queue, const char *domain,
                    const char *queue_resource, eim_sb_meta *meta);

/* frames.c: building and sending */
void eim_sb_send(eim_sandbox *self, eim_sb_conn *conn, Easemob__Pb__MSync__Command command,
                 const ProtobufCMessage *payload);
void eim_sb_send_bytes(eim_sandbox *self, eim_sb_conn *conn, const void *bytes, size_t size,
                       bool text);
void eim_sb_close(eim_sandbox *self, eim_sb_conn *conn); /* after what is queued */
/* With a text [code, reason] before the end. */
void eim_sb_close_saying(eim_sandbox *self, eim_sb_conn *conn, const char *text);
/* What a transport says by itself: never wrapped. */
void eim_sb_send_plain(eim_sandbox *self, eim_sb_conn *conn, const char *text);
void eim_sb_kick(eim_sandbox *self, eim_sb_conn *conn, int operation, const char *reason);
void eim_sb_jid(const eim_sandbox *self, Easemob__Pb__JID *jid, const char *name,
                const char *domain, const char *resource);
void eim_sb_free_conn(eim_sb_conn *conn);

/* transport.c */
bool eim_sb_is_sockjs(const char *path);
/* What goes over the wire for this; *kind becomes TEXT where it goes as text. */
void eim_sb_wrap(eim_sb_transport transport, eim_sb_out_kind *kind, const void *bytes, size_t size,
                 eim_buf *out);
/* One whole message of the socket; false: close the connection. */
bool eim_sb_message(eim_sandbox *self, eim_sb_conn *conn, const uint8_t *bytes, size_t size,
                    bool is_binary);

/* commands.c: one frame from a client; false: close the connection */
bool eim_sb_frame(eim_sandbox *self, eim_sb_conn *conn, const uint8_t *bytes, size_t size);
void eim_sb_detach(eim_sandbox *self, eim_sb_conn *conn); /* the socket is gone */
/* provision.c */
bool eim_sb_provision(eim_sandbox *self, eim_sb_conn *conn, const eim_sb_msync *frame);
bool eim_sb_logout(eim_sandbox *self, eim_sb_conn *conn, const eim_sb_msync *frame);
/* route.c */
bool eim_sb_upload(eim_sandbox *self, eim_sb_conn *conn, const eim_sb_pb_meta *meta);
uint64_t eim_sb_push_meta(eim_sandbox *self, eim_sb_user *user, eim_sb_pb_meta *meta);

/* payload.c: {bodies, ext, from, to, type, meta}; and {id, from, to, timestamp, payload} */
cJSON *eim_sb_payload_json(const eim_sb_kept *kept);
cJSON *eim_sb_message_json(const eim_sandbox *self, const eim_sb_kept *kept);

/* moderation.c; as: sensitive, antispam, moderation or callback */
bool eim_sb_moderate(eim_sandbox *self, const char *const *words, size_t count, const char *as);
const char *eim_sb_moderated(const eim_sandbox *self, const Easemob__Pb__MessageBody *body,
                             int *code);

/* acks.c */
eim_sb_sent *eim_sb_find_sent(eim_sandbox *self, uint64_t server_id);
void eim_sb_remember_sent(eim_sandbox *self, uint64_t server_id, int64_t timestamp,
                          const char *from, const char *group, bool wants_acks);
void eim_sb_free_sent(eim_sandbox *self);
/* A read receipt of a member; down: as it is routed. */
void eim_sb_group_ack(eim_sandbox *self, const eim_sb_conn *conn, const eim_sb_group *group,
                      const eim_sb_pb_meta *down, const Easemob__Pb__MessageBody *body);

/* faults.c */
/* NULL: behave. Else this one applies, and is used up. */
const eim_sb_fault *eim_sb_fault_take(eim_sandbox *self, eim_sandbox_what what);
/* Applies it to a message socket; false: close now. */
bool eim_sb_fault_frame(eim_sandbox *self, eim_sb_conn *conn, const eim_sb_fault *fault);
const char *eim_sb_what_name(eim_sandbox_what what);
int eim_sb_what_of(const char *name); /* -1 */
int eim_sb_by_of(const char *name);   /* -1 */

/* log.c */
void eim_sb_log_rest(eim_sandbox *self, const eim_sb_request *request);
void eim_sb_log_frame(eim_sandbox *self, const eim_sb_conn *conn, const char *what,
                      const char *detail);
void eim_sb_log_clear(eim_sandbox *self);
void eim_sb_log_json(const eim_sandbox *self, eim_buf *out);

/* rest.c */
void eim_sb_rest(eim_sandbox *self, eim_sb_request *request);
void eim_sb_answer(eim_sandbox *self, eim_sb_request *request, int status, const char *json);
void eim_sb_refuse(eim_sandbox *self, eim_sb_request *request, int status, const char *error,
                   const char *exception, const char *description);
void eim_sb_answer_json(eim_sandbox *self, eim_sb_request *request, int status, cJSON *json);
/* The usual envelope, for more members. */
cJSON *eim_sb_envelope(eim_sandbox *self, const char *action, const char *path);
cJSON *eim_sb_user_json(const eim_sb_user *user);
cJSON *eim_sb_parse_body(eim_sandbox *self, eim_sb_request *request); /* NULL: refused already */
const char *eim_sb_string(const cJSON *object, const char *name);
/* The caller's token; false: refused already. */
bool eim_sb_authorize(eim_sandbox *self, eim_sb_request *request, const eim_sb_user *owner,
                      bool app_only);
bool eim_sb_query(const eim_sb_request *request, const char *name, char *out, size_t size);
/* rest_users.c, rest_token.c, rest_account.c */
void eim_sb_rest_register(eim_sandbox *self, eim_sb_request *request);
void eim_sb_rest_token(eim_sandbox *self, eim_sb_request *request);
/* rest_social.c: groups, rooms, contacts …; parts behind org and app. False: not of these. */
bool eim_sb_rest_social(eim_sandbox *self, eim_sb_request *request, char **parts, int count);
/* rest_files.c; uuid NULL: the collection */
void eim_sb_rest_files(eim_sandbox *self, eim_sb_request *request, const char *uuid);
void eim_sb_file_too_large(eim_sandbox *self, eim_sb_request *request);
/* The part of this name; false: there is none. */
bool eim_sb_find_part(const eim_sb_request *request, const char *name, eim_sb_form_part *out);
/* Into the store, and answers with where it is. data NULL: out of memory. */
void eim_sb_keep_file(eim_sandbox *self, eim_sb_request *request, const eim_buf *data,
                      const char *type, const char *filename);
/* rest_parts.c; uuid NULL: the collection */
void eim_sb_rest_parts(eim_sandbox *self, eim_sb_request *request, const char *uuid);
void eim_sb_free_uploads(eim_sandbox *self);
void eim_sb_rest_account(eim_sandbox *self, eim_sb_request *request, char **parts, int count);

/* admin.c */
void eim_sb_admin(eim_sandbox *self, eim_sb_request *request);

/* server.c */
bool eim_sb_server_start(eim_sandbox *self, char *error, size_t error_size);
void eim_sb_server_stop(eim_sandbox *self);
void eim_sb_wake(eim_sandbox *self,
                 eim_sb_conn *conn); /* look at this line (NULL: at the requests) */

/* tls.c */
bool eim_sb_make_certificates(eim_sandbox *self, char *cert_file, char *key_file, size_t size);
void eim_sb_remove_certificates(eim_sandbox *self);

#endif
