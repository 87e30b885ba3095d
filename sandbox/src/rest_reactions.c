/* Reactions to messages of single chats and groups: D:server-side/reaction.md,
 * callback_reaction.md; docs/protocol.md 14, 24. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rest_call.h"

#define CHARACTERS 128
#define OF_ONE_MESSAGE 20 /* docs/rest.md 16 */
#define MESSAGES 20       /* of one call */
#define SHOWN 3           /* users of a list, the first ones */
#define PAGE 50

/* The envelope of this service: docs/rest.md 1. data NULL: none. */
static void answer(const eim_sb_call *call, cJSON *data) {
  cJSON *json = cJSON_CreateObject();
  cJSON_AddStringToObject(json, "requestStatusCode", "ok");
  cJSON_AddNumberToObject(json, "timestamp", (double)eim_sb_now(call->self));
  if (data) cJSON_AddItemToObject(json, "data", data);
  eim_sb_answer_json(call->self, call->request, 200, json);
}

static void refuse(const eim_sb_call *call, const char *text) {
  eim_sb_call_refuse(call, 400, "Bad Request", "IllegalArgumentException", "%s", text);
}

static cJSON *users_of(const cJSON *one) {
  return cJSON_GetObjectItemCaseSensitive(one, "users");
}

static cJSON *find(const eim_sb_kept *kept, const char *reaction) {
  cJSON *one = kept->reactions ? kept->reactions->child : NULL;
  while (one && !eim_sb_is(eim_sb_string(one, "reaction"), reaction)) one = one->next;
  return one;
}

static bool has_user(const cJSON *one, const char *user) {
  const cJSON *name;
  cJSON_ArrayForEach(name, users_of(one)) {
    if (strcmp(name->valuestring, user) == 0) return true;
  }
  return false;
}

/* Those from `first` on, at most `limit`. */
static cJSON *some_users(const cJSON *one, size_t first, size_t limit) {
  cJSON *some = cJSON_CreateArray();
  const cJSON *users = users_of(one), *name;
  size_t i = 0;
  cJSON_ArrayForEach(name, users) {
    if (i >= first && i - first < limit)
      cJSON_AddItemToArray(some, cJSON_CreateString(name->valuestring));
    i++;
  }
  return some;
}

static cJSON *json_of(const cJSON *one, const char *user, size_t first, size_t limit, bool id) {
  cJSON *json = cJSON_CreateObject();
  if (id) cJSON_AddStringToObject(json, "reactionId", eim_sb_string(one, "id"));
  cJSON_AddStringToObject(json, "reaction", eim_sb_string(one, "reaction"));
  cJSON_AddNumberToObject(json, "count", cJSON_GetArraySize(users_of(one)));
  cJSON_AddBoolToObject(json, "state", has_user(one, user));
  cJSON_AddItemToObject(json, "userList", some_users(one, first, limit));
  return json;
}

cJSON *eim_sb_reactions_json(const eim_sb_kept *kept, const char *user, bool ids) {
  cJSON *list = cJSON_CreateArray();
  for (const cJSON *one = kept->reactions ? kept->reactions->child : NULL; one; one = one->next)
    cJSON_AddItemToArray(list, json_of(one, user, 0, SHOWN, ids));
  return list;
}

/* NULL: refused. Rooms have none. A message that is not kept: proposed. */
static eim_sb_kept *message_of(const eim_sb_call *call, const char *user, const char *text) {
  uint64_t id;
  eim_sb_kept *kept = text && eim_parse_u64(text, &id) ? eim_sb_find_kept(call->self, id) : NULL;
  const eim_sb_group *group = kept && kept->group ? eim_sb_find_group(call->self, kept->to) : NULL;
  if (!kept || (kept->group ? !group || group->room
                            : strcmp(kept->from, user) != 0 && strcmp(kept->to, user) != 0)) {
    refuse(call, "the user operation is illegal!");
    return NULL;
  }
  if (group && !eim_sb_in_group(group, user)) {
    refuse(call, "The user not in this group!"); /* text: docs/protocol.md 22 */
    return NULL;
  }
  return kept;
}

/* All of both sides or of the group, on every device: the call does not say from which one it
 * comes. A reaction that is gone is told with count 0: proposed. */
