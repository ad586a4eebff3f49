/* What verify can tell of raw signals that are gone, of which there are facts. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "bus/upkeep.h"
#include "folder.h"
#include "persist/lake/audit.h"
#include "persist/lakes.h"
#include "test.h"

enum { SIGNALS = 5 };

static struct lakes lakes;
static struct failure failure;
static struct str told, remarked; /* of table raw, the last sentence */
static const struct lane raw = {STREAM_RAW, STR("intake-0")};
static const struct lane standard = {STREAM_STANDARD, STR("intake-0")};

static int begin(void **state)
{
    (void)state;
    lakes_begin(&lakes, folder_make());
    return lakes_open(&lakes, &failure) == OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    lakes_close(&lakes);
    lakes_end(&lakes);
    folder_drop();
    return 0;
}

static void found(void *to, struct str what)
{
    (void)to;
    if (str_starts(what, S("lake: table raw lacks")) ||
        str_starts(what, S("lake: whether table raw"))) {
        told = arena_str(&lakes.arena, what);
    }
}

static void noted(void *to, struct str what)
{
    (void)to;
    if (str_starts(what, S("lake: table raw lacks"))) {
        remarked = arena_str(&lakes.arena, what);
    }
}

static void looked(void *to, const char *table, size_t files, size_t of)
{
    (void)to, (void)table, (void)files, (void)of;
}

/* What is said of table raw; empty: nothing. */
static const char *audit(void)
{
    struct audit_to report = {.found = found, .noted = noted, .looked = looked};
    told = remarked = S("");
    if (audit_lake(&lakes.config, lakes.bus, &report, &failure) != OK) {
        fail_msg("%s", failure.text);
    }
    return arena_cstr(&lakes.arena, told);
}

static void keep(struct lane lane, struct record *r, size_t n)
{
    assert_int_equal(lakes_cursor(&lakes, lane), 0);
    assert_int_equal(lakes_take(&lakes, lane, r, n, 0, &failure), OK);
    if (persist_lake.flush(&lakes.persister, true, &failure) != OK) {
        fail_msg("%s", failure.text);
    }
}

/* Raw signals at intake-0:0 and on, and facts of the event model that came from `from`. */
static void keep_all(const char *const *from, const char *received, size_t n)
{
    struct record *const signals = arena_array(&lakes.arena, struct record, SIGNALS);
    struct record *const facts = arena_array(&lakes.arena, struct record, n);
    for (size_t i = 0; i < SIGNALS; i++) {
        signals[i].signal = (struct signal){.id = arena_printf(&lakes.arena, "d%zu", i),
                                            .source = S("/s"),
                                            .type = S("github.push"),
                                            .data = S("{}"),
                                            .time_us = 1,
                                            .received_us = clock_now_us()};
    }
    for (size_t i = 0; i < n; i++) {
        facts[i].signal = (struct signal){
            .id = arena_printf(&lakes.arena, "f%zu", i),
            .source = S("/s"),
            .type = S("weir.fact.event"),
            .time_us = 1,
            .data = arena_printf(
                &lakes.arena,
                "{\"id\":\"%zu\",\"raw\":\"%s\",\"received_at\":\"%s\",\"fact_id\":"
                "\"f%zu\",\"fact_at\":\"1970-01-01T00:00:00Z\"}",
                i, from[i], received, i)};
    }
    keep(raw, signals, SIGNALS);
    keep(standard, facts, n);
}

/* The files of table raw are removed, as by another program. */
static void lose_raw(void)
{
    struct delta log;
    struct delta_commit c = {.operation = "DELETE"};
    const struct files files = files_at(lakes.config.lake.path);
    assert_int_equal(delta_open(&lakes.arena, &files, S("raw"), &log, &failure), OK);
    assert_true(log.files_n > 0);
    buf_init(&c.actions, &lakes.arena, 1 << 20);
    for (size_t i = 0; i < log.files_n; i++) {
        delta_add_remove(&c.actions, log.file[i].path, 1, true);
    }
    assert_int_equal(delta_commit(&log, &c, &failure), OK);
}

