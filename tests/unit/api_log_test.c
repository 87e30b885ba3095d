/* The logger's public calls: subscription of a context, download, file, bundle. */
#include "eim_test.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <eim/eim.h>

#include "api_fake_net.h"
#include "log/log.h"

enum { SOON = 5000 };

typedef struct listener {
  eim_context *context;
  int lines, last_number, lost, wrong;
  char last[256], module[32];
  eim_log_level level;
  uint64_t client;
  void (*act)(struct listener *self);
} listener;

static void on_line(void *user_data, const eim_log_record *record) {
  listener *self = user_data;
  int number;
  self->lines++;
  self->level = record->level;
  self->client = record->client;
  snprintf(self->last, sizeof self->last, "%s", record->message);
  snprintf(self->module, sizeof self->module, "%s", record->module);
  if (!strcmp(record->module, "log") && strstr(record->message, "were lost"))
    self->lost += atoi(record->message), self->last_number += atoi(record->message);
  else if (sscanf(record->message, "number %d", &number) == 1) {
    if (number != self->last_number + 1) self->wrong++;
    self->last_number = number;
  }
  if (self->act) self->act(self);
}

static void begin(listener *self, const char *io_threads, eim_log_level level) {
  eim_config *config;
  *self = (listener){.last_number = -1};
  fake_reset();
  eim_log_set_level(EIM_LOG_SILENT);
  eim_log_set_console(false);
  CHECK_INT(eim_config_new(&config), EIM_OK);
  CHECK_INT(eim_config_set(config, "ioThreads", io_threads), EIM_OK);
  CHECK_INT(eim_context_new(config, &self->context), EIM_OK);
  eim_config_free(config);
  CHECK_INT(eim_context_subscribe_log(self->context, level, on_line, self), EIM_OK);
}

static void end(listener *self) {
  eim_context_shutdown(self->context);
  eim_context_unref(self->context);
  eim_log_set_level(EIM_LOG_WARN);
  eim_log_set_console(true);
}

TEST(lines_are_events_of_the_context) {
  for (int threads = 0; threads < 2; threads++) {
    listener l;
    begin(&l, threads ? "1" : "0", EIM_LOG_INFO);
    struct pollfd fd = {.fd = eim_context_fd(l.context), .events = POLLIN};
    while (eim_context_poll(l.context, 0, 0) > 0) {}
    CHECK_INT(poll(&fd, 1, 0), 0);
    LOG_DEBUG("test", 1, "below");
    LOG_INFO("test", 7, "number 0");
    LOG_ERROR("test", 0, "number 1");
    CHECK_INT(l.lines, 0); /* not before poll */
    CHECK_INT(poll(&fd, 1, SOON), 1);
    CHECK_INT(eim_context_poll(l.context, SOON, 1), 1);
    CHECK_INT(l.lines, 1);
    CHECK_STR(l.last, "number 0");
    CHECK_STR(l.module, "test");
    CHECK_INT(l.client, 7);
    CHECK_INT(l.level, EIM_LOG_INFO);
    CHECK_INT(eim_context_poll(l.context, SOON, 0), 1);
    CHECK_INT(l.last_number, 1);
    CHECK_INT(eim_log_get_level(), EIM_LOG_SILENT); /* of the other sinks */
    /* Another one replaces it, NULL ends it. */
    listener other = {.last_number = -1};
    LOG_INFO("test", 0, "for the former one");
    CHECK_INT(eim_context_subscribe_log(l.context, EIM_LOG_TRACE, on_line, &other), EIM_OK);
    LOG_TRACE("test", 0, "number 0");
    while (!other.lines) CHECK(eim_context_poll(l.context, SOON, 0) >= 0);
    CHECK_INT(l.lines, 2);
    CHECK_STR(other.last, "number 0");
    CHECK_INT(eim_context_subscribe_log(l.context, EIM_LOG_TRACE, NULL, NULL), EIM_OK);
    CHECK_INT(eim_log_threshold, EIM_LOG_SILENT);
    LOG_ERROR("test", 0, "nobody hears");
    CHECK_INT(eim_context_poll(l.context, 0, 0), 0);
    CHECK_INT(eim_context_subscribe_log(l.context, (eim_log_level)9, on_line, &l), EIM_E_INVALID);
    CHECK_INT(eim_context_subscribe_log(NULL, EIM_LOG_TRACE, on_line, &l), EIM_E_INVALID);
    end(&l);
  }
}

