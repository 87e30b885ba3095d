/* Notices: each kind has the name and the members that docs/notices.md tells, and nothing that was
 * on the wire is lost. What the recorded SDKs made of theirs is in wire_down_test.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/event.h"
#include "model/message.h"
#include "wire/pb.h"
#include "wire_vectors.h"

/* Texts of a protobuf-c message are not const. */
#define T(text) ((char *)(uintptr_t)(text))

/* What becomes of one meta of this name space. */
static void notice_of(decoded *out, int ns, const void *payload, size_t length) {
  EIM_PB(JID) from = EASEMOB__PB__JID__INIT, to = EASEMOB__PB__JID__INIT;
  EIM_PB(Meta) meta = EASEMOB__PB__META__INIT, *metas[] = {&meta};
  EIM_PB(CommSyncDL) down = EASEMOB__PB__COMM_SYNC_DL__INIT;
  EIM_PB(MSync) frame = EASEMOB__PB__MSYNC__INIT;
  from.name = T("bob");
  to.name = T("me");
  meta.has_id = meta.has_ns = meta.has_payload = meta.has_timestamp = 1;
  meta.id = UINT64_MAX;
  meta.timestamp = 5;
  meta.from = &from;
  meta.to = &to;
  meta.ns = (EIM_PB(Meta__NameSpace))ns;
  meta.payload.data = (uint8_t *)(uintptr_t)payload;
  meta.payload.len = length;
  down.n_metas = 1;
  down.metas = metas;
  uint8_t *sync = malloc(easemob__pb__comm_sync_dl__get_packed_size(&down));
  frame.has_command = frame.has_payload = 1;
  frame.payload.len = easemob__pb__comm_sync_dl__pack(&down, sync);
  frame.payload.data = sync;
  uint8_t *whole = malloc(easemob__pb__msync__get_packed_size(&frame));
  decode(out, whole, easemob__pb__msync__pack(&frame, whole), "me", "webim_me");
  free(whole);
  free(sync);
}

static void packed(decoded *out, int ns, const ProtobufCMessage *message) {
  uint8_t *bytes = malloc(protobuf_c_message_get_packed_size(message) + 1);
  notice_of(out, ns, bytes, protobuf_c_message_pack(message, bytes));
  free(bytes);
}

static void check_at(int line, decoded *d, const char *name, const char *json) {
  const eim_notice *notice = d->ok && d->frame.item_count == 1 ? d->frame.items[0].notice : NULL;
  if (!notice || strcmp(eim_notice_name(notice), name) != 0 ||
      strcmp(eim_notice_json(notice), json) != 0)
    eim_test_fail(__FILE__, line, "is %s %s, not %s %s", eim_notice_name(notice),
                  eim_notice_json(notice), name, json);
  decoded_free(d);
}
#define CHECK_NOTICE(...) check_at(__LINE__, __VA_ARGS__)

#define HEAD "{\"msgId\":\"18446744073709551615\",\"time\":5"

static const char *const muc[] = {"create",
                                  "destroy",
                                  "join",
                                  "leave",
                                  "requestToJoin",
                                  "acceptRequest",
                                  "joinPublicGroupDeclined",
                                  "inviteToJoin",
                                  "acceptInvite",
                                  "rejectInvite",
                                  "removeMember",
                                  "getBlocklist",
                                  "banMember",
                                  "unblockMember",
                                  "updateInfo",
                                  "block",
                                  "unblock",
                                  "memberPresence",
                                  "memberAbsence",
                                  "directJoined",
                                  "changeOwner",
                                  "setAdmin",
                                  "removeAdmin",
                                  "muteMember",
                                  "unmuteMember",
                                  "updateAnnouncement",
                                  "deleteAnnouncement",
                                  "uploadFile",
                                  "deleteFile",
                                  "addUserToAllowlist",
                                  "removeAllowlistMember",
                                  "muteAllMembers",
                                  "unmuteAllMembers",
                                  "chatThreadCreate",
                                  "chatThreadDestroy",
                                  "chatThreadJoin",
                                  "chatThreadLeave",
                                  "chatThreadKick",
                                  "chatThreadNameUpdate",
                                  "chatThreadPresence",
                                  "chatThreadAbsence",
                                  "disableGroup",
                                  "enableGroup",
                                  "updateChatRoomAttributes",
                                  "removeChatRoomAttributes",
                                  "memberAttributesUpdate",
                                  "unknown"};

