#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <mysql.h>

#include "base/asked.h"
#include "collector/asking.h"
#include "collector/lean.h"
#include "collector/mysql_uri.h"
#include "config/sources.h"
#include "service.h"

static struct arena arena;
static MYSQL *own;     /* a session beside                              */
static MYSQL *watcher; /* another, without a transaction of its own     */

static void make(const char *sql)
{
    int status = mysql_query(own, sql);
    while (status == 0) {
        mysql_free_result(mysql_store_result(own));
        status = mysql_next_result(own); /* -1: that was the last */
    }
    if (status > 0) {
        fail_msg("%s: %s", sql, mysql_error(own));
    }
}

static void ask_at(const char *uri, const char *sql, const struct collector *c, struct rows_of *out)
{
    const struct mysql_source_options o = {.uri = str_of(uri), .sql = str_of(sql)};
    const struct source_ask ask = ask_of(&arena, c, &o);
    rows_of(&source_mysql, &ask, out);
}

static void ask(const char *sql, struct rows_of *out)
{
    ask_at(service_url("mysql"), sql, &ask_tick, out);
}

static void numbers_and_texts_keep_their_meaning_and_null_is_no_empty_text(void **state)
{
    struct rows_of got;
    NEEDS_SERVICES();
    make("CREATE TABLE kinds (a tinyint, b bigint, c bigint unsigned, d float, e double, "
         "f decimal(30,3), g boolean, h bit(3), i bit(64), j year, k varchar(20), l text, "
         "m varbinary(8), n blob, o json, p enum('red', 'blue'), q set('x', 'y'), r uuid, s inet6, "
         "t double(10,2), u int(8) zerofill, v binary(3));"
         "INSERT INTO kinds VALUES (-1, -9223372036854775808, 18446744073709551615, 0.1, 1e-7, "
         "123456789012345678901234.500, true, b'101', 0xFFFFFFFFFFFFFFFF, 2024, 'ä\"', '', "
         "0x00ff, 'abc', '{\"a\": 1}', 'blue', 'x,y', '123e4567-e89b-12d3-a456-426655440000', "
         "'::1', 2.5, 42, 'x')");
    ask("SELECT kinds.*, NULL z, 9007199254740993 y, 1.50 x, 1.7976931348623157e308 w FROM kinds",
        &got);
    assert_string_equal(got.why.text, "");
    assert_string_equal(got.text,
                        "a=#-1,b=#-9223372036854775808,c=#18446744073709551615,d=#0.1,e=#0.0000001,"
                        "f=#123456789012345678901234.500,g=#1,h=#5,i=#18446744073709551615,"
                        "j=#2024,k=ä\",l=,m=0x00FF,n=0x616263,o={\"a\": 1},p=blue,q=x,y,"
                        "r=123e4567-e89b-12d3-a456-426655440000,s=::1,t=#2.50,u=#00000042,"
                        "v=0x780000,z=~,y=#9007199254740993,x=#1.50,w=#1.7976931348623157e308\n");
    (void)state;
}

static void times_are_in_utc_and_what_is_no_date_stays_a_text(void **state)
{
    struct rows_of got;
    NEEDS_SERVICES();
    make("SET sql_mode = ''; SET time_zone = '+05:30';"
         "CREATE TABLE times (a date, b datetime, c datetime(3), d timestamp(6) NULL, e time, "
         "f date, g datetime, h time(2));"
         "INSERT INTO times VALUES ('2024-02-29', '2024-01-02 03:04:05', '2024-01-02 03:04:05.6', "
         "'2024-01-02 03:04:05.000001', '-26:00:01', '0000-00-00', '2024-00-00', '00:00:00.25')");
    make("SET time_zone = '+00:00'");
    ask("SELECT * FROM times", &got);
    assert_string_equal(got.why.text, "");
    assert_string_equal(got.text,
                        "a=@2024-02-29T00:00:00Z,b=@2024-01-02T03:04:05Z,"
                        "c=@2024-01-02T03:04:05.600Z,d=@2024-01-01T21:34:05.000001Z,e=-26:00:01,"
                        "f=0000-00-00,g=2024-00-00 00:00:00,h=00:00:00.25\n");
    (void)state;
}

