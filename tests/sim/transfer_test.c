/* Uploads and downloads: who is told token and secret, what is repeated, when it ends. */
#include <stdlib.h>
#include <string.h>

#include <eim/error.h>
#include <eim/message.h>

#include "eim_test.h"
#include "world.h"

static void begin(world *w, const char *plan, const char *const *options) {
  world_start(w, 1, options);
  w->rest_plan = plan;
  world_open_token(w, "t", 1);
  CHECK(world_until(w, EIM_STATE_ONLINE, 1000));
}

static void upload(world *w, uint64_t token) {
  world_input(w, (eim_input){.kind = EIM_IN_UPLOAD,
                             .user = "/tmp/cat.png",
                             .text = "cat.png",
                             .width = 100,
                             .height = 50,
                             .token = token});
}

static void download(world *w, const char *url, uint64_t token) {
  eim_secret *secret = eim_secret_new("sesame");
  world_input(w, (eim_input){.kind = EIM_IN_DOWNLOAD,
                             .user = "/tmp/cat.png",
                             .text = url,
                             .secret = secret,
                             .max_bytes = 1000,
                             .up = true,
                             .token = token});
  eim_secret_unref(secret);
}

TEST(upload_gives_the_fields_of_a_message) {
  world w;
  begin(&w, "u", NULL);
  upload(&w, 2);
  CHECK_STR(w.rest_url, "http://rest.test:81/lab/peer/chatfiles");
  CHECK_STR(w.rest_token, "t");
  CHECK_STR(w.rest_file, "send /tmp/cat.png as cat.png 100x50");
  CHECK_INT(w.rest_method, EIM_HTTP_POST);
  CHECK(w.rest_once);
  world_run(&w, 1000);
  CHECK_INT(world_result(&w, 2)->code, 0);
  CHECK_STR(w.result_json,
            "{\"url\":\"http://rest.test:81/lab/peer/chatfiles/5fd7-1\",\"secret\":\"s\",\"uuid\":"
            "\"5fd7-1\",\"filename\":\"cat.png\",\"file_length\":700}");
  CHECK_INT(world_count(&w, EIM_EVENT_progress), 1);
  w.rest_plan = "h"; /* 200 without a file */
  upload(&w, 3);
  world_run(&w, 1000);
  CHECK_INT(world_result(&w, 3)->code, EIM_E_PROTOCOL);
  CHECK(world_result(&w, 3)->may_have_happened);
  w.rest_plan = "3"; /* busy: not repeated */
  upload(&w, 4);
  world_run(&w, 20000);
  CHECK_INT(world_result(&w, 4)->code, EIM_CODE_SERVER_BUSY);
  CHECK_INT(w.rest_calls, 3);
  world_stop(&w);
}

TEST(upload_goes_to_the_next_host_but_not_for_a_bad_file) {
  world w;
  begin(&w, "cu", (const char *const[]){"isHttpDNS=true", NULL});
  upload(&w, 2);
  world_run(&w, 1000);
  CHECK_INT(world_result(&w, 2)->code, 0);
  CHECK_INT(w.rest_calls, 2);
  CHECK(strstr(w.result_json, "https://a2.test:443/lab/peer/chatfiles/") != NULL);
  w.rest_plan = "f";
  upload(&w, 3);
  world_run(&w, 20000);
  CHECK_INT(world_result(&w, 3)->code, EIM_E_INVALID);
  CHECK(!world_result(&w, 3)->may_have_happened);
  CHECK_INT(w.rest_calls, 3);
  world_stop(&w);
}

TEST(transfer_lives_as_long_as_something_moves) {
  world w;
  begin(&w, "s", NULL);
  int64_t from = w.now.mono;
  upload(&w, 2);
  for (int i = 1; i <= 10; i++) {
    world_run(&w, 10000);
    world_input(
        &w, (eim_input){.kind = EIM_IN_PROGRESS, .id = w.rest_id, .done = i * 10, .total = 700});
  }
  CHECK_INT(world_results(&w, 2), 0);
  CHECK_INT(world_count(&w, EIM_EVENT_progress), 10);
  world_run(&w, 20000);
  CHECK_INT(world_result(&w, 2)->code, EIM_CODE_SERVER_TIMEOUT);
  CHECK(world_result(&w, 2)->may_have_happened);
  CHECK_INT(world_result(&w, 2)->at, from + 115000);
  world_stop(&w);
}

