/* The listening sockets: one for REST and messages, a plain one for the admin API. Only this file
 * talks to libwebsockets, and only on the sandbox's own thread. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "sandbox.h"

typedef struct session {
  eim_sb_conn *conn;       /* a message socket */
  eim_sb_request *request; /* or a request */
} session;

static bool on_own_thread(const eim_sandbox *self) {
  return self->on_thread && pthread_equal(self->runner, pthread_self());
}

void eim_sb_wake(eim_sandbox *self, eim_sb_conn *conn) {
  if (conn && !conn->is_ready) {
    conn->is_ready = true;
    conn->ready_next = self->ready;
    self->ready = conn;
  }
  if (!on_own_thread(self) && self->lws) lws_cancel_service(self->lws);
}

static bool frozen(const eim_sandbox *self, const eim_sb_conn *conn) {
  return self->frozen || (conn->user && conn->user->frozen);
}

/* Not before the changes that it tells of are kept. */
static bool may_go_out(const eim_sandbox *self, uint64_t turn) {
  return !self->store || (turn < self->turn && !self->broken);
}

static void timer_fired(lws_sorted_usec_list_t *timer);

static void pump(eim_sandbox *self) {
  int64_t now = eim_sb_monotonic(), next = INT64_MAX;
  eim_sb_conn *later = NULL;
  while (self->ready) {
    eim_sb_conn *conn = self->ready;
    self->ready = conn->ready_next;
    conn->is_ready = false;
    if (conn->cut) {
      lws_set_timeout(conn->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
      continue;
    }
    bool cold = frozen(self, conn);
    if (cold != conn->paused) {
      conn->paused = cold;
      lws_rx_flow_control(conn->wsi, !cold);
    }
    if (cold || !conn->out) continue;
    if (conn->out->due <= now) {
      lws_callback_on_writable(conn->wsi);
      continue;
    }
    if (conn->out->due < next) next = conn->out->due;
    conn->is_ready = true;
    conn->ready_next = later;
    later = conn;
  }
  if (self->broken) /* whoever waits for an answer shall see that none comes */
    for (eim_sb_request *request = self->requests; request; request = request->next)
      lws_set_timeout(request->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
  self->ready = later; /* looked at again when the timer fires, or earlier */
  for (eim_sb_request *request = self->requests; request; request = request->next) {
    if (!request->answered || request->silent) continue;
    if (request->due <= now)
      lws_callback_on_writable(request->wsi);
    else if (request->due < next)
      next = request->due;
  }
  if (next != INT64_MAX)
    lws_sul_schedule(self->lws, 0, &self->timer, timer_fired,
                     (next - now) * LWS_USEC_PER_SEC / 1000);
}

static void timer_fired(lws_sorted_usec_list_t *timer) {
  eim_sandbox *self = lws_container_of(timer, eim_sandbox, timer);
  pthread_mutex_lock(&self->lock);
  if (!self->store) pump(self);
  pthread_mutex_unlock(&self->lock);
}

/* The end of a turn of the loop, in which changes were made and answers written down. */
static void end_turn(eim_sandbox *self) {
  self->turn++;
  if (!self->broken && !eim_sb_store_commit(self)) {
    self->broken = true;
    for (eim_sb_conn *conn = self->conns; conn; conn = conn->next) {
      conn->cut = true;
      eim_sb_wake(self, conn);
    }
    if (self->options.on_data_error)
      self->options.on_data_error(self->options.on_data_error_data,
                                  eim_sb_store_error(self->store));
  }
  pump(self);
}

/* --- requests */

static char *header(struct lws *wsi, enum lws_token_indexes token) {
  int length = lws_hdr_total_length(wsi, token);
  if (length <= 0) return NULL;
  char *text = malloc((size_t)length + 1);
  if (text && lws_hdr_copy(wsi, text, length + 1, token) < 0) {
    free(text);
    return NULL;
  }
  return text;
}

/* A header that HTTP has no name for. */
static char *custom_header(struct lws *wsi, const char *name) {
  int size = (int)strlen(name), length = lws_hdr_custom_length(wsi, name, size);
  char *text = length > 0 && length < 4096 ? malloc((size_t)length + 1) : NULL;
  if (text && lws_hdr_custom_copy(wsi, text, length + 1, name, size) < 0) {
    free(text);
    return NULL;
  }
  return text;
}

static const char *method_of(struct lws *wsi) {
  static const struct {
    enum lws_token_indexes token;
    const char *name;
  } methods[] = {{WSI_TOKEN_GET_URI, "GET"},         {WSI_TOKEN_POST_URI, "POST"},
                 {WSI_TOKEN_PUT_URI, "PUT"},         {WSI_TOKEN_DELETE_URI, "DELETE"},
                 {WSI_TOKEN_OPTIONS_URI, "OPTIONS"}, {WSI_TOKEN_PATCH_URI, "PATCH"},
                 {WSI_TOKEN_HEAD_URI, "HEAD"}};
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
    if (lws_hdr_total_length(wsi, methods[i].token) > 0) return methods[i].name;
  return "";
}

static void free_request(eim_sandbox *self, eim_sb_request *request) {
  for (eim_sb_request **at = &self->requests; *at; at = &(*at)->next) {
    if (*at != request) continue;
    *at = request->next;
    break;
  }
  if (request->token) eim_wipe(request->token, strlen(request->token));
  free(request->token);
  free(request->path);
  free(request->query);
  free(request->content_type);
  free(request->host);
  free(request->origin);
  free(request->share_secret);
  free(request->range);
  eim_buf_wipe(&request->body);
  eim_buf_wipe(&request->answer);
  eim_sb_file_unref(request->file);
  free(request);
}

static eim_sb_request *new_request(eim_sandbox *self, struct lws *wsi, const char *path) {
  eim_sb_request *request = calloc(1, sizeof *request);
  if (!request) return NULL;
  request->wsi = wsi;
  request->admin = lws_get_vhost(wsi) == self->admin_vhost;
  snprintf(request->method, sizeof request->method, "%s", method_of(wsi));
  request->path = eim_strdup(path);
  eim_buf query = EIM_BUF_INIT;
  char part[1024];
  /* The SDK has empty ones, too: "list?&limit=20". */
  for (int i = 0, length;
       (length = lws_hdr_copy_fragment(wsi, part, sizeof part, WSI_TOKEN_HTTP_URI_ARGS, i)) >= 0;
       i++) {
    if (!length) continue;
    eim_buf_str(&query, part);
    eim_buf_str(&query, "\n");
  }
  request->query = eim_strdup(query.data && !query.failed ? (char *)query.data : "");
  eim_buf_free(&query);
  char *authorization = header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION);
  if (authorization) {
    request->token =
        eim_strdup(strncasecmp(authorization, "Bearer ", 7) ? authorization : authorization + 7);
    eim_wipe(authorization, strlen(authorization));
    free(authorization);
  }
  request->content_type = header(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE);
  request->host = header(wsi, WSI_TOKEN_HOST);
  request->origin = header(wsi, WSI_TOKEN_ORIGIN);
  request->range = header(wsi, WSI_TOKEN_HTTP_RANGE);
  request->share_secret = custom_header(wsi, "share-secret:");
  char *restricted = custom_header(wsi, "restrict-access:");
  request->is_restricted = restricted && strcasecmp(restricted, "true") == 0;
  free(restricted);
  request->next = self->requests;
  self->requests = request;
  if (!request->path || !request->query) {
    free_request(self, request);
    return NULL;
  }
  return request;
}

static int handle(eim_sandbox *self, eim_sb_request *request) {
  if (request->answered) return 0;
  if (strcmp(request->method, "GET") != 0) self->documents_due = true;
  if (request->too_large)
    eim_sb_file_too_large(self, request);
  else if (request->admin)
    eim_sb_admin(self, request);
  else
    eim_sb_rest(self, request);
  if (request->dropped) return -1;
  request->answered = true;
  request->turn = self->turn;
  request->due = eim_sb_monotonic() + (request->admin ? 0 : self->delay);
  return 0;
}

enum {
  MULTIPART = 65536,
  DISCARDED = 1 << 28
}; /* what a form has around its file, at most; proposed */

static int http_request(eim_sandbox *self, session *s, struct lws *wsi, const char *path) {
  if (self->broken) return -1;
  if (s->request) free_request(self, s->request);
  s->request = new_request(self, wsi, path);
  if (!s->request) return -1;
  size_t length_of_path = strlen(path);
  s->request->is_file = !s->request->admin && *s->request->method == 'P' && length_of_path > 10 &&
                        (!strcmp(path + length_of_path - 10, "/chatfiles") ||
                         strstr(path, "/sdk/chatfiles/part-upload/"));
  s->request->max_body =
      s->request->is_file ? self->options.max_file + MULTIPART : self->options.max_body;
  lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0); /* answers may be held back for long */
  char *length = header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH);
  bool chunked = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0;
  uint64_t size = 0;
  bool good = !length || eim_parse_u64(length, &size);
  bool carries = *s->request->method == 'P';
  s->request->close_after = chunked || (carries && !length);
  free(length);
  if (good && !chunked && size > s->request->max_body && s->request->is_file && size < DISCARDED) {
    /* Read to its end, as proxies do: who still sends would see a broken line, not the answer. */
    s->request->too_large = true;
    return 0;
  }
  if (!good || chunked || size > s->request->max_body) {
    s->request->close_after = s->request->too_large = true;
    eim_sb_refuse(self, s->request,
                  !good     ? 400
                  : chunked ? 411
                            : 413,
                  "web_application", "javax.ws.rs.WebApplicationException",
                  !good     ? "HTTP 400 Bad Request"
                  : chunked ? "HTTP 411 Length Required"
                            : "HTTP 413 Request Entity Too Large");
    s->request->answered = true;
    return 0;
  }
  return size ? 0 : handle(self, s->request);
}

