/* The session over real sockets against the sandbox: logging in, staying, being thrown out. */
#include <eim_sandbox.h>
#include <pthread.h>
#include <stdio.h>

#include "eim_test.h"
#include "peer.h"

EIM_TEST_MAIN

typedef struct setup {
  eim_sandbox *sandbox;
  char api[128], url[128], key[64], ca[256];
  const char *options[16];
  int count;
} setup;

static void set(setup *s, const char *option) {
  s->options[s->count++] = option;
  s->options[s->count] = NULL;
}

/* A sandbox with alice and bob, and the options a client needs for it. */
static bool begin(setup *s, const eim_sandbox_options *options) {
  char error[256];
  memset(s, 0, sizeof *s);
  s->sandbox = eim_sandbox_new(options, error, sizeof error);
  if (!s->sandbox) {
    fprintf(stderr, "  %s\n", error);
    return false;
  }
  eim_sandbox_add_user(s->sandbox, "alice", "pw-a");
  eim_sandbox_add_user(s->sandbox, "bob", "pw-b");
  snprintf(s->api, sizeof s->api, "apiUrl=%s", eim_sandbox_api_url(s->sandbox));
  snprintf(s->url, sizeof s->url, "url=%s", eim_sandbox_url(s->sandbox));
  snprintf(s->key, sizeof s->key, "appKey=%s", eim_sandbox_app_key(s->sandbox));
  set(s, s->api);
  set(s, s->url);
  set(s, s->key);
  set(s, "reconnectBaseMs=20");
  if (eim_sandbox_ca_file(s->sandbox)) {
    snprintf(s->ca, sizeof s->ca, "caFile=%s", eim_sandbox_ca_file(s->sandbox));
    set(s, s->ca);
  }
  return true;
}

static void end(setup *s) {
  eim_sandbox_free(s->sandbox);
}

static void log_in(setup *s, peer *p) {
  peer_start(p, NULL, 1, s->options);
  CHECK_INT(peer_code(p, peer_open_password(p, "alice", "pw-a")), 0);
}

static void fail(setup *s, eim_sandbox_what what, int n, eim_sandbox_by by, int status,
                 const char *text) {
  eim_sandbox_failure how = {by, status, text};
  CHECK(eim_sandbox_fail_next(s->sandbox, what, n, &how));
}

TEST(log_in_plain_and_tls_with_and_without_a_thread) {
  for (int tls = 0; tls < 2; tls++)
    for (int threads = 0; threads < 2; threads++) {
      setup s;
      peer p;
      REQUIRE(begin(&s, &(eim_sandbox_options){.tls = tls}));
      peer_start(&p, NULL, threads, s.options);
      CHECK_INT(peer_code(&p, peer_register(&p, "carol", "pw-c")), 0);
      CHECK_INT(peer_code(&p, peer_open_password(&p, "carol", "pw-c")), 0);
      CHECK_INT(eim_client_state(p.client), EIM_STATE_ONLINE);
      CHECK_INT(peer_count(&p, PEER_CONNECTED), 1);
      CHECK_INT(peer_code(&p, peer_close(&p)), 0);
      CHECK_INT(eim_client_state(p.client), EIM_STATE_OFFLINE);
      CHECK_INT(peer_count(&p, PEER_DISCONNECTED), 1);
      char token[256];
      REQUIRE(eim_sandbox_issue_token(s.sandbox, "alice", 0, token, sizeof token));
      CHECK_INT(peer_code(&p, peer_open_token(&p, "alice", token)), 0);
      CHECK_INT(peer_count(&p, PEER_CONNECTED), 2);
      peer_stop(&p);
      end(&s);
    }
}

