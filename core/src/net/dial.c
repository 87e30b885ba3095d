#include "net/dial.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"
#include "log/log.h"
#include "net/loop.h"
#include "net/proxy.h"
#include "net/resolver.h"

enum { PROXY_HEAD_MAX = 8192, ATTEMPT_MIN_MS = 1000 };

typedef enum stage {
  STAGE_CONNECT,
  STAGE_HTTP,         /* CONNECT was sent */
  STAGE_SOCKS_METHOD, /* greeting was sent */
  STAGE_SOCKS_AUTH,
  STAGE_SOCKS_REPLY
} stage;

struct eim_dial {
  eim_loop *loop;
  const eim_settings *settings;
  eim_dial_fn fn;
  void *user;
  char *host, *ip; /* ip "": none was given */
  uint16_t port;
  eim_proxy proxy;
  eim_lookup *lookup;
  eim_addresses addresses;
  size_t next_address;
  eim_alarm alarm;  /* of one attempt; or of an error that is due */
  eim_error *error; /* due, or of the last attempt */
  uv_poll_t *poll;  /* NULL: not watching */
  int fd;
  stage stage;
  eim_buf out; /* to the proxy; may hold credentials */
  size_t sent;
};

static void try_next(eim_dial *self);
static void on_poll(uv_poll_t *poll, int status, int events);

static void free_handle(uv_handle_t *handle) {
  free(handle);
}

static void unwatch(eim_dial *self) {
  if (!self->poll) return;
  uv_poll_stop(self->poll);
  self->poll->data = NULL;
  uv_close((uv_handle_t *)self->poll, free_handle);
  self->poll = NULL;
}

static bool watch(eim_dial *self, int events) {
  eim_loop_touch(self->loop);
  if (!self->poll) {
    self->poll = malloc(sizeof *self->poll);
    if (!self->poll) return false;
    if (uv_poll_init(&self->loop->uv, self->poll, self->fd)) {
      free(self->poll);
      self->poll = NULL;
      return false;
    }
    self->poll->data = self;
  }
  return !uv_poll_start(self->poll, events, on_poll);
}

static void drop_socket(eim_dial *self) {
  unwatch(self);
  if (self->fd >= 0) close(self->fd);
  self->fd = -1;
}

void eim_dial_cancel(eim_dial *self) {
  drop_socket(self);
  eim_lookup_cancel(self->lookup);
  eim_alarm_clear(&self->loop->alarms, &self->alarm);
  eim_alarms_release(&self->loop->alarms, 1);
  eim_error_unref(self->error);
  eim_proxy_clear(&self->proxy);
  eim_buf_wipe(&self->out);
  free(self->host);
  free(self->ip);
  free(self);
}

static void finish(eim_dial *self, int fd, eim_error *error) {
  eim_dial_fn fn = self->fn;
  void *user = self->user;
  self->fd = fd >= 0 ? -1 : self->fd;
  eim_dial_cancel(self);
  fn(user, fd, error);
  eim_error_unref(error);
}

static void finish_error(eim_dial *self) {
  eim_error *error = self->error;
  self->error = NULL;
  finish(self, -1, error);
}

static void note_errno(eim_dial *self, int code) {
  char address[64] = "?";
  if (self->next_address)
    eim_address_text(&self->addresses.list[self->next_address - 1], address, sizeof address);
  eim_error_unref(self->error);
  char text[128];
  self->error =
      eim_error_new_detail(EIM_E_NETWORK, EIM_DOMAIN_OS, code, EIM_ERROR_RETRIABLE,
                           self->proxy.kind ? "{\"what\":\"proxy\"}" : "{\"what\":\"connect\"}",
                           "cannot connect to %s%s (%s): %s", self->proxy.kind ? "the proxy " : "",
                           self->proxy.kind ? self->proxy.host : self->host, address,
                           eim_errno_text(code, text, sizeof text));
}

static void refuse_by_proxy(eim_dial *self, int code, const char *why) {
  eim_error_unref(self->error);
  char detail[64];
  snprintf(detail, sizeof detail, "{\"what\":\"proxy\",\"status\":%d}", code);
  self->error = eim_error_new_detail(
      EIM_E_NETWORK, self->proxy.kind == EIM_PROXY_HTTP ? EIM_DOMAIN_HTTP : EIM_DOMAIN_OS, code,
      EIM_ERROR_RETRIABLE, detail, "the proxy %s refused a connection to %s: %s", self->proxy.host,
      self->host, why);
  finish_error(self);
}

