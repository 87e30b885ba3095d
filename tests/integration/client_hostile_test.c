/* Bad input over real sockets: what a server, or whoever sent a message, makes up; and disks that
 * are full. Always the same: a clear error or nothing, and what was good arrives, once and in
 * order. */
#include <eim_sandbox.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "eim_test.h"
#include "msync.pb-c.h"
#include "peer.h"

EIM_TEST_MAIN

static eim_sandbox *sandbox;
static char api[128], url[128], key[64];
static const char *options[8] = {api, url, key, "reconnectBaseMs=20", NULL};

static bool begin(peer *alice, const eim_sandbox_options *with) {
  char error[256];
  sandbox = eim_sandbox_new(with, error, sizeof error);
  if (!sandbox) return false;
  eim_sandbox_add_user(sandbox, "alice", "pw-a");
  eim_sandbox_add_user(sandbox, "bob", "pw-b");
  snprintf(api, sizeof api, "apiUrl=%s", eim_sandbox_api_url(sandbox));
  snprintf(url, sizeof url, "url=%s", eim_sandbox_url(sandbox));
  snprintf(key, sizeof key, "appKey=%s", eim_sandbox_app_key(sandbox));
  peer_start(alice, NULL, 1, options);
  CHECK_INT(peer_code(alice, peer_open_password(alice, "alice", "pw-a")), 0);
  return true;
}

static void end(peer *alice) {
  peer_stop(alice);
  eim_sandbox_free(sandbox);
}

static void next_text(peer *p, const char *text) {
  const peer_event *got = peer_wait(p, PEER_MESSAGE, PEER_WAIT);
  REQUIRE(got);
  CHECK_STR(eim_message_text(got->message), text);
}

/* ------------------------------------------------------------------ a disk that is full */

enum { DISK = 256 * 1024, FILE_SIZE = 1000000 };

/* In a mount namespace of its own: where, or NULL when that is not allowed. */
static const char *small_disk(void) {
  static char dir[] = "/tmp/eim-disk-XXXXXX";
  char size[32];
  snprintf(size, sizeof size, "size=%d", DISK);
  if (!mkdtemp(dir)) return NULL;
  if ((!unshare(CLONE_NEWNS) || !unshare(CLONE_NEWUSER | CLONE_NEWNS)) &&
      !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
      !mount("tmpfs", dir, "tmpfs", 0, size))
    return dir;
  rmdir(dir);
  return NULL;
}

static bool upload(peer *p, char *where, char *secret) {
  char source[] = "/tmp/eim-source-XXXXXX";
  static char bytes[FILE_SIZE];
  int fd = mkstemp(source);
  if (fd < 0 || write(fd, bytes, sizeof bytes) != sizeof bytes) return false;
  close(fd);
  bool good = peer_upload(p, source, where, secret);
  unlink(source);
  return good;
}

/* The whole of it, in a process whose mounts nobody else sees. It comes first: a child of a process
 * that has had threads may hang in a sanitizer's allocator. */
static void fill_the_disk(const char *dir) {
  char where[256], secret[64], target[64], old[16] = "";
  peer alice;
  REQUIRE(begin(&alice, NULL));
  REQUIRE(upload(&alice, where, secret));
  snprintf(target, sizeof target, "%s/target", dir);
  FILE *file = fopen(target, "w");
  REQUIRE(file && fputs("old", file) >= 0 && !fclose(file));
  for (uint64_t token = 901; token < 904; token++) {
    REQUIRE(!eim_client_download(alice.client, where, secret, target, 0, false, token));
    const peer_event *got = peer_result(&alice, token);
    REQUIRE(got && got->error);
    CHECK_INT(eim_error_domain(got->error), EIM_DOMAIN_OS);
    CHECK_INT(eim_error_native(got->error), ENOSPC);
    CHECK_CONTAINS(eim_error_message(got->error), dir);
    /* What was there is untouched, and the room is free again. */
    file = fopen(target, "r");
    REQUIRE(file && fgets(old, sizeof old, file) && !fclose(file));
    CHECK_STR(old, "old");
    char list[256], line[256] = "";
    snprintf(list, sizeof list, "ls -A %s", dir);
    FILE *ls = popen(list, "r");
    REQUIRE(ls && fgets(line, sizeof line, ls));
    CHECK_STR(line, "target\n");
    CHECK(!fgets(line, sizeof line, ls));
    pclose(ls);
  }
  CHECK_INT(peer_code(&alice, peer_send(&alice, "bob", "still here")), 0);
  end(&alice);
}