TEST(registration_refusals_are_mapped) {
  setup s;
  peer p;
  char long_name[80];
  REQUIRE(begin(&s, NULL));
  peer_start(&p, NULL, 1, s.options);
  CHECK_INT(peer_code(&p, peer_register(&p, "alice", "x")), EIM_CODE_USER_ALREADY_EXIST);
  CHECK_INT(peer_code(&p, peer_register(&p, "ALICE", "x")), EIM_CODE_USER_ALREADY_EXIST);
  CHECK_INT(peer_code(&p, peer_register(&p, "no spaces", "x")), EIM_CODE_USER_ILLEGAL_ARGUMENT);
  memset(long_name, 'a', 65);
  long_name[65] = 0;
  CHECK_INT(peer_register(&p, long_name, "x"), 0); /* refused here, nothing is sent */
  CHECK_INT(eim_error_code(eim_last_error()), EIM_CODE_USER_NAME_TOO_LONG);
  fail(&s, EIM_SANDBOX_REGISTER, 1, EIM_SANDBOX_BY_HTTP, 429,
       "{\"error\":\"reach_limit\",\"error_description\":\"This request has reached api limit\"}");
  CHECK_INT(peer_code(&p, peer_register(&p, "dave", "x")), EIM_CODE_SERVER_BUSY);
  fail(&s, EIM_SANDBOX_REGISTER, 1, EIM_SANDBOX_BY_HTTP, 429,
       "{\"error\":\"resource_limited\",\"error_description\":\"limit of the community edition\"}");
  CHECK_INT(peer_code(&p, peer_register(&p, "dave", "x")), EIM_CODE_EXCEED_SERVICE_LIMIT);
  uint64_t before = eim_sandbox_count(s.sandbox, EIM_SANDBOX_REGISTER);
  fail(&s, EIM_SANDBOX_REGISTER, 1, EIM_SANDBOX_BY_DISCONNECT, 0, NULL);
  const peer_event *e = peer_result(&p, peer_register(&p, "dave", "x"));
  REQUIRE(e && e->error);
  CHECK(
      eim_error_may_have_happened(e->error)); /* it was sent: nobody knows, and nobody repeats it */
  CHECK_INT(eim_sandbox_count(s.sandbox, EIM_SANDBOX_REGISTER), before + 1);
  peer_stop(&p);
  end(&s);
  REQUIRE(begin(&s, &(eim_sandbox_options){.closed_registration = true}));
  peer_start(&p, NULL, 1, s.options);
  CHECK_INT(peer_code(&p, peer_register(&p, "dave", "x")), EIM_CODE_USER_REG_FAILED);
  peer_stop(&p);
  end(&s);
}

TEST(login_refusals_are_final_and_asked_once) {
  setup s;
  peer p;
  REQUIRE(begin(&s, NULL));
  peer_start(&p, NULL, 1, s.options);
  CHECK_INT(peer_code(&p, peer_open_password(&p, "alice", "wrong")),
            EIM_CODE_USER_AUTHENTICATION_FAILED);
  CHECK_INT(peer_code(&p, peer_open_password(&p, "nobody", "x")), EIM_CODE_USER_NOT_FOUND);
  CHECK_INT(eim_sandbox_count(s.sandbox, EIM_SANDBOX_TOKEN), 2);
  CHECK_INT(eim_sandbox_count(s.sandbox, EIM_SANDBOX_UPGRADE), 0);
  CHECK_INT(peer_code(&p, peer_open_token(&p, "alice", "YWMt-not-a-token")),
            EIM_CODE_INVALID_TOKEN);
  CHECK_INT(eim_sandbox_count(s.sandbox, EIM_SANDBOX_PROVISION), 1);
  CHECK(eim_sandbox_set_active(s.sandbox, "alice", false));
  CHECK_INT(peer_code(&p, peer_open_password(&p, "alice", "pw-a")),
            EIM_CODE_SERVER_SERVICE_RESTRICTED);
  CHECK_INT(peer_count(&p, PEER_DISCONNECTED), 0);
  peer_stop(&p);
  s.options[2] = "appKey=other#app";
  peer_start(&p, NULL, 1, s.options);
  CHECK_INT(peer_code(&p, peer_open_password(&p, "alice", "pw-a")), EIM_CODE_INVALID_APP_KEY);
  peer_stop(&p);
  end(&s);
}

