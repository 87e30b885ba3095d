/* Users who may not send anywhere: docs/rest.md 6. The app's alone. */
#include <stdio.h>
#include <string.h>

#include "rest_call.h"

#define FOR_EVER 4102444800000 /* 2100-01-01; proposed */

static const char *const kinds[EIM_SB_MUTE_KINDS] = {"chat", "groupchat", "chatroom"};

static void mute(eim_sb_call *call, const cJSON *body) {
  const char *name = eim_sb_string(body, "username");
  eim_sb_user *user = name ? eim_sb_find_user(call->self, name) : NULL;
  if (!user) {
    eim_sb_user_unknown(call);
    return;
  }
  for (size_t i = 0; i < EIM_SB_MUTE_KINDS; i++) {
    const cJSON *seconds = cJSON_GetObjectItemCaseSensitive(body, kinds[i]);
    if (!cJSON_IsNumber(seconds)) continue;
    double value = seconds->valuedouble;
    user->muted_until[i] = value < 0 || value > 2e9 ? FOR_EVER
                           : value < 1              ? 0
                                       : eim_sb_now(call->self) + (int64_t)value * 1000;
  }
  cJSON *data = cJSON_CreateObject();
  cJSON_AddStringToObject(data, "result", "ok");
  eim_sb_answer_data(call, data);
}

static void look(eim_sb_call *call, const eim_sb_user *user) {
  char text[EIM_SB_MAX_NAME + 140];
  int64_t now = eim_sb_now(call->self);
  snprintf(text, sizeof text, "%s_%s", call->self->app_key, user->name);
  cJSON *data = cJSON_CreateObject();
  cJSON_AddStringToObject(data, "userid", text);
  for (size_t i = 0; i < EIM_SB_MUTE_KINDS; i++) {
    int64_t until = user->muted_until[i];
    cJSON_AddNumberToObject(data, kinds[i],
                            until >= FOR_EVER ? -1
                            : until > now     ? (double)((until - now + 999) / 1000)
                                              : 0);
  }
  cJSON_AddNumberToObject(data, "unixtime", (double)(now / 1000));
  eim_sb_answer_data(call, data);
}

void eim_sb_rest_mutes(eim_sandbox *self, eim_sb_request *request, char **parts, int count) {
  eim_sb_call call = {.self = self, .request = request, .parts = parts, .count = count};
  if (count > 1) return;
  if (count == 0 ? !eim_sb_verb(&call, "POST") : !eim_sb_verb(&call, "GET")) {
    eim_sb_no_verb(&call);
    return;
  }
  if (!eim_sb_authorize(self, request, NULL, true)) return;
  if (count) {
    const eim_sb_user *user = eim_sb_find_user(self, parts[0]);
    if (user)
      look(&call, user);
    else
      eim_sb_user_unknown(&call);
    return;
  }
  cJSON *body = eim_sb_call_body(&call);
  if (body) mute(&call, body);
  cJSON_Delete(body);
}
