/* figure.h - the figures over all of a report of parts, now, before and by week: table `figure` of
 * window.h. */
#ifndef WEIR_MEASURE_FIGURE_H
#define WEIR_MEASURE_FIGURE_H

#include "measure/window.h"

enum figure_unit { FIGURE_PER_DAY, FIGURE_SHARE, FIGURE_SPAN_S, FIGURE_NUMBER };

struct figure_week {
    int64_t begins_us; /* as a clock of the zone shows it                */
    bool is_part;      /* of a week that the window holds not all of     */
    double value;      /* NAN: no data                                   */
    int64_t n;         /* cases behind it                                */
};

struct figure {
    struct str key, name, narrow, which; /* name "": goes on with the one before it; "p50" */
    struct str told;                     /* of what: "252 changes"                         */
    enum figure_unit unit;
    int sign;                 /* 1: more is better, -1: less is, 0: neither     */
    double now, before;       /* NAN: no data; a share from 0 to 1              */
    int64_t n, before_n;      /* cases behind them                              */
    int64_t weight;           /* cases that a difference to before must rest on */
    struct figure_week *week; /* the oldest first                               */
    size_t weeks_n, weeks_room;
};

/* After a report's take, but dora's. */
enum outcome figure_read(struct duck *d, struct arena *a, struct figure **out, size_t *n,
                         struct failure *f);

#endif
