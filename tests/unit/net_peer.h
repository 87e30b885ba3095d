/* net_peer.h - the other side for the tests of net/: blocking servers on threads, on 127.0.0.1 port
 * 0, with or without TLS, and certificates made on the spot. */
#ifndef EIM_NET_PEER_H
#define EIM_NET_PEER_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/driver.h"
#include "net/endpoint.h"

typedef struct peer peer;
typedef struct peer_conn {
  peer *peer;
  int fd;
  SSL *ssl;         /* NULL: plain */
  char head[16384]; /* of the last HTTP request */
} peer_conn;

typedef void (*peer_serve)(peer_conn *conn, void *user);

/* serve runs on a thread of its own for each connection; ctx NULL: plain. */
peer *peer_start(peer_serve serve, void *user, SSL_CTX *ctx);
uint16_t peer_port(const peer *self);
int peer_connections(const peer *self);
int peer_resumed(const peer *self); /* TLS handshakes that were abbreviated */
void peer_stop(peer *self);         /* cuts all connections, joins all threads */

/* All of it or false. */
bool peer_read(peer_conn *conn, void *bytes, size_t length);
bool peer_write(peer_conn *conn, const void *bytes, size_t length);
bool peer_say(peer_conn *conn, const char *text);
/* An HTTP head into conn->head. */
bool peer_head(peer_conn *conn);
/* Read a request with its body and ignore them. */
bool peer_wait_closed(peer_conn *conn); /* until the other side closes */
bool peer_ws_accept(peer_conn *conn);   /* head is read; answers 101 */
/* opcode 1 text, 2 binary, 8 close. Length, or -1. */
long peer_ws_recv(peer_conn *conn, int *opcode, void *bytes, size_t max);
bool peer_ws_send(peer_conn *conn, int opcode, bool is_final, const void *bytes, size_t length);

/* ---- certificates */
typedef struct peer_ca peer_ca;
peer_ca *peer_ca_new(void);
void peer_ca_free(peer_ca *self);
const char *peer_ca_file(const peer_ca *self); /* PEM, in a temporary directory */
/* A server: san such as "DNS:im.example.test,IP:127.0.0.1"; valid from now+from to now+to seconds.
 */
SSL_CTX *peer_ctx(const peer_ca *ca, const char *san, long from, long to);
/* "sha256//…" of the server's key; 64 bytes. */
void peer_pin(SSL_CTX *ctx, char pin[64]);
/* A client certificate with its key in one file. The path is borrowed from ca. */
const char *peer_client_file(peer_ca *ca);
void peer_want_client(SSL_CTX *ctx, const peer_ca *ca);

/* ---- our side */
eim_settings *peer_settings(void); /* every string "", sane times */
void peer_set(char **option, const char *value);
/* Turn a caller-driven loop until *flag; false after ms. */
bool peer_turn(eim_loop *loop, const int *flag, int ms);

#endif
