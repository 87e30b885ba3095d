/* The C runner of tests/scenarios: what every language must do alike (README.md there). */
#include <arpa/inet.h>
#include <cjson/cJSON.h>
#include <dirent.h>
#include <eim/eim.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS_MAX = 8, REQUESTS_MAX = 64, MESSAGES_MAX = 64, DEADLINE = 10000 };

typedef struct player {
  char name[32];
  eim_context *context;
  eim_client *client;
  cJSON *events; /* array of {"event": name, fields…} */
  int cursor;
  bool was_shut_down;
  eim_message *messages[MESSAGES_MAX]; /* what arrived, for the calls that take a message */
  int message_count;
} player;

typedef struct request {
  char name[64];
  player *who;
} request; /* its token is its place plus one */

static player players[CLIENTS_MAX];
static int player_count;
static request requests[REQUESTS_MAX];
static int request_count;
static cJSON *variables;
static const char *running; /* name of the scenario */
static bool failed;

static void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void fail(const char *format, ...) {
  va_list args;
  va_start(args, format);
  fprintf(stderr, "  %s: ", running);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
  va_end(args);
  failed = true;
}

static int64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- events as JSON */

static cJSON *parse(const char *text) {
  cJSON *value = cJSON_Parse(text ? text : "{}");
  return value ? value : cJSON_CreateNull();
}

static cJSON *event(player *who, const char *name) {
  cJSON *e = cJSON_CreateObject();
  cJSON_AddStringToObject(e, "event", name);
  cJSON_AddItemToArray(who->events, e);
  return e;
}

static void add_error(cJSON *e, const eim_error *error) {
  cJSON_AddNumberToObject(e, "code", error ? eim_error_code(error) : 0);
  cJSON_AddStringToObject(e, "name", error ? eim_error_name(error) : "");
  cJSON_AddStringToObject(e, "message", error ? eim_error_message(error) : "");
  cJSON_AddItemToObject(e, "detail", parse(error ? eim_error_detail(error) : "{}"));
  cJSON_AddBoolToObject(e, "mayHaveHappened", error && eim_error_may_have_happened(error));
}

static void add_change(player *who, const char *name, const eim_state_change *c) {
  cJSON *e = event(who, name);
  cJSON_AddStringToObject(e, "state", eim_state_name(eim_state_change_state(c)));
  cJSON_AddStringToObject(e, "previous", eim_state_name(eim_state_change_previous(c)));
  cJSON_AddNumberToObject(e, "attempt", eim_state_change_attempt(c));
  cJSON_AddNumberToObject(e, "nextRetryMs", (double)eim_state_change_next_retry_ms(c));
  cJSON_AddBoolToObject(e, "willRetry", eim_state_change_will_retry(c));
  cJSON_AddStringToObject(e, "user", eim_state_change_user(c));
  cJSON_AddStringToObject(e, "resource", eim_state_change_resource(c));
  add_error(e, eim_state_change_cause(c));
}

static void add_token(player *who, const char *name, const eim_token_event *t) {
  cJSON *e = event(who, name);
  cJSON_AddNumberToObject(e, "reason", eim_token_event_reason(t));
  cJSON_AddNumberToObject(e, "expiresAt", (double)eim_token_event_expires_at(t));
  cJSON_AddNumberToObject(e, "remainingMs", (double)eim_token_event_remaining_ms(t));
  cJSON_AddNumberToObject(e, "deadlineMs", (double)eim_token_event_deadline_ms(t));
}

static const char *chat_type(eim_chat_type type) {
  return type == EIM_CHAT_SINGLE ? "single" : type == EIM_CHAT_GROUP ? "group" : "room";
}

