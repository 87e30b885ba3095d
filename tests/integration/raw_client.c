#include "raw_client.h"

#include <arpa/inet.h>
#include <libwebsockets.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_BYTES (4 * 1024 * 1024)

__attribute__((constructor)) static void quiet(void) {
  lws_set_log_level(LLL_ERR, NULL);
}

typedef struct line {
  int fd;
  SSL_CTX *context;
  SSL *tls;
} line;

struct raw_socket {
  line line;
  uint8_t *message;
  size_t size;
};

static void line_close(line *l) {
  if (l->tls) SSL_free(l->tls);
  if (l->context) SSL_CTX_free(l->context);
  if (l->fd >= 0) close(l->fd);
  l->fd = -1;
}

static bool line_open(line *l, uint16_t port, const char *ca_file) {
  *l = (line){socket(AF_INET, SOCK_STREAM, 0), NULL, NULL};
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  struct timeval deadline = {RAW_DEADLINE_MS / 1000, 0};
  int on = 1;
  setsockopt(l->fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
  setsockopt(l->fd, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof deadline);
  setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (l->fd < 0 || connect(l->fd, (struct sockaddr *)&address, sizeof address) < 0) return false;
  if (!ca_file) return true;
  l->context = SSL_CTX_new(TLS_client_method());
  if (!l->context || SSL_CTX_load_verify_locations(l->context, ca_file, NULL) != 1) return false;
  SSL_CTX_set_verify(l->context, SSL_VERIFY_PEER, NULL);
  l->tls = SSL_new(l->context);
  return l->tls && SSL_set1_host(l->tls, "localhost") == 1 &&
         SSL_set_tlsext_host_name(l->tls, "localhost") && SSL_set_fd(l->tls, l->fd) &&
         SSL_connect(l->tls) == 1;
}

static bool line_write(line *l, const void *bytes, size_t size) {
  const char *at = bytes;
  while (size) {
    ssize_t n = l->tls ? SSL_write(l->tls, at, (int)size) : send(l->fd, at, size, MSG_NOSIGNAL);
    if (n <= 0) return false;
    at += n;
    size -= (size_t)n;
  }
  return true;
}

static ssize_t line_read(line *l, void *bytes, size_t size) {
  return l->tls ? SSL_read(l->tls, bytes, (int)size) : recv(l->fd, bytes, size, 0);
}

static bool read_exactly(line *l, void *bytes, size_t size) {
  for (char *at = bytes; size;) {
    ssize_t n = line_read(l, at, size);
    if (n <= 0) return false;
    at += n;
    size -= (size_t)n;
  }
  return true;
}

/* Up to and with the empty line. */
static char *read_head(line *l) {
  char *head = calloc(1, 16385);
  for (size_t n = 0; head && n < 16384; n++) {
    if (line_read(l, head + n, 1) != 1) break;
    if (n >= 3 && memcmp(head + n - 3, "\r\n\r\n", 4) == 0) return head;
  }
  free(head);
  return NULL;
}

static char *format(const char *text, ...) __attribute__((format(printf, 1, 2)));
static char *format(const char *text, ...) {
  va_list args;
  va_start(args, text);
  char *out = NULL;
  if (vasprintf(&out, text, args) < 0) out = NULL;
  va_end(args);
  return out;
}

raw_answer raw_http_headers(uint16_t port, const char *ca_file, const char *method,
                            const char *path, const char *headers, const char *body) {
  raw_answer answer = {0, NULL, NULL};
  line l;
  char *request =
      format("%s %s HTTP/1.1\r\n%s%s\r\n%s", method, path,
             strstr(headers, "Host:") ? "" : "Host: localhost\r\n", headers, body ? body : "");
  if (request && line_open(&l, port, ca_file) && line_write(&l, request, strlen(request))) {
    char *head = read_head(&l);
    if (head && sscanf(head, "HTTP/1.%*d %d", &answer.status) == 1) {
      const char *length = strcasestr(head, "content-length:");
      size_t size = length ? strtoul(length + 15, NULL, 10) : 0;
      answer.body = size <= MAX_BYTES ? calloc(1, size + 1) : NULL;
      if (answer.body && !read_exactly(&l, answer.body, size)) answer.status = 0;
      answer.json = answer.body ? cJSON_Parse(answer.body) : NULL;
    }
    free(head);
  }
  line_close(&l);
  free(request);
  return answer;
}

raw_answer raw_http(uint16_t port, const char *ca_file, const char *method, const char *path,
                    const char *token, const char *type, const char *body) {
  char *length = body ? format("Content-Length: %zu\r\n", strlen(body)) : NULL;
  char *headers = format("%s%s%s%s%s%s%s", token ? "Authorization: Bearer " : "",
                         token ? token : "", token ? "\r\n" : "", body ? "Content-Type: " : "",
                         body ? (type ? type : "application/json") : "", body ? "\r\n" : "",
                         length ? length : "");
  raw_answer answer = raw_http_headers(port, ca_file, method, path, headers ? headers : "", body);
  free(length);
  free(headers);
  return answer;
}

void raw_free(raw_answer *answer) {
  free(answer->body);
  cJSON_Delete(answer->json);
  *answer = (raw_answer){0, NULL, NULL};
}

const char *raw_text(const raw_answer *answer, const char *member) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(answer->json, member);
  return cJSON_IsString(item) ? item->valuestring : "";
}

