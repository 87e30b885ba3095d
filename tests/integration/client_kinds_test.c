/* Every kind of message, receipts, recall, rooms and manual acknowledgement over real sockets. */
#include <eim_sandbox.h>
#include <stdio.h>

#include "eim_test.h"
#include "peer.h"

EIM_TEST_MAIN

static eim_sandbox *sandbox;
static char api[128], url[128], key[64];
static const char *options[8] = {api, url, key, "reconnectBaseMs=20", NULL};

static bool begin(void) {
  char error[256];
  sandbox = eim_sandbox_new(&(eim_sandbox_options){.multi_device = true}, error, sizeof error);
  if (!sandbox) {
    fprintf(stderr, "  %s\n", error);
    return false;
  }
  eim_sandbox_add_user(sandbox, "alice", "pw-a");
  eim_sandbox_add_user(sandbox, "bob", "pw-b");
  eim_sandbox_add_user(sandbox, "carol", "pw-c");
  snprintf(api, sizeof api, "apiUrl=%s", eim_sandbox_api_url(sandbox));
  snprintf(url, sizeof url, "url=%s", eim_sandbox_url(sandbox));
  snprintf(key, sizeof key, "appKey=%s", eim_sandbox_app_key(sandbox));
  return true;
}

static void start(peer *self, const char *user, const char *const *with) {
  char password[8];
  snprintf(password, sizeof password, "pw-%c", user[0]);
  peer_start(self, NULL, 1, with);
  CHECK_INT(peer_code(self, peer_open_password(self, user, password)), 0);
}

static const peer_event *send_json(peer *self, const char *json) {
  eim_message *message = NULL;
  uint64_t token = ++self->last_token;
  CHECK_INT(eim_message_from_json(json, &message), EIM_OK);
  if (!message) fprintf(stderr, "  %s\n", eim_error_message(eim_last_error()));
  CHECK_INT(eim_client_send(self->client, message, token), EIM_OK);
  eim_message_unref(message);
  return peer_result(self, token);
}

TEST(every_kind_arrives_as_it_was_sent) {
  static const struct {
    const char *json, *body;
  } rows[] = {
      {"{\"type\":\"cmd\",\"to\":\"bob\",\"action\":\"blink\",\"deliverOnlineOnly\":true}",
       "{\"type\":\"cmd\",\"action\":\"blink\"}"},
      {"{\"type\":\"custom\",\"to\":\"bob\",\"customEvent\":\"gift\","
       "\"customExts\":{\"n\":9007199254740993,\"s\":\"x\"}}",
       "{\"type\":\"custom\",\"customEvent\":\"gift\",\"customExts\":{\"n\":9007199254740993,"
       "\"s\":\"x\"}}"},
      {"{\"type\":\"loc\",\"to\":\"bob\",\"lat\":31.25,\"lng\":-121,\"addr\":\"Bund\","
       "\"buildingName\":\"18\"}",
       "{\"type\":\"loc\",\"lat\":31.25,\"lng\":-121,\"addr\":\"Bund\",\"buildingName\":\"18\"}"},
      {"{\"type\":\"img\",\"to\":\"bob\",\"url\":\"https://h/a\",\"secret\":\"s\","
       "\"filename\":\"a.gif\",\"file_length\":7,\"width\":8,\"height\":9,\"isGif\":true}",
       "{\"type\":\"img\",\"url\":\"https://h/a\",\"secret\":\"s\",\"filename\":\"a.gif\","
       "\"file_length\":7,\"width\":8,\"height\":9,\"isGif\":true}"},
      {"{\"type\":\"audio\",\"to\":\"bob\",\"url\":\"https://h/a\",\"secret\":\"s\","
       "\"filename\":\"a.amr\",\"file_length\":7,\"length\":3}",
       "{\"type\":\"audio\",\"url\":\"https://h/a\",\"secret\":\"s\",\"filename\":\"a.amr\","
       "\"file_length\":7,\"length\":3}"},
      {"{\"type\":\"video\",\"to\":\"bob\",\"url\":\"https://h/a\",\"secret\":\"s\","
       "\"filename\":\"a.mp4\",\"file_length\":7,\"length\":3,\"thumb\":\"https://h/t\","
       "\"thumb_secret\":\"t\"}",
       "{\"type\":\"video\",\"url\":\"https://h/a\",\"secret\":\"s\",\"filename\":\"a.mp4\","
       "\"file_length\":7,\"length\":3,\"thumb\":\"https://h/t\",\"thumb_secret\":\"t\"}"},
      {"{\"type\":\"file\",\"to\":\"bob\",\"url\":\"https://h/a\",\"secret\":\"s\","
       "\"filename\":\"a.bin\",\"file_length\":7}",
       "{\"type\":\"file\",\"url\":\"https://h/a\",\"secret\":\"s\",\"filename\":\"a.bin\","
       "\"file_length\":7}"},
      {"{\"type\":\"combine\",\"to\":\"bob\",\"url\":\"https://h/a\",\"secret\":\"s\","
       "\"filename\":\"c\",\"file_length\":7,\"title\":\"t\",\"summary\":\"u\","
       "\"compatibleText\":\"v\",\"combineLevel\":2}",
       "{\"type\":\"combine\",\"title\":\"t\",\"summary\":\"u\",\"compatibleText\":\"v\","
       "\"combineLevel\":2,\"url\":\"https://h/a\",\"secret\":\"s\",\"filename\":\"c\","
       "\"file_length\":7}"},
  };
  static peer alice, bob;
  REQUIRE(begin());
  start(&alice, "alice", options);
  start(&bob, "bob", options);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const peer_event *sent = send_json(&alice, rows[i].json);
    REQUIRE(sent && !sent->error);
    const peer_event *got = peer_wait(&bob, PEER_MESSAGE, PEER_WAIT);
    REQUIRE(got);
    CHECK_STR(eim_message_body(got->message), rows[i].body);
    CHECK_STR(eim_message_id(got->message), eim_result_message_id(sent->result));
    CHECK_CONTAINS(eim_message_to_json(got->message), "\"from\":\"alice\"");
    /* And what was received can be sent on. */
    eim_message *back = NULL;
    REQUIRE(!eim_message_from_json(eim_message_to_json(got->message), &back));
    CHECK_INT(eim_message_get_kind(back), eim_message_get_kind(got->message));
    eim_message_unref(back);
  }
  peer_stop(&alice);
  peer_stop(&bob);
  eim_sandbox_free(sandbox);
}

