/* error.c - errors, the table of their codes, and each thread's last one. */
#include "model/error.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/object.h"
#include "base/text.h"

struct eim_error {
  eim_object base;
  int32_t code;
  eim_domain domain;
  int native;
  unsigned flags;
  const char *message, *detail; /* in the same block */
};

/* Longer messages say nothing more to people; server text in them is bounded by this too. */
enum { MESSAGE_MAX = 2048 };

/* ------------------------------------------------------------------ codes */

typedef struct code_entry {
  int32_t code;
  const char *name;
  int32_t web; /* docs/protocol.md 21 and 22; -2: the 4.x web SDK has no word for it */
} code_entry;

/* Sorted by code: the vendor's native numbers, and our statuses below zero. */
static const code_entry codes[] = {
    {EIM_E_FULL, "EIM_E_FULL", -2},
    {EIM_E_UNSUPPORTED, "EIM_E_UNSUPPORTED", 53},
    {EIM_E_PROTOCOL, "EIM_E_PROTOCOL", 503},
    {EIM_E_TLS, "EIM_E_TLS", 16},
    {EIM_E_STATE, "EIM_E_STATE", 39},
    {EIM_E_SERVER, "EIM_E_SERVER", 503},
    {EIM_E_AUTH, "EIM_E_AUTH", 2},
    {EIM_E_NETWORK, "EIM_E_NETWORK", 16},
    {EIM_E_TIMEOUT, "EIM_E_TIMEOUT", -1},
    {EIM_E_CANCELED, "EIM_E_CANCELED", -4},
    {EIM_E_CLOSED, "EIM_E_CLOSED", 39},
    {EIM_E_BUSY, "EIM_E_BUSY", -2},
    {EIM_E_NOMEM, "EIM_E_NOMEM", -2},
    {EIM_E_INVALID, "EIM_E_INVALID", -3},
    {0, "EIM_OK", 0},
    {1, "GENERAL_ERROR", -2},
    {2, "NETWORK_ERROR", 16},
    {3, "DATABASE_ERROR", 800},
    {4, "EXCEED_SERVICE_LIMIT", 50},
    {5, "SERVICE_ARREARAGES", -2},
    {7, "PARTIAL_SUCCESS", -2},
    {8, "APP_ACTIVE_NUMBER_REACH_LIMITATION", 50},
    {100, "INVALID_APP_KEY", 27},
    {101, "INVALID_USER_NAME", -3},
    {102, "INVALID_PASSWORD", 1},
    {103, "INVALID_URL", -3},
    {104, "INVALID_TOKEN", 28},
    {105, "USER_NAME_TOO_LONG", -3},
    {108, "TOKEN_EXPIRED", 56},
    {109, "TOKEN_WILL_EXPIRE", -2},
    {110, "INVALID_PARAM", -3},
    {200, "USER_ALREADY_LOGIN", 208},
    {201, "USER_NOT_LOGIN", 39},
    {202, "USER_AUTHENTICATION_FAILED", 2},
    {203, "USER_ALREADY_EXIST", 17},
    {204, "USER_NOT_FOUND", 204},
    {205, "USER_ILLEGAL_ARGUMENT", 17},
    {206, "USER_LOGIN_ANOTHER_DEVICE", 206},
    {207, "USER_REMOVED", 207},
    {208, "USER_REG_FAILED", 17},
    {209, "USER_UPDATEINFO_FAILED", -2},
    {210, "USER_PERMISSION_DENIED", 52},
    {211, "USER_BINDDEVICETOKEN_FAILED", -2},
    {212, "USER_UNBIND_DEVICETOKEN_FAILED", -2},
    {213, "USER_BIND_ANOTHER_DEVICE", 2},
    {214, "USER_LOGIN_TOO_MANY_DEVICES", 214},
    {215, "USER_MUTED", 507},
    {216, "USER_KICKED_BY_CHANGE_PASSWORD", 216},
    {217, "USER_KICKED_BY_OTHER_DEVICE", 217},
    {218, "USER_ALREADY_LOGIN_ANOTHER", 208},
    {219, "USER_MUTED_BY_ADMIN", 219},
    {220, "USER_DEVICE_CHANGED", 220},
    {221, "USER_NOT_ON_ROSTER", 221},
    {300, "SERVER_NOT_REACHABLE", 16},
    {301, "SERVER_TIMEOUT", -1},
    {302, "SERVER_BUSY", 500},
    {303, "SERVER_UNKNOWN_ERROR", 503},
    {304, "SERVER_GET_DNSLIST_FAILED", 304},
    {305, "SERVER_SERVICE_RESTRICTED", 57},
    {400, "FILE_NOT_FOUND", 410},
    {401, "FILE_INVALID", 407},
    {402, "FILE_UPLOAD_FAILED", 101},
    {403, "FILE_DOWNLOAD_FAILED", 200},
    {404, "FILE_DELETE_FAILED", -2},
    {405, "FILE_TOO_LARGE", 101},
    {406, "FILE_CONTENT_IMPROPER", 101},
    {407, "FILE_IS_EXPIRED", 223},
    {500, "MESSAGE_INVALID", 205},
    {501, "MESSAGE_INCLUDE_ILLEGAL_CONTENT", 501},
    {502, "MESSAGE_SEND_TRAFFIC_LIMIT", 509},
    {503, "MESSAGE_ENCRYPTION_ERROR", -2},
    {504, "MESSAGE_RECALL_TIME_LIMIT", 504},
    {505, "SERVICE_NOT_ENABLED", 505},
    {506, "MESSAGE_EXPIRED", -2},
    {507, "MESSAGE_ILLEGAL_WHITELIST", 506},
    {508, "MESSAGE_EXTERNAL_LOGIC_BLOCKED", 502},
    {509, "MESSAGE_CURRENT_LIMITING", 509},
    {510, "MESSAGE_SIZE_LIMIT", 511},
    {511, "MESSAGE_EDIT_FAILED", 1304},
    {600, "GROUP_INVALID_ID", -3},
    {601, "GROUP_ALREADY_JOINED", 601},
    {602, "GROUP_NOT_JOINED", 602},
    {603, "GROUP_PERMISSION_DENIED", 603},
    {604, "GROUP_MEMBERS_FULL", 606},
    {605, "GROUP_SHARED_FILE_INVALIDID", -3},
    {606, "GROUP_NOT_EXIST", 605},
    {607, "GROUP_DISABLED", 608},
    {608, "GROUP_NAME_VIOLATION", -2},
    {609, "GROUP_MEMBER_ATTRIBUTES_REACH_LIMIT", 50},
    {610, "GROUP_MEMBER_ATTRIBUTES_UPDATE_FAILED", 609},
    {611, "GROUP_MEMBER_ATTRIBUTES_KEY_REACH_LIMIT", 50},
    {612, "GROUP_MEMBER_ATTRIBUTES_VALUE_REACH_LIMIT", 50},
    {613, "GROUP_USER_IN_BLOCKLIST", 603},
    {700, "CHATROOM_INVALID_ID", -3},
    {701, "CHATROOM_ALREADY_JOINED", -2},
    {702, "CHATROOM_NOT_JOINED", 702},
    {703, "CHATROOM_PERMISSION_DENIED", 52},
    {704, "CHATROOM_MEMBERS_FULL", 704},
    {705, "CHATROOM_NOT_EXIST", 705},
    {706, "CHATROOM_OWNER_NOT_ALLOW_LEAVE", 52},
    {707, "CHATROOM_USER_IN_BLOCKLIST", 603},
    {900, "USERINFO_USERCOUNT_EXCEED", 50},
    {901, "USERINFO_DATALENGTH_EXCEED", 50},
    {1000, "CONTACT_ADD_FAILED", -2},
    {1001, "CONTACT_REACH_LIMIT", 50},
    {1002, "CONTACT_REACH_LIMIT_PEER", 50},
    {1100, "PRESENCE_PARAM_LENGTH_EXCEED", 1100},
    {1101, "PRESENCE_CANNOT_SUBSCRIBE_YOURSELF", -3},
    {1110, "TRANSLATE_PARAM_INVALID", -3},
    {1111, "TRANSLATE_SERVICE_NOT_ENABLE", 505},
    {1112, "TRANSLATE_USAGE_LIMIT", 50},
    {1113, "TRANSLATE_MESSAGE_FAIL", 1204},
    {1200, "MODERATION_FAILED", 508},
    {1299, "THIRD_SERVER_FAILED", -2},
    {1300, "REACTION_REACH_LIMIT", 50},
    {1301, "REACTION_HAS_BEEN_OPERATED", 1101},
    {1302, "REACTION_OPERATION_IS_ILLEGAL", 1103},
    {1400, "THREAD_NOT_EXIST", 1300},
    {1401, "THREAD_ALREADY_EXIST", 1301},
    {1402, "THREAD_CREATE_MESSAGE_ILLEGAL", -3},
    {1500, "PUSH_NOT_SUPPORT", 53},
    {1501, "PUSH_BIND_FAILED", -2},
    {1502, "PUSH_UNBIND_FAILED", -2},
};

