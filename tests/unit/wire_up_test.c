/* Our frames against those of easemob-websdk 4.8.1, mini program build, byte for byte. */
#include "model/message.h"
#include "wire/pb.h"
#include "wire_vectors.h"

static void check_bytes(const char *what, const eim_buf *ours, const char *hex) {
  size_t length;
  uint8_t *bytes = vector_bytes(hex, &length);
  if (ours->failed || ours->length != length || memcmp(ours->data, bytes, length)) {
    eim_test_fail(__FILE__, __LINE__, "%s: not as recorded: %s", what, hex);
    for (size_t i = 0; i < ours->length; i++) fprintf(stderr, "%02x", ours->data[i]);
    fprintf(stderr, "\n");
  }
  free(bytes);
}

static const cJSON *get(const cJSON *object, const char *key) {
  return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* The version is the only thing in which our Provision differs on purpose: the caller names it.
 * Here it names the recorded one. */
static void check_provision(const char *file, const cJSON *step) {
  const cJSON *decoded_ = get(step, "decoded");
  const cJSON *p = get(get(decoded_, "payload"), "Provision"), *guid = get(decoded_, "guid");
  eim_secret *token = eim_secret_new(vector_string(decoded_, "auth") + 3); /* without "$t$" */
  eim_provision_up up = {
      .app_key = vector_string(guid, "appKey"),
      .user = vector_string(guid, "name"),
      .resource = vector_string(p, "resource"),
      .device_uuid = vector_string(p, "deviceUuid"),
      .device_name = vector_string(p, "deviceName"),
      .os_type = 16,
      .version = vector_string(p, "version"),
      .action_version = vector_string(p, "actionVersion"),
      .session_id = vector_string(p, "sessionId"),
      .reason = vector_string(p, "reason"),
      .token = token,
  };
  eim_buf out = EIM_BUF_INIT;
  CHECK(eim_frame_provision(&out, &up));
  check_bytes(file, &out, vector_string(step, "hex"));
  eim_buf_wipe(&out);
  eim_secret_unref(token);
}

static uint64_t u64(const cJSON *object, const char *key) {
  return strtoull(vector_string(object, key), NULL, 10);
}

static void check_fetch(const char *file, const cJSON *step, const cJSON *up) {
  const cJSON *queue = get(up, "queue");
  eim_jid jid = {vector_string(queue, "appKey"), vector_string(queue, "name"),
                 vector_string(queue, "domain"), vector_string(queue, "clientResource")};
  eim_buf out = EIM_BUF_INIT;
  CHECK(eim_frame_fetch(&out, &jid, get(up, "key") != NULL, u64(up, "key")));
  check_bytes(file, &out, vector_string(step, "hex"));
  eim_buf_free(&out);
}

/* The recorded Meta as a server would deliver it: SYNC down with this one meta. */
static void deliver(decoded *out, const char *hex) {
  size_t length;
  uint8_t *bytes = vector_bytes(hex, &length);
  EIM_PB(MSync) *up = easemob__pb__msync__unpack(NULL, length, bytes);
  EIM_PB(CommSyncUL) *sync =
      easemob__pb__comm_sync_ul__unpack(NULL, up->payload.len, up->payload.data);
  EIM_PB(CommSyncDL) down = EASEMOB__PB__COMM_SYNC_DL__INIT;
  EIM_PB(MSync) frame = EASEMOB__PB__MSYNC__INIT;
  EIM_PB(Meta) * metas[1] = {sync->meta};
  down.n_metas = 1;
  down.metas = metas;
  uint8_t *payload = malloc(easemob__pb__comm_sync_dl__get_packed_size(&down));
  frame.has_command = 1;
  frame.has_payload = 1;
  frame.payload.len = easemob__pb__comm_sync_dl__pack(&down, payload);
  frame.payload.data = payload;
  uint8_t *whole = malloc(easemob__pb__msync__get_packed_size(&frame));
  size_t size = easemob__pb__msync__pack(&frame, whole);
  decode(out, whole, size, "somebody", "webim_x");
  free(whole);
  free(payload);
  easemob__pb__comm_sync_ul__free_unpacked(sync, NULL);
  easemob__pb__msync__free_unpacked(up, NULL);
  free(bytes);
}

/* Decode what the SDK sent, send the same message again: the same bytes, whatever kind it is.
 * Delivery wishes are no part of a received message: the sender puts them into the body. */
static void check_message(const char *file, const cJSON *step, const cJSON *meta) {
  decoded d;
  deliver(&d, vector_string(step, "hex"));
  REQUIRE(d.ok && d.frame.item_count == 1);
  CHECK_INT(d.frame.items[0].kind, EIM_ITEM_MESSAGE);
  eim_message *message = d.frame.items[0].message;
  if (message) {
    char body[4096];
    const char *route = vector_string(meta, "routetype");
    snprintf(body, sizeof body, "{%s%s",
             !strcmp(route, "ROUTE_ONLINE")   ? "\"deliverOnlineOnly\":true,"
             : !strcmp(route, "ROUTE_DIRECT") ? "\"receiverList\":[\"bob\"],"
                                              : "",
             message->body + 1);
    const char *as_received = message->body;
    message->body = body;
    eim_buf out = EIM_BUF_INIT;
    CHECK(eim_frame_message(
        &out, "lab#peer",
        vector_string(get(get(get(meta, "payload"), "MessageBody"), "from"), "name"),
        u64(meta, "id"), message));
    check_bytes(file, &out, vector_string(step, "hex"));
    eim_buf_free(&out);
    message->body = as_received;
  }
  decoded_free(&d);
}

static void check_receipt(const char *file, const cJSON *step, const cJSON *meta,
                          const char *type) {
  const cJSON *body = get(get(meta, "payload"), "MessageBody");
  eim_buf out = EIM_BUF_INIT;
  CHECK(eim_frame_receipt(&out, "lab#peer", vector_string(get(body, "from"), "name"),
                          u64(meta, "id"),
                          !strcmp(type, "READ_ACK")      ? EIM_RECEIPT_READ
                          : !strcmp(type, "DELIVER_ACK") ? EIM_RECEIPT_DELIVERED
                                                         : EIM_RECEIPT_CHANNEL,
                          vector_string(get(body, "to"), "name"), u64(body, "ackMessageId")));
  check_bytes(file, &out, vector_string(step, "hex"));
  eim_buf_free(&out);
}

/* Recall, edit, group read receipt, room join and leave. */
static bool check_action(const char *file, const cJSON *step, const cJSON *meta) {
  const cJSON *body = get(get(meta, "payload"), "MessageBody");
  const cJSON *muc = get(get(meta, "payload"), "MUCBody");
  const char *type = vector_string(body, "type");
  bool group = !strcmp(vector_string(get(meta, "to"), "domain"), "conference.easemob.com");
  eim_action action = {.chat_type = group ? EIM_CHAT_GROUP : EIM_CHAT_SINGLE,
                       .to = vector_string(get(body, "to"), "name"),
                       .message_id = u64(body, "ackMessageId")};
  const char *from = vector_string(get(muc ? muc : body, "from"), "name");
  const cJSON *note = cJSON_GetArrayItem(get(meta, "ext"), 0);
  eim_message *message = NULL;
  if (!strcmp(type, "RECALL")) {
    action.kind = EIM_ACTION_RECALL;
    action.text = note ? vector_string(note, "stringValue") : NULL;
  } else if (!strcmp(type, "READ_ACK")) {
    action.kind = EIM_ACTION_READ;
    action.text = vector_string(body, "ackContent");
  } else if (muc) {
    action.kind = strcmp(vector_string(muc, "operation"), "JOIN") ? EIM_ACTION_LEAVE_ROOM
                                                                  : EIM_ACTION_JOIN_ROOM;
    action.to = vector_string(get(muc, "mucId"), "name");
    action.text = vector_string(muc, "ext");
    action.leave_others = cJSON_IsTrue(get(muc, "leaveOtherRooms"));
  } else {
    return false;
  }
  eim_buf out = EIM_BUF_INIT;
  CHECK(eim_frame_action(&out, "lab#peer", from, u64(meta, "id"), &action));
  check_bytes(file, &out, vector_string(step, "hex"));
  eim_buf_free(&out);
  eim_message_unref(message);
  return true;
}

TEST(our_frames_are_those_of_the_sdk) {
  size_t count, provisions = 0, unreads = 0, fetches = 0, messages = 0, receipts = 0, others = 0;
  size_t actions = 0;
  const vector_file *files = vector_files(&count);
  for (size_t i = 0; i < count; i++) {
    const char *file = files[i].name;
    if (strncmp(file, "em481-mini/", 11) && strncmp(file, "em481-zfb/", 10)) continue;
    FOR_STEPS(step, &files[i]) {
      const cJSON *frame = get(step, "decoded");
      if (strcmp(vector_string(step, "kind"), "ws") || strcmp(vector_string(step, "dir"), "up"))
        continue;
      const char *command = vector_string(frame, "command");
      const cJSON *up = get(get(frame, "payload"), "CommSyncUL"), *meta = get(up, "meta");
      const cJSON *body = get(get(meta, "payload"), "MessageBody");
      const char *type = vector_string(body, "type");
      if (!strcmp(command, "PROVISION")) {
        check_provision(file, step);
        provisions++;
      } else if (!strcmp(command, "UNREAD")) {
        eim_buf out = EIM_BUF_INIT;
        CHECK(eim_frame_unread(&out));
        check_bytes(file, &out, vector_string(step, "hex"));
        eim_buf_free(&out);
        unreads++;
      } else if (!meta) {
        check_fetch(file, step, up);
        fetches++;
      } else if (!strcmp(type, "CHAT") || !strcmp(type, "GROUPCHAT") || !strcmp(type, "CHATROOM")) {
        check_message(file, step, meta);
        messages++;
      } else if (!strcmp(type, "DELIVER_ACK") || !strcmp(type, "CHANNEL_ACK") ||
                 (!strcmp(type, "READ_ACK") && !get(body, "ackContent"))) {
        check_receipt(file, step, meta, type);
        receipts++;
      } else if (check_action(file, step, meta)) {
        actions++;
      } else {
        others++; /* pings, which are not sent; edit, where 4.8.1 says less than later SDKs do */
      }
    }
  }
  CHECK_INT(provisions, 7);
  CHECK_INT(unreads, 10);
  CHECK_INT(fetches, 85);
  CHECK_INT(messages, 24);
  CHECK_INT(receipts, 3);
  CHECK_INT(actions, 8);
  CHECK_INT(others, 18);
}

/* As easemob-websdk 4.21.1 does: with the scope. */
TEST(edits) {
  size_t count, edits = 0;
  const vector_file *files = vector_files(&count);
  for (size_t i = 0; i < count; i++) {
    if (strcmp(files[i].name, "em4211-web/edit.json")) continue;
    FOR_STEPS(step, &files[i]) {
      const cJSON *meta = get(get(get(get(step, "decoded"), "payload"), "CommSyncUL"), "meta");
      const cJSON *body = get(get(meta, "payload"), "MessageBody");
      if (strcmp(vector_string(step, "kind"), "ws") || strcmp(vector_string(step, "dir"), "up") ||
          strcmp(vector_string(body, "type"), "EDIT"))
        continue;
      const cJSON *content = cJSON_GetArrayItem(get(body, "contents"), 0);
      eim_message *message = NULL;
      if (strcmp(vector_string(content, "type"), "TEXT") || get(body, "ext")) continue;
      REQUIRE(!eim_message_new_text(EIM_CHAT_SINGLE, vector_string(get(body, "to"), "name"),
                                    vector_string(content, "text"), NULL, &message));
      eim_action action = {
          .kind = EIM_ACTION_EDIT, .message = message, .message_id = u64(body, "editMessageId")};
      eim_buf out = EIM_BUF_INIT;
      CHECK(eim_frame_action(&out, "lab#peer", vector_string(get(body, "from"), "name"),
                             u64(meta, "id"), &action));
      /* Their envelope has version and traceId; what is inside is the same. */
      EIM_PB(MSync) *ours = easemob__pb__msync__unpack(NULL, out.length, out.data);
      size_t length;
      uint8_t *bytes = vector_bytes(vector_string(step, "hex"), &length);
      EIM_PB(MSync) *theirs = easemob__pb__msync__unpack(NULL, length, bytes);
      REQUIRE(ours && theirs);
      CHECK_INT(ours->payload.len, theirs->payload.len);
      CHECK(!memcmp(ours->payload.data, theirs->payload.data, theirs->payload.len));
      edits++;
      easemob__pb__msync__free_unpacked(ours, NULL);
      easemob__pb__msync__free_unpacked(theirs, NULL);
      free(bytes);
      eim_buf_free(&out);
      eim_message_unref(message);
    }
  }
  CHECK(edits > 0);
}

/* The same once more from plain inputs, so that decoding and encoding cannot err together. */
TEST(text_with_every_ext_value) {
  eim_message *message = NULL;
  CHECK_INT(eim_message_new_text(EIM_CHAT_SINGLE, "bob", "hello bob 你好 😀",
                                 "{\"s\":\"text\",\"i\":7,\"neg\":-3,\"big\":9007199254740991,"
                                 "\"d\":1.5,\"t\":true,\"f\":false,\"o\":{\"a\":[1,null]},"
                                 "\"arr\":[1,2],\"n\":null,\"e\":\"\"}",
                                 &message),
            EIM_OK);
  REQUIRE(message);
  const cJSON *root = vector_file_named("em481-mini/send-receive.json");
  REQUIRE(root);
  const cJSON *first = get(root, "steps")->child;
  eim_buf out = EIM_BUF_INIT;
  CHECK(eim_frame_message(&out, "lab#peer", "alice", 530405868897u, message));
  check_bytes("text", &out, vector_string(first, "hex"));
  eim_buf_free(&out);
  eim_message_unref(message);
}

/* Send, deliver to ourselves, look at the ext. */
static void round_trip_ext(const char *ext, const char *expected) {
  eim_message *message = NULL;
  eim_buf out = EIM_BUF_INIT;
  CHECK_INT(eim_message_new_text(EIM_CHAT_SINGLE, "bob", "x", ext, &message), EIM_OK);
  REQUIRE(message);
  CHECK(eim_frame_message(&out, "a#b", "alice", 1, message));
  eim_buf hex = EIM_BUF_INIT;
  for (size_t i = 0; i < out.length; i++) eim_buf_printf(&hex, "%02x", out.data[i]);
  decoded d;
  deliver(&d, (const char *)hex.data);
  CHECK(d.ok && d.frame.item_count == 1 && d.frame.items[0].message);
  if (d.ok && d.frame.items[0].message)
    CHECK_STR(eim_message_ext(d.frame.items[0].message), expected);
  decoded_free(&d);
  eim_buf_free(&hex);
  eim_buf_free(&out);
  eim_message_unref(message);
}

TEST(ext_loses_nothing) {
  static const char *const same[] = {
      "{\"max\":9223372036854775807,\"min\":-9223372036854775808}",
      "{\"beyond\":18446744073709551615}", /* as JSON_STRING */
      "{\"d\":0.1,\"tiny\":4.94065645841247e-324,\"huge\":1.7976931348623157e+308,\"whole\":3.0}",
      "{\"nested\":{\"id\":12345678901234567890,\"list\":[null,true,{}]},\"n\":null}",
      "{\"text\":\"\\\"quoted\\\" \\\\ 你好\",\"number as text\":\"42\"}",
  };
  for (size_t i = 0; i < sizeof same / sizeof *same; i++) round_trip_ext(same[i], same[i]);
  round_trip_ext("{\"e\":1E3,\"u\":\"\\u4f60\\ud83d\\ude00\"}", "{\"e\":1000.0,\"u\":\"你😀\"}");
}

/* As it arrives elsewhere. */
static eim_message *arrived(const eim_message *message) {
  eim_buf out = EIM_BUF_INIT, hex = EIM_BUF_INIT;
  decoded d;
  eim_message *got = NULL;
  CHECK(eim_frame_message(&out, "a#b", "alice", 1, message));
  for (size_t i = 0; i < out.length; i++) eim_buf_printf(&hex, "%02x", out.data[i]);
  deliver(&d, (const char *)hex.data);
  if (d.ok && d.frame.item_count == 1) got = eim_message_ref(d.frame.items[0].message);
  decoded_free(&d);
  eim_buf_free(&hex);
  eim_buf_free(&out);
  return got;
}

TEST(what_arrived_can_be_sent_on_as_json) {
#define EXT "\"ext\":{\"b\":true,\"i\":9007199254740993,\"d\":0.5,\"s\":\"x\",\"o\":{\"n\":null}}"
#define FILE_ "\"url\":\"https://h/a\",\"secret\":\"s\",\"filename\":\"n\",\"file_length\":7"
  static const char *const kinds[] = {
      "{\"type\":\"txt\",\"to\":\"bob\",\"msg\":\"\\ud83d\\ude00 \\\"q\\\"\"," EXT "}",
      "{\"type\":\"img\",\"to\":\"bob\"," FILE_ ",\"width\":8,\"height\":9.5,\"isGif\":true," EXT
      "}",
      "{\"type\":\"video\",\"to\":\"bob\"," FILE_
      ",\"length\":3,\"thumb\":\"https://h/t\",\"thumb_secret\":\"t\"," EXT "}",
      "{\"type\":\"audio\",\"to\":\"bob\"," FILE_ ",\"length\":3," EXT "}",
      "{\"type\":\"file\",\"to\":\"bob\"," FILE_ "," EXT "}",
      "{\"type\":\"loc\",\"to\":\"bob\",\"lat\":31.25,\"lng\":-121,\"addr\":\"a\","
      "\"buildingName\":\"b\"," EXT "}",
      "{\"type\":\"cmd\",\"to\":\"bob\",\"action\":\"x\"," EXT "}",
      "{\"type\":\"custom\",\"to\":\"bob\",\"customEvent\":\"e\",\"customExts\":{\"n\":[1]}," EXT
      "}",
      "{\"type\":\"combine\",\"to\":\"bob\"," FILE_
      ",\"title\":\"t\",\"summary\":\"u\",\"compatibleText\":\"v\",\"combineLevel\":2," EXT "}",
      "{\"type\":\"txt\",\"chatType\":\"groupChat\",\"to\":\"g\",\"msg\":\"x\","
      "\"msgConfig\":{\"allowGroupAck\":true}," EXT "}",
      "{\"type\":\"txt\",\"chatType\":\"groupChat\",\"to\":\"t\",\"msg\":\"x\","
      "\"isChatThread\":true," EXT "}",
      "{\"type\":\"txt\",\"chatType\":\"chatRoom\",\"to\":\"r\",\"msg\":\"x\",\"priority\":"
      "\"low\"," EXT "}",
  };
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    eim_message *first = NULL, *second = NULL;
    if (eim_message_from_json(kinds[i], &first)) {
      eim_test_fail(__FILE__, __LINE__, "%s: %s", kinds[i], eim_error_message(eim_last_error()));
      continue;
    }
    eim_message *got = arrived(first), *again = NULL;
    REQUIRE(got);
    CHECK_INT(eim_message_get_kind(got), eim_message_get_kind(first));
    CHECK_STR(eim_message_ext(got), eim_message_ext(first));
    CHECK_INT(eim_message_from_json(eim_message_to_json(got), &second), EIM_OK);
    if (second) again = arrived(second);
    REQUIRE(again);
    CHECK_INT(eim_message_get_kind(again), eim_message_get_kind(got));
    CHECK_INT(eim_message_get_chat_type(again), eim_message_get_chat_type(got));
    CHECK_STR(eim_message_to(again), eim_message_to(got));
    CHECK_STR(eim_message_ext(again), eim_message_ext(got));
    if (!strstr(kinds[i],
                "isChatThread")) /* the thread is the receiver, its mark is the server's */
      CHECK_STR(eim_message_body(again), eim_message_body(got));
    eim_message_unref(first);
    eim_message_unref(got);
    eim_message_unref(second);
    eim_message_unref(again);
  }
}

