/* The sandbox's --data: what was acknowledged is there after a restart and after a kill -9. */
#include "eim_test.h"
#include "raw_client.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

EIM_TEST_MAIN

#define KEY EIM_SANDBOX_DEFAULT_APP_KEY
#define USER "easemob.com"

static char folder[64], file[128];

/* A fresh folder for one test, and the file in it. */
static void fresh(void) {
  snprintf(folder, sizeof folder, "/tmp/eim-data-XXXXXX");
  if (!mkdtemp(folder)) eim_test_fail(__FILE__, __LINE__, "no folder");
  snprintf(file, sizeof file, "%s/box.db", folder);
}

static void sweep(void) {
  static const char *const ends[] = {"", "-wal", "-journal", "-shm"};
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    char path[160];
    snprintf(path, sizeof path, "%s%s", file, ends[i]);
    unlink(path);
  }
  if (rmdir(folder)) eim_test_fail(__FILE__, __LINE__, "something is left in %s", folder);
}

static eim_sandbox *start_at(int line, const eim_sandbox_options *more) {
  eim_sandbox_options options = more ? *more : (eim_sandbox_options){0};
  options.data = file;
  char error[300];
  eim_sandbox *box = eim_sandbox_new(&options, error, sizeof error);
  if (!box) {
    eim_test_fail(__FILE__, line, "%s", error);
    exit(1); /* nothing after this would tell anything */
  }
  return box;
}
#define START(...) start_at(__LINE__, __VA_ARGS__)

/* Sends a text and gives the server id, 0 when it was refused. */
static uint64_t say(raw_socket *s, const char *to, uint64_t id, int type, const char *text,
                    uint64_t about) {
  raw_send_text(s, KEY, to, USER, id, type, text, about);
  Easemob__Pb__CommSyncDL *down = raw_read_sync(s);
  uint64_t server_id =
      down && down->has_metaid && down->metaid == id && down->status && !down->status->errorcode
          ? down->serverid
          : 0;
  if (down) easemob__pb__comm_sync_dl__free_unpacked(down, NULL);
  return server_id;
}

/* One page of a queue: the ids into out (room for 20), nextKey into *key. */
static size_t fetch(raw_socket *s, const char *name, uint64_t *key, bool acknowledge,
                    uint64_t *out) {
  raw_fetch(s, KEY, name, USER, acknowledge ? key : NULL);
  Easemob__Pb__CommSyncDL *down = raw_read_sync(s);
  size_t count = down ? down->n_metas : 0;
  for (size_t i = 0; i < count && i < 20; i++) out[i] = down->metas[i]->id;
  if (down && count) *key = down->nextkey;
  if (down) easemob__pb__comm_sync_dl__free_unpacked(down, NULL);
  return count;
}

TEST(a_restart_keeps_what_was_said) {
  fresh();
  eim_sandbox *box = START(NULL);
  CHECK(eim_sandbox_add_user(box, "alice", "pw"));
  CHECK(eim_sandbox_add_user(box, "bob", "pw"));
  CHECK(eim_sandbox_add_user(box, "carol", "pw")); /* never logs in */
  char token[128];
  REQUIRE(eim_sandbox_issue_token(box, "alice", 0, token, sizeof token));
  raw_socket *a = raw_login(box, "alice", "pw", "r1"), *b = raw_login(box, "bob", "pw", "r1");
  REQUIRE(a && b);
  uint64_t ids[25], page[20], key = 0;
  for (uint64_t i = 0; i < 25; i++) {
    ids[i] = say(b, "alice", i + 1, 1, "hi", 0);
    CHECK(ids[i] != 0);
  }
  CHECK(say(b, "carol", 100, 1, "hi", 0) != 0);
  CHECK_INT(fetch(a, "bob", &key, false, page), 10);
  CHECK_INT(fetch(a, "bob", &key, true, page), 10); /* the first ten are done with */
  raw_close(a);
  raw_close(b);
  eim_sandbox_free(box);

  box = START(NULL);
  CHECK_INT(eim_sandbox_waiting(box, "alice"), 15);
  CHECK_INT(eim_sandbox_waiting(box, "carol"), 1);
  CHECK(eim_sandbox_add_user(box, "alice", "pw"));  /* the very account: once more */
  CHECK(!eim_sandbox_add_user(box, "alice", "pw")); /* but not twice */
  CHECK(!eim_sandbox_add_user(box, "bob", "else")); /* another password is another account */
  CHECK(!raw_token(box, "alice", "wrong"));
  a = raw_open(eim_sandbox_port(box), NULL, "/websocket", NULL);
  REQUIRE(a);
  Easemob__Pb__Provision *answer = raw_provision(a, KEY, "alice", token, "r1", NULL);
  REQUIRE(answer && answer->status);
  CHECK_INT(answer->status->errorcode, 0); /* the token of before */
  easemob__pb__provision__free_unpacked(answer, NULL);
  CHECK_INT(fetch(a, "bob", &key, false, page), 10); /* the same device: not what it had */
  for (int i = 0; i < 10; i++) CHECK(page[i] == ids[10 + i]);
  b = raw_login(box, "bob", "pw", "r1");
  REQUIRE(b);
  CHECK(say(b, "alice", 25, 1, "hi", 0) == ids[24]); /* a repetition is known as one */
  CHECK_INT(eim_sandbox_waiting(box, "alice"), 15);
  uint64_t next = say(b, "alice", 26, 1, "hi", 0);
  CHECK(next > ids[24]);
  CHECK(say(b, "alice", 27, 3, "", ids[20]) != 0); /* a recall of what was sent before */
  CHECK_INT(fetch(a, "bob", &key, true, page), 7);
  CHECK(page[4] == ids[24] && page[5] == next);
  raw_socket *c = raw_login(box, "carol", "pw", "r1");
  REQUIRE(c);
  CHECK_INT(fetch(c, "bob", &key, false, page), 1); /* the first device takes the inbox */
  raw_close(a);
  raw_close(b);
  raw_close(c);
  eim_sandbox_free(box);

  box = START(NULL); /* an inbox that was taken is not there twice */
  CHECK_INT(eim_sandbox_waiting(box, "carol"), 1);
  CHECK_INT(eim_sandbox_waiting(box, "alice"), 7);
  struct stat about;
  CHECK(stat(file, &about) == 0 && (about.st_mode & 0777) == 0600);
  eim_sandbox_free(box);
  sweep();
}

