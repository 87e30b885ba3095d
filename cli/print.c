#include "print.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "args.h"
#include "plain_text.h"

#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define RED "\033[31m"
#define BOLD "\033[1m"

void eim_cli_print_init(eim_cli_print *self, bool json) {
  const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
  *self = (eim_cli_print){.json = json};
  self->color = !json && isatty(STDOUT_FILENO) && !(no_color && *no_color) &&
                !(term && !strcmp(term, "dumb"));
}

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void flush(eim_cli_print *self) {
  if (fflush(stdout) || ferror(stdout)) self->broken = true;
}

/* ------------------------------------------------------------------ JSON */

/* Exact for every 64-bit number, which a double is not. */
static void add_int(cJSON *object, const char *key, int64_t value) {
  char text[24];
  snprintf(text, sizeof text, "%" PRId64, value);
  cJSON_AddRawToObject(object, key, text);
}

/* Without the white space between the values. cJSON_Minify() misreads a string that ends with a
 * backslash. */
static void one_line(char *json) {
  char *out = json;
  bool in_string = false;
  for (; *json; json++) {
    if (in_string && *json == '\\' && json[1])
      *out++ = *json++;
    else if (*json == '"')
      in_string = !in_string;
    else if (!in_string && strchr(" \t\r\n", *json))
      continue;
    *out++ = *json;
  }
  *out = 0;
}

/* JSON text of the library as it is, on one line. */
static void add_raw(cJSON *object, const char *key, const char *json) {
  char *copy = strdup(json && *json ? json : "{}");
  if (!copy) return;
  one_line(copy);
  cJSON_AddRawToObject(object, key, copy);
  free(copy);
}

static cJSON *begin(const char *event) {
  cJSON *root = cJSON_CreateObject();
  cJSON_AddStringToObject(root, "event", event);
  add_int(root, "time", now_ms());
  return root;
}

static void end(eim_cli_print *self, cJSON *root) {
  char *line = cJSON_PrintUnformatted(root);
  if (line) puts(line);
  cJSON_free(line);
  cJSON_Delete(root);
  flush(self);
}

static void add_error(cJSON *object, const char *key, const eim_error *error) {
  if (!error) {
    cJSON_AddNullToObject(object, key);
    return;
  }
  cJSON *node = cJSON_AddObjectToObject(object, key);
  cJSON_AddNumberToObject(node, "code", eim_error_code(error));
  cJSON_AddStringToObject(node, "name", eim_error_name(error));
  cJSON_AddStringToObject(node, "message", eim_error_message(error));
  add_raw(node, "detail", eim_error_detail(error));
}

static const char *chat_type_name(eim_chat_type type) {
  return type == EIM_CHAT_GROUP ? "groupChat" : type == EIM_CHAT_ROOM ? "chatRoom" : "singleChat";
}

/* ------------------------------------------------------------------ people */

