/* The lake's part of the switch: a commit a table, made when the new files are durable. */
#include <inttypes.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "command/replay/replay.h"
#include "persist/lake/stage.h"

enum { SQL_BYTES_MAX = 64 << 20, ACTIONS_BYTES_MAX = 256 << 20, TRIES_MAX = 20, DAYS_AT_ONCE = 16 };
#define TABLE_BYTES_MAX ((size_t)2 << 30)

static size_t live_paths(struct arena *a, const struct delta *log, struct str **out)
{
    size_t n = 0;
    *out = arena_array(a, struct str, log->files_n);
    for (size_t i = 0; i < log->files_n; i++) {
        if (!log->file[i].removed_ms) {
            (*out)[n++] = log->file[i].path;
        }
    }
    return n;
}

static enum outcome run(struct replay *r, struct buf *sql, struct failure *f)
{
    buf_add_byte(sql, '\0');
    return duck_run(r->ask.duck, buf_str(sql).at, f);
}

/* All facts as they will be, in the order of their days, once: what does not fit into memory goes
 * to the disk. */
static enum outcome sort_facts(struct replay *r, struct arena *a, const struct model *m,
                               const struct delta *log, struct failure *f)
{
    struct buf sql;
    buf_init(&sql, a, SQL_BYTES_MAX);
    buf_add(&sql, S("CREATE OR REPLACE TEMP TABLE sorted AS SELECT * FROM ("));
    replay_add_facts(&sql, r, m, log);
    buf_add(&sql, S(") AS facts ORDER BY fact_at"));
    return run(r, &sql, f);
}

static enum outcome has_rows(struct replay *r, bool *out, struct failure *f)
{
    struct duck_result answer;
    const enum outcome result = duck_query(r->ask.duck, "SELECT 1 FROM sorted LIMIT 1", &answer, f);
    *out = result == OK && duck_next(&answer);
    duck_result_close(&answer);
    return result;
}

/* DuckDB keeps a writer open for each day that it has met, and none of that goes to the disk: so
 * some days at a time. */
static enum outcome write_days(struct replay *r, struct stage *s, struct failure *f)
{
    struct duck_result answer;
    struct buf sql;
    enum outcome result = OK;
    buf_init(&sql, s->arena, SQL_BYTES_MAX);
    buf_printf(&sql,
               "SELECT min(begins), max(ends) FROM (SELECT min(rowid) AS begins, max(rowid) AS "
               "ends, row_number() OVER (ORDER BY date_trunc('day', fact_at)) // %d AS piece FROM "
               "sorted GROUP BY date_trunc('day', fact_at)) GROUP BY piece ORDER BY piece",
               DAYS_AT_ONCE);
    buf_add_byte(&sql, '\0');
    result = duck_query(r->ask.duck, buf_str(&sql).at, &answer, f);
    while (result == OK && duck_next(&answer)) {
        const struct str select = arena_printf(
            s->arena, "SELECT * FROM sorted WHERE rowid >= %" PRId64 " AND rowid <= %" PRId64,
            duck_i64(&answer, 0), duck_i64(&answer, 1));
        result = stage_write(s, select, f);
    }
    duck_result_close(&answer);
    return result;
}

/* A file's name holds the time: what an earlier try has committed is never taken for this one's. */
static enum outcome stage_facts(struct replay *r, struct arena *a, const struct model *m,
                                const struct delta *log, struct buf *actions, struct failure *f)
{
    struct stage s;
    const struct str prefix = arena_printf(a, "replay-%" PRId64, clock_now_us());
    enum outcome result = sort_facts(r, a, m, log, f);
    bool is_any = false;
    result = result == OK ? has_rows(r, &is_any, f) : result;
    if (result != OK || !is_any) {
        return result;
    }
    result = stage_open(&s, a, r->ask.duck, log, f);
    result = result == OK ? write_days(r, &s, f) : result;
    result = result == OK ? stage_put(&s, prefix, true, actions, f) : result;
    stage_close(&s);
    return result;
}

static enum outcome switch_once(struct replay *r, struct arena *a, const struct model *m,
                                struct failure *f)
{
    const struct files files = files_at(r->config->lake.path);
    struct delta log;
    struct delta_commit c = {.operation = "REPLAY"};
    struct str *removed = NULL;
    enum outcome result = delta_open(a, &files, str_of(m->name), &log, f);
    if (result != OK || log.version < 0) {
        return result; /* replay_check_lake: it has no facts either */
    }
    buf_init(&c.actions, a, ACTIONS_BYTES_MAX);
    c.removed_n = live_paths(a, &log, &removed);
    c.removed = removed;
    result = stage_facts(r, a, m, &log, &c.actions, f);
    FAILPOINT("replay.staged");
    for (size_t i = 0; i < c.removed_n; i++) {
        delta_add_remove(&c.actions, removed[i], clock_now_us() / 1000, true);
    }
    if (result == OK && c.actions.len > 0) {
        result = delta_commit(&log, &c, f);
    }
    FAILPOINT("replay.committed");
    return result;
}

/* A file that was merged into another meanwhile is gone from the table: once more. */
static enum outcome switch_table(struct replay *r, const struct model *m, struct failure *f)
{
    struct arena a;
    enum outcome result = RETRY;
    arena_init(&a, TABLE_BYTES_MAX);
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        result = switch_once(r, &a, m, f);
        arena_reset(&a);
        if (result != RETRY || f->cause != CAUSE_FENCED) {
            break;
        }
    }
    arena_close(&a);
    return result;
}

enum outcome replay_check_lake(struct replay *r, struct failure *f)
{
    const struct files files = files_at(r->config->lake.path);
    struct arena a;
    enum outcome result = OK;
    arena_init(&a, TABLE_BYTES_MAX);
    for (size_t i = 0; i < model_all_n && result == OK; i++) {
        const struct model *const m = model_all[i];
        struct delta log;
        if (replay_makes(m) && replay_has_made(r, m->name)) {
            arena_reset(&a);
            result = delta_open(&a, &files, str_of(m->name), &log, f);
            if (result == OK && log.version < 0) {
                result = failed(f, RETRY,
                                "the lake has no table %s for the facts that were made: a weir "
                                "that runs makes it at its first flush; then the same command "
                                "goes on",
                                m->name);
            }
        }
    }
    arena_close(&a);
    return result;
}

enum outcome replay_switch_lake(struct replay *r, struct failure *f)
{
    const struct files files = files_at(r->config->lake.path);
    int fd = -1;
    /* as a weir that writes: one that starts meanwhile takes no new file for an orphan */
    enum outcome result = files.driver->hold(&files, false, &fd, f);
    for (size_t i = 0; i < model_all_n && result == OK; i++) {
        if (replay_makes(model_all[i])) {
            replay_show(r, "lake: %s", model_all[i]->name);
            result = switch_table(r, model_all[i], f);
        }
    }
    if (fd >= 0) {
        close(fd); /* the lock goes with it */
    }
    return result;
}
