/* plain_text.h - foreign text for a terminal: no control characters, no escape sequences, nothing
 * that turns the direction of what follows. */
#ifndef EIM_CLI_PLAIN_TEXT_H
#define EIM_CLI_PLAIN_TEXT_H

#include <stddef.h>

/* At most this many times as long as the text. */
enum { EIM_CLI_PLAIN_TEXT_GROWTH = 6 };

/* text (UTF-8) into out, cut at size; line breaks become "\n" in two characters. */
void eim_cli_plain_text(char *out, size_t size, const char *text);

#endif
