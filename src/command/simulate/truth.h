/* truth.h - what really happened in a simulated organisation, kept apart from what its payloads
 * say: the DORA figures that whoever reads the payloads must find.
 *
 * History is linear: the nth change merged to main is n, what was there before is 0. Times are
 * microseconds of the world; tools tell them in whole seconds, and so do the figures. */
#ifndef WEIR_COMMAND_SIMULATE_TRUTH_H
#define WEIR_COMMAND_SIMULATE_TRUTH_H

#include "base/arena.h"
#include "base/buf.h"

/* A change and when its commits were written. */
struct truth_change {
    struct truth_change *next;
    struct truth_commit *commit;
    int64_t n; /* its place on main */
    bool is_hotfix;
};

/* A deployment that reached production. */
struct truth_deployment {
    struct truth_deployment *next;
    int64_t n; /* how much of main it holds */
    int64_t finished_us;
    bool is_mending;     /* a rollback that mends an incident           */
    bool has_incident;   /* that it caused                              */
    int64_t resolved_us; /* TIME_NONE: still open                       */
};

/* Of one repository, which is one service. */
struct truth {
    struct arena *arena;
    struct truth_change *change, *newest_change;
    struct truth_deployment *deployment, *newest_deployment;
};

struct truth_change *truth_change_new(struct truth *t, bool is_hotfix);
void truth_commit(struct truth *t, struct truth_change *c, int64_t at_us);
void truth_merged(struct truth *t, struct truth_change *c, int64_t n);
struct truth_deployment *truth_deployed(struct truth *t, int64_t n, int64_t at_us, bool is_mending);

/* One object with the members of a row of `weir report dora --json`, over all that was recorded; no
 * deployments: nothing is written. */
void truth_write(const struct truth *t, const char *service, double days, struct buf *b);

#endif