static void on_state(void *p, const eim_state_change *c) {
  add_change(p, "state", c);
}
static void on_connected(void *p, const eim_state_change *c) {
  add_change(p, "connected", c);
}
static void on_disconnected(void *p, const eim_state_change *c) {
  add_change(p, "disconnected", c);
}
static void on_reconnecting(void *p, const eim_state_change *c) {
  add_change(p, "reconnecting", c);
}
static void on_will(void *p, const eim_token_event *t) {
  add_token(p, "token_will_expire", t);
}
static void on_expired(void *p, const eim_token_event *t) {
  add_token(p, "token_expired", t);
}
static void on_request(void *p, const eim_token_event *t) {
  add_token(p, "token_request", t);
}

static void on_error(void *p, const eim_error *error) {
  cJSON *e = event(p, "error");
  add_error(e, error);
  cJSON_AddNumberToObject(e, "domain", eim_error_domain(error));
  cJSON_AddNumberToObject(e, "native", eim_error_native(error));
  cJSON_AddBoolToObject(e, "isRetriable", eim_error_is_retriable(error));
  cJSON_AddBoolToObject(e, "isFinal", eim_error_is_final(error));
  cJSON_AddNumberToObject(e, "webCode", eim_error_web_code(error));
}

static void on_message(void *p, const eim_message *m) {
  player *who = p;
  cJSON *e = event(p, "message");
  if (who->message_count < MESSAGES_MAX) who->messages[who->message_count++] = eim_message_ref(m);
  cJSON_AddStringToObject(e, "id", eim_message_id(m));
  cJSON_AddStringToObject(e, "from", eim_message_from(m));
  cJSON_AddStringToObject(e, "to", eim_message_to(m));
  cJSON_AddStringToObject(e, "fromResource", eim_message_from_resource(m));
  cJSON_AddNumberToObject(e, "time", (double)eim_message_time(m));
  cJSON_AddStringToObject(e, "type", eim_message_type(m));
  cJSON_AddStringToObject(e, "chatType", chat_type(eim_message_get_chat_type(m)));
  if (eim_message_text(m)) cJSON_AddStringToObject(e, "text", eim_message_text(m));
  cJSON_AddItemToObject(e, "ext", parse(eim_message_ext(m)));
  cJSON_AddItemToObject(e, "body", parse(eim_message_body(m)));
}

static void on_receipt(void *p, const eim_receipt *r) {
  cJSON *e = event(p, "receipt");
  cJSON_AddNumberToObject(e, "kind", eim_receipt_get_kind(r));
  cJSON_AddStringToObject(e, "messageId", eim_receipt_message_id(r));
  cJSON_AddStringToObject(e, "localId", eim_receipt_local_id(r));
  cJSON_AddStringToObject(e, "from", eim_receipt_from(r));
  cJSON_AddStringToObject(e, "to", eim_receipt_to(r));
  cJSON_AddStringToObject(e, "chatType", chat_type(eim_receipt_get_chat_type(r)));
  cJSON_AddNumberToObject(e, "time", (double)eim_receipt_time(r));
  cJSON_AddItemToObject(e, "json", parse(eim_receipt_json(r)));
}

static void on_notice(void *p, const eim_notice *n) {
  cJSON *e = event(p, "notice");
  cJSON_AddStringToObject(e, "noticeName", eim_notice_name(n));
  cJSON_AddItemToObject(e, "json", parse(eim_notice_json(n)));
}

static void on_result(void *p, const eim_result *r) {
  cJSON *e = event(p, "result");
  uint64_t token = eim_result_token(r);
  cJSON_AddStringToObject(
      e, "request", token && token <= (uint64_t)request_count ? requests[token - 1].name : "");
  add_error(e, eim_result_error(r));
  cJSON_AddStringToObject(e, "messageId", eim_result_message_id(r));
  cJSON_AddStringToObject(e, "localId", eim_result_local_id(r));
  cJSON_AddNumberToObject(e, "time", (double)eim_result_time(r));
  cJSON_AddItemToObject(e, "json", parse(eim_result_json(r)));
}

/* ---- matching */

