#include "ledger.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum result { NONE, OK, MAYBE, NO };

/* One message of a conversation, from its sender's side and then from one receiver's. */
typedef struct entry {
  bool sent;
  enum result result;
  uint64_t id;
} entry;

typedef struct conversation {
  entry *entries; /* by number, from 1 */
  long count, room;
} conversation;

typedef struct got {
  uint64_t id; /* 0: not yet */
  bool done;
} got;

typedef struct inbound { /* of one receiver, from one sender in one conversation */
  got *gots;
  long room, newest; /* the highest number delivered */
  long last;         /* in this process */
  int again;         /* in this process */
} inbound;

typedef struct check {
  int users;
  conversation *conversations; /* [sender][conversation] */
  int page;
  FILE *out;
  ledger_totals *totals;
} check;

static void wrong(check *self, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void wrong(check *self, const char *format, ...) {
  if (self->totals->wrong++ >= 20) return;
  va_list args;
  va_start(args, format);
  vfprintf(self->out, format, args);
  va_end(args);
  fputc('\n', self->out);
}

static void *grown(void *list, long *room, long wanted, size_t size) {
  if (wanted < *room) return list;
  long more = wanted * 2 + 64;
  char *bigger = realloc(list, (size_t)more * size);
  if (!bigger) abort();
  memset(bigger + (size_t)*room * size, 0, (size_t)(more - *room) * size);
  *room = more;
  return bigger;
}

static FILE *open_ledger(const char *folder, int user) {
  char path[512];
  snprintf(path, sizeof path, "%s/u%d", folder, user);
  return fopen(path, "r");
}

static conversation *conversation_of(check *self, int from, int to) {
  return &self->conversations[from * (self->users + 1) + to];
}

static bool in_range(const check *self, int user, int to, long n) {
  return user >= 0 && user < self->users && to >= 0 && to <= self->users && n > 0 && n < 10000000;
}

static void read_sent(check *self, int user, FILE *file) {
  char line[256], verdict[8];
  bool ended = true;
  while (fgets(line, sizeof line, file)) {
    int to = -1;
    long n = 0;
    unsigned long long value = 0;
    if (!strchr(line, '\n')) break; /* cut off by the end of the process */
    if (*line == 'I') {
      self->totals->processes++;
      self->totals->crashes += !ended;
      ended = false;
    } else if (*line == 'E') {
      ended = true;
    } else if (*line == 'X') {
      wrong(self, "u%d: %s", user, line + 2);
    } else if (*line == 'S' || *line == 'R') {
      int fields = sscanf(line + 1, "%d %ld %7s %llu", &to, &n, verdict, &value);
      if (fields < 2 || !in_range(self, user, to, n)) {
        wrong(self, "u%d: cannot read %s", user, line);
        continue;
      }
      conversation *c = conversation_of(self, user, to);
      c->entries = grown(c->entries, &c->room, n, sizeof *c->entries);
      entry *e = &c->entries[n];
      if (n > c->count) c->count = n;
      if (*line == 'S') {
        if (e->sent) wrong(self, "u%d: message %d/%ld was sent twice", user, to, n);
        e->sent = true;
        continue;
      }
      if (!e->sent || e->result)
        wrong(self, "u%d: message %d/%ld has a result %s", user, to, n,
              e->result ? "twice" : "and was never sent");
      e->result = strcmp(verdict, "ok") == 0 ? OK : strcmp(verdict, "no") == 0 ? NO : MAYBE;
      e->id = e->result == OK ? value : 0;
    }
  }
  self->totals->crashes += !ended;
}

static void receive(check *self, int user, inbound *from_all, int from, int to, long n,
                    uint64_t id) {
  const conversation *c = conversation_of(self, from, to);
  const entry *e = n <= c->count ? &c->entries[n] : NULL;
  inbound *in = &from_all[from * 2 + (to == self->users)];
  in->gots = grown(in->gots, &in->room, n, sizeof *in->gots);
  got *before = &in->gots[n];
  char name[80];
  snprintf(name, sizeof name, "u%d: message %d/%d/%ld", user, from, to, n);
  if (!e || !e->sent) {
    wrong(self, "%s was delivered and never sent", name);
    return;
  }
  if (e->result == NO) wrong(self, "%s surely did not happen, and was delivered", name);
  if (e->result == OK && e->id != id)
    wrong(self, "%s has the id %" PRIu64 ", not %" PRIu64, name, id, e->id);
  if (before->id && before->id != id) wrong(self, "%s was delivered under two ids", name);
  if (in->last == n)
    wrong(self, "%s was delivered twice to one process", name);
  else if (in->last > n)
    wrong(self, "%s was delivered behind %ld", name, in->last);
  in->last = n;
  if (before->id) {
    self->totals->again++;
    self->totals->again_done += before->done;
    if (++in->again > self->totals->most_again) self->totals->most_again = in->again;
    if (in->again > self->page)
      wrong(self, "%s: more than %d came again after one end of a process", name, self->page);
  } else {
    if (n < in->newest) wrong(self, "%s was delivered behind %ld", name, in->newest);
    self->totals->delivered++;
  }
  if (n > in->newest) in->newest = n;
  before->id = id;
}

static void read_received(check *self, int user, FILE *file, inbound *from_all) {
  char line[256];
  while (fgets(line, sizeof line, file)) {
    int from = -1, to = -1;
    long n = 0;
    unsigned long long id = 0;
    if (!strchr(line, '\n')) break;
    if (*line == 'I') {
      for (int i = 0; i < 2 * self->users; i++) from_all[i].last = from_all[i].again = 0;
      continue;
    }
    if (*line != 'M' && *line != 'D') continue;
    int fields = sscanf(line + 1, "%d %d %ld %llu", &from, &to, &n, &id);
    if (fields < 3 || !in_range(self, from, to, n) || (to != user && to != self->users))
      wrong(self, "u%d: cannot read %s", user, line);
    else if (*line == 'M')
      receive(self, user, from_all, from, to, n, id);
    else if (n < from_all[from * 2 + (to == self->users)].room)
      from_all[from * 2 + (to == self->users)].gots[n].done = true;
  }
}

static bool arrived(const check *self, const inbound *from_all, int from, int to, long n) {
  const inbound *in = &from_all[from * 2 + (to == self->users)];
  return n < in->room && in->gots[n].id;
}

/* After all was read: what was accepted is with this user, if it is for it. */
static void settle(check *self, int user, const inbound *from_all) {
  for (int from = 0; from < self->users; from++) {
    for (int group = 0; group < 2; group++) {
      int to = group ? self->users : user;
      if (from == user) continue;
      const conversation *c = conversation_of(self, from, to);
      for (long n = 1; n <= c->count; n++) {
        const entry *e = &c->entries[n];
        bool there = arrived(self, from_all, from, to, n);
        if (e->result == OK && !there) {
          self->totals->lost++;
          wrong(self, "u%d: message %d/%d/%ld was accepted as %" PRIu64 " and is lost", user, from,
                to, n, e->id);
        }
        if (e->sent && (e->result == MAYBE || e->result == NONE) && there)
          self->totals->uncertain_there++;
      }
    }
  }
}

static void count_sent(check *self) {
  for (int i = 0; i < self->users * (self->users + 1); i++) {
    const conversation *c = &self->conversations[i];
    for (long n = 1; n <= c->count; n++) {
      const entry *e = &c->entries[n];
      self->totals->sent += e->sent;
      self->totals->accepted += e->result == OK;
      self->totals->maybe += e->result == MAYBE;
      self->totals->refused += e->result == NO;
      self->totals->unanswered += e->sent && e->result == NONE;
    }
  }
}

bool ledger_check(const char *folder, int users, int page, FILE *out, ledger_totals *totals) {
  memset(totals, 0, sizeof *totals);
  check self = {users, calloc((size_t)(users * (users + 1)), sizeof(conversation)), page, out,
                totals};
  if (!self.conversations) abort();
  for (int user = 0; user < users; user++) {
    FILE *file = open_ledger(folder, user);
    if (file)
      read_sent(&self, user, file);
    else
      wrong(&self, "u%d has no ledger", user);
    if (file) fclose(file);
  }
  count_sent(&self);
  for (int user = 0; user < users; user++) {
    FILE *file = open_ledger(folder, user);
    inbound *from_all = calloc((size_t)users * 2, sizeof *from_all);
    if (!from_all) abort();
    if (file) read_received(&self, user, file, from_all);
    if (file) fclose(file);
    settle(&self, user, from_all);
    for (int i = 0; i < 2 * users; i++) free(from_all[i].gots);
    free(from_all);
  }
  for (int i = 0; i < users * (users + 1); i++) free(self.conversations[i].entries);
  free(self.conversations);
  return totals->wrong == 0;
}
