#include "command/report/figures.h"

#include <math.h>

#include "base/clock.h"

enum outcome figures_read(struct duck *d, struct arena *a, struct figures out[DORA_PERIODS_N],
                          struct failure *f)
{
    enum outcome result = OK;
    for (int p = DORA_NOW; p < DORA_PERIODS_N && result == OK; p++) {
        result = dora_figures(d, a, (enum dora_period)p, &out[p].at, &out[p].n, f);
    }
    return result;
}

const struct dora_figure *figures_all(const struct figures *of)
{
    static const struct dora_figure none = {
        .is_all = true,
        .per_day = (double)NAN,
        .lead_p50_s = (double)NAN,
        .lead_p90_s = (double)NAN,
        .change_p50_s = (double)NAN,
        .change_p90_s = (double)NAN,
        .fail_rate = (double)NAN,
        .recovery_p50_s = (double)NAN,
        .recovery_p90_s = (double)NAN,
        .rework_rate = (double)NAN,
        .oldest_failure_s = (double)NAN,
        .oldest_undeployed_s = (double)NAN,
        .stage_s = {(double)NAN, (double)NAN, (double)NAN, (double)NAN},
        .last_failed_us = TIME_NONE};
    return of->n > 0 && of->at[0].is_all ? &of->at[0] : &none;
}

bool figures_are_of_one(const struct dora_figure *a, const struct dora_figure *b)
{
    return a->is_all == b->is_all && str_eq(a->service, b->service) &&
           str_eq(a->environment, b->environment);
}

bool figures_have_rows(const struct dora_wish *w)
{
    return w->group != DORA_ALL || w->is_by_environment;
}

size_t figures_last(const struct figures *of, const struct dora_figure *group,
                    double (*value)(const struct dora_figure *), double out[FIGURES_CHARTED],
                    int64_t *begins_us)
{
    const struct dora_figure *last[FIGURES_CHARTED];
    size_t n = 0;
    for (size_t i = of->n; i > 0 && n < FIGURES_CHARTED; i--) {
        if (figures_are_of_one(&of->at[i - 1], group)) {
            last[n++] = &of->at[i - 1];
        }
    }
    for (size_t i = 0; i < n; i++) {
        out[i] = value(last[n - 1 - i]);
    }
    *begins_us = n > 0 ? last[n - 1]->begins_us : TIME_NONE;
    return n;
}

const char *const figure_stages[DORA_STAGES_N] = {"coding", "to review", "in review", "waiting"};

double figure_stages_s(const struct dora_figure *f)
{
    double s = 0;
    for (int i = 0; i < DORA_STAGES_N; i++) {
        s += f->stage_s[i];
    }
    return s;
}

double figure_per_day(const struct dora_figure *f)
{
    return f->per_day;
}

double figure_lead_p50(const struct dora_figure *f)
{
    return f->lead_p50_s;
}

double figure_lead_p90(const struct dora_figure *f)
{
    return f->lead_p90_s;
}

double figure_change_p50(const struct dora_figure *f)
{
    return f->change_p50_s;
}

double figure_change_p90(const struct dora_figure *f)
{
    return f->change_p90_s;
}

double figure_fail_rate(const struct dora_figure *f)
{
    return f->fail_rate;
}

double figure_recovery_p50(const struct dora_figure *f)
{
    return f->recovery_p50_s;
}

double figure_recovery_p90(const struct dora_figure *f)
{
    return f->recovery_p90_s;
}

double figure_rework_rate(const struct dora_figure *f)
{
    return f->rework_rate;
}
