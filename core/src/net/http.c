#include "net/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/text.h"
#include "log/log.h"
#include "net/disk.h"
#include "net/proxy.h"
#include "net/resolver.h"

/* No more often than this, in ms. */
#define PROGRESS_EVERY 100

enum { PER_HOST = 8, IN_FLIGHT = 64 };

typedef struct eim_http_pool {
  eim_loop *loop;
  CURLM *multi;
  eim_alarm alarm; /* curl's timer */
  int in_flight;
  struct lane *lanes; /* with requests; who was served last comes last */
} eim_http_pool;

/* Requests to one host. libcurl has such a queue, but does not tell who is in it. */
typedef struct lane {
  struct lane *next;
  int in_flight, refs;
  eim_http *waiting, **waiting_tail;
  char name[]; /* host:port */
} lane;

/* A socket of curl. */
typedef struct watched {
  uv_poll_t poll; /* first: is freed by its address */
  eim_http_pool *pool;
  curl_socket_t fd;
} watched;

struct eim_http {
  eim_endpoint *endpoint;
  eim_http_pool *pool;
  eim_http_fn fn;
  eim_http_place_fn place;
  void *user;
  struct lane *lane;
  eim_http *next, **link; /* while waiting for a place */
  bool in_multi, has_alarm, waited;
  CURL *easy;
  eim_lookup *lookup;
  eim_alarm alarm; /* an error that is due */
  eim_error *error;
  struct curl_slist *headers, *resolve, *connect_to;
  char *host, *look_up; /* of the URL; what is to be resolved */
  uint16_t port, look_up_port;
  char *body;
  size_t body_length;
  eim_buf answer;
  size_t max_answer;
  bool too_big, is_tls, via_proxy;
  eim_disk *file;
  curl_mime *mime;
  eim_http_progress_fn progress;
  int64_t progress_at, range_start; /* mono; of the answer's Content-Range, -1: none */
  bool began;                       /* the first byte of a body was seen */
  int64_t deadline;                 /* mono */
  char text[CURL_ERROR_SIZE];
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static void start_curl(void) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* ------------------------------------------------------------------ pool */

static void collect(eim_http_pool *self);
static void admit(eim_http_pool *self);

static void free_watched(uv_handle_t *handle) {
  free(handle);
}

static void on_socket(uv_poll_t *poll, int status, int events) {
  watched *w = (watched *)poll;
  eim_http_pool *pool = w->pool;
  /* ERR alone makes curl give up without asking the socket why. */
  int flags = (events & UV_READABLE ? CURL_CSELECT_IN : 0) |
              (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0) |
              (status < 0 ? CURL_CSELECT_ERR | CURL_CSELECT_IN : 0);
  int running;
  eim_loop_touch(pool->loop);
  curl_multi_socket_action(pool->multi, w->fd, flags, &running);
  collect(pool);
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *of_socket) {
  eim_http_pool *pool = user;
  watched *w = of_socket;
  (void)easy;
  eim_loop_touch(pool->loop);
  if (what == CURL_POLL_REMOVE) {
    if (!w) return 0;
    curl_multi_assign(pool->multi, fd, NULL);
    uv_poll_stop(&w->poll);
    uv_close((uv_handle_t *)&w->poll, free_watched);
    return 0;
  }
  if (!w) {
    w = calloc(1, sizeof *w);
    if (!w) return -1;
    if (uv_poll_init_socket(&pool->loop->uv, &w->poll, fd)) {
      free(w);
      return -1;
    }
    w->pool = pool;
    w->fd = fd;
    curl_multi_assign(pool->multi, fd, w);
  }
  int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
  return uv_poll_start(&w->poll, events, on_socket) ? -1 : 0;
}

static void on_timer(eim_alarm *alarm) {
  eim_http_pool *pool = (eim_http_pool *)((char *)alarm - offsetof(eim_http_pool, alarm));
  int running;
  eim_loop_touch(pool->loop);
  curl_multi_socket_action(pool->multi, CURL_SOCKET_TIMEOUT, 0, &running);
  collect(pool);
}

static int want_timer(CURLM *multi, long ms, void *user) {
  eim_http_pool *pool = user;
  (void)multi;
  if (ms < 0)
    eim_alarm_clear(&pool->loop->alarms, &pool->alarm);
  else
    eim_alarm_set(&pool->loop->alarms, &pool->alarm, eim_mono_ms() + ms);
  return 0;
}

static eim_http_pool *pool_of(eim_endpoint *endpoint) {
  if (endpoint->http) return endpoint->http;
  pthread_once(&curl_once, start_curl);
  eim_http_pool *self = calloc(1, sizeof *self);
  if (!self || !eim_alarms_reserve(&endpoint->loop->alarms, 1)) {
    free(self);
    return NULL;
  }
  self->loop = endpoint->loop;
  self->alarm.fire = on_timer;
  self->multi = curl_multi_init();
  if (!self->multi) {
    eim_alarms_release(&self->loop->alarms, 1);
    free(self);
    return NULL;
  }
  curl_multi_setopt(self->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
  curl_multi_setopt(self->multi, CURLMOPT_SOCKETDATA, self);
  curl_multi_setopt(self->multi, CURLMOPT_TIMERFUNCTION, want_timer);
  curl_multi_setopt(self->multi, CURLMOPT_TIMERDATA, self);
  curl_multi_setopt(self->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)PER_HOST);
  curl_multi_setopt(self->multi, CURLMOPT_MAXCONNECTS, (long)IN_FLIGHT);
  endpoint->http = self;
  return self;
}

void eim_http_pool_free(eim_http_pool *self) {
  if (!self) return;
  curl_multi_cleanup(self->multi);
  eim_alarm_clear(&self->loop->alarms, &self->alarm);
  eim_alarms_release(&self->loop->alarms, 1);
  free(self);
}

/* ------------------------------------------------------------------ a request */

/* NULL: out of memory. */
static lane *enter_lane(eim_http *self) {
  eim_http_pool *pool = self->pool;
  eim_buf name = EIM_BUF_INIT;
  eim_buf_printf(&name, "%s:%u", self->host, self->port);
  lane *h = name.failed ? NULL : pool->lanes;
  while (h && strcmp(h->name, (char *)name.data) != 0) h = h->next;
  if (!h && !name.failed && (h = calloc(1, sizeof *h + name.length + 1))) {
    memcpy(h->name, name.data, name.length + 1);
    h->waiting_tail = &h->waiting;
    h->next = pool->lanes;
    pool->lanes = h;
  }
  eim_buf_free(&name);
  if (h) h->refs++;
  return self->lane = h;
}

static void leave_lane(eim_http *self) {
  lane *h = self->lane;
  self->lane = NULL;
  if (!h || --h->refs) return;
  lane **at = &self->pool->lanes;
  while (*at != h) at = &(*at)->next;
  *at = h->next;
  free(h);
}

static void free_http(eim_http *self) {
  eim_http_pool *pool = self->pool;
  eim_lookup_cancel(self->lookup);
  if (self->link) {
    *self->link = self->next;
    if (self->next)
      self->next->link = self->link;
    else
      self->lane->waiting_tail = self->link;
  }
  if (self->in_multi) {
    curl_multi_remove_handle(pool->multi, self->easy);
    pool->in_flight--;
    self->lane->in_flight--;
  }
  leave_lane(self);
  if (self->easy) curl_easy_cleanup(self->easy);
  curl_mime_free(self->mime);
  eim_disk_free(self->file);
  if (self->has_alarm) {
    eim_alarm_clear(&pool->loop->alarms, &self->alarm);
    eim_alarms_release(&pool->loop->alarms, 1);
  }
  for (struct curl_slist *h = self->headers; h; h = h->next) eim_wipe(h->data, strlen(h->data));
  curl_slist_free_all(self->headers);
  curl_slist_free_all(self->resolve);
  curl_slist_free_all(self->connect_to);
  if (self->body) eim_wipe(self->body, self->body_length);
  free(self->body);
  eim_buf_wipe(&self->answer);
  eim_error_unref(self->error);
  free(self->host);
  free(self->look_up);
  eim_endpoint_unref(self->endpoint);
  free(self);
}

void eim_http_cancel(eim_http *self) {
  /* The place becomes free; who waits for it is begun on a later turn by curl's own timer. */
  eim_http_pool *pool = self->pool;
  free_http(self);
  admit(pool);
}

/* All of the file, or the rest of it. */
static bool begin_body(eim_http *self, int status) {
  self->began = true;
  return eim_disk_begin(self->file, status == 206 ? self->range_start : 0);
}

static void finish(eim_http *self, int status, eim_error *error, bool may_have_arrived) {
  if (self->file && !error) {
    bool here = eim_disk_is_received(self->file);
    if (here && (status == 200 || status == 206)) {
      /* An empty file has no first byte. */
      bool ok = self->began || begin_body(self, status);
      if (!ok || !eim_disk_commit(self->file)) error = eim_disk_problem(self->file);
    } else if (here && status == 416) {
      eim_disk_discard(self->file); /* the next attempt begins anew */
    }
    if (self->progress)
      self->progress(self->user, eim_disk_size(self->file), eim_disk_size(self->file));
  }
  if (self->file && !error && eim_disk_is_received(self->file) &&
      (status == 200 || status == 206) && eim_disk_content(self->file)->data) {
    const eim_buf *here = eim_disk_content(self->file);
    eim_buf_add(&self->answer, here->data, here->length);
    if (self->answer.failed)
      error = eim_error_new(EIM_E_NOMEM, EIM_DOMAIN_LOCAL, EIM_E_NOMEM, EIM_ERROR_RETRIABLE,
                            "out of memory");
  }
  eim_http_fn fn = self->fn;
  void *user = self->user;
  eim_buf answer = self->answer;
  self->answer = (eim_buf)EIM_BUF_INIT;
  eim_http_cancel(self);
  fn(user, status, error ? NULL : answer.data, error ? 0 : answer.length, error, may_have_arrived);
  eim_buf_wipe(&answer);
  eim_error_unref(error);
}

static void on_due(eim_alarm *alarm) {
  eim_http *self = (eim_http *)((char *)alarm - offsetof(eim_http, alarm));
  eim_error *error = self->error;
  self->error = NULL;
  if (!error)
    error =
        eim_error_new_detail(EIM_E_TIMEOUT, EIM_DOMAIN_LOCAL, EIM_E_TIMEOUT, EIM_ERROR_RETRIABLE,
                             "{\"what\":\"timeout\"}", "%s did not answer in time", self->host);
  long sent = 0;
  if (self->in_multi) curl_easy_getinfo(self->easy, CURLINFO_REQUEST_SIZE, &sent);
  finish(self, 0, error, sent > 0);
}

static void fail_later(eim_http *self, eim_error *error) {
  eim_error_unref(self->error);
  self->error = error;
  eim_alarm_set(&self->pool->loop->alarms, &self->alarm, 0);
}

/* ------------------------------------------------------------------ what went wrong */

static eim_error *network(const eim_http *self, int code, const char *what) {
  char reason[128], detail[64];
  snprintf(detail, sizeof detail, "{\"what\":\"%s\"}", what);
  return eim_error_new_detail(
      EIM_E_NETWORK, EIM_DOMAIN_OS, code, EIM_ERROR_RETRIABLE, detail, "%s: %s", self->host,
      *self->text ? self->text : eim_errno_text(code, reason, sizeof reason));
}

static eim_error *explain(eim_http *self, CURLcode code) {
  eim_error *of_file = self->file ? eim_disk_problem(self->file) : NULL;
  if (of_file) return of_file;
  long verify = 0, os = 0, tunnel = 0;
  curl_easy_getinfo(self->easy, CURLINFO_SSL_VERIFYRESULT, &verify);
  /* curl's way to say that it did not come to ask: the chain was good, or never seen. */
  if (verify == X509_V_ERR_UNSPECIFIED) verify = X509_V_OK;
  curl_easy_getinfo(self->easy, CURLINFO_OS_ERRNO, &os);
  curl_easy_getinfo(self->easy, CURLINFO_HTTP_CONNECTCODE, &tunnel);
  if (self->too_big || code == CURLE_FILESIZE_EXCEEDED)
    return eim_error_new_detail(EIM_E_PROTOCOL, EIM_DOMAIN_LOCAL, EIM_E_PROTOCOL,
                                EIM_ERROR_RETRIABLE, "{\"what\":\"answer_size\"}",
                                "%s sent an answer of more than %zu bytes", self->host,
                                self->max_answer);
  if (self->via_proxy && tunnel && (tunnel < 200 || tunnel > 299)) {
    char detail[64];
    snprintf(detail, sizeof detail, "{\"what\":\"proxy\",\"status\":%ld}", tunnel);
    return eim_error_new_detail(EIM_E_NETWORK, EIM_DOMAIN_HTTP, (int)tunnel, EIM_ERROR_RETRIABLE,
                                detail, "the proxy refused a connection to %s: HTTP %ld",
                                self->host, tunnel);
  }
  switch (code) {
  case CURLE_PEER_FAILED_VERIFICATION:
    return eim_tls_error(self->host, verify ? (int)verify : X509_V_ERR_HOSTNAME_MISMATCH, 0);
  case CURLE_SSL_PINNEDPUBKEYNOTMATCH: return eim_tls_pin_error(self->host);
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_SSL_CIPHER:
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_ISSUER_ERROR:
    if (verify) return eim_tls_error(self->host, (int)verify, 0);
    return eim_error_new_detail(EIM_E_TLS, EIM_DOMAIN_TLS, 0, EIM_ERROR_RETRIABLE,
                                "{\"tls\":\"handshake\"}", "TLS handshake with '%s' failed: %s",
                                self->host, self->text);
  case CURLE_COULDNT_RESOLVE_HOST: return network(self, EAI_NONAME, "dns");
  case CURLE_COULDNT_RESOLVE_PROXY:
  case CURLE_PROXY: return network(self, os ? (int)os : EHOSTUNREACH, "proxy");
  case CURLE_COULDNT_CONNECT:
    return network(self, os ? (int)os : ECONNREFUSED, self->via_proxy ? "proxy" : "connect");
  case CURLE_OPERATION_TIMEDOUT:
    return eim_error_new_detail(EIM_E_TIMEOUT, EIM_DOMAIN_LOCAL, EIM_E_TIMEOUT, EIM_ERROR_RETRIABLE,
                                "{\"what\":\"timeout\"}", "%s did not answer in time", self->host);
  case CURLE_WEIRD_SERVER_REPLY:
  case CURLE_UNSUPPORTED_PROTOCOL:
  case CURLE_BAD_CONTENT_ENCODING:
    return eim_error_new_detail(EIM_E_PROTOCOL, EIM_DOMAIN_LOCAL, EIM_E_PROTOCOL,
                                EIM_ERROR_RETRIABLE, "{\"what\":\"http\"}", "%s: %s", self->host,
                                self->text);
  case CURLE_URL_MALFORMAT:
    return eim_error_new(EIM_E_INVALID, EIM_DOMAIN_LOCAL, EIM_E_INVALID, EIM_ERROR_FINAL,
                         "not a URL of a REST server");
  case CURLE_OUT_OF_MEMORY:
    return eim_error_new(EIM_E_NOMEM, EIM_DOMAIN_LOCAL, EIM_E_NOMEM, EIM_ERROR_RETRIABLE,
                         "out of memory");
  default: return network(self, os ? (int)os : ECONNRESET, "closed");
  }
}

static void collect(eim_http_pool *self) {
  CURLMsg *message;
  int left;
  while ((message = curl_multi_info_read(self->multi, &left))) {
    if (message->msg != CURLMSG_DONE) continue;
    eim_http *request;
    CURLcode code = message->data.result;
    CURL *easy = message->easy_handle;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&request);
    long status = 0, sent = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &sent);
    eim_error *error = code ? explain(request, code) : NULL;
    /* Of a file that could not be read to its end the form has no end either: no server takes it.
     */
    bool whole =
        code != CURLE_ABORTED_BY_CALLBACK || !request->file || eim_disk_was_read(request->file);
    finish(request, (int)status, error, sent > 0 && whole);
  }
}

