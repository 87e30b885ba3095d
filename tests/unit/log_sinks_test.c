/* Cache, file, console, taps and spools of the logger. */
#include "eim_test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/random.h"
#include "base/text.h"
#include "log/log.h"
#include "log/sinks.h"
#include "log/spool.h"
#include "log/store.h"

static void reset(void) {
  eim_log_set_callback(NULL, NULL);
  eim_log_set_console(false);
  eim_log_set_cache(false, 0);
  eim_log_file_open(NULL, 0);
  eim_log_set_level(EIM_LOG_TRACE);
}

static void append(void *user, const char *text, size_t length) {
  eim_buf_add(user, text, length);
}

static const char *text_of(const eim_buf *buf) {
  return buf->data ? (const char *)buf->data : "";
}

static int count_of(const char *text, const char *part) {
  int count = 0;
  for (; (text = strstr(text, part)); text += strlen(part)) count++;
  return count;
}

/* ------------------------------------------------------------------ store and cache */

/* The same in the plainest way: a text from which whole lines are cut in front. */
typedef struct model {
  eim_buf text;
  size_t max;
  uint64_t lost;
} model;

static void model_cut(model *m) {
  size_t from = 0;
  while (m->text.length - from > m->max) {
    from += (size_t)((uint8_t *)memchr(m->text.data + from, '\n', m->text.length - from) -
                     (m->text.data + from)) +
            1;
    m->lost++;
  }
  if (from) {
    memmove(m->text.data, m->text.data + from, m->text.length - from + 1);
    m->text.length -= from;
  }
}

static void model_add(model *m, const char *line, size_t length) {
  if (length > m->max) {
    m->lost++;
    return;
  }
  eim_buf_add(&m->text, line, length);
  model_cut(m);
}

static void same_as(const model *m, const eim_log_store *store) {
  eim_log_piece *pieces;
  eim_buf all = EIM_BUF_INIT;
  size_t count;
  CHECK(eim_log_store_snapshot(store, &pieces, &count));
  for (size_t i = 0; i < count; i++) eim_buf_add(&all, pieces[i].text, pieces[i].length);
  eim_log_pieces_free(pieces, count);
  CHECK_INT(store->bytes, m->text.length);
  CHECK_INT(store->lost_lines, m->lost);
  CHECK_INT(store->lines, count_of(text_of(&m->text), "\n"));
  CHECK(store->bytes <= store->max);
  if (strcmp(text_of(&all), text_of(&m->text)) != 0) CHECK_STR(text_of(&all), text_of(&m->text));
  eim_buf_free(&all);
}

static size_t make_line(char *out, eim_random *random, size_t length) {
  for (size_t i = 0; i + 1 < length; i++) out[i] = (char)('a' + eim_random_upto(random, 25));
  out[length - 1] = '\n';
  return length;
}

TEST(the_store_counts_every_byte) {
  eim_random random = {11};
  char line[512];
  for (int run = 0; run < 60; run++) {
    model m = {EIM_BUF_INIT, 1 + eim_random_upto(&random, 700), 0};
    eim_log_store store;
    eim_log_store_init(&store, m.max, 1 + eim_random_upto(&random, 200));
    for (int step = 0; step < 200; step++) {
      switch (eim_random_upto(&random, 20)) {
      case 0:
        m.max = 1 + eim_random_upto(&random, 700);
        model_cut(&m);
        eim_log_store_resize(&store, m.max);
        break;
      case 1: {
        size_t gone = eim_log_store_drop(&store);
        CHECK(!gone == !m.text.length);
        if (gone) {
          CHECK(m.text.data[gone - 1] == '\n');
          memmove(m.text.data, m.text.data + gone, m.text.length - gone + 1);
          m.text.length -= gone;
        }
        break;
      }
      default: {
        size_t length = make_line(line, &random, 1 + eim_random_upto(&random, 120));
        eim_log_store_add(&store, line, length);
        model_add(&m, line, length);
      }
      }
      same_as(&m, &store);
    }
    eim_log_store_clear(&store);
    CHECK_INT(store.bytes, 0);
    CHECK(!store.head);
    eim_buf_free(&m.text);
  }
}

