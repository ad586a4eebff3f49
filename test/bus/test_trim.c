/* What the streams may forget, and what they may not: by readers, by age, by size. */
#include "bus/trim.h"

#include <stdlib.h>

#include "base/clock.h"
#include "bus/dead.h"
#include "bus/memory.h"
#include "folder.h"
#include "test.h"

enum { RECORDS = 100, MINUTE_MS = 60000, HOUR_MS = 60 * MINUTE_MS };
#define NOW_US (INT64_C(1764000000) * 1000000)

struct fixture {
    struct arena arena;
    struct bus *bus;
    struct config config;
    struct progress *page; /* of the one reader of raw */
    struct trim_reader reader;
    struct trimmed done;
    int64_t now_us;
    struct position closing;
    struct failure f;
};

static int set_up(void **state)
{
    struct fixture *const x = calloc(1, sizeof *x);
    arena_init(&x->arena, 64 << 20);
    x->config.bus = (struct config_bus){.keep_ms = HOUR_MS, .disk_bytes_max = 1 << 30};
    x->config.dead = (struct config_keep){.keep_ms = 48 * HOUR_MS, .disk_bytes_max = 1 << 30};
    if (!folder_make_fast() ||
        bus_open_driver(&x->arena, &bus_memory, NULL, &x->bus, &x->f) != OK ||
        progress_open(&x->arena, str_of(folder_path(".")), S("lake"), &x->page, &x->f) != OK) {
        return -1;
    }
    x->now_us = NOW_US;
    x->reader = (struct trim_reader){STREAM_BIT(STREAM_RAW), x->page};
    *state = x;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *const x = *state;
    progress_close(x->page);
    bus_close(x->bus);
    arena_close(&x->arena);
    folder_drop();
    free(x);
    return 0;
}

/* One group a record, a minute apart, the newest `age_ms` old. */
static void fill(struct fixture *x, struct lane lane, int64_t age_ms)
{
    for (int64_t i = 0; i < RECORDS; i++) {
        clock_set(NOW_US - (age_ms + (RECORDS - 1 - i) * MINUTE_MS) * 1000);
        struct record r = {.signal = {.id = arena_printf(&x->arena, "id-%d", (int)i),
                                      .source = S("s"),
                                      .type = S("t"),
                                      .received_us = clock_now_us(),
                                      .data = S("{}")},
                           .origin = {{STREAM_RAW, S("intake-0")}, {(uint64_t)i + 1}, 1, 1}};
        assert_int_equal(bus_append(x->bus, lane, &r, 1, &x->f), OK);
    }
    clock_set(TIME_NONE);
}

static struct lane_ends ends_of(struct fixture *x, struct lane lane)
{
    struct lane_ends *ends = NULL;
    size_t n = 0;
    assert_int_equal(bus_ends(x->bus, &x->arena, lane.stream, &ends, &n, &x->f), OK);
    for (size_t i = 0; i < n; i++) {
        if (lane_eq(ends[i].lane, lane)) {
            return ends[i];
        }
    }
    fail_msg("no lane %.*s", STR_ARG(lane.name));
    return (struct lane_ends){0};
}

static struct bus_size size_of(struct fixture *x, struct lane lane)
{
    struct bus_size size;
    assert_int_equal(bus_size(x->bus, lane, &size, &x->f), OK);
    return size;
}

static void trim(struct fixture *x)
{
    const struct trim t = {&x->config, x->bus, &x->reader, 1, x->now_us, &x->closing};
    assert_int_equal(trim_all(&t, &x->done, &x->f), OK);
}

static void read_to(struct fixture *x, struct lane lane, struct position at,
                    struct position restart)
{
    progress_cursor(x->page, lane, at, restart, 0, TIME_NONE);
}

static void what_a_restart_would_read_is_kept_though_it_is_done(void **state)
{
    struct fixture *const x = *state;
    const struct lane lane = {STREAM_RAW, S("intake-0")};
    fill(x, lane, 24 * HOUR_MS);
    const struct lane_ends ends = ends_of(x, lane);
    const struct position restart = {ends.begin.at + 40};
    read_to(x, lane, ends.end, restart);
    for (int is_over = 0; is_over < 2; is_over++) {
        x->config.bus.disk_bytes_max = is_over ? 10 : 1 << 30;
        trim(x);
        assert_int_equal(ends_of(x, lane).begin.at, restart.at);
    }
    read_to(x, lane, ends.end, ends.end);
    trim(x);
    assert_true(ends_of(x, lane).begin.at > restart.at);
}

