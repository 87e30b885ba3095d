/* run.h - one client on one thread: the loop waits in ppoll() for the library, a signal or the
 * deadline. */
#ifndef EIM_CLI_RUN_H
#define EIM_CLI_RUN_H

#include "args.h"
#include "print.h"
#include "secret.h"

/* Does what args say; returns the exit status. */
int eim_cli_run(const eim_cli_args *args);

#endif
