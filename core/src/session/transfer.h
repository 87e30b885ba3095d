/* transfer.h - the part of an upload or download that is not as with any other REST call. */
#ifndef EIM_SESSION_TRANSFER_H
#define EIM_SESSION_TRANSFER_H

#include "model/error.h"
#include "session/session.h"

typedef struct eim_transfer {
  bool is_upload, thumbnail, ours; /* ours: the URL leads to a REST host of the app */
  int width, height;
  int64_t max_bytes;
  char *local, *name; /* local NULL: content; name: for the server; a download's URL */
  eim_secret *secret;
  eim_buf content;        /* of what goes up, or came down */
  int level;              /* of the combined message whose file it is; 0: it is none */
  eim_message **messages; /* that were in it */
  size_t message_count;
} eim_transfer;

eim_transfer *eim_transfer_new(eim_session *self, const eim_input *input); /* NULL: no memory */
void eim_transfer_free(eim_transfer *self);                                /* NULL is allowed */
/* What is special about its request. url holds that of the path and is replaced for a download. */
void eim_transfer_request(eim_session *self, eim_transfer *transfer, eim_http_request *request,
                          eim_http_file *file, eim_buf *url);
void eim_transfer_progress(eim_session *self, uint64_t token, int64_t done, int64_t total);
/* The result's JSON for a 2xx; or the error, owned by the caller. */
eim_error *eim_transfer_answer(const eim_session *self, eim_transfer *transfer,
                               const eim_input *input, eim_buf *out);
/* The result with what came down. NULL: out of memory. */
eim_result *eim_transfer_result(eim_transfer *self, uint64_t token, const char *json);

#endif
