/* pull_request: a change from its opening to its end. */
#include "transform/github/github.h"

/* Of changes whose times are equal, which state is the later one. */
enum { ORDINAL_OPEN, ORDINAL_CLOSED, ORDINAL_REOPENED, ORDINAL_MERGED };

/* clang-format off */

/* model change          <- what every form of a pull request shows */
static const struct pick change_picks[] = {
    {"repository",          "$repository"},
    {"id",                  "pull_request.number"},
    {"number",              "pull_request.number"},
    {"title",               "pull_request.title"},
    {"url",                 "pull_request.html_url"},
    {"author",              "pull_request.user.login?"},
    {"original_status",     "pull_request.state"},
    {"base_branch",         "pull_request.base.ref"},
    {"base_sha",            "pull_request.base.sha"},
    {"head_branch",         "pull_request.head.ref"},
    {"head_sha",            "pull_request.head.sha"},
    {"head_repository",     "place(pull_request.head.repo.html_url?)"},
    {"created_at",          "pull_request.created_at"},
    {"merged_at",           "pull_request.merged_at?"},
    {"closed_at",           "pull_request.closed_at?"},
    {"labels",              "pull_request.labels[].name"},
    {"requested_reviewers", "pull_request.requested_reviewers[].login?"},
    {"milestone",           "pull_request.milestone.title?"},
    {0}};

/* model change          <- what the short form in other events does not show */
static const struct pick full_picks[] = {
    {"is_draft",            "pull_request.draft?"},
    {"merged_by",           "pull_request.merged_by.login?"},
    {"commits",             "pull_request.commits"},
    {"additions",           "pull_request.additions"},
    {"deletions",           "pull_request.deletions"},
    {"changed_files",       "pull_request.changed_files"},
    {"comments",            "pull_request.comments?"},
    {0}};

/* subject.content       <- payload */
static const struct pick described[] = {
    {"description",         "pull_request.title"},
    {"repository.id",       "$source"},
    {"repository.source",   "$host"},
    {0}};
static const struct pick content[] = {
    {"repository.id",       "$source"},
    {"repository.source",   "$host"},
    {0}};

/* customData.github     <- payload */
static const struct pick pushed[]   = {{"before", "before"}, {"after", "after"}, {0}};
static const struct pick edited[]   = {{"changes", "changes"}, {0}};
static const struct pick labeled[]  = {{"label", "label.name"}, {0}};
static const struct pick assigned[] = {{"assignee", "assignee.login?"}, {0}};
static const struct pick asked[]    = {
    {"reviewer",            "requested_reviewer.login|requested_team.slug?"},
    {0}};

/* clang-format on */

/* Of one second, what shows the later state is the later one in all that it tells. */
static bool change_and_ordinal(struct delivery *d, struct fact *out, unsigned *ordinal)
{
    int64_t merged_us = TIME_NONE;
    int64_t updated_us = TIME_NONE;
    struct str state;
    struct str merge_sha = {0};
    if (!delivery_time(d, "pull_request.updated_at", &updated_us)) {
        return false;
    }
    d->at_us = updated_us; /* the row's time was the event's; the model's is the object's */
    if (!delivery_fact(d, "change", change_picks, out) ||
        !delivery_text(d, "pull_request.state", &state) ||
        !delivery_time(d, "pull_request.merged_at?", &merged_us)) {
        return false;
    }
    const bool is_merged = merged_us != TIME_NONE;
    const bool is_closed = str_eq(state, S("closed"));
    /* before the merge it is a test merge, not a commit of the base */
    if (is_merged && !delivery_text(d, "pull_request.merge_commit_sha", &merge_sha)) {
        return false;
    }
    fact_text(out, "merge_sha", merge_sha);
    fact_text(out, "state", is_merged ? S("merged") : is_closed ? S("closed") : S("open"));
    *ordinal = is_merged                          ? ORDINAL_MERGED
               : is_closed                        ? ORDINAL_CLOSED
               : str_eq(d->action, S("reopened")) ? ORDINAL_REOPENED
                                                  : ORDINAL_OPEN;
    fact_group(out, "state", updated_us, *ordinal);
    fact_group(out, "what", updated_us, *ordinal);
    fact_group(out, "milestone", updated_us, 0);
    return true;
}

bool change_of_pull_request(struct delivery *d, struct fact *out)
{
    unsigned ordinal = 0;
    return change_and_ordinal(d, out, &ordinal);
}

/* When it became ready for review, as far as this delivery tells. */
static bool ready_at(struct delivery *d, struct fact *fact)
{
    int64_t ready_us = TIME_NONE;
    bool is_draft = false;
    if (!delivery_bool(d, "pull_request.draft?", false, &is_draft)) {
        return false;
    }
    if (str_eq(d->action, S("ready_for_review"))) {
        ready_us = d->at_us;
    } else if (str_eq(d->action, S("opened")) && !is_draft &&
               !delivery_time(d, "pull_request.created_at", &ready_us)) {
        return false;
    }
    fact_time(fact, "ready_at", ready_us);
    return true;
}

static bool change(struct delivery *d)
{
    struct fact fact;
    unsigned ordinal = 0;
    if (!change_and_ordinal(d, &fact, &ordinal) || !delivery_columns(d, &fact, full_picks) ||
        !ready_at(d, &fact)) {
        return false;
    }
    fact_group(&fact, "full", d->at_us, ordinal);
    return transform_add(d->in, d->out, &fact);
}

static bool is_merged(struct delivery *d)
{
    bool is = false;
    return delivery_bool(d, "pull_request.merged", false, &is) && is;
}

static bool is_not_merged(struct delivery *d)
{
    bool is = true;
    return delivery_bool(d, "pull_request.merged", true, &is) && !is;
}

#define EVERY_UPDATE                                                                               \
    "reopened ready_for_review converted_to_draft auto_merge_enabled auto_merge_disabled "         \
    "enqueued dequeued locked unlocked milestoned demilestoned"

/* clang-format off */
static const struct github_row pull_request_rows[] = {
    {"PR1", "opened", NULL, "change.created", .time = "pull_request.created_at",
        .content = described, .facts = change},
    {"PR2", "closed", is_merged, "change.merged", .time = "pull_request.merged_at",
        .content = content, .facts = change},
    {"PR3", "closed", is_not_merged, "change.abandoned", .time = "pull_request.closed_at",
        .content = content, .facts = change},
    {"PR4", "synchronize", NULL, "change.updated", .time = "pull_request.updated_at",
        .extra = "after", .content = content, .custom = pushed, .facts = change},
    {"PR5", "edited", NULL, "change.updated", .time = "pull_request.updated_at",
        .extra = "$action", .content = content, .custom = edited, .facts = change},
    {"PR6", EVERY_UPDATE, NULL, "change.updated", .time = "pull_request.updated_at",
        .extra = "$action", .content = content, .facts = change},
    {"PR7", "labeled unlabeled", NULL, "change.updated", .time = "pull_request.updated_at",
        .extra = "{$action},{label.name}", .content = content, .custom = labeled, .facts = change},
    {"PR8", "assigned unassigned", NULL, "change.updated", .time = "pull_request.updated_at",
        .extra = "{$action},{assignee.login?}", .content = content, .custom = assigned,
        .facts = change},
    {"PR9", "review_requested review_request_removed", NULL, "change.updated",
        .time = "pull_request.updated_at",
        .extra = "{$action},{requested_reviewer.login|requested_team.slug?}",
        .content = content, .custom = asked, .facts = change},
    {0}};

const struct github_event github_pull_request = {
    .name = "pull_request", .subject = "pull_request.url", .rows = pull_request_rows};
/* clang-format on */
