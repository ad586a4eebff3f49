#include "command/textual.h"

#include "command/answer.h"

#define TIME_FORM "'%Y-%m-%dT%H:%M:%S"

/* What is shown in another form than the engine's; strftime leaves "infinity" alone. */
struct leaf {
    duckdb_type type;
    const char *before, *after;
};

static const struct leaf times[] = {
    {DUCKDB_TYPE_TIMESTAMP, "strftime(", ", " TIME_FORM ".%f')"},
    {DUCKDB_TYPE_TIMESTAMP_S, "strftime(CAST(", " AS TIMESTAMP), " TIME_FORM ".%f')"},
    {DUCKDB_TYPE_TIMESTAMP_MS, "strftime(CAST(", " AS TIMESTAMP), " TIME_FORM ".%f')"},
    {DUCKDB_TYPE_TIMESTAMP_NS, "strftime(", ", " TIME_FORM ".%n')"},
    {DUCKDB_TYPE_TIMESTAMP_TZ, "strftime(", ", " TIME_FORM ".%fZ')"},
};

static const struct leaf *time_of(duckdb_type t)
{
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        if (times[i].type == t) {
            return &times[i];
        }
    }
    return NULL;
}

static bool is_real(duckdb_type t)
{
    return t == DUCKDB_TYPE_FLOAT || t == DUCKDB_TYPE_DOUBLE;
}

/* Whether there is anything in it that to_json would show in another form. */
static bool is_other(const struct duck_shape_column *c)
{
    bool is = time_of(c->type) || is_real(c->type);
    for (size_t i = 0; i < c->inner_n && !is; i++) {
        is = is_other(&c->inner[i]);
    }
    return is;
}

/* Where an expression of this depth is written: each lambda's parameter has a name of its own. */
struct place {
    struct arena *arena;
    struct buf *sql;
    unsigned depth;
};

static void add(struct place p, const struct duck_shape_column *c, struct str at);

static void add_time(struct buf *sql, duckdb_type t, struct str at)
{
    const struct leaf *const time = time_of(t);
    buf_printf(sql, "%s%.*s%s", time ? time->before : "", STR_ARG(at), time ? time->after : "");
}

static void add_list(struct place p, const struct duck_shape_column *c, struct str at)
{
    const struct str element = arena_printf(p.arena, "e%u", p.depth);
    buf_printf(p.sql, "list_transform(%.*s, lambda e%u: ", STR_ARG(at), p.depth);
    add((struct place){p.arena, p.sql, p.depth + 1}, &c->inner[0], element);
    buf_add(p.sql, S(")"));
}

/* The members of a row(…) have no names, and are told by their number. */
static void add_struct(struct place p, const struct duck_shape_column *c, struct str at)
{
    const bool is_named = c->inner[0].name.len > 0;
    buf_printf(p.sql, "CASE WHEN %.*s IS NOT NULL THEN %s", STR_ARG(at), is_named ? "{" : "row(");
    for (size_t i = 0; i < c->inner_n; i++) {
        struct buf member;
        buf_init(&member, p.arena, 2 * (at.len + c->inner[i].name.len) + 64);
        buf_printf(&member, "struct_extract(%.*s, ", STR_ARG(at));
        buf_add(p.sql, i ? S(", ") : S(""));
        if (is_named) {
            duck_add_literal(&member, c->inner[i].name);
            duck_add_literal(p.sql, c->inner[i].name);
            buf_add(p.sql, S(": "));
        } else {
            buf_printf(&member, "%zu", i + 1);
        }
        buf_add(&member, S(")"));
        add(p, &c->inner[i], buf_str(&member));
    }
    buf_add(p.sql, is_named ? S("} END") : S(") END"));
}

static void add_map(struct place p, const struct duck_shape_column *c, struct str at)
{
    const struct str key = arena_printf(p.arena, "e%u.key", p.depth);
    const struct str value = arena_printf(p.arena, "e%u.value", p.depth);
    buf_printf(p.sql,
               "map_from_entries(list_transform(map_entries(%.*s), lambda e%u: {'k': ", STR_ARG(at),
               p.depth);
    add_time(p.sql, c->inner[0].type, key);
    buf_add(p.sql, S(", 'v': "));
    add((struct place){p.arena, p.sql, p.depth + 1}, &c->inner[1], value);
    buf_add(p.sql, S("}))"));
}

static void add_union(struct place p, const struct duck_shape_column *c, struct str at)
{
    buf_printf(p.sql, "CASE CAST(union_tag(%.*s) AS VARCHAR)", STR_ARG(at));
    for (size_t i = 0; i < c->inner_n; i++) {
        struct buf member;
        buf_init(&member, p.arena, 2 * (at.len + c->inner[i].name.len) + 64);
        buf_printf(&member, "union_extract(%.*s, ", STR_ARG(at));
        duck_add_literal(&member, c->inner[i].name);
        buf_add(&member, S(")"));
        buf_add(p.sql, S(" WHEN "));
        duck_add_literal(p.sql, c->inner[i].name);
        buf_add(p.sql, S(" THEN to_json({"));
        duck_add_literal(p.sql, c->inner[i].name);
        buf_add(p.sql, S(": "));
        add(p, &c->inner[i], buf_str(&member));
        buf_add(p.sql, S("})"));
    }
    buf_add(p.sql, S(" END"));
}

static void add(struct place p, const struct duck_shape_column *c, struct str at)
{
    if (!is_other(c)) {
        buf_add(p.sql, at);
    } else if (is_real(c->type)) {
        buf_printf(p.sql,
                   "CASE WHEN isfinite(%.*s) THEN to_json(%.*s) "
                   "ELSE to_json(CAST(%.*s AS VARCHAR)) END",
                   STR_ARG(at), STR_ARG(at), STR_ARG(at));
    } else if (c->type == DUCKDB_TYPE_STRUCT) {
        add_struct(p, c, at);
    } else if (c->type == DUCKDB_TYPE_MAP) {
        add_map(p, c, at);
    } else if (c->type == DUCKDB_TYPE_UNION) {
        add_union(p, c, at);
    } else if (c->inner_n > 0) {
        add_list(p, c, at);
    } else {
        add_time(p.sql, c->type, at);
    }
}

void textual_add(struct arena *a, struct buf *sql, const struct duck_shape_column *c, struct str at)
{
    if (answer_is_native(c->type)) {
        buf_add(sql, at);
    } else if (answer_is_nested(c->type)) {
        buf_add(sql, S("CAST(to_json("));
        add((struct place){a, sql, 0}, c, at);
        buf_add(sql, S(") AS VARCHAR)"));
    } else if (time_of(c->type)) {
        add_time(sql, c->type, at);
    } else {
        buf_printf(sql, "CAST(%.*s AS VARCHAR)", STR_ARG(at));
    }
}
