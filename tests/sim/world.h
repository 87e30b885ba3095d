/* world.h - a session in virtual time with a server it cannot tell from a real one. Nothing here
 * waits: the clock jumps to whatever is due next. Deterministic for a seed. */
#ifndef EIM_SIM_WORLD_H
#define EIM_SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"
#include "session/session.h"

#define WORLD_EVENTS_MAX 4096

/* How the server treats the next request of a kind. The last one set stays in force. */
typedef enum answer { ANSWER_OK, ANSWER_REFUSE, ANSWER_SILENT, ANSWER_CUT, ANSWER_GARBAGE } answer;

typedef struct seen_event {
  eim_event_kind kind;
  int64_t at; /* mono */
  eim_state state, previous;
  int code; /* of the cause or error, 0: none */
  int attempt;
  bool will_retry, may_have_happened;
  int64_t next_retry;
  uint64_t token, id; /* of a result; of a message, or bytes that are done */
  char text[64];      /* message text, notice name, result's message id, user */
} seen_event;

typedef struct stored { /* a message the server keeps for our user */
  uint64_t id, position;
  int queue;
  bool notice;  /* a contact's, not a message */
  int given;    /* times it was emitted to the application in this session */
  uint64_t seq; /* of the event that gave it last */
  bool done;    /* with ackMode manual: the application said so, of that event */
} stored;

typedef struct sent { /* a message the server took from us */
  uint64_t local_id, server_id;
  char text[64];
} sent;

typedef struct pending pending;

typedef struct world {
  eim_session *session;
  eim_settings *settings;
  eim_now now;
  eim_random random;
  int64_t timers[EIM_TIMER_COUNT]; /* -1: not armed */
  pending *pending;                /* inputs on their way, by time */
  uint64_t next_order;

  /* the server */
  answer dns, token, upgrade, provision, unread, sync;
  int provision_code;
  const char *provision_reason, *redirect_host;
  int http_status; /* for ANSWER_REFUSE on REST */
  const char *http_body;
  int64_t delay;             /* ms for each way */
  int64_t jitter;            /* up to so much more, random */
  int64_t token_seconds;     /* expires_in of /token; 0: 86400 */
  int64_t provision_expires; /* absolute, server time; 0: none */
  int64_t server_skew;       /* server time minus our wall clock */
  int duplicate_percent;     /* of answers that come twice */
  bool auto_done;            /* handlers return at once */
  uint64_t undone;           /* highest seq not yet reported when auto_done is off */
  uint64_t dispatched;       /* highest seq reported */
  struct {
    uint64_t seq, id;
  } held[2048]; /* messages the application has and is not done with, ackMode manual */
  int held_count;
  int lz4;  /* direction the server agrees on when it is offered: 0 up, 1 down, 2 both, 3 unsaid */
  int page; /* metas in one fetch answer */
  stored store[512];
  int store_count;
  uint64_t next_position, next_message_id;
  sent sent[2048];
  int sent_count;
  const char *report_logs; /* enableReportLogs and reportInterval of the host list; NULL: absent */
  const char *report_interval;
  /* What happens to uploads of log lines, a character each: o ok, 5 HTTP 500, 1 HTTP 401, 3 HTTP
   * 413, n refused with a 200, g garbage, c cut before it arrived, m cut, who knows when, s
   * silence. Then ok. Only what was answered with ok, and whose answer arrives, is kept. */
  const char *logs_plan;

  /* What happens to fetches of queues, a character each: o ok, r refused, s silence. Then ok. */
  const char *fetch_plan;

  /* What happens to the application's REST calls (paths below /users/peer/, and files: u one is
   * stored, f trouble with the local one, 6 HTTP 416, b an upload in parts begins, B one for small
   * files), a character each: o
   * ok, h HTML with 200, e empty, 1 HTTP 401, 3 HTTP 503, 9 HTTP 429, 4 HTTP 404, c not connected,
   * m cut, who knows when, s silence. Then ok. */
  const char *rest_plan;

  /* what was seen */
  uint32_t conn; /* the live one, 0: none */
  bool conn_open, conn_silent;
  struct eim_lz4_encoder *packer;   /* of this connection, NULL: plain */
  struct eim_lz4_decoder *unpacker; /* the same for what the client sends */
  int packed_up, packed_down;       /* frames */
  bool last_provision_offered_lz4;
  int connects, provisions, unreads, fetches, http_count;
  char last_host[128], last_url[512], last_ip[64], last_path[64];
  uint16_t last_port;
  bool last_tls, last_provision_had_token;
  char last_provision_token[128], last_provision_reason[64], last_provision_resource[128];
  int receipts_up;
  int rest_calls;
  char rest_trace[4096]; /* all of them: "POST /path; PUT /path file; …" */
  char rest_url[512], rest_token[128], rest_body[128], rest_type[64], rest_file[160];
  eim_http_method rest_method;
  bool rest_once;
  uint32_t rest_id;
  char result_json[512], result_bytes[64]; /* of the last result */
  char notice_json[256];                   /* of the last notice */
  int logs_posts;
  size_t logs_largest; /* body, in bytes */
  eim_buf logs;        /* logContent, one after the other */
  char logs_url[256], logs_resource[128], logs_token[64];
  int64_t logs_at; /* of the last post */
  seen_event events[WORLD_EVENTS_MAX];
  int event_count, events_lost;
  int violations; /* broken invariants, printed when they happen */
} world;

/* options: "key=value" pairs, NULL-terminated, beside a valid appKey, apiUrl and url. */
void world_start(world *w, uint64_t seed, const char *const *options);
void world_stop(world *w);

void world_input(world *w, eim_input input);
void world_open_token(world *w, const char *token_text, uint64_t token);
void world_open_password(world *w, const char *password, uint64_t token);
void world_send(world *w, const char *text, uint64_t token);
void world_renew(world *w, const char *token_text, uint64_t token);
void world_close(world *w, uint64_t token);
void world_cut(world *w); /* the line is lost, both sides notice */
/* The same, and the server says why (a close code of RFC 6455). */
void world_cut_saying(world *w, int code);
void world_kick(world *w, int operation, const char *reason);
/* A page as no well-behaved server sends it: `count` messages with isLast and without a key. */
void world_odd_page(world *w, int count);
void world_text(world *w, const char *text);                   /* a text frame from the server */
uint64_t world_deliver(world *w, int queue, const char *text); /* a message for us; its id */
uint64_t world_deliver_notice(world *w, int queue);            /* something else */

/* Bytes from the server as they are, instead of a frame. */
void world_bytes(world *w, const void *bytes, size_t length);

/* The application is done with held[index] (ackMode manual). */
void world_done(world *w, int index);

/* Let time pass until `mono + ms`, doing everything that is due. */
void world_run(world *w, int64_t ms);
/* The same, but stop as soon as state is reached. True: it was. */
bool world_until(world *w, eim_state state, int64_t ms);

int world_count(const world *w, eim_event_kind kind);
const seen_event *world_last(const world *w, eim_event_kind kind);
const seen_event *world_result(const world *w, uint64_t token); /* NULL: none; checks it is one */
int world_results(const world *w, uint64_t token);

#endif
