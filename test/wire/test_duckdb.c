#include "wire/duckdb.h"

#include <stdio.h>

#include "base/file.h"
#include "folder.h"
#include "test.h"

static struct arena arena;
static struct failure failure;
static struct duck *duck;

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, 64 << 20);
    return folder_make() && duck_open(&arena, &(struct duck_options){0}, &duck, &failure) == OK
               ? 0
               : -1;
}

static int end(void **state)
{
    (void)state;
    duck_close(duck);
    arena_close(&arena);
    folder_drop();
    return 0;
}

/* Each beside others that it would stand for if it were read as a pattern. */
static const char *const names[] = {
    "a[1]",     "a1",      "q*r",  "qXr",   "q?r",       "[!a]",        "[^a]", "[",     "[]",
    "]",        "**",      "*",    "?",     "b\\c",      "b",           "\\",   "\\\\",  "c[2]\\d",
    "c[2]Xd",   "c[2][d",  "c2",   "e\\*f", "\\\\*",     "é*",          "éb*",  "{x,y}", "x",
    "it's",     "\"quote", "a-z",  "[a-z]", "%20",       " ",           "~",    "#1",    "file:x",
    "[[][]]\\", "?\\?",    "\\[x", "[\\]",  "[!]-~ -[]", "\U0010ffff*",
};
enum { NAMES = sizeof names / sizeof *names };

static struct str path_of(size_t name)
{
    return arena_printf(&arena, "%s/t.parquet", folder_path(names[name]));
}

static const char *sql_with(const char *head, struct str path, const char *tail)
{
    struct buf sql;
    buf_init(&sql, &arena, 1 << 16);
    buf_add(&sql, str_of(head));
    duck_add_literal(&sql, path);
    buf_add(&sql, str_of(tail));
    buf_add_byte(&sql, '\0');
    return buf_str(&sql).at;
}

static void write_files(void)
{
    for (size_t i = 0; i < NAMES; i++) {
        char head[64];
        (void)snprintf(head, sizeof head, "COPY (SELECT %zu AS n) TO ", i);
        assert_int_equal(file_make_dirs(folder_path(names[i]), &failure), OK);
        assert_int_equal(duck_run(duck, sql_with(head, path_of(i), " (FORMAT parquet)"), &failure),
                         OK);
    }
}

static void a_path_that_looks_like_a_pattern_stands_for_itself_alone(void **state)
{
    (void)state;
    write_files();
    for (size_t i = 0; i < NAMES; i++) {
        struct duck_result r;
        const struct str path = path_of(i);
        const char *const sql = sql_with("SELECT n, filename FROM read_parquet(",
                                         duck_pattern(&arena, path), ", filename = true)");
        if (duck_query(duck, sql, &r, &failure) != OK) {
            fail_msg("%s: %s", names[i], failure.text);
        }
        assert_true(duck_next(&r));
        assert_int_equal(duck_i64(&r, 0), i);
        assert_true(str_eq(duck_text(&r, 1), path));
        assert_false(duck_next(&r));
        duck_result_close(&r);
    }
}

static void what_is_behind_a_path_may_be_a_pattern(void **state)
{
    (void)state;
    write_files();
    for (size_t i = 0; i < NAMES; i++) {
        struct str at;
        const struct str folder = duck_pattern(&arena, str_of(folder_path(names[i])));
        const char *const sql = sql_with("SELECT string_agg(n::VARCHAR, ' ') FROM read_parquet(",
                                         arena_printf(&arena, "%.*s/*.parquet", STR_ARG(folder)),
                                         ")");
        assert_int_equal(duck_first_text(duck, &arena, sql, &at, &failure), OK);
        assert_string_equal(at.at, arena_printf(&arena, "%zu", i).at);
    }
}

static void a_file_that_is_not_there_is_a_failure_and_no_empty_answer(void **state)
{
    (void)state;
    write_files();
    const struct str gone = arena_printf(&arena, "%s/gone.parquet", folder_path(names[0]));
    assert_int_equal(
        duck_run(duck, sql_with("SELECT * FROM read_parquet(", duck_pattern(&arena, gone), ")"),
                 &failure),
        RETRY);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_path_that_looks_like_a_pattern_stands_for_itself_alone),
        TEST(what_is_behind_a_path_may_be_a_pattern),
        TEST(a_file_that_is_not_there_is_a_failure_and_no_empty_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
