/* Staying online: heartbeat, reconnect, kicks, token life, messages. */
#include "eim_test.h"
#include "model/error.h"
#include "session/backoff.h"
#include "world.h"

static void online(world *w, const char *const *options) {
  world_start(w, 3, options);
  world_open_token(w, "t0", 1);
  CHECK(world_until(w, EIM_STATE_ONLINE, 1000));
  world_run(w, 100);
}

TEST(backoff_grows_to_its_ceiling_with_full_jitter) {
  eim_random random = {5};
  int64_t most[8] = {0};
  for (int round = 0; round < 2000; round++)
    for (int n = 1; n < 8; n++) {
      int64_t delay = eim_backoff(n, 100, 1000, &random);
      if (delay > most[n]) most[n] = delay;
      CHECK(delay >= 0);
    }
  static const int64_t limit[8] = {0, 100, 200, 400, 800, 1000, 1000, 1000};
  for (int n = 1; n < 8; n++) CHECK(most[n] <= limit[n] && most[n] > limit[n] * 9 / 10);
}

TEST(an_idle_line_beats_and_a_dead_one_is_found) {
  world w;
  online(&w, NULL);
  CHECK_INT(w.unreads, 1);
  world_run(&w, 30000);
  CHECK_INT(w.unreads, 2);
  world_run(&w, 301000);
  CHECK_INT(w.unreads, 12);
  w.conn_silent = true; /* half open: nothing comes back, nobody says so */
  CHECK(world_until(&w, EIM_STATE_WAITING, 30000 + 10000));
  CHECK_INT(world_count(&w, EIM_EVENT_reconnecting), 1);
  CHECK_INT(world_last(&w, EIM_EVENT_reconnecting)->code, EIM_E_TIMEOUT);
  CHECK(world_until(&w, EIM_STATE_ONLINE, 30000));
  CHECK_INT(world_count(&w, EIM_EVENT_connected), 2);
  CHECK_INT(world_count(&w, EIM_EVENT_disconnected), 0);
  world_stop(&w);
}

TEST(traffic_replaces_the_beat) {
  world w;
  online(&w, NULL);
  for (int i = 0; i < 20; i++) {
    world_deliver(&w, 1, "x");
    world_run(&w, 20000);
  }
  CHECK_INT(w.unreads, 1);
  world_stop(&w);
}

TEST(after_a_suspend_the_line_is_probed_at_once) {
  world w;
  online(&w, NULL);
  w.now.wall += 3600000;     /* the monotonic clock stood still */
  world_deliver(&w, 1, "x"); /* anything that wakes the session */
  world_run(&w, 1000);
  CHECK_INT(w.unreads, 2);
  world_stop(&w);
}

TEST(a_lost_line_is_restored_with_growing_pauses_and_given_up_after_the_maximum) {
  world w;
  online(&w, NULL);
  world_run(&w, 40000); /* it held: the counter starts over */
  w.upgrade = ANSWER_CUT;
  w.connects = 0;
  world_cut(&w);
  world_run(&w, 600000);
  CHECK_INT(w.connects, 5);
  CHECK_INT(world_count(&w, EIM_EVENT_reconnecting), 5);
  CHECK_INT(world_count(&w, EIM_EVENT_disconnected), 1);
  CHECK_INT(world_last(&w, EIM_EVENT_disconnected)->code, EIM_CODE_SERVER_NOT_REACHABLE);
  CHECK(!world_last(&w, EIM_EVENT_disconnected)->will_retry);
  CHECK_INT(world_last(&w, EIM_EVENT_reconnecting)->attempt, 5);
  CHECK_INT(eim_session_state(w.session), EIM_STATE_OFFLINE);
  world_stop(&w);
}

