/* pull.c - fetching queues (docs/protocol.md 10). The fetch with a key is the acknowledgement, so
 * it goes out only when the application is done with the whole page that it acknowledges: its
 * handlers have returned, or with ackMode manual it said so. Queues do not wait for each other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/message.h"
#include "session/internal.h"

/* Queues fetched at once; the rest wait their turn. */
#define FETCHES_MAX 8
/* A server that names more queues than this at once is not believed. */
#define QUEUES_MAX 10000
/* Above maxUndelivered there may be what was asked for before: this many events at most. */
#define ASKED_MAX 16384

static void drop(eim_pull *pull) {
  free(pull->name);
  free(pull->domain);
  free(pull);
}

void eim_pull_forget(eim_session *self) {
  while (self->pulls) {
    eim_pull *next = self->pulls->next;
    drop(self->pulls);
    self->pulls = next;
  }
  self->fetching = 0;
  self->offline_told = false;
}

static void drop_receipt(eim_session *self, eim_due_receipt **at) {
  eim_due_receipt *due = *at;
  *at = due->next;
  if (!*at) self->receipts_tail = at;
  free(due);
}

static void drop_receipts(eim_session *self) {
  while (self->receipts) {
    eim_due_receipt *next = self->receipts->next;
    free(self->receipts);
    self->receipts = next;
  }
  self->receipts_tail = &self->receipts;
}

void eim_pull_free(eim_session *self) {
  eim_pull_forget(self);
  drop_receipts(self);
  free(self->handed);
}

void eim_pull_other_user(eim_session *self) {
  drop_receipts(self); /* they would go out in the name of the other */
  free(self->seen);    /* both may be in a group: its messages have one id */
  self->seen = NULL;
  self->seen_next = self->seen_count = 0;
}

static uint32_t hash_of(const char *name) {
  uint32_t hash = 2166136261u;
  for (; *name; name++) hash = (hash ^ (unsigned char)*name) * 16777619u;
  return hash;
}

static eim_pull *find(eim_session *self, const eim_jid *queue) {
  int count = 0;
  uint32_t hash = hash_of(queue->name);
  eim_pull **at = &self->pulls;
  for (; *at; at = &(*at)->next, count++)
    if ((*at)->hash == hash && strcmp((*at)->name, queue->name) == 0 &&
        strcmp((*at)->domain, queue->domain) == 0)
      return *at;
  if (count >= QUEUES_MAX) return NULL;
  eim_pull *pull = calloc(1, sizeof *pull);
  if (!pull) return NULL;
  pull->name = eim_strdup(queue->name);
  pull->domain = eim_strdup(queue->domain);
  pull->hash = hash;
  if (!pull->name || !pull->domain) {
    drop(pull);
    return NULL;
  }
  *at = pull;
  return pull;
}

static bool is_full(const eim_session *self) {
  return self->undone >= (size_t)self->settings->max_undelivered;
}

static void fetch(eim_session *self, eim_pull *pull, bool has_key, uint64_t key) {
  eim_buf frame = EIM_BUF_INIT;
  eim_jid queue = {self->settings->app_key, pull->name, pull->domain, ""};
  if (eim_frame_fetch(&frame, &queue, has_key, key)) {
    if (!pull->fetching) self->fetching++;
    pull->fetching = true;
    pull->wanted = pull->again = pull->ack_wait = false;
    pull->page = 0;
    pull->undone = 0;
    pull->has_key = has_key;
    pull->key = key;
    pull->since = self->now.mono;
    eim_session_write(self, &frame);
  }
  eim_buf_free(&frame);
}

static void stop(eim_session *self, eim_pull *pull) {
  if (pull->fetching) self->fetching--;
  pull->fetching = false;
}

static void tell_offline(eim_session *self, const char *json);

/* Acknowledge what is done, start what is wanted, forget what is finished. */
static void go_on(eim_session *self) {
  bool waits_offline = false;
  if (self->state != EIM_STATE_ONLINE) return;
  for (eim_pull *pull = self->pulls; pull; pull = pull->next)
    if (pull->ack_wait && !pull->undone) fetch(self, pull, true, pull->key);
  for (eim_pull **at = &self->pulls; *at;) {
    eim_pull *pull = *at;
    if (pull->wanted && !pull->fetching && !pull->ack_wait && self->fetching < FETCHES_MAX &&
        !is_full(self))
      fetch(self, pull, false, 0);
    if (!pull->wanted && !pull->fetching && !pull->ack_wait) {
      *at = pull->next;
      drop(pull);
    } else {
      at = &pull->next;
      waits_offline = waits_offline || pull->offline;
    }
  }
  if (self->offline_told && !waits_offline) {
    self->offline_told = false;
    tell_offline(self, "{\"phase\":\"finish\"}");
  }
}

