#include "net/driver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/random.h"
#include "log/log.h"
#include "net/http.h"
#include "net/identity.h"
#include "net/loop.h"
#include "net/ws.h"

/* REST answers are bounded by the session's own, shorter timers; this one is a safety net. */
enum { HTTP_LIMIT_MS = 300000, FILE_LIMIT_MS = 24 * 3600 * 1000 };

/* A socket or a request of this driver. */
struct link {
  struct link *next;
  eim_driver *driver;
  uint32_t id;
  eim_ws *ws;
  eim_http *http;
  eim_alarm alarm; /* out of memory and places are told later, too */
  bool place_changed, waits, moved;
  int64_t done, total; /* of its file */
};

typedef struct driver_alarm {
  eim_alarm alarm;
  eim_driver *driver;
  eim_timer timer;
} driver_alarm;

struct eim_driver {
  eim_guest guest;
  eim_loop *loop;
  eim_settings *settings;
  eim_sink sink;
  eim_session *session;
  eim_endpoint *endpoint;
  uint64_t number;
  eim_state state;
  bool device_is_fixed;
  struct link *sockets, *requests;
  driver_alarm alarms[EIM_TIMER_COUNT];
};

static eim_now now(void) {
  struct timespec wall;
  clock_gettime(CLOCK_REALTIME, &wall);
  return (eim_now){.mono = eim_mono_ms(),
                   .wall = (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000};
}

static void step(eim_driver *self, const eim_input *input) {
  eim_session_step(self->session, input, now());
  eim_state state = eim_session_state(self->session);
  if (state != self->state) {
    self->state = state;
    self->sink.state(self->sink.user, state);
  }
}

/* ------------------------------------------------------------------ links */

static struct link *add_link(eim_driver *self, struct link **list, uint32_t id,
                             void (*fire)(eim_alarm *)) {
  struct link *l = calloc(1, sizeof *l);
  if (!l || !eim_alarms_reserve(&self->loop->alarms, 1)) {
    free(l);
    return NULL;
  }
  l->driver = self;
  l->id = id;
  l->alarm.fire = fire;
  l->next = *list;
  *list = l;
  return l;
}

static void drop_link(struct link **at) {
  struct link *l = *at;
  eim_alarms *alarms = &l->driver->loop->alarms;
  *at = l->next;
  if (l->ws) eim_ws_close(l->ws);
  if (l->http) eim_http_cancel(l->http);
  eim_alarm_clear(alarms, &l->alarm);
  eim_alarms_release(alarms, 1);
  free(l);
}

static struct link **find_link(struct link **list, uint32_t id) {
  while (*list && (*list)->id != id) list = &(*list)->next;
  return list;
}

static eim_error *no_memory(void) {
  return eim_error_new(EIM_E_NOMEM, EIM_DOMAIN_LOCAL, EIM_E_NOMEM, EIM_ERROR_RETRIABLE,
                       "out of memory");
}

/* ------------------------------------------------------------------ message socket */

static void on_opened(void *user) {
  struct link *l = user;
  step(l->driver, &(eim_input){.kind = EIM_IN_OPENED, .conn = l->id});
}

static void on_message(void *user, bool is_binary, const void *bytes, size_t length) {
  struct link *l = user;
  step(l->driver, &(eim_input){.kind = is_binary ? EIM_IN_FRAME : EIM_IN_TEXT,
                               .conn = l->id,
                               .bytes = bytes,
                               .length = length});
}

static void on_lost(void *user, const eim_error *error) {
  struct link *l = user;
  eim_driver *self = l->driver;
  uint32_t conn = l->id;
  LOG_DEBUG("net", self->number, "connection %u: %s", conn, eim_error_message(error));
  eim_error_ref(error);
  drop_link(find_link(&self->sockets, conn));
  step(self, &(eim_input){.kind = EIM_IN_LOST, .conn = conn, .error = error});
  eim_error_unref(error);
}

static void on_socket_alarm(eim_alarm *alarm) {
  struct link *l = (struct link *)((char *)alarm - offsetof(struct link, alarm));
  eim_error *error = no_memory();
  on_lost(l, error);
  eim_error_unref(error);
}

static void out_connect(void *user, const eim_connect_request *request) {
  eim_driver *self = user;
  struct link *l = add_link(self, &self->sockets, request->conn, on_socket_alarm);
  if (!l) return; /* the session's own timer ends the step */
  eim_ws_events events = {.user = l, .opened = on_opened, .message = on_message, .lost = on_lost};
  LOG_DEBUG("net", self->number, "connection %u: %s://%s:%u %s", request->conn,
            request->tls ? "wss" : "ws", request->host, request->port, request->ip);
  l->ws = eim_ws_open(self->endpoint, request, (size_t)self->settings->max_frame_bytes, &events);
  if (!l->ws) eim_alarm_set(&self->loop->alarms, &l->alarm, 0);
}

static void out_send(void *user, uint32_t conn, const void *bytes, size_t length) {
  eim_driver *self = user;
  struct link *l = *find_link(&self->sockets, conn);
  if (l && l->ws) eim_ws_send(l->ws, bytes, length);
}

static void out_disconnect(void *user, uint32_t conn) {
  eim_driver *self = user;
  struct link **at = find_link(&self->sockets, conn);
  if (*at) drop_link(at);
}

/* ------------------------------------------------------------------ REST */

static void on_answer(void *user, int status, const void *body, size_t length,
                      const eim_error *error, bool may_have_arrived) {
  struct link *l = user;
  eim_driver *self = l->driver;
  uint32_t id = l->id;
  int64_t done = l->done, total = l->total;
  l->http = NULL;
  drop_link(find_link(&self->requests, id));
  step(self, &(eim_input){.kind = EIM_IN_HTTP,
                          .id = id,
                          .http_status = error ? 0 : status,
                          .bytes = body,
                          .length = length,
                          .error = error,
                          .may_have_arrived = may_have_arrived,
                          .done = done,
                          .total = total});
}

/* Told on a turn of its own: this may come from inside an output. */
static void on_place(void *user, bool waits) {
  struct link *l = user;
  l->waits = waits;
  l->place_changed = true;
  eim_alarm_set(&l->driver->loop->alarms, &l->alarm, 0);
}

static void on_progress(void *user, int64_t done, int64_t total) {
  struct link *l = user;
  l->done = done;
  l->total = total;
  l->moved = true;
  eim_alarm_set(&l->driver->loop->alarms, &l->alarm, 0);
}

static void on_request_alarm(eim_alarm *alarm) {
  struct link *l = (struct link *)((char *)alarm - offsetof(struct link, alarm));
  if (l->place_changed) {
    l->place_changed = false;
    if (l->moved) eim_alarm_set(&l->driver->loop->alarms, &l->alarm, 0);
    step(l->driver, &(eim_input){.kind = EIM_IN_PLACE, .id = l->id, .up = !l->waits});
    return;
  }
  if (l->moved) {
    l->moved = false;
    step(l->driver,
         &(eim_input){.kind = EIM_IN_PROGRESS, .id = l->id, .done = l->done, .total = l->total});
    return;
  }
  eim_error *error = no_memory();
  on_answer(l, 0, NULL, 0, error, false);
  eim_error_unref(error);
}

static void out_http(void *user, const eim_http_request *request) {
  eim_driver *self = user;
  struct link *l = add_link(self, &self->requests, request->id, on_request_alarm);
  if (!l) return; /* as in out_connect() */
  l->http = eim_http_start(self->endpoint, request, request->file ? FILE_LIMIT_MS : HTTP_LIMIT_MS,
                           on_answer, on_place, l);
  if (l->http) {
    if (request->file) eim_http_on_progress(l->http, on_progress);
    return;
  }
  l->place_changed = false;
  eim_alarm_set(&self->loop->alarms, &l->alarm, 0);
}

static void out_http_cancel(void *user, uint32_t id) {
  eim_driver *self = user;
  struct link **at = find_link(&self->requests, id);
  if (*at) drop_link(at);
}

/* ------------------------------------------------------------------ the rest */

static void on_timer(eim_alarm *alarm) {
  driver_alarm *timer = (driver_alarm *)alarm;
  step(timer->driver, &(eim_input){.kind = EIM_IN_TIMER, .timer = timer->timer});
}

static void out_timer(void *user, eim_timer timer, int64_t at) {
  eim_driver *self = user;
  if (at < 0)
    eim_alarm_clear(&self->loop->alarms, &self->alarms[timer].alarm);
  else
    eim_alarm_set(&self->loop->alarms, &self->alarms[timer].alarm, at);
}

static void out_emit(void *user, eim_event_kind kind, void *payload, uint64_t seq) {
  eim_driver *self = user;
  self->sink.emit(self->sink.user, kind, payload, seq);
}

static void fix_device(eim_driver *self) {
  char id[EIM_DEVICE_ID_SIZE] = "";
  const char *fixed = self->settings->device_id;
  if (!*fixed && *self->settings->state_dir) {
    if (eim_identity_load(self->settings->state_dir, id))
      fixed = id;
    else
      LOG_WARN("net", self->number, "stateDir '%s' cannot keep a device id: %s",
               self->settings->state_dir, strerror(errno));
  }
  if (!*fixed && eim_identity_random(id)) fixed = id;
  self->device_is_fixed = eim_session_set_device(self->session, fixed);
}

void eim_driver_input(eim_driver *self, const eim_input *input) {
  if (input->kind == EIM_IN_OPEN && !self->device_is_fixed) fix_device(self);
  step(self, input);
}

static void drop(eim_guest *guest) {
  eim_driver_free((eim_driver *)((char *)guest - offsetof(eim_driver, guest)));
}

eim_driver *eim_driver_new(eim_loop *loop, eim_settings *settings, const eim_sink *sink,
                           uint64_t number) {
  static const eim_session_io outputs = {
      .connect = out_connect,
      .send = out_send,
      .disconnect = out_disconnect,
      .http = out_http,
      .http_cancel = out_http_cancel,
      .timer = out_timer,
      .emit = out_emit,
  };
  eim_driver *self = calloc(1, sizeof *self);
  if (!self) return NULL;
  self->loop = loop;
  self->sink = *sink;
  self->number = number;
  if (!eim_alarms_reserve(&loop->alarms, EIM_TIMER_COUNT)) {
    free(self);
    return NULL;
  }
  for (int i = 0; i < EIM_TIMER_COUNT; i++)
    self->alarms[i] = (driver_alarm){{.fire = on_timer}, self, (eim_timer)i};
  self->guest.drop = drop;
  eim_loop_add_guest(loop, &self->guest);
  self->settings = eim_object_ref(settings);
  self->endpoint = eim_endpoint_get(loop, settings);
  eim_session_io io = outputs;
  io.user = self;
  eim_random seed;
  eim_random_seed_os(&seed);
  self->session = eim_session_new(settings, &io, number, eim_random_next(&seed));
  if (!self->endpoint || !self->session) {
    eim_driver_free(self);
    return NULL;
  }
  self->state = eim_session_state(self->session);
  return self;
}

void eim_driver_health(const eim_driver *self, eim_buf *out) {
  eim_session_health(self->session, out);
}

void eim_driver_free(eim_driver *self) {
  if (!self) return;
  while (self->sockets) drop_link(&self->sockets);
  while (self->requests) drop_link(&self->requests);
  for (int i = 0; i < EIM_TIMER_COUNT; i++)
    eim_alarm_clear(&self->loop->alarms, &self->alarms[i].alarm);
  eim_alarms_release(&self->loop->alarms, EIM_TIMER_COUNT);
  eim_session_free(self->session);
  eim_endpoint_unref(self->endpoint);
  eim_loop_remove_guest(&self->guest);
  eim_object_unref(self->settings);
  free(self);
}
