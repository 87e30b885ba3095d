#include "wire/item.h"

#include <string.h>

#include "base/text.h"
#include "model/message.h"
#include "wire/body.h"
#include "wire/ext.h"
#include "wire/notice.h"

#define GROUP_DOMAIN "conference.easemob.com"

eim_jid eim_jid_of(eim_pool *pool, const EIM_PB(JID) * jid) {
  eim_jid result = {"", "", "", ""};
  if (jid) {
    result.app_key = eim_pool_text(pool, jid->appkey);
    result.name = eim_pool_text(pool, jid->name);
    result.domain = eim_pool_text(pool, jid->domain);
    result.resource = eim_pool_text(pool, jid->clientresource);
  }
  return result;
}

static void bad(eim_item *item, const char *problem) {
  item->kind = EIM_ITEM_BAD;
  item->problem = problem;
}

static void take_notice(eim_item *item, eim_item_context *c, const char *name) {
  if (!name) {
    bad(item, "payload does not parse");
    return;
  }
  item->kind = EIM_ITEM_NOTICE;
  if (!c->json.failed && eim_pool_charge(c->pool, c->json.length + 64))
    item->notice = eim_notice_new(name, (const char *)c->json.data);
  if (!item->notice) bad(item, "out of memory");
}

/* Who sent it: the server stamps Meta.from; the body is only the sender's word, for when that is
 * missing or names the group. */
static const char *sender(eim_item_context *c, const eim_item *item,
                          const EIM_PB(MessageBody) * body) {
  bool told = *item->from.name && strcmp(item->from.domain, GROUP_DOMAIN) != 0;
  return told || !body->from ? item->from.name : eim_pool_text(c->pool, body->from->name);
}

static const char *receiver(eim_item_context *c, const eim_item *item,
                            const EIM_PB(MessageBody) * body, bool group) {
  bool told = *item->to.name && (!group || !strcmp(item->to.domain, GROUP_DOMAIN));
  if (told || !body->to || !body->to->name || !*body->to->name) return item->to.name;
  return eim_pool_text(c->pool, body->to->name);
}

/* Meta.meta {"is_online":0|1}: 2 any other value, 3 absent; in rooms always 1. */
static int online_state(const EIM_PB(Meta) * meta, bool room) {
  eim_json root, value;
  int64_t number;
  if (room) return 1;
  if (!eim_json_parse(&root, meta->meta.data, meta->meta.len)) return 3;
  value = eim_json_get(root, "is_online");
  if (!value.at) return 3;
  return eim_json_i64(value, &number) && (number == 0 || number == 1) ? (int)number : 2;
}

/* What official SDKs tell beside the content: priority and broadcast of room messages, msgConfig,
 * whether the content is another one than was sent, and the server's JSON (threads, translations,
 * reactions). */
