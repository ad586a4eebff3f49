/* No memory at the nth block that the transform asks for, for every n: the next process gives each
 * signal once, whatever the one before had done. */
#include <stdio.h>

#include "base/file.h"
#include "bus/log.h"
#include "folder.h"
#include "refused.h"
#include "test.h"
#include "transform/run.h"
#include "transform/transform.h"

enum {
    ROUNDS_MAX = 200,
    SEGMENT = 1 << 20,
    TITLE = 100 * 1024, /* a delivery takes several blocks */
    FACTS_EACH = 2,     /* an event and a ticket           */
    FAILED = 3
};

struct stage {
    struct log_bus log;
    struct config config;
    struct named agent;
};

static const struct section_type github = {.name = "github", .transformer = &transformer_github};

static void stage_init(struct stage *x)
{
    struct failure f;
    log_init(&x->log, SEGMENT);
    x->agent = (struct named){.name = S("github"), .type = &github};
    x->config = (struct config){
        .agents = {&x->agent, 1},
        .data = arena_str(&x->log.arena, str_of(folder_path("data"))),
        .bus = x->log.config,
        .repetitions = {.keep_ms = INT64_C(7) * 86400000, .disk_bytes_max = (size_t)1 << 30},
    };
    assert_int_equal(file_make_dirs(x->config.data.at, &f), OK);
}

static void append_issue(struct stage *x, unsigned number)
{
    struct arena *const a = &x->log.arena;
    char *const title = arena_array(a, char, TITLE);
    memset(title, 't', TITLE);
    struct record r = {
        .signal = {.id = arena_printf(a, "d%u", number),
                   .source = S("/agents/github"),
                   .type = S("github.issues"),
                   .agent = S("github"),
                   .time_us = TIME_NONE,
                   .received_us = clock_now_us(),
                   .data = arena_printf(
                       a,
                       "{\"action\":\"opened\",\"issue\":{\"number\":%u,\"title\":\"%.*s\","
                       "\"url\":\"https://api.github.com/repos/acme/shop/issues/%u\","
                       "\"html_url\":\"https://github.com/acme/shop/issues/%u\","
                       "\"user\":{\"login\":\"ann\"},\"state\":\"open\",\"labels\":[],"
                       "\"assignees\":[],\"created_at\":\"2026-03-01T10:00:00Z\","
                       "\"updated_at\":\"2026-03-01T10:00:00Z\"},"
                       "\"repository\":{\"full_name\":\"acme/shop\","
                       "\"html_url\":\"https://github.com/acme/shop\"},"
                       "\"sender\":{\"login\":\"ann\"}}",
                       number, TITLE, title, number, number)}};
    assert_int_equal(bus_append(x->log.bus, raw_lane("intake-0"), &r, 1, &x->log.f), OK);
}

static int said(const struct failure *f)
{
    (void)fprintf(stderr, "%s\n", f->text);
    return FAILED;
}

/* A process of the stage, until nothing is left to do. */
static int work(void *to)
{
    struct stage *const x = to;
    struct failure f = {0};
    struct arena a;
    struct bus *bus = NULL;
    struct progress *progress = NULL;
    struct transform_stage *stage = NULL;
    size_t n = 0;
    arena_init(&a, (size_t)256 << 20);
    if (bus_open_driver(&a, &bus_embedded, &x->config.bus, &bus, &f) != OK ||
        progress_open(&a, x->config.data, S("transform"), &progress, &f) != OK ||
        transform_open(&a, &x->config, bus, progress, &stage, &f) != OK) {
        return said(&f);
    }
    for (int empty_n = 0; empty_n < 2; empty_n += n == 0) { /* the first may only gain the lane */
        if (transform_turn(stage, 0, &n, &f) != OK) {
            return said(&f);
        }
    }
    transform_close(stage);
    return 0;
}

/* Both facts of each signal, in order, and no dead letter. */
static void check(struct stage *x, size_t signals_n)
{
    struct lane_ends *ends = NULL;
    size_t n = 0, facts_n = 0;
    struct arena *const a = &x->log.arena;
    assert_int_equal(bus_ends(x->log.bus, a, STREAM_STANDARD, &ends, &n, &x->log.f), OK);
    assert_int_equal(n, 1);
    uint64_t before = 0;
    for (struct position at = ends->begin; at.at < ends->end.at;) {
        struct batch b = {.arena = a};
        const struct span rest = {ends->lane, at, ends->end};
        assert_int_equal(bus_look(x->log.bus, rest, 1 << 20, &b, &x->log.f), OK);
        for (size_t i = 0; i < b.slice->n; i++) {
            const struct origin *const origin = &b.slice->record[i].origin;
            assert_int_equal(origin->part, facts_n++ % FACTS_EACH);
            assert_true(origin->part == 0 ? facts_n == 1 || origin->at.at > before
                                          : origin->at.at == before);
            before = origin->at.at;
        }
        at = b.slice->to;
    }
    assert_int_equal(facts_n, signals_n * FACTS_EACH);
    assert_int_equal(bus_ends(x->log.bus, a, STREAM_DEAD, &ends, &n, &x->log.f), OK);
    assert_int_equal(n, 0);
}

static uint64_t stored(struct stage *x)
{
    struct progress *progress = NULL;
    assert_true(progress_peek(&x->log.arena, x->config.data, S("transform"), S(""), &progress));
    const uint64_t n = *progress_counter(progress, "stored");
    progress_close(progress);
    return n;
}

static void a_transform_without_memory_gives_each_signal_once(void **state)
{
    struct stage x;
    unsigned n = 0;
    int status = NO_MEMORY, out_of = 0;
    (void)state;
    refuse_block(0);
    assert_non_null(folder_make_fast());
    stage_init(&x);
    log_open(&x.log);
    while (status != 0) {
        assert_in_range(++n, 1, ROUNDS_MAX);
        append_issue(&x, n);
        log_close(&x.log);
        status = without_block(n, work, &x);
        assert_true(status == 0 || status == NO_MEMORY || status == FAILED);
        out_of += status == NO_MEMORY;
        log_recover(&x.log);
        assert_int_equal(x.log.found.n, 0);
        log_close(&x.log);
        assert_int_equal(without_block(0, work, &x), 0);
        log_recover(&x.log);
        check(&x, n);
        assert_int_equal(stored(&x), n);
    }
    assert_true(out_of >= 3);
    log_drop(&x.log);
    folder_drop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_transform_without_memory_gives_each_signal_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
