/* sentence.h - each DORA figure in one sentence, true also of none, one and two.
 *
 * `now` and `before` are over all services; `before` without a deployment compares with nothing. */
#ifndef WEIR_COMMAND_REPORT_SENTENCE_H
#define WEIR_COMMAND_REPORT_SENTENCE_H

#include "base/arena.h"
#include "measure/dora.h"

struct sentence {
    struct str figure; /* "2.8/d"; "–" where there is none                    */
    struct str before; /* "was 2.5/d"; empty where there is nothing to compare */
    const char *trend; /* "better", "worse", "same", ""                        */
    struct str text;   /* the sentence                                         */
};

struct sentence sentence_frequency(struct arena *a, const struct dora_figure *now,
                                   const struct dora_figure *before);
struct sentence sentence_lead(struct arena *a, const struct dora_figure *now,
                              const struct dora_figure *before);
/* " Of 8 that count half took …"; empty of fewer than three. */
struct str sentence_per_change(struct arena *a, const struct dora_figure *now);
struct sentence sentence_fail_rate(struct arena *a, const struct dora_figure *now,
                                   const struct dora_figure *before);
struct sentence sentence_recovery(struct arena *a, const struct dora_figure *now,
                                  const struct dora_figure *before);
struct sentence sentence_rework(struct arena *a, const struct dora_figure *now,
                                const struct dora_figure *before);

/* "was 2.5 h"; empty where there is no value. */
struct str sentence_was(struct arena *a, struct str before, double value);

/* Some of all things did something. */
struct sentence_share {
    int64_t some, all;      /* all > 0                                          */
    const char *one, *many; /* "deployment", "deployments"                      */
    const char *did;        /* "caused an incident", of one and of many         */
    const char *did_not;    /* "caused no incident": what one alone did instead */
};
/* "None of 3 deployments caused an incident." */
struct str sentence_share(struct arena *a, const struct sentence_share *s);

/* "1 change", "2 changes", "no changes". */
struct str sentence_count(struct arena *a, int64_t n, const char *one, const char *many);

/* "Nothing is known before 1 Feb: 27 of 84 days have no data."; empty: all days have. known_us: of
 * window_known_from; nothing: what it says where it is TIME_NONE. */
struct str sentence_unknown(struct arena *a, const struct window *w, int64_t known_us,
                            const char *nothing);

/* "9 of 30 days have not come yet; a frequency counts them."; empty: less than one has not. */
struct str sentence_to_come(struct arena *a, const struct window *w, int64_t now_us);

/* "Open at the end: 1 failed deployment, for 3.5 d; 2 merged changes, the oldest for 25 h."; empty:
 * nothing is open. */
struct str sentence_open(struct arena *a, const struct dora_figure *now);
/* The same of one kind of thing, n > 0 of them. */
struct str sentence_open_of(struct arena *a, int64_t n, const char *one, const char *many,
                            double oldest_s);

#endif
