#include "collector/tend.h"

#include <assert.h>
#include <stdio.h>

#include "base/asked.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "collector/fill.h"
#include "collector/moment.h"
#include "collector/rows.h"
#include "collector/said.h"

enum {
    NOTES_MAX = 10000,
    NOTE_AGAIN_US = 1000000,
    TOGETHER_MAX = 64,
    TOGETHER_BYTES_MAX = 4 << 20
};
#define STEP_LEAST_US INT64_C(1000000) /* smaller ones are the drift of two clocks */
#define LOOK_US INT64_C(200000)        /* at works in one turn, to read them; again, to settle */

/* ---- noting ---- */

static enum outcome note_observed(struct tending *t, const struct tend_note *n, struct failure *f)
{
    const struct collector *const c = n->of->collector;
    const struct state_observed invoke = {
        .series = S("invoke"), .label = c->id, .is_ok = n->is_ok, .metrics = n->metrics};
    const struct state_observed source = {.series = S("source"),
                                          .label = str_of(c->source->name),
                                          .is_ok = n->is_ok,
                                          .metrics = n->metrics};
    enum outcome result = state_observe(t->state, &invoke, n->took_us, f);
    if (result == OK) {
        result = state_observe(t->state, &source, n->read_us, f);
    }
    if (result == OK && n->filled.start_us != TIME_NONE) {
        result = state_backfilled_put(t->state, c->id, n->filled, f);
    }
    return result;
}

static enum outcome note_all(struct tending *t, struct failure *f)
{
    enum outcome result = state_begin(t->state, f);
    for (size_t i = 0; i < t->n && result == OK; i++) {
        const struct tended *const x = &t->at[i];
        result = x->is_dirty ? state_put(t->state, &x->entry, f) : OK;
        if (result == OK && x->is_dirty) {
            result = said_forget(t->state, x->collector, x->entry.bookmark, f);
        }
        if (result == OK && x->has_told) {
            result = state_aside_put(t->state, x->collector->id, &x->told, f);
        }
    }
    for (size_t i = 0; i < t->notes_n && result == OK; i++) {
        result = note_observed(t, &t->note[i], f);
    }
    FAILPOINT("collect.note");
    result = result == OK ? state_end(t->state, f) : result;
    if (result != OK) {
        state_undo(t->state);
        return result;
    }
    FAILPOINT("collect.noted");
    for (size_t i = 0; i < t->n; i++) {
        t->at[i].is_dirty = t->at[i].has_told = false;
    }
    t->notes_n = t->notes_room = 0;
    t->note = NULL;
    arena_reset(&t->notes_arena);
    return OK;
}

static bool has_to_note(const struct tending *t)
{
    for (size_t i = 0; i < t->n; i++) {
        if (t->at[i].is_dirty) {
            return true;
        }
    }
    return t->notes_n > 0;
}

/* What cannot be noted now is kept and tried again: after a kill it would be collected again. */
static void note(struct tending *t)
{
    struct failure f;
    if (!has_to_note(t) || t->now.mono_us < t->note_mono_us) {
        return;
    }
    if (note_all(t, &f) == OK) {
        if (t->note_mono_us > 0) {
            log_line(LOG_INFO, "state is noted again", NULL);
        }
        t->note_mono_us = 0;
        return;
    }
    if (t->note_mono_us == 0) {
        log_failure(LOG_WARN, "state is not noted", &f, "it is tried again");
    }
    t->note_mono_us = t->now.mono_us + NOTE_AGAIN_US;
}

/* ---- beginning ---- */

enum outcome tend_begin(struct tending *t, const struct tend_slot *as, const struct run *r,
                        struct failure *f)
{
    for (size_t i = 0; i < TEND_WORKS_MAX; i++) {
        struct tend_slot *const slot = &t->slot[i];
        if (slot->work.is != WORK_FREE) {
            continue;
        }
        const enum outcome result = work_begin(&slot->work, r, f);
        if (result == OK) {
            slot->of = as->of;
            slot->fill = as->fill;
            slot->window = as->window;
            t->works_n++;
            t->young_n++;
            if (!as->fill) {
                as->of->work = &slot->work;
            }
        }
        return result;
    }
    return failed(f, RETRY, "%d runs are at work already", TEND_WORKS_MAX);
}

