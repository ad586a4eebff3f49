#include "command/report/head.h"

#include <stdio.h>

#include "base/clock.h"
#include "command/report/say.h"
#include "command/screen.h"

enum { COLUMNS = 80 /* in a pipe */ };

/* "14:02:11 UTC", with the day where that is not today's. */
static struct str complete_text(struct arena *a, const struct ask *q)
{
    char complete[CLOCK_TEXT_BYTES];
    const int64_t now_us = q->complete_us + q->behind_us;
    (void)clock_text(q->complete_us, complete);
    return now_us / DAY_US == q->complete_us / DAY_US
               ? arena_printf(a, "%.8s UTC", complete + 11)
               : arena_printf(a, "%s %.8s UTC", say_day(a, q->complete_us, now_us).at,
                              complete + 11);
}

void head_print(const struct ask *q, struct arena *a, const struct window *w, const char *name)
{
    const size_t columns = screen_columns();
    const int64_t from_us = w->local_from_us, to_us = w->local_to_us;
    const long long days = (to_us - from_us) / DAY_US;
    const bool is_weeks = days > 7 && days % 7 == 0;
    const struct str length = is_weeks ? arena_printf(a, "%lld weeks", days / 7)
                                       : say_days(a, to_us - from_us);
    const struct str title = arena_printf(a, "%s, %s to %s, %s", name,
                                          say_day(a, from_us, to_us).at,
                                          say_day(a, to_us, to_us).at, length.at);
    const struct str complete = complete_text(a, q);
    const bool is_one_line = title.len + 15 + complete.len <= (columns == 0 ? COLUMNS : columns);
    (void)printf("%s%scomplete to %s\n", title.at, is_one_line ? "   " : "\n", complete.at);
}
