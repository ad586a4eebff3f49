/* Raw to facts: the plan's cuts and chunks, then chunk by chunk through the transform with an index
 * of repetitions of its own, each model's facts of a chunk in one Parquet file. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/asked.h"
#include "base/failpoint.h"
#include "base/file.h"
#include "base/hash.h"
#include "command/past.h"
#include "command/replay/replay.h"
#include "persist/lake/schema.h"
#include "transform/jq/jq.h"
#include "transform/repetitions.h"
#include "transform/transform.h"

enum {
    CHUNK_BYTES = 32 << 20, /* of raw bodies: their facts are a few times that in memory */
    SQL_BYTES_MAX = 64 << 20,
    LINES_BYTES_MAX = 1 << 30,
    DEAD_TOLD_MAX = 10,
};
#define CHUNK_ARENA_BYTES_MAX ((size_t)4 << 30)

struct making {
    struct replay *replay;
    struct repetitions *repetitions;
    struct jq_pool *pool;
    struct arena chunk, scratch;
    struct buf *lines; /* one a model */
    size_t *line_bytes_max;
    struct plan_counts counts;
};

static struct str end_sql(struct buf *b)
{
    buf_add_byte(b, '\0');
    return buf_str(b);
}

/* ---- the plan ---- */

/* How long before `from` a signal may have come that one in the range repeats. */
static int64_t warm_us(const struct replay *r)
{
    const int64_t keep_ms = r->config->repetitions.keep_ms;
    const int64_t from = r->plan.range.from_us;
    return from == INT64_MIN || keep_ms > INT64_MAX / 4000 || from < INT64_MIN / 2
               ? INT64_MIN
               : from - keep_ms * 1000;
}

