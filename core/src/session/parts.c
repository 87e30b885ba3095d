/* parts.c - uploads in parts (docs/protocol.md 3, "Files"): one after the other, each repeated for
 * itself. The server says how large a part is at least, and forgets them when it is told to. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "session/internal.h"
#include "session/transfer.h"

#define PATH "/sdk/chatfiles/part-upload"
#define PART_DEFAULT ((int64_t)5 * 1024 * 1024) /* unless the server said another */
#define PART_LEAST ((int64_t)64 * 1024)         /* sanity */
#define PART_MOST ((int64_t)1024 * 1024 * 1024)
#define PARTS_MOST 1000
#define ANSWER_MAX (64 * 1024)

/* A file of less than one and a half parts goes in one piece, as the official SDK has it. */
void eim_parts_choose(const eim_session *self, eim_transfer *transfer) {
  int64_t part = self->part_size ? self->part_size : PART_DEFAULT;
  bool off = self->hosts_fetched && self->hosts.whole_files;
  if (transfer->is_upload && transfer->local && !off && transfer->size > part + part / 2)
    transfer->stage = EIM_PARTS_BEGIN;
}

void eim_parts_path(const eim_transfer *self, eim_buf *out) {
  eim_buf_str(out, PATH);
  if (self->stage == EIM_PARTS_BEGIN) return;
  eim_buf_str(out, "/");
  eim_buf_url(out, self->uuid);
  if (self->stage != EIM_PARTS_END) return;
  eim_buf_str(out, "?restrict-access=true");
  if (self->width) eim_buf_printf(out, "&thumbnail-width=%d", self->width);
  if (self->height) eim_buf_printf(out, "&thumbnail-height=%d", self->height);
}

static int64_t offset_of(const eim_transfer *self) {
  return (self->part - 1) * self->part_size;
}

void eim_parts_request(const eim_transfer *self, eim_http_request *request, eim_http_file *file) {
  request->method = EIM_HTTP_POST;
  if (self->stage != EIM_PARTS_PART) return;
  int64_t left = self->size - offset_of(self);
  request->method = EIM_HTTP_PUT;
  request->file = file;
  file->send = self->local;
  file->name = self->name;
  file->part = self->part;
  file->offset = offset_of(self);
  file->length = left < self->part_size ? left : self->part_size;
}

/* The id of the new upload; NULL: an answer without one. */
static char *uuid_of(const eim_input *input, eim_json *entity) {
  eim_json root;
  eim_buf uuid = EIM_BUF_INIT;
  if (!eim_json_parse(&root, input->bytes, input->length)) return NULL;
  eim_json_iter entities = eim_json_each(eim_json_get(root, "entities"));
  if (entities.object || !eim_json_next(&entities)) return NULL;
  *entity = entities.value;
  if (eim_json_text(eim_json_get(*entity, "uuid"), &uuid) && uuid.length && !uuid.failed)
    return (char *)uuid.data;
  eim_buf_free(&uuid);
  return NULL;
}

static eim_error *begun(eim_session *self, eim_transfer *transfer, const eim_input *input) {
  eim_json entity;
  int64_t least = 0, most = 0;
  free(transfer->uuid);
  transfer->uuid = uuid_of(input, &entity);
  if (!transfer->uuid) { /* as one that refuses */
    transfer->stage = EIM_PARTS_NONE;
    return NULL;
  }
  eim_json_loose_i64(eim_json_get(entity, "part_lower_limit"), &least);
  eim_json_loose_i64(eim_json_get(entity, "file_upper_limit"), &most);
  if (most > 0 && transfer->size > most)
    return eim_error_new(EIM_CODE_FILE_TOO_LARGE, EIM_DOMAIN_SERVER, 0, 0,
                         "the server takes files of at most %lld bytes", (long long)most);
  if (least < PART_LEAST) least = least > 0 ? PART_LEAST : PART_DEFAULT;
  if (least > PART_MOST) least = PART_MOST;
  self->part_size = least;
  while (transfer->size / least >= PARTS_MOST) least *= 2;
  transfer->part_size = least;
  transfer->part = 1;
  transfer->stage = EIM_PARTS_PART;
  return NULL;
}

eim_error *eim_parts_answer(eim_session *self, eim_transfer *transfer, const eim_input *input) {
  if (transfer->stage == EIM_PARTS_BEGIN) return begun(self, transfer, input);
  transfer->part++;
  if (offset_of(transfer) >= transfer->size) transfer->stage = EIM_PARTS_END;
  return NULL;
}

/* A server that knows no parts gets the file in one piece, as from the official SDK; one that has
 * forgotten them gets them again. */
bool eim_parts_refused(eim_transfer *self, int status) {
  if (self->stage == EIM_PARTS_BEGIN && !self->uuid) {
    self->stage = EIM_PARTS_NONE;
    return true;
  }
  if (self->stage == EIM_PARTS_NONE || status != 404 || self->restarted) return false;
  self->restarted = true;
  self->stage = EIM_PARTS_BEGIN;
  return true;
}

void eim_parts_abort(eim_session *self, eim_transfer *transfer, const eim_secret *bearer) {
  if (!transfer->uuid || !bearer) return;
  eim_buf path = EIM_BUF_INIT, url = EIM_BUF_INIT;
  const char *ip;
  transfer->stage = EIM_PARTS_PART;
  eim_parts_path(transfer, &path);
  if (!path.failed) eim_discovery_rest(self, (const char *)path.data, &url, &ip);
  if (url.data && !url.failed) {
    /* Whatever comes back, nobody waits for it. */
    eim_http_request request = {.id = eim_session_next_id(self),
                                .method = EIM_HTTP_DELETE,
                                .url = (const char *)url.data,
                                .ip = ip,
                                .bearer = bearer,
                                .max_answer = ANSWER_MAX};
    self->io.http(self->io.user, &request);
  }
  eim_buf_free(&path);
  eim_buf_free(&url);
}
