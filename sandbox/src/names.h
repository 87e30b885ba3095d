/* names.h - a short list of user names (or other words), each once, in the order they came. */
#ifndef EIM_SANDBOX_NAMES_H
#define EIM_SANDBOX_NAMES_H

#include <stdbool.h>
#include <stddef.h>

typedef struct eim_sb_names {
  char **items;
  size_t count;
} eim_sb_names;

bool eim_sb_names_has(const eim_sb_names *self, const char *name);
bool eim_sb_names_add(eim_sb_names *self, const char *name);    /* false: no memory */
bool eim_sb_names_remove(eim_sb_names *self, const char *name); /* false: was not there */
void eim_sb_names_free(eim_sb_names *self);

#endif
