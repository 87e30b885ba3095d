#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <arpa/inet.h>

#include "device.h"
#include "diagnosis.h"
#include "print.h"
#include "run.h"
#include "secret.h"

enum { TOKEN_OPEN = 1, TOKEN_CLOSE = 2, CLOSE_US = 3000000 };

/* What the library shows are the states of the session: the steps inside of one state are told by
 * how it ended, and share its time. */
typedef struct check {
  const eim_cli_args *args;
  eim_cli_print print;
  const eim_config *config;
  eim_context *context;
  eim_client *client;
  bool with_token, discovers;
  int64_t since; /* mono us, when the state began */
  bool ended;    /* there is a verdict, or the login is over */
  bool online, redirected;
  int losers; /* servers that were tried in vain */
  const eim_error *error;
  eim_cli_diagnosis diagnosis;
  bool closed;
} check;

static int64_t clock_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ------------------------------------------------------------------ steps */

static const char *leg_name(eim_state state) {
  return state == EIM_STATE_AUTHENTICATING ? "REST" : "messages";
}

static const char *step_name(eim_cli_step step, eim_state state) {
  switch (step) {
  case EIM_CLI_STEP_HOSTS: return "hosts";
  case EIM_CLI_STEP_DNS: return "DNS";
  case EIM_CLI_STEP_TCP: return "TCP";
  case EIM_CLI_STEP_TLS: return "TLS";
  case EIM_CLI_STEP_ANSWER: return state == EIM_STATE_AUTHENTICATING ? "answer" : "WebSocket";
  case EIM_CLI_STEP_TOKEN: return "token";
  case EIM_CLI_STEP_LOGIN: return "login";
  default: return "close";
  }
}

static void line(check *self, eim_state state, eim_cli_step step, eim_cli_mark mark, int64_t us,
                 const char *note, const eim_error *error) {
  bool of_leg = step >= EIM_CLI_STEP_DNS && step <= EIM_CLI_STEP_TOKEN;
  eim_cli_print_step(&self->print, of_leg ? leg_name(state) : "", step_name(step, state), mark, us,
                     note, error);
}

/* The address in the options; NULL: discovered. */
static const char *address(const check *self, eim_state state) {
  if (self->discovers) return NULL;
  return eim_config_get(self->config, state == EIM_STATE_AUTHENTICATING ? "apiUrl" : "url");
}

static bool is_plain(const char *url) {
  return url && (!strncasecmp(url, "http:", 5) || !strncasecmp(url, "ws:", 3));
}

static bool is_numeric(const char *url) {
  unsigned char bytes[16];
  char host[64] = "";
  if (!url || sscanf(url, "%*[a-zA-Z]://%63[0-9a-fA-F.:[]", host) != 1) return false;
  if (*host == '[') return true;
  host[strcspn(host, ":")] = 0;
  return inet_pton(AF_INET, host, bytes) == 1;
}

/* The lines of one connection up to `last`, which ended as `mark` says. */
static void leg(check *self, eim_state state, eim_cli_step last, eim_cli_mark mark, bool blind,
                int64_t us, const eim_error *error) {
  bool proxy = eim_config_get(self->config, "proxy") != NULL;
  for (int step = EIM_CLI_STEP_DNS; step < (int)last; step++) {
    eim_cli_mark before = blind ? EIM_CLI_UNKNOWN : EIM_CLI_GOOD;
    const char *note = "";
    if (step == EIM_CLI_STEP_DNS && is_numeric(address(self, state)))
      before = EIM_CLI_SKIPPED, note = "the address is a number";
    if (step == EIM_CLI_STEP_TCP && proxy) note = "by the proxy";
    if (step == EIM_CLI_STEP_TLS && is_plain(address(self, state)))
      before = EIM_CLI_SKIPPED, note = "not encrypted";
    if (step == EIM_CLI_STEP_TLS && self->discovers &&
        !strcmp(eim_config_get(self->config, "https"), "false"))
      before = EIM_CLI_UNKNOWN, note = "if the host list wants it";
    line(self, state, (eim_cli_step)step, before, -1, note, NULL);
  }
  line(self, state, last, mark, us, error ? eim_error_message(error) : "", error);
}

