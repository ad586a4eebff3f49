/* The one loop of everything that persists. Only here is tried again, paused, logged and buried. */
#include <assert.h>

#include "base/asked.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "bus/dead.h"
#include "persist/persister.h"

enum { RETRY_AFTER_MS_MAX = 10 * 60 * 1000 };
/* A batch is at most one record of the largest size beyond read_bytes_max. */
#define BATCH_BYTES_MAX ((size_t)1 << 30)

struct reject {
    struct reject *next;
    struct lane lane; /* of the input */
    struct record record;
};

/* A lane as this stage read it: what the next published cursor says. */
struct lane_read {
    struct lane lane;
    struct position to;
    uint64_t lag_bytes;
    int64_t received_us;      /* of the newest signal before `to` */
    struct dead_seen *buried; /* what its dead letters were made of; NULL: not looked yet */
};

struct loop {
    struct persister p;
    struct reader *reader;
    struct arena life, batch;
    struct batch in;
    struct rejects rejects;
    struct lane_read *lane; /* READER_LANES_MAX of them */
    size_t lanes_n;
    _Atomic uint64_t *dead;
    bool is_flushing; /* asked to: read to the end, then flush */
    bool is_sifting;  /* what was to be flushed is read again, without what was refused */
};

void persist_reject(struct rejects *r, const struct slice *slice, const struct record *record,
                    const struct failure *why)
{
    struct reject *const reject = arena_new(r->arena, struct reject);
    reject->lane = slice->lane;
    reject->record = *record;
    reject->record.signal.reason = arena_str(r->arena, str_of(why->text));
    reject->record.signal.pointer = arena_str(r->arena, str_of(why->pointer));
    if (reject->record.origin.lane.name.len == 0) {
        reject->record.origin = (struct origin){slice->lane, record->at, 0, 1};
    }
    if (r->last) {
        r->last->next = reject;
    } else {
        r->first = reject;
    }
    r->last = reject;
}

/* ---- what goes by age ---- */

struct wall_time persist_wall(struct persister *p)
{
    const struct wall_time wall = progress_wall(p->progress);
    if (wall.step_us != 0) {
        log_event(LOG_WARN, "retention waits", log_n("clock_stepped_by_ms", wall.step_us / 1000),
                  log_n("hold_ms", WALL_HOLD_MS),
                  log_c("next", "nothing that is kept here grows old until the clock has held that "
                                "long; then it goes on by itself"));
    }
    return wall;
}

void persist_tell_expired(const struct persist_expired *e)
{
    char before[CLOCK_TEXT_BYTES];
    clock_text(e->before_us, before);
    log_event(LOG_INFO, "expired", log_c("model", e->model->name),
              log_n("files", (int64_t)e->files), log_n("rows", (int64_t)e->rows),
              log_c("before", before));
}

/* ---- trying again ---- */

/* The same failure is told once, and then at each doubling of its tries. */
static bool is_told_now(const struct failure *f, unsigned tries, struct failure *told)
{
    const bool is_other = strcmp(f->text, told->text) != 0;
    *told = *f;
    return is_other || (tries & (tries - 1)) == 0;
}

/* The far end's own word counts where it asks for more patience than we have. */
static int64_t pause_of(const struct loop *l, unsigned tries)
{
    const int64_t own = backoff_ms(tries), asked = l->p.retry_after_ms;
    return asked <= own ? own : asked < RETRY_AFTER_MS_MAX ? asked : RETRY_AFTER_MS_MAX;
}

/* Do the step until it no longer says RETRY, or a stop is asked for. Being fenced is not waited
 * out: the lane is somebody else's now; nor are refused rows. A flush that is asked for meanwhile
 * brings the next try forward, once. */
static enum outcome insist(struct loop *l, enum outcome (*step)(struct loop *, struct failure *),
                           const char *what, struct failure *f)
{
    struct failure told = {0};
    for (unsigned tries = 1;; tries++) {
        *f = (struct failure){0};
        l->p.retry_after_ms = 0;
        const enum outcome result = step(l, f);
        const bool is_over = result == RETRY &&
                             (f->cause == CAUSE_FENCED || f->cause == CAUSE_REFUSED);
        if (result == OK && tries > 1) {
            log_event(LOG_INFO, "works again", log_c("what", what), log_n("tries", tries));
        }
        if ((result == OK || is_over) && tries > 1) {
            progress_state(l->p.progress, DUTY_RUNNING);
        }
        if (result != RETRY || is_over || asked_to_stop()) {
            return result;
        }
        const int64_t pause_ms = pause_of(l, tries);
        if (is_told_now(f, tries, &told)) {
            log_failure(LOG_WARN, what, f, "the same is tried again");
        }
        progress_trouble(l->p.progress, DUTY_RETRYING, f);
        progress_beat(l->p.progress, false);
        l->is_flushing = asked_to_flush() || l->is_flushing;
        asked_pause(pause_ms);
        progress_beat(l->p.progress, true);
    }
}

