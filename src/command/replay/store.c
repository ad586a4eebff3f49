/* The store's part of the switch. A second store is made of all facts, catches up with the streams
 * while the live one goes on, and gives its rows to the live one in a transaction that holds the
 * live one's cursors where they are. Where the live one stands at what the streams have forgotten
 * (is_refill), it takes the second one's cursors, too: its writer finds itself fenced, and goes on
 * from there. */
#include <inttypes.h>
#include <stdio.h>

#include "base/asked.h"
#include "base/failpoint.h"
#include "command/replay/replay.h"
#include "command/row_read.h"
#include "command/screen.h"
#include "persist/persister.h"
#include "persist/store.h"
#include "persist/store/pending.h"

enum {
    PART_FACTS = 10000, /* folded at once; a key's facts are all in one part */
    SQL_BYTES_MAX = 64 << 20,
    LOOK_BYTES = 4 << 20,
};
#define PART_BYTES_MAX ((size_t)4 << 30)

struct second {
    struct replay *replay;
    struct store *live;
    struct config config; /* the live one's, with the second store's place */
    struct persister p;   /* the store's own persister over the second store */
    struct arena arena;   /* of one part, or of one look at the streams */
};

static struct str end_sql(struct buf *b)
{
    buf_add_byte(b, '\0');
    return buf_str(b);
}

/* ---- rows out of facts ---- */

static void add_keys(struct buf *b, const struct model *m)
{
    const char *sign = "";
    for (size_t i = 0; i < m->columns_n; i++) {
        if (m->columns[i].rule == FOLD_KEY) {
            buf_printf(b, "%s\"%s\"", sign, m->columns[i].name);
            sign = ", ";
        }
    }
}

/* All facts in the order of their keys, once: what does not fit into memory goes to the disk. */
static enum outcome sort_facts(struct second *s, const struct model *m, struct failure *f)
{
    struct buf sql;
    buf_init(&sql, &s->arena, SQL_BYTES_MAX);
    buf_add(&sql, S("CREATE OR REPLACE TEMP TABLE sorted AS SELECT * FROM ("));
    replay_add_facts(&sql, s->replay, m, NULL);
    buf_add(&sql, S(") AS facts WHERE "));
    replay_add_not_of(&sql, "facts", "others"); /* a store has its own weir's rows */
    buf_add(&sql, S(" ORDER BY "));
    add_keys(&sql, m);
    return duck_run(s->replay->ask.duck, end_sql(&sql).at, f);
}

struct part {
    int64_t from, to; /* rows of the table `sorted` */
};

/* About PART_FACTS each, cut where a key ends. */
static enum outcome find_parts(struct second *s, const struct model *m, struct part **out,
                               size_t *n, struct failure *f)
{
    struct buf sql;
    struct duck_result answer;
    size_t room = 0;
    struct arena *const a = s->replay->arena;
    buf_init(&sql, &s->arena, SQL_BYTES_MAX);
    buf_add(&sql, S("WITH edge AS (SELECT DISTINCT "));
    add_keys(&sql, m);
    buf_printf(&sql,
               " FROM sorted WHERE rowid %% %d = 0), first AS (SELECT min(sorted.rowid) AS begins "
               "FROM sorted JOIN edge USING (",
               PART_FACTS);
    add_keys(&sql, m);
    buf_add(&sql, S(") GROUP BY "));
    add_keys(&sql, m);
    buf_add(
        &sql,
        S(") SELECT begins, lead(begins, 1, (SELECT count(*) FROM sorted)) OVER (ORDER BY begins) "
          "FROM first ORDER BY begins"));
    const enum outcome result = duck_query(s->replay->ask.duck, end_sql(&sql).at, &answer, f);
    *n = 0;
    while (result == OK && duck_next(&answer)) {
        *out = arena_more(a, *out, *n, &room, sizeof **out);
        (*out)[(*n)++] = (struct part){duck_i64(&answer, 0), duck_i64(&answer, 1)};
    }
    duck_result_close(&answer);
    return result;
}

