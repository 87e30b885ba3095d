/* A message of the service's history: docs/protocol.md 24, docs/rest-recipes.md. */
#include <eim/message.h>
#include <stdlib.h>
#include <string.h>

#include "model/error.h"
#include "wire/item.h"

enum { LONGEST = 4 * 1024 * 1024 }; /* of the text; more than a REST answer may hold */

static int value_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* RFC 4648, padded. 0: it is not that, or empty. */
static size_t decode(const char *text, size_t length, uint8_t *out) {
  size_t padding = 0, count = 0;
  uint32_t bits = 0;
  if (length % 4) return 0;
  while (padding < 2 && padding < length && text[length - 1 - padding] == '=') padding++;
  for (size_t i = 0; i < length - padding; i++) {
    int value = value_of(text[i]);
    if (value < 0) return 0;
    bits = bits << 6 | (uint32_t)value;
    if (i % 4) out[count++] = (uint8_t)(bits >> (6 - i % 4 * 2));
  }
  return count;
}

eim_status eim_message_from_history(const char *msg, eim_message **out) {
  size_t length = msg ? strlen(msg) : 0;
  if (!out) return eim_fail(EIM_E_INVALID, "message: out is NULL");
  *out = NULL;
  if (!length || length > LONGEST)
    return eim_fail(EIM_E_INVALID, "message: nothing, or more than the history holds");
  uint8_t *bytes = malloc(length / 4 * 3 + 3);
  size_t size = bytes ? decode(msg, length, bytes) : 0;
  eim_arena arena;
  if (!bytes || (size && !eim_arena_init(&arena, size * 2 + 512))) {
    free(bytes);
    return eim_fail(EIM_E_NOMEM, "message: out of memory");
  }
  if (!size) {
    free(bytes);
    return eim_fail(EIM_E_INVALID, "message: the text is not base64");
  }
  eim_pool pool;
  eim_pool_init(&pool, &arena, size);
  eim_item_context context = {.pool = &pool, .json = EIM_BUF_INIT};
  eim_item item;
  eim_item_decode(&item, &context, bytes, size);
  eim_status status = EIM_OK;
  if (pool.exceeded || item.kind == EIM_ITEM_BAD)
    status = eim_fail(EIM_E_INVALID, "message: %s",
                      pool.exceeded ? "needs too much memory" : item.problem);
  else if (item.kind != EIM_ITEM_MESSAGE)
    status = eim_fail(EIM_E_INVALID, "message: it is something else");
  if (!status) {
    *out = item.message;
    item.message = NULL;
  }
  eim_item_release(&item);
  eim_buf_free(&context.json);
  eim_arena_free(&arena);
  free(bytes);
  return status;
}
