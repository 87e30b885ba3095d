#include "eim_test.h"

#include <poll.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <eim/eim.h>

#include "api_fake_net.h"

EIM_TEST_MAIN

enum { SOON = 5000 }; /* a deadline, never waited for in full */

typedef struct app {
  eim_context *context;
  eim_client *client;
  int results, states, messages, released;
  uint64_t last_token;
  int32_t last_code;
  void (*act)(struct app *self);
  eim_status status;
} app;

static void on_result(void *user_data, const eim_result *result) {
  app *self = user_data;
  self->results++;
  self->last_token = eim_result_token(result);
  self->last_code = eim_error_code(eim_result_error(result));
  if (self->act) self->act(self);
}
static void on_state(void *user_data, const eim_state_change *change) {
  (void)change;
  ((app *)user_data)->states++;
}
static void on_message(void *user_data, const eim_message *message) {
  (void)message;
  ((app *)user_data)->messages++;
}
static void on_released(void *user_data) {
  ((app *)user_data)->released++;
}
static void on_token_request(void *user_data, const eim_token_event *event) {
  (void)user_data;
  (void)event;
}

static eim_config *make_config(const char *io_threads) {
  eim_config *config = NULL;
  CHECK_INT(eim_config_new(&config), EIM_OK);
  CHECK_INT(eim_config_set(config, "appKey", "org#app"), EIM_OK);
  CHECK_INT(eim_config_set(config, "ioThreads", io_threads), EIM_OK);
  return config;
}

static eim_handlers app_handlers(app *self) {
  eim_handlers h = EIM_HANDLERS_INIT;
  h.user_data = self;
  h.on_released = on_released;
  h.on_result = on_result;
  h.on_state = on_state;
  h.on_message = on_message;
  return h;
}

static void app_open(app *self, const char *io_threads) {
  eim_config *config = make_config(io_threads);
  fake_reset();
  CHECK_INT(eim_context_new(config, &self->context), EIM_OK);
  CHECK_INT(eim_client_new(self->context, config, &self->client), EIM_OK);
  eim_config_free(config);
  eim_handlers h = app_handlers(self);
  CHECK_INT(eim_client_add_event_handler(self->client, "app", &h), EIM_OK);
}

static void app_close(app *self) {
  eim_client_unref(self->client);
  eim_context_shutdown(self->context);
  eim_context_unref(self->context);
  CHECK_INT(self->released, 1);
  CHECK_INT(fake_live_drivers(), 0);
  CHECK_INT(fake_live_loops(), 0);
}

static void poll_until(app *self, const int *value, int want) {
  while (*value < want) {
    eim_status status = eim_context_poll(self->context, SOON, 0);
    if (status <= 0) {
      CHECK_INT(status, 1);
      return;
    }
  }
}

static void check_request(eim_client *client, const char *io_threads) {
  (void)client;
  app a = {0};
  app_open(&a, io_threads);
  CHECK_INT(eim_client_state(a.client), EIM_STATE_OFFLINE);
  CHECK_INT(eim_client_open_token(a.client, "alice", "secret-token", 7), EIM_OK);
  poll_until(&a, &a.results, 1);
  CHECK(a.last_token == 7);
  CHECK_INT(a.states, 1);
  CHECK_INT(eim_client_state(a.client), EIM_STATE_ONLINE);
  fake_input in;
  REQUIRE(fake_await_input(EIM_IN_OPEN, 1, &in));
  CHECK_STR(in.user, "alice");
  CHECK_STR(in.secret, "secret-token");
  CHECK(in.is_token && in.token == 7);
  eim_client_shutdown(a.client);
  CHECK_INT(a.released, 1);
  CHECK_INT(eim_client_state(a.client), EIM_STATE_CLOSED);
  CHECK_INT(eim_client_open_token(a.client, "alice", "secret-token", 8), EIM_E_CLOSED);
  app_close(&a);
}

