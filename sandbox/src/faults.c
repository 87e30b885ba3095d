/* fail_next: what misbehaves, how often, and how. */
#include <string.h>

#include "sandbox.h"

static const char *const what_names[] = {"dns",       "register", "token", "expires", "upgrade",
                                         "provision", "unread",   "sync",  "send",    "logs",
                                         "rest",      "ping",     "logout"};
static const char *const by_names[] = {"http",       "status",  "text-close",
                                       "disconnect", "silence", "garbage"};

const char *eim_sb_what_name(eim_sandbox_what what) {
  return what_names[what];
}

static int find(const char *const *names, size_t count, const char *name) {
  for (size_t i = 0; name && i < count; i++)
    if (strcmp(names[i], name) == 0) return (int)i;
  return -1;
}

int eim_sb_what_of(const char *name) {
  return find(what_names, sizeof what_names / sizeof *what_names, name);
}
int eim_sb_by_of(const char *name) {
  return find(by_names, sizeof by_names / sizeof *by_names, name);
}

const eim_sb_fault *eim_sb_fault_take(eim_sandbox *self, eim_sandbox_what what) {
  eim_sb_fault *fault = &self->faults[what];
  if (fault->left <= 0) return NULL;
  fault->left--;
  return fault;
}

bool eim_sb_fault_frame(eim_sandbox *self, eim_sb_conn *conn, const eim_sb_fault *fault) {
  static const uint8_t mess[] = {0xff, 0xff, 0xff, 0xff, 0x7f, 0x00, 0x4a, 0xff, 0x01, 0x02};
  switch (fault->by) {
  case EIM_SANDBOX_BY_TEXT_CLOSE: {
    const char *text = fault->text ? fault->text : "[401,\"normal closed\"]";
    eim_sb_close_saying(self, conn, text);
    return true;
  }
  case EIM_SANDBOX_BY_SILENCE: return true;
  case EIM_SANDBOX_BY_GARBAGE:
    if (fault->text)
      eim_sb_send_bytes(self, conn, fault->text, strlen(fault->text), false);
    else
      eim_sb_send_bytes(self, conn, mess, sizeof mess, false);
    return true;
  case EIM_SANDBOX_BY_HTTP:
  case EIM_SANDBOX_BY_STATUS: /* each command has its own status answer */
  case EIM_SANDBOX_BY_DISCONNECT: break;
  }
  return false;
}
