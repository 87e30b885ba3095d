#include "net/lws_pipe.h"

#include <fcntl.h>
#include <libwebsockets.h>
#include <sys/resource.h>
#include <unistd.h>

typedef struct walk {
  eim_lws_pipe *pipe;
  bool is_after;
} walk;

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
  if (!uv_fileno(handle, &fd)) self->fd = fd;
}

static void take_low_numbers(eim_lws_pipe *self, int any) {
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
#if LWS_LIBRARY_VERSION_NUMBER < 4002000
  return false;
#else
  return true; /* still lws's own */
#endif
}
