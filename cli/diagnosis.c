#include "diagnosis.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cjson/cJSON.h>

/* What eim_error_detail() says, as far as it matters here. */
typedef struct facts {
  char what[24], tls[24];
  int status; /* of HTTP, 0: none */
} facts;

static void copy(char *out, size_t size, const cJSON *object, const char *name) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
  snprintf(out, size, "%s", cJSON_IsString(item) ? item->valuestring : "");
}

static void learn(facts *self, const eim_error *error) {
  *self = (facts){0};
  cJSON *root = cJSON_Parse(eim_error_detail(error));
  /* A host list that could not be had wraps the error that is to blame. */
  const cJSON *inner = cJSON_GetObjectItemCaseSensitive(root, "detail");
  const cJSON *detail = cJSON_IsObject(inner) ? inner : root;
  copy(self->what, sizeof self->what, detail, "what");
  copy(self->tls, sizeof self->tls, detail, "tls");
  if (eim_error_domain(error) == EIM_DOMAIN_HTTP) self->status = eim_error_native(error);
  cJSON_Delete(root);
}

static void tell(eim_cli_diagnosis *self, const char *verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void tell(eim_cli_diagnosis *self, const char *verdict, const char *format, ...) {
  va_list args;
  snprintf(self->verdict, sizeof self->verdict, "%s", verdict);
  va_start(args, format);
  vsnprintf(self->remedy, sizeof self->remedy, format, args);
  va_end(args);
}

static const char *clock_text(char *out, size_t size) {
  time_t now = time(NULL);
  struct tm utc;
  if (!gmtime_r(&now, &utc) || !strftime(out, size, "%Y-%m-%d %H:%M UTC", &utc)) *out = 0;
  return out;
}

static bool is(const char *a, const char *b) {
  return !strcmp(a, b);
}

/* ------------------------------------------------------------------ the way to the server */

static void of_tls(eim_cli_diagnosis *self, const eim_cli_case *c, const facts *f) {
  char now[40];
  clock_text(now, sizeof now);
  self->step = EIM_CLI_STEP_TLS;
  if (is(f->tls, "hostname_mismatch"))
    tell(self, "The certificate of the server is for another host name.",
         "Name the server in %s as its certificate does; an alias or a bare address will not do.",
         c->option);
  else if (is(f->tls, "expired"))
    tell(self, "The certificate of the server has expired, or the clock of this machine is wrong.",
         "This machine says it is %s. If that is right, who runs the server must renew the "
         "certificate.",
         now);
  else if (is(f->tls, "not_yet_valid"))
    tell(self,
         "The certificate of the server is from the future, or the clock of this machine is "
         "wrong.",
         "This machine says it is %s. Set the clock if that is wrong.", now);
  else if (is(f->tls, "pin_mismatch"))
    tell(self, "The key of the server is none of pinnedKeys.",
         "If the server was given a new key, pin that one; if not, somebody is in between.");
  else if (is(f->tls, "revoked"))
    tell(self, "The certificate of the server was revoked.",
         "Do not go on; tell who runs the server.");
  else if (is(f->tls, "alert"))
    tell(
        self, "The server refused the TLS connection.",
        "It may want a certificate of the client: --set clientCert=FILE and --set clientKey=FILE.");
  else if (is(f->tls, "file") || is(f->tls, "no_ca_bundle") || is(f->tls, "pin_form"))
    tell(self, eim_error_message(c->error),
         "Check --ca-file and the options caFile, clientCert, clientKey and pinnedKeys.");
  else if (is(f->tls, "handshake"))
    tell(self, "What answers there does not speak TLS.",
         "Check the port in %s. https:// and wss:// are for TLS; a server of your own without it "
         "has http:// and ws://.",
         c->option);
  else
    tell(self, "The certificate of the server comes from an authority that is not trusted here.",
         "A server of your own: give its authority by --ca-file FILE. Any other: somebody may be "
         "in between, do not go on.");
}

static void of_network(eim_cli_diagnosis *self, const eim_cli_case *c, const facts *f) {
  int code = eim_error_domain(c->error) == EIM_DOMAIN_OS ? eim_error_native(c->error) : 0;
  if (is(f->what, "proxy")) {
    self->step = EIM_CLI_STEP_TCP;
    if (f->status == 407)
      tell(self, "The proxy does not let this user through.",
           "Give it a user and a password: --set proxy=env and the variable https_proxy.");
    else
      tell(self, "The proxy cannot be used.",
           "Check its address, that it runs, and that it allows connections to the server (%s).",
           eim_error_message(c->error));
  } else if (is(f->what, "dns")) {
    self->step = EIM_CLI_STEP_DNS;
    tell(self, "The name of the server is not known here.",
         "Check how it is spelled in %s, and whether this machine has a network and a name server.",
         c->option);
  } else if (is(f->what, "connect")) {
    self->step = EIM_CLI_STEP_TCP;
    if (code == ECONNREFUSED)
      tell(self, "Nothing listens at the address of the server: the port is closed.",
           "Check host and port in %s, and that the server is running.", c->option);
    else if (code == ENETUNREACH || code == EHOSTUNREACH)
      tell(self, "This machine has no way to the server.",
           "Check its network. If it has no IPv6, try --set ipVersion=4.");
    else
      tell(self, "The server cannot be reached.",
           "Check host and port in %s; a firewall may swallow the connection.", c->option);
  } else {
    tell(self, "The server closed the connection without an answer.",
         "Check the port in %s: https:// and wss:// for TLS, http:// and ws:// without. Otherwise "
         "something in between cuts the line.",
         c->option);
  }
}

static void of_silence(eim_cli_diagnosis *self, const eim_cli_case *c) {
  if (c->state == EIM_STATE_PROVISIONING) {
    tell(self, "The message server took the connection but did not answer the login.",
         "Try again later. If it stays so, tell who runs the server.");
    return;
  }
  self->blind = true;
  tell(self, "The server did not answer in time.",
       "It may be down or busy, or a firewall swallows what is sent. Check host and port in %s, "
       "try again, perhaps with a longer --timeout.",
       c->option);
}

static void of_http(eim_cli_diagnosis *self, const eim_cli_case *c, const facts *f) {
  bool upgrade = c->state == EIM_STATE_CONNECTING;
  if (f->status == 429)
    tell(self, "The server has had too many requests.", "Wait a minute and try again.");
  else if (f->status >= 500)
    tell(self, "The server has a failure of its own.",
         "Try again later. If it stays so, tell who runs the server (HTTP %d).", f->status);
  else if (upgrade)
    tell(self, "There is no message server at this address.",
         "Check %s; its path is usually /websocket (HTTP %d).", c->option, f->status);
  else
    tell(self, "What answers at this address is not the service.",
         "Check %s. In a public network, a login page may be in the way (HTTP %d).", c->option,
         f->status);
}

/* ------------------------------------------------------------------ verdicts of the server */

static bool of_verdict(eim_cli_diagnosis *self, const eim_cli_case *c) {
  const char *user = c->user;
  char now[40], text[512];
  switch (eim_error_code(c->error)) {
  case EIM_CODE_INVALID_APP_KEY:
    snprintf(text, sizeof text, "This server knows no app %s.", c->app_key);
    tell(self, text, "Check --app-key, and that %s is the server of that app.", c->option);
    return true;
  case EIM_CODE_USER_AUTHENTICATION_FAILED:
    snprintf(text, sizeof text,
             c->with_token ? "The server does not let %s in with this token."
                           : "The user name %s or the password is wrong.",
             user);
    tell(self, text, "Check --user and the %s; who runs the app can give a new one.",
         c->with_token ? "token" : "password");
    return true;
  case EIM_CODE_USER_NOT_FOUND:
    snprintf(text, sizeof text, "There is no user %s in the app %s.", user, c->app_key);
    tell(self, text,
         "Check --user and --app-key. `eim register %s` creates the user where the app "
         "allows that.",
         user);
    return true;
  case EIM_CODE_INVALID_TOKEN:
    snprintf(text, sizeof text, "The token is not a token of %s.", user);
    tell(self, text, "Check --user and --app-key, or get a new token from the app's own server.");
    return true;
  case EIM_CODE_TOKEN_EXPIRED:
    tell(self, "The token has expired.",
         "Get a new one from the app's own server. If it is new, compare the clocks: this machine "
         "says it is %s.",
         clock_text(now, sizeof now));
    return true;
  case EIM_CODE_SERVER_SERVICE_RESTRICTED:
    snprintf(text, sizeof text, "%s is banned, or the app is switched off.", user);
    tell(self, text, "Ask who runs the app.");
    return true;
  case EIM_CODE_EXCEED_SERVICE_LIMIT:
  case EIM_CODE_APP_ACTIVE_NUMBER_REACH_LIMITATION:
    tell(self, "The app has as many users as its edition allows.", "Ask who runs the app.");
    return true;
  case EIM_CODE_USER_BIND_ANOTHER_DEVICE:
  case EIM_CODE_USER_LOGIN_TOO_MANY_DEVICES:
  case EIM_CODE_USER_DEVICE_CHANGED:
    snprintf(text, sizeof text, "%s is logged in on other devices, and the app allows no more.",
             user);
    tell(self, text, "Log out there, or be the same device: --device-id ID.");
    return true;
  default: return false;
  }
}

/* ------------------------------------------------------------------ all of it */

static eim_cli_step last_step(eim_state state) {
  switch (state) {
  case EIM_STATE_RESOLVING: return EIM_CLI_STEP_HOSTS;
  case EIM_STATE_PROVISIONING:
  case EIM_STATE_ONLINE: return EIM_CLI_STEP_LOGIN;
  default: return EIM_CLI_STEP_ANSWER;
  }
}

void eim_cli_diagnose(eim_cli_diagnosis *self, const eim_cli_case *c) {
  facts f;
  int32_t code = eim_error_code(c->error);
  eim_domain domain = eim_error_domain(c->error);
  *self = (eim_cli_diagnosis){.step = last_step(c->state)};
  learn(&f, c->error);
  if (of_verdict(self, c)) {
    if (c->state == EIM_STATE_AUTHENTICATING) self->step = EIM_CLI_STEP_TOKEN;
  } else if (domain == EIM_DOMAIN_TLS) {
    of_tls(self, c, &f);
  } else if (code == EIM_E_TIMEOUT || code == EIM_CODE_SERVER_TIMEOUT ||
             (domain == EIM_DOMAIN_LOCAL && eim_error_native(c->error) == EIM_E_TIMEOUT)) {
    of_silence(self, c);
  } else if (domain == EIM_DOMAIN_OS || is(f.what, "proxy")) {
    of_network(self, c, &f);
  } else if (domain == EIM_DOMAIN_HTTP) {
    of_http(self, c, &f);
  } else if (code == EIM_E_PROTOCOL ||
             (domain == EIM_DOMAIN_LOCAL && eim_error_native(c->error) == EIM_E_PROTOCOL)) {
    tell(self, "What answers at this address is not the service.",
         "Check %s. In a public network, a login page may be in the way.", c->option);
  } else {
    tell(self, eim_error_message(c->error), "`eim login --log-level debug` tells more.");
  }
  /* The list of hosts is one step, wherever on the way to it the failure was. */
  if (c->state == EIM_STATE_RESOLVING) self->step = EIM_CLI_STEP_HOSTS;
}
