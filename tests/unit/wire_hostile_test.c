/* Bytes no honest server sends: nothing may crash, leak, read outside, or take memory without
 * bound. */
#include "model/event.h"
#include "model/message.h"
#include "wire/pb.h"
#include "wire_vectors.h"

static void add_varint(eim_buf *out, uint64_t value) {
  do {
    uint8_t byte = (uint8_t)(value & 0x7f) | (value > 0x7f ? 0x80 : 0);
    eim_buf_add(out, &byte, 1);
    value >>= 7;
  } while (value);
}

static void add_bytes(eim_buf *out, int field, const void *bytes, size_t length) {
  add_varint(out, (uint64_t)field << 3 | 2);
  add_varint(out, length);
  eim_buf_add(out, bytes, length);
}

static void add_buf(eim_buf *out, int field, eim_buf *inner) {
  add_bytes(out, field, inner->data ? (void *)inner->data : "", inner->length);
  eim_buf_free(inner);
}

static void add_int(eim_buf *out, int field, uint64_t value) {
  add_varint(out, (uint64_t)field << 3);
  add_varint(out, value);
}

/* A SYNC frame around a CommSyncDL (consumed). */
static eim_buf frame_of(eim_buf *sync) {
  eim_buf out = EIM_BUF_INIT;
  add_int(&out, 8, 0);
  add_buf(&out, 9, sync);
  return out;
}

/* A frame with one meta. */
static eim_buf frame_with_meta(int ns, const void *payload, size_t length) {
  eim_buf meta = EIM_BUF_INIT, sync = EIM_BUF_INIT;
  add_int(&meta, 1, 77);
  add_int(&meta, 5, (uint64_t)(int64_t)ns);
  add_bytes(&meta, 6, payload, length);
  add_buf(&sync, 4, &meta);
  return frame_of(&sync);
}

static void decode_buf(decoded *d, eim_buf *frame) {
  decode(d, frame->data, frame->length, "me", "webim_me");
  eim_buf_free(frame);
}

/* Whatever came out is well-formed. */
static void check_sane(const decoded *d) {
  if (!d->ok) {
    CHECK(d->problem && *d->problem);
    return;
  }
  for (size_t i = 0; i < d->frame.item_count; i++) {
    const eim_item *item = &d->frame.items[i];
    const char *json = NULL;
    CHECK((item->kind == EIM_ITEM_MESSAGE) == (item->message != NULL));
    CHECK((item->kind == EIM_ITEM_RECEIPT) == (item->receipt != NULL));
    CHECK((item->kind == EIM_ITEM_NOTICE) == (item->notice != NULL));
    CHECK((item->kind == EIM_ITEM_BAD) == (*item->problem != 0));
    if (item->message) {
      cJSON *ext = cJSON_Parse(eim_message_ext(item->message));
      CHECK(cJSON_IsObject(ext));
      cJSON_Delete(ext);
      json = eim_message_body(item->message);
    }
    if (item->notice) json = eim_notice_json(item->notice);
    if (json) {
      cJSON *body = cJSON_Parse(json);
      if (!cJSON_IsObject(body)) eim_test_fail(__FILE__, __LINE__, "no JSON: %s", json);
      cJSON_Delete(body);
    }
  }
}

TEST(truncated_at_every_byte) {
  size_t count, accepted = 0;
  const vector_file *files = vector_files(&count);
  for (size_t i = 0; i < count; i++) {
    if (strncmp(files[i].name, "em481-mini/", 11)) continue;
    FOR_STEPS(step, &files[i]) {
      if (strcmp(vector_string(step, "kind"), "ws")) continue;
      size_t length;
      uint8_t *bytes = vector_bytes(vector_string(step, "hex"), &length);
      for (size_t cut = 0; cut < length; cut++) {
        decoded d;
        decode(&d, bytes, cut, "bob", "x");
        check_sane(&d);
        accepted += d.ok;
        decoded_free(&d);
      }
      free(bytes);
    }
  }
  CHECK(accepted > 0); /* cut between two fields it is a frame, only a poorer one */
}

