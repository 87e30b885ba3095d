/* Frames as easemob-websdk 4.8.1 (mini program build) writes them, byte for byte: presence is
 * explicit, zero values are written where it writes them (docs/protocol.md 5, 6, 11, 13). */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "model/message.h"
#include "wire/body.h"
#include "wire/ext.h"
#include "wire/frame.h"
#include "wire/pb.h"

#define USER_DOMAIN "easemob.com"
#define GROUP_DOMAIN "conference.easemob.com"
#define MAX_RECEIVERS 20 /* of a group message to chosen members (docs/rest.md 8) */

/* protobuf-c writes but never changes what its pointers point to. */
static char *borrow(const char *text) {
  return (char *)(uintptr_t)text;
}

static char *borrow_if(const char *text) {
  return text && *text ? borrow(text) : NULL;
}

typedef struct packed {
  uint8_t *data;
  size_t length;
} packed;

static bool pack(packed *out, const ProtobufCMessage *message) {
  out->length = protobuf_c_message_get_packed_size(message);
  out->data = malloc(out->length + 1);
  if (!out->data) return false;
  protobuf_c_message_pack(message, out->data);
  return true;
}

/* Payloads may hold a token. */
static void unpack(packed *self) {
  if (self->data) eim_wipe(self->data, self->length);
  free(self->data);
}

static EIM_PB(EncryptType) no_encryption[1] = {EASEMOB__PB__ENCRYPT_TYPE__ENCRYPT_NONE};

/* The envelope: command, payload (NULL: none), and whatever the caller set. */
static bool envelope(eim_buf *out, EIM_PB(MSync) * sync, eim_command command,
                     const ProtobufCMessage *payload) {
  packed inner = {NULL, 0}, whole = {NULL, 0};
  bool ok = !payload || pack(&inner, payload);
  sync->has_command = 1;
  sync->command = (EIM_PB(MSync__Command))command;
  if (payload) {
    sync->has_payload = 1;
    sync->payload.data = inner.data;
    sync->payload.len = inner.length;
  }
  sync->n_encrypttype = 1;
  sync->encrypttype = no_encryption;
  ok = ok && pack(&whole, &sync->base);
  if (ok) eim_buf_add(out, whole.data, whole.length);
  unpack(&inner);
  unpack(&whole);
  return ok && !out->failed;
}

static EIM_PB(JID)
    jid(const char *app_key, const char *name, const char *domain, const char *resource) {
  EIM_PB(JID) result = EASEMOB__PB__JID__INIT;
  result.appkey = borrow_if(app_key);
  result.name = borrow_if(name);
  result.domain = borrow_if(domain);
  result.clientresource = borrow_if(resource);
  return result;
}

bool eim_frame_provision(eim_buf *out, const eim_provision_up *up) {
  const char *token = eim_secret_text(up->token);
  eim_buf auth = EIM_BUF_INIT, auth_token = EIM_BUF_INIT;
  eim_buf_str(&auth, "$t$");
  eim_buf_str(&auth, token);
  if (!auth.failed) {
    eim_buf_str(&auth_token, "{\"token\":");
    eim_buf_json_str(&auth_token, (const char *)auth.data);
    eim_buf_str(&auth_token, "}");
  }

  EIM_PB(MSync) sync = EASEMOB__PB__MSYNC__INIT;
  EIM_PB(JID) guid = jid(up->app_key, up->user, USER_DOMAIN, up->resource);
  EIM_PB(Provision) provision = EASEMOB__PB__PROVISION__INIT;
  EIM_PB(Provision__CompressType)
  no_compression[1] = {EASEMOB__PB__PROVISION__COMPRESS_TYPE__COMPRESS_NONE};
  sync.guid = &guid;
  sync.auth = (char *)auth.data;
  sync.has_deviceid = 1; /* 0: what comes of the text the SDK assigns to a number */
  provision.has_ostype = 1;
  provision.ostype = (EIM_PB(Provision__OsType))up->os_type;
  provision.version = borrow(up->version);
  provision.n_compresstype = 1;
  provision.compresstype = no_compression;
  provision.n_encrypttype = 1;
  provision.encrypttype = no_encryption;
  provision.deviceuuid = borrow(up->device_uuid);
  provision.devicename = borrow(up->device_name);
  provision.resource = borrow(up->resource);
  provision.actionversion = borrow(up->action_version);
  provision.authtoken = (char *)auth_token.data;
  provision.has_oscustomvalue = up->os_custom_value != 0;
  provision.oscustomvalue = (uint32_t)up->os_custom_value;
  provision.sessionid = borrow(up->session_id);
  provision.reason = borrow_if(up->reason);

  EIM_PB(Provision__CompressType) lz4[1] = {EASEMOB__PB__PROVISION__COMPRESS_TYPE__COMPRESS_LZ4};
  provision.n_protocolcompresstype = up->offers_lz4;
  provision.protocolcompresstype = lz4;

  bool ok = !auth.failed && !auth_token.failed &&
            envelope(out, &sync, EIM_CMD_PROVISION, &provision.base);
  eim_buf_wipe(&auth);
  eim_buf_wipe(&auth_token);
  return ok;
}