static int http_body(session *s, const void *bytes, size_t size) {
  eim_sb_request *request = s->request;
  if (!request || request->answered || request->too_large) return 0;
  if (request->body.length + size > request->max_body) return -1;
  eim_buf_add(&request->body, bytes, size);
  return request->body.failed ? -1 : 0;
}

enum { PIECE = 65536 };

/* One piece of the file; < 0: the line ends. */
static int write_piece(eim_sb_request *request, struct lws *wsi) {
  size_t size = request->file_left < PIECE ? request->file_left : PIECE;
  uint8_t *bytes = malloc(LWS_PRE + size);
  if (!bytes || !eim_sb_read_file(request->file, request->file_at, bytes + LWS_PRE, size)) {
    free(bytes);
    return -1;
  }
  request->file_at += size;
  request->file_left -= size;
  int written = lws_write(wsi, bytes + LWS_PRE, size,
                          request->file_left ? LWS_WRITE_HTTP : LWS_WRITE_HTTP_FINAL);
  free(bytes);
  if (written >= 0 && request->file_left) lws_callback_on_writable(wsi);
  return written < 0 ? -1 : 0;
}

static int end_answer(eim_sandbox *self, session *s, struct lws *wsi) {
  bool close_after = s->request->close_after;
  free_request(self, s->request);
  s->request = NULL;
  return close_after || lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int http_write(eim_sandbox *self, session *s, struct lws *wsi) {
  eim_sb_request *request = s->request;
  if (!request || !request->answered || request->silent || request->due > eim_sb_monotonic() ||
      !may_go_out(self, request->turn))
    return 0; /* pump() asks again */
  if (request->head_sent) {
    if (write_piece(request, wsi) < 0) return -1;
    return request->file_left ? 0 : end_answer(self, s, wsi);
  }
  uint8_t head[LWS_PRE + 2048], *start = head + LWS_PRE, *at = start, *end = head + sizeof head;
  if (request->answer.failed ||
      lws_add_http_common_headers(
          wsi, (unsigned)request->status, request->type,
          (lws_filepos_t)(request->file ? request->file_left : request->answer.length), &at, end))
    return -1;
  if (!request->admin) { /* browsers talk to the service from any page */
    const char *origin = request->with_credentials ? request->origin : "*";
    static const char headers[] = "authorization,content-type,share-secret,restrict-access,"
                                  "thumbnail-width,thumbnail-height,range,x-requested-with",
                      methods[] = "GET,POST,PUT,DELETE,OPTIONS";
    if (lws_add_http_header_by_name(wsi, (const unsigned char *)"access-control-allow-origin:",
                                    (const unsigned char *)origin, (int)strlen(origin), &at, end) ||
        (request->with_credentials &&
         lws_add_http_header_by_name(wsi,
                                     (const unsigned char *)"access-control-allow-credentials:",
                                     (const unsigned char *)"true", 4, &at, end)) ||
        lws_add_http_header_by_name(wsi, (const unsigned char *)"access-control-allow-headers:",
                                    (const unsigned char *)headers, sizeof headers - 1, &at, end) ||
        lws_add_http_header_by_name(wsi, (const unsigned char *)"access-control-allow-methods:",
                                    (const unsigned char *)methods, sizeof methods - 1, &at, end))
      return -1;
  }
  if (*request->content_range &&
      lws_add_http_header_by_name(wsi, (const unsigned char *)"content-range:",
                                  (const unsigned char *)request->content_range,
                                  (int)strlen(request->content_range), &at, end))
    return -1;
  if (request->takes_ranges &&
      lws_add_http_header_by_name(wsi, (const unsigned char *)"accept-ranges:",
                                  (const unsigned char *)"bytes", 5, &at, end))
    return -1;
  if (lws_finalize_write_http_header(wsi, start, &at, end)) return -1;
  if (request->file) {
    request->head_sent = true;
    lws_callback_on_writable(wsi);
    return 0;
  }
  if (request->answer.length) {
    eim_buf body = EIM_BUF_INIT;
    uint8_t pad[LWS_PRE] = {0};
    eim_buf_add(&body, pad, sizeof pad);
    eim_buf_add(&body, request->answer.data, request->answer.length);
    int written = body.failed ? -1
                              : lws_write(wsi, body.data + LWS_PRE, request->answer.length,
                                          LWS_WRITE_HTTP_FINAL);
    eim_buf_wipe(&body);
    if (written < 0) return -1;
  }
  return end_answer(self, s, wsi);
}

/* --- message sockets */

/* libwebsockets answers an upgrade or ends the line. So it is given another socket under the same
 * number to end, and the peer's own stays open, unread and unanswered. */
static void hold(eim_sandbox *self, struct lws *wsi) {
  int fd = lws_get_socket_fd(wsi), pair[2];
  int kept = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (kept < 0) return;
  if (self->held_count == EIM_SB_HELD ||
      socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
    close(kept);
    return;
  }
  dup2(pair[0], fd);
  close(pair[0]);
  close(pair[1]);
  self->held[self->held_count++] = kept;
}

/* 0: go on; > 0: it was answered, or shall wait for ever; < 0: drop. */
static int upgrade(eim_sandbox *self, struct lws *wsi) {
  if (self->broken) return -1;
  char path[128] = "";
  if (lws_get_vhost(wsi) != self->vhost ||
      lws_hdr_copy(wsi, path, sizeof path, WSI_TOKEN_GET_URI) < 0 ||
      (strcmp(path, "/websocket") != 0 && !eim_sb_is_sockjs(path))) {
    if (lws_return_http_status(wsi, 404, NULL)) return -1;
    return 1;
  }
  self->counts[EIM_SANDBOX_UPGRADE]++;
  const eim_sb_fault *fault = eim_sb_fault_take(self, EIM_SANDBOX_UPGRADE);
  if (!fault) return 0;
  switch (fault->by) {
  case EIM_SANDBOX_BY_HTTP:
    if (lws_return_http_status(wsi, fault->status ? (unsigned)fault->status : 400, fault->text))
      return -1;
    return 1;
  case EIM_SANDBOX_BY_SILENCE: hold(self, wsi); return -1;
  case EIM_SANDBOX_BY_GARBAGE: {
    uint8_t mess[LWS_PRE + 64];
    int size =
        snprintf((char *)mess + LWS_PRE, 64, "%.60s\r\n\r\n", fault->text ? fault->text : "mess");
    lws_write(wsi, mess + LWS_PRE, (size_t)size, LWS_WRITE_HTTP_HEADERS);
    return -1;
  }
  default: return -1;
  }
}

#define SOCKJS_BEAT (25 * LWS_USEC_PER_SEC) /* as the servers of that protocol do */

static void ws_beat(eim_sandbox *self, session *s, struct lws *wsi) {
  if (!s->conn) return;
  eim_sb_send_plain(self, s->conn, "h");
  lws_set_timer_usecs(wsi, SOCKJS_BEAT);
}

static int ws_open(eim_sandbox *self, session *s, struct lws *wsi) {
  s->request = NULL;
  s->conn = calloc(1, sizeof *s->conn);
  if (!s->conn) return -1;
  s->conn->wsi = wsi;
  s->conn->since = eim_sb_now(self);
  s->conn->next = self->conns;
  self->conns = s->conn;
  char path[128] = "";
  if (lws_hdr_copy(wsi, path, sizeof path, WSI_TOKEN_GET_URI) > 0 && eim_sb_is_sockjs(path)) {
    s->conn->transport = EIM_SB_BY_SOCKJS;
    eim_sb_send_plain(self, s->conn, "o");
    lws_set_timer_usecs(wsi, SOCKJS_BEAT);
  }
  if (self->frozen) eim_sb_wake(self, s->conn);
  return 0;
}

static int ws_receive(eim_sandbox *self, session *s, struct lws *wsi, const void *bytes,
                      size_t size) {
  eim_sb_conn *conn = s->conn;
  if (!conn) return -1;
  if (conn->in.length + size > self->options.max_frame) {
    lws_close_reason(wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, NULL, 0);
    return -1;
  }
  eim_buf_add(&conn->in, bytes, size);
  if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi))
    return conn->in.failed ? -1 : 0;
  bool good = !conn->in.failed &&
              eim_sb_message(self, conn, conn->in.data, conn->in.length, lws_frame_is_binary(wsi));
  if (conn->in.data) eim_wipe(conn->in.data, conn->in.length);
  eim_buf_clear(&conn->in);
  if (conn->user && frozen(self, conn)) eim_sb_wake(self, conn);
  return good ? 0 : -1;
}

