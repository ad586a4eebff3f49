#include "collector/fill.h"

#include <assert.h>

#include "base/asked.h"
#include "base/log.h"

enum { AT_ONCE_MAX = 64, FORGOTTEN_US = 10000000 };
#define WINDOWS_MAX INT64_C(10000000)
#define FILL_ARENA_BYTES_MAX ((size_t)512 << 20)

struct fill {
    struct arena arena;
    struct tended *of;
    struct window_span range; /* as asked                                       */
    struct windows windows;
    struct state_starts before; /* done by an earlier one                        */
    size_t before_i;
    uint64_t next; /* window to be looked at                        */
    uint64_t done, running;
    uint64_t again[AT_ONCE_MAX]; /* windows that ended with RETRY                 */
    size_t again_n;
    unsigned tries;
    int64_t again_mono_us;
    int64_t asked_mono_us; /* when somebody last wanted it                  */
    bool is_ending;
    bool is_stopped; /* it ends since nobody wants it any more              */
    enum outcome outcome;
    struct failure why;
};

static size_t place_of(const struct tending *t, const struct tended *x)
{
    size_t i = 0;
    while (i < TEND_FILLS_MAX && (!t->fill[i] || t->fill[i]->of != x)) {
        i++;
    }
    return i;
}

void fill_drop(struct tending *t, size_t i)
{
    if (t->fill[i]) {
        struct arena a = t->fill[i]->arena; /* it holds the fill itself */
        arena_close(&a);
        t->fill[i] = NULL;
    }
}

/* ---- beginning ---- */

static enum outcome check(const struct tended *x, struct failure *f)
{
    if (x->collector->strategy != STRATEGY_WINDOW) {
        return failed(f, REJECT,
                      "collector %.*s reads no windows (strategy historic_tumbling_window): its "
                      "past cannot be read again",
                      STR_ARG(x->collector->id));
    }
    return OK;
}

static enum outcome begin(struct tending *t, struct tended *x, const struct fill_ask *ask,
                          struct fill **out, struct failure *f)
{
    struct arena a;
    size_t i = 0;
    const struct windows w = windows_in(ask->range, clock_now_us(), x->collector->window_us);
    if (w.n == 0 || w.n > (uint64_t)WINDOWS_MAX) {
        return failed(f, REJECT,
                      "%llu complete windows of %lld s lie in this range; from 1 to %lld can be "
                      "asked for",
                      (unsigned long long)w.n, (long long)(x->collector->window_us / 1000000),
                      (long long)WINDOWS_MAX);
    }
    while (i < TEND_FILLS_MAX && t->fill[i]) {
        i++;
    }
    if (i == TEND_FILLS_MAX) {
        return failed(f, RETRY, "%d backfills are under way; try again later", TEND_FILLS_MAX);
    }
    arena_init(&a, FILL_ARENA_BYTES_MAX);
    struct fill *const fill = arena_new(&a, struct fill);
    fill->of = x;
    fill->range = ask->range;
    fill->windows = w;
    enum outcome result = OK;
    if (ask->is_anew) {
        result = state_anew(t->state, x->collector->id, &x->anew_us, f);
        result = result == OK ? state_backfilled_drop(t->state, x->collector->id, &w, f) : result;
    }
    if (result == OK) {
        result = state_backfilled(t->state, &a, x->collector->id, &w, &fill->before, f);
    }
    if (result != OK) {
        arena_close(&a);
        return result;
    }
    fill->done = fill->before.n;
    fill->arena = a;
    t->fill[i] = *out = fill;
    return OK;
}

static void end_works(struct tending *t, const struct fill *fill)
{
    for (size_t i = 0; i < TEND_WORKS_MAX; i++) {
        if (t->slot[i].work.is != WORK_FREE && t->slot[i].fill == fill) {
            process_ask(&t->slot[i].work.process);
        }
    }
}

static void stop(struct tending *t, struct fill *fill)
{
    if (!fill->is_ending) {
        fill->is_ending = true;
        end_works(t, fill);
    }
}

/* Whoever asks from now on wants another one. */
static void stop_for_good(struct tending *t, struct fill *fill)
{
    fill->is_stopped = true;
    stop(t, fill);
}

static bool is_same(struct window_span a, struct window_span b)
{
    return a.start_us == b.start_us && a.end_us == b.end_us;
}

/* It has come to its end, and this is not what was asked for. */
static bool is_past(const struct fill *fill, const struct fill_ask *ask)
{
    return fill->running == 0 &&
           (fill->is_stopped || (ask->is_anew && fill->done == fill->windows.n));
}

static void tell(const struct fill *fill, struct fill_told *told)
{
    const struct windows *const w = &fill->windows;
    *told = (struct fill_told){.n = fill->done,
                               .of = w->n,
                               .running = fill->running,
                               .why = fill->tries > 0 ? fill->why.text : "",
                               .whole = {w->first_us, windows_at(w, w->n).start_us},
                               .is_over = fill->running == 0 &&
                                          (fill->is_ending || fill->done == w->n)};
}