/* "$name" is the variable of that name. */
static const cJSON *value_of(const cJSON *item) {
  if (!cJSON_IsString(item) || item->valuestring[0] != '$') return item;
  const cJSON *variable = cJSON_GetObjectItemCaseSensitive(variables, item->valuestring + 1);
  return variable ? variable : item;
}

/* A copy with all variables filled in. */
static cJSON *resolved(const cJSON *item) {
  const cJSON *value = value_of(item), *child;
  if (!cJSON_IsObject(value) && !cJSON_IsArray(value)) return cJSON_Duplicate(value, true);
  cJSON *copy = cJSON_IsArray(value) ? cJSON_CreateArray() : cJSON_CreateObject();
  cJSON_ArrayForEach(child, value) {
    if (cJSON_IsArray(value))
      cJSON_AddItemToArray(copy, resolved(child));
    else
      cJSON_AddItemToObject(copy, child->string, resolved(child));
  }
  return copy;
}

static char *print_resolved(const cJSON *item) {
  cJSON *copy = resolved(item);
  char *text = cJSON_PrintUnformatted(copy);
  cJSON_Delete(copy);
  return text;
}

static bool has_members(const cJSON *object, const cJSON *rules);

static bool fits(const cJSON *actual, const cJSON *rule) {
  rule = value_of(rule);
  if (!cJSON_IsObject(rule)) return actual && cJSON_Compare(actual, rule, true);
  const cJSON *what = rule->child;
  if (!what || !actual) return false;
  if (!strcmp(what->string, "min"))
    return cJSON_IsNumber(actual) && actual->valuedouble >= what->valuedouble;
  if (!strcmp(what->string, "contains"))
    return cJSON_IsString(actual) && strstr(actual->valuestring, value_of(what)->valuestring);
  if (!strcmp(what->string, "not")) return !cJSON_Compare(actual, value_of(what), true);
  if (!strcmp(what->string, "json")) return cJSON_Compare(actual, value_of(what), true);
  if (!strcmp(what->string, "has")) return has_members(actual, what);
  fail("no rule is called \"%s\"", what->string);
  return false;
}

static bool has_members(const cJSON *object, const cJSON *rules) {
  const cJSON *rule;
  cJSON_ArrayForEach(rule, rules) {
    if (!fits(cJSON_GetObjectItemCaseSensitive(object, rule->string), rule)) return false;
  }
  return true;
}

static bool is_event(const cJSON *e, const char *name, const cJSON *match) {
  return !strcmp(cJSON_GetObjectItem(e, "event")->valuestring, name) && has_members(e, match);
}

/* ---- steps */

static const char *text_of(const cJSON *step, const char *key) {
  const cJSON *item = value_of(cJSON_GetObjectItemCaseSensitive(step, key));
  return cJSON_IsString(item) ? item->valuestring : "";
}

static player *find(const cJSON *step, const char *key) {
  for (int i = 0; i < player_count; i++)
    if (!strcmp(players[i].name, text_of(step, key))) return &players[i];
  fail("there is no client \"%s\"", text_of(step, key));
  return NULL;
}

static void pump(player *who, int timeout_ms) {
  for (int i = 0; i < player_count; i++)
    if (&players[i] != who) eim_context_poll(players[i].context, 0, 0);
  eim_context_poll(who->context, timeout_ms, 0);
}

static void check_failure(const cJSON *fails, eim_status status) {
  player none = {.events = cJSON_CreateArray()};
  if (status >= 0) {
    fail("a call succeeded that must fail");
  } else {
    on_error(&none, eim_last_error());
    if (!has_members(none.events->child, fails)) {
      char *text = cJSON_PrintUnformatted(none.events->child);
      fail("the call failed otherwise: %s", text);
      free(text);
    }
  }
  cJSON_Delete(none.events);
}