/* ------------------------------------------------------------------ proxies */

static void authority(eim_buf *buf, const char *host, uint16_t port) {
  eim_buf_printf(buf, strchr(host, ':') && *host != '[' ? "[%s]:%u" : "%s:%u", host, port);
}

static void http_connect(eim_dial *self) {
  const char *target = *self->ip ? self->ip : self->host;
  eim_buf_str(&self->out, "CONNECT ");
  authority(&self->out, target, self->port);
  eim_buf_str(&self->out, " HTTP/1.1\r\nHost: ");
  authority(&self->out, target, self->port);
  eim_buf_str(&self->out, "\r\n");
  if (self->proxy.user) {
    const char *user = eim_secret_text(self->proxy.user);
    const char *password = eim_secret_text(self->proxy.password);
    size_t length = strlen(user) + 1 + strlen(password);
    char *pair = malloc(length + 1), *code = malloc(length / 3 * 4 + 8);
    if (pair && code) {
      snprintf(pair, length + 1, "%s:%s", user, password);
      EVP_EncodeBlock((unsigned char *)code, (unsigned char *)pair, (int)length);
      eim_buf_printf(&self->out, "Proxy-Authorization: Basic %s\r\n", code);
      eim_wipe(pair, length);
      eim_wipe(code, strlen(code));
    } else {
      self->out.failed = true;
    }
    free(pair);
    free(code);
  }
  eim_buf_str(&self->out, "\r\n");
}

static void socks_request(eim_dial *self) {
  uint8_t head[4] = {5, 1, 0, 3};
  uint8_t port[2] = {(uint8_t)(self->port >> 8), (uint8_t)self->port};
  eim_address literal;
  if (eim_address_parse(*self->ip ? self->ip : self->host, &literal)) {
    bool is_v6 = literal.any.sa_family == AF_INET6;
    head[3] = is_v6 ? 4 : 1;
    eim_buf_add(&self->out, head, 4);
    if (is_v6)
      eim_buf_add(&self->out, &literal.v6.sin6_addr, 16);
    else
      eim_buf_add(&self->out, &literal.v4.sin_addr, 4);
  } else {
    uint8_t length = (uint8_t)strlen(self->host); /* checked to be below 256 */
    eim_buf_add(&self->out, head, 4);
    eim_buf_add(&self->out, &length, 1);
    eim_buf_add(&self->out, self->host, length);
  }
  eim_buf_add(&self->out, port, 2);
  self->stage = STAGE_SOCKS_REPLY;
}

static void socks_login(eim_dial *self) {
  const char *user = eim_secret_text(self->proxy.user);
  const char *password = eim_secret_text(self->proxy.password);
  uint8_t head[2] = {1, (uint8_t)strlen(user)}, length = (uint8_t)strlen(password);
  eim_buf_add(&self->out, head, 2);
  eim_buf_add(&self->out, user, head[1]);
  eim_buf_add(&self->out, &length, 1);
  eim_buf_add(&self->out, password, length);
  self->stage = STAGE_SOCKS_AUTH;
}

/* Write what is due; then wait for room or for the answer. */
static void flush(eim_dial *self) {
  if (self->out.failed) {
    note_errno(self, ENOMEM);
    finish_error(self);
    return;
  }
  while (self->sent < self->out.length) {
    ssize_t n =
        send(self->fd, self->out.data + self->sent, self->out.length - self->sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) break;
    if (n < 0) {
      note_errno(self, errno);
      finish_error(self);
      return;
    }
    self->sent += (size_t)n;
  }
  if (self->sent == self->out.length) {
    eim_wipe(self->out.data, self->out.length);
    eim_buf_clear(&self->out);
    self->sent = 0;
  }
  if (!watch(self, self->out.length ? UV_WRITABLE : UV_READABLE)) {
    note_errno(self, ENOMEM);
    finish_error(self);
  }
}

/* What is only looked at stays readable: wake up again when there is more of it. */
static void await_more(eim_dial *self, size_t than) {
  int low = (int)than + 1;
  setsockopt(self->fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof low);
}

