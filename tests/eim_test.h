/* eim_test.h - the test harness: TEST(name) { … } registers itself; one file of a program also says
 * EIM_TEST_MAIN. Every failed CHECK is printed with its values; the program ends with the line
 * "N passed, N failed" and exit status 0 or 1. An argument runs only tests whose name contains it.
 */
#ifndef EIM_TEST_H
#define EIM_TEST_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct eim_test {
  const char *name, *file;
  void (*run)(void);
  struct eim_test *next;
} eim_test;

extern eim_test *eim_tests, **eim_tests_tail;
extern int eim_test_failures; /* of the test that runs */

void eim_test_add(eim_test *test);
void eim_test_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define TEST(test_name)                                                                            \
  static void test_##test_name(void);                                                              \
  static eim_test entry_##test_name = {#test_name, __FILE__, test_##test_name, NULL};              \
  __attribute__((constructor)) static void register_##test_name(void) {                            \
    eim_test_add(&entry_##test_name);                                                              \
  }                                                                                                \
  static void test_##test_name(void)

#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) eim_test_fail(__FILE__, __LINE__, "%s", #condition);                         \
  } while (0)
/* Ends the test when it does not hold. */
#define REQUIRE(condition)                                                                         \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      eim_test_fail(__FILE__, __LINE__, "%s", #condition);                                         \
      return;                                                                                      \
    }                                                                                              \
  } while (0)
#define CHECK_INT(actual, expected)                                                                \
  do {                                                                                             \
    int64_t a_ = (int64_t)(actual), e_ = (int64_t)(expected);                                      \
    if (a_ != e_)                                                                                  \
      eim_test_fail(__FILE__, __LINE__, "%s: is %" PRId64 ", not %" PRId64, #actual, a_, e_);      \
  } while (0)
#define CHECK_STR(actual, expected)                                                                \
  do {                                                                                             \
    const char *a_ = (actual), *e_ = (expected);                                                   \
    if (!a_ || !e_ ? a_ != e_ : strcmp(a_, e_) != 0)                                               \
      eim_test_fail(__FILE__, __LINE__, "%s: is \"%s\", not \"%s\"", #actual, a_ ? a_ : "(null)",  \
                    e_ ? e_ : "(null)");                                                           \
  } while (0)
#define CHECK_CONTAINS(actual, part)                                                               \
  do {                                                                                             \
    const char *a_ = (actual), *p_ = (part);                                                       \
    if (!a_ || !strstr(a_, p_))                                                                    \
      eim_test_fail(__FILE__, __LINE__, "%s: \"%s\" has no \"%s\"", #actual, a_ ? a_ : "(null)",   \
                    p_);                                                                           \
  } while (0)

#define EIM_TEST_MAIN                                                                              \
  eim_test *eim_tests, **eim_tests_tail = &eim_tests;                                              \
  int eim_test_failures;                                                                           \
  void eim_test_add(eim_test *test) {                                                              \
    if (!eim_tests_tail) eim_tests_tail = &eim_tests;                                              \
    *eim_tests_tail = test;                                                                        \
    eim_tests_tail = &test->next;                                                                  \
  }                                                                                                \
  void eim_test_fail(const char *file, int line, const char *format, ...) {                        \
    va_list args;                                                                                  \
    va_start(args, format);                                                                        \
    fprintf(stderr, "  %s:%d: ", file, line);                                                      \
    vfprintf(stderr, format, args);                                                                \
    fputc('\n', stderr);                                                                           \
    va_end(args);                                                                                  \
    eim_test_failures++;                                                                           \
  }                                                                                                \
  int main(int argc, char **argv) {                                                                \
    int passed = 0, failed = 0;                                                                    \
    for (eim_test *t = eim_tests; t; t = t->next) {                                                \
      if (argc > 1 && !strstr(t->name, argv[1])) continue;                                         \
      eim_test_failures = 0;                                                                       \
      t->run();                                                                                    \
      if (eim_test_failures) {                                                                     \
        failed++;                                                                                  \
        fprintf(stderr, "FAILED %s (%s)\n", t->name, t->file);                                     \
      } else {                                                                                     \
        passed++;                                                                                  \
      }                                                                                            \
    }                                                                                              \
    printf("%d passed, %d failed\n", passed, failed);                                              \
    return failed || !passed;                                                                      \
  }

#include <stdarg.h>

#endif
