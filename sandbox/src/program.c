/* eim-sandbox: the sandbox as a program, here as a function, so that a package of another language
 * can carry it without a second copy of the libraries under it. One line of JSON on stdout when it
 * is ready, everything else on stderr; SIGINT and SIGTERM end it. */
#include <errno.h>
#include <getopt.h>
#include <libwebsockets.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"
#include "eim_sandbox.h"

static const char usage[] =
    "Usage: eim-sandbox [options]\n"
    "A local Easemob-like service: REST, message socket and bootstrap list on one port.\n\n"
    "  --port N                    listen on this port (default: any free one)\n"
    "  --bind ADDR                 numeric address to listen on (127.0.0.1)\n"
    "  --admin-port N              port of the admin API, always on 127.0.0.1 (default: any free "
    "one)\n"
    "  --tls                       https and wss, with a CA made at the start (caFile)\n"
    "  --app-key org#app           (" EIM_SANDBOX_DEFAULT_APP_KEY ")\n"
    "  --user name:password        an account; may be given several times\n"
    "  --token-ttl SECONDS         life of a token (5184000)\n"
    "  --multi-device              several devices of one user at once\n"
    "  --allow-edit                messages can be edited by their senders\n"
    "  --open-registration yes|no  whether anybody may register (yes)\n"
    "  --data FILE                 keep accounts, messages, groups and the rest in this "
    "file\n"
    "  --until-eof                 end when standard input ends: with whoever started it\n"
    "  --compression DIRECTIONS    LZ4 for clients that offer it: both, up, down or none (both)\n"
    "  --report-logs               the bootstrap list asks for uploads of log lines\n"
    "  --help, --version\n\n"
    "When it is ready it prints one line of JSON: apiUrl, url, sockjsUrl, dnsUrl, adminUrl, "
    "appKey,\n"
    "caFile, pid. It ends with status 0 on SIGINT or SIGTERM, with 2 when it cannot start,\n"
    "with 1 when --data cannot be written any more.\n";

#define MAX_USERS 1000

typedef struct arguments {
  eim_sandbox_options options;
  char *users[MAX_USERS];
  int user_count;
  bool until_eof;
} arguments;

static int complain(const char *what, const char *value) {
  fprintf(stderr, "eim-sandbox: %s%s%s\n", what, value ? ": " : "", value ? value : "");
  return 2;
}

static bool number(const char *text, int64_t low, int64_t high, int64_t *out) {
  return eim_parse_i64(text, out) && *out >= low && *out <= high;
}

static bool compression(const char *text, eim_sandbox_compression *out) {
  static const struct {
    const char *name;
    eim_sandbox_compression value;
  } names[] = {{"both", EIM_SANDBOX_LZ4_BOTH},
               {"up", EIM_SANDBOX_LZ4_UP},
               {"down", EIM_SANDBOX_LZ4_DOWN},
               {"none", EIM_SANDBOX_LZ4_NONE}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (strcmp(text, names[i].name) != 0) continue;
    *out = names[i].value;
    return true;
  }
  return false;
}

/* -1: go on; else the exit status. */
static int parse(int argc, char **argv, arguments *a) {
  static const struct option flags[] = {{"port", required_argument, NULL, 'p'},
                                        {"bind", required_argument, NULL, 'b'},
                                        {"admin-port", required_argument, NULL, 'a'},
                                        {"tls", no_argument, NULL, 's'},
                                        {"app-key", required_argument, NULL, 'k'},
                                        {"user", required_argument, NULL, 'u'},
                                        {"token-ttl", required_argument, NULL, 't'},
                                        {"multi-device", no_argument, NULL, 'm'},
                                        {"allow-edit", no_argument, NULL, 'd'},
                                        {"open-registration", required_argument, NULL, 'o'},
                                        {"data", required_argument, NULL, 'f'},
                                        {"report-logs", no_argument, NULL, 'r'},
                                        {"compression", required_argument, NULL, 'c'},
                                        {"until-eof", no_argument, NULL, 'e'},
                                        {"help", no_argument, NULL, 'h'},
                                        {"version", no_argument, NULL, 'v'},
                                        {NULL, 0, NULL, 0}};
  opterr = 0;
  int64_t value;
  for (int flag; (flag = getopt_long(argc, argv, "", flags, NULL)) != -1;) {
    switch (flag) {
    case 'p':
    case 'a':
      if (!number(optarg, 0, 65535, &value)) return complain("a port is 0 to 65535", optarg);
      if (flag == 'p')
        a->options.port = (uint16_t)value;
      else
        a->options.admin_port = (uint16_t)value;
      break;
    case 'b': a->options.bind = optarg; break;
    case 's': a->options.tls = true; break;
    case 'k': a->options.app_key = optarg; break;
    case 'u': {
      char *colon = strchr(optarg, ':');
      if (!colon || colon == optarg || !colon[1] || a->user_count == MAX_USERS)
        return complain("--user needs name:password", NULL);
      a->users[a->user_count++] = optarg;
      break;
    }
    case 't':
      if (!number(optarg, 1, 1000000000, &a->options.token_ttl))
        return complain("--token-ttl is 1 to 1000000000 seconds", optarg);
      break;
    case 'm': a->options.multi_device = true; break;
    case 'f': a->options.data = optarg; break;
    case 'd': a->options.allow_edit = true; break;
    case 'e': a->until_eof = true; break;
    case 'r': a->options.report_logs = true; break;
    case 'c':
      if (!compression(optarg, &a->options.compression))
        return complain("--compression is both, up, down or none", optarg);
      break;
    case 'o':
      if (strcmp(optarg, "yes") != 0 && strcmp(optarg, "no") != 0)
        return complain("--open-registration is yes or no", optarg);
      a->options.closed_registration = strcmp(optarg, "no") == 0;
      break;
    case 'h': fputs(usage, stdout); return 0;
    case 'v': puts("eim-sandbox " EIM_SANDBOX_VERSION); return 0;
    default: return complain("unknown option or missing value (see --help)", argv[optind - 1]);
    }
  }
  if (optind < argc) return complain("unexpected argument (see --help)", argv[optind]);
  return -1;
}

