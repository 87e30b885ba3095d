/* bundle.c - eim_log_bundle(): what support needs, in a folder. Nothing secret in it: options of
 * that kind are only told to be set. */
#include "api/bundle.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <eim/log.h>
#include <eim/version.h>

#include "api/client.h"
#include "base/buf.h"
#include "model/error.h"
#include "model/options.h"

/* The loop thread waits for nothing but its descriptors, so this is generous. */
enum { HEALTH_MS = 1000 };

/* ------------------------------------------------------------------ health */

typedef struct question {
  eim_task task;
  eim_object base; /* the asker's, and the task's */
  eim_client *client;
  pthread_mutex_t lock;
  pthread_cond_t answered;
  bool is_over;
  eim_buf health;
} question;

static void destroy_question(void *base) {
  question *self = (question *)((char *)base - offsetof(question, base));
  eim_buf_free(&self->health);
  pthread_cond_destroy(&self->answered);
  pthread_mutex_destroy(&self->lock);
  eim_object_unref(self->client);
  free(self);
}

static void answer(eim_task *task, bool canceled) {
  question *self = (question *)task;
  pthread_mutex_lock(&self->lock);
  if (!canceled && self->client->driver) eim_driver_health(self->client->driver, &self->health);
  self->is_over = true;
  pthread_cond_signal(&self->answered);
  pthread_mutex_unlock(&self->lock);
  eim_object_unref(&self->base);
}

static question *ask(eim_client *client) {
  question *self = calloc(1, sizeof *self);
  pthread_condattr_t attr;
  if (!self) return NULL;
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_mutex_init(&self->lock, NULL);
  pthread_cond_init(&self->answered, &attr);
  pthread_condattr_destroy(&attr);
  self->task.run = answer;
  eim_object_init(&self->base, destroy_question);
  self->client = eim_object_ref(client);
  eim_object_ref(&self->base);
  eim_context_post(client->context, client->slot, &self->task);
  return self;
}

/* What is known without the session, when it does not answer. */
static void short_health(const eim_client *client, eim_buf *out) {
  eim_buf_str(out, "{\"state\":");
  eim_buf_json_str(out, eim_state_name(eim_client_state(client)));
  eim_buf_str(out, "}");
}

static void add_health(eim_client *client, eim_buf *out) {
  question *self = ask(client);
  struct timespec until;
  if (!self) {
    short_health(client, out);
    return;
  }
  eim_context_nudge(client->context);
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += HEALTH_MS / 1000;
  pthread_mutex_lock(&self->lock);
  for (int error = 0; !self->is_over && error != ETIMEDOUT;)
    error = pthread_cond_timedwait(&self->answered, &self->lock, &until);
  if (self->is_over && self->health.data && !self->health.failed)
    eim_buf_add(out, self->health.data, self->health.length);
  else
    short_health(client, out);
  pthread_mutex_unlock(&self->lock);
  eim_object_unref(&self->base);
}

/* ------------------------------------------------------------------ configuration */

static void add_list(eim_buf *out, char *const *list) {
  eim_buf_str(out, "[");
  for (size_t i = 0; list && list[i]; i++) {
    if (i) eim_buf_str(out, ",");
    eim_buf_json_str(out, list[i]);
  }
  eim_buf_str(out, "]");
}

static void add_option(eim_buf *out, const eim_settings *settings, const eim_option *option) {
  const void *field = (const char *)settings + option->field;
  switch (option->kind) {
  case EIM_OPTION_STRING:
  case EIM_OPTION_ENUM: eim_buf_json_str(out, *(char *const *)field); break;
  case EIM_OPTION_BOOL: eim_buf_str(out, *(const bool *)field ? "true" : "false"); break;
  case EIM_OPTION_INT: eim_buf_printf(out, "%d", *(const int *)field); break;
  case EIM_OPTION_FLOAT: /* in thousandths: the decimal point is the locale's business */
    eim_buf_printf(out, "%d.%03d", (int)(*(const double *)field * 1000 + 0.5) / 1000,
                   (int)(*(const double *)field * 1000 + 0.5) % 1000);
    break;
  case EIM_OPTION_LIST: add_list(out, *(char *const *const *)field); break;
  case EIM_OPTION_SECRET: eim_buf_str(out, *(eim_secret *const *)field ? "\"***\"" : "null"); break;
  }
}

static void add_config(const eim_settings *settings, eim_buf *out) {
  eim_buf_str(out, "{");
  for (int i = 0; i < eim_options_count; i++) {
    const eim_option *option = &eim_options[i];
    if (option->field == EIM_OPTION_NO_FIELD) continue;
    eim_buf_json_str(out, option->name);
    eim_buf_str(out, ":");
    add_option(out, settings, option);
    eim_buf_str(out, ",\n");
  }
  eim_buf_printf(out, "\"isHttpDNS\":%s,\n\"ipVersion\":%d,\n\"osPlatform\":%d}\n",
                 settings->is_http_dns ? "true" : "false", settings->ip_version,
                 settings->os_custom_value ? settings->os_custom_value : settings->os_platform);
}

static void add_version(eim_buf *out) {
  struct utsname os;
  char when[32];
  time_t now = time(NULL);
  struct tm tm;
  gmtime_r(&now, &tm);
  strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &tm);
  eim_buf_printf(out, "libeim %s (built for %s)\n", eim_version_string(), EIM_VERSION_STRING);
  if (!uname(&os)) eim_buf_printf(out, "%s %s %s\n", os.sysname, os.release, os.machine);
  eim_buf_printf(out, "%s, %ld processors\n", when, sysconf(_SC_NPROCESSORS_ONLN));
}

/* ------------------------------------------------------------------ the folder */

static eim_status put(const char *folder, const char *name, const eim_buf *text) {
  char path[PATH_MAX];
  if (text && (text->failed || !text->data)) return eim_fail(EIM_E_NOMEM, "log: out of memory");
  int length = snprintf(path, sizeof path, "%s/%s", folder, name);
  if (length < 0 || (size_t)length >= sizeof path) return eim_file_failed(folder, ENAMETOOLONG);
  return text ? eim_file_write(path, (const char *)text->data) : eim_log_download_path(path);
}

eim_status eim_log_bundle(eim_client *client, const char *folder) {
  struct stat info;
  eim_buf version = EIM_BUF_INIT, config = EIM_BUF_INIT, health = EIM_BUF_INIT;
  eim_status usable = client ? eim_context_usable(client->context) : EIM_OK;
  if (usable) return usable;
  if (!folder || !*folder) return eim_fail(EIM_E_INVALID, "log: the folder is empty");
  if (stat(folder, &info)) return eim_file_failed(folder, errno);
  if (!S_ISDIR(info.st_mode)) return eim_file_failed(folder, ENOTDIR);
  add_version(&version);
  eim_status status = put(folder, "version.txt", &version);
  if (!status && client) {
    add_config(client->settings, &config);
    add_health(client, &health);
    eim_buf_str(&health, "\n");
    status = put(folder, "config.json", &config);
    if (!status) status = put(folder, "health.json", &health);
  }
  if (!status) status = put(folder, "log.txt", NULL);
  eim_buf_free(&version);
  eim_buf_free(&config);
  eim_buf_free(&health);
  return status;
}
