/* Who may speak and who may come: mutes, block list, allow list; and the announcement. docs/rest.md
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

static void tell_one(const eim_sb_call *call, int operation, const char *name) {
  eim_sb_tell(call->self, call->group,
              &(eim_sb_muc){.operation = operation, .from = eim_sb_actor(call), .to = name}, name,
              NULL);
}

static void tell_all(const eim_sb_call *call, int operation, const char *reason) {
  eim_sb_tell_members(
      call->self, call->group,
      &(eim_sb_muc){.operation = operation, .from = eim_sb_actor(call), .reason = reason},
      self_or_null(call));
}

/* The names of a call that needs power over them: all of them members and none of them the owner,
 * or the whole call is refused. */
static bool members_named(eim_sb_call *call, const char *from_path, const cJSON *body,
                          const char *too_many, eim_sb_names *names) {
  if (!eim_sb_needs(call, EIM_SB_ADMIN) || !eim_sb_call_names(call, from_path, body, names))
    return false;
  if (names->count > BATCH) {
    eim_sb_bad_parameter(call, "%s : 60", too_many);
    return false;
  }
  for (size_t i = 0; i < names->count; i++) {
    if (!eim_sb_in_group(call->group, names->items[i])) {
      eim_sb_not_member(call, names->items[i]);
      return false;
    }
    if (strcmp(call->group->owner, names->items[i]) == 0) {
      eim_sb_forbid(call, "forbidden operation on group owner!");
      return false;
    }
  }
  return true;
}

/* ---- muting */

static void list_muted(eim_sb_call *call) {
  if (!eim_sb_needs(call, EIM_SB_ADMIN)) return;
  cJSON *list = cJSON_CreateArray();
  int64_t now = eim_sb_now(call->self);
  for (size_t i = 0; i < call->group->count; i++) {
    const eim_sb_member *member = call->group->members[i];
    if (member->muted_until <= now) continue;
    cJSON *one = cJSON_CreateObject();
    cJSON_AddNumberToObject(one, "expire", (double)member->muted_until);
    cJSON_AddStringToObject(one, "user", member->name);
    cJSON_AddItemToArray(list, one);
  }
  eim_sb_answer_data(call, list);
}

static void mute(eim_sb_call *call, const cJSON *body) {
  eim_sb_names names = {NULL, 0};
  const cJSON *duration = cJSON_GetObjectItemCaseSensitive(body, "mute_duration");
  if (!cJSON_IsNumber(duration)) {
    eim_sb_bad_parameter(call, "mute_duration must be provided");
  } else if (members_named(call, NULL, body, "userNames size is more than max limit", &names)) {
    /* -1: for ever, as the mutes of rest.md 6; until 2100 then: proposed */
    double until = duration->valuedouble < 0 || duration->valuedouble > 4e12
                       ? 4102444800000.0
                       : (double)eim_sb_now(call->self) + duration->valuedouble;
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < names.count; i++) {
      eim_sb_find_member(call->group, names.items[i])->muted_until = (int64_t)until;
      tell_one(call, OP(ADD_MUTE), names.items[i]);
      cJSON *one = cJSON_CreateObject();
      cJSON_AddBoolToObject(one, "result", true);
      cJSON_AddNumberToObject(one, "expire", until);
      cJSON_AddStringToObject(one, "user", names.items[i]);
      cJSON_AddItemToArray(list, one);
    }
    eim_sb_answer_data(call, list);
  }
  eim_sb_names_free(&names);
}

static void unmute(eim_sb_call *call, const char *from_path) {
  eim_sb_names names = {NULL, 0};
  if (members_named(call, from_path, NULL, "removeMute member size more than max limit", &names)) {
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < names.count; i++) {
      eim_sb_find_member(call->group, names.items[i])->muted_until = 0;
      tell_one(call, OP(REMOVE_MUTE), names.items[i]);
      cJSON *one = cJSON_CreateObject();
      cJSON_AddBoolToObject(one, "result", true);
      cJSON_AddStringToObject(one, "user", names.items[i]);
      cJSON_AddItemToArray(list, one);
    }
    eim_sb_answer_data(call, list);
  }
  eim_sb_names_free(&names);
}

/* GET …/mute/{u}: isInGroupMutelist of 4.21.1 reads `data` as it is. */
static void is_muted(eim_sb_call *call, const char *name) {
  const eim_sb_member *member = eim_sb_find_member(call->group, name);
  eim_sb_answer_data(call,
                     cJSON_CreateBool(member && member->muted_until > eim_sb_now(call->self)));
}

static void mute_all(eim_sb_call *call, bool on) {
  if (!eim_sb_needs(call, EIM_SB_ADMIN)) return;
  call->group->mute_all = on;
  tell_all(call, on ? OP(BAN_GROUP) : OP(REMOVE_BAN_GROUP), NULL);
  cJSON *data = cJSON_CreateObject();
  cJSON_AddBoolToObject(data, "mute", on);
  eim_sb_answer_data(call, data);
}

/* ---- block list: who is on it is out, and does not come back */

