#include "wire/body.h"

#include <string.h>

#include "model/message.h"
#include "wire/ext.h"

#define CONTENT(name) EASEMOB__PB__MESSAGE_BODY__CONTENT__TYPE__##name
#define SUB(name) EASEMOB__PB__MESSAGE_BODY__CONTENT__SUB_TYPE__##name

/* docs/protocol.md 12, in the order of eim_message_kind. */
static const struct {
  int content;
  const char *type;
} kinds[] = {
    [EIM_MESSAGE_UNKNOWN] = {-1, "unknown"},
    [EIM_MESSAGE_TEXT] = {CONTENT(TEXT), "txt"},
    [EIM_MESSAGE_IMAGE] = {CONTENT(IMAGE), "img"},
    [EIM_MESSAGE_VIDEO] = {CONTENT(VIDEO), "video"},
    [EIM_MESSAGE_LOCATION] = {CONTENT(LOCATION), "loc"},
    [EIM_MESSAGE_VOICE] = {CONTENT(VOICE), "audio"},
    [EIM_MESSAGE_FILE] = {CONTENT(FILE), "file"},
    [EIM_MESSAGE_COMMAND] = {CONTENT(COMMAND), "cmd"},
    [EIM_MESSAGE_CUSTOM] = {CONTENT(CUSTOM), "custom"},
    [EIM_MESSAGE_COMBINE] = {CONTENT(COMBINE), "combine"},
};
#define KINDS (sizeof kinds / sizeof *kinds)

eim_message_kind eim_body_kind(const EIM_PB(MessageBody__Content) * content) {
  int type = (int)content->type;
  /* A text with sub type 0 *present* is a combined message. */
  if (type == CONTENT(TEXT) && content->has_subtype && content->subtype == SUB(SUB_COMBINE))
    return EIM_MESSAGE_COMBINE;
  for (size_t i = 1; i < KINDS; i++)
    if (kinds[i].content == type) return (eim_message_kind)i;
  return EIM_MESSAGE_UNKNOWN;
}

const char *eim_body_type(eim_message_kind kind) {
  return (size_t)kind < KINDS ? kinds[kind].type : kinds[0].type;
}

/* ---- down */

typedef struct writer {
  eim_buf *out;
  bool first;
} writer;

static void name(writer *w, const char *key) {
  eim_buf_str(w->out, w->first ? "\"" : ",\"");
  eim_buf_str(w->out, key);
  eim_buf_str(w->out, "\":");
  w->first = false;
}

static void text_if(writer *w, const char *key, const char *text) {
  if (!text) return;
  name(w, key);
  eim_buf_json_str(w->out, text);
}

static void text(writer *w, const char *key, const char *value) {
  text_if(w, key, value ? value : "");
}

static void integer_if(writer *w, const char *key, bool present, int32_t value) {
  if (!present) return;
  name(w, key);
  eim_buf_json_i64(w->out, value);
}

/* Sizes and positions are doubles on the wire, but 8 pixels are "8". */
static void real_if(writer *w, const char *key, bool present, double value) {
  if (!present) return;
  name(w, key);
  if (value >= -1e15 && value <= 1e15 && value == (double)(int64_t)value)
    eim_buf_json_i64(w->out, (int64_t)value);
  else
    eim_buf_json_double(w->out, value);
}

static void file(writer *w, const EIM_PB(MessageBody__Content) * c) {
  text(w, "url", c->remotepath);
  text(w, "secret", c->secretkey);
  text(w, "filename", c->displayname);
  integer_if(w, "file_length", c->has_filelength, c->filelength);
}

/* The last ones are of other SDKs only. */
static void thumbnail(writer *w, const EIM_PB(MessageBody__Content) * c) {
  text_if(w, "thumb", c->thumbnailremotepath);
  text_if(w, "thumb_secret", c->thumbnailsecretkey);
  integer_if(w, "thumb_file_length", c->has_thumbnailfilelength, c->thumbnailfilelength);
  if (!c->thumbnailsize) return;
  real_if(w, "thumb_width", c->thumbnailsize->has_width, c->thumbnailsize->width);
  real_if(w, "thumb_height", c->thumbnailsize->has_height, c->thumbnailsize->height);
}

