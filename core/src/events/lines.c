#include "events/lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log/sinks.h"

struct eim_lines {
  eim_endpoint endpoint; /* first: it is the counted thing */
  eim_log_tap tap;
  void (*fn)(void *user_data, const eim_log_record *record);
  void *user_data;
  void (*wake)(void *wake_user);
  void *wake_user;
  atomic_size_t waiting, bytes; /* in the queue */
  uint64_t lost;                /* under the log's lock, as all of a tap */
};

typedef struct line {
  eim_object base;
  eim_lines *owner; /* the event holds it, and lets go of the line first */
  eim_log_record record;
  size_t length;
  char text[];
} line;

static void destroy_line(void *object) {
  line *self = object;
  atomic_fetch_sub(&self->owner->waiting, 1);
  atomic_fetch_sub(&self->owner->bytes, self->length);
  free(self);
}

static bool put(eim_lines *self, const eim_log_record *record) {
  size_t length = strlen(record->message) + 1;
  if (atomic_load(&self->waiting) >= EIM_LINES_MAX ||
      atomic_load(&self->bytes) + length > EIM_LINES_BYTES_MAX)
    return false;
  line *copy = malloc(sizeof *copy + length);
  if (!copy) return false;
  eim_object_init(&copy->base, destroy_line);
  copy->owner = self;
  copy->record = *record;
  copy->record.message = memcpy(copy->text, record->message, length);
  copy->length = length;
  atomic_fetch_add(&self->waiting, 1);
  atomic_fetch_add(&self->bytes, length);
  return eim_endpoint_push(&self->endpoint, EIM_EVENT_LOG, copy, 0);
}

/* Under the log's lock, on any thread. */
static void take(eim_log_tap *tap, const eim_log_record *record) {
  eim_lines *self = (eim_lines *)((char *)tap - offsetof(eim_lines, tap));
  /* One gap told once, not a hundred small ones: it goes on when half of the room is free. */
  if (self->lost && atomic_load(&self->waiting) <= EIM_LINES_MAX / 2 &&
      atomic_load(&self->bytes) <= EIM_LINES_BYTES_MAX / 2) {
    char message[96];
    snprintf(message, sizeof message, "%llu lines before this one were lost: nobody polled",
             (unsigned long long)self->lost);
    eim_log_record loss = {
        .time = record->time, .level = EIM_LOG_WARN, .module = "log", .message = message};
    if (put(self, &loss)) self->lost = 0;
  }
  if (self->lost || !put(self, record))
    self->lost++;
  else if (self->wake)
    self->wake(self->wake_user);
}

static void call(eim_endpoint *endpoint, const void *payload) {
  eim_lines *self = (eim_lines *)endpoint;
  self->fn(self->user_data, &((const line *)payload)->record);
}

static void nothing_done(eim_endpoint *endpoint, uint64_t seq) {
  (void)endpoint;
  (void)seq;
}

eim_lines *eim_lines_new(eim_queue *queue, eim_log_level level,
                         void (*fn)(void *user_data, const eim_log_record *record), void *user_data,
                         void (*wake)(void *wake_user), void *wake_user) {
  eim_lines *self = calloc(1, sizeof *self);
  if (!self) return NULL;
  eim_endpoint_init(&self->endpoint, queue, free, nothing_done);
  self->endpoint.call = call;
  self->fn = fn;
  self->user_data = user_data;
  self->wake = wake;
  self->wake_user = wake_user;
  self->tap = (eim_log_tap){.level = level, .take = take};
  eim_log_tap_add(&self->tap);
  return self;
}

void eim_lines_end(eim_lines *self, bool wait) {
  if (!self) return;
  eim_log_tap_remove(&self->tap);
  eim_endpoint_shutdown(&self->endpoint, wait);
  eim_object_unref(self);
}
