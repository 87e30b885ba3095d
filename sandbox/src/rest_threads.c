/* Chat threads: D:server-side/group_thread.md, docs/protocol.md 24; who may do what:
 * docs-im.easemob.com/ccim/web/thread2. The numbers of refusals are those that easemob-websdk reads
 * as "not there", "exists" and "not permitted" (docs/protocol.md 22); which refusal has which is
 * proposed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rest_call.h"
#include "threads.h"

#define OP(name) EASEMOB__PB__MUCBODY__OPERATION__##name
#define NAME_MAX_CHARACTERS 64
#define BATCH 10
#define PAGE 50
#define LAST_MAX 20 /* of the types of 4.8.1 */

static void refuse(const eim_sb_call *call, int status, int number, const char *text) {
  cJSON *json = cJSON_CreateObject();
  cJSON_AddStringToObject(json, "error", "group_error");
  cJSON_AddStringToObject(json, "exception", "GroupException");
  cJSON_AddNumberToObject(json, "timestamp", (double)eim_sb_now(call->self));
  cJSON_AddNumberToObject(json, "duration", 0);
  cJSON_AddStringToObject(json, "error_description", text);
  if (number) cJSON_AddNumberToObject(json, "error_code", number);
  eim_sb_answer_json(call->self, call->request, status, json);
}

static void not_found(const eim_sb_call *call) {
  refuse(call, 404, 40011, "thread not found.");
}

static void answer_ok(const eim_sb_call *call) {
  cJSON *data = cJSON_CreateObject();
  cJSON_AddStringToObject(data, "status", "ok");
  eim_sb_answer_data(call, data);
}

/* {…, entities} or {…, data}, and where the next page begins. */
static void answer_page(const eim_sb_call *call, const char *member, cJSON *value,
                        const eim_sb_page *page, size_t total) {
  cJSON *answer = eim_sb_with_data(call, cJSON_CreateObject());
  cJSON *properties = cJSON_CreateObject();
  eim_sb_add_cursor(properties, page, total);
  if (strcmp(member, "entities") == 0) cJSON_DeleteItemFromObject(answer, "data");
  cJSON_ReplaceItemInObject(answer, member, value);
  cJSON_AddItemToObject(answer, "properties", properties);
  eim_sb_answer_json(call->self, call->request, 200, answer);
}

static bool page_of(const eim_sb_call *call, eim_sb_page *page) {
  *page = eim_sb_cursor(call, PAGE, 1000);
  if (page->limit <= PAGE) return true;
  refuse(call, 400, 0, "query param reaches limit.");
  return false;
}

static bool name_fits(const eim_sb_call *call, const char *name) {
  size_t count = 0;
  for (const char *c = name ? name : ""; *c; c++) count += ((unsigned char)*c & 0xc0) != 0x80;
  if (count && count <= NAME_MAX_CHARACTERS) return true;
  refuse(call, 400, 0, count ? "thread name limit reached." : "thread name must be provided.");
  return false;
}

/* Owner or admin of the group, or the app; `maker`: whoever made the thread as well. */
static bool may_manage(const eim_sb_call *call, bool maker) {
  const eim_sb_group *group = eim_sb_find_group(call->self, call->group->parent);
  if (!call->caller || (group && eim_sb_role_in(group, call->caller->name) >= EIM_SB_ADMIN) ||
      (maker && strcmp(call->group->owner, call->caller->name) == 0))
    return true;
  refuse(call, 404, 40012, "user has no permission.");
  return false;
}

static bool sees(const eim_sb_call *call, const char *group_id) {
  const eim_sb_group *group = eim_sb_find_group(call->self, group_id);
  if (!group || group->room || eim_sb_is_thread(group))
    refuse(call, 404, 0, "group not found.");
  else if (call->caller && !eim_sb_in_group(group, call->caller->name))
    refuse(call, 404, 40012, "user not in group.");
  else
    return true;
  return false;
}