static void the_users_of_the_examples_are_counted(void **state)
{
    struct rows_of got;
    NEEDS_SERVICES();
    make("CREATE TABLE users (account varchar(20), signup_time timestamp);"
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

static void a_long_cell_comes_whole_beside_short_ones(void **state)
{
    struct rows_of got;
    NEEDS_SERVICES();
    ask("SELECT 'a' x, repeat('b', 255) y, repeat('c', 256) z, repeat('d', 257) w, 1 value UNION "
        "ALL SELECT NULL, 'e', repeat('f', 1000), NULL, 2",
        &got);
    assert_int_equal(got.n, 2);
    assert_string_equal(got.why.text, "");
    char wanted[4096];
    char run[5][1001];
    const struct {
        char letter;
        size_t n;
    } runs[] = {{'b', 255}, {'c', 256}, {'d', 257}, {'f', 1000}};
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        memset(run[i], runs[i].letter, runs[i].n);
        run[i][runs[i].n] = '\0';
    }
    (void)snprintf(wanted, sizeof wanted,
                   "x=a,y=%s,z=%s,w=%s,value=#1\nx=~,y=e,z=%s,w=~,value=#2\n", run[0], run[1],
                   run[2], run[3]);
    assert_string_equal(got.text, wanted);
    (void)state;
}

static void a_window_is_two_parameters(void **state)
{
    struct rows_of got;
    const char *const uri = service_url("mysql");
    NEEDS_SERVICES();
    ask_at(uri, "SELECT CAST(? AS DATETIME) AS a, unix_timestamp(?) AS value", &ask_window, &got);
    assert_string_equal(got.text, "a=@1970-01-01T00:00:00Z,value=#60\n");
    make("CREATE TABLE seen (at datetime(6));"
         "INSERT INTO seen VALUES ('1969-12-31 23:59:59.999999'), ('1970-01-01'), "
         "('1970-01-01 00:00:59.999999'), ('1970-01-01 00:01:00')");
    ask_at(uri, "SELECT count(*) AS value FROM seen WHERE at >= ? AND at < ?", &ask_window, &got);
    assert_string_equal(got.text, "value=#2\n");
    ask_at(uri, "SELECT ? AS value", &ask_tick, &got);
    assert_int_equal(got.outcome, REJECT);
    ask_at(uri, "SELECT concat(?, ?, ?) AS value", &ask_window, &got);
    assert_int_equal(got.outcome, REJECT);
    (void)state;
}

/* What stands beyond each bookmark, in a column of each kind that can grow. */
static void a_bookmark_is_compared_as_what_it_was_read(void **state)
{
    static const struct {
        const char *column, *bookmark, *wanted;
    } cases[] = {
        {"id", "", "3"},
        {"name", "2024-01-02T03:04:05.000001Z", "3"}, /* as a time no name would be greater */
        {"id", "9007199254740992", "2"},              /* as doubles the next one would be equal */
        {"id", "9007199254740993", "1"},
        {"big", "18446744073709551614", "1"},
        {"exact", "12345678901234567890.122", "1"},
        {"exact", "-0.5", "2"},
        {"at", "2024-01-02T03:04:05.000001Z", "2"},
        {"at", "2024-01-02T03:04:05.000002Z", "1"},
        {"day", "2024-01-02T00:00:00Z", "1"},
        {"name", "b", "1"},
        {"name", "a'; DROP TABLE grow; -- ", "2"},
    };
    NEEDS_SERVICES();
    make("CREATE TABLE grow (id bigint, big bigint unsigned, exact decimal(30,3), at datetime(6), "
         "day date, name varchar(20));"
         "INSERT INTO grow VALUES (9007199254740992, 1, -0.5, '2024-01-02 03:04:05.000001', "
         "'2024-01-01', 'a'), (9007199254740993, 18446744073709551614, 12345678901234567890.122, "
         "'2024-01-02 03:04:05.000002', '2024-01-02', 'b'), (9007199254740994, "
         "18446744073709551615, 12345678901234567890.123, '2024-01-02 03:04:05.000003', "
         "'2024-01-03', 'c')");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rows_of got;
        const struct mysql_source_options o = {
            .uri = str_of(service_url("mysql")),
            .sql = arena_printf(&arena,
                                "SELECT count(*) AS value FROM grow, (SELECT ? AS b) AS given "
                                "WHERE b IS NULL OR %s > b",
                                cases[i].column)};
        struct mysql_source_options direct = o;
        direct.sql = cases[i].bookmark[0] ? arena_printf(&arena,
                                                         "SELECT count(*) AS value FROM grow WHERE "
                                                         "%s > ?",
                                                         cases[i].column)
                                          : o.sql;
        struct source_ask more = ask_of(&arena, &ask_growing, &direct);
        more.bookmark = str_of(cases[i].bookmark);
        more.bookmark_kind = strcmp(cases[i].column, "name") == 0 ? CELL_TEXT
                             : strstr("at day", cases[i].column)  ? CELL_TIME
                                                                  : CELL_NUMBER;
        rows_of(&source_mysql, &more, &got);
        char wanted[32];
        (void)snprintf(wanted, sizeof wanted, "value=#%s\n", cases[i].wanted);
        if (strcmp(got.text, wanted) != 0) {
            fail_msg("%s > %s: %s%s", cases[i].column, cases[i].bookmark, got.text, got.why.text);
        }
        const struct collector of_own = {.strategy = STRATEGY_GROWING, .column = S("own")};
        more.collector = &of_own;
        more.bookmark_kind = CELL_NULL; /* nobody noted it: it is what its column is */
        direct.sql = cases[i].bookmark[0] ? arena_printf(&arena,
                                                         "SELECT count(*) AS value, max(%s) AS own "
                                                         "FROM grow WHERE %s > ?",
                                                         cases[i].column, cases[i].column)
                                          : o.sql;
        rows_of(&source_mysql, &more, &got);
        (void)snprintf(wanted, sizeof wanted, "value=#%s,", cases[i].wanted);
        if (cases[i].bookmark[0] && strncmp(got.text, wanted, strlen(wanted)) != 0) {
            fail_msg("%s > %s, unknown: %s%s", cases[i].column, cases[i].bookmark, got.text,
                     got.why.text);
        }
    }
    (void)state;
}

