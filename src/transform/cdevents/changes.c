/* change.* and branch.*: changes and branches. */
#include "transform/cdevents/models.h"

/* Of events of one time, which state is the later one. */
enum { ORDINAL_OPEN, ORDINAL_CLOSED, ORDINAL_MERGED };

/* clang-format off */

/* model change           <- content */
#define CHANGE                                                                                     \
    {"repository",          "$repository"},                                                        \
    {"id",                  "$subject"}
static const struct pick created_picks[] = {
    CHANGE,
    {"title",               "description?"},
    {"created_at",          "$time"},
    {0}};
static const struct pick updated_picks[] = {CHANGE, {0}};
static const struct pick reviewed_picks[] = {
    CHANGE,
    {"first_review_at",     "$time"},
    {0}};
static const struct pick merged_picks[] = {
    CHANGE,
    {"merged_at",           "$time"},
    {"closed_at",           "$time"},
    {0}};
static const struct pick abandoned_picks[] = {
    CHANGE,
    {"closed_at",           "$time"},
    {0}};

/* model branch           <- content */
#define BRANCH                                                                                     \
    {"repository",          "$repository"},                                                        \
    {"name",                "$branch"}
static const struct pick branch_created[] = {
    BRANCH,
    {"created_at",          "$time"},
    {0}};
static const struct pick branch_deleted[] = {
    BRANCH,
    {"deleted_at",          "$time"},
    {0}};

/* clang-format on */

static bool created(struct delivery *d, struct fact *fact)
{
    fact_text(fact, "state", S("open"));
    fact_group(fact, "state", d->at_us, ORDINAL_OPEN);
    fact_group(fact, "what", cd_has(d, "description") ? d->at_us : CD_PARTLY, 0);
    return true;
}

static bool merged(struct delivery *d, struct fact *fact)
{
    fact_text(fact, "state", S("merged"));
    fact_group(fact, "state", d->at_us, ORDINAL_MERGED);
    return true;
}

static bool abandoned(struct delivery *d, struct fact *fact)
{
    fact_text(fact, "state", S("closed"));
    fact_group(fact, "state", d->at_us, ORDINAL_CLOSED);
    return true;
}

static bool is_there(struct delivery *d, struct fact *fact)
{
    fact_group(fact, "life", d->at_us, 0);
    return true;
}

static bool is_gone(struct delivery *d, struct fact *fact)
{
    fact_group(fact, "life", d->at_us, 1);
    return true;
}

const struct cd_row cd_changes[] = {
    {"change.created", "change", created_picks, created},
    {"change.updated", "change", updated_picks, NULL},
    {"change.reviewed", "change", reviewed_picks, NULL},
    {"change.merged", "change", merged_picks, merged},
    {"change.abandoned", "change", abandoned_picks, abandoned},
    {"branch.created", "branch", branch_created, is_there},
    {"branch.deleted", "branch", branch_deleted, is_gone},
    {0},
};
