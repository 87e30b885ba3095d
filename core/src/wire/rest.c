#include "wire/rest.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "wire/service_code.h"

/* ---- bodies. They hold a password: the caller wipes the buffer. */

bool eim_rest_register_body(eim_buf *out, const char *username, const eim_secret *password,
                            const char *nickname) {
  eim_buf_str(out, "{\"username\":");
  eim_buf_json_str(out, username ? username : "");
  eim_buf_str(out, ",\"password\":");
  eim_buf_json_str(out, eim_secret_text(password));
  eim_buf_str(out, ",\"nickname\":");
  eim_buf_json_str(out, nickname ? nickname : "");
  eim_buf_str(out, "}");
  return !out->failed;
}

bool eim_rest_token_body(eim_buf *out, const char *username, const eim_secret *password,
                         int64_t now_ms) {
  eim_buf_str(out, "{\"grant_type\":\"password\",\"username\":");
  eim_buf_json_str(out, username ? username : "");
  eim_buf_str(out, ",\"password\":");
  eim_buf_json_str(out, eim_secret_text(password));
  eim_buf_printf(out, ",\"timestamp\":%" PRId64 "}", now_ms);
  return !out->failed;
}

bool eim_rest_logs_body(eim_buf *out, const char *resource, const char *content) {
  eim_buf_str(out, "{\"resource\":");
  eim_buf_json_str(out, resource);
  eim_buf_str(out, ",\"logContent\":");
  eim_buf_json_str(out, content);
  eim_buf_str(out, "}");
  return !out->failed;
}

/* ---- refusals */

enum {
  REGISTER = 1 << EIM_REST_REGISTER,
  TOKEN = 1 << EIM_REST_TOKEN,
  EXPIRES = 1 << EIM_REST_EXPIRES,
  OTHER = 1 << EIM_REST_OTHER,
  ALL = REGISTER | TOKEN | EXPIRES | OTHER
};

typedef struct row {
  int calls;
  int status;            /* 0: any */
  const char *error;     /* "": any */
  const char *prose;     /* part of the description, where only that tells; "": any */
  const char *exception; /* part of it; "": any */
  int32_t code;
  unsigned flags; /* besides FINAL, which everything has that is not RETRIABLE */
  const char *message;
} row;

#define AGAIN EIM_ERROR_RETRIABLE
/* The work may have been done before the answer got lost; only for registration (it is not
 * idempotent). */
#define MAYBE EIM_ERROR_MAYBE

/* The first row that fits counts. */
static const row rows[] = {
    {ALL, 404, "organization_application_not_found", "", "", 100, 0, "there is no such app"},

    {TOKEN, 400, "invalid_grant", "user not activated", "", 305, 0, "the user is banned"},
    {TOKEN, 400, "invalid_grant", "", "", 202, 0, "wrong user name or password"},
    {TOKEN, 401, "invalid_grant", "", "", 202, 0, "wrong user name or password"},
    {TOKEN, 404, "invalid_grant", "", "", 204, 0, "there is no such user"},
    {TOKEN, 404, "entity_not_found", "", "", 204, 0, "there is no such user"},

    {REGISTER, 400, "duplicate_unique_property_exists", "", "", 203, 0, "the user exists already"},
    {REGISTER | TOKEN, 400, "illegal_argument", "USERNAME_TOO_LONG", "", 105, 0,
     "the user name is too long"},
    {REGISTER, 400, "illegal_argument", "", "", 205, 0,
     "user name, password or nickname is not valid"},
    {REGISTER, 401, "", "", "", 208, 0, "the app does not allow open registration"},

    {ALL, 400, "service open exception", "", "", 505, 0, "the service is not enabled"},
    {ALL, 400, "", "not open", "", 505, 0, "the service is not enabled"},
    {ALL, 400, "illegal_argument", "", "", 110, 0, "a parameter is not valid"},

    {ALL, 401, "expired_token", "", "", 108, 0, "the token has expired"},
    {ALL, 401, "", "expired", "", 108, 0, "the token has expired"},
    {ALL, 401, "", "", "", 104, 0, "the token is not valid"},

    {ALL, 403, "forbidden_service_operation", "", "", 305, 0, "the app or user is banned"},
    {ALL, 403, "", "unopened", "", 505, 0, "the service is not enabled"},
    {ALL, 403, "", "not open", "", 505, 0, "the service is not enabled"},
    {ALL, 403, "FORBIDDEN", "not allow", "", 505, 0, "the service is not enabled"},
    {ALL, 403, "", "", "", 210, 0, "permission denied"},

    {ALL, 404, "", "", "UserNotFoundException", 204, 0, "there is no such user"},
    {ALL, 404, "", "user not found", "", 204, 0, "there is no such user"},
    {EXPIRES, 404, "", "", "", 204, 0, "there is no such user"},

    {ALL, 408, "", "", "", 301, AGAIN | MAYBE, "the server did not get the request in time"},
    {ALL, 409, "", "", "", 302, AGAIN, "the server is busy with the same request"},
    {ALL, 413, "", "", "", 405, 0, "the body is too large"},
    {ALL, 429, "resource_limited", "", "", 4, 0, "the app has reached the limit of its edition"},
    {ALL, 429, "", "", "", 302, AGAIN, "too many requests"},

    {ALL, 500, "", "", "", 303, AGAIN | MAYBE, "the server failed"},
    {ALL, 501, "", "", "", 303, AGAIN | MAYBE, "the server failed"},
    {ALL, 502, "", "", "", 300, AGAIN | MAYBE, "the server is not reachable behind its gateway"},
    {ALL, 503, "", "", "", 302, AGAIN, "the server is busy"},
    {ALL, 504, "", "", "", 300, AGAIN | MAYBE, "the server is not reachable behind its gateway"},
    {ALL, 0, "", "", "", 303, 0, "the server refused"},
};

