#include "base/wall.h"

#define STEP_US (WALL_STEP_MS * INT64_C(1000))
#define HOLD_US (WALL_HOLD_MS * INT64_C(1000))

struct wall_time wall_look(struct wall *w, int64_t now_us, int64_t mono_us)
{
    const int64_t apart_us = now_us - mono_us;
    const bool is_boot = w->is_seen && mono_us < w->looked_us;
    const int64_t by_us = w->is_seen && !is_boot ? apart_us - w->apart_us : 0;
    const bool is_step = by_us > STEP_US || by_us < -STEP_US;
    if (is_step || is_boot) {
        w->stepped_us = mono_us;
        w->jump_us = is_boot ? 0 : w->jump_us + by_us;
        w->is_doubted = true; /* before apart_us: a death in between forgets no step */
    }
    const bool is_over = w->is_doubted && mono_us - w->stepped_us >= HOLD_US;
    const struct wall_time t = {.now_us = w->is_doubted && !is_over ? TIME_NONE : now_us,
                                .mono_us = mono_us,
                                .believed_us = w->is_doubted ? w->stepped_us + HOLD_US : mono_us,
                                .step_us = is_step ? by_us : 0,
                                .jump_us = is_over ? w->jump_us : 0};
    w->is_doubted = w->is_doubted && !is_over;
    w->jump_us = w->is_doubted ? w->jump_us : 0;
    w->is_seen = true;
    w->looked_us = mono_us;
    w->apart_us = apart_us;
    return t;
}