TEST(every_answer_a_server_can_give_to_a_login_settles_it) {
  static const struct {
    eim_sandbox_what what;
    eim_sandbox_by by;
    int status;
    const char *text;
    int code; /* 0: the retry succeeds */
  } rows[] = {
      {EIM_SANDBOX_TOKEN, EIM_SANDBOX_BY_HTTP, 400, "", EIM_CODE_SERVER_UNKNOWN_ERROR},
      {EIM_SANDBOX_TOKEN, EIM_SANDBOX_BY_HTTP, 401, "<html>", EIM_CODE_INVALID_TOKEN},
      {EIM_SANDBOX_TOKEN, EIM_SANDBOX_BY_HTTP, 406, "{}", EIM_CODE_SERVER_UNKNOWN_ERROR},
      {EIM_SANDBOX_TOKEN, EIM_SANDBOX_BY_HTTP, 408, "", 0},
      {EIM_SANDBOX_TOKEN, EIM_SANDBOX_BY_HTTP, 429, "{\"error\":\"reach_limit\"}", 0},
      {EIM_SANDBOX_TOKEN, EIM_SANDBOX_BY_HTTP, 500, "<html>oops</html>", 0},
      {EIM_SANDBOX_TOKEN, EIM_SANDBOX_BY_HTTP, 503, "", 0},
      {EIM_SANDBOX_TOKEN, EIM_SANDBOX_BY_HTTP, 200, "<html>", 0},
      {EIM_SANDBOX_TOKEN, EIM_SANDBOX_BY_HTTP, 200, "{}", 0},
      {EIM_SANDBOX_TOKEN, EIM_SANDBOX_BY_DISCONNECT, 0, NULL, 0},
      {EIM_SANDBOX_TOKEN, EIM_SANDBOX_BY_SILENCE, 0, NULL, 0},
      {EIM_SANDBOX_UPGRADE, EIM_SANDBOX_BY_HTTP, 503, "", 0},
      {EIM_SANDBOX_UPGRADE, EIM_SANDBOX_BY_DISCONNECT, 0, NULL, 0},
      {EIM_SANDBOX_UPGRADE, EIM_SANDBOX_BY_SILENCE, 0, NULL, 0},
      {EIM_SANDBOX_PROVISION, EIM_SANDBOX_BY_DISCONNECT, 0, NULL, 0},
      {EIM_SANDBOX_PROVISION, EIM_SANDBOX_BY_SILENCE, 0, NULL, 0},
      {EIM_SANDBOX_PROVISION, EIM_SANDBOX_BY_GARBAGE, 0, NULL, 0},
      {EIM_SANDBOX_PROVISION, EIM_SANDBOX_BY_TEXT_CLOSE, 0, "[401,\"normal closed\"]",
       EIM_CODE_USER_AUTHENTICATION_FAILED},
      {EIM_SANDBOX_PROVISION, EIM_SANDBOX_BY_STATUS, 1, "Sorry, token expired",
       EIM_CODE_TOKEN_EXPIRED},
      {EIM_SANDBOX_PROVISION, EIM_SANDBOX_BY_STATUS, 7, "Sorry, the app online count limit",
       EIM_CODE_APP_ACTIVE_NUMBER_REACH_LIMITATION},
      {EIM_SANDBOX_PROVISION, EIM_SANDBOX_BY_STATUS, 8, "", 0},
      {EIM_SANDBOX_PROVISION, EIM_SANDBOX_BY_STATUS, 11, "", EIM_CODE_USER_BIND_ANOTHER_DEVICE},
      {EIM_SANDBOX_PROVISION, EIM_SANDBOX_BY_STATUS, 12, "", EIM_CODE_SERVER_SERVICE_RESTRICTED},
      {EIM_SANDBOX_PROVISION, EIM_SANDBOX_BY_STATUS, 13, "", EIM_CODE_USER_LOGIN_TOO_MANY_DEVICES},
      {EIM_SANDBOX_PROVISION, EIM_SANDBOX_BY_STATUS, 20, "", EIM_CODE_USER_DEVICE_CHANGED},
  };
  setup s;
  REQUIRE(begin(&s, NULL));
  set(&s, "connectTimeout=300");
  set(&s, "requestTimeout=300");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    peer p;
    peer_start(&p, NULL, 1, s.options);
    fail(&s, rows[i].what, 1, rows[i].by, rows[i].status, rows[i].text);
    int code = peer_code(&p, peer_open_password(&p, "alice", "pw-a"));
    if (code != rows[i].code) eim_test_fail(__FILE__, __LINE__, "row %d: code %d", (int)i, code);
    CHECK(eim_sandbox_fail_next(s.sandbox, rows[i].what, 0, NULL));
    peer_stop(&p);
  }
  end(&s);
}

TEST(a_server_that_says_nothing_ends_the_login_at_its_timeout) {
  setup s;
  peer p;
  REQUIRE(begin(&s, NULL));
  set(&s, "connectTimeout=200");
  set(&s, "loginTimeout=1000");
  fail(&s, EIM_SANDBOX_PROVISION, 1000, EIM_SANDBOX_BY_SILENCE, 0, NULL);
  peer_start(&p, NULL, 1, s.options);
  CHECK_INT(peer_code(&p, peer_open_password(&p, "alice", "pw-a")), EIM_CODE_SERVER_TIMEOUT);
  CHECK_INT(eim_client_state(p.client), EIM_STATE_OFFLINE);
  peer_stop(&p);
  end(&s);
}