/* The user's other devices. */
static void tell_devices(const eim_sb_call *call, const char *name, int operation) {
  char resource[EIM_SB_MAX_RESOURCE + 1] = "";
  if (!name) return;
  eim_sb_query(call->request, "resource", resource, sizeof resource);
  eim_sb_tell(
      call->self, call->group,
      &(eim_sb_muc){.operation = operation, .from = name, .device = *resource ? resource : NULL},
      name, resource);
}

static const char *caller_of(const eim_sb_call *call) {
  return call->caller ? call->caller->name : NULL;
}

/* ---- making */

/* A number in the documents, text from the SDK. */
static uint64_t id_of(const cJSON *body, const char *name) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(body, name);
  uint64_t id = 0;
  if (cJSON_IsString(item))
    eim_parse_u64(item->valuestring, &id);
  else if (cJSON_IsNumber(item) && item->valuedouble > 0 && item->valuedouble < 9e15)
    id = (uint64_t)item->valuedouble;
  return id;
}

/* Why this message of the group can have no thread; NULL: it can. */
static const char *unfit(eim_sandbox *self, const eim_sb_group *group, uint64_t message,
                         int *status, int *number) {
  const eim_sb_kept *kept = message ? eim_sb_find_kept(self, message) : NULL;
  const eim_sb_group *where = kept && kept->group ? eim_sb_find_group(self, kept->to) : NULL;
  *status = 400;
  *number = 0;
  if (!kept) return *status = 404, "msg not exist.";
  if (!where || where->room) return "thread must on group message to create.";
  if (eim_sb_is_thread(where)) return "thread not nested.";
  if (where != group) return "msg not belong to group .";
  if (!eim_sb_thread_about(self, message)) return NULL;
  *status = 403;
  *number = 40003;
  return "msg already create thread.not allow to create.";
}

static void create(eim_sb_call *call, const cJSON *body) {
  char text[24];
  const char *group_id = eim_sb_string(body, "group_id"), *name = eim_sb_string(body, "name");
  const char *owner = eim_sb_string(body, "owner");
  if (!group_id) {
    snprintf(text, sizeof text, "%llu", (unsigned long long)id_of(body, "group_id"));
    group_id = text;
  }
  const eim_sb_user *user = owner ? eim_sb_find_user(call->self, owner) : NULL;
  if (call->caller && user != call->caller) {
    refuse(call, 404, 40012, "user has no permission.");
    return;
  }
  if (!sees(call, group_id) || !name_fits(call, name)) return;
  eim_sb_group *group = eim_sb_find_group(call->self, group_id);
  int status, number;
  uint64_t message = id_of(body, "msg_id");
  const char *why = unfit(call->self, group, message, &status, &number);
  if (!user || !eim_sb_in_group(group, user->name)) {
    refuse(call, 404, 40012, "user not in group.");
  } else if (why) {
    refuse(call, status, number, why);
  } else {
    call->group = eim_sb_create_group(call->self, NULL, false, user->name);
    if (!call->group || !eim_sb_set_text(&call->group->name, name) ||
        !eim_sb_set_text(&call->group->parent, group->id)) {
      if (call->group) eim_sb_destroy_group(call->self, call->group);
      call->group = NULL;
      refuse(call, 403, 40005, "thread number has reached limit.");
      return;
    }
    call->group->parent_message = message;
    eim_sb_thread_event(call->self, call->group, "create", user->name);
    tell_devices(call, caller_of(call), OP(THREAD_CREATE));
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "thread_id", call->group->id);
    eim_sb_answer_data(call, data);
  }
}

/* ---- looking */

static cJSON *details(const eim_sb_group *thread, bool counted) {
  char message[24];
  snprintf(message, sizeof message, "%llu", (unsigned long long)thread->parent_message);
  cJSON *json = cJSON_CreateObject();
  cJSON_AddStringToObject(json, "name", thread->name);
  cJSON_AddStringToObject(json, "owner", thread->owner);
  cJSON_AddStringToObject(json, "id", thread->id);
  cJSON_AddStringToObject(json, "msgId", message);
  cJSON_AddStringToObject(json, "groupId", thread->parent);
  cJSON_AddNumberToObject(json, "created", (double)thread->created);
  if (counted) cJSON_AddNumberToObject(json, "affiliations_count", (double)thread->count);
  return json;
}

