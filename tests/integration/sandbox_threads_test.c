/* Reactions, chat threads and pinned messages over REST: what is refused, and what is there after a
 * restart. docs/rest.md 13. What the others are told of it is in tests/scenarios and tests/interop.
 */
#include "eim_test.h"
#include "rest_checks.h"

#include <unistd.h>

EIM_TEST_MAIN

#define KEY EIM_SANDBOX_DEFAULT_APP_KEY
#define GROUP "conference.easemob.com"

static eim_sandbox *box;
static char *app, *alice, *bob, *carol;
static unsigned long long said, single, other; /* in the group g, to bob, in the group h */

#define REFUSED(...) REST_REFUSED(box, __VA_ARGS__)
#define GRANTED(...) REST_GRANTED(box, __VA_ARGS__)

static unsigned long long say(raw_socket *socket, const char *to, const char *domain, uint64_t id,
                              const char *words) {
  raw_send_text(socket, KEY, to, domain, id, strcmp(domain, GROUP) == 0 ? 2 : 1, words, 0);
  Easemob__Pb__CommSyncDL *down = raw_read_sync(socket);
  unsigned long long server_id =
      down && down->status && !down->status->errorcode ? down->serverid : 0;
  if (down) easemob__pb__comm_sync_dl__free_unpacked(down, NULL);
  return server_id;
}

static bool begin(const eim_sandbox_options *options) {
  char error[200];
  box = eim_sandbox_new(options, error, sizeof error);
  if (!box) {
    eim_test_fail(__FILE__, __LINE__, "%s", error);
    return false;
  }
  static const char *const names[] = {"alice", "bob", "carol"};
  for (size_t i = 0; i < 3; i++) eim_sandbox_add_user(box, names[i], "p");
  eim_sandbox_add_group(box, "g", false, names, 2);
  eim_sandbox_add_group(box, "h", false, names, 1);
  app = raw_app_token(box);
  alice = raw_token(box, "alice", "p");
  bob = raw_token(box, "bob", "p");
  carol = raw_token(box, "carol", "p");
  raw_socket *socket = raw_login(box, "alice", "p", "r1");
  if (!socket) return false;
  said = say(socket, "g", GROUP, 1, "in g");
  single = say(socket, "bob", "easemob.com", 2, "to bob");
  other = say(socket, "h", GROUP, 3, "in h");
  raw_close(socket);
  return app && alice && bob && carol && said && single && other;
}

static void end(void) {
  free(app);
  free(alice);
  free(bob);
  free(carol);
  eim_sandbox_free(box);
}

static const char *reacts(unsigned long long id, const char *reaction) {
  return rest_text("{\"msgId\":\"%llu\",\"message\":\"%s\"}", id, reaction);
}

TEST(reactions_that_are_refused) {
  REQUIRE(begin(NULL));
  const char *path = "/reaction/user/bob";
  REFUSED(alice, "POST", path, reacts(single, "x"), 401, "unauthorized", "permission");
  REFUSED(app, "POST", "/reaction/user/nobody", reacts(single, "x"), 404,
          "service_resource_not_found", "");
  REFUSED(bob, "PUT", path, "{}", 405, "web_application", "");
  REFUSED(bob, "POST", path, "[]", 400, "invalid_parameter", "object");
  REFUSED(bob, "POST", path, "{}", 400, "Bad Request", "the user operation is illegal!");
  REFUSED(bob, "POST", path, reacts(1, "x"), 400, "Bad Request", "illegal");
  REFUSED(bob, "POST", path, reacts(single, ""), 400, "Bad Request", "1 to 128 characters");
  char longest[140];
  memset(longest, 'x', 129);
  longest[129] = 0;
  REFUSED(bob, "POST", path, reacts(single, longest), 400, "Bad Request", "1 to 128 characters");
  longest[128] = 0;
  GRANTED(bob, "POST", path, reacts(single, longest), "\"groupId\":null");
  REFUSED(bob, "POST", path, reacts(single, longest), 400, "Bad Request",
          "the user is already operation this message");
  REFUSED(carol, "POST", "/reaction/user/carol", reacts(single, "x"), 400, "Bad Request",
          "the user operation is illegal!");
  REFUSED(carol, "POST", "/reaction/user/carol", reacts(said, "x"), 400, "Bad Request",
          "The user not in this group!");
  REFUSED(bob, "GET", "/reaction/user/bob?msgIdList=1&msgType=groupchat", NULL, 400, "Bad Request",
          "groupId can not be null!");
  REFUSED(bob, "GET",
          "/reaction/user/bob?msgType=chat&msgIdList=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,"
          "19,20,21",
          NULL, 400, "Bad Request", "msgIdList exceeds the maximum number limit");
  REFUSED(bob, "GET", rest_text("/reaction/user/bob/detail?msgId=%llu&message=y", single), NULL,
          400, "Bad Request", "illegal");
  REFUSED(bob, "GET", rest_text("/reaction/user/bob/detail?msgId=%llu&message=x&limit=51", single),
          NULL, 400, "Bad Request", "Limit exceeds");
  REFUSED(alice, "DELETE", rest_text("/reaction/user/alice?msgId=%llu&message=%s", single, longest),
          NULL, 400, "Bad Request", "the user operation is illegal!");
  GRANTED(carol, "GET", rest_text("/reaction/user/carol?msgType=chat&msgIdList=%llu", single), NULL,
          "\"data\":[]"); /* none of hers */
  GRANTED(bob, "DELETE", rest_text("/reaction/user/bob?msgId=%llu&message=%s", single, longest),
          NULL, "\"requestStatusCode\":\"ok\"");
  end();
}

