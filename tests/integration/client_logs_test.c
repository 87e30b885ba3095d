/* Logs over real sockets: the upload against the sandbox, and secrets that must be nowhere. */
#include <dirent.h>
#include <eim_sandbox.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cJSON.h"
#include "eim_test.h"
#include "peer.h"
#include "tiny_proxy.h"

EIM_TEST_MAIN

typedef struct text {
  pthread_mutex_t lock;
  char *data;
  size_t length;
} text;

static void add(text *self, const char *bytes, size_t length) {
  pthread_mutex_lock(&self->lock);
  self->data = realloc(self->data, self->length + length + 1);
  memcpy(self->data + self->length, bytes, length);
  self->length += length;
  self->data[self->length] = 0;
  pthread_mutex_unlock(&self->lock);
}

static void clear(text *self) {
  free(self->data);
  self->data = NULL;
  self->length = 0;
}

static void read_in(text *self, FILE *f) {
  char piece[4096];
  rewind(f);
  for (size_t n; (n = fread(piece, 1, sizeof piece, f));) add(self, piece, n);
}

static eim_sandbox *sandbox;
static char api[128], url[128], key[64], ca[256], dns[256], proxy_option[256];
static const char *options[24];
static int option_count;

static void set(const char *option) {
  options[option_count++] = option;
  options[option_count] = NULL;
}

static bool begin(const eim_sandbox_options *of, const char *password) {
  char error[256];
  sandbox = eim_sandbox_new(of, error, sizeof error);
  if (!sandbox) {
    fprintf(stderr, "  %s\n", error);
    return false;
  }
  eim_sandbox_add_user(sandbox, "alice", password);
  option_count = 0;
  snprintf(api, sizeof api, "apiUrl=%s", eim_sandbox_api_url(sandbox));
  snprintf(url, sizeof url, "url=%s", eim_sandbox_url(sandbox));
  snprintf(key, sizeof key, "appKey=%s", eim_sandbox_app_key(sandbox));
  snprintf(dns, sizeof dns, "dnsUrls=%s", eim_sandbox_dns_url(sandbox));
  set(key);
  set(dns);
  set("reconnectBaseMs=20");
  set("enableReportLogs=true");
  if (eim_sandbox_ca_file(sandbox)) {
    snprintf(ca, sizeof ca, "caFile=%s", eim_sandbox_ca_file(sandbox));
    set(ca);
  }
  eim_log_set_console(false);
  return true;
}

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What the sandbox was given, once it contains `part`. "" at the deadline. */
static char *uploaded(peer *p, const char *part) {
  int64_t deadline = now_ms() + PEER_WAIT;
  for (;;) {
    char *got = eim_sandbox_uploaded_logs(sandbox, "alice");
    if (got && strstr(got, part)) return got;
    free(got);
    if (now_ms() > deadline) return calloc(1, 1);
    eim_context_poll(p->context, 20, 0);
  }
}

/* ------------------------------------------------------------------ the upload */

/* The lines of one client as the upload has them, from another sink. */
typedef struct expected {
  text lines;
  uint64_t client; /* of the first line that has one */
} expected;

