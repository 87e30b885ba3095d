#include "net/lws_pipe.h"

#include <fcntl.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { CLOSES_IT = LWS_LIBRARY_VERSION_NUMBER < 4002000 };

typedef struct walk {
  eim_lws_pipe *pipe;
  bool is_after;
} walk;

/* The kernel's number of an eventfd. Like that of a descriptor it is given out again, but together
 * with a high descriptor the pair is hardly anybody else's. */
static long eventfd_id(int fd) {
  char path[64], text[512], *at;
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
  int info = open(path, O_RDONLY | O_CLOEXEC);
  if (info < 0) return -1;
  ssize_t length = read(info, text, sizeof text - 1);
  close(info);
  text[length > 0 ? length : 0] = 0;
  at = strstr(text, "eventfd-id:");
  return at ? strtol(at + strlen("eventfd-id:"), NULL, 10) : -1;
}

static void visit(uv_handle_t *handle, void *arg) {
  walk *w = arg;
  eim_lws_pipe *self = w->pipe;
  if (uv_handle_get_type(handle) != UV_POLL) return;
  if (!w->is_after) {
    if (self->count < (int)(sizeof self->before / sizeof *self->before))
      self->before[self->count++] = handle;
    return;
  }
  for (int i = 0; i < self->count; i++)
    if (self->before[i] == handle) return;
  uv_os_fd_t fd;
  if (uv_fileno(handle, &fd)) return;
  long id = CLOSES_IT ? -1 : eventfd_id(fd);
  if (!CLOSES_IT && id < 0) return; /* 4.3 has a netlink socket too */
  self->fd = fd;
  self->id = id;
}

static void take_low_numbers(eim_lws_pipe *self, int any) {
  /* Below 64: a larger table of descriptors costs a process with threads 10 ms (the kernel waits
   * for all processors when it grows). */
  enum { MAX = sizeof self->low / sizeof *self->low };
  struct rlimit limit;
  self->low_count = 0;
  if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur < 4 * MAX)
    return; /* too few to play with */
  while (self->low_count < MAX) {
    int fd = fcntl(any, F_DUPFD_CLOEXEC, 0);
    if (fd < 0) return;
    self->low[self->low_count++] = fd;
    if (fd >= MAX) return;
  }
}

void eim_lws_pipe_before(eim_lws_pipe *self, uv_loop_t *loop) {
  self->count = 0;
  self->fd = -1;
  self->id = -1;
  take_low_numbers(self, uv_backend_fd(loop));
  uv_walk(loop, visit, &(walk){self, false});
}

void eim_lws_pipe_after(eim_lws_pipe *self, uv_loop_t *loop) {
  while (self->low_count) close(self->low[--self->low_count]);
  if (self->count == (int)(sizeof self->before / sizeof *self->before))
    return; /* too many to tell */
  uv_walk(loop, visit, &(walk){self, true});
}

bool eim_lws_pipe_hold(const eim_lws_pipe *self, uv_loop_t *loop) {
  /* Seen in the source of 4.1; a version that does not close it here leaves it open. */
  if (self->fd < 0) return true;
  int held = fcntl(uv_backend_fd(loop), F_DUPFD_CLOEXEC, self->fd);
  if (held == self->fd || held < 0) return true; /* lws closes it */
  close(held);
  return !CLOSES_IT;
}

void eim_lws_pipe_end(const eim_lws_pipe *self) {
  if (self->id >= 0 && eventfd_id(self->fd) == self->id) close(self->fd);
}
