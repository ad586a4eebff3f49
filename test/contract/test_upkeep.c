/* What upkeep.h promises, on every transport, as test_bus.c does with bus.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/file.h"
#include "contract/contract.h"
#include "folder.h"

enum { READ_BYTES = 64 * 1024 };

static void what_is_trimmed_is_told_and_the_rest_stays(void **state)
{
    struct contract *const x = *state;
    struct lane_ends *ends = NULL;
    size_t n = 0;
    int numbers[2000];
    for (int i = 0; i < 300; i++) {
        contract_append(x, "intake-0", i * 5, 5);
        if (i % 50 == 49) { /* looking while trimming */
            assert_int_equal(bus_ends(x->bus, &x->arena, STREAM_RAW, &ends, &n, &x->f), OK);
            assert_int_equal(bus_trim(x->bus, ends->lane, ends->end, &x->f), OK);
            const size_t left = contract_look_all(x, ends->lane, numbers, 2000);
            assert_true(left >= 5); /* never the last group */
            for (size_t k = 0; k < left; k++) {
                assert_int_equal(numbers[k], (i + 1) * 5 - (int)(left - k));
            }
        }
    }
    assert_int_equal(bus_ends(x->bus, &x->arena, STREAM_RAW, &ends, &n, &x->f), OK);
    assert_true(ends->begin.at > 0);
    struct batch b = {.arena = &x->batch};
    const struct span lost = {contract_raw("intake-0"), {0}, ends->end};
    assert_int_equal(bus_look(x->bus, lost, READ_BYTES, &b, &x->f), STOP);
    assert_non_null(strstr(x->f.text, "no longer kept"));
    assert_null(strstr(x->f.text, "lake")); /* what to do about it, each reader says for itself */
    struct reader *const r = contract_join_transform(x);
    enum outcome result = reader_read(r, READ_BYTES, 0, &b, &x->f);
    if (result == OK) { /* a lane is told before anything else of it */
        assert_true(b.gained_n == 1 && b.n == 0);
        result = reader_read(r, READ_BYTES, 0, &b, &x->f);
    }
    assert_int_equal(result, STOP);
    reader_leave(r);
}

static void unread_data_alone_fills_the_budget(void **state)
{
    struct contract *const x = *state;
    struct record r = contract_record(x, 0);
    struct lane_ends *ends = NULL;
    size_t n = 0;
    const int most = 20000;
    int taken = 0;
    x->plan.bytes_max = x->config.disk_bytes_max = 100 * 1024;
    enum outcome result = OK;
    while (result == OK && taken++ < most) {
        result = bus_append(x->bus, contract_raw("intake-0"), &r, 1, &x->f);
    }
    assert_int_equal(result, RETRY);
    assert_int_equal(x->f.cause, CAUSE_FULL);
    assert_int_equal(bus_append(x->bus, contract_raw("collect"), &r, 1, &x->f), RETRY);
    struct record letter = contract_record(x, 1); /* the way out must stay open */
    const struct lane dead = lane_dead(&x->arena, S("lake"), contract_raw("intake-0"));
    assert_int_equal(bus_append(x->bus, dead, &letter, 1, &x->f), OK);
    struct reader *const transform = contract_join_transform(x);
    const struct batch b = contract_read(x, transform, 1000);
    assert_int_equal(contract_step(x, transform, &b, NULL), OK);
    reader_leave(transform);
    assert_int_equal(bus_ends(x->bus, &x->arena, STREAM_RAW, &ends, &n, &x->f), OK);
    assert_int_equal(bus_passed(x->bus, contract_raw("intake-0"), ends->end, &x->f), OK);
    assert_int_equal(bus_append(x->bus, contract_raw("intake-0"), &r, 1, &x->f), OK);
}

