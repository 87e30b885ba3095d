#include "rest_checks.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "eim_test.h"

const char *rest_text(const char *format, ...) {
  static char texts[4][900];
  static int next;
  char *one = texts[next++ % 4];
  va_list args;
  va_start(args, format);
  vsnprintf(one, sizeof texts[0], format, args);
  va_end(args);
  return one;
}

raw_answer rest_call(eim_sandbox *box, const char *token, const char *method, const char *path,
                     const char *body) {
  char whole[1000];
  snprintf(whole, sizeof whole, "/sandbox/demo%s", path);
  return raw_http(eim_sandbox_port(box), NULL, method, whole, token, NULL, body);
}

void rest_refused(const char *file, int line, eim_sandbox *box, const char *token,
                  const char *method, const char *path, const char *body, int status,
                  const char *error, const char *part) {
  raw_answer answer = rest_call(box, token, method, path, body);
  if (answer.status != status || strcmp(raw_text(&answer, "error"), error) != 0 ||
      !strstr(raw_text(&answer, "error_description"), part))
    eim_test_fail(file, line, "%s %s: %d %s, not %d %s \"%s\"", method, path, answer.status,
                  answer.body ? answer.body : "", status, error, part);
  raw_free(&answer);
}

void rest_granted(const char *file, int line, eim_sandbox *box, const char *token,
                  const char *method, const char *path, const char *body, const char *part) {
  raw_answer answer = rest_call(box, token, method, path, body);
  if (answer.status != 200 || !answer.body || !strstr(answer.body, part))
    eim_test_fail(file, line, "%s %s: %d %s, not 200 with %s", method, path, answer.status,
                  answer.body ? answer.body : "", part);
  raw_free(&answer);
}
