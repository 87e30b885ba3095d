/* Files that do not touch the disk: downloads into memory, and the files of combined messages, over
 * real sockets. */
#include <eim_sandbox.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cJSON.h"
#include "eim_test.h"
#include "peer.h"

EIM_TEST_MAIN

static eim_sandbox *sandbox;
static char api[128], url[128], key[64], source[] = "/tmp/eim-memory-XXXXXX";
static const char *options[8] = {api, url, key, "requestTimeout=5000", NULL};

static bool begin(peer *alice, peer *bob) {
  char error[256];
  sandbox = eim_sandbox_new(NULL, error, sizeof error);
  if (!sandbox) return false;
  eim_sandbox_add_user(sandbox, "alice", "pw-a");
  eim_sandbox_add_user(sandbox, "bob", "pw-b");
  snprintf(api, sizeof api, "apiUrl=%s", eim_sandbox_api_url(sandbox));
  snprintf(url, sizeof url, "url=%s", eim_sandbox_url(sandbox));
  snprintf(key, sizeof key, "appKey=%s", eim_sandbox_app_key(sandbox));
  peer_start(alice, NULL, 1, options);
  CHECK_INT(peer_code(alice, peer_open_password(alice, "alice", "pw-a")), 0);
  if (!bob) return true;
  peer_start(bob, NULL, 1, options);
  CHECK_INT(peer_code(bob, peer_open_password(bob, "bob", "pw-b")), 0);
  return true;
}

static void end(peer *alice, peer *bob) {
  peer_stop(alice);
  if (bob) peer_stop(bob);
  eim_sandbox_free(sandbox);
}

/* Uploads these bytes; where they are. */
static bool upload(peer *p, const void *bytes, size_t size, char *where, char *secret) {
  strcpy(source + sizeof source - 7, "XXXXXX");
  int fd = mkstemp(source);
  bool good = fd >= 0 && write(fd, bytes, size) == (ssize_t)size;
  if (fd >= 0) close(fd);
  good = good && peer_upload(p, source, where, secret);
  unlink(source);
  return good;
}

static const peer_event *fetch(peer *p, const char *where, const char *secret, int64_t max) {
  uint64_t token = ++p->last_token;
  if (eim_client_download(p->client, where, secret, NULL, max, false, token)) return NULL;
  return peer_result(p, token);
}

TEST(a_file_comes_into_memory) {
  static uint8_t bytes[1000000];
  static const size_t sizes[] = {0, 1, 70000, sizeof bytes};
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 2654435761u >> 13);
  char where[256], secret[64];
  peer alice;
  REQUIRE(begin(&alice, NULL));
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    size_t length = 77;
    REQUIRE(upload(&alice, bytes, sizes[i], where, secret));
    const peer_event *got = fetch(&alice, where, secret, 0);
    REQUIRE(got && !got->error);
    const void *here = eim_result_bytes(got->result, &length);
    CHECK_INT(length, sizes[i]);
    REQUIRE(here && length == sizes[i]);
    CHECK(!memcmp(here, bytes, length));
    char expected[64];
    snprintf(expected, sizeof expected, "{\"file_length\":%zu}", sizes[i]);
    CHECK_STR(eim_result_json(got->result), expected);
    CHECK_INT(eim_result_message_count(got->result), 0);
    CHECK(!eim_result_message(got->result, 0));
  }
  /* No more than was allowed, whatever the server sends. */
  const peer_event *got = fetch(&alice, where, secret, sizeof bytes);
  REQUIRE(got && !got->error);
  got = fetch(&alice, where, secret, sizeof bytes - 1);
  REQUIRE(got && got->error);
  CHECK_INT(eim_error_code(got->error), EIM_CODE_FILE_TOO_LARGE);
  size_t length = 77;
  CHECK(eim_result_bytes(got->result, &length) != NULL);
  CHECK_INT(length, 0);
  got = fetch(&alice, where, "wrong", 0);
  REQUIRE(got && got->error);
  CHECK_CONTAINS(eim_error_detail(got->error), "\"httpStatus\":401");
  CHECK_CONTAINS(eim_error_detail(got->error), "unauthorized");
  CHECK_INT(eim_client_download(alice.client, where, secret, "", 0, false, 9), EIM_E_INVALID);
  CHECK_INT(eim_client_download(alice.client, where, secret, NULL, -1, false, 9), EIM_E_INVALID);
  end(&alice, NULL);
}

static eim_message *combined(const char *messages) {
  char json[4096];
  eim_message *message = NULL;
  snprintf(json, sizeof json,
           "{\"type\":\"combine\",\"to\":\"bob\",\"title\":\"Chat\",\"summary\":\"two lines\","
           "\"compatibleText\":\"fallback\",\"messages\":[%s]}",
           messages);
  if (eim_message_from_json(json, &message))
    eim_test_fail(__FILE__, __LINE__, "%s", eim_error_message(eim_last_error()));
  return message;
}

static const peer_event *unfold(peer *p, const eim_message *message) {
  uint64_t token = ++p->last_token;
  if (eim_client_download_combined(p->client, message, token)) return NULL;
  return peer_result(p, token);
}

