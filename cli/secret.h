/* secret.h - where the password and the token come from: environment, file or a prompt without
 * echo, never the command line. */
#ifndef EIM_CLI_SECRET_H
#define EIM_CLI_SECRET_H

#include "args.h"

typedef struct eim_cli_secret {
  char *text; /* NULL: none */
  bool is_token;
} eim_cli_secret;

/* The credentials for args->command. EIM_CLI_DONE or, told on stderr, EIM_CLI_USAGE. The variables
 * are wiped from the environment on the way. */
int eim_cli_secret_find(const eim_cli_args *args, eim_cli_secret *out);
void eim_cli_secret_clear(eim_cli_secret *self);

#endif
