/* arena.h - bump allocation with one free. Not thread-safe.
 * The first chunk can hold the owner itself, so that a message is one block. */
#ifndef EIM_BASE_ARENA_H
#define EIM_BASE_ARENA_H

#include <stddef.h>

typedef struct eim_arena_chunk eim_arena_chunk;
typedef struct eim_arena {
  eim_arena_chunk *chunks; /* newest first */
  char *next, *end;
} eim_arena;

/* False: out of memory. first_size is a hint for the first chunk. */
int eim_arena_init(eim_arena *self, size_t first_size);
/* Aligned for any type; NULL: out of memory. */
void *eim_arena_alloc(eim_arena *self, size_t size);
char *eim_arena_strdup(eim_arena *self, const char *text);
char *eim_arena_strndup(eim_arena *self, const char *text, size_t length);
/* Keep the first chunk, forget everything in it. For scratch arenas that are used per frame. */
void eim_arena_reset(eim_arena *self);
void eim_arena_free(eim_arena *self);

#endif
