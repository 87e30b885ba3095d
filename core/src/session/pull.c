/* pull.c - fetching queues (docs/protocol.md 10). The fetch with a key is the acknowledgement, so
 * it goes out only when the application's handlers have returned for everything before it. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
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
  return self->emitted_seq - self->done_seq >= (uint64_t)self->settings->max_undelivered;
}

static void fetch(eim_session *self, eim_pull *pull, bool has_key, uint64_t key) {
  eim_buf frame = EIM_BUF_INIT;
  eim_jid queue = {self->settings->app_key, pull->name, pull->domain, ""};
  if (eim_frame_fetch(&frame, &queue, has_key, key)) {
    if (!pull->fetching) self->fetching++;
    pull->fetching = true;
    pull->wanted = pull->again = pull->ack_wait = false;
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

/* Acknowledge what is done, start what is wanted, forget what is finished. */
static void go_on(eim_session *self) {
  if (self->state != EIM_STATE_ONLINE) return;
  for (eim_pull *pull = self->pulls; pull; pull = pull->next)
    if (pull->ack_wait && self->done_seq >= pull->ack_seq) fetch(self, pull, true, pull->key);
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
    }
  }
}

/* False: there are too many. */
static bool want(eim_session *self, const eim_jid *queue) {
  eim_pull *pull = find(self, queue);
  if (!pull) return false;
  if (pull->fetching && self->now.mono - pull->since > self->settings->request_timeout)
    fetch(self, pull, pull->has_key, pull->key); /* the answer was lost somewhere: ask again */
  else if (pull->fetching || pull->ack_wait)
    pull->again = true;
  else
    pull->wanted = true;
  return true;
}

void eim_pull_want(eim_session *self, const eim_queue_info *queues, size_t count) {
  for (size_t i = 0; i < count && want(self, &queues[i].queue); i++) continue;
  go_on(self); /* once: it walks through all of them */
}

void eim_pull_answer(eim_session *self, eim_frame *frame) {
  eim_pull *pull = find(self, &frame->queue);
  if (!pull) return;
  bool again = pull->again;
  stop(self, pull);
  if (frame->has_next_key && frame->item_count) {
    pull->ack_wait = true;
    pull->ack_seq = self->emitted_seq;
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

/* Nearly every id is new, and a ring of 512 is long to search for what is not in it. Behind the
 * ring lies a filter: a bit that is not set says "new" at once. It is made anew with each round. */
#define SEEN_BITS 8192

static void seen_bit(uint64_t *bits, uint64_t id, uint64_t **word, uint64_t *mask) {
  uint64_t hash = id * UINT64_C(0x9e3779b97f4a7c15) >> 51;
  *word = bits + hash / 64;
  *mask = UINT64_C(1) << hash % 64;
}

static bool seen_before(eim_session *self, uint64_t id) {
  uint64_t *word, mask;
  if (!id) return false;
  if (!self->seen) self->seen = calloc(EIM_SEEN_MAX + SEEN_BITS / 64, sizeof *self->seen);
  if (!self->seen) return false;
  uint64_t *bits = self->seen + EIM_SEEN_MAX;
  seen_bit(bits, id, &word, &mask);
  if (*word & mask)
    for (uint32_t i = 0; i < self->seen_count; i++)
      if (self->seen[i] == id) return true;
  *word |= mask;
  self->seen[self->seen_next] = id;
  self->seen_next = (self->seen_next + 1) % EIM_SEEN_MAX;
  if (self->seen_count < EIM_SEEN_MAX) self->seen_count++;
  if (self->seen_next) return false;
  memset(bits, 0, SEEN_BITS / 8);
  for (uint32_t i = 0; i < self->seen_count; i++) {
    seen_bit(bits, self->seen[i], &word, &mask);
    *word |= mask;
  }
  return false;
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

static void give(eim_session *self, eim_event_kind kind, void *payload) {
  self->io.emit(self->io.user, kind, payload, ++self->emitted_seq);
}

bool eim_pull_items(eim_session *self, eim_frame *frame) {
  if (self->emitted_seq - self->done_seq > (uint64_t)self->settings->max_undelivered + ASKED_MAX) {
    eim_login_failed(self, eim_error_new(EIM_E_PROTOCOL, EIM_DOMAIN_LOCAL, EIM_E_PROTOCOL,
                                         EIM_ERROR_RETRIABLE,
                                         "the server sends more than it was asked for"));
    return false;
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
        seen_before(self, item->id))
      continue;
    switch (item->kind) {
    case EIM_ITEM_MESSAGE:
      owe_receipt(self, item, self->emitted_seq + 1);
      give(self, EIM_EVENT_message, item->message);
      item->message = NULL;
      break;
    case EIM_ITEM_RECEIPT:
      give(self, EIM_EVENT_receipt, item->receipt);
      item->receipt = NULL;
      break;
    case EIM_ITEM_NOTICE:
      give(self, EIM_EVENT_notice, item->notice);
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

void eim_pull_done(eim_session *self, uint64_t seq) {
  if (seq > self->emitted_seq) seq = self->emitted_seq;
  if (seq > self->done_seq) self->done_seq = seq;
  while (self->receipts && self->receipts->seq <= self->done_seq) {
    eim_due_receipt *due = self->receipts;
    if (self->state == EIM_STATE_ONLINE) {
      eim_buf frame = EIM_BUF_INIT;
      if (eim_frame_receipt(&frame, self->settings->app_key, self->user, eim_outbox_new_id(self),
                            EIM_RECEIPT_DELIVERED, due->from, due->message_id))
        eim_session_write(self, &frame);
      eim_buf_free(&frame);
    } else if (self->state != EIM_STATE_OFFLINE) {
      break; /* kept for the next connection */
    }
    self->receipts = due->next;
    if (!self->receipts) self->receipts_tail = &self->receipts;
    free(due);
  }
  go_on(self);
}
