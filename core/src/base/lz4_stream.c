#include "base/lz4_stream.h"

#include <stdlib.h>
#include <string.h>

#include <lz4.h>

#define WINDOW ((size_t)64 * 1024) /* how far back a match reaches: docs/protocol.md 18 */
#define ROOM ((size_t)16 * 1024)   /* so that the window moves once in many messages */
#define LENGTH_MAX 268435455       /* four bytes of a varint */
#define RATIO_MAX 255              /* an LZ4 block never grows by more */

struct eim_lz4_encoder {
  LZ4_stream_t lz4;
  size_t used;
  char past[WINDOW + ROOM]; /* the messages so far, one behind the other */
};

struct eim_lz4_decoder {
  size_t used;
  char past[WINDOW + ROOM];
};

/* CRC-32 as zlib has it: reflected, polynomial 0xEDB88320. */
static uint32_t checksum(const uint8_t *bytes, size_t length) {
  static const uint32_t half[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
                                    0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
                                    0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                    0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
  uint32_t crc = 0xffffffff;
  for (size_t i = 0; i < length; i++) {
    crc = half[(crc ^ bytes[i]) & 15] ^ crc >> 4;
    crc = half[(crc ^ (uint32_t)(bytes[i] >> 4)) & 15] ^ crc >> 4;
  }
  return ~crc;
}

eim_lz4_encoder *eim_lz4_encoder_new(void) {
  eim_lz4_encoder *self = malloc(sizeof *self);
  if (!self) return NULL;
  LZ4_initStream(&self->lz4, sizeof self->lz4);
  self->used = 0;
  return self;
}

void eim_lz4_encoder_free(eim_lz4_encoder *self) {
  free(self);
}

/* The block, or 0. Behind the messages before it when it fits there; else from where it is, and
 * its end becomes the window. */
static int compress(eim_lz4_encoder *self, const char *bytes, int length, char *block, int room) {
  if (length > (int)ROOM) {
    int size = LZ4_compress_fast_continue(&self->lz4, bytes, block, length, room, 1);
    self->used = (size_t)LZ4_saveDict(&self->lz4, self->past, (int)WINDOW);
    return size;
  }
  if (self->used + (size_t)length > sizeof self->past)
    self->used = (size_t)LZ4_saveDict(&self->lz4, self->past, (int)WINDOW);
  char *here = self->past + self->used;
  memcpy(here, bytes, (size_t)length);
  self->used += (size_t)length;
  return LZ4_compress_fast_continue(&self->lz4, here, block, length, room, 1);
}

bool eim_lz4_encode(eim_lz4_encoder *self, const void *bytes, size_t length, eim_buf *out) {
  uint8_t head[8];
  size_t n = 0;
  if (!length || length > LENGTH_MAX) return false;
  int room = LZ4_compressBound((int)length);
  char *block = malloc((size_t)room); /* enough for any content: compressing cannot fail */
  if (!block) return false;
  for (size_t rest = length; rest || !n; rest >>= 7)
    head[n++] = (uint8_t)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
  uint32_t crc = checksum(bytes, length);
  for (int shift = 24; shift >= 0; shift -= 8) head[n++] = (uint8_t)(crc >> shift);
  size_t before = out->length;
  int size = compress(self, bytes, (int)length, block, room);
  eim_buf_add(out, head, n);
  eim_buf_add(out, block, (size_t)size);
  free(block);
  if (size > 0 && !out->failed) return true;
  out->length = before;
  /* The peer does not see this one: matches into it would be lies. */
  LZ4_initStream(&self->lz4, sizeof self->lz4);
  self->used = 0;
  return false;
}

eim_lz4_decoder *eim_lz4_decoder_new(void) {
  eim_lz4_decoder *self = malloc(sizeof *self);
  if (self) self->used = 0;
  return self;
}

void eim_lz4_decoder_free(eim_lz4_decoder *self) {
  free(self);
}

static void remember(eim_lz4_decoder *self, const char *plain, size_t length) {
  if (length >= WINDOW) {
    memcpy(self->past, plain + length - WINDOW, WINDOW);
    self->used = WINDOW;
    return;
  }
  if (self->used + length > sizeof self->past) {
    size_t kept = self->used < WINDOW ? self->used : WINDOW;
    if (kept + length > sizeof self->past) kept = sizeof self->past - length;
    memmove(self->past, self->past + self->used - kept, kept);
    self->used = kept;
  }
  memcpy(self->past + self->used, plain, length);
  self->used += length;
}

const char *eim_lz4_decode(eim_lz4_decoder *self, const void *bytes, size_t length, size_t max,
                           eim_buf *out) {
  const uint8_t *at = bytes, *end = at + length;
  size_t plain_length = 0;
  bool whole = false;
  for (int shift = 0; shift < 28 && at < end && !whole; shift += 7) {
    plain_length |= (size_t)(*at & 0x7f) << shift;
    whole = !(*at++ & 0x80);
  }
  if (!whole || end - at < 5) return "a compressed frame without a head";
  uint32_t crc = 0;
  for (int i = 0; i < 4; i++) crc = crc << 8 | *at++;
  if (!plain_length || plain_length > max) return "a compressed frame of a length not allowed";
  if (plain_length > (size_t)(end - at) * RATIO_MAX)
    return "a compressed frame that says it is longer than it can be";
  char *plain = malloc(plain_length);
  if (!plain) return "out of memory";
  size_t window = self->used < WINDOW ? self->used : WINDOW;
  int got =
      LZ4_decompress_safe_usingDict((const char *)at, plain, (int)(end - at), (int)plain_length,
                                    self->past + self->used - window, (int)window);
  const char *problem = NULL;
  if (got < 0 || (size_t)got != plain_length)
    problem = "a compressed frame that does not unfold";
  else if (checksum((const uint8_t *)plain, plain_length) != crc)
    problem = "a compressed frame with a wrong checksum";
  if (!problem) {
    remember(self, plain, plain_length);
    eim_buf_add(out, plain, plain_length);
    if (out->failed) problem = "out of memory";
  }
  free(plain);
  return problem;
}
