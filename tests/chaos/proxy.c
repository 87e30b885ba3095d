#include "proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in loopback(int port) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return name;
}

bool proxy_start(proxy *self) {
  struct sockaddr_in name = loopback(0);
  socklen_t size = sizeof name;
  self->lines = calloc(PROXY_LINES, sizeof *self->lines);
  self->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (!self->lines || self->listener < 0 ||
      bind(self->listener, (struct sockaddr *)&name, sizeof name) || listen(self->listener, 64) ||
      getsockname(self->listener, (struct sockaddr *)&name, &size))
    return false;
  self->port = ntohs(name.sin_port);
  for (int i = 0; i < PROXY_LINES; i++) self->lines[i].client = -1;
  return true;
}

void proxy_cut(proxy *self, proxy_line *line, bool reset) {
  (void)self;
  struct linger now = {1, 0};
  if (reset) {
    setsockopt(line->client, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    setsockopt(line->server, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  close(line->client);
  close(line->server);
  line->client = line->server = -1;
}

void proxy_stop(proxy *self) {
  for (int i = 0; self->lines && i < PROXY_LINES; i++)
    if (self->lines[i].client >= 0) proxy_cut(self, &self->lines[i], false);
  close(self->listener);
  free(self->lines);
}

int proxy_count(const proxy *self) {
  int count = 0;
  for (int i = 0; i < PROXY_LINES; i++) count += self->lines[i].client >= 0;
  return count;
}

proxy_line *proxy_nth(proxy *self, int n) {
  for (int i = 0; i < PROXY_LINES; i++)
    if (self->lines[i].client >= 0 && n-- == 0) return &self->lines[i];
  return NULL;
}

static void take_new(proxy *self) {
  int fd, one = 1;
  while ((fd = accept4(self->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
    proxy_line *line = NULL;
    for (int i = 0; !line && i < PROXY_LINES; i++)
      if (self->lines[i].client < 0) line = &self->lines[i];
    /* To loopback a connect is over at once, well or badly. */
    struct sockaddr_in name = loopback(self->target);
    int server = line && self->target ? socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
    if (server < 0 || connect(server, (struct sockaddr *)&name, sizeof name)) {
      if (server >= 0) close(server);
      close(fd);
      continue;
    }
    fcntl(server, F_SETFL, O_NONBLOCK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    line->client = fd;
    line->server = server;
    line->up.size = line->down.size = 0;
    line->up.ended = line->down.ended = line->deaf = false;
    line->stalled_until = line->cut_at = 0;
    line->cut_after = -1;
  }
}

int proxy_watch(proxy *self, struct pollfd *fds, int64_t now) {
  int count = 0;
  fds[count++] = (struct pollfd){self->listener, POLLIN, 0};
  for (int i = 0; i < PROXY_LINES; i++) {
    proxy_line *line = &self->lines[i];
    if (line->client < 0) continue;
    short client = 0, server = 0;
    if (line->stalled_until <= now) {
      if (!line->up.ended && line->up.size < sizeof line->up.bytes) client |= POLLIN;
      if (!line->down.ended && line->down.size < sizeof line->down.bytes) server |= POLLIN;
      if (line->up.size) server |= POLLOUT;
      if (line->down.size) client |= POLLOUT;
    }
    fds[count++] = (struct pollfd){line->client, client, 0};
    fds[count++] = (struct pollfd){line->server, server, 0};
  }
  return count;
}

/* False: this way is over, and all it had is on the other side. */
static bool move(proxy_line *line, proxy_way *way, int from, int to, bool down) {
  if (!way->ended && way->size < sizeof way->bytes) {
    ssize_t n = recv(from, way->bytes + way->size, sizeof way->bytes - way->size, 0);
    if (n > 0 && !(down && line->deaf)) way->size += (size_t)n;
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) way->ended = true;
  }
  size_t most = way->size;
  bool counted = line->cut_after >= 0 && line->cut_down == down;
  if (counted && most > (size_t)line->cut_after) most = (size_t)line->cut_after;
  if (most) {
    ssize_t n = send(to, way->bytes, most, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) return false;
    if (n > 0) {
      way->size -= (size_t)n;
      memmove(way->bytes, way->bytes + n, way->size);
      if (counted) line->cut_after -= n;
    }
  }
  return !(way->ended && !way->size);
}

void proxy_work(proxy *self, const struct pollfd *fds, int count, int64_t now) {
  (void)fds;
  (void)count;
  for (int i = 0; i < PROXY_LINES; i++) {
    proxy_line *line = &self->lines[i];
    if (line->client < 0) continue;
    if (line->cut_at && line->cut_at <= now) {
      self->cuts++;
      proxy_cut(self, line, i % 2);
      continue;
    }
    if (line->stalled_until > now) continue;
    bool up = move(line, &line->up, line->client, line->server, false);
    bool down = move(line, &line->down, line->server, line->client, true);
    if (line->cut_after == 0) self->cuts++;
    if (!up || !down || line->cut_after == 0) proxy_cut(self, line, line->cut_after == 0 && i % 2);
  }
  take_new(self);
}