/* The bookmark as the run is given it: late rows may stand a while behind it. */
static enum outcome bookmark_of(struct tended *x, struct str *out, struct failure *f)
{
    const struct collector *const c = x->collector;
    *out = x->entry.bookmark;
    if (c->overlap_us == 0 || out->len == 0 ||
        moment_before(&x->texts, x->entry.bookmark, c->overlap_us, out)) {
        return OK;
    }
    return failed(f, REJECT,
                  "collector.overlap is a time, and the greatest value of column %.*s, \"%s\", is "
                  "none: let sql give that column as a time, or take overlap out",
                  STR_ARG(c->column), str_shown(*out, 100).text);
}

static void span_text(int64_t us, char out[32])
{
    const int64_t s = us / 1000000;
    const char *const unit = s % 3600 == 0 ? "h" : s % 60 == 0 ? "m" : "s";
    const int64_t n = s % 3600 == 0 ? s / 3600 : s % 60 == 0 ? s / 60 : s;
    (void)snprintf(out, 32, "%lld%s", (long long)n, unit);
}

/* The next window that is due. *is_one: there is one. */
static enum outcome next_window(struct tending *t, struct tended *x, struct run *r, bool *is_one,
                                struct failure *f)
{
    const struct collector *const c = x->collector;
    struct windows due;
    if (x->entry.window_us != 0 && x->entry.window_us != c->window_us) {
        char was[32], is[32];
        span_text(x->entry.window_us, was);
        span_text(c->window_us, is);
        return failed(f, STOP,
                      "its windows were %s long and are %s now: configure %s again, or `weir "
                      "collectors --anew %.*s` begins with the last complete window of %s, and "
                      "`weir backfill` makes good what lies before it",
                      was, is, was, STR_ARG(c->id), is);
    }
    const enum outcome result = windows_due(x->entry.window_end_us, t->wall.now_us, c->window_us,
                                            (uint64_t)c->windows_max, &due, f);
    *is_one = result == OK && due.n > 0;
    if (result == OK && due.passed > 0) {
        log_event(LOG_WARN, "windows passed over", log_s("collector", c->id),
                  log_n("n", (int64_t)due.passed),
                  log_c("why", "more were missed than collector.windows_max"),
                  log_c("next", "`weir backfill` makes them good"));
        x->entry.passed_n += due.passed;
        x->entry.window_end_us = due.first_us;
        x->is_dirty = true;
    }
    if (*is_one) {
        const struct window_span first = windows_at(&due, 0);
        r->start_us = first.start_us;
        r->end_us = first.end_us;
    }
    return result;
}

/* The schedule has its answer; the entry says what comes next. */
static void rest(struct tending *t, struct tended *x, enum outcome outcome)
{
    schedule_ended(&x->schedule, t->now, outcome);
    x->entry.next_us = schedule_next_us(&x->schedule, t->now);
    x->entry.skipped_n += x->schedule.skipped_n;
    x->schedule.skipped_n = 0;
    x->is_dirty = true;
}

/* It may be due, and nobody knows: it is looked again when the clock is believed. */
static void wait_for_clock(struct tending *t, struct tended *x)
{
    rest(t, x, OK);
    x->schedule.retry_mono_us = t->wall.believed_us;
    x->entry.next_us = schedule_next_us(&x->schedule, t->now);
}

static void tell_failed(const struct tended *x, const struct failure *why)
{
    const char *const next = why->outcome == RETRY  ? "it is tried again, later and later"
                             : why->outcome == STOP ? "it is tried again in half a minute, then "
                                                      "later and later; or mend it, and SIGHUP"
                                                    : "it is tried again when it is due next";
    log_event(why->outcome == RETRY ? LOG_WARN : LOG_ERROR, "run failed",
              log_s("collector", x->collector->id), log_c("outcome", outcome_name(why->outcome)),
              log_c("why", why->text), log_c("next", next));
}

/* It went well, and yet a person may want to know. */
static void tell_note(const struct tended *x, const struct failure *note)
{
    log_event(LOG_WARN, "nothing read", log_s("collector", x->collector->id),
              log_c("why", note->text),
              log_c("next", "if files are to be there, mend path, prefix or partition"));
}