enum outcome fill_take(struct tending *t, const struct fill_ask *ask, struct fill_told *told,
                       struct failure *f)
{
    struct tended *x = NULL;
    enum outcome result = tend_find(t, ask->collector, &x, f);
    if (result == OK) {
        result = check(x, f);
    }
    *told = (struct fill_told){.why = ""};
    if (result != OK) {
        return result;
    }
    const size_t i = place_of(t, x);
    struct fill *fill = i < TEND_FILLS_MAX ? t->fill[i] : NULL;
    if (fill && is_past(fill, ask)) {
        fill_drop(t, i);
        fill = NULL;
    }
    if (fill && fill->is_stopped && !ask->is_stop) {
        told->is_waiting = true;
        return OK;
    }
    if (fill && !is_same(fill->range, ask->range)) {
        return failed(f, REJECT, "a backfill of another range of %.*s is under way",
                      STR_ARG(x->collector->id));
    }
    if (!fill && ask->is_stop) {
        told->is_over = true;
        return OK;
    }
    if (!fill) {
        result = begin(t, x, ask, &fill, f);
    }
    if (result != OK) {
        return result;
    }
    fill->asked_mono_us = clock_mono_us();
    if (ask->is_stop) {
        stop_for_good(t, fill);
    }
    tell(fill, told);
    if (told->is_over) {
        result = fill->outcome;
        *f = fill->why;
        fill_drop(t, place_of(t, x));
    }
    return result;
}

/* ---- at work ---- */

void fill_ended(struct tending *t, struct fill *fill, uint64_t window, enum outcome outcome,
                const struct failure *why)
{
    fill->running--;
    if (outcome == OK) {
        fill->done++;
        fill->tries = 0;
    } else if (outcome == RETRY && fill->again_n < AT_ONCE_MAX) {
        fill->again[fill->again_n++] = window;
        fill->why = *why;
        fill->again_mono_us = t->now.mono_us + backoff_ms(++fill->tries) * 1000;
    } else if (fill->outcome == OK) {
        fill->outcome = outcome;
        fill->why = *why;
        stop(t, fill);
    }
    if (outcome != OK && fill->tries <= 1 && !fill->is_ending) {
        log_event(LOG_WARN, "window failed", log_s("collector", fill->of->collector->id),
                  log_c("why", why->text), log_c("next", "it is tried again, later and later"));
    }
}

/* The next window that is not done, among those that failed first. false: all are at work. */
static bool next_window(struct fill *fill, int64_t mono_us, uint64_t *out)
{
    if (fill->again_n > 0) {
        if (mono_us < fill->again_mono_us) {
            return false; /* the far end is down: nothing new before it is back */
        }
        *out = fill->again[--fill->again_n];
        return true;
    }
    for (; fill->next < fill->windows.n; fill->next++) {
        const int64_t start_us = windows_at(&fill->windows, fill->next).start_us;
        const struct state_starts *const b = &fill->before;
        if (fill->before_i == b->n || b->at[fill->before_i] != start_us) {
            *out = fill->next++;
            return true;
        }
        fill->before_i++;
    }
    return false;
}

static void start_some(struct tending *t, struct fill *fill)
{
    const struct collector *const c = fill->of->collector;
    uint64_t window = 0;
    while (fill->running < (uint64_t)c->windows_at_once && t->works_n < TEND_WORKS_MAX / 2 &&
           tend_has_room(t) && next_window(fill, t->now.mono_us, &window)) {
        struct failure f;
        const struct window_span span = windows_at(&fill->windows, window);
        const struct run r = {.collector = c,
                              .scheduled_us = t->now.wall_us,
                              .start_us = span.start_us,
                              .end_us = span.end_us,
                              .anew_us = fill->of->anew_us,
                              .is_again = fill->of->is_cut};
        fill->running++;
        if (tend_begin(t, &(struct tend_slot){.of = fill->of, .fill = fill, .window = window}, &r,
                       &f) != OK) {
            fill_ended(t, fill, window, RETRY, &f);
        }
    }
}

void fill_turn(struct tending *t)
{
    for (size_t i = 0; i < TEND_FILLS_MAX; i++) {
        struct fill *const fill = t->fill[i];
        if (!fill) {
            continue;
        }
        if (t->now.mono_us - fill->asked_mono_us > FORGOTTEN_US) {
            stop_for_good(t, fill);
        }
        if (fill->is_stopped && fill->running == 0) {
            fill_drop(t, i);
        } else if (!fill->is_ending) {
            start_some(t, fill);
        }
    }
}

int64_t fill_wait_us(const struct tending *t, int64_t mono_us)
{
    int64_t wait_us = INT64_MAX;
    for (size_t i = 0; i < TEND_FILLS_MAX; i++) {
        const struct fill *const fill = t->fill[i];
        if (!fill) {
            continue;
        }
        const int64_t forgotten_us = fill->asked_mono_us + FORGOTTEN_US + 1 - mono_us;
        wait_us = forgotten_us > 0 && forgotten_us < wait_us ? forgotten_us : wait_us;
        if (fill->again_n > 0 && !fill->is_ending && fill->again_mono_us - mono_us < wait_us) {
            wait_us = fill->again_mono_us - mono_us;
        }
        if (forgotten_us <= 0 && fill->running == 0) {
            wait_us = 0;
        }
    }
    return wait_us;
}
