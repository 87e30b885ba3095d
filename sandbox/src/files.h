/* files.h - the files of the store (chatfiles): what is kept of each, and its bytes piece by piece.
 * With --data the bytes are in its file only, else in memory. */
#ifndef EIM_SANDBOX_FILES_H
#define EIM_SANDBOX_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct eim_sandbox;
struct eim_sb_store;

/* Counted: who sends one keeps it, also when it has to make room for others meanwhile. */
typedef struct eim_sb_file {
  struct eim_sb_file *next;
  int refs;
  char uuid[37], secret[44]; /* secret "": open to all */
  char *content_type, *filename;
  int64_t created;
  size_t size;
  eim_buf data; /* empty with a store */
  int64_t id;   /* row of the store */
  struct eim_sb_store *store;
} eim_sb_file;

/* A new one; beyond the room for all (file_store) the oldest go. NULL: no memory. */
eim_sb_file *eim_sb_add_file(struct eim_sandbox *self, const void *bytes, size_t size,
                             const char *content_type, const char *filename, const char *secret);
eim_sb_file *eim_sb_find_file(const struct eim_sandbox *self, const char *uuid);
/* size bytes from `at`, which must be there. False: they cannot be read. */
bool eim_sb_read_file(const eim_sb_file *file, size_t at, void *out, size_t size);
void eim_sb_file_unref(eim_sb_file *file); /* NULL is allowed */
void eim_sb_free_files(struct eim_sandbox *self);
/* One that the store kept. */
void eim_sb_link_file(struct eim_sandbox *self, eim_sb_file *file);

#endif
