/* notice.h - everything rarer than a message as a name and a JSON view (docs/notices.md). */
#ifndef EIM_WIRE_NOTICE_H
#define EIM_WIRE_NOTICE_H

#include "model/event.h"
#include "wire/pb.h"

/* Each writes the JSON into `json` (cleared first) and returns the static name. NULL: the payload
 * does not parse. */
const char *eim_notice_muc(eim_buf *json, eim_pool *pool, const EIM_PB(Meta) * meta);
const char *eim_notice_roster(eim_buf *json, eim_pool *pool, const EIM_PB(Meta) * meta);
const char *eim_notice_conference(eim_buf *json, eim_pool *pool, const EIM_PB(Meta) * meta);
const char *eim_notice_notify(eim_buf *json, const EIM_PB(Meta) * meta, const char *own_resource);
const char *eim_notice_edit(eim_buf *json, const EIM_PB(Meta) * meta,
                            const EIM_PB(MessageBody) * body, const char *from, const char *to);
/* A name space, or a kind of chat body, that this version does not know. body may be NULL. */
const char *eim_notice_unknown(eim_buf *json, const EIM_PB(Meta) * meta,
                               const EIM_PB(MessageBody) * body);

#endif
