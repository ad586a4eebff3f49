/* child.h - work done in a short-lived process, so that what its libraries took is given back. */
#ifndef WEIR_PERSIST_LAKE_CHILD_H
#define WEIR_PERSIST_LAKE_CHILD_H

#include "base/failure.h"

/* Fork, run work(to, f) there, wait for its end and give its outcome and failure. The child
 * inherits every file descriptor (so the lake's lock too) and dies with its parent, at any moment:
 * the lake survives that by design.
 *   returns what work returned | RETRY no process, or the child died */
enum outcome child_run(enum outcome (*work)(void *to, struct failure *f), void *to,
                       struct failure *f);

#endif
