#include "eim_test.h"

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>

#include "events/handlers.h"
#include "events/queue.h"
#include "model/error.h"

EIM_TEST_MAIN

static int live_endpoints;

typedef struct client {
  eim_endpoint endpoint;
  uint64_t done_seq;
  int done_calls;
} client;

static void destroy_client(void *self) {
  live_endpoints--;
  free(self);
}

static void count_done(eim_endpoint *endpoint, uint64_t seq) {
  client *self = (client *)endpoint;
  self->done_seq = seq;
  self->done_calls++;
}

static client *new_client(eim_queue *queue) {
  client *self = calloc(1, sizeof *self);
  eim_endpoint_init(&self->endpoint, queue, destroy_client, count_done);
  live_endpoints++;
  return self;
}

static void drop_client(client *self) {
  eim_endpoint_shutdown(&self->endpoint, true);
  eim_object_unref(self);
}

/* What a handler set saw, and what it is to do. */
typedef struct seen {
  int results, states, released;
  uint64_t tokens[64];
  void (*act)(struct seen *self, const eim_result *result);
  eim_queue *queue;
  client *client;
  struct seen *other;
  eim_status status;
} seen;

static void on_result(void *user_data, const eim_result *result) {
  seen *self = user_data;
  if (self->results < 64) self->tokens[self->results] = eim_result_token(result);
  self->results++;
  if (self->act) self->act(self, result);
}
static void on_state(void *user_data, const eim_state_change *change) {
  (void)change;
  ((seen *)user_data)->states++;
}
static void on_released(void *user_data) {
  ((seen *)user_data)->released++;
}

static eim_handlers handlers_of(seen *self) {
  eim_handlers h = EIM_HANDLERS_INIT;
  h.user_data = self;
  h.on_released = on_released;
  h.on_result = on_result;
  h.on_state = on_state;
  return h;
}

static void add(client *to, const char *id, seen *self) {
  eim_handlers h = handlers_of(self);
  self->client = to;
  self->queue = to->endpoint.queue;
  CHECK_INT(eim_endpoint_add_handler(&to->endpoint, id, &h), EIM_OK);
}

static void push(client *to, uint64_t token, uint64_t seq) {
  CHECK(eim_endpoint_push(&to->endpoint, EIM_EVENT_result,
                          eim_result_new(token, NULL, NULL, NULL, 0, NULL), seq));
}

static int dispatch(eim_queue *queue, int max) {
  CHECK_INT(eim_queue_claim(queue, false), EIM_OK);
  int status = eim_queue_dispatch(queue, max);
  eim_queue_release(queue);
  return status;
}

static bool readable(eim_queue *queue) {
  struct pollfd p = {.fd = eim_queue_fd(queue), .events = POLLIN};
  return poll(&p, 1, 0) == 1;
}

TEST(events_come_in_order_to_every_set) {
  eim_queue *queue = eim_queue_new();
  client *c = new_client(queue);
  seen a = {0}, b = {0};
  add(c, "a", &a);
  add(c, "b", &b);
  for (uint64_t i = 1; i <= 5; i++) push(c, i, 0);
  CHECK_INT(dispatch(queue, 2), 2);
  push(c, 6, 0);
  CHECK_INT(dispatch(queue, 0), 4);
  CHECK_INT(dispatch(queue, 0), 0);
  CHECK_INT(a.results, 6);
  CHECK_INT(b.results, 6);
  for (int i = 0; i < 6; i++) CHECK_INT(a.tokens[i], i + 1);
  drop_client(c);
  CHECK_INT(a.released, 1);
  CHECK_INT(b.released, 1);
  CHECK_INT(live_endpoints, 0);
  eim_queue_free(queue);
}

TEST(every_kind_reaches_its_callback) {
  eim_queue *queue = eim_queue_new();
  client *c = new_client(queue);
  seen a = {0};
  add(c, "a", &a);
  eim_endpoint_push(
      &c->endpoint, EIM_EVENT_state,
      eim_state_change_new(EIM_STATE_OFFLINE, EIM_STATE_ONLINE, NULL, 0, 0, false, NULL, NULL), 0);
  eim_endpoint_push(&c->endpoint, EIM_EVENT_notice, eim_notice_new("x", "{}"), 0); /* no callback */
  push(c, 1, 0);
  CHECK_INT(dispatch(queue, 0), 3);
  CHECK_INT(a.states, 1);
  CHECK_INT(a.results, 1);
  CHECK(eim_endpoint_handles(&c->endpoint, EIM_EVENT_state));
  CHECK(!eim_endpoint_handles(&c->endpoint, EIM_EVENT_token_request));
  drop_client(c);
  eim_queue_free(queue);
}

