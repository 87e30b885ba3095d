/* Contacts and block lists: docs/rest.md 10; the calls of the SDK docs/protocol.md 24. Who hears
 * what of an accepted request, a refusal and a removal: the web documentation, "user relationship"
 * (docs-im.easemob.com/ccim/web/relationship, 2022). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rest_call.h"

#define OP(name) EASEMOB__PB__ROSTER_BODY__OPERATION__##name

static void entity(eim_sb_call *call, const eim_sb_user *user) {
  cJSON *answer = eim_sb_with_data(call, cJSON_CreateArray());
  cJSON_DeleteItemFromObject(answer, "data");
  cJSON_AddItemToArray(cJSON_GetObjectItem(answer, "entities"), eim_sb_user_json(user));
  eim_sb_answer_json(call->self, call->request, 200, answer);
}

static void too_many(const eim_sb_call *call) {
  eim_sb_call_refuse(call, 403, "exceed_limit", "ExceedLimitException",
                     "user contact number exceed limit");
}

/* Asking somebody who is one already does nothing: proposed. */
static void apply(eim_sb_call *call, eim_sb_user *user, const cJSON *body) {
  eim_sb_names names = {NULL, 0};
  const char *reason = eim_sb_string(body, "reason");
  bool good = eim_sb_call_names(call, NULL, body, &names);
  for (size_t i = 0; i < names.count && good; i++) {
    const eim_sb_user *other = eim_sb_find_user(call->self, names.items[i]);
    good = other && other != user;
    if (!good) eim_sb_user_unknown(call);
  }
  for (size_t i = 0; i < names.count && good; i++) {
    eim_sb_user *other = eim_sb_find_user(call->self, names.items[i]);
    if (eim_sb_find_contact(user, other->name) || eim_sb_blocks(other, user->name)) continue;
    if (other->contacts.requests.count >= EIM_SB_MAX_REQUESTS ||
        !eim_sb_names_add(&other->contacts.requests, user->name))
      continue;
    eim_sb_tell_contact(call->self, other, OP(ADD), user->name, reason);
  }
  if (good) eim_sb_answer_data(call, eim_sb_names_json(&names));
  eim_sb_names_free(&names);
}

/* Only what was asked can be answered: proposed. */
static void reply(eim_sb_call *call, eim_sb_user *user, eim_sb_user *other, bool accept) {
  if (!eim_sb_names_has(&user->contacts.requests, other->name)) {
    eim_sb_call_refuse(call, 404, "resource_not_found", "ResourceNotFoundException",
                       "user %s has not asked to be a contact", other->name);
  } else if (accept && !eim_sb_add_contact(user, other)) {
    too_many(call);
  } else {
    eim_sb_names_remove(&user->contacts.requests, other->name);
    eim_sb_tell_contact(call->self, other, accept ? OP(REMOTE_ACCEPT) : OP(REMOTE_DECLINE),
                        user->name, NULL);
    if (accept) eim_sb_tell_contact(call->self, user, OP(ACCEPT), other->name, NULL);
    entity(call, other);
  }
}

/* POST by the app makes contacts without asking. */
static void add(eim_sb_call *call, eim_sb_user *user, eim_sb_user *other) {
  if (!eim_sb_authorize(call->self, call->request, NULL, true)) return;
  bool known = eim_sb_find_contact(user, other->name) != NULL;
  if (user == other || !eim_sb_add_contact(user, other)) {
    too_many(call);
    return;
  }
  if (!known) { /* told to both: proposed */
    eim_sb_tell_contact(call->self, user, OP(ACCEPT), other->name, NULL);
    eim_sb_tell_contact(call->self, other, OP(ACCEPT), user->name, NULL);
  }
  entity(call, other);
}

static void drop(eim_sb_call *call, eim_sb_user *user, eim_sb_user *other) {
  bool known = eim_sb_find_contact(user, other->name) != NULL;
  eim_sb_remove_contact(user, other);
  if (known) eim_sb_tell_contact(call->self, other, OP(REMOVE), user->name, NULL);
  entity(call, other);
}

