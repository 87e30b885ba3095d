#include "args.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox_line.h"

#define FIELD(name) offsetof(eim_cli_args, name)

const eim_cli_option eim_cli_options[] = {
    {"--app-key", "EIM_APP_KEY", "ORG#APP", FIELD(app_key), EIM_CLI_EVERY,
     "key of the app, from the vendor's console"},
    {"--sandbox", "EIM_SANDBOX", "FILE|-", FIELD(sandbox), EIM_CLI_EVERY,
     "read app key and addresses from the line eim-sandbox prints"},
    {"--api-url", "EIM_API_URL", "URL", FIELD(api_url), EIM_CLI_EVERY,
     "REST address, such as https://a1.easemob.com"},
    {"--url", "EIM_URL", "URL", FIELD(url), EIM_CLI_EVERY,
     "message address, such as wss://im-api-wechat.easemob.com/websocket"},
    {"--dns-url", "EIM_DNS_URL", "URL,...", FIELD(dns_url), EIM_CLI_EVERY,
     "ask these for the addresses instead of the vendor's own"},
    {"--ca-file", "EIM_CA_FILE", "FILE", FIELD(ca_file), EIM_CLI_EVERY,
     "trust the certificate authorities in this PEM file"},
    {"--plain", "EIM_PLAIN", NULL, FIELD(plain), EIM_CLI_EVERY,
     "allow http and ws for addresses that were discovered"},
    {"--user", "EIM_USER", "USER", FIELD(user), EIM_CLI_EVERY, "who to be"},
    {"--password-file", "EIM_PASSWORD_FILE", "FILE|-", FIELD(password_file), EIM_CLI_EVERY,
     "first line is the password"},
    {"--token-file", "EIM_TOKEN_FILE", "FILE|-", FIELD(token_file), EIM_CLI_SESSION,
     "first line is an access token"},
    {"--device-id", "EIM_DEVICE_ID", "ID", FIELD(device_id), EIM_CLI_SESSION,
     "which device to be; one kept in ~/.local/state/eim when not given"},
    {"--login-ext", NULL, "TEXT", FIELD(login_ext), EIM_CLI_SESSION,
     "shown to the device that this login pushes out"},
    {"--nickname", NULL, "NAME", FIELD(nickname), EIM_CLI_REGISTER, "nickname of the new user"},
    {"--to", NULL, "PEER", FIELD(to), EIM_CLI_SEND | EIM_CLI_CHAT, "receiving user, group or room"},
    {"--chat-type", NULL, "TYPE", FIELD(chat_type), EIM_CLI_SEND | EIM_CLI_CHAT,
     "what PEER is: single (default), group or room"},
    {"--cmd", NULL, "ACTION", FIELD(cmd), EIM_CLI_SEND, "send a command message instead of a text"},
    {"--custom", NULL, "EVENT", FIELD(custom), EIM_CLI_SEND,
     "send a custom message; --field 'customExts={...}' adds its values"},
    {"--location", NULL, "LAT,LNG[,ADDRESS]", FIELD(location), EIM_CLI_SEND, "send a location"},
    {"--file", NULL, "PATH", FIELD(file), EIM_CLI_SEND, "upload this file and send it"},
    {"--image", NULL, "PATH", FIELD(image), EIM_CLI_SEND, "the same, as a picture"},
    {"--audio", NULL, "PATH", FIELD(audio), EIM_CLI_SEND, "the same, as a recording"},
    {"--video", NULL, "PATH", FIELD(video), EIM_CLI_SEND, "the same, as a film"},
    {"--type", NULL, "TYPE", FIELD(type), EIM_CLI_SEND,
     "txt (default), img, video, audio, file, loc, cmd, custom or combine; fields by --field"},
    {"--field", NULL, "NAME=VALUE", FIELD(fields), EIM_CLI_SEND,
     "a field of the message (docs/messages.md); may be repeated"},
    {"--ext", NULL, "JSON", FIELD(ext), EIM_CLI_SEND, "an object of extra values for the message"},
    {"--query", NULL, "A=1&B=2", FIELD(query), EIM_CLI_REQUEST,
     "what stands behind the ? of the path"},
    {"--body", NULL, "JSON|-", FIELD(body), EIM_CLI_REQUEST, "body of the request"},
    {"--count", NULL, "N", FIELD(count), EIM_CLI_LISTEN, "end after N messages"},
    {"--for", NULL, "SECONDS", FIELD(for_seconds), EIM_CLI_LOGIN | EIM_CLI_LISTEN | EIM_CLI_CHAT,
     "log out after this time; without it stay until Ctrl-C"},
    {"--timeout", "EIM_TIMEOUT", "SECONDS", FIELD(timeout), EIM_CLI_EVERY,
     "longest wait for the login or the server's answer (30)"},
    {"--json", "EIM_JSON", NULL, FIELD(json), EIM_CLI_EVERY, "print one JSON object a line"},
    {"--set", NULL, "KEY=VALUE", FIELD(settings), EIM_CLI_EVERY,
     "any option of docs/configuration.md; may be repeated"},
    {"--log-level", "EIM_LOG", "LEVEL", FIELD(log_level), EIM_CLI_EVERY,
     "trace, debug, info, warn, error or silent (default), on stderr"},
    {"--log-file", "EIM_LOG_FILE", "FILE", FIELD(log_file), EIM_CLI_EVERY,
     "append log lines to this file instead (level info unless told)"},
};
const size_t eim_cli_option_count = sizeof eim_cli_options / sizeof *eim_cli_options;

