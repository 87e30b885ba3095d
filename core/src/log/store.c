#include "log/store.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct eim_log_block {
  atomic_int refs; /* the store's and those of snapshots */
  eim_log_block *next;
  size_t used, capacity;
  char text[];
};

static void unref(eim_log_block *block) {
  if (atomic_fetch_sub(&block->refs, 1) == 1) free(block);
}

void eim_log_store_init(eim_log_store *self, size_t max, size_t block_size) {
  *self = (eim_log_store){.max = max, .block_size = block_size};
}

static void drop_head(eim_log_store *self) {
  eim_log_block *head = self->head;
  self->head = head->next;
  if (!self->head) self->tail = NULL;
  self->start = 0;
  unref(head);
}

static size_t oldest_length(const eim_log_store *self) {
  const char *text = self->head->text + self->start;
  const char *end = memchr(text, '\n', self->head->used - self->start);
  return (size_t)(end - text) + 1; /* every line has one */
}

size_t eim_log_store_drop(eim_log_store *self) {
  if (!self->head) return 0;
  size_t length = oldest_length(self);
  self->start += length;
  self->bytes -= length;
  self->lines--;
  if (self->start == self->head->used) drop_head(self);
  return length;
}

void eim_log_store_resize(eim_log_store *self, size_t max) {
  self->max = max;
  while (self->bytes > max) {
    eim_log_store_drop(self);
    self->lost_lines++;
  }
}

void eim_log_store_clear(eim_log_store *self) {
  while (self->head) drop_head(self);
  self->bytes = self->lines = 0;
}

void eim_log_store_add(eim_log_store *self, const char *line, size_t length) {
  eim_log_block *tail = self->tail;
  if (length > self->max) {
    self->lost_lines++;
    return;
  }
  if (!tail || tail->capacity - tail->used < length) {
    size_t capacity = length > self->block_size ? length : self->block_size;
    tail = malloc(sizeof *tail + capacity);
    if (!tail) {
      self->lost_lines++;
      return;
    }
    atomic_init(&tail->refs, 1);
    tail->next = NULL;
    tail->used = 0;
    tail->capacity = capacity;
    if (self->tail)
      self->tail->next = tail;
    else
      self->head = tail;
    self->tail = tail;
  }
  memcpy(tail->text + tail->used, line, length);
  tail->used += length;
  self->bytes += length;
  self->lines++;
  eim_log_store_resize(self, self->max);
}

bool eim_log_store_snapshot(const eim_log_store *self, eim_log_piece **out, size_t *count) {
  size_t blocks = 0, n = 0;
  *out = NULL;
  *count = 0;
  for (const eim_log_block *block = self->head; block; block = block->next) blocks++;
  if (!blocks) return true;
  eim_log_piece *pieces = malloc(blocks * sizeof *pieces);
  if (!pieces) return false;
  for (eim_log_block *block = self->head; block; block = block->next) {
    size_t from = block == self->head ? self->start : 0;
    atomic_fetch_add(&block->refs, 1);
    pieces[n++] = (eim_log_piece){block, block->text + from, block->used - from};
  }
  *out = pieces;
  *count = n;
  return true;
}

void eim_log_pieces_free(eim_log_piece *pieces, size_t count) {
  for (size_t i = 0; i < count; i++) unref(pieces[i].block);
  free(pieces);
}
