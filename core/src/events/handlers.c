/* handlers.c - handler sets and lists of them. */
#include "events/handlers.h"

#include <stdlib.h>
#include <string.h>

#include "model/error.h"

struct eim_handler_set {
  eim_object base;
  atomic_bool retired;
  eim_handlers handlers;
  char id[];
};

static void destroy_set(void *set) {
  eim_handler_set *self = set;
  if (self->handlers.on_released) self->handlers.on_released(self->handlers.user_data);
  free(self);
}

static void destroy_list(void *list) {
  eim_handler_list *self = list;
  for (size_t i = 0; i < self->count; i++) eim_object_unref(self->sets[i]);
  free(self);
}

eim_status eim_handlers_read(eim_handlers *out, const eim_handlers *in) {
  /* The first three members are in every version; a program compiled earlier knows fewer callbacks.
   * A later one may know callbacks that would never come: that is refused. */
  const size_t smallest = offsetof(eim_handlers, on_state);
  if (!in) return eim_fail(EIM_E_INVALID, "handlers: NULL");
  if (in->struct_size < smallest || in->struct_size > sizeof *out ||
      in->struct_size % sizeof(void *) != 0)
    return eim_fail(EIM_E_INVALID,
                    "handlers: struct_size is %zu; this library knows %zu to %zu (start with "
                    "EIM_HANDLERS_INIT)",
                    in->struct_size, smallest, sizeof *out);
  memset(out, 0, sizeof *out);
  memcpy(out, in, in->struct_size);
  return EIM_OK;
}

eim_handler_set *eim_handler_set_new(const char *id, const eim_handlers *handlers) {
  size_t size = strlen(id) + 1;
  eim_handler_set *self = malloc(sizeof *self + size);
  if (!self) return NULL;
  eim_object_init(&self->base, destroy_set);
  atomic_init(&self->retired, false);
  self->handlers = *handlers;
  memcpy(self->id, id, size);
  return self;
}

void eim_handler_set_discard(eim_handler_set *self) {
  free(self);
}

void eim_handler_set_retire(eim_handler_set *self) {
  if (self) atomic_store(&self->retired, true);
}

static eim_handler_list *list_new(size_t capacity) {
  eim_handler_list *self = malloc(sizeof *self + capacity * sizeof(eim_handler_set *));
  if (!self) return NULL;
  eim_object_init(&self->base, destroy_list);
  self->count = 0;
  return self;
}

eim_handler_list *eim_handler_list_with(const eim_handler_list *self, eim_handler_set *set,
                                        eim_handler_set **former) {
  size_t count = self ? self->count : 0;
  bool placed = false;
  eim_handler_list *list = list_new(count + 1);
  *former = NULL;
  if (!list) return NULL;
  for (size_t i = 0; i < count; i++) {
    eim_handler_set *old = self->sets[i];
    if (!strcmp(old->id, set->id)) {
      list->sets[list->count++] = set;
      *former = old;
      placed = true;
    } else {
      list->sets[list->count++] = eim_object_ref(old);
    }
  }
  if (!placed) list->sets[list->count++] = set;
  return list;
}

eim_handler_list *eim_handler_list_without(const eim_handler_list *self, const char *id,
                                           eim_handler_set **former) {
  *former = NULL;
  for (size_t i = 0; self && i < self->count; i++)
    if (!strcmp(self->sets[i]->id, id)) *former = self->sets[i];
  eim_handler_list *list = *former ? list_new(self->count) : NULL;
  for (size_t i = 0; list && i < self->count; i++)
    if (self->sets[i] != *former) list->sets[list->count++] = eim_object_ref(self->sets[i]);
  return list;
}

bool eim_handler_list_handles(const eim_handler_list *self, eim_event_kind kind) {
  for (size_t i = 0; self && i < self->count; i++) {
    const eim_handlers *h = &self->sets[i]->handlers;
    switch (kind) {
#define X(name, type)                                                                              \
  case EIM_EVENT_##name:                                                                           \
    if (h->on_##name) return true;                                                                 \
    break;
      EIM_EVENTS(X)
#undef X
    case EIM_EVENT_COUNT: break;
    }
  }
  return false;
}

static void call_set(const eim_handlers *h, eim_event_kind kind, const void *payload) {
  switch (kind) {
#define X(name, type)                                                                              \
  case EIM_EVENT_##name:                                                                           \
    if (h->on_##name) h->on_##name(h->user_data, (const type *)payload);                           \
    break;
    EIM_EVENTS(X)
#undef X
  case EIM_EVENT_COUNT: break;
  }
}

void eim_handler_list_call(const eim_handler_list *self, eim_event_kind kind, const void *payload) {
  for (size_t i = 0; self && i < self->count; i++)
    if (!atomic_load(&self->sets[i]->retired)) call_set(&self->sets[i]->handlers, kind, payload);
}

void eim_payload_unref(eim_event_kind kind, const void *payload) {
  switch (kind) {
#define X(name, type)                                                                              \
  case EIM_EVENT_##name: type##_unref((const type *)payload); break;
    EIM_EVENTS(X)
#undef X
  case EIM_EVENT_LOG: eim_object_unref(payload); break;
  }
}
