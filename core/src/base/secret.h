/* secret.h - tokens and passwords: the only type they live in. Counted, zeroed when freed, never
 * formatted: nothing prints it, eim_secret_text() is called only where bytes go onto the wire.
 * Any thread. */
#ifndef EIM_BASE_SECRET_H
#define EIM_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

typedef struct eim_secret eim_secret;

eim_secret *eim_secret_new(const char *text); /* NULL: out of memory or text is NULL */
eim_secret *eim_secret_ref(const eim_secret *self);
void eim_secret_unref(const eim_secret *self);
const char *eim_secret_text(const eim_secret *self); /* "" for NULL */
bool eim_secret_equal(const eim_secret *a, const eim_secret *b);
void eim_wipe(void *memory, size_t length); /* never optimized away */

#endif
