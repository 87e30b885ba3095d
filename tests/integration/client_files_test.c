/* Files, client and sandbox over real sockets: up, down, resumed, refused, and disks that are full.
 */
#include <eim_sandbox.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cJSON.h"
#include "eim_test.h"
#include "peer.h"

EIM_TEST_MAIN

enum { SIZE = 3000000 };

static eim_sandbox *sandbox;
static char api[128], url[128], key[64], dir[] = "/tmp/eim-files-XXXXXX", source[64], target[64];
static const char *options[8] = {api, url, key, "requestTimeout=5000", NULL};

static void write_file(const char *path, size_t size) {
  FILE *file = fopen(path, "w");
  for (size_t i = 0; file && i < size; i++) fputc((int)(i * 2654435761u >> 13 & 0xff), file);
  if (file) fclose(file);
}

static bool same_files(const char *a, const char *b) {
  FILE *one = fopen(a, "r"), *two = fopen(b, "r");
  bool same = one && two;
  for (int c = 0; same && c != EOF;) same = (c = fgetc(one)) == fgetc(two);
  if (one) fclose(one);
  if (two) fclose(two);
  return same;
}

static bool begin_with(peer *p, size_t max_file, int threads) {
  char error[256];
  sandbox = eim_sandbox_new(&(eim_sandbox_options){.max_file = max_file}, error, sizeof error);
  strcpy(dir + sizeof dir - 7, "XXXXXX");
  if (!sandbox || !mkdtemp(dir)) return false;
  eim_sandbox_add_user(sandbox, "alice", "pw-a");
  snprintf(api, sizeof api, "apiUrl=%s", eim_sandbox_api_url(sandbox));
  snprintf(url, sizeof url, "url=%s", eim_sandbox_url(sandbox));
  snprintf(key, sizeof key, "appKey=%s", eim_sandbox_app_key(sandbox));
  snprintf(source, sizeof source, "%s/source.bin", dir);
  snprintf(target, sizeof target, "%s/target.bin", dir);
  peer_start(p, NULL, threads, options);
  CHECK_INT(peer_code(p, peer_open_password(p, "alice", "pw-a")), 0);
  return true;
}

static bool begin(peer *p, size_t max_file) {
  return begin_with(p, max_file, 1);
}

static void end(peer *p) {
  unlink(source);
  unlink(target);
  CHECK_INT(rmdir(dir), 0); /* nothing was left behind in it */
  peer_stop(p);
  eim_sandbox_free(sandbox);
}

TEST(a_file_goes_up_and_comes_down) {
  static const size_t sizes[] = {0, 1, 65536, SIZE};
  char where[256], secret[64];
  peer alice;
  REQUIRE(begin(&alice, 0));
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    write_file(source, sizes[i]);
    REQUIRE(peer_upload(&alice, source, where, secret));
    CHECK_CONTAINS(where, "/chatfiles/");
    REQUIRE(!eim_client_download(alice.client, where, secret, target, 0, false, 910 + i));
    CHECK_INT(peer_code(&alice, 910 + i), 0);
    CHECK(same_files(source, target));
  }
  end(&alice);
}

TEST(a_file_needs_its_secret_and_is_kept_for_a_week) {
  char where[256], secret[64];
  peer alice;
  REQUIRE(begin(&alice, 0));
  write_file(source, 1000);
  REQUIRE(peer_upload(&alice, source, where, secret));
  REQUIRE(!eim_client_download(alice.client, where, "another", target, 0, false, 101));
  const peer_event *got = peer_result(&alice, 101);
  REQUIRE(got && got->error);
  CHECK_CONTAINS(eim_error_detail(got->error), "\"httpStatus\":401");
  CHECK(access(target, F_OK) != 0);
  eim_sandbox_move_clock(sandbox, 8ll * 24 * 3600 * 1000);
  REQUIRE(!eim_client_download(alice.client, where, secret, target, 0, false, 102));
  got = peer_result(&alice, 102);
  REQUIRE(got && got->error);
  CHECK_CONTAINS(eim_error_detail(got->error), "file_expired");
  CHECK(access(target, F_OK) != 0);
  end(&alice);
}

