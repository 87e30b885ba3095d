#include "frames.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "msync.pb-c.h"

#define MSG(name) Easemob__Pb__##name

static frame_bytes packed(int command, const ProtobufCMessage *payload) {
  MSG(MSync) frame = EASEMOB__PB__MSYNC__INIT;
  frame.has_command = true;
  frame.command = (MSG(MSync__Command))command;
  uint8_t *inner = NULL;
  if (payload) {
    size_t length = protobuf_c_message_get_packed_size(payload);
    inner = malloc(length + 1);
    protobuf_c_message_pack(payload, inner);
    frame.has_payload = true;
    frame.payload.data = inner;
    frame.payload.len = length;
  }
  frame_bytes out = {.length = easemob__pb__msync__get_packed_size(&frame)};
  out.bytes = malloc(out.length + 1);
  easemob__pb__msync__pack(&frame, out.bytes);
  free(inner);
  return out;
}

static void copy(char *to, size_t size, const char *from) {
  snprintf(to, size, "%s", from ? from : "");
}

bool frame_read_up(up_frame *out, const void *bytes, size_t length) {
  memset(out, 0, sizeof *out);
  MSG(MSync) *frame = easemob__pb__msync__unpack(NULL, length, bytes);
  if (!frame) return false;
  bool good = frame->has_command;
  out->command = (eim_command)(int)frame->command;
  if ((int)frame->command == EIM_CMD_PROVISION) {
    MSG(Provision) *p =
        easemob__pb__provision__unpack(NULL, frame->payload.len, frame->payload.data);
    if (p) {
      /* {"token":"$t$…"} */
      if (p->authtoken && strlen(p->authtoken) > 15) {
        copy(out->token, sizeof out->token, p->authtoken + 13);
        out->token[strcspn(out->token, "\"")] = 0;
      }
      copy(out->reason, sizeof out->reason, p->reason);
      copy(out->resource, sizeof out->resource, p->resource);
      out->offers_lz4 = p->n_protocolcompresstype == 1 && (int)p->protocolcompresstype[0] == 2;
      easemob__pb__provision__free_unpacked(p, NULL);
    } else {
      good = false;
    }
  } else if ((int)frame->command == EIM_CMD_SYNC) {
    MSG(CommSyncUL) *up =
        easemob__pb__comm_sync_ul__unpack(NULL, frame->payload.len, frame->payload.data);
    if (up) {
      if (up->queue) {
        out->has_queue = true;
        copy(out->queue, sizeof out->queue, up->queue->name);
        out->has_key = up->has_key;
        out->key = up->key;
      }
      if (up->meta) {
        out->meta_id = up->meta->id;
        MSG(MessageBody) *body =
            easemob__pb__message_body__unpack(NULL, up->meta->payload.len, up->meta->payload.data);
        if (up->meta->ns == EASEMOB__PB__META__NAME_SPACE__MUC) {
          MSG(MUCBody) *muc =
              easemob__pb__mucbody__unpack(NULL, up->meta->payload.len, up->meta->payload.data);
          good = muc != NULL;
          out->is_action = true;
          if (muc) easemob__pb__mucbody__free_unpacked(muc, NULL);
          if (body) easemob__pb__message_body__free_unpacked(body, NULL);
        } else if (body) {
          out->is_receipt = body->type == EASEMOB__PB__MESSAGE_BODY__TYPE__DELIVER_ACK;
          out->is_action = !out->is_receipt && (int)body->type > 3;
          if (body->n_contents) copy(out->text, sizeof out->text, body->contents[0]->text);
          easemob__pb__message_body__free_unpacked(body, NULL);
        } else {
          good = false;
        }
      }
      easemob__pb__comm_sync_ul__free_unpacked(up, NULL);
    } else {
      good = false;
    }
  }
  easemob__pb__msync__free_unpacked(frame, NULL);
  return good;
}

static void set_status(MSG(Status) * status, int code, const char *reason) {
  easemob__pb__status__init(status);
  status->has_errorcode = true;
  status->errorcode = (MSG(Status__ErrorCode))code;
  if (reason && reason[0]) status->reason = (char *)reason;
}

