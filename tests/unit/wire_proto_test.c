/* Every recorded frame against msync.proto: nothing unknown, same bytes when written again. */
#include "wire/pb.h"
#include "wire_vectors.h"

static size_t unknown_fields(const ProtobufCMessage *message) {
  size_t total = message->n_unknown_fields;
  for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
    const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
    const char *base = (const char *)message;
    if (field->type != PROTOBUF_C_TYPE_MESSAGE) continue;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
      size_t count = *(const size_t *)(base + field->quantifier_offset);
      ProtobufCMessage **list = *(ProtobufCMessage * *const *)(base + field->offset);
      for (size_t n = 0; n < count; n++) total += unknown_fields(list[n]);
    } else if (*(ProtobufCMessage *const *)(base + field->offset)) {
      total += unknown_fields(*(ProtobufCMessage *const *)(base + field->offset));
    }
  }
  return total;
}

static const ProtobufCMessageDescriptor *payload_type(const char *name) {
  static const ProtobufCMessageDescriptor *const types[] = {
      &easemob__pb__comm_sync_ul__descriptor,   &easemob__pb__comm_sync_dl__descriptor,
      &easemob__pb__comm_unread_dl__descriptor, &easemob__pb__comm_notice__descriptor,
      &easemob__pb__provision__descriptor,      &easemob__pb__logout__descriptor,
      &easemob__pb__message_body__descriptor,   &easemob__pb__mucbody__descriptor,
      &easemob__pb__roster_body__descriptor,    &easemob__pb__statistics_body__descriptor,
      &easemob__pb__conference_body__descriptor};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (!strcmp(types[i]->short_name, name)) return types[i];
  return NULL;
}

static size_t checked;

static void compare(const char *file, const cJSON *ours, const cJSON *recorded);

static void check_message(const char *file, const ProtobufCMessageDescriptor *type,
                          const uint8_t *bytes, size_t length, const cJSON *recorded);

/* `payload` is base64 in our view and opened up in the recorded one: {"MessageBody":{…}}. */
static void check_payload(const char *file, const ProtobufCBinaryData *payload,
                          const cJSON *recorded) {
  const cJSON *inner = cJSON_GetObjectItemCaseSensitive(recorded, "payload");
  if (!inner || !inner->child) return;
  const ProtobufCMessageDescriptor *type = payload_type(inner->child->string);
  if (!type) { /* NOTIFY: {"json":"…"} */
    CHECK_STR(inner->child->string, "json");
    const char *text = inner->child->valuestring;
    CHECK(text && strlen(text) == payload->len && !memcmp(text, payload->data, payload->len));
    return;
  }
  check_message(file, type, payload->data, payload->len, inner->child);
}

static void check_message(const char *file, const ProtobufCMessageDescriptor *type,
                          const uint8_t *bytes, size_t length, const cJSON *recorded) {
  static const uint8_t nothing[1];
  ProtobufCMessage *message =
      protobuf_c_message_unpack(type, NULL, length, bytes ? bytes : nothing);
  if (!message) {
    eim_test_fail(__FILE__, __LINE__, "%s: %s does not parse", file, type->short_name);
    return;
  }
  checked++;
  CHECK_INT(unknown_fields(message), 0);
  uint8_t *again = malloc(length + 1);
  size_t size = protobuf_c_message_get_packed_size(message);
  CHECK_INT(size, length);
  if (size == length) {
    protobuf_c_message_pack(message, again);
    if (memcmp(again, bytes ? bytes : nothing, length))
      eim_test_fail(__FILE__, __LINE__, "%s: %s is written differently", file, type->short_name);
  }
  free(again);

  eim_buf view = EIM_BUF_INIT;
  eim_pb_json(&view, message);
  cJSON *ours = cJSON_ParseWithLength((const char *)view.data, view.length);
  CHECK(ours != NULL);
  compare(file, ours, recorded);
  cJSON_Delete(ours);
  eim_buf_free(&view);

  if (type == &easemob__pb__msync__descriptor) {
    check_payload(file, &((EIM_PB(MSync) *)message)->payload, recorded);
  } else if (type == &easemob__pb__comm_sync_ul__descriptor) {
    const EIM_PB(Meta) *meta = ((EIM_PB(CommSyncUL) *)message)->meta;
    if (meta)
      check_payload(file, &meta->payload, cJSON_GetObjectItemCaseSensitive(recorded, "meta"));
  } else if (type == &easemob__pb__comm_sync_dl__descriptor) {
    const EIM_PB(CommSyncDL) *down = (EIM_PB(CommSyncDL) *)message;
    for (size_t i = 0; i < down->n_metas; i++)
      check_payload(
          file, &down->metas[i]->payload,
          cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(recorded, "metas"), (int)i));
  }
  protobuf_c_message_free_unpacked(message, NULL);
}

/* Everything recorded is in our view with the same value, and nothing else is. */
static void compare(const char *file, const cJSON *ours, const cJSON *recorded) {
  if (cJSON_IsObject(recorded)) {
    CHECK_INT(cJSON_GetArraySize(ours), cJSON_GetArraySize(recorded));
    for (const cJSON *r = recorded->child; r; r = r->next) {
      const cJSON *o = cJSON_GetObjectItemCaseSensitive(ours, r->string);
      if (!o) eim_test_fail(__FILE__, __LINE__, "%s: %s is missing", file, r->string);
      if (o && strcmp(r->string, "payload") != 0) compare(file, o, r);
    }
  } else if (cJSON_IsArray(recorded)) {
    CHECK_INT(cJSON_GetArraySize(ours), cJSON_GetArraySize(recorded));
    const cJSON *o = ours->child;
    for (const cJSON *r = recorded->child; r && o; r = r->next, o = o->next) compare(file, o, r);
  } else if (!cJSON_Compare(ours, recorded, true)) {
    eim_test_fail(__FILE__, __LINE__, "%s: %s differs", file, recorded->string);
  }
}

TEST(every_frame_round_trips) {
  size_t count, frames = 0;
  const vector_file *files = vector_files(&count);
  CHECK_INT(count, 56);
  checked = 0;
  for (size_t i = 0; i < count; i++) {
    FOR_STEPS(step, &files[i]) {
      if (strcmp(vector_string(step, "kind"), "ws")) continue;
      size_t length;
      uint8_t *bytes = vector_bytes(vector_string(step, "hex"), &length);
      check_message(files[i].name, &easemob__pb__msync__descriptor, bytes, length,
                    cJSON_GetObjectItemCaseSensitive(step, "decoded"));
      free(bytes);
      frames++;
    }
  }
  CHECK_INT(frames, 819);
  CHECK(checked > 2 * frames); /* payloads and bodies too */
}
