/* grid.h - rows of figures on a terminal: columns as wide as their widest cell, and as many of them
 * as there is room for. */
#ifndef WEIR_COMMAND_REPORT_GRID_H
#define WEIR_COMMAND_REPORT_GRID_H

#include "base/arena.h"
#include "base/str.h"

enum { GRID_COLUMNS_MAX = 32 };

struct grid_column {
    const char *head;
    int gap;      /* spaces before it          */
    bool is_left; /* flush; else to the right  */
};

/* Which columns are shown together, and the columns of a terminal that this takes at least. */
struct grid_choice {
    unsigned shown; /* GRID_BIT of each */
    size_t terminal;
};
#define GRID_BIT(i) (1U << (i))

struct grid {
    struct arena *arena;
    const struct grid_column *column;
    size_t columns_n;
    struct grid_row *row; /* the heads first */
    size_t n, room;
};

/* With a row of heads. columns_n <= GRID_COLUMNS_MAX. */
void grid_begin(struct grid *g, struct arena *a, const struct grid_column *column,
                size_t columns_n);
/* The cells of a new row, empty: one line each, without control characters. Good until the next. */
struct str *grid_row(struct grid *g);
/* A line of its own: what the rows below it are of. */
void grid_title(struct grid *g, struct str text);
/* By the first of the choices that fits into so many columns, else by the last of them. */
void grid_print(const struct grid *g, const struct grid_choice *choice, size_t choices_n,
                size_t terminal);

#endif
