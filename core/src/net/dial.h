/* dial.h - a TCP connection: name, addresses in turn, proxy (HTTP CONNECT or SOCKS5). Never blocks.
 * libwebsockets could do some of it, but resolves on the loop, loses the errno, garbles long proxy
 * credentials and lacks SOCKS5 in most builds. Loop thread only. */
#ifndef EIM_NET_DIAL_H
#define EIM_NET_DIAL_H

#include "model/error.h"
#include "model/settings.h"

typedef struct eim_loop eim_loop;
typedef struct eim_dial eim_dial;

/* fd (owned by the callee) or -1 with a borrowed error. The dial is over then. */
typedef void (*eim_dial_fn)(void *user, int fd, const eim_error *error);

/* ip "": resolve host. fn is called once, on a later turn of the loop, unless canceled. NULL: out
 * of memory. settings is borrowed until then. */
eim_dial *eim_dial_start(eim_loop *loop, const eim_settings *settings, const char *host,
                         const char *ip, uint16_t port, bool tls, eim_dial_fn fn, void *user);
/* Not after fn was called. */
void eim_dial_cancel(eim_dial *self);

#endif
