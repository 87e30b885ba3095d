/* Read receipts in groups: docs/protocol.md 13. They go to the sender of the message alone, with
 * how many have read it; the list of the readers is a REST call. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rest_call.h"
#include "sandbox.h"

eim_sb_sent *eim_sb_find_sent(eim_sandbox *self, uint64_t server_id) {
  for (size_t i = 0; i < EIM_SB_SENT; i++)
    if (self->sent[i].server_id == server_id && server_id) return &self->sent[i];
  return NULL;
}

void eim_sb_remember_sent(eim_sandbox *self, uint64_t server_id, int64_t timestamp,
                          const char *from, const char *group, bool wants_acks) {
  eim_sb_sent *sent = &self->sent[self->sent_next % EIM_SB_SENT];
  eim_sb_names_free(&sent->readers);
  memset(sent, 0, sizeof *sent);
  sent->server_id = server_id;
  sent->timestamp = timestamp;
  sent->wants_acks = wants_acks;
  snprintf(sent->from, sizeof sent->from, "%s", from);
  snprintf(sent->group, sizeof sent->group, "%s", group ? group : "");
  sent->number = self->sent_next++;
  eim_sb_store_sent(self, sent);
}

void eim_sb_free_sent(eim_sandbox *self) {
  for (size_t i = 0; i < EIM_SB_SENT; i++) eim_sb_names_free(&self->sent[i].readers);
}

/* The receipt as the sender gets it: with the count as the first ext (docs/protocol.md 13; the name
 * of its key is proposed). NULL: no memory. */
static eim_sb_meta *with_count(const eim_sb_pb_meta *down, const Easemob__Pb__MessageBody *body,
                               uint64_t message, size_t count) {
  char text[64];
  snprintf(text, sizeof text, "{\"%llu\":%zu}", (unsigned long long)message, count);
  Easemob__Pb__KeyValue kv = EASEMOB__PB__KEY_VALUE__INIT, *list[] = {&kv};
  kv.key = (char *)"groupReadCount";
  kv.has_type = 1;
  kv.type = EASEMOB__PB__KEY_VALUE__VALUE_TYPE__JSON_STRING;
  kv.value_case = EASEMOB__PB__KEY_VALUE__VALUE_STRING_VALUE;
  kv.stringvalue = text;
  Easemob__Pb__MessageBody__MessageConfig config = EASEMOB__PB__MESSAGE_BODY__MESSAGE_CONFIG__INIT;
  config.has_allowgroupack = config.allowgroupack = 1;
  Easemob__Pb__MessageBody told = *body;
  told.n_ext = 1;
  told.ext = list;
  told.msgconfig = &config;
  size_t size = easemob__pb__message_body__get_packed_size(&told);
  uint8_t *bytes = malloc(size);
  if (!bytes) return NULL;
  easemob__pb__message_body__pack(&told, bytes);
  eim_sb_pb_meta copy = *down;
  copy.payload.data = bytes;
  copy.payload.len = size;
  eim_sb_meta *meta = eim_sb_meta_new(&copy);
  free(bytes);
  return meta;
}

/* A receipt for a message that did not ask for one, or that is forgotten, is answered and goes
 * nowhere: proposed. A reader counts once. */
void eim_sb_group_ack(eim_sandbox *self, const eim_sb_conn *conn, const eim_sb_group *group,
                      const eim_sb_pb_meta *down, const Easemob__Pb__MessageBody *body) {
  uint64_t message = body->has_ackmessageid ? body->ackmessageid : 0;
  eim_sb_sent *sent = eim_sb_find_sent(self, message);
  if (!sent || !sent->wants_acks || strcmp(sent->group, group->id) != 0) return;
  if (strcmp(sent->from, conn->user->name) == 0 ||
      eim_sb_names_has(&sent->readers, conn->user->name) ||
      !eim_sb_names_add(&sent->readers, conn->user->name))
    return;
  eim_sb_store_sent(self, sent);
  eim_sb_user *sender = eim_sb_find_user(self, sent->from);
  eim_sb_meta *meta = sender ? with_count(down, body, message, sent->readers.count) : NULL;
  if (meta) eim_sb_deliver(self, sender, NULL, NULL, group->id, EIM_SB_DOMAIN_GROUP, NULL, meta);
  eim_sb_meta_unref(meta);
}

/* GET …/acks/{message}: the form is that of the types of 4.8.1. */
void eim_sb_rest_acks(eim_sb_call *call) {
  if (call->count != 2 || !eim_sb_is(call->parts[0], "acks") || call->room) return;
  if (!eim_sb_verb(call, "GET")) {
    eim_sb_no_verb(call);
    return;
  }
  if (!eim_sb_needs(call, EIM_SB_MEMBER)) return;
  uint64_t message = 0;
  eim_parse_u64(call->parts[1], &message);
  const eim_sb_sent *sent = eim_sb_find_sent(call->self, message);
  if (sent && strcmp(sent->group, call->group->id) != 0) sent = NULL;
  size_t count = sent ? sent->readers.count : 0;
  size_t first = (size_t)eim_sb_query_int(call, "key", 0, 0, 1000000);
  size_t limit = (size_t)eim_sb_query_int(call, "limit", 500, 1, 500);
  cJSON *data = cJSON_CreateObject(), *users = cJSON_AddArrayToObject(data, "userlist");
  size_t i = first;
  for (; i < count && i - first < limit; i++)
    cJSON_AddItemToArray(users, cJSON_CreateString(sent->readers.items[i]));
  char next[24] = "";
  if (i < count) snprintf(next, sizeof next, "%zu", i);
  cJSON_AddNumberToObject(data, "total", (double)count);
  cJSON_AddBoolToObject(data, "is_last", i >= count);
  cJSON_AddStringToObject(data, "next_key", next);
  cJSON_AddStringToObject(data, "ackmid", call->parts[1]);
  cJSON_AddNumberToObject(data, "timestamp", (double)eim_sb_now(call->self));
  eim_sb_answer_data(call, data);
}
