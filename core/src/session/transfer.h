/* transfer.h - the part of an upload or download that is not as with any other REST call. */
#ifndef EIM_SESSION_TRANSFER_H
#define EIM_SESSION_TRANSFER_H

#include "model/error.h"
#include "session/session.h"

/* How far an upload is that goes in parts (parts.c). */
typedef enum eim_parts_stage {
  EIM_PARTS_NONE,  /* in one piece, or a download */
  EIM_PARTS_BEGIN, /* the server is asked where they go */
  EIM_PARTS_PART,  /* one after the other */
  EIM_PARTS_END    /* it puts them together */
} eim_parts_stage;

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
  int64_t size; /* of the local file, when it was looked at; 0: unknown */
  int64_t told; /* bytes that are done, as it was told last: never less again */
  eim_parts_stage stage;
  char *uuid; /* of the upload; NULL: none */
  int part;   /* the next one, from 1 */
  int64_t part_size;
  bool restarted; /* once: the server had forgotten the parts */
} eim_transfer;

eim_transfer *eim_transfer_new(eim_session *self, const eim_input *input); /* NULL: no memory */
void eim_transfer_free(eim_transfer *self);                                /* NULL is allowed */
/* Below the app, with its query. */
void eim_transfer_path(const eim_transfer *self, eim_buf *out);
/* Nothing is lost or done twice when its request arrives more than once. */
bool eim_transfer_is_repeatable(const eim_transfer *self);
/* What is special about its request. url holds that of the path and is replaced for a download. */
void eim_transfer_request(eim_session *self, eim_transfer *transfer, eim_http_request *request,
                          eim_http_file *file, eim_buf *url);
void eim_transfer_progress(eim_session *self, eim_transfer *transfer, uint64_t token, int64_t done,
                           int64_t total);
/* The result's JSON for a 2xx, with nothing appended: it goes on; or the error, owned by the
 * caller. */
eim_error *eim_transfer_answer(eim_session *self, eim_transfer *transfer, const eim_input *input,
                               eim_buf *out);
/* The result with what came down. NULL: out of memory. */
eim_result *eim_transfer_result(eim_transfer *self, uint64_t token, const char *json);

/* parts.c: uploads in parts (docs/protocol.md 3, "Files") */
void eim_parts_choose(const eim_session *self, eim_transfer *transfer);
void eim_parts_path(const eim_transfer *self, eim_buf *out);
void eim_parts_request(const eim_transfer *self, eim_http_request *request, eim_http_file *file);
/* A 2xx, but of the end. */
eim_error *eim_parts_answer(eim_session *self, eim_transfer *transfer, const eim_input *input);
/* Another status: true: it goes on another way. */
bool eim_parts_refused(eim_transfer *self, int status);
/* The server may forget the parts. */
void eim_parts_abort(eim_session *self, eim_transfer *transfer, const eim_secret *bearer);

#endif