TEST(download_tells_secrets_to_hosts_of_the_app_only) {
  static const struct {
    const char *url;
    bool ours;
  } cases[] = {
      {"http://rest.test:81/lab/peer/chatfiles/1", true},
      {"HTTP://REST.test:81/lab/peer/chatfiles/1", true},
      {"https://rest.test:81/chatfiles/1", false},
      {"http://rest.test/chatfiles/1", false},
      {"http://rest.test:812/chatfiles/1", false},
      {"http://rest.test.evil:81/chatfiles/1", false},
      {"http://evil.test/?http://rest.test:81/chatfiles/1", false},
      {"http://evil.test/rest.test:81/chatfiles/1", false},
  };
  world w;
  begin(&w, "", NULL);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    download(&w, cases[i].url, 10 + i);
    CHECK_STR(w.rest_url, cases[i].url);
    CHECK_STR(w.rest_token, cases[i].ours ? "t" : "");
    CHECK_STR(w.rest_file, cases[i].ours ? "receive /tmp/cat.png at most 1000 small with sesame"
                                         : "receive /tmp/cat.png at most 1000 small");
    world_run(&w, 1000);
    CHECK_INT(world_result(&w, 10 + i)->code, 0);
    CHECK_STR(w.result_json, "{\"path\":\"/tmp/cat.png\",\"file_length\":700}");
  }
  /* A foreign host that wants a token gets none, and nobody is asked for one. */
  world_input(&w, (eim_input){.kind = EIM_IN_PROVIDER, .up = true});
  w.rest_plan = "1";
  download(&w, "http://evil.test/chatfiles/1", 30);
  world_run(&w, 1000);
  CHECK_INT(world_result(&w, 30)->code, EIM_CODE_INVALID_TOKEN);
  CHECK_INT(world_count(&w, EIM_EVENT_token_request), 0);
  world_stop(&w);
}

TEST(download_knows_the_hosts_of_the_list) {
  world w;
  begin(&w, "", (const char *const[]){"isHttpDNS=true", NULL});
  download(&w, "https://a2.test/lab/peer/chatfiles/1", 2); /* its port is the usual one */
  CHECK_STR(w.rest_token, "t");
  download(&w, "https://m1.test/lab/peer/chatfiles/1", 3);
  CHECK_STR(w.rest_token, "");
  world_stop(&w);
}

TEST(download_is_repeated_like_a_get) {
  world w;
  begin(&w, "m", NULL);
  download(&w, "http://rest.test:81/lab/peer/chatfiles/1", 2);
  world_run(&w, 15000);
  CHECK_INT(world_result(&w, 2)->code, 0);
  CHECK_INT(w.rest_calls, 2);
  w.rest_plan = "66"; /* a second time it is an answer */
  int before = w.rest_calls;
  download(&w, "http://rest.test:81/lab/peer/chatfiles/1", 3);
  world_run(&w, 15000);
  CHECK_INT(w.rest_calls, before + 2);
  CHECK(world_result(&w, 3)->code != 0);
  w.rest_plan = "4";
  download(&w, "http://rest.test:81/lab/peer/chatfiles/1", 4);
  world_run(&w, 15000);
  CHECK(world_result(&w, 4)->code != 0);
  w.rest_plan = "s";
  download(&w, "http://rest.test:81/lab/peer/chatfiles/1", 5);
  world_input(&w, (eim_input){.kind = EIM_IN_CANCEL, .token = 5});
  CHECK_INT(world_result(&w, 5)->code, EIM_E_CANCELED);
  world_stop(&w);
}

TEST(download_check_refuses_what_is_no_url_of_a_file) {
  static const char *const bad[] = {NULL,           "",
                                    "/etc/passwd",  "file:///etc/passwd",
                                    "ftp://h/x",    "http://",
                                    "http:///x",    "http://user:pw@h/x",
                                    "http://h\\@i", "http://h/a b",
                                    "http://h/\n",  "http://[::1/x"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    eim_error *error = eim_download_check(bad[i]);
    if (!error) printf("row %zu is taken\n", i);
    CHECK_INT(eim_error_code(error), EIM_CODE_INVALID_PARAM);
    eim_error_unref(error);
  }
  CHECK(!eim_download_check("http://[::1]:80/x"));
  CHECK(!eim_download_check("https://h/x?em-redirect=true"));
}

/* An image whose file is of this machine; as eim_client_send() posts it. */
static void send_image(world *w, uint64_t token) {
  eim_message *message;
  REQUIRE(!eim_message_from_json(
      "{\"type\":\"img\",\"to\":\"other\",\"path\":\"/tmp/cat.png\",\"width\":8}", &message));
  world_input(w, (eim_input){.kind = EIM_IN_UPLOAD,
                             .user = "/tmp/cat.png",
                             .text = "cat.png",
                             .message = message,
                             .token = token});
  eim_message_unref(message);
}

TEST(a_message_goes_out_when_its_file_is_up) {
  world w;
  begin(&w, "su", NULL); /* the first is never answered, the second is */
  send_image(&w, 2);
  world_send(&w, "a text does not wait for it", 3);
  world_run(&w, 1000);
  CHECK_INT(world_result(&w, 3)->code, 0);
  CHECK_INT(world_results(&w, 2), 0);
  CHECK_INT(w.sent_count, 1);
  send_image(&w, 4);
  world_run(&w, 1000);
  CHECK_INT(world_result(&w, 4)->code, 0);
  CHECK_INT(w.sent_count, 2);
  CHECK_INT(world_count(&w, EIM_EVENT_progress), 1);
  world_run(&w, 60000); /* the first gives up: nothing was sent, and nothing may have been */
  CHECK_INT(world_result(&w, 2)->code, EIM_CODE_SERVER_TIMEOUT);
  CHECK(!world_result(&w, 2)->may_have_happened);
  CHECK_INT(w.sent_count, 2);
  world_stop(&w);
}

