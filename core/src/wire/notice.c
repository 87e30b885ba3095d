#include "wire/notice.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "wire/body.h"
#include "wire/ext.h"

/* Names the official SDKs use (docs/protocol.md 14); where they have none, the schema's own in
 * their style. Indexed by MUCBody.operation. */
static const char *const muc_names[] = {"create",
                                        "destroy",
                                        "join",
                                        "leave",
                                        "requestToJoin",
                                        "acceptRequest",
                                        "joinPublicGroupDeclined",
                                        "inviteToJoin",
                                        "acceptInvite",
                                        "rejectInvite",
                                        "removeMember",
                                        "getBlocklist",
                                        "banMember",
                                        "unblockMember",
                                        "updateInfo",
                                        "block",
                                        "unblock",
                                        "memberPresence",
                                        "memberAbsence",
                                        "directJoined",
                                        "changeOwner",
                                        "setAdmin",
                                        "removeAdmin",
                                        "muteMember",
                                        "unmuteMember",
                                        "updateAnnouncement",
                                        "deleteAnnouncement",
                                        "uploadFile",
                                        "deleteFile",
                                        "addUserToAllowlist",
                                        "removeAllowlistMember",
                                        "muteAllMembers",
                                        "unmuteAllMembers",
                                        "chatThreadCreate",
                                        "chatThreadDestroy",
                                        "chatThreadJoin",
                                        "chatThreadLeave",
                                        "chatThreadKick",
                                        "chatThreadNameUpdate",
                                        "chatThreadPresence",
                                        "chatThreadAbsence",
                                        "disableGroup",
                                        "enableGroup",
                                        "updateChatRoomAttributes",
                                        "removeChatRoomAttributes",
                                        "memberAttributesUpdate"};
enum { MUC_THREAD_FIRST = 33, MUC_THREAD_LAST = 40 };

static const struct {
  const char *operation, *type;
} roster_names[] = {{"getRoster", ""},
                    {"getBlocklist", ""},
                    {"invited", "subscribe"},
                    {"deleted", "unsubscribed"},
                    {"added", "subscribed"},
                    {"refuse", "unsubscribed"},
                    {"block", ""},
                    {"unblock", ""},
                    {"agreed", "subscribed"},
                    {"refuse", "unsubscribed"}};

/* NOTIFY: "type" -> name of the notice. */
static const struct {
  const char *type, *name;
} notify_names[] = {{"presence", "presence"}, {"reaction", "reaction"},
                    {"conv", "conversation"}, {"roaming_delete", "roaming_delete"},
                    {"thread", "thread"},     {"user_notification_mute", "notification_mute"}};

/* "op" of a conv -> the operation name of the official SDKs. */
static const struct {
  const char *op, *operation;
} conversation_names[] = {{"del", "deleteConversation"},
                          {"top", "pinnedConversation"},
                          {"not_top", "unpinnedConversation"},
                          {"mark", "markConversation"},
                          {"mark_delete", "unMarkConversation"},
                          {"pin", "pin"},
                          {"pin_delete", "unpin"}};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void member(eim_buf *json, const char *key, const char *text) {
  if (!text) return;
  eim_buf_str(json, ",\"");
  eim_buf_str(json, key);
  eim_buf_str(json, "\":");
  eim_buf_json_str(json, text);
}

static const char *name_of(const EIM_PB(JID) * jid) {
  return jid ? jid->name : NULL;
}

/* What every notice begins with. */
static void begin(eim_buf *json, const EIM_PB(Meta) * meta) {
  eim_buf_clear(json);
  eim_buf_printf(json, "{\"msgId\":\"%" PRIu64 "\",\"time\":%" PRIu64, meta->id, meta->timestamp);
}

static void operation(eim_buf *json, int code, const char *name) {
  member(json, "operation", name ? name : "unknown");
  eim_buf_printf(json, ",\"operationCode\":%d", code);
}

static void names(eim_buf *json, const char *key, EIM_PB(JID) *const *list, size_t count) {
  if (!count) return;
  eim_buf_printf(json, ",\"%s\":[", key);
  for (size_t i = 0; i < count; i++) {
    if (i) eim_buf_str(json, ",");
    eim_buf_json_str(json, list[i]->name ? list[i]->name : "");
  }
  eim_buf_str(json, "]");
}

static void message(eim_buf *json, const char *key, const ProtobufCMessage *value) {
  if (!value) return;
  eim_buf_printf(json, ",\"%s\":", key);
  eim_pb_json(json, value);
}

/* Text that holds JSON: put in as it is when it is JSON. */
static void json_member(eim_buf *json, const char *key, const char *text) {
  eim_json value;
  if (text && eim_json_parse(&value, text, strlen(text))) {
    eim_buf_printf(json, ",\"%s\":", key);
    eim_json_raw(value, json);
  } else {
    member(json, key, text);
  }
}