static void failures_say_what_helps(void **state)
{
    static const struct {
        const char *sql, *why;
        enum outcome outcome;
    } cases[] = {
        {"SELECT 1 AS value FROM nobody", "error 1146", REJECT},
        {"SELECT 1 AS value,\n  FROM users", "at line 2", REJECT},
        {"SELECT oops AS value", "Unknown column 'oops'", REJECT},
        {"INSERT INTO users VALUES ('evil', now())", "error 1792", REJECT},
        {"INSERT INTO users VALUES ('evil', now()) RETURNING 1 AS value", "error 1792", REJECT},
        {"SELECT writes() AS value", "error 1792", REJECT},
        {"CALL writes_too()", "no query", REJECT},
        {"SELECT nextval(numbers) AS value", "error 1792", REJECT},
        {"SELECT 1 AS value; DROP TABLE users", "error 1064", REJECT},
        {"SET SESSION TRANSACTION READ WRITE", "no query", REJECT},
        {"COMMIT", "no query", REJECT},
        {"SELECT 1 INTO OUTFILE '/tmp/weir-never'", "no query", REJECT},
        {"LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE users", "", REJECT},
        {"SELECT repeat('x', 1100000) AS value", "larger than 1048576", REJECT},
        {"SELECT repeat('x', 600000) a, repeat('x', 400000) b, repeat('y', 600000) c, 1 AS value",
         "larger than 1048576", REJECT},
        {"SELECT seq AS id, if(seq = 900, (SELECT 1 UNION SELECT 2), 1) AS value FROM "
         "seq_1_to_1000",
         "error 1242", REJECT},
        {"KILL CONNECTION_ID()", "no query", REJECT},
        {"SHOW TABLES LIKE 'us%'", NULL, OK},
        {"SELECT count(*) AS value FROM mysql.user", NULL, OK},
    };
    NEEDS_SERVICES();
    make("CREATE SEQUENCE numbers;"
         "CREATE FUNCTION writes() RETURNS int MODIFIES SQL DATA BEGIN INSERT INTO users VALUES "
         "('evil', now()); RETURN 1; END;"
         "CREATE PROCEDURE writes_too() BEGIN COMMIT; INSERT INTO users VALUES ('evil', now()); "
         "SELECT 1 AS value; END");
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
    return url_with(&arena, service_url("mysql"), old, new);
}

