/* raw_client.h - HTTP and WebSocket over a plain or TLS socket, blocking, with deadlines: what a
 * test needs to see exact bytes. Every read ends after RAW_DEADLINE_MS at the latest. */
#ifndef EIM_RAW_CLIENT_H
#define EIM_RAW_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cJSON.h"
#include "eim_sandbox.h"
#include "msync.pb-c.h"

#define RAW_DEADLINE_MS 10000

typedef struct raw_answer {
  int status; /* 0: the connection ended without an answer */
  char *body;
  cJSON *json; /* NULL: no JSON */
} raw_answer;

/* path begins behind the host; token, type and body may be NULL. type NULL with a body: JSON. */
raw_answer raw_http(uint16_t port, const char *ca_file, const char *method, const char *path,
                    const char *token, const char *type, const char *body);
/* Any header lines, each ending in \r\n, instead of token and type. */
raw_answer raw_http_headers(uint16_t port, const char *ca_file, const char *method,
                            const char *path, const char *headers, const char *body);
void raw_free(raw_answer *answer);
const char *raw_text(const raw_answer *answer, const char *member); /* "" when absent */
/* POST /token by password; caller frees; NULL when refused. */
char *raw_token(eim_sandbox *sandbox, const char *user, const char *password);
char *raw_app_token(eim_sandbox *sandbox);

typedef struct raw_socket raw_socket;
/* *status: HTTP status of the handshake, 101 when it is open. NULL: not open. */
raw_socket *raw_open(uint16_t port, const char *ca_file, const char *path, int *status);
/* Sends the handshake and reads nothing. */
raw_socket *raw_begin(uint16_t port, const char *ca_file, const char *path);
void raw_close(raw_socket *self); /* NULL allowed */
bool raw_send(raw_socket *self, int opcode, const void *bytes, size_t size);
/* The next message; opcode 8 for close, 0 for the end of the line, -1 for the deadline. Pings are
 * answered. The bytes live until the next call. */
int raw_read(raw_socket *self, const uint8_t **bytes, size_t *size);
/* True when nothing at all arrives for this long. */
bool raw_quiet(raw_socket *self, int ms);

/* MSync. A frame is freed with raw_free_frame. */
bool raw_send_frame(raw_socket *self, Easemob__Pb__MSync__Command command,
                    const ProtobufCMessage *payload);
Easemob__Pb__MSync *raw_read_frame(raw_socket *self); /* NULL: anything but a binary MSync */
void raw_free_frame(Easemob__Pb__MSync *frame);
Easemob__Pb__CommSyncDL *raw_read_sync(raw_socket *self); /* skips NOTICE frames */
/* Waits for the close frame or the end of the line. */
bool raw_ended(raw_socket *self);

/* Sends PROVISION and reads the answer; caller frees. reason may be NULL. */
Easemob__Pb__Provision *raw_provision(raw_socket *self, const char *app_key, const char *user,
                                      const char *token, const char *resource, const char *reason);
bool raw_send_provision(raw_socket *self, const char *app_key, const char *user, const char *token,
                        const char *resource, const char *reason);
/* Logged in by password, on a device of this name. NULL: failed. */
raw_socket *raw_login(eim_sandbox *sandbox, const char *user, const char *password,
                      const char *resource);
/* Uploads a text message. */
bool raw_send_text(raw_socket *self, const char *app_key, const char *to, const char *domain,
                   uint64_t id, int type, const char *text, uint64_t ack);
bool raw_fetch(raw_socket *self, const char *app_key, const char *name, const char *domain,
               const uint64_t *key);

#endif