static char *token_by(eim_sandbox *sandbox, char *body) {
  char *path = format("/%s/token", eim_sandbox_app_key(sandbox));
  *strchr(path, '#') = '/';
  raw_answer answer = raw_http(eim_sandbox_port(sandbox), eim_sandbox_ca_file(sandbox), "POST",
                               path, NULL, NULL, body);
  const char *text = raw_text(&answer, "access_token");
  char *token = answer.status == 200 && *text ? strdup(text) : NULL;
  raw_free(&answer);
  free(path);
  free(body);
  return token;
}

char *raw_token(eim_sandbox *sandbox, const char *user, const char *password) {
  return token_by(sandbox,
                  format("{\"grant_type\":\"password\",\"username\":\"%s\",\"password\":\"%s\"}",
                         user, password));
}

char *raw_app_token(eim_sandbox *sandbox) {
  return token_by(
      sandbox,
      format(
          "{\"grant_type\":\"client_credentials\",\"client_id\":\"%s\",\"client_secret\":\"%s\"}",
          EIM_SANDBOX_CLIENT_ID, EIM_SANDBOX_CLIENT_SECRET));
}

raw_socket *raw_begin(uint16_t port, const char *ca_file, const char *path) {
  raw_socket *self = calloc(1, sizeof *self);
  char *request =
      format("GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
             path);
  self->line.fd = -1;
  bool good =
      line_open(&self->line, port, ca_file) && line_write(&self->line, request, strlen(request));
  free(request);
  if (good) return self;
  raw_close(self);
  return NULL;
}

raw_socket *raw_open(uint16_t port, const char *ca_file, const char *path, int *status) {
  raw_socket *self = raw_begin(port, ca_file, path);
  int code = 0;
  char *head = self ? read_head(&self->line) : NULL;
  if (head) sscanf(head, "HTTP/1.%*d %d", &code);
  free(head);
  if (status) *status = code;
  if (code == 101) return self;
  raw_close(self);
  return NULL;
}

void raw_close(raw_socket *self) {
  if (!self) return;
  line_close(&self->line);
  free(self->message);
  free(self);
}

bool raw_send(raw_socket *self, int opcode, const void *bytes, size_t size) {
  uint8_t head[14] = {(uint8_t)(0x80 | opcode)};
  size_t n = 2;
  if (size < 126)
    head[1] = (uint8_t)(0x80 | size);
  else if (size < 65536) {
    head[1] = 0x80 | 126;
    head[2] = (uint8_t)(size >> 8);
    head[3] = (uint8_t)size;
    n = 4;
  } else {
    head[1] = 0x80 | 127;
    for (int i = 0; i < 8; i++) head[2 + i] = (uint8_t)((uint64_t)size >> (56 - 8 * i));
    n = 10;
  }
  n += 4; /* a mask of zeros: the bytes stay as they are */
  return line_write(&self->line, head, n) && line_write(&self->line, bytes, size);
}

