/* Every recorded frame from a server, decoded, against what the real SDK told its application. */
#include "model/event.h"
#include "model/message.h"
#include "wire/verdict.h"
#include "wire_vectors.h"

static const cJSON *get(const cJSON *object, const char *key) {
  return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* All items of all frames down of a session. */
#define ITEMS_MAX 512
typedef struct session {
  decoded frames[ITEMS_MAX];
  size_t frame_count;
  eim_item *items[ITEMS_MAX];
  const char *client[ITEMS_MAX]; /* who got it */
  bool used[ITEMS_MAX];
  size_t item_count;
} session;

static session *open_session(const vector_file *file) {
  session *s = calloc(1, sizeof *s);
  FOR_STEPS(step, file) {
    if (strcmp(vector_string(step, "kind"), "ws") || strcmp(vector_string(step, "dir"), "down"))
      continue;
    decoded *d = &s->frames[s->frame_count++];
    decode_hex(d, vector_string(step, "hex"), vector_string(step, "client"), "");
    if (!d->ok) eim_test_fail(__FILE__, __LINE__, "%s: %s", file->name, d->problem);
    for (size_t i = 0; d->ok && i < d->frame.item_count; i++) {
      if (d->frame.items[i].kind == EIM_ITEM_BAD)
        eim_test_fail(__FILE__, __LINE__, "%s: %s", file->name, d->frame.items[i].problem);
      s->client[s->item_count] = vector_string(step, "client");
      s->items[s->item_count++] = &d->frame.items[i];
    }
  }
  return s;
}

static void close_session(session *s) {
  for (size_t i = 0; i < s->frame_count; i++) decoded_free(&s->frames[i]);
  free(s);
}

static const eim_item *find(session *s, eim_item_kind kind, const char *client, const char *id) {
  for (size_t i = 0; i < s->item_count; i++) {
    char digits[32];
    snprintf(digits, sizeof digits, "%" PRIu64, s->items[i]->id);
    if (s->items[i]->kind == kind && !strcmp(digits, id) && !strcmp(s->client[i], client))
      return s->items[i];
  }
  return NULL;
}

/* The SDK puts its own server and a redirect into file URLs; ours are those of the wire. */
static bool same_url(const char *told, const char *ours) {
  size_t length = strcspn(ours, "?");
  return length && !strncmp(told, ours, length) && (told[length] == '?' || !told[length]);
}

static void check_field(const char *file, const eim_message *m, const cJSON *told) {
  const char *key = told->string, *text = cJSON_GetStringValue(told);
  static const char *const chat_types[] = {"", "singleChat", "groupChat", "chatRoom"};
  cJSON *ext = cJSON_Parse(eim_message_ext(m)), *body = cJSON_Parse(eim_message_body(m));
  const cJSON *ours = get(body, key);
  bool same, file_kind = m->kind == EIM_MESSAGE_FILE, image = m->kind == EIM_MESSAGE_IMAGE;
  if (!strcmp(key, "id"))
    same = !strcmp(text, eim_message_id(m));
  else if (!strcmp(key, "type"))
    same = !strcmp(text, eim_message_type(m)) && cJSON_Compare(told, ours, true);
  else if (!strcmp(key, "chatType"))
    same = !strcmp(text, chat_types[m->chat_type]);
  else if (!strcmp(key, "from"))
    same = !strcmp(text, eim_message_from(m));
  else if (!strcmp(key, "to"))
    same = !strcmp(text, eim_message_to(m));
  else if (!strcmp(key, "time"))
    same = told->valuedouble == (double)eim_message_time(m);
  else if (!strcmp(key, "onlineState"))
    same = told->valueint == m->online_state;
  else if (!strcmp(key, "ext"))
    same = cJSON_Compare(told, ext, true);
  else if (!strcmp(key, "url") || (!strcmp(key, "thumb") && !image))
    same = text && cJSON_GetStringValue(ours) && same_url(text, ours->valuestring);
  else if (!strcmp(key, "file") || !strcmp(key, "accessToken") || !strcmp(key, "filetype") ||
           (!strcmp(key, "thumb") && image) || (!strcmp(key, "length") && file_kind))
    same = true; /* made by the SDK, not of the wire */
  else if (!strcmp(key, "thumb_secret") &&
           image) /* the thumbnail of an image is in the same file */
    same = cJSON_Compare(told, get(body, "secret"), true);
  else if (!ours) /* the SDK writes defaults that were not on the wire */
    same = cJSON_IsFalse(told) || ((cJSON_IsObject(told) || cJSON_IsArray(told)) && !told->child);
  else
    same = cJSON_Compare(told, ours, true);
  if (!strcmp(key, "msg")) CHECK_STR(eim_message_text(m), text);
  if (!same)
    eim_test_fail(__FILE__, __LINE__, "%s: %s of %s differs: body %s ext %s", file, key,
                  eim_message_id(m), eim_message_body(m), eim_message_ext(m));
  cJSON_Delete(ext);
  cJSON_Delete(body);
}

TEST(messages_are_what_the_sdk_told) {
  static const char *const callbacks[] = {
      "onTextMessage", "onImageMessage", "onVideoMessage",  "onLocationMessage", "onAudioMessage",
      "onFileMessage", "onCmdMessage",   "onCustomMessage", "onCombineMessage"};
  enum { KINDS = sizeof callbacks / sizeof *callbacks };
  size_t count, seen[KINDS] = {0};
  const vector_file *files = vector_files(&count);
  for (size_t i = 0; i < count; i++) {
    session *s = open_session(&files[i]);
    FOR_STEPS(step, &files[i]) {
      if (strcmp(vector_string(step, "kind"), "callback")) continue;
      for (size_t k = 0; k < KINDS; k++) {
        if (strcmp(vector_string(step, "name"), callbacks[k])) continue;
        const cJSON *arg = get(step, "arg");
        const eim_item *item =
            find(s, EIM_ITEM_MESSAGE, vector_string(step, "client"), vector_string(arg, "id"));
        if (!item) {
          eim_test_fail(__FILE__, __LINE__, "%s: no message %s", files[i].name,
                        vector_string(arg, "id"));
          continue;
        }
        seen[k]++;
        for (const cJSON *field = arg->child; field; field = field->next)
          check_field(files[i].name, item->message, field);
      }
    }
    close_session(s);
  }
  for (size_t k = 0; k < KINDS; k++)
    if (!seen[k]) eim_test_fail(__FILE__, __LINE__, "no %s was recorded", callbacks[k]);
}

TEST(receipts_are_what_the_sdk_told) {
  static const struct {
    const char *callback;
    eim_receipt_kind kind;
  } kinds[] = {{"onDeliveredMessage", EIM_RECEIPT_DELIVERED},
               {"onReadMessage", EIM_RECEIPT_READ},
               {"onChannelMessage", EIM_RECEIPT_CHANNEL},
               {"onRecallMessage", EIM_RECEIPT_RECALLED}};
  size_t count, seen[4] = {0};
  const vector_file *files = vector_files(&count);
  for (size_t i = 0; i < count; i++) {
    session *s = open_session(&files[i]);
    FOR_STEPS(step, &files[i]) {
      for (size_t k = 0; k < 4; k++) {
        const cJSON *arg = get(step, "arg");
        if (strcmp(vector_string(step, "name"), kinds[k].callback) || !get(arg, "from")) continue;
        const eim_item *item =
            find(s, EIM_ITEM_RECEIPT, vector_string(step, "client"), vector_string(arg, "id"));
        if (!item) {
          eim_test_fail(__FILE__, __LINE__, "%s: no receipt %s", files[i].name,
                        vector_string(arg, "id"));
          continue;
        }
        seen[k]++;
        CHECK_INT(eim_receipt_get_kind(item->receipt), kinds[k].kind);
        CHECK_STR(eim_receipt_from(item->receipt), vector_string(arg, "from"));
        CHECK_STR(eim_receipt_to(item->receipt), vector_string(arg, "to"));
        CHECK_STR(eim_receipt_message_id(item->receipt), vector_string(arg, "mid"));
        if (get(arg, "time"))
          CHECK(get(arg, "time")->valuedouble == (double)eim_receipt_time(item->receipt));
      }
    }
    close_session(s);
  }
  for (size_t k = 0; k < 4; k++)
    if (!seen[k]) eim_test_fail(__FILE__, __LINE__, "no %s was recorded", kinds[k].callback);
}

/* The next notice of that name for that client that was not matched yet. */
static cJSON *next_notice(session *s, const char *client, const char *name) {
  for (size_t i = 0; i < s->item_count; i++) {
    if (s->used[i] || s->items[i]->kind != EIM_ITEM_NOTICE || strcmp(s->client[i], client) ||
        strcmp(eim_notice_name(s->items[i]->notice), name))
      continue;
    s->used[i] = true;
    return cJSON_Parse(eim_notice_json(s->items[i]->notice));
  }
  return NULL;
}

static void check_members(const char *file, const cJSON *ours, const cJSON *told,
                          const char *const *keys) {
  for (; *keys; keys++) {
    const cJSON *want = get(told, *keys);
    if (want && !cJSON_Compare(want, get(ours, *keys), true)) {
      char *text = cJSON_PrintUnformatted(ours);
      eim_test_fail(__FILE__, __LINE__, "%s: %s differs in %s", file, *keys, text);
      free(text);
    }
  }
}

static void check_notify(const char *file, const char *callback, const cJSON *ours,
                         const cJSON *told) {
  const cJSON *data = get(ours, "data");
  (void)file;
  if (!strcmp(callback, "onPresenceStatusChange")) {
    const cJSON *value = get(data, "values")->child;
    CHECK_STR(vector_string(value, "uid"), vector_string(told->child, "userId"));
    CHECK_STR(vector_string(value, "ext"), vector_string(told->child, "ext"));
  } else if (!strcmp(callback, "onReactionChange")) {
    const cJSON *one = cJSON_IsArray(data) ? data->child : data;
    CHECK_STR(vector_string(one, "from"), vector_string(told, "from"));
    CHECK_STR(vector_string(one, "to"), vector_string(told, "to"));
  } else {
    CHECK_STR(vector_string(ours, "operation"), vector_string(told, "operation"));
  }
}

TEST(notices_are_what_the_sdk_told) {
  static const struct {
    const char *callback, *name, *operation;
  } kinds[] = {
      {"onContactInvited", "contact", "invited"}, {"onContactDeleted", "contact", "deleted"},
      {"onContactAdded", "contact", "added"},     {"onContactRefuse", "contact", "refuse"},
      {"onContactAgreed", "contact", "agreed"},   {"onGroupEvent", "group", NULL},
      {"onChatroomEvent", "chatroom", NULL},      {"onPresenceStatusChange", "presence", NULL},
      {"onReactionChange", "reaction", NULL},     {"onMultiDeviceEvent", "conversation", NULL},
      {"onModifiedMessage", "message_edit", NULL}};
  static const char *const members[] = {"operation",   "id",  "from", "name",
                                        "memberCount", "ext", NULL};
  static const char *const contact[] = {"type", "to", "from", "status", NULL};
  static const char *const edit[] = {"id", "from", "to", "chatType", NULL};
  static const char *const modified[] = {"operationTime", "operatorId", "operationCount", NULL};
  enum { KINDS = sizeof kinds / sizeof *kinds };
  size_t count, seen[KINDS] = {0};
  const vector_file *files = vector_files(&count);
  for (size_t i = 0; i < count; i++) {
    session *s = open_session(&files[i]);
    FOR_STEPS(step, &files[i]) {
      for (size_t k = 0; k < KINDS; k++) {
        if (strcmp(vector_string(step, "kind"), "callback") ||
            strcmp(vector_string(step, "name"), kinds[k].callback))
          continue;
        const cJSON *told = get(step, "arg");
        const char *client = vector_string(step, "client"), *name = kinds[k].name;
        if (!strcmp(vector_string(told, "operation"), "deleteRoaming")) name = "roaming_delete";
        cJSON *ours = next_notice(s, client, name);
        /* A room join is answered with a MUC of the joiner, which the SDK does not tell. */
        while (ours && k == 6 && !strcmp(vector_string(ours, "operation"), "join")) {
          cJSON_Delete(ours);
          ours = next_notice(s, client, name);
        }
        if (!ours) {
          eim_test_fail(__FILE__, __LINE__, "%s: nothing for %s", files[i].name, kinds[k].callback);
          continue;
        }
        seen[k]++;
        if (kinds[k].operation) {
          CHECK_STR(vector_string(ours, "operation"), kinds[k].operation);
          check_members(files[i].name, ours, told, contact);
        } else if (k == 5 || k == 6) {
          check_members(files[i].name, ours, told, members);
        } else if (!strcmp(name, "message_edit")) {
          check_members(files[i].name, ours, told, edit);
          check_members(files[i].name, get(ours, "modifiedInfo"), get(told, "modifiedInfo"),
                        modified);
          CHECK_STR(vector_string(get(ours, "body"), "msg"), vector_string(told, "msg"));
          CHECK_STR(vector_string(get(ours, "body"), "type"), "txt");
        } else {
          check_notify(files[i].name, kinds[k].callback, ours, told);
        }
        cJSON_Delete(ours);
      }
    }
    close_session(s);
  }
  for (size_t k = 0; k < KINDS; k++)
    if (!seen[k]) eim_test_fail(__FILE__, __LINE__, "no %s was recorded", kinds[k].callback);
}

/* The web number of our error is the one the 4.8.1 SDK gave. */
TEST(kicks_are_what_the_sdk_told) {
  size_t count, kicks = 0;
  const vector_file *files = vector_files(&count);
  for (size_t i = 0; i < count; i++) {
    session *s = open_session(&files[i]);
    size_t at = 0;
    FOR_STEPS(step, &files[i]) {
      if (strcmp(vector_string(step, "name"), "onError") || !strstr(files[i].name, "/kick"))
        continue;
      const cJSON *arg = get(step, "arg");
      while (at < s->item_count && s->items[at]->kind != EIM_ITEM_STATISTIC) at++;
      REQUIRE(at < s->item_count);
      eim_error *error = eim_verdict_kick(s->items[at]->operation, s->items[at]->reason);
      at++;
      REQUIRE(error);
      kicks++;
      CHECK_INT(eim_error_code(error), get(arg, "type")->valueint);
      CHECK(eim_error_is_final(error) && !eim_error_is_retriable(error));
      cJSON *detail = cJSON_Parse(eim_error_detail(error));
      CHECK_STR(vector_string(detail, "loginInfoCustomExt"),
                vector_string(get(arg, "data"), "loginInfoCustomExt"));
      cJSON_Delete(detail);
      eim_error_unref(error);
    }
    close_session(s);
  }
  CHECK_INT(kicks, 15); /* five in each of three builds */
  CHECK(!eim_verdict_kick(0, "") && !eim_verdict_kick(5, "") && !eim_verdict_kick(-1, NULL));
}

TEST(provision_refusals_of_the_vectors) {
  static const struct {
    const char *reason;
    int32_t code;
  } expected[] = {{"Sorry, token expired", 108},
                  {"Sorry, token or password does not match login info", 104},
                  {"Sorry, user not found", 204},
                  {"Sorry, user register limit", 4},
                  {"unauthorized", 202},
                  {"wrong parameter", 110},
                  {"Sorry, the app online count limit", 8},
                  {"forbidden", 305},
                  {"too many devices", 214},
                  {"resource changed", 220}};
  enum { ROWS = sizeof expected / sizeof *expected };
  size_t count, seen[ROWS] = {0};
  const vector_file *files = vector_files(&count);
  for (size_t i = 0; i < count; i++) {
    session *s = open_session(&files[i]);
    for (size_t f = 0; f < s->frame_count; f++) {
      const eim_frame *frame = &s->frames[f].frame;
      if (frame->command != EIM_CMD_PROVISION) continue;
      CHECK(*frame->resource);
      if (frame->status.code == 0) {
        CHECK(frame->expires_at == 0 || frame->expires_at > INT64_C(1795000000000));
        continue;
      }
      eim_error *error = eim_verdict_provision(&frame->status);
      bool known = false;
      for (size_t r = 0; r < ROWS; r++) {
        if (strcmp(frame->status.reason, expected[r].reason)) continue;
        known = true;
        seen[r]++;
        CHECK_INT(eim_error_code(error), expected[r].code);
        CHECK_INT(eim_error_native(error), frame->status.code);
        CHECK(eim_error_is_final(error) && !eim_error_is_retriable(error));
        CHECK_CONTAINS(eim_error_detail(error), expected[r].reason);
      }
      if (!known) eim_test_fail(__FILE__, __LINE__, "not expected: %s", frame->status.reason);
      eim_error_unref(error);
    }
    close_session(s);
  }
  for (size_t r = 0; r < ROWS; r++)
    if (!seen[r]) eim_test_fail(__FILE__, __LINE__, "not recorded: %s", expected[r].reason);
}

/* Answers and queue content, field by field against the recorded view. */
TEST(sync_unread_notice_fields) {
  size_t count, syncs = 0, queues = 0, notices = 0;
  const vector_file *files = vector_files(&count);
  for (size_t i = 0; i < count; i++) {
    FOR_STEPS(step, &files[i]) {
      if (strcmp(vector_string(step, "kind"), "ws") || strcmp(vector_string(step, "dir"), "down"))
        continue;
      decoded d;
      decode_hex(&d, vector_string(step, "hex"), "nobody", "");
      REQUIRE(d.ok);
      const eim_frame *f = &d.frame;
      const cJSON *payload = get(get(step, "decoded"), "payload");
      const cJSON *sync = get(payload, "CommSyncDL"), *unread = get(payload, "CommUnreadDL");
      const cJSON *notice = get(payload, "CommNotice"), *queue = get(sync, "queue");
      char digits[32];
      if (sync) {
        syncs++;
        CHECK_INT(f->command, EIM_CMD_SYNC);
        CHECK_INT(f->item_count, cJSON_GetArraySize(get(sync, "metas")));
        CHECK(f->has_queue == (queue != NULL) && f->has_next_key == (get(sync, "nextKey") != NULL));
        CHECK(f->has_is_last == (get(sync, "isLast") != NULL));
        CHECK(f->is_last == cJSON_IsTrue(get(sync, "isLast")));
        CHECK(f->is_answer == (get(sync, "metaId") != NULL));
        CHECK_STR(f->queue.name, vector_string(queue, "name"));
        CHECK_STR(f->queue.domain, vector_string(queue, "domain"));
        CHECK_STR(f->queue.resource, vector_string(queue, "clientResource"));
        CHECK_STR(f->status.reason, vector_string(get(sync, "status"), "reason"));
        snprintf(digits, sizeof digits, "%" PRIu64, f->next_key);
        if (f->has_next_key) CHECK_STR(digits, vector_string(sync, "nextKey"));
        snprintf(digits, sizeof digits, "%" PRIu64, f->meta_id);
        if (f->is_answer) CHECK_STR(digits, vector_string(sync, "metaId"));
        snprintf(digits, sizeof digits, "%" PRIu64, f->server_id);
        if (f->is_answer) CHECK_STR(digits, vector_string(sync, "serverId"));
        snprintf(digits, sizeof digits, "%" PRId64, f->timestamp);
        CHECK_STR(digits, vector_string(sync, "timestamp"));
      } else if (unread) {
        const cJSON *list = get(unread, "unread");
        CHECK_INT(f->command, EIM_CMD_UNREAD);
        CHECK_INT(f->queue_count, cJSON_GetArraySize(list));
        for (size_t n = 0; n < f->queue_count; n++, queues++) {
          const cJSON *entry = cJSON_GetArrayItem(list, (int)n);
          CHECK_STR(f->queues[n].queue.name, vector_string(get(entry, "queue"), "name"));
          CHECK_INT(f->queues[n].count, get(entry, "n")->valueint);
        }
      } else if (notice) {
        notices++;
        CHECK_INT(f->command, EIM_CMD_NOTICE);
        CHECK_INT(f->queue_count, 1);
        CHECK_STR(f->queues[0].queue.name, vector_string(get(notice, "queue"), "name"));
      }
      decoded_free(&d);
    }
  }
  CHECK(syncs > 300 && queues > 0 && notices > 90);
}

/* Refused sends: the recorded status with the number of the native SDKs. */
TEST(send_refusals_of_the_vectors) {
  static const struct {
    int status;
    const char *reason;
    int32_t code;
  } expected[] = {{1, "blocked", 210},
                  {1, "group not found", 606},
                  {1, "not in group or chatroom", 602},
                  {1, "exceed recall time limit", 504},
                  {1, "message recall disabled", 505},
                  {1, "not in group or chatroom white list", 507},
                  {1, "nonroster", 221},
                  {1, "group is disabled", 607},
                  {1, "limit directed users", 4},
                  {1, "Sorry, edit limit reached", 4},
                  {1, "Sorry, message does not exist", 500},
                  {1, "Sorry, You do not have permission", 210},
                  {1, "Sorry, format is incorrect", 511},
                  {1, "Sorry, edit is not available", 505},
                  {1, "Sorry, edit fail", 511},
                  {1, "grpID 5 does not exist!", 705},
                  {1, "grpID 404 does not exist!", 705},
                  {1, "username x doesn't exist!", 204},
                  {1, "group member list is full!", 704},
                  {1, "can not join this group, reason: user x is in the blacklist", 603},
                  {1, "can not operate this group, reason: group is disabled", 607},
                  {1, "moderation says no", 1200},
                  {1, "group ID illegal, please check it", 110},
                  {1, "has create too many chatrooms", 4},
                  {1, "has joined too many chatrooms", 4},
                  {1, "auto create failed", 302},
                  {1, "something else", 303},
                  {7, "sensitive words", 501},
                  {7, "blocked by mod_antispam", 501},
                  {7, "user is mute", 219},
                  {7, "traffic limit", 509},
                  {7, "Sorry, data is too large", 510},
                  {7, "other permission", 210},
                  {15, "muted", 215},
                  {19, "callback said no", 508},
                  {2, "unauth", 202},
                  {6, "token expired", 108},
                  {10, "parse", 303}};
  enum { ROWS = sizeof expected / sizeof *expected };
  size_t count, seen[ROWS] = {0};
  const vector_file *files = vector_files(&count);
  for (size_t i = 0; i < count; i++) {
    session *s = open_session(&files[i]);
    for (size_t f = 0; f < s->frame_count; f++) {
      const eim_frame *frame = &s->frames[f].frame;
      if (frame->command != EIM_CMD_SYNC || frame->status.code == 0) continue;
      bool known = false;
      for (size_t r = 0; r < ROWS; r++) {
        if (frame->status.code != expected[r].status ||
            strcmp(frame->status.reason, expected[r].reason))
          continue;
        known = true;
        seen[r]++;
        eim_error *error = eim_verdict_send(&frame->status);
        if (eim_error_code(error) != expected[r].code)
          eim_test_fail(__FILE__, __LINE__, "%s: %d", expected[r].reason, eim_error_code(error));
        CHECK(!eim_error_is_final(error));
        CHECK_INT(eim_error_domain(error), EIM_DOMAIN_SERVER);
        eim_error_unref(error);
      }
      if (!known)
        eim_test_fail(__FILE__, __LINE__, "not expected: %d %s", frame->status.code,
                      frame->status.reason);
    }
    close_session(s);
  }
  for (size_t r = 0; r < ROWS; r++)
    if (!seen[r]) eim_test_fail(__FILE__, __LINE__, "not recorded: %s", expected[r].reason);
}
