/** @file eim/rest.h  REST: every documented call of the service, with the session's token. */
#ifndef EIM_REST_H
#define EIM_REST_H

#include <eim/client.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A REST call below `/org/app` of the app in use, with the session's access token (docs/session.md,
 * "REST calls"; docs/rest.md and docs/protocol.md 24 list what there is).
 *
 * @p method: "GET", "POST", "PUT" or "DELETE". @p path: begins with '/', without `/org/app` and
 * query; UTF-8, what a URL cannot hold is escaped, `%XX` stays. Segments that lead elsewhere ("",
 * ".", "..") are refused. @p query: `a=1&b=2` without '?', or NULL. @p json_body: any JSON, or
 * NULL; none with GET. The attributes of a user (`PUT /metadata/user/{u}`), which the service takes
 * as a form, go as one: an object of texts, numbers, true and false. EIM_E_INVALID (code 110) names
 * what is wrong.
 *
 * The result's JSON is `{"status":200,"body":…}` with the answer as the server sent it, null when
 * it was empty; at most 4 MiB. An answer other than 2xx is an error with `httpStatus`, `error`,
 * `description`, `exception` and (when there is one) `errorCode` in its detail (docs/errors.md).
 * The answer of a call that asks for a token holds that token.
 *
 * Within `requestTimeout`: waits for the host list and the login under way; goes on to the next
 * host when one does not answer; repeats a GET after 429, 502, 503 and 504 and after a lost
 * connection, with growing pauses. A POST, PUT or DELETE is repeated only when it surely did not
 * arrive; else its error may have happened. A 401 asks for a new token (on_token_request) and is
 * repeated once with that. Result 201: no session; EIM_E_FULL: `maxPendingSends` calls are open
 * already.
 */
EIM_API eim_status eim_client_request(eim_client *self, const char *method, const char *path,
                                      const char *query, const char *json_body, uint64_t token);

/**
 * Send a file of this machine to the file store of the app. Read from the disk as it is sent, so of
 * any size. @p path: a regular file. @p filename: what the server is told, NULL: the last part of
 * @p path. @p thumbnail_width, @p thumbnail_height: of the small picture the server is to make of
 * an image, 0: as it likes.
 *
 * A large one goes in parts where the server takes them, each repeated for itself
 * (docs/messages.md, "Messages with a file"); its size is looked at here and now.
 *
 * on_progress tells how far it is, at most ten times a second and once at the end. The result's
 * JSON is `{"url":…,"secret":…,"uuid":…,"filename":…,"file_length":…}`: the fields of a message
 * with an attachment; `secret` gives access to the file. `requestTimeout` ends an upload of which
 * nothing moves. Repeated, canceled and refused as a POST of eim_client_request(); 405: too large
 * for the app. A file that cannot be read, or becomes shorter meanwhile, is EIM_E_INVALID with the
 * errno in eim_error_native(); what is added to it meanwhile is not sent.
 */
EIM_API eim_status eim_client_upload(eim_client *self, const char *path, const char *filename,
                                     int thumbnail_width, int thumbnail_height, uint64_t token);

/**
 * Receive a file, for example the `url` of a message, into @p path, which is replaced when, and
 * only when, all of it is here. Until then it is beside it under a name that ends in ".part" (only
 * this user may read it), which stays when the download ends early: the next one of the same URL to
 * the same path goes on there. While one of the same URL to the same path is under way, in whatever
 * process, another ends with EIM_E_BUSY.
 *
 * @p path NULL: into memory. The result then has the file: eim_result_bytes(). More than
 * @p max_bytes, 16 MiB when that is 0, is refused; a repeated attempt begins anew.
 *
 * @p secret: the `secret` of the message, or NULL. It and the access token are told only to the
 * REST hosts of the app: any other URL is fetched without them. @p max_bytes: more is refused with
 * 405; 0: any size (into a file). @p thumbnail: the small picture instead.
 *
 * on_progress as for an upload; the result's JSON is `{"path":…,"file_length":…}`, without `path`
 * when it went into memory. Repeated as a
 * GET of eim_client_request(). No room on the disk and the like: EIM_E_INVALID with the errno in
 * eim_error_native(), and what was received is removed.
 */
EIM_API eim_status eim_client_download(eim_client *self, const char *url, const char *secret,
                                       const char *path, int64_t max_bytes, bool thumbnail,
                                       uint64_t token);

/**
 * The messages in a combined (forwarded) message: its file is downloaded and read. The result has
 * them: eim_result_message_count(), eim_result_message(); its JSON is `{"count":…}`. They are what
 * whoever combined them says they are, id, sender and time too. Combined ones among them are
 * unfolded by another call, at most nine times one in the other: `combineLevel` goes down with
 * each.
 *
 * As a download of at most 4 MiB. A file that is damaged, or not one of 1 to 300 messages, or has a
 * combined message in it that is not one level below, is error 401. EIM_E_INVALID: @p message is no
 * combined message, or has no `url`.
 */
EIM_API eim_status eim_client_download_combined(eim_client *self, const eim_message *message,
                                                uint64_t token);

#ifdef __cplusplus
}
#endif
#endif
