/* What was asked of the sandbox, without secrets: tokens and passwords appear as the first digits
 * of their hash, so that a test can tell which one was used. */
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"

static void add(eim_sandbox *self, eim_buf *entry) {
  if (entry->failed || !entry->data) {
    eim_buf_free(entry);
    return;
  }
  free(self->log[self->log_next]);
  self->log[self->log_next] = (char *)entry->data;
  self->log_next = (self->log_next + 1) % EIM_SB_LOG;
  if (self->log_count < EIM_SB_LOG) self->log_count++;
}

static void member(eim_buf *out, const char *name, const char *value) {
  eim_buf_printf(out, ",\"%s\":", name);
  eim_buf_json_str(out, value);
}

static void hashed(eim_buf *out, const char *name, const char *secret) {
  if (!secret) return;
  char text[13];
  eim_sb_hash_text(secret, text);
  member(out, name, text);
}

void eim_sb_log_rest(eim_sandbox *self, const eim_sb_request *request) {
  eim_buf out = EIM_BUF_INIT;
  eim_buf_printf(&out, "{\"t\":%lld,\"kind\":\"rest\",\"status\":%d", (long long)eim_sb_now(self),
                 request->dropped || request->silent ? 0 : request->status);
  member(&out, "method", request->method);
  member(&out, "path", request->path);
  size_t query = strlen(request->query); /* "name=value" lines */
  if (query) eim_buf_printf(&out, ",\"query\":");
  char *shown = query ? strndup(request->query, query - 1) : NULL;
  for (char *c = shown; c && *c; c++)
    if (*c == '\n') *c = '&';
  if (query) eim_buf_json_str(&out, shown);
  free(shown);
  hashed(&out, "token", request->token);
  cJSON *body = request->body.length && request->body.length < 65536
                    ? cJSON_ParseWithLength((char *)request->body.data, request->body.length)
                    : NULL;
  if (cJSON_IsObject(body)) {
    const char *name = eim_sb_string(body, "username"), *grant = eim_sb_string(body, "grant_type");
    if (name) member(&out, "username", name);
    if (grant) member(&out, "grant_type", grant);
    hashed(&out, "password", eim_sb_string(body, "password"));
    hashed(&out, "password", eim_sb_string(body, "newpassword"));
    hashed(&out, "client_secret", eim_sb_string(body, "client_secret"));
  }
  cJSON_Delete(body);
  eim_buf_str(&out, "}");
  add(self, &out);
}

void eim_sb_log_frame(eim_sandbox *self, const eim_sb_conn *conn, const char *what,
                      const char *detail) {
  eim_buf out = EIM_BUF_INIT;
  eim_buf_printf(&out, "{\"t\":%lld,\"kind\":\"socket\"", (long long)eim_sb_now(self));
  member(&out, "what", what);
  if (conn->user) member(&out, "user", conn->user->name);
  if (conn->device) member(&out, "resource", conn->device->resource);
  if (detail && strcmp(what, "provision") == 0)
    hashed(&out, "token", detail);
  else if (detail)
    member(&out, "name", detail);
  eim_buf_str(&out, "}");
  add(self, &out);
}

void eim_sb_log_clear(eim_sandbox *self) {
  for (size_t i = 0; i < EIM_SB_LOG; i++) {
    free(self->log[i]);
    self->log[i] = NULL;
  }
  self->log_next = self->log_count = 0;
}

void eim_sb_log_json(const eim_sandbox *self, eim_buf *out) {
  eim_buf_str(out, "[");
  for (size_t i = 0; i < self->log_count; i++) {
    if (i) eim_buf_str(out, ",\n");
    eim_buf_str(out, self->log[(self->log_next + EIM_SB_LOG - self->log_count + i) % EIM_SB_LOG]);
  }
  eim_buf_str(out, "]");
}
