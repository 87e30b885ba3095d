/* eim_combine_parse(): the file of a combined message from whoever sent it. The first byte is the
 * level. The checksum is made to fit, so that what is behind it is reached. */
#include <string.h>

#include "base/text.h"
#include "fuzz.h"
#include "model/combine.h"
#include "model/message.h"
#include "wire/combine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 4) return 0;
  int level = data[0] % 12;
  uint8_t *file = malloc(size);
  if (!file) return 0;
  memcpy(file, data + 1, size - 1);
  file[size - 1] = 0;
  for (size_t i = 3; i + 1 < size; i += 2) file[size - 1] ^= file[i];
  eim_message **messages;
  size_t count;
  const char *problem = eim_combine_parse(file, size, level, &messages, &count);
  if (problem) {
    MUST(*problem);
    free(file);
    return 0;
  }
  MUST(count >= 1 && count <= EIM_COMBINE_MAX);
  eim_buf again = EIM_BUF_INIT;
  for (size_t i = 0; i < count; i++) {
    MUST(eim_utf8_valid(messages[i]->from, strlen(messages[i]->from)));
    MUST(eim_message_to_json(messages[i]));
    int inner = eim_combine_level(messages[i]);
    MUST(!inner || inner < (level >= 1 && level <= 10 ? level : 10));
    eim_combine_add(&again, "a#b", "me", 1, 1, messages[i]);
  }
  eim_buf_free(&again);
  eim_combine_free(messages, count);
  free(file);
  return 0;
}
