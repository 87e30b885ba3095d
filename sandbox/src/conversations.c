#include "conversations.h"

#include <stdlib.h>
#include <string.h>

#include "sandbox.h"

eim_sb_conversation *eim_sb_conversation_of(eim_sb_user *user, const char *with, bool group,
                                            bool create) {
  eim_sb_conversations *all = &user->conversations;
  for (size_t i = 0; i < all->count; i++)
    if (all->items[i].group == group && strcmp(all->items[i].with, with) == 0)
      return &all->items[i];
  if (!create || all->count >= EIM_SB_MAX_CONVERSATIONS) return NULL;
  eim_sb_conversation *items = realloc(all->items, (all->count + 1) * sizeof *items);
  char *copy = eim_strdup(with);
  if (items) all->items = items;
  if (!items || !copy) {
    free(copy);
    return NULL;
  }
  items[all->count] = (eim_sb_conversation){.with = copy, .group = group};
  return &items[all->count++];
}

const eim_sb_kept *eim_sb_last_of(eim_sandbox *self, eim_sb_user *user, const char *with,
                                  bool group, int *unread) {
  const eim_sb_conversation *known = eim_sb_conversation_of(user, with, group, false);
  const eim_sb_kept *kept, *last = NULL;
  *unread = 0;
  for (size_t n = 0; (kept = eim_sb_kept_at(self, n)); n++) {
    if (!eim_sb_kept_for(kept, user->name, with, group)) continue;
    uint64_t id = kept->meta->pb->id;
    if (known && id <= known->gone_up_to) break;
    if (!last) last = kept;
    *unread += strcmp(kept->from, user->name) != 0 && (!known || id > known->read_up_to);
  }
  return last;
}

static uint64_t newest(eim_sandbox *self, const eim_sb_user *user, const char *with, bool group) {
  const eim_sb_kept *kept;
  for (size_t n = 0; (kept = eim_sb_kept_at(self, n)); n++)
    if (eim_sb_kept_for(kept, user->name, with, group)) return kept->meta->pb->id;
  return 0;
}

void eim_sb_conversation_read(eim_sandbox *self, eim_sb_user *user, const char *with, bool group) {
  uint64_t id = newest(self, user, with, group);
  eim_sb_conversation *known = id ? eim_sb_conversation_of(user, with, group, true) : NULL;
  if (!known) return;
  known->read_up_to = id;
  eim_sb_touch_user(self, user); /* it comes over the socket: store.h */
  self->documents_due = true;
}

void eim_sb_conversation_gone(eim_sandbox *self, eim_sb_user *user, const char *with, bool group) {
  uint64_t id = newest(self, user, with, group);
  eim_sb_conversation *known = eim_sb_conversation_of(user, with, group, id != 0);
  if (!known) return;
  known->read_up_to = known->gone_up_to = id;
  known->top_since = 0;
  known->marks = 0;
}

void eim_sb_free_conversations(eim_sb_conversations *conversations) {
  for (size_t i = 0; i < conversations->count; i++) free(conversations->items[i].with);
  free(conversations->items);
  *conversations = (eim_sb_conversations){NULL, 0};
}
