/* What the writer does when the disk fails it, and when the budget is spent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "bus/log.h"
#include "bus/recover.h"
#include "bus/writer.h"
#include "folder.h"

enum { SEGMENT = 256 * 1024, BUDGET = 256 * 1024, LARGE = BUDGET / 4, NUMBERS_MAX = 8 };

static int set_up(void **state)
{
    static struct log_bus l;
    assert_non_null(folder_make_fast());
    log_init(&l, SEGMENT);
    l.config.disk_bytes_max = BUDGET;
    log_open(&l);
    *state = &l;
    return 0;
}

static int tear_down(void **state)
{
    log_fail_nothing();
    log_drop(*state);
    folder_drop();
    return 0;
}

/* After a failed sync the kernel may call the pages clean that it never wrote: syncing the same
 * file again would say OK of what is not on the disk. */
static void what_could_not_be_synced_is_written_anew_in_another_segment(void **state)
{
    struct log_bus *const l = *state;
    const struct lane lane = raw_lane("intake-0");
    uint64_t numbers[NUMBERS_MAX];
    size_t n = 0;
    assert_int_equal(log_append(l, 0, 1, 100), OK);
    log_fail_next("bus.append.sync.fail");
    assert_int_equal(log_append(l, 1, 1, 100), RETRY);
    assert_null(log_segment(l, lane, 1));
    assert_int_equal(log_append(l, 1, 1, 100), OK);
    assert_non_null(log_segment(l, lane, 1));
    for (int life = 0; life < 2; life++) { /* and so it is after a restart */
        assert_int_equal(log_read(l, lane, numbers, NUMBERS_MAX, &n), OK);
        assert_int_equal(n, 2);
        assert_int_equal(numbers[0], 0);
        assert_int_equal(numbers[1], 1);
        log_recover(l);
    }
}

/* A group on its way is no group: neither seen, nor behind an end that a reader could wait for. */
static void what_goes_to_the_disk_is_visible_when_it_is_there(void **state)
{
    struct log_bus *const l = *state;
    const struct lane lane = raw_lane("intake-0");
    struct record r[] = {log_record(&l->arena, 1, 100)};
    uint64_t numbers[NUMBERS_MAX];
    size_t n = 0;
    assert_int_equal(log_append(l, 0, 1, 100), OK);
    for (int tries = 0; tries < 2; tries++) {
        assert_int_equal(bus_append_begin(l->bus, lane, r, 1, &l->f), OK);
        assert_int_equal(log_read(l, lane, numbers, NUMBERS_MAX, &n), OK);
        assert_int_equal(n, 1);
        if (tries == 0) {
            log_fail_next("bus.append.sync.fail");
        }
        assert_int_equal(bus_append_end(l->bus, lane, &l->f), tries == 0 ? RETRY : OK);
    }
    assert_int_equal(log_read(l, lane, numbers, NUMBERS_MAX, &n), OK);
    assert_int_equal(n, 2);
    assert_int_equal(numbers[1], 1);
}

static void a_spent_budget_refuses_signals_but_takes_dead_letters(void **state)
{
    struct log_bus *const l = *state;
    const struct lane dead = lane_dead(&l->arena, S("lake"), raw_lane("intake-0"));
    enum outcome result = OK;
    for (uint64_t i = 0; result == OK && i < NUMBERS_MAX; i++) {
        result = log_append(l, i, 1, LARGE);
    }
    assert_int_equal(result, RETRY);
    assert_int_equal(l->f.cause, CAUSE_FULL);
    for (uint64_t i = 0; i < NUMBERS_MAX; i++) { /* without them nothing could be freed again */
        struct record letter = log_record(&l->arena, i, LARGE);
        letter.origin = (struct origin){raw_lane("intake-0"), {100 * (i + 1)}, 1, 1};
        assert_int_equal(bus_append(l->bus, dead, &letter, 1, &l->f), OK);
    }
}

/* Seven eighths of the budget are for raw signals: to try again would be to try for ever. */
static void a_record_larger_than_the_budget_is_rejected_and_named(void **state)
{
    struct log_bus *const l = *state;
    struct record r[] = {log_record(&l->arena, 1, 100), log_record(&l->arena, 2, BUDGET - 1000)};
    assert_int_equal(bus_append(l->bus, raw_lane("intake-0"), r, 2, &l->f), REJECT);
    assert_int_equal(l->f.record, 1);
    assert_non_null(strstr(l->f.text, "bus.disk_max"));
    assert_int_equal(bus_append(l->bus, raw_lane("intake-0"), r, 1, &l->f), OK);
}