static struct str part_sql(struct second *s, const struct model *m, const struct part *part)
{
    struct buf sql;
    buf_init(&sql, &s->arena, SQL_BYTES_MAX);
    row_read_select(&sql, m, column_is_in_fact);
    buf_printf(&sql, " FROM sorted WHERE rowid >= %" PRId64 " AND rowid < %" PRId64, part->from,
               part->to);
    return end_sql(&sql);
}

static enum outcome put_part(struct second *s, struct store *to, const struct model *m,
                             struct str sql, struct failure *f)
{
    struct duck_result answer;
    struct pending pending = {.model = m};
    const struct batch none = {0};
    size_t left_out = 0;
    enum outcome result = duck_query(s->replay->ask.duck, sql.at, &answer, f);
    while (result == OK && duck_next(&answer)) {
        struct row fact;
        result = row_read(&s->arena, &answer, m, column_is_in_fact, &fact, f);
        if (result == OK && pending_fold(&s->arena, &pending, &fact, f) != OK) {
            left_out++;
        }
    }
    if (left_out > 0) {
        screen_tell("left out of the store: %zu facts, since %s\n", left_out, f->text);
    }
    duck_result_close(&answer);
    if (result != OK || pending.n == 0) {
        return result;
    }
    const struct rows rows = pending_rows(&s->arena, &pending);
    for (size_t i = 0; i < rows.n; i++) {
        fold_finish(&s->arena, &rows.row[i]);
    }
    return to->driver->put(to, &rows, 1, &none, f);
}

static enum outcome put_model(struct second *s, struct store *to, const struct model *m,
                              struct failure *f)
{
    struct part *part = NULL;
    size_t n = 0;
    replay_show(s->replay, "store: sorting %s", m->name);
    enum outcome result = sort_facts(s, m, f);
    result = result == OK ? find_parts(s, m, &part, &n, f) : result;
    for (size_t i = 0; i < n && result == OK; i++) {
        replay_show(s->replay, "store: %s %zu of %zu", m->name, i + 1, n);
        arena_reset(&s->arena);
        result = asked_to_stop()
                     ? failed(f, RETRY, "stopped: nothing was switched; the same command goes on")
                     : put_part(s, to, m, part_sql(s, m, &part[i]), f);
    }
    arena_reset(&s->arena);
    arena_give_back();
    return result;
}

/* Where the streams stood before the engine looked at them. Of standard it saw all up to the end;
 * measured is short, and all that it still held is taken again. */
struct stand {
    struct lane_ends *standard, *measured;
    size_t standard_n, measured_n;
};

static enum outcome take_stand(struct second *s, struct stand *out, struct failure *f)
{
    struct replay *const r = s->replay;
    const enum outcome result = bus_ends(r->bus, r->arena, STREAM_STANDARD, &out->standard,
                                         &out->standard_n, f);
    return result == OK
               ? bus_ends(r->bus, r->arena, STREAM_MEASURED, &out->measured, &out->measured_n, f)
               : result;
}

static enum outcome set_cursors(struct second *s, struct store *to, const struct stand *stand,
                                struct failure *f)
{
    struct batch batch = {
        .slice = arena_array(&s->arena, struct slice, stand->standard_n + stand->measured_n)};
    for (size_t i = 0; i < stand->standard_n; i++) {
        const struct lane_ends *const ends = &stand->standard[i];
        batch.slice[batch.n++] = (struct slice){.lane = ends->lane, .to = ends->end};
    }
    for (size_t i = 0; i < stand->measured_n; i++) {
        const struct lane_ends *const ends = &stand->measured[i];
        batch.slice[batch.n++] = (struct slice){.lane = ends->lane, .to = ends->begin};
    }
    return to->driver->put(to, NULL, 0, &batch, f);
}

