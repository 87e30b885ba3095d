/* A session that is online, and what a server may say to it, in any order, while messages are sent,
 * are done with, while time passes and lines are lost. The input is messages of the socket, each
 * behind two bytes: 13 bits of length, and 3 that say what happens behind it. */
#include <string.h>

#include <eim/error.h>
#include <eim/log.h>

#include "base/json.h"
#include "fuzz.h"
#include "model/error.h"
#include "model/message.h"
#include "msync.pb-c.h"
#include "session/session.h"

enum { HELD_MOST = 64 };

typedef struct driver {
  eim_session *session;
  eim_now now;
  uint32_t conn;
  bool open;
  int64_t timers[EIM_TIMER_COUNT];
  uint64_t emitted, results, tokens;
  uint64_t held[HELD_MOST];
  int held_count;
  bool manual;
} driver;

static void on_connect(void *user, const eim_connect_request *request) {
  driver *self = user;
  MUST(!self->conn && request->conn);
  self->conn = request->conn;
}

static void on_send(void *user, uint32_t conn, const void *bytes, size_t length) {
  const driver *self = user;
  MUST(conn == self->conn && self->open && bytes && length);
}

static void on_disconnect(void *user, uint32_t conn) {
  driver *self = user;
  MUST(conn == self->conn);
  self->conn = 0;
  self->open = false;
}

static void on_http(void *user, const eim_http_request *request) {
  (void)user;
  MUST(request->id);
}

static void on_http_cancel(void *user, uint32_t id) {
  (void)user;
  (void)id;
}

static void on_timer(void *user, eim_timer timer, int64_t at) {
  driver *self = user;
  self->timers[timer] = at;
}

static void on_emit(void *user, eim_event_kind kind, void *payload, uint64_t seq) {
  driver *self = user;
  if (seq) MUST(seq == ++self->emitted);
  if (kind == EIM_EVENT_result) self->results++;
  if (kind == EIM_EVENT_message) MUST(seq && eim_message_to_json(payload));
  if (kind == EIM_EVENT_notice) {
    eim_json json;
    MUST(eim_json_parse(&json, eim_notice_json(payload), strlen(eim_notice_json(payload))));
  }
  if (kind == EIM_EVENT_message && self->manual && self->held_count < HELD_MOST)
    self->held[self->held_count++] = seq;
  eim_object_unref(payload);
}

static void step(driver *self, eim_input input) {
  eim_session_step(self->session, &input, self->now);
}

static void frame(driver *self, const void *bytes, size_t length) {
  if (self->open)
    step(self,
         (eim_input){.kind = EIM_IN_FRAME, .conn = self->conn, .bytes = bytes, .length = length});
}

/* The login is answered as a good server does. */
static void log_in(driver *self) {
  Easemob__Pb__Status status = EASEMOB__PB__STATUS__INIT;
  Easemob__Pb__Provision down = EASEMOB__PB__PROVISION__INIT;
  Easemob__Pb__MSync sync = EASEMOB__PB__MSYNC__INIT;
  uint8_t payload[64], bytes[96];
  if (!self->conn || self->open) return;
  self->open = true;
  step(self, (eim_input){.kind = EIM_IN_OPENED, .conn = self->conn});
  status.has_errorcode = 1;
  down.status = &status;
  down.resource = (char *)"webim_wx_1";
  sync.has_command = sync.has_payload = 1;
  sync.command = EASEMOB__PB__MSYNC__COMMAND__PROVISION;
  sync.payload = (ProtobufCBinaryData){easemob__pb__provision__pack(&down, payload), payload};
  frame(self, bytes, easemob__pb__msync__pack(&sync, bytes));
}

static void pass(driver *self, int64_t ms) {
  int64_t end = self->now.mono + ms;
  for (int rounds = 0; rounds < 100; rounds++) {
    int first = 0;
    for (int i = 1; i < EIM_TIMER_COUNT; i++)
      if (self->timers[i] >= 0 &&
          (self->timers[first] < 0 || self->timers[i] < self->timers[first]))
        first = i;
    int64_t at = self->timers[first];
    if (at < 0 || at > end) break;
    if (at > self->now.mono) {
      self->now.wall += at - self->now.mono;
      self->now.mono = at;
    }
    self->timers[first] = -1;
    step(self, (eim_input){.kind = EIM_IN_TIMER, .timer = (eim_timer)first});
    log_in(self);
  }
  if (end > self->now.mono) {
    self->now.wall += end - self->now.mono;
    self->now.mono = end;
  }
}

