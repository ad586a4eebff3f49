#include "transform/run.h"

#include "base/asked.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "bus/dead.h"
#include "bus/upkeep.h"
#include "transform/content.h"
#include "transform/repetitions.h"
#include "transform/tally.h"
#include "transform/transform.h"
#include "wire/jq/jq.h"

enum {
    BATCH_BYTES = 1 << 20,  /* of raw signals: a few hundred webhooks share the step's sync */
    GIVEN_BYTES = 64 << 20, /* of facts: then the step is made, and the rest is read again */
    DEATHS_MAX = 2,         /* then a signal is poison and becomes a dead letter */
    KILLS_MAX = 8,          /* so it is when it may be what the machine runs out of memory on */
    SAID_AGAIN_US = 60 * 1000 * 1000 /* what may come with each signal is told once a minute */
};
/* A raw signal of the largest size, GIVEN_BYTES and what one more signal may give, and their lists,
 * which double: what comes in never makes it end the process. */
#define BATCH_ARENA_BYTES_MAX ((size_t)2 << 30)

const unsigned transform_streams = STREAM_BIT(STREAM_RAW);

/* One raw lane: its totals as the last step left them. */
struct lane_state {
    struct str name;
    struct lane dead;
    struct arena names; /* of the tally, replaced with it */
    struct tally tally;
    bool is_stale; /* a step failed, or another worker has or had the lane: its newest step knows */
    bool is_lost;  /* another worker has it */
};

struct transform_stage {
    const struct config *config;
    struct bus *bus;
    struct progress *progress;
    struct arena *arena;  /* the stage's lifetime */
    struct arena batch;   /* one turn             */
    struct arena scratch; /* one signal          */
    struct reader *reader;
    struct repetitions *repetitions;
    struct jq_pool *pool;
    size_t given_bytes;   /* of this turn's facts */
    bool is_careful;      /* one record a turn, in hand until the step is done */
    uint64_t conflicts_n; /* since the start        */
    int64_t conflict_said_us, forgotten_said_us; /* of the monotonic clock */
    uint64_t forgotten_said;                     /* buckets, in all        */
    struct lane_state *lane[STREAM_LANES_MAX];
    size_t lanes_n;
};

/* What one slice of the batch gives. */
struct slice_work {
    const struct slice *slice;
    struct lane_state *lane;
    struct tally tally;
    struct record *standard, *dead;
    size_t standard_n, standard_room, dead_n, dead_room;
};

/* ---- counters ---- */

static void publish(struct transform_stage *t, const struct tally *before,
                    const struct tally *after)
{
    *progress_counter(t->progress, "stored") += after->stored - before->stored;
    *progress_counter(t->progress, "dead") += after->dead - before->dead;
    for (size_t i = 0; i < after->names_n; i++) {
        const struct tally_name *const name = &after->name[i];
        const uint64_t old = i < before->names_n ? before->name[i].n : 0;
        if (name->n != old) {
            *progress_counter(t->progress, name->is_ignored ? "ignored{%.*s}" : "unmapped{%.*s}",
                              STR_ARG(name->name)) += name->n - old;
        }
    }
}

/* These are the lane's totals now. */
static void lane_set(struct transform_stage *t, struct lane_state *l, const struct tally *tally)
{
    struct arena before = l->names;
    publish(t, &l->tally, tally);
    arena_init(&l->names, BATCH_BYTES);
    l->tally = tally_copy(&l->names, tally);
    arena_close(&before);
}

/* ---- one signal ---- */

static struct record *record_add(struct arena *a, struct record **at, size_t *n, size_t *room)
{
    *at = arena_more(a, *at, *n, room, sizeof **at);
    return &(*at)[(*n)++];
}

static void add_facts(struct transform_stage *t, struct slice_work *w, const struct record *raw,
                      const struct signal *fact, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        *record_add(&t->batch, &w->standard, &w->standard_n, &w->standard_room) = (struct record){
            .signal = fact[i],
            .origin = {.lane = w->slice->lane,
                       .at = raw->at,
                       .part = (uint32_t)i,
                       .parts = (uint32_t)n},
        };
    }
    w->tally.stored++;
}

static void add_dead(struct transform_stage *t, struct slice_work *w, const struct record *raw,
                     const struct failure *why)
{
    struct record *const dead = record_add(&t->batch, &w->dead, &w->dead_n, &w->dead_room);
    *dead = (struct record){.signal = raw->signal,
                            .origin = {.lane = w->slice->lane, .at = raw->at, .parts = 1}};
    dead->signal.stage = S("transform");
    dead->signal.reason = arena_str(&t->batch, str_of(why->text));
    dead->signal.pointer = arena_str(&t->batch, str_of(why->pointer));
    w->tally.dead++;
}

