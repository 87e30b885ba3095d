/* peer.h - a client of the public ABI that remembers what it was told. Nothing here sleeps: every
 * wait is for an event, inside eim_context_poll(), with a deadline. One thread. */
#ifndef EIM_INTEGRATION_PEER_H
#define EIM_INTEGRATION_PEER_H

#include <eim/eim.h>

#define PEER_WAIT 10000 /* ms; what takes longer has failed */
#define PEER_EVENTS 512

typedef enum peer_kind {
  PEER_STATE = 1,
  PEER_CONNECTED = 2,
  PEER_DISCONNECTED = 4,
  PEER_RECONNECTING = 8,
  PEER_WILL_EXPIRE = 16,
  PEER_EXPIRED = 32,
  PEER_TOKEN_REQUEST = 64,
  PEER_ERROR = 128,
  PEER_MESSAGE = 256,
  PEER_RECEIPT = 512,
  PEER_NOTICE = 1024,
  PEER_RESULT = 2048
} peer_kind;

typedef struct peer_event {
  peer_kind kind;
  eim_state state;
  int attempt;
  int64_t next_retry;
  uint64_t token;
  const eim_error *error; /* counted; NULL: none */
  eim_message *message;   /* counted */
  eim_result *result;     /* counted */
  eim_receipt *receipt;   /* counted */
  char text[128];         /* notice name, receipt's message id */
} peer_event;

typedef struct peer {
  eim_context *context;
  eim_client *client;
  peer_event events[PEER_EVENTS];
  int count, seen; /* seen: events that a wait has gone past */
  uint64_t last_token;
  int released;
  bool owns_context;
  bool provide; /* handle on_token_request */
} peer;

/* options: "key=value", NULL-terminated. context NULL: one of its own with ioThreads=io_threads.
 * Ends the program when it cannot: the tests that follow would say nothing. */
void peer_start(peer *self, eim_context *context, int io_threads, const char *const *options);
void peer_stop(peer *self);

/* The next event (after those already waited for) of one of these kinds; NULL at the deadline. */
const peer_event *peer_wait(peer *self, int kinds, int timeout_ms);
/* Results are found whatever was waited for before. */
const peer_event *peer_result(peer *self, uint64_t token);
/* Error code of a request's result: 0 success, INT32_MIN when none came. */
int peer_code(peer *self, uint64_t token);
bool peer_until(peer *self, eim_state state, int timeout_ms);
int peer_count(const peer *self, int kinds);
/* Poll for this long, whatever comes: to see that something does not happen. */
void peer_idle(peer *self, int ms);

/* Requests with the next token; the token, or 0 when the call itself failed. */
uint64_t peer_open_password(peer *self, const char *user, const char *password);
uint64_t peer_open_token(peer *self, const char *user, const char *access_token);
uint64_t peer_register(peer *self, const char *user, const char *password);
uint64_t peer_send(peer *self, const char *to, const char *text);
uint64_t peer_renew(peer *self, const char *access_token);
uint64_t peer_close(peer *self);
/* Uploads this file and waits: its address and secret. False: it did not go up. */
bool peer_upload(peer *self, const char *path, char where[256], char secret[64]);

#endif
