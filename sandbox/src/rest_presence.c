/* Presence: docs/rest.md 13, D:server-side/presence.md. Its answers have no envelope. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rest_call.h"

#define BATCH 100
#define LONGEST 2592000 /* seconds */
#define EXT_MAX 1024    /* bytes; the documents say 64 is better; proposed */

static void result(const eim_sb_call *call, cJSON *value) {
  cJSON *json = cJSON_CreateObject();
  cJSON_AddItemToObject(json, "result", value);
  eim_sb_answer_json(call->self, call->request, 200, json);
}

static bool illegal(const eim_sb_call *call, const char *text) {
  eim_sb_call_refuse(call, 400, "illegal_argument", "java.lang.IllegalArgumentException", "%s",
                     text);
  return false;
}

static void publish(eim_sb_call *call, eim_sb_user *user, const char *resource, const char *status,
                    const cJSON *body) {
  const char *ext = eim_sb_string(body, "ext");
  if (strlen(ext ? ext : "") > EXT_MAX)
    illegal(call, "ext is too big"); /* text: docs/protocol.md 22 */
  else if (strspn(status, "0123456789") != strlen(status) || strlen(status) > 9)
    illegal(call, "status must be a number"); /* proposed */
  else if (!eim_sb_publish(call->self, user, resource, status, ext))
    illegal(call, "too many resources"); /* proposed */
  else
    result(call, cJSON_CreateString("ok"));
}

/* The names of the call, in `usernames` or, to unsubscribe, the body itself. False: refused. */
static bool names_of(const eim_sb_call *call, const cJSON *list, eim_sb_names *names) {
  const cJSON *one;
  if (!cJSON_GetArraySize(list)) return illegal(call, "usernames is empty");
  if (cJSON_GetArraySize(list) > BATCH) return illegal(call, "too many sub presence");
  cJSON_ArrayForEach(one, list) {
    char *lower = cJSON_IsString(one) ? eim_sb_lower(one->valuestring) : NULL;
    if (lower) eim_sb_names_add(names, lower);
    free(lower);
  }
  return true;
}

/* Of somebody who is not there: nothing but his name. Proposed. */
static cJSON *presence_of(const eim_sb_call *call, const char *name, int64_t expires_at) {
  const eim_sb_user *user = eim_sb_find_user(call->self, name);
  if (user) return eim_sb_presence_json(user, expires_at);
  cJSON *json = cJSON_CreateObject();
  cJSON_AddStringToObject(json, "uid", "");
  cJSON_AddStringToObject(json, "last_time", "0");
  cJSON_AddStringToObject(json, "ext", "");
  cJSON_AddObjectToObject(json, "status");
  return json;
}

static void subscribe(eim_sb_call *call, eim_sb_user *user, const char *seconds,
                      const eim_sb_names *names) {
  long expiry = strtol(seconds, NULL, 10);
  if (strspn(seconds, "0123456789") != strlen(seconds) || expiry < 1 || expiry > LONGEST) {
    illegal(call, "expiry is invalid"); /* proposed */
    return;
  }
  if (eim_sb_names_has(names, user->name)) {
    illegal(call, "you can't sub yourself");
    return;
  }
  int64_t until = eim_sb_now(call->self) + expiry * 1000ll;
  cJSON *list = cJSON_CreateArray();
  for (size_t i = 0; i < names->count; i++) {
    bool there = eim_sb_find_user(call->self, names->items[i]) != NULL;
    if (there && !eim_sb_subscribe(call->self, user, names->items[i], until)) {
      cJSON_Delete(list);
      illegal(call, "too many sub presence");
      return;
    }
    cJSON_AddItemToArray(list, presence_of(call, names->items[i], there ? until : 0));
  }
  result(call, list);
}

static void sublist(eim_sb_call *call, eim_sb_user *user) {
  eim_sb_expire_subscriptions(call->self, user);
  size_t size = (size_t)eim_sb_query_int(call, "pageSize", 1, 1, 500);
  size_t first = ((size_t)eim_sb_query_int(call, "pageNum", 1, 1, 100000) - 1) * size;
  char text[32];
  cJSON *json = cJSON_CreateObject();
  snprintf(text, sizeof text, "%zu", user->presence.subscription_count);
  cJSON_AddStringToObject(json, "totalnum", text);
  cJSON *list = cJSON_AddArrayToObject(json, "sublist");
  for (size_t i = first; i < user->presence.subscription_count && i - first < size; i++) {
    cJSON *one = cJSON_CreateObject();
    cJSON_AddStringToObject(one, "uid", user->presence.subscriptions[i].name);
    snprintf(text, sizeof text, "%lld",
             (long long)(user->presence.subscriptions[i].expires_at / 1000));
    cJSON_AddStringToObject(one, "expiry", text);
    cJSON_AddItemToArray(list, one);
  }
  result(call, json);
}

/* parts: presence, presence/sublist, presence/{expiry}, presence/{resource}/{status} */
void eim_sb_rest_presence(eim_sb_call *call, eim_sb_user *user) {
  if (call->count > 3) return;
  if (call->count == 2 && eim_sb_is(call->parts[1], "sublist")) {
    if (eim_sb_verb(call, "GET"))
      sublist(call, user);
    else
      eim_sb_no_verb(call);
    return;
  }
  bool drop = call->count == 1 && eim_sb_verb(call, "DELETE");
  if (!drop && !eim_sb_verb(call, "POST")) {
    eim_sb_no_verb(call);
    return;
  }
  cJSON *body = eim_sb_parse_body(call->self, call->request);
  if (!body) return;
  eim_sb_names names = {NULL, 0};
  const cJSON *list = drop ? body : cJSON_GetObjectItemCaseSensitive(body, "usernames");
  if (call->count == 3) {
    publish(call, user, call->parts[1], call->parts[2], body);
  } else if (names_of(call, list, &names)) {
    cJSON *all = call->count == 1 && !drop ? cJSON_CreateArray() : NULL;
    for (size_t i = 0; i < names.count; i++) {
      if (drop) eim_sb_unsubscribe(user, names.items[i]);
      if (all) cJSON_AddItemToArray(all, presence_of(call, names.items[i], 0));
    }
    if (drop)
      result(call, cJSON_CreateString("ok"));
    else if (all)
      result(call, all);
    else
      subscribe(call, user, call->parts[1], &names);
  }
  eim_sb_names_free(&names);
  cJSON_Delete(body);
}
