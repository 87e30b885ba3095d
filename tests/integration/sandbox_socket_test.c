/* The message socket of the sandbox: docs/protocol.md 6, 10, 11, 13, 15, 20. */
#include "eim_test.h"
#include "raw_client.h"

EIM_TEST_MAIN

#define KEY EIM_SANDBOX_DEFAULT_APP_KEY
#define USER "easemob.com"
#define GROUP "conference.easemob.com"

static eim_sandbox *start(const eim_sandbox_options *options) {
  char error[200];
  eim_sandbox *box = eim_sandbox_new(options, error, sizeof error);
  if (!box) {
    eim_test_fail(__FILE__, __LINE__, "%s", error);
    return NULL;
  }
  eim_sandbox_add_user(box, "alice", "pw");
  eim_sandbox_add_user(box, "bob", "pw");
  return box;
}

/* PROVISION with this token is refused so, then the text and the close follow. */
static void refused_at(int line, eim_sandbox *box, const char *key, const char *user,
                       const char *token, int code, const char *reason) {
  raw_socket *s = raw_open(eim_sandbox_port(box), NULL, "/websocket", NULL);
  Easemob__Pb__Provision *answer = s ? raw_provision(s, key, user, token, "r1", NULL) : NULL;
  if (!answer || !answer->status || (int)answer->status->errorcode != code ||
      !answer->status->reason || strcmp(answer->status->reason, reason) != 0)
    eim_test_fail(__FILE__, line, "refusal %d %s",
                  answer && answer->status ? (int)answer->status->errorcode : -1,
                  answer && answer->status && answer->status->reason ? answer->status->reason : "");
  if (answer) easemob__pb__provision__free_unpacked(answer, NULL);
  const uint8_t *bytes;
  size_t size;
  if (!s || raw_read(s, &bytes, &size) != 1 || size != 21 ||
      memcmp(bytes, "[401,\"normal closed\"]", 21) != 0)
    eim_test_fail(__FILE__, line, "no [401,…] text");
  if (!s || !raw_ended(s)) eim_test_fail(__FILE__, line, "not closed");
  raw_close(s);
}
#define REFUSED(...) refused_at(__LINE__, __VA_ARGS__)

TEST(provisioning_refusals) {
  eim_sandbox *box = start(NULL);
  REQUIRE(box);
  char token[128], bobs[128];
  REQUIRE(eim_sandbox_issue_token(box, "alice", 0, token, sizeof token));
  REQUIRE(eim_sandbox_issue_token(box, "bob", 0, bobs, sizeof bobs));
  REFUSED(box, KEY, "nobody", token, 1, "Sorry, user not found");
  REFUSED(box, KEY, "alice", "YWMtx", 1, "Sorry, token or password does not match login info");
  REFUSED(box, KEY, "alice", bobs, 1, "Sorry, token or password does not match login info");
  REFUSED(box, "other#key", "alice", token, 2, "unauthorized");
  REFUSED(box, KEY, "", token, 4, "wrong parameter");
  eim_sandbox_set_active(box, "alice", false);
  REFUSED(box, KEY, "alice", token, 12, "forbidden");
  eim_sandbox_set_active(box, "alice", true);
  eim_sandbox_expire_token(box, "alice");
  REFUSED(box, KEY, "alice", token, 1, "Sorry, token expired");
  REQUIRE(eim_sandbox_issue_token(box, "alice", 100, token, sizeof token));
  eim_sandbox_move_clock(box, 100000);
  REFUSED(box, KEY, "alice", token, 1, "Sorry, token expired");
  eim_sandbox_fail_next(box, EIM_SANDBOX_PROVISION, 1,
                        &(eim_sandbox_failure){EIM_SANDBOX_BY_STATUS, 20, "resource changed"});
  REQUIRE(eim_sandbox_issue_token(box, "alice", 100, token, sizeof token));
  REFUSED(box, KEY, "alice", token, 20, "resource changed");
  CHECK_INT(eim_sandbox_sessions(box, NULL), 0);
  eim_sandbox_free(box);
}

