/* The three ways of a message on its socket (docs/protocol.md 4): binary, base64 text, and SockJS,
 * which wraps base64 text into arrays and says when it is open, alive and closed. Bytes only:
 * server.c has the sockets, frames.c the queues. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "sandbox.h"

#define SOCKJS "/ws/"

/* /ws/{server}/{session}/websocket; SockJS allows no dot in the two. */
bool eim_sb_is_sockjs(const char *path) {
  if (strncmp(path, SOCKJS, sizeof SOCKJS - 1) != 0) return false;
  const char *at = path + sizeof SOCKJS - 1;
  for (int i = 0; i < 2; i++) {
    size_t length = strcspn(at, "/.");
    if (!length || at[length] != '/') return false;
    at += length + 1;
  }
  return strcmp(at, "websocket") == 0;
}

static void add_base64(eim_buf *out, const void *bytes, size_t size) {
  char *text = malloc(size / 3 * 4 + 5);
  if (!text) {
    out->failed = true;
    return;
  }
  int length = EVP_EncodeBlock((unsigned char *)text, bytes, (int)size);
  eim_buf_add(out, text, (size_t)length);
  eim_wipe(text, (size_t)length); /* may hold a token */
  free(text);
}

void eim_sb_wrap(eim_sb_transport transport, eim_sb_out_kind *kind, const void *bytes, size_t size,
                 eim_buf *out) {
  bool is_binary = *kind == EIM_SB_BINARY;
  if (transport == EIM_SB_BY_SOCKJS) {
    eim_buf code = EIM_BUF_INIT;
    if (is_binary)
      add_base64(&code, bytes, size);
    else
      eim_buf_add(&code, bytes, size);
    eim_buf_add(&code, "", 1);
    eim_buf_str(out, "a[");
    if (!code.failed) eim_buf_json_str(out, (char *)code.data);
    eim_buf_str(out, "]");
    out->failed |= code.failed;
    eim_buf_wipe(&code);
    *kind = EIM_SB_TEXT;
  } else if (transport == EIM_SB_BY_BASE64 && is_binary) {
    add_base64(out, bytes, size);
    *kind = EIM_SB_TEXT;
  } else {
    eim_buf_add(out, bytes, size);
  }
}

/* One base64 text, one frame. */
static bool base64_frame(eim_sandbox *self, eim_sb_conn *conn, const char *text, size_t size) {
  if (!size || size % 4) return false;
  size_t padding = text[size - 1] != '=' ? 0 : text[size - 2] != '=' ? 1 : 2;
  uint8_t *bytes = malloc(size / 4 * 3);
  if (!bytes) return false;
  int length = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)size);
  bool good =
      length == (int)(size / 4 * 3) && eim_sb_frame(self, conn, bytes, (size_t)length - padding);
  eim_wipe(bytes, size / 4 * 3);
  free(bytes);
  return good;
}

/* An array of texts, or one text; nothing at all is allowed and means nothing. */
static bool sockjs_frame(eim_sandbox *self, eim_sb_conn *conn, const char *text, size_t size) {
  if (!size) return true;
  cJSON *json = cJSON_ParseWithLength(text, size);
  const cJSON *item = cJSON_IsArray(json) ? json->child : json;
  bool good = json && (cJSON_IsArray(json) || cJSON_IsString(json));
  for (; good && item; item = item->next)
    good = cJSON_IsString(item) &&
           base64_frame(self, conn, item->valuestring, strlen(item->valuestring));
  cJSON_Delete(json);
  return good;
}

static bool packed_frame(eim_sandbox *self, eim_sb_conn *conn, const uint8_t *bytes, size_t size) {
  eim_buf plain = EIM_BUF_INIT;
  const char *problem =
      eim_lz4_decode(conn->unpacker, bytes, size, self->options.max_frame, &plain);
  if (problem) eim_sb_log_frame(self, conn, "lz4", problem);
  bool good = !problem && eim_sb_frame(self, conn, plain.data, plain.length);
  eim_buf_wipe(&plain);
  return good;
}

bool eim_sb_message(eim_sandbox *self, eim_sb_conn *conn, const uint8_t *bytes, size_t size,
                    bool is_binary) {
  if (conn->transport == EIM_SB_BY_FIRST)
    conn->transport = is_binary ? EIM_SB_BY_BINARY : EIM_SB_BY_BASE64;
  if (is_binary != (conn->transport == EIM_SB_BY_BINARY)) return false;
  switch (conn->transport) {
  case EIM_SB_BY_SOCKJS: return sockjs_frame(self, conn, (const char *)bytes, size);
  case EIM_SB_BY_BASE64: return base64_frame(self, conn, (const char *)bytes, size);
  default:
    return conn->unpacker ? packed_frame(self, conn, bytes, size)
                          : eim_sb_frame(self, conn, bytes, size);
  }
}
