/* The process may end at any moment: with clients online over TLS, just dropped, or never shut
 * down. Each case runs in a child that this program starts of itself. */
#include <eim_sandbox.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "eim_test.h"
#include "peer.h"

EIM_TEST_MAIN

/* In the child: log in as often as wanted and leave without a word. */
static void leave(const char *const *options, int how) {
  peer p;
  peer_start(&p, NULL, 1, options);
  uint64_t token = peer_open_password(&p, "alice", "pw-a");
  if (how != 0) peer_code(&p, token); /* 0: in the middle of the login */
  if (how == 2) {
    eim_client_unref(p.client);
    eim_context_unref(p.context); /* nothing waits for the thread */
  }
  exit(0);
}

TEST(exit_at_any_moment_is_clean) {
  static char program[] = "/proc/self/exe";
  char error[256], api[128], url[128], key[64], ca[256];
  const char *child = getenv("EIM_EXIT_TEST_CHILD");
  if (child) {
    const char *options[] = {getenv("A"), getenv("U"), getenv("K"), getenv("C"), NULL};
    leave(options, atoi(child));
  }
  eim_sandbox *sandbox = eim_sandbox_new(&(eim_sandbox_options){.tls = true, .multi_device = true},
                                         error, sizeof error);
  REQUIRE(sandbox);
  eim_sandbox_add_user(sandbox, "alice", "pw-a");
  snprintf(api, sizeof api, "A=apiUrl=%s", eim_sandbox_api_url(sandbox));
  snprintf(url, sizeof url, "U=url=%s", eim_sandbox_url(sandbox));
  snprintf(key, sizeof key, "K=appKey=%s", eim_sandbox_app_key(sandbox));
  snprintf(ca, sizeof ca, "C=caFile=%s", eim_sandbox_ca_file(sandbox));
  for (int how = 0; how < 3; how++)
    for (int i = 0; i < 20; i++) {
      char mode[] = "EIM_EXIT_TEST_CHILD=0";
      mode[sizeof mode - 2] = (char)('0' + how);
      /* ThreadSanitizer waits a second at each exit for what other threads may yet do. */
      char patience[] = "TSAN_OPTIONS=atexit_sleep_ms=50";
      char *environment[] = {mode, api, url, key, ca, patience, NULL};
      char *arguments[] = {program, NULL};
      pid_t pid = fork();
      if (!pid) {
        execve(program, arguments, environment);
        _exit(127);
      }
      int status = -1;
      CHECK_INT(waitpid(pid, &status, 0), pid);
      CHECK(WIFEXITED(status));
      CHECK_INT(WEXITSTATUS(status), 0);
    }
  eim_sandbox_free(sandbox);
}
