#include "bus/trim.h"

#include <assert.h>

#include "bus/dead.h"

#define TRIM_ARENA_BYTES_MAX ((size_t)4 << 20)

static struct position earlier(struct position a, struct position b)
{
    return a.at < b.at ? a : b;
}

/* Where the reader would go on after a restart. */
static struct position restart_of(const struct trim_reader *r, struct lane lane)
{
    struct position at = {0};
    struct progress_cursor c;
    for (size_t k = 0; r->page && progress_cursor_at(r->page, k, &c); k++) {
        if (c.stream == lane.stream && str_eq(str_of(c.lane), lane.name)) {
            at = c.restart;
        }
    }
    return at;
}

/* Where the slowest reader of the lane stands; the lane's end where nobody reads it. */
static struct position passed(const struct trim *t, const struct lane_ends *ends)
{
    struct position least = ends->end;
    for (size_t i = 0; i < t->readers_n; i++) {
        if (!(t->reader[i].streams & STREAM_BIT(ends->lane.stream))) {
            continue;
        }
        least = earlier(least, restart_of(&t->reader[i], ends->lane));
    }
    return least;
}

static int64_t before(const struct trim *t, int64_t keep_ms)
{
    return t->now_us == TIME_NONE || keep_ms >= t->now_us / 1000 ? INT64_MIN
                                                                 : t->now_us - keep_ms * 1000;
}

/* What closes a letter stays while the letter is there, which may be for ever: a lane keeps its
 * last group. It has the budget of dead letters for that. */
static enum outcome keep_closing(const struct trim *t, const struct lane_ends *ends,
                                 struct position *keep_from, struct failure *f)
{
    struct bus_size size;
    struct position from = ends->begin.at > t->closing->at ? ends->begin : *t->closing;
    enum outcome result = bus_size(t->bus, ends->lane, &size, f);
    if (result != OK || size.bytes > t->config->dead.disk_bytes_max) {
        return result;
    }
    if (from.at < keep_from->at) {
        result = dead_closing(t->bus, from, *keep_from, &from, f);
        *t->closing = from;
    }
    *keep_from = earlier(*keep_from, from);
    return result;
}

/* Forget what all have passed and is older than keep_ms. */
static enum outcome trim_lane(const struct trim *t, const struct lane_ends *ends, int64_t keep_ms,
                              struct failure *f)
{
    const bool is_retry = lane_eq(ends->lane, dead_retry_lane());
    struct position keep_from = passed(t, ends);
    if (is_retry) {
        keep_ms = t->config->dead.keep_ms; /* or what was closed would be open again */
    }
    if (keep_ms > 0) {
        struct position old = {0};
        const enum outcome result = bus_older(t->bus, ends->lane, before(t, keep_ms), &old, f);
        if (result != OK) {
            return result;
        }
        keep_from = earlier(keep_from, old);
    }
    if (is_retry && keep_from.at > ends->begin.at) {
        const enum outcome result = keep_closing(t, ends, &keep_from, f);
        if (result != OK) {
            return result;
        }
    }
    return keep_from.at > ends->begin.at ? bus_trim(t->bus, ends->lane, keep_from, f) : OK;
}

static enum outcome size_of(const struct trim *t, const struct lane_ends *lane, size_t n,
                            struct bus_size *out, struct failure *f)
{
    *out = (struct bus_size){0};
    for (size_t i = 0; i < n; i++) {
        struct bus_size one;
        const enum outcome result = bus_size(t->bus, lane[i].lane, &one, f);
        if (result != OK) {
            return result;
        }
        out->signals += one.signals;
        out->trimmed += one.trimmed;
        out->bytes += one.bytes;
    }
    return OK;
}

static enum outcome trim_lanes(const struct trim *t, const struct lane_ends *lane, size_t n,
                               int64_t keep_ms, struct failure *f)
{
    enum outcome result = OK;
    for (size_t i = 0; i < n && result == OK; i++) {
        result = trim_lane(t, &lane[i], keep_ms, f);
    }
    return result;
}

