/* child.h - work done in a short-lived process, so that what its libraries took is given back. */
#ifndef WEIR_PERSIST_LAKE_CHILD_H
#define WEIR_PERSIST_LAKE_CHILD_H

#include "bus/progress.h"

/* A child that uses no processor stands still: it is stopped, or waits for what does not come. */
enum { CHILD_STILL_MS_MAX = 2 * 60 * 1000 };
struct child_watch {
    struct progress *progress; /* readyz and status say after a quarter of the time that it stands
                                  still, until it goes on; NULL: they do not */
    int64_t still_ms_max;      /* then it is killed */
};

/* Fork, run work(to, f) there, wait for its end and give its outcome and failure. The child
 * inherits every file descriptor (so the lake's lock too) and dies with its parent, at any moment:
 * the lake survives that by design.
 *   returns what work returned | RETRY no process, or the child died or stood still */
enum outcome child_run(enum outcome (*work)(void *to, struct failure *f), void *to,
                       const struct child_watch *watch, struct failure *f);

#endif
