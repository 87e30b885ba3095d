/* json.h - reading JSON in place: a value is a span of checked text, nothing is copied, numbers
 * keep their digits. Depth is bounded, so neither stack nor memory can be blown. Pure. */
#ifndef EIM_BASE_JSON_H
#define EIM_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define EIM_JSON_DEPTH 64 /* deeper is refused */

/* One value; at == NULL: there is none. */
typedef struct eim_json {
  const char *at, *end;
} eim_json;

typedef enum eim_json_type {
  EIM_JSON_NONE,
  EIM_JSON_NULL,
  EIM_JSON_FALSE,
  EIM_JSON_TRUE,
  EIM_JSON_NUMBER,
  EIM_JSON_STRING,
  EIM_JSON_ARRAY,
  EIM_JSON_OBJECT
} eim_json_type;

/* Check a whole text (RFC 8259, UTF-8). False: not JSON, and *out is no value. */
bool eim_json_parse(eim_json *out, const void *text, size_t length);
eim_json_type eim_json_kind(eim_json value);

/* Members or elements in order: for (it = eim_json_each(v); eim_json_next(&it);) */
typedef struct eim_json_iter {
  eim_json key, value;
  const char *at, *end; /* private */
  bool object;
} eim_json_iter;
eim_json_iter eim_json_each(eim_json container);
bool eim_json_next(eim_json_iter *self);
/* The first member of that name; no value when absent or not an object. */
eim_json eim_json_get(eim_json object, const char *name);

/* Is it the string `text`? */
bool eim_json_is(eim_json value, const char *text);
/* Append the characters of a string; U+0000 and lone surrogates become U+FFFD. False: not a string.
 */
bool eim_json_text(eim_json value, eim_buf *out);
/* The same into a fixed buffer; false when it is not a string or too long ("" then). */
bool eim_json_copy(eim_json value, char *out, size_t size);
/* An integer literal that fits; nothing else. */
bool eim_json_i64(eim_json value, int64_t *out);
/* A number or a numeric string, as servers mix them; a fraction is cut off. */
bool eim_json_loose_i64(eim_json value, int64_t *out);
bool eim_json_double(eim_json value, double *out);
/* Append the text of the value as it is. */
void eim_json_raw(eim_json value, eim_buf *out);

/* Append digits; several times as fast as printf, and ext values are mostly integers. */
void eim_buf_json_u64(eim_buf *self, uint64_t value);
void eim_buf_json_i64(eim_buf *self, int64_t value);
/* Append a number: shortest digits that read back the same, always with a fraction or an exponent.
 * NaN and infinities become null. Independent of the locale. */
void eim_buf_json_double(eim_buf *self, double value);
void eim_buf_json_float(eim_buf *self, float value);

#endif
