/* http.h - REST requests by libcurl on the uv loop: one pool of kept connections for each endpoint,
 * 8 connections a host, at most 64 requests in flight, the rest waits in order. Loop thread only.
 */
#ifndef EIM_NET_HTTP_H
#define EIM_NET_HTTP_H

#include "net/endpoint.h"

typedef struct eim_http eim_http;

/* Once, on a later turn of the loop, unless canceled. error (borrowed): no answer; else status and
 * body (borrowed, wiped afterwards). */
typedef void (*eim_http_fn)(void *user, int status, const void *body, size_t length,
                            const eim_error *error, bool may_have_arrived);

/* The request waits for a place (true), or has got one after it waited (false). Also from inside
 * eim_http_start() and eim_http_cancel() of others: it must not call back into this file. */
typedef void (*eim_http_place_fn)(void *user, bool waits);

/* request as in session.h; timeout_ms bounds all of it. place: NULL is fine. NULL: out of memory.
 */
eim_http *eim_http_start(eim_endpoint *endpoint, const eim_http_request *request, int timeout_ms,
                         eim_http_fn fn, eim_http_place_fn place, void *user);
/* Not after fn was called. */
void eim_http_cancel(eim_http *self);
/* Bytes of the request's file, now and then (total -1: unknown) and just before fn. As
 * eim_http_place_fn. */
typedef void (*eim_http_progress_fn)(void *user, int64_t done, int64_t total);
void eim_http_on_progress(eim_http *self, eim_http_progress_fn fn);

void eim_http_pool_free(struct eim_http_pool *self); /* NULL is allowed */

#endif
