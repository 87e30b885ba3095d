/* message.c - messages: one arena block, getters, and the text messages built here. */
#include "model/message.h"

#include <string.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/text.h"
#include "model/error.h"

/* Sanity only: the server's own limits are lower and differ by contract. */
enum { TO_MAX = 255, TEXT_MAX = 1 << 20, EXT_MAX = 1 << 20, EXT_DEPTH = 32 };

static void destroy_message(void *self) {
  eim_arena arena = ((eim_message *)self)->arena; /* the struct lies in it */
  eim_arena_free(&arena);
}

eim_message *eim_message_alloc(size_t size) {
  eim_arena arena;
  if (!eim_arena_init(&arena, sizeof(eim_message) + size)) return NULL;
  eim_message *self = eim_arena_alloc(&arena, sizeof *self);
  if (!self) {
    eim_arena_free(&arena);
    return NULL;
  }
  memset(self, 0, sizeof *self);
  eim_object_init(&self->base, destroy_message);
  self->chat_type = EIM_CHAT_SINGLE;
  self->online_state = 3;
  self->id = self->from = self->from_resource = self->to = "";
  self->ext = self->body = "{}";
  self->arena = arena;
  return self;
}

/* Depth of a JSON text by its brackets outside strings; valid or not. cJSON recurses, so this has
 * to be known before. */
static int json_depth(const char *text) {
  int depth = 0, deepest = 0;
  bool quoted = false;
  for (; *text; text++) {
    if (quoted) {
      if (*text == '\\' && text[1])
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

static eim_status check_ext(const char *ext) {
  size_t length = strlen(ext);
  if (length > EXT_MAX)
    return eim_fail(EIM_E_INVALID, "message: ext has %zu bytes, at most %d are allowed", length,
                    EXT_MAX);
  if (!eim_utf8_valid(ext, length))
    return eim_fail(EIM_E_INVALID, "message: ext is not valid UTF-8");
  if (json_depth(ext) > EXT_DEPTH)
    return eim_fail(EIM_E_INVALID, "message: ext is nested deeper than %d levels", EXT_DEPTH);
  cJSON *json = cJSON_ParseWithOpts(ext, NULL, true);
  bool is_object = cJSON_IsObject(json);
  cJSON_Delete(json);
  return is_object ? EIM_OK : eim_fail(EIM_E_INVALID, "message: ext is not a JSON object");
}

static eim_status check_to(const char *to) {
  size_t length = to ? strlen(to) : 0;
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

static eim_status check_text(const char *text) {
  size_t length = text ? strlen(text) : 0;
  if (!length) return eim_fail(EIM_E_INVALID, "message: text is empty");
  if (length > TEXT_MAX)
    return eim_fail_with(EIM_E_INVALID,
                         eim_error_new(EIM_CODE_MESSAGE_SIZE_LIMIT, EIM_DOMAIN_LOCAL, EIM_E_INVALID,
                                       0, "message: text has %zu bytes, at most %d are allowed",
                                       length, TEXT_MAX));
  if (!eim_utf8_valid(text, length))
    return eim_fail(EIM_E_INVALID, "message: text is not valid UTF-8");
  return EIM_OK;
}

eim_status eim_message_new_text(eim_chat_type chat_type, const char *to, const char *text,
                                const char *ext, eim_message **out) {
  eim_status status;
  if (!out) return eim_fail(EIM_E_INVALID, "message: out is NULL");
  if (chat_type != EIM_CHAT_SINGLE && chat_type != EIM_CHAT_GROUP && chat_type != EIM_CHAT_ROOM)
    return eim_fail(EIM_E_INVALID, "message: chat type %d is not known", (int)chat_type);
  if ((status = check_to(to)) || (status = check_text(text))) return status;
  if (ext && *ext && (status = check_ext(ext))) return status;

  eim_buf body = EIM_BUF_INIT;
  eim_buf_str(&body, "{\"type\":\"txt\",\"msg\":");
  eim_buf_json_str(&body, text);
  eim_buf_str(&body, "}");
  eim_message *self = NULL;
  if (!body.failed)
    self =
        eim_message_alloc(strlen(to) + strlen(text) + (ext ? strlen(ext) : 0) + body.length + 64);
  if (self) {
    self->kind = EIM_MESSAGE_TEXT;
    self->chat_type = chat_type;
    self->to = eim_arena_strdup(&self->arena, to);
    self->text = eim_arena_strdup(&self->arena, text);
    if (ext && *ext) self->ext = eim_arena_strdup(&self->arena, ext);
    self->body = eim_arena_strndup(&self->arena, (const char *)body.data, body.length);
  }
  eim_buf_free(&body);
  if (!self || !self->to || !self->text || !self->ext || !self->body) {
    eim_message_unref(self);
    return eim_fail(EIM_E_NOMEM, "message: out of memory");
  }
  *out = self;
  return EIM_OK;
}

/* ------------------------------------------------------------------ getters */

eim_message *eim_message_ref(const eim_message *self) {
  return eim_object_ref(self);
}
void eim_message_unref(const eim_message *self) {
  eim_object_unref(self);
}

eim_message_kind eim_message_get_kind(const eim_message *self) {
  return self ? self->kind : EIM_MESSAGE_UNKNOWN;
}

const char *eim_message_type(const eim_message *self) {
  static const char *const names[] = {"unknown", "txt",  "img", "video",  "loc",
                                      "audio",   "file", "cmd", "custom", "combine"};
  unsigned kind = self ? (unsigned)self->kind : 0;
  return names[kind < sizeof names / sizeof *names ? kind : 0];
}

eim_chat_type eim_message_get_chat_type(const eim_message *self) {
  return self ? self->chat_type : EIM_CHAT_SINGLE;
}

const char *eim_message_id(const eim_message *self) {
  return self ? self->id : "";
}
const char *eim_message_from(const eim_message *self) {
  return self ? self->from : "";
}
const char *eim_message_to(const eim_message *self) {
  return self ? self->to : "";
}
const char *eim_message_from_resource(const eim_message *self) {
  return self ? self->from_resource : "";
}
int64_t eim_message_time(const eim_message *self) {
  return self ? self->time : 0;
}
const char *eim_message_text(const eim_message *self) {
  return self ? self->text : NULL;
}
const char *eim_message_ext(const eim_message *self) {
  return self ? self->ext : "{}";
}
const char *eim_message_body(const eim_message *self) {
  return self ? self->body : "{}";
}
