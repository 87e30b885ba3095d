/* wire_vectors.h - the recorded sessions of the real SDKs (tests/vectors/README.md). */
#ifndef WIRE_VECTORS_H
#define WIRE_VECTORS_H

#include <cjson/cJSON.h>

#include "base/arena.h"
#include "base/buf.h"
#include "wire/frame.h"

#include "eim_test.h"

typedef struct vector_file {
  char name[96]; /* "em481-mini/edit.json" */
  cJSON *root;
} vector_file;

/* All sessions, or those of one folder (NULL: all). lz4-*.json is left out: their frames are
 * compressed. Loaded once, freed at exit. */
const vector_file *vector_files(size_t *count);
const cJSON *vector_file_named(const char *name);
const char *vector_string(const cJSON *object, const char *key); /* "" when absent */
/* Bytes of a hex text; the caller frees. */
uint8_t *vector_bytes(const char *hex, size_t *length);

/* One decoded frame and what it lives in. */
typedef struct decoded {
  eim_arena arena;
  eim_frame frame;
  bool ok;
  const char *problem;
} decoded;
void decode(decoded *out, const void *bytes, size_t length, const char *user, const char *resource);
void decode_hex(decoded *out, const char *hex, const char *user, const char *resource);
void decoded_free(decoded *self);

#define FOR_STEPS(step, file)                                                                      \
  for (const cJSON *step = cJSON_GetObjectItemCaseSensitive((file)->root, "steps")->child; step;   \
       step = step->next)

#endif
