/* schedule.h - when a collector runs: at the start of weir, then each interval or by cron, one run
 * at a time.
 *
 * Pure but for the dice of the jitter: the caller says what time it is. An interval is counted from
 * where its first run did begin, by the clock that never steps, cron by the clock on the wall. Who
 * is still at work when the next time comes skips it, and that is counted. A run that ended with
 * RETRY is tried again, later and later, under the time that it was scheduled for, and so is one
 * with STOP, from half a minute on; the next regular time comes first. REJECT waits for that. */
#ifndef WEIR_COLLECTOR_SCHEDULE_H
#define WEIR_COLLECTOR_SCHEDULE_H

#include "base/arena.h"
#include "base/cron.h"
#include "base/failure.h"
#include "config/collector.h"

/* The same moment by both clocks (base/clock.h). */
struct schedule_now {
    int64_t wall_us, mono_us;
};
struct schedule_now schedule_now(void);

struct schedule {
    const struct collector_schedule *of;
    struct cron *cron;     /* NULL: by interval                                           */
    int64_t begun_us;      /* @every counts from here                                     */
    int64_t due_us;        /* by cron, wall; else monotonic. Without the jitter           */
    int64_t jitter_us;     /* of this one                                                 */
    int64_t retry_mono_us; /* INT64_MAX: nothing is to be tried again                     */
    int64_t scheduled_us;  /* wall: of the run at work, or to be tried again              */
    bool is_first;         /* the run at the start has not begun                          */
    bool is_running;
    unsigned tries, refusals; /* ends with RETRY, with STOP in a row                       */
    uint64_t skipped_n;
};

/* The first run is due now. returns OK | REJECT its cron expression is none */
enum outcome schedule_init(struct schedule *s, struct arena *a, const struct collector_schedule *of,
                           struct schedule_now now, struct failure *f);

/* It has run before, last under this scheduled time: then this is no start. The next regular time
 * behind that one is due; of several that are past the newest. `is_owed`: that one itself is due,
 * at once. A cron expression counts from there, too. */
void schedule_go_on(struct schedule *s, struct schedule_now now, int64_t last_us, bool is_owed);

/* true: a run is to begin now, s->scheduled_us says as of when; is_running is set. Call it also
 * while it runs: what is skipped is counted here. */
bool schedule_take(struct schedule *s, struct schedule_now now);

/* The run has ended like this. */
void schedule_ended(struct schedule *s, struct schedule_now now, enum outcome outcome);

/* The clock on the wall has stepped by so much: as cron(8) does, a step of less than three hours
 * repeats nothing and leaves nothing out (but what runs by the real clock does so at once), a
 * larger one is a new time. Intervals and @every do not notice. */
void schedule_stepped(struct schedule *s, struct schedule_now now, int64_t step_us);

/* How long until schedule_take has something to say, µs, at least 0; while it runs, too. */
int64_t schedule_wait_us(const struct schedule *s, struct schedule_now now);

/* When it runs next, by the clock on the wall. */
int64_t schedule_next_us(const struct schedule *s, struct schedule_now now);

#endif