TEST(the_store_at_its_edges) {
  eim_log_store store;
  eim_log_store_init(&store, 10, 4);
  eim_log_store_add(&store, "123456789\n", 10); /* fits exactly */
  CHECK_INT(store.bytes, 10);
  eim_log_store_add(&store, "123456789x\n", 11); /* never fits, and pushes nothing out */
  CHECK_INT(store.bytes, 10);
  CHECK_INT(store.lost_lines, 1);
  eim_log_store_add(&store, "\n", 1); /* one byte over: the oldest goes */
  CHECK_INT(store.bytes, 1);
  CHECK_INT(store.lines, 1);
  for (int i = 0; i < 9; i++) eim_log_store_add(&store, "\n", 1);
  CHECK_INT(store.bytes, 10);
  CHECK_INT(store.lost_lines, 2);
  eim_log_store_add(&store, "ab\n", 3);
  CHECK_INT(store.bytes, 10);
  CHECK_INT(store.lines, 8);
  CHECK_INT(store.lost_lines, 5);
  eim_log_store_resize(&store, 3);
  CHECK_INT(store.bytes, 3);
  CHECK_INT(store.lines, 1);
  eim_log_store_resize(&store, 2);
  CHECK_INT(store.bytes, 0);
  CHECK(!store.head);
  eim_log_store_clear(&store);
}

TEST(a_snapshot_stays_as_it_was) {
  eim_random random = {3};
  char line[128];
  eim_log_store store;
  eim_log_piece *pieces;
  size_t count;
  eim_buf before = EIM_BUF_INIT, after = EIM_BUF_INIT;
  eim_log_store_init(&store, 5000, 512);
  for (int i = 0; i < 100; i++)
    eim_log_store_add(&store, line, make_line(line, &random, 1 + eim_random_upto(&random, 100)));
  REQUIRE(eim_log_store_snapshot(&store, &pieces, &count));
  for (size_t i = 0; i < count; i++) eim_buf_add(&before, pieces[i].text, pieces[i].length);
  for (int i = 0; i < 300; i++)
    eim_log_store_add(&store, line, make_line(line, &random, 1 + eim_random_upto(&random, 100)));
  eim_log_store_clear(&store);
  for (size_t i = 0; i < count; i++) eim_buf_add(&after, pieces[i].text, pieces[i].length);
  CHECK_STR(text_of(&after), text_of(&before));
  eim_log_pieces_free(pieces, count);
  eim_buf_free(&before);
  eim_buf_free(&after);
}

static size_t cached(eim_buf *out) {
  eim_buf_clear(out);
  CHECK(eim_log_cache_read(append, out));
  return out->length;
}

TEST(the_cache_holds_what_it_is_told_to) {
  eim_buf text = EIM_BUF_INIT;
  reset();
  LOG_ERROR("test", 0, "before");
  CHECK_INT(cached(&text), 0); /* off */
  eim_log_set_cache(true, 0);
  LOG_INFO("test", 7, "one\ntwo");
  LOG_TRACE("net", 0, "three");
  size_t length = cached(&text);
  char time[32];
  int end = 0;
  CHECK(sscanf(text_of(&text), "%31[0-9T:.Z-] INFO test[7]: one\\n%n", time, &end) == 1 && end);
  CHECK_INT(strlen(time), 24);
  CHECK_CONTAINS(text_of(&text), "Z TRACE net: three\n");
  CHECK_INT(count_of(text_of(&text), "\n"), 2);
  eim_log_set_level(EIM_LOG_ERROR); /* the cache follows the level */
  LOG_INFO("test", 0, "not this");
  CHECK_INT(cached(&text), length);
  eim_log_set_level(EIM_LOG_TRACE);
  eim_log_set_console(true);
  eim_log_set_console(false); /* hiding the console changes nothing here */
  LOG_INFO("test", 0, "this");
  CHECK(cached(&text) > length);
  size_t line = strlen("2026-11-23T01:06:26.123Z INFO test: this\n");
  eim_log_set_cache(true, line); /* exactly one line */
  CHECK_INT(cached(&text), line);
  LOG_INFO("test", 0, "that");
  CHECK_INT(cached(&text), line);
  CHECK_CONTAINS(text_of(&text), ": that\n");
  LOG_INFO("test", 0, "those"); /* a byte too long */
  CHECK_INT(cached(&text), line);
  CHECK_CONTAINS(text_of(&text), ": that\n");
  eim_log_set_cache(true, line - 1);
  CHECK_INT(cached(&text), 0);
  eim_log_set_cache(false, 0);
  eim_log_set_cache(true, 0);
  CHECK_INT(cached(&text), 0);
  for (int i = 0; i < 100000; i++) LOG_INFO("test", 0, "line %d of very many lines", i);
  CHECK(cached(&text) <= 3 * 1024 * 1024 && text.length > 3 * 1024 * 1024 - 128);
  CHECK_CONTAINS(text_of(&text), "line 99999 of");
  reset();
  eim_buf_free(&text);
}

