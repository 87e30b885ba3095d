/* contacts.h - contacts, requests and block list of one account. The state changes through the
 * functions here only. */
#ifndef EIM_SANDBOX_CONTACTS_H
#define EIM_SANDBOX_CONTACTS_H

#include <stdbool.h>
#include <stddef.h>

#include "names.h"

#define EIM_SB_MAX_CONTACTS 3000 /* proposed */
#define EIM_SB_MAX_REQUESTS 1000 /* that wait for an answer; proposed */
#define EIM_SB_MAX_BLOCKS 500    /* docs/rest.md 16 */

struct eim_sandbox;
struct eim_sb_user;

typedef struct eim_sb_contact {
  char *name, *remark; /* remark NULL: none */
} eim_sb_contact;

typedef struct eim_sb_contacts {
  eim_sb_contact *items;
  size_t count;
  eim_sb_names requests; /* who asked and has no answer yet */
  eim_sb_names blocks;
} eim_sb_contacts;

eim_sb_contact *eim_sb_find_contact(const struct eim_sb_user *user, const char *name);
/* Both ways; what was asked is settled. False: no memory or too many, nothing is changed. */
bool eim_sb_add_contact(struct eim_sb_user *a, struct eim_sb_user *b);
void eim_sb_remove_contact(struct eim_sb_user *a, struct eim_sb_user *b);
bool eim_sb_set_remark(eim_sb_contact *contact, const char *remark);
bool eim_sb_blocks(const struct eim_sb_user *user, const char *name);
/* The account goes: out of everybody's lists. */
void eim_sb_forget_contact(struct eim_sandbox *self, const char *name);
void eim_sb_free_contacts(eim_sb_contacts *contacts);
/* A ROSTER event: docs/protocol.md 14. reason may be NULL. */
void eim_sb_tell_contact(struct eim_sandbox *self, struct eim_sb_user *user, int operation,
                         const char *from, const char *reason);

#endif
