/* ca.h - which certificate authorities are trusted. A libeim that carries its own OpenSSL (a wheel,
 * an app) cannot rely on the path that its distribution would have compiled in. */
#ifndef EIM_NET_CA_H
#define EIM_NET_CA_H

#include <openssl/x509_vfy.h>

#include "model/error.h"

/* ca_file, or when that is empty: $SSL_CERT_FILE and $SSL_CERT_DIR, else the first of the known
 * places that is there. NULL, or the reason. */
eim_error *eim_ca_load(X509_STORE *store, const char *ca_file);
/* Every file in the folder that holds a CA; returns how many do. */
int eim_ca_load_folder(X509_STORE *store, const char *path);

#endif
