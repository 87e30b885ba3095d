/* REST calls of the application: which host, which token, what is repeated, when it ends. */
#include <string.h>

#include <eim/error.h>

#include "eim_test.h"
#include "world.h"

static const char *const two_hosts[] = {"isHttpDNS=true", NULL};

static void ask(world *w, const char *method, const char *path, const char *body, uint64_t token) {
  eim_input input = {.kind = EIM_IN_REQUEST, .token = token};
  eim_buf whole = EIM_BUF_INIT;
  eim_error *error = eim_request_check(method, path, "a=1&b=x y", body, &input.method, &whole);
  CHECK(!error);
  eim_secret *secret = eim_secret_new(body);
  input.text = (const char *)whole.data;
  input.secret = secret;
  world_input(w, input);
  eim_secret_unref(secret);
  eim_buf_free(&whole);
}

#define CONTACTS "/users/peer/contacts"

static void begin(world *w, const char *plan, const char *const *options) {
  world_start(w, 1, options);
  w->rest_plan = plan;
  world_open_token(w, "t", 1);
  CHECK(world_until(w, EIM_STATE_ONLINE, 1000));
}

TEST(request_carries_token_query_and_body) {
  world w;
  begin(&w, "", NULL);
  ask(&w, "PUT", CONTACTS, "{\"a\":1}", 2);
  world_run(&w, 1000);
  CHECK_INT(world_result(&w, 2)->code, 0);
  CHECK_STR(w.rest_url, "http://rest.test:81/lab/peer/users/peer/contacts?a=1&b=x%20y");
  CHECK_STR(w.rest_token, "t");
  CHECK_STR(w.rest_body, "{\"a\":1}");
  CHECK_INT(w.rest_method, EIM_HTTP_PUT);
  CHECK(w.rest_once);
  CHECK_STR(w.result_json, "{\"status\":200,\"body\":{\"data\":[\"bob\"]}}");
  w.rest_plan = "e";
  ask(&w, "GET", CONTACTS, NULL, 3);
  world_run(&w, 1000);
  CHECK_STR(w.result_json, "{\"status\":200,\"body\":null}");
  CHECK(!w.rest_once);
  world_stop(&w);
}

TEST(request_of_attributes_is_a_form) {
  world w;
  begin(&w, "", NULL);
  ask(&w, "PUT", "/metadata/user/peer",
      "{\"nickname\":\"Al \\ud83d\\ude00\",\"ext\":\"a=1&b\",\"n\":7,\"t\":true,\"e\":\"\"}", 2);
  world_run(&w, 1000);
  CHECK_STR(w.rest_body, "nickname=Al%20%F0%9F%98%80&ext=a%3D1%26b&n=7&t=true&e=");
  CHECK_STR(w.rest_type, "application/x-www-form-urlencoded");
  ask(&w, "PUT", "/metadata/chatroom/1/user/peer", "{\"metaData\":{}}", 3);
  world_run(&w, 1000);
  CHECK_STR(w.rest_body, "{\"metaData\":{}}");
  CHECK_STR(w.rest_type, "application/json");
  ask(&w, "POST", "/metadata/user/get", "{\"targets\":[]}", 4);
  world_run(&w, 1000);
  CHECK_STR(w.rest_type, "application/json");
  static const char *const bad[] = {"[]", "7", "{\"a\":{}}", "{\"a\":null}", "{\"a\":[\"b\"]}"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    eim_http_method method;
    eim_buf whole = EIM_BUF_INIT;
    eim_error *error =
        eim_request_check("PUT", "/metadata/user/peer", NULL, bad[i], &method, &whole);
    CHECK_CONTAINS(eim_error_message(error), "an object of texts");
    eim_error_unref(error);
    eim_buf_free(&whole);
  }
  world_stop(&w);
}

