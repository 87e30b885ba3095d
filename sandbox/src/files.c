#include "files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"

void eim_sb_file_unref(eim_sb_file *file) {
  if (!file || --file->refs) return;
  eim_sb_store_file_gone(file);
  free(file->content_type);
  free(file->filename);
  eim_buf_free(&file->data);
  free(file);
}

void eim_sb_free_files(eim_sandbox *self) {
  while (self->files) {
    eim_sb_file *next = self->files->next;
    eim_sb_file_unref(self->files);
    self->files = next;
  }
  self->files_size = 0;
}

void eim_sb_link_file(eim_sandbox *self, eim_sb_file *file) {
  file->refs = 1;
  file->next = self->files;
  self->files = file;
  self->files_size += file->size;
}

static void make_room(eim_sandbox *self, size_t size) {
  while (self->files && self->files_size + size > self->options.file_store) {
    eim_sb_file **at = &self->files;
    while ((*at)->next) at = &(*at)->next; /* new ones are in front */
    self->files_size -= (*at)->size;
    eim_sb_file_unref(*at);
    *at = NULL;
  }
}

eim_sb_file *eim_sb_add_file(eim_sandbox *self, const void *bytes, size_t size,
                             const char *content_type, const char *filename, const char *secret) {
  eim_sb_file *file = calloc(1, sizeof *file);
  if (!file) return NULL;
  eim_sb_uuid(self, file->uuid);
  file->content_type = eim_strdup(content_type);
  file->filename = eim_strdup(filename);
  file->created = eim_sb_now(self);
  file->size = size;
  snprintf(file->secret, sizeof file->secret, "%s", secret);
  if (!self->store) eim_buf_add(&file->data, bytes, size);
  if (file->data.failed || !file->content_type || !file->filename) {
    file->refs = 1;
    eim_sb_file_unref(file);
    return NULL;
  }
  make_room(self, size);
  eim_sb_link_file(self, file);
  eim_sb_store_file(self->store, file, bytes);
  return file;
}

eim_sb_file *eim_sb_find_file(const eim_sandbox *self, const char *uuid) {
  eim_sb_file *file = self->files;
  while (file && strcmp(file->uuid, uuid) != 0) file = file->next;
  return file;
}

bool eim_sb_read_file(const eim_sb_file *file, size_t at, void *out, size_t size) {
  if (at > file->size || size > file->size - at) return false;
  if (file->store) return eim_sb_store_read_file(file, at, out, size);
  if (size) memcpy(out, file->data.data + at, size);
  return true;
}
