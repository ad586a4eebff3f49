/* fill.h - a backfill: windows of a range in the past, several at once, each remembered when it is
 * done.
 *
 * Whoever wants one asks again and again and is told how far it is; who asks no more, or says that
 * it is to stop, ends it. Asked anew it goes on, since finished windows stand in state.db. The
 * schedule of its collector is not touched: the same window twice has the same keys. */
#ifndef WEIR_COLLECTOR_FILL_H
#define WEIR_COLLECTOR_FILL_H

#include "collector/tend.h"

/* What is asked. */
struct fill_ask {
    struct str collector;
    struct window_span range;
    bool is_anew; /* finished windows are collected again          */
    bool is_stop; /* no more of it: windows at work are ended      */
};

/* How far it is. */
struct fill_told {
    uint64_t n, of; /* windows done, of the range                        */
    uint64_t running;
    struct window_span whole; /* from the first window to the last                 */
    const char *why;          /* what went wrong with the newest window; "": nothing */
    bool is_over;             /* all done, stopped, or failed                      */
    bool is_waiting;          /* not begun: windows of one that was stopped still end */
};

/* Begin it, or go on, and say how far it is.
 *   returns OK | REJECT no such collector, no windows; another range of it is under way | RETRY too
 *           many backfills; state.db fails. With told->is_over: how it ended */
enum outcome fill_take(struct tending *t, const struct fill_ask *ask, struct fill_told *told,
                       struct failure *f);

/* ---- for tend.c ---- */

void fill_turn(struct tending *t);
int64_t fill_wait_us(const struct tending *t, int64_t mono_us);
void fill_ended(struct tending *t, struct fill *fill, uint64_t window, enum outcome outcome,
                const struct failure *why);
void fill_drop(struct tending *t, size_t i);

#endif
