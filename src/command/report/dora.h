/* dora.h - the DORA figures on a terminal: what each is, was, and stands on.
 *
 * The same columns at every width, more of them where there is room; below 60 columns charts go
 * first, then the 90th percentile (reports.md section 2). */
#ifndef WEIR_COMMAND_REPORT_DORA_H
#define WEIR_COMMAND_REPORT_DORA_H

#include "command/ask.h"
#include "measure/dora.h"

/* After dora_take. */
enum outcome report_dora(const struct ask *q, struct arena *a, const struct dora_wish *w,
                         struct failure *f);
/* What stands behind them, a table a kind. */
enum outcome report_dora_explain(const struct ask *q, struct arena *a, struct failure *f);

#endif
