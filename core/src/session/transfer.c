/* transfer.c - files over REST (docs/protocol.md 3, "Files"): what is told to whom, and what the
 * answer means. When and how often is the business of request.c. */
#include "session/transfer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/text.h"
#include "model/combine.h"
#include "model/message.h"
#include "session/internal.h"
#include "wire/combine.h"

#define URL_MAX 4096
#define MEMORY_MAX ((int64_t)16 * 1024 * 1024) /* of a download, unless it says otherwise */

/* "scheme://host:port" of a URL with its default port written out. False: none, or one that hides
 * who is asked. */
static bool origin(const char *url, char *out, size_t size) {
  bool tls = !strncasecmp(url, "https://", 8);
  if (!tls && strncasecmp(url, "http://", 7) != 0) return false;
  const char *host = url + (tls ? 8 : 7);
  size_t length = strcspn(host, "/?#\\");
  if (!length || length > 300 || memchr(host, '@', length) || host[length] == '\\') return false;
  const char *colon = memchr(host, ':', length);
  if (*host == '[') {
    const char *end = memchr(host, ']', length);
    if (!end) return false;
    colon = end + 1 < host + length ? end + 1 : NULL;
    if (colon && *colon != ':') return false;
  }
  int n = snprintf(out, size, "%s://%.*s%s", tls ? "https" : "http", (int)length, host,
                   colon ? ""
                   : tls ? ":443"
                         : ":80");
  return n > 0 && (size_t)n < size;
}

/* Whether a URL leads to a REST host of the app: only those are told token and secret. */
static bool is_ours(const eim_session *self, const char *url, const char **ip) {
  char asked[400], known[400];
  *ip = "";
  if (!origin(url, asked, sizeof asked)) return false;
  for (size_t i = 0; self->hosts_fetched && i < self->hosts.rest_count; i++) {
    const eim_host *host = &self->hosts.rest[i];
    bool v6 = strchr(host->domain, ':') != NULL;
    snprintf(known, sizeof known, "%s://%s%s%s:%u", host->tls ? "https" : "http", v6 ? "[" : "",
             host->domain, v6 ? "]" : "", (unsigned)host->port);
    if (strcasecmp(asked, known) != 0) continue;
    *ip = host->ip;
    return true;
  }
  return *self->settings->api_url && origin(self->settings->api_url, known, sizeof known) &&
         !strcasecmp(asked, known);
}

eim_error *eim_download_check(const char *url) {
  char where[400];
  const char *problem = NULL;
  if (!url || !origin(url, where, sizeof where))
    problem = "is not an http or https URL without user name";
  else if (strlen(url) > URL_MAX)
    problem = "is longer than 4096 bytes";
  for (const char *c = url; !problem && *c; c++)
    if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f)
      problem = "has a character in it that a URL cannot hold";
  return problem ? eim_error_new(EIM_CODE_INVALID_PARAM, EIM_DOMAIN_LOCAL, EIM_E_INVALID, 0,
                                 "download: url %s", problem)
                 : NULL;
}

/* The file of a combined message: it is as it was when the message was sent. */
static bool make_combined(eim_session *self, const eim_message *message, eim_buf *out) {
  for (size_t i = 0; i < message->part_count; i++)
    if (!eim_combine_add(out, self->settings->app_key, self->user, eim_outbox_new_id(self),
                         eim_session_server_now(self), message->parts[i]))
      return false;
  return eim_combine_end(out);
}

eim_transfer *eim_transfer_new(eim_session *session, const eim_input *input) {
  eim_transfer *self = calloc(1, sizeof *self);
  if (!self) return NULL;
  self->is_upload = input->kind == EIM_IN_UPLOAD;
  self->local = eim_strdup(input->user);
  self->name = eim_strdup(input->text);
  self->secret = eim_secret_ref(input->secret);
  self->thumbnail = input->up;
  self->width = input->width;
  self->height = input->height;
  self->max_bytes = input->max_bytes;
  self->size = self->is_upload ? input->total : 0;
  bool ok = self->name && (!input->user || self->local);
  if (!input->user && self->is_upload) {
    ok = ok && make_combined(session, input->message, &self->content);
  } else if (!input->user) {
    if (input->message) self->level = eim_combine_level(input->message);
    if (input->message) self->max_bytes = EIM_COMBINE_BYTES;
    if (!self->max_bytes) self->max_bytes = MEMORY_MAX;
  }
  if (ok) {
    eim_parts_choose(session, self);
    return self;
  }
  eim_transfer_free(self);
  return NULL;
}

void eim_transfer_free(eim_transfer *self) {
  if (!self) return;
  free(self->local);
  free(self->name);
  free(self->uuid);
  eim_secret_unref(self->secret);
  eim_buf_free(&self->content);
  eim_combine_free(self->messages, self->message_count);
  free(self);
}

void eim_transfer_path(const eim_transfer *self, eim_buf *out) {
  if (self->stage)
    eim_parts_path(self, out);
  else
    eim_buf_str(out, "/chatfiles");
}

bool eim_transfer_is_repeatable(const eim_transfer *self) {
  return !self->is_upload || self->stage == EIM_PARTS_BEGIN || self->stage == EIM_PARTS_PART;
}

void eim_transfer_request(eim_session *self, eim_transfer *transfer, eim_http_request *request,
                          eim_http_file *file, eim_buf *url) {
  if (transfer->stage) {
    eim_parts_request(transfer, request, file);
    return;
  }
  request->file = file;
  if (transfer->is_upload) {
    file->send = transfer->local;
    if (!transfer->local) file->content = &transfer->content;
    file->name = transfer->name;
    file->width = transfer->width;
    file->height = transfer->height;
    return;
  }
  transfer->ours = is_ours(self, transfer->name, &request->ip);
  eim_buf_clear(url);
  eim_buf_str(url, transfer->name);
  file->receive = transfer->local;
  file->in_memory = !transfer->local;
  file->max_bytes = transfer->max_bytes;
  file->thumbnail = transfer->thumbnail;
  if (transfer->ours)
    file->secret = transfer->secret;
  else
    request->bearer = NULL;
}

