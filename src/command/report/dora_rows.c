#include "command/report/dora_rows.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "command/report/say.h"
#include "command/screen.h"

enum {
    NAME_COLUMNS = 14,
    ENVIRONMENT_COLUMNS = 13,
    /* of a row without its environment */
    ROOM_FOR_REWORK = 137,
    ROOM_FOR_ALL = 120,
    ROOM_FOR_COUNTS = 101,
    ROOM_FOR_CHARTS = 76,
    ROOM_FOR_P90 = 60,
    FAILURE_COLUMNS = 13,
    FAILURES_LEAST = 3, /* for a mark */
};

/* What all rows have in common. */
struct layout {
    const struct dora_rows *of;
    struct arena *arena;
    bool has_environment, has_charts;
    size_t room;        /* of a row without its environment */
    double lead_most_s; /* of all rows                      */
    double fail_most;
};

/* Beside the name, where it says more than the title does. */
static bool shows_environment(const struct dora_rows *r)
{
    const struct figures *const now = &r->of[DORA_NOW];
    bool is_other = false;
    for (size_t i = 1; i < now->n; i++) {
        is_other |= !str_eq(now->at[i].environment, S("production"));
    }
    return r->wish->is_by_environment && r->wish->group != DORA_ALL && is_other;
}

static struct layout layout_of(const struct dora_rows *r)
{
    struct layout l = {.of = r, .arena = r->arena, .has_environment = shows_environment(r)};
    const size_t taken = l.has_environment ? ENVIRONMENT_COLUMNS : 0;
    l.room = r->columns > taken ? r->columns - taken : 0;
    l.has_charts = l.room >= ROOM_FOR_CHARTS && say_has_charts();
    for (size_t i = 1; i < r->of[DORA_NOW].n; i++) {
        l.lead_most_s = fmax(l.lead_most_s, r->of[DORA_NOW].at[i].lead_p50_s); /* not NAN */
        l.fail_most = fmax(l.fail_most, r->of[DORA_NOW].at[i].fail_rate);
    }
    return l;
}

/* To the right of its columns, and never cut: half a figure is another one. */
static void put_figure(struct arena *a, struct str text, int columns)
{
    if (screen_width(text) < (size_t)columns) {
        screen_put(a, text, columns);
    } else {
        (void)printf(" %.*s", STR_ARG(text));
    }
}

static void put_mark(const struct layout *l, double value, double most)
{
    const struct str mark = l->has_charts && most > 0 ? say_mark(value / most) : S(" ");
    (void)printf(" %.*s", STR_ARG(mark));
}

static void put_head(const struct layout *l)
{
    const enum dora_group group = l->of->wish->group;
    screen_put(l->arena,
               group == DORA_TEAM  ? S("Team")
               : group == DORA_ALL ? S("Environment")
                                   : S("Service"),
               -NAME_COLUMNS);
    if (l->has_environment) {
        screen_put(l->arena, S("Environment"), -ENVIRONMENT_COLUMNS);
    }
    if (l->room >= ROOM_FOR_ALL) {
        (void)printf("%12s%9s%10s  %8s%10s%14s%10s", "deployments", "per day", "lead p50", "p90",
                     "failed", "", "recovery");
        (void)printf(l->room >= ROOM_FOR_REWORK ? "%9s%8s" : "%.0s%.0s", "rework", "open");
        (void)printf("   %-*s", FAILURE_COLUMNS, "last failure");
        (void)puts(l->has_charts ? "  lead by week" : "");
        return;
    }
    (void)printf("%8s%8s", "per day", "lead");
    (void)printf(l->room >= ROOM_FOR_P90 ? "%8s%10s " : "%.0s%10s ", "p90", "failed");
    (void)printf(l->room >= ROOM_FOR_COUNTS ? "%8s%9s%8s" : "%.0s%.0s%.0s", "of", "rework", "open");
    (void)printf("%11s", "recovery");
    (void)puts(l->has_charts ? "   lead by week" : "");
}

/* "!" where few cases cannot be the reason. */
static const char *warning(const struct layout *l, const struct dora_figure *f)
{
    const struct dora_figure *const all = figures_all(&l->of->of[DORA_NOW]);
    const char *const trend = say_trend(f->fail_rate, all->fail_rate, false, f->failed);
    return f->failed >= FAILURES_LEAST && strcmp(trend, "worse") == 0 ? "!" : " ";
}

