/* rows.h - rows on stdout: a table for people, CSV or JSON lines for programs.
 *
 * A table is at most as wide as the terminal, what had to be cut ends with an ellipsis; to a pipe
 * it is written whole. CSV is RFC 4180 with a header; JSON is one object a line, null where there
 * is nothing; a name that comes again gets a number there: a, a_1. */
#ifndef WEIR_COMMAND_ROWS_H
#define WEIR_COMMAND_ROWS_H

#include "base/arena.h"
#include "base/failure.h"

enum rows_format {
    ROWS_TABLE,
    ROWS_CSV,
    ROWS_CSV_LF,    /* its lines end as a text file's do                                     */
    ROWS_CSV_SHEET, /* a text that a spreadsheet would take for a formula gets a ' before it */
    ROWS_JSON
};

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

/* What the columns are called; one of numbers stands to the right in a table. */
struct rows_head {
    const struct str *name;
    const bool *is_number;
    size_t n;
    const bool *is_whole; /* never cut: what is copied from a table; NULL: numbers alone */
};

/* The head lives as long as the rows. */
enum outcome rows_begin(struct arena *a, enum rows_format format, const struct rows_head *head,
                        struct rows **out, struct failure *f);
/* One cell a column. */
void rows_add(struct rows *r, const struct cell *cell);
/* Print what was gathered and give it back; says "no rows" on stderr for an empty table. */
void rows_end(struct rows *r);

#endif