/* Of all these lanes the piece that has been complete for the longest time, if any can go. */
static enum outcome drop_oldest(const struct trim *t, const struct lane_ends *lane, size_t n,
                                bool *is_dropped, struct failure *f)
{
    struct position keep_from = {0};
    int64_t least_us = 0;
    size_t which = n;
    for (size_t i = 0; i < n; i++) {
        struct position at;
        int64_t time_us = 0;
        const enum outcome result = bus_oldest(t->bus, lane[i].lane, &at, &time_us, f);
        if (result != OK) {
            return result;
        }
        if (at.at > 0 && (which == n || time_us < least_us)) {
            keep_from = at;
            least_us = time_us;
            which = i;
        }
    }
    *is_dropped = which < n;
    return *is_dropped ? bus_trim(t->bus, lane[which].lane, keep_from, f) : OK;
}

/* Dead letters wait for a person, not for a reader: age, then size, decide. */
static enum outcome trim_dead(const struct trim *t, const struct lane_ends *lane, size_t n,
                              struct trimmed *out, struct failure *f)
{
    struct bus_size size;
    enum outcome result = size_of(t, lane, n, &size, f);
    const uint64_t before_n = size.trimmed;
    if (result == OK) {
        result = trim_lanes(t, lane, n, t->config->dead.keep_ms, f);
    }
    bool goes_on = true;
    while (result == OK && goes_on) {
        result = size_of(t, lane, n, &size, f);
        goes_on = result == OK && size.bytes > t->config->dead.disk_bytes_max;
        if (goes_on) {
            result = drop_oldest(t, lane, n, &goes_on, f);
        }
    }
    if (result == OK && size.trimmed > before_n) { /* less: a hole hides how many there were */
        out->dead_n += size.trimmed - before_n;
    }
    return result;
}

/* Lanes that have readers: what all have passed goes by age, or at once when there is no room. */
static enum outcome trim_read(const struct trim *t, const struct lane_ends *lane, size_t n,
                              bool is_over, struct failure *f)
{
    enum outcome result = OK;
    for (size_t i = 0; i < n && result == OK; i++) {
        const struct position at = passed(t, &lane[i]);
        result = bus_passed(t->bus, lane[i].lane, at, f);
    }
    return result == OK ? trim_lanes(t, lane, n, is_over ? 0 : t->config->bus.keep_ms, f) : result;
}

static void note_held(const struct trim *t, const struct lane_ends *lane, size_t n,
                      struct trimmed *out)
{
    assert(t->readers_n <= TRIM_READERS_MAX);
    for (size_t i = 0; i < t->readers_n; i++) {
        for (size_t k = 0; k < n && t->reader[i].streams & STREAM_BIT(lane[0].lane.stream); k++) {
            const struct position at = earlier(restart_of(&t->reader[i], lane[k].lane),
                                               lane[k].end);
            const struct position from = at.at < lane[k].begin.at ? lane[k].begin : at;
            const uint64_t bytes = bus_lag(t->bus, lane[k].lane, from);
            out->held_bytes[i] += bytes == UINT64_MAX ? 0 : bytes;
        }
    }
}

enum outcome trim_all(const struct trim *t, struct trimmed *out, struct failure *f)
{
    struct arena a;
    struct lane_ends *lane[STREAM_N] = {0};
    size_t n[STREAM_N] = {0};
    struct bus_size size, all = {0};
    enum outcome result = OK;
    arena_init(&a, TRIM_ARENA_BYTES_MAX);
    *out = (struct trimmed){0};
    for (int s = 0; s < STREAM_N && result == OK; s++) {
        result = bus_ends(t->bus, &a, (enum stream)s, &lane[s], &n[s], f);
        if (result == OK) {
            result = size_of(t, lane[s], n[s], &size, f);
            all.bytes += size.bytes;
        }
    }
    /* nine tenths: segments go as a whole, and the intake must not meet the limit first */
    const bool is_over = all.bytes > t->config->bus.disk_bytes_max / 10 * 9;
    for (int s = 0; s < STREAM_N && result == OK; s++) {
        result = s == STREAM_DEAD ? trim_dead(t, lane[s], n[s], out, f)
                                  : trim_read(t, lane[s], n[s], is_over, f);
        note_held(t, lane[s], n[s], out);
    }
    arena_close(&a);
    return result;
}
