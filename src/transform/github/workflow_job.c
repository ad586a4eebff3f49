/* workflow_job: one job of a workflow's run. */
#include "transform/github/github.h"

/* Of actions of one second, which is the later one. */
enum { ORDINAL_WAITING, ORDINAL_QUEUED, ORDINAL_IN_PROGRESS, ORDINAL_COMPLETED };

/* clang-format off */

/* model task_run       <- payload */
static const struct pick job_picks[] = {
    {"source",             "$source"},
    {"id",                 "workflow_job.id"},
    {"attempt",            "workflow_job.run_attempt|=1"},
    {"pipeline_run_id",    "workflow_job.run_id?"},
    {"repository",         "$repository"},
    {"name",               "workflow_job.name"},
    {"labels",             "workflow_job.labels[]"},
    {"queued_at",          "workflow_job.created_at?"},
    {"url",                "workflow_job.html_url"},
    {"sha",                "workflow_job.head_sha"},
    {"branch",             "workflow_job.head_branch?"},
    {"pipeline_name",      "workflow_job.workflow_name?"},
    {0}};
static const struct pick started_picks[] = {
    {"runner",             "workflow_job.runner_name?"},
    {"started_at",         "workflow_job.started_at"}, /* of queued ones it means nothing */
    {0}};
static const struct pick finished_picks[] = {
    {"outcome",            "outcome(workflow_job.conclusion?)"},
    {"finished_at",        "workflow_job.completed_at"},
    {"steps",              "workflow_job.steps[].name,conclusion,started_at,completed_at"},
    {"original_result",    "workflow_job.conclusion?"},
    {0}};

/* subject.content      <- payload */
static const struct pick content[] = {
    {"taskName",           "workflow_job.name"},
    {"uri",                "workflow_job.html_url"},
    {"pipelineRun.id",     "{workflow_job.run_url}/attempts/{workflow_job.run_attempt|=1}"},
    {0}};
static const struct pick content_finished[] = {
    {"taskName",           "workflow_job.name"},
    {"uri",                "workflow_job.html_url"},
    {"pipelineRun.id",     "{workflow_job.run_url}/attempts/{workflow_job.run_attempt|=1}"},
    {"outcome",            "outcome(workflow_job.conclusion?)"},
    {0}};

/* customData.github    <- payload */
static const struct pick finished[] = {
    {"conclusion",         "workflow_job.conclusion?"},
    {"steps",              "workflow_job.steps[].name,conclusion,started_at,completed_at"},
    {0}};

/* clang-format on */

static bool job(struct delivery *d, unsigned ordinal)
{
    struct fact fact;
    if (!delivery_fact(d, "task_run", job_picks, &fact) ||
        (ordinal >= ORDINAL_IN_PROGRESS && !delivery_columns(d, &fact, started_picks)) ||
        (ordinal == ORDINAL_COMPLETED && !delivery_columns(d, &fact, finished_picks))) {
        return false;
    }
    fact_group(&fact, "state", d->at_us, ordinal);
    return transform_add(d->in, d->out, &fact);
}

static bool waiting(struct delivery *d)
{
    return job(d, str_eq(d->action, S("queued")) ? ORDINAL_QUEUED : ORDINAL_WAITING);
}

static bool in_progress(struct delivery *d)
{
    return job(d, ORDINAL_IN_PROGRESS);
}

static bool completed(struct delivery *d)
{
    return job(d, ORDINAL_COMPLETED);
}

/* clang-format off */
static const struct github_row workflow_job_rows[] = {
    {"WJ1", "in_progress", NULL, "taskrun.started", .time = "workflow_job.started_at",
        .content = content, .facts = in_progress},
    {"WJ2", "completed", NULL, "taskrun.finished", .time = "workflow_job.completed_at",
        .content = content_finished, .custom = finished, .facts = completed},
    {"WJ3", "queued", NULL, "cdeventsx.github-workflowjob.queued",
        .time = "workflow_job.created_at",
        .extra = "$action", .content = content, .facts = waiting},
    {"WJ3", "waiting", NULL, "cdeventsx.github-workflowjob.waiting",
        .time = "workflow_job.created_at",
        .extra = "$action", .content = content, .facts = waiting},
    {0}};

const struct github_event github_workflow_job = {
    .name = "workflow_job", .subject = "workflow_job.url", .rows = workflow_job_rows};
/* clang-format on */