TEST(a_file_over_the_limit_is_refused_and_others_go_on) {
  char where[256], secret[64];
  peer alice;
  REQUIRE(begin(&alice, 100000));
  write_file(source, SIZE);
  REQUIRE(!eim_client_upload(alice.client, source, NULL, 0, 0, 101));
  const peer_event *got = peer_result(&alice, 101);
  REQUIRE(got && got->error);
  CHECK_INT(eim_error_code(got->error), EIM_CODE_FILE_TOO_LARGE);
  CHECK(!eim_error_may_have_happened(got->error));
  write_file(source, 100000);
  CHECK(peer_upload(&alice, source, where, secret));
  end(&alice);
}

/* As a full disk: the kernel refuses to write beyond this size. */
TEST(a_full_disk_is_told_and_leaves_nothing_under_the_final_name) {
  char where[256], secret[64], part[80];
  peer alice;
  REQUIRE(begin(&alice, 0));
  write_file(source, SIZE);
  REQUIRE(peer_upload(&alice, source, where, secret));
  struct rlimit before, small;
  struct sigaction ignore = {.sa_handler = SIG_IGN}, kept;
  getrlimit(RLIMIT_FSIZE, &before);
  small = before;
  small.rlim_cur = SIZE / 2;
  sigaction(SIGXFSZ, &ignore, &kept);
  setrlimit(RLIMIT_FSIZE, &small);
  REQUIRE(!eim_client_download(alice.client, where, secret, target, 0, false, 101));
  const peer_event *got = peer_result(&alice, 101);
  setrlimit(RLIMIT_FSIZE, &before);
  sigaction(SIGXFSZ, &kept, NULL);
  REQUIRE(got && got->error);
  CHECK_INT(eim_error_domain(got->error), EIM_DOMAIN_OS);
  CHECK_INT(eim_error_native(got->error), EFBIG);
  CHECK(access(target, F_OK) != 0);
  snprintf(part, sizeof part, "%s.part", target);
  CHECK(access(part, F_OK) != 0);
  CHECK_INT(peer_code(&alice, peer_send(&alice, "alice", "still here")), 0);
  end(&alice);
}

/* Some descriptor of this process is of this file. By their names: to ask the descriptors
 * themselves, which are other threads', is a race in ThreadSanitizer's eyes. */
static bool is_open(const char *path) {
  struct stat wanted, have;
  bool found = false;
  if (stat(path, &wanted)) return false;
  for (int fd = 3; !found && fd < 1024; fd++) {
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    found = !stat(name, &have) && have.st_ino == wanted.st_ino && have.st_dev == wanted.st_dev;
  }
  return found;
}

/* Without a thread of the library nothing happens between two polls but what is done here. */
TEST(a_file_that_goes_or_shrinks_on_its_way_up) {
  char where[256], secret[64];
  peer alice;
  REQUIRE(begin_with(&alice, 0, 0));
  write_file(source, SIZE);
  REQUIRE(!eim_client_upload(alice.client, source, NULL, 0, 0, 101)); /* its size was seen */
  REQUIRE(!unlink(source));
  const peer_event *got = peer_result(&alice, 101);
  REQUIRE(got && got->error);
  CHECK_INT(eim_error_native(got->error), ENOENT);
  CHECK_CONTAINS(eim_error_message(got->error), source);
  CHECK(!eim_error_may_have_happened(got->error));

  write_file(source, SIZE);
  REQUIRE(!eim_client_upload(alice.client, source, NULL, 0, 0, 102));
  while (!is_open(source)) REQUIRE(eim_context_poll(alice.context, 0, 0) >= 0);
  REQUIRE(!truncate(source, 10));
  got = peer_result(&alice, 102);
  REQUIRE(got && got->error);
  CHECK_INT(eim_error_code(got->error), EIM_E_INVALID);
  CHECK_CONTAINS(eim_error_message(got->error), "became shorter");
  CHECK(!eim_error_may_have_happened(got->error));

  /* Who has opened it has it. */
  write_file(source, SIZE);
  REQUIRE(!eim_client_upload(alice.client, source, NULL, 0, 0, 103));
  while (!is_open(source)) REQUIRE(eim_context_poll(alice.context, 0, 0) >= 0);
  REQUIRE(!rename(source, target));
  CHECK_INT(peer_code(&alice, 103), 0);
  CHECK_INT(peer_code(&alice, peer_send(&alice, "alice", "still here")), 0);
  write_file(source, 100);
  CHECK(peer_upload(&alice, source, where, secret));
  end(&alice);
}

