/* pipelinerun.* and taskrun.*: runs of pipelines and of their tasks. */
#include "transform/cdevents/models.h"
#include "wire/json.h"

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
    {"outcome",             "outcome($outcome?)"},
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
    {"outcome",             "outcome($outcome?)"},
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

/* Who began a pipeline and where it runs, the specification has no place for: customData.user and
 * customData.environment, where they are texts. */
static bool pipeline(struct delivery *d, struct fact *fact, unsigned ordinal)
{
    const struct cd_told *const told = d->more;
    yyjson_val *const custom = yyjson_obj_get(told->event->root, "customData");
    const struct str user = json_text(json_get(custom, S("user")));
    if (user.len > 0) {
        fact_text(fact, "actor", user);
    }
    cd_attribute(d, fact, "environment", json_text(json_get(custom, S("environment"))));
    return state(d, fact, ordinal);
}

static bool pipeline_waits(struct delivery *d, struct fact *fact)
{
    return pipeline(d, fact, ORDINAL_QUEUED);
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
    return pipeline(d, fact, ORDINAL_STARTED);
}

static bool pipeline_ended(struct delivery *d, struct fact *fact)
{
    return pipeline(d, fact, ORDINAL_FINISHED);
}

static bool finished(struct delivery *d, struct fact *fact)
{
    return state(d, fact, ORDINAL_FINISHED);
}

const struct cd_row cd_runs[] = {
    {"pipelinerun.queued", "pipeline_run", pipeline_queued, pipeline_waits},
    {"pipelinerun.started", "pipeline_run", pipeline_started, pipeline_began},
    {"pipelinerun.finished", "pipeline_run", pipeline_finished, pipeline_ended},
    {"taskrun.started", "task_run", task_started, started},
    {"taskrun.finished", "task_run", task_finished, finished},
    {0},
};
