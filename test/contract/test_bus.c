/* What bus.h promises, on every transport: memory, memory with gaps and empty slices, embedded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "contract/contract.h"
#include "folder.h"

enum { ARENA_BYTES = 512 * 1024 * 1024, READ_BYTES = 64 * 1024 };

static struct batch read_some(struct contract *x, struct reader *r, size_t bytes_max)
{
    arena_reset(&x->batch);
    struct batch b = {.arena = &x->batch};
    assert_int_equal(reader_read(r, bytes_max, 0, &b, &x->f), OK);
    return b;
}

/* One standard record for each record of the batch, to its slice's lane. */
static enum outcome step_over(struct contract *x, struct reader *r, const struct batch *b,
                              const struct tally *tally)
{
    struct output *const out = arena_array(&x->batch, struct output, b->n);
    for (size_t i = 0; i < b->n; i++) {
        const struct slice *const s = &b->slice[i];
        out[i] = (struct output){.lane = {STREAM_STANDARD, s->lane.name},
                                 .slice = i,
                                 .record = arena_array(&x->batch, struct record, s->n),
                                 .n = s->n};
        for (size_t k = 0; k < s->n; k++) {
            out[i].record[k] = s->record[k];
            out[i].record[k].origin = (struct origin){s->lane, s->record[k].at, 1, 1};
        }
    }
    return reader_step(r, b, out, b->n, tally, &x->f);
}

/* Every record of a lane, by look, in pieces; their numbers in order. */
static size_t look_all(struct contract *x, struct lane lane, int *numbers, size_t room)
{
    struct lane_ends *ends = NULL;
    struct position at = {0};
    struct position to = {0};
    size_t ends_n = 0;
    size_t n = 0;
    assert_int_equal(bus_ends(x->bus, &x->arena, lane.stream, &ends, &ends_n, &x->f), OK);
    for (size_t i = 0; i < ends_n; i++) {
        if (lane_eq(ends[i].lane, lane)) {
            at = ends[i].begin;
            to = ends[i].end;
        }
    }
    while (at.at < to.at) {
        struct batch b = {.arena = &x->arena};
        assert_int_equal(bus_look(x->bus, (struct span){lane, at, to}, 200, &b, &x->f), OK);
        assert_int_equal(b.n, 1);
        assert_true(b.slice->from.at == at.at && b.slice->to.at > at.at);
        for (size_t i = 0; i < b.slice->n; i++) {
            assert_true(n < room);
            numbers[n++] = (int)b.slice->record[i].signal.received_us;
        }
        at = b.slice->to;
    }
    return n;
}

static void assert_counts_up(struct contract *x, struct lane lane, int first, size_t n)
{
    int numbers[2000];
    assert_int_equal(look_all(x, lane, numbers, 2000), n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(numbers[i], first + (int)i);
    }
}

/* ---- the contract ---- */

static void records_come_in_the_order_of_their_lane(void **state)
{
    struct contract *const x = *state;
    struct reader *const r = contract_join_transform(x);
    int next = 0;
    struct position at = {0};
    for (int i = 0; i < 20; i++) {
        contract_append(x, "intake-0", i * 7, 7);
    }
    while (next < 140) {
        const struct batch b = read_some(x, r, 300);
        assert_int_equal(b.n, 1);
        assert_int_equal(b.slice->from.at, at.at);
        assert_true(b.slice->to.at > at.at);
        for (size_t i = 0; i < b.slice->n; i++) {
            assert_true(b.slice->record[i].at.at >= at.at);
            assert_true(b.slice->record[i].at.at < b.slice->to.at);
            assert_int_equal(b.slice->record[i].signal.received_us, next++);
        }
        at = b.slice->to;
    }
    reader_leave(r);
}

