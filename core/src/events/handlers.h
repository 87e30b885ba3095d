/* handlers.h - the handler sets of an endpoint: an immutable, counted list, replaced as a whole.
 * Who calls handlers holds a reference and needs no lock; a set is released (on_released) with the
 * last list that has it, so exactly once and after its last callback. */
#ifndef EIM_EVENTS_HANDLERS_H
#define EIM_EVENTS_HANDLERS_H

#include <stdbool.h>
#include <stddef.h>

#include "events/queue.h"
#include "model/event.h"

typedef struct eim_handler_set eim_handler_set;

struct eim_handler_list {
  eim_object base;
  size_t count;
  eim_handler_set *sets[]; /* counted */
};

/* EIM_OK, or EIM_E_INVALID when struct_size is that of no known version. *out: a copy; callbacks
 * the caller does not know yet are NULL. */
eim_status eim_handlers_read(eim_handlers *out, const eim_handlers *in);

/* NULL: out of memory. on_released is not called then. */
eim_handler_set *eim_handler_set_new(const char *id, const eim_handlers *handlers);
/* Release without calling on_released: it never was in use. */
void eim_handler_set_discard(eim_handler_set *self);

/* A new list with `set` (its reference passes over) in the place of the one with its id, or at the
 * end. former: the set that was replaced (borrowed), NULL if none. NULL: out of memory. */
eim_handler_list *eim_handler_list_with(const eim_handler_list *self, eim_handler_set *set,
                                        eim_handler_set **former);
/* A new list without id. NULL: out of memory, or with *former NULL too: there is no such id. */
eim_handler_list *eim_handler_list_without(const eim_handler_list *self, const char *id,
                                           eim_handler_set **former);
/* No further callback of this set begins. */
void eim_handler_set_retire(eim_handler_set *self);
bool eim_handler_list_handles(const eim_handler_list *self, eim_event_kind kind);
/* Call the handlers of one event. */
void eim_handler_list_call(const eim_handler_list *self, eim_event_kind kind, const void *payload);

void eim_payload_unref(eim_event_kind kind, const void *payload);

#endif
