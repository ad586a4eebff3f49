#include "collector/schedule.h"

#include <assert.h>

#include "base/asked.h"
#include "base/clock.h"
#include "base/os.h"

enum { MS = 1000 };
#define STEP_MAX_US (INT64_C(3) * 3600 * 1000000) /* cron(8): what counts as a correction */
#define NEVER INT64_MAX

struct schedule_now schedule_now(void)
{
    return (struct schedule_now){clock_now_us(), clock_mono_us()};
}

static int64_t draw_jitter(const struct schedule *s)
{
    uint64_t dice = 0;
    os_random(&dice, sizeof dice);
    const int64_t most_us = s->of->jitter_ms * MS;
    return most_us > 0 ? (int64_t)(dice % (uint64_t)(most_us + 1)) : 0;
}

enum outcome schedule_init(struct schedule *s, struct arena *a, const struct collector_schedule *of,
                           struct schedule_now now, struct failure *f)
{
    *s = (struct schedule){.of = of,
                           .begun_us = now.wall_us,
                           .retry_mono_us = NEVER,
                           .scheduled_us = now.wall_us,
                           .is_first = true};
    s->jitter_us = draw_jitter(s);
    if (of->interval_us > 0) {
        s->due_us = now.mono_us;
        return OK;
    }
    s->due_us = now.wall_us;
    return cron_parse(a, of->cron, &s->cron, f);
}

void schedule_go_on(struct schedule *s, struct schedule_now now, int64_t last_us, bool is_owed)
{
    const int64_t interval_us = s->of->interval_us;
    const int64_t past_us = now.wall_us > last_us ? now.wall_us - last_us : 0;
    s->is_first = false;
    s->begun_us = last_us;
    s->scheduled_us = last_us;
    if (s->cron) {
        s->due_us = is_owed ? last_us : cron_next_us(s->cron, s->begun_us, last_us);
    } else if (is_owed || past_us >= interval_us) {
        s->due_us = now.mono_us - past_us % interval_us;
    } else {
        s->due_us = now.mono_us - past_us + interval_us;
    }
}

/* The clock that `due_us` is of. */
static int64_t clock_of(const struct schedule *s, struct schedule_now now)
{
    return s->cron ? now.wall_us : now.mono_us;
}

/* The next regular time behind the one that is due, and behind now. */
static void advance(struct schedule *s, struct schedule_now now)
{
    const int64_t at_us = clock_of(s, now);
    if (s->cron) {
        /* not before what has run: a clock that is set back a little repeats nothing */
        s->due_us = cron_next_us(s->cron, s->begun_us, s->due_us > at_us ? s->due_us : at_us);
    } else {
        const int64_t interval_us = s->of->interval_us;
        s->due_us += interval_us *
                     (1 + (at_us > s->due_us ? (at_us - s->due_us) / interval_us : 0));
    }
    s->jitter_us = draw_jitter(s);
}

static bool is_due(const struct schedule *s, struct schedule_now now)
{
    return clock_of(s, now) >= s->due_us + s->jitter_us;
}

bool schedule_take(struct schedule *s, struct schedule_now now)
{
    const bool is_regular = is_due(s, now);
    const bool is_retry = now.mono_us >= s->retry_mono_us;
    if (s->is_running && is_regular) {
        s->skipped_n++;
        advance(s, now);
    }
    if (s->is_running || (!is_regular && !is_retry)) {
        return false;
    }
    if (is_regular) {
        s->scheduled_us = s->is_first ? now.wall_us
                          : s->cron   ? s->due_us
                                      : now.wall_us - (now.mono_us - s->due_us);
        if (s->is_first && !s->cron) {
            s->due_us = now.mono_us; /* from here: a thousand that begin together do so once */
        }
        s->is_first = false;
        advance(s, now);
    }
    s->retry_mono_us = NEVER;
    s->is_running = true;
    return true;
}

/* Half a minute, then later and later: a person mends it, and a server may lock who is refused too
 * often. */
static int64_t after_refusal_ms(unsigned refusals)
{
    enum { TRIES_OF_THE_LONGEST = 32, DOUBLINGS_MAX = 4 };
    const unsigned doublings = refusals - 1 < DOUBLINGS_MAX ? refusals - 1 : DOUBLINGS_MAX;
    return backoff_ms(TRIES_OF_THE_LONGEST) << doublings;
}

void schedule_ended(struct schedule *s, struct schedule_now now, enum outcome outcome)
{
    assert(s->is_running);
    s->is_running = false;
    s->tries = outcome == RETRY ? s->tries + 1 : 0;
    s->refusals = outcome == STOP ? s->refusals + 1 : 0;
    s->retry_mono_us = outcome == RETRY  ? now.mono_us + backoff_ms(s->tries) * MS
                       : outcome == STOP ? now.mono_us + after_refusal_ms(s->refusals) * MS
                                         : NEVER;
}

void schedule_stepped(struct schedule *s, struct schedule_now now, int64_t step_us)
{
    if (!s->cron || s->is_first) {
        s->due_us += s->cron ? step_us : 0;
        return;
    }
    const bool is_back = step_us < 0;
    const bool is_large = is_back ? step_us <= -STEP_MAX_US : step_us >= STEP_MAX_US;
    switch (cron_kind(s->cron)) {
    case CRON_EVERY:
        s->begun_us += step_us;
        s->due_us += step_us;
        return;
    case CRON_REAL:
        if (!is_large && !is_back) {
            return; /* what lay in between is due, once */
        }
        break;
    case CRON_LOCAL:
        if (!is_large) {
            return;
        }
        break;
    }
    s->due_us = cron_next_us(s->cron, s->begun_us, now.wall_us);
}

int64_t schedule_wait_us(const struct schedule *s, struct schedule_now now)
{
    const int64_t regular_us = s->due_us + s->jitter_us - clock_of(s, now);
    const int64_t retry_us = s->retry_mono_us == NEVER || s->is_running
                                 ? NEVER
                                 : s->retry_mono_us - now.mono_us;
    const int64_t wait_us = regular_us < retry_us ? regular_us : retry_us;
    return wait_us > 0 ? wait_us : 0;
}

int64_t schedule_next_us(const struct schedule *s, struct schedule_now now)
{
    return now.wall_us + schedule_wait_us(s, now);
}
