#include "base/zone.h"

#include <stdlib.h>
#include <unistd.h>

enum { DAY_S = 86400 };

static const char folder[] = "/usr/share/zoneinfo";

bool zone_is_known(struct arena *a, struct str name)
{
    if (name.len == 0 || str_eq(name, S("UTC"))) {
        return true;
    }
    for (size_t i = 0; i + 1 < name.len; i++) {
        if (name.at[i] == '.' && name.at[i + 1] == '.') {
            return false;
        }
    }
    const char *const other = getenv("TZDIR"); /* NOLINT(concurrency-mt-unsafe): one thread */
    const struct str path = arena_printf(a, "%s/%.*s", other ? other : folder, STR_ARG(name));
    return name.at[0] != '/' && str_find(name, '/') < name.len - 1 && access(path.at, R_OK) == 0;
}

void zone_enter(struct arena *a, struct zone *z)
{
    const char *const before = getenv("TZ"); /* NOLINT(concurrency-mt-unsafe): one thread */
    z->is_entered = z->name.len > 0;
    if (z->is_entered) {
        z->before = before ? arena_cstr(a, str_of(before)) : NULL;
        (void)setenv("TZ", arena_cstr(a, z->name), 1); /* NOLINT(concurrency-mt-unsafe) */
    }
    tzset(); /* NOLINT(concurrency-mt-unsafe) */
}

void zone_leave(struct zone *z)
{
    if (!z->is_entered) {
        return;
    }
    if (z->before) {
        (void)setenv("TZ", z->before, 1); /* NOLINT(concurrency-mt-unsafe) */
    } else {
        (void)unsetenv("TZ"); /* NOLINT(concurrency-mt-unsafe) */
    }
    tzset(); /* NOLINT(concurrency-mt-unsafe) */
    z->is_entered = false;
}

struct tm zone_local(time_t at)
{
    struct tm tm = {0};
    (void)localtime_r(&at, &tm);
    return tm;
}

static bool is_local(time_t at, time_t as_utc)
{
    struct tm tm = zone_local(at);
    return timegm(&tm) == as_utc;
}

time_t zone_utc(struct tm local)
{
    const time_t as_utc = timegm(&local);
    const long before = zone_local(as_utc - DAY_S).tm_gmtoff;
    const long after = zone_local(as_utc + DAY_S).tm_gmtoff;
    const time_t early = as_utc - (before > after ? before : after);
    const time_t late = as_utc - (before > after ? after : before);
    if (is_local(early, as_utc)) {
        return early;
    }
    if (is_local(late, as_utc)) {
        return late;
    }
    time_t in = early, behind = late; /* in the gap: clocks change between the two */
    while (behind - in > 1) {
        const time_t middle = in + (behind - in) / 2;
        if (zone_local(middle).tm_gmtoff == before) {
            in = middle;
        } else {
            behind = middle;
        }
    }
    return behind;
}
