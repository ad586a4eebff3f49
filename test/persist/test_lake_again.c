/* What a killed writer leaves between two tables' commits: each table skips what its own txn
 * covers, however much of it is read at once. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "folder.h"
#include "persist/lakes.h"
#include "signal/facts.h"
#include "test.h"

enum { FACTS = 60 };

static struct lakes lakes;
static struct failure failure;
static const struct lane lane = {STREAM_STANDARD, STR("intake-0")};

static int begin(void **state)
{
    (void)state;
    lakes_begin(&lakes, folder_make());
    return 0;
}

static int end(void **state)
{
    (void)state;
    lakes_end(&lakes);
    folder_drop();
    return 0;
}

static bool take(uint64_t from, size_t n)
{
    struct record *const r = arena_array(&lakes.arena, struct record, n);
    for (size_t i = 0; i < n; i++) {
        struct dice dice = {from + i + 1};
        r[i].signal = fact_random(&dice, &lakes.arena,
                                  model_find((from + i) % 3 ? S("change") : S("deployment")),
                                  1000000);
    }
    return lakes_take(&lakes, lane, r, n, from, &failure) == OK;
}

static bool flush(void)
{
    return persist_lake.flush(&lakes.persister, true, &failure) == OK;
}

static void die_behind_the_commit_of(const char *model)
{
    char point[64];
    int nth = 0; /* of the tables that the stream standard feeds, in their order */
    for (size_t i = 0; i < model_all_n; i++) {
        nth += lake_feeds(lane.stream, model_all[i]);
        if (strcmp(model_all[i]->name, model) == 0) {
            break;
        }
    }
    (void)snprintf(point, sizeof point, "lake.committed:%d:kill", nth);
    (void)setenv("WEIR_FAILPOINT", point, 1);
    failpoint_reset();
    const bool is_taken = lakes_open(&lakes, &failure) == OK && lakes_cursor(&lakes, lane) == 0 &&
                          take(0, FACTS);
    _exit(is_taken && !flush() ? 0 : 1);
}

static void each_fact_stands_in_its_table_once(const size_t *n, size_t takes)
{
    int status = -1;
    bool is_read[4 * FACTS] = {false};
    int64_t changes = 0, deployments = 0;
    const pid_t child = fork();
    if (child == 0) {
        die_behind_the_commit_of("change");
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(lakes_count(&lakes, "change", "SELECT count(*)"), FACTS - FACTS / 3);
    assert_int_equal(lakes_count(&lakes, "deployment", "SELECT count(*)"), 0);
    assert_int_equal(lakes_open(&lakes, &failure), OK);
    uint64_t at = lakes_cursor(&lakes, lane);
    assert_int_equal(at, 0);
    for (size_t i = 0; i < takes; i++) {
        assert_true(take(at, n[i]));
        assert_true(flush());
        for (size_t k = 0; k < n[i]; k++) {
            is_read[at + k] = true;
        }
        at += n[i] + 1; /* as lakes_take ends a slice */
    }
    assert_int_equal(lakes_cursor(&lakes, lane), at);
    lakes_close(&lakes);
    for (size_t i = 0; i < sizeof is_read; i++) {
        deployments += is_read[i] && i % 3 == 0;
        changes += (is_read[i] || i < FACTS) && i % 3 != 0;
    }
    assert_int_equal(lakes_count(&lakes, "deployment", "SELECT count(*)"), deployments);
    assert_int_equal(lakes_count(&lakes, "change", "SELECT count(*)"), changes);
    assert_int_equal(lakes_count(&lakes, "change", "SELECT count(DISTINCT fact_id)"), changes);
}

static void read_again_in_one_piece_and_more(void **state)
{
    (void)state;
#ifndef WEIR_FAILPOINTS
    skip_because("this build has no failpoints");
#else
    each_fact_stands_in_its_table_once((const size_t[]){FACTS + 30}, 1);
#endif
}

static void read_again_in_pieces_that_are_flushed_each(void **state)
{
    (void)state;
#ifndef WEIR_FAILPOINTS
    skip_because("this build has no failpoints");
#else
    each_fact_stands_in_its_table_once((const size_t[]){20, 20, 50}, 3);
#endif
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(read_again_in_one_piece_and_more),
        TEST(read_again_in_pieces_that_are_flushed_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