TEST(shutdown_ends_a_subscription) {
  listener l;
  begin(&l, "1", EIM_LOG_TRACE);
  LOG_INFO("test", 0, "before");
  eim_context_shutdown(l.context);
  LOG_INFO("test", 0, "after");
  CHECK_INT(l.lines, 0);
  CHECK_INT(eim_log_threshold, EIM_LOG_SILENT);
  CHECK_INT(eim_context_subscribe_log(l.context, EIM_LOG_TRACE, on_line, &l), EIM_E_CLOSED);
  CHECK_INT(eim_log_threshold, EIM_LOG_SILENT);
  CHECK_INT(eim_context_poll(l.context, 0, 0), EIM_E_CLOSED);
  end(&l);
}

static void log_more(listener *self) {
  if (self->lines < 50) LOG_INFO("test", 0, "number %d", self->last_number + 1);
}
static void end_it(listener *self) {
  CHECK_INT(eim_context_subscribe_log(self->context, EIM_LOG_TRACE, NULL, NULL), EIM_OK);
}

TEST(the_callback_may_log_and_end_itself) {
  listener l;
  begin(&l, "1", EIM_LOG_INFO);
  l.act = log_more;
  LOG_INFO("test", 0, "number 0");
  while (l.lines < 50) CHECK(eim_context_poll(l.context, SOON, 0) > 0);
  CHECK_INT(l.wrong, 0);
  l.act = end_it;
  LOG_INFO("test", 0, "number 50");
  LOG_INFO("test", 0, "number 51");
  CHECK_INT(eim_context_poll(l.context, SOON, 0), 1);
  CHECK_INT(l.lines, 51);
  CHECK_INT(eim_context_poll(l.context, 0, 0), 0);
  end(&l);
}

TEST(lines_that_nobody_polls_are_lost_and_counted) {
  listener l;
  begin(&l, "1", EIM_LOG_INFO);
  for (int i = 0; i < 5000; i++) LOG_INFO("test", 0, "number %d", i);
  while (eim_context_poll(l.context, 0, 0) > 0) {}
  CHECK_INT(l.lines, 1024);
  LOG_INFO("test", 0, "number %d", 5000);
  while (eim_context_poll(l.context, 0, 0) > 0) {}
  CHECK_INT(l.lost, 5000 - 1024);
  CHECK_INT(l.last_number, 5000);
  CHECK_INT(l.wrong, 0);
  char large[2000]; /* few lines, many bytes */
  memset(large, 'x', sizeof large - 1);
  large[sizeof large - 1] = 0;
  l.lines = 0;
  for (int i = 0; i < 1000; i++) LOG_INFO("test", 0, "%s", large);
  while (eim_context_poll(l.context, 0, 0) > 0) {}
  CHECK_INT(l.lines, 256 * 1024 / 2000);
  LOG_INFO("test", 0, "number 5001");
  while (eim_context_poll(l.context, 0, 0) > 0) {}
  CHECK_INT(l.lost, 5000 - 1024 + 1000 - 256 * 1024 / 2000);
  end(&l);
}

static atomic_bool over;
static void *log_on(void *unused) {
  for (int i = 0; !atomic_load(&over); i++) LOG_INFO("test", 1, "line %d", i);
  return unused;
}

/* A poller with its own loop sleeps in there; a line from another thread wakes it. */
static void *log_once(void *unused) {
  LOG_INFO("test", 1, "wake up");
  return unused;
}

TEST(a_line_wakes_the_poller) {
  for (int threads = 0; threads < 2; threads++) {
    listener l;
    pthread_t thread;
    begin(&l, threads ? "1" : "0", EIM_LOG_INFO);
    REQUIRE(!pthread_create(&thread, NULL, log_once, NULL));
    for (int status = 0; !l.lines && status >= 0;) status = eim_context_poll(l.context, SOON, 0);
    CHECK_STR(l.last, "wake up");
    pthread_join(thread, NULL);
    end(&l);
  }
}

