/* pull.c - fetching queues (docs/protocol.md 10). The fetch with a key is the acknowledgement, so
 * it goes out only when the application is done with the whole page that it acknowledges: its
 * handlers have returned, or with ackMode manual it said so. Queues do not wait for each other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/message.h"
#include "session/internal.h"

/* How many queues are fetched at once goes by what they may bring: a page of which nothing is known
 * is taken for this part of maxUndelivered. */
#define FIRST_PAGE_PART 8
/* A server that names more queues than this at once is not believed. */
#define QUEUES_MAX 10000
/* Nor one that gives a queue an address of more bytes than this: it would be kept, ten thousand
 * times. */
#define ADDRESS_MAX 2048
/* Above maxUndelivered there may be what was asked for before: this many events at most. */
#define ASKED_MAX 16384
/* Ids remembered of one queue. A server that gives more at once has them only in the ring below. */
#define IDS_MAX 1024

/* ------------------------------------------------------------------ what may come again */

static size_t find_id(const eim_ids *ids, uint64_t id) {
  size_t i = 0;
  while (i < ids->count && ids->list[i] != id) i++;
  return i;
}

static void add_id(eim_ids *ids, uint64_t id) {
  if (!id || ids->count >= IDS_MAX || find_id(ids, id) < ids->count) return;
  if (ids->count == ids->room) {
    size_t room = ids->room ? ids->room * 2 : 16;
    uint64_t *list = realloc(ids->list, room * sizeof *list);
    if (!list) return;
    ids->list = list;
    ids->room = room;
  }
  ids->list[ids->count++] = id;
}

/* True: it was there. */
static bool take_id(eim_ids *ids, uint64_t id) {
  size_t i = find_id(ids, id);
  if (i == ids->count) return false;
  ids->list[i] = ids->list[--ids->count];
  return true;
}

/* The server has answered the fetch with the key, so it has the key. */
static void acknowledged(eim_pull *pull) {
  if (!pull->fetching || !pull->covered) return;
  pull->given.count -= pull->covered;
  memmove(pull->given.list, pull->given.list + pull->covered,
          pull->given.count * sizeof *pull->given.list);
  pull->covered = 0;
}

/* What was given may come again: whether its key arrived is not known. */
static void keep_ids(eim_pull *pull) {
  for (size_t i = 0; i < pull->given.count; i++) add_id(&pull->owed, pull->given.list[i]);
  pull->given.count = pull->covered = 0;
  pull->kept = pull->owed.count > 0;
}

/* ------------------------------------------------------------------ queues */

static void unlink_pull(eim_session *self, eim_pull *pull) {
  *(pull->prev ? &pull->prev->next : &self->pulls) = pull->next;
  *(pull->next ? &pull->next->prev : &self->pulls_last) = pull->prev;
}

static void append(eim_session *self, eim_pull *pull) {
  pull->next = NULL;
  pull->prev = self->pulls_last;
  *(pull->prev ? &pull->prev->next : &self->pulls) = pull;
  self->pulls_last = pull;
}

static void set_offline(eim_session *self, eim_pull *pull, bool offline) {
  self->pulls_offline += (size_t)offline - (size_t)pull->offline;
  pull->offline = offline;
}

static void free_pull(eim_pull *pull) {
  free(pull->name);
  free(pull->domain);
  free(pull->resource);
  free(pull->given.list);
  free(pull->owed.list);
  free(pull);
}

static void drop(eim_session *self, eim_pull *pull) {
  unlink_pull(self, pull);
  set_offline(self, pull, false);
  self->pull_count--;
  free_pull(pull);
}

static void drop_all(eim_session *self) {
  while (self->pulls) drop(self, self->pulls);
  self->expected = 0;
}

void eim_pull_lost(eim_session *self) {
  for (eim_pull *pull = self->pulls, *next; pull; pull = next) {
    next = pull->next;
    keep_ids(pull);
    set_offline(self, pull, false);
    pull->wanted = pull->fetching = pull->again = pull->ack_wait = false;
    pull->page = 0;
    pull->undone = 0;
    pull->expected = 0;
    if (!pull->kept) drop(self, pull);
  }
  self->expected = 0;
  self->ask_again = false;
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
  drop_all(self);
  drop_receipts(self);
  free(self->handed);
}

