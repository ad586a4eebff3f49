#include "command/report/period.h"

#include <stdio.h>

#include "command/report/grid.h"
#include "command/report/say.h"

enum which { NAME, PART, PER_DAY, LEAD, P90, FAILED, RECOVERY, RECOVERY_P90, REWORK, COLUMNS_N };

#define BIT(column) GRID_BIT(column)
#define LEAST (BIT(NAME) | BIT(PART) | BIT(PER_DAY) | BIT(LEAD) | BIT(FAILED))

/* The most first. */
static const struct grid_choice choices[] = {
    {LEAST | BIT(P90) | BIT(RECOVERY) | BIT(RECOVERY_P90) | BIT(REWORK), 78},
    {LEAST | BIT(P90) | BIT(RECOVERY) | BIT(REWORK), 78},
    {LEAST | BIT(RECOVERY) | BIT(REWORK), 78},
    {LEAST | BIT(RECOVERY), 66},
    {LEAST | BIT(P90), 58},
    {LEAST, 0},
};

struct str period_name(struct arena *a, const struct dora_wish *w, const struct dora_figure *f)
{
    return w->period == DORA_MONTH ? say_month(a, f->begins_us)
                                   : say_day(a, f->begins_us, w->window.local_to_us - 1);
}

struct str period_group(struct arena *a, const struct dora_wish *w, const struct dora_figure *f)
{
    const struct str name = f->service.len > 0 ? f->service : S("(none)");
    if (!w->is_by_environment) {
        return name;
    }
    return w->group == DORA_ALL
               ? f->environment
               : arena_printf(a, "%.*s, %.*s", STR_ARG(name), STR_ARG(f->environment));
}

static void fill(const struct period_table *t, const struct dora_figure *f,
                 struct str out[COLUMNS_N])
{
    struct arena *const a = t->arena;
    out[NAME] = arena_printf(a, "  %s", period_name(a, t->wish, f).at);
    out[PART] = f->is_part ? S("part") : S("");
    out[PER_DAY] = say_number(a, f->per_day);
    out[LEAD] = say_few(a, say_span(a, f->lead_p50_s), f->commits);
    out[P90] = say_few(a, say_span(a, f->lead_p90_s), f->commits);
    out[FAILED] = say_few(a, say_rate(a, f->fail_rate), f->deployments);
    out[RECOVERY] = say_few(a, say_span(a, f->recovery_p50_s), f->recovered);
    out[RECOVERY_P90] = say_few(a, say_span(a, f->recovery_p90_s), f->recovered);
    out[REWORK] = say_few(a, say_rate(a, f->rework_rate), f->deployments);
}

void period_print(const struct period_table *t)
{
    const struct grid_column columns[COLUMNS_N] = {
        [NAME] = {t->wish->period == DORA_MONTH ? "Month" : "Week from", 0, true},
        [PART] = {"", 1, true},
        [PER_DAY] = {"per day", 2, false},
        [LEAD] = {"lead", 2, false},
        [P90] = {"p90", 2, false},
        [FAILED] = {"failed", 2, false},
        [RECOVERY] = {"recovery", 2, false},
        [RECOVERY_P90] = {"p90", 2, false},
        [REWORK] = {"rework", 2, false},
    };
    const bool has_rows = figures_have_rows(t->wish);
    const struct dora_figure *group = NULL;
    struct grid g;
    grid_begin(&g, t->arena, columns, COLUMNS_N);
    for (size_t i = 0; i < t->of->n; i++) {
        const struct dora_figure *const f = &t->of->at[i];
        if (f->is_all == has_rows) {
            continue;
        }
        if (has_rows && (!group || !figures_are_of_one(group, f))) {
            grid_title(&g, period_group(t->arena, t->wish, f));
        }
        group = f;
        fill(t, f, grid_row(&g));
    }
    (void)putchar('\n');
    grid_print(&g, choices, sizeof choices / sizeof *choices, t->columns);
}