/* A dead letter sent again by a person: for another stage it passes as it is, addressed to that
 * stage alone. */
static bool pass_retry(struct transform_stage *t, struct slice_work *w, const struct record *raw)
{
    const struct signal *const s = &raw->signal;
    const struct str closed_as = dead_closed_as(s->type);
    if (s->retry_of.len > 0 && closed_as.len > 0) {
        tally_count(&t->batch, &w->tally, true, closed_as);
        return true;
    }
    if (s->retry_of.len == 0 || s->stage.len == 0 || str_eq(s->stage, S("transform"))) {
        return false;
    }
    add_facts(t, w, raw, s, 1);
    return true;
}

static bool is_poison(struct hand_past past)
{
    return past.deaths >= DEATHS_MAX || past.deaths + past.kills >= KILLS_MAX;
}

/* It is dead whatever it says: nothing of it is looked at again. */
static void transform_poison(struct hand_past past, struct transform_out *out)
{
    (void)transform_dead(out, "", "%u processes in a row died on this signal%s",
                         past.deaths + past.kills,
                         past.kills ? ", killed from outside: is the machine out of memory?" : "");
}

/* A record in hand. */
struct taken {
    const struct record *raw;
    struct sighting here;
    bool is_known; /* it gave output before: the step after it failed */
};

/* What becomes of it, noted. */
static enum outcome keep(struct transform_stage *t, struct slice_work *w, const struct taken *one,
                         const struct transform_out *out, struct failure *f)
{
    const struct record *const raw = one->raw;
    const int64_t received_us = raw->signal.received_us;
    switch (out->fate) {
    case FATE_STORED:
        t->given_bytes += out->bytes;
        add_facts(t, w, raw, out->fact, out->facts_n);
        FAILPOINT("transform.given");
        return one->is_known
                   ? OK
                   : repetitions_put(t->repetitions, &raw->signal, &one->here, received_us, f);
    case FATE_DEAD: add_dead(t, w, raw, &out->why); break;
    case FATE_LATER: *f = out->why; return RETRY;
    case FATE_UNMAPPED:
    case FATE_IGNORED:
        if (out->others.len > 0) {
            tally_count_new(&t->batch, &w->tally, out->name, out->others);
        } else {
            tally_count(&t->batch, &w->tally, out->fate == FATE_IGNORED, out->name);
        }
        break;
    }
    return one->is_known
               ? repetitions_drop(t->repetitions, &raw->signal, &one->here, received_us, f)
               : OK;
}

static bool may_say_again(int64_t *said_us)
{
    const int64_t now_us = clock_mono_us();
    const bool may = *said_us == 0 || now_us - *said_us >= SAID_AGAIN_US;
    *said_us = may ? now_us : *said_us;
    return may;
}

/* A sender that numbers its deliveries anew makes one of each. */
static void say_conflict(struct transform_stage *t, const struct signal *raw)
{
    t->conflicts_n++;
    if (may_say_again(&t->conflict_said_us)) {
        log_event(
            LOG_WARN, "conflict", log_s("agent", raw->agent), log_s("id", raw->id),
            log_c("why", "the same identity came before with other content; the first one stays"),
            log_n("times", (int64_t)t->conflicts_n));
    }
}

/* One that came before is no more than counted. */
static enum outcome transform_one(struct transform_stage *t, const struct transform_in *in,
                                  struct slice_work *w, struct taken *one, struct failure *f)
{
    struct transform_out out = {.arena = &t->batch};
    const enum outcome result = content_hash(&t->scratch, in->raw, &one->here.body, f);
    arena_reset(&t->scratch);
    if (result != OK) {
        return result;
    }
    const enum known known = repetitions_find(t->repetitions, in->raw, &one->here);
    one->is_known = known == KNOWN_HERE;
    switch (known) {
    case KNOWN_REPETITION: tally_count(&t->batch, &w->tally, true, S("repetition")); return OK;
    case KNOWN_CONFLICT:
        tally_count(&t->batch, &w->tally, true, S("conflict"));
        say_conflict(t, in->raw);
        return OK;
    case KNOWN_NOT:
    case KNOWN_HERE: break;
    }
    transform_signal(in, &out);
    arena_reset(&t->scratch);
    return keep(t, w, one, &out, f);
}