TEST(a_disk_without_room_is_told_and_keeps_what_was_there) {
  fflush(NULL);
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (!child) {
    const char *dir = small_disk();
    if (!dir) _exit(77);
    eim_test_failures = 0;
    fill_the_disk(dir);
    umount(dir);
    rmdir(dir);
    _exit(eim_test_failures ? 1 : 0);
  }
  int status = 0;
  CHECK_INT(waitpid(child, &status, 0), child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
    fprintf(stderr, "  no mounts are allowed here: client_files_test has a limit of the kernel\n");
  else
    CHECK_INT(status, 0);
}

/* ------------------------------------------------------------------ what somebody sent */

/* A Meta of this namespace with this payload, into alice's queue of carl. */
static bool push(int ns, const void *payload, size_t size) {
  Easemob__Pb__JID from = EASEMOB__PB__JID__INIT;
  Easemob__Pb__Meta meta = EASEMOB__PB__META__INIT;
  from.name = (char *)"carl";
  from.domain = (char *)"easemob.com";
  meta.from = &from;
  meta.has_ns = meta.has_payload = 1;
  meta.ns = (Easemob__Pb__Meta__NameSpace)ns;
  meta.payload.data = (uint8_t *)(uintptr_t)payload;
  meta.payload.len = size;
  uint8_t *bytes = malloc(easemob__pb__meta__get_packed_size(&meta));
  size_t length = easemob__pb__meta__pack(&meta, bytes);
  bool good = eim_sandbox_push_meta(sandbox, "alice", bytes, length) != 0;
  free(bytes);
  return good;
}

/* Each is lost alone, or comes as what it is; the queue is acknowledged to its end. */
TEST(metas_that_are_rubbish_lose_only_themselves) {
  peer alice;
  REQUIRE(begin(&alice, NULL));
  static uint8_t mess[4000];
  for (size_t i = 0; i < sizeof mess; i++) mess[i] = (uint8_t)(i * 2654435761u >> 11);
  static const uint8_t endless[] = {0x0a, 0xff, 0xff, 0xff, 0xff, 0x07}; /* two thousand million */
  int good = 0;
  for (int ns = 0; ns <= 9; ns++) {
    char text[32];
    snprintf(text, sizeof text, "good %d", good++);
    CHECK(eim_sandbox_push(sandbox, "alice", "carl", text) != 0);
    if (ns) CHECK(push(ns, mess, sizeof mess)); /* 0: a kick, which is not for everybody to send */
    if (ns) CHECK(push(ns, endless, sizeof endless));
    CHECK(push(ns == 0 ? 1 : ns, "", 0));
  }
  for (int i = 0; i < good; i++) {
    char text[32];
    snprintf(text, sizeof text, "good %d", i);
    next_text(&alice, text);
  }
  while (eim_sandbox_waiting(sandbox, "alice")) peer_idle(&alice, 5);
  CHECK_INT(peer_count(&alice, PEER_RECONNECTING), 0);
  CHECK_INT(peer_code(&alice, peer_send(&alice, "bob", "still here")), 0);
  end(&alice);
}

/* A text of carl with one extra value, which is said to be JSON. */
static void push_ext(const char *json) {
  Easemob__Pb__JID from = EASEMOB__PB__JID__INIT, to = EASEMOB__PB__JID__INIT;
  Easemob__Pb__KeyValue value = EASEMOB__PB__KEY_VALUE__INIT, *values[1] = {&value};
  Easemob__Pb__MessageBody__Content content = EASEMOB__PB__MESSAGE_BODY__CONTENT__INIT,
                                    *contents[1] = {&content};
  Easemob__Pb__MessageBody body = EASEMOB__PB__MESSAGE_BODY__INIT;
  from.name = (char *)"carl";
  to.name = (char *)"alice";
  value.key = (char *)"deep";
  value.has_type = 1;
  value.type = EASEMOB__PB__KEY_VALUE__VALUE_TYPE__JSON_STRING;
  value.value_case = EASEMOB__PB__KEY_VALUE__VALUE_STRING_VALUE;
  value.stringvalue = (char *)(uintptr_t)json;
  content.has_type = 1;
  content.text = (char *)"x";
  body.has_type = 1;
  body.type = EASEMOB__PB__MESSAGE_BODY__TYPE__CHAT;
  body.from = &from;
  body.to = &to;
  body.n_contents = body.n_ext = 1;
  body.contents = contents;
  body.ext = values;
  uint8_t *bytes = malloc(easemob__pb__message_body__get_packed_size(&body));
  CHECK(push(1, bytes, easemob__pb__message_body__pack(&body, bytes)));
  free(bytes);
}

TEST(extra_values_may_be_nested_so_deep_and_no_deeper) {
  peer alice;
  REQUIRE(begin(&alice, NULL));
  for (int depth = 31; depth <= 33; depth++) { /* with the object around it: 32 at most */
    char ext[128] = "{\"d\":", own[80] = "";
    for (int i = 1; i < depth; i++) strcat(own, "[");
    for (int i = 1; i < depth; i++) strcat(own, "]");
    strcat(strcat(ext, own), "}");
    eim_message *message = NULL;
    eim_status status = eim_message_new_text(EIM_CHAT_SINGLE, "alice", "own", ext, &message);
    CHECK_INT(status, depth <= 32 ? EIM_OK : EIM_E_INVALID);
    if (status) {
      CHECK_CONTAINS(eim_error_message(eim_last_error()), "nested deeper than 32 levels");
      continue;
    }
    eim_message_unref(message);
  }
  /* From others: as deep as it is read, then it is the text that it came as. */
  char deep[2001] = "";
  static const int levels[] = {10, 64, 65, 900};
  for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
    memset(deep, '[', (size_t)levels[i]);
    memset(deep + levels[i], ']', (size_t)levels[i]);
    deep[2 * levels[i]] = 0;
    push_ext(deep);
    const peer_event *got = peer_wait(&alice, PEER_MESSAGE, PEER_WAIT);
    REQUIRE(got);
    char expected[2100];
    const char *quote = levels[i] > 64 ? "\"" : "";
    snprintf(expected, sizeof expected, "{\"deep\":%s%s%s}", quote, deep, quote);
    CHECK_STR(eim_message_ext(got->message), expected);
    CHECK(eim_message_to_json(got->message) != NULL);
  }
  push_ext("{\"a\":");
  const peer_event *got = peer_wait(&alice, PEER_MESSAGE, PEER_WAIT);
  REQUIRE(got);
  CHECK_STR(eim_message_ext(got->message), "{\"deep\":\"{\\\"a\\\":\"}");
  end(&alice);
}

