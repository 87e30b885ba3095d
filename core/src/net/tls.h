/* tls.h - what TLS means here: trust, pins, client certificate, and errors people can act on. An
 * SSL_CTX for the message socket, the same trust for curl's. Made once for each endpoint
 * configuration, used on its loop thread only. */
#ifndef EIM_NET_TLS_H
#define EIM_NET_TLS_H

#include <openssl/ssl.h>

#include "model/error.h"
#include "model/settings.h"

typedef struct eim_tls eim_tls;

/* Loads the CA bundle and the client certificate. NULL: *error says which file is at fault. */
eim_tls *eim_tls_new(const eim_settings *settings, eim_error **error);
void eim_tls_free(eim_tls *self);
/* For the message socket. Borrowed. */
SSL_CTX *eim_tls_ctx(const eim_tls *self);
/* Give curl's SSL_CTX the same trust. */
void eim_tls_apply(const eim_tls *self, SSL_CTX *ctx);
/* Pins in curl's notation "sha256//…;sha256//…"; NULL when there are none. Borrowed. */
const char *eim_tls_pins(const eim_tls *self);
/* Does the certificate's public key match a pin? True when there are none. */
bool eim_tls_pin_matches(const eim_tls *self, X509 *certificate);

/* The error for a failed handshake. verify: X509_V_ERR_* (0: the chain was fine); alert: TLS alert
 * the peer sent (0: none). */
eim_error *eim_tls_error(const char *host, int verify, int alert);
eim_error *eim_tls_pin_error(const char *host);
/* OpenSSL could not use this file; what: the option or variable that named it. */
eim_error *eim_tls_file_error(const char *what, const char *path);
/* Alert received on this connection so far, 0: none. */
int eim_tls_alert(const SSL *ssl);

#endif
