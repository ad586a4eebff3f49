/* What a replay covers, as SQL over the table raw, and its chunks: pieces that are transformed at
 * once. */
#include <inttypes.h>
#include <stdio.h>

#include "command/replay/replay.h"
#include "command/screen.h"
#include "signal/metric.h"

enum {
    CHUNK_BYTES = 32 << 20, /* of raw bodies: their facts are a few times that in memory */
    SQL_BYTES_MAX = 64 << 20,
};

/* How long before `from` a signal may have come that one in the range repeats. */
static int64_t warm_us(const struct replay *r)
{
    const int64_t keep_ms = r->config->repetitions.keep_ms;
    const int64_t from = r->plan.range.from_us;
    return from == INT64_MIN || keep_ms > INT64_MAX / 4000 || from < INT64_MIN / 2
               ? INT64_MIN
               : from - keep_ms * 1000;
}

/* Conditions on raw_facts: within the plan's cuts, received in [from_us, to), by the agent. */
static void add_range(struct buf *b, const struct replay *r, int64_t from_us)
{
    const struct plan *const p = &r->plan;
    replay_add_cuts(b, r);
    if (p->range.agent.len > 0) {
        buf_add(b, S(" AND agent = "));
        duck_add_literal(b, p->range.agent);
    }
    if (from_us != INT64_MIN) {
        buf_printf(b, " AND received_at >= make_timestamptz(%" PRId64 ")", from_us);
    }
    if (p->range.to_us != INT64_MAX) {
        buf_printf(b, " AND received_at < make_timestamptz(%" PRId64 ")", p->range.to_us);
    }
}

/* Signals that the configuration has a mapping for. Those of an agent that was taken out of it stay
 * what they were made: without a mapping all their rows would go. */
static void add_mapped(struct buf *b, const struct replay *r)
{
    const struct named_list *const agents = &r->config->agents;
    buf_printf(b, "(coalesce(event, '') = '%s'", metric_signal_type);
    for (size_t i = 0; i < agents->n; i++) {
        buf_add(b, S(" OR agent = "));
        duck_add_literal(b, agents->at[i].name);
    }
    buf_add_byte(b, ')');
}

/* Not as a comparison of rows: of two such DuckDB makes a BETWEEN, which it then refuses. The first
 * condition follows from the second, and lets whole files and row groups be skipped. */
static void add_bound(struct buf *b, const char *sign, const struct plan_chunk *c)
{
    buf_printf(b,
               " AND received_at %.1s= make_timestamptz(%" PRId64
               ") AND (received_at %.1s make_timestamptz(%" PRId64 ") OR lane %.1s '%.*s' OR (lane "
               "= '%.*s' AND position %s %" PRIu64 "))",
               sign, c->received_us, sign, c->received_us, sign, STR_ARG(c->lane), STR_ARG(c->lane),
               sign, c->position);
}

void replay_add_chunk(struct buf *b, const struct replay *r, size_t at)
{
    const struct plan *const p = &r->plan;
    add_range(b, r, warm_us(r));
    buf_add(b, S(" AND "));
    add_mapped(b, r);
    add_bound(b, ">=", &p->chunk[at]);
    if (at + 1 < p->chunks_n) {
        add_bound(b, "<", &p->chunk[at + 1]);
    }
}

static enum outcome tell_left_out(struct replay *r, struct failure *f)
{
    struct buf sql;
    struct duck_result answer;
    buf_init(&sql, r->arena, SQL_BYTES_MAX);
    buf_add(&sql, S("SELECT agent, count(*) FROM raw_facts WHERE "));
    add_range(&sql, r, r->plan.range.from_us);
    buf_add(&sql, S(" AND NOT "));
    add_mapped(&sql, r);
    buf_add(&sql, S(" GROUP BY agent ORDER BY agent"));
    buf_add_byte(&sql, '\0');
    const enum outcome result = duck_query(r->ask.duck, buf_str(&sql).at, &answer, f);
    while (result == OK && duck_next(&answer)) {
        screen_tell("agent \"%.*s\" is not in the configuration: what its %" PRId64
                    " signals gave stays as it is\n",
                    STR_ARG(duck_text(&answer, 0)), duck_i64(&answer, 1));
    }
    duck_result_close(&answer);
    return result;
}

enum outcome replay_plan_chunks(struct replay *r, struct failure *f)
{
    struct plan *const p = &r->plan;
    struct buf sql;
    struct duck_result answer;
    size_t room = 0;
    p->chunk = NULL;
    p->chunks_n = p->done = 0;
    buf_init(&sql, r->arena, SQL_BYTES_MAX);
    buf_printf(&sql,
               "SELECT received_at, lane, position FROM (SELECT *, row_number() OVER (PARTITION "
               "BY bucket ORDER BY received_at, lane, position) AS n FROM (SELECT received_at, "
               "lane, position, CAST(floor(sum(body_bytes + 1024) OVER (ORDER BY received_at, "
               "lane, position ROWS UNBOUNDED PRECEDING) / %d) AS BIGINT) AS bucket FROM "
               "raw_facts WHERE ",
               CHUNK_BYTES);
    add_range(&sql, r, warm_us(r));
    buf_add(&sql, S(" AND "));
    add_mapped(&sql, r);
    buf_add(&sql, S(")) WHERE n = 1 ORDER BY received_at, lane, position"));
    buf_add_byte(&sql, '\0');
    enum outcome result = duck_query(r->ask.duck, buf_str(&sql).at, &answer, f);
    while (result == OK && duck_next(&answer)) {
        p->chunk = arena_more(r->arena, p->chunk, p->chunks_n, &room, sizeof *p->chunk);
        p->chunk[p->chunks_n++] = (struct plan_chunk){duck_i64(&answer, 0),
                                                      arena_str(r->arena, duck_text(&answer, 1)),
                                                      (uint64_t)duck_i64(&answer, 2)};
    }
    duck_result_close(&answer);
    result = result == OK ? tell_left_out(r, f) : result;
    if (result == OK && p->earlier == 0) {
        result = replay_see_others(r, f);
        result = result == OK ? replay_tell_others(r, f) : result;
    }
    p->is_made = result == OK;
    return result == OK ? plan_write(r->arena, r->folder, p, f) : result;
}
