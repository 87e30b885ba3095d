/** @file eim/message.h  Messages: immutable, counted, safe to share between threads. */
#ifndef EIM_MESSAGE_H
#define EIM_MESSAGE_H

#include <eim/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eim_message eim_message;

/** Kind of a message. eim_message_type() gives the name the official SDKs use. */
typedef enum eim_message_kind {
  EIM_MESSAGE_UNKNOWN = 0,  /**< a kind this version does not know: see eim_message_body() */
  EIM_MESSAGE_TEXT = 1,     /**< "txt" */
  EIM_MESSAGE_IMAGE = 2,    /**< "img" */
  EIM_MESSAGE_VIDEO = 3,    /**< "video" */
  EIM_MESSAGE_LOCATION = 4, /**< "loc" */
  EIM_MESSAGE_VOICE = 5,    /**< "audio" */
  EIM_MESSAGE_FILE = 6,     /**< "file" */
  EIM_MESSAGE_COMMAND = 7,  /**< "cmd" */
  EIM_MESSAGE_CUSTOM = 8,   /**< "custom" */
  EIM_MESSAGE_COMBINE = 9   /**< "combine" */
} eim_message_kind;

typedef enum eim_chat_type {
  EIM_CHAT_SINGLE = 1, /**< "singleChat" */
  EIM_CHAT_GROUP = 2,  /**< "groupChat" */
  EIM_CHAT_ROOM = 3    /**< "chatRoom" */
} eim_chat_type;

/**
 * A new text message. @p to: user, group or room id; @p text: UTF-8, not empty; @p ext: a JSON
 * object of extra values, or NULL. EIM_E_INVALID says what is wrong with which argument.
 */
EIM_API eim_status eim_message_new_text(eim_chat_type chat_type, const char *to, const char *text,
                                        const char *ext, eim_message **out);

/** Puts a message together, field by field. Not thread-safe: build it on one thread. */
typedef struct eim_message_builder eim_message_builder;

/** A builder for a message of @p kind to @p to: user ("user/resource": one device), group or room
 * id. EIM_MESSAGE_UNKNOWN cannot be built. @p out is owned by the caller. */
EIM_API eim_status eim_message_builder_new(eim_message_kind kind, eim_chat_type chat_type,
                                           const char *to, eim_message_builder **out);
/** Free it. Messages that were built live on. NULL is allowed. */
EIM_API void eim_message_builder_free(eim_message_builder *self);
/**
 * Set one field by the name the official SDKs use ("msg", "url", "action", …; docs/messages.md has
 * the table), "ext" among them. Text is UTF-8; numbers are decimal; booleans are
 * "true"/"false"/"1"/"0"; objects and lists are JSON. NULL takes the field back. EIM_E_INVALID
 * names the field and what is allowed; so for a field that this kind of message does not have.
 */
EIM_API eim_status eim_message_builder_set(eim_message_builder *self, const char *field,
                                           const char *value);
/** Add one extra value: @p json is any JSON value (integers stay exact). The same key again
 * replaces it. */
EIM_API eim_status eim_message_builder_set_ext(eim_message_builder *self, const char *key,
                                               const char *json);
/** The message. EIM_E_INVALID names a required field that is missing. The builder can go on. */
EIM_API eim_status eim_message_builder_build(const eim_message_builder *self, eim_message **out);

/**
 * A message from its JSON view: an object with `type`, `chatType` ("singleChat" when absent), `to`,
 * the fields of its kind, and `ext`. What only a server can say (`id`, `from`, `time`, …) is passed
 * over, so the view of a received message can be sent on. EIM_E_INVALID names what is wrong.
 */
EIM_API eim_status eim_message_from_json(const char *json, eim_message **out);
/**
 * A message of the service's history: @p msg is the text of that name in the answer to
 * `POST /users/{u}/messageroaming` (docs/rest-recipes.md), base64 of what was on the wire. The
 * result is like a message that arrived. EIM_E_INVALID: it is no message.
 */
EIM_API eim_status eim_message_from_history(const char *msg, eim_message **out);
/** The whole message as one flat JSON object (docs/messages.md). Made when first asked for and
 * kept; borrowed, lives as long as @p self; NULL: out of memory. */
EIM_API const char *eim_message_to_json(const eim_message *self);

EIM_API eim_message *eim_message_ref(const eim_message *self);
EIM_API void eim_message_unref(const eim_message *self);

EIM_API eim_message_kind eim_message_get_kind(const eim_message *self);
/** "txt", "img", "video", "loc", "audio", "file", "cmd", "custom", "combine" or "unknown". Static.
 */
EIM_API const char *eim_message_type(const eim_message *self);
EIM_API eim_chat_type eim_message_get_chat_type(const eim_message *self);
/** The id the server gave, decimal digits (64 bits); "" for a message that was built here. */
EIM_API const char *eim_message_id(const eim_message *self);
/** Sender's user id; "" for a message that was built here. */
EIM_API const char *eim_message_from(const eim_message *self);
/** Receiving user, group or room id. */
EIM_API const char *eim_message_to(const eim_message *self);
/** Device of the sender, "" when not told (set when another device of one's own sent it). */
EIM_API const char *eim_message_from_resource(const eim_message *self);
/** Server time in ms since 1970; 0 for a message that was built here. */
EIM_API int64_t eim_message_time(const eim_message *self);
/** Text of a text message, UTF-8; NULL for any other kind. */
EIM_API const char *eim_message_text(const eim_message *self);
/** Extra values as a JSON object; "{}" if none. Integers are exact; see docs/messages.md. */
EIM_API const char *eim_message_ext(const eim_message *self);
/** The whole body as a JSON object, for every kind: field names are those of the official SDKs. */
EIM_API const char *eim_message_body(const eim_message *self);

#ifdef __cplusplus
}
#endif
#endif
