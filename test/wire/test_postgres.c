#include "wire/postgres.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void a_password_that_is_cut_short_is_told_without_a_part_of_it(void **state)
{
    static const struct {
        const char *uri, *why;
    } cases[] = {
        {"postgresql://u:SEC/RET@h/db", "port is no number"},
        {"postgresql://u:SEC/RET?SEC@h/db", "libpq cannot read it"},
        {"postgresql://u:S?E@1/SEC@h/db", "`@` stands behind the host"},
        {"postgresql://u:77/RET@h/db", "`@` stands behind the host"},
        {"postgresql://u:SEC@RET9@h/db", "host has an `@`"},
        {"postgres://u:1@RET/SEC@h/db", "`@` stands behind the host"},
        {"postgresql://u:SEC%ZZRET@h/db", "libpq cannot read it"},
        {"postgresql://h:1,g:SEC/db", "port is no number"},
        {"postgresql://h:65536/db", "port is no number"},
        {"host=u@RET port=1", "host has an `@`"},
        {"password=1 SEC RET", "libpq cannot read it"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct failure f = {0};
        if (postgres_check_uri(cases[i].uri, &f) != STOP || !strstr(f.text, cases[i].why) ||
            strstr(f.text, "SEC") || strstr(f.text, "RET")) {
            fail_msg("%s: %s", cases[i].uri, f.text);
        }
    }
}

static void what_libpq_takes_is_not_refused(void **state)
{
    static const char *const uris[] = {
        "postgresql://u:S%2FE%40C@h:5432/db",
        "postgresql://h1:1,h2:2,h3/db",
        "postgresql:///db?host=%2Fvar%2Frun",
        "postgresql://[::1]:5432/db",
        "postgres://h/db?user=me@there&port=15432",
        "host=h port=5432 user=me@there password='a/b@c'",
        "postgresql://u:S:E#C@h/a%40b",
        "host=h1,h2 port=1,",
    };
    (void)state;
    for (size_t i = 0; i < sizeof uris / sizeof *uris; i++) {
        struct failure f = {0};
        if (postgres_check_uri(uris[i], &f) != OK) {
            fail_msg("%s: %s", uris[i], f.text);
        }
    }
}

static void what_libpq_quotes_is_left_out_but_for_the_place(void **state)
{
    static const struct {
        const char *uri, *says;
    } cases[] = {
        {"postgresql://u:1@127.0.0.1:SEC/db", "\"…\" for connection option \"…\""},
        {"postgresql://127.0.0.1/db?sslmode=SECRET", "sslmode value: \"…\""},
        {"postgresql://127.0.0.1:1/db", "\"127.0.0.1\", port 1 failed"},
        {"postgresql://no-such-host.invalid/db", "host name \"no-such-host.invalid\""},
        {"host=/nowhere port=7", "on socket \"/nowhere/.s.PGSQL.7\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[POSTGRES_TEXT_BYTES + 1];
        PGconn *const c = PQconnectdb(cases[i].uri);
        text[postgres_says(c, text).len] = '\0';
        PQfinish(c);
        if (!strstr(text, cases[i].says) || strstr(text, "SEC")) {
            fail_msg("%s: %s", cases[i].uri, text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(a_password_that_is_cut_short_is_told_without_a_part_of_it),
        cmocka_unit_test(what_libpq_takes_is_not_refused),
        cmocka_unit_test(what_libpq_quotes_is_left_out_but_for_the_place),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
