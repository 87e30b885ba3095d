/* conversations.h - what a user's devices have in common about his conversations: how far he has
 * read, what is on top, marked, or deleted. Which conversations there are, and how many messages
 * are unread, comes from the history. */
#ifndef EIM_SANDBOX_CONVERSATIONS_H
#define EIM_SANDBOX_CONVERSATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EIM_SB_MAX_CONVERSATIONS 1000 /* of which something is remembered; proposed */
#define EIM_SB_MAX_ON_TOP 50          /* docs/rest.md 16 */
#define EIM_SB_MARKS 20               /* docs/rest.md 16 */

struct eim_sandbox;
struct eim_sb_user;
struct eim_sb_kept;

typedef struct eim_sb_conversation {
  char *with;
  bool group;
  uint64_t read_up_to, gone_up_to; /* ids of messages */
  int64_t top_since;               /* ms; 0: not on top */
  uint32_t marks;                  /* bits */
} eim_sb_conversation;

typedef struct eim_sb_conversations {
  eim_sb_conversation *items;
  size_t count;
} eim_sb_conversations;

/* create false: only if something is remembered of it. NULL: no, no memory, or too many. */
eim_sb_conversation *eim_sb_conversation_of(struct eim_sb_user *user, const char *with, bool group,
                                            bool create);
/* The newest message that this user sees there; *unread: how many of others he has not read. NULL:
 * the conversation is not there. */
const struct eim_sb_kept *eim_sb_last_of(struct eim_sandbox *self, struct eim_sb_user *user,
                                         const char *with, bool group, int *unread);
/* All up to now is read, or gone from the list. */
void eim_sb_conversation_read(struct eim_sandbox *self, struct eim_sb_user *user, const char *with,
                              bool group);
void eim_sb_conversation_gone(struct eim_sandbox *self, struct eim_sb_user *user, const char *with,
                              bool group);
void eim_sb_free_conversations(eim_sb_conversations *conversations);

#endif
