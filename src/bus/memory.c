#include "bus/memory.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { RECORD_BYTES_MAX = 64 * 1024 * 1024 };

/* One position; without bytes it is a marker, which no reader sees. */
struct entry {
    uint64_t at;
    struct str bytes; /* the signal's */
    struct origin origin;
    int64_t time_us;
};

struct memory_lane {
    struct lane lane;
    struct entry *entry;
    size_t n, room;
    size_t first; /* entries before it are forgotten              */
    size_t group; /* the last group begins here: it is never trimmed */
    uint64_t end; /* the next entry's position is at least this   */
    uint64_t bytes, passed_bytes;
};

struct memory_cursor {
    struct str stage;
    struct lane input;
    struct position at;
    struct tally tally;
};

struct memory {
    struct memory_lane lane[READER_LANES_MAX];
    size_t lanes_n;
    struct memory_cursor cursor[READER_LANES_MAX];
    size_t cursors_n;
};

/* Where a reader stands in each lane; the index is the lane's in struct memory. */
struct memory_reader {
    struct {
        bool is_gained, is_settled;
        struct position at;
    } lane[READER_LANES_MAX];
    size_t turn; /* the lane that the next read begins with */
    int wake_fd;
};

/* What a process held is gone with it: there is never anything to make good. */
static enum outcome memory_recover(const void *options, struct finding_to report, struct failure *f)
{
    (void)options, (void)report, (void)f;
    return OK;
}

static enum outcome memory_open(struct bus *b, struct failure *f)
{
    static const char id[] = "6d656d6f727900000000000000000000"; /* "memory": one incarnation */
    (void)f;
    memcpy(b->id, id, BUS_ID_BYTES);
    return OK;
}

static void memory_close(struct bus *b)
{
    (void)b; /* all of it is the arena's */
}

static struct memory_lane *lane_find(const struct bus *b, struct lane lane)
{
    struct memory *const m = b->state;
    for (size_t i = 0; i < m->lanes_n; i++) {
        if (lane_eq(m->lane[i].lane, lane)) {
            return &m->lane[i];
        }
    }
    return NULL;
}

static struct memory_lane *lane_get(struct bus *b, struct lane lane)
{
    struct memory *const m = b->state;
    struct memory_lane *l = lane_find(b, lane);
    if (!l) {
        assert(m->lanes_n < READER_LANES_MAX);
        l = &m->lane[m->lanes_n++];
        *l = (struct memory_lane){.lane = {lane.stream, arena_str(b->arena, lane.name)}};
    }
    return l;
}

static enum outcome memory_lane_make(struct bus *b, struct lane lane, struct failure *f)
{
    (void)f;
    (void)lane_get(b, lane);
    return OK;
}

static void entry_add(struct bus *b, struct memory_lane *l, const struct record *r)
{
    const struct memory_plan *const plan = b->options;
    l->entry = arena_more(b->arena, l->entry, l->n, &l->room, sizeof *l->entry);
    struct entry *const e = &l->entry[l->n++];
    *e = (struct entry){.at = l->end, .time_us = clock_now_us()};
    if (r) {
        struct buf bytes;
        buf_init(&bytes, b->arena, RECORD_BYTES_MAX);
        signal_write(&bytes, &r->signal);
        e->bytes = buf_str(&bytes);
        e->origin = r->origin;
        e->origin.lane.name = arena_str(b->arena, r->origin.lane.name);
        l->bytes += bytes.len;
    }
    l->end += plan && plan->gap ? plan->gap(plan->to) : 1;
}

static void maybe_marker(struct bus *b, struct memory_lane *l)
{
    const struct memory_plan *const plan = b->options;
    if (plan && plan->is_marker && plan->is_marker(plan->to)) {
        entry_add(b, l, NULL);
    }
}

static void group_add(struct bus *b, struct memory_lane *l, struct record *r, size_t n)
{
    l->group = l->n;
    for (size_t i = 0; i < n; i++) {
        maybe_marker(b, l);
        r[i].at = (struct position){l->end};
        entry_add(b, l, &r[i]);
    }
    maybe_marker(b, l);
}