static void expires_as(eim_sandbox_expires how) {
  eim_sandbox *box = start(&(eim_sandbox_options){.expires = how});
  REQUIRE(box);
  char token[128];
  REQUIRE(eim_sandbox_issue_token(box, "alice", 1000, token, sizeof token));
  raw_socket *s = raw_open(eim_sandbox_port(box), NULL, "/websocket", NULL);
  Easemob__Pb__Provision *answer = s ? raw_provision(s, KEY, "alice", token, "r1", NULL) : NULL;
  REQUIRE(answer);
  CHECK_STR(answer->resource, "r1");
  CHECK_INT(answer->n_protocolcompresstype, 0);
  long long value = 0;
  if (how == EIM_SANDBOX_EXPIRES_ABSENT)
    CHECK(!answer->authtoken);
  else
    REQUIRE(answer->authtoken && sscanf(answer->authtoken, "{\"expires_in\":%lld}", &value) == 1);
  if (how == EIM_SANDBOX_EXPIRES_ABSOLUTE)
    CHECK(value > eim_sandbox_now(box) + 990000 && value <= eim_sandbox_now(box) + 1000000);
  if (how == EIM_SANDBOX_EXPIRES_DURATION) CHECK(value > 990 && value <= 1000);
  easemob__pb__provision__free_unpacked(answer, NULL);
  raw_close(s);
  eim_sandbox_free(box);
}

TEST(token_end_in_the_login_answer) {
  expires_as(EIM_SANDBOX_EXPIRES_ABSOLUTE);
  expires_as(EIM_SANDBOX_EXPIRES_DURATION);
  expires_as(EIM_SANDBOX_EXPIRES_ABSENT);
}

static Easemob__Pb__CommUnreadDL *unread(raw_socket *s) {
  Easemob__Pb__CommUnreadDL *down = NULL;
  if (!raw_send_frame(s, EASEMOB__PB__MSYNC__COMMAND__UNREAD, NULL)) return NULL;
  for (Easemob__Pb__MSync *frame; !down && (frame = raw_read_frame(s)); raw_free_frame(frame))
    if (frame->command == EASEMOB__PB__MSYNC__COMMAND__UNREAD)
      down = easemob__pb__comm_unread_dl__unpack(NULL, frame->payload.len, frame->payload.data);
  return down;
}

/* A page: so many metas, last or not. Returns nextKey. */
static uint64_t page_at(int line, raw_socket *s, const char *name, const uint64_t *key,
                        size_t count, bool last) {
  raw_fetch(s, KEY, name, USER, key);
  Easemob__Pb__CommSyncDL *down = raw_read_sync(s);
  if (!down || !down->status || down->status->errorcode || down->n_metas != count ||
      !down->has_islast || !down->islast != !last || !down->queue ||
      strcmp(down->queue->name, name) != 0 || down->has_metaid)
    eim_test_fail(__FILE__, line, "page of %zu metas, isLast %d", down ? down->n_metas : 999,
                  down ? down->islast : -1);
  if (down && !last && !down->has_nextkey) eim_test_fail(__FILE__, line, "no nextKey");
  for (size_t i = 0; down && i < down->n_metas; i++)
    if (!down->metas[i]->from || !down->metas[i]->from->name)
      eim_test_fail(__FILE__, line, "no from");
  uint64_t next = down ? down->nextkey : 0;
  if (down) easemob__pb__comm_sync_dl__free_unpacked(down, NULL);
  return next;
}
#define PAGE(...) page_at(__LINE__, __VA_ARGS__)

