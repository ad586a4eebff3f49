#include "measure/dora.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"

enum { SQL_BYTES_MAX = 1 << 20, FIGURES_MAX = 1 << 20 };

struct step {
    const char *name, *sql;
};

/* In the order in which they run; the last is the answer. */
static const struct step steps[] = {
#include "dora.inc"
};
enum { STEPS_N = sizeof steps / sizeof *steps, ANSWER = STEPS_N - 1 };

static const char *const groups[] = {
    [DORA_ALL] = "", [DORA_SERVICE] = "service", [DORA_TEAM] = "team"};
static const char *const periods[] = {
    [DORA_NOW] = "now", [DORA_BEFORE] = "before", [DORA_WEEK] = "week", [DORA_MONTH] = "month"};

/* ---- what is asked, as tables ---- */

static void add_list(struct buf *b, const struct str_list *l, const char *name)
{
    buf_add(b, S(", "));
    window_add_list(b, l);
    buf_printf(b, " AS %s", name);
}

static const char *bool_text(bool value)
{
    return value ? "true" : "false";
}

static void add_wish(struct buf *b, const struct dora_wish *w)
{
    const struct config_report *const c = &w->window.choice;
    buf_printf(b,
               "CREATE TEMP TABLE wish AS SELECT span.*, '%s' AS group_service, "
               "%s AS group_environment, '%s' AS group_period, "
               "%" PRId64 " AS tiers_year, '%s' AS lead_from",
               groups[w->group], bool_text(w->is_by_environment), periods[w->period], w->tiers_year,
               report_leads[c->lead_from]);
    add_list(b, &c->bots, "bots");
    add_list(b, &c->hotfix.labels, "hotfix_labels");
    add_list(b, &c->hotfix.branches, "hotfix_branches");
    add_list(b, &c->failures, "failures");
    buf_add(b, S(" FROM span;\nCREATE TEMP TABLE explained (told JSON);\n"));
}

static void add_services(struct buf *b, const struct dora_wish *w)
{
    buf_add(b, S("CREATE TEMP TABLE known (service VARCHAR, team VARCHAR, has_paths BOOLEAN, "
                 "repositories VARCHAR[]);\n"));
    for (size_t i = 0; i < w->services_n; i++) {
        buf_add(b, i ? S(", (") : S("INSERT INTO known VALUES ("));
        duck_add_literal(b, w->service[i].name);
        buf_add(b, S(", "));
        duck_add_literal(b, w->service[i].team);
        buf_printf(b, ", %s, ", bool_text(w->service[i].has_paths));
        window_add_list(b, &w->service[i].repositories);
        buf_add_byte(b, ')');
    }
    buf_add(b, S(";"));
}

enum outcome dora_take(struct duck *d, struct arena *a, const struct dora_wish *w,
                       struct failure *f)
{
    struct buf b;
    buf_init(&b, a, SQL_BYTES_MAX);
    add_wish(&b, w);
    add_services(&b, w);
    buf_add_byte(&b, '\0');
    enum outcome result = window_take(d, a, &w->window, f);
    if (result != OK) {
        return result;
    }
    result = window_review_take(d, f);
    if (result != OK) {
        return result;
    }
    result = buf_is_over(&b)
                 ? failed(f, REJECT, "more services than %d bytes of names", SQL_BYTES_MAX)
                 : duck_run(d, buf_str(&b).at, f);
    for (size_t i = 0; i < ANSWER && result == OK; i++) {
        const bool is_left = !w->is_explained && strcmp(steps[i].name, "dora_explain") == 0;
        result = is_left ? OK : duck_run(d, steps[i].sql, f);
    }
    return result;
}

/* ---- answers ---- */

static double real_of(struct duck_result *r, size_t column)
{
    return duck_is_null(r, column) ? (double)NAN : duck_f64(r, column);
}

static struct str text_of(struct arena *a, struct duck_result *r, size_t column)
{
    return duck_is_null(r, column) ? S("") : arena_str(a, duck_text(r, column));
}