TEST(every_operation_of_groups_rooms_and_threads_has_its_name) {
  for (int code = 0; code < (int)(sizeof muc / sizeof *muc); code++) {
    EIM_PB(JID) id = EASEMOB__PB__JID__INIT;
    EIM_PB(MUCBody) body = EASEMOB__PB__MUCBODY__INIT;
    char json[200];
    decoded d;
    bool thread = code >= 33 && code <= 40, room = code % 2;
    id.name = T("4711");
    body.mucid = &id;
    body.has_operation = 1;
    body.operation = (EIM_PB(MUCBody__Operation))code;
    body.has_ischatroom = 1;
    body.ischatroom = room;
    packed(&d, 2, &body.base);
    snprintf(json, sizeof json, HEAD ",\"operation\":\"%s\",\"operationCode\":%d,\"id\":\"4711\"}",
             muc[code], code);
    CHECK_NOTICE(&d, thread ? "thread" : room ? "chatroom" : "group", json);
  }
}

TEST(all_that_is_told_of_a_group_is_there) {
  EIM_PB(JID)
  id = EASEMOB__PB__JID__INIT, parent = EASEMOB__PB__JID__INIT, from = EASEMOB__PB__JID__INIT,
  to = EASEMOB__PB__JID__INIT, *list[] = {&to, &from};
  EIM_PB(MUCBody__Setting) setting = EASEMOB__PB__MUCBODY__SETTING__INIT;
  EIM_PB(MUCBody__Status) status = EASEMOB__PB__MUCBODY__STATUS__INIT;
  EIM_PB(MUCBody__EventInfo) info = EASEMOB__PB__MUCBODY__EVENT_INFO__INIT;
  EIM_PB(MUCBody) body = EASEMOB__PB__MUCBODY__INIT;
  char *members[] = {T("carol")};
  decoded d;
  id.name = T("4711");
  parent.name = T("4700");
  from.name = T("alice");
  from.clientresource = T("webim_x");
  to.name = T("bob");
  setting.name = T("G");
  status.has_errorcode = 1;
  status.description = T("ok");
  status.chatroominfo = T("{\"me\":{\"member_count\":2}}");
  info.has_eventtype = 1;
  info.eventtype = 1;
  info.ext = T("{\"a\":9007199254740993}");
  body.mucid = &id;
  body.mucparentid = &parent;
  body.from = &from;
  body.to = list;
  body.n_to = 2;
  body.setting = &setting;
  body.status = &status;
  body.eventinfo = &info;
  body.reason = T("why");
  body.mucname = T("N");
  body.ext = T("e");
  body.members = members;
  body.n_members = 1;
  body.has_operation = body.has_isthread = body.has_mucmembercount = body.has_leaveotherrooms = 1;
  body.operation = (EIM_PB(MUCBody__Operation))14;
  body.isthread = 1;
  body.mucmembercount = 3;
  packed(&d, 2, &body.base);
  CHECK_NOTICE(&d, "thread",
               HEAD ",\"operation\":\"updateInfo\",\"operationCode\":14,\"id\":\"4711\","
                    "\"from\":\"alice\",\"fromResource\":\"webim_x\",\"to\":[\"bob\",\"alice\"],"
                    "\"name\":\"N\",\"reason\":\"why\","
                    "\"memberCount\":3,\"ext\":\"e\",\"parentId\":\"4700\","
                    "\"detail\":{\"a\":9007199254740993},\"eventType\":1,\"members\":[\"carol\"],"
                    "\"leaveOtherRooms\":false,\"setting\":{\"name\":\"G\"},"
                    "\"status\":{\"errorCode\":\"OK\",\"description\":\"ok\","
                    "\"chatroomInfo\":\"{\\\"me\\\":{\\\"member_count\\\":2}}\"},"
                    "\"info\":{\"me\":{\"member_count\":2}}}");
}

