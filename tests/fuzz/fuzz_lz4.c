/* eim_lz4_decode(): a line of messages, each behind two bytes of its length. What comes out is
 * bounded, and what goes in again comes out again. */
#include <string.h>

#include "base/lz4_stream.h"
#include "fuzz.h"

#define MAX 65536

static void round_trip(eim_lz4_encoder *up, eim_lz4_decoder *down, const eim_buf *plain) {
  eim_buf wire = EIM_BUF_INIT, back = EIM_BUF_INIT;
  MUST(eim_lz4_encode(up, plain->data, plain->length, &wire));
  MUST(!eim_lz4_decode(down, wire.data, wire.length, MAX, &back));
  MUST(back.length == plain->length && !memcmp(back.data, plain->data, plain->length));
  eim_buf_free(&wire);
  eim_buf_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  eim_lz4_decoder *line = eim_lz4_decoder_new(), *down = eim_lz4_decoder_new();
  eim_lz4_encoder *up = eim_lz4_encoder_new();
  const uint8_t *end = data + size;
  const char *problem = NULL;
  while (line && down && up && !problem && end - data >= 2) {
    size_t length = (size_t)data[0] << 8 | data[1];
    data += 2;
    if (length > (size_t)(end - data)) length = (size_t)(end - data);
    uint8_t *copy = malloc(length ? length : 1); /* so that a sanitizer sees its end */
    if (!copy) break;
    memcpy(copy, data, length);
    data += length;
    eim_buf plain = EIM_BUF_INIT;
    problem = eim_lz4_decode(line, copy, length, MAX, &plain);
    free(copy);
    MUST(plain.length <= MAX && (!problem || !plain.length));
    if (!problem) round_trip(up, down, &plain);
    eim_buf_free(&plain);
  }
  eim_lz4_decoder_free(line);
  eim_lz4_decoder_free(down);
  eim_lz4_encoder_free(up);
  return 0;
}
