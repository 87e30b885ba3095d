#include "net/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"

struct eim_disk {
  int fd;
  bool received, in_memory, was_read;
  bool locked;       /* the part is ours */
  eim_buf content;   /* in memory: what is sent, or was received */
  int64_t size;      /* to send; or here */
  int64_t from;      /* to send from here on */
  int64_t at;        /* read so far */
  int64_t max_bytes; /* 0: any */
  char *path, *part; /* part: where it is until it is whole */
  eim_error *problem;
};

static eim_error *os_error(const char *what, const char *path) {
  char reason[128];
  int number = errno;
  return eim_error_new_detail(EIM_E_INVALID, EIM_DOMAIN_OS, number, 0, "{\"what\":\"file\"}",
                              "cannot %s '%s': %s", what, path,
                              eim_errno_text(number, reason, sizeof reason));
}

static eim_error *file_error(const char *path, const char *what) {
  return eim_error_new_detail(EIM_E_INVALID, EIM_DOMAIN_LOCAL, EIM_E_INVALID, 0,
                              "{\"what\":\"file\"}", "'%s' %s", path, what);
}

static eim_error *busy(const char *path) {
  return eim_error_new_detail(EIM_E_BUSY, EIM_DOMAIN_LOCAL, EIM_E_BUSY, 0, "{\"what\":\"file\"}",
                              "another download writes '%s' just now", path);
}

static eim_error *no_memory(void) {
  return eim_error_new(EIM_E_NOMEM, EIM_DOMAIN_LOCAL, EIM_E_NOMEM, EIM_ERROR_RETRIABLE,
                       "out of memory");
}

static bool fail(eim_disk *self, eim_error *error) {
  eim_error_unref(self->problem);
  self->problem = error;
  return false;
}

/* By hand: a child that was forked meanwhile has the file open, too. */
static void unlock_and_close(int fd) {
  flock(fd, LOCK_UN);
  close(fd);
}

void eim_disk_free(eim_disk *self) {
  if (!self) return;
  if (!self->size) eim_disk_discard(self); /* nothing to go on with */
  if (self->locked)
    unlock_and_close(self->fd);
  else if (self->fd >= 0)
    close(self->fd);
  eim_error_unref(self->problem);
  eim_buf_free(&self->content);
  free(self->path);
  free(self->part);
  free(self);
}

