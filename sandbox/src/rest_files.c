/* The file store over REST: docs/rest.md 7, docs/protocol.md 3.6. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"

#define KEPT_MS (7ll * 24 * 3600 * 1000) /* docs/rest.md 7 */

static bool is(const char *a, const char *b) {
  return a && strcmp(a, b) == 0;
}

/* ------------------------------------------------------------------ multipart/form-data, RFC 7578
 */

static const uint8_t *find(const uint8_t *in, size_t size, const char *what) {
  return memmem(in, size, what, strlen(what));
}

/* The value of name="…" in a header line; "" when it has none. */
static void parameter(const char *line, const char *name, char *out, size_t size) {
  char mark[32];
  snprintf(mark, sizeof mark, " %s=\"", name);
  const char *at = strcasestr(line, mark);
  *out = 0;
  if (!at) return;
  at += strlen(mark);
  snprintf(out, size, "%.*s", (int)strcspn(at, "\""), at);
}

bool eim_sb_find_part(const eim_sb_request *request, const char *name, eim_sb_form_part *out) {
  const char *type = request->content_type ? request->content_type : "";
  const char *at = strcasestr(type, "boundary=");
  if (strncasecmp(type, "multipart/form-data", 19) != 0 || !at) return false;
  at += 9;
  bool quoted = *at == '"';
  at += quoted;
  char boundary[80], mark[84];
  int length = (int)strcspn(at, quoted ? "\"" : "; ");
  if (length < 1 || length > 70) return false;
  snprintf(boundary, sizeof boundary, "--%.*s", length, at);
  snprintf(mark, sizeof mark, "\r\n%s", boundary);
  const uint8_t *left = request->body.data, *end = left + request->body.length;
  if (!left || !(left = find(left, request->body.length, boundary))) return false;
  left += strlen(boundary);
  while (left < end) {
    const uint8_t *body = find(left, (size_t)(end - left), "\r\n\r\n");
    const uint8_t *next = body ? find(body + 2, (size_t)(end - body - 2), mark) : NULL;
    if (!next) return false;
    char head[2048], found[64], *save = NULL;
    snprintf(head, sizeof head, "%.*s", (int)(body - left), (const char *)left);
    *found = *out->filename = *out->type = 0;
    for (char *line = strtok_r(head, "\r\n", &save); line; line = strtok_r(NULL, "\r\n", &save)) {
      if (strncasecmp(line, "Content-Disposition:", 20) == 0) {
        parameter(line, "name", found, sizeof found);
        parameter(line, "filename", out->filename, sizeof out->filename);
      } else if (strncasecmp(line, "Content-Type:", 13) == 0) {
        snprintf(out->type, sizeof out->type, "%s", line + 13 + strspn(line + 13, " "));
      }
    }
    out->bytes = body + 4;
    out->size = next > body + 4 ? (size_t)(next - body - 4) : 0;
    if (is(found, name)) return true;
    left = next + strlen(mark);
  }
  return false;
}

/* ------------------------------------------------------------------ upload */

static void secret_of(char out[44]) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  uint8_t bytes[43] = {0};
  eim_random_bytes(bytes, sizeof bytes);
  for (int i = 0; i < 43; i++) out[i] = letters[bytes[i] & 63];
  out[43] = 0;
}

void eim_sb_file_too_large(eim_sandbox *self, eim_sb_request *request) {
  eim_sb_refuse(self, request, 413, "request_entity_too_large", "RequestEntityTooLargeException",
                "file exceeding maximum limit"); /* the text: docs/rest.md 7; the names: proposed */
}

void eim_sb_keep_file(eim_sandbox *self, eim_sb_request *request, const eim_buf *data,
                      const char *type, const char *filename) {
  char secret[44] = "";
  if (request->is_restricted) secret_of(secret);
  const eim_sb_file *file =
      data ? eim_sb_add_file(self, data->data, data->length, type, filename, secret) : NULL;
  if (!file) {
    request->dropped = true;
    return;
  }
  cJSON *answer = eim_sb_envelope(self, "post", "/chatfiles");
  cJSON *entity = cJSON_CreateObject();
  cJSON_AddStringToObject(entity, "uuid", file->uuid);
  cJSON_AddStringToObject(entity, "type", "chatfile");
  if (*file->secret) cJSON_AddStringToObject(entity, "share-secret", file->secret);
  cJSON *facts = cJSON_AddObjectToObject(entity, "file-metadata");
  cJSON_AddNumberToObject(facts, "content-length", (double)data->length);
  cJSON_AddStringToObject(facts, "content-type", file->content_type);
  cJSON_AddItemToArray(cJSON_AddArrayToObject(answer, "entities"), entity);
  eim_sb_answer_json(self, request, 200, answer);
}