TEST(a_request_with_one_thread) {
  check_request(NULL, "1");
}
TEST(a_request_with_four_threads) {
  check_request(NULL, "4");
}
TEST(a_request_without_threads) {
  check_request(NULL, "0");
}

TEST(every_command_arrives_with_copies_of_its_texts) {
  app a = {0};
  fake_input in;
  app_open(&a, "1");
  char user[] = "bob", password[] = "hunter2", nickname[] = "Bob", ext[] = "{\"d\":1}";
  CHECK_INT(eim_client_register_user(a.client, user, password, nickname, 1), EIM_OK);
  CHECK_INT(eim_client_open_password(a.client, user, password, 2), EIM_OK);
  CHECK_INT(eim_client_set_login_ext(a.client, ext), EIM_OK);
  memset(user, 'x', 3), memset(password, 'x', 7), memset(nickname, 'x', 3), memset(ext, 'x', 5);
  CHECK_INT(eim_client_renew_token(a.client, "tok", 3), EIM_OK);
  CHECK_INT(eim_client_network_changed(a.client, true), EIM_OK);
  CHECK_INT(eim_client_cancel(a.client, 2), EIM_OK);
  CHECK_INT(eim_client_close(a.client, 4), EIM_OK);
  CHECK_INT(eim_client_health(a.client, 6), EIM_OK);
  CHECK_INT(eim_client_token_unavailable(a.client, "backend is down"), EIM_OK);
  CHECK_INT(eim_client_set_login_ext(a.client, NULL), EIM_OK);
  eim_message *message = NULL;
  REQUIRE(!eim_message_new_text(EIM_CHAT_SINGLE, "carol", "hello", NULL, &message));
  CHECK_INT(eim_client_send(a.client, message, 5), EIM_OK);
  eim_message_unref(message);
  REQUIRE(fake_await_input(EIM_IN_REGISTER, 1, &in));
  CHECK_STR(in.user, "bob");
  CHECK_STR(in.secret, "hunter2");
  CHECK_STR(in.text, "Bob");
  REQUIRE(fake_await_input(EIM_IN_OPEN, 1, &in));
  CHECK_STR(in.secret, "hunter2");
  CHECK(!in.is_token);
  REQUIRE(fake_await_input(EIM_IN_LOGIN_EXT, 1, &in));
  CHECK_STR(in.text, "{\"d\":1}");
  REQUIRE(fake_await_input(EIM_IN_LOGIN_EXT, 2, &in));
  CHECK_STR(in.text, "(null)");
  REQUIRE(fake_await_input(EIM_IN_RENEW, 1, &in));
  CHECK_STR(in.secret, "tok");
  REQUIRE(fake_await_input(EIM_IN_NETWORK, 1, &in));
  CHECK(in.up);
  REQUIRE(fake_await_input(EIM_IN_CANCEL, 1, &in));
  CHECK(in.token == 2);
  CHECK(fake_await_input(EIM_IN_CLOSE, 1, NULL));
  REQUIRE(fake_await_input(EIM_IN_SEND, 1, &in));
  CHECK_STR(in.message, "hello");
  REQUIRE(fake_await_input(EIM_IN_NO_TOKEN, 1, &in));
  CHECK_STR(in.text, "backend is down");
  REQUIRE(fake_await_input(EIM_IN_HEALTH, 1, &in));
  CHECK(in.token == 6);
  poll_until(&a, &a.results, 7);
  app_close(&a);
  CHECK_INT(fake_count(EIM_IN_SHUTDOWN), 1);
}

static void check_refused(eim_status status, int32_t code, const char *part) {
  CHECK_INT(status, EIM_E_INVALID);
  CHECK_INT(eim_error_code(eim_last_error()), code);
  CHECK_CONTAINS(eim_error_message(eim_last_error()), part);
}

