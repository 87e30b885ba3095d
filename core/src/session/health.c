/* health.c - a snapshot of the session for people and monitors. No secrets, no message text. */
#include <inttypes.h>

#include "session/internal.h"

void eim_session_health(const eim_session *self, eim_buf *out) {
  int pulls = 0, sides = 0;
  for (const eim_pull *pull = self->pulls; pull; pull = pull->next) pulls += !pull->kept;
  for (const eim_side *side = self->sides; side; side = side->next) sides++;
  eim_buf_str(out, "{\"state\":");
  eim_buf_json_str(out, eim_state_name(self->state));
  eim_buf_str(out, ",\"user\":");
  eim_buf_json_str(out, self->user);
  eim_buf_str(out, ",\"resource\":");
  eim_buf_json_str(out, self->resource);
  if (self->last_cause) {
    eim_buf_printf(out,
                   ",\"lastCause\":{\"code\":%d,\"name\":", (int)eim_error_code(self->last_cause));
    eim_buf_json_str(out, eim_error_name(self->last_cause));
    eim_buf_str(out, ",\"message\":");
    eim_buf_json_str(out, eim_error_message(self->last_cause));
    eim_buf_str(out, "}");
  } else {
    eim_buf_str(out, ",\"lastCause\":null");
  }
  eim_buf_printf(out,
                 ",\"attempt\":%d,\"generation\":%" PRIu64 ",\"connects\":%" PRIu64
                 ",\"losses\":%" PRIu64 ",\"rttMs\":%" PRId64,
                 self->attempt, self->generation, self->connects, self->losses, self->rtt);
  eim_buf_printf(out,
                 ",\"framesUp\":%" PRIu64 ",\"framesDown\":%" PRIu64 ",\"bytesUp\":%" PRIu64
                 ",\"bytesDown\":%" PRIu64,
                 self->frames_up, self->frames_down, self->bytes_up, self->bytes_down);
  eim_buf_printf(out, ",\"compression\":\"%s\"", eim_compress_name(self));
  eim_buf_printf(
      out,
      ",\"pendingSends\":%d,\"pendingRequests\":%d,\"queues\":%d,\"undelivered\":%" PRIu64
      ",\"tokenExpiresAt\":%" PRId64 ",\"serverClockOffsetMs\":",
      self->outbox_count, sides, pulls, (uint64_t)self->undone, self->token_expires_at);
  if (self->server_offset_known)
    eim_buf_printf(out, "%" PRId64, self->server_offset);
  else
    eim_buf_str(out, "null");
  eim_buf_str(out, ",\"report\":");
  eim_report_health(self, out);
  eim_buf_str(out, "}");
}
