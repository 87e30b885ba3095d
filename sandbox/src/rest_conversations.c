/* The list of conversations: the calls and the form of the answers are those of easemob-websdk
 * 4.8.1 (docs/protocol.md 24). What it does not show is proposed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rest_call.h"

typedef struct listed {
  const eim_sb_kept *last;
  const eim_sb_conversation *known; /* or NULL */
  char with[EIM_SB_MAX_NAME + 1];
  bool group;
  int unread;
} listed;

typedef struct list {
  listed *items;
  size_t count;
} list;

static bool has(const list *all, const char *with, bool group) {
  for (size_t i = 0; i < all->count; i++)
    if (all->items[i].group == group && strcmp(all->items[i].with, with) == 0) return true;
  return false;
}

/* The one with the newest message first. Rooms have none: docs/protocol.md 24 knows chat and group
 * only. */
static list conversations_of(eim_sandbox *self, eim_sb_user *user) {
  list all = {NULL, 0};
  const eim_sb_kept *kept;
  for (size_t n = 0; (kept = eim_sb_kept_at(self, n)); n++) {
    if (!kept->meta) continue;
    const char *with = kept->group || strcmp(kept->from, user->name) == 0 ? kept->to : kept->from;
    const eim_sb_group *group = kept->group ? eim_sb_find_group(self, kept->to) : NULL;
    if (kept->group ? !group || group->room || eim_sb_is_thread(group) ||
                          !eim_sb_in_group(group, user->name)
                    : strcmp(kept->from, user->name) != 0 && strcmp(kept->to, user->name) != 0)
      continue;
    if (has(&all, with, kept->group)) continue;
    listed *items = realloc(all.items, (all.count + 1) * sizeof *items);
    if (!items) break;
    all.items = items;
    listed *one = &items[all.count];
    snprintf(one->with, sizeof one->with, "%s", with);
    one->group = kept->group;
    one->known = eim_sb_conversation_of(user, with, kept->group, false);
    one->last = eim_sb_last_of(self, user, with, kept->group, &one->unread);
    all.count++;
  }
  return all;
}

static cJSON *meta_json(const eim_sandbox *self, const listed *one) {
  char text[EIM_SB_MAX_NAME * 2 + 160];
  cJSON *meta = cJSON_CreateObject();
  const char *domain = one->group ? EIM_SB_DOMAIN_GROUP : EIM_SB_DOMAIN_USER;
  snprintf(text, sizeof text, "%llu", (unsigned long long)one->last->meta->pb->id);
  cJSON_AddStringToObject(meta, "id", text);
  snprintf(text, sizeof text, "%s_%s@%s", self->app_key, one->last->from, EIM_SB_DOMAIN_USER);
  cJSON_AddStringToObject(meta, "from", text);
  snprintf(text, sizeof text, "%s_%s@%s", self->app_key, one->last->to, domain);
  cJSON_AddStringToObject(meta, "to", text);
  cJSON_AddNumberToObject(meta, "timestamp", (double)one->last->meta->pb->timestamp);
  cJSON *payload = eim_sb_payload_json(one->last);
  char *printed = cJSON_PrintUnformatted(payload);
  cJSON_AddStringToObject(meta, "payload", printed ? printed : "{}");
  cJSON_free(printed);
  cJSON_Delete(payload);
  return meta;
}

static cJSON *json_of(const eim_sandbox *self, const listed *one, bool old_form) {
  char text[EIM_SB_MAX_NAME + 160];
  cJSON *json = cJSON_CreateObject();
  cJSON_AddNumberToObject(json, "unread_num", one->unread);
  cJSON_AddItemToObject(json, "meta", meta_json(self, one));
  if (old_form) {
    snprintf(text, sizeof text, "%s_%s@%s", self->app_key, one->with,
             one->group ? EIM_SB_DOMAIN_GROUP : EIM_SB_DOMAIN_USER);
    cJSON_AddStringToObject(json, "channel_id", text);
    return json;
  }
  int64_t top = one->known ? one->known->top_since : 0;
  cJSON_AddStringToObject(json, "session_to", one->with);
  cJSON_AddStringToObject(json, "session_type", one->group ? "groupchat" : "chat");
  cJSON_AddBoolToObject(json, "is_top", top != 0);
  cJSON_AddNumberToObject(json, "update_top_status_time", (double)top);
  cJSON *marks = cJSON_AddArrayToObject(json, "marks");
  for (int i = 0; one->known && i < EIM_SB_MARKS; i++) {
    if (!(one->known->marks >> i & 1)) continue;
    snprintf(text, sizeof text, "mark_%d", i);
    cJSON_AddItemToArray(marks, cJSON_CreateString(text));
  }
  return json;
}