/* Messages one in the other, each sent, received and unfolded. */
TEST(combined_messages_are_folded_and_unfolded) {
  peer alice, bob;
  REQUIRE(begin(&alice, &bob));
  char inner[4096] =
      "{\"type\":\"txt\",\"id\":\"1882601052947087435\",\"from\":\"carl\",\"to\":"
      "\"alice\",\"time\":1795388272240,\"msg\":\"h\\u00e4\"},{\"type\":\"txt\",\"to\":"
      "\"carl\",\"msg\":\"own\",\"ext\":{\"n\":1}}";
  for (int level = 1; level <= 10; level++) {
    eim_message *message = combined(inner);
    REQUIRE(message);
    uint64_t token = ++alice.last_token;
    REQUIRE(!eim_client_send(alice.client, message, token));
    eim_message_unref(message);
    CHECK_INT(peer_code(&alice, token), 0);
    const peer_event *got = peer_wait(&bob, PEER_MESSAGE, PEER_WAIT);
    REQUIRE(got);
    eim_message *received = got->message;
    CHECK_STR(eim_message_type(received), "combine");
    cJSON *body = cJSON_Parse(eim_message_body(received));
    CHECK_INT(cJSON_GetObjectItem(body, "combineLevel")->valueint, level);
    CHECK_STR(cJSON_GetObjectItem(body, "title")->valuestring, "Chat");
    CHECK_STR(cJSON_GetObjectItem(body, "compatibleText")->valuestring, "fallback");
    CHECK_STR(cJSON_GetObjectItem(body, "filename")->valuestring, "combine");
    CHECK(cJSON_GetObjectItem(body, "file_length")->valueint > 100);
    cJSON_Delete(body);
    got = unfold(&bob, received);
    REQUIRE(got && !got->error);
    CHECK_STR(eim_result_json(got->result), level == 1 ? "{\"count\":2}" : "{\"count\":1}");
    const eim_message *first = eim_result_message(got->result, 0);
    if (level == 1) {
      CHECK_STR(eim_message_text(first), "h\xc3\xa4");
      CHECK_STR(eim_message_from(first), "carl");
      CHECK_STR(eim_message_id(first), "1882601052947087435");
      CHECK_INT(eim_message_time(first), 1795388272240);
      first = eim_result_message(got->result, 1);
      CHECK_STR(eim_message_from(first), "alice");
      CHECK_STR(eim_message_ext(first), "{\"n\":1}");
      CHECK(eim_message_time(first) > 1700000000000);
    } else {
      CHECK_STR(eim_message_type(first), "combine");
      CHECK_STR(eim_message_from(first), "alice");
      got = unfold(&bob, first); /* one deeper */
      REQUIRE(got && !got->error);
    }
    /* The one that was received goes into the next. */
    snprintf(inner, sizeof inner, "%s", eim_message_to_json(received));
  }
  eim_message *eleventh = NULL;
  char json[8192];
  snprintf(json, sizeof json, "{\"type\":\"combine\",\"to\":\"bob\",\"messages\":[%s]}", inner);
  CHECK_INT(eim_message_from_json(json, &eleventh), EIM_E_INVALID);
  end(&alice, &bob);
}

/* A message whose file is something else: an error, and nothing else happens. */
TEST(combined_messages_with_a_file_that_is_none) {
  static uint8_t huge[5 << 20];
  static const struct {
    const void *bytes;
    size_t size;
    int code;
  } files[] = {{"cm", 2, EIM_CODE_FILE_INVALID},
               {"", 0, EIM_CODE_FILE_INVALID},
               {"cm\0\0\0\x05xxxxx\0", 12, EIM_CODE_FILE_INVALID},
               {"\x89PNG\r\n\x1a\n", 8, EIM_CODE_FILE_INVALID},
               {huge, sizeof huge, EIM_CODE_FILE_TOO_LARGE}};
  char where[256], secret[64], json[512];
  peer alice;
  REQUIRE(begin(&alice, NULL));
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    REQUIRE(upload(&alice, files[i].bytes, files[i].size, where, secret));
    snprintf(json, sizeof json,
             "{\"type\":\"combine\",\"to\":\"bob\",\"url\":\"%s\",\"secret\":\"%s\"}", where,
             secret);
    eim_message *message = NULL;
    REQUIRE(!eim_message_from_json(json, &message));
    const peer_event *got = unfold(&alice, message);
    REQUIRE(got && got->error);
    CHECK_INT(eim_error_code(got->error), files[i].code);
    CHECK_INT(eim_result_message_count(got->result), 0);
    eim_message_unref(message);
  }
  CHECK_INT(peer_code(&alice, peer_send(&alice, "bob", "still here")), 0);
  eim_message *text = NULL;
  REQUIRE(!eim_message_new_text(EIM_CHAT_SINGLE, "bob", "x", NULL, &text));
  CHECK_INT(eim_client_download_combined(alice.client, text, 9), EIM_E_INVALID);
  CHECK_INT(eim_client_download_combined(alice.client, NULL, 9), EIM_E_INVALID);
  eim_message_unref(text);
  eim_message *unsent = combined("{\"type\":\"txt\",\"to\":\"b\",\"msg\":\"x\"}");
  CHECK_INT(eim_client_download_combined(alice.client, unsent, 9), EIM_E_INVALID);
  eim_message_unref(unsent);
  end(&alice, NULL);
}

TEST(combined_messages_and_use_own_upload_fun) {
  peer alice;
  options[4] = "useOwnUploadFun=true";
  REQUIRE(begin(&alice, NULL));
  options[4] = NULL;
  eim_message *message = combined("{\"type\":\"txt\",\"to\":\"b\",\"msg\":\"x\"}");
  CHECK_INT(eim_client_send(alice.client, message, 5), EIM_E_INVALID);
  CHECK_CONTAINS(eim_error_message(eim_last_error()), "set url, not messages");
  eim_message_unref(message);
  end(&alice, NULL);
}
