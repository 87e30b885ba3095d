/* frame.h - MSYNC frames: bytes <-> structs (msync.proto, docs/protocol.md 5, 6, 10, 11). Pure: no
 * I/O, no clock. Strings are borrowed from the arena given to decode. */
#ifndef EIM_WIRE_FRAME_H
#define EIM_WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <eim/message.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/secret.h"
#include "model/action.h"
#include "model/event.h"

typedef enum eim_command {
  EIM_CMD_SYNC = 0,
  EIM_CMD_UNREAD = 1,
  EIM_CMD_NOTICE = 2,
  EIM_CMD_PROVISION = 3,
  EIM_CMD_LOGOUT = 4,
  EIM_CMD_UNKNOWN = -1
} eim_command;

/* Address of a user, group, device or queue. Absent parts are "". */
typedef struct eim_jid {
  const char *app_key, *name, *domain, *resource;
} eim_jid;

/* ---- up: each appends one whole MSync frame; false: out of memory or out of range */

typedef struct eim_provision_up {
  const char *app_key, *user, *resource, *device_uuid, *device_name;
  int os_type, os_custom_value; /* 0: leave the second out */
  const char *version, *action_version, *session_id;
  const char *reason; /* login ext, NULL: none */
  const eim_secret *token;
  bool offers_lz4; /* docs/protocol.md 18 */
} eim_provision_up;

bool eim_frame_provision(eim_buf *out, const eim_provision_up *up);
bool eim_frame_unread(eim_buf *out);
/* Fetch a queue; has_key: acknowledges everything before key. */
bool eim_frame_fetch(eim_buf *out, const eim_jid *queue, bool has_key, uint64_t key);

/* One chat message. local_id: the Meta.id that the answer echoes as metaId. */
bool eim_frame_message(eim_buf *out, const char *app_key, const char *from_user, uint64_t local_id,
                       const eim_message *message);
/* The message as one of those in the file of a combined message (docs/protocol.md 12): a Meta, with
 * its sender and time, and not in a frame. user: the sender unless the message has one. */
bool eim_frame_forwarded(eim_buf *out, const char *app_key, const char *user, uint64_t local_id,
                         int64_t time, const eim_message *message);
/* DELIVERED or READ receipt for a single-chat message (docs/protocol.md 13). */
bool eim_frame_receipt(eim_buf *out, const char *app_key, const char *from_user, uint64_t local_id,
                       eim_receipt_kind kind, const char *to_user, uint64_t message_id);

/* What else a user does to messages and rooms (docs/protocol.md 13, 14). */
bool eim_frame_action(eim_buf *out, const char *app_key, const char *from_user, uint64_t local_id,
                      const eim_action *action);

/* ---- down */

typedef struct eim_status_down { /* Status: code -1 when the field was missing */
  int code;
  const char *reason; /* "" when absent */
  const char *redirect_host;
  uint16_t redirect_port;
} eim_status_down;

typedef enum eim_item_kind {
  EIM_ITEM_MESSAGE,   /* message */
  EIM_ITEM_RECEIPT,   /* receipt */
  EIM_ITEM_NOTICE,    /* notice: everything else that is for the application */
  EIM_ITEM_STATISTIC, /* operation, reason: kicks (docs/protocol.md 15) */
  EIM_ITEM_BAD        /* payload could not be decoded: `problem` says why */
} eim_item_kind;

/* One Meta. message/receipt/notice are owned by the item: take them over by setting the member to
 * NULL, the rest is released by eim_frame_release(). */
typedef struct eim_item {
  eim_item_kind kind;
  uint64_t id; /* Meta.id, 0 when absent */
  int64_t timestamp;
  eim_jid from, to;
  eim_message *message;
  eim_receipt *receipt;
  eim_notice *notice;
  int operation;      /* StatisticsBody.operation */
  const char *reason; /* StatisticsBody.reason, "" when absent */
  const char *problem;
} eim_item;

typedef struct eim_queue_info {
  eim_jid queue;
  uint32_t count;
} eim_queue_info;

typedef struct eim_frame {
  eim_command command;
  eim_status_down status;
  int64_t timestamp; /* UNREAD, SYNC; 0 when absent */
  /* PROVISION */
  const char *resource;
  int64_t expires_at;        /* absolute ms from authToken.expires_in; 0 when absent */
  bool packs_up, packs_down; /* the server takes LZ4, in these directions */
  /* UNREAD: queues; NOTICE: queues[0]; SYNC: queue */
  eim_queue_info *queues;
  size_t queue_count;
  /* SYNC */
  bool is_answer; /* metaId present and > 0 */
  uint64_t meta_id, server_id;
  bool has_queue, has_next_key, has_is_last, is_last;
  eim_jid queue;
  uint64_t next_key;
  eim_item *items;
  size_t item_count;
} eim_frame;

/* Decode one frame. Everything lives in `arena` except the counted values of items. Returns false
 * and sets *problem (static text) when the bytes are not an MSync frame or its payload does not
 * parse; then nothing needs release. Unknown commands decode to EIM_CMD_UNKNOWN and are true.
 * own_user/own_resource: to set from_resource on messages from one's other devices. */
bool eim_frame_decode(eim_frame *out, eim_arena *arena, const uint8_t *bytes, size_t length,
                      const char *own_user, const char *own_resource, const char **problem);
void eim_frame_release(eim_frame *frame);

#endif
