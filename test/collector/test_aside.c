#include "collector/aside.h"

#include "base/clock.h"
#include "collector/source.h"
#include "test.h"

static struct arena arena;

/* Each is read at another moment. */
static struct aside of(struct str customer, struct str seen, struct str value, int64_t start_us)
{
    static const struct collector growing = {.column = STR("at")};
    static int n;
    char at[] = "1970-01-01T00:00:00Z";
    at[18] = (char)('0' + n++ % 10);
    const struct cell cell[] = {{S("customer"), CELL_TEXT, customer},
                                {S("seen"), CELL_TEXT, seen},
                                {S("at"), CELL_TEXT, str_of(at)},
                                {S("value"), CELL_TEXT, value}};
    const struct str all = arena_printf(&arena, "%.*s %.*s %.*s", STR_ARG(customer), STR_ARG(seen),
                                        STR_ARG(value));
    return aside_of(&growing, cell, 4, all, start_us);
}

static void what_lasts_is_neither_number_nor_time_nor_value(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    const struct aside one = of(S("a"), S("17"), S("many"), TIME_NONE);
    const struct aside again = of(S("a"), S("17"), S("many"), TIME_NONE);
    assert_true(one.all == again.all && one.lasting == again.lasting);
    const struct aside changed[] = {of(S("a"), S("18"), S("many"), TIME_NONE),
                                    of(S("a"), S("1e9"), S("many"), TIME_NONE),
                                    of(S("a"), S("2024-01-02 03:04"), S("many"), TIME_NONE),
                                    of(S("a"), S("17"), S("more"), TIME_NONE)};
    for (size_t i = 0; i < sizeof changed / sizeof *changed; i++) {
        assert_true(changed[i].all != one.all && changed[i].lasting == one.lasting);
    }
    const struct aside others[] = {
        of(S("b"), S("17"), S("many"), TIME_NONE), of(S("a"), S("x17"), S("many"), TIME_NONE),
        of(S("a"), S("17"), S("many"), 0), aside_others(TIME_NONE), aside_others(0)};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_true(others[i].all != one.all && others[i].lasting != one.lasting);
    }
    assert_true(others[3].all != others[4].all);
    arena_close(&arena);
}

static void of_those_alike_as_many_have_changed_as_are_gone(void **state)
{
    struct asides told = {.n = 0}, now = {.n = 0};
    (void)state;
    arena_init(&arena, 1 << 20);
    asides_add(&arena, &told, (struct aside){1, 9});
    asides_add(&arena, &told, (struct aside){2, 9});
    asides_add(&arena, &told, (struct aside){3, 8});
    asides_add(&arena, &now, (struct aside){2, 9});
    asides_add(&arena, &now, (struct aside){4, 9});
    assert_true(asides_have(&told, now.at[0]) && !asides_have(&told, now.at[1]));
    struct asides gone = asides_gone(&arena, &told, &now);
    assert_int_equal(gone.n, 2);
    assert_true(asides_take(&gone, now.at[1]));
    assert_false(asides_take(&gone, (struct aside){5, 9}));
    assert_false(asides_take(&gone, (struct aside){5, 7}));
    assert_true(asides_take(&gone, (struct aside){5, 8}));
    assert_true(asides_eq(&told, &told) && !asides_eq(&told, &now));
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lasts_is_neither_number_nor_time_nor_value),
        cmocka_unit_test(of_those_alike_as_many_have_changed_as_are_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
