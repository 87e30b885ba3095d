/* eim-bench: clients that do what they are told, and tell what it took. The twin of sdk.mjs: the
 * same commands on stdin, the same lines of JSON on stdout, the same environment.
 *
 *   eim-bench exec PROGRAM…   note the time in EIM_BENCH_T0, become PROGRAM
 *   eim-bench run             obey:
 *     clients N    log in until N are online; {"event":"online","count":N,"ns":since EIM_BENCH_T0}
 *     expect N     {"event":"expect"}, and after N messages from then on {"event":"received",…}
 *     send N TO    N texts one after the other; {"event":"latency",…}
 *     cpu          {"event":"cpu","us":…} of the whole process so far
 *     quit
 *
 * Environment: EIM_BENCH_APP_KEY, _API, _URL, _CA (or empty), _USERS (name prefix: bench0, bench1
 * …), _FIRST (number of the first), _PASSWORD, _HEARTBEAT (ms), _IO_THREADS. */
#include <eim/eim.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS_MAX = 100000, LOGINS_AT_ONCE = 64 };

static eim_context *context;
static eim_config *config;
static eim_client **clients;
static atomic_int online, wanted;
static atomic_long expected, received;
static int64_t first_cpu, first_wall; /* dispatching thread only */
static sem_t places;

static struct {
  long count, done;
  char to[128];
  int64_t began, *taken;
} sending;

