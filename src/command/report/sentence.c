#include "command/report/sentence.h"

#include <math.h>

#include "base/clock.h"
#include "command/report/say.h"

struct str sentence_count(struct arena *a, int64_t n, const char *one, const char *many)
{
    return n == 0 ? arena_printf(a, "no %s", many)
                  : arena_printf(a, "%lld %s", (long long)n, n == 1 ? one : many);
}

/* ", the oldest for 25 h", of n that are open. */
static struct str age(struct arena *a, int64_t n, double oldest_s)
{
    return arena_printf(a, ", %sfor %s", n == 1 ? "" : "the oldest ", say_span(a, oldest_s).at);
}

struct str sentence_unknown(struct arena *a, const struct window *w, int64_t known_us,
                            const char *nothing)
{
    if (known_us == TIME_NONE) {
        return str_of(nothing);
    }
    const int64_t all = (w->local_to_us - w->local_from_us) / DAY_US;
    const int64_t days = (known_us - w->local_from_us) / DAY_US;
    return days < 1 ? S("")
                    : arena_printf(a, "Nothing is known before %s: %lld of %lld days %s no data.",
                                   say_day(a, known_us, w->local_to_us).at,
                                   (long long)(days < all ? days : all), (long long)all,
                                   days == 1 ? "has" : "have");
}

struct str sentence_to_come(struct arena *a, const struct window *w, int64_t now_us)
{
    const int64_t all = (w->to_us - w->from_us) / DAY_US, days = (w->to_us - now_us) / DAY_US;
    return now_us == TIME_NONE || days < 1
               ? S("")
               : arena_printf(a, "%lld of %lld days %s not come yet; a frequency counts %s.",
                              (long long)(days < all ? days : all), (long long)all,
                              days == 1 ? "has" : "have", days == 1 ? "it" : "them");
}

struct str sentence_open_of(struct arena *a, int64_t n, const char *one, const char *many,
                            double oldest_s)
{
    return arena_printf(a, "Open at the end: %s%s.", sentence_count(a, n, one, many).at,
                        age(a, n, oldest_s).at);
}

struct str sentence_open(struct arena *a, const struct dora_figure *now)
{
    const int64_t failures = now->failed - now->recovered, waits = now->undeployed_changes;
    if (failures == 0 && waits == 0) {
        return S("");
    }
    const struct str failed =
        failures == 0
            ? S("")
            : arena_printf(
                  a, "%s%s",
                  sentence_count(a, failures, "failed deployment", "failed deployments").at,
                  age(a, failures, now->oldest_failure_s).at);
    const struct str waiting =
        waits == 0 ? S("")
                   : arena_printf(a, "%s%s",
                                  sentence_count(a, waits, "merged change", "merged changes").at,
                                  age(a, waits, now->oldest_undeployed_s).at);
    return arena_printf(a, "Open at the end: %.*s%s%.*s.", STR_ARG(failed),
                        failures > 0 && waits > 0 ? "; " : "", STR_ARG(waiting));
}

struct str sentence_was(struct arena *a, struct str before, double value)
{
    return isnan(value) ? S("") : arena_printf(a, "was %.*s", STR_ARG(before));
}

struct sentence sentence_frequency(struct arena *a, const struct dora_figure *now,
                                   const struct dora_figure *before)
{
    const double then = before->deployments > 0 ? before->per_day : (double)NAN;
    struct sentence s = {.figure = say_per_day(a, now->per_day),
                         .before = sentence_was(a, say_per_day(a, then), then),
                         .trend = say_trend(now->per_day, then, 1, now->deployments)};
    const double days = (double)(now->to_us - now->from_us) / (double)DAY_US;
    if (now->deployments == 0) {
        s.text = arena_printf(a, "Nothing was deployed in these %.0f days.", days);
    } else if (now->days_deployed == 1) {
        s.text = arena_printf(a, "%s, on one day of %.0f.",
                              sentence_count(a, now->deployments, "deployment", "deployments").at,
                              days);
    } else {
        s.text = arena_printf(a, "%lld deployments, on %lld of %.0f days.",
                              (long long)now->deployments, (long long)now->days_deployed, days);
    }
    return s;
}

struct sentence sentence_lead(struct arena *a, const struct dora_figure *now,
                              const struct dora_figure *before)
{
    struct sentence s = {
        .figure = say_few(a, say_span(a, now->lead_p50_s), now->commits),
        .before = sentence_was(a, say_few(a, say_span(a, before->lead_p50_s), before->commits),
                               before->lead_p50_s),
        .trend = say_trend(now->lead_p50_s, before->lead_p50_s, -1, now->commits)};
    const struct str p50 = say_span(a, now->lead_p50_s), p90 = say_span(a, now->lead_p90_s);
    const int64_t waits = now->undeployed_changes;
    const struct str rest =
        waits == 0
            ? S("")
            : arena_printf(a, " %s merged and not deployed%s.",
                           waits == 1 ? "1 change is"
                                      : arena_printf(a, "%lld changes are", (long long)waits).at,
                           age(a, waits, now->oldest_undeployed_s).at);
    if (now->commits == 0) {
        s.text = arena_printf(a, "No commit that counts reached production.%s",
                              rest.at ? rest.at : "");
    } else if (now->commits == 1) {
        s.text = arena_printf(a, "The one commit reached production in %s.%s", p50.at,
                              rest.at ? rest.at : "");
    } else if (now->commits == 2) {
        s.text = arena_printf(a, "The two commits reached production in %s in the middle.%s",
                              p50.at, rest.at ? rest.at : "");
    } else {
        s.text = arena_printf(
            a, "Of %lld commits half reached production within %s, nine in ten within %s.%s",
            (long long)now->commits, p50.at, p90.at, rest.at ? rest.at : "");
    }
    return s;
}