frame_bytes frame_provision(int code, const char *reason, const char *redirect_host,
                            const char *resource, int64_t expires_at, int lz4) {
  MSG(Provision__CompressType) types[1] = {EASEMOB__PB__PROVISION__COMPRESS_TYPE__COMPRESS_LZ4};
  MSG(Provision) p = EASEMOB__PB__PROVISION__INIT;
  MSG(Status) status;
  MSG(RedirectInfo) redirect = EASEMOB__PB__REDIRECT_INFO__INIT, *redirects = &redirect;
  char token[64];
  set_status(&status, code, reason);
  if (redirect_host) {
    redirect.host = (char *)redirect_host;
    redirect.has_port = true;
    redirect.port = 9000;
    status.n_redirectinfo = 1;
    status.redirectinfo = &redirects;
  }
  p.status = &status;
  p.resource = (char *)resource;
  if (expires_at) {
    snprintf(token, sizeof token, "{\"expires_in\":%" PRId64 "}", expires_at);
    p.authtoken = token;
  }
  p.n_protocolcompresstype = lz4 >= 0;
  p.protocolcompresstype = types;
  p.has_protocolcompressdirection = lz4 >= 0 && lz4 < 3;
  p.protocolcompressdirection = (MSG(Provision__CompressDirection))lz4;
  return packed(EIM_CMD_PROVISION, &p.base);
}

static void set_queue(MSG(JID) * jid, char *name, int queue) {
  easemob__pb__jid__init(jid);
  sprintf(name, "q%d", queue);
  jid->name = name;
  jid->domain = (char *)"easemob.com";
}

frame_bytes frame_unread(const int *counts, int queues, int64_t timestamp) {
  MSG(CommUnreadDL) dl = EASEMOB__PB__COMM_UNREAD_DL__INIT;
  MSG(Status) status;
  MSG(MetaQueue) entries[8], *list[8];
  MSG(JID) jids[8];
  char names[8][16];
  set_status(&status, 0, NULL);
  dl.status = &status;
  dl.has_timestamp = true;
  dl.timestamp = (uint64_t)timestamp;
  dl.unread = list;
  for (int i = 0; i < queues; i++) {
    if (!counts[i]) continue;
    MSG(MetaQueue) *entry = &entries[dl.n_unread];
    easemob__pb__meta_queue__init(entry);
    set_queue(&jids[dl.n_unread], names[dl.n_unread], i);
    entry->queue = &jids[dl.n_unread];
    entry->has_n = true;
    entry->n = (uint32_t)counts[i];
    list[dl.n_unread++] = entry;
  }
  return packed(EIM_CMD_UNREAD, &dl.base);
}

frame_bytes frame_unread_refused(int code, const char *reason, int64_t timestamp) {
  MSG(CommUnreadDL) dl = EASEMOB__PB__COMM_UNREAD_DL__INIT;
  MSG(Status) status;
  set_status(&status, code, reason);
  dl.status = &status;
  dl.has_timestamp = true;
  dl.timestamp = (uint64_t)timestamp;
  return packed(EIM_CMD_UNREAD, &dl.base);
}

frame_bytes frame_notice(int queue) {
  MSG(CommNotice) notice = EASEMOB__PB__COMM_NOTICE__INIT;
  MSG(JID) jid;
  char name[16];
  set_queue(&jid, name, queue);
  notice.queue = &jid;
  return packed(EIM_CMD_NOTICE, &notice.base);
}

static void be_notice(MSG(Meta) * meta, MSG(JID) * from, MSG(JID) * to) {
  MSG(RosterBody) body = EASEMOB__PB__ROSTER_BODY__INIT;
  free(meta->payload.data);
  body.has_operation = true;
  body.operation = EASEMOB__PB__ROSTER_BODY__OPERATION__ACCEPT;
  body.from = from;
  body.to = &to;
  body.n_to = 1;
  meta->ns = EASEMOB__PB__META__NAME_SPACE__ROSTER;
  meta->payload.len = easemob__pb__roster_body__get_packed_size(&body);
  meta->payload.data = malloc(meta->payload.len + 1);
  easemob__pb__roster_body__pack(&body, meta->payload.data);
}

