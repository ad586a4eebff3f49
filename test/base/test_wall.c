/* The wall clock is believed while it goes as the monotonic one does. */
#include "base/wall.h"

#include "test.h"

#define START_US (INT64_C(1764000000) * SECOND_US)

static int64_t mono_us;

/* A second later, with a wall clock that is wrong by this much. */
static struct wall_time look(struct wall *w, int64_t wrong_us)
{
    mono_us += SECOND_US;
    return wall_look(w, START_US + mono_us + wrong_us, mono_us);
}

static void a_clock_that_goes_evenly_is_believed(void **state)
{
    struct wall w = {0};
    (void)state;
    for (int64_t i = 0; i < 1000; i++) {
        const int64_t slewed_us = i * 500; /* as a time server may slow it */
        const struct wall_time t = look(&w, -slewed_us);
        assert_true(t.now_us == START_US + mono_us - slewed_us);
        assert_true(t.step_us == 0 && t.mono_us == mono_us);
    }
    mono_us += 3600 * SECOND_US; /* a weir at rest looks once an hour */
    assert_true(look(&w, 0).now_us == START_US + mono_us);
}

static void after_a_step_it_is_doubted_until_it_has_held(void **state)
{
    static const int64_t steps[] = {100 * DAY_US, -100 * DAY_US, 60 * SECOND_US};
    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct wall w = {0};
        (void)look(&w, 0);
        struct wall_time t = look(&w, steps[i]);
        assert_true(t.now_us == TIME_NONE && t.step_us == steps[i]);
        t = look(&w, steps[i]);
        assert_true(t.now_us == TIME_NONE && t.step_us == 0); /* told once */
        t = look(&w, 0);
        assert_true(t.now_us == TIME_NONE && t.step_us == -steps[i]);
        const int64_t back_us = mono_us;
        while (mono_us - back_us < WALL_HOLD_MS * 1000LL - SECOND_US) {
            t = look(&w, 0);
            assert_true(t.now_us == TIME_NONE);
            assert_true(t.believed_us == back_us + WALL_HOLD_MS * 1000LL);
        }
        t = look(&w, 0);
        assert_true(t.now_us == START_US + mono_us);
        assert_true(t.jump_us == 0); /* it stands where it stood */
    }
}

static void a_step_that_holds_is_told_with_its_size_when_it_is_believed(void **state)
{
    struct wall w = {0};
    (void)state;
    (void)look(&w, 0);
    assert_true(look(&w, DAY_US).jump_us == 0);
    (void)look(&w, 3 * DAY_US);
    mono_us += WALL_HOLD_MS * 1000LL;
    assert_true(look(&w, 3 * DAY_US).jump_us == 3 * DAY_US);
    assert_true(look(&w, 3 * DAY_US).jump_us == 0);
}

/* The monotonic clock began anew, so nobody knows how far the other one has stepped. */
static void after_a_boot_the_clock_has_to_hold_first(void **state)
{
    struct wall w = {0};
    (void)state;
    mono_us = 1000 * SECOND_US;
    (void)look(&w, 0);
    mono_us = 10 * SECOND_US;
    const struct wall_time t = look(&w, 100 * DAY_US);
    assert_true(t.now_us == TIME_NONE && t.step_us == 0);
    mono_us += WALL_HOLD_MS * 1000LL;
    assert_true(look(&w, 100 * DAY_US).now_us != TIME_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clock_that_goes_evenly_is_believed),
        cmocka_unit_test(after_a_step_it_is_doubted_until_it_has_held),
        cmocka_unit_test(a_step_that_holds_is_told_with_its_size_when_it_is_believed),
        cmocka_unit_test(after_a_boot_the_clock_has_to_hold_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
