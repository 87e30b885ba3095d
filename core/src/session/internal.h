/* internal.h - the session's own state, shared by the files of this room and by nobody else. */
#ifndef EIM_SESSION_INTERNAL_H
#define EIM_SESSION_INTERNAL_H

#include "base/buf.h"
#include "log/log.h"
#include "model/error.h"
#include "model/event.h"
#include "session/report.h"
#include "session/session.h"
#include "wire/frame.h"
#include "wire/hosts.h"
#include "wire/rest.h"
#include "wire/verdict.h"

/* A message, or what is done to messages and rooms, on its way up. Kept until the server answered,
 * over reconnects, under one id. */
typedef struct eim_outgoing {
  struct eim_outgoing *next;
  uint64_t token, local_id;
  eim_message *message; /* NULL: an action, */
  eim_buf frame;        /* and this is its frame */
  eim_action_kind action;
  int64_t deadline; /* mono */
  bool written;     /* on any connection: the server may have it */
} eim_outgoing;

/* A REST request beside the login: registration, token renewal. */
typedef enum eim_side_kind { EIM_SIDE_REGISTER, EIM_SIDE_RENEW } eim_side_kind;
typedef struct eim_side {
  struct eim_side *next;
  eim_side_kind kind;
  uint64_t token;
  uint32_t http;    /* 0: waits for the host list */
  int64_t deadline; /* mono */
  size_t hosts_tried;
  char *user, *nickname;
  eim_secret *secret; /* password or new token */
} eim_side;

typedef struct eim_ids {
  uint64_t *list;
  size_t count, room;
} eim_ids;

/* A queue being pulled. What it does belongs to one connection: what was not acknowledged comes
 * again on the next, and is known by its id. */
typedef struct eim_pull {
  struct eim_pull *next, *prev;
  char *name, *domain, *resource;
  uint32_t hash;    /* of the name */
  bool wanted;      /* there is something, no fetch is under way */
  bool fetching;    /* a fetch was sent, its answer is due */
  bool again;       /* something came while fetching */
  bool ack_wait;    /* the next fetch (which acknowledges) waits for the page to be done */
  bool has_key;     /* of the last fetch */
  bool offline;     /* waited at login: docs/notices.md, offline_sync */
  bool kept;        /* only until the server says what waits: of it something may come again */
  int undone;       /* events of the page that are not done */
  size_t expected;  /* events that the fetch under way may bring */
  size_t page_size; /* of the last page that came; 0: none */
  uint64_t page, key;
  int64_t since;  /* mono, of the last fetch */
  eim_ids given;  /* and not acknowledged, or covered by a key whose fetch has no answer yet */
  eim_ids owed;   /* the same of before, on an earlier connection */
  size_t covered; /* the first so many of given */
} eim_pull;

/* How it is known that queues have something. */
typedef enum eim_told { EIM_TOLD_OF_ONE, EIM_TOLD_OF_ALL, EIM_TOLD_AT_LOGIN } eim_told;

/* A delivery receipt that is due when its message was dispatched. */
typedef struct eim_due_receipt {
  struct eim_due_receipt *next;
  uint64_t seq, message_id;
  char from[];
} eim_due_receipt;

/* An event that was handed out and is not done. They stand in a list, ordered by seq. */
typedef struct eim_handed {
  uint64_t seq;
  uint64_t id;     /* of the message, 0: none */
  uint64_t page;   /* the page of a queue that waits for it, 0: none */
  bool is_done;    /* nothing waits for it any more */
  bool wants_done; /* a message under ackMode manual: dispatched is not done */
} eim_handed;

struct eim_session {
  eim_settings *settings;
  eim_session_io io;
  uint64_t number; /* for logs */
  eim_random random;
  eim_now now;
  int64_t wall_minus_mono; /* to notice a suspend */
  bool clock_known;

  eim_state state;
  uint32_t last_id; /* of connections and HTTP requests */

  /* who */
  char *user, *resource /* assigned by the server, "" before */;
  char *device_id;
  char *login_ext;
  eim_secret *password; /* only until it was traded */
  eim_secret *token;
  bool token_wanted; /* a provider was asked and has not answered */
  bool token_warned; /* on_token_will_expire was told for this token */
  bool has_provider;
  bool token_changed;       /* since a login was sent with it */
  bool token_given;         /* renewed since the line was lost */
  bool token_refused;       /* the server does not take it */
  int64_t token_expires_at; /* server time; 0: unknown */
  int64_t token_life;       /* ms, 0: unknown */
  int64_t server_offset;    /* server time = wall + offset */
  bool server_offset_known;

  /* the open() under way and the attempts of a reconnect */
  bool opening, was_online, network_down;
  uint64_t open_token;
  int attempt;
  eim_error *last_cause; /* of the last failed attempt */

