/* Members and admins of groups and rooms, as those with power over them change them: docs/rest.md
 * 11, 12. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rest_call.h"

#define OP(name) EASEMOB__PB__MUCBODY__OPERATION__##name
#define BATCH 60 /* docs/rest.md 11 */

static const char *self_or_null(const eim_sb_call *call) {
  return call->caller ? call->caller->name : NULL;
}

static cJSON *member_json(const eim_sb_group *group, const eim_sb_member *member, bool joined) {
  cJSON *one = cJSON_CreateObject();
  cJSON_AddStringToObject(one, strcmp(group->owner, member->name) ? "member" : "owner",
                          member->name);
  if (joined) cJSON_AddNumberToObject(one, "joined_time", (double)member->joined);
  return one;
}

/* By page; by cursor for 4.21.1. */
static void list(eim_sb_call *call) {
  char text[8] = "";
  const eim_sb_group *group = call->group;
  if (!group->is_public && !eim_sb_needs(call, EIM_SB_MEMBER)) return;
  bool joined =
      eim_sb_query(call->request, "joined_time", text, sizeof text) && eim_sb_is(text, "true");
  eim_sb_page page = eim_sb_cursor(call, 20, 1000);
  if (eim_sb_query_int(call, "limit", -1, 0, 1000) < 0) {
    page.limit = (size_t)eim_sb_query_int(call, "pagesize", 1000, 1, 1000);
    page.first = ((size_t)eim_sb_query_int(call, "pagenum", 1, 1, 100000) - 1) * page.limit;
  }
  cJSON *members = cJSON_CreateArray();
  for (size_t i = page.first; i < group->count && i - page.first < page.limit; i++)
    cJSON_AddItemToArray(members, member_json(group, group->members[i], joined));
  cJSON *answer = eim_sb_with_data(call, members);
  cJSON_AddNumberToObject(answer, "count", cJSON_GetArraySize(members));
  eim_sb_add_cursor(answer, &page, group->count);
  eim_sb_answer_json(call->self, call->request, 200, answer);
}

/* Why this user cannot be added; false: refused. */
static bool may_come(const eim_sb_call *call, const char *name) {
  const eim_sb_group *group = call->group;
  if (!eim_sb_find_user(call->self, name)) {
    eim_sb_no_such_user(call, name);
  } else if (eim_sb_names_has(&group->blocks, name)) { /* begins and ends as docs/protocol.md 11 */
    eim_sb_forbid(call, "can not join this group, reason:user: %.64s is in the blacklist", name);
  } else if (group->count >= (size_t)group->max_users) {
    eim_sb_forbid(call, "group member list is full!"); /* docs/protocol.md 22 */
  } else {
    return true;
  }
  return false;
}

static bool may_add(const eim_sb_call *call) {
  return eim_sb_needs(call, call->group->allow_invites ? EIM_SB_MEMBER : EIM_SB_ADMIN);
}

static void add_one(eim_sb_call *call, const char *name) {
  char *lower = eim_sb_lower(name);
  if (!lower || !may_add(call)) {
    free(lower);
    return;
  }
  if (eim_sb_in_group(call->group, lower)) {
    eim_sb_forbid(call, "can not join this group, reason:user: %.64s already in group: %s\n", lower,
                  call->group->id);
  } else if (may_come(call, lower)) {
    eim_sb_add_directly(call, eim_sb_find_user(call->self, lower));
    eim_sb_answer_data(call, eim_sb_done(call, "add_member", lower, NULL));
  }
  free(lower);
}

/* Those who are there already are passed over; when all are, it is an error. */
static void add_many(eim_sb_call *call, const cJSON *body) {
  eim_sb_names names = {NULL, 0};
  if (may_add(call) && eim_sb_call_names(call, NULL, body, &names)) {
    size_t fresh = 0;
    bool good = true;
    for (size_t i = 0; i < names.count && good; i++) {
      if (eim_sb_in_group(call->group, names.items[i])) continue;
      fresh++;
      good = may_come(call, names.items[i]);
    }
    if (good &&
        (names.count > BATCH || call->group->count + fresh > (size_t)call->group->max_users)) {
      eim_sb_call_refuse(call, 403, "exceed_limit",
                         "com.easemob.group.exception.ExceedLimitException",
                         "members size is greater than max user size !");
    } else if (good && !fresh) {
      eim_sb_forbid(call, "can not join this group, reason:user: %.64s already in group: %s\n",
                    names.items[0], call->group->id);
    } else if (good) {
      cJSON *data = cJSON_CreateObject(), *added = cJSON_AddArrayToObject(data, "newmembers");
      for (size_t i = 0; i < names.count; i++) {
        if (eim_sb_in_group(call->group, names.items[i])) continue;
        eim_sb_add_directly(call, eim_sb_find_user(call->self, names.items[i]));
        cJSON_AddItemToArray(added, cJSON_CreateString(names.items[i]));
      }
      cJSON_AddStringToObject(data, call->room ? "id" : "groupid", call->group->id);
      cJSON_AddStringToObject(data, "action", "add_member");
      eim_sb_answer_data(call, data);
    }
  }
  eim_sb_names_free(&names);
}

static void remove_one(const eim_sb_call *call, const char *name) {
  eim_sb_leave_group(call->group, name);
  const char *actor = eim_sb_actor(call);
  eim_sb_tell(call->self, call->group,
              &(eim_sb_muc){.operation = OP(KICK), .from = actor, .to = name}, name, NULL);
  eim_sb_tell_members(call->self, call->group,
                      &(eim_sb_muc){.operation = OP(ABSENCE), .from = name, .counted = true},
                      self_or_null(call));
}

