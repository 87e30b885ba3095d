/* rest.c - REST calls: checked on the calling thread, decided by the session. */
#include <eim/rest.h>

#include "api/client.h"
#include "model/error.h"

eim_status eim_client_request(eim_client *self, const char *method, const char *path,
                              const char *query, const char *json_body, uint64_t token) {
  eim_input input = {.kind = EIM_IN_REQUEST, .token = token};
  eim_buf whole = EIM_BUF_INIT;
  eim_status status = eim_client_usable(self);
  if (status) return status;
  eim_error *error = eim_request_check(method, path, query, json_body, &input.method, &whole);
  if (error)
    status = eim_fail_with((eim_status)eim_error_native(error), error);
  else
    status = eim_client_post(self, &input, NULL, json_body, (const char *)whole.data, NULL);
  eim_buf_free(&whole);
  return status;
}
