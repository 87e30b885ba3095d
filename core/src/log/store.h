/* store.h - lines of text, bounded by bytes: the oldest go first. Kept in blocks, so that adding
 * never moves what is there, and that a snapshot is a few references. Not thread-safe, but a
 * snapshot may be read on any thread while lines are added or dropped. */
#ifndef EIM_LOG_STORE_H
#define EIM_LOG_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct eim_log_block eim_log_block;

typedef struct eim_log_store {
  size_t max;          /* bytes of text */
  size_t bytes, lines; /* kept now; bytes <= max always */
  uint64_t lost_lines; /* because of max, or because there was no memory */
  size_t block_size;
  eim_log_block *head, *tail;
  size_t start; /* of the oldest line in head */
} eim_log_store;

/* A run of whole lines. */
typedef struct eim_log_piece {
  eim_log_block *block; /* counted */
  const char *text;
  size_t length;
} eim_log_piece;

void eim_log_store_init(eim_log_store *self, size_t max, size_t block_size);
/* line ends with '\n' and has no other. Longer than max, or no memory: it is lost, and counted. */
void eim_log_store_add(eim_log_store *self, const char *line, size_t length);
/* Give up the oldest line, not counted as lost. Its length; 0: there is none. */
size_t eim_log_store_drop(eim_log_store *self);
void eim_log_store_resize(eim_log_store *self, size_t max);
void eim_log_store_clear(eim_log_store *self);
/* All lines, oldest first; to be given to eim_log_pieces_free(). *count 0 and NULL: nothing there.
 * False: out of memory. */
bool eim_log_store_snapshot(const eim_log_store *self, eim_log_piece **out, size_t *count);
void eim_log_pieces_free(eim_log_piece *pieces, size_t count);

#endif
