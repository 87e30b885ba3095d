/* What members of groups and rooms are told over the socket: docs/protocol.md 14. */
#include <stdlib.h>
#include <string.h>

#include "groups.h"
#include "sandbox.h"

/* The bytes of the MUCBody, or NULL. */
static uint8_t *pack(eim_sandbox *self, const eim_sb_group *group, const eim_sb_muc *event,
                     size_t *size) {
  Easemob__Pb__JID group_jid, parent, from, to, *list[] = {&to};
  Easemob__Pb__MUCBody__EventInfo info = EASEMOB__PB__MUCBODY__EVENT_INFO__INIT;
  Easemob__Pb__MUCBody body = EASEMOB__PB__MUCBODY__INIT;
  eim_sb_jid(self, &group_jid, group->id, EIM_SB_DOMAIN_GROUP, NULL);
  eim_sb_jid(self, &from, event->from ? event->from : "", EIM_SB_DOMAIN_USER, event->device);
  body.mucid = &group_jid;
  body.from = &from;
  if (event->to) {
    eim_sb_jid(self, &to, event->to, EIM_SB_DOMAIN_USER, NULL);
    body.to = list;
    body.n_to = 1;
  }
  body.has_operation = body.has_ischatroom = 1;
  body.operation = (Easemob__Pb__MUCBody__Operation)event->operation;
  body.ischatroom = group->room;
  if (eim_sb_is_thread(group)) {
    eim_sb_jid(self, &parent, group->parent, EIM_SB_DOMAIN_GROUP, NULL);
    body.has_isthread = body.isthread = 1;
    body.mucparentid = &parent;
    body.mucname = group->name;
  }
  /* The two of groups with which the published SDK reads it. */
  if (event->operation == EASEMOB__PB__MUCBODY__OPERATION__INVITE ||
      event->operation == EASEMOB__PB__MUCBODY__OPERATION__DIRECT_JOINED)
    body.mucname = *group->name ? group->name : NULL;
  body.reason = (char *)event->reason;
  body.ext = (char *)event->ext;
  if (event->detail) {
    info.ext = (char *)event->detail;
    body.eventinfo = &info;
  }
  if (event->counted) {
    body.has_mucmembercount = 1;
    body.mucmembercount = (int32_t)group->count;
  }
  *size = easemob__pb__mucbody__get_packed_size(&body);
  uint8_t *bytes = malloc(*size ? *size : 1);
  if (bytes) easemob__pb__mucbody__pack(&body, bytes);
  return bytes;
}

static const eim_sb_device *device_of(const eim_sb_user *user, const char *resource) {
  const eim_sb_device *device = resource ? user->devices : NULL;
  while (device && strcmp(device->resource, resource) != 0) device = device->next;
  return device;
}

static void deliver(eim_sandbox *self, const eim_sb_group *group, uint8_t *bytes, size_t size,
                    uint64_t id, const char *name, const char *but_resource) {
  eim_sb_user *user = eim_sb_find_user(self, name);
  if (!user || !bytes) return;
  Easemob__Pb__JID from, to;
  eim_sb_jid(self, &from, group->id, EIM_SB_DOMAIN_GROUP, NULL);
  eim_sb_jid(self, &to, user->name, EIM_SB_DOMAIN_USER, NULL);
  eim_sb_pb_meta pb = EASEMOB__PB__META__INIT;
  pb.has_id = pb.has_timestamp = pb.has_ns = pb.has_payload = 1;
  pb.id = id;
  pb.from = &from;
  pb.to = &to;
  pb.timestamp = (uint64_t)eim_sb_now(self);
  pb.ns = EASEMOB__PB__META__NAME_SPACE__MUC;
  pb.payload.data = bytes;
  pb.payload.len = size;
  eim_sb_meta *meta = eim_sb_meta_new(&pb);
  if (meta)
    eim_sb_deliver(self, user, device_of(user, but_resource), NULL, group->id, EIM_SB_DOMAIN_GROUP,
                   NULL, meta);
  eim_sb_meta_unref(meta);
}

void eim_sb_tell(eim_sandbox *self, const eim_sb_group *group, const eim_sb_muc *event,
                 const char *name, const char *but_resource) {
  size_t size;
  uint8_t *bytes = pack(self, group, event, &size);
  deliver(self, group, bytes, size, eim_sb_next_id(self), name, but_resource);
  free(bytes);
}

static void tell_many(eim_sandbox *self, const eim_sb_group *group, const eim_sb_muc *event,
                      const char *except, bool staff_only) {
  size_t size;
  uint8_t *bytes = pack(self, group, event, &size);
  uint64_t id = eim_sb_next_id(self);
  for (size_t i = 0; i < group->count; i++) {
    const char *name = group->members[i]->name;
    if (except && strcmp(name, except) == 0) continue;
    if (staff_only && eim_sb_role_in(group, name) < EIM_SB_ADMIN) continue;
    deliver(self, group, bytes, size, id, name, NULL);
  }
  free(bytes);
}

void eim_sb_tell_members(eim_sandbox *self, const eim_sb_group *group, const eim_sb_muc *event,
                         const char *except) {
  tell_many(self, group, event, except, false);
}

void eim_sb_tell_staff(eim_sandbox *self, const eim_sb_group *group, const eim_sb_muc *event,
                       const char *except) {
  tell_many(self, group, event, except, true);
}