static void set_option(eim_config *config, const char *key, const cJSON *item, eim_status *status) {
  char number[32];
  const char *value = NULL;
  item = value_of(item);
  if (cJSON_IsString(item)) value = item->valuestring;
  if (cJSON_IsBool(item)) value = cJSON_IsTrue(item) ? "true" : "false";
  if (cJSON_IsNumber(item)) {
    snprintf(number, sizeof number, "%.17g", item->valuedouble);
    value = number;
  }
  if (value && *status >= 0) *status = eim_config_set(config, key, value);
}

static void step_new(const cJSON *step) {
  static const char *const defaults[] = {"appKey", "apiUrl", "url", "caFile"};
  const cJSON *options = cJSON_GetObjectItem(step, "options"), *item;
  const cJSON *fails = cJSON_GetObjectItem(step, "fails");
  eim_config *config;
  player *who = &players[player_count];
  eim_status status = EIM_OK;
  memset(who, 0, sizeof *who);
  snprintf(who->name, sizeof who->name, "%s", text_of(step, "new"));
  if (player_count == CLIENTS_MAX || eim_config_new(&config)) {
    fail("no room for another client");
    return;
  }
  for (size_t i = 0; i < 4; i++)
    if (!cJSON_GetObjectItemCaseSensitive(options, defaults[i]))
      set_option(config, defaults[i], cJSON_GetObjectItem(variables, defaults[i]), &status);
  cJSON_ArrayForEach(item, options) set_option(config, item->string, item, &status);
  if (status >= 0) status = eim_context_new(config, &who->context);
  if (status >= 0) status = eim_client_new(who->context, config, &who->client);
  eim_config_free(config);
  if (fails) check_failure(fails, status);
  if (status < 0) {
    if (!fails) fail("no client: %s", eim_error_message(eim_last_error()));
    eim_context_unref(who->context);
    return;
  }
  eim_handlers h = {sizeof h,        who,       NULL,       on_state, on_connected, on_disconnected,
                    on_reconnecting, on_will,   on_expired, NULL,     on_error,     on_message,
                    on_receipt,      on_notice, NULL,       on_result};
  who->events = cJSON_CreateArray();
  eim_client_add_event_handler(who->client, "scenario", &h);
  player_count++;
}

static eim_chat_type chat_type_of(const char *name) {
  return !strcmp(name, "single")  ? EIM_CHAT_SINGLE
         : !strcmp(name, "group") ? EIM_CHAT_GROUP
                                  : EIM_CHAT_ROOM;
}

static eim_status send_text(player *who, const cJSON *args, uint64_t token) {
  const cJSON *ext = cJSON_GetArrayItem(args, 3);
  char *ext_text = ext ? cJSON_PrintUnformatted(ext) : NULL;
  eim_message *message;
  eim_status status =
      eim_message_new_text(chat_type_of(value_of(cJSON_GetArrayItem(args, 0))->valuestring),
                           value_of(cJSON_GetArrayItem(args, 1))->valuestring,
                           value_of(cJSON_GetArrayItem(args, 2))->valuestring, ext_text, &message);
  free(ext_text);
  if (status < 0) return status;
  status = eim_client_send(who->client, message, token);
  eim_message_unref(message);
  return status;
}

/* send, or with an id edit: the message is the last argument. */
static eim_status send_json(player *who, const char *edited_id, const cJSON *data, uint64_t token) {
  char *text = print_resolved(data);
  eim_message *message;
  eim_status status = eim_message_from_json(text, &message);
  free(text);
  if (status < 0) return status;
  status = edited_id ? eim_client_edit(who->client, edited_id, message, token)
                     : eim_client_send(who->client, message, token);
  eim_message_unref(message);
  return status;
}

static eim_status rest_call(player *who, const char *const *text, const cJSON *body,
                            uint64_t token) {
  char *json = body && !cJSON_IsNull(body) ? print_resolved(body) : NULL;
  eim_status status = eim_client_request(who->client, text[0], text[1], text[2], json, token);
  free(json);
  return status;
}

