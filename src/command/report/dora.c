#include "command/report/dora.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "command/report/choice.h"
#include "command/report/figures.h"
#include "command/report/period.h"
#include "command/report/say.h"
#include "command/report/table.h"
#include "command/screen.h"

enum {
    WEEKS_SHOWN = 13,        /* a quarter */
    COLUMNS = 80,            /* in a pipe */
    COLUMNS_FOR_CHARTS = 80, /* of the five figures */
    COLUMNS_FOR_P90 = 66,
    ROOM_FOR_COUNTS = 110, /* of a row without its environment */
    ROOM_FOR_CHARTS = 75,
    ROOM_FOR_P90 = 59,
    NAME_COLUMNS = 14,
    NAME_COLUMNS_OF_FIVE = 21, /* with p50 */
    NARROW_NAME_COLUMNS = 17,
    REASONS_SHOWN = 6,
};

struct page {
    struct arena *arena;
    size_t columns;
    bool has_charts;
    struct figures of[DORA_PERIODS_N];
};

/* ---- the pieces ---- */

/* The last weeks of one group, oldest first. */
static struct str chart_of(const struct page *p, const struct dora_figure *of,
                           double (*value)(const struct dora_figure *))
{
    double at[WEEKS_SHOWN];
    size_t n = 0;
    for (size_t i = 0; i < p->of[DORA_WEEK].n; i++) {
        if (!figures_are_of_one(&p->of[DORA_WEEK].at[i], of)) {
            continue;
        }
        if (n == WEEKS_SHOWN) {
            for (size_t k = 1; k < n; k++) {
                at[k - 1] = at[k];
            }
            n--;
        }
        at[n++] = value(&p->of[DORA_WEEK].at[i]);
    }
    return say_chart(p->arena, at, n);
}

/* ---- the five ---- */

struct line {
    const char *name, *which;
    struct str now, before;
    const char *trend;
    double (*value)(const struct dora_figure *); /* NULL: no chart */
    struct str from;
};

static void put_line(const struct page *p, const struct dora_figure *all, const struct line *l)
{
    const int room = p->columns < COLUMNS_FOR_P90 ? NARROW_NAME_COLUMNS : NAME_COLUMNS_OF_FIVE;
    (void)printf("%s%*s", l->name, room - (int)strlen(l->name), l->which);
    screen_put(p->arena, l->now, 9);
    if (p->columns >= COLUMNS_FOR_P90) {
        screen_put(p->arena, l->before, 9);
        (void)printf("  %-8s", l->trend);
    } else {
        (void)printf("  ");
    }
    if (p->has_charts) {
        screen_put(p->arena, l->value ? chart_of(p, all, l->value) : S(""), -(WEEKS_SHOWN + 2));
    }
    (void)printf("%.*s\n", STR_ARG(l->from));
}

static struct str count_text(struct arena *a, int64_t n, const char *one, const char *many)
{
    return arena_printf(a, "%lld %s", (long long)n, n == 1 ? one : many);
}

static void put_five(const struct page *p, const struct dora_figure *f, const struct dora_figure *b)
{
    struct arena *const a = p->arena;
    const bool is_wide = p->columns >= COLUMNS_FOR_P90;
    const struct line lines[] = {
        {is_wide ? "Deployment frequency" : "Deployments", "", say_per_day(a, f->per_day),
         say_per_day(a, b->deployments ? b->per_day : (double)NAN),
         say_trend(f->per_day, b->deployments ? b->per_day : (double)NAN, true, f->deployments),
         figure_per_day, count_text(a, f->deployments, "deployment", "deployments")},
        {is_wide ? "Change lead time" : "Lead time", "p50",
         say_few(a, say_span(a, f->lead_p50_s), f->commits),
         say_few(a, say_span(a, b->lead_p50_s), b->commits),
         say_trend(f->lead_p50_s, b->lead_p50_s, false, f->commits), figure_lead_p50,
         count_text(a, f->commits, "commit", "commits")},
        {"", "p90", say_few(a, say_span(a, f->lead_p90_s), f->commits),
         say_few(a, say_span(a, b->lead_p90_s), b->commits), "", NULL,
         arena_printf(a, "%lld not deployed", (long long)f->undeployed_changes)},
        {is_wide ? "Change fail rate" : "Fail rate", "",
         say_few(a, say_rate(a, f->fail_rate), f->deployments),
         say_few(a, say_rate(a, b->fail_rate), b->deployments),
         say_trend(f->fail_rate, b->fail_rate, false, f->failed + b->failed), figure_fail_rate,
         arena_printf(a, "%lld of %lld", (long long)f->failed, (long long)f->deployments)},
        {is_wide ? "Recovery time" : "Recovery", "p50",
         say_few(a, say_span(a, f->recovery_p50_s), f->recovered),
         say_few(a, say_span(a, b->recovery_p50_s), b->recovered),
         say_trend(f->recovery_p50_s, b->recovery_p50_s, false, f->recovered), figure_recovery,
         arena_printf(a, "%lld, %lld open", (long long)f->recovered, (long long)f->open_incidents)},
        {is_wide ? "Rework rate" : "Rework", "",
         say_few(a, say_rate(a, f->rework_rate), f->deployments),
         say_few(a, say_rate(a, b->rework_rate), b->deployments),
         say_trend(f->rework_rate, b->rework_rate, false, f->rework + b->rework),
         figure_rework_rate,
         arena_printf(a, "%lld of %lld", (long long)f->rework, (long long)f->deployments)},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        if (p->columns >= COLUMNS_FOR_P90 || lines[i].name[0] != '\0') {
            put_line(p, f, &lines[i]);
        }
    }
}