/* ------------------------------------------------------------------ beginning */

static size_t on_body(char *bytes, size_t size, size_t count, void *user) {
  eim_http *self = user;
  size_t length = size * count;
  if (self->file && eim_disk_is_received(self->file)) {
    long status = 0;
    curl_easy_getinfo(self->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status == 200 || status == 206) {
      if (!self->began && !begin_body(self, (int)status)) return 0;
      return eim_disk_write(self->file, bytes, length) ? length : 0;
    }
  }
  if (length > self->max_answer - self->answer.length) {
    self->too_big = true;
    return 0; /* ends the transfer */
  }
  eim_buf_add(&self->answer, bytes, length);
  return self->answer.failed ? 0 : length;
}

static CURLcode on_ssl_ctx(CURL *easy, void *ctx, void *user) {
  eim_http *self = user;
  (void)easy;
  eim_tls_apply(self->endpoint->tls, ctx);
  return CURLE_OK;
}

static void enter_multi(eim_http *self) {
  if (curl_multi_add_handle(self->pool->multi, self->easy)) {
    fail_later(self, eim_error_new(EIM_E_NOMEM, EIM_DOMAIN_LOCAL, EIM_E_NOMEM, EIM_ERROR_RETRIABLE,
                                   "out of memory"));
    return;
  }
  self->in_multi = true;
  self->pool->in_flight++;
  self->lane->in_flight++;
  if (self->waited && self->place) self->place(self->user, false);
  eim_loop_touch(self->pool->loop);
}

