/* Runs every file of the folders and files named as arguments through the target, and through
 * copies cut short and with single bytes changed; so the corpus is a test without libFuzzer too. */
#include <dirent.h>
#include <string.h>

#include "fuzz.h"

static size_t files, runs;

/* An exact copy each time, so that a sanitizer sees reads behind the end. */
static void run(const uint8_t *data, size_t size) {
  uint8_t *copy = malloc(size ? size : 1);
  if (size) memcpy(copy, data, size);
  LLVMFuzzerTestOneInput(copy, size);
  free(copy);
  runs++;
}

static void run_file(const char *path) {
  static uint8_t data[1 << 20];
  FILE *in = fopen(path, "rb");
  if (!in) return;
  size_t size = fread(data, 1, sizeof data, in);
  fclose(in);
  files++;
  run(data, size);
  for (size_t cut = 0; cut < size; cut += 1 + size / 64) run(data, cut);
  for (size_t at = 0; at < size; at += 1 + size / 64) {
    uint8_t old = data[at];
    data[at] = (uint8_t)(old ^ (1u << at % 8));
    run(data, size);
    data[at] = 0xff;
    run(data, size);
    data[at] = old;
  }
}

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    DIR *dir = opendir(argv[i]);
    if (!dir) {
      run_file(argv[i]);
      continue;
    }
    for (struct dirent *entry; (entry = readdir(dir));) {
      char path[1024];
      if (entry->d_name[0] == '.') continue;
      snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name);
      run_file(path);
    }
    closedir(dir);
  }
  printf("%zu files, %zu runs\n", files, runs);
  return files ? 0 : 1;
}
