/* Uploaded metas: who gets them, and what the sender is told (docs/protocol.md 11, 13, 14). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"
#include "threads.h"

enum { EDITS = 10 /* of one message */, MOST_DIRECTED = 20 /* docs/rest.md 16 */ };

typedef struct verdict {
  int code;
  const char *reason;
} verdict;

/* edit: what the answer to an edit says (JSON); NULL: no edit. */
static void answer_with(eim_sandbox *self, eim_sb_conn *conn, uint64_t client_id,
                        uint64_t server_id, int64_t timestamp, verdict why, const char *edit) {
  Easemob__Pb__Status status = EASEMOB__PB__STATUS__INIT;
  status.has_errorcode = 1;
  status.errorcode = (eim_sb_code)why.code;
  status.reason = (char *)why.reason;
  Easemob__Pb__CommSyncDL down = EASEMOB__PB__COMM_SYNC_DL__INIT;
  down.status = &status;
  down.has_metaid = down.has_serverid = down.has_timestamp = 1;
  down.metaid = client_id;
  down.serverid = server_id;
  down.timestamp = (uint64_t)timestamp;
  eim_sb_pb_meta notify = EASEMOB__PB__META__INIT, *metas[] = {&notify};
  if (edit) { /* docs/protocol.md 13 */
    notify.has_id = notify.has_ns = notify.has_payload = notify.has_timestamp = 1;
    notify.id = server_id;
    notify.ns = EASEMOB__PB__META__NAME_SPACE__NOTIFY;
    notify.timestamp = (uint64_t)timestamp;
    notify.payload.data = (uint8_t *)(uintptr_t)edit;
    notify.payload.len = strlen(edit);
    down.metas = metas;
    down.n_metas = 1;
  }
  eim_sb_send(self, conn, EASEMOB__PB__MSYNC__COMMAND__SYNC, &down.base);
}

static void answer(eim_sandbox *self, eim_sb_conn *conn, uint64_t client_id, uint64_t server_id,
                   int64_t timestamp, verdict why) {
  answer_with(self, conn, client_id, server_id, timestamp, why, NULL);
}

/* FNV-1a. The id alone does not tell a repetition: those of the real SDK come from two counters,
 * and a recall may have the id of the message before it (docs/protocol.md 11). */
static uint64_t hash(uint64_t digest, const void *bytes, size_t size) {
  const uint8_t *byte = bytes;
  while (size--) digest = (digest ^ *byte++) * UINT64_C(0x100000001b3);
  return digest;
}

static uint64_t digest_of(const eim_sb_pb_meta *meta) {
  uint64_t digest = UINT64_C(0xcbf29ce484222325);
  const char *to = meta->to && meta->to->name ? meta->to->name : "";
  digest = hash(digest, to, strlen(to) + 1);
  return meta->has_payload ? hash(digest, meta->payload.data, meta->payload.len) : digest;
}

static const eim_sb_seen *find_seen(const eim_sb_user *user, uint64_t client_id, uint64_t digest) {
  if (client_id > user->seen_most) return NULL; /* they grow, so nearly every one is new */
  size_t count = user->seen_count < user->seen_room ? user->seen_count : user->seen_room;
  for (size_t i = 0; i < count; i++)
    if (user->seen[i].client_id == client_id && user->seen[i].digest == digest)
      return &user->seen[i];
  return NULL;
}

static void remember(eim_sandbox *self, eim_sb_user *user, uint64_t client_id, uint64_t digest,
                     uint64_t server_id, int64_t timestamp) {
  size_t slot = user->seen_count % EIM_SB_SEEN;
  if (!eim_sb_seen_room(user, slot)) return;
  user->seen[slot] = (eim_sb_seen){client_id, digest, server_id, timestamp};
  if (client_id > user->seen_most) user->seen_most = client_id;
  eim_sb_store_seen(self->store, user, user->seen_count++);
}

/* They are many, would drive out the messages, and do no harm when they come twice. The type is the
 * first field of a body (docs/protocol.md 5). */
static bool is_delivery(const eim_sb_pb_meta *meta) {
  return meta->ns == EASEMOB__PB__META__NAME_SPACE__CHAT && meta->payload.len >= 2 &&
         meta->payload.data[0] == 0x08 &&
         meta->payload.data[1] == EASEMOB__PB__MESSAGE_BODY__TYPE__DELIVER_ACK;
}

