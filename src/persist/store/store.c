/* The persister `store`: facts folded by key in memory, then with the rows as they stand, then put
 * with the cursors. */
#include "persist/store.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "persist/persister.h"
#include "persist/store/pending.h"
#include "persist/store/watch.h"

enum {
    READ_BYTES_MAX = 4 * 1024 * 1024, /* a few thousand facts: enough to share a sync and a sort */
    EXPIRE_MS = 24 * 60 * 60 * 1000
};
/* One fact may be 64 MiB, and parsed it takes up to about ten times its bytes. */
#define PENDING_BYTES_MAX ((size_t)2 << 30)

struct store_state {
    struct store *store;
    struct arena pending_arena;
    struct pending *pending; /* one a model of the catalogue */
    struct slice *slice; /* what was taken: from the first batch's start to the last one's end */
    size_t slices_n;
    struct watch watch;
    int64_t expire_due_us;     /* by the monotonic clock; 0: now, since none was yet */
    _Atomic uint64_t *unknown; /* facts of a newer weir's models */
    _Atomic uint64_t *facts;
};

static enum outcome reach(struct arena *a, const struct config *config, struct str bus_id,
                          bool is_reader, struct store **out, struct failure *f)
{
    struct store *const s = arena_new(a, struct store);
    *out = NULL;
    *s = (struct store){.driver = config->store.type->driver,
                        .config = config,
                        .bus_id = bus_id,
                        .is_reader = is_reader,
                        .arena = a};
    s->state = arena_alloc(a, 1, s->driver->state_bytes);
    const enum outcome result = s->driver->open(s, f);
    if (result == OK && !s->is_absent) {
        *out = s;
    } else {
        store_close(s);
    }
    return result;
}

enum outcome store_open(struct arena *a, const struct config *config, struct str bus_id,
                        struct store **out, struct failure *f)
{
    return reach(a, config, bus_id, false, out, f);
}

enum outcome store_look(struct arena *a, const struct config *config, struct str bus_id,
                        struct store **out, struct failure *f)
{
    return reach(a, config, bus_id, true, out, f);
}

bool store_was_there(struct arena *a, const struct config *config)
{
    struct progress *page = NULL;
    struct progress_cursor c = {0};
    bool has_moved = false;
    const struct str run = arena_printf(a, "%.*s/run", STR_ARG(config->data));
    if (progress_peek(a, run, S("store"), S(""), &page)) {
        for (size_t i = 0; progress_cursor_at(page, i, &c); i++) {
            has_moved = has_moved || c.at.at > 0;
        }
        progress_close(page);
    }
    return has_moved;
}

void store_close(struct store *s)
{
    if (s) {
        s->driver->close(s);
    }
}

/* ---- the persister ---- */

static struct store_state *state_of(const struct persister *p)
{
    return p->state;
}

static void forget(struct persister *p)
{
    struct store_state *const st = state_of(p);
    arena_reset(&st->pending_arena);
    st->pending = arena_array(&st->pending_arena, struct pending, model_all_n);
    for (size_t i = 0; i < model_all_n; i++) {
        st->pending[i].model = model_all[i];
    }
    st->slice = arena_array(&st->pending_arena, struct slice, READER_LANES_MAX);
    st->slices_n = 0;
}

static enum outcome open_store(struct persister *p, struct failure *f)
{
    struct store_state *const st = state_of(p);
    const enum outcome result = store_open(p->arena, p->config, bus_id(p->bus), &st->store, f);
    (void)persist_wall(p); /* also where all is kept: a later configuration may keep less */
    if (result == OK) {
        arena_init(&st->pending_arena, PENDING_BYTES_MAX);
        watch_open(&st->watch);
        st->unknown = progress_counter(p->progress, "unknown_models");
        st->facts = progress_counter(p->progress, "facts");
        forget(p);
    }
    return result;
}

static enum outcome cursor(struct persister *p, struct lane lane, struct position *out,
                           struct failure *f)
{
    struct store *const s = state_of(p)->store;
    return s->driver->cursor(s, lane, out, f);
}

/* Rows of these keys as they stand in the store. */
static enum outcome rows_there(struct store_state *st, const struct rows *of, struct rows *out,
                               struct failure *f)
{
    struct arena *const a = &st->pending_arena;
    *out = (struct rows){.model = of->model,
                         .row = arena_array(a, struct row, of->n),
                         .is_there = of->is_there,
                         .n = of->n};
    for (size_t i = 0; i < of->n; i++) {
        out->row[i] = row_new(a, of->model);
        for (size_t k = 0; k < of->model->columns_n; k++) {
            if (of->model->columns[k].rule == FOLD_KEY) {
                out->row[i].value[k] = of->row[i].value[k];
            }
        }
    }
    return st->store->driver->get(st->store, a, out, f);
}