TEST(mutated_bytes) {
  uint64_t state = 42;
  size_t count;
  const vector_file *files = vector_files(&count);
  for (size_t i = 0; i < count; i++) {
    FOR_STEPS(step, &files[i]) {
      if (strcmp(vector_string(step, "kind"), "ws")) continue;
      size_t length;
      uint8_t *bytes = vector_bytes(vector_string(step, "hex"), &length);
      for (int round = 0; round < 40; round++) {
        uint8_t *mutant = malloc(length + 1);
        memcpy(mutant, bytes, length);
        for (int n = 0; n <= round % 4; n++) {
          state = state * 6364136223846793005u + 1442695040888963407u;
          mutant[(state >> 33) % length] = (uint8_t)(state >> 25);
        }
        decoded d;
        decode(&d, mutant, length, "bob", "x");
        check_sane(&d);
        decoded_free(&d);
        free(mutant);
      }
      free(bytes);
    }
  }
}

TEST(one_bad_meta_loses_only_itself) {
  static const char not_a_body[] = "\xff\xff\xff";
  eim_buf good = EIM_BUF_INIT, content = EIM_BUF_INIT, body = EIM_BUF_INIT, sync = EIM_BUF_INIT;
  add_int(&content, 1, 0);
  add_bytes(&content, 2, "hi", 2);
  add_int(&body, 1, 1);
  add_buf(&body, 4, &content);
  add_int(&good, 1, 5);
  add_int(&good, 5, 1);
  add_buf(&good, 6, &body);

  eim_buf bad_payload = EIM_BUF_INIT, no_content = EIM_BUF_INIT, empty_body = EIM_BUF_INIT;
  add_int(&bad_payload, 1, 6);
  add_int(&bad_payload, 5, 1);
  add_bytes(&bad_payload, 6, not_a_body, 3);
  add_int(&empty_body, 1, 1);
  add_int(&no_content, 5, 1);
  add_buf(&no_content, 6, &empty_body);

  add_bytes(&sync, 4, good.data, good.length);
  add_bytes(&sync, 4, not_a_body, 3);
  add_buf(&sync, 4, &bad_payload);
  add_buf(&sync, 4, &no_content);
  add_int(&sync, 5, 99);
  add_buf(&sync, 4, &good);
  decoded d;
  eim_buf frame = frame_of(&sync);
  decode_buf(&d, &frame);
  REQUIRE(d.ok);
  CHECK_INT(d.frame.item_count, 5);
  static const eim_item_kind kinds[] = {EIM_ITEM_MESSAGE, EIM_ITEM_BAD, EIM_ITEM_BAD, EIM_ITEM_BAD,
                                        EIM_ITEM_MESSAGE};
  for (size_t i = 0; i < 5; i++) CHECK_INT(d.frame.items[i].kind, kinds[i]);
  CHECK_INT(d.frame.items[2].id, 6);
  CHECK_INT(d.frame.status.code, -1); /* missing status and from do no harm */
  CHECK(d.frame.has_next_key && d.frame.next_key == 99);
  CHECK_STR(eim_message_text(d.frame.items[4].message), "hi");
  CHECK_STR(eim_message_from(d.frame.items[4].message), "");
  decoded_free(&d);
}

TEST(several_contents_and_unknown_kinds) {
  eim_buf first = EIM_BUF_INIT, second = EIM_BUF_INIT, body = EIM_BUF_INIT;
  add_int(&first, 1, 42);
  add_bytes(&first, 2, "new \"kind\"", 10);
  add_int(&second, 1, 0);
  add_bytes(&second, 2, "two", 3);
  add_int(&body, 1, 2);
  add_buf(&body, 4, &first);
  add_buf(&body, 4, &second);
  eim_buf frame = frame_with_meta(1, body.data, body.length);
  eim_buf_free(&body);
  decoded d;
  decode_buf(&d, &frame);
  REQUIRE(d.ok && d.frame.item_count == 1 && d.frame.items[0].message);
  CHECK_INT(eim_message_get_kind(d.frame.items[0].message), EIM_MESSAGE_UNKNOWN);
  CHECK_INT(eim_message_get_chat_type(d.frame.items[0].message), EIM_CHAT_GROUP);
  CHECK(!eim_message_text(d.frame.items[0].message));
  CHECK_STR(eim_message_body(d.frame.items[0].message),
            "{\"type\":\"unknown\",\"content\":{\"type\":42,\"text\":\"new \\\"kind\\\"\"},"
            "\"moreContents\":[{\"type\":\"TEXT\",\"text\":\"two\"}]}");
  decoded_free(&d);

  eim_buf other = frame_with_meta(6, "\x01\x02\x03\x04", 4);
  decode_buf(&d, &other);
  REQUIRE(d.ok && d.frame.item_count == 1 && d.frame.items[0].notice);
  CHECK_STR(eim_notice_name(d.frame.items[0].notice), "unknown");
  CHECK_STR(eim_notice_json(d.frame.items[0].notice),
            "{\"msgId\":\"77\",\"time\":0,\"ns\":6,\"payload\":\"AQIDBA==\"}");
  decoded_free(&d);
}