static void *open_payload(eim_pool *pool, const EIM_PB(Meta) * meta,
                          const ProtobufCMessageDescriptor *type) {
  return eim_pool_unpack(pool, type, meta->payload.data, meta->payload.len);
}

const char *eim_notice_muc(eim_buf *json, eim_pool *pool, const EIM_PB(Meta) * meta) {
  const EIM_PB(MUCBody) *body = open_payload(pool, meta, &easemob__pb__mucbody__descriptor);
  if (!body) return NULL;
  int code = (int)body->operation;
  begin(json, meta);
  operation(json, code, code >= 0 && (size_t)code < COUNT(muc_names) ? muc_names[code] : NULL);
  member(json, "id", name_of(body->mucid) ? name_of(body->mucid) : "");
  member(json, "from", name_of(body->from));
  if (body->from && body->from->clientresource && *body->from->clientresource)
    member(json, "fromResource", body->from->clientresource);
  names(json, "to", body->to, body->n_to);
  member(json, "name", body->mucname);
  member(json, "reason", body->reason);
  if (body->has_mucmembercount)
    eim_buf_printf(json, ",\"memberCount\":%d", (int)body->mucmembercount);
  member(json, "ext", body->ext);
  member(json, "parentId", name_of(body->mucparentid));
  if (body->eventinfo) json_member(json, "detail", body->eventinfo->ext);
  if (body->eventinfo && body->eventinfo->eventtype)
    eim_buf_printf(json, ",\"eventType\":%d", (int)body->eventinfo->eventtype);
  if (body->n_members) {
    eim_buf_str(json, ",\"members\":[");
    for (size_t i = 0; i < body->n_members; i++) {
      if (i) eim_buf_str(json, ",");
      eim_buf_json_str(json, body->members[i]);
    }
    eim_buf_str(json, "]");
  }
  if (body->has_leaveotherrooms)
    eim_buf_printf(json, ",\"leaveOtherRooms\":%s", body->leaveotherrooms ? "true" : "false");
  if (body->setting) message(json, "setting", &body->setting->base);
  if (body->status) {
    message(json, "status", &body->status->base);
    json_member(json, "info", body->status->chatroominfo);
  }
  eim_buf_str(json, "}");
  if (body->isthread || (code >= MUC_THREAD_FIRST && code <= MUC_THREAD_LAST)) return "thread";
  return body->ischatroom ? "chatroom" : "group";
}

const char *eim_notice_roster(eim_buf *json, eim_pool *pool, const EIM_PB(Meta) * meta) {
  const EIM_PB(RosterBody) *body = open_payload(pool, meta, &easemob__pb__roster_body__descriptor);
  if (!body) return NULL;
  int code = (int)body->operation;
  bool known = code >= 0 && (size_t)code < COUNT(roster_names);
  begin(json, meta);
  operation(json, code, known ? roster_names[code].operation : NULL);
  if (known && *roster_names[code].type) member(json, "type", roster_names[code].type);
  const char *from = name_of(body->from);
  member(json, "from", from ? from : name_of(meta->from) ? name_of(meta->from) : "");
  const char *to = body->n_to ? name_of(body->to[0]) : name_of(meta->to);
  member(json, "to", to ? to : "");
  if (body->n_to > 1) names(json, "users", body->to, body->n_to);
  member(json, "status", body->reason ? body->reason : "");
  member(json, "rosterVer", body->rosterver);
  if (body->has_bidirection)
    eim_buf_printf(json, ",\"biDirection\":%s", body->bidirection ? "true" : "false");
  if (body->status) message(json, "result", &body->status->base);
  eim_buf_str(json, "}");
  return "contact";
}

const char *eim_notice_conference(eim_buf *json, eim_pool *pool, const EIM_PB(Meta) * meta) {
  const EIM_PB(ConferenceBody) *body =
      open_payload(pool, meta, &easemob__pb__conference_body__descriptor);
  if (!body) return NULL;
  begin(json, meta);
  member(json, "from", name_of(meta->from));
  member(json, "to", name_of(meta->to));
  message(json, "conference", &body->base);
  eim_buf_str(json, "}");
  return "conference";
}

/* Push settings come without "data": a list of "values". */
static bool is_own(eim_json root, const char *own_resource) {
  eim_json data = eim_json_get(root, "data"), values = eim_json_get(root, "values");
  if (!own_resource || !*own_resource) return false;
  if (eim_json_is(eim_json_get(data, "res"), own_resource) ||
      eim_json_is(eim_json_get(data, "resource"), own_resource))
    return true;
  eim_json_iter it = eim_json_each(values);
  return eim_json_kind(values) == EIM_JSON_ARRAY && eim_json_next(&it) &&
         eim_json_is(eim_json_get(it.value, "operator_resource"), own_resource);
}

