#include "run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "lines.h"
#include "message.h"
#include "progress.h"

enum {
  TOKEN_REGISTER = 1,
  TOKEN_OPEN,
  TOKEN_SEND,
  TOKEN_CLOSE,
  TOKEN_HEALTH,
  TOKEN_COUNT
}; /* chat: from TOKEN_COUNT */
enum { CLOSE_MS = 3000, UPLOAD_MS = 5500 };

typedef struct run {
  const eim_cli_args *args;
  eim_cli_print print;
  eim_context *context;
  eim_client *client;
  int64_t deadline; /* of what is being waited for, -1: none */
  const eim_result *results[TOKEN_COUNT];
  bool was_online, closing;
  bool over; /* the session ended by itself; cause says why */
  const eim_error *cause;
  int32_t told; /* code of the error on_error() was told last */
  int64_t messages;
  /* chat */
  eim_cli_lines *lines; /* NULL: stdin is none of our business now */
  uint64_t sent, pending;
  int send_status; /* of the first line that was not taken */
} run;

typedef enum outcome { GOT_IT, TIMED_OUT, SIGNALED, SESSION_OVER, POLL_FAILED } outcome;

static volatile sig_atomic_t signaled;

static void on_signal(int number) {
  signaled = number;
  signal(number, SIG_DFL); /* the second one ends at once */
}

static int64_t clock_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ------------------------------------------------------------------ what the library tells */

static void on_connected(void *user_data, const eim_state_change *change) {
  run *self = user_data;
  self->was_online = true;
  eim_cli_print_connected(&self->print, change);
}

static void on_reconnecting(void *user_data, const eim_state_change *change) {
  run *self = user_data;
  eim_cli_print_reconnecting(&self->print, change);
}

static void on_disconnected(void *user_data, const eim_state_change *change) {
  run *self = user_data;
  /* People hear of a failed login once, when it ends the command; of a loss that is being repaired
   * by the line about the next attempt. */
  if (self->print.json || (self->was_online && !eim_state_change_will_retry(change)))
    eim_cli_print_disconnected(&self->print, change);
  if (eim_state_change_will_retry(change) || self->closing) return;
  self->over = true;
  eim_error_unref(self->cause);
  self->cause = eim_error_ref(eim_state_change_cause(change));
}

static void on_token(void *user_data, const eim_token_event *event) {
  run *self = user_data;
  eim_cli_print_token(&self->print, event);
}

static void on_error(void *user_data, const eim_error *error) {
  run *self = user_data;
  self->told = eim_error_code(error);
  if (self->print.json || self->was_online) eim_cli_print_error(&self->print, error);
}

static void on_message(void *user_data, const eim_message *message) {
  run *self = user_data;
  if (self->closing) return; /* not acknowledged any more: it comes again */
  eim_cli_print_message(&self->print, message);
  self->messages++;
  /* What is not delivered is not acknowledged, so the rest comes again to whoever logs in next. */
  if (self->messages == self->args->message_count || self->print.broken)
    eim_context_yield(self->context);
}

static void on_receipt(void *user_data, const eim_receipt *receipt) {
  run *self = user_data;
  eim_cli_print_receipt(&self->print, receipt);
}

static void on_notice(void *user_data, const eim_notice *notice) {
  run *self = user_data;
  eim_cli_print_notice(&self->print, notice);
}

static void line_failed(run *self, const eim_error *error) {
  if (self->print.json && error) eim_cli_print_error(&self->print, error);
  eim_cli_explain("send", error);
  if (!self->send_status) self->send_status = eim_cli_status_of(error, self->was_online);
}

static void on_line_result(run *self, const eim_result *result) {
  self->pending--;
  if (eim_result_error(result))
    line_failed(self, eim_result_error(result));
  else
    eim_cli_print_sent(&self->print, result, self->args->to);
}

static void on_line(void *user_data, const char *line) {
  run *self = user_data;
  eim_message *message = NULL;
  if (!*line) return;
  if (eim_message_new_text(self->args->chat, self->args->to, line, NULL, &message) < 0 ||
      eim_client_send(self->client, message, TOKEN_COUNT + self->sent) < 0) {
    line_failed(self, eim_last_error());
  } else {
    self->sent++;
    self->pending++;
  }
  eim_message_unref(message);
}

