#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/lz4_stream.h"
#include "eim_test.h"
#include "frames.h"
#include "model/error.h"
#include "model/message.h"
#include <eim/log.h>

#define USER "alice"

typedef enum heading { TO_CLIENT, TO_SERVER } heading;

struct pending {
  pending *next;
  int64_t at;
  uint64_t order;
  heading direction;
  eim_input_kind kind;
  uint32_t conn, id;
  int http_status;
  eim_error *error;
  bool may_have_arrived;
  uint8_t *bytes;
  size_t length;
  eim_buf keep; /* log lines the server keeps with this answer */
};

static void violation(world *w, const char *what) {
  fprintf(stderr, "  violated at %" PRId64 " ms: %s\n", w->now.mono, what);
  w->violations++;
}

/* ---- things on their way */

static pending *later(world *w, int64_t delay, heading direction, eim_input_kind kind) {
  pending *p = calloc(1, sizeof *p);
  if (w->jitter) delay += (int64_t)eim_random_upto(&w->random, (uint64_t)w->jitter);
  p->at = w->now.mono + delay;
  p->order = w->next_order++;
  p->direction = direction;
  p->kind = kind;
  return p;
}

static void put(world *w, pending *p) {
  pending **at = &w->pending;
  while (*at && ((*at)->at < p->at || ((*at)->at == p->at && (*at)->order < p->order)))
    at = &(*at)->next;
  p->next = *at;
  *at = p;
}

static void drop(pending *p) {
  eim_error_unref(p->error);
  free(p->bytes);
  eim_buf_free(&p->keep);
  free(p);
}

/* A connection delivers in order, whatever the jitter: nothing overtakes. */
static void put_on_line(world *w, pending *p) {
  for (pending *q = w->pending; q; q = q->next)
    if (q->conn == p->conn && q->direction == p->direction && q->at > p->at) p->at = q->at;
  put(w, p);
}

static void bytes_down(world *w, uint32_t conn, const void *bytes, size_t length) {
  pending *p = later(w, w->delay, TO_CLIENT, EIM_IN_FRAME);
  p->conn = conn;
  p->bytes = malloc(length ? length : 1);
  memcpy(p->bytes, bytes, length);
  p->length = length;
  put_on_line(w, p);
}

static void frame_down(world *w, uint32_t conn, frame_bytes frame) {
  bool twice = w->duplicate_percent && (int)eim_random_upto(&w->random, 99) < w->duplicate_percent;
  for (int i = 0; i <= (int)twice; i++) {
    if (!w->packer) {
      bytes_down(w, conn, frame.bytes, frame.length);
      continue;
    }
    eim_buf packed = EIM_BUF_INIT;
    if (!eim_lz4_encode(w->packer, frame.bytes, frame.length, &packed)) abort();
    bytes_down(w, conn, packed.data, packed.length);
    w->packed_down++;
    eim_buf_free(&packed);
  }
  free(frame.bytes);
}

void world_bytes(world *w, const void *bytes, size_t length) {
  bytes_down(w, w->conn, bytes, length);
}

/* The streams of a connection begin and end with it. */
static void forget_lz4(world *w) {
  eim_lz4_encoder_free(w->packer);
  eim_lz4_decoder_free(w->unpacker);
  w->packer = NULL;
  w->unpacker = NULL;
}

static void lose(world *w, uint32_t conn, int64_t delay) {
  pending *p = later(w, delay, TO_CLIENT, EIM_IN_LOST);
  p->conn = conn;
  p->error =
      eim_error_new(EIM_E_NETWORK, EIM_DOMAIN_OS, 104, EIM_ERROR_RETRIABLE, "connection reset");
  put_on_line(w, p);
}

static void forget_conn(world *w, uint32_t conn) {
  for (pending **at = &w->pending; *at;) {
    pending *p = *at;
    if (p->conn == conn && conn) {
      *at = p->next;
      drop(p);
    } else {
      at = &p->next;
    }
  }
}

/* ---- outputs of the session */

static void on_connect(void *user, const eim_connect_request *request) {
  world *w = user;
  if (w->conn) violation(w, "a second connection while one is there");
  w->conn = request->conn;
  w->conn_open = w->conn_silent = false;
  forget_lz4(w);
  w->connects++;
  snprintf(w->last_host, sizeof w->last_host, "%s", request->host);
  snprintf(w->last_ip, sizeof w->last_ip, "%s", request->ip);
  snprintf(w->last_path, sizeof w->last_path, "%s", request->path);
  w->last_port = request->port;
  w->last_tls = request->tls;
  if (w->upgrade == ANSWER_SILENT) return;
  if (w->upgrade != ANSWER_OK) {
    lose(w, request->conn, w->delay);
    return;
  }
  pending *p = later(w, w->delay, TO_CLIENT, EIM_IN_OPENED);
  p->conn = request->conn;
  put_on_line(w, p);
}

