/* History: the calls and the form of the answers are those of easemob-websdk 4.8.1
 * (docs/protocol.md 24; rest.md 9 has the deletions). What it does not show is proposed. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rest_call.h"

#define PAGE 20
#define PAGE_MAX 50 /* of the types of 4.8.1 */
#define IDS_MAX 50  /* docs/rest.md 9 */

/* "x@easemob.com" or "g@conference.easemob.com"; in lower case for a user. */
static char *conversation(const char *queue, bool *group) {
  const char *end = queue ? strchr(queue, '@') : NULL;
  if (!end || end == queue) return NULL;
  *group = strcmp(end + 1, EIM_SB_DOMAIN_GROUP) == 0;
  char *name = strndup(queue, (size_t)(end - queue));
  char *lower = name && !*group ? eim_sb_lower(name) : name;
  if (lower != name) free(name);
  return lower;
}

typedef struct wanted {
  const char *with;
  bool group, oldest_first;
  uint64_t start; /* 0: from the end */
  int64_t from_time, to_time;
  const char *types, *sender;
  size_t limit;
} wanted;

static bool names_type(const char *types, int content) {
  static const char *const names[] = {"txt",  "img", "video",  "loc",    "audio",
                                      "file", "cmd", "custom", "combine"};
  if (!types || !*types) return true;
  if (content < 0 || (size_t)content >= sizeof names / sizeof *names) return false;
  size_t length = strlen(names[content]);
  for (const char *at = types; (at = strstr(at, names[content])); at += length)
    if ((at == types || at[-1] == ',') && (!at[length] || at[length] == ',')) return true;
  return false;
}

static bool fits(const eim_sb_kept *kept, const char *user, const wanted *what) {
  if (!eim_sb_kept_for(kept, user, what->with, what->group)) return false;
  uint64_t id = kept->meta->pb->id;
  int64_t time = (int64_t)kept->meta->pb->timestamp;
  if (what->start && (what->oldest_first ? id <= what->start : id >= what->start)) return false;
  if (what->from_time && time < what->from_time) return false;
  if (what->to_time && time > what->to_time) return false;
  return names_type(what->types, kept->content) &&
         (!what->sender || strcmp(what->sender, kept->from) == 0);
}

/* With the meta that it has by now for this user; false: as it is. */
static bool with_meta(eim_sandbox *self, const eim_sb_kept *kept, const char *user,
                      eim_sb_pb_meta *out) {
  Easemob__Pb__MessageBody *body = easemob__pb__message_body__unpack(
      NULL, kept->meta->pb->payload.len, kept->meta->pb->payload.data);
  char *meta = body ? eim_sb_kept_meta(self, kept, user, body->meta) : NULL;
  uint8_t *bytes = NULL;
  if (meta) {
    char *old = body->meta;
    body->meta = meta;
    size_t size = easemob__pb__message_body__get_packed_size(body);
    bytes = malloc(size);
    if (bytes) {
      easemob__pb__message_body__pack(body, bytes);
      *out = *kept->meta->pb;
      out->payload.data = bytes; /* the caller's */
      out->payload.len = size;
    }
    body->meta = old;
    cJSON_free(meta);
  }
  if (body) easemob__pb__message_body__free_unpacked(body, NULL);
  return bytes != NULL;
}

static void add(cJSON *list, const eim_sb_pb_meta *pb) {
  size_t size = easemob__pb__meta__get_packed_size(pb);
  uint8_t *bytes = malloc(size + 1);
  char *text = malloc(4 * (size / 3 + 1) + 1);
  if (bytes && text) {
    easemob__pb__meta__pack(pb, bytes);
    EVP_EncodeBlock((unsigned char *)text, bytes, (int)size);
    cJSON *one = cJSON_CreateObject();
    cJSON_AddStringToObject(one, "msg", text);
    cJSON_AddItemToArray(list, one);
  }
  free(bytes);
  free(text);
}

