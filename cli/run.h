/* run.h - one client on one thread: the loop waits in ppoll() for the library, a signal or the
 * deadline. */
#ifndef EIM_CLI_RUN_H
#define EIM_CLI_RUN_H

#include "args.h"
#include "print.h"
#include "secret.h"

/* Does what args say; returns the exit status. */
int eim_cli_run(const eim_cli_args *args);

/* The parts that `eim check` shares. */
/* EIM_CLI_DONE or, told on stderr, EIM_CLI_USAGE. */
int eim_cli_start_log(const eim_cli_args *args);
/* Checked options; NULL: told on stderr. */
eim_config *eim_cli_configure(const eim_cli_args *args, const char *device);
/* The exit status for an error; NULL: the connection is gone. */
int eim_cli_status_of(const eim_error *error, bool was_online);

#endif