static void on_send(void *user, uint32_t conn, const void *bytes, size_t length) {
  world *w = user;
  if (conn != w->conn || !w->conn_open) {
    violation(w, "bytes for a connection that is not open");
    return;
  }
  pending *p = later(w, w->delay, TO_SERVER, EIM_IN_FRAME);
  p->conn = conn;
  p->bytes = malloc(length ? length : 1);
  memcpy(p->bytes, bytes, length);
  p->length = length;
  put_on_line(w, p);
}

static void on_disconnect(void *user, uint32_t conn) {
  world *w = user;
  if (conn != w->conn) violation(w, "closes a connection that is not there");
  forget_conn(w, conn);
  w->conn = 0;
}

/* False: no answer. */
static bool answer_logs(world *w, const eim_http_request *request, pending *p) {
  char what = w->logs_plan && *w->logs_plan ? *w->logs_plan++ : 'o';
  eim_json body;
  eim_buf content = EIM_BUF_INIT;
  w->logs_posts++;
  w->logs_at = w->now.mono;
  if (request->body_length > w->logs_largest) w->logs_largest = request->body_length;
  snprintf(w->logs_url, sizeof w->logs_url, "%s", request->url);
  snprintf(w->logs_token, sizeof w->logs_token, "%s", eim_secret_text(request->bearer));
  if (request->method != EIM_HTTP_POST || !request->content_type ||
      strcmp(request->content_type, "application/json") != 0 ||
      !eim_json_parse(&body, request->body, request->body_length) ||
      !eim_json_copy(eim_json_get(body, "resource"), w->logs_resource, sizeof w->logs_resource) ||
      !eim_json_text(eim_json_get(body, "logContent"), &content) || content.failed ||
      !content.length || content.data[content.length - 1] != '\n')
    violation(w, "an upload of log lines that is none");
  else if (what == 'o')
    eim_buf_add(&p->keep, content.data, content.length);
  eim_buf_free(&content);
  p->http_status = what == '5' ? 500 : what == '1' ? 401 : what == '3' ? 413 : 200;
  if (what == 'c' || what == 'm') {
    p->http_status = 0;
    p->error = eim_error_new(EIM_E_NETWORK, EIM_DOMAIN_OS, 104, EIM_ERROR_RETRIABLE, "reset");
    p->may_have_arrived = what == 'm';
  } else {
    p->bytes = (uint8_t *)strdup(what == 'o'   ? "{\"status\":\"ok\"}"
                                 : what == 'n' ? "{\"status\":\"full\"}"
                                               : "<html>");
    p->length = strlen((char *)p->bytes);
  }
  return what != 's';
}

