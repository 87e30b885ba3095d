/* build.c - messages built here: one table of fields says what each kind takes (docs/protocol.md
 * 12), whether it comes by a builder or as JSON. The body that results has the same names. */
#include "model/build.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/text.h"
#include "model/combine.h"
#include "model/error.h"
#include "model/message.h"

/* Sanity only: the server's own limits are lower and differ by contract. */
enum {
  TO_MAX = 255,
  TEXT_MAX = 1 << 20,
  OBJECT_MAX = 1 << 20,
  JSON_MAX = 4 << 20,
  DEPTH_MAX = 32,
  KEY_MAX = 1024,
  RECEIVERS_MAX = 20 /* docs/rest.md 8 */
};

typedef enum field_type {
  TEXT,
  INTEGER,
  REAL,
  BOOLEAN,
  PRIORITY,
  OBJECT,
  RECEIVERS,
  CONFIG,
  MESSAGES
} field_type;

#define KIND(kind) (1u << EIM_MESSAGE_##kind)
#define ANY 0x3feu
#define ATTACHED (KIND(IMAGE) | KIND(VIDEO) | KIND(VOICE) | KIND(FILE) | KIND(COMBINE))
#define UPLOADED (KIND(IMAGE) | KIND(VIDEO) | KIND(VOICE) | KIND(FILE))
#define CHAT(type) (1u << EIM_CHAT_##type)
#define ALL_CHATS (CHAT(SINGLE) | CHAT(GROUP) | CHAT(ROOM))

/* The order is that of the body. "path" and "messages" are not in the body: they are for us. */
enum { PATH_FIELD = 1, URL_FIELD = 2, MESSAGES_FIELD = 3 };
static const struct {
  const char *name;
  field_type type;
  unsigned kinds, chats;
  bool required;       /* and not empty */
  int64_t least, most; /* of numbers */
} fields[] = {
    {"msg", TEXT, KIND(TEXT), ALL_CHATS, true, 0, 0},
    {"path", TEXT, UPLOADED, ALL_CHATS, false, 0, 0},
    {"url", TEXT, ATTACHED, ALL_CHATS, true, 0, 0},
    {"messages", MESSAGES, KIND(COMBINE), ALL_CHATS, false, 0, 0},
    {"secret", TEXT, ATTACHED, ALL_CHATS, false, 0, 0},
    {"filename", TEXT, ATTACHED, ALL_CHATS, false, 0, 0},
    {"file_length", INTEGER, ATTACHED, ALL_CHATS, false, 0, INT32_MAX},
    {"width", REAL, KIND(IMAGE), ALL_CHATS, false, 0, INT32_MAX},
    {"height", REAL, KIND(IMAGE), ALL_CHATS, false, 0, INT32_MAX},
    {"isGif", BOOLEAN, KIND(IMAGE), ALL_CHATS, false, 0, 0},
    {"length", INTEGER, KIND(VIDEO) | KIND(VOICE), ALL_CHATS, false, 0, INT32_MAX},
    {"thumb", TEXT, KIND(VIDEO), ALL_CHATS, false, 0, 0},
    {"thumb_secret", TEXT, KIND(VIDEO), ALL_CHATS, false, 0, 0},
    {"lat", REAL, KIND(LOCATION), ALL_CHATS, true, -90, 90},
    {"lng", REAL, KIND(LOCATION), ALL_CHATS, true, -180, 180},
    {"addr", TEXT, KIND(LOCATION), ALL_CHATS, false, 0, 0},
    {"buildingName", TEXT, KIND(LOCATION), ALL_CHATS, false, 0, 0},
    {"action", TEXT, KIND(COMMAND), ALL_CHATS, true, 0, 0},
    {"customEvent", TEXT, KIND(CUSTOM), ALL_CHATS, true, 0, 0},
    {"customExts", OBJECT, KIND(CUSTOM), ALL_CHATS, false, 0, 0},
    {"title", TEXT, KIND(COMBINE), ALL_CHATS, false, 0, 0},
    {"summary", TEXT, KIND(COMBINE), ALL_CHATS, false, 0, 0},
    {"compatibleText", TEXT, KIND(COMBINE), ALL_CHATS, false, 0, 0},
    {"combineLevel", INTEGER, KIND(COMBINE), ALL_CHATS, false, 1, EIM_COMBINE_LEVELS},
    {"deliverOnlineOnly", BOOLEAN, ANY, ALL_CHATS, false, 0, 0},
    {"priority", PRIORITY, ANY, CHAT(ROOM), false, 0, 0},
    {"receiverList", RECEIVERS, ANY, CHAT(GROUP) | CHAT(ROOM), false, 0, 0},
    {"msgConfig", CONFIG, ANY, CHAT(GROUP), false, 0, 0},
    {"isChatThread", BOOLEAN, ANY, CHAT(GROUP), false, 0, 0},
};
#define FIELDS (sizeof fields / sizeof *fields)

