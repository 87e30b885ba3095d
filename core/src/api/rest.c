/* rest.c - REST calls: checked on the calling thread, decided by the session. */
#include <eim/rest.h>

#include <string.h>
#include <sys/stat.h>

#include "api/client.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/text.h"
#include "model/error.h"
#include "model/message.h"

/* Sanity: no file system or server takes more. */
enum { PATH_LIMIT = 4096, NAME_LIMIT = 255, SECRET_LIMIT = 1024 };

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

/* A path of this machine: bytes, not text. */
static eim_status check_local(const char *path) {
  size_t length = path ? strlen(path) : 0;
  if (length && length < PATH_LIMIT) return EIM_OK;
  return eim_fail_with(EIM_E_INVALID,
                       eim_error_new(EIM_CODE_INVALID_PARAM, EIM_DOMAIN_LOCAL, EIM_E_INVALID, 0,
                                     "client: path is %s", length ? "too long" : "empty"));
}

/* For what goes in parts; whoever sends it looks again. 0: no such file, or nothing in it. */
static int64_t size_of(const char *path) {
  struct stat st;
  return stat(path, &st) || !S_ISREG(st.st_mode) ? 0 : st.st_size;
}

/* What the server is to call it, unless somebody says otherwise. */
static const char *last_part(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

eim_status eim_client_send_file(eim_client *self, const eim_message *message, uint64_t token) {
  eim_input input = {.kind = EIM_IN_UPLOAD, .token = token};
  if (self->settings->use_own_upload_fun)
    return eim_fail_with(
        EIM_E_INVALID,
        eim_error_new(EIM_CODE_INVALID_PARAM, EIM_DOMAIN_LOCAL, EIM_E_INVALID, 0,
                      "client: with useOwnUploadFun the application uploads: set url, not %s",
                      message->path ? "path" : "messages"));
  /* The name that the official SDK gives it (docs/protocol.md 12). */
  if (message->part_count) return eim_client_post(self, &input, NULL, NULL, "combine", message);
  eim_status status = check_local(message->path);
  if (status) return status;
  input.total = size_of(message->path);
  const char *name = last_part(message->path);
  if (!*name || strlen(name) > NAME_LIMIT || !eim_utf8_valid(name, strlen(name))) name = "file";
  return eim_client_post(self, &input, message->path, NULL, name, message);
}

eim_status eim_client_upload(eim_client *self, const char *path, const char *filename,
                             int thumbnail_width, int thumbnail_height, uint64_t token) {
  eim_input input = {
      .kind = EIM_IN_UPLOAD, .token = token, .width = thumbnail_width, .height = thumbnail_height};
  eim_status status = eim_client_usable(self);
  if (status || (status = check_local(path))) return status;
  input.total = size_of(path);
  if (!filename) filename = last_part(path);
  bool odd = !*filename || strlen(filename) > NAME_LIMIT ||
             !eim_utf8_valid(filename, strlen(filename)) || thumbnail_width < 0 ||
             thumbnail_height < 0;
  for (const char *c = filename; *c; c++)
    if ((unsigned char)*c < 0x20 || *c == 0x7f) odd = true;
  if (odd)
    return eim_fail_with(EIM_E_INVALID,
                         eim_error_new(EIM_CODE_INVALID_PARAM, EIM_DOMAIN_LOCAL, EIM_E_INVALID, 0,
                                       "client: file name or size of the thumbnail is not valid"));
  return eim_client_post(self, &input, path, NULL, filename, NULL);
}

static eim_status download(eim_client *self, const eim_input *input, const char *url,
                           const char *secret, const char *path, const eim_message *message) {
  eim_error *error = eim_download_check(url);
  if (!error && (input->max_bytes < 0 ||
                 (secret && (strlen(secret) > SECRET_LIMIT || strpbrk(secret, "\r\n")))))
    error = eim_error_new(EIM_CODE_INVALID_PARAM, EIM_DOMAIN_LOCAL, EIM_E_INVALID, 0,
                          "client: secret or size is not valid");
  if (error) return eim_fail_with(EIM_E_INVALID, error);
  return eim_client_post(self, input, path, secret && *secret ? secret : NULL, url, message);
}

eim_status eim_client_download(eim_client *self, const char *url, const char *secret,
                               const char *path, int64_t max_bytes, bool thumbnail,
                               uint64_t token) {
  eim_input input = {
      .kind = EIM_IN_DOWNLOAD, .token = token, .up = thumbnail, .max_bytes = max_bytes};
  eim_status status = eim_client_usable(self);
  if (status || (path && (status = check_local(path)))) return status;
  return download(self, &input, url, secret, path, NULL);
}

static bool member(eim_json body, const char *name, eim_buf *out) {
  eim_buf_clear(out);
  return eim_json_text(eim_json_get(body, name), out) && out->length && !out->failed;
}

eim_status eim_client_download_combined(eim_client *self, const eim_message *message,
                                        uint64_t token) {
  eim_input input = {.kind = EIM_IN_DOWNLOAD, .token = token};
  eim_buf url = EIM_BUF_INIT, secret = EIM_BUF_INIT;
  eim_json body;
  eim_status status = eim_client_usable(self);
  if (status) return status;
  if (!message || message->kind != EIM_MESSAGE_COMBINE ||
      !eim_json_parse(&body, message->body, strlen(message->body)) || !member(body, "url", &url))
    status = eim_fail(EIM_E_INVALID, "client: not a combined message with a url");
  bool has_secret = !status && member(body, "secret", &secret);
  if (!status && (url.failed || secret.failed))
    status = eim_fail(EIM_E_NOMEM, "client: out of memory");
  if (!status)
    status = download(self, &input, (const char *)url.data,
                      has_secret ? (const char *)secret.data : NULL, NULL, message);
  eim_buf_free(&url);
  eim_buf_wipe(&secret);
  return status;
}