/* members: of the JSON, each with a comma behind it; where: "path" or "url". */
static eim_status send_file(peer *p, const char *members, const char *where, const char *path,
                            uint64_t token) {
  char json[512];
  eim_message *message;
  snprintf(json, sizeof json, "{\"to\":\"bob\",%s\"%s\":\"%s\"}", members, where, path);
  eim_status status = eim_message_from_json(json, &message);
  if (status) return status;
  CHECK_CONTAINS(eim_message_to_json(message), path);
  status = eim_client_send(p->client, message, token);
  eim_message_unref(message);
  return status;
}

TEST(a_message_uploads_its_file) {
  peer alice, bob;
  REQUIRE(begin(&alice, 100000));
  eim_sandbox_add_user(sandbox, "bob", "pw-b");
  peer_start(&bob, NULL, 1, options);
  REQUIRE(!peer_code(&bob, peer_open_password(&bob, "bob", "pw-b")));
  write_file(source, 70000);
  REQUIRE(!send_file(&alice, "\"type\":\"img\",\"width\":8,\"height\":9,\"ext\":{\"n\":1},", "path",
                     source, 200));
  const peer_event *sent = peer_result(&alice, 200);
  REQUIRE(sent && !sent->error);
  CHECK(*eim_result_message_id(sent->result) != 0);
  const peer_event *got = peer_wait(&bob, PEER_MESSAGE, PEER_WAIT);
  REQUIRE(got);
  cJSON *json = cJSON_Parse(eim_message_to_json(got->message));
  const cJSON *where = cJSON_GetObjectItem(json, "url"),
              *secret = cJSON_GetObjectItem(json, "secret");
  REQUIRE(cJSON_IsString(where) && cJSON_IsString(secret));
  CHECK_STR(cJSON_GetObjectItem(json, "filename")->valuestring, "source.bin");
  CHECK_INT(cJSON_GetObjectItem(json, "file_length")->valueint, 70000);
  CHECK_INT(cJSON_GetObjectItem(json, "width")->valueint, 8);
  CHECK(!cJSON_GetObjectItem(json, "path"));
  CHECK_STR(eim_message_ext(got->message), "{\"n\":1}");
  REQUIRE(!eim_client_download(bob.client, where->valuestring, secret->valuestring, target, 0,
                               false, 201));
  CHECK_INT(peer_code(&bob, 201), 0);
  CHECK(same_files(source, target));
  cJSON_Delete(json);
  peer_stop(&bob);
  end(&alice);
}

TEST(a_message_whose_file_does_not_go_up_is_not_sent) {
  peer alice;
  REQUIRE(begin(&alice, 1000));
  REQUIRE(!send_file(&alice, "\"type\":\"file\",", "path", "/nowhere/x", 200));
  const peer_event *got = peer_result(&alice, 200);
  REQUIRE(got && got->error);
  CHECK_INT(eim_error_native(got->error), ENOENT);
  CHECK(!eim_error_may_have_happened(got->error));
  write_file(source, 5000);
  REQUIRE(!send_file(&alice, "\"type\":\"file\",", "path", source, 201));
  CHECK_INT(peer_code(&alice, 201), EIM_CODE_FILE_TOO_LARGE);
  CHECK_INT(send_file(&alice, "\"type\":\"file\",", "filename", "x", 202), EIM_E_INVALID);
  CHECK_INT(send_file(&alice, "\"type\":\"txt\",\"msg\":\"x\",", "path", source, 203),
            EIM_E_INVALID);
  eim_sandbox_fail_next(sandbox, EIM_SANDBOX_REST, 1,
                        &(eim_sandbox_failure){EIM_SANDBOX_BY_SILENCE, 0, NULL});
  write_file(source, 500);
  REQUIRE(!send_file(&alice, "\"type\":\"file\",", "path", source, 204));
  REQUIRE(!eim_client_cancel(alice.client, 204));
  CHECK_INT(peer_code(&alice, 204), EIM_E_CANCELED);
  CHECK_INT(peer_count(&alice, PEER_MESSAGE), 0);
  end(&alice);
}

TEST(use_own_upload_fun_leaves_uploading_to_the_application) {
  peer alice;
  options[4] = "useOwnUploadFun=true";
  REQUIRE(begin(&alice, 0));
  options[4] = NULL;
  write_file(source, 500);
  CHECK_INT(send_file(&alice, "\"type\":\"file\",", "path", source, 200), EIM_E_INVALID);
  CHECK_CONTAINS(eim_error_message(eim_last_error()), "set url, not path");
  REQUIRE(!send_file(&alice, "\"type\":\"file\",", "url", "https://cdn/x", 201));
  CHECK_INT(peer_code(&alice, 201), 0);
  end(&alice);
}