static verdict may_recall(eim_sandbox *self, const eim_sb_user *user,
                          const Easemob__Pb__MessageBody *body) {
  const eim_sb_sent *sent = eim_sb_find_sent(self, body->has_ackmessageid ? body->ackmessageid : 0);
  if (!sent)
    return (verdict){EASEMOB__PB__STATUS__ERROR_CODE__FAIL, "Sorry, message does not exist"};
  if (strcmp(sent->from, user->name) != 0) /* proposed: only the sender may */
    return (verdict){EASEMOB__PB__STATUS__ERROR_CODE__FAIL, "Sorry, You do not have permission"};
  if (eim_sb_now(self) - sent->timestamp > 120000) /* docs/rest.md 16: 2 minutes */
    return (verdict){EASEMOB__PB__STATUS__ERROR_CODE__FAIL, "exceed recall time limit"};
  return (verdict){0, NULL};
}

/* Only the sender may, ten times, while the message is remembered: proposed. The texts:
 * docs/protocol.md 11. */
static verdict may_edit(eim_sandbox *self, const eim_sb_user *user,
                        const Easemob__Pb__MessageBody *body) {
  const eim_sb_sent *sent =
      eim_sb_find_sent(self, body->has_editmessageid ? body->editmessageid : 0);
  const char *why = NULL;
  if (!self->options.allow_edit)
    why = "Sorry, edit is not available";
  else if (!sent)
    why = "Sorry, message does not exist";
  else if (strcmp(sent->from, user->name) != 0)
    why = "Sorry, You do not have permission";
  else if (sent->edits >= EDITS)
    why = "Sorry, edit limit reached";
  else if (!body->n_contents)
    why = "Sorry, format is incorrect";
  return (verdict){why ? EASEMOB__PB__STATUS__ERROR_CODE__FAIL : 0, why};
}

static verdict check_chat(eim_sandbox *self, const eim_sb_user *user, const eim_sb_pb_meta *meta) {
  if (!meta->to || !meta->to->name || !*meta->to->name || !meta->has_payload)
    return (verdict){EASEMOB__PB__STATUS__ERROR_CODE__MISSING_PARAMETER, "missing parameter"};
  if (meta->to->appkey && strcmp(meta->to->appkey, self->app_key) != 0)
    return (verdict){EASEMOB__PB__STATUS__ERROR_CODE__WRONG_PARAMETER, "wrong parameter"};
  if (meta->payload.len > self->options.max_message)
    return (verdict){EASEMOB__PB__STATUS__ERROR_CODE__PERMISSION_DENIED,
                     "Sorry, data is too large"};
  Easemob__Pb__MessageBody *body =
      easemob__pb__message_body__unpack(NULL, meta->payload.len, meta->payload.data);
  if (!body) return (verdict){EASEMOB__PB__STATUS__ERROR_CODE__PB_PARSER_ERROR, "parser error"};
  verdict why = {0, NULL};
  if (body->has_type && body->type == EASEMOB__PB__MESSAGE_BODY__TYPE__RECALL)
    why = may_recall(self, user, body);
  else if (body->has_type && body->type == EASEMOB__PB__MESSAGE_BODY__TYPE__EDIT)
    why = may_edit(self, user, body);
  easemob__pb__message_body__free_unpacked(body, NULL);
  return why;
}

static bool directed(const eim_sb_pb_meta *meta, const char *name) {
  if (!meta->has_routetype || meta->routetype != EASEMOB__PB__META__ROUTE_TYPE__ROUTE_DIRECT)
    return true;
  for (size_t i = 0; i < meta->n_directedusers; i++)
    if (strcmp(meta->directedusers[i], name) == 0) return true;
  return false;
}

/* Something to read or do, not a receipt. */
static bool is_content(const Easemob__Pb__MessageBody *body) {
  switch (body->has_type ? body->type : EASEMOB__PB__MESSAGE_BODY__TYPE__CHAT) {
  case EASEMOB__PB__MESSAGE_BODY__TYPE__NORMAL:
  case EASEMOB__PB__MESSAGE_BODY__TYPE__CHAT:
  case EASEMOB__PB__MESSAGE_BODY__TYPE__GROUPCHAT:
  case EASEMOB__PB__MESSAGE_BODY__TYPE__CHATROOM:
  case EASEMOB__PB__MESSAGE_BODY__TYPE__EDIT: return true;
  default: return false;
  }
}