/* ------------------------------------------------------------------ what a server sends */

/* A frame that is none ends its line, says so, and the next line has everything. */
TEST(frames_that_are_rubbish_end_the_line_and_lose_nothing) {
  static const struct {
    const char *bytes;
    size_t size;
  } frames[] = {{"", 0},
                {"\xff", 1},
                {"\x08\x00\x40\x00\x4a\x7f\x0a", 7},         /* shorter than it says */
                {"\x08\x00\x40\x00\x4a\x03\x22\xff\x01", 9}, /* so is a meta in it */
                {"\x08\x00\x40\x01\x4a\x02\x12\x7f", 8},     /* an UNREAD */
                {"\x4a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11}};
  peer alice;
  options[4] = "autoReconnectNumMax=-1"; /* it does so again and again, before a session holds */
  REQUIRE(begin(&alice, NULL));
  options[4] = NULL;
  for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
    char text[32];
    snprintf(text, sizeof text, "before %zu", i);
    CHECK(eim_sandbox_push(sandbox, "alice", "bob", text) != 0);
    uint64_t sent = peer_send(&alice, "bob", text);
    CHECK_INT(eim_sandbox_raw(sandbox, "alice", frames[i].bytes, frames[i].size, false), 1);
    snprintf(text, sizeof text, "after %zu", i);
    CHECK(eim_sandbox_push(sandbox, "alice", "bob", text) != 0);
    CHECK_INT(peer_code(&alice, sent), 0);
    /* It may have been answered before; the next frame goes to the line that follows. */
    while (peer_count(&alice, PEER_CONNECTED) < (int)i + 2)
      REQUIRE(eim_context_poll(alice.context, PEER_WAIT, 0) > 0);
  }
  for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
    char text[32];
    snprintf(text, sizeof text, "before %zu", i);
    next_text(&alice, text);
    snprintf(text, sizeof text, "after %zu", i);
    next_text(&alice, text);
  }
  while (eim_sandbox_waiting(sandbox, "alice")) peer_idle(&alice, 5);
  CHECK_INT(peer_count(&alice, PEER_MESSAGE), 2 * sizeof frames / sizeof *frames);
  CHECK(peer_count(&alice, PEER_RECONNECTING) > 0);
  CHECK_INT(peer_count(&alice, PEER_DISCONNECTED), 0);
  end(&alice);
}

