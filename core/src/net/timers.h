/* timers.h - many alarms over one uv_timer: a binary heap. Loop thread only. The alarm is embedded
 * by its owner, who clears it before going away. */
#ifndef EIM_NET_TIMERS_H
#define EIM_NET_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

typedef struct eim_alarm {
  int64_t at;    /* ms of eim_mono_ms() */
  uint64_t turn; /* equal times fire in the order they were set */
  size_t slot;   /* in the heap, from 1; 0: not set */
  void (*fire)(struct eim_alarm *self);
} eim_alarm;

typedef struct eim_alarms {
  uv_timer_t timer; /* the only one */
  eim_alarm **heap; /* from 1 */
  size_t count, capacity, reserved;
  uint64_t turn;
  int64_t armed_for; /* -1: timer stopped */
} eim_alarms;

/* ms of CLOCK_MONOTONIC. Any thread. */
int64_t eim_mono_ms(void);

void eim_alarms_init(eim_alarms *self, uv_loop_t *loop);
/* Make room for `count` more alarms, so that setting them cannot fail. False: out of memory. */
bool eim_alarms_reserve(eim_alarms *self, size_t count);
void eim_alarms_release(eim_alarms *self, size_t count);
/* Set or move. It fires once, never from inside this call, also when `at` is past. Its room must
 * have been reserved. */
void eim_alarm_set(eim_alarms *self, eim_alarm *alarm, int64_t at);
void eim_alarm_clear(eim_alarms *self, eim_alarm *alarm);
/* Closes the timer (the loop must still turn for that) and frees the heap. */
void eim_alarms_close(eim_alarms *self);

#endif