TEST(subscribing_and_ending_while_threads_log) {
  pthread_t threads[4];
  listener l;
  begin(&l, "1", EIM_LOG_INFO);
  atomic_store(&over, false);
  for (int i = 0; i < 4; i++) REQUIRE(!pthread_create(&threads[i], NULL, log_on, NULL));
  for (int i = 0; i < 200; i++) {
    listener *one = calloc(1, sizeof *one);
    CHECK_INT(eim_context_subscribe_log(l.context, EIM_LOG_INFO, on_line, one), EIM_OK);
    CHECK(eim_context_poll(l.context, SOON, 20) > 0);
    if (i % 2) CHECK_INT(eim_context_subscribe_log(l.context, EIM_LOG_INFO, NULL, NULL), EIM_OK);
    if (i % 2 == 0)
      CHECK_INT(eim_context_subscribe_log(l.context, EIM_LOG_INFO, on_line, &l), EIM_OK);
    free(one); /* nothing may touch it any more */
  }
  end(&l);
  atomic_store(&over, true);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
}

/* ------------------------------------------------------------------ files */

static char *read_file(const char *path) {
  FILE *f = fopen(path, "r");
  if (!f) return NULL;
  char *text = calloc(1, 1 << 20);
  size_t n = fread(text, 1, (1 << 20) - 1, f);
  text[n] = 0;
  fclose(f);
  return text;
}

static void add_text(void *user_data, const char *text, size_t length) {
  char *all = user_data;
  strncat(all, text, length);
  CHECK(length && text[length - 1] == '\n');
  LOG_ERROR("test", 0, "a line during the download is fine");
}

TEST(download) {
  char folder[] = "/tmp/eim-api-log-XXXXXX", path[128], all[4096] = "";
  struct stat info;
  REQUIRE(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/log.txt", folder);
  eim_log_set_console(false);
  eim_log_set_level(EIM_LOG_INFO);
  eim_log_set_cache(true, 100000);
  LOG_INFO("test", 3, "one");
  LOG_WARN("test", 0, "two");
  CHECK_INT(eim_log_download_path(path), EIM_OK);
  CHECK(!stat(path, &info) && (info.st_mode & 0777) == 0600);
  char *file = read_file(path);
  REQUIRE(file);
  CHECK_CONTAINS(file, "Z INFO test[3]: one\n");
  CHECK_INT(eim_log_download(add_text, all), EIM_OK);
  CHECK_STR(all, file);
  free(file);
  CHECK_INT(eim_log_download_path(path), EIM_OK); /* replaces it */
  file = read_file(path);
  CHECK(file && strlen(file) > strlen(all));
  free(file);
  CHECK_INT(eim_log_download(NULL, NULL), EIM_E_INVALID);
  CHECK_INT(eim_log_download_path(""), EIM_E_INVALID);
  CHECK_INT(eim_log_download_path("/nowhere/at/all"), EIM_E_INVALID);
  CHECK_CONTAINS(eim_error_message(eim_last_error()), "/nowhere/at/all");
  CHECK_INT(eim_error_domain(eim_last_error()), EIM_DOMAIN_OS);
  CHECK_INT(eim_log_download_path(folder), EIM_E_INVALID); /* a folder is no file, and stays */
  CHECK(!stat(folder, &info) && S_ISDIR(info.st_mode));
  CHECK_INT(eim_log_set_file("", 0), EIM_E_INVALID);
  CHECK_INT(eim_log_set_file(path, 100), EIM_E_INVALID);
  CHECK_INT(eim_log_set_file("/nowhere/at/all", 0), EIM_E_INVALID);
  CHECK_INT(eim_log_set_file(path, 0), EIM_OK);
  LOG_WARN("test", 0, "into the file");
  CHECK_INT(eim_log_set_file(NULL, 0), EIM_OK);
  file = read_file(path);
  CHECK_CONTAINS(file, "into the file\n");
  free(file);
  eim_log_set_cache(false, 0);
  CHECK_INT(eim_log_download_path(path), EIM_OK);
  CHECK(!stat(path, &info) && info.st_size == 0);
  remove(path);
  CHECK_INT(rmdir(folder), 0); /* no temporary file was left */
  eim_log_set_level(EIM_LOG_WARN);
  eim_log_set_console(true);
}

TEST(a_program_that_just_ends_has_its_last_lines_in_the_file) {
  char path[] = "/tmp/eim-api-log-XXXXXX";
  int fd = mkstemp(path), status = -1;
  REQUIRE(fd >= 0);
  close(fd);
  pid_t child = fork();
  if (!child) {
    eim_log_set_console(false);
    eim_log_set_level(EIM_LOG_INFO);
    if (eim_log_set_file(path, 0)) _exit(9);
    for (int i = 0; i < 1000; i++) LOG_INFO("test", 0, "number %d", i);
    exit(0);
  }
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && !WEXITSTATUS(status));
  char *file = read_file(path);
  CHECK_CONTAINS(file, "number 999\n");
  free(file);
  remove(path);
}

