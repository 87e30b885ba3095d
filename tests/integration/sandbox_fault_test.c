/* The sandbox misbehaving on purpose: every kind of fail_next, cut, freeze, delay, TLS. */
#include "eim_test.h"
#include "raw_client.h"

#include <sys/stat.h>
#include <time.h>

EIM_TEST_MAIN

#define KEY EIM_SANDBOX_DEFAULT_APP_KEY
#define TOKEN_BODY "{\"grant_type\":\"password\",\"username\":\"alice\",\"password\":\"pw\"}"

static eim_sandbox *start(const eim_sandbox_options *options) {
  char error[200];
  eim_sandbox *box = eim_sandbox_new(options, error, sizeof error);
  if (!box) {
    eim_test_fail(__FILE__, __LINE__, "%s", error);
    return NULL;
  }
  eim_sandbox_add_user(box, "alice", "pw");
  return box;
}

static void fail_next(eim_sandbox *box, eim_sandbox_what what, int n, eim_sandbox_by by, int status,
                      const char *text) {
  eim_sandbox_failure how = {by, status, text};
  CHECK(eim_sandbox_fail_next(box, what, n, &how));
}

static int64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

TEST(rest_faults_of_every_kind) {
  eim_sandbox *box = start(NULL);
  REQUIRE(box);
  char *token = raw_token(box, "alice", "pw");
  REQUIRE(token);
  static const struct {
    eim_sandbox_what what;
    const char *method, *path, *body;
  } calls[] = {{EIM_SANDBOX_DNS, "GET", "/easemob/server.json", NULL},
               {EIM_SANDBOX_REGISTER, "POST", "/sandbox/demo/users",
                "{\"username\":\"u\",\"password\":\"p\"}"},
               {EIM_SANDBOX_TOKEN, "POST", "/sandbox/demo/token", TOKEN_BODY},
               {EIM_SANDBOX_EXPIRES, "GET", "/sandbox/demo/sdk/users/alice/token/expires", NULL},
               {EIM_SANDBOX_LOGS, "POST", "/sandbox/demo/sdk/users/alice/client/logs",
                "{\"resource\":\"r\",\"logContent\":\"x\"}"},
               {EIM_SANDBOX_REST, "GET", "/sandbox/demo/users/alice", NULL}};
  uint16_t port = eim_sandbox_port(box);
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    const char *bearer = i > 2 ? token : NULL;
    eim_sandbox_clear_log(box);
    fail_next(box, calls[i].what, 2, EIM_SANDBOX_BY_HTTP, 503, "{\"error\":\"down\"}");
    for (int n = 0; n < 2; n++) {
      raw_answer answer =
          raw_http(port, NULL, calls[i].method, calls[i].path, bearer, NULL, calls[i].body);
      CHECK_INT(answer.status, 503);
      CHECK_STR(raw_text(&answer, "error"), "down");
      raw_free(&answer);
    }
    fail_next(box, calls[i].what, 1, EIM_SANDBOX_BY_DISCONNECT, 0, NULL);
    raw_answer answer =
        raw_http(port, NULL, calls[i].method, calls[i].path, bearer, NULL, calls[i].body);
    CHECK_INT(answer.status, 0);
    raw_free(&answer);
    fail_next(box, calls[i].what, 1, EIM_SANDBOX_BY_GARBAGE, 0, NULL);
    answer = raw_http(port, NULL, calls[i].method, calls[i].path, bearer, NULL, calls[i].body);
    CHECK_INT(answer.status, 200);
    CHECK(answer.body && *answer.body && !answer.json);
    raw_free(&answer);
    answer = raw_http(port, NULL, calls[i].method, calls[i].path, bearer, NULL, calls[i].body);
    CHECK_INT(answer.status, 200); /* normal again */
    CHECK(answer.json);
    raw_free(&answer);
    CHECK_INT(eim_sandbox_count(box, calls[i].what), 5);
  }
  fail_next(box, EIM_SANDBOX_DNS, 3, EIM_SANDBOX_BY_HTTP, 500, "");
  CHECK(eim_sandbox_fail_next(box, EIM_SANDBOX_DNS, 0, NULL)); /* taken back */
  raw_answer answer = raw_http(port, NULL, "GET", "/easemob/server.json", NULL, NULL, NULL);
  CHECK_INT(answer.status, 200);
  raw_free(&answer);
  CHECK(!eim_sandbox_fail_next(box, EIM_SANDBOX_WHAT_COUNT, 1, &(eim_sandbox_failure){0}));
  free(token);
  eim_sandbox_free(box);
}

