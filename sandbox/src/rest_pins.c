/* Pinned messages. The calls and the form of the answers are those of easemob-websdk 4.8.1
 * (docs/protocol.md 24), the rules those of the documents of the SDKs (message_pin): any member
 * may, the newest pin of a message counts, 20 of a conversation; single chats in the newer ones
 * only. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rest_call.h"

#define OF_ONE_CONVERSATION 20 /* docs/rest.md 16 */

static void refuse(const eim_sb_call *call, int status, const char *text) {
  eim_sb_call_refuse(call, status, status == 404 ? "not_found" : "illegal_argument",
                     "java.lang.IllegalArgumentException", "%s", text);
}

/* A conversation of this user. */
typedef struct place {
  const eim_sb_user *user;
  const eim_sb_group *group; /* a group or room; NULL: a single chat */
  char peer[EIM_SB_MAX_NAME + 1];
} place;

static const char *type_of(const place *where) {
  return !where->group ? "chat" : where->group->room ? "chatroom" : "groupchat";
}

/* False: refused. The text about the type is one that 4.8.1 knows. */
static bool find_place(const eim_sb_call *call, const eim_sb_user *user, const char *to,
                       const char *type, place *out) {
  bool room = eim_sb_is(type, "chatroom"), chat = eim_sb_is(type, "chat");
  const eim_sb_group *group = to && !chat ? eim_sb_find_group(call->self, to) : NULL;
  const eim_sb_user *peer = to && chat ? eim_sb_find_user(call->self, to) : NULL;
  *out = (place){.user = user, .group = group};
  if (peer) snprintf(out->peer, sizeof out->peer, "%s", peer->name);
  if (!room && !chat && !eim_sb_is(type, "groupchat"))
    refuse(call, 400, "param type only allow [groupchat,chatroom]!, please check!");
  else if (chat && !peer)
    eim_sb_no_such_user(call, to ? to : "");
  else if (!chat && (!group || group->room != room))
    eim_sb_call_refuse(call, 404, "resource_not_found",
                       "com.easemob.group.exception.ResourceNotFoundException",
                       "grpID %.64s does not exist!", to ? to : "");
  else if (group && !eim_sb_in_group(group, user->name))
    eim_sb_not_member(call, user->name);
  else
    return true;
  return false;
}

static bool is_of(const eim_sb_kept *kept, const place *where) {
  if (!kept->meta || kept->group != (where->group != NULL)) return false;
  if (where->group) return strcmp(kept->to, where->group->id) == 0;
  const char *user = where->user->name, *peer = where->peer;
  return (strcmp(kept->from, user) == 0 && strcmp(kept->to, peer) == 0) ||
         (strcmp(kept->from, peer) == 0 && strcmp(kept->to, user) == 0);
}

/* The n-th, the one that was pinned last first; NULL: no more. */
static const eim_sb_kept *nth(eim_sandbox *self, const place *where, size_t n) {
  const eim_sb_kept *kept, *last = NULL, *best = NULL;
  for (size_t found = 0; found <= n; found++, last = best) {
    best = NULL;
    for (size_t i = 0; (kept = eim_sb_kept_at(self, i)); i++) {
      if (!is_of(kept, where) || !kept->pinned_at) continue;
      if (last && (kept->pinned_at > last->pinned_at || (kept->pinned_at == last->pinned_at &&
                                                         kept->meta->pb->id >= last->meta->pb->id)))
        continue;
      if (!best || kept->pinned_at > best->pinned_at ||
          (kept->pinned_at == best->pinned_at && kept->meta->pb->id > best->meta->pb->id))
        best = kept;
    }
    if (!best) return NULL;
  }
  return best;
}

/* docs/protocol.md 14. In a single chat each is told with the other's id: proposed. */
static void tell_one(const eim_sb_call *call, const place *where, const char *receiver,
                     const char *id, const char *op, const char *message) {
  char resource[EIM_SB_MAX_RESOURCE + 1] = "";
  eim_sb_user *user = eim_sb_find_user(call->self, receiver);
  if (!user) return;
  eim_sb_query(call->request, "resource", resource, sizeof resource);
  cJSON *told = cJSON_CreateObject();
  cJSON_AddStringToObject(told, "op", op);
  cJSON_AddStringToObject(told, "id", id);
  cJSON_AddStringToObject(told, "type", type_of(where));
  cJSON_AddNumberToObject(told, "ts", (double)eim_sb_now(call->self));
  cJSON_AddStringToObject(told, "res", resource);
  cJSON_AddStringToObject(told, "from", where->user->name);
  cJSON_AddStringToObject(told, "ext", message);
  eim_sb_notify(call->self, user, "conv", told, false);
}

