#include "history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"

static void clear(eim_sb_kept *kept) {
  eim_sb_meta_unref(kept->meta);
  eim_sb_names_free(&kept->hidden);
  memset(kept, 0, sizeof *kept);
}

/* -1: nothing to keep. */
static int content_of(const eim_sb_meta *meta) {
  Easemob__Pb__MessageBody *body =
      easemob__pb__message_body__unpack(NULL, meta->pb->payload.len, meta->pb->payload.data);
  int content = -1;
  if (body && body->n_contents &&
      (!body->has_type || body->type <= EASEMOB__PB__MESSAGE_BODY__TYPE__CHATROOM) &&
      body->contents[0]->type != EASEMOB__PB__MESSAGE_BODY__CONTENT__TYPE__COMMAND)
    content = (int)body->contents[0]->type;
  if (content == 0 && body->contents[0]->has_subtype) /* docs/protocol.md 12 */
    content = EASEMOB__PB__MESSAGE_BODY__CONTENT__TYPE__COMBINE;
  if (body) easemob__pb__message_body__free_unpacked(body, NULL);
  return content;
}

void eim_sb_keep_message(eim_sandbox *self, const eim_sb_meta *meta, const char *from,
                         const char *to, bool group) {
  int content = content_of(meta);
  bool online_only =
      meta->pb->has_routetype && meta->pb->routetype == EASEMOB__PB__META__ROUTE_TYPE__ROUTE_ONLINE;
  if (content < 0 || online_only) return;
  eim_sb_history *history = &self->history;
  if (!history->kept && !(history->kept = calloc(EIM_SB_HISTORY, sizeof *history->kept))) return;
  eim_sb_kept *kept = &history->kept[history->next++ % EIM_SB_HISTORY];
  clear(kept);
  kept->meta = eim_sb_meta_new(meta->pb); /* a copy: what waits may be gone earlier */
  snprintf(kept->from, sizeof kept->from, "%s", from);
  snprintf(kept->to, sizeof kept->to, "%s", to);
  kept->group = group;
  kept->content = content;
  eim_sb_store_kept(self, history->next - 1);
}

eim_sb_kept *eim_sb_kept_at(eim_sandbox *self, size_t n) {
  eim_sb_history *history = &self->history;
  if (!history->kept || n >= EIM_SB_HISTORY || n >= history->next) return NULL;
  return &history->kept[(history->next - 1 - n) % EIM_SB_HISTORY];
}

void eim_sb_forget_message(eim_sandbox *self, uint64_t id) {
  eim_sb_kept *kept;
  for (size_t n = 0; (kept = eim_sb_kept_at(self, n)); n++)
    if (kept->meta && kept->meta->pb->id == id) {
      clear(kept);
      eim_sb_store_kept(self, self->history.next - 1 - n);
    }
}

void eim_sb_hide_kept(eim_sandbox *self, size_t n, const char *user) {
  eim_sb_kept *kept = eim_sb_kept_at(self, n);
  if (kept && kept->meta && eim_sb_names_add(&kept->hidden, user))
    eim_sb_store_kept(self, self->history.next - 1 - n);
}

bool eim_sb_kept_for(const eim_sb_kept *kept, const char *user, const char *with, bool group) {
  if (!kept->meta || kept->group != group || eim_sb_names_has(&kept->hidden, user)) return false;
  if (group) return strcmp(kept->to, with) == 0;
  return (strcmp(kept->from, user) == 0 && strcmp(kept->to, with) == 0) ||
         (strcmp(kept->from, with) == 0 && strcmp(kept->to, user) == 0);
}

void eim_sb_free_history(eim_sandbox *self) {
  for (size_t i = 0; self->history.kept && i < EIM_SB_HISTORY; i++) clear(&self->history.kept[i]);
  free(self->history.kept);
  self->history = (eim_sb_history){NULL, 0};
}