TEST(pages_keys_and_the_end) {
  eim_sandbox *box = start(&(eim_sandbox_options){.page_size = 3});
  REQUIRE(box);
  for (int i = 0; i < 7; i++) eim_sandbox_push(box, "alice", "bob", "hi");
  eim_sandbox_push(box, "alice", "carol", "hi");
  raw_socket *s = raw_login(box, "alice", "pw", "r1");
  REQUIRE(s);
  Easemob__Pb__CommUnreadDL *queues = unread(s);
  REQUIRE(queues);
  CHECK_INT(queues->n_unread, 2);
  CHECK_INT(queues->unread[0]->n, 7);
  CHECK(llabs((long long)queues->timestamp - (long long)eim_sandbox_now(box)) < 10000);
  easemob__pb__comm_unread_dl__free_unpacked(queues, NULL);
  uint64_t first = PAGE(s, "bob", NULL, 3, false);
  CHECK_INT(PAGE(s, "bob", NULL, 3, false), first); /* nothing is removed without a key */
  uint64_t other = PAGE(s, "carol", NULL, 1, false);
  CHECK(other != first);
  uint64_t second = PAGE(s, "bob", &first, 3, false);
  CHECK(second > first && second != other);
  uint64_t before = first - 1;
  CHECK_INT(PAGE(s, "bob", &before, 3, false), second); /* an old key removes nothing more */
  uint64_t third = PAGE(s, "bob", &second, 1, false);
  CHECK_INT(eim_sandbox_waiting(box, "alice"), 2);
  PAGE(s, "bob", &third, 0, true);
  PAGE(s, "carol", &other, 0, true);
  PAGE(s, "nobody", NULL, 0, true);
  CHECK_INT(eim_sandbox_waiting(box, "alice"), 0);
  raw_close(s);
  eim_sandbox_free(box);
}

TEST(content_stays_until_it_is_acknowledged) {
  eim_sandbox *box = start(NULL);
  REQUIRE(box);
  raw_socket *s = raw_login(box, "alice", "pw", "r1");
  REQUIRE(s);
  eim_sandbox_push(box, "alice", "bob", "hi");
  Easemob__Pb__MSync *notice = raw_read_frame(s);
  REQUIRE(notice);
  CHECK_INT(notice->command, EASEMOB__PB__MSYNC__COMMAND__NOTICE);
  raw_free_frame(notice);
  PAGE(s, "bob", NULL, 1, false);
  raw_close(s);                            /* lost before the key */
  s = raw_login(box, "alice", "pw", "r2"); /* one device: the new one takes over */
  REQUIRE(s);
  uint64_t key = PAGE(s, "bob", NULL, 1, false);
  PAGE(s, "bob", &key, 0, true);
  raw_close(s);
  eim_sandbox_free(box);
}

TEST(queues_are_bounded) {
  eim_sandbox *box = start(&(eim_sandbox_options){.queue_limit = 5, .page_size = 100});
  REQUIRE(box);
  for (int i = 0; i < 9; i++) eim_sandbox_push(box, "alice", i % 2 ? "bob" : "carol", "hi");
  CHECK_INT(eim_sandbox_waiting(box, "alice"), 5);
  eim_sandbox_free(box);
}

/* Sends and reads the answer: code, and the server id in *id. */
static int send_text(raw_socket *s, const char *to, const char *domain, uint64_t client_id,
                     int type, const char *text, uint64_t ack, uint64_t *id, char reason[100]) {
  raw_send_text(s, KEY, to, domain, client_id, type, text, ack);
  Easemob__Pb__CommSyncDL *down = raw_read_sync(s);
  int code = down && down->has_metaid && down->metaid == client_id && down->has_serverid &&
                     down->has_timestamp && down->status
                 ? (int)down->status->errorcode
                 : -1;
  if (id) *id = down ? down->serverid : 0;
  if (reason)
    snprintf(reason, 100, "%s",
             down && down->status && down->status->reason ? down->status->reason : "");
  if (down) easemob__pb__comm_sync_dl__free_unpacked(down, NULL);
  return code;
}