frame_bytes frame_sync(const char *queue, const down_message *messages, int count,
                       uint64_t next_key, bool is_last, int64_t timestamp) {
  MSG(CommSyncDL) dl = EASEMOB__PB__COMM_SYNC_DL__INIT;
  MSG(Status) status;
  MSG(JID) jid = EASEMOB__PB__JID__INIT, from = EASEMOB__PB__JID__INIT, to = EASEMOB__PB__JID__INIT;
  MSG(Meta) *metas = calloc((size_t)count + 1, sizeof *metas),
            **list = calloc((size_t)count + 1, sizeof *list);
  set_status(&status, 0, NULL);
  jid.name = (char *)queue;
  jid.domain = from.domain = to.domain = (char *)"easemob.com";
  from.name = (char *)"bob";
  to.name = (char *)"alice";
  dl.status = &status;
  dl.queue = &jid;
  dl.has_islast = true;
  dl.islast = is_last;
  if (next_key) {
    dl.has_nextkey = true;
    dl.nextkey = next_key;
  }
  dl.metas = list;
  dl.n_metas = (size_t)count;
  for (int i = 0; i < count; i++) {
    MSG(MessageBody) body = EASEMOB__PB__MESSAGE_BODY__INIT;
    MSG(MessageBody__Content)
    content = EASEMOB__PB__MESSAGE_BODY__CONTENT__INIT, *contents = &content;
    MSG(Meta) *meta = list[i] = &metas[i];
    easemob__pb__meta__init(meta);
    body.has_type = true;
    body.type = EASEMOB__PB__MESSAGE_BODY__TYPE__CHAT;
    body.from = &from;
    body.to = &to;
    body.n_contents = 1;
    body.contents = &contents;
    content.has_type = true;
    content.text = (char *)messages[i].text;
    meta->has_id = meta->has_timestamp = meta->has_ns = meta->has_payload = true;
    meta->id = messages[i].id;
    meta->timestamp = (uint64_t)timestamp;
    meta->ns = EASEMOB__PB__META__NAME_SPACE__CHAT;
    meta->from = &from;
    meta->to = &to;
    meta->payload.len = easemob__pb__message_body__get_packed_size(&body);
    meta->payload.data = malloc(meta->payload.len + 1);
    easemob__pb__message_body__pack(&body, meta->payload.data);
    if (messages[i].notice) be_notice(meta, &from, &to);
  }
  frame_bytes out = packed(EIM_CMD_SYNC, &dl.base);
  for (int i = 0; i < count; i++) free(metas[i].payload.data);
  free(metas);
  free(list);
  return out;
}

frame_bytes frame_refused(const char *queue, int code, const char *reason, int64_t timestamp) {
  MSG(CommSyncDL) dl = EASEMOB__PB__COMM_SYNC_DL__INIT;
  MSG(Status) status;
  MSG(JID) jid = EASEMOB__PB__JID__INIT;
  set_status(&status, code, reason);
  jid.name = (char *)queue;
  jid.domain = (char *)"easemob.com";
  dl.status = &status;
  dl.queue = &jid;
  dl.has_islast = dl.islast = dl.has_timestamp = true;
  dl.timestamp = (uint64_t)timestamp;
  return packed(EIM_CMD_SYNC, &dl.base);
}

frame_bytes frame_answer(uint64_t meta_id, uint64_t server_id, int code, const char *reason,
                         int64_t timestamp) {
  MSG(CommSyncDL) dl = EASEMOB__PB__COMM_SYNC_DL__INIT;
  MSG(Status) status;
  set_status(&status, code, reason);
  dl.status = &status;
  dl.has_metaid = dl.has_timestamp = true;
  dl.metaid = meta_id;
  dl.timestamp = (uint64_t)timestamp;
  if (server_id) {
    dl.has_serverid = true;
    dl.serverid = server_id;
  }
  return packed(EIM_CMD_SYNC, &dl.base);
}

frame_bytes frame_kick(int operation, const char *reason) {
  MSG(CommSyncDL) dl = EASEMOB__PB__COMM_SYNC_DL__INIT;
  MSG(StatisticsBody) body = EASEMOB__PB__STATISTICS_BODY__INIT;
  MSG(Status) status;
  MSG(JID) from = EASEMOB__PB__JID__INIT;
  MSG(Meta) meta = EASEMOB__PB__META__INIT, *metas = &meta;
  uint8_t payload[256];
  set_status(&status, 0, NULL);
  body.has_operation = true;
  body.operation = (MSG(StatisticsBody__Operation))operation;
  if (reason && reason[0]) body.reason = (char *)reason;
  from.name = (char *)"alice";
  meta.has_ns = meta.has_payload = true;
  meta.ns = EASEMOB__PB__META__NAME_SPACE__STATISTIC;
  meta.from = &from;
  meta.payload.data = payload;
  meta.payload.len = easemob__pb__statistics_body__pack(&body, payload);
  dl.status = &status;
  dl.has_islast = dl.islast = true;
  dl.n_metas = 1;
  dl.metas = &metas;
  return packed(EIM_CMD_SYNC, &dl.base);
}

frame_bytes frame_garbage(void) {
  frame_bytes out = {malloc(8), 8};
  memcpy(out.bytes, "\xff\xff\xff\xff\xff\xff\xff\x7f", 8);
  return out;
}
