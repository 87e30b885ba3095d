/* Chaos over real sockets: client processes send to each other through a line that is cut at random
 * bytes, while they and the sandbox are killed and started again. What must hold is read off the
 * clients' ledgers (ledger.h). The seed chooses what happens and to whom; when it happens goes by
 * the number of messages on their way, so that a seed repeats the schedule as well as sockets
 * allow. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cJSON.h"
#include "chance.h"
#include "ledger.h"
#include "proxy.h"

enum { USERS_MOST = 64, PAGE = 10, LOST = 10 };

typedef struct member { /* one client process */
  pid_t pid;            /* 0: it is not running */
  int64_t start_at;     /* when it shall run again */
  int processes;
  long read_to; /* of its ledger */
  bool all_sent;
} member;

static struct {
  int users;
  long messages;
  uint64_t seed;
  bool keep, lose, calm; /* calm: nothing more is done to anybody */
  char folder[64], file[96];
  chance chance;
  proxy proxy;
  member members[USERS_MOST];
  pid_t sandbox;
  int sandbox_out, admin_port;
  char ready[2000];
  size_t ready_size;
  int64_t sandbox_at;
  long seen; /* lines of the ledgers: sends, results, deliveries */
  long kills, stops, restarts, mutes, stalls;
  bool has_lost, has_group;
} self = {.users = 6, .messages = 10000, .seed = 1};

static int64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
static void die(const char *format, ...) {
  va_list args;
  va_start(args, format);
  fputs("chaos: ", stderr);
  vfprintf(stderr, format, args);
  va_end(args);
  fprintf(stderr, "; --seed %llu, folder %s\n0 passed, 1 failed\n", (unsigned long long)self.seed,
          self.folder);
  exit(1); /* the children go with this process */
}

/* ------------------------------------------------------------------ processes */

static void in_child(const char *errors) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() == 1) _exit(1);
  int fd = open(errors, O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(fd, 2);
}

static void start_sandbox(void) {
  int out[2];
  if (pipe2(out, O_CLOEXEC)) die("pipe: %s", strerror(errno));
  char users[USERS_MOST][16], errors[96];
  const char *argv[8 + 2 * USERS_MOST] = {EIM_SANDBOX_PROGRAM, "--data", self.file};
  int count = 3;
  for (int i = 0; i < self.users; i++) {
    snprintf(users[i], sizeof users[i], "u%d:pw", i);
    argv[count++] = "--user";
    argv[count++] = users[i];
  }
  snprintf(errors, sizeof errors, "%s/sandbox.err", self.folder);
  self.sandbox = fork();
  if (self.sandbox == 0) {
    in_child(errors);
    dup2(out[1], 1);
    execv(EIM_SANDBOX_PROGRAM, (char *const *)argv);
    _exit(127);
  }
  close(out[1]);
  fcntl(out[0], F_SETFL, O_NONBLOCK);
  self.sandbox_out = out[0];
  self.ready_size = 0;
}

static void start_member(int i) {
  member *m = &self.members[i];
  char user[16], users[16], messages[24], api[64], url[64], seed[24], errors[96];
  snprintf(user, sizeof user, "%d", i);
  snprintf(users, sizeof users, "%d", self.users);
  snprintf(messages, sizeof messages, "%ld", self.messages / self.users);
  snprintf(api, sizeof api, "http://127.0.0.1:%d", self.proxy.port);
  snprintf(url, sizeof url, "ws://127.0.0.1:%d/websocket", self.proxy.port);
  snprintf(seed, sizeof seed, "%llu",
           (unsigned long long)(self.seed * 1000003 + (uint64_t)i * 1009 + (uint64_t)m->processes));
  snprintf(errors, sizeof errors, "%s/u%d.err", self.folder, i);
  m->processes++;
  m->start_at = 0;
  m->pid = fork();
  if (m->pid == 0) {
    in_child(errors);
    execl(EIM_CHAOS_CLIENT, EIM_CHAOS_CLIENT, self.folder, user, users, messages, api, url, seed,
          (char *)NULL);
    _exit(127);
  }
}

