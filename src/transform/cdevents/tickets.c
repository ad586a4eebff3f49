/* ticket.created, updated, closed: tickets. */
#include "transform/cdevents/models.h"

/* Of events of one time, which state is the later one. */
enum { ORDINAL_OPEN, ORDINAL_CLOSED };

/* clang-format off */

/* model ticket           <- content */
#define TICKET                                                                                     \
    {"source",              "$source"},                                                            \
    {"id",                  "$subject"},                                                           \
    {"repository",          "$place?"},                                                            \
    {"title",               "summary?"},                                                           \
    {"type",                "ticketType?"},                                                        \
    {"priority",            "priority?"},                                                          \
    {"author",              "creator?"},                                                           \
    {"assignees",           "assignees[]?"},                                                       \
    {"labels",              "labels[]?"},                                                          \
    {"milestone",           "milestone?"},                                                         \
    {"updated_at",          "$time"},                                                              \
    {"url",                 "uri"}
static const struct pick created_picks[] = {
    TICKET,
    {"created_at",          "$time"},
    {0}};
static const struct pick updated_picks[] = {TICKET, {0}};
static const struct pick closed_picks[] = {
    TICKET,
    {"resolution",          "resolution"},
    {"closed_at",           "$time"},
    {0}};

/* clang-format on */

/* What it is about: an event without its summary says less than one that has it. */
static bool ticket(struct delivery *d, struct fact *fact)
{
    struct str group;
    if (!delivery_text(d, "group?", &group)) {
        return false;
    }
    cd_attribute(d, fact, "group", group);
    fact_group(fact, "what", cd_has(d, "summary") ? d->at_us : CD_PARTLY, 0);
    return true;
}

static bool created(struct delivery *d, struct fact *fact)
{
    fact_text(fact, "state", S("open"));
    fact_group(fact, "state", d->at_us, ORDINAL_OPEN);
    return ticket(d, fact);
}

static bool closed(struct delivery *d, struct fact *fact)
{
    fact_text(fact, "state", S("closed"));
    fact_group(fact, "state", d->at_us, ORDINAL_CLOSED);
    return ticket(d, fact);
}

const struct cd_row cd_tickets[] = {
    {"ticket.created", "ticket", created_picks, created},
    {"ticket.updated", "ticket", updated_picks, ticket},
    {"ticket.closed", "ticket", closed_picks, closed},
    {0},
};
