#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT _Alignof(max_align_t)
#define CHUNK_MIN 256
#define CHUNK_MAX (64 * 1024)

struct eim_arena_chunk {
  eim_arena_chunk *older;
  size_t size;
  max_align_t data[];
};

static int grow(eim_arena *self, size_t at_least) {
  size_t size = self->chunks ? self->chunks->size * 2 : at_least;
  if (size > CHUNK_MAX) size = CHUNK_MAX;
  if (size < at_least) size = at_least;
  if (size < CHUNK_MIN) size = CHUNK_MIN;
  if (size > SIZE_MAX - sizeof(eim_arena_chunk)) return 0;
  eim_arena_chunk *chunk = malloc(sizeof *chunk + size);
  if (!chunk) return 0;
  chunk->older = self->chunks;
  chunk->size = size;
  self->chunks = chunk;
  self->next = (char *)chunk->data;
  self->end = self->next + size;
  return 1;
}

int eim_arena_init(eim_arena *self, size_t first_size) {
  memset(self, 0, sizeof *self);
  return grow(self, first_size);
}

void *eim_arena_alloc(eim_arena *self, size_t size) {
  if (size > SIZE_MAX / 2) return NULL;
  size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  if (!size) size = ALIGNMENT;
  if (size > (size_t)(self->end - self->next) && !grow(self, size)) return NULL;
  void *result = self->next;
  self->next += size;
  return result;
}

char *eim_arena_strndup(eim_arena *self, const char *text, size_t length) {
  char *copy = eim_arena_alloc(self, length + 1);
  if (!copy) return NULL;
  if (length) memcpy(copy, text, length);
  copy[length] = 0;
  return copy;
}

char *eim_arena_strdup(eim_arena *self, const char *text) {
  return eim_arena_strndup(self, text, strlen(text));
}

static void free_chunks(eim_arena_chunk *chunk, const eim_arena_chunk *keep) {
  while (chunk && chunk != keep) {
    eim_arena_chunk *older = chunk->older;
    free(chunk);
    chunk = older;
  }
}

void eim_arena_reset(eim_arena *self) {
  eim_arena_chunk *first = self->chunks;
  while (first && first->older) first = first->older;
  free_chunks(self->chunks, first);
  self->chunks = first;
  self->next = first ? (char *)first->data : NULL;
  self->end = first ? self->next + first->size : NULL;
}

void eim_arena_free(eim_arena *self) {
  eim_arena_chunk *chunks = self->chunks; /* self may live inside one of them */
  self->chunks = NULL;
  self->next = self->end = NULL;
  free_chunks(chunks, NULL);
}