/* ---- lanes ---- */

static struct lane_read *lane_find(struct loop *l, struct lane lane)
{
    size_t i = 0;
    while (i < l->lanes_n &&
           (l->lane[i].lane.stream != lane.stream || !str_eq(l->lane[i].lane.name, lane.name))) {
        i++;
    }
    return i < l->lanes_n ? l->lane + i : NULL;
}

/* Read the lane from the committed cursor on, and say where that is. */
static enum outcome seek(struct loop *l, struct lane_read *lane, struct failure *f)
{
    struct position at = {0};
    enum outcome result = l->p.driver->cursor(&l->p, lane->lane, &at, f);
    if (result == OK) { /* first: others must know it though nothing can be read from there */
        progress_cursor(l->p.progress, lane->lane, at, at, UINT64_MAX, TIME_NONE);
        result = reader_seek(l->reader, lane->lane, at, f);
    }
    if (result == OK) {
        lane->to = at;
    } else if (result == STOP && l->p.driver->refill) {
        const struct failure why = *f;
        result = failed(f, STOP, "%s; %s", why.text, l->p.driver->refill);
    }
    return result;
}

/* What the page says is of the process before, and the far end may have been put back or moved
 * away since: nobody may take the old cursors for this one's. */
static enum outcome publish_opened(struct loop *l, struct failure *f)
{
    struct progress_cursor c;
    enum outcome result = OK;
    for (size_t i = 0; result == OK && progress_cursor_at(l->p.progress, i, &c); i++) {
        const struct lane lane = {c.stream, str_of(c.lane)};
        struct position at = {0};
        result = l->p.driver->cursor(&l->p, lane, &at, f);
        if (result == OK && at.at != c.restart.at) {
            progress_cursor(l->p.progress, lane, at, at, UINT64_MAX, TIME_NONE);
        }
    }
    return result;
}

static enum outcome gain(struct loop *l, struct failure *f)
{
    enum outcome result = OK;
    for (size_t i = 0; i < l->in.gained_n && result == OK; i++) {
        struct lane_read *lane = lane_find(l, l->in.gained[i]);
        if (!lane && l->lanes_n == READER_LANES_MAX) {
            return failed(f, STOP, "more than %d lanes: fewer intake processes are needed",
                          READER_LANES_MAX);
        }
        if (!lane) {
            lane = l->lane + l->lanes_n++;
            *lane = (struct lane_read){
                .lane = {l->in.gained[i].stream, arena_str(&l->life, l->in.gained[i].name)}};
        }
        result = seek(l, lane, f);
    }
    return result;
}

/* What was gathered is not ours to keep any more: forget it, and read every lane again. */
static enum outcome rewind_all(struct loop *l, struct failure *f)
{
    enum outcome result = OK;
    l->p.driver->drop(&l->p);
    for (size_t i = 0; i < l->lanes_n && result == OK; i++) {
        result = seek(l, l->lane + i, f);
    }
    return result;
}

/* These lanes are another worker's now. What was gathered may be of theirs: it is dropped, and the
 * others are read again from their cursors, the batch in hand with them. */
static enum outcome lose(struct loop *l, struct failure *f)
{
    l->in.n = 0;
    for (size_t i = 0; i < l->in.lost_n; i++) {
        struct lane_read *const lane = lane_find(l, l->in.lost[i]);
        struct position at = {0};
        if (!lane) {
            continue; /* a try before this one has let it go */
        }
        const enum outcome result = l->p.driver->cursor(&l->p, lane->lane, &at, f);
        if (result != OK) {
            return result;
        }
        progress_cursor(l->p.progress, lane->lane, at, at, UINT64_MAX, TIME_NONE);
        log_event(LOG_INFO, "lane lost", log_s("lane", lane->lane.name),
                  log_c("next", "its new owner goes on from the cursor"));
        *lane = l->lane[--l->lanes_n];
    }
    return rewind_all(l, f);
}

/* ---- one batch ---- */

/* Retries that a person addressed to another stage are not for this one. */
static void keep_own(struct loop *l)
{
    for (size_t i = 0; i < l->in.n; i++) {
        struct slice *const s = l->in.slice + i;
        size_t n = 0;
        for (size_t k = 0; k < s->n; k++) {
            const struct str stage = s->record[k].signal.stage;
            if (stage.len == 0 || str_eq(stage, str_of(l->p.driver->name))) {
                s->record[n++] = s->record[k];
            }
        }
        s->n = n;
    }
}