static void tell(const eim_sb_call *call, const place *where, const char *op, const char *message) {
  const eim_sb_group *group = where->group;
  for (size_t i = 0; group && i < group->count; i++)
    tell_one(call, where, group->members[i]->name, group->id, op, message);
  if (group) return;
  tell_one(call, where, where->user->name, where->peer, op, message);
  if (strcmp(where->user->name, where->peer) != 0)
    tell_one(call, where, where->peer, where->user->name, op, message);
}

static void change(const eim_sb_call *call, const eim_sb_user *user, const cJSON *body, bool on) {
  const char *text = eim_sb_string(body, "pin_msg_id");
  place where;
  if (!find_place(call, user, eim_sb_string(body, "to"), eim_sb_string(body, "type"), &where))
    return;
  uint64_t id;
  eim_sb_kept *kept = text && eim_parse_u64(text, &id) ? eim_sb_find_kept(call->self, id) : NULL;
  if (!kept || !is_of(kept, &where)) {
    refuse(call, 400, "param pin_msg_id illegal, please check it!");
  } else if (!on && !kept->pinned_at) {
    refuse(call, 404, "user session pin message not exist"); /* docs/protocol.md 22 */
  } else if (on && !kept->pinned_at && nth(call->self, &where, OF_ONE_CONVERSATION - 1)) {
    refuse(call, 400, "The quantity has exceeded the limit!");
  } else {
    kept->pinned_at = on ? eim_sb_now(call->self) : 0;
    snprintf(kept->pinned_by, sizeof kept->pinned_by, "%s", on ? user->name : "");
    eim_sb_kept_noted(call->self, kept);
    tell(call, &where, on ? "pin" : "pin_delete", text);
    eim_sb_answer_data(call, cJSON_CreateObject());
  }
}

static void list(const eim_sb_call *call, const eim_sb_user *user) {
  char to[EIM_SB_MAX_NAME + 2] = "", type[16] = "";
  eim_sb_query(call->request, "to", to, sizeof to);
  eim_sb_query(call->request, "type", type, sizeof type);
  place where;
  if (!find_place(call, user, to, type, &where)) return;
  eim_sb_page page = eim_sb_cursor(call, 10, 50);
  cJSON *data = cJSON_CreateObject(), *infos = cJSON_AddArrayToObject(data, "msg_infos");
  const eim_sb_kept *kept;
  size_t n = page.first;
  for (; n - page.first < page.limit && (kept = nth(call->self, &where, n)); n++) {
    cJSON *info = cJSON_CreateObject(), *message = eim_sb_message_json(call->self, kept);
    cJSON *said = cJSON_GetObjectItemCaseSensitive(message, "payload");
    cJSON_ReplaceItemInObject(said, "type", cJSON_CreateString(type_of(&where)));
    char *payload = cJSON_PrintUnformatted(said);
    cJSON_ReplaceItemInObject(message, "payload", cJSON_CreateString(payload ? payload : "{}"));
    cJSON_free(payload);
    cJSON_AddItemToObject(info, "message", message);
    cJSON_AddNumberToObject(info, "pin_opt_at", (double)kept->pinned_at);
    cJSON_AddStringToObject(info, "pin_operator", kept->pinned_by);
    cJSON_AddItemToArray(infos, info);
  }
  eim_sb_add_cursor(data, &page, nth(call->self, &where, n) ? n + 1 : n);
  eim_sb_answer_data(call, data);
}

/* user_channel/pin */
void eim_sb_rest_pins(eim_sb_call *call, const eim_sb_user *user) {
  bool on = eim_sb_verb(call, "POST");
  if (eim_sb_verb(call, "GET")) {
    list(call, user);
  } else if (!on && !eim_sb_verb(call, "DELETE")) {
    eim_sb_no_verb(call);
  } else {
    cJSON *body = eim_sb_call_body(call);
    if (body) change(call, user, body, on);
    cJSON_Delete(body);
  }
}
