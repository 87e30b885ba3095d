#include "net/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"

bool eim_identity_random(char out[EIM_DEVICE_ID_SIZE]) {
  unsigned char bytes[16];
  if (!eim_random_bytes(bytes, sizeof bytes)) {
    errno = EIO;
    return false;
  }
  for (size_t i = 0; i < sizeof bytes; i++) snprintf(out + 2 * i, 3, "%02x", bytes[i]);
  return true;
}

/* 1: read; 0: not there; -1: there, but damaged or unreadable. */
static int read_id(int dir, char out[EIM_DEVICE_ID_SIZE]) {
  int fd = openat(dir, "device_id", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT ? 0 : -1;
  ssize_t n = read(fd, out, EIM_DEVICE_ID_SIZE - 1);
  close(fd);
  if (n != EIM_DEVICE_ID_SIZE - 1) return -1;
  out[EIM_DEVICE_ID_SIZE - 1] = 0;
  return strspn(out, "0123456789abcdef") == (size_t)n ? 1 : -1;
}

/* The whole file appears under its name at once: link() fails for all but the first process. */
static bool create_id(int dir, bool replace, char out[EIM_DEVICE_ID_SIZE]) {
  char unique[EIM_DEVICE_ID_SIZE], name[64];
  if (!eim_identity_random(out) || !eim_identity_random(unique)) return false;
  snprintf(name, sizeof name, ".device_id.%s", unique);
  int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  bool ok = write(fd, out, EIM_DEVICE_ID_SIZE - 1) == EIM_DEVICE_ID_SIZE - 1 && !fsync(fd);
  ok = !close(fd) && ok;
  if (ok && replace)
    ok = !renameat(dir, name, dir, "device_id");
  else if (ok)
    ok = !linkat(dir, name, dir, "device_id", 0);
  int reason = errno;
  unlinkat(dir, name, 0);
  errno = reason;
  return ok;
}

static bool make_dirs(const char *path) {
  char part[4096];
  size_t length = strlen(path);
  if (length >= sizeof part) {
    errno = ENAMETOOLONG;
    return false;
  }
  memcpy(part, path, length + 1);
  for (char *at = part + 1; *at; at++) {
    if (*at != '/') continue;
    *at = 0;
    if (mkdir(part, 0700) && errno != EEXIST) return false;
    *at = '/';
  }
  return !mkdir(part, 0700) || errno == EEXIST;
}

bool eim_identity_load(const char *state_dir, char out[EIM_DEVICE_ID_SIZE]) {
  int dir = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0 && errno == ENOENT && make_dirs(state_dir))
    dir = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0) return false;
  int found = read_id(dir, out);
  bool ok = found > 0;
  if (!ok) {
    ok = create_id(dir, found < 0, out);
    if (!ok && errno == EEXIST)
      ok = read_id(dir, out) > 0; /* somebody was faster */
    else if (ok && found < 0)
      ok = read_id(dir, out) > 0; /* several repaired: the last one counts */
  }
  int reason = errno;
  close(dir);
  errno = reason;
  return ok;
}