static void answer_rest(world *w, const eim_http_request *request) {
  char what = w->rest_plan && *w->rest_plan ? *w->rest_plan++ : 'o';
  w->rest_calls++;
  w->rest_method = request->method;
  w->rest_once = request->once;
  w->rest_id = request->id;
  const eim_http_file *f = request->file;
  if (f && f->content)
    snprintf(w->rest_file, sizeof w->rest_file, "send %s as %s", (const char *)f->content->data,
             f->name);
  else if (f && f->part)
    snprintf(w->rest_file, sizeof w->rest_file, "part %d %lld+%lld", f->part, (long long)f->offset,
             (long long)f->length);
  else if (f && f->send)
    snprintf(w->rest_file, sizeof w->rest_file, "send %s as %s %dx%d", f->send, f->name, f->width,
             f->height);
  else if (f)
    snprintf(w->rest_file, sizeof w->rest_file, "receive %s at most %d%s%s%s",
             f->in_memory ? "into memory" : f->receive, (int)f->max_bytes,
             f->thumbnail ? " small" : "", f->secret ? " with " : "",
             f->secret ? eim_secret_text(f->secret) : "");
  static const char *const verbs[] = {"GET", "POST", "PUT", "DELETE"};
  const char *app = strstr(request->url, "/lab/peer");
  size_t used = strlen(w->rest_trace);
  snprintf(w->rest_trace + used, sizeof w->rest_trace - used, "%s %s%s%s; ", verbs[request->method],
           app ? app + 9 : request->url, f ? " " : "", f ? w->rest_file : "");
  snprintf(w->rest_url, sizeof w->rest_url, "%s", request->url);
  snprintf(w->rest_token, sizeof w->rest_token, "%s", eim_secret_text(request->bearer));
  snprintf(w->rest_body, sizeof w->rest_body, "%.*s", (int)request->body_length,
           request->body ? (const char *)request->body : "");
  snprintf(w->rest_type, sizeof w->rest_type, "%s",
           request->content_type ? request->content_type : "");
  if (what == 's') return;
  pending *p = later(w, w->delay * 2, TO_CLIENT, EIM_IN_HTTP);
  p->id = request->id;
  const char *body = "{\"data\":[\"bob\"]}";
  switch (what) {
  case 'h': body = "<html>"; break;
  case 'u':
    body = "{\"entities\":[{\"uuid\":\"5fd7-1\",\"type\":\"chatfile\",\"share-secret\":\"s\"}]}";
    break;
  case 'b':
    body = "{\"entities\":[{\"uuid\":\"up/1\",\"file_upper_limit\":100000000,"
           "\"part_lower_limit\":\"6000000\"}]}";
    break;
  case 'B': body = "{\"entities\":[{\"uuid\":\"up/1\",\"file_upper_limit\":9000000}]}"; break;
  case 'f':
    p->error = eim_error_new(EIM_E_INVALID, EIM_DOMAIN_OS, 2, 0, "no file");
    put(w, p);
    return;
  case 'e': body = ""; break;
  case '1': body = "{\"error\":\"unauthorized\",\"error_description\":\"bad token\"}"; break;
  case '3':
  case '9': body = "{\"error\":\"busy\",\"error_description\":\"later\"}"; break;
  case '4': body = "{\"error\":\"nothing\",\"error_description\":\"not there\"}"; break;
  case 'c':
  case 'm':
    p->error = eim_error_new(EIM_E_NETWORK, EIM_DOMAIN_OS, 111, EIM_ERROR_RETRIABLE, "refused");
    p->may_have_arrived = what == 'm';
    put(w, p);
    return;
  default: break;
  }
  p->http_status = what == '1'   ? 401
                   : what == '3' ? 503
                   : what == '9' ? 429
                   : what == '4' ? 404
                   : what == '6' ? 416
                                 : 200;
  p->bytes = (uint8_t *)strdup(body);
  p->length = strlen(body);
  put(w, p);
}

static void on_http(void *user, const eim_http_request *request) {
  world *w = user;
  w->http_count++;
  snprintf(w->last_url, sizeof w->last_url, "%s", request->url);
  bool is_dns = strstr(request->url, "server.json") != NULL;
  bool is_token = strstr(request->url, "/token") && request->method == EIM_HTTP_POST;
  if (strstr(request->url, "/users/peer/") || strstr(request->url, "/metadata/") ||
      strstr(request->url, "part-upload") || request->file) {
    answer_rest(w, request);
    return;
  }
  answer how = is_dns ? w->dns : w->token;
  if (how == ANSWER_SILENT) return;
  pending *p = later(w, w->delay * 2, TO_CLIENT, EIM_IN_HTTP);
  p->id = request->id;
  char body[640];
  if (strstr(request->url, "/client/logs")) {
    if (answer_logs(w, request, p))
      put(w, p);
    else
      drop(p);
    return;
  }
  if (how == ANSWER_CUT) {
    p->error = eim_error_new(EIM_E_NETWORK, EIM_DOMAIN_OS, 111, EIM_ERROR_RETRIABLE, "refused");
    put(w, p);
    return;
  }
  if (how == ANSWER_REFUSE) {
    p->http_status = w->http_status;
    snprintf(body, sizeof body, "%s", w->http_body);
  } else if (how == ANSWER_GARBAGE) {
    p->http_status = 200;
    snprintf(body, sizeof body, "<html>");
  } else if (is_dns) {
    p->http_status = 200;
    snprintf(body, sizeof body,
             "{\"rest\":{\"hosts\":[{\"protocol\":\"https\",\"domain\":\"a1.test\",\"port\":443},"
             "{\"protocol\":\"https\",\"domain\":\"a2.test\",\"port\":443}]},"
             "\"msync-wx\":{\"hosts\":[{\"protocol\":\"https\",\"domain\":\"m1.test\",\"ip\":"
             "\"10.0.0.1\",\"port\":\"443\"},{\"protocol\":\"https\",\"domain\":\"m2.test\","
             "\"port\":\"8443\"}]}%s%s%s%s%s%s}",
             w->report_logs ? ",\"enableReportLogs\":\"" : "", w->report_logs ? w->report_logs : "",
             w->report_logs ? "\"" : "", w->report_interval ? ",\"reportInterval\":\"" : "",
             w->report_interval ? w->report_interval : "", w->report_interval ? "\"" : "");
  } else if (is_token) {
    p->http_status = 200;
    snprintf(body, sizeof body, "{\"access_token\":\"tok-%d\",\"expires_in\":%" PRId64 "}",
             w->http_count, w->token_seconds ? w->token_seconds : 86400);
  } else if (strstr(request->url, "/token/expires")) {
    p->http_status = 200;
    snprintf(body, sizeof body, "{\"expire_timestamp\":%" PRId64 "}",
             w->provision_expires ? w->provision_expires : w->now.wall + w->server_skew + 86400000);
  } else {
    p->http_status = 200;
    snprintf(body, sizeof body,
             "{\"entities\":[{\"uuid\":\"u\",\"type\":\"user\",\"username\":\"bob\"}]}");
  }
  p->bytes = (uint8_t *)strdup(body);
  p->length = strlen(body);
  put(w, p);
}

