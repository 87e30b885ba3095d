/* print.h - what the command tells: one JSON object a line, or sentences for people. Everything
 * that came from the network is made harmless for the terminal first. */
#ifndef EIM_CLI_PRINT_H
#define EIM_CLI_PRINT_H

#include <stdbool.h>

#include <eim/eim.h>

typedef struct eim_cli_print {
  bool json, color;
  bool broken; /* nobody reads stdout any more */
} eim_cli_print;

void eim_cli_print_init(eim_cli_print *self, bool json);
void eim_cli_print_registered(eim_cli_print *self, const char *user);
void eim_cli_print_connected(eim_cli_print *self, const eim_state_change *change);
void eim_cli_print_reconnecting(eim_cli_print *self, const eim_state_change *change);
void eim_cli_print_disconnected(eim_cli_print *self, const eim_state_change *change);
void eim_cli_print_token(eim_cli_print *self, const eim_token_event *event);
void eim_cli_print_message(eim_cli_print *self, const eim_message *message);
void eim_cli_print_sent(eim_cli_print *self, const eim_result *result, const char *to);
void eim_cli_print_receipt(eim_cli_print *self, const eim_receipt *receipt);
void eim_cli_print_notice(eim_cli_print *self, const eim_notice *notice);
/* An error that did not end the command, or (JSON only) the one that did. */
void eim_cli_print_error(eim_cli_print *self, const eim_error *error);
/* The error that ended the command, on stderr, with advice where there is any. */
void eim_cli_explain(const char *what, const eim_error *error);

#endif
