/* One client process of the chaos test, over the public ABI: sends its messages, takes what comes,
 * writes both into its ledger, and may be killed at any moment; started again, it goes on.
 *
 *   chaos_client FOLDER USER USERS MESSAGES APIURL URL SEED */
#include <eim/eim.h>

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "chance.h"

enum { USERS_MOST = 64, HELD_MOST = 200 };

static struct {
  int me, users, ledger;
  long messages, sent, numbers[USERS_MOST + 1];
  int pending;
  bool opening, online, manual, told;
  long die_in; /* messages until this process dies inside a handler; 0: it does not */
  eim_client *client;
  eim_message *held[HELD_MOST];
  int held_count, held_most; /* without saying that they are done */
  int window;                /* messages without an answer */
  chance chance;
} self;

static volatile sig_atomic_t asked_to_end;

static void end_soon(int signal_number) {
  (void)signal_number;
  asked_to_end = 1;
}

/* One write, so that the line is whole or not there, whatever becomes of this process. */
static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *format, ...) {
  char line[256];
  va_list args;
  va_start(args, format);
  int size = vsnprintf(line, sizeof line - 1, format, args);
  va_end(args);
  line[size++] = '\n';
  if (write(self.ledger, line, (size_t)size) != size) abort();
}

static void must(eim_status status, const char *what) {
  if (status >= 0) return;
  note("X %s: %s", what, eim_error_message(eim_last_error()));
  exit(1);
}

/* Where the processes before this one had come to. */
static void read_own(const char *path) {
  FILE *file = fopen(path, "r");
  char line[256];
  while (file && fgets(line, sizeof line, file)) {
    int to;
    long n;
    if (*line == 'Q') self.told = true;
    if (*line != 'S' || sscanf(line + 1, "%d %ld", &to, &n) != 2) continue;
    self.sent++;
    self.numbers[to] = n;
  }
  if (file) fclose(file);
}

/* The text of a message can be told from any other, and from a damaged one. */
static void text_of(char out[512], int from, int to, long n) {
  int length = snprintf(out, 512, "%d %d %ld ", from, to, n), more = (int)(n * 7 % 200);
  memset(out + length, 'a' + (int)(n % 26), (size_t)more);
  out[length + more] = 0;
}

static void say_done(eim_message *message) {
  int from, to;
  long n;
  if (sscanf(eim_message_text(message), "%d %d %ld", &from, &to, &n) == 3)
    note("D %d %d %ld", from, to, n);
  eim_client_message_done(self.client, message);
  eim_message_unref(message);
}

static void done_with_one(void) {
  int which = (int)chance_below(&self.chance, (uint32_t)self.held_count);
  eim_message *message = self.held[which];
  self.held[which] = self.held[--self.held_count];
  say_done(message);
}

static void on_message(void *unused, const eim_message *message) {
  (void)unused;
  const char *text = eim_message_text(message);
  int from = -1, to = -1;
  long n = 0;
  char whole[512];
  if (!text || sscanf(text, "%d %d %ld", &from, &to, &n) != 3) {
    note("X a message that nobody sent: %.100s", text ? text : eim_message_type(message));
    return;
  }
  text_of(whole, from, to, n);
  if (strcmp(whole, text) != 0) note("X the text of %d %d %ld is damaged", from, to, n);
  note("M %d %d %ld %s", from, to, n, eim_message_id(message));
  if (self.die_in && !--self.die_in) kill(getpid(), SIGKILL);
  if (!self.manual) {
    note("D %d %d %ld", from, to, n);
    return;
  }
  if (self.held_count == self.held_most) done_with_one();
  self.held[self.held_count++] = eim_message_ref(message);
}

enum { OPEN_TOKEN = 1, CLOSE_TOKEN = 2 };

/* None of those two. */
static uint64_t token_of(int to, long n) {
  return ((uint64_t)to + 1) << 32 | (uint64_t)n;
}

static void on_result(void *unused, const eim_result *result) {
  (void)unused;
  uint64_t token = eim_result_token(result);
  const eim_error *error = eim_result_error(result);
  if (token == OPEN_TOKEN) {
    self.opening = false;
    return;
  }
  if (token == CLOSE_TOKEN) {
    asked_to_end = 2;
    return;
  }
  int to = (int)(token >> 32) - 1;
  long n = (long)(token & 0xffffffff);
  self.pending--;
  if (!error)
    note("R %d %ld ok %s", to, n, eim_result_message_id(result));
  else
    note("R %d %ld %s %d %s", to, n, eim_error_may_have_happened(error) ? "maybe" : "no",
         eim_error_code(error), eim_error_name(error));
}