static void answer_page(eim_sb_call *call, const char *user, const wanted *what) {
  size_t total = 0, found = 0;
  eim_sb_kept *kept;
  while (eim_sb_kept_at(call->self, total)) total++;
  cJSON *data = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(data, "msgs");
  char next[24] = "";
  bool more = false;
  for (size_t n = 0; n < total && !more; n++) {
    kept = eim_sb_kept_at(call->self, what->oldest_first ? total - 1 - n : n);
    if (!fits(kept, user, what)) continue;
    more = found == what->limit;
    if (more) break;
    found++;
    eim_sb_pb_meta noted;
    bool is_noted = with_meta(call->self, kept, user, &noted);
    add(list, is_noted ? &noted : kept->meta->pb);
    if (is_noted) free(noted.payload.data);
    snprintf(next, sizeof next, "%llu", (unsigned long long)kept->meta->pb->id);
  }
  cJSON_AddBoolToObject(data, "is_last", !more);
  cJSON_AddStringToObject(data, "next_key", more ? next : "");
  eim_sb_answer_data(call, data);
}

static int64_t number(const cJSON *body, const char *name) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(body, name);
  return cJSON_IsNumber(item) && item->valuedouble > 0 && item->valuedouble < 9e15
             ? (int64_t)item->valuedouble
             : 0;
}

static void read_page(eim_sb_call *call, const eim_sb_user *user, const cJSON *body) {
  wanted what = {.limit = PAGE};
  char *with = conversation(eim_sb_string(body, "queue"), &what.group);
  const char *start = eim_sb_string(body, "start"), *sender = eim_sb_string(body, "userId");
  int64_t limit = number(body, "pull_number");
  const eim_sb_group *group = with && what.group ? eim_sb_find_group(call->self, with) : NULL;
  if (limit) what.limit = (size_t)(limit > PAGE_MAX ? PAGE_MAX : limit);
  if (start) eim_parse_u64(start, &what.start);
  what.with = with;
  what.oldest_first = eim_sb_bool(body, "is_positive", false);
  what.types = eim_sb_string(body, "msgType");
  what.from_time = number(body, "startTime");
  what.to_time = number(body, "endTime");
  what.sender = sender && *sender ? sender : NULL;
  if (!with)
    eim_sb_call_refuse(call, 400, "illegal_argument", "java.lang.IllegalArgumentException",
                       "queue is illegal");
  else if (what.group && (!group || !eim_sb_in_group(group, user->name)))
    eim_sb_not_member(call, user->name);
  else
    answer_page(call, user->name, &what);
  free(with);
}

/* POST …/messageroaming */
void eim_sb_rest_roaming(eim_sb_call *call, eim_sb_user *user) {
  if (call->count != 1) return;
  if (!eim_sb_verb(call, "POST")) {
    eim_sb_no_verb(call);
    return;
  }
  cJSON *body = eim_sb_call_body(call);
  if (body) read_page(call, user, body);
  cJSON_Delete(body);
}

/* ---- deleting, for one side */

/* with NULL: everything of his. ids NULL: all of the conversation; before: up to this time. */
static void hide(eim_sandbox *self, const char *user, const char *with, bool group,
                 const eim_sb_names *ids, int64_t before) {
  eim_sb_kept *kept;
  for (size_t n = 0; (kept = eim_sb_kept_at(self, n)); n++) {
    if (!kept->meta) continue;
    char id[24];
    snprintf(id, sizeof id, "%llu", (unsigned long long)kept->meta->pb->id);
    bool his = with ? eim_sb_kept_for(kept, user, with, group)
                    : kept->group || !strcmp(kept->from, user) || !strcmp(kept->to, user);
    if (!his || (ids && !eim_sb_names_has(ids, id)) ||
        (before && (int64_t)kept->meta->pb->timestamp > before))
      continue;
    eim_sb_hide_kept(self, n, user);
  }
}

static void tell_deleted(const eim_sb_call *call, eim_sb_user *user, const char *with, bool group) {
  char resource[EIM_SB_MAX_RESOURCE + 1] = "";
  eim_sb_query(call->request, "resource", resource, sizeof resource);
  cJSON *data = cJSON_CreateObject();
  cJSON_AddStringToObject(data, "to", with ? with : "");
  cJSON_AddStringToObject(data, "chatType", group ? "groupchat" : "chat");
  cJSON_AddStringToObject(data, "resource", resource);
  eim_sb_notify(call->self, user, "roaming_delete", data, false);
}

static void done(const eim_sb_call *call) {
  cJSON *json = cJSON_CreateObject();
  cJSON_AddStringToObject(json, "requestStatusCode", "ok");
  cJSON_AddNumberToObject(json, "timestamp", (double)eim_sb_now(call->self));
  eim_sb_answer_json(call->self, call->request, 200, json);
}

