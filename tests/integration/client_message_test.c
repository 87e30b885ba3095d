/* Text messages over real sockets: both ways, over cuts, back-pressure, secrets. */
#include <eim_sandbox.h>
#include <pthread.h>
#include <stdio.h>

#include "eim_test.h"
#include "peer.h"

EIM_TEST_MAIN

static eim_sandbox *sandbox;
static char api[128], url[128], key[64];
static const char *options[8] = {api, url, key, "reconnectBaseMs=20", NULL};

static bool begin_as(const eim_sandbox_options *how) {
  char error[256];
  sandbox = eim_sandbox_new(how, error, sizeof error);
  if (!sandbox) {
    fprintf(stderr, "  %s\n", error);
    return false;
  }
  eim_sandbox_add_user(sandbox, "alice", "pw-a");
  eim_sandbox_add_user(sandbox, "bob", "pw-b");
  snprintf(api, sizeof api, "apiUrl=%s", eim_sandbox_api_url(sandbox));
  snprintf(url, sizeof url, "url=%s", eim_sandbox_url(sandbox));
  snprintf(key, sizeof key, "appKey=%s", eim_sandbox_app_key(sandbox));
  return true;
}

static bool begin(void) {
  return begin_as(NULL);
}

static void two(peer *alice, peer *bob, int threads) {
  peer_start(alice, NULL, threads, options);
  peer_start(bob, NULL, threads, options);
  CHECK_INT(peer_code(alice, peer_open_password(alice, "alice", "pw-a")), 0);
  CHECK_INT(peer_code(bob, peer_open_password(bob, "bob", "pw-b")), 0);
}

TEST(text_goes_both_ways_unchanged) {
  peer alice, bob;
  char big[5001];
  memset(big, 'x', 5000);
  memcpy(big + 2000, "\xf0\x9f\x98\x80", 4);
  big[4900] = 0;
  const char *texts[] = {"hello", "\xe4\xbd\xa0\xe5\xa5\xbd \xf0\x9f\x98\x80\n\t\"\\", big};
  for (int threads = 0; threads < 2; threads++) {
    REQUIRE(begin());
    two(&alice, &bob, threads);
    for (int i = 0; i < 6; i++) {
      peer *from = i % 2 ? &bob : &alice, *to = i % 2 ? &alice : &bob;
      const peer_event *sent =
          peer_result(from, peer_send(from, i % 2 ? "alice" : "bob", texts[i / 2]));
      REQUIRE(sent && !sent->error);
      const peer_event *got = peer_wait(to, PEER_MESSAGE, PEER_WAIT);
      REQUIRE(got);
      CHECK_STR(eim_message_text(got->message), texts[i / 2]);
      CHECK_STR(eim_message_id(got->message), eim_result_message_id(sent->result));
      CHECK_STR(eim_message_from(got->message), i % 2 ? "bob" : "alice");
      CHECK_STR(eim_message_to(got->message), i % 2 ? "alice" : "bob");
      CHECK_STR(eim_message_type(got->message), "txt");
      CHECK_INT(eim_message_get_chat_type(got->message), EIM_CHAT_SINGLE);
      CHECK_INT(eim_message_time(got->message), eim_result_time(sent->result));
    }
    peer_stop(&alice);
    peer_stop(&bob);
    eim_sandbox_free(sandbox);
  }
}

