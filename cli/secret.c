#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { SECRET_MAX = 16 * 1024 };

static volatile sig_atomic_t interrupted; /* at the prompt */

static void on_interrupt(int number) {
  interrupted = number;
}

void eim_cli_secret_clear(eim_cli_secret *self) {
  if (self->text) explicit_bzero(self->text, strlen(self->text));
  free(self->text);
  *self = (eim_cli_secret){0};
}

/* First line of a descriptor. Read by hand: a stdio buffer would keep a copy of the secret. */
static char *first_line(int fd) {
  char *text = malloc(SECRET_MAX);
  size_t length = 0;
  ssize_t got = 1;
  while (text && length < SECRET_MAX - 1) {
    got = read(fd, text + length, 1);
    if (got < 0 && errno == EINTR && !interrupted) continue;
    if (got <= 0 || text[length] == '\n') break;
    length++;
  }
  if (!text) return NULL;
  if (length && text[length - 1] == '\r') length--;
  text[length] = 0;
  if (length && length < SECRET_MAX - 2 && !memchr(text, 0, length)) return text;
  explicit_bzero(text, SECRET_MAX);
  free(text);
  return NULL;
}

static int from_file(const char *flag, const char *path, char **out) {
  bool is_stdin = !strcmp(path, "-");
  int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) {
    eim_cli_say("%s: cannot read %s: %s", flag, path, strerror(errno));
    return EIM_CLI_USAGE;
  }
  *out = first_line(fd);
  if (!is_stdin) close(fd);
  if (*out) return EIM_CLI_DONE;
  eim_cli_say("%s: the first line of %s is empty or too long", flag, path);
  return EIM_CLI_USAGE;
}

/* A copy of the variable, which is then gone: neither children nor /proc/…/environ show it. */
static char *from_variable(const char *name) {
  char *value = getenv(name);
  if (!value || !*value) return NULL;
  char *copy = strdup(value);
  explicit_bzero(value, strlen(value));
  unsetenv(name);
  return copy;
}

static char *prompt(const char *question, const char *user) {
  int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  struct termios before, quiet;
  if (tty < 0) return NULL;
  if (tcgetattr(tty, &before)) {
    close(tty);
    return NULL;
  }
  /* Ctrl-C must not leave the terminal mute: catch it, restore, then die of it after all. */
  struct sigaction catching = {.sa_handler = on_interrupt}, was_int, was_term;
  sigaction(SIGINT, &catching, &was_int);
  sigaction(SIGTERM, &catching, &was_term);
  quiet = before;
  quiet.c_lflag &= ~(tcflag_t)ECHO;
  tcsetattr(tty, TCSAFLUSH, &quiet);
  dprintf(tty, "%s %s: ", question, user);
  char *text = first_line(tty);
  tcsetattr(tty, TCSAFLUSH, &before);
  dprintf(tty, "\n");
  sigaction(SIGINT, &was_int, NULL);
  sigaction(SIGTERM, &was_term, NULL);
  if (interrupted) raise(interrupted);
  close(tty);
  return text;
}

static int ask(const eim_cli_args *args, eim_cli_secret *out) {
  bool new_user = args->command == EIM_CLI_REGISTER;
  out->text = prompt(new_user ? "New password for" : "Password of", args->user);
  if (!out->text) {
    eim_cli_say(new_user ? "no password: EIM_PASSWORD or --password-file"
                         : "no password and no token: EIM_PASSWORD, EIM_ACCESS_TOKEN, "
                           "--password-file or --token-file");
    return EIM_CLI_USAGE;
  }
  if (!new_user) return EIM_CLI_DONE;
  char *again = prompt("The same again for", args->user);
  bool same = again && !strcmp(again, out->text);
  eim_cli_secret second = {.text = again};
  eim_cli_secret_clear(&second);
  if (same) return EIM_CLI_DONE;
  eim_cli_say("the two passwords differ");
  return EIM_CLI_USAGE;
}

int eim_cli_secret_find(const eim_cli_args *args, eim_cli_secret *out) {
  *out = (eim_cli_secret){0};
  char *token = from_variable("EIM_ACCESS_TOKEN"), *password = from_variable("EIM_PASSWORD");
  eim_cli_secret unused = {.text = token}, unused_too = {.text = password};
  int status = EIM_CLI_DONE;
  if (args->command == EIM_CLI_REGISTER) {
    /* A file of passwords is meant more than a variable that is set for every command. */
    if (args->password_file)
      status = from_file("--password-file", args->password_file, &out->text);
    else if (password)
      out->text = password, unused_too.text = NULL;
    else
      status = ask(args, out);
  } else if (args->token_file) {
    out->is_token = true;
    status = from_file("--token-file", args->token_file, &out->text);
  } else if (args->password_file) {
    status = from_file("--password-file", args->password_file, &out->text);
  } else if (token) {
    out->is_token = true;
    out->text = token, unused.text = NULL;
  } else if (password) {
    out->text = password, unused_too.text = NULL;
  } else {
    status = ask(args, out);
  }
  eim_cli_secret_clear(&unused);
  eim_cli_secret_clear(&unused_too);
  if (status) eim_cli_secret_clear(out);
  return status;
}