/* The host that is to be served next, taken to the end of the list. */
static lane *next_lane(eim_http_pool *self) {
  lane **at = &self->lanes;
  while (*at && (!(*at)->waiting || (*at)->in_flight >= PER_HOST)) at = &(*at)->next;
  lane *h = *at;
  if (!h || !h->next) return h;
  *at = h->next;
  while (*at) at = &(*at)->next;
  *at = h;
  h->next = NULL;
  return h;
}

static void admit(eim_http_pool *self) {
  lane *h;
  while (self->in_flight < IN_FLIGHT && (h = next_lane(self))) {
    eim_http *first = h->waiting;
    h->waiting = first->next;
    if (first->next)
      first->next->link = &h->waiting;
    else
      h->waiting_tail = &h->waiting;
    first->link = NULL;
    enter_multi(first);
    if (!first->in_multi) break;
  }
}

static void queue_up(eim_http *self) {
  lane *h = enter_lane(self);
  if (!h) {
    fail_later(self, eim_error_new(EIM_E_NOMEM, EIM_DOMAIN_LOCAL, EIM_E_NOMEM, EIM_ERROR_RETRIABLE,
                                   "out of memory"));
    return;
  }
  self->next = NULL;
  self->link = h->waiting_tail;
  *h->waiting_tail = self;
  h->waiting_tail = &self->next;
  admit(self->pool);
  self->waited = self->link != NULL;
  if (self->waited && self->place) self->place(self->user, true);
}