/* A message that arrived, by its id. */
static const eim_message *message_of(const player *who, const char *id) {
  for (int i = 0; i < who->message_count; i++)
    if (id && !strcmp(eim_message_id(who->messages[i]), id)) return who->messages[i];
  fail("%s has no message %s", who->name, id ? id : "without an id");
  return NULL;
}

static uint64_t token_of(const char *name) {
  for (int i = 0; i < request_count; i++)
    if (!strcmp(requests[i].name, name)) return (uint64_t)i + 1;
  return 0;
}

static void step_call(const cJSON *step) {
  player *who = find(step, "client");
  const cJSON *args = cJSON_GetObjectItem(step, "args"),
              *fails = cJSON_GetObjectItem(step, "fails");
  const char *verb = text_of(step, "call"), *as = text_of(step, "as"), *text[4] = {NULL};
  uint64_t token = 0;
  eim_status status = EIM_E_UNSUPPORTED;
  if (!who) return;
  if (*as && request_count < REQUESTS_MAX) {
    snprintf(requests[request_count].name, sizeof requests->name, "%s", as);
    requests[request_count].who = who;
    token = (uint64_t)++request_count;
  }
  for (int i = 0; i < 4; i++) {
    const cJSON *arg = cJSON_GetArrayItem(args, i);
    if (arg && cJSON_IsString(value_of(arg))) text[i] = value_of(arg)->valuestring;
  }
  eim_client *client = who->client;
  if (!strcmp(verb, "register_user"))
    status = eim_client_register_user(client, text[0], text[1], text[2], token);
  else if (!strcmp(verb, "open_password"))
    status = eim_client_open_password(client, text[0], text[1], token);
  else if (!strcmp(verb, "open_token"))
    status = eim_client_open_token(client, text[0], text[1], token);
  else if (!strcmp(verb, "close"))
    status = eim_client_close(client, token);
  else if (!strcmp(verb, "renew_token"))
    status = eim_client_renew_token(client, text[0], token);
  else if (!strcmp(verb, "send_text"))
    status = send_text(who, args, token);
  else if (!strcmp(verb, "send"))
    status = send_json(who, NULL, cJSON_GetArrayItem(args, 0), token);
  else if (!strcmp(verb, "edit"))
    status = send_json(who, text[0], cJSON_GetArrayItem(args, 1), token);
  else if (!strcmp(verb, "mark_read"))
    status = eim_client_send_read(client, message_of(who, text[0]), text[1], token);
  else if (!strcmp(verb, "mark_channel_read"))
    status = eim_client_send_channel_read(client, chat_type_of(text[0]), text[1], token);
  else if (!strcmp(verb, "recall"))
    status = eim_client_recall(client, chat_type_of(text[0]), text[1], text[2], text[3], token);
  else if (!strcmp(verb, "message_done"))
    status = eim_client_message_done(client, message_of(who, text[0]));
  else if (!strcmp(verb, "join_room"))
    status = eim_client_join_room(client, text[0], text[1],
                                  cJSON_IsTrue(cJSON_GetArrayItem(args, 2)), token);
  else if (!strcmp(verb, "leave_room"))
    status = eim_client_leave_room(client, text[0], token);
  else if (!strcmp(verb, "request"))
    status = rest_call(who, text, cJSON_GetArrayItem(args, 3), token);
  else if (!strcmp(verb, "upload"))
    status = eim_client_upload(client, text[0], text[1], 0, 0, token);
  else if (!strcmp(verb, "download"))
    status = eim_client_download(client, text[0], text[2], text[1], 0, false, token);
  else if (!strcmp(verb, "health"))
    status = eim_client_health(client, token);
  else if (!strcmp(verb, "cancel"))
    status = eim_client_cancel(client, token_of(text[0]));
  else if (!strcmp(verb, "network_changed"))
    status = eim_client_network_changed(client, cJSON_IsTrue(cJSON_GetArrayItem(args, 0)));
  else if (!strcmp(verb, "set_login_ext"))
    status = eim_client_set_login_ext(client, text[0]);
  else if (!strcmp(verb, "shutdown")) {
    eim_client_shutdown(client);
    who->was_shut_down = true;
    status = EIM_OK;
  }
  if (status < 0 && token) requests[token - 1].who = NULL; /* no result will come */
  if (fails)
    check_failure(fails, status);
  else if (status < 0)
    fail("%s: %s", verb, eim_error_message(eim_last_error()));
}