static const char *makes(const char *group, unsigned long long id, const char *name,
                         const char *owner) {
  return rest_text("{\"group_id\":\"%s\",\"msg_id\":\"%llu\",\"name\":\"%s\",\"owner\":\"%s\"}",
                   group, id, name, owner);
}

/* The id of one that is made; the caller frees it. */
static char *made(const char *token, const char *body) {
  raw_answer answer = rest_call(box, token, "POST", "/thread", body);
  const cJSON *id = cJSON_GetObjectItem(cJSON_GetObjectItem(answer.json, "data"), "thread_id");
  char *copy = cJSON_IsString(id) ? strdup(id->valuestring) : NULL;
  if (!copy)
    eim_test_fail(__FILE__, __LINE__, "%d %s", answer.status, answer.body ? answer.body : "");
  raw_free(&answer);
  return copy;
}

TEST(threads_that_are_refused) {
  REQUIRE(begin(NULL));
  char name[70];
  memset(name, 'n', 65);
  name[65] = 0;
  REFUSED(NULL, "POST", "/thread", "{}", 401, "unauthorized", "");
  REFUSED(bob, "POST", "/thread", makes("g", said, "n", "alice"), 404, "group_error",
          "no permission");
  REFUSED(app, "POST", "/thread", makes("nowhere", said, "n", "bob"), 404, "group_error",
          "group not found.");
  REFUSED(bob, "POST", "/thread", makes("h", other, "n", "bob"), 404, "group_error",
          "user not in group.");
  REFUSED(app, "POST", "/thread", makes("g", said, "n", "carol"), 404, "group_error",
          "user not in group.");
  REFUSED(bob, "POST", "/thread", makes("g", said, name, "bob"), 400, "group_error",
          "thread name limit reached.");
  REFUSED(bob, "POST", "/thread", makes("g", 1, "n", "bob"), 404, "group_error", "msg not exist.");
  REFUSED(bob, "POST", "/thread", makes("g", single, "n", "bob"), 400, "group_error",
          "thread must on group message to create.");
  REFUSED(alice, "POST", "/thread", makes("g", other, "n", "alice"), 400, "group_error",
          "msg not belong to group .");
  REFUSED(bob, "GET", "/thread", NULL, 401, "unauthorized", "");
  name[64] = 0;
  char *id = made(bob, makes("g", said, name, "bob"));
  REQUIRE(id);
  REFUSED(alice, "POST", "/thread", makes("g", said, "n", "alice"), 403, "group_error",
          "msg already create thread.not allow to create.");
  raw_socket *socket = raw_login(box, "bob", "p", "r2");
  REQUIRE(socket);
  unsigned long long inside = say(socket, id, GROUP, 9, "in the thread");
  raw_close(socket);
  CHECK(inside);
  REFUSED(bob, "POST", "/thread", makes("g", inside, "n", "bob"), 400, "group_error",
          "thread not nested.");
  GRANTED(app, "GET", "/thread", NULL, rest_text("\"entities\":[{\"id\":\"%s\"}]", id));
  REFUSED(carol, "GET", rest_text("/thread/%s", id), NULL, 404, "group_error",
          "user not in group.");
  REFUSED(bob, "GET", "/thread/g", NULL, 404, "group_error", "thread not found.");
  REFUSED(bob, "PUT", rest_text("/thread/%s", id), "{}", 400, "group_error",
          "name must be provided");
  REFUSED(bob, "DELETE", rest_text("/thread/%s", id), NULL, 404, "group_error", "no permission");
  REFUSED(bob, "DELETE", rest_text("/thread/%s/users/bob", id), NULL, 404, "group_error", "");
  REFUSED(bob, "GET", rest_text("/thread/%s/users?limit=51", id), NULL, 400, "group_error",
          "query param reaches limit.");
  REFUSED(bob, "POST", rest_text("/thread/%s/user/alice/join", id), "", 401, "unauthorized", "");
  REFUSED(bob, "POST", rest_text("/thread/%s/user/bob/join", id), "", 400, "group_error",
          "already");
  REFUSED(alice, "DELETE", rest_text("/thread/%s/user/alice/quit", id), NULL, 404, "group_error",
          "user not in thread.");
  REFUSED(app, "POST", rest_text("/thread/%s/users", id),
          "{\"usernames\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\"]}",
          400, "group_error", "request body reaches limit.");
  /* Who is not in the group does not come into the thread. */
  GRANTED(app, "POST", rest_text("/thread/%s/users", id), "{\"usernames\":[\"alice\",\"carol\"]}",
          "\"status\":\"ok\"");
  GRANTED(bob, "GET", rest_text("/thread/%s/users", id), NULL, "[\"bob\",\"alice\"]");
  GRANTED(app, "DELETE", rest_text("/thread/%s/users", id), "{\"usernames\":[\"alice\",\"carol\"]}",
          "[{\"result\":true,\"user\":\"alice\"},{\"result\":false,\"user\":\"carol\"}]");
  /* It is no group to anybody who asks for groups. */
  REFUSED(bob, "GET", rest_text("/chatgroups/%s", id), NULL, 404, "service_resource_not_found", "");
  REFUSED(bob, "DELETE", rest_text("/chatgroups/%s/quit", id), NULL, 404, "resource_not_found", "");
  GRANTED(bob, "GET", "/users/bob/joined_chatgroups", NULL, "\"count\":1");
  GRANTED(bob, "GET", "/sdk/user/bob/user_channels/list", NULL, "\"session_to\":\"g\"");
  /* The account of its maker goes, it stays; the group goes, it goes. */
  GRANTED(app, "DELETE", "/users/bob", NULL, "bob");
  GRANTED(alice, "GET", rest_text("/thread/%s", id), NULL, "\"affiliations_count\":0");
  GRANTED(app, "DELETE", "/users/alice", NULL, "alice");
  REFUSED(app, "GET", rest_text("/thread/%s", id), NULL, 404, "group_error", "thread not found.");
  free(id);
  end();
}