bool eim_frame_unread(eim_buf *out) {
  EIM_PB(MSync) sync = EASEMOB__PB__MSYNC__INIT;
  return envelope(out, &sync, EIM_CMD_UNREAD, NULL);
}

bool eim_frame_fetch(eim_buf *out, const eim_jid *queue, bool has_key, uint64_t key) {
  EIM_PB(MSync) sync = EASEMOB__PB__MSYNC__INIT;
  EIM_PB(CommSyncUL) up = EASEMOB__PB__COMM_SYNC_UL__INIT;
  EIM_PB(JID) address = jid(queue->app_key, queue->name, queue->domain, queue->resource);
  up.has_key = has_key;
  up.key = key;
  up.queue = &address;
  return envelope(out, &sync, EIM_CMD_SYNC, &up.base);
}

static bool bare(eim_buf *out, const EIM_PB(Meta) * meta) {
  packed bytes = {NULL, 0};
  bool ok = pack(&bytes, &meta->base);
  if (ok) eim_buf_add(out, bytes.data, bytes.length);
  unpack(&bytes);
  return ok && !out->failed;
}

/* In a frame of its own; one with a time is for a file. */
static bool chat(eim_buf *out, EIM_PB(Meta) * meta, EIM_PB(MessageBody) * body) {
  EIM_PB(MSync) sync = EASEMOB__PB__MSYNC__INIT;
  EIM_PB(CommSyncUL) up = EASEMOB__PB__COMM_SYNC_UL__INIT;
  packed payload = {NULL, 0};
  if (!pack(&payload, &body->base)) return false;
  meta->has_ns = 1;
  meta->ns = EASEMOB__PB__META__NAME_SPACE__CHAT;
  meta->has_payload = 1;
  meta->payload.data = payload.data;
  meta->payload.len = payload.length;
  meta->has_routetype = 1;
  up.meta = meta;
  bool ok = meta->has_timestamp ? bare(out, meta) : envelope(out, &sync, EIM_CMD_SYNC, &up.base);
  unpack(&payload);
  return ok;
}

/* Delivery wishes the official SDKs put beside the body: deliverOnlineOnly, and receiverList for
 * chosen members of a group or room. */
static bool route(eim_pool *pool, EIM_PB(Meta) * meta, const eim_message *message, eim_json body) {
  eim_json list = eim_json_get(body, "receiverList");
  if (eim_json_kind(eim_json_get(body, "deliverOnlineOnly")) == EIM_JSON_TRUE)
    meta->routetype = EASEMOB__PB__META__ROUTE_TYPE__ROUTE_ONLINE;
  if (eim_json_kind(list) != EIM_JSON_ARRAY || message->chat_type == EIM_CHAT_SINGLE) return true;
  meta->directedusers = eim_pool_alloc(pool, MAX_RECEIVERS * sizeof *meta->directedusers);
  if (!meta->directedusers) return false;
  for (eim_json_iter it = eim_json_each(list); eim_json_next(&it);) {
    char name[256];
    if (meta->n_directedusers == MAX_RECEIVERS || !eim_json_copy(it.value, name, sizeof name))
      return false;
    char *copy = eim_pool_alloc(pool, strlen(name) + 1);
    if (!copy) return false;
    strcpy(copy, name);
    meta->directedusers[meta->n_directedusers++] = copy;
  }
  if (meta->n_directedusers) meta->routetype = EASEMOB__PB__META__ROUTE_TYPE__ROUTE_DIRECT;
  return true;
}

