/** @file eim/event.h  What handlers are told: immutable, counted, safe to share between threads.
 *
 * A callback's argument is borrowed during the call; its _ref function keeps it longer. */
#ifndef EIM_EVENT_H
#define EIM_EVENT_H

#include <eim/base.h>
#include <eim/error.h>
#include <eim/message.h>

#ifdef __cplusplus
extern "C" {
#endif

/** State of a session. docs/session.md has the table of moves. */
typedef enum eim_state {
  EIM_STATE_OFFLINE = 0,        /**< not logged in, nothing under way */
  EIM_STATE_RESOLVING = 1,      /**< finding out which hosts to use */
  EIM_STATE_AUTHENTICATING = 2, /**< trading a password for a token */
  EIM_STATE_CONNECTING = 3,     /**< opening the message socket */
  EIM_STATE_PROVISIONING = 4,   /**< waiting for the login verdict */
  EIM_STATE_ONLINE = 5,         /**< logged in */
  EIM_STATE_WAITING = 6,        /**< waiting before the next attempt */
  EIM_STATE_CLOSED = 7          /**< shut down */
} eim_state;

/** "OFFLINE", "RESOLVING" … Static. */
EIM_API const char *eim_state_name(eim_state state);

/** One move of the session. on_state, on_connected, on_disconnected and on_reconnecting are views
 * of the same facts. */
typedef struct eim_state_change eim_state_change;
EIM_API eim_state_change *eim_state_change_ref(const eim_state_change *self);
EIM_API void eim_state_change_unref(const eim_state_change *self);
EIM_API eim_state eim_state_change_state(const eim_state_change *self);
EIM_API eim_state eim_state_change_previous(const eim_state_change *self);
/** Why; NULL for an ordinary step and for a close() that was asked for. Borrowed. */
EIM_API const eim_error *eim_state_change_cause(const eim_state_change *self);
/** Number of the attempt since the session was last stable (online for `reconnectHoldMs`) or open()
 * was called, from 1; 0: none. */
EIM_API int eim_state_change_attempt(const eim_state_change *self);
/** ms until the next attempt; 0 when none is planned. */
EIM_API int64_t eim_state_change_next_retry_ms(const eim_state_change *self);
EIM_API bool eim_state_change_will_retry(const eim_state_change *self);
/** User of the session, "" before the first open. */
EIM_API const char *eim_state_change_user(const eim_state_change *self);
/** Device resource the server assigned, "" before the first login. */
EIM_API const char *eim_state_change_resource(const eim_state_change *self);

/** Facts about the access token. */
typedef struct eim_token_event eim_token_event;
/** Why a token is wanted, or told about. */
typedef enum eim_token_reason {
  EIM_TOKEN_WILL_EXPIRE = 1, /**< most of its life is over */
  EIM_TOKEN_EXPIRED = 2,     /**< it is over */
  EIM_TOKEN_REFUSED = 3      /**< the server does not take it any more */
} eim_token_reason;
EIM_API eim_token_event *eim_token_event_ref(const eim_token_event *self);
EIM_API void eim_token_event_unref(const eim_token_event *self);
EIM_API eim_token_reason eim_token_event_reason(const eim_token_event *self);
/** End of the token's life, server time in ms since 1970; 0: unknown. */
EIM_API int64_t eim_token_event_expires_at(const eim_token_event *self);
/** Life left in ms when the event was made; 0 when over or unknown. */
EIM_API int64_t eim_token_event_remaining_ms(const eim_token_event *self);
/** For on_token_request: ms to answer by eim_client_renew_token(); 0 otherwise. */
EIM_API int64_t eim_token_event_deadline_ms(const eim_token_event *self);

/** Receipt for a message: the server or the other side has it. */
typedef struct eim_receipt eim_receipt;
typedef enum eim_receipt_kind {
  EIM_RECEIPT_SENT = 1,      /**< the server took it (seed: onReceivedMessage) */
  EIM_RECEIPT_DELIVERED = 2, /**< the other side's device has it (onDeliveredMessage) */
  EIM_RECEIPT_READ = 3,      /**< it was read (onReadMessage) */
  EIM_RECEIPT_CHANNEL = 4,   /**< the whole conversation was read (onChannelMessage) */
  EIM_RECEIPT_RECALLED = 5   /**< it was withdrawn (onRecallMessage) */
} eim_receipt_kind;
EIM_API eim_receipt *eim_receipt_ref(const eim_receipt *self);
EIM_API void eim_receipt_unref(const eim_receipt *self);
EIM_API eim_receipt_kind eim_receipt_get_kind(const eim_receipt *self);
/** Id the server gave to the message, decimal digits; "" for a conversation. */
EIM_API const char *eim_receipt_message_id(const eim_receipt *self);
/** Id under which it was sent from here, decimal digits; "" unless kind is SENT. */
EIM_API const char *eim_receipt_local_id(const eim_receipt *self);
EIM_API const char *eim_receipt_from(const eim_receipt *self);
EIM_API const char *eim_receipt_to(const eim_receipt *self);
EIM_API eim_chat_type eim_receipt_get_chat_type(const eim_receipt *self);
/** Server time in ms since 1970. */
EIM_API int64_t eim_receipt_time(const eim_receipt *self);
/** What else came with it, a JSON object: "ext" of a recall (text), "ackContent" of a group read
 * receipt (text), "groupReadCount" (the server's object: message id -> readers). "{}" if nothing.
 */
EIM_API const char *eim_receipt_json(const eim_receipt *self);

/** Everything rarer than a message: contacts, groups, rooms, presence, other devices … */
typedef struct eim_notice eim_notice;
EIM_API eim_notice *eim_notice_ref(const eim_notice *self);
EIM_API void eim_notice_unref(const eim_notice *self);
/** For example "contact", "group", "chatroom", "presence", "reaction", "unknown". docs/notices.md
 */
EIM_API const char *eim_notice_name(const eim_notice *self);
/** JSON object, faithful to the wire. */
EIM_API const char *eim_notice_json(const eim_notice *self);

/** Progress of a transfer. */
typedef struct eim_progress eim_progress;
EIM_API eim_progress *eim_progress_ref(const eim_progress *self);
EIM_API void eim_progress_unref(const eim_progress *self);
/** Token of the request. */
EIM_API uint64_t eim_progress_token(const eim_progress *self);
EIM_API int64_t eim_progress_done(const eim_progress *self);
/** Bytes in all, -1 when unknown. */
EIM_API int64_t eim_progress_total(const eim_progress *self);

/** The end of a request: exactly one for each token other than 0. */
typedef struct eim_result eim_result;
EIM_API eim_result *eim_result_ref(const eim_result *self);
EIM_API void eim_result_unref(const eim_result *self);
/** The token the caller chose. */
EIM_API uint64_t eim_result_token(const eim_result *self);
/** NULL: success. Borrowed. */
EIM_API const eim_error *eim_result_error(const eim_result *self);
/** For a send: the server's id of the message, decimal digits; else "". */
EIM_API const char *eim_result_message_id(const eim_result *self);
/** For a send: the id under which it went out, decimal digits; else "". */
EIM_API const char *eim_result_local_id(const eim_result *self);
/** Server time in ms since 1970; 0 when there is none. */
EIM_API int64_t eim_result_time(const eim_result *self);
/** The answer as JSON ("{}" when there is nothing more to say); never with a token in it. */
EIM_API const char *eim_result_json(const eim_result *self);
/** For a download into memory: the file, borrowed, lives as long as @p self; never NULL. @p length:
 * its bytes, 0 for any other result; NULL is fine. */
EIM_API const void *eim_result_bytes(const eim_result *self, size_t *length);
/** For eim_client_download_combined(): how many messages there are; else 0. */
EIM_API size_t eim_result_message_count(const eim_result *self);
/** One of them, in the order in which they were combined. Borrowed, lives as long as @p self; NULL:
 * no such index. */
EIM_API const eim_message *eim_result_message(const eim_result *self, size_t index);

/** The one list of callbacks: X(name, payload type). Core, tests and bindings expand it. */
#define EIM_EVENTS(X)                                                                              \
  X(state, eim_state_change)                                                                       \
  X(connected, eim_state_change)                                                                   \
  X(disconnected, eim_state_change)                                                                \
  X(reconnecting, eim_state_change)                                                                \
  X(token_will_expire, eim_token_event)                                                            \
  X(token_expired, eim_token_event)                                                                \
  X(token_request, eim_token_event)                                                                \
  X(error, eim_error)                                                                              \
  X(message, eim_message)                                                                          \
  X(receipt, eim_receipt)                                                                          \
  X(notice, eim_notice)                                                                            \
  X(progress, eim_progress)                                                                        \
  X(result, eim_result)

/**
 * Callbacks of one handler set. Every callback runs inside eim_context_poll(); any eim_ function
 * may be called from it. Leave out what is not wanted (NULL). New events are appended: struct_size
 * lets a program that was compiled earlier go on working.
 */
typedef struct eim_handlers {
  size_t struct_size; /**< sizeof(eim_handlers) */
  void *user_data;
  /** Once, after the last callback of this set: free user_data here. Runs on the thread that ends
   * the last dispatch or the shutdown; may only free, not call eim_ functions other than _unref. */
  void (*on_released)(void *user_data);
  void (*on_state)(void *user_data, const eim_state_change *change);
  void (*on_connected)(void *user_data, const eim_state_change *change);
  /** A session that was online is over; cause says why (NULL: close() was called). Once for each
   *  session, as the official SDK's onDisconnected; never for a loss that is being repaired. */
  void (*on_disconnected)(void *user_data, const eim_state_change *change);
  /** The line is down (cause) and an attempt is planned. Once for each attempt. */
  void (*on_reconnecting)(void *user_data, const eim_state_change *change);
  void (*on_token_will_expire)(void *user_data, const eim_token_event *event);
  void (*on_token_expired)(void *user_data, const eim_token_event *event);
  /** A token is wanted: answer by eim_client_renew_token(). Its presence makes this the provider.
   */
  void (*on_token_request)(void *user_data, const eim_token_event *event);
  void (*on_error)(void *user_data, const eim_error *error);
  void (*on_message)(void *user_data, const eim_message *message);
  void (*on_receipt)(void *user_data, const eim_receipt *receipt);
  void (*on_notice)(void *user_data, const eim_notice *notice);
  void (*on_progress)(void *user_data, const eim_progress *progress);
  void (*on_result)(void *user_data, const eim_result *result);
} eim_handlers;

/* The versions of clang-format lay out braces in macros differently. */
/* clang-format off */
/** Initializer for a handler set: `eim_handlers h = EIM_HANDLERS_INIT;` */
#ifdef __cplusplus
#define EIM_HANDLERS_INIT {sizeof(eim_handlers)}
#else
#define EIM_HANDLERS_INIT {.struct_size = sizeof(eim_handlers)}
#endif
/* clang-format on */

#ifdef __cplusplus
}
#endif
#endif