static const char *pins(const char *to, const char *type, unsigned long long id) {
  return rest_text("{\"to\":\"%s\",\"type\":\"%s\",\"pin_msg_id\":\"%llu\"}", to, type, id);
}

TEST(pins_that_are_refused) {
  REQUIRE(begin(NULL));
  const char *path = "/sdk/user/bob/user_channel/pin";
  REFUSED(bob, "POST", path, pins("alice", "thread", single), 400, "illegal_argument",
          "param type only allow [groupchat,chatroom]!");
  REFUSED(bob, "POST", path, pins("nobody", "chat", single), 404, "resource_not_found",
          "username nobody doesn't exist!");
  REFUSED(bob, "POST", path, pins("alice", "chat", said), 400, "illegal_argument",
          "param pin_msg_id illegal");
  REFUSED(carol, "POST", "/sdk/user/carol/user_channel/pin", pins("alice", "chat", single), 400,
          "illegal_argument", "param pin_msg_id illegal");
  GRANTED(bob, "POST", path, pins("alice", "chat", single), "");
  GRANTED(alice, "GET", "/sdk/user/alice/user_channel/pin?to=bob&type=chat", NULL,
          "\"pin_operator\":\"bob\"");
  REFUSED(bob, "POST", path, pins("nowhere", "groupchat", said), 404, "resource_not_found",
          "grpID nowhere does not exist!");
  REFUSED(bob, "POST", path, pins("g", "chatroom", said), 404, "resource_not_found", "grpID g");
  REFUSED(bob, "POST", path, pins("h", "groupchat", other), 403, "forbidden_op",
          "users [bob] are not members of this group!");
  REFUSED(bob, "POST", path, pins("g", "groupchat", other), 400, "illegal_argument",
          "param pin_msg_id illegal");
  REFUSED(bob, "DELETE", path, pins("g", "groupchat", said), 404, "not_found",
          "user session pin message not exist");
  REFUSED(bob, "PUT", path, "{}", 405, "web_application", "");
  raw_socket *socket = raw_login(box, "bob", "p", "r2");
  REQUIRE(socket);
  unsigned long long ids[21];
  for (unsigned i = 0; i < 21; i++) ids[i] = say(socket, "g", GROUP, 100 + i, "x");
  raw_close(socket);
  for (unsigned i = 0; i < 20; i++) {
    GRANTED(bob, "POST", path, pins("g", "groupchat", ids[i]), "");
    eim_sandbox_move_clock(box, 10);
  }
  REFUSED(bob, "POST", path, pins("g", "groupchat", ids[20]), 400, "illegal_argument",
          "The quantity has exceeded the limit!");
  GRANTED(alice, "POST", "/sdk/user/alice/user_channel/pin", pins("g", "groupchat", ids[0]),
          ""); /* once more */
  raw_answer page =
      rest_call(box, bob, "GET", rest_text("%s?to=g&type=groupchat&limit=2", path), NULL);
  const cJSON *data = cJSON_GetObjectItem(page.json, "data"),
              *infos = cJSON_GetObjectItem(data, "msg_infos");
  CHECK_INT(cJSON_GetArraySize(infos), 2);
  for (int i = 0; i < 2; i++) { /* the newest pin first */
    const cJSON *info = cJSON_GetArrayItem(infos, i);
    CHECK_STR(cJSON_GetStringValue(cJSON_GetObjectItem(cJSON_GetObjectItem(info, "message"), "id")),
              rest_text("%llu", ids[i ? 19 : 0]));
    CHECK_STR(cJSON_GetStringValue(cJSON_GetObjectItem(info, "pin_operator")), i ? "bob" : "alice");
  }
  CHECK_STR(cJSON_GetStringValue(cJSON_GetObjectItem(data, "cursor")), "2");
  raw_free(&page);
  GRANTED(bob, "GET", rest_text("%s?to=g&type=groupchat&limit=10&cursor=18", path), NULL,
          rest_text("\"id\":\"%llu\"", ids[1]));
  end();
}