static void add_extras(eim_buf *json, const EIM_PB(Meta) * meta, const EIM_PB(MessageBody) * body,
                       bool first) {
  static const char *const priorities[] = {"high", "normal", "low"};
  for (size_t i = 0; i < meta->n_ext; i++) {
    const EIM_PB(KeyValue) *kv = meta->ext[i];
    if (!kv->key || kv->value_case != EASEMOB__PB__KEY_VALUE__VALUE_VARINT_VALUE) continue;
    if (!strcmp(kv->key, "chatroom_msg_tag") && kv->varintvalue >= 0 && kv->varintvalue <= 2) {
      eim_buf_printf(json, "%s\"priority\":\"%s\"", first ? "" : ",", priorities[kv->varintvalue]);
      first = false;
    } else if (!strcmp(kv->key, "is_broadcast")) {
      eim_buf_printf(json, "%s\"broadcast\":%s", first ? "" : ",",
                     kv->varintvalue ? "true" : "false");
      first = false;
    }
  }
  if (body->msgconfig && body->msgconfig->has_allowgroupack) {
    eim_buf_printf(json, "%s\"msgConfig\":{\"allowGroupAck\":%s}", first ? "" : ",",
                   body->msgconfig->allowgroupack ? "true" : "false");
    first = false;
  }
  eim_json extra;
  if (eim_json_parse(&extra, meta->meta.data, meta->meta.len) &&
      eim_json_kind(eim_json_get(extra, "callback_replace")) == EIM_JSON_TRUE) {
    eim_buf_printf(json, "%s\"isContentReplaced\":true", first ? "" : ",");
    first = false;
  }
  if (body->meta && eim_json_parse(&extra, body->meta, strlen(body->meta)) &&
      eim_json_kind(extra) == EIM_JSON_OBJECT) {
    eim_buf_printf(json, "%s\"meta\":", first ? "" : ",");
    eim_json_raw(extra, json);
    first = false;
  }
  if (body->stream) {
    eim_buf_printf(json, "%s\"stream\":", first ? "" : ",");
    eim_pb_json(json, &body->stream->base);
    first = false;
  }
  if (body->n_contents > 1) { /* official SDKs drop these */
    eim_buf_printf(json, "%s\"moreContents\":[", first ? "" : ",");
    for (size_t i = 1; i < body->n_contents; i++) {
      if (i > 1) eim_buf_str(json, ",");
      eim_pb_json(json, &body->contents[i]->base);
    }
    eim_buf_str(json, "]");
  }
}

static const char *copy_in(eim_message *message, const char *text) {
  return *text ? eim_arena_strdup(&message->arena, text) : "";
}

/* Inside another combined message: levels go down, so that unfolding one after the other comes to
 * an end. One that says no level gets the highest it may have. */
static bool fix_level(EIM_PB(MessageBody__Content) * content, int most) {
  if (!content->has_combinelevel || content->combinelevel < 1) {
    content->has_combinelevel = 1;
    content->combinelevel = most;
  }
  return most >= 1 && content->combinelevel <= most;
}

static void decode_message(eim_item *item, eim_item_context *c, const EIM_PB(Meta) * meta,
                           const EIM_PB(MessageBody) * body) {
  if (!body->n_contents) {
    bad(item, "message without content");
    return;
  }
  eim_chat_type chat_type = (eim_chat_type)(int)body->type;
  const EIM_PB(MessageBody__Content) *content = body->contents[0];
  const char *from = sender(c, item, body);
  const char *to = receiver(c, item, body, chat_type != EIM_CHAT_SINGLE);
  bool from_own_device = *item->from.resource && c->own_user && !strcmp(from, c->own_user) &&
                         (!c->own_resource || strcmp(item->from.resource, c->own_resource) != 0);
  const char *resource = from_own_device ? item->from.resource : "";
  eim_message_kind kind = eim_body_kind(content);
  if (kind == EIM_MESSAGE_COMBINE && c->in_combine &&
      !fix_level(body->contents[0], c->combine_most)) {
    bad(item, "a combined message that is not one level below the one it is in");
    return;
  }
  const char *text = kind == EIM_MESSAGE_TEXT ? eim_pool_text(c->pool, content->text) : NULL;

  eim_buf *json = &c->json;
  eim_buf_clear(json);
  eim_buf_str(json, "{");
  add_extras(json, meta, body, eim_body_fields(json, kind, content, true));
  eim_buf_str(json, "}");
  size_t body_length = json->length;
  if (body->n_ext) eim_ext_json(json, body->ext, body->n_ext);
  if (json->failed) {
    bad(item, "out of memory");
    return;
  }

  size_t size =
      json->length + (text ? strlen(text) : 0) + strlen(from) + strlen(to) + strlen(resource) + 128;
  eim_message *message =
      eim_pool_charge(c->pool, size + sizeof *message) ? eim_message_alloc(size) : NULL;
  if (!message) {
    bad(item, "out of memory");
    return;
  }
  char digits[21];
  message->kind = kind;
  message->chat_type = chat_type;
  message->server_id = meta->id;
  message->time = item->timestamp;
  message->online_state = online_state(meta, chat_type == EIM_CHAT_ROOM);
  message->id = meta->id ? copy_in(message, eim_u64_text(meta->id, digits)) : "";
  message->from = copy_in(message, from);
  message->from_resource = copy_in(message, resource);
  message->to = copy_in(message, to);
  message->text = text ? copy_in(message, text) : NULL;
  message->body = eim_arena_strndup(&message->arena, (const char *)json->data, body_length);
  if (body->n_ext)
    message->ext = eim_arena_strndup(&message->arena, (const char *)json->data + body_length,
                                     json->length - body_length);
  item->kind = EIM_ITEM_MESSAGE;
  item->message = message;
  if (!message->id || !message->from || !message->from_resource || !message->to ||
      (text && !message->text) || !message->body || !message->ext) {
    eim_message_unref(message);
    item->message = NULL;
    bad(item, "out of memory");
  }
}

