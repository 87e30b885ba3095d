/* pb.h - protobuf-c, tamed: bounded memory in an arena, checked text, and a JSON view of any
 * message. */
#ifndef EIM_WIRE_PB_H
#define EIM_WIRE_PB_H

#include <msync.pb-c.h>

#include "base/arena.h"
#include "base/buf.h"

#define EIM_PB(name) Easemob__Pb__##name

/* Memory for one frame. protobuf-c never frees into it; what is over the ceiling is refused. */
typedef struct eim_pool {
  ProtobufCAllocator allocator; /* first: protobuf-c sees only this */
  eim_arena *arena;
  size_t left;    /* bytes that may still be taken */
  bool exceeded;  /* the ceiling was hit, or memory ended */
  bool no_memory; /* memory ended */
} eim_pool;

void eim_pool_init(eim_pool *self, eim_arena *arena, size_t frame_length);
void *eim_pool_alloc(eim_pool *self, size_t size);
/* Count memory that is taken elsewhere (messages, notices). False: over the ceiling. */
bool eim_pool_charge(eim_pool *self, size_t size);
/* A ceiling of its own for each part of a frame that somebody else wrote, so that a part that
 * swells costs only itself. grow: room for so many parts beside that of the frame. begin: what is
 * left apart from this part; end takes that, and says whether the part fitted in. */
void eim_pool_grow(eim_pool *self, size_t parts);
size_t eim_pool_begin_part(eim_pool *self, size_t part_length);
bool eim_pool_end_part(eim_pool *self, size_t apart);
/* NULL: does not parse, or over the ceiling. */
void *eim_pool_unpack(eim_pool *self, const ProtobufCMessageDescriptor *type, const void *bytes,
                      size_t length);
/* The text as valid UTF-8 (bad bytes become U+FFFD); "" for NULL or when memory ended. */
const char *eim_pool_text(eim_pool *self, const char *text);

/* A JSON object with every present field under its schema name. 64-bit integers are strings, known
 * enum values their names, bytes base64. */
void eim_pb_json(eim_buf *out, const ProtobufCMessage *message);
void eim_buf_base64(eim_buf *out, const uint8_t *bytes, size_t length);

#endif
