/* The text transports of the sandbox's message socket: docs/protocol.md 4. Bytes are compared, not
 * only meanings: base64 here is OpenSSL's, the frames are as the recorded SDKs sent them. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eim_test.h"
#include "raw_client.h"

EIM_TEST_MAIN

#define SOCKJS "/ws/372/xzpgjlzd/websocket"
enum { TEXT = 1, BINARY = 2, CLOSE = 8 };

static eim_sandbox *start(void) {
  char error[200];
  eim_sandbox *box = eim_sandbox_new(NULL, error, sizeof error);
  if (!box) eim_test_fail(__FILE__, __LINE__, "%s", error);
  if (box) eim_sandbox_add_user(box, "alice", "pw");
  return box;
}

/* base64 of an MSync with a PROVISION; bare, or as SockJS clients send it. */
static char *login(eim_sandbox *box, const char *token, bool sockjs) {
  Easemob__Pb__JID jid = EASEMOB__PB__JID__INIT;
  jid.appkey = (char *)eim_sandbox_app_key(box);
  jid.name = (char *)"alice";
  jid.domain = (char *)"easemob.com";
  jid.clientresource = (char *)"r1";
  char auth[200];
  snprintf(auth, sizeof auth, "$t$%s", token);
  Easemob__Pb__Provision provision = EASEMOB__PB__PROVISION__INIT;
  uint8_t inner[64], bytes[512];
  Easemob__Pb__MSync frame = EASEMOB__PB__MSYNC__INIT;
  frame.guid = &jid;
  frame.auth = auth;
  frame.has_command = frame.has_payload = 1;
  frame.command = EASEMOB__PB__MSYNC__COMMAND__PROVISION;
  frame.payload.data = inner;
  frame.payload.len = easemob__pb__provision__pack(&provision, inner);
  size_t size = easemob__pb__msync__pack(&frame, bytes);
  char *text = calloc(1, 1024);
  if (!text) return NULL;
  size_t at = sockjs ? (size_t)sprintf(text, "[\"") : 0;
  at += (size_t)EVP_EncodeBlock((unsigned char *)text + at, bytes, (int)size);
  if (sockjs) strcpy(text + at, "\"]");
  return text;
}

/* The next message is this text. */
static void says_at(int line, raw_socket *s, const char *text) {
  const uint8_t *bytes;
  size_t size;
  int opcode = raw_read(s, &bytes, &size);
  if (opcode != TEXT || size != strlen(text) || memcmp(bytes, text, size) != 0)
    eim_test_fail(__FILE__, line, "not %s but opcode %d %.*s", text, opcode,
                  opcode == TEXT ? (int)size : 0, (const char *)bytes);
}
#define SAYS(s, text) says_at(__LINE__, s, text)

/* The next message is an MSync between these texts. */
static Easemob__Pb__MSync *frame_between(raw_socket *s, const char *before, const char *after) {
  const uint8_t *bytes;
  size_t size, first = strlen(before), last = strlen(after);
  if (raw_read(s, &bytes, &size) != TEXT || size < first + last ||
      memcmp(bytes, before, first) != 0 || memcmp(bytes + size - last, after, last) != 0)
    return NULL;
  const uint8_t *code = bytes + first;
  size_t length = size - first - last, padding = 0;
  uint8_t *plain = malloc(length + 1);
  while (padding < 2 && length > padding && code[length - 1 - padding] == '=') padding++;
  int got = plain ? EVP_DecodeBlock(plain, code, (int)length) : -1;
  Easemob__Pb__MSync *frame =
      got < 0 ? NULL : easemob__pb__msync__unpack(NULL, (size_t)got - padding, plain);
  free(plain);
  return frame;
}

static void provisioned_at(int line, raw_socket *s, const char *before, const char *after,
                           int code) {
  Easemob__Pb__MSync *frame = frame_between(s, before, after);
  Easemob__Pb__Provision *answer =
      frame && frame->command == EASEMOB__PB__MSYNC__COMMAND__PROVISION
          ? easemob__pb__provision__unpack(NULL, frame->payload.len, frame->payload.data)
          : NULL;
  if (!answer || !answer->status || (int)answer->status->errorcode != code)
    eim_test_fail(__FILE__, line, "no answer %d to PROVISION", code);
  if (answer) easemob__pb__provision__free_unpacked(answer, NULL);
  if (frame) easemob__pb__msync__free_unpacked(frame, NULL);
}
#define PROVISIONED(...) provisioned_at(__LINE__, __VA_ARGS__)