/* A client may have a thousand messages under way; and who is removed takes along what waits. */
TEST(a_restart_keeps_a_long_memory_and_nothing_of_who_is_gone) {
  enum { COUNT = 1100 };
  static uint64_t ids[COUNT];
  fresh();
  eim_sandbox *box = START(NULL);
  CHECK(eim_sandbox_add_user(box, "alice", "pw"));
  CHECK(eim_sandbox_add_user(box, "bob", "pw"));
  CHECK(eim_sandbox_add_user(box, "carol", "pw"));
  raw_socket *b = raw_login(box, "bob", "pw", "r1"), *c = raw_login(box, "carol", "pw", "r1");
  REQUIRE(b && c);
  for (uint64_t i = 0; i < COUNT; i++) CHECK((ids[i] = say(b, "alice", i + 1, 1, "hi", 0)) != 0);
  CHECK(say(b, "carol", 5000, 1, "hi", 0) != 0);
  CHECK(say(c, "alice", 1, 1, "hi", 0) != 0);
  CHECK(eim_sandbox_remove_user(box, "carol"));
  raw_close(b);
  raw_close(c);
  eim_sandbox_free(box);
  for (int round = 0; round < 2; round++) { /* what was read back is kept as well */
    box = START(NULL);
    CHECK_INT(eim_sandbox_waiting(box, "alice"), COUNT + 1);
    CHECK(!raw_token(box, "carol", "pw"));
    b = raw_login(box, "bob", "pw", "r1");
    REQUIRE(b);
    for (uint64_t i = 0; i < COUNT; i++) CHECK(say(b, "alice", i + 1, 1, "hi", 0) == ids[i]);
    CHECK_INT(eim_sandbox_waiting(box, "alice"), COUNT + 1);
    raw_close(b);
    eim_sandbox_free(box);
  }
  sweep();
}

