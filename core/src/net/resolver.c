#include "net/resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "log/log.h"
#include "model/error.h"
#include "net/loop.h"

enum { GOOD_FOR_MS = 60000, BAD_FOR_MS = 5000, HOSTS_MAX = 256 };

/* What a worker thread and the resolver share: the way back, while there is one. */
typedef struct mailbox {
  atomic_int refs;
  pthread_mutex_t mutex;
  eim_loop *loop; /* NULL: the loop is gone */
} mailbox;

typedef struct job {
  eim_task task;
  mailbox *box;
  eim_resolver *resolver; /* loop thread only; valid while the task is not canceled */
  int failure;            /* EAI_*, 0 */
  eim_addresses addresses;
  char host[];
} job;

typedef struct entry {
  struct entry *next;
  bool is_running, is_known;
  int failure;
  int64_t since;
  eim_addresses addresses;
  eim_lookup *waiting;
  char host[];
} entry;

struct eim_lookup {
  eim_lookup *next, **link; /* in entry->waiting; link NULL: on its own alarm */
  eim_resolver *resolver;
  int ip_version;
  eim_lookup_fn fn;
  void *user;
  eim_alarm alarm;
  int failure;
  eim_addresses addresses;
  char host[];
};

struct eim_resolver {
  eim_loop *loop;
  mailbox *box;
  entry *entries;
  size_t count;
};

static void mailbox_unref(mailbox *box) {
  if (atomic_fetch_sub(&box->refs, 1) != 1) return;
  pthread_mutex_destroy(&box->mutex);
  free(box);
}

/* ------------------------------------------------------------------ addresses */

bool eim_address_parse(const char *text, eim_address *out) {
  char bare[INET6_ADDRSTRLEN + 1];
  size_t length = strlen(text);
  memset(out, 0, sizeof *out);
  if (length > 2 && text[0] == '[' && text[length - 1] == ']') {
    text++;
    length -= 2;
  }
  if (length >= sizeof bare) return false;
  memcpy(bare, text, length);
  bare[length] = 0;
  if (inet_pton(AF_INET, bare, &out->v4.sin_addr) == 1) {
    out->v4.sin_family = AF_INET;
    return true;
  }
  if (inet_pton(AF_INET6, bare, &out->v6.sin6_addr) == 1) {
    out->v6.sin6_family = AF_INET6;
    return true;
  }
  return false;
}

void eim_address_text(const eim_address *self, char *buffer, size_t size) {
  const void *bytes = self->any.sa_family == AF_INET6 ? (const void *)&self->v6.sin6_addr
                                                      : (const void *)&self->v4.sin_addr;
  if (!inet_ntop(self->any.sa_family, bytes, buffer, (socklen_t)size)) buffer[0] = 0;
}

socklen_t eim_address_length(const eim_address *self) {
  return self->any.sa_family == AF_INET6 ? sizeof self->v6 : sizeof self->v4;
}

/* The system's order, but families in turn, so that one that is dead costs one attempt only. */
static void collect(const struct addrinfo *list, eim_addresses *out) {
  const struct addrinfo *own = list, *other = list;
  int first = list ? list->ai_family : AF_UNSPEC;
  bool take_first = true;
  while (out->count < EIM_ADDRESSES_MAX && (own || other)) {
    const struct addrinfo **from = take_first ? &own : &other;
    while (*from && ((*from)->ai_family == first) != take_first) *from = (*from)->ai_next;
    if (*from) {
      const struct addrinfo *a = *from;
      if ((a->ai_family == AF_INET || a->ai_family == AF_INET6) &&
          a->ai_addrlen <= sizeof(eim_address))
        memcpy(&out->list[out->count++], a->ai_addr, a->ai_addrlen);
      *from = a->ai_next;
    }
    take_first = !take_first;
  }
}

static void pick(const eim_addresses *from, int ip_version, eim_addresses *to) {
  to->count = 0;
  for (size_t i = 0; i < from->count; i++)
    if (!ip_version || (ip_version == 6) == (from->list[i].any.sa_family == AF_INET6))
      to->list[to->count++] = from->list[i];
}

/* ------------------------------------------------------------------ answers */

static void deliver(eim_lookup *lookup) {
  eim_lookup_fn fn = lookup->fn;
  void *user = lookup->user;
  eim_error *error = NULL;
  if (lookup->failure) {
    bool is_final_name = lookup->failure == EAI_NONAME;
    error = eim_error_new_detail(EIM_E_NETWORK, EIM_DOMAIN_OS, lookup->failure, EIM_ERROR_RETRIABLE,
                                 "{\"what\":\"dns\"}", "cannot resolve '%s': %s", lookup->host,
                                 is_final_name ? "no such host" : gai_strerror(lookup->failure));
  } else if (!lookup->addresses.count) {
    error = eim_error_new_detail(EIM_E_NETWORK, EIM_DOMAIN_OS, EAI_NONAME, EIM_ERROR_RETRIABLE,
                                 "{\"what\":\"dns\"}", "'%s' has no IPv%d address", lookup->host,
                                 lookup->ip_version ? lookup->ip_version : 4);
  }
  fn(user, error ? NULL : &lookup->addresses, error);
  eim_error_unref(error);
  eim_alarms_release(&lookup->resolver->loop->alarms, 1);
  free(lookup);
}

static void on_alarm(eim_alarm *alarm) {
  deliver((eim_lookup *)((char *)alarm - offsetof(eim_lookup, alarm)));
}

static void answer(eim_lookup *lookup, const entry *known) {
  lookup->failure = known->failure;
  pick(&known->addresses, lookup->ip_version, &lookup->addresses);
  lookup->link = NULL;
  eim_alarm_set(&lookup->resolver->loop->alarms, &lookup->alarm, 0);
}

