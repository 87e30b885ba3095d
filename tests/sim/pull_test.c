/* Queues that are fetched: what a server may do to that, and what a lost line may. */
#include <stdlib.h>
#include <string.h>

#include "eim_test.h"
#include "msync.pb-c.h"
#include "session/internal.h"
#include "world.h"

static void online(world *w, const char *const *options) {
  world_start(w, 3, options);
  world_open_token(w, "t0", 1);
  CHECK(world_until(w, EIM_STATE_ONLINE, 1000));
  world_run(w, 100);
}

static void reconnect(world *w) {
  world_cut(w);
  world_run(w, 1);
  CHECK(world_until(w, EIM_STATE_ONLINE, 20000));
  world_run(w, 1000);
}

static void be_done(world *w) {
  w->auto_done = true;
  world_input(w, (eim_input){.kind = EIM_IN_DONE, .seq = w->undone});
  world_run(w, 1000);
}

/* Answers to messages come in all the time, so that no beat is due. */
static void chat_for(world *w, int seconds) {
  static uint64_t token = 1000;
  for (int i = 0; i < seconds; i++) {
    world_send(w, "x", ++token);
    world_run(w, 1000);
  }
}

static int notices_of(const world *w, const char *name) {
  int count = 0;
  for (int i = 0; i < w->event_count; i++)
    count += w->events[i].kind == EIM_EVENT_notice && strcmp(w->events[i].text, name) == 0;
  return count;
}

TEST(a_refused_fetch_is_asked_again_with_the_next_beat_however_busy_the_line_is) {
  world w;
  online(&w, NULL);
  w.fetch_plan = "r";
  world_deliver(&w, 1, "x");
  world_run(&w, 100);
  CHECK_INT(w.fetches, 1);
  CHECK_INT(world_count(&w, EIM_EVENT_message), 0);
  chat_for(&w, 31);
  CHECK_INT(world_count(&w, EIM_EVENT_message), 1);
  CHECK_INT(w.store_count, 0);
  int unreads = w.unreads; /* once was enough */
  chat_for(&w, 100);
  CHECK_INT(w.unreads, unreads);
  world_stop(&w);
}

TEST(a_refused_acknowledgement_neither_loses_nor_doubles_its_page) {
  world w;
  online(&w, NULL);
  w.fetch_plan = "or";
  for (int i = 0; i < 3; i++) world_deliver(&w, 1, "x");
  world_run(&w, 100);
  CHECK_INT(world_count(&w, EIM_EVENT_message), 3);
  CHECK_INT(w.store_count, 3);
  chat_for(&w, 31);
  CHECK_INT(world_count(&w, EIM_EVENT_message), 3);
  CHECK_INT(w.store_count, 0);
  world_stop(&w);
}

TEST(fetches_without_an_answer_hold_up_nothing_for_ever) {
  world w;
  online(&w, NULL);
  w.fetch_plan = "ssss";
  for (int queue = 0; queue < 4; queue++) world_deliver(&w, queue, "x");
  world_run(&w, 100);
  CHECK_INT(w.fetches, 4);
  chat_for(&w, 46); /* requestTimeout, and then the beat */
  CHECK_INT(world_count(&w, EIM_EVENT_message), 4);
  CHECK_INT(w.store_count, 0);
  world_stop(&w);
}

TEST(an_acknowledgement_without_an_answer_gives_its_place_free) {
  world w;
  online(&w, NULL);
  world_deliver(&w, 0, "x");
  w.fetch_plan = "os";
  chat_for(&w, 50);
  CHECK_INT(w.store_count, 0);
  eim_buf json = EIM_BUF_INIT;
  eim_session_health(w.session, &json);
  CHECK_CONTAINS((const char *)json.data, "\"queues\":0");
  eim_buf_free(&json);
  world_stop(&w);
}

TEST(a_refused_unread_at_login_is_asked_again_however_busy_the_line_is) {
  world w;
  world_start(&w, 3, NULL);
  for (int i = 0; i < 2; i++) world_deliver(&w, 1, "x");
  w.unread = ANSWER_REFUSE;
  world_open_token(&w, "t0", 1);
  world_run(&w, 1000);
  CHECK_INT(world_count(&w, EIM_EVENT_message), 0);
  w.unread = ANSWER_OK;
  chat_for(&w, 31);
  CHECK_INT(world_count(&w, EIM_EVENT_message), 2);
  CHECK_INT(notices_of(&w, "offline_sync"), 2);
  CHECK_INT(w.store_count, 0);
  world_stop(&w);
}

