/* lines.h - lines out of a descriptor that is read when it is readable. */
#ifndef EIM_CLI_LINES_H
#define EIM_CLI_LINES_H

#include <stdbool.h>
#include <stddef.h>

enum { EIM_CLI_LINE_MAX = 64 * 1024 };

typedef struct eim_cli_lines {
  char data[EIM_CLI_LINE_MAX];
  size_t length;
  bool ended;
} eim_cli_lines;

/* One read(); fn for each line that is complete (the last one at the end of the file), without its
 * line break. false: a line is longer than EIM_CLI_LINE_MAX. */
bool eim_cli_lines_read(eim_cli_lines *self, int fd, void (*fn)(void *user, const char *line),
                        void *user);

#endif
