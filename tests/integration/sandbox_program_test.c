/* The program eim-sandbox and the admin API: docs/sandbox.md. */
#include "eim_test.h"
#include "raw_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

EIM_TEST_MAIN

typedef struct program {
  pid_t pid;
  int out, err;
} program;

static program run(const char *const *arguments) {
  int out[2], err[2];
  program p = {-1, -1, -1};
  if (pipe(out) || pipe(err)) return p;
  p.pid = fork();
  if (p.pid == 0) {
    const char *argv[16] = {EIM_SANDBOX_PROGRAM};
    for (int i = 0; arguments[i] && i < 14; i++) argv[i + 1] = arguments[i];
    dup2(out[1], 1);
    dup2(err[1], 2);
    close(out[0]);
    close(err[0]);
    execv(EIM_SANDBOX_PROGRAM, (char *const *)argv);
    _exit(127);
  }
  close(out[1]);
  close(err[1]);
  p.out = out[0];
  p.err = err[0];
  return p;
}

/* One line, or all there is. */
static void read_text(int fd, char *text, size_t size, bool line) {
  size_t n = 0;
  struct pollfd waiting = {fd, POLLIN, 0};
  while (n + 1 < size && poll(&waiting, 1, RAW_DEADLINE_MS) > 0 && read(fd, text + n, 1) == 1)
    if (text[n++] == '\n' && line) break;
  text[n] = 0;
}

static int finish(program *p, int signal_number) {
  int status = 0;
  if (signal_number) kill(p->pid, signal_number);
  waitpid(p->pid, &status, 0); /* ctest ends a test that hangs here */
  close(p->out);
  close(p->err);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* Ends by itself with this status, one line on stderr that contains the part, nothing on stdout. */
static void refused_at(int line, int status, const char *part, const char *const *arguments) {
  program p = run(arguments);
  char err[2000], out[100];
  read_text(p.err, err, sizeof err, false);
  read_text(p.out, out, sizeof out, false);
  int actual = finish(&p, 0);
  const char *end = strchr(err, '\n');
  if (actual != status || !strstr(err, part) || !end || end[1] || *out)
    eim_test_fail(__FILE__, line, "exit %d, stderr \"%s\", stdout \"%s\"", actual, err, out);
}
#define REFUSED(status, part, ...)                                                                 \
  refused_at(__LINE__, status, part, (const char *const[]){__VA_ARGS__, NULL})

TEST(bad_flags) {
  REFUSED(2, "--bogus", "--bogus");
  REFUSED(2, "port", "--port", "70000");
  REFUSED(2, "port", "--port", "x");
  REFUSED(2, "name:password", "--user", "alice");
  REFUSED(2, "ALICE", "--user", "alice:x", "--user", "ALICE:y");
  REFUSED(2, "org#app", "--app-key", "nohash");
  REFUSED(2, "yes or no", "--open-registration", "maybe");
  REFUSED(2, "seconds", "--token-ttl", "0");
  REFUSED(2, "unexpected", "what");
  REFUSED(2, "--port", "--port");
  REFUSED(2, "localhost port 0: not a numeric address", "--bind", "localhost");
  REFUSED(2, "cannot listen on 203.0.113.1 port 0: Cannot assign", "--bind", "203.0.113.1");
}

TEST(help_and_version) {
  char text[4000];
  program p = run((const char *const[]){"--help", NULL});
  read_text(p.out, text, sizeof text, false);
  CHECK_INT(finish(&p, 0), 0);
  CHECK_CONTAINS(text, "--open-registration yes|no");
  p = run((const char *const[]){"--version", NULL});
  read_text(p.out, text, sizeof text, false);
  CHECK_INT(finish(&p, 0), 0);
  CHECK_CONTAINS(text, "eim-sandbox 0.");
}

static uint16_t port_of(const cJSON *ready, const char *member) {
  const cJSON *url = cJSON_GetObjectItem(ready, member);
  const char *colon = cJSON_IsString(url) ? strrchr(url->valuestring, ':') : NULL;
  return colon ? (uint16_t)atoi(colon + 1) : 0;
}

TEST(one_line_when_ready_and_an_end_by_signal) {
  static const int signals[] = {SIGINT, SIGTERM};
  for (int i = 0; i < 2; i++) {
    program p = run(
        (const char *const[]){"--user", "alice:pw", "--app-key", "o#a", "--token-ttl", "60", NULL});
    char line[2000], rest[100], number[8];
    read_text(p.out, line, sizeof line, true);
    cJSON *ready = cJSON_Parse(line);
    static const char *const members[] = {"apiUrl",   "url",    "sockjsUrl", "dnsUrl",
                                          "adminUrl", "appKey", "caFile",    "pid"};
    for (size_t m = 0; m < sizeof members / sizeof *members; m++)
      if (!cJSON_HasObjectItem(ready, members[m]))
        eim_test_fail(__FILE__, __LINE__, "no %s in %s", members[m], line);
    CHECK(cJSON_IsNull(cJSON_GetObjectItem(ready, "caFile")));
    CHECK(cJSON_IsString(cJSON_GetObjectItem(ready, "sockjsUrl")));
    CHECK_INT(cJSON_GetNumberValue(cJSON_GetObjectItem(ready, "pid")), p.pid);
    uint16_t port = port_of(ready, "apiUrl");
    raw_answer answer =
        raw_http(port, NULL, "POST", "/o/a/token", NULL, NULL,
                 "{\"grant_type\":\"password\",\"username\":\"alice\",\"password\":\"pw\"}");
    CHECK_INT(answer.status, 200);
    CHECK_INT(cJSON_GetNumberValue(cJSON_GetObjectItem(answer.json, "expires_in")), 60);
    raw_free(&answer);
    snprintf(number, sizeof number, "%u", port);
    REFUSED(2, ": Address already in use", "--port", number);
    cJSON_Delete(ready);
    kill(p.pid, signals[i]);
    read_text(p.out, rest, sizeof rest, false);
    CHECK_STR(rest, "");
    CHECK_INT(finish(&p, 0), 0);
  }
}

static int connect_error(const char *address, uint16_t port) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
  inet_pton(AF_INET, address, &name.sin_addr);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int error = connect(fd, (struct sockaddr *)&name, sizeof name) ? errno : 0;
  close(fd);
  return error;
}