TEST(minus_one_reconnects_for_ever_and_zero_not_at_all) {
  world w;
  online(&w, (const char *const[]){"autoReconnectNumMax=-1", NULL});
  w.upgrade = ANSWER_CUT;
  world_cut(&w);
  world_run(&w, 24 * 3600 * 1000);
  CHECK(w.connects > 1000);
  CHECK_INT(world_count(&w, EIM_EVENT_disconnected), 0);
  w.upgrade = ANSWER_OK;
  CHECK(world_until(&w, EIM_STATE_ONLINE, 61000));
  world_stop(&w);
  online(&w, (const char *const[]){"autoReconnectNumMax=0", NULL});
  world_cut(&w);
  world_run(&w, 1000);
  CHECK_INT(w.connects, 1);
  CHECK_INT(world_count(&w, EIM_EVENT_disconnected), 1);
  world_stop(&w);
}

TEST(a_line_that_flaps_after_each_login_uses_up_its_attempts) {
  world w;
  online(&w, NULL);
  for (int i = 0; i < 50 && eim_session_state(w.session) != EIM_STATE_OFFLINE; i++) {
    world_cut(&w);
    world_run(&w, 1);
    world_until(&w, EIM_STATE_ONLINE, 61000);
  }
  CHECK_INT(eim_session_state(w.session), EIM_STATE_OFFLINE);
  CHECK(w.connects <= 7);
  world_stop(&w);
}

TEST(network_down_waits_and_up_attempts_at_once) {
  world w;
  online(&w, NULL);
  world_input(&w, (eim_input){.kind = EIM_IN_NETWORK, .up = false});
  world_cut(&w);
  world_run(&w, 3600000);
  CHECK_INT(w.connects, 1);
  CHECK_INT(eim_session_state(w.session), EIM_STATE_WAITING);
  world_input(&w, (eim_input){.kind = EIM_IN_NETWORK, .up = true});
  CHECK(world_until(&w, EIM_STATE_ONLINE, 100));
  world_run(&w, 100);
  int unreads = w.unreads;
  world_input(&w, (eim_input){.kind = EIM_IN_NETWORK, .up = true});
  world_run(&w, 100);
  CHECK_INT(w.unreads, unreads + 1);
  world_stop(&w);
}

TEST(each_kick_is_final_and_told_once_with_its_reason) {
  static const int codes[] = {0, 207, 206, 216, 217};
  for (int operation = 1; operation <= 4; operation++) {
    world w;
    online(&w, NULL);
    world_kick(&w, operation, operation == 2 ? "phone" : "");
    world_run(&w, 600000);
    CHECK_INT(w.connects, 1);
    CHECK_INT(world_count(&w, EIM_EVENT_disconnected), 1);
    CHECK_INT(world_last(&w, EIM_EVENT_disconnected)->code, codes[operation]);
    CHECK_INT(world_count(&w, EIM_EVENT_error), 1);
    CHECK_INT(eim_session_state(w.session), EIM_STATE_OFFLINE);
    world_stop(&w);
  }
}

TEST(a_refusal_while_reconnecting_is_final) {
  world w;
  online(&w, NULL);
  w.provision = ANSWER_REFUSE;
  w.provision_code = 13;
  world_cut(&w);
  world_run(&w, 600000);
  CHECK_INT(w.provisions, 2);
  CHECK_INT(world_last(&w, EIM_EVENT_disconnected)->code, EIM_CODE_USER_LOGIN_TOO_MANY_DEVICES);
  world_stop(&w);
}

TEST(token_warns_once_then_ends_the_session) {
  world w;
  world_start(&w, 3, NULL);
  w.provision_expires = w.now.wall + 1000000;
  world_open_token(&w, "t0", 1);
  world_run(&w, 799000);
  CHECK_INT(world_count(&w, EIM_EVENT_token_will_expire), 0);
  world_run(&w, 2000);
  CHECK_INT(world_count(&w, EIM_EVENT_token_will_expire), 1);
  world_cut(&w); /* the same token after a reconnect is no news */
  world_run(&w, 198000);
  CHECK_INT(world_count(&w, EIM_EVENT_connected), 2);
  CHECK_INT(world_count(&w, EIM_EVENT_token_will_expire), 1);
  CHECK_INT(world_count(&w, EIM_EVENT_token_expired), 0);
  world_run(&w, 2000);
  CHECK_INT(world_count(&w, EIM_EVENT_token_expired), 1);
  CHECK_INT(world_last(&w, EIM_EVENT_disconnected)->code, EIM_CODE_TOKEN_EXPIRED);
  /* the old expiry is no business of the next login */
  w.provision_expires = 0;
  world_open_token(&w, "t1", 2);
  world_run(&w, 600000);
  CHECK_INT(eim_session_state(w.session), EIM_STATE_ONLINE);
  world_stop(&w);
}

