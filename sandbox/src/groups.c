/* The state of groups and chat rooms. */
#include "groups.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"

bool eim_sb_set_text(char **where, const char *text) {
  char *copy = eim_strdup(text ? text : "");
  if (!copy) return false;
  free(*where);
  *where = copy;
  return true;
}

eim_sb_group *eim_sb_find_group(eim_sandbox *self, const char *id) {
  eim_sb_group *group = self->groups;
  while (group && strcmp(group->id, id) != 0) group = group->next;
  eim_sb_touch_group(self, group);
  return group;
}

bool eim_sb_is_thread(const eim_sb_group *group) {
  return *group->parent != 0;
}

static void free_member(eim_sb_member *member) {
  cJSON_Delete(member->attributes);
  free(member);
}

static void free_attribute(eim_sb_attribute *attribute) {
  free(attribute->key);
  free(attribute->value);
  free(attribute);
}

static void free_group(eim_sb_group *group) {
  for (size_t i = 0; i < group->count; i++) free_member(group->members[i]);
  for (eim_sb_attribute *at = group->attributes, *next; at; at = next) {
    next = at->next;
    free_attribute(at);
  }
  eim_sb_names_free(&group->blocks);
  eim_sb_names_free(&group->applicants);
  free(group->invitations);
  free(group->members);
  free(group->name);
  free(group->description);
  free(group->custom);
  free(group->announcement);
  free(group->avatar);
  free(group->parent);
  free(group->id);
  free(group);
}

/* Decimal, as the service has them. */
static void new_id(eim_sandbox *self, char out[32]) {
  uint64_t id = (uint64_t)eim_sb_now(self) * 100;
  do snprintf(out, 32, "%llu", (unsigned long long)++id);
  while (eim_sb_find_group(self, out));
}

eim_sb_group *eim_sb_create_group(eim_sandbox *self, const char *id, bool room, const char *owner) {
  if (self->group_count >= EIM_SB_MAX_GROUPS) return NULL;
  eim_sb_group *group = calloc(1, sizeof *group);
  if (!group) return NULL;
  char fresh[32];
  if (!id) new_id(self, fresh);
  group->id = eim_strdup(id ? id : fresh);
  group->room = room;
  group->sandbox = self;
  group->max_users = room ? 10000 : 200; /* docs/rest.md 16, 11 */
  group->invite_need_confirm = true;
  group->created = group->modified = eim_sb_now(self);
  bool good = group->id && eim_sb_set_text(&group->name, "") &&
              eim_sb_set_text(&group->description, "") && eim_sb_set_text(&group->custom, "") &&
              eim_sb_set_text(&group->announcement, "") && eim_sb_set_text(&group->avatar, "") &&
              eim_sb_set_text(&group->parent, "") &&
              (!owner || eim_sb_join_group(self, group, owner));
  if (!good) {
    eim_sb_drop_group_document(self, group);
    free_group(group);
    return NULL;
  }
  if (owner) snprintf(group->owner, sizeof group->owner, "%s", owner);
  group->next = self->groups;
  self->groups = group;
  self->group_count++;
  eim_sb_touch_group(self, group);
  return group;
}

/* The first thread of this group from there on. */
static eim_sb_group *thread_of(eim_sb_group *from, const eim_sb_group *group) {
  while (from && strcmp(from->parent, group->id) != 0) from = from->next;
  return from;
}

void eim_sb_destroy_group(eim_sandbox *self, eim_sb_group *group) {
  for (eim_sb_group *thread; (thread = thread_of(self->groups, group));)
    eim_sb_destroy_group(self, thread);
  eim_sb_group **at = &self->groups;
  while (*at != group) at = &(*at)->next;
  *at = group->next;
  self->group_count--;
  eim_sb_drop_group_document(self, group);
  free_group(group);
}

static size_t index_of(const eim_sb_group *group, const char *name) {
  size_t i = 0;
  while (i < group->count && strcmp(group->members[i]->name, name) != 0) i++;
  return i;
}

eim_sb_member *eim_sb_find_member(const eim_sb_group *group, const char *name) {
  size_t i = index_of(group, name);
  return i < group->count ? group->members[i] : NULL;
}

bool eim_sb_in_group(const eim_sb_group *group, const char *name) {
  return eim_sb_find_member(group, name) != NULL;
}

eim_sb_role eim_sb_role_in(const eim_sb_group *group, const char *name) {
  const eim_sb_member *member = eim_sb_find_member(group, name);
  if (!member) return EIM_SB_STRANGER;
  if (strcmp(group->owner, name) == 0) return EIM_SB_OWNER;
  return member->admin ? EIM_SB_ADMIN : EIM_SB_MEMBER;
}

