#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "eim_test.h"
#include "net/identity.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "net_peer.h"

enum { DEADLINE = 10000 };

/* ------------------------------------------------------------------ timers */

typedef struct bell {
  eim_alarm alarm;
  eim_loop *loop;
  int *order, *count, number;
} bell;

static void ring(eim_alarm *alarm) {
  bell *b = (bell *)alarm;
  b->order[(*b->count)++] = b->number;
}

TEST(timers_fire_in_order_and_can_be_cleared) {
  enum { MANY = 500 };
  eim_loop *loop;
  REQUIRE(!eim_loop_new(false, &loop));
  static bell bells[MANY];
  static int order[MANY];
  int count = 0, done = 0;
  REQUIRE(eim_alarms_reserve(&loop->alarms, MANY));
  int64_t now = eim_mono_ms();
  for (int i = 0; i < MANY; i++) {
    bells[i] = (bell){{.fire = ring}, loop, order, &count, i};
    eim_alarm_set(&loop->alarms, &bells[i].alarm, now + (i * 7919) % 50);
  }
  for (int i = 0; i < MANY; i += 3) eim_alarm_clear(&loop->alarms, &bells[i].alarm);
  eim_alarm_set(&loop->alarms, &bells[1].alarm, now + 60); /* moved to the end */
  while (count < MANY - (MANY + 2) / 3 && eim_mono_ms() < now + DEADLINE)
    peer_turn(loop, &done, 20);
  CHECK_INT(count, MANY - (MANY + 2) / 3);
  int wrong = 0;
  for (int i = 1; i < count; i++) {
    const eim_alarm *a = &bells[order[i - 1]].alarm, *b = &bells[order[i]].alarm;
    wrong += a->at > b->at || (a->at == b->at && a->turn > b->turn);
    wrong += order[i] % 3 == 0;
  }
  CHECK_INT(wrong, 0);
  CHECK_INT(order[count - 1], 1);
  CHECK(eim_mono_ms() >= now + 60);
  eim_alarms_release(&loop->alarms, MANY);
  eim_loop_free(loop);
}

/* ------------------------------------------------------------------ tasks */

typedef struct job {
  eim_task task;
  eim_loop *loop;
  int *order, *count, number;
  bool *current;
  int *canceled;
} job;

static void run_job(eim_task *task, bool canceled) {
  job *j = (job *)task;
  if (canceled)
    (*j->canceled)++;
  else
    j->order[(*j->count)++] = j->number;
  if (j->current && !canceled) *j->current = eim_loop_is_current(j->loop);
}

TEST(tasks_run_in_order_on_the_caller) {
  eim_loop *loop;
  REQUIRE(!eim_loop_new(false, &loop));
  int order[3], count = 0, canceled = 0;
  bool current = false;
  job jobs[4];
  for (int i = 0; i < 4; i++)
    jobs[i] = (job){{.run = run_job}, loop, order, &count, i, &current, &canceled};
  for (int i = 0; i < 3; i++) eim_loop_post(loop, &jobs[i].task);
  CHECK_INT(count, 0);
  CHECK(!eim_loop_is_current(loop));
  eim_loop_run_once(loop, DEADLINE);
  CHECK_INT(count, 3);
  CHECK(order[0] == 0 && order[1] == 1 && order[2] == 2);
  CHECK(current);
  CHECK(!eim_loop_is_current(loop));
  eim_loop_post(loop, &jobs[3].task);
  eim_loop_free(loop);
  CHECK_INT(canceled, 1);
  CHECK_INT(count, 3);
}

typedef struct gate {
  eim_task task;
  pthread_mutex_t mutex;
  pthread_cond_t cond;
  int done, canceled, count;
  sigset_t mask;
  eim_loop *loop_to_free;
} gate;

static void open_gate(eim_task *task, bool canceled) {
  gate *g = (gate *)task;
  eim_loop *loop = g->loop_to_free;
  pthread_mutex_lock(&g->mutex);
  g->done++;
  g->canceled += canceled;
  pthread_sigmask(SIG_SETMASK, NULL, &g->mask);
  pthread_cond_signal(&g->cond);
  pthread_mutex_unlock(&g->mutex);
  if (loop && !canceled) eim_loop_free(loop);
}

static void wait_gate(gate *g) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += 10;
  pthread_mutex_lock(&g->mutex);
  while (!g->done && !pthread_cond_timedwait(&g->cond, &g->mutex, &until)) continue;
  pthread_mutex_unlock(&g->mutex);
}

