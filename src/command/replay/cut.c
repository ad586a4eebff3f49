/* Where a replay ends, and whose signals it takes: those of the streams of this data folder, and of
 * those that it had before they were made anew. What other weirs have put into the same lake is
 * theirs. */
#include <inttypes.h>
#include <stdio.h>

#include "command/flush.h"
#include "command/replay/replay.h"
#include "command/screen.h"
#include "persist/lake/made.h"

enum { FLUSH_MS = 600000, SQL_BYTES_MAX = 1 << 20 };
#define TABLE_BYTES_MAX ((size_t)2 << 30)

struct cuts {
    struct plan_cut *at;
    size_t n, room;
    bool is_more; /* something came since the cut before */
};

static bool has_cut(const struct plan_cut *cut, size_t n, const struct plan_cut *of, uint64_t *at)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq(cut[i].bus, of->bus) && str_eq(cut[i].lane, of->lane)) {
            *at = cut[i].at;
            return true;
        }
    }
    return false;
}

static void add_cut(const struct replay *r, struct cuts *cuts, struct plan_cut cut)
{
    (void)has_cut(r->plan.cut, r->plan.cuts_n, &cut, &cut.from);
    cuts->is_more = cuts->is_more || cut.at > cut.from;
    cuts->at = arena_more(r->arena, cuts->at, cuts->n, &cuts->room, sizeof *cuts->at);
    cuts->at[cuts->n++] = cut;
}

static enum outcome add_own(const struct replay *r, struct cuts *cuts, struct failure *f)
{
    struct lane_ends *ends = NULL;
    size_t n = 0;
    const enum outcome result = bus_ends(r->bus, r->arena, STREAM_RAW, &ends, &n, f);
    for (size_t i = 0; i < n && result == OK; i++) {
        add_cut(r, cuts, (struct plan_cut){bus_id(r->bus), ends[i].lane.name, 0, ends[i].end.at});
    }
    return result;
}

/* `weir/<bus id>/raw/<lane>`; false: it is no such. */
static bool read_app(struct str app, struct plan_cut *out)
{
    struct str rest;
    const struct str program = str_cut(app, '/', &rest);
    *out = (struct plan_cut){.bus = str_cut(rest, '/', &rest)};
    const struct str stream = str_cut(rest, '/', &out->lane);
    return str_eq(program, S("weir")) && str_eq(stream, S("raw")) && out->lane.len > 0;
}

/* Of earlier streams the lake holds what it ever will: up to their positions in its table. */
static enum outcome add_earlier(const struct replay *r, struct cuts *cuts, struct failure *f)
{
    const struct files files = files_at(r->config->lake.path);
    struct made made;
    struct delta log;
    struct arena a;
    arena_init(&a, TABLE_BYTES_MAX);
    enum outcome result = made_read(&a, r->config->data, &made, f);
    result = result == OK ? delta_open(&a, &files, S("raw"), &log, f) : result;
    for (size_t i = 0; result == OK && i < log.txns_n; i++) {
        struct plan_cut cut;
        uint64_t known = 0;
        if (read_app(log.txn[i].app, &cut) && made_has(&made, S("raw"), cut.bus) &&
            !has_cut(cuts->at, cuts->n, &cut, &known)) {
            add_cut(r, cuts,
                    (struct plan_cut){arena_str(r->arena, cut.bus), arena_str(r->arena, cut.lane),
                                      0, (uint64_t)log.txn[i].version});
        }
    }
    arena_close(&a);
    return result;
}

enum outcome replay_cut(struct replay *r, bool *is_more, struct failure *f)
{
    struct cuts cuts = {0};
    enum outcome result = add_own(r, &cuts, f);
    result = result == OK ? add_earlier(r, &cuts, f) : result;
    if (result != OK) {
        return result;
    }
    *is_more = cuts.is_more;
    r->plan.cut = cuts.at;
    r->plan.cuts_n = cuts.n;
    replay_show(r, "waiting until lake and store have everything received so far");
    result = flush_all(r->config, r->bus, FLUSH_MS, f);
    replay_show(r, "%s", "");
    return result;
}

void replay_add_cuts(struct buf *b, const struct replay *r)
{
    const struct plan *const p = &r->plan;
    buf_add(b, S("("));
    for (size_t i = 0; i < p->cuts_n; i++) {
        const struct plan_cut *const c = &p->cut[i];
        buf_add(b, i ? S(" OR (lane = ") : S("(lane = "));
        duck_add_literal(b, c->lane);
        buf_printf(
            b, " AND position >= %" PRIu64 " AND position < %" PRIu64 " AND (bus IS NULL OR bus = ",
            c->from, c->at);
        duck_add_literal(b, c->bus);
        buf_add(b, S("))"));
    }
    buf_add(b, p->cuts_n ? S(")") : S("false)"));
}

/* ---- the others' ---- */

/* Condition on raw_facts. */
static enum outcome add_is_others(struct buf *b, const struct replay *r, struct failure *f)
{
    struct made made;
    struct str *bus = NULL;
    const enum outcome result = made_read(r->arena, r->config->data, &made, f);
    const size_t n = result == OK ? made_buses(&made, r->arena, S("raw"), &bus) : 0;
    buf_add(b, S("bus NOT IN ("));
    duck_add_literal(b, bus_id(r->bus));
    for (size_t i = 0; i < n; i++) {
        buf_add(b, S(", "));
        duck_add_literal(b, bus[i]);
    }
    buf_add(b, S(")"));
    return result;
}

enum outcome replay_see_others(struct replay *r, struct failure *f)
{
    struct buf sql;
    buf_init(&sql, r->arena, SQL_BYTES_MAX);
    buf_add(&sql, S("CREATE OR REPLACE TEMP TABLE others AS SELECT raw, agent, received_at, bus "
                    "FROM raw_facts WHERE "));
    const enum outcome result = add_is_others(&sql, r, f);
    buf_add_byte(&sql, '\0');
    return result == OK ? duck_run(r->ask.duck, buf_str(&sql).at, f) : result;
}

enum outcome replay_tell_others(struct replay *r, struct failure *f)
{
    struct duck_result answer;
    const enum outcome result = duck_query(
        r->ask.duck, "SELECT bus, count(*) FROM others GROUP BY bus ORDER BY bus", &answer, f);
    while (result == OK && duck_next(&answer)) {
        const struct str bus = duck_text(&answer, 0);
        screen_tell("%" PRId64 " raw signals in the lake are of the streams %.*s, which are "
                    "another weir's: they are left out; if they were this one's, add the line "
                    "\"raw %.*s\" to %.*s/lake.tables\n",
                    duck_i64(&answer, 1), STR_ARG(bus), STR_ARG(bus), STR_ARG(r->config->data));
    }
    duck_result_close(&answer);
    return result;
}