/* A close frame, and then the line stays until the peer has answered it: a socket that is closed
 * while something unread is in it resets the line, and the peer would lose the kick frame before
 * it. */
#define WRITE_CLOSE ((enum lws_write_protocol)4) /* no public name in libwebsockets 4 */
static int say_goodbye(eim_sb_conn *conn, struct lws *wsi) {
  uint8_t frame[LWS_PRE + 2] = {0};
  frame[LWS_PRE] = LWS_CLOSE_STATUS_NORMAL >> 8;
  frame[LWS_PRE + 1] = LWS_CLOSE_STATUS_NORMAL & 0xff;
  free(conn->out);
  conn->out = conn->out_last = NULL;
  lws_set_timeout(wsi, PENDING_TIMEOUT_CLOSE_ACK, 3);
  return lws_write(wsi, frame + LWS_PRE, 2, WRITE_CLOSE) < 0 ? -1 : 0;
}

static int ws_write(eim_sandbox *self, session *s, struct lws *wsi) {
  eim_sb_conn *conn = s->conn;
  if (!conn || !conn->out || frozen(self, conn) || conn->cut) return 0;
  if (conn->out->due > eim_sb_monotonic() || !may_go_out(self, conn->out->turn)) {
    eim_sb_wake(self, conn);
    return 0;
  }
  eim_sb_out *out = conn->out;
  if (out->kind == EIM_SB_CLOSE) return say_goodbye(conn, wsi);
  int written = lws_write(wsi, out->data + LWS_PRE, out->size,
                          out->kind == EIM_SB_TEXT ? LWS_WRITE_TEXT : LWS_WRITE_BINARY);
  conn->out = out->next;
  if (!conn->out) conn->out_last = NULL;
  free(out);
  if (written < 0) return -1;
  if (conn->out) eim_sb_wake(self, conn);
  return 0;
}