TEST(invalid_utf8_is_replaced) {
  eim_buf content = EIM_BUF_INIT, body = EIM_BUF_INIT, kv = EIM_BUF_INIT, name = EIM_BUF_INIT;
  add_int(&content, 1, 0);
  add_bytes(&content, 2, "a\xff\xc0\x80z", 5);
  add_bytes(&name, 2, "al\xed\xa0\x80", 5);
  add_bytes(&kv, 1, "k\xfe", 2);
  add_int(&kv, 2, 7);
  add_bytes(&kv, 6, "v\xf8", 2);
  add_int(&body, 1, 1);
  add_buf(&body, 2, &name);
  add_buf(&body, 4, &content);
  add_buf(&body, 5, &kv);
  eim_buf frame = frame_with_meta(1, body.data, body.length);
  eim_buf_free(&body);
  decoded d;
  decode_buf(&d, &frame);
  REQUIRE(d.ok && d.frame.item_count == 1 && d.frame.items[0].message);
  const eim_message *m = d.frame.items[0].message;
#define R "\xef\xbf\xbd"
  CHECK_STR(eim_message_text(m), "a" R R R "z");
  CHECK_STR(eim_message_from(m), "al" R R R);
  CHECK_STR(eim_message_ext(m), "{\"k" R "\":\"v" R "\"}");
  CHECK_STR(eim_message_body(m), "{\"type\":\"txt\",\"msg\":\"a" R R R "z\"}");
#undef R
  decoded_free(&d);
}

/* All eight value types, and types that lie about their value. */
TEST(ext_of_every_type) {
  EIM_PB(KeyValue) kv[14];
  EIM_PB(KeyValue) * list[14];
  EIM_PB(MessageBody__Content) content = EASEMOB__PB__MESSAGE_BODY__CONTENT__INIT;
  EIM_PB(MessageBody__Content) * contents[1] = {&content};
  EIM_PB(MessageBody) body = EASEMOB__PB__MESSAGE_BODY__INIT;
  char deep[300] = "";
  memset(deep, '[', 120);
  memset(deep + 120, ']', 120);
  struct {
    int type, value;
    int64_t integer;
    double real;
    const char *text;
  } rows[14] = {{1, 3, 2, 0, 0},           {2, 3, INT64_MIN, 0, 0},
                {3, 3, -1, 0, 0},          {4, 3, INT64_MAX, 0, 0},
                {5, 4, 0, 0.25, 0},        {6, 5, 0, 1e-7, 0},
                {7, 6, 0, 0, "{\"a\":1}"}, {8, 6, 0, 0, " {\"id\":18446744073709551615} "},
                {8, 6, 0, 0, "not json"},  {8, 6, 0, 0, deep},
                {2, 6, 0, 0, "7"},         {7, 3, 7, 0, 0},
                {2, 0, 0, 0, 0},           {99, 3, 5, 0, 0}};
  for (int i = 0; i < 14; i++) {
    easemob__pb__key_value__init(&kv[i]);
    list[i] = &kv[i];
    kv[i].has_type = 1;
    kv[i].type = (EIM_PB(KeyValue__ValueType))rows[i].type;
    kv[i].value_case = (EIM_PB(KeyValue__ValueCase))rows[i].value;
    if (rows[i].value == 3) kv[i].varintvalue = rows[i].integer;
    if (rows[i].value == 4) kv[i].floatvalue = (float)rows[i].real;
    if (rows[i].value == 5) kv[i].doublevalue = rows[i].real;
    if (rows[i].value == 6) kv[i].stringvalue = (char *)(uintptr_t)rows[i].text;
  }
  static char keys[14][2];
  for (int i = 0; i < 14; i++) {
    keys[i][0] = (char)('a' + i);
    kv[i].key = keys[i];
  }
  body.has_type = 1;
  body.type = EASEMOB__PB__MESSAGE_BODY__TYPE__CHAT;
  body.n_contents = 1;
  body.contents = contents;
  body.n_ext = 14;
  body.ext = list;
  uint8_t packed[2048];
  REQUIRE(easemob__pb__message_body__get_packed_size(&body) <= sizeof packed);
  eim_buf frame = frame_with_meta(1, packed, easemob__pb__message_body__pack(&body, packed));
  decoded d;
  decode_buf(&d, &frame);
  REQUIRE(d.ok && d.frame.item_count == 1 && d.frame.items[0].message);
  char expected[1024];
  snprintf(
      expected, sizeof expected,
      "{\"a\":true,\"b\":-9223372036854775808,\"c\":18446744073709551615,"
      "\"d\":9223372036854775807,\"e\":0.25,\"f\":1e-07,\"g\":\"{\\\"a\\\":1}\","
      "\"h\":{\"id\":18446744073709551615},\"i\":\"not json\",\"j\":\"%s\",\"k\":\"7\",\"l\":7,"
      "\"m\":null,\"n\":5}",
      deep);
  CHECK_STR(eim_message_ext(d.frame.items[0].message), expected);
  decoded_free(&d);
}