static enum outcome fill(struct second *s, struct failure *f)
{
    struct replay *const r = s->replay;
    struct store *to = NULL;
    struct stand stand = {0};
    /* model by model, from here to the end of the switch: what the engine keeps of one model's
     * files would be its whole limit before the next one is sorted */
    r->ask.reads_once = true;
    /* the ends first, then the engine that sees at least as much: what is taken twice folds */
    enum outcome result = take_stand(s, &stand, f);
    result = result == OK ? replay_ask(r, f) : result;
    result = result == OK ? replay_see_others(r, f) : result;
    result = result == OK && r->is_refill ? replay_tell_others(r, f) : result;
    if (result == OK) {
        result = store_open(r->arena, &s->config, bus_id(r->bus), &to, f);
    }
    for (size_t i = 0; i < model_all_n && result == OK; i++) {
        result = model_all[i]->is_stored ? put_model(s, to, model_all[i], f) : OK;
    }
    result = result == OK ? set_cursors(s, to, &stand, f) : result;
    store_close(to);
    return result;
}

/* ---- catching up ---- */

/* What a person sent again to another stage is not for the store. */
static void keep_own(struct slice *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        const struct str stage = s->record[i].signal.stage;
        if (stage.len == 0 || str_eq(stage, S("store"))) {
            s->record[n++] = s->record[i];
        }
    }
    s->n = n;
}

/* What the store can't keep, the live one has buried. */
static enum outcome take(struct second *s, struct batch *batch, struct failure *f)
{
    struct rejects rejects = {.arena = &s->arena};
    keep_own(&batch->slice[0]);
    const enum outcome result = s->p.driver->take(&s->p, batch, &rejects, f);
    return result == OK ? s->p.driver->flush(&s->p, true, f) : result;
}

static enum outcome catch_up_lane(struct second *s, const struct lane_ends *lane, struct failure *f)
{
    struct position from = {0};
    enum outcome result = s->p.driver->cursor(&s->p, lane->lane, &from, f);
    if (result == OK && from.at > 0 && from.at < lane->begin.at) {
        result = failed(f, RETRY,
                        "%s/%.*s forgot meanwhile what the new store has yet to take: nothing was "
                        "switched; the same command goes on",
                        stream_name(lane->lane.stream), STR_ARG(lane->lane.name));
    }
    from.at = from.at < lane->begin.at ? lane->begin.at : from.at;
    while (result == OK && from.at < lane->end.at) {
        struct batch batch = {.arena = &s->arena};
        arena_reset(&s->arena);
        result = bus_look(s->replay->bus, (struct span){lane->lane, from, lane->end}, LOOK_BYTES,
                          &batch, f);
        if (result != OK || batch.n == 0 || batch.slice[0].to.at <= from.at) {
            break;
        }
        from = batch.slice[0].to;
        result = take(s, &batch, f);
    }
    return result;
}

/* Up to the ends of the streams now. */
static enum outcome catch_up(void *of, struct failure *f)
{
    struct second *const s = of;
    static const enum stream streams[] = {STREAM_STANDARD, STREAM_MEASURED};
    enum outcome result = OK;
    for (size_t k = 0; k < sizeof streams / sizeof *streams && result == OK; k++) {
        struct lane_ends *ends = NULL;
        size_t n = 0;
        result = bus_ends(s->replay->bus, s->replay->arena, streams[k], &ends, &n, f);
        for (size_t i = 0; i < n && result == OK; i++) {
            result = catch_up_lane(s, &ends[i], f);
        }
    }
    return result;
}

/* ---- the switch ---- */

static enum outcome open_persister(struct second *s, struct failure *f)
{
    struct arena *const a = s->replay->arena;
    s->p = (struct persister){
        .driver = &persist_store, .config = &s->config, .bus = s->replay->bus, .arena = a};
    s->p.state = arena_alloc(a, 1, persist_store.state_bytes);
    const enum outcome result = progress_open(a, s->replay->folder, S("store"), &s->p.progress, f);
    return result == OK ? s->p.driver->open(&s->p, f) : result;
}