/* A field by its name, "json.url" is a member of one. */
static const cJSON *field_of(const cJSON *from, const char *name) {
  char part[64];
  for (size_t length; from && *name; name += length + (name[length] == '.')) {
    length = strcspn(name, ".");
    snprintf(part, sizeof part, "%.*s", (int)length, name);
    from = cJSON_GetObjectItemCaseSensitive(from, part);
  }
  return from;
}

static void set_variable(const char *name, cJSON *value) {
  cJSON_DeleteItemFromObjectCaseSensitive(variables, name);
  cJSON_AddItemToObject(variables, name, value);
}

static void save(const cJSON *step, const cJSON *from) {
  const cJSON *item;
  cJSON_ArrayForEach(item, cJSON_GetObjectItem(step, "save")) {
    const cJSON *value = field_of(from, item->valuestring);
    set_variable(item->string, value ? cJSON_Duplicate(value, true) : cJSON_CreateNull());
  }
}

/* ---- files: those of a scenario are in a folder that is removed after it */

static char folder[64];

static void step_write(const cJSON *step) {
  const char *name = text_of(step, "write"), *text = text_of(step, "text");
  char path[160];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  if (cJSON_GetObjectItem(step, "text")) {
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) < 0) fail("cannot write %s", path);
    if (file) fclose(file);
  }
  set_variable(name, cJSON_CreateString(path));
}

static void step_read(const cJSON *step) {
  char text[1024] = "";
  FILE *file = fopen(text_of(step, "read"), "r");
  if (!file || !fread(text, 1, sizeof text - 1, file)) fail("no %s", text_of(step, "read"));
  if (file) fclose(file);
  if (strcmp(text, text_of(step, "is"))) fail("the file is \"%s\"", text);
}

static void remove_files(void) {
  char path[512];
  const struct dirent *entry;
  DIR *dir = opendir(folder);
  while (dir && (entry = readdir(dir))) {
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    unlink(path);
  }
  if (dir) closedir(dir);
  rmdir(folder);
}

static void step_expect(const cJSON *step) {
  player *who = find(step, "client");
  const char *name = text_of(step, "expect");
  const cJSON *match = cJSON_GetObjectItem(step, "match"),
              *within = cJSON_GetObjectItem(step, "within");
  int64_t end = now_ms() + (within ? within->valueint : DEADLINE);
  if (!who) return;
  for (int at = who->cursor;;) {
    for (; at < cJSON_GetArraySize(who->events); at++) {
      const cJSON *e = cJSON_GetArrayItem(who->events, at);
      if (!is_event(e, name, match)) continue;
      save(step, e);
      who->cursor = at + 1;
      return;
    }
    if (now_ms() >= end) break;
    pump(who, 50);
  }
  char *rule = cJSON_PrintUnformatted(match), *all = cJSON_PrintUnformatted(who->events);
  fail("no %s %s for %s; it got %s", name, rule ? rule : "", who->name, all);
  free(rule);
  free(all);
}

static void step_count(const cJSON *step) {
  player *who = find(step, "client");
  const cJSON *e, *match = cJSON_GetObjectItem(step, "match");
  int count = 0, want = cJSON_GetObjectItem(step, "is")->valueint;
  if (!who) return;
  cJSON_ArrayForEach(e, who->events) count += is_event(e, text_of(step, "count"), match);
  if (count != want) fail("%s has %d %s, not %d", who->name, count, text_of(step, "count"), want);
}

