/* progress.h - how far a file is, as a bar on a terminal. */
#ifndef EIM_CLI_PROGRESS_H
#define EIM_CLI_PROGRESS_H

#include <eim/eim.h>

/* on_progress of a handler set: drawn on stderr when that is a terminal, and taken away at the end.
 */
void eim_cli_progress(void *unused, const eim_progress *progress);

#endif
