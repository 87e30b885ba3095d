#include "history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"
#include "threads.h"

#define NOTES "message" /* the kind of their document */

static void clear(eim_sandbox *self, eim_sb_kept *kept) {
  if (kept->meta && (kept->reactions || kept->pinned_at)) {
    cJSON_Delete(kept->reactions);
    kept->reactions = NULL;
    kept->pinned_at = 0;
    eim_sb_kept_noted(self, kept);
  }
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
  clear(self, kept);
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

eim_sb_kept *eim_sb_find_kept(eim_sandbox *self, uint64_t id) {
  eim_sb_kept *kept;
  for (size_t n = 0; (kept = eim_sb_kept_at(self, n)); n++)
    if (kept->meta && kept->meta->pb->id == id) return kept;
  return NULL;
}

void eim_sb_kept_noted(eim_sandbox *self, const eim_sb_kept *kept) {
  char id[24];
  snprintf(id, sizeof id, "%llu", (unsigned long long)kept->meta->pb->id);
  char *text = NULL;
  if (kept->reactions || kept->pinned_at) {
    cJSON *json = cJSON_CreateObject();
    if (kept->reactions)
      cJSON_AddItemToObject(json, "reactions", cJSON_Duplicate(kept->reactions, true));
    if (kept->pinned_at) {
      cJSON_AddNumberToObject(json, "pinnedAt", (double)kept->pinned_at);
      cJSON_AddStringToObject(json, "pinnedBy", kept->pinned_by);
    }
    text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
  }
  eim_sb_store_document(self->store, NOTES, id, text);
  cJSON_free(text);
}

bool eim_sb_read_notes(eim_sandbox *self, const char *id, const cJSON *json) {
  uint64_t number;
  eim_sb_kept *kept = eim_parse_u64(id, &number) ? eim_sb_find_kept(self, number) : NULL;
  if (!kept) return false;
  const cJSON *reactions = cJSON_GetObjectItemCaseSensitive(json, "reactions");
  const cJSON *at = cJSON_GetObjectItemCaseSensitive(json, "pinnedAt");
  const char *by = eim_sb_string(json, "pinnedBy");
  if (cJSON_IsArray(reactions)) kept->reactions = cJSON_Duplicate(reactions, true);
  if (cJSON_IsNumber(at)) kept->pinned_at = (int64_t)at->valuedouble;
  snprintf(kept->pinned_by, sizeof kept->pinned_by, "%s", by ? by : "");
  return true;
}

char *eim_sb_kept_meta(eim_sandbox *self, const eim_sb_kept *kept, const char *user,
                       const char *old) {
  cJSON *overview = kept->group ? eim_sb_thread_overview(self, kept->meta->pb->id) : NULL;
  if (!kept->reactions && !overview) return NULL;
  cJSON *meta = old ? cJSON_Parse(old) : NULL;
  if (!cJSON_IsObject(meta)) {
    cJSON_Delete(meta);
    meta = cJSON_CreateObject();
  }
  if (kept->reactions)
    cJSON_AddItemToObject(meta, "reaction", eim_sb_reactions_json(kept, user, false));
  if (overview) cJSON_AddItemToObject(meta, "thread_overview", overview);
  char *text = cJSON_PrintUnformatted(meta);
  cJSON_Delete(meta);
  return text;
}

void eim_sb_forget_message(eim_sandbox *self, uint64_t id) {
  eim_sb_kept *kept;
  for (size_t n = 0; (kept = eim_sb_kept_at(self, n)); n++)
    if (kept->meta && kept->meta->pb->id == id) {
      clear(self, kept);
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
  for (size_t i = 0; self->history.kept && i < EIM_SB_HISTORY; i++)
    clear(self, &self->history.kept[i]);
  free(self->history.kept);
  self->history = (eim_sb_history){NULL, 0};
}