static void on_http_cancel(void *user, uint32_t id) {
  world *w = user;
  for (pending **at = &w->pending; *at;) {
    pending *p = *at;
    if (p->kind == EIM_IN_HTTP && p->id == id) {
      *at = p->next;
      drop(p);
    } else {
      at = &p->next;
    }
  }
}

static void on_timer(void *user, eim_timer timer, int64_t at) {
  world *w = user;
  w->timers[timer] = at;
}

static void check_quiet(world *w) {
  static const eim_timer session_timers[] = {EIM_TIMER_LOGIN,     EIM_TIMER_PHASE, EIM_TIMER_RETRY,
                                             EIM_TIMER_HEARTBEAT, EIM_TIMER_HOLD,  EIM_TIMER_TOKEN};
  for (size_t i = 0; i < sizeof session_timers / sizeof *session_timers; i++)
    if (w->timers[session_timers[i]] >= 0) violation(w, "a timer survived the end of the session");
  if (w->conn) violation(w, "a connection survived the end of the session");
}

static void on_emit(void *user, eim_event_kind kind, void *payload, uint64_t seq) {
  world *w = user;
  seen_event lost, *e = &lost;
  if (w->event_count < WORLD_EVENTS_MAX)
    e = &w->events[w->event_count++];
  else
    w->events_lost++;
  memset(e, 0, sizeof *e);
  e->kind = kind;
  e->at = w->now.mono;
  switch (kind) {
  case EIM_EVENT_state:
  case EIM_EVENT_connected:
  case EIM_EVENT_disconnected:
  case EIM_EVENT_reconnecting: {
    const eim_state_change *c = payload;
    e->state = eim_state_change_state(c);
    e->previous = eim_state_change_previous(c);
    e->code = eim_state_change_cause(c) ? eim_error_code(eim_state_change_cause(c)) : 0;
    e->attempt = eim_state_change_attempt(c);
    e->next_retry = eim_state_change_next_retry_ms(c);
    e->will_retry = eim_state_change_will_retry(c);
    if (kind == EIM_EVENT_state && e->state == EIM_STATE_OFFLINE && w->settings->manual_ack)
      for (int i = 0; i < w->store_count; i++)
        if (!w->store[i].done && w->store[i].seq <= w->dispatched) {
          w->store[i].given = 0; /* comes again, and what is said of the former is of no effect */
          w->store[i].seq = 0;
        }
    break;
  }
  case EIM_EVENT_error: e->code = eim_error_code(payload); break;
  case EIM_EVENT_progress: e->id = (uint64_t)eim_progress_done(payload); break;
  case EIM_EVENT_result: {
    const eim_result *r = payload;
    e->token = eim_result_token(r);
    if (eim_result_error(r)) {
      e->code = eim_error_code(eim_result_error(r));
      e->may_have_happened = eim_error_may_have_happened(eim_result_error(r));
    }
    snprintf(e->text, sizeof e->text, "%s", eim_result_message_id(r));
    snprintf(w->result_json, sizeof w->result_json, "%s", eim_result_json(r));
    snprintf(w->result_bytes, sizeof w->result_bytes, "%s",
             (const char *)eim_result_bytes(r, NULL));
    break;
  }
  case EIM_EVENT_message: {
    e->id = strtoull(eim_message_id(payload), NULL, 10);
    snprintf(e->text, sizeof e->text, "%s",
             eim_message_text(payload) ? eim_message_text(payload) : "");
    for (int i = 0; i < w->store_count; i++)
      if (w->store[i].id == e->id) {
        w->store[i].seq = seq;
        if (++w->store[i].given > 1) violation(w, "a message was given twice");
      }
    if (w->settings->manual_ack && w->held_count < (int)(sizeof w->held / sizeof *w->held)) {
      w->held[w->held_count].seq = seq;
      w->held[w->held_count++].id = e->id;
    }
    break;
  }
  case EIM_EVENT_notice: {
    eim_json root;
    int64_t id;
    const char *json = eim_notice_json(payload);
    snprintf(e->text, sizeof e->text, "%s", eim_notice_name(payload));
    snprintf(w->notice_json, sizeof w->notice_json, "%s", json);
    if (!eim_json_parse(&root, json, strlen(json)) ||
        !eim_json_loose_i64(eim_json_get(root, "msgId"), &id))
      break;
    e->id = (uint64_t)id;
    for (int i = 0; i < w->store_count; i++)
      if (w->store[i].id == e->id) {
        w->store[i].seq = seq;
        if (++w->store[i].given > 1) violation(w, "a notice was given twice");
      }
    break;
  }
  default: break;
  }
  if (seq) {
    if (w->auto_done) {
      pending *p = later(w, 0, TO_CLIENT, EIM_IN_DONE);
      p->length = (size_t)seq;
      put(w, p);
    } else {
      w->undone = seq;
    }
  }
  eim_object_unref(payload);
}