const eim_cli_command_info eim_cli_commands[] = {
    {"register", EIM_CLI_REGISTER, "eim register USER [options]", "create a user"},
    {"login", EIM_CLI_LOGIN, "eim login [--for SECONDS] [options]",
     "log in and stay online, printing what happens"},
    {"send", EIM_CLI_SEND, "eim send --to PEER [TEXT] [options]",
     "send one message and wait for the server to take it"},
    {"listen", EIM_CLI_LISTEN, "eim listen [--count N] [--for SECONDS] [options]",
     "print the messages that arrive"},
    {"chat", EIM_CLI_CHAT, "eim chat --to PEER [--for SECONDS] [options]",
     "send each line of stdin, print what arrives"},
    {"request", EIM_CLI_REQUEST, "eim request METHOD PATH [--body JSON] [options]",
     "make a REST call of the service as the user and print the answer"},
    {"check", EIM_CLI_CHECK, "eim check [options]",
     "try a login step by step and say what is wrong"},
    {"help", EIM_CLI_HELP, "eim help [COMMAND]", "explain a command"},
};
const size_t eim_cli_command_count = sizeof eim_cli_commands / sizeof *eim_cli_commands;

void eim_cli_say(const char *format, ...) {
  va_list args;
  va_start(args, format);
  fputs("eim: ", stderr);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
  va_end(args);
}

/* Edits (insert, delete, replace) from a to b, for short names. */
static size_t distance(const char *a, const char *b) {
  size_t row[64], n = strlen(b);
  if (n >= 64) return SIZE_MAX;
  for (size_t j = 0; j <= n; j++) row[j] = j;
  for (size_t i = 1; a[i - 1]; i++) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= n; j++) {
      size_t best = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      if (row[j] + 1 < best) best = row[j] + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      row[j] = best;
    }
  }
  return row[n];
}

const char *eim_cli_nearest(const char *word, const char *const *names, size_t count) {
  const char *nearest = NULL;
  size_t best = strlen(word) / 3 + 2;
  for (size_t i = 0; i < count; i++) {
    size_t d = distance(word, names[i]);
    if (d < best) best = d, nearest = names[i];
  }
  return nearest;
}

static const char *command_name(eim_cli_command command) {
  for (size_t i = 0; i < eim_cli_command_count; i++)
    if (eim_cli_commands[i].command == command) return eim_cli_commands[i].name;
  return "";
}

