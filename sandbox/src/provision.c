/* Login and logout on the message socket: docs/protocol.md 6, 16. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"

typedef struct refusal {
  int code;
  const char *reason;
} refusal;

/* "$t$" + token, from the envelope or from {"token":…} of the payload. The caller wipes it. */
static char *token_of(const eim_sb_msync *frame, const Easemob__Pb__Provision *up) {
  const char *text = frame->auth;
  cJSON *json = NULL;
  if ((!text || !*text) && up->authtoken && strlen(up->authtoken) < 8192) {
    json = cJSON_Parse(up->authtoken);
    text = eim_sb_string(json, "token");
  }
  char *token = text && strncmp(text, "$t$", 3) == 0 ? eim_strdup(text + 3) : NULL;
  if (json && text) eim_wipe((char *)text, strlen(text));
  cJSON_Delete(json);
  return token;
}

/* The reasons are those of docs/protocol.md 6; the order of the checks is proposed. */
static refusal check(eim_sandbox *self, const eim_sb_msync *frame, const char *token,
                     eim_sb_token **found, eim_sb_user **user) {
  const Easemob__Pb__JID *guid = frame->guid;
  if (!guid || !guid->name || !*guid->name || !guid->appkey)
    return (refusal){EASEMOB__PB__STATUS__ERROR_CODE__WRONG_PARAMETER, "wrong parameter"};
  if (strcmp(guid->appkey, self->app_key) != 0)
    return (refusal){EASEMOB__PB__STATUS__ERROR_CODE__UNAUTHORIZED, "unauthorized"};
  *user = eim_sb_find_user(self, guid->name);
  if (!*user) return (refusal){EASEMOB__PB__STATUS__ERROR_CODE__FAIL, "Sorry, user not found"};
  *found = eim_sb_find_token(self, token);
  if (!*found || (*found)->user != *user)
    return (refusal){EASEMOB__PB__STATUS__ERROR_CODE__FAIL,
                     "Sorry, token or password does not match login info"};
  if (eim_sb_token_expired(self, *found))
    return (refusal){EASEMOB__PB__STATUS__ERROR_CODE__FAIL, "Sorry, token expired"};
  if (!(*user)->activated)
    return (refusal){EASEMOB__PB__STATUS__ERROR_CODE__IM_FORBIDDEN, "forbidden"};
  return (refusal){0, NULL};
}

/* LZ4 for a client that offers it first of all, on binary messages: docs/protocol.md 18. */
static bool takes_lz4(const eim_sandbox *self, const eim_sb_conn *conn,
                      const Easemob__Pb__Provision *up) {
  return up->n_protocolcompresstype &&
         up->protocolcompresstype[0] == EASEMOB__PB__PROVISION__COMPRESS_TYPE__COMPRESS_LZ4 &&
         conn->transport == EIM_SB_BY_BINARY && self->options.compression != EIM_SANDBOX_LZ4_NONE;
}

/* From here on; the answer to the login went out as it was. False: out of memory. */
static bool start_lz4(const eim_sandbox *self, eim_sb_conn *conn) {
  eim_sandbox_compression how = self->options.compression;
  bool down = how == EIM_SANDBOX_LZ4_BOTH || how == EIM_SANDBOX_LZ4_DOWN;
  bool up = how != EIM_SANDBOX_LZ4_DOWN;
  if (down) conn->packer = eim_lz4_encoder_new();
  if (up) conn->unpacker = eim_lz4_decoder_new();
  return (!down || conn->packer) && (!up || conn->unpacker);
}

static void agree_on_lz4(const eim_sandbox *self, Easemob__Pb__Provision *down) {
  static Easemob__Pb__Provision__CompressType lz4[1] = {
      EASEMOB__PB__PROVISION__COMPRESS_TYPE__COMPRESS_LZ4};
  down->n_protocolcompresstype = 1;
  down->protocolcompresstype = lz4;
  down->has_protocolcompressdirection = self->options.compression != EIM_SANDBOX_LZ4_UNSAID;
  down->protocolcompressdirection = self->options.compression == EIM_SANDBOX_LZ4_UP
                                        ? EASEMOB__PB__PROVISION__COMPRESS_DIRECTION__ONLY_UP
                                    : self->options.compression == EIM_SANDBOX_LZ4_DOWN
                                        ? EASEMOB__PB__PROVISION__COMPRESS_DIRECTION__ONLY_DOWN
                                        : EASEMOB__PB__PROVISION__COMPRESS_DIRECTION__BI;
}

