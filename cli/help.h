/* help.h - the help texts. */
#ifndef EIM_CLI_HELP_H
#define EIM_CLI_HELP_H

#include "args.h"

/* Of one command, or (EIM_CLI_NONE, EIM_CLI_HELP) of all, on stdout. */
void eim_cli_help(eim_cli_command command);

#endif