/* The live store may be gone: then it is made, empty. */
static enum outcome open_both(struct second *s, struct failure *f)
{
    const struct replay *const r = s->replay;
    const enum outcome result = store_open(r->arena, r->config, bus_id(r->bus), &s->live, f);
    return result == OK ? s->live->driver->second(s->live, r->folder, &s->config.store, f) : result;
}

enum outcome replay_switch_store(struct replay *r, struct failure *f)
{
    struct second s = {.replay = r, .config = *r->config};
    const struct store_second by = {&s.config.store, r->is_refill, catch_up, &s};
    arena_init(&s.arena, PART_BYTES_MAX);
    enum outcome result = open_both(&s, f);
    result = result == OK ? fill(&s, f) : result;
    FAILPOINT("replay.filled");
    if (result == OK) {
        result = open_persister(&s, f);
        result = result == OK ? catch_up(&s, f) : result; /* most of it, while nobody waits */
        result = result == OK ? s.live->driver->replace(s.live, &by, f) : result;
        s.p.driver->close(&s.p);
        progress_close(s.p.progress);
    }
    FAILPOINT("replay.switched");
    store_close(s.live);
    arena_close(&s.arena);
    return result;
}

/* ---- before the switch ---- */

struct stored {
    const struct model *model;
    uint64_t now;
};

static enum outcome count_stored(struct replay *r, struct stored *out, size_t *n, struct failure *f)
{
    struct store *store = NULL;
    enum outcome result = store_look(r->arena, r->config, bus_id(r->bus), &store, f);
    *n = 0;
    for (size_t i = 0; store && i < model_all_n && result == OK; i++) {
        if (model_all[i]->is_stored) {
            out[*n].model = model_all[i];
            result = store->driver->rows(store, model_all[i], &out[*n].now, f);
            (*n)++;
        }
    }
    store_close(store);
    return result;
}

/* *is_told: whose signals are left out. */
static enum outcome tell_fewer(struct replay *r, const struct stored *of, bool *is_told,
                               struct failure *f)
{
    struct buf sql;
    struct duck_result answer;
    buf_init(&sql, r->arena, SQL_BYTES_MAX);
    buf_add(&sql, S("SELECT count(*) FROM (SELECT DISTINCT "));
    add_keys(&sql, of->model);
    buf_add(&sql, S(" FROM ("));
    replay_add_facts(&sql, r, of->model, NULL);
    buf_add(&sql, S(") AS facts WHERE "));
    replay_add_not_of(&sql, "facts", "others");
    buf_add(&sql, S(")"));
    enum outcome result = duck_query(r->ask.duck, end_sql(&sql).at, &answer, f);
    const uint64_t then = result == OK && duck_next(&answer) ? (uint64_t)duck_i64(&answer, 0)
                                                             : UINT64_MAX;
    duck_result_close(&answer);
    if (result != OK || then >= of->now) {
        return result;
    }
    result = *is_told ? OK : replay_tell_others(r, f);
    *is_told = true;
    screen_tell("in the store, %s has %" PRIu64 " rows now, and then %" PRIu64 "\n",
                of->model->name, of->now, then);
    return result;
}

enum outcome replay_tell_store(struct replay *r, struct failure *f)
{
    struct stored *const stored = arena_array(r->arena, struct stored, model_all_n);
    struct duck_result answer;
    size_t n = 0;
    bool has_others = false, is_told = false;
    enum outcome result = replay_see_others(r, f);
    result = result == OK ? duck_query(r->ask.duck, "SELECT 1 FROM others LIMIT 1", &answer, f)
                          : result;
    if (result == OK) {
        has_others = duck_next(&answer);
        duck_result_close(&answer);
    }
    if (result != OK || !has_others) {
        return result;
    }
    /* the store first, then the engine that sees at least what it has */
    result = count_stored(r, stored, &n, f);
    result = result == OK ? replay_ask(r, f) : result;
    result = result == OK ? replay_see_others(r, f) : result;
    for (size_t i = 0; i < n && result == OK; i++) {
        result = tell_fewer(r, &stored[i], &is_told, f);
    }
    return result;
}
