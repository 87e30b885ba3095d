#include "wire/verdict.h"

#include <string.h>

#include "base/buf.h"
#include "base/json.h"

enum { ANY = -1 };

typedef enum match { WHOLE, PARTS, ALWAYS } match;

typedef struct row {
  int status; /* Status.ErrorCode, ANY */
  match how;  /* the reason is `text`; contains `text` and `also`; does not matter */
  const char *text, *also;
  int32_t code;
  unsigned flags;
  const char *message;
} row;

/* Refused Provision (docs/protocol.md 6). The first row that fits counts. The server has only prose
 * for most causes. */
static const row provision_rows[] = {
    {1, WHOLE, "Sorry, token expired", "", 108, EIM_ERROR_FINAL, "the token has expired"},
    {1, WHOLE, "Sorry, token or password does not match login info", "", 104, EIM_ERROR_FINAL,
     "the token is not this user's"},
    {1, WHOLE, "Sorry, user not found", "", 204, EIM_ERROR_FINAL, "there is no such user"},
    {1, WHOLE, "Sorry, user register limit", "", 4, EIM_ERROR_FINAL,
     "the app has its maximum of registered users"},
    {1, WHOLE, "Sorry, user register rate limit", "", 4, EIM_ERROR_FINAL,
     "users are being registered too fast"},
    {7, WHOLE, "Sorry, the app month live count limit", "", 8, EIM_ERROR_FINAL,
     "the app has its maximum of monthly active users"},
    {7, WHOLE, "Sorry, the app day live count limit", "", 8, EIM_ERROR_FINAL,
     "the app has its maximum of daily active users"},
    {7, WHOLE, "Sorry, the app online count limit", "", 8, EIM_ERROR_FINAL,
     "the app has its maximum of users online"},
    {1, ALWAYS, "", "", 202, EIM_ERROR_FINAL, "login refused"},
    {2, ALWAYS, "", "", 202, EIM_ERROR_FINAL, "login refused: unauthorized"},
    {3, ALWAYS, "", "", 110, EIM_ERROR_FINAL, "login refused: a parameter is missing"},
    {4, ALWAYS, "", "", 110, EIM_ERROR_FINAL, "login refused: a parameter is wrong"},
    {6, ALWAYS, "", "", 108, EIM_ERROR_FINAL, "the token has expired"},
    {7, ALWAYS, "", "", 202, EIM_ERROR_FINAL, "login refused: permission denied"},
    {8, ALWAYS, "", "", 300, EIM_ERROR_RETRIABLE, "the server has no route"},
    {11, ALWAYS, "", "", 213, EIM_ERROR_FINAL, "the user is logged in on another device"},
    {12, ALWAYS, "", "", 305, EIM_ERROR_FINAL, "the service is disabled for this app or user"},
    {13, ALWAYS, "", "", 214, EIM_ERROR_FINAL, "the user is logged in on too many devices"},
    {14, ALWAYS, "", "", 214, EIM_ERROR_FINAL, "too many devices of this platform are logged in"},
    {15, ALWAYS, "", "", 215, EIM_ERROR_FINAL, "the user is muted"},
    {19, ALWAYS, "", "", 210, EIM_ERROR_FINAL, "login refused by the app's own service"},
    {20, ALWAYS, "", "", 220, EIM_ERROR_FINAL, "the login device has changed"},
    {ANY, ALWAYS, "", "", 303, EIM_ERROR_FINAL, "login refused for a reason that is not known"},
};

/* Refused messages, receipts, room joins (docs/protocol.md 11). */
static const row send_rows[] = {
    {1, WHOLE, "blocked", "", 210, 0, "the receiver has blocked the sender"},
    {1, WHOLE, "group not found", "", 606, 0, "there is no such group"},
    {1, WHOLE, "not in group or chatroom", "", 602, 0, "the sender is not in the group or room"},
    {1, WHOLE, "exceed recall time limit", "", 504, 0, "it is too late to recall the message"},
    {1, WHOLE, "message recall disabled", "", 505, 0, "recalling messages is not enabled"},
    {1, WHOLE, "Sorry, edit is not available", "", 505, 0, "editing messages is not enabled"},
    {1, WHOLE, "not in group or chatroom white list", "", 507, 0,
     "everybody is muted and the sender is not on the allow list"},
    {1, WHOLE, "nonroster", "", 221, 0, "the receiver is not a contact"},
    {1, WHOLE, "group is disabled", "", 607, 0, "the group is disabled"},
    {1, WHOLE, "can not operate this group, reason: group is disabled", "", 607, 0,
     "the group is disabled"},
    {1, WHOLE, "limit directed users", "", 4, 0, "too many receivers were chosen"},
    {1, WHOLE, "Sorry, edit limit reached", "", 4, 0, "the message was edited too often"},
    {1, PARTS, "has create too many chatrooms", "", 4, 0, "too many chat rooms were created"},
    {1, PARTS, "has joined too many chatrooms", "", 4, 0, "too many chat rooms were joined"},
    {1, WHOLE, "Sorry, message does not exist", "", 500, 0, "there is no such message"},
    {1, WHOLE, "Sorry, You do not have permission", "", 210, 0, "no permission"},
    {1, PARTS, "can not join this group", "is in the blacklist", 603, 0,
     "the user is on the block list"},
    {1, WHOLE, "Sorry, format is incorrect", "", 511, 0, "the edit has a wrong format"},
    {1, WHOLE, "Sorry, edit fail", "", 511, 0, "the edit failed"},
    {1, PARTS, "grpID", "does not exist!", 705, 0, "there is no such chat room"},
    {1, PARTS, "username", "doesn't exist!", 204, 0, "there is no such user"},
    {1, WHOLE, "group member list is full!", "", 704, 0, "the chat room is full"},
    {1, PARTS, "moderation", "", 1200, 0, "moderation refused the message"},
    {1, PARTS, "group ID illegal, please check it", "", 110, 0, "the group id is not valid"},
    {1, PARTS, "auto create failed", "", 302, EIM_ERROR_RETRIABLE, "the server is busy"},
    {2, ALWAYS, "", "", 202, 0, "unauthorized"},
    {3, ALWAYS, "", "", 110, 0, "a parameter is missing"},
    {4, ALWAYS, "", "", 110, 0, "a parameter is wrong"},
    {6, ALWAYS, "", "", 108, 0, "the token has expired"},
    {7, WHOLE, "sensitive words", "", 501, 0, "the message holds illegal content"},
    {7, WHOLE, "blocked by mod_antispam", "", 501, 0, "the message was taken for spam"},
    {7, WHOLE, "user is mute", "", 219, 0, "the sender is muted by the administrator"},
    {7, WHOLE, "traffic limit", "", 509, EIM_ERROR_RETRIABLE, "messages are sent too fast"},
    {7, WHOLE, "Sorry, data is too large", "", 510, 0, "the message is too large"},
    {7, ALWAYS, "", "", 210, 0, "permission denied"},
    {8, ALWAYS, "", "", 300, EIM_ERROR_RETRIABLE, "the server has no route"},
    {12, ALWAYS, "", "", 305, 0, "the service is disabled for this app or user"},
    {15, ALWAYS, "", "", 215, 0, "the sender is muted"},
    {19, ALWAYS, "", "", 508, 0, "the app's own service refused the message"},
    {ANY, ALWAYS, "", "", 303, 0, "refused for a reason that is not known"},
};

