/* Every REST refusal of the sandbox: docs/rest.md 3 to 6. */
#include "eim_test.h"
#include "raw_client.h"

#include <unistd.h>

EIM_TEST_MAIN

#define BASE "/sandbox/demo"

static eim_sandbox *box;

static eim_sandbox *start(const eim_sandbox_options *options) {
  char error[200];
  eim_sandbox *one = eim_sandbox_new(options, error, sizeof error);
  if (!one) eim_test_fail(__FILE__, __LINE__, "%s", error);
  return one;
}

static raw_answer call(const char *method, const char *path, const char *token, const char *body) {
  return raw_http(eim_sandbox_port(box), NULL, method, path, token, NULL, body);
}

static void refused_at(int line, const char *method, const char *path, const char *token,
                       const char *body, int status, const char *error, const char *text) {
  raw_answer answer = call(method, path, token, body);
  if (answer.status != status || strcmp(raw_text(&answer, "error"), error) != 0 ||
      !strstr(raw_text(&answer, "error_description"), text))
    eim_test_fail(__FILE__, line, "%s %s: %d %s, not %d %s \"%s\"", method, path, answer.status,
                  answer.body ? answer.body : "", status, error, text);
  CHECK(cJSON_IsNumber(cJSON_GetObjectItem(answer.json, "timestamp")));
  CHECK(*raw_text(&answer, "exception"));
  raw_free(&answer);
}
#define REFUSED(...) refused_at(__LINE__, __VA_ARGS__)

static void granted_at(int line, const char *method, const char *path, const char *token,
                       const char *body, const char *part) {
  raw_answer answer = call(method, path, token, body);
  if (answer.status != 200 || !answer.body || !strstr(answer.body, part))
    eim_test_fail(__FILE__, line, "%s %s: %d %s, not 200 with %s", method, path, answer.status,
                  answer.body ? answer.body : "", part);
  raw_free(&answer);
}
#define GRANTED(...) granted_at(__LINE__, __VA_ARGS__)

TEST(register_in_the_order_of_the_checks) {
  box = start(NULL);
  REQUIRE(box);
  const char *users = BASE "/users", *illegal = "illegal_argument";
  GRANTED("POST", users, NULL, "{\"username\":\"Alice\",\"password\":\"1\",\"nickname\":\"A\"}",
          "\"username\":\"alice\"");
  REFUSED("POST", "/other/app/users", NULL, "{}", 404, "organization_application_not_found",
          "Could not find application for other/app from URI: other/app/users");
  REFUSED("POST", users, "YWMtbad", "{}", 401, "unauthorized", "Unable to authenticate (OAuth)");
  REFUSED("POST", users, NULL, "{\"username\"=1}", 400, "json_parse",
          "Unexpected character ('=' (code 61))");
  REFUSED("POST", users, NULL, "{\"username\":\"\xff\"}", 400, "json_parse", "");
  REFUSED("POST", users, NULL, "12", 400, "json_parse", "");
  REFUSED("POST", users, NULL, "{\"password\":\"x\"}", 400, illegal,
          "Entity user requires a property named username");
  REFUSED("POST", users, NULL, "{\"username\":\"a b\"}", 400, illegal,
          "username [a b] is not legal");
  REFUSED("POST", users, NULL,
          "{\"username\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
          400, illegal, "USERNAME_TOO_LONG");
  REFUSED("POST", users, NULL, "{\"username\":\"bob\"}", 400, illegal,
          "password or pin must provided");
  REFUSED("POST", users, NULL, "{\"username\":\"bob\",\"password\":\"\"}", 400, illegal,
          "password or pin must provided");
  char body[400];
  snprintf(body, sizeof body, "{\"username\":\"bob\",\"password\":\"1\",\"nickname\":\"%0101d\"}",
           7);
  REFUSED("POST", users, NULL, body, 400, illegal, "NICKNAME_TOO_LONG");
  REFUSED("POST", users, NULL, "{\"username\":\"ALICE\",\"password\":\"1\"}", 400,
          "duplicate_unique_property_exists", "username be unique, value of alice exists");
  eim_sandbox_free(box);
}

