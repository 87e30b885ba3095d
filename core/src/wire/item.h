/* item.h - one Meta of a SYNC frame -> eim_item. */
#ifndef EIM_WIRE_ITEM_H
#define EIM_WIRE_ITEM_H

#include "wire/frame.h"
#include "wire/pb.h"

typedef struct eim_item_context {
  eim_pool *pool;
  eim_buf json; /* scratch, one for a whole frame */
  const char *own_user, *own_resource;
  bool in_combine;  /* the metas are those of a combined message, */
  int combine_most; /* and this is the highest level one among them may have (combine.h) */
} eim_item_context;

/* Never fails: what cannot be decoded becomes EIM_ITEM_BAD. When the pool is exceeded afterwards
 * the whole frame is to be refused. */
void eim_item_decode(eim_item *out, eim_item_context *context, const void *bytes, size_t length);
void eim_item_release(eim_item *item);

eim_jid eim_jid_of(eim_pool *pool, const EIM_PB(JID) * jid);

#endif
