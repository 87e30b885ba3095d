#include "net/lws_pipe.h"

#include <fcntl.h>
#include <libwebsockets.h>
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

void eim_lws_pipe_before(eim_lws_pipe *self, uv_loop_t *loop) {
  self->count = 0;
  self->fd = -1;
  uv_walk(loop, visit, &(walk){self, false});
}

void eim_lws_pipe_after(eim_lws_pipe *self, uv_loop_t *loop) {
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