static void a_signal_arrives_as_it_was_sent(void **state)
{
    struct contract *const x = *state;
    const struct signal sent = {.id = S("i"),
                                .source = S("s"),
                                .type = S("t"),
                                .subject = S("u"),
                                .datacontenttype = S("application/json"),
                                .partitionkey = S("k"),
                                .time_us = -5,
                                .agent = S("a"),
                                .received_us = 77,
                                .headers = S("{}"),
                                .stage = S("lake"),
                                .reason = S("why"),
                                .pointer = S("/a/b"),
                                .retry_of = S("dead/x:1"),
                                .data = S("\0\xff{}")};
    struct record r = {.signal = sent};
    assert_int_equal(bus_append(x->bus, contract_raw("retry"), &r, 1, &x->f), OK);
    struct batch b = {.arena = &x->arena};
    const struct span all = {contract_raw("retry"), {0}, {INT64_MAX}};
    assert_int_equal(bus_look(x->bus, all, READ_BYTES, &b, &x->f), OK);
    assert_int_equal(b.slice->n, 1);
    const struct signal *const got = &b.slice->record->signal;
    assert_int_equal(b.slice->record->at.at, r.at.at);
    assert_true(str_eq(got->id, sent.id) && str_eq(got->data, sent.data));
    assert_true(str_eq(got->pointer, sent.pointer) && str_eq(got->retry_of, sent.retry_of));
    assert_true(got->time_us == -5 && got->received_us == 77);
}

static void a_lane_is_gained_before_its_first_record(void **state)
{
    struct contract *const x = *state;
    struct reader *const r = contract_join(x, STREAM_BIT(STREAM_RAW), "lake", CURSOR_SINK);
    assert_int_equal(bus_lane_make(x->bus, contract_raw("intake-0"), &x->f), OK);
    contract_append(x, "collect", 0, 3);
    struct batch b = read_some(x, r, READ_BYTES);
    assert_int_equal(b.gained_n, 2);
    assert_int_equal(b.n, 0); /* nobody said yet where to begin */
    assert_int_equal(read_some(x, r, READ_BYTES).n, 0);
    assert_int_equal(reader_seek(r, contract_raw("collect"), (struct position){0}, &x->f), OK);
    b = read_some(x, r, READ_BYTES);
    assert_int_equal(b.n, 1);
    assert_int_equal(b.slice->n, 3);
    assert_int_equal(reader_seek(r, contract_raw("collect"), b.slice->from, &x->f), OK);
    assert_int_equal(read_some(x, r, READ_BYTES).slice->n, 3); /* and back, after a failed put */
    reader_leave(r);
}

static void an_acknowledged_append_stands_before_the_end(void **state)
{
    struct contract *const x = *state;
    struct record r = contract_record(x, 1);
    struct lane_ends *ends = NULL;
    size_t n = 0;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(bus_append(x->bus, contract_raw("intake-0"), &r, 1, &x->f), OK);
        assert_int_equal(bus_ends(x->bus, &x->arena, STREAM_RAW, &ends, &n, &x->f), OK);
        assert_int_equal(n, 1);
        assert_true(r.at.at < ends->end.at && ends->end.at < INT64_MAX);
    }
}

static void an_append_in_two_halves_is_durable_after_the_second(void **state)
{
    struct contract *const x = *state;
    for (int i = 0; i < 3; i++) {
        struct record two[] = {contract_record(x, 2 * i), contract_record(x, 2 * i + 1)};
        assert_int_equal(bus_append_begin(x->bus, contract_raw("intake-0"), two, 2, &x->f), OK);
        memset(two, 0, sizeof two); /* nobody looks at them any more */
        assert_int_equal(bus_append_end(x->bus, contract_raw("intake-0"), &x->f), OK);
        assert_counts_up(x, contract_raw("intake-0"), 0, 2 * (size_t)(i + 1));
    }
    contract_append(x, "intake-0", 6, 2);
    assert_counts_up(x, contract_raw("intake-0"), 0, 8);
}

static void a_step_moves_outputs_and_cursor_together(void **state)
{
    struct contract *const x = *state;
    struct reader *r = contract_join_transform(x);
    struct position at;
    struct tally tally;
    contract_append(x, "intake-0", 0, 5);
    contract_append(x, "intake-1", 100, 5);
    int steps = 0;
    for (struct batch b = read_some(x, r, 200); b.n; b = read_some(x, r, 200)) {
        assert_int_equal(step_over(x, r, &b, NULL), OK);
        assert_int_equal(reader_cursor(r, &x->arena, b.slice->lane, &at, &tally, &x->f), OK);
        assert_int_equal(at.at, b.slice->to.at);
        steps++;
    }
    assert_true(steps > 2);
    assert_counts_up(x, contract_standard("intake-0"), 0, 5);
    assert_counts_up(x, contract_standard("intake-1"), 100, 5);
    reader_leave(r);
    r = contract_join_transform(x); /* begins at the cursors */
    assert_int_equal(read_some(x, r, READ_BYTES).n, 0);
    reader_leave(r);
}