TEST(request_needs_a_login_and_waits_for_it) {
  world w;
  world_start(&w, 1, two_hosts);
  ask(&w, "GET", CONTACTS, NULL, 2);
  CHECK_INT(world_result(&w, 2)->code, EIM_CODE_USER_NOT_LOGIN);
  world_open_password(&w, "pw", 1);
  ask(&w, "GET", CONTACTS, NULL, 3); /* neither hosts nor token yet */
  CHECK_INT(w.rest_calls, 0);
  world_run(&w, 2000);
  CHECK_INT(world_result(&w, 3)->code, 0);
  CHECK(!strncmp(w.rest_token, "tok-", 4));
  CHECK_STR(w.rest_url, "https://a1.test:443/lab/peer/users/peer/contacts?a=1&b=x%20y");
  world_stop(&w);
}

TEST(request_goes_to_the_next_host_only_when_it_did_not_arrive) {
  world w;
  begin(&w, "c", two_hosts);
  ask(&w, "POST", CONTACTS, "{}", 2);
  world_run(&w, 1000);
  CHECK_INT(world_result(&w, 2)->code, 0);
  CHECK_INT(w.rest_calls, 2);
  CHECK(!strncmp(w.rest_url, "https://a2.test:443/", 20));
  w.rest_plan = "m";
  ask(&w, "POST", CONTACTS, "{}", 3);
  world_run(&w, 20000);
  CHECK_INT(world_result(&w, 3)->code, EIM_E_NETWORK);
  CHECK(world_result(&w, 3)->may_have_happened);
  CHECK_INT(w.rest_calls, 3);
  w.rest_plan = "mmm";
  ask(&w, "GET", CONTACTS, NULL, 4); /* both hosts, a pause, both hosts */
  world_run(&w, 20000);
  CHECK_INT(world_result(&w, 4)->code, 0);
  CHECK_INT(w.rest_calls, 7);
  world_stop(&w);
}

TEST(request_repeats_a_get_of_a_busy_server_within_the_deadline) {
  world w;
  begin(&w, "39", NULL);
  ask(&w, "GET", CONTACTS, NULL, 2);
  world_run(&w, 15000);
  CHECK_INT(world_result(&w, 2)->code, 0);
  CHECK_INT(w.rest_calls, 3);
  w.rest_plan = "3";
  ask(&w, "DELETE", CONTACTS, NULL, 3);
  world_run(&w, 15000);
  CHECK_INT(world_result(&w, 3)->code, EIM_CODE_SERVER_BUSY);
  CHECK_INT(w.rest_calls, 4);
  w.rest_plan = "33333333333333333333333333333333333333333333333333333333333333333333333333333333";
  int64_t from = w.now.mono;
  ask(&w, "GET", CONTACTS, NULL, 4);
  world_run(&w, 16000);
  CHECK_INT(world_result(&w, 4)->code, EIM_CODE_SERVER_BUSY);
  CHECK(world_result(&w, 4)->at <= from + 15000);
  CHECK(w.rest_calls < 30); /* with pauses */
  world_stop(&w);
}

TEST(request_ends_with_refusals_garbage_and_silence) {
  world w;
  begin(&w, "4hhss", NULL);
  ask(&w, "GET", CONTACTS, NULL, 2);
  world_run(&w, 1000);
  CHECK_INT(world_result(&w, 2)->code, EIM_CODE_SERVER_UNKNOWN_ERROR);
  ask(&w, "GET", CONTACTS, NULL, 3);
  world_run(&w, 1000);
  CHECK_INT(world_result(&w, 3)->code, EIM_E_PROTOCOL);
  CHECK(!world_result(&w, 3)->may_have_happened);
  ask(&w, "POST", CONTACTS, NULL, 4);
  world_run(&w, 1000);
  CHECK(world_result(&w, 4)->may_have_happened);
  int64_t from = w.now.mono;
  ask(&w, "POST", CONTACTS, NULL, 5);
  ask(&w, "GET", CONTACTS, NULL, 6);
  world_run(&w, 16000);
  CHECK_INT(world_result(&w, 5)->code, EIM_CODE_SERVER_TIMEOUT);
  CHECK(world_result(&w, 5)->may_have_happened);
  CHECK_INT(world_result(&w, 5)->at, from + 15000);
  CHECK_INT(world_result(&w, 6)->code, EIM_CODE_SERVER_TIMEOUT);
  CHECK(!world_result(&w, 6)->may_have_happened);
  world_stop(&w);
}