void eim_pull_other_user(eim_session *self) {
  drop_all(self);
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

static bool is_of(const eim_pull *pull, uint32_t hash, const eim_jid *queue) {
  return pull->hash == hash && strcmp(pull->name, queue->name) == 0 &&
         strcmp(pull->domain, queue->domain) == 0;
}

static bool is_believed(const eim_jid *queue) {
  return strlen(queue->name) + strlen(queue->domain) + strlen(queue->resource) <= ADDRESS_MAX;
}

/* The resource belongs to the address: what another device of the user sent waits in a queue of the
 * user's own name and that device. */
static eim_pull *find(eim_session *self, const eim_jid *queue) {
  uint32_t hash = hash_of(queue->name);
  eim_pull *pull = self->pulls;
  for (; pull; pull = pull->next)
    if (is_of(pull, hash, queue) && strcmp(pull->resource, queue->resource) == 0) return pull;
  if (self->pull_count >= QUEUES_MAX || !is_believed(queue)) return NULL;
  pull = calloc(1, sizeof *pull);
  if (!pull) return NULL;
  pull->name = eim_strdup(queue->name);
  pull->domain = eim_strdup(queue->domain);
  pull->resource = eim_strdup(queue->resource);
  pull->hash = hash;
  if (!pull->name || !pull->domain || !pull->resource) {
    free_pull(pull);
    return NULL;
  }
  append(self, pull);
  self->pull_count++;
  return pull;
}

/* Whose answer this is. A server may leave out the resource, or say another of its own: then that
 * of the oldest fetch. What was fetched last is at the end of the list, so the search begins there;
 * those that only wait for their turn may be thousands. */
static eim_pull *find_answered(eim_session *self, const eim_jid *queue) {
  uint32_t hash = hash_of(queue->name);
  eim_pull *other = NULL;
  for (eim_pull *pull = self->pulls_last; pull; pull = pull->prev) {
    if (!is_of(pull, hash, queue)) continue;
    if (strcmp(pull->resource, queue->resource) == 0) return pull;
    if (pull->fetching) other = pull;
  }
  return other ? other : find(self, queue);
}

/* With what is on its way. */
static bool is_full(const eim_session *self) {
  return self->undone + self->expected >= (size_t)self->settings->max_undelivered;
}

static void stop(eim_session *self, eim_pull *pull) {
  self->expected -= pull->expected;
  pull->expected = 0;
  pull->fetching = false;
}

/* Events that a fetch may bring: as many as the page before, or if it is known that there is more,
 * as a page ever brought. */
static size_t most(const eim_session *self, const eim_pull *pull) {
  size_t unknown = 1 + (size_t)self->settings->max_undelivered / FIRST_PAGE_PART;
  if (pull->page_size && !pull->again) return pull->page_size;
  return self->largest_page > unknown ? self->largest_page : unknown;
}

/* False: no memory. */
static bool fetch(eim_session *self, eim_pull *pull, bool has_key, uint64_t key) {
  eim_buf frame = EIM_BUF_INIT;
  eim_jid queue = {self->settings->app_key, pull->name, pull->domain, pull->resource};
  bool good = eim_frame_fetch(&frame, &queue, has_key, key);
  if (good) {
    stop(self, pull);
    pull->expected = most(self, pull);
    self->expected += pull->expected;
    pull->fetching = true;
    pull->wanted = pull->again = pull->ack_wait = pull->kept = false;
    pull->page = 0;
    pull->undone = 0;
    if (has_key) pull->covered = pull->given.count;
    pull->has_key = has_key;
    pull->key = key;
    pull->since = self->now.mono;
    eim_session_write(self, &frame);
  }
  eim_buf_free(&frame);
  return good;
}

static void tell_offline(eim_session *self, const char *json);

/* The next fetch, if it may go out: it acknowledges what is done, or starts what is wanted. The one
 * brings the next page as the other does. */
static bool fetch_next(eim_session *self, eim_pull *pull) {
  if (pull->ack_wait) return !pull->undone && fetch(self, pull, true, pull->key);
  return pull->wanted && !pull->fetching && fetch(self, pull, false, 0);
}

/* Forget it when it is finished. */
static void settle(eim_session *self, eim_pull *pull) {
  if (!pull->wanted && !pull->fetching && !pull->ack_wait && !pull->kept) drop(self, pull);
}

/* Acknowledge what is done, start what is wanted, as long as there is room for what it brings. Who
 * had its turn is the last the next time. */
static void go_on(eim_session *self) {
  if (self->state != EIM_STATE_ONLINE) return;
  const eim_pull *last = self->pulls_last;
  for (eim_pull *pull = self->pulls, *next; pull && !is_full(self); pull = next) {
    next = pull == last ? NULL : pull->next;
    if (!fetch_next(self, pull)) continue;
    unlink_pull(self, pull);
    append(self, pull);
  }
  /* Before the first UNREAD is answered it is not known what waits. */
  if (self->offline_told && !self->pulls_offline && !self->offline_asked) {
    self->offline_told = false;
    tell_offline(self, "{\"phase\":\"finish\"}");
  }
}

static bool is_overdue(const eim_session *self, const eim_pull *pull) {
  return pull->fetching && self->now.mono - pull->since > self->settings->request_timeout;
}

bool eim_pull_is_stuck(const eim_session *self) {
  for (const eim_pull *pull = self->pulls; pull; pull = pull->next)
    if (is_overdue(self, pull)) return true;
  return self->ask_again || self->offline_asked;
}

/* False: there are too many, or memory ended. */
static bool want(eim_session *self, const eim_jid *queue, bool offline) {
  if (!is_believed(queue)) return true;
  eim_pull *pull = find(self, queue);
  if (!pull) {
    self->ask_again = true;
    return false;
  }
  if (offline) set_offline(self, pull, true);
  if (pull->fetching || pull->ack_wait)
    pull->again = true;
  else
    pull->wanted = true;
  return true;
}

void eim_pull_want(eim_session *self, const eim_queue_info *queues, size_t count, eim_told told) {
  bool offline = told == EIM_TOLD_AT_LOGIN;
  if (offline && count) {
    char json[64];
    snprintf(json, sizeof json, "{\"phase\":\"start\",\"queues\":%zu}", count);
    self->offline_told = true;
    tell_offline(self, json);
  }
  if (count > QUEUES_MAX) { /* the others with the next beat: each is searched for */
    count = QUEUES_MAX;
    self->ask_again = true;
  }
  for (size_t i = 0; i < count && want(self, &queues[i].queue, offline); i++) continue;
  for (eim_pull *pull = self->pulls, *next; pull; pull = next) {
    next = pull->next;
    if (is_overdue(self, pull)) /* the answer was lost somewhere, and it holds up others */
      fetch(self, pull, pull->has_key, pull->key);
    if (told != EIM_TOLD_OF_ONE && !pull->wanted) pull->kept = false; /* the server has the key */
    settle(self, pull);
  }
  go_on(self);
}

void eim_pull_answer(eim_session *self, eim_frame *frame) {
  eim_pull *pull = find_answered(self, &frame->queue);
  if (!pull) return;
  bool again = pull->again;
  if (frame->status.code > 0 && !frame->item_count) {
    /* Refused: the key may not have been taken, and what waits is still there. Whether it is, the
     * server says with the next heartbeat, and until then the queue is not at its end. */
    keep_ids(pull);
    pull->kept = true;
    self->ask_again = true;
    SESSION_LOG(EIM_LOG_WARN, self, "a fetch was refused: %d %s", frame->status.code,
                frame->status.reason);
  }
  acknowledged(pull);
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
  settle(self, pull);
  go_on(self);
}

/* ------------------------------------------------------------------ what was handed out */

/* NULL: it is done. */
static eim_handed *handed_at(const eim_session *self, uint64_t seq) {
  eim_handed *list = self->handed;
  size_t from = self->handed_from, end = self->handed_end;
  while (from < end) {
    size_t middle = from + (end - from) / 2;
    if (list[middle].seq < seq)
      from = middle + 1;
    else
      end = middle;
  }
  bool found = from < self->handed_end && list[from].seq == seq && !list[from].is_done;
  return found ? &list[from] : NULL;
}

/* Room for one more: first of all where done ones stand, so that one that is held for ever does not
 * hold those behind it. False: memory ended. */
static bool make_room(eim_session *self) {
  if (self->handed_end < self->handed_size) return true;
  size_t count = 0;
  for (size_t i = self->handed_from; i < self->handed_end; i++)
    if (!self->handed[i].is_done) self->handed[count++] = self->handed[i];
  self->handed_from = 0;
  self->handed_end = count;
  if (count < self->handed_size / 2) return true;
  size_t size = self->handed_size ? self->handed_size * 2 : 32;
  eim_handed *list = realloc(self->handed, size * sizeof *list);
  if (!list) return count < self->handed_size;
  self->handed = list;
  self->handed_size = size;
  return true;
}

static eim_pull *pull_of_page(eim_session *self, uint64_t page) {
  eim_pull *pull = page ? self->pulls_last : NULL; /* as in find_answered() */
  while (pull && pull->page != page) pull = pull->prev;
  return pull;
}

/* One event is done. *cached: the queue of the last one, for they come page by page. */
static void finish(eim_session *self, eim_handed *handed, eim_pull **cached) {
  handed->is_done = true;
  self->undone--;
  if (handed->page) {
    if (!*cached || (*cached)->page != handed->page) *cached = pull_of_page(self, handed->page);
    if (*cached) (*cached)->undone--;
  }
}

static void advance(eim_session *self) {
  while (self->handed_from < self->handed_end && self->handed[self->handed_from].is_done)
    self->handed_from++;
  bool none = self->handed_from == self->handed_end;
  self->done_seq = none ? self->emitted_seq : self->handed[self->handed_from].seq - 1;
  if (none) self->handed_from = self->handed_end = 0;
}

/* It is in the application's hands still, from an earlier page or another queue: this page waits
 * for it, and that one does not any more. */
static void wait_for_earlier(eim_session *self, uint64_t id, eim_pull *pull) {
  for (size_t i = self->handed_from; i < self->handed_end; i++) {
    eim_handed *handed = &self->handed[i];
    if (handed->is_done || handed->id != id || handed->page == pull->page) continue;
    eim_pull *other = pull_of_page(self, handed->page);
    if (other) other->undone--;
    handed->page = pull->page;
    pull->undone++;
    return;
  }
}

/* Nearly every id is new, and a ring of hundreds is long to search for what is not in it. Behind
 * the ring lies a filter: a bit that is not set says "new" at once. It is made anew with each
 * round. It finds what comes twice soon; what may come again much later is with its queue. */
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

static void forget_receipt(eim_session *self, uint64_t seq) {
  for (eim_due_receipt **at = &self->receipts; *at; at = &(*at)->next)
    if ((*at)->seq == seq) {
      drop_receipt(self, at);
      return;
    }
}

/* Takes over the payload. */
static void give(eim_session *self, eim_event_kind kind, void *payload, uint64_t id,
                 eim_pull *pull) {
  if (!payload) return;
  if (!make_room(self)) {
    SESSION_LOG(EIM_LOG_ERROR, self, "out of memory: an event comes again at the next login");
    forget_seen(self, id);
    forget_receipt(self, self->emitted_seq + 1);
    if (pull) take_id(&pull->given, id);
    if (pull) pull->undone++;  /* for ever: the page is not acknowledged */
    eim_object_unref(payload); /* every payload is an object */
    return;
  }
  uint64_t seq = ++self->emitted_seq;
  bool is_message = kind == EIM_EVENT_message;
  self->handed[self->handed_end++] =
      (eim_handed){seq, id, pull ? pull->page : 0, false, is_message && self->settings->manual_ack};
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
  eim_pull *pull =
      frame->has_queue && frame->item_count ? find_answered(self, &frame->queue) : NULL;
  if (pull) acknowledged(pull);
  if (pull && !pull->ack_wait) {
    pull->page = ++self->last_page;
    pull->page_size = frame->item_count < ASKED_MAX ? frame->item_count : ASKED_MAX;
    if (pull->page_size > self->largest_page) self->largest_page = pull->page_size;
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
    bool is_content = item->kind != EIM_ITEM_BAD && item->kind != EIM_ITEM_STATISTIC;
    bool owed = pull && is_content && take_id(&pull->owed, item->id);
    if (pull && is_content) add_id(&pull->given, item->id);
    if (is_content && (owed || seen_before(self, item->id))) {
      if (pull) wait_for_earlier(self, item->id, pull);
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
  return seq <= self->done_seq || !handed_at(self, seq);
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
  while (self->dispatched_seq < seq) {
    eim_handed *handed = handed_at(self, ++self->dispatched_seq);
    if (handed && !handed->wants_done) finish(self, handed, &cached);
  }
  advance(self);
  send_due_receipts(self);
  go_on(self);
}

void eim_pull_message_done(eim_session *self, uint64_t seq) {
  eim_pull *cached = NULL;
  eim_handed *handed = handed_at(self, seq);
  if (!handed) return; /* done already, or of long ago */
  finish(self, handed, &cached);
  advance(self);
  send_due_receipts(self);
  go_on(self);
}

void eim_pull_session_over(eim_session *self) {
  self->offline_told = false;
  /* What the application has not even seen yet, it will see, and can be done with. */
  for (size_t i = self->handed_from; i < self->handed_end; i++) {
    eim_handed *handed = &self->handed[i];
    if (handed->is_done || handed->seq > self->dispatched_seq) continue;
    handed->is_done = true;
    self->undone--;
    forget_seen(self, handed->id);
    for (eim_pull *pull = self->pulls; pull; pull = pull->next) take_id(&pull->owed, handed->id);
    forget_receipt(self, handed->seq);
  }
  advance(self);
}
