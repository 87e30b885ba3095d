/* Attributes of users, of members of groups, and of chat rooms: docs/rest.md 10, 12;
 * D:server-side/group_member.md, chatroom_attribute.md. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rest_call.h"

#define OP(name) EASEMOB__PB__MUCBODY__OPERATION__##name
#define USER_MAX 2048   /* bytes of one user's; docs/rest.md 16 */
#define MEMBER_MAX 4096 /* of one member's */

/* The envelope of this service: docs/rest.md 1. */
static void answer(const eim_sb_call *call, cJSON *data) {
  cJSON *json = cJSON_CreateObject();
  cJSON_AddNumberToObject(json, "timestamp", (double)eim_sb_now(call->self));
  cJSON_AddItemToObject(json, "data", data);
  cJSON_AddNumberToObject(json, "duration", 0);
  eim_sb_answer_json(call->self, call->request, 200, json);
}

static void refuse(const eim_sb_call *call, int status, const char *text) {
  eim_sb_refuse(call->self, call->request, status, "metadata_error", "MetadataException", text);
}

static size_t size_of(const cJSON *attributes) {
  size_t size = 0;
  for (const cJSON *one = attributes ? attributes->child : NULL; one; one = one->next)
    size += strlen(one->string) + (one->valuestring ? strlen(one->valuestring) : 0);
  return size;
}

/* Those of `wanted`, or all. */
static cJSON *some_of(const cJSON *attributes, const cJSON *wanted) {
  if (!cJSON_GetArraySize(wanted))
    return attributes ? cJSON_Duplicate(attributes, true) : cJSON_CreateObject();
  cJSON *part = cJSON_CreateObject();
  const cJSON *key;
  cJSON_ArrayForEach(key, wanted) {
    const cJSON *value =
        cJSON_IsString(key) ? cJSON_GetObjectItemCaseSensitive(attributes, key->valuestring) : NULL;
    if (value) cJSON_AddItemToObject(part, key->valuestring, cJSON_Duplicate(value, true));
  }
  return part;
}

static void set_one(cJSON *attributes, const char *key, const char *value) {
  cJSON_DeleteItemFromObjectCaseSensitive(attributes, key);
  if (*value) cJSON_AddStringToObject(attributes, key, value);
}

/* ---- of users */

