#include "command/report/parts_say.h"

#include <math.h>

#include "command/report/say.h"

/* What a figure is of. */
static const struct words {
    const char *key, *counted, *one, *many; /* "merged change", "merged changes"       */
    const char *did, *did_not;              /* what it says of one; did_not: of a rate */
    const char *unit;                       /* behind its value                        */
} words[] = {
    {"merged_per_day", "Changes", "change", "changes", "merged", "", ""},
    {"first_review_p50_s", "Reviewed", "reviewed change", "reviewed changes", "waited", "", ""},
    {"open_to_merge_p50_s", "Merged", "merged change", "merged changes", "took", "", ""},
    {"lines_p50", "Merged", "merged change", "merged changes", "had", "", " lines"},
    {"unreviewed_rate", "Merged", "merged change", "merged changes", "went without a review",
     "was reviewed", ""},
    {"dropped_rate", "Closed", "closed change", "closed changes", "went unmerged", "was merged",
     ""},
    {"runs_per_day", "Runs", "run", "runs", "finished", "", ""},
    {"fail_rate", "Runs", "run", "runs", "failed", "did not fail", ""},
    {"cancel_rate", "Runs", "run", "runs", "ended as cancelled", "was not cancelled", ""},
    {"queue_p50_s", "Runs", "run", "runs", "waited", "", ""},
    {"duration_p50_s", "Runs", "run", "runs", "took", "", ""},
};

static const struct words *words_of(const struct figure *f)
{
    static const struct words none = {"", "Cases", "case", "cases", "had", "had not", ""};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (str_eq(f->key, str_of(words[i].key))) {
            return &words[i];
        }
    }
    return &none;
}

const char *parts_counted(const struct figure *f)
{
    return words_of(f)->counted;
}

/* "412 changes in 91 days, 4.5/d." */
static struct str of_count(struct arena *a, const struct figure *f, const struct words *w,
                           double days)
{
    return arena_printf(a, "%s %s in %.0f %s.",
                        f->n == 0 ? arena_printf(a, "No %s", w->one).at
                                  : sentence_count(a, f->n, w->one, w->many).at,
                        w->did, days, days > 0.5 && days < 1.5 ? "day" : "days");
}

static struct str of_span(struct arena *a, const struct figure *f, const struct words *w,
                          double p90)
{
    const char *const p50 = say_value(a, f->unit, f->now).at;
    if (f->n == 0) {
        return arena_printf(a, "There is no %s to tell it of.", w->one);
    }
    if (f->n == 1) {
        return arena_printf(a, "The one %s %s %s%s.", w->one, w->did, p50, w->unit);
    }
    if (f->n == 2) {
        return arena_printf(a, "The two %s %s %s%s in the middle.", w->many, w->did, p50, w->unit);
    }
    const struct str most = isnan(p90) ? S("")
                                       : arena_printf(a, ", nine in ten at most %s%s",
                                                      say_value(a, f->unit, p90).at, w->unit);
    return arena_printf(a, "Of %lld %s half %s at most %s%s%.*s.", (long long)f->n, w->many, w->did,
                        p50, w->unit, STR_ARG(most));
}

struct sentence parts_say(struct arena *a, const struct figure *f, double p90, double days)
{
    const struct words *const w = words_of(f);
    const bool is_count = f->unit == FIGURE_PER_DAY, is_rate = f->unit == FIGURE_SHARE;
    const struct str now = say_value(a, f->unit, f->now), before = say_value(a, f->unit, f->before);
    const struct sentence_share share = {.some = isnan(f->now) ? 0 : llround(f->now * (double)f->n),
                                         .all = f->n,
                                         .one = w->one,
                                         .many = w->many,
                                         .did = w->did,
                                         .did_not = w->did_not};
    return (struct sentence){
        .figure = is_count ? now : say_few(a, now, f->n),
        .before = sentence_was(a, is_count ? before : say_few(a, before, f->before_n), f->before),
        .trend = say_trend(f->now, f->before, f->sign, f->weight),
        .text = is_count              ? of_count(a, f, w, days)
                : is_rate && f->n > 0 ? sentence_share(a, &share)
                                      : of_span(a, f, w, p90),
    };
}