/* ---- the server */

static void push_notices(world *w, uint32_t conn);

static void serve_fetch(world *w, uint32_t conn, const up_frame *up) {
  int queue = atoi(up->queue + 1); /* "q3" */
  char what = w->fetch_plan && *w->fetch_plan ? *w->fetch_plan++ : 'o';
  w->fetches++;
  if (what == 's') return;
  if (what == 'r') {
    frame_down(w, conn, frame_refused(up->queue, 8, "internal error", w->now.wall));
    return;
  }
  if (up->has_key) {
    for (int i = 0; i < w->store_count;)
      if (w->store[i].queue == queue && w->store[i].position <= up->key) {
        if (w->store[i].notice        ? w->store[i].seq > w->dispatched
            : w->settings->manual_ack ? !w->store[i].done
                                      : !w->store[i].given)
          violation(w, "a message was acknowledged that nobody was done with");
        w->store[i] = w->store[--w->store_count];
        for (int j = i; j + 1 < w->store_count && w->store[j].position > w->store[j + 1].position;
             j++) {
          stored s = w->store[j];
          w->store[j] = w->store[j + 1];
          w->store[j + 1] = s;
        }
      } else {
        i++;
      }
  }
  down_message messages[64];
  int count = 0;
  uint64_t last = 0;
  for (uint64_t from = 0; count < w->page;) { /* in order of position */
    int best = -1;
    for (int i = 0; i < w->store_count; i++)
      if (w->store[i].queue == queue && w->store[i].position > from &&
          (best < 0 || w->store[i].position < w->store[best].position))
        best = i;
    if (best < 0) break;
    from = last = w->store[best].position;
    messages[count].id = w->store[best].id;
    messages[count].notice = w->store[best].notice;
    snprintf(messages[count].text, sizeof messages[count].text, "m%" PRIu64, w->store[best].id);
    count++;
  }
  frame_down(w, conn,
             frame_sync(up->queue, messages, count, count ? last : 0, !count,
                        w->now.wall + w->server_skew));
}

static void serve_message(world *w, uint32_t conn, const up_frame *up) {
  if (up->is_receipt) {
    w->receipts_up++;
    frame_down(w, conn, frame_answer(up->meta_id, ++w->next_message_id, 0, "", w->now.wall));
    return;
  }
  uint64_t server_id = 0;
  for (int i = 0; i < w->sent_count; i++)
    if (w->sent[i].local_id == up->meta_id) server_id = w->sent[i].server_id;
  if (up->is_action) {
    server_id = ++w->next_message_id;
  } else if (!server_id) {
    if (w->sent_count == (int)(sizeof w->sent / sizeof *w->sent)) {
      violation(w, "the world is too small for so many messages");
      return;
    }
    sent *s = &w->sent[w->sent_count++];
    s->local_id = up->meta_id;
    s->server_id = server_id = ++w->next_message_id;
    snprintf(s->text, sizeof s->text, "%s", up->text);
  }
  if (w->sync == ANSWER_SILENT) return;
  if (w->sync == ANSWER_CUT) {
    lose(w, conn, w->delay);
    return;
  }
  if (w->sync == ANSWER_REFUSE)
    frame_down(w, conn, frame_answer(up->meta_id, 0, 1, "blocked", w->now.wall));
  else
    frame_down(w, conn, frame_answer(up->meta_id, server_id, 0, "", w->now.wall + w->server_skew));
}