/* What a recall or a group read receipt tells besides the id (docs/protocol.md 13). */
static void receipt_extras(eim_buf *json, const EIM_PB(Meta) * meta,
                           const EIM_PB(MessageBody) * body) {
  const char *separator = "{";
  eim_json value;
  eim_buf_clear(json);
  for (size_t i = 0; i < meta->n_ext; i++) {
    const EIM_PB(KeyValue) *kv = meta->ext[i];
    if (!kv->key || strcmp(kv->key, "recallMessageExtensionInfo") ||
        kv->value_case != EASEMOB__PB__KEY_VALUE__VALUE_STRING_VALUE)
      continue;
    eim_buf_printf(json, "%s\"ext\":", separator);
    eim_buf_json_str(json, kv->stringvalue);
    separator = ",";
    break;
  }
  if (body->ackcontent && *body->ackcontent) {
    eim_buf_printf(json, "%s\"ackContent\":", separator);
    eim_buf_json_str(json, body->ackcontent);
    separator = ",";
  }
  if (body->msgconfig && body->n_ext &&
      body->ext[0]->value_case == EASEMOB__PB__KEY_VALUE__VALUE_STRING_VALUE &&
      body->ext[0]->stringvalue &&
      eim_json_parse(&value, body->ext[0]->stringvalue, strlen(body->ext[0]->stringvalue))) {
    eim_buf_printf(json, "%s\"groupReadCount\":", separator);
    eim_json_raw(value, json);
    separator = ",";
  }
  if (json->length) eim_buf_str(json, "}");
}

static void decode_receipt(eim_item *item, eim_item_context *c, const EIM_PB(Meta) * meta,
                           const EIM_PB(MessageBody) * body, eim_receipt_kind kind) {
  char digits[21];
  bool group = !strcmp(item->to.domain, GROUP_DOMAIN);
  const char *id = body->ackmessageid ? eim_u64_text(body->ackmessageid, digits) : "";
  receipt_extras(&c->json, meta, body);
  item->kind = EIM_ITEM_RECEIPT;
  if (!c->json.failed && eim_pool_charge(c->pool, 256 + c->json.length))
    item->receipt =
        eim_receipt_new(kind, group ? EIM_CHAT_GROUP : EIM_CHAT_SINGLE, id, "",
                        sender(c, item, body), receiver(c, item, body, group), item->timestamp,
                        c->json.length ? (const char *)c->json.data : NULL);
  if (!item->receipt) bad(item, "out of memory");
}

