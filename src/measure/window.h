/* window.h - the span of time that a report is about, as SQL sees it.
 *
 * Every report begins with it: table `span` (from_at, to_at, before_at, zone, is_lower; one row),
 * table `period` (kind now, before, week, month; n from 0; from_at, to_at, is_part), and the macros
 * middle(values, share), the percentile that was asked for, utc_text(time), person(name), which is
 * a hash where people are not shown, is_left(name), the bots that do not count, and
 * is_hotfix_branch(name). Each leaves three tables of one shape: `known_since` (known_from),
 * `out_count` (what, reason, n), and, all but dora, `figure`, as figure_of makes it, and
 * `open_at_end` (what, whats, n, oldest_s). */
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

/* Make table `review` and macro first_review; after window_take, in an engine with `change`. */
enum outcome window_review_take(struct duck *d, struct failure *f);
/* Make what the parts of a report read; after window_take, in an engine with `change`; with
 * `pipeline_run` and `task_run`. */
enum outcome window_activity_take(struct duck *d, struct failure *f);
enum outcome window_runs_take(struct duck *d, struct failure *f);

/* After a report's take: the first moment that anything is known of, as a clock of the zone shows
 * it; TIME_NONE: nothing is. Before it there are no figures, not even 0. */
enum outcome window_known_from(struct duck *d, int64_t *out_us, struct failure *f);

/* One table of a report: a file of sql/ that is one SELECT of texts, integers, reals. */
struct window_part {
    const char *name;  /* its key in JSON  */
    const char *title; /* on a terminal; NULL: not a table there */
    const char *file;  /* sql/FILE.sql     */
};
/* The file's text. */
const char *window_sql(const struct window_part *p);
/* All parts as one JSON object: from, to, known_from, zone, median, whether people are hashed and
 * bots left out, and a list of rows a part. */
enum outcome window_json(struct duck *d, struct arena *a, const struct window_part *part,
                         struct str *out, struct failure *f);

extern const struct window_part window_activity[], window_runs[]; /* name NULL ends them */

#endif
