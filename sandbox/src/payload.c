/* A message as the REST API writes it: docs/rest.md 8, 9. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"

typedef Easemob__Pb__MessageBody__Content content;
typedef Easemob__Pb__KeyValue key_value;

static void add(cJSON *to, const char *name, const char *text) {
  if (text) cJSON_AddStringToObject(to, name, text);
}

static cJSON *value_of(const key_value *kv) {
  switch (kv->value_case) {
  case EASEMOB__PB__KEY_VALUE__VALUE_VARINT_VALUE:
    return kv->has_type && kv->type == EASEMOB__PB__KEY_VALUE__VALUE_TYPE__BOOL
               ? cJSON_CreateBool(kv->varintvalue != 0)
               : cJSON_CreateNumber((double)kv->varintvalue);
  case EASEMOB__PB__KEY_VALUE__VALUE_FLOAT_VALUE: return cJSON_CreateNumber((double)kv->floatvalue);
  case EASEMOB__PB__KEY_VALUE__VALUE_DOUBLE_VALUE: return cJSON_CreateNumber(kv->doublevalue);
  case EASEMOB__PB__KEY_VALUE__VALUE_STRING_VALUE: {
    cJSON *json = kv->has_type && kv->type == EASEMOB__PB__KEY_VALUE__VALUE_TYPE__JSON_STRING
                      ? cJSON_Parse(kv->stringvalue)
                      : NULL;
    return json ? json : cJSON_CreateString(kv->stringvalue);
  }
  default: return cJSON_CreateNull();
  }
}

static cJSON *map_of(key_value *const *list, size_t count) {
  cJSON *map = cJSON_CreateObject();
  for (size_t i = 0; i < count; i++)
    if (list[i]->key) cJSON_AddItemToObject(map, list[i]->key, value_of(list[i]));
  return map;
}

static void add_file(cJSON *json, const content *c) {
  add(json, "filename", c->displayname);
  add(json, "secret", c->secretkey);
  add(json, "url", c->remotepath);
  if (c->has_filelength) cJSON_AddNumberToObject(json, "file_length", c->filelength);
  if (c->has_duration) cJSON_AddNumberToObject(json, "length", c->duration);
}

static cJSON *body_json(const content *c) {
  static const char *const types[] = {"txt",  "img", "video",  "loc",    "audio",
                                      "file", "cmd", "custom", "combine"};
  cJSON *json = cJSON_CreateObject();
  size_t type = c->has_type ? (size_t)c->type : 0;
  add(json, "type", type < sizeof types / sizeof *types ? types[type] : "txt");
  add(json, "msg", c->text);
  switch (type) {
  case EASEMOB__PB__MESSAGE_BODY__CONTENT__TYPE__TEXT:
    if (!c->has_subtype) break;
    add(json, "subType", "sub_combine");
    add(json, "title", c->title);
    add(json, "summary", c->summary);
    if (c->has_combinelevel) cJSON_AddNumberToObject(json, "combineLevel", c->combinelevel);
    add_file(json, c);
    break;
  case EASEMOB__PB__MESSAGE_BODY__CONTENT__TYPE__LOCATION:
    cJSON_AddNumberToObject(json, "lat", c->has_latitude ? c->latitude : 0);
    cJSON_AddNumberToObject(json, "lng", c->has_longitude ? c->longitude : 0);
    add(json, "addr", c->address);
    add(json, "buildingName", c->buildingname);
    break;
  case EASEMOB__PB__MESSAGE_BODY__CONTENT__TYPE__CUSTOM: {
    cJSON *map = map_of(c->customexts, c->n_customexts);
    add(json, "customEvent", c->customevent);
    cJSON_AddItemToObject(json, "customExts", map);
    break;
  }
  case EASEMOB__PB__MESSAGE_BODY__CONTENT__TYPE__IMAGE:
    if (c->size) {
      cJSON *size = cJSON_AddObjectToObject(json, "size");
      cJSON_AddNumberToObject(size, "width", c->size->width);
      cJSON_AddNumberToObject(size, "height", c->size->height);
    }
    add_file(json, c);
    break;
  case EASEMOB__PB__MESSAGE_BODY__CONTENT__TYPE__VIDEO:
    add(json, "thumb", c->thumbnailremotepath);
    add(json, "thumb_secret", c->thumbnailsecretkey);
    add_file(json, c);
    break;
  case EASEMOB__PB__MESSAGE_BODY__CONTENT__TYPE__VOICE:
  case EASEMOB__PB__MESSAGE_BODY__CONTENT__TYPE__FILE: add_file(json, c); break;
  default: break;
  }
  return json;
}

/* {bodies:[…], ext, from, to, type, meta}. */
cJSON *eim_sb_payload_json(const eim_sb_kept *kept) {
  Easemob__Pb__MessageBody *body = easemob__pb__message_body__unpack(
      NULL, kept->meta->pb->payload.len, kept->meta->pb->payload.data);
  if (!body) return cJSON_CreateObject();
  cJSON *json = cJSON_CreateObject(), *bodies = cJSON_AddArrayToObject(json, "bodies");
  for (size_t i = 0; i < body->n_contents; i++)
    cJSON_AddItemToArray(bodies, body_json(body->contents[i]));
  cJSON_AddItemToObject(json, "ext", map_of(body->ext, body->n_ext));
  add(json, "from", kept->from);
  add(json, "to", kept->to);
  add(json, "type", kept->group ? "groupchat" : "chat");
  cJSON *meta = body->meta ? cJSON_Parse(body->meta) : NULL;
  if (cJSON_IsObject(meta))
    cJSON_AddItemToObject(json, "meta", meta);
  else
    cJSON_Delete(meta);
  easemob__pb__message_body__free_unpacked(body, NULL);
  return json;
}

/* As D:server-side/callback_thread.md has the last message of a thread. */
cJSON *eim_sb_message_json(const eim_sandbox *self, const eim_sb_kept *kept) {
  char text[EIM_SB_MAX_NAME + 160];
  cJSON *json = cJSON_CreateObject();
  snprintf(text, sizeof text, "%llu", (unsigned long long)kept->meta->pb->id);
  cJSON_AddStringToObject(json, "id", text);
  snprintf(text, sizeof text, "%s_%s", self->app_key, kept->from);
  cJSON_AddStringToObject(json, "from", text);
  snprintf(text, sizeof text, "%s_%s", self->app_key, kept->to);
  cJSON_AddStringToObject(json, "to", text);
  cJSON_AddNumberToObject(json, "timestamp", (double)kept->meta->pb->timestamp);
  cJSON_AddItemToObject(json, "payload", eim_sb_payload_json(kept));
  return json;
}