static void decode_chat(eim_item *item, eim_item_context *c, const EIM_PB(Meta) * meta) {
  const EIM_PB(MessageBody) *body = eim_pool_unpack(c->pool, &easemob__pb__message_body__descriptor,
                                                    meta->payload.data, meta->payload.len);
  if (!body) {
    bad(item, "message body does not parse");
    return;
  }
  switch ((int)body->type) {
  case EASEMOB__PB__MESSAGE_BODY__TYPE__CHAT:
  case EASEMOB__PB__MESSAGE_BODY__TYPE__GROUPCHAT:
  case EASEMOB__PB__MESSAGE_BODY__TYPE__CHATROOM: decode_message(item, c, meta, body); break;
  case EASEMOB__PB__MESSAGE_BODY__TYPE__READ_ACK:
    decode_receipt(item, c, meta, body, EIM_RECEIPT_READ);
    break;
  case EASEMOB__PB__MESSAGE_BODY__TYPE__DELIVER_ACK:
    decode_receipt(item, c, meta, body, EIM_RECEIPT_DELIVERED);
    break;
  case EASEMOB__PB__MESSAGE_BODY__TYPE__RECALL:
    decode_receipt(item, c, meta, body, EIM_RECEIPT_RECALLED);
    break;
  case EASEMOB__PB__MESSAGE_BODY__TYPE__CHANNEL_ACK:
    decode_receipt(item, c, meta, body, EIM_RECEIPT_CHANNEL);
    break;
  case EASEMOB__PB__MESSAGE_BODY__TYPE__EDIT:
    take_notice(item, c,
                eim_notice_edit(&c->json, meta, body, sender(c, item, body),
                                receiver(c, item, body, !strcmp(item->to.domain, GROUP_DOMAIN))));
    break;
  default: take_notice(item, c, eim_notice_unknown(&c->json, meta, body)); break;
  }
}

static void decode_statistic(eim_item *item, eim_item_context *c, const EIM_PB(Meta) * meta) {
  const EIM_PB(StatisticsBody) *body = eim_pool_unpack(
      c->pool, &easemob__pb__statistics_body__descriptor, meta->payload.data, meta->payload.len);
  if (!body) {
    bad(item, "statistics body does not parse");
    return;
  }
  item->kind = EIM_ITEM_STATISTIC;
  item->operation = (int)body->operation;
  item->reason = eim_pool_text(c->pool, body->reason);
}

void eim_item_decode(eim_item *out, eim_item_context *c, const void *bytes, size_t length) {
  memset(out, 0, sizeof *out);
  out->reason = out->problem = "";
  out->from = out->to = eim_jid_of(c->pool, NULL);
  const EIM_PB(Meta) *meta =
      eim_pool_unpack(c->pool, &easemob__pb__meta__descriptor, bytes, length);
  if (!meta) {
    bad(out, "meta does not parse");
    return;
  }
  out->id = meta->id;
  out->timestamp = meta->timestamp > INT64_MAX ? 0 : (int64_t)meta->timestamp;
  out->from = eim_jid_of(c->pool, meta->from);
  out->to = eim_jid_of(c->pool, meta->to);
  switch ((int)meta->ns) {
  case EASEMOB__PB__META__NAME_SPACE__STATISTIC: decode_statistic(out, c, meta); break;
  case EASEMOB__PB__META__NAME_SPACE__CHAT: decode_chat(out, c, meta); break;
  case EASEMOB__PB__META__NAME_SPACE__MUC:
    take_notice(out, c, eim_notice_muc(&c->json, c->pool, meta));
    break;
  case EASEMOB__PB__META__NAME_SPACE__ROSTER:
    take_notice(out, c, eim_notice_roster(&c->json, c->pool, meta));
    break;
  case EASEMOB__PB__META__NAME_SPACE__CONFERENCE:
    take_notice(out, c, eim_notice_conference(&c->json, c->pool, meta));
    break;
  case EASEMOB__PB__META__NAME_SPACE__NOTIFY:
    take_notice(out, c, eim_notice_notify(&c->json, meta, c->own_resource));
    break;
  default: take_notice(out, c, eim_notice_unknown(&c->json, meta, NULL)); break;
  }
}

void eim_item_release(eim_item *item) {
  eim_message_unref(item->message);
  eim_receipt_unref(item->receipt);
  eim_notice_unref(item->notice);
  item->message = NULL;
  item->receipt = NULL;
  item->notice = NULL;
}