/* docs/protocol.md 11, 21; docs/rest.md 11, 16. That owner and admins may speak while all are muted
 * is the documents' (they count as being on the allow list). */
static verdict may_send(eim_sandbox *self, const eim_sb_group *group, const eim_sb_user *sender,
                        const eim_sb_pb_meta *up, const Easemob__Pb__MessageBody *body) {
  const eim_sb_member *member = group ? eim_sb_find_member(group, sender->name) : NULL;
  const char *why = NULL;
  if (!group)
    why = "group not found";
  else if (group->disabled)
    why = "group is disabled";
  else if (!member)
    why = "not in group or chatroom";
  else if (up->n_directedusers > MOST_DIRECTED)
    why = "limit directed users";
  else if (is_content(body) && group->mute_all && !member->allowed &&
           eim_sb_role_in(group, sender->name) < EIM_SB_ADMIN)
    why = "not in group or chatroom white list";
  if (why) return (verdict){EASEMOB__PB__STATUS__ERROR_CODE__FAIL, why};
  if (is_content(body) && member->muted_until > eim_sb_now(self)) /* the text is proposed */
    return (verdict){EASEMOB__PB__STATUS__ERROR_CODE__USER_MUTED, "you were muted"};
  return (verdict){0, NULL};
}

/* Of the sender, wherever it goes: mutes of the whole app (docs/rest.md 6), and words. */
static verdict may_say(eim_sandbox *self, const eim_sb_user *sender, const eim_sb_pb_meta *up,
                       const Easemob__Pb__MessageBody *body) {
  int code = 0;
  if (!is_content(body)) return (verdict){0, NULL};
  const eim_sb_group *group = up->to->domain && strcmp(up->to->domain, EIM_SB_DOMAIN_GROUP) == 0
                                  ? eim_sb_find_group(self, up->to->name)
                                  : NULL;
  if (sender->muted_until[!group ? 0 : group->room ? 2 : 1] > eim_sb_now(self))
    return (verdict){EASEMOB__PB__STATUS__ERROR_CODE__PERMISSION_DENIED, "user is mute"};
  const char *why = eim_sb_moderated(self, body, &code);
  return (verdict){why ? code : 0, why};
}

static verdict route_group(eim_sandbox *self, eim_sb_conn *conn, const eim_sb_pb_meta *up,
                           eim_sb_meta *meta, const Easemob__Pb__MessageBody *body) {
  eim_sb_group *group = eim_sb_find_group(self, up->to->name);
  if (group && group->room) eim_sb_sweep_room(self, group);
  verdict why = may_send(self, group, conn->user, up, body);
  if (why.code) return why;
  if (body->has_type && body->type == EASEMOB__PB__MESSAGE_BODY__TYPE__READ_ACK) {
    eim_sb_group_ack(self, conn, group, meta->pb, body);
    return why;
  }
  for (size_t i = 0; i < group->count; i++) {
    eim_sb_user *member = eim_sb_find_user(self, group->members[i]->name);
    if (!member || (member != conn->user && !directed(up, member->name))) continue;
    if (member != conn->user && group->members[i]->shielded && is_content(body)) continue;
    eim_sb_deliver(self, member, conn->device, NULL, group->id, EIM_SB_DOMAIN_GROUP, NULL, meta);
  }
  return (verdict){0, NULL};
}

/* A receiver that does not exist is not reported: docs/rest.md 8 says so for REST, proposed here.
 */
