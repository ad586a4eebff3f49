/* run_draws.h - what a simulated run is: who started it and where, what it runs, how it ends, how
 * long its steps take. */
#ifndef WEIR_COMMAND_SIMULATE_RUN_DRAWS_H
#define WEIR_COMMAND_SIMULATE_RUN_DRAWS_H

#include "command/simulate/simulation.h"

struct run_draws {
    const char *user, *environment, *pipeline, *task;
    const char *outcome; /* success, error, failure                             */
    const char *error;   /* drawn for every run; run_draws_error tells if it counts */
};

enum { RUN_ENVIRONMENTS = 3 };
extern const char *const run_environments[RUN_ENVIRONMENTS];

void run_draws_draw(struct simulation *s, struct run_draws *d);
/* What a run that was no success says of it; NULL for a success. */
const char *run_draws_error(const struct run_draws *d);
/* How long one step of a run takes, in microseconds. */
int64_t run_step_us(struct simulation *s);

#endif