TEST(request_asks_once_for_a_new_token) {
  world w;
  begin(&w, "1", NULL);
  ask(&w, "POST", CONTACTS, NULL, 2); /* nobody to ask */
  world_run(&w, 1000);
  CHECK_INT(world_result(&w, 2)->code, EIM_CODE_INVALID_TOKEN);
  world_input(&w, (eim_input){.kind = EIM_IN_PROVIDER, .up = true});
  w.rest_plan = "1";
  ask(&w, "POST", CONTACTS, "{}", 3);
  world_run(&w, 1000);
  CHECK_INT(world_count(&w, EIM_EVENT_token_request), 1);
  CHECK_INT(world_results(&w, 3), 0);
  world_renew(&w, "newer", 4);
  world_run(&w, 1000);
  CHECK_INT(world_result(&w, 3)->code, 0);
  CHECK_STR(w.rest_token, "newer");
  CHECK_INT(w.rest_calls, 3);
  w.rest_plan = "11"; /* the new one is refused as well: over */
  ask(&w, "GET", CONTACTS, NULL, 5);
  world_run(&w, 1000);
  world_renew(&w, "newest", 6);
  world_run(&w, 1000);
  CHECK_INT(world_result(&w, 5)->code, EIM_CODE_INVALID_TOKEN);
  CHECK_INT(w.rest_calls, 5);
  w.rest_plan = "1"; /* the provider has none */
  ask(&w, "GET", CONTACTS, NULL, 7);
  world_run(&w, 1000);
  world_input(&w, (eim_input){.kind = EIM_IN_NO_TOKEN});
  CHECK_INT(world_result(&w, 7)->code, EIM_CODE_INVALID_TOKEN);
  CHECK_INT(eim_session_state(w.session), EIM_STATE_ONLINE);
  world_stop(&w);
}

TEST(request_ends_with_cancel_close_and_shutdown) {
  world w;
  begin(&w, "sss", NULL);
  ask(&w, "POST", CONTACTS, NULL, 2);
  world_input(&w, (eim_input){.kind = EIM_IN_CANCEL, .token = 2});
  CHECK_INT(world_result(&w, 2)->code, EIM_E_CANCELED);
  CHECK(world_result(&w, 2)->may_have_happened);
  ask(&w, "GET", CONTACTS, NULL, 3);
  world_close(&w, 4);
  CHECK_INT(world_result(&w, 3)->code, EIM_E_CANCELED);
  world_open_token(&w, "t", 5);
  CHECK(world_until(&w, EIM_STATE_ONLINE, 1000));
  ask(&w, "GET", CONTACTS, NULL, 6);
  world_input(&w, (eim_input){.kind = EIM_IN_SHUTDOWN});
  CHECK_INT(world_result(&w, 6)->code, EIM_E_CLOSED);
  ask(&w, "GET", CONTACTS, NULL, 7);
  CHECK_INT(world_result(&w, 7)->code, EIM_E_CLOSED);
  world_stop(&w);
}

TEST(request_timeout_runs_from_when_there_is_a_connection) {
  world w;
  begin(&w, "ss", NULL);
  int64_t from = w.now.mono;
  ask(&w, "GET", CONTACTS, NULL, 2);
  uint32_t first = w.rest_id;
  world_input(&w, (eim_input){.kind = EIM_IN_PLACE, .id = first, .up = false});
  ask(&w, "GET", CONTACTS, NULL, 3);
  world_input(&w, (eim_input){.kind = EIM_IN_PLACE, .id = w.rest_id, .up = false});
  world_run(&w, 30000);
  CHECK_INT(world_results(&w, 2), 0);
  world_input(&w, (eim_input){.kind = EIM_IN_PLACE, .id = first, .up = true});
  world_run(&w, 40000);
  CHECK_INT(world_result(&w, 2)->at, from + 45000);
  CHECK_INT(world_result(&w, 3)->at, from + 60000); /* it never got one */
  world_stop(&w);
}