TEST(arguments_are_checked_at_once) {
  app a = {0};
  app_open(&a, "1");
  char longest[70] = "", wide[1100] = "";
  memset(longest, 'u', 64);
  CHECK_INT(eim_client_open_token(a.client, longest, "t", 0), EIM_OK);
  longest[64] = 'u';
  check_refused(eim_client_open_token(a.client, longest, "t", 1), 105, "longer than 64 bytes");
  check_refused(eim_client_open_token(a.client, "", "t", 1), 101, "user is empty");
  check_refused(eim_client_open_token(a.client, NULL, "t", 1), 101, "user is empty");
  check_refused(eim_client_open_token(a.client, "a\nb", "t", 1), 101, "control");
  check_refused(eim_client_open_token(a.client, "\xff", "t", 1), 101, "UTF-8");
  check_refused(eim_client_open_token(a.client, "alice", "", 1), 104, "token is empty");
  check_refused(eim_client_open_token(a.client, "alice", "hunter2\r\nX: y", 1), 104, "control");
  CHECK(!strstr(eim_error_message(eim_last_error()), "hunter2"));
  check_refused(eim_client_open_password(a.client, "alice", NULL, 1), 102, "password is empty");
  check_refused(eim_client_register_user(a.client, "", "p", NULL, 1), 101, "user");
  check_refused(eim_client_register_user(a.client, "a", "", NULL, 1), 102, "password");
  check_refused(eim_client_register_user(a.client, "a", "p", "\x01", 1), 205, "nickname");
  check_refused(eim_client_renew_token(a.client, NULL, 1), 104, "token");
  check_refused(eim_client_cancel(a.client, 0), EIM_E_INVALID, "token 0");
  check_refused(eim_client_send(a.client, NULL, 1), EIM_E_INVALID, "message is NULL");
  memset(wide, 'x', 1025);
  check_refused(eim_client_set_login_ext(a.client, wide), 110, "1024");
  wide[1024] = 0;
  CHECK_INT(eim_client_set_login_ext(a.client, wide), EIM_OK);
  check_refused(eim_client_add_event_handler(a.client, "", NULL), EIM_E_INVALID, "id");
  check_refused(eim_client_add_event_handler(a.client, "x", NULL), EIM_E_INVALID, "NULL");
  check_refused(eim_client_remove_event_handler(a.client, "x"), EIM_E_INVALID, "no set");
  app_close(&a);
}

TEST(null_handles) {
  eim_client *client = NULL;
  eim_context *context = NULL;
  CHECK(eim_client_ref(NULL) == NULL && eim_context_ref(NULL) == NULL);
  eim_client_unref(NULL);
  eim_context_unref(NULL);
  eim_client_shutdown(NULL);
  eim_context_shutdown(NULL);
  eim_context_yield(NULL);
  CHECK_INT(eim_client_state(NULL), EIM_STATE_CLOSED);
  CHECK_INT(eim_client_new(NULL, NULL, &client), EIM_E_INVALID);
  CHECK_INT(eim_context_new(NULL, NULL), EIM_E_INVALID);
  CHECK_INT(eim_client_open_token(NULL, "a", "b", 0), EIM_E_INVALID);
  CHECK_INT(eim_client_open_password(NULL, "a", "b", 0), EIM_E_INVALID);
  CHECK_INT(eim_client_register_user(NULL, "a", "b", NULL, 0), EIM_E_INVALID);
  CHECK_INT(eim_client_close(NULL, 0), EIM_E_INVALID);
  CHECK_INT(eim_client_renew_token(NULL, "a", 0), EIM_E_INVALID);
  CHECK_INT(eim_client_network_changed(NULL, true), EIM_E_INVALID);
  CHECK_INT(eim_client_set_login_ext(NULL, NULL), EIM_E_INVALID);
  CHECK_INT(eim_client_send(NULL, NULL, 0), EIM_E_INVALID);
  CHECK_INT(eim_client_cancel(NULL, 1), EIM_E_INVALID);
  CHECK_INT(eim_client_health(NULL, 1), EIM_E_INVALID);
  CHECK_INT(eim_client_token_unavailable(NULL, NULL), EIM_E_INVALID);
  CHECK_INT(eim_client_add_event_handler(NULL, "a", NULL), EIM_E_INVALID);
  CHECK_INT(eim_client_remove_event_handler(NULL, "a"), EIM_E_INVALID);
  CHECK_INT(eim_context_poll(NULL, 0, 0), EIM_E_INVALID);
  CHECK_INT(eim_context_wait(NULL, 0), EIM_E_INVALID);
  CHECK_INT(eim_context_fd(NULL), EIM_E_INVALID);
  CHECK_INT(eim_context_start(NULL), EIM_E_INVALID);
  REQUIRE(!eim_context_new(NULL, &context)); /* defaults */
  CHECK_INT(eim_client_new(context, NULL, &client), EIM_E_INVALID);
  eim_config *config = NULL;
  REQUIRE(!eim_config_new(&config));
  CHECK_INT(eim_client_new(context, config, &client), EIM_E_INVALID); /* no appKey */
  CHECK_INT(eim_client_new(context, config, NULL), EIM_E_INVALID);
  CHECK(client == NULL);
  eim_config_free(config);
  eim_context_shutdown(context);
  eim_context_unref(context);
}