TEST(a_token_of_60_days_lives_60_days) {
  world w;
  world_start(&w, 3, NULL);
  int64_t life = 60ll * 24 * 3600 * 1000;
  w.provision_expires = w.now.wall + life;
  world_open_token(&w, "t0", 1);
  world_run(&w, life * 79 / 100);
  CHECK_INT(world_count(&w, EIM_EVENT_token_will_expire), 0);
  CHECK_INT(eim_session_state(w.session), EIM_STATE_ONLINE);
  world_run(&w, life * 2 / 100);
  CHECK_INT(world_count(&w, EIM_EVENT_token_will_expire), 1);
  world_run(&w, life);
  CHECK_INT(world_count(&w, EIM_EVENT_token_expired), 1);
  world_stop(&w);
}

TEST(expiry_is_by_the_server_clock) {
  world w;
  world_start(&w, 3, NULL);
  w.server_skew = 7200000; /* ours is two hours late */
  w.provision_expires = w.now.wall + w.server_skew + 1000000;
  world_open_token(&w, "t0", 1);
  world_run(&w, 795000);
  CHECK_INT(world_count(&w, EIM_EVENT_token_will_expire), 0);
  world_run(&w, 260000);
  CHECK_INT(world_count(&w, EIM_EVENT_token_expired), 1);
  world_stop(&w);
}

TEST(renew_token_replaces_it_and_a_refusal_changes_nothing) {
  world w;
  world_start(&w, 3, NULL);
  w.provision_expires = w.now.wall + 100000;
  world_open_token(&w, "t0", 1);
  world_run(&w, 1000);
  w.token = ANSWER_REFUSE;
  w.http_status = 401;
  w.http_body =
      "{\"error\":\"unauthorized\",\"error_description\":\"Unable to authenticate (OAuth)\"}";
  world_renew(&w, "bad", 2);
  world_run(&w, 1000);
  CHECK_INT(world_result(&w, 2)->code, EIM_CODE_INVALID_TOKEN);
  CHECK_INT(eim_session_state(w.session), EIM_STATE_ONLINE);
  w.token = ANSWER_OK;
  w.provision_expires = w.now.wall + 1000000;
  world_renew(&w, "t1", 3);
  world_run(&w, 200000);
  CHECK_INT(world_result(&w, 3)->code, 0);
  CHECK_CONTAINS(w.last_url, "/lab/peer/sdk/users/alice/token/expires");
  CHECK_INT(eim_session_state(w.session), EIM_STATE_ONLINE);
  world_cut(&w);
  CHECK(world_until(&w, EIM_STATE_WAITING, 10) && world_until(&w, EIM_STATE_ONLINE, 20000));
  CHECK_STR(w.last_provision_token, "t1");
  world_stop(&w);
}

