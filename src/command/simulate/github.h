/* github.h - the organisation of `simulate github`: its people, repositories and what they work on,
 * and the payloads that GitHub makes of them.
 *
 * Every text here is weir's own and needs no quoting in JSON. Times are microseconds, written as
 * GitHub's whole seconds; TIME_NONE is null. */
#ifndef WEIR_COMMAND_SIMULATE_GITHUB_H
#define WEIR_COMMAND_SIMULATE_GITHUB_H

#include "command/simulate/simulation.h"
#include "command/simulate/truth.h"

enum { SHA_BYTES = 40, JOBS = 3, PEOPLE = 8, REPOSITORIES = 4, ENVIRONMENTS = 2, LABELS = 3 };

struct person {
    const char *login, *name;
    int64_t id;
};

/* A commit of main, and how many changes were merged up to it. */
struct place {
    char sha[SHA_BYTES + 1];
    int64_t n;
};

struct repository {
    const char *name, *language, *description;
    int64_t id, created_us, pushed_us;
    int64_t next_number, next_run, next_version;
    int64_t open_issues;
    struct place head;               /* of main                                     */
    struct place runs[ENVIRONMENTS]; /* what runs where                             */
    int64_t staged_n;                /* no run of main before this goes to staging  */
    struct deployment *live[ENVIRONMENTS];
    struct truth truth;
};

struct change {
    struct change *next_free;
    struct repository *repository;
    const struct person *author, *merged_by, *asked; /* asked for a review */
    const char *label;
    struct truth_change *truth;
    int64_t number, id, created_us, updated_us, closed_us, merged_us;
    int commits, additions, deletions, files, comments, review_comments;
    bool is_draft, is_merged, is_closed;
    char title[80], branch[80];
    char head[SHA_BYTES + 1], base[SHA_BYTES + 1], merge[SHA_BYTES + 1];
};

struct job {
    const char *conclusion; /* NULL: not yet */
    int64_t id, created_us, started_us, completed_us;
};

/* A run of the workflow of a repository. */
struct run {
    struct run *next_free;
    struct repository *repository;
    const struct person *actor;
    const char *event, *status, *conclusion;
    int64_t id, number, attempt, created_us, started_us, updated_us;
    int64_t change_number, change_id; /* 0: none */
    struct job job[JOBS];
    int jobs_left;
    bool will_fail, is_for_main;
    int64_t n; /* of main, like a place's */
    char sha[SHA_BYTES + 1], branch[80], title[80], base[SHA_BYTES + 1];
};

struct deployment {
    struct deployment *next_free;
    struct repository *repository;
    const struct person *creator;
    int64_t id, created_us, updated_us;
    size_t environment; /* 0 staging, 1 production */
    bool is_rollback, is_live, is_done;
    struct place place, before;     /* what it brings, what ran before */
    struct issue *mends;            /* the incident that a rollback ends */
    struct truth_deployment *truth; /* of production, once it succeeded */
};

struct issue {
    struct issue *next_free;
    struct repository *repository;
    const struct person *author, *assignee;
    const char *label[LABELS], *state, *reason;
    struct truth_deployment *broke; /* an incident: what caused it; NULL: nothing of ours */
    struct place back;              /* what ran before that                              */
    char cause[48], fix[48];        /* labels that name deployments; empty: none         */
    int64_t number, id, created_us, updated_us, closed_us;
    char title[80];
};

/* What a push moved; before NULL: the branch is new, after NULL: it is gone. */
struct push {
    const char *before, *after;
    const char *message; /* of its commit; NULL: it has none of its own */
    const struct person *by;
};

struct organisation {
    struct repository repository[REPOSITORIES];
    struct person person[PEOPLE];
    int64_t next_id;
    struct change *free_change;
    struct run *free_run;
    struct deployment *free_deployment;
    struct issue *free_issue;
};

extern const char *const environment_names[ENVIRONMENTS];
extern const char *const job_names[JOBS];

/* ---- what happens (github.c) ---- */

struct organisation *organisation_of(struct simulation *s);
int64_t organisation_id(struct simulation *s);
const struct person *organisation_person(struct simulation *s, const struct person *but);
/* Plan a step after about mean_us, when people work. */
void organisation_plan(struct simulation *s, int64_t mean_us, step_fn *run, void *thing);

#endif
