/* Random schedules: cuts, delays, doubled answers, clock jumps and calls at any moment. What must
 * hold is checked in world.c at every step and here at the end. A failure prints its seed;
 * EIM_SIM_SEED=n runs that one alone, EIM_SIM_RUNS=n so many. */
#include "eim_test.h"
#include "world.h"

#define ACTIONS 60

static answer pick(eim_random *r, int bad_percent) {
  static const answer bad[] = {ANSWER_REFUSE, ANSWER_SILENT, ANSWER_CUT, ANSWER_GARBAGE};
  if ((int)eim_random_upto(r, 99) >= bad_percent) return ANSWER_OK;
  return bad[eim_random_upto(r, 3)];
}

/* What the server says to these is not checked here, only that each ends, once. */
static void do_something(world *w, eim_random *r, uint64_t *token) {
  eim_action action = {.kind = (eim_action_kind)eim_random_upto(r, 5),
                       .chat_type = EIM_CHAT_SINGLE,
                       .to = "bob",
                       .message_id = 7};
  eim_message *message = NULL;
  if (action.kind == EIM_ACTION_EDIT) {
    if (eim_message_new_text(EIM_CHAT_SINGLE, "bob", "other words", NULL, &message)) return;
    action.message = message;
  }
  world_input(w, (eim_input){.kind = EIM_IN_ACT, .action = action, .token = ++*token});
  eim_message_unref(message);
}

static void act(world *w, eim_random *r, uint64_t *token) {
  while (w->held_count && eim_random_upto(r, 2))
    world_done(w, (int)eim_random_upto(r, (uint32_t)w->held_count - 1));
  switch (eim_random_upto(r, 23)) {
  case 0: world_open_token(w, "tok", ++*token); break;
  case 1: world_open_password(w, "pw", ++*token); break;
  case 2:
    if (eim_random_upto(r, 3) == 0) world_close(w, ++*token);
    break;
  case 3: world_cut(w); break;
  case 4: w->upgrade = pick(r, 40); break;
  case 5: w->provision = pick(r, 30); break;
  case 6: w->unread = pick(r, 20); break;
  case 7: w->token = pick(r, 30); break;
  case 8: w->delay = (int64_t)eim_random_upto(r, 3000); break;
  case 9: w->jitter = (int64_t)eim_random_upto(r, 500); break;
  case 10: w->duplicate_percent = (int)eim_random_upto(r, 30); break;
  case 11: w->now.wall += (int64_t)eim_random_upto(r, 7200000) - 3600000; break;
  case 12:
    world_input(w, (eim_input){.kind = EIM_IN_NETWORK, .up = eim_random_upto(r, 1) != 0});
    break;
  case 13: world_renew(w, "tok2", ++*token); break;
  case 14:
    if (eim_random_upto(r, 9) == 0) world_kick(w, 1 + (int)eim_random_upto(r, 3), "x");
    break;
  case 15: /* from now on nothing is heard on this connection; a line does not lose single frames */
    w->conn_silent = w->conn_silent || eim_random_upto(r, 1) != 0;
    break;
  case 16: {
    eim_secret *password = eim_secret_new("pw");
    world_input(
        w,
        (eim_input){.kind = EIM_IN_REGISTER, .user = "bob", .secret = password, .token = ++*token});
    eim_secret_unref(password);
    break;
  }
  case 17:
    world_input(w, (eim_input){.kind = EIM_IN_CANCEL, .token = 1 + eim_random_upto(r, *token)});
    break;
  case 18: w->dns = pick(r, 30); break;
  case 19:
    world_input(w, (eim_input){.kind = EIM_IN_PROVIDER, .up = eim_random_upto(r, 1) != 0});
    break;
  case 20: do_something(w, r, token); break;
  case 21: {
    static const char *const plans[] = {"r", "s", "or", "os", "rrs", "sssr"};
    w->fetch_plan = plans[eim_random_upto(r, 5)];
    break;
  }
  default:
    for (uint64_t n = eim_random_upto(r, 4); n; n--) {
      char text[16];
      snprintf(text, sizeof text, "s%d", (int)++*token);
      world_send(w, text, *token);
      int queue = (int)eim_random_upto(r, 3);
      if (eim_random_upto(r, 4))
        world_deliver(w, queue, "x");
      else
        world_deliver_notice(w, queue);
    }
  }
}