static void on_lookup(void *user, const eim_addresses *addresses, const eim_error *error) {
  eim_http *self = user;
  self->lookup = NULL;
  if (error) {
    fail_later(self, (eim_error *)eim_error_ref(error));
    return;
  }
  eim_buf entry = EIM_BUF_INIT;
  eim_buf_printf(&entry, "+%s:%u:", self->look_up, self->look_up_port);
  for (size_t i = 0; i < addresses->count; i++) {
    char address[64];
    eim_address_text(&addresses->list[i], address, sizeof address);
    eim_buf_printf(&entry, strchr(address, ':') ? "%s[%s]" : "%s%s", i ? "," : "", address);
  }
  if (!entry.failed) self->resolve = curl_slist_append(NULL, (char *)entry.data);
  eim_buf_free(&entry);
  if (!self->resolve) {
    fail_later(self, eim_error_new(EIM_E_NOMEM, EIM_DOMAIN_LOCAL, EIM_E_NOMEM, EIM_ERROR_RETRIABLE,
                                   "out of memory"));
    return;
  }
  curl_easy_setopt(self->easy, CURLOPT_RESOLVE, self->resolve);
  queue_up(self);
}

static bool read_url(eim_http *self, const char *text) {
  CURLU *url = curl_url();
  char *scheme = NULL, *host = NULL, *port = NULL;
  int64_t number = 0;
  bool ok = url && !curl_url_set(url, CURLUPART_URL, text, 0) &&
            !curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) &&
            !curl_url_get(url, CURLUPART_HOST, &host, 0) &&
            !curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) &&
            eim_parse_i64(port, &number);
  if (ok) {
    self->is_tls = !strcmp(scheme, "https");
    ok = self->is_tls || !strcmp(scheme, "http");
    self->port = (uint16_t)number;
    self->host = eim_strdup(host);
  }
  curl_free(scheme);
  curl_free(host);
  curl_free(port);
  curl_url_cleanup(url);
  return ok && self->host;
}

