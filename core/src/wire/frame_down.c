#include <string.h>

#include "base/json.h"
#include "wire/frame.h"
#include "wire/hosts.h"
#include "wire/item.h"
#include "wire/pb.h"

static const char too_big[] = "frame needs too much memory";

static eim_status_down status_of(eim_pool *pool, const EIM_PB(Status) * status) {
  eim_status_down result = {-1, "", "", 0};
  if (!status) return result;
  result.code = (int)status->errorcode;
  if (result.code < 0) result.code = INT32_MAX; /* -1 means absent */
  result.reason = eim_pool_text(pool, status->reason);
  for (size_t i = 0; i < status->n_redirectinfo; i++) {
    const EIM_PB(RedirectInfo) *info = status->redirectinfo[i];
    /* It goes into the requests to the host and to a proxy. */
    if (!info->host || !eim_url_is_host(info->host) || info->port > 65535) continue;
    result.redirect_host = eim_pool_text(pool, info->host);
    result.redirect_port = (uint16_t)info->port;
    break;
  }
  return result;
}

static bool decode_provision(eim_frame *out, eim_pool *pool, const ProtobufCBinaryData *payload) {
  const EIM_PB(Provision) *body =
      eim_pool_unpack(pool, &easemob__pb__provision__descriptor, payload->data, payload->len);
  if (!body) return false;
  out->status = status_of(pool, body->status);
  out->resource = eim_pool_text(pool, body->resource);
  eim_json root;
  int64_t at;
  if (body->authtoken && eim_json_parse(&root, body->authtoken, strlen(body->authtoken)) &&
      eim_json_loose_i64(eim_json_get(root, "expires_in"), &at) && at > 0)
    out->expires_at = at;
  if (body->n_protocolcompresstype &&
      body->protocolcompresstype[0] == EASEMOB__PB__PROVISION__COMPRESS_TYPE__COMPRESS_LZ4) {
    int direction = body->has_protocolcompressdirection ? (int)body->protocolcompressdirection : 0;
    out->packs_up = direction == 0 || direction == 2;
    out->packs_down = direction == 1 || direction == 2;
  }
  return true;
}

static int64_t time_of(uint64_t timestamp) {
  return timestamp > INT64_MAX ? 0 : (int64_t)timestamp;
}

static bool decode_unread(eim_frame *out, eim_pool *pool, const ProtobufCBinaryData *payload) {
  const EIM_PB(CommUnreadDL) *body =
      eim_pool_unpack(pool, &easemob__pb__comm_unread_dl__descriptor, payload->data, payload->len);
  if (!body) return false;
  out->status = status_of(pool, body->status);
  out->timestamp = time_of(body->timestamp);
  if (!body->n_unread) return true;
  out->queues = eim_pool_alloc(pool, body->n_unread * sizeof *out->queues);
  if (!out->queues) return false;
  for (size_t i = 0; i < body->n_unread; i++)
    if (body->unread[i]->queue) /* without an address there is nothing to fetch */
      out->queues[out->queue_count++] =
          (eim_queue_info){eim_jid_of(pool, body->unread[i]->queue), body->unread[i]->n};
  return true;
}

static bool decode_notice(eim_frame *out, eim_pool *pool, const ProtobufCBinaryData *payload) {
  const EIM_PB(CommNotice) *body =
      eim_pool_unpack(pool, &easemob__pb__comm_notice__descriptor, payload->data, payload->len);
  if (!body) return false;
  if (!body->queue) return true;
  out->queues = eim_pool_alloc(pool, sizeof *out->queues);
  if (!out->queues) return false;
  out->queues[0] = (eim_queue_info){eim_jid_of(pool, body->queue), 0};
  out->queue_count = 1;
  return true;
}

static bool decode_logout(eim_frame *out, eim_pool *pool, const ProtobufCBinaryData *payload) {
  const EIM_PB(Logout) *body =
      eim_pool_unpack(pool, &easemob__pb__logout__descriptor, payload->data, payload->len);
  if (!body) return false;
  out->status = status_of(pool, body->status);
  return true;
}

/* ---- SYNC. The metas are cut out of the frame and decoded one by one, so that a bad one loses
 * only itself, never the batch (docs/protocol.md 10). */

typedef struct span {
  const uint8_t *at, *end;
} span;

static bool varint(span *s, uint64_t *out) {
  *out = 0;
  for (int shift = 0; shift < 70 && s->at < s->end; shift += 7) {
    uint8_t byte = *s->at++;
    if (shift < 64) *out |= (uint64_t)(byte & 0x7f) << shift;
    if (!(byte & 0x80)) return true;
  }
  return false;
}

#define METAS_FIELD 4

/* Step over one field. *value: its bytes when it is length-delimited. */
static bool field(span *s, uint32_t *number, uint32_t *type, span *value) {
  uint64_t tag, length = 0;
  if (!varint(s, &tag) || tag >> 3 == 0 || tag >> 3 > 0x1fffffff) return false;
  *number = (uint32_t)(tag >> 3);
  *type = (uint32_t)(tag & 7);
  switch (*type) {
  case 0: return varint(s, &length);
  case 1: length = 8; break;
  case 2:
    if (!varint(s, &length)) return false;
    break;
  case 5: length = 4; break;
  default: return false; /* groups are not used */
  }
  if (length > (uint64_t)(s->end - s->at)) return false;
  *value = (span){s->at, s->at + length};
  s->at += length;
  return true;
}

