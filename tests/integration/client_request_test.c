/* eim_client_request over real sockets. */
#include <eim_sandbox.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "eim_test.h"
#include "peer.h"

EIM_TEST_MAIN

static eim_sandbox *sandbox;
static char api[128], url[128], key[64];
static const char *options[8] = {api, url, key, "requestTimeout=5000", NULL};

static bool begin(peer *p) {
  char error[256];
  sandbox = eim_sandbox_new(NULL, error, sizeof error);
  if (!sandbox) {
    fprintf(stderr, "  %s\n", error);
    return false;
  }
  eim_sandbox_add_user(sandbox, "alice", "pw-a");
  snprintf(api, sizeof api, "apiUrl=%s", eim_sandbox_api_url(sandbox));
  snprintf(url, sizeof url, "url=%s", eim_sandbox_url(sandbox));
  snprintf(key, sizeof key, "appKey=%s", eim_sandbox_app_key(sandbox));
  peer_start(p, NULL, 1, options);
  CHECK_INT(peer_code(p, peer_open_password(p, "alice", "pw-a")), 0);
  return true;
}

static void end(peer *p) {
  peer_stop(p);
  eim_sandbox_free(sandbox);
}

TEST(request_is_answered_and_refused) {
  peer alice;
  REQUIRE(begin(&alice));
  REQUIRE(!eim_client_request(alice.client, "GET", "/sdk/users/alice/token/expires", "_v=1", NULL,
                              100));
  const peer_event *got = peer_result(&alice, 100);
  REQUIRE(got && got->result);
  CHECK(!got->error);
  CHECK_CONTAINS(eim_result_json(got->result), "{\"status\":200,\"body\":{");
  CHECK_CONTAINS(eim_result_json(got->result), "\"expire_timestamp\":");
  REQUIRE(!eim_client_request(alice.client, "GET", "/there/is/no/such/thing", NULL, NULL, 101));
  got = peer_result(&alice, 101);
  REQUIRE(got && got->error);
  CHECK_CONTAINS(eim_error_detail(eim_result_error(got->result)), "\"httpStatus\":404");
  REQUIRE(!eim_client_close(alice.client, 102));
  CHECK_INT(peer_code(&alice, 102), 0);
  REQUIRE(!eim_client_request(alice.client, "GET", "/users/alice", NULL, NULL, 103));
  CHECK_INT(peer_code(&alice, 103), EIM_CODE_USER_NOT_LOGIN);
  end(&alice);
}

TEST(request_refuses_bad_arguments_at_once) {
  peer alice;
  REQUIRE(begin(&alice));
  CHECK_INT(eim_client_request(alice.client, "GET", "/../other", NULL, NULL, 1), EIM_E_INVALID);
  CHECK_INT(eim_error_code(eim_last_error()), EIM_CODE_INVALID_PARAM);
  CHECK_INT(eim_client_request(alice.client, "POST", "/users", NULL, "{", 1), EIM_E_INVALID);
  CHECK_INT(eim_client_request(NULL, "GET", "/users", NULL, NULL, 1), EIM_E_INVALID);
  end(&alice);
}

/* More than there are connections, all at once: everything ends well. */
TEST(many_requests_share_the_connections) {
  enum { COUNT = 200 };
  peer alice;
  REQUIRE(begin(&alice));
  for (uint64_t i = 0; i < COUNT; i++)
    REQUIRE(!eim_client_request(alice.client, "GET", "/sdk/users/alice/token/expires", NULL, NULL,
                                1000 + i));
  for (uint64_t i = 0; i < COUNT; i++) CHECK_INT(peer_code(&alice, 1000 + i), 0);
  end(&alice);
}

/* The whole way of a file, with an answer of the server as its content. */
TEST(download_writes_the_answer_to_its_place) {
  peer alice;
  char dir[] = "/tmp/eim-download-XXXXXX", path[64], where[256], text[512] = "";
  REQUIRE(begin(&alice));
  REQUIRE(mkdtemp(dir) != NULL);
  snprintf(path, sizeof path, "%s/x.json", dir);
  const char *slash = strchr(eim_sandbox_app_key(sandbox), '#');
  REQUIRE(slash != NULL);
  snprintf(where, sizeof where, "%s/%.*s/%s/sdk/users/alice/token/expires",
           eim_sandbox_api_url(sandbox), (int)(slash - eim_sandbox_app_key(sandbox)),
           eim_sandbox_app_key(sandbox), slash + 1);
  REQUIRE(!eim_client_download(alice.client, where, "sesame", path, 1000, false, 100));
  CHECK_INT(peer_code(&alice, 100), 0); /* the token was told, or it would be a 401 */
  FILE *file = fopen(path, "r");
  REQUIRE(file != NULL);
  size_t length = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  CHECK_CONTAINS(text, "expire_timestamp");
  char want[64];
  snprintf(want, sizeof want, "\"file_length\":%zu}", length);
  CHECK_CONTAINS(eim_result_json(peer_result(&alice, 100)->result), want);
  CHECK_INT(unlink(path), 0);
  REQUIRE(!eim_client_download(alice.client, where, NULL, path, 5, false, 101));
  CHECK_INT(peer_code(&alice, 101), EIM_CODE_FILE_TOO_LARGE);
  CHECK_INT(rmdir(dir), 0); /* nothing was left in it */
  CHECK_INT(eim_client_download(alice.client, "file:///etc/passwd", NULL, path, 0, false, 1),
            EIM_E_INVALID);
  CHECK_INT(eim_client_download(alice.client, where, "a\r\nb", path, 0, false, 1), EIM_E_INVALID);
  CHECK_INT(eim_client_download(alice.client, where, NULL, "", 0, false, 1), EIM_E_INVALID);
  end(&alice);
}

TEST(upload_says_what_is_wrong_with_the_file) {
  peer alice;
  REQUIRE(begin(&alice));
  REQUIRE(!eim_client_upload(alice.client, "/tmp/no/such/file", NULL, 0, 0, 100));
  const peer_event *got = peer_result(&alice, 100);
  REQUIRE(got && got->error);
  CHECK_INT(eim_error_code(got->error), EIM_E_INVALID);
  CHECK_INT(eim_error_native(got->error), ENOENT);
  CHECK_INT(eim_client_upload(alice.client, "", NULL, 0, 0, 1), EIM_E_INVALID);
  CHECK_INT(eim_client_upload(alice.client, "/tmp/", NULL, 0, 0, 1), EIM_E_INVALID);
  CHECK_INT(eim_client_upload(alice.client, "/tmp/x", "a\nb", 0, 0, 1), EIM_E_INVALID);
  CHECK_INT(eim_client_upload(alice.client, "/tmp/x", "x", -1, 0, 1), EIM_E_INVALID);
  end(&alice);
}
