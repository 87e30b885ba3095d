/* message.h - the message that `eim send` is told to send. */
#ifndef EIM_CLI_MESSAGE_H
#define EIM_CLI_MESSAGE_H

#include <eim/eim.h>

#include "args.h"

/* EIM_CLI_DONE and the message (owned by the caller), or a status, with the reason told. */
int eim_cli_message_build(const eim_cli_args *args, eim_message **out);
/* All of stdin without its last line end, owned by the caller; NULL, with the reason told. */
char *eim_cli_read_text(const char *command);

#endif