TEST(it_listens_where_it_was_told_and_nowhere_else) {
  static const char *const all[] = {"127.0.0.1", "127.0.0.2", "127.0.0.3"};
  for (int bound = 0; bound < 2; bound++) {
    program p = run((const char *const[]){"--bind", all[bound], NULL});
    char line[2000];
    read_text(p.out, line, sizeof line, true);
    cJSON *ready = cJSON_Parse(line);
    for (int i = 0; i < 3; i++) {
      CHECK_INT(connect_error(all[i], port_of(ready, "apiUrl")), i == bound ? 0 : ECONNREFUSED);
      CHECK_INT(connect_error(all[i], port_of(ready, "adminUrl")), i == 0 ? 0 : ECONNREFUSED);
    }
    CHECK_INT(finish(&p, SIGTERM), 0);
    cJSON_Delete(ready);
  }
}

TEST(tls_leaves_nothing_behind) {
  program p = run((const char *const[]){"--tls", NULL});
  char line[2000];
  read_text(p.out, line, sizeof line, true);
  cJSON *ready = cJSON_Parse(line);
  const cJSON *ca = cJSON_GetObjectItem(ready, "caFile");
  REQUIRE(cJSON_IsString(ca));
  CHECK(access(ca->valuestring, R_OK) == 0);
  raw_answer answer = raw_http(port_of(ready, "apiUrl"), ca->valuestring, "GET",
                               "/easemob/server.json", NULL, NULL, NULL);
  CHECK_INT(answer.status, 200);
  raw_free(&answer);
  answer = raw_http(port_of(ready, "adminUrl"), NULL, "GET", "/counters", NULL, NULL, NULL);
  CHECK_INT(answer.status, 403); /* "Host: localhost" without the port is not its name */
  raw_free(&answer);
  CHECK_INT(finish(&p, SIGTERM), 0);
  CHECK(access(ca->valuestring, R_OK) != 0);
  cJSON_Delete(ready);
}

/* --- the admin API, in this process */

static eim_sandbox *box;

static raw_answer admin_headers(const char *method, const char *path, const char *more,
                                const char *body) {
  char headers[400];
  const char *colon = strrchr(eim_sandbox_admin_url(box), ':');
  snprintf(headers, sizeof headers, "Host: 127.0.0.1:%s\r\nContent-Length: %zu\r\n%s", colon + 1,
           body ? strlen(body) : 0, more);
  return raw_http_headers((uint16_t)atoi(colon + 1), NULL, method, path, headers, body);
}

static void admin_at(int line, const char *path, const char *body, int status, const char *part) {
  raw_answer answer = admin_headers(body ? "POST" : "GET", path, "", body);
  if (answer.status != status || !answer.body || !strstr(answer.body, part))
    eim_test_fail(__FILE__, line, "%s %s: %d %s", path, body ? body : "", answer.status,
                  answer.body ? answer.body : "");
  raw_free(&answer);
}
#define ADMIN(...) admin_at(__LINE__, __VA_ARGS__)

