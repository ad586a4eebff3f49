/* release: a version is published, changed, withdrawn. */
#include "transform/github/github.h"

/* An older payload has no time of its change, so all of one release stand at its publication. */
enum { ORDINAL_CREATED, ORDINAL_PUBLISHED, ORDINAL_EDITED };

/* clang-format off */

/* model release         <- payload */
static const struct pick key_picks[] = {
    {"repository",          "$repository"},
    {"tag",                 "release.tag_name"},
    {0}};
static const struct pick state_picks[] = {
    {"name",                "release.name?"},
    {"url",                 "release.html_url?"},
    {"author",              "release.author.login?"},
    {"target",              "release.target_commitish?"},
    {"is_draft",            "release.draft"},
    {"is_prerelease",       "release.prerelease"},
    {"created_at",          "release.created_at?"},
    {"published_at",        "release.published_at?"},
    {0}};

/* subject.content       <- payload */
static const struct pick content_published[] = {{"user", "release.author.login?"}, {0}};
static const struct pick content_deleted[]   = {{"user", "sender.login?"}, {0}};

/* customData.github     <- payload */
static const struct pick published_custom[] = {
    {"prerelease",          "release.prerelease"},
    {"target",              "release.target_commitish"},
    {"name",                "release.name?"},
    {"url",                 "release.html_url"},
    {0}};

/* clang-format on */

static bool release(struct delivery *d, struct fact *fact, unsigned ordinal)
{
    int64_t updated_us = TIME_NONE;
    if (!delivery_time(d, "release.updated_at|release.published_at|release.created_at",
                       &updated_us)) {
        return false;
    }
    d->at_us = updated_us;
    if (!delivery_fact(d, "release", key_picks, fact) || !delivery_columns(d, fact, state_picks)) {
        return false;
    }
    fact_group(fact, "state", updated_us, ordinal);
    return true;
}

/* Published again after it was deleted, it is there again. */
static bool published(struct delivery *d)
{
    const int64_t published_us = d->at_us;
    struct fact fact;
    if (!release(d, &fact, ORDINAL_PUBLISHED)) {
        return false;
    }
    fact_group(&fact, "deleted", published_us, 0);
    return transform_add(d->in, d->out, &fact);
}

static bool edited(struct delivery *d)
{
    const bool is_created = str_eq(d->action, S("created"));
    const bool is_edited = str_eq(d->action, S("edited"));
    struct fact fact;
    return release(d, &fact,
                   is_created  ? ORDINAL_CREATED
                   : is_edited ? ORDINAL_EDITED
                               : ORDINAL_PUBLISHED) &&
           transform_add(d->in, d->out, &fact);
}

/* No payload tells when: the receipt does. */
static bool deleted(struct delivery *d)
{
    struct fact fact;
    if (!delivery_fact(d, "release", key_picks, &fact)) {
        return false;
    }
    fact_time(&fact, "deleted_at", d->at_us);
    fact_group(&fact, "deleted", d->at_us, 0);
    return transform_add(d->in, d->out, &fact);
}

/* clang-format off */
static const struct github_row release_rows[] = {
    {"RL1", "published", NULL, "artifact.published", .time = "release.published_at",
        .content = content_published, .custom = published_custom, .facts = published},
    {"RL2", "deleted unpublished", NULL, "artifact.deleted", .time = "$received",
        .extra = "$delivery", .content = content_deleted, .facts = deleted},
    {"RL3", "created edited prereleased released", NULL, NULL, .facts = edited},
    {0}};

const struct github_event github_release = {
    .name = "release", .subject = "$release", .rows = release_rows};
/* clang-format on */