TEST(a_restart_keeps_the_accounts) {
  fresh();
  eim_sandbox *box = START(NULL);
  eim_sandbox_add_user(box, "alice", "pw");
  eim_sandbox_add_user(box, "bob", "pw");
  eim_sandbox_add_user(box, "carol", "pw");
  eim_sandbox_add_user(box, "dave", "pw");
  char alices[128], bobs[128], daves[128];
  REQUIRE(eim_sandbox_issue_token(box, "alice", 0, alices, sizeof alices));
  REQUIRE(eim_sandbox_issue_token(box, "bob", 0, bobs, sizeof bobs));
  REQUIRE(eim_sandbox_issue_token(box, "dave", 0, daves, sizeof daves));
  char *app = raw_app_token(box);
  eim_sandbox_push(box, "bob", "alice", "hi");
  CHECK(eim_sandbox_set_password(box, "alice", "new"));
  CHECK(eim_sandbox_remove_user(box, "bob"));
  CHECK(eim_sandbox_set_active(box, "carol", false));
  CHECK(eim_sandbox_expire_token(box, "dave"));
  eim_sandbox_move_clock(box, 3600000);
  int64_t before = eim_sandbox_now(box);
  raw_answer answer = raw_http(eim_sandbox_port(box), NULL, "POST", "/sandbox/demo/users", NULL,
                               NULL, "{\"username\":\"erin\",\"password\":\"pw\"}");
  CHECK_INT(answer.status, 200);
  raw_free(&answer);
  eim_sandbox_free(box);

  box = START(NULL);
  CHECK(eim_sandbox_now(box) >= before);
  char *token = raw_token(box, "alice", "pw");
  CHECK(!token);
  free(token);
  token = raw_token(box, "alice", "new");
  CHECK(token);
  free(token);
  token = raw_token(box, "carol", "pw");
  CHECK(!token); /* still banned */
  free(token);
  token = raw_token(box, "erin", "pw");
  CHECK(token);
  free(token);
  CHECK(!eim_sandbox_set_active(box, "bob", true)); /* nobody of this name */
  CHECK(eim_sandbox_add_user(box, "bob", "pw"));
  CHECK_INT(eim_sandbox_waiting(box, "bob"), 0); /* a new account, with nothing of the old one */
  const char *const dead[] = {"alice", alices, "bob", bobs, "dave", daves};
  for (int i = 0; i < 6; i += 2) {
    raw_socket *s = raw_open(eim_sandbox_port(box), NULL, "/websocket", NULL);
    Easemob__Pb__Provision *down =
        s ? raw_provision(s, KEY, dead[i], dead[i + 1], "r", NULL) : NULL;
    CHECK(down && down->status && down->status->errorcode != 0);
    if (down) easemob__pb__provision__free_unpacked(down, NULL);
    raw_close(s);
  }
  answer =
      raw_http(eim_sandbox_port(box), NULL, "GET", "/sandbox/demo/users/alice", app, NULL, NULL);
  CHECK_INT(answer.status, 200); /* by the app's token of before */
  raw_free(&answer);
  free(app);
  eim_sandbox_free(box);
  sweep();
}

/* One REST call that must succeed; its answer's data as text, to be freed. */
static char *rest_on(int line, uint16_t port, const char *token, const char *method,
                     const char *path, const char *body) {
  char whole[300];
  snprintf(whole, sizeof whole, "/sandbox/demo%s", path);
  raw_answer answer = raw_http(port, NULL, method, whole, token, NULL, body);
  if (answer.status != 200)
    eim_test_fail(__FILE__, line, "%s %s: %d %s", method, path, answer.status, answer.body);
  const cJSON *data = cJSON_GetObjectItem(answer.json, "data");
  char *text = cJSON_PrintUnformatted(data ? data : answer.json);
  raw_free(&answer);
  return text;
}
static char *rest_at(int line, eim_sandbox *box, const char *token, const char *method,
                     const char *path, const char *body) {
  return rest_on(line, eim_sandbox_port(box), token, method, path, body);
}
#define REST(...) free(rest_at(__LINE__, __VA_ARGS__))