TEST(a_bundle_has_what_support_needs_and_no_secret) {
  static const char *const names[] = {"log.txt", "version.txt", "config.json", "health.json"};
  for (int threads = 0; threads < 2; threads++) {
    char folder[] = "/tmp/eim-bundle-XXXXXX", path[128], *text[4];
    eim_config *config;
    eim_context *context;
    eim_client *client;
    REQUIRE(mkdtemp(folder));
    fake_reset();
    CHECK_INT(eim_config_new(&config), EIM_OK);
    CHECK_INT(eim_config_set(config, "ioThreads", threads ? "1" : "0"), EIM_OK);
    CHECK_INT(eim_config_set(config, "appKey", "org#app"), EIM_OK);
    CHECK_INT(eim_config_set(config, "proxy", "http://user:pl4nted@127.0.0.1:3128"), EIM_OK);
    CHECK_INT(eim_config_set(config, "dnsUrls", "https://one.test/a,https://two.test/b"), EIM_OK);
    CHECK_INT(eim_context_new(config, &context), EIM_OK);
    CHECK_INT(eim_client_new(context, config, &client), EIM_OK);
    eim_log_set_console(false);
    eim_log_set_cache(true, 0);
    LOG_WARN("test", 0, "in the log");
    CHECK_INT(eim_log_bundle(client, folder), EIM_OK);
    for (int i = 0; i < 4; i++) {
      snprintf(path, sizeof path, "%s/%s", folder, names[i]);
      text[i] = read_file(path);
      CHECK(text[i] && !strstr(text[i], "pl4nted"));
      remove(path);
    }
    CHECK_CONTAINS(text[0], "in the log\n");
    CHECK_CONTAINS(text[1], "libeim ");
    CHECK_CONTAINS(text[2], "\"appKey\":\"org#app\"");
    CHECK_CONTAINS(text[2], "\"proxy\":\"***\"");
    CHECK_CONTAINS(text[2], "\"dnsUrls\":[\"https://one.test/a\",\"https://two.test/b\"]");
    CHECK_CONTAINS(text[2], "\"tokenWarningFraction\":0.800");
    CHECK_CONTAINS(text[2], "\"isHttpDNS\":true");
    CHECK_STR(text[3], "{\"fake\":true}\n");
    for (int i = 0; i < 4; i++) free(text[i]);
    CHECK_INT(eim_log_bundle(NULL, folder), EIM_OK); /* without a client */
    snprintf(path, sizeof path, "%s/health.json", folder);
    CHECK_INT(access(path, F_OK), -1);
    for (int i = 0; i < 2; i++)
      snprintf(path, sizeof path, "%s/%s", folder, names[i]), remove(path);
    CHECK_INT(eim_log_bundle(NULL, ""), EIM_E_INVALID);
    CHECK_INT(eim_log_bundle(NULL, "/nowhere"), EIM_E_INVALID);
    CHECK_INT(eim_log_bundle(NULL, "/dev/null"), EIM_E_INVALID);
    eim_client_shutdown(client);
    CHECK_INT(eim_log_bundle(client, folder), EIM_OK); /* and of one that is over */
    for (int i = 0; i < 4; i++)
      snprintf(path, sizeof path, "%s/%s", folder, names[i]), remove(path);
    CHECK_INT(rmdir(folder), 0);
    eim_client_unref(client);
    eim_context_shutdown(context);
    eim_context_unref(context);
    eim_config_free(config);
    eim_log_set_cache(false, 0);
    eim_log_set_console(true);
  }
}
