/* at_exit.h - no loop thread runs through the end of the process.
 *
 * exit() tears down OpenSSL while other threads still run. A loop thread that is just closing a TLS
 * connection would crash there: one whose client was dropped a moment ago, or one of a program that
 * ends without shutting anything down. So exit() waits for the first kind and stops the second,
 * for a second at most. */
#ifndef EIM_NET_AT_EXIT_H
#define EIM_NET_AT_EXIT_H

#include <stdbool.h>

#include "net/driver.h"

typedef struct eim_at_exit {
  struct eim_at_exit *next;
  eim_loop *loop; /* NULL: being taken down */
  bool parked;
} eim_at_exit;

/* Around the life of a loop thread: before it is started, before it takes the loop down, at its
 * end. */
void eim_at_exit_add(eim_at_exit *self, eim_loop *loop);
void eim_at_exit_leaving(eim_at_exit *self);
void eim_at_exit_remove(eim_at_exit *self);
/* The process is ending: leave the loop and call eim_at_exit_park(). Any thread. */
bool eim_at_exit_is_now(void);
/* Never returns. */
void eim_at_exit_park(eim_at_exit *self);

#endif