/* ------------------------------------------------------------------ one line of text */

TEST(dates_are_those_of_the_calendar) {
  char mine[EIM_LOG_LINE_MAX], other[64];
  eim_random random = {9};
  /* To 2100, or as far as this libc's own time_t goes. */
  uint64_t end = sizeof(time_t) > 4 ? 4102444800000u : 2147483648000u;
  for (int i = 0; i < 20000; i++) {
    int64_t time = (int64_t)eim_random_upto(&random, end);
    eim_log_record record = {.time = time, .level = EIM_LOG_WARN, .module = "m", .message = "x"};
    time_t seconds = (time_t)(time / 1000);
    struct tm tm;
    char head[40];
    gmtime_r(&seconds, &tm);
    strftime(head, sizeof head, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(other, sizeof other, "%s.%03dZ WARN m: x\n", head, (int)(time % 1000));
    size_t length = eim_log_line(&record, mine);
    mine[length] = 0;
    if (strcmp(mine, other) != 0) CHECK_STR(mine, other);
  }
}

static void is_clean(const char *text, size_t length) {
  CHECK(length < EIM_LOG_TEXT_MAX);
  CHECK(eim_utf8_valid(text, length));
  for (size_t i = 0; i < length; i++)
    if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) CHECK(!"a control character");
}

static void keep_message(void *user_data, const eim_log_record *record) {
  is_clean(record->message, strlen(record->message));
  snprintf(user_data, EIM_LOG_TEXT_MAX, "%s", record->message);
}

TEST(any_bytes_become_one_line_of_utf8_never_cut_in_a_character) {
  static const char *const pieces[] = {
      "a",    "\xc3\xa4", "\xe4\xbd\xa0", "\xf0\x9f\x98\x80", "\xf0\x9f", "\xe4\xbd",
      "\xff", "\n",       "\x1b",         "\xed\xa0\x80",     "%s%n"};
  eim_random random = {21};
  char message[EIM_LOG_TEXT_MAX];
  reset();
  eim_log_set_callback(keep_message, message);
  for (int run = 0; run < 4000; run++) {
    char text[4096];
    size_t n = 0, limit = run % 2 ? 2030 + eim_random_upto(&random, 40)
                                  : 1 + eim_random_upto(&random, 4000);
    int kinds = run % 3 ? 4 : 11; /* valid only, or anything */
    while (n + 5 < limit) {
      const char *piece = pieces[eim_random_upto(&random, (uint64_t)kinds - 1)];
      memcpy(text + n, piece, strlen(piece));
      n += strlen(piece);
    }
    text[n] = 0;
    LOG_INFO("test", 0, "%s", text);
    if (kinds == 4) { /* what was valid is there unchanged, up to a cut between two characters */
      size_t length = strlen(message), cut = length;
      bool is_cut = length >= 3 && !strcmp(message + length - 3, "\xe2\x80\xa6");
      if (is_cut) cut = length - 3;
      CHECK(!memcmp(message, text, cut));
      CHECK(is_cut ? n > 2000 : length == n || n > 2040);
      CHECK(!text[cut] || ((unsigned char)text[cut] & 0xc0) != 0x80);
    }
  }
  reset();
}

/* ------------------------------------------------------------------ file */

static char folder[] = "/tmp/eim-log-XXXXXX";

static void path_of(char *out, const char *name) {
  static bool made;
  if (!made) made = mkdtemp(folder) != NULL;
  snprintf(out, 128, "%s/%s", folder, name);
}

static bool read_file(const char *path, eim_buf *out) {
  char piece[4096];
  FILE *f = fopen(path, "r");
  eim_buf_clear(out);
  if (!f) return false;
  for (size_t n; (n = fread(piece, 1, sizeof piece, f));) eim_buf_add(out, piece, n);
  fclose(f);
  return true;
}

