/* address.h - how many connections each address has open.
 *
 * An address is an IPv4 host, or an IPv6 /64: one host is given a whole /64 and may use all of it.
 * All memory is taken at once, for as many addresses as there may be connections. */
#ifndef WEIR_AGENT_ADDRESS_H
#define WEIR_AGENT_ADDRESS_H

#include <sys/socket.h>

#include "base/arena.h"

struct address {
    struct address *next;
    unsigned char key[16]; /* IPv4 mapped to IPv6, IPv6 cut to its /64; zeros: a local socket */
    int64_t n;             /* connections */
};

struct addresses {
    struct address **bucket; /* by hash */
    size_t buckets_n;
    struct address *free;
};

void addresses_init(struct addresses *all, struct arena *a, size_t connections_max);

/* One more connection from there; never more at once than connections_max. */
struct address *addresses_enter(struct addresses *all, const struct sockaddr *from);
/* One less. */
void addresses_leave(struct addresses *all, struct address *address);

#endif
