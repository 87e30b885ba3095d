#include "net/ws.h"

#include <errno.h>
#include <fcntl.h>
#include <libwebsockets.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"
#include "log/log.h"
#include "net/dial.h"
#include "net/lws_pipe.h"

/* libwebsockets allocates this for each connection and reads at most as much at once. */
enum { RX_FEW = 32768, RX_MANY = 1024, FEW = 1000, FLUSH_SECONDS = 3 };

struct eim_ws_hub {
  eim_loop *loop;
  struct lws_context *context;
  eim_lws_pipe pipe;
  int listener, filler; /* see blocked_address() */
  char address[sizeof(((struct sockaddr_un *)0)->sun_path) + 2];
  size_t connections;
  eim_buf scratch; /* LWS_PRE and a masked copy of what is written */
};

typedef struct pending {
  struct pending *next;
  size_t length;
  uint8_t bytes[]; /* LWS_PRE first */
} pending;

struct eim_ws {
  eim_endpoint *endpoint;
  eim_loop *loop;
  eim_ws_hub *hub;
  eim_ws_events events;
  eim_dial *dial;
  struct lws *wsi;
  eim_alarm alarm;  /* an error that is due */
  eim_error *error; /* due, or what the closing callback shall tell */
  char *host, *path;
  uint16_t port;
  size_t max_frame;
  bool tls, is_open, is_over /* lost() was called, or nobody listens any more */;
  bool is_forgotten; /* eim_ws_close(): goes when its wsi goes */
  bool pin_failed;
  bool reserved;
  int verify;     /* X509_V_ERR_* of the handshake */
  int close_code; /* of the peer */
  int inside;     /* depth of callbacks of this connection */
  eim_buf message;
  bool is_binary;
  pending *queue, **queue_tail;
};

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t length);

static const struct lws_protocols protocols[] = {
    {.name = "eim", .callback = callback, .rx_buffer_size = RX_FEW},
    {.name = "eim-many", .callback = callback, .rx_buffer_size = RX_MANY},
    {0}};

static const lws_retry_bo_t no_retry; /* no pings: each would be a timer in a sorted list */

/* ------------------------------------------------------------------ hub */

static void log_line(int level, const char *line) {
  (void)level;
  int length = (int)strcspn(line, "\n");
  LOG_DEBUG("lws", 0, "%.*s", length, line);
}

static void quiet(void) {
  lws_set_log_level(LLL_ERR | LLL_WARN, log_line);
}

/* libwebsockets insists on connecting by itself. It is sent to a unix socket of ours whose queue is
 * full: connect() answers EAGAIN, which it takes for "in progress", nothing goes over any wire, and
 * before the loop turns the finished connection of dial.c takes the descriptor's place. */
static bool blocked_address(eim_ws_hub *self) {
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  socklen_t size = sizeof(sa_family_t); /* autobind: a free abstract name */
  self->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  self->filler = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (self->listener < 0 || self->filler < 0 ||
      bind(self->listener, (struct sockaddr *)&name, size) < 0 || listen(self->listener, 0) < 0)
    return false;
  size = sizeof name;
  if (getsockname(self->listener, (struct sockaddr *)&name, &size) < 0 ||
      connect(self->filler, (struct sockaddr *)&name, size) < 0)
    return false;
  /* The notation of libwebsockets: + a unix socket, @ an abstract name. */
  snprintf(self->address, sizeof self->address, "+@%.*s", (int)(size - sizeof(sa_family_t) - 1),
           name.sun_path + 1);
  return true;
}

static void close_hub_sockets(eim_ws_hub *self) {
  if (self->listener >= 0) close(self->listener);
  if (self->filler >= 0) close(self->filler);
}

