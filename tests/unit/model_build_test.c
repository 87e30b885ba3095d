/* Messages put together here: by a builder, as JSON, and back. */
#include "eim_test.h"

#include <string.h>

#include "base/json.h"
#include "model/build.h"
#include "model/error.h"
#include "model/message.h"

static eim_message_builder *builder(eim_message_kind kind, eim_chat_type chat_type) {
  eim_message_builder *self = NULL;
  CHECK_INT(eim_message_builder_new(kind, chat_type, "bob", &self), EIM_OK);
  return self;
}

static void refused(eim_message_builder *self, const char *field, const char *value,
                    const char *why) {
  CHECK_INT(eim_message_builder_set(self, field, value), EIM_E_INVALID);
  CHECK_CONTAINS(eim_error_message(eim_last_error()), why);
}

static void json_refused(const char *json, const char *why) {
  eim_message *message = NULL;
  CHECK_INT(eim_message_from_json(json, &message), EIM_E_INVALID);
  CHECK(!message);
  CHECK_CONTAINS(eim_error_message(eim_last_error()), why);
}

TEST(every_kind_can_be_built) {
  static const struct {
    eim_message_kind kind;
    const char *fields[12];
    const char *body;
  } rows[] = {
      {EIM_MESSAGE_TEXT, {"msg", "hi"}, "{\"type\":\"txt\",\"msg\":\"hi\"}"},
      {EIM_MESSAGE_COMMAND, {"action", "blink"}, "{\"type\":\"cmd\",\"action\":\"blink\"}"},
      {EIM_MESSAGE_CUSTOM,
       {"customEvent", "gift", "customExts", "{\"n\":9007199254740993}"},
       "{\"type\":\"custom\",\"customEvent\":\"gift\",\"customExts\":{\"n\":9007199254740993}}"},
      {EIM_MESSAGE_LOCATION,
       {"lng", "2.5", "lat", "1", "addr", "here"},
       "{\"type\":\"loc\",\"lat\":1,\"lng\":2.5,\"addr\":\"here\"}"},
      {EIM_MESSAGE_IMAGE,
       {"url", "https://x/y", "secret", "s", "filename", "a.png", "file_length", "7", "isGif", "1"},
       "{\"type\":\"img\",\"url\":\"https://x/y\",\"secret\":\"s\",\"filename\":\"a.png\","
       "\"file_length\":7,\"isGif\":true}"},
      {EIM_MESSAGE_VOICE,
       {"url", "https://x/y", "length", "3"},
       "{\"type\":\"audio\",\"url\":\"https://x/y\",\"length\":3}"},
      {EIM_MESSAGE_VIDEO,
       {"url", "https://x/y", "thumb", "https://x/t"},
       "{\"type\":\"video\",\"url\":\"https://x/y\",\"thumb\":\"https://x/t\"}"},
      {EIM_MESSAGE_FILE, {"url", "https://x/y"}, "{\"type\":\"file\",\"url\":\"https://x/y\"}"},
      {EIM_MESSAGE_COMBINE,
       {"url", "https://x/y", "title", "t", "combineLevel", "2"},
       "{\"type\":\"combine\",\"url\":\"https://x/y\",\"title\":\"t\",\"combineLevel\":2}"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    eim_message_builder *self = builder(rows[i].kind, EIM_CHAT_SINGLE);
    eim_message *message = NULL, *again = NULL;
    for (int k = 0; rows[i].fields[k]; k += 2)
      CHECK_INT(eim_message_builder_set(self, rows[i].fields[k], rows[i].fields[k + 1]), EIM_OK);
    REQUIRE(!eim_message_builder_build(self, &message));
    CHECK_STR(eim_message_body(message), rows[i].body);
    CHECK_INT(eim_message_get_kind(message), rows[i].kind);
    /* Its view makes the same message. */
    REQUIRE(!eim_message_from_json(eim_message_to_json(message), &again));
    CHECK_STR(eim_message_body(again), rows[i].body);
    CHECK_INT(eim_message_get_kind(again), rows[i].kind);
    CHECK_STR(eim_message_to(again), "bob");
    CHECK_STR(eim_message_to_json(again), eim_message_to_json(message));
    eim_message_unref(again);
    eim_message_unref(message);
    eim_message_builder_free(self);
  }
}

TEST(what_a_kind_needs_is_asked_for) {
  eim_message *message = NULL;
  eim_message_builder *self = builder(EIM_MESSAGE_LOCATION, EIM_CHAT_SINGLE);
  CHECK_INT(eim_message_builder_set(self, "lat", "1"), EIM_OK);
  CHECK_INT(eim_message_builder_build(self, &message), EIM_E_INVALID);
  CHECK_CONTAINS(eim_error_message(eim_last_error()), "lng is missing");
  CHECK_INT(eim_message_builder_set(self, "lng", "1"), EIM_OK);
  CHECK_INT(eim_message_builder_build(self, &message), EIM_OK);
  eim_message_unref(message);
  CHECK_INT(eim_message_builder_set(self, "lng", NULL), EIM_OK); /* taken back */
  CHECK_INT(eim_message_builder_build(self, &message), EIM_E_INVALID);
  eim_message_builder_free(self);
  CHECK_INT(eim_message_builder_new(EIM_MESSAGE_UNKNOWN, EIM_CHAT_SINGLE, "bob", &self),
            EIM_E_INVALID);
  CHECK_INT(eim_message_builder_new((eim_message_kind)99, EIM_CHAT_SINGLE, "bob", &self),
            EIM_E_INVALID);
  CHECK_INT(eim_message_builder_new(EIM_MESSAGE_TEXT, EIM_CHAT_SINGLE, "", &self), EIM_E_INVALID);
}

TEST(bad_fields_name_what_is_allowed) {
  eim_message_builder *self = builder(EIM_MESSAGE_IMAGE, EIM_CHAT_GROUP);
  refused(self, "urll", "x", "did you mean 'url'");
  refused(self, "completely different", "x", "unknown field");
  refused(self, "msg", "x", "a message of type img has no field 'msg'");
  refused(self, "priority", "high", "'priority' is not for groups");
  refused(self, "file_length", "-1", "from 0 to");
  refused(self, "file_length", "1.5", "a whole number");
  refused(self, "file_length", "99999999999", "a whole number");
  refused(self, "file_length", "", "a whole number");
  refused(self, "width", "wide", "a number");
  refused(self, "width", "nan", "a number");
  refused(self, "isGif", "yes", "true, false");
  refused(self, "receiverList", "[]", "1 to 20");
  refused(self, "receiverList", "[\"a\",7]", "1 to 20");
  refused(self, "receiverList", "{}", "1 to 20");
  refused(self, "msgConfig", "{\"allowGroupAck\":1}", "allowGroupAck");
  refused(self, "url", "\xff", "UTF-8");
  refused(self, "url", "", "is empty");
  refused(self, "ext", "[]", "not a JSON object");
  CHECK_INT(eim_message_builder_set(NULL, "url", "x"), EIM_E_INVALID);
  eim_message_builder_free(self);
  self = builder(EIM_MESSAGE_LOCATION, EIM_CHAT_SINGLE);
  refused(self, "lat", "91", "-90 to 90");
  refused(self, "receiverList", "[\"a\"]", "not for single chats");
  eim_message_builder_free(self);
}

TEST(extra_values_one_by_one) {
  eim_message *message = NULL;
  eim_message_builder *self = builder(EIM_MESSAGE_TEXT, EIM_CHAT_SINGLE);
  CHECK_INT(eim_message_builder_set(self, "msg", "x"), EIM_OK);
  CHECK_INT(eim_message_builder_set_ext(self, "a", "1"), EIM_OK);
  CHECK_INT(eim_message_builder_set_ext(self, "b\"", "\"two\""), EIM_OK);
  CHECK_INT(eim_message_builder_set_ext(self, "a", "{\"n\":18446744073709551615}"), EIM_OK);
  CHECK_INT(eim_message_builder_set_ext(self, "c", "nope"), EIM_E_INVALID);
  CHECK_INT(eim_message_builder_set_ext(self, "", "1"), EIM_E_INVALID);
  REQUIRE(!eim_message_builder_build(self, &message));
  CHECK_STR(eim_message_ext(message), "{\"b\\\"\":\"two\",\"a\":{\"n\":18446744073709551615}}");
  eim_message_unref(message);
  eim_message_builder_free(self);
}

TEST(json_that_is_no_message) {
  json_refused("", "not a JSON object");
  json_refused("[]", "not a JSON object");
  json_refused("{\"type\":\"txt\"", "not a JSON object");
  json_refused("{\"to\":\"bob\",\"msg\":\"x\"}", "type is missing");
  json_refused("{\"type\":\"telepathy\",\"to\":\"bob\"}", "type is not known");
  json_refused("{\"type\":\"txt\",\"to\":\"bob\",\"chatType\":\"chat\",\"msg\":\"x\"}", "chatType");
  json_refused("{\"type\":\"txt\",\"msg\":\"x\"}", "to is no text");
  json_refused("{\"type\":\"txt\",\"to\":7,\"msg\":\"x\"}", "to is no text");
  json_refused("{\"type\":\"txt\",\"to\":\"bob\"}", "msg is missing");
  json_refused("{\"type\":\"txt\",\"to\":\"bob\",\"msg\":7}", "UTF-8 text");
  json_refused("{\"type\":\"txt\",\"to\":\"bob\",\"msg\":\"\"}", "is empty");
  json_refused("{\"type\":\"txt\",\"to\":\"bob\",\"mgs\":\"x\"}", "did you mean 'msg'");
  json_refused("{\"type\":\"txt\",\"to\":\"bob\",\"msg\":\"x\",\"ext\":[]}", "ext");
  json_refused("{\"type\":\"txt\",\"to\":\"bob\",\"msg\":\"x\",\"receiverList\":[\"a\"]}",
               "not for single chats");
  CHECK_INT(eim_message_from_json(NULL, NULL), EIM_E_INVALID);
}

TEST(the_view_of_a_received_message_can_be_sent_on) {
  eim_message *message = NULL;
  REQUIRE(!eim_message_from_json(
      "{\"chatType\":\"singleChat\",\"id\":\"99\",\"from\":\"alice\",\"fromResource\":\"r\","
      "\"to\":\"bob\",\"time\":1,\"onlineState\":3,\"type\":\"img\",\"url\":\"https://x\","
      "\"secret\":\"\",\"filename\":\"\",\"thumb\":\"https://t\",\"broadcast\":true,"
      "\"priority\":\"high\",\"meta\":{\"thread\":{}},\"ext\":{\"n\":9007199254740993}}",
      &message));
  CHECK_STR(eim_message_body(message), "{\"type\":\"img\",\"url\":\"https://x\"}");
  CHECK_STR(eim_message_ext(message), "{\"n\":9007199254740993}");
  CHECK_STR(eim_message_id(message), "");
  CHECK_STR(eim_message_from(message), "");
  CHECK_INT(eim_message_sendable(message), EIM_OK);
  message->kind = EIM_MESSAGE_UNKNOWN;
  CHECK_INT(eim_message_sendable(message), EIM_E_UNSUPPORTED);
  eim_message_unref(message);
}

TEST(deep_and_long_json_is_bounded) {
  static char json[3 << 20];
  strcpy(json, "{\"type\":\"custom\",\"to\":\"bob\",\"customEvent\":\"e\",\"customExts\":{\"a\":");
  size_t n = strlen(json);
  memset(json + n, '[', 40);
  memset(json + n + 40, ']', 40);
  strcpy(json + n + 80, "}}");
  json_refused(json, "nested deeper");
  strcpy(json, "{\"type\":\"txt\",\"to\":\"bob\",\"msg\":\"");
  n = strlen(json);
  memset(json + n, 'x', (1 << 20) + 1);
  strcpy(json + n + (1 << 20) + 1, "\"}");
  json_refused(json, "bytes, at most");
}