TEST(a_cut_line_comes_back) {
  setup s;
  peer p;
  REQUIRE(begin(&s, NULL));
  log_in(&s, &p);
  for (int round = 0; round < 3; round++) {
    CHECK_INT(eim_sandbox_cut(s.sandbox, "alice"), 1);
    const peer_event *e = peer_wait(&p, PEER_RECONNECTING, PEER_WAIT);
    REQUIRE(e);
    CHECK_INT(e->attempt, round + 1); /* it did not hold in between */
    CHECK(e->error);
    REQUIRE(peer_wait(&p, PEER_CONNECTED, PEER_WAIT));
  }
  CHECK_INT(peer_count(&p, PEER_DISCONNECTED), 0);
  peer_stop(&p);
  end(&s);
}

TEST(a_half_open_line_is_found_and_replaced) {
  setup s;
  peer p;
  REQUIRE(begin(&s, NULL));
  set(&s, "heartBeatWait=1000");
  set(&s, "heartbeatTimeout=1000");
  log_in(&s, &p);
  CHECK(eim_sandbox_freeze(s.sandbox, "alice", true));
  const peer_event *e = peer_wait(&p, PEER_RECONNECTING, PEER_WAIT);
  REQUIRE(e && e->error);
  CHECK_INT(eim_error_code(e->error), EIM_E_TIMEOUT);
  CHECK(eim_sandbox_freeze(s.sandbox, "alice", false));
  CHECK(peer_wait(&p, PEER_CONNECTED, PEER_WAIT));
  peer_stop(&p);
  end(&s);
}

TEST(reconnect_is_given_up_after_the_maximum) {
  setup s;
  peer p;
  REQUIRE(begin(&s, NULL));
  set(&s, "autoReconnectNumMax=3");
  log_in(&s, &p);
  fail(&s, EIM_SANDBOX_UPGRADE, 1000, EIM_SANDBOX_BY_HTTP, 503, "");
  uint64_t before = eim_sandbox_count(s.sandbox, EIM_SANDBOX_UPGRADE);
  eim_sandbox_cut(s.sandbox, "alice");
  const peer_event *e = peer_wait(&p, PEER_DISCONNECTED, PEER_WAIT);
  REQUIRE(e && e->error);
  CHECK_INT(eim_error_code(e->error), EIM_CODE_SERVER_NOT_REACHABLE);
  CHECK_CONTAINS(eim_error_detail(e->error), "\"attempts\":3");
  CHECK_INT(eim_error_web_code(e->error), 16);
  CHECK_INT(eim_sandbox_count(s.sandbox, EIM_SANDBOX_UPGRADE), before + 3);
  peer_stop(&p);
  end(&s);
}

TEST(a_second_device_kicks_with_206_and_its_login_ext) {
  setup s;
  peer phone, tablet;
  REQUIRE(begin(&s, NULL));
  log_in(&s, &phone);
  peer_start(&tablet, NULL, 1, s.options);
  CHECK_INT(eim_client_set_login_ext(tablet.client, "my tablet"), EIM_OK);
  CHECK_INT(peer_code(&tablet, peer_open_password(&tablet, "alice", "pw-a")), 0);
  const peer_event *e = peer_wait(&phone, PEER_DISCONNECTED, PEER_WAIT);
  REQUIRE(e && e->error);
  CHECK_INT(eim_error_code(e->error), EIM_CODE_USER_LOGIN_ANOTHER_DEVICE);
  CHECK_STR(eim_error_name(e->error), "USER_LOGIN_ANOTHER_DEVICE");
  CHECK(eim_error_is_final(e->error));
  CHECK_CONTAINS(eim_error_detail(e->error), "\"loginInfoCustomExt\":\"my tablet\"");
  CHECK_INT(eim_client_state(phone.client), EIM_STATE_OFFLINE);
  CHECK_INT(peer_count(&phone, PEER_RECONNECTING), 0);
  /* open may follow, and turns the tables */
  CHECK_INT(peer_code(&phone, peer_open_password(&phone, "alice", "pw-a")), 0);
  CHECK(peer_wait(&tablet, PEER_DISCONNECTED, PEER_WAIT));
  peer_stop(&phone);
  peer_stop(&tablet);
  end(&s);
}