/* ---- one row a service ---- */

/* Beside the name, where it says more than the title does. */
static bool shows_environment(const struct page *p, const struct dora_wish *w)
{
    bool is_other = false;
    for (size_t i = 1; i < p->of[DORA_NOW].n; i++) {
        is_other |= !str_eq(p->of[DORA_NOW].at[i].environment, S("production"));
    }
    return w->is_by_environment && w->group != DORA_ALL && is_other;
}

/* What a row has for all but its environment. */
static size_t room_of(const struct page *p, const struct dora_wish *w)
{
    const size_t taken = shows_environment(p, w) ? NAME_COLUMNS - 1 : 0;
    return p->columns > taken ? p->columns - taken : 0;
}

static bool has_row_charts(const struct page *p, const struct dora_wish *w)
{
    return room_of(p, w) >= ROOM_FOR_CHARTS && say_has_charts();
}

static void put_row_head(const struct page *p, const struct dora_wish *w)
{
    screen_put(p->arena,
               w->group == DORA_TEAM  ? S("Team")
               : w->group == DORA_ALL ? S("Environment")
                                      : S("Service"),
               -NAME_COLUMNS);
    if (shows_environment(p, w)) {
        screen_put(p->arena, S("Environment"), -(NAME_COLUMNS - 1));
    }
    (void)printf("%9s%8s", "per day", "lead");
    if (room_of(p, w) >= ROOM_FOR_P90) {
        (void)printf("%8s", "p90");
    }
    (void)printf("%9s", "failed");
    if (room_of(p, w) >= ROOM_FOR_COUNTS) {
        (void)printf("%9s%9s%8s", "of", "rework", "open");
    }
    (void)printf("%11s", "recovery");
    (void)puts(has_row_charts(p, w) ? "   lead by week" : "");
}

static void put_row(const struct page *p, const struct dora_wish *w, const struct dora_figure *f)
{
    struct arena *const a = p->arena;
    const struct str name = w->group == DORA_ALL ? f->environment : f->service;
    screen_put(a, name.len > 0 ? name : S("(none)"), -NAME_COLUMNS);
    if (shows_environment(p, w)) {
        screen_put(a, f->environment, -(NAME_COLUMNS - 1));
    }
    screen_put(a, say_per_day(a, f->per_day), 9);
    screen_put(a, say_few(a, say_span(a, f->lead_p50_s), f->commits), 8);
    if (room_of(p, w) >= ROOM_FOR_P90) {
        screen_put(a, say_few(a, say_span(a, f->lead_p90_s), f->commits), 8);
    }
    screen_put(a, say_few(a, say_rate(a, f->fail_rate), f->deployments), 9);
    if (room_of(p, w) >= ROOM_FOR_COUNTS) {
        (void)printf("%9lld%9lld%8lld", (long long)f->deployments, (long long)f->rework,
                     (long long)f->open_incidents);
    }
    screen_put(a, say_few(a, say_span(a, f->recovery_p50_s), f->recovered), 11);
    if (has_row_charts(p, w)) {
        const struct str chart = chart_of(p, f, figure_lead_p50);
        (void)printf("   %.*s", STR_ARG(chart));
    }
    (void)putchar('\n');
}

static void put_rows(const struct page *p, const struct dora_wish *w)
{
    if (p->of[DORA_NOW].n > 1 && figures_have_rows(w)) {
        (void)putchar('\n');
        put_row_head(p, w);
        for (size_t i = 1; i < p->of[DORA_NOW].n; i++) {
            put_row(p, w, &p->of[DORA_NOW].at[i]);
        }
    }
}

/* ---- around them ---- */

static enum outcome put_left_out(const struct ask *q, const struct page *p, struct failure *f)
{
    struct duck_result r;
    const enum outcome result = duck_query(
        q->duck,
        "SELECT concat(n, ' ', what, if(n = 1, '', 's'), ' ', reason),\n"
        "    CAST(sum(n) OVER () AS BIGINT)\n"
        "FROM dora_out_count ORDER BY n DESC, what, reason",
        &r, f);
    size_t shown = 0;
    while (result == OK && duck_next(&r)) {
        if (shown == 0) {
            (void)printf("\n%lld left out:\n", (long long)duck_i64(&r, 1));
        }
        if (shown++ < REASONS_SHOWN) {
            const struct str text = screen_line(p->arena, duck_text(&r, 0));
            (void)printf("  ");
            screen_wrap(text, 2, 4);
        }
    }
    if (shown > REASONS_SHOWN) {
        (void)printf("  and %zu more reasons\n", shown - REASONS_SHOWN);
    }
    duck_result_close(&r);
    return result;
}