/* "4 Nov #3749": the day of the newest failure, and the incident where its name is short. */
static struct str last_failure(const struct layout *l, const struct dora_figure *f)
{
    uint64_t number = 0;
    if (f->last_failed_us == TIME_NONE) {
        return S("–");
    }
    const struct str day = say_day(l->arena, f->last_failed_us,
                                   l->of->wish->window.local_to_us - 1);
    const bool fits = day.len + 2 + f->last_failed_by.len <= FAILURE_COLUMNS;
    return str_to_u64(f->last_failed_by, &number) && fits
               ? arena_printf(l->arena, "%s #%.*s", day.at, STR_ARG(f->last_failed_by))
               : day;
}

static void put_all(const struct layout *l, const struct dora_figure *f)
{
    struct arena *const a = l->arena;
    (void)printf("%12lld", (long long)f->deployments);
    put_figure(a, say_number(a, f->per_day), 9);
    put_figure(a, say_few(a, say_span(a, f->lead_p50_s), f->commits), 10);
    put_mark(l, f->lead_p50_s, l->lead_most_s);
    put_figure(a, say_few(a, say_span(a, f->lead_p90_s), f->commits), 8);
    put_figure(a, say_few(a, say_rate(a, f->fail_rate), f->deployments), 10);
    (void)printf("%s", warning(l, f));
    put_mark(l, f->fail_rate, l->fail_most);
    put_figure(a, arena_printf(a, "%lld of %lld", (long long)f->failed, (long long)f->deployments),
               11);
    put_figure(a, say_few(a, say_span(a, f->recovery_p50_s), f->recovered), 10);
    if (l->room >= ROOM_FOR_REWORK) {
        (void)printf("%9lld%8lld", (long long)f->rework, (long long)f->open_incidents);
    }
    (void)printf("   ");
    screen_put(a, last_failure(l, f), -FAILURE_COLUMNS);
}

static void put_some(const struct layout *l, const struct dora_figure *f)
{
    struct arena *const a = l->arena;
    put_figure(a, say_number(a, f->per_day), 8);
    put_figure(a, say_few(a, say_span(a, f->lead_p50_s), f->commits), 8);
    if (l->room >= ROOM_FOR_P90) {
        put_figure(a, say_few(a, say_span(a, f->lead_p90_s), f->commits), 8);
    }
    put_figure(a, say_few(a, say_rate(a, f->fail_rate), f->deployments), 10);
    (void)printf("%s", warning(l, f));
    if (l->room >= ROOM_FOR_COUNTS) {
        (void)printf("%8lld%9lld%8lld", (long long)f->deployments, (long long)f->rework,
                     (long long)f->open_incidents);
    }
    put_figure(a, say_few(a, say_span(a, f->recovery_p50_s), f->recovered), 11);
}

static void put_row(const struct layout *l, const struct dora_figure *f)
{
    struct arena *const a = l->arena;
    const bool is_of_all = l->room >= ROOM_FOR_ALL;
    const struct str name = l->of->wish->group == DORA_ALL ? f->environment : f->service;
    screen_put(a, name.len > 0 ? name : S("(none)"), -NAME_COLUMNS);
    if (l->has_environment) {
        screen_put(a, f->environment, -ENVIRONMENT_COLUMNS);
    }
    if (is_of_all) {
        put_all(l, f);
    } else {
        put_some(l, f);
    }
    if (l->has_charts) {
        double value[FIGURES_CHARTED];
        int64_t begins_us = 0;
        const size_t n = figures_last(&l->of->of[DORA_WEEK], f, figure_lead_p50, value, &begins_us);
        (void)printf("%s%.*s", is_of_all ? "  " : "   ", STR_ARG(say_chart(a, value, n)));
    }
    (void)putchar('\n');
}

void dora_rows_print(const struct dora_rows *r)
{
    const struct figures *const now = &r->of[DORA_NOW];
    if (now->n > 1 && figures_have_rows(r->wish)) {
        const struct layout l = layout_of(r);
        (void)putchar('\n');
        put_head(&l);
        for (size_t i = 1; i < now->n; i++) {
            put_row(&l, &now->at[i]);
        }
    }
}