static void lose(driver *self) {
  uint32_t conn = self->conn;
  if (!conn) return;
  self->conn = 0;
  self->open = false;
  eim_error *error = eim_error_new(EIM_E_NETWORK, EIM_DOMAIN_OS, 104, EIM_ERROR_RETRIABLE, "reset");
  step(self, (eim_input){.kind = EIM_IN_LOST, .conn = conn, .error = error});
  eim_error_unref(error);
  pass(self, 70000); /* the longest pause before an attempt */
}

static void say(driver *self) {
  eim_message *message;
  MUST(!eim_message_new_text(EIM_CHAT_SINGLE, "bob", "x", NULL, &message));
  step(self, (eim_input){.kind = EIM_IN_SEND, .message = message, .token = ++self->tokens});
  eim_message_unref(message);
}

static void open_session(driver *self) {
  eim_secret *token = eim_secret_new("t");
  step(self, (eim_input){.kind = EIM_IN_OPEN,
                         .user = "alice",
                         .secret = token,
                         .is_token = true,
                         .token = ++self->tokens});
  eim_secret_unref(token);
  log_in(self);
}

static void happen(driver *self, int what) {
  switch (what) {
  case 1: step(self, (eim_input){.kind = EIM_IN_DONE, .seq = self->emitted}); break;
  case 2:
    while (self->held_count > 1)
      step(self, (eim_input){.kind = EIM_IN_MESSAGE_DONE, .seq = self->held[--self->held_count]});
    break;
  case 3: lose(self); break;
  case 4: pass(self, 31000); break;
  case 5: say(self); break;
  case 6:
    step(self, (eim_input){.kind = EIM_IN_CLOSE, .token = ++self->tokens});
    open_session(self);
    break;
  default: break;
  }
}

static eim_settings *settings_of(bool manual) {
  static const char *const options[][2] = {
      {"appKey", "lab#peer"}, {"apiUrl", "http://rest.test"}, {"url", "ws://im.test/websocket"},
      {"delivery", "true"},   {"maxUndelivered", "16"},       {"autoReconnectNumMax", "-1"}};
  eim_config *config;
  eim_settings *settings;
  MUST(!eim_config_new(&config));
  for (size_t i = 0; i < sizeof options / sizeof *options; i++)
    MUST(!eim_config_set(config, options[i][0], options[i][1]));
  MUST(!eim_config_set(config, "ackMode", manual ? "manual" : "auto"));
  MUST(!eim_settings_from_config(config, &settings));
  eim_config_free(config);
  return settings;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static eim_settings *settings[2];
  if (!settings[0]) {
    eim_log_set_level(EIM_LOG_SILENT);
    for (int i = 0; i < 2; i++) settings[i] = settings_of(i);
  }
  if (!size) return 0;
  driver self = {.now = {1000000, 1795388255000}, .manual = data[0] & 1};
  data++, size--;
  for (int i = 0; i < EIM_TIMER_COUNT; i++) self.timers[i] = -1;
  eim_session_io io = {&self,   on_connect,     on_send,  on_disconnect,
                       on_http, on_http_cancel, on_timer, on_emit};
  MUST(self.session = eim_session_new(settings[self.manual], &io, 1, 7));
  MUST(eim_session_set_device(self.session, "0123456789ab"));
  open_session(&self);
  MUST(eim_session_state(self.session) == EIM_STATE_ONLINE);
  while (size >= 2) {
    size_t length = (size_t)(data[0] & 31) << 8 | data[1];
    int what = data[0] >> 5;
    data += 2, size -= 2;
    if (length > size) length = size;
    if (length) frame(&self, data, length);
    happen(&self, what);
    data += length, size -= length;
    /* A kick, a refusal, a frame that is none: on again. */
    if (eim_session_state(self.session) == EIM_STATE_OFFLINE) open_session(&self);
    pass(&self, eim_session_state(self.session) == EIM_STATE_WAITING ? 70000 : 10);
  }
  eim_buf json = EIM_BUF_INIT;
  eim_json parsed;
  eim_session_health(self.session, &json);
  MUST(!json.failed && eim_json_parse(&parsed, (const char *)json.data, json.length));
  eim_buf_free(&json);
  step(&self, (eim_input){.kind = EIM_IN_SHUTDOWN});
  MUST(!self.conn && self.results == self.tokens); /* each request ended, once */
  eim_session_free(self.session);
  return 0;
}
