/* The upload of log lines, in virtual time: what the server has afterwards is compared byte for
 * byte with what was logged. */
#include "eim_test.h"
#include "log/log.h"
#include "log/sinks.h"
#include "log/spool.h"
#include "world.h"

#define DNS "isHttpDNS=true", "enableReportLogs=true"

/* What is logged about the client, as the upload ought to have it. */
typedef struct expected {
  eim_log_tap tap;
  eim_buf lines;
  int report_lines; /* about the upload itself */
} expected;

static void take(eim_log_tap *tap, const eim_log_record *record) {
  expected *self = (expected *)((char *)tap - offsetof(expected, tap));
  char line[EIM_LOG_LINE_MAX];
  size_t length = eim_log_line(record, line);
  if (!strcmp(record->module, "report"))
    self->report_lines++;
  else if (record->client == 1)
    eim_buf_add(&self->lines, line, length);
}

static void begin(world *w, expected *e, const char *const *options) {
  *e = (expected){.tap = {.level = EIM_LOG_DEBUG, .take = take}};
  eim_log_tap_add(&e->tap);
  world_start(w, 7, options);
  w->report_logs = "true";
  w->report_interval = "60000";
}

static void end(world *w, expected *e) {
  eim_log_tap_remove(&e->tap);
  eim_buf_free(&e->lines);
  world_stop(w);
}

static void go_online(world *w) {
  world_open_token(w, "tok", 1);
  CHECK(world_until(w, EIM_STATE_ONLINE, 5000));
}

static const char *text(const eim_buf *buf) {
  return buf->data ? (const char *)buf->data : "";
}

static void same(const world *w, const expected *e) {
  CHECK_INT(w->logs.length, e->lines.length);
  CHECK(w->logs.length == e->lines.length && !strcmp(text(&w->logs), text(&e->lines)));
}

static void say(int from, int count) {
  for (int i = from; i < from + count; i++)
    LOG_DEBUG("test", 1, "line %d with \"quotes\", a \\ and \xc3\xa4\xe4\xbd\xa0\xf0\x9f\x98\x80",
              i);
}

/* About `bytes` of log. */
static void say_much(size_t bytes) {
  char filler[1024];
  memset(filler, 'x', sizeof filler - 1);
  filler[sizeof filler - 1] = 0;
  for (size_t n = 0; n < bytes; n += sizeof filler + 48) LOG_DEBUG("test", 1, "%s", filler);
}

TEST(uploads_at_the_interval_of_the_server_and_once_more_at_the_end) {
  static const char *const options[] = {DNS, NULL};
  world w;
  expected e;
  begin(&w, &e, options);
  say(0, 10); /* before the login: kept */
  go_online(&w);
  int64_t start = w.now.mono;
  world_run(&w, 59000);
  CHECK_INT(w.logs_posts, 0);
  say(10, 5);
  world_run(&w, 2000);
  CHECK_INT(w.logs_posts, 1);
  CHECK(w.logs_at - start <= 60000);
  same(&w, &e);
  CHECK_CONTAINS(w.logs_url, "https://a1.test:443/lab/peer/sdk/users/alice/client/logs");
  CHECK_STR(w.logs_token, "tok");
  CHECK_STR(w.logs_resource, "webim_libeim_0123456789ab");
  say(15, 5);
  int64_t first = w.logs_at;
  world_run(&w, 60100);
  CHECK_INT(w.logs_posts, 2);
  CHECK(w.logs_at - first >= 60000);
  same(&w, &e);
  say(20, 5);
  world_close(&w, 2);
  CHECK_INT(w.logs_posts, 2); /* close() does not wait */
  CHECK_INT(world_result(&w, 2)->code, 0);
  CHECK_INT(eim_session_state(w.session), EIM_STATE_OFFLINE);
  world_run(&w, 100);
  CHECK_INT(w.logs_posts, 3);
  same(&w, &e); /* the lines about the end too */
  CHECK_CONTAINS(text(&w.logs), "ONLINE -> OFFLINE");
  world_run(&w, 10000000);
  CHECK_INT(w.logs_posts, 3);
  CHECK_INT(w.timers[EIM_TIMER_REPORT], -1);
  end(&w, &e);
}

