/* The driver: gathers, decides what is due, and settles what a commit moved. */
#include "persist/lake/lake.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "persist/lake/commit.h"
#include "persist/lake/lost.h"
#include "persist/lake/refuse.h"
#include "persist/lake/tidy.h"
#include "persist/lake/vacuum.h"
#include "signal/fact.h"
#include "wire/duckdb.h"

enum {
    READ_BYTES_MAX = 4 << 20,
    ROW_BYTES_MAX = 512 << 20, /* one raw line: a body of the largest size, all of it escaped */
    BEHIND_BYTES_MAX = 64 << 20,
};
#define BEHIND_US_MAX (INT64_C(3600) * 1000000)
#define SCRATCH_BYTES_MAX ((size_t)2 << 30)
#define TABLE_BYTES_MAX ((size_t)1 << 30)

/* ---- open ---- */

static enum outcome remove_orphans(struct persister *p, struct failure *f)
{
    struct lake *const l = p->state;
    struct vacuumed sum;
    const enum outcome result = vacuum_orphans(l, &sum, f);
    *progress_counter(p->progress, "orphans") += sum.n;
    if (sum.n > 0) {
        p->told = arena_printf(l->arena, "%zu files that no commit names were removed, %.*s first",
                               sum.n, STR_ARG(sum.first));
    }
    return result;
}

/* Alone in the lake: what writers that were killed left behind is removed. Then shared, so that
 * several weirs may write one lake; a flush child inherits the lock and so keeps the next weir
 * from taking its files for orphans. */
static enum outcome lock_lake(struct persister *p, struct failure *f)
{
    struct lake *const l = p->state;
    const struct files *const s = &l->files;
    enum outcome result = s->driver->hold(s, true, &l->lock_fd, f);
    if (result == OK) {
        result = remove_orphans(p, f);
    } else if (result == RETRY && f->cause == CAUSE_FENCED) {
        vacuum_stages(l); /* others write here: what is theirs stays */
        result = OK;
    }
    return result == OK ? s->driver->hold(s, false, &l->lock_fd, f) : result;
}

static enum outcome open_tables(struct lake *l, struct failure *f)
{
    enum outcome result = OK;
    l->table = arena_array(l->arena, struct lake_table, model_all_n);
    l->tables_n = model_all_n;
    for (size_t i = 0; i < l->tables_n && result == OK; i++) {
        struct lake_table *const t = &l->table[i];
        t->model = model_all[i];
        t->oldest_us = t->behind_us = TIME_NONE;
        for (size_t k = 0; k < READER_LANES_MAX; k++) {
            t->part[k].fd = -1;
        }
        arena_init(&t->arena, TABLE_BYTES_MAX);
        result = delta_open(&t->arena, &l->files, str_of(t->model->name), &t->log, f);
    }
    return result;
}

static enum outcome lane_add(struct lake *l, struct lane lane, struct lake_lane **out,
                             struct failure *f)
{
    if (l->lanes_n == READER_LANES_MAX) {
        return failed(f, STOP,
                      "the lake reads at most %d lanes: stop weir and move folders away "
                      "that no agent writes any more",
                      READER_LANES_MAX);
    }
    *out = &l->lane[l->lanes_n++];
    **out = (struct lake_lane){.lane = {lane.stream, arena_str(l->arena, lane.name)},
                               .app = lake_app(l->arena, bus_id(l->bus), lane)};
    return OK;
}

static struct lake_lane *lane_find(struct lake *l, struct lane lane)
{
    for (size_t i = 0; i < l->lanes_n; i++) {
        if (lane_eq(l->lane[i].lane, lane)) {
            return &l->lane[i];
        }
    }
    return NULL;
}

/* The lanes that there are, each at its beginning: a new table gets their txn in its first commit.
 */
