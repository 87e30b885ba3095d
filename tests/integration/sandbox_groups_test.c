/* REST of groups, rooms, contacts and attributes: what is answered and what is refused.
 * docs/rest.md 10 to 12. What the others are told of it is in tests/scenarios. */
#include "eim_test.h"
#include "rest_checks.h"

EIM_TEST_MAIN

#define BASE "/sandbox/demo"

static eim_sandbox *box;
static char *app, *alice, *bob, *carol;

static bool begin(void) {
  char error[200];
  box = eim_sandbox_new(NULL, error, sizeof error);
  if (!box) {
    eim_test_fail(__FILE__, __LINE__, "%s", error);
    return false;
  }
  static const char *const names[] = {"alice", "bob", "carol", "dave"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    eim_sandbox_add_user(box, names[i], "p");
  app = raw_app_token(box);
  alice = raw_token(box, "alice", "p");
  bob = raw_token(box, "bob", "p");
  carol = raw_token(box, "carol", "p");
  return app && alice && bob && carol;
}

static void end(void) {
  free(app);
  free(alice);
  free(bob);
  free(carol);
  eim_sandbox_free(box);
}

#define REFUSED(...) REST_REFUSED(box, __VA_ARGS__)
#define GRANTED(...) REST_GRANTED(box, __VA_ARGS__)

/* data.<member> of the answer; the caller frees it. */
static char *made(const char *token, const char *path, const char *body, const char *member) {
  raw_answer answer = rest_call(box, token, "POST", path, body);
  const cJSON *id = cJSON_GetObjectItem(cJSON_GetObjectItem(answer.json, "data"), member);
  char *copy = cJSON_IsString(id) ? strdup(id->valuestring) : NULL;
  if (!copy)
    eim_test_fail(__FILE__, __LINE__, "POST %s: %d %s", path, answer.status,
                  answer.body ? answer.body : "");
  raw_free(&answer);
  return copy;
}

TEST(a_group_is_checked_before_it_is_made) {
  REQUIRE(begin());
  const char *groups = "/chatgroups";
  REFUSED(NULL, "POST", groups, "{}", 401, "group_authorization", "token is blank!");
  REFUSED("YWMtbad", "POST", groups, "{}", 401, "auth_bad_access_token", "corrupt");
  REFUSED(app, "POST", groups, "{", 400, "json_parse", "");
  REFUSED(app, "POST", groups, "{\"owner\":\"alice\"}", 400, "invalid_parameter",
          "group must contain public field!");
  REFUSED(app, "POST", groups, "{\"public\":true}", 400, "invalid_parameter",
          "owner must be provided");
  REFUSED(app, "POST", groups, "{\"public\":true,\"owner\":\"nobody\"}", 404, "resource_not_found",
          "username nobody doesn't exist!");
  REFUSED(app, "POST", groups, "{\"public\":true,\"owner\":\"alice\",\"members\":[\"nobody\"]}",
          404, "resource_not_found", "username nobody doesn't exist!");
  REFUSED(app, "POST", groups,
          "{\"public\":true,\"owner\":\"alice\",\"maxusers\":2,\"members\":[\"bob\",\"carol\"]}",
          403, "exceed_limit", "members size is greater than max user size !");
  REFUSED(alice, "POST", groups, "{\"public\":true,\"owner\":\"bob\"}", 403, "forbidden_op", "");
  REFUSED(app, "PUT", groups, "{}", 405, "web_application", "");
  raw_answer plain =
      raw_http(eim_sandbox_port(box), NULL, "POST", BASE "/chatgroups", alice, "text/plain", "{}");
  CHECK_INT(plain.status, 415);
  raw_free(&plain);
  GRANTED(app, "GET", groups, NULL, "\"data\":[]");
  end();
}

TEST(a_group_is_looked_at_changed_and_ended) {
  REQUIRE(begin());
  char *id = made(app, "/chatgroups",
                  "{\"groupname\":\"G\",\"description\":\"D\",\"public\":false,\"owner\":\"Alice\","
                  "\"members\":[\"bob\"],\"allowinvites\":true,\"custom\":\"x\"}",
                  "groupid");
  REQUIRE(id);
  GRANTED(bob, "GET", rest_text("/chatgroups/%s", id), NULL,
          "\"name\":\"G\",\"description\":\"D\",\"membersonly\":false,\"allowinvites\":true,"
          "\"invite_need_confirm\":true,\"maxusers\":200,\"owner\":\"alice\"");
  GRANTED(bob, "GET", rest_text("/chatgroups/%s?joined_time=true", id), NULL, "\"joined_time\":");
  GRANTED(app, "GET", rest_text("/chatgroups/%s,1", id), NULL, "group id doesn't exist");
  REFUSED(app, "GET", "/chatgroups/1", NULL, 404, "service_resource_not_found",
          "do not find this group:1");
  REFUSED(app, "DELETE", "/chatgroups/1", NULL, 404, "resource_not_found",
          "grpID 1 does not exist!");
  REFUSED(app, "GET", rest_text("/chatrooms/%s", id), NULL, 404, "service_resource_not_found", "");
  GRANTED(app, "GET", rest_text("/chatgroups/%s/users?pagenum=2&pagesize=1", id), NULL,
          "\"data\":[{\"member\":\"bob\"}],\"count\":1");
  GRANTED(bob, "GET", rest_text("/chatgroups/%s/users?limit=1&joined_time=true", id), NULL,
          "\"cursor\":\"1\"");
  REFUSED(carol, "GET", rest_text("/chatgroups/%s/users", id), NULL, 403, "forbidden_op",
          "users [carol] are not members of this group!");
  GRANTED(app, "GET", rest_text("/chatgroups/%s/user/bob/is_joined", id), NULL, "\"data\":true");
  GRANTED(app, "GET", rest_text("/chatgroups/%s/user/carol/is_joined", id), NULL, "\"data\":false");
  GRANTED(app, "PUT", rest_text("/chatgroups/%s", id), "{\"groupname\":\"H\",\"maxusers\":3}",
          "\"data\":{\"groupname\":true,\"maxusers\":true}");
  REFUSED(app, "PUT", rest_text("/chatgroups/%s", id), "{\"groupid\":\"1\"}", 400,
          "invalid_parameter", "some of [groupid] are not valid fields");
  REFUSED(bob, "PUT", rest_text("/chatgroups/%s", id), "{\"groupname\":\"mine\"}", 403,
          "forbidden_op", "");
  REFUSED(app, "PUT", rest_text("/chatgroups/%s", id), "{\"newowner\":\"carol\"}", 403,
          "forbidden_op", "user: carol doesn't exist in group");
  REFUSED(app, "PUT", rest_text("/chatgroups/%s", id), "{\"newowner\":\"alice\"}", 403,
          "forbidden_op", "new owner and old owner are the same");
  GRANTED(bob, "GET", "/users/bob/joined_chatgroups", NULL, "\"groupname\":\"H\"");
  GRANTED(bob, "GET", "/chatgroups/user/bob?pagenum=0", NULL, "\"total\":1");
  REFUSED(bob, "GET", "/chatgroups/user/alice", NULL, 401, "unauthorized", "");
  GRANTED(app, "POST", rest_text("/chatgroups/%s/disable", id), "", "\"disabled\":true");
  REFUSED(app, "POST", rest_text("/chatgroups/%s/users/carol", id), "", 403, "forbidden_op",
          "group is disabled");
  REFUSED(alice, "POST", rest_text("/chatgroups/%s/enable", id), "", 401, "unauthorized", "");
  GRANTED(app, "POST", rest_text("/chatgroups/%s/enable", id), "", "\"disabled\":false");
  GRANTED(app, "DELETE", rest_text("/chatgroups/%s", id), NULL, "\"success\":true");
  REFUSED(app, "GET", rest_text("/chatgroups/%s/users", id), NULL, 404, "resource_not_found", "");
  free(id);
  end();
}

TEST(members_of_a_group) {
  REQUIRE(begin());
  eim_sandbox_add_group(box, "g", false, (const char *const[]){"alice", "bob"}, 2);
  REFUSED(bob, "POST", "/chatgroups/g/users/carol", "", 403, "forbidden_op", "");
  REFUSED(alice, "POST", "/chatgroups/g/users/bob", "", 403, "forbidden_op",
          "can not join this group, reason:user: bob already in group: g\n");
  REFUSED(alice, "POST", "/chatgroups/g/users/nobody", "", 404, "resource_not_found",
          "username nobody doesn't exist!");
  GRANTED(
      alice, "POST", "/chatgroups/g/users/Carol", "",
      "\"data\":{\"result\":true,\"action\":\"add_member\",\"user\":\"carol\",\"groupid\":\"g\"}");
  GRANTED(app, "POST", "/chatgroups/g/users", "{\"usernames\":[\"bob\",\"dave\"]}",
          "\"newmembers\":[\"dave\"]");
  REFUSED(app, "POST", "/chatgroups/g/users", "{\"usernames\":[\"bob\",\"dave\"]}", 403,
          "forbidden_op", "already in group");
  REFUSED(app, "POST", "/chatgroups/g/users", "{}", 400, "invalid_parameter", "usernames");
  GRANTED(app, "DELETE", "/chatgroups/g/users/dave,nobody", NULL,
          "\"reason\":\"user nobody doesn't exist.\"");
  REFUSED(app, "DELETE", "/chatgroups/g/users/dave", NULL, 403, "forbidden_op",
          "users [dave] are not members of this group!");
  REFUSED(app, "DELETE", "/chatgroups/g/users/alice", NULL, 403, "forbidden_op",
          "forbidden operation on group owner!");
  REFUSED(bob, "POST", "/chatgroups/g/admin", "{\"newadmin\":\"bob\"}", 403, "forbidden_op", "");
  REFUSED(app, "POST", "/chatgroups/g/admin", "{\"newadmin\":\"dave\"}", 404, "resource_not_found",
          "user: dave doesn't exist in group: g");
  GRANTED(alice, "POST", "/chatgroups/g/admin", "{\"newadmin\":\"bob\"}", "\"newadmin\":\"bob\"");
  GRANTED(alice, "GET", "/chatgroups/g/admin", NULL, "\"data\":[\"bob\"],\"count\":1");
  GRANTED(bob, "DELETE", "/chatgroups/g/users/carol", NULL, "\"action\":\"remove_member\"");
  REFUSED(alice, "DELETE", "/chatgroups/g/admin/carol", NULL, 403, "forbidden_op",
          "user:carol is not admin of group:g");
  REFUSED(app, "PATCH", "/chatgroups/g/users", NULL, 405, "web_application", "");
  REFUSED(app, "GET", "/chatgroups/g/no/such/thing", NULL, 404, "service_resource_not_found", "");
  end();
}

TEST(moderation_of_a_group) {
  REQUIRE(begin());
  eim_sandbox_add_group(box, "g", false, (const char *const[]){"alice", "bob", "carol"}, 3);
  const char *mute = "/chatgroups/g/mute";
  REFUSED(alice, "POST", mute, "{\"usernames\":[\"bob\"]}", 400, "invalid_parameter",
          "mute_duration must be provided");
  REFUSED(alice, "POST", mute, "{\"usernames\":[\"dave\"],\"mute_duration\":1}", 403,
          "forbidden_op", "users [dave] are not members of this group!");
  REFUSED(app, "POST", mute, "{\"usernames\":[\"alice\"],\"mute_duration\":1}", 403, "forbidden_op",
          "forbidden operation on group owner!");
  GRANTED(alice, "POST", mute, "{\"usernames\":[\"bob\",\"carol\"],\"mute_duration\":1000}",
          "\"result\":true,\"expire\":");
  GRANTED(alice, "GET", mute, NULL, "\"user\":\"carol\"");
  GRANTED(bob, "GET", "/sdk/chatgroups/g/mute/bob?version=v3", NULL, "\"data\":true");
  eim_sandbox_move_clock(box, 2000);
  GRANTED(alice, "GET", mute, NULL, "\"data\":[]");
  GRANTED(alice, "DELETE", "/chatgroups/g/mute/bob", NULL, "{\"result\":true,\"user\":\"bob\"}");
  GRANTED(alice, "POST", "/chatgroups/g/blocks/users", "{\"usernames\":[\"bob\",\"dave\"]}",
          "\"reason\":\"user: dave doesn't exist in group: g\"");
  GRANTED(alice, "GET", "/chatgroups/g/blocks/users", NULL, "\"data\":[\"bob\"],\"count\":1");
  REFUSED(bob, "POST", "/chatgroups/g/apply", "{}", 403, "forbidden_op", "is in the blacklist");
  REFUSED(alice, "DELETE", "/chatgroups/g/blocks/users/carol", NULL, 403, "forbidden_op",
          "users [carol] are not members of this group!");
  GRANTED(alice, "DELETE", "/chatgroups/g/blocks/users/bob", NULL, "\"action\":\"remove_blocks\"");
  GRANTED(alice, "POST", "/chatgroups/g/white/users/carol", "",
          "\"data\":{\"result\":true,\"action\":\"add_user_whitelist\"");
  GRANTED(alice, "GET", "/chatgroups/g/white/users", NULL, "\"data\":[\"carol\"]");
  GRANTED(carol, "GET", "/chatgroups/g/white/users/carol", NULL, "\"white\":true");
  GRANTED(alice, "DELETE", "/chatgroups/g/white/users/carol", NULL,
          "\"data\":[{\"result\":true,\"action\":\"remove_user_whitelist\"");
  char body[700] = "{\"announcement\":\"";
  memset(body + strlen(body), 'a', 513);
  strcat(body, "\"}");
  REFUSED(alice, "POST", "/chatgroups/g/announcement", body, 403, "forbidden_op",
          "announce info length exceeds limit!");
  GRANTED(alice, "POST", "/chatgroups/g/announcement", "{\"announcement\":\"x\"}",
          "\"result\":true");
  REFUSED(bob, "GET", "/chatgroups/g/announcement", NULL, 403, "forbidden_op", "");
  end();
}

TEST(rooms_are_made_by_the_app_and_its_super_admins) {
  REQUIRE(begin());
  REFUSED(app, "POST", "/chatrooms", "{\"owner\":\"alice\"}", 400, "invalid_parameter",
          "chatroom must contain title/name field!");
  REFUSED(alice, "POST", "/chatrooms", "{\"name\":\"R\"}", 403, "forbidden_op", "");
  REFUSED(alice, "POST", "/chatrooms/super_admin", "{\"superadmin\":\"alice\"}", 401,
          "unauthorized", "");
  GRANTED(app, "POST", "/chatrooms/super_admin", "{\"superadmin\":\"alice\"}", "success");
  GRANTED(app, "GET", "/chatrooms/super_admin", NULL, "\"data\":[\"alice\"]");
  char *id = made(alice, "/chatrooms", "{\"name\":\"R\",\"members\":[\"bob\"]}", "id");
  REQUIRE(id);
  GRANTED(carol, "GET", "/chatrooms?pagenum=1&pagesize=20", NULL, "\"affiliations_count\":2");
  GRANTED(carol, "GET", rest_text("/chatrooms/%s", id), NULL, "\"name\":\"R\"");
  GRANTED(alice, "PUT", rest_text("/chatrooms/%s", id), "{\"name\":\"S\",\"description\":\"d\"}",
          "\"data\":{\"groupname\":true,\"description\":true}");
  REFUSED(alice, "DELETE", rest_text("/chatrooms/%s/users/carol", id), NULL, 400, "forbidden_op",
          "users [carol] are not members of this group!");
  GRANTED(alice, "POST", rest_text("/chatrooms/%s/users", id), "{\"usernames\":[\"carol\"]}",
          rest_text("\"newmembers\":[\"carol\"],\"id\":\"%s\"", id));
  /* Offline members leave after two minutes: docs/rest.md 12. */
  eim_sandbox_move_clock(box, 121000);
  GRANTED(app, "GET", rest_text("/chatrooms/%s/users", id), NULL,
          "\"data\":[{\"owner\":\"alice\"}],\"count\":1");
  GRANTED(app, "DELETE", "/chatrooms/super_admin/alice", NULL, "newSuperAdmin");
  REFUSED(alice, "POST", "/chatrooms", "{\"name\":\"R\"}", 403, "forbidden_op", "");
  GRANTED(alice, "DELETE", rest_text("/chatrooms/%s", id), NULL, rest_text("\"id\":\"%s\"", id));
  free(id);
  end();
}

TEST(attributes_of_rooms_members_and_users) {
  REQUIRE(begin());
  eim_sandbox_add_group(box, "r", true, (const char *const[]){"alice", "bob"}, 2);
  eim_sandbox_add_group(box, "g", false, (const char *const[]){"alice", "bob"}, 2);
  const char *own = "/metadata/chatroom/r/user/alice", *his = "/metadata/chatroom/r/user/bob";
  raw_answer nobody = rest_call(box, NULL, "GET", "/metadata/user/alice", NULL);
  CHECK_INT(nobody.status, 400); /* and no body: docs/rest.md 4 */
  raw_free(&nobody);
  GRANTED(alice, "PUT", own, "{\"metaData\":{\"k\":\"v\",\"l\":\"w\"}}",
          "\"successKeys\":[\"k\",\"l\"],\"errorKeys\":{}");
  GRANTED(bob, "PUT", his, "{\"metaData\":{\"k\":\"x\"}}", "is not part of you");
  GRANTED(bob, "POST", "/metadata/chatroom/r", "{\"keys\":[]}",
          "\"data\":{\"k\":\"v\",\"l\":\"w\"}");
  REFUSED(bob, "PUT", own, "{\"metaData\":{\"k\":\"x\"}}", 400, "metadata_error",
          "others are not allowed to be set");
  REFUSED(carol, "POST", "/metadata/chatroom/r", "{}", 401, "metadata_error",
          "user is not in chatroom");
  GRANTED(bob, "PUT", rest_text("%s/forced", his), "{\"metaData\":{\"k\":\"x\"}}", "[\"k\"]");
  GRANTED(alice, "DELETE", own, "{\"keys\":[\"k\",\"l\"]}", "\"successKeys\":[\"l\"]");
  GRANTED(app, "DELETE", "/chatrooms/r/users/bob", NULL, "remove_member"); /* his go with him */
  GRANTED(alice, "POST", "/metadata/chatroom/r", "{}", "\"data\":{}");
  REFUSED(alice, "PUT", own,
          "{\"metaData\":{\"1\":\"\",\"2\":\"\",\"3\":\"\",\"4\":\"\",\"5\":\"\",\"6\":\"\","
          "\"7\":\"\",\"8\":\"\",\"9\":\"\",\"10\":\"\",\"11\":\"\"}}",
          400, "metadata_error", "exceed allowed batch size 10");

  GRANTED(bob, "PUT", "/sdk/metadata/chatgroup/g/user/bob", "{\"metaData\":{\"nick\":\"B\"}}",
          "\"data\":{\"nick\":\"B\"}");
  GRANTED(alice, "POST", "/sdk/metadata/chatgroup/g/get",
          "{\"targets\":[\"bob\",\"alice\"],\"properties\":[\"nick\"]}",
          "\"data\":{\"bob\":{\"nick\":\"B\"},\"alice\":{}}");
  REFUSED(bob, "PUT", "/metadata/chatgroup/g/user/alice", "{\"metaData\":{\"nick\":\"B\"}}", 403,
          "forbidden_op", "");
  REFUSED(bob, "PUT", "/metadata/chatgroup/g/user/bob",
          "{\"metaData\":{\"12345678901234567\":\"B\"}}", 400, "metadata_error",
          "exceeds chatgroup user metadata single key limit");
  REFUSED(app, "GET", "/metadata/chatgroup/g/user/carol", NULL, 404, "MetadataException",
          "user not in group");
  GRANTED(bob, "PUT", "/metadata/chatgroup/g/user/bob", "{\"metaData\":{\"nick\":\"\"}}",
          "\"data\":{}");

  raw_answer set = raw_http(eim_sandbox_port(box), NULL, "PUT", BASE "/metadata/user/alice", alice,
                            "application/x-www-form-urlencoded",
                            "nickname=A%20%E4%BD%A0+b&ext=%7B%22n%22%3A1%7D");
  CHECK_INT(set.status, 200);
  raw_free(&set);
  GRANTED(bob, "POST", "/metadata/user/get",
          "{\"targets\":[\"alice\",\"bob\"],\"properties\":[\"nickname\"]}",
          "\"data\":{\"alice\":{\"nickname\":\"A 你 b\"},\"bob\":{}}");
  REFUSED(alice, "PUT", "/metadata/user/alice", "{\"nickname\":\"x\"}", 415, "web_application", "");
  GRANTED(app, "GET", "/metadata/user/capacity", NULL, "\"data\":");
  GRANTED(alice, "DELETE", "/metadata/user/alice", NULL, "\"data\":true");
  GRANTED(alice, "GET", "/metadata/user/alice", NULL, "\"data\":{}");
  end();
}

TEST(contacts_and_blocks) {
  REQUIRE(begin());
  REFUSED(alice, "GET", "/users/bob/contacts/users", NULL, 401, "unauthorized", "");
  REFUSED(alice, "POST", "/users/alice/contacts/users/bob", "", 401, "unauthorized", "");
  GRANTED(app, "POST", "/users/alice/contacts/users/bob", "", "\"username\":\"bob\"");
  GRANTED(app, "POST", "/users/alice/contacts/users/carol", "", "\"username\":\"carol\"");
  REFUSED(app, "POST", "/users/alice/contacts/users/nobody", "", 404, "service_resource_not_found",
          "");
  GRANTED(bob, "GET", "/users/bob/contacts/users", NULL, "\"data\":[\"alice\"],\"count\":1");
  GRANTED(alice, "GET", "/user/alice/contacts?limit=1", NULL, "\"cursor\":\"1\"");
  GRANTED(alice, "GET", "/users/alice/contacts?limit=1&cursor=1", NULL,
          "{\"contacts\":[{\"remark\":null,\"username\":\"carol\"}]}");
  REFUSED(alice, "PUT", "/user/alice/contacts/users/dave", "{\"remark\":\"x\"}", 400,
          "illegal_argument", "updateRemark they are not friends, please add as a friend first.");
  GRANTED(alice, "PUT", "/user/alice/contacts/users/bob", "{\"remark\":\"x\"}",
          "\"status\":\"ok\"");
  GRANTED(alice, "GET", "/users/alice/contacts/users?needReturnRemark=true", NULL,
          "\"remark\":\"x\",\"username\":\"bob\"");
  REFUSED(alice, "POST", "/users/alice/contacts/accept/users/dave", "", 404, "resource_not_found",
          "");
  REFUSED(alice, "POST", "/users/alice/contacts/apply", "{\"usernames\":[\"alice\"]}", 404,
          "service_resource_not_found", "");
  REFUSED(alice, "POST", "/users/alice/blocks/users", "{\"usernames\":[\"nobody\"]}", 400,
          "illegal_argument",
          "attempt to adding new block[nobody] for user[alice],but user[nobody] not found.");
  GRANTED(alice, "POST", "/users/alice/blocks/users", "{\"usernames\":[\"bob\",\"carol\"]}",
          "\"data\":[\"bob\",\"carol\"]");
  GRANTED(alice, "GET", "/users/alice/blocks/users?pageSize=1", NULL,
          "\"data\":[\"bob\"],\"count\":1,\"cursor\":\"1\"");
  GRANTED(alice, "DELETE", "/users/alice/blocks/users/bob", NULL, "\"username\":\"bob\"");
  GRANTED(app, "DELETE", "/users/bob", NULL, "\"username\":\"bob\""); /* and out of all lists */
  GRANTED(alice, "GET", "/users/alice/contacts/users", NULL, "\"data\":[\"carol\"]");
  end();
}

TEST(what_a_removed_user_owns_goes_with_him) {
  REQUIRE(begin());
  eim_sandbox_add_group(box, "hers", false, (const char *const[]){"alice", "bob"}, 2);
  eim_sandbox_add_group(box, "his", false, (const char *const[]){"bob", "alice"}, 2);
  CHECK(eim_sandbox_remove_user(box, "alice"));
  REFUSED(app, "GET", "/chatgroups/hers", NULL, 404, "service_resource_not_found", "");
  GRANTED(app, "GET", "/chatgroups/his", NULL, "\"affiliations_count\":1");
  CHECK_INT(eim_sandbox_waiting(box, "bob"), 2); /* told of both */
  end();
}

TEST(presence_is_checked) {
  REQUIRE(begin());
  const char *presence = "/users/alice/presence", *illegal = "illegal_argument";
  REFUSED(bob, "POST", presence, "{\"usernames\":[\"bob\"]}", 401, "unauthorized", "");
  REFUSED(alice, "POST", presence, "{\"usernames\":[]}", 400, illegal, "usernames is empty");
  REFUSED(alice, "POST", rest_text("%s/60", presence), "{\"usernames\":[\"alice\"]}", 400, illegal,
          "you can't sub yourself");
  REFUSED(alice, "POST", rest_text("%s/2592001", presence), "{\"usernames\":[\"bob\"]}", 400,
          illegal, "");
  REFUSED(alice, "POST", rest_text("%s/web/x", presence), "{\"ext\":\"\"}", 400, illegal, "");
  char body[1300] = "{\"ext\":\"";
  memset(body + strlen(body), 'a', 1200);
  strcat(body, "\"}");
  REFUSED(alice, "POST", rest_text("%s/web/1", presence), body, 400, illegal, "ext is too big");
  strcpy(body, "{\"usernames\":[\"bob\"");
  for (int i = 0; i < 100; i++) strcat(body, ",\"bob\"");
  strcat(body, "]}");
  REFUSED(alice, "POST", presence, body, 400, illegal, "too many sub presence");
  GRANTED(bob, "POST", "/users/bob/presence/web/1", "{\"ext\":\"x\"}", "{\"result\":\"ok\"}");
  GRANTED(alice, "POST", rest_text("%s/60", presence), "{\"usernames\":[\"bob\",\"nobody\"]}",
          "\"ext\":\"x\",\"status\":{\"web\":\"1\"}},{\"uid\":\"\"");
  GRANTED(alice, "POST", presence, "{\"usernames\":[\"bob\"]}", "\"uid\":\"bob\",\"last_time\":\"");
  GRANTED(alice, "GET", rest_text("%s/sublist?pageNum=1&pageSize=10", presence), NULL,
          "{\"result\":{\"totalnum\":\"1\",\"sublist\":[{\"uid\":\"bob\",\"expiry\":\"");
  eim_sandbox_move_clock(box, 61000);
  GRANTED(alice, "GET", rest_text("%s/sublist", presence), NULL, "\"totalnum\":\"0\"");
  GRANTED(alice, "DELETE", presence, "[\"bob\"]", "{\"result\":\"ok\"}");
  end();
}

TEST(history_is_checked) {
  REQUIRE(begin());
  const char *roaming = "/users/alice/messageroaming";
  raw_socket *line = raw_login(box, "alice", "p", "web_1");
  REQUIRE(line);
  for (uint64_t i = 1; i <= 3; i++) {
    CHECK(raw_send_text(line, "sandbox#demo", "bob", "easemob.com", i, 1, "x", 0));
    easemob__pb__comm_sync_dl__free_unpacked(raw_read_sync(line), NULL);
  }
  raw_close(line);
  REFUSED(alice, "POST", roaming, "{}", 400, "illegal_argument", "");
  REFUSED(alice, "GET", roaming, NULL, 405, "web_application", "");
  GRANTED(alice, "POST", roaming, "{\"queue\":\"bob@easemob.com\",\"start\":-1,\"end\":-1}",
          "\"is_last\":true");
  GRANTED(alice, "POST", roaming, "{\"queue\":\"bob@easemob.com\",\"msgType\":\"img,video\"}",
          "\"msgs\":[]");
  GRANTED(alice, "POST", roaming, "{\"queue\":\"bob@easemob.com\",\"userId\":\"bob\"}",
          "\"msgs\":[]");
  GRANTED(alice, "POST", roaming, "{\"queue\":\"bob@easemob.com\",\"endTime\":1}", "\"msgs\":[]");
  GRANTED(alice, "POST", roaming,
          "{\"queue\":\"bob@easemob.com\",\"msgType\":\"txt\",\"pull_number\":2,"
          "\"is_positive\":true}",
          "\"is_last\":false,\"next_key\":\"");
  REFUSED(alice, "DELETE", "/rest/message/roaming/chat/user/alice?userId=bob", NULL, 400,
          "Bad Request", "");
  GRANTED(alice, "DELETE",
          rest_text("/rest/message/roaming/chat/user/alice/time?userId=bob&delTime=%lld",
                    (long long)eim_sandbox_now(box)),
          NULL, "\"requestStatusCode\":\"ok\"");
  GRANTED(alice, "POST", roaming, "{\"queue\":\"bob@easemob.com\"}", "\"msgs\":[]");
  GRANTED(bob, "POST", "/users/bob/messageroaming",
          "{\"queue\":\"alice@easemob.com\",\"pull_number\":1}", "\"is_last\":false");
  GRANTED(bob, "POST", "/sdk/message/roaming/user/bob/delete/all?resource=x", "", "ok");
  GRANTED(bob, "POST", "/users/bob/messageroaming", "{\"queue\":\"alice@easemob.com\"}",
          "\"msgs\":[]");
  REFUSED(alice, "DELETE", "/users/alice/user_channel", "{\"channel\":\"bob\"}", 400,
          "illegal_argument", "");
  end();
}

/* The status of the answer to a text. */
static int sent(raw_socket *line, uint64_t id, const char *to, const char *domain, int type) {
  if (!raw_send_text(line, "sandbox#demo", to, domain, id, type, "x", 0)) return -1;
  Easemob__Pb__CommSyncDL *answer = raw_read_sync(line);
  while (answer && !answer->has_metaid) { /* what arrived meanwhile */
    easemob__pb__comm_sync_dl__free_unpacked(answer, NULL);
    answer = raw_read_sync(line);
  }
  int status = answer && answer->status ? (int)answer->status->errorcode : -1;
  if (answer) easemob__pb__comm_sync_dl__free_unpacked(answer, NULL);
  return status;
}

TEST(mutes_of_the_whole_app) {
  REQUIRE(begin());
  const char *group = "conference.easemob.com";
  eim_sandbox_add_group(box, "g", false, (const char *const[]){"bob", "alice"}, 2);
  eim_sandbox_add_group(box, "r", true, (const char *const[]){"bob", "alice"}, 2);
  raw_socket *line = raw_login(box, "alice", "p", "web_1");
  REQUIRE(line);
  REFUSED(alice, "POST", "/mutes", "{\"username\":\"alice\",\"chat\":0}", 401, "unauthorized", "");
  REFUSED(app, "POST", "/mutes", "{\"username\":\"nobody\"}", 404, "service_resource_not_found",
          "");
  GRANTED(app, "POST", "/mutes", "{\"username\":\"alice\",\"chat\":100,\"groupchat\":-1}",
          "\"data\":{\"result\":\"ok\"}");
  GRANTED(app, "GET", "/mutes/alice", NULL,
          "\"userid\":\"sandbox#demo_alice\",\"chat\":100,\"groupchat\":-1,\"chatroom\":0,"
          "\"unixtime\":");
  CHECK_INT(sent(line, 1, "bob", "easemob.com", 1), 7); /* user is mute: docs/protocol.md 11 */
  CHECK_INT(sent(line, 2, "g", group, 2), 7);
  CHECK_INT(sent(line, 3, "r", group, 3), 0);
  eim_sandbox_move_clock(box, 101000);
  CHECK_INT(sent(line, 4, "bob", "easemob.com", 1), 0);
  CHECK_INT(sent(line, 5, "g", group, 2), 7);
  GRANTED(app, "POST", "/mutes", "{\"username\":\"alice\",\"groupchat\":0}", "ok");
  CHECK_INT(sent(line, 6, "g", group, 2), 0);
  raw_close(line);
  end();
}

TEST(a_shielded_group_is_silent) {
  REQUIRE(begin());
  eim_sandbox_add_group(box, "g", false, (const char *const[]){"bob", "alice"}, 2);
  raw_socket *line = raw_login(box, "alice", "p", "web_1");
  REQUIRE(line);
  CHECK_INT(sent(line, 1, "g", "conference.easemob.com", 2), 0);
  CHECK_INT(eim_sandbox_waiting(box, "bob"), 1);
  GRANTED(bob, "PUT", "/users/bob", "{\"entities\":[{\"notification_ignore_g\":true}]}",
          "entities");
  GRANTED(bob, "GET", "/chatgroups/g", NULL, "\"shieldgroup\":true");
  CHECK_INT(sent(line, 2, "g", "conference.easemob.com", 2), 0);
  CHECK_INT(eim_sandbox_waiting(box, "bob"), 1);
  GRANTED(bob, "DELETE", "/chatgroups/g/shield?version=v3", NULL, "\"result\":true");
  CHECK_INT(sent(line, 3, "g", "conference.easemob.com", 2), 0);
  CHECK_INT(eim_sandbox_waiting(box, "bob"), 2);
  raw_close(line);
  end();
}

TEST(conversations_are_listed) {
  REQUIRE(begin());
  raw_socket *line = raw_login(box, "alice", "p", "web_1");
  REQUIRE(line);
  for (uint64_t i = 1; i <= 3; i++) CHECK_INT(sent(line, i, "bob", "easemob.com", 1), 0);
  const char *list = "/sdk/user/bob/user_channels/list";
  GRANTED(bob, "GET", list, NULL,
          "\"session_to\":\"alice\",\"session_type\":\"chat\",\"is_top\":false");
  GRANTED(bob, "GET", rest_text("%s?&limit=1&cursor=", list), NULL, "\"unread_num\":3");
  REFUSED(alice, "GET", list, NULL, 401, "unauthorized", "");
  GRANTED(alice, "GET", "/users/alice/user_channels", NULL,
          "\"channel_id\":\"sandbox#demo_bob@easemob.com\"");
  GRANTED(bob, "POST", "/sdk/user/bob/user_channel/top?resource=x",
          "{\"to\":\"alice\",\"type\":\"chat\"}", "\"is_top\":true");
  GRANTED(bob, "GET", rest_text("%s?is_top=true", list), NULL, "\"is_top\":true");
  GRANTED(bob, "DELETE", "/sdk/user/bob/user_channel/top?type=chat&to=alice&resource=x", NULL,
          "\"is_top\":false");
  GRANTED(bob, "GET", rest_text("%s?is_top=true", list), NULL, "\"channel_infos\":[]");
  REFUSED(bob, "POST", "/sdk/user/bob/user_channels/mark",
          "{\"mark\":\"mark_20\",\"targets\":[{\"to\":\"alice\",\"type\":\"chat\"}]}", 400,
          "illegal_argument", "param mark illegal, please check it!");
  GRANTED(bob, "POST", "/sdk/user/bob/user_channels/mark",
          "{\"mark\":\"mark_1\",\"targets\":[{\"to\":\"alice\",\"type\":\"chat\"}]}",
          "\"data\":{}");
  GRANTED(bob, "GET", "/sdk/user/bob/user_channels/mark/search?mark=mark_1", NULL,
          "\"marks\":[\"mark_1\"]");
  GRANTED(bob, "GET", "/sdk/user/bob/user_channels/mark/search?mark=mark_2", NULL,
          "\"channel_infos\":[]");
  GRANTED(bob, "DELETE", "/user/bob/user_channel?resource=x",
          "{\"channel\":\"alice\",\"type\":\"chat\",\"delete_roam\":false}", "\"result\":\"ok\"");
  GRANTED(bob, "GET", list, NULL, "\"channel_infos\":[]");
  CHECK_INT(sent(line, 4, "bob", "easemob.com", 1), 0);
  GRANTED(bob, "GET", list, NULL, "\"unread_num\":1");
  raw_close(line);
  end();
}

/* Bodies of any shape: they are refused or taken, and the sandbox goes on. */
TEST(bodies_of_any_shape) {
  static const char *const calls[][2] = {
      {"POST", "/chatgroups"},
      {"PUT", "/chatgroups/g"},
      {"POST", "/chatgroups/g/users"},
      {"POST", "/chatgroups/g/admin"},
      {"POST", "/chatgroups/g/apply"},
      {"POST", "/chatgroups/g/apply_verify"},
      {"POST", "/chatgroups/g/invite"},
      {"POST", "/chatgroups/g/invite_verify"},
      {"POST", "/chatgroups/g/mute"},
      {"POST", "/chatgroups/g/blocks/users"},
      {"POST", "/chatgroups/g/white/users"},
      {"POST", "/chatgroups/g/announcement"},
      {"POST", "/chatrooms"},
      {"PUT", "/chatrooms/r"},
      {"POST", "/chatrooms/super_admin"},
      {"PUT", "/metadata/chatgroup/g/user/alice"},
      {"POST", "/metadata/chatgroup/g/get"},
      {"PUT", "/metadata/chatroom/r/user/alice"},
      {"DELETE", "/metadata/chatroom/r/user/alice"},
      {"POST", "/metadata/chatroom/r"},
      {"POST", "/metadata/user/get"},
      {"POST", "/users/alice/contacts/apply"},
      {"PUT", "/users/alice/contacts/users/bob"},
      {"POST", "/users/alice/blocks/users"},
      {"DELETE", "/sdk/user/alice/blocks"},
      {"POST", "/users/alice/presence"},
      {"DELETE", "/users/alice/presence"},
      {"POST", "/users/alice/presence/60"},
      {"POST", "/users/alice/presence/web/1"},
      {"POST", "/users/alice/messageroaming"},
      {"DELETE", "/users/alice/user_channel"},
      {"POST", "/sdk/user/alice/user_channel/top"},
      {"POST", "/sdk/user/alice/user_channels/mark"},
      {"POST", "/mutes"},
      {"PUT", "/users/alice"},
      {"POST", "/users/batch/status"},
  };
  static const char *const names[] = {
      "groupname",    "public",    "members",  "owner",       "usernames", "newadmin",
      "newowner",     "applicant", "invitee",  "message",     "maxusers",  "mute_duration",
      "announcement", "name",      "metaData", "keys",        "targets",   "properties",
      "remark",       "queue",     "start",    "channel",     "type",      "to",
      "mark",         "username",  "chat",     "superadmin",  "ext",       "verifyResult",
      "pull_number",  "msgType",   "userId",   "description", "custom",    "nickname",
      "entities"};
  static const char *const values[] = {"null",
                                       "true",
                                       "-1",
                                       "1e300",
                                       "\"\"",
                                       "\"x\"",
                                       "[]",
                                       "[null]",
                                       "[1,[\"a\"],{\"b\":2}]",
                                       "{}",
                                       "{\"\":\"\"}",
                                       "{\"a\":1,\"b\":[\"c\"],\"d\":null}",
                                       "[\"bob\",\"bob\",\"\"]"};
  REQUIRE(begin());
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    static const char *const whole[] = {"[]", "[1]", "[\"bob\"]", "{}", "[{\"to\":\"bob\"}]"};
    for (size_t n = 0; n < sizeof whole / sizeof *whole + sizeof values / sizeof *values; n++) {
      eim_sandbox_add_group(box, "g", false, (const char *const[]){"alice", "bob"}, 2);
      eim_sandbox_add_group(box, "r", true, (const char *const[]){"alice", "bob"}, 2);
      char body[4096] = "";
      if (n < sizeof whole / sizeof *whole) {
        strcpy(body, whole[n]);
      } else {
        for (size_t m = 0; m < sizeof names / sizeof *names; m++)
          snprintf(body + strlen(body), sizeof body - strlen(body), "%c\"%s\":%s", m ? ',' : '{',
                   names[m], values[n - sizeof whole / sizeof *whole]);
        strcat(body, "}");
      }
      for (int by = 0; by < 2; by++) {
        raw_answer answer = rest_call(box, by ? app : alice, calls[i][0], calls[i][1], body);
        if (answer.status < 200 || answer.status > 499)
          eim_test_fail(__FILE__, __LINE__, "%s %s %.60s: %d %s", calls[i][0], calls[i][1], body,
                        answer.status, answer.body ? answer.body : "");
        raw_free(&answer);
      }
    }
  }
  GRANTED(app, "GET", "/chatgroups", NULL, "\"data\":");
  end();
}
