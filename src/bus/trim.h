/* trim.h - what the streams may forget: what every reader has passed and is older than `keep`, or
 * whatever all have passed when the bus is over its budget (bus.md section 6.1). */
#ifndef WEIR_BUS_TRIM_H
#define WEIR_BUS_TRIM_H

#include "bus/progress.h"
#include "bus/upkeep.h"
#include "config/config.h"

/* Who reads what; page NULL: it has never run, and everything waits for it. */
struct trim_reader {
    unsigned streams;
    struct progress *page;
};

enum { TRIM_READERS_MAX = 40 }; /* transform, lake, store, and 24 sinks at most */

struct trim {
    const struct config *config;
    struct bus *bus;
    const struct trim_reader *reader;
    size_t readers_n;
    int64_t now_us; /* TIME_NONE: nobody knows, so nothing is too old */
    /* From call to call, 0 at first: what stands before it in raw/retry closes nothing any more. */
    struct position *closing;
};

struct trimmed {
    uint64_t dead_n; /* dead letters that went: older than dead.keep, or over dead.disk_max */
    uint64_t held_bytes[TRIM_READERS_MAX]; /* that may not go before this reader has kept them */
};

/* Tell each lane what all have passed, and forget what may go. */
enum outcome trim_all(const struct trim *t, struct trimmed *out, struct failure *f);

#endif
