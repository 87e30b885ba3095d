/* hosts.h - server.json: which hosts to use (docs/protocol.md 2, rest facts 14). And URLs. Pure. */
#ifndef EIM_WIRE_HOSTS_H
#define EIM_WIRE_HOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/error.h"

typedef struct eim_host {
  bool tls;
  uint16_t port;
  int priority; /* 1 first; absent: after those with one */
  char *domain; /* host name for SNI and the certificate; the ip when there is no domain */
  char *ip;     /* connect here; "": resolve domain */
} eim_host;

typedef struct eim_host_list {
  eim_host *rest, *message;
  size_t rest_count, message_count;
  bool report_logs;
  int64_t report_interval_ms;
  bool whole_files; /* uploads in parts are switched off */
} eim_host_list;

/* Keeps entries whose protocol fits `https` (true: https only; false: both), in order of priority.
 * Message hosts: msync-wx (raw /websocket). Numbers may be strings. NULL on success, else an error
 * (owned) and *out untouched: not JSON, no rest, nothing left. */
eim_error *eim_hosts_parse(eim_host_list *out, const void *body, size_t length, bool https);
void eim_hosts_free(eim_host_list *list);
/* Only the switch of the log upload; the interval is that of the server, 60 s at least, or the
 * default. False: not JSON. */
bool eim_hosts_parse_report(const void *body, size_t length, bool *report_logs,
                            int64_t *interval_ms);

typedef struct eim_url {
  bool tls;
  char host[256]; /* without brackets for IPv6 */
  uint16_t port;
  char path[512]; /* starts with '/', query included; "" when the URL has none */
} eim_url;

/* Parse http(s):// or ws(s)://; false on anything else (userinfo, fragment, port out of range,
 * too long). ws: accept ws/wss only; else http/https only. */
bool eim_url_parse(eim_url *out, const char *text, bool ws);
/* A host name or an IP address (IPv6 without brackets), and nothing else. */
bool eim_url_is_host(const char *text);

#endif
