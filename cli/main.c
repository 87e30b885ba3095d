#include <stdio.h>

#include "args.h"
#include "check.h"
#include "help.h"
#include "run.h"

int main(int argc, char **argv) {
  eim_cli_args args;
  int status = eim_cli_args_parse(&args, argc, argv);
  if (!status && args.version) {
    printf("eim %s (libeim %s)\n", EIM_VERSION_STRING, eim_version_string());
  } else if (!status && args.help) {
    eim_cli_help(args.command);
  } else if (!status) {
    status = args.command == EIM_CLI_CHECK ? eim_cli_check(&args) : eim_cli_run(&args);
  }
  eim_cli_args_clear(&args);
  if (fflush(stdout) && !status) status = EIM_CLI_FAILED;
  return status;
}