TEST(a_file_is_appended_to_and_private) {
  char path[128];
  struct stat info;
  eim_buf text = EIM_BUF_INIT;
  path_of(path, "plain.log");
  reset();
  CHECK_INT(eim_log_file_open(path, 0), 0);
  LOG_INFO("test", 3, "first");
  CHECK_INT(eim_log_file_open(NULL, 0), 0); /* everything is in it now */
  CHECK(read_file(path, &text));
  CHECK_CONTAINS(text_of(&text), "Z INFO test[3]: first\n");
  CHECK(!stat(path, &info) && (info.st_mode & 0777) == 0600);
  CHECK_INT(eim_log_file_open(path, 0), 0);
  LOG_INFO("test", 0, "second");
  CHECK_INT(eim_log_file_open("/nowhere/at/all.log", 0), ENOENT); /* the former one goes on */
  CHECK_INT(eim_log_file_open(folder, 0), EISDIR);
  LOG_INFO("test", 0, "third");
  reset();
  LOG_INFO("test", 0, "fourth");
  CHECK(read_file(path, &text));
  CHECK_INT(count_of(text_of(&text), "\n"), 3);
  CHECK_CONTAINS(text_of(&text), "third");
  remove(path);
  eim_buf_free(&text);
}

TEST(rotation_keeps_two_generations_and_cuts_at_line_ends) {
  char path[128], first[160], second[160], third[160], former[256];
  eim_buf one = EIM_BUF_INIT, two = EIM_BUF_INIT, three = EIM_BUF_INIT, all = EIM_BUF_INIT;
  reset();
  path_of(path, "rotated.log");
  snprintf(first, sizeof first, "%s.1", path);
  snprintf(second, sizeof second, "%s.2", path);
  snprintf(third, sizeof third, "%s.3", path);
  REQUIRE(getcwd(former, sizeof former) && !chdir(folder));
  eim_log_set_cache(true, 1 << 20);
  CHECK_INT(eim_log_file_open("rotated.log", 4096), 0);
  CHECK(!chdir("/")); /* a relative name stays where it was */
  for (int i = 0; i < 250; i++)
    LOG_INFO("test", 0, "line %d %.*s", i, i % 60,
             "............................................................");
  CHECK_INT(eim_log_file_open(NULL, 0), 0);
  CHECK(!chdir(former));
  CHECK(read_file(path, &one) && read_file(first, &two) && read_file(second, &three));
  CHECK_INT(access(third, F_OK), -1);
  CHECK(one.length <= 4096 && two.length <= 4096 && three.length <= 4096);
  CHECK(two.length > 4096 - 160 && three.length > 4096 - 160);
  eim_buf_add(&three, two.data, two.length);
  eim_buf_add(&three, one.data, one.length);
  cached(&all); /* the end of everything that was logged */
  CHECK(all.length >= three.length &&
        !strcmp(text_of(&all) + all.length - three.length, text_of(&three)));
  remove(path), remove(first), remove(second);
  reset();
  eim_buf_free(&one), eim_buf_free(&two), eim_buf_free(&three), eim_buf_free(&all);
}

TEST(a_full_disk_loses_lines_and_nothing_else) {
  reset();
  CHECK_INT(eim_log_file_open("/dev/full", 4096), 0);
  for (int i = 0; i < 1000; i++) LOG_INFO("test", 0, "line %d", i);
  CHECK_INT(eim_log_file_open(NULL, 0), 0);
  struct stat info;
  CHECK(!stat("/dev/full", &info) && S_ISCHR(info.st_mode)); /* not rotated away */
  CHECK_INT(access("/dev/full.1", F_OK), -1);
}

