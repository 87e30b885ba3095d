/* LZ4 over real sockets, against the sandbox in each of its ways (docs/protocol.md 18). That the
 * codec is the service's own, and not only ours on both ends, is shown by the recordings
 * (tests/unit/wire_lz4_test.c) and by easemob-websdk 4.21.1 (tests/interop/compress.test.mjs). */
#include <eim_sandbox.h>
#include <stdio.h>

#include "eim_test.h"
#include "peer.h"

EIM_TEST_MAIN

static char api[128], url[128], key[64];
static const char *options[] = {api, url, key, "reconnectBaseMs=20", "compression=true", NULL};

static eim_sandbox *begin(eim_sandbox_compression how) {
  char error[256];
  eim_sandbox_options with = {.compression = how, .multi_device = true};
  eim_sandbox *box = eim_sandbox_new(&with, error, sizeof error);
  if (!box) {
    fprintf(stderr, "  %s\n", error);
    return NULL;
  }
  eim_sandbox_add_user(box, "alice", "pw");
  eim_sandbox_add_user(box, "bob", "pw");
  snprintf(api, sizeof api, "apiUrl=%s", eim_sandbox_api_url(box));
  snprintf(url, sizeof url, "url=%s", eim_sandbox_url(box));
  snprintf(key, sizeof key, "appKey=%s", eim_sandbox_app_key(box));
  return box;
}

static void health(peer *self, const char *expected) {
  uint64_t token = ++self->last_token;
  REQUIRE(!eim_client_health(self->client, token));
  const peer_event *answer = peer_result(self, token);
  REQUIRE(answer);
  CHECK_CONTAINS(eim_result_json(answer->result), expected);
}

static void exchange(peer *from, peer *to, const char *name, const char *text) {
  const peer_event *sent = peer_result(from, peer_send(from, name, text));
  REQUIRE(sent && !sent->error);
  const peer_event *got = peer_wait(to, PEER_MESSAGE, PEER_WAIT);
  REQUIRE(got);
  CHECK_STR(eim_message_text(got->message), text);
  CHECK_STR(eim_message_id(got->message), eim_result_message_id(sent->result));
}

TEST(compressed_conversations_in_every_direction) {
  static const char *const said[] = {"\"compression\":\"both\"", "\"compression\":\"up\"",
                                     "\"compression\":\"down\"", "\"compression\":\"up\"",
                                     "\"compression\":\"none\""};
  static char big[5001];
  for (size_t i = 0; i < sizeof big - 1; i++) big[i] = (char)('a' + (i * i / 7) % 26);
  for (int how = EIM_SANDBOX_LZ4_BOTH; how <= EIM_SANDBOX_LZ4_NONE; how++) {
    eim_sandbox *box = begin((eim_sandbox_compression)how);
    REQUIRE(box);
    peer alice, bob;
    peer_start(&alice, NULL, how % 2, options);
    peer_start(&bob, NULL, how % 2, options);
    CHECK_INT(peer_code(&alice, peer_open_password(&alice, "alice", "pw")), 0);
    CHECK_INT(peer_code(&bob, peer_open_password(&bob, "bob", "pw")), 0);
    health(&alice, said[how]);
    for (int i = 0; i < 40; i++) { /* 200 KB: more than the window, both ways */
      exchange(&alice, &bob, "bob", i % 4 ? "short" : big);
      exchange(&bob, &alice, "alice", i % 4 == 1 ? big : "also short");
    }
    /* A cut line begins anew. */
    CHECK_INT(eim_sandbox_cut(box, "alice"), 1);
    REQUIRE(peer_wait(&alice, PEER_CONNECTED, PEER_WAIT));
    exchange(&alice, &bob, "bob", "after the cut");
    exchange(&bob, &alice, "alice", "and back");
    health(&alice, said[how]);
    peer_stop(&alice);
    peer_stop(&bob);
    eim_sandbox_free(box);
  }
}

/* What waited is a page of many messages in one frame. */
TEST(compressed_offline_messages) {
  eim_sandbox *box = begin(EIM_SANDBOX_LZ4_BOTH);
  REQUIRE(box);
  peer alice, bob;
  peer_start(&alice, NULL, 1, options);
  CHECK_INT(peer_code(&alice, peer_open_password(&alice, "alice", "pw")), 0);
  char text[64];
  for (int i = 0; i < 100; i++) {
    snprintf(text, sizeof text, "kept for later, number %d", i);
    CHECK_INT(peer_code(&alice, peer_send(&alice, "bob", text)), 0);
  }
  peer_start(&bob, NULL, 1, options);
  CHECK_INT(peer_code(&bob, peer_open_password(&bob, "bob", "pw")), 0);
  for (int i = 0; i < 100; i++) {
    const peer_event *got = peer_wait(&bob, PEER_MESSAGE, PEER_WAIT);
    REQUIRE(got);
    snprintf(text, sizeof text, "kept for later, number %d", i);
    CHECK_STR(eim_message_text(got->message), text);
  }
  peer_stop(&alice);
  peer_stop(&bob);
  eim_sandbox_free(box);
}

/* A server that sends what cannot be unfolded loses the line, and then is asked for none of it. */
TEST(compression_that_fails_ends_the_line_once) {
  eim_sandbox *box = begin(EIM_SANDBOX_LZ4_BOTH);
  REQUIRE(box);
  peer alice;
  peer_start(&alice, NULL, 1, options);
  CHECK_INT(peer_code(&alice, peer_open_password(&alice, "alice", "pw")), 0);
  CHECK_INT(eim_sandbox_raw(box, "alice", "\x10\x01\x02\x03\x04nonsense", 13, false), 1);
  const peer_event *lost = peer_wait(&alice, PEER_RECONNECTING, PEER_WAIT);
  REQUIRE(lost && lost->error);
  CHECK_INT(eim_error_code(lost->error), EIM_E_PROTOCOL);
  CHECK_CONTAINS(eim_error_message(lost->error), "compressed frame");
  REQUIRE(peer_wait(&alice, PEER_CONNECTED, PEER_WAIT));
  health(&alice, "\"compression\":\"none\"");
  peer_stop(&alice);
  eim_sandbox_free(box);
}
