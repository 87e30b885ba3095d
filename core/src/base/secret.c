#include "base/secret.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/object.h"

struct eim_secret {
  eim_object base;
  size_t length;
  char text[];
};

void eim_wipe(void *memory, size_t length) {
  if (memory) OPENSSL_cleanse(memory, length);
}

static void destroy(void *self) {
  eim_secret *secret = self;
  eim_wipe(secret->text, secret->length);
  free(secret);
}

eim_secret *eim_secret_new(const char *text) {
  if (!text) return NULL;
  size_t length = strlen(text);
  eim_secret *self = malloc(sizeof *self + length + 1);
  if (!self) return NULL;
  eim_object_init(&self->base, destroy);
  self->length = length;
  memcpy(self->text, text, length + 1);
  return self;
}

eim_secret *eim_secret_ref(const eim_secret *self) {
  return eim_object_ref(self);
}
void eim_secret_unref(const eim_secret *self) {
  eim_object_unref(self);
}
const char *eim_secret_text(const eim_secret *self) {
  return self ? self->text : "";
}

bool eim_secret_equal(const eim_secret *a, const eim_secret *b) {
  if (!a || !b) return a == b;
  return a->length == b->length && CRYPTO_memcmp(a->text, b->text, a->length) == 0;
}
