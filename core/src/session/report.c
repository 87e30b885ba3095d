/* report.c - uploads the lines of this client: when, how much at once, and what then.
 *
 * Two switches: the option enableReportLogs, and the host list. Lines are kept from the start,
 * until a list says no. A round sends what was there at its beginning, in pieces one after the
 * other; a piece is forgotten when the server said ok and not before, so nothing is lost and
 * nothing is out of order. Only when an answer gets lost on its way may a piece come twice. */
#include "session/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>

#include "base/text.h"
#include "log/spool.h"
#include "session/internal.h"

#define ANSWER_MAX (64 * 1024)
#define LIST_MAX (1024 * 1024)
/* Of the whole body. A line that did not make it shrinks it, down to what always goes. */
#define PIECE_MAX (2 * 1024 * 1024)
#define PIECE_MIN (64 * 1024)
/* Between the pieces of a round, as the official SDK has it. */
#define PIECE_GAP_MS 3000
#define BACKOFF_MAX_MS 3600000
/* A last upload may take this long; nobody waits for it. */
#define LEAVE_MS 5000
#define LEAVE_RETRY_MS 500

typedef struct eim_report {
  eim_log_spool *spool; /* NULL: the list said no */
  bool on;              /* it said yes */
  int64_t interval;
  /* the list, asked for this switch alone */
  uint32_t list_http;
  size_t list_index;
  int64_t list_deadline;
  /* the upload */
  uint32_t http;
  int64_t deadline; /* of the request under way */
  int64_t next;     /* mono; when there is none. 0: not planned */
  size_t piece;     /* bytes of a body */
  size_t left;      /* bytes that belong to the round under way; 0: none */
  int failures;     /* since the last success */
  char *user;       /* whose lines these are */
  /* the last upload: it outlives the session */
  bool leaving, stopped;
  int64_t leave_by;
  eim_secret *token;
  char *resource;
  uint64_t uploads, uploaded_bytes, failed;
} eim_report;

#define REPORT_LOG(level, self, ...) EIM_LOG(level, "report", (self)->number, __VA_ARGS__)

static void make_spool(eim_session *self) {
  const eim_settings *s = self->settings;
  self->report->spool = eim_log_spool_new(self->number, (eim_log_level)s->report_log_level,
                                          (size_t)s->report_max_bytes);
}

void eim_report_new(eim_session *self) {
  if (!self->settings->enable_report_logs) return;
  self->report = calloc(1, sizeof *self->report);
  if (!self->report) return;
  self->report->piece = PIECE_MAX;
  make_spool(self);
}

void eim_report_free(eim_session *self) {
  eim_report *r = self->report;
  if (!r) return;
  eim_log_spool_free(r->spool);
  eim_secret_unref(r->token);
  free(r->user);
  free(r->resource);
  free(r);
  self->report = NULL;
}

/* ------------------------------------------------------------------ when */

static const eim_secret *token_of(const eim_session *self) {
  return self->report->leaving ? self->report->token : self->token;
}

static bool can_send(const eim_session *self) {
  const eim_report *r = self->report;
  return r->on && r->spool && !r->http && token_of(self);
}

static void arm(eim_session *self) {
  const eim_report *r = self->report;
  int64_t at = INT64_MAX;
  if (r->list_http && r->list_deadline < at) at = r->list_deadline;
  if (r->http && r->deadline < at) at = r->deadline;
  if (r->leaving && r->leave_by < at) at = r->leave_by;
  if (r->next && can_send(self) && r->next < at) at = r->next;
  if (at == INT64_MAX || r->stopped)
    eim_session_disarm(self, EIM_TIMER_REPORT);
  else
    eim_session_arm(self, EIM_TIMER_REPORT, at);
}

static void forget_request(eim_session *self) {
  eim_report *r = self->report;
  if (!r->http) return;
  self->io.http_cancel(self->io.user, r->http);
  r->http = 0;
  eim_log_spool_failed(r->spool);
}