TEST(done_is_reported_once_a_batch_with_the_highest_seq) {
  eim_queue *queue = eim_queue_new();
  client *c = new_client(queue), *d = new_client(queue);
  for (uint64_t i = 1; i <= 4; i++) push(c, i, i);
  push(d, 9, 0);
  CHECK_INT(dispatch(queue, 3), 3);
  CHECK_INT(c->done_seq, 3);
  CHECK_INT(c->done_calls, 1);
  CHECK_INT(dispatch(queue, 0), 2);
  CHECK_INT(c->done_seq, 4);
  CHECK_INT(c->done_calls, 2);
  CHECK_INT(d->done_calls, 0);
  drop_client(c);
  drop_client(d);
  eim_queue_free(queue);
}

static void act_yield(seen *self, const eim_result *result) {
  if (eim_result_token(result) == 2) eim_queue_yield(self->queue);
  if (eim_result_token(result) == 1) push(self->client, 100, 0);
}

TEST(yield_gives_the_rest_back_in_order) {
  eim_queue *queue = eim_queue_new();
  client *c = new_client(queue);
  seen a = {.act = act_yield};
  add(c, "a", &a);
  for (uint64_t i = 1; i <= 4; i++) push(c, i, 0);
  CHECK_INT(dispatch(queue, 0), 2);
  CHECK_INT(dispatch(queue, 0), 3); /* 3, 4, and 100, which came meanwhile */
  static const uint64_t want[] = {1, 2, 3, 4, 100};
  for (int i = 0; i < 5; i++) CHECK_INT(a.tokens[i], want[i]);
  drop_client(c);
  eim_queue_free(queue);
}

TEST(the_descriptor_is_level_correct) {
  eim_queue *queue = eim_queue_new();
  client *c = new_client(queue);
  push(c, 1, 0);
  CHECK(readable(queue)); /* asked for later than the event */
  push(c, 2, 0);
  CHECK_INT(dispatch(queue, 1), 1);
  CHECK(readable(queue));
  CHECK_INT(dispatch(queue, 1), 1);
  CHECK(!readable(queue));
  push(c, 3, 0);
  CHECK(readable(queue));
  eim_endpoint_shutdown(&c->endpoint, true); /* takes its events along */
  CHECK(!readable(queue));
  CHECK_INT(eim_queue_wait(queue, 0), 0);
  push(c, 4, 0);
  CHECK(!readable(queue));
  eim_queue_close(queue);
  CHECK(readable(queue));
  CHECK_INT(eim_queue_wait(queue, -1), EIM_E_CLOSED);
  CHECK_INT(dispatch(queue, 0), EIM_E_CLOSED);
  CHECK(readable(queue));
  eim_object_unref(c);
  eim_queue_free(queue);
}

TEST(a_closed_queue_hands_out_what_is_left) {
  eim_queue *queue = eim_queue_new();
  client *c = new_client(queue);
  push(c, 1, 0);
  eim_queue_close(queue);
  CHECK_INT(eim_queue_wait(queue, 0), 1);
  CHECK_INT(dispatch(queue, 0), 1);
  CHECK_INT(dispatch(queue, 0), EIM_E_CLOSED);
  drop_client(c);
  eim_queue_free(queue);
}

TEST(the_events_of_a_queue_that_ends_go_when_it_is_closed) {
  eim_queue *queue = eim_queue_new();
  client *a = new_client(queue), *b = new_client(queue), *left = new_client(queue);
  seen s = {0}, t = {0};
  add(a, "s", &s);
  add(left, "t", &t);
  push(a, 1, 0);
  push(left, 2, 0);
  push(b, 3, 0);
  eim_queue_ending(queue);
  drop_client(a);
  drop_client(b);
  CHECK_INT(s.released, 1);
  CHECK_INT(live_endpoints, 3); /* their events hold them */
  eim_queue_close(queue);
  CHECK_INT(live_endpoints, 1);
  CHECK_INT(dispatch(queue, 0), 1);
  CHECK_INT(dispatch(queue, 0), EIM_E_CLOSED);
  CHECK_INT(s.results, 0);
  CHECK_INT(t.results, 1);
  drop_client(left);
  eim_queue_free(queue);
  CHECK_INT(live_endpoints, 0);
}