TEST(own_thread_runs_tasks_with_signals_blocked) {
  eim_loop *loop;
  REQUIRE(!eim_loop_new(true, &loop));
  gate g = {
      .task.run = open_gate, .mutex = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
  eim_loop_post(loop, &g.task);
  wait_gate(&g);
  CHECK_INT(g.done, 1);
  CHECK_INT(g.canceled, 0);
  CHECK(sigismember(&g.mask, SIGPIPE) == 1 && sigismember(&g.mask, SIGINT) == 1);
  CHECK(sigismember(&g.mask, SIGSEGV) == 0);
  eim_loop_free(loop);
}

TEST(own_thread_may_end_itself) {
  eim_loop *loop;
  REQUIRE(!eim_loop_new(true, &loop));
  gate g = {.task.run = open_gate,
            .mutex = PTHREAD_MUTEX_INITIALIZER,
            .cond = PTHREAD_COND_INITIALIZER,
            .loop_to_free = loop};
  eim_loop_post(loop, &g.task);
  wait_gate(&g);
  CHECK_INT(g.done, 1);
}

typedef struct counted {
  eim_task task;
  atomic_int *ran, *canceled;
} counted;

static void count_task(eim_task *task, bool canceled) {
  counted *c = (counted *)task;
  (*(canceled ? c->canceled : c->ran))++;
  free(c);
}

typedef struct poster {
  eim_loop *loop;
  atomic_int ran, canceled, waits;
} poster;

static void *post_many(void *arg) {
  poster *p = arg;
  for (int i = 0; i < 2000; i++) {
    counted *c = malloc(sizeof *c);
    *c = (counted){{.run = count_task}, &p->ran, &p->canceled};
    eim_loop_post(p->loop, &c->task);
  }
  return NULL;
}

TEST(posting_from_threads_loses_nothing) {
  poster p = {0};
  REQUIRE(!eim_loop_new(true, &p.loop));
  pthread_t threads[3];
  for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, post_many, &p);
  for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
  eim_loop_free(p.loop);
  CHECK_INT(p.ran + p.canceled, 6000);
}

/* ------------------------------------------------------------------ descriptor */

static bool readable(eim_loop *loop, int ms) {
  struct pollfd fd = {eim_loop_fd(loop), POLLIN, 0};
  return poll(&fd, 1, ms) == 1;
}

TEST(descriptor_is_level_correct) {
  eim_loop *loop;
  REQUIRE(!eim_loop_new(false, &loop));
  CHECK(!readable(loop, 0));
  /* a posted task */
  int order[2], count = 0, canceled = 0;
  job j = {{.run = run_job}, loop, order, &count, 0, NULL, &canceled};
  eim_loop_post(loop, &j.task);
  CHECK(readable(loop, 0));
  CHECK(readable(loop, 0));
  eim_loop_run_once(loop, 0);
  CHECK_INT(count, 1);
  eim_loop_run_once(loop, 0);
  CHECK(!readable(loop, 0));
  /* a wake */
  eim_loop_wake(loop);
  CHECK(readable(loop, 0));
  eim_loop_run_once(loop, 0);
  CHECK(!readable(loop, 0));
  /* a timer, set inside the loop, becomes readable by itself when due */
  bell b = {{.fire = ring}, loop, order, &count, 7};
  REQUIRE(eim_alarms_reserve(&loop->alarms, 1));
  eim_alarm_set(&loop->alarms, &b.alarm, eim_mono_ms() + 30);
  eim_loop_run_once(loop, 0);
  CHECK_INT(count, 1);
  CHECK(!readable(loop, 0));
  CHECK(readable(loop, DEADLINE));
  int64_t end = eim_mono_ms() + DEADLINE;
  while (count < 2 && eim_mono_ms() < end) {
    CHECK(readable(loop, DEADLINE));
    eim_loop_run_once(loop, 0);
  }
  CHECK_INT(count, 2);
  eim_alarms_release(&loop->alarms, 1);
  eim_loop_free(loop);
}

TEST(run_once_waits_and_returns) {
  eim_loop *loop;
  REQUIRE(!eim_loop_new(false, &loop));
  int64_t before = eim_mono_ms();
  eim_loop_run_once(loop, 30);
  CHECK(eim_mono_ms() - before >= 29);
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, NULL, &mask);
  CHECK(!sigismember(&mask, SIGPIPE)); /* as it was */
  eim_loop_free(loop);
}

/* Who gave it a long wait hears of what was due before it. */
TEST(run_once_does_not_wait_when_an_alarm_is_due) {
  eim_loop *loop;
  REQUIRE(!eim_loop_new(false, &loop));
  int order[2], count = 0;
  bell b = {{.fire = ring}, loop, order, &count, 7};
  REQUIRE(eim_alarms_reserve(&loop->alarms, 1));
  eim_alarm_set(&loop->alarms, &b.alarm, 0);
  int64_t before = eim_mono_ms();
  eim_loop_run_once(loop, 2 * DEADLINE);
  CHECK_INT(count, 1);
  CHECK(eim_mono_ms() - before < DEADLINE);
  eim_alarms_release(&loop->alarms, 1);
  eim_loop_free(loop);
}

/* ------------------------------------------------------------------ resolver */

typedef struct answer {
  int done;
  size_t count;
  int family;
  int32_t code;
} answer;