static int unknown_command(const char *word) {
  const char *names[sizeof eim_cli_commands / sizeof *eim_cli_commands];
  for (size_t i = 0; i < eim_cli_command_count; i++) names[i] = eim_cli_commands[i].name;
  const char *near = eim_cli_nearest(word, names, eim_cli_command_count);
  if (near)
    eim_cli_say("no command '%s': did you mean '%s'? `eim help` lists them all", word, near);
  else
    eim_cli_say("no command '%s': `eim help` lists them all", word);
  return EIM_CLI_USAGE;
}

static int unknown_option(const char *flag, size_t length, eim_cli_command command) {
  char word[64];
  snprintf(word, sizeof word, "%.*s", (int)(length < 60 ? length : 60), flag);
  if (!strcmp(word, "--password") || !strcmp(word, "--pwd") || !strcmp(word, "-p") ||
      !strcmp(word, "--token") || !strcmp(word, "--access-token")) {
    eim_cli_say("%s: secrets do not belong on a command line, where every user of this machine can "
                "read them: use EIM_PASSWORD, EIM_ACCESS_TOKEN, --password-file or --token-file",
                word);
    return EIM_CLI_USAGE;
  }
  const char *names[sizeof eim_cli_options / sizeof *eim_cli_options];
  for (size_t i = 0; i < eim_cli_option_count; i++) names[i] = eim_cli_options[i].flag;
  const char *near = eim_cli_nearest(word, names, eim_cli_option_count);
  if (near)
    eim_cli_say("no option %s: did you mean %s? See `eim help %s`", word, near,
                command_name(command));
  else
    eim_cli_say("no option %s: see `eim help %s`", word, command_name(command));
  return EIM_CLI_USAGE;
}

static bool truth(const char *text) {
  return text && *text && strcmp(text, "0") != 0 && strcmp(text, "false") != 0 &&
         strcmp(text, "no") != 0;
}

static void *field(eim_cli_args *self, const eim_cli_option *option) {
  return (char *)self + option->offset;
}

static void from_environment(eim_cli_args *self) {
  for (size_t i = 0; i < eim_cli_option_count; i++) {
    const eim_cli_option *option = &eim_cli_options[i];
    const char *value = option->variable ? getenv(option->variable) : NULL;
    if (!value || !*value || !(option->commands & self->command)) continue;
    if (!option->value)
      *(bool *)field(self, option) = truth(value);
    else
      *(const char **)field(self, option) = value;
  }
}

/* Takes argv[*at], an option, and its value, which may be the next argument. */
static int take_option(eim_cli_args *self, int argc, char **argv, int *at) {
  const char *arg = argv[*at], *equals = strchr(arg, '=');
  size_t length = equals ? (size_t)(equals - arg) : strlen(arg);
  const eim_cli_option *option = NULL;
  for (size_t i = 0; i < eim_cli_option_count && !option; i++)
    if (strlen(eim_cli_options[i].flag) == length && !memcmp(eim_cli_options[i].flag, arg, length))
      option = &eim_cli_options[i];
  if (!option) return unknown_option(arg, length, self->command);
  if (!(option->commands & self->command)) {
    eim_cli_say("%s is not for `eim %s`: see `eim help %s`", option->flag,
                command_name(self->command), command_name(self->command));
    return EIM_CLI_USAGE;
  }
  if (!option->value) {
    if (equals) {
      eim_cli_say("%s takes no value", option->flag);
      return EIM_CLI_USAGE;
    }
    *(bool *)field(self, option) = true;
    return EIM_CLI_DONE;
  }
  const char *value = equals ? equals + 1 : NULL;
  if (!value && *at + 1 < argc) value = argv[++*at];
  if (!value || !*value) {
    eim_cli_say("%s needs a value: %s %s (%s)", option->flag, option->flag, option->value,
                option->doc);
    return EIM_CLI_USAGE;
  }
  if (option->offset != FIELD(settings) && option->offset != FIELD(fields)) {
    *(const char **)field(self, option) = value;
    /* An option outranks the variable of its rival. */
    if (option->offset == FIELD(password_file) && self->token_file == getenv("EIM_TOKEN_FILE"))
      self->token_file = NULL;
    return EIM_CLI_DONE;
  }
  bool setting = option->offset == FIELD(settings);
  size_t *count = setting ? &self->setting_count : &self->field_count;
  if (!strchr(value, '=') || *count == 32) {
    if (*count == 32)
      eim_cli_say("%s may be given 32 times", option->flag);
    else
      eim_cli_say("%s takes %s, such as %s", option->flag, option->value,
                  setting ? "--set delivery=true" : "--field url=https://…");
    return EIM_CLI_USAGE;
  }
  (setting ? self->settings : self->fields)[(*count)++] = value;
  return EIM_CLI_DONE;
}