static int compare_code(const void *key, const void *entry) {
  int32_t a = *(const int32_t *)key, b = ((const code_entry *)entry)->code;
  return a < b ? -1 : a > b;
}

static const code_entry *find_code(int32_t code) {
  return bsearch(&code, codes, sizeof codes / sizeof *codes, sizeof *codes, compare_code);
}

const char *eim_status_name(eim_status status) {
  const code_entry *entry = status <= 0 ? find_code(status) : NULL;
  return entry ? entry->name : "EIM_E_UNKNOWN";
}

/* ------------------------------------------------------------------ errors */

static void destroy_error(void *self) {
  free(self);
}
static void keep_error(void *self) {
  (void)self;
}

/* Lives for ever: there must be an error to return when there is no memory for one. */
static eim_error no_memory = {
    {1, keep_error}, EIM_E_NOMEM, EIM_DOMAIN_LOCAL, EIM_E_NOMEM, EIM_ERROR_RETRIABLE,
    "out of memory", "{}"};

/* One line of valid UTF-8, whatever foreign text was formatted into it. */
static void sanitize(char *text) {
  for (size_t n; *text; text += n) {
    n = eim_utf8_length(text);
    if (!n) *text = '?', n = 1;
    if ((unsigned char)*text < 0x20 || *text == 0x7f) *text = ' ';
  }
}

