/* window.h - spans of time that follow each other without a gap: which one is complete, which are
 * due.
 *
 * Arithmetic alone: no clock, no state. Times are µs since 1970 UTC, lengths µs above 0. */
#ifndef WEIR_COLLECTOR_WINDOW_H
#define WEIR_COLLECTOR_WINDOW_H

#include "base/clock.h"
#include "base/failure.h"

struct window_span {
    int64_t start_us, end_us; /* half open */
};

/* Windows of one length, each beginning where the one before it ends. */
struct windows {
    int64_t first_us, length_us; /* start of the first that is due                         */
    uint64_t n;                  /* that are due                                           */
    uint64_t passed;             /* older ones before them, beyond the most that is wanted */
};

/* The last one that is complete. Windows are cut as metric_cut does. */
struct window_span window_last(int64_t now_us, int64_t length_us);

/* Those that follow `last_end_us` (not cut anew) and end at or before now, the newest `most` of
 * them. TIME_NONE: there was none yet, so the last complete one is due.
 *   returns OK (n may be 0) | RETRY last_end_us lies ahead of now: the clock was set back */
enum outcome windows_due(int64_t last_end_us, int64_t now_us, int64_t length_us, uint64_t most,
                         struct windows *out, struct failure *f);

/* Those that lie in [from, to) as a whole and are complete, on the same grid as window_last. */
struct windows windows_in(struct window_span range, int64_t now_us, int64_t length_us);

/* The i-th, from 0. */
struct window_span windows_at(const struct windows *w, uint64_t i);

#endif
