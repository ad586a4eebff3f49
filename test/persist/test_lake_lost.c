/* Tables that are not there, while the streams have forgotten what they held. */
#include <string.h>

#include "base/file.h"
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

struct said {
    size_t found, noted, behind;
};

static void found(void *to, struct str what)
{
    ((struct said *)to)->found += str_starts(what, S("lake: table raw is gone"));
    ((struct said *)to)->behind += str_starts(
        what, S("lake: table raw stands at 0 in raw/intake-0, which has forgotten"));
}

static void noted(void *to, struct str what)
{
    ((struct said *)to)->noted += str_starts(what, S("lake: table raw was begun, or"));
}

static void looked(void *to, const char *table, size_t files, size_t of)
{
    (void)to, (void)table, (void)files, (void)of;
}

/* What verify says of table raw. */
static struct said audit(void)
{
    struct said said = {0};
    struct audit_to report = {.found = found, .noted = noted, .looked = looked, .to = &said};
    assert_int_equal(audit_lake(&lakes.config, lakes.bus, &report, &failure), OK);
    return said;
}

/* What docs/operations.md says: the line is removed. */
static void acknowledge(void)
{
    const char *const path =
        arena_printf(&lakes.arena, "%.*s/lake.tables", STR_ARG(lakes.config.data)).at;
    struct str text;
    struct buf kept;
    assert_int_equal(file_read(&lakes.arena, path, 1 << 16, &text, &failure), OK);
    buf_init(&kept, &lakes.arena, 1 << 16);
    while (text.len > 0) {
        const struct str line = str_cut(text, '\n', &text);
        if (!str_starts(line, S("raw "))) {
            buf_printf(&kept, "%.*s\n", STR_ARG(line));
        }
    }
    assert_int_equal(file_replace(path, buf_str(&kept), 0600, &failure), OK);
}

static void a_new_lake_has_lost_nothing(void **state)
{
    (void)state;
    send(3);
    assert_int_equal(lakes_open(&lakes, &failure), OK);
    assert_int_equal(lakes.persister.lost.len, 0);
}

static void a_table_that_is_gone_is_not_made_anew_without_what_it_held(void **state)
{
    (void)state;
    send(8);
    assert_int_equal(lakes_open(&lakes, &failure), OK);
    lakes_close(&lakes);
    (void)forget();
    assert_int_equal(lakes_open(&lakes, &failure), OK); /* it is all there */
    assert_int_equal(lakes.persister.lost.len, 0);
    lakes_close(&lakes);
    assert_int_equal(audit().found, 0);
    lakes_move(&lakes, S("raw"), S(".raw-away"));
    assert_int_equal(audit().found, 1);
    for (int starts = 0; starts < 2; starts++) {
        assert_int_equal(lakes_open(&lakes, &failure), STOP);
        assert_non_null(strstr(failure.text, "1 tables of the lake, raw first, are gone"));
        lakes_close(&lakes);
        assert_int_equal(audit().found, 1);
    }
    lakes_move(&lakes, S(".raw-away"), S("raw"));
    assert_int_equal(lakes_open(&lakes, &failure), OK);
    assert_int_equal(audit().found + audit().noted, 0);
}

static void a_table_that_is_begun_anew_tells_where_its_lanes_began(void **state)
{
    (void)state;
    send(8);
    assert_int_equal(lakes_open(&lakes, &failure), OK);
    lakes_close(&lakes);
    const char *const lost = forget();
    lakes_move(&lakes, S("raw"), S(".raw-away"));
    acknowledge();
    assert_int_equal(lakes_open(&lakes, &failure), OK);
    assert_non_null(strstr(arena_cstr(&lakes.arena, lakes.persister.lost), lost));
    assert_int_equal(audit().found, 0);
    assert_int_equal(audit().noted, 1);
    lakes_close(&lakes);
    lakes_move(&lakes, S("raw"), S(".raw-again")); /* it is known again */
    assert_int_equal(lakes_open(&lakes, &failure), STOP);
}

/* Nothing is missing: the streams still have it all. */
static void a_table_that_is_gone_is_made_anew_from_streams_that_are_whole(void **state)
{
    (void)state;
    send(8);
    assert_int_equal(lakes_open(&lakes, &failure), OK);
    lakes_close(&lakes);
    lakes_move(&lakes, S("raw"), S(".raw-away"));
    assert_int_equal(audit().found, 1);
    assert_int_equal(lakes_open(&lakes, &failure), OK);
    assert_int_equal(lakes.persister.lost.len, 0);
    assert_int_equal(audit().found + audit().noted, 0);
}

/* Made before there was the lane, as an older copy of it is. */
static void a_lane_that_a_table_does_not_know_is_asked_for_from_its_beginning(void **state)
{
    (void)state;
    const struct lane raw = {STREAM_RAW, S("intake-0")};
    assert_int_equal(lakes_open(&lakes, &failure), OK);
    lakes_close(&lakes);
    send(8);
    (void)forget();
    for (int starts = 0; starts < 2; starts++) {
        assert_int_equal(lakes_open(&lakes, &failure), OK);
        assert_int_equal(lakes_cursor(&lakes, raw), 0); /* where nobody can read: weir says so */
        assert_int_equal(audit().behind, 1);
        assert_int_equal(audit().found, 0); /* the table itself is there */
        lakes_close(&lakes);
    }
}

static void a_table_is_taken_up_again_without_what_is_forgotten_when_somebody_says_so(void **state)
{
    (void)state;
    struct lane_ends *ends;
    size_t n = 0;
    const struct lane raw = {STREAM_RAW, S("intake-0")};
    assert_int_equal(lakes_open(&lakes, &failure), OK);
    lakes_close(&lakes);
    send(8);
    const char *const lost = forget();
    assert_int_equal(bus_ends(lakes.bus, &lakes.arena, STREAM_RAW, &ends, &n, &failure), OK);
    acknowledge();
    for (int starts = 0; starts < 2; starts++) {
        assert_int_equal(lakes_open(&lakes, &failure), OK);
        assert_int_equal(lakes_cursor(&lakes, raw), ends[0].begin.at);
        const char *const told = arena_cstr(&lakes.arena, lakes.persister.lost);
        assert_int_equal(strstr(told, lost) != NULL, starts == 0);
        assert_int_equal(audit().found + audit().behind, 0);
        assert_int_equal(audit().noted, 1);
        lakes_close(&lakes);
    }
}

static void a_table_that_goes_while_weir_runs_is_not_written_to(void **state)
{
    (void)state;
    send(8);
    assert_int_equal(lakes_open(&lakes, &failure), OK);
    lakes_move(&lakes, S("raw"), S(".raw-away"));
    assert_int_equal(persist_lake.flush(&lakes.persister, false, &failure), STOP);
    assert_non_null(strstr(failure.text, "gone under a running weir"));
    lakes_move(&lakes, S(".raw-away"), S("raw")); /* nothing stands in its way */
    assert_int_equal(persist_lake.flush(&lakes.persister, false, &failure), OK);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_new_lake_has_lost_nothing),
        TEST(a_table_that_is_gone_is_not_made_anew_without_what_it_held),
        TEST(a_table_that_is_begun_anew_tells_where_its_lanes_began),
        TEST(a_table_that_is_gone_is_made_anew_from_streams_that_are_whole),
        TEST(a_lane_that_a_table_does_not_know_is_asked_for_from_its_beginning),
        TEST(a_table_is_taken_up_again_without_what_is_forgotten_when_somebody_says_so),
        TEST(a_table_that_goes_while_weir_runs_is_not_written_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
