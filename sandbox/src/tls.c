/* A certificate authority and a server certificate, made anew at each start. The private keys stay
 * in memory; only the CA certificate is left on disk, in a folder of its own. */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox.h"

static bool extension(X509 *cert, X509 *issuer, int nid, const char *value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
  X509_EXTENSION *entry = X509V3_EXT_conf_nid(NULL, &context, nid, value);
  bool good = entry && X509_add_ext(cert, entry, -1);
  X509_EXTENSION_free(entry);
  return good;
}

static X509 *certificate(EVP_PKEY *key, const char *name, X509 *ca, EVP_PKEY *ca_key) {
  X509 *cert = X509_new();
  if (!cert) return NULL;
  unsigned char serial[8];
  X509_NAME *subject = X509_get_subject_name(cert);
  BIGNUM *number = NULL;
  bool good = X509_set_version(cert, 2) && RAND_bytes(serial, sizeof serial) == 1;
  serial[0] &= 0x7f;
  good = good && (number = BN_bin2bn(serial, sizeof serial, NULL)) &&
         BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) &&
         X509_gmtime_adj(X509_getm_notBefore(cert), -86400) &&
         X509_gmtime_adj(X509_getm_notAfter(cert), 30 * 86400) && X509_set_pubkey(cert, key) &&
         X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1,
                                    -1, 0) &&
         X509_set_issuer_name(cert, ca ? X509_get_subject_name(ca) : subject);
  BN_free(number);
  if (good && !ca)
    good = extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
           extension(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign") &&
           extension(cert, cert, NID_subject_key_identifier, "hash");
  if (good && ca)
    good = extension(cert, ca, NID_basic_constraints, "critical,CA:FALSE") &&
           extension(cert, ca, NID_key_usage, "critical,digitalSignature") &&
           extension(cert, ca, NID_ext_key_usage, "serverAuth") &&
           extension(cert, ca, NID_subject_key_identifier, "hash") &&
           extension(cert, ca, NID_authority_key_identifier, "keyid") &&
           extension(cert, ca, NID_subject_alt_name,
                     "DNS:localhost,DNS:sandbox.localhost,IP:127.0.0.1,IP:::1");
  if (good && X509_sign(cert, ca ? ca_key : key, EVP_sha256())) return cert;
  X509_free(cert);
  return NULL;
}

static bool write_private(const char *path, BIO *bio) {
  char *data;
  long size = BIO_get_mem_data(bio, &data);
  FILE *file = fopen(path, "wxe");
  if (!file) return false;
  bool good =
      fchmod(fileno(file), 0600) == 0 && fwrite(data, 1, (size_t)size, file) == (size_t)size;
  return fclose(file) == 0 && good;
}

static char *folder(const eim_sandbox *self) {
  const char *base = self->ca_dir ? self->ca_dir : getenv("TMPDIR");
  eim_buf path = EIM_BUF_INIT;
  eim_buf_printf(&path, "%s/eim-sandbox-XXXXXX", base && *base ? base : "/tmp");
  if (path.failed || !mkdtemp((char *)path.data)) { /* mkdtemp: mode 0700 */
    eim_buf_free(&path);
    return NULL;
  }
  return (char *)path.data;
}

bool eim_sb_make_certificates(eim_sandbox *self, char *cert_file, char *key_file, size_t size) {
  EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
  X509 *ca = ca_key ? certificate(ca_key, "eim sandbox CA", NULL, NULL) : NULL;
  X509 *cert = ca && key ? certificate(key, "localhost", ca, ca_key) : NULL;
  BIO *ca_bio = BIO_new(BIO_s_mem()), *cert_bio = BIO_new(BIO_s_mem()),
      *key_bio = BIO_new(BIO_s_secmem());
  self->private_dir = folder(self);
  bool good = cert && ca_bio && cert_bio && key_bio && self->private_dir &&
              PEM_write_bio_X509(ca_bio, ca) && PEM_write_bio_X509(cert_bio, cert) &&
              PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL);
  if (good) {
    char *pem;
    long length = BIO_get_mem_data(ca_bio, &pem);
    eim_buf path = EIM_BUF_INIT, text = EIM_BUF_INIT;
    eim_buf_printf(&path, "%s/ca.pem", self->private_dir);
    eim_buf_add(&text, pem, (size_t)length);
    self->ca_file = path.failed ? NULL : (char *)path.data;
    self->ca_pem = text.failed ? NULL : (char *)text.data;
    snprintf(cert_file, size, "%s/server.pem", self->private_dir);
    snprintf(key_file, size, "%s/server.key", self->private_dir);
    good = self->ca_file && self->ca_pem && write_private(self->ca_file, ca_bio) &&
           write_private(cert_file, cert_bio) && write_private(key_file, key_bio);
    if (!good) {
      remove(cert_file);
      remove(key_file);
    }
  }
  BIO_free(ca_bio);
  BIO_free(cert_bio);
  BIO_free(key_bio);
  X509_free(cert);
  X509_free(ca);
  EVP_PKEY_free(key);
  EVP_PKEY_free(ca_key);
  return good;
}

void eim_sb_remove_certificates(eim_sandbox *self) {
  if (self->ca_file) remove(self->ca_file);
  if (self->private_dir) rmdir(self->private_dir);
}
