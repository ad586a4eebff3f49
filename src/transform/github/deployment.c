/* deployment and deployment_status: what was deployed where, and how far it came. */
#include "transform/github/github.h"

#include "transform/glob.h"

/* Of states of one second, which is the later one. */
enum { ORDINAL_CREATED, ORDINAL_QUEUED, ORDINAL_RUNNING, ORDINAL_ENDED, ORDINAL_INACTIVE };

/* clang-format off */

/* GitHub's word, weir's word, its ordinal */
static const struct {
    struct str status, state;
    unsigned ordinal;
} states[] = {
    {STR("queued"),      STR("queued"),    ORDINAL_QUEUED},
    {STR("pending"),     STR("queued"),    ORDINAL_QUEUED},
    {STR("in_progress"), STR("running"),   ORDINAL_RUNNING},
    {STR("success"),     STR("succeeded"), ORDINAL_ENDED},
    {STR("failure"),     STR("failed"),    ORDINAL_ENDED},
    {STR("error"),       STR("failed"),    ORDINAL_ENDED},
    {STR("inactive"),    STR("inactive"),  ORDINAL_INACTIVE},
};

/* model deployment       <- what both events show */
static const struct pick deployment_picks[] = {
    {"source",               "$source"},
    {"id",                   "deployment.id"},
    {"repository",           "$repository"},
    {"service",              "$service"},
    {"environment",          "deployment.environment"},
    {"sha",                  "deployment.sha"},
    {"ref",                  "deployment.ref"},
    {"creator",              "deployment.creator.login?"},
    {"created_at",           "deployment.created_at"},
    {"description",          "deployment.description?"},
    {"is_transient",         "deployment.transient_environment?"},
    {"artifact_id",          "$artifact"},
    {0}};

/* model deployment       <- deployment */
static const struct pick created_picks[] = {
    {"original_environment", "deployment.original_environment"},
    {"task",                 "deployment.task"},
    {0}};

/* model deployment       <- deployment_status */
static const struct pick status_picks[] = {
    {"original_environment", "deployment.original_environment?"},
    {"task",                 "deployment.task?"},
    {"url",                  "deployment_status.environment_url?"},
    {"log_url",              "deployment_status.log_url|deployment_status.target_url?"},
    {"original_status",      "deployment_status.state"},
    {0}};

/* model deployment       <- the run that made it */
static const struct pick run_picks[] = {
    {"pipeline_run_id",      "workflow_run.id?"},
    {"pipeline_run_attempt", "workflow_run.run_attempt|=1"},
    {0}};

/* subject.content        <- payload */
static const struct pick content_created[] = {
    {"environment.id",       "deployment.environment"},
    {"artifactId",           "$artifact"},
    {"description",          "deployment.description?"},
    {0}};
static const struct pick content_service[] = {
    {"environment.id",       "deployment.environment"},
    {"artifactId",           "$artifact"},
    {0}};
static const struct pick content_removed[] = {
    {"environment.id",       "deployment.environment"},
    {0}};
static const struct pick content_failed[] = {
    {"environment.id",       "deployment.environment"},
    {"description",          "deployment_status.description?"},
    {"result",               "=FAILURE"},
    {0}};
static const struct pick content_started[] = {
    {"environment.id",       "deployment_status.environment|deployment.environment"},
    {0}};

/* customData.github      <- payload */
static const struct pick created[] = {
    {"payload",              "deployment.payload?"},
    {"pipeline_run",         "{workflow_run.url?}/attempts/{workflow_run.run_attempt|=1}"},
    {0}};
static const struct pick succeeded[] = {
    {"deployment",           "deployment.id"},
    {"ref",                  "deployment.ref"},
    {"created_at",           "deployment.created_at"},
    {"url",                  "deployment_status.environment_url?"},
    {"log_url",              "deployment_status.log_url|deployment_status.target_url?"},
    {"pipeline_run",         "workflow_run.url?"},
    {0}};
