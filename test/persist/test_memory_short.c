/* No memory at the nth block that a persister asks for, for every n: the next process leaves each
 * fact once, whatever the one before had kept. */
#include <stdio.h>

#include "base/asked.h"
#include "persist/lakes.h"
#include "persist/rig.h"
#include "refused.h"
#include "test.h"

enum { ROUNDS_MAX = 200, FACTS = 12, READ_BYTES = 2000, FAILED = 3 };

static struct rig rig;
static struct failure failure;

static int up(void **state)
{
    (void)state;
    rig_open(&rig);
    rig.config.lake = (struct config_lake){.path = arena_printf(&rig.arena, "%s/lake", rig.folder),
                                           .flush_ms = 300000,
                                           .keep_ms = INT64_MAX,
                                           .compact_ms = 3600000,
                                           .vacuum_ms = 3600000,
                                           .flush_bytes = 16 << 20,
                                           .memory_bytes_max = 256 << 20};
    return 0;
}

static int down(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

static int ended(enum outcome result)
{
    if (result != OK) {
        (void)printf("%s: %s\n", outcome_name(result), failure.text);
        (void)fflush(stdout);
    }
    return result == OK ? 0 : FAILED;
}

static int keep_in_store(void *to)
{
    (void)to;
    return ended(rig_run(&rig, READ_BYTES, &failure));
}

static void a_store_without_memory_counts_each_fact_once(void **state)
{
    (void)state;
    struct dice d = {5};
    unsigned n = 0;
    int status = NO_MEMORY, out_of = 0;
    while (status != 0) {
        assert_in_range(++n, 1, ROUNDS_MAX);
        rig_send_random(&rig, &d, n % 3 ? "intake-0" : "collect", FACTS);
        status = without_block(n, keep_in_store, NULL);
        assert_true(status == 0 || status == NO_MEMORY);
        out_of += status == NO_MEMORY;
        assert_int_equal(without_block(0, keep_in_store, NULL), 0);
        rig_check(&rig);
    }
    assert_true(out_of >= 3);
}

static int due_ms(struct persister *p)
{
    const int due = persist_lake.due_ms(p);
    if (due != 0) {
        ask_to_stop(); /* which flushes what was read, and does not try for ever */
    }
    return due;
}

static unsigned refused; /* counted from where the first batch is taken; 0: none */

static enum outcome take(struct persister *p, const struct batch *b, struct rejects *rejects,
                         struct failure *f)
{
    if (refused > 0) {
        refuse_block(refused);
        refused = 0;
    }
    return persist_lake.take(p, b, rejects, f);
}

static int keep_in_lake(void *block)
{
    struct persister_driver driver = persist_lake;
    refused = *(const unsigned *)block;
    driver.take = take;
    driver.due_ms = due_ms;
    asked_reset();
    return ended(persist_run(&driver, &rig.config, rig.bus, rig.progress, &failure));
}

static int64_t rows_of_changes(void)
{
    struct lakes lakes;
    lakes_begin(&lakes, rig.folder);
    lakes.config = rig.config;
    const int64_t n = lakes_count(&lakes, "change", "SELECT count(*)");
    lakes_end(&lakes);
    return n;
}

static void send_changes(struct dice *d)
{
    struct signal s[FACTS];
    for (size_t i = 0; i < FACTS; i++) {
        s[i] = fact_random(d, &rig.arena, model_find(S("change")), 1000000);
    }
    rig_send(&rig, "a", s, FACTS);
}

/* In the stage or in its flush child, which then has to be made anew. An engine a round is slow, so
 * that of many blocks not every one is refused. */
static void a_lake_without_memory_has_each_fact_once(void **state)
{
    (void)state;
    struct dice d = {5};
    const unsigned none = 0;
    unsigned block = 1, rounds = 0;
    int status = NO_MEMORY, out_of = 0;
    while (status != 0) {
        assert_in_range(block, 1, ROUNDS_MAX);
        send_changes(&d);
        status = without_block(0, keep_in_lake, &block);
        if (status != 0 && status != NO_MEMORY) {
            fail_msg("without block %u the lake ended with %d", block, status);
        }
        out_of += status == NO_MEMORY;
        assert_int_equal(without_block(0, keep_in_lake, (void *)(uintptr_t)&none), 0);
        assert_int_equal(rows_of_changes(), ++rounds * FACTS);
        block += 1 + block / 4;
    }
    assert_true(out_of >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_store_without_memory_counts_each_fact_once, up, down),
        cmocka_unit_test_setup_teardown(a_lake_without_memory_has_each_fact_once, up, down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