static void agree(world *w, uint32_t conn, const up_frame *up) {
  int lz4 = up->offers_lz4 ? w->lz4 : -1;
  frame_down(w, conn, frame_provision(0, "", NULL, up->resource, w->provision_expires, lz4));
  if (lz4 == 1 || lz4 == 2) w->packer = eim_lz4_encoder_new();
  if (lz4 >= 0 && lz4 != 1) w->unpacker = eim_lz4_decoder_new();
}

static bool read_up(world *w, up_frame *up, const void *bytes, size_t length) {
  if (!w->unpacker) return frame_read_up(up, bytes, length);
  eim_buf plain = EIM_BUF_INIT;
  bool good = !eim_lz4_decode(w->unpacker, bytes, length, 1 << 20, &plain) &&
              frame_read_up(up, plain.data, plain.length);
  eim_buf_free(&plain);
  w->packed_up++;
  return good;
}

static void serve(world *w, uint32_t conn, const void *bytes, size_t length) {
  up_frame up;
  if (w->conn_silent) return;
  if (!read_up(w, &up, bytes, length)) {
    violation(w, "the client sent a frame the server cannot read");
    return;
  }
  switch (up.command) {
  case EIM_CMD_PROVISION:
    w->provisions++;
    snprintf(w->last_provision_token, sizeof w->last_provision_token, "%s", up.token);
    snprintf(w->last_provision_reason, sizeof w->last_provision_reason, "%s", up.reason);
    snprintf(w->last_provision_resource, sizeof w->last_provision_resource, "%s", up.resource);
    w->last_provision_offered_lz4 = up.offers_lz4;
    if (!up.token[0]) violation(w, "a login without a token");
    switch (w->provision) {
    case ANSWER_SILENT: return;
    case ANSWER_CUT: lose(w, conn, w->delay); return;
    case ANSWER_GARBAGE: frame_down(w, conn, frame_garbage()); return;
    case ANSWER_REFUSE:
      frame_down(w, conn,
                 frame_provision(w->provision_code, w->provision_reason, w->redirect_host,
                                 up.resource, 0, -1));
      return;
    case ANSWER_OK: agree(w, conn, &up); return;
    }
    return;
  case EIM_CMD_UNREAD: {
    w->unreads++;
    if (w->unread == ANSWER_SILENT) return;
    if (w->unread == ANSWER_GARBAGE) {
      frame_down(w, conn, frame_garbage());
      return;
    }
    int counts[4] = {0};
    for (int i = 0; i < w->store_count; i++) counts[w->store[i].queue & 3]++;
    if (w->unread == ANSWER_REFUSE)
      frame_down(w, conn, frame_unread_refused(8, "internal error", w->now.wall));
    else
      frame_down(w, conn, frame_unread(counts, 4, w->now.wall + w->server_skew));
    return;
  }
  case EIM_CMD_SYNC:
    if (up.has_queue)
      serve_fetch(w, conn, &up);
    else if (up.meta_id)
      serve_message(w, conn, &up);
    return;
  default: violation(w, "an unexpected command from the client");
  }
}

/* ---- time */

static void step(world *w, eim_input input) {
  if (input.kind == EIM_IN_DONE && input.seq > w->dispatched) w->dispatched = input.seq;
  eim_session_step(w->session, &input, w->now);
  if (eim_session_state(w->session) == EIM_STATE_OFFLINE) check_quiet(w);
}

static void happen(world *w, pending *p) {
  eim_input input = {.kind = p->kind};
  if (p->direction == TO_SERVER) {
    serve(w, p->conn, p->bytes, p->length);
    return;
  }
  switch (p->kind) {
  case EIM_IN_OPENED: w->conn_open = true; break;
  case EIM_IN_LOST:
    forget_conn(w, p->conn);
    w->conn = 0;
    break;
  case EIM_IN_DONE: input.seq = p->length; break;
  case EIM_IN_HTTP:
    if (p->keep.length) eim_buf_add(&w->logs, p->keep.data, p->keep.length);
    break;
  default: break;
  }
  input.conn = p->conn;
  input.id = p->id;
  input.http_status = p->http_status;
  input.done = input.total = 700; /* of any file */
  input.error = p->error;
  input.may_have_arrived = p->may_have_arrived;
  input.bytes = p->bytes;
  if (p->kind != EIM_IN_DONE) input.length = p->length;
  step(w, input);
}