/* Room messages say how important they are: 0 high, 1 normal, 2 low. */
static int64_t priority(eim_json body) {
  eim_json value = eim_json_get(body, "priority");
  return eim_json_is(value, "high") ? 0 : eim_json_is(value, "low") ? 2 : 1;
}

/* What becomes of a message. */
typedef struct purpose {
  const char *app_key, *from_user;
  uint64_t local_id;
  uint64_t edited; /* the id of the message that this one replaces, 0: it is a new one */
  bool is_part;    /* of a combined one, */
  int64_t time;    /* sent then */
} purpose;

static bool message_frame(eim_buf *out, eim_pool *pool, const purpose *as,
                          const eim_message *message) {
  EIM_PB(MessageBody) body = EASEMOB__PB__MESSAGE_BODY__INIT;
  EIM_PB(MessageBody__Content) content = EASEMOB__PB__MESSAGE_BODY__CONTENT__INIT;
  EIM_PB(MessageBody__Content) * contents[1] = {&content};
  EIM_PB(MessageBody__MessageConfig) config = EASEMOB__PB__MESSAGE_BODY__MESSAGE_CONFIG__INIT;
  EIM_PB(Meta) meta = EASEMOB__PB__META__INIT;
  EIM_PB(KeyValue) tag = EASEMOB__PB__KEY_VALUE__INIT;
  EIM_PB(KeyValue) * tags[1] = {&tag};
  eim_json ext, fields;
  if (message->chat_type < EIM_CHAT_SINGLE || message->chat_type > EIM_CHAT_ROOM || !*message->to ||
      !eim_json_parse(&ext, message->ext, strlen(message->ext)) ||
      eim_json_kind(ext) != EIM_JSON_OBJECT ||
      !eim_json_parse(&fields, message->body, strlen(message->body)) ||
      eim_json_kind(fields) != EIM_JSON_OBJECT)
    return false;
  if (!eim_body_content(pool, &content, message, fields) ||
      !eim_ext_from_json(pool, ext, &body.ext, &body.n_ext) || !route(pool, &meta, message, fields))
    return false;

  /* "user/resource" addresses one device. */
  const char *slash = message->chat_type == EIM_CHAT_SINGLE ? strchr(message->to, '/') : NULL;
  char *to = eim_pool_alloc(pool, strlen(message->to) + 1);
  if (!to) return false;
  strcpy(to, message->to);
  if (slash) to[slash - message->to] = 0;
  EIM_PB(JID)
  address = jid(as->app_key, to, message->chat_type == EIM_CHAT_SINGLE ? USER_DOMAIN : GROUP_DOMAIN,
                slash ? slash + 1 : NULL);
  EIM_PB(JID) sender = jid(NULL, as->from_user, NULL, NULL), receiver = jid(NULL, to, NULL, NULL);
  body.has_type = 1;
  body.type = (EIM_PB(MessageBody__Type))message->chat_type;
  body.from = &sender;
  body.to = &receiver;
  body.n_contents = 1;
  body.contents = contents;
  eim_json ack = eim_json_get(eim_json_get(fields, "msgConfig"), "allowGroupAck");
  if (ack.at) {
    config.has_allowgroupack = 1;
    config.allowgroupack = eim_json_kind(ack) == EIM_JSON_TRUE;
    body.msgconfig = &config;
  }
  if (eim_json_kind(eim_json_get(fields, "isChatThread")) == EIM_JSON_TRUE)
    body.meta = borrow("{\"thread\":{}}");
  if (as->edited) {
    body.type = EASEMOB__PB__MESSAGE_BODY__TYPE__EDIT;
    body.has_editmessageid = 1;
    body.editmessageid = as->edited;
    body.has_editscope = 1;
    body.editscope = ext.end - ext.at > 2 ? EASEMOB__PB__MESSAGE_BODY__EDIT_SCOPE__BODY_AND_EXT
                                          : EASEMOB__PB__MESSAGE_BODY__EDIT_SCOPE__BODY;
  }
  meta.has_id = 1;
  meta.id = as->local_id;
  meta.has_timestamp = as->is_part;
  meta.timestamp = (uint64_t)as->time;
  meta.to = &address;
  if (message->chat_type == EIM_CHAT_ROOM) {
    tag.key = borrow("chatroom_msg_tag");
    tag.has_type = 1;
    tag.type = EASEMOB__PB__KEY_VALUE__VALUE_TYPE__INT;
    tag.value_case = EASEMOB__PB__KEY_VALUE__VALUE_VARINT_VALUE;
    tag.varintvalue = priority(fields);
    meta.n_ext = 1;
    meta.ext = tags;
  }
  return chat(out, &meta, &body);
}