static void ws_closed(eim_sandbox *self, session *s) {
  eim_sb_conn *conn = s->conn;
  s->conn = NULL;
  if (!conn) return;
  for (eim_sb_conn **at = &self->ready; *at; at = &(*at)->ready_next) {
    if (*at != conn) continue;
    *at = conn->ready_next;
    break;
  }
  eim_sb_detach(self, conn);
}

static int callback_locked(eim_sandbox *self, struct lws *wsi, enum lws_callback_reasons reason,
                           session *s, void *in, size_t size) {
  switch (reason) {
  case LWS_CALLBACK_HTTP: return http_request(self, s, wsi, in);
  case LWS_CALLBACK_HTTP_BODY: return http_body(s, in, size);
  case LWS_CALLBACK_HTTP_BODY_COMPLETION: return s->request ? handle(self, s->request) : 0;
  case LWS_CALLBACK_HTTP_WRITEABLE: return http_write(self, s, wsi);
  case LWS_CALLBACK_CLOSED_HTTP:
    if (s && s->request) {
      free_request(self, s->request);
      s->request = NULL;
    }
    return 0;
  case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
    return in && strcmp(in, "websocket") == 0 ? upgrade(self, wsi) : -1;
  case LWS_CALLBACK_ESTABLISHED: return ws_open(self, s, wsi);
  case LWS_CALLBACK_RECEIVE: return ws_receive(self, s, wsi, in, size);
  case LWS_CALLBACK_SERVER_WRITEABLE: return ws_write(self, s, wsi);
  case LWS_CALLBACK_TIMER: ws_beat(self, s, wsi); return 0;
  case LWS_CALLBACK_CLOSED: ws_closed(self, s); return 0;
  default: return 0;
  }
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t size) {
  struct lws_context *context = wsi ? lws_get_context(wsi) : NULL;
  eim_sandbox *self = context ? lws_context_user(context) : NULL;
  if (!self) return 0;
  switch (reason) {
  case LWS_CALLBACK_HTTP:
  case LWS_CALLBACK_HTTP_BODY:
  case LWS_CALLBACK_HTTP_BODY_COMPLETION:
  case LWS_CALLBACK_HTTP_WRITEABLE:
  case LWS_CALLBACK_CLOSED_HTTP:
  case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
  case LWS_CALLBACK_ESTABLISHED:
  case LWS_CALLBACK_RECEIVE:
  case LWS_CALLBACK_SERVER_WRITEABLE:
  case LWS_CALLBACK_TIMER:
  case LWS_CALLBACK_CLOSED:
  case LWS_CALLBACK_EVENT_WAIT_CANCELLED: break;
  default: return lws_callback_http_dummy(wsi, reason, user, in, size);
  }
  pthread_mutex_lock(&self->lock);
  int result = reason == LWS_CALLBACK_EVENT_WAIT_CANCELLED
                   ? 0
                   : callback_locked(self, wsi, reason, user, in, size);
  if (self->lws && !self->stop && !self->store) pump(self); /* else at the end of the turn */
  pthread_mutex_unlock(&self->lock);
  return result;
}

