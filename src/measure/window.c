#include "measure/window.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"

enum { SQL_BYTES_MAX = 1 << 16 };

static const struct {
    const char *name, *sql;
} files[] = {
#include "parts.inc"
};

const struct window_part window_activity[] = {
    {"repositories", "By repository", "activity_repository"},
    {"authors", "By author", "activity_author"},
    {"reviewers", "By reviewer", "activity_reviewer"},
    {"figures", NULL, "report_figures"},
    {"left_out", NULL, "report_left_out"},
    {"open_at_end", NULL, "report_open"},
    {0},
};
const struct window_part window_runs[] = {
    {"pipelines", "By pipeline", "runs_pipeline"},
    {"environments", "By environment", "runs_environment"},
    {"users", "By user", "runs_user"},
    {"errors", "What failed runs say", "runs_error"},
    {"flaky", "Flaky tasks: failed and succeeded on one commit", "runs_flaky"},
    {"slowest", "Slowest tasks", "runs_slowest"},
    {"figures", NULL, "report_figures"},
    {"left_out", NULL, "report_left_out"},
    {"open_at_end", NULL, "report_open"},
    {0},
};

/* A list of texts, as SQL. */
void window_add_list(struct buf *b, const struct str_list *l)
{
    buf_add(b, S("CAST(["));
    for (size_t i = 0; i < l->n; i++) {
        buf_add(b, i ? S(", ") : S(""));
        duck_add_literal(b, l->at[i]);
    }
    buf_add(b, S("] AS VARCHAR[])"));
}

static const char *bool_text(bool value)
{
    return value ? "true" : "false";
}

/* A name with `*` and `?` as a pattern of LIKE: brackets are letters of it, since bots are called
 * NAME[bot]. */
static void add_glob(struct buf *b, struct arena *a, struct str glob)
{
    struct buf like;
    buf_init(&like, a, 2 * glob.len);
    for (size_t i = 0; i < glob.len; i++) {
        const char c = glob.at[i];
        buf_add(&like, c && strchr("%_\\", c) ? S("\\") : S(""));
        buf_add_byte(&like, c == '*' ? '%' : c == '?' ? '_' : c);
    }
    buf_add(b, S(" OR x ILIKE "));
    duck_add_literal(b, buf_str(&like));
    buf_add(b, S(" ESCAPE '\\'"));
}

/* Any of them fits x; what is not known fits none. */
static void add_globs(struct buf *b, struct arena *a, const struct str_list *globs,
                      const char *first)
{
    buf_printf(b, "coalesce(%s", first);
    for (size_t i = 0; i < globs->n; i++) {
        add_glob(b, a, globs->at[i]);
    }
    buf_add(b, S(", false);\n"));
}

static void add_names(struct buf *b, struct arena *a, const struct config_report *c)
{
    buf_printf(b, "CREATE TEMP MACRO person(x) AS %s;\n",
               c->hides_people ? "left(sha256(x), 12)" : "x");
    buf_printf(b, "CREATE TEMP MACRO is_left(x) AS %s AND ", bool_text(c->leaves_bots));
    add_globs(b, a, &c->bots, "x LIKE '%[bot]'");
    buf_add(b, S("CREATE TEMP MACRO is_hotfix_branch(x) AS "));
    add_globs(b, a, &c->hotfix.branches, "false");
}

static void add_moment(struct buf *b, const struct window *w, int64_t time_us, bool is_day)
{
    if (is_day) {
        buf_printf(b, "make_timestamp(%" PRId64 ") AT TIME ZONE ", time_us);
        duck_add_literal(b, w->choice.zone);
    } else {
        buf_printf(b, "make_timestamptz(%" PRId64 ")", time_us);
    }
}

