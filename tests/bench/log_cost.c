/* eim-bench-log COUNT on|off: COUNT times the same function, with a log line below the threshold in
 * it or without. Under callgrind the difference is what a disabled level costs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log/log.h"

/* Not inlined, and the argument escapes: neither version can be optimized away. */
__attribute__((noinline)) static void with_line(volatile int *count) {
  LOG_TRACE("bench", 0, "%d", *count);
  ++*count;
}

__attribute__((noinline)) static void without_line(volatile int *count) {
  ++*count;
}

int main(int argc, char **argv) {
  volatile int count = 0;
  if (argc != 3) return 2;
  int times = atoi(argv[1]);
  bool on = strcmp(argv[2], "on") == 0;
  for (int i = 0; i < times; i++) {
    if (on)
      with_line(&count);
    else
      without_line(&count);
  }
  printf("{\"event\":\"count\",\"count\":%d}\n", count);
  return 0;
}