/* user_channels and user_channels/page: the old form. */
static void list_old(eim_sb_call *call, eim_sb_user *user) {
  size_t size = (size_t)eim_sb_query_int(call, "pageSize", 100, 1, 100), shown = 0;
  size_t first = ((size_t)eim_sb_query_int(call, "pageNum", 1, 1, 100000) - 1) * size;
  list all = conversations_of(call->self, user);
  cJSON *data = cJSON_CreateObject(), *infos = cJSON_AddArrayToObject(data, "channel_infos");
  for (size_t i = 0; i < all.count; i++) {
    if (!all.items[i].last) continue;
    if (shown >= first && shown - first < size)
      cJSON_AddItemToArray(infos, json_of(call->self, &all.items[i], true));
    shown++;
  }
  free(all.items);
  eim_sb_answer_data(call, data);
}

static int mark_of(const char *text) {
  uint64_t number;
  if (!text || strncmp(text, "mark_", 5) != 0 || !eim_parse_u64(text + 5, &number) ||
      number >= EIM_SB_MARKS)
    return -1;
  return (int)number;
}

/* user_channels/list, user_channels/mark/search */
static void list_new(eim_sb_call *call, eim_sb_user *user, bool by_mark) {
  char text[32] = "";
  bool top_only =
      eim_sb_query(call->request, "is_top", text, sizeof text) && eim_sb_is(text, "true");
  int mark = -1;
  if (by_mark && eim_sb_query(call->request, "mark", text, sizeof text)) mark = mark_of(text);
  if (by_mark && mark < 0) {
    eim_sb_call_refuse(call, 400, "illegal_argument", "java.lang.IllegalArgumentException",
                       "param mark illegal, please check it!"); /* text: docs/protocol.md 22 */
    return;
  }
  eim_sb_page page = eim_sb_cursor(call, 20, 50);
  size_t shown = 0;
  list all = conversations_of(call->self, user);
  cJSON *data = cJSON_CreateObject(), *infos = cJSON_AddArrayToObject(data, "channel_infos");
  for (size_t i = 0; i < all.count; i++) {
    const listed *one = &all.items[i];
    if (!one->last || (top_only && !(one->known && one->known->top_since)) ||
        (by_mark && !(one->known && one->known->marks >> mark & 1)))
      continue;
    if (shown >= page.first && shown - page.first < page.limit)
      cJSON_AddItemToArray(infos, json_of(call->self, one, false));
    shown++;
  }
  free(all.items);
  eim_sb_add_cursor(data, &page, shown);
  eim_sb_answer_data(call, data);
}

/* As NOTIFY tells the other devices: docs/protocol.md 14. */
static void tell(const eim_sb_call *call, eim_sb_user *user, const char *op, const char *with,
                 bool group, const char *mark) {
  char resource[EIM_SB_MAX_RESOURCE + 1] = "";
  eim_sb_query(call->request, "resource", resource, sizeof resource);
  cJSON *told = cJSON_CreateObject();
  cJSON_AddStringToObject(told, "op", op);
  cJSON_AddStringToObject(told, "id", with);
  cJSON_AddStringToObject(told, "type", group ? "groupchat" : "chat");
  cJSON_AddNumberToObject(told, "ts", (double)eim_sb_now(call->self));
  cJSON_AddStringToObject(told, "res", resource);
  cJSON_AddStringToObject(told, "from", user->name);
  if (mark) cJSON_AddStringToObject(told, "ext", mark);
  eim_sb_notify(call->self, user, "conv", told, false);
}

static eim_sb_conversation *named(const eim_sb_call *call, eim_sb_user *user, const char *to,
                                  const char *type) {
  bool group = type && strcasecmp(type, "groupchat") == 0;
  if (!to || !*to || strlen(to) > EIM_SB_MAX_NAME || (!group && !eim_sb_is(type, "chat"))) {
    eim_sb_call_refuse(call, 400, "illegal_argument", "java.lang.IllegalArgumentException",
                       "to and type must be provided");
    return NULL;
  }
  eim_sb_conversation *one = eim_sb_conversation_of(user, to, group, true);
  if (!one)
    eim_sb_call_refuse(call, 400, "illegal_argument", "java.lang.IllegalArgumentException",
                       "The quantity has exceeded the limit!"); /* docs/protocol.md 22 */
  return one;
}

