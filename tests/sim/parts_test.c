/* Uploads in parts: what is asked in which order, what is repeated, what is told. */
#include <string.h>

#include <eim/error.h>

#include "eim_test.h"
#include "world.h"

#define PATH "/sdk/chatfiles/part-upload"
#define BEGIN "POST " PATH "; "
#define PART(number, bytes) "PUT " PATH "/up%2F1 part " number " " bytes "; "
#define END "POST " PATH "/up%2F1?restrict-access=true; "
#define ABORT "DELETE " PATH "/up%2F1; "

static void begin(world *w, const char *plan, const char *const *options) {
  world_start(w, 1, options);
  w->rest_plan = plan;
  world_open_token(w, "t", 1);
  CHECK(world_until(w, EIM_STATE_ONLINE, 1000));
}

static void upload(world *w, int64_t size, uint64_t token) {
  w->rest_trace[0] = 0;
  world_input(w, (eim_input){.kind = EIM_IN_UPLOAD,
                             .user = "/tmp/film.mp4",
                             .text = "film.mp4",
                             .total = size,
                             .token = token});
}

static void move(world *w, int64_t done) {
  world_input(
      w, (eim_input){.kind = EIM_IN_PROGRESS, .id = w->rest_id, .done = done, .total = 6000100});
}

TEST(parts_go_one_after_the_other) {
  world w;
  begin(&w, "boosu", NULL);
  upload(&w, 15000000, 2);
  world_run(&w, 60); /* the first two are there */
  move(&w, 3000000);
  world_run(&w, 15100); /* the third has no answer: it ends, and so does all of it */
  CHECK_STR(w.rest_trace, BEGIN PART("1", "0+6000000") PART("2", "6000000+6000000")
                              PART("3", "12000000+3000000") ABORT);
  CHECK_INT(world_result(&w, 2)->code, EIM_CODE_SERVER_TIMEOUT);
  CHECK(!world_result(&w, 2)->may_have_happened); /* without its end it is no file */
  w.rest_plan = "booou";
  upload(&w, 15000000, 3);
  world_run(&w, 2000);
  CHECK_STR(w.rest_trace, BEGIN PART("1", "0+6000000") PART("2", "6000000+6000000")
                              PART("3", "12000000+3000000") END);
  CHECK_INT(world_result(&w, 3)->code, 0);
  CHECK_STR(w.result_json,
            "{\"url\":\"http://rest.test:81/lab/peer/chatfiles/5fd7-1\",\"secret\":\"s\",\"uuid\":"
            "\"5fd7-1\",\"filename\":\"film.mp4\",\"file_length\":15000000}");
  world_stop(&w);
}

/* Smaller files go in one piece, and all of them where the host list says so. */
TEST(parts_are_for_large_files) {
  world w;
  begin(&w, "ub", NULL);
  upload(&w, 5242880 / 2 * 3, 2);
  CHECK_STR(w.rest_trace, "POST /chatfiles send /tmp/film.mp4 as film.mp4 0x0; ");
  world_run(&w, 100);
  upload(&w, 5242880 / 2 * 3 + 1, 3);
  world_run(&w, 15);
  CHECK_STR(w.rest_trace, BEGIN);
  world_run(&w, 2000); /* the server says six million: that counts from now on */
  upload(&w, 9000000, 4);
  CHECK_STR(w.rest_trace, "POST /chatfiles send /tmp/film.mp4 as film.mp4 0x0; ");
  upload(&w, 9000001, 5);
  CHECK_STR(w.rest_trace, BEGIN);
  world_stop(&w);
}

TEST(parts_that_the_server_does_not_know_are_not_sent) {
  for (const char *refusal = "4h1"; *refusal; refusal++) {
    char plan[4] = {*refusal, *refusal == '1' ? 'o' : 'u', 'u', 0};
    world w;
    begin(&w, plan, NULL);
    upload(&w, 8000000, 2);
    world_run(&w, 1000);
    CHECK_STR(w.rest_trace, BEGIN "POST /chatfiles send /tmp/film.mp4 as film.mp4 0x0; ");
    CHECK_INT(world_result(&w, 2)->code, *refusal == '1' ? EIM_E_PROTOCOL : 0);
    world_stop(&w);
  }
  world w; /* one that is busy is asked again */
  begin(&w, "9bo3ou", NULL);
  upload(&w, 8000000, 2);
  world_run(&w, 20000);
  CHECK_STR(w.rest_trace, BEGIN BEGIN PART("1", "0+6000000") PART("2", "6000000+2000000")
                              PART("2", "6000000+2000000") END);
  CHECK_INT(world_result(&w, 2)->code, 0);
  world_stop(&w);
}