TEST(upgrade_faults) {
  eim_sandbox *box = start(NULL);
  REQUIRE(box);
  int status;
  uint16_t port = eim_sandbox_port(box);
  fail_next(box, EIM_SANDBOX_UPGRADE, 1, EIM_SANDBOX_BY_HTTP, 502, "");
  CHECK(!raw_open(port, NULL, "/websocket", &status));
  CHECK_INT(status, 502);
  fail_next(box, EIM_SANDBOX_UPGRADE, 1, EIM_SANDBOX_BY_DISCONNECT, 0, NULL);
  CHECK(!raw_open(port, NULL, "/websocket", &status));
  CHECK_INT(status, 0);
  fail_next(box, EIM_SANDBOX_UPGRADE, 1, EIM_SANDBOX_BY_GARBAGE, 0, NULL);
  CHECK(!raw_open(port, NULL, "/websocket", &status));
  CHECK_INT(status, 0);
  raw_socket *s = raw_open(port, NULL, "/websocket", &status);
  CHECK_INT(status, 101);
  raw_close(s);
  CHECK_INT(eim_sandbox_count(box, EIM_SANDBOX_UPGRADE), 4);
  eim_sandbox_free(box);
}

TEST(an_upgrade_in_silence_stays_open) {
  eim_sandbox *box = start(NULL);
  REQUIRE(box);
  fail_next(box, EIM_SANDBOX_UPGRADE, 1, EIM_SANDBOX_BY_SILENCE, 0, NULL);
  raw_socket *s = raw_begin(eim_sandbox_port(box), NULL, "/websocket");
  REQUIRE(s);
  int64_t end = now_ms() + RAW_DEADLINE_MS;
  while (!eim_sandbox_count(box, EIM_SANDBOX_UPGRADE) && now_ms() < end) CHECK(raw_quiet(s, 1));
  CHECK(raw_quiet(s, 100)); /* no byte, no end */
  raw_close(s);
  eim_sandbox_free(box);
}

static Easemob__Pb__CommUnreadDL *unread(raw_socket *s) {
  if (!raw_send_frame(s, EASEMOB__PB__MSYNC__COMMAND__UNREAD, NULL)) return NULL;
  Easemob__Pb__MSync *frame = raw_read_frame(s);
  if (!frame) return NULL;
  Easemob__Pb__CommUnreadDL *down =
      easemob__pb__comm_unread_dl__unpack(NULL, frame->payload.len, frame->payload.data);
  raw_free_frame(frame);
  return down;
}

/* One request of the kind on a fresh line; the line is logged in unless it is the login that fails.
 */
static raw_socket *ask(eim_sandbox *box, eim_sandbox_what what, const eim_sandbox_failure *how) {
  raw_socket *s;
  if (what == EIM_SANDBOX_PROVISION) {
    s = raw_open(eim_sandbox_port(box), NULL, "/websocket", NULL);
    CHECK(eim_sandbox_fail_next(box, what, 1, how));
    if (s) raw_send_provision(s, KEY, "alice", "YWMtx", "r1", NULL);
    return s;
  }
  s = raw_login(box, "alice", "pw", "r1");
  CHECK(eim_sandbox_fail_next(box, what, 1, how));
  if (!s) return NULL;
  if (what == EIM_SANDBOX_UNREAD) raw_send_frame(s, EASEMOB__PB__MSYNC__COMMAND__UNREAD, NULL);
  if (what == EIM_SANDBOX_SYNC) raw_fetch(s, KEY, "bob", "easemob.com", NULL);
  if (what == EIM_SANDBOX_SEND) raw_send_text(s, KEY, "bob", "easemob.com", 9, 1, "hi", 0);
  return s;
}