static int64_t next_time(const world *w) {
  int64_t at = w->pending ? w->pending->at : INT64_MAX;
  for (int i = 0; i < EIM_TIMER_COUNT; i++)
    if (w->timers[i] >= 0 && w->timers[i] < at) at = w->timers[i];
  return at;
}

static void pass(world *w, int64_t to) {
  if (to <= w->now.mono) return;
  w->now.wall += to - w->now.mono;
  w->now.mono = to;
}

static bool run_one(world *w, int64_t end) {
  int64_t at = next_time(w);
  if (at > end) return false;
  pass(w, at);
  for (int i = 0; i < EIM_TIMER_COUNT; i++) {
    if (w->timers[i] < 0 || w->timers[i] > w->now.mono) continue;
    w->timers[i] = -1;
    step(w, (eim_input){.kind = EIM_IN_TIMER, .timer = (eim_timer)i});
    return true;
  }
  pending *p = w->pending;
  w->pending = p->next;
  happen(w, p);
  drop(p);
  return true;
}

void world_run(world *w, int64_t ms) {
  int64_t end = w->now.mono + ms;
  long steps = 0;
  while (run_one(w, end))
    if (++steps > 1000000) {
      violation(w, "a loop that never ends");
      return;
    }
  pass(w, end);
}

bool world_until(world *w, eim_state state, int64_t ms) {
  int64_t end = w->now.mono + ms;
  while (eim_session_state(w->session) != state)
    if (!run_one(w, end)) return false;
  return true;
}

/* ---- what a test does */

void world_start(world *w, uint64_t seed, const char *const *options) {
  memset(w, 0, sizeof *w);
  const char *level = getenv("EIM_LOG"); /* 0 … 5, for reading along */
  eim_log_set_level(level ? (eim_log_level)atoi(level) : EIM_LOG_SILENT);
  w->random.state = seed;
  w->now = (eim_now){.mono = 1000000, .wall = 1795388255000};
  for (int i = 0; i < EIM_TIMER_COUNT; i++) w->timers[i] = -1;
  w->http_status = 400;
  w->http_body = "{\"error\":\"invalid_grant\",\"error_description\":\"invalid password\"}";
  w->provision_code = 1;
  w->provision_reason = "";
  w->delay = 10;
  w->page = 5;
  w->lz4 = 2;
  w->auto_done = true;
  w->next_position = 1;
  w->next_message_id = 5000000000000000000u;
  eim_config *config;
  if (eim_config_new(&config)) abort();
  eim_config_set(config, "appKey", "lab#peer");
  bool dns = false;
  for (const char *const *o = options; o && *o; o++) dns = dns || strstr(*o, "isHttpDNS=true");
  if (!dns) {
    eim_config_set(config, "apiUrl", "http://rest.test:81");
    eim_config_set(config, "url", "ws://im.test:82/websocket");
  }
  for (const char *const *o = options; o && *o; o++) {
    char key[64];
    const char *equals = strchr(*o, '=');
    snprintf(key, sizeof key, "%.*s", (int)(equals - *o), *o);
    if (eim_config_set(config, key, equals + 1)) {
      fprintf(stderr, "  %s\n", eim_error_message(eim_last_error()));
      w->violations++;
    }
  }
  if (eim_settings_from_config(config, &w->settings)) {
    fprintf(stderr, "  %s\n", eim_error_message(eim_last_error()));
    abort();
  }
  eim_config_free(config);
  eim_session_io io = {w,       on_connect,     on_send,  on_disconnect,
                       on_http, on_http_cancel, on_timer, on_emit};
  w->session = eim_session_new(w->settings, &io, 1, seed);
  eim_session_set_device(w->session, "0123456789ab");
}

void world_stop(world *w) {
  eim_session_free(w->session);
  eim_object_unref(w->settings);
  while (w->pending) {
    pending *next = w->pending->next;
    drop(w->pending);
    w->pending = next;
  }
  eim_buf_free(&w->logs);
  forget_lz4(w);
  CHECK_INT(w->violations, 0);
}

void world_input(world *w, eim_input input) {
  step(w, input);
}

static void with_secret(world *w, eim_input input, const char *text) {
  eim_secret *secret = eim_secret_new(text);
  input.secret = secret;
  step(w, input);
  eim_secret_unref(secret);
}

void world_open_token(world *w, const char *token_text, uint64_t token) {
  with_secret(w, (eim_input){.kind = EIM_IN_OPEN, .user = USER, .is_token = true, .token = token},
              token_text);
}

void world_open_password(world *w, const char *password, uint64_t token) {
  with_secret(w, (eim_input){.kind = EIM_IN_OPEN, .user = USER, .token = token}, password);
}

