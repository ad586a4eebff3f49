/* The reader of the embedded bus: gains every lane of its streams, waits on the bus's word, and
 * steps by one group in the lane that its outputs go to. */
#include <assert.h>

#include "base/failpoint.h"
#include "base/os.h"
#include "bus/embedded.h"
#include "bus/writer.h"

static struct embedded *bus_of(const struct reader *r)
{
    return r->bus->state;
}

static struct read_lane *lane_of(const struct reader *r, struct lane lane)
{
    const struct embedded_reader *const me = r->state;
    for (size_t i = 0; i < me->lanes_n; i++) {
        if (lane_eq(me->lane[i]->view.dir->lane, lane)) {
            return me->lane[i];
        }
    }
    return NULL;
}

/* ---- the cursor: the head of the last group of the lane that the outputs go to ---- */

static enum outcome last_step(const struct reader *r, struct arena *a, struct lane input,
                              struct lane_dir *dir, struct group_step *out, struct failure *f)
{
    struct view v;
    struct group g = {0};
    if (dir->page->last == dir->page->mark) {
        return OK;
    }
    view_open(&v, dir);
    const enum outcome result = view_group(&v, dir->page->last, a, &g, f);
    view_close(&v);
    if (result != OK) {
        return result;
    }
    if (!group_step_read(a, g.step, out) || !lane_eq(out->input, input)) {
        return failed(f, STOP, "%s: the last group is no step of %.*s: another stage wrote it",
                      dir->path, STR_ARG(r->stage));
    }
    return OK;
}

/* Steps that were lost were made, and the input may have been trimmed after them: of what stands
 * before its beginning nothing is left to repeat. */
static enum outcome cursor_read(const struct reader *r, struct arena *a, struct lane input,
                                struct group_step *out, struct failure *f)
{
    struct lane_dir *dir = NULL;
    struct lane_dir *from = NULL;
    *out = (struct group_step){0};
    enum outcome result = lane_dir_find(r->bus->arena, bus_of(r), lane_output(a, r->stage, input),
                                        &dir, f);
    if (result == OK && dir) {
        result = last_step(r, a, input, dir, out, f);
    }
    if (result == OK && dir) {
        result = lane_dir_find(r->bus->arena, bus_of(r), input, &from, f);
    }
    if (result == OK && from && out->to.at < from->page->begin) {
        out->to.at = from->page->begin;
    }
    return result;
}

static enum outcome cursor_at(const struct reader *r, struct lane input, struct position *out,
                              struct failure *f)
{
    struct arena a;
    struct group_step step;
    enum { BYTES_MAX = 16 * 1024 * 1024 };
    arena_init(&a, BYTES_MAX);
    const enum outcome result = cursor_read(r, &a, input, &step, f);
    if (result == OK) {
        *out = step.to;
    }
    arena_close(&a);
    return result;
}

static enum outcome cursor_tell(struct reader *r, struct arena *a, struct lane input,
                                struct position *out, struct tally *tally, struct failure *f)
{
    struct group_step step;
    const enum outcome result = cursor_read(r, a, input, &step, f);
    if (result == OK) {
        *out = step.to;
        *tally = step.tally;
    }
    return result;
}

/* ---- reading ---- */

static enum outcome join(struct reader *r, struct failure *f)
{
    (void)r, (void)f;
    return OK;
}

static enum outcome gain_lane(struct reader *r, struct lane_dir *dir, struct batch *out,
                              struct failure *f)
{
    struct embedded_reader *const me = r->state;
    if (me->lanes_n == READER_LANES_MAX) {
        return failed(f, STOP,
                      "more than %d lanes to read: stop weir and move folders below the bus away "
                      "that no agent writes any more",
                      READER_LANES_MAX);
    }
    struct read_lane *const l = arena_new(r->bus->arena, struct read_lane);
    view_open(&l->view, dir);
    if (r->cursor == CURSOR_BUS) {
        const enum outcome result = cursor_at(r, dir->lane, &l->at, f);
        if (result != OK) {
            view_close(&l->view);
            return result;
        }
        l->is_settled = true;
    }
    me->lane[me->lanes_n++] = l;
    out->gained[out->gained_n++] = dir->lane;
    return OK;
}

static enum outcome gain(struct reader *r, struct batch *out, struct failure *f)
{
    struct embedded *const e = bus_of(r);
    struct embedded_reader *const me = r->state;
    enum outcome result = lane_dirs_look(r->bus->arena, e, f);
    if (result != OK || me->dirs_seen == e->dirs_n) {
        return result;
    }
    out->gained = arena_array(out->arena, struct lane, e->dirs_n - me->dirs_seen);
    while (result == OK && me->dirs_seen < e->dirs_n) {
        struct lane_dir *const dir = e->dir[me->dirs_seen];
        if (r->streams & STREAM_BIT(dir->lane.stream)) {
            result = gain_lane(r, dir, out, f);
        }
        me->dirs_seen += result == OK;
    }
    return result;
}

