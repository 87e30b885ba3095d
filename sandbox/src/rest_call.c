#include "rest_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool eim_sb_is(const char *a, const char *b) {
  return a && strcmp(a, b) == 0;
}

bool eim_sb_verb(const eim_sb_call *call, const char *method) {
  return strcmp(call->request->method, method) == 0;
}

void eim_sb_no_verb(const eim_sb_call *call) {
  eim_sb_refuse(call->self, call->request, 405, "web_application",
                "javax.ws.rs.NotAllowedException", "HTTP 405 Method Not Allowed");
}

const char *eim_sb_actor(const eim_sb_call *call) {
  if (call->caller) return call->caller->name;
  return call->group && *call->group->owner ? call->group->owner : "admin";
}

bool eim_sb_admit(eim_sb_call *call, const eim_sb_user *owner) {
  if (!eim_sb_authorize(call->self, call->request, owner, false)) return false;
  const eim_sb_token *token = eim_sb_find_token(call->self, call->request->token);
  call->caller = token ? token->user : NULL;
  return true;
}

__attribute__((format(printf, 5, 0))) static void refuse(const eim_sb_call *call, int status,
                                                         const char *error, const char *exception,
                                                         const char *format, va_list args) {
  char text[400];
  vsnprintf(text, sizeof text, format, args);
  eim_sb_refuse(call->self, call->request, status, error, exception, text);
}

void eim_sb_call_refuse(const eim_sb_call *call, int status, const char *error,
                        const char *exception, const char *format, ...) {
  va_list args;
  va_start(args, format);
  refuse(call, status, error, exception, format, args);
  va_end(args);
}

void eim_sb_forbid(const eim_sb_call *call, const char *format, ...) {
  va_list args;
  va_start(args, format);
  refuse(call, 403, "forbidden_op", "com.easemob.group.exception.ForbiddenOpException", format,
         args);
  va_end(args);
}

void eim_sb_bad_parameter(const eim_sb_call *call, const char *format, ...) {
  va_list args;
  va_start(args, format);
  refuse(call, 400, "invalid_parameter", "com.easemob.group.exception.InvalidParameterException",
         format, args);
  va_end(args);
}

/* 400 for rooms, 403 for groups: docs/rest.md 12. */
void eim_sb_not_member(const eim_sb_call *call, const char *name) {
  eim_sb_call_refuse(call, call->room ? 400 : 403, "forbidden_op",
                     "com.easemob.group.exception.ForbiddenOpException",
                     "users [%.64s] are not members of this group!", name);
}

void eim_sb_no_such_user(const eim_sb_call *call, const char *name) {
  eim_sb_call_refuse(call, 404, "resource_not_found",
                     "com.easemob.group.exception.ResourceNotFoundException",
                     "username %.200s doesn't exist!", name);
}

void eim_sb_user_unknown(const eim_sb_call *call) {
  eim_sb_call_refuse(call, 404, "service_resource_not_found", "UserNotFoundException",
                     "Service resource not found");
}

void eim_sb_out_of_memory(const eim_sb_call *call) {
  eim_sb_call_refuse(call, 500, "internal_error", "java.lang.OutOfMemoryError", "out of memory");
}

bool eim_sb_needs(const eim_sb_call *call, eim_sb_role role) {
  if (!call->caller || eim_sb_role_in(call->group, call->caller->name) >= role) return true;
  if (eim_sb_role_in(call->group, call->caller->name) == EIM_SB_STRANGER)
    eim_sb_not_member(call, call->caller->name);
  else /* the text is proposed */
    eim_sb_forbid(call, "user %s has no permission to do this operation", call->caller->name);
  return false;
}

cJSON *eim_sb_call_body(const eim_sb_call *call) {
  cJSON *body = eim_sb_parse_body(call->self, call->request);
  if (!body || cJSON_IsObject(body)) return body;
  cJSON_Delete(body);
  eim_sb_bad_parameter(call, "the body must be an object"); /* proposed */
  return NULL;
}

