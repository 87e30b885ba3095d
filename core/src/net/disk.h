/* disk.h - the local end of a transfer: a file, read in pieces, or written beside its place and
 * moved there when it is whole; or memory. Loop thread only; the file system is assumed to be local
 * and quick. */
#ifndef EIM_NET_DISK_H
#define EIM_NET_DISK_H

#include <curl/curl.h>

#include "model/error.h"
#include "session/session.h"

typedef struct eim_disk eim_disk;

/* NULL: error says why. A file to be received goes on where an earlier attempt for the same URL
 * ended. */
eim_disk *eim_disk_open(const eim_http_file *what, const char *url, eim_error **error);
/* Closes it; what was received stays for the next attempt. NULL is allowed. */
void eim_disk_free(eim_disk *self);
/* Bytes to send; bytes that are here already. */
int64_t eim_disk_size(const eim_disk *self);
bool eim_disk_is_received(const eim_disk *self);

/* The form of docs/protocol.md 3 ("Files"), read from the disk as it is sent; self must outlive it.
 * NULL: out of memory. When curl says that reading failed, eim_disk_problem() says why. */
curl_mime *eim_disk_form(eim_disk *self, CURL *easy, const eim_http_file *what);
/* All of it was read once: it may have been sent. */
bool eim_disk_was_read(const eim_disk *self);
/* The server sends all of it, or goes on at an offset. False: as above. */
bool eim_disk_begin(eim_disk *self, int64_t offset);
bool eim_disk_write(eim_disk *self, const void *bytes, size_t length);
/* All is here: to its place. False: as above. */
bool eim_disk_commit(eim_disk *self);
/* What was received into memory; lives as long as self. */
const eim_buf *eim_disk_content(const eim_disk *self);
/* Forget what was received. */
void eim_disk_discard(eim_disk *self);
/* Owned by the caller; NULL: none. */
eim_error *eim_disk_problem(eim_disk *self);

#endif
