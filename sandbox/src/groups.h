/* groups.h - groups and chat rooms: what they are, who is in them, and what is told about them.
 * The state changes through the functions here only. */
#ifndef EIM_SANDBOX_GROUPS_H
#define EIM_SANDBOX_GROUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cJSON.h"
#include "documents.h"
#include "eim_sandbox.h"
#include "names.h"

#define EIM_SB_MAX_NAME 64 /* bytes of a user name; docs/rest.md 3 */
#define EIM_SB_MAX_GROUPS 10000
#define EIM_SB_MAX_ADMINS 99           /* beside the owner; docs/rest.md 16 */
#define EIM_SB_MAX_PENDING 1000        /* invitations and applications of one group; proposed */
#define EIM_SB_MAX_GROUP_BLOCKS 500    /* proposed */
#define EIM_SB_MAX_ROOM_ATTRIBUTES 100 /* docs/rest.md 16 */

struct eim_sb_user;

typedef struct eim_sb_member {
  char name[EIM_SB_MAX_NAME + 1];
  int64_t joined, muted_until; /* ms of the sandbox's clock; muted_until 0: may speak */
  bool admin, allowed /* on the allow list */, shielded /* wants no messages */;
  cJSON *attributes; /* NULL: none */
} eim_sb_member;

typedef struct eim_sb_invitation {
  char who[EIM_SB_MAX_NAME + 1], by[EIM_SB_MAX_NAME + 1];
} eim_sb_invitation;

typedef struct eim_sb_attribute {
  struct eim_sb_attribute *next;
  char *key, *value;
  char owner[EIM_SB_MAX_NAME + 1];
  bool auto_delete; /* when its owner leaves the room */
} eim_sb_attribute;

typedef struct eim_sb_group {
  struct eim_sb_group *next;
  char *id;
  bool room;
  /* Of a chat thread, which is a group of some members of another group: that one, and the message
   * it is about; what was said in it. "" and 0: no thread. */
  char *parent;
  uint64_t parent_message;
  int64_t messages;
  char *name, *description, *custom, *announcement, *avatar; /* never NULL */
  char owner[EIM_SB_MAX_NAME + 1];                           /* "": nobody */
  bool is_public, members_only, allow_invites, invite_need_confirm;
  bool mute_all, disabled;
  int max_users;
  int64_t created, modified;
  eim_sb_member **members; /* the owner is one of them */
  size_t count;
  eim_sb_names blocks, applicants;
  eim_sb_invitation *invitations;
  size_t invitation_count;
  eim_sb_attribute *attributes; /* of a room */
  size_t attribute_count;
  eim_sandbox *sandbox; /* it belongs to */
  eim_sb_document document;
} eim_sb_group;

typedef enum eim_sb_role { EIM_SB_STRANGER, EIM_SB_MEMBER, EIM_SB_ADMIN, EIM_SB_OWNER } eim_sb_role;

/* groups.c. Names are lower case. */
eim_sb_group *eim_sb_find_group(eim_sandbox *self, const char *id); /* threads as well */
bool eim_sb_is_thread(const eim_sb_group *group);
/* id NULL: a new one. NULL: no memory, or too many. */
eim_sb_group *eim_sb_create_group(eim_sandbox *self, const char *id, bool room, const char *owner);
void eim_sb_destroy_group(eim_sandbox *self, eim_sb_group *group); /* and its threads */
bool eim_sb_set_text(char **where, const char *text);
eim_sb_member *eim_sb_find_member(const eim_sb_group *group, const char *name);
bool eim_sb_in_group(const eim_sb_group *group, const char *name);
eim_sb_role eim_sb_role_in(const eim_sb_group *group, const char *name);
/* What was pending between the two is settled. False: no memory. */
bool eim_sb_join_group(eim_sandbox *self, eim_sb_group *group, const char *name);
void eim_sb_leave_group(eim_sb_group *group, const char *name);
bool eim_sb_invite(eim_sb_group *group, const char *who, const char *by);
const eim_sb_invitation *eim_sb_find_invitation(const eim_sb_group *group, const char *who);
void eim_sb_forget_invitation(eim_sb_group *group, const char *who);
/* Of a room. value NULL: remove it. */
eim_sb_attribute *eim_sb_find_attribute(const eim_sb_group *room, const char *key);
bool eim_sb_set_attribute(eim_sb_group *room, const char *key, const char *value, const char *owner,
                          bool auto_delete);
/* The account goes: what it owns is destroyed, it leaves the rest. */
void eim_sb_leave_all_groups(eim_sandbox *self, const char *name);
void eim_sb_free_groups(eim_sandbox *self);

/* group_events.c: docs/protocol.md 14 */
typedef struct eim_sb_muc {
  int operation;      /* of MUCBody */
  const char *from;   /* who did it */
  const char *device; /* on which one, or NULL */
  const char *to;     /* whom it concerns, or NULL */
  const char *reason; /* or NULL */
  const char *detail; /* JSON, or NULL */
  const char *ext;    /* or NULL */
  bool counted;       /* tells how many there are now */
} eim_sb_muc;

/* One user; but not the device with this resource (NULL: all of them). */
void eim_sb_tell(eim_sandbox *self, const eim_sb_group *group, const eim_sb_muc *event,
                 const char *name, const char *but_resource);
void eim_sb_tell_members(eim_sandbox *self, const eim_sb_group *group, const eim_sb_muc *event,
                         const char *except);
void eim_sb_tell_staff(eim_sandbox *self, const eim_sb_group *group, const eim_sb_muc *event,
                       const char *except);

/* rooms.c */
void eim_sb_sweep_room(eim_sandbox *self, eim_sb_group *room);
/* NULL: done, else the refusal, which may be in `text`. */
const char *eim_sb_enter_room(eim_sandbox *self, eim_sb_group *room, const char *name,
                              const char *ext, bool leaves_others, char text[128]);
void eim_sb_exit_room(eim_sandbox *self, eim_sb_group *room, const char *name);

#endif