static int seconds(const char *flag, const char *text, int64_t *out_ms) {
  char *end = NULL;
  errno = 0;
  double value = strtod(text, &end);
  if (errno || end == text || *end || !isfinite(value) || value < 0 || value > 31536000.0) {
    eim_cli_say("%s: '%s' is no number of seconds between 0 and 31536000", flag, text);
    return EIM_CLI_USAGE;
  }
  *out_ms = (int64_t)(value * 1000.0 + 0.5);
  return EIM_CLI_DONE;
}

static int chat_type(const char *text, eim_chat_type *out) {
  static const struct {
    const char *name;
    eim_chat_type type;
  } types[] = {{"single", EIM_CHAT_SINGLE}, {"singleChat", EIM_CHAT_SINGLE},
               {"group", EIM_CHAT_GROUP},   {"groupChat", EIM_CHAT_GROUP},
               {"room", EIM_CHAT_ROOM},     {"chatRoom", EIM_CHAT_ROOM}};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (!strcmp(text, types[i].name)) {
      *out = types[i].type;
      return EIM_CLI_DONE;
    }
  eim_cli_say("--chat-type: '%s' is none of single, group, room", text);
  return EIM_CLI_USAGE;
}

static bool is_stdin(const char *value) {
  return value && !strcmp(value, "-");
}

/* What the values mean, and what the command cannot do without. */
static int understand(eim_cli_args *self) {
  int status = EIM_CLI_DONE;
  self->timeout_ms = 30000;
  self->for_ms = -1;
  self->chat = EIM_CHAT_SINGLE;
  if (self->timeout) status = seconds("--timeout", self->timeout, &self->timeout_ms);
  if (!status && self->timeout_ms == 0) {
    eim_cli_say("--timeout: 0 seconds leave no time for anything");
    status = EIM_CLI_USAGE;
  }
  if (!status && self->for_seconds) status = seconds("--for", self->for_seconds, &self->for_ms);
  if (!status && self->chat_type) status = chat_type(self->chat_type, &self->chat);
  if (!status && self->count) {
    char *end = NULL;
    errno = 0;
    long long n = strtoll(self->count, &end, 10);
    if (errno || *end || n < 1) {
      eim_cli_say("--count: '%s' is no whole number from 1", self->count);
      status = EIM_CLI_USAGE;
    }
    self->message_count = n;
  }
  if (status) return status;
  if (self->command == EIM_CLI_REGISTER && self->word) self->user = self->word;
  if (!self->user) {
    eim_cli_say(self->command == EIM_CLI_REGISTER ? "register whom? `eim register USER`"
                                                  : "log in as whom? --user USER or EIM_USER");
    return EIM_CLI_USAGE;
  }
  if (self->command == EIM_CLI_CHAT && !self->to) {
    eim_cli_say("chat with whom? `eim chat --to PEER`");
    return EIM_CLI_USAGE;
  }
  int kinds = !!self->cmd + !!self->custom + !!self->location + !!self->file + !!self->image +
              !!self->audio + !!self->video + !!self->type;
  if (kinds > 1) {
    eim_cli_say("one message has one kind: --cmd, --custom, --location, --file, --image, --audio, "
                "--video or --type");
    return EIM_CLI_USAGE;
  }
  if (kinds && self->word && !(self->type && !strcmp(self->type, "txt"))) {
    eim_cli_say("'%s': only a text message has a TEXT", self->word);
    return EIM_CLI_USAGE;
  }
  if (self->command == EIM_CLI_SEND && (!self->to || (!self->word && !kinds))) {
    eim_cli_say(self->to ? "send what? `eim send --to %s TEXT`, or - for TEXT to read stdin"
                         : "send to whom? `eim send --to %s TEXT`",
                self->to ? self->to : "PEER");
    return EIM_CLI_USAGE;
  }
  if (self->command == EIM_CLI_REQUEST && !self->second) {
    eim_cli_say("request what? `eim request GET /users/alice/contacts/users`");
    return EIM_CLI_USAGE;
  }
  if ((self->command & EIM_CLI_SESSION & ~(unsigned)(EIM_CLI_SEND | EIM_CLI_REQUEST)) &&
      self->word) {
    eim_cli_say("'%s' is one word too many: see `eim help %s`", self->word,
                command_name(self->command));
    return EIM_CLI_USAGE;
  }
  int readers = is_stdin(self->sandbox) + is_stdin(self->password_file) +
                is_stdin(self->token_file) + is_stdin(self->word) + is_stdin(self->body) +
                (self->command == EIM_CLI_CHAT);
  if (readers > 1) {
    eim_cli_say("only one thing can come from stdin (-)");
    return EIM_CLI_USAGE;
  }
  if (self->sandbox) return eim_cli_sandbox_line(self);
  return EIM_CLI_DONE;
}

