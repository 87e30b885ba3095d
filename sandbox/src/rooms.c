/* Chat rooms over the socket: docs/protocol.md 14. */
#include <stdio.h>
#include <string.h>

#include "groups.h"
#include "sandbox.h"

#define OP(name) EASEMOB__PB__MUCBODY__OPERATION__##name
#define OFFLINE_MS 120000 /* docs/rest.md 12 */

static void tell(eim_sandbox *self, const eim_sb_group *room, const char *who, bool came,
                 const char *ext) {
  eim_sb_tell_members(
      self, room,
      &(eim_sb_muc){
          .operation = came ? OP(PRESENCE) : OP(ABSENCE), .from = who, .ext = ext, .counted = true},
      who);
}

static bool is_online(const eim_sandbox *self, const eim_sb_user *user) {
  for (const eim_sb_conn *conn = self->conns; conn; conn = conn->next)
    if (conn->user == user && conn->device && !conn->closing) return true;
  return false;
}

/* Looked at whenever somebody has to do with the room: nobody else would notice. The owner stays:
 * proposed. */
void eim_sb_sweep_room(eim_sandbox *self, eim_sb_group *room) {
  int64_t now = eim_sb_now(self);
  for (size_t i = 0; i < room->count;) {
    const eim_sb_member *member = room->members[i];
    const eim_sb_user *user = eim_sb_find_user(self, member->name);
    int64_t since = member->joined;
    if (user && user->offline_since > since) since = user->offline_since;
    if (strcmp(room->owner, member->name) == 0 || now - since <= OFFLINE_MS ||
        (user && is_online(self, user))) {
      i++;
      continue;
    }
    char name[EIM_SB_MAX_NAME + 1];
    snprintf(name, sizeof name, "%s", member->name);
    eim_sb_leave_group(room, name);
    tell(self, room, name, false, NULL);
  }
}

static void leave_others(eim_sandbox *self, const eim_sb_group *room, const char *name) {
  for (eim_sb_group *other = self->groups; other; other = other->next) {
    if (!other->room || other == room || !eim_sb_in_group(other, name)) continue;
    eim_sb_leave_group(other, name);
    tell(self, other, name, false, NULL);
  }
}

/* NULL: done. Else why not; it may be in `text`. Entering twice changes nothing. */
const char *eim_sb_enter_room(eim_sandbox *self, eim_sb_group *room, const char *name,
                              const char *ext, bool leaves_others, char text[128]) {
  eim_sb_sweep_room(self, room);
  if (eim_sb_names_has(&room->blocks, name)) {
    snprintf(text, 128, "can not join this group, reason:user: %.48s is in the blacklist", name);
    return text;
  }
  if (room->disabled) return "can not operate this group, reason: group is disabled";
  if (!eim_sb_in_group(room, name)) {
    if (room->count >= (size_t)room->max_users) return "group member list is full!";
    if (!eim_sb_join_group(self, room, name)) return "out of memory";
    tell(self, room, name, true, ext && *ext ? ext : NULL);
  }
  if (leaves_others) leave_others(self, room, name);
  return NULL;
}

void eim_sb_exit_room(eim_sandbox *self, eim_sb_group *room, const char *name) {
  if (!eim_sb_in_group(room, name)) return;
  eim_sb_leave_group(room, name);
  tell(self, room, name, false, NULL);
}