TEST(register_several) {
  box = start(NULL);
  REQUIRE(box);
  const char *users = BASE "/users";
  char *app = raw_app_token(box);
  REQUIRE(app);
  REFUSED("POST", users, NULL, "[{\"username\":\"a\",\"password\":\"1\"}]", 401, "unauthorized",
          "Open registration doesn't allow");
  GRANTED("POST", users, app,
          "[{\"username\":\"a\",\"password\":\"1\"},{\"username\":\"b\",\"password\":\"1\"}]",
          "\"data\":[]");
  GRANTED("POST", users, app,
          "[{\"username\":\"a\",\"password\":\"1\"},{\"username\":\"c\",\"password\":\"1\"}]",
          "\"data\":[{\"username\":\"a\",\"registerUserFailReason\":\"the a already exists\"}]");
  REFUSED("POST", users, app, "[{\"username\":\"a\",\"password\":\"1\"}]", 400,
          "duplicate_unique_property_exists", "value of a exists");
  REFUSED("POST", users, app,
          "[{\"username\":\"d\",\"password\":\"1\"},{\"username\":\"D\",\"password\":\"2\"}]", 400,
          "duplicate_unique_property_exists", "has a different password");
  char body[61 * 40 + 8] = "[";
  for (int i = 0; i < 61; i++)
    sprintf(body + strlen(body), "%s{\"username\":\"x%d\",\"password\":\"1\"}", i ? "," : "", i);
  strcat(body, "]");
  REFUSED("POST", users, app, body, 400, "illegal_argument", "array size[61]");
  free(app);
  eim_sandbox_free(box);
}

TEST(closed_registration) {
  box = start(&(eim_sandbox_options){.closed_registration = true});
  REQUIRE(box);
  const char *body = "{\"username\":\"a\",\"password\":\"1\"}";
  REFUSED("POST", BASE "/users", NULL, body, 401, "unauthorized",
          "Open registration doesn't allow, so register user need token,");
  char *app = raw_app_token(box);
  GRANTED("POST", BASE "/users", app, body, "\"username\":\"a\"");
  char *own = raw_token(box, "a", "1");
  REFUSED("POST", BASE "/users", own, "{\"username\":\"b\",\"password\":\"1\"}", 401,
          "unauthorized", "(OAuth)");
  free(own);
  free(app);
  eim_sandbox_free(box);
}

TEST(tokens) {
  box = start(NULL);
  REQUIRE(box);
  eim_sandbox_add_user(box, "alice", "secret");
  const char *path = BASE "/token", *grant = "invalid_grant", *illegal = "illegal_argument";
  GRANTED("POST", path, NULL,
          "{\"grant_type\":\"password\",\"username\":\"ALICE\",\"password\":\"secret\"}",
          "\"expires_in\":5184000");
  GRANTED(
      "POST", path, NULL,
      "{\"grant_type\":\"password\",\"username\":\"alice\",\"password\":\"secret\",\"ttl\":\"77\"}",
      "\"expires_in\":77");
  GRANTED("POST", path, NULL,
          "{\"grant_type\":\"password\",\"username\":\"alice\",\"password\":\"secret\",\"ttl\":0}",
          "\"expires_in\":0");
  REFUSED("POST", path, NULL,
          "{\"grant_type\":\"password\",\"username\":\"alice\",\"password\":\"secret\",\"ttl\":-1}",
          400, illegal, "ttl");
  REFUSED("POST", path, NULL,
          "{\"grant_type\":\"password\",\"username\":\"alice\",\"password\":\"Secret\"}", 400,
          grant, "invalid password");
  REFUSED("POST", path, NULL, "{\"grant_type\":\"password\",\"username\":\"alice\"}", 400, grant,
          "invalid password");
  REFUSED("POST", path, NULL,
          "{\"grant_type\":\"password\",\"username\":\"nobody\",\"password\":\"x\"}", 404, grant,
          "user not found");
  eim_sandbox_set_active(box, "alice", false);
  REFUSED("POST", path, NULL,
          "{\"grant_type\":\"password\",\"username\":\"alice\",\"password\":\"secret\"}", 400,
          grant, "user not activated");
  eim_sandbox_set_active(box, "alice", true);
  REFUSED("POST", path, NULL, "{\"grant_type\":\"inherit\",\"username\":\"alice\"}", 401,
          "auth_bad_access_token", "corrupt access token");
  char *app = raw_app_token(box);
  GRANTED("POST", path, app, "{\"grant_type\":\"inherit\",\"username\":\"alice\"}",
          "\"username\":\"alice\"");
  REFUSED("POST", path, app, "{\"grant_type\":\"inherit\",\"username\":\"new\"}", 404,
          "entity_not_found", "User null not found");
  REFUSED("POST", path, app,
          "{\"grant_type\":\"inherit\",\"username\":\"n w\",\"autoCreateUser\":true}", 400, illegal,
          "is not legal");
  GRANTED("POST", path, app,
          "{\"grant_type\":\"inherit\",\"username\":\"new\",\"autoCreateUser\":true}",
          "\"username\":\"new\"");
  REFUSED("POST", path, NULL, "{\"grant_type\":\"client_credentials\"}", 400, illegal,
          "client_id must be provided.");
  REFUSED("POST", path, NULL, "{\"grant_type\":\"client_credentials\",\"client_id\":\"x\"}", 400,
          illegal, "client_secret must be provided");
  REFUSED("POST", path, NULL,
          "{\"grant_type\":\"client_credentials\",\"client_id\":\"x\",\"client_secret\":\"x\"}",
          400, grant, "client_id does not match");
  REFUSED("POST", path, NULL,
          "{\"grant_type\":\"client_credentials\",\"client_id\":\"" EIM_SANDBOX_CLIENT_ID
          "\",\"client_secret\":\"x\"}",
          400, grant, "client_secret does not match");
  REFUSED("POST", path, NULL, "{\"grant_type\":\"magic\"}", 400, "unsupported_grant_type", "");
  REFUSED("POST", path, NULL, "{}", 400, "invalid_request", "");
  free(app);
  eim_sandbox_free(box);
}

