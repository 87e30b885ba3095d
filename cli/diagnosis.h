/* diagnosis.h - an error of a login in words for people who are no experts: what it means, and what
 * to do about it. */
#ifndef EIM_CLI_DIAGNOSIS_H
#define EIM_CLI_DIAGNOSIS_H

#include <stdbool.h>

#include <eim/eim.h>

/* Where a login can fail, in the order in which things happen. */
typedef enum eim_cli_step {
  EIM_CLI_STEP_HOSTS, /* which servers there are */
  EIM_CLI_STEP_DNS,   /* address of the server */
  EIM_CLI_STEP_TCP,   /* connection to it, or through the proxy */
  EIM_CLI_STEP_TLS,
  EIM_CLI_STEP_ANSWER, /* it speaks: HTTP, or the upgrade to WebSocket */
  EIM_CLI_STEP_TOKEN,  /* the password was traded for a token */
  EIM_CLI_STEP_LOGIN,  /* Provision: the verdict of the message server */
  EIM_CLI_STEP_CLOSE
} eim_cli_step;

typedef struct eim_cli_case {
  const eim_error *error;
  eim_state state; /* in which it happened */
  const char *user, *app_key;
  const char *option; /* which names the server, such as "--api-url" */
  bool with_token;    /* logged in with a token, not a password */
} eim_cli_case;

typedef struct eim_cli_diagnosis {
  eim_cli_step step;  /* that failed */
  bool blind;         /* the steps before it on the same connection may have failed as well */
  char verdict[1024]; /* a sentence */
  char remedy[1024];
} eim_cli_diagnosis;

void eim_cli_diagnose(eim_cli_diagnosis *self, const eim_cli_case *what);

#endif
