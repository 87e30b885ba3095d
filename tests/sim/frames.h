/* frames.h - the server's side of MSYNC for the simulation, made with protobuf-c directly so that
 * the client's own encoder and decoder are not tested against themselves. */
#ifndef EIM_SIM_FRAMES_H
#define EIM_SIM_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/frame.h"

typedef struct frame_bytes {
  uint8_t *bytes; /* malloc */
  size_t length;
} frame_bytes;

typedef struct up_frame {
  eim_command command;
  char token[128], reason[64], resource[128];
  bool offers_lz4;
  bool has_queue, has_key, is_receipt /* of delivery */, is_action;
  char queue[32];
  uint64_t key, meta_id;
  char text[64];
} up_frame;

typedef struct down_message {
  uint64_t id;
  bool notice; /* "added" of a contact, and no text */
  char text[32];
} down_message;

bool frame_read_up(up_frame *out, const void *bytes, size_t length);

/* lz4: the direction agreed on, -1: none, 3: one that is not said. */
frame_bytes frame_provision(int code, const char *reason, const char *redirect_host,
                            const char *resource, int64_t expires_at, int lz4);
frame_bytes frame_unread(const int *counts, int queues, int64_t timestamp);
frame_bytes frame_unread_refused(int code, const char *reason, int64_t timestamp);
frame_bytes frame_notice(int queue);
frame_bytes frame_sync(const char *queue, const down_message *messages, int count,
                       uint64_t next_key, bool is_last, int64_t timestamp);
/* An answer to a fetch. */
frame_bytes frame_refused(const char *queue, int code, const char *reason, int64_t timestamp);
frame_bytes frame_answer(uint64_t meta_id, uint64_t server_id, int code, const char *reason,
                         int64_t timestamp);
frame_bytes frame_kick(int operation, const char *reason);
frame_bytes frame_garbage(void);

#endif
