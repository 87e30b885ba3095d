/* action.h - what a user does to messages and rooms besides sending (docs/protocol.md 13, 14):
 * asked for by api/, carried by session/, written by wire/. */
#ifndef EIM_MODEL_ACTION_H
#define EIM_MODEL_ACTION_H

#include <eim/message.h>

typedef enum eim_action_kind {
  EIM_ACTION_READ,         /* message_id, text: content of a group read receipt or NULL */
  EIM_ACTION_CHANNEL_READ, /* the conversation with `to` */
  EIM_ACTION_RECALL,       /* message_id, text: extension or NULL */
  EIM_ACTION_EDIT,         /* message_id, message: what it is now */
  EIM_ACTION_JOIN_ROOM,    /* text: ext or NULL, leave_others */
  EIM_ACTION_LEAVE_ROOM
} eim_action_kind;

typedef struct eim_action {
  eim_action_kind kind;
  eim_chat_type chat_type;
  const char *to; /* user, group or room; unused by EDIT */
  uint64_t message_id;
  const char *text;
  bool leave_others;
  const eim_message *message;
} eim_action;

#endif
