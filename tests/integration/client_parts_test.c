/* Large files, which go up in parts (docs/protocol.md 3.6): client and sandbox over real sockets.
 */
#include <eim_sandbox.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cJSON.h"
#include "eim_test.h"
#include "peer.h"

EIM_TEST_MAIN

#define PARTS "/sdk/chatfiles/part-upload"
enum { LARGE = 8000000 };

static eim_sandbox *sandbox;
static char api[128], url[128], key[64], source[] = "/tmp/eim-parts-XXXXXX";
static const char *options[8] = {api, url, key, "requestTimeout=5000", NULL};

static int64_t told, total;
static int backwards;
static uint64_t followed; /* the upload; a download of it that takes its time tells of itself too */
static void on_progress(void *unused, const eim_progress *progress) {
  (void)unused;
  if (eim_progress_token(progress) != followed) return;
  if (eim_progress_done(progress) < told) backwards++;
  told = eim_progress_done(progress);
  total = eim_progress_total(progress);
}

static void write_file(size_t size) {
  FILE *file = fopen(source, "w");
  for (size_t i = 0; file && i < size; i++) fputc((int)(i * 2654435761u >> 13 & 0xff), file);
  if (file) fclose(file);
}

static bool begin(peer *p, const eim_sandbox_options *with) {
  char error[256];
  sandbox = eim_sandbox_new(with, error, sizeof error);
  strcpy(source + sizeof source - 7, "XXXXXX");
  int fd = mkstemp(source);
  if (!sandbox || fd < 0) return false;
  close(fd);
  eim_sandbox_add_user(sandbox, "alice", "pw-a");
  snprintf(api, sizeof api, "apiUrl=%s", eim_sandbox_api_url(sandbox));
  snprintf(url, sizeof url, "url=%s", eim_sandbox_url(sandbox));
  snprintf(key, sizeof key, "appKey=%s", eim_sandbox_app_key(sandbox));
  peer_start(p, NULL, 1, options);
  eim_handlers handlers = EIM_HANDLERS_INIT;
  handlers.on_progress = on_progress;
  CHECK_INT(eim_client_add_event_handler(p->client, "progress", &handlers), 0);
  CHECK_INT(peer_code(p, peer_open_password(p, "alice", "pw-a")), 0);
  return true;
}

static void end(peer *p) {
  unlink(source);
  peer_stop(p);
  eim_sandbox_free(sandbox);
}

/* How often the sandbox was asked this. */
static int asked(const char *method, const char *what) {
  char *text = eim_sandbox_log(sandbox);
  cJSON *log = cJSON_Parse(text);
  const cJSON *entry = NULL;
  int count = 0;
  cJSON_ArrayForEach(entry, log) {
    const cJSON *verb = cJSON_GetObjectItem(entry, "method"),
                *path = cJSON_GetObjectItem(entry, "path");
    count += cJSON_IsString(verb) && cJSON_IsString(path) && !strcmp(verb->valuestring, method) &&
             strstr(path->valuestring, what);
  }
  cJSON_Delete(log);
  free(text);
  return count;
}

/* The token of an upload that has begun, whose progress is followed; 0: none did. */
static uint64_t begin_upload(peer *p) {
  followed = ++p->last_token;
  told = total = backwards = 0;
  eim_sandbox_clear_log(sandbox);
  return eim_client_upload(p->client, source, NULL, 0, 0, followed) ? 0 : followed;
}

static const peer_event *upload(peer *p) {
  uint64_t token = begin_upload(p);
  return token ? peer_result(p, token) : NULL;
}

/* What is in the store is what is on the disk. */
static void same(peer *p, const eim_result *result, size_t size) {
  cJSON *json = cJSON_Parse(eim_result_json(result));
  const cJSON *where = cJSON_GetObjectItem(json, "url"),
              *secret = cJSON_GetObjectItem(json, "secret");
  REQUIRE(cJSON_IsString(where) && cJSON_IsString(secret));
  CHECK_INT(cJSON_GetObjectItem(json, "file_length")->valuedouble, size);
  uint64_t token = ++p->last_token;
  REQUIRE(!eim_client_download(p->client, where->valuestring, secret->valuestring, NULL,
                               (int64_t)size, false, token));
  cJSON_Delete(json);
  const peer_event *got = peer_result(p, token);
  REQUIRE(got && !got->error);
  size_t length = 0;
  const uint8_t *bytes = eim_result_bytes(got->result, &length);
  REQUIRE(length == size);
  bool good = true;
  for (size_t i = 0; good && i < size; i++) good = bytes[i] == (i * 2654435761u >> 13 & 0xff);
  CHECK(good);
}

TEST(large_files_go_up_in_parts) {
  peer alice;
  REQUIRE(begin(&alice, &(eim_sandbox_options){.max_file = 6000000}));
  write_file(LARGE); /* above what one request may bring */
  const peer_event *got = upload(&alice);
  REQUIRE(got && !got->error);
  CHECK_INT(asked("POST", PARTS), 2);
  CHECK_INT(asked("PUT", PARTS), 2);
  CHECK_INT(asked("DELETE", PARTS), 0);
  same(&alice, got->result, LARGE);
  CHECK_INT(backwards, 0);
  CHECK_INT(told, LARGE);
  CHECK_INT(total, LARGE);
  /* What is smaller goes as before. */
  write_file(5000000);
  got = upload(&alice);
  REQUIRE(got && !got->error);
  CHECK_INT(asked("PUT", PARTS), 0);
  CHECK_INT(asked("POST", "/chatfiles"), 1);
  same(&alice, got->result, 5000000);
  end(&alice);
}

