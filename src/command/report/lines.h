/* lines.h - the figures over all at the head of a report: now, before, which way, by week, of what.
 */
#ifndef WEIR_COMMAND_REPORT_LINES_H
#define WEIR_COMMAND_REPORT_LINES_H

#include "base/arena.h"
#include "base/str.h"

struct line {
    const char *name, *narrow, *which; /* name "": goes on with the one before it; "p50" */
    struct str now, before;
    const char *trend;
    struct str chart, from;
    struct str side; /* what stands to its right in a wide terminal; empty: nothing. Without it and
                        `from` there is no trend and no chart either */
};

struct lines {
    struct arena *arena;
    const struct line *at;
    size_t n, columns;     /* of the terminal */
    struct str chart_head; /* empty: no charts */
    const char *side_head; /* of side; ""     */
};

enum { LINES_COLUMNS_FOR_SIDE = 116 };

/* Under a line of what the columns are. Where there is no room charts go first, then what was
 * before, then lines without a name. */
void lines_print(const struct lines *l);

#endif