/* Exactly `want` bytes, or -1: not yet there, or it ended (then the dial is over: *over). */
static bool take(eim_dial *self, void *bytes, size_t want, bool *over) {
  ssize_t n = recv(self->fd, bytes, want, MSG_PEEK);
  *over = false;
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (n <= 0) {
    *over = true;
    refuse_by_proxy(self, n ? errno : 0, "it closed the connection");
    return false;
  }
  if ((size_t)n < want) {
    await_more(self, (size_t)n);
    return false;
  }
  await_more(self, 0);
  return recv(self->fd, bytes, want, 0) == (ssize_t)want;
}

static void read_http(eim_dial *self) {
  char head[PROXY_HEAD_MAX + 1];
  ssize_t n = recv(self->fd, head, PROXY_HEAD_MAX, MSG_PEEK);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    refuse_by_proxy(self, 0, "it closed the connection");
    return;
  }
  head[n] = 0;
  char *end = strstr(head, "\r\n\r\n");
  int status = 0;
  if (strncmp(head, "HTTP/1.", 7 < n ? 7 : (size_t)n) != 0 || (!end && n == PROXY_HEAD_MAX)) {
    refuse_by_proxy(self, 0, "it does not speak HTTP");
    return;
  }
  if (!end) {
    await_more(self, (size_t)n);
    return;
  }
  await_more(self, 0);
  for (const char *digit = head + 9; digit < head + 12 && *digit >= '0' && *digit <= '9'; digit++)
    status = status * 10 + (*digit - '0');
  /* Not a byte more: what follows belongs to the server behind. */
  if (recv(self->fd, head, (size_t)(end + 4 - head), 0) < 0 || status < 200 || status > 299) {
    char why[32];
    snprintf(why, sizeof why, "HTTP %d", status);
    refuse_by_proxy(self, status, why);
    return;
  }
  unwatch(self);
  finish(self, self->fd, NULL);
}

static void read_socks(eim_dial *self) {
  uint8_t b[262];
  bool over;
  if (self->stage == STAGE_SOCKS_METHOD) {
    if (!take(self, b, 2, &over)) return;
    if (b[0] != 5 || (b[1] != 0 && (b[1] != 2 || !self->proxy.user))) {
      refuse_by_proxy(self, b[1], "no authentication method in common");
      return;
    }
    if (b[1] == 2)
      socks_login(self);
    else
      socks_request(self);
    flush(self);
  } else if (self->stage == STAGE_SOCKS_AUTH) {
    if (!take(self, b, 2, &over)) return;
    if (b[1] != 0) {
      refuse_by_proxy(self, b[1], "it does not accept the credentials");
      return;
    }
    socks_request(self);
    flush(self);
  } else {
    ssize_t n = recv(self->fd, b, 5, MSG_PEEK);
    if (n >= 2 && (b[0] != 5 || b[1] != 0)) {
      refuse_by_proxy(self, b[1], "SOCKS5 failure");
      return;
    }
    size_t length = n < 5 ? 5 : b[3] == 1 ? 10 : b[3] == 4 ? 22 : 7 + (size_t)b[4];
    if (!take(self, b, length, &over) || n < 5) return;
    unwatch(self);
    finish(self, self->fd, NULL);
  }
}

/* ------------------------------------------------------------------ connecting */

