/* csv.h - the tables of a report, each by its name, for --csv: one a time, since CSV is one table.
 * They are for spreadsheets: what one would calculate with is told as text. */
#ifndef WEIR_COMMAND_REPORT_CSV_H
#define WEIR_COMMAND_REPORT_CSV_H

#include "command/ask.h"
#include "measure/window.h"

struct csv_table {
    const char *name, *sql; /* one SELECT of texts, integers, reals */
    bool is_explained;      /* its rows are made when dora_wish asks for them */
};

extern const struct csv_table csv_dora[]; /* name NULL ends them */

/* The table of that name, empty: the first; NULL: there is none. */
const struct csv_table *csv_of_dora(struct str name);
const struct window_part *csv_of_parts(const struct window_part *part, struct str name);

/* After the report was taken. */
enum outcome csv_print(const struct ask *q, struct arena *a, const char *sql, struct failure *f);

#endif
