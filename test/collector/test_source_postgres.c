#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "base/asked.h"
#include "base/os.h"
#include "collector/asking.h"
#include "collector/lean.h"
#include "config/sources.h"
#include "service.h"

static struct arena arena;
static PGconn *own;     /* a session beside                              */
static PGconn *watcher; /* another, without a transaction of its own     */

static void make(const char *sql)
{
    PGresult *const r = PQexec(own, sql);
    if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK) {
        fail_msg("%s: %s", sql, PQerrorMessage(own));
    }
    PQclear(r);
}

static void ask_at(const char *uri, const char *sql, const struct collector *c, struct rows_of *out)
{
    const struct postgres_options o = {.uri = str_of(uri), .sql = str_of(sql)};
    const struct source_ask ask = ask_of(&arena, c, &o);
    rows_of(&source_postgres, &ask, out);
}

static void ask(const char *sql, struct rows_of *out)
{
    ask_at(service_url("postgres"), sql, &ask_tick, out);
}

static void types_keep_their_meaning_and_null_is_no_empty_text(void **state)
{
    struct rows_of got;
    NEEDS_SERVICES();
    ask("SELECT 1::int2 a, 9007199254740993::int8 b, 0.1::float8 c, 1.50::numeric d, "
        "'NaN'::numeric "
        "e, true f, DATE '2024-02-29' g, TIMESTAMP '2024-01-02 03:04:05.6' h, "
        "TIMESTAMPTZ '2024-01-02 03:04:05+05:30' i, NULL j, '' k, 'ä\"' l, "
        "INTERVAL '1 day 2 hours' m, 'infinity'::timestamptz n, ARRAY[1,2] o, '{\"a\": 1}'::jsonb "
        "p, 1e-7::float8 q, DATE '0044-03-15 BC' r, 12345678901234567890.123::numeric s",
        &got);
    assert_string_equal(got.why.text, "");
    assert_string_equal(
        got.text,
        "a=#1,b=#9007199254740993,c=#0.1,d=#1.50,e=#NaN,f=?true,g=@2024-02-29T00:00:00Z,"
        "h=@2024-01-02T03:04:05.6Z,i=@2024-01-01T21:34:05Z,j=~,k=,l=ä\",m=P1DT2H,n=@infinity,"
        "o={1,2},p={\"a\": 1},q=#1e-07,r=@0044-03-15 BC,s=#12345678901234567890.123\n");
    (void)state;
}

static void the_users_of_the_examples_are_counted(void **state)
{
    struct rows_of got;
    NEEDS_SERVICES();
    make("CREATE TABLE users (account varchar, signup_time timestamp);"
         "INSERT INTO users VALUES ('amazon', now()), ('google', now()), ('amazon', now()), "
         "('google', now()), ('google', now())");
    ask("SELECT account as customer, COUNT(*) as value FROM users GROUP BY account ORDER BY 2 "
        "DESC;",
        &got);
    assert_string_equal(got.text, "customer=google,value=#3\ncustomer=amazon,value=#2\n");
    ask("SELECT count(*) AS value FROM users WHERE false", &got);
    assert_string_equal(got.text, "value=#0\n");
    ask("SELECT account, 1 AS value FROM users WHERE false", &got);
    assert_int_equal(got.outcome, OK);
    assert_int_equal(got.n, 0);
    (void)state;
}

static void a_window_and_a_bookmark_are_parameters(void **state)
{
    struct rows_of got;
    const char *const uri = service_url("postgres");
    NEEDS_SERVICES();
    ask_at(uri, "SELECT $1::timestamptz AS a, $2::timestamp AS b, $2::date AS c", &ask_window,
           &got);
    assert_string_equal(
        got.text, "a=@1970-01-01T00:00:00Z,b=@1970-01-01T00:01:00Z,c=@1970-01-01T00:00:00Z\n");
    ask_at(uri, "SELECT count(*) AS value FROM generate_series(1, 9) n WHERE n > coalesce($1, 0)",
           &ask_growing, &got);
    assert_string_equal(got.text, "value=#9\n");
    const struct postgres_options o = {
        .uri = str_of(uri),
        .sql = S("SELECT n AS id, 1 AS value FROM generate_series(1, 9) n "
                 "WHERE n > coalesce($1, 0) ORDER BY n")};
    struct source_ask more = ask_of(&arena, &ask_growing, &o);
    more.bookmark = S("7");
    rows_of(&source_postgres, &more, &got);
    assert_string_equal(got.text, "id=#8,value=#1\nid=#9,value=#1\n");
    ask_at(uri, "SELECT $1::text AS value", &ask_tick, &got);
    assert_int_equal(got.outcome, REJECT);
    ask_at(uri, "SELECT $1::text || $2 || $3 AS value", &ask_window, &got);
    assert_int_equal(got.outcome, REJECT);
    (void)state;
}