TEST(socket_faults_of_every_kind) {
  eim_sandbox *box = start(NULL);
  REQUIRE(box);
  static const eim_sandbox_what whats[] = {EIM_SANDBOX_PROVISION, EIM_SANDBOX_UNREAD,
                                           EIM_SANDBOX_SYNC, EIM_SANDBOX_SEND};
  for (size_t i = 0; i < sizeof whats / sizeof *whats; i++) {
    const uint8_t *bytes;
    size_t size;
    raw_socket *s = ask(box, whats[i], &(eim_sandbox_failure){EIM_SANDBOX_BY_TEXT_CLOSE, 0, NULL});
    REQUIRE(s);
    CHECK_INT(raw_read(s, &bytes, &size), 1);
    CHECK(size == 21 && memcmp(bytes, "[401,\"normal closed\"]", 21) == 0);
    CHECK(raw_ended(s));
    raw_close(s);
    s = ask(box, whats[i], &(eim_sandbox_failure){EIM_SANDBOX_BY_DISCONNECT, 0, NULL});
    REQUIRE(s);
    CHECK(raw_ended(s));
    raw_close(s);
    s = ask(box, whats[i], &(eim_sandbox_failure){EIM_SANDBOX_BY_SILENCE, 0, NULL});
    REQUIRE(s);
    CHECK(raw_quiet(s, 100));
    raw_close(s);
    s = ask(box, whats[i], &(eim_sandbox_failure){EIM_SANDBOX_BY_GARBAGE, 0, NULL});
    REQUIRE(s);
    CHECK_INT(raw_read(s, &bytes, &size), 2);
    Easemob__Pb__MSync *frame = easemob__pb__msync__unpack(NULL, size, bytes);
    CHECK(!frame);
    raw_free_frame(frame);
    raw_close(s);
    s = ask(box, whats[i], &(eim_sandbox_failure){EIM_SANDBOX_BY_STATUS, 15, "because"});
    REQUIRE(s);
    CHECK_INT(raw_read(s, &bytes, &size), 2);
    CHECK(memmem(bytes, size,
                 "\x08\x0f\x12\x07"
                 "because",
                 11)); /* Status{15, "because"} */
    raw_close(s);
  }
  eim_sandbox_free(box);
}

TEST(cut_ends_the_line_without_a_close_frame) {
  eim_sandbox *box = start(NULL);
  REQUIRE(box);
  raw_socket *s = raw_login(box, "alice", "pw", "r1");
  REQUIRE(s);
  CHECK_INT(eim_sandbox_cut(box, "nobody"), 0);
  CHECK_INT(eim_sandbox_cut(box, "alice"), 1);
  CHECK_INT(raw_read(s, NULL, NULL), 0);
  raw_close(s);
  eim_sandbox_free(box);
}

TEST(freeze_is_a_line_that_is_half_open) {
  eim_sandbox *box = start(NULL);
  REQUIRE(box);
  raw_socket *s = raw_login(box, "alice", "pw", "r1");
  REQUIRE(s);
  CHECK(!eim_sandbox_freeze(box, "nobody", true));
  CHECK(eim_sandbox_freeze(box, "alice", true));
  raw_send_frame(s, EASEMOB__PB__MSYNC__COMMAND__UNREAD, NULL);
  eim_sandbox_push(box, "alice", "bob", "hi");
  CHECK(raw_quiet(s, 150));
  CHECK_INT(eim_sandbox_sessions(box, "alice"), 1);
  CHECK(eim_sandbox_freeze(box, "alice", false));
  Easemob__Pb__MSync *one = raw_read_frame(s), *two = raw_read_frame(s); /* both come, late */
  CHECK(one && two && one->command != two->command);
  raw_free_frame(one);
  raw_free_frame(two);
  CHECK(eim_sandbox_freeze(box, NULL, true));
  raw_send_frame(s, EASEMOB__PB__MSYNC__COMMAND__UNREAD, NULL);
  CHECK(raw_quiet(s, 100));
  raw_close(s);
  eim_sandbox_free(box);
}