/* How it ended stands in the entry, or what its source notes; said once, not each time. */
static void enter_outcome(struct tended *x, enum outcome outcome, const struct failure *why)
{
    const struct str bookmark = x->entry.bookmark;
    const bool is_known = x->entry.outcome == outcome && str_eq(x->entry.why, str_of(why->text));
    if (outcome == OK && x->entry.outcome != OK) {
        log_event(LOG_INFO, "run works again", log_s("collector", x->collector->id));
    }
    if (outcome != OK && !is_known) {
        tell_failed(x, why);
    } else if (outcome == OK && !is_known && why->text[0]) {
        tell_note(x, why);
    }
    struct arena before = x->texts;
    arena_init(&x->texts, TEND_TEXTS_BYTES_MAX);
    x->entry.outcome = outcome;
    x->entry.why = tend_kept(&x->texts, str_of(why->text));
    x->entry.bookmark = tend_kept(&x->texts, bookmark);
    const struct asides told = x->told;
    x->told = (struct asides){.n = 0};
    for (size_t i = 0; i < told.n; i++) {
        asides_add(&x->texts, &x->told, told.at[i]);
    }
    arena_close(&before);
    x->is_dirty = true;
}

static void fail_to_begin(struct tending *t, struct tended *x, const struct failure *why)
{
    x->entry.scheduled_us = x->schedule.scheduled_us;
    x->entry.ended_us = t->now.wall_us;
    x->entry.n++;
    x->entry.failed_n++;
    enter_outcome(x, why->outcome, why);
    rest(t, x, why->outcome);
}

/* The schedule says that it is to run now, or a window of it has just ended. */
static void begin(struct tending *t, struct tended *x)
{
    struct failure f;
    const struct collector *const c = x->collector;
    bool is_one = true;
    if (x->unsure.len > 0) {
        (void)tend_refuse_unsure(x, &f);
        fail_to_begin(t, x, &f);
        return;
    }
    if (c->strategy != STRATEGY_WINDOW && x->entry.begun_us != TIME_NONE) {
        x->schedule.scheduled_us = x->entry.begun_us; /* what it left is overwritten */
    }
    struct run r = {.collector = c,
                    .scheduled_us = x->schedule.scheduled_us,
                    .start_us = TIME_NONE,
                    .end_us = TIME_NONE,
                    .anew_us = x->anew_us,
                    .is_again = x->is_cut,
                    .bookmark_kind = x->entry.bookmark_kind,
                    .told = x->told};
    enum outcome result = OK;
    if (c->strategy == STRATEGY_WINDOW && t->wall.now_us == TIME_NONE) {
        wait_for_clock(t, x);
        return;
    }
    if (c->strategy == STRATEGY_WINDOW) {
        result = next_window(t, x, &r, &is_one, &f);
    } else if (c->strategy == STRATEGY_GROWING) {
        result = bookmark_of(x, &r.bookmark, &f);
    }
    if (result == OK && !is_one) {
        rest(t, x, OK);
        return;
    }
    if (result == OK) {
        result = tend_begin(t, &(struct tend_slot){.of = x}, &r, &f);
    }
    if (result != OK) {
        fail_to_begin(t, x, &f);
    }
}

/* ---- ending ---- */

/* Before the first record of a run is written that could be done again under another key. */
static enum outcome note_begun(struct tending *t, const struct tend_slot *s, struct failure *f)
{
    struct tended *const x = s->of;
    const bool is_whole = s->work.is == WORK_HAS_ENDED && !s->work.has_written;
    if (x->collector->strategy == STRATEGY_WINDOW || x->entry.begun_us != TIME_NONE ||
        (x->collector->strategy == STRATEGY_TICK && is_whole)) {
        return OK;
    }
    x->entry.begun_us = s->work.run.scheduled_us;
    x->is_dirty = true;
    const enum outcome result = note_all(t, f);
    if (result != OK) {
        x->entry.begun_us = TIME_NONE;
    }
    return result;
}

static enum outcome write_down(struct tending *t, struct tend_slot *s, struct failure *f)
{
    struct work *const w = &s->work;
    enum outcome result = w->n > 0 ? note_begun(t, s, f) : OK;
    result = result == OK ? said_settle(t->state, &w, 1, f) : result;
    return result == OK ? work_write(&s->work, t->bus, f) : result;
}

static void add_note(struct tending *t, const struct tend_slot *s, enum outcome outcome)
{
    const struct work *const w = &s->work;
    if (t->notes_n == NOTES_MAX) {
        return; /* state.db fails for long: a figure less, or a window twice */
    }
    t->note = arena_more(&t->notes_arena, t->note, t->notes_n, &t->notes_room, sizeof *t->note);
    t->note[t->notes_n++] = (struct tend_note){
        .of = s->of,
        .is_ok = outcome == OK,
        .took_us = clock_mono_us() - w->begun_mono_us,
        .read_us = w->read_us > 0 ? w->read_us : w->took_us,
        .metrics = w->metrics,
        .filled = s->fill && outcome == OK ? (struct window_span){w->run.start_us, w->run.end_us}
                                           : (struct window_span){TIME_NONE, TIME_NONE}};
}

