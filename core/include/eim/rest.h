/** @file eim/rest.h  REST: every documented call of the service, with the session's token. */
#ifndef EIM_REST_H
#define EIM_REST_H

#include <eim/client.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A REST call below `/org/app` of the app in use, with the session's access token (docs/rest.md;
 * docs/rest-recipes.md has examples).
 *
 * @p method: "GET", "POST", "PUT" or "DELETE". @p path: begins with '/', without `/org/app` and
 * query; UTF-8, what a URL cannot hold is escaped, `%XX` stays. Segments that lead elsewhere ("",
 * ".", "..") are refused. @p query: `a=1&b=2` without '?', or NULL. @p json_body: any JSON, or
 * NULL; none with GET. EIM_E_INVALID (code 110) names what is wrong.
 *
 * The result's JSON is `{"status":200,"body":…}` with the answer as the server sent it, null when
 * it was empty; at most 4 MiB. An answer other than 2xx is an error with `httpStatus`, `error`,
 * `description` and `exception` in its detail (docs/errors.md). The answer of a call that asks for
 * a token holds that token.
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

#ifdef __cplusplus
}
#endif
#endif
