#include "wire/pb.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"

/* A text message takes about eight times its bytes, a receipt fifteen times. */
#define POOL_FACTOR 32
#define POOL_BASE ((size_t)64 * 1024)
/* Of one meta of a page, which has a few hundred at most. Less than POOL_FACTOR: the shares of all
 * must fit in beside the frame itself. */
#define PART_FACTOR 24
#define PART_BASE ((size_t)8 * 1024)
#define PARTS_MAX 1024

static void *pool_alloc(void *data, size_t size) {
  return eim_pool_alloc(data, size);
}

static void pool_free(void *data, void *pointer) {
  (void)data, (void)pointer; /* all of it goes with the arena */
}

void eim_pool_init(eim_pool *self, eim_arena *arena, size_t frame_length) {
  self->allocator = (ProtobufCAllocator){pool_alloc, pool_free, self};
  self->arena = arena;
  self->left = frame_length > SIZE_MAX / (2 * POOL_FACTOR) ? SIZE_MAX / 2
                                                           : POOL_BASE + frame_length * POOL_FACTOR;
  self->exceeded = self->no_memory = false;
}

void eim_pool_grow(eim_pool *self, size_t parts) {
  self->left += (parts < PARTS_MAX ? parts : PARTS_MAX) * PART_BASE;
}

size_t eim_pool_begin_part(eim_pool *self, size_t part_length) {
  size_t share = PART_BASE + part_length * PART_FACTOR; /* shorter than the frame */
  if (share > self->left) share = self->left;
  size_t apart = self->left - share;
  self->left = share;
  return apart;
}

bool eim_pool_end_part(eim_pool *self, size_t apart) {
  bool fitted = !self->exceeded;
  self->left += apart;
  /* With nothing apart it was the frame that had too much. */
  if (apart && !self->no_memory) self->exceeded = false;
  return fitted;
}

bool eim_pool_charge(eim_pool *self, size_t size) {
  if (size > self->left) {
    self->exceeded = true;
    return false;
  }
  self->left -= size;
  return true;
}

void *eim_pool_alloc(eim_pool *self, size_t size) {
  if (size > SIZE_MAX / 2 || !eim_pool_charge(self, size + 16)) return NULL;
  void *memory = eim_arena_alloc(self->arena, size);
  if (!memory) self->exceeded = self->no_memory = true;
  return memory;
}

void *eim_pool_unpack(eim_pool *self, const ProtobufCMessageDescriptor *type, const void *bytes,
                      size_t length) {
  static const uint8_t nothing[1];
  return protobuf_c_message_unpack(type, &self->allocator, length, bytes ? bytes : nothing);
}

const char *eim_pool_text(eim_pool *self, const char *text) {
  if (!text) return "";
  size_t length = strlen(text);
  if (eim_utf8_valid(text, length)) return text;
  char *copy = eim_pool_alloc(self, length * 3 + 1), *to = copy;
  if (!copy) return "";
  while (*text) {
    size_t n = eim_utf8_length(text);
    if (n) {
      memcpy(to, text, n);
      to += n;
      text += n;
    } else {
      memcpy(to, "\xef\xbf\xbd", 3);
      to += 3;
      text++;
    }
  }
  *to = 0;
  return copy;
}

void eim_buf_base64(eim_buf *out, const uint8_t *bytes, size_t length) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < length; i += 3) {
    uint32_t n = (uint32_t)bytes[i] << 16;
    if (i + 1 < length) n |= (uint32_t)bytes[i + 1] << 8;
    if (i + 2 < length) n |= bytes[i + 2];
    char text[4] = {digits[n >> 18], digits[n >> 12 & 63],
                    i + 1 < length ? digits[n >> 6 & 63] : '=',
                    i + 2 < length ? digits[n & 63] : '='};
    eim_buf_add(out, text, 4);
  }
}

