/* Account operations, wired to live sessions: docs/rest.md 6. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"

static bool is(const char *a, const char *b) {
  return strcmp(a, b) == 0;
}

static void no_user(eim_sandbox *self, eim_sb_request *request) {
  eim_sb_refuse(self, request, 404, "service_resource_not_found", "UserNotFoundException",
                "Service resource not found");
}

static int online(const eim_sandbox *self, const eim_sb_user *user) {
  int count = 0;
  for (const eim_sb_conn *conn = self->conns; conn; conn = conn->next)
    count += conn->user == user && conn->device && !conn->closing;
  return count;
}

static void with_entity(eim_sandbox *self, eim_sb_request *request, const char *action,
                        const eim_sb_user *user) {
  cJSON *answer = eim_sb_envelope(self, action, "/users");
  cJSON_AddItemToArray(cJSON_AddArrayToObject(answer, "entities"), eim_sb_user_json(user));
  if (is(action, "get")) cJSON_AddNumberToObject(answer, "count", 1);
  eim_sb_answer_json(self, request, 200, answer);
}

static void simple(eim_sandbox *self, eim_sb_request *request, const char *action) {
  cJSON *answer = cJSON_CreateObject();
  cJSON_AddStringToObject(answer, "action", action);
  cJSON_AddNumberToObject(answer, "timestamp", (double)eim_sb_now(self));
  cJSON_AddNumberToObject(answer, "duration", 0);
  eim_sb_answer_json(self, request, 200, answer);
}

static void remove_one(eim_sandbox *self, eim_sb_request *request, eim_sb_user *user) {
  user->activated = false; /* as observed lately: docs/rest.md 18, R5 */
  with_entity(self, request, "delete", user);
  eim_sb_remove_user(self, user);
}

static void password(eim_sandbox *self, eim_sb_request *request, eim_sb_user *user) {
  if (!user) {
    eim_sb_refuse(self, request, 404, "entity_not_found",
                  "org.apache.usergrid.persistence.exceptions.EntityNotFoundException",
                  "User null not found");
    return;
  }
  cJSON *body = eim_sb_parse_body(self, request);
  if (!body) return;
  const char *text = eim_sb_string(body, "newpassword");
  if (!text || !*text)
    eim_sb_refuse(self, request, 400, "illegal_argument", "java.lang.IllegalArgumentException",
                  "newpassword is required");
  else if (eim_sb_change_password(self, user, text))
    simple(self, request, "set user password");
  else
    request->dropped = true;
  cJSON_Delete(body);
}

static void kick(eim_sandbox *self, eim_sb_request *request, eim_sb_user *user,
                 const char *resource, const char *action) {
  for (eim_sb_conn *conn = self->conns; conn; conn = conn->next)
    if (conn->user == user && conn->device && (!resource || is(conn->device->resource, resource)))
      eim_sb_kick(self, conn, EIM_SANDBOX_KICK_FORCED, NULL);
  cJSON *answer = eim_sb_envelope(self, action, "/users");
  cJSON_AddBoolToObject(cJSON_AddObjectToObject(answer, "data"), "result", true);
  cJSON_AddNumberToObject(answer, "count", 0);
  eim_sb_answer_json(self, request, 200, answer);
}

static void resources(eim_sandbox *self, eim_sb_request *request, const eim_sb_user *user) {
  cJSON *answer = eim_sb_envelope(self, "get", "/users");
  cJSON *data = cJSON_AddArrayToObject(answer, "data");
  for (const eim_sb_device *device = user->devices; device; device = device->next) {
    if (!device->conn) continue;
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddStringToObject(entry, "res", device->resource);
    cJSON_AddStringToObject(entry, "device_uuid", device->uuid);
    cJSON_AddStringToObject(entry, "device_name", device->name);
    cJSON_AddItemToArray(data, entry);
  }
  eim_sb_answer_json(self, request, 200, answer);
}

static void status(eim_sandbox *self, eim_sb_request *request, const eim_sb_user *user) {
  cJSON *answer = eim_sb_envelope(self, "get", "/users");
  cJSON_AddStringToObject(cJSON_AddObjectToObject(answer, "data"), user->name,
                          online(self, user) ? "online" : "offline");
  cJSON_AddNumberToObject(answer, "count", 0);
  eim_sb_answer_json(self, request, 200, answer);
}

static void batch_status(eim_sandbox *self, eim_sb_request *request) {
  cJSON *body = eim_sb_parse_body(self, request);
  if (!body) return;
  const cJSON *names = cJSON_GetObjectItemCaseSensitive(body, "usernames"), *name;
  if (!cJSON_IsArray(names)) {
    eim_sb_refuse(self, request, 400, "illegal_argument", "java.lang.IllegalArgumentException",
                  "usernames must be provided"); /* text proposed */
  } else if (cJSON_GetArraySize(names) > 100) {
    eim_sb_refuse(self, request, 400, "illegal_argument", "java.lang.IllegalArgumentException",
                  "request body exceeds maximum limit, maximum limit is 100");
  } else {
    cJSON *answer = eim_sb_envelope(self, "get batch user status", "/users");
    cJSON *data = cJSON_AddArrayToObject(answer, "data");
    cJSON_ArrayForEach(name, names) {
      if (!cJSON_IsString(name)) continue;
      const eim_sb_user *user = eim_sb_find_user(self, name->valuestring);
      cJSON *entry = cJSON_CreateObject();
      cJSON_AddStringToObject(entry, name->valuestring,
                              user && online(self, user) ? "online" : "offline");
      cJSON_AddItemToArray(data, entry);
    }
    eim_sb_answer_json(self, request, 200, answer);
  }
  cJSON_Delete(body);
}