static void on_result(void *user_data, const eim_result *result) {
  run *self = user_data;
  uint64_t token = eim_result_token(result);
  if (token >= TOKEN_COUNT)
    on_line_result(self, result);
  else if (!self->results[token])
    self->results[token] = eim_result_ref(result);
}

/* ------------------------------------------------------------------ waiting */

/* listen --count: all that was wanted is there. */
static bool is_enough(const run *self, uint64_t token) {
  return !token && self->args->message_count && self->messages >= self->args->message_count;
}

/* Waits for the end of the request (0: of nothing), the wanted number of messages, or what ends the
 * wait before: the deadline, a signal, the end of the session, a reader that went away. */
static outcome wait_for(run *self, uint64_t token) {
  struct pollfd fds[2] = {{.fd = eim_context_fd(self->context), .events = POLLIN},
                          {.fd = -1, .events = POLLIN}};
  sigset_t open_mask;
  sigprocmask(SIG_BLOCK, NULL, &open_mask);
  sigdelset(&open_mask, SIGINT);
  sigdelset(&open_mask, SIGTERM);
  for (;;) {
    /* Before polling: one message more would be printed. */
    if (is_enough(self, token)) return GOT_IT;
    eim_status status = eim_context_poll(self->context, 0, 0);
    if (status < 0) return POLL_FAILED;
    if (token && self->results[token]) return GOT_IT;
    if (is_enough(self, token)) return GOT_IT;
    if (!token && self->lines && self->lines->ended && !self->pending) return GOT_IT;
    if (self->over) return SESSION_OVER;
    if (!self->closing && (signaled || self->print.broken)) return SIGNALED;
    int64_t left = self->deadline < 0 ? INT64_MAX : self->deadline - clock_ms();
    if (left <= 0) return TIMED_OUT;
    struct timespec limit = {.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000};
    fds[1].fd = !token && self->lines && !self->lines->ended ? STDIN_FILENO : -1;
    int ready = ppoll(fds, 2, self->deadline < 0 ? NULL : &limit, &open_mask);
    if (ready < 0 && errno != EINTR) return POLL_FAILED;
    if (ready > 0 && fds[1].fd >= 0 && fds[1].revents &&
        !eim_cli_lines_read(self->lines, STDIN_FILENO, on_line, self)) {
      eim_cli_say("chat: a line is longer than %d bytes", EIM_CLI_LINE_MAX);
      self->send_status = EIM_CLI_USAGE;
      self->lines->ended = true;
    }
  }
}

static void deadline_in(run *self, int64_t ms) {
  self->deadline = ms < 0 ? -1 : clock_ms() + ms;
}

/* ------------------------------------------------------------------ exit statuses */

static bool is_forced_logout(int32_t code) {
  switch (code) {
  case EIM_CODE_APP_ACTIVE_NUMBER_REACH_LIMITATION:
  case EIM_CODE_USER_LOGIN_ANOTHER_DEVICE:
  case EIM_CODE_USER_REMOVED:
  case EIM_CODE_USER_BIND_ANOTHER_DEVICE:
  case EIM_CODE_USER_LOGIN_TOO_MANY_DEVICES:
  case EIM_CODE_USER_KICKED_BY_CHANGE_PASSWORD:
  case EIM_CODE_USER_KICKED_BY_OTHER_DEVICE:
  case EIM_CODE_USER_DEVICE_CHANGED:
  case EIM_CODE_SERVER_SERVICE_RESTRICTED: return true;
  default: return false;
  }
}

int eim_cli_status_of(const eim_error *error, bool was_online) {
  int32_t code = error ? eim_error_code(error) : EIM_E_NETWORK;
  switch (code) {
  case EIM_E_INVALID:
  case EIM_E_UNSUPPORTED: return EIM_CLI_USAGE;
  case EIM_E_AUTH:
  case EIM_E_SERVER: return EIM_CLI_REFUSED;
  case EIM_CODE_SERVER_NOT_REACHABLE:
  case EIM_CODE_SERVER_TIMEOUT:
  case EIM_CODE_SERVER_GET_DNSLIST_FAILED: return EIM_CLI_FAILED;
  default: break;
  }
  if (code < 0) return EIM_CLI_FAILED;
  /* Without an answer of the server nobody refused anything. */
  if (eim_error_domain(error) == EIM_DOMAIN_OS || eim_error_domain(error) == EIM_DOMAIN_TLS)
    return EIM_CLI_FAILED;
  if (was_online && is_forced_logout(code)) return EIM_CLI_LOGGED_OUT;
  return EIM_CLI_REFUSED;
}