/* False: there are too many. */
static bool want(eim_session *self, const eim_jid *queue, bool offline) {
  eim_pull *pull = find(self, queue);
  if (!pull) return false;
  pull->offline = pull->offline || offline;
  if (pull->fetching && self->now.mono - pull->since > self->settings->request_timeout)
    fetch(self, pull, pull->has_key, pull->key); /* the answer was lost somewhere: ask again */
  else if (pull->fetching || pull->ack_wait)
    pull->again = true;
  else
    pull->wanted = true;
  return true;
}

void eim_pull_want(eim_session *self, const eim_queue_info *queues, size_t count, bool offline) {
  if (offline && count && !self->offline_told) {
    char json[64];
    snprintf(json, sizeof json, "{\"phase\":\"start\",\"queues\":%zu}", count);
    self->offline_told = true;
    tell_offline(self, json);
  }
  for (size_t i = 0; i < count && want(self, &queues[i].queue, offline); i++) continue;
  go_on(self); /* once: it walks through all of them */
}

void eim_pull_answer(eim_session *self, eim_frame *frame) {
  eim_pull *pull = find(self, &frame->queue);
  if (!pull) return;
  bool again = pull->again;
  stop(self, pull);
  if (frame->has_next_key && frame->item_count) {
    pull->ack_wait = true;
    pull->key = frame->next_key;
    pull->again = again;
  } else {
    /* Empty, or content without a key: nothing to acknowledge. Fetching the same again would be the
     * endless loop of docs/protocol.md 10. */
    pull->again = false;
    if (again) pull->wanted = true;
  }
  go_on(self);
}

/* ------------------------------------------------------------------ what was handed out */

static eim_handed *handed_at(eim_session *self, uint64_t seq) {
  return &self->handed[seq % self->handed_size];
}

/* Room for one more. False: memory ended. */
static bool make_room(eim_session *self) {
  size_t count = (size_t)(self->emitted_seq - self->done_seq);
  if (count < self->handed_size) return true;
  size_t size = self->handed_size ? self->handed_size * 2 : 32;
  eim_handed *ring = calloc(size, sizeof *ring);
  if (!ring) return false;
  for (uint64_t seq = self->done_seq + 1; seq <= self->emitted_seq; seq++)
    ring[seq % size] = *handed_at(self, seq);
  free(self->handed);
  self->handed = ring;
  self->handed_size = size;
  return true;
}

static eim_pull *pull_of_page(eim_session *self, uint64_t page) {
  eim_pull *pull = page ? self->pulls : NULL;
  while (pull && pull->page != page) pull = pull->next;
  return pull;
}

/* One event is done. *cached: the queue of the last one, for they come page by page. */
static void finish(eim_session *self, uint64_t seq, eim_pull **cached) {
  eim_handed *handed = handed_at(self, seq);
  if (handed->is_done) return;
  handed->is_done = true;
  self->undone--;
  if (handed->page) {
    if (!*cached || (*cached)->page != handed->page) *cached = pull_of_page(self, handed->page);
    if (*cached) (*cached)->undone--;
  }
}

static void advance(eim_session *self) {
  while (self->done_seq < self->emitted_seq && handed_at(self, self->done_seq + 1)->is_done)
    self->done_seq++;
}

/* The message is in the application's hands still, from an earlier page: this page waits for it. */
static void wait_for_earlier(eim_session *self, uint64_t id, eim_pull *pull) {
  for (uint64_t seq = self->done_seq + 1; seq <= self->emitted_seq; seq++) {
    eim_handed *handed = handed_at(self, seq);
    if (handed->is_done || handed->id != id || handed->page == pull->page) continue;
    handed->page = pull->page;
    pull->undone++;
    return;
  }
}