static void offline_count(eim_sandbox *self, eim_sb_request *request, const eim_sb_user *user) {
  int count = user->inbox.waiting;
  for (const eim_sb_device *device = user->devices; device; device = device->next)
    count += device->waiting;
  cJSON *answer = eim_sb_envelope(self, "get", "/users");
  cJSON_AddNumberToObject(cJSON_AddObjectToObject(answer, "data"), user->name, count);
  eim_sb_answer_json(self, request, 200, answer);
}

/* {"entities":[{"notification_ignore_GROUP":true}]}: how 4.8.1 says that it wants no messages of
 * this group (docs/protocol.md 24). */
static void shield_groups(eim_sandbox *self, const eim_sb_user *user, const cJSON *entities) {
  static const char prefix[] = "notification_ignore_";
  const cJSON *entity, *one;
  cJSON_ArrayForEach(entity, entities) {
    cJSON_ArrayForEach(one, entity) {
      if (!one->string || strncmp(one->string, prefix, sizeof prefix - 1) != 0) continue;
      const eim_sb_group *group = eim_sb_find_group(self, one->string + sizeof prefix - 1);
      eim_sb_member *member = group ? eim_sb_find_member(group, user->name) : NULL;
      if (member) member->shielded = cJSON_IsTrue(one);
    }
  }
}

/* The client changes its own push nickname: docs/rest.md 13. */
static void change(eim_sandbox *self, eim_sb_request *request, eim_sb_user *user) {
  cJSON *body = eim_sb_parse_body(self, request);
  if (!body) return;
  const char *nickname = eim_sb_string(body, "nickname");
  shield_groups(self, user, cJSON_GetObjectItemCaseSensitive(body, "entities"));
  char *copy = eim_strdup(nickname);
  if (copy) {
    free(user->nickname);
    user->nickname = copy;
    eim_sb_store_user(self->store, user);
  }
  cJSON_Delete(body);
  with_entity(self, request, "put", user);
}

static void refuse_method(eim_sandbox *self, eim_sb_request *request) {
  eim_sb_refuse(self, request, 405, "web_application", "javax.ws.rs.NotAllowedException",
                "HTTP 405 Method Not Allowed");
}

static void one_user(eim_sandbox *self, eim_sb_request *request, eim_sb_user *user) {
  const char *method = request->method;
  bool own = is(method, "GET") || is(method, "PUT");
  if (!own && !is(method, "DELETE"))
    refuse_method(self, request);
  else if (!eim_sb_authorize(self, request, user, !own))
    return;
  else if (!user)
    no_user(self, request);
  else if (is(method, "GET"))
    with_entity(self, request, "get", user);
  else if (is(method, "PUT"))
    change(self, request, user);
  else
    remove_one(self, request, user);
}

/* parts: what follows /users. Leaves request->status 0 for a path it does not know. */
void eim_sb_rest_account(eim_sandbox *self, eim_sb_request *request, char **parts, int count) {
  const char *method = request->method;
  if (count == 0) { /* POST is registration and never comes here; lists are not served */
    refuse_method(self, request);
    return;
  }
  if (count == 2 && is(parts[0], "batch") && is(parts[1], "status")) {
    if (!is(method, "POST"))
      refuse_method(self, request);
    else if (eim_sb_authorize(self, request, NULL, true))
      batch_status(self, request);
    return;
  }
  eim_sb_user *user = eim_sb_find_user(self, parts[0]);
  if (count == 1) {
    one_user(self, request, user);
    return;
  }
  static const struct {
    const char *what, *method, *or_method;
    bool own;                                      /* the user's own token will do */
  } calls[] = {{"password", "PUT", "POST", false}, /* R1 */
               {"deactivate", "POST", NULL, false}, {"activate", "POST", NULL, false},
               {"disconnect", "GET", NULL, false},  {"status", "GET", NULL, false},
               {"resources", "GET", NULL, true},    {"offline_msg_count", "GET", NULL, true}};
  const char *what = parts[1];
  if (count == 3 && is(what, "disconnect")) {
    if (!is(method, "DELETE"))
      refuse_method(self, request);
    else if (!eim_sb_authorize(self, request, user, true))
      return;
    else if (!user)
      no_user(self, request);
    else
      kick(self, request, user, parts[2], "delete");
    return;
  }
  for (size_t i = 0; count == 2 && i < sizeof calls / sizeof *calls; i++) {
    if (!is(what, calls[i].what)) continue;
    if (!is(method, calls[i].method) && !(calls[i].or_method && is(method, calls[i].or_method)))
      refuse_method(self, request);
    else if (!eim_sb_authorize(self, request, user, !calls[i].own))
      return;
    else if (i == 0)
      password(self, request, user);
    else if (!user)
      no_user(self, request);
    else if (i == 1) {
      eim_sb_activate(self, user, false);
      with_entity(self, request, "Deactivate user", user);
    } else if (i == 2) {
      eim_sb_activate(self, user, true);
      simple(self, request, "activate user");
    } else if (i == 3)
      kick(self, request, user, NULL, "get");
    else if (i == 4)
      status(self, request, user);
    else if (i == 5)
      resources(self, request, user);
    else
      offline_count(self, request, user);
    return;
  }
}
