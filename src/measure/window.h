/* window.h - the span of time that a report is about, as SQL sees it.
 *
 * Every report begins with it: table `span` (from_at, to_at, zone, is_lower; one row), and the
 * macros middle(values, share), the percentile that was asked for, utc_text(time), person(name),
 * which is a hash where people are not shown, is_left(name), the bots that do not count, and
 * is_hotfix_branch(name). */
#ifndef WEIR_MEASURE_WINDOW_H
#define WEIR_MEASURE_WINDOW_H

#include "config/report.h"
#include "wire/duckdb.h"

struct window {
    int64_t from_us, to_us;             /* half open                                     */
    bool from_is_day, to_is_day;        /* until window_settle: a day in UTC for the zone's */
    int64_t local_from_us, local_to_us; /* after it: what a clock of the zone shows then    */
    struct config_report choice;
};

/* Days begin where the zone has them begin.
 *   returns OK | RETRY | REJECT a zone that is not known */
enum outcome window_settle(struct duck *d, struct arena *a, struct window *w, struct failure *f);

/* A list of texts, as SQL. */
void window_add_list(struct buf *b, const struct str_list *l);
/* Once an engine.
 *   returns OK | RETRY | REJECT a zone that is not known */
enum outcome window_take(struct duck *d, struct arena *a, const struct window *w,
                         struct failure *f);

/* Make what the parts of a report read; after window_take, in an engine with `change`; with
 * `pipeline_run` and `task_run`. */
enum outcome window_activity_take(struct duck *d, struct failure *f);
enum outcome window_runs_take(struct duck *d, struct failure *f);

/* One table of a report: a file of sql/ that is one SELECT of texts, integers, reals. */
struct window_part {
    const char *name;  /* its key in JSON  */
    const char *title; /* on a terminal    */
    const char *file;  /* sql/FILE.sql     */
};
/* The file's text. */
const char *window_sql(const struct window_part *p);
/* All parts as one JSON object: from, to, zone, median, whether people are hashed and bots left
 * out, and a list of rows a part. */
enum outcome window_json(struct duck *d, struct arena *a, const struct window_part *part, size_t n,
                         struct str *out, struct failure *f);

extern const struct window_part window_activity[], window_runs[]; /* name NULL ends them */

#endif
