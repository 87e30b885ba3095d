/* history.h - messages that can be asked for again. The newest are kept; the state changes through
 * the functions here only. */
#ifndef EIM_SANDBOX_HISTORY_H
#define EIM_SANDBOX_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cJSON.h"
#include "groups.h"
#include "names.h"

/* Messages of everybody, of at most max_message bytes each; proposed. */
#define EIM_SB_HISTORY 4096

struct eim_sb_meta;

typedef struct eim_sb_kept {
  struct eim_sb_meta *meta; /* NULL: free, or recalled */
  char from[EIM_SB_MAX_NAME + 1], to[EIM_SB_MAX_NAME + 1];
  bool group;
  int content;         /* MessageBody.Content.Type */
  eim_sb_names hidden; /* who has deleted it */
  cJSON *reactions;    /* [{id, reaction, users}], or NULL: rest_reactions.c */
  int64_t pinned_at;   /* 0: it is not; rest_pins.c */
  char pinned_by[EIM_SB_MAX_NAME + 1];
} eim_sb_kept;

typedef struct eim_sb_history {
  eim_sb_kept *kept; /* a ring, or NULL */
  size_t next;
} eim_sb_history;

/* Only what has content other than a command: proposed. */
void eim_sb_keep_message(eim_sandbox *self, const struct eim_sb_meta *meta, const char *from,
                         const char *to, bool group);
void eim_sb_forget_message(eim_sandbox *self, uint64_t id);
eim_sb_kept *eim_sb_find_kept(eim_sandbox *self, uint64_t id); /* NULL: not, or no longer */
/* Its reactions or its pin are others now. */
void eim_sb_kept_noted(eim_sandbox *self, const eim_sb_kept *kept);
/* The same as the store keeps it. False: damaged. */
bool eim_sb_read_notes(eim_sandbox *self, const char *id, const cJSON *json);
/* What MessageBody.meta says of it besides `old` (JSON, or NULL), for this user: reactions, and the
 * thread that it has (docs/protocol.md 12). cJSON_free() it; NULL: nothing besides. */
char *eim_sb_kept_meta(eim_sandbox *self, const eim_sb_kept *kept, const char *user,
                       const char *old);
/* The n-th newest, NULL beyond the oldest; skip those without a meta. */
eim_sb_kept *eim_sb_kept_at(eim_sandbox *self, size_t n);
/* Deleted by this user, for him alone. */
void eim_sb_hide_kept(eim_sandbox *self, size_t n, const char *user);
/* Of the conversation of `user` with this user or group, and not deleted by him. */
bool eim_sb_kept_for(const eim_sb_kept *kept, const char *user, const char *with, bool group);
/* rest_reactions.c: as the history and the lists show them to this user. */
cJSON *eim_sb_reactions_json(const eim_sb_kept *kept, const char *user, bool ids);
void eim_sb_free_history(eim_sandbox *self);

#endif
