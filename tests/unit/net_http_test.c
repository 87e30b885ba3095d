#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "eim_test.h"
#include "net/dial.h"
#include "net/http.h"
#include "net/loop.h"
#include "net_peer.h"

enum { DEADLINE = 10000 };

typedef struct client {
  eim_loop *loop;
  eim_settings *settings;
  eim_endpoint *endpoint;
  eim_http *request;
  int done, status;
  char *body;
  size_t length;
  const eim_error *error;
  bool may_have_arrived;
  int waited, placed;
} client;

static void on_answer(void *user, int status, const void *body, size_t length,
                      const eim_error *error, bool may_have_arrived) {
  client *c = user;
  c->request = NULL;
  c->done++;
  c->status = status;
  free(c->body);
  c->body = malloc(length + 1);
  if (length) memcpy(c->body, body, length);
  c->body[length] = 0;
  c->length = length;
  eim_error_unref(c->error);
  c->error = eim_error_ref(error);
  c->may_have_arrived = may_have_arrived;
}

static void on_place(void *user, bool waits) {
  client *c = user;
  if (waits)
    c->waited++;
  else
    c->placed++;
}

static client begin(void) {
  client c = {.settings = peer_settings()};
  if (eim_loop_new(false, &c.loop)) abort();
  return c;
}

static void start(client *c, eim_http_request request, const char *scheme, const char *host,
                  uint16_t port) {
  char url[256];
  snprintf(url, sizeof url, "%s://%s:%u/org/app/token", scheme, host, port);
  if (!c->endpoint) c->endpoint = eim_endpoint_get(c->loop, c->settings);
  request.url = url;
  if (!request.ip) request.ip = "127.0.0.1";
  if (!request.max_answer) request.max_answer = 65536;
  c->done = 0;
  c->request = eim_http_start(c->endpoint, &request, DEADLINE, on_answer, on_place, c);
  CHECK(c->request != NULL);
  CHECK_INT(c->done, 0); /* never from inside the call */
}

static void get(client *c, const char *scheme, const char *host, uint16_t port) {
  start(c, (eim_http_request){.id = 1, .method = EIM_HTTP_GET}, scheme, host, port);
  CHECK(peer_turn(c->loop, &c->done, DEADLINE + 2000));
}

static void end(client *c) {
  if (c->request) eim_http_cancel(c->request);
  eim_endpoint_unref(c->endpoint);
  eim_loop_free(c->loop);
  eim_object_unref(c->settings);
  eim_error_unref(c->error);
  free(c->body);
}

typedef struct script {
  const char *answer;
  char seen[8192], body[1024];
} script;

/* Several connections of one test have a thread each. */
static pthread_mutex_t seen_lock = PTHREAD_MUTEX_INITIALIZER;

static void serve(peer_conn *conn, void *user) {
  script *s = user;
  while (peer_head(conn)) {
    pthread_mutex_lock(&seen_lock);
    snprintf(s->seen, sizeof s->seen, "%.8000s", conn->head);
    pthread_mutex_unlock(&seen_lock);
    const char *length = strcasestr(conn->head, "Content-Length: ");
    size_t size = length ? (size_t)atoi(length + 16) : 0;
    if (size && size < sizeof s->body) peer_read(conn, s->body, size);
    if (!s->answer || !peer_say(conn, s->answer)) return;
    if (!strstr(s->answer, "Content-Length")) return;
  }
}