static void passed(check *self, eim_state state, int64_t us) {
  char note[512];
  switch (state) {
  case EIM_STATE_RESOLVING:
    if (self->redirected) {
      snprintf(note, sizeof note, "where the message server sends us");
    } else if (self->discovers) {
      snprintf(note, sizeof note, "asked for at %s", eim_config_get(self->config, "dnsUrls"));
    } else {
      int used = snprintf(note, 256, "as given: %s", eim_config_get(self->config, "apiUrl"));
      snprintf(note + (used < 255 ? used : 255), 256, ", %s", eim_config_get(self->config, "url"));
    }
    line(self, state, EIM_CLI_STEP_HOSTS, EIM_CLI_GOOD, us, note, NULL);
    break;
  case EIM_STATE_AUTHENTICATING:
    leg(self, state, EIM_CLI_STEP_TOKEN, EIM_CLI_GOOD, false, us, NULL);
    break;
  case EIM_STATE_CONNECTING:
    leg(self, state, EIM_CLI_STEP_ANSWER, EIM_CLI_GOOD, false, us, NULL);
    break;
  case EIM_STATE_PROVISIONING:
    line(self, state, EIM_CLI_STEP_LOGIN, EIM_CLI_GOOD, us,
         self->redirected ? "the server sends us to another one" : "", NULL);
    break;
  default: break;
  }
}

static void failed(check *self, eim_state state, int64_t us, const eim_error *error) {
  const char *option = state == EIM_STATE_AUTHENTICATING ? "--api-url" : "--url";
  if (self->discovers) option = state == EIM_STATE_RESOLVING ? "--dns-url" : "the host list";
  eim_cli_case what = {.error = error,
                       .state = state,
                       .user = self->args->user,
                       .app_key = eim_config_get(self->config, "appKey"),
                       .option = option,
                       .with_token = self->with_token};
  eim_cli_diagnose(&self->diagnosis, &what);
  eim_cli_step step = self->diagnosis.step;
  if (step >= EIM_CLI_STEP_DNS && step <= EIM_CLI_STEP_TOKEN)
    leg(self, state, step, EIM_CLI_BAD, self->diagnosis.blind, us, error);
  else
    line(self, state, step, EIM_CLI_BAD, us, eim_error_message(error), error);
  eim_error_unref(self->error);
  self->error = eim_error_ref(error);
}

/* ------------------------------------------------------------------ what the library tells */

static void on_state(void *user_data, const eim_state_change *change) {
  check *self = user_data;
  eim_state now = eim_state_change_state(change), before = eim_state_change_previous(change);
  const eim_error *cause = eim_state_change_cause(change);
  int64_t at = clock_us(), us = at - self->since;
  self->since = at;
  if (self->ended) return;
  if (!cause) {
    self->redirected = now == EIM_STATE_RESOLVING
                           ? before == EIM_STATE_PROVISIONING
                           : self->redirected && before == EIM_STATE_RESOLVING;
    passed(self, before, us);
    self->ended = self->online = now == EIM_STATE_ONLINE;
  } else if (before != EIM_STATE_WAITING) {
    failed(self, before, us, cause);
    self->losers++;
    /* Another server of the list belongs to the same attempt; a second attempt is no news. */
    self->ended = now == EIM_STATE_OFFLINE || eim_state_change_attempt(change) > 1;
  } else if (now == EIM_STATE_OFFLINE) {
    self->ended = true; /* the time was over while it waited; `error` is what it waited for */
  }
  /* No message may be given to us: it would be acknowledged, and nobody would have read it. */
  if (self->ended) eim_context_yield(self->context);
}

static void on_result(void *user_data, const eim_result *result) {
  check *self = user_data;
  const eim_error *error = eim_result_error(result);
  if (eim_result_token(result) == TOKEN_CLOSE) {
    self->closed = true;
  } else if (error && !self->ended) { /* refused without a change of state */
    failed(self, EIM_STATE_OFFLINE, clock_us() - self->since, error);
    self->ended = true;
  }
}

