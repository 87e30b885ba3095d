/* rest.h - REST bodies and answers: register, token, token expiry (docs/protocol.md 3; rest facts).
 * Pure. */
#ifndef EIM_WIRE_REST_H
#define EIM_WIRE_REST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/secret.h"
#include "model/error.h"

/* {"username":…,"password":…,"nickname":…} */
bool eim_rest_register_body(eim_buf *out, const char *username, const eim_secret *password,
                            const char *nickname);
/* {"grant_type":"password",…,"timestamp":ms} */
bool eim_rest_token_body(eim_buf *out, const char *username, const eim_secret *password,
                         int64_t now_ms);

/* What was asked: the same HTTP status means different things. */
typedef enum eim_rest_call {
  EIM_REST_REGISTER,
  EIM_REST_TOKEN,
  EIM_REST_EXPIRES,
  EIM_REST_OTHER
} eim_rest_call;

/* The error for an HTTP answer that is not 200. Matches on status and `error`, never on prose
 * except where only prose tells (expired). final for every verdict; retriable for 408, 429
 * reach_limit, 5xx. detail:
 * {"httpStatus":…,"error":…,"description":…,"exception":…}. Owned by the caller. */
eim_error *eim_rest_error(eim_rest_call call, int http_status, const void *body, size_t length);

typedef struct eim_token_answer {
  eim_secret *token;     /* owned by the caller */
  int64_t expires_in_ms; /* 0: unknown or for ever (docs: proposed rule for ms clusters) */
  char user[65];         /* as the server spells it; "" when absent */
} eim_token_answer;

/* NULL on success; else a protocol error (200 with HTML, no access_token, …), owned by the caller.
 */
eim_error *eim_rest_token_answer(eim_token_answer *out, const void *body, size_t length);
/* {"expire_timestamp":ms} of GET …/token/expires. */
eim_error *eim_rest_expires_answer(int64_t *expires_at, const void *body, size_t length);
/* The JSON for eim_result_json(): entities[0] of a registration, without anything secret. */
eim_error *eim_rest_register_answer(eim_buf *out, const void *body, size_t length);

/* {"resource":…,"logContent":…} */
bool eim_rest_logs_body(eim_buf *out, const char *resource, const char *content);
/* NULL: the server has the lines, it said "status":"ok" with its 200. */
eim_error *eim_rest_logs_answer(const void *body, size_t length);

#endif
