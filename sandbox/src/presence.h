/* presence.h - what a user says of himself, and who wants to know. The state changes through the
 * functions here only. */
#ifndef EIM_SANDBOX_PRESENCE_H
#define EIM_SANDBOX_PRESENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cJSON.h"

#define EIM_SB_MAX_SUBSCRIPTIONS 3000 /* docs/rest.md 16 */
#define EIM_SB_MAX_STATUSES 32        /* of one user; proposed */

struct eim_sandbox;
struct eim_sb_user;

typedef struct eim_sb_subscription {
  char *name;
  int64_t expires_at; /* ms of the sandbox's clock */
} eim_sb_subscription;

typedef struct eim_sb_presence {
  char *ext;       /* NULL: none */
  cJSON *statuses; /* resource: text, as published; NULL: none */
  int64_t changed; /* ms; 0: never */
  eim_sb_subscription *subscriptions;
  size_t subscription_count;
} eim_sb_presence;

/* False: too many, or no memory. */
bool eim_sb_publish(struct eim_sandbox *self, struct eim_sb_user *user, const char *resource,
                    const char *status, const char *ext);
bool eim_sb_subscribe(struct eim_sandbox *self, struct eim_sb_user *user, const char *name,
                      int64_t expires_at);
void eim_sb_unsubscribe(struct eim_sb_user *user, const char *name);
/* Those that are over are dropped. */
void eim_sb_expire_subscriptions(struct eim_sandbox *self, struct eim_sb_user *user);
/* A line of this device came or went; gone: what it had published is over. */
void eim_sb_presence_changed(struct eim_sandbox *self, struct eim_sb_user *user,
                             const char *resource, bool gone);
/* {uid, last_time, ext, status} and, when not 0, expiry: all of them texts. */
cJSON *eim_sb_presence_json(const struct eim_sb_user *user, int64_t expires_at);
/* The account goes. */
void eim_sb_forget_presence(struct eim_sandbox *self, const char *name);
void eim_sb_free_presence(eim_sb_presence *presence);
/* A NOTIFY event for this user, online or not (docs/protocol.md 14); consumes `data`. */
void eim_sb_notify(struct eim_sandbox *self, struct eim_sb_user *user, const char *type,
                   cJSON *data, bool online_only);

#endif
