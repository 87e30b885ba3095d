/* Uploads of log lines as the sandbox takes them: docs/protocol.md 3.5. */
#include "eim_test.h"
#include "raw_client.h"

EIM_TEST_MAIN

#define PATH "/sandbox/demo/sdk/users/alice/client/logs"

static eim_sandbox *box;
static char *token;

static bool begin(void) {
  char error[200];
  box = eim_sandbox_new(&(eim_sandbox_options){.report_logs = true}, error, sizeof error);
  if (!box) return false;
  eim_sandbox_add_user(box, "alice", "pw");
  eim_sandbox_add_user(box, "bob", "pw");
  token = raw_token(box, "alice", "pw");
  return token != NULL;
}

static void end(void) {
  free(token);
  eim_sandbox_free(box);
}

static raw_answer post(const char *path, const char *with, const char *body) {
  return raw_http(eim_sandbox_port(box), NULL, "POST", path, with, NULL, body);
}

static void status_at(int line, const char *path, const char *with, const char *body, int status) {
  raw_answer answer = post(path, with, body);
  if (answer.status != status)
    eim_test_fail(__FILE__, line, "%d %s, not %d", answer.status, answer.body, status);
  raw_free(&answer);
}
#define STATUS(...) status_at(__LINE__, __VA_ARGS__)

static void kept_at(int line, const char *text) {
  char *kept = eim_sandbox_uploaded_logs(box, "alice");
  if (!kept || strcmp(kept, text) != 0)
    eim_test_fail(__FILE__, line, "kept \"%s\", not \"%s\"", kept ? kept : "(null)", text);
  free(kept);
}
#define KEPT(text) kept_at(__LINE__, text)

TEST(lines_are_kept_in_order_and_refusals_keep_nothing) {
  REQUIRE(begin());
  KEPT("");
  CHECK(!eim_sandbox_uploaded_logs(box, "nobody"));
  raw_answer answer =
      post(PATH, token, "{\"resource\":\"r1\",\"logContent\":\"one\\ntwo \\\"x\\\"\\n\"}");
  CHECK_INT(answer.status, 200);
  CHECK_STR(raw_text(&answer, "status"), "ok");
  raw_free(&answer);
  KEPT("one\ntwo \"x\"\n");
  STATUS(PATH, token, "{\"resource\":\"r1\"}", 400);
  STATUS(PATH, token, "{\"logContent\":\"x\"}", 400);
  STATUS(PATH, token, "{\"resource\":1,\"logContent\":\"x\"}", 400);
  STATUS(PATH, token, "no JSON", 400);
  STATUS(PATH, NULL, "{\"resource\":\"r1\",\"logContent\":\"x\\n\"}", 401);
  char *other = raw_token(box, "bob", "pw");
  STATUS(PATH, other, "{\"resource\":\"r1\",\"logContent\":\"x\\n\"}", 401);
  free(other);
  KEPT("one\ntwo \"x\"\n");
  STATUS(PATH, token, "{\"resource\":\"r2\",\"logContent\":\"three\\n\"}", 200);
  KEPT("one\ntwo \"x\"\nthree\n");
  CHECK_INT(eim_sandbox_count(box, EIM_SANDBOX_LOGS), 8);
  eim_sandbox_clear_log(box);
  KEPT("");
  CHECK_INT(eim_sandbox_count(box, EIM_SANDBOX_LOGS), 0);
  end();
}

TEST(faults_keep_nothing) {
  static const eim_sandbox_failure faults[] = {{EIM_SANDBOX_BY_HTTP, 503, "{}"},
                                               {EIM_SANDBOX_BY_DISCONNECT, 0, NULL},
                                               {EIM_SANDBOX_BY_GARBAGE, 0, NULL}};
  static const int statuses[] = {503, 0, 200};
  REQUIRE(begin());
  for (int i = 0; i < 3; i++) {
    CHECK(eim_sandbox_fail_next(box, EIM_SANDBOX_LOGS, 1, &faults[i]));
    STATUS(PATH, token, "{\"resource\":\"r\",\"logContent\":\"x\\n\"}", statuses[i]);
    KEPT("");
  }
  STATUS(PATH, token, "{\"resource\":\"r\",\"logContent\":\"x\\n\"}", 200);
  KEPT("x\n");
  end();
}

TEST(the_store_is_bounded) {
  REQUIRE(begin());
  enum { SIZE = 2 * 1024 * 1024 };
  char *body = malloc(SIZE + 100);
  for (int i = 0; i < 12; i++) {
    int n = sprintf(body, "{\"resource\":\"r\",\"logContent\":\"piece %d begins\\n", i);
    memset(body + n, 'a' + i, SIZE);
    strcpy(body + n + SIZE, "\\n\"}");
    STATUS(PATH, token, body, 200);
  }
  free(body);
  char *kept = eim_sandbox_uploaded_logs(box, "alice");
  REQUIRE(kept);
  CHECK(strlen(kept) <= 16 * 1024 * 1024);
  CHECK(!strstr(kept, "piece 0 ") && strstr(kept, "piece 11 begins\n"));
  free(kept);
  end();
}

static raw_answer admin(const char *method, const char *path, const char *body) {
  const char *port = strrchr(eim_sandbox_admin_url(box), ':') + 1;
  char headers[128];
  snprintf(headers, sizeof headers, "Host: 127.0.0.1:%s\r\nContent-Length: %zu\r\n", port,
           body ? strlen(body) : 0);
  return raw_http_headers((uint16_t)atoi(port), NULL, method, path, headers, body);
}

TEST(the_bootstrap_list_and_the_admin_api_tell) {
  REQUIRE(begin());
  raw_answer list =
      raw_http(eim_sandbox_port(box), NULL, "GET", "/easemob/server.json", NULL, NULL, NULL);
  CHECK_STR(raw_text(&list, "enableReportLogs"), "true");
  CHECK_STR(raw_text(&list, "reportInterval"), "300000");
  raw_free(&list);
  eim_sandbox_report_logs(box, false, 60000);
  list = raw_http(eim_sandbox_port(box), NULL, "GET", "/easemob/server.json", NULL, NULL, NULL);
  CHECK_STR(raw_text(&list, "enableReportLogs"), "false");
  CHECK_STR(raw_text(&list, "reportInterval"), "60000");
  raw_free(&list);
  STATUS(PATH, token, "{\"resource\":\"r9\",\"logContent\":\"line\\n\"}", 200);
  raw_answer logs = admin("GET", "/logs?user=alice", NULL);
  CHECK_INT(logs.status, 200);
  CHECK_STR(raw_text(&logs, "text"), "line\n");
  CHECK_STR(raw_text(&logs, "resource"), "r9");
  raw_free(&logs);
  logs = admin("GET", "/logs?user=nobody", NULL);
  CHECK_INT(logs.status, 404);
  raw_free(&logs);
  raw_answer on = admin("POST", "/report", "{\"on\":true,\"ms\":90000}");
  CHECK_INT(on.status, 200);
  raw_free(&on);
  list = raw_http(eim_sandbox_port(box), NULL, "GET", "/easemob/server.json", NULL, NULL, NULL);
  CHECK_STR(raw_text(&list, "enableReportLogs"), "true");
  CHECK_STR(raw_text(&list, "reportInterval"), "90000");
  raw_free(&list);
  end();
}