TEST(same_id_replaces_and_unknown_ids_are_refused) {
  eim_queue *queue = eim_queue_new();
  client *c = new_client(queue);
  seen a = {0}, b = {0};
  add(c, "x", &a);
  add(c, "x", &b);
  CHECK_INT(a.released, 1);
  push(c, 1, 0);
  dispatch(queue, 0);
  CHECK_INT(a.results, 0);
  CHECK_INT(b.results, 1);
  CHECK_INT(eim_endpoint_remove_handler(&c->endpoint, "y"), EIM_E_INVALID);
  CHECK_INT(eim_endpoint_remove_handler(&c->endpoint, NULL), EIM_E_INVALID);
  CHECK_INT(eim_endpoint_remove_handler(&c->endpoint, "x"), EIM_OK);
  CHECK_INT(b.released, 1);
  CHECK_INT(eim_endpoint_remove_handler(&c->endpoint, "x"), EIM_E_INVALID);
  drop_client(c);
  CHECK_INT(a.released + b.released, 2);
  eim_queue_free(queue);
}

TEST(struct_sizes) {
  eim_queue *queue = eim_queue_new();
  client *c = new_client(queue);
  seen a = {0};
  eim_handlers h = handlers_of(&a);
  static const size_t bad[] = {0,
                               1,
                               sizeof(void *),
                               offsetof(eim_handlers, on_state) - 1,
                               offsetof(eim_handlers, on_message) + 1,
                               sizeof h + 1,
                               sizeof h + sizeof(void *),
                               SIZE_MAX};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    h.struct_size = bad[i];
    CHECK_INT(eim_endpoint_add_handler(&c->endpoint, "a", &h), EIM_E_INVALID);
  }
  CHECK_INT(eim_endpoint_add_handler(&c->endpoint, "a", NULL), EIM_E_INVALID);
  h.struct_size = sizeof h;
  CHECK_INT(eim_endpoint_add_handler(&c->endpoint, "", &h), EIM_E_INVALID);
  CHECK_INT(eim_endpoint_add_handler(&c->endpoint, NULL, &h), EIM_E_INVALID);
  CHECK_INT(a.released, 0);
  h.struct_size = offsetof(eim_handlers, on_result); /* older: knows no on_result */
  CHECK_INT(eim_endpoint_add_handler(&c->endpoint, "a", &h), EIM_OK);
  push(c, 1, 0);
  CHECK_INT(dispatch(queue, 0), 1);
  CHECK_INT(a.results, 0);
  drop_client(c);
  CHECK_INT(a.released, 1);
  eim_queue_free(queue);
}

static void act_remove_both(seen *self, const eim_result *result) {
  (void)result;
  CHECK_INT(eim_endpoint_remove_handler(&self->client->endpoint, "a"), EIM_OK);
  CHECK_INT(eim_endpoint_remove_handler(&self->client->endpoint, "b"), EIM_OK);
  CHECK_INT(self->released, 0); /* this callback is still running */
}

TEST(removing_in_a_callback) {
  eim_queue *queue = eim_queue_new();
  client *c = new_client(queue);
  seen a = {.act = act_remove_both}, b = {0};
  add(c, "a", &a);
  add(c, "b", &b);
  push(c, 1, 0);
  push(c, 2, 0);
  CHECK_INT(dispatch(queue, 0), 2);
  CHECK_INT(a.results, 1);
  CHECK_INT(b.results, 0); /* removed before its turn */
  CHECK_INT(a.released, 1);
  CHECK_INT(b.released, 1);
  drop_client(c);
  CHECK_INT(a.released, 1);
  eim_queue_free(queue);
}

static void act_add_other(seen *self, const eim_result *result) {
  if (eim_result_token(result) == 1) add(self->client, "other", self->other);
}

TEST(adding_in_a_callback_counts_from_the_next_event) {
  eim_queue *queue = eim_queue_new();
  client *c = new_client(queue);
  seen b = {0}, a = {.act = act_add_other, .other = &b};
  add(c, "a", &a);
  push(c, 1, 0);
  push(c, 2, 0);
  CHECK_INT(dispatch(queue, 0), 2);
  CHECK_INT(b.results, 1);
  CHECK_INT(b.tokens[0], 2);
  drop_client(c);
  eim_queue_free(queue);
}