/* In hand from its first look to the last of what it gives: all that its size and what it says
 * decide about. */
static enum outcome take_in_hand(struct transform_stage *t, const struct transform_in *in,
                                 struct slice_work *w, struct taken *one, struct failure *f)
{
    const struct hand_past past = progress_hand(t->progress, w->slice->lane, one->raw->at);
    FAILPOINT("transform.in_hand");
    if (is_poison(past)) {
        struct transform_out out = {.arena = &t->batch};
        one->is_known = repetitions_find(t->repetitions, in->raw, &one->here) == KNOWN_HERE;
        transform_poison(past, &out);
        return keep(t, w, one, &out, f);
    }
    return pass_retry(t, w, one->raw) ? OK : transform_one(t, in, w, one, f);
}

static enum outcome take(struct transform_stage *t, struct slice_work *w, const struct record *raw,
                         struct failure *f)
{
    const struct transform_in in = {
        .raw = &raw->signal,
        .raw_at = raw->signal.first.len > 0 /* what was sent again is the same signal */
                      ? raw->signal.first
                      : arena_printf(&t->batch, "%.*s:%llu", STR_ARG(w->slice->lane.name),
                                     (unsigned long long)raw->at.at),
        .config = t->config,
        .arena = &t->scratch,
        .pool = t->pool,
    };
    t->scratch.bytes_max = transform_scratch_bytes(&raw->signal);
    progress_beat(t->progress, true); /* a mapping may take its whole time for each signal */
    enum outcome result = transform_prepare(&in, f);
    arena_reset(&t->scratch);
    if (result == OK) {
        struct taken one = {.raw = raw, .here = {.lane = w->slice->lane, .at = raw->at}};
        result = take_in_hand(t, &in, w, &one, f);
        if (!t->is_careful) {
            progress_hand_done(t->progress);
        }
    }
    return result;
}

/* The index forgets by the clock that is believed. */
static void look_at_clock(struct transform_stage *t)
{
    const struct wall_time wall = progress_wall(t->progress);
    repetitions_clock(t->repetitions, &wall);
    if (wall.step_us != 0) {
        log_event(LOG_WARN, "retention waits", log_n("clock_stepped_by_ms", wall.step_us / 1000),
                  log_n("hold_ms", WALL_HOLD_MS),
                  log_c("next", "no repetition is forgotten until the clock has held that long; "
                                "then it goes on by itself"));
    }
}

/* ---- one batch ---- */

/* Put the totals that the last step left in place of those known here. */
static enum outcome lane_load(struct transform_stage *t, struct lane_state *l, struct failure *f)
{
    struct position at;
    struct tally tally = {0};
    const struct lane lane = {STREAM_RAW, l->name};
    const enum outcome result = reader_cursor(t->reader, &t->batch, lane, &at, &tally, f);
    if (result == OK) {
        lane_set(t, l, &tally);
        l->is_stale = false;
        progress_cursor(t->progress, lane, at, at,
                        l->is_lost ? UINT64_MAX : bus_lag(t->bus, lane, at), TIME_NONE);
    }
    return result;
}

static size_t lane_index(const struct transform_stage *t, struct lane lane)
{
    size_t i = 0;
    while (i < t->lanes_n && !str_eq(t->lane[i]->name, lane.name)) {
        i++;
    }
    return i;
}

/* The lanes change hands: whose they were may have moved them. */
static void hand_over(struct transform_stage *t, const struct lane *lane, size_t n, bool is_lost)
{
    for (size_t i = 0; i < n; i++) {
        const size_t k = lane_index(t, lane[i]);
        if (k == t->lanes_n) {
            continue; /* never seen: it is made when something of it comes */
        }
        t->lane[k]->is_stale = true;
        t->lane[k]->is_lost = is_lost;
        if (is_lost) {
            progress_read(t->progress, lane[i], (struct position){0});
            log_event(LOG_INFO, "lane lost", log_s("lane", lane[i].name),
                      log_c("next", "its new owner goes on from the cursor"));
        }
    }
}

