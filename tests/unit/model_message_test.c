#include "eim_test.h"

#include "model/error.h"
#include "model/event.h"
#include "model/message.h"

static eim_message *const untouched = (eim_message *)8;

static void check_bad(const char *part, eim_chat_type type, const char *to, const char *text,
                      const char *ext) {
  eim_message *message = untouched;
  CHECK_INT(eim_message_new_text(type, to, text, ext, &message), EIM_E_INVALID);
  CHECK(message == untouched);
  CHECK_CONTAINS(eim_error_message(eim_last_error()), part);
}

TEST(text_message) {
  eim_message *message = NULL;
  REQUIRE(!eim_message_new_text(EIM_CHAT_GROUP, "4711", "hi \"\xf0\x9f\x98\x80\"\n", "{\"n\":[1]}",
                                &message));
  CHECK_INT(eim_message_get_kind(message), EIM_MESSAGE_TEXT);
  CHECK_STR(eim_message_type(message), "txt");
  CHECK_INT(eim_message_get_chat_type(message), EIM_CHAT_GROUP);
  CHECK_STR(eim_message_to(message), "4711");
  CHECK_STR(eim_message_text(message), "hi \"\xf0\x9f\x98\x80\"\n");
  CHECK_STR(eim_message_ext(message), "{\"n\":[1]}");
  CHECK_CONTAINS(eim_message_body(message), "\"type\":\"txt\"");
  CHECK_CONTAINS(eim_message_body(message), "\\n");
  CHECK_STR(eim_message_id(message), "");
  CHECK_STR(eim_message_from(message), "");
  CHECK_STR(eim_message_from_resource(message), "");
  CHECK_INT(eim_message_time(message), 0);
  CHECK_INT(message->online_state, 3);
  eim_message *second = eim_message_ref(message);
  eim_message_unref(message);
  CHECK_STR(eim_message_to(second), "4711");
  eim_message_unref(second);
}

TEST(messages_without_ext) {
  eim_message *message = NULL;
  REQUIRE(!eim_message_new_text(EIM_CHAT_SINGLE, "bob", "x", NULL, &message));
  CHECK_STR(eim_message_ext(message), "{}");
  eim_message_unref(message);
}

TEST(bad_messages) {
  check_bad("to is empty", EIM_CHAT_SINGLE, NULL, "x", NULL);
  check_bad("to is empty", EIM_CHAT_SINGLE, "", "x", NULL);
  check_bad("to has a control", EIM_CHAT_SINGLE, "a\nb", "x", NULL);
  check_bad("to is not valid UTF-8", EIM_CHAT_SINGLE, "\xff", "x", NULL);
  check_bad("msg is empty", EIM_CHAT_SINGLE, "bob", NULL, NULL);
  check_bad("msg is empty", EIM_CHAT_SINGLE, "bob", "", NULL);
  check_bad("msg is not valid UTF-8", EIM_CHAT_SINGLE, "bob", "\xed\xa0\xbd", NULL);
  check_bad("chat type 9", (eim_chat_type)9, "bob", "x", NULL);
  check_bad("not a JSON object", EIM_CHAT_SINGLE, "bob", "x", "[1]");
  check_bad("ext is not JSON", EIM_CHAT_SINGLE, "bob", "x", "{\"a\":1");
  check_bad("ext is not JSON", EIM_CHAT_SINGLE, "bob", "x", "{} x");
  check_bad("ext is not valid UTF-8", EIM_CHAT_SINGLE, "bob", "x", "{\"a\":\"\xff\"}");
  CHECK_INT(eim_message_new_text(EIM_CHAT_SINGLE, "bob", "x", NULL, NULL), EIM_E_INVALID);
}

TEST(ext_depth_is_bounded) {
  char deep[4096] = "{\"a\":";
  size_t n = strlen(deep);
  memset(deep + n, '[', 1000);
  check_bad("nested", EIM_CHAT_SINGLE, "bob", "x", deep);
  eim_message *message = NULL; /* brackets in strings are text */
  REQUIRE(!eim_message_new_text(EIM_CHAT_SINGLE, "bob", "x",
                                "{\"a\":\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"}",
                                &message));
  eim_message_unref(message);
}

TEST(sizes_are_bounded) {
  enum { LIMIT = 1 << 20 };
  char *text = malloc(LIMIT + 2);
  REQUIRE(text);
  memset(text, 'x', LIMIT + 1);
  text[LIMIT + 1] = 0;
  check_bad("1048577 bytes", EIM_CHAT_SINGLE, "bob", text, NULL);
  CHECK_INT(eim_error_code(eim_last_error()), EIM_CODE_MESSAGE_SIZE_LIMIT);
  text[LIMIT] = 0;
  eim_message *message = NULL;
  CHECK_INT(eim_message_new_text(EIM_CHAT_SINGLE, "bob", text, NULL, &message), EIM_OK);
  CHECK(strlen(eim_message_text(message)) == LIMIT);
  eim_message_unref(message);
  text[256] = 0;
  check_bad("to has 256 bytes", EIM_CHAT_SINGLE, text, "x", NULL);
  free(text);
}

TEST(type_names) {
  static const char *const names[] = {"unknown", "txt",  "img", "video",  "loc",
                                      "audio",   "file", "cmd", "custom", "combine"};
  eim_message *message = eim_message_alloc(0);
  REQUIRE(message);
  for (int kind = 0; kind < 10; kind++) {
    message->kind = (eim_message_kind)kind;
    CHECK_STR(eim_message_type(message), names[kind]);
  }
  message->kind = (eim_message_kind)99;
  CHECK_STR(eim_message_type(message), "unknown");
  eim_message_unref(message);
}

