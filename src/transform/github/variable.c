/* What a mapping's `$name` stands for: what follows from the configuration, from the delivery, or
 * from several fields at once. */
#include "transform/github/github.h"

#include <assert.h>

#include "transform/glob.h"
#include "transform/label.h"
#include "transform/service.h"

/* ---- the repository ---- */

bool delivery_repository(struct delivery *d)
{
    const char *const path = "repository.html_url";
    if (!delivery_text(d, path, &d->source)) {
        return false;
    }
    struct str rest = d->source;
    const size_t scheme = str_find(rest, ':');
    if (!str_starts(str_sub(rest, scheme, rest.len), S("://"))) {
        return delivery_dead(d, str_of(path), "is no URL");
    }
    d->repository = str_sub(rest, scheme + 3, rest.len);
    const struct str host = str_cut(d->repository, '/', &d->name);
    const size_t slash = str_find(d->name, '/');
    if (host.len == 0 || slash == 0 || slash + 1 >= d->name.len) {
        return delivery_dead(d, str_of(path), "is not https://HOST/OWNER/NAME");
    }
    d->host = str_sub(d->source, 0, scheme + 3 + host.len);
    return true;
}

/* ---- what the configuration says ---- */

static struct str text_of(const struct delivery *d, const char *path)
{
    return json_text(json_at(d->body, str_of(path)));
}

/* What a deployment belongs to; of other events, what their repository does. */
static struct belonging belonging_of(const struct delivery *d)
{
    return (struct belonging){
        .said = text_of(d, "deployment.payload.service"),
        .place = d->repository,
        .name = d->name,
        .environment = text_of(d, "deployment.environment"),
    };
}

bool delivery_is_production(const struct delivery *d, bool *is_told)
{
    const struct belonging of = belonging_of(d);
    return service_is_production(d->in->config, &of, is_told);
}

/* Where the configuration says that a check is a test: where it runs. */
static struct str test_environment(const struct delivery *d)
{
    static const char *const names[] = {"check_run.name", "check_run.app.slug",
                                        "check_run.app.name", "check_suite.app.slug",
                                        "check_suite.app.name"};
    const struct config_tests *const rules = &d->in->config->rules.tests;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct str name = text_of(d, names[i]);
        if (name.len > 0 && glob_any(&rules->checks, name)) {
            return rules->environment;
        }
    }
    return S("");
}

/* ---- labels ---- */

/* What follows the prefix in the first of an issue's labels that begins with it. */
static struct str said_by_label(const struct delivery *d, struct str prefix)
{
    return label_after(json_at(d->body, S("issue.labels")), prefix);
}

static struct str incident_environment(const struct delivery *d)
{
    const struct config_incidents *const rules = &d->in->config->rules.incidents;
    const struct str said = said_by_label(d, rules->environment_prefix);
    return said.len > 0 ? said : rules->environment.len > 0 ? rules->environment : S("production");
}

static struct str incident_service(const struct delivery *d)
{
    const struct belonging of = {
        .said = said_by_label(d, d->in->config->rules.incidents.service),
        .is_sure = true,
        .place = d->repository,
        .name = d->name,
        .environment = incident_environment(d),
    };
    return service_of(d->in->config, &of);
}

/* One of an issue's labels is one of `globs`. */
static bool has_label(const struct found *labels, const struct str_list *globs)
{
    size_t i = 0;
    size_t n = 0;
    yyjson_val *label = NULL;
    yyjson_arr_foreach(labels->value, i, n, label)
    {
        if (glob_any(globs, json_text(json_get(label, S("name"))))) {
            return true;
        }
    }
    return false;
}

/* CDEvents' type of ticket that an issue's labels make it. */
static bool ticket_type(struct delivery *d, struct str *out)
{
    const struct config_tickets *const rules = &d->in->config->rules.tickets;
    const struct {
        const struct str_list *labels;
        struct str type;
    } types[] = {{&rules->bug, S("bug")},
                 {&rules->enhancement, S("enhancement")},
                 {&rules->incident, S("incident")},
                 {&rules->task, S("task")},
                 {&rules->question, S("question")}};
    struct found labels;
    if (!delivery_find(d, "issue.labels?", &labels)) {
        return false;
    }
    for (size_t t = 0; t < sizeof types / sizeof *types && out->len == 0; t++) {
        *out = has_label(&labels, types[t].labels) ? types[t].type : *out;
    }
    return true;
}

/* ---- the names ---- */

static struct str service(const struct delivery *d)
{
    const struct belonging of = belonging_of(d);
    return service_of(d->in->config, &of);
}

static struct str source(const struct delivery *d)
{
    return d->source;
}

static struct str repository(const struct delivery *d)
{
    return d->repository;
}

static struct str name_of(const struct delivery *d)
{
    return d->name;
}

static struct str host(const struct delivery *d)
{
    return d->host;
}

static struct str action(const struct delivery *d)
{
    return d->action;
}

static struct str delivery_id(const struct delivery *d)
{
    return d->in->raw->id;
}

static struct str incident_severity(const struct delivery *d)
{
    return said_by_label(d, d->in->config->rules.incidents.severity);
}

static bool release(struct delivery *d, struct str *out)
{
    struct str version;
    const bool is_there = delivery_text(d, "release.tag_name", &version);
    *out = is_there ? purl_of_repository(d, version) : S("");
    return is_there;
}

static bool artifact(struct delivery *d, struct str *out)
{
    struct str version;
    const bool is_there = delivery_text(d, "deployment.sha", &version);
    *out = is_there ? purl_of_repository(d, version) : S("");
    return is_there;
}

bool github_variable(struct delivery *d, struct str name, struct str *out)
{
    static const struct {
        struct str name;
        struct str (*always)(const struct delivery *d);
        bool (*maybe)(struct delivery *d, struct str *out); /* false: dead */
    } variables[] = {
        {STR("source"), source, NULL},         /* https://github.com/acme/shop           */
        {STR("repository"), repository, NULL}, /* github.com/acme/shop                   */
        {STR("name"), name_of, NULL},          /* acme/shop                              */
        {STR("host"), host, NULL},             /* https://github.com                     */
        {STR("service"), service, NULL},       /* by configuration, else acme/shop       */
        {STR("action"), action, NULL},         /* as GitHub sends it today               */
        {STR("delivery"), delivery_id, NULL},  /* X-GitHub-Delivery                      */
        {STR("release"), NULL, release},       /* pkg:github/acme/shop@v1.0              */
        {STR("artifact"), NULL, artifact},     /* pkg:github/acme/shop@<sha>             */
        {STR("package"), NULL, purl_of_package},
        {STR("ticket_type"), NULL, ticket_type}, /* bug, …, by its labels                */
        {STR("test_environment"), test_environment, NULL},
        {STR("incident_service"), incident_service, NULL},
        {STR("incident_environment"), incident_environment, NULL},
        {STR("incident_severity"), incident_severity, NULL},
    };
    *out = S("");
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        if (str_eq(variables[i].name, name)) {
            *out = variables[i].always ? variables[i].always(d) : S("");
            return variables[i].always || variables[i].maybe(d, out);
        }
    }
    assert(false && "no such variable");
    return true;
}
