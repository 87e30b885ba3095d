/* The file of a combined message, and messages made of others. */
#include <stdlib.h>

#include "eim_test.h"
#include "model/build.h"
#include "model/combine.h"
#include "model/error.h"
#include "model/message.h"
#include "wire/combine.h"

static const char three[] =
    "{\"type\":\"combine\",\"to\":\"dora\",\"title\":\"Chat\",\"summary\":\"s\",\"compatibleText\":"
    "\"old\",\"messages\":["
    "{\"type\":\"txt\",\"chatType\":\"singleChat\",\"id\":\"1882601052947087435\",\"from\":\"bob\","
    "\"to\":\"alice\",\"time\":1795388272240,\"onlineState\":3,\"msg\":\"h\\u00e4\",\"ext\":{\"n\":"
    "9007199254740993}},"
    "{\"type\":\"img\",\"chatType\":\"groupChat\",\"from\":\"carl\",\"to\":\"77\",\"url\":\"https:/"
    "/"
    "h/a\",\"secret\":\"s\",\"width\":8,\"height\":9,\"filename\":\"f\",\"file_length\":12},"
    "{\"type\":\"combine\",\"to\":\"alice\",\"url\":\"https://h/c\",\"combineLevel\":4}]}";

static eim_message *from_json(const char *json) {
  eim_message *message = NULL;
  if (eim_message_from_json(json, &message))
    eim_test_fail(__FILE__, __LINE__, "%s", eim_error_message(eim_last_error()));
  return message;
}

/* Its file, as it is sent. */
static void fold(const eim_message *message, eim_buf *out) {
  for (size_t i = 0; i < message->part_count; i++)
    CHECK(eim_combine_add(out, "a#b", "alice", 900 + i, 1234, message->parts[i]));
  CHECK(eim_combine_end(out));
}

static const char *parse(const eim_buf *file, int level) {
  eim_message **messages;
  size_t count;
  const char *problem = eim_combine_parse(file->data, file->length, level, &messages, &count);
  if (!problem) eim_combine_free(messages, count);
  return problem ? problem : "fine";
}

TEST(combine_is_made_of_messages) {
  eim_message *message = from_json(three);
  REQUIRE(message);
  CHECK_INT(message->part_count, 3);
  CHECK_INT(eim_combine_level(message), 5);
  CHECK_CONTAINS(eim_message_body(message), "\"combineLevel\":5");
  CHECK(!strstr(eim_message_body(message), "messages"));
  CHECK_STR(eim_message_from(message->parts[0]), "bob");
  CHECK_STR(eim_message_id(message->parts[0]), "1882601052947087435");
  CHECK_INT(eim_message_time(message->parts[0]), 1795388272240);
  /* The whole of it is in the view, and makes the same again. */
  eim_message *again = from_json(eim_message_to_json(message));
  REQUIRE(again);
  CHECK_STR(eim_message_to_json(again), eim_message_to_json(message));
  eim_message_unref(again);
  eim_message *up = eim_message_uploaded(
      message,
      "{\"url\":\"https://h/u\",\"secret\":\"x\",\"filename\":\"combine\",\"file_length\":9}");
  REQUIRE(up);
  CHECK_STR(eim_message_body(up),
            "{\"type\":\"combine\",\"title\":\"Chat\",\"summary\":\"s\",\"compatibleText\":\"old\","
            "\"combineLevel\":5,\"url\":\"https://h/u\",\"secret\":\"x\",\"filename\":\"combine\","
            "\"file_length\":9}");
  CHECK_INT(up->part_count, 0);
  eim_message_unref(up);
  eim_message_unref(message);
}