static void a_group_larger_than_the_budget_says_so_and_not_that_others_are_behind(void **state)
{
    struct log_bus *const l = *state;
    struct record r[] = {log_record(&l->arena, 1, BUDGET / 2),
                         log_record(&l->arena, 2, BUDGET / 2)};
    assert_int_equal(bus_append(l->bus, raw_lane("intake-0"), r, 2, &l->f), RETRY);
    assert_int_equal(l->f.cause, CAUSE_LARGE);
    assert_non_null(strstr(l->f.text, "2 signals have"));
    assert_non_null(strstr(l->f.text, "bus.disk_max"));
    assert_int_equal(bus_append(l->bus, raw_lane("intake-0"), r, 1, &l->f), OK);
}

/* What waits to be read in this lane is read: so the orchestrator says. */
static void pass(struct log_bus *l, enum stream stream)
{
    struct lane_ends *ends = NULL;
    size_t n = 0;
    assert_int_equal(bus_ends(l->bus, &l->arena, stream, &ends, &n, &l->f), OK);
    assert_int_equal(n, 1);
    assert_int_equal(bus_passed(l->bus, ends->lane, ends->end, &l->f), OK);
}

/* Read one record, and put out three of its size. */
static enum outcome step_over_one(struct log_bus *l, struct reader *r)
{
    enum { TIMES = 3 };
    struct batch in = {.arena = &l->arena};
    struct record three[TIMES];
    assert_int_equal(reader_read(r, 1, 0, &in, &l->f), OK);
    assert_int_equal(in.n, 1);
    assert_int_equal(in.slice->n, 1);
    for (uint32_t i = 0; i < TIMES; i++) {
        three[i] = in.slice->record[0];
        three[i].origin = (struct origin){in.slice->lane, three[i].at, i, TIMES};
    }
    const struct output out = {{STREAM_STANDARD, in.slice->lane.name}, 0, three, TIMES};
    return reader_step(r, &in, &out, 1, NULL, &l->f);
}

/* More comes of the first record than the budget has room for, and the second waits behind it: none
 * of them could ever be passed if the step waited for room. */
static void a_step_waits_for_those_who_read_its_output_and_not_for_itself(void **state)
{
    struct log_bus *const l = *state;
    struct reader *r = NULL;
    assert_int_equal(log_append(l, 0, 1, LARGE), OK);
    assert_int_equal(log_append(l, 1, 1, LARGE), OK);
    assert_int_equal(
        reader_join(l->bus, STREAM_BIT(STREAM_RAW), S("transform"), CURSOR_BUS, &r, &l->f), OK);
    assert_int_equal(step_over_one(l, r), OK);
    assert_int_equal(step_over_one(l, r), RETRY);
    assert_int_equal(l->f.cause, CAUSE_FULL);
    pass(l, STREAM_STANDARD);
    assert_int_equal(step_over_one(l, r), OK);
    assert_int_equal(log_append(l, 2, 1, LARGE), RETRY); /* nobody else goes over it */
    pass(l, STREAM_STANDARD);
    pass(l, STREAM_RAW);
    assert_int_equal(log_append(l, 2, 1, LARGE), OK);
    reader_leave(r);
}

/* The orchestrator may trim between a starting writer's look at the folder and its publication. */
static void what_was_trimmed_while_a_writer_began_stays_trimmed(void **state)
{
    static struct bus_page shared;
    static struct lane_page page;
    struct embedded e = {.page = &shared};
    const struct lane_dir dir = {.lane = raw_lane("intake-0"), .page = &page};
    const struct lane_tail seen_before = {.begin = 0, .end = 9000};
    (void)state;
    page.begin = 5000;
    page.passed = 5000;
    page.mark = 9000;
    lane_publish(&e, &dir, &seen_before);
    assert_int_equal(page.begin, 5000);
    assert_int_equal(page.passed, 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_could_not_be_synced_is_written_anew_in_another_segment,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_goes_to_the_disk_is_visible_when_it_is_there, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_record_larger_than_the_budget_is_rejected_and_named,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_group_larger_than_the_budget_says_so_and_not_that_others_are_behind, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(a_spent_budget_refuses_signals_but_takes_dead_letters,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_step_waits_for_those_who_read_its_output_and_not_for_itself, set_up, tear_down),
        cmocka_unit_test(what_was_trimmed_while_a_writer_began_stays_trimmed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