static void send_one(void) {
  char text[512], name[16];
  int to = (int)chance_below(&self.chance, (uint32_t)self.users);
  if (to == self.me) to = self.users; /* the group */
  long n = ++self.numbers[to];
  text_of(text, self.me, to, n);
  snprintf(name, sizeof name, to == self.users ? "chaos" : "u%d", to);
  eim_message *message;
  must(eim_message_new_text(to == self.users ? EIM_CHAT_GROUP : EIM_CHAT_SINGLE, name, text, NULL,
                            &message),
       "message");
  note("S %d %ld", to, n);
  self.sent++;
  eim_status status = eim_client_send(self.client, message, token_of(to, n));
  if (status < 0)
    note("R %d %ld no %d", to, n, status);
  else
    self.pending++;
  eim_message_unref(message);
}

static eim_config *configure(const char *api, const char *url) {
  eim_config *config;
  char device[32];
  snprintf(device, sizeof device, "device-%d", self.me);
  /* chaos --lose: what is taken away must have been accepted in the eyes of its sender. */
  bool quiet = getenv("EIM_CHAOS_QUIET") != NULL;
  const char *const options[][2] = {
      {"appKey", "sandbox#demo"},
      {"apiUrl", api},
      {"url", url},
      {"deviceId", device},
      {"autoReconnectNumMax", "-1"},
      {"reconnectBaseMs", "10"},
      {"reconnectMaxMs", "150"},
      {"connectTimeout", "2000"},
      {"loginTimeout", "5000"},
      {"heartBeatWait", "1000"},
      {"heartbeatTimeout", "1500"},
      {"requestTimeout", "2000"},
      {"sendTimeout", chance_below(&self.chance, 6) || quiet ? "30000" : "400"},
      {"compression", chance_below(&self.chance, 3) ? "false" : "true"},
      {"delivery", self.me % 2 && !quiet ? "true" : "false"},
      {"ackMode", self.manual ? "manual" : "auto"}};
  must(eim_config_new(&config), "config");
  for (size_t i = 0; i < sizeof options / sizeof *options; i++)
    must(eim_config_set(config, options[i][0], options[i][1]), options[i][0]);
  return config;
}

/* hold: while this file is there nothing new is sent. */
static void run(eim_context *context, const char *name, const char *hold) {
  while (!asked_to_end) {
    eim_state state = eim_client_state(self.client);
    if (state == EIM_STATE_OFFLINE && !self.opening) {
      self.opening = true;
      must(eim_client_open_password(self.client, name, "pw", OPEN_TOKEN), "open");
    }
    /* Sending goes on while the line is down; before the first login and after its failure not. */
    int most = state == EIM_STATE_OFFLINE || self.opening || !access(hold, F_OK) ? 0 : self.window;
    while (self.sent < self.messages && self.pending < most) send_one();
    if (self.sent >= self.messages && !self.pending && !self.told) {
      note("Q");
      self.told = true;
    }
    while (self.held_count && chance_below(&self.chance, 4)) done_with_one();
    must(eim_context_poll(context, self.held_count ? 2 : 20, 0), "poll");
  }
}

int main(int argc, char **argv) {
  if (argc != 8) return 2;
  self.me = atoi(argv[2]);
  self.users = atoi(argv[3]);
  self.messages = atol(argv[4]);
  char path[512], hold[512], name[16];
  snprintf(path, sizeof path, "%s/u%d", argv[1], self.me);
  snprintf(hold, sizeof hold, "%s/hold", argv[1]);
  snprintf(name, sizeof name, "u%d", self.me);
  self.ledger = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (self.ledger < 0 || self.users > USERS_MOST) return 2;
  read_own(path);
  note("I");
  self.chance = chance_of((uint64_t)atoll(argv[7]));
  self.manual = self.me % 2;
  self.window = chance_below(&self.chance, 4) ? 40 : 400;
  self.held_most = chance_below(&self.chance, 2) ? 30 : HELD_MOST;
  if (chance_below(&self.chance, 4) == 0) self.die_in = 1 + chance_below(&self.chance, 400);
  signal(SIGTERM, end_soon);
  eim_config *config = configure(argv[5], argv[6]);
  eim_context *context;
  must(eim_context_new(config, &context), "context");
  must(eim_client_new(context, config, &self.client), "client");
  eim_config_free(config);
  eim_handlers handlers = EIM_HANDLERS_INIT;
  handlers.on_message = on_message;
  handlers.on_result = on_result;
  must(eim_client_add_event_handler(self.client, "chaos", &handlers), "handlers");
  run(context, name, hold);
  self.die_in = 0;
  while (self.held_count) done_with_one();
  must(eim_client_close(self.client, CLOSE_TOKEN), "close");
  while (asked_to_end != 2) must(eim_context_poll(context, 1000, 0), "poll");
  while (self.held_count) eim_message_unref(self.held[--self.held_count]); /* they come again */
  eim_client_shutdown(self.client);
  eim_client_unref(self.client);
  eim_context_shutdown(context);
  eim_context_unref(context);
  note("E");
  return 0;
}