static bool add_users(eim_sandbox *sandbox, arguments *a) {
  for (int i = 0; i < a->user_count; i++) {
    char *colon = strchr(a->users[i], ':');
    *colon = 0;
    bool good = eim_sandbox_add_user(sandbox, a->users[i], colon + 1);
    memset(colon + 1, '*', strlen(colon + 1)); /* not in the process list for long */
    if (good) continue;
    complain(a->options.data
                 ? "cannot add this user (a-z 0-9 _ - . only, no name twice or with another "
                   "password in --data)"
                 : "cannot add this user (a-z 0-9 _ - . only, no name twice)",
             a->users[i]);
    return false;
  }
  return true;
}

static bool announce(const eim_sandbox *sandbox) {
  eim_buf line = EIM_BUF_INIT;
  const struct {
    const char *name, *value;
  } members[] = {
      {"apiUrl", eim_sandbox_api_url(sandbox)},       {"url", eim_sandbox_url(sandbox)},
      {"sockjsUrl", eim_sandbox_sockjs_url(sandbox)}, {"dnsUrl", eim_sandbox_dns_url(sandbox)},
      {"adminUrl", eim_sandbox_admin_url(sandbox)},   {"appKey", eim_sandbox_app_key(sandbox)},
      {"caFile", eim_sandbox_ca_file(sandbox)}};
  for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
    eim_buf_printf(&line, "%s\"%s\":", i ? "," : "{", members[i].name);
    eim_buf_json_str(&line, members[i].value);
  }
  eim_buf_printf(&line, ",\"pid\":%ld}", (long)getpid());
  bool good = !line.failed && puts((char *)line.data) >= 0 && fflush(stdout) == 0;
  eim_buf_free(&line);
  return good;
}

/* A starter that is killed cannot end us; but its end of the pipe is closed. */
static void *watch_input(void *unused) {
  (void)unused;
  char bytes[64];
  ssize_t n;
  while ((n = read(STDIN_FILENO, bytes, sizeof bytes)) > 0 || (n < 0 && errno == EINTR)) {}
  kill(getpid(), SIGTERM);
  return NULL;
}

static atomic_bool data_failed; /* told by the server's thread */

static void data_error(void *unused, const char *why) {
  (void)unused;
  complain(why, NULL);
  data_failed = true;
  kill(getpid(), SIGTERM);
}

int eim_sandbox_main(int argc, char **argv) {
  static arguments a;
  int status = parse(argc, argv, &a);
  if (status >= 0) return status;
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  sigprocmask(SIG_BLOCK, &ends, NULL); /* taken by sigwait below, in no other thread */
  signal(SIGPIPE, SIG_IGN);
  char error[256];
  lws_set_log_level(0, NULL); /* a busy port is told in one line, by us */
  a.options.on_data_error = data_error;
  eim_sandbox *sandbox = eim_sandbox_new(&a.options, error, sizeof error);
  if (!sandbox) return complain(error, NULL);
  status = 2;
  if (add_users(sandbox, &a) && announce(sandbox)) {
    pthread_t watch;
    if (a.until_eof && !pthread_create(&watch, NULL, watch_input, NULL)) pthread_detach(watch);
    int which;
    sigwait(&ends, &which);
    status = data_failed ? 1 : 0;
  }
  eim_sandbox_free(sandbox);
  return status;
}