static bool add_header(eim_http *self, const char *name, const char *value) {
  eim_buf line = EIM_BUF_INIT;
  eim_buf_printf(&line, "%s: %s", name, value);
  /* A value with a line break would forge headers. */
  struct curl_slist *list = line.failed || strpbrk(value, "\r\n")
                                ? NULL
                                : curl_slist_append(self->headers, (char *)line.data);
  eim_buf_wipe(&line);
  if (list) self->headers = list;
  return list != NULL;
}

/* ------------------------------------------------------------------ files */

static size_t on_header(char *line, size_t size, size_t count, void *user) {
  static const char name[] = "content-range: bytes ";
  eim_http *self = user;
  size_t length = size * count;
  char text[64];
  if (length > sizeof name - 1 && length < sizeof text &&
      !strncasecmp(line, name, sizeof name - 1)) {
    memcpy(text, line, length);
    text[length] = 0;
    char *end = strchr(text + sizeof name - 1, '-');
    if (end) *end = 0;
    if (!end || !eim_parse_i64(text + sizeof name - 1, &self->range_start)) self->range_start = -1;
  }
  return length;
}

static int on_transfer(void *user, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up) {
  eim_http *self = user;
  int64_t now = eim_mono_ms();
  if (!self->progress || now < self->progress_at) return 0;
  self->progress_at = now + PROGRESS_EVERY;
  if (!eim_disk_is_received(self->file)) {
    if (up) self->progress(self->user, up, up_total);
  } else if (self->began) {
    int64_t before = eim_disk_size(self->file) - down;
    self->progress(self->user, before + down, down_total > 0 ? before + down_total : -1);
  }
  return 0;
}

