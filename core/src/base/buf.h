/* buf.h - growing byte buffer and string builder. Failure is sticky: check `failed` once at the
 * end. data is always NUL-terminated behind length once something was appended. Not thread-safe. */
#ifndef EIM_BASE_BUF_H
#define EIM_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct eim_buf {
  uint8_t *data;
  size_t length, capacity;
  bool failed; /* an allocation failed: content is not to be used */
} eim_buf;

/* clang-format off */
#define EIM_BUF_INIT {NULL, 0, 0, false}
/* clang-format on */

void eim_buf_add(eim_buf *self, const void *bytes, size_t length);
void eim_buf_str(eim_buf *self, const char *text);
void eim_buf_printf(eim_buf *self, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Text as a JSON string with its quotes; invalid UTF-8 becomes U+FFFD. NULL: null. */
void eim_buf_json_str(eim_buf *self, const char *text);
/* Percent-encoded for a URL path segment or query value. */
void eim_buf_url(eim_buf *self, const char *text);
void eim_buf_clear(eim_buf *self); /* length 0, memory kept */
void eim_buf_wipe(eim_buf *self);  /* overwritten and freed */
void eim_buf_free(eim_buf *self);

#endif