TEST(frames_above_the_limit_end_the_line) {
  static char large[200000];
  peer alice;
  options[4] = "maxFrameBytes=100000";
  REQUIRE(begin(&alice, NULL));
  options[4] = NULL;
  memset(large, 'x', sizeof large);
  CHECK_INT(eim_sandbox_raw(sandbox, "alice", large, sizeof large, false), 1);
  const peer_event *lost = peer_wait(&alice, PEER_RECONNECTING, PEER_WAIT);
  REQUIRE(lost && lost->error);
  CHECK_CONTAINS(eim_error_message(lost->error), "100000");
  REQUIRE(peer_wait(&alice, PEER_CONNECTED, PEER_WAIT));
  CHECK_INT(peer_code(&alice, peer_send(&alice, "bob", "still here")), 0);
  end(&alice);
}

/* ------------------------------------------------------------------ bodies above the limit */

static eim_status say(peer *p, size_t size, uint64_t token) {
  char *text = malloc(size + 1);
  eim_message *message = NULL;
  memset(text, 'x', size);
  text[size] = 0;
  eim_status status = eim_message_new_text(EIM_CHAT_SINGLE, "bob", text, NULL, &message);
  free(text);
  if (status) return status;
  status = eim_client_send(p->client, message, token);
  eim_message_unref(message);
  return status;
}

TEST(bodies_above_the_limit_are_refused_and_others_go_on) {
  peer alice;
  REQUIRE(begin(&alice, NULL));
  CHECK_INT(say(&alice, (1 << 20) + 1, 500), EIM_E_INVALID); /* here and now */
  CHECK_INT(eim_error_code(eim_last_error()), EIM_CODE_MESSAGE_SIZE_LIMIT);
  REQUIRE(!say(&alice, 6000, 501)); /* by the server's count */
  REQUIRE(!say(&alice, 100, 502));
  CHECK_INT(peer_code(&alice, 501), EIM_CODE_MESSAGE_SIZE_LIMIT);
  CHECK_INT(peer_code(&alice, 502), 0);
  /* So large that the server ends the line: once, and not for what is sent with it. */
  REQUIRE(!say(&alice, 200000, 503));
  REQUIRE(!say(&alice, 100, 504));
  const peer_event *got = peer_result(&alice, 503);
  REQUIRE(got && got->error);
  CHECK_INT(eim_error_code(got->error), EIM_CODE_MESSAGE_SIZE_LIMIT);
  CHECK(!eim_error_may_have_happened(got->error));
  CHECK_INT(peer_code(&alice, 504), 0);
  CHECK_INT(peer_count(&alice, PEER_RECONNECTING), 1);
  /* REST: here, and by the server. */
  size_t size = (1 << 20) + 2;
  char *body = malloc(size + 1);
  memset(body, 'x', size);
  body[0] = body[size - 1] = '"';
  body[size] = 0;
  CHECK_INT(eim_client_request(alice.client, "POST", "/x", NULL, body, 505), EIM_E_INVALID);
  CHECK_CONTAINS(eim_error_message(eim_last_error()), "larger than 1048576 bytes");
  free(body);
  end(&alice);
}
