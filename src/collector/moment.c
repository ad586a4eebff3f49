#include "collector/moment.h"

#include <string.h>

enum {
    DAY_BYTES = sizeof "2026-03-07" - 1,
    MINUTE_BYTES = sizeof "2026-03-07T12:00" - 1,
    MICROSECOND_BYTES = sizeof "2026-03-07T12:00:00.000000" - 1,
    WHOLE_BYTES = CLOCK_TEXT_BYTES + sizeof ":00+00:00"
};

/* Where its zone begins; at its end: it names none. */
static size_t zone_of(struct str text)
{
    size_t at = text.len < MINUTE_BYTES ? text.len : MINUTE_BYTES;
    while (at < text.len && !strchr("Zz+-", text.at[at])) {
        at++;
    }
    return at;
}

/* Of a text and a zone as RFC 3339 has them. */
static bool read_in_zone(struct str text, struct str zone, int64_t *us)
{
    char whole[WHOLE_BYTES];
    const char *seconds = text.len == MINUTE_BYTES ? ":00" : "";
    size_t len = text.len;
    if (text.len == DAY_BYTES) {
        return clock_parse_day(text, us);
    }
    if (text.len < MINUTE_BYTES || text.len + strlen(seconds) + zone.len > sizeof whole) {
        return false;
    }
    const char between = text.at[DAY_BYTES];
    if (between != ' ' && between != 'T' && between != 't') {
        return false;
    }
    memcpy(whole, text.at, text.len);
    whole[DAY_BYTES] = 'T';
    while (*seconds) {
        whole[len++] = *seconds++;
    }
    memcpy(whole + len, zone.at, zone.len);
    return clock_parse((struct str){whole, len + zone.len}, us);
}

bool moment_read(struct str text, int64_t *us)
{
    const size_t at = zone_of(text);
    return read_in_zone(str_sub(text, 0, at), at < text.len ? str_sub(text, at, text.len) : S("Z"),
                        us);
}

bool moment_before(struct arena *a, struct str text, int64_t span_us, struct str *out)
{
    int64_t us = 0;
    char before[CLOCK_TEXT_BYTES];
    const size_t at = zone_of(text);
    if (!moment_read(text, &us) || !read_in_zone(str_sub(text, 0, at), S("Z"), &us)) {
        return false;
    }
    (void)clock_text(us - span_us, before); /* by the clock of its own zone */
    if (at > DAY_BYTES) {
        before[DAY_BYTES] = text.at[DAY_BYTES];
    }
    const size_t len = at < MICROSECOND_BYTES ? at : MICROSECOND_BYTES;
    *out = arena_printf(a, "%.*s%.*s", (int)len, before, STR_ARG(str_sub(text, at, text.len)));
    return true;
}