static void remark(eim_sb_call *call, eim_sb_user *user, const char *name) {
  cJSON *body = eim_sb_call_body(call);
  if (!body) return;
  char *lower = eim_sb_lower(name);
  eim_sb_contact *contact = lower ? eim_sb_find_contact(user, lower) : NULL;
  const char *text = eim_sb_string(body, "remark");
  size_t characters = 0;
  for (const char *c = text ? text : ""; *c; c++) characters += ((unsigned char)*c & 0xc0) != 0x80;
  if (!contact) {
    eim_sb_call_refuse(call, 400, "illegal_argument", "java.lang.IllegalArgumentException",
                       "updateRemark they are not friends, please add as a friend first.");
  } else if (!text || characters > 100) { /* how it begins: docs/protocol.md 22 */
    eim_sb_call_refuse(call, 400, "illegal_argument", "java.lang.IllegalArgumentException",
                       "remark length must less than 100");
  } else if (!eim_sb_set_remark(contact, text)) {
    eim_sb_out_of_memory(call);
  } else {
    cJSON *answer = eim_sb_with_data(call, cJSON_CreateArray());
    cJSON_DeleteItemFromObject(answer, "data");
    cJSON_AddStringToObject(answer, "status", "ok");
    eim_sb_answer_json(call->self, call->request, 200, answer);
  }
  free(lower);
  cJSON_Delete(body);
}

static cJSON *contact_json(const eim_sb_contact *contact) {
  cJSON *one = cJSON_CreateObject();
  if (contact->remark)
    cJSON_AddStringToObject(one, "remark", contact->remark);
  else
    cJSON_AddNullToObject(one, "remark");
  cJSON_AddStringToObject(one, "username", contact->name);
  return one;
}

/* All of them. With remarks 4.8.1 reads `entities`. */
static void list(eim_sb_call *call, const eim_sb_user *user) {
  char wanted[8] = "";
  eim_sb_query(call->request, "needReturnRemark", wanted, sizeof wanted);
  cJSON *names = cJSON_CreateArray(), *entities = cJSON_CreateArray();
  for (size_t i = 0; i < user->contacts.count; i++) {
    cJSON_AddItemToArray(names, cJSON_CreateString(user->contacts.items[i].name));
    if (eim_sb_is(wanted, "true"))
      cJSON_AddItemToArray(entities, contact_json(&user->contacts.items[i]));
  }
  cJSON *answer = eim_sb_with_data(call, names);
  cJSON_AddNumberToObject(answer, "count", (double)user->contacts.count);
  cJSON_ReplaceItemInObject(answer, "entities", entities);
  eim_sb_answer_json(call->self, call->request, 200, answer);
}

static void page(eim_sb_call *call, const eim_sb_user *user) {
  eim_sb_page part = eim_sb_cursor(call, 20, 50);
  cJSON *data = cJSON_CreateObject(), *contacts = cJSON_AddArrayToObject(data, "contacts");
  for (size_t i = part.first; i < user->contacts.count && i - part.first < part.limit; i++)
    cJSON_AddItemToArray(contacts, contact_json(&user->contacts.items[i]));
  eim_sb_add_cursor(data, &part, user->contacts.count);
  eim_sb_answer_data(call, data);
}

/* parts: contacts, contacts/apply, contacts/accept/users/x, contacts/decline/users/x,
 * contacts/users, contacts/users/x */
void eim_sb_rest_contacts(eim_sb_call *call, eim_sb_user *user) {
  const char *what = call->count > 1 ? call->parts[1] : NULL;
  if (call->count == 1) {
    if (eim_sb_verb(call, "GET"))
      page(call, user);
    else
      eim_sb_no_verb(call);
    return;
  }
  if (call->count == 2 && eim_sb_is(what, "apply")) {
    cJSON *body = eim_sb_verb(call, "POST") ? eim_sb_call_body(call) : NULL;
    if (body)
      apply(call, user, body);
    else if (!call->request->status)
      eim_sb_no_verb(call);
    cJSON_Delete(body);
    return;
  }
  if (call->count == 2 && eim_sb_is(what, "users")) {
    if (eim_sb_verb(call, "GET"))
      list(call, user);
    else
      eim_sb_no_verb(call);
    return;
  }
  bool reply_to = call->count == 4 && eim_sb_is(call->parts[2], "users") &&
                  (eim_sb_is(what, "accept") || eim_sb_is(what, "decline"));
  if (!reply_to && !(call->count == 3 && eim_sb_is(what, "users"))) return;
  const char *name = call->parts[call->count - 1];
  eim_sb_user *other = eim_sb_find_user(call->self, name);
  if (!reply_to && eim_sb_verb(call, "PUT"))
    remark(call, user, name);
  else if (!other)
    eim_sb_user_unknown(call);
  else if (reply_to && eim_sb_verb(call, "POST"))
    reply(call, user, other, eim_sb_is(what, "accept"));
  else if (!reply_to && eim_sb_verb(call, "POST"))
    add(call, user, other);
  else if (!reply_to && eim_sb_verb(call, "DELETE"))
    drop(call, user, other);
  else
    eim_sb_no_verb(call);
}

