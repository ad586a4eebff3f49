#include "collector/said.h"

#include "collector/moment.h"
#include "signal/metric.h"

static enum outcome settle(struct state *s, struct work *w, struct failure *f)
{
    const struct str id = w->run.collector->id;
    enum outcome result = OK;
    for (size_t i = 0; i < w->n && result == OK; i++) {
        const struct work_row *const row = &w->row[i];
        const struct state_said said = {.key = row->key, .id = row->id, .at_us = row->at_us};
        int64_t since_us = 0;
        if (row->key.len > 0) {
            result = state_say(s, id, &said, w->run.scheduled_us, &since_us, f);
            w->record[i].signal.id = since_us > 0 ? metric_id_since(&w->arena, row->id, since_us)
                                                  : row->id;
        }
    }
    return result == OK ? state_said_forget(s, id, INT64_MIN, f) : result;
}

static bool has_rows(const struct work *w)
{
    return w->n > 0 && w->row;
}

enum outcome said_settle(struct state *s, struct work *const *work, size_t n, struct failure *f)
{
    enum outcome result = OK;
    size_t first = 0;
    while (first < n && !has_rows(work[first])) {
        first++;
    }
    if (first == n) {
        return OK;
    }
    result = state_begin(s, f);
    for (size_t i = first; i < n && result == OK; i++) {
        result = has_rows(work[i]) ? settle(s, work[i], f) : OK;
    }
    result = result == OK ? state_end(s, f) : result;
    if (result != OK) {
        state_undo(s);
    }
    return result;
}

void said_ended(struct state *s, const struct work *w, enum outcome outcome, bool *is_cut)
{
    struct failure ignored; /* what is not forgotten does no harm */
    if (outcome == OK && *is_cut && w->run.collector->overlap_us == 0) {
        (void)state_said_forget(s, w->run.collector->id, INT64_MAX, &ignored);
    }
    *is_cut = outcome != OK && (*is_cut || w->has_written);
}

enum outcome said_forget(struct state *s, const struct collector *c, struct str bookmark,
                         struct failure *f)
{
    int64_t us = 0;
    const bool is_time = c->overlap_us > 0 && moment_read(bookmark, &us);
    const int64_t before_us = us - c->overlap_us - DAY_US; /* a bookmark may be a day, cut */
    return is_time ? state_said_forget(s, c->id, before_us, f) : OK;
}