static const char figure_sql[] =
    "SELECT by_service, by_environment, is_all, CAST(n AS BIGINT), from_at, to_at, is_part,\n"
    "    from_at AT TIME ZONE zone,\n"
    "    CAST(deployments AS BIGINT), CAST(days_deployed AS BIGINT), CAST(commits AS BIGINT),\n"
    "    CAST(changes AS BIGINT), CAST(failed AS BIGINT), CAST(recovered AS BIGINT),\n"
    "    CAST(open_incidents AS BIGINT), CAST(rework AS BIGINT),\n"
    "    CAST(undeployed_changes AS BIGINT), CAST(per_day AS DOUBLE),\n"
    "    CAST(days_per_week_p50 AS DOUBLE), CAST(lead_p50_s AS DOUBLE),\n"
    "    CAST(lead_p90_s AS DOUBLE), CAST(change_p50_s AS DOUBLE),\n"
    "    CAST(change_p90_s AS DOUBLE), CAST(fail_rate AS DOUBLE),\n"
    "    CAST(recovery_p50_s AS DOUBLE), CAST(recovery_p90_s AS DOUBLE),\n"
    "    CAST(rework_rate AS DOUBLE), CAST(coding_s AS DOUBLE),\n"
    "    CAST(to_review_s AS DOUBLE), CAST(in_review_s AS DOUBLE), CAST(waiting_s AS DOUBLE),\n"
    "    last_failed_at AT TIME ZONE zone, last_failed_by, CAST(oldest_failure_s AS DOUBLE),\n"
    "    CAST(oldest_undeployed_s AS DOUBLE)\n"
    "FROM dora_figure, (SELECT zone FROM span) WHERE kind = '%s' ORDER BY is_all DESC, by_service, "
    "by_environment, n";

/* In figure_sql's order. */
static struct dora_figure figure_of(struct arena *a, struct duck_result *r)
{
    return (struct dora_figure){
        .service = text_of(a, r, 0),
        .environment = text_of(a, r, 1),
        .is_all = duck_i64(r, 2) != 0,
        .n = duck_i64(r, 3),
        .from_us = duck_i64(r, 4),
        .to_us = duck_i64(r, 5),
        .is_part = duck_i64(r, 6) != 0,
        .begins_us = duck_i64(r, 7),
        .deployments = duck_i64(r, 8),
        .days_deployed = duck_i64(r, 9),
        .commits = duck_i64(r, 10),
        .changes = duck_i64(r, 11),
        .failed = duck_i64(r, 12),
        .recovered = duck_i64(r, 13),
        .open_incidents = duck_i64(r, 14),
        .rework = duck_i64(r, 15),
        .undeployed_changes = duck_i64(r, 16),
        .per_day = real_of(r, 17),
        .days_per_week_p50 = real_of(r, 18),
        .lead_p50_s = real_of(r, 19),
        .lead_p90_s = real_of(r, 20),
        .change_p50_s = real_of(r, 21),
        .change_p90_s = real_of(r, 22),
        .fail_rate = real_of(r, 23),
        .recovery_p50_s = real_of(r, 24),
        .recovery_p90_s = real_of(r, 25),
        .rework_rate = real_of(r, 26),
        .stage_s = {real_of(r, 27), real_of(r, 28), real_of(r, 29), real_of(r, 30)},
        .last_failed_us = duck_is_null(r, 31) ? TIME_NONE : duck_i64(r, 31),
        .last_failed_by = text_of(a, r, 32),
        .oldest_failure_s = real_of(r, 33),
        .oldest_undeployed_s = real_of(r, 34),
    };
}

enum outcome dora_figures(struct duck *d, struct arena *a, enum dora_period p,
                          struct dora_figure **out, size_t *n, struct failure *f)
{
    struct duck_result r;
    size_t room = 64;
    const enum outcome result = duck_query(d, arena_printf(a, figure_sql, periods[p]).at, &r, f);
    *out = arena_array(a, struct dora_figure, room);
    *n = 0;
    while (result == OK && *n < FIGURES_MAX && duck_next(&r)) {
        if (*n == room) {
            struct dora_figure *const more = arena_array(a, struct dora_figure, 2 * room);
            memcpy(more, *out, room * sizeof **out);
            *out = more;
            room *= 2;
        }
        (*out)[(*n)++] = figure_of(a, &r);
    }
    duck_result_close(&r);
    return result;
}

bool dora_has_tiers(int64_t year)
{
    return year == 2019 || year == 2021 || year == 2023 || year == 2024;
}

enum outcome dora_tiers(struct duck *d, struct arena *a, struct str *out, struct failure *f)
{
    static const char sql[] =
        "SELECT concat('deployment frequency ', coalesce(frequency, 'none'), ', change lead time "
        "',\n"
        "    coalesce(lead, 'none'), ', change fail rate ', coalesce(fail, 'none'),\n"
        "    ', recovery time ', coalesce(restore, 'none')) FROM dora_tier WHERE is_all";
    return duck_first_text(d, a, sql, out, f);
}

enum outcome dora_json(struct duck *d, struct arena *a, struct str *out, struct failure *f)
{
    return duck_first_text(d, a, steps[ANSWER].sql, out, f);
}
