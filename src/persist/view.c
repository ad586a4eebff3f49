#include "persist/view.h"

#include <stdio.h>

#include "persist/derived.h"
#include "signal/rank.h"

/* ---- what the dialects call things ---- */

/* `%s` is the column's name in quotes; "\x01" stands for the second argument where there is one. */
struct words {
    char quote;
    const char *latest;  /* value of the greatest rank, nulls too: column, rank       */
    const char *arrival; /* value of what came first: column                          */
    const char *joined;  /* all lists of the column as one, null when there is none   */
    const char *set;     /* the same, each text once, in order                        */
    const char *entry;   /* members: sorted (m, e) of the joined list: list           */
    const char *kept;    /* the last entry of each member: sorted list                */
    const char *holding; /* members whose value is the second argument: kept list     */
    const char *object;  /* kept list as a JSON object                                */
    const char *span;    /* seconds: from, to                                         */
};

enum { VALUE_AT = RANK_BYTES + 3 }; /* where an entry's value begins, less its member's length */

static const struct words words_of[] = {
    [DIALECT_DUCKDB] =
        {.quote = '"',
         .latest = "arg_max({'v': @}, #).v",
         .arrival = "arg_min({'v': @}, {'t': coalesce(\"received_at\", 'infinity'::TIMESTAMPTZ), "
                    "'r': \"raw\", 'a': \"agent\"}).v",
         .joined = "flatten(list(@) FILTER (WHERE @ IS NOT NULL))",
         .set = "list_sort(list_distinct(flatten(list(@) FILTER (WHERE @ IS NOT NULL))))",
         .entry = "list_sort(list_transform(@, lambda x: "
                  "{'m': split_part(x, chr(31), 2), 'e': x}))",
         .kept = "list_filter(@, lambda x, i: i = len(@) OR @[i + 1].m <> x.m)",
         .holding = "list_transform(list_filter(@, lambda x: "
                    "substr(x.e, 37 + length(x.m)) = '#'), lambda x: x.m)",
         .object = "CASE WHEN len(@) > 0 THEN '{' || array_to_string(list_transform(@, lambda x: "
                   "CAST(to_json(x.m) AS VARCHAR) || ':' || substr(x.e, 37 + length(x.m))), ',') "
                   "|| '}' END",
         .span = "CASE WHEN # >= @ THEN (epoch_us(#) - epoch_us(@)) / 1e6 END"},
    [DIALECT_SPARK] =
        {.quote = '`',
         .latest = "max_by(@, #)",
         .arrival = "min_by(@, struct(coalesce(`received_at`, timestamp'9999-12-31 00:00:00'), "
                    "`raw`, `agent`))",
         .joined = "CASE WHEN count(@) > 0 THEN flatten(collect_list(@)) END",
         .set = "CASE WHEN count(@) > 0 THEN "
                "array_sort(array_distinct(flatten(collect_list(@)))) END",
         .entry = "array_sort(transform(@, x -> "
                  "struct(split_part(x, char(31), 2) AS m, x AS e)))",
         .kept = "filter(@, (x, i) -> i = size(@) - 1 OR try_element_at(@, i + 2).m <> x.m)",
         .holding = "transform(filter(@, x -> substr(x.e, 37 + length(x.m)) = '#'), x -> x.m)",
         .object = "CASE WHEN size(@) > 0 THEN concat('{', array_join(transform(@, x -> "
                   "concat(regexp_extract(to_json(struct(x.m AS m)), '^.m.:(.*).$', 1), ':', "
                   "substr(x.e, 37 + length(x.m)))), ','), '}') END",
         .span = "CASE WHEN # >= @ THEN (unix_micros(#) - unix_micros(@)) / 1e6D END"},
    [DIALECT_TRINO] =
        {.quote = '"',
         .latest = "max_by(@, #)",
         .arrival = "min_by(@, ROW(coalesce(\"received_at\", TIMESTAMP '9999-12-31 00:00:00 UTC'), "
                    "\"raw\", \"agent\"))",
         .joined = "flatten(array_agg(@) FILTER (WHERE @ IS NOT NULL))",
         .set = "array_sort(array_distinct(flatten(array_agg(@) FILTER (WHERE @ IS NOT NULL))))",
         .entry = "array_sort(transform(@, x -> CAST(ROW(split_part(x, chr(31), 2), x) "
                  "AS ROW(m VARCHAR, e VARCHAR))))",
         .kept = "filter(zip_with(@, slice(@, 2, cardinality(@)), (x, y) -> "
                 "IF(y IS NULL OR y.m <> x.m, x)), x -> x IS NOT NULL)",
         .holding = "transform(filter(@, x -> substr(x.e, 37 + length(x.m)) = '#'), x -> x.m)",
         .object = "CASE WHEN cardinality(@) > 0 THEN '{' || array_join(transform(@, x -> "
                   "json_format(CAST(x.m AS JSON)) || ':' || substr(x.e, 37 + length(x.m))), ',') "
                   "|| '}' END",
         .span = "CASE WHEN # >= @ THEN to_unixtime(#) - to_unixtime(@) END"},
};
_Static_assert(VALUE_AT == 37, "the patterns above count the rank's bytes");

