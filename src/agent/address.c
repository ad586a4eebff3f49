#include "agent/address.h"
#include "base/hash.h"

#include <assert.h>
#include <netinet/in.h>

void addresses_init(struct addresses *all, struct arena *a, size_t connections_max)
{
    struct address *const at = arena_array(a, struct address, connections_max);
    *all = (struct addresses){.buckets_n = 2 * connections_max};
    all->bucket = arena_array(a, struct address *, all->buckets_n);
    for (size_t i = 0; i < connections_max; i++) {
        at[i].next = all->free;
        all->free = &at[i];
    }
}

static void key_of(const struct sockaddr *from, unsigned char key[16])
{
    static const unsigned char mapped[12] = {[10] = 0xFF, [11] = 0xFF}; /* RFC 4291, 2.5.5.2 */
    enum { NETWORK_BYTES = 8 };
    memset(key, 0, 16);
    if (from->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, from, sizeof v4);
        memcpy(key, mapped, sizeof mapped);
        memcpy(key + sizeof mapped, &v4.sin_addr, sizeof v4.sin_addr);
    } else if (from->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, from, sizeof v6);
        const bool is_v4 = memcmp(&v6.sin6_addr, mapped, sizeof mapped) == 0;
        memcpy(key, &v6.sin6_addr, is_v4 ? 16 : NETWORK_BYTES);
    }
}

static struct address **bucket_of(struct addresses *all, const unsigned char key[16])
{
    const uint64_t hash = hash_64((struct str){(const char *)key, 16}, 0);
    return &all->bucket[hash % all->buckets_n];
}

struct address *addresses_enter(struct addresses *all, const struct sockaddr *from)
{
    unsigned char key[16];
    key_of(from, key);
    struct address **const bucket = bucket_of(all, key);
    for (struct address *at = *bucket; at; at = at->next) {
        if (memcmp(at->key, key, sizeof key) == 0) {
            at->n++;
            return at;
        }
    }
    struct address *const at = all->free;
    assert(at);
    all->free = at->next;
    *at = (struct address){.next = *bucket, .n = 1};
    memcpy(at->key, key, sizeof key);
    *bucket = at;
    return at;
}

void addresses_leave(struct addresses *all, struct address *address)
{
    assert(address->n > 0);
    if (--address->n > 0) {
        return;
    }
    struct address **at = bucket_of(all, address->key);
    while (*at != address) {
        at = &(*at)->next;
    }
    *at = address->next;
    address->next = all->free;
    all->free = address;
}