/* A row that a flush could not keep: it is folded with what the store has of it at once, so that
 * the fact at fault is told from the others. REJECT: none of its facts can be kept now. */
static enum outcome look_at_row(struct store_state *st, struct pending *p, struct row *fact,
                                struct failure *f)
{
    struct arena *const a = &st->pending_arena;
    const struct watched *const w = watch_find(&st->watch, a, fact);
    bool is_there = false;
    const struct rows of = {.model = p->model, .row = fact, .is_there = &is_there, .n = 1};
    struct rows there;
    if (!w || (w->why.len == 0 && pending_has(a, p, fact))) {
        return OK;
    }
    if (w->why.len > 0) {
        return failed(f, REJECT, "%.*s", STR_ARG(w->why));
    }
    const enum outcome result = rows_there(st, &of, &there, f);
    if (result == OK && is_there) {
        pending_begin(a, p, &there.row[0]);
    }
    return result;
}

static struct pending *pending_of(struct store_state *st, const struct model *m)
{
    size_t i = 0;
    while (model_all[i] != m) {
        i++;
    }
    return st->pending + i;
}

static enum outcome take_record(struct persister *p, const struct slice *slice,
                                const struct record *record, struct rejects *rejects,
                                struct failure *f)
{
    struct store_state *const st = state_of(p);
    const struct model *const m = fact_model(&record->signal);
    struct row fact;
    if (!m) {
        ++*st->unknown;
        return OK;
    }
    if (!m->is_stored) {
        return OK;
    }
    enum outcome result = fact_read(&st->pending_arena, &record->signal, &fact, f);
    if (result == OK) {
        result = look_at_row(st, pending_of(st, m), &fact, f);
    }
    if (result == OK) {
        result = pending_fold(&st->pending_arena, pending_of(st, m), &fact, f);
    }
    *st->facts += result == OK;
    if (result == REJECT) {
        persist_reject(rejects, slice, record, f);
        return OK;
    }
    return result;
}

static enum outcome take_slice(struct persister *p, const struct slice *slice, struct failure *f)
{
    struct store_state *const st = state_of(p);
    size_t i = 0;
    while (i < st->slices_n && !lane_eq(st->slice[i].lane, slice->lane)) {
        i++;
    }
    if (i == READER_LANES_MAX) {
        return failed(f, STOP, "more than %d lanes: fewer intake processes are needed",
                      READER_LANES_MAX);
    }
    if (i == st->slices_n) {
        st->slice[st->slices_n++] = (struct slice){
            .lane = {slice->lane.stream, arena_str(&st->pending_arena, slice->lane.name)},
            .from = slice->from};
    }
    st->slice[i].to = slice->to;
    return OK;
}

static enum outcome take(struct persister *p, const struct batch *b, struct rejects *rejects,
                         struct failure *f)
{
    enum outcome result = OK;
    for (size_t i = 0; i < b->n && result == OK; i++) {
        result = take_slice(p, b->slice + i, f);
        for (size_t k = 0; k < b->slice[i].n && result == OK; k++) {
            result = take_record(p, b->slice + i, b->slice[i].record + k, rejects, f);
        }
    }
    if (result == RETRY) {
        forget(p);
    }
    return result;
}

static bool keeps_for_ever(const struct persister *p)
{
    return p->config->store.keep_ms == INT64_MAX || p->config->store.keep_ms <= 0;
}

static int due_ms(struct persister *p)
{
    const struct store_state *const st = state_of(p);
    if (st->slices_n > 0) {
        return 0;
    }
    if (keeps_for_ever(p)) {
        return -1;
    }
    const int64_t left_us = st->expire_due_us - clock_mono_us();
    return left_us <= 0 ? 0 : (int)(left_us / 1000 + 1);
}

/* Each of these rows is looked at when it is read again. */
static enum outcome refuse(struct failure *f)
{
    f->outcome = RETRY;
    f->cause = CAUSE_REFUSED;
    return RETRY;
}

/* The pending rows folded with those that stand in the store. Done twice it gives the same, so a
 * failed put leaves nothing to undo. */
static enum outcome fold_rows(struct store_state *st, struct rows *rows, struct failure *f)
{
    struct arena *const a = &st->pending_arena;
    struct rows there;
    bool is_refused = false;
    const enum outcome result = rows_there(st, rows, &there, f);
    for (size_t i = 0; i < rows->n && result == OK; i++) {
        if (rows->is_there[i] && fold_try(a, there.row + i, rows->row + i, f) != OK) {
            watch_add(&st->watch, rows->row + i, NULL);
            is_refused = true;
        } else if (rows->is_there[i]) {
            rows->row[i] = there.row[i];
        }
        fold_finish(a, rows->row + i);
    }
    return is_refused ? refuse(f) : result;
}