static enum outcome lane_of(struct transform_stage *t, struct lane lane, struct lane_state **out,
                            struct failure *f)
{
    const size_t i = lane_index(t, lane);
    if (i == STREAM_LANES_MAX) {
        return failed(f, STOP, "more than %d raw lanes: fewer intake processes are needed",
                      STREAM_LANES_MAX);
    }
    if (i == t->lanes_n) {
        struct lane_state *const l = arena_new(t->arena, struct lane_state);
        l->name = arena_str(t->arena, lane.name);
        l->dead = lane_dead(t->arena, S("transform"), lane);
        l->is_stale = true;
        arena_init(&l->names, BATCH_BYTES);
        t->lane[t->lanes_n++] = l;
    }
    *out = t->lane[i];
    return t->lane[i]->is_stale ? lane_load(t, t->lane[i], f) : OK;
}

/* Take a slice up to where the facts of the batch have become many: it ends there, perhaps before
 * its first record. */
static enum outcome work_slice(struct transform_stage *t, struct slice *s, struct slice_work *w,
                               struct failure *f)
{
    *w = (struct slice_work){.slice = s};
    enum outcome result = lane_of(t, s->lane, &w->lane, f);
    if (result == OK) {
        w->tally = tally_copy(&t->batch, &w->lane->tally);
        progress_read(t->progress, s->lane, s->to);
    }
    size_t i = 0;
    for (; i < s->n && t->given_bytes < GIVEN_BYTES && result == OK; i++) {
        result = take(t, w, &s->record[i], f);
        FAILPOINT("transform.record");
    }
    if (result == OK && i < s->n) {
        s->to = i ? s->record[i].at : s->from;
        s->n = i;
        s->lag_bytes = bus_lag(t->bus, s->lane, s->to);
        result = reader_seek(t->reader, s->lane, s->to, f);
    }
    return result;
}

static enum outcome step(struct transform_stage *t, const struct batch *in,
                         const struct slice_work *w, struct failure *f)
{
    struct output *const out = arena_array(&t->batch, struct output, in->n * 2);
    struct tally *const tally = arena_array(&t->batch, struct tally, in->n);
    size_t n = 0;
    for (size_t i = 0; i < in->n; i++) {
        tally[i] = w[i].tally;
        if (w[i].standard_n) {
            out[n++] = (struct output){
                {STREAM_STANDARD, w[i].lane->name}, i, w[i].standard, w[i].standard_n};
        }
        if (w[i].dead_n) {
            out[n++] = (struct output){w[i].lane->dead, i, w[i].dead, w[i].dead_n};
        }
    }
    FAILPOINT("transform.before_step");
    return reader_step(t->reader, in, out, n, tally, f);
}

/* What the batch gives, and its identities synced: all that comes before the step. */
static enum outcome prepare(struct transform_stage *t, struct batch *in, struct slice_work *work,
                            struct failure *f)
{
    enum outcome result = OK;
    size_t n = 0;
    t->given_bytes = 0;
    for (size_t i = 0; i < in->n && result == OK; i++) {
        struct slice *const s = &in->slice[i];
        result = work_slice(t, s, &work[n], f);
        if (s->to.at > s->from.at) { /* else nothing of it was taken */
            in->slice[n] = *s;
            work[n].slice = &in->slice[n];
            n++;
        }
    }
    in->n = result == OK ? n : in->n;
    FAILPOINT("transform.before_index_sync");
    return result == OK && in->n > 0 ? repetitions_sync(t->repetitions, f) : result;
}

/* A step that fails puts the reader back at its cursors; what fails before it has to do so itself,
 * or the batch would wait until something new comes. */
static enum outcome go_back(struct transform_stage *t, const struct batch *in, struct failure *f)
{
    const struct failure why = *f;
    for (size_t i = 0; i < in->n; i++) {
        if (reader_seek(t->reader, in->slice[i].lane, in->slice[i].from, f) != OK) {
            return STOP;
        }
    }
    *f = why;
    return RETRY;
}

/* The step is done: its totals are the lane's. */
static void settle(struct transform_stage *t, const struct slice_work *w)
{
    const struct slice *const s = w->slice;
    lane_set(t, w->lane, &w->tally);
    progress_cursor(t->progress, s->lane, s->to, s->to, s->lag_bytes,
                    s->n ? s->record[s->n - 1].signal.received_us : TIME_NONE);
}

/* Where the lanes of a step that failed stand now: told before the wait for something new, which
 * may be long. */
static enum outcome reload_stale(struct transform_stage *t, struct failure *f)
{
    enum outcome result = OK;
    for (size_t i = 0; i < t->lanes_n && result == OK; i++) {
        result = t->lane[i]->is_stale ? lane_load(t, t->lane[i], f) : OK;
    }
    return result;
}

/* Over its budget, or where the clock has jumped, the index knows less than repetitions.keep
 * promises. */