TEST(extreme_numbers) {
  eim_buf sync = EIM_BUF_INIT, meta = EIM_BUF_INIT, status = EIM_BUF_INIT, redirect = EIM_BUF_INIT;
  add_int(&meta, 1, UINT64_MAX);
  add_int(&meta, 4, UINT64_MAX);
  add_int(&meta, 5, 3);
  add_bytes(&redirect, 1, "h", 1);
  add_int(&redirect, 2, UINT32_MAX);
  add_int(&status, 1, UINT64_MAX); /* errorCode -1: not to be taken for "missing" */
  add_buf(&status, 3, &redirect);
  add_buf(&sync, 1, &status);
  add_int(&sync, 2, UINT64_MAX);
  add_int(&sync, 3, UINT64_MAX);
  add_buf(&sync, 4, &meta);
  add_int(&sync, 5, UINT64_MAX);
  add_int(&sync, 8, UINT64_MAX);
  eim_buf frame = frame_of(&sync);
  decoded d;
  decode_buf(&d, &frame);
  REQUIRE(d.ok);
  CHECK(d.frame.meta_id == UINT64_MAX && d.frame.server_id == UINT64_MAX &&
        d.frame.next_key == UINT64_MAX);
  CHECK(d.frame.timestamp == 0 && d.frame.items[0].timestamp == 0);
  CHECK(d.frame.status.code == INT32_MAX && !*d.frame.status.redirect_host);
  check_sane(&d);
  decoded_free(&d);

  static const char *const tokens[] = {"{\"expires_in\":\"1795474656220\"}",
                                       "{\"expires_in\":1795474656220}",
                                       "{\"expires_in\":1.79547465622e12}",
                                       "{\"expires_in\":-1}",
                                       "{\"expires_in\":18446744073709551615}",
                                       "{\"expires_in\":\"x\"}",
                                       "not json"};
  for (int i = 0; i < 7; i++) {
    eim_buf provision = EIM_BUF_INIT, out = EIM_BUF_INIT;
    add_bytes(&provision, 18, tokens[i], strlen(tokens[i]));
    add_int(&out, 8, 3);
    add_buf(&out, 9, &provision);
    decode_buf(&d, &out);
    REQUIRE(d.ok);
    CHECK_INT(d.frame.expires_at, i < 3 ? INT64_C(1795474656220) : 0);
    CHECK_INT(d.frame.status.code, -1);
    decoded_free(&d);
  }
}