static void hide_some(eim_sb_call *call, eim_sb_user *user, bool group, bool by_time) {
  char with[EIM_SB_MAX_NAME + 1] = "", list[1200] = "", time[32] = "";
  eim_sb_names ids = {NULL, 0};
  uint64_t before = 0;
  eim_sb_query(call->request, group ? "groupId" : "userId", with, sizeof with);
  if (by_time) {
    if (eim_sb_query(call->request, "delTime", time, sizeof time)) eim_parse_u64(time, &before);
  } else if (eim_sb_query(call->request, "msgIdList", list, sizeof list)) {
    char *save = NULL;
    for (char *id = strtok_r(list, ",", &save); id; id = strtok_r(NULL, ",", &save))
      eim_sb_names_add(&ids, id);
  }
  if (!*with || (by_time ? !before : !ids.count || ids.count > IDS_MAX)) {
    eim_sb_call_refuse(call, 400, "Bad Request", "IllegalArgumentException",
                       "the conversation or what to delete of it is missing"); /* proposed */
  } else {
    hide(call->self, user->name, with, group, by_time ? NULL : &ids, (int64_t)before);
    tell_deleted(call, user, with, group);
    done(call);
  }
  eim_sb_names_free(&ids);
}

/* parts behind message/roaming: chat/user/{u}, group/user/{u}, both with /time; user/{u}/delete/all
 */
void eim_sb_rest_delete_roaming(eim_sandbox *self, eim_sb_request *request, char **parts,
                                int count) {
  eim_sb_call call = {.self = self, .request = request, .parts = parts, .count = count};
  bool all = count == 4 && eim_sb_is(parts[0], "user") && eim_sb_is(parts[2], "delete") &&
             eim_sb_is(parts[3], "all");
  bool by_time = count == 4 && eim_sb_is(parts[3], "time");
  bool group = count >= 3 && eim_sb_is(parts[0], "group");
  bool some = (count == 3 || by_time) && (group || eim_sb_is(parts[0], "chat")) &&
              eim_sb_is(parts[1], "user");
  if (!all && !some) return;
  eim_sb_user *user = eim_sb_find_user(self, parts[all ? 1 : 2]);
  if (!eim_sb_admit(&call, user)) return;
  if (!user) {
    eim_sb_user_unknown(&call);
  } else if (all ? !eim_sb_verb(&call, "POST")
                 : !eim_sb_verb(&call, "DELETE") && !(by_time && eim_sb_verb(&call, "POST"))) {
    eim_sb_no_verb(&call); /* R3: the one by time is known with both */
  } else if (all) {
    hide(self, user->name, NULL, false, NULL, 0);
    tell_deleted(&call, user, NULL, false);
    done(&call);
  } else {
    hide_some(&call, user, group, by_time);
  }
}

/* DELETE …/user_channel {channel, type, delete_roam} */
void eim_sb_rest_delete_conversation(eim_sb_call *call, eim_sb_user *user) {
  if (call->count != 1) return;
  if (!eim_sb_verb(call, "DELETE")) {
    eim_sb_no_verb(call);
    return;
  }
  cJSON *body = eim_sb_call_body(call);
  if (!body) return;
  const char *channel = eim_sb_string(body, "channel"), *type = eim_sb_string(body, "type");
  bool group = type && strcasecmp(type, "groupchat") == 0;
  if (!channel || !*channel || (!group && !eim_sb_is(type, "chat"))) {
    eim_sb_call_refuse(call, 400, "illegal_argument", "java.lang.IllegalArgumentException",
                       "channel and type must be provided"); /* proposed */
  } else {
    char resource[EIM_SB_MAX_RESOURCE + 1] = "";
    eim_sb_query(call->request, "resource", resource, sizeof resource);
    eim_sb_conversation_gone(call->self, user, channel, group);
    if (eim_sb_bool(body, "delete_roam", false))
      hide(call->self, user->name, channel, group, NULL, 0);
    cJSON *told = cJSON_CreateObject();
    cJSON_AddStringToObject(told, "op", "del");
    cJSON_AddStringToObject(told, "id", channel);
    cJSON_AddStringToObject(told, "type", group ? "groupchat" : "chat");
    cJSON_AddNumberToObject(told, "ts", (double)eim_sb_now(call->self));
    cJSON_AddStringToObject(told, "res", resource);
    cJSON_AddStringToObject(told, "from", user->name);
    eim_sb_notify(call->self, user, "conv", told, false);
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "result", "ok");
    eim_sb_answer_data(call, data);
  }
  cJSON_Delete(body);
}
