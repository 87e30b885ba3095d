/* REST: which path is what, and how answers and refusals look (docs/rest.md 1, 4). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"

void eim_sb_answer(eim_sandbox *self, eim_sb_request *request, int status, const char *json) {
  (void)self;
  request->status = status;
  request->type = "application/json;charset=utf-8";
  eim_buf_clear(&request->answer);
  eim_buf_str(&request->answer, json);
}

/* What was made shorter to fit may have lost a part of a character, and what came in a URL may be
 * no UTF-8 at all. */
static void drop_no_utf8(char *text) {
  if (eim_utf8_valid(text, strlen(text))) return;
  char *to = text;
  for (const char *at = text; *at;) {
    size_t n = eim_utf8_length(at);
    if (n) memmove(to, at, n);
    to += n;
    at += n ? n : 1;
  }
  *to = 0;
}

void eim_sb_answer_json(eim_sandbox *self, eim_sb_request *request, int status, cJSON *json) {
  char *text = json ? cJSON_PrintUnformatted(json) : NULL;
  cJSON_Delete(json);
  if (text) drop_no_utf8(text);
  if (text)
    eim_sb_answer(self, request, status, text);
  else
    eim_sb_answer(self, request, 500, "{\"error\":\"out of memory\"}");
  if (text) eim_wipe(text, strlen(text));
  cJSON_free(text);
}

void eim_sb_refuse(eim_sandbox *self, eim_sb_request *request, int status, const char *error,
                   const char *exception, const char *description) {
  cJSON *json = cJSON_CreateObject();
  cJSON_AddStringToObject(json, "error", error);
  cJSON_AddStringToObject(json, "exception", exception);
  cJSON_AddNumberToObject(json, "timestamp", (double)eim_sb_now(self));
  cJSON_AddNumberToObject(json, "duration", 0);
  cJSON_AddStringToObject(json, "error_description", description);
  eim_sb_answer_json(self, request, status, json);
}

cJSON *eim_sb_envelope(eim_sandbox *self, const char *action, const char *path) {
  cJSON *json = cJSON_CreateObject();
  cJSON_AddStringToObject(json, "action", action);
  cJSON_AddStringToObject(json, "application", self->app_uuid);
  cJSON_AddStringToObject(json, "path", path);
  eim_buf uri = EIM_BUF_INIT;
  eim_buf_printf(&uri, "%s/%s/%s%s", self->api_url, self->org, self->app, path);
  cJSON_AddStringToObject(json, "uri", uri.failed ? "" : (char *)uri.data);
  eim_buf_free(&uri);
  cJSON_AddNumberToObject(json, "timestamp", (double)eim_sb_now(self));
  cJSON_AddNumberToObject(json, "duration", 0);
  cJSON_AddStringToObject(json, "organization", self->org);
  cJSON_AddStringToObject(json, "applicationName", self->app);
  return json;
}

cJSON *eim_sb_user_json(const eim_sb_user *user) {
  cJSON *json = cJSON_CreateObject();
  cJSON_AddStringToObject(json, "uuid", user->uuid);
  cJSON_AddStringToObject(json, "type", "user");
  cJSON_AddNumberToObject(json, "created", (double)user->created);
  cJSON_AddNumberToObject(json, "modified", (double)user->modified);
  cJSON_AddStringToObject(json, "username", user->name);
  cJSON_AddBoolToObject(json, "activated", user->activated);
  if (user->nickname) cJSON_AddStringToObject(json, "nickname", user->nickname);
  return json;
}

const char *eim_sb_string(const cJSON *object, const char *name) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
  return cJSON_IsString(item) ? item->valuestring : NULL;
}

bool eim_sb_query(const eim_sb_request *request, const char *name, char *out, size_t size) {
  size_t length = strlen(name);
  for (const char *at = request->query; *at;) {
    const char *end = strchr(at, '\n');
    if (!end) end = at + strlen(at);
    if (strncmp(at, name, length) == 0 && at[length] == '=') {
      snprintf(out, size, "%.*s", (int)(end - at - (ptrdiff_t)length - 1), at + length + 1);
      drop_no_utf8(out);
      return true;
    }
    at = *end ? end + 1 : end;
  }
  return false;
}

