#include "command/report/dora_rows.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "command/report/grid.h"
#include "command/report/say.h"
#include "command/screen.h"

enum {
    NAME_COLUMNS = 14, /* of a name; what is longer is cut */
    FAILURE_COLUMNS = 13,
    FAILURES_LEAST = 3, /* for a mark */
};

enum which {
    NAME,
    ENVIRONMENT,
    DEPLOYMENTS,
    PER_DAY,
    LEAD,
    LEAD_MARK,
    P90,
    FAILED,
    WARNING,
    FAILED_MARK,
    FAILED_OF,
    OF,
    REWORK,
    OPEN,
    RECOVERY,
    RECOVERY_P90,
    LAST_FAILURE,
    CHART,
    COLUMNS_N
};

static const struct grid_column columns[COLUMNS_N] = {
    [NAME] = {"Service", 0, true},
    [ENVIRONMENT] = {"Environment", 2, true},
    [DEPLOYMENTS] = {"deployments", 2, false},
    [PER_DAY] = {"per day", 2, false},
    [LEAD] = {"lead", 2, false},
    [LEAD_MARK] = {"", 1, false},
    [P90] = {"p90", 2, false},
    [FAILED] = {"failed", 2, false},
    [WARNING] = {"", 0, true},
    [FAILED_MARK] = {"", 1, false},
    [FAILED_OF] = {"", 2, false},
    [OF] = {"of", 2, false},
    [REWORK] = {"rework", 2, false},
    [OPEN] = {"open", 2, false},
    [RECOVERY] = {"recovery", 2, false},
    [RECOVERY_P90] = {"p90", 2, false},
    [LAST_FAILURE] = {"last failure", 3, true},
    [CHART] = {"lead by week", 3, true},
};

#define BIT(column) GRID_BIT(column)
#define LEAST (BIT(NAME) | BIT(PER_DAY) | BIT(LEAD) | BIT(FAILED) | BIT(WARNING) | BIT(RECOVERY))
#define COUNTED (LEAST | BIT(P90) | BIT(OF) | BIT(REWORK) | BIT(OPEN))
#define DRAWN                                                                                      \
    (LEAST | BIT(P90) | BIT(DEPLOYMENTS) | BIT(LEAD_MARK) | BIT(FAILED_MARK) | BIT(FAILED_OF) |    \
     BIT(LAST_FAILURE))

/* The most first. */
static const struct grid_choice choices[] = {
    {DRAWN | BIT(REWORK) | BIT(OPEN) | BIT(RECOVERY_P90) | BIT(CHART), 120},
    {DRAWN | BIT(REWORK) | BIT(OPEN) | BIT(CHART), 120},
    {DRAWN | BIT(CHART), 120},
    {DRAWN, 120},
    {COUNTED | BIT(RECOVERY_P90) | BIT(CHART), 100},
    {COUNTED | BIT(CHART), 100},
    {LEAST | BIT(P90) | BIT(CHART), 60},
    {LEAST | BIT(P90), 60},
    {LEAST, 0},
};
enum { CHOICES_N = sizeof choices / sizeof *choices };

/* What all rows have in common. */
struct layout {
    const struct dora_rows *of;
    struct arena *arena;
    double lead_most_s, fail_most; /* of all rows */
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

/* "!" where few cases cannot be the reason. */
static struct str warning(const struct layout *l, const struct dora_figure *f)
{
    const struct dora_figure *const all = figures_all(&l->of->of[DORA_NOW]);
    const char *const trend = say_trend(f->fail_rate, all->fail_rate, -1, f->failed);
    return f->failed >= FAILURES_LEAST && strcmp(trend, "worse") == 0 ? S("!") : S(" ");
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

static struct str chart(const struct layout *l, const struct dora_figure *f)
{
    double value[FIGURES_CHARTED];
    int64_t begins_us = 0;
    const size_t n = figures_last(&l->of->of[DORA_WEEK], f, figure_lead_p50, value, &begins_us);
    return say_chart(l->arena, value, n);
}

static struct str mark(double value, double most)
{
    return say_has_charts() && most > 0 ? say_mark(value / most) : S(" ");
}

static struct str count(struct arena *a, int64_t n)
{
    return arena_printf(a, "%lld", (long long)n);
}

static void fill(const struct layout *l, const struct dora_figure *f, struct str out[COLUMNS_N])
{
    struct arena *const a = l->arena;
    const struct str name = l->of->wish->group == DORA_ALL ? f->environment : f->service;
    out[NAME] = screen_cut(a, screen_line(a, name.len > 0 ? name : S("(none)")), NAME_COLUMNS);
    out[ENVIRONMENT] = screen_cut(a, screen_line(a, f->environment), NAME_COLUMNS);
    out[DEPLOYMENTS] = out[OF] = count(a, f->deployments);
    out[PER_DAY] = say_number(a, f->per_day);
    out[LEAD] = say_few(a, say_span(a, f->lead_p50_s), f->commits);
    out[LEAD_MARK] = mark(f->lead_p50_s, l->lead_most_s);
    out[P90] = say_few(a, say_span(a, f->lead_p90_s), f->commits);
    out[FAILED] = say_few(a, say_rate(a, f->fail_rate), f->deployments);
    out[WARNING] = warning(l, f);
    out[FAILED_MARK] = mark(f->fail_rate, l->fail_most);
    out[FAILED_OF] = arena_printf(a, "%lld of %lld", (long long)f->failed,
                                  (long long)f->deployments);
    out[REWORK] = count(a, f->rework);
    out[OPEN] = count(a, f->open_incidents);
    out[RECOVERY] = say_few(a, say_span(a, f->recovery_p50_s), f->recovered);
    out[RECOVERY_P90] = say_few(a, say_span(a, f->recovery_p90_s), f->recovered);
    out[LAST_FAILURE] = last_failure(l, f);
    out[CHART] = chart(l, f);
}

void dora_rows_print(const struct dora_rows *r)
{
    const struct figures *const now = &r->of[DORA_NOW];
    struct layout l = {.of = r, .arena = r->arena};
    struct grid_choice mine[CHOICES_N];
    struct grid_column heads[COLUMNS_N];
    struct grid g;
    if (now->n < 2 || !figures_have_rows(r->wish)) {
        return;
    }
    for (size_t i = 1; i < now->n; i++) {
        l.lead_most_s = fmax(l.lead_most_s, now->at[i].lead_p50_s); /* not NAN */
        l.fail_most = fmax(l.fail_most, now->at[i].fail_rate);
    }
    for (size_t i = 0; i < CHOICES_N; i++) {
        mine[i] = choices[i];
        mine[i].shown |= shows_environment(r) ? BIT(ENVIRONMENT) : 0;
        mine[i].shown &= ~(say_has_charts() ? 0 : BIT(CHART));
    }
    memcpy(heads, columns, sizeof heads);
    heads[NAME].head = r->wish->group == DORA_TEAM  ? "Team"
                       : r->wish->group == DORA_ALL ? "Environment"
                                                    : "Service";
    grid_begin(&g, r->arena, heads, COLUMNS_N);
    for (size_t i = 1; i < now->n; i++) {
        fill(&l, &now->at[i], grid_row(&g));
    }
    (void)putchar('\n');
    grid_print(&g, mine, CHOICES_N, r->columns);
}