static const char *const allowed[] = {
    [TEXT] = "UTF-8 text",
    [INTEGER] = "a whole number",
    [REAL] = "a number",
    [BOOLEAN] = "true, false",
    [PRIORITY] = "high, normal, low",
    [OBJECT] = "a JSON object",
    [RECEIVERS] = "a JSON list of 1 to 20 user ids",
    [CONFIG] = "{\"allowGroupAck\":true}",
    [MESSAGES] = "a JSON list of 1 to 300 messages",
};

/* What only a server or another SDK's sender says: fine in JSON, of no effect. */
static const char *const passed_over[] = {"id",
                                          "localId",
                                          "from",
                                          "fromResource",
                                          "time",
                                          "onlineState",
                                          "thumb",
                                          "thumb_secret",
                                          "params",
                                          "broadcast",
                                          "meta",
                                          "stream",
                                          "moreContents",
                                          "isContentReplaced",
                                          "thumb_file_length",
                                          "thumb_width",
                                          "thumb_height"};

struct eim_message_builder {
  eim_message_kind kind;
  eim_chat_type chat_type;
  char *to;
  char *values[FIELDS]; /* JSON, NULL: not set */
  char *ext;            /* JSON object, NULL: none */
};

/* ------------------------------------------------------------------ checks */

eim_status eim_check_receiver(eim_chat_type chat_type, const char *to) {
  size_t length = to ? strlen(to) : 0;
  if (chat_type != EIM_CHAT_SINGLE && chat_type != EIM_CHAT_GROUP && chat_type != EIM_CHAT_ROOM)
    return eim_fail(EIM_E_INVALID, "message: chat type %d is not known", (int)chat_type);
  if (!length) return eim_fail(EIM_E_INVALID, "message: to is empty");
  if (length > TO_MAX)
    return eim_fail(EIM_E_INVALID, "message: to has %zu bytes, at most %d are allowed", length,
                    TO_MAX);
  if (!eim_utf8_valid(to, length)) return eim_fail(EIM_E_INVALID, "message: to is not valid UTF-8");
  for (const char *c = to; *c; c++)
    if ((unsigned char)*c < 0x20 || *c == 0x7f)
      return eim_fail(EIM_E_INVALID, "message: to has a control character in it");
  return EIM_OK;
}

/* Depth of a JSON text by its brackets outside strings; valid or not. */
static int json_depth(const char *text, size_t length) {
  int depth = 0, deepest = 0;
  bool quoted = false;
  for (const char *end = text + length; text < end; text++) {
    if (quoted) {
      if (*text == '\\' && text + 1 < end)
        text++;
      else if (*text == '"')
        quoted = false;
    } else if (*text == '"') {
      quoted = true;
    } else if (*text == '{' || *text == '[') {
      if (++depth > deepest) deepest = depth;
    } else if (*text == '}' || *text == ']') {
      depth--;
    }
  }
  return deepest;
}