static void remove_members(eim_sb_call *call, const char *list_of_names) {
  eim_sb_names names = {NULL, 0};
  if (eim_sb_needs(call, EIM_SB_ADMIN) && eim_sb_call_names(call, list_of_names, NULL, &names)) {
    size_t there = 0;
    bool owner = false;
    for (size_t i = 0; i < names.count; i++) {
      there += eim_sb_in_group(call->group, names.items[i]);
      owner |= strcmp(call->group->owner, names.items[i]) == 0;
    }
    if (names.count > BATCH) {
      eim_sb_bad_parameter(call, "kickMember: kickMembers number more than maxSize : 60");
    } else if (owner) {
      eim_sb_forbid(call, "forbidden operation on group owner!");
    } else if (!there) {
      eim_sb_not_member(call, list_of_names);
    } else {
      cJSON *all = cJSON_CreateArray(), *done = NULL;
      for (size_t i = 0; i < names.count; i++) {
        char reason[160] = "";
        if (eim_sb_in_group(call->group, names.items[i]))
          remove_one(call, names.items[i]);
        else
          snprintf(reason, sizeof reason, "user %.64s doesn't exist.", names.items[i]);
        done = eim_sb_done(call, "remove_member", names.items[i], *reason ? reason : NULL);
        if (names.count > 1) cJSON_AddItemToArray(all, done);
      }
      if (names.count > 1) {
        eim_sb_answer_data(call, all);
      } else {
        cJSON_Delete(all);
        eim_sb_answer_data(call, done);
      }
    }
  }
  eim_sb_names_free(&names);
}

/* ---- admins */

static void list_admins(eim_sb_call *call) {
  if (!eim_sb_needs(call, EIM_SB_MEMBER)) return;
  cJSON *admins = cJSON_CreateArray();
  for (size_t i = 0; i < call->group->count; i++)
    if (call->group->members[i]->admin)
      cJSON_AddItemToArray(admins, cJSON_CreateString(call->group->members[i]->name));
  eim_sb_answer_list(call, admins);
}

static void tell_admin(const eim_sb_call *call, int operation, const char *name) {
  eim_sb_tell(call->self, call->group,
              &(eim_sb_muc){.operation = operation, .from = eim_sb_actor(call), .to = name}, name,
              NULL);
  cJSON *data = cJSON_CreateObject();
  cJSON_AddStringToObject(data, "result", "success");
  cJSON_AddStringToObject(data, operation == OP(ADD_ADMIN) ? "newadmin" : "oldadmin", name);
  eim_sb_answer_data(call, data);
}

static void add_admin(eim_sb_call *call, const cJSON *body) {
  const char *name = eim_sb_string(body, "newadmin");
  char *lower = name ? eim_sb_lower(name) : NULL;
  eim_sb_member *member = lower ? eim_sb_find_member(call->group, lower) : NULL;
  size_t count = 0;
  for (size_t i = 0; i < call->group->count; i++) count += call->group->members[i]->admin;
  if (!eim_sb_needs(call, EIM_SB_OWNER)) {
  } else if (!name) {
    eim_sb_bad_parameter(call, "newadmin must be provided");
  } else if (!member) {
    eim_sb_call_refuse(call, 404, "resource_not_found",
                       "com.easemob.group.exception.ResourceNotFoundException",
                       "user: %.64s doesn't exist in group: %s", name, call->group->id);
  } else if (strcmp(member->name, call->group->owner) == 0) {
    eim_sb_forbid(call, "forbidden operation on group owner!");
  } else if (count >= EIM_SB_MAX_ADMINS) {
    eim_sb_call_refuse(call, 403, "exceed_limit",
                       "com.easemob.group.exception.ExceedLimitException",
                       "the number of admins is greater than the limit"); /* text proposed */
  } else {
    member->admin = true;
    tell_admin(call, OP(ADD_ADMIN), member->name);
  }
  free(lower);
}

static void remove_admin(eim_sb_call *call, const char *name) {
  char *lower = eim_sb_lower(name);
  eim_sb_member *member = lower ? eim_sb_find_member(call->group, lower) : NULL;
  if (!eim_sb_needs(call, EIM_SB_OWNER)) {
  } else if (!member || !member->admin) {
    eim_sb_forbid(call, "user:%.64s is not admin of group:%s", name, call->group->id);
  } else {
    member->admin = false;
    tell_admin(call, OP(REMOVE_ADMIN), member->name);
  }
  free(lower);
}

void eim_sb_rest_members(eim_sb_call *call) {
  const char *what = call->parts[0], *name = call->count > 1 ? call->parts[1] : NULL;
  bool users = eim_sb_is(what, "users"), admins = eim_sb_is(what, "admin");
  if (call->count > 2 || (!users && !admins)) return;
  bool with_body = !name && eim_sb_verb(call, "POST");
  cJSON *body = with_body ? eim_sb_call_body(call) : NULL;
  if (with_body && !body) return;
  if (users && !name && eim_sb_verb(call, "GET"))
    list(call);
  else if (users && body)
    add_many(call, body);
  else if (users && name && eim_sb_verb(call, "POST"))
    add_one(call, name);
  else if (users && name && eim_sb_verb(call, "DELETE"))
    remove_members(call, name);
  else if (admins && !name && eim_sb_verb(call, "GET"))
    list_admins(call);
  else if (admins && body)
    add_admin(call, body);
  else if (admins && name && eim_sb_verb(call, "DELETE"))
    remove_admin(call, name);
  else
    eim_sb_no_verb(call);
  cJSON_Delete(body);
}