static bool set_upload(eim_http *self, const eim_http_file *file) {
  self->mime = eim_disk_form(self->file, self->easy, file);
  if (file->part) curl_easy_setopt(self->easy, CURLOPT_CUSTOMREQUEST, "PUT");
  return self->mime && !curl_easy_setopt(self->easy, CURLOPT_MIMEPOST, self->mime) &&
         add_header(self, "restrict-access", "true") && add_header(self, "Accept", "*/*");
}

static bool set_download(eim_http *self, const eim_http_file *file) {
  CURL *easy = self->easy;
  char from[32];
  curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)0); /* the file has its own */
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, self);
  if (eim_disk_size(self->file)) {
    snprintf(from, sizeof from, "%lld-", (long long)eim_disk_size(self->file));
    curl_easy_setopt(easy, CURLOPT_RANGE, from);
  }
  return add_header(self, "Accept", "application/octet-stream") &&
         (!file->secret || add_header(self, "share-secret", eim_secret_text(file->secret))) &&
         (!file->thumbnail || add_header(self, "thumbnail", "true"));
}

/* False: out of memory. */
static bool set_file(eim_http *self, const eim_http_request *request, eim_error **error) {
  self->range_start = -1;
  if (!request->file) return true;
  self->file = eim_disk_open(request->file, request->url, error);
  if (!self->file) return true;
  curl_easy_setopt(self->easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(self->easy, CURLOPT_XFERINFOFUNCTION, on_transfer);
  curl_easy_setopt(self->easy, CURLOPT_XFERINFODATA, self);
  return request->file->send || request->file->content ? set_upload(self, request->file)
                                                       : set_download(self, request->file);
}

void eim_http_on_progress(eim_http *self, eim_http_progress_fn fn) {
  self->progress = fn;
}

static bool set_headers(eim_http *self, const eim_http_request *request) {
  bool ok = true;
  if (request->content_type) ok = add_header(self, "Content-Type", request->content_type);
  if (ok && request->bearer) {
    eim_buf value = EIM_BUF_INIT;
    eim_buf_printf(&value, "Bearer %s", eim_secret_text(request->bearer));
    ok = !value.failed && add_header(self, "Authorization", (char *)value.data);
    eim_buf_wipe(&value);
  }
  /* "Expect: 100-continue" only costs a second on servers that ignore it. */
  struct curl_slist *list = ok ? curl_slist_append(self->headers, "Expect:") : NULL;
  if (list) self->headers = list;
  return list != NULL;
}

static void set_proxy(eim_http *self, const eim_proxy *proxy) {
  CURL *easy = self->easy;
  curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
  if (!proxy->kind) {
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* or it reads the environment */
    return;
  }
  self->via_proxy = true;
  eim_buf url = EIM_BUF_INIT;
  eim_buf_printf(&url, strchr(proxy->host, ':') ? "[%s]" : "%s", proxy->host);
  if (!url.failed) curl_easy_setopt(easy, CURLOPT_PROXY, (char *)url.data);
  eim_buf_free(&url);
  curl_easy_setopt(easy, CURLOPT_PROXYPORT, (long)proxy->port);
  curl_easy_setopt(easy, CURLOPT_PROXYTYPE,
                   proxy->kind == EIM_PROXY_SOCKS5  ? (long)CURLPROXY_SOCKS5_HOSTNAME
                   : proxy->kind == EIM_PROXY_HTTPS ? (long)CURLPROXY_HTTPS
                                                    : (long)CURLPROXY_HTTP);
  if (proxy->user) {
    curl_easy_setopt(easy, CURLOPT_PROXYUSERNAME, eim_secret_text(proxy->user));
    curl_easy_setopt(easy, CURLOPT_PROXYPASSWORD, eim_secret_text(proxy->password));
    curl_easy_setopt(easy, CURLOPT_PROXYAUTH, (long)CURLAUTH_BASIC);
  }
}

static void set_tls(eim_http *self) {
  const eim_settings *settings = self->endpoint->settings;
  CURL *easy = self->easy;
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  /* The store is ours and shared; the CAPATH of distributions defeats any cache. */
  curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
  curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, self);
  const char *pins = eim_tls_pins(self->endpoint->tls);
  if (pins) curl_easy_setopt(easy, CURLOPT_PINNEDPUBLICKEY, pins);
  if (*settings->client_cert) {
    curl_easy_setopt(easy, CURLOPT_SSLCERT, settings->client_cert);
    curl_easy_setopt(easy, CURLOPT_SSLKEY,
                     *settings->client_key ? settings->client_key : settings->client_cert);
  }
}