TEST(frames_that_are_none) {
  struct {
    const char *bytes;
    size_t length;
    bool ok;
  } rows[] = {{"", 0, false},
              {"\x40\x00", 2, true},                  /* SYNC without payload */
              {"\x40\x63", 2, true},                  /* command 99 */
              {"\x4a\xff\xff\xff\xff\x0f", 6, false}, /* length 2^32-1 */
              {"\x4a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, false}, /* 2^64-1 */
              {"\x40\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12, false},
              {"\x43\x43\x43\x44", 4, false},         /* groups */
              {"\x00\x00", 2, false},                 /* field 0 */
              {"\x40\x00\x4a\x02\x22\x05", 6, false}, /* meta longer than its frame */
              {"\x40\x01\x4a\x02\xff\xff", 6, false},
              {"\x40\x02\x4a\x01\xff", 5, false},
              {"\x40\x02", 2, true}, /* NOTICE of nothing */
              {"\x40\x03\x4a\x01\xff", 5, false},
              {"\x40\x04\x4a\x01\xff", 5, false}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    decoded d;
    decode(&d, rows[i].bytes, rows[i].length, NULL, NULL);
    if (d.ok != rows[i].ok) eim_test_fail(__FILE__, __LINE__, "row %zu", i);
    CHECK(d.frame.item_count == 0 && d.frame.queue_count == 0);
    check_sane(&d);
    decoded_free(&d);
  }
  decoded d;
  decode(&d, "\x40\x63", 2, NULL, NULL);
  CHECK_INT(d.frame.command, EIM_CMD_UNKNOWN);
  decoded_free(&d);
}

/* Two bytes on the wire would become hundreds in memory. */
TEST(memory_is_bounded) {
  enum { SIZE = 200000 };
  static const int rows[][2] = {{0, 4}, {1, 2}, {3, 8}, {4, 3}}; /* command, field */
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    eim_buf payload = EIM_BUF_INIT, frame = EIM_BUF_INIT;
    while (payload.length < SIZE) add_bytes(&payload, rows[i][1], "", 0);
    add_int(&frame, 8, (uint64_t)rows[i][0]);
    add_buf(&frame, 9, &payload);
    decoded d;
    decode_buf(&d, &frame);
    if (i < 2) {
      CHECK(!d.ok);
      if (!d.ok) CHECK_CONTAINS(d.problem, "memory");
    }
    decoded_free(&d);
  }
  /* one meta of very many empty contents, ext entries, receivers */
  static const int fields[] = {4, 5};
  for (size_t i = 0; i < 2; i++) {
    eim_buf body = EIM_BUF_INIT;
    add_int(&body, 1, 1);
    while (body.length < SIZE) add_bytes(&body, fields[i], "", 0);
    eim_buf frame = frame_with_meta(1, body.data, body.length);
    eim_buf_free(&body);
    decoded d;
    decode_buf(&d, &frame);
    REQUIRE(d.ok);
    CHECK_INT(d.frame.items[0].kind, EIM_ITEM_BAD);
    CHECK_CONTAINS(d.frame.items[0].problem, "memory");
    decoded_free(&d);
  }
}

/* Anybody may send such a message. If it cost the frame, the page would come again after each
 * reconnect, and its receiver would never be online for long. */
TEST(a_message_made_to_swell_loses_only_itself) {
  enum { EACH = 40 };
  static const size_t sizes[] = {60, 300, 2000, 5000};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    eim_buf good = EIM_BUF_INIT, swollen = EIM_BUF_INIT, sync = EIM_BUF_INIT;
    eim_buf content = EIM_BUF_INIT, body = EIM_BUF_INIT;
    add_int(&content, 1, 0);
    add_bytes(&content, 2, "hi", 2);
    add_int(&body, 1, 1);
    add_buf(&body, 4, &content);
    add_int(&good, 1, 5);
    add_int(&good, 5, 1);
    add_buf(&good, 6, &body);
    add_int(&body, 1, 1);
    while (body.length < sizes[i]) add_bytes(&body, 4, "", 0);
    add_int(&swollen, 1, 6);
    add_int(&swollen, 5, 1);
    add_buf(&swollen, 6, &body);
    for (int n = 0; n < EACH; n++) add_bytes(&sync, 4, swollen.data, swollen.length);
    add_bytes(&sync, 4, good.data, good.length);
    add_int(&sync, 5, 99);
    eim_buf_free(&good);
    eim_buf_free(&swollen);
    decoded d;
    eim_buf frame = frame_of(&sync);
    decode_buf(&d, &frame);
    REQUIRE(d.ok);
    CHECK_INT(d.frame.item_count, EACH + 1);
    if (sizes[i] >= 300) CHECK_INT(d.frame.items[0].kind, EIM_ITEM_BAD);
    CHECK_INT(d.frame.items[EACH].kind, EIM_ITEM_MESSAGE);
    CHECK(d.frame.has_next_key);
    decoded_free(&d);
  }
}

TEST(notify_that_is_no_json) {
  static const char *const texts[] = {"", "{", "[1]", "\xff",
                                      "{\"type\":\"presence\",\"x\":\"\n\"}"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    eim_buf frame = frame_with_meta(5, texts[i], strlen(texts[i]));
    decoded d;
    decode_buf(&d, &frame);
    REQUIRE(d.ok && d.frame.item_count == 1 && d.frame.items[0].notice);
    CHECK_STR(eim_notice_name(d.frame.items[0].notice), "unknown");
    check_sane(&d);
    decoded_free(&d);
  }
  const char *text = "{\"type\":\"conv\",\"data\":{\"op\":\"top\",\"res\":\"webim_me\"},\"n\":"
                     "12345678901234567890}";
  eim_buf frame = frame_with_meta(5, text, strlen(text));
  decoded d;
  decode_buf(&d, &frame);
  REQUIRE(d.ok && d.frame.items[0].notice);
  CHECK_STR(
      eim_notice_json(d.frame.items[0].notice),
      "{\"msgId\":\"77\",\"time\":0,\"operation\":\"pinnedConversation\",\"fromThisDevice\":true,"
      "\"type\":\"conv\",\"data\":{\"op\":\"top\",\"res\":\"webim_me\"},\"n\":"
      "12345678901234567890}");
  decoded_free(&d);
}