static void on_lookup(void *user, const eim_addresses *addresses, const eim_error *error) {
  answer *a = user;
  a->done = 1;
  a->count = addresses ? addresses->count : 0;
  a->family = a->count ? addresses->list[0].any.sa_family : 0;
  a->code = error ? eim_error_code(error) : 0;
}

TEST(resolver_answers_later_and_shares_lookups) {
  eim_loop *loop;
  REQUIRE(!eim_loop_new(false, &loop));
  answer a[4] = {0};
  REQUIRE(eim_resolver_lookup(loop->resolver, "127.0.0.1", 0, on_lookup, &a[0]) != NULL);
  CHECK_INT(a[0].done, 0);
  CHECK(peer_turn(loop, &a[0].done, DEADLINE));
  CHECK_INT(a[0].count, 1);
  eim_lookup *gone = eim_resolver_lookup(loop->resolver, "localhost", 4, on_lookup, &a[1]);
  eim_resolver_lookup(loop->resolver, "localhost", 4, on_lookup, &a[2]);
  eim_lookup_cancel(gone);
  CHECK(peer_turn(loop, &a[2].done, DEADLINE));
  CHECK_INT(a[2].family, AF_INET);
  CHECK_INT(a[1].done, 0);
  eim_resolver_lookup(loop->resolver, "[::1]", 4, on_lookup, &a[3]);
  CHECK(peer_turn(loop, &a[3].done, DEADLINE));
  CHECK_INT(a[3].code, EIM_E_NETWORK);
  eim_loop_free(loop);
}

TEST(resolver_may_be_abandoned) {
  eim_loop *loop;
  REQUIRE(!eim_loop_new(false, &loop));
  answer a = {0};
  eim_lookup *lookup =
      eim_resolver_lookup(loop->resolver, "no-such-host.invalid", 0, on_lookup, &a);
  eim_lookup_cancel(lookup);
  eim_loop_free(loop);
  CHECK_INT(a.done, 0);
}

TEST(addresses_of_both_families_are_read) {
  eim_address a;
  char text[64];
  CHECK(eim_address_parse("[fe80::1]", &a));
  eim_address_text(&a, text, sizeof text);
  CHECK_STR(text, "fe80::1");
  CHECK(!eim_address_parse("im.example.test", &a));
  CHECK(!eim_address_parse("", &a));
  CHECK(!eim_address_parse("1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.21", &a));
}

/* ------------------------------------------------------------------ identity */

TEST(identity_is_the_same_for_processes_that_start_at_once) {
  char dir[64] = "/tmp/eim_id_XXXXXX", path[128], file[160];
  REQUIRE(mkdtemp(dir) != NULL);
  snprintf(path, sizeof path, "%s/a/b", dir);
  snprintf(file, sizeof file, "%s/device_id", path);
  enum { CHILDREN = 8 };
  int out[2], go[2];
  REQUIRE(!pipe(out) && !pipe(go));
  pid_t children[CHILDREN];
  for (int i = 0; i < CHILDREN; i++) {
    children[i] = fork();
    if (!children[i]) {
      char byte, id[EIM_DEVICE_ID_SIZE] = "";
      close(go[1]);
      if (read(go[0], &byte, 1) < 0) _exit(1); /* ends for all at once */
      if (!eim_identity_load(path, id)) _exit(2);
      _exit(write(out[1], id, 32) == 32 ? 0 : 3);
    }
  }
  close(go[0]);
  close(go[1]);
  char ids[CHILDREN][32] = {{0}};
  for (int i = 0; i < CHILDREN; i++) {
    int status = -1;
    waitpid(children[i], &status, 0);
    CHECK_INT(status, 0);
    CHECK_INT(read(out[0], ids[i], 32), 32);
    CHECK(!memcmp(ids[i], ids[0], 32));
  }
  char again[EIM_DEVICE_ID_SIZE];
  CHECK(eim_identity_load(path, again));
  CHECK(!memcmp(again, ids[0], 32));
  struct stat st;
  REQUIRE(!stat(file, &st));
  CHECK_INT(st.st_mode & 0777, 0600);
  REQUIRE(!stat(path, &st));
  CHECK_INT(st.st_mode & 0777, 0700);
  /* damaged: replaced, and kept from then on */
  CHECK(!truncate(file, 7));
  char fresh[EIM_DEVICE_ID_SIZE], kept[EIM_DEVICE_ID_SIZE];
  CHECK(eim_identity_load(path, fresh));
  CHECK(strcmp(fresh, again) != 0);
  CHECK(eim_identity_load(path, kept));
  CHECK_STR(kept, fresh);
  unlink(file);
  CHECK(!rmdir(path)); /* nothing temporary is left */
  snprintf(path, sizeof path, "%s/a", dir);
  rmdir(path);
  rmdir(dir);
  close(out[0]);
  close(out[1]);
}

TEST(identity_without_a_usable_directory_fails) {
  char id[EIM_DEVICE_ID_SIZE];
  CHECK(!eim_identity_load("/dev/null/x", id));
  CHECK_INT(errno, ENOTDIR);
}