static void add_name(struct buf *b, enum dialect d, const char *name)
{
    buf_printf(b, "%c%s%c", words_of[d].quote, name, words_of[d].quote);
}

/* The pattern with `@` as the first name and `#` as the second text. */
static void add_pattern(struct buf *b, enum dialect d, const char *pattern, const char *name,
                        const char *second)
{
    for (const char *p = pattern; *p; p++) {
        if (*p == '@') {
            add_name(b, d, name);
        } else if (*p == '#') {
            buf_add(b, str_of(second));
        } else {
            buf_add_byte(b, *p);
        }
    }
}

static struct str quoted(struct buf *b, enum dialect d, const char *name)
{
    struct buf text;
    buf_init(&text, b->arena, 256);
    add_name(&text, d, name);
    buf_add_byte(&text, '\0');
    return buf_str(&text);
}

/* ---- folded ---- */

/* The column of the first level: an aggregate over the facts of a key; false when it has none. */
static bool add_aggregate(struct buf *b, const struct column *c, enum dialect d)
{
    const struct words *const w = &words_of[d];
    char rank[128];
    switch (c->rule) {
    case FOLD_KEY: add_name(b, d, c->name); return true;
    case FOLD_LATEST:
        (void)snprintf(rank, sizeof rank, "%c%s_rank%c", w->quote, c->a, w->quote);
        add_pattern(b, d, w->latest, c->name, rank);
        return true;
    case FOLD_EARLIEST: add_pattern(b, d, "min(@)", c->name, ""); return true;
    case FOLD_GREATEST: add_pattern(b, d, "max(@)", c->name, ""); return true;
    case FOLD_UNION: add_pattern(b, d, w->set, c->name, ""); return true;
    case FOLD_MEMBERS: add_pattern(b, d, w->joined, c->name, ""); return true;
    case FOLD_ARRIVAL: add_pattern(b, d, w->arrival, c->name, ""); return true;
    case FOLD_RANK:
    case FOLD_FACT:
    case FOLD_SPAN:
    case FOLD_HOLDING:
    case FOLD_OBJECT:
    case FOLD_DERIVED: return false;
    }
    return false;
}

/* The columns that pass from level to level; at members the pattern is laid over the list. */
static void add_level(struct buf *b, const struct model *m, enum dialect d, const char *members)
{
    const char *sign = "";
    for (size_t i = 0; i < m->columns_n; i++) {
        const struct column *const c = &m->columns[i];
        struct buf ignored;
        buf_init(&ignored, b->arena, 4096);
        if (!add_aggregate(&ignored, c, d)) {
            continue;
        }
        buf_add(b, str_of(sign));
        if (c->rule == FOLD_MEMBERS) {
            add_pattern(b, d, members, c->name, "");
            buf_add(b, S(" AS "));
        }
        add_name(b, d, c->name);
        sign = ", ";
    }
}

static void add_aggregates(struct buf *b, const struct model *m, enum dialect d)
{
    const char *sign = "";
    for (size_t i = 0; i < m->columns_n; i++) {
        const struct column *const c = &m->columns[i];
        struct buf one;
        buf_init(&one, b->arena, 4096);
        if (add_aggregate(&one, c, d)) {
            buf_add(b, str_of(sign));
            buf_add(b, buf_str(&one));
            buf_add(b, S(" AS "));
            add_name(b, d, c->name);
            sign = ", ";
        }
    }
}

