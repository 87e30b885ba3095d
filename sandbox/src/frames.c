/* Building frames and the queue of each socket. Nothing here touches the socket: the server thread
 * is woken and writes. */
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"

static void append(eim_sandbox *self, eim_sb_conn *conn, eim_sb_out_kind kind, const void *bytes,
                   size_t size) {
  if (conn->closing) return;
  eim_sb_out *out = malloc(sizeof *out + LWS_PRE + size);
  if (!out) {
    conn->cut = true; /* what cannot be said in full is not said at all */
    eim_sb_wake(self, conn);
    return;
  }
  out->next = NULL;
  out->turn = self->turn;
  out->kind = kind;
  out->size = size;
  if (size) memcpy(out->data + LWS_PRE, bytes, size);
  out->due = eim_sb_monotonic() + self->delay;
  if (conn->out_last && conn->out_last->due > out->due) out->due = conn->out_last->due;
  if (conn->out_last)
    conn->out_last->next = out;
  else
    conn->out = out;
  conn->out_last = out;
  if (kind == EIM_SB_CLOSE) conn->closing = true;
  eim_sb_wake(self, conn);
}

void eim_sb_send_bytes(eim_sandbox *self, eim_sb_conn *conn, const void *bytes, size_t size,
                       bool text) {
  eim_sb_out_kind kind = text ? EIM_SB_TEXT : EIM_SB_BINARY;
  eim_buf wire = EIM_BUF_INIT;
  eim_sb_wrap(conn->transport, &kind, bytes, size, &wire);
  if (wire.failed) {
    conn->cut = true;
    eim_sb_wake(self, conn);
  } else {
    append(self, conn, kind, wire.data, wire.length);
  }
  eim_buf_wipe(&wire);
}

void eim_sb_send_plain(eim_sandbox *self, eim_sb_conn *conn, const char *text) {
  append(self, conn, EIM_SB_TEXT, text, strlen(text));
}

/* SockJS tells the reason in a frame of its own; without one it is this (the SockJS protocol). */
void eim_sb_close(eim_sandbox *self, eim_sb_conn *conn) {
  if (conn->transport == EIM_SB_BY_SOCKJS && !conn->closing)
    eim_sb_send_plain(self, conn, "c[3000,\"Go away!\"]");
  append(self, conn, EIM_SB_CLOSE, NULL, 0);
}

void eim_sb_close_saying(eim_sandbox *self, eim_sb_conn *conn, const char *text) {
  eim_buf said = EIM_BUF_INIT;
  if (conn->transport == EIM_SB_BY_SOCKJS) eim_buf_str(&said, "c");
  eim_buf_str(&said, text);
  if (!said.failed) append(self, conn, EIM_SB_TEXT, said.data, said.length);
  eim_buf_free(&said);
  append(self, conn, EIM_SB_CLOSE, NULL, 0);
}

/* docs/protocol.md 18. */
static void send_packed(eim_sandbox *self, eim_sb_conn *conn, const uint8_t *bytes, size_t size) {
  eim_buf packed = EIM_BUF_INIT;
  if (eim_lz4_encode(conn->packer, bytes, size, &packed)) {
    eim_sb_send_bytes(self, conn, packed.data, packed.length, false);
  } else {
    conn->cut = true;
    eim_sb_wake(self, conn);
  }
  eim_buf_free(&packed);
}

void eim_sb_send(eim_sandbox *self, eim_sb_conn *conn, Easemob__Pb__MSync__Command command,
                 const ProtobufCMessage *payload) {
  eim_sb_msync frame = EASEMOB__PB__MSYNC__INIT;
  size_t inner = payload ? protobuf_c_message_get_packed_size(payload) : 0;
  uint8_t *body = malloc(inner ? inner : 1);
  if (!body) return;
  if (payload) protobuf_c_message_pack(payload, body);
  frame.has_version = 1;
  frame.version = EASEMOB__PB__MSYNC__VERSION__MSYNC_V1;
  frame.has_command = 1;
  frame.command = command;
  frame.has_payload = payload != NULL;
  frame.payload.data = body;
  frame.payload.len = inner;
  size_t size = easemob__pb__msync__get_packed_size(&frame);
  uint8_t *bytes = malloc(size);
  if (bytes) {
    easemob__pb__msync__pack(&frame, bytes);
    if (conn->packer)
      send_packed(self, conn, bytes, size);
    else
      eim_sb_send_bytes(self, conn, bytes, size, false);
  }
  free(bytes);
  free(body);
}

/* The strings are borrowed: for packing only. */
void eim_sb_jid(const eim_sandbox *self, Easemob__Pb__JID *jid, const char *name,
                const char *domain, const char *resource) {
  easemob__pb__jid__init(jid);
  jid->appkey = self->app_key;
  jid->name = (char *)name;
  jid->domain = (char *)domain;
  jid->clientresource = (char *)resource;
}

/* docs/protocol.md 15: a STATISTIC meta, then close (20.5). */
void eim_sb_kick(eim_sandbox *self, eim_sb_conn *conn, int operation, const char *reason) {
  Easemob__Pb__StatisticsBody body = EASEMOB__PB__STATISTICS_BODY__INIT;
  body.has_operation = 1;
  body.operation = (Easemob__Pb__StatisticsBody__Operation)operation;
  body.reason = (char *)reason;
  size_t size = easemob__pb__statistics_body__get_packed_size(&body);
  uint8_t *bytes = malloc(size);
  if (!bytes) {
    eim_sb_close(self, conn);
    return;
  }
  easemob__pb__statistics_body__pack(&body, bytes);
  Easemob__Pb__JID jid;
  eim_sb_jid(self, &jid, conn->user->name, EIM_SB_DOMAIN_USER, NULL);
  eim_sb_pb_meta meta = EASEMOB__PB__META__INIT, *metas[1] = {&meta};
  meta.has_id = meta.has_timestamp = meta.has_ns = meta.has_payload = 1;
  meta.id = eim_sb_next_id(self);
  meta.from = meta.to = &jid;
  meta.timestamp = (uint64_t)eim_sb_now(self);
  meta.ns = EASEMOB__PB__META__NAME_SPACE__STATISTIC;
  meta.payload.data = bytes;
  meta.payload.len = size;
  Easemob__Pb__Status status = EASEMOB__PB__STATUS__INIT;
  status.has_errorcode = 1;
  Easemob__Pb__CommSyncDL down = EASEMOB__PB__COMM_SYNC_DL__INIT;
  down.status = &status;
  down.n_metas = 1;
  down.metas = metas;
  down.queue = &jid;
  down.has_islast = 1;
  down.islast = 1;
  eim_sb_send(self, conn, EASEMOB__PB__MSYNC__COMMAND__SYNC, &down.base);
  free(bytes);
  eim_sb_close(self, conn);
}

void eim_sb_free_conn(eim_sb_conn *conn) {
  for (eim_sb_out *out = conn->out, *next; out; out = next) {
    next = out->next;
    free(out);
  }
  eim_buf_wipe(&conn->in);
  eim_lz4_encoder_free(conn->packer);
  eim_lz4_decoder_free(conn->unpacker);
  free(conn->session_id);
  free(conn);
}