/* Those of a group (NULL: of all), of a member (NULL: of everybody), the newest first; brief: the
 * ids alone. */
static void list(const eim_sb_call *call, const char *group, const char *name, bool brief) {
  eim_sb_page page;
  size_t total = 0;
  if (!page_of(call, &page)) return;
  cJSON *entities = cJSON_CreateArray();
  for (const eim_sb_group *thread = call->self->groups; thread; thread = thread->next) {
    if (!eim_sb_is_thread(thread) || (group && strcmp(thread->parent, group) != 0) ||
        (name && !eim_sb_in_group(thread, name)))
      continue;
    if (total >= page.first && total - page.first < page.limit) {
      cJSON *one = brief ? cJSON_CreateObject() : details(thread, false);
      if (brief) cJSON_AddStringToObject(one, "id", thread->id);
      cJSON_AddItemToArray(entities, one);
    }
    total++;
  }
  answer_page(call, "entities", entities, &page, total);
}

static void members(const eim_sb_call *call) {
  eim_sb_page page;
  if (!page_of(call, &page)) return;
  cJSON *data = cJSON_CreateObject(), *names = cJSON_AddArrayToObject(data, "affiliations");
  for (size_t i = page.first; i < call->group->count && i - page.first < page.limit; i++)
    cJSON_AddItemToArray(names, cJSON_CreateString(call->group->members[i]->name));
  answer_page(call, "data", data, &page, call->group->count);
}

/* What was said last in each: the form is what 4.8.1 reads. */
static void last_messages(const eim_sb_call *call, const cJSON *body) {
  const cJSON *ids = cJSON_GetObjectItemCaseSensitive(body, "threadIds"), *id;
  if (!cJSON_GetArraySize(ids) || cJSON_GetArraySize(ids) > LAST_MAX) {
    refuse(call, 400, 0, "request body reaches limit.");
    return;
  }
  cJSON *entities = cJSON_CreateArray();
  cJSON_ArrayForEach(id, ids) {
    const eim_sb_group *thread =
        cJSON_IsString(id) ? eim_sb_find_group(call->self, id->valuestring) : NULL;
    const eim_sb_group *group =
        thread && eim_sb_is_thread(thread) ? eim_sb_find_group(call->self, thread->parent) : NULL;
    if (!group || (call->caller && !eim_sb_in_group(group, call->caller->name))) continue;
    cJSON *one = eim_sb_thread_overview(call->self, thread->parent_message);
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddStringToObject(entry, "thread_id", thread->id);
    cJSON_AddItemToObject(entry, "last_message",
                          cJSON_DetachItemFromObjectCaseSensitive(one, "last_message"));
    cJSON_Delete(one);
    cJSON_AddItemToArray(entities, entry);
  }
  cJSON *answer = eim_sb_with_data(call, cJSON_CreateObject());
  cJSON_DeleteItemFromObject(answer, "data");
  cJSON_ReplaceItemInObject(answer, "entities", entities);
  eim_sb_answer_json(call->self, call->request, 200, answer);
}

/* ---- coming and going */

static void come(eim_sb_call *call, const eim_sb_user *user) {
  const eim_sb_group *group = eim_sb_find_group(call->self, call->group->parent);
  if (!group || !eim_sb_in_group(group, user->name)) {
    refuse(call, 404, 40012, "user not in group.");
  } else if (eim_sb_in_group(call->group, user->name)) {
    refuse(call, 400, 40002, "user already in thread."); /* proposed */
  } else if (!eim_sb_join_group(call->self, call->group, user->name)) {
    eim_sb_out_of_memory(call);
  } else {
    tell_devices(call, caller_of(call), OP(THREAD_JOIN));
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "status", "ok");
    cJSON_AddItemToObject(data, "detail", details(call->group, true));
    eim_sb_answer_data(call, data);
  }
}

