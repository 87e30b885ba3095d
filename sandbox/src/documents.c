#include "documents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"

/* ------------------------------------------------------------------ what was looked up */

void eim_sb_touch_user(eim_sandbox *self, eim_sb_user *user) {
  if (!self->store || !user || user->document.is_touched) return;
  user->document.is_touched = true;
  user->document.next = self->touched_users;
  self->touched_users = user;
}

void eim_sb_touch_group(eim_sandbox *self, eim_sb_group *group) {
  if (!self->store || !group || group->document.is_touched) return;
  group->document.is_touched = true;
  group->document.next = self->touched_groups;
  self->touched_groups = group;
}

void eim_sb_drop_user_document(eim_sandbox *self, eim_sb_user *user) {
  if (user->document.is_touched) {
    eim_sb_user **at = &self->touched_users, *next = user->document.next;
    while (*at != user) at = (eim_sb_user **)&(*at)->document.next;
    *at = next;
  }
  if (user->document.digest) eim_sb_store_document(self->store, "user", user->name, NULL);
  user->document = (eim_sb_document){0};
}

void eim_sb_drop_group_document(eim_sandbox *self, eim_sb_group *group) {
  if (group->document.is_touched) {
    eim_sb_group **at = &self->touched_groups, *next = group->document.next;
    while (*at != group) at = (eim_sb_group **)&(*at)->document.next;
    *at = next;
  }
  if (group->document.digest) eim_sb_store_document(self->store, "group", group->id, NULL);
  group->document = (eim_sb_document){0};
}

/* ------------------------------------------------------------------ to JSON */

static void add_text(cJSON *to, const char *name, const char *value) {
  if (value && *value) cJSON_AddStringToObject(to, name, value);
}

static void add_flag(cJSON *to, const char *name, bool value) {
  if (value) cJSON_AddTrueToObject(to, name);
}

static void add_number(cJSON *to, const char *name, int64_t value) {
  if (value) cJSON_AddNumberToObject(to, name, (double)value); /* ms and counts: below 2^53 */
}

static void add_copy(cJSON *to, const char *name, const cJSON *value) {
  if (value) cJSON_AddItemToObject(to, name, cJSON_Duplicate(value, true));
}

static void add_names(cJSON *to, const char *name, const eim_sb_names *names) {
  cJSON *list = names->count ? cJSON_AddArrayToObject(to, name) : NULL;
  for (size_t i = 0; list && i < names->count; i++)
    cJSON_AddItemToArray(list, cJSON_CreateString(names->items[i]));
}

static void add_id(cJSON *to, const char *name, uint64_t id) {
  char text[24]; /* 64 bits: not a number */
  snprintf(text, sizeof text, "%llu", (unsigned long long)id);
  if (id) cJSON_AddStringToObject(to, name, text);
}

static cJSON *group_json(const eim_sb_group *group) {
  cJSON *json = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(json, "members");
  add_flag(json, "room", group->room);
  add_text(json, "parent", group->parent);
  add_id(json, "parentMessage", group->parent_message);
  add_number(json, "messages", group->messages);
  add_text(json, "name", group->name);
  add_text(json, "description", group->description);
  add_text(json, "custom", group->custom);
  add_text(json, "announcement", group->announcement);
  add_text(json, "avatar", group->avatar);
  add_text(json, "owner", group->owner);
  add_flag(json, "public", group->is_public);
  add_flag(json, "membersOnly", group->members_only);
  add_flag(json, "allowInvites", group->allow_invites);
  add_flag(json, "inviteNeedConfirm", group->invite_need_confirm);
  add_flag(json, "muteAll", group->mute_all);
  add_flag(json, "disabled", group->disabled);
  add_number(json, "maxUsers", group->max_users);
  add_number(json, "created", group->created);
  add_number(json, "modified", group->modified);
  for (size_t i = 0; i < group->count; i++) {
    const eim_sb_member *member = group->members[i];
    cJSON *one = cJSON_CreateObject();
    add_text(one, "name", member->name);
    add_number(one, "joined", member->joined);
    add_number(one, "mutedUntil", member->muted_until);
    add_flag(one, "admin", member->admin);
    add_flag(one, "allowed", member->allowed);
    add_flag(one, "shielded", member->shielded);
    add_copy(one, "attributes", member->attributes);
    cJSON_AddItemToArray(list, one);
  }
  add_names(json, "blocks", &group->blocks);
  add_names(json, "applicants", &group->applicants);
  list = group->invitation_count ? cJSON_AddArrayToObject(json, "invitations") : NULL;
  for (size_t i = 0; i < group->invitation_count; i++) {
    cJSON *one = cJSON_CreateObject();
    add_text(one, "who", group->invitations[i].who);
    add_text(one, "by", group->invitations[i].by);
    cJSON_AddItemToArray(list, one);
  }
  list = group->attributes ? cJSON_AddArrayToObject(json, "attributes") : NULL;
  for (const eim_sb_attribute *at = group->attributes; at; at = at->next) {
    cJSON *one = cJSON_CreateObject();
    add_text(one, "key", at->key);
    add_text(one, "value", at->value);
    add_text(one, "owner", at->owner);
    add_flag(one, "autoDelete", at->auto_delete);
    cJSON_AddItemToArray(list, one);
  }
  return json;
}