static int64_t ns(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t cpu_us(void) {
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  return ((int64_t)use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000 + use.ru_utime.tv_usec +
         use.ru_stime.tv_usec;
}

static const char *env(const char *name) {
  const char *value = getenv(name);
  return value ? value : "";
}

static void die(const char *what, const eim_error *error) {
  fprintf(stderr, "eim-bench: %s: %s\n", what, error ? eim_error_message(error) : "failed");
  _exit(1);
}

static void need(eim_status status, const char *what) {
  if (status < 0) die(what, eim_last_error());
}

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vprintf(format, args);
  va_end(args);
  fflush(stdout);
}

/* ------------------------------------------------------------------ callbacks */

static void on_connected(void *user, const eim_state_change *change) {
  (void)user, (void)change;
  int count = atomic_fetch_add(&online, 1) + 1;
  sem_post(&places);
  if (count == atomic_load(&wanted))
    say("{\"event\":\"online\",\"count\":%d,\"ns\":%lld}\n", count,
        (long long)(ns(CLOCK_MONOTONIC) - atoll(env("EIM_BENCH_T0"))));
}

static void on_disconnected(void *user, const eim_state_change *change) {
  (void)user;
  die("disconnected", eim_state_change_cause(change));
}

static void on_message(void *user, const eim_message *message) {
  (void)user;
  if (!eim_message_text(message)) return;
  long count = atomic_fetch_add(&received, 1) + 1;
  if (count == 1) {
    first_cpu = cpu_us();
    first_wall = ns(CLOCK_MONOTONIC);
  }
  if (count == atomic_load(&expected))
    say("{\"event\":\"received\",\"count\":%ld,\"us\":%lld,\"since_first_us\":%lld,"
        "\"wall_us\":%lld}\n",
        count, (long long)cpu_us(), (long long)(cpu_us() - first_cpu),
        (long long)((ns(CLOCK_MONOTONIC) - first_wall) / 1000));
}

static int by_size(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static void send_next(void) {
  eim_message *message;
  need(
      eim_message_new_text(EIM_CHAT_SINGLE, sending.to, "How long does this take?", NULL, &message),
      "message");
  sending.began = ns(CLOCK_MONOTONIC);
  need(eim_client_send(clients[0], message, 2), "send");
  eim_message_unref(message);
}

static void on_result(void *user, const eim_result *result) {
  (void)user;
  if (eim_result_error(result)) die("result", eim_result_error(result));
  if (eim_result_token(result) != 2) return;
  sending.taken[sending.done++] = ns(CLOCK_MONOTONIC) - sending.began;
  if (sending.done < sending.count) {
    send_next();
    return;
  }
  qsort(sending.taken, (size_t)sending.count, sizeof *sending.taken, by_size);
  say("{\"event\":\"latency\",\"count\":%ld,\"median_ns\":%lld,\"p99_ns\":%lld}\n", sending.count,
      (long long)sending.taken[sending.count / 2],
      (long long)sending.taken[sending.count * 99 / 100]);
}

/* ------------------------------------------------------------------ commands */

static void add_client(int number) {
  char user[128];
  eim_handlers handlers = EIM_HANDLERS_INIT;
  handlers.on_connected = on_connected;
  handlers.on_disconnected = on_disconnected;
  handlers.on_message = on_message;
  handlers.on_result = on_result;
  snprintf(user, sizeof user, "%s%d", env("EIM_BENCH_USERS"),
           atoi(env("EIM_BENCH_FIRST")) + number);
  need(eim_client_new(context, config, &clients[number]), "client");
  need(eim_client_add_event_handler(clients[number], "bench", &handlers), "handler");
  need(eim_client_open_password(clients[number], user, env("EIM_BENCH_PASSWORD"), 1), "open");
}

static void *obey(void *unused) {
  char line[256];
  int made = 0;
  while (fgets(line, sizeof line, stdin)) {
    char word[32] = "", to[128] = "";
    long number = 0;
    int parts = sscanf(line, "%31s %ld %127s", word, &number, to);
    if (parts == 2 && !strcmp(word, "clients") && number > made && number <= CLIENTS_MAX) {
      atomic_store(&wanted, (int)number);
      while (made < number) {
        while (sem_wait(&places)) {}
        add_client(made++);
      }
    } else if (parts == 2 && !strcmp(word, "expect")) {
      atomic_store(&received, 0);
      atomic_store(&expected, number);
      say("{\"event\":\"expect\"}\n");
    } else if (parts == 3 && !strcmp(word, "send") && number > 0) {
      sending.count = number;
      sending.done = 0;
      snprintf(sending.to, sizeof sending.to, "%s", to);
      free(sending.taken);
      sending.taken = calloc((size_t)number, sizeof *sending.taken);
      if (!sending.taken) die("send", NULL);
      send_next();
    } else if (parts == 1 && !strcmp(word, "cpu")) {
      say("{\"event\":\"cpu\",\"us\":%lld}\n", (long long)cpu_us());
    } else if (parts == 1 && !strcmp(word, "quit")) {
      break;
    } else {
      fprintf(stderr, "eim-bench: what is %s", line);
      _exit(2);
    }
  }
  eim_context_shutdown(context);
  return unused;
}

static void set(const char *option, const char *variable) {
  if (*env(variable)) need(eim_config_set(config, option, env(variable)), option);
}

static int run(void) {
  pthread_t thread;
  sem_init(&places, 0, LOGINS_AT_ONCE);
  clients = calloc(CLIENTS_MAX, sizeof *clients);
  if (!clients) die("start", NULL);
  need(eim_config_new(&config), "config");
  set("appKey", "EIM_BENCH_APP_KEY");
  set("apiUrl", "EIM_BENCH_API");
  set("url", "EIM_BENCH_URL");
  set("caFile", "EIM_BENCH_CA");
  set("heartBeatWait", "EIM_BENCH_HEARTBEAT");
  set("ioThreads", "EIM_BENCH_IO_THREADS");
  /* Ten thousand logins take the sandbox longer than one does. */
  need(eim_config_set(config, "loginTimeout", "120000"), "config");
  need(eim_config_set(config, "connectTimeout", "60000"), "config");
  need(eim_config_set(config, "requestTimeout", "60000"), "config");
  need(eim_config_set(config, "heartbeatTimeout", "60000"), "config");
  need(eim_context_new(config, &context), "context");
  if (pthread_create(&thread, NULL, obey, NULL)) die("thread", NULL);
  while (eim_context_poll(context, -1, 0) >= 0) {}
  pthread_join(thread, NULL);
  return 0; /* the clients go with the process: shutting down is measured elsewhere */
}

int main(int argc, char **argv) {
  if (argc > 2 && !strcmp(argv[1], "exec")) {
    char now[32];
    snprintf(now, sizeof now, "%lld", (long long)ns(CLOCK_MONOTONIC));
    setenv("EIM_BENCH_T0", now, 1);
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    return 127;
  }
  if (argc == 2 && !strcmp(argv[1], "run")) return run();
  fputs("usage: eim-bench run | exec PROGRAM…\n", stderr);
  return 2;
}