cJSON *eim_sb_parse_body(eim_sandbox *self, eim_sb_request *request) {
  const char *text = request->body.data ? (const char *)request->body.data : "", *where = text;
  cJSON *json = NULL;
  if (eim_utf8_valid(text, request->body.length) && memchr(text, 0, request->body.length) == NULL)
    json = cJSON_ParseWithOpts(text, &where, 1);
  if (json && (cJSON_IsObject(json) || cJSON_IsArray(json))) return json;
  cJSON_Delete(json);
  char description[160];
  unsigned char c = where ? (unsigned char)*where : 0;
  if (c >= 32 && c < 127)
    snprintf(
        description, sizeof description,
        "Unexpected character ('%c' (code %u)): was expecting a JSON value\n at [Source: body]", c,
        c);
  else
    snprintf(description, sizeof description, "Unexpected end-of-input\n at [Source: body]");
  eim_sb_refuse(self, request, 400, "json_parse", "com.fasterxml.jackson.core.JsonParseException",
                description);
  return NULL;
}

static bool well_formed(const char *token) {
  size_t length = strlen(token);
  if (length < 20 || (strncmp(token, "YWMt", 4) != 0 && strncmp(token, "ZHQt", 4) != 0))
    return false;
  return strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
         length;
}

/* docs/rest.md 4, "Token errors on any authenticated call". */
bool eim_sb_authorize(eim_sandbox *self, eim_sb_request *request, const eim_sb_user *owner,
                      bool app_only) {
  static const char security[] = "EasemobSecurityException";
  const eim_sb_token *token = eim_sb_find_token(self, request->token);
  if (!request->token || !*request->token || (token && eim_sb_token_expired(self, token))) {
    eim_sb_refuse(self, request, 401, "unauthorized", security,
                  "Unable to authenticate due to expired access token");
    return false;
  }
  if (!token) {
    eim_sb_refuse(self, request, 401, "auth_bad_access_token", security,
                  well_formed(request->token)
                      ? "Unable to authenticate"
                      : "Unable to authenticate due to corrupt access token");
    return false;
  }
  if (!token->user) return true;
  if (!token->user->activated) {
    eim_sb_refuse(self, request, 403, "forbidden_service_operation", "EasemobForbiddenOpException",
                  "Service operation not allowed");
    return false;
  }
  if (app_only || (owner && token->user != owner)) {
    char description[160];
    snprintf(description, sizeof description,
             "Subject does not have permission [applications:%s:%s:/users/%s]",
             strcmp(request->method, "GET") == 0 ? "get" : "post", self->app_uuid,
             owner ? owner->uuid : "*");
    eim_sb_refuse(self, request, 401, "unauthorized",
                  "org.apache.shiro.authz.UnauthorizedException", description);
    return false;
  }
  return true;
}

/* Applies a REST fault. */
static void misbehave(eim_sandbox *self, eim_sb_request *request, const eim_sb_fault *fault) {
  switch (fault->by) {
  case EIM_SANDBOX_BY_HTTP:
  case EIM_SANDBOX_BY_STATUS:
    eim_sb_answer(self, request, fault->status ? fault->status : 400,
                  fault->text ? fault->text : "");
    break;
  case EIM_SANDBOX_BY_GARBAGE:
    eim_sb_answer(self, request, fault->status ? fault->status : 200,
                  fault->text ? fault->text : "<html>\x01{\"access_token\":\xff");
    break;
  case EIM_SANDBOX_BY_SILENCE: request->silent = true; break;
  case EIM_SANDBOX_BY_TEXT_CLOSE:
  case EIM_SANDBOX_BY_DISCONNECT: request->dropped = true; break;
  }
}

