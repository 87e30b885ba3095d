/** @file eim/error.h  Errors: immutable, counted, safe to share between threads. */
#ifndef EIM_ERROR_H
#define EIM_ERROR_H

#include <eim/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eim_error eim_error;

/**
 * The vendor's numbers (those of its native SDKs, which its newest web SDK uses too) that this
 * library produces. eim_error_code() is one of these, another vendor number, or a negative
 * eim_status. eim_error_web_code() translates to the numbers of the 4.x web SDK.
 */
enum {
  EIM_CODE_GENERAL_ERROR = 1,
  EIM_CODE_EXCEED_SERVICE_LIMIT = 4,
  EIM_CODE_APP_ACTIVE_NUMBER_REACH_LIMITATION = 8,
  EIM_CODE_INVALID_APP_KEY = 100,
  EIM_CODE_INVALID_USER_NAME = 101,
  EIM_CODE_INVALID_PASSWORD = 102,
  EIM_CODE_INVALID_TOKEN = 104,
  EIM_CODE_USER_NAME_TOO_LONG = 105,
  EIM_CODE_TOKEN_EXPIRED = 108,
  EIM_CODE_INVALID_PARAM = 110,
  EIM_CODE_USER_ALREADY_LOGIN = 200,
  EIM_CODE_USER_NOT_LOGIN = 201,
  EIM_CODE_USER_AUTHENTICATION_FAILED = 202,
  EIM_CODE_USER_ALREADY_EXIST = 203,
  EIM_CODE_USER_NOT_FOUND = 204,
  EIM_CODE_USER_ILLEGAL_ARGUMENT = 205,
  EIM_CODE_USER_LOGIN_ANOTHER_DEVICE = 206,
  EIM_CODE_USER_REMOVED = 207,
  EIM_CODE_USER_REG_FAILED = 208,
  EIM_CODE_USER_PERMISSION_DENIED = 210,
  EIM_CODE_USER_BIND_ANOTHER_DEVICE = 213,
  EIM_CODE_USER_LOGIN_TOO_MANY_DEVICES = 214,
  EIM_CODE_USER_MUTED = 215,
  EIM_CODE_USER_KICKED_BY_CHANGE_PASSWORD = 216,
  EIM_CODE_USER_KICKED_BY_OTHER_DEVICE = 217,
  EIM_CODE_USER_ALREADY_LOGIN_ANOTHER = 218,
  EIM_CODE_USER_MUTED_BY_ADMIN = 219,
  EIM_CODE_USER_DEVICE_CHANGED = 220,
  EIM_CODE_USER_NOT_ON_ROSTER = 221,
  EIM_CODE_SERVER_NOT_REACHABLE = 300,
  EIM_CODE_SERVER_TIMEOUT = 301,
  EIM_CODE_SERVER_BUSY = 302,
  EIM_CODE_SERVER_UNKNOWN_ERROR = 303,
  EIM_CODE_SERVER_GET_DNSLIST_FAILED = 304,
  EIM_CODE_SERVER_SERVICE_RESTRICTED = 305,
  EIM_CODE_FILE_INVALID = 401,
  EIM_CODE_FILE_UPLOAD_FAILED = 402,
  EIM_CODE_FILE_TOO_LARGE = 405,
  EIM_CODE_MESSAGE_INVALID = 500,
  EIM_CODE_MESSAGE_INCLUDE_ILLEGAL_CONTENT = 501,
  EIM_CODE_MESSAGE_SEND_TRAFFIC_LIMIT = 502,
  EIM_CODE_MESSAGE_RECALL_TIME_LIMIT = 504,
  EIM_CODE_SERVICE_NOT_ENABLED = 505,
  EIM_CODE_MESSAGE_ILLEGAL_WHITELIST = 507,
  EIM_CODE_MESSAGE_EXTERNAL_LOGIC_BLOCKED = 508,
  EIM_CODE_MESSAGE_CURRENT_LIMITING = 509,
  EIM_CODE_MESSAGE_SIZE_LIMIT = 510,
  EIM_CODE_MESSAGE_EDIT_FAILED = 511,
  EIM_CODE_GROUP_NOT_JOINED = 602,
  EIM_CODE_GROUP_PERMISSION_DENIED = 603,
  EIM_CODE_GROUP_MEMBERS_FULL = 604,
  EIM_CODE_GROUP_NOT_EXIST = 606,
  EIM_CODE_GROUP_DISABLED = 607,
  EIM_CODE_GROUP_MEMBER_ATTRIBUTES_UPDATE_FAILED = 610,
  EIM_CODE_CHATROOM_NOT_JOINED = 702,
  EIM_CODE_CHATROOM_PERMISSION_DENIED = 703,
  EIM_CODE_CHATROOM_MEMBERS_FULL = 704,
  EIM_CODE_CHATROOM_NOT_EXIST = 705,
  EIM_CODE_CONTACT_REACH_LIMIT = 1001,
  EIM_CODE_PRESENCE_PARAM_LENGTH_EXCEED = 1100,
  EIM_CODE_TRANSLATE_MESSAGE_FAIL = 1113,
  EIM_CODE_MODERATION_FAILED = 1200,
  EIM_CODE_REACTION_HAS_BEEN_OPERATED = 1301,
  EIM_CODE_REACTION_OPERATION_IS_ILLEGAL = 1302,
  EIM_CODE_THREAD_NOT_EXIST = 1400,
  EIM_CODE_THREAD_ALREADY_EXIST = 1401
};

/** The error of the last failed call on this thread; NULL if none failed yet. Borrowed: valid until
 *  the next failing call on this thread. */
EIM_API const eim_error *eim_last_error(void);

/** Take one more reference. Any thread. Returns @p self; NULL gives NULL. */
EIM_API const eim_error *eim_error_ref(const eim_error *self);
/** Give up one reference. Any thread; NULL is allowed. */
EIM_API void eim_error_unref(const eim_error *self);

/** Above zero: a vendor number (EIM_CODE_*). Below zero: an eim_status. */
EIM_API int32_t eim_error_code(const eim_error *self);
/** Stable name of the code, such as "USER_LOGIN_ANOTHER_DEVICE" or "EIM_E_TLS". Static. */
EIM_API const char *eim_error_name(const eim_error *self);
/** Where eim_error_native() comes from. */
EIM_API eim_domain eim_error_domain(const eim_error *self);
/** The number in that domain: errno, HTTP status, server status. */
EIM_API int eim_error_native(const eim_error *self);
/** One sentence for people, never with a secret in it. Borrowed. */
EIM_API const char *eim_error_message(const eim_error *self);
/** The same call may succeed later without a change of its arguments. */
EIM_API bool eim_error_is_retriable(const eim_error *self);
/** The session is over and will not be restored by itself. */
EIM_API bool eim_error_is_final(const eim_error *self);
/** For sends and registration: the server may have done it although no answer came. */
EIM_API bool eim_error_may_have_happened(const eim_error *self);
/** A JSON object with more facts (HTTP status, server text, loginInfoCustomExt …); "{}" if none.
 *  Borrowed. */
EIM_API const char *eim_error_detail(const eim_error *self);
/** The number the 4.x web SDK uses for this error; -2 (unknown) where it has none. */
EIM_API int32_t eim_error_web_code(const eim_error *self);

#ifdef __cplusplus
}
#endif
#endif
