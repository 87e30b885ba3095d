/* error.h - making errors. Any thread. Out of memory gives a static error, never NULL. */
#ifndef EIM_MODEL_ERROR_H
#define EIM_MODEL_ERROR_H

#include <eim/error.h>

enum {
  EIM_ERROR_RETRIABLE = 1,
  EIM_ERROR_FINAL = 2,
  EIM_ERROR_MAYBE = 4 /* may have happened */
};

/* A new error, owned by the caller. */
eim_error *eim_error_new(int32_t code, eim_domain domain, int native, unsigned flags,
                         const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The same with a detail: a JSON object as text (copied; NULL: none). */
eim_error *eim_error_new_detail(int32_t code, eim_domain domain, int native, unsigned flags,
                                const char *detail, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
/* A copy of an error with flags added (and none removed). Owned by the caller. */
eim_error *eim_error_with_flags(const eim_error *self, unsigned flags);
/* A copy without these flags. Owned by the caller. */
eim_error *eim_error_without_flags(const eim_error *self, unsigned flags);
unsigned eim_error_flags(const eim_error *self);

/* Set this thread's last error and return status: failing is one expression,
 * return eim_fail(EIM_E_INVALID, "config: unknown key '%s'", key); */
eim_status eim_fail(eim_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same with an error at hand (consumed). */
eim_status eim_fail_with(eim_status status, eim_error *error);

#endif