static void say_forgotten(struct transform_stage *t)
{
    const struct repetitions_size size = repetitions_size(t->repetitions);
    *progress_counter(t->progress, "repetitions_forgotten") = size.forgotten;
    if (size.forgotten != t->forgotten_said && may_say_again(&t->forgotten_said_us)) {
        log_event(LOG_WARN, "repetitions forgotten",
                  log_n("buckets", (int64_t)(size.forgotten - t->forgotten_said)),
                  log_n("known_for_s", (clock_now_us() - size.since_us) / (1000 * 1000)),
                  log_c("why", "before repetitions.keep is over, the index is over "
                               "repetitions.disk_max, or the clock has gone ahead"),
                  log_c("next", "what was received earlier is taken as new if it comes again; "
                                "raise repetitions.disk_max if the clock is right"));
        t->forgotten_said = size.forgotten;
    }
}

/* After a death one record is read, for as long as what was read then is not passed. */
static enum outcome read_batch(struct transform_stage *t, int wait_ms, struct batch *in,
                               struct failure *f)
{
    enum outcome result = OK;
    t->is_careful = progress_is_careful(t->progress);
    if (t->is_careful) {
        result = reader_read(t->reader, 1, 0, in, f);
        if (result != OK || in->n > 0 || in->gained_n > 0 || in->lost_n > 0) {
            return result;
        }
        t->is_careful = false;
        progress_careful_done(t->progress);
    }
    return reader_read(t->reader, BATCH_BYTES, wait_ms, in, f);
}

static enum outcome take_batch(struct transform_stage *t, int wait_ms, size_t *n, struct failure *f)
{
    struct batch in = {.arena = &t->batch};
    *n = 0;
    arena_reset(&t->batch);
    enum outcome result = reload_stale(t, f);
    progress_beat(t->progress, false);
    result = result == OK ? read_batch(t, wait_ms, &in, f) : result;
    progress_beat(t->progress, true);
    look_at_clock(t);
    hand_over(t, in.lost, in.lost_n, true);
    hand_over(t, in.gained, in.gained_n, false);
    struct slice_work *const work = arena_array(&t->batch, struct slice_work, in.n);
    result = result == OK ? prepare(t, &in, work, f) : result;
    say_forgotten(t);
    if (result != OK || in.n == 0) {
        return result == RETRY ? go_back(t, &in, f) : result;
    }
    result = step(t, &in, work, f);
    FAILPOINT("transform.after_step");
    for (size_t i = 0; i < in.n; i++) {
        if (result == OK) {
            settle(t, &work[i]);
            *n += in.slice[i].n;
        }
        work[i].lane->is_stale = result != OK;
    }
    return result;
}

enum outcome transform_turn(struct transform_stage *t, int wait_ms, size_t *n, struct failure *f)
{
    const enum outcome result = take_batch(t, wait_ms, n, f);
    if (result != REJECT) { /* what the bus never takes is the record's fault, as a death is */
        progress_hand_done(t->progress);
    }
    return result;
}

/* ---- the stage ---- */

static void reset_counters(struct progress *progress)
{
    const char *name = NULL;
    uint64_t value = 0;
    for (size_t i = 0; progress_counter_at(progress, i, &name, &value); i++) {
        *progress_counter(progress, "%s", name) = 0;
    }
}

/* Totals and cursors of the lanes that are there, also of those where nothing comes in any more:
 * counters and pages begin anew with the process. */
static enum outcome lanes_load(struct transform_stage *t, struct failure *f)
{
    struct lane_ends *ends = NULL;
    struct lane_state *l = NULL;
    size_t n = 0;
    enum outcome result = bus_ends(t->bus, &t->batch, STREAM_RAW, &ends, &n, f);
    for (size_t i = 0; i < n && result == OK; i++) {
        result = lane_of(t, ends[i].lane, &l, f);
    }
    return result;
}

/* It is made of what comes from here on: raw signals before the cursor are not read again. */
static void say_anew(const char *why)
{
    log_event(LOG_WARN, "repetitions begun anew", log_c("why", why), log_n("known_for_s", 0),
              log_c("next", "it knows what comes from now on: earlier deliveries are taken as new "
                            "if they come again (the same facts, which fold)"));
}

