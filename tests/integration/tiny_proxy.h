/* tiny_proxy.h - an HTTP CONNECT proxy on 127.0.0.1:0 with a thread of its own, for tests. */
#ifndef EIM_INTEGRATION_TINY_PROXY_H
#define EIM_INTEGRATION_TINY_PROXY_H

#include <stdint.h>

typedef struct tiny_proxy tiny_proxy;

/* credentials: "user:password" that a client must show, or NULL: open to all. NULL: no socket. */
tiny_proxy *tiny_proxy_new(const char *credentials);
uint16_t tiny_proxy_port(const tiny_proxy *self);
int tiny_proxy_tunnels(const tiny_proxy *self); /* opened */
int tiny_proxy_refused(const tiny_proxy *self); /* answered with 407 */
void tiny_proxy_free(tiny_proxy *self);

#endif
