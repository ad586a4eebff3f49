/* content.h - what tells a repetition of a signal from another one of the same identity. */
#ifndef WEIR_TRANSFORM_CONTENT_H
#define WEIR_TRANSFORM_CONTENT_H

#include "base/arena.h"
#include "base/failure.h"
#include "signal/signal.h"

/* A number for what the signal says: equal for equal content.
 *   shape    of a CDEvent, which comes in binary and in structured mode and is then written anew:
 *            its value, whatever the order of members and the form of numbers; of a metric nothing,
 *            its identity says all; of anything else its bytes
 *   returns  OK | RETRY memory is short in `scratch` */
enum outcome content_hash(struct arena *scratch, const struct signal *s, uint64_t *out,
                          struct failure *f);

#endif