TEST(what_waited_at_login_is_not_all_there_while_a_refused_queue_waits) {
  world w;
  world_start(&w, 3, NULL);
  world_deliver(&w, 0, "x");
  world_deliver(&w, 1, "x");
  w.fetch_plan = "or";
  world_open_token(&w, "t0", 1);
  world_run(&w, 1000);
  CHECK_INT(world_count(&w, EIM_EVENT_message), 1);
  CHECK_INT(notices_of(&w, "offline_sync"), 1);
  chat_for(&w, 31);
  CHECK_INT(world_count(&w, EIM_EVENT_message), 2);
  CHECK_INT(notices_of(&w, "offline_sync"), 2);
  CHECK_STR(w.notice_json, "{\"phase\":\"finish\"}");
  world_stop(&w);
}

TEST(an_unread_without_an_answer_at_login_is_asked_again_too) {
  world w;
  world_start(&w, 3, NULL);
  world_deliver(&w, 1, "x");
  w.unread = ANSWER_SILENT;
  world_open_token(&w, "t0", 1);
  CHECK(world_until(&w, EIM_STATE_ONLINE, 1000));
  world_run(&w, 100);
  w.unread = ANSWER_OK;
  chat_for(&w, 31);
  CHECK_INT(world_count(&w, EIM_EVENT_message), 1);
  CHECK_INT(world_count(&w, EIM_EVENT_connected), 1); /* on the one line */
  world_stop(&w);
}

/* One message is kept in hand while so many others go by that no memory of the last ids holds it.
 * Of its page the others are done. World tells when something is given twice. */
TEST(what_is_held_for_long_comes_once_over_a_reconnect_with_all_of_its_page) {
  world w;
  online(&w, (const char *const[]){"ackMode=manual", "maxUndelivered=16", NULL});
  for (int i = 0; i < 5; i++) world_deliver(&w, 0, "x");
  world_run(&w, 100);
  CHECK_INT(w.held_count, 5);
  for (int i = 4; i >= 0; i--)
    if (i != 2) world_done(&w, i);
  for (int round = 0; round < 60; round++) {
    for (int i = 0; i < 20; i++) world_deliver(&w, 1, "x");
    world_run(&w, 1000);
    while (w.held_count > 1) {
      world_done(&w, w.held_count - 1);
      if (w.held_count == 1) world_run(&w, 1000);
    }
  }
  CHECK_INT(world_count(&w, EIM_EVENT_message), 1205);
  CHECK_INT(w.store_count, 5);
  CHECK(w.session->handed_size <= 64); /* what is done takes no memory behind what is not */
  reconnect(&w);
  reconnect(&w);
  CHECK_INT(world_count(&w, EIM_EVENT_message), 1205);
  CHECK_INT(w.store_count, 5);
  world_done(&w, 0);
  world_run(&w, 1000);
  CHECK_INT(w.store_count, 0);
  world_stop(&w);
}

TEST(one_message_in_two_queues_is_given_once_and_acknowledged_in_both) {
  world w;
  online(&w, NULL);
  w.auto_done = false;
  uint64_t id = world_deliver(&w, 0, "x");
  world_deliver(&w, 1, "x");
  w.store[1].id = id;
  world_run(&w, 100);
  CHECK_INT(world_count(&w, EIM_EVENT_message), 1);
  be_done(&w);
  CHECK_INT(w.store_count, 0);
  world_deliver(&w, 0, "x"); /* neither stands still */
  world_deliver(&w, 1, "x");
  world_run(&w, 1000);
  CHECK_INT(world_count(&w, EIM_EVENT_message), 3);
  CHECK_INT(w.store_count, 0);
  world_stop(&w);
}

TEST(a_notice_that_comes_again_is_acknowledged_when_its_handlers_have_returned) {
  world w;
  online(&w, NULL);
  w.auto_done = false;
  world_deliver_notice(&w, 1);
  world_run(&w, 100);
  CHECK_INT(notices_of(&w, "contact"), 1);
  reconnect(&w);
  CHECK_INT(notices_of(&w, "contact"), 1);
  CHECK_INT(w.store_count, 1);
  be_done(&w);
  CHECK_INT(w.store_count, 0);
  world_stop(&w);
}

