/* options.c - THE table: every option, what it may be, what it is without being set, and why. It
 * parses, checks, and is docs/configuration.md. Bindings need no work for a new line here, only for
 * a new kind. */
#include "model/options.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "log/log.h"
#include "model/settings.h"

#define FIELD(member) (int)offsetof(eim_settings, member)

static const char *check_app_key(const char *text) {
  static const char wrong[] = "is not of the form org#app (letters, digits, - _ . on both sides of "
                              "exactly one #, at most 128 bytes)";
  const char *hash = strchr(text, '#');
  if (!hash || hash == text || !hash[1] || strlen(text) > 128) return wrong;
  for (const char *c = text; *c; c++)
    if (c != hash && !(*c >= 'a' && *c <= 'z') && !(*c >= 'A' && *c <= 'Z') &&
        !(*c >= '0' && *c <= '9') && *c != '-' && *c != '_' && *c != '.')
      return wrong;
  return NULL;
}

/* Device ids and names travel in a jid: org#app_user@domain/resource. */
static const char *check_device(const char *text) {
  if (strlen(text) > 128) return "is longer than 128 bytes";
  return strpbrk(text, "/@") ? "has a / or @ in it" : NULL;
}

static const char *check_pin(const char *text) {
  static const char wrong[] = "is not sha256// and the 44 base64 characters of a SHA-256";
  static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (strncmp(text, "sha256//", 8) || strlen(text + 8) != 44 || text[51] != '=' ||
      strspn(text + 8, base64) != 43)
    return wrong;
  return NULL;
}

static const char *check_path(const char *text) {
  return strlen(text) > 4095 ? "is longer than 4095 bytes" : NULL;
}

bool eim_os_platform_parse(const char *text, int *platform, int *custom) {
  static const struct {
    const char *name;
    int value;
  } names[] = {{"ios", 0}, {"android", 1}, {"linux", 2}, {"osx", 3}, {"windows", 4}, {"other", 16}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcasecmp(text, names[i].name)) {
      *platform = names[i].value;
      *custom = 0;
      return true;
    }
  int64_t number;
  if (!eim_parse_i64(text, &number) || number < 1 || number > 100) return false;
  *platform = 5;
  *custom = (int)number;
  return true;
}

static const char *check_os_platform(const char *text) {
  int platform, custom;
  return eim_os_platform_parse(text, &platform, &custom)
             ? NULL
             : "is none of ios, android, linux, osx, windows, other, 1 to 100";
}

static const char *check_ip_version(const char *text) {
  return strcmp(text, "any") && strcmp(text, "4") && strcmp(text, "6") ? "is none of any, 4, 6"
                                                                       : NULL;
}

static const char *check_ack_mode(const char *text) {
  return strcmp(text, "auto") && strcmp(text, "manual") ? "is none of auto, manual" : NULL;
}

static const char *check_log_level(const char *text) {
  eim_log_level level;
  return eim_log_parse_level(text, &level) && level < EIM_LOG_SILENT
             ? NULL
             : "is none of TRACE, DEBUG, INFO, WARN, ERROR, 0 to 4";
}