TEST(login_waits_for_a_connection_too) {
  world w;
  world_start(&w, 1, (const char *const[]){"loginTimeout=120000", NULL});
  w.token = ANSWER_SILENT;
  world_open_password(&w, "pw", 1);
  uint32_t id = 1; /* of the first request of a session */
  world_input(&w, (eim_input){.kind = EIM_IN_PLACE, .id = id, .up = false});
  world_run(&w, 20000);
  CHECK_INT(eim_session_state(w.session), EIM_STATE_AUTHENTICATING);
  world_input(&w, (eim_input){.kind = EIM_IN_PLACE, .id = id, .up = true});
  world_run(&w, 14900);
  CHECK_INT(eim_session_state(w.session), EIM_STATE_AUTHENTICATING);
  world_run(&w, 200);
  CHECK(eim_session_state(w.session) != EIM_STATE_AUTHENTICATING || w.http_count > 1);
  world_stop(&w);
}

TEST(request_check_lets_nothing_lead_elsewhere) {
  static const struct {
    const char *method, *path, *query, *body;
  } bad[] = {
      {"PATCH", "/users", NULL, NULL},
      {NULL, "/users", NULL, NULL},
      {"get", "/users", NULL, NULL},
      {"GET", NULL, NULL, NULL},
      {"GET", "", NULL, NULL},
      {"GET", "users", NULL, NULL},
      {"GET", "//evil.test/x", NULL, NULL},
      {"GET", "/a/../../b", NULL, NULL},
      {"GET", "/a/%2e%2E/b", NULL, NULL},
      {"GET", "/a/.%2e", NULL, NULL},
      {"GET", "/a/./b", NULL, NULL},
      {"GET", "/a/", NULL, NULL},
      {"GET", "/a?b=1", NULL, NULL},
      {"GET", "/a#b", NULL, NULL},
      {"GET", "/a\\..\\b", NULL, NULL},
      {"GET", "/a\r\nHost: x", NULL, NULL},
      {"GET", "/a%0d%0aHost", NULL, NULL},
      {"GET", "/a%2f..%2fb", NULL, NULL},
      {"GET", "/a%5cb", NULL, NULL},
      {"GET", "/a%zz", NULL, NULL},
      {"GET", "/a%2", NULL, NULL},
      {"GET", "/a\xff", NULL, NULL},
      {"GET", "/a", "?b=1", NULL},
      {"GET", "/a", "b=1#c", NULL},
      {"GET", "/a", "b=\n", NULL},
      {"GET", "/a", NULL, "{}"},
      {"POST", "/a", NULL, "{"},
      {"POST", "/a", NULL, ""},
      {"POST", "http://evil.test", NULL, ""},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    eim_buf out = EIM_BUF_INIT;
    eim_http_method method;
    eim_error *error =
        eim_request_check(bad[i].method, bad[i].path, bad[i].query, bad[i].body, &method, &out);
    if (!error) printf("row %zu is taken\n", i);
    CHECK(error != NULL);
    CHECK_INT(eim_error_code(error), EIM_CODE_INVALID_PARAM);
    eim_error_unref(error);
    eim_buf_free(&out);
  }
  static const char *const good[][3] = {
      {"/users/a b", NULL, "/users/a%20b"},
      {"/users/a%20b", "", "/users/a%20b"},
      {"/users/\xc3\xa4", "q=\xc3\xa4&r=a+b", "/users/%C3%A4?q=%C3%A4&r=a+b"},
      {"/users/...", "u=http://x/?y", "/users/...?u=http://x/?y"},
      {"/users/a@b:c", NULL, "/users/a@b:c"},
  };
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    eim_buf out = EIM_BUF_INIT;
    eim_http_method method;
    CHECK(!eim_request_check("GET", good[i][0], good[i][1], NULL, &method, &out));
    CHECK_STR((const char *)out.data, good[i][2]);
    eim_buf_free(&out);
  }
}