static void plan(eim_session *self, int64_t delay) {
  self->report->next = self->now.mono + delay;
}

static void end_leave(eim_session *self) {
  eim_report *r = self->report;
  forget_request(self);
  eim_secret_unref(r->token);
  free(r->resource);
  r->token = NULL;
  r->resource = NULL;
  r->leaving = false;
  r->left = 0;
  r->next = 0;
  if (r->on && self->token) plan(self, r->interval); /* it was opened again meanwhile */
}

/* ------------------------------------------------------------------ the upload */

static void resource_of(const eim_session *self, eim_buf *out) {
  eim_buf uuid = EIM_BUF_INIT, name = EIM_BUF_INIT;
  if (self->report->leaving && self->report->resource) {
    eim_buf_str(out, self->report->resource);
  } else if (self->resource[0]) {
    eim_buf_str(out, self->resource);
  } else { /* never logged in: the name it would have had */
    eim_device_names(self, out, &uuid, &name);
    eim_buf_free(&uuid);
    eim_buf_free(&name);
  }
}

/* False: out of memory. */
static bool post(eim_session *self, const char *lines) {
  eim_report *r = self->report;
  eim_buf resource = EIM_BUF_INIT, path = EIM_BUF_INIT, url = EIM_BUF_INIT, body = EIM_BUF_INIT;
  const char *ip;
  resource_of(self, &resource);
  eim_buf_str(&path, "/sdk/users/");
  eim_buf_url(&path, r->user ? r->user : self->user);
  eim_buf_str(&path, "/client/logs");
  bool made = !resource.failed && !path.failed;
  if (made) {
    eim_discovery_rest(self, (const char *)path.data, &url, &ip);
    made = eim_rest_logs_body(&body, resource.data ? (const char *)resource.data : "", lines) &&
           !url.failed;
  }
  if (made) {
    r->http = eim_session_next_id(self);
    r->deadline = self->now.mono + self->settings->request_timeout;
    eim_http_request request = {.id = r->http,
                                .method = EIM_HTTP_POST,
                                .url = (const char *)url.data,
                                .ip = ip,
                                .bearer = token_of(self),
                                .content_type = "application/json",
                                .body = body.data,
                                .body_length = body.length,
                                .max_answer = ANSWER_MAX};
    self->io.http(self->io.user, &request);
  }
  eim_buf_free(&resource);
  eim_buf_free(&path);
  eim_buf_free(&url);
  eim_buf_free(&body);
  return made;
}

/* The next piece of the round; when there is nothing, the round is over. */
static void send_piece(eim_session *self) {
  eim_report *r = self->report;
  /* Around the text: the names of the members, and a resource of at most 256 bytes. */
  char *lines = eim_log_spool_begin(r->spool, r->piece - 1024);
  if (!lines) {
    r->left = 0;
    if (r->leaving)
      end_leave(self);
    else
      plan(self, r->interval);
    return;
  }
  if (!post(self, lines)) {
    eim_log_spool_failed(r->spool);
    plan(self, r->interval);
  }
  free(lines);
}

static void uploaded(eim_session *self) {
  eim_report *r = self->report;
  size_t taken = eim_log_spool_sent(r->spool);
  r->uploads++;
  r->uploaded_bytes += taken;
  r->failures = 0;
  r->piece = r->piece > PIECE_MAX / 2 ? PIECE_MAX : r->piece * 2;
  r->left = taken < r->left ? r->left - taken : 0;
  REPORT_LOG(EIM_LOG_DEBUG, self, "uploaded %zu bytes of log", taken);
  if (r->leaving && self->state != EIM_STATE_OFFLINE)
    end_leave(self); /* opened again: the rest is for the new session and its token */
  else if (r->leaving)
    plan(self, 0);
  else
    plan(self, r->left ? PIECE_GAP_MS : r->interval);
}