static bool whole_message(eim_buf *out, const purpose *as, const eim_message *message) {
  eim_arena arena;
  eim_pool pool;
  if (!eim_arena_init(&arena, 512)) return false;
  eim_pool_init(&pool, &arena, strlen(message->ext) + strlen(message->body) + strlen(message->to));
  bool ok = message_frame(out, &pool, as, message);
  eim_arena_free(&arena);
  return ok;
}

bool eim_frame_message(eim_buf *out, const char *app_key, const char *from_user, uint64_t local_id,
                       const eim_message *message) {
  return whole_message(
      out, &(purpose){.app_key = app_key, .from_user = from_user, .local_id = local_id}, message);
}

bool eim_frame_forwarded(eim_buf *out, const char *app_key, const char *user, uint64_t local_id,
                         int64_t time, const eim_message *message) {
  return whole_message(out,
                       &(purpose){.app_key = app_key,
                                  .from_user = *message->from ? message->from : user,
                                  .local_id = local_id,
                                  .is_part = true,
                                  .time = time},
                       message);
}

/* A body that only points at a message: receipts and recalls. */
static bool pointer(eim_buf *out, const char *app_key, const char *from_user, uint64_t local_id,
                    EIM_PB(MessageBody__Type) type, const eim_action *action) {
  EIM_PB(MessageBody) body = EASEMOB__PB__MESSAGE_BODY__INIT;
  EIM_PB(MessageBody__Content) content = EASEMOB__PB__MESSAGE_BODY__CONTENT__INIT;
  EIM_PB(MessageBody__Content) * contents[1] = {&content};
  EIM_PB(MessageBody__MessageConfig) config = EASEMOB__PB__MESSAGE_BODY__MESSAGE_CONFIG__INIT;
  EIM_PB(Meta) meta = EASEMOB__PB__META__INIT;
  EIM_PB(KeyValue) note = EASEMOB__PB__KEY_VALUE__INIT;
  EIM_PB(KeyValue) * notes[1] = {&note};
  const char *to = action->to;
  if (!to || !*to) return false;
  bool single = action->chat_type == EIM_CHAT_SINGLE;
  EIM_PB(JID) address = jid(app_key, to, single ? USER_DOMAIN : GROUP_DOMAIN, NULL);
  EIM_PB(JID) sender = jid(NULL, from_user, NULL, NULL), receiver = jid(NULL, to, NULL, NULL);
  body.has_type = 1;
  body.type = type;
  body.from = &sender;
  body.to = &receiver;
  body.n_contents = 1; /* one empty content, as the SDKs do */
  body.contents = contents;
  body.has_ackmessageid = type != EASEMOB__PB__MESSAGE_BODY__TYPE__CHANNEL_ACK;
  body.ackmessageid = action->message_id;
  if (type == EASEMOB__PB__MESSAGE_BODY__TYPE__READ_ACK && !single) {
    config.has_allowgroupack = 1;
    config.allowgroupack = 1;
    body.msgconfig = &config;
    body.ackcontent = borrow(action->text ? action->text : "");
  }
  if (type == EASEMOB__PB__MESSAGE_BODY__TYPE__RECALL && action->text) {
    note.key = borrow("recallMessageExtensionInfo"); /* docs/protocol.md 11 */
    note.has_type = 1;
    note.type = EASEMOB__PB__KEY_VALUE__VALUE_TYPE__STRING;
    note.value_case = EASEMOB__PB__KEY_VALUE__VALUE_STRING_VALUE;
    note.stringvalue = borrow(action->text);
    meta.n_ext = 1;
    meta.ext = notes;
  }
  meta.has_id = 1;
  meta.id = local_id;
  meta.to = &address;
  return chat(out, &meta, &body);
}

