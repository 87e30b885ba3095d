/* messaging.c - what a client does to messages and rooms besides sending: checked here, carried by
 * the session. */
#include <stdlib.h>
#include <string.h>

#include "api/client.h"
#include "base/text.h"
#include "model/build.h"
#include "model/error.h"
#include "model/message.h"

/* Sanity; the server has limits of its own. */
enum { TEXT_MAX = 16384 };

static eim_status check_note(const char *note, const char *what) {
  if (!note) return EIM_OK;
  if (strlen(note) > TEXT_MAX)
    return eim_fail(EIM_E_INVALID, "client: %s is longer than %d bytes", what, TEXT_MAX);
  if (!eim_utf8_valid(note, strlen(note)))
    return eim_fail(EIM_E_INVALID, "client: %s is not valid UTF-8", what);
  return EIM_OK;
}

static eim_status check_id(const char *text, uint64_t *out) {
  *out = 0;
  for (const char *c = text ? text : ""; *c; c++) {
    uint64_t digit = (uint64_t)(*c - '0');
    if (*c < '0' || *c > '9' || *out > (UINT64_MAX - digit) / 10) {
      *out = 0;
      break;
    }
    *out = *out * 10 + digit;
  }
  return *out ? EIM_OK
              : eim_fail(EIM_E_INVALID, "client: a message id is the server's, in decimal digits");
}

static eim_status act(eim_client *self, const eim_action *action, uint64_t token) {
  eim_input input = {.kind = EIM_IN_ACT, .token = token, .action = *action};
  eim_status status = eim_client_room_to_send(self);
  if (status) return status;
  return eim_client_post(self, &input, action->to, NULL, action->text, action->message);
}

eim_status eim_client_message_done(eim_client *self, const eim_message *message) {
  eim_status status = eim_client_usable(self);
  if (status) return status;
  if (!message) return eim_fail(EIM_E_INVALID, "client: message is NULL");
  if (!self->settings->manual_ack || !message->seq || message->client != self->number)
    return EIM_OK;
  eim_input input = {.kind = EIM_IN_MESSAGE_DONE, .seq = message->seq};
  return eim_client_post(self, &input, NULL, NULL, NULL, NULL);
}

eim_status eim_client_send_read(eim_client *self, const eim_message *message, const char *content,
                                uint64_t token) {
  eim_status status = eim_client_usable(self);
  if (status) return status;
  if (!message || !message->server_id || !*message->from)
    return eim_fail(EIM_E_INVALID, "client: only a message that was received can be read");
  if (message->chat_type == EIM_CHAT_ROOM)
    return eim_fail(EIM_E_INVALID, "client: chat rooms have no read receipts");
  if ((status = check_note(content, "content"))) return status;
  eim_action action = {.kind = EIM_ACTION_READ,
                       .chat_type = message->chat_type,
                       .to = message->chat_type == EIM_CHAT_SINGLE ? message->from : message->to,
                       .message_id = message->server_id,
                       .text = content};
  return act(self, &action, token);
}

eim_status eim_client_send_channel_read(eim_client *self, eim_chat_type chat_type, const char *to,
                                        uint64_t token) {
  eim_status status = eim_client_usable(self);
  if (status || (status = eim_check_receiver(chat_type, to))) return status;
  if (chat_type == EIM_CHAT_ROOM)
    return eim_fail(EIM_E_INVALID, "client: chat rooms have no read receipts");
  eim_action action = {.kind = EIM_ACTION_CHANNEL_READ, .chat_type = chat_type, .to = to};
  return act(self, &action, token);
}

eim_status eim_client_recall(eim_client *self, eim_chat_type chat_type, const char *to,
                             const char *message_id, const char *ext, uint64_t token) {
  eim_action action = {.kind = EIM_ACTION_RECALL, .chat_type = chat_type, .to = to, .text = ext};
  eim_status status = eim_client_usable(self);
  if (status || (status = eim_check_receiver(chat_type, to)) ||
      (status = check_id(message_id, &action.message_id)) || (status = check_note(ext, "ext")))
    return status;
  return act(self, &action, token);
}

eim_status eim_client_edit(eim_client *self, const char *message_id, const eim_message *message,
                           uint64_t token) {
  eim_action action = {.kind = EIM_ACTION_EDIT, .message = message};
  eim_status status = eim_client_usable(self);
  if (status || (status = check_id(message_id, &action.message_id))) return status;
  if (!message) return eim_fail(EIM_E_INVALID, "client: message is NULL");
  if ((status = eim_message_sendable(message))) return status;
  action.chat_type = message->chat_type;
  return act(self, &action, token);
}

static eim_status room(eim_client *self, const char *room_id, eim_action *action, uint64_t token) {
  eim_status status = eim_client_usable(self);
  if (status || (status = eim_check_receiver(EIM_CHAT_ROOM, room_id)) ||
      (status = check_note(action->text, "ext")))
    return status;
  action->chat_type = EIM_CHAT_ROOM;
  action->to = room_id;
  return act(self, action, token);
}

eim_status eim_client_join_room(eim_client *self, const char *room_id, const char *ext,
                                bool leave_others, uint64_t token) {
  eim_action action = {.kind = EIM_ACTION_JOIN_ROOM, .text = ext, .leave_others = leave_others};
  return room(self, room_id, &action, token);
}

eim_status eim_client_leave_room(eim_client *self, const char *room_id, uint64_t token) {
  eim_action action = {.kind = EIM_ACTION_LEAVE_ROOM};
  return room(self, room_id, &action, token);
}