/* A call that failed here and now. */
static int failed_call(run *self, const char *what) {
  if (self->print.json) eim_cli_print_error(&self->print, eim_last_error());
  eim_cli_explain(what, eim_last_error());
  return eim_cli_status_of(eim_last_error(), false);
}

static int ended(run *self, const char *what, outcome how) {
  switch (how) {
  case SIGNALED: return EIM_CLI_DONE;
  case TIMED_OUT:
    eim_cli_say("%s: no answer within %.1f seconds (--timeout)", what,
                (double)self->args->timeout_ms / 1000.0);
    return EIM_CLI_FAILED;
  case SESSION_OVER:
    eim_cli_explain(what, self->cause);
    return eim_cli_status_of(self->cause, self->was_online);
  case POLL_FAILED: eim_cli_explain(what, eim_last_error()); return EIM_CLI_FAILED;
  case GOT_IT: break;
  }
  return EIM_CLI_DONE;
}

/* Waits for a request; its failure is told. *interrupted: a signal came first. */
static int finish(run *self, uint64_t token, const char *what, bool *interrupted) {
  outcome how = wait_for(self, token);
  /* The end of a login is told as a change of state and as a result; the result knows more. */
  if (how == SESSION_OVER && !self->results[token]) {
    self->over = false;
    how = wait_for(self, token);
    if (how != GOT_IT) how = SESSION_OVER;
  }
  *interrupted = how == SIGNALED;
  if (how != GOT_IT) return ended(self, what, how);
  const eim_error *error = eim_result_error(self->results[token]);
  if (!error) return EIM_CLI_DONE;
  if (self->print.json && self->told != eim_error_code(error))
    eim_cli_print_error(&self->print, error);
  eim_cli_explain(what, error);
  return eim_cli_status_of(error, self->was_online);
}

/* ------------------------------------------------------------------ commands */

static int do_register(run *self, const eim_cli_secret *secret) {
  const eim_cli_args *args = self->args;
  bool interrupted;
  if (eim_client_register_user(self->client, args->user, secret->text, args->nickname,
                               TOKEN_REGISTER) < 0)
    return failed_call(self, "register");
  int status = finish(self, TOKEN_REGISTER, "register", &interrupted);
  if (!status && !interrupted) eim_cli_print_registered(&self->print, args->user);
  return status;
}

static int do_login(run *self, const eim_cli_secret *secret, bool *interrupted) {
  const char *user = self->args->user;
  eim_status opened = secret->is_token
                          ? eim_client_open_token(self->client, user, secret->text, TOKEN_OPEN)
                          : eim_client_open_password(self->client, user, secret->text, TOKEN_OPEN);
  if (opened < 0) return failed_call(self, "login");
  return finish(self, TOKEN_OPEN, "login", interrupted);
}

/* With enableReportLogs the library uploads the last lines after a close, as long as its client is
 * there: 5 seconds at most. */
static void await_upload(run *self) {
  for (int64_t end = clock_ms() + UPLOAD_MS; clock_ms() < end;) {
    eim_result_unref((eim_result *)self->results[TOKEN_HEALTH]);
    self->results[TOKEN_HEALTH] = NULL;
    if (eim_client_health(self->client, TOKEN_HEALTH) < 0) return;
    wait_for(self, TOKEN_HEALTH);
    const eim_result *health = self->results[TOKEN_HEALTH];
    if (!health || !strstr(eim_result_json(health), "\"report\":{\"enabled\":true") ||
        strstr(eim_result_json(health), "\"waitingBytes\":0,") ||
        eim_context_poll(self->context, 20, 0) < 0)
      return;
  }
}

static void do_close(run *self) {
  self->closing = true;
  if (eim_client_state(self->client) == EIM_STATE_OFFLINE) return;
  if (eim_client_close(self->client, TOKEN_CLOSE) < 0) return;
  deadline_in(self, CLOSE_MS);
  wait_for(self, TOKEN_CLOSE);
  await_upload(self);
}

