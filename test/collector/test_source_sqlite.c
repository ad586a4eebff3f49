#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "collector/rows_of.h"
#include "config/sources.h"
#include "folder.h"
#include "wire/sqlite.h"

static struct arena arena;
static struct str path;

static void ask_as(const char *sql, const struct collector *c, struct source_ask *ask,
                   struct rows_of *out)
{
    const struct sqlite_options o = {.path = path, .sql = str_of(sql)};
    ask->collector = c;
    ask->options = &o;
    ask->arena = &arena;
    ask->row_bytes_max = 1 << 20;
    rows_of(&source_sqlite, ask, out);
}

static void rows_keep_their_types_and_nulls(void **state)
{
    struct rows_of got;
    const struct collector tick = {.strategy = STRATEGY_TICK};
    struct source_ask ask = {.start_us = TIME_NONE, .end_us = TIME_NONE};
    (void)state;
    ask_as("SELECT account, count(*) AS value, max(price) AS total, max(note) AS note, "
           "9007199254740993 AS big "
           "FROM users GROUP BY account ORDER BY account;",
           &tick, &ask, &got);
    assert_int_equal(got.outcome, OK);
    assert_string_equal(got.text,
                        "account=amazon,value=#2,total=#0.2,note=~,big=#9007199254740993\n"
                        "account=google,value=#3,total=#2.5,note=a'b,big=#9007199254740993\n");
}

static void bytes_are_hexadecimal_and_minus_zero_stays_in_a_tag(void **state)
{
    struct rows_of got;
    const struct collector tick = {.strategy = STRATEGY_TICK};
    struct source_ask ask = {.start_us = TIME_NONE, .end_us = TIME_NONE};
    (void)state;
    ask_as("SELECT x'00fF41' AS id, x'' AS none, -0.0 AS value", &tick, &ask, &got);
    assert_string_equal(got.text, "id=0x00FF41,none=0x,value=#-0\n");
}

static void a_window_and_a_bookmark_are_parameters(void **state)
{
    struct rows_of got;
    const struct collector window = {.strategy = STRATEGY_WINDOW},
                           grow = {.strategy = STRATEGY_GROWING};
    struct source_ask ask = {.start_us = 0, .end_us = 60000000};
    (void)state;
    ask_as("SELECT ?1 AS a, ?2 AS b", &window, &ask, &got);
    assert_string_equal(got.text, "a=1970-01-01 00:00:00,b=1970-01-01 00:01:00\n");
    ask.end_us = 1500000;
    ask_as("SELECT ?2 AS b, strftime('%Y-%m-%dT%H:%M:%SZ', ?1) AS iso", &window, &ask, &got);
    assert_string_equal(got.text, "b=1970-01-01 00:00:01.500,iso=1970-01-01T00:00:00Z\n");
    ask = (struct source_ask){.start_us = TIME_NONE,
                              .end_us = TIME_NONE,
                              .bookmark = S("3"),
                              .bookmark_kind = CELL_NUMBER,
                              .now_us = 1000000};
    ask_as("SELECT count(*) AS value FROM users WHERE id > ?1", &grow, &ask, &got);
    assert_string_equal(got.text, "value=#2\n");
    ask.bookmark = S("");
    ask_as("SELECT count(*) AS value FROM users WHERE id > coalesce(?1, 0)", &grow, &ask, &got);
    assert_string_equal(got.text, "value=#5\n");
    const struct collector tick = {.strategy = STRATEGY_TICK};
    ask_as("SELECT ?1 AS value", &tick, &ask, &got);
    assert_int_equal(got.outcome, REJECT);
}

static void a_row_is_in_the_window_that_sqlite_says_it_is_in(void **state)
{
    struct rows_of got;
    const struct collector window = {.strategy = STRATEGY_WINDOW};
    struct source_ask ask = {.start_us = 0, .end_us = DAY_US};
    (void)state;
    ask_as("WITH seen(at) AS (VALUES (datetime(0, 'unixepoch')), (datetime(43200, 'unixepoch')), "
           "(datetime(86399, 'unixepoch')), (datetime(86400, 'unixepoch')), "
           "(datetime(129600, 'unixepoch'))) "
           "SELECT count(*) AS value FROM seen WHERE at >= ?1 AND at < ?2",
           &window, &ask, &got);
    assert_string_equal(got.text, "value=#3\n");
}

/* Nobody noted what it was: texts of digits are texts, and no number is greater than any. */
static void a_bookmark_of_no_kind_is_what_its_column_is(void **state)
{
    struct rows_of got;
    const struct collector grow = {.strategy = STRATEGY_GROWING, .column = S("n")};
    struct source_ask ask = {
        .start_us = TIME_NONE, .end_us = TIME_NONE, .bookmark = S("100"), .now_us = 1000000};
    (void)state;
    ask_as("SELECT * FROM (SELECT '100' AS n, 1 AS value UNION ALL SELECT '101', 2) WHERE n > "
           "coalesce(?1, '')",
           &grow, &ask, &got);
    assert_string_equal(got.text, "n=101,value=#2\n");
    ask_as("SELECT * FROM (SELECT 100 AS n, 1 AS value UNION ALL SELECT 101, 2) WHERE ?1 IS "
           "NULL OR n > ?1",
           &grow, &ask, &got);
    assert_string_equal(got.text, "n=#101,value=#2\n");
}