enum outcome window_settle(struct duck *d, struct arena *a, struct window *w, struct failure *f)
{
    struct buf b;
    struct duck_result r;
    buf_init(&b, a, SQL_BYTES_MAX);
    buf_add(&b, S("SELECT f, t, f AT TIME ZONE z, t AT TIME ZONE z FROM (SELECT "));
    add_moment(&b, w, w->from_us, w->from_is_day);
    buf_add(&b, S(" AS f, "));
    add_moment(&b, w, w->to_us, w->to_is_day);
    buf_add(&b, S(" AS t, "));
    duck_add_literal(&b, w->choice.zone);
    buf_add(&b, S(" AS z)"));
    buf_add_byte(&b, '\0');
    const enum outcome result = duck_query(d, buf_str(&b).at, &r, f);
    if (result == OK && duck_next(&r)) {
        w->from_us = duck_i64(&r, 0);
        w->to_us = duck_i64(&r, 1);
        w->local_from_us = duck_i64(&r, 2);
        w->local_to_us = duck_i64(&r, 3);
        w->from_is_day = w->to_is_day = false;
    }
    duck_result_close(&r);
    return result == REJECT ? failed(f, REJECT, "zone \"%.*s\" is not known; one is Europe/Rome",
                                     STR_ARG(w->choice.zone))
                            : result;
}

/* Weeks and months are cut where they begin in the zone; the first and the last may be parts. */
static void add_periods(struct buf *b)
{
    static const char *const cuts[] = {"week", "month"};
    buf_add(b, S("CREATE TEMP TABLE period AS\n"
                 "SELECT 'now' AS kind, 0 AS n, from_at, to_at, false AS is_part FROM span\n"
                 "UNION ALL SELECT 'before', 0, before_at, from_at, false FROM span"));
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        const char *const p = cuts[i];
        buf_printf(b,
                   "\nUNION ALL SELECT '%s', row_number() OVER (ORDER BY first) - 1,\n"
                   "    greatest(first AT TIME ZONE zone, from_at),\n"
                   "    least((first + INTERVAL 1 %s) AT TIME ZONE zone, to_at),\n"
                   "    first AT TIME ZONE zone < from_at\n"
                   "        OR (first + INTERVAL 1 %s) AT TIME ZONE zone > to_at\n"
                   "FROM (SELECT span.*, unnest(generate_series(\n"
                   "    date_trunc('%s', from_at AT TIME ZONE zone),\n"
                   "    to_at AT TIME ZONE zone - INTERVAL 1 MICROSECOND,\n"
                   "    INTERVAL 1 %s)) AS first FROM span)",
                   p, p, p, p, p);
    }
    buf_add(b, S(";\n"));
}

/* What the figures of each period are made with. Before it was told anything weir knows nothing: a
 * period in which nothing happened is no period of none, and one that is compared with is told
 * whole or not at all. */
static const char macros[] =
    "CREATE TEMP MACRO is_partly(is_part, from_at, to_at, known_from) AS is_part\n"
    "    OR coalesce(known_from >= from_at + INTERVAL 1 DAY AND known_from < to_at, false);\n"
    "CREATE TEMP MACRO per_day(n, kind, from_at, to_at, known_from) AS\n"
    "    CASE WHEN known_from < to_at\n"
    "            AND NOT (kind = 'before' AND is_partly(false, from_at, to_at, known_from))\n"
    "        THEN n * 86400.0 / (epoch(to_at) - epoch(from_at)) END;\n"
    "CREATE TEMP MACRO counted(n, one, many) AS concat(n, ' ', if(n = 1, one, many));\n"
    "CREATE TEMP MACRO figure_of(nth, key, name, narrow, which, unit, sign, value, cases, weight,\n"
    "    told) AS {'nth': nth, 'key': key, 'name': name, 'narrow': narrow, 'which': which,\n"
    "    'unit': unit, 'sign': sign, 'value': CAST(value AS DOUBLE), 'cases': cases,\n"
    "    'weight': weight, 'told': told};\n";