/* It stands behind the one that the run was given where none came in the overlap. */
static void take_bookmark(struct state_entry *e, const struct work *w)
{
    const bool is_new = str_eq(row_greater(e->bookmark, w->bookmark), w->bookmark);
    e->bookmark = is_new ? w->bookmark : e->bookmark;
    e->bookmark_kind = is_new ? w->bookmark_kind : e->bookmark_kind;
}

static void enter_end(struct tending *t, struct tended *x, const struct work *w,
                      enum outcome outcome, const struct failure *why)
{
    struct state_entry *const e = &x->entry;
    e->scheduled_us = w->run.scheduled_us;
    e->ended_us = t->now.wall_us;
    e->took_us = w->took_us;
    e->window = (struct window_span){w->run.start_us, w->run.end_us};
    e->rows = w->rows;
    e->metrics = outcome == OK ? w->metrics : w->written;
    e->empty = w->empty;
    e->aside = w->aside;
    e->n++;
    e->failed_n += outcome != OK;
    if (outcome == OK) {
        e->ok_us = t->now.wall_us;
        e->begun_us = TIME_NONE;
        x->has_told = x->has_told || !asides_eq(&x->told, &w->told);
        x->told = w->told;
        if (x->collector->strategy == STRATEGY_WINDOW) {
            e->window_us = x->collector->window_us;
            e->window_end_us = w->run.end_us;
        } else if (x->collector->strategy == STRATEGY_GROWING) {
            take_bookmark(e, w);
        }
    }
    enter_outcome(x, outcome, why);
}

static void tell_aside(const struct tended *x, const struct work *w)
{
    log_event(
        LOG_WARN, "rows set aside", log_s("collector", x->collector->id),
        log_n("n", (int64_t)w->aside), log_n("row", (int64_t)w->aside_row),
        log_c("why", w->aside_why.text),
        log_c("next", "the other rows are records; `weir dead list` has each with its reason"));
}

static void settle(struct tending *t, struct tend_slot *s)
{
    struct tended *const x = s->of;
    struct work *const w = &s->work;
    struct failure f = w->why;
    enum outcome outcome = w->outcome;
    if (outcome == OK) {
        outcome = write_down(t, s, &f);
    }
    if (w->aside > 0 && outcome == OK) { /* of a run that failed nothing is kept */
        tell_aside(x, w);
    }
    add_note(t, s, outcome);
    if (s->fill) {
        x->is_cut = x->is_cut || (outcome != OK && w->has_written);
        fill_ended(t, s->fill, s->window, outcome, &f);
    } else {
        said_ended(t->state, w, outcome, &x->is_cut);
        enter_end(t, x, w, outcome, outcome == OK ? &w->why : &f);
        x->work = NULL;
    }
    const bool is_run = !s->fill;
    const bool is_window = w->run.start_us != TIME_NONE;
    work_free(w);
    t->works_n--;
    if (!is_run) {
        return;
    }
    if (outcome == OK && is_window && !t->is_stopping) {
        begin(t, x); /* perhaps more windows were missed */
    } else {
        rest(t, x, outcome);
    }
}

/* ---- the turn ---- */

static void look_at_clock(struct tending *t)
{
    const struct schedule_now now = schedule_now();
    const int64_t step_us = now.wall_us - t->now.wall_us - (now.mono_us - t->now.mono_us);
    t->now = now;
    t->wall = progress_wall(t->progress);
    if (step_us > -STEP_LEAST_US && step_us < STEP_LEAST_US) {
        return;
    }
    log_event(LOG_WARN, "the clock was set", log_n("by_ms", step_us / 1000),
              log_c("next", t->wall.now_us == TIME_NONE
                                ? "schedules by cron follow it, windows wait until it has held for "
                                  "five minutes"
                                : "schedules by cron follow it"));
    for (size_t i = 0; i < t->n; i++) {
        schedule_stepped(&t->at[i].schedule, now, step_us);
    }
}

