/* In place of store.c where there is no SQLite: packages that carry their third parties inside. */
#include <stdio.h>

#include "sandbox.h"

bool eim_sb_store_open(eim_sandbox *self, const char *path, char *error, size_t size) {
  (void)self;
  snprintf(error, size, "cannot open %s: this build was made without SQLite and has no --data",
           path);
  return false;
}

void eim_sb_store_end(eim_sb_store *self) {
  (void)self;
}
void eim_sb_store_free(eim_sb_store *self) {
  (void)self;
}
bool eim_sb_store_commit(eim_sandbox *self) {
  (void)self;
  return true;
}
const char *eim_sb_store_error(const eim_sb_store *self) {
  (void)self;
  return NULL;
}
int64_t eim_sb_store_next(eim_sb_store *self) {
  (void)self;
  return 0;
}
void eim_sb_store_state(eim_sb_store *self) {
  (void)self;
}
void eim_sb_store_user(eim_sb_store *self, const eim_sb_user *user) {
  (void)self, (void)user;
}
void eim_sb_store_user_gone(eim_sb_store *self, const eim_sb_user *user) {
  (void)self, (void)user;
}
void eim_sb_store_token(eim_sb_store *self, const eim_sb_token *token) {
  (void)self, (void)token;
}
void eim_sb_store_tokens_gone(eim_sb_store *self, const eim_sb_user *user) {
  (void)self, (void)user;
}
void eim_sb_store_device(eim_sb_store *self, const eim_sb_user *user, const eim_sb_device *device) {
  (void)self, (void)user, (void)device;
}
void eim_sb_store_device_gone(eim_sb_store *self, const eim_sb_device *device) {
  (void)self, (void)device;
}
void eim_sb_store_acknowledged(const eim_sb_device *device, uint64_t position) {
  (void)device, (void)position;
}
void eim_sb_store_waiting(const eim_sb_device *device, const eim_sb_queue *queue,
                          const eim_sb_item *item) {
  (void)device, (void)queue, (void)item;
}
void eim_sb_store_waiting_gone(const eim_sb_device *device, const eim_sb_item *item) {
  (void)device, (void)item;
}
void eim_sb_store_message_gone(const eim_sb_meta *meta) {
  (void)meta;
}
void eim_sb_store_seen(eim_sb_store *self, const eim_sb_user *user, size_t number) {
  (void)self, (void)user, (void)number;
}
void eim_sb_store_sent(const eim_sandbox *self, const eim_sb_sent *sent) {
  (void)self, (void)sent;
}
void eim_sb_store_document(eim_sb_store *self, const char *kind, const char *key,
                           const char *text) {
  (void)self, (void)kind, (void)key, (void)text;
}
void eim_sb_store_kept(const eim_sandbox *self, size_t number) {
  (void)self, (void)number;
}
void eim_sb_store_file(eim_sb_store *self, eim_sb_file *file, const void *bytes) {
  (void)self, (void)file, (void)bytes;
}
void eim_sb_store_file_gone(const eim_sb_file *file) {
  (void)file;
}
bool eim_sb_store_read_file(const eim_sb_file *file, size_t at, void *out, size_t size) {
  (void)file, (void)at, (void)out, (void)size;
  return false;
}
