/* period.h - the DORA figures a week or a month, a row each, on a terminal. */
#ifndef WEIR_COMMAND_REPORT_PERIOD_H
#define WEIR_COMMAND_REPORT_PERIOD_H

#include "command/report/figures.h"

struct period_table {
    struct arena *arena;
    const struct dora_wish *wish;
    const struct figures *of; /* the figures of wish->period */
    size_t columns;
};

/* Under the name of each service, team or environment, the oldest period first; over all of them
 * where nothing is grouped. */
void period_print(const struct period_table *t);

/* "23 Aug"; a month is told with its year, "Aug 2026". */
struct str period_name(struct arena *a, const struct dora_wish *w, const struct dora_figure *f);
/* "shop, production"; "(none)" where it has no name. */
struct str period_group(struct arena *a, const struct dora_wish *w, const struct dora_figure *f);

#endif
