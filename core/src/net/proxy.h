/* proxy.h - the proxy option, parsed. Pure, but for "env". */
#ifndef EIM_NET_PROXY_H
#define EIM_NET_PROXY_H

#include "model/error.h"
#include "model/settings.h"

typedef enum eim_proxy_kind {
  EIM_PROXY_NONE,
  EIM_PROXY_HTTP,  /* CONNECT */
  EIM_PROXY_HTTPS, /* CONNECT over TLS: REST only */
  EIM_PROXY_SOCKS5
} eim_proxy_kind;

typedef struct eim_proxy {
  eim_proxy_kind kind;
  char *host;
  uint16_t port;
  eim_secret *user, *password; /* NULL: none; percent-decoded */
} eim_proxy;

/* The proxy for a connection to host (tls or not); with "env" from the environment, no_proxy
 * included. False: *error tells why; out is empty. */
bool eim_proxy_for(const eim_settings *settings, const char *host, bool tls, eim_proxy *out,
                   eim_error **error);
void eim_proxy_clear(eim_proxy *self);

#endif