static int64_t backoff(eim_session *self) {
  const eim_report *r = self->report;
  int64_t limit = r->leaving ? LEAVE_RETRY_MS : r->interval;
  int64_t max = limit > BACKOFF_MAX_MS ? limit : BACKOFF_MAX_MS;
  for (int i = 1; i < r->failures && limit < max; i++) limit = limit > max / 2 ? max : limit * 2;
  /* Never at once, and not all clients together. */
  return limit / 2 + (int64_t)eim_random_upto(&self->random, (uint64_t)(limit / 2));
}

/* smaller: the piece may have been too large for the line or the server. */
static void failed(eim_session *self, const eim_error *error, bool smaller) {
  eim_report *r = self->report;
  bool final = eim_error_is_final(error) && !smaller; /* asking again soon will not help */
  eim_log_spool_failed(r->spool);
  r->failures++;
  r->failed++;
  r->left = 0;
  if (smaller) r->piece = r->piece / 2 > PIECE_MIN ? r->piece / 2 : PIECE_MIN;
  if (r->leaving && (final || self->state != EIM_STATE_OFFLINE)) {
    REPORT_LOG(EIM_LOG_INFO, self, "the last log upload failed: %s", eim_error_message(error));
    end_leave(self);
    return;
  }
  int64_t delay = backoff(self);
  REPORT_LOG(EIM_LOG_INFO, self, "log upload failed, again in %" PRId64 " ms: %s", delay,
             eim_error_message(error));
  plan(self, delay);
}

static void answered(eim_session *self, const eim_input *input) {
  self->report->http = 0;
  if (input->error) {
    failed(self, input->error, input->may_have_arrived);
    return;
  }
  eim_error *error = input->http_status == 200 ? eim_rest_logs_answer(input->bytes, input->length)
                                               : eim_rest_error(EIM_REST_OTHER, input->http_status,
                                                                input->bytes, input->length);
  if (error)
    failed(self, error, input->http_status == 413);
  else
    uploaded(self);
  eim_error_unref(error);
}

/* ------------------------------------------------------------------ the switch */

static void ask_list(eim_session *self) {
  eim_report *r = self->report;
  const eim_settings *s = self->settings;
  if (!s->dns_urls || !s->dns_urls[r->list_index]) return; /* undecided until the next open() */
  eim_buf url = EIM_BUF_INIT;
  eim_buf_printf(&url, "%s?app_key=", s->dns_urls[r->list_index]);
  eim_buf_url(&url, s->app_key);
  eim_buf_printf(&url, "&_v=%" PRId64, self->now.wall);
  if (!url.failed) {
    r->list_http = eim_session_next_id(self);
    r->list_deadline = self->now.mono + s->request_timeout;
    eim_http_request request = {.id = r->list_http,
                                .method = EIM_HTTP_GET,
                                .url = (const char *)url.data,
                                .ip = "",
                                .max_answer = LIST_MAX};
    self->io.http(self->io.user, &request);
  }
  eim_buf_free(&url);
}

void eim_report_switch(eim_session *self, bool on, int64_t interval_ms) {
  eim_report *r = self->report;
  if (!r || r->stopped) return;
  r->interval = interval_ms;
  if (on && !r->spool) make_spool(self);
  if (on && !r->on) plan(self, interval_ms);
  r->on = on;
  if (!on) {
    forget_request(self);
    if (r->leaving) end_leave(self);
    eim_log_spool_free(r->spool);
    r->spool = NULL;
  }
  arm(self);
}

static void list_answered(eim_session *self, const eim_input *input) {
  eim_report *r = self->report;
  bool on;
  int64_t interval;
  r->list_http = 0;
  if (!input->error && input->http_status == 200 &&
      eim_hosts_parse_report(input->bytes, input->length, &on, &interval)) {
    eim_report_switch(self, on, interval);
    return;
  }
  r->list_index++;
  ask_list(self);
}

/* ------------------------------------------------------------------ what happens */

