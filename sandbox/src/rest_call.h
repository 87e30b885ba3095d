/* rest_call.h - what the REST calls about groups, rooms and people have in common. */
#ifndef EIM_SANDBOX_REST_CALL_H
#define EIM_SANDBOX_REST_CALL_H

#include "sandbox.h"

typedef struct eim_sb_call {
  eim_sandbox *self;
  eim_sb_request *request;
  const eim_sb_user *caller; /* NULL: the app itself */
  eim_sb_group *group;       /* of calls about one */
  bool room;
  char **parts; /* of the path, behind what led here */
  int count;
} eim_sb_call;

bool eim_sb_is(const char *a, const char *b);
bool eim_sb_verb(const eim_sb_call *call, const char *method);
void eim_sb_no_verb(const eim_sb_call *call); /* 405 */
/* Who the events of this call come from. Of the app: the owner (proposed), or "admin". */
const char *eim_sb_actor(const eim_sb_call *call);
/* Looks at the token. owner: whose own token is needed, else any user's will do; an app's always.
 * False: refused. */
bool eim_sb_admit(eim_sb_call *call, const eim_sb_user *owner);

void eim_sb_call_refuse(const eim_sb_call *call, int status, const char *error,
                        const char *exception, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* The refusals of the group service: docs/rest.md 11, 12. */
void eim_sb_forbid(const eim_sb_call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void eim_sb_bad_parameter(const eim_sb_call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void eim_sb_not_member(const eim_sb_call *call, const char *name);
void eim_sb_no_such_user(const eim_sb_call *call, const char *name);
void eim_sb_user_unknown(const eim_sb_call *call); /* the user service */
void eim_sb_out_of_memory(const eim_sb_call *call);
/* At least this role, or the app; false: refused. */
bool eim_sb_needs(const eim_sb_call *call, eim_sb_role role);

/* The body, an object; NULL: refused already. */
cJSON *eim_sb_call_body(const eim_sb_call *call);
/* The envelope with this as its data, which is consumed. */
cJSON *eim_sb_with_data(const eim_sb_call *call, cJSON *data);
void eim_sb_answer_data(const eim_sb_call *call, cJSON *data);
void eim_sb_answer_list(const eim_sb_call *call, cJSON *list); /* with its count */
/* {result, action, user, groupid or id} */
cJSON *eim_sb_done(const eim_sb_call *call, const char *action, const char *user,
                   const char *reason);
cJSON *eim_sb_names_json(const eim_sb_names *names);
/* Adds the names of a path ("a,b") or of the member `usernames` of the body, in lower case. False:
 * refused. */
bool eim_sb_call_names(const eim_sb_call *call, const char *from_path, const cJSON *body,
                       eim_sb_names *names);
int eim_sb_query_int(const eim_sb_call *call, const char *name, int otherwise, int least, int most);
/* version=v3, as 4.21.1 asks for some answers in another form. */
bool eim_sb_v3(const eim_sb_call *call);
bool eim_sb_bool(const cJSON *body, const char *name, bool otherwise);
/* The part of a list that a cursor and a limit ask for: cursors are positions. */
typedef struct eim_sb_page {
  size_t first, limit;
} eim_sb_page;
eim_sb_page eim_sb_cursor(const eim_sb_call *call, int limit, int most);
void eim_sb_add_cursor(cJSON *json, const eim_sb_page *page, size_t total);

/* rest_groups.c; parts: behind chatgroups or chatrooms. Leave request->status 0 for a path they do
 * not know. */
void eim_sb_rest_groups(eim_sandbox *self, eim_sb_request *request, char **parts, int count,
                        bool room);
void eim_sb_rest_joined(eim_sb_call *call, const char *name, bool rooms);
void eim_sb_rest_public_groups(eim_sandbox *self, eim_sb_request *request);
/* rest_members.c, rest_joining.c, rest_moderation.c: call->parts behind the id. */
void eim_sb_rest_members(eim_sb_call *call);
void eim_sb_rest_joining(eim_sb_call *call);
void eim_sb_rest_group_moderation(eim_sb_call *call);
/* acks.c */
void eim_sb_rest_acks(eim_sb_call *call);
void eim_sb_add_directly(const eim_sb_call *call, const eim_sb_user *user);

/* rest_mutes.c; parts: behind mutes */
void eim_sb_rest_mutes(eim_sandbox *self, eim_sb_request *request, char **parts, int count);
/* rest_metadata.c; parts: behind metadata */
void eim_sb_rest_metadata(eim_sandbox *self, eim_sb_request *request, char **parts, int count);
/* rest_contacts.c; parts: behind users/{u} */
void eim_sb_rest_contacts(eim_sb_call *call, eim_sb_user *user);
void eim_sb_rest_blocks(eim_sb_call *call, eim_sb_user *user);
/* rest_presence.c, rest_history.c; parts: behind users/{u} */
void eim_sb_rest_presence(eim_sb_call *call, eim_sb_user *user);
void eim_sb_rest_roaming(eim_sb_call *call, eim_sb_user *user);
void eim_sb_rest_delete_conversation(eim_sb_call *call, eim_sb_user *user);
/* rest_reactions.c, rest_threads.c; parts: behind reaction, thread, threads */
void eim_sb_rest_reactions(eim_sandbox *self, eim_sb_request *request, char **parts, int count);
void eim_sb_rest_thread(eim_sandbox *self, eim_sb_request *request, char **parts, int count);
void eim_sb_rest_threads(eim_sandbox *self, eim_sb_request *request, char **parts, int count);
/* rest_pins.c */
void eim_sb_rest_pins(eim_sb_call *call, const eim_sb_user *user);
/* rest_conversations.c */
void eim_sb_rest_conversations(eim_sb_call *call, eim_sb_user *user);
/* parts: behind message/roaming */
void eim_sb_rest_delete_roaming(eim_sandbox *self, eim_sb_request *request, char **parts,
                                int count);

#endif
