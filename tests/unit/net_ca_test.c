/* Whom we trust when nobody says, and what is said when that cannot be found out. */
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "eim_test.h"
#include "net/ca.h"
#include "net_peer.h"

static int count_of(X509_STORE *store) {
  return sk_X509_OBJECT_num(X509_STORE_get0_objects(store));
}

static void forget(void) {
  unsetenv("SSL_CERT_FILE");
  unsetenv("SSL_CERT_DIR");
}

TEST(ca_of_the_option_and_of_the_environment) {
  peer_ca *ca = peer_ca_new();
  REQUIRE(ca);
  X509_STORE *named = X509_STORE_new(), *variable = X509_STORE_new();
  setenv("SSL_CERT_FILE", "/nowhere.pem", 1); /* the option goes before */
  CHECK(!eim_ca_load(named, peer_ca_file(ca)));
  CHECK_INT(count_of(named), 1);
  setenv("SSL_CERT_FILE", peer_ca_file(ca), 1);
  CHECK(!eim_ca_load(variable, ""));
  CHECK_INT(count_of(variable), 1); /* nothing of the system's beside it */
  forget();
  X509_STORE_free(named);
  X509_STORE_free(variable);
  peer_ca_free(ca);
}

TEST(ca_that_cannot_be_read_is_named) {
  static const struct {
    const char *option, *file, *folder, *says;
  } cases[] = {{"/nowhere/a.pem", NULL, NULL, "caFile '/nowhere/a.pem'"},
               {"/dev/null", NULL, NULL, "caFile '/dev/null'"},
               {"", "/nowhere/b.pem", NULL, "SSL_CERT_FILE '/nowhere/b.pem'"},
               {"", NULL, "/nowhere/c", "SSL_CERT_DIR '/nowhere/c'"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    X509_STORE *store = X509_STORE_new();
    forget();
    if (cases[i].file) setenv("SSL_CERT_FILE", cases[i].file, 1);
    if (cases[i].folder) setenv("SSL_CERT_DIR", cases[i].folder, 1);
    eim_error *error = eim_ca_load(store, cases[i].option);
    REQUIRE(error);
    CHECK_INT(eim_error_code(error), EIM_E_TLS);
    CHECK(eim_error_is_final(error));
    CHECK(strstr(eim_error_message(error), cases[i].says));
    eim_error_unref(error);
    X509_STORE_free(store);
  }
  forget();
}

/* As Android keeps them: a folder of single files under names of its own, and what else may lie
 * there. */
TEST(ca_folder_of_single_files) {
  char folder[] = "/tmp/eim-ca-XXXXXX", file[128], line[256];
  REQUIRE(mkdtemp(folder));
  peer_ca *cas[3];
  for (int i = 0; i < 3; i++) {
    cas[i] = peer_ca_new();
    REQUIRE(cas[i]);
    snprintf(file, sizeof file, "%s/%08x.%d", folder, 0x5ed36f99 + i, i);
    FILE *from = fopen(peer_ca_file(cas[i]), "r"), *to = fopen(file, "w");
    REQUIRE(from && to);
    while (fgets(line, sizeof line, from)) fputs(line, to);
    fclose(from);
    fclose(to);
  }
  snprintf(file, sizeof file, "%s/README", folder);
  FILE *other = fopen(file, "w");
  REQUIRE(other);
  fputs("no certificate\n", other);
  fclose(other);
  X509_STORE *store = X509_STORE_new();
  CHECK_INT(eim_ca_load_folder(store, folder), 3);
  CHECK_INT(count_of(store), 3);
  CHECK_INT(eim_ca_load_folder(store, "/nowhere"), 0);
  X509_STORE_free(store);
  unlink(file);
  for (int i = 0; i < 3; i++) {
    snprintf(file, sizeof file, "%s/%08x.%d", folder, 0x5ed36f99 + i, i);
    unlink(file);
    peer_ca_free(cas[i]);
  }
  CHECK(!rmdir(folder));
}