TEST(a_provider_is_asked_once_before_the_end_and_before_a_reconnect_with_a_dead_token) {
  world w;
  world_start(&w, 3, (const char *const[]){"autoReconnectNumMax=-1", NULL});
  world_input(&w, (eim_input){.kind = EIM_IN_PROVIDER, .up = true});
  w.provision_expires = w.now.wall + 1000000;
  world_open_token(&w, "t0", 1);
  world_run(&w, 850000);
  CHECK_INT(world_count(&w, EIM_EVENT_token_request), 1);
  w.provision_expires = w.now.wall + 1000000;
  world_renew(&w, "t1", 2);
  world_run(&w, 100000);
  w.upgrade = ANSWER_CUT;
  world_cut(&w);
  world_run(&w, 2000000); /* the token dies while the line is down */
  CHECK_INT(eim_session_state(w.session), EIM_STATE_OFFLINE); /* nobody answered the request */
  CHECK_INT(world_count(&w, EIM_EVENT_token_request), 2);
  CHECK_INT(world_last(&w, EIM_EVENT_disconnected)->code, EIM_CODE_TOKEN_EXPIRED);
  world_stop(&w);
}

TEST(a_provider_saves_a_reconnect_whose_token_died) {
  world w;
  world_start(&w, 3, (const char *const[]){"autoReconnectNumMax=-1", NULL});
  world_input(&w, (eim_input){.kind = EIM_IN_PROVIDER, .up = true});
  world_open_token(&w, "t0", 1);
  world_run(&w, 1000);
  w.provision = ANSWER_REFUSE;
  w.provision_code = 1;
  w.provision_reason = "Sorry, token expired";
  world_cut(&w);
  world_run(&w, 3000);
  CHECK_INT(world_count(&w, EIM_EVENT_token_request), 1);
  CHECK_INT(eim_session_state(w.session), EIM_STATE_WAITING);
  w.provision = ANSWER_OK;
  world_renew(&w, "t1", 2);
  CHECK(world_until(&w, EIM_STATE_ONLINE, 1000));
  CHECK_STR(w.last_provision_token, "t1");
  CHECK_INT(world_result(&w, 2)->code, 0);
  world_stop(&w);
}

TEST(login_ext_travels_with_the_next_login) {
  world w;
  world_start(&w, 3, NULL);
  world_input(&w, (eim_input){.kind = EIM_IN_LOGIN_EXT, .text = "tablet"});
  world_open_token(&w, "t0", 1);
  world_until(&w, EIM_STATE_ONLINE, 1000);
  CHECK_STR(w.last_provision_reason, "tablet");
  world_stop(&w);
}

TEST(messages_up_are_answered_in_order_and_survive_a_cut) {
  world w;
  online(&w, NULL);
  for (int i = 0; i < 10; i++) {
    char text[16];
    snprintf(text, sizeof text, "n%d", i);
    world_send(&w, text, (uint64_t)(100 + i));
    if (i == 4) world_cut(&w);
  }
  world_run(&w, 20000);
  CHECK_INT(w.sent_count, 10);
  for (int i = 0; i < 10; i++) {
    char text[16];
    snprintf(text, sizeof text, "n%d", i);
    CHECK_STR(w.sent[i].text, text);
    CHECK_INT(world_results(&w, (uint64_t)(100 + i)), 1);
    CHECK_INT(world_result(&w, (uint64_t)(100 + i))->code, 0);
  }
  CHECK_INT(world_count(&w, EIM_EVENT_receipt), 10);
  world_stop(&w);
}

TEST(a_send_ends_refused_timed_out_full_or_offline) {
  world w;
  world_start(&w, 3, (const char *const[]){"maxPendingSends=3", NULL});
  world_send(&w, "x", 10);
  CHECK_INT(world_result(&w, 10)->code, EIM_CODE_USER_NOT_LOGIN);
  world_open_token(&w, "t0", 1);
  world_run(&w, 100);
  w.sync = ANSWER_REFUSE;
  world_send(&w, "x", 11);
  world_run(&w, 100);
  CHECK(world_result(&w, 11)->code > 0);
  w.sync = ANSWER_SILENT;
  for (uint64_t t = 12; t < 16; t++) world_send(&w, "x", t);
  CHECK_INT(world_result(&w, 15)->code, EIM_E_FULL);
  world_run(&w, 30100);
  for (uint64_t t = 12; t < 15; t++) {
    CHECK_INT(world_result(&w, t)->code, EIM_CODE_SERVER_TIMEOUT);
    CHECK(world_result(&w, t)->may_have_happened);
  }
  world_send(&w, "x", 16);
  world_input(&w, (eim_input){.kind = EIM_IN_CANCEL, .token = 16});
  CHECK_INT(world_result(&w, 16)->code, EIM_E_CANCELED);
  world_stop(&w);
}