/* Everything that is asked here is answered the same after a restart. */
TEST(a_restart_keeps_groups_rooms_contacts_presence_and_history) {
  fresh();
  eim_sandbox *box = START(NULL);
  static const char *const names[] = {"alice", "bob", "carol", "dave"};
  for (int i = 0; i < 4; i++) eim_sandbox_add_user(box, names[i], "pw");
  char *app = raw_app_token(box), *alice = raw_token(box, "alice", "pw"),
       *bob = raw_token(box, "bob", "pw");
  REQUIRE(app && alice && bob);
  const char *const three[] = {"alice", "bob", "carol"};
  eim_sandbox_add_group(box, "g", false, three, 3);
  eim_sandbox_add_group(box, "gone", false, three, 3);
  eim_sandbox_add_group(box, "r", true, three, 2);
  REST(box, app, "DELETE", "/chatgroups/gone", NULL);
  REST(box, app, "PUT", "/chatgroups/g", "{\"groupname\":\"G\",\"description\":\"D\"}");
  REST(box, alice, "POST", "/chatgroups/g/admin", "{\"newadmin\":\"bob\"}");
  REST(box, alice, "POST", "/chatgroups/g/announcement", "{\"announcement\":\"x\"}");
  REST(box, alice, "POST", "/chatgroups/g/mute",
       "{\"usernames\":[\"carol\"],\"mute_duration\":10000000}");
  REST(box, alice, "POST", "/chatgroups/g/white/users/carol", "");
  REST(box, alice, "POST", "/chatrooms/r/blocks/users", "{\"usernames\":[\"bob\"]}");
  REST(box, bob, "PUT", "/sdk/metadata/chatgroup/g/user/bob", "{\"metaData\":{\"nick\":\"B\"}}");
  REST(box, alice, "PUT", "/metadata/chatroom/r/user/alice", "{\"metaData\":{\"k\":\"v\"}}");
  REST(box, app, "POST", "/chatrooms/super_admin", "{\"superadmin\":\"alice\"}");
  REST(box, app, "POST", "/users/alice/contacts/users/bob", "");
  REST(box, app, "POST", "/users/alice/contacts/users/dave", "");
  REST(box, alice, "PUT", "/user/alice/contacts/users/bob", "{\"remark\":\"x\"}");
  REST(box, alice, "POST", "/users/alice/blocks/users", "{\"usernames\":[\"carol\"]}");
  REST(box, bob, "POST", "/users/bob/presence/web/1", "{\"ext\":\"away\"}");
  REST(box, alice, "POST", "/users/alice/presence/100000", "{\"usernames\":[\"bob\"]}");
  raw_socket *a = raw_login(box, "alice", "pw", "r1"), *b = raw_login(box, "bob", "pw", "r1");
  REQUIRE(a && b);
  uint64_t id = say(a, "bob", 1, 1, "one", 0), recalled = say(a, "bob", 2, 1, "two", 0);
  CHECK(id && recalled && say(a, "bob", 3, 1, "three", 0) && say(a, "bob", 4, 3, "", recalled));
  raw_close(a);
  raw_close(b);
  REST(box, app, "DELETE", "/users/dave", NULL); /* and out of the contacts */
  static const struct {
    const char *path, *part;
  } asked[] = {{"/chatgroups/g", "\"description\":\"D\""},
               {"/chatgroups/g/users", "\"owner\":\"alice\""},
               {"/chatgroups/g/admin", "[\"bob\"]"},
               {"/chatgroups/g/announcement", "\"x\""},
               {"/chatgroups/g/mute", "\"carol\""},
               {"/chatgroups/g/white/users", "[\"carol\"]"},
               {"/chatrooms/r", "\"affiliations_count\":1"},
               {"/chatrooms/r/blocks/users", "[\"bob\"]"},
               {"/metadata/chatgroup/g/user/bob", "\"nick\":\"B\""},
               {"/chatrooms/super_admin", "[\"alice\"]"},
               {"/user/alice/contacts?limit=10", "\"remark\":\"x\""},
               {"/users/alice/blocks/users", "[\"carol\"]"}};
  enum { ASKED = sizeof asked / sizeof *asked };
  char *before[ASKED];
  for (int i = 0; i < ASKED; i++) {
    before[i] = rest_at(__LINE__, box, i == 10 ? alice : app, "GET", asked[i].path, NULL);
    CHECK_CONTAINS(before[i], asked[i].part);
  }
  CHECK(strstr(before[10], "dave") == NULL);
  static const char page[] = "{\"queue\":\"bob@easemob.com\",\"start\":-1,\"end\":-1,"
                             "\"is_positive\":false,\"pull_number\":20}";
  char *history = rest_at(__LINE__, box, alice, "POST", "/users/alice/messageroaming", page);
  char *room = rest_at(__LINE__, box, alice, "POST", "/metadata/chatroom/r", "{\"keys\":[]}");
  eim_sandbox_free(box);

  box = START(NULL);
  for (int i = 0; i < ASKED; i++) {
    char *after = rest_at(__LINE__, box, i == 10 ? alice : app, "GET", asked[i].path, NULL);
    CHECK_STR(after, before[i]);
    free(after);
    free(before[i]);
  }
  char *again = rest_at(__LINE__, box, alice, "POST", "/users/alice/messageroaming", page);
  CHECK_STR(again, history);
  free(again);
  free(history);
  again = rest_at(__LINE__, box, alice, "POST", "/metadata/chatroom/r", "{\"keys\":[]}");
  CHECK_STR(again, room);
  CHECK_CONTAINS(again, "\"k\":\"v\"");
  free(again);
  free(room);
  again = rest_at(__LINE__, box, alice, "GET", "/users/alice/presence/sublist", NULL);
  CHECK_CONTAINS(again, "\"uid\":\"bob\"");
  free(again);
  again =
      rest_at(__LINE__, box, alice, "POST", "/users/alice/presence", "{\"usernames\":[\"bob\"]}");
  CHECK_CONTAINS(again, "\"ext\":\"away\"");
  free(again);
  raw_answer gone = raw_http(eim_sandbox_port(box), NULL, "GET", "/sandbox/demo/chatgroups/gone",
                             app, NULL, NULL);
  CHECK_INT(gone.status, 404);
  raw_free(&gone);
  free(app);
  free(alice);
  free(bob);
  eim_sandbox_free(box);
  sweep();
}