static const struct lws_protocols protocols[] = {{.name = "eim-sandbox",
                                                  .callback = callback,
                                                  .per_session_data_size = sizeof(session),
                                                  .rx_buffer_size = 16384},
                                                 {.name = NULL}};

static void *run(void *argument) {
  eim_sandbox *self = argument;
  pthread_mutex_lock(&self->lock);
  self->runner = pthread_self();
  self->on_thread = true;
  bool stop = self->stop;
  pthread_mutex_unlock(&self->lock);
  while (!stop && lws_service(self->lws, 0) >= 0) {
    pthread_mutex_lock(&self->lock);
    stop = self->stop;
    if (self->store && !stop) end_turn(self);
    pthread_mutex_unlock(&self->lock);
  }
  pthread_mutex_lock(&self->lock);
  self->on_thread = false;
  pthread_mutex_unlock(&self->lock);
  return NULL;
}

/* Whether somebody may listen there; errno says why not, 0: that is no address. */
static bool can_bind(const char *address, uint16_t port) {
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  bool is_v4 = inet_pton(AF_INET, address, &v4.sin_addr) == 1;
  if (!is_v4 && inet_pton(AF_INET6, address, &v6.sin6_addr) != 1) {
    errno = 0;
    return false;
  }
  int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int one = 1; /* as libwebsockets does it: a port is free when nobody listens */
  bool good = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
              bind(fd, is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6,
                   is_v4 ? sizeof v4 : sizeof v6) == 0;
  int reason = errno;
  if (fd >= 0) close(fd);
  errno = reason;
  return good;
}