/* One request to the admin API; the answer's JSON, NULL when it is not 200. */
static cJSON *admin(const char *method, const char *path, const char *body) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  const char *url = cJSON_GetObjectItem(variables, "adminUrl")->valuestring;
  int port = atoi(strrchr(url, ':') + 1), fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  static char answer[1 << 18];
  char *head = NULL;
  size_t length = 0;
  address.sin_port = htons((uint16_t)port);
  int n = asprintf(&head,
                   "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
                   "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                   method, path, port, strlen(body), body);
  if (n < 0 || fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) ||
      send(fd, head, (size_t)n, MSG_NOSIGNAL) != n) {
    free(head);
    if (fd >= 0) close(fd);
    return NULL;
  }
  free(head);
  for (ssize_t got; (got = recv(fd, answer + length, sizeof answer - 1 - length, 0)) > 0;)
    length += (size_t)got;
  close(fd);
  answer[length] = 0;
  const char *content = strstr(answer, "\r\n\r\n");
  return content && !strncmp(answer + 8, " 200", 4) ? parse(content + 4) : NULL;
}

static void step_admin(const cJSON *step) {
  const cJSON *body = cJSON_GetObjectItem(step, "body");
  char *text = body ? print_resolved(body) : strdup("{}");
  cJSON *answer = admin("POST", text_of(step, "admin"), text);
  if (!answer) fail("the sandbox refused %s %s", text_of(step, "admin"), text);
  save(step, answer);
  cJSON_Delete(answer);
  free(text);
}

static void step_counter(const cJSON *step) {
  cJSON *counters = admin("GET", "/counters", "");
  const cJSON *value = cJSON_GetObjectItem(counters, text_of(step, "counter"));
  int want = cJSON_GetObjectItem(step, "is")->valueint;
  if (!value || value->valueint != want)
    fail("counter %s is %d, not %d", text_of(step, "counter"), value ? value->valueint : -1, want);
  cJSON_Delete(counters);
}

static void do_step(const cJSON *step) {
  player *who;
  if (cJSON_GetObjectItem(step, "admin"))
    step_admin(step);
  else if (cJSON_GetObjectItem(step, "new"))
    step_new(step);
  else if (cJSON_GetObjectItem(step, "call"))
    step_call(step);
  else if (cJSON_GetObjectItem(step, "expect"))
    step_expect(step);
  else if (cJSON_GetObjectItem(step, "count"))
    step_count(step);
  else if (cJSON_GetObjectItem(step, "write"))
    step_write(step);
  else if (cJSON_GetObjectItem(step, "read"))
    step_read(step);
  else if (cJSON_GetObjectItem(step, "counter"))
    step_counter(step);
  else if (cJSON_GetObjectItem(step, "provider")) {
    eim_handlers h = EIM_HANDLERS_INIT;
    if (!(who = find(step, "provider"))) return;
    h.user_data = who;
    h.on_token_request = on_request;
    eim_client_add_event_handler(who->client, "provider", &h);
  } else if (cJSON_GetObjectItem(step, "state")) {
    if (!(who = find(step, "client"))) return;
    const char *state = eim_state_name(eim_client_state(who->client));
    if (strcmp(state, text_of(step, "state")))
      fail("%s is %s, not %s", who->name, state, text_of(step, "state"));
  } else {
    fail("a step without a known key");
  }
}

/* ---- a scenario */

