/* around.h - what stands around the figures of a report on a terminal. */
#ifndef WEIR_COMMAND_REPORT_AROUND_H
#define WEIR_COMMAND_REPORT_AROUND_H

#include "command/ask.h"

/* Below an empty line; nothing where the text is empty. */
void around_note(struct str text);
/* "10 left out: 6 deployments not production · …", of table `out_count`; nothing where nothing is.
 */
enum outcome around_left_out(const struct ask *q, struct arena *a, struct failure *f);
/* What stands over weeks that are charted from left to right: the days of the ends where they are
 * wanted and have room, else "by week". The times are as a clock of the zone shows them. */
struct str around_weeks(struct arena *a, int64_t begins_us, int64_t to_us, size_t n);

#endif
