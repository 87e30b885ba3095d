/* Groups and chat rooms themselves: make, look at, change, end. docs/rest.md 11, 12. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rest_call.h"

#define OP(name) EASEMOB__PB__MUCBODY__OPERATION__##name

static size_t characters(const char *text) {
  size_t count = 0;
  for (; *text; text++) count += ((unsigned char)*text & 0xc0) != 0x80;
  return count;
}

static int number(const cJSON *body, const char *name, int otherwise) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(body, name);
  return cJSON_IsNumber(item) ? item->valueint : otherwise;
}

/* ---- creating */

/* Names and texts of a body; false: refused. docs/rest.md 16 has the limits. */
static bool texts_fit(const eim_sb_call *call, const cJSON *body) {
  static const struct {
    const char *name;
    size_t most;
  } limits[] = {{"groupname", 128}, {"name", 128},    {"description", 512}, {"desc", 512},
                {"custom", 8192},   {"avatar", 1024}, {"announcement", 512}};
  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
    const char *text = eim_sb_string(body, limits[i].name);
    if (!text || characters(text) <= limits[i].most) continue;
    eim_sb_bad_parameter(call, "%s length is too big",
                         limits[i].name); /* text: as for the avatar */
    return false;
  }
  return true;
}

/* What creating and changing share. */
static bool set_fields(eim_sb_group *group, const cJSON *body) {
  const char *name = eim_sb_string(body, "groupname");
  if (!name) name = eim_sb_string(body, "name");
  const char *description = eim_sb_string(body, "description");
  if (!description) description = eim_sb_string(body, "desc"); /* as 4.8.1 calls it */
  const char *custom = eim_sb_string(body, "custom"), *avatar = eim_sb_string(body, "avatar");
  group->is_public = eim_sb_bool(body, "public", group->is_public);
  group->members_only = eim_sb_bool(body, "membersonly", group->members_only);
  group->members_only = eim_sb_bool(body, "approval", group->members_only); /* 4.8.1 */
  group->allow_invites = eim_sb_bool(body, "allowinvites", group->allow_invites);
  group->invite_need_confirm = eim_sb_bool(body, "invite_need_confirm", group->invite_need_confirm);
  group->max_users = number(body, "maxusers", group->max_users);
  return (!name || eim_sb_set_text(&group->name, name)) &&
         (!description || eim_sb_set_text(&group->description, description)) &&
         (!custom || eim_sb_set_text(&group->custom, custom)) &&
         (!avatar || eim_sb_set_text(&group->avatar, avatar));
}

void eim_sb_add_directly(const eim_sb_call *call, const eim_sb_user *user) {
  eim_sb_group *group = call->group;
  const char *actor = eim_sb_actor(call);
  if (eim_sb_in_group(group, user->name) || !eim_sb_join_group(call->self, group, user->name))
    return;
  eim_sb_tell(call->self, group,
              &(eim_sb_muc){.operation = OP(DIRECT_JOINED), .from = actor, .to = user->name},
              user->name, NULL);
  eim_sb_tell_members(call->self, group,
                      &(eim_sb_muc){.operation = OP(PRESENCE), .from = user->name, .counted = true},
                      user->name);
}

static void invite_or_add(const eim_sb_call *call, const eim_sb_user *user) {
  if (call->room || !call->caller || !call->group->invite_need_confirm) {
    eim_sb_add_directly(call, user);
  } else if (eim_sb_invite(call->group, user->name, call->caller->name)) {
    eim_sb_tell(
        call->self, call->group,
        &(eim_sb_muc){.operation = OP(INVITE), .from = call->caller->name, .to = user->name},
        user->name, NULL);
  }
}

/* The owner of what is created; NULL: refused. */
static const eim_sb_user *owner_of(const eim_sb_call *call, const cJSON *body) {
  const char *owner = eim_sb_string(body, "owner");
  if (call->caller && owner && eim_sb_find_user(call->self, owner) != call->caller) {
    eim_sb_forbid(call, "user %s has no permission to do this operation", call->caller->name);
    return NULL;
  }
  if (call->caller) return call->caller;
  if (!owner || !*owner) {
    eim_sb_bad_parameter(call, "owner must be provided");
    return NULL;
  }
  const eim_sb_user *user = eim_sb_find_user(call->self, owner);
  if (!user) eim_sb_no_such_user(call, owner);
  return user;
}

