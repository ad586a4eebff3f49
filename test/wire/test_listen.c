/* Listening sockets: what is opened, what is refused, and what is said. */
#include "wire/listen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_close(&arena);
    return 0;
}

static void an_address_is_opened_as_it_is_written(void **state)
{
    static const struct {
        const char *text, *starts;
    } addresses[] = {
        {"127.0.0.1:0", "127.0.0.1:"}, {"[::1]:0", "[::1]:"}, {"0.0.0.0:0", "0.0.0.0:"}};
    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        struct failure f;
        int fd = -1;
        assert_int_equal(listen_open(str_of(addresses[i].text), &fd, &f), OK);
        const struct str where = listen_text(&arena, fd);
        assert_true(str_starts(where, str_of(addresses[i].starts)));
        assert_false(str_ends(where, S(":0")));
        int again = -1; /* what it says can be written, and is taken now */
        assert_int_equal(listen_open(where, &again, &f), STOP);
        assert_non_null(strstr(f.text, "in use"));
        assert_non_null(strstr(f.text, "another port"));
        (void)close(fd);
    }
}

static void v4_and_v6_share_a_port_number(void **state)
{
    struct failure f;
    int v4 = -1;
    int v6 = -1;
    (void)state;
    assert_int_equal(listen_open(S("0.0.0.0:0"), &v4, &f), OK);
    struct str port;
    (void)str_cut(listen_text(&arena, v4), ':', &port);
    assert_int_equal(listen_open(arena_printf(&arena, "[::]:%.*s", STR_ARG(port)), &v6, &f), OK);
    (void)close(v4);
    (void)close(v6);
}

static void what_is_no_address_is_refused_with_an_example(void **state)
{
    static const char *const wrong[] = {"",           "8080",     ":8080",        "127.0.0.1",
                                        "127.0.0.1:", "[::1]",    "[::1]8080",    "::1:8080",
                                        "1.2.3:80",   "a.b.c:80", "127.0.0.1:-1", "127.0.0.1:65536",
                                        "[::1:8080",  "unix:",    "127.0.0.1:0x1"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct failure f;
        int fd = -1;
        if (listen_open(str_of(wrong[i]), &fd, &f) != STOP) {
            fail_msg("\"%s\" was opened", wrong[i]);
        }
        assert_non_null(strstr(f.text, "unix:"));
        assert_int_equal(fd, -1);
    }
    struct failure f;
    int fd = -1;
    assert_int_equal(listen_open(S("192.0.2.1:8080"), &fd, &f), STOP); /* RFC 5737: nobody's */
    assert_non_null(strstr(f.text, "no such address"));
}

static void a_socket_file_is_replaced_only_when_nobody_listens(void **state)
{
    struct failure f;
    int first = -1;
    int second = -1;
    (void)state;
    const struct str path = arena_printf(&arena, "/tmp/weir-listen-%d", (int)getpid());
    const struct str address = arena_printf(&arena, "unix:%s", path.at);
    assert_int_equal(listen_open(address, &first, &f), OK);
    assert_true(str_eq(listen_text(&arena, first), address));
    assert_int_equal(listen_open(address, &second, &f), STOP);
    (void)close(first); /* the file stays, as after a crash */
    assert_int_equal(listen_open(address, &second, &f), OK);
    listen_close(second);
    assert_int_not_equal(access(path.at, F_OK), 0);
    FILE *const file = fopen(path.at, "we");
    assert_non_null(file);
    (void)fclose(file);
    assert_int_equal(listen_open(address, &second, &f), STOP); /* no socket: somebody's file */
    assert_int_equal(access(path.at, F_OK), 0);
    (void)unlink(path.at);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest all[] = {
        T(an_address_is_opened_as_it_is_written),
        T(v4_and_v6_share_a_port_number),
        T(what_is_no_address_is_refused_with_an_example),
        T(a_socket_file_is_replaced_only_when_nobody_listens),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
