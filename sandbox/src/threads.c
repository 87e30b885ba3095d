#include "threads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"

eim_sb_group *eim_sb_thread_about(eim_sandbox *self, uint64_t message) {
  eim_sb_group *group = self->groups;
  while (group && !(message && group->parent_message == message)) group = group->next;
  return group;
}

static const eim_sb_kept *last_in(eim_sandbox *self, const eim_sb_group *thread) {
  const eim_sb_kept *kept;
  for (size_t n = 0; (kept = eim_sb_kept_at(self, n)); n++)
    if (kept->meta && kept->group && strcmp(kept->to, thread->id) == 0) return kept;
  return NULL;
}

static void add_last(eim_sandbox *self, const eim_sb_group *thread, cJSON *to) {
  const eim_sb_kept *last = last_in(self, thread);
  cJSON_AddItemToObject(to, "last_message",
                        last ? eim_sb_message_json(self, last) : cJSON_CreateObject());
}

static void add_id(cJSON *to, const char *name, uint64_t id) {
  char text[24];
  snprintf(text, sizeof text, "%llu", (unsigned long long)id);
  cJSON_AddStringToObject(to, name, text);
}

/* The names of the members are those that easemob-websdk 4.8.1 reads. */
cJSON *eim_sb_thread_overview(eim_sandbox *self, uint64_t message) {
  const eim_sb_group *thread = eim_sb_thread_about(self, message);
  if (!thread) return NULL;
  cJSON *json = cJSON_CreateObject();
  cJSON_AddStringToObject(json, "id", thread->id);
  cJSON_AddStringToObject(json, "muc_parent_id", thread->parent);
  cJSON_AddStringToObject(json, "name", thread->name);
  add_last(self, thread, json);
  cJSON_AddNumberToObject(json, "create_timestamp", (double)thread->created);
  cJSON_AddNumberToObject(json, "update_timestamp", (double)thread->modified);
  cJSON_AddNumberToObject(json, "message_count", (double)thread->messages);
  return json;
}

char *eim_sb_thread_meta(const eim_sb_group *thread, const char *old) {
  cJSON *meta = old ? cJSON_Parse(old) : NULL;
  if (!cJSON_IsObject(meta)) {
    cJSON_Delete(meta);
    meta = cJSON_CreateObject();
  }
  cJSON_DeleteItemFromObjectCaseSensitive(meta, "thread");
  cJSON *json = cJSON_AddObjectToObject(meta, "thread");
  add_id(json, "msg_parent_id", thread->parent_message);
  cJSON_AddStringToObject(json, "muc_parent_id", thread->parent);
  cJSON_AddStringToObject(json, "thread_name", thread->name);
  char *text = cJSON_PrintUnformatted(meta);
  cJSON_Delete(meta);
  return text;
}

void eim_sb_thread_event(eim_sandbox *self, const eim_sb_group *thread, const char *operation,
                         const char *from) {
  const eim_sb_group *group = eim_sb_find_group(self, thread->parent);
  for (size_t i = 0; group && i < group->count; i++) {
    eim_sb_user *member = eim_sb_find_user(self, group->members[i]->name);
    if (!member) continue;
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "operation", operation);
    cJSON_AddStringToObject(data, "id", thread->id);
    cJSON_AddStringToObject(data, "name", thread->name);
    cJSON_AddStringToObject(data, "muc_parent_id", thread->parent);
    add_id(data, "msg_parent_id", thread->parent_message);
    cJSON_AddStringToObject(data, "from", from);
    cJSON_AddNumberToObject(data, "timestamp", (double)eim_sb_now(self));
    cJSON_AddNumberToObject(data, "message_count", (double)thread->messages);
    if (strcmp(operation, "update_msg") == 0) add_last(self, thread, data);
    eim_sb_notify(self, member, "thread", data, false);
  }
}

void eim_sb_thread_said(eim_sandbox *self, eim_sb_group *thread, const char *from, int change) {
  thread->messages += change;
  if (thread->messages < 0) thread->messages = 0;
  thread->modified = eim_sb_now(self);
  eim_sb_touch_group(self, thread);
  self->documents_due = true; /* it comes over the socket: store.h */
  eim_sb_thread_event(self, thread, "update_msg", from);
}