TEST(level_names_and_versions) {
  eim_log_level before = eim_log_get_level();
  CHECK_INT(eim_log_set_level_name("eRRor"), EIM_OK);
  CHECK_INT(eim_log_get_level(), EIM_LOG_ERROR);
  CHECK_INT(eim_log_set_level_name("verbose"), EIM_E_INVALID);
  CHECK_CONTAINS(eim_error_message(eim_last_error()), "'verbose'");
  CHECK_INT(eim_log_set_level_name(NULL), EIM_E_INVALID);
  CHECK_INT(eim_log_get_level(), EIM_LOG_ERROR);
  eim_log_set_level(before);
  CHECK_INT(eim_version(), EIM_VERSION);
  CHECK_STR(eim_version_string(), EIM_VERSION_STRING);
}

static void act_poll(app *self) {
  self->status = eim_context_poll(self->context, 0, 0);
}

static void check_busy_inside(const char *io_threads) {
  app a = {.act = act_poll};
  app_open(&a, io_threads);
  eim_client_close(a.client, 1);
  poll_until(&a, &a.results, 1);
  CHECK_INT(a.status, EIM_E_BUSY);
  app_close(&a);
}
TEST(poll_in_a_callback_is_busy) {
  check_busy_inside("1");
  check_busy_inside("0");
}

typedef struct poller {
  eim_context *context;
  atomic_int status;
} poller;
static void *poll_once(void *arg) {
  poller *self = arg;
  atomic_store(&self->status, eim_context_poll(self->context, 0, 0));
  return NULL;
}
static void act_poll_elsewhere(app *self) {
  pthread_t thread;
  poller p = {.context = self->context, .status = 99};
  CHECK(!pthread_create(&thread, NULL, poll_once, &p));
  pthread_join(thread, NULL);
  self->status = atomic_load(&p.status);
}
TEST(a_second_thread_that_polls_is_busy) {
  app a = {.act = act_poll_elsewhere};
  app_open(&a, "1");
  eim_client_close(a.client, 1);
  poll_until(&a, &a.results, 1);
  CHECK_INT(a.status, EIM_E_BUSY);
  app_close(&a);
}