TEST(ext_keeps_its_types) {
  peer alice, bob;
  REQUIRE(begin());
  two(&alice, &bob, 1);
  eim_message *message;
  static const char ext[] =
      "{\"n\":9007199254740993,\"b\":true,\"d\":1.5,\"s\":\"t\",\"o\":{\"a\":[1,null]}}";
  REQUIRE(!eim_message_new_text(EIM_CHAT_SINGLE, "bob", "x", ext, &message));
  CHECK_INT(eim_client_send(alice.client, message, 77), EIM_OK);
  eim_message_unref(message);
  CHECK_INT(peer_code(&alice, 77), 0);
  const peer_event *got = peer_wait(&bob, PEER_MESSAGE, PEER_WAIT);
  REQUIRE(got);
  const char *back = eim_message_ext(got->message);
  CHECK_CONTAINS(back, "\"n\":9007199254740993");
  CHECK_CONTAINS(back, "\"b\":true");
  CHECK_CONTAINS(back, "\"d\":1.5");
  CHECK_CONTAINS(back, "\"o\":{\"a\":[1,null]}");
  peer_stop(&alice);
  peer_stop(&bob);
  eim_sandbox_free(sandbox);
}

TEST(offline_messages_arrive_in_order_once) {
  peer bob;
  char text[16];
  REQUIRE(begin());
  /* the device must be known to the service for a queue to be kept */
  options[4] = "deviceId=phone";
  options[5] = NULL;
  peer_start(&bob, NULL, 1, options);
  CHECK_INT(peer_code(&bob, peer_open_password(&bob, "bob", "pw-b")), 0);
  CHECK_INT(peer_code(&bob, peer_close(&bob)), 0);
  for (int i = 0; i < 57; i++) {
    snprintf(text, sizeof text, "n%d", i);
    CHECK(eim_sandbox_push(sandbox, "bob", i % 2 ? "alice" : "carol", text));
  }
  CHECK_INT(peer_code(&bob, peer_open_password(&bob, "bob", "pw-b")), 0);
  int odd = 1, even = 0;
  for (int i = 0; i < 57; i++) {
    const peer_event *got = peer_wait(&bob, PEER_MESSAGE, PEER_WAIT);
    REQUIRE(got);
    int *next = strcmp(eim_message_from(got->message), "alice") ? &even : &odd;
    snprintf(text, sizeof text, "n%d", *next);
    CHECK_STR(eim_message_text(got->message), text);
    *next += 2;
  }
  while (eim_sandbox_waiting(sandbox, "bob")) peer_idle(&bob, 5); /* acknowledged to the last */
  CHECK_INT(peer_count(&bob, PEER_MESSAGE), 57);
  peer_stop(&bob);
  options[4] = NULL;
  eim_sandbox_free(sandbox);
}

/* What one device of a user sends to the user waits for the others in a queue of the user's own
 * name and that device. */
TEST(what_is_sent_to_oneself_arrives_at_the_other_device_once) {
  peer one, other;
  REQUIRE(begin_as(&(eim_sandbox_options){.multi_device = true}));
  options[5] = NULL;
  options[4] = "deviceId=one";
  peer_start(&one, NULL, 1, options);
  options[4] = "deviceId=other";
  peer_start(&other, NULL, 1, options);
  CHECK_INT(peer_code(&one, peer_open_password(&one, "alice", "pw-a")), 0);
  CHECK_INT(peer_code(&other, peer_open_password(&other, "alice", "pw-a")), 0);
  for (int i = 0; i < 2; i++) { /* the second of them waits for the next login */
    CHECK_INT(peer_code(&one, peer_send(&one, "alice", i ? "again" : "note to self")), 0);
    if (i) CHECK_INT(peer_code(&other, peer_open_password(&other, "alice", "pw-a")), 0);
    const peer_event *got = peer_wait(&other, PEER_MESSAGE, PEER_WAIT);
    REQUIRE(got);
    CHECK_STR(eim_message_text(got->message), i ? "again" : "note to self");
    CHECK_STR(eim_message_from(got->message), "alice");
    CHECK_CONTAINS(eim_message_from_resource(got->message), "one");
    while (eim_sandbox_waiting(sandbox, "alice")) peer_idle(&other, 5);
    if (!i) CHECK_INT(peer_code(&other, peer_close(&other)), 0);
  }
  CHECK_INT(peer_count(&other, PEER_MESSAGE), 2);
  CHECK_INT(peer_count(&one, PEER_MESSAGE), 0);
  peer_stop(&one);
  peer_stop(&other);
  options[4] = NULL;
  eim_sandbox_free(sandbox);
}

