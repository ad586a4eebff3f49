#include "collector/twins.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static uint64_t put(struct twins *t, uint64_t n, uint64_t row)
{
    uint64_t nth = 0;
    return twins_put(t, (struct str){(const char *)&n, sizeof n}, row, &nth);
}

static void rows_of_a_key_are_counted(void **state)
{
    struct arena a;
    struct twins t;
    uint64_t nth = 0;
    (void)state;
    arena_init(&a, (size_t)16 << 20);
    twins_init(&t, &a);
    for (uint64_t i = 1; i <= 3; i++) {
        (void)twins_put(&t, S("a"), i, &nth);
        assert_int_equal(nth, i);
    }
    (void)twins_put(&t, S("b"), 4, &nth);
    assert_int_equal(nth, 1);
    arena_close(&a);
}

static void the_first_row_of_a_key_is_told_to_each_that_follows(void **state)
{
    struct arena a;
    struct twins t;
    (void)state;
    arena_init(&a, (size_t)16 << 20);
    twins_init(&t, &a);
    for (uint64_t i = 0; i < 3000; i++) {
        assert_int_equal(put(&t, i, i + 1), 0);
    }
    for (uint64_t i = 0; i < 3000; i++) {
        assert_int_equal(put(&t, i, 9000), i + 1);
    }
    arena_close(&a);
}

static void memory_is_bounded_and_the_first_ones_stay_known(void **state)
{
    struct arena a;
    struct twins t;
    (void)state;
    arena_init(&a, (size_t)128 << 20);
    twins_init(&t, &a);
    for (uint64_t i = 0; i < TWINS_MAX + 1000; i++) {
        assert_int_equal(put(&t, i, i + 1), 0);
    }
    assert_int_equal(t.n, TWINS_MAX);
    assert_int_equal(put(&t, 7, 9), 8);
    assert_int_equal(put(&t, TWINS_MAX + 7, 9), 0);
    uint64_t nth = 1;
    (void)twins_put(&t, S("more"), 9, &nth);
    assert_int_equal(nth, 0);
    arena_close(&a);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(the_first_row_of_a_key_is_told_to_each_that_follows),
        cmocka_unit_test(rows_of_a_key_are_counted),
        cmocka_unit_test(memory_is_bounded_and_the_first_ones_stay_known),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
