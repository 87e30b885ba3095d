#include "presence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"

void eim_sb_notify(eim_sandbox *self, eim_sb_user *user, const char *type, cJSON *data,
                   bool online_only) {
  cJSON *json = cJSON_CreateObject();
  cJSON_AddStringToObject(json, "type", type);
  cJSON_AddItemToObject(json, "data", data);
  char *text = cJSON_PrintUnformatted(json); /* no control characters: docs/protocol.md 20.9 */
  cJSON_Delete(json);
  if (!text) return;
  eim_sb_pb_meta pb = EASEMOB__PB__META__INIT;
  pb.has_ns = pb.has_payload = pb.has_routetype = 1;
  pb.ns = EASEMOB__PB__META__NAME_SPACE__NOTIFY;
  pb.routetype = online_only ? EASEMOB__PB__META__ROUTE_TYPE__ROUTE_ONLINE
                             : EASEMOB__PB__META__ROUTE_TYPE__ROUTE_ALL;
  pb.payload.data = (uint8_t *)text;
  pb.payload.len = strlen(text);
  eim_sb_push_meta(self, user, &pb);
  cJSON_free(text);
}

static void add_seconds(cJSON *json, const char *name, int64_t ms) {
  char text[32];
  snprintf(text, sizeof text, "%lld", (long long)(ms / 1000));
  cJSON_AddStringToObject(json, name, text);
}

static bool is_published(const eim_sb_user *user, const char *resource) {
  return cJSON_GetObjectItemCaseSensitive(user->presence.statuses, resource) != NULL;
}

/* Known devices are "0" while they are not connected; else what was published of them, or "1". */
cJSON *eim_sb_presence_json(const eim_sb_user *user, int64_t expires_at) {
  cJSON *json = cJSON_CreateObject();
  cJSON_AddStringToObject(json, "uid", user->name);
  add_seconds(json, "last_time", user->presence.changed);
  if (expires_at) add_seconds(json, "expiry", expires_at);
  cJSON_AddStringToObject(json, "ext", user->presence.ext ? user->presence.ext : "");
  cJSON *status = cJSON_AddObjectToObject(json, "status");
  const cJSON *published = user->presence.statuses ? user->presence.statuses->child : NULL;
  for (; published; published = published->next)
    cJSON_AddStringToObject(status, published->string, published->valuestring);
  for (const eim_sb_device *device = user->devices; device; device = device->next)
    if (!is_published(user, device->resource))
      cJSON_AddStringToObject(status, device->resource, device->conn ? "1" : "0");
  return json;
}

static eim_sb_subscription *find(const eim_sb_user *user, const char *name) {
  for (size_t i = 0; i < user->presence.subscription_count; i++)
    if (strcmp(user->presence.subscriptions[i].name, name) == 0)
      return &user->presence.subscriptions[i];
  return NULL;
}

static void tell_subscribers(eim_sandbox *self, eim_sb_user *user) {
  int64_t now = eim_sb_now(self);
  user->presence.changed = now;
  for (size_t i = 0; i < EIM_SB_BUCKETS; i++) {
    for (eim_sb_user *other = self->users[i]; other; other = other->next) {
      const eim_sb_subscription *wants = find(other, user->name);
      if (!wants || wants->expires_at <= now) continue;
      cJSON *data = cJSON_CreateObject();
      cJSON_AddItemToArray(cJSON_AddArrayToObject(data, "values"),
                           eim_sb_presence_json(user, wants->expires_at));
      eim_sb_notify(self, other, "presence", data, true);
    }
  }
}

void eim_sb_presence_changed(eim_sandbox *self, eim_sb_user *user, const char *resource,
                             bool gone) {
  if (gone) cJSON_DeleteItemFromObjectCaseSensitive(user->presence.statuses, resource);
  tell_subscribers(self, user);
}

bool eim_sb_publish(eim_sandbox *self, eim_sb_user *user, const char *resource, const char *status,
                    const char *ext) {
  eim_sb_presence *presence = &user->presence;
  if (!presence->statuses && !(presence->statuses = cJSON_CreateObject())) return false;
  if (!is_published(user, resource) &&
      cJSON_GetArraySize(presence->statuses) >= EIM_SB_MAX_STATUSES)
    return false;
  if (!eim_sb_set_text(&presence->ext, ext)) return false;
  cJSON_DeleteItemFromObjectCaseSensitive(presence->statuses, resource);
  cJSON_AddStringToObject(presence->statuses, resource, status);
  tell_subscribers(self, user);
  return true;
}

bool eim_sb_subscribe(eim_sandbox *self, eim_sb_user *user, const char *name, int64_t expires_at) {
  eim_sb_subscription *known = find(user, name);
  if (known) {
    known->expires_at = expires_at;
    return true;
  }
  eim_sb_expire_subscriptions(self, user);
  eim_sb_presence *presence = &user->presence;
  if (presence->subscription_count >= EIM_SB_MAX_SUBSCRIPTIONS) return false;
  eim_sb_subscription *all =
      realloc(presence->subscriptions, (presence->subscription_count + 1) * sizeof *all);
  char *copy = eim_strdup(name);
  if (all) presence->subscriptions = all;
  if (!all || !copy) {
    free(copy);
    return false;
  }
  all[presence->subscription_count++] = (eim_sb_subscription){copy, expires_at};
  return true;
}

static void drop(eim_sb_presence *presence, size_t at) {
  free(presence->subscriptions[at].name);
  presence->subscription_count--;
  memmove(presence->subscriptions + at, presence->subscriptions + at + 1,
          (presence->subscription_count - at) * sizeof *presence->subscriptions);
}

void eim_sb_unsubscribe(eim_sb_user *user, const char *name) {
  const eim_sb_subscription *known = find(user, name);
  if (known) drop(&user->presence, (size_t)(known - user->presence.subscriptions));
}

void eim_sb_expire_subscriptions(eim_sandbox *self, eim_sb_user *user) {
  int64_t now = eim_sb_now(self);
  for (size_t i = user->presence.subscription_count; i--;)
    if (user->presence.subscriptions[i].expires_at <= now) drop(&user->presence, i);
}

void eim_sb_forget_presence(eim_sandbox *self, const char *name) {
  for (size_t i = 0; i < EIM_SB_BUCKETS; i++)
    for (eim_sb_user *user = self->users[i]; user; user = user->next)
      eim_sb_unsubscribe(user, name);
}

void eim_sb_free_presence(eim_sb_presence *presence) {
  while (presence->subscription_count) drop(presence, presence->subscription_count - 1);
  free(presence->subscriptions);
  free(presence->ext);
  cJSON_Delete(presence->statuses);
}
