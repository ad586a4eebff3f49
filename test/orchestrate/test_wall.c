/* The wall clock is believed while it goes as the monotonic one does. */
#include "orchestrate/wall.h"

#include "test.h"

#define SECOND_US INT64_C(1000000)
#define START_US (INT64_C(1764000000) * SECOND_US)

static int64_t mono_us, step_us;

/* A second later, with a wall clock that is wrong by this much. */
static int64_t look(struct wall *w, int64_t wrong_us)
{
    mono_us += SECOND_US;
    return wall_believed_us(w, START_US + mono_us + wrong_us, mono_us, &step_us);
}

static void a_clock_that_goes_evenly_is_believed(void **state)
{
    struct wall w = {0};
    (void)state;
    for (int64_t i = 0; i < 1000; i++) {
        const int64_t slewed_us = i * 500; /* as a time server may slow it */
        assert_true(look(&w, -slewed_us) == START_US + mono_us - slewed_us);
        assert_true(step_us == 0);
    }
    mono_us += 3600 * SECOND_US; /* a weir at rest looks once an hour */
    assert_true(look(&w, 0) == START_US + mono_us);
}

static void after_a_step_it_is_doubted_until_it_has_held(void **state)
{
    static const int64_t steps[] = {100 * DAY_US, -100 * DAY_US, 60 * SECOND_US};
    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct wall w = {0};
        (void)look(&w, 0);
        assert_true(look(&w, steps[i]) == TIME_NONE);
        assert_true(step_us == steps[i]);
        assert_true(look(&w, steps[i]) == TIME_NONE);
        assert_true(step_us == 0); /* told once */
        assert_true(look(&w, 0) == TIME_NONE);
        assert_true(step_us == -steps[i]);
        const int64_t back_us = mono_us;
        while (mono_us - back_us < WALL_HOLD_MS * 1000LL - SECOND_US) {
            assert_true(look(&w, 0) == TIME_NONE);
        }
        assert_true(look(&w, 0) == START_US + mono_us);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clock_that_goes_evenly_is_believed),
        cmocka_unit_test(after_a_step_it_is_doubted_until_it_has_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
