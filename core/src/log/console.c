/* console.c - lines on stderr, for people. A terminal that was stopped and a pipe that nobody reads
 * must not stop the thread that logs: a line that cannot be written at once is lost, and counted.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "log/sinks.h"

static pthread_mutex_t console = PTHREAD_MUTEX_INITIALIZER;
static unsigned long lost; /* under it */

/* A pipe is writable when a page fits, so a line (shorter than that) goes in as a whole. A reader
 * that went away raises POLLERR, not SIGPIPE. */
static bool is_writable(void) {
  struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};
  int ready;
  do ready = poll(&fd, 1, 0);
  while (ready < 0 && errno == EINTR);
  return ready == 1 && fd.revents == POLLOUT;
}

static bool write_line(const char *line, size_t length) {
  if (!is_writable()) return false;
  ssize_t written;
  do written = write(STDERR_FILENO, line, length);
  while (written < 0 && errno == EINTR);
  return written > 0;
}

static bool write_loss(int64_t time) {
  char line[EIM_LOG_LINE_MAX], message[96];
  snprintf(message, sizeof message, "%lu lines before this one are not on the console", lost);
  eim_log_record record = {
      .time = time, .level = EIM_LOG_WARN, .module = "log", .message = message};
  if (!write_line(line, eim_log_console_line(&record, line))) return false;
  lost = 0;
  return true;
}

void eim_log_console_write(const eim_log_record *record) {
  char line[EIM_LOG_LINE_MAX];
  size_t length = eim_log_console_line(record, line);
  pthread_mutex_lock(&console);
  if ((lost && !write_loss(record->time)) || !write_line(line, length)) lost++;
  pthread_mutex_unlock(&console);
}

/* In the child: whoever held it is not there. */
void eim_log_console_after_fork(void) {
  pthread_mutex_init(&console, NULL);
}
