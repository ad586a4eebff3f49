#include "bus/dead.h"

#include <stdlib.h>

enum { LOOK_BYTES = 1024 * 1024 };
#define LOOK_ARENA_BYTES_MAX ((size_t)256 << 20)
#define CLOSED_ARENA_BYTES_MAX ((size_t)256 << 20)
#define SEEN_ARENA_BYTES_MAX ((size_t)64 << 20)

const char dead_drop_type[] = "weir.drop";

struct lane dead_retry_lane(void)
{
    return (struct lane){STREAM_RAW, S("retry")};
}

/* Positions that records of raw/retry name, sorted. */
struct closed {
    struct arena *arena;
    struct str *id;
    size_t n, room;
};

static int by_text(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static bool is_closed(const struct closed *c, struct str id)
{
    return c->n > 0 && bsearch(&id, c->id, c->n, sizeof id, by_text);
}

static void closed_add(struct closed *c, struct str id)
{
    c->id = arena_more(c->arena, c->id, c->n, &c->room, sizeof *c->id);
    c->id[c->n++] = arena_str(c->arena, id);
}

static bool is_again(const struct dead_visit *visit, enum outcome result, const struct failure *f)
{
    return result == RETRY && visit && visit->unreadable && visit->unreadable(visit->to, f);
}

/* What is done with a record; false: enough. `visit` NULL: what cannot be read is the end. */
struct taking {
    bool (*take)(void *to, const struct record *r);
    void *to;
    const struct dead_visit *visit;
};

/* Every record of a lane. */
static enum outcome each_record(struct bus *bus, const struct lane_ends *lane,
                                const struct taking *t, struct failure *f)
{
    struct arena a;
    struct position from = lane->begin;
    bool goes_on = true;
    enum outcome result = OK;
    arena_init(&a, LOOK_ARENA_BYTES_MAX);
    while (result == OK && goes_on && from.at < lane->end.at) {
        struct batch batch = {.arena = &a};
        arena_reset(&a);
        result = bus_look(bus, (struct span){lane->lane, from, lane->end}, LOOK_BYTES, &batch, f);
        if (is_again(t->visit, result, f)) {
            result = OK;
            continue;
        }
        if (result != OK || batch.n == 0) {
            break;
        }
        for (size_t i = 0; i < batch.slice[0].n && goes_on; i++) {
            goes_on = t->take(t->to, &batch.slice[0].record[i]);
        }
        goes_on = goes_on && batch.slice[0].to.at > from.at;
        from = batch.slice[0].to;
    }
    arena_close(&a);
    return result;
}

static bool take_closed(void *to, const struct record *r)
{
    if (r->signal.retry_of.len > 0) {
        closed_add(to, r->signal.retry_of);
    }
    return true;
}

static enum outcome read_closed(struct bus *bus, struct arena *a, const struct dead_visit *visit,
                                struct closed *out, struct failure *f)
{
    const struct taking taking = {take_closed, out, visit};
    struct lane_ends *lane = NULL;
    size_t n = 0;
    *out = (struct closed){.arena = a};
    enum outcome result = bus_ends(bus, a, STREAM_RAW, &lane, &n, f);
    for (size_t i = 0; i < n && result == OK; i++) {
        if (lane_eq(lane[i].lane, dead_retry_lane())) {
            result = each_record(bus, &lane[i], &taking, f);
        }
    }
    if (out->n > 0) {
        qsort(out->id, out->n, sizeof *out->id, by_text);
    }
    return result;
}

/* Origins that letters of one lane were made of: the youngest SEEN_MAX to twice as many. */
enum { SEEN_MAX = 1 << 18, SEEN_SLOTS_MIN = 64 };

struct seen_origin {
    uint64_t at;
    uint32_t part;
    bool is_taken;
};

struct seen {
    struct seen_table {
        struct seen_origin *slot;
        size_t n, slots; /* a power of two, never more than half taken */
    } now, before;       /* `before` is full, and looked at only       */
};

static struct seen_origin *seen_slot(const struct seen_table *t, const struct origin *o)
{
    size_t i = ((o->at.at * UINT64_C(0x9e3779b97f4a7c15)) >> 32) + o->part;
    while (t->slot[i &= t->slots - 1].is_taken &&
           (t->slot[i].at != o->at.at || t->slot[i].part != o->part)) {
        i++;
    }
    return &t->slot[i];
}

static void seen_grow(struct seen_table *t, struct arena *a)
{
    struct seen_table more = {.n = t->n, .slots = t->slots ? 2 * t->slots : SEEN_SLOTS_MIN};
    more.slot = arena_array(a, struct seen_origin, more.slots);
    for (size_t i = 0; i < t->slots; i++) {
        const struct seen_origin *const one = &t->slot[i];
        if (one->is_taken) {
            const struct origin o = {.at = {one->at}, .part = one->part};
            *seen_slot(&more, &o) = *one;
        }
    }
    *t = more;
}

/* true: it was there. */
static bool seen_add(struct seen *s, struct arena *a, const struct origin *o)
{
    if (s->before.n > 0 && seen_slot(&s->before, o)->is_taken) {
        return true;
    }
    if (s->now.n == SEEN_MAX) {
        struct seen_origin *const slot = s->before.slot; /* full-grown too, or none yet */
        const size_t slots = s->before.slots;
        s->before = s->now;
        s->now = (struct seen_table){.slot = slot, .slots = slots};
        if (slots > 0) {
            memset(slot, 0, slots * sizeof *slot);
        }
    }
    if (2 * s->now.n >= s->now.slots) {
        seen_grow(&s->now, a);
    }
    struct seen_origin *const slot = seen_slot(&s->now, o);
    const bool was_there = slot->is_taken;
    *slot = (struct seen_origin){o->at.at, o->part, true};
    s->now.n += !was_there;
    return was_there;
}

struct dead_seen {
    struct arena *arena;
    struct seen seen;
};

static bool take_seen(void *to, const struct record *r)
{
    dead_seen_add(to, &r->origin);
    return true;
}

struct dead_seen *dead_seen_read(struct bus *bus, struct arena *a, struct lane lane)
{
    struct dead_seen *const s = arena_new(a, struct dead_seen);
    struct lane_ends *ends = NULL;
    struct failure ignored; /* then a letter may be written twice, which its readers drop */
    size_t n = 0;
    *s = (struct dead_seen){.arena = a};
    const enum outcome result = bus_ends(bus, a, STREAM_DEAD, &ends, &n, &ignored);
    for (size_t i = 0; i < n && result == OK; i++) {
        if (lane_eq(ends[i].lane, lane)) {
            (void)each_record(bus, &ends[i], &(struct taking){take_seen, s, NULL}, &ignored);
        }
    }
    return s;
}

bool dead_seen_has(const struct dead_seen *s, const struct origin *origin)
{
    const struct seen_table *const now = &s->seen.now, *const before = &s->seen.before;
    return (before->n > 0 && seen_slot(before, origin)->is_taken) ||
           (now->n > 0 && seen_slot(now, origin)->is_taken);
}

void dead_seen_add(struct dead_seen *s, const struct origin *origin)
{
    if (origin->lane.name.len > 0) {
        (void)seen_add(&s->seen, s->arena, origin);
    }
}

struct visiting {
    const struct closed *closed;
    struct dead_visit visit;
    struct lane lane;
    struct arena arena; /* of `seen`: the lane's */
    struct seen seen;
    bool goes_on;
};

/* A letter is written before the step that it belongs to; a crash between the two brings it twice.
 * In what order tells nothing: a flush finds what it refuses table by table, and what was buried
 * before it comes from further behind. */
static bool is_repeated(struct visiting *v, const struct origin *origin)
{
    return origin->lane.name.len > 0 && seen_add(&v->seen, &v->arena, origin);
}

static bool take_letter(void *to, const struct record *r)
{
    struct visiting *const v = to;
    struct arena a;
    if (is_repeated(v, &r->origin)) {
        return true;
    }
    arena_init(&a, CLOSED_ARENA_BYTES_MAX);
    const struct dead_letter letter = {position_text(&a, v->lane, r->at), &r->signal};
    if (!is_closed(v->closed, letter.id)) {
        v->goes_on = v->visit.letter(v->visit.to, &letter);
    }
    arena_close(&a);
    return v->goes_on;
}

enum outcome dead_each(struct bus *bus, struct dead_visit visit, struct failure *f)
{
    struct arena a;
    struct closed closed;
    struct lane_ends *lane = NULL;
    size_t n = 0;
    arena_init(&a, CLOSED_ARENA_BYTES_MAX);
    enum outcome result = read_closed(bus, &a, &visit, &closed, f);
    if (result == OK) {
        result = bus_ends(bus, &a, STREAM_DEAD, &lane, &n, f);
    }
    struct visiting v = {.closed = &closed, .visit = visit, .goes_on = true};
    arena_init(&v.arena, SEEN_ARENA_BYTES_MAX);
    for (size_t i = 0; i < n && result == OK && v.goes_on; i++) {
        v.lane = lane[i].lane;
        v.seen = (struct seen){0};
        arena_reset(&v.arena);
        result = each_record(bus, &lane[i], &(struct taking){take_letter, &v, &visit}, f);
        result = result == RETRY && visit.unreadable ? OK : result;
    }
    arena_close(&v.arena);
    arena_close(&a);
    return result;
}

static enum outcome unknown(struct str id, struct failure *f)
{
    return failed(f, REJECT, "%.*s: no open dead letter has this id; `weir dead list` shows them",
                  STR_ARG(id));
}

/* `closed` NULL: open or not. */
static enum outcome find(struct bus *bus, struct arena *a, struct str id,
                         const struct closed *closed, struct dead_letter *out, struct failure *f)
{
    struct lane lane;
    struct position at;
    struct lane_ends *ends = NULL;
    struct batch batch = {.arena = a};
    size_t n = 0;
    const struct str full = str_starts(id, S("dead/")) ? id
                                                       : arena_printf(a, "dead/%.*s", STR_ARG(id));
    if (!position_parse(full, &lane, &at) || lane.stream != STREAM_DEAD) {
        return failed(f, REJECT,
                      "%.*s is no id of a dead letter, which looks like dead/LANE:NUMBER",
                      STR_ARG(id));
    }
    const enum outcome result = bus_ends(bus, a, STREAM_DEAD, &ends, &n, f);
    if (result != OK) {
        return result;
    }
    for (size_t i = 0; i < n; i++) {
        if (!lane_eq(ends[i].lane, lane) || at.at >= ends[i].end.at || at.at < ends[i].begin.at ||
            (closed && is_closed(closed, full)) || bus_find(bus, lane, at, &batch, f) != OK ||
            batch.n == 0) {
            continue;
        }
        *out = (struct dead_letter){full, &batch.slice[0].record[0].signal};
        return OK;
    }
    return unknown(id, f);
}

enum outcome dead_find(struct bus *bus, struct arena *a, struct str id, struct dead_letter *out,
                       struct failure *f)
{
    struct closed closed;
    const enum outcome result = read_closed(bus, a, NULL, &closed, f);
    return result == OK ? find(bus, a, id, &closed, out, f) : result;
}

enum outcome dead_look(struct bus *bus, struct arena *a, struct str id, struct dead_letter *out,
                       struct failure *f)
{
    return find(bus, a, id, NULL, out, f);
}

struct closing {
    const struct lane_ends *dead;
    size_t n;
    struct position at;
};

/* Go on until a record names what is held. */
static bool take_closing(void *to, const struct record *r)
{
    struct closing *const c = to;
    struct lane lane;
    struct position at;
    if (!position_parse(r->signal.retry_of, &lane, &at)) {
        return true;
    }
    for (size_t i = 0; i < c->n; i++) {
        if (lane_eq(c->dead[i].lane, lane) && at.at >= c->dead[i].begin.at) {
            c->at = r->at;
            return false;
        }
    }
    return true;
}

enum outcome dead_closing(struct bus *bus, struct position from, struct position to,
                          struct position *out, struct failure *f)
{
    const struct lane_ends piece = {dead_retry_lane(), from, to};
    struct arena a;
    struct lane_ends *dead = NULL;
    size_t n = 0;
    *out = from;
    arena_init(&a, CLOSED_ARENA_BYTES_MAX);
    enum outcome result = bus_ends(bus, &a, STREAM_DEAD, &dead, &n, f);
    if (result == OK) {
        struct closing c = {dead, n, to};
        result = each_record(bus, &piece, &(struct taking){take_closing, &c, NULL}, f);
        *out = result == OK ? c.at : from;
    }
    arena_close(&a);
    return result;
}

static bool count_letter(void *to, const struct dead_letter *letter)
{
    (void)letter;
    ++*(uint64_t *)to;
    return true;
}

enum outcome dead_count(struct bus *bus, uint64_t *out, struct failure *f)
{
    *out = 0;
    return dead_each(bus, (struct dead_visit){.letter = count_letter, .to = out}, f);
}