/* Those of `members`, all of whom must exist. False: refused. */
static bool members_of(const eim_sb_call *call, const cJSON *body, int max_users,
                       eim_sb_names *names) {
  const cJSON *list = cJSON_GetObjectItemCaseSensitive(body, "members"), *name;
  cJSON_ArrayForEach(name, list) {
    const eim_sb_user *user =
        cJSON_IsString(name) ? eim_sb_find_user(call->self, name->valuestring) : NULL;
    if (!user) {
      eim_sb_no_such_user(call, cJSON_IsString(name) ? name->valuestring : "");
      return false;
    }
    if (!eim_sb_names_add(names, user->name)) {
      eim_sb_out_of_memory(call);
      return false;
    }
  }
  if ((int)names->count < max_users) return true;
  eim_sb_call_refuse(call, 403, "exceed_limit", "com.easemob.group.exception.ExceedLimitException",
                     "members size is greater than max user size !");
  return false;
}

static void create(eim_sb_call *call, const cJSON *body) {
  eim_sb_names names = {NULL, 0};
  int max_users = number(body, "maxusers", call->room ? 10000 : 200);
  if (call->room && !eim_sb_string(body, "name")) {
    eim_sb_bad_parameter(call, "chatroom must contain title/name field!");
    return;
  }
  if (!call->room && !cJSON_IsBool(cJSON_GetObjectItemCaseSensitive(body, "public"))) {
    eim_sb_bad_parameter(call, "group must contain public field!");
    return;
  }
  if (max_users < 1) {
    eim_sb_bad_parameter(call, "maxusers must be greater than 0"); /* proposed */
    return;
  }
  const eim_sb_user *owner = texts_fit(call, body) ? owner_of(call, body) : NULL;
  if (owner && members_of(call, body, max_users, &names)) {
    call->group = eim_sb_create_group(call->self, NULL, call->room, owner->name);
    if (!call->group || !set_fields(call->group, body)) {
      if (call->group) eim_sb_destroy_group(call->self, call->group);
      eim_sb_call_refuse(call, 403, "exceed_limit",
                         "com.easemob.group.exception.ExceedLimitException",
                         "appKey:%s has create too many groups!", call->self->app_key);
    } else {
      if (call->room) call->group->is_public = true;
      if (call->group->is_public) call->group->allow_invites = false; /* D:group_manage.md */
      for (size_t i = 0; i < names.count; i++)
        invite_or_add(call, eim_sb_find_user(call->self, names.items[i]));
      char resource[EIM_SB_MAX_RESOURCE + 1] = "";
      eim_sb_query(call->request, "resource", resource, sizeof resource);
      if (!call->room && call->caller) /* the types of 4.8.1: on the creator's other devices */
        eim_sb_tell(call->self, call->group,
                    &(eim_sb_muc){.operation = OP(CREATE), .from = owner->name}, owner->name,
                    resource);
      cJSON *data = cJSON_CreateObject();
      cJSON_AddStringToObject(data, call->room ? "id" : "groupid", call->group->id);
      eim_sb_answer_data(call, data);
    }
  }
  eim_sb_names_free(&names);
}

/* ---- looking */

static cJSON *affiliation(const eim_sb_group *group, const eim_sb_member *member, bool joined) {
  cJSON *one = cJSON_CreateObject();
  cJSON_AddStringToObject(one, strcmp(group->owner, member->name) ? "member" : "owner",
                          member->name);
  if (joined) cJSON_AddNumberToObject(one, "joined_time", (double)member->joined);
  return one;
}