TEST(what_was_canceled_or_refused_does_not_go_out_and_the_others_keep_their_order) {
  world w;
  online(&w, (const char *const[]){"maxPendingSends=4", NULL});
  w.sync = ANSWER_SILENT;
  world_send(&w, "n1", 21);
  world_run(&w, 100);
  world_cut(&w);
  world_run(&w, 1);
  world_send(&w, "n2", 22);
  world_send(&w, "n3", 23);
  world_send(&w, "n4", 24);
  world_send(&w, "n5", 25); /* one too many, and said so at once */
  CHECK_INT(world_result(&w, 25)->code, EIM_E_FULL);
  CHECK(!world_result(&w, 25)->may_have_happened);
  world_input(&w, (eim_input){.kind = EIM_IN_CANCEL, .token = 23});
  CHECK_INT(world_result(&w, 23)->code, EIM_E_CANCELED);
  CHECK(!world_result(&w, 23)->may_have_happened); /* it never left */
  world_send(&w, "n6", 26);                        /* into its place */
  world_input(&w, (eim_input){.kind = EIM_IN_CANCEL, .token = 21});
  CHECK_INT(world_result(&w, 21)->code, EIM_E_CANCELED);
  CHECK(world_result(&w, 21)->may_have_happened); /* it had been written */
  w.sync = ANSWER_OK;
  CHECK(world_until(&w, EIM_STATE_ONLINE, 20000));
  world_run(&w, 1000);
  static const char *const texts[] = {"n1", "n2", "n4", "n6"};
  REQUIRE(w.sent_count == 4);
  for (int i = 0; i < 4; i++) CHECK_STR(w.sent[i].text, texts[i]);
  for (uint64_t token = 21; token <= 26; token++) CHECK_INT(world_results(&w, token), 1);
  for (uint64_t token = 24; token <= 26; token += 2) CHECK_INT(world_result(&w, token)->code, 0);
  world_stop(&w);
}

TEST(queues_are_pulled_page_by_page_and_acknowledged_after_the_handlers) {
  world w;
  world_start(&w, 3, NULL);
  w.auto_done = false;
  for (int i = 0; i < 12; i++) world_deliver(&w, i % 2, "x");
  world_open_token(&w, "t0", 1);
  world_run(&w, 1000);
  CHECK_INT(world_count(&w, EIM_EVENT_message), 10);           /* a page of each queue */
  CHECK_INT(w.store_count, 12);                                /* nothing acknowledged yet */
  world_input(&w, (eim_input){.kind = EIM_IN_DONE, .seq = 6}); /* 1 is the notice of the sync */
  world_run(&w, 1000);
  CHECK_INT(w.store_count, 7); /* the first queue's page; its last message follows */
  w.auto_done = true;
  world_input(&w, (eim_input){.kind = EIM_IN_DONE, .seq = w.undone});
  world_run(&w, 1000);
  CHECK_INT(world_count(&w, EIM_EVENT_message), 12);
  CHECK_INT(w.store_count, 0);
  int fetches = w.fetches;
  world_run(&w, 20000);
  CHECK_INT(w.fetches, fetches); /* no endless fetching */
  world_stop(&w);
}

TEST(what_was_not_acknowledged_comes_again_but_is_given_once) {
  world w;
  online(&w, NULL);
  w.auto_done = false;
  for (int i = 0; i < 3; i++) world_deliver(&w, 1, "x");
  world_run(&w, 100);
  CHECK_INT(world_count(&w, EIM_EVENT_message), 3);
  world_cut(&w);
  world_run(&w, 1);
  CHECK(world_until(&w, EIM_STATE_ONLINE, 20000));
  world_run(&w, 1000);
  CHECK_INT(world_count(&w, EIM_EVENT_message), 3);
  world_input(&w, (eim_input){.kind = EIM_IN_DONE, .seq = w.undone});
  world_run(&w, 1000);
  CHECK_INT(w.store_count, 0);
  world_stop(&w);
}

