#include "api_fake_net.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "model/error.h"

struct eim_loop {
  bool own_thread, ending, woken;
  int fd;
  pthread_t thread; /* own, or that of the run_once under way */
  bool running;
  pthread_mutex_t lock;
  pthread_cond_t work;
  eim_task *head, **tail;
  _Atomic(void (*)(void *)) on_turn;
  void *turn_user;
};

struct eim_driver {
  eim_loop *loop;
  eim_settings *settings;
  eim_sink sink;
  uint64_t number, seq;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static fake_input *inputs;
static size_t input_count, input_capacity;
static int failures, drivers, loops, burst;
static bool held;

/* ------------------------------------------------------------------ for tests */

void fake_reset(void) {
  pthread_mutex_lock(&lock);
  free(inputs);
  inputs = NULL;
  input_count = input_capacity = 0;
  failures = burst = 0;
  held = false;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
}

void fake_fail_drivers(int count) {
  pthread_mutex_lock(&lock);
  failures = count;
  pthread_mutex_unlock(&lock);
}

void fake_hold(bool hold) {
  pthread_mutex_lock(&lock);
  held = hold;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
}

void fake_set_burst(int messages) {
  pthread_mutex_lock(&lock);
  burst = messages;
  pthread_mutex_unlock(&lock);
}

bool fake_await_input(eim_input_kind kind, int nth, fake_input *out) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += 5;
  bool found = false;
  pthread_mutex_lock(&lock);
  for (int error = 0; !found && !error;) {
    int seen = 0;
    for (size_t i = 0; i < input_count && !found; i++)
      if (inputs[i].kind == kind && ++seen == nth) {
        if (out) *out = inputs[i];
        found = true;
      }
    if (!found) error = pthread_cond_timedwait(&changed, &lock, &until);
  }
  pthread_mutex_unlock(&lock);
  return found;
}

int fake_count(eim_input_kind kind) {
  int count = 0;
  pthread_mutex_lock(&lock);
  for (size_t i = 0; i < input_count; i++) count += inputs[i].kind == kind;
  pthread_mutex_unlock(&lock);
  return count;
}

static int read_count(const int *value) {
  pthread_mutex_lock(&lock);
  int count = *value;
  pthread_mutex_unlock(&lock);
  return count;
}

int fake_live_drivers(void) {
  return read_count(&drivers);
}
int fake_live_loops(void) {
  return read_count(&loops);
}

static void change(int *value, int by) {
  pthread_mutex_lock(&lock);
  *value += by;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
}

/* ------------------------------------------------------------------ loop */

static eim_task *take(eim_loop *self) {
  pthread_mutex_lock(&self->lock);
  eim_task *tasks = self->head;
  self->head = NULL;
  self->tail = &self->head;
  pthread_mutex_unlock(&self->lock);
  return tasks;
}

static bool run_tasks(eim_loop *self, bool canceled) {
  eim_task *task = take(self), *next;
  bool any = task != NULL;
  for (; task; task = next) {
    pthread_mutex_lock(&lock);
    while (held && !canceled) pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    next = task->next;
    task->run(task, canceled);
  }
  void (*fn)(void *) = self->on_turn;
  if (fn) fn(self->turn_user);
  return any;
}

void eim_loop_on_turn(eim_loop *self, void (*fn)(void *user), void *user) {
  self->turn_user = user;
  self->on_turn = fn;
}

static void destroy_loop(eim_loop *self) {
  while (run_tasks(self, true)) {}
  pthread_cond_destroy(&self->work);
  pthread_mutex_destroy(&self->lock);
  close(self->fd);
  free(self);
  change(&loops, -1);
}

/* True: it ends and is to be freed here, because eim_loop_free() was called on this thread. */
static _Thread_local bool freed_here;

static void *loop_thread(void *arg) {
  eim_loop *self = arg;
  for (;;) {
    pthread_mutex_lock(&self->lock);
    while (!self->head && !self->ending) pthread_cond_wait(&self->work, &self->lock);
    bool ending = self->ending;
    pthread_mutex_unlock(&self->lock);
    if (ending) break;
    run_tasks(self, false);
  }
  if (freed_here) destroy_loop(self);
  return NULL;
}

eim_status eim_loop_new(bool own_thread, eim_loop **out) {
  eim_loop *self = calloc(1, sizeof *self);
  if (!self) return eim_fail(EIM_E_NOMEM, "loop: out of memory");
  self->own_thread = own_thread;
  self->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  self->tail = &self->head;
  pthread_mutex_init(&self->lock, NULL);
  pthread_cond_init(&self->work, NULL);
  change(&loops, 1);
  pthread_mutex_lock(&self->lock);
  if (own_thread) pthread_create(&self->thread, NULL, loop_thread, self);
  pthread_mutex_unlock(&self->lock);
  *out = self;
  return EIM_OK;
}

static void signal_work(eim_loop *self) {
  uint64_t one = 1;
  pthread_cond_signal(&self->work);
  if (write(self->fd, &one, sizeof one) < 0) abort();
}