/* POST with a body, DELETE with a query. */
static void top(eim_sb_call *call, eim_sb_user *user) {
  bool on = eim_sb_verb(call, "POST");
  char to[EIM_SB_MAX_NAME + 2] = "", type[16] = "";
  cJSON *body = on ? eim_sb_call_body(call) : NULL;
  if (on && !body) return;
  eim_sb_query(call->request, "to", to, sizeof to);
  eim_sb_query(call->request, "type", type, sizeof type);
  eim_sb_conversation *one = named(call, user, on ? eim_sb_string(body, "to") : to,
                                   on ? eim_sb_string(body, "type") : type);
  size_t count = 0;
  for (size_t i = 0; i < user->conversations.count; i++)
    count += user->conversations.items[i].top_since != 0;
  if (one && on && !one->top_since && count >= EIM_SB_MAX_ON_TOP) {
    eim_sb_call_refuse(call, 400, "illegal_argument", "java.lang.IllegalArgumentException",
                       "The quantity has exceeded the limit!");
  } else if (one) {
    one->top_since = on ? eim_sb_now(call->self) : 0;
    tell(call, user, on ? "top" : "not_top", one->with, one->group, NULL);
    cJSON *data = cJSON_CreateObject();
    cJSON_AddBoolToObject(data, "is_top", on);
    cJSON_AddNumberToObject(data, "update_top_status_time", (double)one->top_since);
    eim_sb_answer_data(call, data);
  }
  cJSON_Delete(body);
}

static void mark(eim_sb_call *call, eim_sb_user *user) {
  bool on = eim_sb_verb(call, "POST");
  cJSON *body = eim_sb_call_body(call);
  if (!body) return;
  const char *name = eim_sb_string(body, "mark");
  const cJSON *targets = cJSON_GetObjectItemCaseSensitive(body, "targets"), *target;
  int which = mark_of(name);
  if (which < 0)
    eim_sb_call_refuse(call, 400, "illegal_argument", "java.lang.IllegalArgumentException",
                       "param mark illegal, please check it!");
  cJSON_ArrayForEach(target, targets) {
    eim_sb_conversation *one =
        which < 0 || call->request->status
            ? NULL
            : named(call, user, eim_sb_string(target, "to"), eim_sb_string(target, "type"));
    if (!one) continue;
    one->marks = on ? one->marks | 1u << which : one->marks & ~(1u << which);
    tell(call, user, on ? "mark" : "mark_delete", one->with, one->group, name);
  }
  if (!call->request->status) eim_sb_answer_data(call, cJSON_CreateObject());
  cJSON_Delete(body);
}

/* parts: user_channels, user_channels/page, user_channels/list, user_channels/mark,
 * user_channels/mark/search, user_channel/top, user_channel/pin */
void eim_sb_rest_conversations(eim_sb_call *call, eim_sb_user *user) {
  const char *what = call->count > 1 ? call->parts[1] : NULL;
  bool many = eim_sb_is(call->parts[0], "user_channels"), get = eim_sb_verb(call, "GET");
  bool changes = eim_sb_verb(call, "POST") || eim_sb_verb(call, "DELETE");
  if (many && (!what || (call->count == 2 && eim_sb_is(what, "page")))) {
    if (get)
      list_old(call, user);
    else
      eim_sb_no_verb(call);
  } else if (many && call->count == 2 && eim_sb_is(what, "list")) {
    if (get)
      list_new(call, user, false);
    else
      eim_sb_no_verb(call);
  } else if (many && call->count == 3 && eim_sb_is(what, "mark") &&
             eim_sb_is(call->parts[2], "search")) {
    if (get)
      list_new(call, user, true);
    else
      eim_sb_no_verb(call);
  } else if (many && call->count == 2 && eim_sb_is(what, "mark")) {
    if (changes)
      mark(call, user);
    else
      eim_sb_no_verb(call);
  } else if (!many && call->count == 2 && eim_sb_is(what, "top")) {
    if (changes)
      top(call, user);
    else
      eim_sb_no_verb(call);
  } else if (!many && call->count == 2 && eim_sb_is(what, "pin")) {
    eim_sb_rest_pins(call, user);
  } else if (!many && !what) {
    eim_sb_rest_delete_conversation(call, user);
  }
}