/* A file of this size with restricted access; its path, and the secret. */
static void upload(uint16_t port, const char *token, size_t size, char fill, char path[100],
                   char secret[64]) {
  static const char head[] = "--b\r\nContent-Disposition: form-data; name=\"file\"; "
                             "filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\n",
                    tail[] = "\r\n--b--\r\n";
  char *body = malloc(sizeof head + size + sizeof tail), headers[400];
  memcpy(body, head, sizeof head);
  memset(body + sizeof head - 1, fill, size);
  memcpy(body + sizeof head - 1 + size, tail, sizeof tail);
  snprintf(headers, sizeof headers,
           "Authorization: Bearer %s\r\nContent-Type: multipart/form-data; boundary=b\r\n"
           "restrict-access: true\r\nContent-Length: %zu\r\n",
           token, strlen(body));
  raw_answer answer =
      raw_http_headers(port, NULL, "POST", "/sandbox/demo/chatfiles", headers, body);
  const cJSON *entity = cJSON_GetArrayItem(cJSON_GetObjectItem(answer.json, "entities"), 0);
  const char *uuid = cJSON_GetStringValue(cJSON_GetObjectItem(entity, "uuid")),
             *word = cJSON_GetStringValue(cJSON_GetObjectItem(entity, "share-secret"));
  CHECK_INT(answer.status, 200);
  snprintf(path, 100, "/sandbox/demo/chatfiles/%s", uuid ? uuid : "");
  snprintf(secret, 64, "%s", word ? word : "");
  raw_free(&answer);
  free(body);
}

static raw_answer download(uint16_t port, const char *token, const char *path, const char *secret,
                           const char *range) {
  char headers[400];
  snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\nshare-secret: %s\r\n%s%s%s", token,
           secret, range ? "Range: " : "", range ? range : "", range ? "\r\n" : "");
  return raw_http_headers(port, NULL, "GET", path, headers, NULL);
}

TEST(a_restart_keeps_files) {
  enum { SIZE = 300000 }; /* several pieces */
  static const eim_sandbox_options small = {.file_store = 2 * SIZE};
  fresh();
  eim_sandbox *box = START(&small);
  eim_sandbox_add_user(box, "alice", "pw");
  char *token = raw_token(box, "alice", "pw"), paths[3][100], secrets[3][64];
  REQUIRE(token);
  for (int i = 0; i < 3; i++)
    upload(eim_sandbox_port(box), token, SIZE, (char)('a' + i), paths[i], secrets[i]);
  eim_sandbox_free(box);

  box = START(&small);
  raw_answer answer = download(eim_sandbox_port(box), token, paths[0], secrets[0], NULL);
  CHECK_INT(answer.status, 404); /* it had to make room */
  raw_free(&answer);
  answer = download(eim_sandbox_port(box), token, paths[1], secrets[2], NULL);
  CHECK_INT(answer.status, 401);
  raw_free(&answer);
  for (int i = 1; i < 3; i++) {
    answer = download(eim_sandbox_port(box), token, paths[i], secrets[i], NULL);
    CHECK_INT(answer.status, 200);
    char set[2] = {(char)('a' + i), 0};
    CHECK(answer.body && strlen(answer.body) == SIZE && strspn(answer.body, set) == SIZE);
    raw_free(&answer);
  }
  answer = download(eim_sandbox_port(box), token, paths[1], secrets[1], "bytes=299990-");
  CHECK_INT(answer.status, 206);
  CHECK_STR(answer.body, "bbbbbbbbbb");
  raw_free(&answer);
  upload(eim_sandbox_port(box), token, 10, 'x', paths[0],
         secrets[0]); /* one that came back makes room too */
  answer = download(eim_sandbox_port(box), token, paths[1], secrets[1], NULL);
  CHECK_INT(answer.status, 404);
  raw_free(&answer);
  free(token);
  eim_sandbox_free(box);
  sweep();
}

/* Not started; the error has this in it. */
static void refused_at(int line, const char *path, const char *app_key, const char *part) {
  char error[300] = "";
  eim_sandbox *box = eim_sandbox_new(&(eim_sandbox_options){.data = path, .app_key = app_key},
                                     error, sizeof error);
  if (box || !strstr(error, part))
    eim_test_fail(__FILE__, line, "\"%s\" has no \"%s\"", error, part);
  eim_sandbox_free(box);
}
#define REFUSED(...) refused_at(__LINE__, __VA_ARGS__)

static void overwrite(const char *path, long at, const void *bytes, size_t size) {
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || pwrite(fd, bytes, size, at) != (ssize_t)size)
    eim_test_fail(__FILE__, __LINE__, "cannot write %s", path);
  if (fd >= 0) close(fd);
}