__attribute__((format(printf, 6, 0))) static eim_error *
make_error(int32_t code, eim_domain domain, int native, unsigned flags, const char *detail,
           const char *format, va_list args) {
  char message[MESSAGE_MAX];
  if (vsnprintf(message, sizeof message, format, args) < 0) message[0] = 0;
  sanitize(message);
  size_t length = strlen(message) + 1, detail_length = detail ? strlen(detail) + 1 : 0;
  eim_error *self = malloc(sizeof *self + length + detail_length);
  if (!self) return eim_object_ref(&no_memory);
  eim_object_init(&self->base, destroy_error);
  self->code = code;
  self->domain = domain;
  self->native = native;
  self->flags = flags;
  char *text = (char *)(self + 1);
  memcpy(text, message, length);
  if (detail) memcpy(text + length, detail, detail_length);
  self->message = text;
  self->detail = detail ? text + length : "{}";
  return self;
}

eim_error *eim_error_new(int32_t code, eim_domain domain, int native, unsigned flags,
                         const char *format, ...) {
  va_list args;
  va_start(args, format);
  eim_error *self = make_error(code, domain, native, flags, NULL, format, args);
  va_end(args);
  return self;
}

eim_error *eim_error_new_detail(int32_t code, eim_domain domain, int native, unsigned flags,
                                const char *detail, const char *format, ...) {
  va_list args;
  va_start(args, format);
  eim_error *self = make_error(code, domain, native, flags, detail, format, args);
  va_end(args);
  return self;
}

