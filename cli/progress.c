#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WIDTH = 30 };

void eim_cli_progress(void *unused, const eim_progress *progress) {
  (void)unused;
  int64_t done = eim_progress_done(progress), total = eim_progress_total(progress);
  const char *term = getenv("TERM");
  if (!isatty(STDERR_FILENO) || !term || !strcmp(term, "dumb")) return;
  if (total <= 0 || done >= total) {
    fputs("\r\033[K", stderr);
    return;
  }
  char bar[WIDTH + 1];
  int full = (int)(done * WIDTH / total);
  memset(bar, '.', WIDTH);
  memset(bar, '#', (size_t)full);
  bar[WIDTH] = 0;
  fprintf(stderr, "\r[%s] %3d %%  %.1f of %.1f MB\033[K", bar, (int)(done * 100 / total),
          (double)done / 1e6, (double)total / 1e6);
  fflush(stderr);
}
