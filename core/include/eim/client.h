/** @file eim/client.h  A client is one user: log in, stay logged in, talk.
 *
 * Calls only check and post; results and events come by the handlers. A request's `token` is a
 * number the caller chose: its on_result carries it, exactly once. Token 0: no result wanted. */
#ifndef EIM_CLIENT_H
#define EIM_CLIENT_H

#include <eim/base.h>
#include <eim/config.h>
#include <eim/context.h>
#include <eim/event.h>
#include <eim/message.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eim_client eim_client;

/** A new client of @p context with a copy of @p config, checked by eim_config_check(). @p out is
 * owned by the caller; the client keeps the context alive. */
EIM_API eim_status eim_client_new(eim_context *context, const eim_config *config, eim_client **out);
EIM_API eim_client *eim_client_ref(eim_client *self);
/** Give up one reference; the last one shuts down. Never blocks. NULL is allowed. */
EIM_API void eim_client_unref(eim_client *self);
/**
 * End all work. Idempotent, any thread, never waits for the network. Open requests end with
 * EIM_E_CLOSED only as far as they are delivered before. In a callback: deferred to the end of the
 * dispatch; elsewhere: when it returns no callback of this client runs any more and on_released has
 * been called for every handler set.
 */
EIM_API void eim_client_shutdown(eim_client *self);

/** Add (or, for a known @p id, replace) a set of callbacks. Before open is the normal time. The
 * struct is copied. EIM_E_INVALID when struct_size is not that of any known version. */
EIM_API eim_status eim_client_add_event_handler(eim_client *self, const char *id,
                                                const eim_handlers *handlers);
/** Remove a set; its on_released follows when no callback of it runs. EIM_E_INVALID: unknown id. */
EIM_API eim_status eim_client_remove_event_handler(eim_client *self, const char *id);

/**
 * Create a user over REST; works only for apps in open registration. Needs no login. @p nickname
 * may be NULL. Refusals: 203 exists, 205 illegal name or password, 105 name too long, 208
 * registration closed, 4 quota, 302 rate. Never repeated by itself once the request may have
 * arrived.
 */
EIM_API eim_status eim_client_register_user(eim_client *self, const char *username,
                                            const char *password, const char *nickname,
                                            uint64_t token);
/** Log in with a password, which is traded for a token and then forgotten. The result comes once
 * the session is online, the server refused (final, never repeated), or `loginTimeout` is over. Its
 * error is 200 when this user is logged in already, 218 when another is, EIM_E_BUSY while a login
 * is under way. */
EIM_API eim_status eim_client_open_password(eim_client *self, const char *user,
                                            const char *password, uint64_t token);
/** Log in with an access token. As eim_client_open_password(). */
EIM_API eim_status eim_client_open_token(eim_client *self, const char *user,
                                         const char *access_token, uint64_t token);
/** Log out: end the session or the login, stop reconnecting, keep the handle. Fine in any state.
 * Open requests end with EIM_E_CANCELED. open may follow at once. */
EIM_API eim_status eim_client_close(eim_client *self, uint64_t token);
/** Replace the access token of the session (also the answer to on_token_request). The server is
 * asked for its expiry; a refusal leaves the session as it was. Result 201: no session. */
EIM_API eim_status eim_client_renew_token(eim_client *self, const char *access_token,
                                          uint64_t token);
/** The answer to on_token_request when there is no token to be had: a session that waits for one is
 * over now, with error 108; one that is online goes on until its token ends. @p reason (NULL: none)
 * becomes part of the error's message: no secrets in it. */
EIM_API eim_status eim_client_token_unavailable(eim_client *self, const char *reason);
/** Tell that the host's network went up (attempt now) or down (wait until up). */
EIM_API eim_status eim_client_network_changed(eim_client *self, bool up);
/** Text shown to the device that the next login pushes out; at most 1024 UTF-16 units, NULL: none.
 */
EIM_API eim_status eim_client_set_login_ext(eim_client *self, const char *ext);

/** Send a message. The result carries the server's id and time. While reconnecting it waits within
 *  `sendTimeout`. EIM_E_FULL, from the call (then there is no result) or as the result: too many
 * are waiting. Result 201: no session. */
EIM_API eim_status eim_client_send(eim_client *self, const eim_message *message, uint64_t token);
/**
 * The application is done with a received message: with `ackMode` manual the server is told only
 * then that it may forget it (docs/protocol.md 10). A queue is acknowledged page by page, so a
 * message of it that is never done holds back what comes behind it, in this queue alone. What is
 * not done when the session ends (close, a forced logout, a crash) comes again at the next login; a
 * reconnect does not give it twice. With ackMode auto, for a message built here or of an earlier
 * session: no effect.
 */
EIM_API eim_status eim_client_message_done(eim_client *self, const eim_message *message);

/**
 * Tell the sender that a received message was read (their onReadMessage). For a message of a group
 * @p content goes along (NULL: none), and the server counts (docs/protocol.md 13). EIM_E_INVALID
 * for a message that was not received, or of a chat room. This and what follows waits for its
 * answer as a message does, over reconnects and within `sendTimeout`; the same errors.
 */
EIM_API eim_status eim_client_send_read(eim_client *self, const eim_message *message,
                                        const char *content, uint64_t token);
/** Tell that the whole conversation with a user or group was read (onChannelMessage). */
EIM_API eim_status eim_client_send_channel_read(eim_client *self, eim_chat_type chat_type,
                                                const char *to, uint64_t token);
/** Withdraw a message that was sent: @p message_id is the server's. @p ext (NULL: none) is text for
 * the receivers. Refusals: 504 too late, 505 not enabled; the server's words are in the error. */
EIM_API eim_status eim_client_recall(eim_client *self, eim_chat_type chat_type, const char *to,
                                     const char *message_id, const char *ext, uint64_t token);
/** Replace a message that was sent by @p message, which has the receiver and the new content; an
 * ext in it replaces the old one. The result's JSON has what the server says of it, when it does.
 */
EIM_API eim_status eim_client_edit(eim_client *self, const char *message_id,
                                   const eim_message *message, uint64_t token);
/** Enter a chat room. @p ext (NULL: none) is text for the members; @p leave_others leaves all other
 * rooms. The result's JSON: {"notice":{…}} with what the server says of the room, when it does. */
EIM_API eim_status eim_client_join_room(eim_client *self, const char *room_id, const char *ext,
                                        bool leave_others, uint64_t token);
/** Leave a chat room. */
EIM_API eim_status eim_client_leave_room(eim_client *self, const char *room_id, uint64_t token);

/** Give up a request: its result is EIM_E_CANCELED unless it is over already. */
EIM_API eim_status eim_client_cancel(eim_client *self, uint64_t token);

/** Ask how the session is. The result's JSON is a snapshot: state, last cause, connection
 * generation, RTT of the last heartbeat, counters, queue depths, token expiry, clock offset;
 * docs/session.md has the fields. */
EIM_API eim_status eim_client_health(eim_client *self, uint64_t token);
/** State just now. Any thread; events tell it in order. */
EIM_API eim_state eim_client_state(const eim_client *self);

#ifdef __cplusplus
}
#endif
#endif