/* One a figure; rework has none. */
static enum outcome put_tiers(const struct ask *q, const struct page *p, const struct dora_wish *w,
                              struct failure *f)
{
    struct str told;
    const enum outcome result = dora_tiers(q->duck, p->arena, &told, f);
    if (result == OK) {
        (void)printf("\nTiers of %lld: ", (long long)w->tiers_year);
        screen_wrap(arena_printf(p->arena,
                                 "%.*s. Rework has none. On demand is read as 5 days a week or "
                                 "more with a deployment.",
                                 STR_ARG(told)),
                    sizeof "Tiers of 2024: " - 1, 0);
    }
    return result;
}

/* The choices behind the figures, where they stand. */
static void put_definitions(struct arena *a, const struct dora_wish *w)
{
    (void)putchar('\n');
    screen_wrap(S("Deployment: a first success in production. Lead time: each commit to the first "
                  "deployment that holds it. Recovery: to the end of its last incident. Rework: a "
                  "rollback, a hotfix, or the fix of an incident."),
                0, 0);
    screen_wrap(screen_line(a, choice_text(a, &w->window.choice)), 0, 0);
    if (!w->is_explained) {
        (void)putchar('\n');
        screen_wrap(
            S("--explain lists the deployments and changes behind each figure; --html FILE"), 0, 0);
    }
}

static void put_head(const struct page *p, const struct dora_wish *w, const struct ask *q)
{
    char complete[CLOCK_TEXT_BYTES];
    struct arena *const a = p->arena;
    const long long days = (w->window.to_us - w->window.from_us) / DAY_US;
    const bool is_weeks = days > 7 && days % 7 == 0;
    (void)clock_text(q->complete_us, complete);
    (void)printf("Delivery, production, %s to %s, %lld %s%scomplete to %.8s UTC\n\n",
                 say_day(a, w->window.from_us, w->window.to_us).at,
                 say_day(a, w->window.to_us, w->window.to_us).at, is_weeks ? days / 7 : days,
                 is_weeks    ? "weeks"
                 : days == 1 ? "day"
                             : "days",
                 p->columns < COLUMNS ? "\n" : "   ", complete + 11);
    if (p->columns >= COLUMNS_FOR_P90) {
        (void)printf("%30s%9s%10s%s%s\n", "now", "before", "",
                     p->has_charts ? "by week        " : "", "from");
    }
}

enum outcome report_dora(const struct ask *q, struct arena *a, const struct dora_wish *w,
                         struct failure *f)
{
    const size_t columns = screen_columns();
    struct page p = {.arena = a, .columns = columns == 0 ? COLUMNS : columns};
    p.has_charts = p.columns >= COLUMNS_FOR_CHARTS && say_has_charts();
    enum outcome result = figures_read(q->duck, a, p.of, f);
    if (result != OK) {
        return result;
    }
    put_head(&p, w, q);
    put_five(&p, figures_all(&p.of[DORA_NOW]), figures_all(&p.of[DORA_BEFORE]));
    if (w->period == DORA_NOW) {
        put_rows(&p, w);
    } else {
        const struct period_table table = {a, w, &p.of[w->period], p.columns};
        period_print(&table);
    }
    result = w->tiers_year > 0 ? put_tiers(q, &p, w, f) : OK;
    result = result == OK ? put_left_out(q, &p, f) : result;
    if (result == OK) {
        put_definitions(a, w);
    }
    return result;
}

enum outcome report_dora_explain(const struct ask *q, struct arena *a, struct failure *f)
{
    static const struct report_table tables[] = {
        {"Deployments",
         "SELECT id, service, environment, finished_at, sha, commits, failed_by, "
         "recovered_at, rework FROM explain_deployment",
         false},
        {"Changes",
         "SELECT number, repository, service, environment, first_commit_at, merged_at, "
         "deployment, lead_s, left_out, title FROM explain_change",
         false},
        {"Commits",
         "SELECT sha, change, service, environment, committed_at, deployment, lead_s "
         "FROM explain_commit",
         false},
        {"Incidents",
         "SELECT id, service, environment, detected_at, resolved_at, caused_by, "
         "evidence, fixed_by, left_out, title FROM explain_incident",
         false},
        {"Left out", "SELECT what, id, service, environment, reason, seen_at FROM explain_out",
         false},
    };
    enum outcome result = OK;
    for (size_t i = 0; i < sizeof tables / sizeof *tables && result == OK; i++) {
        result = report_table(q, a, &tables[i], f);
    }
    return result;
}