static void connected(eim_dial *self) {
  int on = 1;
  setsockopt(self->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  eim_alarm_clear(&self->loop->alarms, &self->alarm);
  if (self->proxy.kind == EIM_PROXY_HTTP) {
    self->stage = STAGE_HTTP;
    http_connect(self);
    flush(self);
  } else if (self->proxy.kind == EIM_PROXY_SOCKS5) {
    self->stage = STAGE_SOCKS_METHOD;
    if (self->proxy.user)
      eim_buf_add(&self->out, (const uint8_t[]){5, 2, 0, 2}, 4);
    else
      eim_buf_add(&self->out, (const uint8_t[]){5, 1, 0}, 3);
    flush(self);
  } else {
    unwatch(self);
    finish(self, self->fd, NULL);
  }
}

static void on_poll(uv_poll_t *poll, int status, int events) {
  eim_dial *self = poll->data;
  (void)events;
  eim_loop_touch(self->loop);
  if (self->stage == STAGE_CONNECT) {
    int code = 0;
    socklen_t size = sizeof code;
    if (getsockopt(self->fd, SOL_SOCKET, SO_ERROR, &code, &size) < 0) code = errno;
    if (!code && status < 0) code = -status;
    if (code) {
      note_errno(self, code);
      try_next(self);
    } else {
      connected(self);
    }
  } else if (self->out.length) {
    flush(self);
  } else if (self->stage == STAGE_HTTP) {
    read_http(self);
  } else {
    read_socks(self);
  }
}

static void try_next(eim_dial *self) {
  for (;;) {
    drop_socket(self);
    if (self->next_address >= self->addresses.count) {
      finish_error(self);
      return;
    }
    eim_address *to = &self->addresses.list[self->next_address++];
    uint16_t port = htons(self->proxy.kind ? self->proxy.port : self->port);
    if (to->any.sa_family == AF_INET6)
      to->v6.sin6_port = port;
    else
      to->v4.sin_port = port;
    self->fd = socket(to->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (self->fd >= 0) {
      self->stage = STAGE_CONNECT;
      if (!connect(self->fd, &to->any, eim_address_length(to)) || errno == EINPROGRESS) {
        if (watch(self, UV_WRITABLE)) break;
        errno = ENOMEM;
      }
    }
    note_errno(self, errno);
  }
  if (self->next_address < self->addresses.count) { /* leave time for the others */
    int share = self->settings->connect_timeout / (int)self->addresses.count;
    eim_alarm_set(&self->loop->alarms, &self->alarm,
                  eim_mono_ms() + (share > ATTEMPT_MIN_MS ? share : ATTEMPT_MIN_MS));
  }
}

static void on_alarm(eim_alarm *alarm) {
  eim_dial *self = (eim_dial *)((char *)alarm - offsetof(eim_dial, alarm));
  if (self->fd >= 0) {
    note_errno(self, ETIMEDOUT);
    try_next(self);
  } else {
    finish_error(self);
  }
}

static void on_lookup(void *user, const eim_addresses *addresses, const eim_error *error) {
  eim_dial *self = user;
  self->lookup = NULL;
  if (error) {
    self->error = (eim_error *)eim_error_ref(error);
    finish_error(self);
    return;
  }
  self->addresses = *addresses;
  try_next(self);
}

eim_dial *eim_dial_start(eim_loop *loop, const eim_settings *settings, const char *host,
                         const char *ip, uint16_t port, bool tls, eim_dial_fn fn, void *user) {
  eim_dial *self = calloc(1, sizeof *self);
  if (!self || !eim_alarms_reserve(&loop->alarms, 1)) {
    free(self);
    return NULL;
  }
  self->loop = loop;
  self->settings = settings;
  self->fn = fn;
  self->user = user;
  self->port = port;
  self->fd = -1;
  self->alarm.fire = on_alarm;
  self->host = eim_strdup(host);
  self->ip = eim_strdup(ip);
  if (!self->host || !self->ip) {
    eim_dial_cancel(self);
    return NULL;
  }
  if (eim_proxy_for(settings, host, tls, &self->proxy, &self->error)) {
    if (self->proxy.kind == EIM_PROXY_HTTPS)
      self->error = eim_error_new_detail(
          EIM_E_UNSUPPORTED, EIM_DOMAIN_LOCAL, EIM_E_UNSUPPORTED, EIM_ERROR_FINAL,
          "{\"what\":\"proxy\"}", "proxy: an https:// proxy carries REST but no message socket");
    else if (self->proxy.kind == EIM_PROXY_SOCKS5 &&
             (strlen(host) > 255 || strlen(eim_secret_text(self->proxy.user)) > 255 ||
              strlen(eim_secret_text(self->proxy.password)) > 255))
      self->error = eim_error_new_detail(
          EIM_E_INVALID, EIM_DOMAIN_LOCAL, EIM_E_INVALID, EIM_ERROR_FINAL, "{\"what\":\"proxy\"}",
          "proxy: SOCKS5 allows 255 bytes for names and credentials");
  }
  if (!self->error) {
    const char *look_up = self->proxy.kind ? self->proxy.host : *ip ? ip : host;
    self->lookup =
        eim_resolver_lookup(loop->resolver, look_up, settings->ip_version, on_lookup, self);
    if (!self->lookup) {
      eim_dial_cancel(self);
      return NULL;
    }
  } else {
    eim_alarm_set(&loop->alarms, &self->alarm, 0); /* tell it later */
  }
  return self;
}