/* docs/protocol.md 2, docs/rest.md 14: any app key, hosts that are this sandbox. */
static void server_json(eim_sandbox *self, eim_sb_request *request) {
  const char *host = strcmp(self->bind, "0.0.0.0") == 0 ? "127.0.0.1"
                     : strcmp(self->bind, "::") == 0    ? "::1"
                                                        : self->bind;
  const char *protocol = self->options.tls ? "https" : "http";
  eim_buf hosts = EIM_BUF_INIT, out = EIM_BUF_INIT;
  eim_buf_printf(&hosts,
                 "{\"hosts\":[{\"protocol\":\"%s\",\"domain\":\"%s\",\"ip\":\"%s\",\"port\":\"%d\","
                 "\"priority\":\"1\"}]}",
                 protocol, host, host, self->port);
  if (!hosts.failed)
    eim_buf_printf(
        &out,
        "{\"file_version\":\"1\",\"deploy_name\":\"sandbox\",\"rest\":%s,\"msync-wx\":%s,"
        "\"msync-ws\":%s,\"enableReportLogs\":\"%s\",\"reportInterval\":\"%lld\","
        "\"enableDataReport\":\"false\",\"uploadinparts_enable\":\"%s\"}",
        (char *)hosts.data, (char *)hosts.data, (char *)hosts.data,
        self->options.report_logs ? "true" : "false", (long long)self->options.report_interval,
        self->options.no_parts ? "false" : "true");
  if (!out.failed && out.data)
    eim_sb_answer(self, request, 200, (char *)out.data);
  else
    request->dropped = true;
  eim_buf_free(&hosts);
  eim_buf_free(&out);
}

/* docs/protocol.md 3.5 */
static void logs(eim_sandbox *self, eim_sb_request *request, const char *name) {
  eim_sb_user *user = eim_sb_find_user(self, name);
  if (!eim_sb_authorize(self, request, user, false)) return;
  cJSON *body = eim_sb_parse_body(self, request);
  if (!body) return;
  const char *resource = eim_sb_string(body, "resource"), *text = eim_sb_string(body, "logContent");
  if (!resource || !text)
    eim_sb_refuse(self, request, 400, "illegal_argument", "java.lang.IllegalArgumentException",
                  "resource and logContent must be provided");
  else if (!user)
    eim_sb_refuse(self, request, 404, "service_resource_not_found", "UserNotFoundException",
                  "Service resource not found");
  else if (eim_sb_keep_logs(user, resource, text))
    eim_sb_answer(self, request, 200, "{\"status\":\"ok\"}");
  else
    request->dropped = true;
  cJSON_Delete(body);
}

/* docs/protocol.md 3.3 */
static void expires(eim_sandbox *self, eim_sb_request *request, const char *name) {
  eim_sb_user *user = eim_sb_find_user(self, name);
  if (!eim_sb_authorize(self, request, user, false)) return;
  const eim_sb_token *token = eim_sb_find_token(self, request->token);
  if (!user || token->user != user) {
    eim_sb_refuse(self, request, 404, "service_resource_not_found", "UserNotFoundException",
                  "Service resource not found");
    return;
  }
  char text[64]; /* a token that never ends: 2100-01-01, proposed */
  snprintf(text, sizeof text, "{\"expire_timestamp\":%lld}",
           token->expires_at ? (long long)token->expires_at : 4102444800000ll);
  eim_sb_answer(self, request, 200, text);
}

static bool is(const char *a, const char *b) {
  return a && strcmp(a, b) == 0;
}

static bool method(eim_sandbox *self, eim_sb_request *request, const char *wanted) {
  if (is(request->method, wanted)) return true;
  eim_sb_refuse(self, request, 405, "web_application", "javax.ws.rs.NotAllowedException",
                "HTTP 405 Method Not Allowed");
  return false;
}

/* docs/rest.md 1: a wrong or missing body type. */
static bool json_type(eim_sandbox *self, eim_sb_request *request) {
  if (request->content_type && strncasecmp(request->content_type, "application/json", 16) == 0)
    return true;
  eim_sb_refuse(self, request, 415, "web_application", "javax.ws.rs.NotSupportedException",
                "HTTP 415 Unsupported Media Type");
  return false;
}

static eim_sandbox_what classify(char **parts, int count, const char *verb) {
  if (count == 2 && is(parts[0], "easemob") && is(parts[1], "server.json")) return EIM_SANDBOX_DNS;
  if (count == 3 && is(parts[2], "users") && is(verb, "POST")) return EIM_SANDBOX_REGISTER;
  if (count == 3 && is(parts[2], "token")) return EIM_SANDBOX_TOKEN;
  if (count == 7 && is(parts[2], "sdk") && is(parts[3], "users")) {
    if (is(parts[5], "token") && is(parts[6], "expires")) return EIM_SANDBOX_EXPIRES;
    if (is(parts[5], "client") && is(parts[6], "logs")) return EIM_SANDBOX_LOGS;
  }
  return EIM_SANDBOX_REST;
}