static void what_was_read_and_not_stepped_over_comes_again(void **state)
{
    struct contract *const x = *state;
    struct reader *r = contract_join_transform(x);
    contract_append(x, "intake-0", 0, 4);
    assert_int_equal(read_some(x, r, READ_BYTES).slice->n, 4);
    reader_leave(r);
    r = contract_join_transform(x);
    assert_int_equal(read_some(x, r, READ_BYTES).slice->n, 4);
    reader_leave(r);
    assert_counts_up(x, contract_standard("intake-0"), 0, 0);
}

static void of_two_readers_the_slower_is_fenced(void **state)
{
    struct contract *const x = *state;
    struct reader *const a = contract_join_transform(x);
    struct reader *const b = contract_join_transform(x);
    contract_append(x, "intake-0", 0, 4);
    const struct batch seen = read_some(x, a, READ_BYTES);
    struct arena other;
    arena_init(&other, ARENA_BYTES);
    struct batch same = {.arena = &other};
    assert_int_equal(reader_read(b, READ_BYTES, 0, &same, &x->f), OK);
    assert_int_equal(step_over(x, a, &seen, NULL), OK);
    assert_int_equal(step_over(x, b, &same, NULL), RETRY);
    assert_int_equal(x->f.cause, CAUSE_FENCED);
    assert_counts_up(x, contract_standard("intake-0"), 0, 4);
    contract_append(x, "intake-0", 4, 1); /* b stands at the cursor now */
    assert_int_equal(reader_read(b, READ_BYTES, 0, &same, &x->f), OK);
    assert_int_equal(same.slice->n, 1);
    assert_int_equal(same.slice->record->signal.received_us, 4);
    arena_close(&other);
    reader_leave(a);
    reader_leave(b);
}

/* Where a transport has no other worker, nothing is ever lost, and the rest holds all the same. */
static void a_lane_that_is_taken_away_is_told_and_comes_back_at_its_cursor(void **state)
{
    struct contract *const x = *state;
    struct arena other;
    arena_init(&other, ARENA_BYTES);
    contract_append(x, "intake-0", 0, 4);
    contract_append(x, "intake-1", 100, 4);
    struct reader *const a = contract_join_transform(x);
    for (struct batch b = read_some(x, a, READ_BYTES); b.n; b = read_some(x, a, READ_BYTES)) {
        assert_int_equal(step_over(x, a, &b, NULL), OK);
    }
    contract_append(x, "intake-0", 4, 2);
    struct batch in_hand = {.arena = &other};
    assert_int_equal(reader_read(a, READ_BYTES, 0, &in_hand, &x->f), OK);
    assert_int_equal(in_hand.slice->n, 2);
    struct reader *const b = contract_join_transform(x);
    struct batch theirs = read_some(x, b, READ_BYTES);
    while (theirs.n == 0) {
        theirs = read_some(x, b, READ_BYTES);
    }
    assert_int_equal(step_over(x, b, &theirs, NULL), OK);
    reader_leave(b);
    transport_take_away(true);
    assert_int_equal(step_over(x, a, &in_hand, NULL), RETRY);
    assert_int_equal(x->f.cause, CAUSE_FENCED);
    if (x->transport->takes_away) {
        contract_append(x, "intake-0", 6, 1); /* not for a to see */
    }
    contract_append(x, "intake-1", 104, 1);
    const struct batch without = read_some(x, a, READ_BYTES);
    assert_int_equal(without.lost_n, x->transport->takes_away);
    assert_true(without.lost_n == 0 || lane_eq(without.lost[0], contract_raw("intake-0")));
    assert_true(without.n == 1 && lane_eq(without.slice->lane, contract_raw("intake-1")));
    assert_int_equal(step_over(x, a, &without, NULL), OK);
    const struct batch still = read_some(x, a, READ_BYTES);
    assert_true(still.n == 0 && still.lost_n == 0 && still.gained_n == 0); /* told once */
    transport_take_away(false);
    if (!x->transport->takes_away) {
        contract_append(x, "intake-0", 6, 1);
    }
    const struct batch back = read_some(x, a, READ_BYTES);
    assert_int_equal(back.gained_n, x->transport->takes_away);
    assert_int_equal(back.slice->n, 1);
    assert_int_equal(step_over(x, a, &back, NULL), OK);
    assert_counts_up(x, contract_standard("intake-0"), 0, 7);
    assert_counts_up(x, contract_standard("intake-1"), 100, 5);
    reader_leave(a);
    arena_close(&other);
}

