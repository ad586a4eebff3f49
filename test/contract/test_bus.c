/* What bus.h promises, on every transport: memory, memory with gaps and empty slices, embedded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "contract/contract.h"

enum { ARENA_BYTES = 512 * 1024 * 1024, READ_BYTES = 64 * 1024 };

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
        const struct batch b = contract_read(x, r, 300);
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
                                .first = S("x:1"),
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
    assert_true(str_eq(got->first, sent.first));
    assert_true(got->time_us == -5 && got->received_us == 77);
}

static void a_lane_is_gained_before_its_first_record(void **state)
{
    struct contract *const x = *state;
    struct reader *const r = contract_join(x, STREAM_BIT(STREAM_RAW), "lake", CURSOR_SINK);
    assert_int_equal(bus_lane_make(x->bus, contract_raw("intake-0"), &x->f), OK);
    contract_append(x, "collect", 0, 3);
    struct batch b = contract_read(x, r, READ_BYTES);
    assert_int_equal(b.gained_n, 2);
    assert_int_equal(b.n, 0); /* nobody said yet where to begin */
    assert_int_equal(contract_read(x, r, READ_BYTES).n, 0);
    assert_int_equal(reader_seek(r, contract_raw("collect"), (struct position){0}, &x->f), OK);
    b = contract_read(x, r, READ_BYTES);
    assert_int_equal(b.n, 1);
    assert_int_equal(b.slice->n, 3);
    assert_int_equal(reader_seek(r, contract_raw("collect"), b.slice->from, &x->f), OK);
    assert_int_equal(contract_read(x, r, READ_BYTES).slice->n,
                     3); /* and back, after a failed put */
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
        contract_counts_up(x, contract_raw("intake-0"), 0, 2 * (size_t)(i + 1));
    }
    contract_append(x, "intake-0", 6, 2);
    contract_counts_up(x, contract_raw("intake-0"), 0, 8);
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
    for (struct batch b = contract_read(x, r, 200); b.n; b = contract_read(x, r, 200)) {
        assert_int_equal(contract_step(x, r, &b, NULL), OK);
        assert_int_equal(reader_cursor(r, &x->arena, b.slice->lane, &at, &tally, &x->f), OK);
        assert_int_equal(at.at, b.slice->to.at);
        steps++;
    }
    assert_true(steps > 2);
    contract_counts_up(x, contract_standard("intake-0"), 0, 5);
    contract_counts_up(x, contract_standard("intake-1"), 100, 5);
    reader_leave(r);
    r = contract_join_transform(x); /* begins at the cursors */
    assert_int_equal(contract_read(x, r, READ_BYTES).n, 0);
    reader_leave(r);
}

static void what_was_read_and_not_stepped_over_comes_again(void **state)
{
    struct contract *const x = *state;
    struct reader *r = contract_join_transform(x);
    contract_append(x, "intake-0", 0, 4);
    assert_int_equal(contract_read(x, r, READ_BYTES).slice->n, 4);
    reader_leave(r);
    r = contract_join_transform(x);
    assert_int_equal(contract_read(x, r, READ_BYTES).slice->n, 4);
    reader_leave(r);
    contract_counts_up(x, contract_standard("intake-0"), 0, 0);
}

static void of_two_readers_the_slower_is_fenced(void **state)
{
    struct contract *const x = *state;
    struct reader *const a = contract_join_transform(x);
    struct reader *const b = contract_join_transform(x);
    contract_append(x, "intake-0", 0, 4);
    const struct batch seen = contract_read(x, a, READ_BYTES);
    struct arena other;
    arena_init(&other, ARENA_BYTES);
    struct batch same = {.arena = &other};
    assert_int_equal(reader_read(b, READ_BYTES, 0, &same, &x->f), OK);
    assert_int_equal(contract_step(x, a, &seen, NULL), OK);
    assert_int_equal(contract_step(x, b, &same, NULL), RETRY);
    assert_int_equal(x->f.cause, CAUSE_FENCED);
    contract_counts_up(x, contract_standard("intake-0"), 0, 4);
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
    for (struct batch b = contract_read(x, a, READ_BYTES); b.n;
         b = contract_read(x, a, READ_BYTES)) {
        assert_int_equal(contract_step(x, a, &b, NULL), OK);
    }
    contract_append(x, "intake-0", 4, 2);
    struct batch in_hand = {.arena = &other};
    assert_int_equal(reader_read(a, READ_BYTES, 0, &in_hand, &x->f), OK);
    assert_int_equal(in_hand.slice->n, 2);
    struct reader *const b = contract_join_transform(x);
    struct batch theirs = contract_read(x, b, READ_BYTES);
    while (theirs.n == 0) {
        theirs = contract_read(x, b, READ_BYTES);
    }
    assert_int_equal(contract_step(x, b, &theirs, NULL), OK);
    reader_leave(b);
    transport_take_away(true);
    assert_int_equal(contract_step(x, a, &in_hand, NULL), RETRY);
    assert_int_equal(x->f.cause, CAUSE_FENCED);
    if (x->transport->takes_away) {
        contract_append(x, "intake-0", 6, 1); /* not for a to see */
    }
    contract_append(x, "intake-1", 104, 1);
    const struct batch without = contract_read(x, a, READ_BYTES);
    assert_int_equal(without.lost_n, x->transport->takes_away);
    assert_true(without.lost_n == 0 || lane_eq(without.lost[0], contract_raw("intake-0")));
    assert_true(without.n == 1 && lane_eq(without.slice->lane, contract_raw("intake-1")));
    assert_int_equal(contract_step(x, a, &without, NULL), OK);
    const struct batch still = contract_read(x, a, READ_BYTES);
    assert_true(still.n == 0 && still.lost_n == 0 && still.gained_n == 0); /* told once */
    transport_take_away(false);
    if (!x->transport->takes_away) {
        contract_append(x, "intake-0", 6, 1);
    }
    const struct batch back = contract_read(x, a, READ_BYTES);
    assert_int_equal(back.gained_n, x->transport->takes_away);
    assert_int_equal(back.slice->n, 1);
    assert_int_equal(contract_step(x, a, &back, NULL), OK);
    contract_counts_up(x, contract_standard("intake-0"), 0, 7);
    contract_counts_up(x, contract_standard("intake-1"), 100, 5);
    reader_leave(a);
    arena_close(&other);
}