static const struct pick failed_picks[] = {
    {"state",                "deployment_status.state"},
    {"log_url",              "deployment_status.log_url|deployment_status.target_url?"},
    {0}};

/* clang-format on */

/* Whether what stands at the rule's path is like its glob. Lists and objects are like nothing. */
static bool rule_holds(struct delivery *d, struct str rule)
{
    struct str glob;
    struct found found;
    const struct str path = arena_printf(d->in->arena, "%.*s?", STR_ARG(str_cut(rule, '=', &glob)));
    struct str text = {0};
    if (!delivery_find(d, path.at, &found) || !found.is_there || yyjson_is_ctn(found.value)) {
        return false;
    }
    if (yyjson_is_bool(found.value)) {
        text = yyjson_is_true(found.value) ? S("true") : S("false");
    } else if (!delivery_text(d, path.at, &text)) {
        return false;
    }
    return glob_matches(glob, text);
}

/* By its task, else by a rule of the configuration. */
static bool is_rollback(struct delivery *d)
{
    const struct str_list *const rules = &d->in->config->rules.rollbacks;
    bool is = rule_holds(d, S("deployment.task=rollback"));
    for (size_t i = 0; i < rules->n && !is; i++) {
        is = rule_holds(d, rules->at[i]);
    }
    return is;
}

static void add_fixed(struct buf *b, yyjson_val *incident)
{
    buf_add(b, b->len > 0 ? S(" ") : S(""));
    buf_add(b, yyjson_is_int(incident) ? json_write(b->arena, incident) : json_text(incident));
}

/* The incidents that the deployment's payload says it mends: an id, an address, or a list of them.
 */
static bool fixes(struct delivery *d, struct fact *fact)
{
    struct found found;
    struct buf b;
    if (!delivery_find(d, "deployment.payload.fixes?", &found)) {
        return false;
    }
    buf_init(&b, d->in->arena, SIZE_MAX);
    if (yyjson_is_arr(found.value)) {
        size_t i = 0;
        size_t n = 0;
        yyjson_val *one = NULL;
        yyjson_arr_foreach(found.value, i, n, one)
        {
            add_fixed(&b, one);
        }
    } else if (found.is_there) {
        add_fixed(&b, found.value);
    }
    fact_text(fact, "fixes", buf_str(&b));
    return true;
}

/* What both events tell; its time is the deployment's own. */
static bool deployment(struct delivery *d, struct fact *fact)
{
    int64_t updated_us = TIME_NONE;
    struct str run;
    bool is_told = false;
    bool is_production = false;
    if (!delivery_fact(d, "deployment", deployment_picks, fact) ||
        !delivery_time(d, "deployment.updated_at|deployment.created_at", &updated_us) ||
        !delivery_text(d, "workflow_run.id?", &run)) {
        return false;
    }
    is_production = delivery_is_production(d, &is_told);
    if (!is_told &&
        !delivery_bool(d, "deployment.production_environment?", is_production, &is_production)) {
        return false;
    }
    fact_bool(fact, "is_production", is_production);
    fact_bool(fact, "is_rollback", is_rollback(d));
    fact_group(fact, "what", updated_us, 0);
    if (!fixes(d, fact)) {
        return false;
    }
    if (run.len > 0) { /* a payload without the run does not say that there was none */
        fact_group(fact, "run", updated_us, 0);
        return delivery_columns(d, fact, run_picks);
    }
    return true;
}

static bool deployed(struct delivery *d)
{
    struct fact fact;
    if (!deployment(d, &fact) || !delivery_columns(d, &fact, created_picks)) {
        return false;
    }
    fact_text(&fact, "state", S("queued"));
    fact_group(&fact, "state", d->at_us, ORDINAL_CREATED);
    return transform_add(d->in, d->out, &fact);
}

