#include "net_peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "eim_test.h"
#include "net/timers.h"

EIM_TEST_MAIN

/* ------------------------------------------------------------------ server */

enum { CONNS_MAX = 256 };

struct peer {
  int listener;
  uint16_t port;
  SSL_CTX *ctx;
  peer_serve serve;
  void *user;
  pthread_t acceptor, threads[CONNS_MAX];
  pthread_mutex_t mutex;
  int fds[CONNS_MAX], count; /* under the mutex; -1: closed */
  atomic_int connections, resumed;
};

typedef struct start {
  peer *peer;
  int fd, slot;
} start;

static void *serve_thread(void *arg) {
  start s = *(start *)arg;
  free(arg);
  peer_conn *conn = calloc(1, sizeof *conn);
  conn->peer = s.peer;
  conn->fd = s.fd;
  bool ok = true;
  if (s.peer->ctx) {
    conn->ssl = SSL_new(s.peer->ctx);
    SSL_set_fd(conn->ssl, s.fd);
    ok = SSL_accept(conn->ssl) == 1;
    if (ok && SSL_session_reused(conn->ssl)) s.peer->resumed++;
  }
  if (ok) s.peer->serve(conn, s.peer->user);
  SSL_free(conn->ssl);
  free(conn);
  pthread_mutex_lock(&s.peer->mutex);
  close(s.fd);
  s.peer->fds[s.slot] = -1;
  pthread_mutex_unlock(&s.peer->mutex);
  return NULL;
}

static void *accept_thread(void *arg) {
  peer *self = arg;
  for (;;) {
    int fd = accept(self->listener, NULL, NULL);
    if (fd < 0) return NULL;
    pthread_mutex_lock(&self->mutex);
    int slot = self->count;
    if (slot < CONNS_MAX) {
      start *s = malloc(sizeof *s);
      *s = (start){self, fd, slot};
      self->fds[slot] = fd;
      self->count++;
      self->connections++;
      pthread_create(&self->threads[slot], NULL, serve_thread, s);
    } else {
      close(fd);
    }
    pthread_mutex_unlock(&self->mutex);
  }
}

peer *peer_start(peer_serve serve, void *user, SSL_CTX *ctx) {
  peer *self = calloc(1, sizeof *self);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  self->serve = serve;
  self->user = user;
  self->ctx = ctx;
  pthread_mutex_init(&self->mutex, NULL);
  self->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bind(self->listener, (struct sockaddr *)&at, sizeof at);
  listen(self->listener, 64);
  getsockname(self->listener, (struct sockaddr *)&at, &size);
  self->port = ntohs(at.sin_port);
  /* This side's writes to a closed TLS connection must not signal; the threads inherit the mask. */
  sigset_t pipe, old;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, &old);
  pthread_create(&self->acceptor, NULL, accept_thread, self);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  return self;
}

uint16_t peer_port(const peer *self) {
  return self->port;
}
int peer_connections(const peer *self) {
  return self->connections;
}
int peer_resumed(const peer *self) {
  return self->resumed;
}

void peer_stop(peer *self) {
  shutdown(self->listener, SHUT_RDWR);
  pthread_join(self->acceptor, NULL);
  close(self->listener);
  pthread_mutex_lock(&self->mutex);
  for (int i = 0; i < self->count; i++)
    if (self->fds[i] >= 0) shutdown(self->fds[i], SHUT_RDWR);
  pthread_mutex_unlock(&self->mutex);
  for (int i = 0; i < self->count; i++) pthread_join(self->threads[i], NULL);
  pthread_mutex_destroy(&self->mutex);
  free(self);
}

bool peer_read(peer_conn *conn, void *bytes, size_t length) {
  for (size_t done = 0; done < length;) {
    long n = conn->ssl ? SSL_read(conn->ssl, (char *)bytes + done, (int)(length - done))
                       : recv(conn->fd, (char *)bytes + done, length - done, 0);
    if (n <= 0) return false;
    done += (size_t)n;
  }
  return true;
}

bool peer_write(peer_conn *conn, const void *bytes, size_t length) {
  for (size_t done = 0; done < length;) {
    long n = conn->ssl ? SSL_write(conn->ssl, (const char *)bytes + done, (int)(length - done))
                       : send(conn->fd, (const char *)bytes + done, length - done, MSG_NOSIGNAL);
    if (n <= 0) return false;
    done += (size_t)n;
  }
  return true;
}

