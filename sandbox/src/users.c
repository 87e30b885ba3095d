/* Accounts. */
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"

static size_t bucket_of(const char *name) {
  uint32_t hash = 2166136261u;
  for (; *name; name++) hash = (hash ^ (uint8_t)*name) * 16777619u;
  return hash % EIM_SB_BUCKETS;
}

bool eim_sb_name_legal(const char *name) {
  if (!*name) return false;
  for (; *name; name++) {
    char c = *name;
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
          c == '-' || c == '.'))
      return false;
  }
  return true;
}

char *eim_sb_lower(const char *name) {
  char *copy = eim_strdup(name);
  for (char *c = copy; c && *c; c++)
    if (*c >= 'A' && *c <= 'Z') *c = (char)(*c + 32);
  return copy;
}

eim_sb_user *eim_sb_find_user(eim_sandbox *self, const char *name) {
  if (!name || strlen(name) > EIM_SB_MAX_NAME) return NULL;
  char *lower = eim_sb_lower(name);
  if (!lower) return NULL;
  eim_sb_user *user = self->users[bucket_of(lower)];
  while (user && strcmp(user->name, lower) != 0) user = user->next;
  free(lower);
  eim_sb_touch_user(self, user);
  return user;
}

void eim_sb_uuid(eim_sandbox *self, char out[37]) {
  uint64_t a = eim_random_next(&self->random), b = eim_random_next(&self->random);
  snprintf(out, 37, "%08x-%04x-4%03x-a%03x-%012llx", (unsigned)(a >> 32),
           (unsigned)(a >> 16) & 0xffffu, (unsigned)a & 0xfffu, (unsigned)(b >> 48) & 0xfffu,
           (unsigned long long)(b & 0xffffffffffffull));
}

static void hash_password(const eim_sb_user *user, const char *password, uint8_t out[32]) {
  uint8_t both[sizeof user->salt + 32];
  memcpy(both, user->salt, sizeof user->salt);
  eim_sb_hash(password, both + sizeof user->salt);
  SHA256(both, sizeof both, out);
}

static void set_password(eim_sb_user *user, const char *password) {
  RAND_bytes(user->salt, sizeof user->salt);
  hash_password(user, password, user->password);
}

bool eim_sb_has_password(const eim_sb_user *user, const char *password) {
  uint8_t hash[32];
  hash_password(user, password, hash);
  return memcmp(hash, user->password, sizeof hash) == 0;
}

bool eim_sb_seen_room(eim_sb_user *user, size_t slot) {
  size_t room = user->seen_room ? user->seen_room : 64;
  while (room <= slot) room *= 2;
  if (room == user->seen_room) return true;
  eim_sb_seen *seen = realloc(user->seen, room * sizeof *seen);
  if (!seen) return false;
  memset(seen + user->seen_room, 0, (room - user->seen_room) * sizeof *seen);
  user->seen = seen;
  user->seen_room = room;
  return true;
}

void eim_sb_link_user(eim_sandbox *self, eim_sb_user *user) {
  eim_sb_user **bucket = &self->users[bucket_of(user->name)];
  user->next = *bucket;
  *bucket = user;
  self->user_count++;
}

eim_sb_user *eim_sb_create_user(eim_sandbox *self, const char *name, const char *password,
                                const char *nickname) {
  eim_sb_user *user = calloc(1, sizeof *user);
  if (!user) return NULL;
  user->name = eim_sb_lower(name);
  user->nickname = eim_strdup(nickname);
  if (!user->name || (nickname && !user->nickname)) {
    free(user->name);
    free(user->nickname);
    free(user);
    return NULL;
  }
  set_password(user, password);
  eim_sb_uuid(self, user->uuid);
  user->created = user->modified = eim_sb_now(self);
  user->activated = true;
  user->id = eim_sb_store_next(self->store);
  user->inbox.id = eim_sb_store_next(self->store);
  user->inbox.store = self->store;
  eim_sb_link_user(self, user);
  eim_sb_store_user(self->store, user);
  return user;
}

void eim_sb_forget_logs(eim_sb_user *user) {
  eim_buf_free(&user->logs);
  free(user->logs_resource);
  user->logs_resource = NULL;
  user->logs_uploads = 0;
}