TEST(with_manual_acks_a_page_waits_for_all_of_its_messages_and_no_queue_for_another) {
  world w;
  online(&w, (const char *const[]){"ackMode=manual", NULL});
  for (int i = 0; i < 6; i++) world_deliver(&w, i % 2, "x");
  world_run(&w, 1000);
  CHECK_INT(w.held_count, 6); /* dispatched, every one */
  CHECK_INT(w.store_count, 6);
  /* Out of order, and one of the even queue is left out. */
  uint64_t left = 0;
  for (int i = w.held_count - 1; i >= 0; i--) {
    bool even = false;
    for (int k = 0; k < w.store_count; k++)
      if (w.store[k].id == w.held[i].id) even = w.store[k].queue == 0;
    if (even && !left) {
      left = w.held[i].id;
      continue;
    }
    world_done(&w, i);
    world_run(&w, 100);
  }
  CHECK_INT(w.held_count, 1);
  CHECK_INT(w.store_count, 3); /* the odd queue is acknowledged, the even one is not */
  world_done(&w, 0);
  world_run(&w, 1000);
  CHECK_INT(w.store_count, 0);
  world_stop(&w);
}

TEST(a_slow_application_is_given_no_more_than_it_wants) {
  world w;
  world_start(&w, 3, (const char *const[]){"ackMode=manual", "maxUndelivered=4", NULL});
  w.page = 2;
  for (int i = 0; i < 20; i++) world_deliver(&w, i % 2, "x");
  world_open_token(&w, "t0", 1);
  world_run(&w, 5000);
  CHECK_INT(w.held_count, 4); /* a page of each of the two */
  for (int i = 0; i < 6; i++) world_deliver(&w, 2 + i % 2, "x");
  int fetches = w.fetches;
  world_run(&w, 5000);
  CHECK_INT(w.held_count, 4);
  CHECK_INT(w.fetches, fetches); /* the other two are not asked for */
  CHECK_INT(w.store_count, 26);
  CHECK_INT(eim_session_state(w.session), EIM_STATE_ONLINE); /* and the line lives on */
  world_done(&w, 0);
  world_run(&w, 1000);
  CHECK_INT(w.held_count, 3 + 2); /* there is room: a page of one of them */
  for (int rounds = 0; w.held_count && rounds < 100; rounds++) {
    world_done(&w, 0);
    world_run(&w, 100);
  }
  CHECK_INT(world_count(&w, EIM_EVENT_message), 26);
  CHECK_INT(w.store_count, 0);
  world_stop(&w);
}

TEST(what_is_not_done_holds_its_page_over_a_reconnect_without_coming_twice) {
  world w;
  online(&w, (const char *const[]){"ackMode=manual", NULL});
  for (int i = 0; i < 3; i++) world_deliver(&w, 1, "x");
  world_run(&w, 1000);
  CHECK_INT(w.held_count, 3);
  world_done(&w, 0);
  world_cut(&w);
  world_run(&w, 1);
  CHECK(world_until(&w, EIM_STATE_ONLINE, 20000));
  world_run(&w, 1000);
  CHECK_INT(world_count(&w, EIM_EVENT_message), 3);
  CHECK_INT(w.store_count, 3); /* fetched again, and not acknowledged: two are not done */
  while (w.held_count) world_done(&w, 0);
  world_run(&w, 1000);
  CHECK_INT(w.store_count, 0);
  world_stop(&w);
}

