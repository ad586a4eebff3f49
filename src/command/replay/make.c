/* Raw to facts, chunk by chunk through the transform with an index of repetitions of its own; each
 * model's facts of a chunk in one Parquet file. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/asked.h"
#include "base/failpoint.h"
#include "base/file.h"
#include "command/past.h"
#include "command/replay/replay.h"
#include "command/screen.h"
#include "persist/lake/lake.h"
#include "persist/lake/schema.h"
#include "transform/content.h"
#include "transform/repetitions.h"
#include "transform/transform.h"
#include "wire/jq/jq.h"

enum {
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
        const size_t at = index_of(fact_model(&out->fact[i]));
        if (at < model_all_n) {
            struct buf *const lines = &m->lines[at];
            const size_t before = lines->len;
            lake_add_fact(lines, model_all[at], out->fact[i].data);
            buf_add_byte(lines, '\n');
            const size_t line = lines->len - before;
            m->line_bytes_max[at] = line > m->line_bytes_max[at] ? line : m->line_bytes_max[at];
        }
    }
}

static void tell_dead(struct making *m, const struct past *past, const struct failure *why)
{
    if (m->replay->plan.counts.dead + m->counts.dead++ < DEAD_TOLD_MAX) {
        screen_tell("dead under the present mappings: raw/%.*s: %s %s\n", STR_ARG(past->at),
                    why->pointer, why->text);
    }
}

static enum outcome make_one(struct making *m, const struct past *past, struct failure *f)
{
    struct transform_out out = {.arena = &m->chunk};
    const struct signal *const raw = &past->signal;
    const bool is_in = raw->received_us >= m->replay->plan.range.from_us;
    struct sighting here = {.lane = {STREAM_RAW, past->lane}, .at = {past->position}};
    m->scratch.bytes_max = transform_scratch_bytes(raw);
    const enum outcome hashed = content_hash(&m->scratch, raw, &here.body, f);
    arena_reset(&m->scratch);
    if (hashed != OK) {
        return hashed;
    }
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

static enum outcome transform_chunk(struct making *m, size_t at, struct failure *f)
{
    const struct replay *const r = m->replay;
    struct buf sql;
    struct duck_result answer;
    buf_init(&sql, &m->chunk, SQL_BYTES_MAX);
    buf_printf(&sql, "SELECT %s FROM raw_facts WHERE ", past_columns);
    replay_add_chunk(&sql, r, at);
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

/* `<folder>/<name>/<chunk>.parquet`; made again it has the same rows. */
static enum outcome write_file(struct making *m, size_t at, const char *name, struct str select,
                               struct failure *f)
{
    const struct replay *const r = m->replay;
    const struct str folder = arena_printf(&m->chunk, "%.*s/%s", STR_ARG(r->folder), name);
    const struct str file = arena_printf(&m->chunk, "%.*s/%06zu.parquet", STR_ARG(folder),
                                         r->plan.earlier + at);
    struct buf sql;
    enum outcome result = file_make_dirs(folder.at, f);
    buf_init(&sql, &m->chunk, SQL_BYTES_MAX);
    buf_add(&sql, S("COPY ("));
    buf_add(&sql, select);
    buf_add(&sql, S(") TO "));
    duck_add_literal(&sql, file);
    buf_add(&sql, S(" (FORMAT parquet, COMPRESSION zstd)"));
    result = result == OK ? duck_run(r->ask.duck, end_sql(&sql).at, f) : result;
    result = result == OK ? sync_file(file.at, f) : result;
    return result == OK ? file_sync_dir(folder.at, f) : result;
}

/* Which signals the chunk was made of: their live facts are those that go, whatever the lake has
 * forgotten, or got, by the time of the switch. */
static enum outcome write_replayed(struct making *m, size_t at, struct failure *f)
{
    const struct replay *const r = m->replay;
    const int64_t from_us = r->plan.range.from_us;
    struct buf sql;
    buf_init(&sql, &m->chunk, SQL_BYTES_MAX);
    buf_add(&sql, S("SELECT raw, agent, received_at FROM raw_facts WHERE "));
    replay_add_chunk(&sql, r, at);
    if (from_us != INT64_MIN) {
        buf_printf(&sql, " AND received_at >= make_timestamptz(%" PRId64 ")", from_us);
    }
    return write_file(m, at, "replayed", buf_str(&sql), f);
}

static enum outcome write_model(struct making *m, size_t at, size_t model, struct failure *f)
{
    const char *const name = model_all[model]->name;
    const struct str lines = arena_printf(&m->chunk, "%.*s/lines.json", STR_ARG(m->replay->folder));
    struct buf sql;
    if (buf_is_over(&m->lines[model])) {
        return failed(f, STOP, "the facts of %s in one chunk exceed %d bytes", name,
                      LINES_BYTES_MAX);
    }
    const enum outcome result = file_replace(lines.at, buf_str(&m->lines[model]), 0600, f);
    buf_init(&sql, &m->chunk, SQL_BYTES_MAX);
    buf_add(&sql, S("SELECT * FROM read_json("));
    duck_add_literal(&sql, duck_pattern(&m->chunk, lines));
    buf_printf(&sql, ", format = 'newline_delimited', maximum_object_size = %zu, columns = ",
               m->line_bytes_max[model] + 1024);
    schema_add_columns(&sql, model_all[model]);
    buf_add_byte(&sql, ')');
    return result == OK ? write_file(m, at, name, buf_str(&sql), f) : result;
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
    result = result == OK ? write_replayed(m, at, f) : result;
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
    enum outcome result = r->plan.is_made ? OK : replay_plan_chunks(r, f);
    result = result == OK ? repetitions_open(r->arena, index, bus_id(r->bus),
                                             &r->config->repetitions, &m.repetitions, f)
                          : result;
    if (result != OK) {
        return result;
    }
    /* as received, less what a wrong clock has put into the future */
    repetitions_clock(m.repetitions, &(struct wall_time){.now_us = clock_now_us()});
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
    return result == OK ? replay_see(r, f) : result;
}
