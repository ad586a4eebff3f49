/* parts_say.h - each figure of a report of parts in one sentence, true also of none, one and two.
 */
#ifndef WEIR_COMMAND_REPORT_PARTS_SAY_H
#define WEIR_COMMAND_REPORT_PARTS_SAY_H

#include "command/report/sentence.h"
#include "measure/figure.h"

/* p90: of the same; NAN where it has none. days: of the window. */
struct sentence parts_say(struct arena *a, const struct figure *f, double p90, double days);
/* What its cases are called at the head of a column: "Changes merged". */
const char *parts_counted(const struct figure *f);

#endif
