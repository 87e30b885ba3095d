/* One frame from a client. Garbage ends the connection it came on, nothing else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"

static void set_status(Easemob__Pb__Status *status, int code, const char *reason) {
  easemob__pb__status__init(status);
  status->has_errorcode = 1;
  status->errorcode = (eim_sb_code)code;
  status->reason = (char *)reason;
}

static bool unread(eim_sandbox *self, eim_sb_conn *conn) {
  self->counts[EIM_SANDBOX_UNREAD]++;
  eim_sb_log_frame(self, conn, "unread", NULL);
  const eim_sb_fault *fault = eim_sb_fault_take(self, EIM_SANDBOX_UNREAD);
  bool by_status = fault && fault->by == EIM_SANDBOX_BY_STATUS;
  if (fault && !by_status) return eim_sb_fault_frame(self, conn, fault);
  Easemob__Pb__Status status;
  set_status(&status, by_status ? fault->status : 0, by_status ? fault->text : NULL);
  Easemob__Pb__CommUnreadDL down = EASEMOB__PB__COMM_UNREAD_DL__INIT;
  down.status = &status;
  down.has_timestamp = 1;
  down.timestamp = (uint64_t)eim_sb_now(self); /* real time: docs/protocol.md 20.7 */
  size_t count = 0;
  for (eim_sb_queue *queue = conn->device->queues; queue; queue = queue->next) count++;
  if (by_status) count = 0;
  Easemob__Pb__MetaQueue *unread = calloc(count + 1, sizeof *unread), **list = NULL;
  Easemob__Pb__JID *jids = calloc(count + 1, sizeof *jids);
  list = calloc(count + 1, sizeof *list);
  bool good = unread && jids && list;
  if (good) {
    eim_sb_queue *queue = conn->device->queues;
    for (size_t i = 0; i < count; i++, queue = queue->next) {
      easemob__pb__meta_queue__init(&unread[i]);
      eim_sb_jid(self, &jids[i], queue->name, queue->domain, queue->resource);
      unread[i].queue = &jids[i];
      unread[i].has_n = 1;
      unread[i].n = (uint32_t)queue->count;
      list[i] = &unread[i];
    }
    down.n_unread = count;
    down.unread = list;
    eim_sb_send(self, conn, EASEMOB__PB__MSYNC__COMMAND__UNREAD, &down.base);
  }
  free(unread);
  free(jids);
  free(list);
  return good;
}

/* docs/protocol.md 10: a key acknowledges everything up to it; pages carry isLast:false and
 * nextKey; the end is an empty isLast:true (20.3). */
static bool fetch(eim_sandbox *self, eim_sb_conn *conn, const Easemob__Pb__CommSyncUL *up) {
  self->counts[EIM_SANDBOX_SYNC]++;
  eim_sb_log_frame(self, conn, "sync", up->queue && up->queue->name ? up->queue->name : NULL);
  const eim_sb_fault *fault = eim_sb_fault_take(self, EIM_SANDBOX_SYNC);
  bool by_status = fault && fault->by == EIM_SANDBOX_BY_STATUS;
  if (fault && !by_status) return eim_sb_fault_frame(self, conn, fault);
  Easemob__Pb__Status status;
  set_status(&status, 0, NULL);
  Easemob__Pb__CommSyncDL down = EASEMOB__PB__COMM_SYNC_DL__INIT;
  down.status = &status;
  down.has_islast = down.has_timestamp = 1;
  down.timestamp = (uint64_t)eim_sb_now(self);
  down.islast = 1;
  down.queue = up->queue;
  if (by_status)
    set_status(&status, fault->status, fault->text);
  else if (!up->queue || !up->queue->name) /* what the service says is unknown: proposed */
    set_status(&status, EASEMOB__PB__STATUS__ERROR_CODE__MISSING_PARAMETER, "queue is missing");
  if (status.errorcode) {
    eim_sb_send(self, conn, EASEMOB__PB__MSYNC__COMMAND__SYNC, &down.base);
    return true;
  }
  eim_sb_queue *queue = eim_sb_find_queue(conn->device, up->queue);
  if (queue && up->has_key) {
    eim_sb_trim(conn->device, queue, up->key);
    queue = eim_sb_find_queue(conn->device, up->queue);
  }
  if (!queue) {
    if (up->has_key) {
      down.has_nextkey = 1;
      down.nextkey = up->key;
    }
    eim_sb_send(self, conn, EASEMOB__PB__MSYNC__COMMAND__SYNC, &down.base);
    return true;
  }
  size_t limit = (size_t)self->options.page_size, count = 0;
  eim_sb_pb_meta **metas = calloc(limit, sizeof *metas);
  if (!metas) return false;
  for (eim_sb_item *item = queue->first; item && count < limit; item = item->next) {
    metas[count++] = item->meta->pb;
    down.nextkey = item->position;
  }
  Easemob__Pb__JID jid;
  eim_sb_jid(self, &jid, queue->name, queue->domain, queue->resource);
  down.queue = &jid;
  down.n_metas = count;
  down.metas = metas;
  down.has_nextkey = 1;
  down.islast = 0;
  eim_sb_send(self, conn, EASEMOB__PB__MSYNC__COMMAND__SYNC, &down.base);
  free(metas);
  return true;
}

