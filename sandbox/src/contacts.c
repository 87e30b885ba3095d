#include "contacts.h"

#include <stdlib.h>
#include <string.h>

#include "sandbox.h"

eim_sb_contact *eim_sb_find_contact(const eim_sb_user *user, const char *name) {
  for (size_t i = 0; i < user->contacts.count; i++)
    if (strcmp(user->contacts.items[i].name, name) == 0) return &user->contacts.items[i];
  return NULL;
}

static bool add(eim_sb_user *user, const char *name) {
  eim_sb_contacts *contacts = &user->contacts;
  if (eim_sb_find_contact(user, name)) return true;
  if (contacts->count >= EIM_SB_MAX_CONTACTS) return false;
  eim_sb_contact *items = realloc(contacts->items, (contacts->count + 1) * sizeof *items);
  char *copy = eim_strdup(name);
  if (items) contacts->items = items;
  if (!items || !copy) {
    free(copy);
    return false;
  }
  items[contacts->count++] = (eim_sb_contact){copy, NULL};
  return true;
}

static void drop(eim_sb_user *user, const char *name) {
  eim_sb_contact *contact = eim_sb_find_contact(user, name);
  if (!contact) return;
  eim_sb_contacts *contacts = &user->contacts;
  size_t at = (size_t)(contact - contacts->items);
  free(contact->name);
  free(contact->remark);
  contacts->count--;
  memmove(contact, contact + 1, (contacts->count - at) * sizeof *contact);
}

bool eim_sb_add_contact(eim_sb_user *a, eim_sb_user *b) {
  bool known = eim_sb_find_contact(a, b->name) != NULL;
  if (!add(a, b->name)) return false;
  if (!add(b, a->name)) {
    if (!known) drop(a, b->name);
    return false;
  }
  eim_sb_names_remove(&a->contacts.requests, b->name);
  eim_sb_names_remove(&b->contacts.requests, a->name);
  return true;
}

void eim_sb_remove_contact(eim_sb_user *a, eim_sb_user *b) {
  drop(a, b->name);
  drop(b, a->name);
}

bool eim_sb_set_remark(eim_sb_contact *contact, const char *remark) {
  return eim_sb_set_text(&contact->remark, remark);
}

bool eim_sb_blocks(const eim_sb_user *user, const char *name) {
  return eim_sb_names_has(&user->contacts.blocks, name);
}

void eim_sb_forget_contact(eim_sandbox *self, const char *name) {
  for (size_t i = 0; i < EIM_SB_BUCKETS; i++) {
    for (eim_sb_user *user = self->users[i]; user; user = user->next) {
      drop(user, name);
      eim_sb_names_remove(&user->contacts.requests, name);
      eim_sb_names_remove(&user->contacts.blocks, name);
    }
  }
}

void eim_sb_free_contacts(eim_sb_contacts *contacts) {
  for (size_t i = 0; i < contacts->count; i++) {
    free(contacts->items[i].name);
    free(contacts->items[i].remark);
  }
  free(contacts->items);
  eim_sb_names_free(&contacts->requests);
  eim_sb_names_free(&contacts->blocks);
}

void eim_sb_tell_contact(eim_sandbox *self, eim_sb_user *user, int operation, const char *from,
                         const char *reason) {
  Easemob__Pb__JID from_jid, to_jid, *to[] = {&to_jid};
  eim_sb_jid(self, &from_jid, from, EIM_SB_DOMAIN_USER, NULL);
  eim_sb_jid(self, &to_jid, user->name, EIM_SB_DOMAIN_USER, NULL);
  Easemob__Pb__RosterBody body = EASEMOB__PB__ROSTER_BODY__INIT;
  body.has_operation = 1;
  body.operation = (Easemob__Pb__RosterBody__Operation)operation;
  body.from = &from_jid;
  body.to = to;
  body.n_to = 1;
  body.reason = (char *)(reason ? reason : "");
  size_t size = easemob__pb__roster_body__get_packed_size(&body);
  uint8_t *bytes = malloc(size);
  if (!bytes) return;
  easemob__pb__roster_body__pack(&body, bytes);
  eim_sb_pb_meta pb = EASEMOB__PB__META__INIT;
  pb.has_ns = pb.has_payload = 1;
  pb.from = &from_jid;
  pb.to = &to_jid;
  pb.ns = EASEMOB__PB__META__NAME_SPACE__ROSTER;
  pb.payload.data = bytes;
  pb.payload.len = size;
  eim_sb_push_meta(self, user, &pb);
  free(bytes);
}
