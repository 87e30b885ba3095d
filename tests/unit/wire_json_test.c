/* Our JSON reader against cJSON, and the rules that cJSON does not have. */
#include <locale.h>

#include "base/json.h"
#include "wire_vectors.h"

static bool parses(const char *text) {
  eim_json value;
  return eim_json_parse(&value, text, strlen(text));
}

TEST(json_grammar) {
  static const char *const good[] = {"null",
                                     " true ",
                                     "-0",
                                     "0.5",
                                     "1e5",
                                     "1E-5",
                                     "-12.5e+3",
                                     "\"\"",
                                     "[]",
                                     "{}",
                                     "[1, 2,\t[3]\n]",
                                     "{\"a\":{\"b\":[null]},\"\":1}",
                                     "\"\\u0041\\n\\\\\\/\""};
  static const char *const bad[] = {"",
                                    " ",
                                    "nul",
                                    "nulll",
                                    "tru",
                                    "01",
                                    "+1",
                                    ".5",
                                    "1.",
                                    "1e",
                                    "--1",
                                    "\"",
                                    "\"\\x\"",
                                    "\"\\u12\"",
                                    "\"\n\"",
                                    "[1,]",
                                    "[,1]",
                                    "[1 2]",
                                    "{\"a\"}",
                                    "{\"a\":}",
                                    "{a:1}",
                                    "{\"a\":1,}",
                                    "[",
                                    "]",
                                    "{",
                                    "{\"a\":1",
                                    "1 2",
                                    "\"\xff\"",
                                    "\"\xc0\x80\"",
                                    "\"\xed\xa0\x80\"",
                                    "NaN",
                                    "Infinity",
                                    "'a'",
                                    "[1]x",
                                    "\xef\xbb\xbf{}"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    if (!parses(good[i])) eim_test_fail(__FILE__, __LINE__, "refused: %s", good[i]);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (parses(bad[i])) eim_test_fail(__FILE__, __LINE__, "taken: %s", bad[i]);
  eim_json value;
  CHECK(!eim_json_parse(&value, "\"\\u0041", 7));
  CHECK(!eim_json_parse(&value, "a\0b", 3) && !eim_json_parse(&value, "1\0", 2));
}

TEST(json_depth_is_bounded) {
  char text[100002];
  memset(text, '[', 64);
  memset(text + 64, ']', 64);
  text[128] = 0;
  CHECK(parses(text));
  memset(text, '[', 65);
  memset(text + 65, ']', 65);
  text[130] = 0;
  CHECK(!parses(text));
  memset(text, '[', sizeof text - 1);
  text[sizeof text - 1] = 0;
  CHECK(!parses(text));
}

/* The same tree as cJSON reads it. */
static void same(eim_json ours, const cJSON *theirs) {
  if (cJSON_IsObject(theirs) || cJSON_IsArray(theirs)) {
    eim_json_iter it = eim_json_each(ours);
    CHECK(it.object == !!cJSON_IsObject(theirs));
    const cJSON *child = theirs->child;
    for (; eim_json_next(&it); child = child->next) {
      REQUIRE(child);
      if (it.object) CHECK(eim_json_is(it.key, child->string));
      same(it.value, child);
    }
    CHECK(!child);
  } else if (cJSON_IsString(theirs)) {
    eim_buf text = EIM_BUF_INIT;
    CHECK(eim_json_text(ours, &text));
    CHECK_STR((const char *)text.data, theirs->valuestring);
    CHECK(eim_json_is(ours, theirs->valuestring));
    eim_buf_free(&text);
  } else if (cJSON_IsNumber(theirs)) {
    double number = 0;
    CHECK(eim_json_double(ours, &number) && number == theirs->valuedouble);
  } else {
    CHECK_INT(eim_json_kind(ours), cJSON_IsNull(theirs)   ? EIM_JSON_NULL
                                   : cJSON_IsTrue(theirs) ? EIM_JSON_TRUE
                                                          : EIM_JSON_FALSE);
  }
}

TEST(json_reads_the_recordings_as_cjson_does) {
  size_t count;
  const vector_file *files = vector_files(&count);
  for (size_t i = 0; i < count; i++) {
    for (int pretty = 0; pretty < 2; pretty++) {
      char *text = pretty ? cJSON_Print(files[i].root) : cJSON_PrintUnformatted(files[i].root);
      eim_json ours;
      CHECK(eim_json_parse(&ours, text, strlen(text)));
      cJSON *again = cJSON_Parse(text);
      same(ours, again);
      cJSON_Delete(again);
      free(text);
    }
  }
}

TEST(json_values) {
  const char *text =
      "{\"s\":\"a\\ud83d\\ude00\\u0000\\ud800x\",\"n\":42,\"big\":9223372036854775807,"
      "\"over\":9223372036854775808,\"f\":1.9,\"t\":\"17\",\"bad\":\"1x\",\"a\\u0062\":1}";
  eim_json root;
  int64_t number = 0;
  char small[16];
  REQUIRE(eim_json_parse(&root, text, strlen(text)));
  CHECK(eim_json_is(eim_json_get(root, "s"), "a\xf0\x9f\x98\x80\xef\xbf\xbd\xef\xbf\xbdx"));
  CHECK(eim_json_copy(eim_json_get(root, "s"), small, sizeof small));
  CHECK(!eim_json_copy(eim_json_get(root, "s"), small, 12) && !*small);
  CHECK(eim_json_i64(eim_json_get(root, "big"), &number) && number == INT64_MAX);
  CHECK(!eim_json_i64(eim_json_get(root, "over"), &number));
  CHECK(!eim_json_i64(eim_json_get(root, "f"), &number));
  CHECK(eim_json_loose_i64(eim_json_get(root, "f"), &number) && number == 1);
  CHECK(eim_json_loose_i64(eim_json_get(root, "t"), &number) && number == 17);
  CHECK(!eim_json_loose_i64(eim_json_get(root, "bad"), &number));
  CHECK(!eim_json_loose_i64(eim_json_get(root, "over"), &number));
  CHECK(!eim_json_loose_i64(eim_json_get(root, "absent"), &number));
  CHECK(eim_json_get(root, "ab").at != NULL);
  CHECK(!eim_json_get(root, "a").at && !eim_json_get(eim_json_get(root, "n"), "x").at);
}

static void check_double(double value, const char *expected) {
  eim_buf out = EIM_BUF_INIT;
  eim_buf_json_double(&out, value);
  CHECK_STR((const char *)out.data, expected);
  eim_buf_free(&out);
}

TEST(json_numbers_do_not_depend_on_the_locale) {
  const char *tried[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "C"};
  for (size_t i = 0; i < 3; i++) {
    setlocale(LC_ALL, tried[i]); /* whatever is installed here */
    check_double(1.5, "1.5");
    check_double(0.1, "0.1");
    check_double(0.1 + 0.2, "0.30000000000000004");
    check_double(3, "3.0");
    check_double(-0.0, "-0.0");
    check_double(1e300, "1e+300");
    check_double(1e308 * 10, "null");
    eim_json value;
    double number = 0;
    CHECK(eim_json_parse(&value, "1.5", 3) && eim_json_double(value, &number) && number == 1.5);
  }
  eim_buf out = EIM_BUF_INIT;
  eim_buf_json_float(&out, 0.1f);
  CHECK_STR((const char *)out.data, "0.1");
  eim_buf_free(&out);
}
