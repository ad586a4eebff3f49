/* pipelinerun.* and taskrun.*: runs of pipelines and of their tasks. */
#include "transform/cdevents/models.h"

/* Of events of one time, which state is the later one. */
enum { ORDINAL_QUEUED, ORDINAL_STARTED, ORDINAL_FINISHED };

/* clang-format off */

/* model pipeline_run     <- content */
#define PIPELINE                                                                                   \
    {"source",              "$source"},                                                            \
    {"id",                  "$subject"},                                                           \
    {"attempt",             "=1"},                                                                 \
    {"repository",          "$place?"},                                                            \
    {"name",                "pipelineName?"},                                                      \
    {"url",                 "uri?"}
static const struct pick pipeline_queued[] = {
    PIPELINE,
    {"queued_at",           "$time"},
    {0}};
static const struct pick pipeline_started[] = {
    PIPELINE,
    {"started_at",          "$time"},
    {0}};
static const struct pick pipeline_finished[] = {
    PIPELINE,
    {"outcome",             "outcome(outcome?)"},
    {"finished_at",         "$time"},
    {"original_result",     "$original_outcome?"},
    {"errors",              "errors?"},
    {0}};

/* model task_run         <- content */
#define TASK                                                                                       \
    {"source",              "$source"},                                                            \
    {"id",                  "$subject"},                                                           \
    {"attempt",             "=1"},                                                                 \
    {"pipeline_run_id",     "pipelineRun.id?"},                                                    \
    {"repository",          "$place?"},                                                            \
    {"name",                "taskName?"},                                                          \
    {"url",                 "uri?"}
static const struct pick task_started[] = {
    TASK,
    {"started_at",          "$time"},
    {0}};
static const struct pick task_finished[] = {
    TASK,
    {"outcome",             "outcome(outcome?)"},
    {"finished_at",         "$time"},
    {"original_result",     "$original_outcome?"},
    {"errors",              "errors?"},
    {0}};

/* clang-format on */

static bool state(struct delivery *d, struct fact *fact, unsigned ordinal)
{
    fact_group(fact, "state", d->at_us, ordinal);
    return true;
}

static bool queued(struct delivery *d, struct fact *fact)
{
    return state(d, fact, ORDINAL_QUEUED);
}

static bool started(struct delivery *d, struct fact *fact)
{
    return state(d, fact, ORDINAL_STARTED);
}

/* Of group `start` the *latest* is kept: the first begin goes before all, by a time that runs
 * backwards. */
static bool pipeline_began(struct delivery *d, struct fact *fact)
{
    fact_group(fact, "start", -d->at_us, 0);
    return state(d, fact, ORDINAL_STARTED);
}

static bool finished(struct delivery *d, struct fact *fact)
{
    return state(d, fact, ORDINAL_FINISHED);
}

const struct cd_row cd_runs[] = {
    {"pipelinerun.queued", "pipeline_run", pipeline_queued, queued},
    {"pipelinerun.started", "pipeline_run", pipeline_started, pipeline_began},
    {"pipelinerun.finished", "pipeline_run", pipeline_finished, finished},
    {"taskrun.started", "task_run", task_started, started},
    {"taskrun.finished", "task_run", task_finished, finished},
    {0},
};