static void say(eim_cli_print *self, const char *color, const char *mark, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void say(eim_cli_print *self, const char *color, const char *mark, const char *format, ...) {
  time_t now = time(NULL);
  struct tm local;
  char clock[16] = "";
  if (self->quiet) return;
  if (localtime_r(&now, &local)) strftime(clock, sizeof clock, "%H:%M:%S", &local);
  printf("%s %s%s%s ", clock, self->color ? color : "", mark, self->color ? "\033[0m" : "");
  va_list args;
  va_start(args, format);
  vprintf(format, args);
  va_end(args);
  putchar('\n');
  flush(self);
}

void eim_cli_print_registered(eim_cli_print *self, const char *user) {
  if (!self->json) {
    say(self, GREEN, "✔", "%s is registered", user);
    return;
  }
  cJSON *root = begin("onRegistered");
  cJSON_AddStringToObject(root, "user", user);
  end(self, root);
}

void eim_cli_print_connected(eim_cli_print *self, const eim_state_change *change) {
  if (!self->json) {
    say(self, GREEN, "✔", "online as %s (device %s)", eim_state_change_user(change),
        eim_state_change_resource(change));
    return;
  }
  cJSON *root = begin("onConnected");
  cJSON_AddStringToObject(root, "user", eim_state_change_user(change));
  cJSON_AddStringToObject(root, "resource", eim_state_change_resource(change));
  end(self, root);
}

void eim_cli_print_reconnecting(eim_cli_print *self, const eim_state_change *change) {
  const eim_error *cause = eim_state_change_cause(change);
  if (!self->json) {
    char why[512];
    eim_cli_plain_text(why, sizeof why, cause ? eim_error_message(cause) : "connection lost");
    say(self, YELLOW, "…", "%s; attempt %d in %.1f s", why, eim_state_change_attempt(change),
        (double)eim_state_change_next_retry_ms(change) / 1000.0);
    return;
  }
  cJSON *root = begin("onReconnecting");
  cJSON_AddNumberToObject(root, "attempt", eim_state_change_attempt(change));
  add_int(root, "nextRetryMs", eim_state_change_next_retry_ms(change));
  add_error(root, "reason", cause);
  end(self, root);
}

void eim_cli_print_disconnected(eim_cli_print *self, const eim_state_change *change) {
  const eim_error *cause = eim_state_change_cause(change);
  if (!self->json) {
    char why[512], detail[512];
    if (!cause) {
      say(self, BOLD, "■", "logged out");
      return;
    }
    eim_cli_plain_text(why, sizeof why, eim_error_message(cause));
    eim_cli_plain_text(detail, sizeof detail, eim_error_detail(cause));
    say(self, RED, "✖", "disconnected: %d %s: %s%s%s", (int)eim_error_code(cause),
        eim_error_name(cause), why, strcmp(detail, "{}") ? " " : "",
        strcmp(detail, "{}") ? detail : "");
    return;
  }
  cJSON *root = begin("onDisconnected");
  add_error(root, "reason", cause);
  cJSON_AddBoolToObject(root, "willRetry", eim_state_change_will_retry(change));
  end(self, root);
}

void eim_cli_print_token(eim_cli_print *self, const eim_token_event *event) {
  bool expired = eim_token_event_reason(event) != EIM_TOKEN_WILL_EXPIRE;
  if (!self->json) {
    if (expired)
      say(self, RED, "!", "the access token has expired");
    else
      say(self, YELLOW, "!", "the access token expires in %" PRId64 " s",
          eim_token_event_remaining_ms(event) / 1000);
    return;
  }
  cJSON *root = begin(expired ? "onTokenExpired" : "onTokenWillExpire");
  add_int(root, "expiresAt", eim_token_event_expires_at(event));
  add_int(root, "remainingMs", eim_token_event_remaining_ms(event));
  end(self, root);
}

void eim_cli_print_message(eim_cli_print *self, const eim_message *message) {
  const char *text = eim_message_text(message);
  if (!self->json) {
    const char *body = text ? text : eim_message_body(message);
    size_t size = strlen(body) * EIM_CLI_PLAIN_TEXT_GROWTH + 1;
    char from[256], to[256], *shown = malloc(size);
    if (!shown) return;
    eim_cli_plain_text(from, sizeof from, eim_message_from(message));
    eim_cli_plain_text(to, sizeof to, eim_message_to(message));
    eim_cli_plain_text(shown, size, body);
    if (eim_message_get_chat_type(message) == EIM_CHAT_SINGLE)
      say(self, BOLD, from, "→ %s: %s%s%s", to, text ? "" : eim_message_type(message),
          text ? "" : " ", shown);
    else
      say(self, BOLD, from, "→ %s %s: %s%s%s",
          eim_message_get_chat_type(message) == EIM_CHAT_GROUP ? "group" : "room", to,
          text ? "" : eim_message_type(message), text ? "" : " ", shown);
    free(shown);
    return;
  }
  cJSON *root = begin("onMessage");
  cJSON *node = cJSON_AddObjectToObject(root, "message");
  cJSON_AddStringToObject(node, "id", eim_message_id(message));
  cJSON_AddStringToObject(node, "type", eim_message_type(message));
  cJSON_AddStringToObject(node, "chatType", chat_type_name(eim_message_get_chat_type(message)));
  cJSON_AddStringToObject(node, "from", eim_message_from(message));
  cJSON_AddStringToObject(node, "to", eim_message_to(message));
  add_int(node, "time", eim_message_time(message));
  if (text) cJSON_AddStringToObject(node, "text", text);
  add_raw(node, "body", eim_message_body(message));
  add_raw(node, "ext", eim_message_ext(message));
  end(self, root);
}

void eim_cli_print_sent(eim_cli_print *self, const eim_result *result, const char *to) {
  if (!self->json) {
    say(self, GREEN, "✔", "sent to %s (message %s)", to, eim_result_message_id(result));
    return;
  }
  cJSON *root = begin("onReceivedMessage");
  cJSON_AddStringToObject(root, "id", eim_result_local_id(result));
  cJSON_AddStringToObject(root, "mid", eim_result_message_id(result));
  cJSON_AddStringToObject(root, "to", to);
  end(self, root);
}

void eim_cli_print_answer(eim_cli_print *self, const char *json) {
  if (!self->json) { /* the answer alone, to be piped on */
    const char *body = strstr(json, "\"body\":");
    int length = body ? (int)strlen(body + 7) - 1 : 0;
    printf("%.*s\n", length > 0 ? length : 0, body ? body + 7 : "");
    flush(self);
    return;
  }
  cJSON *root = begin("onAnswer");
  add_raw(root, "answer", json);
  end(self, root);
}

void eim_cli_print_receipt(eim_cli_print *self, const eim_receipt *receipt) {
  static const struct {
    const char *event, *words;
  } kinds[] = {[EIM_RECEIPT_DELIVERED] = {"onDeliveredMessage", "was delivered"},
               [EIM_RECEIPT_READ] = {"onReadMessage", "was read"},
               [EIM_RECEIPT_CHANNEL] = {"onChannelMessage", "was read"},
               [EIM_RECEIPT_RECALLED] = {"onRecallMessage", "was withdrawn"}};
  eim_receipt_kind kind = eim_receipt_get_kind(receipt);
  /* SENT is told from the result of the send, which also knows why one failed. */
  if (kind == EIM_RECEIPT_SENT || (size_t)kind >= sizeof kinds / sizeof *kinds) return;
  if (!self->json) {
    char from[256];
    eim_cli_plain_text(from, sizeof from, eim_receipt_from(receipt));
    if (kind == EIM_RECEIPT_CHANNEL)
      say(self, GREEN, "✔", "the conversation was read by %s", from);
    else
      say(self, GREEN, "✔", "message %s %s (%s)", eim_receipt_message_id(receipt),
          kinds[kind].words, from);
    return;
  }
  cJSON *root = begin(kinds[kind].event);
  cJSON_AddStringToObject(root, "mid", eim_receipt_message_id(receipt));
  cJSON_AddStringToObject(root, "from", eim_receipt_from(receipt));
  cJSON_AddStringToObject(root, "to", eim_receipt_to(receipt));
  cJSON_AddStringToObject(root, "chatType", chat_type_name(eim_receipt_get_chat_type(receipt)));
  if (strcmp(eim_receipt_json(receipt), "{}")) add_raw(root, "detail", eim_receipt_json(receipt));
  end(self, root);
}

void eim_cli_print_notice(eim_cli_print *self, const eim_notice *notice) {
  if (!self->json) {
    char shown[2048];
    eim_cli_plain_text(shown, sizeof shown, eim_notice_json(notice));
    say(self, BOLD, "•", "%s %s", eim_notice_name(notice), shown);
    return;
  }
  cJSON *root = begin("onNotice");
  cJSON_AddStringToObject(root, "name", eim_notice_name(notice));
  add_raw(root, "notice", eim_notice_json(notice));
  end(self, root);
}

void eim_cli_print_error(eim_cli_print *self, const eim_error *error) {
  if (!self->json) {
    char why[512];
    eim_cli_plain_text(why, sizeof why, eim_error_message(error));
    say(self, YELLOW, "!", "%d %s: %s", (int)eim_error_code(error), eim_error_name(error), why);
    return;
  }
  cJSON *root = begin("onError");
  add_error(root, "error", error);
  end(self, root);
}

void eim_cli_print_step(eim_cli_print *self, const char *connection, const char *step,
                        eim_cli_mark mark, int64_t us, const char *note, const eim_error *error) {
  static const struct {
    const char *mark, *color;
  } marks[] = {[EIM_CLI_GOOD] = {"✔", GREEN},
               [EIM_CLI_BAD] = {"✖", RED},
               [EIM_CLI_SKIPPED] = {"–", ""},
               [EIM_CLI_UNKNOWN] = {"?", YELLOW}};
  if (!self->json) {
    char name[40], took[32] = "", shown[1024];
    snprintf(name, sizeof name, "%s%s%s", connection, *connection ? " " : "", step);
    if (us >= 0) snprintf(took, sizeof took, "%.1f ms", (double)us / 1000.0);
    eim_cli_plain_text(shown, sizeof shown, note);
    printf("%s%s%s %-*s", self->color ? marks[mark].color : "", marks[mark].mark,
           self->color ? "\033[0m" : "", *took || *shown ? 18 : 0, name);
    if (*took || *shown) printf(" %10s%s%s", took, *shown ? "  " : "", shown);
    putchar('\n');
    flush(self);
    return;
  }
  cJSON *root = begin("onStep");
  if (*connection)
    cJSON_AddStringToObject(root, "connection", connection);
  else
    cJSON_AddNullToObject(root, "connection");
  cJSON_AddStringToObject(root, "step", step);
  if (mark == EIM_CLI_GOOD || mark == EIM_CLI_BAD)
    cJSON_AddBoolToObject(root, "ok", mark == EIM_CLI_GOOD);
  else
    cJSON_AddNullToObject(root, "ok");
  if (us >= 0)
    cJSON_AddNumberToObject(root, "ms", (double)us / 1000.0);
  else
    cJSON_AddNullToObject(root, "ms");
  cJSON_AddStringToObject(root, "note", note);
  add_error(root, "error", error);
  end(self, root);
}

void eim_cli_print_verdict(eim_cli_print *self, const eim_error *error, const char *verdict,
                           const char *remedy) {
  if (!self->json) {
    char shown[2048];
    eim_cli_plain_text(shown, sizeof shown, verdict);
    printf("\n%s%s%s\n", self->color ? (error ? RED : GREEN) : "", shown,
           self->color ? "\033[0m" : "");
    eim_cli_plain_text(shown, sizeof shown, remedy);
    if (*shown) printf("%s\n", shown);
    flush(self);
    return;
  }
  cJSON *root = begin("onVerdict");
  cJSON_AddBoolToObject(root, "ok", !error);
  cJSON_AddStringToObject(root, "verdict", verdict);
  cJSON_AddStringToObject(root, "remedy", remedy);
  add_error(root, "error", error);
  end(self, root);
}

static const char *advice(const eim_error *error) {
  if (eim_error_domain(error) == EIM_DOMAIN_TLS)
    return "a server with a certificate authority of its own needs --ca-file";
  switch (eim_error_code(error)) {
  case EIM_CODE_INVALID_APP_KEY: return "--app-key is ORG#APP, from the vendor's console";
  case EIM_CODE_USER_AUTHENTICATION_FAILED: return "check the user and the password or token";
  case EIM_CODE_USER_NOT_FOUND: return "`eim register USER` creates a user";
  case EIM_CODE_TOKEN_EXPIRED: return "get a new access token";
  case EIM_CODE_USER_REG_FAILED:
    return "the app is not in open registration: create users in the console or over REST";
  case EIM_CODE_SERVER_GET_DNSLIST_FAILED:
    return "or name the addresses yourself: --api-url and --url";
  case EIM_CODE_SERVER_NOT_REACHABLE:
  case EIM_E_NETWORK: return "check the addresses, and that the server is running";
  default: return NULL;
  }
}

void eim_cli_explain(const char *what, const eim_error *error) {
  char why[1024];
  if (!error) {
    eim_cli_say("%s: failed for an unknown reason", what);
    return;
  }
  eim_cli_plain_text(why, sizeof why, eim_error_message(error));
  if (eim_error_code(error) > 0)
    eim_cli_say("%s: %d %s: %s", what, (int)eim_error_code(error), eim_error_name(error), why);
  else
    eim_cli_say("%s: %s", what, why);
  if (eim_error_may_have_happened(error))
    eim_cli_say("  (it may have happened all the same: no answer came)");
  if (advice(error)) eim_cli_say("  (%s)", advice(error));
}
