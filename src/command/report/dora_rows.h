/* dora_rows.h - a row a service, team or environment under the five figures. */
#ifndef WEIR_COMMAND_REPORT_DORA_ROWS_H
#define WEIR_COMMAND_REPORT_DORA_ROWS_H

#include "command/report/figures.h"

struct dora_rows {
    struct arena *arena;
    const struct dora_wish *wish;
    const struct figures *of; /* by kind of period */
    size_t columns;
};

/* Nothing where there is only what is over all. `!` marks a rate that is clearly worse than over
 * all. */
void dora_rows_print(const struct dora_rows *r);

#endif
