#include "collector/letters.h"

#include "base/clock.h"

#define GROUP_ARENA_BYTES_MAX ((size_t)512 << 20)

static const char *const commands[] = {
    [LETTERS_RETRY] = "retry", [LETTERS_DROP] = "drop", [LETTERS_REPLAYED] = "replayed"};

enum letters_way letters_way(struct str command)
{
    int way = LETTERS_RETRY;
    while (way < LETTERS_WAYS_N && !str_eq(command, str_of(commands[way]))) {
        way++;
    }
    return (enum letters_way)way;
}

/* The raw signal that a letter of the transform is of; one that died again was told it when it was
 * sent again the first time. */
static struct str first_of(struct arena *a, const struct dead_letter *letter)
{
    const struct lane lane = letter->origin.lane;
    const bool is_it = str_eq(letter->signal->stage, S("transform")) && lane.stream == STREAM_RAW &&
                       lane.name.len > 0 && !lane_eq(lane, dead_retry_lane());
    return letter->signal->first.len > 0 || !is_it
               ? letter->signal->first
               : arena_printf(a, "%.*s:%llu", STR_ARG(lane.name),
                              (unsigned long long)letter->origin.at.at);
}

/* What goes to raw/retry for a dead letter: the whole signal for the stage that it failed in, or
 * the word that it is closed, received now. */
static struct record answer_to(struct arena *a, const struct dead_letter *letter,
                               enum letters_way way)
{
    struct record r = {.signal = *letter->signal};
    r.signal.retry_of = letter->id;
    r.signal.first = first_of(a, letter);
    r.signal.reason = (struct str){NULL, 0};
    r.signal.pointer = (struct str){NULL, 0};
    if (way != LETTERS_RETRY) {
        r.signal.type = str_of(way == LETTERS_DROP ? dead_drop_type : dead_replayed_type);
        r.signal.received_us = clock_now_us();
        r.signal.data = (struct str){NULL, 0};
        r.signal.headers = (struct str){NULL, 0};
    }
    return r;
}

struct group {
    struct arena *arena;
    struct record *record;
    size_t n, room, bytes;
};

static enum outcome add_letter(const struct letters *l, struct group *g, struct str id,
                               enum letters_way way, struct failure *f)
{
    struct dead_letter letter;
    const enum outcome found = dead_closed_find(l->closed, g->arena, id, &letter, f);
    if (found == OK) {
        dead_closed_add(l->closed, &letter);
        g->record = arena_more(g->arena, g->record, g->n, &g->room, sizeof *g->record);
        g->record[g->n++] = answer_to(g->arena, &letter, way);
        g->bytes += letter.signal->data.len + letter.signal->headers.len;
    }
    return found;
}

/* One that the bus refuses keeps none of the others. */
static enum outcome append(const struct letters *l, struct group *g, struct failure *f)
{
    enum outcome first = OK;
    struct failure why;
    while (g->n > 0) {
        const enum outcome result = bus_append(l->bus, dead_retry_lane(), g->record, g->n, &why);
        if (result == OK) {
            return first;
        }
        dead_closed_forget(l->closed);
        if (result != REJECT || first == OK) {
            *f = why;
        }
        if (result != REJECT) {
            g->n = 0;
            return result;
        }
        first = result;
        g->n--;
        memmove(g->record + why.record, g->record + why.record + 1,
                (g->n - why.record) * sizeof *g->record);
    }
    return first;
}

enum outcome letters_close(const struct letters *l, yyjson_val *ids, enum letters_way way,
                           struct letters_done *done, struct failure *f)
{
    struct arena a;
    struct failure why;
    *done = (struct letters_done){0};
    enum outcome all = dead_closed_read(l->closed, f);
    if (all != OK) {
        return all;
    }
    arena_init(&a, GROUP_ARENA_BYTES_MAX);
    struct group g = {.arena = &a};
    size_t i = 0, most = 0;
    yyjson_val *id = NULL;
    yyjson_arr_foreach(ids, i, most, id)
    {
        if (g.bytes >= LETTERS_BYTES) {
            break;
        }
        if (add_letter(l, &g, json_text(id), way, &why) != OK && all == OK) {
            all = REJECT;
            *f = why;
        }
        progress_beat(l->progress, true);
    }
    const enum outcome appended = append(l, &g, &why);
    if (appended != OK && (appended != REJECT || all == OK)) {
        all = appended;
        *f = why;
    }
    *done = appended == OK || appended == REJECT ? (struct letters_done){g.n, i}
                                                 : (struct letters_done){0};
    arena_close(&a);
    return all;
}