static bool is_meta(uint32_t number, uint32_t type) {
  return number == METAS_FIELD && type == 2;
}

static bool decode_sync_body(eim_frame *out, eim_pool *pool, const uint8_t *rest, size_t length) {
  const EIM_PB(CommSyncDL) *body =
      eim_pool_unpack(pool, &easemob__pb__comm_sync_dl__descriptor, rest, length);
  if (!body) return false;
  out->status = status_of(pool, body->status);
  out->timestamp = time_of(body->timestamp);
  out->is_answer = body->metaid > 0;
  out->meta_id = body->metaid;
  out->server_id = body->serverid;
  out->has_queue = body->queue != NULL;
  out->queue = eim_jid_of(pool, body->queue);
  out->has_next_key = body->has_nextkey;
  out->next_key = body->nextkey;
  out->has_is_last = body->has_islast;
  out->is_last = body->islast;
  return true;
}

static bool decode_sync(eim_frame *out, eim_pool *pool, const ProtobufCBinaryData *payload,
                        const char *own_user, const char *own_resource) {
  static const uint8_t nothing[1];
  const uint8_t *data = payload->data ? payload->data : nothing;
  span all = {data, data + payload->len}, value;
  uint32_t number, type;
  size_t metas = 0, length = 0;
  for (span s = all; s.at < s.end;) {
    if (!field(&s, &number, &type, &value)) return false;
    metas += is_meta(number, type);
  }
  uint8_t *rest = eim_pool_alloc(pool, payload->len);
  if (!rest) return false;
  for (span s = all; s.at < s.end;) {
    const uint8_t *start = s.at;
    if (!field(&s, &number, &type, &value)) return false;
    if (is_meta(number, type)) continue;
    memcpy(rest + length, start, (size_t)(s.at - start));
    length += (size_t)(s.at - start);
  }
  if (!decode_sync_body(out, pool, rest, length)) return false;
  if (!metas) return true;

  eim_pool_grow(pool, metas);
  out->items = eim_pool_alloc(pool, metas * sizeof *out->items);
  if (!out->items) return false;
  eim_item_context context = {pool, EIM_BUF_INIT, own_user, own_resource, false, 0};
  for (span s = all; s.at < s.end && !pool->exceeded;) {
    if (!field(&s, &number, &type, &value)) break;
    if (!is_meta(number, type)) continue;
    eim_item *item = &out->items[out->item_count++];
    size_t length_of_meta = (size_t)(value.end - value.at);
    size_t apart = eim_pool_begin_part(pool, length_of_meta);
    eim_item_decode(item, &context, value.at, length_of_meta);
    if (eim_pool_end_part(pool, apart)) continue;
    eim_item_release(item);
    item->kind = EIM_ITEM_BAD;
    item->problem = "needs too much memory";
  }
  eim_buf_free(&context.json);
  return true;
}

/* ---- all */

static void empty(eim_frame *out) {
  memset(out, 0, sizeof *out);
  out->command = EIM_CMD_UNKNOWN;
  out->status = (eim_status_down){-1, "", "", 0};
  out->resource = "";
  out->queue = (eim_jid){"", "", "", ""};
}

bool eim_frame_decode(eim_frame *out, eim_arena *arena, const uint8_t *bytes, size_t length,
                      const char *own_user, const char *own_resource, const char **problem) {
  eim_pool pool;
  bool ok = true;
  empty(out);
  eim_pool_init(&pool, arena, length);
  const EIM_PB(MSync) *sync =
      length ? eim_pool_unpack(&pool, &easemob__pb__msync__descriptor, bytes, length) : NULL;
  if (!sync) {
    *problem = pool.exceeded ? too_big : "not an MSync frame";
    return false;
  }
  const ProtobufCBinaryData *payload = &sync->payload;
  switch ((int)sync->command) {
  case EIM_CMD_SYNC: ok = decode_sync(out, &pool, payload, own_user, own_resource); break;
  case EIM_CMD_UNREAD: ok = decode_unread(out, &pool, payload); break;
  case EIM_CMD_NOTICE: ok = decode_notice(out, &pool, payload); break;
  case EIM_CMD_PROVISION: ok = decode_provision(out, &pool, payload); break;
  case EIM_CMD_LOGOUT: ok = decode_logout(out, &pool, payload); break;
  default: return true;
  }
  if (!ok || pool.exceeded) {
    eim_frame_release(out);
    empty(out);
    *problem = pool.exceeded ? too_big : "payload does not parse";
    return false;
  }
  out->command = (eim_command)(int)sync->command;
  return true;
}

void eim_frame_release(eim_frame *frame) {
  for (size_t i = 0; i < frame->item_count; i++) eim_item_release(&frame->items[i]);
  frame->item_count = 0;
}