TEST(every_operation_of_contacts_has_its_name) {
  static const struct {
    const char *operation, *type; /* type "": none */
  } rows[] = {{"getRoster", ""},
              {"getBlocklist", ""},
              {"invited", "subscribe"},
              {"deleted", "unsubscribed"},
              {"added", "subscribed"},
              {"refuse", "unsubscribed"},
              {"block", ""},
              {"unblock", ""},
              {"agreed", "subscribed"},
              {"refuse", "unsubscribed"},
              {"unknown", ""}};
  for (int code = 0; code < (int)(sizeof rows / sizeof *rows); code++) {
    EIM_PB(JID) from = EASEMOB__PB__JID__INIT, to = EASEMOB__PB__JID__INIT, *list[] = {&to};
    EIM_PB(RosterBody) body = EASEMOB__PB__ROSTER_BODY__INIT;
    char json[300], type[40] = "";
    decoded d;
    from.name = T("alice");
    to.name = T("me");
    body.has_operation = 1;
    body.operation = (EIM_PB(RosterBody__Operation))code;
    body.from = &from;
    body.to = list;
    body.n_to = 1;
    body.reason = T("hi");
    packed(&d, 3, &body.base);
    if (*rows[code].type) snprintf(type, sizeof type, ",\"type\":\"%s\"", rows[code].type);
    snprintf(json, sizeof json,
             HEAD ",\"operation\":\"%s\",\"operationCode\":%d%s,\"from\":\"alice\",\"to\":\"me\","
                  "\"status\":\"hi\"}",
             rows[code].operation, code, type);
    CHECK_NOTICE(&d, "contact", json);
  }
}

TEST(what_comes_as_json_is_told_as_it_came) {
  static const struct {
    const char *payload, *name, *ours; /* ours: what stands before it */
  } rows[] = {
      {"{\"type\":\"presence\",\"data\":{\"values\":[{\"uid\":\"bob\",\"ext\":\"\\u4f60\"}]}}",
       "presence", ""},
      {"{\"type\":\"reaction\",\"data\":[{\"messageId\":\"1\",\"ts\":1700000000000}],\"num\":2}",
       "reaction", ""},
      {"{\"type\":\"conv\",\"data\":{\"op\":\"del\",\"id\":\"bob\"}}", "conversation",
       ",\"operation\":\"deleteConversation\""},
      {"{\"type\":\"conv\",\"data\":{\"op\":\"top\"}}", "conversation",
       ",\"operation\":\"pinnedConversation\""},
      {"{\"type\":\"conv\",\"data\":{\"op\":\"not_top\"}}", "conversation",
       ",\"operation\":\"unpinnedConversation\""},
      {"{\"type\":\"conv\",\"data\":{\"op\":\"mark\",\"ext\":\"mark_0\"}}", "conversation",
       ",\"operation\":\"markConversation\""},
      {"{\"type\":\"conv\",\"data\":{\"op\":\"mark_delete\"}}", "conversation",
       ",\"operation\":\"unMarkConversation\""},
      {"{\"type\":\"conv\",\"data\":{\"op\":\"pin\",\"res\":\"webim_me\"}}", "conversation",
       ",\"operation\":\"pin\",\"fromThisDevice\":true"},
      {"{\"type\":\"conv\",\"data\":{\"op\":\"pin_delete\",\"res\":\"webim_other\"}}",
       "conversation", ",\"operation\":\"unpin\""},
      {"{\"type\":\"conv\",\"data\":{\"op\":\"something new\"}}", "conversation", ""},
      {"{\"type\":\"roaming_delete\",\"data\":{\"to\":\"bob\",\"resource\":\"webim_me\"}}",
       "roaming_delete", ",\"operation\":\"deleteRoaming\",\"fromThisDevice\":true"},
      {"{\"type\":\"thread\",\"data\":{\"operation\":\"update_msg\",\"id\":\"4711\"}}", "thread",
       ",\"operation\":\"update_msg\""},
      {"{\"type\":\"user_notification_mute\",\"data\":{\"type\":\"ALL\"}}", "notification_mute",
       ""},
      {"{\"type\":\"user_notification_mute\",\"values\":[{\"operator_resource\":\"webim_me\","
       "\"data\":{}}]}",
       "notification_mute", ",\"fromThisDevice\":true"},
      {"{\"type\":\"user_notification_mute\",\"values\":{\"operator_resource\":\"webim_me\"}}",
       "notification_mute", ""},
      {"{\"edit_msg\":{\"count\":1}}", "message_edit", ""},
      {"{\"type\":\"telepathy\",\"data\":[1,{\"n\":18446744073709551615}],\"more\":null}",
       "unknown", ""},
      {"{\"data\":7}", "unknown", ""},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char json[400];
    decoded d;
    notice_of(&d, 5, rows[i].payload, strlen(rows[i].payload));
    snprintf(json, sizeof json, HEAD "%s,%s", rows[i].ours, rows[i].payload + 1);
    CHECK_NOTICE(&d, rows[i].name, json);
  }
}

