/* create and delete: branches and tags come and go. `push` tells the same and more, with a better
 * time, so these are ignored unless the agent's option `refs` is `create`; then push gives no event
 * of it, so that none is told twice. */
#include "config/agents.h"
#include "transform/github/github.h"

/* clang-format off */

/* model branch          <- payload */
static const struct pick branch_picks[] = {
    {"repository",          "$repository"},
    {"name",                "ref"},
    {0}};

/* model release         <- payload */
static const struct pick tag_picks[] = {
    {"repository",          "$repository"},
    {"tag",                 "ref"},
    {0}};

/* subject.content       <- payload */
static const struct pick content_branch[] = {
    {"repository.id",       "$source"},
    {"repository.source",   "$host"},
    {0}};

/* customData.github     <- payload */
static const struct pick made[] = {
    {"name",                "ref"},
    {"pusher_type",         "pusher_type?"},
    {"default_branch",      "master_branch?"},
    {0}};
static const struct pick gone[] = {
    {"name",                "ref"},
    {"pusher_type",         "pusher_type?"},
    {0}};

/* clang-format on */

bool refs_are_told_by_create(const struct delivery *d)
{
    const struct github_options *const options = d->in->options;
    return options && options->refs == GITHUB_REFS_CREATE;
}

/* The head is push's to tell: these two have no sha. */
static bool branch(struct delivery *d, bool is_deleted)
{
    struct fact fact;
    struct str name;
    struct str by_default;
    if (!delivery_fact(d, "branch", branch_picks, &fact) || !delivery_text(d, "ref", &name) ||
        !delivery_text(d, "master_branch|repository.default_branch?", &by_default)) {
        return false;
    }
    if (by_default.len > 0) {
        fact_bool(&fact, "is_default", str_eq(name, by_default));
    }
    fact_time(&fact, "created_at", is_deleted ? TIME_NONE : d->at_us);
    fact_time(&fact, "deleted_at", is_deleted ? d->at_us : TIME_NONE);
    fact_group(&fact, "life", d->at_us, is_deleted);
    return transform_add(d->in, d->out, &fact);
}

static bool branch_created(struct delivery *d)
{
    return branch(d, false);
}

static bool branch_deleted(struct delivery *d)
{
    return branch(d, true);
}

static bool tag_created(struct delivery *d)
{
    struct fact fact;
    return delivery_fact(d, "release", tag_picks, &fact) && transform_add(d->in, d->out, &fact);
}

/* ---- which row ---- */

static bool is_of_type(struct delivery *d, struct str type)
{
    struct str is;
    return delivery_text(d, "ref_type", &is) && str_eq(is, type);
}

static bool is_branch(struct delivery *d)
{
    return is_of_type(d, S("branch")) && refs_are_told_by_create(d);
}

static bool is_branch_of_push(struct delivery *d)
{
    return is_of_type(d, S("branch")) && !refs_are_told_by_create(d);
}

static bool is_tag(struct delivery *d)
{
    return is_of_type(d, S("tag")) && refs_are_told_by_create(d);
}

static bool is_tag_of_push(struct delivery *d)
{
    return is_of_type(d, S("tag")) && !refs_are_told_by_create(d);
}

#define TAG "{$source}#refs/tags/{ref}"

/* clang-format off */
static const struct github_row create_rows[] = {
    {"CR1", NULL, is_branch, "branch.created", .time = "repository.pushed_at",
        .content = content_branch, .custom = made, .facts = branch_created},
    {"CR1", NULL, is_branch_of_push, .gives = NULL},
    {"CR2", NULL, is_tag, "cdeventsx.github-tag.created", TAG, "repository.pushed_at",
        .custom = made, .facts = tag_created},
    {"CR2", NULL, is_tag_of_push, .gives = NULL},
    {0}};

const struct github_event github_create = {
    .name = "create", .subject = "{$source}#refs/heads/{ref}", .rows = create_rows};

static const struct github_row delete_rows[] = {
    {"DE1", NULL, is_branch, "branch.deleted", .time = "repository.pushed_at",
        .content = content_branch, .custom = gone, .facts = branch_deleted},
    {"DE1", NULL, is_branch_of_push, .gives = NULL},
    {"DE2", NULL, is_tag, "cdeventsx.github-tag.deleted", TAG, "repository.pushed_at",
        .custom = gone},
    {"DE2", NULL, is_tag_of_push, .gives = NULL},
    {0}};

const struct github_event github_delete = {
    .name = "delete", .subject = "{$source}#refs/heads/{ref}", .rows = delete_rows};
/* clang-format on */