bool eim_sb_join_group(eim_sandbox *self, eim_sb_group *group, const char *name) {
  if (strlen(name) > EIM_SB_MAX_NAME) return false;
  char *lower = eim_sb_lower(name);
  if (!lower) return false;
  eim_sb_touch_group(self, group);
  bool good = eim_sb_in_group(group, lower);
  eim_sb_member *member = good ? NULL : calloc(1, sizeof *member);
  eim_sb_member **members =
      member ? realloc(group->members, (group->count + 1) * sizeof *members) : NULL;
  if (members) {
    group->members = members;
    snprintf(member->name, sizeof member->name, "%s", lower);
    member->joined = eim_sb_now(self);
    members[group->count++] = member;
    eim_sb_names_remove(&group->applicants, lower);
    eim_sb_forget_invitation(group, lower);
    good = true;
  } else {
    free(member);
  }
  free(lower);
  return good;
}

void eim_sb_leave_group(eim_sb_group *group, const char *name) {
  size_t i = index_of(group, name);
  if (i == group->count) return;
  eim_sb_touch_group(group->sandbox, group);
  for (eim_sb_attribute *at = group->attributes, *next; at; at = next) {
    next = at->next;
    if (at->auto_delete && strcmp(at->owner, name) == 0)
      eim_sb_set_attribute(group, at->key, NULL, NULL, false);
  }
  for (eim_sb_group *thread = thread_of(group->sandbox->groups, group); thread;
       thread = thread_of(thread->next, group))
    eim_sb_leave_group(thread, name);
  free_member(group->members[i]);
  group->count--;
  memmove(group->members + i, group->members + i + 1, (group->count - i) * sizeof *group->members);
}

const eim_sb_invitation *eim_sb_find_invitation(const eim_sb_group *group, const char *who) {
  for (size_t i = 0; i < group->invitation_count; i++)
    if (strcmp(group->invitations[i].who, who) == 0) return &group->invitations[i];
  return NULL;
}

bool eim_sb_invite(eim_sb_group *group, const char *who, const char *by) {
  eim_sb_forget_invitation(group, who);
  if (group->invitation_count >= EIM_SB_MAX_PENDING) return false;
  eim_sb_invitation *all = realloc(group->invitations, (group->invitation_count + 1) * sizeof *all);
  if (!all) return false;
  group->invitations = all;
  eim_sb_invitation *one = &all[group->invitation_count++];
  snprintf(one->who, sizeof one->who, "%s", who);
  snprintf(one->by, sizeof one->by, "%s", by);
  return true;
}

void eim_sb_forget_invitation(eim_sb_group *group, const char *who) {
  for (size_t i = 0; i < group->invitation_count; i++) {
    if (strcmp(group->invitations[i].who, who) != 0) continue;
    group->invitations[i] = group->invitations[--group->invitation_count];
    return;
  }
}

eim_sb_attribute *eim_sb_find_attribute(const eim_sb_group *room, const char *key) {
  eim_sb_attribute *at = room->attributes;
  while (at && strcmp(at->key, key) != 0) at = at->next;
  return at;
}

bool eim_sb_set_attribute(eim_sb_group *room, const char *key, const char *value, const char *owner,
                          bool auto_delete) {
  eim_sb_attribute **at = &room->attributes;
  while (*at && strcmp((*at)->key, key) != 0) at = &(*at)->next;
  if (!value) {
    eim_sb_attribute *gone = *at;
    if (!gone) return false;
    *at = gone->next;
    room->attribute_count--;
    free_attribute(gone);
    return true;
  }
  eim_sb_attribute *one = *at ? *at : calloc(1, sizeof *one);
  if (!one || (!one->key && !eim_sb_set_text(&one->key, key)) ||
      !eim_sb_set_text(&one->value, value)) {
    if (one && !*at) free_attribute(one);
    return false;
  }
  snprintf(one->owner, sizeof one->owner, "%s", owner);
  one->auto_delete = auto_delete;
  if (!*at) {
    *at = one;
    room->attribute_count++;
  }
  return true;
}

void eim_sb_leave_all_groups(eim_sandbox *self, const char *name) {
  for (eim_sb_group *group = self->groups, *next; group; group = next) {
    next = group->next;
    eim_sb_touch_group(self, group);
    eim_sb_names_remove(&group->blocks, name);
    eim_sb_names_remove(&group->applicants, name);
    eim_sb_forget_invitation(group, name);
    if (!eim_sb_in_group(group, name)) continue;
    if (eim_sb_is_thread(group)) {
      eim_sb_leave_group(group, name);
      continue;
    }
    if (strcmp(group->owner, name) == 0) { /* docs/rest.md 6 */
      eim_sb_tell_members(
          self, group,
          &(eim_sb_muc){.operation = EASEMOB__PB__MUCBODY__OPERATION__DESTROY, .from = name}, name);
      eim_sb_destroy_group(self, group);
      next =
          self->groups; /* its threads are gone with it, and one of them may have been the next */
      continue;
    }
    eim_sb_leave_group(group, name);
    eim_sb_tell_members(self, group,
                        &(eim_sb_muc){.operation = EASEMOB__PB__MUCBODY__OPERATION__ABSENCE,
                                      .from = name,
                                      .counted = true},
                        name);
  }
}

void eim_sb_free_groups(eim_sandbox *self) {
  while (self->groups) eim_sb_destroy_group(self, self->groups);
}
