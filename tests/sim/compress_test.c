/* LZ4 on the message socket: docs/protocol.md 18. */
#include <stdlib.h>

#include "base/lz4_stream.h"
#include "eim_test.h"
#include "model/error.h"
#include "world.h"

static const char *const on[] = {"compression=true", NULL};

static void online(world *w, const char *const *options, int lz4) {
  world_start(w, 3, options);
  w->lz4 = lz4;
  world_open_token(w, "t0", 1);
  CHECK(world_until(w, EIM_STATE_ONLINE, 1000));
  world_run(w, 100);
}

/* Enough for the windows of both sides to be filled several times. */
static void converse(world *w, int count) {
  char text[60];
  for (int i = 0; i < count; i++) {
    snprintf(text, sizeof text, "message %d", i);
    world_send(w, text, 100 + (uint64_t)i);
    world_deliver(w, i % 3, "x");
    world_run(w, 50);
    CHECK_INT(world_result(w, 100 + (uint64_t)i)->code, 0);
    CHECK_STR(w->sent[i].text, text);
  }
  CHECK_INT(world_count(w, EIM_EVENT_message), count);
}

TEST(compression_is_off_unless_it_is_asked_for) {
  world w;
  online(&w, NULL, 2);
  CHECK(!w.last_provision_offered_lz4);
  converse(&w, 3);
  CHECK_INT(w.packed_up + w.packed_down, 0);
  world_stop(&w);
}

TEST(compression_runs_in_the_directions_the_server_names) {
  for (int lz4 = -1; lz4 <= 3; lz4++) {
    world w;
    online(&w, on, lz4);
    CHECK(w.last_provision_offered_lz4);
    converse(&w, 20);
    CHECK_INT(w.packed_up > 0, lz4 == 0 || lz4 >= 2); /* unsaid means up */
    CHECK_INT(w.packed_down > 0, lz4 == 1 || lz4 == 2);
    world_input(&w, (eim_input){.kind = EIM_IN_HEALTH, .token = 9});
    static const char *const names[] = {"none", "up", "down", "both", "up"};
    char said[40];
    snprintf(said, sizeof said, "\"compression\":\"%s\"", names[lz4 + 1]);
    CHECK_CONTAINS(w.result_json, said);
    world_stop(&w);
  }
}

TEST(compression_starts_anew_with_each_connection) {
  world w;
  online(&w, on, 2);
  converse(&w, 10);
  for (int i = 0; i < 3; i++) {
    int before = w.packed_up;
    world_cut(&w);
    CHECK(world_until(&w, EIM_STATE_WAITING, 1000));
    CHECK(world_until(&w, EIM_STATE_ONLINE, 60000));
    world_run(&w, 100);
    CHECK(w.packed_up > before);
    CHECK(w.last_provision_offered_lz4);
  }
  world_close(&w, 7);
  world_open_token(&w, "t1", 8);
  CHECK(world_until(&w, EIM_STATE_ONLINE, 1000));
  world_send(&w, "once more", 9);
  world_run(&w, 100);
  CHECK_INT(world_result(&w, 9)->code, 0);
  world_stop(&w);
}

/* What the server compressed wrongly, or says is larger than a frame may be, ends that line; the
 * next one goes without. */
TEST(compression_that_fails_is_not_offered_again) {
  static const struct {
    const char *bytes;
    size_t length;
    const char *what;
  } bad[] = {{"", 0, "without a head"},
             {"\x11", 1, "without a head"},
             {"\x80\x80\x80\x80\x01\0\0\0\0\0", 10, "without a head"},
             {"\0\0\0\0\0\0", 6, "length not allowed"},
             {"\xff\xff\xff\x7f\0\0\0\0\x10x", 10, "length not allowed"},
             {"\xff\xff\x3f\0\0\0\0\x10x", 9, "longer than it can be"},
             {"\x03\0\0\0\0\x30xyz", 9, "wrong checksum"},
             {"\x08\0\0\0\0\x30xyz", 9, "does not unfold"},
             {"\x08\0\0\0\0\x04\xff\xff\x50zzzzz", 14, "does not unfold"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    world w;
    online(&w, on, 2);
    world_bytes(&w, bad[i].bytes, bad[i].length);
    CHECK(world_until(&w, EIM_STATE_WAITING, 1000));
    const seen_event *lost = world_last(&w, EIM_EVENT_reconnecting);
    CHECK_INT(lost->code, EIM_E_PROTOCOL);
    CHECK(world_until(&w, EIM_STATE_ONLINE, 60000));
    CHECK(!w.last_provision_offered_lz4);
    world_send(&w, "plain", 9);
    world_run(&w, 100);
    CHECK_INT(world_result(&w, 9)->code, 0);
    world_stop(&w);
  }
}

TEST(compressed_garbage_is_as_bad_as_plain_garbage) {
  world w;
  online(&w, on, 2);
  w.unread = ANSWER_GARBAGE;
  CHECK(world_until(&w, EIM_STATE_WAITING, 60000));
  CHECK_INT(world_last(&w, EIM_EVENT_reconnecting)->code, EIM_E_PROTOCOL);
  w.unread = ANSWER_OK;
  CHECK(world_until(&w, EIM_STATE_ONLINE, 60000));
  CHECK(w.last_provision_offered_lz4); /* the stream itself was fine */
  world_stop(&w);
}