static enum outcome find_lanes(struct lake *l, struct failure *f)
{
    static const enum stream streams[] = {STREAM_RAW, STREAM_STANDARD, STREAM_MEASURED};
    enum outcome result = OK;
    for (size_t i = 0; i < sizeof streams / sizeof *streams && result == OK; i++) {
        struct lane_ends *ends;
        size_t n = 0;
        result = bus_ends(l->bus, &l->scratch, streams[i], &ends, &n, f);
        for (size_t k = 0; k < n && result == OK; k++) {
            struct lake_lane *lane;
            result = lane_add(l, ends[k].lane, &lane, f);
            if (result == OK) {
                lane->begin = ends[k].begin;
                lane->end = ends[k].end;
            }
        }
    }
    return result;
}

static void settle_from(struct lake *l, struct lake_table *t)
{
    for (size_t i = 0; i < l->lanes_n; i++) {
        t->part[i].from = delta_txn(&t->log, l->lane[i].app);
    }
}

static enum outcome lake_driver_open(struct persister *p, struct failure *f)
{
    struct lake *const l = p->state;
    l->config = p->config;
    l->bus = p->bus;
    l->watch = (struct child_watch){p->progress, CHILD_STILL_MS_MAX};
    l->unknown = progress_counter(p->progress, "unknown_models");
    l->wall = persist_wall(p);
    l->arena = p->arena;
    l->files = files_at(p->config->lake.path);
    l->lock_fd = -1;
    arena_init(&l->scratch, SCRATCH_BYTES_MAX);
    enum outcome result = duck_look(&l->scratch, f); /* else the first flush would tell */
    result = result == OK ? refuse_open(&l->refused, f) : result;
    if (result == OK) {
        result = open_tables(l, f);
    }
    if (result == OK) {
        result = find_lanes(l, f);
    }
    if (result == OK) {
        result = lost_check(l, f);
    }
    if (result == OK) {
        p->lost = lost_told(l);
        result = lock_lake(p, f);
    }
    if (result == OK) {
        result = lake_widen(l, f);
    }
    l->is_made = true;
    for (size_t i = 0; i < l->tables_n && result == OK; i++) {
        settle_from(l, &l->table[i]);
        l->is_made = l->is_made && l->table[i].log.version >= 0 &&
                     made_has(&l->made, l->table[i].log.table, bus_id(l->bus));
    }
    if (result == OK) {
        tidy_plan(l);
    }
    arena_reset(&l->scratch);
    return result;
}

/* ---- cursor ---- */

static enum outcome lane_begin(struct lake *l, struct lane lane, struct position *out,
                               struct failure *f)
{
    struct lane_ends *ends;
    size_t n;
    const enum outcome result = bus_ends(l->bus, &l->scratch, lane.stream, &ends, &n, f);
    out->at = 0;
    for (size_t i = 0; i < n && result == OK; i++) {
        if (str_eq(ends[i].lane.name, lane.name)) {
            *out = ends[i].begin;
        }
    }
    return result;
}

/* The least of its tables: each of them skips what its own txn covers. */
static enum outcome lake_driver_cursor(struct persister *p, struct lane lane, struct position *out,
                                       struct failure *f)
{
    struct lake *const l = p->state;
    struct position begin;
    struct lake_lane *known = lane_find(l, lane);
    enum outcome result = lane_begin(l, lane, &begin, f);
    if (result == OK && !known) {
        result = lane_add(l, lane, &known, f);
        for (size_t i = 0; i < l->tables_n && result == OK; i++) {
            l->table[i].part[known - l->lane].from = delta_txn(&l->table[i].log, known->app);
        }
    }
    arena_reset(&l->scratch);
    if (result != OK) {
        return result;
    }
    known->begin = known->is_begun ? known->begin : begin;
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < l->tables_n; i++) {
        if (lake_feeds(lane.stream, l->table[i].model)) {
            const uint64_t from = made_from(&l->made, &l->table[i].log, bus_id(l->bus), known->app,
                                            begin.at);
            least = from < least ? from : least;
        }
    }
    out->at = least == UINT64_MAX ? begin.at : least;
    return OK;
}

/* ---- take ---- */

