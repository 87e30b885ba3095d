/* spool.c - spools, found by the number of their client. */
#include "log/spool.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log/sinks.h"
#include "log/store.h"

/* A process may have ten thousand clients; most of them hold a few lines at a time. */
enum { BUCKETS = 1024, BLOCK = 4096 };

struct eim_log_spool {
  eim_log_spool *next;
  uint64_t client;
  eim_log_level level;
  eim_log_store store;
  size_t sending;         /* lines at the front that are being sent */
  uint64_t pushed_out;    /* lines of those that had to go meanwhile */
  uint64_t lost;          /* lines, for good */
  uint64_t told, telling; /* of these: the server knows, or is being told */
};

static eim_log_spool *buckets[BUCKETS]; /* under the lock, as every member above */
static size_t count_at[EIM_LOG_SILENT]; /* spools of each level */
static size_t spools;
static _Thread_local bool muted;

void eim_log_spool_mute(bool on) {
  muted = on;
}

static eim_log_spool **bucket_of(uint64_t client) {
  return &buckets[client % BUCKETS];
}

eim_log_spool *eim_log_spool_new(uint64_t client, eim_log_level level, size_t max_bytes) {
  eim_log_spool *self = calloc(1, sizeof *self);
  if (!self || level < EIM_LOG_TRACE || level >= EIM_LOG_SILENT) {
    free(self);
    return NULL;
  }
  self->client = client;
  self->level = level;
  eim_log_store_init(&self->store, max_bytes, BLOCK);
  eim_log_lock();
  eim_log_spool **bucket = bucket_of(client);
  self->next = *bucket;
  *bucket = self;
  spools++;
  count_at[level]++;
  eim_log_use(EIM_LOG_USE_SPOOLS, true);
  eim_log_levels_changed();
  eim_log_unlock();
  return self;
}

void eim_log_spool_free(eim_log_spool *self) {
  if (!self) return;
  eim_log_lock();
  eim_log_spool **at = bucket_of(self->client);
  while (*at && *at != self) at = &(*at)->next;
  if (*at) {
    *at = self->next;
    count_at[self->level]--;
    eim_log_use(EIM_LOG_USE_SPOOLS, --spools > 0);
    eim_log_levels_changed();
  }
  eim_log_unlock();
  eim_log_store_clear(&self->store);
  free(self);
}

void eim_log_spools_after_fork(void) {
  memset(buckets, 0, sizeof buckets);
  memset(count_at, 0, sizeof count_at);
  spools = 0;
  eim_log_use(EIM_LOG_USE_SPOOLS, false);
}

int eim_log_spools_level(void) {
  int level = EIM_LOG_TRACE;
  while (level < EIM_LOG_SILENT && !count_at[level]) level++;
  return level;
}

static void drop_oldest(eim_log_spool *self) {
  eim_log_store_drop(&self->store);
  if (self->sending) {
    self->sending--;
    self->pushed_out++;
  } else {
    self->lost++;
  }
}

void eim_log_spools_add(const eim_log_record *record, const char *line, size_t length) {
  if (muted || !record->client) return;
  for (eim_log_spool *self = *bucket_of(record->client); self; self = self->next) {
    if (self->client != record->client || record->level < self->level) continue;
    while (self->store.bytes && self->store.bytes + length > self->store.max) drop_oldest(self);
    eim_log_store_add(&self->store, line, length);
  }
}

/* ------------------------------------------------------------------ sending */

static uint64_t lost(const eim_log_spool *self) {
  return self->lost + self->store.lost_lines;
}

/* Bytes of a line inside a JSON string: it is clean, so only these need an escape. */
static size_t json_length(const char *line, size_t length) {
  size_t json = length;
  for (size_t i = 0; i < length; i++) json += line[i] == '"' || line[i] == '\\' || line[i] == '\n';
  return json;
}