TEST(groups_and_chosen_members) {
  static peer alice, bob, carol;
  REQUIRE(begin());
  eim_sandbox_add_group(sandbox, "g1", false, (const char *const[]){"alice", "bob", "carol"}, 3);
  start(&alice, "alice", options);
  start(&bob, "bob", options);
  start(&carol, "carol", options);
  const peer_event *sent = send_json(
      &alice, "{\"type\":\"txt\",\"chatType\":\"groupChat\",\"to\":\"g1\",\"msg\":\"only bob\","
              "\"receiverList\":[\"bob\"],\"msgConfig\":{\"allowGroupAck\":true}}");
  REQUIRE(sent && !sent->error);
  const peer_event *got = peer_wait(&bob, PEER_MESSAGE, PEER_WAIT);
  REQUIRE(got);
  CHECK_INT(eim_message_get_chat_type(got->message), EIM_CHAT_GROUP);
  CHECK_CONTAINS(eim_message_body(got->message), "\"allowGroupAck\":true");
  /* The group read receipt, with its content. */
  CHECK_INT(eim_client_send_read(bob.client, got->message, "seen", 900), EIM_OK);
  CHECK_INT(peer_code(&bob, 900), 0);
  const peer_event *receipt = peer_wait(&alice, PEER_RECEIPT, PEER_WAIT);
  while (receipt && eim_receipt_get_kind(receipt->receipt) == EIM_RECEIPT_SENT)
    receipt = peer_wait(&alice, PEER_RECEIPT, PEER_WAIT);
  REQUIRE(receipt);
  CHECK_INT(eim_receipt_get_kind(receipt->receipt), EIM_RECEIPT_READ);
  CHECK_INT(eim_receipt_get_chat_type(receipt->receipt), EIM_CHAT_GROUP);
  CHECK_CONTAINS(eim_receipt_json(receipt->receipt),
                 "{\"ackContent\":\"seen\",\"groupReadCount\":{");
  CHECK_CONTAINS(eim_receipt_json(receipt->receipt), "\":1}}"); /* it has been read by one */
  /* Carol gets what is for all, and nothing before it. */
  sent = send_json(
      &alice, "{\"type\":\"txt\",\"chatType\":\"groupChat\",\"to\":\"g1\",\"msg\":\"everybody\"}");
  REQUIRE(sent && !sent->error);
  got = peer_wait(&carol, PEER_MESSAGE, PEER_WAIT);
  REQUIRE(got);
  CHECK_STR(eim_message_text(got->message), "everybody");
  peer_stop(&alice);
  peer_stop(&bob);
  peer_stop(&carol);
  eim_sandbox_free(sandbox);
}