/* Who ended: killed by us, by itself inside a handler, or asked to. */
static void reap(bool restart) {
  int status;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid == self.sandbox) die("the sandbox ended by itself, status %d", status);
    for (int i = 0; i < self.users; i++) {
      member *m = &self.members[i];
      if (m->pid != pid) continue;
      m->pid = 0;
      /* SIGTERM before it had begun is a kill like the other. */
      bool killed =
          WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGTERM);
      if (!killed && !(WIFEXITED(status) && WEXITSTATUS(status) == 0))
        die("client u%d ended with status %d", i, status);
      self.kills += killed;
      if (restart) m->start_at = now_ms() + chance_below(&self.chance, 150);
    }
  }
}

/* ------------------------------------------------------------------ the sandbox's admin API */

/* The answer's body, to be freed; NULL: none. */
static char *admin(const char *method, const char *path, const char *body) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)self.admin_port)};
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct timeval limit = {10, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  char *text = calloc(1, 65536);
  size_t size = 0;
  if (text && connect(fd, (struct sockaddr *)&name, sizeof name) == 0) {
    dprintf(
        fd,
        "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n"
        "%s",
        method, path, self.admin_port, strlen(body), body);
    ssize_t n;
    while (size < 65535 && (n = recv(fd, text + size, 65535 - size, 0)) > 0) size += (size_t)n;
  }
  close(fd);
  char *start = text ? strstr(text, "\r\n\r\n") : NULL;
  if (start) memmove(text, start + 4, strlen(start + 4) + 1);
  if (start) return text;
  free(text);
  return NULL;
}

/* Messages that wait for the user for whom most do; -1: not known. */
static long most_waiting(void) {
  char *text = admin("GET", "/users", "");
  cJSON *list = text ? cJSON_Parse(text) : NULL, *entry;
  long most = list ? 0 : -1;
  cJSON_ArrayForEach(entry, list) {
    long count = (long)cJSON_GetNumberValue(cJSON_GetObjectItem(entry, "waiting"));
    if (count > most) most = count;
  }
  cJSON_Delete(list);
  free(text);
  return most;
}

/* The line it prints when it answers: its port goes to the proxy. */
static void read_ready(void) {
  ssize_t n =
      read(self.sandbox_out, self.ready + self.ready_size, sizeof self.ready - 1 - self.ready_size);
  if (n > 0) self.ready_size += (size_t)n;
  self.ready[self.ready_size] = 0;
  if (!strchr(self.ready, '\n')) return;
  cJSON *json = cJSON_Parse(self.ready);
  const char *api = cJSON_GetStringValue(cJSON_GetObjectItem(json, "apiUrl"));
  const char *url = cJSON_GetStringValue(cJSON_GetObjectItem(json, "adminUrl"));
  if (!api || !url) die("the sandbox says: %s", self.ready);
  self.admin_port = atoi(strrchr(url, ':') + 1);
  char body[64 + 16 * USERS_MOST];
  int size = snprintf(body, sizeof body, "{\"id\":\"chaos\",\"members\":[");
  for (int i = 0; i < self.users; i++)
    size += snprintf(body + size, sizeof body - (size_t)size, "%s\"u%d\"", i ? "," : "", i);
  snprintf(body + size, sizeof body - (size_t)size, "]}");
  char *made = self.has_group ? NULL : admin("POST", "/groups", body);
  if (!self.has_group && !made) die("the sandbox makes no group");
  free(made);
  self.has_group = true; /* and the sandbox's file keeps it */
  self.proxy.target = atoi(strrchr(api, ':') + 1);
  cJSON_Delete(json);
  close(self.sandbox_out);
  self.sandbox_out = -1;
}

static void kill_sandbox(int after) {
  kill(self.sandbox, SIGKILL);
  waitpid(self.sandbox, NULL, 0);
  self.sandbox = 0;
  self.proxy.target = 0;
  self.restarts++;
  self.sandbox_at = now_ms() + after;
}