TEST(delay_holds_answers_back) {
  eim_sandbox *box = start(NULL);
  REQUIRE(box);
  raw_socket *s = raw_login(box, "alice", "pw", "r1");
  REQUIRE(s);
  eim_sandbox_delay(box, 120);
  int64_t before = now_ms();
  Easemob__Pb__CommUnreadDL *down = unread(s);
  CHECK(down && now_ms() - before >= 119);
  if (down) easemob__pb__comm_unread_dl__free_unpacked(down, NULL);
  before = now_ms();
  char *token = raw_token(box, "alice", "pw");
  CHECK(token && now_ms() - before >= 119);
  free(token);
  eim_sandbox_delay(box, 0);
  raw_close(s);
  eim_sandbox_free(box);
}

TEST(raw_bytes_and_metas) {
  eim_sandbox *box = start(NULL);
  REQUIRE(box);
  raw_socket *s = raw_login(box, "alice", "pw", "r1");
  REQUIRE(s);
  const uint8_t *bytes;
  size_t size;
  CHECK_INT(eim_sandbox_raw(box, "alice", "\0\1\2", 3, false), 1);
  CHECK_INT(raw_read(s, &bytes, &size), 2);
  CHECK(size == 3 && memcmp(bytes, "\0\1\2", 3) == 0);
  CHECK_INT(eim_sandbox_raw(box, "alice", "[1]", 3, true), 1);
  CHECK_INT(raw_read(s, &bytes, &size), 1);
  CHECK_INT(eim_sandbox_push_meta(box, "alice", "\xff", 1), 0);
  uint64_t id = eim_sandbox_push_meta(box, "alice", "\x28\x05\x32\x02{}", 6); /* NOTIFY, "{}" */
  CHECK(id);
  raw_fetch(s, KEY, "admin", "easemob.com", NULL);
  Easemob__Pb__CommSyncDL *down = raw_read_sync(s);
  REQUIRE(down);
  REQUIRE(down->n_metas == 1);
  CHECK_INT(down->metas[0]->id, id);
  CHECK_INT(down->metas[0]->ns, 5);
  CHECK(down->metas[0]->timestamp && down->metas[0]->from);
  easemob__pb__comm_sync_dl__free_unpacked(down, NULL);
  raw_close(s);
  eim_sandbox_free(box);
}

TEST(tls_with_a_ca_of_its_own) {
  eim_sandbox *box = start(&(eim_sandbox_options){.tls = true});
  REQUIRE(box);
  char ca[300];
  snprintf(ca, sizeof ca, "%s", eim_sandbox_ca_file(box));
  struct stat info;
  REQUIRE(stat(ca, &info) == 0);
  CHECK_INT(info.st_mode & 0777, 0600);
  CHECK_CONTAINS(eim_sandbox_ca_pem(box), "BEGIN CERTIFICATE");
  CHECK(!strstr(eim_sandbox_ca_pem(box), "PRIVATE"));
  CHECK(strncmp(eim_sandbox_url(box), "wss://", 6) == 0);
  raw_socket *s = raw_login(box, "alice", "pw", "r1");
  REQUIRE(s);
  Easemob__Pb__CommUnreadDL *down = unread(s);
  CHECK(down);
  if (down) easemob__pb__comm_unread_dl__free_unpacked(down, NULL);
  raw_answer plain =
      raw_http(eim_sandbox_port(box), NULL, "GET", "/easemob/server.json", NULL, NULL, NULL);
  CHECK(plain.status != 200);
  raw_free(&plain);
  eim_sandbox *other = start(&(eim_sandbox_options){.tls = true}); /* its CA is not ours */
  REQUIRE(other);
  raw_answer foreign = raw_http(eim_sandbox_port(box), eim_sandbox_ca_file(other), "GET",
                                "/easemob/server.json", NULL, NULL, NULL);
  CHECK_INT(foreign.status, 0);
  raw_free(&foreign);
  raw_close(s);
  eim_sandbox_free(other);
  eim_sandbox_free(box);
  CHECK(stat(ca, &info) != 0);
}