static void add_conversations(cJSON *to, const eim_sb_conversations *all) {
  cJSON *list = all->count ? cJSON_AddArrayToObject(to, "conversations") : NULL;
  for (size_t i = 0; i < all->count; i++) {
    const eim_sb_conversation *one = &all->items[i];
    cJSON *json = cJSON_CreateObject();
    add_text(json, "with", one->with);
    add_flag(json, "group", one->group);
    add_id(json, "read", one->read_up_to);
    add_id(json, "gone", one->gone_up_to);
    add_number(json, "top", one->top_since);
    add_number(json, "marks", one->marks);
    cJSON_AddItemToArray(list, json);
  }
}

static const char *const mutes[EIM_SB_MUTE_KINDS] = {"mutedChat", "mutedGroups", "mutedRooms"};

/* What devices have published ends with their lines, and so with the process. NULL: there is
 * nothing to say of this account. */
static cJSON *user_json(const eim_sb_user *user) {
  const eim_sb_contacts *contacts = &user->contacts;
  const eim_sb_presence *presence = &user->presence;
  if (!contacts->count && !contacts->requests.count && !contacts->blocks.count &&
      !user->attributes && !presence->ext && !user->conversations.count &&
      !presence->subscription_count && !user->muted_until[0] && !user->muted_until[1] &&
      !user->muted_until[2])
    return NULL;
  cJSON *json = cJSON_CreateObject();
  for (size_t i = 0; i < EIM_SB_MUTE_KINDS; i++) add_number(json, mutes[i], user->muted_until[i]);
  cJSON *list = contacts->count ? cJSON_AddArrayToObject(json, "contacts") : NULL;
  for (size_t i = 0; i < contacts->count; i++) {
    cJSON *one = cJSON_CreateObject();
    add_text(one, "name", contacts->items[i].name);
    if (contacts->items[i].remark)
      cJSON_AddStringToObject(one, "remark", contacts->items[i].remark);
    cJSON_AddItemToArray(list, one);
  }
  add_names(json, "requests", &contacts->requests);
  add_names(json, "blocks", &contacts->blocks);
  add_conversations(json, &user->conversations);
  add_copy(json, "attributes", user->attributes);
  if (presence->ext) cJSON_AddStringToObject(json, "presence", presence->ext);
  list = presence->subscription_count ? cJSON_AddArrayToObject(json, "subscriptions") : NULL;
  for (size_t i = 0; i < presence->subscription_count; i++) {
    cJSON *one = cJSON_CreateObject();
    add_text(one, "name", presence->subscriptions[i].name);
    add_number(one, "expires", presence->subscriptions[i].expires_at);
    cJSON_AddItemToArray(list, one);
  }
  return json;
}