/* Nearly every id is new, and a ring of hundreds is long to search for what is not in it. Behind
 * the ring lies a filter: a bit that is not set says "new" at once. It is made anew with each
 * round. The ring holds more than can be in the application's hands, and so all that can come
 * again after a reconnect. */
#define SEEN_LEAST 512
#define SEEN_MOST 65536
#define SEEN_BITS_EACH 16

static uint32_t seen_size(const eim_session *self) {
  uint32_t size = SEEN_LEAST;
  while (size < SEEN_MOST && size < 2 * (uint32_t)self->settings->max_undelivered) size *= 2;
  return size;
}

static void seen_bit(const eim_session *self, uint64_t *bits, uint64_t id, uint64_t **word,
                     uint64_t *mask) {
  uint64_t hash = id * UINT64_C(0x9e3779b97f4a7c15) >> 32;
  hash &= (uint64_t)seen_size(self) * SEEN_BITS_EACH - 1;
  *word = bits + hash / 64;
  *mask = UINT64_C(1) << hash % 64;
}

static bool seen_before(eim_session *self, uint64_t id) {
  uint64_t *word, mask;
  uint32_t size = seen_size(self);
  size_t words = (size_t)size * SEEN_BITS_EACH / 64;
  if (!id) return false;
  if (!self->seen) self->seen = calloc(size + words, sizeof *self->seen);
  if (!self->seen) return false;
  uint64_t *bits = self->seen + size;
  seen_bit(self, bits, id, &word, &mask);
  if (*word & mask)
    for (uint32_t i = 0; i < self->seen_count; i++)
      if (self->seen[i] == id) return true;
  *word |= mask;
  self->seen[self->seen_next] = id;
  self->seen_next = (self->seen_next + 1) % size;
  if (self->seen_count < size) self->seen_count++;
  if (self->seen_next) return false;
  memset(bits, 0, words * sizeof *bits);
  for (uint32_t i = 0; i < self->seen_count; i++) {
    seen_bit(self, bits, self->seen[i], &word, &mask);
    *word |= mask;
  }
  return false;
}

/* It may come again, and is new then. */
static void forget_seen(eim_session *self, uint64_t id) {
  for (uint32_t i = 0; i < self->seen_count; i++)
    if (self->seen[i] == id) self->seen[i] = 0;
}

static void owe_receipt(eim_session *self, const eim_item *item, uint64_t seq) {
  const eim_message *message = item->message;
  const char *from = eim_message_from(message);
  if (!self->settings->delivery || eim_message_get_chat_type(message) != EIM_CHAT_SINGLE ||
      !from[0] || strcmp(from, self->user) == 0)
    return;
  eim_due_receipt *due = malloc(sizeof *due + strlen(from) + 1);
  if (!due) return;
  due->next = NULL;
  due->seq = seq;
  due->message_id = item->id;
  strcpy(due->from, from);
  *self->receipts_tail = due;
  self->receipts_tail = &due->next;
}

/* Takes over the payload. */
static void give(eim_session *self, eim_event_kind kind, void *payload, uint64_t id,
                 eim_pull *pull) {
  if (!payload) return;
  if (!make_room(self)) {
    SESSION_LOG(EIM_LOG_ERROR, self, "out of memory: an event comes again at the next login");
    forget_seen(self, id);
    if (pull) pull->undone++;  /* for ever: the page is not acknowledged */
    eim_object_unref(payload); /* every payload is an object */
    return;
  }
  uint64_t seq = ++self->emitted_seq;
  bool is_message = kind == EIM_EVENT_message;
  *handed_at(self, seq) =
      (eim_handed){id, pull ? pull->page : 0, false, is_message && self->settings->manual_ack};
  self->undone++;
  if (pull) pull->undone++;
  if (is_message) {
    ((eim_message *)payload)->client = self->number;
    ((eim_message *)payload)->seq = seq;
  }
  self->io.emit(self->io.user, kind, payload, seq);
}

static void tell_offline(eim_session *self, const char *json) {
  give(self, EIM_EVENT_notice, eim_notice_new("offline_sync", json), 0, NULL);
}