static void what_closes_dead_letters_is_kept_as_long_as_they_are(void **state)
{
    struct fixture *const x = *state;
    const struct lane other = {STREAM_RAW, S("intake-0")};
    const struct lane lanes[] = {dead_retry_lane(), other};
    for (size_t i = 0; i < 2; i++) {
        fill(x, lanes[i], 24 * HOUR_MS);
        read_to(x, lanes[i], ends_of(x, lanes[i]).end, ends_of(x, lanes[i]).end);
    }
    trim(x);
    assert_int_equal(size_of(x, other).signals, 1); /* the last group never goes */
    assert_int_equal(size_of(x, lanes[0]).signals, RECORDS);
    x->config.bus.disk_bytes_max = 10; /* nor does a bus that is over its budget take it */
    trim(x);
    assert_int_equal(size_of(x, lanes[0]).signals, RECORDS);
    x->config.dead.keep_ms = 24 * HOUR_MS;
    trim(x);
    assert_int_equal(size_of(x, lanes[0]).signals, 1);
}

/* Drop the letter that stands there, so long ago. */
static void drop(struct fixture *x, struct lane lane, struct position at, int64_t age_ms)
{
    clock_set(NOW_US - age_ms * 1000);
    struct record r = {.signal = {.id = arena_printf(&x->arena, "drop-%d", (int)at.at),
                                  .source = S("weir"),
                                  .type = str_of(dead_drop_type),
                                  .retry_of = position_text(&x->arena, lane, at),
                                  .data = S("{}")}};
    assert_int_equal(bus_append(x->bus, dead_retry_lane(), &r, 1, &x->f), OK);
    clock_set(TIME_NONE);
}

static uint64_t open_n(struct fixture *x)
{
    uint64_t n = 0;
    assert_int_equal(dead_count(x->bus, &n, &x->f), OK);
    return n;
}

/* A lane keeps its last letter however old it is. */
static void a_letter_that_was_dropped_never_comes_back(void **state)
{
    struct fixture *const x = *state;
    const struct lane lane = lane_dead(&x->arena, S("lake"),
                                       (struct lane){STREAM_RAW, S("intake-0")});
    fill(x, lane, 90 * HOUR_MS);
    const struct lane_ends ends = ends_of(x, lane);
    for (uint64_t at = ends.begin.at; at < ends.end.at; at++) {
        drop(x, lane, (struct position){at}, 80 * HOUR_MS);
    }
    fill(x, dead_retry_lane(), 0);
    const struct lane_ends retry = ends_of(x, dead_retry_lane());
    read_to(x, dead_retry_lane(), retry.end, retry.end);
    assert_int_equal(open_n(x), 0);
    for (int i = 0; i < 4; i++) {
        trim(x);
        assert_int_equal(open_n(x), 0);
    }
    assert_int_equal(size_of(x, lane).signals, 1);
    assert_int_equal(size_of(x, dead_retry_lane()).signals, RECORDS + 1); /* what drops that one */
    fill(x, lane, 0); /* then the lane's last one is another */
    for (int i = 0; i < 2; i++) {
        trim(x);
    }
    assert_int_equal(open_n(x), RECORDS);
    assert_int_equal(size_of(x, dead_retry_lane()).signals, RECORDS);
}

static void dead_letters_that_are_too_old_go_and_are_counted(void **state)
{
    struct fixture *const x = *state;
    const struct lane lane = lane_dead(&x->arena, S("lake"),
                                       (struct lane){STREAM_RAW, S("intake-0")});
    fill(x, lane, 0);
    x->config.dead.keep_ms = 30 * MINUTE_MS;
    x->now_us = TIME_NONE; /* the clock is not believed */
    trim(x);
    assert_int_equal(x->done.dead_n, 0);
    assert_int_equal(size_of(x, lane).signals, RECORDS);
    x->now_us = NOW_US;
    trim(x);
    const uint64_t left = size_of(x, lane).signals;
    assert_in_range(left, 30, 31);
    assert_int_equal(x->done.dead_n, RECORDS - left);
    trim(x);
    assert_int_equal(x->done.dead_n, 0);
    assert_int_equal(size_of(x, lane).signals, left);
}