static cJSON *details(const eim_sb_call *call, const eim_sb_group *group) {
  char joined[8] = "";
  eim_sb_query(call->request, "joined_time", joined, sizeof joined);
  const eim_sb_member *own = call->caller ? eim_sb_find_member(group, call->caller->name) : NULL;
  cJSON *json = cJSON_CreateObject();
  cJSON_AddStringToObject(json, "id", group->id);
  cJSON_AddStringToObject(json, "name", group->name);
  if (*group->avatar) cJSON_AddStringToObject(json, "avatar", group->avatar);
  cJSON_AddStringToObject(json, "description", group->description);
  cJSON_AddBoolToObject(json, "membersonly", group->members_only);
  cJSON_AddBoolToObject(json, "allowinvites", group->allow_invites);
  cJSON_AddBoolToObject(json, "invite_need_confirm", group->invite_need_confirm);
  cJSON_AddNumberToObject(json, "maxusers", group->max_users);
  cJSON_AddStringToObject(json, "owner", group->owner);
  cJSON_AddNumberToObject(json, "created", (double)group->created);
  cJSON_AddStringToObject(json, "custom", group->custom);
  cJSON_AddBoolToObject(json, "mute", group->mute_all);
  cJSON_AddBoolToObject(json, "shieldgroup", own && own->shielded);
  cJSON_AddNumberToObject(json, "affiliations_count", (double)group->count);
  cJSON_AddBoolToObject(json, "disabled", group->disabled);
  cJSON *list = cJSON_AddArrayToObject(json, "affiliations");
  for (size_t i = 0; i < group->count; i++)
    cJSON_AddItemToArray(list, affiliation(group, group->members[i], eim_sb_is(joined, "true")));
  cJSON_AddBoolToObject(json, "public", group->is_public);
  return json;
}

/* Of one, or of up to 100, for the ids of which there is no group an error beside them. */
static void look(eim_sb_call *call, const char *ids) {
  cJSON *list = cJSON_CreateArray();
  bool several = strchr(ids, ',') != NULL;
  char *copy = eim_strdup(ids), *save = NULL;
  for (char *id = copy ? strtok_r(copy, ",", &save) : NULL; id; id = strtok_r(NULL, ",", &save)) {
    const eim_sb_group *group = eim_sb_find_group(call->self, id);
    if (group && group->room == call->room && !eim_sb_is_thread(group)) {
      cJSON_AddItemToArray(list, details(call, group));
    } else if (several) {
      cJSON *none = cJSON_CreateObject();
      cJSON_AddStringToObject(none, "id", id);
      cJSON_AddStringToObject(none, "error", "group id doesn't exist");
      cJSON_AddItemToArray(list, none);
    }
  }
  free(copy);
  if (cJSON_GetArraySize(list)) {
    eim_sb_answer_list(call, list);
    return;
  }
  cJSON_Delete(list);
  eim_sb_call_refuse(call, 404, "service_resource_not_found",
                     "com.easemob.group.exception.ServiceResourceNotFoundException",
                     "do not find this group:%.64s", ids);
}

/* A line of a list of groups: docs/rest.md 11. */
static cJSON *in_short(const eim_sb_call *call, const eim_sb_group *group) {
  char text[200];
  cJSON *one = cJSON_CreateObject();
  if (eim_sb_v3(call)) {
    cJSON_AddStringToObject(one, "id", group->id);
    cJSON_AddStringToObject(one, "name", group->name);
    return one;
  }
  snprintf(text, sizeof text, "%s_%s", call->self->app_key, group->owner);
  cJSON_AddStringToObject(one, "owner", text);
  cJSON_AddStringToObject(one, "groupid", group->id);
  cJSON_AddNumberToObject(one, "affiliations", (double)group->count);
  cJSON_AddStringToObject(one, "type", "group");
  snprintf(text, sizeof text, "%lld", (long long)group->modified);
  cJSON_AddStringToObject(one, "lastModified", text);
  cJSON_AddStringToObject(one, "groupname", group->name);
  return one;
}

static void list_groups(eim_sb_call *call, bool public_only) {
  eim_sb_page page = eim_sb_cursor(call, public_only ? 20 : 10, 1000);
  cJSON *list = cJSON_CreateArray();
  size_t total = 0;
  for (const eim_sb_group *group = call->self->groups; group; group = group->next) {
    if (group->room || eim_sb_is_thread(group) || (public_only && !group->is_public)) continue;
    if (total >= page.first && total - page.first < page.limit)
      cJSON_AddItemToArray(list, in_short(call, group));
    total++;
  }
  cJSON *answer = eim_sb_with_data(call, list);
  cJSON_AddNumberToObject(answer, "count", cJSON_GetArraySize(list));
  eim_sb_add_cursor(answer, &page, total);
  eim_sb_answer_json(call->self, call->request, 200, answer);
}

