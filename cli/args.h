/* args.h - the command line and the environment, read into one struct. One table of options feeds
 * the parser, the environment and the help. */
#ifndef EIM_CLI_ARGS_H
#define EIM_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <eim/eim.h>

/* Exit statuses: part of the interface, see eim.1. */
enum {
  EIM_CLI_DONE = 0,
  EIM_CLI_REFUSED = 1, /* by the server */
  EIM_CLI_USAGE = 2,
  EIM_CLI_FAILED = 3,    /* network or timeout */
  EIM_CLI_LOGGED_OUT = 4 /* by the server, for good */
};

typedef enum eim_cli_command {
  EIM_CLI_NONE = 0,
  EIM_CLI_REGISTER = 1,
  EIM_CLI_LOGIN = 2,
  EIM_CLI_SEND = 4,
  EIM_CLI_LISTEN = 8,
  EIM_CLI_CHAT = 16,
  EIM_CLI_HELP = 32,
  EIM_CLI_CHECK = 64,
  EIM_CLI_REQUEST = 128
} eim_cli_command;

enum {
  EIM_CLI_SESSION =
      EIM_CLI_LOGIN | EIM_CLI_SEND | EIM_CLI_LISTEN | EIM_CLI_CHAT | EIM_CLI_CHECK | EIM_CLI_REQUEST
};
enum { EIM_CLI_EVERY = EIM_CLI_REGISTER | EIM_CLI_SESSION };

typedef struct eim_cli_args {
  eim_cli_command command;
  bool help, version;
  bool plain, json;
  /* as given: NULL when not */
  const char *app_key, *api_url, *url, *dns_url, *ca_file, *sandbox;
  const char *user, *device_id, *timeout, *log_level, *log_file, *password_file, *token_file;
  const char *nickname, *to, *chat_type, *ext, *count, *for_seconds, *login_ext;
  const char *type, *cmd, *custom, *location, *file, *image, *audio, *video, *query, *body;
  const char *settings[32]; /* --set, "key=value" */
  size_t setting_count;
  const char *fields[32]; /* --field, "name=value" */
  size_t field_count;
  const char *word;   /* the one argument that is no option, NULL: none */
  const char *second; /* of `request`: METHOD is the word, PATH this */
  /* understood */
  int64_t timeout_ms, for_ms; /* for_ms -1: without end */
  int64_t message_count;      /* 0: any number */
  eim_chat_type chat;
  /* what --sandbox brought, owned */
  char *sandbox_line[4];
} eim_cli_args;

typedef struct eim_cli_option {
  const char *flag, *variable; /* variable NULL: none */
  const char *value;           /* what stands for the value in the help; NULL: a switch */
  size_t offset;               /* of the field; for --set of `settings`, for --field of `fields` */
  unsigned commands;           /* which take it */
  const char *doc;
} eim_cli_option;

extern const eim_cli_option eim_cli_options[];
extern const size_t eim_cli_option_count;

typedef struct eim_cli_command_info {
  const char *name;
  eim_cli_command command;
  const char *usage, *brief;
} eim_cli_command_info;

extern const eim_cli_command_info eim_cli_commands[];
extern const size_t eim_cli_command_count;

/* EIM_CLI_DONE, or EIM_CLI_USAGE with the reason told on stderr. */
int eim_cli_args_parse(eim_cli_args *self, int argc, char **argv);
void eim_cli_args_clear(eim_cli_args *self);

/* "eim: " and a line on stderr. */
void eim_cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The nearest of the names when it is near enough to be meant, else NULL. */
const char *eim_cli_nearest(const char *word, const char *const *names, size_t count);

#endif
