#include "wire/hosts.h"
#include "wire/verdict.h"
#include "wire_vectors.h"

static eim_error *parse(eim_host_list *out, const char *body, bool https) {
  return eim_hosts_parse(out, body, strlen(body), https);
}

TEST(the_switch_of_the_log_upload_alone) {
  static const struct {
    const char *json;
    bool on;
    int64_t interval;
  } rows[] = {{"{}", false, 300000},
              {"{\"enableReportLogs\":\"true\"}", true, 300000},
              {"{\"enableReportLogs\":true,\"reportInterval\":90000}", true, 90000},
              {"{\"enableReportLogs\":\"True\",\"reportInterval\":\"1\"}", false, 60000},
              {"{\"enableReportLogs\":1,\"reportInterval\":\"-5\"}", false, 300000},
              {"{\"enableReportLogs\":\"true\",\"reportInterval\":\"86400001\"}", true, 86400000},
              {"{\"reportInterval\":9223372036854775807}", false, 86400000},
              {"{\"reportInterval\":{}}", false, 300000}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bool on = !rows[i].on;
    int64_t interval = 0;
    CHECK(eim_hosts_parse_report(rows[i].json, strlen(rows[i].json), &on, &interval));
    CHECK(on == rows[i].on);
    CHECK_INT(interval, rows[i].interval);
  }
  static const char *const bad[] = {"", "[]", "<html>", "{", "\"true\""};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    bool on = false;
    int64_t interval = -1;
    CHECK(!eim_hosts_parse_report(bad[i], strlen(bad[i]), &on, &interval));
    CHECK(!on && interval == -1);
  }
}

TEST(host_list_of_the_documents) {
  eim_host_list list;
  eim_error *error = parse(
      &list,
      "{\"file_version\":\"243\",\"rest\":{\"hosts\":["
      "{\"protocol\":\"https\",\"domain\":\"b.example\",\"port\":\"8443\",\"priority\":\"2\"},"
      "{\"protocol\":\"https\",\"domain\":\"none.example\"},"
      "{\"protocol\":\"http\",\"domain\":\"plain.example\",\"port\":80,\"priority\":1},"
      "{\"protocol\":\"https\",\"domain\":\"a.example\",\"ip\":\"1.2.3.4\",\"port\":443,"
      "\"priority\":1}]},"
      "\"msync-wx\":{\"hosts\":[{\"protocol\":\"https\",\"ip\":\"5.6.7.8\"}]},"
      "\"enableReportLogs\":\"true\",\"reportInterval\":\"300001\"}",
      true);
  REQUIRE(!error);
  CHECK_INT(list.rest_count, 3);
  CHECK_STR(list.rest[0].domain, "a.example");
  CHECK_STR(list.rest[0].ip, "1.2.3.4");
  CHECK(list.rest[0].tls && list.rest[0].port == 443);
  CHECK_STR(list.rest[1].domain, "b.example");
  CHECK_STR(list.rest[1].ip, "");
  CHECK_INT(list.rest[1].port, 8443);
  CHECK_STR(list.rest[2].domain, "none.example");
  CHECK_INT(list.message_count, 1);
  CHECK_STR(list.message[0].domain, "5.6.7.8");
  CHECK_STR(list.message[0].ip, "5.6.7.8");
  CHECK(list.report_logs && list.report_interval_ms == 300001);
  eim_hosts_free(&list);
}

TEST(recorded_host_lists) {
  size_t count, lists = 0;
  const vector_file *files = vector_files(&count);
  for (size_t i = 0; i < count; i++) {
    FOR_STEPS(step, &files[i]) {
      const cJSON *answer = cJSON_GetObjectItem(step, "response");
      if (!strstr(vector_string(step, "url"), "server.json") ||
          !cJSON_GetObjectItem(answer, "rest") || !cJSON_GetObjectItem(answer, "msync-wx"))
        continue;
      char *body = cJSON_PrintUnformatted(answer);
      eim_host_list list;
      eim_error *error = parse(&list, body, false);
      CHECK(!error);
      if (!error) {
        lists++;
        CHECK_INT(list.rest_count, cJSON_GetArraySize(cJSON_GetObjectItem(
                                       cJSON_GetObjectItem(answer, "rest"), "hosts")));
        CHECK_STR(list.rest[0].domain, "127.0.0.1");
        CHECK(list.rest[0].port > 1024 && !list.rest[0].tls);
        CHECK(list.report_logs == !strcmp(vector_string(answer, "enableReportLogs"), "true"));
        eim_hosts_free(&list);
      }
      eim_error_unref(error);
      free(body);
    }
  }
  CHECK(lists > 2);
}

