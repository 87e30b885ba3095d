/* api_fake_net.h - a net room for the tests of api/: a thread with a queue of tasks, and drivers
 * that record their inputs and emit what the test says. Implements net/driver.h. */
#ifndef EIM_TEST_API_FAKE_NET_H
#define EIM_TEST_API_FAKE_NET_H

#include "net/driver.h"

typedef struct fake_input {
  eim_input_kind kind;
  uint64_t token, seq, number;
  bool is_token, up;
  char user[128], text[128], secret[128], message[128];
} fake_input;

/* Forget inputs and failures. */
void fake_reset(void);
/* The next so many drivers cannot be made. */
void fake_fail_drivers(int count);
/* Stop the loop threads from running tasks, or let them go on. */
void fake_hold(bool hold);
/* Wait until an input of this kind came (counted from 1) and copy it; false after 5 s. */
bool fake_await_input(eim_input_kind kind, int nth, fake_input *out);
int fake_count(eim_input_kind kind);
int fake_live_drivers(void);
int fake_live_loops(void);
/* Every send is answered by this many messages besides its result. */
void fake_set_burst(int messages);

#endif
