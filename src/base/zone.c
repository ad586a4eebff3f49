#include "base/zone.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"

enum { DAY_S = 86400, LIST_BYTES_MAX = 1 << 20 };

static const char folder[] = "/usr/share/zoneinfo";

static const char *database(void)
{
    const char *const other = getenv("TZDIR"); /* NOLINT(concurrency-mt-unsafe): one thread */
    return other ? other : folder;
}

/* A file of rules begins so (RFC 8536, section 3.1); lists and folders stand beside them. */
static bool is_of_rules(const char *path)
{
    char magic[4];
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const bool is = fd >= 0 && read(fd, magic, sizeof magic) == (ssize_t)sizeof magic &&
                    memcmp(magic, "TZif", sizeof magic) == 0;
    if (fd >= 0) {
        close(fd); /* read alone */
    }
    return is;
}

bool zone_is_known(struct arena *a, struct str name)
{
    if (name.len == 0 || str_eq(name, S("UTC"))) {
        return true;
    }
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] == '\0' ||
            (name.at[i] == '.' && i + 1 < name.len && name.at[i + 1] == '.')) {
            return false;
        }
    }
    /* the same rules again, of another clock */
    const bool is_copy = str_starts(name, S("posix/")) || str_starts(name, S("right/"));
    return name.at[0] != '/' && !is_copy &&
           is_of_rules(arena_printf(a, "%s/%.*s", database(), STR_ARG(name)).at);
}

bool zone_has_database(void)
{
    return access(database(), R_OK) == 0;
}

/* `Z NAME …` is a zone in the list, `L ZONE NAME` another name of one. */
void zone_offer(struct arena *a, struct nearest *n)
{
    struct str text;
    struct failure unread; /* then nothing is offered */
    const char *const path = arena_printf(a, "%s/tzdata.zi", database()).at;
    if (file_read(a, path, LIST_BYTES_MAX, &text, &unread) != OK) {
        return;
    }
    while (text.len > 0) {
        struct str rest;
        const struct str kind = str_cut(str_cut(text, '\n', &text), ' ', &rest);
        const bool is_link = str_eq(kind, S("L"));
        if (is_link) {
            (void)str_cut(rest, ' ', &rest);
        }
        if (is_link || str_eq(kind, S("Z"))) {
            nearest_offer(n, str_cut(rest, ' ', &rest));
        }
    }
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