static void act_shutdown(seen *self, const eim_result *result) {
  (void)result;
  eim_endpoint_shutdown(&self->client->endpoint, true);
  eim_endpoint_shutdown(&self->client->endpoint, true);
  CHECK_INT(self->released, 0);
}

TEST(shutdown_in_a_callback_is_deferred_and_drops_the_rest) {
  eim_queue *queue = eim_queue_new();
  client *c = new_client(queue), *d = new_client(queue);
  seen a = {.act = act_shutdown}, b = {0};
  add(c, "a", &a);
  add(d, "b", &b);
  push(c, 1, 1);
  push(c, 2, 2);
  push(d, 3, 0);
  CHECK_INT(dispatch(queue, 0), 2);
  CHECK_INT(a.results, 1);
  CHECK_INT(a.released, 1);
  CHECK_INT(b.results, 1);
  CHECK_INT(c->done_calls, 0); /* nobody is interested any more */
  eim_handlers h = handlers_of(&a);
  CHECK_INT(eim_endpoint_add_handler(&c->endpoint, "a", &h), EIM_E_CLOSED);
  CHECK_INT(eim_endpoint_remove_handler(&c->endpoint, "a"), EIM_E_CLOSED);
  CHECK_INT(a.released, 1);
  drop_client(c);
  drop_client(d);
  CHECK_INT(live_endpoints, 0);
  eim_queue_free(queue);
}

static void act_claim(seen *self, const eim_result *result) {
  (void)result;
  self->status = eim_queue_claim(self->queue, false);
  CHECK(eim_queue_in_dispatch(self->queue));
}

TEST(one_dispatch_at_a_time) {
  eim_queue *queue = eim_queue_new();
  client *c = new_client(queue);
  seen a = {.act = act_claim};
  add(c, "a", &a);
  push(c, 1, 0);
  dispatch(queue, 0);
  CHECK_INT(a.status, EIM_E_BUSY);
  CHECK(!eim_queue_in_dispatch(queue));
  drop_client(c);
  eim_queue_free(queue);
}

/* A shutdown from another thread waits for the callback that runs, not longer. */
static sem_t entered, leave;
static void act_block(seen *self, const eim_result *result) {
  (void)self;
  (void)result;
  sem_post(&entered);
  while (sem_wait(&leave)) {}
}
static void *dispatch_thread(void *queue) {
  dispatch(queue, 0);
  return NULL;
}
typedef struct ending {
  client *client;
  seen *seen;
  atomic_bool over;
  int released;
} ending;
static void *shutdown_thread(void *arg) {
  ending *self = arg;
  eim_endpoint_shutdown(&self->client->endpoint, true);
  self->released = self->seen->released;
  atomic_store(&self->over, true);
  return NULL;
}

TEST(shutdown_waits_for_the_running_callback) {
  eim_queue *queue = eim_queue_new();
  client *c = new_client(queue);
  seen a = {.act = act_block};
  pthread_t dispatcher, enders[2];
  ending ends[2] = {{.client = c, .seen = &a}, {.client = c, .seen = &a}};
  sem_init(&entered, 0, 0);
  sem_init(&leave, 0, 0);
  add(c, "a", &a);
  push(c, 1, 0);
  push(c, 2, 0);
  REQUIRE(!pthread_create(&dispatcher, NULL, dispatch_thread, queue));
  while (sem_wait(&entered)) {}
  for (int i = 0; i < 2; i++) REQUIRE(!pthread_create(&enders[i], NULL, shutdown_thread, &ends[i]));
  /* A shutdown that does not wait marks it closed and comes back although the callback runs. */
  eim_endpoint_shutdown(&c->endpoint, false);
  CHECK(!atomic_load(&ends[0].over) && !atomic_load(&ends[1].over));
  sem_post(&leave);
  for (int i = 0; i < 2; i++) {
    pthread_join(enders[i], NULL);
    CHECK_INT(ends[i].released, 1);
  }
  pthread_join(dispatcher, NULL);
  CHECK_INT(a.results, 1);
  CHECK_INT(a.released, 1);
  eim_object_unref(c);
  CHECK_INT(live_endpoints, 0);
  eim_queue_free(queue);
}

TEST(a_queue_frees_what_nobody_dispatched) {
  eim_queue *queue = eim_queue_new();
  client *c = new_client(queue);
  push(c, 1, 0);
  eim_object_unref(c); /* the event still holds it */
  CHECK_INT(live_endpoints, 1);
  eim_queue_free(queue);
  CHECK_INT(live_endpoints, 0);
}