TEST(answers_duplicates_and_refusals) {
  eim_sandbox *box = start(NULL);
  REQUIRE(box);
  raw_socket *s = raw_login(box, "alice", "pw", "r1");
  REQUIRE(s);
  uint64_t first, again;
  char reason[100];
  CHECK_INT(send_text(s, "bob", USER, 77, 1, "hi", 0, &first, NULL), 0);
  CHECK_INT(send_text(s, "bob", USER, 77, 1, "hi", 0, &again, NULL), 0);
  CHECK_INT(first, again);
  CHECK(first > (1ull << 53));
  CHECK_INT(eim_sandbox_waiting(box, "bob"), 1);
  CHECK_INT(send_text(s, "nobody", USER, 78, 1, "hi", 0, NULL, NULL), 0);
  char large[6001];
  memset(large, 'x', 6000);
  large[6000] = 0;
  CHECK_INT(send_text(s, "bob", USER, 79, 1, large, 0, NULL, reason), 7);
  CHECK_STR(reason, "Sorry, data is too large");
  CHECK_INT(send_text(s, "g1", GROUP, 80, 2, "hi", 0, NULL, reason), 1);
  CHECK_STR(reason, "group not found");
  CHECK(eim_sandbox_add_group(box, "g1", false, (const char *[]){"bob"}, 1));
  CHECK_INT(send_text(s, "g1", GROUP, 81, 2, "hi", 0, NULL, reason), 1);
  CHECK_STR(reason, "not in group or chatroom");
  CHECK(eim_sandbox_add_group(box, "g1", false, (const char *[]){"alice", "bob"}, 2));
  CHECK_INT(send_text(s, "g1", GROUP, 82, 2, "hi", 0, NULL, NULL), 0);
  CHECK_INT(eim_sandbox_waiting(box, "bob"), 2);
  CHECK_INT(eim_sandbox_waiting(box, "alice"), 0);
  raw_close(s);
  eim_sandbox_free(box);
}

/* As many as a client may have under way (maxPendingSends), and the receipts that it sends
 * meanwhile, drive none of them out. */
TEST(a_thousand_messages_are_known_when_they_come_again) {
  enum { COUNT = 1000 };
  static uint64_t ids[COUNT];
  eim_sandbox *box = start(&(eim_sandbox_options){.queue_limit = 10000});
  REQUIRE(box);
  raw_socket *s = raw_login(box, "alice", "pw", "r1");
  REQUIRE(s);
  char text[16];
  for (int i = 0; i < COUNT; i++) {
    snprintf(text, sizeof text, "n%d", i);
    CHECK_INT(send_text(s, "bob", USER, 1000 + (uint64_t)i, 1, text, 0, &ids[i], NULL), 0);
  }
  for (int i = 0; i < 3 * COUNT; i++)
    CHECK_INT(send_text(s, "carol", USER, 5000 + (uint64_t)i, 5, NULL, 1, NULL, NULL), 0);
  raw_close(s);
  s = raw_login(box, "alice", "pw", "r1");
  REQUIRE(s);
  for (int i = 0; i < COUNT; i++) {
    uint64_t id;
    snprintf(text, sizeof text, "n%d", i);
    CHECK_INT(send_text(s, "bob", USER, 1000 + (uint64_t)i, 1, text, 0, &id, NULL), 0);
    CHECK_INT(id, ids[i]);
  }
  CHECK_INT(eim_sandbox_waiting(box, "bob"), COUNT);
  raw_close(s);
  eim_sandbox_free(box);
}

TEST(recall_within_two_minutes_by_the_sender) {
  eim_sandbox *box = start(NULL);
  REQUIRE(box);
  raw_socket *alice = raw_login(box, "alice", "pw", "r1"), *bob = raw_login(box, "bob", "pw", "r1");
  REQUIRE(alice && bob);
  uint64_t id;
  char reason[100];
  CHECK_INT(send_text(alice, "bob", USER, 1, 1, "hi", 0, &id, NULL), 0);
  CHECK_INT(send_text(bob, "alice", USER, 2, 6, "", id, NULL, reason), 1);
  CHECK_STR(reason, "Sorry, You do not have permission");
  CHECK_INT(send_text(alice, "bob", USER, 3, 6, "", 12345, NULL, reason), 1);
  CHECK_STR(reason, "Sorry, message does not exist");
  CHECK_INT(send_text(alice, "bob", USER, 4, 6, "", id, NULL, NULL), 0);
  eim_sandbox_move_clock(box, 121000);
  CHECK_INT(send_text(alice, "bob", USER, 5, 6, "", id, NULL, reason), 1);
  CHECK_STR(reason, "exceed recall time limit");
  raw_close(alice);
  raw_close(bob);
  eim_sandbox_free(box);
}