enum outcome window_take(struct duck *d, struct arena *a, const struct window *w, struct failure *f)
{
    struct buf b;
    const bool is_lower = w->choice.median == REPORT_LOWER;
    buf_init(&b, a, SQL_BYTES_MAX);
    buf_printf(&b,
               "CREATE TEMP TABLE span AS SELECT make_timestamptz(%" PRId64 ") AS from_at, "
               "make_timestamptz(%" PRId64 ") AS to_at, from_at - (to_at - from_at) AS before_at, ",
               w->from_us, w->to_us);
    duck_add_literal(&b, w->choice.zone);
    buf_printf(&b,
               " AS zone, %s AS is_lower, %s AS hides_people, %s AS leaves_bots;\n"
               "SELECT from_at AT TIME ZONE zone FROM span;\n"
               "CREATE TEMP MACRO middle(x, share) AS quantile_%s(x, share);\n"
               "CREATE TEMP MACRO utc_text(x) AS strftime(x AT TIME ZONE 'UTC', "
               "'%%Y-%%m-%%dT%%H:%%M:%%SZ');\n",
               bool_text(is_lower), bool_text(w->choice.hides_people),
               bool_text(w->choice.leaves_bots), is_lower ? "disc" : "cont");
    add_names(&b, a, &w->choice);
    add_periods(&b);
    buf_add(&b, str_of(macros));
    buf_add_byte(&b, '\0');
    return buf_is_over(&b)
               ? failed(f, REJECT, "the zone, bots and hotfixes have more than %d bytes of names",
                        SQL_BYTES_MAX)
               : duck_run(d, buf_str(&b).at, f);
}

static const char *file_sql(const char *name)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (strcmp(files[i].name, name) == 0) {
            return files[i].sql;
        }
    }
    assert(false && "every part has its file");
    return "";
}

const char *window_sql(const struct window_part *p)
{
    return file_sql(p->file);
}

enum outcome window_review_take(struct duck *d, struct failure *f)
{
    return duck_run(d, file_sql("first_review"), f);
}

enum outcome window_activity_take(struct duck *d, struct failure *f)
{
    enum outcome result = window_review_take(d, f);
    result = result == OK ? duck_run(d, file_sql("activity_change"), f) : result;
    return result == OK ? duck_run(d, file_sql("activity_figures"), f) : result;
}

enum outcome window_runs_take(struct duck *d, struct failure *f)
{
    const enum outcome result = duck_run(d, file_sql("runs_run"), f);
    return result == OK ? duck_run(d, file_sql("runs_figures"), f) : result;
}

enum outcome window_known_from(struct duck *d, int64_t *out_us, struct failure *f)
{
    struct duck_result r;
    const enum outcome result = duck_query(
        d, "SELECT known_from AT TIME ZONE zone FROM known_since, span", &r, f);
    *out_us = result == OK && duck_next(&r) && !duck_is_null(&r, 0) ? duck_i64(&r, 0) : TIME_NONE;
    duck_result_close(&r);
    return result;
}

enum outcome window_json(struct duck *d, struct arena *a, const struct window_part *part,
                         struct str *out, struct failure *f)
{
    struct buf b;
    buf_init(&b, a, SQL_BYTES_MAX);
    buf_add(&b, S("SELECT CAST(json_object('from', utc_text(from_at), 'to', utc_text(to_at), "
                  "'known_from', (SELECT utc_text(known_from) FROM known_since), 'zone', zone, "
                  "'median', if(is_lower, 'lower', 'interpolated'), "
                  "'people', if(hides_people, 'hashed', 'named'), "
                  "'bots', if(leaves_bots, 'left out', 'counted')"));
    for (size_t i = 0; part[i].name; i++) {
        buf_printf(&b, ",\n'%s', (SELECT coalesce(to_json(list(e)), '[]') FROM (%s) AS e)",
                   part[i].name, window_sql(&part[i]));
    }
    buf_add(&b, S(") AS VARCHAR) FROM span"));
    buf_add_byte(&b, '\0');
    return duck_first_text(d, a, buf_str(&b).at, out, f);
}