/* docs/protocol.md 4: what a SockJS client asks before it connects. Its fallbacks over HTTP are not
 * there. */
static void sockjs_info(eim_sandbox *self, eim_sb_request *request) {
  char text[128];
  request->with_credentials = request->origin != NULL;
  snprintf(text, sizeof text,
           "{\"websocket\":true,\"origins\":[\"*:*\"],\"cookie_needed\":false,\"entropy\":%lu}",
           (unsigned long)(eim_random_next(&self->random) & 0xffffffff));
  eim_sb_answer(self, request, 200, text);
}

static void route(eim_sandbox *self, eim_sb_request *request, eim_sandbox_what what, char **parts,
                  int count) {
  if (what == EIM_SANDBOX_DNS) {
    if (method(self, request, "GET")) server_json(self, request);
    return;
  }
  if (count == 2 && is(parts[0], "ws") && is(parts[1], "info")) {
    if (method(self, request, "GET")) sockjs_info(self, request);
    return;
  }
  if (count >= 2 && (!is(parts[0], self->org) || !is(parts[1], self->app))) {
    char description[400];
    snprintf(description, sizeof description,
             "Could not find application for %.60s/%.60s from URI: %.60s/%.60s/%.60s", parts[0],
             parts[1], parts[0], parts[1], count > 2 ? parts[2] : "");
    eim_sb_refuse(self, request, 404, "organization_application_not_found",
                  "org.apache.usergrid.rest.exceptions.OrganizationApplicationNotFoundException",
                  description);
    return;
  }
  switch (what) {
  case EIM_SANDBOX_REGISTER:
    if (json_type(self, request)) eim_sb_rest_register(self, request);
    return;
  case EIM_SANDBOX_TOKEN:
    if (method(self, request, "POST") && json_type(self, request)) eim_sb_rest_token(self, request);
    return;
  case EIM_SANDBOX_EXPIRES:
    if (method(self, request, "GET")) expires(self, request, parts[4]);
    return;
  case EIM_SANDBOX_LOGS:
    if (method(self, request, "POST") && json_type(self, request)) logs(self, request, parts[4]);
    return;
  default: break;
  }
  if ((count == 3 || count == 4) && is(parts[2], "chatfiles")) {
    eim_sb_rest_files(self, request, count == 4 ? parts[3] : NULL);
    return;
  }
  if ((count == 5 || count == 6) && is(parts[2], "sdk") && is(parts[3], "chatfiles") &&
      is(parts[4], "part-upload")) {
    eim_sb_rest_parts(self, request, count == 6 ? parts[5] : NULL);
    return;
  }
  if (eim_sb_rest_social(self, request, parts + 2, count - 2)) return;
  if (count >= 3 && is(parts[2], "users")) {
    eim_sb_rest_account(self, request, parts + 3, count - 3);
    if (request->status) return;
  }
  eim_sb_refuse(self, request, 404, "service_resource_not_found",
                "ServiceResourceNotFoundException", "Service resource not found");
}

void eim_sb_rest(eim_sandbox *self, eim_sb_request *request) {
  if (is(request->method, "OPTIONS")) { /* a browser asks before it asks */
    eim_sb_answer(self, request, 200, "");
    return;
  }
  char *parts[10], *save = NULL, *copy = eim_strdup(request->path);
  int count = 0;
  for (char *part = copy ? strtok_r(copy, "/", &save) : NULL; part;
       part = strtok_r(NULL, "/", &save)) {
    if (count == 10) {
      count = 0;
      break;
    }
    parts[count++] = part;
  }
  eim_sandbox_what what = classify(parts, count, request->method);
  self->counts[what]++;
  const eim_sb_fault *fault = eim_sb_fault_take(self, what);
  if (fault)
    misbehave(self, request, fault);
  else
    route(self, request, what, parts, count);
  free(copy);
  eim_sb_log_rest(self, request);
}
