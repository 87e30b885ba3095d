/* ext.h - KeyValue lists <-> JSON objects (docs/protocol.md 12). Nothing is lost: integers keep
 * their digits, doubles are written so that they read back the same. */
#ifndef EIM_WIRE_EXT_H
#define EIM_WIRE_EXT_H

#include "base/json.h"
#include "wire/pb.h"

/* Append {"key":value,…}. JSON_STRING values that are JSON are put in as they are, others as
 * strings. */
void eim_ext_json(eim_buf *out, EIM_PB(KeyValue) *const *list, size_t count);

/* The list for a JSON object, in the pool. False: memory ended. Integers: INT; numbers with
 * fraction or exponent: DOUBLE; objects, arrays, null, and integers beyond 64 bits: JSON_STRING. */
bool eim_ext_from_json(eim_pool *pool, eim_json object, EIM_PB(KeyValue) * **list, size_t *count);

#endif
