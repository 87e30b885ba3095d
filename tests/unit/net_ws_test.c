#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "eim_test.h"
#include "net/ws.h"
#include "net_peer.h"

enum { DEADLINE = 10000 };

typedef struct client {
  eim_ws *ws;
  int opened, lost, messages;
  bool is_binary;
  size_t length;
  uint8_t *bytes;
  const eim_error *error;
} client;

static void on_opened(void *user) {
  ((client *)user)->opened++;
}

static void on_message(void *user, bool is_binary, const void *bytes, size_t length) {
  client *c = user;
  free(c->bytes);
  c->bytes = malloc(length + 1);
  memcpy(c->bytes, bytes, length);
  c->bytes[length] = 0;
  c->length = length;
  c->is_binary = is_binary;
  c->messages++;
}

static void on_lost(void *user, const eim_error *error) {
  client *c = user;
  c->lost++;
  c->error = eim_error_ref(error);
}

typedef struct setup {
  eim_loop *loop;
  eim_settings *settings;
  eim_endpoint *endpoint;
  client client;
} setup;

static setup begin(void) {
  setup s = {.settings = peer_settings()};
  if (eim_loop_new(false, &s.loop)) abort();
  return s;
}

static void open_ws(setup *s, const char *host, const char *ip, uint16_t port, bool tls) {
  if (!s->endpoint) s->endpoint = eim_endpoint_get(s->loop, s->settings);
  eim_connect_request request = {
      .conn = 1, .tls = tls, .host = host, .ip = ip, .port = port, .path = "/websocket"};
  eim_ws_events events = {
      .user = &s->client, .opened = on_opened, .message = on_message, .lost = on_lost};
  s->client.ws = eim_ws_open(s->endpoint, &request, (size_t)s->settings->max_frame_bytes, &events);
}

static void close_ws(setup *s) {
  if (s->client.ws) eim_ws_close(s->client.ws);
  free(s->client.bytes);
  eim_error_unref(s->client.error);
  s->client = (client){0};
}

static void end(setup *s) {
  close_ws(s);
  eim_endpoint_unref(s->endpoint);
  eim_loop_free(s->loop);
  eim_object_unref(s->settings);
}

static void echo(peer_conn *conn, void *user) {
  (void)user;
  if (!peer_head(conn) || !peer_ws_accept(conn)) return;
  static _Thread_local char bytes[300000];
  int opcode;
  long length;
  while ((length = peer_ws_recv(conn, &opcode, bytes, sizeof bytes)) >= 0) {
    peer_ws_send(conn, opcode, true, bytes, (size_t)length);
    if (opcode == 8) return;
  }
}

static void check_echo(setup *s, const char *host, uint16_t port, bool tls) {
  open_ws(s, host, "127.0.0.1", port, tls);
  CHECK(peer_turn(s->loop, &s->client.opened, DEADLINE));
  CHECK_INT(s->client.lost, 0);
  if (s->client.opened) {
    eim_ws_send(s->client.ws, "hello", 5);
    CHECK(peer_turn(s->loop, &s->client.messages, DEADLINE));
    CHECK(s->client.is_binary);
    CHECK_STR((char *)s->client.bytes, "hello");
  } else if (s->client.error) {
    eim_test_fail(__FILE__, __LINE__, "%s", eim_error_message(s->client.error));
  }
}

TEST(ws_echoes) {
  peer *p = peer_start(echo, NULL, NULL);
  setup s = begin();
  check_echo(&s, "im.example.test", peer_port(p), false);
  end(&s);
  peer_stop(p);
}

static void keep_host(peer_conn *conn, void *user) {
  if (!peer_head(conn)) return;
  snprintf(user, 2048, "%.2000s", conn->head);
  if (conn->ssl) {
    const char *sni = SSL_get_servername(conn->ssl, TLSEXT_NAMETYPE_host_name);
    snprintf((char *)user + 2048, 256, "%s", sni ? sni : "");
  }
  if (!peer_ws_accept(conn)) return;
  peer_ws_send(conn, 1, true, "[401]", 5);
  peer_wait_closed(conn);
}

static int open_descriptors(void) {
  int count = 0;
  DIR *all = opendir("/proc/self/fd");
  while (all && readdir(all)) count++;
  if (all) closedir(all);
  return count;
}