static bool fits(const row *r, int status, const char *reason) {
  if (r->status != ANY && r->status != status) return false;
  switch (r->how) {
  case WHOLE: return !strcmp(reason, r->text);
  case PARTS: return strstr(reason, r->text) && strstr(reason, r->also);
  default: return true;
  }
}

#define DETAIL_TEXT_MAX 1024

/* Server text for a detail: bounded, at a character boundary. */
static void add_text(eim_buf *out, const char *text) {
  char bounded[DETAIL_TEXT_MAX + 1];
  size_t length = strlen(text);
  if (length > DETAIL_TEXT_MAX) {
    length = DETAIL_TEXT_MAX;
    while (length && ((unsigned char)text[length] & 0xc0) == 0x80) length--;
  }
  memcpy(bounded, text, length);
  bounded[length] = 0;
  eim_buf_json_str(out, bounded);
}

static eim_error *with_detail(int32_t code, int native, unsigned flags, eim_buf *detail,
                              const char *message) {
  eim_error *error =
      eim_error_new_detail(code, EIM_DOMAIN_SERVER, native, flags,
                           detail->failed ? NULL : (const char *)detail->data, "%s", message);
  eim_buf_free(detail);
  return error;
}

static eim_error *judge(const row *r, const eim_status_down *status, unsigned flags_when_missing) {
  eim_buf detail = EIM_BUF_INIT;
  if (status->code == -1) /* no Status in the answer */
    return eim_error_new(EIM_E_PROTOCOL, EIM_DOMAIN_LOCAL, EIM_E_PROTOCOL, flags_when_missing,
                         "the server's answer has no status");
  const char *reason = status->reason ? status->reason : "";
  while (!fits(r, status->code, reason)) r++; /* the last row always fits */
  eim_buf_printf(&detail, "{\"status\":%d,\"reason\":", status->code);
  add_text(&detail, reason);
  eim_buf_str(&detail, "}");
  return with_detail(r->code, status->code, r->flags, &detail, r->message);
}

eim_error *eim_verdict_provision(const eim_status_down *status) {
  return judge(provision_rows, status, EIM_ERROR_RETRIABLE);
}

eim_error *eim_verdict_send(const eim_status_down *status) {
  return judge(send_rows, status, EIM_ERROR_MAYBE);
}

/* docs/protocol.md 15, indexed by StatisticsBody.operation. */
static const struct {
  int32_t code;
  const char *message;
} kicks[] = {
    {0, ""},
    {207, "the user has been removed"},
    {206, "the user has logged in on another device"},
    {216, "the user was kicked because the password was changed"},
    {217, "the user was kicked by another device"},
};

eim_error *eim_verdict_kick(int operation, const char *reason) {
  if (operation < 1 || (size_t)operation >= sizeof kicks / sizeof *kicks) return NULL;
  eim_buf detail = EIM_BUF_INIT;
  eim_buf_printf(&detail, "{\"operation\":%d", operation);
  /* What the new device set as its login extension; for other kicks a reason means nothing. */
  if (kicks[operation].code == EIM_CODE_USER_LOGIN_ANOTHER_DEVICE && reason && *reason) {
    eim_buf_str(&detail, ",\"loginInfoCustomExt\":");
    eim_buf_json_str(&detail, reason);
  }
  eim_buf_str(&detail, "}");
  return with_detail(kicks[operation].code, operation, EIM_ERROR_FINAL, &detail,
                     kicks[operation].message);
}

bool eim_verdict_text_close(const char *text, size_t length, int *code) {
  eim_json root;
  int64_t number;
  if (!eim_json_parse(&root, text, length) || eim_json_kind(root) != EIM_JSON_ARRAY) return false;
  eim_json_iter it = eim_json_each(root);
  if (!eim_json_next(&it) || !eim_json_i64(it.value, &number) || number < 0 || number > 65535)
    return false;
  if (!eim_json_next(&it) || eim_json_kind(it.value) != EIM_JSON_STRING || eim_json_next(&it))
    return false;
  *code = (int)number;
  return true;
}