bool eim_pull_items(eim_session *self, eim_frame *frame) {
  if (self->undone > (size_t)self->settings->max_undelivered + ASKED_MAX) {
    eim_login_failed(self, eim_error_new(EIM_E_PROTOCOL, EIM_DOMAIN_LOCAL, EIM_E_PROTOCOL,
                                         EIM_ERROR_RETRIABLE,
                                         "the server sends more than it was asked for"));
    return false;
  }
  eim_pull *pull = frame->has_queue && frame->item_count ? find(self, &frame->queue) : NULL;
  if (pull && !pull->ack_wait) {
    pull->page = ++self->last_page;
    pull->undone = 0;
  }
  for (size_t i = 0; i < frame->item_count; i++) {
    eim_item *item = &frame->items[i];
    eim_error *kick = NULL;
    if (item->kind == EIM_ITEM_STATISTIC) kick = eim_verdict_kick(item->operation, item->reason);
    if (kick) {
      /* The real SDKs leave the socket to the server; here it is closed at once. */
      eim_login_end(self, kick);
      return false;
    }
    if (item->kind != EIM_ITEM_BAD && item->kind != EIM_ITEM_STATISTIC &&
        seen_before(self, item->id)) {
      if (pull && item->kind == EIM_ITEM_MESSAGE) wait_for_earlier(self, item->id, pull);
      continue;
    }
    switch (item->kind) {
    case EIM_ITEM_MESSAGE:
      owe_receipt(self, item, self->emitted_seq + 1);
      give(self, EIM_EVENT_message, item->message, item->id, pull);
      item->message = NULL;
      break;
    case EIM_ITEM_RECEIPT:
      give(self, EIM_EVENT_receipt, item->receipt, item->id, pull);
      item->receipt = NULL;
      break;
    case EIM_ITEM_NOTICE:
      give(self, EIM_EVENT_notice, item->notice, item->id, pull);
      item->notice = NULL;
      break;
    case EIM_ITEM_STATISTIC: break;
    case EIM_ITEM_BAD:
      SESSION_LOG(EIM_LOG_WARN, self, "an item could not be read: %s",
                  item->problem ? item->problem : "malformed");
      break;
    }
  }
  return true;
}

static bool is_done(eim_session *self, uint64_t seq) {
  return seq <= self->done_seq || handed_at(self, seq)->is_done;
}

static void send_due_receipts(eim_session *self) {
  for (eim_due_receipt **at = &self->receipts; *at;) {
    eim_due_receipt *due = *at;
    bool online = self->state == EIM_STATE_ONLINE;
    if (!is_done(self, due->seq) || (!online && self->state != EIM_STATE_OFFLINE)) {
      at = &due->next; /* kept for later, or for the next connection */
      continue;
    }
    if (online) {
      eim_buf frame = EIM_BUF_INIT;
      if (eim_frame_receipt(&frame, self->settings->app_key, self->user, eim_outbox_new_id(self),
                            EIM_RECEIPT_DELIVERED, due->from, due->message_id))
        eim_session_write(self, &frame);
      eim_buf_free(&frame);
    }
    drop_receipt(self, at);
  }
}

void eim_pull_done(eim_session *self, uint64_t seq) {
  eim_pull *cached = NULL;
  if (seq > self->emitted_seq) seq = self->emitted_seq;
  if (self->dispatched_seq < self->done_seq) self->dispatched_seq = self->done_seq;
  while (self->dispatched_seq < seq)
    if (!handed_at(self, ++self->dispatched_seq)->wants_done)
      finish(self, self->dispatched_seq, &cached);
  advance(self);
  send_due_receipts(self);
  go_on(self);
}

void eim_pull_message_done(eim_session *self, uint64_t seq) {
  eim_pull *cached = NULL;
  if (seq <= self->done_seq || seq > self->emitted_seq) return; /* done already, or of long ago */
  finish(self, seq, &cached);
  advance(self);
  send_due_receipts(self);
  go_on(self);
}

void eim_pull_session_over(eim_session *self) {
  /* What the application has not even seen yet, it will see, and can be done with. */
  for (uint64_t seq = self->done_seq + 1; seq <= self->dispatched_seq; seq++) {
    eim_handed *handed = handed_at(self, seq);
    if (handed->is_done) continue;
    handed->is_done = true;
    self->undone--;
    forget_seen(self, handed->id);
    for (eim_due_receipt **at = &self->receipts; *at; at = &(*at)->next)
      if ((*at)->seq == seq) {
        drop_receipt(self, at);
        break;
      }
  }
  advance(self);
}
