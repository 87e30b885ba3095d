#include "net/ca.h"

#include <dirent.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "net/tls.h"

/* Where systems keep the CAs they trust: Debian and Alpine, Fedora, RHEL, openSUSE, FreeBSD,
 * OpenBSD and macOS. */
static const char *const bundles[] = {"/etc/ssl/certs/ca-certificates.crt",
                                      "/etc/pki/tls/certs/ca-bundle.crt",
                                      "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
                                      "/etc/ssl/ca-bundle.pem",
                                      "/usr/local/share/certs/ca-root-nss.crt",
                                      "/etc/ssl/cert.pem"};
/* Android, from 14 on and before. One file a CA, under names that only OpenSSL 0.9.8 would look
 * for. */
static const char *const folders[] = {"/apex/com.android.conscrypt/cacerts",
                                      "/system/etc/security/cacerts"};

int eim_ca_load_folder(X509_STORE *store, const char *path) {
  DIR *folder = opendir(path);
  if (!folder) return 0;
  int count = 0;
  for (struct dirent *entry; (entry = readdir(folder));) {
    char file[512];
    if (*entry->d_name == '.' ||
        (size_t)snprintf(file, sizeof file, "%s/%s", path, entry->d_name) >= sizeof file)
      continue;
    count += X509_STORE_load_file(store, file) == 1;
  }
  closedir(folder);
  ERR_clear_error(); /* of the files that are none */
  return count;
}

/* The CAs that are trusted when the application names none. NULL: good. The environment's word is
 * final, as with OpenSSL's own programs: what it names is used and nothing beside it. */
static eim_error *load_default(X509_STORE *store) {
  const char *file = getenv("SSL_CERT_FILE"), *folder = getenv("SSL_CERT_DIR");
  bool has_file = file && *file, has_folder = folder && *folder;
  if (has_file && X509_STORE_load_file(store, file) != 1)
    return eim_tls_file_error("SSL_CERT_FILE", file);
  /* Read when one of its CAs is needed: a folder that is missing would not be noticed. */
  if (has_folder && (access(folder, R_OK | X_OK) || X509_STORE_load_path(store, folder) != 1))
    return eim_tls_file_error("SSL_CERT_DIR", folder);
  if (has_file || has_folder) return NULL;
  for (size_t i = 0; i < sizeof bundles / sizeof *bundles; i++)
    if (!access(bundles[i], R_OK))
      return X509_STORE_load_file(store, bundles[i]) == 1
                 ? NULL
                 : eim_tls_file_error("CA bundle", bundles[i]);
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
    if (eim_ca_load_folder(store, folders[i])) return NULL;
  eim_buf looked = EIM_BUF_INIT;
  for (size_t i = 0; i < sizeof bundles / sizeof *bundles; i++)
    eim_buf_printf(&looked, "%s%s", i ? ", " : "", bundles[i]);
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
    eim_buf_printf(&looked, ", %s", folders[i]);
  eim_error *error = eim_error_new_detail(
      EIM_E_TLS, EIM_DOMAIN_TLS, 0, EIM_ERROR_FINAL, "{\"tls\":\"no_ca_bundle\"}",
      "no trusted CAs found: set caFile or SSL_CERT_FILE (looked for %s)",
      looked.data && !looked.failed ? (char *)looked.data : "those of known systems");
  eim_buf_free(&looked);
  return error;
}

eim_error *eim_ca_load(X509_STORE *store, const char *ca_file) {
  if (!*ca_file) return load_default(store);
  return X509_STORE_load_file(store, ca_file) == 1 ? NULL : eim_tls_file_error("caFile", ca_file);
}