static const char *const from_all[] = {"intake-0:0", "intake-0:1", "intake-0:2",
                                       "intake-0:3", "intake-0:4", "intake-0:4"};
enum { ALL = sizeof from_all / sizeof *from_all };

static void raw_signals_that_are_gone_are_missed(void **state)
{
    (void)state;
    keep_all(from_all, "2999-01-01T00:00:00Z", ALL);
    assert_string_equal(audit(), "");
    lose_raw();
    assert_non_null(strstr(audit(), "table raw lacks 5 signals that facts of table event came "
                                    "from, intake-0:0 first"));
}

static void bury(size_t signal)
{
    const struct lane dead = lane_dead(&lakes.arena, S("lake"), raw);
    struct record letter = {.signal = {.id = arena_printf(&lakes.arena, "d%zu", signal),
                                       .source = S("/s"),
                                       .type = S("github.push"),
                                       .stage = S("lake"),
                                       .reason = S("too large"),
                                       .data = S("{}"),
                                       .time_us = 1},
                            .origin = {raw, {signal}, 0, 1}};
    assert_int_equal(bus_append(lakes.bus, dead, &letter, 1, &failure), OK);
}

static void one_that_the_lake_gave_up_is_not_missed(void **state)
{
    (void)state;
    keep_all(from_all, "2999-01-01T00:00:00Z", ALL);
    lose_raw();
    bury(0);
    assert_non_null(strstr(audit(), "lacks 4 signals that facts of table event came from, "
                                    "intake-0:1 first"));
}

static void where_letters_are_forgotten_what_is_missing_is_a_remark(void **state)
{
    (void)state;
    keep_all(from_all, "2999-01-01T00:00:00Z", ALL);
    lose_raw();
    bury(0);
    bury(1); /* the last one is kept for good */
    const struct lane dead = lane_dead(&lakes.arena, S("lake"), raw);
    struct lane_ends *ends = NULL;
    size_t n = 0;
    assert_int_equal(bus_ends(lakes.bus, &lakes.arena, STREAM_DEAD, &ends, &n, &failure), OK);
    assert_int_equal(n, 1);
    assert_int_equal(bus_trim(lakes.bus, dead, ends[0].end, &failure), OK);
    assert_string_equal(audit(), "");
    assert_non_null(strstr(arena_cstr(&lakes.arena, remarked), "lacks 4 signals"));
}

/* Not taken yet, of a lane that is none of raw's, of retries, of nothing. */
static void what_table_raw_need_not_have_is_not_missed(void **state)
{
    static const char *const from[] = {"intake-0:6", "intake-7:1", "retry:1", "", "intake-0:x"};
    (void)state;
    keep_all(from, "2999-01-01T00:00:00Z", sizeof from / sizeof *from);
    assert_string_equal(audit(), "");
}

static void what_came_before_the_table_is_not_missed(void **state)
{
    (void)state;
    keep_all(from_all, "1999-01-01T00:00:00Z", ALL);
    lose_raw();
    assert_string_equal(audit(), "");
}

static void nothing_is_missed_in_a_lake_that_forgets(void **state)
{
    (void)state;
    keep_all(from_all, "2999-01-01T00:00:00Z", ALL);
    lose_raw();
    lakes.config.lake.keep_ms = 1000;
    assert_string_equal(audit(), "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(raw_signals_that_are_gone_are_missed),
        TEST(one_that_the_lake_gave_up_is_not_missed),
        TEST(where_letters_are_forgotten_what_is_missing_is_a_remark),
        TEST(what_table_raw_need_not_have_is_not_missed),
        TEST(what_came_before_the_table_is_not_missed),
        TEST(nothing_is_missed_in_a_lake_that_forgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
