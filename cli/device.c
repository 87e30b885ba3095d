#include "device.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* FNV-1a: names a file, nothing more. User names are not case sensitive. */
static uint64_t hash(uint64_t seed, const char *text) {
  for (; *text; text++)
    seed = (seed ^ (unsigned char)tolower((unsigned char)*text)) * 0x100000001b3U;
  return seed * 0x100000001b3U;
}

/* The folder, made if need be; false: there is none. */
static bool folder(char *out, size_t size) {
  const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
  int length;
  if (state && *state == '/')
    length = snprintf(out, size, "%s/eim", state);
  else if (home && *home == '/')
    length = snprintf(out, size, "%s/.local/state/eim", home);
  else
    return false;
  if (length < 0 || (size_t)length >= size) return false;
  for (char *slash = strchr(out + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    mkdir(out, 0700); /* the last one tells */
    *slash = '/';
  }
  mkdir(out, 0700);
  return access(out, W_OK | X_OK) == 0;
}

static bool is_id(const char *text) {
  return strlen(text) == 20 && strspn(text, "0123456789abcdefcli-") == 20;
}

void eim_cli_device_take(eim_cli_device *self, const char *app_key, const char *user) {
  char path[PATH_MAX], where[PATH_MAX - 32];
  uint64_t random;
  self->id[0] = 0;
  self->lock = -1;
  if (!app_key || !folder(where, sizeof where)) return;
  snprintf(path, sizeof path, "%s/%016llx", where,
           (unsigned long long)hash(hash(0xcbf29ce484222325U, app_key), user));
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return;
  if (flock(fd, LOCK_EX | LOCK_NB)) { /* another eim is this device now */
    close(fd);
    return;
  }
  self->lock = fd;
  ssize_t length = read(fd, self->id, sizeof self->id - 1);
  self->id[length > 0 ? length : 0] = 0;
  if (is_id(self->id)) return;
  if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random) {
    eim_cli_device_release(self);
    return;
  }
  snprintf(self->id, sizeof self->id, "cli-%016llx", (unsigned long long)random);
  if (ftruncate(fd, 0) || pwrite(fd, self->id, strlen(self->id), 0) < 0)
    eim_cli_device_release(self);
}

void eim_cli_device_release(eim_cli_device *self) {
  if (self->lock >= 0) close(self->lock);
  self->lock = -1;
  self->id[0] = 0;
}