bool eim_body_fields(eim_buf *out, eim_message_kind kind, const EIM_PB(MessageBody__Content) * c,
                     bool first) {
  writer w = {out, first};
  text(&w, "type", eim_body_type(kind));
  switch (kind) {
  case EIM_MESSAGE_TEXT: text(&w, "msg", c->text); break;
  case EIM_MESSAGE_IMAGE:
    file(&w, c);
    if (c->size) {
      real_if(&w, "width", c->size->has_width, c->size->width);
      real_if(&w, "height", c->size->has_height, c->size->height);
    }
    thumbnail(&w, c);
    if (c->has_subtype && c->subtype == SUB(GIF)) {
      name(&w, "isGif");
      eim_buf_str(out, "true");
    }
    break;
  case EIM_MESSAGE_VIDEO:
    file(&w, c);
    integer_if(&w, "length", c->has_duration, c->duration);
    thumbnail(&w, c);
    break;
  case EIM_MESSAGE_VOICE:
    file(&w, c);
    integer_if(&w, "length", c->has_duration, c->duration);
    break;
  case EIM_MESSAGE_FILE: file(&w, c); break;
  case EIM_MESSAGE_LOCATION:
    real_if(&w, "lat", true, c->latitude);
    real_if(&w, "lng", true, c->longitude);
    text(&w, "addr", c->address);
    text(&w, "buildingName", c->buildingname);
    break;
  case EIM_MESSAGE_COMMAND: text(&w, "action", c->action); break;
  case EIM_MESSAGE_CUSTOM:
    text(&w, "customEvent", c->customevent);
    name(&w, "customExts");
    eim_ext_json(out, c->customexts, c->n_customexts);
    if (c->n_params) { /* the old form */
      name(&w, "params");
      eim_ext_json(out, c->params, c->n_params);
    }
    break;
  case EIM_MESSAGE_COMBINE:
    text(&w, "title", c->title);
    text(&w, "summary", c->summary);
    text(&w, "compatibleText", c->text);
    integer_if(&w, "combineLevel", c->has_combinelevel, c->combinelevel);
    file(&w, c);
    break;
  default: /* as it came, under the names of the schema */
    name(&w, "content");
    eim_pb_json(out, &c->base);
    break;
  }
  return w.first;
}

/* ---- up */

static char *pool_text(eim_pool *pool, eim_json value) {
  eim_buf chars = EIM_BUF_INIT;
  char *copy = NULL;
  if (eim_json_text(value, &chars) && !chars.failed) {
    copy = eim_pool_alloc(pool, chars.length + 1);
    if (copy) memcpy(copy, chars.data, chars.length + 1);
  }
  eim_buf_free(&chars);
  return copy;
}

/* False only when the member is there but is no string, or memory ended. */
static bool take_text(eim_pool *pool, eim_json body, const char *key, char **out) {
  eim_json value = eim_json_get(body, key);
  if (!value.at || eim_json_kind(value) == EIM_JSON_NULL) return true;
  *out = pool_text(pool, value);
  return *out != NULL;
}

static bool take_int(eim_json body, const char *key, protobuf_c_boolean *has, int32_t *out) {
  eim_json value = eim_json_get(body, key);
  int64_t number;
  if (!value.at || eim_json_kind(value) == EIM_JSON_NULL) return true;
  if (!eim_json_loose_i64(value, &number) || number < INT32_MIN || number > INT32_MAX) return false;
  *has = 1;
  *out = (int32_t)number;
  return true;
}

static bool take_real(eim_json body, const char *key, protobuf_c_boolean *has, double *out) {
  eim_json value = eim_json_get(body, key);
  if (!value.at || eim_json_kind(value) == EIM_JSON_NULL) return true;
  *has = 1;
  return eim_json_double(value, out);
}

