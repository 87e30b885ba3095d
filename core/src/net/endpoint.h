/* endpoint.h - what clients of one TLS and proxy configuration share on one loop: trust, SSL_CTX,
 * vhost of libwebsockets, connections of curl. Counted; loop thread only. */
#ifndef EIM_NET_ENDPOINT_H
#define EIM_NET_ENDPOINT_H

#include "model/settings.h"
#include "net/loop.h"
#include "net/tls.h"

struct eim_http_pool;
struct lws_vhost;

typedef struct eim_endpoint {
  struct eim_endpoint *next;
  int refs;
  eim_alarm alarm; /* end of its life after the last reference */
  eim_loop *loop;
  eim_settings *settings; /* of the first client; equal in everything that matters here */
  eim_tls *tls;           /* made on first use */
  struct lws_vhost *plain_vhost, *tls_vhost; /* made on first use */
  struct eim_http_pool *http;                /* made on first use */
} eim_endpoint;

/* The endpoint for these settings, one reference for the caller. NULL: out of memory. */
eim_endpoint *eim_endpoint_get(eim_loop *loop, eim_settings *settings);
/* The last one leaves it alive for some seconds: whoever comes next finds open connections. */
void eim_endpoint_unref(eim_endpoint *self);
/* When the loop ends, after the hub. */
void eim_endpoint_free_all(eim_loop *loop);
/* NULL: *error tells why; the next call tries again. Borrowed. */
eim_tls *eim_endpoint_tls(eim_endpoint *self, eim_error **error);

#endif
