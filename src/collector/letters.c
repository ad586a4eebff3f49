#include "collector/letters.h"

#include "base/clock.h"
#include "bus/dead.h"

#define LETTER_ARENA_BYTES_MAX ((size_t)512 << 20)

/* What goes to raw/retry for a dead letter: the whole signal for the stage that it failed in, or
 * the word that it is dropped, received now. */
static struct record answer_to(const struct dead_letter *letter, bool is_drop)
{
    struct record r = {.signal = *letter->signal};
    r.signal.retry_of = letter->id;
    r.signal.reason = (struct str){NULL, 0};
    r.signal.pointer = (struct str){NULL, 0};
    if (is_drop) {
        r.signal.type = str_of(dead_drop_type);
        r.signal.received_us = clock_now_us();
        r.signal.data = (struct str){NULL, 0};
        r.signal.headers = (struct str){NULL, 0};
    }
    return r;
}

static enum outcome close_one(struct bus *bus, struct arena *a, struct str id, bool is_drop,
                              struct failure *f)
{
    struct dead_letter letter;
    const enum outcome found = dead_find(bus, a, id, &letter, f);
    if (found != OK) {
        return found;
    }
    struct record r = answer_to(&letter, is_drop);
    return bus_append(bus, dead_retry_lane(), &r, 1, f);
}

enum outcome letters_close(struct bus *bus, struct progress *progress, yyjson_val *ids,
                           bool is_drop, uint64_t *n, struct failure *f)
{
    size_t i = 0, most = 0;
    yyjson_val *id = NULL;
    enum outcome all = OK;
    yyjson_arr_foreach(ids, i, most, id)
    {
        struct arena one;
        struct failure why;
        arena_init(&one, LETTER_ARENA_BYTES_MAX);
        const enum outcome closed = close_one(bus, &one, json_text(id), is_drop, &why);
        arena_close(&one);
        *n += closed == OK;
        if (closed != OK && all == OK) {
            all = closed;
            *f = why;
        }
        if (closed == RETRY || closed == STOP) {
            *f = why;
            return closed;
        }
        progress_beat(progress, true);
    }
    return all;
}