static void failures_say_what_helps(void **state)
{
    static const struct {
        const char *sql, *why;
        enum outcome outcome;
    } cases[] = {
        {"SELECT 1 AS value FROM nobody", "42P01; line 1, column 24 of sql", REJECT},
        {"SELECT 'ä',\n  oops AS value", "line 2, column 3 of sql", REJECT},
        {"SELECT 1/0 AS value", "22012", REJECT},
        {"INSERT INTO users VALUES ('evil', now()) RETURNING 1 AS value", "25006", REJECT},
        {"SELECT nextval('numbers') AS value", "25006", REJECT},
        {"WITH gone AS (DELETE FROM users RETURNING 1) SELECT count(*) AS value FROM gone", "25006",
         REJECT},
        {"SELECT 1 AS value; DROP TABLE users", "42601", REJECT},
        {"SET TRANSACTION READ WRITE", "no query", REJECT},
        {"COMMIT", "no query", REJECT},
        {"COPY users TO STDOUT", "no query", REJECT},
        {"SELECT pg_terminate_backend(pg_backend_pid())", "57P01", RETRY},
        {"SELECT repeat('x', 2000000) AS value", "larger than 1048576", REJECT},
        {"SELECT n::float8, 1/(n - 500) AS value FROM generate_series(1, 1000) n", "22012", REJECT},
        {"SET ROLE stranger", "no query", REJECT},
        {"SELECT * FROM pg_authid", NULL, OK},
    };
    NEEDS_SERVICES();
    make("CREATE SEQUENCE numbers; CREATE ROLE stranger LOGIN PASSWORD 'geheim'");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rows_of got;
        ask(cases[i].sql, &got);
        assert_came(cases[i].sql, &got, cases[i].outcome, cases[i].why, NULL);
    }
    struct rows_of got;
    ask("SELECT count(*) AS value FROM users", &got);
    assert_string_equal(got.text, "value=#5\n");
    (void)state;
}

static const char *uri_with(const char *old, const char *new)
{
    return url_with(&arena, service_url("postgres"), old, new);
}

