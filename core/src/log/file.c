/* file.c - lines in a file, with rotation by size: PATH, PATH.1 and PATH.2.
 *
 * A disk may take seconds for a write, and whoever logs may be the loop thread of ten thousand
 * clients. So lines are copied into a bounded buffer, under the lock that all sinks share, and a
 * thread of this file's own writes them: two buffers that change places, one being filled while the
 * other is written. When both are full, lines are lost, and the file tells how many. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log/sinks.h"

enum { BUFFER = 256 * 1024, DEFAULT_MAX = 10 * 1024 * 1024, PATH_SIZE = PATH_MAX + 8 };

typedef struct log_file {
  pthread_t thread;
  pthread_cond_t work;
  bool stop;          /* write what is there, then end */
  char *fill, *drain; /* BUFFER bytes each; fill: under the lock, drain: the thread's */
  size_t filled;      /* under the lock */
  uint64_t lost;      /* lines, under the lock */
  /* the thread's */
  int fd;
  bool is_regular;
  size_t size, max;
  char path[PATH_SIZE];
} log_file;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* for opening and closing */
static log_file *file;                                   /* under the log's lock */

/* ------------------------------------------------------------------ the thread */

static int open_file(log_file *self) {
  struct stat info;
  int fd = open(self->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
  if (fd < 0) return errno;
  /* Only a file is moved away: not /dev/null, not a pipe. */
  self->is_regular = !fstat(fd, &info) && S_ISREG(info.st_mode);
  self->size = self->is_regular ? (size_t)info.st_size : 0;
  self->fd = fd;
  return 0;
}

static void rotate(log_file *self) {
  char first[PATH_SIZE + 2], second[PATH_SIZE + 2];
  snprintf(first, sizeof first, "%s.1", self->path);
  snprintf(second, sizeof second, "%s.2", self->path);
  rename(first, second);
  bool moved = !rename(self->path, first);
  int old = self->fd;
  size_t size = self->size;
  if (!open_file(self)) {
    close(old);
  } else {
    self->fd = old;
  }
  /* It cannot be moved: better a file that grows no further than lines that overwrite others. */
  if (!moved && self->size >= size) self->size = size;
}

/* Lines that are not written. */
static size_t count_lines(const char *text, size_t length) {
  size_t lines = 0;
  for (const char *end = text + length; text < end; lines++)
    text = (const char *)memchr(text, '\n', (size_t)(end - text)) + 1;
  return lines;
}

/* Whole lines that fit into what is left of the file; 0: not even one. */
static size_t fitting(const char *text, size_t length, size_t room) {
  if (length <= room) return length;
  const char *end = room ? memrchr(text, '\n', room) : NULL;
  return end ? (size_t)(end - text) + 1 : 0;
}

static bool write_all(log_file *self, const char *text, size_t length, size_t *done) {
  for (*done = 0; *done < length;) {
    ssize_t n = write(self->fd, text + *done, length - *done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    *done += (size_t)n;
    self->size += (size_t)n;
  }
  return true;
}

/* Returns the lines that were lost: the disk is full, or gone. */
static size_t write_lines(log_file *self, const char *text, size_t length) {
  while (length) {
    size_t room = self->size < self->max ? self->max - self->size : 0, done;
    if (!self->is_regular) room = length;
    size_t part = fitting(text, length, room);
    if (!part) {
      size_t before = self->size;
      rotate(self);
      if (self->size >= before) return count_lines(text, length); /* it could not be moved */
      continue;
    }
    if (!write_all(self, text, part, &done)) {
      /* Half a line is ended, so that the next one stands alone. */
      if (done && text[done - 1] != '\n' && write(self->fd, "\n", 1) == 1) self->size++;
      return count_lines(text + done, length - done);
    }
    text += part;
    length -= part;
  }
  return 0;
}

static size_t loss_line(uint64_t lost, char *out) {
  char message[96];
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  snprintf(message, sizeof message, "%llu lines are missing here", (unsigned long long)lost);
  eim_log_record record = {.time = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000,
                           .level = EIM_LOG_WARN,
                           .module = "log",
                           .message = message};
  return eim_log_line(&record, out);
}

static void *run(void *argument) {
  log_file *self = argument;
  char line[EIM_LOG_LINE_MAX];
  pthread_setname_np(pthread_self(), "eim-log");
  eim_log_lock();
  for (;;) {
    while (!self->filled && !self->stop) eim_log_wait(&self->work);
    if (!self->filled) break;
    char *full = self->fill;
    size_t length = self->filled;
    uint64_t lost = self->lost;
    self->fill = self->drain;
    self->drain = full;
    self->filled = 0;
    self->lost = 0;
    eim_log_unlock();
    uint64_t unwritten = write_lines(self, full, length);
    /* They came when the buffer was full: behind what was in it. */
    if (lost && !write_lines(self, line, loss_line(lost, line))) lost = 0;
    lost += unwritten;
    eim_log_lock();
    self->lost += lost;
  }
  eim_log_unlock();
  return NULL;
}

/* ------------------------------------------------------------------ outside */

void eim_log_file_add(const char *line, size_t length) {
  log_file *self = file;
  if (!self) return;
  if (BUFFER - self->filled < length) {
    self->lost++;
    return;
  }
  memcpy(self->fill + self->filled, line, length);
  if (!self->filled) pthread_cond_signal(&self->work);
  self->filled += length;
}

static void free_file(log_file *self) {
  if (self->fd >= 0) close(self->fd);
  pthread_cond_destroy(&self->work);
  free(self->fill);
  free(self->drain);
  free(self);
}

static int make(const char *path, size_t max_bytes, log_file **out) {
  log_file *self = calloc(1, sizeof *self);
  char folder[PATH_MAX] = "";
  if (!self) return ENOMEM;
  pthread_cond_init(&self->work, NULL);
  self->fd = -1;
  self->max = max_bytes ? max_bytes : DEFAULT_MAX;
  self->fill = malloc(BUFFER);
  self->drain = malloc(BUFFER);
  /* Rotation must find it, wherever the application goes meanwhile. */
  int error = 0, length = -1;
  if (!self->fill || !self->drain)
    error = ENOMEM;
  else if (*path != '/' && !getcwd(folder, sizeof folder))
    error = errno;
  else
    length = snprintf(self->path, PATH_MAX, "%s%s%s", folder, *folder ? "/" : "", path);
  if (!error && (length < 0 || length >= PATH_MAX)) error = ENAMETOOLONG;
  if (!error) error = open_file(self);
  if (!error) {
    sigset_t all, former; /* the application's signals are for its own threads */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &former);
    error = pthread_create(&self->thread, NULL, run, self);
    pthread_sigmask(SIG_SETMASK, &former, NULL);
  }
  if (error)
    free_file(self);
  else
    *out = self;
  return error;
}

/* The last lines are written when this returns. */
static void end(log_file *self) {
  eim_log_lock();
  self->stop = true;
  pthread_cond_signal(&self->work);
  eim_log_unlock();
  pthread_join(self->thread, NULL);
  free_file(self);
}

int eim_log_file_open(const char *path, size_t max_bytes) {
  log_file *next = NULL, *former;
  pthread_mutex_lock(&lock);
  int error = path ? make(path, max_bytes, &next) : 0;
  if (!error) {
    eim_log_lock();
    former = file;
    file = next;
    eim_log_use(EIM_LOG_USE_FILE, next != NULL);
    eim_log_unlock();
    if (former) end(former);
  }
  pthread_mutex_unlock(&lock);
  return error;
}

/* The child has no thread that writes, and the file is the parent's. Its memory is left alone: the
 * thread may have been in the midst of it. */
void eim_log_file_after_fork(void) {
  pthread_mutex_init(&lock, NULL);
  if (file && file->fd >= 0) close(file->fd);
  file = NULL;
  eim_log_use(EIM_LOG_USE_FILE, false);
}

/* A program that ends without eim_log_set_file(NULL, 0) has its last lines too. */
__attribute__((destructor)) static void at_exit(void) {
  if (file) eim_log_file_open(NULL, 0);
}