static eim_error *open_to_send(eim_disk *self, const eim_http_file *what) {
  struct stat st;
  self->fd = open(self->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not block us */
  if (self->fd < 0 || fstat(self->fd, &st)) return os_error("read", self->path);
  if (!S_ISREG(st.st_mode)) return file_error(self->path, "is not a regular file");
  self->size = st.st_size;
  if (!what->part) return NULL;
  self->from = what->offset;
  self->size = what->length;
  if (st.st_size < what->offset + what->length)
    return file_error(self->path, "became shorter while it was sent");
  return lseek(self->fd, self->from, SEEK_SET) < 0 ? os_error("read", self->path) : NULL;
}

/* The same URL to the same place finds what it left. */
static char *part_name(const char *path, const char *url) {
  uint64_t hash = 14695981039346656037u; /* FNV-1a */
  eim_buf name = EIM_BUF_INIT;
  for (const char *c = url; *c; c++) hash = (hash ^ (unsigned char)*c) * 1099511628211u;
  eim_buf_printf(&name, "%s.%016llx.part", path, (unsigned long long)hash);
  if (!name.failed) return (char *)name.data;
  eim_buf_free(&name);
  return NULL;
}

/* Two that write into one file would leave half of it under its final name: the one that is late
 * cuts what the other has moved there. False: somebody else has it. */
static bool lock(int fd) {
  while (flock(fd, LOCK_EX | LOCK_NB))
    if (errno != EINTR) return errno != EWOULDBLOCK; /* a file system without locks */
  return true;
}

static eim_error *open_to_receive(eim_disk *self) {
  struct stat st, named;
  for (;;) {
    /* Not through a link that somebody put there, and readable by nobody else until it is whole. */
    self->fd = open(self->part, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (self->fd < 0) return os_error("write", self->part);
    if (!lock(self->fd)) return busy(self->path);
    if (fstat(self->fd, &st)) return os_error("write", self->part);
    if (!S_ISREG(st.st_mode)) return file_error(self->part, "is not a regular file");
    /* Another may have moved it to its place, or removed it, before it was ours. */
    if (!lstat(self->part, &named) && named.st_ino == st.st_ino && named.st_dev == st.st_dev) break;
    unlock_and_close(self->fd);
  }
  self->size = st.st_size;
  self->locked = true;
  return NULL;
}

eim_disk *eim_disk_open(const eim_http_file *what, const char *url, eim_error **error) {
  eim_disk *self = calloc(1, sizeof *self);
  *error = NULL;
  if (self) {
    self->fd = -1;
    self->received = what->receive || what->in_memory;
    self->in_memory = what->content || what->in_memory;
    self->max_bytes = what->max_bytes;
    self->path = eim_strdup(self->in_memory  ? "memory"
                            : self->received ? what->receive
                                             : what->send);
    if (self->path && self->received) self->part = part_name(self->path, url);
    if (what->content) eim_buf_add(&self->content, what->content->data, what->content->length);
    self->size = (int64_t)self->content.length;
  }
  if (!self || !self->path || (self->received && !self->part) || self->content.failed)
    *error = no_memory();
  else if (!self->in_memory)
    *error = self->received ? open_to_receive(self) : open_to_send(self, what);
  if (!*error) return self;
  eim_disk_free(self);
  return NULL;
}

int64_t eim_disk_size(const eim_disk *self) {
  return self->size;
}

bool eim_disk_was_read(const eim_disk *self) {
  return self->was_read;
}

bool eim_disk_is_received(const eim_disk *self) {
  return self->received;
}

static long read_some(eim_disk *self, void *bytes, size_t room) {
  int64_t left = self->size - self->at;
  if ((int64_t)room > left) room = (size_t)left; /* what was added meanwhile is not sent */
  if (!left) self->was_read = true;
  if (!room) return 0;
  if (self->in_memory) {
    memcpy(bytes, self->content.data + self->at, room);
    self->at += (int64_t)room;
    if (self->at == self->size) self->was_read = true;
    return (long)room;
  }
  ssize_t got = read(self->fd, bytes, room);
  if (got < 0) {
    fail(self, os_error("read", self->path));
    return -1;
  }
  if (!got) {
    fail(self, file_error(self->path, "became shorter while it was sent"));
    return -1;
  }
  self->at += got;
  if (self->at == self->size) self->was_read = true;
  return (long)got;
}

bool eim_disk_begin(eim_disk *self, int64_t offset) {
  if (offset < 0 || offset > self->size)
    return fail(self, eim_error_new_detail(EIM_E_PROTOCOL, EIM_DOMAIN_LOCAL, EIM_E_PROTOCOL, 0,
                                           "{\"what\":\"range\"}",
                                           "the server sent another part than was asked for"));
  if (self->in_memory) {
    self->content.length = (size_t)offset;
    self->size = offset;
    return true;
  }
  if (ftruncate(self->fd, offset) || lseek(self->fd, offset, SEEK_SET) < 0)
    return fail(self, os_error("write", self->part));
  self->size = offset;
  return true;
}

bool eim_disk_write(eim_disk *self, const void *bytes, size_t length) {
  const char *next = bytes;
  if (self->max_bytes && (int64_t)length > self->max_bytes - self->size) {
    eim_disk_discard(self);
    return fail(self,
                eim_error_new(EIM_CODE_FILE_TOO_LARGE, EIM_DOMAIN_LOCAL, EIM_E_INVALID, 0,
                              "the file is larger than %lld bytes", (long long)self->max_bytes));
  }
  if (self->in_memory) {
    eim_buf_add(&self->content, bytes, length);
    self->size += (int64_t)length;
    return !self->content.failed || fail(self, no_memory());
  }
  while (length) {
    ssize_t put = write(self->fd, next, length);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) {
      if (!put) errno = ENOSPC;
      eim_error *error = os_error("write", self->part);
      eim_disk_discard(self); /* the disk may be full: half of it helps nobody */
      return fail(self, error);
    }
    next += put;
    length -= (size_t)put;
    self->size += put;
  }
  return true;
}

bool eim_disk_commit(eim_disk *self) {
  if (self->in_memory) return true;
  /* Some file systems tell only at a close that there was no room. The lock is held until the file
   * is in its place. */
  int lock_fd = self->fd, fd = fcntl(lock_fd, F_DUPFD_CLOEXEC, 0);
  eim_error *error = NULL;
  if (fd < 0 || close(fd) || rename(self->part, self->path)) {
    error = os_error("write", self->path);
    eim_disk_discard(self);
  }
  unlock_and_close(lock_fd);
  self->fd = -1;
  self->locked = false;
  return !error || fail(self, error);
}

void eim_disk_discard(eim_disk *self) {
  if (!self->locked) return;
  unlink(self->part);
  flock(self->fd, LOCK_UN); /* the name is free, and whoever takes it has nothing to do with us */
  self->locked = false;
}

const eim_buf *eim_disk_content(const eim_disk *self) {
  return &self->content;
}

eim_error *eim_disk_problem(eim_disk *self) {
  eim_error *error = self->problem;
  self->problem = NULL;
  return error;
}

/* ------------------------------------------------------------------ the form of an upload */

static size_t on_read(char *bytes, size_t size, size_t count, void *user) {
  long got = read_some(user, bytes, size * count);
  return got < 0 ? CURL_READFUNC_ABORT : (size_t)got;
}

static int on_seek(void *user, curl_off_t offset, int origin) {
  eim_disk *self = user;
  bool ok = !offset && origin == SEEK_SET &&
            (self->in_memory || lseek(self->fd, self->from, SEEK_SET) >= 0);
  if (ok) self->at = 0;
  return ok ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_CANTSEEK;
}

static bool add_number(curl_mime *mime, const char *name, int value) {
  char text[16];
  if (value <= 0) return true;
  snprintf(text, sizeof text, "%d", value);
  curl_mimepart *part = curl_mime_addpart(mime);
  return part && !curl_mime_name(part, name) && !curl_mime_data(part, text, CURL_ZERO_TERMINATED);
}

curl_mime *eim_disk_form(eim_disk *self, CURL *easy, const eim_http_file *what) {
  curl_mime *mime = curl_mime_init(easy);
  curl_mimepart *part = mime ? curl_mime_addpart(mime) : NULL;
  const char *name = what->part ? "part_file" : "file";
  if (part && !curl_mime_name(part, name) && !curl_mime_filename(part, what->name) &&
      !curl_mime_type(part, "application/octet-stream") &&
      !curl_mime_data_cb(part, self->size, on_read, on_seek, NULL, self) &&
      add_number(mime, "part_number", what->part) &&
      add_number(mime, "thumbnail-width", what->width) &&
      add_number(mime, "thumbnail-height", what->height))
    return mime;
  curl_mime_free(mime);
  return NULL;
}
