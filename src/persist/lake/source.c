#include "persist/lake/source.h"

#include "persist/lake/schema.h"
#include "wire/duckdb.h"

struct choice {
    struct arena *arena;
    const struct delta *log;
    const struct str *path;
    size_t n;
    char tag[8]; /* of the schema that facts are written with today */
};

static bool is_current(const struct choice *c, struct str path)
{
    const struct delta_file *const file = delta_find(c->log, path);
    return file && str_eq(file->schema, (struct str){c->tag, sizeof c->tag});
}

/* `['…', '…']` of the files whose schema is, or is not, today's; how many there are. */
static size_t add_list(struct buf *b, const struct choice *c, bool of_today)
{
    size_t n = 0;
    buf_add_byte(b, '[');
    for (size_t i = 0; i < c->n; i++) {
        if (is_current(c, c->path[i]) == of_today) {
            const struct str key = arena_printf(c->arena, "%.*s/%.*s", STR_ARG(c->log->table),
                                                STR_ARG(c->path[i]));
            buf_add(b, n++ ? S(", ") : S(""));
            const struct str at = files_path(c->log->files, c->arena, key);
            duck_add_literal(b, duck_pattern(c->arena, at));
        }
    }
    buf_add_byte(b, ']');
    return n;
}

/* An older weir kept a JSON text without its quotes; what is no JSON is taken for one. */
static void add_columns(struct buf *b, const struct model *m)
{
    const char *sign = "SELECT ";
    for (size_t i = 0; i < m->columns_n; i++) {
        const struct column *const c = &m->columns[i];
        if (column_is_in_fact(c)) {
            buf_printf(b,
                       c->type == COLUMN_JSON ? "%sCASE WHEN json_valid(\"%s\") THEN \"%s\" ELSE "
                                                "CAST(to_json(\"%s\") AS VARCHAR) END AS \"%s\""
                                              : "%s\"%s\"",
                       sign, c->name, c->name, c->name, c->name);
            sign = ", ";
        }
    }
}

void source_add_files(struct buf *b, struct arena *a, const struct delta *l, const struct model *m,
                      const struct str *path, size_t n)
{
    struct choice c = {.arena = a, .log = l, .path = path, .n = n};
    struct buf today;
    struct buf older;
    delta_schema_tag(schema_spark(a, m), c.tag);
    buf_init(&today, a, b->len_max);
    buf_init(&older, a, b->len_max);
    const size_t today_n = add_list(&today, &c, true);
    const size_t older_n = add_list(&older, &c, false);
    add_columns(b, m);
    buf_add(b, S(" FROM "));
    if (today_n > 0 && older_n == 0) {
        buf_add(b, S("read_parquet("));
        buf_add(b, buf_str(&today));
        buf_add(b, S(", hive_partitioning = false)"));
        return;
    }
    buf_add(b, S("("));
    schema_add_empty(b, m); /* gives the columns that no file has */
    if (today_n > 0) {
        buf_add(b, S(" UNION ALL BY NAME SELECT * FROM read_parquet("));
        buf_add(b, buf_str(&today));
        buf_add(b, S(", hive_partitioning = false)"));
    }
    if (older_n > 0) {
        buf_add(b, S(" UNION ALL BY NAME SELECT * FROM read_parquet("));
        buf_add(b, buf_str(&older));
        buf_add(b, S(", hive_partitioning = false, union_by_name = true)"));
    }
    buf_add(b, S(")"));
}

void source_add(struct buf *b, struct arena *a, const struct delta *l, const struct model *m)
{
    struct str *const path = arena_array(a, struct str, l->files_n);
    size_t n = 0;
    for (size_t i = 0; i < l->files_n; i++) {
        if (!l->file[i].removed_ms) {
            path[n++] = l->file[i].path;
        }
    }
    source_add_files(b, a, l, m, path, n);
}