void world_renew(world *w, const char *token_text, uint64_t token) {
  with_secret(w, (eim_input){.kind = EIM_IN_RENEW, .token = token}, token_text);
}

void world_close(world *w, uint64_t token) {
  step(w, (eim_input){.kind = EIM_IN_CLOSE, .token = token});
}

void world_send(world *w, const char *text, uint64_t token) {
  eim_message *message;
  if (eim_message_new_text(EIM_CHAT_SINGLE, "bob", text, NULL, &message)) abort();
  step(w, (eim_input){.kind = EIM_IN_SEND, .message = message, .token = token});
  eim_message_unref(message);
}

void world_cut(world *w) {
  if (!w->conn) return;
  forget_conn(w, w->conn); /* what is on its way never arrives */
  w->conn_silent = true;   /* nor what is sent before the loss is noticed */
  lose(w, w->conn, 0);
}

void world_cut_saying(world *w, int code) {
  char detail[40];
  world_cut(w);
  snprintf(detail, sizeof detail, "{\"closeCode\":%d}", code);
  for (pending *p = w->pending; p; p = p->next) {
    if (p->kind != EIM_IN_LOST) continue;
    eim_error_unref(p->error);
    p->error = eim_error_new_detail(EIM_E_NETWORK, EIM_DOMAIN_OS, 104, EIM_ERROR_RETRIABLE, detail,
                                    "closed by the peer");
  }
}

void world_kick(world *w, int operation, const char *reason) {
  if (w->conn) frame_down(w, w->conn, frame_kick(operation, reason));
}

void world_odd_page(world *w, int count) {
  down_message messages[8];
  for (int i = 0; i < count; i++) {
    messages[i] = (down_message){.id = ++w->next_message_id, .text = "odd"};
  }
  frame_down(w, w->conn, frame_sync("q1", messages, count, 0, true, w->now.wall));
}

void world_text(world *w, const char *text) {
  pending *p = later(w, w->delay, TO_CLIENT, EIM_IN_TEXT);
  p->conn = w->conn;
  p->bytes = (uint8_t *)strdup(text);
  p->length = strlen(text);
  put_on_line(w, p);
}

static void push_notices(world *w, uint32_t conn) {
  for (int i = 0; i < 4; i++) {
    int n = 0;
    for (int j = 0; j < w->store_count; j++) n += w->store[j].queue == i;
    if (n) frame_down(w, conn, frame_notice(i));
  }
}

static uint64_t deliver(world *w, int queue, bool notice) {
  if (w->store_count == (int)(sizeof w->store / sizeof *w->store)) return 0;
  stored *s = &w->store[w->store_count++];
  *s = (stored){
      .id = ++w->next_message_id, .position = w->next_position++, .queue = queue, .notice = notice};
  uint64_t id = s->id;
  if (w->conn && w->conn_open && eim_session_state(w->session) == EIM_STATE_ONLINE)
    push_notices(w, w->conn);
  return id;
}

uint64_t world_deliver(world *w, int queue, const char *text) {
  (void)text;
  return deliver(w, queue, false);
}

uint64_t world_deliver_notice(world *w, int queue) {
  return deliver(w, queue, true);
}

int world_count(const world *w, eim_event_kind kind) {
  int count = 0;
  for (int i = 0; i < w->event_count; i++) count += w->events[i].kind == kind;
  return count;
}

const seen_event *world_last(const world *w, eim_event_kind kind) {
  static const seen_event none;
  for (int i = w->event_count; i-- > 0;)
    if (w->events[i].kind == kind) return &w->events[i];
  return &none;
}

int world_results(const world *w, uint64_t token) {
  int count = 0;
  for (int i = 0; i < w->event_count; i++)
    count += w->events[i].kind == EIM_EVENT_result && w->events[i].token == token;
  return count;
}

const seen_event *world_result(const world *w, uint64_t token) {
  static const seen_event none = {.code = -9999};
  for (int i = 0; i < w->event_count; i++)
    if (w->events[i].kind == EIM_EVENT_result && w->events[i].token == token) return &w->events[i];
  return &none;
}

void world_done(world *w, int index) {
  uint64_t seq = w->held[index].seq, id = w->held[index].id;
  w->held[index] = w->held[--w->held_count];
  for (int i = 0; i < w->store_count; i++)
    if (w->store[i].id == id && seq && w->store[i].seq == seq) w->store[i].done = true;
  world_input(w, (eim_input){.kind = EIM_IN_MESSAGE_DONE, .seq = seq});
}