static void act_yield(app *self) {
  eim_context_yield(self->context);
}
static void check_yield(const char *io_threads) {
  app a = {.act = act_yield};
  app_open(&a, io_threads);
  for (uint64_t i = 1; i <= 3; i++) eim_client_close(a.client, i);
  CHECK_INT(eim_context_wait(a.context, SOON), 1);
  REQUIRE(fake_await_input(EIM_IN_CLOSE, 3, NULL));
  for (uint64_t i = 1; i <= 3; i++) {
    CHECK_INT(eim_context_poll(a.context, SOON, 0), 1);
    CHECK(a.last_token == i);
  }
  CHECK_INT(eim_context_poll(a.context, 0, 0), 0);
  app_close(&a);
}
TEST(yield_ends_the_poll) {
  check_yield("1");
  check_yield("0");
}

static void check_max_events(const char *io_threads) {
  app a = {0};
  app_open(&a, io_threads);
  for (uint64_t i = 1; i <= 5; i++) eim_client_close(a.client, i);
  CHECK_INT(eim_context_wait(a.context, SOON), 1);
  REQUIRE(fake_await_input(EIM_IN_CLOSE, 5, NULL));
  CHECK_INT(eim_context_poll(a.context, SOON, 2), 2);
  CHECK(a.last_token == 2);
  int rest = 0;
  while (rest < 3) {
    eim_status status = eim_context_poll(a.context, SOON, -1);
    CHECK(status > 0);
    if (status <= 0) break;
    rest += status;
  }
  CHECK(a.last_token == 5);
  app_close(&a);
}
TEST(max_events_bounds_a_poll) {
  check_max_events("1");
  check_max_events("0");
}

static bool readable(int fd, int timeout_ms) {
  struct pollfd p = {.fd = fd, .events = POLLIN};
  return poll(&p, 1, timeout_ms) == 1;
}
static void check_fd(const char *io_threads) {
  app a = {0};
  app_open(&a, io_threads);
  int fd = eim_context_fd(a.context);
  CHECK(fd >= 0);
  CHECK_INT(eim_context_fd(a.context), fd);
  while (readable(fd, 0)) eim_context_poll(a.context, 0, 0); /* the first tasks, without threads */
  eim_client_close(a.client, 1);
  eim_client_close(a.client, 2);
  CHECK(readable(fd, SOON));
  CHECK_INT(eim_context_wait(a.context, SOON), 1);
  REQUIRE(fake_await_input(EIM_IN_CLOSE, 2, NULL));
  while (a.results < 1) CHECK(eim_context_poll(a.context, SOON, 1) == 1);
  CHECK(readable(fd, SOON)); /* one is left */
  poll_until(&a, &a.results, 2);
  while (readable(fd, 0) && eim_context_poll(a.context, 0, 0) >= 0) {}
  CHECK(!readable(fd, 0));
  eim_context_shutdown(a.context);
  CHECK(readable(fd, SOON));
  CHECK_INT(eim_context_poll(a.context, -1, 0), EIM_E_CLOSED);
  CHECK_INT(eim_context_wait(a.context, -1), EIM_E_CLOSED);
  CHECK(readable(fd, 0));
  app_close(&a);
}
TEST(the_descriptor) {
  check_fd("1");
  check_fd("0");
}

static void act_shutdown_client(app *self) {
  eim_client_shutdown(self->client);
}
static void act_shutdown_context(app *self) {
  eim_context_shutdown(self->context);
}
static void act_unref_all(app *self) {
  eim_client_unref(self->client);
  eim_context_unref(self->context);
  self->client = NULL;
  self->context = NULL;
}

static void check_end_in_callback(void (*act)(app *), const char *io_threads) {
  app a = {.act = act};
  app_open(&a, io_threads);
  eim_client_close(a.client, 1);
  eim_client_close(a.client, 2);
  CHECK_INT(eim_context_wait(a.context, SOON), 1);
  REQUIRE(fake_await_input(EIM_IN_CLOSE, 2, NULL));
  CHECK_INT(eim_context_poll(a.context, SOON, 0), 1); /* the second result is dropped */
  CHECK_INT(a.results, 1);
  CHECK_INT(a.released, 1);
  app_close(&a);
}
TEST(client_shutdown_in_a_callback) {
  check_end_in_callback(act_shutdown_client, "1");
  check_end_in_callback(act_shutdown_client, "0");
}
TEST(context_shutdown_in_a_callback) {
  check_end_in_callback(act_shutdown_context, "1");
  check_end_in_callback(act_shutdown_context, "3");
  check_end_in_callback(act_shutdown_context, "0");
}

