#include "transform/staged.h"

#include <stdlib.h>

#include "folder.h"
#include "test.h"
#include "transform/transform.h"

static bool is_taken_away(void *to, struct lane lane)
{
    const struct staged *const x = to;
    return x->is_away && str_eq(lane.name, S("intake-0"));
}

static const struct section_type github = {.name = "github", .transformer = &transformer_github};

void staged_open(struct staged *x)
{
    struct failure f = {0};
    assert_int_equal(transform_open(&x->arena, &x->config, x->bus, x->progress, &x->stage, &f), OK);
}

int staged_set_up(void **state)
{
    struct staged *const x = calloc(1, sizeof *x);
    struct failure f = {0};
    arena_init(&x->arena, (size_t)1 << 30);
    x->agent[0] = (struct named){.name = S("github"), .type = &github};
    x->agent[1] = (struct named){.name = S("second"), .type = &github};
    x->config = (struct config){
        .agents = {x->agent, 2},
        .data = str_of(folder_make()),
        .repetitions = {.keep_ms = INT64_C(7) * 86400000, .disk_bytes_max = (size_t)1 << 30},
    };
    x->plan = (struct memory_plan){.is_lost = is_taken_away, .to = x};
    *state = x;
    if (bus_open_driver(&x->arena, &bus_memory, &x->plan, &x->bus, &f) != OK ||
        progress_open(&x->arena, x->config.data, S("transform"), &x->progress, &f) != OK) {
        return -1;
    }
    staged_open(x);
    return 0;
}

int staged_tear_down(void **state)
{
    struct staged *const x = *state;
    transform_close(x->stage);
    progress_close(x->progress);
    bus_close(x->bus);
    arena_close(&x->arena);
    folder_drop();
    free(x);
    return 0;
}

struct signal staged_issue(struct staged *x, const char *agent, const char *id, int number,
                           bool is_good)
{
    const struct str body = arena_printf(
        &x->arena,
        "{\"action\":\"opened\",\"issue\":{\"url\":\"https://api.github.com/repos/acme/shop/issues/"
        "%d\","
        "\"number\":%d,\"title\":\"t\",\"html_url\":\"https://github.com/acme/shop/issues/%d\","
        "\"user\":{\"login\":\"ann\"},\"state\":\"open\",\"labels\":[],\"assignees\":[],"
        "%s\"updated_at\":\"2026-03-01T10:00:00Z\"},\"repository\":{\"full_name\":\"acme/shop\","
        "\"html_url\":\"https://github.com/acme/shop\"},\"sender\":{\"login\":\"ann\"}}",
        number, number, number, is_good ? "\"created_at\":\"2026-03-01T10:00:00Z\"," : "");
    return (struct signal){.id = str_of(id),
                           .source = arena_printf(&x->arena, "/agents/%s", agent),
                           .type = S("github.issues"),
                           .agent = str_of(agent),
                           .time_us = TIME_NONE,
                           .received_us = clock_now_us(),
                           .data = body};
}

struct signal staged_star(struct staged *x, const char *id)
{
    struct signal s = staged_issue(x, "github", id, 1, true);
    s.type = S("github.star");
    s.data = S("{\"action\":\"created\"}");
    return s;
}

struct position staged_append(struct staged *x, const char *lane, struct signal s)
{
    struct failure f = {0};
    struct record r = {.signal = s};
    assert_int_equal(bus_append(x->bus, (struct lane){STREAM_RAW, str_of(lane)}, &r, 1, &f), OK);
    return r.at;
}

void staged_turn(struct staged *x)
{
    struct failure f = {0};
    size_t n = 1;
    while (n > 0) {
        assert_int_equal(transform_turn(x->stage, 0, &n, &f), OK);
    }
}

struct slice staged_all(struct staged *x, enum stream stream, const char *name)
{
    struct failure f = {0};
    struct lane_ends *ends = NULL;
    size_t n = 0;
    assert_int_equal(bus_ends(x->bus, &x->arena, stream, &ends, &n, &f), OK);
    for (size_t i = 0; i < n; i++) {
        struct batch out = {.arena = &x->arena};
        if (str_eq(ends[i].lane.name, str_of(name))) {
            const struct span whole = {ends[i].lane, ends[i].begin, ends[i].end};
            assert_int_equal(bus_look(x->bus, whole, SIZE_MAX, &out, &f), OK);
            return out.n ? out.slice[0] : (struct slice){0};
        }
    }
    return (struct slice){0};
}

uint64_t staged_counter(struct staged *x, const char *name)
{
    return *progress_counter(x->progress, "%s", name);
}
