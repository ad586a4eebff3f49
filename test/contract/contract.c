#include "contract/contract.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

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