/* A JSON value of at most DEPTH_MAX levels. */
static eim_status check_json(const char *what, const char *text, size_t length, eim_json *out) {
  size_t most = strcmp(what, "messages") ? OBJECT_MAX : JSON_MAX;
  int depth = strcmp(what, "messages") ? DEPTH_MAX : DEPTH_MAX + 2; /* they have ext themselves */
  if (length > most)
    return eim_fail(EIM_E_INVALID, "message: %s has %zu bytes, at most %zu are allowed", what,
                    length, most);
  if (!eim_utf8_valid(text, length))
    return eim_fail(EIM_E_INVALID, "message: %s is not valid UTF-8", what);
  if (json_depth(text, length) > depth)
    return eim_fail(EIM_E_INVALID, "message: %s is nested deeper than %d levels", what, depth);
  if (!eim_json_parse(out, text, length))
    return eim_fail(EIM_E_INVALID, "message: %s is not JSON", what);
  return EIM_OK;
}

eim_status eim_check_ext(const char *ext) {
  eim_json json;
  eim_status status = check_json("ext", ext, strlen(ext), &json);
  if (!status && eim_json_kind(json) != EIM_JSON_OBJECT)
    status = eim_fail(EIM_E_INVALID, "message: ext is not a JSON object");
  return status;
}

static eim_status refuse(size_t field) {
  if (fields[field].type == INTEGER || fields[field].type == REAL)
    return eim_fail(EIM_E_INVALID, "message: %s: allowed is %s from %lld to %lld",
                    fields[field].name, allowed[fields[field].type], (long long)fields[field].least,
                    (long long)fields[field].most);
  return eim_fail(EIM_E_INVALID, "message: %s: allowed is %s", fields[field].name,
                  allowed[fields[field].type]);
}

static eim_status too_large(const char *name, size_t length) {
  return eim_fail_with(EIM_E_INVALID,
                       eim_error_new(EIM_CODE_MESSAGE_SIZE_LIMIT, EIM_DOMAIN_LOCAL, EIM_E_INVALID,
                                     0, "message: %s has %zu bytes, at most %d are allowed", name,
                                     length, TEXT_MAX));
}

static bool are_receivers(eim_json list) {
  size_t count = 0;
  if (eim_json_kind(list) != EIM_JSON_ARRAY) return false;
  for (eim_json_iter it = eim_json_each(list); eim_json_next(&it); count++) {
    char name[TO_MAX + 1];
    if (!eim_json_copy(it.value, name, sizeof name) || !*name) return false;
  }
  return count >= 1 && count <= RECEIVERS_MAX;
}

static bool is_config(eim_json value) {
  if (eim_json_kind(value) != EIM_JSON_OBJECT) return false;
  eim_json_type ack = eim_json_kind(eim_json_get(value, "allowGroupAck"));
  return ack == EIM_JSON_NONE || ack == EIM_JSON_TRUE || ack == EIM_JSON_FALSE;
}

/* Does this JSON value fit the field? */
static eim_status check_value(size_t field, eim_json value) {
  eim_json_type kind = eim_json_kind(value);
  int64_t integer;
  double real;
  bool fits = false;
  switch (fields[field].type) {
  case TEXT:
    if (kind == EIM_JSON_STRING && (size_t)(value.end - value.at) > TEXT_MAX + 2)
      return too_large(fields[field].name, (size_t)(value.end - value.at));
    fits = kind == EIM_JSON_STRING && (!fields[field].required || value.end - value.at > 2);
    if (kind == EIM_JSON_STRING && !fits)
      return eim_fail(EIM_E_INVALID, "message: %s is empty", fields[field].name);
    break;
  case INTEGER:
    fits = eim_json_i64(value, &integer) && integer >= fields[field].least &&
           integer <= fields[field].most;
    break;
  case REAL:
    fits = kind == EIM_JSON_NUMBER && eim_json_double(value, &real) && isfinite(real) &&
           real >= (double)fields[field].least && real <= (double)fields[field].most;
    break;
  case BOOLEAN: fits = kind == EIM_JSON_TRUE || kind == EIM_JSON_FALSE; break;
  case PRIORITY:
    fits = eim_json_is(value, "high") || eim_json_is(value, "normal") || eim_json_is(value, "low");
    break;
  case OBJECT: fits = kind == EIM_JSON_OBJECT; break;
  case RECEIVERS: fits = are_receivers(value); break;
  case CONFIG: fits = is_config(value); break;
  case MESSAGES: fits = kind == EIM_JSON_ARRAY; break; /* looked at when it is built */
  }
  return fits ? EIM_OK : refuse(field);
}