TEST(http_gets_and_keeps_the_connection) {
  script s = {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"};
  peer *p = peer_start(serve, &s, NULL);
  client c = begin();
  for (int i = 0; i < 3; i++) {
    get(&c, "http", "api.example.test", peer_port(p));
    CHECK(!c.error);
    CHECK_INT(c.status, 200);
    CHECK_STR(c.body, "{}");
  }
  CHECK_INT(peer_connections(p), 1);
  end(&c);
  peer_stop(p);
  CHECK_CONTAINS(s.seen, "GET /org/app/token HTTP/1.1\r\n");
  CHECK_CONTAINS(s.seen, "Host: api.example.test:");
}

TEST(http_posts_body_and_bearer) {
  script s = {.answer = "HTTP/1.1 400 Bad\r\nContent-Length: 3\r\n\r\nbad"};
  peer *p = peer_start(serve, &s, NULL);
  client c = begin();
  eim_secret *token = eim_secret_new("T0k3n");
  start(&c,
        (eim_http_request){.method = EIM_HTTP_POST,
                           .bearer = token,
                           .content_type = "application/json",
                           .body = "{\"a\":1}",
                           .body_length = 7},
        "http", "api.example.test", peer_port(p));
  CHECK(peer_turn(c.loop, &c.done, DEADLINE));
  CHECK_INT(c.status, 400);
  CHECK_STR(c.body, "bad");
  end(&c);
  peer_stop(p);
  eim_secret_unref(token);
  CHECK_CONTAINS(s.seen, "POST /org/app/token HTTP/1.1\r\n");
  CHECK_CONTAINS(s.seen, "Authorization: Bearer T0k3n\r\n");
  CHECK_CONTAINS(s.seen, "Content-Type: application/json\r\n");
  CHECK_STR(s.body, "{\"a\":1}");
}

TEST(http_follows_no_redirect) {
  script s = {.answer =
                  "HTTP/1.1 302 Go\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"};
  peer *p = peer_start(serve, &s, NULL);
  client c = begin();
  get(&c, "http", "api.example.test", peer_port(p));
  CHECK_INT(c.status, 302);
  CHECK(!c.error);
  end(&c);
  peer_stop(p);
}

TEST(http_bounds_the_answer) {
  static const char *const answers[] = {
      "HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\nxxxxxxxxxxxxxxxx",
      "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nxxxxxxxxxxxxxxxx"};
  for (int i = 0; i < 2; i++) {
    script s = {.answer = answers[i]};
    peer *p = peer_start(serve, &s, NULL);
    client c = begin();
    start(&c, (eim_http_request){.max_answer = 15}, "http", "api.example.test", peer_port(p));
    CHECK(peer_turn(c.loop, &c.done, DEADLINE));
    CHECK_INT(c.status == 0 || c.error != NULL, 1);
    CHECK_INT(eim_error_code(c.error), EIM_E_PROTOCOL);
    end(&c);
    peer_stop(p);
  }
}

TEST(http_cut_connection_may_have_arrived) {
  script s = {.answer = "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nabc"};
  peer *p = peer_start(serve, &s, NULL);
  client c = begin();
  get(&c, "http", "api.example.test", peer_port(p));
  CHECK_INT(eim_error_code(c.error), EIM_E_NETWORK);
  CHECK(c.may_have_arrived);
  end(&c);
  peer_stop(p);
}

TEST(http_refused_port) {
  script s = {0};
  peer *p = peer_start(serve, &s, NULL);
  uint16_t port = peer_port(p);
  peer_stop(p);
  client c = begin();
  get(&c, "http", "api.example.test", port);
  CHECK_INT(eim_error_code(c.error), EIM_E_NETWORK);
  CHECK_INT(eim_error_native(c.error), ECONNREFUSED);
  CHECK(!c.may_have_arrived);
  end(&c);
}

TEST(http_resolves_by_itself) {
  script s = {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"};
  peer *p = peer_start(serve, &s, NULL);
  client c = begin();
  c.settings->ip_version = 4;
  start(&c, (eim_http_request){.ip = ""}, "http", "localhost", peer_port(p));
  CHECK(peer_turn(c.loop, &c.done, DEADLINE));
  CHECK_INT(c.status, 200);
  start(&c, (eim_http_request){.ip = ""}, "http", "no-such-host.invalid", peer_port(p));
  CHECK(peer_turn(c.loop, &c.done, DEADLINE));
  CHECK_INT(eim_error_code(c.error), EIM_E_NETWORK);
  CHECK_CONTAINS(eim_error_detail(c.error), "dns");
  end(&c);
  peer_stop(p);
}

TEST(http_verifies_certificates) {
  static const struct {
    const char *san;
    long from, to;
    bool own_ca, wrong_pin;
    const char *detail; /* NULL: accepted */
  } cases[] = {
      {"DNS:api.example.test", -60, 3600, true, false, NULL},
      {"DNS:api.example.test", -60, 3600, false, false, "unknown_ca"},
      {"DNS:api.example.test", -7200, -3600, true, false, "expired"},
      {"DNS:api.example.test", 3600, 7200, true, false, "not_yet_valid"},
      {"DNS:other.example.test", -60, 3600, true, false, "hostname_mismatch"},
      {"DNS:api.example.test", -60, 3600, true, true, "pin_mismatch"},
  };
  peer_ca *ca = peer_ca_new(), *other = peer_ca_new();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    script s = {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"};
    SSL_CTX *ctx = peer_ctx(ca, cases[i].san, cases[i].from, cases[i].to);
    peer *p = peer_start(serve, &s, ctx);
    client c = begin();
    peer_set(&c.settings->ca_file, peer_ca_file(cases[i].own_ca ? ca : other));
    c.settings->pinned_keys = calloc(2, sizeof(char *));
    char pin[64] = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    if (!cases[i].wrong_pin) peer_pin(ctx, pin);
    peer_set(&c.settings->pinned_keys[0], pin);
    get(&c, "https", "api.example.test", peer_port(p));
    if (cases[i].detail) {
      CHECK_INT(eim_error_code(c.error), EIM_E_TLS);
      CHECK_CONTAINS(eim_error_detail(c.error), cases[i].detail);
      CHECK_STR(s.seen, "");
    } else {
      CHECK(!c.error);
      CHECK_INT(c.status, 200);
    }
    end(&c);
    peer_stop(p);
    SSL_CTX_free(ctx);
  }
  peer_ca_free(ca);
  peer_ca_free(other);
}

TEST(http_many_at_once_use_few_connections) {
  script s = {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"};
  peer *p = peer_start(serve, &s, NULL);
  client all[150] = {0};
  client c = begin();
  c.endpoint = eim_endpoint_get(c.loop, c.settings);
  for (int i = 0; i < 150; i++) {
    all[i] = c;
    start(&all[i], (eim_http_request){.id = 1}, "http", "api.example.test", peer_port(p));
  }
  eim_http_cancel(all[149].request);
  eim_http_cancel(all[3].request);
  for (int i = 0; i < 149; i++) {
    if (i == 3) continue;
    CHECK(peer_turn(c.loop, &all[i].done, DEADLINE));
    CHECK_INT(all[i].status, 200);
    free(all[i].body);
    eim_error_unref(all[i].error);
  }
  CHECK_INT(all[149].done, 0);
  CHECK_INT(all[3].done, 0);
  CHECK(peer_connections(p) <= 8);
  end(&c);
  peer_stop(p);
}

TEST(http_cancel_and_end_in_any_state) {
  script s = {0};
  for (int turns = 0; turns < 6; turns++) {
    peer *p = peer_start(serve, &s, NULL);
    client c = begin();
    start(&c, (eim_http_request){.ip = turns & 1 ? "" : "127.0.0.1"}, "http",
          turns & 1 ? "localhost" : "api.example.test", peer_port(p));
    for (int i = 0; i < turns; i++) eim_loop_run_once(c.loop, 0);
    int before = c.done; /* a quick peer may have answered */
    end(&c);
    CHECK_INT(c.done, before);
    peer_stop(p);
  }
}

/* ------------------------------------------------------------------ proxies */

typedef struct tunnel {
  const char *credentials; /* base64, NULL: none wanted */
  uint16_t to;             /* the proxy connects here, whatever it is asked for */
  char asked[300];
} tunnel;

static void pump(peer_conn *conn, uint16_t port) {
  struct sockaddr_in at = {
      .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (!connect(fd, (struct sockaddr *)&at, sizeof at)) {
    fd_set set;
    char bytes[4096];
    for (;;) {
      FD_ZERO(&set);
      FD_SET(fd, &set);
      FD_SET(conn->fd, &set);
      int high = fd > conn->fd ? fd : conn->fd;
      if (select(high + 1, &set, NULL, NULL, NULL) < 0) break;
      int from = FD_ISSET(fd, &set) ? fd : conn->fd, to = from == fd ? conn->fd : fd;
      long n = recv(from, bytes, sizeof bytes, 0);
      if (n <= 0 || send(to, bytes, (size_t)n, MSG_NOSIGNAL) != n) break;
    }
  }
  close(fd);
}

static void http_proxy(peer_conn *conn, void *user) {
  tunnel *t = user;
  char wanted[600];
  if (!peer_head(conn)) return;
  snprintf(t->asked, sizeof t->asked, "%.*s", (int)strcspn(conn->head, "\r"), conn->head);
  snprintf(wanted, sizeof wanted, "\r\nProxy-Authorization: Basic %s\r\n",
           t->credentials ? t->credentials : "");
  if (t->credentials && !strstr(conn->head, wanted)) {
    peer_say(conn, "HTTP/1.1 407 Who\r\nContent-Length: 0\r\n\r\n");
    return;
  }
  peer_say(conn, "HTTP/1.1 200 Fine\r\n\r\n");
  pump(conn, t->to);
}

static void socks_proxy(peer_conn *conn, void *user) {
  tunnel *t = user;
  uint8_t b[600];
  if (!peer_read(conn, b, 2) || !peer_read(conn, b + 2, b[1])) return;
  peer_write(conn, "\5\2", 2); /* always wants a name */
  if (!peer_read(conn, b, 2) || !peer_read(conn, b + 2, b[1] + 1u)) return;
  size_t user_length = b[1], length = b[2 + user_length];
  if (!peer_read(conn, b + 300, length)) return;
  bool known =
      user_length == 2 && !memcmp(b + 2, "me", 2) && length == 3 && !memcmp(b + 300, "p:w", 3);
  peer_write(conn, known ? "\1\0" : "\1\1", 2);
  if (!known || !peer_read(conn, b, 5)) return;
  length = b[3] == 3 ? b[4] + 2u : b[3] == 1 ? 5 : 17;
  if (!peer_read(conn, b + 5, length)) return;
  snprintf(t->asked, sizeof t->asked, "%d %.*s", b[3], b[3] == 3 ? b[4] : 0, b + 5);
  peer_write(conn, "\5\0\0\1\0\0\0\0\0\0", 10);
  pump(conn, t->to);
}

static void set_proxy(eim_settings *settings, const char *scheme, const char *login,
                      uint16_t port) {
  char url[700];
  snprintf(url, sizeof url, "%s://%s%s127.0.0.1:%u", scheme, login, *login ? "@" : "", port);
  settings->proxy = eim_secret_new(url);
}

typedef struct dialed {
  int done, fd;
  const eim_error *error;
} dialed;

static void on_dialed(void *user, int fd, const eim_error *error) {
  dialed *d = user;
  d->done = 1;
  d->fd = fd;
  d->error = eim_error_ref(error);
}

static void dial(client *c, dialed *d) {
  *d = (dialed){.fd = -1};
  CHECK(eim_dial_start(c->loop, c->settings, "im.example.test", "", 443, true, on_dialed, d) !=
        NULL);
  CHECK(peer_turn(c->loop, &d->done, DEADLINE));
}

TEST(proxy_tunnels_rest_and_message_socket) {
  static const struct {
    const char *scheme, *login, *credentials;
    bool ok;
  } cases[] = {
      {"http", "", NULL, true},
      {"http", "me:p%3Aw", "bWU6cDp3", true},
      {"http", "me:wrong", "bWU6cDp3", false},
      {"http", "", "bWU6cDp3", false},
      {"socks5", "me:p%3Aw", NULL, true},
      {"socks5", "me:wrong", NULL, false},
  };
  peer_ca *ca = peer_ca_new();
  SSL_CTX *ctx = peer_ctx(ca, "DNS:api.example.test", -60, 3600);
  script s = {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"};
  peer *p = peer_start(serve, &s, ctx);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    tunnel t = {.credentials = cases[i].credentials, .to = peer_port(p)};
    bool is_socks = !strcmp(cases[i].scheme, "socks5");
    peer *proxy = peer_start(is_socks ? socks_proxy : http_proxy, &t, NULL);
    client c = begin();
    peer_set(&c.settings->ca_file, peer_ca_file(ca));
    set_proxy(c.settings, cases[i].scheme, cases[i].login, peer_port(proxy));
    start(&c, (eim_http_request){.ip = ""}, "https", "api.example.test", 8443);
    CHECK(peer_turn(c.loop, &c.done, DEADLINE));
    dialed d;
    dial(&c, &d);
    if (cases[i].ok) {
      CHECK_INT(c.status, 200);
      CHECK(d.fd >= 0 && !d.error);
      CHECK_STR(t.asked, is_socks ? "3 im.example.test" : "CONNECT im.example.test:443 HTTP/1.1");
    } else {
      CHECK_INT(eim_error_code(c.error), EIM_E_NETWORK);
      CHECK_INT(eim_error_code(d.error), EIM_E_NETWORK);
      CHECK_CONTAINS(eim_error_detail(d.error), "proxy");
      if (!is_socks) CHECK_INT(eim_error_native(d.error), 407);
      if (!is_socks) CHECK_INT(eim_error_native(c.error), 407);
    }
    if (d.fd >= 0) close(d.fd);
    eim_error_unref(d.error);
    end(&c);
    peer_stop(proxy);
  }
  peer_stop(p);
  SSL_CTX_free(ctx);
  peer_ca_free(ca);
}

typedef struct halt {
  atomic_int has_begun, may_go_on;
} halt;

static void halting_proxy(peer_conn *conn, void *user) {
  halt *p = user;
  if (!peer_head(conn)) return;
  peer_say(conn, "HTTP/1.1 2");
  atomic_store(&p->has_begun, 1);
  struct pollfd fd = {.fd = conn->fd}; /* only to wait */
  while (!atomic_load(&p->may_go_on) && poll(&fd, 1, 1) == 0) continue;
  for (const char *c = "00 Fine\r\n\r\n"; *c; c++) peer_write(conn, c, 1);
  peer_wait_closed(conn);
}

TEST(a_proxy_that_halts_in_its_answer_keeps_no_loop_busy) {
  halt p = {0};
  peer *proxy = peer_start(halting_proxy, &p, NULL);
  client c = begin();
  dialed d = {.fd = -1};
  set_proxy(c.settings, "http", "", peer_port(proxy));
  REQUIRE(eim_dial_start(c.loop, c.settings, "im.example.test", "", 443, true, on_dialed, &d));
  for (int i = 0; i < DEADLINE && !atomic_load(&p.has_begun); i++) eim_loop_run_once(c.loop, 1);
  CHECK(atomic_load(&p.has_begun));
  for (int i = 0; i < 20; i++) eim_loop_run_once(c.loop, 10); /* what is there is looked at */
  int64_t before = eim_mono_ms();
  eim_loop_run_once(c.loop, 100);
  CHECK(eim_mono_ms() - before >= 90); /* nothing to do but to wait */
  CHECK(d.fd < 0 && !d.done);
  atomic_store(&p.may_go_on, 1);
  CHECK(peer_turn(c.loop, &d.done, DEADLINE));
  CHECK(d.fd >= 0 && !d.error);
  if (d.fd >= 0) close(d.fd);
  eim_error_unref(d.error);
  end(&c);
  peer_stop(proxy);
}

TEST(proxy_of_the_environment_only_when_asked) {
  script s = {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"};
  peer *p = peer_start(serve, &s, NULL);
  static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY",
                                      "all_proxy",  "ALL_PROXY",   "socks_proxy"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) setenv(names[i], "127.0.0.1:1", 1);
  client c = begin();
  get(&c, "http", "api.example.test", peer_port(p));
  CHECK_INT(c.status, 200);
  end(&c);
  c = begin();
  c.settings->proxy = eim_secret_new("env");
  get(&c, "http", "api.example.test", peer_port(p));
  CHECK_INT(eim_error_code(c.error), EIM_E_NETWORK);
  CHECK_INT(eim_error_native(c.error), ECONNREFUSED);
  dialed d;
  dial(&c, &d);
  CHECK_INT(eim_error_native(d.error), ECONNREFUSED);
  eim_error_unref(d.error);
  setenv("no_proxy", "other.test, .example.test", 1);
  get(&c, "http", "api.example.test", peer_port(p));
  CHECK_INT(c.status, 200);
  end(&c);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) unsetenv(names[i]);
  unsetenv("no_proxy");
  peer_stop(p);
}

TEST(proxy_that_is_nonsense_is_named_without_its_password) {
  client c = begin();
  c.settings->proxy = eim_secret_new("gopher://me:s3cret@127.0.0.1:1");
  get(&c, "http", "api.example.test", 80);
  CHECK_INT(eim_error_code(c.error), EIM_E_INVALID);
  CHECK(!strstr(eim_error_message(c.error), "s3cret"));
  end(&c);
}

/* Answers only when all that can be asked at once have asked. */
typedef struct gate {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int inside, peak, open_at;
} gate;

static void serve_gate(peer_conn *conn, void *user) {
  gate *g = user;
  while (peer_head(conn)) {
    pthread_mutex_lock(&g->lock);
    if (++g->inside > g->peak) g->peak = g->inside;
    if (g->inside >= g->open_at) g->open_at = 0;
    pthread_cond_broadcast(&g->changed);
    while (g->open_at) pthread_cond_wait(&g->changed, &g->lock);
    g->inside--;
    pthread_mutex_unlock(&g->lock);
    if (!peer_say(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")) return;
  }
}

TEST(http_says_who_waits_for_a_connection) {
  enum { COUNT = 20, PLACES = 8 };
  gate g = {.open_at = PLACES};
  pthread_mutex_init(&g.lock, NULL);
  pthread_cond_init(&g.changed, NULL);
  peer *p = peer_start(serve_gate, &g, NULL);
  client base = begin(), clients[COUNT];
  for (int i = 0; i < COUNT; i++) {
    clients[i] = (client){.loop = base.loop, .settings = base.settings, .endpoint = base.endpoint};
    start(&clients[i], (eim_http_request){.id = 1, .method = EIM_HTTP_GET}, "http",
          "api.example.test", peer_port(p));
    base.endpoint = clients[i].endpoint;
    CHECK_INT(clients[i].waited, i >= PLACES);
    CHECK_INT(clients[i].placed, 0);
  }
  eim_http_cancel(clients[COUNT - 1].request); /* also one that waits can go */
  clients[COUNT - 1].request = NULL;
  for (int i = 0; i < COUNT - 1; i++) {
    CHECK(peer_turn(base.loop, &clients[i].done, DEADLINE));
    CHECK(!clients[i].error);
    CHECK_INT(clients[i].placed, i >= PLACES);
    free(clients[i].body);
  }
  CHECK_INT(clients[COUNT - 1].placed, 0);
  CHECK_INT(g.peak, PLACES);
  end(&base);
  peer_stop(p);
  pthread_cond_destroy(&g.changed);
  pthread_mutex_destroy(&g.lock);
}

/* ------------------------------------------------------------------ files */

static char scratch_dir[] = "/tmp/eim-net-file-XXXXXX";

static void remove_scratch(void) {
  DIR *dir = opendir(scratch_dir);
  for (struct dirent *e; dir && (e = readdir(dir));)
    if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..")) unlinkat(dirfd(dir), e->d_name, 0);
  if (dir) closedir(dir);
  rmdir(scratch_dir);
}

static char *scratch(const char *name) {
  static char path[2][256];
  static int turn;
  static bool made;
  if (!made && (!mkdtemp(scratch_dir) || atexit(remove_scratch))) abort();
  made = true;
  turn = !turn;
  snprintf(path[turn], sizeof path[turn], "%s/%s", scratch_dir, name);
  return path[turn];
}

static void put_file(const char *path, size_t length) {
  FILE *f = fopen(path, "w");
  for (size_t i = 0; i < length; i++) fputc((int)('a' + i % 26), f);
  fclose(f);
}

static long file_is_pattern(const char *path) { /* its length, -1: another content or none */
  FILE *f = fopen(path, "r");
  long n = 0;
  if (!f) return -1;
  for (int c; (c = fgetc(f)) != EOF; n++)
    if (c != 'a' + n % 26) {
      n = -2;
      break;
    }
  fclose(f);
  return n;
}

enum { BIG = 3 << 20 };

typedef struct store {
  char head[16384];
  size_t received, matched;
  const char *shrink; /* cut this file when the head is here */
} store;

static void serve_upload(peer_conn *conn, void *user) {
  store *s = user;
  static char body[BIG + 4096];
  if (!peer_head(conn)) return;
  snprintf(s->head, sizeof s->head, "%s", conn->head);
  const char *length = strcasestr(conn->head, "Content-Length: ");
  size_t size = length ? (size_t)atoll(length + 16) : 0;
  if (!size || size > sizeof body) return;
  if (s->shrink) (void)!truncate(s->shrink, 1000);
  if (!peer_read(conn, body, size)) return;
  s->received = size;
  char *start = memmem(body, size, "\r\n\r\n", 4);
  while (start && s->matched < size - (size_t)(start + 4 - body) &&
         start[4 + s->matched] == (char)('a' + s->matched % 26))
    s->matched++;
  s->head[0] = 0;
  snprintf(s->head, sizeof s->head, "%.6000s%.400s", conn->head, body);
  peer_say(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
}

TEST(http_streams_an_upload_from_the_disk) {
  store s = {0};
  char *path = scratch("up");
  put_file(path, BIG);
  peer *p = peer_start(serve_upload, &s, NULL);
  client c = begin();
  eim_secret *bearer = eim_secret_new("tok");
  eim_http_file file = {.send = path, .name = "a \"b\".png", .width = 100, .height = 50};
  start(&c, (eim_http_request){.method = EIM_HTTP_POST, .bearer = bearer, .file = &file}, "http",
        "api.example.test", peer_port(p));
  CHECK(peer_turn(c.loop, &c.done, DEADLINE));
  CHECK(!c.error);
  CHECK_INT(c.status, 200);
  peer_stop(p);
  CHECK_INT(s.matched, BIG);
  CHECK(strstr(s.head, "POST /org/app/token") != NULL);
  CHECK(strstr(s.head, "restrict-access: true") != NULL);
  CHECK(strstr(s.head, "Authorization: Bearer tok") != NULL);
  CHECK(strstr(s.head, "multipart/form-data") != NULL);
  CHECK(strstr(s.head, "name=\"file\"") != NULL);
  eim_secret_unref(bearer);
  end(&c);
}

TEST(http_says_what_is_wrong_with_a_file_to_send) {
  store s = {0};
  peer *p = peer_start(serve_upload, &s, NULL);
  client c = begin();
  eim_http_file file = {.send = scratch("not there"), .name = "x"};
  eim_http_request request = {.method = EIM_HTTP_POST, .file = &file};
  start(&c, request, "http", "api.example.test", peer_port(p));
  CHECK(peer_turn(c.loop, &c.done, DEADLINE));
  CHECK_INT(eim_error_code(c.error), EIM_E_INVALID);
  CHECK_INT(eim_error_native(c.error), ENOENT);
  CHECK(!c.may_have_arrived);
  file.send = "/dev/null";
  start(&c, request, "http", "api.example.test", peer_port(p));
  CHECK(peer_turn(c.loop, &c.done, DEADLINE));
  CHECK_INT(eim_error_code(c.error), EIM_E_INVALID);
  char *path = scratch("shorter");
  put_file(path, BIG);
  s.shrink = file.send = path;
  start(&c, request, "http", "api.example.test", peer_port(p));
  CHECK(peer_turn(c.loop, &c.done, DEADLINE));
  CHECK_INT(eim_error_code(c.error), EIM_E_INVALID);
  CHECK(strstr(eim_error_message(c.error), "became shorter") != NULL);
  peer_stop(p);
  end(&c);
}

typedef struct source {
  /* Changed by the test while threads of the peer serve. */
  atomic_size_t cut; /* close after so many bytes of the body, 0: never */
  atomic_bool no_range, other_range;
  char head[4096];
} source;

static char pattern[BIG];
static pthread_once_t pattern_once = PTHREAD_ONCE_INIT;
static void make_pattern(void) {
  for (size_t i = 0; i < BIG; i++) pattern[i] = (char)('a' + i % 26);
}

static void serve_download(peer_conn *conn, void *user) {
  source *s = user;
  while (peer_head(conn)) {
    snprintf(s->head, sizeof s->head, "%.4000s", conn->head);
    const char *range = s->no_range ? NULL : strcasestr(conn->head, "Range: bytes=");
    size_t from = range ? (size_t)atoll(range + 13) : 0;
    char text[256];
    if (from >= BIG) {
      peer_say(conn, "HTTP/1.1 416 No\r\nContent-Length: 0\r\n\r\n");
      continue;
    }
    if (range)
      snprintf(
          text, sizeof text,
          "HTTP/1.1 206 Partial\r\nContent-Range: bytes %zu-%d/%d\r\nContent-Length: %zu\r\n\r\n",
          s->other_range ? from + 5 : from, BIG - 1, BIG, (size_t)BIG - from);
    else
      snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BIG);
    if (!peer_say(conn, text)) return;
    pthread_once(&pattern_once, make_pattern);
    size_t length = BIG - from, cut = s->cut;
    if (cut && cut < length) {
      peer_write(conn, pattern + from, cut);
      return;
    }
    if (!peer_write(conn, pattern + from, length)) return;
  }
}

static void fetch(client *c, peer *p, const char *path, int64_t max_bytes) {
  eim_http_file file = {.receive = path, .max_bytes = max_bytes, .thumbnail = true};
  start(c, (eim_http_request){.method = EIM_HTTP_GET, .file = &file, .max_answer = 1000}, "http",
        "api.example.test", peer_port(p));
  CHECK(peer_turn(c->loop, &c->done, DEADLINE));
}

TEST(http_downloads_to_a_file_and_goes_on_where_it_was_cut) {
  source s = {.cut = 1 << 20};
  peer *p = peer_start(serve_download, &s, NULL);
  client c = begin();
  char *path = scratch("down");
  fetch(&c, p, path, 0);
  CHECK(c.error != NULL);
  CHECK(eim_error_is_retriable(c.error));
  CHECK_INT(file_is_pattern(path), -1); /* nothing under the final name */
  fetch(&c, p, path, 0);
  CHECK(c.error != NULL);
  CHECK(strstr(s.head, "Range: bytes=1048576-") != NULL);
  CHECK(strstr(s.head, "thumbnail: true") != NULL);
  CHECK(!strstr(s.head, "Authorization"));
  s.cut = 0;
  fetch(&c, p, path, 0);
  CHECK(!c.error);
  CHECK_INT(c.status, 206);
  CHECK_INT(file_is_pattern(path), BIG);
  /* and one whose server has no ranges */
  char *other = scratch("no ranges");
  s.cut = 1 << 20;
  fetch(&c, p, other, 0);
  s.cut = 0;
  s.no_range = true;
  fetch(&c, p, other, 0);
  CHECK_INT(c.status, 200);
  CHECK_INT(file_is_pattern(other), BIG);
  peer_stop(p);
  end(&c);
}

TEST(http_refuses_what_does_not_fit) {
  source s = {.cut = 1 << 20};
  peer *p = peer_start(serve_download, &s, NULL);
  client c = begin();
  char *path = scratch("wrong");
  fetch(&c, p, path, 0);
  s.cut = 0;
  s.other_range = true;
  fetch(&c, p, path, 0);
  CHECK_INT(eim_error_code(c.error), EIM_E_PROTOCOL);
  s.other_range = false;
  path = scratch("large");
  fetch(&c, p, path, BIG - 1);
  CHECK_INT(eim_error_code(c.error), EIM_CODE_FILE_TOO_LARGE);
  CHECK_INT(file_is_pattern(path), -1);
  fetch(&c, p, path, BIG);
  CHECK(!c.error);
  CHECK(!strstr(s.head, "Range:")); /* nothing was kept */
  CHECK_INT(file_is_pattern(path), BIG);
  path = scratch("no such folder/x");
  fetch(&c, p, path, 0);
  CHECK_INT(eim_error_native(c.error), ENOENT);
  peer_stop(p);
  end(&c);
}