static void answer(eim_sandbox *self, eim_sb_conn *conn, refusal why, const char *resource,
                   const char *auth_token, bool lz4) {
  Easemob__Pb__Status status = EASEMOB__PB__STATUS__INIT;
  status.has_errorcode = 1;
  status.errorcode = (eim_sb_code)why.code;
  status.reason = (char *)why.reason;
  Easemob__Pb__Provision down = EASEMOB__PB__PROVISION__INIT;
  down.status = &status;
  down.resource = (char *)resource;
  down.authtoken = (char *)auth_token;
  if (lz4) agree_on_lz4(self, &down);
  eim_sb_send(self, conn, EASEMOB__PB__MSYNC__COMMAND__PROVISION, &down.base);
  if (!why.code) return;
  eim_sb_close_saying(self, conn, "[401,\"normal closed\"]"); /* docs/protocol.md 4, 6 */
}

static void forget_oldest(eim_sandbox *self, eim_sb_user *user) {
  eim_sb_device *oldest = NULL;
  size_t count = 0;
  for (eim_sb_device *device = user->devices; device; device = device->next, count++)
    if (!device->conn && (!oldest || device->last_login < oldest->last_login)) oldest = device;
  if (count < EIM_SB_MAX_DEVICES || !oldest) return;
  eim_sb_device **at = &user->devices;
  while (*at != oldest) at = &(*at)->next;
  *at = oldest->next;
  eim_sb_store_device_gone(self->store, oldest);
  eim_sb_free_device(oldest);
}

/* The new line of a device that is connected already replaces the old one without a kick: the same
 * device would get it. Proposed. */
static void hang_up(eim_sandbox *self, eim_sb_device *device, int operation, const char *reason) {
  eim_sb_conn *conn = device->conn;
  if (!conn) return;
  if (operation)
    eim_sb_kick(self, conn, operation, reason);
  else
    eim_sb_close(self, conn);
  conn->device = NULL;
  device->conn = NULL;
}

static bool set_text(char **where, const char *text) {
  char *copy = eim_strdup(text ? text : "");
  if (!copy) return false;
  free(*where);
  *where = copy;
  return true;
}

static eim_sb_device *new_device(eim_sandbox *self, eim_sb_user *user) {
  forget_oldest(self, user);
  eim_sb_device *device = calloc(1, sizeof *device);
  if (!device) return NULL;
  if (!user->devices) {
    *device = user->inbox; /* with its row, so that what waits need not be written again */
    user->inbox = (eim_sb_device){.id = eim_sb_store_next(self->store), .store = self->store};
    eim_sb_store_user(self->store, user);
  } else {
    device->id = eim_sb_store_next(self->store);
    device->store = self->store;
  }
  device->next = user->devices;
  user->devices = device;
  return device;
}

/* Devices of one kind. Proposed: the operating system the client names, since the documents limit
 * the number "of one class" without saying what a class is. */
static void class_of(const Easemob__Pb__Provision *up, char out[32]) {
  snprintf(out, 32, "os%d/%u", up->has_ostype ? (int)up->ostype : 0,
           up->has_oscustomvalue ? up->oscustomvalue : 0u);
}

/* docs/rest.md 6: one device, or up to the limit of each class; the oldest gets 206. */
static eim_sb_device *attach(eim_sandbox *self, eim_sb_user *user, const Easemob__Pb__Provision *up,
                             const char *resource, refusal *why) {
  char class_name[32];
  class_of(up, class_name);
  eim_sb_device *device = user->devices;
  while (device && strcmp(device->resource, resource) != 0) device = device->next;
  if (device) {
    hang_up(self, device, 0, NULL);
  } else if (!self->options.multi_device && user->devices) {
    /* One device: the newcomer takes its place, and what waits for it. */
    device = user->devices;
    hang_up(self, device, EIM_SANDBOX_KICK_REPLACED, up->reason);
  }
  if (self->options.multi_device) {
    eim_sb_device *oldest = NULL;
    int count = 0;
    for (eim_sb_device *other = user->devices; other; other = other->next) {
      if (other == device || !other->conn || strcmp(other->class_name, class_name) != 0) continue;
      count++;
      if (!oldest || other->last_login < oldest->last_login) oldest = other;
    }
    if (count >= self->options.device_limit) {
      if (self->options.refuse_over_limit) {
        *why = (refusal){EASEMOB__PB__STATUS__ERROR_CODE__TOO_MANY_DEVICES, "too many devices"};
        return NULL;
      }
      hang_up(self, oldest, EIM_SANDBOX_KICK_REPLACED, up->reason);
    }
  }
  if (!device) device = new_device(self, user);
  if (!device || !set_text(&device->resource, resource) ||
      !set_text(&device->uuid, up->deviceuuid) || !set_text(&device->name, up->devicename) ||
      !set_text(&device->class_name, class_name)) {
    *why = (refusal){EASEMOB__PB__STATUS__ERROR_CODE__FAIL, "out of memory"};
    return NULL;
  }
  device->last_login = ++self->logins;
  eim_sb_store_device(self->store, user, device);
  return device;
}

