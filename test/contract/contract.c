#include "contract/contract.h"

#include "folder.h"

enum { ARENA_BYTES = 512 * 1024 * 1024 };

static const void *options_of(const struct contract *x)
{
    const bool is_memory = x->transport->driver == &bus_memory;
    return is_memory ? (const void *)&x->plan : &x->config;
}

void contract_open(struct contract *x)
{
    const struct bus_driver *const driver = x->transport->driver;
    assert_int_equal(bus_open_driver(&x->arena, driver, options_of(x), &x->bus, &x->f), OK);
}

enum outcome contract_recover(struct contract *x, struct finding_to report)
{
    return bus_recover_driver(x->transport->driver, options_of(x), report, &x->f);
}

int contract_set_up(void **state)
{
    struct contract *const x = calloc(1, sizeof *x);
    x->transport = *state;
    assert_non_null(folder_make_fast());
    x->config = (struct config_bus){.path = str_of(folder_path("bus")),
                                    .segment_bytes = 16 * 1024, /* small, so that they roll */
                                    .disk_bytes_max = 1024 * 1024 * 1024};
    transport_plan(x->transport, &x->plan);
    arena_init(&x->arena, ARENA_BYTES);
    arena_init(&x->batch, ARENA_BYTES);
    contract_open(x);
    *state = x;
    return 0;
}

int contract_tear_down(void **state)
{
    struct contract *const x = *state;
    bus_close(x->bus);
    arena_close(&x->arena);
    arena_close(&x->batch);
    folder_drop();
    free(x);
    return 0;
}

struct lane contract_raw(const char *name)
{
    return (struct lane){STREAM_RAW, str_of(name)};
}

struct lane contract_standard(const char *name)
{
    return (struct lane){STREAM_STANDARD, str_of(name)};
}

struct record contract_record(struct contract *x, int number)
{
    return (struct record){.signal = {.id = arena_printf(&x->arena, "id-%d", number),
                                      .source = S("/agents/test"),
                                      .type = S("t"),
                                      .time_us = TIME_NONE,
                                      .received_us = number,
                                      .data = arena_printf(&x->arena, "{\"number\":%d}", number)}};
}

/* Append records first..first+n-1 as one group. */
void contract_append(struct contract *x, const char *lane, int first, int n)
{
    struct record *const r = arena_array(&x->arena, struct record, (size_t)n);
    for (int i = 0; i < n; i++) {
        r[i] = contract_record(x, first + i);
    }
    assert_int_equal(bus_append(x->bus, contract_raw(lane), r, (size_t)n, &x->f), OK);
    for (int i = 1; i < n; i++) {
        assert_true(r[i].at.at > r[i - 1].at.at);
    }
}

struct reader *contract_join(struct contract *x, unsigned streams, const char *stage,
                             enum cursor_kind cursor)
{
    struct reader *r = NULL;
    assert_int_equal(reader_join(x->bus, streams, str_of(stage), cursor, &r, &x->f), OK);
    return r;
}

struct reader *contract_join_transform(struct contract *x)
{
    return contract_join(x, STREAM_BIT(STREAM_RAW), "transform", CURSOR_BUS);
}

struct batch contract_read(struct contract *x, struct reader *r, size_t bytes_max)
{
    arena_reset(&x->batch);
    struct batch b = {.arena = &x->batch};
    assert_int_equal(reader_read(r, bytes_max, 0, &b, &x->f), OK);
    return b;
}

enum outcome contract_step(struct contract *x, struct reader *r, const struct batch *b,
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

size_t contract_look_all(struct contract *x, struct lane lane, int *numbers, size_t room)
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

void contract_counts_up(struct contract *x, struct lane lane, int first, size_t n)
{
    int numbers[2000];
    assert_int_equal(contract_look_all(x, lane, numbers, 2000), n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(numbers[i], first + (int)i);
    }
}

/* ---- the transports ---- */

static int run_on(struct transport *t, const struct CMUnitTest *tests, size_t n)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES);
    struct CMUnitTest *const own = arena_array(&a, struct CMUnitTest, n);
    for (size_t i = 0; i < n; i++) {
        own[i] = tests[i];
        own[i].name = arena_printf(&a, "%s: %s", t->name, tests[i].name).at;
        own[i].initial_state = t;
    }
    const int failed_n = _cmocka_run_group_tests(t->name, own, n, NULL, NULL);
    arena_close(&a);
    return failed_n;
}

int contract_run(const struct CMUnitTest *tests, size_t n)
{
    struct transport memory = {"memory", &bus_memory, false, true};
    struct transport gaps = {"gaps", &bus_memory, false, true};
    struct transport embedded = {"embedded", &bus_embedded, true, false};
    transport_seed();
    return run_on(&memory, tests, n) + run_on(&gaps, tests, n) + run_on(&embedded, tests, n);
}