/* ------------------------------------------------------------------ builder */

eim_status eim_message_builder_new(eim_message_kind kind, eim_chat_type chat_type, const char *to,
                                   eim_message_builder **out) {
  if (!out) return eim_fail(EIM_E_INVALID, "message: out is NULL");
  if (kind <= EIM_MESSAGE_UNKNOWN || kind > EIM_MESSAGE_COMBINE)
    return eim_fail(EIM_E_INVALID, "message: kind %d cannot be built", (int)kind);
  eim_status status = eim_check_receiver(chat_type, to);
  if (status) return status;
  eim_message_builder *self = calloc(1, sizeof *self);
  char *copy = eim_strdup(to);
  if (!self || !copy) {
    free(self);
    free(copy);
    return eim_fail(EIM_E_NOMEM, "message: out of memory");
  }
  self->kind = kind;
  self->chat_type = chat_type;
  self->to = copy;
  *out = self;
  return EIM_OK;
}

void eim_message_builder_free(eim_message_builder *self) {
  if (!self) return;
  for (size_t i = 0; i < FIELDS; i++) free(self->values[i]);
  free(self->ext);
  free(self->to);
  free(self);
}

static const char *kind_name(eim_message_kind kind) {
  eim_message probe = {.kind = kind};
  return eim_message_type(&probe);
}

static size_t distance(const char *a, const char *b) {
  size_t row[32], m = strlen(b);
  for (size_t j = 0; j <= m; j++) row[j] = j;
  for (size_t i = 1; *a; a++, i++) {
    size_t corner = row[0];
    row[0] = i;
    for (size_t j = 1; j <= m; j++) {
      size_t above = row[j], best = corner + ((*a | 32) != (b[j - 1] | 32));
      if (above + 1 < best) best = above + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      corner = above;
      row[j] = best;
    }
  }
  return row[m];
}

static eim_status unknown_field(const eim_message_builder *self, const char *name) {
  const char *nearest = NULL;
  size_t best = 4;
  if (strlen(name) < 64)
    for (size_t i = 0; i < FIELDS; i++) {
      size_t d = distance(name, fields[i].name);
      if (!(fields[i].kinds & 1u << self->kind) || d >= best) continue;
      best = d;
      nearest = fields[i].name;
    }
  if (nearest)
    return eim_fail(EIM_E_INVALID, "message: unknown field '%s'; did you mean '%s'?", name,
                    nearest);
  return eim_fail(EIM_E_INVALID, "message: unknown field '%.64s'", name);
}

/* The field of that name; FIELDS when there is none. */
static size_t find_field(const char *name) {
  size_t i = 0;
  while (i < FIELDS && strcmp(fields[i].name, name)) i++;
  return i;
}

static eim_status check_applies(const eim_message_builder *self, size_t field) {
  if (!(fields[field].kinds & 1u << self->kind))
    return eim_fail(EIM_E_INVALID, "message: a message of type %s has no field '%s'",
                    kind_name(self->kind), fields[field].name);
  if (!(fields[field].chats & 1u << self->chat_type))
    return eim_fail(EIM_E_INVALID, "message: '%s' is not for %s", fields[field].name,
                    self->chat_type == EIM_CHAT_SINGLE  ? "single chats"
                    : self->chat_type == EIM_CHAT_GROUP ? "groups"
                                                        : "chat rooms");
  return EIM_OK;
}

