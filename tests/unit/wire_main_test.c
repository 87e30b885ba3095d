#include <dirent.h>

#include "wire_vectors.h"

EIM_TEST_MAIN

#define FILES_MAX 128
static vector_file files[FILES_MAX];
static size_t file_count;

static cJSON *load(const char *path) {
  FILE *in = fopen(path, "rb");
  if (!in) return NULL;
  fseek(in, 0, SEEK_END);
  long size = ftell(in);
  rewind(in);
  char *text = malloc((size_t)size + 1);
  size_t got = fread(text, 1, (size_t)size, in);
  fclose(in);
  cJSON *root = cJSON_ParseWithLength(text, got);
  free(text);
  return root;
}

static void unload(void) {
  for (size_t i = 0; i < file_count; i++) cJSON_Delete(files[i].root);
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const vector_file *)a)->name, ((const vector_file *)b)->name);
}

static void load_folder(const char *folder) {
  char path[512];
  snprintf(path, sizeof path, "%s/vectors/%s", EIM_TEST_DATA, folder);
  DIR *dir = opendir(path);
  for (struct dirent *entry; dir && (entry = readdir(dir));) {
    if (!strstr(entry->d_name, ".json") || !strncmp(entry->d_name, "lz4-", 4)) continue;
    vector_file *file = &files[file_count];
    snprintf(file->name, sizeof file->name, "%s/%.60s", folder, entry->d_name);
    snprintf(path, sizeof path, "%s/vectors/%s", EIM_TEST_DATA, file->name);
    file->root = load(path);
    if (file->root && file_count + 1 < FILES_MAX) file_count++;
  }
  if (dir) closedir(dir);
}

const vector_file *vector_files(size_t *count) {
  if (!file_count) {
    load_folder("em481-mini");
    load_folder("em481-web");
    load_folder("em481-zfb");
    load_folder("em4211-web");
    qsort(files, file_count, sizeof *files, by_name);
    atexit(unload);
  }
  *count = file_count;
  return files;
}

const cJSON *vector_file_named(const char *name) {
  size_t count;
  const vector_file *all = vector_files(&count);
  for (size_t i = 0; i < count; i++)
    if (!strcmp(all[i].name, name)) return all[i].root;
  return NULL;
}

const char *vector_string(const cJSON *object, const char *key) {
  const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
  return text ? text : "";
}

uint8_t *vector_bytes(const char *hex, size_t *length) {
  *length = strlen(hex) / 2;
  uint8_t *bytes = malloc(*length + 1);
  for (size_t i = 0; i < *length; i++) {
    unsigned byte = 0;
    sscanf(hex + 2 * i, "%2x", &byte);
    bytes[i] = (uint8_t)byte;
  }
  return bytes;
}

void decode(decoded *out, const void *bytes, size_t length, const char *user,
            const char *resource) {
  memset(out, 0, sizeof *out);
  eim_arena_init(&out->arena, 4096);
  /* An exact copy: a read behind the end is seen by the sanitizer. */
  uint8_t *copy = malloc(length ? length : 1);
  if (length) memcpy(copy, bytes, length);
  out->ok = eim_frame_decode(&out->frame, &out->arena, copy, length, user, resource, &out->problem);
  free(copy); /* nothing of the frame may point into the bytes */
}

void decode_hex(decoded *out, const char *hex, const char *user, const char *resource) {
  size_t length;
  uint8_t *bytes = vector_bytes(hex, &length);
  decode(out, bytes, length, user, resource);
  free(bytes);
}

void decoded_free(decoded *self) {
  if (self->ok) eim_frame_release(&self->frame);
  eim_arena_free(&self->arena);
}