static enum outcome take(struct loop *l, struct failure *f)
{
    l->rejects = (struct rejects){.arena = &l->batch};
    return l->p.driver->take(&l->p, &l->in, &l->rejects, f);
}

/* One dead letter to the stage's own dead lane of that input lane. A body that just fitted into its
 * own stream may be too big with the reason beside it: then the letter goes without, and raw has
 * it.
 */
static enum outcome bury_one(struct loop *l, const struct reject *reject, struct failure *f)
{
    struct record record = reject->record;
    const struct lane dead = lane_dead(&l->batch, str_of(l->p.driver->name), reject->lane);
    record.signal.stage = str_of(l->p.driver->name);
    enum outcome result = bus_append(l->p.bus, dead, &record, 1, f);
    if (result == REJECT) {
        record.signal.data = S("");
        record.signal.reason = arena_printf(
            &l->batch, "%.*s (its data is too big for a dead letter: look at its raw signal)",
            STR_ARG(record.signal.reason));
        result = bus_append(l->p.bus, dead, &record, 1, f);
    }
    return result;
}

/* What letters of this lane were made of; read when the first one is to be written. */
static struct dead_seen *buried_of(struct loop *l, struct lane input)
{
    struct lane_read *const lane = lane_find(l, input);
    assert(lane); /* it was read */
    if (!lane->buried) {
        const struct lane dead = lane_dead(&l->batch, str_of(l->p.driver->name), input);
        lane->buried = dead_seen_read(l->p.bus, &l->life, dead);
    }
    return lane->buried;
}

/* Before any cursor moves past them. Those already written are not written again, by the next try
 * or by a process after this one.
 */
static enum outcome bury(struct loop *l, struct failure *f)
{
    enum outcome result = OK;
    while (l->rejects.first && result == OK) {
        const struct reject *const reject = l->rejects.first;
        struct dead_seen *const buried = buried_of(l, reject->lane);
        if (dead_seen_has(buried, &reject->record.origin)) {
            l->rejects.first = reject->next;
            continue;
        }
        result = bury_one(l, reject, f);
        if (result == OK) {
            ++*l->dead;
            dead_seen_add(buried, &reject->record.origin);
            l->rejects.first = reject->next;
            log_event(LOG_WARN, "dead letter", log_s("id", reject->record.signal.id),
                      log_s("reason", reject->record.signal.reason));
        }
        FAILPOINT("persist.buried");
    }
    return result;
}

static enum outcome flush(struct loop *l, struct failure *f)
{
    return l->p.driver->flush(&l->p, l->is_flushing || asked_to_stop(), f);
}

static enum outcome publish(struct loop *l, struct failure *f)
{
    enum outcome result = OK;
    for (size_t i = 0; i < l->lanes_n && result == OK; i++) {
        const struct lane_read *const lane = l->lane + i;
        struct position restart = {0};
        result = l->p.driver->cursor(&l->p, lane->lane, &restart, f);
        if (result == OK) {
            const struct position at = l->p.driver->done
                                           ? l->p.driver->done(&l->p, lane->lane, restart)
                                           : restart;
            const bool is_all = at.at == lane->to.at;
            progress_cursor(l->p.progress, lane->lane, at, restart,
                            is_all ? lane->lag_bytes : UINT64_MAX,
                            is_all ? lane->received_us : TIME_NONE);
        }
    }
    return result;
}

static enum outcome keep(struct loop *l, struct failure *f)
{
    enum outcome result = insist(l, flush, "flush failed", f);
    FAILPOINT("persist.flushed");
    l->is_sifting = result == RETRY && f->cause == CAUSE_REFUSED;
    if (l->is_sifting) {
        log_failure(LOG_WARN, "rows refused", f, "the lanes are read again without them");
        return insist(l, rewind_all, "seek failed", f);
    }
    if (result == RETRY && f->cause == CAUSE_FENCED) {
        log_failure(LOG_WARN, "fenced", f, "the lanes are read again from their cursors");
        return insist(l, rewind_all, "seek failed", f);
    }
    return result == OK ? insist(l, publish, "cursor failed", f) : result;
}

static void note_read(struct loop *l)
{
    for (size_t i = 0; i < l->in.n; i++) {
        const struct slice *const s = l->in.slice + i;
        struct lane_read *const lane = lane_find(l, s->lane);
        assert(lane); /* gained before */
        lane->to = s->to;
        lane->lag_bytes = s->lag_bytes;
        lane->received_us = s->n ? s->record[s->n - 1].signal.received_us : lane->received_us;
    }
}

static enum outcome keep_batch(struct loop *l, struct failure *f)
{
    note_read(l);
    keep_own(l);
    enum outcome result = insist(l, take, "batch failed", f);
    if (result == OK) {
        result = insist(l, bury, "dead letter failed", f);
    }
    FAILPOINT("persist.taken");
    /* what gave no row is done as soon as it is read */
    return result == OK && l->p.driver->done ? insist(l, publish, "cursor failed", f) : result;
}

