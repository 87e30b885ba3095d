/* log.c - the calls of the logger that can fail: errors belong to model/, which log/ is below. */
#include "log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/bundle.h"
#include "log/sinks.h"
#include "model/error.h"

enum { FILE_MIN = 4096 };

eim_status eim_log_set_level_name(const char *level) {
  eim_log_level value;
  if (!eim_log_parse_level(level, &value))
    return eim_fail(EIM_E_INVALID,
                    "log: '%.100s' is no level; allowed: TRACE, DEBUG, INFO, WARN, ERROR, SILENT, "
                    "0 to 5",
                    level ? level : "(NULL)");
  eim_log_set_level(value);
  return EIM_OK;
}

eim_status eim_file_failed(const char *path, int error) {
  return eim_fail_with(EIM_E_INVALID, eim_error_new(EIM_E_INVALID, EIM_DOMAIN_OS, error, 0,
                                                    "log: %s: %s", path, strerror(error)));
}

eim_status eim_log_set_file(const char *path, size_t max_bytes) {
  if (path && !*path) return eim_fail(EIM_E_INVALID, "log: the path is empty");
  if (path && max_bytes && max_bytes < FILE_MIN)
    return eim_fail(EIM_E_INVALID, "log: a file of %zu bytes is too small; at least %d, or 0",
                    max_bytes, FILE_MIN);
  int error = eim_log_file_open(path, max_bytes);
  return error ? eim_file_failed(path, error) : EIM_OK;
}

eim_status eim_log_download(void (*fn)(void *user_data, const char *text, size_t length),
                            void *user_data) {
  if (!fn) return eim_fail(EIM_E_INVALID, "log: no function to download to");
  return eim_log_cache_read(fn, user_data) ? EIM_OK : eim_fail(EIM_E_NOMEM, "log: out of memory");
}

/* ------------------------------------------------------------------ into a file */

typedef struct output {
  int fd, error;
  const char *text;
} output;

static void write_piece(void *user, const char *text, size_t length) {
  output *self = user;
  while (length && !self->error) {
    ssize_t n = write(self->fd, text, length);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      self->error = n < 0 ? errno : EIO;
      return;
    }
    text += n;
    length -= (size_t)n;
  }
}

static bool write_cache(output *self) {
  return eim_log_cache_read(write_piece, self);
}

static bool write_text(output *self) {
  write_piece(self, self->text, strlen(self->text));
  return true;
}

/* A fresh file, 0600. Android has mkostemp() from API 23 on. */
static int fresh_file(char *template) {
#ifdef __ANDROID__
  int fd = mkstemp(template);
  if (fd >= 0) fcntl(fd, F_SETFD, FD_CLOEXEC);
  return fd;
#else
  return mkostemp(template, O_CLOEXEC);
#endif
}

static eim_status write_file(const char *path, bool (*fill)(output *self), const char *text) {
  char temporary[PATH_MAX];
  int length = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
  if (length < 0 || (size_t)length >= sizeof temporary) return eim_file_failed(path, ENAMETOOLONG);
  output out = {.fd = fresh_file(temporary), .text = text};
  if (out.fd < 0) return eim_file_failed(path, errno);
  bool taken = fill(&out);
  if (!out.error && fsync(out.fd) && errno != EINVAL && errno != EROFS) out.error = errno;
  if (close(out.fd) && !out.error) out.error = errno;
  if (!out.error && taken && rename(temporary, path)) out.error = errno;
  if (!out.error && taken) return EIM_OK;
  unlink(temporary);
  return out.error ? eim_file_failed(path, out.error) : eim_fail(EIM_E_NOMEM, "log: out of memory");
}

eim_status eim_file_write(const char *path, const char *text) {
  return write_file(path, write_text, text);
}

eim_status eim_log_download_path(const char *path) {
  if (!path || !*path) return eim_fail(EIM_E_INVALID, "log: the path is empty");
  return write_file(path, write_cache, NULL);
}