static int hex(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

static void decode(char *text) {
  char *out = text;
  for (; *text; text++) {
    int high = *text == '%' ? hex(text[1]) : -1, low = high < 0 ? -1 : hex(text[2]);
    if (low >= 0) {
      *out++ = (char)(high * 16 + low);
      text += 2;
    } else {
      *out++ = *text == '+' ? ' ' : *text;
    }
  }
  *out = 0;
}

/* a=1&b=2, url-encoded, into `attributes`. */
static bool read_form(const eim_sb_call *call, cJSON *attributes) {
  const eim_buf *body = &call->request->body;
  if (memchr(body->data ? body->data : (uint8_t *)"", 0, body->length)) return false;
  char *copy = eim_strdup(body->data ? (char *)body->data : ""), *save = NULL;
  bool good = copy != NULL;
  for (char *one = copy ? strtok_r(copy, "&", &save) : NULL; one;
       one = strtok_r(NULL, "&", &save)) {
    char *value = strchr(one, '=');
    if (!value) continue;
    *value++ = 0;
    decode(one);
    decode(value);
    if (!eim_utf8_valid(one, strlen(one)) || !eim_utf8_valid(value, strlen(value)))
      good = false;
    else
      set_one(attributes, one, value);
  }
  free(copy);
  return good;
}

static void set_user(eim_sb_call *call, eim_sb_user *user) {
  const char *type = call->request->content_type;
  if (!type || strncasecmp(type, "application/x-www-form-urlencoded", 33) != 0) {
    eim_sb_refuse(call->self, call->request, 415, "web_application",
                  "javax.ws.rs.NotSupportedException", "HTTP 415 Unsupported Media Type");
    return;
  }
  cJSON *attributes =
      user->attributes ? cJSON_Duplicate(user->attributes, true) : cJSON_CreateObject();
  if (!read_form(call, attributes)) {
    eim_sb_call_refuse(call, 400, "BAD_REQUEST", "MetadataException", "the form is not valid");
  } else if (size_of(attributes) > USER_MAX) {
    eim_sb_call_refuse(call, 403, "FORBIDDEN", "MetadataException",
                       "size of metadata for this single user exceeds the user defined limit, %d"
                       "Bytes",
                       USER_MAX);
  } else {
    cJSON_Delete(user->attributes);
    user->attributes = attributes;
    answer(call, cJSON_Duplicate(attributes, true));
    return;
  }
  cJSON_Delete(attributes);
}

static void get_users(eim_sb_call *call, const cJSON *body) {
  const cJSON *targets = cJSON_GetObjectItemCaseSensitive(body, "targets"), *target;
  const cJSON *properties = cJSON_GetObjectItemCaseSensitive(body, "properties");
  if (cJSON_GetArraySize(targets) > 100) {
    eim_sb_call_refuse(call, 400, "BAD_REQUEST", "MetadataException",
                       "exceed allowed batch size %d", 100);
    return;
  }
  cJSON *data = cJSON_CreateObject();
  cJSON_ArrayForEach(target, targets) {
    const eim_sb_user *user =
        cJSON_IsString(target) ? eim_sb_find_user(call->self, target->valuestring) : NULL;
    if (cJSON_IsString(target))
      cJSON_AddItemToObject(data, target->valuestring,
                            some_of(user ? user->attributes : NULL, properties));
  }
  answer(call, data);
}

static void users(eim_sb_call *call) {
  const char *what = call->count == 2 ? call->parts[1] : NULL;
  if (eim_sb_is(what, "get") && eim_sb_verb(call, "POST")) {
    cJSON *body = eim_sb_admit(call, NULL) ? eim_sb_call_body(call) : NULL;
    if (body) get_users(call, body);
    cJSON_Delete(body);
    return;
  }
  if (!what) return;
  if (eim_sb_is(what, "capacity") && eim_sb_verb(call, "GET")) {
    if (!eim_sb_authorize(call->self, call->request, NULL, true)) return;
    size_t size = 0;
    for (size_t i = 0; i < EIM_SB_BUCKETS; i++)
      for (const eim_sb_user *user = call->self->users[i]; user; user = user->next)
        size += size_of(user->attributes);
    answer(call, cJSON_CreateNumber((double)size));
    return;
  }
  eim_sb_user *user = eim_sb_find_user(call->self, what);
  bool look = eim_sb_verb(call, "GET"); /* everybody's can be seen, as with the call for several */
  if (!eim_sb_admit(call, look ? NULL : user)) return;
  if (!user) {
    eim_sb_user_unknown(call);
  } else if (call->caller && call->caller != user && !look) {
    eim_sb_call_refuse(call, 401, "metadata_error", "MetadataException", "auth error");
  } else if (look) {
    answer(call, some_of(user->attributes, NULL));
  } else if (eim_sb_verb(call, "PUT")) {
    set_user(call, user);
  } else if (eim_sb_verb(call, "DELETE")) {
    cJSON_Delete(user->attributes);
    user->attributes = NULL;
    answer(call, cJSON_CreateTrue());
  } else {
    eim_sb_no_verb(call);
  }
}

/* ---- of members of groups */

static void tell_member(const eim_sb_call *call, const eim_sb_member *member) {
  cJSON *detail = cJSON_CreateObject(); /* as 4.8.1 reads it */
  cJSON_AddStringToObject(detail, "username", member->name);
  cJSON_AddItemToObject(detail, "properties", some_of(member->attributes, NULL));
  char *text = cJSON_PrintUnformatted(detail);
  cJSON_Delete(detail);
  char resource[EIM_SB_MAX_RESOURCE + 1] = "";
  eim_sb_query(call->request, "resource", resource, sizeof resource);
  eim_sb_muc event = {.operation = OP(GROUP_MEMBER_METADATA_UPDATE),
                      .from = call->caller ? call->caller->name : member->name,
                      .device = *resource ? resource : NULL,
                      .detail = text};
  eim_sb_tell_members(call->self, call->group, &event, call->caller ? call->caller->name : NULL);
  if (call->caller && *resource) /* 4.8.1 tells its own devices apart by that: onMultiDeviceEvent */
    eim_sb_tell(call->self, call->group, &event, call->caller->name, resource);
  cJSON_free(text);
}

static void set_member(eim_sb_call *call, eim_sb_member *member, const cJSON *body) {
  const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(body, "metaData"), *one;
  cJSON *attributes =
      member->attributes ? cJSON_Duplicate(member->attributes, true) : cJSON_CreateObject();
  const char *why = cJSON_IsObject(metadata) ? NULL : "metaData must be provided";
  if (why) metadata = NULL;
  cJSON_ArrayForEach(one, metadata) {
    if (!cJSON_IsString(one))
      why = "metaData must hold strings"; /* proposed */
    else if (strlen(one->string) > 16)
      why = "exceeds chatgroup user metadata single key limit";
    else if (strlen(one->valuestring) > 512)
      why = "exceeds chatgroup user metadata single value limit";
    else
      set_one(attributes, one->string, one->valuestring);
  }
  if (!why && size_of(attributes) > MEMBER_MAX)
    why = "exceeds chatgroup user metadata limit"; /* text proposed */
  if (why) {
    refuse(call, 400, why);
    cJSON_Delete(attributes);
    return;
  }
  cJSON_Delete(member->attributes);
  member->attributes = attributes;
  tell_member(call, member);
  answer(call, cJSON_Duplicate(attributes, true));
}

static void get_members(eim_sb_call *call, const cJSON *body) {
  const cJSON *targets = cJSON_GetObjectItemCaseSensitive(body, "targets"), *target;
  if (cJSON_GetArraySize(targets) > 10) {
    refuse(call, 400, "query param reaches limit.");
    return;
  }
  cJSON *data = cJSON_CreateObject();
  cJSON_ArrayForEach(target, targets) {
    const eim_sb_member *member =
        cJSON_IsString(target) ? eim_sb_find_member(call->group, target->valuestring) : NULL;
    if (member)
      cJSON_AddItemToObject(
          data, member->name,
          some_of(member->attributes, cJSON_GetObjectItemCaseSensitive(body, "properties")));
  }
  answer(call, data);
}

static void members(eim_sb_call *call) {
  bool get = call->count == 3 && eim_sb_is(call->parts[2], "get");
  if (!get && !(call->count == 4 && eim_sb_is(call->parts[2], "user"))) return;
  if (!eim_sb_admit(call, NULL)) return;
  call->group = eim_sb_find_group(call->self, call->parts[1]);
  if (!call->group || call->group->room || eim_sb_is_thread(call->group)) {
    refuse(call, 404, "group not exists");
    return;
  }
  if (!eim_sb_needs(call, EIM_SB_MEMBER)) return;
  bool with_body = get ? eim_sb_verb(call, "POST") : eim_sb_verb(call, "PUT");
  cJSON *body = with_body ? eim_sb_call_body(call) : NULL;
  char *name = get ? NULL : eim_sb_lower(call->parts[3]);
  eim_sb_member *member = name ? eim_sb_find_member(call->group, name) : NULL;
  bool own = !call->caller || (name && strcmp(call->caller->name, name) == 0);
  if (with_body && !body)
    ; /* refused already */
  else if (get && body)
    get_members(call, body);
  else if (get)
    eim_sb_no_verb(call);
  else if (!member)
    eim_sb_refuse(call->self, call->request, 404, "MetadataException", "MetadataException",
                  "user not in group");
  else if (body && !own && !eim_sb_needs(call, EIM_SB_ADMIN))
    ; /* another's: the staff may; proposed */
  else if (body)
    set_member(call, member, body);
  else if (eim_sb_verb(call, "GET"))
    answer(call, some_of(member->attributes, NULL));
  else
    eim_sb_no_verb(call);
  free(name);
  cJSON_Delete(body);
}

/* ---- of chat rooms: one list for all; everybody changes what is his, or anything by force */

static void answer_room(const eim_sb_call *call, cJSON *data) {
  cJSON *json = cJSON_CreateObject();
  eim_buf uri = EIM_BUF_INIT;
  eim_buf_printf(&uri, "%s/%s/%s/metadata/chatroom", call->self->api_url, call->self->org,
                 call->self->app);
  cJSON_AddStringToObject(json, "uri", uri.failed ? "" : (char *)uri.data);
  eim_buf_free(&uri);
  cJSON_AddNumberToObject(json, "timestamp", (double)eim_sb_now(call->self));
  cJSON_AddStringToObject(json, "action",
                          eim_sb_verb(call, "PUT")      ? "put"
                          : eim_sb_verb(call, "DELETE") ? "delete"
                                                        : "post");
  cJSON_AddItemToObject(json, "data", data);
  eim_sb_answer_json(call->self, call->request, 200, json);
}

static void get_room(eim_sb_call *call, const cJSON *body) {
  const cJSON *keys = cJSON_GetObjectItemCaseSensitive(body, "keys"), *key;
  cJSON *data = cJSON_CreateObject();
  cJSON_ArrayForEach(key, keys) {
    const eim_sb_attribute *one =
        cJSON_IsString(key) ? eim_sb_find_attribute(call->group, key->valuestring) : NULL;
    if (one) cJSON_AddStringToObject(data, one->key, one->value);
  }
  if (!cJSON_GetArraySize(keys))
    for (const eim_sb_attribute *one = call->group->attributes; one; one = one->next)
      cJSON_AddStringToObject(data, one->key, one->value);
  answer_room(call, data);
}

/* Why this attribute cannot be set or removed by this user; NULL: it can. The texts are those 4.8.1
 * looks for. */
static const char *problem_with(const eim_sb_call *call, const char *key, const char *value,
                                const char *user, bool forced, char text[256]) {
  const eim_sb_attribute *known = eim_sb_find_attribute(call->group, key);
  if (!forced && known && strcmp(known->owner, user) != 0)
    snprintf(text, 256, "properties key '%.64s' is not part of you", key);
  else if (!value && !known)
    snprintf(text, 256, "properties key '%.64s' is not exist", key); /* proposed */
  else if (!value)
    return NULL;
  else if (strlen(key) > 128)
    snprintf(text, 256, "properties key '%.160s' is exceeding maximum limit 128", key);
  else if (!*key || !eim_sb_name_legal(key))
    snprintf(text, 256, "properties key '%.64s' is not Legal", key);
  else if (strlen(value) > 4096)
    snprintf(text, 256, "properties value of '%.64s' is exceeding maximum limit 4096", key);
  else if (!known && call->group->attribute_count >= EIM_SB_MAX_ROOM_ATTRIBUTES)
    snprintf(text, 256,
             "size of metadata for this single chatroom exceeds the user defined limit, 100");
  else
    return NULL;
  return text;
}

static void tell_room(const eim_sb_call *call, const char *user, const cJSON *success,
                      const cJSON *metadata) {
  if (!cJSON_GetArraySize(success)) return;
  cJSON *detail = cJSON_CreateObject(); /* as 4.8.1 reads it */
  cJSON *result = cJSON_AddObjectToObject(detail, "result");
  cJSON_AddItemToObject(result, "successKeys", cJSON_Duplicate(success, true));
  cJSON_AddObjectToObject(result, "errorKeys");
  if (metadata) cJSON_AddItemToObject(detail, "properties", cJSON_Duplicate(metadata, true));
  char *text = cJSON_PrintUnformatted(detail);
  cJSON_Delete(detail);
  eim_sb_tell_members(call->self, call->group,
                      &(eim_sb_muc){.operation = metadata ? OP(SET_METADATA) : OP(DELETE_METADATA),
                                    .from = user,
                                    .detail = text},
                      call->caller ? call->caller->name : NULL);
  cJSON_free(text);
}

static void change_room(eim_sb_call *call, const char *user, const cJSON *body, bool forced) {
  bool set = eim_sb_verb(call, "PUT");
  const cJSON *list = cJSON_GetObjectItemCaseSensitive(body, set ? "metaData" : "keys"), *one;
  const char *how = eim_sb_string(body, "autoDelete");
  if (set ? !cJSON_IsObject(list) : !cJSON_IsArray(list)) {
    refuse(call, 400, set ? "metaData must be provided" : "keys must be provided");
    return;
  }
  if (cJSON_GetArraySize(list) > 10) {
    refuse(call, 400, "exceed allowed batch size 10");
    return;
  }
  cJSON *data = cJSON_CreateObject(), *success = cJSON_AddArrayToObject(data, "successKeys");
  cJSON *errors = cJSON_AddObjectToObject(data, "errorKeys");
  cJSON_ArrayForEach(one, list) {
    char text[256];
    const char *key = set ? one->string : one->valuestring;
    const char *value = set ? one->valuestring : NULL;
    if (!key || (set && !value)) continue;
    const char *why = problem_with(call, key, value, user, forced, text);
    if (!why && !eim_sb_set_attribute(call->group, key, value, user, !eim_sb_is(how, "NO_DELETE")))
      why = "out of memory";
    if (why)
      cJSON_AddStringToObject(errors, key, why);
    else
      cJSON_AddItemToArray(success, cJSON_CreateString(key));
  }
  tell_room(call, user, success, set ? list : NULL);
  answer_room(call, data);
}

/* chatroom/R, chatroom/R/user/U, chatroom/R/user/U/forced */
static void rooms(eim_sb_call *call) {
  bool forced = call->count == 5 && eim_sb_is(call->parts[4], "forced");
  bool by_user = (call->count == 4 || forced) && eim_sb_is(call->parts[2], "user");
  if (call->count != 2 && !by_user) return;
  eim_sb_user *user = by_user ? eim_sb_find_user(call->self, call->parts[3]) : NULL;
  if (!eim_sb_admit(call, NULL)) return;
  call->group = eim_sb_find_group(call->self, call->parts[1]);
  bool right_verb =
      by_user ? eim_sb_verb(call, "PUT") || eim_sb_verb(call, "DELETE") : eim_sb_verb(call, "POST");
  if (!call->group || !call->group->room) {
    call->group = NULL;
    eim_sb_call_refuse(call, 404, "resource_not_found",
                       "com.easemob.group.exception.ResourceNotFoundException",
                       "grpID %.64s does not exist!", call->parts[1]);
    return;
  }
  if (!right_verb) {
    eim_sb_no_verb(call);
    return;
  }
  if (by_user && call->caller && call->caller != user) {
    refuse(call, 400, "others are not allowed to be set");
    return;
  }
  const char *needed = by_user        ? (user ? user->name : call->parts[3])
                       : call->caller ? call->caller->name
                                      : NULL;
  if (needed && !eim_sb_in_group(call->group, needed)) {
    refuse(call, 401, "user is not in chatroom");
    return;
  }
  cJSON *body = eim_sb_call_body(call);
  if (body && by_user)
    change_room(call, user->name, body, forced);
  else if (body)
    get_room(call, body);
  cJSON_Delete(body);
}

void eim_sb_rest_metadata(eim_sandbox *self, eim_sb_request *request, char **parts, int count) {
  eim_sb_call call = {.self = self, .request = request, .parts = parts, .count = count};
  if (!request->token || !*request->token) { /* docs/rest.md 4 */
    eim_sb_answer(self, request, 400, "");
    return;
  }
  if (count && eim_sb_is(parts[0], "user"))
    users(&call);
  else if (count && eim_sb_is(parts[0], "chatgroup"))
    members(&call);
  else if (count && eim_sb_is(parts[0], "chatroom"))
    rooms(&call);
}
