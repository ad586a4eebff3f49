/* incident.detected, reported, resolved: incidents. */
#include "transform/cdevents/models.h"

/* Of events of one time, which state is the later one. */
enum { ORDINAL_OPEN, ORDINAL_RESOLVED };

/* clang-format off */

/* model incident         <- content */
#define INCIDENT                                                                                   \
    {"source",              "$source"},                                                            \
    {"id",                  "$subject"},                                                           \
    {"service",             "$service?"},                                                          \
    {"environment",         "environment.id"},                                                     \
    {"title",               "description?"},                                                       \
    {"url",                 "ticketURI?"},                                                         \
    {"repository",          "$place?"},                                                            \
    {"artifact_id",         "artifactId?"}
static const struct pick begun[] = {
    INCIDENT,
    {"detected_at",         "$time"},
    {0}};
static const struct pick ended[] = {
    INCIDENT,
    {"resolved_at",         "$time"},
    {0}};

/* clang-format on */

/* The events that it links to: one of them may be the deployment that caused it. */
static void link(struct delivery *d, struct fact *fact)
{
    const struct cd_told *const told = d->more;
    yyjson_val *const links = yyjson_obj_get(told->event->context, "links");
    struct buf b;
    size_t i = 0;
    size_t n = 0;
    yyjson_val *one = NULL;
    buf_init(&b, d->in->arena, SIZE_MAX);
    yyjson_arr_foreach(links, i, n, one)
    {
        const struct str ids[] = {json_text(json_at(one, S("from.contextId"))),
                                  json_text(json_at(one, S("target.contextId")))};
        for (size_t k = 0; k < 2; k++) {
            buf_add(&b, b.len > 0 && ids[k].len > 0 ? S(" ") : S(""));
            buf_add(&b, ids[k]);
        }
    }
    if (b.len > 0) {
        fact_text(fact, "linked", buf_str(&b));
        fact_group(fact, "links", d->at_us, 0);
    }
}

/* An event without service or description says of what it is less than one that has both. */
static bool incident(struct delivery *d, struct fact *fact, bool is_open)
{
    const int64_t within_ms = d->in->config->rules.incidents.within_ms;
    const bool is_whole = cd_has(d, "service.id") && cd_has(d, "description");
    if (within_ms > 0 && is_open) {
        fact_time(fact, "blame_from_at", time_before(d->at_us, within_ms));
    }
    link(d, fact);
    fact_text(fact, "state", is_open ? S("open") : S("resolved"));
    fact_bool(fact, "is_incident", true);
    fact_group(fact, "what", is_whole ? d->at_us : CD_PARTLY, is_open);
    fact_group(fact, "state", d->at_us, is_open ? ORDINAL_OPEN : ORDINAL_RESOLVED);
    fact_group(fact, "withdrawn", d->at_us, 0);
    return true;
}

static bool open(struct delivery *d, struct fact *fact)
{
    return incident(d, fact, true);
}

static bool resolved(struct delivery *d, struct fact *fact)
{
    return incident(d, fact, false);
}

const struct cd_row cd_incidents[] = {
    {"incident.detected", "incident", begun, open},
    {"incident.reported", "incident", begun, open},
    {"incident.resolved", "incident", ended, resolved},
    {0},
};
