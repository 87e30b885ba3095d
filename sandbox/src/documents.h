/* documents.h - state that the store keeps as a whole, one JSON text for each: groups and chat
 * rooms; contacts, blocks, attributes and presence of an account; super admins; reactions and pins
 * of a message (told apart, by history.c). It changes in many places, so what was looked up in a
 * turn that may have changed something (documents_due) is compared at the commit with what is kept,
 * and written when it differs. Without a store nothing here does anything. */
#ifndef EIM_SANDBOX_DOCUMENTS_H
#define EIM_SANDBOX_DOCUMENTS_H

#include <stdbool.h>
#include <stdint.h>

struct eim_sandbox;
struct eim_sb_user;
struct eim_sb_group;

/* A part of what has one. Zeroed: not kept. */
typedef struct eim_sb_document {
  void *next; /* of its kind, touched in this turn */
  bool is_touched;
  uint64_t digest; /* of the text that is kept; 0: none is */
} eim_sb_document;

/* It may be changed in this turn. */
void eim_sb_touch_user(struct eim_sandbox *self, struct eim_sb_user *user);
void eim_sb_touch_group(struct eim_sandbox *self, struct eim_sb_group *group);
/* It is gone, and its document with it. */
void eim_sb_drop_user_document(struct eim_sandbox *self, struct eim_sb_user *user);
void eim_sb_drop_group_document(struct eim_sandbox *self, struct eim_sb_group *group);

/* For the store: before a commit, and for each that is read back. */
void eim_sb_keep_documents(struct eim_sandbox *self);
bool eim_sb_read_document(struct eim_sandbox *self, const char *kind, const char *key,
                          const char *text);

#endif