static void list_rooms(eim_sb_call *call) {
  size_t size = (size_t)eim_sb_query_int(call, "pagesize", 20, 1, 1000), total = 0;
  size_t first = ((size_t)eim_sb_query_int(call, "pagenum", 1, 1, 100000) - 1) * size;
  cJSON *list = cJSON_CreateArray();
  for (const eim_sb_group *room = call->self->groups; room; room = room->next) {
    if (!room->room) continue;
    if (total >= first && total - first < size) {
      cJSON *one = cJSON_CreateObject();
      cJSON_AddStringToObject(one, "id", room->id);
      cJSON_AddStringToObject(one, "name", room->name);
      cJSON_AddStringToObject(one, "owner", room->owner);
      cJSON_AddNumberToObject(one, "affiliations_count", (double)room->count);
      cJSON_AddItemToArray(list, one);
    }
    total++;
  }
  eim_sb_answer_list(call, list);
}

static const char *role_of(const eim_sb_group *group, const char *name) {
  eim_sb_role role = eim_sb_role_in(group, name);
  return role == EIM_SB_OWNER ? "owner" : role == EIM_SB_ADMIN ? "admin" : "member";
}

static cJSON *joined_group(const eim_sb_call *call, const eim_sb_group *group, const char *name,
                           bool old_form) {
  cJSON *one = cJSON_CreateObject();
  if (old_form && eim_sb_v3(call)) {
    cJSON_AddStringToObject(one, "id", group->id);
    cJSON_AddStringToObject(one, "name", group->name);
    cJSON_AddBoolToObject(one, "disabled", group->disabled);
    cJSON_AddStringToObject(one, "permission", role_of(group, name));
    return one;
  }
  if (old_form) {
    cJSON_AddStringToObject(one, "groupid", group->id);
    cJSON_AddStringToObject(one, "groupname", group->name);
    return one;
  }
  char wanted[8] = "";
  cJSON_AddStringToObject(one, "name", group->name);
  cJSON_AddStringToObject(one, "owner", group->owner);
  cJSON_AddStringToObject(one, "id", group->id);
  cJSON_AddStringToObject(one, "groupId", group->id);
  cJSON_AddStringToObject(one, "description", group->description);
  cJSON_AddBoolToObject(one, "disabled", group->disabled);
  cJSON_AddBoolToObject(one, "public", group->is_public);
  cJSON_AddBoolToObject(one, "allowinvites", group->allow_invites);
  cJSON_AddBoolToObject(one, "membersonly", group->members_only);
  cJSON_AddNumberToObject(one, "maxusers", group->max_users);
  cJSON_AddNumberToObject(one, "created", (double)group->created);
  if (eim_sb_query(call->request, "needAffiliations", wanted, sizeof wanted) &&
      eim_sb_is(wanted, "true"))
    cJSON_AddNumberToObject(one, "affiliations_count", (double)group->count);
  if (eim_sb_query(call->request, "needRole", wanted, sizeof wanted) && eim_sb_is(wanted, "true"))
    cJSON_AddStringToObject(one, "permission", role_of(group, name));
  return one;
}

static cJSON *joined_room(const eim_sb_call *call, const eim_sb_group *room) {
  char owner[200];
  snprintf(owner, sizeof owner, "%s_%s", call->self->app_key, room->owner); /* 4.8.1 splits it */
  cJSON *one = cJSON_CreateObject();
  cJSON_AddStringToObject(one, "id", room->id);
  cJSON_AddStringToObject(one, "title", room->name);
  cJSON_AddStringToObject(one, "owner", owner);
  cJSON_AddNumberToObject(one, "created", (double)room->created);
  cJSON_AddStringToObject(one, "description", room->description);
  cJSON_AddNumberToObject(one, "max_users", room->max_users);
  return one;
}

/* GET /chatgroups/user/{u} (pages begin with 1 for 4.8.1, with 0 in the documents: both are the
 * first one), /users/{u}/joined_chatgroups and /users/{u}/joined_chatrooms. */