static enum outcome read_batch(struct loop *l, struct failure *f)
{
    arena_reset(&l->batch);
    l->in = (struct batch){.arena = &l->batch};
    l->is_flushing = asked_to_flush() || l->is_flushing;
    const int wait_ms = l->is_flushing || asked_to_stop() ? 0 : l->p.driver->due_ms(&l->p);
    progress_beat(l->p.progress, false);
    const enum outcome result = reader_read(l->reader, l->p.driver->read_bytes_max, wait_ms, &l->in,
                                            f);
    progress_beat(l->p.progress, true);
    return result;
}

/* The read came to the end of all lanes. */
static bool is_end(const struct loop *l)
{
    return l->in.n == 0 && l->in.gained_n == 0 && l->in.lost_n == 0;
}

/* One turn of the loop. */
static enum outcome turn(struct loop *l, struct failure *f)
{
    enum outcome result = insist(l, read_batch, "read failed", f);
    if (result == OK && l->in.lost_n > 0) {
        result = insist(l, lose, "seek failed", f);
    }
    if (result == OK && l->in.gained_n > 0) {
        result = insist(l, gain, "seek failed", f);
    }
    if (result == OK && l->in.n > 0) {
        result = keep_batch(l, f);
    }
    if (result == OK && ((is_end(l) && l->is_flushing) || l->p.driver->due_ms(&l->p) == 0)) {
        result = keep(l, f);
        l->is_flushing = l->is_flushing && (!is_end(l) || l->is_sifting);
    }
    return result;
}

/* ---- the stage ---- */

static enum outcome open_far_end(struct loop *l, struct failure *f)
{
    const enum outcome result = l->p.driver->open(&l->p, f);
    if (result != OK) {
        l->p.driver->close(&l->p);
        memset(l->p.state, 0, l->p.driver->state_bytes);
    }
    if (l->p.told.len > 0) {
        log_event(LOG_INFO, "tidied", log_s("what", l->p.told));
        l->p.told = (struct str){0};
    }
    if (l->p.lost.len > 0) {
        log_event(LOG_ERROR, "lost", log_s("what", l->p.lost));
        l->p.lost = (struct str){0};
    }
    return result;
}

static void wake(void *reader)
{
    reader_wake(reader);
}

/* Asked to stop: what stands in the streams is still taken, since those before this stage in the
 * path have stopped by then. */
static enum outcome run_until_asked(struct loop *l, struct failure *f)
{
    for (;;) {
        const bool is_last = asked_to_stop();
        const enum outcome result = turn(l, f);
        if (result != OK || (is_last && is_end(l))) {
            const enum outcome kept = result == OK ? keep(l, f) : result;
            if (kept != OK || !l->is_sifting) {
                return kept;
            }
        }
    }
}

static enum outcome run(struct loop *l, struct failure *f)
{
    enum outcome result = insist(l, open_far_end, "open failed", f);
    if (result != OK) {
        return result;
    }
    result = insist(l, publish_opened, "cursor failed", f);
    if (result != OK) {
        l->p.driver->close(&l->p);
        return result;
    }
    result = reader_join(l->p.bus, l->p.driver->streams, str_of(l->p.driver->name), CURSOR_SINK,
                         &l->reader, f);
    if (result == OK) {
        asked_install(wake, l->reader);
        progress_state(l->p.progress, DUTY_RUNNING);
        result = run_until_asked(l, f);
        asked_install(NULL, NULL);
        reader_leave(l->reader);
    }
    l->p.driver->close(&l->p);
    return result;
}

enum outcome persist_run(const struct persister_driver *driver, const struct config *config,
                         struct bus *bus, struct progress *progress, struct failure *f)
{
    struct loop l = {.p = {.driver = driver, .config = config, .bus = bus, .progress = progress}};
    arena_init(&l.life, BATCH_BYTES_MAX);
    arena_init(&l.batch, BATCH_BYTES_MAX);
    l.p.arena = &l.life;
    l.p.state = arena_alloc(&l.life, 1, driver->state_bytes);
    l.lane = arena_array(&l.life, struct lane_read, READER_LANES_MAX);
    l.dead = progress_counter(progress, "dead");
    asked_install(NULL, NULL);
    enum outcome result = run(&l, f);
    if (result == RETRY) {
        /* Only after a stop was asked for: nothing is lost, the cursors have not moved. */
        log_failure(LOG_WARN, "stopped while it failed", f,
                    "the next start goes on from its cursors");
        result = OK;
    }
    progress_state(progress, DUTY_STOPPED);
    arena_close(&l.batch);
    arena_close(&l.life);
    return result;
}
