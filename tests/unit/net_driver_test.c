#include <sys/stat.h>
#include <unistd.h>

#include "eim_test.h"
#include "model/message.h"
#include "net/driver.h"
#include "net/timers.h"
#include "net_peer.h"

enum { DEADLINE = 10000 };

typedef struct seen {
  int results, states, disconnected;
  int32_t result_code;
  eim_state state;
} seen;

static void on_emit(void *user, eim_event_kind kind, void *payload, uint64_t seq) {
  seen *s = user;
  (void)seq;
  if (kind == EIM_EVENT_result) {
    const eim_error *error = eim_result_error(payload);
    s->result_code = error ? eim_error_code(error) : 0;
    s->results++;
  }
  eim_object_unref(payload);
}

static void on_state(void *user, eim_state state) {
  seen *s = user;
  s->state = state;
  s->states++;
}

static void refuse_provision(peer_conn *conn, void *user) {
  uint8_t bytes[4096];
  int opcode = 0;
  if (!peer_head(conn) || !peer_ws_accept(conn)) return;
  long length = peer_ws_recv(conn, &opcode, bytes, sizeof bytes);
  bytes[length > 0 ? length : 0] = 0;
  for (long i = 0; i < length; i++)
    if (!bytes[i]) bytes[i] = ' ';
  if (opcode == 2) snprintf(user, 4096, "%.4000s", (char *)bytes);
  peer_wait_closed(conn);
}

static eim_settings *settings_for(const char *api_url, const char *url) {
  eim_config *config;
  eim_settings *settings = NULL;
  if (eim_config_new(&config)) abort();
  eim_config_set(config, "appKey", "org#app");
  eim_config_set(config, "apiUrl", api_url);
  eim_config_set(config, "url", url);
  eim_settings_from_config(config, &settings);
  eim_config_free(config);
  return settings;
}

static void register_user(peer_conn *conn, void *user) {
  char body[256] = "";
  if (!peer_head(conn)) return;
  const char *length = strcasestr(conn->head, "Content-Length: ");
  if (length) peer_read(conn, body, (size_t)atoi(length + 16) % sizeof body);
  snprintf(user, 256, "%.255s", body);
  const char *json = "{\"entities\":[{\"uuid\":\"u\",\"type\":\"user\",\"username\":\"alice\","
                     "\"activated\":true}]}";
  char answer[512];
  snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(json),
           json);
  peer_say(conn, answer);
}

TEST(driver_registers_over_rest) {
  char body[256] = "", api[64];
  peer *p = peer_start(register_user, body, NULL);
  snprintf(api, sizeof api, "http://127.0.0.1:%u", peer_port(p));
  eim_settings *settings = settings_for(api, "ws://127.0.0.1:1/websocket");
  REQUIRE(settings != NULL);
  eim_loop *loop;
  REQUIRE(!eim_loop_new(false, &loop));
  seen s = {0};
  eim_sink sink = {&s, on_emit, on_state};
  eim_driver *driver = eim_driver_new(loop, settings, &sink, 1);
  REQUIRE(driver != NULL);
  eim_secret *password = eim_secret_new("s3cret");
  eim_driver_input(
      driver,
      &(eim_input){.kind = EIM_IN_REGISTER, .user = "alice", .secret = password, .token = 5});
  CHECK(peer_turn(loop, &s.results, DEADLINE));
  CHECK_INT(s.result_code, 0);
  CHECK_CONTAINS(body, "\"username\":\"alice\"");
  CHECK_CONTAINS(body, "s3cret");
  eim_secret_unref(password);
  eim_driver_free(driver);
  eim_loop_free(loop);
  eim_object_unref(settings);
  peer_stop(p);
}

TEST(driver_connects_and_logs_in_with_the_kept_device) {
  static char frame[4096];
  char url[64], dir[64] = "/tmp/eim_driver_XXXXXX", file[96];
  REQUIRE(mkdtemp(dir) != NULL);
  peer *p = peer_start(refuse_provision, frame, NULL);
  snprintf(url, sizeof url, "ws://127.0.0.1:%u/websocket", peer_port(p));
  eim_settings *settings = settings_for("http://127.0.0.1:1", url);
  REQUIRE(settings != NULL);
  peer_set(&settings->state_dir, dir);
  eim_loop *loop;
  REQUIRE(!eim_loop_new(false, &loop));
  seen s = {0};
  eim_sink sink = {&s, on_emit, on_state};
  eim_driver *driver = eim_driver_new(loop, settings, &sink, 1);
  REQUIRE(driver != NULL);
  eim_secret *token = eim_secret_new("t0ken");
  eim_driver_input(
      driver,
      &(eim_input){
          .kind = EIM_IN_OPEN, .user = "alice", .secret = token, .is_token = true, .token = 9});
  int64_t end = eim_mono_ms() + DEADLINE;
  while (s.state != EIM_STATE_PROVISIONING && eim_mono_ms() < end) eim_loop_run_once(loop, 1000);
  CHECK_INT(s.state, EIM_STATE_PROVISIONING);
  eim_driver_free(driver); /* in the middle of everything */
  eim_loop_free(loop);
  CHECK_INT(s.results, 0);
  peer_stop(p); /* joins whoever writes the frame */
  CHECK_CONTAINS(frame, "alice");
  char id[33] = "";
  snprintf(file, sizeof file, "%s/device_id", dir);
  FILE *f = fopen(file, "r");
  CHECK(f && fread(id, 1, 32, f) == 32);
  if (f) fclose(f);
  CHECK_CONTAINS(frame, id);
  unlink(file);
  rmdir(dir);
  eim_secret_unref(token);
  eim_object_unref(settings);
}

TEST(loop_drops_drivers_that_are_left) {
  eim_settings *settings = settings_for("http://127.0.0.1:1", "ws://127.0.0.1:1/websocket");
  REQUIRE(settings != NULL);
  for (int turns = 0; turns < 4; turns++) {
    eim_loop *loop;
    REQUIRE(!eim_loop_new(false, &loop));
    seen s = {0};
    eim_sink sink = {&s, on_emit, on_state};
    eim_secret *token = eim_secret_new("t0ken");
    for (int i = 0; i < 3; i++) {
      eim_driver *driver = eim_driver_new(loop, settings, &sink, 1);
      REQUIRE(driver != NULL);
      eim_driver_input(
          driver,
          &(eim_input){
              .kind = EIM_IN_OPEN, .user = "alice", .secret = token, .is_token = true, .token = 9});
    }
    for (int i = 0; i < turns; i++) eim_loop_run_once(loop, 0);
    eim_loop_free(loop);
    eim_secret_unref(token);
  }
  eim_object_unref(settings);
}
