/* What the models are, what they would be, and which rows that changes. */
#include <dirent.h>

#include "command/replay/replay.h"
#include "persist/lake/schema.h"
#include "persist/lake/source.h"
#include "persist/view.h"

enum { SQL_BYTES_MAX = 64 << 20, FIRST_MAX = 3 };

bool replay_makes(const struct model *m)
{
    const struct str name = str_of(m->name);
    return !str_eq(name, S("raw")) && !str_eq(name, S("policy_result"));
}

bool replay_has_made(const struct replay *r, const char *name)
{
    const char *const path = arena_printf(r->arena, "%.*s/%s", STR_ARG(r->folder), name).at;
    DIR *const dir = opendir(path);
    if (dir) {
        closedir(dir);
    }
    return dir;
}

/* That `facts` and `sent` came of one delivery. */
static void add_same(struct buf *b, const char *facts)
{
    buf_printf(b,
               "coalesce(sent.agent, '') = coalesce(%s.agent, '') AND "
               "sent.received_at = %s.received_at",
               facts, facts);
}

void replay_add_not_of(struct buf *b, const char *facts, const char *signals)
{
    buf_printf(b, "NOT EXISTS (SELECT 1 FROM %s AS sent WHERE sent.raw = %s.raw AND ", signals,
               facts);
    add_same(b, facts);
    /* older weirs named where it was sent again, of which the table raw has no row: the first one
     * stands for it */
    buf_printf(
        b, ") AND NOT (starts_with(%s.raw, 'retry:') AND EXISTS (SELECT 1 FROM %s AS sent WHERE ",
        facts, signals);
    add_same(b, facts);
    buf_add(b, S("))"));
}

void replay_add_facts(struct buf *b, const struct replay *r, const struct model *m,
                      const struct delta *log)
{
    if (replay_makes(m) && replay_has_made(r, m->name)) {
        const struct str folder = duck_pattern(r->arena, r->folder);
        buf_add(b, S("SELECT "));
        schema_add_names(b, m);
        buf_add(b, S(" FROM read_parquet("));
        duck_add_literal(b, arena_printf(r->arena, "%.*s/%s/*.parquet", STR_ARG(folder), m->name));
        buf_add(b, S(", hive_partitioning = false) UNION ALL "));
    }
    buf_add(b, S("SELECT "));
    schema_add_names(b, m);
    buf_add(b, S(" FROM ("));
    if (log) {
        source_add(b, r->arena, log, m);
    } else {
        buf_printf(b, "SELECT * FROM %s_facts", m->name);
    }
    buf_add(b, S(") AS live"));
    if (replay_makes(m)) {
        buf_add(b, S(" WHERE "));
        replay_add_not_of(b, "live", "replayed");
    }
}

enum outcome replay_see(struct replay *r, struct failure *f)
{
    struct buf sql;
    const bool is_any = replay_has_made(r, "replayed");
    buf_init(&sql, r->arena, SQL_BYTES_MAX);
    buf_add(&sql,
            S("CREATE OR REPLACE TEMP TABLE replayed AS SELECT raw, agent, received_at FROM "));
    if (is_any) {
        const struct str folder = duck_pattern(r->arena, r->folder);
        buf_add(&sql, S("read_parquet("));
        duck_add_literal(&sql, arena_printf(r->arena, "%.*s/replayed/*.parquet", STR_ARG(folder)));
        buf_add_byte(&sql, ')');
    } else {
        buf_add(&sql, S("raw_facts WHERE false"));
    }
    buf_add_byte(&sql, '\0');
    return duck_run(r->ask.duck, buf_str(&sql).at, f);
}

enum outcome replay_ask(struct replay *r, struct failure *f)
{
    struct buf models;
    ask_close(&r->ask);
    r->ask.spill = arena_printf(r->arena, "%.*s/spill", STR_ARG(r->folder));
    buf_init(&models, r->arena, SQL_BYTES_MAX);
    for (size_t i = 0; i < model_all_n; i++) {
        buf_printf(&models, "%s ", model_all[i]->name);
    }
    const enum outcome result = ask_open(&r->ask, r->arena, r->config, r->bus, buf_str(&models), f);
    return result == OK ? replay_see(r, f) : result;
}