struct str sentence_per_change(struct arena *a, const struct dora_figure *now)
{
    return now->changes < 3
               ? S("")
               : arena_printf(a,
                              " Of %lld that count half took at most %s, nine in ten at most %s.",
                              (long long)now->changes, say_span(a, now->change_p50_s).at,
                              say_span(a, now->change_p90_s).at);
}

struct str sentence_share(struct arena *a, const struct sentence_share *s)
{
    const long long some = s->some, all = s->all;
    if (all == 1) {
        return arena_printf(a, "The one %s %s.", s->one, some ? s->did : s->did_not);
    }
    if (some == 0) {
        return arena_printf(a, "None of %lld %s %s.", all, s->many, s->did);
    }
    return some == all ? arena_printf(a, "All %lld %s %s.", all, s->many, s->did)
                       : arena_printf(a, "%lld of %lld %s %s.", some, all, s->many, s->did);
}

static struct str deployments_text(struct arena *a, int64_t some, int64_t all, const char *did,
                                   const char *did_not)
{
    return sentence_share(
        a, &(const struct sentence_share){some, all, "deployment", "deployments", did, did_not});
}

struct sentence sentence_fail_rate(struct arena *a, const struct dora_figure *now,
                                   const struct dora_figure *before)
{
    return (struct sentence){
        .figure = say_few(a, say_rate(a, now->fail_rate), now->deployments),
        .before = sentence_was(a, say_few(a, say_rate(a, before->fail_rate), before->deployments),
                               before->fail_rate),
        .trend = say_trend(now->fail_rate, before->fail_rate, -1, now->failed + before->failed),
        .text = now->deployments == 0
                    ? S("Nothing was deployed, so nothing could fail.")
                    : deployments_text(a, now->failed, now->deployments, "caused an incident",
                                       "caused no incident")};
}

struct sentence sentence_recovery(struct arena *a, const struct dora_figure *now,
                                  const struct dora_figure *before)
{
    struct sentence s = {
        .figure = say_few(a, say_span(a, now->recovery_p50_s), now->recovered),
        .before = sentence_was(a,
                               say_few(a, say_span(a, before->recovery_p50_s), before->recovered),
                               before->recovery_p50_s),
        .trend = say_trend(now->recovery_p50_s, before->recovery_p50_s, -1, now->recovered)};
    const struct str p50 = say_span(a, now->recovery_p50_s);
    const int64_t open = now->open_incidents;
    const int64_t failures = now->failed - now->recovered;
    const char *const rest = open == 0 ? ""
                                       : arena_printf(a, " %lld incident%s open%s.",
                                                      (long long)open, open == 1 ? " is" : "s are",
                                                      age(a, failures, now->oldest_failure_s).at)
                                             .at;
    if (now->failed == 0) {
        s.text = S("No deployment failed: there was nothing to recover from.");
    } else if (now->recovered == 0) {
        s.text = arena_printf(
            a, "%s, none recovered yet.%s",
            sentence_count(a, now->failed, "failed deployment", "failed deployments").at, rest);
    } else if (now->recovered == 1) {
        s.text = arena_printf(a, "The one recovery took %s.%s", p50.at, rest);
    } else if (now->recovered == 2) {
        s.text = arena_printf(a, "Two recoveries took %s in the middle.%s", p50.at, rest);
    } else {
        s.text = arena_printf(
            a, "Of %lld recoveries half took at most %s, nine in ten at most %s.%s",
            (long long)now->recovered, p50.at, say_span(a, now->recovery_p90_s).at, rest);
    }
    return s;
}

struct sentence sentence_rework(struct arena *a, const struct dora_figure *now,
                                const struct dora_figure *before)
{
    return (struct sentence){
        .figure = say_few(a, say_rate(a, now->rework_rate), now->deployments),
        .before = sentence_was(a, say_few(a, say_rate(a, before->rework_rate), before->deployments),
                               before->rework_rate),
        .trend = say_trend(now->rework_rate, before->rework_rate, -1, now->rework + before->rework),
        .text = now->deployments == 0
                    ? S("Nothing was deployed, so nothing was rework.")
                    : deployments_text(a, now->rework, now->deployments, "mended an earlier one",
                                       "mended no earlier one")};
}