TEST(host_lists_that_are_none) {
#define REST "\"rest\":{\"hosts\":[{\"protocol\":\"https\",\"domain\":\"a.example\"}]}"
#define WX(entry) "{" REST ",\"msync-wx\":{\"hosts\":[" entry "]}}"
  static const char *const bad[] = {
      "",
      "<html>",
      "{}",
      "[]",
      "{" REST "}",
      "{\"rest\":{}}",
      WX(""),
      WX("7,null,[]"),
      WX("{\"protocol\":\"https\"}"),
      WX("{\"domain\":\"a.example\"}"),
      WX("{\"protocol\":\"http\",\"domain\":\"a.example\"}"),
      WX("{\"protocol\":\"https\",\"domain\":\"a.example\",\"port\":0}"),
      WX("{\"protocol\":\"https\",\"domain\":\"a.example\",\"port\":\"65536\"}"),
      WX("{\"protocol\":\"https\",\"domain\":\"a.example\",\"port\":\"x\"}"),
      WX("{\"protocol\":\"https\",\"domain\":\"a.example/path\"}"),
      WX("{\"protocol\":\"https\",\"domain\":\"a@b\"}"),
      WX("{\"protocol\":\"https\",\"domain\":\"a\\r\\nHost: b\"}"),
      WX("{\"protocol\":\"https\",\"ip\":\"1.2.3\"}"),
      "{" REST ",\"msync-wx\":{\"hosts\":{\"protocol\":\"https\",\"domain\":\"a.example\"}}}"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    eim_host_list list = {NULL, NULL, 77, 0, false, 0, false};
    eim_error *error = parse(&list, bad[i], true);
    if (!error) eim_test_fail(__FILE__, __LINE__, "taken: %s", bad[i]);
    CHECK_INT(eim_error_code(error), EIM_CODE_SERVER_GET_DNSLIST_FAILED);
    CHECK_INT(list.rest_count, 77);
    eim_error_unref(error);
  }
}

TEST(many_hosts_are_bounded) {
  eim_buf body = EIM_BUF_INIT;
  eim_buf_str(&body, "{\"rest\":{\"hosts\":[");
  for (int i = 0; i < 1000; i++)
    eim_buf_printf(&body, "%s{\"protocol\":\"https\",\"domain\":\"h%d.example\"}", i ? "," : "", i);
  eim_buf_str(&body, "]},\"msync-wx\":{\"hosts\":[{\"protocol\":\"https\",\"domain\":\"m\"}]}}");
  eim_host_list list;
  CHECK(!parse(&list, (const char *)body.data, true));
  CHECK_INT(list.rest_count, 32);
  CHECK_STR(list.rest[31].domain, "h31.example");
  eim_hosts_free(&list);
  eim_buf_free(&body);
}