TEST(combine_file_goes_and_comes_back) {
  eim_message *message = from_json(three), **messages = NULL;
  REQUIRE(message);
  size_t count = 0;
  eim_buf file = EIM_BUF_INIT;
  fold(message, &file);
  REQUIRE(!eim_combine_parse(file.data, file.length, 5, &messages, &count));
  REQUIRE(count == 3);
  CHECK_STR(eim_message_to_json(messages[0]),
            "{\"chatType\":\"singleChat\",\"id\":\"1882601052947087435\",\"from\":\"bob\",\"to\":"
            "\"alice\",\"time\":1795388272240,\"onlineState\":3,\"type\":\"txt\",\"msg\":"
            "\"h\xc3\xa4\",\"ext\":{\"n\":9007199254740993}}");
  CHECK_STR(eim_message_from(messages[1]), "carl");
  CHECK_STR(eim_message_to(messages[1]), "77");
  CHECK_INT(eim_message_get_chat_type(messages[1]), EIM_CHAT_GROUP);
  CHECK_STR(eim_message_id(messages[1]), "901"); /* it had none: a new one, and the time of now */
  CHECK_INT(eim_message_time(messages[1]), 1234);
  CHECK_STR(eim_message_body(messages[1]),
            "{\"type\":\"img\",\"url\":\"https://h/a\",\"secret\":\"s\",\"filename\":\"f\","
            "\"file_length\":12,\"width\":8,\"height\":9}");
  CHECK_STR(eim_message_from(messages[2]), "alice"); /* whoever forwards it */
  CHECK_INT(eim_combine_level(messages[2]), 4);
  eim_combine_free(messages, count);
  eim_buf_free(&file);
  eim_message_unref(message);
}

