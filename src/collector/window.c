#include "collector/window.h"

#include <assert.h>

#include "signal/metric.h"

struct window_span window_last(int64_t now_us, int64_t length_us)
{
    const int64_t end_us = metric_cut(now_us, length_us);
    return (struct window_span){end_us - length_us, end_us};
}

enum outcome windows_due(int64_t last_end_us, int64_t now_us, int64_t length_us, uint64_t most,
                         struct windows *out, struct failure *f)
{
    assert(length_us > 0 && most > 0);
    if (last_end_us == TIME_NONE) {
        *out = (struct windows){window_last(now_us, length_us).start_us, length_us, 1, 0};
        return OK;
    }
    if (last_end_us > now_us) {
        char last[CLOCK_TEXT_BYTES], now[CLOCK_TEXT_BYTES];
        (void)clock_text(last_end_us, last);
        (void)clock_text(now_us, now);
        return failed(
            f, RETRY,
            "start datetime (%s) must be before end datetime (%s): the clock was set "
            "back, and the next window waits until it has come there again; if it is right "
            "now, `weir collectors --anew NAME` begins with the last complete one",
            last, now);
    }
    const uint64_t n = (uint64_t)((now_us - last_end_us) / length_us);
    const uint64_t passed = n > most ? n - most : 0;
    *out = (struct windows){last_end_us + (int64_t)passed * length_us, length_us, n - passed,
                            passed};
    return OK;
}

struct windows windows_in(struct window_span range, int64_t now_us, int64_t length_us)
{
    const int64_t from_us = metric_cut(range.start_us, length_us);
    const int64_t first_us = from_us < range.start_us ? from_us + length_us : from_us;
    const int64_t to_us = range.end_us < now_us ? range.end_us : now_us;
    const uint64_t n = to_us > first_us ? (uint64_t)((to_us - first_us) / length_us) : 0;
    return (struct windows){first_us, length_us, n, 0};
}

struct window_span windows_at(const struct windows *w, uint64_t i)
{
    const int64_t start_us = w->first_us + (int64_t)i * w->length_us;
    return (struct window_span){start_us, start_us + w->length_us};
}