/* The columns that the folding view shows, each as `<of>."name"`; keys alone, or all. */
static void add_columns(struct buf *b, const struct model *m, const char *of, bool is_keys)
{
    const char *sign = "";
    for (size_t i = 0; i < m->columns_n; i++) {
        const struct column *const c = &m->columns[i];
        const bool is_shown = !column_is_hidden(c) && c->rule != FOLD_FACT &&
                              c->rule != FOLD_DERIVED;
        if (is_keys ? c->rule == FOLD_KEY : is_shown) {
            buf_printf(b, "%s%s\"%s\"", sign, of, c->name);
            sign = ", ";
        }
    }
}

static const char *first_key(const struct model *m)
{
    size_t i = 0;
    while (m->columns[i].rule != FOLD_KEY) {
        i++;
    }
    return m->columns[i].name;
}

static enum outcome make_tables(struct replay *r, const struct model *m, struct failure *f)
{
    struct buf sql;
    struct buf facts;
    buf_init(&sql, r->arena, SQL_BYTES_MAX);
    buf_init(&facts, r->arena, SQL_BYTES_MAX);
    buf_add(&facts, S("("));
    replay_add_facts(&facts, r, m, NULL);
    buf_add(&facts, S(")"));
    buf_printf(&sql, "CREATE OR REPLACE TEMP TABLE rows_now AS SELECT * FROM %s_folded; ", m->name);
    buf_add(&sql, S("CREATE OR REPLACE TEMP TABLE rows_then AS "));
    view_add_folded(&sql, m, DIALECT_DUCKDB, buf_str(&facts));
    buf_add(&sql, S("; CREATE OR REPLACE TEMP TABLE differing AS SELECT "));
    buf_printf(&sql, "o.\"%s\" IS NULL AS is_added, n.\"%s\" IS NULL AS is_removed, to_json({",
               first_key(m), first_key(m));
    const char *sign = "";
    for (size_t i = 0; i < m->columns_n; i++) {
        if (m->columns[i].rule == FOLD_KEY) {
            buf_printf(&sql, "%s'%s': coalesce(o.\"%s\", n.\"%s\")", sign, m->columns[i].name,
                       m->columns[i].name, m->columns[i].name);
            sign = ", ";
        }
    }
    buf_add(&sql, S("}) AS key FROM rows_now AS o FULL JOIN rows_then AS n USING ("));
    add_columns(&sql, m, "", true);
    buf_add(&sql, S(") WHERE row("));
    add_columns(&sql, m, "o.", false);
    buf_add(&sql, S(") IS DISTINCT FROM row("));
    add_columns(&sql, m, "n.", false);
    buf_add(&sql, S(")"));
    buf_add_byte(&sql, '\0');
    return duck_run(r->ask.duck, buf_str(&sql).at, f);
}

enum outcome replay_differ(struct replay *r, const struct model *m, struct difference *out,
                           struct failure *f)
{
    struct duck_result answer;
    enum outcome result = make_tables(r, m, f);
    if (result != OK) {
        return result;
    }
    const struct str sql = arena_printf(
        r->arena,
        "SELECT (SELECT count(*) FROM rows_now), (SELECT count(*) FROM rows_then), count(*) FILTER "
        "(is_added), count(*) FILTER (is_removed), count(*) FILTER (NOT is_added AND NOT "
        "is_removed), coalesce((SELECT string_agg(CAST(key AS VARCHAR), ' ') FROM (SELECT key FROM "
        "differing ORDER BY CAST(key AS VARCHAR) LIMIT %d)), '') FROM differing",
        FIRST_MAX);
    result = duck_query(r->ask.duck, sql.at, &answer, f);
    if (result == OK && duck_next(&answer)) {
        *out = (struct difference){m,
                                   (uint64_t)duck_i64(&answer, 0),
                                   (uint64_t)duck_i64(&answer, 1),
                                   (uint64_t)duck_i64(&answer, 2),
                                   (uint64_t)duck_i64(&answer, 3),
                                   (uint64_t)duck_i64(&answer, 4),
                                   arena_str(r->arena, duck_text(&answer, 5))};
    }
    duck_result_close(&answer);
    return result;
}