static size_t loss_line(uint64_t lines, char *out) {
  char message[96];
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  snprintf(message, sizeof message, "%" PRIu64 " older lines were lost", lines);
  eim_log_record record = {.time = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000,
                           .level = EIM_LOG_WARN,
                           .module = "log",
                           .message = message};
  return eim_log_line(&record, out);
}

/* Whole lines from the front that fit, one at least; their bytes. */
static size_t measure(const eim_log_piece *pieces, size_t count, size_t max_json, size_t *lines) {
  size_t bytes = 0, json = 0;
  *lines = 0;
  for (size_t i = 0; i < count; i++)
    for (const char *line = pieces[i].text, *end = line + pieces[i].length; line < end;) {
      size_t length = (size_t)((const char *)memchr(line, '\n', (size_t)(end - line)) - line) + 1;
      json += json_length(line, length);
      if (json > max_json && *lines) return bytes;
      bytes += length;
      line += length;
      ++*lines;
    }
  return bytes;
}

static char *join(const char *first, size_t first_length, const eim_log_piece *pieces,
                  size_t bytes) {
  char *out = malloc(first_length + bytes + 1), *at = out;
  if (!out) return NULL;
  if (first_length) memcpy(at, first, first_length);
  at += first_length;
  for (; bytes; pieces++) {
    size_t part = pieces->length < bytes ? pieces->length : bytes;
    memcpy(at, pieces->text, part);
    at += part;
    bytes -= part;
  }
  *at = 0;
  return out;
}

char *eim_log_spool_begin(eim_log_spool *self, size_t max_json) {
  char loss[EIM_LOG_LINE_MAX], *out = NULL;
  size_t loss_length = 0, bytes = 0, lines = 0, count;
  eim_log_piece *pieces;
  eim_log_lock();
  self->telling = lost(self) - self->told;
  bool taken = eim_log_store_snapshot(&self->store, &pieces, &count);
  self->pushed_out = 0;
  self->sending = SIZE_MAX; /* until it is known how many fit */
  eim_log_unlock();
  if (taken) {
    if (self->telling) {
      loss_length = loss_line(self->telling, loss);
      size_t json = json_length(loss, loss_length);
      max_json = json < max_json ? max_json - json : 0;
    }
    bytes = measure(pieces, count, max_json, &lines);
    if (bytes || loss_length) out = join(loss, loss_length, pieces, bytes);
    eim_log_pieces_free(pieces, count);
  }
  eim_log_lock();
  uint64_t gone = self->pushed_out; /* meanwhile, from the front: of ours, or already behind them */
  if (!out) lines = 0;
  self->pushed_out = gone < lines ? gone : lines;
  self->lost += gone - self->pushed_out;
  self->sending = lines - (size_t)self->pushed_out;
  eim_log_unlock();
  return out;
}

size_t eim_log_spool_sent(eim_log_spool *self) {
  size_t bytes = 0;
  eim_log_lock();
  for (; self->sending; self->sending--) bytes += eim_log_store_drop(&self->store);
  self->pushed_out = 0;
  self->told += self->telling;
  self->telling = 0;
  eim_log_unlock();
  return bytes;
}

void eim_log_spool_failed(eim_log_spool *self) {
  eim_log_lock();
  self->lost += self->pushed_out;
  self->sending = 0;
  self->pushed_out = self->telling = 0;
  eim_log_unlock();
}

void eim_log_spool_discard(eim_log_spool *self) {
  eim_log_lock();
  self->lost += self->store.lines + self->pushed_out;
  self->sending = 0;
  self->pushed_out = self->telling = 0;
  eim_log_store_clear(&self->store);
  eim_log_unlock();
}

size_t eim_log_spool_bytes(eim_log_spool *self) {
  eim_log_lock();
  size_t bytes = self->store.bytes;
  eim_log_unlock();
  return bytes;
}

uint64_t eim_log_spool_lost(eim_log_spool *self) {
  eim_log_lock();
  uint64_t lines = lost(self);
  eim_log_unlock();
  return lines;
}
