/* Which path about groups, rooms and people is what. */
#include <string.h>

#include "rest_call.h"

/* The SDK has some calls below /sdk that the documents have without it, and the documents some
 * below /user that the SDK has below /users: both work for all. */
static bool of_user(eim_sandbox *self, eim_sb_request *request, char **parts, int count) {
  static const struct {
    const char *what;
    void (*run)(eim_sb_call *, eim_sb_user *);
  } calls[] = {
      {"contacts", eim_sb_rest_contacts},          {"blocks", eim_sb_rest_blocks},
      {"presence", eim_sb_rest_presence},          {"messageroaming", eim_sb_rest_roaming},
      {"user_channel", eim_sb_rest_conversations}, {"user_channels", eim_sb_rest_conversations}};
  eim_sb_user *user = eim_sb_find_user(self, parts[1]);
  eim_sb_call call = {.self = self, .request = request, .parts = parts + 2, .count = count - 2};
  bool rooms = eim_sb_is(parts[2], "joined_chatrooms");
  if (count == 3 && (rooms || eim_sb_is(parts[2], "joined_chatgroups"))) {
    if (!eim_sb_verb(&call, "GET"))
      eim_sb_no_verb(&call);
    else if (!eim_sb_admit(&call, user))
      return true;
    else if (!user)
      eim_sb_user_unknown(&call);
    else
      eim_sb_rest_joined(&call, user->name, rooms);
    return true;
  }
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    if (!eim_sb_is(parts[2], calls[i].what)) continue;
    if (!eim_sb_admit(&call, user)) return true;
    if (user)
      calls[i].run(&call, user);
    else
      eim_sb_user_unknown(&call);
    return request->status != 0;
  }
  return false;
}

static bool is_plain_body(const eim_sb_request *request) {
  const char *type = request->content_type;
  return !request->body.length || (type && strncasecmp(type, "application/json", 16) == 0);
}

static bool is_user_call(char **parts, int count) {
  static const char *const ours[] = {"contacts",         "blocks",       "joined_chatgroups",
                                     "joined_chatrooms", "presence",     "messageroaming",
                                     "user_channel",     "user_channels"};
  if (count < 3 || (!eim_sb_is(parts[0], "users") && !eim_sb_is(parts[0], "user"))) return false;
  for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
    if (eim_sb_is(parts[2], ours[i])) return true;
  return false;
}

bool eim_sb_rest_social(eim_sandbox *self, eim_sb_request *request, char **parts, int count) {
  if (count && (eim_sb_is(parts[0], "sdk") || eim_sb_is(parts[0], "rest"))) {
    parts++;
    count--;
  }
  if (!count) return false;
  bool groups = eim_sb_is(parts[0], "chatgroups"), rooms = eim_sb_is(parts[0], "chatrooms");
  bool metadata = eim_sb_is(parts[0], "metadata");
  bool user = is_user_call(parts, count);
  bool open = count == 1 && eim_sb_is(parts[0], "publicchatgroups");
  bool roaming = count > 2 && eim_sb_is(parts[0], "message") && eim_sb_is(parts[1], "roaming");
  bool mutes = eim_sb_is(parts[0], "mutes"), reaction = eim_sb_is(parts[0], "reaction");
  bool thread = eim_sb_is(parts[0], "thread"), threads = eim_sb_is(parts[0], "threads");
  if (!groups && !rooms && !metadata && !user && !open && !roaming && !mutes && !reaction &&
      !thread && !threads)
    return false;
  bool form = metadata && count == 3 && eim_sb_is(parts[1], "user");
  if (!form && !is_plain_body(request)) { /* docs/rest.md 1 */
    eim_sb_refuse(self, request, 415, "web_application", "javax.ws.rs.NotSupportedException",
                  "HTTP 415 Unsupported Media Type");
    return true;
  }
  if (groups || rooms)
    eim_sb_rest_groups(self, request, parts + 1, count - 1, rooms);
  else if (metadata)
    eim_sb_rest_metadata(self, request, parts + 1, count - 1);
  else if (mutes)
    eim_sb_rest_mutes(self, request, parts + 1, count - 1);
  else if (reaction)
    eim_sb_rest_reactions(self, request, parts + 1, count - 1);
  else if (thread)
    eim_sb_rest_thread(self, request, parts + 1, count - 1);
  else if (threads)
    eim_sb_rest_threads(self, request, parts + 1, count - 1);
  else if (roaming)
    eim_sb_rest_delete_roaming(self, request, parts + 2, count - 2);
  else if (open)
    eim_sb_rest_public_groups(self, request);
  else if (!of_user(self, request, parts, count))
    return false;
  return request->status != 0;
}