/* The next receipt that is not "sent". */
static const peer_event *receipt_of(peer *self) {
  const peer_event *e;
  do e = peer_wait(self, PEER_RECEIPT, PEER_WAIT);
  while (e && eim_receipt_get_kind(e->receipt) == EIM_RECEIPT_SENT);
  return e;
}

TEST(read_conversation_read_and_recall) {
  static peer alice, bob;
  REQUIRE(begin());
  start(&alice, "alice", options);
  start(&bob, "bob", options);
  const peer_event *sent = peer_result(&alice, peer_send(&alice, "bob", "secret plans"));
  REQUIRE(sent && !sent->error);
  const char *id = eim_result_message_id(sent->result);
  const peer_event *got = peer_wait(&bob, PEER_MESSAGE, PEER_WAIT);
  REQUIRE(got);
  CHECK_INT(eim_client_send_read(bob.client, got->message, NULL, 900), EIM_OK);
  CHECK_INT(peer_code(&bob, 900), 0);
  const peer_event *receipt = receipt_of(&alice);
  REQUIRE(receipt);
  CHECK_INT(eim_receipt_get_kind(receipt->receipt), EIM_RECEIPT_READ);
  CHECK_STR(eim_receipt_message_id(receipt->receipt), id);
  CHECK_STR(eim_receipt_from(receipt->receipt), "bob");
  CHECK_INT(eim_client_send_channel_read(bob.client, EIM_CHAT_SINGLE, "alice", 901), EIM_OK);
  CHECK_INT(peer_code(&bob, 901), 0);
  receipt = receipt_of(&alice);
  REQUIRE(receipt);
  CHECK_INT(eim_receipt_get_kind(receipt->receipt), EIM_RECEIPT_CHANNEL);
  CHECK_INT(eim_client_recall(alice.client, EIM_CHAT_SINGLE, "bob", id, "why", 902), EIM_OK);
  CHECK_INT(peer_code(&alice, 902), 0);
  receipt = receipt_of(&bob);
  REQUIRE(receipt);
  CHECK_INT(eim_receipt_get_kind(receipt->receipt), EIM_RECEIPT_RECALLED);
  CHECK_STR(eim_receipt_message_id(receipt->receipt), id);
  CHECK_STR(eim_receipt_json(receipt->receipt), "{\"ext\":\"why\"}");
  /* Refusals carry the server's words. */
  CHECK_INT(eim_client_recall(bob.client, EIM_CHAT_SINGLE, "alice", id, NULL, 903), EIM_OK);
  const peer_event *refused = peer_result(&bob, 903);
  REQUIRE(refused && refused->error);
  CHECK_CONTAINS(eim_error_message(refused->error), "permission");
  eim_message *edited = NULL;
  REQUIRE(!eim_message_new_text(EIM_CHAT_SINGLE, "bob", "other plans", NULL, &edited));
  CHECK_INT(eim_client_edit(alice.client, id, edited, 904), EIM_OK);
  refused = peer_result(&alice, 904); /* an app that has not bought it */
  REQUIRE(refused && refused->error);
  CHECK_CONTAINS(eim_error_message(refused->error), "editing messages is not enabled");
  /* What is wrong is said at once. */
  CHECK_INT(eim_client_send_read(alice.client, edited, NULL, 905), EIM_E_INVALID);
  CHECK_INT(eim_client_recall(alice.client, EIM_CHAT_SINGLE, "bob", "x7", NULL, 905),
            EIM_E_INVALID);
  CHECK_INT(
      eim_client_recall(alice.client, EIM_CHAT_SINGLE, "bob", "99999999999999999999", NULL, 905),
      EIM_E_INVALID);
  CHECK_INT(eim_client_edit(alice.client, id, NULL, 905), EIM_E_INVALID);
  CHECK_INT(eim_client_send_channel_read(alice.client, EIM_CHAT_ROOM, "r", 905), EIM_E_INVALID);
  CHECK_INT(eim_client_join_room(alice.client, "", NULL, false, 905), EIM_E_INVALID);
  CHECK_INT(eim_client_message_done(NULL, edited), EIM_E_INVALID);
  eim_message_unref(edited);
  peer_stop(&alice);
  peer_stop(&bob);
  eim_sandbox_free(sandbox);
}