static void over_their_budget_the_oldest_dead_letters_go_one_by_one_and_are_counted(void **state)
{
    struct fixture *const x = *state;
    const struct lane input = {STREAM_RAW, S("intake-0")};
    const struct lane old = lane_dead(&x->arena, S("lake"), input);
    const struct lane young = lane_dead(&x->arena, S("transform"), input);
    fill(x, old, 30 * HOUR_MS);
    fill(x, young, 0);
    trim(x);
    assert_int_equal(x->done.dead_n, 0);
    assert_int_equal(size_of(x, old).signals, RECORDS);
    const uint64_t one = size_of(x, young).bytes / RECORDS; /* all are about as long */
    x->config.dead.disk_bytes_max = size_of(x, young).bytes + size_of(x, old).bytes - 5 * one;
    trim(x); /* a little over: a little goes */
    assert_in_range(x->done.dead_n, 5, 6);
    assert_int_equal(size_of(x, old).signals, RECORDS - x->done.dead_n);
    assert_int_equal(size_of(x, young).signals, RECORDS);
    x->config.dead.disk_bytes_max = size_of(x, young).bytes / 2;
    const struct lane_ends before = ends_of(x, young);
    trim(x);
    const struct bus_size left = size_of(x, young);
    assert_int_equal(size_of(x, old).signals, 1); /* the last group never goes */
    assert_in_range(left.signals, RECORDS / 2 - 3, RECORDS / 2);
    assert_int_equal(ends_of(x, young).end.at, before.end.at);
    assert_int_equal(ends_of(x, young).begin.at, before.end.at - left.signals);
    x->config.dead.disk_bytes_max = 0;
    trim(x); /* what can't go stays, and nobody tries for ever */
    assert_int_equal(size_of(x, young).signals, 1);
}

static void what_may_not_go_is_told_of_the_reader_that_holds_it(void **state)
{
    struct fixture *const x = *state;
    const struct lane lane = {STREAM_RAW, S("intake-0")};
    fill(x, lane, 0);
    const struct lane_ends ends = ends_of(x, lane);
    const struct position middle = {ends.begin.at + RECORDS / 2};
    read_to(x, lane, ends.end, ends.begin);
    trim(x);
    assert_int_equal(x->done.held_bytes[0], bus_lag(x->bus, lane, ends.begin));
    read_to(x, lane, ends.end, middle);
    trim(x);
    assert_int_equal(x->done.held_bytes[0], bus_lag(x->bus, lane, middle));
    read_to(x, lane, ends.end, ends.end);
    trim(x);
    assert_int_equal(x->done.held_bytes[0], 0);
}

/* Before the limit itself, which is the intake's. */
static void what_all_have_passed_goes_at_once_above_nine_tenths_of_the_disk(void **state)
{
    struct fixture *const x = *state;
    const struct lane lane = {STREAM_RAW, S("intake-0")};
    x->config.bus.keep_ms = 24 * HOUR_MS; /* none goes by age */
    fill(x, lane, 0);
    const struct lane_ends ends = ends_of(x, lane);
    const size_t bytes = size_of(x, lane).bytes;
    read_to(x, lane, ends.end, ends.end);
    x->config.bus.disk_bytes_max = (bytes / 9 + 1) * 10; /* nine tenths are not reached */
    trim(x);
    assert_int_equal(ends_of(x, lane).begin.at, ends.begin.at);
    x->config.bus.disk_bytes_max = bytes + bytes / 20; /* and now they are, the limit is not */
    trim(x);
    assert_true(ends_of(x, lane).begin.at > ends.begin.at);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_a_restart_would_read_is_kept_though_it_is_done),
        TEST(what_may_not_go_is_told_of_the_reader_that_holds_it),
        TEST(what_all_have_passed_goes_at_once_above_nine_tenths_of_the_disk),
        TEST(what_closes_dead_letters_is_kept_as_long_as_they_are),
        TEST(a_letter_that_was_dropped_never_comes_back),
        TEST(dead_letters_that_are_too_old_go_and_are_counted),
        TEST(over_their_budget_the_oldest_dead_letters_go_one_by_one_and_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