/* A part that got lost is sent again, also when it may have arrived; the others are not. */
TEST(parts_are_repeated_one_by_one) {
  world w;
  begin(&w, "mbmocou", NULL);
  upload(&w, 8000000, 2);
  world_run(&w, 30000);
  CHECK_STR(w.rest_trace, BEGIN BEGIN PART("1", "0+6000000") PART("1", "0+6000000")
                              PART("2", "6000000+2000000") PART("2", "6000000+2000000") END);
  CHECK_INT(world_result(&w, 2)->code, 0);
  /* The end is a POST as any: lost, nobody knows. Then nothing is aborted. */
  w.rest_plan = "boom";
  upload(&w, 9500000, 3);
  world_run(&w, 30000);
  CHECK_STR(w.rest_trace, BEGIN PART("1", "0+6000000") PART("2", "6000000+3500000") END);
  CHECK(world_result(&w, 3)->may_have_happened);
  world_stop(&w);
}

TEST(parts_that_the_server_forgot_are_sent_again_once) {
  world w;
  begin(&w, "bo4boou", NULL);
  upload(&w, 8000000, 2);
  world_run(&w, 2000);
  CHECK_STR(w.rest_trace, BEGIN PART("1", "0+6000000") PART("2", "6000000+2000000")
                              BEGIN PART("1", "0+6000000") PART("2", "6000000+2000000") END);
  CHECK_INT(world_result(&w, 2)->code, 0);
  int64_t done = -1;
  for (int i = 0; i < w.event_count; i++) {
    if (w.events[i].kind != EIM_EVENT_progress) continue;
    CHECK((int64_t)w.events[i].id >= done); /* and what is told never goes back */
    done = (int64_t)w.events[i].id;
  }
  CHECK_INT(done, 8000000);
  w.rest_plan = "b4b4";
  upload(&w, 9500000, 3);
  world_run(&w, 2000);
  CHECK(world_result(&w, 3)->code > 0);
  CHECK_STR(w.rest_trace, BEGIN PART("1", "0+6000000") BEGIN PART("1", "0+6000000") ABORT);
  world_stop(&w);
}

TEST(parts_of_a_file_that_is_too_large_or_gone_are_given_up) {
  world w;
  begin(&w, "B", NULL);
  upload(&w, 9000001, 2);
  world_run(&w, 100);
  CHECK_INT(world_result(&w, 2)->code, EIM_CODE_FILE_TOO_LARGE);
  CHECK_STR(w.rest_trace, BEGIN ABORT);
  w.rest_plan = "bof"; /* it became shorter, or cannot be read any more */
  upload(&w, 9000001, 3);
  world_run(&w, 100);
  CHECK_INT(world_result(&w, 3)->code, EIM_E_INVALID);
  CHECK(!world_result(&w, 3)->may_have_happened);
  CHECK_STR(w.rest_trace, BEGIN PART("1", "0+6000000") PART("2", "6000000+3000001") ABORT);
  w.rest_plan = "bs";
  upload(&w, 9000001, 4);
  world_run(&w, 100);
  world_input(&w, (eim_input){.kind = EIM_IN_CANCEL, .token = 4});
  CHECK_INT(world_result(&w, 4)->code, EIM_E_CANCELED);
  CHECK_STR(w.rest_trace, BEGIN PART("1", "0+6000000") ABORT);
  w.rest_plan = "bs";
  upload(&w, 9000001, 5);
  world_run(&w, 100);
  world_close(&w, 6);
  CHECK_INT(world_result(&w, 5)->code, EIM_E_CANCELED);
  CHECK_STR(w.rest_trace, BEGIN PART("1", "0+6000000") ABORT);
  world_stop(&w);
}

TEST(parts_take_a_new_token_in_the_middle) {
  world w;
  begin(&w, "bo1ou", NULL);
  world_input(&w, (eim_input){.kind = EIM_IN_PROVIDER, .up = true});
  upload(&w, 8000000, 2);
  world_run(&w, 1000);
  CHECK_INT(world_count(&w, EIM_EVENT_token_request), 1);
  world_renew(&w, "t2", 3);
  world_run(&w, 1000);
  CHECK_STR(w.rest_trace, BEGIN PART("1", "0+6000000") PART("2", "6000000+2000000")
                              PART("2", "6000000+2000000") END);
  CHECK_STR(w.rest_token, "t2");
  CHECK_INT(world_result(&w, 2)->code, 0);
  world_stop(&w);
}

TEST(parts_live_as_long_as_something_moves) {
  world w;
  begin(&w, "bss", NULL);
  upload(&w, 15000000, 2);
  world_run(&w, 100);
  for (int i = 1; i <= 10; i++) {
    world_run(&w, 10000);
    move(&w, i * 100000);
  }
  CHECK_INT(world_results(&w, 2), 0);
  CHECK_INT(world_last(&w, EIM_EVENT_progress)->id, 1000000);
  move(&w, 500000); /* tried again from its beginning */
  CHECK_INT(world_last(&w, EIM_EVENT_progress)->id, 1000000);
  world_run(&w, 16000);
  CHECK_INT(world_result(&w, 2)->code, EIM_CODE_SERVER_TIMEOUT);
  world_stop(&w);
}