static void expect(void *user_data, const eim_log_record *record) {
  static const char *const levels[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR"};
  expected *self = user_data;
  char line[4096], date[32];
  time_t seconds = (time_t)(record->time / 1000);
  struct tm tm;
  if (!record->client || record->level < EIM_LOG_DEBUG || !strcmp(record->module, "report")) return;
  gmtime_r(&seconds, &tm);
  strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
  int length = snprintf(line, sizeof line, "%s.%03dZ %s %s[%llu]: %s\n", date,
                        (int)(record->time % 1000), levels[record->level], record->module,
                        (unsigned long long)record->client, record->message);
  add(&self->lines, line, (size_t)length);
}

TEST(the_last_upload_has_every_line_whatever_fails) {
  static const eim_sandbox_failure faults[] = {{EIM_SANDBOX_BY_HTTP, 503, "{}"},
                                               {EIM_SANDBOX_BY_HTTP, 500, "<html>"},
                                               {EIM_SANDBOX_BY_DISCONNECT, 0, NULL},
                                               {EIM_SANDBOX_BY_GARBAGE, 0, NULL},
                                               {EIM_SANDBOX_BY_HTTP, 200, "{\"status\":\"no\"}"}};
  for (size_t i = 0; i <= sizeof faults / sizeof *faults; i++)
    for (int is_dns = 0; is_dns < 2; is_dns++) {
      expected want = {.lines = {.lock = PTHREAD_MUTEX_INITIALIZER}};
      peer p;
      REQUIRE(begin(&(eim_sandbox_options){.report_logs = true, .tls = i == 0}, "pw"));
      if (!is_dns) set(api), set(url);
      if (i) set("https=false");
      eim_log_set_level(EIM_LOG_TRACE);
      eim_log_set_callback(expect, &want);
      peer_start(&p, NULL, 1, options);
      CHECK_INT(peer_code(&p, peer_open_password(&p, "alice", "pw")), 0);
      eim_sandbox_cut(sandbox, "alice"); /* something to tell */
      CHECK(peer_wait(&p, PEER_RECONNECTING, PEER_WAIT) != NULL);
      CHECK(peer_until(&p, EIM_STATE_ONLINE, PEER_WAIT));
      if (i) CHECK(eim_sandbox_fail_next(sandbox, EIM_SANDBOX_LOGS, 1, &faults[i - 1]));
      int64_t before = now_ms();
      CHECK_INT(peer_code(&p, peer_close(&p)), 0);
      CHECK(now_ms() - before < 1000); /* close() does not wait for it */
      char *got = uploaded(&p, "-> OFFLINE\n");
      eim_log_set_callback(NULL, NULL);
      CHECK_STR(got, want.lines.data);
      CHECK_INT(eim_sandbox_count(sandbox, EIM_SANDBOX_LOGS), i ? 2 : 1);
      free(got);
      clear(&want.lines);
      peer_stop(&p);
      eim_sandbox_free(sandbox);
    }
  eim_log_set_level(EIM_LOG_WARN);
}

TEST(two_clients_upload_their_own_lines) {
  peer one, two;
  REQUIRE(begin(&(eim_sandbox_options){.report_logs = true}, "pw"));
  eim_sandbox_add_user(sandbox, "bob", "pw");
  set("https=false");
  peer_start(&one, NULL, 1, options);
  peer_start(&two, one.context, 0, options);
  CHECK_INT(peer_code(&one, peer_open_password(&one, "alice", "pw")), 0);
  CHECK_INT(peer_code(&two, peer_open_password(&two, "bob", "pw")), 0);
  CHECK_INT(peer_code(&two, peer_close(&two)), 0);
  CHECK_INT(peer_code(&one, peer_close(&one)), 0);
  char *of_one = uploaded(&one, "-> OFFLINE\n");
  char *of_two = NULL;
  for (int64_t deadline = now_ms() + PEER_WAIT; now_ms() < deadline;) {
    free(of_two);
    of_two = eim_sandbox_uploaded_logs(sandbox, "bob");
    if (of_two && strstr(of_two, "-> OFFLINE\n")) break;
    eim_context_poll(one.context, 20, 0);
  }
  char tag_one[32], tag_two[32];
  unsigned long long number = 0;
  REQUIRE(of_one && of_two && sscanf(strchr(of_one, '['), "[%llu]", &number) == 1);
  snprintf(tag_one, sizeof tag_one, "[%llu]", number);
  REQUIRE(sscanf(strchr(of_two, '['), "[%llu]", &number) == 1);
  snprintf(tag_two, sizeof tag_two, "[%llu]", number);
  CHECK(strcmp(tag_one, tag_two) != 0);
  CHECK(!strstr(of_one, tag_two) && !strstr(of_two, tag_one));
  free(of_one);
  free(of_two);
  peer_stop(&two);
  peer_stop(&one);
  eim_sandbox_free(sandbox);
}

TEST(a_list_that_says_no_is_obeyed) {
  peer p;
  REQUIRE(begin(NULL, "pw"));
  set("https=false");
  peer_start(&p, NULL, 1, options);
  CHECK_INT(peer_code(&p, peer_open_password(&p, "alice", "pw")), 0);
  CHECK_INT(peer_code(&p, peer_close(&p)), 0);
  peer_idle(&p, 300);
  CHECK_INT(eim_sandbox_count(sandbox, EIM_SANDBOX_LOGS), 0);
  peer_stop(&p);
  eim_sandbox_free(sandbox);
}

/* ------------------------------------------------------------------ secrets */

#define PASSWORD "pl4nted-p4ssword"
#define WRONG_PASSWORD "pl4nted-wr0ng"
#define PROXY_PASSWORD "pl4nted-pr0xy"
#define BAD_TOKEN "YWMtpl4nted-t0ken-that-nobody-gave-out"
#define MESSAGE_TEXT "pl4nted-text-of-a-message"

static text from_callback = {.lock = PTHREAD_MUTEX_INITIALIZER},
            from_subscription = {.lock = PTHREAD_MUTEX_INITIALIZER},
            from_download = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void collect(void *user_data, const eim_log_record *record) {
  add(user_data, record->message, strlen(record->message));
  add(user_data, "\n", 1);
}

static void download(void *user_data, const char *bytes, size_t length) {
  add(user_data, bytes, length);
}

static char tokens[8][128];
static int token_count;

static const char *token(void) {
  char *out = tokens[token_count++];
  CHECK(eim_sandbox_issue_token(sandbox, "alice", 0, out, sizeof tokens[0]));
  return out;
}

/* No secret, whole or in part, and something at all. */
static void no_secret(const char *where, const char *bytes) {
  if (!bytes || !*bytes) {
    eim_test_fail(__FILE__, __LINE__, "%s: nothing there", where);
    return;
  }
  const char *hit = strstr(bytes, "pl4nted");
  if (hit) eim_test_fail(__FILE__, __LINE__, "%s: \"%.60s\"", where, hit);
  for (int i = 0; i < token_count; i++) {
    char part[13]; /* not even the beginning, as other SDKs log it */
    snprintf(part, sizeof part, "%.12s", tokens[i]);
    if (strstr(bytes, part)) eim_test_fail(__FILE__, __LINE__, "%s: a token", where);
  }
  if (strstr(bytes, "YWMt")) eim_test_fail(__FILE__, __LINE__, "%s: a token it got itself", where);
}

/* Everything that has to do with a secret, refusals too. */
static void live(void) {
  peer p;
  peer_start(&p, NULL, 1, options);
  CHECK_INT(eim_context_subscribe_log(p.context, EIM_LOG_TRACE, collect, &from_subscription), 0);
  CHECK(peer_code(&p, peer_register(&p, "alice", PASSWORD)) != 0); /* exists already */
  CHECK_INT(peer_code(&p, peer_register(&p, "carol", PASSWORD)), 0);
  CHECK(peer_code(&p, peer_open_password(&p, "alice", WRONG_PASSWORD)) != 0);
  CHECK(peer_code(&p, peer_open_token(&p, "alice", BAD_TOKEN)) != 0);
  CHECK_INT(peer_code(&p, peer_open_password(&p, "alice", PASSWORD)), 0);
  CHECK_INT(peer_code(&p, peer_renew(&p, token())), 0);
  CHECK(peer_code(&p, peer_renew(&p, BAD_TOKEN)) != 0);
  CHECK_INT(peer_code(&p, peer_send(&p, "alice", MESSAGE_TEXT)), 0);
  eim_sandbox_push(sandbox, "alice", "bob", MESSAGE_TEXT);
  CHECK(peer_wait(&p, PEER_MESSAGE, PEER_WAIT) != NULL);
  eim_sandbox_raw(sandbox, "alice", "\xff\xff\xff" MESSAGE_TEXT, 28, false); /* no frame */
  eim_sandbox_cut(sandbox, "alice");
  CHECK(peer_wait(&p, PEER_RECONNECTING, PEER_WAIT) != NULL);
  CHECK(peer_until(&p, EIM_STATE_ONLINE, PEER_WAIT));
  eim_sandbox_failure refuse = {EIM_SANDBOX_BY_HTTP, 500, "{\"error\":\"" BAD_TOKEN "\"}"};
  CHECK(eim_sandbox_fail_next(sandbox, EIM_SANDBOX_EXPIRES, 1, &refuse));
  CHECK(peer_code(&p, peer_renew(&p, token())) != 0); /* a server that tells secrets */
  CHECK_INT(peer_code(&p, peer_close(&p)), 0);
  free(uploaded(&p, "-> OFFLINE\n"));
  CHECK_INT(peer_code(&p, peer_open_token(&p, "alice", token())), 0);
  CHECK_INT(peer_code(&p, peer_close(&p)), 0);
  while (eim_context_poll(p.context, 100, 0) > 0) {}
  char folder[] = "/tmp/eim-secret-XXXXXX", path[256];
  REQUIRE(mkdtemp(folder));
  CHECK_INT(eim_log_bundle(p.client, folder), EIM_OK);
  static const char *const names[] = {"log.txt", "version.txt", "config.json", "health.json"};
  for (int i = 0; i < 4; i++) {
    text file = {.lock = PTHREAD_MUTEX_INITIALIZER};
    snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    FILE *f = fopen(path, "r");
    REQUIRE(f);
    read_in(&file, f);
    no_secret(names[i], file.data);
    clear(&file);
    fclose(f);
    remove(path);
  }
  rmdir(folder);
  peer_stop(&p);
}

TEST(no_secret_comes_out_anywhere) {
  char path[] = "/tmp/eim-secret-XXXXXX";
  text of_file = {.lock = PTHREAD_MUTEX_INITIALIZER},
       of_console = {.lock = PTHREAD_MUTEX_INITIALIZER};
  tiny_proxy *proxy = tiny_proxy_new("proxy:" PROXY_PASSWORD);
  FILE *console = tmpfile();
  int fd = mkstemp(path), saved = dup(STDERR_FILENO);
  REQUIRE(proxy && console && fd >= 0 && saved >= 0);
  close(fd);
  token_count = 0;
  REQUIRE(begin(&(eim_sandbox_options){.report_logs = true, .tls = true}, PASSWORD));
  set("reportLogLevel=TRACE");
  snprintf(proxy_option, sizeof proxy_option, "proxy=http://proxy:" PROXY_PASSWORD "@127.0.0.1:%u",
           (unsigned)tiny_proxy_port(proxy));
  set(proxy_option);
  eim_log_enable_all();
  eim_log_set_cache(true, 64 << 20);
  CHECK_INT(eim_log_set_file(path, 64 << 20), EIM_OK);
  eim_log_set_callback(collect, &from_callback);
  fflush(stderr);
  dup2(fileno(console), STDERR_FILENO);
  eim_log_set_console(true);
  live();
  char bad_proxy[256]; /* and a proxy that refuses */
  snprintf(bad_proxy, sizeof bad_proxy, "proxy=http://proxy:pl4nted-bad@127.0.0.1:%u",
           (unsigned)tiny_proxy_port(proxy));
  options[option_count - 1] = bad_proxy;
  set("loginTimeout=1000");
  peer p;
  peer_start(&p, NULL, 1, options);
  CHECK(peer_code(&p, peer_open_password(&p, "alice", PASSWORD)) != 0);
  peer_stop(&p);
  eim_log_set_console(false);
  dup2(saved, STDERR_FILENO);
  close(saved);
  eim_log_set_callback(NULL, NULL);
  CHECK_INT(eim_log_set_file(NULL, 0), EIM_OK);
  CHECK_INT(eim_log_download(download, &from_download), EIM_OK);
  eim_log_set_cache(false, 0);
  eim_log_set_level(EIM_LOG_WARN);
  CHECK(tiny_proxy_tunnels(proxy) > 0 && tiny_proxy_refused(proxy) > 0);

  read_in(&of_console, console);
  fclose(console);
  FILE *f = fopen(path, "r");
  REQUIRE(f);
  read_in(&of_file, f);
  fclose(f);
  remove(path);
  char *received = eim_sandbox_uploaded_logs(sandbox, "alice"), *log = eim_sandbox_log(sandbox);
  no_secret("console", of_console.data);
  no_secret("callback", from_callback.data);
  no_secret("subscription", from_subscription.data);
  no_secret("download", from_download.data);
  no_secret("file", of_file.data);
  no_secret("upload", received);
  no_secret("log of the sandbox", log);
  CHECK_CONTAINS(received, "session["); /* they did see the session */
  CHECK_CONTAINS(of_file.data, "lws: ");
  CHECK_CONTAINS(of_console.data, "ONLINE -> OFFLINE");
  CHECK_CONTAINS(from_subscription.data, "-> ONLINE");
  free(received);
  free(log);
  clear(&of_console), clear(&of_file);
  clear(&from_callback), clear(&from_subscription), clear(&from_download);
  eim_sandbox_free(sandbox);
  tiny_proxy_free(proxy);
}
