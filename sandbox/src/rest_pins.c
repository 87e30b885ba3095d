/* Pinned messages of groups and rooms. The calls and the form of the answers are those of
 * easemob-websdk 4.8.1 (docs/protocol.md 24), the rules those of the documents of the web SDK
 * (message_pin): any member may, the newest pin of a message counts, 20 of a conversation. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rest_call.h"

#define OF_ONE_CONVERSATION 20 /* docs/rest.md 16 */

static void refuse(const eim_sb_call *call, int status, const char *text) {
  eim_sb_call_refuse(call, status, status == 404 ? "not_found" : "illegal_argument",
                     "java.lang.IllegalArgumentException", "%s", text);
}

/* The group or room, with this user in it; NULL: refused. Texts: as 4.8.1 knows them. */
static const eim_sb_group *where(const eim_sb_call *call, const eim_sb_user *user, const char *to,
                                 const char *type) {
  bool room = eim_sb_is(type, "chatroom");
  const eim_sb_group *group = to ? eim_sb_find_group(call->self, to) : NULL;
  if (!room && !eim_sb_is(type, "groupchat"))
    refuse(call, 400, "param type only allow [groupchat,chatroom]!, please check!");
  else if (!group || group->room != room)
    eim_sb_call_refuse(call, 404, "resource_not_found",
                       "com.easemob.group.exception.ResourceNotFoundException",
                       "grpID %.64s does not exist!", to ? to : "");
  else if (!eim_sb_in_group(group, user->name))
    eim_sb_not_member(call, user->name);
  else
    return group;
  return NULL;
}

static bool is_of(const eim_sb_kept *kept, const eim_sb_group *group) {
  return kept->meta && kept->group && strcmp(kept->to, group->id) == 0;
}

/* The n-th, the one that was pinned last first; NULL: no more. */
static const eim_sb_kept *nth(eim_sandbox *self, const eim_sb_group *group, size_t n) {
  const eim_sb_kept *kept, *last = NULL, *best = NULL;
  for (size_t found = 0; found <= n; found++, last = best) {
    best = NULL;
    for (size_t i = 0; (kept = eim_sb_kept_at(self, i)); i++) {
      if (!is_of(kept, group) || !kept->pinned_at) continue;
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

static void tell(const eim_sb_call *call, const eim_sb_group *group, const eim_sb_user *user,
                 const char *op, const char *message) {
  char resource[EIM_SB_MAX_RESOURCE + 1] = "";
  eim_sb_query(call->request, "resource", resource, sizeof resource);
  for (size_t i = 0; i < group->count; i++) {
    eim_sb_user *member = eim_sb_find_user(call->self, group->members[i]->name);
    if (!member) continue;
    cJSON *told = cJSON_CreateObject(); /* docs/protocol.md 14 */
    cJSON_AddStringToObject(told, "op", op);
    cJSON_AddStringToObject(told, "id", group->id);
    cJSON_AddStringToObject(told, "type", group->room ? "chatroom" : "groupchat");
    cJSON_AddNumberToObject(told, "ts", (double)eim_sb_now(call->self));
    cJSON_AddStringToObject(told, "res", resource);
    cJSON_AddStringToObject(told, "from", user->name);
    cJSON_AddStringToObject(told, "ext", message);
    eim_sb_notify(call->self, member, "conv", told, false);
  }
}

static void change(const eim_sb_call *call, const eim_sb_user *user, const cJSON *body, bool on) {
  const char *text = eim_sb_string(body, "pin_msg_id");
  const eim_sb_group *group =
      where(call, user, eim_sb_string(body, "to"), eim_sb_string(body, "type"));
  if (!group) return;
  uint64_t id;
  eim_sb_kept *kept = text && eim_parse_u64(text, &id) ? eim_sb_find_kept(call->self, id) : NULL;
  if (!kept || !is_of(kept, group)) {
    refuse(call, 400, "param pin_msg_id illegal, please check it!");
  } else if (!on && !kept->pinned_at) {
    refuse(call, 404, "user session pin message not exist"); /* docs/protocol.md 22 */
  } else if (on && !kept->pinned_at && nth(call->self, group, OF_ONE_CONVERSATION - 1)) {
    refuse(call, 400, "The quantity has exceeded the limit!");
  } else {
    kept->pinned_at = on ? eim_sb_now(call->self) : 0;
    snprintf(kept->pinned_by, sizeof kept->pinned_by, "%s", on ? user->name : "");
    eim_sb_kept_noted(call->self, kept);
    tell(call, group, user, on ? "pin" : "pin_delete", text);
    eim_sb_answer_data(call, cJSON_CreateObject());
  }
}

static void list(const eim_sb_call *call, const eim_sb_user *user) {
  char to[EIM_SB_MAX_NAME + 2] = "", type[16] = "";
  eim_sb_query(call->request, "to", to, sizeof to);
  eim_sb_query(call->request, "type", type, sizeof type);
  const eim_sb_group *group = where(call, user, to, type);
  if (!group) return;
  eim_sb_page page = eim_sb_cursor(call, 10, 50);
  cJSON *data = cJSON_CreateObject(), *infos = cJSON_AddArrayToObject(data, "msg_infos");
  const eim_sb_kept *kept;
  size_t n = page.first;
  for (; n - page.first < page.limit && (kept = nth(call->self, group, n)); n++) {
    cJSON *info = cJSON_CreateObject(), *message = eim_sb_message_json(call->self, kept);
    char *payload = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(message, "payload"));
    cJSON_ReplaceItemInObject(message, "payload", cJSON_CreateString(payload ? payload : "{}"));
    cJSON_free(payload);
    cJSON_AddItemToObject(info, "message", message);
    cJSON_AddNumberToObject(info, "pin_opt_at", (double)kept->pinned_at);
    cJSON_AddStringToObject(info, "pin_operator", kept->pinned_by);
    cJSON_AddItemToArray(infos, info);
  }
  eim_sb_add_cursor(data, &page, nth(call->self, group, n) ? n + 1 : n);
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
