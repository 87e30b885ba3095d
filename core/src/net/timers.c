#include "net/timers.h"

#include <stdlib.h>
#include <time.h>

int64_t eim_mono_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void place(eim_alarms *self, size_t slot, eim_alarm *alarm) {
  self->heap[slot] = alarm;
  alarm->slot = slot;
}

static bool before(const eim_alarm *a, const eim_alarm *b) {
  return a->at != b->at ? a->at < b->at : a->turn < b->turn;
}

static void rise(eim_alarms *self, size_t slot) {
  eim_alarm *alarm = self->heap[slot];
  for (; slot > 1 && before(alarm, self->heap[slot / 2]); slot /= 2)
    place(self, slot, self->heap[slot / 2]);
  place(self, slot, alarm);
}

static void sink(eim_alarms *self, size_t slot) {
  eim_alarm *alarm = self->heap[slot];
  for (;;) {
    size_t child = slot * 2;
    if (child > self->count) break;
    if (child < self->count && before(self->heap[child + 1], self->heap[child])) child++;
    if (!before(self->heap[child], alarm)) break;
    place(self, slot, self->heap[child]);
    slot = child;
  }
  place(self, slot, alarm);
}

static void take_out(eim_alarms *self, eim_alarm *alarm) {
  size_t slot = alarm->slot;
  eim_alarm *last = self->heap[self->count--];
  alarm->slot = 0;
  if (last == alarm) return;
  place(self, slot, last);
  rise(self, slot);
  sink(self, last->slot);
}

static void on_timer(uv_timer_t *timer);

static void rearm(eim_alarms *self) {
  if (!self->count) {
    if (self->armed_for >= 0) uv_timer_stop(&self->timer);
    self->armed_for = -1;
    return;
  }
  int64_t at = self->heap[1]->at > 0 ? self->heap[1]->at : 0;
  if (at == self->armed_for) return;
  self->armed_for = at;
  uv_update_time(self->timer.loop);
  int64_t wait = at - eim_mono_ms();
  uv_timer_start(&self->timer, on_timer, wait > 0 ? (uint64_t)wait : 0, 0);
}

static void on_timer(uv_timer_t *timer) {
  eim_alarms *self = timer->data;
  int64_t now = eim_mono_ms();
  uint64_t turn = self->turn;
  /* What is set while firing waits for the next turn of the loop, so that a chain of alarms cannot
   * starve the sockets. */
  while (self->count && self->heap[1]->at <= now && self->heap[1]->turn <= turn) {
    eim_alarm *alarm = self->heap[1];
    take_out(self, alarm);
    alarm->fire(alarm);
  }
  self->armed_for = -1;
  rearm(self);
}

void eim_alarms_init(eim_alarms *self, uv_loop_t *loop) {
  *self = (eim_alarms){.armed_for = -1};
  uv_timer_init(loop, &self->timer);
  self->timer.data = self;
}

bool eim_alarms_reserve(eim_alarms *self, size_t count) {
  size_t need = self->reserved + count + 1;
  if (need > self->capacity) {
    size_t capacity = self->capacity ? self->capacity * 2 : 64;
    while (capacity < need) capacity *= 2;
    eim_alarm **heap = realloc(self->heap, capacity * sizeof *heap);
    if (!heap) return false;
    self->heap = heap;
    self->capacity = capacity;
  }
  self->reserved += count;
  return true;
}

void eim_alarms_release(eim_alarms *self, size_t count) {
  self->reserved -= count;
}

void eim_alarm_set(eim_alarms *self, eim_alarm *alarm, int64_t at) {
  if (alarm->slot) take_out(self, alarm);
  alarm->at = at;
  alarm->turn = ++self->turn;
  self->heap[++self->count] = alarm;
  rise(self, self->count);
  rearm(self);
}

void eim_alarm_clear(eim_alarms *self, eim_alarm *alarm) {
  if (!alarm->slot) return;
  take_out(self, alarm);
  rearm(self);
}

void eim_alarms_close(eim_alarms *self) {
  uv_close((uv_handle_t *)&self->timer, NULL);
  free(self->heap);
  self->heap = NULL;
  self->count = self->capacity = 0;
}
