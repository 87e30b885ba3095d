/* The admin API: the library's powers over HTTP. Loopback only unless told; a page in a browser
 * must not reach it, whatever name it resolves to this machine, so Host and Origin are checked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"

static bool same(const char *a, const char *b) {
  return strcmp(a, b) == 0;
}

static bool own_host(const eim_sandbox *self, const char *host) {
  if (!host) return false;
  bool loopback = same(self->admin_bind, "127.0.0.1") || same(self->admin_bind, "::1");
  if (!loopback) return true; /* it was opened to others on purpose */
  static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char expected[64];
    snprintf(expected, sizeof expected, "%s:%d", names[i], self->admin_port);
    if (same(host, expected)) return true;
  }
  return false;
}

static bool own_origin(const eim_sb_request *request) {
  if (!request->origin) return true;
  return strncmp(request->origin, "http://", 7) == 0 && same(request->origin + 7, request->host);
}

static void fail(eim_sandbox *self, eim_sb_request *request, int status, const char *why) {
  cJSON *json = cJSON_CreateObject();
  cJSON_AddStringToObject(json, "error", why);
  eim_sb_answer_json(self, request, status, json);
}

static void done(eim_sandbox *self, eim_sb_request *request, bool good, const char *why) {
  if (good)
    eim_sb_answer(self, request, 200, "{\"ok\":true}");
  else
    fail(self, request, 404, why);
}

static void counted(eim_sandbox *self, eim_sb_request *request, int count) {
  char text[40];
  snprintf(text, sizeof text, "{\"ok\":true,\"count\":%d}", count);
  eim_sb_answer(self, request, 200, text);
}

static void sessions(eim_sandbox *self, eim_sb_request *request) {
  cJSON *list = cJSON_CreateArray();
  for (const eim_sb_conn *conn = self->conns; conn; conn = conn->next) {
    cJSON *entry = cJSON_CreateObject();
    if (conn->user) cJSON_AddStringToObject(entry, "user", conn->user->name);
    if (conn->device) cJSON_AddStringToObject(entry, "resource", conn->device->resource);
    if (conn->device) cJSON_AddNumberToObject(entry, "waiting", conn->device->waiting);
    if (conn->session_id) cJSON_AddStringToObject(entry, "sessionId", conn->session_id);
    cJSON_AddNumberToObject(entry, "since", (double)conn->since);
    cJSON_AddBoolToObject(entry, "frozen", conn->paused);
    cJSON_AddBoolToObject(entry, "lz4Up", conn->unpacker != NULL);
    cJSON_AddBoolToObject(entry, "lz4Down", conn->packer != NULL);
    cJSON_AddItemToArray(list, entry);
  }
  eim_sb_answer_json(self, request, 200, list);
}

static void users(eim_sandbox *self, eim_sb_request *request) {
  cJSON *list = cJSON_CreateArray();
  for (size_t i = 0; i < EIM_SB_BUCKETS; i++) {
    for (const eim_sb_user *user = self->users[i]; user; user = user->next) {
      cJSON *entry = cJSON_CreateObject();
      cJSON_AddStringToObject(entry, "user", user->name);
      cJSON_AddBoolToObject(entry, "activated", user->activated);
      cJSON_AddNumberToObject(entry, "waiting", eim_sandbox_waiting(self, user->name));
      cJSON_AddItemToArray(list, entry);
    }
  }
  eim_sb_answer_json(self, request, 200, list);
}

static void counters(eim_sandbox *self, eim_sb_request *request) {
  cJSON *json = cJSON_CreateObject();
  for (int i = 0; i < EIM_SANDBOX_WHAT_COUNT; i++)
    cJSON_AddNumberToObject(json, eim_sb_what_name((eim_sandbox_what)i), (double)self->counts[i]);
  eim_sb_answer_json(self, request, 200, json);
}

static void log_list(eim_sandbox *self, eim_sb_request *request) {
  request->status = 200;
  request->type = "application/json;charset=utf-8";
  eim_sb_log_json(self, &request->answer);
}

static void uploaded(eim_sandbox *self, eim_sb_request *request) {
  char name[EIM_SB_MAX_NAME + 1] = "";
  eim_sb_query(request, "user", name, sizeof name);
  const eim_sb_user *user = eim_sb_find_user(self, name);
  if (!user) {
    fail(self, request, 404, "no such user; /logs?user=NAME");
    return;
  }
  cJSON *json = cJSON_CreateObject();
  cJSON_AddStringToObject(json, "user", user->name);
  cJSON_AddStringToObject(json, "resource", user->logs_resource ? user->logs_resource : "");
  cJSON_AddNumberToObject(json, "uploads", (double)user->logs_uploads);
  cJSON_AddStringToObject(json, "text", user->logs.data ? (char *)user->logs.data : "");
  eim_sb_answer_json(self, request, 200, json);
}

static double number(const cJSON *body, const char *name, double otherwise) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(body, name);
  return cJSON_IsNumber(item) ? item->valuedouble : otherwise;
}