TEST(token_errors_of_authenticated_calls) {
  box = start(NULL);
  REQUIRE(box);
  eim_sandbox_add_user(box, "alice", "x");
  eim_sandbox_add_user(box, "bob", "x");
  char *alice = raw_token(box, "alice", "x");
  const char *path = BASE "/sdk/users/alice/token/expires";
  GRANTED("GET", path, alice, NULL, "\"expire_timestamp\":");
  REFUSED("GET", path, NULL, NULL, 401, "unauthorized", "expired access token");
  REFUSED("GET", path, "rubbish", NULL, 401, "auth_bad_access_token", "corrupt access token");
  REFUSED("GET", path, "YWMtAAAAAAAAAAAAAAAAAAAAAAAA", NULL, 401, "auth_bad_access_token",
          "Unable to authenticate");
  REFUSED("GET", BASE "/users/bob", alice, NULL, 401, "unauthorized",
          "Subject does not have permission [applications:get:");
  REFUSED("DELETE", BASE "/users/alice", alice, NULL, 401, "unauthorized",
          "Subject does not have permission");
  eim_sandbox_set_active(box, "alice", false);
  REFUSED("GET", path, alice, NULL, 403, "forbidden_service_operation",
          "Service operation not allowed");
  eim_sandbox_set_active(box, "alice", true);
  GRANTED("GET", BASE "/users/alice", alice, NULL, "\"count\":1");
  eim_sandbox_move_clock(box, 5184001000ll);
  REFUSED("GET", path, alice, NULL, 401, "unauthorized", "expired access token");
  free(alice);
  alice = raw_token(box, "alice", "x");
  eim_sandbox_expire_token(box, "alice");
  REFUSED("GET", path, alice, NULL, 401, "unauthorized", "expired access token");
  free(alice);
  eim_sandbox_free(box);
}