/* --lose: messages that the sandbox has accepted are taken out of its file, the first of a user
 * whose process never ran. Most of them were accepted before their sender's eyes too (it may have
 * been killed, or may have given up); the check must find those out. */
static void lose_one(int user) {
  sqlite3 *db = NULL;
  char sql[400];
  snprintf(sql, sizeof sql,
           "DELETE FROM waiting WHERE (device, position) IN (SELECT device, position FROM waiting"
           " LEFT JOIN device ON device.id=waiting.device"
           " JOIN user ON user.id=device.user OR user.inbox=waiting.device"
           " WHERE user.name='u%d' ORDER BY position LIMIT %d)",
           user, LOST);
  if (sqlite3_open(self.file, &db) || sqlite3_exec(db, sql, NULL, NULL, NULL) ||
      sqlite3_changes(db) != LOST)
    die("cannot take messages away: %s", sqlite3_errmsg(db));
  sqlite3_close(db);
  self.has_lost = true;
}

/* ------------------------------------------------------------------ what happens */

static void cut_one(bool soon) {
  int count = proxy_count(&self.proxy);
  proxy_line *line =
      count ? proxy_nth(&self.proxy, (int)chance_below(&self.chance, (uint32_t)count)) : NULL;
  if (!line) return;
  line->cut_down = chance_below(&self.chance, 2);
  line->cut_after = soon ? 1 : (long)chance_below(&self.chance, 4000);
  line->cut_at = now_ms() + 1000; /* also when nothing more is said on it */
}

static void something(void) {
  uint32_t dice = chance_below(&self.chance, 100);
  int who = (int)chance_below(&self.chance, (uint32_t)self.users);
  member *m = &self.members[who];
  int count = proxy_count(&self.proxy);
  proxy_line *line =
      count ? proxy_nth(&self.proxy, (int)chance_below(&self.chance, (uint32_t)count)) : NULL;
  if (dice < 45) {
    cut_one(false);
  } else if (dice < 52) {
    for (int i = 0; i < PROXY_LINES; i++) {
      if (self.proxy.lines[i].client < 0) continue;
      proxy_cut(&self.proxy, &self.proxy.lines[i], chance_below(&self.chance, 2));
      self.proxy.cuts++;
    }
  } else if (dice < 65) { /* sent, and the answers lost */
    if (line) {
      line->deaf = true;
      line->cut_at = now_ms() + 1 + chance_below(&self.chance, 60);
      self.mutes++;
    }
  } else if (dice < 70) {
    if (line) {
      line->stalled_until = now_ms() + 1 + chance_below(&self.chance, 600);
      self.stalls++;
    }
  } else if (dice < 82) {
    if (m->pid) kill(m->pid, SIGKILL); /* reap() starts it again */
  } else if (dice < 88) {
    if (m->pid) {
      kill(m->pid, SIGTERM);
      self.stops++;
    }
  } else if (self.sandbox && self.proxy.target) {
    kill_sandbox((int)chance_below(&self.chance, 100));
  }
}

/* What was written into the ledgers since the last time. */
static void count_lines(void) {
  char path[96], bytes[65536];
  for (int i = 0; i < self.users; i++) {
    snprintf(path, sizeof path, "%s/u%d", self.folder, i);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) continue;
    for (ssize_t n; (n = pread(fd, bytes, sizeof bytes, self.members[i].read_to)) > 0;) {
      for (ssize_t at = 0; at < n; at++) {
        self.seen += bytes[at] == '\n';
        self.members[i].all_sent |= bytes[at] == 'Q' && bytes[at + 1 < n ? at + 1 : at] == '\n';
      }
      self.members[i].read_to += n;
    }
    close(fd);
  }
}

/* The sandbox keeps 10000 messages for each device and then loses the oldest, which is not what is
 * tested here: the senders wait when somebody is far behind. */
static void hold_back(void) {
  static int64_t asked;
  char path[96];
  if (!self.proxy.target || now_ms() - asked < 100) return;
  asked = now_ms();
  snprintf(path, sizeof path, "%s/hold", self.folder);
  if (most_waiting() > 2000)
    close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  else
    unlink(path);
}