TEST(a_message_with_a_file_survives_a_cut_after_the_upload) {
  world w;
  begin(&w, "u", NULL);
  w.delay = 50;
  send_image(&w, 2);
  world_run(&w, 100); /* up, and the message is on its way */
  world_cut(&w);
  world_run(&w, 30000);
  CHECK_INT(world_result(&w, 2)->code, 0);
  CHECK_INT(w.rest_calls, 1); /* not uploaded again */
  world_stop(&w);
}

TEST(a_message_whose_upload_is_refused_given_up_or_closed_is_not_sent) {
  world w;
  begin(&w, "f3ss", NULL);
  send_image(&w, 2);
  world_run(&w, 1000);
  CHECK_INT(world_result(&w, 2)->code, EIM_E_INVALID);
  send_image(&w, 3);
  world_run(&w, 20000);
  CHECK_INT(world_result(&w, 3)->code, EIM_CODE_SERVER_BUSY);
  CHECK(!world_result(&w, 3)->may_have_happened);
  send_image(&w, 4);
  world_run(&w, 10);
  world_input(&w, (eim_input){.kind = EIM_IN_CANCEL, .token = 4});
  CHECK_INT(world_result(&w, 4)->code, EIM_E_CANCELED);
  send_image(&w, 5);
  world_run(&w, 10);
  world_close(&w, 6);
  world_run(&w, 5000);
  CHECK(world_result(&w, 5)->code != 0);
  CHECK(!world_result(&w, 5)->may_have_happened);
  CHECK_INT(w.sent_count, 0);
  world_stop(&w);
}

TEST(download_into_memory_gives_the_bytes) {
  world w;
  begin(&w, "cho", NULL);
  world_input(&w, (eim_input){.kind = EIM_IN_DOWNLOAD,
                              .text = "http://rest.test:81/lab/peer/chatfiles/1",
                              .token = 2});
  CHECK_STR(w.rest_file, "receive into memory at most 16777216");
  world_run(&w, 20000); /* not connected: again after a while */
  CHECK_INT(world_result(&w, 2)->code, 0);
  CHECK_INT(w.rest_calls, 2);
  CHECK_STR(w.result_json, "{\"file_length\":700}");
  CHECK_STR(w.result_bytes, "<html>");
  world_stop(&w);
}

static void unfold(world *w, uint64_t token) {
  eim_message *message;
  if (eim_message_from_json("{\"type\":\"combine\",\"to\":\"b\",\"url\":\"u\",\"combineLevel\":2}",
                            &message))
    abort();
  world_input(w, (eim_input){.kind = EIM_IN_DOWNLOAD,
                             .text = "http://rest.test:81/lab/peer/chatfiles/1",
                             .message = message,
                             .token = token});
  eim_message_unref(message);
}

TEST(combined_messages_that_cannot_be_read_are_an_error) {
  world w;
  begin(&w, "he4s", NULL);
  for (uint64_t token = 2; token < 4; token++) {
    unfold(&w, token);
    CHECK_STR(w.rest_file, "receive into memory at most 4194304");
    world_run(&w, 1000);
    CHECK_INT(world_result(&w, token)->code, EIM_CODE_FILE_INVALID);
  }
  unfold(&w, 4);
  world_run(&w, 1000);
  CHECK(world_result(&w, 4)->code > 0); /* as of any REST call */
  unfold(&w, 5);
  world_input(&w, (eim_input){.kind = EIM_IN_CANCEL, .token = 5});
  CHECK_INT(world_result(&w, 5)->code, EIM_E_CANCELED);
  world_stop(&w);
}

TEST(combined_messages_are_sent_when_their_file_is_up) {
  world w;
  eim_message *message;
  begin(&w, "us", NULL);
  REQUIRE(!eim_message_from_json("{\"type\":\"combine\",\"to\":\"bob\",\"compatibleText\":\"two\","
                                 "\"messages\":[{\"type\":\"txt\",\"to\":\"c\",\"msg\":\"x\"}]}",
                                 &message));
  eim_input input = {.kind = EIM_IN_UPLOAD, .text = "combine", .message = message, .token = 2};
  world_input(&w, input);
  CHECK_CONTAINS(w.rest_file, "send cm");
  CHECK_CONTAINS(w.rest_file, "as combine");
  world_run(&w, 1000);
  CHECK_INT(world_result(&w, 2)->code, 0);
  CHECK_STR(w.sent[0].text, "two");
  input.token = 3;
  world_input(&w, input);
  world_close(&w, 4); /* while it goes up: it was surely not sent */
  CHECK_INT(world_result(&w, 3)->code, EIM_E_CANCELED);
  CHECK(!world_result(&w, 3)->may_have_happened);
  CHECK_INT(w.sent_count, 1);
  eim_message_unref(message);
  world_stop(&w);
}
