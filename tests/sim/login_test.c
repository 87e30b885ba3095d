/* Logging in: which failures are final, which are retried, and that every request ends once. */
#include "eim_test.h"
#include "model/error.h"
#include "world.h"

EIM_TEST_MAIN

TEST(token_login_goes_online) {
  world w;
  world_start(&w, 1, NULL);
  w.provision_expires = w.now.wall + 3600000;
  world_open_token(&w, "secret-token", 7);
  CHECK(world_until(&w, EIM_STATE_ONLINE, 1000));
  CHECK_STR(w.last_provision_token, "secret-token");
  CHECK_STR(w.last_provision_resource, "webim_libeim_0123456789ab");
  CHECK_STR(w.last_host, "im.test");
  CHECK_INT(w.last_port, 82);
  CHECK_STR(w.last_path, "/websocket");
  CHECK(!w.last_tls);
  CHECK_INT(world_count(&w, EIM_EVENT_connected), 1);
  CHECK_INT(world_results(&w, 7), 1);
  CHECK_INT(world_result(&w, 7)->code, 0);
  static const eim_state path[] = {EIM_STATE_RESOLVING, EIM_STATE_CONNECTING,
                                   EIM_STATE_PROVISIONING, EIM_STATE_ONLINE};
  int at = 0;
  for (int i = 0; i < w.event_count; i++)
    if (w.events[i].kind == EIM_EVENT_state && at < 4) CHECK_INT(w.events[i].state, path[at++]);
  CHECK_INT(at, 4);
  world_run(&w, 100);
  CHECK_INT(w.unreads, 1);
  world_close(&w, 8);
  CHECK_INT(world_result(&w, 8)->code, 0);
  CHECK_INT(world_count(&w, EIM_EVENT_disconnected), 1);
  CHECK_INT(world_last(&w, EIM_EVENT_disconnected)->code, 0);
  world_stop(&w);
}

TEST(password_is_traded_for_a_token) {
  world w;
  world_start(&w, 1, NULL);
  world_open_password(&w, "pw", 7);
  CHECK(world_until(&w, EIM_STATE_ONLINE, 1000));
  CHECK_STR(w.last_url, "http://rest.test:81/lab/peer/token");
  CHECK_STR(w.last_provision_token, "tok-1");
  world_stop(&w);
}

TEST(wrong_password_is_final) {
  world w;
  world_start(&w, 1, NULL);
  w.token = ANSWER_REFUSE;
  world_open_password(&w, "bad", 7);
  world_run(&w, 60000);
  CHECK_INT(w.http_count, 1);
  CHECK_INT(world_result(&w, 7)->code, EIM_CODE_USER_AUTHENTICATION_FAILED);
  CHECK_INT(eim_session_state(w.session), EIM_STATE_OFFLINE);
  CHECK_INT(world_count(&w, EIM_EVENT_error), 1);
  CHECK_INT(world_count(&w, EIM_EVENT_disconnected), 0); /* it never was connected */
  world_stop(&w);
}

TEST(busy_token_server_is_retried_within_the_login_timeout) {
  world w;
  world_start(&w, 1, NULL);
  w.token = ANSWER_REFUSE;
  w.http_status = 503;
  w.http_body = "";
  world_open_password(&w, "pw", 7);
  world_run(&w, 5000);
  CHECK(w.http_count > 1);
  CHECK_INT(world_results(&w, 7), 0);
  w.token = ANSWER_OK;
  CHECK(world_until(&w, EIM_STATE_ONLINE, 25000));
  CHECK_INT(world_result(&w, 7)->code, 0);
  world_stop(&w);
}

TEST(a_login_that_never_succeeds_ends_at_its_timeout) {
  static const answer kinds[] = {ANSWER_SILENT, ANSWER_CUT, ANSWER_GARBAGE};
  for (int step = 0; step < 3; step++)
    for (int k = 0; k < 3; k++) {
      world w;
      world_start(&w, 1, NULL);
      if (step == 0) w.token = kinds[k];
      if (step == 1) w.upgrade = kinds[k];
      if (step == 2) w.provision = kinds[k];
      world_open_password(&w, "pw", 7);
      world_run(&w, 29999);
      CHECK_INT(world_results(&w, 7), 0);
      world_run(&w, 2);
      CHECK_INT(world_results(&w, 7), 1);
      CHECK(world_result(&w, 7)->code != 0);
      CHECK_INT(eim_session_state(w.session), EIM_STATE_OFFLINE);
      int before = w.http_count + w.connects;
      world_run(&w, 600000);
      CHECK_INT(w.http_count + w.connects, before);
      world_stop(&w);
    }
}

