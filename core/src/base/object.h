/* object.h - counted, immutable values: the first member of every public payload. Any thread. */
#ifndef EIM_BASE_OBJECT_H
#define EIM_BASE_OBJECT_H

#include <stdatomic.h>

typedef struct eim_object {
  atomic_int refs;
  void (*destroy)(void *self); /* frees self; runs on the thread that gave up the last reference */
} eim_object;

static inline void eim_object_init(eim_object *self, void (*destroy)(void *)) {
  atomic_init(&self->refs, 1);
  self->destroy = destroy;
}

static inline void *eim_object_ref(const void *self) {
  if (self) atomic_fetch_add_explicit(&((eim_object *)self)->refs, 1, memory_order_relaxed);
  return (void *)self;
}

static inline void eim_object_unref(const void *self) {
  eim_object *object = (eim_object *)self;
  if (object && atomic_fetch_sub_explicit(&object->refs, 1, memory_order_acq_rel) == 1)
    object->destroy(object);
}

#endif