static enum outcome check_budget(struct bus *b, const struct record *r, size_t n, struct failure *f)
{
    const struct memory_plan *const plan = b->options;
    const struct memory *const m = b->state;
    uint64_t sum = 0;
    for (size_t i = 0; i < m->lanes_n; i++) {
        const struct memory_lane *const l = &m->lane[i];
        sum += l->lane.stream == STREAM_DEAD ? 0 : l->bytes - l->passed_bytes;
    }
    for (size_t i = 0; i < n; i++) {
        sum += bus_bytes_bound(&r[i].signal);
    }
    if (plan && plan->bytes_max && sum > plan->bytes_max) {
        (void)failed(f, RETRY, "the bus is full: %zu unread bytes are allowed", plan->bytes_max);
        f->cause = CAUSE_FULL;
        return RETRY;
    }
    return OK;
}

static enum outcome memory_append(struct bus *b, struct lane lane, struct record *r, size_t n,
                                  struct failure *f)
{
    if (lane.stream != STREAM_DEAD && check_budget(b, r, n, f) != OK) {
        return RETRY;
    }
    group_add(b, lane_get(b, lane), r, n);
    return OK;
}

static uint64_t begin_of(const struct memory_lane *l)
{
    return l->first == 0 ? 0 : l->first < l->n ? l->entry[l->first].at : l->end;
}

static enum outcome memory_ends(struct bus *b, struct arena *a, enum stream stream,
                                struct lane_ends **out, size_t *n, struct failure *f)
{
    struct memory *const m = b->state;
    (void)f;
    *out = arena_array(a, struct lane_ends, m->lanes_n);
    *n = 0;
    for (size_t i = 0; i < m->lanes_n; i++) {
        const struct memory_lane *const l = &m->lane[i];
        if (l->lane.stream == stream) {
            (*out)[(*n)++] = (struct lane_ends){l->lane, {begin_of(l)}, {l->end}};
        }
    }
    return OK;
}

static enum outcome record_of(const struct entry *e, struct arena *a, struct record *out,
                              struct failure *f)
{
    *out = (struct record){.at = {e->at}, .origin = e->origin};
    out->origin.lane.name = arena_str(a, e->origin.lane.name);
    return signal_read(arena_str(a, e->bytes), &out->signal, f);
}

/* The slice's records from its `from` on: at most bytes_max (but one), not beyond its `to`. */
static enum outcome slice_fill(const struct memory_lane *l, struct slice *s, size_t bytes_max,
                               struct arena *a, struct failure *f)
{
    const uint64_t to = s->to.at < l->end ? s->to.at : l->end;
    size_t bytes = 0;
    s->record = arena_array(a, struct record, l->n);
    s->to = (struct position){s->from.at};
    for (size_t i = l->first; i < l->n && l->entry[i].at < to; i++) {
        const struct entry *const e = &l->entry[i];
        if (e->at < s->from.at) {
            continue;
        }
        bytes += e->bytes.len;
        if (s->n > 0 && bytes > bytes_max) {
            return OK;
        }
        if (e->bytes.len && record_of(e, a, &s->record[s->n++], f) != OK) {
            return STOP;
        }
        s->to.at = i + 1 < l->n ? l->entry[i + 1].at : l->end;
    }
    s->to.at = to > s->to.at ? to : s->to.at; /* all of it was examined */
    return OK;
}

static enum outcome check_kept(const struct memory_lane *l, struct lane lane, struct position from,
                               struct failure *f)
{
    if (l && from.at < begin_of(l)) {
        return failed(f, STOP, "%s/%.*s: what stands before %llu is no longer kept",
                      stream_name(lane.stream), STR_ARG(lane.name),
                      (unsigned long long)begin_of(l));
    }
    if (from.at > (l ? l->end : 0)) {
        return failed(f, STOP, "%s/%.*s ends before %llu: the stream was made anew",
                      stream_name(lane.stream), STR_ARG(lane.name), (unsigned long long)from.at);
    }
    return OK;
}