int raw_read(raw_socket *self, const uint8_t **bytes, size_t *size) {
  uint8_t head[10];
  for (;;) {
    if (!read_exactly(&self->line, head, 2)) return 0;
    uint64_t length = head[1] & 0x7f;
    int more = length == 126 ? 2 : length == 127 ? 8 : 0;
    if (more && !read_exactly(&self->line, head + 2, (size_t)more)) return 0;
    if (more) length = 0;
    for (int i = 0; i < more; i++) length = length << 8 | head[2 + i];
    if (length > MAX_BYTES) return 0;
    free(self->message);
    self->message = calloc(1, length + 1);
    self->size = length;
    if (!self->message || !read_exactly(&self->line, self->message, length)) return 0;
    if ((head[0] & 15) == 9) {
      raw_send(self, 10, self->message, length);
      continue;
    }
    if (bytes) *bytes = self->message;
    if (size) *size = self->size;
    return head[0] & 15;
  }
}

bool raw_quiet(raw_socket *self, int ms) {
  struct pollfd waiting = {self->line.fd, POLLIN, 0};
  return !(self->line.tls && SSL_pending(self->line.tls)) && poll(&waiting, 1, ms) == 0;
}

bool raw_send_frame(raw_socket *self, Easemob__Pb__MSync__Command command,
                    const ProtobufCMessage *payload) {
  Easemob__Pb__MSync frame = EASEMOB__PB__MSYNC__INIT;
  uint8_t *inner = NULL;
  frame.has_command = 1;
  frame.command = command;
  if (payload) {
    frame.has_payload = 1;
    frame.payload.len = protobuf_c_message_get_packed_size(payload);
    frame.payload.data = inner = malloc(frame.payload.len + 1);
    protobuf_c_message_pack(payload, inner);
  }
  size_t size = easemob__pb__msync__get_packed_size(&frame);
  uint8_t *bytes = malloc(size);
  easemob__pb__msync__pack(&frame, bytes);
  bool good = raw_send(self, 2, bytes, size);
  free(bytes);
  free(inner);
  return good;
}

Easemob__Pb__MSync *raw_read_frame(raw_socket *self) {
  const uint8_t *bytes;
  size_t size;
  if (raw_read(self, &bytes, &size) != 2) return NULL;
  return easemob__pb__msync__unpack(NULL, size, bytes);
}

void raw_free_frame(Easemob__Pb__MSync *frame) {
  if (frame) easemob__pb__msync__free_unpacked(frame, NULL);
}

Easemob__Pb__CommSyncDL *raw_read_sync(raw_socket *self) {
  for (;;) {
    Easemob__Pb__MSync *frame = raw_read_frame(self);
    if (!frame) return NULL;
    Easemob__Pb__CommSyncDL *down = NULL;
    bool notice = frame->command == EASEMOB__PB__MSYNC__COMMAND__NOTICE;
    if (frame->command == EASEMOB__PB__MSYNC__COMMAND__SYNC)
      down = easemob__pb__comm_sync_dl__unpack(NULL, frame->payload.len, frame->payload.data);
    raw_free_frame(frame);
    if (!notice) return down;
  }
}