static void set_method(eim_http *self, const eim_http_request *request) {
  static const char *const names[] = {"GET", "POST", "PUT", "DELETE"};
  CURL *easy = self->easy;
  bool has_body =
      request->body_length || request->method == EIM_HTTP_POST || request->method == EIM_HTTP_PUT;
  if (has_body) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)self->body_length);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, self->body_length ? self->body : "");
  }
  if (request->method != EIM_HTTP_GET && !(request->method == EIM_HTTP_POST && has_body))
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, names[request->method]);
}

/* What is to be resolved, if anything; connect_to sends the connection to the given address. */
static bool set_addresses(eim_http *self, const char *ip, const eim_proxy *proxy) {
  eim_address literal;
  if (*ip) {
    eim_buf entry = EIM_BUF_INIT;
    eim_buf_printf(&entry, strchr(ip, ':') && *ip != '[' ? "::[%s]:" : "::%s:", ip);
    if (!entry.failed) self->connect_to = curl_slist_append(NULL, (char *)entry.data);
    eim_buf_free(&entry);
    if (!self->connect_to) return false;
    curl_easy_setopt(self->easy, CURLOPT_CONNECT_TO, self->connect_to);
  }
  const char *name = proxy->kind ? proxy->host : *ip ? ip : self->host;
  if (eim_address_parse(name, &literal)) return true;
  self->look_up = eim_strdup(name);
  self->look_up_port = proxy->kind ? proxy->port : self->port;
  return self->look_up != NULL;
}

