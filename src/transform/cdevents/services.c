/* service.deployed, upgraded, rolledback: deployments, each event one. `removed` and `published`
 * say nothing of a deployment that could be named: they are events alone. */
#include "transform/cdevents/models.h"
#include "transform/service.h"

/* clang-format off */

/* model deployment       <- content */
static const struct pick picks[] = {
    {"source",              "$event_source"},
    {"id",                  "$event_id"},
    {"repository",          "$artifact_repository?"},
    {"service",             "$service"},
    {"environment",         "environment.id"},
    {"sha",                 "$artifact_sha?"},
    {"finished_at",         "$time"},
    {"original_status",     "$predicate"},
    {"artifact_id",         "artifactId"},
    {0}};

/* clang-format on */

static bool deployed(struct delivery *d, struct fact *fact)
{
    const struct cd_told *const told = d->more;
    bool is_told = false;
    const struct belonging of = {
        .said = told->up->subject_id,
        .is_sure = true,
        .environment = json_text(json_at(d->body, S("environment.id"))),
    };
    const bool is_rollback = str_eq(d->action, S("rolledback"));
    fact_bool(fact, "is_production", service_is_production(d->in->config, &of, &is_told));
    fact_bool(fact, "is_rollback", is_rollback);
    fact_text(fact, "task", is_rollback ? S("rollback") : S("deploy"));
    fact_text(fact, "state", S("succeeded"));
    fact_group(fact, "what", d->at_us, 0);
    fact_group(fact, "state", d->at_us, 0);
    return true;
}

const struct cd_row cd_services[] = {
    {"service.deployed", "deployment", picks, deployed},
    {"service.upgraded", "deployment", picks, deployed},
    {"service.rolledback", "deployment", picks, deployed},
    {0},
};