static void tell(const eim_sb_call *call, const eim_sb_kept *kept, const char *user,
                 const cJSON *changed, bool added) {
  char id[24];
  snprintf(id, sizeof id, "%llu", (unsigned long long)kept->meta->pb->id);
  const char *other = strcmp(kept->from, user) == 0 ? kept->to : kept->from;
  const eim_sb_group *group = kept->group ? eim_sb_find_group(call->self, kept->to) : NULL;
  size_t count = group ? group->count : 2;
  for (size_t i = 0; i < count; i++) {
    eim_sb_user *receiver = eim_sb_find_user(call->self, group ? group->members[i]->name
                                                         : i   ? kept->to
                                                               : kept->from);
    if (!receiver || (!group && i && strcmp(kept->to, kept->from) == 0)) continue;
    cJSON *data = cJSON_CreateArray(), *entry = cJSON_CreateObject();
    cJSON_AddItemToArray(data, entry);
    cJSON_AddStringToObject(entry, "messageId", id);
    cJSON_AddStringToObject(entry, "from", user);
    cJSON_AddStringToObject(entry, "to", group ? kept->to : other);
    cJSON_AddStringToObject(entry, "channel_type", group ? "groupchat" : "chat");
    cJSON_AddNumberToObject(entry, "ts", (double)eim_sb_now(call->self));
    cJSON *list = cJSON_AddArrayToObject(entry, "reactions");
    for (const cJSON *one = kept->reactions ? kept->reactions->child : NULL; one; one = one->next) {
      cJSON *json = json_of(one, receiver->name, 0, SHOWN, false);
      cJSON_DeleteItemFromObject(json, "state");
      if (one == changed) {
        cJSON *op = cJSON_CreateObject();
        cJSON_AddStringToObject(op, "operator", user);
        cJSON_AddStringToObject(op, "reactionType", added ? "create" : "delete");
        cJSON_AddItemToArray(cJSON_AddArrayToObject(json, "op"), op);
      }
      cJSON_AddItemToArray(list, json);
    }
    eim_sb_notify(call->self, receiver, "reaction", data, false);
  }
}

static size_t characters(const char *text) {
  size_t count = 0;
  for (; *text; text++) count += ((unsigned char)*text & 0xc0) != 0x80;
  return count;
}

static void add_time(const eim_sb_call *call, cJSON *data, const char *name) {
  int64_t now = eim_sb_now(call->self);
  time_t seconds = (time_t)(now / 1000);
  struct tm utc;
  char text[32] = "", whole[48];
  if (gmtime_r(&seconds, &utc)) strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  snprintf(whole, sizeof whole, "%s.%03dZ", text, (int)(now % 1000));
  cJSON_AddStringToObject(data, name, whole);
}

static void add(const eim_sb_call *call, const char *user, const cJSON *body) {
  const char *reaction = eim_sb_string(body, "message");
  eim_sb_kept *kept = message_of(call, user, eim_sb_string(body, "msgId"));
  if (!kept) return;
  if (!reaction || !*reaction || characters(reaction) > CHARACTERS) {
    refuse(call, "message must have 1 to 128 characters"); /* proposed */
    return;
  }
  cJSON *one = find(kept, reaction);
  if (one && has_user(one, user)) {
    refuse(call, "the user is already operation this message");
    return;
  }
  if (!one && cJSON_GetArraySize(kept->reactions) >= OF_ONE_MESSAGE) {
    refuse(call, "The quantity has exceeded the limit!");
    return;
  }
  char id[24];
  if (!kept->reactions) kept->reactions = cJSON_CreateArray();
  if (!one) {
    snprintf(id, sizeof id, "%llu", (unsigned long long)eim_sb_next_id(call->self));
    one = cJSON_CreateObject();
    cJSON_AddStringToObject(one, "id", id);
    cJSON_AddStringToObject(one, "reaction", reaction);
    cJSON_AddArrayToObject(one, "users");
    cJSON_AddItemToArray(kept->reactions, one);
  }
  cJSON_AddItemToArray(users_of(one), cJSON_CreateString(user));
  eim_sb_kept_noted(call->self, kept);
  tell(call, kept, user, one, true);
  cJSON *data = cJSON_CreateObject();
  cJSON_AddStringToObject(data, "id", eim_sb_string(one, "id"));
  cJSON_AddStringToObject(data, "msgId", eim_sb_string(body, "msgId"));
  cJSON_AddStringToObject(data, "msgType", kept->group ? "groupchat" : "chat");
  if (kept->group)
    cJSON_AddStringToObject(data, "groupId", kept->to);
  else
    cJSON_AddNullToObject(data, "groupId");
  cJSON_AddStringToObject(data, "reaction", reaction);
  add_time(call, data, "createdAt");
  add_time(call, data, "updatedAt");
  answer(call, data);
}

static void take_away(const eim_sb_call *call, const char *user, const char *message,
                      const char *reaction) {
  eim_sb_kept *kept = message_of(call, user, message);
  if (!kept) return;
  cJSON *one = find(kept, reaction);
  if (!one || !has_user(one, user)) {
    refuse(call, "the user operation is illegal!");
    return;
  }
  cJSON *name = users_of(one)->child;
  while (strcmp(name->valuestring, user) != 0) name = name->next;
  cJSON_Delete(cJSON_DetachItemViaPointer(users_of(one), name));
  tell(call, kept, user, one, false);
  if (!users_of(one)->child) cJSON_Delete(cJSON_DetachItemViaPointer(kept->reactions, one));
  if (!kept->reactions->child) {
    cJSON_Delete(kept->reactions);
    kept->reactions = NULL;
  }
  eim_sb_kept_noted(call->self, kept);
  answer(call, NULL);
}

