/* REST answers and refusals. The first byte chooses the call. */
#include <string.h>

#include "base/json.h"
#include "fuzz.h"
#include "wire/rest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const int statuses[] = {400, 401, 403, 404, 408, 409, 413, 429, 500, 502, 503, 504, 302};
  if (!size) return 0;
  eim_rest_call call = (eim_rest_call)(data[0] & 3);
  int status = statuses[(data[0] >> 2) % (sizeof statuses / sizeof *statuses)];
  const uint8_t *body = data + 1;
  size--;

  eim_json value;
  eim_error *error = eim_rest_error(call, status, body, size);
  const char *detail = eim_error_detail(error);
  MUST(eim_json_parse(&value, detail, strlen(detail)));
  MUST(eim_error_code(error) > 0);
  MUST(eim_error_is_final(error) != eim_error_is_retriable(error));
  eim_error_unref(error);

  eim_token_answer token;
  error = eim_rest_token_answer(&token, body, size);
  if (!error) {
    MUST(token.token && *eim_secret_text(token.token) && token.expires_in_ms >= 0);
    eim_secret_unref(token.token);
  }
  eim_error_unref(error);
  int64_t at = 0;
  error = eim_rest_expires_answer(&at, body, size);
  MUST(error || at > 0);
  eim_error_unref(error);
  eim_buf json = EIM_BUF_INIT;
  error = eim_rest_register_answer(&json, body, size);
  if (!error) MUST(eim_json_parse(&value, json.data, json.length));
  eim_error_unref(error);
  eim_buf_free(&json);
  return 0;
}