static void dead_letters_come_with_the_step(void **state)
{
    struct contract *const x = *state;
    struct reader *const r = contract_join_transform(x);
    contract_append(x, "intake-0", 0, 2);
    const struct batch b = contract_read(x, r, READ_BYTES);
    struct record letter = b.slice->record[1];
    struct record fact = b.slice->record[0];
    letter.origin = (struct origin){b.slice->lane, letter.at, 1, 1};
    const struct output out[] = {
        {lane_dead(&x->arena, S("transform"), b.slice->lane), 0, &letter, 1},
        {lane_output(&x->arena, S("transform"), b.slice->lane), 0, &fact, 1}};
    assert_true(str_eq(out[0].lane.name, S("transform-raw-intake-0")));
    assert_int_equal(reader_step(r, &b, out, 2, NULL, &x->f), OK);
    contract_counts_up(x, out[0].lane, 1, 1);
    contract_counts_up(x, contract_standard("intake-0"), 0, 1);
    reader_leave(r);
}

static void an_empty_step_moves_the_cursor(void **state)
{
    struct contract *const x = *state;
    struct reader *const r = contract_join(x, STREAM_BIT(STREAM_RAW), "console", CURSOR_BUS);
    struct position at;
    struct tally tally;
    contract_append(x, "intake-0", 0, 3);
    const struct batch b = contract_read(x, r, READ_BYTES);
    assert_int_equal(reader_step(r, &b, NULL, 0, NULL, &x->f), OK);
    assert_int_equal(reader_cursor(r, &x->arena, contract_raw("intake-0"), &at, &tally, &x->f), OK);
    assert_int_equal(at.at, b.slice->to.at);
    assert_int_equal(contract_read(x, r, READ_BYTES).n, 0);
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
    const struct batch b = contract_read(x, r, READ_BYTES);
    const struct position to = b.slice->to;
    assert_int_equal(contract_step(x, r, &b, &tally), OK);
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
    assert_int_equal(contract_read(x, r, READ_BYTES).slice->n, 2);
    reader_leave(r);
    contract_counts_up(x, contract_raw("intake-0"), 0, 5);
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
        const struct batch b = contract_read(x, r, 1000);
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
    contract_counts_up(x, contract_raw("intake-0"), 0, 0);
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
        const struct batch b = contract_read(x, r, transport_random() % 600);
        if (b.n && transport_random() % 3) {
            assert_int_equal(contract_step(x, r, &b, NULL), OK);
        } else if (b.n) {
            reader_leave(r);
            r = contract_join_transform(x);
        }
    }
    for (struct batch b = contract_read(x, r, 4000); b.n; b = contract_read(x, r, 4000)) {
        assert_int_equal(contract_step(x, r, &b, NULL), OK);
    }
    reader_leave(r);
    contract_counts_up(x, contract_raw("intake-0"), 0, (size_t)next);
    contract_counts_up(x, contract_standard("intake-0"), 0, (size_t)next);
}

int main(void)
{
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
        CONTRACT(a_cursor_behind_the_end_is_told),
        CONTRACT(a_wake_ends_the_wait),
        CONTRACT(any_course_of_steps_gives_each_record_once),
    };
    return contract_run(contract, sizeof contract / sizeof *contract);
}