  /* where */
  eim_host_list hosts;
  bool hosts_fetched;      /* hosts came from discovery (else from apiUrl/url) */
  int64_t hosts_at;        /* mono, when */
  uint32_t discovery_http; /* 0: none under way */
  size_t discovery_index;  /* bootstrap URL being asked */
  int64_t discovery_deadline;
  eim_error *discovery_error;
  size_t rest_index, message_index; /* host in use */
  size_t rest_tried, message_tried; /* in this attempt */
  char *redirect_host;
  uint16_t redirect_port;
  int redirects; /* in this attempt */

  /* the step under way */
  uint32_t conn, phase_http;
  int text_code;                    /* from a text frame [code, reason] on this connection */
  struct eim_lz4_encoder *packer;   /* of this connection; NULL: frames go up as they are */
  struct eim_lz4_decoder *unpacker; /* the same for those that come down */
  bool compress_failed;             /* once: it is not offered any more */

  /* online */
  int64_t last_rx, beat_at;
  bool beat_waiting;
  int64_t rtt;
  uint64_t generation;
  eim_pull *pulls, *pulls_last; /* whose turn is next is the first */
  size_t pull_count, pulls_offline;
  size_t expected;     /* events that the fetches under way may bring */
  size_t largest_page; /* of all that came */
  uint64_t frames_up, frames_down, bytes_up, bytes_down; /* since the client was made */
  uint64_t connects, losses;
  uint64_t emitted_seq, dispatched_seq; /* the last event handed out, and dispatched */
  uint64_t done_seq;                    /* everything up to it is done */
  uint64_t last_page;
  eim_handed *handed; /* those that are not done, and some that are */
  size_t handed_size, handed_from, handed_end, undone;
  bool offline_asked; /* the first UNREAD of this login has no answer yet */
  bool offline_told;  /* the notice that says what waited at login has begun */
  bool ask_again;     /* a fetch or an UNREAD was refused: with the next beat, whatever comes in */
  uint64_t *seen;     /* ring of the last ids and their filter, allocated with the first message */
  uint32_t seen_next, seen_count;
  eim_due_receipt *receipts, **receipts_tail;

  eim_outgoing *outbox, **outbox_tail;
  int outbox_count;
  uint64_t last_local_id;
  eim_side *sides;
  int64_t part_size;      /* of uploads in parts, as the server said it last; 0: it has not */
  struct eim_call *calls; /* request.c */
  int call_count;
  struct eim_report *report; /* NULL: no upload of log lines */
};

#define SESSION_LOG(level, self, ...) EIM_LOG(level, "session", (self)->number, __VA_ARGS__)

/* session.c */
void eim_session_transit(eim_session *self, eim_state to, const eim_error *cause,
                         int64_t next_retry, bool will_retry);
void eim_session_emit(eim_session *self, eim_event_kind kind, void *payload);
void eim_session_emit_change(eim_session *self, eim_event_kind kind, eim_state previous,
                             const eim_error *cause, int64_t next_retry, bool will_retry);
/* Ends a request: consumes error (NULL: success). Nothing for token 0. */
void eim_session_result(eim_session *self, uint64_t token, eim_error *error, const char *json);
void eim_session_arm(eim_session *self, eim_timer timer, int64_t at);
void eim_session_disarm(eim_session *self, eim_timer timer);
/* One frame on the live connection. */
void eim_session_write(eim_session *self, const eim_buf *frame);
uint32_t eim_session_next_id(eim_session *self);
/* Earliest deadline of everything the SEND timer watches. */
void eim_session_arm_deadlines(eim_session *self);
int64_t eim_session_server_now(const eim_session *self);

/* device.c: names after docs/protocol.md 6; buffers are replaced. */
bool eim_device_names(const eim_session *self, eim_buf *resource, eim_buf *uuid, eim_buf *name);

/* discovery.c */
typedef enum eim_found { EIM_FOUND, EIM_FINDING, EIM_NOT_FOUND } eim_found;
/* Host list at hand, asked for, or not to be had (discovery_error says why). */
eim_found eim_discovery_need(eim_session *self, bool refresh);
void eim_discovery_answer(eim_session *self, const eim_input *input);
void eim_discovery_timeout(eim_session *self);
void eim_discovery_stop(eim_session *self);
/* URL of the REST host in use for a path below /org/app, and the address to connect to. */
void eim_discovery_rest(const eim_session *self, const char *path, eim_buf *url, const char **ip);