/* docs/rest.md 12: the block and allow calls of rooms have their own key. */
static cJSON *done(const eim_sb_call *call, const char *action, const char *name,
                   const char *reason) {
  cJSON *one = eim_sb_done(call, action, name, reason);
  if (call->room) {
    cJSON_DeleteItemFromObject(one, "id");
    cJSON_AddStringToObject(one, "chatroomid", call->group->id);
  }
  return one;
}

/* Of several a list; of one, as the call was made, itself. */
static void answer_done(eim_sb_call *call, cJSON *list, bool listed) {
  if (listed || cJSON_GetArraySize(list) == 0) {
    eim_sb_answer_data(call, list);
    return;
  }
  cJSON *last = cJSON_DetachItemFromArray(list, cJSON_GetArraySize(list) - 1);
  cJSON_Delete(list);
  eim_sb_answer_data(call, last);
}

static void block_member(const eim_sb_call *call, const char *name) {
  if (!eim_sb_names_add(&call->group->blocks, name)) return;
  eim_sb_leave_group(call->group, name);
  tell_one(call, OP(KICK), name); /* the types of 4.8.1: removeMember, also when blocked */
  eim_sb_tell_members(call->self, call->group,
                      &(eim_sb_muc){.operation = OP(ABSENCE), .from = name, .counted = true},
                      self_or_null(call));
}

/* Of a list, those who are members; of one alone it is an error when he is not. */
static void block(eim_sb_call *call, const char *from_path, const cJSON *body) {
  eim_sb_names names = {NULL, 0};
  if (!eim_sb_needs(call, EIM_SB_ADMIN) || !eim_sb_call_names(call, from_path, body, &names)) {
    eim_sb_names_free(&names);
    return;
  }
  size_t there = 0;
  bool owner = false, listed = body || eim_sb_v3(call);
  for (size_t i = 0; i < names.count; i++) {
    there += eim_sb_in_group(call->group, names.items[i]);
    owner |= strcmp(call->group->owner, names.items[i]) == 0;
  }
  if (names.count > BATCH) {
    eim_sb_bad_parameter(call, "userNames is more than max limit : 60");
  } else if (owner) {
    eim_sb_forbid(call, "forbidden operation on group owner!");
  } else if (!there) {
    eim_sb_not_member(call, names.items[0]);
  } else if (call->group->blocks.count + there > EIM_SB_MAX_GROUP_BLOCKS) {
    eim_sb_call_refuse(call, 403, "exceed_limit",
                       "com.easemob.group.exception.ExceedLimitException",
                       "the block list is full"); /* proposed */
  } else {
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < names.count; i++) {
      char reason[160] = "";
      if (eim_sb_in_group(call->group, names.items[i]))
        block_member(call, names.items[i]);
      else
        snprintf(reason, sizeof reason, "user: %.64s doesn't exist in group: %.40s", names.items[i],
                 call->group->id);
      cJSON_AddItemToArray(list, done(call, "add_blocks", names.items[i], *reason ? reason : NULL));
    }
    answer_done(call, list, listed);
  }
  eim_sb_names_free(&names);
}

static void unblock(eim_sb_call *call, const char *from_path) {
  eim_sb_names names = {NULL, 0};
  if (eim_sb_needs(call, EIM_SB_ADMIN) && eim_sb_call_names(call, from_path, NULL, &names)) {
    bool known = true, listed = names.count > 1 || eim_sb_v3(call);
    for (size_t i = 0; i < names.count && known; i++) {
      known = eim_sb_names_has(&call->group->blocks, names.items[i]);
      if (!known) eim_sb_not_member(call, names.items[i]);
    }
    if (known && names.count > BATCH) {
      eim_sb_bad_parameter(call, "removeBlacklist: list size more than max limit : 60");
    } else if (known) {
      cJSON *list = cJSON_CreateArray();
      for (size_t i = 0; i < names.count; i++) {
        eim_sb_names_remove(&call->group->blocks, names.items[i]);
        tell_one(call, OP(ALLOW), names.items[i]);
        cJSON_AddItemToArray(list, done(call, "remove_blocks", names.items[i], NULL));
      }
      answer_done(call, list, listed);
    }
  }
  eim_sb_names_free(&names);
}

/* ---- allow list: who is on it may speak while all are muted */

static void list_allowed(eim_sb_call *call) {
  if (!eim_sb_needs(call, EIM_SB_ADMIN)) return;
  cJSON *list = cJSON_CreateArray();
  for (size_t i = 0; i < call->group->count; i++)
    if (call->group->members[i]->allowed)
      cJSON_AddItemToArray(list, cJSON_CreateString(call->group->members[i]->name));
  eim_sb_answer_list(call, list);
}

