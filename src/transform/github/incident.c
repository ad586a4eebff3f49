/* issues that a label makes incidents, beside the tickets that they are (issues.c). */
#include "transform/github/github.h"
#include "transform/glob.h"
#include "transform/label.h"

/* Of states of one second, which is the later one. */
enum { ORDINAL_OPEN, ORDINAL_RESOLVED, ORDINAL_REOPENED };

/* clang-format off */

/* model incident       <- payload */
static const struct pick picks[] = {
    {"source",             "$source"},
    {"id",                 "issue.number"},
    {"service",            "$incident_service"},
    {"environment",        "$incident_environment"},
    {"title",              "issue.title"},
    {"severity",           "$incident_severity?"},
    {"detected_at",        "issue.created_at"},
    {"resolved_at",        "issue.closed_at?"},
    {"url",                "issue.html_url"},
    {"repository",         "$repository"},
    {"number",             "issue.number"},
    {0}};

/* subject.content      <- payload */
static const struct pick reported[] = {
    {"description",        "issue.title"},
    {"environment.id",     "$incident_environment"},
    {"ticketURI",          "issue.html_url"},
    {"service.id",         "$incident_service"},
    {0}};
static const struct pick resolved[] = {
    {"description",        "issue.title"},
    {"environment.id",     "$incident_environment"},
    {"service.id",         "$incident_service"},
    {0}};

/* customData.github    <- payload */
static const struct pick custom[] = {{"severity", "$incident_severity?"}, {0}};

/* clang-format on */

/* What follows the prefix in every label that begins with it. */
static bool named(struct delivery *d, struct fact *fact, const char *column, struct str prefix)
{
    struct found labels;
    if (!delivery_find(d, "issue.labels?", &labels)) {
        return false;
    }
    fact_text(fact, column, labels_after(d->in->arena, labels.value, prefix));
    return true;
}

/* Everything but whether it is one. */
static bool incident(struct delivery *d, struct fact *fact)
{
    const struct config_incidents *const rules = &d->in->config->rules.incidents;
    struct str state;
    int64_t updated_us = TIME_NONE;
    int64_t created_us = TIME_NONE;
    if (!delivery_time(d, "issue.updated_at", &updated_us) ||
        !delivery_time(d, "issue.created_at", &created_us) ||
        !delivery_text(d, "issue.state", &state) || !delivery_fact(d, "incident", picks, fact) ||
        !named(d, fact, "causes", rules->cause) || !named(d, fact, "fixed_by", rules->fix)) {
        return false;
    }
    const bool is_open = !str_eq(state, S("closed"));
    const bool is_reopened = str_eq(d->action, S("reopened"));
    fact_text(fact, "state", is_open ? S("open") : S("resolved"));
    if (rules->within_ms > 0) {
        fact_time(fact, "blame_from_at", time_before(created_us, rules->within_ms));
    }
    fact_group(fact, "what", updated_us, 0);
    fact_group(fact, "state", updated_us,
               !is_open      ? ORDINAL_RESOLVED
               : is_reopened ? ORDINAL_REOPENED
                             : ORDINAL_OPEN);
    if (is_reopened) {
        char text[CLOCK_TEXT_BYTES];
        struct str *const at = arena_array(d->in->arena, struct str, 1);
        at[0] = arena_str(d->in->arena, (struct str){text, clock_text(updated_us, text)});
        fact_set(fact, "reopened", (struct value){.kind = VALUE_LIST, .list = {at, 1}});
    }
    return true;
}

static bool is_one(struct delivery *d, bool is)
{
    struct fact fact;
    if (!incident(d, &fact)) {
        return false;
    }
    fact_bool(&fact, "is_incident", is);
    fact_group(&fact, "withdrawn", d->at_us, !is);
    return transform_add(d->in, d->out, &fact);
}

static bool stands(struct delivery *d)
{
    return is_one(d, true);
}

static bool withdrawn(struct delivery *d)
{
    return is_one(d, false);
}

/* ---- which row ---- */

static bool is_labelled(struct delivery *d)
{
    struct found labels;
    size_t i = 0;
    size_t n = 0;
    yyjson_val *label = NULL;
    bool is = false;
    if (issue_is_change(d) || !delivery_find(d, "issue.labels?", &labels)) {
        return false;
    }
    yyjson_arr_foreach(labels.value, i, n, label)
    {
        is = is || glob_any(&d->in->config->rules.incidents.labels,
                            json_text(json_get(label, S("name"))));
    }
    return is;
}

/* The label that came or went is the one that makes an incident. */
static bool is_by_label(struct delivery *d)
{
    struct str label;
    return !issue_is_change(d) && delivery_text(d, "label.name?", &label) &&
           glob_any(&d->in->config->rules.incidents.labels, label);
}

static bool is_taken_away(struct delivery *d)
{
    return is_by_label(d) && !is_labelled(d);
}

/* Nobody closes it any more: one that was transferred is opened elsewhere. */
static bool is_gone_open(struct delivery *d)
{
    struct str state;
    return is_labelled(d) && delivery_text(d, "issue.state?", &state) && str_eq(state, S("open"));
}

/* Another label, which may name the service, or another title. */
static bool is_described(struct delivery *d)
{
    return is_labelled(d) && !is_by_label(d);
}

#define AT "issue.updated_at"

/* clang-format off */
static const struct github_row incident_rows[] = {
    {"IN1", "opened", is_labelled, "incident.reported", .time = "issue.created_at",
        .content = reported, .custom = custom, .facts = stands},
    {"IN2", "labeled", is_by_label, "incident.reported", .time = AT, .extra = "label.name",
        .content = reported, .custom = custom, .facts = stands},
    {"IN2", "labeled unlabeled edited", is_described, .gives = NULL, .time = AT, .facts = stands},
    {"IN3", "closed", is_labelled, "incident.resolved", .time = "issue.closed_at",
        .content = resolved, .custom = custom, .facts = stands},
    {"IN4", "reopened", is_labelled, "incident.reported", .time = AT, .extra = "$action",
        .content = reported, .custom = custom, .facts = stands},
    {"IN5", "unlabeled", is_taken_away, .gives = NULL, .time = AT, .facts = withdrawn},
    {"IN5", "deleted transferred", is_gone_open, .gives = NULL, .time = AT, .facts = withdrawn},
    {0}};

const struct github_event github_incident = {
    .name = "issues", .subject = "issue.url", .rows = incident_rows};
/* clang-format on */
