/* store.h - what the sandbox keeps in a file (--data): accounts, tokens, devices, waiting messages
 * and what was acknowledged of them, the memory for repetitions and recalls, the counters.
 *
 * The state in memory is the one that is read; the file is written beside it, and read only at the
 * start. Every function tells of one change and belongs next to the line that makes it. Without a
 * store (NULL) they all do nothing.
 *
 * Changes gather in one transaction for each turn of the server's loop. eim_sb_store_commit() ends
 * it, and only then goes out what was said in that turn (server.c): so nothing that a peer was told
 * is lost by a crash of this process. A change that cannot be written makes every later commit
 * fail. Guarded by the sandbox's lock like everything else. */
#ifndef EIM_SANDBOX_STORE_H
#define EIM_SANDBOX_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct eim_sandbox;
struct eim_sb_user;
struct eim_sb_token;
struct eim_sb_device;
struct eim_sb_queue;
struct eim_sb_item;
struct eim_sb_meta;
struct eim_sb_sent;
struct eim_sb_file;

typedef struct eim_sb_store eim_sb_store;

/* Opens or makes the file, takes its lock, and fills the sandbox with what it holds. False: `error`
 * tells why in one line. */
bool eim_sb_store_open(struct eim_sandbox *self, const char *path, char *error, size_t size);
/* Commits, and writes nothing more: what is freed after this stays in the file. */
void eim_sb_store_end(eim_sb_store *self);
void eim_sb_store_free(eim_sb_store *self);

/* False: it could not be written, now or earlier; eim_sb_store_error() tells why. */
bool eim_sb_store_commit(struct eim_sandbox *self);
const char *eim_sb_store_error(const eim_sb_store *self); /* NULL: none */

/* Ids of rows. */
int64_t eim_sb_store_next(eim_sb_store *self);

void eim_sb_store_state(eim_sb_store *self); /* counters, clock */
void eim_sb_store_user(eim_sb_store *self, const struct eim_sb_user *user);
/* With its tokens, devices, and memory for repetitions; its queues are freed by themselves. */
void eim_sb_store_user_gone(eim_sb_store *self, const struct eim_sb_user *user);
void eim_sb_store_token(eim_sb_store *self, const struct eim_sb_token *token);
void eim_sb_store_tokens_gone(eim_sb_store *self, const struct eim_sb_user *user);
void eim_sb_store_device(eim_sb_store *self, const struct eim_sb_user *user,
                         const struct eim_sb_device *device);
void eim_sb_store_device_gone(eim_sb_store *self, const struct eim_sb_device *device);
/* Everything of this device up to a position was acknowledged. */
void eim_sb_store_acknowledged(const struct eim_sb_device *device, uint64_t position);
void eim_sb_store_waiting(const struct eim_sb_device *device, const struct eim_sb_queue *queue,
                          const struct eim_sb_item *item);
void eim_sb_store_waiting_gone(const struct eim_sb_device *device, const struct eim_sb_item *item);
void eim_sb_store_message_gone(const struct eim_sb_meta *meta);
/* The entry of this number in the ring of its user, and one of the ring of all messages. */
void eim_sb_store_seen(eim_sb_store *self, const struct eim_sb_user *user, size_t number);
void eim_sb_store_sent(const struct eim_sandbox *self, const struct eim_sb_sent *sent);

/* The entry of this number in the ring of the history; also when it was cleared. */
void eim_sb_store_kept(const struct eim_sandbox *self, size_t number);
void eim_sb_store_file(eim_sb_store *self, struct eim_sb_file *file, const void *bytes);
void eim_sb_store_file_gone(const struct eim_sb_file *file);
bool eim_sb_store_read_file(const struct eim_sb_file *file, size_t at, void *out, size_t size);
/* Replaces the document of this kind and key; NULL removes it. See documents.h. */
void eim_sb_store_document(eim_sb_store *self, const char *kind, const char *key, const char *text);

#endif