#define TEXT_MAX 1024

typedef struct refusal {
  char error[128], description[TEXT_MAX + 4], exception[256];
  int64_t code; /* error_code; 0: none */
} refusal;

/* A member's text, cut to the buffer at a character boundary. */
static bool cut(eim_json object, const char *key, char *out, size_t size) {
  eim_buf text = EIM_BUF_INIT;
  bool ok = eim_json_text(eim_json_get(object, key), &text) && !text.failed;
  if (ok) {
    size_t length = strnlen((const char *)text.data, size);
    if (length >= size) {
      length = size - 1;
      while (length && (text.data[length] & 0xc0) == 0x80) length--;
    }
    memcpy(out, text.data, length);
    out[length] = 0;
  }
  eim_buf_free(&text);
  return ok;
}

static void read_refusal(refusal *r, const void *body, size_t length) {
  static const char *const descriptions[] = {"error_description", "desc", "result"};
  eim_json root;
  memset(r, 0, sizeof *r);
  if (!eim_json_parse(&root, body, length)) return; /* HTML of a gateway */
  cut(root, "error", r->error, sizeof r->error);
  cut(root, "exception", r->exception, sizeof r->exception);
  if (!eim_json_loose_i64(eim_json_get(root, "error_code"), &r->code)) r->code = 0;
  for (size_t i = 0; i < 3; i++)
    if (cut(root, descriptions[i], r->description, sizeof r->description)) break;
  /* "the same user X has a different password, the passwords are …" */
  char *passwords = strstr(r->description, "the passwords are");
  if (passwords) *passwords = 0;
}

static bool fits(const row *r, eim_rest_call call, int status, const refusal *why) {
  return (r->calls & 1 << call) && (!r->status || r->status == status) &&
         (!*r->error || !strcmp(why->error, r->error)) && strstr(why->description, r->prose) &&
         strstr(why->exception, r->exception);
}

eim_error *eim_rest_error(eim_rest_call call, int http_status, const void *body, size_t length) {
  refusal why;
  read_refusal(&why, body, length);
  const row *r = rows;
  while (!fits(r, call, http_status, &why)) r++; /* the last row always fits */

  const char *message = r->message;
  int32_t code = 0;
  if (call == EIM_REST_OTHER)
    code = eim_service_code(http_status, why.code, why.description, &message);
  unsigned flags = r->flags & AGAIN ? r->flags : r->flags | EIM_ERROR_FINAL;
  if (call != EIM_REST_REGISTER) flags &= ~(unsigned)MAYBE;
  eim_buf detail = EIM_BUF_INIT;
  eim_buf_printf(&detail, "{\"httpStatus\":%d,\"error\":", http_status);
  eim_buf_json_str(&detail, why.error);
  eim_buf_str(&detail, ",\"description\":");
  eim_buf_json_str(&detail, why.description);
  eim_buf_str(&detail, ",\"exception\":");
  eim_buf_json_str(&detail, why.exception);
  if (why.code) eim_buf_printf(&detail, ",\"errorCode\":%" PRId64, why.code);
  eim_buf_str(&detail, "}");
  eim_error *error = eim_error_new_detail(code ? code : r->code, EIM_DOMAIN_HTTP, http_status,
                                          flags, detail.failed ? NULL : (const char *)detail.data,
                                          "%s (HTTP %d)", message, http_status);
  eim_buf_free(&detail);
  return error;
}