/* Messages without reactions, and those that are not his, are left out: proposed. */
static void list(const eim_sb_call *call, const char *user) {
  char ids[1200] = "", type[16] = "", group[EIM_SB_MAX_NAME + 2] = "", *save = NULL;
  eim_sb_query(call->request, "msgIdList", ids, sizeof ids);
  eim_sb_query(call->request, "msgType", type, sizeof type);
  eim_sb_query(call->request, "groupId", group, sizeof group);
  int count = *ids != 0;
  for (const char *c = ids; *c; c++) count += *c == ',';
  if (eim_sb_is(type, "groupchat") && !*group) {
    refuse(call, "groupId can not be null!");
    return;
  }
  if (count > MESSAGES) {
    refuse(call, "msgIdList exceeds the maximum number limit");
    return;
  }
  cJSON *data = cJSON_CreateArray();
  for (char *text = strtok_r(ids, ",", &save); text; text = strtok_r(NULL, ",", &save)) {
    uint64_t id;
    const eim_sb_kept *kept = eim_parse_u64(text, &id) ? eim_sb_find_kept(call->self, id) : NULL;
    if (!kept || !kept->reactions || kept->group != eim_sb_is(type, "groupchat")) continue;
    const eim_sb_group *where = kept->group ? eim_sb_find_group(call->self, kept->to) : NULL;
    if (kept->group ? strcmp(kept->to, group) != 0 || !where || !eim_sb_in_group(where, user)
                    : strcmp(kept->from, user) != 0 && strcmp(kept->to, user) != 0)
      continue;
    cJSON *one = cJSON_CreateObject();
    cJSON_AddStringToObject(one, "msgId", text);
    cJSON_AddItemToObject(one, "reactionList", eim_sb_reactions_json(kept, user, true));
    cJSON_AddItemToArray(data, one);
  }
  answer(call, data);
}

/* limit and cursor in the documents, pageSize and currentPage from the SDK. */
static void detail(const eim_sb_call *call, const char *user, const char *message,
                   const char *reaction) {
  const eim_sb_kept *kept = message_of(call, user, message);
  if (!kept) return;
  int limit = eim_sb_query_int(call, "limit", 0, 0, 1000);
  if (!limit) limit = eim_sb_query_int(call, "pageSize", PAGE, 1, 1000);
  int first = eim_sb_query_int(call, "cursor", 0, 0, 1000000);
  if (!first) first = eim_sb_query_int(call, "currentPage", 0, 0, 1000000);
  if (limit > PAGE) {
    refuse(call, "Limit exceeds the maximum quantity limit");
    return;
  }
  const cJSON *one = find(kept, reaction);
  if (!one) {
    refuse(call, "the user operation is illegal!"); /* proposed */
    return;
  }
  cJSON *data = json_of(one, user, (size_t)first, (size_t)limit, true);
  char next[16] = "";
  if (first + limit < cJSON_GetArraySize(users_of(one)))
    snprintf(next, sizeof next, "%d", first + limit);
  cJSON_AddStringToObject(data, "cursor", next);
  answer(call, data);
}

/* parts: user/{u}, user/{u}/detail */
void eim_sb_rest_reactions(eim_sandbox *self, eim_sb_request *request, char **parts, int count) {
  eim_sb_call call = {.self = self, .request = request, .parts = parts, .count = count};
  char message[32] = "", reaction[CHARACTERS * 4 + 8] = "";
  bool detailed = count == 3 && eim_sb_is(parts[2], "detail");
  if ((count != 2 && !detailed) || !eim_sb_is(parts[0], "user")) return;
  const eim_sb_user *user = eim_sb_find_user(self, parts[1]);
  if (!eim_sb_admit(&call, user)) return;
  eim_sb_query(request, "msgId", message, sizeof message);
  eim_sb_query(request, "message", reaction, sizeof reaction);
  if (!user) {
    eim_sb_user_unknown(&call);
  } else if (eim_sb_verb(&call, "GET")) {
    if (detailed)
      detail(&call, user->name, message, reaction);
    else
      list(&call, user->name);
  } else if (!detailed && eim_sb_verb(&call, "DELETE")) {
    take_away(&call, user->name, message, reaction);
  } else if (!detailed && eim_sb_verb(&call, "POST")) {
    cJSON *body = eim_sb_call_body(&call);
    if (body) add(&call, user->name, body);
    cJSON_Delete(body);
  } else {
    eim_sb_no_verb(&call);
  }
}