TEST(what_is_not_done_at_the_end_of_a_session_comes_again_at_the_next_login) {
  world w;
  online(&w, (const char *const[]){"ackMode=manual", "delivery=true", NULL});
  for (int i = 0; i < 3; i++) world_deliver(&w, 1, "x");
  world_run(&w, 1000);
  world_close(&w, 50);
  world_run(&w, 1000);
  int stale = w.held_count;
  CHECK_INT(stale, 3);
  CHECK_INT(w.receipts_up, 0);
  world_open_token(&w, "t0", 51);
  world_run(&w, 1000);
  CHECK_INT(world_count(&w, EIM_EVENT_message), 6);
  for (int i = 0; i < stale; i++) /* of the former session: no effect */
    world_input(&w, (eim_input){.kind = EIM_IN_MESSAGE_DONE, .seq = w.held[i].seq});
  world_run(&w, 1000);
  CHECK_INT(w.store_count, 3);
  CHECK_INT(w.receipts_up, 0);
  while (w.held_count) world_done(&w, 0);
  world_run(&w, 1000);
  CHECK_INT(w.store_count, 0);
  CHECK_INT(w.receipts_up, 3); /* a receipt for what is done, not for what was dispatched */
  world_stop(&w);
}

TEST(what_waited_at_login_is_announced_and_its_end_too) {
  world w;
  world_start(&w, 3, NULL);
  world_deliver(&w, 0, "a");
  world_deliver(&w, 1, "b");
  world_open_token(&w, "t0", 1);
  world_run(&w, 1000);
  const char *order[8] = {NULL};
  int n = 0;
  for (int i = 0; i < w.event_count && n < 8; i++)
    if (w.events[i].kind == EIM_EVENT_notice || w.events[i].kind == EIM_EVENT_message)
      order[n++] = w.events[i].text;
  REQUIRE(n == 4);
  CHECK_STR(order[0], "offline_sync");
  CHECK_STR(order[3], "offline_sync");
  world_deliver(&w, 0, "later"); /* not offline any more */
  world_run(&w, 1000);
  CHECK_INT(world_count(&w, EIM_EVENT_notice), 2);
  world_stop(&w);
}

TEST(what_is_done_to_messages_waits_for_the_line_and_goes_out_under_one_id) {
  world w;
  online(&w, NULL);
  world_cut(&w);
  eim_action action = {
      .kind = EIM_ACTION_RECALL, .chat_type = EIM_CHAT_SINGLE, .to = "bob", .message_id = 7};
  world_input(&w, (eim_input){.kind = EIM_IN_ACT, .action = action, .token = 60});
  world_run(&w, 1);
  CHECK_INT(world_results(&w, 60), 0);
  CHECK(world_until(&w, EIM_STATE_ONLINE, 20000));
  world_run(&w, 1000);
  CHECK_INT(world_results(&w, 60), 1);
  CHECK_INT(world_result(&w, 60)->code, 0);
  CHECK_INT(world_count(&w, EIM_EVENT_receipt), 0); /* "sent" is for messages */
  w.sync = ANSWER_SILENT;
  world_input(&w, (eim_input){.kind = EIM_IN_ACT, .action = action, .token = 61});
  world_run(&w, 31000);
  CHECK_INT(world_result(&w, 61)->code, EIM_CODE_SERVER_TIMEOUT);
  CHECK(world_result(&w, 61)->may_have_happened);
  world_stop(&w);
}

TEST(delivery_receipts_go_out_after_the_handlers_when_wanted) {
  world w;
  online(&w, (const char *const[]){"delivery=true", NULL});
  for (int i = 0; i < 3; i++) world_deliver(&w, 1, "x");
  world_run(&w, 1000);
  CHECK_INT(w.receipts_up, 3);
  world_stop(&w);
  online(&w, NULL);
  world_deliver(&w, 1, "x");
  world_run(&w, 1000);
  CHECK_INT(w.receipts_up, 0);
  world_stop(&w);
}

