/* text.h - small checks on strings. Pure. */
#ifndef EIM_BASE_TEXT_H
#define EIM_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool eim_utf8_valid(const char *text, size_t length);
/* Bytes of the sequence that text starts with, 0 when it is not valid UTF-8. text must not be "".
 */
size_t eim_utf8_length(const char *text);
/* Length in UTF-16 units, as the official SDKs count limits. Invalid bytes count as one. */
size_t eim_utf16_length(const char *text);
/* Duplicate; NULL for NULL or when out of memory. */
char *eim_strdup(const char *text);
/* Whole-string decimal; false when it is anything else or out of range. */
bool eim_parse_i64(const char *text, int64_t *out);
bool eim_parse_u64(const char *text, uint64_t *out);
/* Decimal digits of value with NUL; buffer of 21 bytes. Returns buffer. */
char *eim_u64_text(uint64_t value, char buffer[21]);
/* Words for an errno; buffer or a constant. strerror_r of glibc returns the words, that of musl,
 * and of Android below API 23, whether it could write them. */
const char *eim_errno_text(int code, char *buffer, size_t size);
/* Nearest of `names` (count) to `word` by edit distance, NULL when none is near. */
const char *eim_nearest(const char *word, const char *const *names, size_t count);

#endif
