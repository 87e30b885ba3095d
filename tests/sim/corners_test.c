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