TEST(combine_refuses_what_cannot_be_forwarded) {
  static const struct {
    const char *messages, *why;
  } bad[] = {
      {"[]", "messages: none"},
      {"{}", "messages: allowed is a JSON list of 1 to 300 messages"},
      {"[7]", "messages[0]: not a JSON object"},
      {"[{\"type\":\"txt\",\"to\":\"b\",\"msg\":\"x\"},{\"type\":\"poll\",\"to\":\"b\"}]",
       "messages[1]: type is not known"},
      {"[{\"type\":\"txt\",\"to\":\"b\"}]", "messages[0]: msg is missing"},
      {"[{\"type\":\"file\",\"to\":\"b\",\"path\":\"/tmp/x\"}]", "it needs url, not path"},
      {"[{\"type\":\"combine\",\"to\":\"b\",\"messages\":[{\"type\":\"txt\",\"to\":\"b\",\"msg\":"
       "\"x\"}]}]",
       "messages[0]: a combined message that was not sent itself"},
      {"[{\"type\":\"combine\",\"to\":\"b\",\"url\":\"u\",\"combineLevel\":10}]",
       "nested 10 deep already"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char json[512];
    eim_message *message = NULL;
    snprintf(json, sizeof json, "{\"type\":\"combine\",\"to\":\"b\",\"messages\":%s}",
             bad[i].messages);
    CHECK_INT(eim_message_from_json(json, &message), EIM_E_INVALID);
    CHECK_CONTAINS(eim_error_message(eim_last_error()), bad[i].why);
    CHECK(!message);
  }
  eim_message *message = NULL;
  CHECK_INT(eim_message_from_json("{\"type\":\"combine\",\"to\":\"b\"}", &message), EIM_E_INVALID);
  eim_buf many = EIM_BUF_INIT;
  eim_buf_str(&many, "{\"type\":\"combine\",\"to\":\"b\",\"messages\":[");
  for (int i = 0; i < 301; i++)
    eim_buf_printf(&many, "%s{\"type\":\"txt\",\"to\":\"b\",\"msg\":\"%d\"}", i ? "," : "", i);
  eim_buf_str(&many, "]}");
  CHECK_INT(eim_message_from_json((char *)many.data, &message), EIM_E_INVALID);
  CHECK_CONTAINS(eim_error_message(eim_last_error()), "more than 300");
  eim_buf_free(&many);
}

/* Levels go down from one to the next, so no file leads back to where it came from. */
TEST(combine_files_cannot_go_in_circles) {
  eim_message *message = from_json("{\"type\":\"combine\",\"to\":\"b\",\"messages\":[{\"type\":"
                                   "\"combine\",\"to\":\"b\",\"url\":\"u\",\"combineLevel\":4}]}");
  REQUIRE(message);
  eim_buf file = EIM_BUF_INIT;
  fold(message, &file);
  CHECK_STR(parse(&file, 5), "fine");
  CHECK_STR(parse(&file, 0), "fine"); /* the outer one says none: the highest */
  CHECK_CONTAINS(parse(&file, 4), "not one level below");
  CHECK_CONTAINS(parse(&file, 1), "not one level below");
  eim_buf_free(&file);
  eim_message_unref(message);
  /* One that keeps its level to itself gets one below. */
  message =
      from_json("{\"type\":\"combine\",\"to\":\"b\",\"messages\":[{\"type\":\"combine\",\"to\":"
                "\"b\",\"url\":\"u\"}]}");
  REQUIRE(message);
  fold(message, &file);
  for (int level = 10; level > 1; level--) {
    eim_message **messages;
    size_t count;
    REQUIRE(!eim_combine_parse(file.data, file.length, level, &messages, &count));
    CHECK_INT(eim_combine_level(messages[0]), level - 1);
    eim_combine_free(messages, count);
  }
  CHECK_CONTAINS(parse(&file, 1), "not one level below");
  eim_buf_free(&file);
  eim_message_unref(message);
}

static void seal(eim_buf *file, size_t at) { /* the checksum behind the first `at` bytes */
  file->length = at;
  CHECK(eim_combine_end(file));
}

TEST(combine_files_that_are_damaged_or_hostile) {
  eim_message *message = from_json(three);
  REQUIRE(message);
  eim_buf file = EIM_BUF_INIT;
  fold(message, &file);
  size_t whole = file.length - 1;
  for (size_t cut = 0; cut < file.length; cut++) {
    eim_buf part = EIM_BUF_INIT;
    eim_buf_add(&part, file.data, cut);
    CHECK(strcmp(parse(&part, 10), "fine") != 0);
    eim_buf_free(&part);
  }
  for (size_t cut = 3; cut < whole;
       cut++) { /* with a checksum that fits: only at a message's end */
    eim_buf part = EIM_BUF_INIT;
    eim_buf_add(&part, file.data, cut);
    seal(&part, cut);
    if (strcmp(parse(&part, 10), "fine") == 0) CHECK(cut > 6 && cut < whole);
    eim_buf_free(&part);
  }
  file.data[2] = 0x7f; /* a length of two thousand million */
  seal(&file, whole);
  CHECK_STR(parse(&file, 10), "lengths that do not fit");
  eim_buf_clear(&file);
  eim_buf_add(&file, "cx", 2);
  seal(&file, 2);
  CHECK_STR(parse(&file, 10), "it is none");
  file.length = 0;
  eim_buf_add(&file, "cm\0\0\0\3\xff\xff\xff", 9);
  seal(&file, 9);
  CHECK_CONTAINS(parse(&file, 10), "does not parse");
  file.length = 0; /* a Meta that is a receipt, or nothing at all */
  eim_buf_add(&file, "cm\0\0\0\2\x28\x01", 8);
  seal(&file, 8);
  CHECK(strcmp(parse(&file, 10), "fine") != 0);
  file.length = 0;
  eim_buf_add(&file, "cm", 2);
  for (int i = 0; i < 301; i++) eim_buf_add(&file, "\0\0\0\0", 4);
  seal(&file, file.length);
  CHECK_STR(parse(&file, 10), "more than 300 messages");
  static char zeros[EIM_COMBINE_BYTES + 1];
  eim_message **messages;
  size_t count;
  CHECK_STR(eim_combine_parse(zeros, sizeof zeros, 10, &messages, &count), "it is too large");
  eim_buf_free(&file);
  eim_message_unref(message);
}