static void dead_letters_come_with_the_step(void **state)
{
    struct contract *const x = *state;
    struct reader *const r = contract_join_transform(x);
    contract_append(x, "intake-0", 0, 2);
    const struct batch b = read_some(x, r, READ_BYTES);
    struct record letter = b.slice->record[1];
    struct record fact = b.slice->record[0];
    letter.origin = (struct origin){b.slice->lane, letter.at, 1, 1};
    const struct output out[] = {
        {lane_dead(&x->arena, S("transform"), b.slice->lane), 0, &letter, 1},
        {lane_output(&x->arena, S("transform"), b.slice->lane), 0, &fact, 1}};
    assert_true(str_eq(out[0].lane.name, S("transform-raw-intake-0")));
    assert_int_equal(reader_step(r, &b, out, 2, NULL, &x->f), OK);
    assert_counts_up(x, out[0].lane, 1, 1);
    assert_counts_up(x, contract_standard("intake-0"), 0, 1);
    reader_leave(r);
}

static void an_empty_step_moves_the_cursor(void **state)
{
    struct contract *const x = *state;
    struct reader *const r = contract_join(x, STREAM_BIT(STREAM_RAW), "console", CURSOR_BUS);
    struct position at;
    struct tally tally;
    contract_append(x, "intake-0", 0, 3);
    const struct batch b = read_some(x, r, READ_BYTES);
    assert_int_equal(reader_step(r, &b, NULL, 0, NULL, &x->f), OK);
    assert_int_equal(reader_cursor(r, &x->arena, contract_raw("intake-0"), &at, &tally, &x->f), OK);
    assert_int_equal(at.at, b.slice->to.at);
    assert_int_equal(read_some(x, r, READ_BYTES).n, 0);
    reader_leave(r);
}

static void reopen(struct contract *x)
{
    if (x->transport->survives) {
        bus_close(x->bus);
        contract_open(x);
    }
}

static void the_tally_survives(void **state)
{
    struct contract *const x = *state;
    struct reader *r = contract_join_transform(x);
    struct tally_name names[] = {{false, S("github/star/created"), 7}, {true, S("repetition"), 2}};
    const struct tally tally = {.stored = 11, .dead = 3, .name = names, .names_n = 2};
    struct tally got;
    struct position at;
    contract_append(x, "intake-0", 0, 3);
    const struct batch b = read_some(x, r, READ_BYTES);
    const struct position to = b.slice->to;
    assert_int_equal(step_over(x, r, &b, &tally), OK);
    reader_leave(r);
    const struct str id = arena_str(&x->arena, bus_id(x->bus));
    reopen(x);
    assert_true(str_eq(id, bus_id(x->bus)));
    r = contract_join_transform(x);
    assert_int_equal(reader_cursor(r, &x->arena, contract_raw("intake-0"), &at, &got, &x->f), OK);
    assert_int_equal(at.at, to.at);
    assert_true(got.stored == 11 && got.dead == 3 && got.names_n == 2);
    assert_true(str_eq(got.name[0].name, names[0].name) && got.name[0].n == 7);
    assert_true(got.name[1].is_ignored && got.name[1].n == 2 && !got.name[0].is_ignored);
    contract_append(x, "intake-0", 3, 2);
    assert_int_equal(read_some(x, r, READ_BYTES).slice->n, 2);
    reader_leave(r);
    assert_counts_up(x, contract_raw("intake-0"), 0, 5);
}

