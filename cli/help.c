#include "help.h"

#include <stdio.h>

static const char *const overview =
    "eim: log in to Easemob IM / Agora Chat, send and receive messages\n"
    "\n"
    "usage: eim COMMAND [options]\n"
    "\n"
    "commands:\n";

static const char *const first_steps =
    "\n"
    "Try it without an account, against the sandbox that comes with eim:\n"
    "  eim-sandbox --tls --user alice:secret --user bob:secret >box.json &\n"
    "  EIM_PASSWORD=secret eim listen --sandbox box.json --user bob &\n"
    "  EIM_PASSWORD=secret eim send --sandbox box.json --user alice --to bob 'Hello'\n"
    "\n"
    "Against the service, with your own app key:\n"
    "  export EIM_APP_KEY='org#app' EIM_USER=alice\n"
    "  eim login            (asks for the password; the addresses are discovered)\n"
    "\n"
    "Every option of a command is in `eim help COMMAND`; most are environment variables too.\n"
    "Secrets come from EIM_PASSWORD, EIM_ACCESS_TOKEN, a file or a prompt, never from the\n"
    "command line.\n";

static const char *const statuses =
    "\n"
    "exit status:\n"
    "  0 done   1 refused by the server   2 usage   3 network or timeout   4 forced logout\n";

static const char *examples(eim_cli_command command) {
  switch (command) {
  case EIM_CLI_REGISTER:
    return "Works only for apps in open registration (a switch in the vendor's console).\n"
           "\n"
           "  eim register alice --sandbox box.json        (asks for the password twice)\n"
           "  EIM_PASSWORD=secret eim register alice --app-key 'org#app'\n";
  case EIM_CLI_LOGIN:
    return "Stays online until Ctrl-C, or for a while; comes back by itself when the line is "
           "lost.\n"
           "\n"
           "  eim login --user alice --for 60\n"
           "  eim login --user alice --token-file token.txt --json\n"
           "  eim login --user alice --api-url https://a1.easemob.com \\\n"
           "            --url wss://im-api-wechat.easemob.com/websocket\n";
  case EIM_CLI_SEND:
    return "\n"
           "  eim send --user alice --to bob 'Hello'\n"
           "  eim send --user alice --to 2837462 --chat-type group 'Hello all'\n"
           "  echo 'from a pipe' | eim send --user alice --to bob -\n"
           "  eim send --user alice --to bob --cmd typing --field deliverOnlineOnly=true\n"
           "  eim send --user alice --to bob --location 31.24,121.49,'The Bund'\n"
           "  eim send --user alice --to bob --custom gift --field 'customExts={\"n\":7}'\n"
           "  eim send --user alice --to bob --image photo.jpg\n"
           "  eim send --user alice --to bob --type file --field url=https://example.org/a.pdf\n"
           "\n"
           "Messages that arrive while it is online are printed too.\n";
  case EIM_CLI_LISTEN:
    return "Each message is acknowledged once it is printed.\n"
           "\n"
           "  eim listen --user bob\n"
           "  eim listen --user bob --count 1 --for 30 --json    (status 3 when none came)\n";
  case EIM_CLI_CHAT:
    return "Ends with the end of stdin, once every line has its answer.\n"
           "\n"
           "  eim chat --user alice --to bob\n"
           "  printf 'one\\ntwo\\n' | eim chat --user alice --to bob --json\n";
  case EIM_CLI_REQUEST:
    return "PATH is what stands behind /ORG/APP in the service's REST documentation.\n"
           "\n"
           "  eim request GET /users/alice --user alice\n"
           "  eim request PUT /users/alice --body '{\"nickname\":\"Al\"}' --user alice\n"
           "  eim request GET /chatgroups/user/alice --query 'pagenum=1&pagesize=20' --user "
           "alice\n";
  case EIM_CLI_CHECK:
    return "Logs in and out and tells each step; then one verdict, and what to do about it. Reads "
           "no\n"
           "messages. It is a device like any other: where an app allows one device of each user, "
           "it\n"
           "pushes the other one out. A time belongs to its line and to those above without one.\n"
           "\n"
           "  eim check --user alice\n"
           "  eim check --user alice --sandbox box.json --json\n";
  default: return "";
  }
}

void eim_cli_help(eim_cli_command command) {
  if (command == EIM_CLI_NONE || command == EIM_CLI_HELP) {
    fputs(overview, stdout);
    for (size_t i = 0; i < eim_cli_command_count; i++)
      printf("  %-10s %s\n", eim_cli_commands[i].name, eim_cli_commands[i].brief);
    fputs(first_steps, stdout);
    fputs(statuses, stdout);
    return;
  }
  for (size_t i = 0; i < eim_cli_command_count; i++)
    if (eim_cli_commands[i].command == command)
      printf("%s\n\nusage: %s\n", eim_cli_commands[i].brief, eim_cli_commands[i].usage);
  fputs(examples(command), stdout);
  puts("\noptions:");
  for (size_t i = 0; i < eim_cli_option_count; i++) {
    const eim_cli_option *option = &eim_cli_options[i];
    char left[48];
    if (!(option->commands & command)) continue;
    snprintf(left, sizeof left, "%s%s%s", option->flag, option->value ? " " : "",
             option->value ? option->value : "");
    printf("  %-24s %s%s%s%s\n", left, option->doc, option->variable ? " [" : "",
           option->variable ? option->variable : "", option->variable ? "]" : "");
  }
  printf("\nPassword: EIM_PASSWORD, --password-file or a prompt.");
  puts(command == EIM_CLI_REGISTER ? "" : " Token: EIM_ACCESS_TOKEN or --token-file.");
  fputs(statuses, stdout);
}
