/* How a user comes into a group and leaves it by himself. The calls: docs/protocol.md 24; which
 * events they cause: docs/protocol.md 14 and the types of easemob-websdk 4.8.1. The texts of
 * refusals are proposed where no source is named. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rest_call.h"

#define OP(name) EASEMOB__PB__MUCBODY__OPERATION__##name

static void tell_presence(const eim_sb_call *call, const char *name, bool came) {
  eim_sb_tell_members(
      call->self, call->group,
      &(eim_sb_muc){.operation = came ? OP(PRESENCE) : OP(ABSENCE), .from = name, .counted = true},
      name);
}

/* These are for users only: whom would an app's token stand for? */
static bool by_user(const eim_sb_call *call) {
  if (call->caller) return true;
  eim_sb_forbid(call, "a user's token is needed");
  return false;
}

static bool is_full(const eim_sb_call *call) {
  if (call->group->count < (size_t)call->group->max_users) return false;
  eim_sb_forbid(call, "group member list is full!"); /* docs/protocol.md 22 */
  return true;
}

static void apply(eim_sb_call *call, const cJSON *body) {
  if (!by_user(call)) return;
  eim_sb_group *group = call->group;
  const char *name = call->caller->name, *message = eim_sb_string(body, "message");
  if (eim_sb_in_group(group, name)) {
    eim_sb_forbid(call, "can not join this group, reason:user: %s already in group: %s\n", name,
                  group->id);
  } else if (eim_sb_names_has(&group->blocks, name)) {
    eim_sb_forbid(call, "can not join this group, reason:user: %s is in the blacklist", name);
  } else if (!group->is_public) { /* D:group_manage.md: only by being invited */
    eim_sb_forbid(call, "can not join this group, reason:group: %s is private", group->id);
  } else if (is_full(call)) {
    return;
  } else if (!group->members_only) {
    if (eim_sb_join_group(call->self, group, name)) tell_presence(call, name, true);
    eim_sb_answer_data(call, eim_sb_done(call, "apply", name, NULL));
  } else if (group->applicants.count >= EIM_SB_MAX_PENDING ||
             !eim_sb_names_add(&group->applicants, name)) {
    eim_sb_forbid(call, "can not join this group, reason:too many applications");
  } else {
    eim_sb_tell_staff(call->self, group,
                      &(eim_sb_muc){.operation = OP(APPLY), .from = name, .reason = message}, NULL);
    eim_sb_answer_data(call, eim_sb_done(call, "apply", name, NULL));
  }
}

static void verify_application(eim_sb_call *call, const cJSON *body) {
  const char *applicant = eim_sb_string(body, "applicant"), *reason = eim_sb_string(body, "reason");
  if (!eim_sb_needs(call, EIM_SB_ADMIN)) return;
  char *name = applicant ? eim_sb_lower(applicant) : NULL;
  bool accept = eim_sb_bool(body, "verifyResult", false);
  if (!name) {
    eim_sb_bad_parameter(call, "applicant must be provided");
  } else if (!eim_sb_names_has(&call->group->applicants, name)) {
    eim_sb_forbid(call, "user %.64s has not applied to join group: %s", name, call->group->id);
  } else if (!accept || !is_full(call)) {
    eim_sb_names_remove(&call->group->applicants, name);
    if (accept && eim_sb_join_group(call->self, call->group, name)) tell_presence(call, name, true);
    eim_sb_tell(call->self, call->group,
                &(eim_sb_muc){.operation = accept ? OP(APPLY_ACCEPT) : OP(APPLY_DECLINE),
                              .from = eim_sb_actor(call),
                              .to = name,
                              .reason = reason},
                name, NULL);
    eim_sb_answer_data(call, eim_sb_done(call, "apply_verify", name, NULL));
  }
  free(name);
}

/* The answer tells of each whether it went well; in the form of the types of 4.8.1. */
static void invite(eim_sb_call *call, const cJSON *body) {
  eim_sb_names names = {NULL, 0};
  eim_sb_group *group = call->group;
  if (by_user(call) && eim_sb_needs(call, group->allow_invites ? EIM_SB_MEMBER : EIM_SB_ADMIN) &&
      eim_sb_call_names(call, NULL, body, &names)) {
    cJSON *data = cJSON_CreateArray();
    for (size_t i = 0; i < names.count; i++) {
      const char *name = names.items[i];
      const eim_sb_user *user = eim_sb_find_user(call->self, name);
      char reason[200] = "";
      if (!user)
        snprintf(reason, sizeof reason, "username %.64s doesn't exist!", name);
      else if (eim_sb_in_group(group, name))
        snprintf(reason, sizeof reason, "user: %.64s already in group: %.40s", name, group->id);
      else if (eim_sb_names_has(&group->blocks, name))
        snprintf(reason, sizeof reason, "user: %.64s is in the blacklist", name);
      else if (group->count >= (size_t)group->max_users)
        snprintf(reason, sizeof reason, "group member list is full!");
      else if (!group->invite_need_confirm)
        eim_sb_add_directly(call, user);
      else if (eim_sb_invite(group, name, call->caller->name))
        eim_sb_tell(call->self, group,
                    &(eim_sb_muc){.operation = OP(INVITE), .from = call->caller->name, .to = name},
                    name, NULL);
      else
        snprintf(reason, sizeof reason, "too many invitations");
      cJSON *done = eim_sb_done(call, "invite", name, *reason ? reason : NULL);
      cJSON_DeleteItemFromObject(done, "groupid");
      cJSON_AddStringToObject(done, "id", group->id);
      cJSON_AddItemToArray(data, done);
    }
    eim_sb_answer_data(call, data);
  }
  eim_sb_names_free(&names);
}