static void upload(eim_sandbox *self, eim_sb_request *request) {
  if (!eim_sb_authorize(self, request, NULL, false)) return;
  eim_sb_form_part sent;
  if (!eim_sb_find_part(request, "file", &sent)) {
    eim_sb_refuse(self, request, 400, "illegal_argument", "java.lang.IllegalArgumentException",
                  "file must be provided.");
    return;
  }
  if (sent.size > self->options.max_file) {
    eim_sb_file_too_large(self, request);
    return;
  }
  const eim_buf data = {.data = (uint8_t *)(uintptr_t)sent.bytes, .length = sent.size};
  eim_sb_keep_file(self, request, &data, *sent.type ? sent.type : "application/octet-stream",
                   sent.filename);
}

/* ------------------------------------------------------------------ download */

/* The secret, and who asks: an owner of a token, or (by the link for direct use) nobody. */
static bool may_read(eim_sandbox *self, eim_sb_request *request, const eim_sb_file *file) {
  char asked[64] = "", redirect[8] = "";
  if (!eim_sb_query(request, "share-secret", asked, sizeof asked) && request->share_secret)
    snprintf(asked, sizeof asked, "%s", request->share_secret);
  eim_sb_query(request, "em-redirect", redirect, sizeof redirect);
  bool needs_token = *file->secret && !is(redirect, "true");
  if ((needs_token || (request->token && *request->token)) &&
      !eim_sb_authorize(self, request, NULL, false))
    return false;
  if (!*file->secret || is(asked, file->secret)) return true;
  eim_sb_refuse(self, request, 401, "unauthorized", "EasemobSecurityException",
                "Unable to authenticate (OAuth)");
  return false;
}

/* "bytes=FIRST-[LAST]": one range, as those who resume ask for it. Anything else: the whole. */
static bool range_of(const char *text, size_t size, size_t *first, size_t *last) {
  if (!text || strncasecmp(text, "bytes=", 6) != 0) return false;
  char *end;
  if (text[6] < '0' || text[6] > '9') return false;
  unsigned long long from = strtoull(text + 6, &end, 10), to = size ? size - 1 : 0;
  if (*end != '-') return false;
  if (end[1]) {
    if (end[1] < '0' || end[1] > '9') return false;
    to = strtoull(end + 1, &end, 10);
    if (*end || to < from) return false;
  }
  *first = (size_t)from;
  *last = to < size ? (size_t)to : size - 1;
  return true;
}

static void download(eim_sandbox *self, eim_sb_request *request, const char *uuid) {
  eim_sb_file *file = eim_sb_find_file(self, uuid);
  if (!file) {
    eim_sb_refuse(self, request, 404, "entity_not_found",
                  "org.apache.usergrid.persistence.exceptions.EntityNotFoundException",
                  "file may not exists");
    return;
  }
  if (eim_sb_now(self) - file->created > KEPT_MS) {
    char text[80];
    snprintf(text, sizeof text, "file %s is expired", uuid);
    eim_sb_refuse(self, request, 404, "file_expired", "FileExpiredException", text);
    return;
  }
  if (!may_read(self, request, file)) return;
  size_t size = file->size, first = 0, last = size ? size - 1 : 0;
  bool in_part = range_of(request->range, size, &first, &last);
  if (in_part && first >= size) { /* RFC 9110 15.5.17 */
    eim_sb_answer(self, request, 416, "");
    snprintf(request->content_range, sizeof request->content_range, "bytes */%zu", size);
    return;
  }
  request->status = in_part ? 206 : 200;
  snprintf(request->own_type, sizeof request->own_type, "%s", file->content_type);
  request->type = request->own_type; /* the file may be gone before this is answered */
  request->takes_ranges = true;
  if (in_part)
    snprintf(request->content_range, sizeof request->content_range, "bytes %zu-%zu/%zu", first,
             last, size);
  eim_buf_clear(&request->answer);
  if (!size) return;
  request->file = file; /* sent piece by piece */
  request->file->refs++;
  request->file_at = first;
  request->file_left = last - first + 1;
}

void eim_sb_rest_files(eim_sandbox *self, eim_sb_request *request, const char *uuid) {
  if (!uuid && is(request->method, "POST"))
    upload(self, request);
  else if (uuid && is(request->method, "GET"))
    download(self, request, uuid);
  else
    eim_sb_refuse(self, request, 405, "web_application", "javax.ws.rs.NotAllowedException",
                  "HTTP 405 Method Not Allowed");
}