static void a_record_bigger_than_the_batch_comes_alone(void **state)
{
    struct contract *const x = *state;
    struct reader *const r = contract_join_transform(x);
    const size_t big = 3 * 1024 * 1024; /* bigger than a segment of these tests, too */
    char *const bytes = arena_alloc(&x->arena, big, 1);
    memset(bytes, 'x', big);
    contract_append(x, "intake-0", 0, 2);
    struct record two[] = {contract_record(x, 2), contract_record(x, 3)};
    two[0].signal.data = two[1].signal.data = (struct str){bytes, big};
    assert_int_equal(bus_append(x->bus, contract_raw("intake-0"), two, 2, &x->f), OK);
    contract_append(x, "intake-0", 4, 2);
    int next = 0;
    while (next < 6) {
        const struct batch b = read_some(x, r, 1000);
        size_t held = 0;
        for (size_t i = 0; i < b.slice->n; i++) {
            const struct signal *const s = &b.slice->record[i].signal;
            assert_int_equal(s->received_us, next);
            assert_int_equal(s->data.len > 1000, next == 2 || next == 3);
            held += s->data.len;
            next++;
        }
        assert_true(held < 1000 || b.slice->n == 1);
    }
    reader_leave(r);
}

static void too_big_a_record_is_named(void **state)
{
    struct contract *const x = *state;
    struct record two[] = {contract_record(x, 0), contract_record(x, 1)};
    two[1].signal.data.len = x->transport->driver->record_bytes_max; /* never looked into */
    assert_int_equal(bus_append(x->bus, contract_raw("intake-0"), two, 2, &x->f), REJECT);
    assert_int_equal(x->f.record, 1);
    assert_counts_up(x, contract_raw("intake-0"), 0, 0);
}

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
            const size_t left = look_all(x, ends->lane, numbers, 2000);
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
    struct reader *const r = contract_join_transform(x);
    enum outcome result = reader_read(r, READ_BYTES, 0, &b, &x->f);
    if (result == OK) { /* a lane is told before anything else of it */
        assert_true(b.gained_n == 1 && b.n == 0);
        result = reader_read(r, READ_BYTES, 0, &b, &x->f);
    }
    assert_int_equal(result, STOP);
    reader_leave(r);
}

