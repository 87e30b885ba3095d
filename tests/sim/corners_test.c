/* Corners: what two rules do when they meet. */
#include "eim_test.h"
#include "model/error.h"
#include "world.h"

static void open_as(world *w, const char *user, uint64_t token) {
  eim_secret *secret = eim_secret_new("t-other");
  world_input(
      w,
      (eim_input){
          .kind = EIM_IN_OPEN, .user = user, .secret = secret, .is_token = true, .token = token});
  eim_secret_unref(secret);
}

TEST(a_401_of_an_older_session_does_not_speak_for_the_next) {
  world w;
  world_start(&w, 3, NULL);
  world_open_token(&w, "t0", 1);
  world_run(&w, 1000);
  world_text(&w, "[401,\"normal closed\"]");
  world_run(&w, 100);
  world_cut(&w);
  world_run(&w, 100);
  CHECK_INT(world_last(&w, EIM_EVENT_disconnected)->code, EIM_CODE_USER_AUTHENTICATION_FAILED);
  w.token = ANSWER_CUT;
  world_open_password(&w, "pw", 2);
  world_run(&w, 100);
  CHECK_INT(eim_session_state(w.session), EIM_STATE_WAITING);
  w.token = ANSWER_OK;
  CHECK(world_until(&w, EIM_STATE_ONLINE, 20000));
  CHECK_INT(world_result(&w, 2)->code, 0);
  world_stop(&w);
}

TEST(another_user_of_the_handle_gets_what_the_first_one_got) {
  world w;
  world_start(&w, 3, NULL);
  world_open_token(&w, "t0", 1);
  world_run(&w, 1000);
  uint64_t id = world_deliver(&w, 1, "to a group that both are in");
  world_run(&w, 1000);
  CHECK_INT(world_count(&w, EIM_EVENT_message), 1);
  world_close(&w, 0);
  w.store[0] = (stored){.id = id, .position = 77, .queue = 1};
  w.store_count = 1;
  open_as(&w, "somebody-else", 2);
  world_run(&w, 1000);
  CHECK_INT(world_count(&w, EIM_EVENT_message), 2);
  world_stop(&w);
}

TEST(nobody_sends_receipts_for_messages_of_another_user) {
  world w;
  world_start(&w, 3, (const char *const[]){"delivery=true", NULL});
  world_open_token(&w, "t0", 1);
  world_run(&w, 1000);
  w.auto_done = false;
  world_deliver(&w, 1, "for the first user");
  world_run(&w, 1000);
  CHECK_INT(world_count(&w, EIM_EVENT_message), 1);
  w.store_count = 0;
  world_close(&w, 0);
  open_as(&w, "somebody-else", 2);
  world_input(&w, (eim_input){.kind = EIM_IN_DONE, .seq = w.undone});
  world_run(&w, 1000);
  CHECK_INT(eim_session_state(w.session), EIM_STATE_ONLINE);
  world_deliver(&w, 1, "for the second");
  world_run(&w, 1000);
  CHECK_INT(w.receipts_up, 0);
  world_input(&w, (eim_input){.kind = EIM_IN_DONE, .seq = w.undone});
  world_run(&w, 1000);
  CHECK_INT(w.receipts_up, 1);
  world_stop(&w);
}

TEST(a_redirect_to_what_is_no_host_is_not_followed) {
  static const char *const hosts[] = {"im2.test\r\nX-Forged: 1", "im2.test:99/x?", "a b",
                                      "user@im2"};
  for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
    world w;
    world_start(&w, 3, NULL);
    w.provision = ANSWER_REFUSE;
    w.provision_code = 5;
    w.redirect_host = hosts[i];
    world_open_token(&w, "t0", 1);
    world_run(&w, 25);
    CHECK_STR(w.last_host, "im.test");
    world_run(&w, 60000);
    CHECK_STR(w.last_host, "im.test");
    CHECK_INT(world_result(&w, 1)->code, EIM_CODE_SERVER_NOT_REACHABLE);
    world_stop(&w);
  }
}

TEST(a_server_clock_at_the_end_of_time_is_no_clock) {
  world w;
  world_start(&w, 3, NULL);
  w.server_skew = INT64_MAX - w.now.wall - 500;
  w.provision_expires = INT64_MAX;
  world_open_token(&w, "t0", 1);
  world_run(&w, 100);
  w.server_skew = 0;
  world_run(&w, 1000);
  world_renew(&w, "t1", 2);
  world_run(&w, 100000);
  CHECK_INT(world_result(&w, 2)->code, 0);
  CHECK_INT(eim_session_state(w.session), EIM_STATE_ONLINE);
  world_stop(&w);
}