/* A message of one's own is marked with its device, unless it is this one. */
/* A server that moderates may put other words in. */
TEST(content_that_was_replaced_says_so) {
  static const char *const rows[][2] = {
      {"{\"is_online\":0,\"callback_replace\":true}", ",\"isContentReplaced\":true}"},
      {"{\"callback_replace\":false}", "\"action\":\"\"}"},
      {"{\"callback_replace\":1", "\"action\":\"\"}"}};
  for (size_t i = 0; i < 3; i++) {
    eim_buf content = EIM_BUF_INIT, body = EIM_BUF_INIT, meta = EIM_BUF_INIT, sync = EIM_BUF_INIT;
    add_int(&content, 1, 6);
    add_int(&body, 1, 1);
    add_buf(&body, 4, &content);
    add_int(&meta, 5, 1);
    add_buf(&meta, 6, &body);
    add_bytes(&meta, 9, rows[i][0], strlen(rows[i][0]));
    add_buf(&sync, 4, &meta);
    eim_buf frame = frame_of(&sync);
    decoded d;
    decode_buf(&d, &frame);
    REQUIRE(d.ok && d.frame.items[0].message);
    CHECK_CONTAINS(eim_message_body(d.frame.items[0].message), rows[i][1]);
    eim_message *again = NULL; /* passed over when it is sent on */
    CHECK_INT(eim_message_from_json("{\"type\":\"txt\",\"to\":\"bob\",\"msg\":\"x\","
                                    "\"isContentReplaced\":true}",
                                    &again),
              EIM_OK);
    eim_message_unref(again);
    decoded_free(&d);
  }
}

TEST(the_kind_of_event_is_told) {
  eim_buf info = EIM_BUF_INIT, body = EIM_BUF_INIT, meta = EIM_BUF_INIT, sync = EIM_BUF_INIT;
  add_int(&info, 1, 1);
  add_bytes(&info, 2, "{\"id\":1}", 8);
  add_int(&body, 2, 14);
  add_buf(&body, 12, &info);
  add_int(&meta, 5, 2);
  add_buf(&meta, 6, &body);
  add_buf(&sync, 4, &meta);
  eim_buf frame = frame_of(&sync);
  decoded d;
  decode_buf(&d, &frame);
  REQUIRE(d.ok && d.frame.items[0].notice);
  CHECK_STR(eim_notice_name(d.frame.items[0].notice), "group");
  CHECK_CONTAINS(eim_notice_json(d.frame.items[0].notice),
                 "\"detail\":{\"id\":1},\"eventType\":1}");
  decoded_free(&d);
}

TEST(from_resource) {
  static const struct {
    const char *name, *resource, *expected;
  } rows[] = {{"me", "webim_other", "webim_other"},
              {"me", "webim_me", ""},
              {"you", "webim_other", ""},
              {"me", "", ""}};
  for (size_t i = 0; i < 4; i++) {
    eim_buf jid = EIM_BUF_INIT, content = EIM_BUF_INIT, body = EIM_BUF_INIT, meta = EIM_BUF_INIT,
            sync = EIM_BUF_INIT;
    add_bytes(&jid, 2, rows[i].name, strlen(rows[i].name));
    add_bytes(&jid, 4, rows[i].resource, strlen(rows[i].resource));
    add_int(&content, 1, 6);
    add_int(&body, 1, 1);
    add_buf(&body, 4, &content);
    add_buf(&meta, 2, &jid);
    add_int(&meta, 5, 1);
    add_buf(&meta, 6, &body);
    add_bytes(&meta, 9, "{\"is_online\":1}", 15);
    add_buf(&sync, 4, &meta);
    eim_buf frame = frame_of(&sync);
    decoded d;
    decode_buf(&d, &frame);
    REQUIRE(d.ok && d.frame.items[0].message);
    CHECK_STR(eim_message_from_resource(d.frame.items[0].message), rows[i].expected);
    CHECK_INT(d.frame.items[0].message->online_state, 1);
    decoded_free(&d);
  }
}