void eim_sb_rest_joined(eim_sb_call *call, const char *name, bool rooms) {
  bool old_form = strstr(call->request->path, "/joined_chatgroups") != NULL;
  size_t size = (size_t)eim_sb_query_int(call, "pagesize", old_form ? 1000 : 5, 1,
                                         rooms || old_form ? 1000 : 20);
  int page = eim_sb_query_int(call, "pagenum", 0, 0, 100000);
  size_t first = page > 0 ? ((size_t)page - 1) * size : 0, total = 0;
  cJSON *list = cJSON_CreateArray();
  for (const eim_sb_group *group = call->self->groups; group; group = group->next) {
    if (group->room != rooms || eim_sb_is_thread(group) || !eim_sb_in_group(group, name)) continue;
    if (total >= first && total - first < size)
      cJSON_AddItemToArray(list, rooms ? joined_room(call, group)
                                       : joined_group(call, group, name, old_form));
    total++;
  }
  if (rooms || old_form) {
    eim_sb_answer_list(call, list);
    return;
  }
  cJSON *answer = eim_sb_with_data(call, cJSON_CreateArray());
  cJSON_DeleteItemFromObject(answer, "data");
  cJSON_ReplaceItemInObject(answer, "entities", list);
  cJSON_AddNumberToObject(answer, "total", (double)total);
  cJSON_AddNumberToObject(answer, "count", cJSON_GetArraySize(list));
  eim_sb_answer_json(call->self, call->request, 200, answer);
}

void eim_sb_rest_public_groups(eim_sandbox *self, eim_sb_request *request) {
  eim_sb_call call = {.self = self, .request = request};
  if (!eim_sb_verb(&call, "GET"))
    eim_sb_no_verb(&call);
  else if (eim_sb_admit(&call, NULL))
    list_groups(&call, true);
}

/* ---- changing, ending */

static void transfer(eim_sb_call *call, const char *name) {
  eim_sb_group *group = call->group;
  char *lower = eim_sb_lower(name), before[EIM_SB_MAX_NAME + 1];
  if (!eim_sb_needs(call, EIM_SB_OWNER)) {
    free(lower);
    return;
  }
  if (!lower || !eim_sb_in_group(group, lower)) {
    eim_sb_forbid(call, "user: %.64s doesn't exist in group: %s", name, group->id);
  } else if (strcmp(lower, group->owner) == 0) {
    eim_sb_forbid(call, "new owner and old owner are the same");
  } else {
    snprintf(before, sizeof before, "%s", group->owner);
    snprintf(group->owner, sizeof group->owner, "%s", lower);
    eim_sb_find_member(group, lower)->admin = false;
    group->modified = eim_sb_now(call->self);
    /* the types of 4.8.1: the new and the old owner are told */
    eim_sb_muc event = {.operation = OP(ASSIGN_OWNER), .from = before, .to = lower};
    eim_sb_tell(call->self, group, &event, lower, NULL);
    if (!call->caller || strcmp(before, call->caller->name) != 0)
      eim_sb_tell(call->self, group, &event, before, NULL);
    cJSON *data = cJSON_CreateObject();
    cJSON_AddBoolToObject(data, "newowner", true);
    eim_sb_answer_data(call, data);
  }
  free(lower);
}

/* Of an event: as 4.8.1 reads it. */
static char *detail_of(const eim_sb_group *group) {
  cJSON *json = cJSON_CreateObject();
  cJSON_AddStringToObject(json, "name", group->name);
  cJSON_AddStringToObject(json, "description", group->description);
  cJSON_AddBoolToObject(json, "public", group->is_public);
  cJSON_AddBoolToObject(json, "members_only", group->members_only);
  cJSON_AddBoolToObject(json, "allow_user_invites", group->allow_invites);
  cJSON_AddNumberToObject(json, "max_users", group->max_users);
  cJSON_AddBoolToObject(json, "invite_need_confirm", group->invite_need_confirm);
  cJSON_AddStringToObject(json, "custom", group->custom);
  cJSON_AddNumberToObject(json, "last_modified", (double)group->modified);
  char *text = cJSON_PrintUnformatted(json);
  cJSON_Delete(json);
  return text;
}