/* Runs that ended in one turn share the sync of their append, and that of being noted as begun. */
struct together {
    struct tend_slot *slot[TOGETHER_MAX];
    struct work *work[TOGETHER_MAX]; /* theirs */
    size_t n, records, bytes;
};

static bool note_begun_together(struct tending *t, const struct together *g)
{
    bool is_new[TOGETHER_MAX] = {false}, is_any = false;
    struct failure ignored; /* each tries for itself, and tells */
    for (size_t i = 0; i < g->n; i++) {
        struct tended *const x = g->slot[i]->of;
        is_new[i] = x->collector->strategy == STRATEGY_GROWING && x->entry.begun_us == TIME_NONE;
        if (is_new[i]) {
            is_any = x->is_dirty = true;
            x->entry.begun_us = g->slot[i]->work.run.scheduled_us;
        }
    }
    if (!is_any || note_all(t, &ignored) == OK) {
        return true;
    }
    for (size_t i = 0; i < g->n; i++) {
        if (is_new[i]) {
            g->slot[i]->of->entry.begun_us = TIME_NONE;
        }
    }
    return false;
}

/* What cannot be written together is left to be written one by one. */
static void write_together(struct tending *t)
{
    struct together g = {.n = 0};
    struct arena a;
    struct failure ignored;
    size_t n = 0;
    for (size_t i = 0; i < TEND_WORKS_MAX && g.n < TOGETHER_MAX; i++) {
        const struct work *const w = &t->slot[i].work;
        if (w->is == WORK_HAS_ENDED && w->outcome == OK && w->n > 0 &&
            g.bytes + w->bytes < TOGETHER_BYTES_MAX) {
            g.work[g.n] = &t->slot[i].work;
            g.slot[g.n++] = &t->slot[i];
            g.records += w->n;
            g.bytes += w->bytes;
        }
    }
    if (g.n < 2 || !note_begun_together(t, &g) ||
        said_settle(t->state, g.work, g.n, &ignored) != OK) {
        return;
    }
    arena_init(&a, TEND_ARENA_BYTES_MAX);
    struct record *const record = arena_array(&a, struct record, g.records);
    for (size_t i = 0; i < g.n; i++) {
        const struct work *const w = g.work[i];
        memcpy(record + n, w->record, w->n * sizeof *record);
        n += w->n;
    }
    FAILPOINT("collect.append");
    if (bus_append(t->bus, work_lane(), record, n, &ignored) == OK) {
        FAILPOINT("collect.appended");
        for (size_t i = 0; i < g.n; i++) {
            work_written(g.work[i]);
        }
    }
    arena_close(&a);
}

/* A step more may wait for a disk, and a turn has many: those who wait for its end are the others,
 * and whoever asked for a stop. */
static bool is_long(const struct tending *t, int64_t until_us)
{
    const int64_t now_us = clock_mono_us();
    return now_us >= until_us || (t->is_stopping ? now_us >= t->end_us : asked_to_stop());
}

/* At least one; all in time, since each turn goes on behind the one before. */
static void read_works(struct tending *t)
{
    const int64_t until_us = clock_mono_us() + LOOK_US;
    size_t n = 0;
    do {
        struct tend_slot *const s = &t->slot[(t->next_read + n++) % TEND_WORKS_MAX];
        struct failure f;
        work_read(&s->work);
        if (s->work.is == WORK_IS_FULL && write_down(t, s, &f) != OK) {
            work_break_off(&s->work, &f);
        }
    } while (n < TEND_WORKS_MAX && !is_long(t, until_us));
    t->next_read = (t->next_read + n) % TEND_WORKS_MAX;
}

static void settle_works(struct tending *t)
{
    const int64_t until_us = clock_mono_us() + LOOK_US;
    const size_t first = t->next_settled;
    for (size_t i = 0, n = 0; i < TEND_WORKS_MAX && (n == 0 || !is_long(t, until_us)); i++) {
        const size_t at = (first + i) % TEND_WORKS_MAX;
        if (t->slot[at].work.is == WORK_HAS_ENDED) {
            settle(t, &t->slot[at]);
            t->next_settled = at + 1;
            n++;
        }
    }
}

static void look_at_works(struct tending *t)
{
    for (size_t i = 0; i < TEND_WORKS_MAX; i++) {
        process_watch(&t->slot[i].work.process, t->now.mono_us);
    }
    read_works(t);
    write_together(t);
    settle_works(t);
    t->young_n = 0;
    for (size_t i = 0; i < TEND_WORKS_MAX; i++) {
        const struct work *const w = &t->slot[i].work;
        t->young_n += w->is != WORK_FREE && w->is != WORK_HAS_ENDED &&
                      t->now.mono_us - w->begun_mono_us < TEND_YOUNG_US;
    }
}