TEST(the_upload_does_not_feed_itself) {
  static const char *const options[] = {DNS, "reportLogLevel=TRACE", NULL};
  world w;
  expected e;
  begin(&w, &e, options);
  w.logs_plan = "5ooc";
  go_online(&w);
  world_run(&w,
            7200000); /* two quiet hours: nothing but heartbeats, and nothing of them is logged */
  CHECK_INT(w.logs_posts, 2); /* the refused one, and the same again */
  CHECK(e.report_lines >= 2);
  same(&w, &e);
  CHECK(!strstr(text(&w.logs), "report["));
  end(&w, &e);
}

TEST(both_switches_are_needed) {
  static const char *const both[] = {DNS, NULL}, *const none[] = {"isHttpDNS=true", NULL};
  static const char *const answers[] = {"false", NULL, "yes", "TRUE"};
  world w;
  expected e;
  for (int i = 0; i < 5; i++) {
    begin(&w, &e, i < 4 ? both : none);
    w.report_logs = i < 4 ? answers[i] : "true";
    go_online(&w);
    say(0, 5);
    world_run(&w, 600000);
    world_close(&w, 2);
    world_run(&w, 10000);
    CHECK_INT(w.logs_posts, 0);
    CHECK_INT(eim_log_threshold, EIM_LOG_DEBUG); /* the tap's */
    eim_log_tap_remove(&e.tap);
    CHECK_INT(eim_log_threshold, EIM_LOG_SILENT); /* nothing is formatted for an upload */
    end(&w, &e);
  }
}

TEST(the_interval_is_a_minute_at_least_and_five_by_default) {
  static const char *const options[] = {DNS, NULL};
  static const struct {
    const char *given;
    int64_t want;
  } cases[] = {{"1", 60000},   {"60000", 60000}, {"90000", 90000},
               {NULL, 300000}, {"junk", 300000}, {"99999999999999", 86400000}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    world w;
    expected e;
    begin(&w, &e, options);
    w.report_interval = cases[i].given;
    go_online(&w);
    int64_t before = w.now.mono;
    world_run(&w, cases[i].want - 100);
    CHECK_INT(w.logs_posts, 0);
    world_run(&w, 200);
    CHECK_INT(w.logs_posts, 1);
    CHECK(w.logs_at - before <= cases[i].want);
    end(&w, &e);
  }
}

TEST(without_discovery_the_list_is_asked_for_the_switch_alone) {
  static const char *const options[] = {
      "enableReportLogs=true",
      "dnsUrls=https://one.test/easemob/server.json,https://two.test/easemob/server.json", NULL};
  world w;
  expected e;
  begin(&w, &e, options);
  go_online(&w);
  CHECK_STR(w.last_host, "im.test"); /* the hosts are those of the options */
  world_run(&w, 60100);
  CHECK_INT(w.logs_posts, 1);
  CHECK_CONTAINS(w.logs_url, "http://rest.test:81/lab/peer/sdk/users/alice/client/logs");
  same(&w, &e);
  end(&w, &e);

  begin(&w, &e, options); /* it cannot be asked: nothing is sent, and the login does not care */
  w.dns = ANSWER_CUT;
  go_online(&w);
  CHECK_CONTAINS(w.last_url, "two.test");
  world_run(&w, 600000);
  CHECK_INT(w.logs_posts, 0);
  world_close(&w, 2);
  w.dns = ANSWER_OK; /* with the next login it is asked again, and the older lines come along */
  go_online(&w);
  world_run(&w, 60100);
  CHECK_INT(w.logs_posts, 1);
  same(&w, &e);
  end(&w, &e);

  begin(&w, &e, options); /* a list that never comes: the other one */
  w.dns = ANSWER_SILENT;
  go_online(&w);
  world_run(&w, 16000);
  CHECK_CONTAINS(w.last_url, "two.test");
  world_run(&w, 16000);
  CHECK_INT(w.timers[EIM_TIMER_REPORT], -1);
  end(&w, &e);
}

