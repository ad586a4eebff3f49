/* wall.h - whether the wall clock may be believed when it says that something is old.
 *
 * A clock that is wrong for a moment (a leap by hand, a bad time server, a machine that wakes up)
 * must not make the streams forget what is young. The monotonic clock tells: the two advance
 * together, or the wall clock has stepped; then it must hold for a while first. */
#ifndef WEIR_ORCHESTRATE_WALL_H
#define WEIR_ORCHESTRATE_WALL_H

#include <stdbool.h>

#include "base/clock.h"

enum {
    WALL_STEP_MS = 10 * 1000,    /* between two looks; less is no harm to any age    */
    WALL_HOLD_MS = 5 * 60 * 1000 /* without a step until the wall clock is believed  */
};

struct wall {
    int64_t apart_us;   /* wall clock less monotonic clock, at the last look */
    int64_t stepped_us; /* monotonic: when it stepped last                   */
    bool is_seen, is_doubted;
};

/* The wall clock's time `now_us`, looked at when the monotonic clock says `mono_us`; TIME_NONE
 * while it is not believed. *step_us: how far it has stepped since the last look, 0: it has not. */
int64_t wall_believed_us(struct wall *w, int64_t now_us, int64_t mono_us, int64_t *step_us);

#endif
