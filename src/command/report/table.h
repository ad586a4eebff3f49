/* table.h - one table of a report, under its title. */
#ifndef WEIR_COMMAND_REPORT_TABLE_H
#define WEIR_COMMAND_REPORT_TABLE_H

#include "command/ask.h"

struct report_table {
    const char *title, *sql; /* one SELECT of texts, integers, reals */
};

enum outcome report_table(const struct ask *q, struct arena *a, const struct report_table *t,
                          struct failure *f);

#endif