/* No notice, but as much a matter of what other SDKs put on the wire. */
TEST(thumbnails_of_other_sdks_are_told) {
  EIM_PB(MessageBody__Content__Size) size = EASEMOB__PB__MESSAGE_BODY__CONTENT__SIZE__INIT;
  EIM_PB(MessageBody__Content)
  content = EASEMOB__PB__MESSAGE_BODY__CONTENT__INIT, *contents[] = {&content};
  EIM_PB(MessageBody) body = EASEMOB__PB__MESSAGE_BODY__INIT;
  size.has_width = size.has_height = 1;
  size.width = 170;
  size.height = 85.5;
  content.has_type = content.has_thumbnailfilelength = 1;
  content.remotepath = T("https://h/a");
  content.thumbnailremotepath = T("https://h/t");
  content.thumbnailsecretkey = T("s");
  content.thumbnailfilelength = 7;
  content.thumbnailsize = &size;
  body.has_type = 1;
  body.type = (EIM_PB(MessageBody__Type))1;
  body.contents = contents;
  body.n_contents = 1;
  for (int kind = 1; kind <= 2; kind++) { /* image, video */
    decoded d;
    eim_message *again = NULL;
    content.type = (EIM_PB(MessageBody__Content__Type))kind;
    packed(&d, 1, &body.base);
    REQUIRE(d.ok && d.frame.items[0].message);
    CHECK_CONTAINS(eim_message_body(d.frame.items[0].message),
                   "\"thumb\":\"https://h/t\",\"thumb_secret\":\"s\",\"thumb_file_length\":7,"
                   "\"thumb_width\":170,\"thumb_height\":85.5}");
    CHECK_INT(eim_message_from_json(eim_message_to_json(d.frame.items[0].message), &again), EIM_OK);
    eim_message_unref(again);
    decoded_free(&d);
  }
}

TEST(calls_and_what_nobody_knows) {
  EIM_PB(ConferenceBody) call = EASEMOB__PB__CONFERENCE_BODY__INIT;
  EIM_PB(MessageBody) body = EASEMOB__PB__MESSAGE_BODY__INIT;
  decoded d;
  call.conferenceid = T("c1");
  call.has_operation = 1;
  call.operation = (EIM_PB(ConferenceBody__Operation))4;
  packed(&d, 4, &call.base);
  CHECK_NOTICE(&d, "conference",
               HEAD ",\"from\":\"bob\",\"to\":\"me\",\"conference\":{\"operation\":\"TERMINATE\","
                    "\"conferenceId\":\"c1\"}}");
  notice_of(&d, 6, "\x01\xff\x00", 3);
  CHECK_NOTICE(&d, "unknown",
               HEAD ",\"ns\":6,\"from\":\"bob\",\"to\":\"me\",\"payload\":\"Af8A\"}");
  notice_of(&d, 99, "", 0);
  CHECK_NOTICE(&d, "unknown", HEAD ",\"ns\":99,\"from\":\"bob\",\"to\":\"me\",\"payload\":\"\"}");
  body.has_type = 1;
  body.type = (EIM_PB(MessageBody__Type))77;
  body.ackcontent = T("x");
  packed(&d, 1, &body.base);
  CHECK_NOTICE(&d, "unknown",
               HEAD ",\"ns\":1,\"from\":\"bob\",\"to\":\"me\",\"body\":{\"type\":77,"
                    "\"ackContent\":\"x\"}}");
}
