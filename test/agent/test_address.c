/* Whose connections are counted together. */
#include "agent/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/un.h>

#include <cmocka.h>

enum { CONNECTIONS_MAX = 8 };

static const struct sockaddr *at(struct sockaddr_storage *room, const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(1)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(2)};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        memcpy(room, &v4, sizeof v4);
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
        memcpy(room, &v6, sizeof v6);
    }
    return (const struct sockaddr *)room;
}

/* How many connections are counted for the second address after one of each. */
static int64_t together(const char *one, const char *other)
{
    struct arena a;
    struct addresses all;
    struct sockaddr_storage room = {0};
    arena_init(&a, 1 << 20);
    addresses_init(&all, &a, CONNECTIONS_MAX);
    (void)addresses_enter(&all, at(&room, one));
    const int64_t n = addresses_enter(&all, at(&room, other))->n;
    arena_close(&a);
    return n;
}

static void a_network_of_64_bits_is_one_address_of_ipv6(void **state)
{
    (void)state;
    assert_int_equal(together("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"), 2);
    assert_int_equal(together("2001:db8:1:2::1", "2001:db8:1:3::1"), 1);
    assert_int_equal(together("::1", "::2"), 2);
}

static void an_ipv4_host_is_one_address_however_it_is_written(void **state)
{
    (void)state;
    assert_int_equal(together("192.0.2.1", "192.0.2.1"), 2);
    assert_int_equal(together("192.0.2.1", "192.0.2.2"), 1);
    assert_int_equal(together("192.0.2.1", "::ffff:192.0.2.1"), 2);
    assert_int_equal(together("::ffff:192.0.2.1", "::ffff:192.0.2.2"), 1);
}

static void all_local_sockets_are_one_address_and_no_other(void **state)
{
    (void)state;
    struct arena a;
    struct addresses all;
    struct sockaddr_storage room = {0};
    struct sockaddr_storage local = {.ss_family = AF_UNIX};
    arena_init(&a, 1 << 20);
    addresses_init(&all, &a, CONNECTIONS_MAX);
    (void)addresses_enter(&all, at(&room, "192.0.2.1"));
    assert_int_equal(addresses_enter(&all, (const struct sockaddr *)&local)->n, 1);
    assert_int_equal(addresses_enter(&all, (const struct sockaddr *)&local)->n, 2);
    arena_close(&a);
}

/* As many addresses as connections, again and again: each comes back when its last one leaves. */
static void an_address_is_forgotten_when_its_last_connection_leaves(void **state)
{
    (void)state;
    struct arena a;
    struct addresses all;
    struct sockaddr_storage room = {0};
    struct address *open[CONNECTIONS_MAX];
    char text[32];
    arena_init(&a, 1 << 20);
    addresses_init(&all, &a, CONNECTIONS_MAX);
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < CONNECTIONS_MAX; i++) {
            (void)snprintf(text, sizeof text, "192.0.%d.%d", round, i / 2 * 2);
            open[i] = addresses_enter(&all, at(&room, text));
            assert_int_equal(open[i]->n, i % 2 + 1);
        }
        for (int i = 0; i < CONNECTIONS_MAX; i++) {
            addresses_leave(&all, open[(i + round) % CONNECTIONS_MAX]);
        }
    }
    arena_close(&a);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(a_network_of_64_bits_is_one_address_of_ipv6),
        cmocka_unit_test(an_ipv4_host_is_one_address_however_it_is_written),
        cmocka_unit_test(all_local_sockets_are_one_address_and_no_other),
        cmocka_unit_test(an_address_is_forgotten_when_its_last_connection_leaves),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
