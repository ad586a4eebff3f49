#include "bus/dead.h"

enum { LOOK_BYTES = 1024 * 1024 };
#define LOOK_ARENA_BYTES_MAX ((size_t)256 << 20)
#define LETTER_ARENA_BYTES_MAX ((size_t)1 << 20)
#define CLOSED_ARENA_BYTES_MAX ((size_t)512 << 20)
#define SEEN_ARENA_BYTES_MAX ((size_t)64 << 20)

const char dead_drop_type[] = "weir.drop", dead_replayed_type[] = "weir.replayed";

struct str dead_closed_as(struct str type)
{
    return str_eq(type, str_of(dead_drop_type))       ? S("dropped")
           : str_eq(type, str_of(dead_replayed_type)) ? S("replayed")
                                                      : S("");
}

struct lane dead_retry_lane(void)
{
    return (struct lane){STREAM_RAW, S("retry")};
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
static bool seen_put(struct seen_table *t, struct arena *a, const struct origin *o)
{
    if (2 * t->n >= t->slots) {
        seen_grow(t, a);
    }
    struct seen_origin *const slot = seen_slot(t, o);
    const bool was_there = slot->is_taken;
    *slot = (struct seen_origin){o->at.at, o->part, true};
    t->n += !was_there;
    return was_there;
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
    return seen_put(&s->now, a, o);
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

/* ---- what is closed ---- */

enum { CLOSED_KEPT_MAX = 1 << 17 };

struct dead_closed {
    struct bus *bus;
    struct arena arena;
    struct seen_table named; /* by records of raw/retry: positions, `part` is the lane's index */
    struct lane *lane;
    size_t lanes_n, lanes_room;
    struct position read_to; /* of raw/retry */
    struct arena ends_arena;
    struct lane_ends *dead; /* when it was read */
    size_t dead_n;
};

static void close_closed(void *thing)
{
    struct dead_closed *const c = thing;
    arena_close(&c->arena);
    arena_close(&c->ends_arena);
}

struct dead_closed *dead_closed_new(struct arena *a, struct bus *bus)
{
    struct dead_closed *const c = arena_new(a, struct dead_closed);
    *c = (struct dead_closed){.bus = bus};
    arena_init(&c->arena, CLOSED_ARENA_BYTES_MAX);
    arena_init(&c->ends_arena, CLOSED_ARENA_BYTES_MAX);
    arena_defer(a, close_closed, c);
    return c;
}

void dead_closed_forget(struct dead_closed *c)
{
    arena_reset(&c->arena);
    c->named = (struct seen_table){0};
    c->lane = NULL;
    c->lanes_n = c->lanes_room = 0;
    c->read_to = (struct position){0};
}

/* lanes_n: no record names one of this lane. */
static uint32_t closed_lane(const struct dead_closed *c, struct lane lane)
{
    size_t i = 0;
    while (i < c->lanes_n && !lane_eq(c->lane[i], lane)) {
        i++;
    }
    return (uint32_t)i;
}

static bool is_closed(const struct dead_closed *c, struct lane lane, struct position at)
{
    const struct origin o = {.at = at, .part = closed_lane(c, lane)};
    return c->named.n > 0 && seen_slot(&c->named, &o)->is_taken;
}

static void closed_add(struct dead_closed *c, struct lane lane, struct position at)
{
    const struct origin o = {.at = at, .part = closed_lane(c, lane)};
    if (o.part == c->lanes_n) {
        c->lane = arena_more(&c->arena, c->lane, c->lanes_n, &c->lanes_room, sizeof *c->lane);
        c->lane[c->lanes_n++] = (struct lane){lane.stream, arena_str(&c->arena, lane.name)};
    }
    (void)seen_put(&c->named, &c->arena, &o);
}

static bool take_closed(void *to, const struct record *r)
{
    struct lane lane;
    struct position at;
    if (position_parse(r->signal.retry_of, &lane, &at)) {
        closed_add(to, lane, at);
    }
    return true;
}

/* What raw/retry names; then the ends of the lanes, so no letter is open that was closed before. */
static enum outcome read_closed(struct dead_closed *c, const struct dead_visit *visit,
                                struct failure *f)
{
    const struct taking taking = {take_closed, c, visit};
    struct lane_ends *raw = NULL;
    size_t n = 0;
    if (c->named.n > CLOSED_KEPT_MAX) {
        dead_closed_forget(c);
    }
    arena_reset(&c->ends_arena);
    enum outcome result = bus_ends(c->bus, &c->ends_arena, STREAM_RAW, &raw, &n, f);
    for (size_t i = 0; i < n && result == OK; i++) {
        struct lane_ends *const retry = &raw[i];
        if (lane_eq(retry->lane, dead_retry_lane())) {
            retry->begin.at = retry->begin.at > c->read_to.at ? retry->begin.at : c->read_to.at;
            result = each_record(c->bus, retry, &taking, f);
            c->read_to = retry->end;
        }
    }
    if (result == OK) {
        result = bus_ends(c->bus, &c->ends_arena, STREAM_DEAD, &c->dead, &c->dead_n, f);
    }
    if (result != OK) {
        dead_closed_forget(c);
    }
    return result;
}

enum outcome dead_closed_read(struct dead_closed *c, struct failure *f)
{
    return read_closed(c, NULL, f);
}

/* ---- what is open ---- */

struct visiting {
    const struct dead_closed *closed;
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
    if (is_repeated(v, &r->origin) || is_closed(v->closed, v->lane, r->at)) {
        return true;
    }
    arena_init(&a, LETTER_ARENA_BYTES_MAX);
    const struct dead_letter letter = {position_text(&a, v->lane, r->at), &r->signal, r->origin};
    v->goes_on = v->visit.letter(v->visit.to, &letter);
    arena_close(&a);
    return v->goes_on;
}

enum outcome dead_each(struct bus *bus, struct dead_visit visit, struct failure *f)
{
    struct arena a;
    arena_init(&a, LETTER_ARENA_BYTES_MAX);
    struct dead_closed *const c = dead_closed_new(&a, bus);
    enum outcome result = read_closed(c, &visit, f);
    struct visiting v = {.closed = c, .visit = visit, .goes_on = true};
    arena_init(&v.arena, SEEN_ARENA_BYTES_MAX);
    for (size_t i = 0; i < c->dead_n && result == OK && v.goes_on; i++) {
        v.lane = c->dead[i].lane;
        v.seen = (struct seen){0};
        arena_reset(&v.arena);
        result = each_record(bus, &c->dead[i], &(struct taking){take_letter, &v, &visit}, f);
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

enum outcome dead_closed_find(const struct dead_closed *c, struct arena *a, struct str id,
                              struct dead_letter *out, struct failure *f)
{
    struct lane lane;
    struct position at;
    struct batch batch = {.arena = a};
    const struct str full = str_starts(id, S("dead/")) ? id
                                                       : arena_printf(a, "dead/%.*s", STR_ARG(id));
    if (!position_parse(full, &lane, &at) || lane.stream != STREAM_DEAD) {
        return failed(f, REJECT,
                      "%.*s is no id of a dead letter, which looks like dead/LANE:NUMBER",
                      STR_ARG(id));
    }
    for (size_t i = 0; i < c->dead_n; i++) {
        const struct lane_ends *const ends = &c->dead[i];
        if (!lane_eq(ends->lane, lane) || at.at >= ends->end.at || at.at < ends->begin.at ||
            is_closed(c, lane, at) || bus_find(c->bus, lane, at, &batch, f) != OK || batch.n == 0) {
            continue;
        }
        const struct record *const r = &batch.slice[0].record[0];
        *out = (struct dead_letter){full, &r->signal, r->origin};
        return OK;
    }
    return unknown(id, f);
}

void dead_closed_add(struct dead_closed *c, const struct dead_letter *letter)
{
    const struct record r = {.signal = {.retry_of = letter->id}};
    (void)take_closed(c, &r);
}

enum outcome dead_find(struct bus *bus, struct arena *a, struct str id, struct dead_letter *out,
                       struct failure *f)
{
    struct dead_closed *const c = dead_closed_new(a, bus);
    const enum outcome result = dead_closed_read(c, f);
    return result == OK ? dead_closed_find(c, a, id, out, f) : result;
}

enum outcome dead_look(struct bus *bus, struct arena *a, struct str id, struct dead_letter *out,
                       struct failure *f)
{
    struct dead_closed *const none = dead_closed_new(a, bus);
    const enum outcome result = bus_ends(bus, a, STREAM_DEAD, &none->dead, &none->dead_n, f);
    return result == OK ? dead_closed_find(none, a, id, out, f) : result;
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