struct gathered {
    size_t table;
    struct rejects *rejects;
    struct buf lines;
    struct lake_part news; /* what it adds to the part */
    uint64_t unknown;      /* of the first table: the slice's facts of a newer weir's models */
};

/* The day of rows that are of one; a fact's time is its fact_at. */
static int64_t day_of(const struct slice *s, const struct record *r)
{
    const int64_t us = s->lane.stream == STREAM_RAW ? lake_raw_us(&r->signal) : r->signal.time_us;
    return us < 0 ? LAKE_DAYS : us / DAY_US;
}

static void gather(struct lake *l, struct gathered *g, const struct slice *s,
                   const struct record *r)
{
    const size_t before = g->lines.len;
    if (s->lane.stream == STREAM_RAW) {
        lake_add_raw(&g->lines, bus_id(l->bus), s->lane.name, r);
    } else {
        lake_add_fact(&g->lines, l->table[g->table].model, r->signal.data);
    }
    const struct str text = str_sub(buf_str(&g->lines), before, g->lines.len - before);
    const struct refused_row *const note = refuse_note(l->refused, g->table, text);
    if (note) {
        g->lines.len = before;
        persist_reject(g->rejects, s, r, &note->why);
        return;
    }
    buf_add_byte(&g->lines, '\n');
    const size_t line = g->lines.len - before;
    const int64_t day = day_of(s, r);
    g->news.line_bytes_max = line > g->news.line_bytes_max ? line : g->news.line_bytes_max;
    g->news.first = g->news.rows ? g->news.first : r->at;
    g->news.day = g->news.rows == 0 || g->news.day == day ? day : LAKE_DAYS;
    g->news.last = r->at;
    g->news.rows++;
}

static size_t table_of(const struct lake *l, const struct slice *s, const struct record *r)
{
    const struct model *const m = s->lane.stream == STREAM_RAW ? model_find(S("raw"))
                                                               : fact_model(&r->signal);
    for (size_t i = 0; m && i < l->tables_n; i++) {
        if (l->table[i].model == m) {
            return i;
        }
    }
    return l->tables_n; /* a newer weir's model */
}

static void gather_slice(struct lake *l, struct gathered *g, const struct slice *s, size_t lane)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct record *const r = &s->record[i];
        const size_t table = table_of(l, s, r);
        if (table == l->tables_n) {
            g->unknown++;
        } else if ((int64_t)r->at.at >= l->table[table].part[lane].from) {
            gather(l, &g[table], s, r);
        }
    }
}

static enum outcome part_open(struct lake_part *p, struct failure *f)
{
    if (p->fd < 0) {
        p->fd = memfd_create("weir-rows", MFD_CLOEXEC);
    }
    return p->fd >= 0 ? OK : failed_errno(f, RETRY, "memory for rows");
}

/* All lines of the slice into their parts' files; only then do the parts count them. */
static enum outcome keep_lines(struct lake *l, const struct gathered *g, size_t lane,
                               struct failure *f)
{
    enum outcome result = OK;
    for (size_t i = 0; i < l->tables_n && result == OK; i++) {
        struct lake_part *const p = &l->table[i].part[lane];
        if (g[i].news.rows > 0) {
            result = buf_is_over(&g[i].lines)
                         ? failed(f, RETRY, "a batch's rows exceed %d bytes", ROW_BYTES_MAX)
                         : part_open(p, f);
        }
        if (result == OK && g[i].news.rows > 0) {
            result = file_write_at(p->fd, buf_str(&g[i].lines), (off_t)p->bytes, f);
        }
    }
    return result;
}