static void post_fail(eim_sandbox *self, eim_sb_request *request, const cJSON *body) {
  int what = eim_sb_what_of(eim_sb_string(body, "what")),
      by = eim_sb_by_of(eim_sb_string(body, "how"));
  double n = number(body, "n", 1);
  if (what < 0)
    fail(self, request, 400,
         "what: dns, register, token, expires, upgrade, provision, unread, sync, send, logs, rest");
  else if (by < 0 && n > 0)
    fail(self, request, 400, "how: http, status, text-close, disconnect, silence, garbage");
  else if (n < 0 || n > 1000000)
    fail(self, request, 400, "n: 0 to 1000000");
  else {
    eim_sandbox_failure how = {by < 0 ? EIM_SANDBOX_BY_HTTP : (eim_sandbox_by)by,
                               (int)number(body, "status", 0), eim_sb_string(body, "text")};
    done(self, request, eim_sandbox_fail_next(self, (eim_sandbox_what)what, (int)n, &how),
         "no memory");
  }
}

/* "hex" or "text" of /raw and /push. */
static bool bytes_of(const cJSON *body, eim_buf *out) {
  const char *hex = eim_sb_string(body, "hex"), *text = eim_sb_string(body, "text");
  if (!hex) {
    if (text) eim_buf_str(out, text);
    return text && !out->failed;
  }
  for (; hex[0] && hex[1]; hex += 2) {
    char pair[3] = {hex[0], hex[1], 0}, *end;
    uint8_t byte = (uint8_t)strtoul(pair, &end, 16);
    if (end != pair + 2) return false;
    eim_buf_add(out, &byte, 1);
  }
  return !*hex && !out->failed;
}

static void post_raw(eim_sandbox *self, eim_sb_request *request, const cJSON *body,
                     const char *user) {
  eim_buf bytes = EIM_BUF_INIT;
  if (!bytes_of(body, &bytes))
    fail(self, request, 400, "hex or text is needed");
  else
    counted(self, request,
            eim_sandbox_raw(self, user, bytes.data ? (void *)bytes.data : "", bytes.length,
                            !eim_sb_string(body, "hex")));
  eim_buf_free(&bytes);
}

static void post_push(eim_sandbox *self, eim_sb_request *request, const cJSON *body,
                      const char *user) {
  uint64_t id = 0;
  const char *from = eim_sb_string(body, "from");
  if (eim_sb_string(body, "hex")) {
    eim_buf bytes = EIM_BUF_INIT;
    if (bytes_of(body, &bytes)) id = eim_sandbox_push_meta(self, user, bytes.data, bytes.length);
    eim_buf_free(&bytes);
  } else {
    id = eim_sandbox_push(self, user, from ? from : "admin", eim_sb_string(body, "text"));
  }
  if (!id) {
    fail(self, request, 404, "no such user, or neither text nor a Meta in hex");
    return;
  }
  char text[64];
  snprintf(text, sizeof text, "{\"ok\":true,\"id\":\"%llu\"}", (unsigned long long)id);
  eim_sb_answer(self, request, 200, text);
}

static void post_group(eim_sandbox *self, eim_sb_request *request, const cJSON *body) {
  const cJSON *members = cJSON_GetObjectItemCaseSensitive(body, "members"), *member;
  size_t size = cJSON_IsArray(members) ? (size_t)cJSON_GetArraySize(members) : 0, count = 0;
  const char **names = calloc(size + 1, sizeof *names);
  if (names) {
    cJSON_ArrayForEach(member, members) {
      if (cJSON_IsString(member)) names[count++] = member->valuestring;
    }
    bool room = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(body, "room"));
    bool good = eim_sandbox_add_group(self, eim_sb_string(body, "id"), room, names, count);
    if (good)
      done(self, request, true, NULL);
    else
      fail(self, request, 400, "id and members are needed");
  } else {
    fail(self, request, 500, "no memory");
  }
  free(names);
}

static void post_moderation(eim_sandbox *self, eim_sb_request *request, const cJSON *body) {
  const cJSON *list = cJSON_GetObjectItemCaseSensitive(body, "words"), *word;
  size_t size = cJSON_IsArray(list) ? (size_t)cJSON_GetArraySize(list) : 0, count = 0;
  const char **words = calloc(size + 1, sizeof *words);
  cJSON_ArrayForEach(word, list) {
    if (words && cJSON_IsString(word)) words[count++] = word->valuestring;
  }
  if (words && eim_sandbox_moderate(self, words, count, eim_sb_string(body, "as")))
    done(self, request, true, NULL);
  else
    fail(self, request, 400, "as: sensitive, antispam, moderation, callback; 1000 words at most");
  free(words);
}

