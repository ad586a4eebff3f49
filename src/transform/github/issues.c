/* issues: tickets, and what GitHub tells of a pull request under the same event. */
#include "transform/github/github.h"

/* Of states of one second, which is the later one. */
enum { ORDINAL_OPEN, ORDINAL_CLOSED, ORDINAL_REOPENED };

/* clang-format off */

/* model ticket         <- payload */
static const struct pick ticket_picks[] = {
    {"source",             "$source"},
    {"id",                 "issue.number"},
    {"repository",         "$repository"},
    {"number",             "issue.number"},
    {"title",              "issue.title"},
    {"author",             "issue.user.login?"},
    {"assignees",          "issue.assignees[].login?"},
    {"labels",             "issue.labels[].name"},
    {"milestone",          "issue.milestone.title?"},
    {"created_at",         "issue.created_at"},
    {"closed_at",          "issue.closed_at?"},
    {"updated_at",         "issue.updated_at"},
    {"url",                "issue.html_url"},
    {"body",               "issue.body?"},
    {0}};

/* model ticket         <- the short form that pinned and unpinned show */
static const struct pick short_picks[] = {
    {"source",             "$source"},
    {"id",                 "issue.number"},
    {"created_at",         "issue.created_at"},
    {0}};

/* model change         <- an issue that is a pull request */
static const struct pick change_picks[] = {
    {"repository",         "$repository"},
    {"id",                 "issue.number"},
    {"milestone",          "issue.milestone.title?"},
    {0}};

/* subject.content      <- payload; a deleted account is called as GitHub calls it */
static const struct pick content_created[] = {
    {"summary",            "issue.title"},
    {"ticketType",         "$ticket_type?"},
    {"group",              "repository.full_name"},
    {"creator",            "issue.user.login|=ghost"},
    {"assignees",          "issue.assignees[].login?"},
    {"labels",             "issue.labels[].name"},
    {"milestone",          "issue.milestone.title?"},
    {"uri",                "issue.html_url"},
    {0}};
static const struct pick content_closed[] = {
    {"summary",            "issue.title"},
    {"ticketType",         "$ticket_type?"},
    {"group",              "repository.full_name"},
    {"creator",            "issue.user.login|=ghost"},
    {"assignees",          "issue.assignees[].login?"},
    {"labels",             "issue.labels[].name"},
    {"milestone",          "issue.milestone.title?"},
    {"uri",                "issue.html_url"},
    {"resolution",         "resolution(issue.state_reason|=completed)"},
    {"updatedBy",          "sender.login?"},
    {0}};
static const struct pick content_updated[] = {
    {"summary",            "issue.title"},
    {"updatedBy",          "sender.login?"},
    {"uri",                "issue.html_url"},
    {0}};
static const struct pick content_deleted[] = {{"uri", "issue.html_url"}, {0}};
static const struct pick content_change[] = {
    {"repository.id",      "$source"},
    {"repository.source",  "$host"},
    {0}};

/* customData.github    <- payload */
static const struct pick moved[]    = {{"old_issue", "changes.old_issue.html_url?"}, {0}};
static const struct pick changed[]  = {{"changes", "changes?"}, {0}};
static const struct pick labeled[] = {
    {"label",              "label.name"},
    {"changes",            "changes?"},
    {0}};
static const struct pick assigned[] = {
    {"assignee",           "assignee.login?"},
    {"changes",            "changes?"},
    {0}};

/* clang-format on */

static bool state(struct delivery *d, struct fact *fact)
{
    struct str word;
    struct str resolution;
    struct str type;
    if (!delivery_text(d, "issue.state", &word) ||
        !delivery_text(d, "resolution(issue.state_reason|=completed)", &resolution) ||
        !delivery_text(d, "$ticket_type?", &type)) {
        return false;
    }
    const bool is_closed = str_eq(word, S("closed"));
    fact_text(fact, "type", type);
    fact_text(fact, "state", word);
    fact_text(fact, "resolution", is_closed ? resolution : S(""));
    fact_group(fact, "what", d->at_us, 0);
    fact_group(fact, "state", d->at_us,
               is_closed                          ? ORDINAL_CLOSED
               : str_eq(d->action, S("reopened")) ? ORDINAL_REOPENED
                                                  : ORDINAL_OPEN);
    return true;
}

/* One that was transferred is opened elsewhere, and here is none any more.
 * A short form without the state says nothing of the group: it must not take the labels away. */
static bool ticket(struct delivery *d)
{
    struct fact fact;
    struct str word;
    if (!delivery_time(d, "issue.updated_at", &d->at_us) ||
        !delivery_text(d, "issue.state?", &word)) {
        return false;
    }
    if (word.len == 0) {
        return delivery_fact(d, "ticket", short_picks, &fact) &&
               transform_add(d->in, d->out, &fact);
    }
    if (!delivery_fact(d, "ticket", ticket_picks, &fact) || !state(d, &fact)) {
        return false;
    }
    if (str_eq(d->action, S("deleted")) || str_eq(d->action, S("transferred"))) {
        fact_time(&fact, "deleted_at", d->at_us);
    }
    return transform_add(d->in, d->out, &fact);
}

static bool change(struct delivery *d)
{
    struct fact fact;
    if (!delivery_fact(d, "change", change_picks, &fact)) {
        return false;
    }
    fact_group(&fact, "milestone", d->at_us, 0);
    return transform_add(d->in, d->out, &fact);
}

bool issue_is_change(struct delivery *d)
{
    struct found found;
    return delivery_find(d, "issue.pull_request?", &found) && found.is_there;
}

static bool is_ticket(struct delivery *d)
{
    return !issue_is_change(d);
}

#define EVERY_UPDATE                                                                               \
    "edited reopened transferred pinned unpinned locked unlocked milestoned demilestoned typed "   \
    "untyped"

/* clang-format off */
static const struct github_row issues_rows[] = {
    {"IS1", "opened", is_ticket, "ticket.created", .time = "issue.created_at",
        .content = content_created, .custom = moved, .facts = ticket},
    {"IS2", "closed", is_ticket, "ticket.closed", .time = "issue.closed_at",
        .content = content_closed, .facts = ticket},
    {"IS3", EVERY_UPDATE, is_ticket, "ticket.updated", .time = "issue.updated_at",
        .extra = "$action", .content = content_updated, .custom = changed, .facts = ticket},
    {"IS4", "labeled unlabeled", is_ticket, "ticket.updated", .time = "issue.updated_at",
        .extra = "{$action},{label.name}", .content = content_updated, .custom = labeled,
        .facts = ticket},
    {"IS5", "assigned unassigned", is_ticket, "ticket.updated", .time = "issue.updated_at",
        .extra = "{$action},{assignee.login?}", .content = content_updated, .custom = assigned,
        .facts = ticket},
    {"IS6", "deleted", is_ticket, "cdeventsx.github-issue.deleted", .time = "issue.updated_at",
        .extra = "$action", .content = content_deleted, .facts = ticket},
    {"IS7", "opened closed deleted labeled unlabeled assigned unassigned " EVERY_UPDATE,
        issue_is_change, "change.updated", "issue.pull_request.url", "issue.updated_at",
        .extra = "$action", .content = content_change, .facts = change},
    {0}};

const struct github_event github_issues = {
    .name = "issues", .subject = "issue.url", .rows = issues_rows};
/* clang-format on */
