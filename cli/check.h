/* check.h - `eim check`: one login, step by step, with a verdict a non-expert can read. */
#ifndef EIM_CLI_CHECK_H
#define EIM_CLI_CHECK_H

#include "args.h"

/* Returns the exit status. */
int eim_cli_check(const eim_cli_args *args);

#endif
