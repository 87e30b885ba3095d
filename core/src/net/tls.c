#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "net/ca.h"
#include "net/resolver.h"

enum { SESSIONS_MAX = 16 };

/* A session to resume, for each server name. */
typedef struct resumable {
  char *host;
  SSL_SESSION *session;
} resumable;

struct eim_tls {
  SSL_CTX *ctx;
  X509_STORE *store;
  char *pins;
  uint8_t (*digests)[32];
  size_t digest_count;
  resumable sessions[SESSIONS_MAX];
  size_t next_session;
};

static pthread_once_t index_once = PTHREAD_ONCE_INIT;
static int alert_index, ctx_index; /* OpenSSL's slots, the same for the whole process */
static void make_index(void) {
  alert_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
  ctx_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

int eim_tls_alert(const SSL *ssl) {
  pthread_once(&index_once, make_index);
  return (int)(intptr_t)SSL_get_ex_data(ssl, alert_index);
}

/* ------------------------------------------------------------------ resumption */

static eim_tls *of(const SSL *ssl) {
  return SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), ctx_index);
}

static resumable *find_session(eim_tls *self, const char *host) {
  for (size_t i = 0; i < SESSIONS_MAX; i++)
    if (self->sessions[i].host && !strcmp(self->sessions[i].host, host)) return &self->sessions[i];
  return NULL;
}

static int on_new_session(SSL *ssl, SSL_SESSION *session) {
  eim_tls *self = of(ssl);
  const char *host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (!self || !host || SSL_get_verify_result(ssl) != X509_V_OK) return 0;
  resumable *place = find_session(self, host);
  if (!place) {
    char *name = eim_strdup(host);
    if (!name) return 0;
    place = &self->sessions[self->next_session++ % SESSIONS_MAX];
    free(place->host);
    place->host = name;
  }
  /* A copy: OpenSSL marks the session of a connection that ends without a TLS goodbye as not
   * resumable, and lost connections are what resumption is for. */
  SSL_SESSION_free(place->session);
  place->session = SSL_SESSION_dup(session);
  return 0;
}

/* The only hook that sees a handshake of libwebsockets before it begins. */
static void on_info(const SSL *ssl, int where, int value) {
  if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT) {
    SSL_set_ex_data((SSL *)ssl, alert_index, (void *)(intptr_t)(value & 0xff));
    return;
  }
  /* TLS 1.3 reports a "start" again for every late ticket. */
  if (!(where & SSL_CB_HANDSHAKE_START) || SSL_get_state(ssl) != TLS_ST_BEFORE) return;
  eim_tls *self = of(ssl);
  const char *host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  resumable *known = self && host ? find_session(self, host) : NULL;
  if (known && known->session) SSL_set_session((SSL *)ssl, known->session);
}

/* ------------------------------------------------------------------ loading */

eim_error *eim_tls_file_error(const char *what, const char *path) {
  char reason[160] = "";
  unsigned long code = ERR_peek_error();
  if (code) ERR_error_string_n(code, reason, sizeof reason);
  ERR_clear_error();
  return eim_error_new_detail(EIM_E_TLS, EIM_DOMAIN_TLS, (int)ERR_GET_REASON(code), EIM_ERROR_FINAL,
                              "{\"tls\":\"file\"}", "%s '%s' cannot be used: %s", what, path,
                              reason);
}

static bool load_pins(eim_tls *self, char *const *keys) {
  size_t count = 0;
  while (keys && keys[count]) count++;
  if (!count) return true;
  eim_buf text = EIM_BUF_INIT;
  self->digests = calloc(count, sizeof *self->digests);
  if (!self->digests) return false;
  for (size_t i = 0; i < count; i++) {
    static const char prefix[] = "sha256//";
    const char *code = keys[i];
    if (!strncmp(code, prefix, sizeof prefix - 1)) code += sizeof prefix - 1;
    uint8_t bytes[64];
    /* 44 characters of base64 are 33 bytes, the last of them padding. */
    if (strlen(code) != 44 || EVP_DecodeBlock(bytes, (const uint8_t *)code, 44) != 33) continue;
    memcpy(self->digests[self->digest_count++], bytes, 32);
    eim_buf_printf(&text, "%ssha256//%s", text.length ? ";" : "", code);
  }
  self->pins = (char *)text.data;
  /* A pin that cannot be read must not become "no pins". */
  return !text.failed && self->digest_count == count;
}