/* clang-format off */
const eim_option eim_options[] = {
  /* who */
  {"appKey", EIM_OPTION_STRING, FIELD(app_key), NULL, 0, 0, check_app_key, "", "org#app",
   "The application, as the console shows it. Required."},
  {"deviceId", EIM_OPTION_STRING, FIELD(device_id), NULL, 0, 0, check_device, "", "up to 128 bytes, no / and @",
   "Identity of this device for login on several devices. Unset: kept in `stateDir` when that is set, else random once for each client and the same over its reconnects, because two devices of one identity push each other out."},
  {"isFixedDeviceId", EIM_OPTION_BOOL, FIELD(is_fixed_device_id), "true", 0, 0, NULL, "", "true, false",
   "Keep the made-up device id in `stateDir`, so that a restart is not a new device. False: a new one for each client. True as in the official SDK."},
  {"deviceName", EIM_OPTION_STRING, FIELD(device_name), NULL, 0, 0, check_device, "", "up to 128 bytes, no / and @",
   "Name of this device as other devices of the user see it. Unset: as the official web SDK names itself."},
  {"osPlatform", EIM_OPTION_ENUM, EIM_OPTION_NO_FIELD, "other", 0, 0, check_os_platform, "", "ios, android, linux, osx, windows, other, or a number 1 to 100",
   "Class of device told at login; the server's limits of devices count by it. A number is a class of one's own. `other` is what the official web and mini-program SDKs say."},
  {"stateDir", EIM_OPTION_STRING, FIELD(state_dir), NULL, 0, 0, check_path, "", "an existing directory that can be written",
   "Where to keep what outlives the process (the device id). Unset: nothing is written to disk, because a library should leave no files nobody asked for."},
  /* where */
  {"isHttpDNS", EIM_OPTION_BOOL, EIM_OPTION_NO_FIELD, NULL, 0, 0, NULL, "", "true, false",
   "Find the hosts by `dnsUrls`. Unset: true unless `apiUrl` or `url` is given. True beside them: they are the fallback when discovery fails. False: they are required (private deployments)."},
  {"apiUrl", EIM_OPTION_STRING, FIELD(api_url), NULL, 0, 0, eim_address_check_http, "", "https:// or http:// URL",
   "REST address. Plain http:// is used when it is named here."},
  {"url", EIM_OPTION_STRING, FIELD(url), NULL, 0, 0, eim_address_check_ws, "", "wss:// or ws:// URL",
   "Address of the message server, for example wss://im-api-wechat.easemob.com/websocket. Plain ws:// is used when it is named here."},
  {"https", EIM_OPTION_BOOL, FIELD(https), "true", 0, 0, NULL, "", "true, false",
   "Discovered hosts by TLS only. True, because tokens and messages cross the line; false also takes plain ones."},
  {"dnsUrls", EIM_OPTION_LIST, FIELD(dns_urls), "https://rs.easemob.com/easemob/server.json,https://rs.chat.agora.io/easemob/server.json", 0, 0, eim_address_check_http, "", "http(s):// URLs",
   "Where discovery asks, in this order: the bootstrap services of the two vendors by default."},
  /* how */
  {"caFile", EIM_OPTION_STRING, FIELD(ca_file), NULL, 0, 0, check_path, "", "a readable PEM file",
   "Certificates to trust instead of the system's. Unset: those that SSL_CERT_FILE and SSL_CERT_DIR name, else the system's, looked for where the known systems have them; none found is the error `no_ca_bundle`."},
  {"pinnedKeys", EIM_OPTION_LIST, FIELD(pinned_keys), NULL, 0, 0, check_pin, "", "sha256//base64, …",
   "Public keys (SHA-256 of the SPKI): the server's certificate must have one of them besides being valid. Unset: none, because a forgotten pin locks everybody out."},
  {"clientCert", EIM_OPTION_STRING, FIELD(client_cert), NULL, 0, 0, check_path, "", "a readable PEM file",
   "Certificate to show when the server asks for one. Needs `clientKey`."},
  {"clientKey", EIM_OPTION_STRING, FIELD(client_key), NULL, 0, 0, check_path, "", "a readable PEM file",
   "Private key of `clientCert`."},
  {"proxy", EIM_OPTION_SECRET, FIELD(proxy), NULL, 0, 0, eim_address_check_proxy, "", "http://[user:password@]host:port, socks5://[user:password@]host:port, env",
   "Proxy for REST and messages alike. `env`: as http_proxy, https_proxy and no_proxy say. Unset: none, whatever the environment says, because a library should not change its way by an accident of the environment. Reads as ***."},
  {"ipVersion", EIM_OPTION_ENUM, EIM_OPTION_NO_FIELD, "any", 0, 0, check_ip_version, "", "any, 4, 6",
   "Restrict connections to one family of addresses, for networks where the other is broken."},
  /* when */
  {"heartBeatWait", EIM_OPTION_INT, FIELD(heart_beat_wait), "30000", 1000, 3600000, NULL, "ms", "1000 to 3600000",
   "Silence after which a heartbeat is sent. 30 s as in the official SDK: below the idle limits of common NATs and balancers (60 s)."},
  {"heartbeatTimeout", EIM_OPTION_INT, FIELD(heartbeat_timeout), "10000", 10, 3600000, NULL, "ms", "10 to 3600000",
   "How long a heartbeat may go unanswered before the connection counts as lost. 10 s: a slow mobile network answers in a few seconds, and a dead line is known within 40 s in all."},
  {"connectTimeout", EIM_OPTION_INT, FIELD(connect_timeout), "10000", 10, 3600000, NULL, "ms", "10 to 3600000",
   "For one attempt to connect, TLS included, and again for the login verdict. 10 s as in the newest official SDK."},
  {"loginTimeout", EIM_OPTION_INT, FIELD(login_timeout), "30000", 10, 3600000, NULL, "ms", "10 to 3600000",
   "For the whole of open(), with all attempts. 30 s: three attempts fit, and it is as long as people wait."},
  {"requestTimeout", EIM_OPTION_INT, FIELD(request_timeout), "15000", 10, 3600000, NULL, "ms", "10 to 3600000",
   "For one REST request, from when there is a connection for it (8 to a host; it waits for one up to four times as long). 15 s: longer than the server's own limits, shorter than `loginTimeout`, so that another host can be tried."},
  {"sendTimeout", EIM_OPTION_INT, FIELD(send_timeout), "30000", 10, 3600000, NULL, "ms", "10 to 3600000",
   "From send() to its answer, waiting for a reconnect included. 30 s: a reconnect in between fits."},
  {"autoReconnectNumMax", EIM_OPTION_INT, FIELD(auto_reconnect_num_max), "5", -1, 1000000, NULL, "", "-1 to 1000000",
   "Attempts to restore a lost session before giving up; -1: for ever, 0: none. 5 as in the official SDK."},
  {"reconnectBaseMs", EIM_OPTION_INT, FIELD(reconnect_base_ms), "1000", 1, 3600000, NULL, "ms", "1 to 3600000",
   "Ceiling of the random delay before the first reconnect; it doubles with each further one. 1 s: soon enough for people, and it spreads the clients of a server that restarted."},
  {"reconnectMaxMs", EIM_OPTION_INT, FIELD(reconnect_max_ms), "60000", 1, 86400000, NULL, "ms", "1 to 86400000",
   "The delay grows no further than this. One minute: a returning network is used soon, a dead one costs little battery."},
  {"reconnectHoldMs", EIM_OPTION_INT, FIELD(reconnect_hold_ms), "30000", 0, 86400000, NULL, "ms", "0 to 86400000",
   "Online for this long, a session counts as restored and the attempts start over. 30 s, so that a server which drops clients right after login is not asked for ever at the first delay."},
  {"tokenWarningFraction", EIM_OPTION_FLOAT, FIELD(token_warning_fraction), "0.8", 0, 1, NULL, "", "0 to 1",
   "Part of a token's life after which on_token_will_expire comes. 0.8 as in the official SDK."},
  {"tokenWarningLeadMs", EIM_OPTION_INT, FIELD(token_warning_lead_ms), "60000", 0, 86400000, NULL, "ms", "0 to 86400000",
   "on_token_will_expire comes at least this long before the end, where the token lives longer than that. One minute: enough to ask one's own server for a new one."},
  /* what */
  {"delivery", EIM_OPTION_BOOL, FIELD(delivery), "false", 0, 0, NULL, "", "true, false",
   "Send delivery receipts for received single-chat messages. False as in the official SDK: it doubles the traffic."},
  {"useOwnUploadFun", EIM_OPTION_BOOL, FIELD(use_own_upload_fun), "false", 0, 0, NULL, "", "true, false",
   "The application uploads attachments by itself, as in the official SDK: a message with `path` instead of `url` is refused. Addresses of received attachments are handed on as they came, whatever it says. False as there."},
  {"maxPendingSends", EIM_OPTION_INT, FIELD(max_pending_sends), "1000", 1, 1000000, NULL, "", "1 to 1000000",
   "Sends that may wait for their answers; more are refused with EIM_E_FULL. 1000: far above what people type, and a bounded amount of memory."},
  {"maxUndelivered", EIM_OPTION_INT, FIELD(max_undelivered), "256", 1, 1000000, NULL, "", "1 to 1000000",
   "Messages handed to the event queue of a client and not dispatched yet (ackMode manual: not done yet); beyond it the server is not asked for more. Nothing is dropped. 256: a few pages of the server's, so that the line stays busy while the application works."},
  {"ackMode", EIM_OPTION_ENUM, EIM_OPTION_NO_FIELD, "auto", 0, 0, check_ack_mode, "", "auto, manual",
   "When the server may forget a received message. auto: when its handlers have returned. manual: when the application says eim_client_message_done(); what it has not said so of comes again at the next login."},
  {"maxFrameBytes", EIM_OPTION_INT, FIELD(max_frame_bytes), "4194304", 1024, 268435455, NULL, "bytes", "1024 to 268435455",
   "A frame of the message server longer than this ends the connection. 4 MiB: a hundred times what a page of messages takes."},
  {"compression", EIM_OPTION_BOOL, FIELD(compression), "false", 0, 0, NULL, "", "true, false",
   "Offer the server to compress the message socket (LZ4, as easemob-websdk 4.21.1 does). False: it costs 176 KB for each client whose server agrees, and saves little where messages are few."},
  {"enableReportLogs", EIM_OPTION_BOOL, FIELD(enable_report_logs), "false", 0, 0, NULL, "", "true, false",
   "Upload the log lines of this client to the vendor, when its host list (`dnsUrls`, asked for this alone when `isHttpDNS` is off) wants that too. False as in the official SDK: what leaves the machine is for the application to say."},
  {"reportLogLevel", EIM_OPTION_ENUM, EIM_OPTION_NO_FIELD, "DEBUG", 0, 0, check_log_level, "", "TRACE, DEBUG, INFO, WARN, ERROR, or 0 to 4",
   "Lowest level that is uploaded, whatever the level of the other sinks. DEBUG: what the vendor's support needs; the official SDK uploads everything."},
  {"reportMaxBytes", EIM_OPTION_INT, FIELD(report_max_bytes), "3145728", 65536, 1073741824, NULL, "bytes", "65536 to 1073741824",
   "Lines of one client that wait for being uploaded; beyond it the oldest are lost, and the upload says how many. 3 MiB, as the log cache."},
  {"ioThreads", EIM_OPTION_INT, FIELD(io_threads), "1", 0, 64, NULL, "", "0 to 64",
   "Of a context: threads for I/O, over which its clients are spread. 0: all I/O runs inside eim_context_poll() and eim_context_wait(). 1 serves thousands of clients."},
};
/* clang-format on */
const int eim_options_count = sizeof eim_options / sizeof *eim_options;

int eim_option_find(const char *name) {
  for (int i = 0; i < eim_options_count; i++)
    if (!strcmp(eim_options[i].name, name)) return i;
  return -1;
}

static const eim_option *at(int index) {
  return index >= 0 && index < eim_options_count ? &eim_options[index] : NULL;
}

int eim_option_count(void) {
  return eim_options_count;
}
const char *eim_option_name(int index) {
  return at(index) ? at(index)->name : NULL;
}

const char *eim_option_type(int index) {
  static const char *const names[] = {"string", "bool", "int", "float", "list", "enum", "string"};
  return at(index) ? names[at(index)->kind] : NULL;
}

const char *eim_option_default(int index) {
  return at(index) ? at(index)->fallback : NULL;
}
const char *eim_option_range(int index) {
  return at(index) ? at(index)->range : NULL;
}
const char *eim_option_unit(int index) {
  return at(index) ? at(index)->unit : NULL;
}
const char *eim_option_doc(int index) {
  return at(index) ? at(index)->doc : NULL;
}