static verdict route_single(eim_sandbox *self, eim_sb_conn *conn, const eim_sb_pb_meta *up,
                            eim_sb_meta *meta, const Easemob__Pb__MessageBody *body) {
  eim_sb_user *sender = conn->user, *receiver = eim_sb_find_user(self, up->to->name);
  const char *only =
      up->to->clientresource && *up->to->clientresource ? up->to->clientresource : NULL;
  if (receiver == sender) { /* from device to device: the queue tells them apart */
    eim_sb_deliver(self, sender, conn->device, only, sender->name, EIM_SB_DOMAIN_USER,
                   conn->device->resource, meta);
    return (verdict){0, NULL};
  }
  if (receiver && eim_sb_blocks(receiver, sender->name) && is_content(body))
    return (verdict){EASEMOB__PB__STATUS__ERROR_CODE__FAIL, "blocked"};
  if (receiver)
    eim_sb_deliver(self, receiver, NULL, only, sender->name, EIM_SB_DOMAIN_USER, NULL, meta);
  char *name = eim_sb_lower(up->to->name);
  if (name) eim_sb_deliver(self, sender, conn->device, NULL, name, EIM_SB_DOMAIN_USER, NULL, meta);
  free(name);
  return (verdict){0, NULL};
}

/* An edit that is allowed: counted, and what the others and the sender are told of it goes into
 * `down` and `edit`. False: `meta` is no edit, or there is no memory for one. docs/protocol.md 13.
 */
static bool note_edit(eim_sandbox *self, const eim_sb_user *user, bool group, int64_t timestamp,
                      eim_sb_pb_meta *down, char *edit, size_t size) {
  Easemob__Pb__MessageBody *body =
      easemob__pb__message_body__unpack(NULL, down->payload.len, down->payload.data);
  eim_sb_sent *sent = body && body->has_type && body->type == EASEMOB__PB__MESSAGE_BODY__TYPE__EDIT
                          ? eim_sb_find_sent(self, body->editmessageid)
                          : NULL;
  bool good = false;
  if (sent) {
    snprintf(edit, size,
             "{\"edit_msg\":{\"count\":%d,\"operator\":\"%s\",\"edit_time\":%lld,\"sender\":\"%s\","
             "\"send_time\":%lld,\"chat_type\":\"%s\"}}",
             sent->edits + 1, user->name, (long long)timestamp, sent->from,
             (long long)sent->timestamp, group ? "groupchat" : "chat"); /* chat_type: proposed */
    char *kept = body->meta;
    body->meta = edit;
    size_t packed = easemob__pb__message_body__get_packed_size(body);
    uint8_t *bytes = malloc(packed);
    if (bytes) {
      easemob__pb__message_body__pack(body, bytes);
      down->payload.data = bytes; /* freed by chat() */
      down->payload.len = packed;
      sent->edits++;
      eim_sb_store_sent(self, sent);
      good = true;
    }
    body->meta = kept;
  }
  if (body) easemob__pb__message_body__free_unpacked(body, NULL);
  return good;
}

/* What a message in a thread says of it: D:server-side/callback_thread.md. False: no memory. */
static bool note_thread(const eim_sb_group *thread, eim_sb_pb_meta *down) {
  Easemob__Pb__MessageBody *body =
      easemob__pb__message_body__unpack(NULL, down->payload.len, down->payload.data);
  char *meta = body ? eim_sb_thread_meta(thread, body->meta) : NULL, *kept = NULL;
  uint8_t *bytes = NULL;
  if (meta) {
    kept = body->meta;
    body->meta = meta;
    size_t packed = easemob__pb__message_body__get_packed_size(body);
    bytes = malloc(packed);
    if (bytes) {
      easemob__pb__message_body__pack(body, bytes);
      down->payload.data = bytes; /* freed by chat() */
      down->payload.len = packed;
    }
    body->meta = kept;
  }
  cJSON_free(meta);
  if (body) easemob__pb__message_body__free_unpacked(body, NULL);
  return bytes != NULL;
}