/* ---- answers */

/* A 200 that is no answer, such as the page of a captive portal. */
static eim_error *no_answer(const char *what, unsigned more) {
  return eim_error_new_detail(EIM_E_PROTOCOL, EIM_DOMAIN_HTTP, 200, EIM_ERROR_RETRIABLE | more,
                              "{\"httpStatus\":200}", "the server's answer %s", what);
}

#define TOKEN_MAX 16384
#define TEN_YEARS_S (INT64_C(10) * 365 * 24 * 3600)

/* Seconds; some clusters say milliseconds, which only the size tells (docs/rest.md 5). */
static int64_t expires_in_ms(eim_json value) {
  int64_t number;
  if (!eim_json_loose_i64(value, &number) || number <= 0) return 0;
  return number > TEN_YEARS_S ? number : number * 1000;
}

/* A token is opaque, but it has to fit into a header and a JSON string. */
static bool is_token(const eim_buf *text) {
  if (text->failed || !text->length || text->length > TOKEN_MAX) return false;
  for (size_t i = 0; i < text->length; i++)
    if (text->data[i] <= 0x20 || text->data[i] >= 0x7f) return false;
  return true;
}

eim_error *eim_rest_token_answer(eim_token_answer *out, const void *body, size_t length) {
  eim_json root;
  if (!eim_json_parse(&root, body, length) || eim_json_kind(root) != EIM_JSON_OBJECT)
    return no_answer("is not JSON", 0);
  eim_buf text = EIM_BUF_INIT;
  eim_secret *token = NULL;
  bool there = eim_json_text(eim_json_get(root, "access_token"), &text) && is_token(&text);
  if (there) token = eim_secret_new((const char *)text.data);
  eim_buf_wipe(&text);
  if (!there) return no_answer("has no access_token", 0);
  if (!token)
    return eim_error_new(EIM_E_NOMEM, EIM_DOMAIN_LOCAL, EIM_E_NOMEM, EIM_ERROR_RETRIABLE,
                         "out of memory");
  out->token = token;
  out->expires_in_ms = expires_in_ms(eim_json_get(root, "expires_in"));
  eim_json_copy(eim_json_get(eim_json_get(root, "user"), "username"), out->user, sizeof out->user);
  return NULL;
}

eim_error *eim_rest_expires_answer(int64_t *expires_at, const void *body, size_t length) {
  eim_json root;
  int64_t at;
  if (!eim_json_parse(&root, body, length) || eim_json_kind(root) != EIM_JSON_OBJECT)
    return no_answer("is not JSON", 0);
  if (!eim_json_loose_i64(eim_json_get(root, "expire_timestamp"), &at) || at <= 0)
    return no_answer("has no expire_timestamp", 0);
  *expires_at = at;
  return NULL;
}

eim_error *eim_rest_register_answer(eim_buf *out, const void *body, size_t length) {
  /* Named one by one: whatever else a server puts there might be a secret. */
  static const char *const keys[] = {"uuid",     "type",      "created", "modified",
                                     "username", "activated", "nickname"};
  eim_json root;
  if (!eim_json_parse(&root, body, length) || eim_json_kind(root) != EIM_JSON_OBJECT)
    return no_answer("is not JSON", EIM_ERROR_MAYBE);
  eim_json_iter entities = eim_json_each(eim_json_get(root, "entities"));
  if (entities.object || !eim_json_next(&entities) ||
      eim_json_kind(entities.value) != EIM_JSON_OBJECT)
    return no_answer("has no entities", EIM_ERROR_MAYBE);
  const char *separator = "";
  eim_buf_str(out, "{");
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    eim_json value = eim_json_get(entities.value, keys[i]);
    if (!value.at || eim_json_kind(value) == EIM_JSON_OBJECT ||
        eim_json_kind(value) == EIM_JSON_ARRAY)
      continue;
    eim_buf_printf(out, "%s\"%s\":", separator, keys[i]);
    eim_json_raw(value, out);
    separator = ",";
  }
  eim_buf_str(out, "}");
  return NULL;
}

eim_error *eim_rest_logs_answer(const void *body, size_t length) {
  eim_json root;
  if (!eim_json_parse(&root, body, length)) return no_answer("is not JSON", 0);
  return eim_json_is(eim_json_get(root, "status"), "ok") ? NULL : no_answer("is not ok", 0);
}