TEST(refusals_of_a_send_have_their_code) {
  static const struct {
    int status;
    const char *reason;
    int code;
  } rows[] = {
      {1, "blocked", EIM_CODE_USER_PERMISSION_DENIED},
      {1, "nonroster", EIM_CODE_USER_NOT_ON_ROSTER},
      {1, "something new", EIM_CODE_SERVER_UNKNOWN_ERROR},
      {7, "sensitive words", EIM_CODE_MESSAGE_INCLUDE_ILLEGAL_CONTENT},
      {7, "user is mute", EIM_CODE_USER_MUTED_BY_ADMIN},
      {7, "traffic limit", EIM_CODE_MESSAGE_CURRENT_LIMITING},
      {15, "", EIM_CODE_USER_MUTED},
      {19, "no", EIM_CODE_MESSAGE_EXTERNAL_LOGIC_BLOCKED},
  };
  peer alice;
  REQUIRE(begin());
  peer_start(&alice, NULL, 1, options);
  CHECK_INT(peer_code(&alice, peer_open_password(&alice, "alice", "pw-a")), 0);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    eim_sandbox_failure how = {EIM_SANDBOX_BY_STATUS, rows[i].status, rows[i].reason};
    CHECK(eim_sandbox_fail_next(sandbox, EIM_SANDBOX_SEND, 1, &how));
    CHECK_INT(peer_code(&alice, peer_send(&alice, "bob", "x")), rows[i].code);
  }
  char *huge = malloc(20001);
  memset(huge, 'x', 20000);
  huge[20000] = 0;
  CHECK_INT(peer_code(&alice, peer_send(&alice, "bob", huge)), EIM_CODE_MESSAGE_SIZE_LIMIT);
  free(huge);
  peer_stop(&alice);
  eim_sandbox_free(sandbox);
}

TEST(a_hundred_messages_through_cuts_arrive_once_and_in_order) {
  peer alice, bob;
  REQUIRE(begin());
  options[4] = "autoReconnectNumMax=-1";
  options[5] = NULL;
  two(&alice, &bob, 1);
  uint64_t tokens[100];
  for (int i = 0; i < 100; i++) {
    char text[16];
    snprintf(text, sizeof text, "n%d", i);
    tokens[i] = peer_send(&alice, "bob", text);
    CHECK(tokens[i]);
    if (i % 17 == 8) eim_sandbox_cut(sandbox, i % 2 ? "alice" : "bob");
    if (i % 10 == 9) peer_idle(&alice, 5);
  }
  for (int i = 0; i < 100; i++) CHECK_INT(peer_code(&alice, tokens[i]), 0);
  for (int i = 0; i < 100; i++) {
    const peer_event *got = peer_wait(&bob, PEER_MESSAGE, PEER_WAIT);
    char text[16];
    REQUIRE(got);
    snprintf(text, sizeof text, "n%d", i);
    CHECK_STR(eim_message_text(got->message), text);
  }
  peer_idle(&bob, 100);
  CHECK_INT(peer_count(&bob, PEER_MESSAGE), 100);
  peer_stop(&alice);
  peer_stop(&bob);
  options[4] = NULL;
  eim_sandbox_free(sandbox);
}

