/* run.h - one run of a collector, in a process of its own: ask the source, make metrics of its
 * rows, write them to a pipe.
 *
 * The pipe carries lines of JSON: {"metric":M} (metric_write), {"aside":"why","row":N,"all":N,
 * "lasting":N,"letter":L} (metric_write_aside) for a row that is set aside, of the first
 * ASIDE_LETTERS_MAX with its hashes, and without the letter where it is told of; and as the last
 * one
 * {"done":{"rows":N,"metrics":N,"empty":N,"read_us":N, "bookmark":"…","kind":N,"note":"…"}} or
 * {"failed":{"outcome":"retry","read_us":N,"why":"…"}}. Without a last line the process died. A run
 * holds one row at a time, and dies with its parent. */
#ifndef WEIR_COLLECTOR_RUN_H
#define WEIR_COLLECTOR_RUN_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/failure.h"
#include "collector/aside.h"
#include "config/collector.h"

struct run {
    const struct collector *collector;
    int64_t scheduled_us;     /* when it was to begin; stands for the window of a tick */
    int64_t start_us, end_us; /* its window; TIME_NONE: none                           */
    struct str bookmark;      /* STRATEGY_GROWING: what an earlier run ended with      */
    int bookmark_kind;        /* enum cell_kind of collector/source.h */
    int64_t anew_us;          /* when its collector was last told to begin anew; 0: never    */
    struct asides told;       /* rows that the run before set aside                    */
    bool is_again;            /* one before it failed that had written some of the same records */
    bool is_as_of;            /* --start-time: "now" is scheduled_us for the source, too */
};

/* Fork and do it there; the outcome is in the last line. *fd is the reading end, to be closed by
 * the caller. returns OK | RETRY no process or descriptor to be had */
enum outcome run_start(const struct run *r, pid_t *pid, int *fd, struct failure *f);

/* ---- the reading end ---- */

enum run_line_is { RUN_METRIC, RUN_ASIDE, RUN_DONE, RUN_FAILED };

struct run_line {
    enum run_line_is is;
    struct str metric;             /* RUN_METRIC: its JSON, unread          */
    struct str why;                /* RUN_ASIDE, RUN_FAILED                 */
    enum outcome outcome;          /* RUN_FAILED                            */
    uint64_t row;                  /* RUN_ASIDE, from 1                     */
    struct aside aside;            /* RUN_ASIDE                             */
    struct str letter;             /* RUN_ASIDE: the raw signal's data, or "" */
    uint64_t rows, metrics, empty; /* RUN_DONE                       */
    struct str bookmark;           /* RUN_DONE: where the next run goes on  */
    int bookmark_kind;
    struct str note;  /* RUN_DONE: source_to.note              */
    uint64_t read_us; /* RUN_DONE, RUN_FAILED: of the source's read alone */
};

/* The letter of a row of this run, with its cells as a JSON object. */
void run_write_aside(struct buf *b, const struct run *r, struct str cells,
                     const struct failure *why);

/* One line, without its newline. returns OK | REJECT it is none of them */
enum outcome run_line_read(struct arena *a, struct str line, struct run_line *out,
                           struct failure *f);

#endif