TEST(admin_api) {
  box = eim_sandbox_new(NULL, NULL, 0);
  REQUIRE(box);
  ADMIN("/users", "{\"user\":\"alice\",\"password\":\"pw\"}", 200, "\"ok\":true");
  ADMIN("/users", "{\"user\":\"a lice\",\"password\":\"pw\"}", 400, "error");
  ADMIN("/users", NULL, 200, "\"user\":\"alice\"");
  ADMIN("/token", "{\"user\":\"alice\",\"ttl\":60}", 200, "YWMt");
  ADMIN("/token", "{\"user\":\"nobody\"}", 404, "no such user");
  raw_socket *s = raw_login(box, "alice", "pw", "r1");
  REQUIRE(s);
  ADMIN("/sessions", NULL, 200, "\"resource\":\"r1\"");
  ADMIN("/push", "{\"user\":\"alice\",\"from\":\"bob\",\"text\":\"hi\"}", 200, "\"id\":\"");
  ADMIN("/push", "{\"user\":\"nobody\",\"text\":\"hi\"}", 404, "error");
  Easemob__Pb__MSync *notice = raw_read_frame(s);
  CHECK(notice && notice->command == EASEMOB__PB__MSYNC__COMMAND__NOTICE);
  raw_free_frame(notice);
  const uint8_t *bytes;
  size_t size;
  ADMIN("/raw", "{\"user\":\"alice\",\"hex\":\"00ff\"}", 200, "\"count\":1");
  CHECK(raw_read(s, &bytes, &size) == 2 && size == 2 && bytes[1] == 0xff);
  ADMIN("/raw", "{\"user\":\"alice\",\"hex\":\"0\"}", 400, "error");
  ADMIN("/raw", "{\"user\":\"alice\",\"text\":\"[1]\"}", 200, "\"count\":1");
  CHECK_INT(raw_read(s, &bytes, &size), 1);
  ADMIN("/freeze", "{\"user\":\"alice\"}", 200, "ok");
  ADMIN("/freeze", "{\"user\":\"alice\",\"on\":false}", 200, "ok");
  ADMIN("/delay", "{\"ms\":1}", 200, "ok");
  ADMIN("/delay", "{}", 200, "ok");
  ADMIN("/clock", "{\"ms\":1000}", 200, "\"now\":");
  ADMIN("/groups", "{\"id\":\"g1\",\"members\":[\"alice\"]}", 200, "ok");
  ADMIN("/groups", "{}", 400, "error");
  ADMIN("/fail", "{\"what\":\"dns\",\"how\":\"http\",\"status\":500,\"n\":1}", 200, "ok");
  raw_answer answer =
      raw_http(eim_sandbox_port(box), NULL, "GET", "/easemob/server.json", NULL, NULL, NULL);
  CHECK_INT(answer.status, 500);
  raw_free(&answer);
  ADMIN("/fail", "{\"what\":\"nothing\",\"how\":\"http\"}", 400, "what: dns");
  ADMIN("/fail", "{\"what\":\"dns\",\"how\":\"magic\"}", 400, "how: http");
  ADMIN("/counters", NULL, 200, "\"dns\":1");
  ADMIN("/log", NULL, 200, "\"what\":\"provision\"");
  ADMIN("/kick", "{\"user\":\"alice\",\"operation\":4}", 200, "\"count\":1");
  Easemob__Pb__CommSyncDL *kick = raw_read_sync(s);
  CHECK(kick && kick->n_metas == 1);
  if (kick) easemob__pb__comm_sync_dl__free_unpacked(kick, NULL);
  CHECK(raw_ended(s));
  raw_close(s);
  s = raw_login(box, "alice", "pw", "r1");
  REQUIRE(s);
  ADMIN("/cut", "{\"user\":\"alice\"}", 200, "\"count\":1");
  CHECK_INT(raw_read(s, NULL, NULL), 0);
  raw_close(s);
  ADMIN("/expire", "{\"user\":\"alice\"}", 200, "ok");
  ADMIN("/clear", "{}", 200, "ok");
  ADMIN("/counters", NULL, 200, "\"dns\":0");
  ADMIN("/users", "{\"user\":\"alice\",\"active\":false}", 200, "ok");
  ADMIN("/users", "{\"user\":\"alice\",\"remove\":true}", 200, "ok");
  ADMIN("/users", "{\"user\":\"alice\",\"remove\":true}", 404, "no such user");
  ADMIN("/nothing", "{}", 404, "docs/sandbox.md");
  ADMIN("/nothing", NULL, 404, "docs/sandbox.md");
  ADMIN("/kick", "[1]", 400, "JSON object");
  ADMIN("/kick", "rubbish", 400, "JSON object");
  eim_sandbox_free(box);
}

TEST(admin_api_is_not_for_web_pages) {
  box = eim_sandbox_new(NULL, NULL, 0);
  REQUIRE(box);
  uint16_t port = (uint16_t)atoi(strrchr(eim_sandbox_admin_url(box), ':') + 1);
  raw_answer answer = raw_http_headers(port, NULL, "GET", "/users", "Host: evil.example\r\n", NULL);
  CHECK_INT(answer.status, 403);
  raw_free(&answer);
  answer = admin_headers("GET", "/users", "Origin: http://evil.example\r\n", NULL);
  CHECK_INT(answer.status, 403);
  raw_free(&answer);
  answer = admin_headers("GET", "/users", "", NULL);
  CHECK_INT(answer.status, 200);
  raw_free(&answer);
  answer = raw_http(eim_sandbox_port(box), NULL, "GET", "/counters", NULL, NULL, NULL);
  CHECK_INT(answer.status, 404); /* not on the public port */
  raw_free(&answer);
  eim_sandbox_free(box);
}
