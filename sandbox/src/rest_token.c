/* POST /{org}/{app}/token: docs/rest.md 5. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"

static void grant_error(eim_sandbox *self, eim_sb_request *request, int status, const char *text) {
  eim_sb_refuse(self, request, status, "invalid_grant", "EasemobSecurityException", text);
}

static void illegal(eim_sandbox *self, eim_sb_request *request, const char *text) {
  eim_sb_refuse(self, request, 400, "illegal_argument", "java.lang.IllegalArgumentException", text);
}

/* Seconds, a number or a numeric string; 0 is for ever; absent the default. */
static bool ttl_of(const eim_sandbox *self, const cJSON *body, int64_t *seconds) {
  const cJSON *ttl = cJSON_GetObjectItemCaseSensitive(body, "ttl");
  *seconds = self->options.token_ttl;
  if (!ttl) return true;
  if (cJSON_IsString(ttl))
    return eim_parse_i64(ttl->valuestring, seconds) && *seconds >= 0 && *seconds < 1000000000000;
  if (!cJSON_IsNumber(ttl) || ttl->valuedouble < 0 || ttl->valuedouble >= 1e12) return false;
  *seconds = (int64_t)ttl->valuedouble;
  return true;
}

static void give(eim_sandbox *self, eim_sb_request *request, const cJSON *body, eim_sb_user *user) {
  int64_t seconds;
  if (!ttl_of(self, body, &seconds)) {
    illegal(self, request, "ttl is illegal"); /* text proposed */
    return;
  }
  char text[128];
  if (!eim_sb_issue(self, user, seconds * 1000, text, sizeof text)) {
    request->dropped = true;
    return;
  }
  cJSON *answer = cJSON_CreateObject();
  cJSON *token = cJSON_AddStringToObject(answer, "access_token", text);
  eim_wipe(text, sizeof text);
  cJSON_AddNumberToObject(answer, "expires_in", (double)seconds);
  if (user)
    cJSON_AddItemToObject(answer, "user", eim_sb_user_json(user));
  else
    cJSON_AddStringToObject(answer, "application", self->app_uuid);
  char *json = cJSON_PrintUnformatted(answer);
  if (token && token->valuestring) eim_wipe(token->valuestring, strlen(token->valuestring));
  cJSON_Delete(answer);
  if (json) {
    eim_sb_answer(self, request, 200, json);
    eim_wipe(json, strlen(json));
  } else {
    request->dropped = true;
  }
  cJSON_free(json);
}

/* An unknown user is told before a wrong password, a ban after it: proposed. */
static void by_password(eim_sandbox *self, eim_sb_request *request, const cJSON *body) {
  const char *name = eim_sb_string(body, "username"), *password = eim_sb_string(body, "password");
  eim_sb_user *user = eim_sb_find_user(self, name);
  if (!user) {
    grant_error(self, request, 404, "user not found");
    return;
  }
  if (!eim_sb_has_password(user, password ? password : ""))
    grant_error(self, request, 400, "invalid password");
  else if (!user->activated)
    grant_error(self, request, 400, "user not activated");
  else
    give(self, request, body, user);
}

static void by_inherit(eim_sandbox *self, eim_sb_request *request, const cJSON *body) {
  const eim_sb_token *app = eim_sb_find_token(self, request->token);
  if (!request->token || !app || app->user || eim_sb_token_expired(self, app)) {
    eim_sb_refuse(self, request, 401, "auth_bad_access_token", "EasemobSecurityException",
                  "Unable to authenticate due to corrupt access token");
    return;
  }
  const char *name = eim_sb_string(body, "username");
  eim_sb_user *user = eim_sb_find_user(self, name);
  bool create = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(body, "autoCreateUser"));
  if (!user && create) {
    char text[300];
    snprintf(text, sizeof text, "username [%.200s] is not legal", name ? name : "");
    if (!name || !eim_sb_name_legal(name)) {
      illegal(self, request, text);
      return;
    }
    if (strlen(name) > EIM_SB_MAX_NAME) {
      illegal(self, request, "USERNAME_TOO_LONG");
      return;
    }
    char unknown[40];
    eim_sb_uuid(self, unknown); /* nobody can log in by password until one is set */
    user = eim_sb_create_user(self, name, unknown, NULL);
  }
  if (!user)
    eim_sb_refuse(self, request, 404, "entity_not_found",
                  "org.apache.usergrid.persistence.exceptions.EntityNotFoundException",
                  "User null not found");
  else if (!user->activated)
    grant_error(self, request, 400, "user not activated");
  else
    give(self, request, body, user);
}

static void by_credentials(eim_sandbox *self, eim_sb_request *request, const cJSON *body) {
  const char *id = eim_sb_string(body, "client_id"), *secret = eim_sb_string(body, "client_secret");
  if (!id || !*id)
    illegal(self, request, "client_id must be provided.");
  else if (!secret || !*secret)
    illegal(self, request, "client_secret must be provided");
  else if (strcmp(id, EIM_SANDBOX_CLIENT_ID) != 0)
    grant_error(self, request, 400, "client_id does not match");
  else if (strcmp(secret, EIM_SANDBOX_CLIENT_SECRET) != 0)
    grant_error(self, request, 400, "client_secret does not match");
  else
    give(self, request, body, NULL);
}

void eim_sb_rest_token(eim_sandbox *self, eim_sb_request *request) {
  cJSON *body = eim_sb_parse_body(self, request);
  if (!body) return;
  const char *grant = eim_sb_string(body, "grant_type");
  if (grant && strcmp(grant, "password") == 0)
    by_password(self, request, body);
  else if (grant && strcmp(grant, "inherit") == 0)
    by_inherit(self, request, body);
  else if (grant && strcmp(grant, "client_credentials") == 0)
    by_credentials(self, request, body);
  else /* proposed */
    eim_sb_refuse(self, request, 400, grant ? "unsupported_grant_type" : "invalid_request",
                  "EasemobSecurityException",
                  grant ? "unsupported grant_type" : "grant_type must be provided");
  cJSON *password = cJSON_GetObjectItemCaseSensitive(body, "password");
  if (cJSON_IsString(password)) eim_wipe(password->valuestring, strlen(password->valuestring));
  cJSON_Delete(body);
}