TEST(sockjs_login_push_kick) {
  eim_sandbox *box = start();
  REQUIRE(box);
  uint16_t port = eim_sandbox_port(box);
  char expected[100], token[128];
  snprintf(expected, sizeof expected, "http://127.0.0.1:%d/ws", port);
  CHECK_STR(eim_sandbox_sockjs_url(box), expected);
  raw_answer info = raw_http(port, NULL, "GET", "/ws/info?t=1", NULL, NULL, NULL);
  CHECK_INT(info.status, 200);
  CHECK(cJSON_IsTrue(cJSON_GetObjectItem(info.json, "websocket")));
  CHECK(cJSON_IsFalse(cJSON_GetObjectItem(info.json, "cookie_needed")));
  CHECK(cJSON_IsNumber(cJSON_GetObjectItem(info.json, "entropy")));
  raw_free(&info);
  int status = 0;
  CHECK(!raw_open(port, NULL, "/ws/372/xzpgjlzd/xhr", &status)); /* no fallbacks */
  CHECK_INT(status, 404);
  REQUIRE(eim_sandbox_issue_token(box, "alice", 0, token, sizeof token));
  raw_socket *s = raw_open(port, NULL, SOCKJS, NULL);
  REQUIRE(s);
  SAYS(s, "o");
  CHECK(raw_send(s, TEXT, "", 0)); /* allowed, and nothing */
  char *text = login(box, token, true);
  REQUIRE(text);
  CHECK(raw_send(s, TEXT, text, strlen(text)));
  free(text);
  PROVISIONED(s, "a[\"", "\"]", 0);
  CHECK_INT(eim_sandbox_sessions(box, "alice"), 1);
  CHECK(eim_sandbox_kick(box, "alice", NULL, EIM_SANDBOX_KICK_FORCED, NULL));
  Easemob__Pb__MSync *kick = frame_between(s, "a[\"", "\"]");
  CHECK(kick && kick->command == EASEMOB__PB__MSYNC__COMMAND__SYNC);
  raw_free_frame(kick);
  SAYS(s, "c[3000,\"Go away!\"]");
  CHECK(raw_ended(s));
  raw_close(s);
  eim_sandbox_free(box);
}

TEST(refusals_in_text) {
  eim_sandbox *box = start();
  REQUIRE(box);
  for (int sockjs = 0; sockjs < 2; sockjs++) {
    raw_socket *s = raw_open(eim_sandbox_port(box), NULL, sockjs ? SOCKJS : "/websocket", NULL);
    REQUIRE(s);
    if (sockjs) SAYS(s, "o");
    char *text = login(box, "YWMtnone", sockjs);
    REQUIRE(text);
    CHECK(raw_send(s, TEXT, text, strlen(text)));
    free(text);
    PROVISIONED(s, sockjs ? "a[\"" : "", sockjs ? "\"]" : "", 1);
    SAYS(s, sockjs ? "c[401,\"normal closed\"]" : "[401,\"normal closed\"]");
    CHECK(raw_ended(s));
    raw_close(s);
  }
  eim_sandbox_free(box);
}

TEST(base64_login) {
  eim_sandbox *box = start();
  REQUIRE(box);
  char token[128];
  REQUIRE(eim_sandbox_issue_token(box, "alice", 0, token, sizeof token));
  raw_socket *s = raw_open(eim_sandbox_port(box), NULL, "/websocket", NULL);
  REQUIRE(s);
  char *text = login(box, token, false);
  REQUIRE(text);
  CHECK(raw_send(s, TEXT, text, strlen(text)));
  free(text);
  PROVISIONED(s, "", "", 0);
  CHECK(raw_send(s, BINARY, "\x40\x01", 2)); /* the kind does not change on the way: proposed */
  CHECK(raw_ended(s));
  raw_close(s);
  eim_sandbox_free(box);
}

TEST(hostile_text_ends_its_own_line_only) {
  eim_sandbox *box = start();
  REQUIRE(box);
  static const struct {
    const char *path, *text;
  } bad[] = {{"/websocket", "=="},
             {"/websocket", "===="},
             {"/websocket", "AAA"},
             {"/websocket", "A*AA"},
             {"/websocket", "////"},
             {SOCKJS, "{}"},
             {SOCKJS, "["},
             {SOCKJS, "[1]"},
             {SOCKJS, "[\"AAA\"]"},
             {SOCKJS, "[\"\"]"},
             {SOCKJS, "[[\"QAFYAA==\"]]"},
             {SOCKJS, "\"////\""}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    raw_socket *s = raw_open(eim_sandbox_port(box), NULL, bad[i].path, NULL);
    REQUIRE(s);
    if (bad[i].path[3] == '/') SAYS(s, "o");
    CHECK(raw_send(s, TEXT, bad[i].text, strlen(bad[i].text)));
    if (!raw_ended(s)) eim_test_fail(__FILE__, __LINE__, "goes on after %s", bad[i].text);
    raw_close(s);
  }
  raw_socket *s = raw_open(eim_sandbox_port(box), NULL, SOCKJS, NULL);
  REQUIRE(s);
  SAYS(s, "o");
  CHECK(raw_send(s, BINARY, "\x40\x01", 2)); /* SockJS is text */
  CHECK(raw_ended(s));
  raw_close(s);
  static const char *const paths[] = {"/ws",
                                      "/ws/websocket",
                                      "/ws/1/websocket",
                                      "/ws//a/websocket",
                                      "/ws/1/a.b/websocket",
                                      "/ws/1/a/b/websocket"};
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    int status = 0;
    CHECK(!raw_open(eim_sandbox_port(box), NULL, paths[i], &status));
    if (status != 404) eim_test_fail(__FILE__, __LINE__, "%s: %d", paths[i], status);
  }
  eim_sandbox_free(box);
}

/* Its sender learns why, although much more of it is on its way: a line that is closed with
 * something unread in it would be reset, and the close frame lost. */
TEST(a_frame_above_the_limit_is_closed_with_1009) {
  enum { SIZE = 4000000 };
  eim_sandbox *box = start();
  raw_socket *s = raw_login(box, "alice", "pw", "r1");
  REQUIRE(s);
  uint8_t *large = calloc(1, SIZE);
  REQUIRE(raw_send(s, BINARY, large, SIZE));
  free(large);
  const uint8_t *bytes = NULL;
  size_t size = 0;
  CHECK_INT(raw_read(s, &bytes, &size), CLOSE);
  REQUIRE(size == 2);
  CHECK_INT(bytes[0] << 8 | bytes[1], 1009);
  raw_close(s);
  eim_sandbox_free(box);
}
