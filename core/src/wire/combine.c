#include "wire/combine.h"

#include <stdlib.h>
#include <string.h>

#include "model/combine.h"
#include "model/message.h"
#include "wire/frame.h"
#include "wire/item.h"

static const char begin[2] = {'c', 'm'};

bool eim_combine_add(eim_buf *file, const char *app_key, const char *user, uint64_t local_id,
                     int64_t time, const eim_message *message) {
  eim_buf meta = EIM_BUF_INIT;
  if (!file->length) eim_buf_add(file, begin, sizeof begin);
  if (message->server_id) local_id = message->server_id;
  if (message->time) time = message->time;
  bool ok = eim_frame_forwarded(&meta, app_key, user, local_id, time, message);
  uint8_t length[4] = {(uint8_t)(meta.length >> 24), (uint8_t)(meta.length >> 16),
                       (uint8_t)(meta.length >> 8), (uint8_t)meta.length};
  if (ok) {
    eim_buf_add(file, length, sizeof length);
    eim_buf_add(file, meta.data, meta.length);
  }
  eim_buf_free(&meta);
  return ok && !file->failed;
}

/* Of the bytes at odd offsets behind the beginning. */
static uint8_t checksum(const uint8_t *bytes, size_t length) {
  uint8_t sum = 0;
  for (size_t i = 3; i < length; i += 2) sum ^= bytes[i];
  return sum;
}

bool eim_combine_end(eim_buf *file) {
  if (file->failed || !file->length) return false;
  uint8_t sum = checksum(file->data, file->length);
  eim_buf_add(file, &sum, 1);
  return !file->failed;
}

static const char *take(eim_item_context *context, const uint8_t *bytes, size_t length,
                        eim_message **out) {
  eim_item item;
  size_t apart = eim_pool_begin_part(context->pool, length);
  eim_item_decode(&item, context, bytes, length);
  bool fits = eim_pool_end_part(context->pool, apart);
  const char *problem = !fits                           ? "needs too much memory"
                        : item.kind == EIM_ITEM_BAD     ? item.problem
                        : item.kind != EIM_ITEM_MESSAGE ? "something in it that is no message"
                                                        : NULL;
  if (!problem) {
    *out = item.message;
    item.message = NULL;
  }
  eim_item_release(&item);
  return problem;
}

/* Each length, and so the number; 0: the file does not end where the last message does. */
static size_t count_metas(const uint8_t *at, const uint8_t *end) {
  size_t count = 0;
  while (end - at >= 4) {
    size_t length = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
    at += 4;
    if (length > (size_t)(end - at)) return 0;
    at += length;
    count++;
  }
  return at == end ? count : 0;
}

const char *eim_combine_parse(const void *file, size_t length, int level, eim_message ***out,
                              size_t *out_count) {
  const uint8_t *bytes = file;
  if (length > EIM_COMBINE_BYTES) return "it is too large";
  if (length < sizeof begin + 1 || memcmp(bytes, begin, sizeof begin)) return "it is none";
  const uint8_t *at = bytes + sizeof begin, *end = bytes + length - 1;
  if (checksum(bytes, length - 1) != *end) return "wrong checksum";
  size_t count = count_metas(at, end), n = 0;
  if (!count) return "lengths that do not fit";
  if (count > EIM_COMBINE_MAX) return "more than 300 messages";
  eim_arena arena;
  eim_pool pool;
  eim_message **messages = calloc(count, sizeof *messages);
  if (!messages || !eim_arena_init(&arena, length * 2 + 512)) {
    free(messages);
    return "needs too much memory";
  }
  eim_pool_init(&pool, &arena, length);
  eim_pool_grow(&pool, count);
  if (level < 1 || level > EIM_COMBINE_LEVELS) level = EIM_COMBINE_LEVELS;
  eim_item_context context = {&pool, EIM_BUF_INIT, NULL, NULL, true, level - 1};
  const char *problem = NULL;
  while (!problem && n < count) {
    size_t size = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
    problem = take(&context, at + 4, size, &messages[n]);
    at += 4 + size;
    if (!problem) n++;
  }
  eim_buf_free(&context.json);
  eim_arena_free(&arena);
  if (problem) {
    eim_combine_free(messages, n);
    return problem;
  }
  *out = messages;
  *out_count = count;
  return NULL;
}