/* Conditions on raw_facts: before the cut, by the agent, received in [from_us, to). */
static void add_range(struct buf *b, const struct replay *r, int64_t from_us)
{
    const struct plan *const p = &r->plan;
    buf_add(b, S("("));
    for (size_t i = 0; i < p->cuts_n; i++) {
        buf_printf(b, "%s(lane = '%.*s' AND position < %" PRIu64 ")", i ? " OR " : "",
                   STR_ARG(p->cut[i].lane), p->cut[i].at);
    }
    buf_add(b, p->cuts_n ? S(")") : S("false)"));
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

enum outcome replay_ask(struct replay *r, struct failure *f)
{
    struct buf sql;
    ask_close(&r->ask);
    buf_init(&sql, r->arena, SQL_BYTES_MAX);
    for (size_t i = 0; i < model_all_n; i++) {
        buf_printf(&sql, "%s ", model_all[i]->name);
    }
    enum outcome result = ask_open(&r->ask, r->arena, r->config, r->bus, buf_str(&sql), f);
    if (result == OK) {
        buf_init(&sql, r->arena, SQL_BYTES_MAX);
        buf_add(&sql, S("CREATE TEMP TABLE replayed AS SELECT raw, agent, received_at FROM "
                        "raw_facts WHERE "));
        add_range(&sql, r, r->plan.range.from_us);
        result = duck_run(r->ask.duck, end_sql(&sql).at, f);
    }
    return result;
}

static enum outcome plan_chunks(struct replay *r, struct failure *f)
{
    struct plan *const p = &r->plan;
    struct buf sql;
    struct duck_result answer;
    size_t room = 0;
    buf_init(&sql, r->arena, SQL_BYTES_MAX);
    buf_printf(&sql,
               "SELECT received_at, lane, position FROM (SELECT *, row_number() OVER (PARTITION "
               "BY bucket ORDER BY received_at, lane, position) AS n FROM (SELECT received_at, "
               "lane, position, CAST(floor(sum(body_bytes + 1024) OVER (ORDER BY received_at, "
               "lane, position ROWS UNBOUNDED PRECEDING) / %d) AS BIGINT) AS bucket FROM "
               "raw_facts WHERE ",
               CHUNK_BYTES);
    add_range(&sql, r, warm_us(r));
    buf_add(&sql, S(")) WHERE n = 1 ORDER BY received_at, lane, position"));
    const enum outcome result = duck_query(r->ask.duck, end_sql(&sql).at, &answer, f);
    while (result == OK && duck_next(&answer)) {
        p->chunk = arena_more(r->arena, p->chunk, p->chunks_n, &room, sizeof *p->chunk);
        p->chunk[p->chunks_n++] = (struct plan_chunk){duck_i64(&answer, 0),
                                                      arena_str(r->arena, duck_text(&answer, 1)),
                                                      (uint64_t)duck_i64(&answer, 2)};
    }
    duck_result_close(&answer);
    p->is_made = result == OK;
    return result == OK ? plan_write(r->arena, r->folder, p, f) : result;
}

/* ---- one signal ---- */

static size_t index_of(const struct model *m)
{
    size_t i = 0;
    while (i < model_all_n && model_all[i] != m) {
        i++;
    }
    return i;
}

static void keep_facts(struct making *m, const struct transform_out *out)
{
    for (size_t i = 0; i < out->facts_n; i++) {
        const struct str line = out->fact[i].data;
        const size_t at = index_of(fact_model(&out->fact[i]));
        if (at < model_all_n) {
            buf_add(&m->lines[at], line);
            buf_add_byte(&m->lines[at], '\n');
            m->line_bytes_max[at] = line.len > m->line_bytes_max[at] ? line.len
                                                                     : m->line_bytes_max[at];
        }
    }
}

static void tell_dead(struct making *m, const struct past *past, const struct failure *why)
{
    if (m->replay->plan.counts.dead + m->counts.dead++ < DEAD_TOLD_MAX) {
        (void)fprintf(stderr, "dead under the present mappings: raw/%.*s: %s %s\n",
                      STR_ARG(past->at), why->pointer, why->text);
    }
}

static enum outcome make_one(struct making *m, const struct past *past, struct failure *f)
{
    struct transform_out out = {.arena = &m->chunk};
    const struct signal *const raw = &past->signal;
    const bool is_in = raw->received_us >= m->replay->plan.range.from_us;
    const struct sighting here = {
        .lane = {STREAM_RAW, past->lane}, .at = {past->position}, .body = hash_64(raw->data, 0)};
    const enum known known = repetitions_find(m->repetitions, raw, &here);
    if (past_is_passed(past) || known == KNOWN_REPETITION || known == KNOWN_CONFLICT) {
        m->counts.ignored += is_in;
        return OK;
    }
    const struct transform_in in = {.raw = raw,
                                    .raw_at = past->at,
                                    .config = m->replay->config,
                                    .arena = &m->scratch,
                                    .pool = m->pool};
    m->scratch.bytes_max = transform_scratch_bytes(raw);
    transform_signal(&in, &out);
    arena_reset(&m->scratch);
    if (out.fate == FATE_LATER) {
        return failed(f, RETRY, "%s", out.why.text);
    }
    if (is_in && out.fate == FATE_DEAD) {
        tell_dead(m, past, &out.why);
    }
    if (is_in && out.fate == FATE_STORED) {
        keep_facts(m, &out);
    }
    m->counts.stored += is_in && out.fate == FATE_STORED;
    m->counts.unmapped += is_in && out.fate == FATE_UNMAPPED;
    m->counts.ignored += is_in && out.fate == FATE_IGNORED;
    return out.fate == FATE_STORED && known == KNOWN_NOT
               ? repetitions_put(m->repetitions, raw, &here, raw->received_us, f)
               : OK;
}

/* ---- one chunk ---- */

static void add_bound(struct buf *b, const char *sign, const struct plan_chunk *c)
{
    buf_printf(b,
               " AND (received_at, lane, position) %s (make_timestamptz(%" PRId64
               "), '%.*s', %" PRIu64 ")",
               sign, c->received_us, STR_ARG(c->lane), c->position);
}

static enum outcome transform_chunk(struct making *m, size_t at, struct failure *f)
{
    const struct replay *const r = m->replay;
    const struct plan *const p = &r->plan;
    struct buf sql;
    struct duck_result answer;
    buf_init(&sql, &m->chunk, SQL_BYTES_MAX);
    buf_printf(&sql, "SELECT %s FROM raw_facts WHERE ", past_columns);
    add_range(&sql, r, warm_us(r));
    add_bound(&sql, ">=", &p->chunk[at]);
    if (at + 1 < p->chunks_n) {
        add_bound(&sql, "<", &p->chunk[at + 1]);
    }
    buf_add(&sql, S(" ORDER BY received_at, lane, position"));
    enum outcome result = duck_query(r->ask.duck, end_sql(&sql).at, &answer, f);
    while (result == OK && duck_next(&answer)) {
        struct past past;
        result = past_read(&m->chunk, &answer, &past, f);
        result = result == OK ? make_one(m, &past, f) : result;
    }
    duck_result_close(&answer);
    return result;
}

static enum outcome sync_file(const char *path, struct failure *f)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const enum outcome result = fd < 0 ? failed_errno(f, RETRY, "open %s", path)
                                       : file_sync(fd, path, f);
    if (fd >= 0) {
        close(fd); /* read alone */
    }
    return result;
}

