/* Frames that easemob-websdk 4.21.1 compressed, and that were compressed for it
 * (tests/vectors/em4211-web/lz4-*.json): each unfolds to the frame the recording says it is. */
#include <stdlib.h>

#include <cjson/cJSON.h>

#include "base/lz4_stream.h"
#include "msync.pb-c.h"
#include "wire_vectors.h"

static cJSON *recording(const char *name) {
  char path[512];
  snprintf(path, sizeof path, "%s/vectors/em4211-web/lz4-%s.json", EIM_TEST_DATA, name);
  FILE *in = fopen(path, "rb");
  static char text[65536];
  size_t length = in ? fread(text, 1, sizeof text - 1, in) : 0;
  if (in) fclose(in);
  text[length] = 0;
  return cJSON_Parse(text);
}

static const char *string_at(const cJSON *json, const char *a, const char *b, const char *c) {
  json = cJSON_GetObjectItemCaseSensitive(json, a);
  if (b) json = cJSON_GetObjectItemCaseSensitive(json, b);
  if (c) json = cJSON_GetObjectItemCaseSensitive(json, c);
  return json ? vector_string(json, "id") : "";
}

/* Numbers of 64 bits are texts in the recordings. */
static void same_number(uint64_t actual, const char *expected) {
  char text[24];
  snprintf(text, sizeof text, "%llu", (unsigned long long)actual);
  CHECK_STR(text, *expected ? expected : "0");
}

static void compare_up(const uint8_t *bytes, size_t length, const cJSON *said) {
  Easemob__Pb__MSync *sync = easemob__pb__msync__unpack(NULL, length, bytes);
  REQUIRE(sync);
  same_number(sync->traceid, vector_string(said, "traceId"));
  const char *command = vector_string(said, "command");
  CHECK_INT((int)sync->command, !strcmp(command, "UNREAD") ? 1 : !strcmp(command, "SYNC") ? 0 : 3);
  if (!strcmp(command, "SYNC")) {
    Easemob__Pb__CommSyncUL *up =
        easemob__pb__comm_sync_ul__unpack(NULL, sync->payload.len, sync->payload.data);
    REQUIRE(up && up->meta);
    same_number(up->meta->id, string_at(said, "payload", "CommSyncUL", "meta"));
    easemob__pb__comm_sync_ul__free_unpacked(up, NULL);
  }
  easemob__pb__msync__free_unpacked(sync, NULL);
}

static void compare_down(const uint8_t *bytes, size_t length, const cJSON *said) {
  decoded d;
  decode(&d, bytes, length, "alice", "webim_1");
  CHECK(d.ok);
  const cJSON *payload = cJSON_GetObjectItemCaseSensitive(said, "payload");
  const cJSON *sync = cJSON_GetObjectItemCaseSensitive(payload, "CommSyncDL");
  const cJSON *unread = cJSON_GetObjectItemCaseSensitive(payload, "CommUnreadDL");
  if (sync) {
    same_number(d.frame.meta_id, vector_string(sync, "metaId"));
    same_number(d.frame.server_id, vector_string(sync, "serverId"));
  }
  if (unread) same_number((uint64_t)d.frame.timestamp, vector_string(unread, "timestamp"));
  decoded_free(&d);
}

static void replay(const char *name, bool up_is_packed, bool down_is_packed) {
  cJSON *root = recording(name);
  REQUIRE(root);
  eim_lz4_decoder *lines[2] = {eim_lz4_decoder_new(), eim_lz4_decoder_new()};
  int packed[2] = {0, 0};
  vector_file file = {.root = root};
  FOR_STEPS(step, &file) {
    if (strcmp(vector_string(step, "kind"), "ws") != 0) continue;
    bool down = !strcmp(vector_string(step, "dir"), "down");
    const cJSON *said = cJSON_GetObjectItemCaseSensitive(step, "decoded");
    size_t length;
    uint8_t *bytes = vector_bytes(vector_string(step, "hex"), &length);
    bool is_login = !strcmp(vector_string(said, "command"), "PROVISION");
    if (is_login && down) {
      decoded d;
      decode(&d, bytes, length, "alice", "webim_1");
      CHECK(d.ok);
      CHECK_INT(d.frame.packs_up, up_is_packed);
      CHECK_INT(d.frame.packs_down, down_is_packed);
      decoded_free(&d);
    } else if (!is_login) {
      eim_buf plain = EIM_BUF_INIT;
      if (down ? down_is_packed : up_is_packed) {
        const char *problem = eim_lz4_decode(lines[down], bytes, length, 65536, &plain);
        CHECK_STR(problem ? problem : "fine", "fine");
        packed[down]++;
      } else {
        eim_buf_add(&plain, bytes, length);
      }
      if (down)
        compare_down(plain.data, plain.length, said);
      else
        compare_up(plain.data, plain.length, said);
      eim_buf_free(&plain);
    }
    free(bytes);
  }
  CHECK_INT(packed[0] >= 6, up_is_packed);
  CHECK_INT(packed[1] >= 4, down_is_packed);
  eim_lz4_decoder_free(lines[0]);
  eim_lz4_decoder_free(lines[1]);
  cJSON_Delete(root);
}

TEST(lz4_recordings_unfold) {
  replay("up", true, false);
  replay("down", false, true);
  replay("bi", true, true);
  replay("unset", true, false);
}

TEST(lz4_is_offered_as_the_sdk_does) {
  eim_secret *token = eim_secret_new("t");
  for (int offers = 0; offers < 2; offers++) {
    eim_provision_up up = {"a#b", "u",    "r",  "d",  "n",   16,    0,
                           "1",   "v4.0", "1:", NULL, token, offers};
    eim_buf out = EIM_BUF_INIT;
    CHECK(eim_frame_provision(&out, &up));
    bool found = false; /* field 22, packed: b2 01 01 02, as in the recordings */
    for (size_t i = 0; i + 4 <= out.length; i++)
      found |= !memcmp(out.data + i, "\xb2\x01\x01\x02", 4);
    CHECK_INT(found, offers);
    eim_buf_wipe(&out);
  }
  eim_secret_unref(token);
}