TEST(what_an_administrator_does_ends_sessions_with_its_code) {
  static const int codes[] = {EIM_CODE_USER_REMOVED, EIM_CODE_USER_KICKED_BY_CHANGE_PASSWORD,
                              EIM_CODE_USER_KICKED_BY_OTHER_DEVICE};
  for (int i = 0; i < 3; i++) {
    setup s;
    peer p;
    REQUIRE(begin(&s, NULL));
    log_in(&s, &p);
    if (i == 0) CHECK(eim_sandbox_remove_user(s.sandbox, "alice"));
    if (i == 1) CHECK(eim_sandbox_set_password(s.sandbox, "alice", "new"));
    if (i == 2)
      CHECK_INT(eim_sandbox_kick(s.sandbox, "alice", NULL, EIM_SANDBOX_KICK_FORCED, NULL), 1);
    const peer_event *e = peer_wait(&p, PEER_DISCONNECTED, PEER_WAIT);
    REQUIRE(e && e->error);
    CHECK_INT(eim_error_code(e->error), codes[i]);
    CHECK_INT(peer_count(&p, PEER_DISCONNECTED), 1);
    CHECK_INT(peer_count(&p, PEER_RECONNECTING), 0);
    if (i == 1)
      CHECK_INT(peer_code(&p, peer_open_password(&p, "alice", "pw-a")),
                EIM_CODE_USER_AUTHENTICATION_FAILED);
    peer_stop(&p);
    end(&s);
  }
}

TEST(a_token_warns_expires_and_can_be_renewed) {
  setup s;
  peer p;
  char token[256];
  REQUIRE(begin(&s, NULL));
  set(&s, "tokenWarningLeadMs=1500");
  peer_start(&p, NULL, 1, s.options);
  REQUIRE(eim_sandbox_issue_token(s.sandbox, "alice", 2, token, sizeof token));
  CHECK_INT(peer_code(&p, peer_open_token(&p, "alice", token)), 0);
  CHECK(peer_wait(&p, PEER_WILL_EXPIRE, PEER_WAIT));
  REQUIRE(eim_sandbox_issue_token(s.sandbox, "alice", 3600, token, sizeof token));
  const peer_event *e = peer_result(&p, peer_renew(&p, token));
  REQUIRE(e);
  CHECK(!e->error);
  CHECK_CONTAINS(eim_result_json(e->result), "\"expire\":1");
  CHECK(!strstr(eim_result_json(e->result), token));
  CHECK_INT(peer_code(&p, peer_renew(&p, "YWMt-bad")), EIM_CODE_INVALID_TOKEN);
  CHECK_INT(eim_client_state(p.client), EIM_STATE_ONLINE);
  REQUIRE(eim_sandbox_issue_token(s.sandbox, "alice", 1, token, sizeof token));
  CHECK_INT(peer_code(&p, peer_renew(&p, token)), 0);
  CHECK(peer_wait(&p, PEER_EXPIRED, PEER_WAIT));
  e = peer_wait(&p, PEER_DISCONNECTED, PEER_WAIT);
  REQUIRE(e && e->error);
  CHECK_INT(eim_error_code(e->error), EIM_CODE_TOKEN_EXPIRED);
  peer_stop(&p);
  end(&s);
}

TEST(a_provider_is_asked_when_the_token_died_while_the_line_was_down) {
  setup s;
  peer p;
  char token[256];
  REQUIRE(begin(&s, NULL));
  peer_start(&p, NULL, 1, s.options);
  p.provide = true;
  CHECK_INT(peer_code(&p, peer_open_password(&p, "alice", "pw-a")), 0);
  CHECK(eim_sandbox_expire_token(s.sandbox, "alice"));
  eim_sandbox_cut(s.sandbox, "alice");
  REQUIRE(peer_wait(&p, PEER_TOKEN_REQUEST, PEER_WAIT));
  REQUIRE(eim_sandbox_issue_token(s.sandbox, "alice", 3600, token, sizeof token));
  CHECK_INT(peer_code(&p, peer_renew(&p, token)), 0);
  CHECK(peer_until(&p, EIM_STATE_ONLINE, PEER_WAIT));
  peer_stop(&p);
  end(&s);
}