static enum outcome memory_look(struct bus *b, struct slice *slice, size_t bytes_max,
                                struct arena *a, struct failure *f)
{
    const struct memory_lane *const l = lane_find(b, slice->lane);
    const enum outcome result = check_kept(l, slice->lane, slice->from, f);
    if (result != OK || !l) {
        slice->to = slice->from;
        return result;
    }
    return slice_fill(l, slice, bytes_max, a, f);
}

static enum outcome memory_passed(struct bus *b, struct lane lane, struct position at,
                                  struct failure *f)
{
    struct memory_lane *const l = lane_find(b, lane);
    (void)f;
    if (l) {
        l->passed_bytes = 0;
        for (size_t i = 0; i < l->n && l->entry[i].at < at.at; i++) {
            l->passed_bytes += l->entry[i].bytes.len;
        }
    }
    return OK;
}

static enum outcome memory_trim(struct bus *b, struct lane lane, struct position keep_from,
                                struct failure *f)
{
    struct memory_lane *const l = lane_find(b, lane);
    (void)f;
    while (l && l->first < l->group && l->entry[l->first].at < keep_from.at) {
        l->first++;
    }
    return OK;
}

static enum outcome memory_older(struct bus *b, struct lane lane, int64_t time_us,
                                 struct position *out, struct failure *f)
{
    const struct memory_lane *const l = lane_find(b, lane);
    (void)f;
    *out = (struct position){0};
    for (size_t i = 0; l && i < l->n && l->entry[i].time_us < time_us; i++) {
        out->at = i + 1 < l->n ? l->entry[i + 1].at : l->end;
    }
    return OK;
}

static enum outcome memory_oldest(struct bus *b, struct lane lane, struct position *out,
                                  int64_t *time_us, struct failure *f)
{
    const struct memory_lane *const l = lane_find(b, lane);
    (void)f;
    *out = (struct position){0};
    if (l && l->first < l->group) {
        *out = (struct position){l->entry[l->first + 1].at};
        *time_us = l->entry[l->first + 1].time_us;
    }
    return OK;
}

static enum outcome memory_size(struct bus *b, struct lane lane, struct bus_size *out,
                                struct failure *f)
{
    const struct memory_lane *const l = lane_find(b, lane);
    (void)f;
    *out = (struct bus_size){0};
    for (size_t i = 0; l && i < l->n; i++) {
        const bool is_signal = l->entry[i].bytes.len > 0;
        out->trimmed += is_signal && i < l->first;
        out->signals += is_signal && i >= l->first;
        out->bytes += i >= l->first ? l->entry[i].bytes.len : 0;
    }
    out->unread_bytes = l ? l->bytes - l->passed_bytes : 0;
    return OK;
}

static uint64_t memory_lag(struct bus *b, struct lane lane, struct position at)
{
    const struct memory_lane *const l = lane_find(b, lane);
    uint64_t sum = 0;
    for (size_t i = 0; l && i < l->n; i++) {
        sum += l->entry[i].at >= at.at ? l->entry[i].bytes.len : 0;
    }
    return sum;
}

static enum outcome memory_mend(struct bus *b, struct finding_to report, struct failure *f)
{
    (void)b, (void)report, (void)f;
    return OK;
}

static enum outcome memory_verify(struct bus *b, struct finding_to report, struct failure *f)
{
    (void)b, (void)report, (void)f;
    return OK; /* memory has no checksums */
}

/* ---- the reader ---- */

static struct memory_cursor *cursor_find(struct reader *r, struct lane input)
{
    struct memory *const m = r->bus->state;
    for (size_t i = 0; i < m->cursors_n; i++) {
        if (str_eq(m->cursor[i].stage, r->stage) && lane_eq(m->cursor[i].input, input)) {
            return &m->cursor[i];
        }
    }
    return NULL;
}

static struct position cursor_at(struct reader *r, struct lane input)
{
    const struct memory_cursor *const c = cursor_find(r, input);
    return c ? c->at : (struct position){0};
}

static enum outcome memory_join(struct reader *r, struct failure *f)
{
    struct memory_reader *const me = r->state;
    me->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return me->wake_fd >= 0 ? OK : failed_errno(f, RETRY, "bus: eventfd");
}