static void change(eim_sb_call *call, const cJSON *body) {
  static const char *const fields[] = {
      "groupname",   "name",         "avatar", "description",         "maxusers",
      "membersonly", "allowinvites", "custom", "invite_need_confirm", "public"};
  const char *owner = eim_sb_string(body, "newowner");
  if (owner) {
    transfer(call, owner);
    return;
  }
  if (!eim_sb_needs(call, EIM_SB_ADMIN)) return;
  cJSON *data = cJSON_CreateObject();
  const cJSON *item;
  cJSON_ArrayForEach(item, body) {
    bool known = false;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
      known |= strcmp(fields[i], item->string) == 0;
    if (!known) {
      cJSON_Delete(data);
      eim_sb_bad_parameter(call, "some of [%.64s] are not valid fields", item->string);
      return;
    }
    const char *flag = strcmp(item->string, "name") ? item->string : "groupname"; /* sic */
    if (!cJSON_GetObjectItem(data, flag)) cJSON_AddBoolToObject(data, flag, true);
  }
  if (!texts_fit(call, body)) {
    cJSON_Delete(data);
    return;
  }
  bool good = set_fields(call->group, body);
  call->group->modified = eim_sb_now(call->self);
  char *detail = detail_of(call->group);
  eim_sb_tell_members(call->self, call->group,
                      &(eim_sb_muc){.operation = OP(UPDATE),
                                    .from = eim_sb_actor(call),
                                    .detail = call->room ? NULL : detail},
                      call->caller ? call->caller->name : NULL);
  cJSON_free(detail);
  if (good) {
    eim_sb_answer_data(call, data);
  } else {
    cJSON_Delete(data);
    eim_sb_out_of_memory(call);
  }
}

static void destroy(eim_sb_call *call) {
  if (!eim_sb_needs(call, EIM_SB_OWNER)) return;
  eim_sb_tell_members(call->self, call->group,
                      &(eim_sb_muc){.operation = OP(DESTROY), .from = eim_sb_actor(call)},
                      call->caller ? call->caller->name : NULL);
  cJSON *data = cJSON_CreateObject();
  cJSON_AddBoolToObject(data, "success", true);
  cJSON_AddStringToObject(data, call->room ? "id" : "groupid", call->group->id);
  eim_sb_destroy_group(call->self, call->group);
  call->group = NULL;
  eim_sb_answer_data(call, data);
}

static void disable(eim_sb_call *call, bool on) {
  if (!eim_sb_authorize(call->self, call->request, NULL, true)) return;
  call->group->disabled = on;
  cJSON *data = cJSON_CreateObject();
  cJSON_AddBoolToObject(data, "disabled", on);
  eim_sb_answer_data(call, data);
}

static void one(eim_sb_call *call, const char *id) {
  if (call->count == 0 && eim_sb_verb(call, "GET")) {
    look(call, id);
    return;
  }
  call->group = eim_sb_find_group(call->self, id);
  if (!call->group || call->group->room != call->room || eim_sb_is_thread(call->group)) {
    call->group = NULL;
    eim_sb_call_refuse(call, 404, "resource_not_found",
                       "com.easemob.group.exception.ResourceNotFoundException",
                       "grpID %.64s does not exist!", id);
    return;
  }
  if (call->room) eim_sb_sweep_room(call->self, call->group);
  const char *what = call->count ? call->parts[0] : NULL;
  bool enable = call->count == 1 && eim_sb_is(what, "enable");
  if (call->count == 1 && eim_sb_verb(call, "POST") && (enable || eim_sb_is(what, "disable"))) {
    disable(call, !enable);
    return;
  }
  if (call->group->disabled && !eim_sb_verb(call, "GET")) { /* text: docs/protocol.md 22 */
    eim_sb_forbid(call, "can not operate this group, reason: group is disabled");
    return;
  }
  if (call->count == 0 && eim_sb_verb(call, "PUT")) {
    cJSON *body = eim_sb_call_body(call);
    if (body) change(call, body);
    cJSON_Delete(body);
  } else if (call->count == 0 && eim_sb_verb(call, "DELETE")) {
    destroy(call);
  } else if (call->count == 0) {
    eim_sb_no_verb(call);
  } else {
    eim_sb_rest_members(call);
    if (!call->request->status) eim_sb_rest_joining(call);
    if (!call->request->status) eim_sb_rest_group_moderation(call);
    if (!call->request->status) eim_sb_rest_acks(call);
  }
}

