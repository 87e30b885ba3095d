/* eim_frame_decode(): whatever it makes of the bytes is well-formed, and a message can be sent
 * again. */
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "fuzz.h"
#include "model/event.h"
#include "model/message.h"
#include "wire/frame.h"
#include "wire/verdict.h"

static void check_text(const char *text) {
  MUST(text && eim_utf8_valid(text, strlen(text)));
}

static void check_json(const char *text) {
  eim_json value;
  check_text(text);
  /* One level deeper than a JSON_STRING may be at most. */
  if (eim_json_parse(&value, text, strlen(text))) {
    MUST(eim_json_kind(value) == EIM_JSON_OBJECT);
    return;
  }
  int depth = 0, deepest = 0;
  for (const char *c = text; *c; c++) {
    if (*c == '[' || *c == '{') depth++;
    if (*c == ']' || *c == '}') depth--;
    if (depth > deepest) deepest = depth;
  }
  MUST(deepest > EIM_JSON_DEPTH);
}

static void check_message(const eim_message *m) {
  check_text(m->id);
  check_text(m->from);
  check_text(m->to);
  check_text(m->from_resource);
  check_json(m->ext);
  check_json(m->body);
  MUST((m->kind == EIM_MESSAGE_TEXT) == (m->text != NULL));
  if (m->text) check_text(m->text);
  MUST(m->online_state >= 0 && m->online_state <= 3);
  eim_buf out = EIM_BUF_INIT;
  bool sent = eim_frame_message(&out, "a#b", "me", 1, m);
  MUST(sent == (out.length > 0)); /* nothing half-written */
  eim_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  eim_arena arena;
  eim_frame frame;
  const char *problem = NULL;
  if (!eim_arena_init(&arena, 4096)) return 0;
  if (!eim_frame_decode(&frame, &arena, data, size, "alice", "webim_1", &problem)) {
    MUST(problem && *problem);
    MUST(frame.item_count == 0);
    eim_arena_free(&arena);
    return 0;
  }
  check_text(frame.status.reason);
  check_text(frame.status.redirect_host);
  check_text(frame.resource);
  check_text(frame.queue.name);
  for (size_t i = 0; i < frame.queue_count; i++) check_text(frame.queues[i].queue.name);
  for (size_t i = 0; i < frame.item_count; i++) {
    eim_item *item = &frame.items[i];
    check_text(item->from.name);
    check_text(item->reason);
    if (item->kind == EIM_ITEM_MESSAGE) check_message(item->message);
    if (item->kind == EIM_ITEM_NOTICE) check_json(eim_notice_json(item->notice));
    if (item->kind == EIM_ITEM_RECEIPT) check_text(eim_receipt_from(item->receipt));
    if (item->kind == EIM_ITEM_STATISTIC)
      eim_error_unref(eim_verdict_kick(item->operation, item->reason));
  }
  eim_error *errors[] = {eim_verdict_provision(&frame.status), eim_verdict_send(&frame.status)};
  for (int i = 0; i < 2; i++) {
    MUST(errors[i]);
    check_json(eim_error_detail(errors[i]));
    eim_error_unref(errors[i]);
  }
  eim_frame_release(&frame);
  eim_arena_free(&arena);
  return 0;
}
