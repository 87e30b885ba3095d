#include "eim_test.h"

#include <pthread.h>

#include "base/object.h"
#include "model/error.h"

EIM_TEST_MAIN

TEST(status_names) {
  CHECK_STR(eim_status_name(EIM_OK), "EIM_OK");
  CHECK_STR(eim_status_name(EIM_E_INVALID), "EIM_E_INVALID");
  CHECK_STR(eim_status_name(EIM_E_FULL), "EIM_E_FULL");
  CHECK_STR(eim_status_name(-99), "EIM_E_UNKNOWN");
  CHECK_STR(eim_status_name(206), "EIM_E_UNKNOWN");
  for (int status = EIM_E_FULL; status < 0; status++)
    CHECK(strcmp(eim_status_name(status), "EIM_E_UNKNOWN") != 0);
}

TEST(names_and_web_codes) {
  static const struct {
    int32_t code;
    const char *name;
    int32_t web;
  } want[] = {
      {EIM_CODE_INVALID_TOKEN, "INVALID_TOKEN", 28},
      {EIM_CODE_TOKEN_EXPIRED, "TOKEN_EXPIRED", 56},
      {EIM_CODE_USER_AUTHENTICATION_FAILED, "USER_AUTHENTICATION_FAILED", 2},
      {EIM_CODE_SERVER_SERVICE_RESTRICTED, "SERVER_SERVICE_RESTRICTED", 57},
      {EIM_CODE_APP_ACTIVE_NUMBER_REACH_LIMITATION, "APP_ACTIVE_NUMBER_REACH_LIMITATION", 50},
      {EIM_CODE_EXCEED_SERVICE_LIMIT, "EXCEED_SERVICE_LIMIT", 50},
      {EIM_CODE_USER_NOT_LOGIN, "USER_NOT_LOGIN", 39},
      {EIM_CODE_SERVER_NOT_REACHABLE, "SERVER_NOT_REACHABLE", 16},
      {EIM_CODE_SERVER_TIMEOUT, "SERVER_TIMEOUT", -1},
      {EIM_CODE_SERVER_BUSY, "SERVER_BUSY", 500},
      {EIM_CODE_SERVER_GET_DNSLIST_FAILED, "SERVER_GET_DNSLIST_FAILED", 304},
      {EIM_CODE_USER_LOGIN_ANOTHER_DEVICE, "USER_LOGIN_ANOTHER_DEVICE", 206},
      {EIM_CODE_USER_REMOVED, "USER_REMOVED", 207},
      {EIM_CODE_USER_KICKED_BY_CHANGE_PASSWORD, "USER_KICKED_BY_CHANGE_PASSWORD", 216},
      {EIM_CODE_USER_KICKED_BY_OTHER_DEVICE, "USER_KICKED_BY_OTHER_DEVICE", 217},
      {EIM_CODE_USER_ALREADY_LOGIN, "USER_ALREADY_LOGIN", 208},
      {EIM_E_CANCELED, "EIM_E_CANCELED", -4},
      {EIM_E_INVALID, "EIM_E_INVALID", -3},
      {EIM_E_FULL, "EIM_E_FULL", -2},
      {1502, "PUSH_UNBIND_FAILED", -2},
      {4711, "UNKNOWN", -2},
      {-4711, "EIM_E_UNKNOWN", -2},
  };
  for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
    eim_error *error = eim_error_new(want[i].code, EIM_DOMAIN_SERVER, 7, 0, "x");
    CHECK_STR(eim_error_name(error), want[i].name);
    CHECK_INT(eim_error_web_code(error), want[i].web);
    eim_error_unref(error);
  }
}

TEST(every_named_code_has_a_name_and_the_table_is_sorted) {
  char path[512], line[256];
  snprintf(path, sizeof path, "%s/../core/include/eim/error.h", EIM_TEST_DATA);
  FILE *header = fopen(path, "r");
  REQUIRE(header);
  int count = 0;
  while (fgets(line, sizeof line, header)) {
    char name[128];
    int code;
    if (sscanf(line, " EIM_CODE_%127[A-Z_] = %d", name, &code) != 2) continue;
    eim_error *error = eim_error_new(code, EIM_DOMAIN_LOCAL, 0, 0, "x");
    CHECK_STR(eim_error_name(error), name); /* bsearch finds it: sorted */
    eim_error_unref(error);
    count++;
  }
  fclose(header);
  CHECK(count > 50);
}