static uint64_t digest_of(const char *text) {
  uint64_t digest = UINT64_C(0xcbf29ce484222325);
  for (; *text; text++) digest = (digest ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
  return digest | 1;
}

/* Consumes json; NULL: nothing is to be kept. */
static void keep(eim_sandbox *self, const char *kind, const char *key, cJSON *json,
                 uint64_t *digest) {
  char *text = json ? cJSON_PrintUnformatted(json) : NULL;
  uint64_t now = text ? digest_of(text) : 0;
  if (now != *digest && (text || !json)) eim_sb_store_document(self->store, kind, key, text);
  *digest = now;
  cJSON_free(text);
  cJSON_Delete(json);
}

void eim_sb_keep_documents(eim_sandbox *self) {
  bool due = self->documents_due;
  self->documents_due = false;
  while (self->touched_users) {
    eim_sb_user *user = self->touched_users;
    self->touched_users = user->document.next;
    user->document.is_touched = false;
    if (due) keep(self, "user", user->name, user_json(user), &user->document.digest);
  }
  while (self->touched_groups) {
    eim_sb_group *group = self->touched_groups;
    self->touched_groups = group->document.next;
    group->document.is_touched = false;
    if (due) keep(self, "group", group->id, group_json(group), &group->document.digest);
  }
  if (!due) return;
  cJSON *admins = NULL;
  if (self->super_admins.count) {
    admins = cJSON_CreateObject();
    add_names(admins, "names", &self->super_admins);
  }
  keep(self, "app", "super_admins", admins, &self->super_admins_digest);
}

/* ------------------------------------------------------------------ from JSON */

static const cJSON *get(const cJSON *json, const char *name) {
  return cJSON_GetObjectItemCaseSensitive(json, name);
}

static const char *get_text(const cJSON *json, const char *name) {
  const char *text = cJSON_GetStringValue(get(json, name));
  return text ? text : "";
}

static bool get_flag(const cJSON *json, const char *name) {
  return cJSON_IsTrue(get(json, name));
}

static int64_t get_number(const cJSON *json, const char *name) {
  const cJSON *item = get(json, name);
  return cJSON_IsNumber(item) ? (int64_t)item->valuedouble : 0;
}

static cJSON *get_copy(const cJSON *json, const char *name) {
  const cJSON *item = get(json, name);
  return item ? cJSON_Duplicate(item, true) : NULL;
}

static bool get_names(const cJSON *json, const char *name, eim_sb_names *names) {
  const cJSON *one;
  cJSON_ArrayForEach(one, get(json, name)) {
    if (!cJSON_IsString(one) || !eim_sb_names_add(names, one->valuestring)) return false;
  }
  return true;
}

static bool read_member(eim_sandbox *self, eim_sb_group *group, const cJSON *json) {
  if (!eim_sb_join_group(self, group, get_text(json, "name"))) return false;
  eim_sb_member *member = group->members[group->count - 1];
  member->joined = get_number(json, "joined");
  member->muted_until = get_number(json, "mutedUntil");
  member->admin = get_flag(json, "admin");
  member->allowed = get_flag(json, "allowed");
  member->shielded = get_flag(json, "shielded");
  member->attributes = get_copy(json, "attributes");
  return true;
}

static bool read_group(eim_sandbox *self, const char *id, const cJSON *json, uint64_t digest) {
  eim_sb_group *group = eim_sb_create_group(self, id, get_flag(json, "room"), NULL);
  if (!group) return false;
  bool good = eim_sb_set_text(&group->name, get_text(json, "name")) &&
              eim_sb_set_text(&group->description, get_text(json, "description")) &&
              eim_sb_set_text(&group->custom, get_text(json, "custom")) &&
              eim_sb_set_text(&group->announcement, get_text(json, "announcement")) &&
              eim_sb_set_text(&group->avatar, get_text(json, "avatar")) &&
              eim_sb_set_text(&group->parent, get_text(json, "parent"));
  eim_parse_u64(get_text(json, "parentMessage"), &group->parent_message);
  group->messages = get_number(json, "messages");
  snprintf(group->owner, sizeof group->owner, "%s", get_text(json, "owner"));
  group->is_public = get_flag(json, "public");
  group->members_only = get_flag(json, "membersOnly");
  group->allow_invites = get_flag(json, "allowInvites");
  group->invite_need_confirm = get_flag(json, "inviteNeedConfirm");
  group->mute_all = get_flag(json, "muteAll");
  group->disabled = get_flag(json, "disabled");
  group->max_users = (int)get_number(json, "maxUsers");
  group->created = get_number(json, "created");
  group->modified = get_number(json, "modified");
  const cJSON *one;
  cJSON_ArrayForEach(one, get(json, "members")) {
    good = good && read_member(self, group, one);
  }
  good = good && get_names(json, "blocks", &group->blocks) &&
         get_names(json, "applicants", &group->applicants);
  cJSON_ArrayForEach(one, get(json, "invitations")) {
    good = good && eim_sb_invite(group, get_text(one, "who"), get_text(one, "by"));
  }
  cJSON_ArrayForEach(one, get(json, "attributes")) {
    good = good && eim_sb_set_attribute(group, get_text(one, "key"), get_text(one, "value"),
                                        get_text(one, "owner"), get_flag(one, "autoDelete"));
  }
  group->document.digest = digest;
  return good;
}

static bool read_conversation(eim_sb_user *user, const cJSON *json) {
  eim_sb_conversation *one =
      eim_sb_conversation_of(user, get_text(json, "with"), get_flag(json, "group"), true);
  if (!one) return false;
  eim_parse_u64(get_text(json, "read"), &one->read_up_to);
  eim_parse_u64(get_text(json, "gone"), &one->gone_up_to);
  one->top_since = get_number(json, "top");
  one->marks = (uint32_t)get_number(json, "marks");
  return true;
}

static bool read_contact(eim_sb_contacts *contacts, const cJSON *json) {
  eim_sb_contact *items = realloc(contacts->items, (contacts->count + 1) * sizeof *items);
  if (!items) return false;
  contacts->items = items;
  const char *remark = cJSON_GetStringValue(get(json, "remark"));
  eim_sb_contact *one = &items[contacts->count];
  *one = (eim_sb_contact){eim_strdup(get_text(json, "name")), eim_strdup(remark)};
  if (!one->name || (remark && !one->remark)) {
    free(one->name);
    free(one->remark);
    return false;
  }
  contacts->count++;
  return true;
}

static bool read_user(eim_sandbox *self, const char *name, const cJSON *json, uint64_t digest) {
  eim_sb_user *user = eim_sb_find_user(self, name);
  if (!user) return false;
  bool good = get_names(json, "requests", &user->contacts.requests) &&
              get_names(json, "blocks", &user->contacts.blocks);
  for (size_t i = 0; i < EIM_SB_MUTE_KINDS; i++) user->muted_until[i] = get_number(json, mutes[i]);
  const cJSON *one;
  cJSON_ArrayForEach(one, get(json, "contacts")) {
    good = good && read_contact(&user->contacts, one);
  }
  cJSON_ArrayForEach(one, get(json, "conversations")) {
    good = good && read_conversation(user, one);
  }
  user->attributes = get_copy(json, "attributes");
  const char *said = cJSON_GetStringValue(get(json, "presence"));
  good = good && (!said || eim_sb_set_text(&user->presence.ext, said));
  cJSON_ArrayForEach(one, get(json, "subscriptions")) {
    int64_t expires = get_number(one, "expires");
    good = good && (expires <= eim_sb_now(self) ||
                    eim_sb_subscribe(self, user, get_text(one, "name"), expires));
  }
  user->document.digest = digest;
  return good;
}

bool eim_sb_read_document(eim_sandbox *self, const char *kind, const char *key, const char *text) {
  cJSON *json = cJSON_Parse(text);
  bool good = false;
  if (!cJSON_IsObject(json)) {
    /* damaged */
  } else if (strcmp(kind, "group") == 0) {
    good = read_group(self, key, json, digest_of(text));
  } else if (strcmp(kind, "user") == 0) {
    good = read_user(self, key, json, digest_of(text));
  } else if (strcmp(kind, "message") == 0) {
    good = eim_sb_read_notes(self, key, json);
  } else if (strcmp(kind, "app") == 0) {
    good = get_names(json, "names", &self->super_admins);
    self->super_admins_digest = digest_of(text);
  }
  cJSON_Delete(json);
  return good;
}