TEST(what_is_not_polled_is_not_fetched_and_heartbeats_go_on) {
  peer bob;
  REQUIRE(begin());
  options[4] = "heartBeatWait=1000";
  options[5] = NULL;
  peer_start(&bob, NULL, 1, options);
  CHECK_INT(peer_code(&bob, peer_open_password(&bob, "bob", "pw-b")), 0);
  for (int i = 0; i < 500; i++) eim_sandbox_push(sandbox, "bob", "alice", "x");
  uint64_t beats = eim_sandbox_count(sandbox, EIM_SANDBOX_UNREAD);
  /* eim_context_wait delivers nothing: this application is slow */
  while (eim_sandbox_count(sandbox, EIM_SANDBOX_UNREAD) < beats + 2)
    eim_context_wait(bob.context, 10);
  CHECK_INT(eim_sandbox_waiting(sandbox, "bob"), 500);        /* nothing acknowledged */
  CHECK_INT(eim_sandbox_count(sandbox, EIM_SANDBOX_SYNC), 1); /* one page, no more */
  for (int i = 0; i < 500; i++) REQUIRE(peer_wait(&bob, PEER_MESSAGE | PEER_RESULT, PEER_WAIT));
  peer_stop(&bob);
  options[4] = NULL;
  eim_sandbox_free(sandbox);
}

/* ---- secrets */

static char logged[1 << 20];
static size_t logged_length;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

static void keep(void *user_data, const eim_log_record *record) {
  (void)user_data;
  pthread_mutex_lock(&log_lock);
  size_t left = sizeof logged - logged_length;
  int n = snprintf(logged + logged_length, left, "%s: %s\n", record->module, record->message);
  if (n > 0) logged_length += (size_t)n < left ? (size_t)n : left - 1;
  pthread_mutex_unlock(&log_lock);
}

TEST(secrets_and_texts_are_in_no_log_and_no_error) {
  static const char *const planted[] = {"PLANTED-password", "PLANTED-token", "PLANTED-text"};
  peer p, q;
  REQUIRE(begin());
  eim_sandbox_add_user(sandbox, "carol", planted[0]);
  eim_log_set_console(false);
  eim_log_set_callback(keep, NULL);
  eim_log_set_level(EIM_LOG_TRACE);
  peer_start(&p, NULL, 1, options);
  peer_start(&q, NULL, 0, options);
  CHECK_INT(peer_code(&p, peer_open_password(&p, "carol", planted[0])), 0);
  CHECK(peer_code(&q, peer_open_password(&q, "alice", planted[0])) > 0);
  CHECK(peer_code(&q, peer_open_token(&q, "alice", planted[1])) > 0);
  CHECK(peer_code(&q, peer_register(&q, "alice", planted[0])) > 0);
  CHECK(peer_code(&p, peer_renew(&p, planted[1])) > 0);
  CHECK_INT(peer_code(&p, peer_send(&p, "bob", planted[2])), 0);
  eim_sandbox_push(sandbox, "carol", "bob", planted[2]);
  CHECK(peer_wait(&p, PEER_MESSAGE, PEER_WAIT));
  CHECK_INT(eim_client_health(p.client, 900), EIM_OK);
  const peer_event *health = peer_result(&p, 900);
  REQUIRE(health);
  CHECK_CONTAINS(eim_result_json(health->result), "\"state\":\"ONLINE\"");
  eim_sandbox_cut(sandbox, "carol");
  CHECK(peer_wait(&p, PEER_CONNECTED, PEER_WAIT));
  for (int i = 0; i < 3; i++) {
    for (int k = 0; k < p.count + q.count; k++) {
      const peer_event *e = k < p.count ? &p.events[k] : &q.events[k - p.count];
      if (e->error) {
        CHECK(!strstr(eim_error_message(e->error), planted[i]));
        CHECK(!strstr(eim_error_detail(e->error), planted[i]));
      }
      if (e->result) CHECK(!strstr(eim_result_json(e->result), planted[i]));
    }
  }
  peer_stop(&p);
  peer_stop(&q);
  eim_log_set_level(EIM_LOG_WARN);
  eim_log_set_callback(NULL, NULL);
  eim_log_set_console(true);
  CHECK(logged_length > 500); /* there was something to find it in */
  for (int i = 0; i < 3; i++) CHECK(!strstr(logged, planted[i]));
  eim_sandbox_free(sandbox);
}