/* Takes over the JSON of a field after checking it; released when it does not fit. */
static eim_status put(eim_message_builder *self, size_t field, eim_buf *json) {
  eim_json value;
  eim_status status =
      json->failed ? eim_fail(EIM_E_NOMEM, "message: out of memory")
                   : check_json(fields[field].name, (const char *)json->data, json->length, &value);
  if (status && fields[field].type != OBJECT && fields[field].type != RECEIVERS && !json->failed &&
      fields[field].type != TEXT && fields[field].type != MESSAGES)
    status = refuse(field);
  if (!status) status = check_value(field, value);
  if (status) {
    eim_buf_free(json);
    return status;
  }
  free(self->values[field]);
  self->values[field] = (char *)json->data; /* NUL-terminated (buf.h) */
  return EIM_OK;
}

eim_status eim_message_builder_set(eim_message_builder *self, const char *name, const char *value) {
  if (!self || !name) return eim_fail(EIM_E_INVALID, "message: NULL");
  if (!strcmp(name, "ext")) {
    eim_status status = value && *value ? eim_check_ext(value) : EIM_OK;
    if (status) return status;
    char *copy = value && *value ? eim_strdup(value) : NULL;
    if (value && *value && !copy) return eim_fail(EIM_E_NOMEM, "message: out of memory");
    free(self->ext);
    self->ext = copy;
    return EIM_OK;
  }
  size_t field = find_field(name);
  if (field == FIELDS) return unknown_field(self, name);
  eim_status status = check_applies(self, field);
  if (status) return status;
  if (!value) {
    free(self->values[field]);
    self->values[field] = NULL;
    return EIM_OK;
  }
  eim_buf json = EIM_BUF_INIT;
  switch (fields[field].type) {
  case TEXT:
    if (strlen(value) > TEXT_MAX) return too_large(name, strlen(value));
    if (!eim_utf8_valid(value, strlen(value)))
      return eim_fail(EIM_E_INVALID, "message: %s is not valid UTF-8", name);
    if (!*value && fields[field].required)
      return eim_fail(EIM_E_INVALID, "message: %s is empty", name);
    eim_buf_json_str(&json, value);
    if (!json.failed && json.length > OBJECT_MAX) {
      /* Long only by its escapes: the checks of JSON do not apply. */
      free(self->values[field]);
      self->values[field] = (char *)json.data;
      return EIM_OK;
    }
    break;
  case PRIORITY: eim_buf_json_str(&json, value); break;
  case BOOLEAN:
    eim_buf_str(&json, !strcmp(value, "1") ? "true" : !strcmp(value, "0") ? "false" : value);
    break;
  default: eim_buf_str(&json, value); break;
  }
  if (!json.data && !json.failed) return refuse(field); /* an empty number, object … */
  return put(self, field, &json);
}

eim_status eim_message_builder_set_ext(eim_message_builder *self, const char *key,
                                       const char *json) {
  eim_json value, old = {NULL, NULL};
  if (!self || !key || !json) return eim_fail(EIM_E_INVALID, "message: NULL");
  if (!*key || strlen(key) > KEY_MAX || !eim_utf8_valid(key, strlen(key)))
    return eim_fail(EIM_E_INVALID, "message: an ext key is UTF-8 of 1 to %d bytes", KEY_MAX);
  eim_status status = check_json("ext", json, strlen(json), &value);
  if (status) return status;
  eim_buf out = EIM_BUF_INIT;
  const char *separator = "{";
  if (self->ext) eim_json_parse(&old, self->ext, strlen(self->ext));
  for (eim_json_iter it = eim_json_each(old); old.at && eim_json_next(&it);) {
    if (eim_json_is(it.key, key)) continue;
    eim_buf_str(&out, separator);
    eim_json_raw(it.key, &out);
    eim_buf_str(&out, ":");
    eim_json_raw(it.value, &out);
    separator = ",";
  }
  eim_buf_str(&out, separator);
  eim_buf_json_str(&out, key);
  eim_buf_str(&out, ":");
  eim_buf_str(&out, json);
  eim_buf_str(&out, "}");
  status = out.failed ? eim_fail(EIM_E_NOMEM, "message: out of memory")
                      : eim_message_builder_set(self, "ext", (const char *)out.data);
  eim_buf_free(&out);
  return status;
}