static void a_server_that_is_away_is_tried_again_and_one_that_refuses_is_not(void **state)
{
    NEEDS_SERVICES();
    const char *const as_stranger = uri_with("weir:secret", "stranger:geheim");
    const struct {
        const char *uri, *sql, *why;
        enum outcome outcome;
    } cases[] = {
        {"postgresql://weir:secret@127.0.0.1:1/postgres", "SELECT 1", "refused", RETRY},
        {uri_with("secret", "wrong"), "SELECT 1", "28P01", STOP},
        {uri_with("/postgres", "/nobody"), "SELECT 1", "3D000", STOP},
        {as_stranger, "SELECT 1 AS value FROM users", "42501", STOP},
        {uri_with("weir:secret@", "weir@"), "SELECT 1", "no password", STOP},
        {uri_with("/postgres", "/postgres?sslmode=verify-full&sslrootcert=/nothing"), "SELECT 1",
         "certificate", STOP},
        {uri_with("/postgres", "/postgres?colour=red"), "SELECT 1", "uri: libpq", STOP},
        {"postgresql://weir:se%cret@127.0.0.1/x", "SELECT 1", "uri: libpq", STOP},
        {"postgresql://weir:secret/cret@127.0.0.1/x", "SELECT 1", "port is no number", STOP},
        {"host=127.0.0.1 secret", "SELECT 1", "uri: libpq", STOP},
        {"postgresql://weir:secret@no-such-host.invalid/x", "SELECT 1", "no-such-host", RETRY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rows_of got;
        ask_at(cases[i].uri, cases[i].sql, &ask_tick, &got);
        static const char *const secrets[] = {"secret", "cret@", NULL};
        assert_came(cases[i].uri, &got, cases[i].outcome, cases[i].why, secrets);
    }
    (void)state;
}

static void a_server_at_its_limit_is_tried_again(void **state)
{
    struct rows_of got;
    NEEDS_SERVICES();
    make("ALTER ROLE stranger CONNECTION LIMIT 0");
    ask_at(uri_with("weir:secret", "stranger:geheim"), "SELECT 1 AS value", &ask_tick, &got);
    assert_int_equal(got.outcome, RETRY);
    assert_non_null(strstr(got.why.text, "53300"));
    (void)state;
}

static void tls_is_verified_against_the_authority(void **state)
{
    struct rows_of got;
    NEEDS_SERVICES();
    const char *const mode = arena_printf(&arena, "/postgres?sslmode=verify-full&sslrootcert=%s",
                                          service_url("postgres.ca"))
                                 .at;
    const char *const by_number = uri_with("/postgres", mode);
    const char *const by_name = url_with(&arena, by_number, "127.0.0.1", "localhost");
    ask_at(by_name, "SELECT version AS value FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
           &ask_tick, &got);
    assert_string_equal(got.text, "value=TLSv1.3\n");
    ask_at(by_number, "SELECT 1 AS value", &ask_tick, &got); /* its certificate has another name */
    assert_int_equal(got.outcome, STOP);
    (void)state;
}

static void a_query_beyond_its_time_is_ended_by_the_server(void **state)
{
    struct rows_of got;
    const struct collector hasty = {.strategy = STRATEGY_TICK, .schedule = {.time_ms = 100}};
    NEEDS_SERVICES();
    ask_at(service_url("postgres"), "SELECT pg_sleep(600) AS value", &hasty, &got);
    assert_int_equal(got.outcome, RETRY);
    assert_non_null(strstr(got.why.text, "57014"));
    (void)state;
}

/* ---- as a run ---- */

static pid_t begin(const char *sql, int *fd)
{
    static struct postgres_options o;
    o = (struct postgres_options){.uri = str_of(service_url("postgres")), .sql = str_of(sql)};
    return run_begin(&source_postgres, &o, fd);
}

static long in_server(const char *sql)
{
    PGresult *const r = PQexec(watcher, sql);
    const long n = strtol(PQgetvalue(r, 0, 0), NULL, 10);
    PQclear(r);
    return n;
}

static void a_run_that_is_asked_to_stop_ends_its_query_in_the_server(void **state)
{
    /* at work, and waiting for a lock before it could begin */
    static const char *const queries[] = {"SELECT pg_sleep(600), 42 AS value",
                                          "SELECT 42 AS value FROM users"};
    static const char busy[] = "SELECT count(*) FROM pg_stat_activity WHERE application_name = "
                               "'weir' AND wait_event_type IN ('Timeout', 'Lock')";
    NEEDS_SERVICES();
    make("BEGIN; LOCK TABLE users");
    for (size_t i = 0; i < 2; i++) {
        int fd = -1;
        const pid_t pid = begin(queries[i], &fd);
        for (int tries = 0; tries < 2000 && in_server(busy) == 0; tries++) {
            (void)usleep(5000);
        }
        assert_int_equal(in_server(busy), 1);
        assert_stops(pid, fd);
        for (int tries = 0; tries < 2000 && in_server(busy) > 0; tries++) {
            (void)usleep(5000);
        }
        assert_int_equal(in_server(busy), 0);
    }
    make("ROLLBACK");
    (void)state;
}

static void a_million_rows_take_no_more_memory_than_a_few(void **state)
{
    int fd = -1;
    NEEDS_SERVICES();
    const pid_t pid = begin("SELECT n AS id, 'customer ' || n % 1000 AS customer, n * 0.5 AS value "
                            "FROM generate_series(1, 1000000) n",
                            &fd);
    assert_true(assert_lean(pid, fd, "{\"done\":{\"rows\":1000000,\"metrics\":1000000") >
                100000000);
    (void)state;
}

static void a_million_users_of_two_customers_are_two_records(void **state)
{
    int fd = -1;
    NEEDS_SERVICES();
    make("CREATE TABLE million AS SELECT n AS id, 'customer ' || n % 2 AS customer, now() - n * "
         "interval '1 second' AS signup_time FROM generate_series(1, 1000000) n");
    const pid_t pid = begin("SELECT customer, count(*) AS value FROM million GROUP BY customer",
                            &fd);
    assert_true(assert_lean(pid, fd, "{\"done\":{\"rows\":2,\"metrics\":2") < 2000);
    print_message("%ld bytes of table\n", in_server("SELECT pg_relation_size('million')"));
    (void)state;
}

static int start(void **state)
{
    (void)state;
    arena_init(&arena, (size_t)64 << 20);
    asked_install(NULL, NULL);
    if (services_start("postgres")) {
        own = PQconnectdb(service_url("postgres"));
        watcher = PQconnectdb(service_url("postgres"));
        return PQstatus(own) == CONNECTION_OK && PQstatus(watcher) == CONNECTION_OK ? 0 : -1;
    }
    return 0;
}

static int stop(void **state)
{
    (void)state;
    PQfinish(own);
    PQfinish(watcher);
    services_stop();
    arena_close(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(types_keep_their_meaning_and_null_is_no_empty_text),
        cmocka_unit_test(the_users_of_the_examples_are_counted),
        cmocka_unit_test(a_window_and_a_bookmark_are_parameters),
        cmocka_unit_test(failures_say_what_helps),
        cmocka_unit_test(a_server_that_is_away_is_tried_again_and_one_that_refuses_is_not),
        cmocka_unit_test(a_server_at_its_limit_is_tried_again),
        cmocka_unit_test(tls_is_verified_against_the_authority),
        cmocka_unit_test(a_query_beyond_its_time_is_ended_by_the_server),
        cmocka_unit_test(a_run_that_is_asked_to_stop_ends_its_query_in_the_server),
        cmocka_unit_test(a_million_rows_take_no_more_memory_than_a_few),
        cmocka_unit_test(a_million_users_of_two_customers_are_two_records),
    };
    return cmocka_run_group_tests(all, start, stop);
}
