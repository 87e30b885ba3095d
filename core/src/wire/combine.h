/* combine.h - the file of a combined (forwarded) message: "cm", each message as a length of four
 * bytes and a Meta, and a checksum (docs/protocol.md 12). Pure. */
#ifndef EIM_WIRE_COMBINE_H
#define EIM_WIRE_COMBINE_H

#include <eim/message.h>

#include "base/buf.h"

/* Larger than any that keeps to the limits of the service: 300 messages of 5 KB. */
enum { EIM_COMBINE_BYTES = 4 * 1024 * 1024 };

/* One appended to the file, which begins with it when it is empty. local_id, time: for a message
 * that has none of its own. False: out of memory, or it cannot be sent. */
bool eim_combine_add(eim_buf *file, const char *app_key, const char *user, uint64_t local_id,
                     int64_t time, const eim_message *message);
bool eim_combine_end(eim_buf *file);

/* The messages in a file of a message of this level. NULL, and *out is the caller's
 * (eim_combine_free); else what is wrong with the file, static. Combined messages among them are
 * one level below at most, so that unfolding them one after the other comes to an end. */
const char *eim_combine_parse(const void *bytes, size_t length, int level, eim_message ***out,
                              size_t *count);

#endif