TEST(files_that_are_not_ours_are_refused_and_left_alone) {
  fresh();
  REFUSED("", NULL, "cannot open");
  REFUSED("/nonexistent/box.db", NULL, "cannot open /nonexistent/box.db: No such file");
  REFUSED(folder, NULL, "cannot open");
  static const char letter[] = "Dear diary, this is text and no database at all.\n";
  overwrite(file, 0, letter, sizeof letter);
  REFUSED(file, NULL, "is no file of a sandbox");
  char kept[sizeof letter] = "";
  int fd = open(file, O_RDONLY | O_CLOEXEC);
  CHECK_INT(read(fd, kept, sizeof kept), sizeof kept);
  close(fd);
  CHECK_STR(kept, letter);
  unlink(file);
  eim_sandbox_free(START(NULL));
  REFUSED(file, "other#app", "is of the app " KEY ", not of other#app");
  /* SQLite's header: user_version at 60, application_id at 68. */
  overwrite(file, 60, "\0\0\0\x09", 4);
  REFUSED(file, NULL, "newer sandbox (schema 9");
  overwrite(file, 60, "\0\0\0\x01", 4);
  overwrite(file, 68, "\0\0\0\x07", 4);
  REFUSED(file, NULL, "is no file of a sandbox");
  overwrite(file, 68, "EIMS", 4);
  eim_sandbox_free(START(NULL));
  static const char mess[4096];
  overwrite(file, 4096, mess, sizeof mess); /* a page of it */
  REFUSED(file, NULL, file);
  sweep();
}

/* --- the program */

typedef struct program {
  pid_t pid;
  int out, err;
  uint16_t port;
} program;

static void read_text(int fd, char *text, size_t size, bool line) {
  size_t n = 0;
  struct pollfd waiting = {fd, POLLIN, 0};
  while (n + 1 < size && poll(&waiting, 1, RAW_DEADLINE_MS) > 0 && read(fd, text + n, 1) == 1)
    if (text[n++] == '\n' && line) break;
  text[n] = 0;
}

/* With alice and bob. file_limit: the largest file it may write, 0: any. */
static program run(rlim_t file_limit) {
  program p = {0};
  int out[2], err[2];
  if (pipe(out) || pipe(err)) exit(1);
  p.pid = fork();
  if (p.pid == 0) {
    dup2(out[1], 1);
    dup2(err[1], 2);
    close(out[0]);
    close(err[0]);
    if (file_limit) {
      signal(SIGXFSZ, SIG_IGN);
      setrlimit(RLIMIT_FSIZE, &(struct rlimit){file_limit, file_limit});
    }
    execl(EIM_SANDBOX_PROGRAM, EIM_SANDBOX_PROGRAM, "--data", file, "--user", "alice:pw", "--user",
          "bob:pw", (char *)NULL);
    _exit(127);
  }
  close(out[1]);
  close(err[1]);
  p.out = out[0];
  p.err = err[0];
  char line[2000];
  read_text(p.out, line, sizeof line, true);
  cJSON *ready = cJSON_Parse(line);
  const char *url = cJSON_GetStringValue(cJSON_GetObjectItem(ready, "apiUrl"));
  p.port = url ? (uint16_t)atoi(strrchr(url, ':') + 1) : 0;
  cJSON_Delete(ready);
  return p;
}