static void await_no_loops(void) {
  for (int i = 0; fake_live_loops() && i < SOON; i++) poll(NULL, 0, 1);
  CHECK_INT(fake_live_loops(), 0);
  CHECK_INT(fake_live_drivers(), 0);
}

static void check_last_unref_in_callback(const char *io_threads) {
  app a = {.act = act_unref_all};
  app_open(&a, io_threads);
  eim_context *context = a.context;
  eim_client_close(a.client, 1);
  CHECK_INT(eim_context_wait(context, SOON), 1);
  CHECK_INT(eim_context_poll(context, SOON, 0), 1);
  CHECK_INT(a.released, 1);
  await_no_loops();
}
TEST(last_references_given_up_in_a_callback) {
  check_last_unref_in_callback("1");
  check_last_unref_in_callback("2");
  check_last_unref_in_callback("0");
}

TEST(unref_without_shutdown_ends_everything) {
  static const char *const threads[] = {"1", "3", "0"};
  for (int i = 0; i < 3; i++) {
    app a = {0};
    app_open(&a, threads[i]);
    eim_context_unref(a.context); /* the client keeps it */
    CHECK_INT(eim_client_close(a.client, 1), EIM_OK);
    eim_client *second = eim_client_ref(a.client);
    eim_client_unref(a.client);
    CHECK_INT(a.released, 0);
    eim_client_unref(second);
    CHECK_INT(a.released, 1);
    await_no_loops();
  }
}

TEST(shutdown_twice_and_from_several_threads) {
  app a = {0};
  app_open(&a, "2");
  eim_client_shutdown(a.client);
  eim_client_shutdown(a.client);
  CHECK_INT(a.released, 1);
  eim_context_shutdown(a.context);
  eim_context_shutdown(a.context);
  eim_config *config = make_config("1");
  eim_client *late = NULL;
  CHECK_INT(eim_client_new(a.context, config, &late), EIM_E_CLOSED);
  CHECK_INT(eim_context_start(a.context), EIM_E_CLOSED);
  eim_config_free(config);
  app_close(&a);
}

TEST(the_provider_is_told_to_the_session) {
  app a = {0};
  fake_input in;
  app_open(&a, "1");
  REQUIRE(fake_await_input(EIM_IN_PROVIDER, 1, &in));
  CHECK(!in.up);
  eim_handlers h = EIM_HANDLERS_INIT;
  h.on_token_request = on_token_request;
  CHECK_INT(eim_client_add_event_handler(a.client, "provider", &h), EIM_OK);
  REQUIRE(fake_await_input(EIM_IN_PROVIDER, 2, &in));
  CHECK(in.up);
  CHECK_INT(eim_client_remove_event_handler(a.client, "provider"), EIM_OK);
  REQUIRE(fake_await_input(EIM_IN_PROVIDER, 3, &in));
  CHECK(!in.up);
  app_close(&a);
}

TEST(done_comes_back_batched) {
  app a = {0};
  fake_input in;
  app_open(&a, "1");
  eim_message *message = NULL;
  REQUIRE(!eim_message_new_text(EIM_CHAT_SINGLE, "carol", "hello", NULL, &message));
  fake_set_burst(10);
  CHECK_INT(eim_client_send(a.client, message, 1), EIM_OK);
  REQUIRE(fake_await_input(EIM_IN_SEND, 1, NULL));
  while (eim_context_wait(a.context, SOON) == 1 && a.messages < 4)
    CHECK(eim_context_poll(a.context, SOON, 4 - a.messages) > 0);
  poll_until(&a, &a.results, 1);
  CHECK_INT(a.messages, 10);
  int reports = 0;
  do REQUIRE(fake_await_input(EIM_IN_DONE, ++reports, &in));
  while (in.seq < 10);
  CHECK(in.seq == 10);
  CHECK(reports >= 2 && reports < 10);
  eim_message_unref(message);
  app_close(&a);
}