/* The kick frame with this operation, then the end. */
static void kicked_at(int line, raw_socket *s, int operation, const char *reason) {
  Easemob__Pb__CommSyncDL *down = s ? raw_read_sync(s) : NULL;
  Easemob__Pb__StatisticsBody *body = NULL;
  if (down && down->n_metas == 1 && down->islast && down->metas[0]->from && down->metas[0]->ns == 0)
    body = easemob__pb__statistics_body__unpack(NULL, down->metas[0]->payload.len,
                                                down->metas[0]->payload.data);
  if (!body || (int)body->operation != operation ||
      strcmp(body->reason ? body->reason : "", reason) != 0)
    eim_test_fail(__FILE__, line, "kick %d %s", body ? (int)body->operation : -1,
                  body && body->reason ? body->reason : "");
  if (body) easemob__pb__statistics_body__free_unpacked(body, NULL);
  if (down) easemob__pb__comm_sync_dl__free_unpacked(down, NULL);
  if (!s || !raw_ended(s)) eim_test_fail(__FILE__, line, "not closed");
  raw_close(s);
}
#define KICKED(...) kicked_at(__LINE__, __VA_ARGS__)

static raw_socket *login_with_reason(eim_sandbox *box, const char *resource, const char *reason) {
  char *token = raw_token(box, "alice", "pw");
  raw_socket *s = raw_open(eim_sandbox_port(box), NULL, "/websocket", NULL);
  Easemob__Pb__Provision *answer =
      s && token ? raw_provision(s, KEY, "alice", token, resource, reason) : NULL;
  if (answer) easemob__pb__provision__free_unpacked(answer, NULL);
  free(token);
  return s;
}

TEST(kicks) {
  eim_sandbox *box = start(NULL);
  REQUIRE(box);
  raw_socket *one = raw_login(box, "alice", "pw", "r1");
  CHECK_INT(eim_sandbox_kick(box, "alice", "other", 4, NULL), 0);
  CHECK_INT(eim_sandbox_kick(box, "alice", "r1", 4, NULL), 1);
  KICKED(one, 4, "");
  one = raw_login(box, "alice", "pw", "r1");
  raw_socket *two = login_with_reason(box, "r2", "tablet");
  KICKED(one, 2, "tablet");
  CHECK(eim_sandbox_set_password(box, "alice", "new"));
  KICKED(two, 3, "");
  CHECK(!raw_login(box, "alice", "pw", "r1"));
  one = raw_login(box, "alice", "new", "r1");
  CHECK(eim_sandbox_remove_user(box, "alice"));
  KICKED(one, 1, "");
  one = raw_login(box, "bob", "pw", "r1");
  two = raw_login(box, "bob", "pw", "r1"); /* the same device again: no kick, just the end */
  REQUIRE(one && two);
  CHECK(raw_read(one, NULL, NULL) == 8);
  CHECK(eim_sandbox_set_active(box, "bob", false));
  CHECK(raw_ended(two));
  raw_close(one);
  raw_close(two);
  eim_sandbox_free(box);
}

