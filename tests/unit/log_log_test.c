#include "eim_test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "base/text.h"
#include "log/log.h"

EIM_TEST_MAIN

typedef struct capture {
  int calls;
  eim_log_record last;
  char message[4096];
} capture;

static void record_line(void *user_data, const eim_log_record *record) {
  capture *self = user_data;
  self->calls++;
  self->last = *record;
  snprintf(self->message, sizeof self->message, "%s", record->message);
}

static void reset(void) {
  eim_log_set_callback(NULL, NULL);
  eim_log_set_level(EIM_LOG_WARN);
  eim_log_set_console(false);
}

static int evaluated;
static int touch(void) {
  return ++evaluated;
}

TEST(levels_gate_without_evaluating) {
  capture got = {0};
  reset();
  eim_log_set_callback(record_line, &got);
  evaluated = 0;
  LOG_INFO("test", 0, "%d", touch());
  CHECK_INT(evaluated, 0);
  CHECK_INT(got.calls, 0);
  LOG_WARN("test", 7, "%d", touch());
  CHECK_INT(evaluated, 1);
  CHECK_INT(got.calls, 1);
  CHECK_STR(got.message, "1");
  CHECK_STR(got.last.module, "test");
  CHECK_INT(got.last.client, 7);
  CHECK_INT(got.last.level, EIM_LOG_WARN);
  CHECK(got.last.time > 1600000000000);
  eim_log_set_level(EIM_LOG_SILENT);
  LOG_ERROR("test", 0, "x");
  CHECK_INT(got.calls, 1);
  eim_log_set_level(EIM_LOG_TRACE);
  LOG_TRACE("test", 0, "x");
  CHECK_INT(got.calls, 2);
  eim_log_set_level((eim_log_level)17); /* ignored */
  CHECK_INT(eim_log_get_level(), EIM_LOG_TRACE);
  reset();
}

TEST(level_names_are_strict) {
  static const char *const names[] = {"trace", "DEBUG", "Info", "wArn", "ERROR", "silent"};
  eim_log_level level = EIM_LOG_SILENT;
  for (int i = 0; i < 6; i++) {
    char digit[2] = {(char)('0' + i), 0};
    CHECK(eim_log_parse_level(names[i], &level) && (int)level == i);
    CHECK(eim_log_parse_level(digit, &level) && (int)level == i);
  }
  static const char *const bad[] = {"", "6", "-1", "warning", "warn ", "00", "inf", "infox"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) CHECK(!eim_log_parse_level(bad[i], &level));
  CHECK(!eim_log_parse_level(NULL, &level));
}

TEST(text_is_one_clean_line) {
  capture got = {0};
  reset();
  eim_log_set_callback(record_line, &got);
  LOG_ERROR("test", 0, "%s", "a\r\n\t\x1b[0m\x7f \xc3\xa4 \xff");
  CHECK_STR(got.message, "a\\r\\n\\t\\x1b[0m\\x7f \xc3\xa4 \xef\xbf\xbd");
  for (int shift = 0; shift < 4; shift++) { /* a cut never falls inside a character */
    char text[6000] = "xxx";
    size_t n = (size_t)shift;
    while (n + 5 < sizeof text) memcpy(text + n, "\xf0\x9f\x98\x80", 5), n += 4;
    LOG_ERROR("test", 0, "%s", text);
    CHECK(strlen(got.message) > 2000 && strlen(got.message) < 2048);
    CHECK(eim_utf8_valid(got.message, strlen(got.message)));
    CHECK(!strstr(got.message, "\xef\xbf\xbd"));
  }
  reset();
}

TEST(errno_survives) {
  reset();
  errno = ENOENT;
  LOG_ERROR("test", 0, "x");
  CHECK_INT(errno, ENOENT);
}

/* What `line` puts on stderr. */
static void console_output(char *out, size_t size, void (*line)(void)) {
  int ends[2], saved = dup(STDERR_FILENO);
  out[0] = 0;
  fflush(stderr);
  REQUIRE(saved >= 0 && !pipe(ends));
  dup2(ends[1], STDERR_FILENO);
  line();
  dup2(saved, STDERR_FILENO);
  close(saved);
  close(ends[1]);
  ssize_t n = read(ends[0], out, size - 1);
  out[n > 0 ? n : 0] = 0;
  close(ends[0]);
}

static void warn_line(void) {
  LOG_WARN("net", 3, "hello\n%d", 5);
}
static void error_line(void) {
  LOG_ERROR("net", 0, "bye");
}

TEST(console_lines) {
  char out[512];
  int hour, minute, second, ms, end = 0;
  reset();
  console_output(out, sizeof out, warn_line);
  CHECK_STR(out, "");
  eim_log_set_console(true);
  console_output(out, sizeof out, warn_line);
  CHECK(sscanf(out, "%2d:%2d:%2d.%3d%n", &hour, &minute, &second, &ms, &end) == 4 && end == 12);
  CHECK_STR(out + end, " eim WARN net[3]: hello\\n5\n");
  console_output(out, sizeof out, error_line);
  CHECK_STR(out + 12, " eim ERROR net: bye\n");
  reset();
}

static void log_again(void *user_data, const eim_log_record *record) {
  (void)record;
  ++*(int *)user_data;
  LOG_ERROR("test", 0, "from inside");
}

TEST(no_recursion) {
  int calls = 0;
  reset();
  eim_log_set_callback(log_again, &calls);
  LOG_ERROR("test", 0, "x");
  CHECK_INT(calls, 1);
  LOG_ERROR("test", 0, "x");
  CHECK_INT(calls, 2);
  reset();
}

static void remove_itself(void *user_data, const eim_log_record *record) {
  (void)record;
  ++*(int *)user_data;
  eim_log_set_callback(NULL, NULL);
}

TEST(a_callback_may_remove_itself) {
  int calls = 0;
  reset();
  eim_log_set_callback(remove_itself, &calls);
  LOG_ERROR("test", 0, "x");
  LOG_ERROR("test", 0, "x");
  CHECK_INT(calls, 1);
}

/* Eight threads log while the callback is swapped; a call of a former one would touch freed memory.
 */
typedef struct counted {
  atomic_int calls;
  atomic_bool gone;
} counted;
static atomic_bool stop;
static atomic_int late;

static void count_line(void *user_data, const eim_log_record *record) {
  counted *self = user_data;
  if (atomic_load(&self->gone) || !*record->message) atomic_fetch_add(&late, 1);
  atomic_fetch_add(&self->calls, 1);
}

static void *log_a_lot(void *unused) {
  for (int i = 0; !atomic_load(&stop); i++) LOG_ERROR("test", 1, "line %d", i);
  return unused;
}

TEST(swapping_waits_for_the_former_callback) {
  pthread_t threads[8];
  reset();
  atomic_store(&stop, false);
  for (int i = 0; i < 8; i++) REQUIRE(!pthread_create(&threads[i], NULL, log_a_lot, NULL));
  int seen = 0;
  for (int round = 0; round < 200; round++) {
    counted *sink = calloc(1, sizeof *sink);
    eim_log_set_callback(count_line, sink);
    if (round % 2)
      while (!atomic_load(&sink->calls)) sched_yield();
    eim_log_set_callback(NULL, NULL);
    seen += atomic_load(&sink->calls) > 0;
    atomic_store(&sink->gone, true);
    free(sink);
  }
  atomic_store(&stop, true);
  for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
  CHECK_INT(atomic_load(&late), 0);
  CHECK(seen >= 100);
}