/* URL, secret, name and length: what has been uploaded already. */
static bool take_file(eim_pool *pool, EIM_PB(MessageBody__Content) * c, eim_json body) {
  if (!take_text(pool, body, "url", &c->remotepath) || !c->remotepath || !*c->remotepath ||
      !take_text(pool, body, "secret", &c->secretkey) ||
      !take_text(pool, body, "filename", &c->displayname) ||
      !take_int(body, "file_length", &c->has_filelength, &c->filelength))
    return false;
  c->thumbnaildisplayname = c->displayname;
  return true;
}

static bool take_size(eim_pool *pool, EIM_PB(MessageBody__Content) * c, eim_json body) {
  if (!eim_json_get(body, "width").at && !eim_json_get(body, "height").at) return true;
  c->size = eim_pool_alloc(pool, sizeof *c->size);
  if (!c->size) return false;
  easemob__pb__message_body__content__size__init(c->size);
  return take_real(body, "width", &c->size->has_width, &c->size->width) &&
         take_real(body, "height", &c->size->has_height, &c->size->height);
}

bool eim_body_content(eim_pool *pool, EIM_PB(MessageBody__Content) * c, const eim_message *message,
                      eim_json body) {
  if (message->kind <= EIM_MESSAGE_UNKNOWN || (size_t)message->kind >= KINDS) return false;
  c->has_type = 1;
  c->type = (EIM_PB(MessageBody__Content__Type))kinds[message->kind].content;
  switch (message->kind) {
  case EIM_MESSAGE_TEXT: c->text = (char *)(uintptr_t)message->text; return message->text != NULL;
  case EIM_MESSAGE_IMAGE:
    if (eim_json_kind(eim_json_get(body, "isGif")) == EIM_JSON_TRUE) {
      c->has_subtype = 1;
      c->subtype = SUB(GIF);
    }
    return take_file(pool, c, body) && take_size(pool, c, body);
  case EIM_MESSAGE_VIDEO:
    return take_file(pool, c, body) && take_int(body, "length", &c->has_duration, &c->duration) &&
           take_text(pool, body, "thumb", &c->thumbnailremotepath) &&
           take_text(pool, body, "thumb_secret", &c->thumbnailsecretkey);
  case EIM_MESSAGE_VOICE:
    return take_file(pool, c, body) && take_int(body, "length", &c->has_duration, &c->duration);
  case EIM_MESSAGE_FILE: return take_file(pool, c, body);
  case EIM_MESSAGE_LOCATION:
    return take_real(body, "lat", &c->has_latitude, &c->latitude) && c->has_latitude &&
           take_real(body, "lng", &c->has_longitude, &c->longitude) && c->has_longitude &&
           take_text(pool, body, "addr", &c->address) &&
           take_text(pool, body, "buildingName", &c->buildingname);
  case EIM_MESSAGE_COMMAND:
    return take_text(pool, body, "action", &c->action) && c->action && *c->action;
  case EIM_MESSAGE_CUSTOM:
    return take_text(pool, body, "customEvent", &c->customevent) && c->customevent &&
           eim_ext_from_json(pool, eim_json_get(body, "customExts"), &c->customexts,
                             &c->n_customexts);
  case EIM_MESSAGE_COMBINE: /* sent as a text, for receivers that do not know it */
    c->type = CONTENT(TEXT);
    c->has_subtype = 1;
    c->subtype = SUB(SUB_COMBINE);
    if (!take_file(pool, c, body)) return false;
    c->thumbnaildisplayname = NULL;
    return take_text(pool, body, "compatibleText", &c->text) &&
           take_text(pool, body, "title", &c->title) &&
           take_text(pool, body, "summary", &c->summary) &&
           take_int(body, "combineLevel", &c->has_combinelevel, &c->combinelevel);
  default: return false;
  }
}