/* ---- who may make rooms with his own token: D:server-side/chatroom_superadmin.md. What the calls
 * answer is proposed, but for the paths. */

static void super_admins(eim_sb_call *call) {
  eim_sb_names *names = &call->self->super_admins;
  if (!eim_sb_authorize(call->self, call->request, NULL, true)) return;
  cJSON *data = cJSON_CreateObject();
  if (call->count == 1 && eim_sb_verb(call, "GET")) {
    cJSON_Delete(data);
    eim_sb_answer_list(call, eim_sb_names_json(names));
    return;
  }
  if (call->count == 1 && eim_sb_verb(call, "POST")) {
    cJSON *body = eim_sb_call_body(call);
    const char *name = eim_sb_string(body, "superadmin");
    const eim_sb_user *user = name ? eim_sb_find_user(call->self, name) : NULL;
    if (body && !name) {
      eim_sb_bad_parameter(call, "superadmin must be provided");
    } else if (body && !user) {
      eim_sb_no_such_user(call, name);
    } else if (body && eim_sb_names_add(names, user->name)) {
      cJSON_AddStringToObject(data, "result", "success");
      cJSON_AddStringToObject(data, "resource", "");
      cJSON_Delete(body);
      eim_sb_answer_data(call, data);
      return;
    }
    cJSON_Delete(body);
  } else if (call->count == 2 && eim_sb_verb(call, "DELETE")) {
    if (eim_sb_names_remove(names, call->parts[1])) {
      cJSON_AddStringToObject(data, "newSuperAdmin", call->parts[1]);
      cJSON_AddStringToObject(data, "resource", "");
      eim_sb_answer_data(call, data);
      return;
    }
    eim_sb_forbid(call, "user:%.64s is not admin of group", call->parts[1]); /* proposed */
  } else {
    eim_sb_no_verb(call);
  }
  cJSON_Delete(data);
}

static void collection(eim_sb_call *call) {
  if (eim_sb_verb(call, "GET")) {
    if (call->room)
      list_rooms(call);
    else if (eim_sb_authorize(call->self, call->request, NULL, true))
      list_groups(call, false);
    return;
  }
  if (!eim_sb_verb(call, "POST")) {
    eim_sb_no_verb(call);
    return;
  }
  if (call->room && call->caller &&
      !eim_sb_names_has(&call->self->super_admins, call->caller->name)) {
    eim_sb_forbid(call, "user %s has no permission to do this operation", call->caller->name);
    return;
  }
  cJSON *body = eim_sb_call_body(call);
  if (body) create(call, body);
  cJSON_Delete(body);
}

void eim_sb_rest_groups(eim_sandbox *self, eim_sb_request *request, char **parts, int count,
                        bool room) {
  eim_sb_call call = {
      .self = self, .request = request, .room = room, .parts = parts, .count = count};
  if (!request->token || !*request->token) { /* docs/rest.md 4 */
    eim_sb_call_refuse(&call, 401, "group_authorization",
                       "com.easemob.group.exception.GroupAuthorizationException",
                       "token is blank!");
    return;
  }
  bool of_user = !room && count == 2 && eim_sb_is(parts[0], "user");
  const eim_sb_user *user = of_user ? eim_sb_find_user(self, parts[1]) : NULL;
  if (!eim_sb_admit(&call, user)) return;
  if (count == 0) {
    collection(&call);
  } else if (of_user) {
    if (!eim_sb_verb(&call, "GET"))
      eim_sb_no_verb(&call);
    else if (!user)
      eim_sb_no_such_user(&call, parts[1]);
    else
      eim_sb_rest_joined(&call, user->name, false);
  } else if (room && eim_sb_is(parts[0], "super_admin")) {
    super_admins(&call);
  } else {
    call.parts++;
    call.count--;
    one(&call, parts[0]);
  }
}
