#include "persist/rig.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/asked.h"
#include "bus/driver.h"
#include "bus/memory.h"
#include "test.h"

static uint64_t gap(void *to)
{
    struct rig *const r = to;
    return 1 + roll(&r->gaps, 5);
}

static bool is_marker(void *to)
{
    struct rig *const r = to;
    return roll(&r->gaps, 4) == 0;
}

static bool is_lost(void *to, struct lane lane)
{
    struct rig *const r = to;
    return lane.stream == STREAM_STANDARD && r->is_shared && roll(&r->gaps, 20) == 0;
}

void rig_open(struct rig *r)
{
    static struct memory_plan plan = {.gap = gap, .is_marker = is_marker, .is_lost = is_lost};
    struct failure f = {0};
    *r = (struct rig){.folder = "/tmp/weir-store-XXXXXX", .gaps = {7}, .driver = &persist_store};
    plan.to = r;
    arena_init(&r->arena, (size_t)1 << 30);
    assert_non_null(mkdtemp(r->folder));
    static const struct section_type sqlite = {.name = "sqlite", .driver = &store_sqlite};
    r->config.data = str_of(r->folder);
    r->config.store = (struct config_store){
        .type = &sqlite,
        .path = arena_printf(&r->arena, "%s/made/store.db", r->folder),
        .keep_ms = INT64_MAX};
    assert_int_equal(bus_open_driver(&r->arena, &bus_memory, &plan, &r->bus, &f), OK);
    assert_int_equal(progress_open(&r->arena, str_of(r->folder), S("store"), &r->progress, &f), OK);
    assert_int_equal(
        reader_join(r->bus, STREAM_BIT(STREAM_RAW), S("transform"), CURSOR_BUS, &r->transform, &f),
        OK);
    r->want = arena_array(&r->arena, struct row, 10000);
}

