/* history.h - messages that can be asked for again. The newest are kept; the state changes through
 * the functions here only. */
#ifndef EIM_SANDBOX_HISTORY_H
#define EIM_SANDBOX_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
} eim_sb_kept;

typedef struct eim_sb_history {
  eim_sb_kept *kept; /* a ring, or NULL */
  size_t next;
} eim_sb_history;

/* Only what has content other than a command: proposed. */
void eim_sb_keep_message(eim_sandbox *self, const struct eim_sb_meta *meta, const char *from,
                         const char *to, bool group);
void eim_sb_forget_message(eim_sandbox *self, uint64_t id);
/* The n-th newest, NULL beyond the oldest; skip those without a meta. */
eim_sb_kept *eim_sb_kept_at(eim_sandbox *self, size_t n);
/* Deleted by this user, for him alone. */
void eim_sb_hide_kept(eim_sandbox *self, size_t n, const char *user);
/* Of the conversation of `user` with this user or group, and not deleted by him. */
bool eim_sb_kept_for(const eim_sb_kept *kept, const char *user, const char *with, bool group);
void eim_sb_free_history(eim_sandbox *self);

#endif