TEST(null_messages) {
  CHECK(eim_message_ref(NULL) == NULL);
  eim_message_unref(NULL);
  CHECK_INT(eim_message_get_kind(NULL), EIM_MESSAGE_UNKNOWN);
  CHECK_STR(eim_message_type(NULL), "unknown");
  CHECK_STR(eim_message_id(NULL), "");
  CHECK_STR(eim_message_from(NULL), "");
  CHECK_STR(eim_message_to(NULL), "");
  CHECK_STR(eim_message_from_resource(NULL), "");
  CHECK(eim_message_text(NULL) == NULL);
  CHECK_STR(eim_message_ext(NULL), "{}");
  CHECK_STR(eim_message_body(NULL), "{}");
  CHECK_INT(eim_message_time(NULL), 0);
  CHECK_INT(eim_message_get_chat_type(NULL), EIM_CHAT_SINGLE);
}

TEST(state_changes) {
  eim_error *cause = eim_error_new(206, EIM_DOMAIN_SERVER, 2, EIM_ERROR_FINAL, "kicked");
  eim_state_change *change = eim_state_change_new(EIM_STATE_ONLINE, EIM_STATE_WAITING, cause, 3,
                                                  1500, true, "alice", NULL);
  eim_error_unref(cause);
  REQUIRE(change);
  CHECK_INT(eim_state_change_previous(change), EIM_STATE_ONLINE);
  CHECK_INT(eim_state_change_state(change), EIM_STATE_WAITING);
  CHECK_INT(eim_error_code(eim_state_change_cause(change)), 206);
  CHECK_INT(eim_state_change_attempt(change), 3);
  CHECK_INT(eim_state_change_next_retry_ms(change), 1500);
  CHECK(eim_state_change_will_retry(change));
  CHECK_STR(eim_state_change_user(change), "alice");
  CHECK_STR(eim_state_change_resource(change), "");
  eim_state_change *second = eim_state_change_ref(change);
  eim_state_change_unref(change);
  CHECK_STR(eim_state_change_user(second), "alice");
  eim_state_change_unref(second);
  CHECK(eim_state_change_cause(NULL) == NULL);
  CHECK_STR(eim_state_change_user(NULL), "");
  CHECK_STR(eim_state_name(EIM_STATE_PROVISIONING), "PROVISIONING");
  CHECK_STR(eim_state_name(EIM_STATE_CLOSED), "CLOSED");
  CHECK_STR(eim_state_name((eim_state)8), "UNKNOWN");
  CHECK_STR(eim_state_name((eim_state)-1), "UNKNOWN");
}

TEST(other_payloads) {
  eim_token_event *token = eim_token_event_new(EIM_TOKEN_EXPIRED, 5, 6, 7);
  CHECK_INT(eim_token_event_reason(token), EIM_TOKEN_EXPIRED);
  CHECK_INT(eim_token_event_expires_at(token), 5);
  CHECK_INT(eim_token_event_remaining_ms(token), 6);
  CHECK_INT(eim_token_event_deadline_ms(token), 7);
  eim_token_event_unref(token);

  eim_receipt *receipt = eim_receipt_new(EIM_RECEIPT_READ, EIM_CHAT_GROUP, "18446744073709551615",
                                         NULL, "bob", "al", 9, "{\"ackContent\":\"x\"}");
  CHECK_INT(eim_receipt_get_kind(receipt), EIM_RECEIPT_READ);
  CHECK_INT(eim_receipt_get_chat_type(receipt), EIM_CHAT_GROUP);
  CHECK_STR(eim_receipt_message_id(receipt), "18446744073709551615");
  CHECK_STR(eim_receipt_local_id(receipt), "");
  CHECK_STR(eim_receipt_from(receipt), "bob");
  CHECK_STR(eim_receipt_to(receipt), "al");
  CHECK_INT(eim_receipt_time(receipt), 9);
  eim_receipt_unref(receipt);

  eim_notice *notice = eim_notice_new("group", NULL);
  CHECK_STR(eim_notice_name(notice), "group");
  CHECK_STR(eim_notice_json(notice), "{}");
  eim_notice_unref(notice);

  eim_progress *progress = eim_progress_new(1, 2, -1);
  CHECK_INT(eim_progress_token(progress), 1);
  CHECK_INT(eim_progress_done(progress), 2);
  CHECK_INT(eim_progress_total(progress), -1);
  eim_progress_unref(progress);

  eim_error *error = eim_error_new(EIM_E_TIMEOUT, EIM_DOMAIN_LOCAL, EIM_E_TIMEOUT, 0, "late");
  eim_result *result = eim_result_new(UINT64_MAX, error, "1", "2", 3, NULL);
  eim_error_unref(error);
  CHECK(eim_result_token(result) == UINT64_MAX);
  CHECK_STR(eim_error_message(eim_result_error(result)), "late");
  CHECK_STR(eim_result_message_id(result), "1");
  CHECK_STR(eim_result_local_id(result), "2");
  CHECK_INT(eim_result_time(result), 3);
  CHECK_STR(eim_result_json(result), "{}");
  eim_result_unref(eim_result_ref(result));
  eim_result_unref(result);
}

TEST(null_payloads) {
#define X(name, type) type##_unref(type##_ref(NULL));
  EIM_EVENTS(X)
#undef X
  CHECK_STR(eim_receipt_message_id(NULL), "");
  CHECK_STR(eim_notice_json(NULL), "{}");
  CHECK_INT(eim_progress_total(NULL), -1);
  CHECK(eim_result_error(NULL) == NULL);
  CHECK_STR(eim_result_json(NULL), "{}");
  CHECK_INT(eim_token_event_reason(NULL), 0);
}
