#include "command/report/around.h"

#include <stdio.h>

#include "command/report/say.h"
#include "command/screen.h"

enum { REASONS_SHOWN = 6, LEFT_OUT_BYTES_MAX = 1 << 16 };

void around_note(struct str text)
{
    if (text.len > 0) {
        (void)putchar('\n');
        screen_wrap(text, 0, 0);
    }
}

enum outcome around_left_out(const struct ask *q, struct arena *a, struct failure *f)
{
    struct duck_result r;
    struct buf b;
    const enum outcome result = duck_query(
        q->duck,
        "SELECT concat(n, ' ', what, if(n = 1, '', 's'), ' ', reason),\n"
        "    CAST(sum(n) OVER () AS BIGINT)\n"
        "FROM out_count ORDER BY n DESC, what, reason",
        &r, f);
    size_t shown = 0;
    buf_init(&b, a, LEFT_OUT_BYTES_MAX);
    while (result == OK && duck_next(&r)) {
        if (shown == 0) {
            buf_printf(&b, "%lld left out: ", (long long)duck_i64(&r, 1));
        }
        if (shown++ < REASONS_SHOWN) {
            buf_add(&b, shown > 1 ? S(" · ") : S(""));
            buf_add(&b, screen_line(a, duck_text(&r, 0)));
        }
    }
    if (shown > REASONS_SHOWN) {
        buf_printf(&b, " · and %zu more reasons", shown - REASONS_SHOWN);
    }
    duck_result_close(&r);
    around_note(buf_str(&b));
    return result;
}

struct str around_weeks(struct arena *a, int64_t begins_us, int64_t to_us, size_t n)
{
    const struct str first = say_day(a, begins_us, to_us - 1);
    const struct str last = say_day(a, to_us - 1, begins_us);
    return first.len + 1 + last.len > n
               ? S("by week")
               : arena_printf(a, "%s%*s", first.at, (int)(n - first.len), last.at);
}