/* False: out of memory. */
static bool prepare(eim_http *self, const eim_http_request *request, eim_error **error) {
  eim_proxy proxy = {0};
  if (!read_url(self, request->url)) {
    *error = eim_error_new(EIM_E_INVALID, EIM_DOMAIN_LOCAL, EIM_E_INVALID, EIM_ERROR_FINAL,
                           "not a URL of a REST server");
    return true;
  }
  if (self->is_tls && !eim_endpoint_tls(self->endpoint, error)) return true;
  if (!eim_proxy_for(self->endpoint->settings, self->host, self->is_tls, &proxy, error))
    return true;
  CURL *easy = self->easy;
  curl_easy_setopt(easy, CURLOPT_URL, request->url);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, self);
  /* libcurl repeats a request by itself when a connection that it used again turns out to be dead.
   */
  if (request->once) curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
#if LIBCURL_VERSION_NUM >= 0x075500
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, self->text);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, self);
  curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)self->max_answer);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   (long)self->endpoint->settings->connect_timeout);
  int version = self->endpoint->settings->ip_version;
  curl_easy_setopt(easy, CURLOPT_IPRESOLVE,
                   version == 4   ? (long)CURL_IPRESOLVE_V4
                   : version == 6 ? (long)CURL_IPRESOLVE_V6
                                  : (long)CURL_IPRESOLVE_WHATEVER);
  if (request->body_length) {
    self->body = malloc(request->body_length);
    if (!self->body) return false;
    memcpy(self->body, request->body, request->body_length);
    self->body_length = request->body_length;
  }
  if (!request->file) set_method(self, request);
  if (self->is_tls) set_tls(self);
  set_proxy(self, &proxy);
  bool ok = set_headers(self, request) && set_file(self, request, error) &&
            set_addresses(self, request->ip, &proxy);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, self->headers);
  eim_proxy_clear(&proxy);
  return ok;
}

eim_http *eim_http_start(eim_endpoint *endpoint, const eim_http_request *request, int timeout_ms,
                         eim_http_fn fn, eim_http_place_fn place, void *user) {
  eim_http_pool *pool = pool_of(endpoint);
  eim_http *self = pool ? calloc(1, sizeof *self) : NULL;
  if (!self) return NULL;
  self->endpoint = endpoint;
  endpoint->refs++;
  self->pool = pool;
  self->fn = fn;
  self->place = place;
  self->user = user;
  self->max_answer = request->max_answer;
  self->alarm.fire = on_due;
  self->has_alarm = eim_alarms_reserve(&pool->loop->alarms, 1);
  self->easy = curl_easy_init();
  eim_error *error = NULL;
  if (!self->has_alarm || !self->easy || !prepare(self, request, &error)) {
    free_http(self);
    return NULL;
  }
  if (error) {
    fail_later(self, error);
    return self;
  }
  eim_alarm_set(&pool->loop->alarms, &self->alarm, eim_mono_ms() + timeout_ms);
  if (!self->look_up) {
    queue_up(self);
    return self;
  }
  self->lookup = eim_resolver_lookup(pool->loop->resolver, self->look_up,
                                     endpoint->settings->ip_version, on_lookup, self);
  if (!self->lookup) {
    free_http(self);
    return NULL;
  }
  return self;
}