static verdict chat(eim_sandbox *self, eim_sb_conn *conn, const eim_sb_pb_meta *up,
                    uint64_t server_id, int64_t timestamp, char *edit, size_t edit_size) {
  verdict why = check_chat(self, conn->user, up);
  if (why.code) return why;
  Easemob__Pb__MessageBody *body =
      easemob__pb__message_body__unpack(NULL, up->payload.len, up->payload.data);
  if (!body) return (verdict){EASEMOB__PB__STATUS__ERROR_CODE__FAIL, "out of memory"};
  why = may_say(self, conn->user, up, body);
  if (why.code) {
    easemob__pb__message_body__free_unpacked(body, NULL);
    return why;
  }
  bool group = up->to->domain && strcmp(up->to->domain, EIM_SB_DOMAIN_GROUP) == 0;
  eim_sb_pb_meta down = *up;
  bool edited = note_edit(self, conn->user, group, timestamp, &down, edit, edit_size);
  eim_sb_group *thread = group ? eim_sb_find_group(self, up->to->name) : NULL;
  if (thread && !eim_sb_is_thread(thread)) thread = NULL;
  bool noted = thread && is_content(body) && !edited && note_thread(thread, &down);
  Easemob__Pb__JID from, to;
  eim_sb_jid(self, &from, conn->user->name, EIM_SB_DOMAIN_USER, conn->device->resource);
  eim_sb_jid(self, &to, up->to->name, group ? EIM_SB_DOMAIN_GROUP : EIM_SB_DOMAIN_USER, NULL);
  down.id = server_id;
  down.from = &from;
  down.to = &to;
  down.has_timestamp = 1;
  down.timestamp = (uint64_t)timestamp;
  down.has_meta = 0;
  down.n_directedusers = 0;
  down.directedusers = NULL;
  eim_sb_meta *meta = eim_sb_meta_new(&down);
  if (edited || noted) free(down.payload.data);
  if (!meta)
    why = (verdict){EASEMOB__PB__STATUS__ERROR_CODE__FAIL, "out of memory"};
  else if (group)
    why = route_group(self, conn, up, meta, body);
  else
    why = route_single(self, conn, up, meta, body);
  if (!why.code && !edited && is_content(body))
    eim_sb_remember_sent(self, server_id, timestamp, conn->user->name, group ? up->to->name : NULL,
                         group && body->msgconfig && body->msgconfig->allowgroupack);
  if (!why.code && body->has_type && body->type == EASEMOB__PB__MESSAGE_BODY__TYPE__RECALL) {
    bool was = eim_sb_find_kept(self, body->ackmessageid) != NULL;
    eim_sb_forget_message(self, body->ackmessageid);
    if (was && thread) eim_sb_thread_said(self, thread, conn->user->name, -1);
  }
  if (!why.code && body->has_type && body->type == EASEMOB__PB__MESSAGE_BODY__TYPE__CHANNEL_ACK)
    eim_sb_conversation_read(self, conn->user, up->to->name, group);
  if (!why.code && !edited && is_content(body)) {
    char *name = group ? eim_strdup(up->to->name) : eim_sb_lower(up->to->name);
    uint64_t before = self->history.next;
    if (name) eim_sb_keep_message(self, meta, conn->user->name, name, group);
    free(name);
    if (thread && self->history.next != before)
      eim_sb_thread_said(self, thread, conn->user->name, 1);
  }
  easemob__pb__message_body__free_unpacked(body, NULL);
  eim_sb_meta_unref(meta);
  return why;
}

/* Rooms are joined over the socket. `reason` is 128 bytes for texts that carry an id. */
static verdict muc(eim_sandbox *self, eim_sb_conn *conn, const eim_sb_pb_meta *up, char *reason) {
  Easemob__Pb__MUCBody *body =
      up->has_payload ? easemob__pb__mucbody__unpack(NULL, up->payload.len, up->payload.data)
                      : NULL;
  verdict why = {0, NULL};
  self->documents_due = true;
  if (!body || !body->mucid || !body->mucid->name || !body->has_operation) {
    why = (verdict){EASEMOB__PB__STATUS__ERROR_CODE__PB_PARSER_ERROR, "parser error"};
  } else {
    eim_sb_group *room = eim_sb_find_group(self, body->mucid->name);
    bool join = body->operation == EASEMOB__PB__MUCBODY__OPERATION__JOIN;
    bool leave = body->operation == EASEMOB__PB__MUCBODY__OPERATION__LEAVE;
    if (!room || !room->room) {
      snprintf(reason, 128, "grpID %.64s does not exist!", body->mucid->name);
      why = (verdict){EASEMOB__PB__STATUS__ERROR_CODE__FAIL, reason};
    } else if (!join && !leave) {
      why = (verdict){EASEMOB__PB__STATUS__ERROR_CODE__WRONG_PARAMETER, "wrong parameter"};
    } else if (join) {
      const char *refused =
          eim_sb_enter_room(self, room, conn->user->name, body->ext,
                            body->has_leaveotherrooms && body->leaveotherrooms, reason);
      if (refused) why = (verdict){EASEMOB__PB__STATUS__ERROR_CODE__FAIL, refused};
    } else {
      eim_sb_exit_room(self, room, conn->user->name);
    }
  }
  if (body) easemob__pb__mucbody__free_unpacked(body, NULL);
  return why;
}

