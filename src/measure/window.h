/* window.h - the span of time that a report is about, as SQL sees it.
 *
 * Every report begins with it: table `span` (from_at, to_at, zone, is_lower; one row), and the
 * macros middle(values, share), the percentile that was asked for, and utc_text(time). */
#ifndef WEIR_MEASURE_WINDOW_H
#define WEIR_MEASURE_WINDOW_H

#include "wire/duckdb.h"

struct window {
    int64_t from_us, to_us; /* half open                                             */
    struct str zone;        /* in which days and weeks are cut: "UTC", "Europe/Rome" */
    bool is_lower;          /* the lower of two middle values, not their mean        */
};

/* Once an engine.
 *   returns OK | RETRY | REJECT a zone that is not known */
enum outcome window_take(struct duck *d, struct arena *a, const struct window *w,
                         struct failure *f);

/* Make what the parts of a report read; after window_take, in an engine with `change`; with
 * `pipeline_run` and `task_run`. hides_people: a hash stands for each name. */
enum outcome window_activity_take(struct duck *d, bool hides_people, struct failure *f);
enum outcome window_runs_take(struct duck *d, struct failure *f);

/* One table of a report: a file of sql/ that is one SELECT of texts, integers, reals. */
struct window_part {
    const char *name;  /* its key in JSON  */
    const char *title; /* on a terminal    */
    const char *file;  /* sql/FILE.sql     */
};
/* The file's text. */
const char *window_sql(const struct window_part *p);
/* All parts as one JSON object: from, to, zone, median, and a list of rows a part. */
enum outcome window_json(struct duck *d, struct arena *a, const struct window_part *part, size_t n,
                         struct str *out, struct failure *f);

extern const struct window_part window_activity[], window_runs[]; /* name NULL ends them */

#endif
