#include "tiny_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAIRS_MAX 32

typedef struct pair {
  int client, server;
} pair;

struct tiny_proxy {
  int listener, wake[2];
  uint16_t port;
  char expected[256]; /* "Basic …", "" for none */
  atomic_int tunnels, refused;
  pthread_t thread;
  pair pairs[PAIRS_MAX];
  int count;
};

static int connect_to(const char *host, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1) return -1;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
    close(fd);
    fd = -1;
  }
  return fd;
}

/* Reads the request head, answers, and makes a pair of it. */
static void greet(tiny_proxy *self, int client) {
  char head[4096], host[256];
  size_t length = 0;
  int port, server = -1;
  struct timeval patience = {.tv_sec = 5};
  setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  while (length < sizeof head - 1) {
    ssize_t n = recv(client, head + length, 1, 0); /* nothing behind the head may be swallowed */
    if (n <= 0) break;
    head[length += (size_t)n] = 0;
    if (length >= 4 && !memcmp(head + length - 4, "\r\n\r\n", 4)) break;
  }
  head[length] = 0;
  const char *answer = "HTTP/1.1 400 Bad Request\r\n\r\n";
  if (self->expected[0] && !strstr(head, self->expected)) {
    answer = "HTTP/1.1 407 Proxy Authentication Required\r\n"
             "Proxy-Authenticate: Basic realm=\"test\"\r\nContent-Length: 0\r\n\r\n";
    atomic_fetch_add(&self->refused, 1);
  } else if (sscanf(head, "CONNECT %255[^:]:%d", host, &port) == 2 &&
             (server = connect_to(host, port)) >= 0 && self->count < PAIRS_MAX) {
    answer = "HTTP/1.1 200 Connection established\r\n\r\n";
    atomic_fetch_add(&self->tunnels, 1);
  }
  if (send(client, answer, strlen(answer), MSG_NOSIGNAL) > 0 && answer[9] == '2') {
    self->pairs[self->count++] = (pair){client, server};
    return;
  }
  close(client);
  if (server >= 0) close(server);
}

static int carry(int from, int to) {
  char bytes[16384];
  ssize_t n = recv(from, bytes, sizeof bytes, 0);
  if (n <= 0) return 0;
  for (ssize_t sent = 0, k; sent < n; sent += k)
    if ((k = send(to, bytes + sent, (size_t)(n - sent), MSG_NOSIGNAL)) <= 0) return 0;
  return 1;
}

static void *run(void *arg) {
  tiny_proxy *self = arg;
  for (;;) {
    struct pollfd fds[2 + 2 * PAIRS_MAX] = {{self->wake[0], POLLIN, 0},
                                            {self->listener, POLLIN, 0}};
    for (int i = 0; i < self->count; i++) {
      fds[2 + 2 * i] = (struct pollfd){self->pairs[i].client, POLLIN, 0};
      fds[3 + 2 * i] = (struct pollfd){self->pairs[i].server, POLLIN, 0};
    }
    int count = self->count;
    if (poll(fds, (nfds_t)(2 + 2 * count), -1) < 0) continue;
    if (fds[0].revents) return NULL;
    for (int i = count - 1; i >= 0; i--) {
      pair *p = &self->pairs[i];
      int alive = 1;
      if (fds[2 + 2 * i].revents) alive = carry(p->client, p->server);
      if (alive && fds[3 + 2 * i].revents) alive = carry(p->server, p->client);
      if (alive) continue;
      close(p->client);
      close(p->server);
      *p = self->pairs[--self->count];
    }
    if (fds[1].revents) {
      int client = accept(self->listener, NULL, NULL);
      if (client >= 0) greet(self, client);
    }
  }
}

tiny_proxy *tiny_proxy_new(const char *credentials) {
  tiny_proxy *self = calloc(1, sizeof *self);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  if (credentials) {
    strcpy(self->expected, "Basic ");
    EVP_EncodeBlock((unsigned char *)self->expected + 6, (const unsigned char *)credentials,
                    (int)strlen(credentials));
  }
  self->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (self->listener < 0 || bind(self->listener, (struct sockaddr *)&address, sizeof address) ||
      listen(self->listener, 16) ||
      getsockname(self->listener, (struct sockaddr *)&address, &size) || pipe(self->wake) ||
      pthread_create(&self->thread, NULL, run, self)) {
    free(self);
    return NULL;
  }
  self->port = ntohs(address.sin_port);
  return self;
}

uint16_t tiny_proxy_port(const tiny_proxy *self) {
  return self->port;
}
int tiny_proxy_tunnels(const tiny_proxy *self) {
  return atomic_load(&self->tunnels);
}
int tiny_proxy_refused(const tiny_proxy *self) {
  return atomic_load(&self->refused);
}

void tiny_proxy_free(tiny_proxy *self) {
  if (write(self->wake[1], "x", 1) != 1) abort();
  pthread_join(self->thread, NULL);
  for (int i = 0; i < self->count; i++) {
    close(self->pairs[i].client);
    close(self->pairs[i].server);
  }
  close(self->listener);
  close(self->wake[0]);
  close(self->wake[1]);
  free(self);
}
