#include "collector/twins.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static uint64_t put(struct twins *t, uint64_t n, uint64_t row)
{
    return twins_put(t, (struct str){(const char *)&n, sizeof n}, row);
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
    arena_close(&a);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(the_first_row_of_a_key_is_told_to_each_that_follows),
        cmocka_unit_test(memory_is_bounded_and_the_first_ones_stay_known),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