/* The characters of a text field, with the arena's ownership. */
static const char *text_of(eim_arena *arena, const char *json) {
  eim_json value;
  eim_buf text = EIM_BUF_INIT;
  char *copy = NULL;
  if (eim_json_parse(&value, json, strlen(json)) && eim_json_text(value, &text) && !text.failed)
    copy = eim_arena_strndup(arena, text.data ? (const char *)text.data : "", text.length);
  eim_buf_free(&text);
  return copy;
}

/* What a combined message is made of; its file is made when it is sent. */
typedef struct parts {
  eim_message **list;
  size_t count;
  int level;
} parts;

static eim_status read_parts(const eim_message_builder *self, parts *out) {
  eim_json list;
  const char *json = self->values[URL_FIELD] ? NULL : self->values[MESSAGES_FIELD];
  *out = (parts){NULL, 0, 0};
  if (!json) return EIM_OK;
  if (!eim_json_parse(&list, json, strlen(json))) return refuse(MESSAGES_FIELD);
  return eim_combine_from_json(list, &out->list, &out->count, &out->level);
}

static eim_status build(const eim_message_builder *self, parts *made_of, eim_message **out) {
  eim_buf body = EIM_BUF_INIT;
  const char *path = self->values[URL_FIELD] ? NULL : self->values[PATH_FIELD];
  bool has_file = path || made_of->count;
  eim_buf_printf(&body, "{\"type\":\"%s\"", kind_name(self->kind));
  for (size_t i = 0; i < FIELDS; i++) {
    if (i == PATH_FIELD || i == MESSAGES_FIELD || (i == URL_FIELD && has_file)) continue;
    if (made_of->count && !strcmp(fields[i].name, "combineLevel")) {
      eim_buf_printf(&body, ",\"combineLevel\":%d", made_of->level);
    } else if (self->values[i]) {
      eim_buf_printf(&body, ",\"%s\":", fields[i].name);
      eim_buf_str(&body, self->values[i]);
    } else if (fields[i].required && fields[i].kinds & 1u << self->kind) {
      eim_buf_free(&body);
      return eim_fail(EIM_E_INVALID, "message: %s is missing (a message of type %s needs it)",
                      fields[i].name, kind_name(self->kind));
    }
  }
  eim_buf_str(&body, "}");
  eim_message *message = NULL;
  if (!body.failed)
    message = eim_message_alloc(strlen(self->to) + (self->ext ? strlen(self->ext) : 0) +
                                body.length * (self->kind == EIM_MESSAGE_TEXT ? 2 : 1) +
                                (path ? strlen(path) : 0) + 64);
  if (message) {
    if (path) message->path = text_of(&message->arena, path);
    message->parts = made_of->list;
    message->part_count = made_of->count;
    *made_of = (parts){NULL, 0, 0};
    message->kind = self->kind;
    message->chat_type = self->chat_type;
    message->to = eim_arena_strdup(&message->arena, self->to);
    if (self->ext) message->ext = eim_arena_strdup(&message->arena, self->ext);
    message->body = eim_arena_strndup(&message->arena, (const char *)body.data, body.length);
    if (self->kind == EIM_MESSAGE_TEXT) message->text = text_of(&message->arena, self->values[0]);
  }
  eim_buf_free(&body);
  if (!message || !message->to || !message->ext || !message->body || (path && !message->path) ||
      (self->kind == EIM_MESSAGE_TEXT && !message->text)) {
    eim_message_unref(message);
    return eim_fail(EIM_E_NOMEM, "message: out of memory");
  }
  *out = message;
  return EIM_OK;
}

