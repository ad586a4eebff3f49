#include "bus/log.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/failpoint.h"
#include "bus/segment.h"
#include "folder.h"
#include "test.h"

enum { ARENA_BYTES = 1 << 30, LOOK_BYTES = 256 * 1024 };

static void note(void *to, const struct finding *finding)
{
    struct found *const found = to;
    assert_true(found->n < FOUND_MAX);
    found->finding[found->n] = *finding;
    found->finding[found->n].path = (struct str){NULL, 0}; /* gone when this returns */
    found->n++;
}

void log_init(struct log_bus *l, size_t segment_bytes)
{
    *l = (struct log_bus){0};
    arena_init(&l->arena, ARENA_BYTES);
    l->config = (struct config_bus){.path = arena_str(&l->arena, str_of(folder_path("bus"))),
                                    .segment_bytes = segment_bytes,
                                    .disk_bytes_max = (size_t)1 << 40};
}

void log_open(struct log_bus *l)
{
    assert_int_equal(bus_open_driver(&l->arena, &bus_embedded, &l->config, &l->bus, &l->f), OK);
}

void log_close(struct log_bus *l)
{
    if (l->bus) {
        bus_close(l->bus);
    }
    l->bus = NULL;
}

void log_recover(struct log_bus *l)
{
    log_close(l);
    l->found.n = 0;
    const struct finding_to report = {note, &l->found};
    assert_int_equal(bus_recover_driver(&bus_embedded, &l->config, report, &l->f), OK);
    log_open(l);
}

void log_mend(struct log_bus *l)
{
    l->found.n = 0;
    const struct finding_to report = {note, &l->found};
    assert_int_equal(bus_mend(l->bus, report, &l->f), OK);
}

void log_drop(struct log_bus *l)
{
    log_close(l);
    arena_close(&l->arena);
}

struct record log_record(struct arena *a, uint64_t number, size_t bytes)
{
    char *const data = arena_alloc(a, bytes + 32, 1);
    const int len = snprintf(data, 32, "{\"n\":%llu}", (unsigned long long)number);
    for (size_t i = (size_t)len; i < bytes; i++) {
        data[i] = (char)(number * 31 + i * 7);
    }
    return (struct record){.signal = {.id = arena_printf(a, "id-%llu", (unsigned long long)number),
                                      .source = S("/agents/test"),
                                      .type = S("test"),
                                      .time_us = TIME_NONE,
                                      .received_us = (int64_t)number,
                                      .data = {data, bytes > (size_t)len ? bytes : (size_t)len}}};
}

uint64_t log_number(const struct record *r)
{
    struct arena a;
    const uint64_t number = (uint64_t)r->signal.received_us;
    arena_init(&a, ARENA_BYTES);
    const struct record right = log_record(&a, number, r->signal.data.len);
    const bool is_right = str_eq(right.signal.id, r->signal.id) &&
                          str_eq(right.signal.source, r->signal.source) &&
                          str_eq(right.signal.data, r->signal.data);
    arena_close(&a);
    return is_right ? number : UINT64_MAX;
}

struct lane raw_lane(const char *name)
{
    return (struct lane){STREAM_RAW, str_of(name)};
}

enum outcome log_append(struct log_bus *l, uint64_t first, size_t n, size_t bytes)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES);
    struct record *const r = arena_array(&a, struct record, n);
    for (size_t i = 0; i < n; i++) {
        r[i] = log_record(&a, first + i, bytes);
    }
    const enum outcome result = bus_append(l->bus, raw_lane("intake-0"), r, n, &l->f);
    arena_close(&a);
    return result;
}

static enum outcome ends_of(struct log_bus *l, struct lane lane, struct span *out)
{
    struct lane_ends *ends = NULL;
    size_t n = 0;
    const enum outcome result = bus_ends(l->bus, &l->arena, lane.stream, &ends, &n, &l->f);
    *out = (struct span){.lane = lane};
    for (size_t i = 0; result == OK && i < n; i++) {
        if (lane_eq(ends[i].lane, lane)) {
            *out = (struct span){lane, ends[i].begin, ends[i].end};
        }
    }
    return result;
}

enum outcome log_read(struct log_bus *l, struct lane lane, uint64_t *numbers, size_t room,
                      size_t *n)
{
    struct arena a;
    struct span left;
    enum outcome result = ends_of(l, lane, &left);
    *n = 0;
    arena_init(&a, ARENA_BYTES);
    while (result == OK && left.from.at < left.to.at) {
        struct batch b = {.arena = &a};
        result = bus_look(l->bus, left, LOOK_BYTES, &b, &l->f);
        for (size_t i = 0; result == OK && i < b.slice->n; i++) {
            assert_true(*n < room);
            numbers[(*n)++] = log_number(&b.slice->record[i]);
        }
        left.from = result == OK ? b.slice->to : left.to;
        arena_reset(&a);
    }
    arena_close(&a);
    return result;
}

const char *log_path(struct log_bus *l, struct lane lane, const char *name)
{
    return arena_printf(&l->arena, "%.*s/%s/%.*s/%s", STR_ARG(l->config.path),
                        stream_name(lane.stream), STR_ARG(lane.name), name)
        .at;
}

const char *log_segment(struct log_bus *l, struct lane lane, size_t i)
{
    struct segments s;
    const char *const dir = log_path(l, lane, "");
    assert_int_equal(segments_list(&l->arena, dir, &s, &l->f), OK);
    return i < s.n ? segment_path(&l->arena, dir, s.first[i]) : NULL;
}

void log_fail_next(const char *place)
{
#ifndef WEIR_FAILPOINTS
    skip_because("this build has no failpoints");
#endif
    char text[128];
    (void)snprintf(text, sizeof text, "%s:1:fail", place);
    assert_int_equal(setenv("WEIR_FAILPOINT", text, 1), 0);
    failpoint_reset();
}

void log_fail_nothing(void)
{
    (void)unsetenv("WEIR_FAILPOINT");
    failpoint_reset();
}