bool peer_say(peer_conn *conn, const char *text) {
  return peer_write(conn, text, strlen(text));
}

bool peer_head(peer_conn *conn) {
  size_t length = 0;
  while (length < sizeof conn->head - 1 && peer_read(conn, conn->head + length, 1)) {
    conn->head[++length] = 0;
    if (length >= 4 && !strcmp(conn->head + length - 4, "\r\n\r\n")) return true;
  }
  return false;
}

bool peer_wait_closed(peer_conn *conn) {
  char byte;
  while (peer_read(conn, &byte, 1)) continue;
  return true;
}

bool peer_ws_accept(peer_conn *conn) {
  const char *key = strcasestr(conn->head, "Sec-WebSocket-Key: ");
  if (!key) return false;
  char text[128];
  int length = (int)strcspn(key += 19, "\r\n");
  snprintf(text, sizeof text, "%.*s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", length, key);
  unsigned char digest[20], code[64];
  SHA1((unsigned char *)text, strlen(text), digest);
  EVP_EncodeBlock(code, digest, 20);
  char answer[256];
  snprintf(answer, sizeof answer,
           "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Accept: %s\r\n\r\n",
           code);
  return peer_say(conn, answer);
}

long peer_ws_recv(peer_conn *conn, int *opcode, void *bytes, size_t max) {
  uint8_t head[2], more[8], mask[4];
  if (!peer_read(conn, head, 2)) return -1;
  uint64_t length = head[1] & 127;
  int extra = length == 126 ? 2 : length == 127 ? 8 : 0;
  if (extra) {
    if (!peer_read(conn, more, (size_t)extra)) return -1;
    length = 0;
    for (int i = 0; i < extra; i++) length = length << 8 | more[i];
  }
  *opcode = head[0] & 15;
  if (!(head[1] & 128) || length > max || !peer_read(conn, mask, 4)) return -1;
  if (!peer_read(conn, bytes, length)) return -1;
  for (uint64_t i = 0; i < length; i++) ((uint8_t *)bytes)[i] ^= mask[i % 4];
  return (long)length;
}

bool peer_ws_send(peer_conn *conn, int opcode, bool is_final, const void *bytes, size_t length) {
  uint8_t head[10] = {(uint8_t)(opcode | (is_final ? 128 : 0)), 127};
  for (int i = 0; i < 8; i++) head[2 + i] = (uint8_t)((uint64_t)length >> (56 - 8 * i));
  size_t size = 10;
  if (length < 126) {
    head[1] = (uint8_t)length;
    size = 2;
  } else if (length < 65536) {
    head[1] = 126;
    head[2] = (uint8_t)(length >> 8);
    head[3] = (uint8_t)length;
    size = 4;
  }
  return peer_write(conn, head, size) && (!length || peer_write(conn, bytes, length));
}

/* ------------------------------------------------------------------ certificates */

struct peer_ca {
  EVP_PKEY *key;
  X509 *certificate;
  char dir[64], file[96], client[96];
};

static X509 *sign(EVP_PKEY *key, const char *name, const char *san, bool is_ca, long from, long to,
                  X509 *issuer, EVP_PKEY *issuer_key) {
  static long serial = 1000;
  X509 *x = X509_new();
  X509_set_version(x, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(x), from);
  X509_gmtime_adj(X509_getm_notAfter(x), to);
  X509_set_pubkey(x, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                             (const unsigned char *)name, -1, -1, 0);
  X509_set_issuer_name(x, X509_get_subject_name(issuer ? issuer : x));
  X509V3_CTX ctx;
  X509V3_set_ctx(&ctx, issuer ? issuer : x, x, NULL, NULL, 0);
  X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, NID_basic_constraints,
                                          is_ca ? "critical,CA:TRUE" : "CA:FALSE");
  X509_add_ext(x, e, -1);
  X509_EXTENSION_free(e);
  if (san) {
    e = X509V3_EXT_conf_nid(NULL, &ctx, NID_subject_alt_name, san);
    X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
  }
  X509_sign(x, issuer_key ? issuer_key : key, EVP_sha256());
  return x;
}