static void verify_invitation(eim_sb_call *call, const cJSON *body) {
  if (!by_user(call)) return;
  const char *name = call->caller->name, *invitee = eim_sb_string(body, "invitee");
  const eim_sb_invitation *invitation = eim_sb_find_invitation(call->group, name);
  bool accept = eim_sb_bool(body, "verifyResult", false);
  if (invitee && eim_sb_find_user(call->self, invitee) != call->caller) {
    eim_sb_forbid(call, "user %s has no permission to do this operation", name);
  } else if (!invitation) {
    eim_sb_forbid(call, "user %s has not been invited to group: %s", name, call->group->id);
  } else if (!accept || !is_full(call)) {
    char by[EIM_SB_MAX_NAME + 1];
    snprintf(by, sizeof by, "%s", invitation->by);
    eim_sb_forget_invitation(call->group, name);
    if (accept && eim_sb_join_group(call->self, call->group, name)) tell_presence(call, name, true);
    eim_sb_tell(call->self, call->group,
                &(eim_sb_muc){.operation = accept ? OP(INVITE_ACCEPT) : OP(INVITE_DECLINE),
                              .from = name,
                              .to = by},
                by, NULL);
    eim_sb_answer_data(call, eim_sb_done(call, "invite_verify", name, NULL));
  }
}

static void quit(eim_sb_call *call) {
  if (!by_user(call) || !eim_sb_needs(call, EIM_SB_MEMBER)) return;
  const char *name = call->caller->name;
  if (strcmp(call->group->owner, name) == 0) {
    eim_sb_forbid(call, "forbidden operation on group owner!");
    return;
  }
  eim_sb_leave_group(call->group, name);
  tell_presence(call, name, false);
  cJSON *data = cJSON_CreateObject();
  cJSON_AddBoolToObject(data, "result", true);
  eim_sb_answer_data(call, data);
}

/* 4.21.1; 4.8.1 changes its account for this (rest_account.c). */
static void shield(eim_sb_call *call, bool on) {
  if (!by_user(call) || !eim_sb_needs(call, EIM_SB_MEMBER)) return;
  eim_sb_find_member(call->group, call->caller->name)->shielded = on;
  cJSON *data = cJSON_CreateObject();
  cJSON_AddBoolToObject(data, "result", true);
  eim_sb_answer_data(call, data);
}

void eim_sb_rest_joining(eim_sb_call *call) {
  static const struct {
    const char *name;
    void (*run)(eim_sb_call *, const cJSON *);
  } calls[] = {{"apply", apply},
               {"apply_verify", verify_application},
               {"invite", invite},
               {"invite_verify", verify_invitation}};
  const char *what = call->parts[0];
  if (call->room) return;
  if (call->count == 3 && eim_sb_is(what, "user") && eim_sb_is(call->parts[2], "is_joined")) {
    char *lower = eim_sb_lower(call->parts[1]);
    if (!eim_sb_verb(call, "GET"))
      eim_sb_no_verb(call);
    else
      eim_sb_answer_data(call, cJSON_CreateBool(lower && eim_sb_in_group(call->group, lower)));
    free(lower);
    return;
  }
  if (call->count != 1) return;
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    if (!eim_sb_is(what, calls[i].name)) continue;
    if (!eim_sb_verb(call, "POST")) {
      eim_sb_no_verb(call);
      return;
    }
    cJSON *body = eim_sb_call_body(call);
    if (body) calls[i].run(call, body);
    cJSON_Delete(body);
    return;
  }
  if (eim_sb_is(what, "quit")) {
    if (eim_sb_verb(call, "DELETE"))
      quit(call);
    else
      eim_sb_no_verb(call);
  } else if (eim_sb_is(what, "shield")) {
    if (eim_sb_verb(call, "POST") || eim_sb_verb(call, "DELETE"))
      shield(call, eim_sb_verb(call, "POST"));
    else
      eim_sb_no_verb(call);
  }
}