/* Whether a plan may take lanes away: then nobody waits, since one may come back at any time. */
static bool takes_away(const struct bus *b)
{
    const struct memory_plan *const plan = b->options;
    return plan && plan->is_lost;
}

/* Which lanes are this reader's now: gained and lost. */
static void assign(struct reader *r, struct batch *out)
{
    struct memory *const m = r->bus->state;
    struct memory_reader *const me = r->state;
    const struct memory_plan *const plan = r->bus->options;
    out->gained = arena_array(out->arena, struct lane, m->lanes_n);
    out->lost = arena_array(out->arena, struct lane, m->lanes_n);
    for (size_t i = 0; i < m->lanes_n; i++) {
        const struct lane lane = m->lane[i].lane;
        if (!(r->streams & STREAM_BIT(lane.stream))) {
            continue;
        }
        const bool is_lost = takes_away(r->bus) && plan->is_lost && plan->is_lost(plan->to, lane);
        if (is_lost && me->lane[i].is_gained) {
            me->lane[i].is_gained = me->lane[i].is_settled = false;
            out->lost[out->lost_n++] = lane;
        } else if (!is_lost && !me->lane[i].is_gained) {
            me->lane[i].is_gained = true;
            me->lane[i].is_settled = r->cursor == CURSOR_BUS;
            me->lane[i].at = r->cursor == CURSOR_BUS ? cursor_at(r, lane) : (struct position){0};
            out->gained[out->gained_n++] = lane;
        }
    }
}

static enum outcome read_once(struct reader *r, size_t bytes_max, struct batch *out,
                              struct failure *f)
{
    const struct memory *const m = r->bus->state;
    struct memory_reader *const me = r->state;
    size_t left = bytes_max;
    *out = (struct batch){.arena = out->arena};
    assign(r, out);
    out->slice = arena_array(out->arena, struct slice, m->lanes_n);
    me->turn++;
    for (size_t k = 0; k < m->lanes_n && left > 0; k++) {
        const size_t i = (me->turn + k) % m->lanes_n;
        const struct memory_lane *const l = &m->lane[i];
        if (!me->lane[i].is_settled || me->lane[i].at.at == l->end) {
            continue;
        }
        struct slice *const s = &out->slice[out->n];
        *s = (struct slice){.lane = l->lane, .from = me->lane[i].at, .to = {l->end}};
        enum outcome result = check_kept(l, l->lane, s->from, f);
        result = result == OK ? slice_fill(l, s, left, out->arena, f) : result;
        if (result != OK) {
            return result;
        }
        size_t taken = 0;
        for (size_t j = 0; j < s->n; j++) {
            taken += bus_bytes_bound(&s->record[j].signal);
        }
        left -= taken < left ? taken : left;
        me->lane[i].at = s->to;
        out->n++;
    }
    return OK;
}

static enum outcome memory_read(struct reader *r, size_t bytes_max, int wait_ms, struct batch *out,
                                struct failure *f)
{
    struct memory_reader *const me = r->state;
    const enum outcome result = read_once(r, bytes_max, out, f);
    const bool is_nothing = out->n == 0 && out->gained_n == 0 && out->lost_n == 0;
    if (result == OK && is_nothing && wait_ms != 0 && !takes_away(r->bus)) {
        /* One process, one thread: nothing can come but a signal handler. */
        struct pollfd woken = {.fd = me->wake_fd, .events = POLLIN};
        uint64_t n = 0;
        if (poll(&woken, 1, wait_ms) < 0 && errno != EINTR) {
            return failed_errno(f, RETRY, "bus: poll");
        }
        const ssize_t drained = read(me->wake_fd, &n, sizeof n);
        (void)drained; /* EAGAIN: nobody woke it */
    }
    return result;
}

static enum outcome rewind_all(struct reader *r, struct failure *f, const char *why)
{
    const struct memory *const m = r->bus->state;
    struct memory_reader *const me = r->state;
    for (size_t i = 0; i < m->lanes_n; i++) {
        me->lane[i].at = cursor_at(r, m->lane[i].lane);
    }
    (void)failed(f, RETRY, "%s", why);
    f->cause = CAUSE_FENCED;
    return RETRY;
}