static void cannot_listen(const char *address, uint16_t port, char *error, size_t error_size) {
  int used = snprintf(error, error_size, "cannot listen on %s port %u", address, (unsigned)port);
  if (!can_bind(address, port) && used > 0 && (size_t)used < error_size)
    snprintf(error + used, error_size - (size_t)used, ": %s",
             errno ? strerror(errno) : "not a numeric address");
}

static struct lws_vhost *listen_on(eim_sandbox *self, const char *name, const char *address,
                                   uint16_t port, const char *cert, const char *key) {
  /* libwebsockets takes an address this machine does not have for one that may come later. */
  if (!can_bind(address, 0)) return NULL;
  struct lws_context_creation_info info;
  memset(&info, 0, sizeof info);
  info.vhost_name = name;
  info.iface = address;
  info.port = port;
  info.protocols = protocols;
  info.gid = info.uid = -1;
  info.options = LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND | LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
  /* Without it libwebsockets 4.1 listens on every address of the machine instead. */
  if (!strchr(address, ':')) info.options |= LWS_SERVER_OPTION_DISABLE_IPV6;
  info.keepalive_timeout = 60;
  info.timeout_secs = 60;
  if (cert) {
    /* Here only: on the context too, libwebsockets 4.1 leaks the vhost's SSL_CTX when another
     * context of the process outlives or predates this one. */
    info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    /* Otherwise it makes one for connections of clients, and never finds it again to free it. */
    if (!self->client_tls) self->client_tls = SSL_CTX_new(TLS_client_method());
    info.provided_client_ssl_ctx = self->client_tls;
    info.ssl_cert_filepath = cert;
    info.ssl_private_key_filepath = key;
    info.ssl_options_set = SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1;
  }
  return lws_create_vhost(self->lws, &info);
}

