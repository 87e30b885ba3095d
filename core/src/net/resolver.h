/* resolver.h - names to addresses by getaddrinfo on detached threads that may outlive the loop: one
 * lookup for each host in flight, answers kept for a while. Loop thread only. */
#ifndef EIM_NET_RESOLVER_H
#define EIM_NET_RESOLVER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <eim/error.h>

typedef struct eim_loop eim_loop;
typedef struct eim_resolver eim_resolver;
typedef struct eim_lookup eim_lookup;

typedef union eim_address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
} eim_address;

#define EIM_ADDRESSES_MAX 16
typedef struct eim_addresses {
  size_t count;
  eim_address list[EIM_ADDRESSES_MAX]; /* in the order to try, port 0 */
} eim_addresses;

/* addresses (count > 0) or error; both borrowed during the call. */
typedef void (*eim_lookup_fn)(void *user, const eim_addresses *addresses, const eim_error *error);

/* An IPv4 or IPv6 literal, the latter also in brackets. Any thread. */
bool eim_address_parse(const char *text, eim_address *out);
/* Without brackets. Any thread. */
void eim_address_text(const eim_address *self, char *buffer, size_t size);
socklen_t eim_address_length(const eim_address *self);

eim_resolver *eim_resolver_new(eim_loop *loop);
/* Pending lookups are forgotten, their threads finish alone. */
void eim_resolver_free(eim_resolver *self);
/* ip_version 0 any, 4, 6. fn is called once, on a later turn of the loop, unless canceled. NULL:
 * out of memory. */
eim_lookup *eim_resolver_lookup(eim_resolver *self, const char *host, int ip_version,
                                eim_lookup_fn fn, void *user);
/* Not after fn was called. NULL is allowed. */
void eim_lookup_cancel(eim_lookup *self);

#endif