static void go(eim_sb_call *call, const eim_sb_user *user) {
  if (!eim_sb_in_group(call->group, user->name)) {
    refuse(call, 404, 40012, "user not in thread."); /* proposed */
    return;
  }
  eim_sb_leave_group(call->group, user->name);
  tell_devices(call, caller_of(call), OP(THREAD_LEAVE));
  answer_ok(call);
}

/* POST …/users {"usernames"}: those of the group. */
static void add(eim_sb_call *call, const cJSON *body) {
  eim_sb_names names = {NULL, 0};
  const eim_sb_group *group = eim_sb_find_group(call->self, call->group->parent);
  if (!eim_sb_call_names(call, NULL, body, &names)) {
    /* refused */
  } else if (names.count > BATCH) {
    refuse(call, 400, 0, "request body reaches limit.");
  } else {
    for (size_t i = 0; i < names.count; i++)
      if (group && eim_sb_in_group(group, names.items[i]))
        eim_sb_join_group(call->self, call->group, names.items[i]);
    answer_ok(call);
  }
  eim_sb_names_free(&names);
}

static cJSON *put_out(eim_sb_call *call, const char *name) {
  bool was = eim_sb_in_group(call->group, name);
  if (was) {
    eim_sb_leave_group(call->group, name);
    eim_sb_tell(call->self, call->group,
                &(eim_sb_muc){.operation = OP(THREAD_KICK), .from = eim_sb_actor(call), .to = name},
                name, NULL);
  }
  cJSON *one = cJSON_CreateObject();
  cJSON_AddBoolToObject(one, "result", was);
  cJSON_AddStringToObject(one, "user", name);
  return one;
}

static void remove_all(eim_sb_call *call, const cJSON *body) {
  eim_sb_names names = {NULL, 0};
  if (!eim_sb_call_names(call, NULL, body, &names)) {
    /* refused */
  } else if (names.count > BATCH) {
    refuse(call, 400, 0, "request body reaches limit.");
  } else {
    cJSON *entities = cJSON_CreateArray();
    for (size_t i = 0; i < names.count; i++)
      cJSON_AddItemToArray(entities, put_out(call, names.items[i]));
    cJSON *answer = eim_sb_with_data(call, cJSON_CreateObject());
    cJSON_DeleteItemFromObject(answer, "data");
    cJSON_ReplaceItemInObject(answer, "entities", entities);
    eim_sb_answer_json(call->self, call->request, 200, answer);
  }
  eim_sb_names_free(&names);
}

/* ---- changing, ending */

static void rename_it(eim_sb_call *call, const cJSON *body) {
  const char *name = eim_sb_string(body, "name");
  if (!may_manage(call, true) || !name_fits(call, name)) return;
  if (!eim_sb_set_text(&call->group->name, name)) {
    eim_sb_out_of_memory(call);
    return;
  }
  call->group->modified = eim_sb_now(call->self);
  eim_sb_thread_event(call->self, call->group, "update", eim_sb_actor(call));
  tell_devices(call, caller_of(call), OP(THREAD_UPDATE));
  cJSON *data = cJSON_CreateObject();
  cJSON_AddStringToObject(data, "name", name);
  eim_sb_answer_data(call, data);
}

static void destroy(eim_sb_call *call) {
  if (!may_manage(call, false)) return;
  eim_sb_thread_event(call->self, call->group, "delete", eim_sb_actor(call));
  tell_devices(call, caller_of(call), OP(THREAD_DESTROY));
  eim_sb_destroy_group(call->self, call->group);
  call->group = NULL;
  answer_ok(call);
}

/* ---- which is which */

static void one_self(eim_sb_call *call) {
  bool put = eim_sb_verb(call, "PUT");
  cJSON *body = put ? eim_sb_call_body(call) : NULL;
  if (put && body)
    rename_it(call, body);
  else if (eim_sb_verb(call, "GET"))
    eim_sb_answer_data(call, details(call->group, true));
  else if (eim_sb_verb(call, "DELETE"))
    destroy(call);
  else if (!put)
    eim_sb_no_verb(call);
  cJSON_Delete(body);
}

