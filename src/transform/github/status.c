/* status: an outside CI says how it judges a commit. Its contexts that the configuration names are
 * pipelines; of all others the event is ignored. */
#include "transform/github/github.h"
#include "transform/glob.h"

/* Of states of one second, which is the later one. */
enum { ORDINAL_PENDING, ORDINAL_ENDED };

#define RUN "{$source}/commit/{sha}#{context}"

/* clang-format off */

/* model pipeline_run   <- payload */
static const struct pick run_picks[] = {
    {"source",             "$source"},
    {"id",                 RUN},
    {"attempt",            "=1"},
    {"repository",         "$repository"},
    {"name",               "context"},
    {"sha",                "sha"},
    {"url",                "target_url?"},
    {"original_status",    "state"},
    {0}};

static const struct pick end_picks[] = {
    {"outcome",            "outcome(state)"},
    {"original_result",    "state"},
    {0}};

/* subject.content      <- payload */
static const struct pick content[] = {
    {"pipelineName",       "context"},
    {"uri",                "target_url?"},
    {"outcome",            "status(state)"},
    {0}};

/* customData.github    <- payload */
static const struct pick custom[] = {{"sha", "sha"}, {0}};

/* clang-format on */

/* Of group `start` the earliest is kept: its time runs backwards. */
static bool pending(struct delivery *d)
{
    struct fact fact;
    if (!delivery_fact(d, "pipeline_run", run_picks, &fact)) {
        return false;
    }
    fact_time(&fact, "started_at", d->at_us);
    fact_group(&fact, "start", -d->at_us, 0);
    fact_group(&fact, "state", d->at_us, ORDINAL_PENDING);
    return transform_add(d->in, d->out, &fact);
}

static bool ended(struct delivery *d)
{
    struct fact fact;
    if (!delivery_fact(d, "pipeline_run", run_picks, &fact) ||
        !delivery_columns(d, &fact, end_picks)) {
        return false;
    }
    fact_time(&fact, "finished_at", d->at_us);
    fact_group(&fact, "state", d->at_us, ORDINAL_ENDED);
    return transform_add(d->in, d->out, &fact);
}

/* ---- which row ---- */

static bool is_configured(struct delivery *d)
{
    struct str context;
    return delivery_text(d, "context", &context) &&
           glob_any(&d->in->config->rules.statuses, context);
}

static bool is_pending(struct delivery *d)
{
    struct str state;
    return delivery_text(d, "state", &state) && str_eq(state, S("pending"));
}

static bool is_begin(struct delivery *d)
{
    return is_configured(d) && is_pending(d);
}

static bool is_end(struct delivery *d)
{
    return is_configured(d) && !is_pending(d);
}

static bool is_no_pipeline(struct delivery *d)
{
    return !is_configured(d);
}

/* clang-format off */
static const struct github_row status_rows[] = {
    {"ST1", NULL, is_end, "pipelinerun.finished", .time = "updated_at", .extra = "id",
        .content = content, .custom = custom, .facts = ended},
    {"ST1", NULL, is_begin, .gives = NULL, .time = "updated_at", .facts = pending},
    {"ST1", NULL, is_no_pipeline, .gives = NULL},
    {0}};

const struct github_event github_status = {
    .name = "status", .subject = "{$source}/commit/{sha}#{context}", .rows = status_rows};
/* clang-format on */