peer_ca *peer_ca_new(void) {
  peer_ca *self = calloc(1, sizeof *self);
  self->key = EVP_EC_gen("P-256");
  char name[64]; /* of its own, as every CA has */
  snprintf(name, sizeof name, "Test CA %p", (void *)self);
  self->certificate = sign(self->key, name, NULL, true, -3600, 86400, NULL, NULL);
  snprintf(self->dir, sizeof self->dir, "/tmp/eim_ca_XXXXXX");
  if (!mkdtemp(self->dir)) abort();
  snprintf(self->file, sizeof self->file, "%s/ca.pem", self->dir);
  FILE *f = fopen(self->file, "w");
  PEM_write_X509(f, self->certificate);
  fclose(f);
  return self;
}

void peer_ca_free(peer_ca *self) {
  unlink(self->file);
  if (*self->client) unlink(self->client);
  rmdir(self->dir);
  X509_free(self->certificate);
  EVP_PKEY_free(self->key);
  free(self);
}

const char *peer_ca_file(const peer_ca *self) {
  return self->file;
}

SSL_CTX *peer_ctx(const peer_ca *ca, const char *san, long from, long to) {
  EVP_PKEY *key = EVP_EC_gen("P-256");
  X509 *leaf = sign(key, "server", san, false, from, to, ca->certificate, ca->key);
  SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
  SSL_CTX_use_certificate(ctx, leaf);
  SSL_CTX_use_PrivateKey(ctx, key);
  SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"eim", 3);
  X509_free(leaf);
  EVP_PKEY_free(key);
  return ctx;
}

void peer_pin(SSL_CTX *ctx, char pin[64]) {
  unsigned char *spki = NULL, digest[32], code[48];
  X509 *leaf = SSL_CTX_get0_certificate(ctx);
  int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &spki);
  SHA256(spki, (size_t)length, digest);
  EVP_EncodeBlock(code, digest, 32);
  snprintf(pin, 64, "sha256//%s", code);
  OPENSSL_free(spki);
}

const char *peer_client_file(peer_ca *ca) {
  EVP_PKEY *key = EVP_EC_gen("P-256");
  X509 *leaf = sign(key, "client", NULL, false, -3600, 3600, ca->certificate, ca->key);
  snprintf(ca->client, sizeof ca->client, "%s/client.pem", ca->dir);
  FILE *f = fopen(ca->client, "w");
  PEM_write_X509(f, leaf);
  PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
  fclose(f);
  X509_free(leaf);
  EVP_PKEY_free(key);
  return ca->client;
}

void peer_want_client(SSL_CTX *ctx, const peer_ca *ca) {
  X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), ca->certificate);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

/* ------------------------------------------------------------------ our side */

static char **const *strings(eim_settings *s, size_t *count) {
  static char **all[12];
  char **list[] = {&s->app_key,     &s->org,         &s->app,       &s->device_id,
                   &s->device_name, &s->state_dir,   &s->api_url,   &s->url,
                   &s->ca_file,     &s->client_cert, &s->client_key};
  memcpy(all, list, sizeof list);
  *count = sizeof list / sizeof *list;
  return all;
}

static void destroy_settings(void *object) {
  eim_settings *s = object;
  size_t count;
  char **const *all = strings(s, &count);
  for (size_t i = 0; i < count; i++) free(*all[i]);
  for (char **pin = s->pinned_keys; pin && *pin; pin++) free(*pin);
  free(s->pinned_keys);
  eim_secret_unref(s->proxy);
  free(s);
}

void peer_set(char **option, const char *value) {
  free(*option);
  *option = strdup(value);
}

eim_settings *peer_settings(void) {
  eim_settings *s = calloc(1, sizeof *s);
  eim_object_init(&s->base, destroy_settings);
  size_t count;
  char **const *all = strings(s, &count);
  for (size_t i = 0; i < count; i++) *all[i] = strdup("");
  s->connect_timeout = 10000;
  s->max_frame_bytes = 1 << 20;
  return s;
}

bool peer_turn(eim_loop *loop, const int *flag, int ms) {
  int64_t end = eim_mono_ms() + ms;
  while (!*flag) {
    int64_t left = end - eim_mono_ms();
    if (left <= 0) return false;
    eim_loop_run_once(loop, (int)left);
  }
  return true;
}