/* libwebsockets 4.1 closes one twice, 4.3 never. */
TEST(ws_leaves_no_descriptor_open) {
  int before = open_descriptors();
  REQUIRE(before > 0);
  for (int i = 0; i < 3; i++) {
    peer *p = peer_start(echo, NULL, NULL);
    setup s = begin();
    check_echo(&s, "im.example.test", peer_port(p), false);
    end(&s);
    peer_stop(p);
  }
  CHECK_INT(open_descriptors(), before);
}

TEST(ws_by_ip_with_the_name_in_sni_and_host_over_tls) {
  char *seen = calloc(1, 4096);
  peer_ca *ca = peer_ca_new();
  SSL_CTX *ctx = peer_ctx(ca, "DNS:im.example.test", -60, 3600);
  peer *p = peer_start(keep_host, seen, ctx);
  setup s = begin();
  peer_set(&s.settings->ca_file, peer_ca_file(ca));
  open_ws(&s, "im.example.test", "127.0.0.1", peer_port(p), true);
  CHECK(peer_turn(s.loop, &s.client.messages, DEADLINE));
  CHECK(!s.client.is_binary);
  CHECK_STR((char *)s.client.bytes, "[401]");
  end(&s);
  peer_stop(p);
  CHECK_CONTAINS(seen, "GET /websocket HTTP/1.1\r\n");
  CHECK_CONTAINS(seen, "Host: im.example.test:");
  CHECK(!strcasestr(seen, "permessage-deflate"));
  CHECK_STR(seen + 2048, "im.example.test");
  SSL_CTX_free(ctx);
  peer_ca_free(ca);
  free(seen);
}