/* A reader that does not read: the thread that writes hangs, those that log do not. */
TEST(a_file_that_hangs_loses_lines_and_tells_how_many) {
  enum { LINES = 20000 };
  char path[128];
  eim_buf text = EIM_BUF_INIT;
  reset();
  path_of(path, "pipe");
  REQUIRE(!mkfifo(path, 0600));
  int fd = open(path, O_RDWR | O_NONBLOCK);
  CHECK_INT(eim_log_file_open(path, 0), 0);
  for (int i = 0; i < LINES; i++) LOG_INFO("test", 0, "line %d of a file that hangs", i);
  struct pollfd ready = {.fd = fd, .events = POLLIN};
  char piece[4096];
  const char *line = text_of(&text);
  int next = 0, gaps = 0; /* the number that a line has to have, once the gaps are counted */
  while (next < LINES && poll(&ready, 1, 10000) == 1) { /* now it reads */
    size_t done = text.length ? (size_t)(line - text_of(&text)) : 0;
    ssize_t n = read(fd, piece, sizeof piece);
    if (n > 0) eim_buf_add(&text, piece, (size_t)n);
    line = text_of(&text) + done;
    for (const char *end; (end = strchr(line, '\n')); line = end + 1) {
      int number;
      if (sscanf(line, "%*s WARN log: %d lines are missing here", &number) == 1) {
        CHECK(number > 0);
        next += number;
        gaps++;
      } else {
        REQUIRE(sscanf(line, "%*s INFO test: line %d of", &number) == 1);
        REQUIRE(number == next); /* they are told where they are missing */
        next++;
      }
    }
  }
  CHECK_INT(next, LINES);
  CHECK(gaps > 0);
  close(fd);
  remove(path);
  reset();
  eim_buf_free(&text);
}

/* ------------------------------------------------------------------ console */

TEST(a_console_that_nobody_reads_loses_lines_and_tells_how_many) {
  enum { LINES = 5000 };
  static char out[1 << 20];
  int ends[2], saved = dup(STDERR_FILENO);
  size_t length = 0;
  reset();
  fflush(stderr);
  REQUIRE(saved >= 0 && !pipe(ends));
  dup2(ends[1], STDERR_FILENO);
  eim_log_set_console(true);
  for (int i = 0; i < LINES; i++) LOG_INFO("test", 0, "line %d on a console", i);
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  for (ssize_t n; (n = read(ends[0], out + length, sizeof out - length)) > 0;) length += (size_t)n;
  LOG_INFO("test", 0, "now it reads");
  eim_log_set_console(false);
  dup2(saved, STDERR_FILENO);
  close(ends[1]);
  for (ssize_t n; (n = read(ends[0], out + length, sizeof out - length)) > 0;) length += (size_t)n;
  out[length] = 0;
  close(ends[0]);
  const char *told = strstr(out, "WARN log: ");
  REQUIRE(told);
  int lost = atoi(told + strlen("WARN log: "));
  CHECK(lost > 0);
  CHECK_INT(count_of(out, " on a console\n") + lost, LINES);
  CHECK_CONTAINS(told, "INFO test: now it reads\n");
  /* A reader that went away: no signal, no line. */
  REQUIRE(!pipe(ends));
  close(ends[0]);
  dup2(ends[1], STDERR_FILENO);
  eim_log_set_console(true);
  LOG_INFO("test", 0, "to nobody");
  eim_log_set_console(false);
  dup2(saved, STDERR_FILENO);
  close(ends[1]);
  close(saved);
  reset();
}

/* ------------------------------------------------------------------ levels, taps, spools, forks */

TEST(default_and_named_levels) {
  const char *emulator = getenv("EIM_TEST_EMULATOR"); /* where the kernel cannot run this program */
  char program[1024];
  ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
  REQUIRE(length > 0);
  program[length] = 0;
  pid_t child = fork(); /* a process where no level was set yet: a fresh program would do, too */
  if (!child && emulator)
    execl(emulator, emulator, program, "level_of_a_fresh_process", (char *)NULL), _exit(9);
  if (!child) execl(program, "unit_log", "level_of_a_fresh_process", (char *)NULL), _exit(9);
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  eim_log_enable_all();
  CHECK_INT(eim_log_get_level(), EIM_LOG_TRACE);
  eim_log_disable_all();
  CHECK_INT(eim_log_get_level(), EIM_LOG_SILENT);
  eim_log_set_default_level(EIM_LOG_INFO); /* a level was set */
  CHECK_INT(eim_log_get_level(), EIM_LOG_SILENT);
  reset();
}

TEST(level_of_a_fresh_process) {
  static bool fresh = true; /* among all the others it is not */
  if (!fresh || eim_log_get_level() != EIM_LOG_WARN) return;
  fresh = false;
  eim_log_set_default_level(EIM_LOG_DEBUG);
  CHECK_INT(eim_log_get_level(), EIM_LOG_DEBUG);
  eim_log_set_default_level(EIM_LOG_ERROR);
  CHECK_INT(eim_log_get_level(), EIM_LOG_ERROR);
  eim_log_set_level(EIM_LOG_INFO);
  eim_log_set_default_level(EIM_LOG_ERROR);
  CHECK_INT(eim_log_get_level(), EIM_LOG_INFO);
}