static void add_keys(struct buf *b, const struct model *m, enum dialect d)
{
    const char *sign = "";
    for (size_t i = 0; i < m->columns_n; i++) {
        if (m->columns[i].rule == FOLD_KEY) {
            buf_add(b, str_of(sign));
            add_name(b, d, m->columns[i].name);
            sign = ", ";
        }
    }
}

/* A column of the row as people see it. */
static void add_shown(struct buf *b, const struct column *c, enum dialect d)
{
    const struct words *const w = &words_of[d];
    if (c->rule == FOLD_SPAN) {
        add_pattern(b, d, w->span, c->a, quoted(b, d, c->b).at);
        buf_add(b, S(" AS "));
    } else if (c->rule == FOLD_HOLDING) {
        add_pattern(b, d, w->holding, c->a, c->b);
        buf_add(b, S(" AS "));
    } else if (c->rule == FOLD_OBJECT) {
        add_pattern(b, d, w->object, c->a, "");
        buf_add(b, S(" AS "));
    }
    add_name(b, d, c->name);
}

static bool is_shown(const struct column *c)
{
    return !column_is_hidden(c) && c->rule != FOLD_FACT;
}

void view_add_folded(struct buf *b, const struct model *m, enum dialect d, struct str facts)
{
    const struct words *const w = &words_of[d];
    const char *sign = "SELECT ";
    for (size_t i = 0; i < m->columns_n; i++) {
        if (is_shown(&m->columns[i]) && m->columns[i].rule != FOLD_DERIVED) {
            buf_add(b, str_of(sign));
            add_shown(b, &m->columns[i], d);
            sign = ", ";
        }
    }
    buf_add(b, S("\nFROM (SELECT "));
    add_level(b, m, d, w->kept);
    buf_add(b, S("\nFROM (SELECT "));
    add_level(b, m, d, w->entry);
    buf_add(b, S("\nFROM (SELECT "));
    add_aggregates(b, m, d);
    buf_add(b, S("\nFROM "));
    buf_add(b, facts);
    buf_add(b, S(" AS facts GROUP BY "));
    add_keys(b, m, d);
    buf_add(b, S(") AS folded) AS sorted) AS kept"));
}

/* ---- history ---- */

void view_add_history(struct buf *b, const struct model *m, enum dialect d, struct str facts)
{
    const char *sign = "SELECT ";
    for (size_t i = 0; i < m->columns_n; i++) {
        if (column_is_in_fact(&m->columns[i])) {
            buf_add(b, str_of(sign));
            add_name(b, d, m->columns[i].name);
            sign = ", ";
        }
    }
    buf_add(b, S("\nFROM (SELECT *, row_number() OVER (PARTITION BY fact_id "
                 "ORDER BY received_at, raw, agent) AS of_fact\nFROM "));
    buf_add(b, facts);
    buf_add(b, S(" AS facts) AS numbered WHERE of_fact = 1"));
}

/* ---- with derived columns ---- */

void view_add_model(struct buf *b, const struct model *m, enum dialect d)
{
    const struct str derived = derived_sql(m);
    const char *sign = "SELECT ";
    for (size_t i = 0; i < m->columns_n; i++) {
        const struct column *const c = &m->columns[i];
        if (is_shown(c)) {
            buf_add(b, str_of(sign));
            buf_add(b, c->rule == FOLD_DERIVED ? S("derived.") : S("folded."));
            add_name(b, d, c->name);
            sign = ", ";
        }
    }
    buf_printf(b, "\nFROM %s_folded AS folded", m->name);
    if (derived.len > 0) {
        sign = "\nLEFT JOIN (";
        buf_add(b, str_of(sign));
        buf_add(b, derived);
        buf_add(b, S(") AS derived ON "));
        sign = "";
        for (size_t i = 0; i < m->columns_n; i++) {
            if (m->columns[i].rule == FOLD_KEY) {
                buf_printf(b, "%sfolded.", sign);
                add_name(b, d, m->columns[i].name);
                buf_add(b, S(" = derived."));
                add_name(b, d, m->columns[i].name);
                sign = " AND ";
            }
        }
    }
}