bool eim_report_http(eim_session *self, const eim_input *input) {
  eim_report *r = self->report;
  if (!r || (input->id != r->http && input->id != r->list_http)) return false;
  eim_log_spool_mute(true);
  if (input->id == r->http)
    answered(self, input);
  else
    list_answered(self, input);
  arm(self);
  eim_log_spool_mute(false);
  return true;
}

void eim_report_timer(eim_session *self) {
  eim_report *r = self->report;
  if (!r || r->stopped) return;
  eim_log_spool_mute(true);
  if (r->list_http && self->now.mono >= r->list_deadline) {
    self->io.http_cancel(self->io.user, r->list_http);
    r->list_http = 0;
    r->list_index++;
    ask_list(self);
  }
  if (r->leaving && self->now.mono >= r->leave_by) {
    REPORT_LOG(EIM_LOG_INFO, self, "the last log upload took too long");
    end_leave(self);
  }
  if (r->http && self->now.mono >= r->deadline) {
    self->io.http_cancel(self->io.user, r->http);
    r->http = 0;
    eim_error *error = eim_error_new(EIM_CODE_SERVER_TIMEOUT, EIM_DOMAIN_LOCAL, EIM_E_TIMEOUT, 0,
                                     "no answer within %d ms", self->settings->request_timeout);
    failed(self, error, true);
    eim_error_unref(error);
  }
  if (r->next && self->now.mono >= r->next && can_send(self)) {
    if (!r->left) r->left = eim_log_spool_bytes(r->spool);
    send_piece(self);
  }
  arm(self);
  eim_log_spool_mute(false);
}

static void opening(eim_session *self) {
  eim_report *r = self->report;
  if (r->user && strcasecmp(r->user, self->user) != 0) {
    /* Nobody's lines go out under the name of somebody else. */
    if (r->leaving) end_leave(self);
    if (r->spool) eim_log_spool_discard(r->spool);
  }
  free(r->user);
  r->user = eim_strdup(self->user);
  if (self->settings->is_http_dns || r->list_http) return;
  r->list_index = 0;
  ask_list(self);
}

void eim_report_moved(eim_session *self, eim_state to) {
  eim_report *r = self->report;
  if (!r || r->stopped) return;
  eim_log_spool_mute(true);
  if (to == EIM_STATE_RESOLVING && self->state == EIM_STATE_OFFLINE) opening(self);
  /* From here on there is a token. */
  if (to == EIM_STATE_CONNECTING && r->on && !r->next) plan(self, r->interval);
  arm(self);
  eim_log_spool_mute(false);
}

void eim_report_leave(eim_session *self) {
  eim_report *r = self->report;
  if (!r || r->stopped || !r->on || !r->spool || !self->token || r->leaving) return;
  r->token = eim_secret_ref(self->token);
  r->resource = self->resource[0] ? eim_strdup(self->resource) : NULL;
  r->leaving = true;
  r->leave_by = self->now.mono + LEAVE_MS;
  r->failures = 0;
  /* On the next turn: the lines about the end of the session are to be in it. A piece that is under
   * way goes on. */
  plan(self, 0);
  arm(self);
}

void eim_report_stop(eim_session *self) {
  eim_report *r = self->report;
  if (!r) return;
  if (r->list_http) self->io.http_cancel(self->io.user, r->list_http);
  r->list_http = 0;
  if (r->leaving) end_leave(self);
  forget_request(self);
  r->stopped = true;
}

void eim_report_health(const eim_session *self, eim_buf *out) {
  const eim_report *r = self->report;
  if (!r) {
    eim_buf_str(out, "null");
    return;
  }
  eim_buf_printf(out,
                 "{\"enabled\":%s,\"waitingBytes\":%zu,\"uploads\":%" PRIu64
                 ",\"uploadedBytes\":%" PRIu64 ",\"failures\":%" PRIu64 ",\"lostLines\":%" PRIu64
                 "}",
                 r->on ? "true" : "false", r->spool ? eim_log_spool_bytes(r->spool) : 0, r->uploads,
                 r->uploaded_bytes, r->failed, r->spool ? eim_log_spool_lost(r->spool) : 0);
}
