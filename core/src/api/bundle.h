/* bundle.h - small files for people. */
#ifndef EIM_API_BUNDLE_H
#define EIM_API_BUNDLE_H

#include <eim/base.h>

/* The file is there as a whole or not at all; 0600. */
eim_status eim_file_write(const char *path, const char *text);
/* EIM_E_INVALID with the path and what errno says. */
eim_status eim_file_failed(const char *path, int error);

#endif