static void lag_and_size_tell_what_is_held(void **state)
{
    struct contract *const x = *state;
    struct bus_size size;
    struct lane_ends *ends = NULL;
    size_t n = 0;
    contract_append(x, "intake-0", 0, 3);
    contract_append(x, "intake-0", 3, 4);
    assert_int_equal(bus_size(x->bus, contract_raw("intake-0"), &size, &x->f), OK);
    assert_int_equal(size.signals, 7);
    assert_true(size.bytes > 0 && size.unread_bytes == size.bytes);
    assert_int_equal(bus_ends(x->bus, &x->arena, STREAM_RAW, &ends, &n, &x->f), OK);
    assert_int_equal(bus_lag(x->bus, contract_raw("intake-0"), ends->end), 0);
    assert_int_equal(bus_lag(x->bus, contract_raw("intake-0"), (struct position){0}), size.bytes);
    assert_int_equal(bus_passed(x->bus, contract_raw("intake-0"), ends->end, &x->f), OK);
    assert_int_equal(bus_size(x->bus, contract_raw("intake-0"), &size, &x->f), OK);
    assert_int_equal(size.unread_bytes, 0);
}

static void what_is_older_can_be_told_from_what_is_not(void **state)
{
    struct contract *const x = *state;
    struct position keep;
    int numbers[2000];
    for (int i = 0; i < 400; i++) {
        clock_set(1000 + i);
        contract_append(x, "intake-0", i * 5, 5);
    }
    clock_set(TIME_NONE);
    assert_int_equal(bus_older(x->bus, contract_raw("intake-0"), 1000, &keep, &x->f), OK);
    assert_int_equal(keep.at, 0);
    assert_int_equal(bus_older(x->bus, contract_raw("intake-0"), 1350, &keep, &x->f), OK);
    assert_true(keep.at > 0);
    assert_int_equal(bus_trim(x->bus, contract_raw("intake-0"), keep, &x->f), OK);
    const size_t left = contract_look_all(x, contract_raw("intake-0"), numbers, 2000);
    assert_true(left >= 50 * 5 && left < 2000); /* all that is younger, and not everything */
}

static void the_oldest_piece_goes_alone_until_only_the_last_group_is_there(void **state)
{
    struct contract *const x = *state;
    const struct lane lane = contract_raw("intake-0");
    struct position next;
    struct bus_size size = {0};
    int64_t time_us = 0;
    size_t pieces = 0;
    assert_int_equal(bus_oldest(x->bus, lane, &next, &time_us, &x->f), OK);
    assert_int_equal(next.at, 0);
    for (int i = 0; i < 400; i++) {
        clock_set(1000 + i);
        contract_append(x, "intake-0", i * 5, 5);
    }
    clock_set(TIME_NONE);
    int64_t before_us = 1000;
    while (bus_oldest(x->bus, lane, &next, &time_us, &x->f) == OK && next.at > 0) {
        const uint64_t trimmed = size.trimmed;
        assert_in_range(time_us, before_us, 1399);
        assert_int_equal(bus_trim(x->bus, lane, next, &x->f), OK);
        assert_int_equal(bus_size(x->bus, lane, &size, &x->f), OK);
        assert_true(size.trimmed >= trimmed); /* a marker is no signal */
        assert_int_equal(size.trimmed + size.signals, 2000);
        before_us = time_us;
        pieces++;
    }
    assert_true(pieces > 1);
    assert_true(size.signals >= 5 && size.signals < 1000);
}

static void count(void *to, const struct finding *finding)
{
    (void)finding;
    ++*(int *)to;
}

