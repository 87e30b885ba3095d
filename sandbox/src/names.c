#include "names.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static size_t find(const eim_sb_names *self, const char *name) {
  size_t i = 0;
  while (i < self->count && strcmp(self->items[i], name) != 0) i++;
  return i;
}

bool eim_sb_names_has(const eim_sb_names *self, const char *name) {
  return find(self, name) < self->count;
}

bool eim_sb_names_add(eim_sb_names *self, const char *name) {
  if (eim_sb_names_has(self, name)) return true;
  char *copy = eim_strdup(name);
  char **items = realloc(self->items, (self->count + 1) * sizeof *items);
  if (items) self->items = items;
  if (!copy || !items) {
    free(copy);
    return false;
  }
  items[self->count++] = copy;
  return true;
}

bool eim_sb_names_remove(eim_sb_names *self, const char *name) {
  size_t at = find(self, name);
  if (at == self->count) return false;
  free(self->items[at]);
  self->count--;
  memmove(self->items + at, self->items + at + 1, (self->count - at) * sizeof *self->items);
  return true;
}

void eim_sb_names_free(eim_sb_names *self) {
  for (size_t i = 0; i < self->count; i++) free(self->items[i]);
  free(self->items);
  *self = (eim_sb_names){NULL, 0};
}
