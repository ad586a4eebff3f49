/* staged.h - the stage transform over a bus in memory, a batch a turn. Test support. */
#ifndef WEIR_TEST_TRANSFORM_STAGED_H
#define WEIR_TEST_TRANSFORM_STAGED_H

#include "bus/memory.h"
#include "transform/run.h"

struct staged {
    struct arena arena;
    struct config config;
    struct named agent[2];
    struct memory_plan plan;
    bool is_away; /* raw/intake-0 is another worker's */
    struct bus *bus;
    struct progress *progress;
    struct transform_stage *stage;
};

/* For cmocka: *state is a struct staged. */
int staged_set_up(void **state);
int staged_tear_down(void **state);
/* The stage once more, after transform_close. */
void staged_open(struct staged *x);

/* A delivery of `issues opened`, good or without what its mapping needs. */
struct signal staged_issue(struct staged *x, const char *agent, const char *id, int number,
                           bool is_good);
/* One that no mapping takes. */
struct signal staged_star(struct staged *x, const char *id);

struct position staged_append(struct staged *x, const char *lane, struct signal s);
/* Until nothing is left. */
void staged_turn(struct staged *x);
/* All records of a lane from its beginning. */
struct slice staged_all(struct staged *x, enum stream stream, const char *name);
uint64_t staged_counter(struct staged *x, const char *name);

#endif