/* Before it is opened; what lives in a process alone is not closed for it. */
static void recovery_of_a_sound_bus_tells_nothing_and_changes_nothing(void **state)
{
    struct contract *const x = *state;
    struct reader *r = contract_join_transform(x);
    const struct str id = arena_str(&x->arena, bus_id(x->bus));
    int findings = 0;
    contract_append(x, "intake-0", 0, 40);
    const struct batch b = contract_read(x, r, 400);
    const struct position stepped = b.slice->to;
    const size_t n = b.slice->n;
    assert_int_equal(contract_step(x, r, &b, NULL), OK);
    reader_leave(r);
    for (int i = 0; i < 2; i++) {
        if (x->transport->survives) {
            bus_close(x->bus);
        }
        assert_int_equal(contract_recover(x, (struct finding_to){count, &findings}), OK);
        if (x->transport->survives) {
            contract_open(x);
        }
        assert_int_equal(findings, 0);
        assert_true(str_eq(bus_id(x->bus), id));
        contract_counts_up(x, contract_raw("intake-0"), 0, 40);
        contract_counts_up(x, contract_standard("intake-0"), 0, n);
        r = contract_join_transform(x);
        assert_int_equal(contract_read(x, r, 400).slice->from.at, stepped.at);
        reader_leave(r);
    }
}

static enum outcome copy_file(void *to, const char *path, struct str name, uint64_t bytes,
                              struct failure *f)
{
    struct contract *const x = to;
    struct str content;
    const char *const copy =
        arena_printf(&x->arena, "%s/%.*s", folder_path("copy"), STR_ARG(name)).at;
    const struct str folder = arena_str(&x->arena,
                                        (struct str){copy, (size_t)(strrchr(copy, '/') - copy)});
    assert_int_equal(file_read(&x->arena, path, READ_BYTES, &content, f), OK);
    assert_int_equal(file_make_dirs(folder.at, f), OK);
    return file_replace(copy, str_sub(content, 0, bytes < content.len ? bytes : content.len), 0600,
                        f);
}

/* The cursor first, what it stands in last: as it must be, for the bus goes on meanwhile. */
static void what_is_copied_while_it_is_written_is_the_bus_as_it_was(void **state)
{
    struct contract *const x = *state;
    const struct copy_to to = {copy_file, x};
    struct reader *r = contract_join_transform(x);
    const struct str id = arena_str(&x->arena, bus_id(x->bus));
    if (!x->transport->driver->copy) {
        assert_int_equal(bus_copy(x->bus, STREAM_RAW, to, &x->f), STOP);
        reader_leave(r);
        return;
    }
    contract_append(x, "intake-0", 0, 400);
    const struct batch b = contract_read(x, r, 400);
    const struct position stepped = b.slice->to;
    const size_t n = b.slice->n;
    assert_int_equal(contract_step(x, r, &b, NULL), OK);
    assert_int_equal(bus_copy(x->bus, STREAM_STANDARD, to, &x->f), OK);
    contract_append(x, "intake-0", 400, 100);
    const struct batch later = contract_read(x, r, 400);
    assert_int_equal(contract_step(x, r, &later, NULL), OK);
    reader_leave(r);
    assert_int_equal(bus_copy(x->bus, STREAM_RAW, to, &x->f), OK);
    contract_append(x, "intake-0", 500, 100);
    bus_close(x->bus);
    x->config.path = arena_str(&x->arena, str_of(folder_path("copy")));
    assert_int_equal(contract_recover(x, (struct finding_to){NULL, NULL}), OK);
    contract_open(x);
    assert_true(str_eq(bus_id(x->bus), id));
    contract_counts_up(x, contract_raw("intake-0"), 0, 500);
    contract_counts_up(x, contract_standard("intake-0"), 0, n);
    r = contract_join_transform(x);
    assert_int_equal(contract_read(x, r, 400).slice->from.at, stepped.at);
    reader_leave(r);
}

int main(void)
{
    static const struct CMUnitTest contract[] = {
        CONTRACT(what_is_trimmed_is_told_and_the_rest_stays),
        CONTRACT(unread_data_alone_fills_the_budget),
        CONTRACT(lag_and_size_tell_what_is_held),
        CONTRACT(what_is_older_can_be_told_from_what_is_not),
        CONTRACT(the_oldest_piece_goes_alone_until_only_the_last_group_is_there),
        CONTRACT(recovery_of_a_sound_bus_tells_nothing_and_changes_nothing),
        CONTRACT(what_is_copied_while_it_is_written_is_the_bus_as_it_was),
    };
    return contract_run(contract, sizeof contract / sizeof *contract);
}