TEST(a_token_renewed_during_the_login_it_came_too_late_for_is_used) {
  world w;
  world_start(&w, 3, NULL);
  world_open_token(&w, "t0", 1);
  world_run(&w, 1000);
  w.provision = ANSWER_SILENT;
  world_cut(&w);
  CHECK(world_until(&w, EIM_STATE_PROVISIONING, 10000));
  world_run(&w, 30); /* t0 is with the server now */
  w.provision = ANSWER_REFUSE;
  w.provision_reason = "Sorry, token expired";
  world_cut(&w);
  CHECK(world_until(&w, EIM_STATE_PROVISIONING, 10000));
  world_renew(&w, "t1", 2);
  CHECK_INT(world_result(&w, 2)->code, 0);
  world_run(&w, 15); /* the server refuses t0 */
  w.provision = ANSWER_OK;
  CHECK(world_until(&w, EIM_STATE_ONLINE, 10000));
  CHECK_STR(w.last_provision_token, "t1");
  world_stop(&w);
}

TEST(a_provider_whose_renewal_failed_is_asked_again) {
  world w;
  world_start(&w, 3, (const char *const[]){"autoReconnectNumMax=-1", NULL});
  world_input(&w, (eim_input){.kind = EIM_IN_PROVIDER, .up = true});
  w.provision_expires = w.now.wall + 1000000;
  world_open_token(&w, "t0", 1);
  world_run(&w, 850000);
  CHECK_INT(world_count(&w, EIM_EVENT_token_request), 1);
  w.token = ANSWER_CUT; /* REST is not to be reached */
  world_renew(&w, "t1", 0);
  world_run(&w, 100000);
  w.upgrade = ANSWER_CUT;
  world_cut(&w);
  /* The token dies while the line is down. */
  for (int i = 0; i < 150 && world_count(&w, EIM_EVENT_token_request) < 2; i++) world_run(&w, 1000);
  CHECK_INT(world_count(&w, EIM_EVENT_token_request), 2);
  w.upgrade = ANSWER_OK;
  w.provision_expires = 0;
  world_renew(&w, "t2", 0);
  CHECK(world_until(&w, EIM_STATE_ONLINE, 1000));
  CHECK_STR(w.last_provision_token, "t2");
  world_stop(&w);
}

TEST(a_renewal_that_ends_while_its_token_is_waited_for_ends_the_wait) {
  for (int good = 0; good < 2; good++) {
    world w;
    world_start(&w, 3,
                (const char *const[]){"autoReconnectNumMax=-1", "requestTimeout=60000",
                                      "loginTimeout=600000", NULL});
    world_input(&w, (eim_input){.kind = EIM_IN_PROVIDER, .up = true});
    world_open_token(&w, "t0", 1);
    world_run(&w, 1000);
    w.delay = 5000; /* of REST */
    if (!good) w.token = ANSWER_CUT;
    world_renew(&w, "t1", 2);
    w.delay = 10;
    w.provision = ANSWER_REFUSE;
    w.provision_reason = "Sorry, token expired";
    world_cut(&w);
    world_run(&w, 3000);
    CHECK_INT(eim_session_state(w.session), EIM_STATE_WAITING);
    CHECK_INT(world_count(&w, EIM_EVENT_token_request), 1);
    w.provision = ANSWER_OK;
    world_run(&w, 10000);
    CHECK_INT(world_results(&w, 2), 1);
    if (good) {
      CHECK_INT(eim_session_state(w.session), EIM_STATE_ONLINE);
      CHECK_STR(w.last_provision_token, "t1");
    } else { /* asked again */
      CHECK_INT(world_count(&w, EIM_EVENT_token_request), 2);
      CHECK_INT(eim_session_state(w.session), EIM_STATE_WAITING);
      world_renew(&w, "t2", 3);
      CHECK(world_until(&w, EIM_STATE_ONLINE, 1000));
    }
    world_stop(&w);
  }
}

TEST(no_attempts_without_a_network_while_a_provider_thinks) {
  world w;
  world_start(&w, 3, (const char *const[]){"autoReconnectNumMax=-1", NULL});
  world_input(&w, (eim_input){.kind = EIM_IN_PROVIDER, .up = true});
  w.provision_expires = w.now.wall + 10000000;
  world_open_token(&w, "t0", 1);
  world_run(&w, 8100000);
  CHECK_INT(world_count(&w, EIM_EVENT_token_request), 1);
  w.upgrade = ANSWER_CUT;
  world_cut(&w);
  world_run(&w, 1);
  w.connects = 0;
  CHECK_INT(eim_session_state(w.session), EIM_STATE_WAITING);
  world_input(&w, (eim_input){.kind = EIM_IN_NETWORK, .up = false});
  world_run(&w, 600000);
  CHECK_INT(w.connects, 0);
  world_stop(&w);
}