static void count_lines(struct lake *l, const struct gathered *g, size_t lane,
                        const struct slice *s, int64_t now_us)
{
    size_t bytes = 0;
    for (size_t i = 0; i < s->n; i++) {
        bytes += s->record[i].signal.data.len;
    }
    *l->unknown += g->unknown;
    for (size_t i = 0; i < l->tables_n; i++) {
        struct lake_table *const t = &l->table[i];
        struct lake_part *const p = &t->part[lane];
        if (!lake_feeds(s->lane.stream, t->model)) {
            continue;
        }
        t->behind_bytes += bytes;
        t->behind_us = t->behind_us == TIME_NONE ? now_us : t->behind_us;
        if (g[i].news.rows > 0) {
            p->first = p->rows ? p->first : g[i].news.first;
            p->day = p->rows == 0 || p->day == g[i].news.day ? g[i].news.day : LAKE_DAYS;
            p->last = g[i].news.last;
            p->rows += g[i].news.rows;
            p->bytes += g[i].lines.len;
            p->line_bytes_max = g[i].news.line_bytes_max > p->line_bytes_max
                                    ? g[i].news.line_bytes_max
                                    : p->line_bytes_max;
            t->oldest_us = t->oldest_us == TIME_NONE ? now_us : t->oldest_us;
        }
    }
}

/* What the slices bring, each of a lane of its own, written behind what their parts count. */
static enum outcome keep_slice(struct lake *l, struct gathered *g, const struct slice *s,
                               struct rejects *rejects, struct failure *f)
{
    const struct lake_lane *const lane = lane_find(l, s->lane);
    if (!lane) {
        return failed(f, RETRY, "lane %.*s was read before its cursor was asked for",
                      STR_ARG(s->lane.name));
    }
    const size_t index = (size_t)(lane - l->lane);
    for (size_t i = 0; i < l->tables_n; i++) {
        g[i].table = i;
        g[i].rejects = rejects;
        buf_init(&g[i].lines, &l->scratch, ROW_BYTES_MAX);
    }
    gather_slice(l, g, s, index);
    return keep_lines(l, g, index, f);
}

/* Nothing is counted before all is written: a batch that failed is taken again from its first
 * slice.
 */
static enum outcome lake_driver_take(struct persister *p, const struct batch *b,
                                     struct rejects *rejects, struct failure *f)
{
    struct lake *const l = p->state;
    struct gathered *const g = arena_array(&l->scratch, struct gathered, b->n * l->tables_n);
    enum outcome result = OK;
    for (size_t i = 0; i < b->n && result == OK; i++) {
        result = keep_slice(l, &g[i * l->tables_n], &b->slice[i], rejects, f);
    }
    for (size_t i = 0; i < b->n && result == OK; i++) {
        const struct slice *const s = &b->slice[i];
        struct lake_lane *const lane = lane_find(l, s->lane);
        count_lines(l, &g[i * l->tables_n], (size_t)(lane - l->lane), s, clock_mono_us());
        lane->taken = s->to;
        lane->is_begun = true;
    }
    arena_reset(&l->scratch);
    return result;
}

/* The first row that waits for a flush, else all that was taken: a rare table's own txn may stand
 * far behind without anything missing in it. */
static struct position lake_driver_done(struct persister *p, struct lane lane,
                                        struct position restart)
{
    struct lake *const l = p->state;
    const struct lake_lane *const known = lane_find(l, lane);
    if (!known || !known->is_begun) {
        return restart;
    }
    struct position least = known->taken;
    for (size_t i = 0; i < l->tables_n; i++) {
        const struct lake_part *const part = &l->table[i].part[known - l->lane];
        if (part->rows > 0 && part->first.at < least.at) {
            least = part->first;
        }
    }
    return least.at > restart.at ? least : restart;
}

/* ---- due ---- */

static size_t table_bytes(const struct lake *l, const struct lake_table *t)
{
    size_t bytes = 0;
    for (size_t i = 0; i < l->lanes_n; i++) {
        bytes += t->part[i].bytes;
    }
    return bytes;
}

static size_t lake_bytes(const struct lake *l)
{
    size_t bytes = 0;
    for (size_t i = 0; i < l->tables_n; i++) {
        bytes += table_bytes(l, &l->table[i]);
    }
    return bytes;
}

