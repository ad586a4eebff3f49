/* rows.h - rows on stdout: a table for people, CSV or JSON lines for programs.
 *
 * A table is set by libsmartcols as wide as the terminal; to a pipe it is written whole. CSV is RFC
 * 4180 with a header; JSON is one object a line, null where there is nothing. */
#ifndef WEIR_COMMAND_ROWS_H
#define WEIR_COMMAND_ROWS_H

#include "base/arena.h"
#include "base/failure.h"

enum rows_format { ROWS_TABLE, ROWS_CSV, ROWS_JSON };

enum cell_kind {
    CELL_NULL,
    CELL_TEXT,
    CELL_NUMBER, /* its digits                         */
    CELL_JSON    /* true, false, a list or an object   */
};

struct cell {
    enum cell_kind kind;
    struct str text;
};

struct rows;

/* Columns by name; a column of numbers stands to the right. */
enum outcome rows_begin(struct arena *a, enum rows_format format, const struct str *name,
                        const bool *is_number, size_t n, struct rows **out, struct failure *f);
/* One cell a column. */
void rows_add(struct rows *r, const struct cell *cell);
/* Print what was gathered and give it back; says "no rows" on stderr for an empty table. */
void rows_end(struct rows *r);

#endif