static struct lws_context *make_context(eim_loop *loop, eim_ws_hub *hub) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, quiet);
  void *loops[] = {&loop->uv};
  struct lws_context_creation_info info = {
      .port = CONTEXT_PORT_NO_LISTEN,
      /* Without DO_SSL_GLOBAL_INIT: for a context it allots process-wide OpenSSL indices anew,
       * under the feet of every other context (ours, the host's). The TLS vhosts have it. */
      .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                 LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS,
      .foreign_loops = loops,
      .user = hub,
      .gid = (gid_t)-1,
      .uid = (uid_t)-1,
      .pt_serv_buf_size = 32768,
      .retry_and_idle_policy = &no_retry,
  };
  /* It sets SIGPIPE to ignore (unless it was built with LWS_AVOID_SIGPIPE_IGN, as packaging/deps
   * does); the disposition is the host's. One at a time, else another loop would take "ignore" for
   * the host's and leave that behind. */
  static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
  struct sigaction before, after;
  pthread_mutex_lock(&one);
  sigaction(SIGPIPE, NULL, &before);
  eim_lws_pipe_before(&hub->pipe, &loop->uv);
  struct lws_context *context = lws_create_context(&info);
  eim_lws_pipe_after(&hub->pipe, &loop->uv);
  sigaction(SIGPIPE, NULL, &after);
  if (after.sa_handler != before.sa_handler) sigaction(SIGPIPE, &before, NULL);
  pthread_mutex_unlock(&one);
  return context;
}

static eim_ws_hub *hub_of(eim_loop *loop) {
  if (loop->ws) return loop->ws;
  eim_ws_hub *self = calloc(1, sizeof *self);
  if (!self) return NULL;
  self->loop = loop;
  self->listener = self->filler = -1;
  if (!blocked_address(self) || !(self->context = make_context(loop, self))) {
    close_hub_sockets(self);
    free(self);
    return NULL;
  }
  loop->ws = self;
  return self;
}

bool eim_ws_hub_free(eim_ws_hub *self) {
  if (!self) return true;
  lws_context_destroy(self->context); /* begins to close its handles on the loop */
  bool held = eim_lws_pipe_hold(&self->pipe, &self->loop->uv);
  if (held) {
    for (int i = 0; i < 100; i++) uv_run(&self->loop->uv, UV_RUN_NOWAIT);
    lws_context_destroy(self->context); /* ends it */
    eim_lws_pipe_end(&self->pipe);
  }
  close_hub_sockets(self);
  eim_buf_free(&self->scratch);
  free(self);
  return held;
}

static struct lws_vhost *vhost_of(eim_ws *self) {
  struct lws_vhost **at = self->tls ? &self->endpoint->tls_vhost : &self->endpoint->plain_vhost;
  if (*at) return *at;
  struct lws_context_creation_info info = {
      .port = CONTEXT_PORT_NO_LISTEN,
      .options = LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS,
      .vhost_name = self->tls ? "eim-tls" : "eim-plain",
      .protocols = protocols,
      .http_proxy_address = "", /* NULL would make it read $http_proxy */
      .retry_and_idle_policy = &no_retry,
      .timeout_secs = 120, /* the session has its own, shorter ones */
  };
  if (self->tls) {
    info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    info.provided_client_ssl_ctx = eim_tls_ctx(self->endpoint->tls);
  }
  return *at = lws_create_vhost(self->hub->context, &info);
}

void eim_ws_drop_vhosts(eim_endpoint *endpoint) {
  if (endpoint->loop->ending) return; /* they went with the hub */
  if (endpoint->plain_vhost) lws_vhost_destroy(endpoint->plain_vhost);
  if (endpoint->tls_vhost) lws_vhost_destroy(endpoint->tls_vhost);
  endpoint->plain_vhost = endpoint->tls_vhost = NULL;
}

/* ------------------------------------------------------------------ life */

static void free_ws(eim_ws *self) {
  while (self->queue) {
    pending *next = self->queue->next;
    eim_wipe(self->queue->bytes, LWS_PRE + self->queue->length); /* may hold the login */
    free(self->queue);
    self->queue = next;
  }
  if (self->reserved) {
    eim_alarm_clear(&self->loop->alarms, &self->alarm);
    eim_alarms_release(&self->loop->alarms, 1);
  }
  eim_buf_wipe(&self->message);
  eim_error_unref(self->error);
  free(self->host);
  free(self->path);
  eim_endpoint_unref(self->endpoint);
  free(self);
}

