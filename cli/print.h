/* print.h - what the command tells: one JSON object a line, or sentences for people. Everything
 * that came from the network is made harmless for the terminal first. */
#ifndef EIM_CLI_PRINT_H
#define EIM_CLI_PRINT_H

#include <stdbool.h>
#include <stdint.h>

#include <eim/eim.h>

typedef struct eim_cli_print {
  bool json, color;
  bool quiet;  /* only an answer is wanted, to be piped on: nothing else for people */
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
/* {"status":…,"body":…} of a REST call. */
void eim_cli_print_answer(eim_cli_print *self, const char *json);
void eim_cli_print_receipt(eim_cli_print *self, const eim_receipt *receipt);
void eim_cli_print_notice(eim_cli_print *self, const eim_notice *notice);
/* An error that did not end the command, or (JSON only) the one that did. */
void eim_cli_print_error(eim_cli_print *self, const eim_error *error);
/* One step of `eim check`. */
typedef enum eim_cli_mark {
  EIM_CLI_GOOD,
  EIM_CLI_BAD,
  EIM_CLI_SKIPPED, /* there is no such step here */
  EIM_CLI_UNKNOWN  /* it cannot be told */
} eim_cli_mark;
/* connection "": of none. us (microseconds) -1: part of the time of the
 * next step that has one. */
void eim_cli_print_step(eim_cli_print *self, const char *connection, const char *step,
                        eim_cli_mark mark, int64_t us, const char *note, const eim_error *error);
/* error NULL: good. remedy "": none is needed. */
void eim_cli_print_verdict(eim_cli_print *self, const eim_error *error, const char *verdict,
                           const char *remedy);
/* The error that ended the command, on stderr, with advice where there is any. */
void eim_cli_explain(const char *what, const eim_error *error);

#endif