bool eim_sb_upload(eim_sandbox *self, eim_sb_conn *conn, const eim_sb_pb_meta *meta) {
  /* Statistics pings: clients work with and without an answer (docs/protocol.md 7). */
  if (!meta->has_ns || meta->ns == EASEMOB__PB__META__NAME_SPACE__STATISTIC) {
    self->counts[EIM_SANDBOX_PING]++;
    return true;
  }
  self->counts[EIM_SANDBOX_SEND]++;
  eim_sb_log_frame(self, conn, "send", meta->to && meta->to->name ? meta->to->name : NULL);
  const eim_sb_fault *fault = eim_sb_fault_take(self, EIM_SANDBOX_SEND);
  if (fault && fault->by == EIM_SANDBOX_BY_STATUS) {
    answer(self, conn, meta->id, eim_sb_next_id(self), eim_sb_now(self),
           (verdict){fault->status, fault->text});
    return true;
  }
  if (fault) return eim_sb_fault_frame(self, conn, fault);
  uint64_t digest = digest_of(meta);
  const eim_sb_seen *seen =
      meta->has_id && conn->user->seen ? find_seen(conn->user, meta->id, digest) : NULL;
  if (seen) { /* sent again after a reconnect: the same answer, once delivered */
    answer(self, conn, seen->client_id, seen->server_id, seen->timestamp, (verdict){0, NULL});
    return true;
  }
  uint64_t server_id = eim_sb_next_id(self);
  int64_t timestamp = eim_sb_now(self);
  char reason[128], edit[512] = "";
  verdict why;
  if (!meta->has_id)
    why = (verdict){EASEMOB__PB__STATUS__ERROR_CODE__MISSING_PARAMETER, "missing parameter"};
  else if (meta->ns == EASEMOB__PB__META__NAME_SPACE__CHAT)
    why = chat(self, conn, meta, server_id, timestamp, edit, sizeof edit);
  else if (meta->ns == EASEMOB__PB__META__NAME_SPACE__MUC)
    why = muc(self, conn, meta, reason);
  else /* contacts and the like go over REST: proposed */
    why = (verdict){EASEMOB__PB__STATUS__ERROR_CODE__UNKNOWN_COMMAND, "unknown command"};
  if (!why.code && !is_delivery(meta))
    remember(self, conn->user, meta->id, digest, server_id, timestamp);
  answer_with(self, conn, meta->id, server_id, timestamp, why, *edit && !why.code ? edit : NULL);
  return true;
}

uint64_t eim_sb_push_meta(eim_sandbox *self, eim_sb_user *user, eim_sb_pb_meta *pb) {
  Easemob__Pb__JID from, to;
  if (!pb->has_id) {
    pb->has_id = 1;
    pb->id = eim_sb_next_id(self);
  }
  if (!pb->has_timestamp) {
    pb->has_timestamp = 1;
    pb->timestamp = (uint64_t)eim_sb_now(self);
  }
  eim_sb_jid(self, &from, "admin", EIM_SB_DOMAIN_USER,
             NULL); /* docs/rest.md 8: the default sender */
  eim_sb_jid(self, &to, user->name, EIM_SB_DOMAIN_USER, NULL);
  eim_sb_pb_meta down = *pb;
  if (!down.from) down.from = &from;
  if (!down.to) down.to = &to;
  eim_sb_meta *meta = eim_sb_meta_new(&down);
  if (!meta) return 0;
  const char *domain = meta->pb->to->domain;
  bool group = domain && strcmp(domain, EIM_SB_DOMAIN_GROUP) == 0;
  const char *name = group ? meta->pb->to->name : meta->pb->from->name;
  eim_sb_deliver(self, user, NULL, NULL, name ? name : "",
                 group ? EIM_SB_DOMAIN_GROUP : EIM_SB_DOMAIN_USER, NULL, meta);
  uint64_t id = meta->pb->id;
  eim_sb_meta_unref(meta);
  return id;
}
