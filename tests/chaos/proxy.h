/* proxy.h - the line between the clients and the sandbox, to be cut at any byte. It listens on one
 * port for good, while the sandbox behind it comes and goes. One thread; nothing here waits. */
#ifndef EIM_CHAOS_PROXY_H
#define EIM_CHAOS_PROXY_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROXY_LINES = 256 };

typedef struct proxy_way { /* from one end to the other */
  char bytes[65536];
  size_t size;
  bool ended; /* the end it reads from is over */
} proxy_way;

typedef struct proxy_line {
  int client, server; /* -1: no line */
  proxy_way up, down;
  int64_t stalled_until, cut_at; /* monotonic ms; 0: not */
  long cut_after;                /* bytes, in the direction below; -1: not */
  bool cut_down, deaf; /* deaf: what the server says is lost, and so the line must be cut */
} proxy_line;

typedef struct proxy {
  int listener, port;
  int target; /* port of the sandbox; 0: it is not there */
  proxy_line *lines;
  long cuts;
} proxy;

bool proxy_start(proxy *self);
void proxy_stop(proxy *self);
/* The sockets to wait for, room for 1 + 2 * PROXY_LINES; the number of them. */
int proxy_watch(proxy *self, struct pollfd *fds, int64_t now);
void proxy_work(proxy *self, const struct pollfd *fds, int count, int64_t now);
int proxy_count(const proxy *self);
proxy_line *proxy_nth(proxy *self, int n);
/* At once; with RST or in order. */
void proxy_cut(proxy *self, proxy_line *line, bool reset);

#endif