/* The store does not take a row: it is known by its number among all of the put. */
static enum outcome refuse_row(struct store_state *st, const struct rows *rows, size_t n,
                               struct failure *f)
{
    size_t at = f->record;
    for (size_t i = 0; i < n; i++) {
        if (at < rows[i].n) {
            watch_add(&st->watch, rows[i].row + at, f);
            return refuse(f);
        }
        at -= rows[i].n;
    }
    f->outcome = STOP; /* none of its rows */
    return STOP;
}

static enum outcome put(struct persister *p, struct failure *f)
{
    struct store_state *const st = state_of(p);
    struct rows *const rows = arena_array(&st->pending_arena, struct rows, model_all_n);
    const struct batch moved = {.slice = st->slice, .n = st->slices_n};
    size_t n = 0;
    enum outcome result = OK;
    for (size_t i = 0; i < model_all_n && result == OK; i++) {
        if (st->pending[i].n > 0) {
            rows[n] = pending_rows(&st->pending_arena, st->pending + i);
            result = fold_rows(st, rows + n, f);
            n++;
        }
    }
    FAILPOINT("store.put");
    if (result == OK) {
        result = st->store->driver->put(st->store, rows, n, &moved, f);
        result = result == REJECT ? refuse_row(st, rows, n, f) : result;
    }
    FAILPOINT("store.done");
    if (result == OK) {
        watch_kept(&st->watch);
    }
    return result;
}

static enum outcome count_rows(struct store *s, uint64_t *out, struct failure *f)
{
    enum outcome result = OK;
    for (size_t i = 0; i < model_all_n && result == OK; i++) {
        out[i] = 0;
        result = model_all[i]->is_stored ? s->driver->rows(s, model_all[i], out + i, f) : OK;
    }
    return result;
}

static enum outcome expire(struct persister *p, int64_t before_us, struct failure *f)
{
    struct store_state *const st = state_of(p);
    struct arena *const a = &st->pending_arena; /* nothing waits in it now */
    uint64_t *const before = arena_array(a, uint64_t, model_all_n);
    uint64_t *const after = arena_array(a, uint64_t, model_all_n);
    enum outcome result = count_rows(st->store, before, f);
    if (result == OK) {
        result = st->store->driver->expire(st->store, before_us, f);
    }
    if (result == OK) {
        result = count_rows(st->store, after, f);
    }
    for (size_t i = 0; i < model_all_n && result == OK; i++) {
        if (after[i] < before[i]) {
            *progress_counter(p->progress, "store_expired{model=%s}",
                              model_all[i]->name) += before[i] - after[i];
            persist_tell_expired(&(struct persist_expired){
                .model = model_all[i], .before_us = before_us, .rows = before[i] - after[i]});
        }
    }
    return result;
}

/* Once a day; while the clock is not believed, when it is. */
static enum outcome expire_by_clock(struct persister *p, struct failure *f)
{
    struct store_state *const st = state_of(p);
    const struct wall_time wall = persist_wall(p);
    const bool is_believed = wall.now_us != TIME_NONE;
    st->expire_due_us = is_believed ? wall.mono_us + EXPIRE_MS * 1000LL : wall.believed_us;
    return is_believed ? expire(p, wall.now_us - p->config->store.keep_ms * 1000, f) : OK;
}

static enum outcome flush(struct persister *p, bool is_asked, struct failure *f)
{
    enum outcome result = OK;
    /* whatever was taken is due at once; who asks is told, too, when the store has gone */
    if (state_of(p)->slices_n > 0 || is_asked) {
        result = put(p, f);
        if (result == OK) {
            forget(p);
        }
    }
    return result == OK && due_ms(p) == 0 ? expire_by_clock(p, f) : result;
}

static void close_store(struct persister *p)
{
    struct store_state *const st = state_of(p);
    if (st->store) {
        store_close(st->store);
        arena_close(&st->pending_arena);
        watch_close(&st->watch);
    }
}

const struct persister_driver persist_store = {
    .name = "store",
    .streams = STREAM_BIT(STREAM_STANDARD) | STREAM_BIT(STREAM_MEASURED),
    .read_bytes_max = READ_BYTES_MAX,
    .state_bytes = sizeof(struct store_state),
    .refill = "`weir replay --store-only` fills the store from the lake",
    .open = open_store,
    .cursor = cursor,
    .take = take,
    .due_ms = due_ms,
    .flush = flush,
    .drop = forget,
    .close = close_store,
};