static void expires_text(eim_sandbox *self, const eim_sb_token *token, char out[64]) {
  *out = 0;
  if (!token->expires_at || self->options.expires == EIM_SANDBOX_EXPIRES_ABSENT) return;
  int64_t value = token->expires_at;
  if (self->options.expires == EIM_SANDBOX_EXPIRES_DURATION)
    value = (value - eim_sb_now(self)) / 1000;
  snprintf(out, 64, "{\"expires_in\":%lld}",
           (long long)value); /* absolute ms: docs/protocol.md 20.8 */
}

bool eim_sb_provision(eim_sandbox *self, eim_sb_conn *conn, const eim_sb_msync *frame) {
  self->counts[EIM_SANDBOX_PROVISION]++;
  Easemob__Pb__Provision *up =
      easemob__pb__provision__unpack(NULL, frame->payload.len, frame->payload.data);
  if (!up) return false;
  char resource[EIM_SB_MAX_RESOURCE + 1];
  const char *wanted = up->resource;
  if ((!wanted || !*wanted) && frame->guid) wanted = frame->guid->clientresource;
  bool good = true;
  if (wanted && strlen(wanted) > EIM_SB_MAX_RESOURCE) wanted = NULL;
  if (wanted && *wanted)
    snprintf(resource, sizeof resource, "%s", wanted);
  else
    snprintf(resource, sizeof resource, "sandbox_%llu", (unsigned long long)eim_sb_next_id(self));
  char *text = token_of(frame, up);
  eim_sb_token *token = NULL;
  eim_sb_user *user = NULL;
  refusal why = check(self, frame, text, &token, &user);
  conn->user = user; /* also when it is refused, so that cut and freeze find the line */
  eim_sb_log_frame(self, conn, "provision", text);
  if (text) eim_wipe(text, strlen(text));
  free(text);
  const eim_sb_fault *fault = eim_sb_fault_take(self, EIM_SANDBOX_PROVISION);
  if (fault && fault->by != EIM_SANDBOX_BY_STATUS) {
    good = eim_sb_fault_frame(self, conn, fault);
    easemob__pb__provision__free_unpacked(up, NULL);
    return good;
  }
  if (fault) why = (refusal){fault->status, fault->text};
  if (!why.code && !fault) {
    eim_sb_device *device = attach(self, user, up, resource, &why);
    if (device) {
      conn->device = device;
      device->conn = conn;
      free(conn->session_id);
      conn->session_id = eim_strdup(up->sessionid);
      eim_sb_presence_changed(self, user, device->resource, false);
    }
  }
  char expires[64] = "";
  if (!why.code && token) expires_text(self, token, expires);
  bool lz4 = !why.code && takes_lz4(self, conn, up);
  answer(self, conn, why, resource, *expires ? expires : NULL, lz4);
  if (lz4) good = start_lz4(self, conn);
  easemob__pb__provision__free_unpacked(up, NULL);
  return good;
}

/* 4.21.1 says goodbye, and only logs the answer: docs/protocol.md 16. */
bool eim_sb_logout(eim_sandbox *self, eim_sb_conn *conn, const eim_sb_msync *frame) {
  self->counts[EIM_SANDBOX_LOGOUT]++;
  Easemob__Pb__Logout *up =
      easemob__pb__logout__unpack(NULL, frame->payload.len, frame->payload.data);
  if (!up) return false;
  eim_sb_log_frame(self, conn, "logout", NULL);
  Easemob__Pb__Status status = EASEMOB__PB__STATUS__INIT;
  status.has_errorcode = 1;
  Easemob__Pb__Logout down = EASEMOB__PB__LOGOUT__INIT;
  down.sessionid = up->sessionid;
  down.status = &status;
  eim_sb_send(self, conn, EASEMOB__PB__MSYNC__COMMAND__LOGOUT, &down.base);
  easemob__pb__logout__free_unpacked(up, NULL);
  return true;
}