TEST(every_provision_verdict_is_final) {
  static const struct {
    int status;
    const char *reason;
    int code;
  } rows[] = {
      {1, "Sorry, token expired", EIM_CODE_TOKEN_EXPIRED},
      {1, "Sorry, token or password does not match login info", EIM_CODE_INVALID_TOKEN},
      {1, "Sorry, user not found", EIM_CODE_USER_NOT_FOUND},
      {1, "whatever", EIM_CODE_USER_AUTHENTICATION_FAILED},
      {2, "", EIM_CODE_USER_AUTHENTICATION_FAILED},
      {4, "", EIM_CODE_INVALID_PARAM},
      {6, "", EIM_CODE_TOKEN_EXPIRED},
      {7, "Sorry, the app day live count limit", EIM_CODE_APP_ACTIVE_NUMBER_REACH_LIMITATION},
      {7, "other", EIM_CODE_USER_AUTHENTICATION_FAILED},
      {11, "", EIM_CODE_USER_BIND_ANOTHER_DEVICE},
      {12, "", EIM_CODE_SERVER_SERVICE_RESTRICTED},
      {13, "", EIM_CODE_USER_LOGIN_TOO_MANY_DEVICES},
      {20, "", EIM_CODE_USER_DEVICE_CHANGED},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    world w;
    world_start(&w, 1, NULL);
    w.provision = ANSWER_REFUSE;
    w.provision_code = rows[i].status;
    w.provision_reason = rows[i].reason;
    world_open_token(&w, "t", 7);
    world_run(&w, 60000);
    CHECK_INT(world_result(&w, 7)->code, rows[i].code);
    CHECK_INT(w.provisions, 1);
    CHECK_INT(w.connects, 1);
    CHECK(!w.conn); /* closed by us, not left to the server */
    world_stop(&w);
  }
}

TEST(no_route_is_retried) {
  world w;
  world_start(&w, 1, NULL);
  w.provision = ANSWER_REFUSE;
  w.provision_code = 8;
  world_open_token(&w, "t", 7);
  world_run(&w, 3000);
  w.provision = ANSWER_OK;
  CHECK(world_until(&w, EIM_STATE_ONLINE, 20000));
  world_stop(&w);
}

TEST(redirect_is_followed_but_not_in_a_circle) {
  world w;
  world_start(&w, 1, NULL);
  w.provision = ANSWER_REFUSE;
  w.provision_code = 5;
  w.redirect_host = "other.test";
  world_open_token(&w, "t", 7);
  while (w.provisions < 1) world_run(&w, 1);
  w.provision = ANSWER_OK;
  CHECK(world_until(&w, EIM_STATE_ONLINE, 1000));
  CHECK_STR(w.last_host, "other.test");
  CHECK_INT(w.last_port, 9000);
  world_close(&w, 0);
  w.provision = ANSWER_REFUSE;
  w.connects = 0;
  world_open_token(&w, "t", 9);
  world_run(&w, 500);
  CHECK(w.connects <= 12); /* 4 for each attempt, with a pause between attempts */
  world_run(&w, 60000);
  CHECK_INT(world_result(&w, 9)->code, EIM_CODE_SERVER_NOT_REACHABLE);
  world_stop(&w);
}

TEST(open_while_logged_in_or_logging_in_is_refused) {
  world w;
  world_start(&w, 1, NULL);
  world_open_token(&w, "t", 1);
  world_open_token(&w, "t", 2);
  CHECK_INT(world_result(&w, 2)->code, EIM_E_BUSY);
  CHECK(world_until(&w, EIM_STATE_ONLINE, 1000));
  world_open_token(&w, "t", 3);
  CHECK_INT(world_result(&w, 3)->code, EIM_CODE_USER_ALREADY_LOGIN);
  CHECK_INT(world_result(&w, 1)->code, 0);
  CHECK_INT(w.connects, 1);
  world_stop(&w);
}

TEST(close_stops_a_login_at_every_step_and_open_may_follow_at_once) {
  for (int step = 0; step < 4; step++) {
    world w;
    world_start(&w, 1, NULL);
    if (step == 0) w.token = ANSWER_SILENT;
    if (step == 1) w.upgrade = ANSWER_SILENT;
    if (step == 2) w.provision = ANSWER_SILENT;
    if (step == 3) w.upgrade = ANSWER_CUT;
    world_open_password(&w, "pw", 1);
    world_run(&w, 500);
    world_close(&w, 2);
    CHECK_INT(eim_session_state(w.session), EIM_STATE_OFFLINE);
    CHECK_INT(world_result(&w, 1)->code, EIM_E_CANCELED);
    CHECK_INT(world_result(&w, 2)->code, 0);
    int before = w.http_count + w.connects;
    world_run(&w, 600000);
    CHECK_INT(w.http_count + w.connects, before); /* nothing goes on behind the back */
    w.token = w.upgrade = w.provision = ANSWER_OK;
    world_open_password(&w, "pw", 3);
    CHECK(world_until(&w, EIM_STATE_ONLINE, 1000));
    CHECK_INT(world_count(&w, EIM_EVENT_disconnected), 0);
    world_stop(&w);
  }
}