TEST(every_failure_is_survived_without_loss_and_without_repetition) {
  static const char *const options[] = {DNS, NULL};
  static const char kinds[] = "51ngcms3";
  for (size_t kind = 0; kind < sizeof kinds - 1; kind++)
    for (int step = 0; step < 4; step++) {
      world w;
      expected e;
      char plan[8] = "oooo";
      begin(&w, &e, options);
      plan[step] = kinds[kind];
      w.logs_plan = plan;
      go_online(&w);
      for (int round = 0; round < 6; round++) {
        say(round * 100, 50);
        world_run(&w, 70000);
        say(round * 100 + 50, 50);
      }
      world_run(&w, 400000);
      CHECK(w.logs_posts >= 6);
      same(&w, &e);
      end(&w, &e);
    }
}

TEST(a_failing_server_is_asked_ever_more_rarely) {
  static const char *const options[] = {DNS, NULL};
  world w;
  expected e;
  begin(&w, &e, options);
  w.logs_plan = "5555555555555555555555555555555555555555";
  go_online(&w);
  world_run(&w, 24 * 3600000);
  CHECK(w.logs_posts >= 24 && w.logs_posts <= 60); /* an hour at most, half of it at least */
  w.logs_plan = NULL;
  world_run(&w, 3700000);
  same(&w, &e);
  int posts = w.logs_posts;
  say(0, 1);
  world_run(&w, 60100); /* back to the interval */
  CHECK_INT(w.logs_posts, posts + 1);
  same(&w, &e);
  end(&w, &e);
}