bool eim_frame_receipt(eim_buf *out, const char *app_key, const char *from_user, uint64_t local_id,
                       eim_receipt_kind kind, const char *to_user, uint64_t message_id) {
  eim_action action = {.chat_type = EIM_CHAT_SINGLE, .to = to_user, .message_id = message_id};
  switch (kind) {
  case EIM_RECEIPT_DELIVERED:
    return pointer(out, app_key, from_user, local_id, EASEMOB__PB__MESSAGE_BODY__TYPE__DELIVER_ACK,
                   &action);
  case EIM_RECEIPT_READ:
    return pointer(out, app_key, from_user, local_id, EASEMOB__PB__MESSAGE_BODY__TYPE__READ_ACK,
                   &action);
  case EIM_RECEIPT_CHANNEL:
    return pointer(out, app_key, from_user, local_id, EASEMOB__PB__MESSAGE_BODY__TYPE__CHANNEL_ACK,
                   &action);
  default: return false;
  }
}

/* Rooms are entered and left over the message socket (docs/protocol.md 14). */
static bool room(eim_buf *out, const char *app_key, const char *from_user, uint64_t local_id,
                 const eim_action *action) {
  EIM_PB(MSync) sync = EASEMOB__PB__MSYNC__INIT;
  EIM_PB(CommSyncUL) up = EASEMOB__PB__COMM_SYNC_UL__INIT;
  EIM_PB(Meta) meta = EASEMOB__PB__META__INIT;
  EIM_PB(MUCBody) body = EASEMOB__PB__MUCBODY__INIT;
  EIM_PB(JID) self = jid(app_key, from_user, USER_DOMAIN, NULL);
  EIM_PB(JID) server = jid(NULL, NULL, USER_DOMAIN, NULL);
  EIM_PB(JID) muc = jid(app_key, action->to, GROUP_DOMAIN, NULL);
  EIM_PB(JID) member = jid(NULL, from_user, NULL, NULL);
  packed payload = {NULL, 0};
  bool join = action->kind == EIM_ACTION_JOIN_ROOM;
  body.mucid = &muc;
  body.has_operation = 1;
  body.operation =
      join ? EASEMOB__PB__MUCBODY__OPERATION__JOIN : EASEMOB__PB__MUCBODY__OPERATION__LEAVE;
  body.from = &member;
  body.has_ischatroom = 1;
  body.ischatroom = 1;
  if (join) {
    body.ext = borrow(action->text ? action->text : "");
    body.has_leaveotherrooms = 1;
    body.leaveotherrooms = action->leave_others;
  }
  if (!pack(&payload, &body.base)) return false;
  meta.has_id = 1;
  meta.id = local_id;
  meta.from = &self;
  meta.to = &server;
  meta.has_ns = 1;
  meta.ns = EASEMOB__PB__META__NAME_SPACE__MUC;
  meta.has_payload = 1;
  meta.payload.data = payload.data;
  meta.payload.len = payload.length;
  up.meta = &meta;
  bool ok = envelope(out, &sync, EIM_CMD_SYNC, &up.base);
  unpack(&payload);
  return ok;
}

bool eim_frame_action(eim_buf *out, const char *app_key, const char *from_user, uint64_t local_id,
                      const eim_action *action) {
  switch (action->kind) {
  case EIM_ACTION_READ:
    return pointer(out, app_key, from_user, local_id, EASEMOB__PB__MESSAGE_BODY__TYPE__READ_ACK,
                   action);
  case EIM_ACTION_CHANNEL_READ:
    return pointer(out, app_key, from_user, local_id, EASEMOB__PB__MESSAGE_BODY__TYPE__CHANNEL_ACK,
                   action);
  case EIM_ACTION_RECALL:
    return pointer(out, app_key, from_user, local_id, EASEMOB__PB__MESSAGE_BODY__TYPE__RECALL,
                   action);
  case EIM_ACTION_EDIT:
    return whole_message(out,
                         &(purpose){.app_key = app_key,
                                    .from_user = from_user,
                                    .local_id = local_id,
                                    .edited = action->message_id},
                         action->message);
  case EIM_ACTION_JOIN_ROOM:
  case EIM_ACTION_LEAVE_ROOM: return room(out, app_key, from_user, local_id, action);
  }
  return false;
}
