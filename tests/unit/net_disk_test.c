/* Files on their way to their place. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "eim_test.h"
#include "net/disk.h"

static char dir[] = "/tmp/eim-disk-XXXXXX", path[64];

static eim_disk *to(const char *where, const char *url, int code) {
  eim_error *error = NULL;
  eim_disk *disk = eim_disk_open(&(eim_http_file){.receive = where}, url, &error);
  CHECK_INT(error ? eim_error_code(error) : 0, code);
  if (error) CHECK_CONTAINS(eim_error_message(error), where);
  eim_error_unref(error);
  return disk;
}

/* What is under the final name; "": nothing. */
static const char *text(void) {
  static char out[64];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd >= 0 ? read(fd, out, sizeof out - 1) : 0;
  if (fd >= 0) close(fd);
  out[n > 0 ? n : 0] = 0;
  return out;
}

/* Two that write into one file would leave half of it under its final name: the one that is late
 * cuts what the other has moved there. */
TEST(a_download_has_its_place_for_itself) {
  strcpy(dir + sizeof dir - 7, "XXXXXX");
  REQUIRE(mkdtemp(dir));
  snprintf(path, sizeof path, "%s/file", dir);
  eim_disk *one = to(path, "http://x/1", 0);
  REQUIRE(one && !to(path, "http://x/1", EIM_E_BUSY));
  REQUIRE(eim_disk_begin(one, 0) && eim_disk_write(one, "one", 3));
  CHECK(!to(path, "http://x/1", EIM_E_BUSY));
  eim_disk *other = to(path, "http://x/2", 0); /* another file, to the same place */
  REQUIRE(other && eim_disk_begin(other, 0) && eim_disk_write(other, "other", 5));
  eim_disk_free(one); /* it was cut off */
  CHECK_STR(text(), "");
  eim_disk *two = to(path, "http://x/1", 0);
  REQUIRE(two);
  CHECK_INT(eim_disk_size(two), 3); /* goes on there */
  REQUIRE(eim_disk_begin(two, 3) && eim_disk_write(two, "two", 3) && eim_disk_commit(two));
  CHECK_STR(text(), "onetwo");
  eim_disk *three = to(path, "http://x/1", 0); /* the place is free, and what is there whole */
  REQUIRE(three);
  CHECK_INT(eim_disk_size(three), 0);
  CHECK_STR(text(), "onetwo");
  eim_disk_free(two);
  REQUIRE(eim_disk_commit(other));
  CHECK_STR(text(), "other");
  eim_disk_free(other);
  eim_disk_free(three); /* had nothing: leaves nothing */
  unlink(path);
  CHECK_INT(rmdir(dir), 0);
}
