/* One direction of a compressed line, both ends of it. */
#include "eim_test.h"

#include <stdlib.h>

#include "base/lz4_stream.h"
#include "base/random.h"

/* Text that repeats itself now and then, as frames do. */
static void fill(char *out, size_t length, eim_random *random) {
  for (size_t i = 0; i < length;) {
    char word[8];
    int n = snprintf(word, sizeof word, "w%d ", (int)eim_random_upto(random, 20));
    for (int c = 0; c < n && i < length; c++) out[i++] = word[c];
  }
}

TEST(lz4_gives_back_what_went_in) {
  static char plain[400000];
  eim_random random = {7};
  eim_lz4_encoder *up = eim_lz4_encoder_new();
  eim_lz4_decoder *down = eim_lz4_decoder_new();
  size_t went = 0, packed = 0;
  for (int round = 0; round < 3000; round++) {
    /* Mostly small, some as large as the window or larger. */
    size_t most = round % 100 == 99 ? 300000 : round % 10 == 9 ? 70000 : 400;
    size_t length = 1 + (size_t)eim_random_upto(&random, (uint64_t)most);
    fill(plain, length, &random);
    eim_buf wire = EIM_BUF_INIT, back = EIM_BUF_INIT;
    REQUIRE(eim_lz4_encode(up, plain, length, &wire));
    const char *problem = eim_lz4_decode(down, wire.data, wire.length, sizeof plain, &back);
    CHECK_STR(problem ? problem : "fine", "fine");
    REQUIRE(back.length == length);
    CHECK(!memcmp(back.data, plain, length));
    went += length;
    packed += wire.length;
    eim_buf_free(&wire);
    eim_buf_free(&back);
  }
  CHECK(packed < went / 3 * 2); /* on 32 bits liblz4 finds less: 0.59 of it is left */
  eim_lz4_encoder_free(up);
  eim_lz4_decoder_free(down);
}

/* The same message again costs next to nothing: it points back at the one before. */
TEST(lz4_remembers_the_messages_before) {
  eim_random random = {9};
  char plain[300];
  fill(plain, sizeof plain, &random);
  eim_lz4_encoder *up = eim_lz4_encoder_new();
  eim_lz4_decoder *down = eim_lz4_decoder_new();
  for (int i = 0; i < 500; i++) { /* the window is full after 219 */
    eim_buf wire = EIM_BUF_INIT, back = EIM_BUF_INIT;
    REQUIRE(eim_lz4_encode(up, plain, sizeof plain, &wire));
    CHECK(i == 0 || wire.length < 25);
    CHECK(!eim_lz4_decode(down, wire.data, wire.length, sizeof plain, &back));
    CHECK(back.length == sizeof plain && !memcmp(back.data, plain, sizeof plain));
    eim_buf_free(&wire);
    eim_buf_free(&back);
  }
  eim_lz4_encoder_free(up);
  eim_lz4_decoder_free(down);
}

TEST(lz4_head_is_length_and_checksum) {
  eim_lz4_encoder *up = eim_lz4_encoder_new();
  eim_buf wire = EIM_BUF_INIT;
  REQUIRE(eim_lz4_encode(up, "123456789", 9, &wire));
  CHECK_INT(wire.data[0], 9);
  CHECK(!memcmp(wire.data + 1, "\xcb\xf4\x39\x26", 4)); /* the check value of CRC-32 */
  CHECK(!eim_lz4_encode(up, "", 0, &wire));
  eim_buf_clear(&wire);
  static char zeros[300000];
  REQUIRE(eim_lz4_encode(up, zeros, sizeof zeros, &wire));
  CHECK(!memcmp(wire.data, "\xe0\xa7\x12", 3)); /* 300000 */
  CHECK(wire.length < 2000);
  eim_buf_free(&wire);
  eim_lz4_encoder_free(up);
}

/* Nothing larger than allowed is made, whatever the frame promises. */
TEST(lz4_bombs_are_refused) {
  static char zeros[1 << 20];
  eim_lz4_encoder *up = eim_lz4_encoder_new();
  eim_lz4_decoder *down = eim_lz4_decoder_new();
  eim_buf wire = EIM_BUF_INIT, back = EIM_BUF_INIT;
  REQUIRE(eim_lz4_encode(up, zeros, sizeof zeros, &wire));
  CHECK_CONTAINS(eim_lz4_decode(down, wire.data, wire.length, sizeof zeros - 1, &back),
                 "length not allowed");
  /* It says less than it holds, and more. */
  for (int more = 0; more < 2; more++) {
    wire.data[2] = more ? 0x60 : 0x20;
    CHECK_CONTAINS(eim_lz4_decode(down, wire.data, wire.length, 4 << 20, &back),
                   more ? "longer than it can be" : "does not unfold");
  }
  CHECK_INT(back.length, 0);
  eim_buf_free(&wire);
  eim_buf_free(&back);
  eim_lz4_encoder_free(up);
  eim_lz4_decoder_free(down);
}

/* A match that points before the beginning of the line. */
TEST(lz4_matches_stay_inside_the_line) {
  eim_lz4_decoder *down = eim_lz4_decoder_new();
  eim_buf back = EIM_BUF_INIT;
  static const uint8_t far[] = {12,   0,    0,   0,   0,   0x14, 'a', 0x02,
                                0x00, 0x50, 'b', 'b', 'b', 'b',  'b'};
  CHECK_CONTAINS(eim_lz4_decode(down, far, sizeof far, 1000, &back), "does not unfold");
  CHECK_INT(back.length, 0);
  eim_lz4_decoder_free(down);
}
