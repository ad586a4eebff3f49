/* pull_request_review_comment, pull_request_review_thread, and issue_comment where the issue is a
 * pull request: what is said of a change. */
#include "transform/github/github.h"

/* clang-format off */

/* model change         <- a review's comment */
static const struct pick review_picks[] = {
    {"repository",         "$repository"},
    {"id",                 "pull_request.number"},
    {0}};

/* model change         <- a comment of the conversation */
static const struct pick issue_picks[] = {
    {"repository",         "$repository"},
    {"id",                 "issue.number"},
    {0}};

/* subject.content      <- payload */
static const struct pick content[] = {
    {"repository.id",      "$source"},
    {"repository.source",  "$host"},
    {0}};

/* customData.github    <- payload */
static const struct pick commented[] = {
    {"author",             "comment.user.login?"},
    {"review",             "comment.pull_request_review_id?"},
    {0}};
static const struct pick changed[] = {{"author", "comment.user.login?"}, {0}};
static const struct pick threaded[] = {{"comments", "count(thread.comments)"}, {0}};

/* clang-format on */

/* A word by another than the author. Of a deleted account nobody knows. */
static bool is_by_another(struct delivery *d, const char *author)
{
    struct str by;
    struct str of;
    return delivery_text(d, "comment.user.login?", &by) && delivery_text(d, author, &of) &&
           by.len > 0 && of.len > 0 && !str_eq(by, of);
}

static bool first_comment(struct delivery *d, const char *author, const struct pick *picks)
{
    struct fact fact;
    if (!is_by_another(d, author)) {
        return d->out->fate != FATE_DEAD;
    }
    if (!delivery_fact(d, "change", picks, &fact)) {
        return false;
    }
    fact_time(&fact, "first_comment_at", d->at_us);
    return transform_add(d->in, d->out, &fact);
}

static bool review_comment(struct delivery *d)
{
    return first_comment(d, "pull_request.user.login?", review_picks);
}

static bool issue_comment(struct delivery *d)
{
    return first_comment(d, "issue.user.login?", issue_picks);
}

#define BY_ACTION_AND(path) "{$action},{" path "}"

/* clang-format off */
static const struct github_row pull_request_review_comment_rows[] = {
    {"RC1", "created", NULL, "change.updated", .time = "comment.created_at",
        .extra = BY_ACTION_AND("comment.id"), .content = content, .custom = commented,
        .facts = review_comment},
    {"RC2", "edited deleted", NULL, "change.updated", .time = "comment.updated_at",
        .extra = BY_ACTION_AND("comment.id"), .content = content, .custom = changed},
    {0}};

const struct github_event github_pull_request_review_comment = {
    .name = "pull_request_review_comment",
    .subject = "pull_request.url",
    .rows = pull_request_review_comment_rows};

static const struct github_row pull_request_review_thread_rows[] = {
    {"RT1", "resolved unresolved", NULL, "change.updated", .time = "pull_request.updated_at",
        .extra = BY_ACTION_AND("thread.node_id"), .content = content, .custom = threaded},
    {0}};

const struct github_event github_pull_request_review_thread = {
    .name = "pull_request_review_thread",
    .subject = "pull_request.url",
    .rows = pull_request_review_thread_rows};

static const struct github_row issue_comment_rows[] = {
    {"IC1", "created", issue_is_change, .gives = NULL, .time = "comment.created_at",
        .facts = issue_comment},
    {0}};

const struct github_event github_issue_comment = {
    .name = "issue_comment", .subject = "issue.pull_request.url", .rows = issue_comment_rows};
/* clang-format on */