static pid_t start_sandbox(const cJSON *arguments, FILE **out) {
  const char *argv[32] = {EIM_SANDBOX_PROGRAM};
  const cJSON *item;
  int count = 1, ends[2];
  cJSON_ArrayForEach(item, arguments) if (count < 31) argv[count++] = item->valuestring;
  if (pipe(ends)) return -1;
  pid_t pid = fork();
  if (!pid) {
    dup2(ends[1], 1);
    close(ends[0]);
    close(ends[1]);
    if (!freopen("/dev/null", "w", stderr)) _exit(126);
    execv(argv[0], (char **)argv);
    _exit(127);
  }
  close(ends[1]);
  *out = fdopen(ends[0], "r");
  return pid;
}

static void check_results(void) {
  for (int i = 0; i < request_count; i++) {
    player *who = requests[i].who;
    if (!who || who->was_shut_down) continue;
    cJSON *match = cJSON_CreateObject();
    cJSON_AddStringToObject(match, "request", requests[i].name);
    int64_t end = now_ms() + DEADLINE;
    int count;
    do {
      const cJSON *e;
      count = 0;
      cJSON_ArrayForEach(e, who->events) count += is_event(e, "result", match);
      if (!count) pump(who, 50);
    } while (!count && now_ms() < end);
    if (count != 1) fail("request %s ended %d times", requests[i].name, count);
    cJSON_Delete(match);
  }
}

static bool play(const cJSON *scenario) {
  char line[4096];
  FILE *out = NULL;
  const cJSON *step;
  int number = 0;
  running = text_of(scenario, "name");
  failed = false;
  player_count = request_count = 0;
  strcpy(folder, "/tmp/eim-scenario-XXXXXX");
  if (!mkdtemp(folder)) fail("no folder");
  pid_t pid = start_sandbox(cJSON_GetObjectItem(scenario, "sandbox"), &out);
  if (pid < 0 || !out || !fgets(line, sizeof line, out)) {
    fail("the sandbox did not start");
  } else {
    variables = parse(line);
    cJSON_ArrayForEach(step, cJSON_GetObjectItem(scenario, "steps")) {
      number++;
      if (failed) break;
      do_step(step);
      if (failed) fprintf(stderr, "    at step %d\n", number);
    }
    if (!failed) check_results();
  }
  for (int i = 0; i < player_count; i++) {
    for (int m = 0; m < players[i].message_count; m++) eim_message_unref(players[i].messages[m]);
    eim_client_shutdown(players[i].client);
    eim_client_unref(players[i].client);
    eim_context_shutdown(players[i].context);
    eim_context_unref(players[i].context);
    cJSON_Delete(players[i].events);
  }
  cJSON_Delete(variables);
  variables = NULL;
  remove_files();
  if (pid > 0) {
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
  }
  if (out) fclose(out);
  return !failed;
}

int main(int argc, char **argv) {
  static const char *const files[] = {"session",  "refusals", "kicks",     "token", "messages",
                                      "kinds",    "files",    "groups",    "rooms", "contacts",
                                      "presence", "history",  "moderation"};
  static char text[1 << 18];
  int passed = 0, wrong = 0;
  eim_log_set_level(EIM_LOG_SILENT);
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    char path[512];
    snprintf(path, sizeof path, "%s/scenarios/%s.json", EIM_TEST_DATA, files[i]);
    FILE *file = fopen(path, "r");
    size_t length = file ? fread(text, 1, sizeof text - 1, file) : 0;
    text[length] = 0;
    if (file) fclose(file);
    cJSON *all = parse(text);
    const cJSON *scenario;
    if (cJSON_GetArraySize(cJSON_GetObjectItem(all, "scenarios")) == 0) {
      fprintf(stderr, "no scenarios in %s\n", path);
      wrong++;
    }
    cJSON_ArrayForEach(scenario, cJSON_GetObjectItem(all, "scenarios")) {
      if (argc > 1 && !strstr(text_of(scenario, "name"), argv[1])) continue;
      if (play(scenario))
        passed++;
      else
        wrong++;
    }
    cJSON_Delete(all);
  }
  printf("%d passed, %d failed\n", passed, wrong);
  return wrong || !passed;
}