/* ------------------------------------------------------------------ the command */

static void wait_until(check *self, const bool *done, int64_t limit) {
  while (!*done) {
    int64_t left = limit < 0 ? -1000 : limit - clock_us();
    if (limit >= 0 && left <= 0) return;
    if (eim_context_poll(self->context, (int)(left / 1000), 0) < 0) return;
  }
}

static bool start(check *self, const eim_cli_secret *secret) {
  eim_handlers handlers = EIM_HANDLERS_INIT;
  const char *user = self->args->user;
  handlers.user_data = self;
  handlers.on_state = on_state;
  handlers.on_result = on_result;
  self->since = clock_us();
  return eim_context_new(self->config, &self->context) >= 0 &&
         eim_client_new(self->context, self->config, &self->client) >= 0 &&
         eim_client_add_event_handler(self->client, "check", &handlers) >= 0 &&
         (!self->args->login_ext ||
          eim_client_set_login_ext(self->client, self->args->login_ext) >= 0) &&
         (secret->is_token
              ? eim_client_open_token(self->client, user, secret->text, TOKEN_OPEN)
              : eim_client_open_password(self->client, user, secret->text, TOKEN_OPEN)) >= 0;
}

static int verdict(check *self) {
  char text[1024];
  const char *app_key = eim_config_get(self->config, "appKey");
  if (!self->online) {
    eim_cli_print_verdict(&self->print, self->error, self->diagnosis.verdict,
                          self->diagnosis.remedy);
    return eim_cli_status_of(self->error, false);
  }
  snprintf(text, sizeof text, "Everything works: %s can log in to %s.", self->args->user, app_key);
  self->since = clock_us();
  eim_client_close(self->client, TOKEN_CLOSE);
  wait_until(self, &self->closed, self->since + CLOSE_US);
  line(self, EIM_STATE_ONLINE, EIM_CLI_STEP_CLOSE, self->closed ? EIM_CLI_GOOD : EIM_CLI_BAD,
       clock_us() - self->since, "", NULL);
  if (self->losers)
    snprintf(text, sizeof text,
             "It works: %s can log in to %s, although %d of the listed servers failed.",
             self->args->user, app_key, self->losers);
  eim_cli_print_verdict(&self->print, NULL, text,
                        self->losers ? "Nothing to do here; the next login may take longer." : "");
  return EIM_CLI_DONE;
}

static bool discovers(const eim_config *config) {
  const char *said = eim_config_get(config, "isHttpDNS");
  return said ? !strcmp(said, "true")
              : !eim_config_get(config, "apiUrl") || !eim_config_get(config, "url");
}

int eim_cli_check(const eim_cli_args *args) {
  check self = {.args = args};
  eim_cli_secret secret = {0};
  eim_cli_device device = {.lock = -1};
  eim_cli_print_init(&self.print, args->json);
  int status = eim_cli_start_log(args);
  if (status) return status;
  if (!args->device_id) eim_cli_device_take(&device, args->app_key, args->user);
  eim_config *config = eim_cli_configure(args, device.id[0] ? device.id : args->device_id);
  self.config = config;
  status = config ? eim_cli_secret_find(args, &secret) : EIM_CLI_USAGE;
  if (!status) {
    self.discovers = discovers(config);
    self.with_token = secret.is_token;
    bool started = start(&self, &secret);
    eim_cli_secret_clear(&secret);
    if (started) {
      wait_until(&self, &self.ended, -1);
      status = verdict(&self);
    } else {
      eim_cli_explain("check", eim_last_error());
      status = eim_cli_status_of(eim_last_error(), false);
    }
  }
  eim_client_shutdown(self.client);
  eim_client_unref(self.client);
  eim_context_shutdown(self.context);
  eim_context_unref(self.context);
  eim_config_free(config);
  eim_cli_secret_clear(&secret);
  eim_cli_device_release(&device);
  eim_error_unref(self.error);
  return status;
}