/* When a table must be committed; INT64_MAX: nothing waits for it. */
static int64_t table_due_us(const struct lake *l, const struct lake_table *t)
{
    int64_t due = INT64_MAX;
    if (t->oldest_us != TIME_NONE) {
        due = t->oldest_us + l->config->lake.flush_ms * 1000;
    }
    if (t->behind_us != TIME_NONE) {
        const int64_t behind = t->behind_bytes >= BEHIND_BYTES_MAX ? 0
                                                                   : t->behind_us + BEHIND_US_MAX;
        due = behind < due ? behind : due;
    }
    return due;
}

static int lake_driver_due_ms(struct persister *p)
{
    const struct lake *const l = p->state;
    const int64_t now = clock_mono_us();
    int64_t due = l->tidy_due_us;
    if (!l->is_made || lake_bytes(l) >= l->config->lake.flush_bytes) {
        return 0;
    }
    for (size_t i = 0; i < l->tables_n; i++) {
        const int64_t table = table_due_us(l, &l->table[i]);
        due = table < due ? table : due;
    }
    if (due == INT64_MAX) {
        return -1;
    }
    const int64_t ms = (due - now + 999) / 1000;
    return ms < 0 ? 0 : ms > INT32_MAX ? INT32_MAX : (int)ms;
}

/* ---- flush ---- */

/* By age whatever is due; by size the largest tables, so that small ones do not make small files
 * whenever a large one is full. */
static size_t choose(struct lake *l, bool is_asked, int64_t now)
{
    size_t chosen = 0;
    const size_t budget = l->config->lake.flush_bytes;
    const bool is_full = lake_bytes(l) >= budget;
    for (size_t i = 0; i < l->tables_n; i++) {
        struct lake_table *const t = &l->table[i];
        const bool is_large = is_full && table_bytes(l, t) * 2 * l->tables_n >= budget;
        t->is_chosen = is_asked ? t->behind_us != TIME_NONE : is_large || table_due_us(l, t) <= now;
        chosen += t->is_chosen;
    }
    return chosen;
}

static void part_reset(struct lake_part *p)
{
    if (p->fd >= 0 && ftruncate(p->fd, 0) != 0) {
        close(p->fd); /* memory only: a new one is made */
        p->fd = -1;
    }
    *p = (struct lake_part){.fd = p->fd, .from = p->from};
}

static void table_reset(struct lake *l, struct lake_table *t)
{
    for (size_t i = 0; i < l->lanes_n; i++) {
        part_reset(&t->part[i]);
    }
    t->behind_bytes = 0;
    t->oldest_us = t->behind_us = TIME_NONE;
}

/* Committed: each lane that was read stands where the commit was to move it, or beyond. */
static bool is_committed(const struct lake *l, const struct lake_table *t)
{
    for (size_t i = 0; i < l->lanes_n; i++) {
        const struct lake_lane *const lane = &l->lane[i];
        if (lane->is_begun && lake_feeds(lane->lane.stream, t->model) &&
            delta_txn(&t->log, lane->app) < (int64_t)lane->taken.at) {
            return false;
        }
    }
    return true;
}

/* From its newest snapshot, so that what replay left behind goes; as it was when that fails. */
static enum outcome read_anew(struct lake *l, struct lake_table *t, struct failure *f)
{
    struct arena arena;
    struct delta log;
    arena_init(&arena, TABLE_BYTES_MAX);
    const enum outcome result = delta_open(&arena, &l->files, str_of(t->model->name), &log, f);
    if (result != OK) {
        arena_close(&arena);
        return result;
    }
    arena_close(&t->arena);
    t->arena = arena;
    t->log = log;
    t->log.arena = &t->arena;
    return OK;
}

/* The log says what was committed, not the child: it may have died behind its commit. */
static enum outcome settle(struct lake *l, struct failure *f)
{
    enum outcome result = OK;
    for (size_t i = 0; i < l->tables_n && result == OK; i++) {
        struct lake_table *const t = &l->table[i];
        if (!t->is_chosen) {
            continue;
        }
        result = delta_update(&t->log, f);
        if (result == OK && is_committed(l, t)) {
            table_reset(l, t);
            settle_from(l, t);
            refuse_forget(l->refused, i);
        }
        if (result == OK && delta_wants_checkpoint(&t->log)) {
            result = read_anew(l, t, f);
        }
    }
    return result;
}