int eim_cli_args_parse(eim_cli_args *self, int argc, char **argv) {
  *self = (eim_cli_args){0};
  int at = 1;
  if (at < argc && (!strcmp(argv[at], "--version") || !strcmp(argv[at], "-V"))) {
    self->version = true;
    return EIM_CLI_DONE;
  }
  if (at < argc && (!strcmp(argv[at], "--help") || !strcmp(argv[at], "-h"))) {
    self->help = true;
    return EIM_CLI_DONE;
  }
  if (at == argc) {
    eim_cli_say("which command? `eim help` lists them all");
    return EIM_CLI_USAGE;
  }
  if (argv[at][0] == '-') {
    eim_cli_say("the command comes first: eim COMMAND [options]; `eim help` lists them all");
    return EIM_CLI_USAGE;
  }
  for (size_t i = 0; i < eim_cli_command_count; i++)
    if (!strcmp(argv[at], eim_cli_commands[i].name)) self->command = eim_cli_commands[i].command;
  if (!self->command) return unknown_command(argv[at]);
  bool options = true;
  int status = EIM_CLI_DONE;
  from_environment(self);
  for (at++; at < argc && !status; at++) {
    const char *arg = argv[at];
    if (options && !strcmp(arg, "--")) {
      options = false;
    } else if (options && (!strcmp(arg, "--help") || !strcmp(arg, "-h"))) {
      self->help = true;
      return EIM_CLI_DONE;
    } else if (options && arg[0] == '-' && arg[1]) {
      status = take_option(self, argc, argv, &at);
    } else if (self->word && self->command == EIM_CLI_REQUEST && !self->second) {
      self->second = arg;
    } else if (self->word) {
      eim_cli_say(self->command == EIM_CLI_SEND
                      ? "'%s' is one word too many: put the TEXT in quotes"
                      : "'%s' is one word too many",
                  arg);
      status = EIM_CLI_USAGE;
    } else {
      self->word = arg;
    }
  }
  if (status) return status;
  if (self->command == EIM_CLI_HELP) {
    self->help = true;
    for (size_t i = 0; self->word && i < eim_cli_command_count; i++)
      if (!strcmp(self->word, eim_cli_commands[i].name)) {
        self->command = eim_cli_commands[i].command;
        return EIM_CLI_DONE;
      }
    return self->word ? unknown_command(self->word) : EIM_CLI_DONE;
  }
  return understand(self);
}

void eim_cli_args_clear(eim_cli_args *self) {
  for (size_t i = 0; i < sizeof self->sandbox_line / sizeof *self->sandbox_line; i++)
    free(self->sandbox_line[i]);
  *self = (eim_cli_args){0};
}
