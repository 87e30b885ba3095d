/* Files that come in parts: docs/protocol.md 3.6. The three calls are the SDK's; what is refused,
 * and with which words, is proposed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"

enum { UPLOADS_MAX = 64, PARTS_MAX = 10000 };

typedef struct piece {
  struct piece *next; /* in the order of their numbers */
  int number;
  eim_buf data;
} piece;

struct eim_sb_upload_in_parts {
  struct eim_sb_upload_in_parts *next; /* the oldest last */
  char uuid[37];
  const eim_sb_user *owner; /* NULL: the app. Compared only */
  piece *pieces;
  size_t size;
};
typedef struct eim_sb_upload_in_parts pending;

static bool is(const char *a, const char *b) {
  return a && strcmp(a, b) == 0;
}

static void drop_piece(pending *up, piece **at) {
  piece *gone = *at;
  *at = gone->next;
  up->size -= gone->data.length;
  eim_buf_free(&gone->data);
  free(gone);
}

static void drop(eim_sandbox *self, pending **at) {
  pending *gone = *at;
  *at = gone->next;
  while (gone->pieces) drop_piece(gone, &gone->pieces);
  free(gone);
  self->uploads_count--;
}

void eim_sb_free_uploads(eim_sandbox *self) {
  while (self->uploads) drop(self, &self->uploads);
}

static size_t all_bytes(const eim_sandbox *self) {
  size_t size = 0;
  for (const pending *up = self->uploads; up; up = up->next) size += up->size;
  return size;
}

/* Those that nobody finished go, the oldest first; never `kept`. */
static void make_room(eim_sandbox *self, const pending *kept, size_t size) {
  while (self->uploads_count >= UPLOADS_MAX || all_bytes(self) + size > self->options.file_store) {
    pending **oldest = NULL;
    for (pending **at = &self->uploads; *at; at = &(*at)->next)
      if (*at != kept) oldest = at;
    if (!oldest) return;
    drop(self, oldest);
  }
}

static void refuse(eim_sandbox *self, eim_sb_request *request, const char *why) {
  eim_sb_refuse(self, request, 400, "illegal_argument", "java.lang.IllegalArgumentException", why);
}

static const eim_sb_user *caller(eim_sandbox *self, const eim_sb_request *request) {
  const eim_sb_token *token = eim_sb_find_token(self, request->token);
  return token ? token->user : NULL;
}

static void begin(eim_sandbox *self, eim_sb_request *request) {
  make_room(self, NULL, 0);
  pending *up = calloc(1, sizeof *up);
  if (!up) {
    request->dropped = true;
    return;
  }
  eim_sb_uuid(self, up->uuid);
  up->owner = caller(self, request);
  up->next = self->uploads;
  self->uploads = up;
  self->uploads_count++;
  cJSON *answer = eim_sb_envelope(self, "post", "/sdk/chatfiles/part-upload");
  cJSON *entity = cJSON_CreateObject();
  cJSON_AddStringToObject(entity, "uuid", up->uuid);
  cJSON_AddNumberToObject(entity, "file_upper_limit", (double)self->options.max_upload);
  cJSON_AddNumberToObject(entity, "part_lower_limit", (double)self->options.part_size);
  cJSON_AddItemToArray(cJSON_AddArrayToObject(answer, "entities"), entity);
  eim_sb_answer_json(self, request, 200, answer);
}

/* The same number again is the same part again. */
static void take_part(eim_sandbox *self, eim_sb_request *request, pending *up) {
  eim_sb_form_part sent, count;
  char digits[8] = "";
  int64_t number = 0;
  if (!eim_sb_find_part(request, "part_file", &sent) ||
      !eim_sb_find_part(request, "part_number", &count)) {
    refuse(self, request, "part_file and part_number must be provided.");
    return;
  }
  if (count.size < sizeof digits)
    snprintf(digits, sizeof digits, "%.*s", (int)count.size, (const char *)count.bytes);
  if (!eim_parse_i64(digits, &number) || number < 1 || number > PARTS_MAX) {
    refuse(self, request, "part_number must be 1 to 10000.");
    return;
  }
  piece **at = &up->pieces;
  while (*at && (*at)->number < (int)number) at = &(*at)->next;
  size_t before = *at && (*at)->number == (int)number ? (*at)->data.length : 0;
  if (up->size - before + sent.size > self->options.max_upload ||
      sent.size > self->options.max_file) {
    eim_sb_file_too_large(self, request);
    return;
  }
  make_room(self, up, sent.size);
  piece *taken = calloc(1, sizeof *taken);
  if (taken) eim_buf_add(&taken->data, sent.bytes, sent.size);
  if (!taken || taken->data.failed) {
    free(taken);
    request->dropped = true;
    return;
  }
  if (*at && (*at)->number == (int)number) drop_piece(up, at);
  taken->number = (int)number;
  taken->next = *at;
  *at = taken;
  up->size += sent.size;
  eim_sb_answer_json(self, request, 200,
                     eim_sb_envelope(self, "put", "/sdk/chatfiles/part-upload"));
}

static void end(eim_sandbox *self, eim_sb_request *request, pending **at) {
  pending *up = *at;
  eim_buf whole = EIM_BUF_INIT;
  int expected = 1;
  for (const piece *p = up->pieces; p; p = p->next, expected++) {
    bool small = p->next && p->data.length < self->options.part_size;
    if (p->number != expected || small) {
      refuse(self, request, small ? "a part is too small." : "a part is missing.");
      eim_buf_free(&whole);
      return;
    }
    eim_buf_add(&whole, p->data.data, p->data.length);
  }
  if (!up->pieces) {
    refuse(self, request, "a part is missing.");
    return;
  }
  char restricted[8] = "";
  eim_sb_query(request, "restrict-access", restricted, sizeof restricted);
  if (is(restricted, "true")) request->is_restricted = true;
  drop(self, at);
  eim_sb_keep_file(self, request, whole.failed ? NULL : &whole, "application/octet-stream", "");
  eim_buf_free(&whole);
}

void eim_sb_rest_parts(eim_sandbox *self, eim_sb_request *request, const char *uuid) {
  if (!eim_sb_authorize(self, request, NULL, false)) return;
  if (!uuid && is(request->method, "POST")) {
    begin(self, request);
    return;
  }
  pending **at = &self->uploads;
  while (*at && (!is((*at)->uuid, uuid) || (*at)->owner != caller(self, request)))
    at = &(*at)->next;
  if (!*at)
    eim_sb_refuse(self, request, 404, "entity_not_found",
                  "org.apache.usergrid.persistence.exceptions.EntityNotFoundException",
                  "the upload does not exist");
  else if (is(request->method, "PUT"))
    take_part(self, request, *at);
  else if (is(request->method, "POST"))
    end(self, request, at);
  else if (is(request->method, "DELETE")) {
    drop(self, at);
    eim_sb_answer_json(self, request, 200,
                       eim_sb_envelope(self, "delete", "/sdk/chatfiles/part-upload"));
  } else
    eim_sb_refuse(self, request, 405, "web_application", "javax.ws.rs.NotAllowedException",
                  "HTTP 405 Method Not Allowed");
}