TEST(urls) {
  eim_url url;
  CHECK(eim_url_parse(&url, "https://a1.easemob.com", false));
  CHECK(url.tls && url.port == 443);
  CHECK_STR(url.host, "a1.easemob.com");
  CHECK_STR(url.path, "");
  CHECK(eim_url_parse(&url, "HTTP://127.0.0.1:8080/a/b?c=d%20e", false));
  CHECK(!url.tls && url.port == 8080);
  CHECK_STR(url.path, "/a/b?c=d%20e");
  CHECK(eim_url_parse(&url, "wss://im-api-wechat.easemob.com/websocket", true));
  CHECK(url.tls && url.port == 443);
  CHECK_STR(url.path, "/websocket");
  CHECK(eim_url_parse(&url, "ws://[::1]:9?x", true));
  CHECK_STR(url.host, "::1");
  CHECK_INT(url.port, 9);
  CHECK_STR(url.path, "/?x");
  static const char *const bad[] = {"",
                                    "a1.easemob.com",
                                    "//x",
                                    "ftp://x",
                                    "ws://x",
                                    "https://",
                                    "https:///x",
                                    "https://u:p@x",
                                    "https://u@x",
                                    "https://x#f",
                                    "https://x/#f",
                                    "https://x:0",
                                    "https://x:65536",
                                    "https://x:",
                                    "https://x:1a",
                                    "https://x:123456",
                                    "https://x y",
                                    "https://x/\n",
                                    "https://x/\x7f",
                                    "https://[::1",
                                    "https://[::1]x",
                                    "https://[a]",
                                    "https://::1",
                                    "https://x\\y",
                                    "https://\xe4\xbd\xa0",
                                    "https://.x"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (eim_url_parse(&url, bad[i], false)) eim_test_fail(__FILE__, __LINE__, "taken: %s", bad[i]);
  CHECK(!eim_url_parse(&url, "https://x", true));
  CHECK(!eim_url_parse(&url, NULL, true));
  char longest[900] = "https://";
  memset(longest + 8, 'a', 255);
  CHECK(eim_url_parse(&url, longest, false));
  memset(longest + 8, 'a', 256);
  CHECK(!eim_url_parse(&url, longest, false));
  strcpy(longest, "https://x/");
  memset(longest + 10, 'p', 510);
  CHECK(eim_url_parse(&url, longest, false));
  longest[520] = 'p';
  CHECK(!eim_url_parse(&url, longest, false));
}

TEST(text_close) {
  int code = 0;
  const char *text = "[401,\"normal closed\"]";
  CHECK(eim_verdict_text_close(text, strlen(text), &code));
  CHECK_INT(code, 401);
  static const char *const bad[] = {"",
                                    "401",
                                    "[401]",
                                    "[\"401\",\"x\"]",
                                    "[401,\"x\",1]",
                                    "[4.5,\"x\"]",
                                    "[-1,\"x\"]",
                                    "[99999999999,\"x\"]",
                                    "{\"a\":1}",
                                    "[401,\"x\"",
                                    "[401,7]"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    CHECK(!eim_verdict_text_close(bad[i], strlen(bad[i]), &code));
}

TEST(verdicts_without_prose) {
  static const struct {
    int status;
    int32_t provision, send;
    bool provision_final;
  } rows[] = {{1, 202, 303, true},  {2, 202, 202, true},        {3, 110, 110, true},
              {4, 110, 110, true},  {6, 108, 108, true},        {7, 202, 210, true},
              {8, 300, 300, false}, {9, 303, 303, true},        {10, 303, 303, true},
              {11, 213, 303, true}, {12, 305, 305, true},       {13, 214, 303, true},
              {14, 214, 303, true}, {15, 215, 215, true},       {16, 303, 303, true},
              {18, 303, 303, true}, {19, 210, 508, true},       {20, 220, 303, true},
              {21, 303, 303, true}, {INT32_MAX, 303, 303, true}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    eim_status_down status = {rows[i].status, "no\n\"prose\" \xff", "", 0};
    eim_error *login = eim_verdict_provision(&status), *send = eim_verdict_send(&status);
    CHECK_INT(eim_error_code(login), rows[i].provision);
    CHECK_INT(eim_error_code(send), rows[i].send);
    CHECK(eim_error_is_final(login) == rows[i].provision_final);
    CHECK(eim_error_is_retriable(login) == !rows[i].provision_final);
    cJSON *detail = cJSON_Parse(eim_error_detail(login));
    CHECK_STR(vector_string(detail, "reason"), "no\n\"prose\" \xef\xbf\xbd");
    cJSON_Delete(detail);
    eim_error_unref(login);
    eim_error_unref(send);
  }
  eim_status_down missing = {-1, "", "", 0};
  eim_error *login = eim_verdict_provision(&missing), *send = eim_verdict_send(&missing);
  CHECK_INT(eim_error_code(login), EIM_E_PROTOCOL);
  CHECK(eim_error_is_retriable(login) && eim_error_may_have_happened(send));
  eim_error_unref(login);
  eim_error_unref(send);
}