TEST(parts_that_got_lost_are_sent_again) {
  static const eim_sandbox_failure faults[] = {{EIM_SANDBOX_BY_DISCONNECT, 0, NULL},
                                               {EIM_SANDBOX_BY_HTTP, 503, "{\"error\":\"busy\"}"},
                                               {EIM_SANDBOX_BY_HTTP, 429, "{\"error\":\"busy\"}"}};
  peer alice;
  REQUIRE(begin(&alice, &(eim_sandbox_options){.part_size = 65536}));
  write_file(LARGE);
  const peer_event *got = upload(&alice); /* from here on 64 KiB are a part */
  REQUIRE(got && !got->error);
  write_file(1000000);
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    uint64_t token = begin_upload(&alice);
    REQUIRE(token);
    eim_sandbox_fail_next(sandbox, EIM_SANDBOX_REST, 2, &faults[i]); /* the first, or some part */
    got = peer_result(&alice, token);
    REQUIRE(got && !got->error);
    CHECK(asked("PUT", PARTS) >= 16);
    CHECK_INT(backwards, 0);
    same(&alice, got->result, 1000000);
  }
  end(&alice);
}

TEST(a_message_uploads_its_file_in_parts) {
  peer alice;
  char json[256];
  eim_message *message = NULL;
  REQUIRE(begin(&alice, NULL));
  write_file(LARGE);
  snprintf(json, sizeof json, "{\"type\":\"file\",\"to\":\"alice\",\"path\":\"%s\"}", source);
  REQUIRE(!eim_message_from_json(json, &message));
  uint64_t token = ++alice.last_token;
  eim_sandbox_clear_log(sandbox);
  REQUIRE(!eim_client_send(alice.client, message, token));
  const peer_event *got = peer_result(&alice, token);
  REQUIRE(got && !got->error);
  CHECK(*eim_result_message_id(got->result) != 0);
  CHECK_INT(asked("PUT", PARTS), 2);
  eim_message_unref(message);
  end(&alice);
}

/* Whatever ends it: the server may forget the parts, and nothing was stored. */
TEST(parts_are_given_up_when_the_file_is_gone_or_too_large) {
  peer alice;
  REQUIRE(begin(&alice, &(eim_sandbox_options){.max_upload = LARGE - 1}));
  write_file(LARGE);
  const peer_event *got = upload(&alice);
  REQUIRE(got && got->error);
  CHECK_INT(eim_error_code(got->error), EIM_CODE_FILE_TOO_LARGE);
  CHECK_INT(asked("PUT", PARTS), 0);
  end(&alice);

  for (int gone = 0; gone < 2; gone++) {
    REQUIRE(begin(&alice, NULL));
    write_file(LARGE);
    eim_sandbox_delay(sandbox, 200); /* its size was seen, the first answer is on its way */
    uint64_t token = ++alice.last_token;
    REQUIRE(!eim_client_upload(alice.client, source, NULL, 0, 0, token));
    CHECK_INT(gone ? unlink(source) : truncate(source, 10), 0);
    got = peer_result(&alice, token);
    REQUIRE(got && got->error);
    CHECK_INT(eim_error_native(got->error), gone ? ENOENT : EIM_E_INVALID);
    CHECK_CONTAINS(eim_error_message(got->error), gone ? "No such file" : "became shorter");
    CHECK(!eim_error_may_have_happened(got->error));
    CHECK_INT(peer_code(&alice, peer_send(&alice, "alice", "still here")), 0);
    CHECK_INT(asked("DELETE", PARTS), 1);
    end(&alice);
  }
}

TEST(parts_are_given_up_when_the_upload_is_canceled) {
  peer alice;
  REQUIRE(begin(&alice, NULL));
  write_file(LARGE);
  eim_sandbox_delay(sandbox, 100);
  uint64_t token = begin_upload(&alice);
  REQUIRE(token);
  while (!told) REQUIRE(eim_context_poll(alice.context, PEER_WAIT, 1) > 0); /* a part moves */
  REQUIRE(!eim_client_cancel(alice.client, token));
  CHECK_INT(peer_code(&alice, token), EIM_E_CANCELED);
  CHECK_INT(peer_code(&alice, peer_send(&alice, "alice", "still here")), 0);
  CHECK_INT(asked("DELETE", PARTS), 1);
  end(&alice);
}

/* A server that takes no parts. */
TEST(large_files_go_in_one_piece_where_parts_are_off) {
  char dns[160];
  peer alice;
  REQUIRE(begin(&alice, &(eim_sandbox_options){.no_parts = true}));
  peer_stop(&alice);
  snprintf(dns, sizeof dns, "dnsUrls=%s", eim_sandbox_dns_url(sandbox));
  const char *discovered[] = {key, dns, "https=false", NULL};
  peer_start(&alice, NULL, 1, discovered);
  CHECK_INT(peer_code(&alice, peer_open_password(&alice, "alice", "pw-a")), 0);
  write_file(LARGE);
  const peer_event *got = upload(&alice);
  REQUIRE(got && !got->error);
  CHECK_INT(asked("POST", PARTS), 0);
  CHECK_INT(asked("POST", "/chatfiles"), 1);
  end(&alice);
}