TEST(much_goes_in_pieces_of_two_mebibytes_cut_at_line_ends) {
  static const char *const options[] = {DNS, "reportMaxBytes=20000000", NULL};
  world w;
  expected e;
  begin(&w, &e, options);
  w.logs_plan = "oo5oo";
  go_online(&w);
  say_much(9 * 1024 * 1024);
  world_run(&w, 59000);
  CHECK_INT(w.logs_posts, 0);
  world_run(&w, 4000);
  CHECK_INT(w.logs_posts, 2); /* three seconds apart */
  world_run(&w, 300000);
  same(&w, &e);
  CHECK(w.logs_posts >= 6);
  CHECK(w.logs_largest <= 2 * 1024 * 1024);
  CHECK(w.logs_largest > 2 * 1024 * 1024 - 4096);
  end(&w, &e);

  begin(&w, &e, options); /* quotes take twice the room on the wire */
  go_online(&w);
  for (int i = 0; i < 40000; i++)
    LOG_DEBUG("test", 1,
              "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"");
  world_run(&w, 70000);
  same(&w, &e);
  CHECK(w.logs_largest <= 2 * 1024 * 1024);
  end(&w, &e);
}

TEST(a_piece_that_does_not_get_through_becomes_smaller) {
  static const char *const options[] = {DNS, NULL};
  world w;
  expected e;
  begin(&w, &e, options);
  w.logs_plan = "33333ssmmm"; /* too large for the server, then for the line */
  go_online(&w);
  say_much(1500000);
  world_run(&w, 1000);
  world_run(&w, 20 * 3600000);
  w.logs_largest = 0;
  CHECK(!*w.logs_plan);
  same(&w, &e);
  end(&w, &e);

  begin(&w, &e, options);
  w.logs_plan = "3333333333";
  go_online(&w);
  say_much(1500000);
  world_run(&w, 12 * 3600000);
  while (*w.logs_plan) world_run(&w, 600000);
  w.logs_largest = 0;
  int posts = w.logs_posts;
  for (int i = 0; i < 1000 && w.logs_posts == posts; i++) world_run(&w, 10000);
  CHECK(w.logs_largest <= 64 * 1024);
  world_run(&w, 600000);
  same(&w, &e);
  end(&w, &e);
}

TEST(what_does_not_fit_is_counted_and_the_oldest_go_first) {
  static const char *const options[] = {DNS, "reportMaxBytes=65536", NULL};
  world w;
  expected e;
  int lost = 0;
  begin(&w, &e, options);
  go_online(&w);
  say(0, 3000);
  world_run(&w, 60100);
  CHECK_INT(w.logs_posts, 1);
  CHECK(w.logs.length <= 65536 + 128);
  const char *told = strstr(text(&w.logs), " WARN log: ");
  REQUIRE(told && told < strchr(text(&w.logs), '\n')); /* the first line */
  CHECK_INT(sscanf(told, " WARN log: %d older lines were lost\n", &lost), 1);
  /* Byte for byte the end of what was logged, and the number is right. */
  const char *kept = strchr(text(&w.logs), '\n') + 1;
  size_t length = strlen(kept);
  REQUIRE(length <= e.lines.length);
  CHECK(!memcmp(e.lines.data + e.lines.length - length, kept, length));
  CHECK(e.lines.data[e.lines.length - length - 1] == '\n');
  int before = 0;
  for (size_t i = 0; i < e.lines.length - length; i++) before += e.lines.data[i] == '\n';
  CHECK_INT(lost, before);
  eim_buf_clear(&w.logs);
  e.lines.length = 0;
  say(5000, 3); /* told once */
  world_run(&w, 60100);
  same(&w, &e);
  end(&w, &e);
}

TEST(lines_that_are_pushed_out_while_they_are_being_sent_count_only_if_that_fails) {
  static const char *const options[] = {DNS, "reportMaxBytes=65536", NULL};
  for (int fails = 0; fails < 2; fails++) {
    world w;
    expected e;
    begin(&w, &e, options);
    w.delay = 2000;
    w.logs_plan = fails ? "5" : "o";
    world_open_token(&w, "tok", 1);
    CHECK(world_until(&w, EIM_STATE_ONLINE, 60000));
    say(0, 300);
    while (!w.logs_posts) world_run(&w, 100);
    say(300, 800); /* the answer is on its way */
    world_run(&w, 30 * 60000);
    CHECK_CONTAINS(text(&w.logs), fails ? "older lines were lost" : "line 299 ");
    if (fails) CHECK(!strstr(text(&w.logs), "line 10 "));
    CHECK_CONTAINS(text(&w.logs), "line 1099 ");
    int lines = 0, lost = 0, all = 0;
    for (const char *c = text(&w.logs); (c = strchr(c, '\n')); c++) lines++;
    for (const char *c = text(&e.lines); (c = strchr(c, '\n')); c++) all++;
    for (const char *c = text(&w.logs); (c = strstr(c, " WARN log: ")); c++) {
      lost += atoi(c + strlen(" WARN log: "));
      lines--; /* that one is not ours */
    }
    CHECK_INT(lines + lost, all);
    end(&w, &e);
  }
}

TEST(the_last_upload_tries_again_for_five_seconds) {
  static const char *const options[] = {DNS, NULL};
  world w;
  expected e;
  begin(&w, &e, options);
  w.logs_plan = "5cn";
  go_online(&w);
  say(0, 20);
  world_close(&w, 2);
  world_run(&w, 5000);
  CHECK_INT(w.logs_posts, 4);
  same(&w, &e);
  CHECK_INT(w.timers[EIM_TIMER_REPORT], -1);
  end(&w, &e);

  begin(&w, &e, options); /* no answer: the end comes nevertheless, and the lines wait */
  w.logs_plan = "s";
  go_online(&w);
  say(0, 20);
  world_close(&w, 2);
  world_run(&w, 5100);
  CHECK_INT(w.timers[EIM_TIMER_REPORT], -1);
  world_run(&w, 3600000);
  CHECK_INT(w.logs_posts, 1);
  go_online(&w);
  world_run(&w, 60100);
  CHECK_INT(w.logs_posts, 2);
  same(&w, &e);
  end(&w, &e);

  begin(&w, &e, options); /* a token that is not taken will not be taken in a second either */
  w.logs_plan = "11111111";
  go_online(&w);
  world_close(&w, 2);
  world_run(&w, 6000);
  CHECK_INT(w.logs_posts, 1);
  end(&w, &e);
}

TEST(a_login_that_fails_tells_why_by_the_last_upload) {
  static const char *const options[] = {DNS, "loginTimeout=3000", NULL};
  world w;
  expected e;
  begin(&w, &e, options);
  w.upgrade = ANSWER_CUT; /* REST works, the message socket does not */
  world_open_password(&w, "secret", 1);
  world_run(&w, 20000);
  CHECK(world_result(&w, 1)->code != 0);
  CHECK(w.logs_posts >= 1);
  same(&w, &e);
  CHECK_CONTAINS(text(&w.logs), "-> OFFLINE: ");
  CHECK_STR(w.logs_resource, "webim_libeim_0123456789ab");
  end(&w, &e);
}

TEST(an_open_during_the_last_upload) {
  static const char *const options[] = {DNS, NULL};
  world w;
  expected e;
  begin(&w, &e, options);
  w.delay = 200;
  go_online(&w);
  say(0, 20);
  world_close(&w, 2);
  world_run(&w, 10); /* the upload is under way */
  CHECK_INT(w.logs_posts, 1);
  world_open_token(&w, "tok2", 3);
  CHECK(world_until(&w, EIM_STATE_ONLINE, 5000));
  say(20, 20);
  world_run(&w, 120000);
  same(&w, &e);
  CHECK_STR(w.logs_token, "tok2");
  end(&w, &e);
}

TEST(nobodys_lines_go_out_under_another_name) {
  static const char *const options[] = {DNS, NULL};
  world w;
  expected e;
  begin(&w, &e, options);
  w.logs_plan = "s";
  go_online(&w);
  LOG_DEBUG("test", 1, "of alice");
  world_close(&w, 2);
  world_run(&w, 100);
  eim_secret *token = eim_secret_new("bobs");
  world_input(
      &w, (eim_input){
              .kind = EIM_IN_OPEN, .user = "bob", .secret = token, .is_token = true, .token = 3});
  eim_secret_unref(token);
  CHECK(world_until(&w, EIM_STATE_ONLINE, 5000));
  LOG_DEBUG("test", 1, "of bob");
  world_run(&w, 70000);
  CHECK_INT(w.logs_posts, 2);
  CHECK_CONTAINS(w.logs_url, "/users/bob/");
  CHECK_STR(w.logs_token, "bobs");
  CHECK(!strstr(text(&w.logs), "of alice"));
  CHECK_CONTAINS(text(&w.logs), "older lines were lost");
  CHECK_CONTAINS(text(&w.logs), "of bob");
  end(&w, &e);
}

TEST(a_shutdown_ends_the_upload_at_once) {
  static const char *const options[] = {DNS, NULL};
  world w;
  expected e;
  begin(&w, &e, options);
  go_online(&w);
  say(0, 20);
  world_input(&w, (eim_input){.kind = EIM_IN_SHUTDOWN});
  CHECK_INT(w.logs_posts, 0);
  world_run(&w, 100000);
  CHECK_INT(w.logs_posts, 0);
  for (int i = 0; i < EIM_TIMER_COUNT; i++) CHECK_INT(w.timers[i], -1);
  end(&w, &e);
}

TEST(a_switch_that_is_turned_off_forgets) {
  static const char *const options[] = {DNS, NULL};
  world w;
  expected e;
  begin(&w, &e, options);
  go_online(&w);
  world_close(&w, 2);
  world_run(&w, 100000); /* the list is old enough to be asked for again */
  CHECK_INT(w.logs_posts, 1);
  w.report_logs = "false";
  go_online(&w);
  say(0, 20);
  world_run(&w, 600000);
  world_close(&w, 3);
  world_run(&w, 100000);
  CHECK_INT(w.logs_posts, 1);
  w.report_logs = "true";
  go_online(&w);
  LOG_DEBUG("test", 1, "again");
  world_run(&w, 61000);
  CHECK_INT(w.logs_posts, 2);
  CHECK_CONTAINS(text(&w.logs), "again");
  CHECK(!strstr(text(&w.logs), "line 0 "));
  end(&w, &e);
}

TEST(the_health_tells_of_the_upload) {
  static const char *const options[] = {DNS, NULL};
  world w;
  expected e;
  eim_buf health = EIM_BUF_INIT;
  begin(&w, &e, options);
  w.logs_plan = "5";
  go_online(&w);
  world_run(&w, 200000);
  eim_session_health(w.session, &health);
  CHECK_CONTAINS(text(&health), "\"report\":{\"enabled\":true,\"waitingBytes\":0,\"uploads\":1,");
  CHECK_CONTAINS(text(&health), "\"failures\":1,\"lostLines\":0}}");
  eim_buf_free(&health);
  end(&w, &e);
}

/* Opening, closing, cutting, refusing at any moment: at the end the server has every line once. */
TEST(random_schedules_lose_and_repeat_nothing) {
  static const char *const with[] = {DNS, NULL}, *const without[] = {"enableReportLogs=true", NULL};
  static const char kinds[] = "oooo51ngcms3";
  for (uint64_t seed = 1; seed <= 300; seed++) {
    world w;
    expected e;
    eim_random r = {seed};
    char plan[200];
    int number = 0;
    begin(&w, &e, seed % 2 ? with : without);
    for (size_t i = 0; i < sizeof plan - 1; i++)
      plan[i] = kinds[eim_random_upto(&r, sizeof kinds - 2)];
    plan[sizeof plan - 1] = 0;
    w.logs_plan = plan;
    for (int action = 0; action < 40; action++) {
      switch (eim_random_upto(&r, 9)) {
      case 0: world_open_token(&w, "tok", (uint64_t)action + 1); break;
      case 1: world_open_password(&w, "pw", (uint64_t)action + 1); break;
      case 2: world_close(&w, (uint64_t)action + 1); break;
      case 3: world_cut(&w); break;
      case 4: w.delay = (int64_t)eim_random_upto(&r, 2000); break;
      case 5: w.upgrade = eim_random_upto(&r, 2) ? ANSWER_OK : ANSWER_CUT; break;
      case 6: w.dns = eim_random_upto(&r, 2) ? ANSWER_OK : ANSWER_CUT; break;
      case 7: w.token = eim_random_upto(&r, 2) ? ANSWER_OK : ANSWER_REFUSE; break;
      default: {
        int count = (int)eim_random_upto(&r, 50);
        say(number, count);
        number += count;
      }
      }
      world_run(&w, (int64_t)eim_random_upto(&r, 1 << eim_random_upto(&r, 17)));
    }
    w.logs_plan = NULL;
    w.upgrade = w.dns = w.token = ANSWER_OK;
    w.delay = 10;
    world_close(&w, 1000);
    world_run(&w, 10000);
    world_open_token(&w, "tok", 1001);
    world_run(&w, 8 * 3600000);
    int before = eim_test_failures;
    same(&w, &e);
    if (eim_test_failures != before) fprintf(stderr, "  seed %d\n", (int)seed);
    end(&w, &e);
  }
}
