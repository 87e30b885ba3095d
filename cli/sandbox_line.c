#include "sandbox_line.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

enum { LINE_MAX_BYTES = 64 * 1024 };

static char *read_line(const char *path) {
  FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
  if (!file) {
    eim_cli_say("--sandbox: cannot read %s: %s", path, strerror(errno));
    return NULL;
  }
  char *line = NULL;
  size_t room = 0;
  ssize_t length = getline(&line, &room, file);
  if (file != stdin) fclose(file);
  if (length > 0 && length <= LINE_MAX_BYTES) return line;
  eim_cli_say(length > 0 ? "--sandbox: the line in %s is too long to be one of eim-sandbox"
                         : "--sandbox: %s is empty: eim-sandbox prints its line when it is ready",
              path);
  free(line);
  return NULL;
}

static void take(eim_cli_args *self, const cJSON *root, const char *key, int slot,
                 const char **field) {
  const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, key));
  if (!value || *field) return;
  *field = self->sandbox_line[slot] = strdup(value);
}

int eim_cli_sandbox_line(eim_cli_args *self) {
  char *line = read_line(self->sandbox);
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
