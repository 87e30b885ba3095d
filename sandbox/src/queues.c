/* Waiting messages. A queue is addressed by the peer (docs/protocol.md 10); content leaves it only
 * when a fetch with a key at or behind its position arrives (20.3). */
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"

eim_sb_meta *eim_sb_meta_new(const eim_sb_pb_meta *pb) {
  size_t size = easemob__pb__meta__get_packed_size(pb);
  uint8_t *bytes = malloc(size ? size : 1);
  eim_sb_meta *meta = calloc(1, sizeof *meta);
  if (bytes && meta) {
    easemob__pb__meta__pack(pb, bytes);
    meta->pb = easemob__pb__meta__unpack(NULL, size, bytes);
  }
  free(bytes);
  if (meta && meta->pb) {
    meta->refs = 1;
    return meta;
  }
  free(meta);
  return NULL;
}

void eim_sb_meta_unref(eim_sb_meta *meta) {
  if (!meta || --meta->refs) return;
  eim_sb_store_message_gone(meta);
  if (meta->pb) easemob__pb__meta__free_unpacked(meta->pb, NULL);
  free(meta);
}

static bool same(const char *a, const char *b) {
  return strcmp(a ? a : "", b ? b : "") == 0;
}

static eim_sb_queue *find(const eim_sb_device *device, const char *name, const char *domain,
                          const char *resource) {
  for (eim_sb_queue *queue = device->queues; queue; queue = queue->next)
    if (same(queue->name, name) && same(queue->domain, domain) && same(queue->resource, resource))
      return queue;
  return NULL;
}

eim_sb_queue *eim_sb_find_queue(const eim_sb_device *device, const Easemob__Pb__JID *jid) {
  return find(device, jid->name, jid->domain, jid->clientresource);
}

static eim_sb_queue *add_queue(eim_sb_device *device, const char *name, const char *domain,
                               const char *resource) {
  eim_sb_queue *queue = calloc(1, sizeof *queue);
  if (!queue) return NULL;
  queue->name = eim_strdup(name);
  queue->domain = eim_strdup(domain);
  queue->resource = eim_strdup(resource);
  if (!queue->name || !queue->domain || (resource && !queue->resource)) {
    free(queue->name);
    free(queue->domain);
    free(queue->resource);
    free(queue);
    return NULL;
  }
  eim_sb_queue **at = &device->queues;
  while (*at) at = &(*at)->next;
  *at = queue;
  return queue;
}

static void drop_first(eim_sb_device *device, eim_sb_queue *queue) {
  eim_sb_item *item = queue->first;
  queue->first = item->next;
  if (!queue->first) queue->last = NULL;
  queue->count--;
  device->waiting--;
  eim_sb_store_waiting_gone(device, item);
  eim_sb_meta_unref(item->meta);
  free(item);
}

static void free_queue(eim_sb_device *device, eim_sb_queue *queue) {
  while (queue->first) drop_first(device, queue);
  free(queue->name);
  free(queue->domain);
  free(queue->resource);
  free(queue);
}

static void remove_queue(eim_sb_device *device, eim_sb_queue *queue) {
  eim_sb_queue **at = &device->queues;
  while (*at != queue) at = &(*at)->next;
  *at = queue->next;
  free_queue(device, queue);
}

static void make_room(eim_sb_device *device) {
  eim_sb_queue *oldest = NULL;
  for (eim_sb_queue *queue = device->queues; queue; queue = queue->next)
    if (queue->first && (!oldest || queue->first->position < oldest->first->position))
      oldest = queue;
  if (!oldest) return;
  drop_first(device, oldest);
  if (!oldest->count) remove_queue(device, oldest);
}

static eim_sb_queue *append(eim_sb_device *device, const char *name, const char *domain,
                            const char *resource, eim_sb_meta *meta, uint64_t position) {
  eim_sb_queue *queue = find(device, name, domain, resource);
  if (!queue) queue = add_queue(device, name, domain, resource);
  eim_sb_item *item = queue ? calloc(1, sizeof *item) : NULL;
  if (!item) return NULL;
  if (device->position < position) device->position = position;
  item->position = position;
  item->meta = meta;
  meta->refs++;
  if (queue->last)
    queue->last->next = item;
  else
    queue->first = item;
  queue->last = item;
  queue->count++;
  device->waiting++;
  return queue;
}

bool eim_sb_restore(eim_sb_device *device, const char *name, const char *domain,
                    const char *resource, eim_sb_meta *meta, uint64_t position) {
  return append(device, name, domain, resource, meta, position) != NULL;
}

bool eim_sb_enqueue(eim_sandbox *self, eim_sb_device *device, const char *name, const char *domain,
                    const char *resource, eim_sb_meta *meta) {
  if (device->waiting >= self->options.queue_limit) make_room(device);
  /* Below 2^53, since the peers keep keys as doubles. */
  uint64_t position = (uint64_t)eim_sb_now(self) << 10;
  if (position <= device->position) position = device->position + 1;
  eim_sb_queue *queue = append(device, name, domain, resource, meta, position);
  if (!queue) return false;
  eim_sb_store_waiting(device, queue, queue->last);
  if (device->conn) {
    Easemob__Pb__CommNotice notice = EASEMOB__PB__COMM_NOTICE__INIT;
    Easemob__Pb__JID jid;
    eim_sb_jid(self, &jid, queue->name, queue->domain, queue->resource);
    notice.queue = &jid;
    eim_sb_send(self, device->conn, EASEMOB__PB__MSYNC__COMMAND__NOTICE, &notice.base);
  }
  return true;
}

void eim_sb_trim(eim_sb_device *device, eim_sb_queue *queue, uint64_t key) {
  uint64_t covered = key < device->position ? key : device->position;
  /* Positions never go back, not even when the machine's clock does over a restart: a key would
   * acknowledge what its peer has never seen. */
  if (covered > device->acknowledged) {
    device->acknowledged = covered;
    eim_sb_store_acknowledged(device, covered);
  }
  while (queue->first && queue->first->position <= key) drop_first(device, queue);
  if (!queue->count) remove_queue(device, queue);
}

void eim_sb_free_queues(eim_sb_device *device) {
  for (eim_sb_queue *queue = device->queues, *next; queue; queue = next) {
    next = queue->next;
    free_queue(device, queue);
  }
  device->queues = NULL;
}

void eim_sb_free_device(eim_sb_device *device) {
  if (device->conn) device->conn->device = NULL;
  eim_sb_free_queues(device);
  free(device->resource);
  free(device->uuid);
  free(device->name);
  free(device->class_name);
  free(device);
}

void eim_sb_deliver(eim_sandbox *self, eim_sb_user *user, const eim_sb_device *except,
                    const char *only_resource, const char *queue, const char *domain,
                    const char *queue_resource, eim_sb_meta *meta) {
  bool online_only =
      meta->pb->has_routetype && meta->pb->routetype == EASEMOB__PB__META__ROUTE_TYPE__ROUTE_ONLINE;
  if (!user->devices && !online_only && !only_resource)
    eim_sb_enqueue(self, &user->inbox, queue, domain, queue_resource, meta);
  for (eim_sb_device *device = user->devices; device; device = device->next) {
    if (device == except || (online_only && !device->conn)) continue;
    if (only_resource && strcmp(device->resource, only_resource) != 0) continue;
    eim_sb_enqueue(self, device, queue, domain, queue_resource, meta);
  }
}
