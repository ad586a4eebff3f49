#include "command/replay/replay.h"

#include "test.h"
#include "wire/duckdb.h"

/* Which raw signals two own lanes of one name take, those of the streams of today and of earlier
 * ones, beside another weir's and what an older weir wrote. */
static void a_cut_takes_what_stands_within_it_in_its_own_streams(void **state)
{
    static const char rows[] =
        "CREATE TABLE raw_facts AS SELECT * FROM (VALUES ('intake-0', 5, 'now', 'before the cut'), "
        "('intake-0', 10, 'now', 'taken'), ('intake-0', 20, 'now', 'behind it'), "
        "('intake-0', 5, 'earlier', 'taken'), ('intake-0', 99, 'earlier', 'taken'), "
        "('intake-0', 10, 'other', 'another weir'), ('intake-0', 10, NULL, 'taken'), "
        "('intake-0', 100, NULL, 'behind all'), ('intake-1', 10, 'now', 'another lane')) "
        "AS t(lane, position, bus, what)";
    struct plan_cut cut[] = {{S("now"), S("intake-0"), 10, 20},
                             {S("earlier"), S("intake-0"), 0, 100}};
    const struct replay r = {.plan = {.cut = cut, .cuts_n = 2}};
    struct arena a;
    struct buf sql;
    struct duck *duck = NULL;
    struct str told = {0};
    struct failure f;
    (void)state;
    arena_init(&a, (size_t)1 << 28);
    buf_init(&sql, &a, 1 << 16);
    buf_add(&sql,
            S("SELECT concat(count(*), ' ', string_agg(DISTINCT what)) FROM raw_facts WHERE "));
    replay_add_cuts(&sql, &r);
    buf_add_byte(&sql, '\0');
    if (duck_open(&a, &(struct duck_options){0}, &duck, &f) != OK ||
        duck_run(duck, rows, &f) != OK ||
        duck_first_text(duck, &a, buf_str(&sql).at, &told, &f) != OK) {
        fail_msg("%s", f.text);
    }
    assert_str(told, "4 taken");
    duck_close(duck);
    arena_close(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_takes_what_stands_within_it_in_its_own_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