static void a_server_that_is_away_is_tried_again_and_one_that_refuses_is_not(void **state)
{
    NEEDS_SERVICES();
    make("CREATE USER stranger IDENTIFIED BY 'ge#heim'");
    const struct {
        const char *uri, *sql, *why;
        enum outcome outcome;
    } cases[] = {
        {"mysql://weir:secret@127.0.0.1:1/test", "SELECT 1", "127.0.0.1", RETRY},
        {uri_with("secret", "wrong"), "SELECT 1", "error 1045", STOP},
        {uri_with("weir:secret", "stranger:ge%23heim"), "SELECT 1", "error 1044", STOP},
        {uri_with("weir:secret@", "weir@"), "SELECT 1", "error 1045", STOP},
        {uri_with("/test", "/nobody"), "SELECT 1", "error 1049", STOP},
        {uri_with("/test", "?socket=/nothing"), "SELECT 1", "/nothing", RETRY},
        {uri_with("/test", "/test?ssl-mode=VERIFY_IDENTITY&ssl-ca=/nothing"), "SELECT 1",
         "error 2026", STOP},
        {uri_with("/test", "/test?ssl-mode=VERIFY_IDENTITY"), "SELECT 1", "error 2026", STOP},
        {uri_with("/test", "/test?colour=red"), "SELECT 1", "uri: parameter colour", STOP},
        {"mysql://weir:secret@no-such-host.invalid/x", "SELECT 1", "no-such-host", RETRY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rows_of got;
        ask_at(cases[i].uri, cases[i].sql, &ask_tick, &got);
        static const char *const secrets[] = {"secret", "heim", NULL};
        assert_came(cases[i].uri, &got, cases[i].outcome, cases[i].why, secrets);
    }
    struct rows_of got;
    ask_at(uri_with("weir:secret", "stranger:ge%23heim"), "SELECT 1", &ask_tick, &got);
    make("GRANT SELECT ON test.times TO stranger");
    ask_at(uri_with("weir:secret", "stranger:ge%23heim"), "SELECT 1 AS value FROM users", &ask_tick,
           &got);
    assert_int_equal(got.outcome, STOP);
    assert_non_null(strstr(got.why.text, "error 1142"));
    ask_at(uri_with("weir:secret", "stranger:ge%23heim"), "SELECT count(*) AS value FROM times",
           &ask_tick, &got);
    assert_string_equal(got.text, "value=#1\n");
    (void)state;
}

static void a_server_at_its_limit_is_tried_again(void **state)
{
    struct rows_of got;
    NEEDS_SERVICES();
    make("CREATE USER one IDENTIFIED BY 'geheim' WITH MAX_CONNECTIONS_PER_HOUR 1;"
         "GRANT SELECT ON test.* TO one");
    ask_at(uri_with("weir:secret", "one:geheim"), "SELECT 1 AS value", &ask_tick, &got);
    assert_int_equal(got.outcome, OK);
    ask_at(uri_with("weir:secret", "one:geheim"), "SELECT 1 AS value", &ask_tick, &got);
    assert_int_equal(got.outcome, RETRY);
    assert_non_null(strstr(got.why.text, "error 1226"));
    (void)state;
}

static void tls_is_taken_where_it_is_and_verified_where_it_is_asked(void **state)
{
    static const char sql[] = "SELECT variable_value <> '' AS value FROM "
                              "information_schema.session_status WHERE variable_name = "
                              "'Ssl_version'";
    struct rows_of got;
    NEEDS_SERVICES();
    const char *const mode = arena_printf(&arena, "/test?ssl-mode=VERIFY_IDENTITY&ssl-ca=%s",
                                          service_url("mysql.ca"))
                                 .at;
    const char *const by_number = uri_with("/test", mode);
    const char *const by_name = url_with(&arena, by_number, "127.0.0.1", "localhost");
    ask_at(by_name, sql, &ask_tick, &got);
    assert_string_equal(got.why.text, "");
    assert_string_equal(got.text, "value=#1\n");
    ask_at(by_number, sql, &ask_tick, &got); /* its certificate has another name */
    assert_int_equal(got.outcome, STOP);
    ask_at(uri_with("/test", "/test?ssl-mode=REQUIRED"), sql, &ask_tick, &got);
    assert_string_equal(got.text, "value=#1\n");
    ask_at(service_url("mysql"), sql, &ask_tick, &got);
    assert_string_equal(got.text, "value=#1\n");
    ask_at(uri_with("/test", "/test?ssl-mode=DISABLED"), sql, &ask_tick, &got);
    assert_string_equal(got.text, "value=#0\n");
    (void)state;
}

static void a_query_beyond_its_time_is_ended_by_the_server(void **state)
{
    struct rows_of got;
    const struct collector hasty = {.strategy = STRATEGY_TICK, .schedule = {.time_ms = 100}};
    NEEDS_SERVICES();
    ask_at(service_url("mysql"),
           "SELECT count(*) AS value FROM seq_1_to_1000000000 a, seq_1_to_1000000000 b WHERE "
           "sqrt(a.seq) = b.seq",
           &hasty, &got);
    assert_non_null(strstr(got.why.text, "error 1969"));
    assert_int_equal(got.outcome, RETRY);
    (void)state;
}

static void an_address_is_taken_apart_and_no_mistake_in_it_shows_a_password(void **state)
{
    struct mysql_uri got;
    struct failure f = {0};
    assert_int_equal(mysql_uri_read(&arena,
                                    S("mariadb://us%40er:p%3Aa%2Fs%25s@[::1]:3307/my%20db?"
                                      "SSL-Mode=verify_identity&ssl-ca=/a%20b.pem&ssl-cert=c&"
                                      "ssl-key=k&ssl-capath=d&socket=/run/sock"),
                                    &got, &f),
                     OK);
    assert_string_equal(got.user, "us@er");
    assert_string_equal(got.password, "p:a/s%s");
    assert_string_equal(got.host, "::1");
    assert_int_equal(got.port, 3307);
    assert_string_equal(got.database, "my db");
    assert_int_equal(got.tls, MYSQL_TLS_VERIFIED);
    assert_string_equal(got.ca, "/a b.pem");
    assert_string_equal(got.certificate, "c");
    assert_string_equal(got.key, "k");
    assert_string_equal(got.capath, "d");
    assert_string_equal(got.socket, "/run/sock");
    assert_int_equal(mysql_uri_read(&arena, S("mysql://host"), &got, &f), OK);
    assert_null(got.user);
    assert_null(got.database);
    assert_int_equal(got.port, 3306);
    assert_int_equal(got.tls, MYSQL_TLS_PREFERRED);
    static const char *const wrong[] = {
        "mysql://weir:secret@host:port/db",       "mysql://weir:secret@host/db?ssl-mode=VERIFY_CA",
        "mysql://weir:secret@host/db?ssl-ca=%zz", "mysql://weir:secret@/db",
        "mysql://weir:secret@host:99999/db",      "mysql://weir:sec ret@host/db",
        "mysql://weir:secret@host/db?x",          "weir:secret@host"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        if (mysql_uri_read(&arena, str_of(wrong[i]), &got, &f) != STOP ||
            !str_starts(str_of(f.text), S("uri: ")) || strstr(f.text, "secret") ||
            strstr(f.text, "sec ret")) {
            fail_msg("%s: %s", wrong[i], f.text);
        }
    }
    (void)state;
}

/* ---- as a run ---- */

static pid_t begin(const char *sql, int *fd)
{
    static struct mysql_source_options o;
    o = (struct mysql_source_options){.uri = str_of(service_url("mysql")), .sql = str_of(sql)};
    return run_begin(&source_mysql, &o, fd);
}

static long in_server(const char *sql)
{
    assert_int_equal(mysql_query(watcher, sql), 0);
    MYSQL_RES *const r = mysql_store_result(watcher);
    const long n = strtol(mysql_fetch_row(r)[0], NULL, 10);
    mysql_free_result(r);
    return n;
}

static void a_run_that_is_asked_to_stop_ends_its_query_in_the_server(void **state)
{
    /* at work, waiting for a lock before it could begin, and in the middle of its rows */
    static const char *const queries[] = {
        "SELECT sleep(600), 42 AS value", "SELECT 42 AS value FROM users",
        "SELECT sleep(seq > 1000), seq value FROM seq_1_to_100000"};
    static const char busy[] = "SELECT count(*) FROM information_schema.processlist WHERE info "
                               "LIKE 'SELECT%value%' AND info NOT LIKE '%processlist%' AND time_ms "
                               "> 100";
    NEEDS_SERVICES();
    make("LOCK TABLES users WRITE");
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
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
    make("UNLOCK TABLES");
    (void)state;
}

static void a_million_rows_take_no_more_memory_than_a_few(void **state)
{
    int fd = -1;
    NEEDS_SERVICES();
    const pid_t pid = begin("SELECT seq AS id, concat('customer ', seq % 1000) AS customer, "
                            "seq * 0.5 AS value FROM seq_1_to_1000000",
                            &fd);
    assert_true(assert_lean(pid, fd, "{\"done\":{\"rows\":1000000,\"metrics\":1000000") >
                100000000);
    (void)state;
}

/* A session of the test's own, several statements at once. */
static MYSQL *connected(void)
{
    struct failure f;
    struct mysql_uri u;
    MYSQL *const c = mysql_init(NULL);
    const unsigned protocol = MYSQL_PROTOCOL_TCP;
    (void)mysql_options(c, MYSQL_OPT_PROTOCOL, &protocol);
    (void)mysql_options(c, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (mysql_uri_read(&arena, str_of(service_url("mysql")), &u, &f) != OK ||
        !mysql_real_connect(c, u.host, u.user, u.password, u.database, u.port, NULL,
                            CLIENT_MULTI_STATEMENTS)) {
        print_message("%s\n", mysql_error(c));
        mysql_close(c);
        return NULL;
    }
    return c;
}

static int start(void **state)
{
    (void)state;
    arena_init(&arena, (size_t)64 << 20);
    asked_install(NULL, NULL);
    if (services_start("mysql")) {
        own = connected();
        watcher = connected();
        return own && watcher ? 0 : -1;
    }
    return 0;
}

static int stop(void **state)
{
    (void)state;
    mysql_close(own);
    mysql_close(watcher);
    mysql_library_end();
    services_stop();
    arena_close(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(an_address_is_taken_apart_and_no_mistake_in_it_shows_a_password),
        cmocka_unit_test(numbers_and_texts_keep_their_meaning_and_null_is_no_empty_text),
        cmocka_unit_test(times_are_in_utc_and_what_is_no_date_stays_a_text),
        cmocka_unit_test(the_users_of_the_examples_are_counted),
        cmocka_unit_test(a_long_cell_comes_whole_beside_short_ones),
        cmocka_unit_test(a_window_is_two_parameters),
        cmocka_unit_test(a_bookmark_is_compared_as_what_it_was_read),
        cmocka_unit_test(failures_say_what_helps),
        cmocka_unit_test(a_server_that_is_away_is_tried_again_and_one_that_refuses_is_not),
        cmocka_unit_test(a_server_at_its_limit_is_tried_again),
        cmocka_unit_test(tls_is_taken_where_it_is_and_verified_where_it_is_asked),
        cmocka_unit_test(a_query_beyond_its_time_is_ended_by_the_server),
        cmocka_unit_test(a_run_that_is_asked_to_stop_ends_its_query_in_the_server),
        cmocka_unit_test(a_million_rows_take_no_more_memory_than_a_few),
    };
    return cmocka_run_group_tests(all, start, stop);
}
