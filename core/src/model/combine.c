#include "model/combine.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "model/error.h"
#include "model/message.h"

int eim_combine_level(const eim_message *message) {
  eim_json body;
  int64_t level;
  if (message->kind != EIM_MESSAGE_COMBINE) return 0;
  if (!eim_json_parse(&body, message->body, strlen(message->body)) ||
      !eim_json_loose_i64(eim_json_get(body, "combineLevel"), &level) || level < 1)
    return 1;
  return level > INT32_MAX ? INT32_MAX : (int)level;
}

/* Who sent it and when: what a message that was built has not, and one inside another has. */
static bool take_origin(eim_message *message, eim_json view) {
  static const struct {
    const char *name;
    size_t place;
  } texts[] = {{"id", offsetof(eim_message, id)}, {"from", offsetof(eim_message, from)}};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    char text[256];
    if (!eim_json_copy(eim_json_get(view, texts[i].name), text, sizeof text) || !*text) continue;
    const char *copy = eim_arena_strdup(&message->arena, text);
    if (!copy) return false;
    *(const char **)(void *)((char *)message + texts[i].place) = copy;
  }
  int64_t number;
  if (eim_json_loose_i64(eim_json_get(view, "time"), &number) && number > 0) message->time = number;
  for (const char *c = message->id; *c; c++) {
    uint64_t digit = (uint64_t)(*c - '0');
    if (*c < '0' || *c > '9' || message->server_id > (UINT64_MAX - digit) / 10) {
      message->server_id = 0; /* not one of the server's: it gets a new one */
      message->id = "";
      break;
    }
    message->server_id = message->server_id * 10 + digit;
  }
  return true;
}

static eim_status wrong(size_t index, const char *what) {
  return eim_fail(EIM_E_INVALID, "message: messages[%zu]: %s", index, what);
}

static eim_status take_one(eim_json view, size_t index, eim_message **out) {
  eim_buf json = EIM_BUF_INIT;
  eim_message *message = NULL;
  eim_json_raw(view, &json);
  eim_status status = json.failed ? eim_fail(EIM_E_NOMEM, "message: out of memory")
                                  : eim_message_from_json((const char *)json.data, &message);
  eim_buf_free(&json);
  if (status == EIM_E_INVALID) {
    char why[256]; /* a copy: the text goes with the error it belongs to */
    const char *said = eim_error_message(eim_last_error());
    size_t skip = strncmp(said, "message: ", 9) ? 0 : 9;
    snprintf(why, sizeof why, "%s", said + skip);
    return wrong(index, why);
  }
  if (status) return status;
  if (message->path)
    status = wrong(index, "its file is not uploaded: it needs url, not path");
  else if (message->part_count)
    status = wrong(index, "a combined message that was not sent itself: it needs url");
  else if (!take_origin(message, view))
    status = eim_fail(EIM_E_NOMEM, "message: out of memory");
  if (status)
    eim_message_unref(message);
  else
    *out = message;
  return status;
}

eim_status eim_combine_from_json(eim_json list, eim_message ***out, size_t *count, int *level) {
  eim_message **messages = calloc(EIM_COMBINE_MAX, sizeof *messages);
  size_t n = 0;
  int deepest = 0;
  eim_status status = messages ? EIM_OK : eim_fail(EIM_E_NOMEM, "message: out of memory");
  for (eim_json_iter it = eim_json_each(list); !status && eim_json_next(&it);) {
    if (n == EIM_COMBINE_MAX)
      status = eim_fail(EIM_E_INVALID, "message: messages: more than %d", EIM_COMBINE_MAX);
    else if (!(status = take_one(it.value, n, &messages[n])) &&
             eim_combine_level(messages[n++]) > deepest)
      deepest = eim_combine_level(messages[n - 1]);
  }
  if (!status && !n) status = eim_fail(EIM_E_INVALID, "message: messages: none");
  if (!status && deepest >= EIM_COMBINE_LEVELS)
    status = eim_fail(EIM_E_INVALID, "message: messages: combined ones are nested %d deep already",
                      deepest);
  if (status) {
    eim_combine_free(messages, n);
    return status;
  }
  *out = messages;
  *count = n;
  *level = deepest + 1;
  return EIM_OK;
}

void eim_combine_free(eim_message **messages, size_t count) {
  for (size_t i = 0; i < count; i++) eim_message_unref(messages[i]);
  free(messages);
}