static struct tally tally_copy(struct arena *a, const struct tally *t)
{
    struct tally copy = *t;
    copy.name = arena_array(a, struct tally_name, t->names_n);
    for (size_t i = 0; i < t->names_n; i++) {
        copy.name[i] = t->name[i];
        copy.name[i].name = arena_str(a, t->name[i].name);
    }
    return copy;
}

static void cursor_move(struct reader *r, const struct slice *s, const struct tally *tally)
{
    struct memory *const m = r->bus->state;
    struct arena *const a = r->bus->arena;
    struct memory_cursor *c = cursor_find(r, s->lane);
    if (!c) {
        assert(m->cursors_n < READER_LANES_MAX);
        c = &m->cursor[m->cursors_n++];
        *c = (struct memory_cursor){.stage = arena_str(a, r->stage),
                                    .input = {s->lane.stream, arena_str(a, s->lane.name)}};
    }
    c->at = s->to;
    if (tally) {
        c->tally = tally_copy(a, tally);
    }
}

static enum outcome memory_step(struct reader *r, const struct step *step, struct failure *f)
{
    for (size_t i = 0; i < step->in->n; i++) {
        const struct slice *const s = &step->in->slice[i];
        if (cursor_at(r, s->lane).at != s->from.at) {
            return rewind_all(r, f, "another reader has moved the cursor");
        }
    }
    for (size_t i = 0; i < step->n; i++) {
        const struct output *const out = &step->out[i];
        group_add(r->bus, lane_get(r->bus, out->lane), out->record, out->n);
    }
    for (size_t i = 0; i < step->in->n; i++) {
        cursor_move(r, &step->in->slice[i], step->tally ? &step->tally[i] : NULL);
    }
    return OK;
}

static enum outcome memory_seek(struct reader *r, struct lane lane, struct position from,
                                struct failure *f)
{
    const struct memory *const m = r->bus->state;
    struct memory_reader *const me = r->state;
    const struct memory_lane *const l = lane_find(r->bus, lane);
    const enum outcome result = check_kept(l, lane, from, f);
    if (result == OK && l && me->lane[l - m->lane].is_gained) {
        me->lane[l - m->lane].at = from;
        me->lane[l - m->lane].is_settled = true;
    }
    return result;
}

static enum outcome memory_cursor(struct reader *r, struct arena *a, struct lane input,
                                  struct position *out, struct tally *tally, struct failure *f)
{
    const struct memory_cursor *const c = cursor_find(r, input);
    (void)f;
    if (c) {
        *out = c->at;
        *tally = tally_copy(a, &c->tally);
    }
    return OK;
}

static void memory_wake(struct reader *r)
{
    const struct memory_reader *const me = r->state;
    const uint64_t one = 1;
    const ssize_t n = write(me->wake_fd, &one, sizeof one);
    (void)n; /* full means: already awake */
}

static void memory_leave(struct reader *r)
{
    const struct memory_reader *const me = r->state;
    if (me->wake_fd > 0) {
        close(me->wake_fd);
    }
}

static const struct reader_driver memory_reader_driver = {
    .join = memory_join,
    .read = memory_read,
    .step = memory_step,
    .seek = memory_seek,
    .cursor = memory_cursor,
    .wake = memory_wake,
    .leave = memory_leave,
};

const struct bus_driver bus_memory = {
    .name = "memory",
    .state_bytes = sizeof(struct memory),
    .reader_state_bytes = sizeof(struct memory_reader),
    .record_bytes_max = RECORD_BYTES_MAX,
    .recover = memory_recover,
    .open = memory_open,
    .close = memory_close,
    .lane_make = memory_lane_make,
    .append = memory_append,
    .ends = memory_ends,
    .look = memory_look,
    .passed = memory_passed,
    .trim = memory_trim,
    .older = memory_older,
    .oldest = memory_oldest,
    .size = memory_size,
    .lag = memory_lag,
    .mend = memory_mend,
    .verify = memory_verify,
    .reader = &memory_reader_driver,
};