/* What damage made the index forget: those deliveries count once more if they come again. */
static void say_damage(struct transform_stage *t)
{
    const struct repetitions_size size = repetitions_size(t->repetitions);
    *progress_counter(t->progress, "repetitions_torn") = size.torn;
    if (size.torn > 0) {
        log_event(
            LOG_WARN, "repetitions damaged", log_n("entries", (int64_t)size.torn),
            log_c("next", "those of them that gave output are taken as new if they come again"));
    }
    if (size.is_meta_lost || size.is_foreign) {
        say_anew(size.is_foreign ? "repetitions/meta names other streams"
                                 : "repetitions/meta is damaged or gone, and nothing in the index "
                                   "can be read without it");
    }
}

/* A folder that is not there is new with the first signal, and was lost after it. */
static void say_gone(const struct transform_stage *t)
{
    uint64_t stored = 0;
    for (size_t i = 0; i < t->lanes_n; i++) {
        stored += t->lane[i]->tally.stored;
    }
    if (stored > 0 && repetitions_size(t->repetitions).is_new) {
        say_anew("the folder repetitions is gone");
    }
}

enum outcome transform_open(struct arena *a, const struct config *config, struct bus *bus,
                            struct progress *progress, struct transform_stage **out,
                            struct failure *f)
{
    struct transform_stage *const t = arena_new(a, struct transform_stage);
    const struct str dir = arena_printf(a, "%.*s/repetitions", STR_ARG(config->data));
    *t = (struct transform_stage){.config = config, .bus = bus, .progress = progress, .arena = a};
    arena_init(&t->batch, BATCH_ARENA_BYTES_MAX);
    arena_init(&t->scratch, 0); /* each signal brings its ceiling */
    t->pool = jq_pool_open(a);
    progress_hand_done(progress);
    if (progress_is_careful(progress)) {
        log_event(LOG_WARN, "careful", log_c("why", "a process before this one died"),
                  log_c("next", "signals that it had read are taken one by one, so that the one "
                                "at fault can be told"));
    }
    reset_counters(progress); /* the totals come with each lane's cursor */
    enum outcome result = repetitions_open(a, dir, bus_id(bus), &config->repetitions,
                                           &t->repetitions, f);
    if (result == OK) {
        look_at_clock(t);
        say_damage(t);
        result = reader_join(bus, transform_streams, S("transform"), CURSOR_BUS, &t->reader, f);
    }
    if (result == OK) {
        result = lanes_load(t, f);
    }
    if (result != OK) {
        transform_close(t);
        return result;
    }
    say_gone(t);
    *out = t;
    return OK;
}

void transform_close(struct transform_stage *t)
{
    if (t->reader) {
        reader_leave(t->reader);
    }
    if (t->repetitions) {
        repetitions_close(t->repetitions);
    }
    for (size_t i = 0; i < t->lanes_n; i++) {
        arena_close(&t->lane[i]->names);
    }
    arena_close(&t->scratch);
    arena_close(&t->batch);
}

static void wake(void *reader)
{
    reader_wake(reader);
}

static enum outcome run_until_asked(struct transform_stage *t, struct failure *f)
{
    unsigned tries = 0;
    for (;;) {
        size_t n = 0;
        /* Asked to stop: what is there is still taken, what is not is left for the next start. */
        const bool is_last = asked_to_stop();
        const enum outcome result = transform_turn(t, is_last ? 0 : -1, &n, f);
        if (result == OK && is_last && n == 0) {
            return OK;
        }
        if (result == OK) {
            tries = 0;
            progress_state(t->progress, DUTY_RUNNING);
            continue;
        }
        if (result != RETRY) {
            return result;
        }
        if (f->cause != CAUSE_FENCED) { /* fenced, it is read again at once: no trouble */
            progress_trouble(t->progress, DUTY_RETRYING, f);
            log_failure(LOG_WARN, "batch failed", f, "the batch is read and tried again");
            asked_pause(backoff_ms(++tries));
        }
        if (is_last) {
            return OK; /* it is not lost: the cursor has not moved */
        }
    }
}

enum outcome transform_run(const struct config *config, struct bus *bus, struct progress *progress,
                           struct failure *f)
{
    struct arena a;
    struct transform_stage *t = NULL;
    arena_init(&a, BATCH_ARENA_BYTES_MAX);
    enum outcome result = transform_open(&a, config, bus, progress, &t, f);
    if (result == OK) {
        asked_install(wake, t->reader);
        progress_state(progress, DUTY_RUNNING);
        result = run_until_asked(t, f);
        asked_install(NULL, NULL);
        transform_close(t);
    }
    progress_state(progress, DUTY_STOPPED);
    arena_close(&a);
    return result;
}
