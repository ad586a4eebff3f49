#include "command/simulate/truth.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"

enum { US = 1000000 };

struct truth_commit {
    struct truth_commit *next;
    int64_t at_us;
};

/* Spans in seconds. */
struct spans {
    double *at;
    size_t n, room;
};

struct truth_change *truth_change_new(struct truth *t, bool is_hotfix)
{
    struct truth_change *const c = arena_new(t->arena, struct truth_change);
    c->is_hotfix = is_hotfix;
    return c;
}

void truth_commit(struct truth *t, struct truth_change *c, int64_t at_us)
{
    struct truth_commit *const k = arena_new(t->arena, struct truth_commit);
    *k = (struct truth_commit){c->commit, at_us};
    c->commit = k;
}

void truth_merged(struct truth *t, struct truth_change *c, int64_t n)
{
    c->n = n;
    if (t->newest_change) {
        t->newest_change->next = c;
    } else {
        t->change = c;
    }
    t->newest_change = c;
}

struct truth_deployment *truth_deployed(struct truth *t, int64_t n, int64_t at_us, bool is_mending)
{
    struct truth_deployment *const d = arena_new(t->arena, struct truth_deployment);
    *d = (struct truth_deployment){
        .n = n, .finished_us = at_us, .is_mending = is_mending, .resolved_us = TIME_NONE};
    if (t->newest_deployment) {
        t->newest_deployment->next = d;
    } else {
        t->deployment = d;
    }
    t->newest_deployment = d;
    return d;
}

/* ---- the figures ---- */

static void add_span(struct arena *a, struct spans *s, int64_t from_us, int64_t to_us)
{
    s->at = arena_more(a, s->at, s->n, &s->room, sizeof *s->at);
    const int64_t seconds = to_us / US - from_us / US; /* as the sources tell times */
    s->at[s->n++] = (double)seconds;
}

static int span_order(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void sort(struct spans *s)
{
    if (s->n > 0) {
        qsort(s->at, s->n, sizeof *s->at, span_order);
    }
}

/* Interpolated between the two values around the share; null without any. */
static void put_share(struct buf *b, const char *name, const struct spans *s, double share)
{
    buf_printf(b, ",\"%s\":", name);
    if (s->n == 0) {
        buf_add(b, S("null"));
        return;
    }
    const double place = share * (double)(s->n - 1);
    const size_t below = (size_t)place;
    const size_t above = below + 1 < s->n ? below + 1 : below;
    const double value = s->at[below] + (place - floor(place)) * (s->at[above] - s->at[below]);
    buf_printf(b, "%.17g", value);
}

struct figures {
    struct spans lead, change, recovery; /* change: from its first commit */
    int64_t deployments, failed, open, rework, undeployed;
};

/* What a deployment was the first to hold; what the very first one held was there before anybody
 * looked. Returns whether a hotfix is among it. */
static bool count_first(struct arena *a, struct figures *g, const struct truth_change **next,
                        const struct truth_deployment *d, bool is_baseline)
{
    bool has_hotfix = false;
    for (; *next && (*next)->n <= d->n; *next = (*next)->next) {
        int64_t first_us = INT64_MAX;
        has_hotfix |= (*next)->is_hotfix;
        for (const struct truth_commit *k = (*next)->commit; k && !is_baseline; k = k->next) {
            add_span(a, &g->lead, k->at_us, d->finished_us);
            first_us = k->at_us < first_us ? k->at_us : first_us;
        }
        if (first_us != INT64_MAX) {
            add_span(a, &g->change, first_us, d->finished_us);
        }
    }
    return has_hotfix;
}

/* Rework mends an incident, ships a hotfix, or goes back behind the one before. */
static void count(struct arena *a, const struct truth *t, struct figures *g)
{
    const struct truth_change *next = t->change;
    int64_t before = -1;
    for (const struct truth_deployment *d = t->deployment; d; d = d->next) {
        const bool has_hotfix = count_first(a, g, &next, d, d == t->deployment);
        g->deployments++;
        g->rework += d->is_mending || has_hotfix || d->n < before;
        before = d->n;
        g->failed += d->has_incident;
        g->open += d->has_incident && d->resolved_us == TIME_NONE;
        if (d->has_incident && d->resolved_us != TIME_NONE) {
            add_span(a, &g->recovery, d->finished_us, d->resolved_us);
        }
    }
    for (; next; next = next->next) {
        g->undeployed++;
    }
}

void truth_write(const struct truth *t, const char *service, double days, struct buf *b)
{
    struct figures g = {0};
    count(t->arena, t, &g);
    if (g.deployments == 0) {
        return;
    }
    sort(&g.lead);
    sort(&g.change);
    sort(&g.recovery);
    const double n = (double)g.deployments;
    buf_printf(b,
               "{\"service\":\"%s\",\"environment\":\"production\",\"deployments\":%lld,"
               "\"deployment_frequency_per_day\":%.17g",
               service, (long long)g.deployments, n / days);
    put_share(b, "change_lead_time_p50_s", &g.lead, 0.5);
    put_share(b, "change_lead_time_p90_s", &g.lead, 0.9);
    put_share(b, "change_lead_time_per_change_p50_s", &g.change, 0.5);
    put_share(b, "change_lead_time_per_change_p90_s", &g.change, 0.9);
    buf_printf(b, ",\"change_fail_rate\":%.17g", (double)g.failed / n);
    put_share(b, "failed_deployment_recovery_time_p50_s", &g.recovery, 0.5);
    put_share(b, "failed_deployment_recovery_time_p90_s", &g.recovery, 0.9);
    buf_printf(b,
               ",\"deployment_rework_rate\":%.17g,\"open_incidents\":%lld,\"undeployed_changes\":"
               "%lld}",
               (double)g.rework / n, (long long)g.open, (long long)g.undeployed);
}
