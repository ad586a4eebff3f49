#include "command/report/period.h"

#include <stdio.h>

#include "command/report/say.h"
#include "command/screen.h"

enum { NAME_COLUMNS = 14, PART_COLUMNS = 6, COLUMNS_FOR_ALL = 78, COLUMNS_FOR_P90 = 58 };

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

static void put_head(const struct period_table *t)
{
    screen_put(t->arena, t->wish->period == DORA_MONTH ? S("Month") : S("Week from"),
               -NAME_COLUMNS);
    (void)printf("%*s%9s%8s", PART_COLUMNS, "", "per day", "lead");
    (void)printf(t->columns >= COLUMNS_FOR_P90 ? "%8s%10s" : "%.0s%10s", "p90", "failed");
    (void)puts(t->columns >= COLUMNS_FOR_ALL ? "   recovery    rework" : "");
}

static void put_row(const struct period_table *t, const struct dora_figure *f)
{
    struct arena *const a = t->arena;
    (void)printf("  ");
    screen_put(a, period_name(a, t->wish, f), -(NAME_COLUMNS - 2));
    screen_put(a, f->is_part ? S("part") : S(""), -PART_COLUMNS);
    screen_put(a, say_number(a, f->per_day), 9);
    screen_put(a, say_few(a, say_span(a, f->lead_p50_s), f->commits), 8);
    if (t->columns >= COLUMNS_FOR_P90) {
        screen_put(a, say_few(a, say_span(a, f->lead_p90_s), f->commits), 8);
    }
    screen_put(a, say_few(a, say_rate(a, f->fail_rate), f->deployments), 10);
    if (t->columns >= COLUMNS_FOR_ALL) {
        screen_put(a, say_few(a, say_span(a, f->recovery_p50_s), f->recovered), 11);
        screen_put(a, say_few(a, say_rate(a, f->rework_rate), f->deployments), 10);
    }
    (void)putchar('\n');
}

void period_print(const struct period_table *t)
{
    const bool has_rows = figures_have_rows(t->wish);
    const struct dora_figure *group = NULL;
    (void)putchar('\n');
    put_head(t);
    for (size_t i = 0; i < t->of->n; i++) {
        const struct dora_figure *const f = &t->of->at[i];
        if (f->is_all == has_rows) {
            continue;
        }
        if (has_rows && (!group || !figures_are_of_one(group, f))) {
            const struct str name = period_group(t->arena, t->wish, f);
            (void)printf("%.*s\n", STR_ARG(screen_line(t->arena, name)));
        }
        group = f;
        put_row(t, f);
    }
}