static int do_send(run *self, const eim_message *message) {
  bool interrupted;
  if (eim_client_send(self->client, message, TOKEN_SEND) < 0) return failed_call(self, "send");
  int status = finish(self, TOKEN_SEND, "send", &interrupted);
  if (!status && interrupted) {
    eim_cli_say("send: interrupted before the server answered");
    return EIM_CLI_FAILED;
  }
  if (!status) eim_cli_print_sent(&self->print, self->results[TOKEN_SEND], self->args->to);
  return status;
}

static int do_request(run *self) {
  const eim_cli_args *args = self->args;
  bool interrupted, typed = args->body && !strcmp(args->body, "-");
  char *body = typed ? eim_cli_read_text("request") : NULL;
  if (typed && !body) return EIM_CLI_USAGE;
  eim_status sent = eim_client_request(self->client, args->word, args->second, args->query,
                                       typed ? body : args->body, TOKEN_SEND);
  free(body);
  if (sent < 0) {
    int failed = failed_call(self, "request");
    return sent == EIM_E_INVALID ? EIM_CLI_USAGE : failed;
  }
  int status = finish(self, TOKEN_SEND, "request", &interrupted);
  if (!status && interrupted) {
    eim_cli_say("request: interrupted before the server answered");
    return EIM_CLI_FAILED;
  }
  if (!status) eim_cli_print_answer(&self->print, eim_result_json(self->results[TOKEN_SEND]));
  return status;
}

static int do_stay(run *self) {
  deadline_in(self, self->args->for_ms);
  if (self->args->command == EIM_CLI_CHAT) self->lines = calloc(1, sizeof *self->lines);
  outcome how = wait_for(self, 0);
  if (how == GOT_IT || how == TIMED_OUT)
    if (self->send_status) return self->send_status;
  if (how == TIMED_OUT) {
    if (!self->args->message_count) return EIM_CLI_DONE;
    eim_cli_say("listen: only %lld of %lld messages came", (long long)self->messages,
                (long long)self->args->message_count);
    return EIM_CLI_FAILED;
  }
  return ended(self, "logged out", how);
}

/* ------------------------------------------------------------------ setting up */

static bool set(eim_config *config, const char *key, const char *value) {
  if (!value || eim_config_set(config, key, value) == EIM_OK) return true;
  eim_cli_explain("option", eim_last_error());
  return false;
}

/* The library's own deadlines follow --timeout, as far as their ranges allow; ours is behind them.
 */
static void set_timeout(eim_config *config, const char *key, int64_t ms) {
  char text[24];
  snprintf(text, sizeof text, "%lld", (long long)ms);
  eim_config_set(config, key, text);
}

eim_config *eim_cli_configure(const eim_cli_args *args, const char *device) {
  eim_config *config;
  if (eim_config_new(&config) < 0) return NULL;
  bool ok = set(config, "ioThreads", "0") && set(config, "appKey", args->app_key) &&
            set(config, "apiUrl", args->api_url) && set(config, "url", args->url) &&
            set(config, "caFile", args->ca_file) && set(config, "deviceId", device) &&
            set(config, "dnsUrls", args->dns_url) &&
            set(config, "isHttpDNS", args->dns_url ? "true" : NULL) &&
            set(config, "https", args->plain ? "false" : NULL);
  if (ok && args->timeout) {
    set_timeout(config, "loginTimeout", args->timeout_ms);
    set_timeout(config, "requestTimeout", args->timeout_ms);
    set_timeout(config, "sendTimeout", args->timeout_ms);
  }
  for (size_t i = 0; ok && i < args->setting_count; i++) {
    char *key = strdup(args->settings[i]);
    char *equals = key ? strchr(key, '=') : NULL;
    if (equals) *equals = 0;
    ok = equals && set(config, key, equals + 1);
    free(key);
  }
  if (ok && eim_config_check(config) < 0) {
    eim_cli_explain("option", eim_last_error());
    ok = false;
  }
  if (ok) return config;
  eim_config_free(config);
  return NULL;
}

static int start(run *self, const eim_config *config) {
  eim_handlers handlers = EIM_HANDLERS_INIT;
  handlers.user_data = self;
  handlers.on_connected = on_connected;
  handlers.on_reconnecting = on_reconnecting;
  handlers.on_disconnected = on_disconnected;
  handlers.on_token_will_expire = on_token;
  handlers.on_token_expired = on_token;
  handlers.on_error = on_error;
  handlers.on_message = on_message;
  handlers.on_receipt = on_receipt;
  handlers.on_notice = on_notice;
  handlers.on_result = on_result;
  handlers.on_progress = eim_cli_progress;
  if (eim_context_new(config, &self->context) < 0 ||
      eim_client_new(self->context, config, &self->client) < 0 ||
      eim_client_add_event_handler(self->client, "eim", &handlers) < 0 ||
      (self->args->login_ext && eim_client_set_login_ext(self->client, self->args->login_ext) < 0))
    return failed_call(self, "start");
  return EIM_CLI_DONE;
}

