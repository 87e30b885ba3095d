/* sandbox_line.h - --sandbox: app key and addresses from the line of JSON that eim-sandbox prints.
 */
#ifndef EIM_CLI_SANDBOX_LINE_H
#define EIM_CLI_SANDBOX_LINE_H

#include "args.h"

/* Fills what was not given otherwise. EIM_CLI_DONE or, told on stderr, EIM_CLI_USAGE. */
int eim_cli_sandbox_line(eim_cli_args *self);

#endif
