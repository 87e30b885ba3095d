/* The check of the chaos test bites: each thing that must not be is found in ledgers that hold it,
 * and what may be is let through. */
#include "eim_test.h"
#include "ledger.h"

#include <unistd.h>

EIM_TEST_MAIN

static char said[8192];

/* The ledgers of u0, u1 and u2 (NULL: an empty one). Returns how much is wrong. */
static long check(ledger_totals *totals, const char *u0, const char *u1, const char *u2) {
  char folder[] = "/tmp/eim-ledger-XXXXXX", path[64];
  if (!mkdtemp(folder)) return -1;
  const char *const texts[] = {u0, u1, u2};
  for (int i = 0; i < 3; i++) {
    snprintf(path, sizeof path, "%s/u%d", folder, i);
    FILE *file = fopen(path, "w");
    if (!file) return -1;
    fputs(texts[i] ? texts[i] : "", file);
    fclose(file);
  }
  ledger_totals own;
  FILE *out = fmemopen(said, sizeof said, "w");
  if (!totals) totals = &own;
  ledger_check(folder, 3, 10, out, totals);
  fclose(out);
  for (int i = 0; i < 3; i++) {
    snprintf(path, sizeof path, "%s/u%d", folder, i);
    unlink(path);
  }
  rmdir(folder);
  return totals->wrong;
}

#define SENT "I\nS 1 1\nR 1 1 ok 71\nS 1 2\nR 1 2 ok 72\nS 1 3\nR 1 3 ok 73\nE\n"

TEST(what_may_be_is_let_through) {
  ledger_totals t;
  CHECK_INT(check(&t, SENT, "I\nM 0 1 1 71\nD 0 1 1\nM 0 1 2 72\nM 0 1 3 73\nE\n", NULL), 0);
  CHECK_INT(t.sent, 3);
  CHECK_INT(t.delivered, 3);
  CHECK_INT(t.crashes, 0);
  /* Again after a crash, also when the handler had returned: the page was not acknowledged. */
  CHECK_INT(check(&t, SENT,
                  "I\nM 0 1 1 71\nD 0 1 1\nM 0 1 2 72\nI\nM 0 1 1 71\nM 0 1 2 72\nM 0 1 3 73\nE\n",
                  NULL),
            0);
  CHECK_INT(t.again, 2);
  CHECK_INT(t.again_done, 1);
  CHECK_INT(t.crashes, 1);
  /* Unknown: there or not. A line that was cut off tells nothing. */
  CHECK_INT(check(&t, "I\nS 1 1\nR 1 1 maybe -3\nS 1 2\nI\nS 1 3\nR 1 3 maybe -3\nS 1 4\nR 1 4 o",
                  "I\nM 0 1 2 72\nM 0 1 3 73\nE\n", NULL),
            0);
  CHECK_INT(t.uncertain_there, 2);
  CHECK_INT(t.unanswered, 2);
  /* To the group of all, number 3. */
  CHECK_INT(check(&t, "I\nS 3 1\nR 3 1 ok 9\nE\n", "I\nM 0 3 1 9\nE\n", "I\nM 0 3 1 9\nE\n"), 0);
}

static void finds_at(int line, const char *part, long count, const char *u0, const char *u1) {
  long wrong = check(NULL, u0, u1, NULL);
  if (wrong != count || !strstr(said, part))
    eim_test_fail(__FILE__, line, "%ld wrong: %s", wrong, said);
}
#define FINDS(...) finds_at(__LINE__, __VA_ARGS__)

TEST(what_must_not_be_is_found) {
  FINDS("0/1/2 was accepted as 72 and is lost", 1, SENT, "I\nM 0 1 1 71\nM 0 1 3 73\nE\n");
  FINDS("is lost", 3, SENT, "");
  FINDS("0/3/1 was accepted", 1, "I\nS 3 1\nR 3 1 ok 9\nE\n", "I\nM 0 3 1 9\nE\n"); /* by u2 */
  FINDS("0/1/2 was delivered twice to one process", 1, SENT,
        "I\nM 0 1 1 71\nM 0 1 2 72\nM 0 1 2 72\nM 0 1 3 73\nE\n");
  FINDS("0/1/2 was delivered behind 3", 2, SENT, "I\nM 0 1 1 71\nM 0 1 3 73\nM 0 1 2 72\nE\n");
  /* In another process, and never before: what came earlier stood behind it. */
  FINDS("0/1/2 was delivered behind 3", 1, SENT, "I\nM 0 1 1 71\nM 0 1 3 73\nI\nM 0 1 2 72\nE\n");
  FINDS("surely did not happen, and was delivered", 1, "I\nS 1 1\nR 1 1 no 500\nE\n",
        "I\nM 0 1 1 71\nE\n");
  FINDS("was delivered and never sent", 1, "I\nE\n", "I\nM 0 1 1 71\nE\n");
  FINDS("has the id 70, not 71", 1, "I\nS 1 1\nR 1 1 ok 71\nE\n", "I\nM 0 1 1 70\nE\n");
  FINDS("under two ids", 1, "I\nS 1 1\nE\n", "I\nM 0 1 1 70\nI\nM 0 1 1 71\nE\n");
  FINDS("has a result twice", 1, "I\nS 1 1\nR 1 1 maybe 1\nR 1 1 maybe 1\nE\n", "I\nE\n");
  FINDS("and was never sent", 1, "I\nR 1 1 maybe 1\nE\n", "I\nE\n");
  FINDS("was sent twice", 1, "I\nS 1 1\nS 1 1\nE\n", "I\nE\n");
  FINDS("a broken text", 1, "I\nX a broken text\nE\n", "I\nE\n");
  FINDS("cannot read", 1, "I\nS 1\nE\n", "I\nE\n");
}

TEST(no_more_than_a_page_comes_again) {
  char u0[2000] = "I\n", u1[2000] = "I\n", line[64];
  for (int round = 0; round < 2; round++) {
    for (int n = 1; n <= 11; n++) {
      snprintf(line, sizeof line, "S 1 %d\nR 1 %d ok %d\n", n, n, 100 + n);
      if (!round) strcat(u0, line);
      snprintf(line, sizeof line, "M 0 1 %d %d\n", n, 100 + n);
      strcat(u1, line);
    }
    if (!round) strcat(u1, "I\n");
  }
  FINDS("more than 10 came again", 1, u0, u1);
}