TEST(posted_sends_are_bounded) {
  app a = {0};
  app_open(&a, "1");
  eim_message *message = NULL;
  REQUIRE(!eim_message_new_text(EIM_CHAT_SINGLE, "carol", "hello", NULL, &message));
  fake_hold(true);
  for (int i = 0; i < 1000; i++) CHECK_INT(eim_client_send(a.client, message, 0), EIM_OK);
  CHECK_INT(eim_client_send(a.client, message, 1), EIM_E_FULL);
  CHECK(eim_error_is_retriable(eim_last_error()));
  fake_hold(false);
  REQUIRE(fake_await_input(EIM_IN_SEND, 1000, NULL));
  eim_message_unref(message);
  app_close(&a);
}

TEST(a_client_without_session_answers) {
  app a = {0};
  eim_config *config = make_config("1");
  fake_reset();
  fake_fail_drivers(1);
  REQUIRE(!eim_context_new(config, &a.context));
  REQUIRE(!eim_client_new(a.context, config, &a.client));
  eim_config_free(config);
  eim_handlers h = app_handlers(&a);
  CHECK_INT(eim_client_add_event_handler(a.client, "app", &h), EIM_OK);
  CHECK_INT(eim_client_open_token(a.client, "alice", "t", 3), EIM_OK);
  poll_until(&a, &a.results, 1);
  CHECK(a.last_token == 3);
  CHECK_INT(a.last_code, EIM_E_NOMEM);
  app_close(&a);
}

static void on_result_post(void *user_data, const eim_result *result) {
  (void)result;
  app *self = user_data;
  atomic_fetch_add((atomic_int *)&self->status, 1);
}
static void check_started(const char *io_threads) {
  app a = {0};
  eim_handlers h = EIM_HANDLERS_INIT;
  app_open(&a, io_threads);
  h.on_result = on_result_post;
  h.user_data = &a;
  CHECK_INT(eim_client_add_event_handler(a.client, "app", &h), EIM_OK);
  CHECK_INT(a.released, 1); /* replaced */
  CHECK_INT(eim_context_start(a.context), EIM_OK);
  CHECK_INT(eim_context_start(a.context), EIM_E_BUSY);
  for (uint64_t i = 1; i <= 20; i++) CHECK_INT(eim_client_close(a.client, i), EIM_OK);
  REQUIRE(fake_await_input(EIM_IN_CLOSE, 20, NULL));
  for (int i = 0; atomic_load((atomic_int *)&a.status) < 20 && i < SOON; i++) poll(NULL, 0, 1);
  CHECK_INT(atomic_load((atomic_int *)&a.status), 20);
  CHECK_INT(eim_context_poll(a.context, 0, 0), EIM_E_BUSY);
  app_close(&a);
}
TEST(a_thread_of_the_library_polls) {
  check_started("1");
  check_started("0");
}

TEST(a_started_context_ends_with_its_last_reference) {
  app a = {0};
  app_open(&a, "1");
  CHECK_INT(eim_context_start(a.context), EIM_OK);
  eim_context_unref(a.context);
  eim_client_unref(a.client);
  await_no_loops();
}