/* After a step that failed: where its cursor stands now. */
static enum outcome settle(const struct reader *r, struct read_lane *l, struct failure *f)
{
    if (l->is_settled || r->cursor == CURSOR_SINK) {
        return OK;
    }
    const enum outcome result = cursor_at(r, l->view.dir->lane, &l->at, f);
    l->is_settled = result == OK;
    return result;
}

static enum outcome read_lanes(struct reader *r, size_t bytes_max, struct batch *out,
                               struct failure *f)
{
    struct embedded_reader *const me = r->state;
    size_t left = bytes_max;
    out->slice = arena_array(out->arena, struct slice, me->lanes_n);
    me->turn++;
    for (size_t k = 0; k < me->lanes_n && (left > 0 || out->n == 0); k++) {
        struct read_lane *const l = me->lane[(me->turn + k) % me->lanes_n];
        const uint64_t mark = l->view.dir->page->mark;
        struct slice *const s = &out->slice[out->n];
        enum outcome result = settle(r, l, f);
        if (result == OK && (!l->is_settled || l->at.at == mark)) {
            continue;
        }
        *s = (struct slice){.lane = l->view.dir->lane, .from = l->at, .to = {mark}};
        if (result == OK) {
            result = view_read(&l->view, s, left, out->arena, f);
        }
        if (result != OK && out->n > 0) {
            break; /* the turn goes round: a lane that fails holds up no other */
        }
        if (result != OK) {
            return result;
        }
        const uint64_t taken = s->to.at - s->from.at;
        left -= taken < left ? taken : left;
        out->n++;
    }
    for (size_t i = 0; i < out->n; i++) {
        struct read_lane *const l = lane_of(r, out->slice[i].lane);
        assert(l);
        l->at = out->slice[i].to;
    }
    return OK;
}

static enum outcome read_batch(struct reader *r, size_t bytes_max, int wait_ms, struct batch *out,
                               struct failure *f)
{
    struct embedded_reader *const me = r->state;
    struct bus_page *const page = bus_of(r)->page;
    const int64_t until_us = clock_mono_us() + (int64_t)wait_ms * 1000;
    for (;;) {
        const uint32_t word = page->wake; /* before looking, so that nothing slips between */
        enum outcome result = gain(r, out, f);
        if (result == OK) {
            result = read_lanes(r, bytes_max, out, f);
        }
        if (result != OK && out->gained_n > 0) {
            out->n = 0; /* a gained lane is told once, so now; what failed fails again */
            return OK;
        }
        if (result != OK || out->n > 0 || out->gained_n > 0 || wait_ms == 0) {
            return result;
        }
        const int64_t left_us = until_us - clock_mono_us();
        if (atomic_exchange(&me->is_woken, false) || (wait_ms > 0 && left_us <= 0)) {
            return OK;
        }
        arena_give_back();
        page->waiters++;
        const enum os_woken woken = os_wait(&page->wake, word, r->streams,
                                            wait_ms < 0 ? -1 : (int)(left_us / 1000) + 1);
        page->waiters--;
        if (woken == OS_SIGNALLED) {
            return OK;
        }
    }
}

static void wake(struct reader *r)
{
    struct embedded_reader *const me = r->state;
    struct bus_page *const page = bus_of(r)->page;
    me->is_woken = true;
    page->wake++;
    os_wake(&page->wake, UINT32_MAX);
}

static enum outcome seek(struct reader *r, struct lane lane, struct position from,
                         struct failure *f)
{
    struct read_lane *const l = lane_of(r, lane);
    if (!l) {
        return failed(f, STOP, "%.*s reads no lane %s/%.*s", STR_ARG(r->stage),
                      stream_name(lane.stream), STR_ARG(lane.name));
    }
    const enum outcome result = view_check(&l->view, from.at, f);
    if (result == OK) {
        l->at = from;
        l->is_settled = true;
    }
    return result;
}

/* ---- the step ---- */

/* Every lane back to its cursor: what was read and not stepped over will be read again. The next
 * read looks for the cursors, so that one that is being mended is found as well. */
static void rewind_all(struct reader *r)
{
    struct embedded_reader *const me = r->state;
    for (size_t i = 0; i < me->lanes_n; i++) {
        me->lane[i]->is_settled = false;
    }
}