static void allow(eim_sb_call *call, const char *from_path, const cJSON *body, bool on) {
  eim_sb_names names = {NULL, 0};
  bool listed = body || !on || strchr(from_path, ',') || eim_sb_v3(call);
  const char *too_many =
      on ? "usernames size is more than max limit" : "removeWhitelist size is more than max limit";
  if (!members_named(call, from_path, body, too_many, &names)) {
    eim_sb_names_free(&names);
    return;
  }
  cJSON *list = cJSON_CreateArray();
  for (size_t i = 0; i < names.count; i++) {
    eim_sb_find_member(call->group, names.items[i])->allowed = on;
    tell_one(call, on ? OP(ADD_USER_WHITE_LIST) : OP(REMOVE_USER_WHITE_LIST), names.items[i]);
    cJSON_AddItemToArray(list, done(call, on ? "add_user_whitelist" : "remove_user_whitelist",
                                    names.items[i], NULL));
  }
  answer_done(call, list, listed);
  eim_sb_names_free(&names);
}

static void is_allowed(eim_sb_call *call, const char *name) {
  const eim_sb_member *member = eim_sb_find_member(call->group, name);
  cJSON *data = cJSON_CreateObject();
  cJSON_AddBoolToObject(data, "white", member && member->allowed);
  cJSON_AddStringToObject(data, "member", name);
  eim_sb_answer_data(call, data);
}

/* ---- announcement */

static void announce(eim_sb_call *call, const cJSON *body) {
  const char *text = eim_sb_string(body, "announcement");
  if (!eim_sb_needs(call, EIM_SB_ADMIN)) return;
  size_t characters = 0;
  for (const char *c = text ? text : ""; *c; c++) characters += ((unsigned char)*c & 0xc0) != 0x80;
  if (!text) {
    eim_sb_bad_parameter(call, "announcement must be provided");
  } else if (characters > 512) {
    eim_sb_forbid(call, "announce info length exceeds limit!");
  } else if (!eim_sb_set_text(&call->group->announcement, text)) {
    eim_sb_out_of_memory(call);
  } else {
    tell_all(call, *text ? OP(UPDATE_ANNOUNCEMENT) : OP(DELETE_ANNOUNCEMENT), text);
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "id", call->group->id);
    cJSON_AddBoolToObject(data, "result", true);
    eim_sb_answer_data(call, data);
  }
}

static void announcement(eim_sb_call *call, const char *name, const cJSON *body) {
  if (body) {
    announce(call, body);
  } else if (!name && eim_sb_verb(call, "GET")) {
    if (!eim_sb_needs(call, EIM_SB_MEMBER)) return;
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "announcement", call->group->announcement);
    eim_sb_answer_data(call, data);
  } else {
    eim_sb_no_verb(call);
  }
}

static void ban(eim_sb_call *call, const char *name, const cJSON *body) {
  (void)body;
  if (!name && (eim_sb_verb(call, "POST") || eim_sb_verb(call, "DELETE")))
    mute_all(call, eim_sb_verb(call, "POST"));
  else
    eim_sb_no_verb(call);
}

static void mutes(eim_sb_call *call, const char *name, const cJSON *body) {
  if (!name && body)
    mute(call, body);
  else if (!name && eim_sb_verb(call, "GET"))
    list_muted(call);
  else if (name && eim_sb_verb(call, "GET"))
    is_muted(call, name);
  else if (name && eim_sb_verb(call, "DELETE"))
    unmute(call, name);
  else
    eim_sb_no_verb(call);
}

static void blocks(eim_sb_call *call, const char *name, const cJSON *body) {
  if (!name && eim_sb_verb(call, "GET")) {
    if (eim_sb_needs(call, EIM_SB_ADMIN))
      eim_sb_answer_list(call, eim_sb_names_json(&call->group->blocks));
  } else if (body || (name && eim_sb_verb(call, "POST"))) {
    block(call, name, body);
  } else if (name && eim_sb_verb(call, "DELETE")) {
    unblock(call, name);
  } else {
    eim_sb_no_verb(call);
  }
}

static void whites(eim_sb_call *call, const char *name, const cJSON *body) {
  if (!name && eim_sb_verb(call, "GET"))
    list_allowed(call);
  else if (name && eim_sb_verb(call, "GET"))
    is_allowed(call, name);
  else if (body || (name && eim_sb_verb(call, "POST")))
    allow(call, name, body, true);
  else if (name && eim_sb_verb(call, "DELETE"))
    allow(call, name, NULL, false);
  else
    eim_sb_no_verb(call);
}

void eim_sb_rest_group_moderation(eim_sb_call *call) {
  static const struct {
    const char *first, *second;
    void (*run)(eim_sb_call *, const char *, const cJSON *);
  } calls[] = {{"mute", NULL, mutes},
               {"ban", NULL, ban},
               {"announcement", NULL, announcement},
               {"blocks", "users", blocks},
               {"white", "users", whites}};
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    int depth = calls[i].second ? 2 : 1;
    if (!eim_sb_is(call->parts[0], calls[i].first) || call->count < depth ||
        call->count > depth + 1 || (calls[i].second && !eim_sb_is(call->parts[1], calls[i].second)))
      continue;
    const char *name = call->count > depth ? call->parts[depth] : NULL;
    bool with_body = !name && eim_sb_verb(call, "POST") && calls[i].run != ban;
    cJSON *body = with_body ? eim_sb_call_body(call) : NULL;
    if (with_body && !body) return;
    calls[i].run(call, name, body);
    cJSON_Delete(body);
    return;
  }
}
