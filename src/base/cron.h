/* cron.h - five-field cron expressions: when is the next one.
 *
 * Minute, hour, day, month, weekday (0-6, no 7), `* , - / ?`, names in any case; @hourly @daily
 * @midnight @weekly @monthly @yearly @annually @every DURATION; a prefix TZ=AREA/CITY or
 * CRON_TZ=AREA/CITY. Day and weekday both restricted: either fires (star-slash counts as
 * restricted). A time that the clock leaves out in spring runs once, at the first minute there is;
 * one that comes twice in autumn runs the first time, unless hour or minute is a `*`, which runs at
 * every real one (cron(8), Debian). */
#ifndef WEIR_BASE_CRON_H
#define WEIR_BASE_CRON_H

#include "base/arena.h"
#include "base/failure.h"

struct cron;

/* returns OK | REJECT what is wrong, at which field (f->text), also of a date that never comes */
enum outcome cron_parse(struct arena *a, struct str text, struct cron **out, struct failure *f);

/* The first time after `after_us`, in µs since 1970 UTC; `begun_us`: @every counts from there.
 * Without a zone of its own the expression is read in the host's. */
int64_t cron_next_us(const struct cron *c, int64_t begun_us, int64_t after_us);

/* What a step of the clock means to it. */
enum cron_kind {
    CRON_EVERY, /* @every: nothing                                        */
    CRON_LOCAL, /* a time of day: it comes once, whatever the clock does  */
    CRON_REAL   /* hour or minute is a `*`: the new time counts at once   */
};
enum cron_kind cron_kind(const struct cron *c);

#endif