static void a_cursor_behind_the_end_is_told(void **state)
{
    struct contract *const x = *state;
    contract_append(x, "intake-0", 0, 3);
    struct batch b = {.arena = &x->batch};
    const struct span beyond = {contract_raw("intake-0"), {INT64_MAX / 2}, {INT64_MAX / 2 + 8}};
    assert_int_equal(bus_look(x->bus, beyond, READ_BYTES, &b, &x->f), STOP);
    assert_non_null(strstr(x->f.text, "made anew"));
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
    const struct batch b = read_some(x, transform, 1000);
    assert_int_equal(step_over(x, transform, &b, NULL), OK);
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
    const size_t left = look_all(x, contract_raw("intake-0"), numbers, 2000);
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

static void a_wake_ends_the_wait(void **state)
{
    struct contract *const x = *state;
    struct reader *const r = contract_join_transform(x);
    struct batch b = {.arena = &x->batch};
    reader_wake(r);
    assert_int_equal(reader_read(r, READ_BYTES, -1, &b, &x->f), OK); /* else the test hangs */
    assert_int_equal(b.n, 0);
    reader_leave(r);
}

/* Appends and steps in random pieces, leaving and coming back: the image is the lane. */
static void any_course_of_steps_gives_each_record_once(void **state)
{
    struct contract *const x = *state;
    struct reader *r = contract_join_transform(x);
    int next = 0;
    for (int i = 0; i < 300; i++) {
        if (next < 1500 && transport_random() % 2) {
            const int n = 1 + (int)(transport_random() % 9);
            contract_append(x, "intake-0", next, n);
            next += n;
        }
        if (transport_random() % 20 == 0) {
            reader_leave(r);
            reopen(x);
            r = contract_join_transform(x);
        }
        const struct batch b = read_some(x, r, transport_random() % 600);
        if (b.n && transport_random() % 3) {
            assert_int_equal(step_over(x, r, &b, NULL), OK);
        } else if (b.n) {
            reader_leave(r);
            r = contract_join_transform(x);
        }
    }
    for (struct batch b = read_some(x, r, 4000); b.n; b = read_some(x, r, 4000)) {
        assert_int_equal(step_over(x, r, &b, NULL), OK);
    }
    reader_leave(r);
    assert_counts_up(x, contract_raw("intake-0"), 0, (size_t)next);
    assert_counts_up(x, contract_standard("intake-0"), 0, (size_t)next);
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
    const struct batch b = read_some(x, r, 400);
    const struct position stepped = b.slice->to;
    const size_t n = b.slice->n;
    assert_int_equal(step_over(x, r, &b, NULL), OK);
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
        assert_counts_up(x, contract_raw("intake-0"), 0, 40);
        assert_counts_up(x, contract_standard("intake-0"), 0, n);
        r = contract_join_transform(x);
        assert_int_equal(read_some(x, r, 400).slice->from.at, stepped.at);
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
    const struct batch b = read_some(x, r, 400);
    const struct position stepped = b.slice->to;
    const size_t n = b.slice->n;
    assert_int_equal(step_over(x, r, &b, NULL), OK);
    assert_int_equal(bus_copy(x->bus, STREAM_STANDARD, to, &x->f), OK);
    contract_append(x, "intake-0", 400, 100);
    const struct batch later = read_some(x, r, 400);
    assert_int_equal(step_over(x, r, &later, NULL), OK);
    reader_leave(r);
    assert_int_equal(bus_copy(x->bus, STREAM_RAW, to, &x->f), OK);
    contract_append(x, "intake-0", 500, 100);
    bus_close(x->bus);
    x->config.path = arena_str(&x->arena, str_of(folder_path("copy")));
    assert_int_equal(contract_recover(x, (struct finding_to){NULL, NULL}), OK);
    contract_open(x);
    assert_true(str_eq(bus_id(x->bus), id));
    assert_counts_up(x, contract_raw("intake-0"), 0, 500);
    assert_counts_up(x, contract_standard("intake-0"), 0, n);
    r = contract_join_transform(x);
    assert_int_equal(read_some(x, r, 400).slice->from.at, stepped.at);
    reader_leave(r);
}

#define CONTRACT(test) {#test, test, contract_set_up, contract_tear_down, NULL}
static const struct CMUnitTest contract[] = {
    CONTRACT(records_come_in_the_order_of_their_lane),
    CONTRACT(a_signal_arrives_as_it_was_sent),
    CONTRACT(a_lane_is_gained_before_its_first_record),
    CONTRACT(an_acknowledged_append_stands_before_the_end),
    CONTRACT(an_append_in_two_halves_is_durable_after_the_second),
    CONTRACT(a_step_moves_outputs_and_cursor_together),
    CONTRACT(what_was_read_and_not_stepped_over_comes_again),
    CONTRACT(of_two_readers_the_slower_is_fenced),
    CONTRACT(a_lane_that_is_taken_away_is_told_and_comes_back_at_its_cursor),
    CONTRACT(dead_letters_come_with_the_step),
    CONTRACT(an_empty_step_moves_the_cursor),
    CONTRACT(the_tally_survives),
    CONTRACT(a_record_bigger_than_the_batch_comes_alone),
    CONTRACT(too_big_a_record_is_named),
    CONTRACT(what_is_trimmed_is_told_and_the_rest_stays),
    CONTRACT(a_cursor_behind_the_end_is_told),
    CONTRACT(unread_data_alone_fills_the_budget),
    CONTRACT(lag_and_size_tell_what_is_held),
    CONTRACT(what_is_older_can_be_told_from_what_is_not),
    CONTRACT(the_oldest_piece_goes_alone_until_only_the_last_group_is_there),
    CONTRACT(a_wake_ends_the_wait),
    CONTRACT(recovery_of_a_sound_bus_tells_nothing_and_changes_nothing),
    CONTRACT(what_is_copied_while_it_is_written_is_the_bus_as_it_was),
    CONTRACT(any_course_of_steps_gives_each_record_once),
};
enum { CONTRACT_N = sizeof contract / sizeof *contract };

static int run(struct transport *t)
{
    static char names[CONTRACT_N][128];
    struct CMUnitTest tests[CONTRACT_N];
    for (size_t i = 0; i < CONTRACT_N; i++) {
        snprintf(names[i], sizeof names[i], "%s: %s", t->name, contract[i].name);
        tests[i] = contract[i];
        tests[i].name = names[i];
        tests[i].initial_state = t;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    struct transport memory = {"memory", &bus_memory, false, true};
    struct transport gaps = {"gaps", &bus_memory, false, true};
    struct transport embedded = {"embedded", &bus_embedded, true, false};
    transport_seed();
    return run(&memory) + run(&gaps) + run(&embedded);
}