eim_status eim_message_builder_build(const eim_message_builder *self, eim_message **out) {
  parts made_of;
  if (!self || !out) return eim_fail(EIM_E_INVALID, "message: NULL");
  eim_status status = read_parts(self, &made_of);
  if (status) return status;
  status = build(self, &made_of, out);
  eim_combine_free(made_of.list, made_of.count);
  return status;
}

eim_message *eim_message_uploaded(const eim_message *message, const char *json) {
  eim_json body, facts, name;
  if (!eim_json_parse(&body, message->body, strlen(message->body)) ||
      !eim_json_parse(&facts, json, strlen(json)))
    return NULL;
  static const char *const told[] = {"url", "secret", "filename", "file_length"};
  eim_buf out = EIM_BUF_INIT;
  const char *separator = "{";
  for (eim_json_iter it = eim_json_each(body); eim_json_next(&it); separator = ",") {
    if (eim_json_is(it.key, "secret") || eim_json_is(it.key, "file_length")) continue;
    eim_buf_str(&out, separator);
    eim_json_raw(it.key, &out);
    eim_buf_str(&out, ":");
    eim_json_raw(it.value, &out);
  }
  name = eim_json_get(body, "filename");
  for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
    eim_json value = eim_json_get(facts, told[i]);
    if (!value.at || (name.at && !strcmp(told[i], "filename"))) continue;
    eim_buf_printf(&out, ",\"%s\":", told[i]);
    eim_json_raw(value, &out);
  }
  eim_buf_str(&out, "}");
  eim_message *copy =
      out.failed ? NULL
                 : eim_message_alloc(out.length + strlen(message->to) + strlen(message->ext) + 64);
  if (copy) {
    copy->kind = message->kind;
    copy->chat_type = message->chat_type;
    copy->to = eim_arena_strdup(&copy->arena, message->to);
    copy->ext = eim_arena_strdup(&copy->arena, message->ext);
    copy->body = eim_arena_strndup(&copy->arena, (const char *)out.data, out.length);
  }
  eim_buf_free(&out);
  if (copy && copy->to && copy->ext && copy->body) return copy;
  eim_message_unref(copy);
  return NULL;
}

eim_status eim_message_new_text(eim_chat_type chat_type, const char *to, const char *text,
                                const char *ext, eim_message **out) {
  eim_message_builder *builder;
  if (!out) return eim_fail(EIM_E_INVALID, "message: out is NULL");
  eim_status status = eim_message_builder_new(EIM_MESSAGE_TEXT, chat_type, to, &builder);
  if (status) return status;
  status = eim_message_builder_set(builder, "msg", text ? text : "");
  if (!status && ext && *ext) status = eim_message_builder_set(builder, "ext", ext);
  if (!status) status = eim_message_builder_build(builder, out);
  eim_message_builder_free(builder);
  return status;
}

/* ------------------------------------------------------------------ JSON */

static eim_status kind_of(eim_json type, eim_message_kind *out) {
  for (int kind = EIM_MESSAGE_TEXT; kind <= EIM_MESSAGE_COMBINE; kind++)
    if (eim_json_is(type, kind_name((eim_message_kind)kind))) {
      *out = (eim_message_kind)kind;
      return EIM_OK;
    }
  return eim_fail(EIM_E_INVALID,
                  "message: type is %s; allowed: txt, img, video, loc, audio, file, "
                  "cmd, custom, combine",
                  type.at ? "not known" : "missing");
}

static eim_status chat_of(eim_json chat, eim_chat_type *out) {
  *out = EIM_CHAT_SINGLE;
  if (!chat.at || eim_json_is(chat, "singleChat")) return EIM_OK;
  *out = EIM_CHAT_GROUP;
  if (eim_json_is(chat, "groupChat")) return EIM_OK;
  *out = EIM_CHAT_ROOM;
  if (eim_json_is(chat, "chatRoom")) return EIM_OK;
  return eim_fail(EIM_E_INVALID,
                  "message: chatType is not known; allowed: singleChat, groupChat, chatRoom");
}