static bool all_sent(void) {
  hold_back();
  for (int i = 0; i < self.users; i++)
    if (!self.members[i].all_sent) return false;
  return true;
}

static void turn(void) {
  static struct pollfd fds[2 + 2 * PROXY_LINES];
  int64_t now = now_ms();
  int count = proxy_watch(&self.proxy, fds, now);
  if (self.sandbox_out >= 0) fds[count++] = (struct pollfd){self.sandbox_out, POLLIN, 0};
  poll(fds, (nfds_t)count, 5);
  now = now_ms();
  if (self.sandbox_out >= 0) read_ready();
  proxy_work(&self.proxy, fds, count, now);
  reap(true);
  if (!self.sandbox && self.sandbox_at <= now) start_sandbox();
  for (int i = 0; i < self.users; i++)
    if (!self.members[i].pid && self.members[i].start_at <= now) start_member(i);
}

/* Turns until `done` says so; die after so long without a line in any ledger. */
static void until(bool (*done)(void), const char *what) {
  int64_t since = now_ms(), counted = 0, next_at = 0;
  long last = -1, next = self.seen + 100;
  while (!done()) {
    turn();
    int64_t now = now_ms();
    if (now - counted < 10) continue;
    counted = now;
    count_lines();
    if (self.seen != last) {
      last = self.seen;
      since = now;
    }
    if (now - since > 60000) die("nothing happens any more before %s", what);
    if (self.calm || (self.seen < next && now < next_at)) continue;
    something();
    next = self.seen + 10 + (long)chance_below(&self.chance, 300);
    next_at = now + 500;
  }
}

static bool nothing_waits(void) {
  static int64_t asked;
  if (!self.proxy.target || now_ms() - asked < 100) return false;
  asked = now_ms();
  for (int i = 0; i < self.users; i++)
    if (!self.members[i].pid) return false;
  return most_waiting() == 0;
}

static bool some_wait_for_the_first(void) {
  static int64_t asked;
  self.members[0].start_at = INT64_MAX; /* it stays away */
  if (!self.proxy.target || now_ms() - asked < 50) return false;
  asked = now_ms();
  return most_waiting() > 10 * PAGE;
}

static void end_members(void) {
  for (int i = 0; i < self.users; i++)
    if (self.members[i].pid) kill(self.members[i].pid, SIGTERM);
  int64_t end = now_ms() + 20000;
  for (int left = 1; left && now_ms() < end;) {
    static struct pollfd fds[1 + 2 * PROXY_LINES];
    int count = proxy_watch(&self.proxy, fds, now_ms());
    poll(fds, (nfds_t)count, 5);
    proxy_work(&self.proxy, fds, count, now_ms());
    reap(false);
    left = 0;
    for (int i = 0; i < self.users; i++) left += self.members[i].pid != 0;
    if (!left) return;
  }
  die("clients did not end when they were asked to");
}

static void remove_folder(void) {
  char path[128];
  static const char *const names[] = {"box.db", "box.db-wal", "box.db-shm", "sandbox.err", "hold"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    snprintf(path, sizeof path, "%s/%s", self.folder, names[i]);
    unlink(path);
  }
  for (int i = 0; i < self.users; i++) {
    snprintf(path, sizeof path, "%s/u%d", self.folder, i);
    unlink(path);
    snprintf(path, sizeof path, "%s/u%d.err", self.folder, i);
    unlink(path);
  }
  rmdir(self.folder);
}

static const char usage[] =
    "Usage: chaos [--messages N] [--seed N] [--users N] [--keep] [--lose]\n"
    "Client processes, a line that is cut, and a sandbox with --data that is killed.\n\n"
    "  --messages N   in all, to and fro (10000; also $EIM_CHAOS_MESSAGES)\n"
    "  --seed N       of the schedule (1; also $EIM_CHAOS_SEED)\n"
    "  --users N      client processes, 2 to 64 (6)\n"
    "  --keep         leave the ledgers and the sandbox's file where they are\n"
    "  --lose         take accepted messages away: succeeds when the check finds that out\n";

