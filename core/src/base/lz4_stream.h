/* lz4_stream.h - one direction of a compressed message socket (docs/protocol.md 18): each message
 * becomes its plain length, a checksum and an LZ4 block that may point back into the messages
 * before it. Pure and bounded; of one connection, so a new one starts with new streams. Not
 * thread-safe. */
#ifndef EIM_BASE_LZ4_STREAM_H
#define EIM_BASE_LZ4_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

typedef struct eim_lz4_encoder eim_lz4_encoder;
typedef struct eim_lz4_decoder eim_lz4_decoder;

eim_lz4_encoder *eim_lz4_encoder_new(void); /* NULL: out of memory */
/* Appends the message in its compressed form. False: out of memory or too long; then nothing was
 * appended, and the next message is encoded as if this one had never been. */
bool eim_lz4_encode(eim_lz4_encoder *self, const void *bytes, size_t length, eim_buf *out);
void eim_lz4_encoder_free(eim_lz4_encoder *self);

eim_lz4_decoder *eim_lz4_decoder_new(void);
/* Appends the plain message, of at most `max` bytes; nothing is allocated for a length that the
 * block cannot have. NULL, or what is wrong (static text): then the stream is of no use any more.
 */
const char *eim_lz4_decode(eim_lz4_decoder *self, const void *bytes, size_t length, size_t max,
                           eim_buf *out);
void eim_lz4_decoder_free(eim_lz4_decoder *self);

#endif
