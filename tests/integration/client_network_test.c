/* The ways to the server: host lists, listed addresses, names that do not fit, proxies, IPv6. */
#include <eim_sandbox.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "eim_test.h"
#include "peer.h"
#include "tiny_proxy.h"

EIM_TEST_MAIN

static eim_sandbox *sandbox;
static char api[128], url[128], key[64], ca[256], dns[256], extra[256];

static bool begin(const eim_sandbox_options *options) {
  char error[256];
  sandbox = eim_sandbox_new(options, error, sizeof error);
  if (!sandbox) {
    fprintf(stderr, "  %s\n", error);
    return false;
  }
  eim_sandbox_add_user(sandbox, "alice", "pw-a");
  snprintf(api, sizeof api, "apiUrl=%s", eim_sandbox_api_url(sandbox));
  snprintf(url, sizeof url, "url=%s", eim_sandbox_url(sandbox));
  snprintf(key, sizeof key, "appKey=%s", eim_sandbox_app_key(sandbox));
  snprintf(dns, sizeof dns, "dnsUrls=%s", eim_sandbox_dns_url(sandbox));
  if (eim_sandbox_ca_file(sandbox))
    snprintf(ca, sizeof ca, "caFile=%s", eim_sandbox_ca_file(sandbox));
  return true;
}

/* Logs in and out; the code, and the error's detail in `detail` (may be NULL). */
static int log_in(const char *const *options, char *detail, size_t size) {
  peer p;
  peer_start(&p, NULL, 1, options);
  const peer_event *e = peer_result(&p, peer_open_password(&p, "alice", "pw-a"));
  int code = !e ? INT32_MIN : e->error ? eim_error_code(e->error) : 0;
  if (detail) snprintf(detail, size, "%s", e && e->error ? eim_error_detail(e->error) : "");
  peer_stop(&p);
  return code;
}

/* The bootstrap answers with this host list once: `domain` may be any name, `ip` may be "". */
static void list(const char *first, const char *domain, const char *ip) {
  static char body[1024];
  char hosts[400];
  snprintf(hosts, sizeof hosts,
           "{\"hosts\":[%s{\"protocol\":\"https\",\"domain\":\"%s\",\"ip\":\"%s\",\"port\":%u}]}",
           first, domain, ip, (unsigned)eim_sandbox_port(sandbox));
  snprintf(body, sizeof body, "{\"rest\":%s,\"msync-wx\":%s}", hosts, hosts);
  eim_sandbox_failure how = {EIM_SANDBOX_BY_HTTP, 200, body};
  CHECK(eim_sandbox_fail_next(sandbox, EIM_SANDBOX_DNS, 1, &how));
}

TEST(a_listed_address_is_used_whatever_the_resolver_says) {
  char detail[512];
  REQUIRE(begin(&(eim_sandbox_options){.tls = true}));
  const char *options[] = {key, dns, ca, "loginTimeout=2000", "reconnectBaseMs=20", NULL};
  /* No resolver knows this name; the certificate has it. REST and messages go to the address. */
  list("", "sandbox.localhost", "127.0.0.1");
  CHECK_INT(log_in(options, NULL, 0), 0);
  /* The address of the list leads to a server that cannot prove to be the name: refused, and the
   * password never leaves. */
  uint64_t before = eim_sandbox_count(sandbox, EIM_SANDBOX_TOKEN);
  list("", "im.example.com", "127.0.0.1");
  CHECK_INT(log_in(options, detail, sizeof detail), EIM_E_TLS);
  CHECK_CONTAINS(detail, "hostname_mismatch");
  CHECK_INT(eim_sandbox_count(sandbox, EIM_SANDBOX_TOKEN), before);
  eim_sandbox_free(sandbox);
}

TEST(a_dead_first_host_is_passed_over) {
  REQUIRE(begin(&(eim_sandbox_options){.tls = true}));
  const char *options[] = {key, dns, ca, NULL};
  list("{\"protocol\":\"https\",\"domain\":\"sandbox.localhost\",\"ip\":\"127.0.0.1\",\"port\":1},",
       "127.0.0.1", "127.0.0.1");
  CHECK_INT(log_in(options, NULL, 0), 0);
  eim_sandbox_free(sandbox);
}

TEST(discovered_hosts_are_never_plain_behind_the_back) {
  REQUIRE(begin(NULL));
  static char body[600];
  snprintf(
      body, sizeof body,
      "{\"rest\":{\"hosts\":[{\"protocol\":\"http\",\"domain\":\"127.0.0.1\",\"port\":%u}]},"
      "\"msync-wx\":{\"hosts\":[{\"protocol\":\"http\",\"domain\":\"127.0.0.1\",\"port\":%u}]}}",
      (unsigned)eim_sandbox_port(sandbox), (unsigned)eim_sandbox_port(sandbox));
  eim_sandbox_failure how = {EIM_SANDBOX_BY_HTTP, 200, body};
  CHECK(eim_sandbox_fail_next(sandbox, EIM_SANDBOX_DNS, 1000, &how));
  const char *strict[] = {key, dns, "loginTimeout=300", NULL};
  CHECK_INT(log_in(strict, NULL, 0), EIM_CODE_SERVER_GET_DNSLIST_FAILED);
  CHECK_INT(eim_sandbox_count(sandbox, EIM_SANDBOX_TOKEN), 0);
  const char *plain[] = {key, dns, "https=false", NULL};
  CHECK_INT(log_in(plain, NULL, 0), 0);
  eim_sandbox_free(sandbox);
}