static void parse(int argc, char **argv) {
  static const struct option flags[] = {
      {"messages", required_argument, NULL, 'm'}, {"seed", required_argument, NULL, 's'},
      {"users", required_argument, NULL, 'u'},    {"keep", no_argument, NULL, 'k'},
      {"lose", no_argument, NULL, 'l'},           {NULL, 0, NULL, 0}};
  const char *messages = getenv("EIM_CHAOS_MESSAGES"), *seed = getenv("EIM_CHAOS_SEED");
  if (messages) self.messages = atol(messages);
  if (seed) self.seed = strtoull(seed, NULL, 10);
  for (int flag; (flag = getopt_long(argc, argv, "", flags, NULL)) != -1;) {
    if (flag == 'm')
      self.messages = atol(optarg);
    else if (flag == 's')
      self.seed = strtoull(optarg, NULL, 10);
    else if (flag == 'u')
      self.users = atoi(optarg);
    else if (flag == 'k')
      self.keep = true;
    else if (flag == 'l')
      self.lose = true;
    else
      fputs(usage, stderr), exit(2);
  }
  if (self.users < 2 || self.users > USERS_MOST || self.messages < self.users || optind < argc)
    fputs(usage, stderr), exit(2);
}

int main(int argc, char **argv) {
  parse(argc, argv);
  setvbuf(stdout, NULL, _IOLBF, 0);
  snprintf(self.folder, sizeof self.folder, "/tmp/eim-chaos-XXXXXX");
  if (!mkdtemp(self.folder)) die("no folder: %s", strerror(errno));
  snprintf(self.file, sizeof self.file, "%s/box.db", self.folder);
  self.chance = chance_of(self.seed);
  self.sandbox_out = -1;
  if (!proxy_start(&self.proxy)) die("no port: %s", strerror(errno));
  printf("chaos: %ld messages between %d processes, --seed %llu\n", self.messages, self.users,
         (unsigned long long)self.seed);
  if (self.lose) setenv("EIM_CHAOS_QUIET", "1", 1);
  int64_t start = now_ms();
  if (self.lose) {
    self.calm = true;
    until(some_wait_for_the_first, "messages wait for the first");
    kill_sandbox(0);
    lose_one(0);
    self.members[0].start_at = 0;
  }
  until(all_sent, "all messages are sent");
  self.calm = true;
  for (int i = 0; i < PROXY_LINES; i++) self.proxy.lines[i].cut_at = 0;
  until(nothing_waits, "all messages are delivered");
  end_members();
  int64_t took = now_ms() - start;
  kill(self.sandbox, SIGTERM);
  waitpid(self.sandbox, NULL, 0);
  proxy_stop(&self.proxy);
  ledger_totals t;
  bool good = ledger_check(self.folder, self.users, PAGE, stdout, &t);
  printf("%ld sent in %.1f s: %ld accepted, %ld uncertain (%ld of them arrived), %ld refused\n"
         "%ld delivered, %ld again after the end of a process (%ld of them handled before; at most "
         "%d of a conversation)\n"
         "%ld processes, %ld crashes, %ld ends in order; %ld cuts, %ld lines deaf, %ld stalled; "
         "%ld kills of the sandbox\n"
         "%ld lost, %ld things wrong\n",
         t.sent, (double)took / 1000, t.accepted, t.maybe + t.unanswered, t.uncertain_there,
         t.refused, t.delivered, t.again, t.again_done, t.most_again, t.processes, t.crashes,
         t.processes - t.crashes, self.proxy.cuts, self.mutes, self.stalls, self.restarts, t.lost,
         t.wrong);
  if (self.lose) good = self.has_lost && t.lost > 0 && t.lost <= LOST && t.wrong == t.lost;
  if (good && !self.keep)
    remove_folder();
  else
    printf("%s is kept\n", self.folder);
  printf("%d passed, %d failed\n", good, !good);
  return !good;
}