static void tell_lost(eim_ws *self) {
  if (self->is_over) return;
  self->is_over = true;
  self->is_open = false;
  eim_error *error = self->error;
  self->error = NULL;
  self->inside++;
  self->events.lost(self->events.user, error);
  self->inside--;
  eim_error_unref(error);
}

static void on_alarm(eim_alarm *alarm) {
  eim_ws *self = (eim_ws *)((char *)alarm - offsetof(eim_ws, alarm));
  tell_lost(self);
  if (self->wsi)
    lws_set_timeout(self->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC); /* it frees us */
  else if (self->is_forgotten)
    free_ws(self);
}

static void fail_later(eim_ws *self, eim_error *error) {
  eim_error_unref(self->error);
  self->error = error;
  eim_alarm_set(&self->loop->alarms, &self->alarm, 0);
}

static eim_error *no_memory(void) {
  return eim_error_new(EIM_E_NOMEM, EIM_DOMAIN_LOCAL, EIM_E_NOMEM, EIM_ERROR_RETRIABLE,
                       "out of memory");
}

void eim_ws_close(eim_ws *self) {
  self->is_over = self->is_forgotten = true;
  if (self->dial) {
    eim_dial_cancel(self->dial);
    self->dial = NULL;
  }
  if (self->wsi) {
    eim_alarm_clear(&self->loop->alarms, &self->alarm);
    if (self->is_open) {
      lws_callback_on_writable(self->wsi); /* flushes, then says goodbye */
      lws_set_timeout(self->wsi, PENDING_TIMEOUT_USER_OK, FLUSH_SECONDS);
    } else if (!self->inside) {
      lws_set_timeout(self->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
    }
  } else if (!self->inside) {
    free_ws(self);
  }
}

/* ------------------------------------------------------------------ opening */

static bool start_handshake(eim_ws *self, int fd) {
  struct lws_vhost *vhost = vhost_of(self);
  if (!vhost) return false;
  char host[300];
  bool is_v6 = strchr(self->host, ':') && *self->host != '[';
  if (self->port == (self->tls ? 443 : 80))
    snprintf(host, sizeof host, is_v6 ? "[%s]" : "%s", self->host);
  else
    snprintf(host, sizeof host, is_v6 ? "[%s]:%u" : "%s:%u", self->host, self->port);
  struct lws_client_connect_info info = {
      .context = self->hub->context,
      .vhost = vhost,
      .address = self->hub->address,
      .port = self->port,
      .ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT | (self->tls ? LCCSCF_USE_SSL : 0),
      .path = self->path,
      .host = host,
      .alpn = "http/1.1",
      .ietf_version_or_minus_one = -1,
      .userdata = self,
      .local_protocol_name = protocols[self->hub->connections > FEW].name,
      .retry_and_idle_policy = &no_retry,
      .pwsi = &self->wsi,
  };
  self->inside++; /* a failure comes by the return value */
  struct lws *wsi = lws_client_connect_via_info(&info);
  self->inside--;
  eim_loop_touch(self->loop);
  if (!wsi) {
    self->wsi = NULL;
    return false;
  }
  self->wsi = wsi;
  self->hub->connections++;
  return dup3(fd, lws_get_socket_fd(wsi), O_CLOEXEC) >= 0;
}

static void on_dialed(void *user, int fd, const eim_error *error) {
  eim_ws *self = user;
  self->dial = NULL;
  if (fd < 0) {
    fail_later(self, (eim_error *)eim_error_ref(error));
    return;
  }
  if (!start_handshake(self, fd)) {
    fail_later(self, no_memory());
  }
  close(fd);
}

eim_ws *eim_ws_open(eim_endpoint *endpoint, const eim_connect_request *request,
                    size_t max_frame_bytes, const eim_ws_events *events) {
  eim_ws *self = calloc(1, sizeof *self);
  if (!self) return NULL;
  self->loop = endpoint->loop;
  self->endpoint = endpoint;
  endpoint->refs++;
  self->events = *events;
  self->tls = request->tls;
  self->port = request->port;
  self->max_frame = max_frame_bytes;
  self->queue_tail = &self->queue;
  self->alarm.fire = on_alarm;
  self->host = eim_strdup(request->host);
  self->path = eim_strdup(request->path);
  self->reserved = eim_alarms_reserve(&self->loop->alarms, 1);
  self->hub = hub_of(self->loop);
  if (!self->host || !self->path || !self->reserved || !self->hub) {
    free_ws(self);
    return NULL;
  }
  eim_error *error = NULL;
  /* libwebsockets has fixed buffers for these, and cuts names silently. */
  if (strlen(self->host) > 120 || strlen(self->path) > 512)
    error = eim_error_new(EIM_E_INVALID, EIM_DOMAIN_LOCAL, EIM_E_INVALID, EIM_ERROR_FINAL,
                          "the address of the message host is too long");
  else if (self->tls)
    eim_endpoint_tls(endpoint, &error);
  if (error) {
    fail_later(self, error);
    return self;
  }
  self->dial = eim_dial_start(self->loop, endpoint->settings, request->host, request->ip,
                              request->port, request->tls, on_dialed, self);
  if (!self->dial) fail_later(self, no_memory());
  return self;
}

/* ------------------------------------------------------------------ sending */

void eim_ws_send(eim_ws *self, const void *bytes, size_t length) {
  if (self->is_over || !self->is_open) return;
  if (!self->queue && !lws_send_pipe_choked(self->wsi)) {
    eim_buf *scratch = &self->hub->scratch;
    static const uint8_t room[LWS_PRE];
    eim_buf_clear(scratch);
    eim_buf_add(scratch, room, LWS_PRE);
    eim_buf_add(scratch, bytes, length);
    bool ok = !scratch->failed && lws_write(self->wsi, scratch->data + LWS_PRE, length,
                                            LWS_WRITE_BINARY) >= (int)length;
    if (scratch->failed) {
      eim_buf_free(scratch);
      *scratch = (eim_buf)EIM_BUF_INIT;
    } else {
      eim_wipe(scratch->data, scratch->length);
    }
    if (!ok)
      fail_later(self, eim_error_new(EIM_E_NETWORK, EIM_DOMAIN_OS, EPIPE, EIM_ERROR_RETRIABLE,
                                     "the connection to %s was lost while sending", self->host));
    return;
  }
  pending *one = malloc(sizeof *one + LWS_PRE + length);
  if (!one) {
    fail_later(self, no_memory());
    return;
  }
  one->next = NULL;
  one->length = length;
  memset(one->bytes, 0, LWS_PRE);
  memcpy(one->bytes + LWS_PRE, bytes, length);
  *self->queue_tail = one;
  self->queue_tail = &one->next;
  lws_callback_on_writable(self->wsi);
}

static int flush(eim_ws *self, struct lws *wsi) {
  while (self->queue) {
    pending *one = self->queue;
    if (lws_send_pipe_choked(wsi)) {
      lws_callback_on_writable(wsi);
      return 0;
    }
    int n = lws_write(wsi, one->bytes + LWS_PRE, one->length, LWS_WRITE_BINARY);
    bool ok = n >= (int)one->length;
    self->queue = one->next;
    if (!self->queue) self->queue_tail = &self->queue;
    eim_wipe(one->bytes, LWS_PRE + one->length);
    free(one);
    if (!ok) return -1;
  }
  if (self->is_forgotten) {
    /* By the alarm: returning -1 here would cut the connection without a word. */
    lws_close_reason(wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
    eim_alarm_set(&self->loop->alarms, &self->alarm, 0);
  }
  return 0;
}

/* ------------------------------------------------------------------ what libwebsockets tells */

static eim_error *refusal(eim_ws *self, struct lws *wsi, const char *text) {
  SSL *ssl = self->tls ? lws_get_ssl(wsi) : NULL;
  if (self->tls && (!ssl || !SSL_is_init_finished(ssl) || self->verify || self->pin_failed)) {
    if (self->pin_failed) return eim_tls_pin_error(self->host);
    return eim_tls_error(self->host, self->verify, ssl ? eim_tls_alert(ssl) : 0);
  }
  int status = (int)lws_http_client_http_response(wsi);
  if (status && status != 101) {
    char detail[64];
    snprintf(detail, sizeof detail, "{\"what\":\"upgrade\",\"httpStatus\":%d}", status);
    return eim_error_new_detail(EIM_E_SERVER, EIM_DOMAIN_HTTP, status, EIM_ERROR_RETRIABLE, detail,
                                "%s refused the message connection: HTTP %d", self->host, status);
  }
  if (strstr(text, "HS:"))
    return eim_error_new_detail(EIM_E_PROTOCOL, EIM_DOMAIN_LOCAL, EIM_E_PROTOCOL,
                                EIM_ERROR_RETRIABLE, "{\"what\":\"upgrade\"}",
                                "%s does not speak WebSocket (%s)", self->host, text);
  return eim_error_new_detail(EIM_E_NETWORK, EIM_DOMAIN_OS, ECONNRESET, EIM_ERROR_RETRIABLE,
                              "{\"what\":\"closed\"}",
                              "%s closed the connection during the "
                              "handshake",
                              self->host);
}

static eim_error *ended(const eim_ws *self) {
  char detail[64];
  snprintf(detail, sizeof detail, "{\"what\":\"closed\",\"closeCode\":%d}", self->close_code);
  return eim_error_new_detail(EIM_E_NETWORK, EIM_DOMAIN_OS, ECONNRESET, EIM_ERROR_RETRIABLE, detail,
                              "the connection to %s was closed by the peer", self->host);
}

/* Never asks libwebsockets to close by its return value: 4.1.6 then goes on to parse what comes,
 * past the end of its buffer. */
static int on_bytes(eim_ws *self, struct lws *wsi, const void *bytes, size_t length) {
  if (self->is_over || self->error) return 0;
  bool whole = lws_is_final_fragment(wsi) && !lws_remaining_packet_payload(wsi);
  if (lws_is_first_fragment(wsi)) {
    self->is_binary = lws_frame_is_binary(wsi);
    eim_buf_clear(&self->message);
  }
  /* The rest of the frame is announced: refuse before room is made for it. */
  if (self->message.length + length + lws_remaining_packet_payload(wsi) > self->max_frame) {
    fail_later(self, eim_error_new_detail(EIM_E_PROTOCOL, EIM_DOMAIN_LOCAL, EIM_E_PROTOCOL,
                                          EIM_ERROR_RETRIABLE, "{\"what\":\"frame_size\"}",
                                          "%s sent a message of more than %zu bytes", self->host,
                                          self->max_frame));
    return 0;
  }
  if (whole && !self->message.length) { /* the usual case: nothing is copied */
    self->events.message(self->events.user, self->is_binary, bytes, length);
    return 0;
  }
  eim_buf_add(&self->message, bytes, length);
  if (self->message.failed) {
    fail_later(self, no_memory());
    return 0;
  }
  if (whole) {
    self->events.message(self->events.user, self->is_binary, self->message.data,
                         self->message.length);
    eim_buf_free(&self->message);
    self->message = (eim_buf)EIM_BUF_INIT;
  }
  return 0;
}

/* libwebsockets 4.1 cuts the name it checks at its first colon, so no certificate ever fits an IPv6
 * address: that one question is asked again. All the others (the chain, the dates) are still asked
 * by OpenSSL. */
static bool is_its_address(const eim_ws *self, X509_STORE_CTX *store) {
  return strchr(self->host, ':') && X509_STORE_CTX_get_error_depth(store) == 0 &&
         X509_STORE_CTX_get_error(store) == X509_V_ERR_HOSTNAME_MISMATCH &&
         X509_check_ip_asc(X509_STORE_CTX_get_current_cert(store), self->host, 0) == 1;
}

static int verify(eim_ws *self, X509_STORE_CTX *store, bool is_fine) {
  if (!is_fine && is_its_address(self, store)) {
    X509_STORE_CTX_set_error(store, X509_V_OK);
    is_fine = true;
  }
  if (!is_fine) {
    self->verify = X509_STORE_CTX_get_error(store);
    return 1;
  }
  if (X509_STORE_CTX_get_error_depth(store) == 0 &&
      !eim_tls_pin_matches(self->endpoint->tls, X509_STORE_CTX_get_current_cert(store))) {
    self->pin_failed = true;
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    return 1;
  }
  return 0;
}

static int on_event(eim_ws *self, struct lws *wsi, enum lws_callback_reasons reason, void *in,
                    size_t length) {
  switch (reason) {
  case LWS_CALLBACK_CLIENT_ESTABLISHED:
    if (self->is_over) return -1;
    self->is_open = true;
    if (self->tls) SSL_free_buffers(lws_get_ssl(wsi));
    self->events.opened(self->events.user);
    return 0;
  case LWS_CALLBACK_CLIENT_RECEIVE: return on_bytes(self, wsi, in, length);
  case LWS_CALLBACK_CLIENT_WRITEABLE: return flush(self, wsi);
  case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
    if (length >= 2) self->close_code = ((uint8_t *)in)[0] << 8 | ((uint8_t *)in)[1];
    return 0;
  case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    if (!self->is_over && !self->error) {
      char text[128];
      snprintf(text, sizeof text, "%.*s", (int)(in ? length : 0), in ? (const char *)in : "");
      self->error = refusal(self, wsi, text);
    }
    tell_lost(self);
    return 0;
  case LWS_CALLBACK_CLIENT_CLOSED:
    if (!self->is_over && !self->error) self->error = ended(self);
    tell_lost(self);
    return 0;
  default: return 0;
  }
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t length) {
  eim_ws *self = user;
  switch (reason) {
  case LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION:
    /* Here user, in and length are the X509_STORE_CTX, the SSL and the verdict so far. */
    self = lws_wsi_user(wsi);
    return self ? verify(self, user, length != 0) : 1;
  case LWS_CALLBACK_CHANGE_MODE_POLL_FD:
  case LWS_CALLBACK_ADD_POLL_FD:
  case LWS_CALLBACK_DEL_POLL_FD: {
    eim_ws_hub *hub = lws_context_user(lws_get_context(wsi));
    if (hub) eim_loop_touch(hub->loop);
    return 0;
  }
  case LWS_CALLBACK_CLIENT_ESTABLISHED:
  case LWS_CALLBACK_CLIENT_RECEIVE:
  case LWS_CALLBACK_CLIENT_WRITEABLE:
  case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
  case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
  case LWS_CALLBACK_CLIENT_CLOSED: {
    if (!self) return 0;
    eim_loop_touch(self->loop);
    self->inside++;
    int result = on_event(self, wsi, reason, in, length);
    self->inside--;
    return result;
  }
  case LWS_CALLBACK_WSI_DESTROY:
    if (!self || !self->wsi || self->inside) return 0; /* inside: via_info reports it */
    self->wsi = NULL;
    self->hub->connections--;
    if (!self->is_over) { /* no other callback told it */
      if (!self->error) self->error = refusal(self, wsi, "");
      fail_later(self, (eim_error *)eim_error_ref(self->error));
    } else if (self->is_forgotten) {
      free_ws(self);
    }
    return 0;
  default: return 0;
  }
}