TEST(hosts_come_from_server_json) {
  setup s;
  peer p;
  char dns[256];
  REQUIRE(begin(&s, &(eim_sandbox_options){.tls = true}));
  snprintf(dns, sizeof dns, "dnsUrls=https://127.0.0.1:1/easemob/server.json,%s",
           eim_sandbox_dns_url(s.sandbox));
  const char *options[] = {s.key, s.ca, dns, NULL};
  peer_start(&p, NULL, 1, options);
  CHECK_INT(peer_code(&p, peer_open_password(&p, "alice", "pw-a")), 0);
  CHECK_INT(eim_sandbox_count(s.sandbox, EIM_SANDBOX_DNS), 1);
  peer_stop(&p);
  static const char *const bodies[] = {"<html>", "{}", "{\"rest\":{\"hosts\":[]}}"};
  for (int i = 0; i < 3; i++) {
    const char *quick[] = {s.key, s.ca, dns, "loginTimeout=1000", NULL};
    fail(&s, EIM_SANDBOX_DNS, 1000, EIM_SANDBOX_BY_HTTP, 200, bodies[i]);
    peer_start(&p, NULL, 1, quick);
    CHECK_INT(peer_code(&p, peer_open_password(&p, "alice", "pw-a")),
              EIM_CODE_SERVER_GET_DNSLIST_FAILED);
    peer_stop(&p);
  }
  end(&s);
}

TEST(a_certificate_that_does_not_fit_refuses_at_once_with_its_own_reason) {
  setup s;
  peer p;
  REQUIRE(begin(&s, &(eim_sandbox_options){.tls = true}));
  static const char pin[] = "pinnedKeys=sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
  const char *no_ca[] = {s.api, s.url, s.key, NULL};
  const char *pinned[] = {s.api, s.url, s.key, s.ca, pin, NULL};
  const char *const *rows[] = {no_ca, pinned};
  static const char *const words[] = {"unknown_ca", "pin_mismatch"};
  char token[256];
  REQUIRE(eim_sandbox_issue_token(s.sandbox, "alice", 3600, token, sizeof token));
  for (int i = 0; i < 2; i++)
    for (int by_token = 0; by_token < 2; by_token++) {
      peer_start(&p, NULL, 1, rows[i]);
      uint64_t request =
          by_token ? peer_open_token(&p, "alice", token) : peer_open_password(&p, "alice", "pw-a");
      const peer_event *e = peer_result(&p, request);
      REQUIRE(e && e->error);
      CHECK_INT(eim_error_code(e->error), EIM_E_TLS);
      CHECK_CONTAINS(eim_error_detail(e->error), words[i]);
      peer_stop(&p);
    }
  CHECK_INT(eim_sandbox_count(s.sandbox, EIM_SANDBOX_TOKEN), 0); /* not one secret left us */
  CHECK_INT(eim_sandbox_count(s.sandbox, EIM_SANDBOX_PROVISION), 0);
  end(&s);
}

TEST(close_while_logging_in_and_calls_in_the_wrong_order) {
  setup s;
  peer p;
  REQUIRE(begin(&s, NULL));
  eim_sandbox_delay(s.sandbox, 200);
  peer_start(&p, NULL, 1, s.options);
  CHECK_INT(peer_code(&p, peer_send(&p, "bob", "x")), EIM_CODE_USER_NOT_LOGIN);
  CHECK_INT(peer_code(&p, peer_renew(&p, "t")), EIM_CODE_USER_NOT_LOGIN);
  CHECK_INT(peer_code(&p, peer_close(&p)), 0);
  uint64_t open = peer_open_password(&p, "alice", "pw-a");
  uint64_t twice = peer_open_password(&p, "alice", "pw-a");
  uint64_t closed = peer_close(&p);
  CHECK_INT(peer_code(&p, twice), EIM_E_BUSY);
  CHECK_INT(peer_code(&p, open), EIM_E_CANCELED);
  CHECK_INT(peer_code(&p, closed), 0);
  CHECK_INT(peer_code(&p, peer_open_password(&p, "alice", "pw-a")), 0);
  CHECK_INT(peer_code(&p, peer_open_password(&p, "alice", "pw-a")), EIM_CODE_USER_ALREADY_LOGIN);
  CHECK_INT(peer_code(&p, peer_open_password(&p, "bob", "pw-b")),
            EIM_CODE_USER_ALREADY_LOGIN_ANOTHER);
  peer_stop(&p);
  end(&s);
}

TEST(shutdown_while_everything_is_under_way_is_quick_and_clean) {
  setup s;
  REQUIRE(begin(&s, &(eim_sandbox_options){.tls = true}));
  eim_sandbox_delay(s.sandbox, 50);
  for (int i = 0; i < 20; i++) {
    peer p;
    peer_start(&p, NULL, i % 2, s.options);
    peer_open_password(&p, "alice", "pw-a");
    peer_register(&p, "zoe", "x");
    peer_idle(&p, i * 15);
    peer_send(&p, "bob", "x");
    peer_stop(&p);
    CHECK_INT(p.released, 1);
  }
  end(&s);
}
