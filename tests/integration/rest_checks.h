/* rest_checks.h - REST calls of which a test knows the answer. Paths begin behind the app. */
#ifndef EIM_REST_CHECKS_H
#define EIM_REST_CHECKS_H

#include "raw_client.h"

/* token NULL: none; body NULL: none. */
raw_answer rest_call(eim_sandbox *box, const char *token, const char *method, const char *path,
                     const char *body);
/* The answer has this status and error, and this in its description. */
void rest_refused(const char *file, int line, eim_sandbox *box, const char *token,
                  const char *method, const char *path, const char *body, int status,
                  const char *error, const char *part);
/* The answer is 200 and has this in its body. */
void rest_granted(const char *file, int line, eim_sandbox *box, const char *token,
                  const char *method, const char *path, const char *body, const char *part);
#define REST_REFUSED(box, ...) rest_refused(__FILE__, __LINE__, box, __VA_ARGS__)
#define REST_GRANTED(box, ...) rest_granted(__FILE__, __LINE__, box, __VA_ARGS__)

/* Good for the next three calls. */
const char *rest_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