TEST(hosts_come_from_discovery_and_rotate) {
  world w;
  world_start(&w, 1, (const char *const[]){"isHttpDNS=true", NULL});
  world_open_password(&w, "pw", 1);
  CHECK(world_until(&w, EIM_STATE_ONLINE, 1000));
  CHECK_STR(w.last_url, "https://a1.test:443/lab/peer/token");
  CHECK_STR(w.last_host, "m1.test");
  CHECK_STR(w.last_ip, "10.0.0.1");
  CHECK(w.last_tls);
  world_close(&w, 0);
  w.upgrade = ANSWER_CUT;
  world_open_token(&w, "t", 2);
  world_run(&w, 25); /* the first host failed: the next one at once, without a delay */
  CHECK_STR(w.last_host, "m2.test");
  CHECK_STR(w.last_ip, "");
  CHECK_INT(w.last_port, 8443);
  w.upgrade = ANSWER_OK;
  CHECK(world_until(&w, EIM_STATE_ONLINE, 10000));
  world_stop(&w);
}

TEST(discovery_asks_every_bootstrap_host_then_says_why) {
  static const answer kinds[] = {ANSWER_CUT, ANSWER_GARBAGE, ANSWER_SILENT, ANSWER_REFUSE};
  for (int k = 0; k < 4; k++) {
    world w;
    world_start(
        &w, 1,
        (const char *const[]){"isHttpDNS=true",
                              "dnsUrls=https://d1.test/x/server.json,https://d2.test/server.json",
                              "loginTimeout=60000", NULL});
    w.dns = kinds[k];
    world_open_token(&w, "t", 1);
    world_run(&w, 31000);
    CHECK(w.http_count >= 2);
    CHECK_CONTAINS(w.last_url, "server.json?app_key=lab%23peer&_v=");
    world_run(&w, 60000);
    CHECK_INT(world_result(&w, 1)->code, EIM_CODE_SERVER_GET_DNSLIST_FAILED);
    world_stop(&w);
  }
}

TEST(given_addresses_are_the_fallback_of_discovery) {
  world w;
  world_start(&w, 1,
              (const char *const[]){"isHttpDNS=true", "apiUrl=https://r.test",
                                    "url=wss://i.test/websocket", NULL});
  w.dns = ANSWER_CUT;
  world_open_password(&w, "pw", 1);
  CHECK(world_until(&w, EIM_STATE_ONLINE, 1000));
  CHECK_STR(w.last_url, "https://r.test/lab/peer/token");
  CHECK_STR(w.last_host, "i.test");
  CHECK(w.last_tls);
  world_stop(&w);
}

TEST(register_user_needs_no_login_and_maps_refusals) {
  world w;
  world_start(&w, 1, NULL);
  eim_secret *password = eim_secret_new("pw");
  eim_input input = {.kind = EIM_IN_REGISTER, .user = "bob", .secret = password, .token = 1};
  world_input(&w, input);
  world_run(&w, 100);
  CHECK_INT(world_result(&w, 1)->code, 0);
  CHECK_STR(w.last_url, "http://rest.test:81/lab/peer/users");
  w.token = ANSWER_REFUSE;
  w.http_body = "{\"error\":\"duplicate_unique_property_exists\",\"error_description\":\"x\"}";
  input.token = 2;
  world_input(&w, input);
  world_run(&w, 100);
  CHECK_INT(world_result(&w, 2)->code, EIM_CODE_USER_ALREADY_EXIST);
  w.token = ANSWER_SILENT;
  input.token = 3;
  world_input(&w, input);
  world_run(&w, 20000);
  CHECK_INT(world_result(&w, 3)->code, EIM_CODE_SERVER_TIMEOUT);
  CHECK(world_result(&w, 3)->may_have_happened);
  CHECK_INT(w.http_count, 3); /* never repeated by itself */
  CHECK_INT(eim_session_state(w.session), EIM_STATE_OFFLINE);
  eim_secret_unref(password);
  world_stop(&w);
}

TEST(shutdown_ends_every_request) {
  world w;
  world_start(&w, 1, NULL);
  w.provision = ANSWER_SILENT;
  world_open_token(&w, "t", 1);
  world_run(&w, 100);
  world_send(&w, "hi", 2);
  world_input(&w, (eim_input){.kind = EIM_IN_SHUTDOWN});
  CHECK_INT(world_result(&w, 1)->code, EIM_E_CLOSED);
  CHECK_INT(world_result(&w, 2)->code, EIM_E_CLOSED);
  world_send(&w, "late", 3);
  CHECK_INT(world_result(&w, 3)->code, EIM_E_CLOSED);
  CHECK_INT(eim_session_state(w.session), EIM_STATE_CLOSED);
  world_stop(&w);
}

TEST(a_token_that_comes_while_a_password_is_traded_is_used) {
  world w;
  world_start(&w, 1, NULL);
  w.token = ANSWER_SILENT;
  world_open_password(&w, "pw", 1);
  world_run(&w, 100);
  world_renew(&w, "newer", 2);
  CHECK(world_until(&w, EIM_STATE_ONLINE, 1000));
  CHECK_STR(w.last_provision_token, "newer");
  CHECK_INT(world_result(&w, 1)->code, 0);
  CHECK_INT(world_result(&w, 2)->code, 0);
  world_stop(&w);
}