static void post_user(eim_sandbox *self, eim_sb_request *request, const cJSON *body,
                      const char *user) {
  const char *password = eim_sb_string(body, "password");
  const cJSON *active = cJSON_GetObjectItemCaseSensitive(body, "active");
  if (!user)
    fail(self, request, 400, "user is needed");
  else if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(body, "remove")))
    done(self, request, eim_sandbox_remove_user(self, user), "no such user");
  else if (cJSON_IsBool(active))
    done(self, request, eim_sandbox_set_active(self, user, cJSON_IsTrue(active)), "no such user");
  else if (!password)
    fail(self, request, 400, "password is needed");
  else if (eim_sandbox_add_user(self, user, password)) /* also one that --data brought: no change */
    done(self, request, true, NULL);
  else if (eim_sb_find_user(self, user))
    done(self, request, eim_sandbox_set_password(self, user, password), "bad password");
  else
    fail(self, request, 400, "bad user or password");
}

static void post_token(eim_sandbox *self, eim_sb_request *request, const cJSON *body,
                       const char *user) {
  char token[128];
  double ttl = number(body, "ttl", 0);
  if (ttl < -1 || ttl > 1e9 ||
      !eim_sandbox_issue_token(self, user, (int64_t)ttl, token, sizeof token)) {
    fail(self, request, 404, "no such user");
    return;
  }
  cJSON *json = cJSON_CreateObject();
  cJSON_AddStringToObject(json, "access_token", token);
  eim_wipe(token, sizeof token);
  eim_sb_answer_json(self, request, 200, json);
}

static void post(eim_sandbox *self, eim_sb_request *request, const char *path, const cJSON *body) {
  const char *user = eim_sb_string(body, "user");
  const cJSON *on = cJSON_GetObjectItemCaseSensitive(body, "on");
  if (same(path, "/kick")) {
    counted(self, request,
            user ? eim_sandbox_kick(self, user, eim_sb_string(body, "resource"),
                                    (int)number(body, "operation", EIM_SANDBOX_KICK_FORCED),
                                    eim_sb_string(body, "reason"))
                 : 0);
  } else if (same(path, "/cut")) {
    counted(self, request, eim_sandbox_cut(self, user));
  } else if (same(path, "/freeze")) {
    done(self, request, eim_sandbox_freeze(self, user, !cJSON_IsFalse(on)), "no such user");
  } else if (same(path, "/delay")) {
    double ms = number(body, "ms", 0);
    eim_sandbox_delay(self, ms > 0 && ms < 3600000 ? (int)ms : 0);
    done(self, request, true, NULL);
  } else if (same(path, "/expire")) {
    done(self, request, eim_sandbox_expire_token(self, user), "no such user");
  } else if (same(path, "/clock")) {
    double ms = number(body, "ms", 0);
    if (ms > -1e13 && ms < 1e13) eim_sandbox_move_clock(self, (int64_t)ms);
    char text[64];
    snprintf(text, sizeof text, "{\"ok\":true,\"now\":%lld}", (long long)eim_sb_now(self));
    eim_sb_answer(self, request, 200, text);
  } else if (same(path, "/report")) {
    double ms = number(body, "ms", 300000);
    if (ms < 1 || ms > 1e13) ms = 300000;
    eim_sandbox_report_logs(self, !cJSON_IsFalse(on), (int64_t)ms);
    done(self, request, true, NULL);
  } else if (same(path, "/fail"))
    post_fail(self, request, body);
  else if (same(path, "/push"))
    post_push(self, request, body, user);
  else if (same(path, "/raw"))
    post_raw(self, request, body, user);
  else if (same(path, "/users"))
    post_user(self, request, body, user);
  else if (same(path, "/groups"))
    post_group(self, request, body);
  else if (same(path, "/moderation"))
    post_moderation(self, request, body);
  else if (same(path, "/token"))
    post_token(self, request, body, user);
  else if (same(path, "/clear")) {
    eim_sandbox_clear_log(self);
    done(self, request, true, NULL);
  } else
    fail(self, request, 404, "no such call; see docs/sandbox.md");
}

void eim_sb_admin(eim_sandbox *self, eim_sb_request *request) {
  static const struct {
    const char *path;
    void (*run)(eim_sandbox *, eim_sb_request *);
  } gets[] = {{"/sessions", sessions},
              {"/users", users},
              {"/counters", counters},
              {"/log", log_list},
              {"/logs", uploaded}};
  if (!own_host(self, request->host) || !own_origin(request)) {
    fail(self, request, 403, "foreign Host or Origin");
    return;
  }
  for (size_t i = 0; same(request->method, "GET") && i < sizeof gets / sizeof *gets; i++) {
    if (!same(request->path, gets[i].path)) continue;
    gets[i].run(self, request);
    return;
  }
  if (!same(request->method, "POST")) {
    fail(self, request, 404, "no such call; see docs/sandbox.md");
    return;
  }
  cJSON *body =
      request->body.length && eim_utf8_valid((char *)request->body.data, request->body.length)
          ? cJSON_ParseWithLength((char *)request->body.data, request->body.length)
          : NULL;
  if (!cJSON_IsObject(body))
    fail(self, request, 400, "the body must be a JSON object");
  else
    post(self, request, request->path, body);
  cJSON_Delete(body);
}
