/* The weights are those of the CDEvents simulation that weir's field began with. */
#include "command/simulate/run_draws.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define ONE_OF(s, list, weights) ((list)[draw_weighted(&(s)->draw, (weights), COUNT(list))])

const char *const run_environments[RUN_ENVIRONMENTS] = {"dev", "staging", "prod"};

void run_draws_draw(struct simulation *s, struct run_draws *d)
{
    static const char *const users[] = {"userA", "userB", "userC"};
    static const unsigned user_weight[] = {30, 20, 50};
    static const unsigned environment_weight[] = {40, 40, 20};
    static const char *const pipelines[] = {"pipeline1", "pipeline2", "pipeline3", "pipeline4"};
    static const unsigned pipeline_weight[] = {10, 20, 50, 30};
    static const char *const tasks[] = {"task1", "task2", "task3"};
    static const unsigned task_weight[] = {10, 30, 50};
    static const char *const outcomes[] = {"success", "error", "failure"};
    static const unsigned outcome_weight[] = {50, 30, 20};
    static const char *const errors[] = {"Invalid input param 123", "Timeout during execution",
                                         "pipelineRun cancelled by user", "Unknown error"};
    static const unsigned error_weight[] = {10, 30, 30, 30};

    d->user = ONE_OF(s, users, user_weight);
    d->environment = ONE_OF(s, run_environments, environment_weight);
    d->pipeline = ONE_OF(s, pipelines, pipeline_weight);
    d->task = ONE_OF(s, tasks, task_weight);
    d->outcome = ONE_OF(s, outcomes, outcome_weight);
    d->error = ONE_OF(s, errors, error_weight);
}

const char *run_draws_error(const struct run_draws *d)
{
    if (strcmp(d->outcome, "success") == 0) {
        return NULL;
    }
    return strcmp(d->outcome, "error") == 0 ? d->error : "Unit tests failed";
}

int64_t run_step_us(struct simulation *s)
{
    return draw_normal(&s->draw, 120 * SECOND_US, 20 * SECOND_US);
}