TEST(errors_carry_everything) {
  eim_error *error = eim_error_new_detail(206, EIM_DOMAIN_SERVER, 2, EIM_ERROR_FINAL, "{\"a\":1}",
                                          "kicked by %s", "tablet");
  CHECK_INT(eim_error_code(error), 206);
  CHECK_INT(eim_error_domain(error), EIM_DOMAIN_SERVER);
  CHECK_INT(eim_error_native(error), 2);
  CHECK_STR(eim_error_message(error), "kicked by tablet");
  CHECK_STR(eim_error_detail(error), "{\"a\":1}");
  CHECK(eim_error_is_final(error) && !eim_error_is_retriable(error));
  eim_error *more = eim_error_with_flags(error, EIM_ERROR_MAYBE);
  eim_error_unref(error);
  CHECK(eim_error_is_final(more) && eim_error_may_have_happened(more));
  CHECK_STR(eim_error_message(more), "kicked by tablet");
  CHECK_STR(eim_error_detail(more), "{\"a\":1}");
  eim_error_unref(more);
}

TEST(messages_are_one_clean_line) {
  eim_error *error =
      eim_error_new(1, EIM_DOMAIN_LOCAL, 0, 0, "%s", "a\r\nb\x1b[1m \xff\xc3 \xc3\xa4");
  CHECK_STR(eim_error_message(error), "a  b [1m ?? \xc3\xa4");
  eim_error_unref(error);
  char text[5000];
  memset(text, 'x', sizeof text);
  text[4999] = 0;
  memcpy(text + 2045, "\xf0\x9f\x98\x80", 4); /* cut inside */
  error = eim_error_new(1, EIM_DOMAIN_LOCAL, 0, 0, "%s", text);
  CHECK(strlen(eim_error_message(error)) == 2047);
  CHECK_STR(eim_error_message(error) + 2044, "x??");
  eim_error_unref(error);
}

TEST(null_errors) {
  CHECK(eim_error_ref(NULL) == NULL);
  eim_error_unref(NULL);
  CHECK_INT(eim_error_code(NULL), 0);
  CHECK_STR(eim_error_name(NULL), "");
  CHECK_STR(eim_error_message(NULL), "");
  CHECK_STR(eim_error_detail(NULL), "{}");
  CHECK_INT(eim_error_web_code(NULL), 0);
  CHECK_INT(eim_error_native(NULL), 0);
  CHECK_INT(eim_error_domain(NULL), EIM_DOMAIN_LOCAL);
  CHECK(!eim_error_is_final(NULL) && !eim_error_is_retriable(NULL));
  CHECK(!eim_error_may_have_happened(NULL));
  CHECK(eim_error_with_flags(NULL, 1) == NULL);
}

static void *other_thread(void *unused) {
  (void)unused;
  const eim_error *before = eim_last_error();
  eim_fail(EIM_E_BUSY, "other");
  return before ? (void *)1 : eim_error_code(eim_last_error()) == EIM_E_BUSY ? NULL : (void *)2;
}

TEST(last_error_is_per_thread) {
  CHECK_INT(eim_fail(EIM_E_STATE, "mine %d", 1), EIM_E_STATE);
  pthread_t thread;
  void *result = NULL;
  REQUIRE(!pthread_create(&thread, NULL, other_thread, NULL));
  pthread_join(thread, &result);
  CHECK(result == NULL);
  CHECK_STR(eim_error_message(eim_last_error()), "mine 1");
  CHECK_INT(eim_error_domain(eim_last_error()), EIM_DOMAIN_LOCAL);
  CHECK_INT(eim_error_native(eim_last_error()), EIM_E_STATE);
  const eim_error *kept = eim_error_ref(eim_last_error());
  CHECK_INT(eim_fail_with(EIM_E_SERVER, eim_error_new(302, EIM_DOMAIN_HTTP, 503, 0, "busy")),
            EIM_E_SERVER);
  CHECK_INT(eim_error_code(eim_last_error()), 302);
  CHECK_STR(eim_error_message(kept), "mine 1");
  eim_error_unref(kept);
}