/* What waited was acknowledged, and the answer that says so was cut off: nothing waits any more at
 * the next login, and who was told of the start is told of the end. */
TEST(the_end_of_what_waited_at_login_is_told_over_a_lost_line) {
  world w;
  world_start(&w, 3, NULL);
  world_deliver(&w, 1, "x");
  world_open_token(&w, "t0", 1);
  CHECK(world_until(&w, EIM_STATE_ONLINE, 1000));
  while (w.store_count) world_run(&w, 1);
  CHECK_INT(notices_of(&w, "offline_sync"), 1);
  reconnect(&w);
  CHECK_INT(notices_of(&w, "offline_sync"), 2);
  CHECK_STR(w.notice_json, "{\"phase\":\"finish\"}");
  world_stop(&w);
}

TEST(an_end_of_the_session_is_no_end_of_what_waited) {
  world w;
  world_start(&w, 3, NULL);
  w.auto_done = false;
  world_deliver(&w, 1, "x");
  world_open_token(&w, "t0", 1);
  world_run(&w, 1000);
  world_close(&w, 2);
  be_done(&w);
  w.store_count = 0; /* another device of the user fetched it, say */
  world_open_token(&w, "t0", 3);
  world_run(&w, 1000);
  CHECK_INT(notices_of(&w, "offline_sync"), 1);
  world_stop(&w);
}

/* What many queues bring at once goes beyond maxUndelivered by less than a page, once it is known
 * how large a page is. */
TEST(acknowledgements_of_many_queues_do_not_bring_more_than_was_asked_for) {
  world w;
  int most = 0, given = 0;
  online(&w, (const char *const[]){"maxUndelivered=8", NULL});
  for (int i = 0; i < 5; i++) world_deliver(&w, 0, "x");
  world_run(&w, 1000);
  w.auto_done = false;
  for (int i = 0; i < 4; i++) world_deliver(&w, i, "x");
  world_run(&w, 1000);
  for (int i = 0; i < 80; i++) world_deliver(&w, i % 4, "x");
  given = world_count(&w, EIM_EVENT_message);
  for (int round = 0; round < 50 && w.store_count; round++) {
    world_input(&w, (eim_input){.kind = EIM_IN_DONE, .seq = w.undone});
    world_run(&w, 1000);
    int now = world_count(&w, EIM_EVENT_message);
    if (now - given > most) most = now - given;
    given = now;
  }
  CHECK_INT(given, 89);
  CHECK_INT(w.store_count, 0);
  CHECK(most >= 8 && most < 8 + 5);
  world_stop(&w);
}

/* Says that there is something in the queue of this name. */
static void notice_of(world *w, char *name) {
  static uint8_t payload[8192], bytes[8192];
  Easemob__Pb__JID queue = EASEMOB__PB__JID__INIT;
  Easemob__Pb__CommNotice notice = EASEMOB__PB__COMM_NOTICE__INIT;
  Easemob__Pb__MSync sync = EASEMOB__PB__MSYNC__INIT;
  queue.name = name;
  queue.domain = (char *)"easemob.com";
  notice.queue = &queue;
  sync.has_command = sync.has_payload = 1;
  sync.command = EASEMOB__PB__MSYNC__COMMAND__NOTICE;
  sync.payload = (ProtobufCBinaryData){easemob__pb__comm_notice__pack(&notice, payload), payload};
  world_bytes(w, bytes, easemob__pb__msync__pack(&sync, bytes));
  world_run(w, 1000);
}

TEST(a_queue_with_an_endless_name_is_neither_kept_nor_asked_for) {
  world w;
  char name[4001];
  online(&w, NULL);
  memset(name, 'n', sizeof name - 1);
  name[sizeof name - 1] = 0;
  int fetches = w.fetches;
  notice_of(&w, name);
  CHECK_INT(w.fetches, fetches);
  name[1000] = 0; /* longer than any, and still one */
  notice_of(&w, name);
  CHECK_INT(w.fetches, fetches + 1);
  world_deliver(&w, 1, "x");
  world_run(&w, 1000);
  CHECK_INT(world_count(&w, EIM_EVENT_message), 1);
  CHECK_INT(w.store_count, 0);
  world_stop(&w);
}