typedef struct counting_tap {
  eim_log_tap tap;
  atomic_int records;
} counting_tap;

static void count_record(eim_log_tap *tap, const eim_log_record *record) {
  counting_tap *self = (counting_tap *)tap;
  LOG_ERROR("test", 0, "from inside"); /* dropped, or it would never end */
  if (*record->message) atomic_fetch_add(&self->records, 1);
}

TEST(taps_and_spools_have_levels_of_their_own) {
  counting_tap tap = {.tap = {.level = EIM_LOG_DEBUG, .take = count_record}};
  eim_buf text = EIM_BUF_INIT;
  reset();
  eim_log_set_cache(true, 0);
  eim_log_set_level(EIM_LOG_WARN);
  CHECK_INT(eim_log_threshold, EIM_LOG_WARN);
  eim_log_tap_add(&tap.tap);
  CHECK_INT(eim_log_threshold, EIM_LOG_DEBUG);
  eim_log_spool *spool = eim_log_spool_new(5, EIM_LOG_TRACE, 100000);
  CHECK_INT(eim_log_threshold, EIM_LOG_TRACE);
  CHECK_INT(eim_log_get_level(), EIM_LOG_WARN);
  LOG_TRACE("test", 5, "trace");
  LOG_DEBUG("test", 6, "debug");
  LOG_WARN("test", 0, "warn");
  CHECK_INT(tap.records, 2);
  CHECK_INT(count_of((cached(&text), text_of(&text)), "\n"), 1);
  char *lines = eim_log_spool_begin(spool, 100000);
  REQUIRE(lines);
  CHECK(count_of(lines, "\n") == 1 && strstr(lines, "TRACE test[5]: trace\n"));
  free(lines);
  eim_log_spool_mute(true);
  LOG_WARN("test", 5, "not for it");
  eim_log_spool_mute(false);
  CHECK(eim_log_spool_sent(spool) > 0);
  CHECK_INT(eim_log_spool_bytes(spool), 0);
  CHECK(!eim_log_spool_begin(spool, 100000));
  eim_log_spool_free(spool);
  CHECK_INT(eim_log_threshold, EIM_LOG_DEBUG);
  eim_log_tap_remove(&tap.tap);
  eim_log_tap_remove(&tap.tap);
  CHECK_INT(eim_log_threshold, EIM_LOG_WARN);
  reset();
  eim_buf_free(&text);
}

/* A thread holds the lock just when the process forks, again and again. */
static atomic_bool over;
static void *log_on(void *unused) {
  for (int i = 0; !atomic_load(&over); i++) LOG_ERROR("test", 1, "line %d", i);
  return unused;
}

TEST(a_child_of_fork_may_log) {
  char path[128];
  pthread_t threads[2];
  eim_buf text = EIM_BUF_INIT;
  reset();
  path_of(path, "fork.log");
  eim_log_set_cache(true, 100000);
  CHECK_INT(eim_log_file_open(path, 0), 0);
  atomic_store(&over, false);
  for (int i = 0; i < 2; i++) REQUIRE(!pthread_create(&threads[i], NULL, log_on, NULL));
  for (int i = 0; i < 50; i++) {
    pid_t child = fork();
    if (!child) {
      alarm(10); /* a lock that is held for ever */
      LOG_ERROR("test", 0, "in the child");
      eim_log_set_callback(NULL, NULL);
      eim_log_file_open(NULL, 0);
      _exit(0);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && !WEXITSTATUS(status));
  }
  atomic_store(&over, true);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  reset();
  CHECK(read_file(path, &text));
  CHECK(!strstr(text_of(&text), "in the child")); /* the file is the parent's */
  remove(path);
  eim_buf_free(&text);
}

/* Eight threads log while everything there is changes: for the thread sanitizer. */
static void ignore(void *user_data, const eim_log_record *record) {
  (void)user_data;
  (void)record;
}

static void *log_everything(void *number) {
  uint64_t client = (uint64_t)(uintptr_t)number;
  for (int i = 0; !atomic_load(&over); i++) {
    EIM_LOG((eim_log_level)(i % EIM_LOG_SILENT), "test", client % 3, "line %d of %s", i,
            i % 7 ? "many" : "m\xc3\xa4ny\n");
    if (i % 64 == 0) sched_yield();
  }
  return NULL;
}