static int finish(program *p, int signal_number) {
  int status = 0;
  if (signal_number) kill(p->pid, signal_number);
  waitpid(p->pid, &status, 0); /* ctest ends a test that hangs here */
  close(p->out);
  close(p->err);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static raw_socket *login(const program *p, const char *user) {
  char body[200];
  snprintf(body, sizeof body,
           "{\"grant_type\":\"password\",\"username\":\"%s\",\"password\":\"pw\"}", user);
  raw_answer answer = raw_http(p->port, NULL, "POST", "/sandbox/demo/token", NULL, NULL, body);
  raw_socket *s = answer.status == 200 ? raw_open(p->port, NULL, "/websocket", NULL) : NULL;
  Easemob__Pb__Provision *down =
      s ? raw_provision(s, KEY, user, raw_text(&answer, "access_token"), "r1", NULL) : NULL;
  bool good = down && down->status && !down->status->errorcode;
  if (down) easemob__pb__provision__free_unpacked(down, NULL);
  raw_free(&answer);
  if (good) return s;
  raw_close(s);
  return NULL;
}

TEST(one_process_at_a_time) {
  fresh();
  program p = run(0);
  REQUIRE(p.port);
  REFUSED(file, NULL, "is in use by another process");
  program other = run(0);
  char text[300];
  read_text(other.err, text, sizeof text, false);
  CHECK_CONTAINS(text, "is in use by another process");
  CHECK_INT(finish(&other, 0), 2);
  CHECK_INT(finish(&p, SIGTERM), 0);
  eim_sandbox *box = START(NULL);
  REFUSED(file, NULL, "is in use"); /* nor two in one process */
  eim_sandbox_free(box);
  sweep();
}

enum { BURST = 250 }; /* below the 256 that are known as repetitions */

/* Bob sends without waiting; alice fetches and acknowledges; after so many answers the program is
 * killed. Everything that was answered is there, once and in order; what was acknowledged is not;
 * what had no answer is sent again under its id, and is there once. */
static void kill_after(int answers, uint64_t *client_id) {
  program p = run(0);
  REQUIRE(p.port);
  raw_socket *a = login(&p, "alice"), *b = login(&p, "bob");
  REQUIRE(a && b);
  uint64_t ids[BURST] = {0}, key = 0, page[20], first = *client_id;
  for (int i = 0; i < BURST; i++)
    raw_send_text(b, KEY, "alice", USER, first + (uint64_t)i, 1, "hi", 0);
  *client_id += BURST;
  for (int i = 0; i < answers; i++) {
    Easemob__Pb__CommSyncDL *down = raw_read_sync(b);
    REQUIRE(down);
    CHECK(down->metaid == first + (uint64_t)i && down->status->errorcode == 0);
    ids[i] = down->serverid;
    easemob__pb__comm_sync_dl__free_unpacked(down, NULL);
  }
  int done = 0; /* acknowledged, and the answer to that was seen */
  if (answers >= 10) {
    CHECK_INT(fetch(a, "bob", &key, false, page), 10);
    fetch(a, "bob", &key, true, page);
    done = 10;
  }
  CHECK_INT(finish(&p, SIGKILL), 1000 + SIGKILL);
  raw_close(a);
  raw_close(b);

  p = run(0);
  REQUIRE(p.port);
  a = login(&p, "alice");
  b = login(&p, "bob");
  REQUIRE(a && b);
  for (int i = answers; i < BURST; i++) {
    ids[i] = say(b, "alice", first + (uint64_t)i, 1, "hi", 0);
    CHECK(ids[i] != 0);
  }
  int at = done, wrong = 0;
  for (size_t count = fetch(a, "bob", &key, false, page); count;
       count = fetch(a, "bob", &key, true, page))
    for (size_t i = 0; i < count; i++, at++) wrong += at >= BURST || page[i] != ids[at];
  CHECK_INT(wrong, 0);
  CHECK_INT(at, BURST);
  raw_close(a);
  raw_close(b);
  CHECK_INT(finish(&p, SIGTERM), 0);
}

TEST(a_kill_keeps_what_was_answered) {
  fresh();
  uint64_t client_id = 1000;
  static const int answers[] = {0, 1, 7, 50, 133, 200, 249, 250};
  for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) kill_after(answers[i], &client_id);
  sweep();
}

/* It was answered, and not a moment later the program is killed. */
static void again(program *p) {
  CHECK_INT(finish(p, SIGKILL), 1000 + SIGKILL);
  *p = run(0);
  if (!p->port) exit(1); /* nothing after this would tell anything */
}

/* An access token, to be freed; NULL: refused. */
static char *token_for(const program *p, const char *grant) {
  raw_answer answer = raw_http(p->port, NULL, "POST", "/sandbox/demo/token", NULL, NULL, grant);
  char *token = answer.status == 200 ? strdup(raw_text(&answer, "access_token")) : NULL;
  raw_free(&answer);
  return token;
}

/* Logged in by this token; NULL: refused. */
static raw_socket *enter(const program *p, const char *user, const char *token) {
  raw_socket *s = raw_open(p->port, NULL, "/websocket", NULL);
  Easemob__Pb__Provision *down = s ? raw_provision(s, KEY, user, token, "r1", NULL) : NULL;
  bool good = down && down->status && !down->status->errorcode;
  if (down) easemob__pb__provision__free_unpacked(down, NULL);
  if (good) return s;
  raw_close(s);
  return NULL;
}

#define ASK(...) free(rest_on(__LINE__, p.port, __VA_ARGS__))
#define CLIENT                                                                                     \
  "{\"grant_type\":\"client_credentials\",\"client_id\":\"" EIM_SANDBOX_CLIENT_ID                  \
  "\",\"client_secret\":\"" EIM_SANDBOX_CLIENT_SECRET "\"}"
#define PASSWORD(user, text)                                                                       \
  "{\"grant_type\":\"password\",\"username\":\"" user "\",\"password\":\"" text "\"}"