cJSON *eim_sb_with_data(const eim_sb_call *call, cJSON *data) {
  char action[8];
  size_t i = 0;
  for (const char *c = call->request->method; *c && i + 1 < sizeof action; c++)
    action[i++] = (char)(*c | 0x20);
  action[i] = 0;
  const char *path = strchr(call->request->path + 1, '/'); /* behind the org and the app */
  path = path ? strchr(path + 1, '/') : NULL;
  cJSON *answer = eim_sb_envelope(call->self, action, path ? path : "");
  cJSON_AddArrayToObject(answer, "entities");
  cJSON_AddItemToObject(answer, "data", data);
  return answer;
}

void eim_sb_answer_data(const eim_sb_call *call, cJSON *data) {
  eim_sb_answer_json(call->self, call->request, 200, eim_sb_with_data(call, data));
}

void eim_sb_answer_list(const eim_sb_call *call, cJSON *list) {
  cJSON *answer = eim_sb_with_data(call, list);
  cJSON_AddNumberToObject(answer, "count", cJSON_GetArraySize(list));
  eim_sb_answer_json(call->self, call->request, 200, answer);
}

cJSON *eim_sb_done(const eim_sb_call *call, const char *action, const char *user,
                   const char *reason) {
  cJSON *done = cJSON_CreateObject();
  cJSON_AddBoolToObject(done, "result", !reason);
  cJSON_AddStringToObject(done, "action", action);
  if (reason) cJSON_AddStringToObject(done, "reason", reason);
  cJSON_AddStringToObject(done, "user", user);
  cJSON_AddStringToObject(done, call->room ? "id" : "groupid", call->group->id);
  return done;
}

cJSON *eim_sb_names_json(const eim_sb_names *names) {
  cJSON *list = cJSON_CreateArray();
  for (size_t i = 0; i < names->count; i++)
    cJSON_AddItemToArray(list, cJSON_CreateString(names->items[i]));
  return list;
}

static bool add(const eim_sb_call *call, eim_sb_names *names, const char *name) {
  char *lower = eim_sb_lower(name);
  bool good = lower && eim_sb_names_add(names, lower);
  free(lower);
  if (!good) eim_sb_out_of_memory(call);
  return good;
}

bool eim_sb_call_names(const eim_sb_call *call, const char *from_path, const cJSON *body,
                       eim_sb_names *names) {
  bool good = true;
  char *copy = eim_strdup(from_path), *save = NULL;
  for (char *one = copy ? strtok_r(copy, ",", &save) : NULL; one && good;
       one = strtok_r(NULL, ",", &save))
    good = add(call, names, one);
  free(copy);
  const cJSON *list = cJSON_GetObjectItemCaseSensitive(body, "usernames"), *name;
  if (body && !cJSON_IsArray(list)) {
    eim_sb_bad_parameter(call, "usernames must be provided");
    return false;
  }
  cJSON_ArrayForEach(name, list) {
    if (good && cJSON_IsString(name) && *name->valuestring)
      good = add(call, names, name->valuestring);
  }
  if (good && !names->count) {
    eim_sb_bad_parameter(call, "usernames must be provided");
    return false;
  }
  return good;
}

int eim_sb_query_int(const eim_sb_call *call, const char *name, int otherwise, int least,
                     int most) {
  char text[32], *end;
  if (!eim_sb_query(call->request, name, text, sizeof text) || !*text) return otherwise;
  long value = strtol(text, &end, 10);
  if (*end) return otherwise;
  return value < least ? least : value > most ? most : (int)value;
}

bool eim_sb_v3(const eim_sb_call *call) {
  char version[8] = "";
  return eim_sb_query(call->request, "version", version, sizeof version) &&
         strcmp(version, "v3") == 0;
}

bool eim_sb_bool(const cJSON *body, const char *name, bool otherwise) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(body, name);
  return cJSON_IsBool(item) ? cJSON_IsTrue(item) : otherwise;
}

eim_sb_page eim_sb_cursor(const eim_sb_call *call, int limit, int most) {
  return (eim_sb_page){(size_t)eim_sb_query_int(call, "cursor", 0, 0, 1000000),
                       (size_t)eim_sb_query_int(call, "limit", limit, 1, most)};
}

/* The last page has none. */
void eim_sb_add_cursor(cJSON *json, const eim_sb_page *page, size_t total) {
  if (page->first >= total || total - page->first <= page->limit) return;
  char text[32];
  snprintf(text, sizeof text, "%zu", page->first + page->limit);
  cJSON_AddStringToObject(json, "cursor", text);
}
