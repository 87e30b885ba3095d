/* headers_test.c - the headers against each other and against eim.map. */
#include "eim_test.h"

#include <ctype.h>

#include <eim/eim.h>

EIM_TEST_MAIN

/* Every callback of the list is in the struct, with its type … */
#define X(name, type)                                                                              \
  static void take_##name(void *user_data, const type *payload) {                                  \
    (void)user_data;                                                                               \
    (void)payload;                                                                                 \
  }
EIM_EVENTS(X)
#undef X

TEST(the_event_list_matches_the_struct) {
  eim_handlers h = EIM_HANDLERS_INIT;
  size_t place = offsetof(eim_handlers, on_released) + sizeof h.on_released;
  /* … in the same order, and nothing else is. */
#define X(name, type)                                                                              \
  h.on_##name = take_##name;                                                                       \
  CHECK_INT(offsetof(eim_handlers, on_##name), place);                                             \
  place += sizeof h.on_##name;
  EIM_EVENTS(X)
#undef X
  CHECK_INT(sizeof h, place);
  CHECK_INT(h.struct_size, place);
  CHECK_INT(offsetof(eim_handlers, struct_size), 0);
}

static char *read_file(const char *path) {
  char whole[1024];
  snprintf(whole, sizeof whole, "%s/%s", EIM_SOURCE, path);
  FILE *file = fopen(whole, "r");
  if (!file) return NULL;
  char *text = calloc(1, 1 << 20);
  size_t length = fread(text, 1, (1 << 20) - 1, file);
  fclose(file);
  CHECK(length > 0);
  return text;
}

enum { NAMES_MAX = 1024 };
typedef struct names {
  char *list[NAMES_MAX];
  size_t count;
} names;

static void add_name(names *self, const char *text, size_t length) {
  if (self->count < NAMES_MAX) self->list[self->count++] = strndup(text, length);
}

static bool has_name(const names *self, const char *name) {
  for (size_t i = 0; i < self->count; i++)
    if (!strcmp(self->list[i], name)) return true;
  return false;
}

static void free_names(names *self) {
  for (size_t i = 0; i < self->count; i++) free(self->list[i]);
}

static size_t name_length(const char *text) {
  size_t n = 0;
  while (isalnum((unsigned char)text[n]) || text[n] == '_') n++;
  return n;
}

/* The function behind each EIM_API: the last name before the first bracket. */
static void collect_api(names *self, const char *text) {
  for (const char *at = text; (at = strstr(at, "EIM_API ")); at++) {
    const char *bracket = strchr(at, '('), *start = bracket;
    if (at != text && at[-1] != '\n') continue; /* in a comment or a #define */
    if (!bracket) return;
    while (start > at && (isalnum((unsigned char)start[-1]) || start[-1] == '_')) start--;
    if (!strncmp(start, "eim_", 4)) add_name(self, start, (size_t)(bracket - start));
  }
}

TEST(the_map_lists_what_the_headers_declare) {
  static const char *const headers[] = {"base", "client",  "config", "context", "error", "event",
                                        "log",  "message", "rest",   "version", "eim"};
  names declared = {0}, listed = {0};
  for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
    char path[128];
    snprintf(path, sizeof path, "core/include/eim/%s.h", headers[i]);
    char *text = read_file(path);
    REQUIRE(text);
    collect_api(&declared, text);
    free(text);
  }
  char *map = read_file("core/eim.map");
  REQUIRE(map);
  for (char *at = map; (at = strstr(at, "    eim_")); at++)
    add_name(&listed, at + 4, name_length(at + 4));
  free(map);
  CHECK(declared.count > 100 && declared.count < NAMES_MAX);
  CHECK_INT(declared.count, listed.count);
  for (size_t i = 0; i < declared.count; i++)
    if (!has_name(&listed, declared.list[i]))
      eim_test_fail(__FILE__, __LINE__, "%s is not in eim.map", declared.list[i]);
  for (size_t i = 0; i < listed.count; i++)
    if (!has_name(&declared, listed.list[i]))
      eim_test_fail(__FILE__, __LINE__, "%s is in eim.map only", listed.list[i]);
  free_names(&declared);
  free_names(&listed);
}

TEST(the_version_is_one) {
  char text[32];
  snprintf(text, sizeof text, "%d.%d.%d", EIM_VERSION >> 16, EIM_VERSION >> 8 & 255,
           EIM_VERSION & 255);
  CHECK_STR(EIM_VERSION_STRING, text);
  char *cmake = read_file("CMakeLists.txt");
  REQUIRE(cmake);
  CHECK_CONTAINS(cmake, EIM_VERSION_STRING);
  free(cmake);
}
