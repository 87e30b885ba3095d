/* Messages of the history. */
#include <eim/eim.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "eim_test.h"
#include "wire/pb.h"

/* What the service would keep: a Meta, in base64. The caller frees it. */
static char *kept(EIM_PB(Meta__NameSpace) ns, const char *text) {
  EIM_PB(JID) from = EASEMOB__PB__JID__INIT, to = EASEMOB__PB__JID__INIT;
  from.name = (char *)"alice";
  to.name = (char *)"bob";
  to.domain = (char *)"easemob.com";
  EIM_PB(MessageBody__Content) content = EASEMOB__PB__MESSAGE_BODY__CONTENT__INIT;
  EIM_PB(MessageBody__Content) * contents[] = {&content};
  content.has_type = 1;
  content.text = (char *)text;
  EIM_PB(MessageBody) body = EASEMOB__PB__MESSAGE_BODY__INIT;
  body.has_type = 1;
  body.type = EASEMOB__PB__MESSAGE_BODY__TYPE__CHAT;
  body.contents = contents;
  body.n_contents = 1;
  uint8_t inner[256], outer[512];
  EIM_PB(Meta) meta = EASEMOB__PB__META__INIT;
  meta.from = &from;
  meta.to = &to;
  meta.has_id = meta.has_timestamp = meta.has_ns = meta.has_payload = 1;
  meta.id = UINT64_C(1883040514714894336);
  meta.timestamp = 1700000000123;
  meta.ns = ns;
  meta.payload.data = inner;
  meta.payload.len = easemob__pb__message_body__pack(&body, inner);
  eim_buf out = EIM_BUF_INIT;
  eim_buf_base64(&out, outer, easemob__pb__meta__pack(&meta, outer));
  return (char *)out.data;
}

TEST(history_message_is_as_it_arrived) {
  static const char *const texts[] = {"a", "ab", "abc", "abcd \xf0\x9f\x98\x80"}; /* any padding */
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    char *text = kept(EASEMOB__PB__META__NAME_SPACE__CHAT, texts[i]);
    eim_message *message = NULL;
    CHECK_INT(eim_message_from_history(text, &message), EIM_OK);
    free(text);
    REQUIRE(message);
    CHECK_STR(eim_message_text(message), texts[i]);
    CHECK_STR(eim_message_id(message), "1883040514714894336");
    CHECK_STR(eim_message_from(message), "alice");
    CHECK_STR(eim_message_to(message), "bob");
    CHECK_INT(eim_message_time(message), 1700000000123);
    CHECK_INT(eim_message_get_chat_type(message), EIM_CHAT_SINGLE);
    eim_message_unref(message);
  }
}

TEST(history_that_is_no_message_is_refused) {
  eim_message *message = (eim_message *)&message;
  static const char *const texts[] = {
      NULL, "", "=", "====", "a", "ab==c", "abc", "a*==", "AAAA", "////", "\xff\xff\xff\xff"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    CHECK_INT(eim_message_from_history(texts[i], &message), EIM_E_INVALID);
    CHECK(message == NULL);
    CHECK_CONTAINS(eim_error_message(eim_last_error()), "message: ");
  }
  char *text = kept(EASEMOB__PB__META__NAME_SPACE__MUC, "x");
  CHECK_INT(eim_message_from_history(text, &message), EIM_E_INVALID);
  for (size_t length = strlen(text); length >= 4; length -= 4) { /* cut off anywhere */
    text[length] = 0;
    eim_status status = eim_message_from_history(text, &message);
    CHECK(status == EIM_E_INVALID && !message);
  }
  free(text);
  CHECK_INT(eim_message_from_history("AAAA", NULL), EIM_E_INVALID);
}