TEST(a_forked_child_is_refused) {
  app a = {0};
  app_open(&a, "1");
  CHECK(fake_await_input(EIM_IN_PROVIDER, 1, NULL));
  fflush(NULL);
  pid_t child = fork();
  if (!child) {
    bool ok = eim_client_close(a.client, 1) == EIM_E_STATE &&
              eim_context_poll(a.context, 0, 0) == EIM_E_STATE &&
              eim_context_wait(a.context, 0) == EIM_E_STATE &&
              eim_context_start(a.context) == EIM_E_STATE &&
              strstr(eim_error_message(eim_last_error()), "fork");
    eim_client_shutdown(a.client); /* nothing, rather than waiting for threads that are not there */
    eim_client_unref(a.client);
    eim_context_shutdown(a.context);
    eim_context_unref(a.context);
    _exit(ok ? 0 : 1);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  app_close(&a);
}

/* Eight threads: callers, a poller, and one that makes and ends clients meanwhile. */
typedef struct crowd {
  eim_context *context;
  eim_client *client;
  atomic_int results, released, callers;
} crowd;
static void crowd_result(void *user_data, const eim_result *result) {
  (void)result;
  atomic_fetch_add(&((crowd *)user_data)->results, 1);
}
static void crowd_released(void *user_data) {
  atomic_fetch_add(&((crowd *)user_data)->released, 1);
}
static void *crowd_call(void *arg) {
  crowd *self = arg;
  for (uint64_t i = 1; i <= 1000; i++) {
    CHECK_INT(eim_client_close(self->client, i), EIM_OK);
    if (i % 100 == 0) eim_client_state(self->client);
  }
  atomic_fetch_sub(&self->callers, 1);
  return NULL;
}
static void *crowd_poll(void *arg) {
  crowd *self = arg;
  while (eim_context_poll(self->context, -1, 64) >= 0) {}
  return NULL;
}
static void *crowd_come_and_go(void *arg) {
  crowd *self = arg;
  eim_config *config = make_config("1");
  for (int i = 0; i < 100; i++) {
    eim_client *client = NULL;
    eim_handlers h = EIM_HANDLERS_INIT;
    h.user_data = self;
    h.on_released = crowd_released;
    if (eim_client_new(self->context, config, &client)) break;
    eim_client_add_event_handler(client, "x", &h);
    eim_client_close(client, 1);
    if (i % 2) eim_client_shutdown(client);
    eim_client_unref(client);
  }
  eim_config_free(config);
  return NULL;
}
TEST(a_crowd) {
  static const char *const io[] = {"3", "0"};
  for (int round = 0; round < 2; round++) {
    crowd c = {.callers = 5};
    pthread_t callers[5], poller_thread, others[2];
    eim_config *config = make_config(io[round]);
    eim_handlers h = EIM_HANDLERS_INIT;
    fake_reset();
    REQUIRE(!eim_context_new(config, &c.context));
    REQUIRE(!eim_client_new(c.context, config, &c.client));
    eim_config_free(config);
    h.user_data = &c;
    h.on_result = crowd_result;
    h.on_released = crowd_released;
    eim_client_add_event_handler(c.client, "x", &h);
    pthread_create(&poller_thread, NULL, crowd_poll, &c);
    for (int i = 0; i < 5; i++) pthread_create(&callers[i], NULL, crowd_call, &c);
    for (int i = 0; i < 2; i++) pthread_create(&others[i], NULL, crowd_come_and_go, &c);
    for (int i = 0; i < 5; i++) pthread_join(callers[i], NULL);
    for (int i = 0; i < 2; i++) pthread_join(others[i], NULL);
    for (int i = 0; atomic_load(&c.results) < 5000 && i < 10 * SOON; i++) poll(NULL, 0, 1);
    CHECK_INT(atomic_load(&c.results), 5000);
    eim_context_shutdown(c.context);
    pthread_join(poller_thread, NULL);
    CHECK_INT(atomic_load(&c.released), 201);
    eim_client_unref(c.client);
    eim_context_unref(c.context);
    CHECK_INT(fake_live_loops(), 0);
    CHECK_INT(fake_live_drivers(), 0);
  }
}