/* login.c */
void eim_login_open(eim_session *self, const eim_input *input);
void eim_login_resolved(eim_session *self, bool found);
void eim_login_http(eim_session *self, const eim_input *input);
void eim_login_opened(eim_session *self);
void eim_login_provisioned(eim_session *self, const eim_frame *frame);
/* The request of the step under way waits for a connection, or has got one. */
void eim_login_place(eim_session *self, int64_t deadline);
void eim_login_phase_timeout(eim_session *self);
void eim_login_retry(eim_session *self);
void eim_login_timeout(eim_session *self);
/* The connection or the step under way failed: next host, WAITING, or the end. Consumes cause. */
void eim_login_failed(eim_session *self, eim_error *cause);
/* The session is over. Consumes cause (NULL: close() was called). */
void eim_login_end(eim_session *self, eim_error *cause);
void eim_login_network(eim_session *self, bool up);
void eim_login_new_token(eim_session *self);
void eim_login_no_token(eim_session *self, const char *reason);

/* live.c */
void eim_live_start(eim_session *self);
void eim_live_stop(eim_session *self);
void eim_live_frame(eim_session *self, const void *bytes, size_t length);
void eim_live_heartbeat(eim_session *self);
void eim_live_probe(eim_session *self);

/* token.c */
void eim_token_learned(eim_session *self, int64_t expires_at, int64_t life);
void eim_token_arm(eim_session *self);
void eim_token_timer(eim_session *self);
/* Ask the provider, once. False: there is none. */
bool eim_token_ask(eim_session *self, eim_token_reason reason, int64_t deadline_ms);
bool eim_token_is_dead(const eim_session *self);
/* A reconnect stands still until the provider gives one. */
bool eim_token_is_awaited(const eim_session *self);
/* A renewal came to nothing, so the provider's answer was none. */
void eim_token_renewal_failed(eim_session *self);

/* pull.c */
/* There is something in these queues, and unless one was told of alone, in no others. */
void eim_pull_want(eim_session *self, const eim_queue_info *queues, size_t count, eim_told told);
/* A fetch was refused, or has no answer and should: only UNREAD can tell how it stands. */
bool eim_pull_is_stuck(const eim_session *self);
void eim_pull_answer(eim_session *self, eim_frame *frame);
/* Every event up to seq was dispatched. */
void eim_pull_done(eim_session *self, uint64_t seq);
/* The application is done with the message at seq (ackMode manual). */
void eim_pull_message_done(eim_session *self, uint64_t seq);
/* The session is over: what the application was not done with comes again at the next login. */
void eim_pull_session_over(eim_session *self);
/* The connection ended. */
void eim_pull_lost(eim_session *self);
void eim_pull_free(eim_session *self);
/* What was seen and what is owed belongs to one user, not to the handle. */
void eim_pull_other_user(eim_session *self);
/* Hand the items of a frame to the application. False: a kick ended the session, or the line was
 * given up. */
bool eim_pull_items(eim_session *self, eim_frame *frame);

/* outbox.c */
void eim_outbox_send(eim_session *self, const eim_message *message, uint64_t token);
void eim_outbox_act(eim_session *self, const eim_action *action, uint64_t token);
void eim_outbox_flush(eim_session *self);
void eim_outbox_answer(eim_session *self, eim_frame *frame);
void eim_outbox_timeout(eim_session *self);
/* The connection ended, for this reason. */
void eim_outbox_lost(eim_session *self, const eim_error *why);
bool eim_outbox_cancel(eim_session *self, uint64_t token);
/* End all: code and message of the error are those of cause. */
void eim_outbox_fail(eim_session *self, const eim_error *cause);
uint64_t eim_outbox_new_id(eim_session *self);

/* compress.c */
bool eim_compress_is_offered(const eim_session *self);
/* As the login answer agreed. False: out of memory. */
bool eim_compress_start(eim_session *self, const eim_frame *frame);
void eim_compress_stop(eim_session *self);
const char *eim_compress_name(const eim_session *self); /* both, up, down, none */
void eim_compress_write(eim_session *self, const eim_buf *frame);
/* False: the line was given up. */
bool eim_compress_read(eim_session *self, const void *bytes, size_t length, eim_buf *out);

/* side.c */
void eim_side_start(eim_session *self, const eim_input *input, eim_side_kind kind);
void eim_side_resolved(eim_session *self, bool found);
bool eim_side_http(eim_session *self, const eim_input *input);
/* Its deadline from now on. False: none of these. */
bool eim_side_place(eim_session *self, uint32_t id, int64_t deadline);
void eim_side_timeout(eim_session *self);
bool eim_side_cancel(eim_session *self, uint64_t token);
/* End all (or only the renewals): code and message are those of cause. */
void eim_side_fail(eim_session *self, const eim_error *cause, bool renewals_only);
/* The error of something that ends unanswered for this cause; written: the server may have it. */
eim_error *eim_session_unanswered(const eim_error *cause, bool written);

#endif
