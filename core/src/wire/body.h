/* body.h - message bodies: MessageBody of the wire <-> eim_message (docs/protocol.md 12). */
#ifndef EIM_WIRE_BODY_H
#define EIM_WIRE_BODY_H

#include <eim/message.h>

#include "base/json.h"
#include "wire/pb.h"

/* Kind of a content; UNKNOWN for what this version does not know. */
eim_message_kind eim_body_kind(const EIM_PB(MessageBody__Content) * content);
/* Name the official SDKs use for the kind ("txt" …). Static. */
const char *eim_body_type(eim_message_kind kind);

/* Append "type" and the fields of a body by their official names, each behind a comma (`first`: the
 * first one is not). Returns whether nothing was appended yet. */
bool eim_body_fields(eim_buf *out, eim_message_kind kind,
                     const EIM_PB(MessageBody__Content) * content, bool first);

/* Fill a content from a message that is to be sent, strings in the pool. False: this message cannot
 * be sent (unknown kind, no URL, no action …), or memory ended. */
bool eim_body_content(eim_pool *pool, EIM_PB(MessageBody__Content) * content,
                      const eim_message *message, eim_json body);

#endif