static eim_status take_member(eim_message_builder *self, const eim_json_iter *member) {
  char name[64];
  if (eim_json_kind(member->value) == EIM_JSON_NULL) return EIM_OK;
  if (!eim_json_copy(member->key, name, sizeof name))
    return eim_fail(EIM_E_INVALID, "message: a field name is too long");
  if (!strcmp(name, "type") || !strcmp(name, "chatType") || !strcmp(name, "to")) return EIM_OK;
  bool is_ext = !strcmp(name, "ext");
  size_t field = find_field(name);
  bool takes = is_ext || (field < FIELDS && fields[field].kinds & 1u << self->kind);
  for (size_t i = 0; !takes && i < sizeof passed_over / sizeof *passed_over; i++)
    if (!strcmp(name, passed_over[i])) return EIM_OK;
  if (!is_ext && field == FIELDS) return unknown_field(self, name);
  /* Sent on into another type of chat: what says nothing there is left out. */
  if (!is_ext && (fields[field].type == PRIORITY || fields[field].type == CONFIG) &&
      !(fields[field].chats & 1u << self->chat_type))
    return EIM_OK;
  eim_status status = is_ext ? EIM_OK : check_applies(self, field);
  if (status) return status;
  /* An empty optional text is what the view of a received message has for "not told". */
  if (!is_ext && fields[field].type == TEXT && member->value.end - member->value.at == 2 &&
      !fields[field].required)
    return EIM_OK;
  eim_buf raw = EIM_BUF_INIT;
  eim_json_raw(member->value, &raw);
  if (!is_ext) return put(self, field, &raw);
  status = raw.failed ? eim_fail(EIM_E_NOMEM, "message: out of memory")
                      : eim_message_builder_set(self, "ext", (const char *)raw.data);
  eim_buf_free(&raw);
  return status;
}

eim_status eim_message_from_json(const char *json, eim_message **out) {
  eim_json root;
  eim_message_kind kind = EIM_MESSAGE_UNKNOWN;
  eim_chat_type chat_type = EIM_CHAT_SINGLE;
  char to[TO_MAX + 1];
  if (!json || !out) return eim_fail(EIM_E_INVALID, "message: NULL");
  size_t length = strlen(json);
  if (length > JSON_MAX)
    return eim_fail(EIM_E_INVALID, "message: %zu bytes of JSON, at most %d are allowed", length,
                    JSON_MAX);
  if (!eim_json_parse(&root, json, length) || eim_json_kind(root) != EIM_JSON_OBJECT)
    return eim_fail(EIM_E_INVALID, "message: not a JSON object");
  eim_status status;
  if ((status = kind_of(eim_json_get(root, "type"), &kind)) ||
      (status = chat_of(eim_json_get(root, "chatType"), &chat_type)))
    return status;
  if (!eim_json_copy(eim_json_get(root, "to"), to, sizeof to))
    return eim_fail(EIM_E_INVALID, "message: to is no text of 1 to %d bytes", TO_MAX);
  eim_message_builder *builder;
  if ((status = eim_message_builder_new(kind, chat_type, to, &builder))) return status;
  for (eim_json_iter it = eim_json_each(root); !status && eim_json_next(&it);)
    status = take_member(builder, &it);
  if (!status) status = eim_message_builder_build(builder, out);
  eim_message_builder_free(builder);
  return status;
}

/* What was built here was checked. What was received is checked as its view would be. */
eim_status eim_message_sendable(const eim_message *message) {
  if (!message->server_id && message->kind != EIM_MESSAGE_UNKNOWN) return EIM_OK;
  if (message->kind == EIM_MESSAGE_UNKNOWN)
    return eim_fail(EIM_E_UNSUPPORTED, "message: of an unknown kind, it cannot be sent");
  const char *json = eim_message_to_json(message);
  eim_message *copy;
  if (!json) return eim_fail(EIM_E_NOMEM, "message: out of memory");
  eim_status status = eim_message_from_json(json, &copy);
  if (!status) eim_message_unref(copy);
  return status;
}
