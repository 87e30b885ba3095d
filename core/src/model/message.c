/* message.c - messages: one arena block, its getters, and the JSON view. */
#include "model/message.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "model/combine.h"

static void destroy_message(void *self) {
  eim_arena arena = ((eim_message *)self)->arena; /* the struct lies in it */
  free(atomic_load(&((eim_message *)self)->json));
  eim_combine_free(((eim_message *)self)->parts, ((eim_message *)self)->part_count);
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

/* ------------------------------------------------------------------ JSON view */

static const char *chat_name(eim_chat_type type) {
  return type == EIM_CHAT_GROUP ? "groupChat" : type == EIM_CHAT_ROOM ? "chatRoom" : "singleChat";
}

static void member(eim_buf *out, const char *name, const char *value) {
  if (!*value) return;
  eim_buf_printf(out, ",\"%s\":", name);
  eim_buf_json_str(out, value);
}

const char *eim_message_to_json(const eim_message *message) {
  eim_message *self = (eim_message *)(uintptr_t)message; /* the view is a cache */
  if (!self) return "{}";
  char *json = atomic_load(&self->json);
  if (json) return json;
  eim_buf out = EIM_BUF_INIT;
  size_t length = strlen(self->body);
  eim_buf_printf(&out, "{\"chatType\":\"%s\"", chat_name(self->chat_type));
  member(&out, "id", self->id);
  member(&out, "from", self->from);
  member(&out, "fromResource", self->from_resource);
  member(&out, "to", self->to);
  if (self->time) eim_buf_printf(&out, ",\"time\":%" PRId64, self->time);
  if (self->server_id) eim_buf_printf(&out, ",\"onlineState\":%d", self->online_state);
  if (length > 2) { /* the members of the body, "type" first, without its braces */
    eim_buf_str(&out, ",");
    eim_buf_add(&out, self->body + 1, length - 2);
  } else {
    member(&out, "type", eim_message_type(self));
  }
  if (self->path) member(&out, "path", self->path);
  for (size_t i = 0; i < self->part_count; i++) {
    const char *part = eim_message_to_json(self->parts[i]);
    eim_buf_str(&out, i ? "," : ",\"messages\":[");
    eim_buf_str(&out, part ? part : "");
    if (!part) out.failed = true;
  }
  if (self->part_count) eim_buf_str(&out, "]");
  eim_buf_str(&out, ",\"ext\":");
  eim_buf_str(&out, self->ext);
  eim_buf_str(&out, "}");
  if (out.failed) {
    eim_buf_free(&out);
    return NULL;
  }
  if (atomic_compare_exchange_strong(&self->json, &json, (char *)out.data))
    return (const char *)out.data;
  eim_buf_free(&out); /* another thread was first */
  return json;
}