TEST(garbage_from_the_server_costs_the_connection_not_the_process) {
  world w;
  online(&w, NULL);
  w.unread = ANSWER_GARBAGE;
  world_run(&w, 30050);
  CHECK_INT(world_last(&w, EIM_EVENT_reconnecting)->code, EIM_E_PROTOCOL);
  w.unread = ANSWER_OK;
  CHECK(world_until(&w, EIM_STATE_ONLINE, 20000));
  world_stop(&w);
}

TEST(a_fetch_that_was_cut_off_is_asked_again_at_once) {
  world w;
  online(&w, NULL);
  world_deliver(&w, 1, "x");
  while (!w.fetches) world_run(&w, 1);
  world_cut(&w); /* the answer is on its way */
  world_run(&w, 1);
  CHECK_INT(world_count(&w, EIM_EVENT_message), 0);
  CHECK(world_until(&w, EIM_STATE_ONLINE, 20000));
  world_run(&w, 200);
  CHECK_INT(world_count(&w, EIM_EVENT_message), 1);
  CHECK_INT(w.store_count, 0);
  world_stop(&w);
}

TEST(a_page_with_is_last_and_no_key_is_delivered_and_not_fetched_again) {
  world w;
  online(&w, NULL);
  world_odd_page(&w, 2);
  world_run(&w, 20000);
  CHECK_INT(world_count(&w, EIM_EVENT_message), 2);
  CHECK_INT(w.fetches, 0);
  world_stop(&w);
}

TEST(a_401_as_text_ends_the_session_for_good) {
  world w;
  online(&w, NULL);
  world_text(&w, "[500,\"something else\"]");
  world_text(&w, "[401,\"normal closed\"]");
  world_run(&w, 100);
  CHECK_INT(eim_session_state(w.session), EIM_STATE_ONLINE); /* it is the close that counts */
  world_cut(&w);
  world_run(&w, 600000);
  CHECK_INT(w.connects, 1);
  CHECK_INT(world_last(&w, EIM_EVENT_disconnected)->code, EIM_CODE_USER_AUTHENTICATION_FAILED);
  world_stop(&w);
}

TEST(health_tells_the_state_of_things) {
  world w;
  world_start(&w, 3, NULL);
  world_open_token(&w, "secret-token", 1);
  world_run(&w, 100);
  w.sync = ANSWER_SILENT;
  world_send(&w, "x", 5);
  eim_buf json = EIM_BUF_INIT;
  eim_session_health(w.session, &json);
  CHECK_CONTAINS((const char *)json.data, "\"state\":\"ONLINE\"");
  CHECK_CONTAINS((const char *)json.data, "\"generation\":1");
  CHECK_CONTAINS((const char *)json.data, "\"rttMs\":20");
  CHECK_CONTAINS((const char *)json.data, "\"pendingSends\":1");
  CHECK(!strstr((const char *)json.data, "secret-token"));
  eim_buf_free(&json);
  world_stop(&w);
}

TEST(a_provider_without_a_token_ends_the_wait_at_once) {
  world w;
  world_start(&w, 3, (const char *const[]){"autoReconnectNumMax=-1", NULL});
  world_input(&w, (eim_input){.kind = EIM_IN_PROVIDER, .up = true});
  world_open_token(&w, "t0", 1);
  world_run(&w, 1000);
  world_input(&w, (eim_input){.kind = EIM_IN_NO_TOKEN}); /* nobody asked */
  CHECK_INT(eim_session_state(w.session), EIM_STATE_ONLINE);
  w.provision = ANSWER_REFUSE;
  w.provision_reason = "Sorry, token expired";
  world_cut(&w);
  world_run(&w, 3000);
  CHECK_INT(eim_session_state(w.session), EIM_STATE_WAITING);
  world_input(&w, (eim_input){.kind = EIM_IN_NO_TOKEN, .text = "vault sealed"});
  CHECK_INT(eim_session_state(w.session), EIM_STATE_OFFLINE);
  CHECK_INT(world_last(&w, EIM_EVENT_disconnected)->code, EIM_CODE_TOKEN_EXPIRED);
  world_stop(&w);
}