static eim_error *copy(const eim_error *self, unsigned flags) {
  return eim_error_new_detail(self->code, self->domain, self->native, flags, self->detail, "%s",
                              eim_error_message(self));
}

eim_error *eim_error_with_flags(const eim_error *self, unsigned flags) {
  return self ? copy(self, self->flags | flags) : NULL;
}

eim_error *eim_error_without_flags(const eim_error *self, unsigned flags) {
  return self ? copy(self, self->flags & ~flags) : NULL;
}

unsigned eim_error_flags(const eim_error *self) {
  return self ? self->flags : 0;
}

const eim_error *eim_error_ref(const eim_error *self) {
  return eim_object_ref(self);
}
void eim_error_unref(const eim_error *self) {
  eim_object_unref(self);
}

int32_t eim_error_code(const eim_error *self) {
  return self ? self->code : 0;
}

const char *eim_error_name(const eim_error *self) {
  if (!self) return "";
  const code_entry *entry = find_code(self->code);
  return entry ? entry->name : self->code < 0 ? "EIM_E_UNKNOWN" : "UNKNOWN";
}

eim_domain eim_error_domain(const eim_error *self) {
  return self ? self->domain : EIM_DOMAIN_LOCAL;
}

int eim_error_native(const eim_error *self) {
  return self ? self->native : 0;
}

const char *eim_error_message(const eim_error *self) {
  return self ? self->message : "";
}

bool eim_error_is_retriable(const eim_error *self) {
  return (eim_error_flags(self) & EIM_ERROR_RETRIABLE) != 0;
}

bool eim_error_is_final(const eim_error *self) {
  return (eim_error_flags(self) & EIM_ERROR_FINAL) != 0;
}

bool eim_error_may_have_happened(const eim_error *self) {
  return (eim_error_flags(self) & EIM_ERROR_MAYBE) != 0;
}

const char *eim_error_detail(const eim_error *self) {
  return self ? self->detail : "{}";
}

int32_t eim_error_web_code(const eim_error *self) {
  if (!self) return 0;
  const code_entry *entry = find_code(self->code);
  return entry ? entry->web : -2;
}

/* ------------------------------------------------------------------ last error */

static pthread_key_t last_key;
static pthread_once_t last_once = PTHREAD_ONCE_INIT;
static bool last_ready;

static void drop_last(void *error) {
  eim_error_unref(error);
}
static void create_last(void) {
  last_ready = pthread_key_create(&last_key, drop_last) == 0;
}

/* Without this a thread that ends after the library was unloaded would call into nothing. */
__attribute__((destructor)) static void delete_last(void) {
  if (!last_ready) return;
  last_ready = false;
  eim_error_unref(pthread_getspecific(last_key));
  pthread_key_delete(last_key);
}

const eim_error *eim_last_error(void) {
  pthread_once(&last_once, create_last);
  return last_ready ? pthread_getspecific(last_key) : NULL;
}

eim_status eim_fail_with(eim_status status, eim_error *error) {
  eim_error *former = (eim_error *)eim_last_error();
  if (!last_ready || pthread_setspecific(last_key, error))
    eim_error_unref(error);
  else
    eim_error_unref(former);
  return status;
}

eim_status eim_fail(eim_status status, const char *format, ...) {
  va_list args;
  va_start(args, format);
  eim_error *error = make_error(
      status, EIM_DOMAIN_LOCAL, status,
      status == EIM_E_NOMEM || status == EIM_E_BUSY || status == EIM_E_FULL ? EIM_ERROR_RETRIABLE
                                                                            : 0,
      NULL, format, args);
  va_end(args);
  return eim_fail_with(status, error);
}