TEST(a_kill_keeps_accounts_tokens_groups_and_files) {
  fresh();
  program p = run(0);
  REQUIRE(p.port);
  ASK(NULL, "POST", "/users", "{\"username\":\"dora\",\"password\":\"first\"}");
  again(&p);
  ASK(NULL, "POST", "/users", "{\"username\":\"erin\",\"password\":\"pw\"}");
  again(&p);
  char *app = token_for(&p, CLIENT), *erin = token_for(&p, PASSWORD("erin", "pw"));
  REQUIRE(app && erin);
  again(&p);
  ASK(app, "PUT", "/users/dora/password", "{\"newpassword\":\"second\"}");
  again(&p);
  CHECK(!token_for(&p, PASSWORD("dora", "first")));
  char *dora = token_for(&p, PASSWORD("dora", "second"));
  REQUIRE(dora);
  again(&p);
  char *made = rest_on(__LINE__, p.port, app, "POST", "/chatgroups",
                       "{\"groupname\":\"G\",\"description\":\"D\",\"public\":true,"
                       "\"owner\":\"alice\",\"members\":[\"bob\"]}");
  again(&p);
  cJSON *json = cJSON_Parse(made);
  const char *group = cJSON_GetStringValue(cJSON_GetObjectItem(json, "groupid"));
  REQUIRE(group);
  char at[120], path[100], secret[64];
  snprintf(at, sizeof at, "/chatgroups/%s/users/dora", group);
  ASK(app, "POST", at, "");
  again(&p);
  upload(p.port, dora, 70000, 'f', path, secret);
  again(&p);
  raw_socket *s = enter(&p, "dora", dora); /* by the token of before */
  REQUIRE(s);
  raw_send_text(s, KEY, group, "conference.easemob.com", 1, 2, "to all", 0);
  Easemob__Pb__CommSyncDL *down = raw_read_sync(s);
  CHECK(down && down->status && !down->status->errorcode);
  if (down) easemob__pb__comm_sync_dl__free_unpacked(down, NULL);
  raw_close(s);
  again(&p);
  ASK(app, "DELETE", "/users/erin", NULL);
  again(&p);

  snprintf(at, sizeof at, "/chatgroups/%s", group);
  char *about = rest_on(__LINE__, p.port, app, "GET", at, NULL);
  CHECK_CONTAINS(about, "\"description\":\"D\"");
  CHECK_CONTAINS(about, "\"owner\":\"alice\"");
  CHECK_CONTAINS(about, "\"affiliations_count\":3");
  free(about);
  raw_answer answer = download(p.port, dora, path, secret, NULL);
  CHECK_INT(answer.status, 200);
  CHECK(answer.body && strlen(answer.body) == 70000 && strspn(answer.body, "f") == 70000);
  raw_free(&answer);
  static const char *const others[] = {"alice", "bob"};
  for (int i = 0; i < 2; i++) {
    raw_socket *other = login(&p, others[i]);
    REQUIRE(other);
    raw_fetch(other, KEY, group, "conference.easemob.com", NULL);
    down = raw_read_sync(other);
    int texts = 0; /* beside what the group said of itself */
    for (size_t n = 0; down && n < down->n_metas; n++)
      texts += down->metas[n]->ns == EASEMOB__PB__META__NAME_SPACE__CHAT;
    CHECK_INT(texts, 1);
    if (down) easemob__pb__comm_sync_dl__free_unpacked(down, NULL);
    raw_close(other);
  }
  CHECK(!enter(&p, "erin", erin) && !token_for(&p, PASSWORD("erin", "pw")));
  cJSON_Delete(json);
  free(made);
  free(app);
  free(erin);
  free(dora);
  CHECK_INT(finish(&p, SIGTERM), 0);
  sweep();
}

TEST(a_full_disk_ends_it_and_loses_nothing_that_was_answered) {
  fresh();
  program p = run(0);
  CHECK_INT(finish(&p, SIGTERM), 0);
  p = run(2000000);
  REQUIRE(p.port);
  raw_socket *b = login(&p, "bob");
  REQUIRE(b);
  uint64_t answered = 0, last = 0, id;
  while (answered < 10000 && (id = say(b, "alice", answered + 1, 1, "hello, disk", 0))) {
    answered++;
    last = id;
  }
  if (answered <= 10 || answered == 10000)
    eim_test_fail(__FILE__, __LINE__, "%d were answered", (int)answered);
  char text[400];
  read_text(p.err, text, sizeof text, false);
  CHECK_CONTAINS(text, "eim-sandbox: cannot write ");
  CHECK_CONTAINS(text, file);
  CHECK(strchr(text, '\n') && !strchr(text, '\n')[1]);
  CHECK_INT(finish(&p, 0), 1);
  raw_close(b);
  p = run(0);
  REQUIRE(p.port);
  raw_socket *a = login(&p, "alice");
  REQUIRE(a);
  uint64_t got = 0, key = 0, page[20], newest = 0;
  for (size_t count = fetch(a, "bob", &key, false, page); count;
       count = fetch(a, "bob", &key, true, page)) {
    got += count;
    newest = page[count - 1];
  }
  CHECK_INT(got, answered);
  CHECK(newest == last);
  raw_close(a);
  CHECK_INT(finish(&p, SIGTERM), 0);
  sweep();
}