/* The first half goes when there is too much. False: no memory, nothing was kept. */
bool eim_sb_keep_logs(eim_sb_user *user, const char *resource, const char *text) {
  eim_buf *logs = &user->logs;
  size_t size = strlen(text), before = logs->length;
  char *copy = eim_strdup(resource);
  if (before + size > EIM_SB_MAX_LOGS && before) {
    const uint8_t *cut = memchr(logs->data + before / 2, '\n', before - before / 2);
    size_t rest = cut ? (size_t)(logs->data + before - cut) - 1 : 0;
    if (rest) memmove(logs->data, cut + 1, rest);
    logs->length = rest;
    logs->data[rest] = 0;
  }
  if (copy) eim_buf_add(logs, text, size);
  if (!copy || logs->failed) {
    free(copy);
    logs->failed = false;
    return false;
  }
  free(user->logs_resource);
  user->logs_resource = copy;
  user->logs_uploads++;
  return true;
}

static void free_user(eim_sb_user *user) {
  for (eim_sb_device *device = user->devices, *next; device; device = next) {
    next = device->next;
    eim_sb_free_device(device);
  }
  eim_sb_free_queues(&user->inbox);
  eim_sb_forget_logs(user);
  eim_sb_free_contacts(&user->contacts);
  eim_sb_free_conversations(&user->conversations);
  eim_sb_free_presence(&user->presence);
  cJSON_Delete(user->attributes);
  free(user->seen);
  free(user->name);
  free(user->nickname);
  free(user);
}

/* docs/rest.md 6: online devices get 207, tokens are dead, groups lose the member or,
 * when they were his, are gone. */
void eim_sb_remove_user(eim_sandbox *self, eim_sb_user *user) {
  for (eim_sb_conn *conn = self->conns; conn; conn = conn->next) {
    if (conn->user != user) continue;
    if (conn->device) eim_sb_kick(self, conn, EIM_SANDBOX_KICK_REMOVED, NULL);
    eim_sb_close(self, conn);
    if (user->frozen) conn->paused = conn->cut = true; /* frozen: nothing can be sent any more */
    conn->user = NULL;
    conn->device = NULL;
  }
  eim_sb_revoke(self, user);
  self->documents_due = true;
  for (size_t i = 0; self->store && i < EIM_SB_BUCKETS; i++)
    for (eim_sb_user *other = self->users[i]; other; other = other->next)
      eim_sb_touch_user(self, other); /* he is in their lists */
  eim_sb_names_remove(&self->super_admins, user->name);
  eim_sb_leave_all_groups(self, user->name);
  eim_sb_forget_contact(self, user->name);
  eim_sb_forget_presence(self, user->name);
  eim_sb_user **at = &self->users[bucket_of(user->name)];
  while (*at && *at != user) at = &(*at)->next;
  if (*at) *at = user->next;
  self->user_count--;
  eim_sb_drop_user_document(self, user);
  eim_sb_store_user_gone(self->store, user);
  free_user(user);
}

/* docs/rest.md 6: online devices get 216, old password and old tokens are dead. */
bool eim_sb_change_password(eim_sandbox *self, eim_sb_user *user, const char *password) {
  set_password(user, password);
  user->modified = eim_sb_now(self);
  eim_sb_store_user(self->store, user);
  eim_sb_revoke(self, user);
  for (eim_sb_conn *conn = self->conns; conn; conn = conn->next)
    if (conn->user == user && conn->device)
      eim_sb_kick(self, conn, EIM_SANDBOX_KICK_PASSWORD, NULL);
  return true;
}

/* docs/rest.md 6: kicked at once. Which frame tells a web client is unknown (R10): proposed, the
 * connection closes and the next login is refused with IM_FORBIDDEN. */
void eim_sb_activate(eim_sandbox *self, eim_sb_user *user, bool on) {
  user->activated = on;
  user->modified = eim_sb_now(self);
  eim_sb_store_user(self->store, user);
  if (on) return;
  for (eim_sb_conn *conn = self->conns; conn; conn = conn->next)
    if (conn->user == user) eim_sb_close(self, conn);
}

void eim_sb_free_users(eim_sandbox *self) {
  for (size_t i = 0; i < EIM_SB_BUCKETS; i++) {
    for (eim_sb_user *user = self->users[i], *next; user; user = next) {
      next = user->next;
      free_user(user);
    }
    self->users[i] = NULL;
  }
}