TEST(what_is_no_utf8_does_not_come_back) {
  REQUIRE(begin(NULL));
  char name[64 * 6 + 1] = ""; /* the buffer of a name ends within a character */
  for (int i = 0; i < 64; i++) strcat(name, "%C3%A9");
  REFUSED(alice, "GET", rest_text("/user/alice/user_channel/pin?type=chat&to=%s", name), NULL, 404,
          "resource_not_found", "\xc3\xa9 doesn't exist!");
  REFUSED(alice, "GET", "/user/alice/user_channel/pin?type=chat&to=x%FFy", NULL, 404,
          "resource_not_found", "username xy doesn't exist!");
  REFUSED(app, "PUT", "/chatgroups/%C3/x%FF", "{}", 404, "resource_not_found", "");
  end();
}

TEST(a_restart_keeps_them) {
  char folder[] = "/tmp/eim-threads-XXXXXX", file[64], wal[80], forget[700];
  REQUIRE(mkdtemp(folder));
  snprintf(file, sizeof file, "%s/box.db", folder);
  snprintf(wal, sizeof wal, "%s-wal", file);
  REQUIRE(begin(&(eim_sandbox_options){.data = file}));
  char *id = made(bob, makes("g", said, "Rowing", "bob"));
  REQUIRE(id);
  raw_socket *socket = raw_login(box, "bob", "p", "r2");
  REQUIRE(socket);
  CHECK(say(socket, id, GROUP, 9, "in the thread"));
  raw_close(socket);
  GRANTED(bob, "POST", "/reaction/user/bob", reacts(said, "yes"), "\"reaction\":\"yes\"");
  GRANTED(bob, "POST", "/reaction/user/bob", reacts(single, "yes"), "\"reaction\":\"yes\"");
  GRANTED(bob, "POST", "/sdk/user/bob/user_channel/pin", pins("g", "groupchat", said), "");
  snprintf(forget, sizeof forget, "/reaction/user/bob?msgId=%llu&message=yes", single);
  GRANTED(bob, "DELETE", forget, NULL, "ok");
  const char *asked[] = {
      rest_text("/reaction/user/bob?msgType=groupchat&groupId=g&msgIdList=%llu", said),
      rest_text("/thread/%s", id), "/sdk/user/bob/user_channel/pin?to=g&type=groupchat"};
  static const char *const parts[] = {"\"userList\":[\"bob\"]", "\"affiliations_count\":1",
                                      "\"pin_operator\":\"bob\""};
  char paths[3][300];
  for (int i = 0; i < 3; i++) snprintf(paths[i], sizeof paths[i], "%s", asked[i]);
  for (int i = 0; i < 3; i++) GRANTED(bob, "GET", paths[i], NULL, parts[i]);
  eim_sandbox_free(box);

  char error[200];
  box = eim_sandbox_new(&(eim_sandbox_options){.data = file}, error, sizeof error);
  REQUIRE(box);
  for (int i = 0; i < 3; i++) GRANTED(bob, "GET", paths[i], NULL, parts[i]);
  GRANTED(bob, "GET", rest_text("/reaction/user/bob?msgType=chat&msgIdList=%llu", single), NULL,
          "\"data\":[]");
  GRANTED(bob, "POST", "/thread/message", rest_text("{\"threadIds\":[\"%s\"]}", id),
          "in the thread");
  free(id);
  end();
  unlink(file);
  unlink(wal);
  CHECK_INT(rmdir(folder), 0);
}
