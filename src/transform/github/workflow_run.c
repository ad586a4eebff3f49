/* workflow_run: a run of a workflow, attempt by attempt. */
#include "transform/github/github.h"

/* Of actions of one second, which is the later one. */
enum { ORDINAL_REQUESTED, ORDINAL_IN_PROGRESS, ORDINAL_COMPLETED };

/* clang-format off */

/* model pipeline_run   <- payload */
static const struct pick run_picks[] = {
    {"source",             "$source"},
    {"id",                 "workflow_run.id"},
    {"attempt",            "workflow_run.run_attempt|=1"},
    {"repository",         "$repository"},
    {"name",               "workflow_run.name|workflow_run.path?"}, /* the name may be empty */
    {"number",             "workflow_run.run_number"},
    {"branch",             "workflow_run.head_branch?"},
    {"sha",                "workflow_run.head_sha"},
    {"trigger",            "workflow_run.event"},
    {"actor",              "workflow_run.triggering_actor.login|sender.login?"},
    {"created_at",         "workflow_run.created_at?"},
    {"change_numbers",     "workflow_run.pull_requests[].number?"}, /* empty for forks */
    {"url",                "workflow_run.html_url"},
    {"workflow_id",        "workflow_run.workflow_id"},
    {"title",              "workflow_run.display_title?"},
    {"original_status",    "workflow_run.status"},
    {"original_result",    "workflow_run.conclusion?"},
    {0}};

#define PIPELINE_NAME "{$name}/{workflow_run.name|workflow_run.path?}"

/* subject.content      <- payload */
static const struct pick content[] = {
    {"pipelineName",       PIPELINE_NAME},
    {"uri",                "workflow_run.html_url"},
    {0}};
static const struct pick content_finished[] = {
    {"pipelineName",       PIPELINE_NAME},
    {"uri",                "workflow_run.html_url"},
    {"outcome",            "outcome(workflow_run.conclusion?)"},
    {0}};

/* customData.github    <- payload */
static const struct pick finished[] = {{"conclusion", "workflow_run.conclusion?"}, {0}};

/* clang-format on */

/* in_progress tells when it began to run; run_started_at, when it was asked for, stands in where
 * only the end is known, but not of what may have been stopped before it ran. Of group `start` the
 * *latest* is kept: the first begin goes before all, by a time that runs backwards. */
static bool run(struct delivery *d, unsigned ordinal)
{
    const int64_t fallback_us = INT64_MIN + 1;
    struct fact fact;
    struct str outcome, conclusion;
    int64_t asked_us = TIME_NONE;
    if (!delivery_fact(d, "pipeline_run", run_picks, &fact) ||
        !delivery_time(d, "workflow_run.run_started_at", &asked_us) ||
        !delivery_text(d, "outcome(workflow_run.conclusion?)", &outcome) ||
        !delivery_text(d, "workflow_run.conclusion?", &conclusion)) {
        return false;
    }
    switch (ordinal) {
    case ORDINAL_REQUESTED: fact_time(&fact, "queued_at", asked_us); break;
    case ORDINAL_IN_PROGRESS:
        fact_time(&fact, "started_at", d->at_us);
        fact_group(&fact, "start", -d->at_us, 0);
        break;
    default:
        if (!str_eq(conclusion, S("cancelled")) && !str_eq(conclusion, S("skipped"))) {
            fact_time(&fact, "started_at", asked_us);
            fact_group(&fact, "start", fallback_us, 0);
        }
        fact_text(&fact, "outcome", outcome);
        fact_time(&fact, "finished_at", d->at_us);
        break;
    }
    fact_group(&fact, "state", d->at_us, ordinal);
    return transform_add(d->in, d->out, &fact);
}

static bool requested(struct delivery *d)
{
    return run(d, ORDINAL_REQUESTED);
}

static bool in_progress(struct delivery *d)
{
    return run(d, ORDINAL_IN_PROGRESS);
}

static bool completed(struct delivery *d)
{
    return run(d, ORDINAL_COMPLETED);
}

/* clang-format off */
static const struct github_row workflow_run_rows[] = {
    {"WR1", "requested", NULL, "pipelinerun.queued", .time = "workflow_run.run_started_at",
        .content = content, .facts = requested},
    {"WR2", "in_progress", NULL, "pipelinerun.started", .time = "workflow_run.updated_at",
        .content = content, .facts = in_progress},
    {"WR3", "completed", NULL, "pipelinerun.finished", .time = "workflow_run.updated_at",
        .content = content_finished, .custom = finished, .facts = completed},
    {0}};

const struct github_event github_workflow_run = {
    .name = "workflow_run",
    .subject = "{workflow_run.url}/attempts/{workflow_run.run_attempt|=1}",
    .rows = workflow_run_rows};
/* clang-format on */
