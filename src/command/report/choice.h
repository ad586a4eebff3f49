/* choice.h - the choices behind the figures, told where the figures are. */
#ifndef WEIR_COMMAND_REPORT_CHOICE_H
#define WEIR_COMMAND_REPORT_CHOICE_H

#include "base/arena.h"
#include "config/report.h"

/* One sentence a choice: what begins a lead time, what shows a failure, which changes are hotfixes,
 * the median, the zone, bots. */
struct str choice_text(struct arena *a, const struct config_report *c);

#endif