/* `<folder>/<model>/<chunk>.parquet`; made again it has the same rows. */
static enum outcome write_model(struct making *m, size_t at, size_t model, struct failure *f)
{
    const struct str root = m->replay->folder;
    const char *const name = model_all[model]->name;
    const struct str folder = arena_printf(&m->chunk, "%.*s/%s", STR_ARG(root), name);
    const struct str lines = arena_printf(&m->chunk, "%.*s/lines.json", STR_ARG(root));
    const struct str file = arena_printf(&m->chunk, "%.*s/%06zu.parquet", STR_ARG(folder), at);
    struct buf sql;
    if (buf_is_over(&m->lines[model])) {
        return failed(f, STOP, "the facts of %s in one chunk exceed %d bytes", name,
                      LINES_BYTES_MAX);
    }
    enum outcome result = file_make_dirs(folder.at, f);
    result = result == OK ? file_replace(lines.at, buf_str(&m->lines[model]), 0600, f) : result;
    buf_init(&sql, &m->chunk, SQL_BYTES_MAX);
    buf_add(&sql, S("COPY (SELECT * FROM read_json("));
    duck_add_literal(&sql, lines);
    buf_printf(&sql, ", format = 'newline_delimited', maximum_object_size = %zu, columns = ",
               m->line_bytes_max[model] + 1024);
    schema_add_columns(&sql, model_all[model]);
    buf_add(&sql, S(")) TO "));
    duck_add_literal(&sql, file);
    buf_add(&sql, S(" (FORMAT parquet, COMPRESSION zstd)"));
    result = result == OK ? duck_run(m->replay->ask.duck, end_sql(&sql).at, f) : result;
    result = result == OK ? sync_file(file.at, f) : result;
    return result == OK ? file_sync_dir(folder.at, f) : result;
}

static enum outcome make_chunk(struct making *m, size_t at, struct failure *f)
{
    struct plan *const p = &m->replay->plan;
    m->counts = (struct plan_counts){0};
    m->lines = arena_array(&m->chunk, struct buf, model_all_n);
    m->line_bytes_max = arena_array(&m->chunk, size_t, model_all_n);
    for (size_t i = 0; i < model_all_n; i++) {
        buf_init(&m->lines[i], &m->chunk, LINES_BYTES_MAX);
    }
    enum outcome result = transform_chunk(m, at, f);
    for (size_t i = 0; i < model_all_n && result == OK; i++) {
        result = m->lines[i].len > 0 ? write_model(m, at, i, f) : OK;
    }
    FAILPOINT("replay.made");
    result = result == OK ? repetitions_sync(m->repetitions, f) : result;
    if (result == OK) {
        p->done = at + 1;
        p->counts.stored += m->counts.stored;
        p->counts.dead += m->counts.dead;
        p->counts.unmapped += m->counts.unmapped;
        p->counts.ignored += m->counts.ignored;
        result = plan_write(&m->chunk, m->replay->folder, p, f);
    }
    FAILPOINT("replay.chunk");
    arena_reset(&m->chunk);
    return result;
}

enum outcome replay_make(struct replay *r, struct failure *f)
{
    struct making m = {.replay = r, .pool = jq_pool_open(r->arena)};
    const struct str index = arena_printf(r->arena, "%.*s/repetitions", STR_ARG(r->folder));
    enum outcome result = r->plan.is_made ? OK : plan_chunks(r, f);
    result = result == OK ? repetitions_open(r->arena, index, bus_id(r->bus),
                                             &r->config->repetitions, &m.repetitions, f)
                          : result;
    if (result != OK) {
        return result;
    }
    arena_init(&m.chunk, CHUNK_ARENA_BYTES_MAX);
    arena_init(&m.scratch, 0); /* each signal brings its ceiling */
    for (size_t i = r->plan.done; i < r->plan.chunks_n && result == OK; i++) {
        replay_show(r, "chunk %zu of %zu", i + 1, r->plan.chunks_n);
        result = asked_to_stop() ? failed(f, RETRY,
                                          "stopped at chunk %zu of %zu: the same command "
                                          "goes on there",
                                          i + 1, r->plan.chunks_n)
                                 : make_chunk(&m, i, f);
    }
    arena_close(&m.scratch);
    arena_close(&m.chunk);
    repetitions_close(m.repetitions);
    return result;
}
