#include "lines.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

bool eim_cli_lines_read(eim_cli_lines *self, int fd, void (*fn)(void *user, const char *line),
                        void *user) {
  ssize_t got = read(fd, self->data + self->length, sizeof self->data - 1 - self->length);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  if (got > 0) self->length += (size_t)got;
  if (got <= 0) {
    self->ended = true;
    if (self->length) self->data[self->length++] = '\n';
  }
  size_t from = 0;
  for (;;) {
    char *end = memchr(self->data + from, '\n', self->length - from);
    if (!end) break;
    *end = 0;
    fn(user, self->data + from);
    from = (size_t)(end - self->data) + 1;
  }
  self->length -= from;
  memmove(self->data, self->data + from, self->length);
  return self->length < sizeof self->data - 1;
}
