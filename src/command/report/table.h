/* table.h - one table of a report, under its title. */
#ifndef WEIR_COMMAND_REPORT_TABLE_H
#define WEIR_COMMAND_REPORT_TABLE_H

#include "command/ask.h"

/* One SELECT of texts, integers, reals. A column `*_s` is told as a span, `*_rate` as a percentage,
 * as on a page (html.h). */
struct report_table {
    const char *title, *sql;
    bool is_of_figures; /* on a terminal that is too narrow the last columns are left out, and told,
                           instead of names cut short */
};

enum outcome report_table(const struct ask *q, struct arena *a, const struct report_table *t,
                          struct failure *f);

#endif