void eim_loop_post(eim_loop *self, eim_task *task) {
  pthread_mutex_lock(&self->lock);
  task->next = NULL;
  *self->tail = task;
  self->tail = &task->next;
  signal_work(self);
  pthread_mutex_unlock(&self->lock);
}

void eim_loop_run_once(eim_loop *self, int timeout_ms) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += timeout_ms / 1000;
  until.tv_nsec += timeout_ms % 1000 * 1000000L;
  if (until.tv_nsec >= 1000000000L) until.tv_sec++, until.tv_nsec -= 1000000000L;
  pthread_mutex_lock(&self->lock);
  self->thread = pthread_self();
  self->running = true;
  for (int error = 0; !self->head && !self->woken && !error && timeout_ms;)
    error = timeout_ms < 0 ? pthread_cond_wait(&self->work, &self->lock)
                           : pthread_cond_timedwait(&self->work, &self->lock, &until);
  uint64_t value;
  self->woken = false;
  if (read(self->fd, &value, sizeof value) < 0) value = 0;
  pthread_mutex_unlock(&self->lock);
  run_tasks(self, false);
  pthread_mutex_lock(&self->lock);
  self->running = false;
  pthread_mutex_unlock(&self->lock);
}

int eim_loop_fd(const eim_loop *self) {
  return self->fd;
}

void eim_loop_wake(eim_loop *self) {
  pthread_mutex_lock(&self->lock);
  self->woken = true;
  signal_work(self);
  pthread_mutex_unlock(&self->lock);
}

bool eim_loop_is_current(const eim_loop *self) {
  eim_loop *loop = (eim_loop *)self;
  pthread_mutex_lock(&loop->lock);
  bool is = (loop->own_thread || loop->running) && pthread_equal(loop->thread, pthread_self());
  pthread_mutex_unlock(&loop->lock);
  return is;
}

void eim_loop_free(eim_loop *self) {
  self->on_turn = NULL;
  pthread_mutex_lock(&self->lock);
  self->ending = true;
  pthread_t thread = self->thread;
  signal_work(self);
  pthread_mutex_unlock(&self->lock);
  if (!self->own_thread) {
    destroy_loop(self);
  } else if (pthread_equal(thread, pthread_self())) {
    freed_here = true;
    pthread_detach(thread);
  } else {
    pthread_join(thread, NULL);
    destroy_loop(self);
  }
}

/* ------------------------------------------------------------------ driver */

eim_driver *eim_driver_new(eim_loop *loop, eim_settings *settings, const eim_sink *sink,
                           uint64_t number) {
  pthread_mutex_lock(&lock);
  bool fail = failures > 0 && failures--;
  pthread_mutex_unlock(&lock);
  eim_driver *self = fail || !eim_loop_is_current(loop) ? NULL : calloc(1, sizeof *self);
  if (!self) return NULL;
  *self = (eim_driver){loop, eim_object_ref(settings), *sink, number, 0};
  change(&drivers, 1);
  return self;
}

void eim_driver_health(const eim_driver *self, eim_buf *out) {
  (void)self;
  eim_buf_str(out, "{\"fake\":true}");
}

void eim_driver_free(eim_driver *self) {
  if (!eim_loop_is_current(self->loop)) abort();
  eim_object_unref(self->settings);
  free(self);
  change(&drivers, -1);
}

static void record(uint64_t number, const eim_input *input) {
  pthread_mutex_lock(&lock);
  if (input_count == input_capacity) {
    input_capacity = input_capacity ? input_capacity * 2 : 64;
    inputs = realloc(inputs, input_capacity * sizeof *inputs);
    if (!inputs) abort();
  }
  fake_input *in = &inputs[input_count++];
  *in = (fake_input){.kind = input->kind,
                     .token = input->token,
                     .seq = input->seq,
                     .number = number,
                     .is_token = input->is_token,
                     .up = input->up};
  snprintf(in->user, sizeof in->user, "%s", input->user ? input->user : "(null)");
  snprintf(in->text, sizeof in->text, "%s", input->text ? input->text : "(null)");
  snprintf(in->secret, sizeof in->secret, "%s", eim_secret_text(input->secret));
  snprintf(in->message, sizeof in->message, "%s",
           input->message ? eim_message_text(input->message) : "(null)");
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
}

/* Every request succeeds at once. */
void eim_driver_input(eim_driver *self, const eim_input *input) {
  if (!eim_loop_is_current(self->loop)) abort();
  record(self->number, input);
  if (input->kind == EIM_IN_OPEN) {
    self->sink.state(self->sink.user, EIM_STATE_ONLINE);
    self->sink.emit(self->sink.user, EIM_EVENT_state,
                    eim_state_change_new(EIM_STATE_PROVISIONING, EIM_STATE_ONLINE, NULL, 0, 0,
                                         false, input->user, "r"),
                    0);
  }
  if (input->kind == EIM_IN_SEND)
    for (int i = 0; i < read_count(&burst); i++)
      self->sink.emit(self->sink.user, EIM_EVENT_message, eim_message_ref(input->message),
                      ++self->seq);
  if (input->token)
    self->sink.emit(self->sink.user, EIM_EVENT_result,
                    eim_result_new(input->token, NULL, "", "", 0, NULL), 0);
}
