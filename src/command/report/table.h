/* table.h - one table of a report, under its title. */
#ifndef WEIR_COMMAND_REPORT_TABLE_H
#define WEIR_COMMAND_REPORT_TABLE_H

#include "command/ask.h"

/* What does not fit on a terminal (80 columns in a pipe, but a list of what stands behind a figure
 * is whole there) is left out from the last column on, and told. One SELECT of texts, integers,
 * reals. A column `*_s` is told as a span, `*_rate` as a percentage, as on a page (html.h). */
struct report_table {
    const char *title, *sql;
    const char *cut; /* words: the columns that are cut short where there is no room, while ids and
                        times stay whole: a list; NULL: long texts of any column */
};

enum outcome report_table(const struct ask *q, struct arena *a, const struct report_table *t,
                          struct failure *f);

#endif