/* Nobody has to name the address but the certificate; the chain and the name count as ever. */
TEST(ws_to_an_ipv6_address_checks_the_certificate) {
  peer_ca *ca = peer_ca_new(), *other = peer_ca_new();
  const struct {
    const char *san;
    const peer_ca *trusted;
    const char *detail; /* NULL: fine */
  } cases[] = {{"IP:::1", ca, NULL},
               {"IP:::2,DNS:im.example.test", ca, "hostname_mismatch"},
               {"IP:::1", other, "unknown_ca"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    SSL_CTX *ctx = peer_ctx(ca, cases[i].san, -60, 3600);
    peer *p = peer_start(echo, NULL, ctx);
    setup s = begin();
    peer_set(&s.settings->ca_file, peer_ca_file(cases[i].trusted));
    open_ws(&s, "::1", "127.0.0.1", peer_port(p), true);
    CHECK(peer_turn(s.loop, cases[i].detail ? &s.client.lost : &s.client.opened, DEADLINE));
    CHECK_INT(s.client.opened, !cases[i].detail);
    if (cases[i].detail && s.client.error)
      CHECK_CONTAINS(eim_error_detail(s.client.error), cases[i].detail);
    end(&s);
    peer_stop(p);
    SSL_CTX_free(ctx);
  }
  peer_ca_free(ca);
  peer_ca_free(other);
}

TEST(ws_resumes_tls_sessions) {
  peer_ca *ca = peer_ca_new();
  SSL_CTX *ctx = peer_ctx(ca, "DNS:im.example.test", -60, 3600);
  peer *p = peer_start(echo, NULL, ctx);
  setup s = begin();
  peer_set(&s.settings->ca_file, peer_ca_file(ca));
  for (int i = 0; i < 3; i++) {
    check_echo(&s, "im.example.test", peer_port(p), true);
    close_ws(&s);
  }
  CHECK_INT(peer_connections(p), 3);
  CHECK_INT(peer_resumed(p), 2);
  end(&s);
  peer_stop(p);
  SSL_CTX_free(ctx);
  peer_ca_free(ca);
}

static void check_refused(setup *s, const char *host, uint16_t port, const char *detail,
                          int native) {
  open_ws(s, host, "127.0.0.1", port, true);
  CHECK(peer_turn(s->loop, &s->client.lost, DEADLINE));
  CHECK_INT(s->client.opened, 0);
  CHECK_INT(eim_error_code(s->client.error), EIM_E_TLS);
  CHECK_INT(eim_error_domain(s->client.error), EIM_DOMAIN_TLS);
  CHECK_INT(eim_error_native(s->client.error), native);
  CHECK_CONTAINS(eim_error_detail(s->client.error), detail);
  close_ws(s);
}

static void must_not_serve(peer_conn *conn, void *user) {
  if (peer_head(conn)) (*(int *)user)++;
}

TEST(ws_refuses_bad_certificates_before_anything_is_sent) {
  static const struct {
    const char *san;
    long from, to;
    bool own_ca, wrong_pin;
    const char *detail;
    int native;
  } cases[] = {
      {"DNS:im.example.test", -60, 3600, false, false, "unknown_ca",
       X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY},
      {"DNS:im.example.test", -7200, -3600, true, false, "expired", X509_V_ERR_CERT_HAS_EXPIRED},
      {"DNS:im.example.test", 3600, 7200, true, false, "not_yet_valid",
       X509_V_ERR_CERT_NOT_YET_VALID},
      {"DNS:other.example.test", -60, 3600, true, false, "hostname_mismatch",
       X509_V_ERR_HOSTNAME_MISMATCH},
      {"DNS:im.example.test", -60, 3600, true, true, "pin_mismatch",
       X509_V_ERR_APPLICATION_VERIFICATION},
  };
  peer_ca *ca = peer_ca_new(), *other = peer_ca_new();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int served = 0;
    SSL_CTX *ctx = peer_ctx(ca, cases[i].san, cases[i].from, cases[i].to);
    peer *p = peer_start(must_not_serve, &served, ctx);
    setup s = begin();
    peer_set(&s.settings->ca_file, peer_ca_file(cases[i].own_ca ? ca : other));
    if (cases[i].wrong_pin) {
      s.settings->pinned_keys = calloc(2, sizeof(char *));
      peer_set(&s.settings->pinned_keys[0], "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    }
    check_refused(&s, "im.example.test", peer_port(p), cases[i].detail, cases[i].native);
    end(&s);
    peer_stop(p);
    CHECK_INT(served, 0);
    SSL_CTX_free(ctx);
  }
  peer_ca_free(ca);
  peer_ca_free(other);
}

TEST(ws_with_the_right_pin_and_a_client_certificate) {
  peer_ca *ca = peer_ca_new();
  SSL_CTX *ctx = peer_ctx(ca, "DNS:im.example.test", -60, 3600);
  peer_want_client(ctx, ca);
  peer *p = peer_start(echo, NULL, ctx);
  setup s = begin();
  peer_set(&s.settings->ca_file, peer_ca_file(ca));
  peer_set(&s.settings->client_cert, peer_client_file(ca));
  char pin[64];
  peer_pin(ctx, pin);
  s.settings->pinned_keys = calloc(2, sizeof(char *));
  peer_set(&s.settings->pinned_keys[0], pin);
  check_echo(&s, "im.example.test", peer_port(p), true);
  end(&s);
  peer_stop(p);
  SSL_CTX_free(ctx);
  peer_ca_free(ca);
}

TEST(ws_names_a_missing_ca_file) {
  setup s = begin();
  peer_set(&s.settings->ca_file, "/nonexistent/ca.pem");
  open_ws(&s, "im.example.test", "127.0.0.1", 1, true);
  CHECK_INT(s.client.lost, 0); /* never from inside the call */
  CHECK(peer_turn(s.loop, &s.client.lost, DEADLINE));
  CHECK_INT(eim_error_code(s.client.error), EIM_E_TLS);
  CHECK_CONTAINS(eim_error_message(s.client.error), "/nonexistent/ca.pem");
  end(&s);
}

static uint8_t pattern(size_t i) {
  return (uint8_t)(i * 31 + (i >> 8));
}

static void fragments(peer_conn *conn, void *user) {
  (void)user;
  if (!peer_head(conn) || !peer_ws_accept(conn)) return;
  static _Thread_local uint8_t bytes[300000];
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = pattern(i);
  peer_ws_send(conn, 2, false, bytes, 1);
  peer_ws_send(conn, 0, false, bytes + 1, 99999);
  peer_ws_send(conn, 0, true, bytes + 100000, 200000);
  peer_wait_closed(conn);
}

TEST(ws_puts_fragments_together) {
  peer *p = peer_start(fragments, NULL, NULL);
  setup s = begin();
  open_ws(&s, "im.example.test", "127.0.0.1", peer_port(p), false);
  CHECK(peer_turn(s.loop, &s.client.messages, DEADLINE));
  CHECK_INT(s.client.length, 300000);
  size_t wrong = 0;
  for (size_t i = 0; i < s.client.length; i++) wrong += s.client.bytes[i] != pattern(i);
  CHECK_INT(wrong, 0);
  CHECK_INT(s.client.messages, 1);
  end(&s);
  peer_stop(p);
}

TEST(ws_refuses_what_is_over_the_limit) {
  peer *p = peer_start(fragments, NULL, NULL);
  setup s = begin();
  s.settings->max_frame_bytes = 299999;
  open_ws(&s, "im.example.test", "127.0.0.1", peer_port(p), false);
  CHECK(peer_turn(s.loop, &s.client.lost, DEADLINE));
  CHECK_INT(s.client.messages, 0);
  CHECK_INT(eim_error_code(s.client.error), EIM_E_PROTOCOL);
  end(&s);
  peer_stop(p);
}

TEST(ws_sends_a_lot_in_order) {
  peer *p = peer_start(echo, NULL, NULL);
  setup s = begin();
  open_ws(&s, "im.example.test", "127.0.0.1", peer_port(p), false);
  CHECK(peer_turn(s.loop, &s.client.opened, DEADLINE));
  static uint8_t big[200000];
  for (uint8_t i = 0; i < 40; i++) { /* 8 MB: far more than the socket takes at once */
    memset(big, i, sizeof big);
    eim_ws_send(s.client.ws, big, sizeof big);
  }
  for (int i = 1; i <= 40; i++) {
    int64_t end_at = eim_mono_ms() + DEADLINE;
    while (s.client.messages < i && !s.client.lost && eim_mono_ms() < end_at)
      eim_loop_run_once(s.loop, 1000);
    if (s.client.messages < i) break;
  }
  CHECK_INT(s.client.messages, 40);
  CHECK(s.client.bytes && s.client.bytes[0] == 39 && s.client.bytes[199999] == 39);
  end(&s);
  peer_stop(p);
}

TEST(ws_refused_port_is_an_os_error) {
  peer *p = peer_start(echo, NULL, NULL);
  uint16_t port = peer_port(p);
  peer_stop(p);
  setup s = begin();
  open_ws(&s, "im.example.test", "127.0.0.1", port, false);
  CHECK_INT(s.client.lost, 0);
  CHECK(peer_turn(s.loop, &s.client.lost, DEADLINE));
  CHECK_INT(eim_error_code(s.client.error), EIM_E_NETWORK);
  CHECK_INT(eim_error_domain(s.client.error), EIM_DOMAIN_OS);
  CHECK_INT(eim_error_native(s.client.error), ECONNREFUSED);
  CHECK(eim_error_is_retriable(s.client.error));
  end(&s);
}

TEST(ws_unknown_host_is_a_dns_error) {
  setup s = begin();
  open_ws(&s, "no-such-host.invalid", "", 80, false);
  CHECK(peer_turn(s.loop, &s.client.lost, DEADLINE));
  CHECK_INT(eim_error_code(s.client.error), EIM_E_NETWORK);
  CHECK_CONTAINS(eim_error_detail(s.client.error), "dns");
  end(&s);
}

static void say_and_close(peer_conn *conn, void *user) {
  if (peer_head(conn)) peer_say(conn, user);
}

TEST(ws_upgrade_refusals_carry_the_status) {
  static const struct {
    const char *answer;
    int code, native;
  } cases[] = {
      {"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", EIM_E_SERVER, 503},
      {"HTTP/1.1 302 Go\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
       EIM_E_SERVER, 302},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    peer *p = peer_start(say_and_close, (void *)cases[i].answer, NULL);
    setup s = begin();
    open_ws(&s, "im.example.test", "127.0.0.1", peer_port(p), false);
    CHECK(peer_turn(s.loop, &s.client.lost, DEADLINE));
    CHECK_INT(eim_error_code(s.client.error), cases[i].code);
    CHECK_INT(eim_error_native(s.client.error), cases[i].native);
    CHECK_INT(peer_connections(p), 1);
    end(&s);
    peer_stop(p);
  }
}

TEST(ws_server_that_hangs_up_during_the_handshake) {
  peer *p = peer_start(say_and_close, (void *)"", NULL);
  setup s = begin();
  open_ws(&s, "im.example.test", "127.0.0.1", peer_port(p), false);
  CHECK(peer_turn(s.loop, &s.client.lost, DEADLINE));
  CHECK_INT(eim_error_code(s.client.error), EIM_E_NETWORK);
  end(&s);
  peer_stop(p);
}

static void accept_and_close(peer_conn *conn, void *user) {
  (void)user;
  if (peer_head(conn) && peer_ws_accept(conn)) peer_ws_send(conn, 8, true, "\x0f\xa1", 2);
  peer_wait_closed(conn);
}

TEST(ws_close_of_the_server_is_told_with_its_code) {
  peer *p = peer_start(accept_and_close, NULL, NULL);
  setup s = begin();
  open_ws(&s, "im.example.test", "127.0.0.1", peer_port(p), false);
  CHECK(peer_turn(s.loop, &s.client.lost, DEADLINE));
  CHECK_INT(s.client.opened, 1);
  CHECK_INT(eim_error_code(s.client.error), EIM_E_NETWORK);
  CHECK_CONTAINS(eim_error_detail(s.client.error), "4001");
  end(&s);
  peer_stop(p);
}

static void silent(peer_conn *conn, void *user) {
  (void)user;
  peer_wait_closed(conn);
}

TEST(ws_close_while_the_server_says_nothing) {
  for (int stage = 0; stage < 40; stage++) {
    peer *p = peer_start(silent, NULL, NULL);
    setup s = begin();
    open_ws(&s, "im.example.test", "127.0.0.1", peer_port(p), false);
    for (int i = 0; i < stage / 4; i++) eim_loop_run_once(s.loop, 0);
    eim_ws_close(s.client.ws);
    s.client.ws = NULL;
    for (int i = 0; i < stage % 4; i++) eim_loop_run_once(s.loop, 0);
    CHECK_INT(s.client.lost, 0);
    CHECK_INT(s.client.opened, 0);
    end(&s);
    peer_stop(p);
  }
}

static void see_goodbye(peer_conn *conn, void *user) {
  uint8_t bytes[256];
  int opcode = 0;
  if (!peer_head(conn) || !peer_ws_accept(conn)) return;
  long length = peer_ws_recv(conn, &opcode, bytes, sizeof bytes);
  bool last_word = opcode == 2 && length == 3;
  length = peer_ws_recv(conn, &opcode, bytes, sizeof bytes);
  int code = length >= 2 ? bytes[0] << 8 | bytes[1] : -1;
  peer_ws_send(conn, 8, true, bytes, length > 0 ? (size_t)length : 0);
  __atomic_store_n((int *)user, last_word && opcode == 8 ? code : -2, __ATOMIC_SEQ_CST);
}

TEST(ws_close_flushes_and_says_goodbye) {
  int code = 0;
  peer *p = peer_start(see_goodbye, &code, NULL);
  setup s = begin();
  open_ws(&s, "im.example.test", "127.0.0.1", peer_port(p), false);
  CHECK(peer_turn(s.loop, &s.client.opened, DEADLINE));
  eim_ws_send(s.client.ws, "bye", 3);
  eim_ws_close(s.client.ws);
  s.client.ws = NULL;
  int64_t end_at = eim_mono_ms() + DEADLINE;
  while (!__atomic_load_n(&code, __ATOMIC_SEQ_CST) && eim_mono_ms() < end_at)
    eim_loop_run_once(s.loop, 50);
  CHECK_INT(__atomic_load_n(&code, __ATOMIC_SEQ_CST), 1000);
  CHECK_INT(s.client.lost, 0);
  end(&s);
  peer_stop(p);
}

TEST(ws_leaves_sigpipe_alone_and_survives_a_dead_tls_peer) {
  struct sigaction before, after;
  sigaction(SIGPIPE, NULL, &before);
  CHECK(before.sa_handler == SIG_DFL);
  peer_ca *ca = peer_ca_new();
  SSL_CTX *ctx = peer_ctx(ca, "DNS:im.example.test", -60, 3600);
  peer *p = peer_start(echo, NULL, ctx);
  setup s = begin();
  peer_set(&s.settings->ca_file, peer_ca_file(ca));
  check_echo(&s, "im.example.test", peer_port(p), true);
  peer_stop(p); /* resets come back for whatever is written now */
  for (int i = 0; i < 50 && !s.client.lost; i++) {
    eim_sigpipe_guard guard;
    eim_sigpipe_block(&guard); /* sending happens inside the loop in real life */
    eim_ws_send(s.client.ws, "x", 1);
    eim_sigpipe_restore(&guard);
    eim_loop_run_once(s.loop, 20);
  }
  CHECK_INT(s.client.lost, 1);
  sigaction(SIGPIPE, NULL, &after);
  CHECK(after.sa_handler == SIG_DFL);
  end(&s);
  SSL_CTX_free(ctx);
  peer_ca_free(ca);
}