/* By turns: where more is due than there is room for, all are late alike, and none never runs. */
static void start_due(struct tending *t)
{
    const size_t first = t->first;
    for (size_t i = 0; i < t->n; i++) {
        const size_t at = (first + i) % t->n;
        struct tended *const x = &t->at[at];
        if ((tend_has_room(t) || x->schedule.is_running) && schedule_take(&x->schedule, t->now)) {
            begin(t, x);
            t->first = at + 1;
        }
        if (asked_to_stop()) {
            return;
        }
    }
}

void tend_turn(struct tending *t)
{
    look_at_clock(t);
    look_at_works(t);
    note(t);
    if (!t->is_stopping) {
        start_due(t);
        fill_turn(t);
    }
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int tend_wait_ms(const struct tending *t, int64_t *wall_us)
{
    const struct schedule_now now = schedule_now();
    const bool has_room = tend_has_room(t) && !t->is_stopping;
    int64_t wait_us = fill_wait_us(t, now.mono_us);
    if (t->young_n == TEND_YOUNG_MAX) {
        wait_us = least(wait_us, TEND_YOUNG_US); /* by then they are young no more */
    }
    *wall_us = TIME_NONE;
    for (size_t i = 0; i < t->n; i++) {
        const struct schedule *const s = &t->at[i].schedule;
        const int64_t mine_us = schedule_wait_us(s, now);
        if (has_room || s->is_running) {
            wait_us = least(wait_us, mine_us);
        }
        if (s->cron && (*wall_us == TIME_NONE || now.wall_us + mine_us < *wall_us)) {
            *wall_us = now.wall_us + mine_us;
        }
    }
    for (size_t i = 0; i < TEND_WORKS_MAX; i++) {
        const struct work *const w = &t->slot[i].work;
        if (w->is != WORK_FREE && w->process.until_us != INT64_MAX) {
            wait_us = least(wait_us, w->process.until_us - now.mono_us);
        }
    }
    if (t->note_mono_us > 0) {
        wait_us = least(wait_us, t->note_mono_us - now.mono_us);
    }
    return wait_us == INT64_MAX ? -1 : wait_us <= 0 ? 0 : (int)(least(wait_us, DAY_US) / 1000 + 1);
}

bool tend_stop(struct tending *t, int64_t ask_us, int64_t end_us)
{
    const bool is_hard = clock_mono_us() >= ask_us;
    t->is_stopping = true;
    t->end_us = end_us;
    for (size_t i = 0; i < TEND_WORKS_MAX && is_hard; i++) {
        process_ask(&t->slot[i].work.process);
    }
    return t->works_n > 0;
}

static enum outcome forget(struct tending *t, struct tended *x, struct failure *f)
{
    x->unsure = S("");
    x->entry.window_us = 0;
    x->entry.window_end_us = TIME_NONE;
    x->entry.begun_us = TIME_NONE;
    x->entry.bookmark = S("");
    x->entry.bookmark_kind = 0;
    x->told.n = 0;
    x->is_dirty = x->has_told = true;
    const enum outcome result = state_anew(t->state, x->collector->id, &x->anew_us, f);
    return result == OK ? note_all(t, f) : result;
}

static bool has_name(const struct tending *t, struct str name)
{
    for (size_t i = 0; i < t->n; i++) {
        if (str_eq(t->at[i].collector->name, name)) {
            return true;
        }
    }
    return false;
}

enum outcome tend_forget(struct tending *t, struct str name, bool *is_gone, struct failure *f)
{
    struct tended *x = NULL;
    struct failure why;
    *is_gone = false;
    const enum outcome found = tend_find(t, name, &x, f);
    if (found == OK) {
        return forget(t, x, f);
    }
    if (!t->state || has_name(t, name)) {
        return found;
    }
    enum outcome result = state_drop(t->state, name, is_gone, &why);
    if (result == OK && *is_gone) { /* should it come back, it begins anew */
        int64_t ignored_us = 0;
        result = state_anew(t->state, name, &ignored_us, &why);
    }
    if (result != OK) {
        *f = why;
        return result;
    }
    return *is_gone ? OK : found;
}