TEST(rooms_are_entered_and_left) {
  static peer alice, bob;
  REQUIRE(begin());
  eim_sandbox_add_group(sandbox, "r1", true, (const char *const[]){"alice"}, 1);
  start(&alice, "alice", options);
  start(&bob, "bob", options);
  CHECK_INT(eim_client_join_room(bob.client, "r1", "hello all", false, 900), EIM_OK);
  CHECK_INT(peer_code(&bob, 900), 0);
  const peer_event *notice;
  do notice = peer_wait(&alice, PEER_NOTICE, PEER_WAIT);
  while (notice && !strcmp(notice->text, "offline_sync")); /* he may have been faster than she */
  REQUIRE(notice);
  CHECK_STR(notice->text, "chatroom");
  const peer_event *sent =
      send_json(&bob, "{\"type\":\"txt\",\"chatType\":\"chatRoom\",\"to\":\"r1\",\"msg\":\"high\","
                      "\"priority\":\"high\"}");
  REQUIRE(sent && !sent->error);
  const peer_event *got = peer_wait(&alice, PEER_MESSAGE, PEER_WAIT);
  REQUIRE(got);
  CHECK_INT(eim_message_get_chat_type(got->message), EIM_CHAT_ROOM);
  CHECK_CONTAINS(eim_message_body(got->message), "\"priority\":\"high\"");
  CHECK_INT(eim_client_leave_room(bob.client, "r1", 901), EIM_OK);
  CHECK_INT(peer_code(&bob, 901), 0);
  sent =
      send_json(&bob, "{\"type\":\"txt\",\"chatType\":\"chatRoom\",\"to\":\"r1\",\"msg\":\"x\"}");
  REQUIRE(sent && sent->error); /* no member any more */
  CHECK_INT(eim_client_join_room(bob.client, "nowhere", NULL, false, 902), EIM_OK);
  CHECK(peer_code(&bob, 902) > 0);
  peer_stop(&alice);
  peer_stop(&bob);
  eim_sandbox_free(sandbox);
}

TEST(what_was_not_done_comes_again_to_the_next_client) {
  static peer alice, bob;
  REQUIRE(begin());
  start(&alice, "alice", options);
  const char *same_device[8] = {api, url, key, "deviceId=one", "ackMode=manual", NULL};
  for (int i = 0; i < 3; i++) {
    char text[16];
    snprintf(text, sizeof text, "m%d", i);
    CHECK_INT(peer_code(&alice, peer_send(&alice, "bob", text)), 0);
  }
  for (int round = 0; round < 2; round++) { /* the first one crashes, as far as the server sees */
    start(&bob, "bob", same_device);
    for (int i = 0; i < 3; i++) {
      char text[16];
      snprintf(text, sizeof text, "m%d", i);
      const peer_event *got = peer_wait(&bob, PEER_MESSAGE, PEER_WAIT);
      REQUIRE(got);
      CHECK_STR(eim_message_text(got->message), text);
      if (round == 1 || i == 0)
        CHECK_INT(eim_client_message_done(bob.client, got->message), EIM_OK);
    }
    if (round == 0) peer_stop(&bob);
  }
  /* All are done: what is behind them comes, and after another crash only that. */
  CHECK_INT(peer_code(&alice, peer_send(&alice, "bob", "last")), 0);
  for (int round = 0; round < 2; round++) {
    const peer_event *got = peer_wait(&bob, PEER_MESSAGE, PEER_WAIT);
    REQUIRE(got);
    CHECK_STR(eim_message_text(got->message), "last");
    if (round == 1) break;
    peer_stop(&bob);
    start(&bob, "bob", same_device);
  }
  peer_stop(&bob);
  peer_stop(&alice);
  eim_sandbox_free(sandbox);
}