TEST(account_operations) {
  box = start(NULL);
  REQUIRE(box);
  eim_sandbox_add_user(box, "alice", "x");
  char *app = raw_app_token(box), *alice = raw_token(box, "alice", "x");
  GRANTED("GET", BASE "/users/alice/status", app, NULL, "\"data\":{\"alice\":\"offline\"}");
  raw_socket *line = raw_login(box, "alice", "x", "webim_a");
  REQUIRE(line);
  GRANTED("GET", BASE "/users/alice/status", app, NULL, "\"data\":{\"alice\":\"online\"}");
  GRANTED("GET", BASE "/users/alice/resources", app, NULL, "\"res\":\"webim_a\"");
  GRANTED("POST", BASE "/users/batch/status", app, "{\"usernames\":[\"alice\",\"zed\"]}",
          "[{\"alice\":\"online\"},{\"zed\":\"offline\"}]");
  raw_close(line);
  eim_sandbox_push(box, "alice", "bob", "hi");
  GRANTED("GET", BASE "/users/alice/offline_msg_count", app, NULL, "\"data\":{\"alice\":1}");
  REFUSED("PUT", BASE "/users/alice/password", app, "{}", 400, "illegal_argument",
          "newpassword is required");
  REFUSED("PUT", BASE "/users/zed/password", app, "{\"newpassword\":\"y\"}", 404,
          "entity_not_found", "User null not found");
  GRANTED("PUT", BASE "/users/alice/password", app, "{\"newpassword\":\"y\"}",
          "\"action\":\"set user password\"");
  REFUSED("GET", BASE "/users/alice", alice, NULL, 401, "auth_bad_access_token",
          "Unable to authenticate");
  CHECK(!raw_token(box, "alice", "x"));
  GRANTED("POST", BASE "/users/alice/deactivate", app, NULL, "\"activated\":false");
  GRANTED("POST", BASE "/users/alice/activate", app, "{}", "\"action\":\"activate user\"");
  GRANTED("GET", BASE "/users/alice/disconnect", app, NULL, "\"data\":{\"result\":true}");
  GRANTED("DELETE", BASE "/users/alice/disconnect/webim_a", app, NULL,
          "\"data\":{\"result\":true}");
  REFUSED("GET", BASE "/users/zed/disconnect", app, NULL, 404, "service_resource_not_found",
          "Service resource not found");
  GRANTED("DELETE", BASE "/users/alice", app, NULL, "\"username\":\"alice\"");
  REFUSED("GET", BASE "/users/alice", app, NULL, 404, "service_resource_not_found",
          "Service resource not found");
  free(app);
  free(alice);
  eim_sandbox_free(box);
}

TEST(paths_methods_types_and_sizes) {
  box = start(&(eim_sandbox_options){.max_body = 1000});
  REQUIRE(box);
  uint16_t port = eim_sandbox_port(box);
  REFUSED("GET", "/nothing", NULL, NULL, 404, "service_resource_not_found", "");
  REFUSED("GET", BASE "/nothing/at/all", NULL, NULL, 404, "service_resource_not_found", "");
  REFUSED("GET", BASE "/token", NULL, NULL, 405, "web_application", "405");
  REFUSED("GET", BASE "/users", NULL, NULL, 405, "web_application", "405");
  REFUSED("POST", "/easemob/server.json", NULL, "{}", 405, "web_application", "405");
  raw_answer answer = raw_http(port, NULL, "POST", BASE "/token", NULL, "text/plain", "{}");
  CHECK_INT(answer.status, 415);
  raw_free(&answer);
  answer = raw_http_headers(port, NULL, "POST", BASE "/token", "", NULL);
  CHECK_INT(answer.status, 415);
  raw_free(&answer);
  answer = raw_http_headers(port, NULL, "POST", BASE "/token",
                            "Content-Length: 1001\r\nContent-Type: application/json\r\n", NULL);
  CHECK_INT(answer.status, 413);
  raw_free(&answer);
  answer = raw_http_headers(port, NULL, "POST", BASE "/token",
                            "Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n",
                            "2\r\n{}\r\n0\r\n\r\n");
  CHECK_INT(answer.status, 411);
  raw_free(&answer);
  int status;
  CHECK(!raw_open(port, NULL, "/elsewhere", &status));
  CHECK_INT(status, 404);
  GRANTED("GET", "/easemob/server.json?app_key=any%23app", NULL, NULL,
          "\"msync-wx\":{\"hosts\":[{\"protocol\":\"http\"");
  eim_sandbox_free(box);
}

TEST(log_upload_and_log_without_secrets) {
  box = start(NULL);
  REQUIRE(box);
  eim_sandbox_add_user(box, "alice", "open-sesame");
  char *token = raw_token(box, "alice", "open-sesame");
  const char *path = BASE "/sdk/users/alice/client/logs";
  GRANTED("POST", path, token, "{\"resource\":\"r\",\"logContent\":\"l\"}", "\"status\":\"ok\"");
  REFUSED("POST", path, token, "{}", 400, "illegal_argument", "");
  CHECK_INT(eim_sandbox_count(box, EIM_SANDBOX_LOGS), 2);
  char *log = eim_sandbox_log(box);
  CHECK_CONTAINS(log, "\"path\":\"/sandbox/demo/token\"");
  CHECK_CONTAINS(log, "\"password\":\"");
  CHECK(log && !strstr(log, "open-sesame"));
  CHECK(log && token && !strstr(log, token));
  free(log);
  eim_sandbox_clear_log(box);
  CHECK_INT(eim_sandbox_count(box, EIM_SANDBOX_LOGS), 0);
  free(token);
  eim_sandbox_free(box);
}