TEST(a_name_that_does_not_resolve_is_told_as_such) {
  char detail[512];
  REQUIRE(begin(NULL));
  const char *options[] = {key,
                           "apiUrl=http://nowhere.invalid:1",
                           "url=ws://nowhere.invalid:1/websocket",
                           "loginTimeout=300",
                           "reconnectBaseMs=10",
                           NULL};
  CHECK_INT(log_in(options, detail, sizeof detail), EIM_E_NETWORK);
  CHECK_CONTAINS(detail, "\"dns\"");
  eim_sandbox_free(sandbox);
}

TEST(rest_and_messages_go_through_the_proxy) {
  REQUIRE(begin(&(eim_sandbox_options){.tls = true}));
  tiny_proxy *open = tiny_proxy_new(NULL), *closed = tiny_proxy_new("robot:s3cret!");
  REQUIRE(open && closed);
  const char *options[] = {key, api, url, ca, extra, "loginTimeout=2000", "reconnectBaseMs=20",
                           NULL};
  snprintf(extra, sizeof extra, "proxy=http://127.0.0.1:%u", (unsigned)tiny_proxy_port(open));
  CHECK_INT(log_in(options, NULL, 0), 0);
  CHECK_INT(tiny_proxy_tunnels(open), 2);
  snprintf(extra, sizeof extra, "proxy=http://robot:s3cret!@127.0.0.1:%u",
           (unsigned)tiny_proxy_port(closed));
  CHECK_INT(log_in(options, NULL, 0), 0);
  CHECK_INT(tiny_proxy_tunnels(closed), 2);
  char detail[512];
  snprintf(extra, sizeof extra, "proxy=http://robot:wrong@127.0.0.1:%u",
           (unsigned)tiny_proxy_port(closed));
  CHECK(log_in(options, detail, sizeof detail) < 0);
  CHECK_CONTAINS(detail, "proxy");
  CHECK(!strstr(detail, "wrong"));
  CHECK(tiny_proxy_refused(closed) > 0);
  tiny_proxy_free(open);
  tiny_proxy_free(closed);
  eim_sandbox_free(sandbox);
}

TEST(the_message_socket_alone_goes_through_the_proxy_too) {
  char token[256];
  peer p;
  REQUIRE(begin(&(eim_sandbox_options){.tls = true}));
  tiny_proxy *proxy = tiny_proxy_new("a:b");
  REQUIRE(proxy && eim_sandbox_issue_token(sandbox, "alice", 0, token, sizeof token));
  snprintf(extra, sizeof extra, "proxy=http://a:b@127.0.0.1:%u", (unsigned)tiny_proxy_port(proxy));
  const char *options[] = {key, api, url, ca, extra, NULL};
  peer_start(&p, NULL, 0, options);
  CHECK_INT(peer_code(&p, peer_open_token(&p, "alice", token)), 0);
  CHECK_INT(tiny_proxy_tunnels(proxy), 1);
  CHECK(eim_sandbox_push(sandbox, "alice", "bob", "through the proxy"));
  CHECK(peer_wait(&p, PEER_MESSAGE, PEER_WAIT));
  peer_stop(&p);
  tiny_proxy_free(proxy);
  eim_sandbox_free(sandbox);
}

static void over_ipv6(bool tls) {
  char error[256];
  sandbox = eim_sandbox_new(&(eim_sandbox_options){.bind = "::1", .tls = tls}, error, sizeof error);
  if (!sandbox) {
    fprintf(stderr, "  no IPv6 loopback here, nothing to see: %s\n", error);
    return;
  }
  eim_sandbox_add_user(sandbox, "alice", "pw-a");
  snprintf(api, sizeof api, "apiUrl=%s", eim_sandbox_api_url(sandbox));
  snprintf(url, sizeof url, "url=%s", eim_sandbox_url(sandbox));
  snprintf(key, sizeof key, "appKey=%s", eim_sandbox_app_key(sandbox));
  CHECK_CONTAINS(url, "[::1]");
  if (tls) snprintf(ca, sizeof ca, "caFile=%s", eim_sandbox_ca_file(sandbox));
  const char *options[] = {key, api, url, tls ? ca : NULL, NULL};
  CHECK_INT(log_in(options, NULL, 0), 0);
  const char *four[] = {key, api, url, "ipVersion=4", "loginTimeout=300", tls ? ca : NULL, NULL};
  CHECK(log_in(four, NULL, 0) != 0);
  eim_sandbox_free(sandbox);
}

TEST(plain_ipv6_works) {
  over_ipv6(false);
}

TEST(tls_over_ipv6_works) {
  over_ipv6(true);
}

TEST(a_fixed_device_id_is_kept_in_the_state_folder) {
  char folder[] = "/tmp/eim-state-XXXXXX", file[128], first[128] = "";
  struct stat info;
  REQUIRE(mkdtemp(folder) && begin(NULL));
  snprintf(extra, sizeof extra, "stateDir=%s", folder);
  const char *options[] = {key, api, url, extra, NULL};
  for (int i = 0; i < 2; i++) {
    peer p;
    peer_start(&p, NULL, 1, options);
    const peer_event *e = peer_result(&p, peer_open_password(&p, "alice", "pw-a"));
    REQUIRE(e && !e->error);
    if (i == 0)
      snprintf(first, sizeof first, "%s", eim_result_json(e->result));
    else
      CHECK(!strncmp(first, eim_result_json(e->result), strcspn(first, ",") + 20));
    peer_stop(&p);
  }
  snprintf(file, sizeof file, "%s/device_id", folder);
  REQUIRE(!stat(file, &info));
  CHECK_INT(info.st_mode & 0777, 0600);
  unlink(file);
  rmdir(folder);
  eim_sandbox_free(sandbox);
}