static void catch_signals(void) {
  struct sigaction caught = {.sa_handler = on_signal}, ignored = {.sa_handler = SIG_IGN};
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGINT);
  sigaddset(&mask, SIGTERM);
  sigprocmask(SIG_BLOCK, &mask, NULL); /* they come inside ppoll() only */
  sigaction(SIGINT, &caught, NULL);
  sigaction(SIGTERM, &caught, NULL);
  sigaction(SIGPIPE, &ignored, NULL); /* a reader that went away is seen when writing */
}

static int act(run *self, eim_cli_secret *secret) {
  const eim_cli_args *args = self->args;
  eim_message *message = NULL;
  bool interrupted = false;
  int status = EIM_CLI_DONE;
  if (args->command == EIM_CLI_SEND) status = eim_cli_message_build(args, &message);
  if (status) return status;
  deadline_in(self, args->timeout_ms + 500); /* the library, which knows more, speaks first */
  if (args->command == EIM_CLI_REGISTER)
    status = do_register(self, secret);
  else
    status = do_login(self, secret, &interrupted);
  eim_cli_secret_clear(secret);
  if (!status && !interrupted && args->command == EIM_CLI_SEND) status = do_send(self, message);
  if (!status && !interrupted && args->command == EIM_CLI_REQUEST) status = do_request(self);
  if (!status && !interrupted && (args->command & (EIM_CLI_LOGIN | EIM_CLI_LISTEN | EIM_CLI_CHAT)))
    status = do_stay(self);
  if ((args->command & (EIM_CLI_SEND | EIM_CLI_REQUEST)) && interrupted) status = EIM_CLI_FAILED;
  do_close(self);
  eim_message_unref(message);
  return status;
}

int eim_cli_start_log(const eim_cli_args *args) {
  eim_log_set_level(EIM_LOG_SILENT);
  if (args->log_level && eim_log_set_level_name(args->log_level) < 0) {
    eim_cli_say("--log-level: '%s' is none of trace, debug, info, warn, error, silent",
                args->log_level);
    return EIM_CLI_USAGE;
  }
  if (!args->log_file) return EIM_CLI_DONE;
  if (eim_log_set_file(args->log_file, 0) < 0) {
    eim_cli_say("--log-file: %s", eim_error_message(eim_last_error()));
    return EIM_CLI_USAGE;
  }
  eim_log_set_console(false);
  if (!args->log_level) eim_log_set_level(EIM_LOG_INFO);
  return EIM_CLI_DONE;
}

int eim_cli_run(const eim_cli_args *args) {
  run self = {.args = args, .deadline = -1};
  eim_cli_secret secret = {0};
  eim_cli_print_init(&self.print, args->json);
  self.print.quiet = args->command == EIM_CLI_REQUEST;
  if (eim_cli_start_log(args)) return EIM_CLI_USAGE;
  eim_cli_device device = {.lock = -1};
  if (!args->device_id && args->command != EIM_CLI_REGISTER)
    eim_cli_device_take(&device, args->app_key, args->user);
  /* Before a password is asked for. */
  eim_config *config = eim_cli_configure(args, device.id[0] ? device.id : args->device_id);
  if (!config) {
    eim_cli_device_release(&device);
    return EIM_CLI_USAGE;
  }
  int status = eim_cli_secret_find(args, &secret);
  catch_signals();
  if (!status) status = start(&self, config);
  if (!status) status = act(&self, &secret);
  eim_cli_secret_clear(&secret);
  eim_client_shutdown(self.client);
  eim_client_unref(self.client);
  eim_context_shutdown(self.context);
  eim_context_unref(self.context);
  eim_config_free(config);
  eim_cli_device_release(&device);
  eim_error_unref(self.cause);
  free(self.lines);
  for (size_t i = 0; i < TOKEN_COUNT; i++) eim_result_unref(self.results[i]);
  return status;
}