/* ---- block list */

static void block(eim_sb_call *call, eim_sb_user *user, const cJSON *body, bool on) {
  eim_sb_names names = {NULL, 0};
  bool good = eim_sb_call_names(call, NULL, body, &names);
  for (size_t i = 0; i < names.count && good; i++) {
    good = eim_sb_find_user(call->self, names.items[i]) != NULL;
    if (!good)
      eim_sb_call_refuse(call, 400, "illegal_argument", "java.lang.IllegalArgumentException",
                         "attempt to adding new block[%.64s] for user[%s],but user[%.64s] not "
                         "found.",
                         names.items[i], user->name, names.items[i]);
  }
  if (good && on && user->contacts.blocks.count + names.count > EIM_SB_MAX_BLOCKS) {
    eim_sb_call_refuse(call, 403, "exceed_limit", "ExceedLimitException",
                       "user block number exceed limit"); /* proposed */
    good = false;
  }
  for (size_t i = 0; i < names.count && good; i++) {
    if (on)
      eim_sb_names_add(&user->contacts.blocks, names.items[i]);
    else
      eim_sb_names_remove(&user->contacts.blocks, names.items[i]);
  }
  if (good) eim_sb_answer_data(call, eim_sb_names_json(&names));
  eim_sb_names_free(&names);
}

static void list_blocks(eim_sb_call *call, const eim_sb_user *user) {
  const eim_sb_names *blocks = &user->contacts.blocks;
  eim_sb_page part = eim_sb_cursor(call, EIM_SB_MAX_BLOCKS, EIM_SB_MAX_BLOCKS);
  part.limit = (size_t)eim_sb_query_int(call, "pageSize", EIM_SB_MAX_BLOCKS, 1, EIM_SB_MAX_BLOCKS);
  cJSON *names = cJSON_CreateArray();
  for (size_t i = part.first; i < blocks->count && i - part.first < part.limit; i++)
    cJSON_AddItemToArray(names, cJSON_CreateString(blocks->items[i]));
  cJSON *answer = eim_sb_with_data(call, names);
  cJSON_AddNumberToObject(answer, "count", cJSON_GetArraySize(names));
  eim_sb_add_cursor(answer, &part, blocks->count);
  eim_sb_answer_json(call->self, call->request, 200, answer);
}

/* parts: blocks/users, blocks/users/x of the documents; blocks of the SDK, whose DELETE has a body
 */
void eim_sb_rest_blocks(eim_sb_call *call, eim_sb_user *user) {
  bool collection = call->count == 1 || (call->count == 2 && eim_sb_is(call->parts[1], "users"));
  if (collection && eim_sb_verb(call, "GET")) {
    list_blocks(call, user);
  } else if (collection && (eim_sb_verb(call, "POST") || eim_sb_verb(call, "DELETE"))) {
    cJSON *body = eim_sb_call_body(call);
    if (body) block(call, user, body, eim_sb_verb(call, "POST"));
    cJSON_Delete(body);
  } else if (call->count == 3 && eim_sb_is(call->parts[1], "users") &&
             eim_sb_verb(call, "DELETE")) {
    const eim_sb_user *other = eim_sb_find_user(call->self, call->parts[2]);
    if (other) {
      eim_sb_names_remove(&user->contacts.blocks, other->name);
      entity(call, other);
    } else {
      eim_sb_user_unknown(call);
    }
  } else {
    eim_sb_no_verb(call);
  }
}