static bool sync_up(eim_sandbox *self, eim_sb_conn *conn, const eim_sb_msync *frame) {
  Easemob__Pb__CommSyncUL *up =
      easemob__pb__comm_sync_ul__unpack(NULL, frame->payload.len, frame->payload.data);
  if (!up) return false;
  bool good = up->meta ? eim_sb_upload(self, conn, up->meta) : fetch(self, conn, up);
  easemob__pb__comm_sync_ul__free_unpacked(up, NULL);
  return good;
}

static bool dispatch(eim_sandbox *self, eim_sb_conn *conn, const eim_sb_msync *frame) {
  Easemob__Pb__MSync__Command command =
      frame->has_command ? frame->command : EASEMOB__PB__MSYNC__COMMAND__SYNC;
  if (command == EASEMOB__PB__MSYNC__COMMAND__PROVISION)
    return !conn->device && eim_sb_provision(self, conn, frame);
  if (!conn->device) return false; /* nobody speaks before logging in: proposed */
  switch (command) {
  case EASEMOB__PB__MSYNC__COMMAND__SYNC: return sync_up(self, conn, frame);
  case EASEMOB__PB__MSYNC__COMMAND__UNREAD: return unread(self, conn);
  case EASEMOB__PB__MSYNC__COMMAND__LOGOUT: return eim_sb_logout(self, conn, frame);
  default: return false;
  }
}

bool eim_sb_frame(eim_sandbox *self, eim_sb_conn *conn, const uint8_t *bytes, size_t size) {
  if (conn->closing) return true; /* it has been told to go */
  eim_sb_msync *frame = easemob__pb__msync__unpack(NULL, size, bytes);
  if (!frame) {
    eim_sb_log_frame(self, conn, "garbage", NULL);
    return false;
  }
  bool good = dispatch(self, conn, frame);
  if (frame->auth) eim_wipe(frame->auth, strlen(frame->auth));
  if (frame->payload.data) eim_wipe(frame->payload.data, frame->payload.len);
  easemob__pb__msync__free_unpacked(frame, NULL);
  return good;
}

void eim_sb_detach(eim_sandbox *self, eim_sb_conn *conn) {
  eim_sb_log_frame(self, conn, "closed", NULL);
  if (conn->user && conn->device) conn->user->offline_since = eim_sb_now(self);
  if (conn->device && conn->device->conn == conn) {
    conn->device->conn = NULL;
    if (conn->user && !self->stop)
      eim_sb_presence_changed(self, conn->user, conn->device->resource, true);
  }
  for (eim_sb_conn **at = &self->conns; *at; at = &(*at)->next) {
    if (*at != conn) continue;
    *at = conn->next;
    break;
  }
  eim_sb_free_conn(conn);
}
