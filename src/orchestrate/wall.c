#include "orchestrate/wall.h"

int64_t wall_believed_us(struct wall *w, int64_t now_us, int64_t mono_us, int64_t *step_us)
{
    const int64_t apart_us = now_us - mono_us;
    const int64_t by_us = w->is_seen ? apart_us - w->apart_us : 0;
    const bool is_step = by_us > WALL_STEP_MS * 1000LL || by_us < -WALL_STEP_MS * 1000LL;
    if (is_step) {
        w->stepped_us = mono_us;
    }
    w->is_doubted = is_step || (w->is_doubted && mono_us - w->stepped_us < WALL_HOLD_MS * 1000LL);
    w->is_seen = true;
    w->apart_us = apart_us;
    *step_us = is_step ? by_us : 0;
    return w->is_doubted ? TIME_NONE : now_us;
}