/* Producers, a dispatcher, waiters, and somebody who adds, removes and shuts down. */
enum { PRODUCERS = 5, EVENTS = 4000 };
typedef struct stress {
  eim_queue *queue;
  client *clients[4];
  atomic_int producing;
} stress;
typedef struct stress_seen {
  uint64_t last[PRODUCERS];
  long results;
  atomic_int released;
  atomic_bool gone;
} stress_seen;
static atomic_int disorder, after_release;

static void stress_result(void *user_data, const eim_result *result) {
  stress_seen *self = user_data;
  uint64_t producer = eim_result_token(result) >> 32,
           number = eim_result_token(result) & 0xffffffff;
  if (atomic_load(&self->released)) atomic_fetch_add(&after_release, 1);
  if (number <= self->last[producer]) atomic_fetch_add(&disorder, 1);
  self->last[producer] = number;
  self->results++;
}
static void stress_released(void *user_data) {
  atomic_fetch_add(&((stress_seen *)user_data)->released, 1);
}
static atomic_uint_least64_t next_producer;
static void *produce(void *arg) {
  stress *self = arg;
  uint64_t me = atomic_fetch_add(&next_producer, 1);
  for (uint64_t i = 1; i <= EVENTS; i++) push(self->clients[i % 4], me << 32 | i, i);
  atomic_fetch_sub(&self->producing, 1);
  return NULL;
}
static void *consume(void *arg) {
  stress *self = arg;
  int status;
  eim_queue_claim(self->queue, true);
  while ((status = eim_queue_wait(self->queue, -1)) >= 0)
    if ((status = eim_queue_dispatch(self->queue, 100)) < 0) break;
  eim_queue_release(self->queue);
  return NULL;
}
static void *look_on(void *arg) {
  stress *self = arg;
  while (eim_queue_wait(self->queue, 1) >= 0) eim_queue_is_empty(self->queue);
  return NULL;
}

TEST(eight_threads) {
  stress s = {.queue = eim_queue_new(), .producing = PRODUCERS};
  stress_seen sets[4] = {0}, extra[50] = {0};
  pthread_t producers[PRODUCERS], consumer, onlooker;
  eim_handlers h = EIM_HANDLERS_INIT;
  h.on_result = stress_result;
  h.on_released = stress_released;
  for (int i = 0; i < 4; i++) {
    s.clients[i] = new_client(s.queue);
    h.user_data = &sets[i];
    CHECK_INT(eim_endpoint_add_handler(&s.clients[i]->endpoint, "main", &h), EIM_OK);
  }
  atomic_store(&next_producer, 0);
  for (int i = 0; i < PRODUCERS; i++) pthread_create(&producers[i], NULL, produce, &s);
  pthread_create(&consumer, NULL, consume, &s);
  pthread_create(&onlooker, NULL, look_on, &s);
  for (int i = 0; i < 50; i++) {
    h.user_data = &extra[i];
    eim_endpoint_add_handler(&s.clients[i % 3]->endpoint, "extra", &h);
    if (i % 2) eim_endpoint_remove_handler(&s.clients[i % 3]->endpoint, "extra");
    if (i == 40) eim_endpoint_shutdown(&s.clients[0]->endpoint, true);
    if (i == 40) CHECK_INT(atomic_load(&sets[0].released), 1);
  }
  for (int i = 0; i < PRODUCERS; i++) pthread_join(producers[i], NULL);
  eim_queue_close(s.queue); /* the consumer takes what is left and ends */
  pthread_join(consumer, NULL);
  pthread_join(onlooker, NULL);
  for (int i = 1; i < 4; i++) CHECK_INT(sets[i].results, PRODUCERS * EVENTS / 4);
  for (int i = 0; i < 4; i++) drop_client(s.clients[i]);
  for (int i = 0; i < 4; i++) CHECK_INT(atomic_load(&sets[i].released), 1);
  int released = 0;
  for (int i = 0; i < 50; i++) {
    CHECK(atomic_load(&extra[i].released) <= 1);
    released += atomic_load(&extra[i].released);
  }
  CHECK(released >= 40); /* the others were refused: client 0 was shut down */
  CHECK_INT(atomic_load(&disorder), 0);
  CHECK_INT(atomic_load(&after_release), 0);
  CHECK_INT(live_endpoints, 0);
  eim_queue_free(s.queue);
}
