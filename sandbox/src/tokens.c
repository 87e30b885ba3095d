/* Tokens are kept as hashes only: what a log or a core file of the sandbox holds opens nothing. */
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"

void eim_sb_hash(const char *text, uint8_t out[32]) {
  SHA256((const unsigned char *)text, strlen(text), out);
}

void eim_sb_hash_text(const char *text, char out[13]) {
  uint8_t hash[32];
  eim_sb_hash(text, hash);
  for (int i = 0; i < 6; i++) snprintf(out + 2 * i, 3, "%02x", hash[i]);
}

static size_t bucket_of(const uint8_t hash[32]) {
  return (hash[0] | (size_t)hash[1] << 8) % EIM_SB_BUCKETS;
}

/* "YWMt" + URL-safe base64 (docs/rest.md 5). */
static void random_text(char *out, size_t length) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  unsigned char bytes[96];
  RAND_bytes(bytes, sizeof bytes);
  memcpy(out, "YWMt", 4);
  for (size_t i = 4; i < length; i++) out[i] = digits[bytes[i % sizeof bytes] & 63];
  out[length] = 0;
}

void eim_sb_link_token(eim_sandbox *self, eim_sb_token *token) {
  eim_sb_token **bucket = &self->tokens[bucket_of(token->hash)];
  token->next = *bucket;
  *bucket = token;
}

eim_sb_token *eim_sb_issue(eim_sandbox *self, eim_sb_user *user, int64_t ttl_ms, char *out,
                           size_t out_size) {
  if (out_size < 100) return NULL;
  eim_sb_token *token = calloc(1, sizeof *token);
  if (!token) return NULL;
  random_text(out, 96);
  eim_sb_hash(out, token->hash);
  token->user = user;
  int64_t now = eim_sb_now(self);
  token->expires_at = !ttl_ms ? 0 : ttl_ms > INT64_MAX - now ? INT64_MAX : now + ttl_ms;
  eim_sb_link_token(self, token);
  eim_sb_store_token(self->store, token);
  return token;
}

/* base64url("dt-" + json), signed with the client secret: docs/rest.md 5. A valid one is remembered
 * as a token of its user, so that the rest of the sandbox knows one kind only. */
static eim_sb_token *dynamic_token(eim_sandbox *self, const char *text) {
  size_t length = strlen(text);
  if (length < 8 || length > 2048 || strncmp(text, "ZHQt", 4) != 0) return NULL;
  char padded[2056];
  for (size_t i = 0; i < length; i++)
    padded[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
  while (length % 4) padded[length++] = '=';
  padded[length] = 0;
  unsigned char json[2056];
  int size = EVP_DecodeBlock(json, (unsigned char *)padded, (int)length);
  if (size < 4) return NULL;
  json[size] = 0;
  cJSON *root = cJSON_ParseWithLength((char *)json + 3, (size_t)size - 3);
  const char *signature = eim_sb_string(root, "signature"),
             *app_key = eim_sb_string(root, "appkey");
  const char *name = eim_sb_string(root, "userId");
  const cJSON *made = cJSON_GetObjectItemCaseSensitive(root, "curTime");
  const cJSON *ttl = cJSON_GetObjectItemCaseSensitive(root, "ttl");
  eim_sb_token *token = NULL;
  eim_sb_user *user = name ? eim_sb_find_user(self, name) : NULL;
  if (signature && app_key && user && cJSON_IsNumber(made) && cJSON_IsNumber(ttl) &&
      strcmp(app_key, self->app_key) == 0 && made->valuedouble > 0 && made->valuedouble < 1e13 &&
      ttl->valuedouble > 0 && ttl->valuedouble < 1e11) {
    eim_buf plain = EIM_BUF_INIT;
    eim_buf_printf(&plain, "%s%s%s%.0f%.0f%s", EIM_SANDBOX_CLIENT_ID, app_key, name,
                   made->valuedouble, ttl->valuedouble, EIM_SANDBOX_CLIENT_SECRET);
    uint8_t hash[32];
    char hex[65];
    if (!plain.failed) {
      eim_sb_hash((char *)plain.data, hash);
      for (int i = 0; i < 32; i++) snprintf(hex + 2 * i, 3, "%02x", hash[i]);
      if (strcmp(hex, signature) == 0 && (token = calloc(1, sizeof *token))) {
        eim_sb_hash(text, token->hash);
        token->user = user;
        token->expires_at = (int64_t)(made->valuedouble + ttl->valuedouble) * 1000;
        eim_sb_link_token(self, token);
        eim_sb_store_token(self->store, token);
      }
    }
    eim_buf_wipe(&plain);
  }
  cJSON_Delete(root);
  return token;
}

eim_sb_token *eim_sb_find_token(eim_sandbox *self, const char *text) {
  if (!text || !*text) return NULL;
  uint8_t hash[32];
  eim_sb_hash(text, hash);
  eim_sb_token *token = self->tokens[bucket_of(hash)];
  while (token && memcmp(token->hash, hash, sizeof hash) != 0) token = token->next;
  if (!token) token = dynamic_token(self, text);
  if (token) eim_sb_touch_user(self, token->user);
  return token;
}

bool eim_sb_token_expired(const eim_sandbox *self, const eim_sb_token *token) {
  return token->expires_at && token->expires_at <= eim_sb_now(self);
}

void eim_sb_revoke(eim_sandbox *self, const eim_sb_user *user) {
  eim_sb_store_tokens_gone(self->store, user);
  for (size_t i = 0; i < EIM_SB_BUCKETS; i++) {
    for (eim_sb_token **at = &self->tokens[i]; *at;) {
      eim_sb_token *token = *at;
      if (token->user != user) {
        at = &token->next;
        continue;
      }
      *at = token->next;
      free(token);
    }
  }
}

void eim_sb_expire(eim_sandbox *self, const eim_sb_user *user) {
  int64_t now = eim_sb_now(self);
  for (size_t i = 0; i < EIM_SB_BUCKETS; i++) {
    for (eim_sb_token *token = self->tokens[i]; token; token = token->next) {
      if (!token->user || (user && token->user != user) || eim_sb_token_expired(self, token))
        continue;
      token->expires_at = now;
      eim_sb_store_token(self->store, token);
    }
  }
}

void eim_sb_free_tokens(eim_sandbox *self) {
  for (size_t i = 0; i < EIM_SB_BUCKETS; i++) {
    for (eim_sb_token *token = self->tokens[i], *next; token; token = next) {
      next = token->next;
      free(token);
    }
    self->tokens[i] = NULL;
  }
}