eim_tls *eim_tls_new(const eim_settings *settings, eim_error **error) {
  pthread_once(&index_once, make_index);
  eim_tls *self = calloc(1, sizeof *self);
  ERR_clear_error();
  if (self) self->ctx = SSL_CTX_new(TLS_client_method());
  if (self) self->store = X509_STORE_new();
  if (!self || !self->ctx || !self->store) {
    *error = eim_error_new(EIM_E_NOMEM, EIM_DOMAIN_LOCAL, EIM_E_NOMEM, 0, "out of memory");
    eim_tls_free(self);
    return NULL;
  }
  *error = eim_ca_load(self->store, settings->ca_file);
  if (!*error && !load_pins(self, settings->pinned_keys))
    *error = eim_error_new_detail(
        EIM_E_TLS, EIM_DOMAIN_TLS, 0, EIM_ERROR_FINAL, "{\"tls\":\"pin_form\"}",
        "pinnedKeys: a key is not 'sha256//' and 44 characters of base64");
  else if (!*error && *settings->client_cert &&
           SSL_CTX_use_certificate_chain_file(self->ctx, settings->client_cert) != 1)
    *error = eim_tls_file_error("clientCert", settings->client_cert);
  else if (!*error && *settings->client_cert) {
    const char *key = *settings->client_key ? settings->client_key : settings->client_cert;
    if (SSL_CTX_use_PrivateKey_file(self->ctx, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(self->ctx) != 1)
      *error = eim_tls_file_error("clientKey", key);
  }
  if (*error) {
    eim_tls_free(self);
    return NULL;
  }
  SSL_CTX_set_ex_data(self->ctx, ctx_index, self);
  SSL_CTX_set_min_proto_version(self->ctx, TLS1_2_VERSION);
  SSL_CTX_set_options(self->ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(self->ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_ENABLE_PARTIAL_WRITE);
  SSL_CTX_set1_cert_store(self->ctx, self->store);
  SSL_CTX_set_session_cache_mode(self->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(self->ctx, on_new_session);
  SSL_CTX_set_info_callback(self->ctx, on_info);
  return self;
}

void eim_tls_free(eim_tls *self) {
  if (!self) return;
  for (size_t i = 0; i < SESSIONS_MAX; i++) {
    free(self->sessions[i].host);
    SSL_SESSION_free(self->sessions[i].session);
  }
  /* Connections that are still closing hold the SSL_CTX, but not us. */
  if (self->ctx) SSL_CTX_set_ex_data(self->ctx, ctx_index, NULL);
  SSL_CTX_free(self->ctx);
  X509_STORE_free(self->store);
  free(self->pins);
  free(self->digests);
  free(self);
}

SSL_CTX *eim_tls_ctx(const eim_tls *self) {
  return self->ctx;
}
void eim_tls_apply(const eim_tls *self, SSL_CTX *ctx) {
  SSL_CTX_set1_cert_store(ctx, self->store);
}
const char *eim_tls_pins(const eim_tls *self) {
  return self->pins;
}

bool eim_tls_pin_matches(const eim_tls *self, X509 *certificate) {
  if (!self->digest_count) return true;
  unsigned char *spki = NULL, digest[32];
  int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &spki);
  bool found = false;
  if (length > 0 && EVP_Digest(spki, (size_t)length, digest, NULL, EVP_sha256(), NULL) == 1)
    for (size_t i = 0; i < self->digest_count; i++)
      found |= !memcmp(self->digests[i], digest, sizeof digest);
  OPENSSL_free(spki);
  return found;
}

/* ------------------------------------------------------------------ errors */

eim_error *eim_tls_pin_error(const char *host) {
  return eim_error_new_detail(EIM_E_TLS, EIM_DOMAIN_TLS, X509_V_ERR_APPLICATION_VERIFICATION,
                              EIM_ERROR_RETRIABLE, "{\"tls\":\"pin_mismatch\"}",
                              "the public key of '%s' is none of pinnedKeys", host);
}

eim_error *eim_tls_error(const char *host, int verify, int alert) {
  const char *detail = "{\"tls\":\"untrusted\"}";
  switch (verify) {
  case X509_V_OK:
    if (alert)
      return eim_error_new_detail(EIM_E_TLS, EIM_DOMAIN_TLS, SSL_AD_REASON_OFFSET + alert,
                                  EIM_ERROR_RETRIABLE, "{\"tls\":\"alert\"}",
                                  "'%s' refused the TLS handshake: %s", host,
                                  SSL_alert_desc_string_long(alert));
    return eim_error_new_detail(EIM_E_TLS, EIM_DOMAIN_TLS, 0, EIM_ERROR_RETRIABLE,
                                "{\"tls\":\"handshake\"}", "TLS handshake with '%s' failed", host);
  case X509_V_ERR_CERT_HAS_EXPIRED: detail = "{\"tls\":\"expired\"}"; break;
  case X509_V_ERR_CERT_NOT_YET_VALID: detail = "{\"tls\":\"not_yet_valid\"}"; break;
  case X509_V_ERR_HOSTNAME_MISMATCH:
  case X509_V_ERR_IP_ADDRESS_MISMATCH: detail = "{\"tls\":\"hostname_mismatch\"}"; break;
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
  case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
  case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
  case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
  case X509_V_ERR_CERT_UNTRUSTED: detail = "{\"tls\":\"unknown_ca\"}"; break;
  case X509_V_ERR_CERT_REVOKED: detail = "{\"tls\":\"revoked\"}"; break;
  case X509_V_ERR_APPLICATION_VERIFICATION: return eim_tls_pin_error(host);
  default: break;
  }
  return eim_error_new_detail(EIM_E_TLS, EIM_DOMAIN_TLS, verify, EIM_ERROR_RETRIABLE, detail,
                              "the certificate of '%s' is not accepted: %s", host,
                              X509_verify_cert_error_string(verify));
}