TEST(several_devices_up_to_the_limit) {
  eim_sandbox *box = start(&(eim_sandbox_options){.multi_device = true, .device_limit = 2});
  REQUIRE(box);
  raw_socket *one = raw_login(box, "alice", "pw", "r1"), *two = raw_login(box, "alice", "pw", "r2");
  REQUIRE(one && two);
  CHECK_INT(eim_sandbox_sessions(box, "alice"), 2);
  CHECK_INT(send_text(one, "bob", USER, 5, 1, "hi", 0, NULL, NULL), 0);
  uint64_t key = PAGE(two, "bob", NULL, 1, false); /* the copy for the other device */
  PAGE(two, "bob", &key, 0, true);
  raw_socket *three = raw_login(box, "alice", "pw", "r3");
  KICKED(one, 2, "");
  raw_close(two);
  raw_close(three);
  eim_sandbox_free(box);
  box = start(
      &(eim_sandbox_options){.multi_device = true, .device_limit = 1, .refuse_over_limit = true});
  REQUIRE(box);
  one = raw_login(box, "alice", "pw", "r1");
  char token[128];
  REQUIRE(eim_sandbox_issue_token(box, "alice", 0, token, sizeof token));
  raw_socket *s = raw_open(eim_sandbox_port(box), NULL, "/websocket", NULL);
  Easemob__Pb__Provision *answer = raw_provision(s, KEY, "alice", token, "r2", NULL);
  REQUIRE(answer && answer->status);
  CHECK_INT(answer->status->errorcode, 13);
  easemob__pb__provision__free_unpacked(answer, NULL);
  raw_close(s);
  raw_close(one);
  eim_sandbox_free(box);
}

TEST(hostile_frames_end_their_own_line_only) {
  eim_sandbox *box = start(NULL);
  REQUIRE(box);
  raw_socket *good = raw_login(box, "bob", "pw", "r1");
  REQUIRE(good);
  static const struct {
    const char *bytes;
    size_t size;
    int opcode;
  } frames[] = {{"\xff\xff\xff\xff", 4, 2},
                {"\x4a\xff\xff\xff\xff\x0f", 6, 2},
                {"\x40\x03\x4a\x02\x0a\xff", 6, 2},
                {"\x40\x01", 2, 2},
                {"\x40\x63", 2, 2},
                {"", 0, 2},
                {"text", 4, 1}};
  for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
    raw_socket *s = raw_open(eim_sandbox_port(box), NULL, "/websocket", NULL);
    REQUIRE(s);
    raw_send(s, frames[i].opcode, frames[i].bytes, frames[i].size);
    if (!raw_ended(s)) eim_test_fail(__FILE__, __LINE__, "frame %zu did not end the line", i);
    raw_close(s);
  }
  raw_socket *s = raw_open(eim_sandbox_port(box), NULL, "/websocket", NULL);
  REQUIRE(s);
  char *large = calloc(1, 70000);
  raw_send(s, 2, large, 70000);
  CHECK(raw_ended(s));
  free(large);
  raw_close(s);
  Easemob__Pb__CommUnreadDL *down = unread(good);
  CHECK(down);
  if (down) easemob__pb__comm_unread_dl__free_unpacked(down, NULL);
  raw_close(good);
  eim_sandbox_free(box);
}

TEST(logout_is_answered_and_pings_are_not) {
  eim_sandbox *box = start(NULL);
  REQUIRE(box);
  raw_socket *s = raw_login(box, "alice", "pw", "r1");
  REQUIRE(s);
  Easemob__Pb__Meta meta = EASEMOB__PB__META__INIT;
  meta.has_id = meta.has_ns = 1;
  meta.id = 5;
  Easemob__Pb__CommSyncUL up = EASEMOB__PB__COMM_SYNC_UL__INIT;
  up.meta = &meta;
  raw_send_frame(s, EASEMOB__PB__MSYNC__COMMAND__SYNC, &up.base);
  Easemob__Pb__Logout bye = EASEMOB__PB__LOGOUT__INIT;
  bye.sessionid = (char *)"77:";
  raw_send_frame(s, EASEMOB__PB__MSYNC__COMMAND__LOGOUT, &bye.base);
  Easemob__Pb__MSync *frame = raw_read_frame(s); /* the ping before it got nothing */
  REQUIRE(frame && frame->command == EASEMOB__PB__MSYNC__COMMAND__LOGOUT);
  Easemob__Pb__Logout *answer =
      easemob__pb__logout__unpack(NULL, frame->payload.len, frame->payload.data);
  REQUIRE(answer && answer->status);
  CHECK_STR(answer->sessionid, "77:");
  CHECK_INT(eim_sandbox_count(box, EIM_SANDBOX_PING), 1);
  easemob__pb__logout__free_unpacked(answer, NULL);
  raw_free_frame(frame);
  raw_close(s);
  eim_sandbox_free(box);
}
