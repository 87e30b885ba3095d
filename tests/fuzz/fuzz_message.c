/* Messages as JSON: what is taken can be shown, and what is shown is taken again and is the same.
 */
#include <stdlib.h>
#include <string.h>

#include <eim/message.h>

#include "base/json.h"
#include "fuzz.h"
#include "model/build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = malloc(size + 1);
  if (!text) return 0;
  memcpy(text, data, size);
  text[size] = 0;
  eim_message *message = NULL, *again = NULL;
  eim_status status = eim_message_from_json(text, &message);
  free(text);
  MUST(!status == !!message);
  if (!message) return 0;
  eim_json value;
  const char *shown = eim_message_to_json(message);
  MUST(shown && eim_json_parse(&value, shown, strlen(shown)));
  MUST(eim_json_parse(&value, eim_message_body(message), strlen(eim_message_body(message))));
  MUST(eim_json_parse(&value, eim_message_ext(message), strlen(eim_message_ext(message))));
  MUST(!eim_message_from_json(shown, &again));
  MUST(!strcmp(eim_message_to_json(again), shown));
  eim_message_unref(again);
  static const char file[] =
      "{\"url\":\"https://h/a\",\"secret\":\"s\",\"filename\":\"f\",\"file_length\":1}";
  eim_message *uploaded = eim_message_uploaded(message, file);
  MUST(uploaded &&
       eim_json_parse(&value, eim_message_body(uploaded), strlen(eim_message_body(uploaded))));
  eim_message_unref(uploaded);
  eim_message_unref(message);
  return 0;
}