static void check_events(world *w, uint64_t tokens, int max_attempts) {
  eim_state state = EIM_STATE_OFFLINE;
  bool connected = false;
  if (w->events_lost) {
    fprintf(stderr, "  too many events to check\n");
    w->violations++;
  }
  for (int i = 0; i < w->event_count; i++) {
    const seen_event *e = &w->events[i];
    if (e->kind == EIM_EVENT_state) {
      if (e->previous != state) {
        fprintf(stderr, "  a move from %s was not told\n", eim_state_name(state));
        w->violations++;
      }
      state = e->state;
    } else if (e->kind == EIM_EVENT_connected) {
      connected = true;
    } else if (e->kind == EIM_EVENT_disconnected) {
      if (!connected) {
        fprintf(stderr, "  disconnected without connected before\n");
        w->violations++;
      }
      connected = false;
    } else if (e->kind == EIM_EVENT_reconnecting) {
      if (!connected || e->attempt > max_attempts) {
        fprintf(stderr, "  reconnecting with attempt %d\n", e->attempt);
        w->violations++;
      }
    }
  }
  for (uint64_t t = 1; t <= tokens; t++)
    if (world_results(w, t) != 1) {
      fprintf(stderr, "  request %d ended %d times\n", (int)t, world_results(w, t));
      w->violations++;
    }
}

/* Long, with an application that keeps up. */
static void calm(world *w) {
  for (int i = 0; i < 100; i++) {
    world_run(w, 4000);
    while (w->held_count) world_done(w, w->held_count - 1);
  }
}

static void check_messages(world *w) {
  int last = 0;
  for (int i = 0; i < w->sent_count; i++) { /* in the order of sending, each once */
    int n = atoi(w->sent[i].text + 1);
    if (n <= last) {
      fprintf(stderr, "  message %d arrived behind %d\n", n, last);
      w->violations++;
    }
    last = n;
  }
  if (w->store_count) {
    fprintf(stderr, "  %d messages were never acknowledged\n", w->store_count);
    w->violations++;
  }
}

/* False: something was violated. */
static bool run(uint64_t seed) {
  static world w;
  eim_random r = {seed * 7919 + 1};
  uint64_t token = 0;
  bool dns = eim_random_upto(&r, 2) == 0;
  bool manual = eim_random_upto(&r, 2) == 0;
  const char *options[] = {"heartBeatWait=30000", dns ? "isHttpDNS=true" : "delivery=true",
                           seed % 3 ? "compression=true" : "compression=false",
                           manual ? "ackMode=manual" : NULL, NULL};
  world_start(&w, seed, options);
  world_open_token(&w, "tok", ++token);
  for (int i = 0; i < ACTIONS && !w.violations; i++) {
    act(&w, &r, &token);
    world_run(&w, (int64_t)eim_random_upto(&r, 1u << eim_random_upto(&r, 16)));
  }
  /* The storm is over: everything that was accepted must arrive. */
  w.fetch_plan = NULL;
  w.upgrade = w.provision = w.unread = w.token = w.dns = w.sync = ANSWER_OK;
  w.delay = 10;
  w.jitter = w.duplicate_percent = 0;
  world_input(&w, (eim_input){.kind = EIM_IN_NETWORK, .up = true});
  calm(&w);
  if (eim_session_state(w.session) != EIM_STATE_OFFLINE &&
      eim_session_state(w.session) != EIM_STATE_ONLINE) {
    fprintf(stderr, "  stuck in %s\n", eim_state_name(eim_session_state(w.session)));
    w.violations++;
  }
  if (eim_session_state(w.session) == EIM_STATE_OFFLINE) world_open_token(&w, "tok", ++token);
  calm(&w);
  check_messages(&w);
  world_input(&w, (eim_input){.kind = EIM_IN_SHUTDOWN});
  check_events(&w, token, 5);
  bool good = !w.violations;
  w.violations = 0;
  world_stop(&w);
  return good;
}

TEST(random_schedules_hold_every_invariant) {
  const char *one = getenv("EIM_SIM_SEED"), *many = getenv("EIM_SIM_RUNS");
  uint64_t from = one ? strtoull(one, NULL, 10) : 1, runs = many ? strtoull(many, NULL, 10) : 10000;
  int bad = 0;
  for (uint64_t seed = from; seed < from + (one ? 1 : runs) && bad < 3; seed++)
    if (!run(seed)) {
      bad++;
      eim_test_fail(__FILE__, __LINE__, "seed %llu (EIM_SIM_SEED=%llu repeats it)",
                    (unsigned long long)seed, (unsigned long long)seed);
    }
}