static bool listen_all(eim_sandbox *self, char *error, size_t error_size) {
  char cert[512] = "", key[512] = "";
  if (self->options.tls && !eim_sb_make_certificates(self, cert, key, sizeof cert)) {
    snprintf(error, error_size, "cannot make certificates in %s",
             self->ca_dir ? self->ca_dir : "the temporary folder");
    return false;
  }
  const char *address = self->bind, *admin = self->admin_bind;
  self->vhost = listen_on(self, "sandbox", address, self->options.port, *cert ? cert : NULL, key);
  if (*cert) { /* loaded: nobody needs them on disk any more */
    remove(cert);
    remove(key);
  }
  if (!self->vhost) {
    cannot_listen(address, self->options.port, error, error_size);
    return false;
  }
  self->port = lws_get_vhost_listen_port(self->vhost);
  self->admin_vhost = listen_on(self, "admin", admin, self->options.admin_port, NULL, NULL);
  if (!self->admin_vhost) {
    cannot_listen(admin, self->options.admin_port, error, error_size);
    return false;
  }
  self->admin_port = lws_get_vhost_listen_port(self->admin_vhost);
  return true;
}

bool eim_sb_server_start(eim_sandbox *self, char *error, size_t error_size) {
  struct lws_context_creation_info info;
  memset(&info, 0, sizeof info);
  info.port = CONTEXT_PORT_NO_LISTEN;
  info.protocols = protocols;
  info.gid = info.uid = -1;
  info.user = self;
  info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
  info.pt_serv_buf_size = 16384;
  info.max_http_header_data = 8192;
  struct sigaction
      pipe_action; /* libwebsockets sets SIGPIPE to be ignored: the host decides that */
  sigaction(SIGPIPE, NULL, &pipe_action);
  self->lws = lws_create_context(&info);
  sigaction(SIGPIPE, &pipe_action, NULL);
  if (!self->lws) {
    snprintf(error, error_size, "cannot start libwebsockets");
    return false;
  }
  if (!listen_all(self, error, error_size)) return false;
  sigset_t all,
      before; /* signals go to the threads of the host, and a write never raises SIGPIPE */
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int failed = pthread_create(&self->thread, NULL, run, self);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (failed) snprintf(error, error_size, "cannot start a thread");
  self->started = !failed;
  return !failed;
}

void eim_sb_server_stop(eim_sandbox *self) {
  if (self->started) {
    pthread_mutex_lock(&self->lock);
    self->stop = true;
    pthread_mutex_unlock(&self->lock);
    lws_cancel_service(self->lws);
    pthread_join(self->thread, NULL);
  }
  self->stop = true;
  lws_sul_cancel(&self->timer);
  if (self->lws) lws_context_destroy(self->lws);
  self->lws = NULL;
  SSL_CTX_free(self->client_tls);
  self->client_tls = NULL;
  while (self->held_count) close(self->held[--self->held_count]);
}