static void a_bookmark_is_bound_as_what_it_was_read_as(void **state)
{
    static const struct {
        const char *bookmark;
        enum cell_kind kind;
        const char *type;
    } cases[] = {{"1704110400", CELL_NUMBER, "integer"},
                 {"-7", CELL_NUMBER, "integer"},
                 {"9223372036854775807", CELL_NUMBER, "integer"},
                 {"0.5", CELL_NUMBER, "real"},
                 {"1e+300", CELL_NUMBER, "real"},
                 {"inf", CELL_NUMBER, "real"},
                 {"1704110400", CELL_TEXT, "text"},
                 {"0.5", CELL_TEXT, "text"},
                 {"007", CELL_TEXT, "text"},
                 {"2024-01-01 12:00:00", CELL_TEXT, "text"}};
    const struct collector grow = {.strategy = STRATEGY_GROWING};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rows_of got;
        struct source_ask ask = {.start_us = TIME_NONE,
                                 .end_us = TIME_NONE,
                                 .bookmark = str_of(cases[i].bookmark),
                                 .bookmark_kind = cases[i].kind};
        ask_as("SELECT typeof(?1) AS type, ?1 AS own", &grow, &ask, &got);
        const bool is_text = cases[i].kind == CELL_TEXT;
        assert_string_equal(got.text, arena_printf(&arena, "type=%s,own=%s%s\n", cases[i].type,
                                                   is_text ? "" : "#", cases[i].bookmark)
                                          .at);
    }
}

static void what_would_write_or_is_wrong_is_refused(void **state)
{
    static const char *const wrong[] = {"DELETE FROM users",
                                        "SELECT * FROM nobody",
                                        "SELECT",
                                        "SELECT ?1, ?2, ?3",
                                        "SELECT 1 AS value; SELECT 2 AS value",
                                        "SELECT 1 AS value; DELETE FROM users",
                                        "SELECT 1 AS value; what",
                                        "-- nothing"};
    const struct collector tick = {.strategy = STRATEGY_TICK};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct rows_of got;
        struct source_ask ask = {.start_us = TIME_NONE, .end_us = TIME_NONE};
        ask_as(wrong[i], &tick, &ask, &got);
        if (got.outcome == OK || got.outcome == RETRY || !got.why.text[0]) {
            fail_msg("%s: %s, %s", wrong[i], outcome_name(got.outcome), got.why.text);
        }
        assert_int_equal(got.n, 0);
    }
}

static void behind_the_statement_there_may_be_comments(void **state)
{
    static const char *const good[] = {"SELECT 1 AS value; -- the end", "SELECT 1 AS value -- end",
                                       "-- first\nSELECT 1 AS value;\n/* the; end */ ; \n"};
    const struct collector tick = {.strategy = STRATEGY_TICK};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct rows_of got;
        struct source_ask ask = {.start_us = TIME_NONE, .end_us = TIME_NONE};
        ask_as(good[i], &tick, &ask, &got);
        assert_string_equal(got.why.text, "");
        assert_string_equal(got.text, "value=#1\n");
    }
}

static void a_row_that_is_too_large_is_refused(void **state)
{
    static const char *const large[] = {"SELECT 1 AS value, zeroblob(10000000) AS b",
                                        "SELECT 1 AS value, hex(zeroblob(20000000)) AS t",
                                        "SELECT 1 AS value, zeroblob(524289) AS b"};
    const struct collector tick = {.strategy = STRATEGY_TICK};
    struct rows_of got;
    struct source_ask ask = {.start_us = TIME_NONE, .end_us = TIME_NONE};
    (void)state;
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        ask = (struct source_ask){.start_us = TIME_NONE, .end_us = TIME_NONE};
        ask_as(large[i], &tick, &ask, &got);
        assert_int_equal(got.outcome, REJECT);
        assert_non_null(strstr(got.why.text, "larger than 1048576"));
        assert_int_equal(got.n, 0);
    }
    ask_as("SELECT zeroblob(524288) AS b", &tick, &ask, &got);
    assert_int_equal(got.outcome, OK);
    assert_int_equal(got.n, 1);
}

static int make(void **state)
{
    struct failure f;
    sqlite3 *db = NULL;
    (void)state;
    arena_init(&arena, (size_t)32 << 20);
    path = folder_make() ? arena_str(&arena, str_of(folder_path("users.db"))) : S("");
    if (sqlite_open(path.at, SQLITE_USE_WRITE, &db, &f) != OK ||
        sqlite_exec(
            db,
            "CREATE TABLE users (id INTEGER PRIMARY KEY, account TEXT, price REAL, note TEXT);"
            "INSERT INTO users (account, price, note) VALUES ('amazon', 0.1, NULL), ('google', 1, "
            "NULL),"
            "('amazon', 0.2, NULL), ('google', 1.5, 'a''b'), ('google', 2.5, NULL)",
            &f) != OK) {
        return -1;
    }
    sqlite_close(db);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    folder_drop();
    arena_close(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(rows_keep_their_types_and_nulls),
        cmocka_unit_test(bytes_are_hexadecimal_and_minus_zero_stays_in_a_tag),
        cmocka_unit_test(a_window_and_a_bookmark_are_parameters),
        cmocka_unit_test(a_row_is_in_the_window_that_sqlite_says_it_is_in),
        cmocka_unit_test(a_bookmark_is_bound_as_what_it_was_read_as),
        cmocka_unit_test(a_bookmark_of_no_kind_is_what_its_column_is),
        cmocka_unit_test(what_would_write_or_is_wrong_is_refused),
        cmocka_unit_test(behind_the_statement_there_may_be_comments),
        cmocka_unit_test(a_row_that_is_too_large_is_refused),
    };
    return cmocka_run_group_tests(all, make, drop);
}