/* This process becomes the writer of an output lane. Somebody else being it is the fence. */
static enum outcome own(struct reader *r, struct lane lane, struct lane_dir **out,
                        struct failure *f)
{
    enum outcome result = lane_dir_make(r->bus->arena, bus_of(r), lane, out, f);
    if (result == OK && !(*out)->writer) {
        result = writer_open(r->bus->arena, bus_of(r), *out, f);
    }
    if (result == STOP && f->cause == CAUSE_FENCED) {
        f->outcome = RETRY;
        result = RETRY;
    }
    return result;
}

static enum outcome check_fence(struct reader *r, const struct slice *s, struct arena *a,
                                struct failure *f)
{
    struct lane_dir *dir = NULL;
    struct position at;
    enum outcome result = own(r, lane_output(a, r->stage, s->lane), &dir, f);
    if (result == OK) {
        result = cursor_at(r, s->lane, &at, f);
    }
    if (result == OK && at.at != s->from.at) {
        (void)failed(f, RETRY,
                     "%s: the cursor stands at %llu and not at %llu: another reader moved it",
                     dir->path, (unsigned long long)at.at, (unsigned long long)s->from.at);
        f->cause = CAUSE_FENCED;
        result = RETRY;
    }
    return result;
}

/* The output of slice i for this lane; NULL: none. */
static const struct output *output_for(const struct step *step, size_t slice, struct lane lane)
{
    for (size_t i = 0; i < step->n; i++) {
        if (step->out[i].slice == slice && lane_eq(step->out[i].lane, lane)) {
            return &step->out[i];
        }
    }
    return NULL;
}

/* Dead letters first, synced; then the group that moves the cursor. */
static enum outcome step_slice(struct reader *r, const struct step *step, size_t i,
                               struct failure *f)
{
    const struct slice *const s = &step->in->slice[i];
    const struct lane lane = lane_output(step->in->arena, r->stage, s->lane);
    const struct lane dead = lane_dead(step->in->arena, r->stage, s->lane);
    const struct output *const letters = lane_eq(lane, dead) ? NULL : output_for(step, i, dead);
    const struct output *const out = output_for(step, i, lane);
    const struct config_bus *const config = r->bus->options;
    const struct group_step head = {.input = s->lane,
                                    .revision = config->revision,
                                    .from = s->from,
                                    .to = s->to,
                                    .tally = step->tally ? step->tally[i] : (struct tally){0}};
    struct lane_dir *dir = NULL;
    enum outcome result = OK;
    if (letters && letters->n) {
        result = own(r, dead, &dir, f);
        if (result == OK) {
            result = writer_append(dir, letters->record, letters->n, NULL, f);
        }
        FAILPOINT("bus.step.dead");
    }
    if (result == OK) {
        result = own(r, lane, &dir, f);
    }
    return result == OK ? writer_append(dir, out ? out->record : NULL, out ? out->n : 0, &head, f)
                        : result;
}

static enum outcome step_all(struct reader *r, const struct step *step, struct failure *f)
{
    enum outcome result = OK;
    for (size_t i = 0; result == OK && i < step->in->n; i++) {
        result = check_fence(r, &step->in->slice[i], step->in->arena, f);
    }
    for (size_t i = 0; result == OK && i < step->in->n; i++) {
        result = step_slice(r, step, i, f);
        FAILPOINT("bus.step.slice");
    }
    if (result != OK) {
        rewind_all(r);
    }
    return result;
}

/* The lanes that it wrote are another's from now on. */
static void leave(struct reader *r)
{
    struct embedded_reader *const me = r->state;
    struct embedded *const e = bus_of(r);
    struct arena a;
    enum { BYTES_MAX = 1024 * 1024 };
    arena_init(&a, BYTES_MAX);
    for (size_t i = 0; i < me->lanes_n; i++) {
        const struct lane input = me->lane[i]->view.dir->lane;
        const struct lane out = lane_output(&a, r->stage, input);
        const struct lane dead = lane_dead(&a, r->stage, input);
        for (size_t k = 0; r->cursor == CURSOR_BUS && k < e->dirs_n; k++) {
            if (lane_eq(e->dir[k]->lane, out) || lane_eq(e->dir[k]->lane, dead)) {
                writer_close(e->dir[k]);
            }
        }
        view_close(&me->lane[i]->view);
        arena_reset(&a);
    }
    arena_close(&a);
    me->lanes_n = 0;
}

const struct reader_driver embedded_reader_driver = {
    .join = join,
    .read = read_batch,
    .step = step_all,
    .seek = seek,
    .cursor = cursor_tell,
    .wake = wake,
    .leave = leave,
};
