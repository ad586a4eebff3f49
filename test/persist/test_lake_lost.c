/* Tables that are not there, while the streams have forgotten what they held. */
#include <string.h>

#include "bus/driver.h"
#include "folder.h"
#include "persist/lake/audit.h"
#include "persist/lakes.h"
#include "test.h"

static struct lakes lakes;
static struct failure failure;

static int begin(void **state)
{
    (void)state;
    lakes_begin(&lakes, folder_make());
    return 0;
}

static int end(void **state)
{
    (void)state;
    lakes_close(&lakes);
    lakes_end(&lakes);
    folder_drop();
    return 0;
}

static void send(size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct record r = {.signal = {.id = arena_printf(&lakes.arena, "delivery-%zu", i),
                                      .source = S("/agents/github"),
                                      .type = S("github.push"),
                                      .agent = S("github"),
                                      .data = S("{}"),
                                      .time_us = 1,
                                      .received_us = 1}};
        const struct lane raw = {STREAM_RAW, S("intake-0")};
        assert_int_equal(bus_append(lakes.bus, raw, &r, 1, &failure), OK);
    }
}

/* The one position that the stream raw begins at. */
static const char *forget(void)
{
    struct lane_ends *ends;
    size_t n = 0;
    const struct lane raw = {STREAM_RAW, S("intake-0")};
    assert_int_equal(bus_memory.trim(lakes.bus, raw, (struct position){UINT64_MAX}, &failure), OK);
    assert_int_equal(bus_ends(lakes.bus, &lakes.arena, STREAM_RAW, &ends, &n, &failure), OK);
    assert_int_equal(n, 1);
    assert_true(ends[0].begin.at > 0);
    return arena_printf(&lakes.arena, "raw/intake-0 before %llu is missing in table raw",
                        (unsigned long long)ends[0].begin.at)
        .at;
}

static void found(void *to, struct str what)
{
    *(size_t *)to += str_starts(what, S("lake: table raw is not there"));
}

static size_t faults_of_raw(void)
{
    size_t n = 0;
    struct audit_to report = {.found = found, .to = &n};
    assert_int_equal(audit_lake(&lakes.config, lakes.bus, &report, &failure), OK);
    return n;
}

static void a_new_lake_has_lost_nothing(void **state)
{
    (void)state;
    send(3);
    assert_int_equal(lakes_open(&lakes, &failure), OK);
    assert_int_equal(lakes.persister.lost.len, 0);
}

static void a_table_that_is_gone_is_told_with_the_position_that_the_stream_begins_at(void **state)
{
    (void)state;
    send(8);
    assert_int_equal(lakes_open(&lakes, &failure), OK);
    lakes_close(&lakes);
    const char *const lost = forget();
    assert_int_equal(lakes_open(&lakes, &failure), OK); /* it is all there */
    assert_int_equal(lakes.persister.lost.len, 0);
    lakes_close(&lakes);
    assert_int_equal(faults_of_raw(), 0);
    lakes_move(&lakes, S("raw"), S(".raw-away"));
    assert_int_equal(faults_of_raw(), 1);
    assert_int_equal(lakes_open(&lakes, &failure), OK);
    assert_non_null(strstr(arena_cstr(&lakes.arena, lakes.persister.lost), lost));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_new_lake_has_lost_nothing),
        TEST(a_table_that_is_gone_is_told_with_the_position_that_the_stream_begins_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