static size_t element_size(ProtobufCType type) {
  switch (type) {
  case PROTOBUF_C_TYPE_INT64:
  case PROTOBUF_C_TYPE_SINT64:
  case PROTOBUF_C_TYPE_SFIXED64:
  case PROTOBUF_C_TYPE_UINT64:
  case PROTOBUF_C_TYPE_FIXED64:
  case PROTOBUF_C_TYPE_DOUBLE: return 8;
  case PROTOBUF_C_TYPE_BOOL: return sizeof(protobuf_c_boolean);
  case PROTOBUF_C_TYPE_STRING:
  case PROTOBUF_C_TYPE_MESSAGE: return sizeof(void *);
  case PROTOBUF_C_TYPE_BYTES: return sizeof(ProtobufCBinaryData);
  default: return 4;
  }
}

static void add_field(eim_buf *out, const ProtobufCFieldDescriptor *field, const void *member) {
  switch (field->type) {
  case PROTOBUF_C_TYPE_INT64:
  case PROTOBUF_C_TYPE_SINT64:
  case PROTOBUF_C_TYPE_SFIXED64:
    eim_buf_printf(out, "\"%" PRId64 "\"", *(const int64_t *)member);
    break;
  case PROTOBUF_C_TYPE_UINT64:
  case PROTOBUF_C_TYPE_FIXED64:
    eim_buf_printf(out, "\"%" PRIu64 "\"", *(const uint64_t *)member);
    break;
  case PROTOBUF_C_TYPE_UINT32:
  case PROTOBUF_C_TYPE_FIXED32: eim_buf_printf(out, "%" PRIu32, *(const uint32_t *)member); break;
  case PROTOBUF_C_TYPE_BOOL:
    eim_buf_str(out, *(const protobuf_c_boolean *)member ? "true" : "false");
    break;
  case PROTOBUF_C_TYPE_ENUM: {
    int number = *(const int *)member;
    const ProtobufCEnumValue *known =
        protobuf_c_enum_descriptor_get_value(field->descriptor, number);
    if (known)
      eim_buf_json_str(out, known->name);
    else
      eim_buf_printf(out, "%d", number);
    break;
  }
  case PROTOBUF_C_TYPE_FLOAT: eim_buf_json_float(out, *(const float *)member); break;
  case PROTOBUF_C_TYPE_DOUBLE: eim_buf_json_double(out, *(const double *)member); break;
  case PROTOBUF_C_TYPE_STRING: eim_buf_json_str(out, *(char *const *)member); break;
  case PROTOBUF_C_TYPE_BYTES: {
    const ProtobufCBinaryData *bytes = member;
    eim_buf_str(out, "\"");
    eim_buf_base64(out, bytes->data, bytes->len);
    eim_buf_str(out, "\"");
    break;
  }
  case PROTOBUF_C_TYPE_MESSAGE: eim_pb_json(out, *(ProtobufCMessage *const *)member); break;
  default: eim_buf_printf(out, "%" PRId32, *(const int32_t *)member); break;
  }
}

/* protobuf-c keeps "was it there" in three ways: quantifier, pointer, or the case of a oneof. */
static bool is_present(const ProtobufCFieldDescriptor *field, const char *base) {
  if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
    return *(const uint32_t *)(base + field->quantifier_offset) == field->id;
  if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE)
    return *(void *const *)(base + field->offset) != NULL;
  return *(const protobuf_c_boolean *)(base + field->quantifier_offset);
}

void eim_pb_json(eim_buf *out, const ProtobufCMessage *message) {
  const char *base = (const char *)message, *separator = "";
  eim_buf_str(out, "{");
  for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
    const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
    size_t count = 0;
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
      count = *(const size_t *)(base + field->quantifier_offset);
    else if (is_present(field, base))
      count = 1;
    if (!count) continue;
    eim_buf_str(out, separator);
    separator = ",";
    eim_buf_json_str(out, field->name);
    eim_buf_str(out, ":");
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
      add_field(out, field, base + field->offset);
      continue;
    }
    const char *elements = *(const char *const *)(base + field->offset);
    for (size_t n = 0; n < count; n++) {
      eim_buf_str(out, n ? "," : "[");
      add_field(out, field, elements + n * element_size(field->type));
    }
    eim_buf_str(out, "]");
  }
  eim_buf_str(out, "}");
}
