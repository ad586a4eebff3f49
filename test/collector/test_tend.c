/* Windows go by a clock that is believed: one that is wrong for a moment collects none, and stops
 * none for ever. */
#include "collector/tend.h"

#include <unistd.h>

#include "bus/driver.h"
#include "collector/source.h"
#include "folder.h"
#include "test.h"

#define BEGIN_US (INT64_C(1764000000) * SECOND_US) /* a full hour */
#define WRONG_US (3650 * DAY_US)

static enum outcome read_nothing(const struct source_ask *ask, const struct source_to *to,
                                 struct failure *f)
{
    (void)ask;
    (void)to;
    (void)f;
    return OK;
}

static const struct source_driver source = {.name = "fake", .read = read_nothing};
static const struct section_type type = {.name = "fake", .driver = &source};
static struct collector collector = {
    .name = STR("users"),
    .id = STR("users"),
    .metric_name = STR("users.total"),
    .strategy = STRATEGY_WINDOW,
    .window_us = HOUR_US,
    .windows_max = 1000,
    .schedule = {.interval_us = HOUR_US, .time_ms = 600000},
    .source = &type,
};
static struct config config = {.collectors = {.at = &collector, .n = 1}};
static struct tending tending;
static struct progress *page;
static struct arena arena;
static struct bus *bus;
static struct failure f;

static int begin(void **state)
{
    (void)state;
    clock_set(BEGIN_US);
    arena_init(&arena, 64 << 20);
    config.data = str_of(folder_make());
    assert_int_equal(bus_open_driver(&arena, &bus_memory, NULL, &bus, &f), OK);
    assert_int_equal(progress_open(&arena, config.data, S("collect"), &page, &f), OK);
    const struct collecting how = {&config, bus, page, BEGIN_US};
    assert_int_equal(tend_open(&tending, &how, &f), OK);
    return 0;
}

static int end(void **state)
{
    (void)state;
    tend_close(&tending);
    progress_close(page);
    bus_close(bus);
    arena_close(&arena);
    folder_drop();
    clock_set(TIME_NONE);
    return 0;
}

/* All that is due now is collected. Returns where the last window ends, hours from the begin. */
static int64_t hours_collected(void)
{
    enum { LOOKS_MAX = 120000, LOOK_US = 1000 }; /* by no clock: they stand */
    int looks = 0;
    do {
        tend_turn(&tending);
        if (tending.works_n > 0) {
            (void)usleep(LOOK_US);
        }
    } while (tending.works_n > 0 && ++looks < LOOKS_MAX);
    assert_true(looks < LOOKS_MAX);
    const struct state_entry *const e = &tending.at[0].entry;
    assert_true(e->failed_n == 0 && e->passed_n == 0);
    assert_int_equal((e->window_end_us - BEGIN_US) % HOUR_US, 0);
    return (e->window_end_us - BEGIN_US) / HOUR_US;
}

static void pass(int64_t us)
{
    clock_set(clock_now_us() + us);
}

static void a_clock_that_is_wrong_for_a_moment_collects_no_window(void **state)
{
    static const int64_t wrong_us[] = {WRONG_US, -WRONG_US};
    int64_t hour = 0;
    (void)state;
    assert_int_equal(hours_collected(), 0);
    for (size_t i = 0; i < sizeof wrong_us / sizeof *wrong_us; i++) {
        clock_step(wrong_us[i]);
        pass(HOUR_US); /* one is due, or ten years of them are */
        assert_int_equal(hours_collected(), hour);
        clock_step(-wrong_us[i]);
        pass(SECOND_US);
        assert_int_equal(hours_collected(), hour);
        pass(WALL_HOLD_MS * 1000LL); /* long before it is due again by its interval */
        assert_int_equal(hours_collected(), ++hour);
        pass(HOUR_US);
        assert_int_equal(hours_collected(), ++hour);
    }
    assert_int_equal(tending.at[0].entry.n, hour + 1);
}

static void it_is_looked_again_when_the_clock_is_believed(void **state)
{
    int64_t wall_us = 0;
    (void)state;
    assert_int_equal(hours_collected(), 0);
    clock_step(MINUTE_US);
    pass(HOUR_US);
    assert_int_equal(hours_collected(), 0);
    assert_in_range(tend_wait_ms(&tending, &wall_us), WALL_HOLD_MS - 1000, WALL_HOLD_MS + 1);
}

static void a_clock_that_stays_in_the_future_is_followed(void **state)
{
    (void)state;
    assert_int_equal(hours_collected(), 0);
    clock_step(10 * HOUR_US);
    pass(HOUR_US);
    assert_int_equal(hours_collected(), 0);
    pass(WALL_HOLD_MS * 1000LL);
    assert_int_equal(hours_collected(), 11);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_clock_that_is_wrong_for_a_moment_collects_no_window),
        TEST(it_is_looked_again_when_the_clock_is_believed),
        TEST(a_clock_that_stays_in_the_future_is_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
