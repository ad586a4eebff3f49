/* artifact.packaged, published, deleted: releases. That one was signed or downloaded changes
 * nothing of it. */
#include "transform/cdevents/models.h"

/* clang-format off */

/* model release          <- content */
#define RELEASE                                                                                    \
    {"repository",          "$repository"},                                                        \
    {"tag",                 "$subject"}
static const struct pick packaged_picks[] = {
    RELEASE,
    {"created_at",          "$time"},
    {"change_id",           "change.id"},
    {0}};
static const struct pick published_picks[] = {
    RELEASE,
    {"author",              "user?"},
    {"published_at",        "$time"},
    {0}};
static const struct pick deleted_picks[] = {
    RELEASE,
    {"deleted_at",          "$time"},
    {0}};

/* clang-format on */

/* Published again after it was deleted, it is there again. */
static bool published(struct delivery *d, struct fact *fact)
{
    fact_group(fact, "state", d->at_us, 0);
    fact_group(fact, "deleted", d->at_us, 0);
    return true;
}

static bool deleted(struct delivery *d, struct fact *fact)
{
    fact_group(fact, "deleted", d->at_us, 1);
    return true;
}

const struct cd_row cd_artifacts[] = {
    {"artifact.packaged", "release", packaged_picks, NULL},
    {"artifact.published", "release", published_picks, published},
    {"artifact.deleted", "release", deleted_picks, deleted},
    {0},
};
