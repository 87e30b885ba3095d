/* compress.c - LZ4 on the message socket (docs/protocol.md 18): offered when the option says so,
 * used as the server agreed, for one connection each. */
#include "base/lz4_stream.h"
#include "session/internal.h"

bool eim_compress_is_offered(const eim_session *self) {
  return self->settings->compression && !self->compress_failed;
}

bool eim_compress_start(eim_session *self, const eim_frame *frame) {
  eim_compress_stop(self);
  if (!eim_compress_is_offered(self)) return true; /* what was not offered is not agreed on */
  if (frame->packs_up && !(self->packer = eim_lz4_encoder_new())) return false;
  if (frame->packs_down && !(self->unpacker = eim_lz4_decoder_new())) return false;
  SESSION_LOG(EIM_LOG_DEBUG, self, "LZ4 on the message socket: %s", eim_compress_name(self));
  return true;
}

void eim_compress_stop(eim_session *self) {
  eim_lz4_encoder_free(self->packer);
  eim_lz4_decoder_free(self->unpacker);
  self->packer = NULL;
  self->unpacker = NULL;
}

const char *eim_compress_name(const eim_session *self) {
  return self->packer ? self->unpacker ? "both" : "up" : self->unpacker ? "down" : "none";
}

void eim_compress_write(eim_session *self, const eim_buf *frame) {
  eim_buf packed = EIM_BUF_INIT;
  /* Out of memory: as with any frame that cannot be made, the deadlines tell. */
  if (eim_lz4_encode(self->packer, frame->data, frame->length, &packed)) {
    self->bytes_up += packed.length;
    self->io.send(self->io.user, self->conn, packed.data, packed.length);
  }
  eim_buf_free(&packed);
}

bool eim_compress_read(eim_session *self, const void *bytes, size_t length, eim_buf *out) {
  const char *problem =
      eim_lz4_decode(self->unpacker, bytes, length, (size_t)self->settings->max_frame_bytes, out);
  if (!problem) return true;
  /* As the real SDK: the next login goes without (docs/protocol.md 18). */
  self->compress_failed = true;
  eim_login_failed(self, eim_error_new(EIM_E_PROTOCOL, EIM_DOMAIN_LOCAL, EIM_E_PROTOCOL,
                                       EIM_ERROR_RETRIABLE, "the server sent %s", problem));
  return false;
}