TEST(eight_threads_log_while_everything_changes) {
  char path[128], first[160], second[160];
  pthread_t threads[8];
  counting_tap tap = {.tap = {.level = EIM_LOG_INFO, .take = count_record}};
  eim_log_spool *spool = NULL;
  eim_buf text = EIM_BUF_INIT;
  int null = open("/dev/null", O_WRONLY), saved = dup(STDERR_FILENO);
  reset();
  path_of(path, "threads.log");
  snprintf(first, sizeof first, "%s.1", path);
  snprintf(second, sizeof second, "%s.2", path);
  fflush(stderr);
  dup2(null, STDERR_FILENO);
  atomic_store(&over, false);
  for (uintptr_t i = 0; i < 8; i++)
    REQUIRE(!pthread_create(&threads[i], NULL, log_everything, (void *)i));
  for (int round = 0; round < 400; round++) {
    eim_log_set_level((eim_log_level)(round % 6));
    eim_log_set_callback(round % 3 ? ignore : NULL, NULL);
    eim_log_set_console(round % 4 == 0);
    eim_log_set_cache(round % 5 != 0, (size_t)(round % 9) * 5000);
    if (round % 20 == 0) CHECK_INT(eim_log_file_open(round % 40 ? path : NULL, 8192), 0);
    if (round % 2)
      eim_log_tap_add(&tap.tap);
    else
      eim_log_tap_remove(&tap.tap);
    if (round % 10 == 0) {
      eim_log_spool_free(spool);
      spool = eim_log_spool_new(1 + (uint64_t)round % 2, EIM_LOG_TRACE, 65536);
    } else {
      char *lines = eim_log_spool_begin(spool, 30000);
      if (round % 3)
        eim_log_spool_sent(spool);
      else
        eim_log_spool_failed(spool);
      free(lines);
    }
    CHECK(cached(&text) <= 3 * 1024 * 1024);
    sched_yield();
  }
  atomic_store(&over, true);
  for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
  eim_log_tap_remove(&tap.tap);
  eim_log_spool_free(spool);
  reset();
  dup2(saved, STDERR_FILENO);
  close(saved);
  close(null);
  CHECK(tap.records > 0);
  CHECK_INT(eim_log_threshold, EIM_LOG_TRACE);
  remove(path), remove(first), remove(second);
  eim_buf_free(&text);
}

/* Nothing is lost and nothing comes twice, whatever is logged while pieces are on their way. */
static void *log_numbers(void *unused) {
  for (int i = 0; i < 20000; i++) LOG_DEBUG("test", 9, "number %d", i);
  atomic_store(&over, true);
  return unused;
}

TEST(a_spool_loses_and_repeats_nothing_under_load) {
  pthread_t thread;
  eim_random random = {77};
  eim_buf all = EIM_BUF_INIT;
  reset();
  eim_log_spool *spool = eim_log_spool_new(9, EIM_LOG_DEBUG, 4096);
  atomic_store(&over, false);
  REQUIRE(!pthread_create(&thread, NULL, log_numbers, NULL));
  for (bool done = false; !done;) {
    bool last = atomic_load(&over);
    char *lines = eim_log_spool_begin(spool, 1 + eim_random_upto(&random, 5000));
    done = last && !lines;
    if (eim_random_upto(&random, 2)) {
      if (lines) eim_buf_str(&all, lines);
      eim_log_spool_sent(spool);
    } else {
      eim_log_spool_failed(spool);
    }
    free(lines);
  }
  pthread_join(thread, NULL);
  int expected = 0;
  for (char *line = (char *)all.data, *next; line && (next = strchr(line, '\n')); line = next + 1) {
    int number, lost;
    const char *text = strstr(line, " test[9]: number "), *loss = strstr(line, " WARN log: ");
    if (loss && loss < next && sscanf(loss, " WARN log: %d older lines", &lost) == 1)
      expected += lost;
    else if (text && text < next && sscanf(text, " test[9]: number %d", &number) == 1) {
      CHECK_INT(number, expected);
      expected = number + 1;
    }
  }
  CHECK_INT(expected, 20000);
  eim_log_spool_free(spool);
  reset();
  eim_buf_free(&all);
}