static enum outcome commit_work(void *to, struct failure *f)
{
    return lake_commit(to, f);
}

/* Dozens of syncs, which nobody who waits for a start has to wait for. */
static enum outcome make_tables(struct lake *l, struct failure *f)
{
    struct str table[LAKE_TABLES_MAX];
    enum outcome result = lake_create(l, f);
    for (size_t i = 0; i < l->tables_n && result == OK; i++) {
        settle_from(l, &l->table[i]);
        table[i] = l->table[i].log.table;
    }
    if (result == OK) {
        result = made_add(&l->made, l->arena, table, l->tables_n, bus_id(l->bus), f);
    }
    l->is_made = result == OK;
    arena_reset(&l->scratch);
    return result;
}

/* Looked at whenever one is written to: a commit would make the folder of a table that was taken
 * away anew, without what it held. */
static enum outcome are_there(struct lake *l, struct failure *f)
{
    enum outcome result = OK;
    for (size_t i = 0; i < l->tables_n && result == OK; i++) {
        result = delta_is_there(&l->table[i].log, f);
    }
    return result;
}

static enum outcome lake_driver_flush(struct persister *p, bool is_asked, struct failure *f)
{
    struct lake *const l = p->state;
    struct failure why;
    l->wall = persist_wall(p);
    const enum outcome ready = l->is_made ? are_there(l, f) : make_tables(l, f);
    if (ready != OK) {
        return ready;
    }
    if (choose(l, is_asked, clock_mono_us()) > 0) {
        const enum outcome made = child_run(commit_work, l, &l->watch, f);
        const enum outcome settled = settle(l, made == OK ? f : &why);
        arena_reset(&l->scratch);
        if (made != OK || settled != OK) {
            return made != OK ? made : settled;
        }
    }
    const enum outcome result = l->tidy_due_us <= clock_mono_us() ? tidy_run(l, f) : OK;
    tidy_plan(l);
    arena_reset(&l->scratch);
    return result;
}

static void lake_driver_drop(struct persister *p)
{
    struct lake *const l = p->state;
    struct failure ignored; /* the next commit replays again */
    for (size_t i = 0; i < l->tables_n; i++) {
        struct lake_table *const t = &l->table[i];
        table_reset(l, t);
        (void)delta_update(&t->log, &ignored);
        settle_from(l, t);
    }
    for (size_t i = 0; i < l->lanes_n; i++) {
        l->lane[i].is_begun = false;
    }
}

static void lake_driver_close(struct persister *p)
{
    struct lake *const l = p->state;
    for (size_t i = 0; i < l->tables_n; i++) {
        for (size_t k = 0; k < READER_LANES_MAX; k++) {
            if (l->table[i].part[k].fd >= 0) {
                close(l->table[i].part[k].fd); /* memory */
            }
        }
        arena_close(&l->table[i].arena);
    }
    if (l->lock_fd >= 0) {
        close(l->lock_fd);
    }
    refuse_close(l->refused);
    arena_close(&l->scratch);
}

const struct persister_driver persist_lake = {
    .name = "lake",
    .streams = STREAM_BIT(STREAM_RAW) | STREAM_BIT(STREAM_STANDARD) | STREAM_BIT(STREAM_MEASURED),
    .read_bytes_max = READ_BYTES_MAX,
    .refill = "put a newer copy of the lake in its place, or remove the tables' lines from "
              "lake.tables in the data folder to go on without them",
    .state_bytes = sizeof(struct lake),
    .open = lake_driver_open,
    .cursor = lake_driver_cursor,
    .done = lake_driver_done,
    .take = lake_driver_take,
    .due_ms = lake_driver_due_ms,
    .flush = lake_driver_flush,
    .drop = lake_driver_drop,
    .close = lake_driver_close,
};