/* Of an upload the whole file, whatever it takes around it and however often it is tried. */
void eim_transfer_progress(eim_session *self, eim_transfer *transfer, uint64_t token, int64_t done,
                           int64_t total) {
  if (transfer && transfer->is_upload && transfer->size > 0) {
    if (transfer->stage == EIM_PARTS_PART) done += (transfer->part - 1) * transfer->part_size;
    total = transfer->size;
    if (done > total) done = total;
    if (done < transfer->told) done = transfer->told;
    transfer->told = done;
  }
  if (token) eim_session_emit(self, EIM_EVENT_progress, eim_progress_new(token, done, total));
}

static eim_error *no_answer(const char *what) {
  return eim_error_new_detail(EIM_E_PROTOCOL, EIM_DOMAIN_HTTP, 200,
                              EIM_ERROR_RETRIABLE | EIM_ERROR_MAYBE, "{\"httpStatus\":200}",
                              "the server's answer to the upload %s", what);
}

static eim_error *uploaded(const eim_session *self, const eim_transfer *transfer,
                           const eim_input *input, eim_buf *out) {
  eim_json root, entity;
  eim_buf uuid = EIM_BUF_INIT, secret = EIM_BUF_INIT, path = EIM_BUF_INIT, url = EIM_BUF_INIT;
  const char *ip;
  if (!eim_json_parse(&root, input->bytes, input->length)) return no_answer("is not JSON");
  eim_json_iter entities = eim_json_each(eim_json_get(root, "entities"));
  if (entities.object || !eim_json_next(&entities)) return no_answer("has no entities");
  entity = entities.value;
  if (!eim_json_text(eim_json_get(entity, "uuid"), &uuid) || !uuid.length || uuid.failed) {
    eim_buf_free(&uuid);
    return no_answer("has no uuid");
  }
  eim_json_text(eim_json_get(entity, "share-secret"), &secret);
  eim_buf_str(&path, "/chatfiles/");
  eim_buf_url(&path, (const char *)uuid.data);
  if (!path.failed) eim_discovery_rest(self, (const char *)path.data, &url, &ip);
  eim_buf_str(out, "{\"url\":");
  eim_buf_json_str(out, url.data ? (const char *)url.data : "");
  eim_buf_str(out, ",\"secret\":");
  eim_buf_json_str(out, secret.data ? (const char *)secret.data : "");
  eim_buf_str(out, ",\"uuid\":");
  eim_buf_json_str(out, (const char *)uuid.data);
  eim_buf_str(out, ",\"filename\":");
  eim_buf_json_str(out, transfer->name);
  eim_buf_printf(out, ",\"file_length\":%" PRId64 "}",
                 transfer->stage ? transfer->size : input->total);
  if (path.failed || url.failed || secret.failed) out->failed = true;
  eim_buf_free(&uuid);
  eim_buf_free(&path);
  eim_buf_free(&url);
  eim_buf_wipe(&secret);
  return NULL;
}

static eim_error *unfold(eim_transfer *transfer, const eim_input *input) {
  const char *problem = eim_combine_parse(input->bytes, input->length, transfer->level,
                                          &transfer->messages, &transfer->message_count);
  if (!problem) return NULL;
  return eim_error_new_detail(EIM_CODE_FILE_INVALID, EIM_DOMAIN_LOCAL, EIM_E_PROTOCOL, 0,
                              "{\"what\":\"combine\"}",
                              "the file of the combined message cannot be read: %s", problem);
}

static eim_error *downloaded(eim_transfer *transfer, const eim_input *input, eim_buf *out) {
  if (transfer->level) {
    eim_error *error = unfold(transfer, input);
    eim_buf_printf(out, "{\"count\":%zu}", transfer->message_count);
    return error;
  }
  if (!transfer->local) eim_buf_add(&transfer->content, input->bytes, input->length);
  if (transfer->content.failed) out->failed = true;
  eim_buf_str(out, "{");
  if (transfer->local) {
    eim_buf_str(out, "\"path\":");
    eim_buf_json_str(out, transfer->local);
    eim_buf_str(out, ",");
  }
  eim_buf_printf(out, "\"file_length\":%" PRId64 "}", input->total);
  return NULL;
}

eim_error *eim_transfer_answer(eim_session *self, eim_transfer *transfer, const eim_input *input,
                               eim_buf *out) {
  if (transfer->stage == EIM_PARTS_BEGIN || transfer->stage == EIM_PARTS_PART)
    return eim_parts_answer(self, transfer, input);
  eim_error *error =
      transfer->is_upload ? uploaded(self, transfer, input, out) : downloaded(transfer, input, out);
  if (!error && out->failed)
    error = eim_error_new(EIM_E_NOMEM, EIM_DOMAIN_LOCAL, EIM_E_NOMEM,
                          EIM_ERROR_RETRIABLE | EIM_ERROR_MAYBE, "out of memory");
  return error;
}

eim_result *eim_transfer_result(eim_transfer *self, uint64_t token, const char *json) {
  eim_result *result = eim_result_new(token, NULL, "", "", 0, json);
  if (!result) return NULL;
  if (!self->is_upload) eim_result_take_bytes(result, &self->content);
  eim_result_take_messages(result, self->messages, self->message_count);
  self->messages = NULL;
  self->message_count = 0;
  return result;
}
