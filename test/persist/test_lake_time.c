/* What is due comes by the time that passes, though the wall clock is set back; and what is
 * forgotten: nothing by a clock that is wrong for a moment. */
#include "folder.h"
#include "persist/lakes.h"
#include "signal/facts.h"
#include "test.h"

enum { FACTS = 20, ROUNDS = 5 };
#define BEGIN_US (INT64_C(1764000000) * 1000000)

static struct lakes lakes;
static struct failure failure;
static const struct lane lane = {STREAM_STANDARD, STR("intake-0")};

static int begin(void **state)
{
    (void)state;
    lakes_begin(&lakes, folder_make());
    clock_set(BEGIN_US);
    assert_int_equal(lakes_open(&lakes, &failure), OK);
    return 0;
}

static int end(void **state)
{
    (void)state;
    clock_set(TIME_NONE);
    lakes_close(&lakes);
    lakes_end(&lakes);
    folder_drop();
    return 0;
}

static void take(void)
{
    struct record r[FACTS];
    const uint64_t at = lakes_cursor(&lakes, lane);
    for (size_t i = 0; i < FACTS; i++) {
        struct dice dice = {at + i + 1};
        r[i].signal = fact_random(&dice, &lakes.arena, model_find(S("change")), 1000000);
    }
    assert_int_equal(lakes_take(&lakes, lane, r, FACTS, at, &failure), OK);
}

/* What the stage's loop does when nobody asks for it. */
static void flush_if_due(void)
{
    if (persist_lake.due_ms(&lakes.persister) == 0) {
        assert_int_equal(persist_lake.flush(&lakes.persister, false, &failure), OK);
    }
}

static void rows_are_flushed_by_age_though_the_clock_was_set_back(void **state)
{
    (void)state;
    take();
    clock_set(BEGIN_US - 24 * HOUR_US);
    assert_int_equal(persist_lake.due_ms(&lakes.persister), lakes.config.lake.flush_ms);
    clock_set(BEGIN_US - 24 * HOUR_US + lakes.config.lake.flush_ms * 1000);
    flush_if_due();
    assert_int_equal(lakes_count(&lakes, "change", "SELECT count(*)"), FACTS);
}

static size_t live_files(void)
{
    struct delta log;
    const struct files files = files_at(lakes.config.lake.path);
    size_t n = 0;
    assert_int_equal(delta_open(&lakes.arena, &files, S("change"), &log, &failure), OK);
    for (size_t i = 0; i < log.files_n; i++) {
        n += !log.file[i].removed_ms;
    }
    return n;
}

static void files_are_merged_though_the_clock_was_set_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROUNDS; i++) {
        take();
        assert_int_equal(persist_lake.flush(&lakes.persister, true, &failure), OK);
    }
    const size_t before = live_files();
    clock_set(BEGIN_US - 24 * HOUR_US);
    for (size_t i = 0; i < 3; i++) {
        clock_set(clock_now_us() + HOUR_US);
        flush_if_due();
    }
    assert_true(live_files() < before);
    assert_int_equal(lakes_count(&lakes, "change", "SELECT count(*)"), ROUNDS * FACTS);
}

static void a_fact_that_comes_late_is_kept_as_long_as_others(void **state)
{
    (void)state;
    const int64_t keep_us = 100 * DAY_US;
    lakes.config.lake.keep_ms = keep_us / 1000;
    clock_set(BEGIN_US + 10000 * DAY_US); /* of every fact the day is over by more than that */
    take();
    assert_int_equal(persist_lake.flush(&lakes.persister, true, &failure), OK);
    clock_set(clock_now_us() + keep_us - DAY_US);
    flush_if_due(); /* merges */
    flush_if_due();
    assert_int_equal(lakes_count(&lakes, "change", "SELECT count(*)"), FACTS);
    clock_set(clock_now_us() + keep_us);
    flush_if_due();
    assert_int_equal(lakes_count(&lakes, "change", "SELECT count(*)"), 0);
    assert_true(persist_lake.due_ms(&lakes.persister) != 0);
}

/* Files of the lake's tables on the disk, logs included. */
static size_t files_there(void)
{
    struct files_list list = {.n = 0};
    const struct files files = files_at(lakes.config.lake.path);
    assert_int_equal(files.driver->list(&files, &lakes.arena, S("change"), &list, &failure), OK);
    return list.n;
}

