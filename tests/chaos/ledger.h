/* ledger.h - what each client process saw, in a file of its own: one line for each fact, written
 * before the next thing is done, so that it outlives the process. What must hold is read off these
 * files alone; neither the library nor the sandbox is asked.
 *
 *   I          the process began
 *   S C N      a message is given to the library: number N of the conversation C
 *   R C N ok ID | R C N maybe CODE | R C N no CODE     its result
 *   M F C N ID the handler was called with message N of C from F
 *   D F C N    the handler returned (ackMode auto), or is about to say that it is done (manual)
 *   X TEXT     something the process itself saw to be wrong
 *   Q          all its messages are sent
 *   E          the process ended by itself
 *
 * Users are numbers from 0; a conversation is the number of the receiver, or the number of users
 * for the group of all. The file of user 3 is FOLDER/u3. */
#ifndef EIM_CHAOS_LEDGER_H
#define EIM_CHAOS_LEDGER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct ledger_totals {
  long sent, accepted, maybe, refused, unanswered; /* unanswered: its process died before */
  long uncertain_there;                            /* of maybe and unanswered: delivered */
  long delivered;                                  /* first deliveries */
  long again, again_done;  /* repeated after the end of a process; whose handler had returned */
  int most_again;          /* of one conversation after one end */
  long processes, crashes; /* crashes: processes without an E */
  long lost, wrong;        /* wrong: everything that must not be, the lost included */
} ledger_totals;

/* Reads all of it and says on `out` what is wrong, at most 20 lines. page: messages that the server
 * gives at once; no more of a conversation may come again after one end of a process. */
bool ledger_check(const char *folder, int users, int page, FILE *out, ledger_totals *totals);

#endif
