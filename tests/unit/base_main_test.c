/* Arena, buffers, text, secrets, random numbers. */
#include "eim_test.h"

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/text.h"

EIM_TEST_MAIN

TEST(arena_gives_aligned_memory_and_survives_growth) {
  eim_arena arena;
  REQUIRE(eim_arena_init(&arena, 16));
  char *blocks[200];
  for (int i = 0; i < 200; i++) {
    blocks[i] = eim_arena_alloc(&arena, (size_t)i);
    REQUIRE(blocks[i]);
    CHECK_INT((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
    memset(blocks[i], i, (size_t)i);
  }
  for (int i = 1; i < 200; i++) CHECK_INT((unsigned char)blocks[i][i - 1], i);
  CHECK(!eim_arena_alloc(&arena, SIZE_MAX - 4));
  eim_arena_reset(&arena);
  CHECK_STR(eim_arena_strdup(&arena, "again"), "again");
  CHECK_STR(eim_arena_strndup(&arena, "again", 2), "ag");
  eim_arena_free(&arena);
}

TEST(buf_grows_and_terminates) {
  eim_buf buf = EIM_BUF_INIT;
  for (int i = 0; i < 1000; i++) eim_buf_printf(&buf, "%d,", i);
  CHECK(!buf.failed);
  CHECK_INT(buf.length, strlen((char *)buf.data));
  CHECK_CONTAINS((char *)buf.data, ",999,");
  eim_buf_clear(&buf);
  CHECK_STR((char *)buf.data, "");
  eim_buf_wipe(&buf);
  CHECK(!buf.data);
}

TEST(buf_writes_json_strings) {
  eim_buf buf = EIM_BUF_INIT;
  eim_buf_json_str(&buf, "a\"\\\n\t\x01\xf0\x9f\x98\x80\xff\xed\xa0\x80z");
  CHECK_STR((char *)buf.data, "\"a\\\"\\\\\\n\\t\\u0001\xf0\x9f\x98\x80\xef\xbf\xbd\xef\xbf\xbd\xef"
                              "\xbf\xbd\xef\xbf\xbdz\"");
  eim_buf_clear(&buf);
  eim_buf_json_str(&buf, NULL);
  eim_buf_url(&buf, "a b#/%\xc3\xa4-_.~");
  CHECK_STR((char *)buf.data, "nulla%20b%23%2F%25%C3%A4-_.~");
  eim_buf_free(&buf);
}

TEST(utf8_is_checked_strictly) {
  CHECK(eim_utf8_valid("", 0));
  CHECK(eim_utf8_valid("h\xc3\xa4\xe4\xbd\xa0\xf0\x9f\x98\x80", 10));
  static const char *const bad[] = {"\x80",         "\xc0\x80",         "\xc3",
                                    "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe0\x80\x80",
                                    "\xff",         "\xf0\x8f\xbf\xbf", "\xe4\xbd"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    CHECK(!eim_utf8_valid(bad[i], strlen(bad[i])));
  CHECK_INT(eim_utf16_length("a\xc3\xa4\xf0\x9f\x98\x80"), 4);
}

TEST(numbers_parse_whole_or_not_at_all) {
  int64_t i;
  uint64_t u;
  CHECK(eim_parse_i64("-9223372036854775808", &i) && i == INT64_MIN);
  CHECK(!eim_parse_i64("9223372036854775808", &i));
  CHECK(!eim_parse_i64("", &i) && !eim_parse_i64(" 1", &i) && !eim_parse_i64("1x", &i) &&
        !eim_parse_i64("-", &i) && !eim_parse_i64(NULL, &i));
  CHECK(eim_parse_u64("18446744073709551615", &u) && u == UINT64_MAX);
  CHECK(!eim_parse_u64("18446744073709551616", &u) && !eim_parse_u64("-1", &u));
  char text[21];
  CHECK_STR(eim_u64_text(UINT64_MAX, text), "18446744073709551615");
}

TEST(nearest_name_is_suggested_only_when_near) {
  static const char *const names[] = {"appKey", "apiUrl", "heartBeatWait"};
  CHECK_STR(eim_nearest("appkey", names, 3), "appKey");
  CHECK_STR(eim_nearest("heartbeatwait", names, 3), "heartBeatWait");
  CHECK(!eim_nearest("zzz", names, 3));
}

TEST(secrets_compare_and_count) {
  eim_secret *a = eim_secret_new("token"), *b = eim_secret_new("token"),
             *c = eim_secret_new("tokem");
  CHECK(eim_secret_equal(a, b) && !eim_secret_equal(a, c) && !eim_secret_equal(a, NULL));
  CHECK(eim_secret_equal(NULL, NULL) && !eim_secret_new(NULL));
  eim_secret_unref(eim_secret_ref(a));
  CHECK_STR(eim_secret_text(a), "token");
  eim_secret_unref(a);
  eim_secret_unref(b);
  eim_secret_unref(c);
  eim_secret_unref(NULL);
}

TEST(random_is_repeatable_and_in_range) {
  eim_random a = {42}, b = {42}, os;
  for (int i = 0; i < 100; i++) CHECK(eim_random_next(&a) == eim_random_next(&b));
  bool seen[7] = {false};
  for (int i = 0; i < 1000; i++) {
    uint64_t value = eim_random_upto(&a, 6);
    REQUIRE(value <= 6);
    seen[value] = true;
  }
  for (int i = 0; i < 7; i++) CHECK(seen[i]);
  CHECK_INT(eim_random_upto(&a, 0), 0);
  eim_random_seed_os(&os);
  eim_random_seed_os(&b);
  CHECK(os.state != b.state);
}