const char *eim_notice_notify(eim_buf *json, const EIM_PB(Meta) * meta, const char *own_resource) {
  eim_json root;
  if (!eim_json_parse(&root, meta->payload.data, meta->payload.len) ||
      eim_json_kind(root) != EIM_JSON_OBJECT)
    return eim_notice_unknown(json, meta, NULL);
  const char *name = "unknown";
  eim_json type = eim_json_get(root, "type"), data = eim_json_get(root, "data");
  eim_json op = eim_json_get(data, "op");
  begin(json, meta);
  for (size_t i = 0; i < COUNT(notify_names); i++)
    if (eim_json_is(type, notify_names[i].type)) name = notify_names[i].name;
  if (!strcmp(name, "conversation")) {
    for (size_t i = 0; i < COUNT(conversation_names); i++)
      if (eim_json_is(op, conversation_names[i].op))
        member(json, "operation", conversation_names[i].operation);
  } else if (!strcmp(name, "roaming_delete")) {
    member(json, "operation", "deleteRoaming");
  } else if (!strcmp(name, "thread") &&
             eim_json_kind(eim_json_get(data, "operation")) == EIM_JSON_STRING) {
    eim_buf_str(json, ",\"operation\":");
    eim_json_raw(eim_json_get(data, "operation"), json);
  }
  if (!type.at && eim_json_get(root, "edit_msg").at) name = "message_edit";
  if (is_own(root, own_resource)) eim_buf_str(json, ",\"fromThisDevice\":true");
  for (eim_json_iter it = eim_json_each(root); eim_json_next(&it);) {
    eim_buf_str(json, ",");
    eim_json_raw(it.key, json);
    eim_buf_str(json, ":");
    eim_json_raw(it.value, json);
  }
  eim_buf_str(json, "}");
  return name;
}

static const char *chat_type_name(eim_json chat_type) {
  return eim_json_is(chat_type, "groupchat")  ? "groupChat"
         : eim_json_is(chat_type, "chatroom") ? "chatRoom"
         : eim_json_is(chat_type, "chat")     ? "singleChat"
                                              : NULL;
}

const char *eim_notice_edit(eim_buf *json, const EIM_PB(Meta) * meta,
                            const EIM_PB(MessageBody) * body, const char *from, const char *to) {
  eim_json root = {NULL, NULL};
  if (body->meta) eim_json_parse(&root, body->meta, strlen(body->meta));
  eim_json edit = eim_json_get(root, "edit_msg");
  begin(json, meta);
  eim_buf_printf(json, ",\"id\":\"%" PRIu64 "\"", body->editmessageid);
  member(json, "from", from);
  member(json, "to", to);
  member(json, "chatType", chat_type_name(eim_json_get(edit, "chat_type")));
  if (body->n_contents) {
    eim_message_kind kind = eim_body_kind(body->contents[0]);
    eim_buf_str(json, ",\"body\":{");
    eim_body_fields(json, kind, body->contents[0], true);
    eim_buf_str(json, "}");
  }
  if (body->n_ext) {
    eim_buf_str(json, ",\"ext\":");
    eim_ext_json(json, body->ext, body->n_ext);
  }
  if (body->has_editscope) eim_buf_printf(json, ",\"editScope\":%d", (int)body->editscope);
  if (edit.at) {
    static const struct {
      const char *wire, *name;
    } fields[] = {{"edit_time", "operationTime"},
                  {"operator", "operatorId"},
                  {"count", "operationCount"},
                  {"send_time", "sendTime"},
                  {"sender", "sender"}};
    eim_buf_str(json, ",\"modifiedInfo\":{");
    const char *separator = "";
    for (size_t i = 0; i < COUNT(fields); i++) {
      eim_json value = eim_json_get(edit, fields[i].wire);
      if (!value.at) continue;
      eim_buf_printf(json, "%s\"%s\":", separator, fields[i].name);
      eim_json_raw(value, json);
      separator = ",";
    }
    eim_buf_str(json, "}");
  }
  eim_buf_str(json, "}");
  return "message_edit";
}

const char *eim_notice_unknown(eim_buf *json, const EIM_PB(Meta) * meta,
                               const EIM_PB(MessageBody) * body) {
  begin(json, meta);
  eim_buf_printf(json, ",\"ns\":%d", (int)meta->ns);
  member(json, "from", name_of(meta->from));
  member(json, "to", name_of(meta->to));
  if (body) {
    message(json, "body", &body->base);
  } else {
    eim_buf_str(json, ",\"payload\":\"");
    eim_buf_base64(json, meta->payload.data, meta->payload.len);
    eim_buf_str(json, "\"");
  }
  eim_buf_str(json, "}");
  return "unknown";
}
