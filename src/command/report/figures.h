/* figures.h - the DORA figures that a report shows, by kind of period, and what it picks of them.
 */
#ifndef WEIR_COMMAND_REPORT_FIGURES_H
#define WEIR_COMMAND_REPORT_FIGURES_H

#include "measure/dora.h"

struct figures {
    struct dora_figure *at;
    size_t n;
};

/* By kind of period, each with those over all first. After dora_take. */
enum outcome figures_read(struct duck *d, struct arena *a, struct figures out[DORA_PERIODS_N],
                          struct failure *f);

/* Over all groups; one without data where there is none. */
const struct dora_figure *figures_all(const struct figures *of);
/* Both are of one service and environment, or over all. */
bool figures_are_of_one(const struct dora_figure *a, const struct dora_figure *b);

/* Rows are asked for by anything: else there is only what is over all. */
bool figures_have_rows(const struct dora_wish *w);

/* The values of the last of a group's periods, oldest first, and where the first of them begins.
 *   returns how many: at most FIGURES_CHARTED */
enum { FIGURES_CHARTED = 13 }; /* a quarter's weeks */
size_t figures_last(const struct figures *of, const struct dora_figure *group,
                    double (*value)(const struct dora_figure *), double out[FIGURES_CHARTED],
                    int64_t *begins_us);

/* Where nothing of what the figures are made of is known. */
#define FIGURES_NOTHING "No deployment, no merge and no push is known."

/* What its stages are called, and the seconds of all of them; NAN: no change was deployed. */
extern const char *const figure_stages[DORA_STAGES_N];
double figure_stages_s(const struct dora_figure *f);

/* What a chart is drawn of. */
double figure_per_day(const struct dora_figure *f);
double figure_lead_p50(const struct dora_figure *f);
double figure_lead_p90(const struct dora_figure *f);
double figure_change_p50(const struct dora_figure *f);
double figure_change_p90(const struct dora_figure *f);
double figure_fail_rate(const struct dora_figure *f);
double figure_recovery_p50(const struct dora_figure *f);
double figure_recovery_p90(const struct dora_figure *f);
double figure_rework_rate(const struct dora_figure *f);

#endif
