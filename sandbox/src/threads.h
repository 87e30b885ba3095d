/* threads.h - chat threads: groups of some members of a group, about one of its messages
 * (groups.h). What is told of them: docs/protocol.md 14, docs/rest.md 13. */
#ifndef EIM_SANDBOX_THREADS_H
#define EIM_SANDBOX_THREADS_H

#include <stdint.h>

#include "cJSON.h"
#include "groups.h"

struct eim_sb_user;

/* NULL: this message has none. */
eim_sb_group *eim_sb_thread_about(eim_sandbox *self, uint64_t message);
/* As the meta of that message has it; NULL: there is none. */
cJSON *eim_sb_thread_overview(eim_sandbox *self, uint64_t message);
/* The meta of a message in a thread, beside `old` (JSON, or NULL). cJSON_free() it. */
char *eim_sb_thread_meta(const eim_sb_group *thread, const char *old);
/* Tells all members of the group it belongs to; operation: create, update, delete or update_msg. */
void eim_sb_thread_event(eim_sandbox *self, const eim_sb_group *thread, const char *operation,
                         const char *from);
/* There is one message more, or less. */
void eim_sb_thread_said(eim_sandbox *self, eim_sb_group *thread, const char *from, int change);

#endif
