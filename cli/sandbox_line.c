#include "sandbox_line.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cjson/cJSON.h>

enum { LINE_MAX_BYTES = 64 * 1024, STEP_MS = 20, APPEAR_MS = 300, READY_MS = 5000 };

/* The line, or NULL when it is not all there yet. errno: why the file cannot be read, or 0. */
static char *read_line(const char *path) {
  errno = 0;
  FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
  if (!file) return NULL;
  char *line = NULL;
  size_t room = 0;
  ssize_t length = getline(&line, &room, file);
  errno = length < 0 && ferror(file) ? errno : 0;
  bool is_whole = file == stdin;
  if (!is_whole) fclose(file);
  if (length > 0 && (is_whole || strchr("\n}", line[length - 1]) || length > LINE_MAX_BYTES))
    return line;
  free(line);
  return NULL;
}

/* `eim-sandbox >FILE &` may still be starting: its line gets a moment to come. */
static char *await_line(const char *path) {
  for (int waited = 0;; waited += STEP_MS) {
    char *line = read_line(path);
    if (line && strlen(line) <= LINE_MAX_BYTES) return line;
    if (line) {
      eim_cli_say("--sandbox: the line in %s is too long to be one of eim-sandbox", path);
      free(line);
      return NULL;
    }
    if ((errno && errno != ENOENT) || waited >= (errno ? APPEAR_MS : READY_MS) ||
        !strcmp(path, "-")) {
      if (errno)
        eim_cli_say("--sandbox: cannot read %s: %s", path, strerror(errno));
      else
        eim_cli_say("--sandbox: %s has no line: eim-sandbox prints it when it is ready", path);
      return NULL;
    }
    nanosleep(&(struct timespec){0, STEP_MS * 1000000}, NULL);
  }
}

static void take(eim_cli_args *self, const cJSON *root, const char *key, int slot,
                 const char **field) {
  const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, key));
  if (!value || *field) return;
  *field = self->sandbox_line[slot] = strdup(value);
}

int eim_cli_sandbox_line(eim_cli_args *self) {
  char *line = await_line(self->sandbox);
  if (!line) return EIM_CLI_USAGE;
  cJSON *root = cJSON_Parse(line);
  free(line);
  take(self, root, "appKey", 0, &self->app_key);
  if (!self->dns_url) { /* whoever names a bootstrap address wants it asked */
    take(self, root, "apiUrl", 1, &self->api_url);
    take(self, root, "url", 2, &self->url);
  }
  take(self, root, "caFile", 3, &self->ca_file);
  cJSON_Delete(root);
  if (self->app_key && (self->dns_url || (self->api_url && self->url))) return EIM_CLI_DONE;
  eim_cli_say("--sandbox: %s is not the line of JSON that eim-sandbox prints", self->sandbox);
  return EIM_CLI_USAGE;
}