bool raw_ended(raw_socket *self) {
  for (;;) {
    int opcode = raw_read(self, NULL, NULL);
    if (opcode == 8) return true;
    if (opcode == 0) { /* the end of the line, not the deadline */
      char byte;
      return recv(self->line.fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0 ||
             raw_quiet(self, 0) == false;
    }
  }
}

bool raw_send_provision(raw_socket *self, const char *app_key, const char *user, const char *token,
                        const char *resource, const char *reason) {
  Easemob__Pb__JID guid = EASEMOB__PB__JID__INIT;
  guid.appkey = (char *)app_key;
  guid.name = (char *)user;
  guid.domain = (char *)"easemob.com";
  guid.clientresource = (char *)resource;
  Easemob__Pb__Provision up = EASEMOB__PB__PROVISION__INIT;
  up.has_ostype = 1;
  up.ostype = EASEMOB__PB__PROVISION__OS_TYPE__OS_OTHER;
  up.resource = (char *)resource;
  up.reason = (char *)reason;
  Easemob__Pb__MSync frame = EASEMOB__PB__MSYNC__INIT;
  char *auth = format("$t$%s", token);
  frame.guid = &guid;
  frame.auth = auth;
  frame.has_command = frame.has_payload = 1;
  frame.command = EASEMOB__PB__MSYNC__COMMAND__PROVISION;
  frame.payload.len = easemob__pb__provision__get_packed_size(&up);
  frame.payload.data = malloc(frame.payload.len + 1);
  easemob__pb__provision__pack(&up, frame.payload.data);
  size_t size = easemob__pb__msync__get_packed_size(&frame);
  uint8_t *bytes = malloc(size);
  easemob__pb__msync__pack(&frame, bytes);
  bool good = raw_send(self, 2, bytes, size);
  free(bytes);
  free(frame.payload.data);
  free(auth);
  return good;
}

Easemob__Pb__Provision *raw_provision(raw_socket *self, const char *app_key, const char *user,
                                      const char *token, const char *resource, const char *reason) {
  Easemob__Pb__Provision *down = NULL;
  Easemob__Pb__MSync *answer = raw_send_provision(self, app_key, user, token, resource, reason)
                                   ? raw_read_frame(self)
                                   : NULL;
  if (answer && answer->command == EASEMOB__PB__MSYNC__COMMAND__PROVISION)
    down = easemob__pb__provision__unpack(NULL, answer->payload.len, answer->payload.data);
  raw_free_frame(answer);
  return down;
}

raw_socket *raw_login(eim_sandbox *sandbox, const char *user, const char *password,
                      const char *resource) {
  char *token = raw_token(sandbox, user, password);
  raw_socket *self =
      token ? raw_open(eim_sandbox_port(sandbox), eim_sandbox_ca_file(sandbox), "/websocket", NULL)
            : NULL;
  Easemob__Pb__Provision *answer =
      self ? raw_provision(self, eim_sandbox_app_key(sandbox), user, token, resource, NULL) : NULL;
  bool good = answer && answer->status && answer->status->errorcode == 0;
  if (answer) easemob__pb__provision__free_unpacked(answer, NULL);
  free(token);
  if (good) return self;
  raw_close(self);
  return NULL;
}

bool raw_send_text(raw_socket *self, const char *app_key, const char *to, const char *domain,
                   uint64_t id, int type, const char *text, uint64_t ack) {
  Easemob__Pb__JID jid = EASEMOB__PB__JID__INIT;
  jid.appkey = (char *)app_key;
  jid.name = (char *)to;
  jid.domain = (char *)domain;
  Easemob__Pb__MessageBody__Content content = EASEMOB__PB__MESSAGE_BODY__CONTENT__INIT,
                                    *contents[] = {&content};
  content.has_type = 1;
  content.text = (char *)text;
  Easemob__Pb__MessageBody body = EASEMOB__PB__MESSAGE_BODY__INIT;
  body.has_type = 1;
  body.type = (Easemob__Pb__MessageBody__Type)type;
  body.n_contents = 1;
  body.contents = contents;
  body.has_ackmessageid = ack != 0;
  body.ackmessageid = ack;
  Easemob__Pb__Meta meta = EASEMOB__PB__META__INIT;
  meta.has_id = meta.has_ns = meta.has_payload = 1;
  meta.id = id;
  meta.to = &jid;
  meta.ns = EASEMOB__PB__META__NAME_SPACE__CHAT;
  meta.payload.len = easemob__pb__message_body__get_packed_size(&body);
  meta.payload.data = malloc(meta.payload.len + 1);
  easemob__pb__message_body__pack(&body, meta.payload.data);
  Easemob__Pb__CommSyncUL up = EASEMOB__PB__COMM_SYNC_UL__INIT;
  up.meta = &meta;
  bool good = raw_send_frame(self, EASEMOB__PB__MSYNC__COMMAND__SYNC, &up.base);
  free(meta.payload.data);
  return good;
}

bool raw_fetch(raw_socket *self, const char *app_key, const char *name, const char *domain,
               const uint64_t *key) {
  Easemob__Pb__JID jid = EASEMOB__PB__JID__INIT;
  jid.appkey = (char *)app_key;
  jid.name = (char *)name;
  jid.domain = (char *)domain;
  Easemob__Pb__CommSyncUL up = EASEMOB__PB__COMM_SYNC_UL__INIT;
  up.queue = &jid;
  up.has_key = key != NULL;
  up.key = key ? *key : 0;
  return raw_send_frame(self, EASEMOB__PB__MSYNC__COMMAND__SYNC, &up.base);
}