static bool status(struct delivery *d)
{
    struct fact fact;
    struct str word;
    if (!deployment(d, &fact) || !delivery_columns(d, &fact, status_picks) ||
        !delivery_text(d, "deployment_status.state", &word)) {
        return false;
    }
    size_t i = 0;
    while (!str_eq(states[i].status, word)) { /* the rows let no other pass */
        i++;
    }
    fact_text(&fact, "state", states[i].state);
    fact_group(&fact, "state", d->at_us, states[i].ordinal);
    switch (states[i].ordinal) {
    case ORDINAL_QUEUED: fact_time(&fact, "queued_at", d->at_us); break;
    case ORDINAL_RUNNING: fact_time(&fact, "started_at", d->at_us); break;
    case ORDINAL_INACTIVE: fact_time(&fact, "replaced_at", d->at_us); break;
    default:
        fact_time(&fact, "finished_at", str_eq(word, S("success")) ? d->at_us : TIME_NONE);
        break;
    }
    return transform_add(d->in, d->out, &fact);
}

/* ---- which row ---- */

static bool is_state(struct delivery *d, struct str state)
{
    struct str word;
    return delivery_text(d, "deployment_status.state", &word) && str_eq(word, state);
}

static bool is_undoing(struct delivery *d)
{
    return is_state(d, S("success")) && is_rollback(d);
}

static bool is_success(struct delivery *d)
{
    return is_state(d, S("success")) && !is_rollback(d);
}

static bool is_failure(struct delivery *d)
{
    return is_state(d, S("failure"));
}

static bool is_error(struct delivery *d)
{
    return is_state(d, S("error"));
}

static bool is_in_progress(struct delivery *d)
{
    return is_state(d, S("in_progress"));
}

static bool is_queued(struct delivery *d)
{
    return is_state(d, S("queued"));
}

static bool is_pending(struct delivery *d)
{
    return is_state(d, S("pending"));
}

static bool is_transient(struct delivery *d)
{
    bool is = false;
    return is_state(d, S("inactive")) &&
           delivery_bool(d, "deployment.transient_environment?", false, &is) && is;
}

static bool is_lasting(struct delivery *d)
{
    return is_state(d, S("inactive")) && !is_transient(d);
}

/* clang-format off */
static const struct github_row deployment_rows[] = {
    {"DP1", "created", NULL, "cdeventsx.github-deployment.created", .time = "deployment.created_at",
        .content = content_created, .custom = created, .facts = deployed},
    {0}};

const struct github_event github_deployment = {
    .name = "deployment", .subject = "deployment.url", .rows = deployment_rows,
    .action_if_absent = "created"};

#define AT "deployment_status.created_at"
static const struct github_row deployment_status_rows[] = {
    {"DS1", "created", is_success, "service.deployed", "$service", AT, "deployment.id",
        content_service, succeeded, status},
    {"DS2", "created", is_undoing, "service.rolledback", "$service", AT, "deployment.id",
        content_service, succeeded, status},
    {"DS3", "created", is_failure, "cdeventsx.github-deployment.failed", NULL, AT,
        "deployment_status.id", content_failed, failed_picks, status},
    {"DS4", "created", is_error, "cdeventsx.github-deployment.failed", NULL, AT,
        "deployment_status.id", content_failed, failed_picks, status},
    {"DS5", "created", is_in_progress, "cdeventsx.github-deployment.started", NULL, AT,
        "deployment_status.id", content_started, NULL, status},
    {"DS6", "created", is_queued, .time = AT, .facts = status},
    {"DS7", "created", is_pending, .time = AT, .facts = status},
    {"DS8", "created", is_transient, "service.removed", "$service", AT, "deployment_status.id",
        content_removed, NULL, status},
    {"DS8", "created", is_lasting, .time = AT, .facts = status},
    {0}};

const struct github_event github_deployment_status = {
    .name = "deployment_status", .subject = "deployment.url", .rows = deployment_status_rows,
    .action_if_absent = "created"};
/* clang-format on */
