/* settings.c - options, checked against each other and taken apart for the parts that use them. */
#include "model/settings.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "log/log.h"
#include "model/error.h"
#include "model/options.h"

static void free_list(char **list) {
  if (list)
    for (char **item = list; *item; item++) free(*item);
  free(list);
}

static void destroy_settings(void *settings) {
  eim_settings *self = settings;
  for (int i = 0; i < eim_options_count; i++) {
    void *field = (char *)self + eim_options[i].field;
    if (eim_options[i].field == EIM_OPTION_NO_FIELD) continue;
    if (eim_options[i].kind == EIM_OPTION_STRING) free(*(char **)field);
    if (eim_options[i].kind == EIM_OPTION_LIST) free_list(*(char ***)field);
    if (eim_options[i].kind == EIM_OPTION_SECRET) eim_secret_unref(*(eim_secret **)field);
  }
  free(self->org);
  free(self->app);
  free(self);
}

static char **split_list(const char *text) {
  size_t count = 1, i = 0;
  for (const char *c = text; *c; c++) count += *c == ',';
  char **list = calloc(count + 1, sizeof *list);
  while (list && *text) {
    size_t length = strcspn(text, ",");
    if (!(list[i++] = strndup(text, length))) {
      free_list(list);
      return NULL;
    }
    text += length + (text[length] == ',');
  }
  return list;
}

/* False: out of memory. The texts were checked when they were set. */
static bool fill_field(eim_settings *self, const eim_config *config, int index) {
  const eim_option *option = &eim_options[index];
  if (option->field == EIM_OPTION_NO_FIELD) return true;
  void *field = (char *)self + option->field;
  const char *text = eim_config_text(config, index);
  int64_t integer = 0;
  switch (option->kind) {
  case EIM_OPTION_STRING: return (*(char **)field = eim_strdup(text)) != NULL;
  case EIM_OPTION_LIST: return (*(char ***)field = split_list(text)) != NULL;
  case EIM_OPTION_BOOL: *(bool *)field = !strcmp(text, "true"); break;
  case EIM_OPTION_FLOAT: eim_option_parse_float(text, field); break;
  case EIM_OPTION_SECRET: *(eim_secret **)field = eim_secret_ref(config->secrets[index]); break;
  case EIM_OPTION_INT:
  case EIM_OPTION_ENUM:
    eim_parse_i64(text, &integer);
    *(int *)field = (int)integer;
    break;
  }
  return true;
}

static void cut_slashes(char *url) {
  size_t length = strlen(url);
  while (length && url[length - 1] == '/') url[--length] = 0;
}

static eim_status check_file(const char *key, const char *path) {
  struct stat info;
  if (!*path) return EIM_OK;
  if (stat(path, &info) || access(path, R_OK))
    return eim_fail(EIM_E_INVALID, "config: %s: '%s' cannot be read", key, path);
  if (S_ISDIR(info.st_mode))
    return eim_fail(EIM_E_INVALID, "config: %s: '%s' is a directory", key, path);
  return EIM_OK;
}

static eim_status check_directory(const char *key, const char *path) {
  struct stat info;
  if (!*path) return EIM_OK;
  if (stat(path, &info) || !S_ISDIR(info.st_mode))
    return eim_fail(EIM_E_INVALID, "config: %s: '%s' is not a directory", key, path);
  if (access(path, W_OK | X_OK))
    return eim_fail(EIM_E_INVALID, "config: %s: '%s' cannot be written", key, path);
  return EIM_OK;
}

static eim_status check_addresses(eim_settings *self, const eim_config *config) {
  int key = eim_option_find("isHttpDNS");
  bool given = *self->api_url || *self->url;
  if (eim_config_is_set(config, key))
    self->is_http_dns = !strcmp(eim_config_text(config, key), "true");
  else
    self->is_http_dns = !given;
  if (self->is_http_dns)
    return self->dns_urls[0]
               ? EIM_OK
               : eim_fail(EIM_E_INVALID, "config: dnsUrls is empty, but isHttpDNS is true");
  const char *missing = !*self->api_url ? "apiUrl" : !*self->url ? "url" : NULL;
  if (!missing) return EIM_OK;
  if (!given)
    return eim_fail(EIM_E_INVALID, "config: isHttpDNS is false: apiUrl and url are required");
  return eim_fail(EIM_E_INVALID,
                  "config: %s is missing: with %s given, hosts are not discovered "
                  "(set isHttpDNS to true for that)",
                  missing, *self->api_url ? "apiUrl" : "url");
}

static eim_status check_together(eim_settings *self, const eim_config *config) {
  eim_status status;
  if (!*self->app_key)
    return eim_fail_with(EIM_E_INVALID,
                         eim_error_new(EIM_CODE_INVALID_APP_KEY, EIM_DOMAIN_LOCAL, EIM_E_INVALID, 0,
                                       "config: appKey is missing; allowed: org#app"));
  if ((status = check_addresses(self, config))) return status;
  if ((status = check_file("caFile", self->ca_file)) ||
      (status = check_file("clientCert", self->client_cert)) ||
      (status = check_file("clientKey", self->client_key)) ||
      (status = check_directory("stateDir", self->state_dir)))
    return status;
  if (!*self->client_cert != !*self->client_key)
    return eim_fail(EIM_E_INVALID, "config: clientCert and clientKey need each other");
  if (self->reconnect_base_ms > self->reconnect_max_ms)
    return eim_fail(EIM_E_INVALID, "config: reconnectBaseMs (%d) is above reconnectMaxMs (%d)",
                    self->reconnect_base_ms, self->reconnect_max_ms);
  return EIM_OK;
}

eim_status eim_settings_from_config(const eim_config *config, eim_settings **out) {
  if (!config || !out) return eim_fail(EIM_E_INVALID, "config: NULL");
  eim_settings *self = calloc(1, sizeof *self);
  if (!self) return eim_fail(EIM_E_NOMEM, "config: out of memory");
  eim_object_init(&self->base, destroy_settings);
  bool filled = true;
  for (int i = 0; i < eim_options_count; i++) filled = filled && fill_field(self, config, i);
  if (filled) {
    int64_t version = 0;
    size_t org = strcspn(self->app_key, "#");
    self->org = strndup(self->app_key, org);
    self->app = eim_strdup(self->app_key[org] ? self->app_key + org + 1 : "");
    eim_os_platform_parse(eim_config_text(config, eim_option_find("osPlatform")),
                          &self->os_platform, &self->os_custom_value);
    eim_parse_i64(eim_config_text(config, eim_option_find("ipVersion")), &version);
    self->ip_version = (int)version;
    self->manual_ack = !strcmp(eim_config_text(config, eim_option_find("ackMode")), "manual");
    eim_log_level level = EIM_LOG_DEBUG;
    eim_log_parse_level(eim_config_text(config, eim_option_find("reportLogLevel")), &level);
    self->report_log_level = level;
    cut_slashes(self->api_url);
    cut_slashes(self->url);
  }
  eim_status status = filled && self->org && self->app
                          ? check_together(self, config)
                          : eim_fail(EIM_E_NOMEM, "config: out of memory");
  if (status)
    eim_object_unref(self);
  else
    *out = self;
  return status;
}
