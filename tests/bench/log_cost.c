/* eim-bench-log COUNT on|off: COUNT times the same function, with a log line below the threshold in
 * it or without. Under callgrind the difference is what a disabled level costs.
 *
 * eim-bench-log COUNT line|callback|cache|file: nanoseconds of a line that is wanted, by the clock:
 * with no sink at all, or into one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <time.h>

#include "log/log.h"
#include "log/sinks.h"

/* Not inlined, and the argument escapes: neither version can be optimized away. */
__attribute__((noinline)) static void with_line(volatile int *count) {
  LOG_TRACE("bench", 0, "%d", *count);
  ++*count;
}

__attribute__((noinline)) static void without_line(volatile int *count) {
  ++*count;
}

static void ignore(void *user_data, const eim_log_record *record) {
  (void)user_data;
  (void)record;
}

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int enabled(int times, const char *sink) {
  eim_log_set_console(false);
  eim_log_set_level(EIM_LOG_TRACE);
  if (!strcmp(sink, "callback"))
    eim_log_set_callback(ignore, NULL);
  else if (!strcmp(sink, "cache"))
    eim_log_set_cache(true, 0);
  else if (!strcmp(sink, "file") && eim_log_file_open("/dev/null", 0))
    return 2;
  int64_t start = now_ns();
  for (int i = 0; i < times; i++)
    LOG_DEBUG("session", 7, "frame %d of %d bytes on connection %u", i, 300, 12u);
  printf("{\"event\":\"line\",\"sink\":\"%s\",\"ns\":%.0f}\n", sink,
         (double)(now_ns() - start) / times);
  eim_log_file_open(NULL, 0);
  return 0;
}

int main(int argc, char **argv) {
  volatile int count = 0;
  if (argc != 3) return 2;
  int times = atoi(argv[1]);
  bool on = strcmp(argv[2], "on") == 0;
  if (!on && strcmp(argv[2], "off") != 0) return enabled(times, argv[2]);
  for (int i = 0; i < times; i++) {
    if (on)
      with_line(&count);
    else
      without_line(&count);
  }
  printf("{\"event\":\"count\",\"count\":%d}\n", count);
  return 0;
}