static void its_members(eim_sb_call *call) {
  bool post = eim_sb_verb(call, "POST"), remove = eim_sb_verb(call, "DELETE");
  if (call->count == 2 && remove) {
    if (may_manage(call, false)) eim_sb_answer_data(call, put_out(call, call->parts[1]));
  } else if (call->count == 1 && eim_sb_verb(call, "GET")) {
    members(call);
  } else if (call->count == 1 && (post || remove)) {
    cJSON *body = may_manage(call, false) ? eim_sb_call_body(call) : NULL;
    if (body && post)
      add(call, body);
    else if (body)
      remove_all(call, body);
    cJSON_Delete(body);
  } else {
    eim_sb_no_verb(call);
  }
}

/* user/{u}/join, user/{u}/quit */
static void himself(eim_sb_call *call) {
  const eim_sb_user *user = eim_sb_find_user(call->self, call->parts[1]);
  bool join = eim_sb_is(call->parts[2], "join");
  if (!join && !eim_sb_is(call->parts[2], "quit")) return;
  if (!eim_sb_admit(call, user)) return;
  if (!user)
    eim_sb_user_unknown(call);
  else if (!eim_sb_verb(call, join ? "POST" : "DELETE"))
    eim_sb_no_verb(call);
  else if (join)
    come(call, user);
  else
    go(call, user);
}

/* GET: all of them, for the app alone; POST: one more. */
static void collection(eim_sb_call *call) {
  if (eim_sb_verb(call, "GET")) {
    if (eim_sb_authorize(call->self, call->request, NULL, true)) list(call, NULL, NULL, true);
    return;
  }
  cJSON *body = eim_sb_verb(call, "POST") ? eim_sb_call_body(call) : NULL;
  if (body)
    create(call, body);
  else if (!eim_sb_verb(call, "POST"))
    eim_sb_no_verb(call);
  cJSON_Delete(body);
}

void eim_sb_rest_thread(eim_sandbox *self, eim_sb_request *request, char **parts, int count) {
  eim_sb_call call = {.self = self, .request = request, .parts = parts, .count = count};
  if (!eim_sb_admit(&call, NULL)) return;
  if (!count) {
    collection(&call);
    return;
  }
  if (count == 1 && eim_sb_is(parts[0], "message") && eim_sb_verb(&call, "POST")) {
    cJSON *body = eim_sb_call_body(&call);
    if (body) last_messages(&call, body);
    cJSON_Delete(body);
    return;
  }
  call.group = eim_sb_find_group(self, parts[0]);
  if (!call.group || !eim_sb_is_thread(call.group)) {
    call.group = NULL;
    not_found(&call);
    return;
  }
  if (!sees(&call, call.group->parent)) return;
  call.parts++;
  call.count--;
  if (count == 1)
    one_self(&call);
  else if (eim_sb_is(parts[1], "users") && count <= 3)
    its_members(&call);
  else if (eim_sb_is(parts[1], "user") && count == 4)
    himself(&call);
}

/* chatgroups/{g}, chatgroups/{g}/user/{u}, user/{u} */
void eim_sb_rest_threads(eim_sandbox *self, eim_sb_request *request, char **parts, int count) {
  eim_sb_call call = {.self = self, .request = request, .parts = parts, .count = count};
  const char *group = count && eim_sb_is(parts[0], "chatgroups") ? parts[1] : NULL;
  const char *name = count == 4 && eim_sb_is(parts[2], "user")   ? parts[3]
                     : count == 2 && eim_sb_is(parts[0], "user") ? parts[1]
                                                                 : NULL;
  if (!(count == 2 && (group || name)) && !(count == 4 && group && name)) return;
  const eim_sb_user *user = name ? eim_sb_find_user(self, name) : NULL;
  if (!eim_sb_admit(&call, user)) return;
  if (name && !user)
    eim_sb_user_unknown(&call);
  else if (!eim_sb_verb(&call, "GET"))
    eim_sb_no_verb(&call);
  else if (!group || sees(&call, group))
    list(&call, group, user ? user->name : NULL, false);
}