static void a_clock_that_is_wrong_for_a_moment_erases_nothing(void **state)
{
    const int64_t wrong_us = 1000 * DAY_US;
    (void)state;
    lakes.config.lake.keep_ms = 100 * DAY_US / 1000;
    clock_set(BEGIN_US + 10000 * DAY_US);
    for (size_t i = 0; i < ROUNDS; i++) {
        take();
        assert_int_equal(persist_lake.flush(&lakes.persister, true, &failure), OK);
    }
    clock_set(clock_now_us() + 2 * HOUR_US);
    flush_if_due(); /* merges: what it read waits for the vacuum */
    const size_t there = files_there();
    for (size_t i = 0; i < 2; i++) {
        clock_step(wrong_us);
        if (i == 1) { /* and started anew meanwhile */
            lakes_close(&lakes);
            assert_int_equal(lakes_open(&lakes, &failure), OK);
        }
        assert_int_equal(persist_lake.flush(&lakes.persister, true, &failure), OK);
        flush_if_due();
        assert_int_equal(files_there(), there);
        clock_step(-wrong_us);
        clock_set(clock_now_us() + 60 * SECOND_US);
        assert_int_equal(persist_lake.flush(&lakes.persister, true, &failure), OK);
        assert_int_equal(files_there(), there);
        assert_int_equal(lakes_count(&lakes, "change", "SELECT count(*)"), ROUNDS * FACTS);
        assert_in_range(persist_lake.due_ms(&lakes.persister), 1, WALL_HOLD_MS);
    }
    clock_set(clock_now_us() + 2 * HOUR_US); /* it goes on by itself */
    flush_if_due();
    assert_true(files_there() < there);
    assert_int_equal(lakes_count(&lakes, "change", "SELECT count(*)"), ROUNDS * FACTS);
    clock_set(clock_now_us() + 101 * DAY_US);
    flush_if_due();
    assert_int_equal(lakes_count(&lakes, "change", "SELECT count(*)"), 0);
}

/* Set and held for so long that it is believed. */
static void set_the_clock_by(int64_t by_us)
{
    clock_step(by_us);
    flush_if_due();
    assert_int_equal(persist_lake.flush(&lakes.persister, true, &failure), OK);
    clock_set(clock_now_us() + WALL_HOLD_MS * 1000LL + SECOND_US);
    assert_int_equal(persist_lake.flush(&lakes.persister, true, &failure), OK);
}

static void take_and_flush(void)
{
    take();
    assert_int_equal(persist_lake.flush(&lakes.persister, true, &failure), OK);
}

/* What housekeeping has to do by now, all of it. */
static void tidy_up(void)
{
    for (size_t i = 0; i < ROUNDS; i++) {
        flush_if_due();
    }
}

static void what_came_while_the_clock_was_in_the_past_is_kept_as_long_as_what_came_before(
    void **state)
{
    const int64_t wrong_us = 1000 * DAY_US;
    (void)state;
    lakes.config.lake.keep_ms = 100 * DAY_US / 1000;
    clock_set(BEGIN_US + 10000 * DAY_US);
    take_and_flush();
    set_the_clock_by(-wrong_us);
    take_and_flush();
    lakes_close(&lakes); /* what tells it is in the lake */
    assert_int_equal(lakes_open(&lakes, &failure), OK);
    set_the_clock_by(wrong_us);
    clock_set(clock_now_us() + 99 * DAY_US);
    tidy_up();
    assert_int_equal(lakes_count(&lakes, "change", "SELECT count(*)"), 2 * FACTS);
    clock_set(clock_now_us() + 101 * DAY_US); /* from the merge, at the latest */
    tidy_up();
    assert_int_equal(lakes_count(&lakes, "change", "SELECT count(*)"), 0);
}

static void a_clock_that_was_in_the_future_does_not_keep_what_came_after(void **state)
{
    const int64_t wrong_us = 1000 * DAY_US;
    (void)state;
    lakes.config.lake.keep_ms = 100 * DAY_US / 1000;
    clock_set(BEGIN_US + 10000 * DAY_US);
    set_the_clock_by(wrong_us);
    take_and_flush();
    set_the_clock_by(-wrong_us);
    take_and_flush();
    clock_set(clock_now_us() + 101 * DAY_US);
    persist_lake.flush(&lakes.persister, true, &failure);
    assert_int_equal(lakes_count(&lakes, "change", "SELECT count(*)"), FACTS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(rows_are_flushed_by_age_though_the_clock_was_set_back),
        TEST(files_are_merged_though_the_clock_was_set_back),
        TEST(a_fact_that_comes_late_is_kept_as_long_as_others),
        TEST(a_clock_that_is_wrong_for_a_moment_erases_nothing),
        TEST(what_came_while_the_clock_was_in_the_past_is_kept_as_long_as_what_came_before),
        TEST(a_clock_that_was_in_the_future_does_not_keep_what_came_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