TEST(messages_that_cannot_be_sent) {
  struct {
    eim_message_kind kind;
    const char *body;
  } bad[] = {{EIM_MESSAGE_UNKNOWN, "{}"},
             {EIM_MESSAGE_IMAGE, "{}"},
             {EIM_MESSAGE_IMAGE, "{\"url\":7}"},
             {EIM_MESSAGE_IMAGE, "{\"url\":\"http://x\",\"file_length\":4294967296}"},
             {EIM_MESSAGE_COMMAND, "{\"action\":\"\"}"},
             {EIM_MESSAGE_LOCATION, "{\"lat\":1}"},
             {EIM_MESSAGE_CUSTOM, "{}"},
             {EIM_MESSAGE_TEXT, "{}"}, /* without text */
             {EIM_MESSAGE_COMMAND, "not json"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    eim_message *message = eim_message_alloc(64);
    REQUIRE(message);
    message->kind = bad[i].kind;
    message->to = "bob";
    message->body = bad[i].body;
    eim_buf out = EIM_BUF_INIT;
    CHECK(!eim_frame_message(&out, "a#b", "alice", 1, message));
    CHECK_INT(out.length, 0);
    eim_buf_free(&out);
    eim_message_unref(message);
  }
  eim_buf out = EIM_BUF_INIT;
  CHECK(!eim_frame_receipt(&out, "a#b", "alice", 1, EIM_RECEIPT_SENT, "bob", 1));
  CHECK(!eim_frame_receipt(&out, "a#b", "alice", 1, EIM_RECEIPT_READ, "", 1));
  eim_buf_free(&out);
}

/* A token with characters that need escaping must not break out of its JSON string. */
TEST(token_is_escaped) {
  eim_secret *token = eim_secret_new("a\"b\\c");
  eim_provision_up up = {"a#b", "u", "r", "d", "n", 5, 7, "1", "v4.0", "1:", NULL, token, false};
  eim_buf out = EIM_BUF_INIT;
  CHECK(eim_frame_provision(&out, &up));
  EIM_PB(MSync) *sync = easemob__pb__msync__unpack(NULL, out.length, out.data);
  REQUIRE(sync);
  EIM_PB(Provision) *p =
      easemob__pb__provision__unpack(NULL, sync->payload.len, sync->payload.data);
  REQUIRE(p);
  CHECK_STR(sync->auth, "$t$a\"b\\c");
  CHECK_STR(p->authtoken, "{\"token\":\"$t$a\\\"b\\\\c\"}");
  CHECK_INT(p->oscustomvalue, 7);
  CHECK(!p->reason);
  easemob__pb__provision__free_unpacked(p, NULL);
  easemob__pb__msync__free_unpacked(sync, NULL);
  eim_buf_wipe(&out);
  eim_secret_unref(token);
}
