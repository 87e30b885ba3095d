/* live.c - frames coming in, and whether the peer is alive (docs/protocol.md 8). */
#include "session/internal.h"

/* The year 9999: a time behind it is none, and sums with it would overflow. */
#define LAST_TIME_MS INT64_C(253402300799999)

void eim_live_start(eim_session *self) {
  self->last_rx = self->now.mono;
  self->offline_asked = true;
  eim_outbox_flush(self); /* what was kept goes first, as with the real SDK (docs/protocol.md 7) */
  eim_pull_done(self, self->dispatched_seq); /* receipts that became due while there was no line */
  eim_live_probe(self); /* UNREAD: says what waits, and is the first heartbeat */
}

void eim_live_stop(eim_session *self) {
  eim_session_disarm(self, EIM_TIMER_HEARTBEAT);
  eim_session_disarm(self, EIM_TIMER_HOLD);
  self->beat_waiting = false;
  eim_pull_lost(self);
}

void eim_live_probe(eim_session *self) {
  if (self->beat_waiting) return; /* an answer is due already */
  eim_buf frame = EIM_BUF_INIT;
  if (eim_frame_unread(&frame)) {
    self->beat_at = self->now.mono;
    self->beat_waiting = true;
    eim_session_write(self, &frame);
  }
  eim_buf_free(&frame);
  eim_session_arm(self, EIM_TIMER_HEARTBEAT, self->now.mono + self->settings->heartbeat_timeout);
}

void eim_live_heartbeat(eim_session *self) {
  if (self->state != EIM_STATE_ONLINE) return;
  if (self->beat_waiting && self->last_rx <= self->beat_at) {
    eim_login_failed(self, eim_error_new(EIM_E_TIMEOUT, EIM_DOMAIN_LOCAL, EIM_E_TIMEOUT,
                                         EIM_ERROR_RETRIABLE,
                                         "the server did not answer a heartbeat within %d ms",
                                         self->settings->heartbeat_timeout));
    return;
  }
  self->beat_waiting = false;
  /* The timer is not moved with every frame; what came in meanwhile is looked at here. */
  int64_t due = self->last_rx + self->settings->heart_beat_wait;
  if (self->now.mono >= due || eim_pull_is_stuck(self))
    eim_live_probe(self);
  else
    eim_session_arm(self, EIM_TIMER_HEARTBEAT, due);
}

static void unread(eim_session *self, eim_frame *frame) {
  if (self->beat_waiting) {
    self->beat_waiting = false;
    self->rtt = self->now.mono - self->beat_at;
    eim_session_arm(self, EIM_TIMER_HEARTBEAT, self->now.mono + self->settings->heart_beat_wait);
  }
  if (frame->timestamp > 0 && frame->timestamp <= LAST_TIME_MS)
    self->server_offset = frame->timestamp - self->now.wall;
  self->server_offset_known = true;
  eim_token_arm(self);
  size_t count = 0;
  for (size_t i = 0; i < frame->queue_count; i++)
    if (frame->queues[i].count) frame->queues[count++] = frame->queues[i];
  if (frame->status.code > 0) { /* refused: what waits is not known */
    self->ask_again = true;
    return;
  }
  eim_told told = self->offline_asked ? EIM_TOLD_AT_LOGIN : EIM_TOLD_OF_ALL;
  self->offline_asked = self->ask_again = false;
  eim_pull_want(self, frame->queues, count, told);
}

static void sync(eim_session *self, eim_frame *frame) {
  if (frame->is_answer) {
    eim_outbox_answer(self, frame);
    return;
  }
  if (!eim_pull_items(self, frame)) return;
  if (frame->has_queue) eim_pull_answer(self, frame);
}

static void plain_frame(eim_session *self, const void *bytes, size_t length) {
  eim_arena arena;
  if (!eim_arena_init(&arena, length * 2 + 512)) {
    eim_login_failed(self, eim_error_new(EIM_E_NOMEM, EIM_DOMAIN_LOCAL, EIM_E_NOMEM,
                                         EIM_ERROR_RETRIABLE, "out of memory for a frame"));
    return;
  }
  eim_frame frame;
  const char *problem = NULL;
  if (!eim_frame_decode(&frame, &arena, bytes, length, self->user, self->resource, &problem)) {
    eim_arena_free(&arena);
    eim_login_failed(self, eim_error_new(EIM_E_PROTOCOL, EIM_DOMAIN_LOCAL, EIM_E_PROTOCOL,
                                         EIM_ERROR_RETRIABLE,
                                         "the server sent a frame that is no MSYNC: %s",
                                         problem ? problem : "malformed"));
    return;
  }
  self->last_rx = self->now.mono;
  self->frames_down++;
  if (frame.command == EIM_CMD_PROVISION) {
    eim_login_provisioned(self, &frame);
  } else if (self->state == EIM_STATE_ONLINE) {
    switch (frame.command) {
    case EIM_CMD_UNREAD: unread(self, &frame); break;
    case EIM_CMD_NOTICE:
      eim_pull_want(self, frame.queues, frame.queue_count, EIM_TOLD_OF_ONE);
      break;
    case EIM_CMD_SYNC: sync(self, &frame); break;
    default: SESSION_LOG(EIM_LOG_DEBUG, self, "frame of command %d ignored", (int)frame.command);
    }
  }
  eim_frame_release(&frame);
  eim_arena_free(&arena);
}

void eim_live_frame(eim_session *self, const void *bytes, size_t length) {
  if (self->state != EIM_STATE_PROVISIONING && self->state != EIM_STATE_ONLINE) return;
  self->bytes_down += length;
  if (!self->unpacker) {
    plain_frame(self, bytes, length);
    return;
  }
  eim_buf plain = EIM_BUF_INIT;
  if (eim_compress_read(self, bytes, length, &plain)) plain_frame(self, plain.data, plain.length);
  eim_buf_free(&plain);
}