static int drop(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

void rig_close(struct rig *r)
{
    asked_reset();
    reader_leave(r->transform);
    progress_close(r->progress);
    bus_close(r->bus);
    assert_int_equal(nftw(r->folder, drop, 8, FTW_DEPTH | FTW_PHYS), 0);
    arena_close(&r->arena);
}

void rig_send(struct rig *r, const char *lane, const struct signal *s, size_t n)
{
    struct failure f = {0};
    struct record raw = {.signal = {.id = S("1"), .source = S("s"), .type = S("t")}};
    struct batch in = {.arena = &r->arena};
    struct record *const out = arena_array(&r->arena, struct record, n);
    assert_int_equal(bus_append(r->bus, (struct lane){STREAM_RAW, str_of(lane)}, &raw, 1, &f), OK);
    while (in.n == 0) {
        assert_int_equal(reader_read(r->transform, 1 << 20, 0, &in, &f), OK);
    }
    for (size_t i = 0; i < n; i++) {
        out[i] = (struct record){
            .signal = s[i], .origin = {in.slice->lane, in.slice->to, (uint32_t)i, (uint32_t)n}};
    }
    const struct output output = {{STREAM_STANDARD, str_of(lane)}, 0, out, n};
    if (reader_step(r->transform, &in, &output, 1, NULL, &f) != OK) {
        fail_msg("%s", f.text);
    }
}

void rig_want(struct rig *r, const struct signal *s)
{
    struct row fact;
    struct failure f;
    size_t i = 0;
    assert_int_equal(fact_read(&r->arena, s, &fact, &f), OK);
    while (i < r->want_n &&
           (r->want[i].model != fact.model || row_key_cmp(r->want + i, &fact) != 0)) {
        i++;
    }
    if (i == r->want_n) {
        r->want[r->want_n++] = row_new(&r->arena, fact.model);
    }
    fold_into(&r->arena, r->want + i, &fact);
    fold_finish(&r->arena, r->want + i);
}

void rig_send_random(struct rig *r, struct dice *d, const char *lane, size_t n)
{
    struct signal *const s = arena_array(&r->arena, struct signal, n);
    for (size_t i = 0; i < n; i++) {
        const struct model *m = NULL;
        do {
            m = model_all[roll(d, (unsigned)model_all_n)];
        } while (!m->is_stored);
        s[i] = fact_random(d, &r->arena, m, 7);
        rig_want(r, s + i);
    }
    rig_send(r, lane, s, n);
}

/* ---- running until the end ---- */

static struct rig *running;

static bool is_at_end(struct persister *p)
{
    struct lane_ends *ends = NULL;
    size_t n = 0;
    struct failure f;
    struct arena turn;
    arena_init(&turn, 1 << 20);
    bool is = bus_ends(running->bus, &turn, STREAM_STANDARD, &ends, &n, &f) == OK;
    for (size_t i = 0; is && i < n; i++) {
        struct position at = {0};
        is = running->driver->cursor(p, ends[i].lane, &at, &f) == OK && at.at >= ends[i].end.at;
    }
    arena_close(&turn);
    return is;
}

static int due_ms(struct persister *p)
{
    const int due = running->driver->due_ms(p);
    if (due != 0 && is_at_end(p)) {
        ask_to_stop();
    }
    return due;
}

static enum outcome flush(struct persister *p, bool is_asked, struct failure *f)
{
    if (running->failing_n > 0) {
        running->unseen_n += asked_to_flush();
        (void)raise(running->failing_n > 1 ? SIGUSR1 : 0);
        running->failing_n--;
        running->is_behind = running->failing_n == 0;
        (void)failed(f, RETRY, "as a test asked");
        f->cause = running->is_behind && running->is_fenced ? CAUSE_FENCED : CAUSE_OTHER;
        return RETRY;
    }
    if (running->is_behind) {
        running->is_behind = false;
        running->state = progress_state_is(running->progress);
    }
    const enum outcome result = running->driver->flush(p, is_asked, f);
    running->fenced_n += result == RETRY && f->cause == CAUSE_FENCED;
    return result;
}

enum outcome rig_run(struct rig *r, size_t bytes, struct failure *f)
{
    struct persister_driver driver = *r->driver;
    driver.due_ms = due_ms;
    driver.flush = flush;
    driver.read_bytes_max = bytes;
    running = r;
    asked_reset();
    return persist_run(&driver, &r->config, r->bus, r->progress, f);
}

/* ---- checking ---- */

struct check {
    struct rig *rig;
    size_t n;
};

static bool visit(void *to, const struct row *row)
{
    struct check *const check = to;
    size_t i = 0;
    while (i < check->rig->want_n && (check->rig->want[i].model != row->model ||
                                      row_key_cmp(check->rig->want + i, row) != 0)) {
        i++;
    }
    if (i == check->rig->want_n) {
        fail_msg("a row of %s that nobody sent", row->model->name);
    }
    const struct row *const want = check->rig->want + i;
    if (!row_eq(want, row)) {
        fail_msg("a row of %s is not the fold of its facts", row->model->name);
    }
    for (size_t k = 0; k < row->model->columns_n; k++) {
        if (row->model->columns[k].rule == FOLD_ARRIVAL) {
            assert_int_equal(want->value[k].kind, row->value[k].kind);
            assert_true(want->value[k].kind != VALUE_TEXT ||
                        str_eq(want->value[k].text, row->value[k].text));
        }
    }
    check->n++;
    return true;
}

void rig_check(struct rig *r)
{
    struct failure f = {0};
    struct store *s = NULL;
    struct arena scratch;
    arena_init(&scratch, (size_t)1 << 30);
    if (store_look(&r->arena, &r->config, S(""), &s, &f) != OK || !s) {
        fail_msg("%s", f.text);
    }
    size_t all = 0;
    for (size_t i = 0; i < model_all_n; i++) {
        struct check check = {.rig = r};
        uint64_t counted = 0;
        if (!model_all[i]->is_stored) {
            continue;
        }
        assert_int_equal(s->driver->each(s, model_all[i], &scratch, visit, &check, &f), OK);
        assert_int_equal(s->driver->rows(s, model_all[i], &counted, &f), OK);
        assert_int_equal(counted, check.n);
        all += check.n;
    }
    assert_int_equal(all, r->want_n);
    store_close(s);
    arena_close(&scratch);
}

uint64_t rig_counter(struct rig *r, const char *name)
{
    return *progress_counter(r->progress, "%s", name);
}
