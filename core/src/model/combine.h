/* combine.h - the messages that a combined (forwarded) message is made of (docs/messages.md,
 * "Combined messages"). */
#ifndef EIM_MODEL_COMBINE_H
#define EIM_MODEL_COMBINE_H

#include <eim/message.h>

#include "base/json.h"

enum {
  EIM_COMBINE_MAX = 300,  /* messages in one: docs/protocol.md 12 */
  EIM_COMBINE_LEVELS = 10 /* one in one in one …: the same */
};

/* The level that a message stands for inside another: 0 unless it is a combined one. */
int eim_combine_level(const eim_message *message);

/* A list of messages in their JSON view. *level: of the message they make. Both owned by the
 * caller (eim_combine_free). EIM_E_INVALID names the element that is wrong. */
eim_status eim_combine_from_json(eim_json list, eim_message ***out, size_t *count, int *level);
void eim_combine_free(eim_message **messages, size_t count);

#endif