TEST(no_attempt_without_a_network_when_the_provider_has_answered) {
  world w;
  world_start(&w, 3, (const char *const[]){"autoReconnectNumMax=-1", NULL});
  world_input(&w, (eim_input){.kind = EIM_IN_PROVIDER, .up = true});
  world_open_token(&w, "t0", 1);
  world_run(&w, 1000);
  w.provision = ANSWER_REFUSE;
  w.provision_reason = "Sorry, token expired";
  world_cut(&w);
  world_run(&w, 3000);
  CHECK_INT(world_count(&w, EIM_EVENT_token_request), 1);
  w.provision = ANSWER_OK;
  w.connects = 0;
  world_input(&w, (eim_input){.kind = EIM_IN_NETWORK, .up = false});
  world_renew(&w, "t1", 2);
  world_run(&w, 600000);
  CHECK_INT(w.connects, 0);
  world_input(&w, (eim_input){.kind = EIM_IN_NETWORK, .up = true});
  CHECK(world_until(&w, EIM_STATE_ONLINE, 1000));
  CHECK_STR(w.last_provision_token, "t1");
  world_stop(&w);
}

TEST(a_provider_that_gives_refused_tokens_uses_up_the_attempts) {
  world w;
  world_start(&w, 3, NULL);
  world_input(&w, (eim_input){.kind = EIM_IN_PROVIDER, .up = true});
  world_open_token(&w, "t0", 1);
  world_run(&w, 1000);
  w.provision = ANSWER_REFUSE;
  w.provision_reason = "Sorry, token expired";
  world_cut(&w);
  world_run(&w, 3000);
  for (int i = 0; i < 50 && eim_session_state(w.session) != EIM_STATE_OFFLINE; i++) {
    world_renew(&w, "t0", 0);
    world_run(&w, 3000);
  }
  CHECK_INT(eim_session_state(w.session), EIM_STATE_OFFLINE);
  CHECK(w.provisions <= 7);
  CHECK_INT(world_last(&w, EIM_EVENT_disconnected)->code, EIM_CODE_TOKEN_EXPIRED);
  world_stop(&w);
}

TEST(a_user_is_the_same_in_any_spelling) {
  world w;
  world_start(&w, 3, NULL);
  open_as(&w, "Alice", 1);
  world_run(&w, 1000);
  open_as(&w, "alice", 2);
  CHECK_INT(world_result(&w, 2)->code, EIM_CODE_USER_ALREADY_LOGIN);
  world_stop(&w);
}

TEST(a_server_that_pours_out_what_nobody_asked_for_is_left) {
  world w;
  world_start(&w, 3, (const char *const[]){"autoReconnectNumMax=0", NULL});
  world_open_token(&w, "t0", 1);
  world_run(&w, 1000);
  w.auto_done = false;
  int pages = 0;
  for (; pages < 10000 && eim_session_state(w.session) == EIM_STATE_ONLINE; pages++) {
    world_odd_page(&w, 8);
    world_run(&w, 10);
  }
  CHECK(pages * 8 > 16384 && pages * 8 < 16384 + 300);
  CHECK_INT(eim_session_state(w.session), EIM_STATE_OFFLINE);
  world_stop(&w);
}

/* A line that ends over a message that is too large: the largest one goes, the others are sent
 * again. Any other reason takes none. */
TEST(a_message_that_ends_the_line_is_not_sent_again) {
  static char large[40000];
  memset(large, 'x', sizeof large - 1);
  for (int code = 1008; code <= 1009; code++) {
    world w;
    world_start(&w, 3, NULL);
    world_open_token(&w, "t0", 1);
    CHECK(world_until(&w, EIM_STATE_ONLINE, 1000));
    w.sync = ANSWER_SILENT;
    world_send(&w, "one", 11);
    world_send(&w, large, 12);
    world_send(&w, "two", 13);
    world_run(&w, 5); /* they are on their way */
    world_cut_saying(&w, code);
    world_run(&w, 1);
    CHECK_INT(world_results(&w, 12), code == 1009);
    w.sync = ANSWER_OK;
    CHECK(world_until(&w, EIM_STATE_ONLINE, 60000));
    world_run(&w, 100);
    CHECK_INT(world_result(&w, 11)->code, 0);
    CHECK_INT(world_result(&w, 13)->code, 0);
    CHECK_INT(world_result(&w, 12)->code, code == 1009 ? EIM_CODE_MESSAGE_SIZE_LIMIT : 0);
    CHECK(!world_result(&w, 12)->may_have_happened);
    world_stop(&w);
  }
}
