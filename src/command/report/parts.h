/* parts.h - a report of parts: figures over all, a table a part, what is left out. */
#ifndef WEIR_COMMAND_REPORT_PARTS_H
#define WEIR_COMMAND_REPORT_PARTS_H

#include "command/ask.h"
#include "measure/figure.h"

/* What a report of parts is and how it speaks of it. */
struct parts {
    const char *name, *kicker, *about;  /* "Activity", "activity", "changes and their reviews" */
    const struct window_part *part;     /* name NULL ends them                                 */
    const char *nothing;                /* is known: a sentence                                */
    const char *const (*definition)[2]; /* a word and its meaning; NULL ends them              */
};

extern const struct parts parts_activity, parts_runs;

/* On a terminal, after the report's take. */
enum outcome parts_print(const struct parts *p, const struct ask *q, struct arena *a,
                         const struct window *w, struct failure *f);

/* "Open at the end: 2 runs, the oldest for 3.0 h.", of table `open_at_end`; empty: nothing is. */
enum outcome parts_open(struct duck *d, struct arena *a, struct str *out, struct failure *f);
/* "Median: interpolated. Days and weeks in UTC. Names are hashes." */
struct str parts_choice(struct arena *a, const struct config_report *c);

#endif
