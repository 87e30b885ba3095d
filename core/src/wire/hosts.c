#include "wire/hosts.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"

#define HOSTS_MAX 32 /* of each list; more make no sense */
#define REPORT_DEFAULT_MS 300000
#define REPORT_MIN_MS 60000
#define REPORT_MAX_MS 86400000 /* less than once a day is no plan, and may be an overflow */

static eim_error *failed(const char *why) {
  return eim_error_new(EIM_CODE_SERVER_GET_DNSLIST_FAILED, EIM_DOMAIN_HTTP, 200,
                       EIM_ERROR_RETRIABLE, "the host list %s", why);
}

static bool is_ip(const char *text) {
  struct in6_addr six;
  struct in_addr four;
  return inet_pton(AF_INET, text, &four) == 1 || inet_pton(AF_INET6, text, &six) == 1;
}

static bool is_domain(const char *text) {
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
  return *text && *text != '.' && text[strspn(text, allowed)] == 0;
}

/* Port and priority come as numbers or strings. Absent: *out stays. */
static bool bounded(eim_json value, int64_t low, int64_t high, int64_t *out) {
  int64_t number;
  if (!value.at || eim_json_kind(value) == EIM_JSON_NULL || eim_json_is(value, "")) return true;
  if (!eim_json_loose_i64(value, &number) || number < low || number > high) return false;
  *out = number;
  return true;
}

/* "name:port" in the domain, as some servers write it. False: the port is not one. */
static bool split_port(char *domain, int64_t *port) {
  char *colon = strchr(domain, ':');
  int64_t number;
  if (!colon || strchr(colon + 1, ':')) return true; /* none, or an IPv6 address */
  *colon = 0;
  if (!eim_parse_i64(colon + 1, &number) || number < 1 || number > 65535) return false;
  *port = number;
  return true;
}

/* False: not usable; nothing was allocated then. */
static bool read_host(eim_host *out, eim_json entry, bool https) {
  char domain[254], ip[64];
  eim_json protocol = eim_json_get(entry, "protocol");
  bool tls = eim_json_is(protocol, "https");
  int64_t port = tls ? 443 : 80, priority = INT_MAX;
  if (eim_json_kind(entry) != EIM_JSON_OBJECT || (!tls && !eim_json_is(protocol, "http")) ||
      (https && !tls))
    return false;
  if (!eim_json_copy(eim_json_get(entry, "ip"), ip, sizeof ip) || !is_ip(ip)) *ip = 0;
  eim_json_copy(eim_json_get(entry, "domain"), domain, sizeof domain);
  if (!split_port(domain, &port)) return false;
  if (!is_domain(domain) && !is_ip(domain)) *domain = 0;
  if ((!*domain && !*ip) || !bounded(eim_json_get(entry, "port"), 1, 65535, &port)) return false;
  if (!bounded(eim_json_get(entry, "priority"), 0, INT_MAX, &priority)) priority = INT_MAX;
  *out = (eim_host){tls, (uint16_t)port, (int)priority, eim_strdup(*domain ? domain : ip),
                    eim_strdup(ip)};
  if (out->domain && out->ip) return true;
  free(out->domain);
  free(out->ip);
  return false;
}

static void free_hosts(eim_host *hosts, size_t count) {
  for (size_t i = 0; i < count; i++) {
    free(hosts[i].domain);
    free(hosts[i].ip);
  }
  free(hosts);
}

/* In order of priority, else in the order of the list. */
static eim_host *read_hosts(eim_json section, bool https, size_t *count) {
  eim_json_iter it = eim_json_each(eim_json_get(section, "hosts"));
  eim_host *hosts = calloc(HOSTS_MAX, sizeof *hosts), host;
  *count = 0;
  while (hosts && !it.object && *count < HOSTS_MAX && eim_json_next(&it)) {
    if (!read_host(&host, it.value, https)) continue;
    size_t at = *count;
    for (; at && hosts[at - 1].priority > host.priority; at--) hosts[at] = hosts[at - 1];
    hosts[at] = host;
    ++*count;
  }
  return hosts;
}

/* The switch is a string on the wire; a plain true is meant the same. */
static void read_report(eim_json root, bool *report_logs, int64_t *interval_ms) {
  eim_json report = eim_json_get(root, "enableReportLogs");
  int64_t interval;
  *report_logs = eim_json_is(report, "true") || eim_json_kind(report) == EIM_JSON_TRUE;
  *interval_ms = REPORT_DEFAULT_MS;
  if (!eim_json_loose_i64(eim_json_get(root, "reportInterval"), &interval) || interval <= 0) return;
  if (interval < REPORT_MIN_MS) interval = REPORT_MIN_MS;
  *interval_ms = interval > REPORT_MAX_MS ? REPORT_MAX_MS : interval;
}

eim_error *eim_hosts_parse(eim_host_list *out, const void *body, size_t length, bool https) {
  eim_json root;
  eim_host_list list = {NULL, NULL, 0, 0, false, REPORT_DEFAULT_MS, false};
  if (!eim_json_parse(&root, body, length) || eim_json_kind(root) != EIM_JSON_OBJECT)
    return failed("is not JSON");
  if (eim_json_kind(eim_json_get(root, "rest")) != EIM_JSON_OBJECT)
    return failed("has no rest hosts");
  list.rest = read_hosts(eim_json_get(root, "rest"), https, &list.rest_count);
  list.message = read_hosts(eim_json_get(root, "msync-wx"), https, &list.message_count);
  if (!list.rest_count || !list.message_count) {
    eim_error *error =
        failed(list.rest_count ? "has no usable message host" : "has no usable rest host");
    eim_hosts_free(&list);
    return error;
  }
  read_report(root, &list.report_logs, &list.report_interval_ms);
  eim_json parts = eim_json_get(root, "uploadinparts_enable");
  list.whole_files = eim_json_is(parts, "false") || eim_json_kind(parts) == EIM_JSON_FALSE;
  *out = list;
  return NULL;
}

bool eim_hosts_parse_report(const void *body, size_t length, bool *report_logs,
                            int64_t *interval_ms) {
  eim_json root;
  if (!eim_json_parse(&root, body, length) || eim_json_kind(root) != EIM_JSON_OBJECT) return false;
  read_report(root, report_logs, interval_ms);
  return true;
}

void eim_hosts_free(eim_host_list *list) {
  free_hosts(list->rest, list->rest_count);
  free_hosts(list->message, list->message_count);
  *list = (eim_host_list){NULL, NULL, 0, 0, false, 0, false};
}
