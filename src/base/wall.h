/* wall.h - whether the wall clock may be believed when it says that something is old.
 *
 * A clock that is wrong for a moment (a leap by hand, a bad time server, a machine that wakes up)
 * must not make anybody forget what is young. The monotonic clock tells: the two advance together,
 * or the wall clock has stepped; then it must hold for a while first. What was seen of them is kept
 * on a page that outlives the process (progress_wall), so a restart tells a step, too; only over a
 * boot of the machine the monotonic clock says nothing, and the other one must hold as well. */
#ifndef WEIR_BASE_WALL_H
#define WEIR_BASE_WALL_H

#include <stdbool.h>

#include "base/clock.h"

enum {
    WALL_STEP_MS = 10 * 1000,    /* between two looks; less is no harm to any age    */
    WALL_HOLD_MS = 5 * 60 * 1000 /* without a step until the wall clock is believed  */
};

/* Of one who looks; zeros: it never has, and believes what it sees. */
struct wall {
    int64_t apart_us;   /* wall clock less monotonic clock, at the last look     */
    int64_t looked_us;  /* monotonic: when that was                              */
    int64_t stepped_us; /* monotonic: when it stepped last                       */
    int64_t jump_us;    /* all steps together since it was believed              */
    bool is_seen, is_doubted;
};

/* What a look has told. */
struct wall_time {
    int64_t now_us;      /* by the wall clock; TIME_NONE: it is not believed, so nothing is old   */
    int64_t mono_us;     /* by the one that never steps                                           */
    int64_t believed_us; /* monotonic: when it is believed at the soonest                         */
    int64_t step_us;     /* how far it has stepped since the last look; 0: it has not             */
    int64_t jump_us; /* it is believed again: how far it stood from here before, 0: not at all */
};

struct wall_time wall_look(struct wall *w, int64_t now_us, int64_t mono_us);

#endif
