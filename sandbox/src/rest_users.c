/* POST /{org}/{app}/users: docs/rest.md 3, the checks in its order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"

#define ILLEGAL "java.lang.IllegalArgumentException"

static bool illegal(eim_sandbox *self, eim_sb_request *request, const char *description) {
  eim_sb_refuse(self, request, 400, "illegal_argument", ILLEGAL, description);
  return false;
}

static size_t characters(const char *text) {
  size_t count = 0;
  for (; *text; text++) count += ((unsigned char)*text & 0xc0) != 0x80;
  return count;
}

static bool check_one(eim_sandbox *self, eim_sb_request *request, const cJSON *entry) {
  const char *name = eim_sb_string(entry, "username"), *password = eim_sb_string(entry, "password");
  const char *nickname = eim_sb_string(entry, "nickname");
  if (!name) return illegal(self, request, "Entity user requires a property named username");
  if (!eim_sb_name_legal(name)) {
    eim_buf text = EIM_BUF_INIT;
    eim_buf_printf(&text, "username [%.200s] is not legal", name);
    illegal(self, request, text.failed ? "username is not legal" : (char *)text.data);
    eim_buf_free(&text);
    return false;
  }
  if (strlen(name) > EIM_SB_MAX_NAME) return illegal(self, request, "USERNAME_TOO_LONG");
  if (!password || !*password) return illegal(self, request, "password or pin must provided");
  if (characters(password) > 64)
    return illegal(self, request, "PASSWORD_TOO_LONG"); /* text proposed */
  if (nickname && characters(nickname) > 100) return illegal(self, request, "NICKNAME_TOO_LONG");
  return true;
}

static void duplicate(eim_sandbox *self, eim_sb_request *request, const char *name) {
  char *lower = eim_sb_lower(name);
  char text[256];
  snprintf(text, sizeof text,
           "Application %s Entity user requires that property named username be unique, value of "
           "%s exists",
           self->app_uuid, lower ? lower : "");
  free(lower);
  eim_sb_refuse(self, request, 400, "duplicate_unique_property_exists",
                "DuplicateUniquePropertyExistsException", text);
}

/* The same name twice in one call. */
static bool repeated(eim_sandbox *self, eim_sb_request *request, const cJSON *list) {
  for (const cJSON *a = list->child; a; a = a->next) {
    for (const cJSON *b = a->next; b; b = b->next) {
      if (strcasecmp(eim_sb_string(a, "username"), eim_sb_string(b, "username")) != 0) continue;
      char text[200];
      snprintf(text, sizeof text,
               "the same user %s has a different password, the passwords are XXX",
               eim_sb_string(a, "username"));
      eim_sb_refuse(self, request, 400, "duplicate_unique_property_exists",
                    "DuplicateUniquePropertyExistsException", text);
      return true;
    }
  }
  return false;
}

/* Open: nobody needs a token, except for several accounts in one call. A token that is sent is
 * checked. */
static bool may_register(eim_sandbox *self, eim_sb_request *request, bool batch) {
  const eim_sb_token *token = eim_sb_find_token(self, request->token);
  if (request->token && *request->token) {
    if (token && !eim_sb_token_expired(self, token) &&
        (!token->user || (!batch && !self->options.closed_registration)))
      return true;
    eim_sb_refuse(self, request, 401, "unauthorized", "EasemobSecurityException",
                  "Unable to authenticate (OAuth)");
    return false;
  }
  if (!batch && !self->options.closed_registration) return true;
  eim_sb_refuse(self, request, 401, "unauthorized", "EasemobSecurityException",
                "Open registration doesn't allow, so register user need token,");
  return false;
}

static cJSON *add_one(eim_sandbox *self, const cJSON *entry) {
  eim_sb_user *user =
      eim_sb_create_user(self, eim_sb_string(entry, "username"), eim_sb_string(entry, "password"),
                         eim_sb_string(entry, "nickname"));
  return user ? eim_sb_user_json(user) : NULL;
}

static void register_list(eim_sandbox *self, eim_sb_request *request, const cJSON *list) {
  int size = 0, exist = 0;
  const cJSON *entry, *last_known = NULL;
  cJSON_ArrayForEach(entry, list) {
    if (!check_one(self, request, entry)) return;
    size++;
  }
  if (size > 60) {
    char text[160];
    snprintf(text, sizeof text,
             "Request body array size[%d] had almost reached or been greater than the upper range "
             "value[60]",
             size);
    illegal(self, request, text);
    return;
  }
  if (!size) { /* nothing to register: proposed */
    illegal(self, request, "Entity user requires a property named username");
    return;
  }
  if (repeated(self, request, list)) return;
  cJSON_ArrayForEach(entry, list) {
    if (!eim_sb_find_user(self, eim_sb_string(entry, "username"))) continue;
    exist++;
    last_known = entry;
  }
  if (exist == size) { /* R7: all of them known: refused; some: told one by one */
    duplicate(self, request, eim_sb_string(last_known, "username"));
    return;
  }
  cJSON *answer = eim_sb_envelope(self, "post", "/users");
  cJSON *entities = cJSON_AddArrayToObject(answer, "entities");
  cJSON *data = cJSON_AddArrayToObject(answer, "data");
  cJSON_ArrayForEach(entry, list) {
    const char *name = eim_sb_string(entry, "username");
    if (!eim_sb_find_user(self, name)) {
      cJSON_AddItemToArray(entities, add_one(self, entry));
      continue;
    }
    char text[128];
    snprintf(text, sizeof text, "the %s already exists", name);
    cJSON *failed = cJSON_CreateObject();
    cJSON_AddStringToObject(failed, "username", name);
    cJSON_AddStringToObject(failed, "registerUserFailReason", text);
    cJSON_AddItemToArray(data, failed);
  }
  eim_sb_answer_json(self, request, 200, answer);
}

void eim_sb_rest_register(eim_sandbox *self, eim_sb_request *request) {
  /* A batch is told by its first character: who may register is asked before the body is parsed. */
  const char *text = request->body.data ? (const char *)request->body.data : "";
  bool batch = text[strspn(text, " \t\r\n")] == '[';
  if (!may_register(self, request, batch)) return;
  cJSON *body = eim_sb_parse_body(self, request);
  if (!body) return;
  if (cJSON_IsArray(body)) {
    register_list(self, request, body);
  } else if (check_one(self, request, body)) {
    const char *name = eim_sb_string(body, "username");
    if (eim_sb_find_user(self, name)) {
      duplicate(self, request, name);
    } else {
      cJSON *answer = eim_sb_envelope(self, "post", "/users");
      cJSON_AddItemToArray(cJSON_AddArrayToObject(answer, "entities"), add_one(self, body));
      eim_sb_answer_json(self, request, 200, answer);
    }
  }
  cJSON_Delete(body);
}
