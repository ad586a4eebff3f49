/* svg.h - shapes of a page that is drawn without a script: bars, lines, dots, sparks, shares,
 * cells.
 *
 * Across, everything is a share of the width, so nothing is measured and text never scales; down,
 * everything is a pixel. A path stands in a nested <svg> that is stretched, its line is not. Every
 * value that is given becomes one element of class "mark", and one that is missing none: neither a
 * bar of height 0 nor a point. Names are plain text; they are escaped here. */
#ifndef WEIR_COMMAND_REPORT_SVG_H
#define WEIR_COMMAND_REPORT_SVG_H

#include "base/buf.h"
#include "measure/figure.h"

struct svg_point {
    double value;    /* NAN: no data                              */
    struct str name; /* what it says when it is pointed at        */
    bool is_part;    /* of a period that is covered only in part  */
};

/* A row of periods, the oldest to the left. */
struct svg_plot {
    struct arena *arena;
    struct str name;       /* said instead of it to who cannot see it */
    enum figure_unit unit; /* decides how the axis is divided and told */
    const struct svg_point *point;
    size_t n;
    const struct svg_point *second; /* as many: a thinner line of the same unit; NULL */
    struct str first, middle, last; /* below it                                       */
    double before;                  /* a dashed line; NAN: none                       */
    bool is_bad;                    /* hatched, in the colour of failures             */
};

void svg_bars(struct buf *b, const struct svg_plot *p);
/* A line that breaks where there is no data, and a dot a value. */
void svg_line(struct buf *b, const struct svg_plot *p);
/* A small line without axes, scaled from 0 to its greatest value. */
void svg_spark(struct buf *b, const struct svg_plot *p);

enum svg_dot_kind { SVG_DONE, SVG_FAILED, SVG_WAITING };

struct svg_dot {
    double
        across; /* 0 to 1: where in the window; ignored for what waits, which stands at its end */
    double s;   /* seconds, down to a minute on a scale of logarithms */
    enum svg_dot_kind kind;
    struct str name, url; /* url: a link where it is http or https */
};

struct svg_dots {
    struct str name, first, last;
    const struct svg_dot *dot;
    size_t n;
};

void svg_dots(struct buf *b, const struct svg_dots *p);

/* A part of a whole: 0 to 1, and what it says when it is pointed at. */
struct svg_share {
    double share;
    struct str name;
};

/* One bar of all parts; one of nothing is not drawn. */
void svg_shares(struct buf *b, struct str name, const struct svg_share *part, size_t n);

struct svg_cell {
    double value;          /* from 0; the greatest is the darkest */
    struct str name, told; /* when it is pointed at, and in the cell */
};

/* Rows of cells, each with a mark, also those of 0. */
struct svg_cells {
    struct str name;
    const char *const *row, *const *column; /* their names */
    const struct svg_cell *cell;            /* by row      */
    size_t rows_n, columns_n;
};

void svg_cells(struct buf *b, const struct svg_cells *c);

#endif