static entry *find(eim_resolver *self, const char *host) {
  for (entry *e = self->entries; e; e = e->next)
    if (!strcmp(e->host, host)) return e;
  return NULL;
}

static void on_done(eim_task *task, bool canceled) {
  job *done = (job *)task;
  if (!canceled) {
    entry *e = find(done->resolver, done->host);
    e->is_running = false;
    e->is_known = true;
    e->failure = done->failure;
    e->addresses = done->addresses;
    e->since = eim_mono_ms();
    LOG_DEBUG("net", 0, "resolved %s: %zu addresses", e->host, e->addresses.count);
    while (e->waiting) {
      eim_lookup *lookup = e->waiting;
      e->waiting = lookup->next;
      answer(lookup, e);
    }
  }
  mailbox_unref(done->box);
  free(done);
}

/* ------------------------------------------------------------------ worker */

static void *worker(void *arg) {
  job *self = arg;
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
  self->failure = getaddrinfo(self->host, NULL, &hints, &list);
  if (!self->failure) {
    collect(list, &self->addresses);
    freeaddrinfo(list);
  }
  mailbox *box = self->box;
  atomic_fetch_add(&box->refs, 1);
  pthread_mutex_lock(&box->mutex);
  if (box->loop)
    eim_loop_post(box->loop, &self->task);
  else
    on_done(&self->task, true);
  pthread_mutex_unlock(&box->mutex);
  mailbox_unref(box);
  return NULL;
}

static bool start(eim_resolver *self, entry *e) {
  size_t size = strlen(e->host) + 1;
  job *work = calloc(1, sizeof *work + size);
  if (!work) return false;
  memcpy(work->host, e->host, size);
  work->task.run = on_done;
  work->box = self->box;
  work->resolver = self;
  atomic_fetch_add(&self->box->refs, 1);
  pthread_t thread;
  if (eim_thread_start(&thread, worker, work)) {
    mailbox_unref(self->box);
    free(work);
    return false;
  }
  pthread_detach(thread);
  e->is_running = true;
  return true;
}

/* ------------------------------------------------------------------ outside */

eim_resolver *eim_resolver_new(eim_loop *loop) {
  eim_resolver *self = calloc(1, sizeof *self);
  mailbox *box = calloc(1, sizeof *box);
  if (!self || !box) {
    free(self);
    free(box);
    return NULL;
  }
  atomic_init(&box->refs, 1);
  pthread_mutex_init(&box->mutex, NULL);
  box->loop = loop;
  self->box = box;
  self->loop = loop;
  return self;
}

void eim_resolver_free(eim_resolver *self) {
  if (!self) return;
  pthread_mutex_lock(&self->box->mutex);
  self->box->loop = NULL;
  pthread_mutex_unlock(&self->box->mutex);
  mailbox_unref(self->box);
  for (entry *e = self->entries, *next; e; e = next) {
    next = e->next;
    free(e);
  }
  free(self);
}

/* A place for a new host: the oldest idle entry goes when there are too many. */
static void make_room(eim_resolver *self) {
  if (self->count < HOSTS_MAX) return;
  entry **oldest = NULL;
  for (entry **at = &self->entries; *at; at = &(*at)->next)
    if (!(*at)->is_running && (!oldest || (*at)->since < (*oldest)->since)) oldest = at;
  if (!oldest) return;
  entry *gone = *oldest;
  *oldest = gone->next;
  free(gone);
  self->count--;
}

eim_lookup *eim_resolver_lookup(eim_resolver *self, const char *host, int ip_version,
                                eim_lookup_fn fn, void *user) {
  size_t size = strlen(host) + 1;
  eim_lookup *lookup = calloc(1, sizeof *lookup + size);
  if (!lookup || !eim_alarms_reserve(&self->loop->alarms, 1)) {
    free(lookup);
    return NULL;
  }
  memcpy(lookup->host, host, size);
  lookup->resolver = self;
  lookup->ip_version = ip_version;
  lookup->fn = fn;
  lookup->user = user;
  lookup->alarm.fire = on_alarm;
  entry literal = {.is_known = true};
  if (eim_address_parse(host, &literal.addresses.list[0])) {
    literal.addresses.count = 1;
    answer(lookup, &literal);
    return lookup;
  }
  entry *e = find(self, host);
  if (!e) {
    make_room(self);
    e = calloc(1, sizeof *e + size);
    if (e) {
      memcpy(e->host, host, size);
      e->next = self->entries;
      self->entries = e;
      self->count++;
    }
  }
  if (e && e->is_known && !e->is_running &&
      eim_mono_ms() - e->since > (e->failure ? BAD_FOR_MS : GOOD_FOR_MS))
    e->is_known = false;
  if (e && e->is_known && !e->is_running) {
    answer(lookup, e);
    return lookup;
  }
  if (!e || (!e->is_running && !start(self, e))) {
    entry failed = {.failure = EAI_MEMORY};
    answer(lookup, &failed);
    return lookup;
  }
  lookup->next = e->waiting;
  lookup->link = &e->waiting;
  if (lookup->next) lookup->next->link = &lookup->next;
  e->waiting = lookup;
  return lookup;
}

void eim_lookup_cancel(eim_lookup *self) {
  if (!self) return;
  if (self->link) {
    *self->link = self->next;
    if (self->next) self->next->link = self->link;
  }
  eim_alarm_clear(&self->resolver->loop->alarms, &self->alarm);
  eim_alarms_release(&self->resolver->loop->alarms, 1);
  free(self);
}
